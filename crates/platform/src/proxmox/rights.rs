//! What who asks may see (`/access/permissions`): who sees a part gets a part, and no answer says so.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::json::{flag, text};

/// The rights to see, and the paths below which they count.
const AUDITS: [(&str, &str); 3] = [
    ("VM.Audit", "/vms"),
    ("Sys.Audit", "/nodes"),
    ("Datastore.Audit", "/storage"),
];

/// The rights to see that do not reach everything, sorted. Each path has its rights, and whether they count below it.
pub(crate) fn unseen(content: &Value) -> BTreeSet<&'static str> {
    let reaches = |(right, top): &(&str, &str)| {
        let down = |path: &str| {
            let rights = content.get(path);
            rights.is_none_or(|rights| flag(rights, right) == Some(true))
        };
        content.get("/").is_some() && down("/") && down(top) && !is_taken_below(content, right, top)
    };
    let missing = AUDITS.iter().filter(|audit| !reaches(audit));
    missing.map(|(right, _)| *right).collect()
}

/// Rights on a path replace those from above.
fn is_taken_below(content: &Value, right: &str, top: &str) -> bool {
    let mut paths = content.as_object().into_iter().flatten();
    paths.any(|(path, rights)| {
        let below = path
            .strip_prefix(top)
            .is_some_and(|rest| rest.starts_with('/'));
        below && text(rights, right).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(content: Value) -> Vec<&'static str> {
        unseen(&content).into_iter().collect()
    }

    #[test]
    fn rights_that_reach_everything_hide_nothing() {
        let all = serde_json::json!({"VM.Audit": 1, "Sys.Audit": 1, "Datastore.Audit": 1});
        let leaf = serde_json::json!({"VM.Audit": 0, "VM.PowerMgmt": 0});
        assert_eq!(told(serde_json::json!({"/": all})), [""; 0]);
        let whole = serde_json::json!({"/": all, "/vms": all, "/vms/100": leaf, "/access": {}});
        assert_eq!(told(whole), [""; 0]);
    }

    #[test]
    fn rights_on_a_part_are_told_by_what_is_missing() {
        let every = ["Datastore.Audit", "Sys.Audit", "VM.Audit"];
        let all = serde_json::json!({"VM.Audit": 1, "Sys.Audit": 1, "Datastore.Audit": 1});
        assert_eq!(told(Value::Null), every);
        assert_eq!(told(serde_json::json!({})), every);
        assert_eq!(told(serde_json::json!({"/vms/100": all})), every);
        let here = serde_json::json!({"/": {"VM.Audit": 0, "Sys.Audit": 1, "Datastore.Audit": 1}});
        assert_eq!(told(here), ["VM.Audit"]);
        let taken = serde_json::json!({"/": all, "/vms/100": {"VM.PowerMgmt": 1}});
        assert_eq!(told(taken), ["VM.Audit"]);
        let storage = serde_json::json!({"/": all, "/storage": {"Datastore.AllocateSpace": 1}});
        assert_eq!(told(storage), ["Datastore.Audit"]);
    }
}

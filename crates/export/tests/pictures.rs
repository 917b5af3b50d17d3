//! What stands on a picture, and what does not.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::{entity, made, need, office};
use serde_json::json;

#[test]
fn graphml_tells_what_a_need_is_and_leaves_out_what_is_wrong() {
    let xml = groma_export::graphml(&office());
    for told in [
        r#"<key id="e_port" for="edge" attr.name="port" attr.type="int"/>"#,
        r#"<key id="e_hidden" for="edge" attr.name="hidden" attr.type="boolean"/>"#,
        r#"<node id="ent-mail">"#,
        r#"<edge id="dep-1" source="ent-mail" target="ent-dc">"#,
        r#"<data key="e_port">389</data>"#,
        r#"<data key="e_hidden_because">address-literal device-without-agent</data>"#,
        r#"<data key="e_verdict">confirmed</data>"#,
        r#"<data key="n_site">Dublin (East)</data>"#,
        r#"<data key="n_system">company mail</data>"#,
        r#"<node id="ent-gone">"#,
    ] {
        assert!(xml.contains(told), "{told}");
    }
    for silent in ["dep-3", "5432", "ent-cert"] {
        assert!(!xml.contains(silent), "{silent}");
    }
    assert_eq!(
        xml.matches("<data key=\"e_port\">").count(),
        3,
        "a need without a port has none"
    );
}

#[test]
fn dot_dashes_what_is_hidden_greys_what_was_not_seen_and_stacks_the_layers() {
    let dot = groma_export::dot(&office());
    let hidden: Vec<&str> = dot.lines().filter(|line| line.contains("dashed")).collect();
    assert_eq!(hidden.len(), 1);
    assert!(
        hidden[0].contains("gray") && hidden[0].contains("smtp-relay 25"),
        "{hidden:?}"
    );
    let at = |layer: &str| dot.find(&format!("label=\"{layer}\"")).unwrap();
    assert!(
        at("virtualization") < at("os")
            && at("os") < at("identity")
            && at("identity") < at("endpoint")
    );
    assert!(!dot.contains("5432"));
}

#[test]
fn mermaid_draws_a_small_estate_whole() {
    let mermaid = groma_export::mermaid(&office());
    assert!(
        mermaid.starts_with("%% 6 things, 4 needs\nflowchart BT\n"),
        "{mermaid}"
    );
    assert!(!mermaid.contains("fold") && !mermaid.contains("sql"));
    assert!(mermaid.contains("-.->|\"smtp-relay\"|") && mermaid.contains("-->|\"ldap-bind\"|"));
    assert!(mermaid.contains("linkStyle ") && mermaid.contains(" stroke:gray"));
}

/// `many` hosts, each of which needs a name server and the host after it.
fn large(many: usize) -> groma_model::inventory::Inventory {
    let mut large = serde_json::to_value(common::empty()).unwrap();
    let (mut entities, mut needs) = (Vec::new(), Vec::new());
    for number in 0..many {
        let id = |n: usize| format!("ent-{:05}", n % many);
        let name = |n: usize| format!("host{}", n % many);
        let mut one = entity(&id(number), "host", &name(number), &[]);
        one["layer"] = json!(if number % 2 == 0 { "os" } else { "database" });
        entities.push(one);
        let mut dns = need(
            &format!("dep-d{number}"),
            "dns",
            (&id(number), &name(number)),
            (&id(0), &name(0)),
            53,
        );
        dns["shared_service"] = json!(true);
        needs.push(dns);
        needs.push(need(
            &format!("dep-{number}"),
            "sql",
            (&id(number), &name(number)),
            (&id(number + 1), &name(number + 1)),
            5432,
        ));
    }
    large["entities"] = json!(entities);
    large["dependencies"] = json!(needs);
    made(large)
}

#[test]
fn mermaid_folds_what_is_too_large_and_says_how_much() {
    let shared = groma_export::mermaid(&large(300));
    assert!(shared.starts_with("%% 300 things, 600 needs\n%% folded away, too many to draw, 300 needs of services nearly everybody needs\nflowchart"));
    assert_eq!(shared.matches("-->").count(), 300);
    let groups = groma_export::mermaid(&large(2000));
    assert!(
        groups.contains("%% folded into 2 boxes, too many to draw, with 0 needs within one box\n"),
        "{groups}"
    );
    assert!(
        groups.contains("#40;1000#41;\"]") && groups.contains("sql #40;1000#41;"),
        "{groups}"
    );
    assert_eq!(groups.matches("-->").count(), 2);
}

#[test]
fn mermaid_counts_even_what_no_fold_can_show() {
    // A layer of its own for each thing: nothing is left to fold by.
    let mut estate = large(3000);
    for (number, entity) in estate.entities.iter_mut().enumerate() {
        entity.layer = format!("layer {number}");
    }
    let text = groma_export::mermaid(&estate);
    assert!(text.encode_utf16().count() <= 50_000 && text.matches("-->").count() <= 400);
    let line = text
        .lines()
        .find(|line| line.contains("not drawn at all"))
        .unwrap();
    let untold: usize = line.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert_eq!(untold + text.matches("-->").count(), 3000, "{line}");
}

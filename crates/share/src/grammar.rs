//! Texts of one row that have a grammar of their own: what a wave promises, and who closed a risk.

use groma_model::registry::REGISTRY;
use groma_model::wave::Expectation;

use crate::known::{Both, Known};
use crate::names::Names;

/// What stands before the name of whoever closed a row of the register (crates/check/src/register.rs).
const CLOSED_BY: &str = " (closed by ";

/// Learns both ends of a promised dependency.
pub(crate) fn learn_expected(line: &str, known: &mut Known, both: &mut Both) {
    if let Ok(Expectation {
        consumer, provider, ..
    }) = line.parse()
    {
        for name in consumer.iter().chain([&provider]) {
            known.learn("host", name, both);
        }
    }
}

/// A promised dependency between pseudonyms. The document takes no other line than one it can read, so what cannot be read
/// becomes one as well.
pub(crate) fn expected(names: &Names<'_>, line: &str) -> String {
    let shown = line.parse().ok().map(|expectation: Expectation| {
        let end = |name: String| names.thing("host", &name);
        Expectation {
            consumer: expectation.consumer.map(end),
            provider: end(expectation.provider),
            ..expectation
        }
        .to_string()
    });
    let reads = |shown: &String| shown.parse::<Expectation>().is_ok();
    shown.filter(reads).unwrap_or_else(|| {
        let first = line.split_whitespace().next().unwrap_or_default();
        let mut kinds = REGISTRY.dependencies.keys();
        let kind = kinds.clone().find(|kind| kind.as_str() == first);
        let kind = kind.or(kinds.next()).map_or("", |kind| kind.as_str());
        format!("{kind} to {}", names.label("host", line))
    })
}

/// What a person said when closing a row, and the name behind it.
pub(crate) fn closed_by(text: &str) -> Option<(&str, &str)> {
    let (because, name) = text.strip_suffix(')')?.rsplit_once(CLOSED_BY)?;
    (!name.trim().is_empty()).then_some((because, name))
}

/// The two together again.
pub(crate) fn closing(because: &str, name: &str) -> String {
    format!("{because}{CLOSED_BY}{name})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ShareKey;

    #[test]
    fn a_promise_keeps_its_kind_and_port_and_loses_its_names() {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        let host = |name: &str| names.thing("host", name);
        for (line, wanted) in [
            (
                "smtp-relay from backup to imap.corp.example:25",
                format!(
                    "smtp-relay from {} to {}:25",
                    host("backup"),
                    host("imap.corp.example")
                ),
            ),
            (
                "smtp-relay to smtp-relay",
                format!("smtp-relay to {}", host("smtp-relay")),
            ),
            (
                "smtp-relay from 10.1.2.3 to [2001:db8::1]:25",
                format!(
                    "smtp-relay from {} to [{}]:25",
                    host("10.1.2.3"),
                    host("2001:db8::1")
                ),
            ),
        ] {
            assert_eq!(expected(&names, line), wanted, "{line}");
        }
    }

    #[test]
    fn a_line_nobody_can_read_becomes_one_that_can_be_read() {
        let key = ShareKey::new([5; 32]);
        let names = Names::new(&key);
        for line in [
            "",
            "ask Xaver",
            "smtp-relay to xaver:99999",
            "smtp-relay to [xaver:y]",
            "xaver to xaver",
        ] {
            let shown = expected(&names, line);
            assert!(shown.parse::<Expectation>().is_ok(), "{line:?}: {shown}");
            assert!(!shown.to_lowercase().contains("xaver"), "{shown}");
        }
        assert!(expected(&names, "smtp-relay to x:0").starts_with("smtp-relay to host-"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_wave_promises_is_a_promise_without_its_names(
            kind in "(imap|backup|qxkind)", from in "( from qxqzv[!-~]{0,12})?", to in "qxqzv[!-~]{0,12}",
        ) {
            let key = ShareKey::new([5; 32]);
            let shown = expected(&Names::new(&key), &format!("{kind}{from} to {to}"));
            proptest::prop_assert!(shown.parse::<Expectation>().is_ok(), "{}", shown);
            proptest::prop_assert!(!shown.contains("qxqzv"), "{}", shown);
        }
    }

    #[test]
    fn who_closed_a_row_stands_behind_what_was_said() {
        assert_eq!(closed_by("done (closed by grant)"), Some(("done", "grant")));
        assert_eq!(closed_by("not looked at since 2026-11-20: mail1"), None);
    }
}

//! `one-host-key`

use groma_model::fact::ServiceAnswer;
use groma_model::inventory::{Inventory, ListenerEntry};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "one-host-key";

fn shell(host: &str, port: u16, key: &str) -> ListenerEntry {
    ListenerEntry {
        answer: Some(ServiceAnswer {
            protocol: "ssh".to_owned(),
            host_keys: vec![key.to_owned()],
            ..ServiceAnswer::default()
        }),
        ..listener(host, port, "")
    }
}

fn estate(listeners: Vec<ListenerEntry>) -> Inventory {
    let hosts = vec![entity("host", "nas1"), entity("host", "nas2")];
    let mut inventory = inventory(hosts, Vec::new());
    inventory.listeners = listeners;
    inventory
}

pub(crate) fn positive() -> Inventory {
    estate(vec![
        shell("nas1", 22, "SHA256:one"),
        shell("nas2", 22, "SHA256:one"),
    ])
}

/// One machine at two ports, and another with its own key.
pub(crate) fn negative() -> Inventory {
    estate(vec![
        shell("nas1", 22, "SHA256:one"),
        shell("nas1", 2222, "SHA256:one"),
        shell("nas2", 22, "SHA256:two"),
    ])
}

#[test]
fn two_machines_with_one_key_are_maybe_one_and_are_told_once() {
    let finding = only(CHECK, &positive());
    assert!(
        finding.risk.contains("maybe the same machine"),
        "{}",
        finding.risk
    );
    assert!(finding.indicator.contains("SHA256:one"));
    assert!(found(CHECK, &negative()).is_empty());
    let mut two = positive();
    two.listeners.extend([
        shell("nas1", 22, "SHA256:other"),
        shell("nas2", 22, "SHA256:other"),
    ]);
    assert_eq!(found(CHECK, &two).len(), 1);
}

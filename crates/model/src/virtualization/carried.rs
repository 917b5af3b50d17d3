//! Needs that say who carries whom. A platform moves that about by itself, and whoever has its list has it.

use crate::Witness;

/// A guest runs on a host, a switch of a host on that host.
pub const RUNS_ON: &str = "runs-on";
/// Disks lie on a datastore, a datastore on a share; and what a machine mounts lies elsewhere.
pub const STORED_ON: &str = "stored-on";
/// A card is plugged into a switch.
pub const ATTACHED_TO: &str = "attached-to";

/// True for the kinds that say on what a thing stands, rather than whom it asks.
pub fn is_foundation(kind: &str) -> bool {
    matches!(kind, RUNS_ON | STORED_ON | ATTACHED_TO)
}

/// True for a need that is a platform's to change: on which host, datastore or switch a guest is.
///
/// The guest may know its host from inside as well, or alone; it is the platform that moves it. A share that a machine mounts
/// itself is its own work, whoever else says so.
pub fn is_carried(kind: &str, witnesses: &[Witness]) -> bool {
    match kind {
        RUNS_ON => true,
        ATTACHED_TO => witnesses.contains(&Witness::Declared),
        STORED_ON => witnesses == [Witness::Declared],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_carried_whoever_says_so_and_a_share_it_mounts_is_its_own_work() {
        let (live, declared) = (Witness::Live, Witness::Declared);
        for witnesses in [&[declared][..], &[live], &[live, declared]] {
            assert!(is_carried(RUNS_ON, witnesses), "{witnesses:?}");
        }
        assert!(is_carried(STORED_ON, &[declared]));
        assert!(is_carried(ATTACHED_TO, &[live, declared]));
        for (kind, witnesses) in [
            (STORED_ON, &[live][..]),
            (STORED_ON, &[Witness::Written]),
            (STORED_ON, &[live, declared]),
            ("ldap-bind", &[declared]),
            ("http", &[live]),
        ] {
            assert!(!is_carried(kind, witnesses), "{kind} {witnesses:?}");
        }
        assert!(is_foundation(STORED_ON) && !is_foundation("http"));
    }
}

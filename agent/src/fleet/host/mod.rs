//! What this machine says of itself to the person who approves it.

#[cfg(not(windows))]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(not(windows))]
use linux as system;
#[cfg(windows)]
use windows as system;

use groma_model::fleet::AgentHost;
use groma_model::id::digest;

/// The machine as it is now. Both sides show the fingerprint, so that a person can compare; it is no identity.
pub(crate) fn this_host() -> AgentHost {
    let told = system::told();
    AgentHost {
        name: told.name,
        system: format!("{}, {}", told.system, std::env::consts::ARCH),
        fingerprint: fingerprint(&told.installation, &told.hardware, &told.cards),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What a system tells of itself.
struct ToldOfHost {
    name: String,
    system: String,
    installation: String,
    hardware: String,
    cards: Vec<String>,
}

/// Sixteen letters over what a copy on another machine has differently: the installation, the hardware, the network cards.
fn fingerprint(machine: &str, hardware: &str, cards: &[String]) -> String {
    let mut parts = vec![machine, hardware];
    parts.extend(cards.iter().map(String::as_str));
    let mut whole = digest(&parts);
    whole.truncate(16);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_card_is_another_fingerprint_and_the_same_machine_the_same() {
        let with = |card: &str| fingerprint("m", "h", &[card.to_owned()]);
        assert_eq!(with("02:00:00:00:00:01"), with("02:00:00:00:00:01"));
        assert_ne!(with("02:00:00:00:00:01"), with("02:00:00:00:00:02"));
        assert_eq!(this_host().fingerprint, this_host().fingerprint);
    }
}

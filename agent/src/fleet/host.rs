//! What this machine says of itself to the person who approves it.

use std::fs;
use std::path::Path;

use groma_model::fleet::AgentHost;
use groma_model::id::digest;

/// Files of the kernel are short.
const BYTES_MAX: usize = 4 << 10;

/// The machine as it is now. Both sides show the fingerprint, so that a person can compare; it is no identity.
pub(crate) fn this_host() -> AgentHost {
    let at = |path: &str| line(Path::new(path));
    let system = fs::read_to_string("/etc/os-release").ok();
    let system = system
        .as_deref()
        .and_then(pretty_name)
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    AgentHost {
        name: at("/proc/sys/kernel/hostname"),
        system: format!("{system}, {}", std::env::consts::ARCH),
        fingerprint: fingerprint(
            &at("/etc/machine-id"),
            &at("/sys/class/dmi/id/product_uuid"),
            &cards(),
        ),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Sixteen letters over what a copy on another machine has differently: the installation, the hardware, the network cards.
fn fingerprint(machine: &str, hardware: &str, cards: &[String]) -> String {
    let mut parts = vec![machine, hardware];
    parts.extend(cards.iter().map(String::as_str));
    let mut whole = digest(&parts);
    whole.truncate(16);
    whole
}

/// Addresses of network cards: of real ones where there are any, since bridges and containers come and go.
fn cards() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let all = entries.flatten().take(256).map(|entry| {
        let path = entry.path();
        (path.join("device").exists(), line(&path.join("address")))
    });
    let all: Vec<(bool, String)> = all.filter(|(_, address)| !address.is_empty()).collect();
    let real = all.iter().any(|(real, _)| *real);
    let is_none = |address: &str| address.chars().all(|c| c == '0' || c == ':');
    let chosen = all
        .into_iter()
        .filter(|(is_real, address)| (!real || *is_real) && !is_none(address));
    let mut chosen: Vec<String> = chosen.map(|(_, address)| address).collect();
    chosen.sort();
    chosen.dedup();
    chosen
}

fn line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().chars().take(BYTES_MAX).collect()
}

/// PRETTY_NAME of os-release(5).
fn pretty_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
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

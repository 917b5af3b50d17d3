//! What Linux tells of this machine.

use std::fs;
use std::path::Path;

use super::ToldOfHost;

/// Files of the kernel are short.
const BYTES_MAX: usize = 4 << 10;

pub(super) fn told() -> ToldOfHost {
    let at = |path: &str| line(Path::new(path));
    let system = fs::read_to_string("/etc/os-release").ok();
    let system = system.as_deref().and_then(pretty_name);
    ToldOfHost {
        name: at("/proc/sys/kernel/hostname"),
        system: system.unwrap_or_else(|| std::env::consts::OS.to_owned()),
        installation: at("/etc/machine-id"),
        hardware: at("/sys/class/dmi/id/product_uuid"),
        cards: cards(),
    }
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

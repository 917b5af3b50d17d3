//! What is told from inside a guest, by its helper.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::HostName;
use groma_model::virtualization::Tools;
use serde_json::Value;

use crate::json::{as_text, flag, text};

/// Most addresses of a guest.
const ADDRESSES_MAX: usize = 500;

/// What was told from inside.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    pub(super) os: Option<String>,
    pub(super) host_name: Option<HostName>,
    version: Option<String>,
    /// Addresses by the number of the card, as they are written.
    addresses: BTreeMap<String, BTreeSet<String>>,
    /// Whether drivers for Xen were met.
    has_drivers: Option<bool>,
    is_alive: Option<bool>,
}

impl Inside {
    /// Out of a record of `VM_guest_metrics`; nothing where there is none.
    pub(super) fn of(record: Option<&Value>) -> Self {
        let Some(record) = record else {
            return Self::default();
        };
        Self {
            os: system(record),
            host_name: host_name(record),
            version: version(record),
            addresses: addresses(record),
            has_drivers: flag(record, "PV_drivers_detected"),
            is_alive: flag(record, "live"),
        }
    }

    /// Addresses of the card with this number, as they are written.
    pub(super) fn addresses_of(&self, card: &str) -> impl Iterator<Item = &str> {
        let found = self.addresses.get(card).into_iter().flatten();
        found.map(String::as_str)
    }

    /// The helper of a guest that runs. Drivers alone are no helper: every Linux has them.
    pub(super) fn tools(&self) -> Tools {
        let told = self.os.is_some() || self.version.is_some() || !self.addresses.is_empty();
        let installed = match (told, self.has_drivers) {
            (true, _) => Some(true),
            (false, Some(false)) => Some(false),
            (false, _) => None,
        };
        Tools {
            installed,
            running: Some(told && self.is_alive != Some(false)),
            version: self.version.clone(),
            outdated: None,
        }
    }
}

/// Windows adds where it is installed, behind a bar.
fn system(record: &Value) -> Option<String> {
    let of = record.get("os_version")?;
    let name = text(of, "name");
    let name = name.and_then(|name| name.split('|').next().and_then(crate::json::short));
    let parts = || {
        let version = match (text(of, "major"), text(of, "minor")) {
            (Some(major), Some(minor)) => format!(" {major}.{minor}"),
            (Some(major), None) => format!(" {major}"),
            _ => String::new(),
        };
        Some(format!("{}{version}", text(of, "distro")?))
    };
    name.or_else(parts)
}

fn host_name(record: &Value) -> Option<HostName> {
    let of = record.get("netbios_name")?;
    let name = text(of, "host_name")?;
    let whole = text(of, "dns_domain").filter(|_| !name.contains('.'));
    let whole = whole.and_then(|domain| HostName::parse(&format!("{name}.{domain}")));
    whole.or_else(|| HostName::parse(&name))
}

/// The helper's, as far as it tells one: `-1` stands for none.
fn version(record: &Value) -> Option<String> {
    let of = record.get("PV_drivers_version")?;
    let keys = ["major", "minor", "micro", "build"];
    let parts: Vec<String> = keys.iter().map_while(|key| text(of, key)).collect();
    let known = !parts.is_empty() && parts.iter().all(|part| part != "-1");
    known.then(|| parts.join("."))
}

/// `0/ip`, `0/ipv4/1` and `0/ipv6/0`: the number of the card, then the kind and number of the address.
fn addresses(record: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let networks = record.get("networks").and_then(Value::as_object);
    for (key, value) in networks.into_iter().flatten().take(ADDRESSES_MAX) {
        let Some((card, rest)) = key.split_once('/') else {
            continue;
        };
        let is_address = rest == "ip" || rest.starts_with("ipv4/") || rest.starts_with("ipv6/");
        if let (true, Some(address)) = (is_address, as_text(value)) {
            found.entry(card.to_owned()).or_default().insert(address);
        }
    }
    found
}

//! What is told from inside a guest: by the QEMU guest agent, or by a container's own interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::HostName;
use groma_model::virtualization::{Guest, Tools};
use serde_json::Value;

use crate::json::{items, list, text};
use crate::words::{lasting, mac_address};

/// Most interfaces and addresses of a guest.
const INTERFACES_MAX: usize = 500;
const ADDRESSES_MAX: usize = 100;

/// What was told from inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inside {
    /// Whether the agent answered; `None` while nobody asked it.
    pub(crate) answered: Option<bool>,
    by_mac: BTreeMap<String, BTreeSet<IpAddr>>,
    os: Option<String>,
    host_name: Option<HostName>,
}

impl Inside {
    /// `agent/network-get-interfaces`, or `interfaces` of a container. What has another hardware address than the cards of the
    /// guest (its loopback, its own bridges) is met nowhere else, and is left out with [`Inside::tell`].
    pub(crate) fn interfaces(&mut self, answer: &Value) {
        let interfaces = answer.get("result").unwrap_or(answer);
        for interface in items(interfaces, INTERFACES_MAX) {
            let mac = text(interface, "hardware-address").or_else(|| text(interface, "hwaddr"));
            let Some(mac) = mac.as_deref().and_then(mac_address) else {
                continue;
            };
            let told = list(interface, "ip-addresses", ADDRESSES_MAX);
            let told = told.filter_map(written);
            let plain = ["inet", "inet6"]
                .iter()
                .filter_map(|key| text(interface, key));
            // Each with the length of its network where that is told, and `mac` is that of its card.
            let found = told.chain(plain);
            let found = found.filter_map(|text| lasting(&text, Some(&mac)));
            let found: Vec<IpAddr> = found.collect();
            self.by_mac.entry(mac).or_default().extend(found);
        }
    }

    /// `agent/get-osinfo`.
    pub(crate) fn system(&mut self, answer: &Value) {
        let result = answer.get("result").unwrap_or(answer);
        let both = || {
            Some(format!(
                "{} {}",
                text(result, "name")?,
                text(result, "version")?
            ))
        };
        self.os = text(result, "pretty-name")
            .or_else(both)
            .or_else(|| text(result, "name"));
    }

    /// `agent/get-host-name`.
    pub(crate) fn host_name(&mut self, answer: &Value) {
        let result = answer.get("result").unwrap_or(answer);
        self.host_name = text(result, "host-name").and_then(|name| HostName::parse(&name));
    }

    /// Adds it to what the settings tell.
    pub(crate) fn tell(&self, guest: &mut Guest) {
        for nic in &mut guest.nics {
            let found = nic.mac.as_ref().and_then(|mac| self.by_mac.get(mac));
            let mut all: BTreeSet<IpAddr> = nic.addresses.drain(..).collect();
            all.extend(found.into_iter().flatten());
            nic.addresses = all.into_iter().collect();
        }
        guest.reported_os = self.os.clone();
        guest.host_name = self.host_name.clone().or(guest.host_name.take());
        guest.tools = self.answered.map(|answered| Tools {
            installed: answered.then_some(true),
            running: Some(answered),
            ..Tools::default()
        });
    }
}

/// An address of the helper, as `fd00::1/64`.
fn written(told: &Value) -> Option<String> {
    let address = text(told, "ip-address")?;
    Some(match text(told, "prefix") {
        Some(length) => format!("{address}/{length}"),
        None => address,
    })
}

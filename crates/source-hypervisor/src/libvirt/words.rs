//! What numbers and names that a daemon tells mean.

use std::net::IpAddr;

use groma_model::virtualization::{Guest, Power};
use groma_platform::{mac_address, reaches_beyond_its_link, steady};

use super::daemon::{Leased, Teller};

/// Addresses of one card that are read.
const ADDRESSES_MAX: usize = 256;

/// What is neither free nor given back when it is needed.
pub(super) fn in_use(memory: &[(String, u64)]) -> Option<u64> {
    let of = |name: &str| {
        memory
            .iter()
            .find(|(told, _)| told == name)
            .map(|(_, kib)| *kib)
    };
    let given_back = of("buffers")
        .unwrap_or(0)
        .saturating_add(of("cached").unwrap_or(0));
    let used = of("total")?
        .saturating_sub(of("free")?)
        .saturating_sub(given_back);
    used.checked_mul(1024)
}

/// libvirt's numbers for states: a guest that was saved stands still, whatever else it is called.
pub(super) fn power((state, reason): (i32, i32)) -> Option<Power> {
    const SAVED: i32 = 5;
    match (state, reason) {
        (1 | 2 | 4, _) => Some(Power::On),
        (3 | 7, _) | (5, SAVED) => Some(Power::Suspended),
        (5 | 6, _) => Some(Power::Off),
        _ => None,
    }
}

/// Puts addresses to the card they were told of. A lease lasts; what the helper tells may be another address tomorrow.
pub(super) fn told_to(guest: &mut Guest, told: Vec<Leased>, by: Teller) {
    for one in told {
        let mac = one.mac.as_deref().and_then(mac_address);
        let mut nics = guest.nics.iter_mut();
        let Some(nic) = nics.find(|nic| nic.mac.is_some() && nic.mac == mac) else {
            continue;
        };
        let lasts = |address: &IpAddr, length: u32| {
            by == Teller::Leases || steady(&format!("{address}/{length}"), mac.as_deref())
        };
        let all = one.addresses.into_iter().take(ADDRESSES_MAX);
        let lasting = all.filter(|(address, length)| lasts(address, *length));
        let lasting = lasting.filter_map(|(address, _)| reaches_beyond_its_link(address));
        nic.addresses.extend(lasting);
        nic.addresses.sort();
        nic.addresses.dedup();
    }
}

/// A name that a stranger gave, for a person.
pub(super) fn shown(name: &str) -> String {
    groma_model::visible::visible(name)
        .chars()
        .take(80)
        .collect()
}

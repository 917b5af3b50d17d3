//! The settings of a container (pct.conf(5)) become a guest.

use std::net::IpAddr;

use groma_model::HostName;
use groma_model::virtualization::{Guest, GuestNic, GuestSort, Passthrough, PassthroughSort};

use super::disk::{Place, mounts};
use super::machine::card;
use super::property::Properties;
use super::settings::Settings;
use crate::words::{mac_address, reachable};

/// A container as its settings tell it. It has no UUID, no firmware and no kernel of its own.
pub(crate) fn container(guest: &mut Guest, settings: &Settings, place: &Place<'_>) {
    if guest.sort == GuestSort::Machine {
        guest.sort = GuestSort::Container;
    }
    guest.processors = settings.number("cores").or(guest.processors);
    let mebibytes = settings.number("memory").unwrap_or(512_u64);
    guest.memory_bytes = mebibytes.checked_mul(1 << 20);
    guest.disks = mounts(settings, place);
    guest.nics = cards(settings);
    guest.passthrough = devices(settings);
    guest.configured_os = settings.value("ostype").map(str::to_owned);
    // The platform writes it into the container each time it starts.
    guest.host_name = settings.value("hostname").and_then(HostName::parse);
}

fn cards(settings: &Settings) -> Vec<GuestNic> {
    let cards = settings.numbered("net").into_iter();
    cards
        .map(|(name, value)| {
            let properties = Properties::of(value);
            let written = ["ip", "ip6"]
                .into_iter()
                .filter_map(|key| properties.value(key));
            // `dhcp`, `manual` and `auto` are no addresses.
            let mut addresses: Vec<IpAddr> = written.filter_map(reachable).collect();
            addresses.sort();
            GuestNic {
                mac: properties.value("hwaddr").and_then(mac_address),
                model: properties.value("type").map(str::to_owned),
                addresses,
                ..card(name, &properties)
            }
        })
        .collect()
}

/// `dev0: /dev/ttyUSB0,mode=0660`. What every host has (`/dev/fuse`, `/dev/net/tun`, `/dev/kvm`) is none.
fn devices(settings: &Settings) -> Vec<Passthrough> {
    let devices = settings.numbered("dev").into_iter();
    let mut found: Vec<Passthrough> = devices
        .filter_map(|(_, value)| {
            let path = Properties::of(value).first_or("path")?;
            Some(Passthrough {
                sort: sort_of(path)?,
                what: path.to_owned(),
            })
        })
        .collect();
    found.sort();
    found
}

fn sort_of(path: &str) -> Option<PassthroughSort> {
    let name = path.strip_prefix("/dev/")?;
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if begins(&[
        "ttyUSB",
        "ttyACM",
        "bus/usb",
        "usb/",
        "hidraw",
        "serial/by-id/usb",
    ]) {
        Some(PassthroughSort::Usb)
    } else if begins(&["dri/", "nvidia", "kfd"]) {
        Some(PassthroughSort::Gpu)
    } else if begins(&["ttyS", "ttyAMA", "parport", "lp", "serial/"]) {
        Some(PassthroughSort::Port)
    } else if begins(&["sg", "st", "nst"]) {
        Some(PassthroughSort::Scsi)
    } else {
        None
    }
}

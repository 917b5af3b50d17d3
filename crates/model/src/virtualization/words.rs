//! What these facts say to a person, and short answers about them.

use std::net::IpAddr;

use super::{
    Cluster, Datastore, Guest, GuestSort, Hypervisor, Platform, PlatformKind, VirtualSwitch,
};
use crate::Foreign;

impl PlatformKind {
    /// As its makers call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
            Self::Vsphere => "VMware vSphere",
            Self::Proxmox => "Proxmox VE",
            Self::HyperV => "Hyper-V",
            Self::Xapi => "XCP-ng",
            Self::Ovirt => "oVirt",
            Self::Other => "a virtualization platform",
        }
    }

    /// The word for files and marks: as serde writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
            Self::Vsphere => "vsphere",
            Self::Proxmox => "proxmox",
            Self::HyperV => "hyper-v",
            Self::Xapi => "xapi",
            Self::Ovirt => "ovirt",
            Self::Other => "other",
        }
    }
}

impl Platform {
    /// The subject of measurements of the thing with `key`.
    pub fn subject(&self, key: &str) -> Foreign {
        Foreign::from(format!("{}:{}/{key}", self.kind.word(), self.id))
    }
}

impl Guest {
    /// All MAC addresses of its cards, in their order.
    pub fn macs(&self) -> impl Iterator<Item = &str> {
        self.nics.iter().filter_map(|nic| nic.mac.as_deref())
    }

    /// All addresses of its cards, in their order.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.nics
            .iter()
            .flat_map(|nic| nic.addresses.iter().copied())
    }

    /// What all its disks may hold together; `None` without a disk, or where the size of one is not told.
    pub fn capacity_bytes(&self) -> Option<u64> {
        let sizes: Option<Vec<u64>> = self.disks.iter().map(|disk| disk.capacity_bytes).collect();
        let sizes = sizes.filter(|sizes| !sizes.is_empty())?;
        Some(sizes.into_iter().fold(0, u64::saturating_add))
    }

    /// One line a person understands.
    pub fn says(&self) -> String {
        let what = match self.sort {
            GuestSort::Machine => "virtual machine",
            GuestSort::Container => "container",
            GuestSort::Template => "template",
        };
        format!(
            "{} knows the {what} {}",
            self.platform.kind.title(),
            self.name
        )
    }
}

impl Hypervisor {
    /// The key of one of its switches. One that spans hosts is the same on all of them; one of a host is that host's.
    pub fn switch_key(&self, switch: &VirtualSwitch) -> String {
        let own = switch.key.as_ref().unwrap_or(&switch.name);
        match switch.distributed {
            true => format!("switch/{own}"),
            false => format!("switch/{}/{own}", self.key),
        }
    }

    /// One line a person understands.
    pub fn says(&self) -> String {
        format!(
            "{} runs guests on {}",
            self.platform.kind.title(),
            self.name
        )
    }
}

impl Cluster {
    /// One line a person understands.
    pub fn says(&self) -> String {
        format!(
            "{} has the cluster {}",
            self.platform.kind.title(),
            self.name
        )
    }
}

impl Datastore {
    /// One line a person understands.
    pub fn says(&self) -> String {
        format!(
            "{} keeps disks of guests on {}",
            self.platform.kind.title(),
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_of_one_name_are_told_apart_where_the_platform_does() {
        let host = |key: &str| Hypervisor {
            key: key.to_owned(),
            ..Hypervisor::default()
        };
        let switch = |distributed, key: Option<&str>| VirtualSwitch {
            name: "core".to_owned(),
            distributed,
            key: key.map(str::to_owned),
            ..VirtualSwitch::default()
        };
        let (one, other) = (host("host-1"), host("host-2"));
        let spanning = switch(true, Some("501e"));
        assert_eq!(one.switch_key(&spanning), "switch/501e");
        assert_eq!(one.switch_key(&spanning), other.switch_key(&spanning));
        let second = switch(true, Some("502f"));
        assert_ne!(one.switch_key(&spanning), one.switch_key(&second));
        assert_eq!(one.switch_key(&switch(true, None)), "switch/core");
        let own = switch(false, None);
        assert_eq!(one.switch_key(&own), "switch/host-1/core");
        assert_ne!(one.switch_key(&own), other.switch_key(&own));
    }

    #[test]
    fn the_word_of_a_platform_is_what_serde_writes() {
        for kind in [
            PlatformKind::Libvirt,
            PlatformKind::Vsphere,
            PlatformKind::Proxmox,
            PlatformKind::HyperV,
            PlatformKind::Xapi,
            PlatformKind::Ovirt,
            PlatformKind::Other,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}

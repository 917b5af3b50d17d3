//! What devices say of themselves to whoever asks them, and what is written on their panel: who they are, what they can, what
//! they have done. And who is plugged in where, as switches and their neighbours tell it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::HostName;

/// What a device is there for. Several of these may be true of one; the first that holds in the order of this list is told,
/// so a copier is a multifunction device and never a mere printer.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceClass {
    /// Prints and scans, mostly faxes and mails too.
    Multifunction,
    /// Prints only.
    Printer,
    /// Prints labels or receipts.
    LabelPrinter,
    /// Scans only.
    Scanner,
    /// Sends and takes faxes.
    Fax,
    /// Keeps the power up.
    Ups,
    /// A strip of switched outlets.
    PowerStrip,
    /// Looks.
    Camera,
    /// Records what cameras see.
    VideoRecorder,
    /// Keeps files of others.
    Storage,
    /// The board that switches a server on and off.
    ManagementBoard,
    /// Forwards frames.
    Switch,
    /// Forwards packets.
    Router,
    /// Keeps packets out.
    Firewall,
    /// Lets radios in.
    AccessPoint,
    /// A telephone.
    Phone,
    /// Measures: temperature, doors, energy.
    Sensor,
    /// A computer like those that take an agent.
    Computer,
}

impl DeviceClass {
    /// In words of an operator.
    pub fn words(self) -> &'static str {
        match self {
            Self::Multifunction => "multifunction device",
            Self::Printer => "printer",
            Self::LabelPrinter => "label printer",
            Self::Scanner => "scanner",
            Self::Fax => "fax",
            Self::Ups => "power supply that bridges outages",
            Self::PowerStrip => "power strip",
            Self::Camera => "camera",
            Self::VideoRecorder => "video recorder",
            Self::Storage => "network storage",
            Self::ManagementBoard => "management board",
            Self::Switch => "switch",
            Self::Router => "router",
            Self::Firewall => "firewall",
            Self::AccessPoint => "access point",
            Self::Phone => "telephone",
            Self::Sensor => "sensor",
            Self::Computer => "computer",
        }
    }

    /// True for what takes no agent and keeps settings of its own: all but computers.
    pub fn is_device(self) -> bool {
        self != Self::Computer
    }
}

/// What a device does that may need a server.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Prints.
    Print,
    /// Copies.
    Copy,
    /// Scans.
    Scan,
    /// Sends or takes faxes.
    Fax,
    /// Sends mail by itself.
    Mail,
}

impl Deed {
    /// The verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Print => "print",
            Self::Copy => "copy",
            Self::Scan => "scan",
            Self::Fax => "fax",
            Self::Mail => "mail",
        }
    }
}

/// By which way a device told it.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceWitness {
    /// Its management tables (SNMP).
    Snmp,
    /// The attributes of its printer (IPP, RFC 8011).
    Ipp,
    /// The capabilities of its scanner (eSCL, Mopria).
    Escl,
    /// Its announcements (multicast DNS, DNS-SD).
    Mdns,
    /// Its description (Web Services on Devices).
    Wsd,
    /// Its description (UPnP, found by SSDP).
    Ssdp,
    /// Somebody who stood before it and filled in the sheet.
    Panel,
}

impl DeviceWitness {
    /// The protocol or the person, as it is written.
    pub fn words(self) -> &'static str {
        match self {
            Self::Snmp => "SNMP",
            Self::Ipp => "IPP",
            Self::Escl => "eSCL",
            Self::Mdns => "mDNS",
            Self::Wsd => "WSD",
            Self::Ssdp => "UPnP",
            Self::Panel => "read off its panel",
        }
    }
}

/// What a device says of itself. Nothing volatile stands here: no counter, only that it is not zero; no contact, for that is
/// a person; no community and no password, for there is no field for one.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct DeviceSays {
    /// The address that was asked.
    pub address: IpAddr,
    /// By which way it told it.
    pub by: DeviceWitness,
    /// What it is there for, where the answer proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DeviceClass>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
    /// Its model, without the maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Its UUID, lower case with dashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The version of its firmware or system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Names it gives itself, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<HostName>,
    /// Where it stands, as somebody typed it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its MAC addresses, lower case with colons, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// Addresses it has besides the one that was asked, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// What it says it can, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub can: Vec<Deed>,
    /// What it says it cannot, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cannot: Vec<Deed>,
    /// What it has done: a counter of it is not zero. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has_done: Vec<Deed>,
    /// What proves the class and the deeds, one line each, as `prtGeneralSerialNumber` or `printer-make-and-model`. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proof: Vec<String>,
}

impl DeviceSays {
    /// Nothing but that it answered.
    pub fn new(address: IpAddr, by: DeviceWitness) -> Self {
        Self {
            address,
            by,
            class: None,
            maker: None,
            model: None,
            serial: None,
            uuid: None,
            version: None,
            names: Vec::new(),
            location: None,
            macs: Vec::new(),
            addresses: Vec::new(),
            can: Vec::new(),
            cannot: Vec::new(),
            has_done: Vec::new(),
            proof: Vec::new(),
        }
    }

    /// One line a person understands.
    pub(crate) fn says(&self) -> String {
        let what = self.class.map_or("device", DeviceClass::words);
        let mut out = format!("{} is a {what}", self.address);
        let who: Vec<&str> = [&self.maker, &self.model]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if !who.is_empty() {
            out.push_str(&format!(", {}", who.join(" ")));
        }
        // What a sheet holds of it was printed there to find the device again: nobody read it off.
        if let Some(serial) = self
            .serial
            .as_ref()
            .filter(|_| self.by != DeviceWitness::Panel)
        {
            out.push_str(&format!(", serial number {serial}"));
        }
        if let Some(location) = &self.location {
            out.push_str(&format!(", at {location}"));
        }
        for (word, deeds) in [
            ("can", &self.can),
            ("cannot", &self.cannot),
            ("has done", &self.has_done),
        ] {
            if !deeds.is_empty() {
                let verbs: Vec<&str> = deeds.iter().map(|deed| deed.verb()).collect();
                out.push_str(&format!(", {word}: {}", verbs.join(", ")));
            }
        }
        format!("{out} ({})", self.by.words())
    }
}

/// By which table a neighbour on a link is known.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LinkTable {
    /// Link layer discovery (IEEE 802.1AB).
    Lldp,
    /// Cisco's discovery protocol.
    Cdp,
    /// The forwarding table of a bridge (BRIDGE-MIB, Q-BRIDGE-MIB).
    Bridge,
    /// The table of addresses of a router or host (ARP, neighbour discovery).
    Neighbours,
}

/// A machine is plugged in at a port of another, as that other's tables or the wire tell it.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct LinkSeen {
    /// Whose table it is, or who said so on the wire: the address it answers at; absent where it told none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<IpAddr>,
    /// Its name, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The port of it, as it calls it (`Gi1/0/12`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The VLAN, if the table tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// By which table.
    pub by: LinkTable,
    /// The neighbour's MAC address, lower case with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The neighbour's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The neighbour's name, as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The neighbour's own port, as it calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbour_port: Option<String>,
}

impl LinkSeen {
    /// One line a person understands.
    pub(crate) fn says(&self) -> String {
        let nobody = || "a machine that told no name".to_owned();
        let or = |name: &Option<String>, address: Option<IpAddr>| {
            name.clone()
                .or_else(|| address.map(|address| address.to_string()))
        };
        let neighbour = or(&self.name, self.address).or_else(|| self.mac.clone());
        let device = or(&self.device_name, self.device).unwrap_or_else(nobody);
        let port = self.port.as_deref().map(|port| format!(" at port {port}"));
        let vlan = self.vlan.map(|vlan| format!(" in VLAN {vlan}"));
        let place = port.unwrap_or_default() + &vlan.unwrap_or_default();
        match (neighbour, &self.neighbour_port) {
            (Some(neighbour), _) => format!("{neighbour} is a neighbour of {device}{place}"),
            // Heard, not read in a table: the neighbour is who listened.
            (None, Some(own)) => {
                format!("{own}, where somebody listened, is a neighbour of {device}{place}")
            }
            (None, None) => format!("{device} says that it is plugged in{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_said_in_one_line() {
        let mut copier = DeviceSays::new("192.0.2.7".parse().unwrap(), DeviceWitness::Snmp);
        copier.class = Some(DeviceClass::Multifunction);
        copier.maker = Some("Example".to_owned());
        copier.model = Some("C 300".to_owned());
        copier.serial = Some("X1".to_owned());
        copier.can = vec![Deed::Print, Deed::Scan];
        copier.has_done = vec![Deed::Scan];
        assert_eq!(
            copier.says(),
            "192.0.2.7 is a multifunction device, Example C 300, serial number X1, can: print, scan, has done: scan (SNMP)"
        );
    }

    #[test]
    fn a_copier_is_never_a_mere_printer() {
        assert!(DeviceClass::Multifunction < DeviceClass::Printer);
    }

    #[test]
    fn a_neighbour_is_said_by_what_is_known() {
        let link = LinkSeen {
            device: Some("192.0.2.1".parse().unwrap()),
            device_name: None,
            port: Some("Gi1/0/12".to_owned()),
            vlan: Some(20),
            by: LinkTable::Bridge,
            mac: Some("02:00:00:00:00:07".to_owned()),
            address: None,
            name: None,
            neighbour_port: None,
        };
        assert_eq!(
            link.says(),
            "02:00:00:00:00:07 is a neighbour of 192.0.2.1 at port Gi1/0/12 in VLAN 20"
        );
        let mirrored = LinkSeen { mac: None, ..link };
        assert_eq!(
            mirrored.says(),
            "192.0.2.1 says that it is plugged in at port Gi1/0/12 in VLAN 20"
        );
        let own = LinkSeen {
            neighbour_port: Some("eth0".to_owned()),
            ..mirrored
        };
        assert_eq!(
            own.says(),
            "eth0, where somebody listened, is a neighbour of 192.0.2.1 at port Gi1/0/12 in VLAN 20"
        );
    }
}

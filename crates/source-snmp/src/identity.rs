//! Who a device is: the system group, HOST-RESOURCES-MIB (RFC 2790), Printer-MIB (RFC 3805), the IEEE 1284 identity (PWG 5107.1),
//! UPS-MIB (RFC 1628), ENTITY-MIB (RFC 6933) and what makers added.
//!
//! sysContact is a person and is never asked for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_knowledge::devices::{
    device_counters, device_maker, device_maker_named, device_objects, device_said, scans_by_family,
};
use groma_model::HostName;
use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};

use crate::connections::address_at;
use crate::message::Value;
use crate::oid::Oid;
use crate::reader::{Reader, Rows};
use crate::secret::Secrets;
use crate::words::{clean, ieee1284};

/// Devices within a device.
const PARTS_MAX: usize = 512;
/// Interfaces and addresses of one device.
const LINKS_MAX: usize = 2_000;
/// So many MAC addresses are a device's own mark; a chassis with more has thousands.
const MACS_KEPT: usize = 64;
const ENTERPRISES: &str = "1.3.6.1.4.1";
/// hrDeviceTypes (RFC 2790): printer, modem.
const PRINTER: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 5];
const MODEM: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 14];
/// entPhysicalClass: chassis, stack.
const CHASSIS: [i64; 2] = [3, 11];
/// ipAddressType (RFC 4293): an address of one machine.
const UNICAST: i64 = 1;
/// sysServices: it forwards packets.
const FORWARDS_PACKETS: i64 = 4;

/// What was read, as it came.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) description: String,
    pub(crate) object: Option<Oid>,
    pub(crate) name: Option<String>,
    location: Option<String>,
    services: i64,
    forwards: bool,
    pub(crate) bridge_ports: i64,
    device_types: Rows,
    printer_description: Option<String>,
    printer_name: Option<String>,
    printer_serial: Option<String>,
    pages: Option<i64>,
    port_identity: Option<Vec<u8>>,
    ups: [Option<String>; 3],
    /// Serial, maker, model, version of the chassis.
    chassis: [Option<String>; 4],
    /// Class, model, serial, version by its maker's own objects.
    own: Option<(DeviceClass, [Option<String>; 3])>,
    done: Vec<Deed>,
    macs: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<IpAddr>,
}

impl Found {
    /// Whose product it is, by its number.
    pub(crate) fn enterprise(&self) -> Option<u32> {
        let root = Oid::parse(ENTERPRISES)?;
        self.object.as_ref()?.below(&root)?.first().copied()
    }

    fn object_text(&self) -> String {
        self.object.as_ref().map(Oid::to_string).unwrap_or_default()
    }

    fn has_type(&self, of: &[u32]) -> bool {
        let is = |value: &Value| matches!(value, Value::Name(name) if name.parts() == of);
        self.device_types.iter().any(|(_, value)| is(value))
    }

    /// Its printer part has tables of its own: what no print server's computer has.
    fn has_printer_tables(&self) -> bool {
        self.pages.is_some() || self.printer_serial.is_some()
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let own = [
            Some(&self.description),
            self.printer_description.as_ref(),
            self.printer_name.as_ref(),
        ];
        own.into_iter().flatten().map(String::as_str)
    }

    fn scans(&self) -> bool {
        self.words().any(scans_by_family)
            || self
                .port_identity
                .as_ref()
                .is_some_and(|bytes| scans_by_family(&String::from_utf8_lossy(bytes)))
    }

    /// No table says that it scans: its name does.
    fn is_multifunction_by_name(&self) -> bool {
        self.class() == Some(DeviceClass::Multifunction) && self.scans()
    }

    /// What it is there for, where that is proven. The tables of a printer prove one; that a computer has a printer proves
    /// nothing, and what bridges between its own guests is no switch.
    pub(crate) fn class(&self) -> Option<DeviceClass> {
        let said = device_said(&self.object_text(), &self.description).and_then(|said| said.class);
        let is_computer = said == Some(DeviceClass::Computer);
        if self.has_printer_tables() && said != Some(DeviceClass::LabelPrinter) {
            return Some(match self.scans() {
                true => DeviceClass::Multifunction,
                false => DeviceClass::Printer,
            });
        }
        if let Some((class, _)) = &self.own {
            return Some(*class);
        }
        if said.is_some() {
            return said;
        }
        if self.ups.iter().any(Option::is_some) && !is_computer {
            return Some(DeviceClass::Ups);
        }
        if self.bridge_ports > 1 {
            return Some(DeviceClass::Switch);
        }
        if self.has_type(PRINTER) {
            return Some(match self.scans() {
                true => DeviceClass::Multifunction,
                false => DeviceClass::Printer,
            });
        }
        (self.forwards && self.services & FORWARDS_PACKETS != 0).then_some(DeviceClass::Router)
    }

    /// True for who bears two questions a second and no more; who is not known is taken for one.
    pub(crate) fn is_fragile(&self) -> bool {
        use DeviceClass as C;
        !matches!(
            self.class(),
            Some(C::Computer | C::Switch | C::Router | C::Firewall | C::Storage | C::AccessPoint)
        )
    }

    /// In the words of facts.
    pub(crate) fn says(&self, address: IpAddr, secrets: &Secrets) -> DeviceSays {
        let mut says = DeviceSays::new(address, DeviceWitness::Snmp);
        let said = device_said(&self.object_text(), &self.description).unwrap_or_default();
        let port = self
            .port_identity
            .as_deref()
            .map(ieee1284)
            .unwrap_or_default();
        let [ups_maker, ups_model, ups_version] = self.ups.clone();
        let [
            chassis_serial,
            chassis_maker,
            chassis_model,
            chassis_version,
        ] = self.chassis.clone();
        let [own_model, own_serial, own_version] = match &self.own {
            Some((_, own)) => own.clone(),
            None => [None, None, None],
        };
        let kept = |text: Option<String>| secrets.without(text);
        let maker = |named: Option<String>| {
            named.map(|named| device_maker_named(&named).map_or(named, str::to_owned))
        };
        let by_number = self.enterprise().and_then(device_maker);
        // Net-SNMP and Microsoft made what answers, not what it runs on.
        let by_number = by_number.filter(|_| says_who_made_it(self.enterprise()));
        says.class = self.class();
        says.maker = kept(
            maker(port.maker)
                .or_else(|| by_number.map(str::to_owned))
                .or_else(|| maker(ups_maker))
                .or_else(|| maker(chassis_maker)),
        );
        // A queue that a computer keeps is no model of it.
        let prints = says.class.is_some_and(prints);
        let described = self.printer_description.clone().filter(|_| prints);
        let model = port.model.or(own_model).or(said.model).or(described);
        let model = model.or(ups_model).or(chassis_model);
        says.model = kept(model.map(|model| without(&model, says.maker.as_deref())));
        says.serial = kept(
            self.printer_serial
                .clone()
                .or(own_serial)
                .or(chassis_serial)
                .or(port.serial),
        );
        says.version = kept(
            said.version
                .or(own_version)
                .or(ups_version)
                .or(chassis_version),
        );
        let name = self.name.as_deref().and_then(HostName::parse);
        says.names
            .extend(name.filter(|name| !name.is_loopback() && !secrets.stand_in(name.as_str())));
        says.location = kept(self.location.clone());
        says.macs = self.macs.iter().cloned().collect();
        let others = self.addresses.iter().copied();
        says.addresses = others.filter(|other| *other != address).collect();
        self.deeds(&mut says);
        says.proof = self.proof();
        says
    }

    fn deeds(&self, says: &mut DeviceSays) {
        let mut can: BTreeSet<Deed> = self.done.iter().copied().collect();
        let prints = says.class.is_some_and(prints);
        if prints {
            can.insert(Deed::Print);
        }
        if says.class == Some(DeviceClass::Multifunction) {
            can.extend([Deed::Scan, Deed::Copy]);
        }
        if prints && self.has_type(MODEM) {
            can.insert(Deed::Fax);
        }
        let printed = self
            .pages
            .is_some_and(|pages| pages > 0)
            .then_some(Deed::Print);
        let done: BTreeSet<Deed> = self.done.iter().copied().chain(printed).collect();
        says.can = can.into_iter().collect();
        says.has_done = done.into_iter().collect();
    }

    fn proof(&self) -> Vec<String> {
        let all = [
            (self.object.is_some(), "sysObjectID"),
            (self.has_type(PRINTER), "hrDeviceType"),
            (self.printer_serial.is_some(), "prtGeneralSerialNumber"),
            (self.pages.is_some(), "prtMarkerLifeCount"),
            (self.port_identity.is_some(), "ppmPortDeviceId"),
            (self.ups.iter().any(Option::is_some), "upsIdentModel"),
            (self.chassis.iter().any(Option::is_some), "entPhysicalTable"),
            (self.bridge_ports > 1, "dot1dBaseNumPorts"),
            (self.own.is_some(), "objects of its maker"),
            (self.is_multifunction_by_name(), "family of its name"),
        ];
        let proof = all.into_iter().filter(|(is, _)| *is);
        let mut proof: Vec<String> = proof.map(|(_, name)| name.to_owned()).collect();
        proof.sort();
        proof
    }
}

/// True for what puts something on paper.
fn prints(class: DeviceClass) -> bool {
    use DeviceClass as C;
    matches!(class, C::Multifunction | C::Printer | C::LabelPrinter)
}

/// False for the numbers of those who wrote the agent.
fn says_who_made_it(enterprise: Option<u32>) -> bool {
    !matches!(enterprise, Some(311 | 2021 | 8072))
}

/// A model without its maker before it.
fn without(model: &str, maker: Option<&str>) -> String {
    let rest = maker.and_then(|maker| {
        let head = model.get(..maker.len())?;
        let rest = model.get(maker.len()..)?;
        (head.eq_ignore_ascii_case(maker) && rest.starts_with(' ')).then(|| rest.trim().to_owned())
    });
    rest.filter(|rest| !rest.is_empty())
        .unwrap_or_else(|| model.to_owned())
}

/// A text of a value.
fn text(value: Option<Value>) -> Option<String> {
    clean(value?.octets()?)
}

/// Asks who it is.
pub(crate) fn identify(reader: &mut Reader<'_>) -> Found {
    let mut found = Found::default();
    let [
        description,
        object,
        name,
        location,
        services,
        forwards,
        ports,
    ] = reader.get(
        "the system group",
        [
            "1.3.6.1.2.1.1.1.0",
            "1.3.6.1.2.1.1.2.0",
            "1.3.6.1.2.1.1.5.0",
            "1.3.6.1.2.1.1.6.0",
            "1.3.6.1.2.1.1.7.0",
            "1.3.6.1.2.1.4.1.0",
            "1.3.6.1.2.1.17.1.2.0",
        ],
    );
    let number = |value: Option<Value>| value.and_then(|value| value.number());
    found.description = text(description).unwrap_or_default();
    found.object = match object {
        Some(Value::Name(object)) => Some(object),
        _ => None,
    };
    found.name = text(name);
    found.location = text(location).filter(|at| !at.starts_with("Unknown"));
    found.services = number(services).unwrap_or_default();
    found.forwards = number(forwards) == Some(1);
    found.bridge_ports = number(ports).unwrap_or_default();
    found.device_types = reader.column("hrDeviceTable", "1.3.6.1.2.1.25.3.2.1.2", PARTS_MAX);
    printer(reader, &mut found);
    by_its_maker(reader, &mut found);
    if found.class().is_none_or(|class| class == DeviceClass::Ups) {
        ups(reader, &mut found);
    }
    let fragile = found.is_fragile();
    reader.session().is_fragile(fragile);
    chassis(reader, &mut found);
    links(reader, &mut found);
    found
}

fn printer(reader: &mut Reader<'_>, found: &mut Found) {
    let is_printer = |value: &Value| matches!(value, Value::Name(name) if name.parts() == PRINTER);
    let printers = found
        .device_types
        .iter()
        .filter(|(_, value)| is_printer(value));
    let index = printers.filter_map(|(index, _)| index.first()).next();
    let at = index.copied().unwrap_or(1);
    let names = [
        format!("1.3.6.1.2.1.43.5.1.1.16.{at}"),
        format!("1.3.6.1.2.1.43.5.1.1.17.{at}"),
        format!("1.3.6.1.2.1.43.10.2.1.4.{at}.1"),
        format!("1.3.6.1.2.1.25.3.2.1.3.{at}"),
        "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1".to_owned(),
    ];
    let [name, serial, pages, described, identity] =
        reader.get("Printer-MIB", names.each_ref().map(String::as_str));
    found.printer_name = text(name);
    found.printer_serial = text(serial);
    found.pages = pages.and_then(|pages| pages.number());
    // The first device of a computer is its processor.
    found.printer_description = text(described).filter(|_| index.is_some());
    found.port_identity = identity.and_then(|value| Some(value.octets()?.to_vec()));
}

fn by_its_maker(reader: &mut Reader<'_>, found: &mut Found) {
    for asked in device_objects(&found.object_text()) {
        let [model, serial, version] = reader.get(
            "objects of its maker",
            [&asked.model, &asked.serial, &asked.version].map(String::as_str),
        );
        if let Some(model) = text(model) {
            let own = [Some(model), text(serial), text(version)];
            found.own = Some((asked.class, own));
            break;
        }
    }
    for counter in found.enterprise().into_iter().flat_map(device_counters) {
        let [count] = reader.get("counters of its maker", [&counter.object]);
        if count
            .and_then(|count| count.number())
            .is_some_and(|count| count > 0)
        {
            found.done.push(counter.done);
        }
    }
}

fn ups(reader: &mut Reader<'_>, found: &mut Found) {
    let ident = reader.get(
        "UPS-MIB",
        [
            "1.3.6.1.2.1.33.1.1.1.0",
            "1.3.6.1.2.1.33.1.1.2.0",
            "1.3.6.1.2.1.33.1.1.3.0",
        ],
    );
    found.ups = ident.map(text);
}

fn chassis(reader: &mut Reader<'_>, found: &mut Found) {
    let classes = reader.column("entPhysicalTable", "1.3.6.1.2.1.47.1.1.1.1.5", PARTS_MAX);
    let is_chassis = |value: &Value| value.number().is_some_and(|class| CHASSIS.contains(&class));
    let chassis = classes.iter().filter(|(_, value)| is_chassis(value));
    // A stack stands before its members, and has a serial number of none.
    let each: Vec<u32> = chassis
        .filter_map(|(index, _)| index.first().copied())
        .take(2)
        .collect();
    for at in each {
        let names = [11, 12, 13, 10].map(|column| format!("1.3.6.1.2.1.47.1.1.1.1.{column}.{at}"));
        let told = reader.get("entPhysicalTable", names.each_ref().map(String::as_str));
        found.chassis = told.map(text);
        if found.chassis.iter().any(Option::is_some) {
            return;
        }
    }
}

fn links(reader: &mut Reader<'_>, found: &mut Found) {
    let macs = reader.column("ifTable", "1.3.6.1.2.1.2.2.1.6", LINKS_MAX);
    let macs = macs.iter().filter_map(|(_, value)| mac(value.octets()?));
    found.macs = macs.take(MACS_KEPT).collect();
    let old = reader.column("ipAddrTable", "1.3.6.1.2.1.4.20.1.1", LINKS_MAX);
    // By its kind (ipAddressType): the table has a row for the broadcast address of each network, too.
    let new = reader.column("ipAddressTable", "1.3.6.1.2.1.4.34.1.4", LINKS_MAX);
    let old = old
        .iter()
        .filter_map(|(index, _)| address_at(&mut index.iter(), Some(4)));
    let own = new
        .iter()
        .filter(|(_, kind)| kind.number() == Some(UNICAST));
    let new = own.filter_map(|(index, _)| {
        let mut parts = index.iter();
        parts.next()?;
        address_at(&mut parts, None)
    });
    found.addresses = old
        .chain(new)
        .map(|address| address.to_canonical())
        .filter(|address| is_told(*address))
        .collect();
}

/// An address that others could meet it at.
fn is_told(address: IpAddr) -> bool {
    let of_link = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || of_link)
}

/// A MAC address of one machine, as facts write it.
pub(crate) fn mac(octets: &[u8]) -> Option<String> {
    let octets: [u8; 6] = octets.try_into().ok()?;
    let [first, ..] = octets;
    if first & 1 != 0 || octets == [0; 6] {
        return None;
    }
    let text = octets.map(|octet| format!("{octet:02x}"));
    Some(text.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(object: &str, description: &str) -> Found {
        Found {
            object: Oid::parse(object),
            description: description.to_owned(),
            ..Found::default()
        }
    }

    fn type_of(parts: &[u32]) -> Rows {
        vec![(vec![1], Value::Name(Oid::default().with(parts)))]
    }

    const LINUX: &str = "1.3.6.1.4.1.8072.3.2.10";
    const KERNEL: &str = "Linux srv1 6.1.0-18-amd64 #1 SMP Debian x86_64";

    #[test]
    fn the_tables_of_a_printer_prove_one_also_where_its_agent_calls_itself_linux() {
        let mut copier = named(LINUX, "Linux embedded 4.9.0 armv7l");
        copier.printer_serial = Some("X1".to_owned());
        assert_eq!(copier.class(), Some(DeviceClass::Printer));
        copier.printer_description = Some("Example MFP 300".to_owned());
        assert_eq!(copier.class(), Some(DeviceClass::Multifunction));
        assert!(copier.is_fragile());
    }

    /// Of the OfficeJets some only print, and whoever asked why a device scans was shown its serial number.
    #[test]
    fn that_a_name_alone_says_that_it_scans_stands_in_the_proof() {
        let mut copier = named("1.3.6.1.4.1.11.2.3.9.1", "");
        copier.printer_serial = Some("X1".to_owned());
        copier.printer_description = Some("HP OfficeJet Pro 8100".to_owned());
        assert_eq!(copier.class(), Some(DeviceClass::Printer));
        assert!(!copier.proof().contains(&"family of its name".to_owned()));
        copier.printer_description = Some("HP LaserJet MFP M528".to_owned());
        assert_eq!(copier.class(), Some(DeviceClass::Multifunction));
        assert!(copier.proof().contains(&"family of its name".to_owned()));
    }

    /// The twin: net-snmp lists the queues of a print server among the devices of the host.
    #[test]
    fn a_server_with_print_queues_is_no_printer() {
        let mut server = named(LINUX, KERNEL);
        server.device_types = type_of(PRINTER);
        assert_eq!(server.class(), Some(DeviceClass::Computer));
        assert!(!server.is_fragile());
    }

    #[test]
    fn a_switch_is_no_printer_and_a_host_with_a_bridge_is_no_switch() {
        let mut switch = named("1.3.6.1.4.1.99999.1", "Managed Switch");
        switch.bridge_ports = 24;
        switch.device_types = type_of(PRINTER);
        assert_eq!(switch.class(), Some(DeviceClass::Switch));
        let mut host = named(LINUX, KERNEL);
        host.bridge_ports = 5;
        host.forwards = true;
        host.services = 72;
        assert_eq!(host.class(), Some(DeviceClass::Computer));
    }

    #[test]
    fn who_tells_nothing_is_nothing_and_is_asked_gently() {
        let found = named("1.3.6.1.4.1.99999.1", "");
        assert_eq!(found.class(), None);
        assert!(found.is_fragile());
    }

    #[test]
    fn what_somebody_typed_in_never_holds_the_community() {
        let mut found = named("1.3.6.1.4.1.367.1.1", "");
        found.location = Some("room 3, community s3cr3t".to_owned());
        found.name = Some("copier-S3cr3t".to_owned());
        found.port_identity = Some(b"MFG:RICOH;MDL:MP s3cr3t;SN:s3cr3t;".to_vec());
        let access = "[[snmp]]
address = \"192.0.2.7\"
community = \"s3cr3t\"
";
        let access = crate::access::testing::reads(access).unwrap();
        let says = found.says("192.0.2.7".parse().unwrap(), &Secrets::of(&access));
        assert!(!format!("{says:?}").to_lowercase().contains("s3cr3t"));
        assert_eq!(says.maker.as_deref(), Some("Ricoh"));
    }

    #[test]
    fn hardware_addresses_are_those_of_one_machine() {
        assert_eq!(
            mac(&[0, 0x26, 0x73, 1, 2, 3]).as_deref(),
            Some("00:26:73:01:02:03")
        );
        for none in [
            &[0; 6][..],
            &[1, 0, 0, 0, 0, 1],
            &[0, 1],
            b"00:26:73:01:02:03",
        ] {
            assert_eq!(mac(none), None);
        }
    }

    #[test]
    fn the_maker_stands_before_the_model_once() {
        assert_eq!(without("RICOH MP C3003", Some("Ricoh")), "MP C3003");
        assert_eq!(without("Ricoh", Some("Ricoh")), "Ricoh");
        assert_eq!(without("HPE 1", Some("HP")), "HPE 1");
    }
}

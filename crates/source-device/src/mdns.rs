//! What a machine announces (DNS-SD, RFC 6763), asked of that machine alone over multicast DNS (RFC 6762 §6.7).

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};
use groma_source::dns_name;

use crate::text::{plain, uuid, without_maker};

/// The services that are asked for.
pub const SERVICES: &[&str] = &[
    "_ipp._tcp",
    "_ipps._tcp",
    "_printer._tcp",
    "_pdl-datastream._tcp",
    "_scanner._tcp",
    "_uscan._tcp",
    "_uscans._tcp",
    "_axis-video._tcp",
    "_privet._tcp",
    "_rtsp._tcp",
    "_smb._tcp",
];
/// Those of printers.
const PRINT: [&str; 4] = [
    "_ipp._tcp",
    "_ipps._tcp",
    "_printer._tcp",
    "_pdl-datastream._tcp",
];
/// What computers and programs announce too: of itself it makes no device.
const OF_ANYBODY: &[&str] = &["_rtsp._tcp", "_smb._tcp"];
/// Records of one answer that are read.
const RECORDS_MAX: usize = 200;

const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;

/// One instance of a service, as it is announced.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instance {
    /// `_ipp._tcp`.
    pub service: String,
    /// Its port, where it was told.
    pub port: Option<u16>,
    /// What its TXT record says, keys in lower case.
    pub says: BTreeMap<String, String>,
}

/// The question for all services, as one message marked `id`. Whoever answers sends it to whoever asked.
pub fn question(id: u16) -> Vec<u8> {
    let names: Vec<String> = SERVICES
        .iter()
        .map(|name| format!("{name}.local"))
        .collect();
    asked(id, names.iter().map(|name| (name.as_str(), PTR)))
}

/// The question for what the instances `names` say.
pub fn question_about(id: u16, names: &[String]) -> Vec<u8> {
    let each = names.iter().take(6);
    asked(
        id,
        each.flat_map(|name| [(name.as_str(), TXT), (name.as_str(), SRV)]),
    )
}

fn asked<'n>(id: u16, questions: impl Iterator<Item = (&'n str, u16)>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut count = 0_u16;
    for (name, kind) in questions {
        for label in name.split('.') {
            let bytes = label.as_bytes();
            let length = u8::try_from(bytes.len().min(63)).unwrap_or(63);
            body.push(length);
            body.extend(bytes.get(..usize::from(length)).unwrap_or_default());
        }
        body.push(0);
        body.extend(kind.to_be_bytes());
        body.extend([0, 1]);
        count += 1;
    }
    let [high, low] = id.to_be_bytes();
    let [many, few] = count.to_be_bytes();
    [&[high, low, 0, 0, many, few, 0, 0, 0, 0, 0, 0][..], &body].concat()
}

/// What an answer tells: instances by name. Names that were told without any record of their own have empty ones.
pub fn parse(message: &[u8]) -> BTreeMap<String, Instance> {
    let mut out: BTreeMap<String, Instance> = BTreeMap::new();
    let Some(head) = message.first_chunk::<12>() else {
        return out;
    };
    let number = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
    let [_, _, flags, _, q1, q2, a1, a2, n1, n2, r1, r2] = *head;
    if flags & 0x80 == 0 {
        return out;
    }
    let mut at = head.len();
    for _ in 0..number(q1, q2).min(RECORDS_MAX) {
        let Some((_, after)) = dns_name::read(message, at) else {
            return out;
        };
        at = after + 4;
    }
    let records = number(a1, a2) + number(n1, n2) + number(r1, r2);
    for _ in 0..records.min(RECORDS_MAX) {
        let Some(after) = record(message, at, &mut out) else {
            break;
        };
        at = after;
    }
    out
}

/// Takes one record; where the next one begins.
fn record(message: &[u8], at: usize, out: &mut BTreeMap<String, Instance>) -> Option<usize> {
    let (name, at) = dns_name::read(message, at)?;
    let head = message.get(at..at + 10)?;
    let [k1, k2, _, _, _, _, _, _, l1, l2] = *head.first_chunk::<10>()?;
    let begin = at + 10;
    let end = begin + usize::from(u16::from_be_bytes([l1, l2]));
    let body = message.get(begin..end)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    match u16::from_be_bytes([k1, k2]) {
        PTR => {
            let (instance, _) = dns_name::read(message, begin)?;
            let instance = String::from_utf8_lossy(&instance).into_owned();
            if let Some(service) = service_of(&instance) {
                out.entry(instance).or_default().service = service;
            }
        }
        SRV => {
            if let (Some(service), Some(port)) = (service_of(&name), body.get(4..6)) {
                let known = out.entry(name).or_default();
                known.service = service;
                known.port = port.first_chunk::<2>().map(|p| u16::from_be_bytes(*p));
            }
        }
        TXT => {
            if let Some(service) = service_of(&name) {
                let known = out.entry(name).or_default();
                known.service = service;
                known.says = strings(body);
            }
        }
        _ => {}
    }
    Some(end)
}

/// `_ipp._tcp` of `Example C300._ipp._tcp.local`, if it is one that is asked for.
fn service_of(instance: &str) -> Option<String> {
    let known = SERVICES.iter().find(|service| {
        let end = format!(".{service}.local");
        instance.to_lowercase().ends_with(&end)
    });
    known.map(|service| (*service).to_owned())
}

fn strings(body: &[u8]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut rest = body;
    while let Some((&length, after)) = rest.split_first() {
        let Some((text, next)) = after.split_at_checked(usize::from(length)) else {
            break;
        };
        rest = next;
        let text = String::from_utf8_lossy(text);
        if let Some((key, value)) = text.split_once('=') {
            let kept = out.entry(key.to_lowercase());
            // The first one counts (RFC 6763 §6.4).
            kept.or_insert_with(|| value.to_owned());
        }
    }
    out
}

/// Adds what another message tells of the same instances: one may carry the port, the next one the words.
pub fn join(all: &mut BTreeMap<String, Instance>, more: BTreeMap<String, Instance>) {
    for (name, told) in more {
        let known = all.entry(name).or_default();
        known.service = told.service;
        known.port = told.port.or(known.port);
        if !told.says.is_empty() {
            known.says = told.says;
        }
    }
}

/// The instances to ask more about, the most telling service first: those that told nothing yet and may have something to
/// tell. Nobody listens at port 0.
pub fn untold(all: &BTreeMap<String, Instance>) -> Vec<String> {
    let rank = |one: &Instance| SERVICES.iter().position(|known| *known == one.service);
    let silent = all
        .iter()
        .filter(|(_, one)| one.says.is_empty() && !one.is_placeholder());
    let mut silent: Vec<_> = silent.collect();
    // That a printer takes jobs by LPD is mostly said by who does not.
    silent.sort_by_key(|(name, one)| (one.service == "_printer._tcp", rank(one), *name));
    silent.into_iter().map(|(name, _)| name.clone()).collect()
}

impl Instance {
    /// True for a name that is only held (Bonjour Printing §4.2.1): whoever speaks IPP announces `_printer._tcp` at port 0 so that
    /// nobody else takes the name, print servers too.
    pub fn is_placeholder(&self) -> bool {
        self.port == Some(0)
    }

    /// True if it speaks of a printer: an announcement without any word of it may be of everybody.
    fn tells_a_printer(&self) -> bool {
        let words = ["rp", "ty", "txtvers"];
        words.iter().any(|key| self.says.contains_key(*key))
    }

    fn is_of_a_device(&self) -> bool {
        let prints = PRINT.contains(&self.service.as_str());
        !self.is_placeholder() && !self.is_shared_queue() && (!prints || self.tells_a_printer())
    }

    /// True for a queue that a print server shares: the path leads to one of several.
    pub fn is_shared_queue(&self) -> bool {
        let path = self.says.get("rp").map_or("", String::as_str);
        let path = path.trim_start_matches('/');
        path.starts_with("printers/") || path.starts_with("classes/")
    }

    /// What it is by its types, as `printer,scanner`, where it announces them so (Privet).
    fn of_types(&self) -> Vec<Deed> {
        let types = self.says.get("type").map_or("", String::as_str);
        let deed = |word: &str| match word.trim() {
            "printer" => Some(Deed::Print),
            "scanner" => Some(Deed::Scan),
            _ => None,
        };
        types.split(',').filter_map(deed).collect()
    }

    fn yes(&self, key: &str) -> bool {
        let says = self.says.get(key).map(String::as_str);
        says.is_some_and(|says| says.eq_ignore_ascii_case("t"))
    }

    fn no(&self, key: &str) -> bool {
        let says = self.says.get(key).map(String::as_str);
        says.is_some_and(|says| says.eq_ignore_ascii_case("f"))
    }
}

/// What the instances of the machine at `address` say of it; `None` if they are of no device.
pub fn says(address: IpAddr, instances: &BTreeMap<String, Instance>) -> Option<DeviceSays> {
    let own: Vec<&Instance> = instances
        .values()
        .filter(|one| one.is_of_a_device())
        .collect();
    let is_own = |one: &&Instance| !OF_ANYBODY.contains(&one.service.as_str());
    if !own.iter().any(is_own) {
        return None;
    }
    let mut says = DeviceSays::new(address, DeviceWitness::Mdns);
    let first = |key: &str| {
        let found = own.iter().filter_map(|one| one.says.get(key));
        found.into_iter().find_map(|text| plain(text))
    };
    says.maker = first("usb_mfg").or_else(|| first("mfg"));
    let model = first("ty").or_else(|| first("usb_mdl"));
    says.model = model.and_then(|model| without_maker(&model, says.maker.as_deref()));
    says.location = first("note");
    says.uuid = own
        .iter()
        .filter_map(|one| one.says.get("uuid"))
        .find_map(|text| uuid(text));
    for one in &own {
        let service = one.service.as_str();
        match service {
            service if PRINT.contains(&service) => says.can.push(Deed::Print),
            "_scanner._tcp" | "_uscan._tcp" | "_uscans._tcp" => says.can.push(Deed::Scan),
            "_privet._tcp" => says.can.extend(one.of_types()),
            _ => {}
        }
        says.proof.push(service.to_owned());
        for (key, deed) in [("scan", Deed::Scan), ("fax", Deed::Fax)] {
            if one.yes(key) {
                says.can.push(deed);
                says.proof.push(format!("{key}=T"));
            } else if one.no(key) {
                says.cannot.push(deed);
                says.proof.push(format!("{key}=F"));
            }
        }
    }
    for list in [&mut says.can, &mut says.cannot] {
        list.sort();
        list.dedup();
    }
    // Of two services of one device the one that can tells more.
    says.cannot.retain(|deed| !says.can.contains(deed));
    says.proof.sort();
    says.proof.dedup();
    let camera = own.iter().any(|one| one.service == "_axis-video._tcp");
    let can = |deed| says.can.contains(&deed);
    says.class = match (can(Deed::Print), can(Deed::Scan)) {
        (true, true) => Some(DeviceClass::Multifunction),
        (true, false) => Some(DeviceClass::Printer),
        (false, true) => Some(DeviceClass::Scanner),
        (false, false) => camera.then_some(DeviceClass::Camera),
    };
    Some(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(service: &str, says: &[(&str, &str)]) -> (String, Instance) {
        let says = says.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let one = Instance {
            service: service.to_owned(),
            port: Some(80),
            says: says.collect(),
        };
        (format!("x.{service}.local"), one)
    }

    #[test]
    fn privet_says_what_it_is_by_its_types() {
        let address = "192.0.2.7".parse().unwrap();
        let both = [("ty", "Example C300"), ("type", "printer,scanner")];
        let told = says(address, &[instance("_privet._tcp", &both)].into()).unwrap();
        assert_eq!(told.class, Some(DeviceClass::Multifunction));
        assert_eq!(told.model.as_deref(), Some("Example C300"));
    }

    /// The twin: what any computer or player announces makes no device; beside a device's own it is told.
    #[test]
    fn shares_and_streams_alone_are_no_device() {
        let address = "192.0.2.7".parse().unwrap();
        let shares = instance("_smb._tcp", &[]);
        let streams = instance("_rtsp._tcp", &[]);
        let alone = [shares.clone(), streams.clone()].into();
        assert_eq!(says(address, &alone), None);
        let camera = instance("_axis-video._tcp", &[]);
        let told = says(address, &[shares, streams, camera].into()).unwrap();
        assert_eq!(told.class, Some(DeviceClass::Camera));
        assert_eq!(told.proof, ["_axis-video._tcp", "_rtsp._tcp", "_smb._tcp"]);
    }
}

//! Names on the wire, pure: answers of name servers (RFC 1035), and what machines say of themselves over multicast (RFC 6762, RFC
//! 6763).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::name::{HostName, Port, Transport};
use groma_model::sighting::Door;
use groma_source::dns_name;

use crate::text::plain;

/// Records of one message that are read.
const RECORDS_MAX: u16 = 128;

const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// What a name server answered: which name leads to which addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What was asked.
    pub asked: HostName,
    /// Where it leads.
    pub addresses: Vec<IpAddr>,
    /// For how long that may be believed, in seconds.
    pub lasts: u32,
}

/// The number of a question to a name server; `None` for anything else.
pub fn question(message: &[u8]) -> Option<u16> {
    let header = Header::read(message)?;
    (!header.answers && header.operation == 0 && header.questions == 1).then_some(header.number)
}

/// The number of an answer, with what it says if it leads somewhere.
pub fn answer(message: &[u8]) -> Option<(u16, Option<Answer>)> {
    let header = Header::read(message)?;
    if !header.answers || header.operation != 0 || header.questions != 1 {
        return None;
    }
    Some((header.number, addresses(message, &header)))
}

fn addresses(message: &[u8], header: &Header) -> Option<Answer> {
    let (asked, at) = name(message, 12)?;
    let asked = host(&asked)?;
    let mut at = at + 4;
    let mut chain = vec![asked.as_str().to_owned()];
    let mut addresses = Vec::new();
    let mut lasts = 0;
    for _ in 0..header.records.min(RECORDS_MAX) {
        let Some((record, next)) = Record::read(message, at) else {
            break;
        };
        at = next;
        if !chain.contains(&record.owner.to_ascii_lowercase()) {
            continue;
        }
        addresses.extend(record.address());
        lasts = lasts.max(record.lasts);
        if record.kind == CNAME
            && let Some((target, _)) = name(message, record.begin)
        {
            chain.push(target.to_ascii_lowercase());
        }
    }
    let answer = Answer {
        asked,
        addresses,
        lasts,
    };
    (!answer.addresses.is_empty()).then_some(answer)
}

/// What a machine says of itself over multicast.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Announced {
    /// Its name.
    pub name: Option<HostName>,
    /// Addresses of that name.
    pub addresses: Vec<IpAddr>,
    /// Where it says that it serves.
    pub doors: Vec<Door>,
    /// The model it says it is (`ty`, `md`, `usb_MDL`).
    pub model: Option<String>,
    /// True if it says that it scans.
    pub scans: bool,
}

/// Reads an announcement; `None` for a question, or one that says nothing of the machine.
pub fn announced(message: &[u8]) -> Option<Announced> {
    let header = Header::read(message)?;
    if !header.answers {
        return None;
    }
    let mut at = 12;
    for _ in 0..header.questions.min(RECORDS_MAX) {
        at = name(message, at)?.1 + 4;
    }
    let mut out = Announced::default();
    let records = header.records.saturating_add(header.more);
    let mut hosts: Vec<(String, IpAddr)> = Vec::new();
    let mut services: Vec<(String, u16, String)> = Vec::new();
    for _ in 0..records.min(RECORDS_MAX) {
        let Some((record, next)) = Record::read(message, at) else {
            break;
        };
        at = next;
        hosts.extend(
            record
                .address()
                .map(|address| (record.owner.clone(), address)),
        );
        match record.kind {
            SRV => {
                let port = record.content.get(4..6).and_then(|b| b.try_into().ok());
                let target = name(message, record.begin + 6).map(|(target, _)| target);
                if let (Some(port), Some(target)) = (port.map(u16::from_be_bytes), target) {
                    services.push((record.owner.clone(), port, target));
                }
            }
            TXT => out.describe(record.content),
            _ => {}
        }
    }
    // One machine speaks of one name of its own; a proxy speaks of many, and is nobody's witness.
    let mut own = hosts.iter().map(|(owner, _)| owner.as_str());
    let first = own.next();
    if own.any(|owner| Some(owner) != first) {
        return None;
    }
    let target = || services.first().map(|(_, _, target)| target.as_str());
    let called = first.or_else(target)?;
    out.name = host(called);
    out.addresses = hosts.iter().map(|(_, address)| *address).collect();
    let own = services.iter().filter(|(_, _, target)| target == called);
    out.doors = own
        .filter_map(|(service, port, _)| door(service, *port))
        .collect();
    out.doors.sort();
    out.doors.dedup();
    Some(out)
}

impl Announced {
    /// Takes pairs of a TXT record (RFC 6763 §6.3).
    fn describe(&mut self, content: &[u8]) {
        let pairs = pairs(content);
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, v)| *v);
        // A queue that a print server shares: what it says is of the printer behind, not of the machine that speaks.
        let is_shared = value("rp")
            .is_some_and(|path| path.starts_with("printers/") || path.starts_with("classes/"));
        if is_shared {
            return;
        }
        let models = ["ty", "md", "usb_mdl"]
            .iter()
            .filter_map(|name| value(name));
        let mut models = models.filter(|model| model.len() <= 80).map(str::to_owned);
        self.model = self.model.take().or_else(|| models.next());
        self.scans |= value("scan").is_some_and(|word| word.eq_ignore_ascii_case("t"));
    }
}

/// Names, in small letters, and values of a TXT record, as far as it is whole.
fn pairs(mut content: &[u8]) -> Vec<(String, &str)> {
    let mut out = Vec::new();
    while let Some((length, rest)) = content.split_first() {
        let Some((pair, rest)) = rest.split_at_checked(usize::from(*length)) else {
            break;
        };
        content = rest;
        if let Some((key, value)) = plain(pair).and_then(|pair| pair.split_once('=')) {
            out.push((key.to_ascii_lowercase(), value));
        }
    }
    out
}

/// `Copier._ipp._tcp.local` → port and service.
fn door(service: &str, port: u16) -> Option<Door> {
    let mut labels = service.rsplit('.').skip(1);
    let transport = match labels.next()? {
        "_tcp" => Transport::Tcp,
        "_udp" => Transport::Udp,
        _ => return None,
    };
    let kind = labels.next()?.strip_prefix('_')?;
    let is_word = kind.len() <= 15 && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    // A name for the machine as a whole has the port nobody answers at.
    let is_door = is_word && port != 0 && kind != "workstation";
    is_door.then(|| Door {
        port: Port(port),
        transport,
        service: Some(kind.to_ascii_lowercase()),
        product: None,
        version: None,
    })
}

fn host(name: &str) -> Option<HostName> {
    HostName::parse(name)
}

/// The header of a message (RFC 1035 §4.1.1).
pub(super) struct Header {
    pub(super) number: u16,
    pub(super) answers: bool,
    pub(super) operation: u8,
    /// True for who may be asked by everybody (NetBIOS alone has it, RFC 1002 §4.2.1.1).
    pub(super) to_all: bool,
    /// Zero if the answer gives what was asked for.
    pub(super) refusal: u8,
    pub(super) questions: u16,
    pub(super) records: u16,
    pub(super) more: u16,
}

impl Header {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let half = |at: usize| {
            Some(u16::from_be_bytes(
                message.get(at..at + 2)?.try_into().ok()?,
            ))
        };
        let flags = half(2)?;
        Some(Self {
            number: half(0)?,
            answers: flags & 0x8000 != 0,
            operation: u8::try_from(flags >> 11 & 15).ok()?,
            to_all: flags & 0x10 != 0,
            refusal: u8::try_from(flags & 15).ok()?,
            questions: half(4)?,
            records: half(6)?,
            more: half(8)?.saturating_add(half(10)?),
        })
    }
}

pub(super) struct Record<'m> {
    owner: String,
    pub(super) kind: u16,
    /// For how many seconds it may be kept.
    lasts: u32,
    /// Where its content begins in the message.
    begin: usize,
    pub(super) content: &'m [u8],
}

impl<'m> Record<'m> {
    /// Reads the record at `at`; where the next one begins.
    pub(super) fn read(message: &'m [u8], at: usize) -> Option<(Self, usize)> {
        let (owner, at) = name(message, at)?;
        let [k1, k2, _, _, t1, t2, t3, t4, l1, l2] = *message.get(at..)?.first_chunk::<10>()?;
        let begin = at + 10;
        let end = begin + usize::from(u16::from_be_bytes([l1, l2]));
        let record = Self {
            owner,
            kind: u16::from_be_bytes([k1, k2]),
            lasts: u32::from_be_bytes([t1, t2, t3, t4]),
            begin,
            content: message.get(begin..end)?,
        };
        Some((record, end))
    }

    fn address(&self) -> Option<IpAddr> {
        match self.kind {
            A => {
                let bytes: [u8; 4] = self.content.try_into().ok()?;
                Some(IpAddr::V4(Ipv4Addr::from(bytes)))
            }
            AAAA => {
                let bytes: [u8; 16] = self.content.try_into().ok()?;
                Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
            }
            _ => None,
        }
    }
}

/// The name at `at`, with dots; where what follows it begins.
pub(super) fn name(message: &[u8], at: usize) -> Option<(String, usize)> {
    let (name, after) = dns_name::read(message, at)?;
    Some((String::from_utf8_lossy(&name).into_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(pairs: &[&str]) -> Announced {
        let counted =
            |text: &&str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let content: Vec<u8> = pairs.iter().flat_map(counted).collect();
        let mut out = Announced::default();
        out.describe(&content);
        out
    }

    #[test]
    fn a_shared_multifunction_printer_makes_no_device_of_its_print_server() {
        let shared = described(&[
            "txtvers=1",
            "rp=printers/MFP",
            "ty=Ricoh MP C3004",
            "Scan=T",
            "printer-type=0x480905E",
        ]);
        assert_eq!((shared.scans, shared.model), (false, None));
        let class = described(&["rp=classes/all", "Scan=T"]);
        assert!(!class.scans);
        let device = described(&["rp=ipp/print", "ty=Ricoh MP C3004", "Scan=T"]);
        assert_eq!(
            (device.scans, device.model.as_deref()),
            (true, Some("Ricoh MP C3004"))
        );
    }
}

//! Get-Printer-Attributes (RFC 8011 §4.2.5): the question, and what its answer says of the printer.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};

use crate::text::{device_id, plain, uuid, without_maker};

/// What is asked for; nothing of jobs and nothing of people.
const ASKED: &[&str] = &[
    "printer-make-and-model",
    "printer-device-id",
    "printer-uuid",
    "printer-location",
    "printer-kind",
    "printer-firmware-string-version",
    "printer-serial-number",
    "ipp-features-supported",
    "ipp-versions-supported",
    "document-format-supported",
    "operations-supported",
    "print-scaling-supported",
    "printer-dns-sd-name",
];
/// Attributes of one answer that are read.
const ATTRIBUTES_MAX: usize = 4096;
/// Groups within groups that are followed.
const DEPTH_MAX: usize = 8;

const OPERATION: u8 = 0x01;
const END: u8 = 0x03;
const PRINTER: u8 = 0x04;
const BEGIN_COLLECTION: u8 = 0x34;
const END_COLLECTION: u8 = 0x37;

/// The question about the printer at `uri` (`ipp://host:631/ipp/print`). It asks; it prints nothing.
pub fn question(uri: &str) -> Vec<u8> {
    // Version 1.1, Get-Printer-Attributes, request 1.
    let mut out = vec![1, 1, 0x00, 0x0b, 0, 0, 0, 1, OPERATION];
    let mut add = |tag: u8, name: &str, value: &str| {
        out.push(tag);
        for text in [name, value] {
            let length = u16::try_from(text.len()).unwrap_or(0);
            out.extend(length.to_be_bytes());
            out.extend(
                text.as_bytes()
                    .get(..usize::from(length))
                    .unwrap_or_default(),
            );
        }
    };
    add(0x47, "attributes-charset", "utf-8");
    add(0x48, "attributes-natural-language", "en");
    add(0x45, "printer-uri", uri);
    for (at, name) in ASKED.iter().enumerate() {
        let key = if at == 0 { "requested-attributes" } else { "" };
        add(0x44, key, name);
    }
    out.push(END);
    out
}

/// What an answer says: its status, and the values of each attribute of the printer as text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// 0 to 0xff is success.
    pub status: u16,
    /// Values that are text or numbers, by attribute.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Answer {
    /// True if there is a printer at that path.
    pub fn is_success(&self) -> bool {
        self.status < 0x100
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.first().map(String::as_str)
    }

    fn has(&self, name: &str, word: &str) -> bool {
        let values = self.attributes.get(name).into_iter().flatten();
        values.into_iter().any(|value| value.contains(word))
    }
}

/// Reads an answer; `None` if it is none of IPP.
pub fn parse(bytes: &[u8]) -> Option<Answer> {
    let [major @ 1..=2, _minor, high, low, _, _, _, 1, rest @ ..] = bytes else {
        return None;
    };
    let _ = major;
    let mut answer = Answer {
        status: u16::from_be_bytes([*high, *low]),
        attributes: BTreeMap::new(),
    };
    let mut rest = rest;
    let (mut group, mut depth, mut last) = (0, 0_usize, String::new());
    for _ in 0..ATTRIBUTES_MAX {
        let Some((&tag, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        if tag < 0x10 {
            if tag == END {
                break;
            }
            (group, depth) = (tag, 0);
            last.clear();
            continue;
        }
        let Some((name, value, after)) = attribute(rest) else {
            break;
        };
        rest = after;
        match tag {
            BEGIN_COLLECTION => depth += 1,
            END_COLLECTION => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ => {
                if !name.is_empty() {
                    last = String::from_utf8_lossy(name).into_owned();
                }
                keep(&mut answer, group, &last, tag, value);
            }
        }
        if depth > DEPTH_MAX {
            break;
        }
    }
    Some(answer)
}

/// Name, value, and what follows.
fn attribute(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = counted(bytes)?;
    let (value, rest) = counted(rest)?;
    Some((name, value, rest))
}

fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn keep(answer: &mut Answer, group: u8, name: &str, tag: u8, value: &[u8]) {
    if group != PRINTER || !ASKED.contains(&name) {
        return;
    }
    let text = match (tag, value) {
        (0x21 | 0x23, value) => {
            let number = value.first_chunk::<4>().map(|b| i32::from_be_bytes(*b));
            number.map(|number| number.to_string())
        }
        // Text and names, with or without a language; keywords, addresses, formats.
        (0x35 | 0x36, value) => {
            let text = counted(value).and_then(|(_, rest)| counted(rest));
            text.map(|(text, _)| String::from_utf8_lossy(text).into_owned())
        }
        (0x41..=0x49, value) => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    };
    let values = answer.attributes.entry(name.to_owned()).or_default();
    if values.len() < 256 {
        values.extend(text);
    }
}

/// What the answer of the machine at `address` says of it; `None` if it is of no printer.
pub fn says(address: IpAddr, answer: &Answer) -> Option<DeviceSays> {
    if !answer.is_success() || answer.attributes.is_empty() {
        return None;
    }
    let mut says = DeviceSays::new(address, DeviceWitness::Ipp);
    let [maker, model, serial] = device_id(answer.first("printer-device-id").unwrap_or_default());
    let both = answer.first("printer-make-and-model");
    says.model = model.or_else(|| without_maker(both?, maker.as_deref()));
    says.maker = maker;
    says.serial = serial.or_else(|| plain(answer.first("printer-serial-number")?));
    says.uuid = answer.first("printer-uuid").and_then(uuid);
    says.location = answer.first("printer-location").and_then(plain);
    says.version = answer
        .first("printer-firmware-string-version")
        .and_then(plain);
    says.can = vec![Deed::Print];
    says.proof = vec!["Get-Printer-Attributes".to_owned()];
    let kind = "printer-kind";
    let features = "ipp-features-supported";
    for (deed, words) in [(Deed::Scan, &["scan"][..]), (Deed::Fax, &["faxout", "fax"])] {
        if words.iter().any(|word| answer.has(features, word)) {
            says.can.push(deed);
            says.proof.push(features.to_owned());
        }
    }
    let label = answer.has(kind, "label") || answer.has(kind, "receipt");
    says.class = Some(match says.can.contains(&Deed::Scan) {
        true => DeviceClass::Multifunction,
        false if label => DeviceClass::LabelPrinter,
        false => DeviceClass::Printer,
    });
    if label {
        says.proof.push(kind.to_owned());
    }
    says.can.sort();
    says.proof.sort();
    says.proof.dedup();
    Some(says)
}

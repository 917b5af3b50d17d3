//! What platforms of virtualization were made to write: documents of ours, descriptors of OVF, settings of Proxmox VE, what
//! `virsh dumpxml` writes.
//!
//! Which installation a file is of, only documents say. Of the others the operator says it (`--of NAME`); else a descriptor
//! stands for itself by the name of its list, and all settings of Proxmox VE together are one platform without a name.

use groma_model::Peer;
use groma_platform::{Read, document, libvirt, ovf, proxmox};
use serde_json::Value;

use crate::{ImportError, Reading, text};

/// The words a document of ours has in it; whether it is one is known when it was read.
const WORDS: &[&str] = &["groma.platform/", "groma.hyperv/"];
/// A file of settings is smaller than this.
const SETTINGS_BYTES_MAX: usize = 1 << 20;
/// The platform of settings whose cluster nobody named.
const UNNAMED: &str = "unnamed";

/// What such a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    Document,
    Descriptor,
    Settings,
    Domains,
}

/// True if `bytes` are one of them.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    sort(bytes).is_some()
}

fn sort(bytes: &[u8]) -> Option<Sort> {
    let begin = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let is_short = bytes.len() <= SETTINGS_BYTES_MAX;
    if !is_short && !begin.iter().any(|byte| matches!(byte, b'{' | b'<')) {
        return None;
    }
    let text = text::decode(bytes)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        let is_meant = WORDS.iter().any(|word| text.contains(word));
        let value: Value = is_meant.then(|| serde_json::from_str(text).ok())??;
        return document::sort(&value).map(|_| Sort::Document);
    }
    if ovf::is_ovf(text) {
        return Some(Sort::Descriptor);
    }
    if is_of_domains(text) {
        return Some(Sort::Domains);
    }
    (is_short && proxmox::is_file(text)).then_some(Sort::Settings)
}

/// What `virsh` writes of guests, or of the host before them. Pools and networks alone are words of too many.
fn is_of_domains(text: &str) -> bool {
    let begin: String = text.chars().take(4096).collect();
    let guest = begin.contains("<domain type=") || begin.contains("<domainsnapshot>");
    (guest || begin.contains("<capabilities>")) && libvirt::is_written_by_libvirt(begin.as_bytes())
}

/// Reads the file `bytes`, the list `list`, of the platform the operator calls `of`.
pub(crate) fn read(list: &str, bytes: &[u8], of: Option<&Peer>) -> Result<Reading, ImportError> {
    let text = text::decode(bytes).unwrap_or_default();
    let text = text.trim_start_matches('\u{feff}');
    let named = of.map(ToString::to_string);
    let read = match sort(bytes) {
        Some(Sort::Domains) => libvirt::read(named.as_deref().unwrap_or(list), text.as_bytes()),
        Some(Sort::Descriptor) => ovf::of_text(text, named.as_deref().unwrap_or(list)),
        Some(Sort::Settings) => {
            let platform = named.as_deref().unwrap_or(UNNAMED);
            proxmox::of_file(text, platform, number(list))
        }
        _ => document::of_value(&value(list, text)?),
    };
    Ok(taken(read))
}

fn value(list: &str, text: &str) -> Result<Value, ImportError> {
    serde_json::from_str(text).map_err(|error| ImportError::Broken {
        list: list.to_owned(),
        place: format!("line {}", error.line()),
        why: "this is no whole JSON".to_owned(),
    })
}

/// 104 of `104.conf`.
fn number(list: &str) -> Option<u32> {
    list.strip_suffix(".conf")?.parse().ok()
}

fn taken(read: Read) -> Reading {
    let mut reading = Reading {
        rows: read.facts.len() + read.untold.len(),
        facts: read.facts,
        ..Reading::default()
    };
    for untold in read.untold {
        reading.problem("all", "", untold);
    }
    reading
}

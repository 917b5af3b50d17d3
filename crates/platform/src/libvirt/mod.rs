//! libvirt: what it writes about guests (KVM, QEMU, Xen, LXC), their host, its storage and its networks.
//!
//! Every description is a document in XML, the same whether its interface hands it over or somebody saved it with `virsh
//! dumpxml`, `virsh capabilities`, `virsh pool-dumpxml` and the like. [`Document`] is one of them, read; an [`Installation`] is
//! all of one host put together: which pool a disk lies in, which VLAN a network gives a card. [`read`] does both for a file in
//! which any of them follow each other.
//!
//! A host is told from others by libvirt's UUID of it, if `sysinfo` shows one in its SMBIOS: without that the daemon makes up
//! another at each start, and the host goes by its name in lower case. A file of `virsh capabilities` that says neither is
//! believed its UUID, which is the one the daemon is known by too; shown is what somebody calls it.
//!
//! A secret, a title and a description that somebody wrote are never read.

mod card;
mod device;
mod disk;
mod domain;
mod host;
mod installation;
mod network;
mod snapshot;
mod storage;
mod tree;

use groma_model::virtualization::{Guest, GuestSnapshot};

use crate::Read;
pub use domain::guest_of;
pub use host::{Card, Host, Machine};
pub use installation::{Block, Installation};
pub use network::Network;
pub use storage::{Pool, Volume};

/// Why a description of libvirt cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("libvirt's XML, byte {at}: {why}; write it again with virsh, and change nothing in it")]
pub struct Unreadable {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is wrong there.
    pub why: String,
}

/// One description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Document {
    /// `domain`: a guest. Its platform is empty, and where its disks lie is told by [`Installation`].
    Guest(Box<Guest>),
    /// `capabilities`: the host.
    Host(Box<Host>),
    /// `sysinfo`: the hardware of the host.
    Machine(Machine),
    /// `interface`: a network card or bridge of the host.
    Card(Card),
    /// `pool`: a place for volumes.
    Pool(Pool),
    /// `volume`: a disk in a pool.
    Volume(Volume),
    /// `network`.
    Network(Network),
    /// `domainsnapshot`: the UUID of its guest, and the snapshot.
    Snapshot(String, GuestSnapshot),
}

/// Reads one description. `None` for one of something else, which is no error.
///
/// # Errors
/// It is no XML as libvirt writes it, or lacks what makes it a description (a guest without a UUID).
pub fn document(bytes: &[u8]) -> Result<Option<Document>, Unreadable> {
    let mut first = None;
    tree::trees(bytes, &mut |tree| {
        first.get_or_insert(tree);
    })?;
    first.map_or(Ok(None), |tree| made(&tree))
}

fn made(tree: &tree::Element) -> Result<Option<Document>, Unreadable> {
    let lacks = |why: &str| Unreadable {
        at: 0,
        why: format!("<{}> {why}", tree.name),
    };
    Ok(Some(match tree.name.as_str() {
        "domain" => {
            let guest = domain::guest(tree).ok_or_else(|| lacks("has no uuid or no name"))?;
            Document::Guest(Box::new(guest))
        }
        "capabilities" => Document::Host(Box::new(host::host(tree))),
        "sysinfo" => Document::Machine(host::machine(tree)),
        "interface" => Document::Card(host::card(tree).ok_or_else(|| lacks("has no name"))?),
        "pool" => Document::Pool(storage::pool(tree).ok_or_else(|| lacks("has no uuid or name"))?),
        "volume" => Document::Volume(storage::volume(tree).ok_or_else(|| lacks("has no path"))?),
        "network" => Document::Network(network::network(tree).ok_or_else(|| lacks("has no name"))?),
        "domainsnapshot" => {
            let read = snapshot::snapshot(tree);
            let (guest, snapshot) = read.ok_or_else(|| lacks("has no name or no guest"))?;
            Document::Snapshot(guest, snapshot)
        }
        _ => return Ok(None),
    }))
}

/// True for the first bytes of a file that [`read`] reads: `virsh dumpxml`, `virsh capabilities`, or what `virsh` writes about
/// pools, volumes and networks.
pub fn is_written_by_libvirt(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    while let Some(after) = skipped(rest) {
        rest = after.trim_start();
    }
    let opens = |name: &str| {
        let after = rest.strip_prefix('<').and_then(|r| r.strip_prefix(name));
        after.is_some_and(|after| after.starts_with(['>', ' ', '\n', '\r', '\t']))
    };
    let name = [
        "domain",
        "capabilities",
        "domainsnapshot",
        "pool",
        "volume",
        "network",
        "sysinfo",
    ];
    name.into_iter().any(opens)
}

/// What follows a declaration or a comment (`virsh edit` leaves one) at the beginning.
fn skipped(text: &str) -> Option<&str> {
    match text.strip_prefix("<!--") {
        Some(comment) => comment.split_once("-->").map(|(_, after)| after),
        None => text
            .strip_prefix("<?")?
            .split_once("?>")
            .map(|(_, after)| after),
    }
}

/// Reads a file in which descriptions follow each other, in any order: one guest or a thousand, and where the same file has
/// `virsh capabilities` too, the host. `name` is what the operator calls the host: it is shown, since no such description tells
/// the host's own name, and stands for the host where the file says nothing of it.
pub fn read(name: &str, bytes: &[u8]) -> Read {
    let mut whole = Installation::named(name);
    let mut untold = Vec::new();
    let mut many = 0_usize;
    let ended = tree::trees(bytes, &mut |tree| {
        many += 1;
        match made(&tree) {
            Ok(Some(document)) => whole.add(document),
            Ok(None) => untold.push(format!(
                "description {many}: <{}> is nothing groma reads of libvirt",
                short(&tree.name)
            )),
            Err(error) => untold.push(format!("description {many}: {}", error.why)),
        }
    });
    untold.extend(ended.err().map(|error| error.to_string()));
    let mut read = whole.into_read();
    read.untold.extend(untold);
    read
}

fn short(name: &str) -> String {
    name.chars().take(40).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libvirt_writes_is_known_by_its_first_element() {
        for known in [
            "<domain type='kvm'>",
            "\u{feff}<?xml version='1.0'?>\n<!--\nWARNING: made by virsh\n-->\n<domain\ntype='kvm'>",
            "<capabilities>",
            "<pool type='dir'>",
        ] {
            assert!(is_written_by_libvirt(known.as_bytes()), "{known}");
        }
        for other in [
            "",
            "<nmaprun>",
            "<domains>",
            "domain",
            "<html><domain>",
            "<!-- <domain>",
            "{}",
        ] {
            assert!(!is_written_by_libvirt(other.as_bytes()), "{other}");
        }
    }
}

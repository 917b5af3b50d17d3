//! Where disks of guests lie.

use groma_model::name::Peer;
use groma_model::virtualization::{Datastore, DatastoreSort, Platform};
use groma_model::{Fact, Foreign};

use super::answer::Object;
use super::element::Element;
use super::inventory::unescaped;
use crate::Read;

pub(super) fn read(platform: &Platform, object: &Object, read: &mut Read) {
    let nothing = Element::default();
    let summary = object.value("summary").unwrap_or(&nothing);
    let details = object.value("info").unwrap_or(&nothing);
    let reaches = object.value("host");
    let mut hosts: Vec<String> = reaches
        .into_iter()
        .flat_map(|all| all.all("DatastoreHostMount"))
        .filter_map(|mount| mount.text("key").map(str::to_owned))
        .collect();
    hosts.sort();
    hosts.dedup();
    let name = summary.text("name").or_else(|| details.text("name"));
    let sort = sort(summary, details);
    let capacity: Option<u64> = summary.number("capacity");
    // What others write to the same filer or disks moves the size of these.
    let moves = matches!(
        sort,
        DatastoreSort::FileShare | DatastoreSort::Spread | DatastoreSort::Directory
    );
    let datastore = Datastore {
        platform: platform.clone(),
        key: object.key.clone(),
        name: Foreign::from(unescaped(name.unwrap_or_default())),
        sort,
        product: product(summary, details),
        server: details.text("nas/remoteHost").and_then(Peer::parse),
        path: details
            .text("nas/remotePath")
            .or_else(|| details.text("path"))
            .map(Foreign::from),
        capacity_bytes: capacity.filter(|_| !moves),
        shared: summary.truth("multipleHostAccess"),
        hosts,
    };
    let subject = platform.subject(&object.key);
    read.facts.push(Fact::Datastore(Box::new(datastore)));
    // While nobody reaches it, the numbers are old ones.
    if summary.truth("accessible") == Some(false) {
        return;
    }
    let told = [
        ("datastore_capacity_bytes", capacity.filter(|_| moves)),
        ("datastore_free_bytes", summary.number("freeSpace")),
    ];
    for (metric, bytes) in told {
        if let Some(bytes) = bytes {
            #[expect(clippy::cast_precision_loss, reason = "bytes of a datastore")]
            read.measured(metric, &subject, bytes as f64);
        }
    }
}

fn sort(summary: &Element, details: &Element) -> DatastoreSort {
    match summary.text("type").unwrap_or_default() {
        "NFS" | "NFS41" | "CIFS" => DatastoreSort::FileShare,
        "vsan" | "vsanD" => DatastoreSort::Spread,
        "PMEM" => DatastoreSort::Block,
        "VMFS" => vmfs(summary, details),
        // A simulator, and hosts that are no ESXi, keep files in a directory.
        _ if details.kind == "LocalDatastoreInfo" => DatastoreSort::Directory,
        _ => DatastoreSort::Unknown,
    }
}

/// Several hosts can only write to one disk that they reach over a fabric. Hosts since version 5.5 say whether a disk is local.
fn vmfs(summary: &Element, details: &Element) -> DatastoreSort {
    let is_shared = summary.truth("multipleHostAccess");
    match (details.truth("vmfs/local"), is_shared) {
        (Some(true), Some(false) | None) | (None, Some(false)) => DatastoreSort::Block,
        (_, Some(true)) | (Some(false), _) => DatastoreSort::Fabric,
        (None, None) => DatastoreSort::Unknown,
    }
}

/// `VMFS-6`, or the word for what has no version.
fn product(summary: &Element, details: &Element) -> Option<String> {
    let word = summary.text("type")?;
    Some(match details.text("vmfs/majorVersion") {
        Some(version) => format!("{word}-{version}"),
        None => word.to_owned(),
    })
}

//! A list of a platform and looks at it, through a store to the document: the real way.

use std::sync::atomic::{AtomicU8, Ordering};

use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::fact::{Guest, Hypervisor};
use groma_model::inventory::Inventory;
use groma_model::virtualization::{Platform, PlatformKind};
use groma_model::{
    AgentId, Batch, BatchHeader, Coverage, Fact, Observation, Scope, Seen, SiteId, SourceName,
    Timestamp,
};
use groma_source::Randomness;
use groma_store::SqliteStore;

use super::*;
use crate::conclude;

const LIST: &str = r#"{"schema": "groma.platform/1",
    "hypervisors": [{"platform": {"kind": "libvirt", "id": "kvm1"}, "key": "kvm1", "name": "kvm1"}],
    "guests": [
        {"platform": {"kind": "libvirt", "id": "kvm1"}, "key": "g-web1", "name": "web1", "sort": "machine", "host": "kvm1",
         "disks": [{"name": "vda", "format": "raw", "capacity_bytes": 1000000000, "raw_device": true}]},
        {"platform": {"kind": "libvirt", "id": "kvm1"}, "key": "g-old1", "name": "old1", "sort": "machine", "host": "kvm1",
         "disks": [{"name": "vda", "format": "raw", "capacity_bytes": 1000000000, "raw_device": true}]}],
    "measurements": [{"metric": "vm_disk_used_bytes", "subject": "libvirt:kvm1/g-old1", "value": 5e8}]}"#;

/// Numbers that are never the same twice.
struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + hours * 3_600)
}

fn imported(store: &mut dyn Store, hour: i64) {
    let list = groma_import::read("kvm.json", LIST.as_bytes(), at(hour)).expect("a document");
    let batch = groma_import::as_batch(&list, &SiteId::default(), "0");
    store.ingest(&batch).expect("it is kept");
}

/// A look of an hour that tells of these guests.
fn looked(store: &mut dyn Store, hour: i64, guests: &[&str], state: CoverageState) {
    let (platform, source) = (
        Platform {
            kind: PlatformKind::Libvirt,
            id: "kvm1".to_owned(),
        },
        SourceName::new(PLATFORM_SOURCE),
    );
    let whole = Scope::new("hypervisor", "libvirt/qemu//system");
    let host = Fact::Hypervisor(Box::new(Hypervisor {
        platform: platform.clone(),
        key: "kvm1".to_owned(),
        name: "kvm1".into(),
        ..Hypervisor::default()
    }));
    let guests = guests.iter().map(|name| {
        Fact::Guest(Box::new(Guest {
            platform: platform.clone(),
            key: format!("g-{name}"),
            name: (*name).into(),
            host: Some("kvm1".to_owned()),
            ..Guest::default()
        }))
    });
    let seen = Seen::once(at(hour));
    let saw = std::iter::once(host).chain(guests).map(|fact| {
        Said::Saw(Observation {
            scope: whole.clone(),
            fact,
            seen,
        })
    });
    let covered = Said::Covered(Coverage {
        scope: whole.clone(),
        state,
        from: at(hour),
        to: at(hour + 1),
        how: None,
    });
    let said = saw.chain([covered]);
    let records: Vec<Record> = said
        .map(|said| Record {
            source: source.clone(),
            said,
        })
        .collect();
    let header = BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: AgentId::new("agt-asker"),
        site: SiteId::default(),
        epoch: 1,
        sequence: u64::try_from(at(hour).millis()).expect("after 1970"),
        version: "0".to_owned(),
        started: at(hour),
        ended: at(hour + 1),
        sources: vec![source],
    };
    store
        .ingest(&Batch { header, records })
        .expect("it is kept");
}

fn concluded(store: &mut dyn Store) -> Inventory {
    let random = Counting(AtomicU8::new(1));
    conclude::inventory(store, &Moment::Now, at(100), &random).expect("it is concluded")
}

fn guests(inventory: &Inventory) -> Vec<&str> {
    let entities = inventory.entities.iter();
    let mut names: Vec<&str> = entities
        .filter(|e| e.attributes.guest.is_some())
        .map(|e| e.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

fn says(inventory: &Inventory, what: &str) -> bool {
    serde_json::to_string(inventory)
        .expect("a document")
        .contains(what)
}

#[test]
fn a_deleted_guest_of_an_old_list_leaves_nothing_in_the_document() {
    let mut store = SqliteStore::open_in_memory().expect("a store");
    imported(&mut store, 1);
    let before = concluded(&mut store);
    assert_eq!(guests(&before), ["old1", "web1"]);
    assert!(says(&before, "old1"));
    looked(&mut store, 5, &["web1"], CoverageState::Complete);
    let after = concluded(&mut store);
    assert_eq!(guests(&after), ["web1"]);
    assert_eq!(after.guests.len(), 1);
    assert!(
        !says(&after, "old1"),
        "no row, finding, question, number or line of evidence speaks of it"
    );
    // The next look has a hole: what is gone stays gone.
    looked(&mut store, 8, &["web1"], CoverageState::Partial);
    assert_eq!(guests(&concluded(&mut store)), ["web1"]);
}

#[test]
fn a_look_with_a_hole_and_a_newer_list_keep_it() {
    let mut store = SqliteStore::open_in_memory().expect("a store");
    imported(&mut store, 1);
    looked(&mut store, 5, &["web1"], CoverageState::Partial);
    assert_eq!(guests(&concluded(&mut store)), ["old1", "web1"]);
    let mut store = SqliteStore::open_in_memory().expect("a store");
    looked(&mut store, 5, &["web1"], CoverageState::Complete);
    imported(&mut store, 9);
    assert_eq!(guests(&concluded(&mut store)), ["old1", "web1"]);
}

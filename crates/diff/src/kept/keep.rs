//! An inventory, written down row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use groma_model::inventory::{Basis, Dependency, Entity, Inventory, ListenerEntry};
use groma_model::{EntityId, Timestamp};
use serde::Serialize;

use super::layout::{CHUNK_BYTES, Head, MAGIC, Row, hash, mark, short};

const LEVEL: i32 = 3;

/// Writes what a diff needs of `inventory`. `key` comes back from [`super::Kept::key`]: it says what the inventory was concluded from.
///
/// # Errors
/// What `to` says.
pub fn keep(inventory: &Inventory, key: &str, to: &mut impl Write) -> io::Result<()> {
    let mut texts = Texts::default();
    let entities = entities(inventory, &mut texts)?;
    let listeners = listeners(inventory, &mut texts)?;
    let dependencies = dependencies(inventory, &mut texts)?;
    texts.close()?;
    let head = Head {
        key: key.to_owned(),
        bare: bare(inventory),
        entities: entities.len() as u64,
        listeners: listeners.len() as u64,
        dependencies: dependencies.len() as u64,
        chunks: texts.lengths,
    };
    let head = serde_json::to_vec(&head)?;
    to.write_all(MAGIC)?;
    to.write_all(&(head.len() as u64).to_le_bytes())?;
    to.write_all(&head)?;
    for rows in [entities, listeners, dependencies] {
        let mut bytes = Vec::new();
        for row in rows.values() {
            row.write(&mut bytes);
        }
        to.write_all(&bytes)?;
    }
    to.write_all(&texts.packed)
}

type Rows = BTreeMap<u128, Row>;

fn entities(inventory: &Inventory, texts: &mut Texts) -> io::Result<Rows> {
    let mut rows = Rows::new();
    for entity in by_mark(&inventory.entities, |e| e.id.as_str()) {
        let row = texts.row(entity.1, &quiet_entity(entity.1), [0; 2])?;
        rows.insert(
            entity.0,
            Row {
                id: entity.0,
                ..row
            },
        );
    }
    Ok(rows)
}

fn dependencies(inventory: &Inventory, texts: &mut Texts) -> io::Result<Rows> {
    let mut rows = Rows::new();
    for (id, one) in by_mark(&inventory.dependencies, |d| d.id.as_str()) {
        let ends = [&one.consumer.entity, &one.provider.entity].map(|e| short(e.as_str()));
        let row = texts.row(one, &quiet_dependency(one), ends)?;
        rows.insert(id, Row { id, ..row });
    }
    Ok(rows)
}

/// In the order of their marks; of several with one id the last, as a diff takes them.
fn by_mark<T>(all: &[T], id: impl Fn(&T) -> &str) -> BTreeMap<u128, &T> {
    all.iter().map(|one| (mark(id(one)), one)).collect()
}

fn listeners(inventory: &Inventory, texts: &mut Texts) -> io::Result<Rows> {
    let mut groups: BTreeMap<&EntityId, Vec<&ListenerEntry>> = BTreeMap::new();
    for listener in &inventory.listeners {
        groups.entry(&listener.entity).or_default().push(listener);
    }
    let groups: BTreeMap<u128, Vec<&ListenerEntry>> = groups
        .into_iter()
        .map(|(entity, group)| (mark(entity.as_str()), group))
        .collect();
    let mut rows = Rows::new();
    for (id, group) in groups {
        let quiet = group.iter().map(|l| quiet_listener(l));
        let quiet: BTreeSet<Vec<u8>> = quiet.collect::<Result<_, _>>()?;
        let row = texts.row(&group, &quiet, [0; 2])?;
        rows.insert(id, Row { id, ..row });
    }
    Ok(rows)
}

/// An entity without what moves from look to look, and no diff of two that are there compares.
fn quiet_entity(entity: &Entity) -> Entity {
    let long_ago = Timestamp::from_millis(0);
    Entity {
        evidence: Vec::new(),
        first_seen: long_ago,
        last_seen: long_ago,
        merged_because: Vec::new(),
        declared: false,
        system: None,
        owner: None,
        criticality: None,
        ..entity.clone()
    }
}

/// A need without what moves from look to look, and no diff speaks of.
fn quiet_dependency(one: &Dependency) -> Dependency {
    let long_ago = Timestamp::from_millis(0);
    let mut quiet = Dependency {
        evidence: Vec::new(),
        first_seen: long_ago,
        last_seen: long_ago,
        count: 0,
        next_due: None,
        // How it is known, and whether a list names it: a list that is imported changes this of all needs at once.
        witnesses: Vec::new(),
        basis: Basis::Observed,
        hidden: false,
        hidden_because: Vec::new(),
        ..one.clone()
    };
    quiet.details.programs.clear();
    quiet.details.bytes = None;
    quiet.details.last_used = None;
    quiet.details.lasted = None;
    quiet.details.hours = Default::default();
    quiet
}

fn quiet_listener(listener: &ListenerEntry) -> Result<Vec<u8>, serde_json::Error> {
    let quiet = ListenerEntry {
        evidence: Vec::new(),
        ..listener.clone()
    };
    serde_json::to_vec(&quiet)
}

/// What the diff says of a moment as a whole.
fn bare(inventory: &Inventory) -> Inventory {
    Inventory {
        schema: inventory.schema.clone(),
        generated_at: inventory.generated_at,
        snapshot: inventory.snapshot.clone(),
        window: inventory.window,
        data_level: inventory.data_level.clone(),
        compared_with_list: inventory.compared_with_list,
        shared: inventory.shared.clone(),
        link_bps: inventory.link_bps,
        coverage: Vec::new(),
        layers: Vec::new(),
        sites: Vec::new(),
        links: Vec::new(),
        systems: Vec::new(),
        entities: Vec::new(),
        listeners: Vec::new(),
        dependencies: Vec::new(),
        volumes: Vec::new(),
        rights: Vec::new(),
        backups: Vec::new(),
        watching: Vec::new(),
        mail_records: Vec::new(),
        mail_routes: Vec::new(),
        zone_records: Vec::new(),
        ledger: Vec::new(),
        mailbox_ties: Vec::new(),
        relying_parties: Vec::new(),
        mail_ledger: Vec::new(),
        mail_servers: Vec::new(),
        devices: Vec::new(),
        guests: Vec::new(),
        measurements: Vec::new(),
        waves: Vec::new(),
        findings: Vec::new(),
        estimate: None,
        questions: Vec::new(),
        evidence: Vec::new(),
    }
}

/// Texts on their way into chunks.
#[derive(Default)]
struct Texts {
    open: Vec<u8>,
    packed: Vec<u8>,
    lengths: Vec<(u64, u64)>,
}

impl Texts {
    /// Keeps the text of `whole`; the row has no id yet.
    fn row(
        &mut self,
        whole: &impl Serialize,
        quiet: &impl Serialize,
        ends: [u64; 2],
    ) -> io::Result<Row> {
        if self.open.len() >= CHUNK_BYTES {
            self.close()?;
        }
        let small = |number: usize| u32::try_from(number).map_err(io::Error::other);
        let (chunk, from) = (small(self.lengths.len())?, small(self.open.len())?);
        serde_json::to_writer(&mut self.open, whole)?;
        Ok(Row {
            id: 0,
            digest: hash(&serde_json::to_vec(quiet)?),
            chunk,
            from,
            length: small(self.open.len())? - from,
            ends,
        })
    }

    fn close(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let packed = zstd::bulk::compress(&self.open, LEVEL)?;
        let lengths = (packed.len() as u64, self.open.len() as u64);
        self.lengths.push(lengths);
        self.packed.extend(packed);
        self.open.clear();
        Ok(())
    }
}

//! Records in, facts out.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::Fact;
use groma_model::virtualization::{Guest, GuestSort, Platform, PlatformKind};
use serde_json::Value;

use super::class::Class;
use super::guest::guest;
use super::host::tell_hosts;
use super::network::Networks;
use super::pool::tell_pool;
use super::storage::{Stores, tell_stores};
use super::table::{RECORDS_MAX, Tables, reference, references, uuid, within};
use super::{device, disk};
use crate::Read;
use crate::json::flag;
use crate::shared::mark_shared;

/// Takes records of one pool, and makes facts of them.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    tables: Tables,
    /// Classes of which not everything was told.
    parts: BTreeSet<Class>,
    /// What was left out for its number.
    cut: BTreeSet<Class>,
}

impl Reader {
    /// A reader that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one record of `class`, as [`super::records`] or [`super::record`] told it.
    pub fn take(&mut self, class: Class, reference: String, record: Value) {
        if !self.tables.keep(class, reference, record) {
            self.cut.insert(class);
        }
    }

    /// Says that of `class` not everything was told: a reference that leads to nothing may lead there.
    pub fn partly(&mut self, class: Class) {
        self.parts.insert(class);
    }

    /// True if the record `reference` of `class` was taken.
    pub fn has(&self, class: Class, reference: &str) -> bool {
        self.tables.at(class, reference).is_some()
    }

    /// Which pool this is. `None` until its record was taken, or where it has no UUID.
    pub fn platform(&self) -> Option<Platform> {
        let (_, pool) = self.tables.all(Class::Pool).next()?;
        Some(Platform {
            kind: PlatformKind::Xapi,
            id: uuid(pool)?,
        })
    }

    /// What guests point to and nobody told, by class: it went away between two questions.
    pub fn lost(&self) -> BTreeMap<Class, usize> {
        let tables = &self.tables;
        let mut lost: BTreeMap<Class, usize> = BTreeMap::new();
        let mut looks = |class: Class, reference: &str| {
            if !self.parts.contains(&class) && tables.at(class, reference).is_none() {
                let count = lost.entry(class).or_default();
                *count = count.saturating_add(1);
            }
        };
        for record in Machines::of(tables).guests.values() {
            references(record, "VBDs").for_each(|drive| looks(Class::Vbd, drive));
            references(record, "VIFs").for_each(|card| looks(Class::Vif, card));
            for drive in tables.each(record, "VBDs", Class::Vbd) {
                let vdi = reference(drive, "VDI").into_iter();
                vdi.for_each(|vdi| looks(Class::Vdi, vdi));
            }
            device::pointed(record).for_each(|(class, at)| looks(class, at));
        }
        lost
    }

    /// The facts: the pool, hosts, storage repositories and guests, with their numbers. Empty where
    /// [`Reader::platform`] is.
    pub fn finish(self) -> Read {
        let mut read = Read::default();
        let Some(platform) = self.platform() else {
            return read;
        };
        let tables = &self.tables;
        let machines = Machines::of(tables);
        let stores = Stores::of(tables);
        let networks = Networks::of(tables);
        tell_pool(tables, &platform, &machines, &mut read);
        tell_hosts(tables, &stores, &networks, &platform, &machines, &mut read);
        tell_stores(tables, &stores, &platform, &mut read);
        self.tell_guests(&machines, (&stores, &networks), &platform, &mut read);
        for class in &self.cut {
            let word = class.word();
            read.untold.push(format!(
                "more than {RECORDS_MAX} records of {word}: the rest is left out"
            ));
        }
        read
    }

    fn tell_guests(
        &self,
        machines: &Machines<'_>,
        places: (&Stores, &Networks<'_>),
        platform: &Platform,
        read: &mut Read,
    ) {
        let tables = &self.tables;
        let mut guests: Vec<(Guest, &str)> = Vec::new();
        for (reference, record) in &machines.guests {
            let kept = machines.kept_of(reference);
            if let Some(mut told) = guest(tables, places, record, &kept) {
                told.platform = platform.clone();
                guests.push((told, reference));
            }
        }
        guests.sort_by(|a, b| a.0.key.cmp(&b.0.key));
        guests.dedup_by(|a, b| a.0.key == b.0.key);
        // A disk that two may open says so itself; two guests that have one disk say it together.
        let said: Vec<Vec<bool>> = guests
            .iter()
            .map(|(guest, _)| guest.disks.iter().map(|disk| disk.shared).collect())
            .collect();
        mark_shared(&mut guests);
        for ((guest, _), said) in guests.iter_mut().zip(said) {
            for (disk, said) in guest.disks.iter_mut().zip(said) {
                disk.shared |= said;
            }
        }
        let chains = disk::Chains::of(tables);
        for (guest, reference) in &guests {
            let record = tables.at(Class::Vm, reference).unwrap_or(&Value::Null);
            if let Some(used) = chains.used(tables, record) {
                read.measured("vm_disk_used_bytes", &platform.subject(&guest.key), used);
            }
        }
        let facts = guests.into_iter();
        read.facts
            .extend(facts.map(|(guest, _)| Fact::Guest(Box::new(guest))));
    }
}

/// The records of virtual machines, told apart.
pub(super) struct Machines<'t> {
    /// Guests and templates somebody made.
    pub(super) guests: BTreeMap<&'t str, &'t Value>,
    /// Snapshots by the guest they are of.
    snapshots: BTreeMap<&'t str, Vec<(&'t str, &'t Value)>>,
}

impl<'t> Machines<'t> {
    fn of(tables: &'t Tables) -> Self {
        let mut machines = Self {
            guests: BTreeMap::new(),
            snapshots: BTreeMap::new(),
        };
        for (at, record) in tables.all(Class::Vm) {
            if flag(record, "is_control_domain") == Some(true) {
                continue;
            }
            if flag(record, "is_a_snapshot") == Some(true) {
                if let Some(of) = reference(record, "snapshot_of") {
                    machines.snapshots.entry(of).or_default().push((at, record));
                }
            } else if !is_of_the_maker(record) {
                machines.guests.insert(at, record);
            }
        }
        machines
    }

    /// Snapshots of the guest `reference`, with their references.
    pub(super) fn kept_of(&self, reference: &str) -> Vec<(&'t str, &'t Value)> {
        self.snapshots.get(reference).cloned().unwrap_or_default()
    }

    /// Guests that may run.
    pub(super) fn running(&self) -> impl Iterator<Item = &'t Value> {
        let all = self.guests.values().copied();
        all.filter(|record| sort(record) == GuestSort::Machine)
    }

    /// Keys of guests `record` names in its set `field`, sorted. Snapshots and templates are no guests that run.
    pub(super) fn keys(&self, record: &Value, field: &str) -> Vec<String> {
        let named = references(record, field).filter_map(|at| self.guests.get(at));
        let keys: BTreeSet<String> = named
            .filter(|record| sort(record) == GuestSort::Machine)
            .filter_map(|record| uuid(record))
            .collect();
        keys.into_iter().collect()
    }
}

/// Whether a record is a guest or a template.
pub(super) fn sort(record: &Value) -> GuestSort {
    match flag(record, "is_a_template") {
        Some(true) => GuestSort::Template,
        _ => GuestSort::Machine,
    }
}

/// The templates every installation comes with: settings without a disk.
fn is_of_the_maker(record: &Value) -> bool {
    let said = || within(record, "other_config", "default_template");
    let marked = || said().and_then(|text| crate::json::yes(&text)) == Some(true);
    sort(record) == GuestSort::Template
        && (flag(record, "is_default_template") == Some(true) || marked())
}

//! What silence about a record rests on: every server of its zone was heard, and nobody was told the record with another one.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::zone::ZoneRecordEntry;
use groma_model::{EntityId, HostName};

use crate::View;

/// What all zones say together.
pub(super) struct Zones<'v> {
    /// Zone and view → the names of its servers, as its own NS records have them.
    servers: BTreeMap<(&'v HostName, Option<&'v str>), BTreeSet<&'v str>>,
    /// What has one of those names; `None` where an address of it is nobody's.
    machines: BTreeMap<&'v str, Option<BTreeSet<&'v EntityId>>>,
    /// Names that stand in the answer to a question for another name.
    given: BTreeSet<&'v str>,
    /// Parts of the tree of names into which a DNAME leads.
    renamed: BTreeSet<&'v str>,
}

impl<'v> Zones<'v> {
    pub(super) fn of(view: &'v View<'_>) -> Self {
        let mut zones = Self {
            servers: BTreeMap::new(),
            machines: BTreeMap::new(),
            given: BTreeSet::new(),
            renamed: BTreeSet::new(),
        };
        for record in view.all(|i| &i.zone_records) {
            zones.take(record);
        }
        zones.find_machines(view);
        zones
    }

    fn take(&mut self, record: &'v ZoneRecordEntry) {
        if record.kind == "NS" && record.owner == record.zone.as_str() {
            let key = (&record.zone, record.view.as_deref());
            let names = self.servers.entry(key).or_default();
            names.extend(record.values.iter().map(String::as_str));
        }
        if record.kind == "DNAME" {
            self.renamed
                .extend(record.values.iter().map(String::as_str));
        }
        // Which names below a wildcard were asked for stands at none of its records.
        if record.asked.is_some() || record.owner.starts_with("*.") {
            self.given.extend(record.through.iter().map(String::as_str));
            let values = record.values.iter().map(String::as_str);
            self.given.extend(values.filter_map(target));
        }
    }

    /// The machine of each server: by the addresses that a zone gives its name, or by its own name.
    fn find_machines(&mut self, view: &'v View<'_>) {
        let servers = self.servers.values().flatten();
        let names: BTreeSet<&str> = servers.copied().collect();
        for record in view.all(|i| &i.zone_records) {
            let leads = matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
            if !leads || !names.contains(record.owner.as_str()) {
                continue;
            }
            let is_known = record.nobodys.is_empty() && record.nowhere.is_empty();
            let known = self.machines.entry(record.owner.as_str());
            let slot = known.or_insert_with(|| Some(BTreeSet::new()));
            match slot {
                Some(machines) if is_known => machines.extend(&record.machines),
                _ => *slot = None,
            }
        }
        for entity in view.entities() {
            for name in entity.names.iter().map(String::as_str) {
                if names.contains(name) {
                    let slot = self.machines.entry(name);
                    let known = slot.or_insert_with(|| Some(BTreeSet::new()));
                    known.iter_mut().for_each(|machines| {
                        machines.insert(&entity.id);
                    });
                }
            }
        }
    }

    /// True if the zone names its servers, and each of them is a machine whose file of the zone was read: another one may
    /// have been asked with nobody listening.
    pub(super) fn all_servers_are_heard(&self, record: &ZoneRecordEntry) -> bool {
        let key = (&record.zone, record.view.as_deref());
        let is_heard = |name: &&str| {
            let machines = self.machines.get(*name).and_then(Option::as_ref);
            machines.is_some_and(|machines| {
                !machines.is_empty() && machines.iter().all(|id| record.served_by.contains(*id))
            })
        };
        let names = self.servers.get(&key);
        names.is_some_and(|names| !names.is_empty() && names.iter().all(is_heard))
    }

    /// True if a server puts it into the answer to a question for another name that was asked for: then nobody needs to ask
    /// for it (RFC 1034 §4.3.2 for aliases; RFC 1035 §3.3.9 and RFC 2782 for machines that MX and SRV name).
    pub(super) fn is_given_with_another(&self, record: &ZoneRecordEntry) -> bool {
        let owner = record.owner.as_str();
        let mut above = std::iter::successors(Some(owner), |name| Some(name.split_once('.')?.1));
        self.given.contains(owner) || above.any(|name| self.renamed.contains(name))
    }
}

/// The name at the end of a value: of `10 mail.corp.example` the last word.
fn target(value: &str) -> Option<&str> {
    value.rsplit(' ').next()
}

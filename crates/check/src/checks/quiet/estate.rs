//! Who is spoken of where no dependency says so, and who looks after whom.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::EntityId;
use groma_model::fact::{ForwardEnd, WatchPurpose};
use groma_model::inventory::{Dependency, Entity};
use groma_model::ledger::LedgerEntry;
use groma_model::name::Peer;

use crate::View;

/// Kinds by which a machine is watched, where it is called at a port of [`WATCHED_AT`]. At other ports of these kinds it is the
/// watcher that is called.
const WATCHED_BY: [&str; 2] = ["monitoring", "snmp"];
/// Ports at which agents on watched machines answer: SNMP, NRPE, Checkmk, node exporter, Zabbix, NSClient++.
const WATCHED_AT: [u16; 6] = [161, 5666, 6556, 9100, 10_050, 12_489];
/// Kinds by which whoever watches a machine or copies it away comes besides. Nothing else that comes from there is meant: a
/// watcher may keep its own data in the database it watches.
const KEPT_BY: [&str; 3] = ["backup", "monitoring", "snmp"];
/// How programs begin that only try whether something answers.
const TRIES: [&str; 9] = [
    "blackbox_exporter",
    "check_",
    "icinga",
    "monit",
    "nagios",
    "nrpe",
    "shinken",
    "smokeping",
    "uptime-kuma",
];
/// Kinds by which people and their tools log on to a machine.
const LOGGED_ON: [&str; 3] = ["rdp", "ssh", "telnet"];
/// Who logs on to so many machines with an agent, and to four of five of them, keeps the estate in order. A batch server that
/// carries files to some of them does its work there.
const LOGGED_ON_TO_MIN: usize = 10;
/// Who is spoken of where no dependency says so, and who looks after whom; walked through once.
#[derive(Default)]
pub(super) struct Estate<'a> {
    /// Machines that a published record, a directory, a provider of logons or a mail route leads to, or that look after others.
    named: BTreeSet<&'a EntityId>,
    /// Addresses that rules, routes and settings of machines name, with whose they are.
    addresses: BTreeMap<IpAddr, BTreeSet<&'a EntityId>>,
    /// First labels of names that are written so, with whose they are; none for a directory.
    labels: BTreeMap<String, BTreeSet<Option<&'a EntityId>>>,
    /// Who looks after each machine.
    keepers: BTreeMap<&'a EntityId, BTreeSet<&'a EntityId>>,
    /// Who logs on to so many that it looks after all of them.
    of_all: BTreeSet<&'a EntityId>,
    ledger: BTreeMap<&'a EntityId, Vec<&'a LedgerEntry>>,
}

impl<'a> Estate<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let mut estate = Self::default();
        estate.take_records(view);
        estate.take_roles(view);
        view.entities()
            .for_each(|entity| estate.take_entity(entity));
        for row in view.all(|i| &i.ledger) {
            estate.ledger.entry(&row.provider).or_default().push(row);
        }
        let logs_on = |d: &'a Dependency| {
            let is_one = LOGGED_ON.contains(&d.kind.as_str()) && !d.details.local;
            is_one.then_some(&d.consumer.entity)
        };
        for (consumer, needs) in view.grouped(logs_on) {
            let is_watched = |id: &&EntityId| view.entity(id).is_some_and(|e| e.has_agent);
            let to = needs.iter().map(|d| &d.provider.entity);
            let to: BTreeSet<&EntityId> = to.filter(is_watched).collect();
            if to.len() >= LOGGED_ON_TO_MIN && to.len() * 5 >= view.watched_hosts() * 4 {
                estate.of_all.insert(consumer);
            }
        }
        estate
    }

    /// What name servers and mail servers say. That a machine has an address is no use of it; that a service has it is.
    fn take_records(&mut self, view: &View<'a>) {
        for record in view.all(|i| &i.mail_records) {
            self.named.extend(&record.machines);
        }
        for record in view.all(|i| &i.zone_records) {
            if !matches!(record.kind.as_str(), "A" | "AAAA" | "PTR") {
                self.named.extend(&record.machines);
            }
            self.named.extend(&record.served_by);
        }
        for route in view.all(|i| &i.mail_routes) {
            self.named.extend(&route.next);
        }
        for row in view.all(|i| &i.mail_ledger) {
            self.named.insert(&row.provider);
        }
    }

    /// Who signs people in, keeps copies, watches others or keeps their logs; and what a planned move leads to.
    fn take_roles(&mut self, view: &View<'a>) {
        for party in view.all(|i| &i.relying_parties) {
            self.named.extend(&party.provider);
            self.named.extend(&party.consumers);
        }
        for backup in view.all(|i| &i.backups) {
            if let Some(by) = backup.by.as_ref().filter(|by| **by != backup.entity) {
                self.named.insert(by);
                self.keepers.entry(&backup.entity).or_default().insert(by);
            }
        }
        for row in view.all(|i| &i.watching) {
            for by in row.by.iter().filter(|by| **by != row.entity) {
                self.named.insert(by);
                if row.purpose == WatchPurpose::WatchedBy {
                    self.keepers.entry(&row.entity).or_default().insert(by);
                }
            }
        }
        for wave in view.all(|i| &i.waves) {
            for to in wave.moves.iter().map(|one| one.to.as_str()) {
                self.take_word(None, to);
            }
        }
    }

    fn take_entity(&mut self, entity: &'a Entity) {
        let attributes = &entity.attributes;
        let whose = &entity.id;
        for gateway in attributes.routes.iter().filter_map(|route| route.gateway) {
            self.addresses
                .entry(gateway.to_canonical())
                .or_default()
                .insert(whose);
        }
        for rule in &attributes.filter_rules {
            let host = rule.network.split('/').next().unwrap_or_default();
            if let Ok(address) = host.parse::<IpAddr>() {
                self.addresses
                    .entry(address.to_canonical())
                    .or_default()
                    .insert(whose);
            }
        }
        for forward in &attributes.forwards {
            if let ForwardEnd::Endpoint { peer, .. } = &forward.sends_to {
                self.take_peer(Some(whose), peer);
            }
        }
        for mention in &attributes.mentions {
            self.take_peer(Some(whose), &mention.peer);
        }
        for entry in &attributes.directory_objects {
            // That a machine is a member of a domain is no use of it, nor is a record of it that nobody renewed.
            let is_role = !matches!(entry.object.class.as_str(), "computer" | "dns-record");
            if let Some(peer) = entry.object.host.as_ref().filter(|_| is_role) {
                self.take_peer(None, peer);
            }
        }
    }

    fn take_peer(&mut self, whose: Option<&'a EntityId>, peer: &Peer) {
        match (peer, whose) {
            (Peer::Address(address), Some(whose)) => {
                self.addresses
                    .entry(address.to_canonical())
                    .or_default()
                    .insert(whose);
            }
            (peer, whose) => self.take_word(whose, &peer.to_string()),
        }
    }

    fn take_word(&mut self, whose: Option<&'a EntityId>, word: &str) {
        self.labels.entry(label(word)).or_default().insert(whose);
    }

    /// True if somebody else's record, rule, route or setting names the machine.
    pub(super) fn names(&self, machine: &Entity) -> bool {
        let by_another = |whose: &BTreeSet<&EntityId>| whose.iter().any(|id| **id != machine.id);
        let written = |word: &str| {
            let whose = self.labels.get(&label(word));
            whose.is_some_and(|all| all.iter().any(|one| one.is_none_or(|id| *id != machine.id)))
        };
        let names = machine.names.iter().chain([&machine.name]);
        self.named.contains(&machine.id)
            || machine.addresses.iter().any(|address| {
                let canonical = address.to_canonical();
                self.addresses.get(&canonical).is_some_and(by_another)
                    || written(&canonical.to_string())
            })
            || names.into_iter().any(|name| written(name))
    }

    /// How it is used, as logs tell.
    pub(super) fn used(&self, machine: &Entity) -> impl Iterator<Item = &'a LedgerEntry> + '_ {
        self.ledger.get(&machine.id).into_iter().flatten().copied()
    }

    /// True if a need only looks after the machine.
    pub(super) fn only_keeps(&self, machine: &Entity, d: &Dependency) -> bool {
        let part = d.consumer.component.name.lossy();
        let programs = d
            .details
            .programs
            .iter()
            .map(String::as_str)
            .chain([part.as_ref()]);
        only_watches(d) || self.keeps(machine, &d.consumer.entity, &d.kind, programs)
    }

    /// The same of a use that a log tells.
    pub(super) fn only_kept(&self, machine: &Entity, row: &LedgerEntry) -> bool {
        let programs = row
            .programs
            .iter()
            .chain(&row.says_it_is)
            .map(String::as_str);
        self.keeps(machine, &row.consumer, &row.kind, programs)
    }

    fn keeps<'p>(
        &self,
        machine: &Entity,
        by: &EntityId,
        kind: &str,
        mut programs: impl Iterator<Item = &'p str>,
    ) -> bool {
        let of_it = self.keepers.get(&machine.id);
        let is_keeper = of_it.is_some_and(|all| all.contains(by));
        let logs_on = LOGGED_ON.contains(&kind);
        let is_kept = KEPT_BY.contains(&kind) || logs_on || programs.any(only_tries);
        is_keeper && is_kept || logs_on && self.of_all.contains(by)
    }
}

fn only_tries(program: &str) -> bool {
    let name = groma_model::path::program_name(program);
    TRIES.iter().any(|begin| name.starts_with(begin))
}

/// True for a call at the door of an agent that tells how the machine does.
pub(super) fn only_watches(d: &Dependency) -> bool {
    let door = d
        .provider
        .port
        .is_some_and(|port| WATCHED_AT.contains(&port.0));
    WATCHED_BY.contains(&d.kind.as_str()) && door
}

/// The first label of a name; an address as it is.
fn label(word: &str) -> String {
    match word.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => word.split('.').next().unwrap_or_default().to_lowercase(),
    }
}

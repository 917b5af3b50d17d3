//! One pass over the evidence: what edges are made of, and the lines that will be cited.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use groma_model::device_verdict::DeviceEntry;
use groma_model::fact::{
    Access, Admission, AskedName, BackupJob, Connection, Datastore, DeviceSays, DirectoryNeed,
    FileSystem, Forward, Guest, HostIdentity, Hypervisor, Job, Knock, KnockWay, Listener,
    LoggedSearch, LoggedUse, MailReader, MailRecord, MailRoute, MailServer, MailUse, MailboxTie,
    Measurement, NameSource, OpenPort, Reference, RelyingParty, ReportedUse, SeenService, Share,
    Sighting, Watch, ZoneRecord,
};
use groma_model::inventory::{
    Backup, Dependency, Entity, EvidenceEntry, ListenerEntry, MailRecordEntry, Right, Watching,
};
use groma_model::ledger::LedgerEntry;
use groma_model::mail_ledger::{MailLedgerEntry, MailServerEntry};
use groma_model::mailbox::MailboxTieEntry;
use groma_model::{
    AgentId, EntityId, Estate, Evidence, EvidenceId, EvidenceState, Fact, HostName, Hours, Peer,
    Seen, SiteId, Witness,
};
use rayon::prelude::*;

use crate::footprints::SWEEP;
use crate::side_by_side;

/// A fact with the provenance an edge needs.
#[derive(Clone, Debug)]
pub(crate) struct Raw<T> {
    pub(crate) id: EvidenceId,
    pub(crate) site: SiteId,
    pub(crate) vantage: AgentId,
    pub(crate) host: EntityId,
    pub(crate) seen: Seen,
    pub(crate) current: bool,
    pub(crate) witness: Witness,
    pub(crate) fact: T,
}

impl<T> Raw<T> {
    /// True if its count is one of connections, as they happened; else it counts samples in which it was met.
    pub(crate) fn counts_connections(&self) -> bool {
        !self.seen.hours.is_empty()
    }
}

/// Facts of one kind. Boxed: a list that grows and is sorted moves pointers, not facts.
pub(crate) type Raws<T> = Vec<Box<Raw<T>>>;

/// The facts edges are made of.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) listeners: Raws<Listener>,
    /// Ports that answered from outside.
    pub(crate) open_ports: Raws<OpenPort>,
    /// Those of them that an agent called itself.
    pub(crate) called_ports: Raws<OpenPort>,
    /// What spoke at such ports.
    pub(crate) seen_services: Raws<SeenService>,
    /// Listeners in networks that containers have for themselves: no door of the machine.
    pub(crate) inside: Raws<Listener>,
    pub(crate) connections: Raws<Connection>,
    pub(crate) logged: Raws<LoggedUse>,
    pub(crate) searches: Raws<LoggedSearch>,
    /// What exported logs and packets tell: the witness says which.
    pub(crate) reported: Raws<ReportedUse>,
    /// Knocks at the addresses of machines that are gone, heard by a sentinel.
    pub(crate) knocks: Raws<Knock>,
    /// Addresses a host's own sweep met somebody at.
    pub(crate) swept: BTreeSet<(EntityId, IpAddr)>,
    pub(crate) sightings: Raws<Sighting>,
    pub(crate) device_says: Raws<DeviceSays>,
    /// Rows of filled sheets that are about another device than the one at their address.
    pub(crate) rows_of_others: Raws<DeviceSays>,
    pub(crate) mail_used: Raws<MailUse>,
    pub(crate) mail_readers: Raws<MailReader>,
    pub(crate) mail_servers: Raws<MailServer>,
    pub(crate) stated: Raws<DirectoryNeed>,
    /// Machines whose host told them who it is.
    pub(crate) carried: Raws<HostIdentity>,
    pub(crate) guests: Raws<Guest>,
    pub(crate) hypervisors: Raws<Hypervisor>,
    pub(crate) datastores: Raws<Datastore>,
    pub(crate) references: Raws<Reference>,
    pub(crate) mounts: Raws<FileSystem>,
    pub(crate) forwards: Raws<Forward>,
    pub(crate) jobs: BTreeMap<EntityId, Vec<Job>>,
    pub(crate) shares: Raws<Share>,
    pub(crate) accesses: Raws<Access>,
    pub(crate) backups: Raws<BackupJob>,
    pub(crate) watches: Raws<Watch>,
    pub(crate) admissions: Raws<Admission>,
    pub(crate) mail_records: Raws<MailRecord>,
    pub(crate) mailbox_ties: Raws<MailboxTie>,
    pub(crate) relying: Raws<RelyingParty>,
    pub(crate) mail_routes: Raws<MailRoute>,
    pub(crate) zone_records: Raws<ZoneRecord>,
    pub(crate) asked_names: Raws<AskedName>,
    pub(crate) measurements: Raws<Measurement>,
    entries: Vec<EvidenceEntry>,
    /// How many samples the sockets of each host were taken in: the most often seen listener tells.
    pub(crate) samples: BTreeMap<EntityId, u64>,
    /// In which hours of the week connections of each host were watched: those in which any was seen.
    pub(crate) watched: BTreeMap<EntityId, Hours>,
    /// Addresses that a hosts file of each host gives a name.
    pub(crate) hosts_file: BTreeMap<EntityId, BTreeSet<IpAddr>>,
    /// Addresses that each host's own programs have in network namespaces beside the first.
    pub(crate) inner_addresses: BTreeMap<EntityId, BTreeSet<IpAddr>>,
    /// Names that lead each host through another name, as its name servers say.
    pub(crate) aliases: BTreeSet<(EntityId, HostName)>,
}

impl Gathered {
    /// Takes everything `estate` has a place for, and puts it in an order that does not depend on how it
    /// arrived; what arrived twice counts once.
    pub(crate) fn read(estate: &Estate, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        let cited = estate.entities.values().flat_map(|e| &e.evidence);
        let cited: HashSet<&EvidenceId> = cited.collect();
        let mut gathered = Self::default();
        side_by_side::each(
            evidence,
            |piece| placed(piece, estate, &cited),
            |placed| placed.into_iter().for_each(|piece| gathered.take(piece)),
        );
        gathered.settle();
        gathered
    }

    fn take(&mut self, placed: Placed) {
        let Placed {
            evidence,
            host,
            entry,
        } = placed;
        self.entries.extend(entry);
        let witness = evidence.witness();
        let Evidence {
            id,
            site,
            vantage,
            fact,
            seen,
            state,
            scope,
            source,
        } = evidence;
        let current = state == EvidenceState::Current;
        let inner = is_of_inner_network(scope.as_str());
        macro_rules! raw {
            ($fact:expr) => {
                Box::new(Raw {
                    id,
                    site,
                    vantage,
                    host,
                    seen,
                    current,
                    witness,
                    fact: $fact,
                })
            };
        }
        match fact {
            Fact::Listener(listener) if inner && listener.program.container.is_some() => {
                self.inside.push(raw!(listener));
            }
            Fact::Listener(listener) => {
                let samples = self.samples.entry(host.clone()).or_default();
                *samples = (*samples).max(seen.count);
                self.listeners.push(raw!(listener));
            }
            Fact::Connection(connection) => {
                let watched = self.watched.entry(host.clone()).or_default();
                *watched = watched.joined(seen.hours);
                if inner {
                    let own = self.inner_addresses.entry(host.clone()).or_default();
                    own.insert(connection.local.to_canonical());
                }
                self.connections.push(raw!(connection));
            }
            Fact::Name(answer) if answer.by == NameSource::Dns && !answer.aliases.is_empty() => {
                if let Peer::Name(name) = answer.asked {
                    self.aliases.insert((host, name));
                }
            }
            Fact::Name(answer) if answer.by == NameSource::HostsFile => {
                let known = self.hosts_file.entry(host).or_default();
                known.extend(answer.addresses);
            }
            Fact::Reference(reference) => self.references.push(raw!(reference)),
            Fact::LoggedUse(used) => self.logged.push(raw!(used)),
            Fact::LoggedSearch(search) => self.searches.push(raw!(search)),
            Fact::ReportedUse(used) | Fact::PacketUse(used) | Fact::TableUse(used) => {
                self.reported.push(raw!(used));
            }
            Fact::Knock(knock) if matches!(knock.way, KnockWay::Port { .. }) => {
                self.knocks.push(raw!(knock));
            }
            Fact::HostMet(met) if source.as_str() == SWEEP => {
                self.swept.insert((host, met.address.to_canonical()));
            }
            Fact::DeviceSays(says) => self.device_says.push(raw!(says)),
            Fact::Sighting(sighting) if !sighting.doors.is_empty() || sighting.scans => {
                self.sightings.push(raw!(sighting));
            }
            Fact::MailUse(used) => self.mail_used.push(raw!(used)),
            Fact::MailReader(reader) => self.mail_readers.push(raw!(reader)),
            Fact::MailServer(server) => self.mail_servers.push(raw!(server)),
            Fact::DirectoryNeed(need) => self.stated.push(raw!(need)),
            Fact::Identity(identity) if identity.carried_by.is_some() => {
                self.carried.push(raw!(identity));
            }
            Fact::Guest(guest) => self.guests.push(raw!(*guest)),
            Fact::Hypervisor(host) => self.hypervisors.push(raw!(*host)),
            Fact::Datastore(store) => self.datastores.push(raw!(*store)),
            Fact::FileSystem(mount) if mount.remote.is_some() => self.mounts.push(raw!(mount)),
            Fact::Forward(forward) => self.forwards.push(raw!(forward)),
            Fact::Job(job) => self.jobs.entry(host).or_default().push(job),
            Fact::Measurement(measurement) => self.measurements.push(raw!(measurement)),
            Fact::Share(share) => self.shares.push(raw!(share)),
            Fact::Access(access) => self.accesses.push(raw!(access)),
            Fact::BackupJob(job) => self.backups.push(raw!(job)),
            Fact::Watch(watch) => self.watches.push(raw!(watch)),
            Fact::Admission(admission) => self.admissions.push(raw!(admission)),
            Fact::MailRecord(record) => self.mail_records.push(raw!(record)),
            Fact::MailboxTie(tie) => self.mailbox_ties.push(raw!(tie)),
            Fact::RelyingParty(party) => self.relying.push(raw!(party)),
            Fact::MailRoute(route) => self.mail_routes.push(raw!(route)),
            Fact::ZoneRecord(record) => self.zone_records.push(raw!(record)),
            Fact::AskedName(asked) => self.asked_names.push(raw!(asked)),
            Fact::OpenPort(open) => {
                let raw: Box<Raw<OpenPort>> = raw!(open);
                if source.as_str() == SWEEP {
                    self.called_ports.push(raw.clone());
                }
                self.open_ports.push(raw);
            }
            Fact::SeenService(seen) => self.seen_services.push(raw!(seen)),
            _ => {}
        }
    }

    /// Who stands at the other end of a connection of `host`: the machine itself, where one of its own programs has that
    /// address in another network namespace and no agent speaks from there. What a machine keeps in such rooms moves with it,
    /// and two of them that call each other are no two machines.
    pub(crate) fn other_end(
        &self,
        host: &EntityId,
        address: IpAddr,
        located: EntityId,
        estate: &Estate,
    ) -> EntityId {
        let own = self.inner_addresses.get(host);
        let is_inner = own.is_some_and(|own| own.contains(&address.to_canonical()));
        let speaks = |id| {
            estate
                .entities
                .get(id)
                .is_some_and(|e: &Entity| e.has_agent)
        };
        match is_inner && !speaks(&located) {
            true => host.clone(),
            false => located,
        }
    }

    fn settle(&mut self) {
        settle(&mut self.listeners);
        settle(&mut self.inside);
        settle(&mut self.connections);
        settle(&mut self.logged);
        settle(&mut self.searches);
        settle(&mut self.reported);
        settle(&mut self.knocks);
        settle(&mut self.sightings);
        settle(&mut self.device_says);
        settle(&mut self.mail_used);
        settle(&mut self.mail_readers);
        settle(&mut self.mail_servers);
        settle(&mut self.stated);
        settle(&mut self.carried);
        settle(&mut self.guests);
        settle(&mut self.hypervisors);
        settle(&mut self.datastores);
        settle(&mut self.references);
        settle(&mut self.mounts);
        settle(&mut self.forwards);
        settle(&mut self.measurements);
        settle(&mut self.shares);
        settle(&mut self.accesses);
        settle(&mut self.backups);
        settle(&mut self.watches);
        settle(&mut self.admissions);
        settle(&mut self.mail_records);
        settle(&mut self.mailbox_ties);
        settle(&mut self.relying);
        settle(&mut self.mail_routes);
        settle(&mut self.zone_records);
        settle(&mut self.asked_names);
        settle(&mut self.open_ports);
        settle(&mut self.seen_services);
        self.entries.par_sort_unstable_by(|a, b| a.id.cmp(&b.id));
        self.entries.dedup_by(|a, b| a.id == b.id);
        for jobs in self.jobs.values_mut() {
            jobs.sort_by(|a, b| {
                (&a.file, &a.name, &a.schedule).cmp(&(&b.file, &b.name, &b.schedule))
            });
            jobs.dedup();
        }
    }

    /// The lines that something cites, by id.
    pub(crate) fn into_cited(
        self,
        estate: &Estate,
        dependencies: &[Dependency],
        listeners: &[ListenerEntry],
        held: Held<'_>,
    ) -> Vec<EvidenceEntry> {
        let entities = estate.entities.values().flat_map(|e| &e.evidence);
        let edges = dependencies.iter().flat_map(|d| &d.evidence);
        let cited: HashSet<&EvidenceId> = entities
            .chain(edges)
            .chain(listeners.iter().flat_map(|l| &l.evidence))
            .chain(held.rights.iter().flat_map(|r| &r.evidence))
            .chain(held.backups.iter().flat_map(|b| &b.evidence))
            .chain(held.watching.iter().flat_map(|w| &w.evidence))
            .chain(held.mail_records.iter().flat_map(|m| &m.evidence))
            .chain(held.mail_routes.iter().flat_map(|m| &m.evidence))
            .chain(held.zone_records.iter().flat_map(|z| &z.evidence))
            .chain(held.ledger.iter().flat_map(|l| &l.evidence))
            .chain(held.mailbox_ties.iter().flat_map(|t| &t.evidence))
            .chain(held.relying_parties.iter().flat_map(|p| &p.evidence))
            .chain(held.mail_ledger.iter().flat_map(|l| &l.evidence))
            .chain(held.mail_servers.iter().flat_map(|s| &s.evidence))
            .chain(held.devices.iter().flat_map(|d| &d.evidence))
            .collect();
        let mut entries = self.entries;
        entries.retain(|entry| cited.contains(&entry.id));
        entries
    }
}

/// The tables that cite facts themselves.
pub(crate) struct Held<'a> {
    pub(crate) rights: &'a [Right],
    pub(crate) backups: &'a [Backup],
    pub(crate) watching: &'a [Watching],
    pub(crate) mail_records: &'a [MailRecordEntry],
    pub(crate) mail_routes: &'a [groma_model::route::MailRouteEntry],
    pub(crate) zone_records: &'a [groma_model::zone::ZoneRecordEntry],
    pub(crate) ledger: &'a [LedgerEntry],
    pub(crate) mailbox_ties: &'a [MailboxTieEntry],
    pub(crate) relying_parties: &'a [groma_model::relying::RelyingPartyEntry],
    pub(crate) mail_ledger: &'a [MailLedgerEntry],
    pub(crate) mail_servers: &'a [MailServerEntry],
    pub(crate) devices: &'a [DeviceEntry],
}

/// A piece of evidence with its machine, and the line that cites it where anything may.
struct Placed {
    evidence: Evidence,
    host: EntityId,
    entry: Option<EvidenceEntry>,
}

fn placed(evidence: Evidence, estate: &Estate, cited: &HashSet<&EvidenceId>) -> Option<Placed> {
    let machine = estate.vantages.get(&evidence.vantage)?;
    let host = held(&evidence, machine, estate);
    if is_inner(&evidence) {
        return None;
    }
    let edge = matches!(
        &evidence.fact,
        Fact::Listener(_)
            | Fact::Connection(_)
            | Fact::LoggedUse(_)
            | Fact::LoggedSearch(_)
            | Fact::ReportedUse(_)
            | Fact::PacketUse(_)
            | Fact::TableUse(_)
            | Fact::DeviceSays(_)
            | Fact::Sighting(_)
            | Fact::Knock(_)
            | Fact::SentinelPost(_)
            | Fact::MailUse(_)
            | Fact::MailReader(_)
            | Fact::MailServer(_)
            | Fact::DirectoryNeed(_)
            | Fact::Guest(_)
            | Fact::Hypervisor(_)
            | Fact::Datastore(_)
            | Fact::Reference(_)
            | Fact::FileSystem(_)
            | Fact::Forward(_)
            | Fact::Share(_)
            | Fact::Access(_)
            | Fact::BackupJob(_)
            | Fact::Watch(_)
            | Fact::Admission(_)
            | Fact::MailRecord(_)
            | Fact::MailboxTie(_)
            | Fact::RelyingParty(_)
            | Fact::MailRoute(_)
            | Fact::ZoneRecord(_)
            | Fact::AskedName(_)
            | Fact::HostMet(_)
            | Fact::OpenPort(_)
            | Fact::SeenService(_)
    );
    let entry = (edge || cited.contains(&evidence.id)).then(|| entry(&evidence, &host));
    Some(Placed {
        evidence,
        host,
        entry,
    })
}

/// What a number is of, and what rights are on: the archive, database or share of its scope, else the machine.
fn held(evidence: &Evidence, machine: &EntityId, estate: &Estate) -> EntityId {
    let of_a_holding = matches!(
        &evidence.fact,
        Fact::Measurement(_) | Fact::Share(_) | Fact::Access(_)
    );
    let holding = of_a_holding
        .then(|| {
            estate
                .holdings
                .get(&(machine.clone(), evidence.scope.clone()))
        })
        .flatten();
    let carried = || match &evidence.fact {
        // What a number is of that a platform tells, its subject says.
        Fact::Measurement(number) if !estate.on_platforms.is_empty() => {
            let at = (evidence.site.clone(), number.subject.to_string());
            estate.on_platforms.get(&at)
        }
        _ => None,
    };
    holding.or_else(carried).unwrap_or(machine).clone()
}

/// What stays within another network namespace: its loopback is not the loopback of the machine.
fn is_inner(evidence: &Evidence) -> bool {
    let address = match &evidence.fact {
        Fact::Listener(listener) => listener.address,
        Fact::Connection(connection) => connection.remote,
        _ => return false,
    };
    address.is_loopback() && is_of_inner_network(evidence.scope.as_str())
}

/// True for a scope of sockets in a network namespace that is not the machine's first.
fn is_of_inner_network(scope: &str) -> bool {
    let name = scope
        .strip_prefix("socket:")
        .or_else(|| scope.strip_prefix("flow:"));
    name.is_some_and(|name| name.starts_with("netns-"))
}

/// Puts what one agent told side by side: whoever walks through the list meets each machine once, and finds it in the cache. The ids of
/// machines are drawn by chance, those of agents and facts come with the evidence: the order is the same in every store.
fn settle<T: Send>(list: &mut Raws<T>) {
    list.par_sort_unstable_by(|a, b| (&a.vantage, &a.id).cmp(&(&b.vantage, &b.id)));
    list.dedup_by(|a, b| a.id == b.id);
}

fn entry(evidence: &Evidence, host: &EntityId) -> EvidenceEntry {
    EvidenceEntry {
        id: evidence.id.clone(),
        source: evidence.source.clone(),
        witness: evidence.witness(),
        vantage: host.clone(),
        observed_at: evidence.seen.last,
        says: evidence.fact.says(),
    }
}

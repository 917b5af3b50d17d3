//! Listeners and connections: what was seen happening.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use groma_knowledge::services::{ServiceProgram, service_of_program};
use groma_model::fact::{Component, ComponentClass, Connection, Direction, Job, Listener, Program};
use groma_model::inventory::{ListenerEntry, ReachedBy};
use groma_model::name::{Port, Transport};
use groma_model::registry::{DependencyKind, REGISTRY};
use groma_model::{EntityId, Estate, EvidenceId, Foreign, HostName, Peer, Witness, path};

use crate::channels::Channels;
use crate::draft::{Certainty, Draft, Drafts, Place, component, one_transport};
use crate::gather::{Gathered, Raw, Raws};
use crate::published::{self, Call, Inner, Published};

/// Where a machine says which port a remote procedure call has got.
const ENDPOINT_MAPPER: Port = Port(135);
/// Ports that nobody is registered for (RFC 6335 §6).
const DYNAMIC_PORTS_FROM: Port = Port(49152);

/// Every endpoint held open, by host, port and transport.
pub(crate) struct Listeners<'a> {
    by_endpoint: HashMap<(EntityId, Port, Transport), Vec<&'a Raw<Listener>>>,
    published: Published<'a>,
}

impl<'a> Listeners<'a> {
    pub(crate) fn new(held: &'a Raws<Listener>, published: Published<'a>, estate: &Estate) -> Self {
        let mut by_endpoint: HashMap<_, Vec<_>> = HashMap::new();
        for raw in held {
            let peer = Peer::Address(raw.fact.address);
            let host = estate
                .locate(&raw.site, &raw.vantage, &peer)
                .map_or_else(|| raw.host.clone(), |m| m.entity);
            by_endpoint
                .entry((host, raw.fact.port, raw.fact.transport))
                .or_default()
                .push(raw.as_ref());
        }
        Self {
            by_endpoint,
            published,
        }
    }

    /// The listeners at an endpoint.
    pub(crate) fn at(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
    ) -> &[&'a Raw<Listener>] {
        self.by_endpoint
            .get(&(host.clone(), port, transport))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Everything that may answer `call`; `None` among it is the machine itself.
    fn candidates(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
    ) -> BTreeSet<Option<Inner>> {
        if !self.published.has_containers(host) {
            return BTreeSet::from([None]);
        }
        let mut all = self.published.candidates(host, port, transport, call);
        if all.len() > 1 && self.own(host, port, transport, call).is_empty() {
            all.remove(&None);
        }
        all
    }

    /// The machine's own listeners at an endpoint, without what holds a container's door open.
    fn own(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
    ) -> Vec<&'a Raw<Listener>> {
        let at = self.at(host, port, transport).iter().copied();
        match self.published.has_doors(host, port, transport) {
            true => at
                .filter(|raw| self.published.is_own(host, raw, call.local))
                .collect(),
            false => at.collect(),
        }
    }

    /// The part of the provider that serves at an endpoint, where an agent saw it and only one can be meant.
    pub(crate) fn component(
        &self,
        host: &EntityId,
        port: Option<Port>,
        transport: Option<Transport>,
        call: &Call<'_>,
    ) -> Option<Component> {
        let (port, transport) = (port?, transport?);
        let mut candidates = self.candidates(host, port, transport, call).into_iter();
        let only = candidates.next().filter(|_| candidates.next().is_none())?;
        if let Some(inner) = only {
            return Some(inner.component());
        }
        let at = self.own(host, port, transport, call);
        let programs = at.iter().map(|raw| &raw.fact.program);
        own_component(programs.filter(|p| !p.is_unknown()).min()?)
    }

    /// What is spoken at an endpoint to whoever calls from elsewhere, and how sure that is.
    pub(crate) fn kind(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
    ) -> (String, Certainty) {
        self.kind_for(host, port, transport, &Call::default())
    }

    /// What is spoken to `call`; where several may answer and speak differently, what the number suggests.
    fn kind_for(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
    ) -> (String, Certainty) {
        let candidates = self.candidates(host, port, transport, call);
        let kinds: BTreeSet<(String, Certainty)> = candidates
            .iter()
            .map(|inner| self.kind_behind(host, port, transport, call, inner.as_ref()))
            .collect();
        let mut kinds = kinds.into_iter();
        match (kinds.next(), kinds.next()) {
            (Some(only), None) => only,
            _ => by_habit(REGISTRY.kind_by_port(port, transport)),
        }
    }

    fn kind_behind(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
        inner: Option<&Inner>,
    ) -> (String, Certainty) {
        // What is spoken within decides, not the number it was given outside.
        let habit = REGISTRY.kind_by_port(inner.map_or(port, |inner| inner.port), transport);
        let handed_out = inner.is_none() && self.is_handed_out(host, port, transport);
        let at = match inner {
            Some(inner) => self.published.at(host, inner, transport).to_vec(),
            None => self.own(host, port, transport, call),
        };
        let spoken = at
            .iter()
            .find_map(|raw| service(&raw.fact.program))
            .filter(|_| habit.is_some() || !handed_out);
        match (spoken, habit) {
            // One program may speak several things of one layer: the port tells relay from submission.
            (Some(service), Some(habit)) if REGISTRY.kind(&service.kind).layer == habit.layer => {
                (habit.name.clone(), Certainty::Program)
            }
            (Some(service), _) => (service.kind.clone(), Certainty::Program),
            (None, habit) => by_habit(habit),
        }
    }

    /// True if `program` of the same machine talks to the service it is part of.
    fn is_itself(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
        program: &Program,
    ) -> bool {
        let mut candidates = self.candidates(host, port, transport, call).into_iter();
        match (candidates.next(), candidates.next()) {
            (Some(Some(inner)), None) => {
                program.container.as_deref() == Some(inner.container.as_str())
                    && is_one_service(program, self.published.at(host, &inner, transport))
            }
            _ => is_one_service(program, self.at(host, port, transport)),
        }
    }

    /// True if a need of a program of the same machine leads to a container by its own address.
    fn leads_within(&self, host: &EntityId, draft: &Draft) -> bool {
        let within = |address: &IpAddr| self.published.is_within(host, *address);
        !draft.called.is_empty() && draft.called.iter().all(within)
    }

    /// The address of the machine that the caller of `raw` called, where only one can be meant.
    fn called(&self, raw: &Raw<Connection>, port: Port) -> Option<IpAddr> {
        let Connection {
            local,
            transport,
            program,
            ..
        } = &raw.fact;
        match program.container.as_deref() {
            Some(container) if self.published.holds(&raw.host, container) => self
                .published
                .door_address(&raw.host, container, port, *transport),
            _ => Some(local.to_canonical()),
        }
    }

    /// True for a port that a call got from the endpoint mapper of its machine ([MS-RPCE] §2.1.1.1): what is called there
    /// is not what the program is known for. Another product beside the mapper was given its port by nobody but its owner.
    fn is_handed_out(&self, host: &EntityId, port: Port, transport: Transport) -> bool {
        let mapper = self.at(host, ENDPOINT_MAPPER, Transport::Tcp);
        let is_the_mappers = |raw: &&Raw<Listener>| {
            service(&raw.fact.program).is_none() || is_one_service(&raw.fact.program, mapper)
        };
        port >= DYNAMIC_PORTS_FROM
            && transport == Transport::Tcp
            && !mapper.is_empty()
            && self.at(host, port, transport).iter().all(is_the_mappers)
    }

    /// What a program in a container's own network speaks, or what is spoken at an endpoint of the machine.
    fn kind_of(
        &self,
        host: &EntityId,
        port: Port,
        transport: Transport,
        call: &Call<'_>,
        program: &Program,
    ) -> (String, Certainty) {
        match program.container.as_deref() {
            Some(container) if self.published.holds(host, container) => {
                match (service(program), REGISTRY.kind_by_port(port, transport)) {
                    (Some(service), _) => (service.kind.clone(), Certainty::Program),
                    (None, habit) => by_habit(habit),
                }
            }
            _ => self.kind_for(host, port, transport, call),
        }
    }

    /// The port of the machine by which others reach a port within one of its containers.
    fn outer(&self, host: &EntityId, program: &Program, port: Port, transport: Transport) -> Port {
        let container = program.container.as_deref();
        let outer = container.and_then(|c| self.published.outer(host, c, port, transport));
        outer.unwrap_or(port)
    }

    /// The rows of the inventory document.
    pub(crate) fn into_entries(self, estate: &Estate) -> Vec<ListenerEntry> {
        let mut rows: BTreeMap<(EntityId, IpAddr, Port, Transport, Program), BTreeSet<EvidenceId>> =
            BTreeMap::new();
        let own = self
            .by_endpoint
            .iter()
            .flat_map(|((host, port, transport), raws)| {
                let key = (host, *port, *transport);
                raws.iter().map(move |raw| (key, *raw))
            });
        for ((host, port, transport), raw) in own.chain(self.published.rows()) {
            let key = (
                host.clone(),
                raw.fact.address,
                port,
                transport,
                raw.fact.program.clone(),
            );
            rows.entry(key).or_default().insert(raw.id.clone());
        }
        let presented = presented(estate);
        rows.into_iter()
            .map(|((entity, address, port, transport, process), evidence)| {
                let own = [address.to_canonical()];
                let addresses = if address.is_unspecified() {
                    &[]
                } else {
                    &own[..]
                };
                let call = Call {
                    local: true,
                    addresses,
                };
                ListenerEntry {
                    service: Some(self.kind_of(&entity, port, transport, &call, &process).0)
                        .filter(|k| k != "other"),
                    certificate: presented
                        .get(&(entity.clone(), port))
                        .filter(|_| {
                            transport == Transport::Tcp
                                && !is_inside(&process, &self.published, &entity)
                        })
                        .cloned(),
                    entity,
                    address,
                    port,
                    transport,
                    process,
                    answer: None,
                    evidence: evidence.into_iter().collect(),
                }
            })
            .collect()
    }
}

/// What a port number suggests.
fn by_habit(habit: Option<&DependencyKind>) -> (String, Certainty) {
    let name = habit.map_or("other", |habit| &habit.name);
    (name.to_owned(), Certainty::Habit)
}

/// True for a program in a network of its container: what stands at the machine's port of that number is another.
fn is_inside(program: &Program, published: &Published<'_>, host: &EntityId) -> bool {
    let container = program.container.as_deref();
    container.is_some_and(|container| published.holds(host, container))
}

/// Which leaf certificate each endpoint presents: what the newest look met there, else what was met there last.
fn presented(estate: &Estate) -> BTreeMap<(EntityId, Port), EntityId> {
    use groma_model::fact::CertificatePlace;
    let mut presented: BTreeMap<(EntityId, Port), _> = BTreeMap::new();
    for entity in estate
        .certificates
        .values()
        .filter_map(|id| estate.entities.get(id))
    {
        for place in &entity.attributes.places {
            if let CertificatePlace::Endpoint {
                port, position: 0, ..
            } = place.place
            {
                let met = (place.state.is_current(), place.last_seen, &entity.id);
                let known = presented.entry((place.host.clone(), port)).or_insert(met);
                *known = met.max(*known);
            }
        }
    }
    let newest = presented.into_iter();
    newest.map(|(at, (.., id))| (at, id.clone())).collect()
}

/// The service a program is, by its executable or unit.
pub(crate) fn service(program: &Program) -> Option<&'static ServiceProgram> {
    let executable = program
        .executable
        .as_ref()
        .map(|e| e.lossy())
        .unwrap_or_default();
    service_of_program(&executable, program.unit.as_deref())
}

/// Units that only start other people's programs: the program itself is what matters then.
fn is_launcher(unit: &str) -> bool {
    matches!(
        path::unit_stem(unit),
        "cron"
            | "crond"
            | "cronie"
            | "atd"
            | "anacron"
            | "ssh"
            | "sshd"
            | "user"
            | "session"
            | "init"
            | "docker"
            | "containerd"
    )
}

/// The component a running program is; `None` if nothing is known about it.
pub(crate) fn own_component(program: &Program) -> Option<Component> {
    let unit = program
        .unit
        .as_deref()
        .filter(|u| u.ends_with(".service") && !is_launcher(u));
    if let Some(unit) = unit {
        return Some(component(ComponentClass::Unit, unit));
    }
    let file = program.script.as_ref().or(program.executable.as_ref())?;
    Some(Component {
        class: ComponentClass::Executable,
        name: file.clone(),
    })
}

/// The job that starts this program; a service runs on its own account.
fn job_of<'a>(program: &Program, host: &EntityId, gathered: &'a Gathered) -> Option<&'a Job> {
    let is_service = program
        .unit
        .as_deref()
        .is_some_and(|u| u.ends_with(".service") && !is_launcher(u));
    if is_service {
        return None;
    }
    let file = program.script.as_ref().or(program.executable.as_ref())?;
    crate::due::job_that_starts(gathered.jobs.get(host)?, file)
}

/// How often a clock starts this program: as a job, or as the unit of a timer.
fn rhythm(
    program: &Program,
    job: Option<&Job>,
    host: &EntityId,
    gathered: &Gathered,
) -> Option<String> {
    let timer = || {
        let jobs = gathered.jobs.get(host)?;
        crate::due::timer_of(jobs, program.unit.as_deref()?)
    };
    job.or_else(timer)?.rhythm.clone()
}

/// The component of a live connection: a job that starts this program owns it.
fn live_component(
    program: &Program,
    job: Option<&Job>,
    host: &EntityId,
    estate: &Estate,
) -> Component {
    match job {
        Some(job) => Component {
            class: ComponentClass::ScheduledJob,
            name: job.name.clone(),
        },
        None => within_container(program, host, estate)
            .or_else(|| own_component(program))
            .unwrap_or_else(|| whole(host, estate)),
    }
}

/// A program in a container, as `shop:/usr/bin/app`: the same way files of containers are named.
fn within_container(program: &Program, host: &EntityId, estate: &Estate) -> Option<Component> {
    let id = program.container.as_deref()?;
    let containers = &estate.entities.get(host)?.attributes.containers;
    let name = containers.iter().find(|c| c.id == id)?.name.as_ref()?;
    let file = program.script.as_ref().or(program.executable.as_ref())?;
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(b':');
    bytes.extend_from_slice(file.as_bytes());
    Some(Component {
        class: ComponentClass::Executable,
        name: groma_model::Foreign::from_bytes(bytes),
    })
}

/// The machine as a whole, where nothing tells which part of it.
pub(crate) fn whole(host: &EntityId, estate: &Estate) -> Component {
    let name = estate
        .entities
        .get(host)
        .map_or_else(|| host.to_string(), |e| e.name.clone());
    component(ComponentClass::Device, name)
}

/// Drafts of what the vantage's own programs call.
pub(crate) fn outgoing(
    gathered: &Gathered,
    estate: &Estate,
    listeners: &Listeners<'_>,
    channels: &mut Channels,
    drafts: &mut Drafts,
) {
    for raw in gathered
        .connections
        .iter()
        .filter(|r| r.fact.direction == Direction::Outgoing)
    {
        let Connection {
            remote,
            service_port,
            transport,
            program,
            ..
        } = &raw.fact;
        let Some(meaning) = estate.locate(&raw.site, &raw.vantage, &Peer::Address(*remote)) else {
            continue;
        };
        let provider = gathered.other_end(&raw.host, *remote, meaning.entity, estate);
        // What carries connections into a container is no consumer of it.
        if provider == raw.host && published::is_carrier(program) {
            continue;
        }
        let called = [remote.to_canonical()];
        let call = Call {
            local: provider == raw.host,
            addresses: &called,
        };
        let (port, transport) = (*service_port, *transport);
        if call.local && listeners.is_itself(&provider, port, transport, &call, program) {
            continue;
        }
        if channels.take(raw, &provider, listeners) {
            continue;
        }
        let (kind, certainty) = listeners.kind_for(&provider, port, transport, &call);
        let job = job_of(program, &raw.host, gathered);
        let part = live_component(program, job, &raw.host, estate);
        let mut draft = Draft::of(raw, part, &kind, certainty, Witness::Live);
        draft.rhythm = rhythm(program, job, &raw.host, gathered);
        draft.programs.insert(program.clone());
        draft.called.extend(called);
        draft
            .reached
            .extend(reached(raw, &provider, estate, gathered));
        drafts.add(place(&raw.host, &provider, port, transport), draft);
    }
}

/// How a program found the one it called: by the name it had asked for, or, where answers of name servers were heard
/// and none spoke of the address, by address. A hosts file may have given the name then, and nothing is said.
fn reached(
    raw: &Raw<Connection>,
    provider: &EntityId,
    estate: &Estate,
    gathered: &Gathered,
) -> Option<(ReachedBy, String)> {
    let Connection {
        asked,
        unasked,
        remote,
        ..
    } = &raw.fact;
    if let Some(name) = asked {
        let alias = gathered.aliases.contains(&(raw.host.clone(), name.clone()));
        let by = if alias && !is_own_name(provider, name, estate) {
            ReachedBy::Alias
        } else {
            ReachedBy::Name
        };
        return Some((by, name.to_string()));
    }
    let in_file = gathered
        .hosts_file
        .get(&raw.host)
        .is_some_and(|known| known.contains(remote));
    (*unasked && !in_file).then(|| (ReachedBy::AddressLiteral, remote.to_string()))
}

/// True if the provider calls itself so.
fn is_own_name(provider: &EntityId, name: &HostName, estate: &Estate) -> bool {
    let entity = estate.entities.get(provider);
    let Some(identity) = entity.and_then(|e| e.attributes.identity.as_ref()) else {
        return false;
    };
    let host_name = identity.host_name.lossy().to_lowercase();
    host_name == name.as_str()
        || host_name == name.short()
        || identity.qualified_name.as_ref() == Some(name)
}

fn same(one: &Option<Foreign>, other: &Option<Foreign>) -> bool {
    let both = one.as_ref().zip(other.as_ref());
    both.is_some_and(|(one, other)| one.is_same_file(other))
}

/// True for the program Windows runs services in that are no programs of their own.
fn hosts_services(program: &Program) -> bool {
    let name = program
        .executable
        .as_ref()
        .map(|e| path::program_name(&e.lossy()).into_owned());
    program.unit.is_some() && name.as_deref() == Some("svchost")
}

/// A service that talks to itself (workers to master) needs nobody.
pub(crate) fn is_one_service(program: &Program, listeners: &[&Raw<Listener>]) -> bool {
    listeners.iter().any(|raw| {
        let other = &raw.fact.program;
        // Services of many kinds share one host of Windows; which one it is, the unit tells.
        let same_file = same(&program.executable, &other.executable) && program.script == other.script && !hosts_services(program);
        let same_unit = program.unit.is_some() && program.unit == other.unit && program.unit.as_deref().is_some_and(|u| !is_launcher(u) && u.ends_with(".service"));
        let same_product = matches!((service(program), service(other)), (Some(a), Some(b)) if a.product == b.product);
        same_file || same_unit || same_product
    })
}

fn place(consumer: &EntityId, provider: &EntityId, port: Port, transport: Transport) -> Place {
    let transport = one_transport(Some(port), transport);
    Place {
        consumer: consumer.clone(),
        provider: provider.clone(),
        port: Some(port),
        transport: Some(transport),
    }
}

/// What others call on the vantage: one more witness for an edge its consumer's own agent saw, else an
/// edge of a consumer that takes no agent.
pub(crate) fn incoming(
    gathered: &Gathered,
    estate: &Estate,
    listeners: &Listeners<'_>,
    channels: &mut Channels,
    drafts: &mut Drafts,
) {
    for raw in gathered
        .connections
        .iter()
        .filter(|r| r.fact.direction == Direction::Incoming)
    {
        let Connection {
            remote,
            service_port,
            transport,
            ..
        } = &raw.fact;
        let Some(meaning) = estate.locate(&raw.site, &raw.vantage, &Peer::Address(*remote)) else {
            continue;
        };
        let consumer = gathered.other_end(&raw.host, *remote, meaning.entity, estate);
        if channels.take(raw, &consumer, listeners) {
            continue;
        }
        let local = consumer == raw.host;
        if local && confirm_within(raw, listeners, drafts) {
            continue;
        }
        // Within a container the machine's port is already the container's.
        let port = listeners.outer(&raw.host, &raw.fact.program, *service_port, *transport);
        let at = place(&consumer, &raw.host, port, *transport);
        let known = drafts.places.get_mut(&at);
        match known.filter(|known| local || known.iter().any(Draft::is_alive)) {
            Some(known) => confirm(known, raw, |d| {
                !local || !listeners.leads_within(&raw.host, d)
            }),
            // Both ends are here and only the serving one was told: a caller that came and went.
            None if local => {}
            // Whose call it is of what is written there, `nobody` says once the lines of one part are one need.
            None => {
                let called = listeners.called(raw, port);
                let call = Call {
                    local,
                    addresses: called.as_slice(),
                };
                let (kind, certainty) = listeners.kind_for(&raw.host, port, *transport, &call);
                let part = whole(&consumer, estate);
                let mut draft = Draft::of(raw, part, &kind, certainty, Witness::Live);
                draft.called.extend(called);
                drafts.add(at, draft);
            }
        }
    }
}

/// True, and evidence of it, if a program of the same machine called the container by its own address; true as well if no
/// port of the machine leads to what was called.
fn confirm_within(raw: &Raw<Connection>, listeners: &Listeners<'_>, drafts: &mut Drafts) -> bool {
    let Connection {
        local,
        service_port,
        transport,
        program,
        ..
    } = &raw.fact;
    if !is_inside(program, &listeners.published, &raw.host) {
        return false;
    }
    let at = place(&raw.host, &raw.host, *service_port, *transport);
    let called = local.to_canonical();
    let meant = |d: &Draft| d.called.contains(&called);
    if let Some(known) = drafts.places.get_mut(&at)
        && known.iter().any(meant)
    {
        confirm(known, raw, meant);
        return true;
    }
    let container = program.container.as_deref().unwrap_or_default();
    let outer = listeners
        .published
        .outer(&raw.host, container, *service_port, *transport);
    outer.is_none()
}

/// The provider saw it too: what was seen alive here gains the evidence, and the consumer's own count stays. A
/// written draft gains it only where no live one could be meant: which file a live one comes from, `join` says.
/// The provider cannot tell two programs of one machine apart, so it is a witness of one that is alone, and counts its calls.
fn confirm(known: &mut [Draft], raw: &Raw<Connection>, fits: impl Fn(&Draft) -> bool) {
    let alive = known.iter().any(|d| fits(d) && d.is_alive());
    let meant = |d: &&mut Draft| fits(d) && (!alive || d.is_alive());
    let is_alone = known.iter_mut().filter(&meant).count() == 1;
    for draft in known.iter_mut().filter(meant) {
        draft.evidence.insert(raw.id.clone());
        if alive || is_alone {
            draft.witnesses.insert(Witness::Live);
            draft.used = draft.used.max(Some(raw.seen.last));
            draft.current |= raw.current;
        }
        if is_alone {
            count(draft, raw);
        }
    }
}

/// Both ends count the same connections and bytes.
fn count(draft: &mut Draft, raw: &Raw<Connection>) {
    draft.seen = groma_model::Seen {
        count: 1,
        bytes: draft.seen.bytes.max(raw.seen.bytes),
        ..draft.seen.joined(raw.seen)
    };
    match raw.counts_connections() {
        true => draft.calls = draft.calls.max(raw.seen.count),
        false => draft.alive = draft.alive.max(raw.seen.count),
    }
}

//! The look: which sources there are, in which order they look, and what becomes of a source that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::fact::{
    CertificatePlace, Direction, Forward, ForwardEnd, MailRoute, RouteRule, RouteTarget,
};
use groma_model::{
    AgentId, Batch, BatchHeader, Fact, Gap, HostName, Peer, Reason, Scope, SiteId, SourceName,
    Transport,
};
use groma_source::manners::is_of_a_link;
use groma_source::{Budget, Memory, Source, Stop, Window, World};
use groma_source_config::FindSource;
use groma_source_device::{DeviceSource, Met};
use groma_source_directory::{Directory, DirectorySource};
use groma_source_dns::{MailDomains, NamesSource, Selector};
use groma_source_hypervisor::{Access as PlatformAccess, HypervisorSource};
use groma_source_log::{JournalTexts, WindowsLogs};
use groma_source_packet::sentinel::{SentinelSource, Standing};
use groma_source_packet::{Listening, ListeningSource, PacketSource};
use groma_source_service::{OpenPort, ServiceSource};
use groma_source_snmp::SnmpSource;
use groma_source_socket::Tier;
use groma_source_sweep::notes::NoNotes;
use groma_source_sweep::{Notes, SweepSource};
use groma_source_time::ChronySource;
use groma_source_x509::{CertificateEndpoints, Endpoint};

use crate::apart::{PatientDisk, Sight, Silence, Wish};
use crate::explain::{Explained, Place};
use crate::hearing::{Hearing, Told};
use crate::progress::{FileJournal, SweepNotes};
use crate::sources;
use crate::sweep::{Guests, named_connections, named_endpoint, named_ports};

/// Sources that ask other machines, and only those that --target names.
pub(crate) const ABROAD: [&str; 5] = [
    groma_source_snmp::NAME,
    groma_source_sweep::NAME,
    groma_source_service::NAME,
    groma_source_device::NAME,
    groma_source_x509::OTHERS,
];

/// True if sources are named, and each asks other machines alone.
pub(crate) fn are_abroad(named: &[String]) -> bool {
    !named.is_empty() && named.iter().all(|name| ABROAD.contains(&name.as_str()))
}

/// At most this many names and addresses are asked about in one look.
const QUESTIONS_MAX: usize = 4096;

/// What to look at, and as whom.
#[derive(Clone, Debug)]
pub struct LookRequest {
    /// Who looks.
    pub agent: AgentId,
    /// Where it stands.
    pub site: SiteId,
    /// Epoch and sequence of the batch this look makes.
    pub epoch: u64,
    /// See `epoch`.
    pub sequence: u64,
    /// Names of the sources that look; empty means all. A prefix is enough: `host` means every `host.…`.
    pub sources: Vec<String>,
    /// How long sockets are watched; zero means one sample.
    pub watch: Duration,
    /// By what connections are watched at best.
    pub flows_at_most: Tier,
    /// Domains whose mail the domain name system is asked about; none unless somebody named them.
    pub mail_domains: Vec<HostName>,
    /// Selectors of DKIM that are asked for at these domains, beyond the usual ones and those this machine signs with.
    pub dkim_selectors: Vec<String>,
    /// Files and folders with exported logs of Windows machines; none unless somebody named them. Whole paths.
    pub events: Vec<PathBuf>,
    /// Captures of a network; none unless somebody named them. Whole paths.
    pub captures: Vec<PathBuf>,
    /// Interfaces of this machine to listen at; none unless somebody named them.
    pub listen: Listening,
    /// Addresses of machines that are gone to stand sentinel at; none unless somebody named them and the ceiling file does.
    pub sentinel: Standing,
    /// When every source must be done, beyond `watch`.
    pub limit: Duration,
    /// How long one source that reads files may take.
    pub source_limit: Duration,
    /// True if sources that read files look in processes of their own. Only a program whose `main` serves
    /// that role ([`crate::serve`]) may say so; a library's test cannot.
    pub apart: bool,
    /// Where sources find what they kept at the last look, and where it is kept for the next one.
    pub memory: Option<Memory>,
    /// Directories that the operator named; this vantage asks them, and no other.
    pub directories: Vec<Directory>,
    /// Platforms of virtualization that the operator named; this vantage asks them, and no other.
    pub platforms: Vec<PlatformAccess>,
    /// Devices that the operator named, and as whom they are asked; of those that the sweep meets.
    pub devices: Vec<groma_source_snmp::Access>,
    /// Whom to ask over the network, and how; nobody without it.
    pub sweep: Option<groma_source_sweep::Plan>,
    /// What it may cost.
    pub budget: Budget,
    /// Somebody may end the look early.
    pub stop: Stop,
}

impl LookRequest {
    /// A look of everything, for `watch`.
    pub fn new(agent: AgentId, watch: Duration) -> Self {
        Self {
            agent,
            site: SiteId::default(),
            epoch: 1,
            sequence: 1,
            sources: Vec::new(),
            watch,
            flows_at_most: Tier::EveryConnection,
            mail_domains: Vec::new(),
            dkim_selectors: Vec::new(),
            events: Vec::new(),
            captures: Vec::new(),
            listen: Listening::default(),
            sentinel: Standing::default(),
            limit: Duration::from_secs(600),
            source_limit: Duration::from_secs(300),
            apart: false,
            memory: None,
            directories: Vec::new(),
            platforms: Vec::new(),
            devices: Vec::new(),
            sweep: None,
            budget: Budget::default(),
            stop: Stop::default(),
        }
    }

    /// True if this look asks directories: some are named, and their source is among those that look.
    pub fn asks_directories(&self) -> bool {
        let source = SourceName::new(groma_source_directory::NAME);
        !self.directories.is_empty() && self.wants(&source)
    }

    /// How long a sweep may take: five times what its plan says, and two minutes more.
    fn sweep_limit(&self) -> Duration {
        let planned = self.sweep.as_ref().map(|plan| plan.takes().1);
        let sweep = planned.map_or(Duration::ZERO, |takes| {
            takes.saturating_mul(5) + Duration::from_secs(120)
        });
        sweep.saturating_add(self.certificates_limit())
    }

    /// How long certificates of others may take: each of the ports named costs two dozen packets, and three seconds where nobody
    /// answers.
    fn certificates_limit(&self) -> Duration {
        let Some(plan) = self
            .sweep
            .as_ref()
            .filter(|_| asks_certificates_alone(&self.sources))
        else {
            return Duration::ZERO;
        };
        let connections = named_connections(plan);
        Duration::from_millis(500).saturating_mul(u32::try_from(connections).unwrap_or(u32::MAX))
    }

    fn wants(&self, name: &SourceName) -> bool {
        is_wanted(&self.sources, name.as_str())
    }
}

/// True if `name`, or a prefix of it, is among those that were named, or none was.
fn is_wanted(named: &[String], name: &str) -> bool {
    let prefix = |s: &String| {
        let rest = name.strip_prefix(s.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    named.is_empty() || named.iter().any(prefix)
}

/// True if certificates of other machines are wanted, and nobody looks before where they may be: then the ports that were
/// named are asked for them.
pub(crate) fn asks_certificates_alone(named: &[String]) -> bool {
    is_wanted(named, groma_source_x509::OTHERS)
        && !is_wanted(named, groma_source_sweep::NAME)
        && !is_wanted(named, groma_source_service::NAME)
}

/// Told what is being looked at, for a person who waits.
pub trait Progress: Sync {
    /// `source` begins.
    fn begins(&self, source: &SourceName);
    /// `source` is done.
    fn ends(&self, source: &SourceName);
}

/// Nobody waits.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Progress for Quiet {
    fn begins(&self, _: &SourceName) {}
    fn ends(&self, _: &SourceName) {}
}

/// Looks once with every source that is wanted, and returns what they said.
pub fn look(world: &World, request: &LookRequest, progress: &dyn Progress) -> Batch {
    let window = Window::open(
        world.clock.clone(),
        request.stop.clone(),
        request.watch,
        request
            .watch
            .saturating_add(request.limit)
            .saturating_add(request.sweep_limit()),
    );
    let mut run = Run {
        hearing: Hearing {
            window: &window,
            request,
            progress,
            offline: world.network.is_offline(),
            spellings: &[],
            silence: &Silence::default(),
        },
        told: Told::default(),
    };
    let world = &patient(world);
    let directory = directory_source(world, request);
    if are_abroad(&request.sources) {
        // Nothing is looked at here: no source that does is even built.
    } else if request.listen.interfaces.is_empty() {
        run.watched_and_files(world, directory);
    } else {
        // What we say ourselves is nobody's need: whoever calls somebody waits until nobody listens.
        run.watched_and_files(world, None);
        directory.into_iter().for_each(|source| run.here(source));
    }
    if !request.platforms.is_empty() {
        let platforms = request.platforms.clone();
        run.here(Box::new(HypervisorSource::new(world.clone(), platforms)));
    }
    run.sweep(world);
    run.answers(world);
    let endpoints = endpoints_met(&run.told.said);
    run.here(Box::new(CertificateEndpoints::new(
        world.clone(),
        endpoints,
    )));
    run.here(Box::new(ChronySource::new(world.clone())));
    let domains = request.mail_domains.clone();
    let selectors = selectors_met(&run.told.said, &request.dkim_selectors);
    let mail = MailDomains::new(world.clone(), domains).with_selectors(selectors);
    run.here(Box::new(mail));
    let questions = questions_met(&run.told.said);
    run.here(Box::new(NamesSource::new(world.clone(), questions)));
    crate::sentinel::renamed(&mut run.told);
    let looked = run.told.said.iter().map(|(name, _)| name.clone()).collect();
    let kept = std::mem::take(&mut run.told.kept);
    if let Some(memory) = &request.memory {
        for (source, lines) in kept.iter().filter(|(_, lines)| !lines.is_empty()) {
            crate::memory::keep(&memory.of(source), lines);
        }
    }
    let reservations = reservations(&run.told);
    let mut records = run.told.records();
    records.splice(0..0, reservations);
    Batch {
        header: header(request, &window, looked),
        records: groma_model::batch::gathered(records),
    }
}

/// The source over the directories that were named, if any were.
fn directory_source(world: &World, request: &LookRequest) -> Option<Box<dyn Source>> {
    if request.directories.is_empty() {
        return None;
    }
    let source = DirectorySource::new(world.clone(), request.directories.clone());
    Some(Box::new(match &request.memory {
        Some(memory) => source.noting(Box::new(FileJournal::beside(memory))),
        None => source,
    }))
}

/// The same world, with a disk that waits for the memory of no process longer than a moment.
pub(crate) fn patient(world: &World) -> World {
    World {
        disk: Arc::new(PatientDisk::new(world.disk.clone())),
        ..world.clone()
    }
}

/// What somebody named for sources that read nothing else.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Given {
    /// Files and folders with exported logs of Windows machines. Whole paths.
    pub events: Vec<PathBuf>,
    /// Captures of a network. Whole paths.
    pub captures: Vec<PathBuf>,
    /// Interfaces to listen at.
    pub listen: Listening,
    /// Where to stand sentinel.
    pub sentinel: Standing,
    /// Platforms of virtualization to ask.
    pub platforms: Vec<PlatformAccess>,
}

/// What every source would read, contact and say, and where it looks from.
pub fn explanations(
    world: &World,
    memory: Option<&Memory>,
    directories: &[Directory],
    given: &Given,
) -> Vec<Explained> {
    let wish = Wish {
        events: given.events.clone(),
        captures: given.captures.clone(),
        listen: given.listen.clone(),
        standing: given.sentinel.clone(),
        ..Wish::default()
    };
    let mut apart = child_sources(world, &wish);
    for source in &mut apart {
        let memory = memory.map(|m| m.of(&source.name()));
        memory.into_iter().for_each(|m| source.remember(m));
    }
    let here: [Box<dyn Source>; 11] = [
        Box::new(SnmpSource::new(world.clone(), [], Vec::new())),
        Box::new(ServiceSource::new(world.clone(), [])),
        Box::new(DeviceSource::new(world.clone(), BTreeMap::new())),
        Box::new(CertificateEndpoints::of_others(world.clone(), Vec::new())),
        Box::new(SweepSource::new(
            world.clone(),
            groma_sys::wires(),
            None,
            Box::new(NoNotes),
        )),
        Box::new(DirectorySource::new(world.clone(), directories.to_vec())),
        Box::new(HypervisorSource::new(
            world.clone(),
            given.platforms.clone(),
        )),
        Box::new(CertificateEndpoints::new(world.clone(), Vec::new())),
        Box::new(ChronySource::new(world.clone())),
        Box::new(MailDomains::new(world.clone(), Vec::new())),
        Box::new(NamesSource::new(world.clone(), Vec::new())),
    ];
    let explained = |source: &dyn Source, place: Place| Explained {
        place,
        name: source.name(),
        explanation: source.explain(),
    };
    let in_children = apart.iter().map(|source| {
        let place = match sources::sight(source.as_ref()) {
            Sight::Files => Place::Child,
            Sight::Filter => Place::ChildThatAsksTheFilter,
            Sight::Processes => Place::ChildThatSeesProcesses,
            Sight::Events => Place::Agent,
            Sight::Wire => Place::ChildThatHears,
        };
        explained(source.as_ref(), place)
    });
    let mut all: Vec<_> = in_children.collect();
    all.extend(here.iter().map(|s| explained(s.as_ref(), Place::Agent)));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Every source that looks in a child.
pub(crate) fn child_sources(world: &World, wish: &Wish) -> Vec<Box<dyn Source>> {
    let mut sources = sources::of_files(world);
    let events = WindowsLogs::new(world.clone(), wish.events.clone());
    sources.push(Box::new(events));
    let journals = JournalTexts::new(world.clone(), wish.events.clone());
    sources.push(Box::new(journals));
    let packets = PacketSource::new(world.clone(), wish.captures.clone());
    sources.push(Box::new(packets));
    let ears = wish.ears.clone();
    sources.push(Box::new(ListeningSource::new(
        ears.clone(),
        wish.listen.clone(),
    )));
    let standing = wish.standing.clone();
    sources.push(Box::new(SentinelSource::new(world.clone(), ears, standing)));
    sources.extend(sources::watchers(world, wish.flows_at_most));
    let find = FindSource::new(world.clone(), wish.spellings.clone());
    sources.push(Box::new(find));
    sources
}

struct Run<'a> {
    hearing: Hearing<'a>,
    told: Told,
}

impl Run<'_> {
    /// Connections, sockets and logs are watched, each beside the others, while the files are read and directories are
    /// asked: these too say who is connected for as long as the watch lasts. Nobody is waited for
    /// without an end: a child is given up at its deadline, and so is whoever looks within this process.
    fn watched_and_files(&mut self, world: &World, directory: Option<Box<dyn Source>>) {
        let hearing = self.hearing;
        let request = hearing.request;
        let limit = request.watch.saturating_add(request.source_limit);
        let told: Vec<Told> = std::thread::scope(|scope| {
            let mut watchers = sources::watchers(world, request.flows_at_most);
            if !request.listen.interfaces.is_empty() {
                let listening = ListeningSource::new(groma_sys::ears(), request.listen.clone());
                watchers.push(Box::new(listening));
            }
            if !request.sentinel.posts.is_empty() {
                let standing = request.sentinel.clone();
                let sentinel = SentinelSource::new(world.clone(), groma_sys::ears(), standing);
                watchers.push(Box::new(sentinel));
            }
            let wanted = watchers
                .into_iter()
                .filter(|source| request.wants(&source.name()));
            let threads: Vec<_> = wanted
                .map(|source| {
                    let sight = sources::sight(source.as_ref());
                    scope.spawn(move || match sight {
                        // Its trace is its process's; nothing of it may be left when that is ended.
                        Sight::Events => hearing.here(source, limit),
                        _ => hearing.apart(vec![source], sight, limit),
                    })
                })
                .collect();
            let directory = directory.filter(|source| request.wants(&source.name()));
            let directory =
                directory.map(|source| scope.spawn(move || hearing.here(source, limit)));
            self.files(world);
            let joined = threads.into_iter().chain(directory).map(|thread| {
                thread
                    .join()
                    .expect("a source panics in its child, or where that is caught")
            });
            joined.collect()
        });
        told.into_iter().for_each(|told| self.told.add(told));
    }

    /// Sources that read files: one child for each set of rights.
    fn files(&mut self, world: &World) {
        let request = self.hearing.request;
        let mut by_sight: BTreeMap<Sight, Vec<Box<dyn Source>>> = BTreeMap::new();
        let mut sources = sources::of_files(world);
        // What nobody named is not looked at; Windows has logs of its own.
        if cfg!(windows) || !request.events.is_empty() {
            let events = request.events.clone();
            sources.push(Box::new(WindowsLogs::new(world.clone(), events)));
        }
        if !request.events.is_empty() {
            let named = request.events.clone();
            sources.push(Box::new(JournalTexts::new(world.clone(), named)));
        }
        if !request.captures.is_empty() {
            let captures = request.captures.clone();
            sources.push(Box::new(PacketSource::new(world.clone(), captures)));
        }
        for source in sources {
            if request.wants(&source.name()) {
                by_sight
                    .entry(sources::sight(source.as_ref()))
                    .or_default()
                    .push(source);
            }
        }
        for (sight, sources) in by_sight {
            let told = self.hearing.apart(sources, sight, request.source_limit);
            self.told.add(told);
        }
    }

    /// Asks whom somebody named, over the network.
    fn sweep(&mut self, world: &World) {
        let request = self.hearing.request;
        let Some(plan) = request.sweep.clone() else {
            return;
        };
        let notes = notes(request.memory.as_ref());
        let source = SweepSource::new(world.clone(), groma_sys::wires(), Some(plan), notes);
        if request.wants(&source.name()) {
            let told = self.hearing.here(Box::new(source), request.sweep_limit());
            self.told.add(told);
        }
    }

    /// Asks devices who they are (and learns who is fragile), then what speaks at the ports a sweep found open, and which
    /// certificates they present: with the same manners, and not those who showed distress meanwhile.
    fn answers(&mut self, world: &World) {
        let request = self.hearing.request;
        let Some(plan) = request.sweep.as_ref() else {
            return;
        };
        let mut notes = notes(request.memory.as_ref());
        let open = open_ports_met(&self.told.said);
        let devices = self.devices_met(plan);
        let met = devices.iter().copied();
        let guests = Guests::new(
            world,
            plan,
            met,
            &open,
            notes.as_mut(),
            request.stop.clone(),
        );
        self.abroad(Box::new(SnmpSource::new(
            guests.world(),
            devices,
            request.devices.clone(),
        )));
        let met = machines_met(&self.told.said);
        self.abroad(Box::new(DeviceSource::new(guests.world(), met)));
        // Behind the devices: whoever says that it prints is asked slowly what else it serves.
        self.abroad(Box::new(ServiceSource::new(guests.world(), open)));
        let endpoints = match asks_certificates_alone(&request.sources) {
            true => named_ports(plan).map(named_endpoint).collect(),
            false => secure_ports_met(&self.told.said),
        };
        self.abroad(Box::new(guests.certificates(endpoints)));
        guests.leave(notes.as_mut());
    }

    /// Machines that the sweep met; all that were named, where only devices are to be asked.
    fn devices_met(&self, plan: &groma_source_sweep::Plan) -> BTreeSet<IpAddr> {
        let request = self.hearing.request;
        let sweep = SourceName::new(groma_source_sweep::NAME);
        if !request.wants(&sweep) {
            let named = plan.targets.addresses();
            return named.filter(|address| !is_of_a_link(*address)).collect();
        }
        hosts_met(&self.told.said)
    }

    fn abroad(&mut self, source: Box<dyn Source>) {
        let request = self.hearing.request;
        if request.wants(&source.name()) {
            let told = self.hearing.here(source, request.sweep_limit());
            self.told.add(told);
        }
    }

    fn here(&mut self, source: Box<dyn Source>) {
        let request = self.hearing.request;
        if request.wants(&source.name()) {
            let told = self.hearing.here(source, request.source_limit);
            self.told.add(told);
        }
    }
}

/// What a reader of the batch should know about how sources looked: without children, or in ones the kernel could
/// not hold back in every way. Said in the name of a source that did so.
fn reservations(told: &Told) -> Vec<Record> {
    let Some((source, _)) = told.said.first() else {
        return Vec::new();
    };
    let say = |what: String, reason: Reason, remedy: &str| Record {
        source: source.clone(),
        said: Said::Missed(Gap {
            scope: Scope::new("source", "apart"),
            what,
            reason,
            remedy: Some(remedy.to_owned()),
        }),
    };
    let mut all = Vec::new();
    if told.impossible {
        let what = "processes of their own for the sources that read files: they looked within the agent's, \
                    where one file that does not answer costs a source all it had not said";
        let remedy = "let the agent's file be executed again: /proc mounted, no noexec";
        all.push(say(what.to_owned(), Reason::NotPresent, remedy));
    }
    if !told.lacking.is_empty() {
        let list: Vec<&str> = told.lacking.iter().map(String::as_str).collect();
        let what = format!(
            "what this kernel did not let the agent's own children be held to: {}. They looked all the same, \
             and what is named here rests on the program alone",
            list.join("; ")
        );
        let remedy = "nothing was missed; where the rule is that the kernel must enforce it, use a newer one, with \
                      Landlock and seccomp";
        all.push(say(what, Reason::Unsupported, remedy));
    }
    all
}

pub(crate) fn header(
    request: &LookRequest,
    window: &Window,
    mut sources: Vec<SourceName>,
) -> BatchHeader {
    sources.sort();
    BatchHeader {
        schema: BATCH_SCHEMA.to_owned(),
        agent: request.agent.clone(),
        site: request.site.clone(),
        epoch: request.epoch,
        sequence: request.sequence,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: window.started(),
        ended: window.now(),
        sources,
    }
}

/// Where it is noted how far a sweep has come, and who is left alone.
fn notes(memory: Option<&Memory>) -> Box<dyn Notes> {
    match memory {
        Some(memory) => Box::new(SweepNotes::beside(memory)),
        None => Box::new(NoNotes),
    }
}

/// Machines that a sweep met, but those that have an address of a link alone.
fn hosts_met(said: &[(SourceName, Vec<Record>)]) -> BTreeSet<IpAddr> {
    let met = swept(said).filter_map(|fact| match fact {
        Fact::HostMet(met) => Some(met.address),
        Fact::OpenPort(open) => Some(open.address),
        _ => None,
    });
    met.filter(|address| !is_of_a_link(*address)).collect()
}

/// Ports that a sweep found open. Who has an address of a link alone cannot be called by it without the link.
fn open_ports_met(said: &[(SourceName, Vec<Record>)]) -> Vec<OpenPort> {
    swept(said)
        .filter_map(|fact| match fact {
            Fact::OpenPort(open) if !is_of_a_link(open.address) => Some(OpenPort {
                address: open.address,
                port: open.port,
                transport: open.transport,
            }),
            _ => None,
        })
        .collect()
}

/// Machines that were met, with the ports and protocols by which a device may tell what it is.
fn machines_met(said: &[(SourceName, Vec<Record>)]) -> BTreeMap<IpAddr, Met> {
    let mut met: BTreeMap<IpAddr, Met> = BTreeMap::new();
    for fact in swept(said) {
        let Fact::OpenPort(open) = fact else { continue };
        if is_of_a_link(open.address) {
            continue;
        }
        let known = met.entry(open.address).or_default();
        match open.transport {
            Transport::Tcp => {
                known.tcp.insert(open.port);
            }
            Transport::Udp => known.heard.extend(open.speaks.clone()),
        }
    }
    met
}

/// What a sweep itself said. A port that a device claims to have in its own tables was not met, and nobody is called for it.
fn swept(said: &[(SourceName, Vec<Record>)]) -> impl Iterator<Item = &Fact> {
    let said = said
        .iter()
        .filter(|(source, _)| source.as_str() == groma_source_sweep::NAME);
    said.flat_map(|one| facts(std::slice::from_ref(one)))
}

/// Ports of other machines at which TLS was heard, or offered within another protocol.
fn secure_ports_met(said: &[(SourceName, Vec<Record>)]) -> Vec<Endpoint> {
    facts(said)
        .filter_map(|fact| match fact {
            Fact::SeenService(seen) => {
                let answer = &seen.answer;
                let offered = answer.offers_tls.unwrap_or_default();
                let heard = match (&answer.tls, offered) {
                    (Some(_), _) => "tls",
                    (None, true) => answer.protocol.as_str(),
                    (None, false) => return None,
                };
                Some(Endpoint {
                    address: seen.address,
                    port: seen.port,
                    program: groma_model::fact::Program::default(),
                    heard: Some(heard.to_owned()),
                })
            }
            _ => None,
        })
        .collect()
}

/// The listeners that a certificate may be asked of.
fn endpoints_met(said: &[(SourceName, Vec<Record>)]) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = facts(said)
        .filter_map(|fact| match fact {
            Fact::Listener(listener) if listener.transport == Transport::Tcp => Some(Endpoint {
                heard: None,
                address: listener.address,
                port: listener.port,
                program: listener.program.clone(),
            }),
            _ => None,
        })
        .collect();
    endpoints.sort_by_key(|e| (e.address, e.port));
    endpoints.dedup_by(|a, b| (a.address, a.port) == (b.address, b.port));
    endpoints
}

/// Selectors of DKIM: those that were named, and those the settings of this machine sign with.
fn selectors_met(said: &[(SourceName, Vec<Record>)], named: &[String]) -> Vec<Selector> {
    let signing = facts(said).filter_map(|fact| match fact {
        Fact::MailRoute(MailRoute {
            rule: RouteRule::Signing,
            from,
            to: RouteTarget::Selector { name },
            ..
        }) => Some(Selector {
            domain: from.as_deref().and_then(HostName::parse),
            name: name.clone(),
        }),
        _ => None,
    });
    let named = named.iter().map(|name| Selector {
        domain: None,
        name: name.clone(),
    });
    signing.chain(named).collect()
}

/// Every name and address met: what DNS is asked about.
fn questions_met(said: &[(SourceName, Vec<Record>)]) -> Vec<Peer> {
    let mut questions = BTreeSet::new();
    let mut address = |a: IpAddr| {
        let nobody = a.is_loopback() || a.is_unspecified() || a.is_multicast();
        (!nobody).then(|| questions.insert(Peer::Address(a.to_canonical())));
    };
    for fact in facts(said) {
        match fact {
            Fact::Connection(c) if c.direction == Direction::Outgoing || c.remote != c.local => {
                address(c.remote)
            }
            Fact::Neighbour(n) => address(n.address),
            _ => {}
        }
    }
    let names = facts(said).flat_map(|fact| match fact {
        Fact::Connection(connection) => connection.asked.iter().cloned().map(Peer::Name).collect(),
        Fact::Reference(reference) => vec![reference.peer.clone()],
        Fact::MailRecord(record) => record.peers.clone(),
        Fact::Forward(forward) => forwarded(forward),
        Fact::RelyingParty(party) => party.places.clone(),
        Fact::Admission(admission) => admission.peer.iter().cloned().collect(),
        Fact::DirectoryNeed(need) => vec![need.consumer.clone(), need.provider.clone()],
        Fact::DirectoryObject(object) if object.class != "computer" => {
            object.host.iter().cloned().collect()
        }
        Fact::FileSystem(mount) => mount.remote.iter().map(|r| r.peer.clone()).collect(),
        Fact::Name(answer) => vec![answer.asked.clone()],
        Fact::Identity(identity) => identity
            .qualified_name
            .iter()
            .cloned()
            .map(Peer::Name)
            .collect(),
        Fact::Certificate(sighting)
            if matches!(
                sighting.place,
                CertificatePlace::Endpoint { position: 0, .. }
            ) =>
        {
            sighting
                .certificate
                .names
                .iter()
                .filter_map(|n| Peer::parse(n))
                .collect()
        }
        _ => Vec::new(),
    });
    questions.extend(names.filter(|peer| !peer.is_loopback()).take(QUESTIONS_MAX));
    questions.into_iter().take(QUESTIONS_MAX).collect()
}

/// Whom a forward sends on to, and from where; a name that only the far end resolves is asked there, not here.
fn forwarded(forward: &Forward) -> Vec<Peer> {
    let target = match &forward.sends_to {
        ForwardEnd::Endpoint { peer, .. } if forward.via.is_none() => Some(peer.clone()),
        _ => None,
    };
    target.into_iter().chain(forward.via.clone()).collect()
}

fn facts(said: &[(SourceName, Vec<Record>)]) -> impl Iterator<Item = &Fact> {
    let records = said.iter().flat_map(|(_, records)| records);
    records.filter_map(|record| match &record.said {
        Said::Saw(observation) => Some(&observation.fact),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use groma_model::fact::{HostMet, Proof};
    use groma_model::{Observation, Port, Seen, Timestamp, fact};

    use super::*;

    fn saw(source: &str, facts: Vec<Fact>) -> (SourceName, Vec<Record>) {
        let seen = Seen::once(Timestamp::from_seconds(1_795_165_200));
        let source = SourceName::new(source);
        let records = facts.into_iter().map(|fact| Record {
            source: source.clone(),
            said: Said::Saw(Observation {
                scope: Scope::new("host", "x"),
                fact,
                seen,
            }),
        });
        let records = records.collect();
        (source, records)
    }

    fn open(address: &str, port: u16) -> Fact {
        Fact::OpenPort(fact::OpenPort {
            address: address.parse().unwrap(),
            port: Port(port),
            transport: Transport::Tcp,
            speaks: None,
        })
    }

    fn met(address: &str) -> Fact {
        Fact::HostMet(HostMet {
            address: address.parse().unwrap(),
            by: Proof::Handshake,
            mac: None,
        })
    }

    #[test]
    fn nobody_is_called_at_a_port_a_device_only_claims_to_have() {
        let said = [
            saw(groma_source_sweep::NAME, vec![open("10.0.0.5", 80)]),
            saw(
                groma_source_snmp::NAME,
                vec![open("10.0.0.5", 8631), open("10.0.0.6", 80)],
            ),
        ];
        let machines = machines_met(&said);
        let ports: Vec<_> = machines
            .iter()
            .map(|(at, met)| (at.to_string(), met.tcp.len()))
            .collect();
        assert_eq!(ports, [("10.0.0.5".to_owned(), 1)]);
        assert_eq!(open_ports_met(&said).len(), 1);
        assert_eq!(hosts_met(&said).len(), 1);
    }

    #[test]
    fn who_has_an_address_of_a_link_alone_is_called_by_nobody_who_knows_no_link() {
        let here = ["10.0.0.5", "2001:db8::5"];
        let mut all: Vec<_> = ["fe80::5", "fe80::6"]
            .iter()
            .chain(&here)
            .map(|at| open(at, 80))
            .collect();
        all.push(met("fe80::7"));
        let said = [saw(groma_source_sweep::NAME, all)];
        let expected: BTreeSet<IpAddr> = here.iter().map(|at| at.parse().unwrap()).collect();
        assert_eq!(
            machines_met(&said).into_keys().collect::<BTreeSet<_>>(),
            expected
        );
        assert_eq!(hosts_met(&said), expected);
        let called = open_ports_met(&said).into_iter().map(|open| open.address);
        assert_eq!(called.collect::<BTreeSet<_>>(), expected);
    }
}

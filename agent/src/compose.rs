//! The look: which sources there are, in which order they look, and what becomes of a source that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use groma_model::batch::{BATCH_SCHEMA, Record, Said};
use groma_model::fact::{CertificatePlace, Direction, Forward, ForwardEnd};
use groma_model::{
    AgentId, Batch, BatchHeader, Fact, Gap, HostName, Peer, Reason, Scope, SiteId, SourceName,
    Transport,
};
use groma_source::{Budget, Memory, Recorder, Source, Stop, Window, World};
use groma_source_config::{ConfigSource, ContainerConfigSource, FindSource, InContainers};
use groma_source_dns::{MailDomains, NamesSource};
use groma_source_forward::RulesetSource;
use groma_source_socket::{FlowSource, SocketSource, Tier};
use groma_source_x509::{
    CertificateEndpoints, CertificateFiles, CertificatePins, CertificateUses, Endpoint,
};

use crate::apart::{self, Group};
use crate::explain::{Explained, Place};

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
    /// When every source must be done, beyond `watch`.
    pub limit: Duration,
    /// How long one source that reads files may take.
    pub source_limit: Duration,
    /// True if sources that read files look in processes of their own. Only a program whose `main` serves
    /// that role ([`crate::serve`]) may say so; a library's test cannot.
    pub apart: bool,
    /// Where sources find what they kept at the last look, and where it is kept for the next one.
    pub memory: Option<Memory>,
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
            limit: Duration::from_secs(600),
            source_limit: Duration::from_secs(300),
            apart: false,
            memory: None,
            budget: Budget::default(),
            stop: Stop::default(),
        }
    }

    fn wants(&self, name: &SourceName) -> bool {
        let name = name.as_str();
        self.sources.is_empty()
            || self.sources.iter().any(|s| {
                name == s
                    || name
                        .strip_prefix(s.as_str())
                        .is_some_and(|rest| rest.starts_with('.'))
            })
    }
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
        request.watch.saturating_add(request.limit),
    );
    let mut run = Run {
        window: &window,
        request,
        progress,
        looked: Vec::new(),
        records: Vec::new(),
        kept: Vec::new(),
    };
    run.sockets_and_files(world);
    run.one(&mut RulesetSource::new(world.clone()));
    let endpoints = endpoints_met(&run.records);
    run.one(&mut CertificateEndpoints::new(world.clone(), endpoints));
    let domains = request.mail_domains.clone();
    run.one(&mut MailDomains::new(world.clone(), domains));
    let questions = questions_met(&run.records);
    run.one(&mut NamesSource::new(world.clone(), questions));
    let Run {
        looked,
        records,
        kept,
        ..
    } = run;
    if let Some(memory) = request.memory.as_ref().filter(|_| !kept.is_empty()) {
        crate::memory::keep(memory, &kept);
    }
    Batch {
        header: header(request, &window, looked),
        records: groma_model::batch::gathered(records),
    }
}

/// What every source would read, contact and say, and where it looks from.
pub fn explanations(world: &World, memory: Option<&Memory>) -> Vec<Explained> {
    let mut apart = first_sources(world);
    for source in &mut apart {
        memory.into_iter().for_each(|m| source.remember(m.clone()));
    }
    let within: [Box<dyn Source>; 7] = [
        Box::new(RulesetSource::new(world.clone())),
        Box::new(SocketSource::new(world.clone())),
        Box::new(flows(world)),
        Box::new(CertificateEndpoints::new(world.clone(), Vec::new())),
        Box::new(MailDomains::new(world.clone(), Vec::new())),
        Box::new(NamesSource::new(world.clone(), Vec::new())),
        Box::new(FindSource::new(world.clone(), Vec::new())),
    ];
    let explained = |source: &dyn Source, apart: bool| Explained {
        place: match (apart, sees_processes(source)) {
            (false, _) => Place::Agent,
            (true, false) => Place::Child,
            (true, true) => Place::ChildThatSeesProcesses,
        },
        name: source.name(),
        explanation: source.explain(),
    };
    let mut all: Vec<_> = apart.iter().map(|s| explained(s.as_ref(), true)).collect();
    all.extend(within.iter().map(|s| explained(s.as_ref(), false)));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The sources that need nothing from another one.
pub(crate) fn first_sources(world: &World) -> Vec<Box<dyn Source>> {
    let mut sources = groma_source_host::sources(world);
    sources.extend(groma_source_forward::sources(world));
    sources.push(Box::new(groma_source_log::LogSource::new(world.clone())));
    sources.push(Box::new(ConfigSource::new(world.clone())));
    sources.push(Box::new(ContainerConfigSource::new(world.clone())));
    sources.push(Box::new(CertificateFiles::new(world.clone())));
    sources.push(Box::new(container_certificates(world)));
    sources.extend(groma_source_content::sources(world));
    sources.push(Box::new(CertificatePins::new(world.clone())));
    sources.push(Box::new(CertificateUses::new(world.clone())));
    sources
}

/// Certificates in files of running containers.
fn container_certificates(world: &World) -> InContainers {
    InContainers::new(
        world.clone(),
        SourceName::new("certificates.containers"),
        |world| Box::new(CertificateFiles::new(world)),
    )
}

/// Connections as they happen.
fn flows(world: &World) -> FlowSource {
    FlowSource::new(world.clone(), groma_sys::kernel_events())
}

struct Run<'a> {
    window: &'a Window,
    request: &'a LookRequest,
    progress: &'a dyn Progress,
    looked: Vec<SourceName>,
    records: Vec<Record>,
    kept: Vec<String>,
}

impl Run<'_> {
    /// Connections and sockets are watched, each on a thread of its own, while the files are read.
    fn sockets_and_files(&mut self, world: &World) {
        let mut watching: [Box<dyn Source>; 2] = [
            Box::new(flows(world).at_most(self.request.flows_at_most)),
            Box::new(SocketSource::new(world.clone())),
        ];
        let (window, request, progress) = (self.window, self.request, self.progress);
        let watched: Vec<(SourceName, Vec<Record>)> = std::thread::scope(|scope| {
            let wanted = watching
                .iter_mut()
                .filter(|source| request.wants(&source.name()));
            let threads: Vec<_> = wanted
                .map(|source| {
                    let name = source.name();
                    let thread = scope.spawn(|| said(source.as_mut(), window, request, progress));
                    (name, thread)
                })
                .collect();
            self.files(world);
            threads
                .into_iter()
                .map(|(name, thread)| {
                    let said = thread
                        .join()
                        .expect("what a source panics with is caught within the thread");
                    (name, said)
                })
                .collect()
        });
        for (name, records) in watched {
            self.looked.push(name);
            self.records.extend(records);
        }
    }

    /// Sources that read files: in processes of their own, or here, and then one gap says so.
    fn files(&mut self, world: &World) {
        let mut files = first_sources(world);
        files.retain(|source| self.request.wants(&source.name()));
        let mut said = BTreeMap::new();
        for sees_processes in [false, true] {
            let alike = files
                .iter()
                .filter(|source| self::sees_processes(source.as_ref()) == sees_processes);
            let group = Group {
                sources: alike.map(|source| source.name()).collect(),
                sees_processes,
                offline: world.network.is_offline(),
                window: self.window,
                request: self.request,
                progress: self.progress,
            };
            if !self.request.apart || group.sources.is_empty() {
                continue;
            }
            let outcome = apart::look(group);
            said.extend(outcome.said);
            self.kept.extend(outcome.kept);
            if outcome.impossible {
                self.records
                    .extend(files.first().map(|f| not_apart(&f.name())));
                break;
            }
        }
        for source in &mut files {
            match said.remove(&source.name()) {
                Some(records) => {
                    self.looked.push(source.name());
                    self.records.extend(records);
                }
                None => self.one(source.as_mut()),
            }
        }
    }

    fn one(&mut self, source: &mut dyn Source) {
        if self.request.wants(&source.name()) {
            self.looked.push(source.name());
            let memory = self.request.memory.clone();
            memory.into_iter().for_each(|m| source.remember(m));
            let (records, kept) = heard(source, self.window, self.request, self.progress);
            self.records.extend(records);
            self.kept.extend(kept);
        }
    }
}

/// True for a source that reads tables the kernel shows to a tracer only (`/proc/PID/exe`, `fd`, `root`). It gets
/// that right for saying so: what it does not explain beforehand, it cannot read.
fn sees_processes(source: &dyn Source) -> bool {
    let reads = source.explain().reads;
    reads
        .iter()
        .any(|line| line.contains("/proc/*/") || line.contains("/proc/PID/"))
}

fn not_apart(name: &SourceName) -> Record {
    Record {
        source: name.clone(),
        said: Said::Missed(Gap {
            scope: Scope::new("source", "apart"),
            what: "processes of their own for the sources that read files: they looked within the agent's, \
                   where one file that does not answer holds up the whole look"
                .to_owned(),
            reason: Reason::NotPresent,
            remedy: Some("let the agent's file be executed again: /proc mounted, no noexec".to_owned()),
        }),
    }
}

/// Everything `source` says.
pub(crate) fn said(
    source: &mut dyn Source,
    window: &Window,
    request: &LookRequest,
    progress: &dyn Progress,
) -> Vec<Record> {
    heard(source, window, request, progress).0
}

/// Everything `source` says, and what it keeps; a panic becomes a gap, and what it said before stays.
fn heard(
    source: &mut dyn Source,
    window: &Window,
    request: &LookRequest,
    progress: &dyn Progress,
) -> (Vec<Record>, Vec<String>) {
    let name = source.name();
    progress.begins(&name);
    let mut recorder = Recorder::new(name.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        source.look(window, &request.budget, &mut recorder)
    }));
    let (mut records, mut kept) = (recorder.records, recorder.kept);
    if outcome.is_err() {
        kept.clear();
        let gap = Gap {
            scope: Scope::new("source", name.as_str()),
            what: format!("what {name} had not said yet: it failed inside"),
            reason: Reason::Unknown("bug".to_owned()),
            remedy: Some("report this as a bug of groma, with the version".to_owned()),
        };
        // Without any coverage said, nothing this source knows may count as removed.
        records.retain(|r| !matches!(r.said, Said::Covered(_)));
        records.push(Record {
            source: name.clone(),
            said: Said::Missed(gap),
        });
    }
    progress.ends(&name);
    (records, kept)
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

/// The listeners that a certificate may be asked of.
fn endpoints_met(records: &[Record]) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = facts(records)
        .filter_map(|fact| match fact {
            Fact::Listener(listener) if listener.transport == Transport::Tcp => Some(Endpoint {
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

/// Every name and address met: what DNS is asked about.
fn questions_met(records: &[Record]) -> Vec<Peer> {
    let mut questions = BTreeSet::new();
    let mut address = |a: IpAddr| {
        let nobody = a.is_loopback() || a.is_unspecified() || a.is_multicast();
        (!nobody).then(|| questions.insert(Peer::Address(a.to_canonical())));
    };
    for fact in facts(records) {
        match fact {
            Fact::Connection(c) if c.direction == Direction::Outgoing || c.remote != c.local => {
                address(c.remote)
            }
            Fact::Neighbour(n) => address(n.address),
            _ => {}
        }
    }
    let names = facts(records).flat_map(|fact| match fact {
        Fact::Connection(connection) => connection.asked.iter().cloned().map(Peer::Name).collect(),
        Fact::Reference(reference) => vec![reference.peer.clone()],
        Fact::MailRecord(record) => record.peers.clone(),
        Fact::Forward(forward) => forwarded(forward),
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

fn facts(records: &[Record]) -> impl Iterator<Item = &Fact> {
    records.iter().filter_map(|record| match &record.said {
        Said::Saw(observation) => Some(&observation.fact),
        _ => None,
    })
}

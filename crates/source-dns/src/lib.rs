//! Names: what the names and addresses that were met mean to the domain name system, seen from this machine.
//!
//! **What it sees.** For every name its addresses (A, AAAA) and the chain of aliases on the way; for every
//! address its names (PTR). A name that does not exist is an answer too, with nothing in it: the
//! witness for a reference that cannot work. A server failure or silence is a gap, never an answer. The time
//! to live is kept only where the answering server speaks for the zone: a cache counts down, and would
//! tell another story at each look.
//!
//! **Where it reads it.** From the resolvers in `/etc/resolv.conf`, in its order, short names completed by its search
//! list as the C library does. The hosts file is passed over: what it says is another source's fact.
//! There is no built-in resolver. A private name or address (RFC 1918, RFC 6598, RFC 4193, link-local; a name
//! without a dot, under a search domain, or under `.lan`, `.internal`, `.corp`, `.home.arpa` and the like)
//! is asked only at a resolver whose own address is private; with none, it stays unasked and is a gap.
//! A resolver on this machine may hand questions on to another one: that is its configuration, not ours.
//! Names under `.local` belong to multicast DNS and are not asked.
//!
//! Besides, it is the one way of the agent from a name that somebody typed to addresses ([`ResolvingNetwork`]): the hosts
//! file first, then those resolvers. The C library is never asked (docs/decisions/0089).
//!
//! **Which rights it needs.** None.
//!
//! **What it costs the host.** Two small packets per name, one per address, at most 8 questions under way and 200
//! packets in a second; a resolver that answers nothing at all is left alone after a few tries.
//!
//! Seen for real: BIND 9.18 as authoritative server on loopback. Not run here: a validating resolver, and
//! resolvers that need an interface (`fe80::1%eth0`), which are a gap.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

mod answer;
mod ask;
mod hosts;
mod inquiry;
mod mail;
mod parse;
mod policy;
mod resolving;
mod turns;
mod zones;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use groma_model::{CoverageState, Fact, Peer, Reason, Scope, SourceName};
use groma_source::names::RESOLV_CONF;
use groma_source::{
    Budget, Disk, DiskError, Explanation, Network, Sink, SinkExt, Source, Window, World,
};

use crate::inquiry::{Finding, Task};
pub use crate::mail::{MailDomains, Selector};
use crate::parse::Resolvers;
use crate::policy::Ruling;
pub use crate::resolving::ResolvingNetwork;
pub use crate::zones::ZonesSource;

const RESOLV_CONF_BYTES_MAX: u64 = 64 << 10;

/// `names.dns`: forward and reverse look-ups of everything that was met.
pub struct NamesSource {
    world: World,
    questions: Vec<Peer>,
}

/// Whom the machine of `network` and `disk` asks.
fn resolvers(network: &dyn Network, disk: &dyn Disk) -> Result<Resolvers, DiskError> {
    if let Some((servers, search)) = network.name_servers() {
        return Ok(Resolvers::of_system(&servers, search));
    }
    let read = disk.read(Path::new(RESOLV_CONF), RESOLV_CONF_BYTES_MAX)?;
    Ok(Resolvers::parse(&read.bytes))
}

/// Questions that stay unasked, counted by why.
#[derive(Default)]
struct Unasked {
    private: Vec<Peer>,
    offline: Vec<Peer>,
    multicast: Vec<Peer>,
    no_resolver: Vec<Peer>,
}

impl NamesSource {
    /// The source over `questions`; the same one twice is asked once.
    pub fn new(world: World, mut questions: Vec<Peer>) -> Self {
        questions.sort();
        questions.dedup();
        Self { world, questions }
    }

    /// The resolvers of this machine. Without the file there is none: what the C library would then try
    /// on its own is a guess we do not make.
    fn resolvers(&self) -> Resolvers {
        let world = &self.world;
        resolvers(world.network.as_ref(), world.disk.as_ref()).unwrap_or_default()
    }

    fn sorted_out(&self, resolvers: &Resolvers) -> (Vec<Task>, Unasked) {
        let permitted = |server: SocketAddr| self.world.network.permits(server);
        let mut tasks = Vec::new();
        let mut unasked = Unasked::default();
        for question in &self.questions {
            let kept = || question.clone();
            match policy::rule(question, resolvers, &permitted) {
                Ruling::Ask {
                    servers,
                    candidates,
                } => tasks.push(Task {
                    question: kept(),
                    servers,
                    candidates,
                }),
                Ruling::NoQuestion => {}
                Ruling::Multicast => unasked.multicast.push(kept()),
                Ruling::Private => unasked.private.push(kept()),
                Ruling::Offline => unasked.offline.push(kept()),
                Ruling::NoResolver => unasked.no_resolver.push(kept()),
            }
        }
        (tasks, unasked)
    }
}

impl Source for NamesSource {
    fn name(&self) -> SourceName {
        SourceName::new("names.dns")
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let resolvers = self.resolvers();
        let (tasks, unasked) = self.sorted_out(&resolvers);
        let mut servers: Vec<SocketAddr> = tasks
            .iter()
            .flat_map(|task| task.servers.iter().copied())
            .collect();
        servers.sort();
        servers.dedup();
        let contacts = servers
            .iter()
            .map(|server| {
                format!("resolver {server}, over UDP, and TCP where an answer is too long")
            })
            .collect();
        Explanation {
            purpose: "Learns what the names and addresses that were met mean, so that one host behind five names is one host.".into(),
            reads: vec![format!("{RESOLV_CONF}: resolvers, search list, ndots")],
            contacts,
            sends: vec![
                format!("{} questions to those resolvers: A and AAAA for names, PTR for addresses", tasks.len()),
                "their answers, or why there was none".into(),
            ],
            never_sends: vec![
                "a private name or address to a public resolver, or any question to a resolver this machine is not configured with".into(),
                format!("{} questions stay unasked now for such reasons", unasked.private.len() + unasked.offline.len() + unasked.multicast.len()),
            ],
            rights: lines(&["none"]),
            cost: "two packets per name, one per address; at most 8 questions under way".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let resolvers = self.resolvers();
        let (tasks, unasked) = self.sorted_out(&resolvers);
        let mut told = Told { window, sink };
        told.unasked(&unasked, &resolvers);
        if tasks.is_empty() {
            return;
        }
        let questions: Vec<Peer> = tasks.iter().map(|task| task.question.clone()).collect();
        match inquiry::run(tasks, window, budget) {
            Ok(findings) => told.findings(&questions, findings),
            Err(error) => {
                told.gap(
                    format!(
                        "what {} names and addresses mean: the resolver could not be set up",
                        questions.len()
                    ),
                    Reason::of_io(&error),
                    "",
                );
                told.all_partial(&questions);
            }
        }
    }
}

struct Told<'a> {
    window: &'a Window,
    sink: &'a mut dyn Sink,
}

impl Told<'_> {
    fn unasked(&mut self, unasked: &Unasked, resolvers: &Resolvers) {
        let all = [
            (
                &unasked.private,
                "private names and addresses: the resolvers of this machine are public, and private names never go to a public resolver",
                Reason::Forbidden,
                "look from a machine that uses a resolver of your own",
            ),
            (
                &unasked.offline,
                "names and addresses: this look may not contact the resolvers of this machine",
                Reason::Forbidden,
                "look again without --offline",
            ),
            (
                &unasked.multicast,
                "names under .local: they belong to multicast DNS, which is not asked",
                Reason::Unsupported,
                "",
            ),
            (
                &unasked.no_resolver,
                "names and addresses: this machine has no resolver that can be used",
                Reason::NotPresent,
                "name one in /etc/resolv.conf, if names should work here at all",
            ),
        ];
        for (questions, why, reason, remedy) in all {
            if !questions.is_empty() {
                self.gap(format!("what {} {why}", questions.len()), reason, remedy);
                self.all_partial(questions);
            }
        }
        if resolvers.unusable > 0 {
            let what = format!(
                "the answers of {} resolvers in {RESOLV_CONF} that are not plain addresses",
                resolvers.unusable
            );
            self.gap(what, Reason::Unsupported, "");
        }
    }

    fn findings(&mut self, questions: &[Peer], mut findings: BTreeMap<Peer, Finding>) {
        let mut unanswered = Vec::new();
        for question in questions {
            match findings.remove(question) {
                Some(finding) => self.finding(question, finding),
                None => unanswered.push(question.clone()),
            }
        }
        if !unanswered.is_empty() {
            let what = format!(
                "what {} names and addresses mean: the look ended first, or the resolver answers nothing",
                unanswered.len()
            );
            self.gap(
                what,
                Reason::BudgetExhausted,
                "check the resolvers in /etc/resolv.conf, or give the look more time",
            );
            self.all_partial(&unanswered);
        }
    }

    fn finding(&mut self, question: &Peer, finding: Finding) {
        let scope = scope_of(question);
        if let Some(answer) = finding.answer {
            self.sink.saw_now(self.window, &scope, Fact::Name(answer));
        }
        for trouble in &finding.troubles {
            self.sink.missed_because(
                &scope,
                format!("what {question} means: {}", trouble.what),
                trouble.reason.clone(),
                "",
            );
        }
        if let Some(name) = finding.circle {
            self.sink.missed_because(
                &scope,
                format!("alias circle at {name}: it leads back to itself and to no address"),
                Reason::Malformed,
                "mend or delete these CNAME records",
            );
        }
        if finding.without_address {
            self.sink.missed_because(
                &scope,
                format!("an address of {question}: the name exists and has none"),
                Reason::NotPresent,
                "",
            );
        }
        let state = if finding.troubles.is_empty() {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        };
        self.sink.covered_now(self.window, &scope, state);
    }

    fn gap(&mut self, what: String, reason: Reason, remedy: &str) {
        self.sink
            .missed_because(&Scope::new("name", ""), what, reason, remedy);
    }

    fn all_partial(&mut self, questions: &[Peer]) {
        for question in questions {
            self.sink
                .covered_now(self.window, &scope_of(question), CoverageState::Partial);
        }
    }
}

fn scope_of(question: &Peer) -> Scope {
    Scope::new("name", &question.to_string())
}

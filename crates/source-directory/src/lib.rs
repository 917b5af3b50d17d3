//! Directories: what Active Directory, Samba AD, OpenLDAP and others know about machines, services and who may act for
//! whom, asked over LDAP.
//!
//! **What it sees.** Of a domain: its controllers, operations masters, sites, subnets and trusts; machines and whether
//! anybody heard of them lately; accounts that services run as, with the services and who may act for others towards
//! them; print queues with the device behind, name spaces, servers that give out addresses, zones with their names,
//! machines that people have their homes, profiles and mounts on, certificate services, policies, connection points; an Exchange organisation with the addresses it takes mail from, the
//! mailboxes others hang on and who may use them.
//! Of OpenLDAP: databases, overlays, TLS, replication, and who is connected right now. Persons and groups are counted,
//! never listed.
//!
//! **Where it reads it.** From the servers that the operator named in the access file ([`access`]), and from no
//! other: referrals are told and not followed, and no agent asks a directory because it is there. One logon, never
//! repeated, to a server whose certificate or authority was named; a password goes over TLS, a local socket or
//! loopback alone. What the server sends is judged message by message before the LDAP library sees it.
//!
//! **Which rights it needs.** An account that may read, nothing more. Anonymous where the server lets anybody read.
//! `cn=config` and `cn=Monitor` of OpenLDAP want an account that may see them, or root over `ldapi`.
//!
//! **What it costs the server.** Some forty questions, one after the other, 500 entries at a time; each has a time limit.
//! What was answered before a limit is kept, and a gap says what is missing. A look that was killed goes on with the first
//! question that was not answered ([`Journal`]), within half a day; else nothing is kept between looks.
//!
//! Seen for real: what the tests beside this crate ran. Never met: a domain controller of Microsoft, an Exchange
//! organisation, FreeIPA (its entries, as its schema says, in a real 389 Directory Server).
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

pub mod access;
mod ad;
mod cause;
mod channel;
mod connected;
mod entry;
mod guard;
mod ipa;
mod journal;
mod learnt;
mod mounts;
mod open;
mod project389;
mod root;
mod session;
mod step;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::fact::DirectoryNeed;
use groma_model::{Coverage, CoverageState, Fact, Observation, Peer, Reason, Scope, SourceName};
use groma_source::names::{HOSTS, RESOLV_CONF};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

pub use access::{AccessError, Directory};
pub use journal::Journal;
pub use session::Limits;

use crate::access::{Logon, Trust};
use crate::cause::Cause;
use crate::connected::Connected;
use crate::entry::Entry;
use crate::journal::{Notes, Noting, say};
use crate::learnt::Learnt;
use crate::root::{Family, Root};
use crate::session::{Ended, Query, Session};
use crate::step::Step;

/// Identifiers that are looked up because a machine lets them act for others.
const TRUSTED_MAX: usize = 500;

/// Identifiers in one question for their names, and such questions.
const NAMES_AT_A_TIME: usize = 50;
const NAMES_ASKED_MAX: usize = 200;

/// The permanent name of this source.
pub const NAME: &str = "directory.objects";

/// `directory.objects`: directories the operator named.
pub struct DirectorySource {
    world: World,
    directories: Vec<Directory>,
    limits: Limits,
    journal: Option<Box<dyn Journal>>,
}

impl DirectorySource {
    /// The source over `directories`.
    pub fn new(world: World, directories: Vec<Directory>) -> Self {
        Self {
            world,
            directories,
            limits: Limits::default(),
            journal: None,
        }
    }

    /// The same, going on where a look that was killed stood, and noting how far this one comes.
    #[must_use]
    pub fn noting(mut self, journal: Box<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl Source for DirectorySource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let asked = |steps: &[Step]| {
            let line = |s: &Step| {
                format!(
                    "{}: {} in {}: {}",
                    s.name,
                    s.filter,
                    s.base.words(),
                    s.attributes.join(", ")
                )
            };
            steps.iter().map(line).collect::<Vec<_>>()
        };
        let mut reads = lines(&[
            "the file named with --access, and the password files and certificates it names; the root entry of each server",
            "what a look that was killed had noted, in the agent's own state (directory.progress)",
        ]);
        reads.extend(
            asked(ad::STEPS)
                .into_iter()
                .map(|l| format!("Active Directory, Samba AD: {l}")),
        );
        reads.extend(
            asked(open::SERVER_STEPS)
                .into_iter()
                .map(|l| format!("OpenLDAP: {l}")),
        );
        reads.extend(
            asked(project389::SERVER_STEPS)
                .into_iter()
                .map(|l| format!("389 Directory Server: {l}")),
        );
        reads.extend(
            asked(ipa::STEPS)
                .into_iter()
                .map(|l| format!("FreeIPA: {l}")),
        );
        reads.extend(
            asked(open::STEPS)
                .into_iter()
                .map(|l| format!("other directories: {l}")),
        );
        let is_named = |directory: &Directory| matches!(directory.peer, Peer::Name(_));
        let names = self.directories.iter().any(is_named).then(|| {
            format!("the name servers of {RESOLV_CONF}, for the address of a name without a line in {HOSTS}")
        });
        Explanation {
            purpose: "Asks directories that the operator named what they know about machines, services, accounts of services, printers, zones and mail connectors.".into(),
            reads,
            contacts: self.directories.iter().map(contact).chain(names).collect(),
            sends: lines(&["objects with a meaning for a move, needs that follow from them, and counts"]),
            never_sends: lines(&[
                "the accounts of a client that has more than eight (they are people's), a person's entry, a group's members, a password, a description or another free text",
                "a logon to a server whose certificate nobody named, in clear text, or a second time",
                "anything to a server that another one refers to",
            ]),
            rights: lines(&[
                "an account that may read the directory; nothing of this machine",
                "OpenLDAP's cn=config and cn=Monitor: an account that may see them, or root over ldapi; else a gap",
            ]),
            cost: "some forty questions of each server; who is connected every 15 seconds while it watches, one at a time, 500 entries a page; 100,000 objects take a minute or two".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Self {
            world,
            directories,
            limits,
            journal,
        } = self;
        let questions = all_questions();
        for directory in directories.iter() {
            let (label, account) = (directory.label(), identity(directory));
            let notes = Notes::new(journal.as_deref_mut(), label, account, &questions);
            let mut look = Look {
                directory,
                window,
                budget,
                sink: Noting {
                    sink: &mut *sink,
                    notes,
                },
                told: 0,
            };
            match &runtime {
                Ok(runtime) => runtime.block_on(look.all(world, *limits)),
                Err(error) => {
                    look.nothing(&Cause::new(error.to_string(), Reason::of_io(error), ""))
                }
            }
        }
    }
}

fn contact(directory: &Directory) -> String {
    let logon = match &directory.logon {
        Logon::Anonymous => "as nobody".to_owned(),
        Logon::External => "as the user this runs as (SASL EXTERNAL)".to_owned(),
        // The same for notes of a look that was killed: whoever typed it then may type it again.
        Logon::Simple { user, .. } | Logon::Asked { user } => format!("as {user}, once"),
    };
    let trust = match &directory.trust {
        Trust::Nothing => "its certificate is not named",
        Trust::Fingerprint(_) => "known by the fingerprint of its certificate",
        Trust::Authorities(_) => "known by its authority",
    };
    format!("directory {} {logon}; {trust}", directory.label())
}

/// Who is asked as whom for what, as it stands in the notes: another base, another way or another certificate may bring
/// other answers. The password is no part of it.
fn identity(directory: &Directory) -> String {
    let Directory {
        way, trust, base, ..
    } = directory;
    let apart = format!("{way:?} {trust:?} {base:?}");
    let digest = groma_model::id::digest(&[&apart]);
    format!("{}; {digest}", contact(directory))
}

/// The text of every question, by which notes of other questions are known.
fn all_questions() -> String {
    let steps = [
        ad::STEPS,
        open::SERVER_STEPS,
        open::STEPS,
        project389::SERVER_STEPS,
        ipa::STEPS,
    ];
    let text = |step: &Step| {
        let Step {
            name,
            base,
            scope,
            filter,
            attributes,
            ..
        } = step;
        format!(
            "{name} {base:?} {scope:?} {filter} {attributes:?} {}\n",
            step.rights
        )
    };
    let asked: String = steps.into_iter().flatten().map(text).collect();
    format!(
        "{asked}{:?} {:?} {:?}",
        root::ATTRIBUTES,
        ad::NAMED,
        ad::TRUSTED
    )
}

/// What the server says of itself, as a question.
const SERVER: &str = "server";

struct Look<'a, 'n> {
    directory: &'a Directory,
    window: &'a Window,
    budget: &'a Budget,
    sink: Noting<'a, 'n>,
    told: u64,
}

impl Look<'_, '_> {
    async fn all(&mut self, world: &World, limits: Limits) {
        let opened = Session::open(self.directory, world, self.window, self.budget, limits).await;
        let mut session = match opened {
            Ok(session) => session,
            Err(cause) => {
                self.left_over(world);
                return self.nothing(&cause);
            }
        };
        if let Some((entry, root)) = self.root(&mut session).await {
            self.questions(&mut session, &entry, &root).await;
        }
        session.close().await;
    }

    /// Tells what a look that was killed had brought: the server cannot be asked now.
    fn left_over(&mut self, world: &World) {
        let server = (self.directory.peer.clone(), self.directory.port);
        let now = world.clock.now();
        let mut unused = Learnt::new(String::new(), server, now);
        let Noting { sink, notes } = &mut self.sink;
        let noted = notes.resume(now, &mut unused, *sink);
        noted
            .unfinished
            .into_iter()
            .for_each(|said| say(said, *sink));
    }

    fn scope(&self, step: &str) -> Scope {
        Scope::new("directory", &format!("{}/{step}", self.directory.label()))
    }

    /// The directory as a whole could not be asked.
    fn nothing(&mut self, cause: &Cause) {
        let scope = self.scope("");
        self.gap(&scope, "what the directory knows", cause);
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }

    fn gap(&mut self, scope: &Scope, what: &str, cause: &Cause) {
        let what = format!("{what}: {}", cause.what);
        self.sink
            .missed_because(scope, what, cause.reason.clone(), &cause.remedy);
    }

    async fn root(&mut self, session: &mut Session<'_>) -> Option<(Entry, Root)> {
        let query = Query {
            base: "",
            scope: ldap3::Scope::Base,
            filter: "(objectClass=*)",
            attributes: root::ATTRIBUTES,
            rights: false,
        };
        let mut met = None;
        let ended = session.ask(query, &mut |entry| met = Some(entry)).await;
        let Some(entry) = met else {
            let silent = Cause::new(
                "it does not tell what it is (no root entry)",
                Reason::PermissionDenied,
                "let the account read the root entry",
            );
            self.nothing(&ended.trouble.unwrap_or(silent));
            return None;
        };
        let root = Root::of(&entry, self.directory.base.as_deref());
        Some((entry, root))
    }

    async fn questions(&mut self, session: &mut Session<'_>, entry: &Entry, root: &Root) {
        let server = (self.directory.peer.clone(), self.directory.port);
        let mut learnt = Learnt::new(root.directory(), server, session.now());
        learnt.own = session.own();
        if let Logon::Simple { user, .. } = &self.directory.logon {
            learnt.own_account.clone_from(user);
        }
        let Noting { sink, notes } = &mut self.sink;
        let noted = notes.resume(session.now(), &mut learnt, *sink);
        notes.begin(session.now());
        self.told += noted.told;
        let done = noted.done;
        if !done.contains(SERVER) {
            root::tell(entry, root, self.directory, &mut learnt);
            let scope = self.scope(SERVER);
            self.tell(&scope, &mut learnt);
            self.sink
                .covered_now(self.window, &scope, CoverageState::Complete);
            self.sink.notes.done(SERVER, &learnt);
        }
        let steps: Vec<&Step> = match root.family {
            Family::ActiveDirectory => ad::STEPS.iter().collect(),
            Family::OpenLdap => open::SERVER_STEPS.iter().chain(open::STEPS).collect(),
            Family::Project389 => {
                let server = project389::SERVER_STEPS.iter().chain(ipa::STEPS);
                server.chain(open::STEPS).collect()
            }
            Family::Other => open::STEPS.iter().collect(),
        };
        let (sampled, steps): (Vec<&Step>, Vec<&Step>) =
            steps.into_iter().partition(|step| step.sampled);
        let mut unasked = Vec::new();
        for step in steps.into_iter().filter(|step| !done.contains(step.name)) {
            if session.is_over() {
                unasked.push(step.name);
                self.sink
                    .covered_now(self.window, &self.scope(step.name), CoverageState::Partial);
                continue;
            }
            self.question(session, step, root, &mut learnt).await;
            // What one slow question lacks is a gap, as in a look that nobody killed; what the end of the conversation cut
            // off is asked again.
            if !session.is_over() {
                self.sink.notes.done(step.name, &learnt);
            }
        }
        if root.family == Family::ActiveDirectory {
            self.trusted(session, root, &mut learnt).await;
            self.named(session, root, &mut learnt).await;
        }
        if matches!(root.family, Family::ActiveDirectory | Family::Project389) {
            ad::aliases(&mut learnt);
            let scope = self.scope("names/aliases");
            self.tell(&scope, &mut learnt);
            self.troubles(&scope, "names/aliases", &mut learnt);
        }
        for step in sampled {
            if session.is_over() {
                unasked.push(step.name);
                self.sink
                    .covered_now(self.window, &self.scope(step.name), CoverageState::Partial);
                continue;
            }
            self.samples(session, step, root, &mut learnt).await;
        }
        learnt.measurements();
        learnt.bound_in(session.bound_in());
        self.tell(&self.scope("counts"), &mut learnt);
        if !unasked.is_empty() {
            let cause = Cause::new(
                "the conversation or the time for it ended first",
                Reason::BudgetExhausted,
                "look again; give the look more time",
            );
            self.gap(&self.scope(""), &unasked.join(", "), &cause);
        }
    }

    /// Asks, tells the answers, and how much of the place they were.
    async fn question(
        &mut self,
        session: &mut Session<'_>,
        step: &Step,
        root: &Root,
        learnt: &mut Learnt,
    ) {
        let state = self.asked(session, step, root, learnt).await;
        self.sink
            .covered_now(self.window, &self.scope(step.name), state);
    }

    /// Asks, and tells the answers.
    async fn asked(
        &mut self,
        session: &mut Session<'_>,
        step: &Step,
        root: &Root,
        learnt: &mut Learnt,
    ) -> CoverageState {
        let scope = self.scope(step.name);
        let mut state = CoverageState::Complete;
        for base in step.base.names(root) {
            let query = Query {
                base: &base,
                scope: step.scope,
                filter: step.filter,
                attributes: step.attributes,
                rights: step.rights,
            };
            let room = self.budget.observations_max.saturating_sub(self.told);
            let mut left_out = 0_u64;
            let mut batch = Batch {
                sink: &mut self.sink,
                window: self.window,
                scope: &scope,
                told: 0,
            };
            let ended = session
                .ask(query, &mut |entry| {
                    (step.tell)(&entry, learnt);
                    left_out += batch.tell(learnt, room);
                })
                .await;
            self.told += batch.told;
            if step.scope == ldap3::Scope::Base && ended.entries == 0 && ended.trouble.is_none() {
                let hidden = Cause::new(
                    "the server shows it to other accounts only",
                    Reason::PermissionDenied,
                    "let the account read it, or ask as one that may",
                );
                self.gap(&scope, step.name, &hidden);
                state = CoverageState::Partial;
            }
            if left_out > 0 {
                let what = format!(
                    "{left_out} facts more than the {} this source may tell",
                    self.budget.observations_max
                );
                let cause = Cause::new(what, Reason::BudgetExhausted, "");
                self.gap(&scope, step.name, &cause);
                state = CoverageState::Partial;
            }
            if !self.ended(&scope, step, ended, root) {
                state = CoverageState::Partial;
            }
        }
        (step.after)(learnt);
        self.tell(&scope, learnt);
        if self.troubles(&scope, step.name, learnt) {
            state = CoverageState::Partial;
        }
        state
    }

    /// Says what could not be read of the answers; true if there was such a thing.
    fn troubles(&mut self, scope: &Scope, step: &str, learnt: &mut Learnt) -> bool {
        let troubles = std::mem::take(&mut learnt.troubles);
        troubles
            .iter()
            .for_each(|cause| self.gap(scope, step, cause));
        !troubles.is_empty()
    }

    /// Asks again and again, over the one conversation there is, as long as the look watches: who logs on and leaves is met
    /// more often then, and never surely. What is seen several times is told once, with first and last.
    async fn samples(
        &mut self,
        session: &mut Session<'_>,
        step: &Step,
        root: &Root,
        learnt: &mut Learnt,
    ) {
        let scope = self.scope(step.name);
        let limits = session.limits();
        let _ = self.asked(session, step, root, learnt).await;
        let counts = learnt.counts.clone();
        let mut connected = Connected::default();
        let first = std::mem::take(&mut learnt.connected);
        connected.met(first, self.window.now());
        let mut taken = 1_u32;
        while taken < limits.samples_max && self.waits(session, limits.sample).await {
            let mut facts = Vec::new();
            let trouble = self.sample(session, step, root, learnt, &mut facts).await;
            connected.met(facts, self.window.now());
            if let Some(cause) = trouble {
                self.gap(
                    &scope,
                    &format!("{} after {taken} looks", step.name),
                    &cause,
                );
                break;
            }
            taken += 1;
        }
        learnt.counts = counts;
        for (need, seen) in connected.told() {
            self.told += 1;
            self.sink.saw(Observation {
                scope: scope.clone(),
                fact: Fact::DirectoryNeed(need),
                seen,
            });
        }
        let how = match taken {
            1 => "one look at who is connected: whoever logs on and leaves is met by chance (watch for longer: --for)".to_owned(),
            _ => format!(
                "{taken} looks at who is connected, one every {} s: whoever logs on and leaves in between is not met",
                limits.sample.as_secs_f32()
            ),
        };
        self.sink.covered(Coverage {
            scope,
            state: CoverageState::Partial,
            from: self.window.started(),
            to: self.window.now(),
            how: Some(how),
        });
    }

    /// One more answer to a question that was asked before.
    async fn sample(
        &mut self,
        session: &mut Session<'_>,
        step: &Step,
        root: &Root,
        learnt: &mut Learnt,
        needs: &mut Vec<DirectoryNeed>,
    ) -> Option<Cause> {
        let mut trouble = None;
        for base in step.base.names(root) {
            let query = Query {
                base: &base,
                scope: step.scope,
                filter: step.filter,
                attributes: step.attributes,
                rights: false,
            };
            let ended = session
                .ask(query, &mut |entry| (step.tell)(&entry, learnt))
                .await;
            trouble = trouble.or(ended.trouble);
        }
        // A client with two connections is one client.
        let mut all: Vec<DirectoryNeed> = learnt
            .facts
            .drain(..)
            .filter_map(|fact| match fact {
                Fact::DirectoryNeed(need) => Some(need),
                _ => None,
            })
            .collect();
        all.sort();
        all.dedup();
        let room = self.budget.observations_max.saturating_sub(self.told);
        all.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        needs.append(&mut all);
        trouble
    }

    /// Waits for the next sample; false where the watch ends first, or somebody wants it to end.
    async fn waits(&self, session: &Session<'_>, length: Duration) -> bool {
        // The watch is the look's, not this question's: where others watched before, nothing of it is left.
        let millis = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let passed = self.window.now().millis() - self.window.started().millis();
        if passed.saturating_add(millis(length)) > millis(self.window.watch()) {
            return false;
        }
        let next = self.window.monotonic().saturating_add(length);
        while !session.is_over() {
            let left = next.saturating_sub(self.window.monotonic());
            if left.is_zero() {
                return true;
            }
            tokio::time::sleep(left.min(Duration::from_millis(200))).await;
        }
        false
    }

    /// Says what is missing; true if nothing is.
    fn ended(&mut self, scope: &Scope, step: &Step, ended: Ended, root: &Root) -> bool {
        let mut whole = true;
        if let Some(cause) = ended.trouble
            && !(step.optional && cause.reason == Reason::NotPresent)
        {
            whole = false;
            let is_monitor = step.name == open::CONNECTIONS && root.family == Family::OpenLdap;
            let cause = match is_monitor {
                true => cause.of_monitor(),
                false => cause,
            };
            let kept = match ended.entries {
                0 => step.name.to_owned(),
                kept => format!("{} beyond the {kept} objects that came", step.name),
            };
            self.gap(scope, &kept, &cause);
        }
        if ended.faulty > 0 {
            whole = false;
            let what = format!(
                "{} entries that are not built as LDAP says were left out",
                ended.faulty
            );
            self.gap(
                scope,
                step.name,
                &Cause::new(
                    what,
                    Reason::Malformed,
                    "see what stands between; tell the maker of the server",
                ),
            );
        }
        let elsewhere: BTreeSet<&str> = ended
            .referrals
            .iter()
            .map(String::as_str)
            .filter(|url| !root.keeps(url))
            .take(8)
            .collect();
        if !elsewhere.is_empty() {
            whole = false;
            let what = format!(
                "the server refers to {}, and referrals are not followed",
                elsewhere.into_iter().collect::<Vec<_>>().join(", ")
            );
            self.gap(
                scope,
                step.name,
                &Cause::new(
                    what,
                    Reason::Forbidden,
                    "name that server in the access file too, if it is yours",
                ),
            );
        }
        whole
    }

    fn tell(&mut self, scope: &Scope, learnt: &mut Learnt) {
        let room = self.budget.observations_max.saturating_sub(self.told);
        let mut batch = Batch {
            sink: &mut self.sink,
            window: self.window,
            scope,
            told: 0,
        };
        batch.tell(learnt, room);
        self.told += batch.told;
    }

    /// What waited for the names behind identifiers: rights on mailboxes, machines that may run as a managed account.
    async fn named(&mut self, session: &mut Session<'_>, root: &Root, learnt: &mut Learnt) {
        let asked: Vec<String> = std::mem::take(&mut learnt.asked_for).into_iter().collect();
        let scope = self.scope("names-of-accounts");
        let mut names = BTreeMap::new();
        let mut trouble = None;
        for some in asked.chunks(NAMES_AT_A_TIME).take(NAMES_ASKED_MAX) {
            let Some(base) = &root.domain else { break };
            let any: String = some
                .iter()
                .map(|sid| format!("(objectSid={sid})"))
                .collect();
            let query = Query {
                base,
                scope: ldap3::Scope::Subtree,
                filter: &format!("(|{any})"),
                attributes: ad::NAMED,
                rights: false,
            };
            let ended = session
                .ask(query, &mut |entry| names.extend(ad::named(&entry)))
                .await;
            trouble = trouble.or(ended.trouble);
        }
        ad::tell_named(&names, learnt);
        self.tell(&scope, learnt);
        if learnt.rights_left_out > 0 {
            let what = format!("rights on {} mailboxes more", learnt.rights_left_out);
            let cause = Cause::new("there are too many to keep", Reason::BudgetExhausted, "");
            self.gap(&scope, &what, &cause);
        }
        if let Some(cause) = &trouble {
            self.gap(&scope, "names behind identifiers", cause);
        }
        let whole = trouble.is_none()
            && learnt.rights_left_out == 0
            && asked.len() <= NAMES_AT_A_TIME * NAMES_ASKED_MAX;
        let state = match whole {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        if !asked.is_empty() {
            self.sink.covered_now(self.window, &scope, state);
        }
    }

    /// Who is behind the identifiers that machines let act for others.
    async fn trusted(&mut self, session: &mut Session<'_>, root: &Root, learnt: &mut Learnt) {
        let scope = self.scope("delegation");
        let asked = std::mem::take(&mut learnt.trusted_by);
        let Some(base) = root.domain.clone().filter(|_| !asked.is_empty()) else {
            return;
        };
        let mut whole = asked.len() <= TRUSTED_MAX;
        for (sid, towards) in asked
            .into_iter()
            .filter(|(sid, _)| ad::is_of_a_domain(sid))
            .take(TRUSTED_MAX)
        {
            let filter = format!("(objectSid={sid})");
            let query = Query {
                base: &base,
                scope: ldap3::Scope::Subtree,
                filter: &filter,
                attributes: ad::TRUSTED,
                rights: false,
            };
            let towards: Vec<_> = towards.into_iter().collect();
            let ended = session
                .ask(query, &mut |entry| ad::trusted(&entry, &towards, learnt))
                .await;
            whole &= ended.trouble.is_none();
        }
        self.tell(&scope, learnt);
        let state = if whole {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        };
        if !whole {
            self.gap(
                &scope,
                "who may act for others towards some machines",
                &Cause::new(
                    "not all of them could be looked up",
                    Reason::BudgetExhausted,
                    "",
                ),
            );
        }
        self.sink.covered_now(self.window, &scope, state);
    }
}

/// Facts on their way to the sink, within what may be told.
struct Batch<'a> {
    sink: &'a mut dyn Sink,
    window: &'a Window,
    scope: &'a Scope,
    told: u64,
}

impl Batch<'_> {
    /// Tells what was learnt, and returns how many facts there was no room for.
    fn tell(&mut self, learnt: &mut Learnt, room: u64) -> u64 {
        let mut left_out = 0;
        for fact in learnt.facts.drain(..) {
            if self.told >= room {
                left_out += 1;
                continue;
            }
            if let Fact::DirectoryNeed(need) = &fact
                && need.is_seen()
            {
                self.told += 1;
                learnt.connected.push(need.clone());
                continue;
            }
            self.told += 1;
            self.sink.saw_now(self.window, self.scope, fact);
        }
        left_out
    }
}

#[cfg(test)]
mod tests {
    use groma_model::{Peer, Port};

    use super::*;
    use crate::access::Way;

    #[test]
    fn notes_tell_directories_apart_that_differ_in_base_way_or_certificate() {
        let directory = |way: Way, trust: Trust, base: &str| {
            identity(&Directory {
                peer: Peer::parse("dc1.corp.example").unwrap(),
                port: Port(636),
                way,
                logon: Logon::Anonymous,
                trust,
                base: (!base.is_empty()).then(|| base.to_owned()),
            })
        };
        let all = [
            directory(Way::Tls, Trust::Fingerprint([1; 32]), "dc=a"),
            directory(Way::Tls, Trust::Fingerprint([1; 32]), "dc=b"),
            directory(Way::Tls, Trust::Fingerprint([1; 32]), ""),
            directory(Way::Tls, Trust::Fingerprint([2; 32]), "dc=a"),
            directory(Way::Tls, Trust::Authorities(vec![vec![1].into()]), "dc=a"),
            directory(Way::Tls, Trust::Authorities(vec![vec![2].into()]), "dc=a"),
            directory(Way::StartTls, Trust::Fingerprint([1; 32]), "dc=a"),
        ];
        let apart: BTreeSet<&String> = all.iter().collect();
        assert_eq!(apart.len(), all.len());
        assert!(
            all.iter()
                .all(|text| text.starts_with("directory dc1.corp.example:636 as nobody"))
        );
    }
}

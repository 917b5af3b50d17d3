//! The parent's side: waits until a deadline, and makes the best of what it heard.

use std::collections::BTreeSet;
use std::time::Duration;

use groma_model::batch::{Record, Said};
use groma_model::found::Spelling;
use groma_model::{Gap, Reason, Scope, SourceName};
use groma_source::Window;
use groma_sys::{Ending, Heard, OwnChild};

use super::ear::{Deaf, Ear};
use super::silence::Silence;
use super::words::{Order, ROLE, Sight};
use crate::compose::{LookRequest, Progress};

/// A source that keeps its own time ends before this; then its child is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one file or directory may take to answer.
const OPERATION_LIMIT: Duration = Duration::from_secs(30);
/// How often the parent asks whether it should stop.
const TICK: Duration = Duration::from_millis(400);
/// Besides observations, a source says gaps and coverage.
const RECORDS_PER_OBSERVATION_MAX: u64 = 3;

/// Sources that look apart, one after the other.
pub struct Group<'a> {
    /// Their names, as the program that is started again knows them.
    pub sources: Vec<SourceName>,
    /// What they look at.
    pub sight: Sight,
    /// How long each of them may take.
    pub source_limit: Duration,
    /// What is searched for, if anything is.
    pub spellings: &'a [Spelling],
    /// They contact nobody.
    pub offline: bool,
    /// What did not answer anybody of this look.
    pub silence: &'a Silence,
    /// The time given to the look.
    pub window: &'a Window,
    /// What the look may cost.
    pub request: &'a LookRequest,
    /// Told what begins and ends.
    pub progress: &'a dyn Progress,
}

/// What became of a group.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What each source said, in the order asked; with a gap at its end, if that is not everything.
    pub said: Vec<(SourceName, Vec<Record>)>,
    /// Lines the sources that came to their end want back at their next look.
    pub kept: Vec<(SourceName, Vec<String>)>,
    /// What the kernel could not be asked to keep the children from, in a few words each.
    pub lacking: BTreeSet<String>,
    /// True if this program cannot be started again, and so the rest has not looked.
    pub impossible: bool,
}

/// Lets a group of sources look in a child; and those behind one that ruined its child in another.
pub fn look(group: Group<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut ahead = group.sources.as_slice();
    while !ahead.is_empty() {
        let Some(heard) = group.one_child(ahead, &mut outcome) else {
            outcome.impossible = true;
            break;
        };
        // A child that died before its first source is that source's loss, so that this ends.
        let done = heard.len().max(1);
        ahead = ahead.get(done..).unwrap_or_default();
        outcome.said.extend(heard);
    }
    outcome
}

impl std::fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl Group<'_> {
    /// What the first of `sources` say, until one of them is the end of their child.
    fn one_child(
        &self,
        sources: &[SourceName],
        outcome: &mut Outcome,
    ) -> Option<Vec<(SourceName, Vec<Record>)>> {
        let child = self.start(sources)?;
        let most = self.request.budget.observations_max;
        let most = most.saturating_mul(RECORDS_PER_OBSERVATION_MAX);
        let mut ear = Ear::new(sources.to_vec(), most);
        let (trouble, ending) = self.listen(child, &mut ear);
        if self.sight == Sight::Events && ending != Ending::Code(0) {
            // It could not tidy up by itself.
            groma_sys::sweep_kernel_events();
        }
        outcome.lacking.extend(std::mem::take(&mut ear.lacking));
        if !ear.is_ready && matches!(ending, Ending::Code(_)) {
            return None;
        }
        if ear.heard.is_empty() {
            ear.heard.push(super::ear::Heard::default());
        }
        let heard = ear.heard.iter_mut().zip(sources);
        let whole = heard.filter(|(heard, _)| heard.is_done && heard.failed.is_none());
        let kept = whole.map(|(heard, source)| (source.clone(), std::mem::take(&mut heard.kept)));
        outcome.kept.extend(kept);
        let heard = ear.heard.into_iter().zip(sources);
        let all = heard.map(|(heard, source)| {
            let trouble = match (heard.failed, heard.is_done) {
                (Some(place), _) => Some(Trouble::Failed(place)),
                (None, true) => None,
                (None, false) => Some(trouble.clone().unwrap_or(Trouble::Died(ending))),
            };
            (source.clone(), told(source, heard.records, trouble))
        });
        Some(all.collect())
    }

    fn start(&self, sources: &[SourceName]) -> Option<OwnChild> {
        let remaining = self.window.remaining();
        let source_limit = remaining.min(self.source_limit);
        let order = Order {
            sources: sources.to_vec(),
            offline: self.offline,
            started: self.window.started(),
            watch: self.window.watch(),
            remaining,
            source_limit,
            operation_limit: OPERATION_LIMIT.min(source_limit),
            budget: self.request.budget,
            sight: self.sight,
            spellings: self.spellings.to_vec(),
            flows_at_most: self.request.flows_at_most.word().to_owned(),
            events: (self.request.events.iter())
                .map(|path| groma_source::disk::foreign(path))
                .collect(),
            captures: (self.request.captures.iter())
                .map(|path| groma_source::disk::foreign(path))
                .collect(),
            listen: self.request.listen.interfaces.clone(),
            promiscuous: self.request.listen.promiscuous,
            posts: (self.request.sentinel.posts.iter().cloned())
                .map(Into::into)
                .collect(),
            hasty: self.request.sentinel.hasty,
            memory: self.request.memory.clone(),
            silent: self.silence.places(),
        };
        let mut line = serde_json::to_vec(&order).ok()?;
        line.push(b'\n');
        let mut child = OwnChild::start(&[ROLE]).ok()?;
        if child.tell(&line).is_err() {
            child.end(Duration::ZERO);
            return None;
        }
        Some(child)
    }

    /// Listens until the child is done, dead, stuck or out of time.
    fn listen(&self, mut child: OwnChild, ear: &mut Ear) -> (Option<Trouble>, Ending) {
        let limit = self.window.remaining().min(self.source_limit);
        let deadline = limit.saturating_add(PATIENCE);
        let mut since = self.window.monotonic();
        let mut current = None;
        let trouble = loop {
            let passed = self.window.monotonic().saturating_sub(since);
            if passed >= deadline {
                break Some(Trouble::TooSlow(passed));
            }
            if self.request.stop.is_asked() {
                child.ask_to_end();
            }
            match child.listen(TICK.min(deadline.saturating_sub(passed))) {
                Ok(Heard::Nothing) => continue,
                Ok(Heard::End) | Err(_) => break None,
                Ok(Heard::Bytes(bytes)) => {
                    if let Err(deaf) = ear.hear(&bytes) {
                        break Some(Trouble::Deaf(deaf));
                    }
                }
            }
            if let Some((path, place)) = &ear.stuck {
                self.silence.heard_of(place);
                break Some(Trouble::Stuck(path.clone()));
            }
            if ear.is_done() {
                break None;
            }
            if current.as_ref() != ear.current() {
                self.tell_progress(current.as_ref(), ear.current());
                current = ear.current().cloned();
                since = self.window.monotonic();
            }
        };
        self.tell_progress(current.as_ref(), None);
        let patience = match &trouble {
            Some(_) => Duration::ZERO,
            None => PATIENCE,
        };
        (trouble, child.end(patience))
    }

    fn tell_progress(&self, ends: Option<&SourceName>, begins: Option<&SourceName>) {
        if let Some(source) = ends {
            self.progress.ends(source);
        }
        if let Some(source) = begins {
            self.progress.begins(source);
        }
    }
}

/// What a source said, as it counts after `trouble`.
pub(crate) fn told(
    source: &SourceName,
    mut records: Vec<Record>,
    trouble: Option<Trouble>,
) -> Vec<Record> {
    if let Some(trouble) = trouble {
        // Without any coverage said, nothing this source knows may count as removed.
        records.retain(|r| !matches!(r.said, Said::Covered(_)));
        records.push(Record {
            source: source.clone(),
            said: Said::Missed(trouble.gap(source)),
        });
    }
    records
}

/// Why a source did not say everything.
#[derive(Clone)]
pub(crate) enum Trouble {
    /// It did not end in time.
    TooSlow(Duration),
    /// The same within this process, where nobody can be ended.
    LeftBehind(Duration),
    /// One file does not answer.
    Stuck(String),
    /// Its child is not listened to any longer.
    Deaf(Deaf),
    /// It panicked, at this place; an empty one is not known.
    Failed(String),
    /// Its child came to an end of its own.
    Died(Ending),
}

/// Signals by the numbers every architecture we build for gives them (signal(7)).
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

const REPORT: &str = "report this as a bug of groma, with the version";

impl Trouble {
    fn gap(&self, source: &SourceName) -> Gap {
        let (why, reason, remedy) = self.words();
        Gap {
            scope: Scope::new("source", source.as_str()),
            what: format!("what {source} had not said yet: {why}"),
            reason,
            remedy: Some(remedy),
        }
    }

    fn words(&self) -> (String, Reason, String) {
        let bug = || Reason::Unknown("bug".to_owned());
        match self {
            Self::TooSlow(passed) => (
                format!(
                    "it was not done after {} s, and was ended",
                    passed.as_secs()
                ),
                Reason::TimedOut,
                "give the look more time (--deadline)".to_owned(),
            ),
            Self::LeftBehind(passed) => (
                format!(
                    "it was not done after {} s, and was left behind",
                    passed.as_secs()
                ),
                Reason::TimedOut,
                "give the look more time (--deadline)".to_owned(),
            ),
            Self::Stuck(path) => (
                format!("{path} did not answer, and it was ended"),
                Reason::TimedOut,
                format!("see why reading {path} hangs; then look again"),
            ),
            Self::Deaf(Deaf::TooMuch) => (
                "it said more than its budget allows, and was ended".to_owned(),
                Reason::BudgetExhausted,
                "allow a larger budget".to_owned(),
            ),
            Self::Deaf(Deaf::Nonsense) => (
                "it failed inside (its words made no sense)".to_owned(),
                bug(),
                REPORT.to_owned(),
            ),
            Self::Failed(place) if place.is_empty() => {
                ("it failed inside".to_owned(), bug(), REPORT.to_owned())
            }
            Self::Failed(place) => (
                format!("it failed inside ({place})"),
                bug(),
                REPORT.to_owned(),
            ),
            Self::Died(Ending::Signal(SIGXCPU)) => (
                "it used up its processor time, and was ended".to_owned(),
                Reason::BudgetExhausted,
                "give the look more time (--deadline)".to_owned(),
            ),
            Self::Died(ending) => (
                format!("it failed inside ({})", died(*ending)),
                bug(),
                REPORT.to_owned(),
            ),
        }
    }
}

fn died(ending: Ending) -> String {
    match ending {
        Ending::Signal(SIGKILL) => "killed: most often, the machine ran out of memory".to_owned(),
        Ending::Signal(SIGABRT) => "it gave up: no memory, or nested too deep".to_owned(),
        Ending::Signal(SIGSEGV) => "nested too deep".to_owned(),
        Ending::Signal(signal) => format!("signal {signal}"),
        Ending::Code(code) => format!("exit code {code}"),
        Ending::Stuck => "stuck in the kernel".to_owned(),
    }
}

//! The agents: each with an identity of its own and the way to the collector that real agents have.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use groma_model::Timestamp;
use groma_model::fleet::{AgentHost, AgentStatus};
use groma_ship::{AddressesAlone, Identity, Key, Link, LinkError};
use groma_wire::talk::Beat;

use crate::Outcome;
use crate::facts::{Host, Kind, Report};
use crate::server::Server;

/// Batches that were acknowledged, of all agents.
pub(crate) static ACKNOWLEDGED: AtomicU64 = AtomicU64::new(0);

/// Threads that enrol.
const ENROLLING: usize = 8;

/// Answers that were none, by their words.
pub(crate) type Failures = BTreeMap<String, u64>;

pub(crate) struct Agent {
    identity: Identity,
    link: Link,
    machine: AgentHost,
    run: u64,
    policy: u64,
    host: Host,
    /// What is ready to be sent.
    ready: VecDeque<Report>,
    /// True if reports are made ready as what is new in them too, and the collector holds the one before.
    writes_patches: bool,
    has_base: Cell<bool>,
}

impl Agent {
    fn enrol(server: &Server, number: u32, connections: usize) -> Outcome<Self> {
        let machine = AgentHost {
            name: format!("host{number}.corp.example"),
            system: "Debian GNU/Linux 12".to_owned(),
            fingerprint: format!(
                "{:064x}",
                u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let identity = Link::enrol(
            &server.url,
            &server.token,
            &Key::generate()?,
            machine.clone(),
            Arc::new(AddressesAlone),
        )?;
        Ok(Self {
            link: Link::of(&identity, Arc::new(AddressesAlone))?,
            identity,
            machine,
            run: u64::from(number) + 1,
            policy: 0,
            host: Host::new(number, connections, now()),
            ready: VecDeque::new(),
            writes_patches: false,
            has_base: Cell::new(false),
        })
    }

    /// From now on reports are sent as what is new in them, as agents do.
    pub(crate) fn write_patches(&mut self) {
        self.writes_patches = true;
    }

    /// Sees to it that so many reports are ready to be sent.
    pub(crate) fn prepare(&mut self, kind: Kind, reports: usize) -> Outcome<()> {
        while self.ready.len() < reports {
            let report = match self.writes_patches {
                true => self.host.report_against(kind, &self.identity)?,
                false => self.host.report(kind, &self.identity)?,
            };
            self.ready.push_back(report);
        }
        Ok(())
    }

    /// The next report that is ready.
    pub(crate) fn next(&mut self) -> Option<Report> {
        self.ready.pop_front()
    }

    pub(crate) fn beat(&mut self) -> Result<(), LinkError> {
        let beaten = self.link.beat(&Beat {
            run: self.run,
            host: self.machine.clone(),
            status: AgentStatus::default(),
            policy: self.policy,
            now: now(),
        })?;
        self.policy = beaten.policy.map_or(self.policy, |policy| policy.version);
        Ok(())
    }

    /// Sends a report; when this returns it is durable at the collector, and was not before. Says how many bytes it took.
    pub(crate) fn send(&self, report: &Report) -> Result<usize, LinkError> {
        let patch = report.patch.as_ref().filter(|_| self.has_base.get());
        let (bytes, base) = match patch {
            Some((patch, base)) => (patch, Some(base.as_str())),
            None => (&report.bytes, None),
        };
        let kept = self.link.send(self.run, bytes, base)?;
        self.has_base.set(kept.base);
        ACKNOWLEDGED.fetch_add(1, Ordering::Relaxed);
        match kept.sequence == report.sequence && !kept.again {
            true => Ok(bytes.len()),
            false => Err(LinkError::Nonsense(
                "another batch was acknowledged".to_owned(),
            )),
        }
    }

    /// Ends its connection; the next word opens one.
    pub(crate) fn hang_up(&mut self) -> Result<(), LinkError> {
        self.link = Link::of(&self.identity, Arc::new(AddressesAlone))?;
        Ok(())
    }

    /// Says that it is there and sends what is ready; waits as long as it is told to, and counts how often.
    pub(crate) fn introduce(&mut self, failures: &mut Failures) -> Outcome<()> {
        self.until_taken(failures, Self::beat)?;
        while let Some(report) = self.next() {
            self.until_taken(failures, |agent| agent.send(&report).map(drop))?;
        }
        Ok(())
    }

    /// Says one thing until it is taken.
    pub(crate) fn until_taken(
        &mut self,
        failures: &mut Failures,
        mut say: impl FnMut(&mut Self) -> Result<(), LinkError>,
    ) -> Outcome<()> {
        while let Err(error) = say(self) {
            failed(failures, &error);
            std::thread::sleep(error.wait().ok_or(error)?);
        }
        Ok(())
    }
}

/// Enrols so many agents that see so many connections each.
pub(crate) fn enrol(server: &Server, agents: usize, connections: usize) -> Outcome<Vec<Agent>> {
    let begin = u32::try_from(server.number("groma_enrolled_total ")?)?;
    let numbers: Vec<u32> = (begin..).take(agents).collect();
    let enrolled = in_threads(numbers, ENROLLING, |numbers| {
        let agents = numbers.into_iter();
        agents
            .map(|number| Agent::enrol(server, number, connections))
            .collect::<Outcome<Vec<_>>>()
    })?;
    Ok(enrolled.into_iter().flatten().collect())
}

/// Does `work` on all of `things` in so many threads, each with every so-many-th of them.
pub(crate) fn in_threads<In: Send, Out: Send>(
    things: Vec<In>,
    threads: usize,
    work: impl Fn(Vec<In>) -> Outcome<Out> + Sync,
) -> Outcome<Vec<Out>> {
    let mut shares: Vec<Vec<In>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, thing) in things.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(at % threads) {
            share.push(thing);
        }
    }
    shares.retain(|share| !share.is_empty());
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || work(share)))
            .collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.map(|done| done.map_err(|_| "a thread panicked")?)
            .collect()
    })
}

/// Counts an answer that was none, under a word that does not name whom.
pub(crate) fn failed(failures: &mut Failures, error: &LinkError) {
    let word = match error {
        LinkError::Refused { word, .. } => format!("refused: {word:?}"),
        other => other.to_string(),
    };
    *failures.entry(word).or_default() += 1;
}

/// Failures of several as one.
pub(crate) fn together<'f>(all: impl IntoIterator<Item = &'f Failures>) -> Failures {
    let mut whole = Failures::new();
    for (word, count) in all.into_iter().flatten() {
        *whole.entry(word.clone()).or_default() += count;
    }
    whole
}

/// All of `times` but so many of hundred are shorter than this.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(at).copied().unwrap_or_default()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis().try_into().unwrap_or(0)))
}

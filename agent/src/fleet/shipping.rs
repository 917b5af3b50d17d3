//! What waits in the spool goes to the collector, and what the collector says is heeded. One step at a time, without a socket or a clock of its
//! own, so that seven days without a collector pass in a test within a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use groma_model::fleet::{AgentHost, AgentStatus, Policy, RefusalWord};
use groma_model::{BatchHeader, Timestamp};
use groma_ship::pace::{LONGEST, Pace};
use groma_ship::{Identity, LinkError};
use groma_source::World;
use groma_spool::{Body, Frame, Spool};
use groma_wire::Limits;
use groma_wire::talk::{Beat, Beaten, Kept};

use super::batches::{encoded, gap_of_refused, is_sound, telling};
use super::bounds::within_bounds;
use super::former::{Former, goes_whole, may_be_its_fault};
use super::home::{Doing, Home};
use super::host::this_host;
use super::travelling::{Sender, Travels, header_of};

/// Nobody is asked for a certificate more often.
const REJOIN_EVERY: Duration = Duration::from_secs(300);
/// A renewal that failed is tried again after this time; there are twelve hours for it.
const RENEW_EVERY: Duration = Duration::from_secs(300);
/// No collector makes this machine take one new key after the other.
const SPLIT_EVERY: Duration = Duration::from_secs(600);
/// Who was revoked asks whether that still holds.
const REVOKED_EVERY: Duration = Duration::from_secs(3600);
/// At most so many bytes a second leave this machine in the long run.
const BYTES_PER_SECOND: u64 = 2 << 20;
/// New frames are noticed within this time.
const TICK: Duration = Duration::from_secs(2);
/// This machine is looked at for its fingerprint no more often.
const HOST_EVERY: Duration = Duration::from_secs(900);
/// How it goes is written down no more often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The way to the collector: a link, or a made-up one in a test.
pub(crate) trait Way {
    fn beat(&mut self, beat: &Beat) -> Result<Beaten, LinkError>;
    /// A batch; or what is new in it against the text of this name.
    fn send(&mut self, run: u64, batch: &[u8], base: Option<&str>) -> Result<Kept, LinkError>;
    fn renew(&mut self, identity: &Identity) -> Result<Identity, LinkError>;
    fn rejoin(&mut self, identity: &Identity) -> Result<Identity, LinkError>;
    fn split(&mut self, run: u64) -> Result<Identity, LinkError>;
    /// From now on as this one.
    fn become_one(&mut self, identity: &Identity) -> Result<(), LinkError>;
}

/// What looking and shipping both know.
pub(crate) struct Common {
    pub(crate) spool: Mutex<Spool>,
    pub(crate) identity: Mutex<Identity>,
    pub(crate) policy: Mutex<Policy>,
    /// What the looking side says of itself.
    pub(crate) looked: Mutex<Looked>,
    /// The collector's clock as it was at a moment of our own that only goes forward.
    pub(crate) clock: Mutex<Option<(Timestamp, Duration)>>,
    pub(crate) run: u64,
    /// The number of the next batch of this run.
    pub(crate) next_sequence: Mutex<u64>,
    /// When looks of this run ended, on the clock that only goes forward.
    pub(crate) ended: Mutex<BTreeMap<u64, Duration>>,
    /// Held from the moment a batch gets its number until it lies in the spool: numbers lie there in order.
    pub(crate) keeping: Mutex<()>,
}

/// What the looking side says of itself.
#[derive(Clone, Default)]
pub(crate) struct Looked {
    pub(crate) at: Option<Timestamp>,
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) trouble: Option<String>,
    /// Why nobody stands sentinel, where somebody should.
    pub(crate) standing: Option<String>,
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Common {
    /// The collector's clock now; our own before it ever answered.
    pub(crate) fn now(&self, world: &World) -> Timestamp {
        match *held(&self.clock) {
            Some((then, at)) => then.plus(world.clock.monotonic().saturating_sub(at)),
            None => world.clock.now(),
        }
    }
}

/// What became of the oldest frame.
enum Shipped {
    /// There is none.
    Nothing,
    /// It is gone, and took so many bytes.
    Bytes(u64),
    /// The spool could not do its part; later.
    Stuck,
}

/// The shipping side.
pub(crate) struct Shipper<W: Way> {
    way: W,
    world: World,
    home: Home,
    common: Arc<Common>,
    pace: Pace,
    /// When the next beat is due, on the clock that only goes forward.
    beat_due: Duration,
    rejoin_after: Duration,
    renew_after: Duration,
    /// The collector asked us to take the next certificate before it is time.
    asked_to_renew: bool,
    /// The identity that is used could not be written down yet.
    is_unkept: bool,
    split_after: Duration,
    /// How far the collector's clock is ahead of ours.
    clock_off_ms: i64,
    spool_pace: Pace,
    takes: bool,
    answered_at: Option<Timestamp>,
    trouble: Option<String>,
    /// What the step before met: the next beat tells the collector.
    former_trouble: Option<String>,
    /// The frame that was last tried: what the collector has already, it has from us.
    tried: Option<(u64, u64)>,
    former: Former,
    told: Option<(Duration, Option<String>)>,
    /// The machine, and when it was looked at.
    host: Option<(Duration, AgentHost)>,
}

impl<W: Way> Shipper<W> {
    pub(crate) fn new(way: W, world: World, home: Home, common: Arc<Common>) -> Self {
        Self {
            way,
            world,
            home,
            common,
            pace: Pace::default(),
            beat_due: Duration::ZERO,
            rejoin_after: Duration::ZERO,
            renew_after: Duration::ZERO,
            asked_to_renew: false,
            is_unkept: false,
            split_after: Duration::ZERO,
            clock_off_ms: 0,
            spool_pace: Pace::default(),
            takes: false,
            answered_at: None,
            trouble: None,
            former_trouble: None,
            tried: None,
            former: Former::default(),
            told: None,
            host: None,
        }
    }

    /// Does what is due, and says how long to wait for the next.
    pub(crate) fn step(&mut self) -> Duration {
        self.former_trouble = self.trouble.take();
        let waits = match self.turn() {
            Ok(waits) => {
                self.pace.succeeded();
                waits
            }
            Err(error) => self.after(&error),
        };
        self.tell();
        waits
    }

    fn turn(&mut self) -> Result<Duration, LinkError> {
        self.renew_if_due();
        if self.beat_due <= self.monotonic() {
            self.beat()?;
        }
        let idle = self.beat_due.saturating_sub(self.monotonic()).min(TICK);
        if !self.takes {
            return Ok(idle);
        }
        Ok(match self.ship_one()? {
            Shipped::Nothing => idle,
            Shipped::Bytes(sent) => {
                self.spool_pace.succeeded();
                Duration::from_millis(sent.saturating_mul(1000) / BYTES_PER_SECOND)
            }
            Shipped::Stuck => {
                let random = self.random();
                self.spool_pace.failed(None, random)
            }
        })
    }

    fn monotonic(&self) -> Duration {
        self.world.clock.monotonic()
    }

    /// There is half of a certificate's life to get the next one, so a failure stops nothing else.
    fn renew_if_due(&mut self) {
        let identity = held(&self.common.identity).clone();
        let is_known = held(&self.common.clock).is_some();
        let is_due = is_known
            && (self.asked_to_renew || self.common.now(&self.world) >= identity.renew_at)
            && self.monotonic() >= self.renew_after;
        if !is_due {
            return;
        }
        self.renew_after = self.monotonic().saturating_add(RENEW_EVERY);
        // The one we have is good for hours: what cannot be written down is not shown either, or we would be believed to have it after a restart.
        let can_wait = self.common.now(&self.world) < identity.renew_at;
        let renewed = self.way.renew(&identity).and_then(|next| match can_wait {
            true => self.becomes_the_next(next),
            false => self.goes_on(next),
        });
        match renewed {
            // One that is still not what the collector wants is asked for again, at its next word.
            Ok(()) => self.asked_to_renew = false,
            Err(error) => self.trouble = Some(format!("renew the certificate: {error}")),
        }
    }

    /// A new certificate over the key we have: it is used, whether or not it could be written down.
    fn goes_on(&mut self, identity: Identity) -> Result<(), LinkError> {
        // What cannot be used is not written down either.
        self.way.become_one(&identity)?;
        *held(&self.common.identity) = identity;
        self.is_unkept = true;
        self.keep_it();
        Ok(())
    }

    /// As [`Shipper::goes_on`], for one that is written down or not used.
    fn becomes_the_next(&mut self, identity: Identity) -> Result<(), LinkError> {
        self.way.become_one(&identity)?;
        if let Err(error) = self.home.keep_identity(&identity) {
            let former = held(&self.common.identity).clone();
            self.way.become_one(&former)?;
            return Err(LinkError::Identity(format!("{error:#}")));
        }
        *held(&self.common.identity) = identity;
        self.is_unkept = false;
        Ok(())
    }

    /// Writes down the identity that is used, if that is still to be done.
    fn keep_it(&mut self) {
        if !self.is_unkept {
            return;
        }
        let identity = held(&self.common.identity).clone();
        match self.home.keep_identity(&identity) {
            Ok(()) => self.is_unkept = false,
            Err(error) => self.trouble = Some(format!("{error:#}")),
        }
    }

    fn becomes(&mut self, identity: Identity) -> Result<(), LinkError> {
        // On the disk before it is used: a crash must not lose the only copy of a new key.
        self.home
            .keep_identity(&identity)
            .map_err(|error| LinkError::Identity(format!("{error:#}")))?;
        self.way.become_one(&identity)?;
        // Another agent has no batch before.
        self.former.forget();
        *held(&self.common.identity) = identity;
        Ok(())
    }

    fn beat(&mut self) -> Result<(), LinkError> {
        self.keep_it();
        let policy = held(&self.common.policy).clone();
        let beat = Beat {
            run: self.common.run,
            host: self.host(),
            status: self.status(),
            policy: policy.version,
            now: self.world.clock.now(),
        };
        let beaten = self.way.beat(&beat)?;
        *held(&self.common.clock) = Some((beaten.now, self.monotonic()));
        let own = self.world.clock.now().millis();
        self.clock_off_ms = beaten.now.millis().saturating_sub(own);
        self.answered_at = Some(beaten.now);
        self.takes = beaten.takes;
        if let Some(authorities) = beaten.authorities {
            self.believe(authorities);
        }
        self.asked_to_renew = beaten.renew;
        let policy = match beaten.policy {
            Some(policy) => self.obey(policy),
            None => policy,
        };
        self.beat_due = self
            .monotonic()
            .saturating_add(Duration::from_secs(within_bounds(&policy).beat_every_s));
        Ok(())
    }

    /// The collector says whom to believe from now on, on a connection to the collector we believe: the next authority, or one less.
    fn believe(&mut self, authorities: String) {
        let identity = Identity {
            authorities,
            ..held(&self.common.identity).clone()
        };
        if let Err(error) = self.goes_on(identity) {
            self.trouble = Some(format!("believe other authorities: {error}"));
        }
    }

    /// The machine, looked at anew now and then: a card may have been changed while we run.
    fn host(&mut self) -> AgentHost {
        let now = self.monotonic();
        match &self.host {
            Some((at, host)) if now.saturating_sub(*at) < HOST_EVERY => host.clone(),
            _ => {
                let host = this_host();
                self.host = Some((now, host.clone()));
                host
            }
        }
    }

    fn obey(&mut self, policy: Policy) -> Policy {
        // Not kept is asked for again after the next start.
        let _ = self.home.keep_policy(&policy);
        held(&self.common.policy).clone_from(&policy);
        policy
    }

    /// Sends the oldest frame and frees it.
    fn ship_one(&mut self) -> Result<Shipped, LinkError> {
        let oldest = held(&self.common.spool).oldest();
        let frame = match oldest {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(Shipped::Nothing),
            Err(error) => {
                self.trouble = Some(format!("read the spool: {error}"));
                return Ok(Shipped::Stuck);
            }
        };
        let number = (frame.epoch, frame.sequence);
        let bytes = self.travelling(&frame)?;
        let is_first_try = self.tried.replace(number) != Some(number);
        let (sent, answer) = self.send(&bytes);
        let is_done = match answer {
            Ok(kept) if kept.again && is_first_try && frame.epoch == self.common.run => {
                self.was_put_back(&frame)
            }
            Ok(_) => self.free(&frame),
            Err(error) if is_final(&error) => self.tell_refused(&frame, &error),
            Err(error) => return Err(error),
        };
        if !is_done {
            // What is tried again is a first try: nothing is known of it.
            self.tried = None;
            return Ok(Shipped::Stuck);
        }
        Ok(Shipped::Bytes(u64::try_from(sent).unwrap_or(u64::MAX)))
    }

    /// Sends a batch as what is new in it where that is less, and at once as a whole if it is not taken so. How many bytes went, and the answer.
    fn send(&mut self, frame: &[u8]) -> (usize, Result<Kept, LinkError>) {
        let run = self.common.run;
        let mut sent = 0;
        let mut answer = None;
        if let Some(patch) = self.former.against(frame) {
            sent = patch.bytes.len();
            let told = self.way.send(run, &patch.bytes, Some(&patch.base));
            if told.as_ref().is_err_and(may_be_its_fault) {
                self.former.forget();
            }
            if told.as_ref().is_err_and(goes_whole) {
                self.former.forget();
            } else {
                answer = Some(told);
            }
        }
        let answer = answer.unwrap_or_else(|| {
            sent += frame.len();
            self.way.send(run, frame, None)
        });
        if let Ok(kept) = &answer {
            self.former.kept(frame, kept.base);
        }
        (sent, answer)
    }

    /// The bytes of a frame as they travel.
    fn travelling(&self, frame: &Frame) -> Result<Vec<u8>, LinkError> {
        let identity = held(&self.common.identity).clone();
        let now = self.common.now(&self.world);
        let sender = Sender {
            identity: &identity,
            run: Some(self.common.run),
            now,
        };
        match sender.travels(frame, self.really_ended(frame, now)) {
            Travels::AsKept(_, bytes) => Ok(bytes.to_vec()),
            Travels::InPlace(batch) => {
                encoded(&batch).map_err(|e| LinkError::Nonsense(e.to_string()))
            }
        }
    }

    /// When a look of this run ended, by the collector's clock.
    fn really_ended(&self, frame: &Frame, now: Timestamp) -> Option<Timestamp> {
        // A clock that agrees with the collector's is believed: the other one stops while a machine sleeps.
        if frame.epoch != self.common.run || is_sound(self.clock_off_ms) {
            return None;
        }
        let ended = held(&self.common.ended).get(&frame.sequence).copied()?;
        let ago = self.monotonic().saturating_sub(ended);
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        Some(Timestamp::from_millis(now.millis().saturating_sub(ago)))
    }

    /// False if it could not be freed.
    fn free(&mut self, frame: &Frame) -> bool {
        if frame.epoch == self.common.run {
            held(&self.common.ended).remove(&frame.sequence);
        }
        let freed = held(&self.common.spool).free_through(frame.epoch, frame.sequence);
        match freed {
            Ok(_) => true,
            Err(error) => {
                // It is sent again, which does no harm.
                self.trouble = Some(format!("free what was sent: {error}"));
                false
            }
        }
    }

    /// The collector has a batch of this number that we never sent: this machine was put back in time, and the number stands for something
    /// else there. The same goes under a new number.
    fn was_put_back(&mut self, frame: &Frame) -> bool {
        let Body::Payload(bytes) = &frame.body else {
            return self.free(frame);
        };
        let Ok(mut batch) = groma_wire::decode(&mut bytes.as_slice(), &Limits::local()) else {
            return self.free(frame);
        };
        let (epoch, sequence) = (fresh_epoch(&self.world), 1);
        batch.header.epoch = epoch;
        batch.header.sequence = sequence;
        let bytes = encoded(&batch).ok();
        self.append(bytes, (epoch, sequence)) && self.free(frame)
    }

    fn append(&mut self, bytes: Option<Vec<u8>>, (epoch, sequence): (u64, u64)) -> bool {
        let Some(bytes) = bytes else {
            return false;
        };
        let kept = held(&self.common.spool).append(epoch, sequence, &bytes);
        if let Err(error) = &kept {
            self.trouble = Some(error.to_string());
        }
        kept.is_ok()
    }

    /// Nothing that was seen goes away without a word: in its place goes what the collector said.
    fn tell_refused(&mut self, frame: &Frame, error: &LinkError) -> bool {
        let header = match &frame.body {
            Body::Payload(bytes) => header_of(bytes),
            _ => None,
        };
        let is_ours_to_tell = header.as_ref().is_some_and(|header| !is_telling(header));
        if !is_ours_to_tell {
            return self.free(frame);
        }
        let gap = gap_of_refused(header.as_ref(), &error.to_string());
        let identity = held(&self.common.identity).clone();
        let number = (fresh_epoch(&self.world), 1);
        let told = telling(&identity, number, self.common.now(&self.world), gap);
        self.append(encoded(&told).ok(), number) && self.free(frame)
    }

    /// What helps against a failure, and how long to wait.
    fn after(&mut self, error: &LinkError) -> Duration {
        self.trouble = Some(error.to_string());
        match error {
            LinkError::Lapsed(_) => self.come_back(),
            LinkError::Refused {
                word: RefusalWord::Copy,
                ..
            } => self.be_another(),
            LinkError::Refused {
                word: RefusalWord::Revoked,
                ..
            } => {
                self.takes = false;
                REVOKED_EVERY
            }
            _ => {
                if error.word() == Some(RefusalWord::Held)
                    || error.word() == Some(RefusalWord::Waiting)
                {
                    // Our word may have been lost with a collector's database: say again that we are there.
                    self.beat_due = Duration::ZERO;
                }
                self.wait(error.wait())
            }
        }
    }

    fn wait(&mut self, at_least: Option<Duration>) -> Duration {
        let random = self.random();
        self.pace.failed(at_least, random)
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.world.randomness.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Our certificate lapsed while we were away: the key is still ours.
    fn come_back(&mut self) -> Duration {
        if self.monotonic() < self.rejoin_after {
            return self.wait(None);
        }
        self.rejoin_after = self.monotonic().saturating_add(REJOIN_EVERY);
        let identity = held(&self.common.identity).clone();
        match self
            .way
            .rejoin(&identity)
            .and_then(|next| self.goes_on(next))
        {
            Ok(()) => Duration::ZERO,
            Err(error) => {
                self.trouble = Some(error.to_string());
                self.wait(error.wait())
            }
        }
    }

    /// Two machines have one key, and this one has to take another.
    fn be_another(&mut self) -> Duration {
        self.beat_due = Duration::ZERO;
        if self.monotonic() < self.split_after {
            return self.wait(None);
        }
        self.split_after = self.monotonic().saturating_add(SPLIT_EVERY);
        let before = held(&self.common.identity).agent.clone();
        let split = self.way.split(self.common.run).and_then(|next| {
            self.becomes(Identity {
                copied_from: Some(before),
                ..next
            })
        });
        match split {
            Ok(()) => {
                self.trouble = None;
                Duration::from_millis(200)
            }
            Err(error) => {
                // Asked again at the next beat that says so.
                self.split_after = Duration::ZERO;
                self.trouble = Some(error.to_string());
                self.wait(error.wait())
            }
        }
    }

    fn status(&self) -> AgentStatus {
        let spool = held(&self.common.spool).status();
        let looked = held(&self.common.looked).clone();
        AgentStatus {
            spool_batches: spool.frames,
            spool_bytes: spool.bytes,
            spool_losses: spool.losses.values().map(|count| count.losses).sum(),
            looked_at: looked.at,
            trouble: looked
                .trouble
                .or(looked.standing)
                .or_else(|| self.trouble.clone())
                .or_else(|| self.former_trouble.clone()),
            believes: held(&self.common.identity).believes(),
        }
    }

    /// Writes down how it goes, for `groma-agent status`.
    fn tell(&mut self) {
        let at = self.monotonic();
        let is_news = self.told.as_ref().is_none_or(|(then, trouble)| {
            at.saturating_sub(*then) >= TELL_EVERY || *trouble != self.trouble
        });
        if !is_news {
            return;
        }
        self.told = Some((at, self.trouble.clone()));
        let now = self.common.now(&self.world);
        let behind = now.millis().saturating_sub(self.world.clock.now().millis());
        let doing = Doing {
            at: Some(self.world.clock.now()),
            process: std::process::id(),
            status: self.status(),
            answered_at: self.answered_at,
            takes: self.takes,
            next_look_at: held(&self.common.looked).next_at,
            clock_behind_s: behind / 1000,
        };
        // A full disk is told by the spool; this is a view.
        let _ = self.home.keep_doing(&doing);
    }

    /// How long the longest wait is, for whoever waits with an eye on the door.
    pub(crate) fn longest() -> Duration {
        REVOKED_EVERY.max(LONGEST * 4)
    }
}

/// A number for a run: random, and small enough to be exact in every reader of JSON.
pub(crate) fn fresh_epoch(world: &World) -> u64 {
    let mut bytes = [0; 8];
    world.randomness.fill(&mut bytes);
    (u64::from_le_bytes(bytes) >> 12).max(2)
}

fn is_telling(header: &BatchHeader) -> bool {
    header
        .sources
        .iter()
        .all(|source| source.as_str() == super::batches::SPOOL_SOURCE)
}

/// True if this batch will never be taken, however often it is sent.
fn is_final(error: &LinkError) -> bool {
    use RefusalWord as W;
    matches!(
        error.word(),
        Some(W::Malformed | W::TooLarge | W::NotYours | W::Clock)
    )
}

#[cfg(test)]
mod tests;

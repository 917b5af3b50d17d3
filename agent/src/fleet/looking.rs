//! The looking side: a look on a schedule, into the spool.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use groma_model::Batch;
use groma_model::fleet::{Policy, SweepWish};
use groma_ship::Link;
use groma_source::{Stop, World};
use groma_source_packet::sentinel::{NAME as SENTINEL, Standing};
use groma_source_sweep::Plan;
use groma_wire::Limits;
use groma_wire::talk::LeaseAsked;

use super::batches::{Packed, pack};
use super::bounds::within_bounds;
use super::home::Home;
use super::shipping::{Common, held};
use crate::compose::{LookRequest, Quiet, look};
use crate::machine::collector_names;
use crate::memory::memory_in;
use crate::sentinel::{self, Asked};
use crate::sweep::SweepArgs;

/// The first look comes so soon after the start, at a random moment.
const FIRST_WITHIN: Duration = Duration::from_secs(20);
/// A full disk is tried again after this time.
const RETRY: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(500);
/// A share of packets lasts no longer.
const LEASE_MAX_S: u64 = 6 * 3600;
/// Who may be asked, and as whom; it belongs to root, as the ceiling file does.
#[cfg(not(windows))]
const ACCESS: &str = "/etc/groma/access.toml";
/// The same on Windows.
#[cfg(windows)]
const ACCESS: &str = r"C:\ProgramData\groma\access.toml";

/// How long one look of a sentinel lasts: so much silence is told at a time, and a new caller ends it early.
const STANDS: Duration = Duration::from_secs(600);
/// The first one is short, so that whoever set it up sees soon that somebody stands there.
const STANDS_FIRST: Duration = Duration::from_secs(15);
/// Who stands there and with which addresses, told along.
const STANDING: [&str; 3] = [SENTINEL, "host.system", "host.network"];
/// So soon it is tried again where it cannot stand.
const STANDS_AGAIN: Duration = Duration::from_secs(30);

/// The looking side.
#[derive(Clone)]
pub(crate) struct Looker {
    pub(crate) common: Arc<Common>,
    pub(crate) home: Home,
    pub(crate) world: World,
    pub(crate) stop: Stop,
    /// True if every source looks in a process of its own: only a program whose `main` serves that role may say so.
    pub(crate) apart: bool,
    /// How often, if whoever started this agent says so.
    pub(crate) every: Option<Duration>,
}

impl Looker {
    /// Looks again and again until somebody says stop.
    pub(crate) fn run(&self) {
        let mut waits = self.random_within(self.every.unwrap_or(FIRST_WITHIN).min(FIRST_WITHIN));
        loop {
            self.say_next(waits);
            if !self.wait(waits) {
                return;
            }
            let begun = self.world.clock.monotonic();
            self.look_once();
            let every = self
                .every
                .unwrap_or_else(|| Duration::from_secs(self.policy().look_every_s));
            let passed = self.world.clock.monotonic().saturating_sub(begun);
            // A tenth of chance, so that a fleet that was started together does not look together for ever.
            waits = every
                .saturating_sub(passed)
                .saturating_sub(self.random_within(every / 10))
                .max(every / 2);
        }
    }

    fn policy(&self) -> Policy {
        within_bounds(&held(&self.common.policy))
    }

    fn look_once(&self) {
        let (batch, trouble) = self.seen();
        let ended = self.world.clock.monotonic();
        let end = self.common.now(&self.world);
        let trouble = self.numbered_and_kept(batch, ended, trouble);
        let mut looked = held(&self.common.looked);
        looked.at = Some(end);
        looked.trouble = trouble;
    }

    /// Stands sentinel until somebody says stop, one look after the other.
    pub(crate) fn stand(&self, asked: &[Asked]) {
        let mut lasts = STANDS_FIRST;
        while !self.stop.is_asked() {
            let waits = match sentinel::standing(asked, &self.world, self.apart) {
                Ok(standing) => {
                    let waits = self.stand_once(standing, lasts);
                    lasts = STANDS;
                    waits
                }
                Err(refusal) => {
                    held(&self.common.looked).standing = Some(refusal.to_string());
                    STANDS_AGAIN
                }
            };
            if !self.wait(waits) {
                return;
            }
        }
    }

    /// One look of a sentinel; how long to wait for the next one.
    fn stand_once(&self, standing: Standing, lasts: Duration) -> Duration {
        let request = LookRequest {
            sources: STANDING.map(str::to_owned).to_vec(),
            sentinel: Standing {
                hasty: true,
                ..standing
            },
            ..self.request(&Policy {
                watch_s: lasts.as_secs(),
                ..self.policy()
            })
        };
        let batch = look(&self.world, &request, &Quiet);
        let stood = sentinel::stood(&batch);
        let ended = self.world.clock.monotonic();
        let trouble = self.numbered_and_kept(batch, ended, None);
        let deaf = || "nobody stands sentinel: the address could not be listened at".to_owned();
        held(&self.common.looked).standing = trouble.or_else(|| (!stood).then(deaf));
        match stood {
            true => Duration::ZERO,
            false => STANDS_AGAIN,
        }
    }

    fn numbered_and_kept(
        &self,
        batch: Batch,
        ended: Duration,
        trouble: Option<String>,
    ) -> Option<String> {
        // Two look at a time, and numbers lie in the spool in order.
        let _keeping = held(&self.common.keeping);
        match self.packed(batch) {
            Ok(packed) => self.kept(packed, ended, trouble),
            Err(error) => Some(format!("{error:#}")),
        }
    }

    fn packed(&self, mut batch: Batch) -> Result<VecDeque<Packed>> {
        let mut next = held(&self.common.next_sequence);
        let mut after = *next;
        batch.header.sequence = after;
        let packed = pack(batch, &mut after, &Limits::network())?;
        *next = after;
        Ok(packed.into())
    }

    /// Keeps what a look said, piece by piece, until there is room for it; what somebody stops is still tried once.
    fn kept(
        &self,
        mut packed: VecDeque<Packed>,
        ended: Duration,
        mut trouble: Option<String>,
    ) -> Option<String> {
        while let Some(piece) = packed.front() {
            held(&self.common.ended).insert(piece.sequence, ended);
            let kept = held(&self.common.spool).append(piece.epoch, piece.sequence, &piece.bytes);
            match kept {
                Ok(()) => drop(packed.pop_front()),
                Err(error) => {
                    held(&self.common.looked).trouble = Some(error.to_string());
                    trouble = Some("the spool had no room for a while".to_owned());
                    if !self.wait(RETRY) {
                        return trouble;
                    }
                }
            }
        }
        trouble
    }

    /// One look, and what kept it from being all that was asked.
    fn seen(&self) -> (Batch, Option<String>) {
        let policy = self.policy();
        // Only a named vantage asks name servers and networks; every other agent speaks to its collector alone.
        let is_vantage = policy.sweep.is_some();
        let world = World {
            network: crate::this_machine(!is_vantage).network,
            ..self.world.clone()
        };
        let mut trouble = None;
        let sweep = match policy.sweep.as_ref().map(|wish| self.leased(wish, &world)) {
            Some(Ok(plan)) => plan,
            Some(Err(error)) => {
                trouble = Some(format!("{error:#}"));
                None
            }
            None => None,
        };
        let mut request = self.request(&policy);
        if is_vantage && let Err(error) = with_access(&mut request, &world) {
            trouble = Some(format!("{error:#}"));
        }
        let leased = sweep.is_some();
        request.sweep = sweep;
        let batch = look(&world, &request, &Quiet);
        if leased {
            self.give_back();
        }
        (batch, trouble)
    }

    fn request(&self, policy: &Policy) -> LookRequest {
        let identity = held(&self.common.identity).clone();
        LookRequest {
            site: identity.site,
            epoch: self.common.run,
            sequence: *held(&self.common.next_sequence),
            sources: policy.sources.clone(),
            apart: self.apart,
            memory: Some(memory_in(self.home.directory())),
            stop: self.stop.clone(),
            ..LookRequest::new(identity.agent, Duration::from_secs(policy.watch_s))
        }
    }

    /// The plan of a sweep, within the ceiling file of this machine and the share of packets the collector gives; none if that is none now.
    fn leased(&self, wish: &SweepWish, world: &World) -> Result<Option<Plan>> {
        let Some(mut plan) = SweepArgs::wished(wish)
            .map_err(anyhow::Error::msg)?
            .plan(world, true)?
        else {
            return Ok(None);
        };
        let seconds = plan
            .takes()
            .1
            .as_secs()
            .saturating_mul(5)
            .saturating_add(300);
        anyhow::ensure!(
            seconds <= LEASE_MAX_S,
            "asking these networks may take {} hours, and a share of packets lasts six: name fewer of them to one vantage",
            seconds / 3600
        );
        let asked = LeaseAsked {
            packets_per_second: plan.per_agent.min(wish.packets_per_second),
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
        };
        let identity = held(&self.common.identity).clone();
        let lease = Link::of(&identity, collector_names())?
            .lease(&asked)
            .context("ask the collector for a share of the packets")?;
        anyhow::ensure!(
            lease.packets_per_second > 0,
            "other vantages use all packets the estate allows now; this one asks the network at its next look"
        );
        plan.per_agent = plan.per_agent.min(lease.packets_per_second);
        Ok(Some(plan))
    }

    fn give_back(&self) {
        let identity = held(&self.common.identity).clone();
        let nothing = LeaseAsked {
            packets_per_second: 0,
            seconds: 0,
        };
        // A share that is not given back ends by itself.
        let _ = Link::of(&identity, collector_names()).and_then(|link| link.lease(&nothing));
    }

    fn say_next(&self, waits: Duration) {
        held(&self.common.looked).next_at = Some(self.world.clock.now().plus(waits));
    }

    /// True if the time passed, false if somebody said stop.
    fn wait(&self, waits: Duration) -> bool {
        let until = self.world.clock.monotonic().saturating_add(waits);
        while self.world.clock.monotonic() < until {
            if self.stop.is_asked() {
                return false;
            }
            self.world.clock.sleep(TICK);
        }
        !self.stop.is_asked()
    }

    fn random_within(&self, whole: Duration) -> Duration {
        let mut bytes = [0; 8];
        self.world.randomness.fill(&mut bytes);
        groma_ship::pace::share(whole, u64::from_le_bytes(bytes))
    }
}

/// What the owner of this machine lets a vantage ask with.
fn with_access(request: &mut LookRequest, world: &World) -> Result<()> {
    let path = std::path::Path::new(ACCESS);
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    request.directories = crate::directories(world, Some(path))?;
    request.platforms = crate::platforms(world, Some(path))?;
    request.devices = crate::devices(world, Some(path), &SweepArgs::default())?;
    Ok(())
}

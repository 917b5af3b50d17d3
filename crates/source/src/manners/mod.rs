//! Manners on other people's networks: who may be asked, how fast, when, and when to leave somebody alone.
//!
//! Every source that sends a packet to a machine it was not told to log on to goes through [`Manners`]: a frame that was not
//! granted is not sent. The arithmetic takes the time as an argument; clocks and sockets are elsewhere ([`MannerlyNetwork`],
//! and `source-sweep` for frames of our own).
//!
//! * Nobody outside the targets a person named and the [`Ceiling`] of this machine; nobody at a print port, ever.
//! * At most 10 frames to a host and 200 of an agent in any second on the wire, also those the kernel sends for us; 2, and
//!   one conversation at a time, to a host of a fragile class.
//! * A host that shows distress is asked half as often, and after the third sign nothing for a day.
//! * Nothing outside the maintenance window, nothing once the stop file is there.
//!
//! In networks that the ceiling file names as a laboratory there may be no pace ([`LaboratoryNetwork`]); all else holds there too.

mod calendar;
mod ceiling;
mod health;
mod laboratory;
mod network;
mod pace;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::{Port, Timestamp};

pub use calendar::{NoOpening, Opening};
pub use ceiling::{
    CEILING, Ceiling, CeilingError, KILL_SWITCH, PER_AGENT, PER_FRAGILE_HOST, PER_HOST,
};
pub use health::{Advice, Health, Outcome, SILENCE, Sign};
pub use laboratory::LaboratoryNetwork;
pub use network::MannerlyNetwork;
pub use pace::{Pace, When};
pub use targets::{
    ADDRESSES_MAX, COUNTED_FROM, Link, Network, Target, TargetError, Targets, is_of_a_link,
    is_one_machine,
};

use crate::forbidden_port;

/// Why a packet is never sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Refusal {
    /// What is sent there may be printed.
    #[error("a print port is never contacted")]
    PrintPort,
    /// Nobody named it.
    #[error("it is not among the targets that were named")]
    NotATarget,
    /// The owner of this machine does not want it.
    #[error("the ceiling file of this machine does not allow it")]
    AboveCeiling,
    /// It showed distress.
    #[error("it showed distress less than 24 hours ago")]
    LeftAlone,
    /// Somebody wants to be without restraint where people work.
    #[error("the ceiling file of this machine does not name it as one of a laboratory")]
    NotALaboratory,
}

/// What is answered to who wants to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// The frames are reserved: send them, and say of each that it has left, or will not.
    Go,
    /// Ask again at this moment.
    At(Duration),
    /// Ask again when frames or conversations that were granted are over.
    AfterOthers,
    /// Do not ask again.
    Never(Refusal),
}

/// A host that is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeftAlone {
    /// The host.
    pub address: IpAddr,
    /// Until when.
    pub until: Timestamp,
}

struct Host {
    pace: Pace,
    /// No frame before this moment: spacing, and pauses.
    not_before: Duration,
    conversations: u32,
    fragile: bool,
    health: Health,
    /// Ports that have said something to us.
    spoke: BTreeSet<u16>,
}

/// What all network sources of one agent share.
pub struct Manners {
    ceiling: Ceiling,
    targets: Targets,
    agent: Pace,
    hosts: BTreeMap<IpAddr, Host>,
    left_alone: BTreeMap<IpAddr, Timestamp>,
    fresh: Vec<(LeftAlone, Sign)>,
}

impl Manners {
    /// Manners towards `targets`, below `ceiling`. `left_alone` is what was kept from earlier looks.
    pub fn new(ceiling: Ceiling, targets: Targets, left_alone: &[LeftAlone]) -> Self {
        Self {
            agent: Pace::new(ceiling.per_agent),
            ceiling,
            targets,
            hosts: BTreeMap::new(),
            left_alone: left_alone.iter().map(|h| (h.address, h.until)).collect(),
            fresh: Vec::new(),
        }
    }

    /// The same manners towards others, with what was kept from earlier looks: what was sent so far still counts.
    pub fn goes_on(&mut self, targets: Targets, left_alone: &[LeftAlone]) {
        self.targets = targets;
        self.left_alone
            .extend(left_alone.iter().map(|h| (h.address, h.until)));
    }

    /// The ceiling they keep below.
    pub fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// A lower pace for the whole agent.
    pub fn lower(&mut self, per_agent: u32) {
        self.agent.lower(per_agent);
    }

    /// When this agent may send one frame more, to whomever.
    pub fn agent(&self, now: Duration) -> When {
        self.agent.when(1, now)
    }

    /// A frame left by `now` that went to no target: a question to the router of the way.
    pub fn left_for_the_way(&mut self, now: Duration) {
        self.agent.reserve(1);
        self.agent.left(now);
    }

    /// Whom they allow to be asked.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Whether a packet may go to `to` at all. `at` is the wall time.
    ///
    /// # Errors
    /// Why not.
    pub fn permits(&self, to: SocketAddr, at: Timestamp) -> Result<(), Refusal> {
        if forbidden_port(Port(to.port())) {
            return Err(Refusal::PrintPort);
        }
        let address = to.ip().to_canonical();
        if !self.targets.contains(address) {
            return Err(Refusal::NotATarget);
        }
        if !self.ceiling.allows(address) {
            return Err(Refusal::AboveCeiling);
        }
        match self.left_alone.get(&address) {
            Some(until) if *until > at => Err(Refusal::LeftAlone),
            _ => Ok(()),
        }
    }

    /// Asks for `frames` to `to`, of which the first leaves at once and the others may follow by themselves.
    pub fn ask(&mut self, to: SocketAddr, frames: u32, at: Timestamp, now: Duration) -> Grant {
        if let Err(refusal) = self.permits(to, at) {
            return Grant::Never(refusal);
        }
        let address = to.ip().to_canonical();
        let agent = self.agent.when(frames, now);
        let host = self.host(address);
        if host.not_before > now {
            return Grant::At(host.not_before);
        }
        match (host.pace.when(frames, now), agent) {
            (When::Now, When::Now) => {}
            (When::AfterOthers, _) | (_, When::AfterOthers) => return Grant::AfterOthers,
            (When::At(one), When::At(other)) => return Grant::At(one.max(other)),
            (When::At(at), When::Now) | (When::Now, When::At(at)) => return Grant::At(at),
        }
        // Evenly over the second: no burst of what is allowed, and then silence.
        host.not_before = now + Duration::from_secs(1) / host.pace.cap();
        host.pace.reserve(frames);
        self.agent.reserve(frames);
        Grant::Go
    }

    /// Whether a conversation with `address` may begin: one at a time with a fragile host. End it with
    /// [`Manners::hung_up`].
    pub fn calls(&mut self, address: IpAddr) -> bool {
        let host = self.host(address.to_canonical());
        if host.fragile && host.conversations > 0 {
            return false;
        }
        host.conversations += 1;
        true
    }

    /// A conversation is over.
    pub fn hung_up(&mut self, address: IpAddr) {
        let host = self.host(address.to_canonical());
        host.conversations = host.conversations.saturating_sub(1);
    }

    /// A granted frame has left, by `now`.
    pub fn left(&mut self, address: IpAddr, now: Duration) {
        self.host(address.to_canonical()).pace.left(now);
        self.agent.left(now);
    }

    /// Granted frames that will not be sent.
    pub fn released(&mut self, address: IpAddr, frames: u32) {
        self.host(address.to_canonical()).pace.released(frames);
        self.agent.released(frames);
    }

    /// What came of a question; slows down, and leaves alone, who shows distress. Nothing follows from what still comes of
    /// somebody who is left alone already, however much of it somebody sends.
    pub fn heard(
        &mut self,
        address: IpAddr,
        outcome: Outcome,
        at: Timestamp,
        now: Duration,
    ) -> Advice {
        let address = address.to_canonical();
        if self
            .left_alone
            .get(&address)
            .is_some_and(|until| *until > at)
        {
            return Advice::GoOn;
        }
        let host = self.host(address);
        let advice = host.health.take(outcome);
        match advice {
            Advice::GoOn => {}
            Advice::SlowDown(pause, _) => {
                host.pace.lower(host.pace.cap() / 2);
                host.not_before = host.not_before.max(now + pause);
            }
            Advice::LeaveAlone(sign) => {
                let until = at.plus(SILENCE);
                self.left_alone.insert(address, until);
                self.fresh.push((LeftAlone { address, until }, sign));
            }
        }
        advice
    }

    /// `to` has said something to us.
    pub fn spoke(&mut self, to: SocketAddr) {
        let host = self.host(to.ip().to_canonical());
        host.spoke.insert(to.port());
    }

    /// What it means that `to` broke a connection off. Many programs do so at words they do not know, and the kernel for
    /// those that close with words unread (RFC 9293 §3.6.1): an answer to our question, until the port had spoken with us.
    pub fn broken_off(&mut self, to: SocketAddr) -> Outcome {
        let host = self.host(to.ip().to_canonical());
        match host.spoke.contains(&to.port()) {
            true => Outcome::ResetAfterAccept,
            false => Outcome::Answered(None),
        }
    }

    /// What is learnt about a device makes us slower, never faster.
    pub fn is_fragile(&mut self, address: IpAddr) {
        let host = self.host(address.to_canonical());
        host.fragile = true;
        host.pace.lower(PER_FRAGILE_HOST);
    }

    /// Hosts that showed distress in this look, and how.
    pub fn distressed(&self) -> &[(LeftAlone, Sign)] {
        &self.fresh
    }

    /// Everybody who is left alone at `at`: to be kept for the next look.
    pub fn left_alone(&self, at: Timestamp) -> Vec<LeftAlone> {
        let still = self.left_alone.iter().filter(|(_, until)| **until > at);
        still
            .map(|(address, until)| LeftAlone {
                address: *address,
                until: *until,
            })
            .collect()
    }

    fn host(&mut self, address: IpAddr) -> &mut Host {
        let (ceiling, hosts) = (&self.ceiling, &mut self.hosts);
        hosts.entry(address).or_insert_with(|| {
            let fragile = ceiling.is_fragile(address);
            let most = if fragile { PER_FRAGILE_HOST } else { PER_HOST };
            Host {
                pace: Pace::new(ceiling.per_host.min(most)),
                not_before: Duration::ZERO,
                conversations: 0,
                fragile,
                health: Health::default(),
                spoke: BTreeSet::new(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: &str = "2026-11-21T09:00:00Z";

    fn manners(ceiling: Ceiling) -> Manners {
        let target = Target::parse("10.0.0.0/24").unwrap();
        let targets = Targets::of(&[target], &[], &[]).unwrap();
        Manners::new(ceiling, targets, &[])
    }

    fn at() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn to(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], port))
    }

    #[test]
    fn print_ports_strangers_and_what_the_ceiling_forbids_are_never_asked() {
        let never = vec![Network::parse("10.0.0.128/25").unwrap()];
        let mut manners = manners(Ceiling {
            never,
            ..Ceiling::default()
        });
        let mut ask = |to| manners.ask(to, 1, at(), Duration::ZERO);
        for port in [515, 9100, 9107, 9116, 9999] {
            assert_eq!(ask(to(5, port)), Grant::Never(Refusal::PrintPort));
        }
        assert_eq!(ask(to(200, 80)), Grant::Never(Refusal::AboveCeiling));
        assert_eq!(
            ask("10.0.1.5:80".parse().unwrap()),
            Grant::Never(Refusal::NotATarget)
        );
        assert_eq!(ask(to(0, 80)), Grant::Never(Refusal::NotATarget));
        assert_eq!(ask(to(5, 80)), Grant::Go);
    }

    #[test]
    fn a_fragile_host_has_one_conversation_at_a_time_and_two_frames_a_second() {
        let fragile = vec![Network::parse("10.0.0.9").unwrap()];
        let mut manners = manners(Ceiling {
            fragile,
            ..Ceiling::default()
        });
        let (weak, strong) = (to(9, 80).ip(), to(8, 80).ip());
        assert!(manners.calls(weak) && !manners.calls(weak));
        assert!(manners.calls(strong) && manners.calls(strong));
        manners.hung_up(weak);
        assert!(manners.calls(weak));
        manners.is_fragile(strong);
        for host in [8, 9] {
            let mut sent = 0;
            for ms in 0..10_000 {
                let now = Duration::from_millis(ms);
                if manners.ask(to(host, 80), 1, at(), now) == Grant::Go {
                    manners.left(to(host, 80).ip(), now);
                    sent += 1;
                }
            }
            assert!((18..=20).contains(&sent), "{sent}");
        }
    }

    #[test]
    fn a_host_in_distress_is_left_alone_for_a_day_also_by_the_next_look() {
        let mut first = manners(Ceiling::default());
        let address = to(5, 80).ip();
        for _ in 0..20 {
            first.heard(address, Outcome::Answered(None), at(), Duration::ZERO);
        }
        for _ in 0..30 {
            first.heard(address, Outcome::Unanswered, at(), Duration::ZERO);
        }
        let never = Grant::Never(Refusal::LeftAlone);
        assert_eq!(
            first.ask(to(5, 443), 1, at(), Duration::from_secs(90)),
            never
        );
        assert_eq!(
            first
                .distressed()
                .first()
                .map(|(host, sign)| (host.address, *sign)),
            Some((address, Sign::FellSilent))
        );
        let target = Target::parse("10.0.0.0/24").unwrap();
        let targets = Targets::of(&[target], &[], &[]).unwrap();
        let mut next = Manners::new(Ceiling::default(), targets, &first.left_alone(at()));
        let hours = |n: u64| at().plus(Duration::from_secs(n * 3600));
        assert_eq!(next.ask(to(5, 443), 1, hours(23), Duration::ZERO), never);
        assert_eq!(
            next.ask(to(5, 443), 1, hours(25), Duration::ZERO),
            Grant::Go
        );
        assert!(next.left_alone(hours(25)).is_empty());
    }

    #[test]
    fn a_flood_of_errors_about_one_host_ends_nothing_and_is_told_once() {
        let mut manners = manners(Ceiling::default());
        let address = to(5, 80).ip();
        let mut hear = |outcome| manners.heard(address, outcome, at(), Duration::ZERO);
        hear(Outcome::Answered(None));
        let told: Vec<_> = (0..1_000).map(|_| hear(Outcome::Unreachable)).collect();
        let alone = |advice: &&Advice| matches!(advice, Advice::LeaveAlone(_));
        assert_eq!(told.iter().filter(alone).count(), 1);
        assert_eq!(manners.distressed().len(), 1);
        // After its day it is asked again, and may show distress again.
        let later = at().plus(SILENCE + Duration::from_secs(1));
        let advice = manners.heard(address, Outcome::Unreachable, later, Duration::ZERO);
        assert_ne!(advice, Advice::GoOn);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Any order of hosts, any waiting, frames that follow by themselves: no second on the wire holds too much.
        #[test]
        fn the_caps_hold_in_every_second(wishes in prop::collection::vec((1_u8..40, 1_u32..4, 0_u64..300, 0_u64..700), 1..600)) {
            let mut manners = manners(Ceiling::default());
            let mut now = Duration::ZERO;
            let mut wire: Vec<(Duration, u8)> = Vec::new();
            let mut under_way: Vec<(Duration, u8)> = Vec::new();
            for (host, frames, idle, later) in wishes {
                now += Duration::from_millis(idle / 50);
                loop {
                    under_way.sort();
                    while under_way.first().is_some_and(|(noted, _)| *noted <= now) {
                        let (noted, host) = under_way.remove(0);
                        manners.left(to(host, 80).ip(), noted);
                    }
                    match manners.ask(to(host, 80), frames, at(), now) {
                        Grant::Go => break,
                        Grant::At(at) => now = at,
                        Grant::AfterOthers => now = under_way.first().expect("somebody is under way").0,
                        Grant::Never(refusal) => panic!("{refusal}"),
                    }
                }
                for frame in 0..frames {
                    let on_wire = now + Duration::from_millis(u64::from(frame) * later);
                    wire.push((on_wire, host));
                    under_way.push((on_wire + Duration::from_millis(idle / 10), host));
                }
            }
            wire.sort();
            let second = Duration::from_secs(1);
            for (first, (from, _)) in wire.iter().enumerate() {
                let within: Vec<_> = wire[first..].iter().take_while(|(at, _)| *at < *from + second).collect();
                prop_assert!(within.len() <= 200);
                let mut hosts = BTreeMap::new();
                within.iter().for_each(|(_, host)| *hosts.entry(host).or_insert(0) += 1);
                prop_assert!(hosts.values().all(|count| *count <= 10), "{hosts:?}");
            }
        }
    }
}

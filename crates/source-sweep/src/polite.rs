//! Asking everybody everything, evenly and within manners: the default.
//!
//! Whoever has waited longest is asked next, so that no host ever sees two questions where another has seen none. A pass
//! asks what is not answered yet; passes lie far enough apart for what a host sends again by itself (a listening one does
//! after 1 s) to count. How many answers came only to a later pass tells what the way loses, and so whether one more is due.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_source::manners::{Advice, Ceiling, Grant, Manners, Outcome, When};
use groma_source::{Disk, Window};

use crate::ask::{Heard, Item, Reset, Way, Word};

/// Between the last question of a pass and the first of the next.
const BETWEEN_PASSES: Duration = Duration::from_millis(1_250);
/// How long an answer is waited for before its host is said to have been silent.
const PATIENCE: Duration = Duration::from_millis(1_200);
const PATIENCE_MIN: Duration = Duration::from_millis(300);
/// How long we listen at a time.
const MOMENT: Duration = Duration::from_millis(20);
/// How often we look for the stop file.
const WATCHFUL: Duration = Duration::from_millis(50);
/// Passes every address is asked in, where nothing else is said; further ones ask only who has shown to be there.
const FULL_PASSES: u8 = 2;
/// Who accepts at one of these ports of TCP is a printer, or steers something: it is asked as what breaks easily from then on,
/// also by those who ask what the sweep found.
pub const FRAGILE: [u16; 9] = [102, 502, 631, 1911, 2404, 4840, 20_000, 44_818, 47_808];
/// Ports that may stay unfound, by what the loss that was measured makes likely.
const UNFOUND_MAX: f64 = 0.1;

/// Hosts that were met before they say anything of those that were not.
const ENOUGH_MET: usize = 16;
/// Share of questions we fear is lost, before it is measured.
const LOSS_FEARED: f64 = 0.05;

/// Why a sweep ended before it was done.
#[derive(Debug)]
pub enum Ended {
    /// Somebody asked, or the time given was over.
    Stopped,
    /// The stop file is there.
    StopFile,
    /// The maintenance window closed.
    Closed,
    /// The way broke.
    Broke(io::Error),
}

/// Why nothing may be sent any more, if so.
pub(crate) fn held_back(window: &Window, disk: &dyn Disk, ceiling: &Ceiling) -> Result<(), Ended> {
    if window.is_over() {
        return Err(Ended::Stopped);
    }
    if ceiling.is_stopped(disk) {
        return Err(Ended::StopFile);
    }
    match ceiling.is_open(window.now()) {
        true => Ok(()),
        false => Err(Ended::Closed),
    }
}

/// Waits until a frame may leave that goes to no target: a question to the router, an echo to a whole link. Whoever sent it
/// tells [`Manners::left_for_the_way`].
pub(crate) fn wait_for_the_way(
    window: &Window,
    disk: &dyn Disk,
    manners: &Manners,
) -> Result<(), Ended> {
    loop {
        held_back(window, disk, manners.ceiling())?;
        let now = window.monotonic();
        match manners.agent(now) {
            When::Now => return Ok(()),
            When::At(at) => window.sleep(at.saturating_sub(now).min(MOMENT)),
            When::AfterOthers => window.sleep(MOMENT),
        }
    }
}

/// What is known of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Answer {
    /// Nothing came.
    #[default]
    None,
    /// It is open, echoes, or spoke.
    Yes,
    /// The host refused.
    No,
    /// A filter refused.
    Prohibited,
}

/// One host, and what became of the questions to it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub address: IpAddr,
    /// By item, as they were given.
    pub answers: Vec<Answer>,
    /// Its hardware address, where it said it.
    pub mac: Option<[u8; 6]>,
    /// True if not all questions were asked as often as those to others.
    pub unfinished: bool,
    /// True if somebody said that there is no way to it.
    pub unreachable: bool,
    pub(crate) cursor: usize,
    pub(crate) round_trip: Option<Duration>,
}

impl Asked {
    /// Somebody to be asked so many things.
    pub fn new(address: IpAddr, items: usize) -> Self {
        Self {
            address,
            answers: vec![Answer::None; items],
            mac: None,
            unfinished: false,
            unreachable: false,
            cursor: 0,
            round_trip: None,
        }
    }

    /// True if the host itself said anything.
    pub fn is_there(&self) -> bool {
        let said = |a: &Answer| matches!(a, Answer::Yes | Answer::No);
        self.mac.is_some() || self.answers.iter().any(said)
    }

    fn patience(&self) -> Duration {
        let measured = self.round_trip.map(|trip| trip.saturating_mul(4));
        measured.map_or(PATIENCE, |trip| trip.clamp(PATIENCE_MIN, PATIENCE))
    }
}

/// What the way loses, by how many answers came only to a later pass.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Loss {
    /// Answers of hosts themselves to the first pass.
    pub at_first: u64,
    /// And to later ones.
    pub later: u64,
}

impl Loss {
    /// Share of questions that are asked or answered in vain, from 0 to 1.
    pub fn share(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of answers are far below 2^52"
        )]
        let (first, later) = (self.at_first as f64, self.later as f64);
        if later == 0.0 {
            0.0
        } else {
            later / (first + later)
        }
    }

    /// How many of the open ports are likely unfound after `passes`, where `found` are.
    pub fn unfound(self, found: u64, passes: u8) -> f64 {
        let left = self.share().powi(i32::from(passes));
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of ports are far below 2^52"
        )]
        let found = found as f64;
        found * left / (1.0 - left).max(0.01)
    }
}

/// Where a sweep has come to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// Pass, counted from 0.
    pub pass: u8,
    /// Items every host was asked in it.
    pub items: usize,
}

/// Told what was found, and how far it has come.
pub trait Listening {
    /// A host answered.
    fn answered(&mut self, heard: &Heard);
    /// Everything before this position is done.
    fn reached(&mut self, position: Position);
}

/// One round of asking: who asks, on which way, within which manners.
pub struct Round<'a> {
    /// How long it may take, and its clock.
    pub window: &'a Window,
    /// Where the stop file would be.
    pub disk: &'a dyn Disk,
    /// Within which manners.
    pub manners: &'a mut Manners,
    /// On which way.
    pub way: &'a mut dyn Way,
    /// Who is told.
    pub listening: &'a mut dyn Listening,
    /// What the way loses; carried from round to round.
    pub loss: Loss,
    /// Passes at most, and at least.
    pub passes_max: u8,
    /// See `passes_max`.
    pub full_passes: u8,
    /// Answered questions, by pass, that are waited for.
    waited: VecDeque<(Duration, usize, usize)>,
    resets: VecDeque<Reset>,
    looked: Duration,
    frames: u64,
}

/// What a round brought.
#[derive(Debug)]
pub struct Brought {
    /// Everybody, as they were given.
    pub hosts: Vec<Asked>,
    /// Passes that were made.
    pub passes: u8,
    /// Why it ended early, if it did.
    pub ended: Option<Ended>,
    /// Frames we sent.
    pub frames: u64,
    /// What the way loses.
    pub loss: Loss,
}

impl<'a> Round<'a> {
    /// A round that has not begun.
    pub fn new(
        window: &'a Window,
        disk: &'a dyn Disk,
        manners: &'a mut Manners,
        way: &'a mut dyn Way,
        listening: &'a mut dyn Listening,
    ) -> Self {
        Self {
            window,
            disk,
            manners,
            way,
            listening,
            loss: Loss::default(),
            passes_max: crate::wire::PASSES_MAX,
            full_passes: FULL_PASSES,
            waited: VecDeque::new(),
            resets: VecDeque::new(),
            looked: Duration::ZERO,
            frames: 0,
        }
    }

    /// Asks all hosts all items, from `begin` on. Answers known already are not asked for again.
    pub fn ask(mut self, mut hosts: Vec<Asked>, items: &[Item], begin: Position) -> Brought {
        let index: BTreeMap<IpAddr, usize> = hosts
            .iter()
            .enumerate()
            .map(|(n, h)| (h.address, n))
            .collect();
        let mut passes = begin.pass;
        let mut ended = None;
        while passes < self.passes_max {
            let only_met =
                passes >= self.full_passes || (passes > 0 && are_silent_ones_nobody(&hosts));
            let from = if passes == begin.pass { begin.items } else { 0 };
            let made = self.pass(
                &mut hosts,
                &index,
                items,
                Position {
                    pass: passes,
                    items: from,
                },
                only_met,
            );
            if let Err(why) = made {
                ended = Some(why);
                break;
            }
            passes += 1;
            self.listening.reached(Position {
                pass: passes,
                items: 0,
            });
            if passes >= self.full_passes && !self.is_one_more_due(&hosts, items, passes) {
                break;
            }
        }
        self.drain();
        let frames = self.frames;
        Brought {
            hosts,
            passes,
            ended,
            frames,
            loss: self.loss,
        }
    }

    fn is_one_more_due(&self, hosts: &[Asked], items: &[Item], passes: u8) -> bool {
        let found = hosts.iter().map(|host| {
            let yes = host.answers.iter().zip(items);
            yes.filter(|(a, item)| **a == Answer::Yes && matches!(item, Item::Tcp(_)))
                .count()
        });
        let found: usize = found.sum();
        self.loss.unfound(u64::try_from(found).unwrap_or(0), passes) > UNFOUND_MAX
    }

    /// One pass over everything that is not answered.
    fn pass(
        &mut self,
        hosts: &mut [Asked],
        index: &BTreeMap<IpAddr, usize>,
        items: &[Item],
        begin: Position,
        only_met: bool,
    ) -> Result<(), Ended> {
        let mut turn = Turn::new(hosts, begin.items, only_met);
        let mut behind = begin.items;
        while let Some((ready, host)) = turn.next() {
            let now = self.window.monotonic();
            if ready > now {
                turn.again(ready, host);
                self.listen(hosts, index, items, ready - now)?;
                continue;
            }
            match self.ask_next(hosts, items, host, begin.pass, now)? {
                Step::Again(at) => {
                    turn.again(at, host);
                    // Where the whole agent must wait, nobody else need be tried.
                    let wait = self.agent_waits(now);
                    self.listen(hosts, index, items, wait)?;
                }
                Step::Asked => turn.again(now + Duration::from_millis(1), host),
                Step::Done => {}
            }
            if turn.asked.is_multiple_of(32) {
                self.listen(hosts, index, items, Duration::ZERO)?;
            }
            turn.asked += 1;
            let least = turn.least(hosts, items.len());
            if least > behind {
                behind = least;
                self.listening.reached(Position {
                    pass: begin.pass,
                    items: behind,
                });
            }
        }
        let end = self.window.monotonic() + BETWEEN_PASSES;
        loop {
            let left = end.saturating_sub(self.window.monotonic());
            if left.is_zero() && self.resets.is_empty() {
                return Ok(());
            }
            self.listen(
                hosts,
                index,
                items,
                left.clamp(Duration::from_millis(1), MOMENT),
            )?;
        }
    }

    fn agent_waits(&self, now: Duration) -> Duration {
        match self.manners.agent(now) {
            When::Now => Duration::ZERO,
            When::At(at) => at.saturating_sub(now).min(MOMENT),
            When::AfterOthers => Duration::from_millis(2),
        }
    }

    /// The next open question to a host, if it may be asked now.
    fn ask_next(
        &mut self,
        hosts: &mut [Asked],
        items: &[Item],
        place: usize,
        pass: u8,
        now: Duration,
    ) -> Result<Step, Ended> {
        let Some(host) = hosts.get_mut(place) else {
            return Ok(Step::Done);
        };
        let open = |host: &Asked| host.answers.get(host.cursor) != Some(&Answer::None);
        while host.cursor < items.len() && open(host) {
            host.cursor += 1;
        }
        let Some(item) = items.get(host.cursor).copied() else {
            return Ok(Step::Done);
        };
        let frames = self.way.frames(item);
        let to = SocketAddr::new(host.address, item.port());
        match self.manners.ask(to, frames, self.window.now(), now) {
            Grant::Go => {}
            Grant::At(at) => return Ok(Step::Again(at)),
            Grant::AfterOthers => return Ok(Step::Again(now + Duration::from_millis(5))),
            Grant::Never(_) => {
                host.unfinished = true;
                return Ok(Step::Done);
            }
        }
        let (address, cursor) = (host.address, host.cursor);
        host.cursor += 1;
        let patience = host.patience();
        match self.way.ask(address, item, pass, now) {
            Ok(()) => {
                let after = self.window.monotonic();
                let at_once = frames - self.promised(item);
                self.frames += u64::from(at_once);
                (0..at_once).for_each(|_| self.manners.left(address, after));
                self.waited.push_back((after + patience, place, cursor));
                Ok(Step::Asked)
            }
            // No room, or no way there: not asked, and said so.
            Err(error) => {
                self.manners.released(address, frames);
                host.unfinished = true;
                match error.kind() {
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied => Ok(Step::Asked),
                    _ => Err(Ended::Broke(error)),
                }
            }
        }
    }

    /// Hears what there is, takes accepted calls back, and notes who was silent. Looks whether we must stop.
    fn listen(
        &mut self,
        hosts: &mut [Asked],
        index: &BTreeMap<IpAddr, usize>,
        items: &[Item],
        wait: Duration,
    ) -> Result<(), Ended> {
        self.is_held_back()?;
        self.take_back();
        let wait = if self.resets.is_empty() {
            wait.min(MOMENT)
        } else {
            wait.min(Duration::from_millis(3))
        };
        let mut all = Vec::new();
        let window = self.window;
        let heard = self
            .way
            .hear(wait, &|| window.monotonic(), &mut |heard| all.push(heard));
        heard.map_err(Ended::Broke)?;
        for heard in all {
            self.take(hosts, index, items, &heard);
        }
        self.note_silence(hosts, items);
        Ok(())
    }

    fn is_held_back(&mut self) -> Result<(), Ended> {
        if self.window.is_over() {
            return Err(Ended::Stopped);
        }
        let now = self.window.monotonic();
        if now < self.looked + WATCHFUL {
            return Ok(());
        }
        self.looked = now;
        held_back(self.window, self.disk, self.manners.ceiling())
    }

    fn take(
        &mut self,
        hosts: &mut [Asked],
        index: &BTreeMap<IpAddr, usize>,
        items: &[Item],
        heard: &Heard,
    ) {
        let Some(place) = index.get(&heard.address).copied() else {
            return;
        };
        let Some(host) = hosts.get_mut(place) else {
            return;
        };
        if let Word::Link(mac) = heard.word {
            host.mac = Some(mac);
        }
        if matches!(heard.word, Word::Accepts(_)) && FRAGILE.contains(&heard.item.port()) {
            self.manners.is_fragile(heard.address);
        }
        if let Word::Accepts(Some(reset)) = heard.word
            && !self
                .resets
                .iter()
                .any(|known| (known.to, known.port) == (reset.to, reset.port))
        {
            self.resets.push_back(reset);
        }
        let Some(slot) = items
            .iter()
            .position(|item| *item == heard.item)
            .and_then(|nth| host.answers.get_mut(nth))
        else {
            return;
        };
        let answer = match heard.word {
            Word::Link(_) | Word::Echoes | Word::Accepts(_) | Word::Speaks => Answer::Yes,
            Word::Refuses => Answer::No,
            Word::Prohibited => Answer::Prohibited,
            Word::Unreachable | Word::Failed => Answer::None,
        };
        let fresh = *slot == Answer::None && answer != Answer::None;
        if fresh {
            *slot = answer;
        }
        if let Some(after) = heard.after {
            host.round_trip = Some(
                host.round_trip
                    .map_or(after, |known| (known * 7 + after) / 8),
            );
        }
        host.unreachable |= heard.word == Word::Unreachable;
        self.settle_frames(heard);
        if fresh
            && heard.item.transport() == Some(groma_model::Transport::Tcp)
            && answer != Answer::Prohibited
        {
            match heard.pass {
                Some(0) => self.loss.at_first += 1,
                Some(_) => self.loss.later += 1,
                None => {}
            }
        }
        if fresh {
            self.listening.answered(heard);
        }
        let outcome = match heard.word {
            Word::Prohibited => Outcome::Prohibited,
            Word::Unreachable => Outcome::Unreachable,
            Word::Failed => return,
            _ => Outcome::Answered(heard.after),
        };
        self.tell(heard.address, outcome);
    }

    /// Frames of a question that leave when it is answered, if ever: those that end a call.
    fn promised(&self, item: Item) -> u32 {
        match item {
            Item::Tcp(_) => self.way.frames(item).saturating_sub(1),
            Item::Link | Item::Echo | Item::Udp(_) => 0,
        }
    }

    /// What the kernel sent by itself for a call, and what it did not.
    fn settle_frames(&mut self, heard: &Heard) {
        let promised = self.promised(heard.item);
        if promised == 0 {
            return;
        }
        let sent = if matches!(heard.word, Word::Accepts(_)) {
            promised
        } else {
            0
        };
        let now = self.window.monotonic();
        (0..sent).for_each(|_| self.manners.left(heard.address, now));
        self.frames += u64::from(sent);
        self.manners.released(heard.address, promised - sent);
    }

    fn tell(&mut self, address: IpAddr, outcome: Outcome) {
        let (at, now) = (self.window.now(), self.window.monotonic());
        let advice: Advice = self.manners.heard(address, outcome, at, now);
        let _ = advice;
    }

    /// Questions whose time is over.
    fn note_silence(&mut self, hosts: &mut [Asked], items: &[Item]) {
        let now = self.window.monotonic();
        while self.waited.front().is_some_and(|(until, ..)| *until <= now) {
            let Some((_, place, nth)) = self.waited.pop_front() else {
                return;
            };
            let (Some(host), Some(item)) = (hosts.get(place), items.get(nth)) else {
                continue;
            };
            let (address, silent) = (host.address, host.answers.get(nth) == Some(&Answer::None));
            if !silent {
                continue;
            }
            let promised = self.promised(*item);
            self.way.give_up(address, *item);
            self.manners.released(address, promised);
            // Datagrams are answered by few; their silence tells nothing.
            if matches!(item, Item::Tcp(_) | Item::Echo) {
                self.tell(address, Outcome::Unanswered);
            }
        }
    }

    /// Takes back calls that were accepted, each when its frame may be sent.
    fn take_back(&mut self) {
        for _ in 0..self.resets.len() {
            let Some(reset) = self.resets.pop_front() else {
                return;
            };
            let now = self.window.monotonic();
            let to = SocketAddr::from((reset.to, reset.port));
            match self.manners.ask(to, 1, self.window.now(), now) {
                Grant::Go => {
                    let _ = self.way.reset(&reset);
                    self.frames += 1;
                    self.manners.left(to.ip(), self.window.monotonic());
                }
                // Half open is worse for a host in distress than one frame more, but it ends by itself.
                Grant::Never(_) => {}
                Grant::At(_) | Grant::AfterOthers => self.resets.push_back(reset),
            }
        }
    }

    /// Nothing more is asked: accepted calls are still taken back, as far as that takes a moment.
    fn drain(&mut self) {
        let end = self.window.monotonic() + BETWEEN_PASSES;
        while !self.resets.is_empty() && self.window.monotonic() < end {
            self.take_back();
            let window = self.window;
            let _ = self.way.hear(
                Duration::from_millis(3),
                &|| window.monotonic(),
                &mut |_| {},
            );
        }
        for (_, place, _) in std::mem::take(&mut self.waited) {
            let _ = place;
        }
    }
}

/// True if it is unlikely that among the addresses which said nothing to a whole pass there is a host that was merely
/// unlucky. That takes a host with a single answer to lose; how many such there are, the hosts that were met tell (as Good
/// and Turing estimated species nobody had seen from those seen once).
fn are_silent_ones_nobody(hosts: &[Asked]) -> bool {
    let answers = |host: &Asked| {
        let said = host
            .answers
            .iter()
            .filter(|a| matches!(a, Answer::Yes | Answer::No));
        said.count()
    };
    let met = hosts.iter().map(answers).filter(|count| *count > 0);
    let (met, once) = met.fold((0, 0_u32), |(met, once), count| {
        (met + 1, once + u32::from(count == 1))
    });
    met >= ENOUGH_MET && f64::from(once) * LOSS_FEARED <= UNFOUND_MAX
}

enum Step {
    Asked,
    Again(Duration),
    Done,
}

/// Whose turn it is: whoever may be asked first, and has waited longest.
struct Turn {
    waiting: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    /// Counts turns, so that equals stay in order.
    turns: u64,
    asked: u64,
    checked: u64,
    least: usize,
}

impl Turn {
    fn new(hosts: &mut [Asked], from: usize, only_met: bool) -> Self {
        let mut turn = Self {
            waiting: BinaryHeap::new(),
            turns: 0,
            asked: 0,
            checked: 0,
            least: from,
        };
        for (place, host) in hosts.iter_mut().enumerate() {
            host.cursor = from;
            if !only_met || host.is_there() {
                turn.again(Duration::ZERO, place);
            }
        }
        turn
    }

    fn next(&mut self) -> Option<(Duration, usize)> {
        self.waiting.pop().map(|Reverse((at, _, host))| (at, host))
    }

    fn again(&mut self, at: Duration, host: usize) {
        self.turns += 1;
        self.waiting.push(Reverse((at, self.turns, host)));
    }

    /// Items every waiting host was asked, looked up now and then.
    fn least(&mut self, hosts: &[Asked], items: usize) -> usize {
        if self.asked >= self.checked + 256 {
            self.checked = self.asked;
            let waiting = self
                .waiting
                .iter()
                .filter_map(|Reverse((_, _, place))| hosts.get(*place));
            self.least = waiting.map(|host| host.cursor).min().unwrap_or(items);
        }
        self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(yes: usize) -> Asked {
        let mut host = Asked::new(IpAddr::from([10, 0, 0, 1]), 6);
        host.answers
            .iter_mut()
            .take(yes)
            .for_each(|a| *a = Answer::Yes);
        host
    }

    #[test]
    fn silent_addresses_are_asked_again_unless_hosts_that_answer_once_are_rare() {
        let talkative: Vec<_> = (0..40)
            .map(|n| host(if n % 2 == 0 { 3 } else { 0 }))
            .collect();
        assert!(are_silent_ones_nobody(&talkative));
        let shy: Vec<_> = (0..40).map(|n| host(usize::from(n % 2 == 0))).collect();
        assert!(!are_silent_ones_nobody(&shy));
        // Nobody was met, or a few: that says nothing.
        assert!(!are_silent_ones_nobody(&[host(0), host(0)]));
        assert!(!are_silent_ones_nobody(&[host(4), host(5), host(0)]));
    }

    #[test]
    fn the_loss_says_how_many_ports_are_likely_unfound() {
        let loss = Loss {
            at_first: 980,
            later: 20,
        };
        assert!((loss.share() - 0.02).abs() < 1e-9);
        assert!(
            loss.unfound(500, 1) > 9.0 && loss.unfound(500, 2) > 0.1 && loss.unfound(500, 3) < 0.1
        );
        assert!(Loss::default().unfound(500, 1) < f64::EPSILON);
    }
}

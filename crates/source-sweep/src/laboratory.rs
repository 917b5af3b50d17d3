//! Without restraint, in networks that the ceiling file names as a laboratory: as fast as the link takes it.
//!
//! Two threads. One sends, in an order in which neighbours in time are not neighbours in the network; one hears. They share
//! two bits a question: answered, and open. A pass asks what is not answered; how long one waits for late answers comes from
//! the round trips that were measured. The kernel's own resets take accepted calls back.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use groma_source::frames::{Frame, FrameReceiver, FrameSender, WayOut, Wires};
use groma_source::manners::Manners;
use groma_source::{Disk, Window};

use crate::cookie::Key;
use crate::frame::{self, Arrived, Course};
use crate::polite::{Ended, Loss};

/// Frames at a call of the kernel.
const BATCH: usize = 64;
/// Ports of ours: the pass a question belongs to.
const OWN_PORT: u16 = 61_811;
/// Passes at most, and at least.
const PASSES_MAX: u16 = 6;
const PASSES_MIN: u16 = 2;
/// Open ports that may stay unfound.
const UNFOUND_MAX: f64 = 0.1;
/// How finely round trips are told, how many such steps, and which share of a hundred is nearly all.
const TRIP: Duration = Duration::from_millis(20);
const TRIPS: usize = 64;
const NEARLY_ALL: u64 = 95;
/// How long late answers are waited for: a multiple of a long round trip, between these.
const WAIT_MIN: Duration = Duration::from_millis(60);
const WAIT_MAX: Duration = Duration::from_millis(1_200);
const MOMENT: Duration = Duration::from_millis(20);
/// How long answers gather before they are read; the kernel keeps them meanwhile.
const COLLECTING: Duration = Duration::from_millis(2);

/// What is asked.
pub struct Field<'a> {
    /// Everybody, in order.
    pub addresses: &'a [IpAddr],
    /// Every port.
    pub ports: &'a [u16],
    /// Frames a second.
    pub rate: u32,
    /// The key of the sweep.
    pub key: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Found {
    /// Open ports.
    pub open: Vec<(IpAddr, u16)>,
    /// Addresses that refused, or accepted, themselves.
    pub met: Vec<IpAddr>,
    /// Frames sent.
    pub frames: u64,
    /// Passes made.
    pub passes: u8,
    /// What the way lost.
    pub loss: Loss,
    /// Answers the kernel had no room for.
    pub lost_in_kernel: u64,
    /// Why it ended early.
    pub ended: Option<Ended>,
}

/// Two bits a question.
pub(crate) struct Table {
    words: Vec<AtomicU64>,
    /// Answers by how long they took, in steps of [`TRIP`].
    trips: [AtomicU64; TRIPS],
    at_first: AtomicU64,
    later: AtomicU64,
    open: AtomicU64,
}

const ANSWERED: u64 = 1;
const OPEN: u64 = 2;

impl Table {
    pub(crate) fn new(questions: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            words: (0..questions.div_ceil(32)).map(|_| zero()).collect(),
            trips: std::array::from_fn(|_| zero()),
            at_first: zero(),
            later: zero(),
            open: zero(),
        }
    }

    pub(crate) fn of(&self, question: usize) -> u64 {
        let word = self
            .words
            .get(question / 32)
            .map_or(0, |word| word.load(Ordering::Relaxed));
        word >> ((question % 32) * 2) & 3
    }

    /// Adds bits; what was there before.
    fn add(&self, question: usize, bits: u64) -> u64 {
        let shift = (question % 32) * 2;
        let before = self
            .words
            .get(question / 32)
            .map_or(0, |word| word.fetch_or(bits << shift, Ordering::Relaxed));
        before >> shift & 3
    }

    /// Notes an answer; only the first counts.
    pub(crate) fn hears(&self, question: usize, accepts: bool, at_first: bool, after: Duration) {
        let before = self.add(question, if accepts { ANSWERED | OPEN } else { ANSWERED });
        if before & ANSWERED != 0 {
            return;
        }
        let count = if at_first {
            &self.at_first
        } else {
            &self.later
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(u64::from(accepts), Ordering::Relaxed);
        let step = usize::try_from(after.as_millis() / TRIP.as_millis()).unwrap_or(0);
        if let Some(trips) = self.trips.get(step.min(TRIPS - 1)) {
            trips.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_answered(&self, question: usize) -> bool {
        self.of(question) & ANSWERED != 0
    }

    /// A round trip longer than nearly all so far. What a host repeats by itself after a second says nothing of the way.
    pub(crate) fn long_trip(&self) -> Duration {
        let counts = self.trips.iter().map(|trips| trips.load(Ordering::Relaxed));
        let mut left = counts.clone().sum::<u64>() * NEARLY_ALL / 100;
        let steps = counts.take_while(|count| {
            let whole = *count < left;
            left = left.saturating_sub(*count);
            whole
        });
        let steps = u32::try_from(steps.count()).unwrap_or(0);
        TRIP * (steps + 1)
    }

    pub(crate) fn loss(&self) -> Loss {
        Loss {
            at_first: self.at_first.load(Ordering::Relaxed),
            later: self.later.load(Ordering::Relaxed),
        }
    }

    /// True while the loss that was met makes an unfound port likely.
    pub(crate) fn is_one_more_due(&self, passes: u16) -> bool {
        let open = self.open.load(Ordering::Relaxed);
        let passes = u8::try_from(passes).unwrap_or(u8::MAX);
        self.loss().unfound(open, passes) > UNFOUND_MAX
    }
}

/// Sweeps `field` over the link of `way`, with `router` as the next hop or the hosts' own hardware addresses.
///
/// # Errors
/// The right is not there, or the link is not.
pub fn sweep(
    field: &Field<'_>,
    way: &WayOut,
    wires: &dyn Wires,
    macs: &std::collections::BTreeMap<IpAddr, [u8; 6]>,
    within: (&Window, &dyn Disk, &Manners),
) -> io::Result<Found> {
    let ports: Vec<u16> = (0..PASSES_MAX).map(|pass| OWN_PORT + pass).collect();
    let (sender, receiver) = wires.open(way.interface, &frame::filter(&ports))?;
    let table = Table::new(field.addresses.len().saturating_mul(field.ports.len()));
    let over = AtomicBool::new(false);
    let window = within.0;
    let index = Index::of(field);
    let (sent, lost) = std::thread::scope(|scope| {
        let hearing = scope.spawn(|| hear(receiver, &index, &table, window, &over, Key(field.key)));
        let mut asking = Asking {
            field,
            way,
            macs,
            table: &table,
            sender,
            window,
            watch: Watch::new(within),
            frames: 0,
        };
        let sent = asking.all();
        over.store(true, Ordering::Relaxed);
        let lost = hearing.join().unwrap_or(Ok(0));
        (sent.map(|passes| (passes, asking.frames)), lost)
    });
    let (passes, frames, ended) = match sent {
        Ok((passes, frames)) => (passes, frames, None),
        Err(ended) => (0, 0, Some(ended)),
    };
    let mut found = index.found(field, &table);
    found.loss = table.loss();
    (found.passes, found.frames, found.ended) = (passes, frames, ended);
    found.lost_in_kernel = lost?;
    Ok(found)
}

/// Which question an answer is to.
pub(crate) struct Index<'a> {
    /// Place of each port, plus one; 0 for one that is not asked.
    ports: Vec<u32>,
    /// In order.
    hosts: &'a [IpAddr],
}

impl<'a> Index<'a> {
    pub(crate) fn of(field: &Field<'a>) -> Self {
        let mut ports = vec![0; 65_536];
        for (nth, port) in field.ports.iter().enumerate() {
            if let Some(place) = ports.get_mut(usize::from(*port)) {
                *place = u32::try_from(nth + 1).unwrap_or(0);
            }
        }
        Self {
            ports,
            hosts: field.addresses,
        }
    }

    fn question(&self, address: IpAddr, port: u16) -> Option<usize> {
        let nth = self.ports.get(usize::from(port)).copied()?.checked_sub(1)?;
        let host = self.hosts.binary_search(&address).ok()?;
        usize::try_from(nth)
            .ok()?
            .checked_mul(self.hosts.len())?
            .checked_add(host)
    }

    pub(crate) fn found(&self, field: &Field<'_>, table: &Table) -> Found {
        let mut found = Found::default();
        for (host, address) in field.addresses.iter().enumerate() {
            let mut met = false;
            for (nth, port) in field.ports.iter().enumerate() {
                let bits = table.of(nth * self.hosts.len() + host);
                met |= bits & ANSWERED != 0;
                if bits & OPEN != 0 {
                    found.open.push((*address, *port));
                }
            }
            if met {
                found.met.push(*address);
            }
        }
        found
    }
}

fn hear(
    mut receiver: Box<dyn FrameReceiver>,
    index: &Index<'_>,
    table: &Table,
    window: &Window,
    over: &AtomicBool,
    key: Key,
) -> io::Result<u64> {
    while !over.load(Ordering::Relaxed) {
        // Many at a time: woken for each answer it would take the processor from who asks.
        window.sleep(COLLECTING);
        receiver.receive(MOMENT, &mut |bytes| {
            let Some(Arrived::Segment {
                from,
                port,
                own_port,
                acknowledges,
                accepts,
            }) = frame::read(bytes)
            else {
                return;
            };
            // Of each by itself: an answer read before its question was sent would seem seconds old.
            let now = window.monotonic();
            let Some(question) = index.question(from, port) else {
                return;
            };
            let Some(after) = key.round_trip(from, port, acknowledges.wrapping_sub(1), now) else {
                return;
            };
            table.hears(question, accepts, own_port == OWN_PORT, after);
        })?;
    }
    Ok(receiver.lost())
}

/// The stop file, the maintenance window and the time given.
pub(crate) struct Watch<'a> {
    within: (&'a Window, &'a dyn Disk, &'a Manners),
    looked: Duration,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(within: (&'a Window, &'a dyn Disk, &'a Manners)) -> Self {
        let looked = Duration::ZERO;
        Self { within, looked }
    }

    pub(crate) fn held_back(&mut self) -> Result<(), Ended> {
        let (window, disk, manners) = self.within;
        if window.is_over() {
            return Err(Ended::Stopped);
        }
        let now = window.monotonic();
        if now < self.looked + Duration::from_millis(50) {
            return Ok(());
        }
        self.looked = now;
        let ceiling = manners.ceiling();
        if ceiling.is_stopped(disk) {
            return Err(Ended::StopFile);
        }
        match ceiling.is_open(window.now()) {
            true => Ok(()),
            false => Err(Ended::Closed),
        }
    }
}

struct Asking<'a> {
    field: &'a Field<'a>,
    way: &'a WayOut,
    macs: &'a std::collections::BTreeMap<IpAddr, [u8; 6]>,
    table: &'a Table,
    sender: Box<dyn FrameSender>,
    window: &'a Window,
    watch: Watch<'a>,
    frames: u64,
}

impl Asking<'_> {
    fn all(&mut self) -> Result<u8, Ended> {
        for pass in 0..PASSES_MAX {
            let begun = self.window.monotonic();
            let asked = self.pass(pass)?;
            if asked == 0 {
                return Ok(u8::try_from(pass).unwrap_or(u8::MAX));
            }
            // The next pass asks in the same order: it comes to each question as late as this one took.
            let spent = match pass + 1 < PASSES_MIN {
                true => self.window.monotonic().saturating_sub(begun),
                false => Duration::ZERO,
            };
            self.wait(spent)?;
            if pass + 1 >= PASSES_MIN && !self.table.is_one_more_due(pass + 1) {
                return Ok(u8::try_from(pass + 1).unwrap_or(u8::MAX));
            }
        }
        Ok(u8::try_from(PASSES_MAX).unwrap_or(u8::MAX))
    }

    /// Until no answer of this pass can be on its way any more, less what is `spent` anyhow before it is asked for again. Where all have answered, nobody is waited for.
    fn wait(&mut self, spent: Duration) -> Result<(), Ended> {
        let wait = self.table.long_trip().saturating_mul(3);
        let wait = wait.clamp(WAIT_MIN, WAIT_MAX);
        let end = self.window.monotonic() + wait.saturating_sub(spent);
        while self.window.monotonic() < end && !self.is_all_answered() {
            self.held_back()?;
            self.window.sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn is_all_answered(&self) -> bool {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let questions = self
            .field
            .addresses
            .len()
            .saturating_mul(self.field.ports.len());
        of(&self.table.at_first) + of(&self.table.later)
            >= u64::try_from(questions).unwrap_or(u64::MAX)
    }

    fn held_back(&mut self) -> Result<(), Ended> {
        self.watch.held_back()
    }

    /// Asks everything that is not answered; how much that was.
    fn pass(&mut self, pass: u16) -> Result<u64, Ended> {
        let (hosts, ports) = (self.field.addresses.len(), self.field.ports.len());
        let questions = hosts.saturating_mul(ports);
        let step = step(questions);
        let begin = self.window.monotonic();
        let (mut at, mut asked) = (0, 0_u64);
        let mut batch: Vec<Frame> = Vec::with_capacity(BATCH);
        let mut now = begin;
        for _ in 0..questions {
            at = (at + step) % questions;
            if !self.table.is_answered(at)
                && let (Some(to), Some(port)) = (
                    self.field.addresses.get(at % hosts),
                    self.field.ports.get(at / hosts),
                )
                && let Some(course) = self.course(*to)
            {
                let sequence = Key(self.field.key).sequence(*to, *port, now);
                batch.push(frame::syn(&course, OWN_PORT + pass, *port, sequence));
                if batch.len() == BATCH {
                    asked += self.flush(&mut batch)?;
                    self.pace(begin, asked)?;
                    now = self.window.monotonic();
                }
            }
        }
        asked += self.flush(&mut batch)?;
        Ok(asked)
    }

    fn course(&self, to: IpAddr) -> Option<Course> {
        let hop = self.way.router.unwrap_or(to);
        let from = (self.way.mac?, self.way.own);
        Course::new(from, (*self.macs.get(&hop)?, to))
    }

    fn flush(&mut self, batch: &mut Vec<Frame>) -> Result<u64, Ended> {
        let mut rest: &[Frame] = batch;
        while !rest.is_empty() {
            match self.sender.send(rest).map_err(Ended::Broke)? {
                0 => std::thread::yield_now(),
                sent => rest = rest.get(sent..).unwrap_or_default(),
            }
        }
        let sent = u64::try_from(batch.len()).unwrap_or(0);
        self.frames += sent;
        batch.clear();
        Ok(sent)
    }

    fn pace(&mut self, begin: Duration, asked: u64) -> Result<(), Ended> {
        self.held_back()?;
        let due = Duration::from_micros(
            asked.saturating_mul(1_000_000) / u64::from(self.field.rate.max(1)),
        );
        let ahead = due.saturating_sub(self.window.monotonic().saturating_sub(begin));
        if ahead > Duration::from_micros(500) {
            std::thread::sleep(ahead.min(MOMENT));
        }
        Ok(())
    }
}

/// A step that visits each of `count` questions once, far from the last.
pub(crate) fn step(count: usize) -> usize {
    let common = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let mut step = 2_654_435_761 % count.max(1);
    while common(step, count) != 1 {
        step += 1;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_visited_once() {
        for count in [1, 2, 7, 254, 25_400, 65_536] {
            let step = step(count);
            let mut seen = vec![false; count];
            let mut at = 0;
            for _ in 0..count {
                at = (at + step) % count;
                assert!(!std::mem::replace(&mut seen[at], true), "{count}");
            }
        }
    }

    #[test]
    fn a_long_trip_is_that_of_nearly_all_and_not_of_what_a_host_repeats() {
        let table = Table::new(1_000);
        assert_eq!(table.long_trip(), TRIP);
        for question in 0..100 {
            table.hears(question, true, true, Duration::from_millis(45));
        }
        table.hears(200, true, true, Duration::from_millis(1_010));
        assert_eq!(table.long_trip(), Duration::from_millis(60));
        assert!(table.is_answered(200) && !table.is_answered(201));
    }

    #[test]
    fn two_bits_hold_what_was_heard() {
        let table = Table::new(100);
        assert_eq!(table.add(33, ANSWERED), 0);
        assert_eq!(table.add(33, ANSWERED | OPEN), ANSWERED);
        assert_eq!((table.of(32), table.of(33), table.of(34)), (0, 3, 0));
    }
}

//! Without restraint, in networks that the ceiling file names as a laboratory: as fast as the link takes it.
//!
//! Two threads. One sends, in an order in which neighbours in time are not neighbours in the network; one hears. They share
//! two bits a question: answered, and open. A pass asks what is not answered; how long one waits for late answers comes from
//! the round trips that were measured. The kernel's own resets take accepted calls back.

use std::io;
use std::net::Ipv4Addr;
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
/// How long late answers are waited for: a multiple of the longest round trip, between these.
const WAIT_MIN: Duration = Duration::from_millis(60);
const WAIT_MAX: Duration = Duration::from_millis(1_200);
const MOMENT: Duration = Duration::from_millis(20);

/// What is asked.
pub struct Field<'a> {
    /// Everybody.
    pub addresses: &'a [Ipv4Addr],
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
    pub open: Vec<(Ipv4Addr, u16)>,
    /// Addresses that refused, or accepted, themselves.
    pub met: Vec<Ipv4Addr>,
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
struct Table {
    words: Vec<AtomicU64>,
    /// Longest round trip so far, in milliseconds.
    longest: AtomicU64,
    at_first: AtomicU64,
    later: AtomicU64,
    open: AtomicU64,
}

const ANSWERED: u64 = 1;
const OPEN: u64 = 2;

impl Table {
    fn new(questions: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            words: (0..questions.div_ceil(32)).map(|_| zero()).collect(),
            longest: zero(),
            at_first: zero(),
            later: zero(),
            open: zero(),
        }
    }

    fn of(&self, question: usize) -> u64 {
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
}

/// Sweeps `field` over the link of `way`, with `router` as the next hop or the hosts' own hardware addresses.
///
/// # Errors
/// The right is not there, or the link is not.
pub fn sweep(
    field: &Field<'_>,
    way: &WayOut,
    wires: &dyn Wires,
    macs: &std::collections::BTreeMap<Ipv4Addr, [u8; 6]>,
    within: (&Window, &dyn Disk, &Manners),
) -> io::Result<Found> {
    let ports: Vec<u16> = (0..PASSES_MAX).map(|pass| OWN_PORT + pass).collect();
    let (sender, receiver) = wires.open(way.interface, &frame::filter(&ports))?;
    let table = Table::new(field.addresses.len().saturating_mul(field.ports.len()));
    let over = AtomicBool::new(false);
    let (window, disk, manners) = within;
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
            disk,
            manners,
            frames: 0,
            looked: Duration::ZERO,
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
    found.loss = Loss {
        at_first: table.at_first.load(Ordering::Relaxed),
        later: table.later.load(Ordering::Relaxed),
    };
    (found.passes, found.frames, found.ended) = (passes, frames, ended);
    found.lost_in_kernel = lost?;
    Ok(found)
}

/// Which question an answer is to.
struct Index {
    /// Place of each port, plus one; 0 for one that is not asked.
    ports: Vec<u32>,
    hosts: std::collections::HashMap<Ipv4Addr, usize>,
    count: usize,
}

impl Index {
    fn of(field: &Field<'_>) -> Self {
        let mut ports = vec![0; 65_536];
        for (nth, port) in field.ports.iter().enumerate() {
            if let Some(place) = ports.get_mut(usize::from(*port)) {
                *place = u32::try_from(nth + 1).unwrap_or(0);
            }
        }
        let hosts = field.addresses.iter().enumerate().map(|(n, a)| (*a, n));
        Self {
            ports,
            hosts: hosts.collect(),
            count: field.addresses.len(),
        }
    }

    fn question(&self, address: Ipv4Addr, port: u16) -> Option<usize> {
        let nth = self.ports.get(usize::from(port)).copied()?.checked_sub(1)?;
        let host = *self.hosts.get(&address)?;
        usize::try_from(nth)
            .ok()?
            .checked_mul(self.count)?
            .checked_add(host)
    }

    fn found(&self, field: &Field<'_>, table: &Table) -> Found {
        let mut found = Found::default();
        for (host, address) in field.addresses.iter().enumerate() {
            let mut met = false;
            for (nth, port) in field.ports.iter().enumerate() {
                let bits = table.of(nth * self.count + host);
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
    index: &Index,
    table: &Table,
    window: &Window,
    over: &AtomicBool,
    key: Key,
) -> io::Result<u64> {
    while !over.load(Ordering::Relaxed) {
        let mut now = None;
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
            let now = *now.get_or_insert_with(|| window.monotonic());
            let Some(question) = index.question(from, port) else {
                return;
            };
            let Some(after) = key.round_trip(from, port, acknowledges.wrapping_sub(1), now) else {
                return;
            };
            let before = table.add(question, if accepts { ANSWERED | OPEN } else { ANSWERED });
            if before & ANSWERED != 0 {
                return;
            }
            let again = own_port != OWN_PORT;
            let count = if again { &table.later } else { &table.at_first };
            count.fetch_add(1, Ordering::Relaxed);
            table.open.fetch_add(u64::from(accepts), Ordering::Relaxed);
            let after = u64::try_from(after.as_millis()).unwrap_or(0);
            table.longest.fetch_max(after, Ordering::Relaxed);
        })?;
    }
    Ok(receiver.lost())
}

struct Asking<'a> {
    field: &'a Field<'a>,
    way: &'a WayOut,
    macs: &'a std::collections::BTreeMap<Ipv4Addr, [u8; 6]>,
    table: &'a Table,
    sender: Box<dyn FrameSender>,
    window: &'a Window,
    disk: &'a dyn Disk,
    manners: &'a Manners,
    frames: u64,
    looked: Duration,
}

impl Asking<'_> {
    fn all(&mut self) -> Result<u8, Ended> {
        for pass in 0..PASSES_MAX {
            let asked = self.pass(pass)?;
            if asked == 0 {
                return Ok(u8::try_from(pass).unwrap_or(u8::MAX));
            }
            self.wait()?;
            if pass + 1 >= PASSES_MIN && !self.is_one_more_due(pass + 1) {
                return Ok(u8::try_from(pass + 1).unwrap_or(u8::MAX));
            }
        }
        Ok(u8::try_from(PASSES_MAX).unwrap_or(u8::MAX))
    }

    fn is_one_more_due(&self, passes: u16) -> bool {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let loss = Loss {
            at_first: of(&self.table.at_first),
            later: of(&self.table.later),
        };
        let open = of(&self.table.open);
        loss.unfound(open, u8::try_from(passes).unwrap_or(u8::MAX)) > UNFOUND_MAX
    }

    /// Until no answer of this pass can be on its way any more. Where all have answered, nobody is waited for.
    fn wait(&mut self) -> Result<(), Ended> {
        let longest = Duration::from_millis(self.table.longest.load(Ordering::Relaxed));
        let wait = longest.saturating_mul(3).clamp(WAIT_MIN, WAIT_MAX);
        let end = self.window.monotonic() + wait;
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
        if self.window.is_over() {
            return Err(Ended::Stopped);
        }
        let now = self.window.monotonic();
        if now < self.looked + Duration::from_millis(50) {
            return Ok(());
        }
        self.looked = now;
        let ceiling = self.manners.ceiling();
        if ceiling.is_stopped(self.disk) {
            return Err(Ended::StopFile);
        }
        match ceiling.is_open(self.window.now()) {
            true => Ok(()),
            false => Err(Ended::Closed),
        }
    }

    /// Asks everything that is not answered; how much that was.
    fn pass(&mut self, pass: u16) -> Result<u64, Ended> {
        let (hosts, ports) = (self.field.addresses.len(), self.field.ports.len());
        let questions = hosts.saturating_mul(ports);
        let step = step(questions);
        let begin = self.window.monotonic();
        let (mut at, mut asked) = (0, 0_u64);
        let mut batch: Vec<Frame> = Vec::with_capacity(BATCH);
        for _ in 0..questions {
            at = (at + step) % questions;
            if self.table.of(at) & ANSWERED == 0
                && let (Some(to), Some(port)) = (
                    self.field.addresses.get(at % hosts),
                    self.field.ports.get(at / hosts),
                )
                && let Some(course) = self.course(*to)
            {
                let sequence = Key(self.field.key).sequence(*to, *port, self.window.monotonic());
                batch.push(frame::syn(&course, OWN_PORT + pass, *port, sequence));
                if batch.len() == BATCH {
                    asked += self.flush(&mut batch)?;
                    self.pace(begin, asked)?;
                }
            }
        }
        asked += self.flush(&mut batch)?;
        Ok(asked)
    }

    fn course(&self, to: Ipv4Addr) -> Option<Course> {
        let hop = self.way.router.unwrap_or(to);
        Some(Course {
            to_mac: *self.macs.get(&hop)?,
            from_mac: self.way.mac?,
            from: self.way.own,
            to,
        })
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
fn step(count: usize) -> usize {
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
    fn two_bits_hold_what_was_heard() {
        let table = Table::new(100);
        assert_eq!(table.add(33, ANSWERED), 0);
        assert_eq!(table.add(33, ANSWERED | OPEN), ANSWERED);
        assert_eq!((table.of(32), table.of(33), table.of(34)), (0, 3, 0));
    }
}

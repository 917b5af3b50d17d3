//! Without restraint, by connections of the kernel: in a laboratory, for who has no right to frames of its own.
//!
//! As many calls are under way as the table has room for. A call nobody answers within a few of the long round trips that
//! were measured is given up, before the kernel would repeat it; later passes ask again, and what came only to them is the loss.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use groma_source::frames::{CallEnd, Calls};
use groma_source::manners::Manners;
use groma_source::{Disk, Window};

use crate::call::Scopes;
use crate::laboratory::{Field, Found, Index, Table, Watch, step};
use crate::polite::Ended;

const PASSES_MAX: u16 = 6;
const PASSES_MIN: u16 = 2;
/// How long a call may stay unanswered: so many times a long round trip, between these. The kernel repeats it after 1 s.
const TRIPS: u32 = 4;
const PATIENCE_MIN: Duration = Duration::from_millis(200);
const PATIENCE_MAX: Duration = Duration::from_millis(950);
/// Calls between two looks at what came.
const STRIDE: usize = 64;
const MOMENT: Duration = Duration::from_millis(5);

/// Sweeps `field` by `calls`.
pub fn sweep(
    field: &Field<'_>,
    scopes: &Scopes,
    calls: Box<dyn Calls>,
    within: (&Window, &dyn Disk, &Manners),
) -> Found {
    let table = Table::new(field.addresses.len().saturating_mul(field.ports.len()));
    let index = Index::of(field);
    let mut asking = Asking {
        field,
        scopes,
        table: &table,
        calls,
        window: within.0,
        watch: Watch::new(within),
        under_way: VecDeque::new(),
        open: 0,
        asked: 0,
        begun: within.0.monotonic(),
    };
    let done = asking.all();
    let frames = asking.asked;
    let mut found = index.found(field, &table);
    found.loss = table.loss();
    found.frames = frames;
    match done {
        Ok(passes) => found.passes = passes,
        Err(ended) => found.ended = Some(ended),
    }
    found
}

/// A call says of itself which question it is and when it was made, in milliseconds: nothing else is kept for it.
const QUESTION_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << (64 - QUESTION_BITS)) - 1;

fn token(question: usize, now: Duration) -> u64 {
    let at = u64::try_from(now.as_millis()).unwrap_or(0) & TIME_MASK;
    at << QUESTION_BITS | u64::try_from(question).unwrap_or(0) & !(u64::MAX << QUESTION_BITS)
}

fn question_of(token: u64) -> usize {
    usize::try_from(token & !(u64::MAX << QUESTION_BITS)).unwrap_or(usize::MAX)
}

fn age(token: u64, now: Duration) -> Duration {
    let now = u64::try_from(now.as_millis()).unwrap_or(0);
    Duration::from_millis(now.wrapping_sub(token >> QUESTION_BITS) & TIME_MASK)
}

struct Asking<'a> {
    field: &'a Field<'a>,
    scopes: &'a Scopes,
    table: &'a Table,
    calls: Box<dyn Calls>,
    window: &'a Window,
    watch: Watch<'a>,
    /// Until when each is waited for, in the order in which they were made.
    under_way: VecDeque<(Duration, u64)>,
    /// Calls that have not ended.
    open: usize,
    asked: u64,
    begun: Duration,
}

impl Asking<'_> {
    fn all(&mut self) -> Result<u8, Ended> {
        for pass in 0..PASSES_MAX {
            let asked = self.pass(pass)?;
            let due = pass + 1 < PASSES_MIN || self.table.is_one_more_due(pass + 1);
            if asked == 0 || !due {
                return Ok(u8::try_from(pass + 1).unwrap_or(u8::MAX));
            }
        }
        Ok(u8::try_from(PASSES_MAX).unwrap_or(u8::MAX))
    }

    /// Calls at every question that is not answered; how many those were.
    fn pass(&mut self, pass: u16) -> Result<u64, Ended> {
        let questions = self.field.addresses.len() * self.field.ports.len();
        let step = step(questions);
        let (mut at, begun) = (0, self.asked);
        for nth in 0..questions {
            at = (at + step) % questions;
            if nth.is_multiple_of(STRIDE) {
                self.watch.held_back()?;
                self.hear(pass, Duration::ZERO)?;
                self.pace()?;
            }
            if !self.table.is_answered(at) {
                self.call(at, pass)?;
            }
        }
        while self.open > 0 {
            self.watch.held_back()?;
            self.hear(pass, MOMENT)?;
        }
        self.under_way.clear();
        Ok(self.asked - begun)
    }

    fn pace(&self) -> Result<(), Ended> {
        let due = self.asked.saturating_mul(1_000_000) / u64::from(self.field.rate.max(1));
        let ahead =
            (self.begun + Duration::from_micros(due)).saturating_sub(self.window.monotonic());
        if ahead > Duration::from_millis(1) {
            self.window.sleep(ahead.min(MOMENT));
        }
        Ok(())
    }

    fn call(&mut self, question: usize, pass: u16) -> Result<(), Ended> {
        let hosts = self.field.addresses.len();
        let (Some(to), Some(port)) = (
            self.field.addresses.get(question % hosts),
            self.field.ports.get(question / hosts),
        ) else {
            return Ok(());
        };
        let door = self.scopes.door(*to, *port);
        loop {
            let now = self.window.monotonic();
            let token = token(question, now);
            let room = self.open < self.calls.room();
            let called = match room {
                true => self.calls.call(door, token),
                false => Err(io::ErrorKind::WouldBlock.into()),
            };
            match called {
                Ok(()) => {
                    self.open += 1;
                    self.asked += 1;
                    self.under_way.push_back((now + self.patience(), token));
                    return Ok(());
                }
                Err(error) => match error.kind() {
                    // No place, port or memory free: others must end first.
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::AddrNotAvailable
                    | io::ErrorKind::OutOfMemory
                        if self.open > 0 =>
                    {
                        self.watch.held_back()?;
                        self.hear(pass, MOMENT)?;
                    }
                    io::ErrorKind::ConnectionRefused => {
                        self.table.hears(question, false, pass == 0, Duration::ZERO);
                        return Ok(());
                    }
                    // A filter forbids it, or there is no way: nobody was met.
                    io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::PermissionDenied => return Ok(()),
                    _ => return Err(Ended::Broke(error)),
                },
            }
        }
    }

    fn patience(&self) -> Duration {
        let trips = self.table.long_trip().saturating_mul(TRIPS);
        trips.clamp(PATIENCE_MIN, PATIENCE_MAX)
    }

    /// What ended; and what is waited for no longer.
    fn hear(&mut self, pass: u16, wait: Duration) -> Result<(), Ended> {
        let (table, window, open) = (self.table, self.window, &mut self.open);
        let heard = self.calls.ended(wait, &mut |token, end| {
            *open = open.saturating_sub(1);
            let accepts = match end {
                CallEnd::Accepted => true,
                CallEnd::Refused => false,
                CallEnd::Unreachable | CallEnd::Failed => return,
            };
            let after = age(token, window.monotonic()).min(PATIENCE_MAX);
            table.hears(question_of(token), accepts, pass == 0, after);
        });
        heard.map_err(Ended::Broke)?;
        let now = window.monotonic();
        while let Some((until, token)) = self.under_way.front().copied() {
            let answered = table.is_answered(question_of(token));
            if !answered && until > now {
                return Ok(());
            }
            if !answered && self.calls.give_up(token) {
                self.open = self.open.saturating_sub(1);
            }
            self.under_way.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_its_question_and_its_age() {
        let made = Duration::from_secs(40_000);
        for question in [0, 7, 65_535 * 65_536] {
            let token = token(question, made);
            assert_eq!(question_of(token), question);
            let age = age(token, made + Duration::from_millis(250));
            assert_eq!(age, Duration::from_millis(250));
        }
    }
}

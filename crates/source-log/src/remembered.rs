//! What files told at the last look, so that only what was added to them since is read.
//!
//! Evidence of a log is what all of it tells: first, last and how often, each time anew (see docs/decisions/0042). So what
//! is kept is not a place in a file alone but all the file told up to there, and every look tells the whole: nothing is
//! lost with a batch that never arrives, and nothing is counted twice. The lines are understood by the rest of the machine
//! (its zone, its name, its settings); if any of that changed, nothing kept is believed.
//!
//! Only what a batch may hold is kept, and of sessions and messages that are still open what one would: no line of a log, no
//! address of a sender or recipient, no name that somebody only typed, no account of somebody outside or of a client that lets
//! people log on, and no stranger who cannot be told. What waits for an older file to tell its client keeps its account.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use groma_source::{Disk, Doubt, Memory, Sink};
use serde::{Deserialize, Serialize};

use crate::listen::Reading;
use crate::part::{Before, Mark, Outcome, Part};
use crate::read::{Logs, Surroundings};

const SCHEMA: &str = "groma.memory.log/4";
/// All lines together; a file that tells more is read again at the next look.
const BYTES_MAX: usize = 16 << 20;
/// One line.
const LINE_MAX: usize = 1 << 20;
/// Begins the last line, which says how many stand before it.
const END: &str = "end ";

/// What everything kept depends on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Basis {
    schema: String,
    program: String,
    around: u64,
}

impl Basis {
    pub(crate) fn new(memory: &Memory, around: &Surroundings) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(format!("{around:?}").as_bytes());
        Self {
            schema: SCHEMA.to_owned(),
            program: memory.program.clone(),
            around: hasher.finish(),
        }
    }
}

/// The line before those of one file.
#[derive(Serialize, Deserialize)]
struct Head {
    log: String,
    mark: Mark,
    outcome: Outcome,
    /// How many lines what it told has.
    lines: usize,
}

/// Hands over what is to be kept.
pub(crate) fn keep(logs: &mut Logs, basis: &Basis, sink: &mut dyn Sink) {
    let mut out = Keeping {
        sink,
        bytes: 0,
        lines: 0,
    };
    out.line(serde_json::to_string(basis).unwrap_or_default());
    for log in &mut logs.logs {
        let Some(path) = log.family.path.to_str() else {
            continue;
        };
        for part in &mut log.parts {
            part.reading.settle();
            out.part(path, part);
        }
    }
    let end = format!("{END}{}", out.lines);
    out.line(end);
}

struct Keeping<'s> {
    sink: &'s mut dyn Sink,
    bytes: usize,
    lines: usize,
}

impl Keeping<'_> {
    fn part(&mut self, log: &str, part: &Part) {
        let Some(mark) = &part.mark else { return };
        let Ok(told) = serde_json::to_string(&part.reading) else {
            return;
        };
        let pieces = pieces(&told);
        let head = serde_json::to_string(&Head {
            log: log.to_owned(),
            mark: mark.clone(),
            outcome: part.outcome.clone(),
            lines: pieces.len(),
        });
        let Ok(head) = head else { return };
        let room = BYTES_MAX.saturating_sub(self.bytes + LINE_MAX);
        if head.len() + told.len() + pieces.len() > room {
            return;
        }
        self.line(head);
        pieces
            .into_iter()
            .for_each(|piece| self.line(piece.to_owned()));
    }

    fn line(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines += 1;
        self.sink.keeps(line);
    }
}

/// `text` in pieces no longer than a line. JSON has no end of line in it.
fn pieces(text: &str) -> Vec<&str> {
    let (mut rest, mut out) = (text, Vec::new());
    while rest.len() > LINE_MAX {
        let cut = (0..=LINE_MAX).rev().find(|at| rest.is_char_boundary(*at));
        let (piece, behind) = rest.split_at(cut.unwrap_or(rest.len()));
        out.push(piece);
        rest = behind;
    }
    out.push(rest);
    out
}

/// What was kept at the last look. What was cut off anywhere is doubtful as a whole.
pub(crate) fn recall(disk: &dyn Disk, memory: &Memory, basis: &Basis) -> Result<Before, Doubt> {
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = memory.read(disk, limit)?;
    parse(&bytes, basis).ok_or(Doubt::Nothing)
}

fn parse(bytes: &[u8], basis: &Basis) -> Option<Before> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.strip_suffix('\n')?;
    let (before, last) = body.rsplit_once('\n')?;
    let said: usize = last.strip_prefix(END)?.parse().ok()?;
    let mut lines = before.split('\n');
    if before.split('\n').count() != said
        || serde_json::from_str::<Basis>(lines.next()?).ok()? != *basis
    {
        return None;
    }
    let mut out = Before::default();
    while let Some(line) = lines.next() {
        let head: Head = serde_json::from_str(line).ok()?;
        let told: String = lines.by_ref().take(head.lines).collect();
        // One file that says what we do not know is read again.
        let Ok(reading) = serde_json::from_str::<Reading>(&told) else {
            continue;
        };
        let part = Part {
            mark: Some(head.mark),
            outcome: head.outcome,
            reading,
        };
        out.keep(Path::new(&head.log), part);
    }
    Some(out)
}

#[cfg(test)]
mod tests;

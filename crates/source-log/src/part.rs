//! What one file told, and how far that is: a look goes on there instead of reading it again.
//!
//! A log is told from another one by what it holds, not by its name: rotation renames it, copies it, cuts it off or packs it, and
//! a number of a file is used again. So some pieces of what was read are remembered as one sum: the begin, the end, and places
//! between. A file that holds the same up to there goes on there, whatever it is called; any other one is read from its begin.
//! One nobody touched (see [`Stamp`]) is not even opened.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use groma_model::{Reason, Timestamp};
use groma_source::{OpenFile, Stamp};
use serde::{Deserialize, Serialize};

use crate::family::Member;
use crate::listen::Reading;
use crate::{journal, lines};

/// One piece that is compared, and how many there are between the first and the last.
const PIECE: u64 = 512;
const PIECES: u64 = 32;
/// A change this recent may be followed by one that cannot be told from it.
const RACY_MS: i64 = 2_000;

/// How far a file was read, and what it held there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Bytes of a text file, entries of a journal.
    taken: u64,
    /// How long the file was, and when it was written last, in seconds since 1970.
    bytes: u64,
    modified: i64,
    /// What sets its begin apart.
    begin: u64,
    /// What sets all of it apart that was taken.
    sum: u64,
    /// What tells that nobody touched it since; `None` if that cannot be told.
    stamp: Option<[i64; 5]>,
}

impl Mark {
    /// Of a file that was read up to `taken`. `None` if nothing was, or it is no longer there.
    pub(crate) fn of(
        file: &dyn OpenFile,
        member: &Member,
        taken: u64,
        now: Timestamp,
    ) -> Option<Self> {
        let begin = begin(file, taken)?;
        let sum = sum(file, taken)?;
        Some(Self {
            taken,
            bytes: file.metadata().bytes,
            modified: file.metadata().modified,
            begin,
            sum,
            stamp: settled(member, file.metadata().bytes, now),
        })
    }

    /// Of a journal.
    pub(crate) fn of_journal(
        journal: &mut journal::Journal,
        member: &Member,
        taken: u64,
        now: Timestamp,
    ) -> Option<Self> {
        Some(Self {
            taken,
            bytes: member.bytes,
            modified: member.modified.millis() / 1_000,
            begin: journal.id(),
            sum: journal.entry_sum(taken.checked_sub(1)?)?,
            stamp: settled(member, member.bytes, now),
        })
    }

    /// How far the file was read.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// True if nobody touched the file since.
    fn is_untouched(&self, member: &Member) -> bool {
        self.stamp.is_some() && self.stamp == member.stamp.map(plain)
    }

    /// True if `file` holds what was read, and goes on there. One of the same length that was written since may hold something
    /// else in between, and is read again.
    fn goes_on_in(&self, file: &dyn OpenFile) -> bool {
        let bytes = file.metadata().bytes;
        let rewritten = bytes == self.bytes && file.metadata().modified != self.modified;
        let grew_packed = bytes != self.taken && lines::is_packed(file);
        self.taken <= bytes
            && !rewritten
            && !grew_packed
            && begin(file, self.taken) == Some(self.begin)
            && sum(file, self.taken) == Some(self.sum)
    }

    fn goes_on_in_journal(&self, journal: &mut journal::Journal) -> bool {
        let last = self.taken.checked_sub(1);
        self.begin == journal.id()
            && last.and_then(|last| journal.entry_sum(last)) == Some(self.sum)
    }
}

/// True for one file at two moments between which nobody wrote to it; it may have been renamed.
fn is_unchanged(one: &Member, other: &Member) -> bool {
    let identity = |member: &Member| member.stamp.map(|stamp| stamp.identity);
    let same_file = match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.path == other.path,
    };
    let written = |member: &Member| member.stamp.map(|stamp| stamp.modified);
    same_file
        && (one.bytes, one.modified) == (other.bytes, other.modified)
        && written(one) == written(other)
}

/// Device, inode, size, last write and last change in nanoseconds.
fn plain(stamp: Stamp) -> [i64; 5] {
    let bits = |number: u64| i64::from_ne_bytes(number.to_ne_bytes());
    let (device, inode) = stamp.identity;
    [
        bits(device),
        bits(inode),
        bits(stamp.bytes),
        stamp.modified,
        stamp.changed,
    ]
}

/// The stamp of a file that changed long enough ago to show the next change.
fn settled(member: &Member, bytes: u64, now: Timestamp) -> Option<[i64; 5]> {
    let stamp = member.stamp.filter(|stamp| stamp.bytes == bytes)?;
    let recent = stamp.changed.max(stamp.modified) / 1_000_000 > now.millis() - RACY_MS;
    (!recent).then(|| plain(stamp))
}

fn begin(file: &dyn OpenFile, taken: u64) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    piece(file, 0, taken.min(PIECE), &mut hasher)?;
    Some(hasher.finish())
}

/// Of the pieces of what was taken; of a short file, of all.
fn sum(file: &dyn OpenFile, taken: u64) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(taken);
    let length = taken.min(PIECE);
    let last = taken - length;
    for turn in 0..=PIECES {
        let at = u128::from(last) * u128::from(turn) / u128::from(PIECES);
        piece(file, u64::try_from(at).ok()?, length, &mut hasher)?;
    }
    Some(hasher.finish())
}

fn piece(file: &dyn OpenFile, at: u64, length: u64, hasher: &mut DefaultHasher) -> Option<()> {
    let mut room = [0; PIECE as usize];
    let room = room.get_mut(..usize::try_from(length).ok()?)?;
    let got = file.read_at(at, room).ok()?;
    (got == room.len()).then(|| hasher.write(room))
}

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Its lines were read.
    Lines(lines::Told),
    /// Its entries were.
    Journal(journal::Told),
    /// It was not begun: the bytes or the time of the look were used up.
    Left,
    /// It cannot be opened.
    Closed(Reason),
    /// It cannot be read, or not to its end.
    Broken(Reason),
}

/// What one file told.
#[derive(Debug)]
pub(crate) struct Part {
    /// `None` if it has to be read again.
    pub(crate) mark: Option<Mark>,
    pub(crate) outcome: Outcome,
    pub(crate) reading: Reading,
}

impl Part {
    /// A file nothing of which was read.
    pub(crate) fn without(outcome: Outcome) -> Self {
        Self {
            mark: None,
            outcome,
            reading: Reading::default(),
        }
    }

    /// The same of a file of which nothing more is to come.
    pub(crate) fn read_to_end(mut self) -> Self {
        if let Outcome::Lines(told) = &mut self.outcome {
            (told.stopped, told.cut) = (false, false);
        }
        self
    }

    /// True if this tells more than `other`, another reading of the same file: that one was not begun, or stopped before.
    pub(crate) fn came_further_than(&self, other: &Self) -> bool {
        match (&self.outcome, &other.outcome) {
            (Outcome::Left | Outcome::Closed(_), _) => false,
            (_, Outcome::Left | Outcome::Closed(_)) => true,
            (Outcome::Lines(one), Outcome::Lines(other)) => {
                other.stopped && one.bytes > other.bytes
            }
            // What cannot be unpacked to its end breaks at the same place again, unless the time is over before.
            (Outcome::Broken(_), Outcome::Lines(other)) => other.stopped,
            _ => false,
        }
    }

    /// True if there is nothing more to read where nobody touched the file.
    fn is_whole(&self) -> bool {
        match &self.outcome {
            Outcome::Lines(told) => !told.stopped,
            Outcome::Journal(told) => !told.stopped,
            _ => false,
        }
    }
}

/// What files told before, by the log they are of. Also what is kept of it: see [`crate::remembered`].
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// What goes on where it ended.
    marked: BTreeMap<PathBuf, Vec<Part>>,
    /// What has to be read again from its begin, by the file as it was: a packed one that was not unpacked to its end.
    unfinished: Vec<(Member, Part)>,
}

impl Before {
    /// Puts what a file of `log` told.
    pub(crate) fn put(&mut self, log: &Path, member: Member, part: Part) {
        match part.outcome {
            Outcome::Left | Outcome::Closed(_) => {}
            _ if part.mark.is_none() => self.unfinished.push((member, part)),
            _ => self.keep(log, part),
        }
    }

    /// Puts what a file of `log` told that goes on where it ended.
    pub(crate) fn keep(&mut self, log: &Path, part: Part) {
        if part.mark.is_some() {
            self.marked.entry(log.to_owned()).or_default().push(part);
        }
    }

    /// What the file told that has to be read again, if nobody changed it since, under whatever name.
    pub(crate) fn unfinished(&mut self, member: &Member) -> Option<Part> {
        let mut known = self.unfinished.iter();
        let at = known.position(|(known, _)| is_unchanged(known, member))?;
        Some(self.unfinished.swap_remove(at).1)
    }

    /// What the file told, if nobody touched it since.
    pub(crate) fn untouched(&mut self, log: &Path, member: &Member) -> Option<Part> {
        self.take(log, |part, mark| {
            part.is_whole() && mark.is_untouched(member)
        })
    }

    /// What the file told up to where it goes on.
    pub(crate) fn begun(&mut self, log: &Path, file: &dyn OpenFile) -> Option<Part> {
        self.take(log, |part, mark| {
            matches!(part.outcome, Outcome::Lines(_)) && mark.goes_on_in(file)
        })
    }

    /// The same of a journal.
    pub(crate) fn begun_journal(
        &mut self,
        log: &Path,
        journal: &mut journal::Journal,
    ) -> Option<Part> {
        self.take(log, |part, mark| {
            let sound = matches!(&part.outcome, Outcome::Journal(told) if told.damaged == 0);
            sound && mark.goes_on_in_journal(journal)
        })
    }

    /// The logs there is something of.
    #[cfg(test)]
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Path> {
        self.marked.keys().map(PathBuf::as_path)
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.marked.values().flatten()
    }

    #[cfg(test)]
    pub(crate) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.marked.into_values().flatten()
    }

    fn take(&mut self, log: &Path, mut fits: impl FnMut(&Part, &Mark) -> bool) -> Option<Part> {
        let parts = self.marked.get_mut(log)?;
        let furthest = parts
            .iter()
            .enumerate()
            .filter_map(|(at, part)| Some((at, part, part.mark.as_ref()?)))
            .filter(|(_, part, mark)| fits(part, mark))
            .max_by_key(|(_, _, mark)| mark.taken);
        let at = furthest?.0;
        Some(parts.swap_remove(at))
    }
}

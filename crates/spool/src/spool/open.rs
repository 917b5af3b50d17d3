//! Starting, whatever lies there.
//!
//! First every segment is read once. Then what is no whole frame is judged: already told, a torn tail, or damage. Then the new
//! losses are made durable, and only behind that are files put aside or removed: a crash in between finds the same again, and
//! knows by the record that it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::judge::{Scan, judge, scan};
use super::{Segment, Spool};
use crate::disk::SpoolDisk;
use crate::error::OpenError;
use crate::layout::{
    ASIDE, HeaderFound, Previous, SEGMENT_BYTES_MAX, SEGMENT_HEADER, SEGMENT_NUMBER_END,
    SegmentHeader, segment_number,
};
use crate::limits::Limits;
use crate::loss::{Loss, Reason};
use crate::scan::Reader;
use crate::watermark::{FILE_NEW, Place, Watermark};

/// A file that has a segment's name.
pub(super) struct Found {
    file: String,
    pub(super) name: u64,
    pub(super) length: u64,
    pub(super) header: HeaderFound,
    /// Whether the disk would tell length and header.
    pub(super) known: bool,
}

/// Files by what they are.
#[derive(Default)]
struct Arranged {
    segments: BTreeMap<u64, Found>,
    /// Files whose place is taken, or whose format is another: nothing in them can be read.
    useless: Vec<(Found, Reason)>,
    /// Numbers that must not be used again.
    highest: u64,
    aside: Vec<String>,
}

impl Spool {
    /// Opens the spool in a directory, whatever lies in it, and tells what was lost since it was last open.
    ///
    /// Damage is skipped and told, never fatal; each [`Loss`] is also kept as a frame, so that it reaches the collector like
    /// any other. Only a directory that cannot be listed is an error, and trying again later is the remedy. Where losses
    /// cannot be written (a full disk) they wait in memory, and what shows them stays on the disk.
    pub fn open(
        mut disk: Box<dyn SpoolDisk>,
        limits: Limits,
    ) -> Result<(Self, Vec<Loss>), OpenError> {
        let names = disk.list().map_err(OpenError)?;
        let mut arranged = arrange(disk.as_mut(), names);
        let mark = Watermark::read(disk.as_mut())
            .filter(|m| m.place.segment < SEGMENT_NUMBER_END)
            .map(|m| believed(disk.as_mut(), &arranged.segments, m));
        let scans = scan_all(disk.as_mut(), &arranged.segments, mark);
        let judged = judge(
            &arranged.segments,
            scans,
            mark.map(|m| m.place),
            &arranged.useless_ones(),
        );
        let highest = arranged.highest.max(mark.map_or(0, |m| m.place.segment));
        let mut spool = Self::empty(disk, limits.bounded(), highest + 1);
        spool.take_over(
            &mut arranged.segments,
            &judged.scans,
            &judged.worthless,
            mark,
        );
        spool.newest = judged.newest;
        spool.identity = judged.newest.map(|n| n.epoch);
        for loss in &judged.losses {
            spool.count(loss);
        }
        spool.pending.clone_from(&judged.losses);
        if spool.flush().is_ok() {
            spool.clear_away(&arranged, &judged.worthless);
        }
        spool.keep_one_aside(&arranged.aside);
        spool.clear_below();
        Ok((spool, judged.losses))
    }

    fn empty(disk: Box<dyn SpoolDisk>, limits: Limits, next: u64) -> Self {
        Self {
            disk,
            limits,
            segments: BTreeMap::new(),
            writer: None,
            next,
            own_first: next,
            start: Place::default(),
            last_freed: None,
            settled: false,
            seen: BTreeSet::new(),
            pending: Vec::new(),
            litter: vec![FILE_NEW.to_owned()],
            aside: None,
            identity: None,
            newest: None,
            refusals: (Place::default(), 0),
            losses: BTreeMap::new(),
        }
    }

    /// Makes the files that hold something the segments of this spool.
    fn take_over(
        &mut self,
        found: &mut BTreeMap<u64, Found>,
        scans: &BTreeMap<u64, Scan>,
        worthless: &BTreeMap<u64, Worthless>,
        mark: Option<Watermark>,
    ) {
        for (number, file) in found.iter() {
            if worthless.contains_key(number) {
                continue;
            }
            let scan = scans.get(number);
            self.segments.insert(
                *number,
                Segment {
                    file: file.file.clone(),
                    begin: file.begin(),
                    end: scan.map_or(0, |s| s.end),
                    length: file.length,
                    frames: scan.map_or(0, |s| s.frames),
                    frames_total: scan.map_or(0, |s| s.frames_total),
                    lost: scan.map_or_else(Vec::new, |s| s.lost.clone()),
                    known: file.known,
                    damaged: scan.is_some_and(|s| s.damaged),
                },
            );
        }
        match mark {
            Some(mark) => {
                self.start = mark.place;
                self.last_freed = mark.last;
                self.settled = true;
            }
            None => {
                let first = self.segments.first_key_value().map(|(n, _)| *n);
                self.start.segment = first.unwrap_or(0);
            }
        }
    }

    /// Removes files in which nothing is left for anybody, now that it is durable what they were.
    fn clear_away(&mut self, arranged: &Arranged, worthless: &BTreeMap<u64, Worthless>) {
        for (number, why) in worthless {
            let Some(found) = arranged.segments.get(number) else {
                continue;
            };
            match why {
                Worthless::Nothing => drop(self.remove(&found.file)),
                Worthless::Damaged => drop(self.set_aside(&found.file, found.length)),
            }
        }
        for (found, _) in &arranged.useless {
            drop(self.set_aside(&found.file, found.length));
        }
        if !worthless.is_empty() || !arranged.useless.is_empty() {
            let _ = self.disk.sync_dir();
        }
    }

    /// Removes what a crash left below the watermark, and makes sure of what a killed process may not have synced: what is
    /// read now will be told to the next segment as durable.
    fn clear_below(&mut self) {
        self.tidy();
        let newest = self
            .segments
            .iter()
            .rev()
            .find(|(n, _)| **n < self.own_first);
        if let Some(file) = newest.map(|(_, s)| s.file.clone()) {
            let _ = self.disk.sync_data(&file);
        }
        if self.settled && self.segments.keys().any(|n| self.is_freed(*n)) {
            let _ = self.disk.sync_dir();
            self.remove_freed();
        }
    }

    /// Of files put aside earlier, keeps the newest, unless one was put aside just now.
    fn keep_one_aside(&mut self, names: &[String]) {
        let own = self.aside.as_ref().map(|(name, _)| name.clone());
        let kept = own.or_else(|| names.iter().max().cloned());
        for name in names {
            if Some(name) != kept.as_ref() && self.remove(name).is_err() {
                self.litter.push(name.clone());
            }
        }
        if self.aside.is_none()
            && let Some(name) = kept
        {
            let bytes = self.disk.length(&name).unwrap_or(0);
            self.aside = Some((name, bytes));
        }
    }
}

/// Why a file is not taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Worthless {
    /// It never held anything acknowledged, or what it held is told as dropped.
    Nothing,
    /// There were frames in it, and none can be read.
    Damaged,
}

impl Found {
    /// Where its first frame may stand.
    pub(super) fn begin(&self) -> u64 {
        match self.header {
            HeaderFound::Whole(_) => SEGMENT_HEADER as u64,
            _ => 0,
        }
    }

    /// The number its header says, else the one of its name.
    fn number(&self) -> u64 {
        self.header().map_or(self.name, |h| h.number)
    }

    pub(super) fn header(&self) -> Option<&SegmentHeader> {
        match &self.header {
            HeaderFound::Whole(header) => Some(header),
            _ => None,
        }
    }

    pub(super) fn previous(&self) -> Option<Previous> {
        self.header()?.previous
    }
}

impl Arranged {
    fn useless_ones(&self) -> Vec<(u64, u64, Reason)> {
        let one = |(found, reason): &(Found, Reason)| (found.name, found.length, *reason);
        self.useless.iter().map(one).collect()
    }

    /// Gives a file its place: the number its header says, else the one of its name.
    fn place(&mut self, found: Found) {
        let number = found.number();
        self.highest = self.highest.max(number);
        match (found.header, self.segments.contains_key(&number)) {
            (HeaderFound::Version(_), false) => self.useless.push((found, Reason::Version)),
            (HeaderFound::Whole(_), true) => self.useless.push((found, Reason::Duplicate)),
            (HeaderFound::Broken | HeaderFound::Version(_), true) => self.place_swapped(found),
            (_, false) => drop(self.segments.insert(number, found)),
        }
    }
}

impl Arranged {
    /// A file that does not say what it is, and whose name another segment bears: if nothing has that one's name, the two changed
    /// places.
    fn place_swapped(&mut self, mut found: Found) {
        let left = self
            .segments
            .get(&found.name)
            .map_or(found.name, |f| f.name);
        let vacant = !self.segments.contains_key(&left);
        if vacant {
            found.name = left;
        }
        match found.header {
            HeaderFound::Version(_) => self.useless.push((found, Reason::Version)),
            _ if vacant => drop(self.segments.insert(left, found)),
            _ => self.useless.push((found, Reason::Damaged)),
        }
    }
}

fn arrange(disk: &mut dyn SpoolDisk, mut names: Vec<String>) -> Arranged {
    names.sort_unstable();
    let mut arranged = Arranged::default();
    let mut found = Vec::new();
    for name in names {
        let plain = name.strip_suffix(ASIDE).unwrap_or(&name);
        let Some(number) = segment_number(plain) else {
            continue;
        };
        arranged.highest = arranged.highest.max(number);
        if plain.len() != name.len() {
            arranged.aside.push(name);
        } else if let Some(file) = identify(disk, name, number) {
            found.push(file);
        }
    }
    // Who is called what it says comes first, then who says something, then who only has a name.
    found.sort_by_key(|f| match f.header() {
        Some(header) if header.number == f.name => 0,
        Some(_) => 1,
        None => 2,
    });
    for file in found {
        arranged.place(file);
    }
    arranged
}

/// Looks at a file's begin; `None` if it is gone or no regular file, and thus none of ours.
pub(super) fn identify(disk: &mut dyn SpoolDisk, file: String, name: u64) -> Option<Found> {
    let length = match length_of(disk, &file) {
        Ok(length) => Some(length),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
            ) =>
        {
            return None;
        }
        Err(_) => None,
    };
    let end = length.unwrap_or(0).min(SEGMENT_HEADER as u64);
    let mut reader = Reader::new(disk, &file, name, end);
    let header = SegmentHeader::decode(reader.bytes(0, SEGMENT_HEADER));
    let known = length.is_some() && reader.into_refusal().is_none();
    let length = length.unwrap_or(0);
    Some(Found {
        file,
        name,
        length,
        header,
        known,
    })
}

/// The length of a file; asked again, since a disk that coughs once must not hide a segment.
fn length_of(disk: &mut dyn SpoolDisk, file: &str) -> io::Result<u64> {
    disk.length(file)
        .or_else(|_| disk.length(file))
        .or_else(|_| disk.length(file))
}

/// The watermark, moved to the begin of its segment if the frame that ends there is not the one it names: then it is of another
/// spool, and sending again is harmless.
fn believed(
    disk: &mut dyn SpoolDisk,
    segments: &BTreeMap<u64, Found>,
    mark: Watermark,
) -> Watermark {
    let Some(found) = segments.get(&mark.place.segment) else {
        return mark;
    };
    let end = found.length.min(SEGMENT_BYTES_MAX);
    let mut reader = Reader::new(disk, &found.file, mark.place.segment, end);
    match reader.ending_at(found.begin(), mark.place.offset) {
        Some(number) if mark.last != Some(number) => Watermark {
            place: Place {
                offset: 0,
                ..mark.place
            },
            last: None,
        },
        _ => mark,
    }
}

fn scan_all(
    disk: &mut dyn SpoolDisk,
    segments: &BTreeMap<u64, Found>,
    mark: Option<Watermark>,
) -> BTreeMap<u64, Scan> {
    let start = mark.map_or(Place::default(), |m| m.place);
    let behind: BTreeMap<u64, Previous> = segments
        .values()
        .filter_map(Found::previous)
        .map(|p| (p.number, p))
        .collect();
    let mut scans = BTreeMap::new();
    for (number, found) in segments.range(start.segment..) {
        let from = if *number == start.segment {
            start.offset
        } else {
            0
        };
        let mut reader = Reader::new(
            disk,
            &found.file,
            *number,
            found.reading_end(behind.get(number)),
        );
        let done = scan(&mut reader, *number, found, from, behind.get(number));
        scans.insert(*number, done);
    }
    scans
}

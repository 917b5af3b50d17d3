//! What a hive's logs hold that the hive does not: Windows writes a change there first.
//!
//! Both forms: one set of pages and a bitmap that says where they belong (`DIRT`, up to Windows 8), and a row of entries,
//! each with pages, a number and two hashes (`HvLE`, since Windows 8.1). The rules, which entry belongs to which hive, are
//! those of Windows as "Windows registry file format specification" (M. Suhanov) describes them.

use super::Doubt;
use super::base::{Base, LENGTH};
use super::bytes::{long, place, word};
use super::marvin::marvin;

/// Bytes a hive may grow by beyond what its logs hold: a new bin is mostly empty.
const GROWTH: usize = 16 << 20;

/// Pages of the old form, and the unit of everything in the new one.
const PAGE: usize = 512;

/// Kinds of base blocks of logs.
const NEW: u32 = 6;
const OLD: [u32; 2] = [1, 2];

struct Log<'a> {
    base: Base,
    bytes: &'a [u8],
}

/// Puts into `hive`, which was not closed, what its logs hold. Says which base block counts now, and what remains doubtful.
pub(super) fn recover(
    hive: &mut Vec<u8>,
    base: Option<Base>,
    logs: &[&[u8]],
) -> (Option<Base>, Option<Doubt>) {
    let base = base.filter(|base| base.is_whole);
    let whole = |bytes: &&'_ [u8]| Base::of_bytes(bytes).is_some_and(|base| base.is_whole);
    let read = |bytes| Base::of_bytes(bytes).map(|base| Log { base, bytes });
    let read: Vec<Log<'_>> = logs
        .iter()
        .copied()
        .filter(whole)
        .filter_map(read)
        .collect();
    let bytes_of_logs: usize = logs.iter().map(|log| log.len()).sum();
    let most = hive
        .len()
        .saturating_add(bytes_of_logs)
        .saturating_add(GROWTH);
    let mut hive = Growing { bytes: hive, most };
    let done = match read.iter().any(|log| log.base.kind == NEW) {
        true => by_entries(&mut hive, base, &read),
        false => by_bitmap(&mut hive, base, &read),
    };
    match done {
        Some((base, doubt)) => (Some(base), doubt),
        None if bytes_of_logs == 0 => (base, Some(Doubt::LogsMissing)),
        None => (base, Some(Doubt::LogsDoNotFit)),
    }
}

/// A hive that pages are put into.
struct Growing<'a> {
    bytes: &'a mut Vec<u8>,
    most: usize,
}

impl Growing<'_> {
    /// Whether bins of so many bytes are acceptable.
    fn may_hold(&self, bins: u32) -> bool {
        bins.is_multiple_of(4096) && place(bins).saturating_add(LENGTH) <= self.most
    }

    /// Makes room for bins of so many bytes.
    fn hold(&mut self, bins: u32) {
        let needed = place(bins).saturating_add(LENGTH);
        if needed <= self.most && needed > self.bytes.len() {
            self.bytes.resize(needed, 0);
        }
    }

    /// Puts a page `at` so many bytes after the base block.
    fn put(&mut self, at: usize, page: &[u8]) {
        let start = at.saturating_add(LENGTH);
        let place = self.bytes.get_mut(start..start.saturating_add(page.len()));
        if let Some(place) = place {
            place.copy_from_slice(page);
        }
    }
}

/// Entries of one log, one number after the other.
struct Run<'a> {
    base: Base,
    entries: Vec<Entry<'a>>,
    /// The entry behind the last would be the next, and is damaged.
    is_torn: bool,
}

struct Entry<'a> {
    number: u32,
    bins: u32,
    pages: Vec<(usize, &'a [u8])>,
}

fn by_entries(
    hive: &mut Growing<'_>,
    base: Option<Base>,
    logs: &[Log<'_>],
) -> Option<(Base, Option<Doubt>)> {
    let mut runs: Vec<Run<'_>> = logs
        .iter()
        .filter(|log| log.base.kind == NEW)
        .map(run)
        .filter(|run| run.is_torn || !run.entries.is_empty())
        .collect();
    runs.sort_by_key(|run| run.base.began);
    let mut base = match base {
        Some(base) => base,
        // Without a base block of its own, the hive is what the newest log says, and only that.
        None => {
            let newest = runs.pop()?;
            let base = newest.base;
            runs = vec![newest];
            base
        }
    };
    let mut next = None;
    let mut is_torn = false;
    for run in runs {
        let begins = run.base.began;
        let fits = match next {
            None => begins >= base.ended,
            Some(next) => begins == next,
        };
        if !fits {
            continue;
        }
        is_torn = run.is_torn;
        for entry in run.entries {
            if !hive.may_hold(entry.bins) {
                return next.map(|_| (base, Some(Doubt::LogTorn)));
            }
            hive.hold(entry.bins);
            for (at, page) in entry.pages {
                hive.put(at, page);
            }
            base.bins = entry.bins;
            next = Some(entry.number.wrapping_add(1));
        }
    }
    next?;
    Some((base, is_torn.then_some(Doubt::LogTorn)))
}

fn run<'a>(log: &Log<'a>) -> Run<'a> {
    let mut run = Run {
        base: log.base,
        entries: Vec::new(),
        is_torn: false,
    };
    let mut rest = log.bytes.get(PAGE..).unwrap_or_default();
    let mut next = log.base.began;
    // Behind the last entry stand older ones, with numbers of their own.
    while rest.starts_with(b"HvLE") && word(rest, 12) == Some(next) {
        let Some((entry, behind)) = entry(rest) else {
            run.is_torn = true;
            break;
        };
        run.entries.push(entry);
        rest = behind;
        next = next.wrapping_add(1);
    }
    run
}

/// The entry at the beginning of `bytes`, and what stands behind it; `None` where a hash is wrong or a page leads astray.
fn entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let length = place(word(bytes, 4)?);
    if length == 0 || !length.is_multiple_of(PAGE) {
        return None;
    }
    let (whole, behind) = bytes.split_at_checked(length)?;
    let body = whole.get(40..)?;
    if long(whole, 32)? != marvin(whole.get(..32)?) || long(whole, 24)? != marvin(body) {
        return None;
    }
    let bins = word(whole, 16)?;
    let count = place(word(whole, 20)?);
    let (places, mut rest) = body.split_at_checked(count.checked_mul(8)?)?;
    let mut pages = Vec::new();
    for place_of_page in places.chunks_exact(8) {
        let at = place(word(place_of_page, 0)?);
        let length = place(word(place_of_page, 4)?);
        let (page, more) = rest.split_at_checked(length)?;
        if at.checked_add(length)? > place(bins) {
            return None;
        }
        pages.push((at, page));
        rest = more;
    }
    let number = word(whole, 12)?;
    let entry = Entry {
        number,
        bins,
        pages,
    };
    Some((entry, behind))
}

fn by_bitmap(
    hive: &mut Growing<'_>,
    base: Option<Base>,
    logs: &[Log<'_>],
) -> Option<(Base, Option<Doubt>)> {
    // The first bin keeps a copy of the moment, for the case that the base block is damaged.
    let of_first_bin = hive.bytes.get(LENGTH..).and_then(|bin| long(bin, 20));
    let written = base.map(|base| base.written).or(of_first_bin)?;
    let fits = |log: &&Log<'_>| {
        OLD.contains(&log.base.kind)
            && log.base.began == log.base.ended
            && log.base.written == written
    };
    for log in logs.iter().filter(fits) {
        if let Some(pages) = marked(log) {
            if !hive.may_hold(log.base.bins) {
                continue;
            }
            hive.hold(log.base.bins);
            for (at, page) in pages {
                hive.put(at, page);
            }
            return Some((log.base, None));
        }
    }
    None
}

/// The pages of a log of the old form with their places; `None` where some are lacking.
fn marked<'a>(log: &Log<'a>) -> Option<Vec<(usize, &'a [u8])>> {
    let sector = log.base.sector();
    let vector = log.bytes.get(sector..)?;
    let bitmap = vector.strip_prefix(b"DIRT".as_slice())?;
    let bitmap = bitmap.get(..place(log.base.bins).div_ceil(PAGE * 8))?;
    let pages = (bitmap.len() + 4).next_multiple_of(sector);
    let mut rest = vector.get(pages..)?;
    let mut found = Vec::new();
    for (at, byte) in bitmap.iter().enumerate() {
        for bit in (0..8_usize).filter(|bit| byte & (1 << bit) != 0) {
            let (page, more) = rest.split_at_checked(PAGE)?;
            found.push(((at * 8 + bit) * PAGE, page));
            rest = more;
        }
    }
    Some(found)
}

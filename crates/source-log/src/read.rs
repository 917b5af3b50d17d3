//! Reading: every file of every log, from where it was read last.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_knowledge::LOG_GRAMMARS;
use groma_model::Port;
use groma_model::schedule::Zone;
use groma_source::{Disk, DiskError, OpenFile, Window};

use crate::family::{self, Family, Member};
use crate::kept::Kept;
use crate::listen::{Listener, Machine, Reading, Speakers};
use crate::part::{Before, Mark, Outcome, Part};
use crate::stamp::{self, Clock};
use crate::zones::Zones;
use crate::{journal, lines, postfix, radius, sendmail};

/// How long a look that is over may still read what was added while it watched.
const GRACE: Duration = Duration::from_secs(1);

/// What the rest of the machine tells of its logs: lines are understood by it.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) zone: Zone,
    /// Zones of this machine's name server.
    pub(crate) zones: Zones,
    /// Ports of services that sign with a name of their own.
    pub(crate) ports: BTreeMap<String, Port>,
    /// Addresses of clients that a service knows by name.
    pub(crate) clients: BTreeMap<String, IpAddr>,
    /// What this machine calls itself in its logs, without its domain.
    pub(crate) own_name: Option<String>,
    /// What Postfix calls it in a log it keeps itself.
    pub(crate) postfix_name: Option<String>,
}

impl Surroundings {
    pub(crate) fn of(disk: &dyn Disk) -> Self {
        Self {
            zone: zone(disk),
            zones: Zones::read(disk),
            ports: postfix::ports(disk)
                .into_iter()
                .chain(sendmail::ports(disk))
                .collect(),
            clients: radius::addresses(disk),
            own_name: own_name(disk),
            postfix_name: crate::postfix::own_name(disk),
        }
    }
}

/// One log, and what each of its files told.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) family: Family,
    /// In the order of the files, newest first.
    pub(crate) parts: Vec<Part>,
    pub(crate) is_journal: bool,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(crate) logs: Vec<Log>,
    /// What of text logs could not be found out.
    pub(crate) errors: Vec<DiskError>,
    /// The same of journals.
    pub(crate) journal_errors: Vec<DiskError>,
}

impl Logs {
    /// What a later reading goes on from.
    pub(crate) fn before(self) -> Before {
        let mut before = Before::default();
        for log in self.logs {
            for (member, part) in log.family.members.into_iter().zip(log.parts) {
                before.put(&log.family.path, member, part);
            }
        }
        before
    }
}

/// Reads logs.
pub(crate) struct Reader<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    around: &'a Surroundings,
    kept: &'a Kept,
    bytes_left: u64,
    /// Logs that are read when all others are: those nobody knows by habit must not take their room.
    last: BTreeSet<PathBuf>,
    /// Until then it reads also if the look is over.
    grace_ends: Duration,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        disk: &'a dyn Disk,
        window: &'a Window,
        (around, kept): (&'a Surroundings, &'a Kept),
        bytes_left: u64,
    ) -> Self {
        Self {
            disk,
            window,
            around,
            kept,
            bytes_left,
            last: BTreeSet::new(),
            grace_ends: Duration::ZERO,
        }
    }

    /// Reads `files` after all others, if they are not known by habit.
    pub(crate) fn leaving_last(mut self, files: &BTreeSet<String>) -> Self {
        let unknown = files.iter().filter(|file| !crate::look::is_habit(file));
        self.last = unknown.map(PathBuf::from).collect();
        self
    }

    /// Reads what is there of `paths` and in the journals, and of what was read `before` only what was added.
    pub(crate) fn read(&mut self, paths: &[&str], mut before: Before) -> Logs {
        let mut out = Logs::default();
        let (families, errors) = family::families(self.disk, self.kept, paths);
        out.errors = errors;
        let (late, early): (Vec<_>, Vec<_>) = families
            .into_iter()
            .partition(|family| self.last.contains(&family.path));
        for family in early.into_iter().chain(late) {
            let parts = family.members.iter();
            let parts = parts.map(|member| self.member(&family, member, &mut before));
            out.logs.push(Log {
                parts: parts.collect(),
                family,
                is_journal: false,
            });
        }
        let (members, errors) = family::journals(self.disk);
        out.journal_errors = errors;
        if !members.is_empty() {
            let family = Family {
                path: family::JOURNAL.into(),
                members,
            };
            let parts = family.members.iter();
            let parts = parts.map(|member| self.journal(&family, member, &mut before));
            out.logs.push(Log {
                parts: parts.collect(),
                family,
                is_journal: true,
            });
        }
        out
    }

    /// Reads what was added since; a look that is over may do so for a moment.
    pub(crate) fn read_on(&mut self, paths: &[&str], before: Before) -> Logs {
        self.grace_ends = self.window.monotonic().saturating_add(GRACE);
        self.read(paths, before)
    }

    /// True when there is no more time.
    pub(crate) fn is_over(&self) -> bool {
        self.window.is_over() && self.window.monotonic() >= self.grace_ends
    }

    /// True if there are bytes and time left for so much.
    pub(crate) fn may_read(&self, bytes: u64) -> bool {
        bytes <= self.bytes_left && !self.is_over()
    }

    /// So much was read besides.
    pub(crate) fn used(&mut self, bytes: u64) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }

    /// Reads one text file. Of one that nobody changed, an earlier reading that came further stands: its rows would be lost.
    fn member(&mut self, family: &Family, member: &Member, before: &mut Before) -> Part {
        let first = before.unfinished(member);
        let part = self.member_anew(family, member, before);
        match first {
            Some(first) if first.came_further_than(&part) => first,
            _ => part,
        }
    }

    fn member_anew(&mut self, family: &Family, member: &Member, before: &mut Before) -> Part {
        if let Some(part) = before.untouched(&family.path, member) {
            return part;
        }
        let file = match self.disk.open(&member.path) {
            Ok(file) => file,
            Err(error) => return Part::without(Outcome::Closed(error.reason)),
        };
        let begun = before.begun(&family.path, file.as_ref());
        let taken = begun.as_ref().and_then(|part| part.mark.as_ref());
        let taken = taken.map_or(0, Mark::taken);
        let left = file.metadata().bytes.saturating_sub(taken);
        let begun = match begun {
            // Nothing was added; a compressed file ends where it was packed.
            Some(part) if left == 0 => {
                let mark = Mark::of(file.as_ref(), member, taken, self.window.now());
                return Part { mark, ..part }.read_to_end();
            }
            begun => begun,
        };
        if !self.may_read(left) {
            return cut_off(begun);
        }
        let (mut reading, known) = match begun {
            Some(part) => (part.reading, part.outcome),
            None => (Reading::default(), Outcome::Lines(lines::Told::default())),
        };
        let told = self.lines(file.as_ref(), taken, family, member, &mut reading);
        // What a compressed file holds is bounded by its length, and by the time of the look.
        self.used(left);
        match told {
            Ok(mut told) => {
                if let Outcome::Lines(known) = known {
                    told.too_long = told.too_long.saturating_add(known.too_long);
                }
                let now = self.window.now();
                let mark = Mark::of(file.as_ref(), member, told.taken, now);
                Part {
                    mark: mark.filter(|mark| mark.taken() > 0),
                    outcome: Outcome::Lines(told),
                    reading,
                }
            }
            Err(reason) => Part {
                mark: None,
                outcome: Outcome::Broken(reason),
                reading,
            },
        }
    }

    fn lines(
        &self,
        file: &dyn OpenFile,
        from: u64,
        family: &Family,
        member: &Member,
        reading: &mut Reading,
    ) -> Result<lines::Told, groma_model::Reason> {
        let mut listener = self.listener(&family.path, member, reading);
        let told = lines::of_text(file, from, &|| self.is_over(), |bytes, text| {
            listener.hear_line(bytes, text);
        });
        listener.end();
        told
    }

    fn listener<'l>(
        &'l self,
        path: &Path,
        member: &Member,
        reading: &'l mut Reading,
    ) -> Listener<'l> {
        let means = |file: &String| family::is_meant(Path::new(file), path);
        let own = LOG_GRAMMARS.iter().find(|g| g.files.iter().any(means));
        Listener {
            speakers: Speakers::of_file(own),
            last_machine: Machine::default(),
            last_heard: None,
            ports: &self.around.ports,
            clients: &self.around.clients,
            own_name: self.around.own_name.as_deref(),
            postfix_name: self.around.postfix_name.as_deref(),
            zones: &self.around.zones,
            clock: Clock::new(&self.around.zone, member.modified),
            reading,
        }
    }

    /// Reads one journal file.
    fn journal(&mut self, family: &Family, member: &Member, before: &mut Before) -> Part {
        if let Some(part) = before.untouched(&family.path, member) {
            return part;
        }
        let mut journal = match self.disk.open(&member.path) {
            Ok(file) => match journal::open(file) {
                Ok(journal) => journal,
                Err(reason) => return Part::without(Outcome::Broken(reason)),
            },
            Err(error) => return Part::without(Outcome::Closed(error.reason)),
        };
        let begun = before.begun_journal(&family.path, &mut journal);
        let taken = begun.as_ref().and_then(|part| part.mark.as_ref());
        let taken = taken.map_or(0, Mark::taken);
        let cost = if begun.is_some() { 0 } else { member.bytes };
        if !self.may_read(cost) {
            return cut_off(begun);
        }
        let (mut reading, known) = match begun {
            Some(Part {
                reading,
                outcome: Outcome::Journal(known),
                ..
            }) => (reading, known),
            _ => Default::default(),
        };
        let mut told = {
            let listener = RefCell::new(self.listener(&family.path, member, &mut reading));
            let wants = |tag: &[u8]| !tag.is_empty() && !listener.borrow_mut().is_nobody(tag);
            let told = journal.entries(taken, &|| self.is_over(), wants, |entry| {
                listener.borrow_mut().hear_entry(&entry);
            });
            listener.into_inner().end();
            told
        };
        self.bytes_left = self.bytes_left.saturating_sub(told.bytes);
        let latest = stamp::latest(member.modified);
        let span = told.span;
        reading.met(span.map(|(first, last)| (first.min(latest), last.min(latest))));
        told.too_long = told.too_long.saturating_add(known.too_long);
        told.packed = told.packed.saturating_add(known.packed);
        let now = self.window.now();
        Part {
            mark: Mark::of_journal(&mut journal, member, told.taken, now),
            outcome: Outcome::Journal(told),
            reading,
        }
    }
}

/// A file that is not read further now: what it told before stands, and that more is missing.
fn cut_off(begun: Option<Part>) -> Part {
    let Some(mut part) = begun else {
        return Part::without(Outcome::Left);
    };
    match &mut part.outcome {
        Outcome::Lines(told) => told.stopped = true,
        Outcome::Journal(told) => told.stopped = true,
        _ => {}
    }
    part
}

/// The machine's name as its kernel has it, without the domain.
fn own_name(disk: &dyn Disk) -> Option<String> {
    let read = disk.read(Path::new("/proc/sys/kernel/hostname"), 256);
    let read = read
        .or_else(|_| disk.read(Path::new("/etc/hostname"), 256))
        .ok()?;
    let name = String::from_utf8_lossy(&read.bytes);
    let short = name.trim().split('.').next()?;
    (!short.is_empty()).then(|| short.to_owned())
}

/// The zone of the machine's wall clock.
pub(crate) fn zone(disk: &dyn Disk) -> Zone {
    let link = disk.read_link(Path::new("/etc/localtime")).ok();
    let of_link = link.and_then(|to| {
        let to = to.to_str()?.split_once("zoneinfo/")?.1.to_owned();
        Zone::named(&to)
    });
    let of_file = || {
        let read = disk.read(Path::new("/etc/timezone"), 256).ok()?;
        Zone::named(std::str::from_utf8(&read.bytes).ok()?)
    };
    of_link.or_else(of_file).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    const MAIL: &str = "/var/log/mail.log";

    /// A packed log whose end is gone.
    fn torn(gzip: bool) -> Vec<u8> {
        let lines: String = (0..4_000)
            .map(|n| format!("Nov 20 05:00:00 mail1 dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=10.1.1.{}, lip=10.0.0.2, mpid={n}\n", n % 200 + 1))
            .collect();
        let mut packed = match gzip {
            true => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(lines.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            false => zstd::stream::encode_all(lines.as_bytes(), 1).unwrap(),
        };
        packed.truncate(packed.len() * 9 / 10);
        packed
    }

    /// A packed log that had no end was read at the begin of a look, and again at its end, where no bytes were left: the rows
    /// of the first reading were lost.
    #[test]
    fn what_the_first_reading_told_of_a_torn_packed_log_stays_where_the_second_cannot_read_it() {
        for (name, gzip) in [
            ("/var/log/mail.log.1.gz", true),
            ("/var/log/mail.log.1.zst", false),
        ] {
            let packed = torn(gzip);
            let room = packed.len() as u64 + 10;
            let world = world(FakeDisk::new().file(name, packed));
            let (disk, window) = (world.disk.as_ref(), window(&world));
            let around = Surroundings::of(disk);
            let kept = Kept::default();
            let mut reader = Reader::new(disk, &window, (&around, &kept), room);
            let first = reader.read(&[MAIL], Before::default());
            let told = |logs: &Logs| {
                let part = &logs.logs[0].parts[0];
                (part.outcome.clone(), part.reading.heard.len())
            };
            let before = told(&first);
            assert!(
                matches!(before, (Outcome::Broken(_), 1)),
                "{name}: {before:?}"
            );
            let second = reader.read_on(&[MAIL], first.before());
            assert_eq!(told(&second), before, "{name}");
        }
    }

    #[test]
    fn a_packed_log_that_was_changed_meanwhile_is_not_taken_for_what_it_was() {
        let kept = Kept::default();
        let first = world(FakeDisk::new().file("/var/log/mail.log.1.gz", torn(true)));
        let around = Surroundings::of(first.disk.as_ref());
        let window = window(&first);
        let mut reader = Reader::new(first.disk.as_ref(), &window, (&around, &kept), 1 << 30);
        let logs = reader.read(&[MAIL], Before::default());
        let mut longer = torn(true);
        longer.extend([0; 64]);
        let changed = world(FakeDisk::new().file("/var/log/mail.log.1.gz", longer));
        let mut reader = Reader::new(changed.disk.as_ref(), &window, (&around, &kept), 0);
        let second = reader.read_on(&[MAIL], logs.before());
        assert_eq!(second.logs[0].parts[0].outcome, Outcome::Left);
    }
}

//! What CUPS printed: its page log, by queue and host.
//!
//! Whoever prints chooses the names of the document and of himself, line breaks included: a page log that holds them can be
//! written by anybody, and its lines may look like those of one that holds none of the two. So lines are believed only if
//! cupsd.conf sets just the format the gap proposes, and they are younger than that file.

use std::collections::BTreeMap;
use std::path::Path;

use groma_knowledge::LOG_GRAMMARS;
use groma_model::{Coverage, CoverageState, Foreign, HostName, Reason, Scope, Timestamp};
use groma_source::{SinkExt, disk};

use super::{BE_ROOT, Look, unplaced};
use crate::family::{self, Family, Member};
use crate::lines;
use crate::session::{self, Use};
use crate::stamp::Clock;
use crate::tally::Tally;

const ID: &str = "cups";
const PAGES: &str = "/var/log/cups/page_log";
const SETTINGS: &str = "/etc/cups/cupsd.conf";
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
/// Queues that are added up.
const QUEUES_MAX: usize = 1_000;
/// Clients without an address that are told by name.
const NAMES_MAX: usize = 1_000;
/// The format in which nobody who prints can write what he likes.
const FORMAT: &str = "%{job-originating-host-name} %p %T %P %C";
/// What this reads, in words.
pub(super) const READS: &str = "/var/log/cups/page_log with its rotations, and which PageLogFormat /etc/cups/cupsd.conf sets, and when that file was written last";
const ENABLE: &str = "set PageLogFormat %{job-originating-host-name} %p %T %P %C in /etc/cups/cupsd.conf and reload cupsd (no %u and no %{job-name}: clients choose those). Costs about 60 bytes a job; put the old line back to restore.";
const BY_NAME: &str = "set HostNameLookups Off in /etc/cups/cupsd.conf and reload cupsd, so that the log holds addresses; put the old value back to restore";

/// One line: a job that was printed.
struct Printed<'l> {
    host: &'l str,
    queue: &'l str,
    time: &'l str,
    /// `None` for a line of one page of a job, whose total another line tells.
    pages: Option<u64>,
}

/// What the page log told.
#[derive(Default)]
struct Told {
    tally: Tally,
    pages: BTreeMap<String, u64>,
    unplaced: BTreeMap<Box<str>, u64>,
    span: Option<(Timestamp, Timestamp)>,
    /// Lines before that are not believed, and whether there are any.
    since: Option<Timestamp>,
    is_older: bool,
}

impl Look<'_> {
    /// Reads the page log of CUPS.
    pub(super) fn pages(&mut self) {
        let (families, _) = family::families(self.disk, self.kept, &[PAGES]);
        let mut is_on = self.page_log_format().is_some();
        for family in &families {
            is_on |= family.members.iter().any(|member| member.bytes > 0);
            self.page_log(family);
        }
        let installed = LOG_GRAMMARS
            .iter()
            .filter(|grammar| grammar.id == ID)
            .any(|cups| {
                let is_there = |path: &String| self.disk.metadata(Path::new(path)).is_ok();
                cups.programs.iter().any(is_there)
            });
        if installed && !is_on {
            let scope = Scope::new("log", PAGES);
            let what = "how much each queue of CUPS prints: its page log is off".to_owned();
            self.sink
                .missed_because(&scope, what, Reason::LogDisabled, ENABLE);
        }
    }

    /// The format cupsd.conf sets: of several the last, as cupsd has it.
    fn page_log_format(&self) -> Option<String> {
        let read = self.disk.read(Path::new(SETTINGS), SETTINGS_BYTES_MAX);
        let read = read.ok()?;
        let text = String::from_utf8_lossy(&read.bytes);
        let mut values = text.lines().filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let (key, value) = line.split_once(char::is_whitespace)?;
            key.eq_ignore_ascii_case("PageLogFormat")
                .then(|| value.trim().to_owned())
        });
        values.next_back().filter(|value| !value.is_empty())
    }

    /// Since when the page log is in a format in which clients cannot write; `None` if it is not.
    fn believed_since(&self) -> Option<Timestamp> {
        let format = self.page_log_format()?;
        let metadata = self.disk.metadata(Path::new(SETTINGS)).ok()?;
        (format == FORMAT).then(|| Timestamp::from_seconds(metadata.modified))
    }

    fn page_log(&mut self, family: &Family) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let log = disk::foreign(&family.path);
        let mut told = Told::default();
        let mut complete = true;
        told.since = self.believed_since();
        for member in &family.members {
            complete &= self.pages_of(&scope, member, &mut told);
        }
        if told.is_older {
            complete = false;
            let what = format!("what {log} tells from before {SETTINGS} was changed last");
            let remedy = "nothing, if the format was the same before: its later lines are read. They may have been in a format in which clients write what they like";
            self.sink
                .missed_because(&scope, what, Reason::Unsupported, remedy);
        }
        if !told.unplaced.is_empty() {
            complete = false;
            let what = unplaced(&log, &told.unplaced);
            self.sink
                .missed_because(&scope, what, Reason::Unsupported, BY_NAME);
        }
        if told.tally.left_out > 0 {
            complete = false;
            let what = format!("{} further jobs in {log}", told.tally.left_out);
            let remedy = "more different clients than a look keeps";
            self.sink
                .missed_because(&scope, what, Reason::BudgetExhausted, remedy);
        }
        let (from, to) = told
            .span
            .unwrap_or((self.window.started(), self.window.now()));
        let queues: Vec<String> = told
            .pages
            .iter()
            .map(|(queue, n)| format!("{queue} {n} pages"))
            .collect();
        let kept = self.how_kept(family, None);
        let how = match queues.is_empty() {
            true => kept,
            false => format!("{}; {kept}", queues.join(", ")),
        };
        let state = match complete {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.sink.covered(Coverage {
            scope,
            state,
            from,
            to,
            how: Some(how),
        });
        if told.span.is_some() {
            self.heard.insert(ID);
            self.told
                .entry(ID)
                .or_default()
                .push((log, told.tally.rows()));
        }
    }

    /// Reads one file; false if something of it is missing, and that is said.
    fn pages_of(&mut self, scope: &Scope, member: &Member, told: &mut Told) -> bool {
        let name = disk::foreign(&member.path).to_string();
        let missing = |look: &mut Self, what: String, reason: Reason, remedy: &str| {
            look.sink.missed_because(scope, what, reason, remedy);
            false
        };
        if !self.reader.may_read(member.bytes) {
            let remedy = "older lines were not read; give the look more bytes or time";
            return missing(self, name, Reason::BudgetExhausted, remedy);
        }
        // Whose format lets clients write is found out before any line is believed.
        let mut strange = 0_u64;
        let tried = self.each_line(member, |line| {
            strange += u64::from(printed(line).is_none());
        });
        match tried {
            Ok(read) if read.stopped => {
                let remedy = "the time of the look was over; give it more";
                return missing(self, name, Reason::BudgetExhausted, remedy);
            }
            // Nothing was written.
            Ok(read) if read.bytes == 0 => return true,
            Ok(read) if told.since.is_none() || strange > 0 || read.too_long > 0 => {
                let what = format!(
                    "what {name} tells: it may be in a format in which clients write what they like"
                );
                let remedy = format!("{ENABLE} Lines in the old format stay unread.");
                return missing(self, what, Reason::Unsupported, &remedy);
            }
            Ok(_) => {}
            Err(Reason::Unsupported) => {
                let remedy = "xz and bzip2 are not read yet: unpack a copy beside it";
                return missing(self, name, Reason::Unsupported, remedy);
            }
            Err(reason) => return missing(self, name, reason, BE_ROOT),
        }
        let around = self.around;
        let mut clock = Clock::new(&around.zone, member.modified);
        let read = self.each_line(member, |line| {
            if let Some(job) = printed(line)
                && let Some(at) = clock.read(job.time)
            {
                match told.since.is_some_and(|since| at >= since) {
                    true => told.take(&job, at, &around.zones),
                    false => told.is_older = true,
                }
            }
        });
        let bytes = read.as_ref().map_or(0, |read| read.bytes);
        self.reader.used(bytes.max(member.bytes));
        if let Some(at) = clock.impossible {
            let what = format!(
                "lines of {name} dated {}: before 1990, or after the file was written last",
                at.minute()
            );
            let remedy =
                "a clock was wrong then, or the file was touched; these lines were left out";
            return missing(self, what, Reason::Malformed, remedy);
        }
        read.is_ok_and(|read| !read.stopped)
    }

    fn each_line(
        &self,
        member: &Member,
        mut each: impl FnMut(&str),
    ) -> Result<lines::Told, Reason> {
        let file = self.disk.open(&member.path).map_err(|error| error.reason)?;
        lines::of(file.as_ref(), 0, &|| self.reader.is_over(), |bytes| {
            each(&String::from_utf8_lossy(bytes));
        })
    }
}

impl Told {
    fn take(&mut self, job: &Printed<'_>, at: Timestamp, zones: &crate::zones::Zones) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        let Some(pages) = job.pages else { return };
        if self.pages.len() < QUEUES_MAX || self.pages.contains_key(job.queue) {
            let sum = self.pages.entry(job.queue.to_owned()).or_default();
            *sum = sum.saturating_add(pages);
        }
        let Some(client) = session::address(job.host) else {
            let is_here =
                job.host.eq_ignore_ascii_case("localhost") || HostName::parse(job.host).is_none();
            let has_room = self.unplaced.len() < NAMES_MAX || self.unplaced.contains_key(job.host);
            if !is_here && has_room {
                *self.unplaced.entry(job.host.into()).or_default() += 1;
            }
            return;
        };
        let used = Use {
            client: Some(client),
            share: Some(Foreign::from(job.queue)),
            count: 1,
            span: Some((at, at)),
            ..Use::default()
        };
        let cups = LOG_GRAMMARS.iter().find(|grammar| grammar.id == ID);
        if let Some(speaker) = cups.and_then(|cups| cups.speaker.first()) {
            self.tally.add(speaker, used, zones);
        }
    }
}

/// `HOST QUEUE [TIME] total PAGES`, or with the number of a page in place of `total`, as the format we propose writes it;
/// a number of copies behind it may be empty.
fn printed(line: &str) -> Option<Printed<'_>> {
    let (names, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    let (host, queue) = names.split_once(' ')?;
    let mut numbers = rest.trim_end().split(' ');
    let (which, count) = (numbers.next()?, numbers.next()?);
    let count: u64 = count.parse().ok()?;
    let is_total = which == "total";
    let is_page = || which.parse::<u32>().is_ok();
    let is_sound = session::is_share(queue) && !queue.contains(' ') && time.len() < 40;
    (is_sound && numbers.next().is_none() && (is_total || is_page())).then_some(Printed {
        host,
        queue,
        time,
        pages: is_total.then_some(count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_more_in_it_is_none_of_the_format() {
        let job = printed("10.0.0.1 laser [21/Nov/2026:11:00:00 +0000] total 3").unwrap();
        assert_eq!(
            (job.host, job.queue, job.pages),
            ("10.0.0.1", "laser", Some(3))
        );
        let page = printed("10.0.0.1 laser [21/Nov/2026:11:00:00 +0000] 2 1").unwrap();
        assert_eq!(page.pages, None);
        for other in [
            "",
            "laser anna 7 [21/Nov/2026:11:00:00 +0000] total 3 - 10.0.0.1 x - -",
            "10.0.0.1 laser [21/Nov/2026:11:00:00 +0000] total 3 a name",
            "10.0.0.1 laser [21/Nov/2026:11:00:00 +0000] total",
            "10.0.0.1 two words [21/Nov/2026:11:00:00 +0000] total 3",
        ] {
            assert!(printed(other).is_none(), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "\\PC{0,80}") {
            let _ = printed(&line);
        }
    }
}

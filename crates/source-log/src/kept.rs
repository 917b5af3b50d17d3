//! How long this machine keeps its logs, by the settings of its own logrotate (logrotate.conf(5)) and journald
//! (journald.conf(5)): what a distribution does by habit, somebody may have changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groma_source::{Disk, EntryKind};

use crate::family::JOURNAL;

const LOGROTATE: &str = "/etc/logrotate.conf";
/// Journald's own file, then where its further ones lie, the later before the earlier.
const JOURNALD: &[&str] = &[
    "/usr/lib/systemd/journald.conf",
    "/etc/systemd/journald.conf",
];
const JOURNALD_PARTS: &[&str] = &[
    "/usr/lib/systemd/journald.conf.d",
    "/run/systemd/journald.conf.d",
    "/etc/systemd/journald.conf.d",
];
/// What this reads, in words.
pub(crate) const READS: &str = "/etc/logrotate.conf with what it includes, and journald.conf with its further parts: how long logs are kept, and where those that were rotated lie";
const BYTES_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 2_000;
const RULES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 8;
/// A log must reach so far back that a monthly job is in it.
const MONTH_DAYS: u32 = 31;
/// Endings of files in an included directory that logrotate passes over (tabooext).
const PASSED_OVER: &[&str] = &[
    "~",
    ",v",
    ".bak",
    ".cfsaved",
    ".disabled",
    ".dpkg-bak",
    ".dpkg-del",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".rhn-cfg-tmp-*",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".swp",
    ".ucf-dist",
    ".ucf-new",
    ".ucf-old",
];
/// Words after which lines of a script stand, up to `endscript`.
const SCRIPTS: &[&str] = &[
    "firstaction",
    "lastaction",
    "postrotate",
    "preremove",
    "prerotate",
];

/// What the settings say of one log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    /// How long, with file and line.
    pub(crate) text: String,
    /// What to set where that is shorter than a month.
    pub(crate) short: Option<Short>,
}

/// A log in which a monthly job may leave no trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Short {
    pub(crate) days: u32,
    pub(crate) remedy: String,
}

/// The settings of this machine.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    rules: Vec<Rule>,
    /// True if logrotate has settings here.
    pub(crate) is_there: bool,
    journal: Journal,
}

/// Logs with how they are rotated.
#[derive(Debug)]
struct Rule {
    patterns: Vec<String>,
    place: String,
    how: How,
}

/// How a log is rotated.
#[derive(Clone, Debug)]
struct How {
    every: Every,
    /// Rotated files that are kept; `None` for all of them.
    rotate: Option<u32>,
    days_max: Option<u32>,
    bytes_min: Option<String>,
    bytes_max: Option<String>,
    rotated: Rotated,
}

/// Where rotated files lie, and what their names end in, where that is not as usual.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rotated {
    /// The directory (`olddir`), as it is written.
    pub(crate) folder: Option<PathBuf>,
    /// What of the log's name stands behind the number or date (`extension`).
    pub(crate) ending: Option<String>,
}

#[derive(Clone, Debug)]
enum Every {
    Days(u32),
    /// Whenever it has grown so large.
    Size(String),
}

/// As logrotate does where nothing is set.
const UNSET: How = How {
    every: Every::Days(7),
    rotate: Some(0),
    days_max: None,
    bytes_min: None,
    bytes_max: None,
    rotated: Rotated {
        folder: None,
        ending: None,
    },
};

impl Kept {
    /// The settings on `disk`.
    pub(crate) fn read(disk: &dyn Disk) -> Self {
        let mut out = Self {
            journal: Journal::read(disk),
            ..Self::default()
        };
        let mut files_left = FILES_MAX;
        out.is_there = out.include(
            disk,
            Path::new(LOGROTATE),
            UNSET,
            DEPTH_MAX,
            &mut files_left,
        );
        out
    }

    /// Reads a file, or the files of a directory; false if nothing could be read. What a file sets for all logs holds for
    /// what it includes, and not for its neighbours.
    fn include(
        &mut self,
        disk: &dyn Disk,
        path: &Path,
        how: How,
        depth: usize,
        files_left: &mut usize,
    ) -> bool {
        if depth == 0 || *files_left == 0 {
            return false;
        }
        if let Ok(entries) = disk.list(path, FILES_MAX) {
            let is_meant = |path: &PathBuf| {
                let name = path.to_string_lossy();
                !PASSED_OVER.iter().any(|ending| name.ends_with(ending))
            };
            let files = entries.into_iter().filter(|e| e.kind == EntryKind::File);
            for path in files.map(|entry| entry.path).filter(is_meant) {
                self.include(disk, &path, how.clone(), depth - 1, files_left);
            }
            return true;
        }
        let Ok(read) = disk.read(path, BYTES_MAX) else {
            return false;
        };
        *files_left -= 1;
        let text = String::from_utf8_lossy(&read.bytes).into_owned();
        let mut included = Vec::new();
        self.parse(&text, &path.to_string_lossy(), how, &mut included);
        for (path, how) in included {
            self.include(disk, Path::new(&path), how, depth - 1, files_left);
        }
        true
    }

    /// Reads the text of one file; what it includes goes into `included`, with what was set before.
    fn parse(&mut self, text: &str, file: &str, how: How, included: &mut Vec<(String, How)>) {
        let mut of_all = how;
        let mut patterns: Vec<String> = Vec::new();
        let mut block: Option<Rule> = None;
        let mut in_script = false;
        for (number, line) in (1_u32..).zip(text.lines()) {
            let line = line.trim();
            if in_script {
                in_script = line != "endscript";
                continue;
            }
            let mut rest = line.split('#').next().unwrap_or_default().trim();
            if block.is_none() && rest.starts_with(['/', '"', '\'', '{']) {
                let (names, after) = rest
                    .split_once('{')
                    .map_or((rest, None), |(n, a)| (n, Some(a)));
                patterns.extend(words(names));
                let Some(after) = after else { continue };
                block = Some(Rule {
                    patterns: std::mem::take(&mut patterns),
                    place: format!("{file}:{number}"),
                    how: of_all.clone(),
                });
                rest = after.trim();
            }
            let ends = rest.ends_with('}');
            let words = words(rest.trim_end_matches('}'));
            let first = words.first().map_or("", String::as_str);
            in_script = SCRIPTS.contains(&first);
            match &mut block {
                Some(rule) => {
                    if rule.how.set(&words) {
                        rule.place = format!("{file}:{number}");
                    }
                }
                None if first == "include" => {
                    included.extend(words.get(1).map(|path| (path.clone(), of_all.clone())));
                }
                None => {
                    of_all.set(&words);
                }
            }
            if ends && self.rules.len() < RULES_MAX {
                self.rules.extend(block.take());
            }
        }
    }

    /// How long the log at `path` is kept, where the settings say.
    pub(crate) fn of(&self, path: &Path) -> Option<Said> {
        if path == Path::new(JOURNAL) {
            return Some(self.journal.said());
        }
        self.rule(path).map(Rule::said)
    }

    /// Where the rotated files of the log at `path` lie besides, and how they are called.
    pub(crate) fn rotated(&self, path: &Path) -> Rotated {
        let rotated = self.rule(path).map(|rule| rule.how.rotated.clone());
        let mut rotated = rotated.unwrap_or_default();
        // One that is not whole begins where the log lies.
        let beside = path.parent().unwrap_or(path);
        rotated.folder = rotated.folder.map(|folder| beside.join(folder));
        rotated
    }

    fn rule(&self, path: &Path) -> Option<&Rule> {
        let path = path.to_str()?;
        // Of two entries for one log, logrotate takes the first.
        let means = |rule: &&Rule| {
            rule.patterns
                .iter()
                .any(|p| is_meant(p.as_bytes(), path.as_bytes()))
        };
        self.rules.iter().find(means)
    }
}

impl How {
    /// Takes one setting; true if it is how many rotated files are kept.
    fn set(&mut self, words: &[String]) -> bool {
        let value = words.get(1).map_or("", String::as_str);
        let number = || value.parse().ok();
        match words.first().map_or("", String::as_str) {
            "hourly" | "daily" => self.every = Every::Days(1),
            "weekly" => self.every = Every::Days(7),
            "monthly" => self.every = Every::Days(30),
            "yearly" => self.every = Every::Days(365),
            "size" if !value.is_empty() => self.every = Every::Size(value.to_owned()),
            "minsize" => self.bytes_min = Some(value.to_owned()),
            "maxsize" => self.bytes_max = Some(value.to_owned()),
            "maxage" => self.days_max = number(),
            "olddir" if !value.is_empty() => self.rotated.folder = Some(value.into()),
            "noolddir" => self.rotated.folder = None,
            "extension" if !value.is_empty() => self.rotated.ending = Some(value.to_owned()),
            "rotate" => {
                self.rotate = number();
                return true;
            }
            _ => {}
        }
        false
    }
}

impl Rule {
    fn said(&self) -> Said {
        let How {
            every,
            rotate,
            days_max,
            bytes_min,
            bytes_max,
            rotated: _,
        } = &self.how;
        let place = &self.place;
        let files = match rotate {
            None => "every rotated file".to_owned(),
            Some(1) => "one rotated file".to_owned(),
            Some(count) => format!("{count} rotated files"),
        };
        let mut text = match every {
            Every::Size(size) => format!(
                "as {files} of {size}: how long that reaches depends on how much is written"
            ),
            Every::Days(1) => format!("as {files}, a day each"),
            Every::Days(7) => format!("as {files}, a week each"),
            Every::Days(30) => format!("as {files}, a month each"),
            Every::Days(_) => format!("as {files}, a year each"),
        };
        if let Some(size) = bytes_min {
            text += &format!(", rotated when it has {size}");
        }
        if let Some(size) = bytes_max {
            text += &format!(", or sooner when it has {size}");
        }
        if let Some(days) = days_max {
            text += &format!(", none older than {days} days");
        }
        text += &format!(" ({place})");
        Said {
            text,
            short: self.short(),
        }
    }

    /// What to set where a month is not kept. A log that rotates by its size may be kept long or short: nobody knows.
    fn short(&self) -> Option<Short> {
        let Every::Days(each) = self.how.every else {
            return None;
        };
        let of_files = self
            .how
            .rotate
            .map(|count| count.saturating_add(1).saturating_mul(each));
        let days = [of_files, self.how.days_max].into_iter().flatten().min()?;
        if days >= MONTH_DAYS || self.how.bytes_min.is_some() {
            return None;
        }
        let wanted = MONTH_DAYS.div_ceil(each);
        // Only what is too small is named: to set the other one too would shorten the log.
        let files = self.how.rotate.filter(|count| *count < wanted);
        let files = files.map(|count| format!("rotate {wanted} (now {count})"));
        let age = self.how.days_max.filter(|age| *age < MONTH_DAYS);
        let age = age.map(|age| format!("maxage {MONTH_DAYS} (now {age})"));
        let set: Vec<String> = files.into_iter().chain(age).collect();
        let set = set.join(" and ");
        Some(Short {
            days,
            remedy: format!(
                "set {set} at {} at least a month before the survey that counts. Costs the room of the further files; put the old number back to restore.",
                self.place
            ),
        })
    }
}

/// Words of a line; quotes keep blanks together, `=` may stand behind a setting's name.
fn words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => {
                let inner = rest.get(1..).unwrap_or_default();
                inner.split_once(first).unwrap_or((inner, ""))
            }
            _ => rest
                .split_once(|c: char| c.is_whitespace() || c == '=')
                .unwrap_or((rest, "")),
        };
        out.push(word.to_owned());
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
    }
    out
}

/// True if `pattern` (glob(7)) means `path`: `*` and `?` stand for anything but `/`, `[…]` for one of them.
fn is_meant(pattern: &[u8], path: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < path.len() {
        let next = path.get(here).copied().unwrap_or_default();
        match one(pattern.get(at..).unwrap_or_default(), next) {
            Some(0) => {
                star = Some((at + 1, here));
                at += 1;
                continue;
            }
            Some(length) => {
                at += length;
                here += 1;
                continue;
            }
            None => {}
        }
        // The last star stands for one more, if that is no part of another directory.
        let Some((after, from)) = star.filter(|(_, from)| path.get(*from) != Some(&b'/')) else {
            return false;
        };
        star = Some((after, from + 1));
        (at, here) = (after, from + 1);
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// How long the begin of `pattern` is that stands for `next`; 0 for a star, `None` if it stands for something else.
fn one(pattern: &[u8], next: u8) -> Option<usize> {
    match pattern {
        [b'*', ..] => Some(0),
        [b'?', ..] => (next != b'/').then_some(1),
        [b'[', rest @ ..] => {
            let end = rest.iter().skip(1).position(|byte| *byte == b']')? + 1;
            let inner = rest.get(..end)?;
            let (not, set) = match inner {
                [b'!' | b'^', set @ ..] => (true, set),
                set => (false, set),
            };
            let holds = set.contains(&next)
                || set
                    .windows(3)
                    .any(|w| matches!(w, [a, b'-', b] if (*a..=*b).contains(&next)));
            (holds != not && next != b'/').then_some(end + 2)
        }
        [same, ..] => (*same == next).then_some(1),
        [] => None,
    }
}

/// Journald's settings: key → value and where it stands.
#[derive(Debug, Default)]
struct Journal {
    set: BTreeMap<String, (String, String)>,
    /// True if there is a place on disk for it.
    has_place: bool,
}

impl Journal {
    fn read(disk: &dyn Disk) -> Self {
        let mut out = Self {
            has_place: disk.metadata(Path::new(JOURNAL)).is_ok(),
            ..Self::default()
        };
        let mut parts: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
        for directory in JOURNALD_PARTS {
            for entry in disk
                .list(Path::new(directory), FILES_MAX)
                .unwrap_or_default()
            {
                if let Some(name) = entry
                    .path
                    .file_name()
                    .filter(|_| entry.path.extension().is_some_and(|e| e == "conf"))
                {
                    parts.insert(name.to_owned(), entry.path.clone());
                }
            }
        }
        let own = JOURNALD.iter().map(PathBuf::from);
        for path in own.chain(parts.into_values()) {
            if let Ok(read) = disk.read(&path, BYTES_MAX) {
                out.parse(
                    &String::from_utf8_lossy(&read.bytes),
                    &path.to_string_lossy(),
                );
            }
        }
        out
    }

    fn parse(&mut self, text: &str, file: &str) {
        for (number, line) in (1_u32..).zip(text.lines()) {
            let line = line.trim();
            if let Some((key, value)) = line
                .split_once('=')
                .filter(|_| !line.starts_with(['#', ';']))
            {
                let value = (value.trim().to_owned(), format!("{file}:{number}"));
                self.set.insert(key.trim().to_owned(), value);
            }
        }
    }

    fn value(&self, key: &str) -> Option<(&str, String)> {
        let (value, place) = self.set.get(key).filter(|(value, _)| !value.is_empty())?;
        Some((value, format!("{key}={value}, {place}")))
    }

    fn said(&self) -> Said {
        let storage = self.value("Storage");
        let is_volatile = match &storage {
            Some(("volatile" | "none", _)) => true,
            Some(("persistent", _)) => false,
            _ => !self.has_place,
        };
        if is_volatile {
            let why = storage.map_or_else(
                || "there is no /var/log/journal".to_owned(),
                |(_, place)| place,
            );
            let text = format!("in memory alone: the next start of the machine ends it ({why})");
            let remedy = "set Storage=persistent in /etc/systemd/journald.conf and restart systemd-journald at least a month before the survey that counts. Costs a tenth of the file system of /var, 4 GiB at most; put the old value back and delete /var/log/journal to restore.".to_owned();
            return Said {
                text,
                short: Some(Short { days: 0, remedy }),
            };
        }
        let room = match self.value("SystemMaxUse") {
            Some((_, place)) => place,
            None => "nothing set: a tenth of the file system, 4 GiB at most".to_owned(),
        };
        let mut text = format!("until its room is full ({room})");
        let age = self.value("MaxRetentionSec");
        let days = age
            .as_ref()
            .and_then(|(value, _)| days(value))
            .filter(|days| *days > 0);
        if let Some((_, place)) = age.as_ref().filter(|_| days.is_some()) {
            text += &format!(", no entry longer than {place}");
        }
        let short = days.filter(|days| *days < MONTH_DAYS).zip(age);
        Said {
            text,
            short: short.map(|(days, (_, place))| Short {
                days,
                remedy: format!(
                    "set MaxRetentionSec=5week in place of {place} and restart systemd-journald at least a month before the survey that counts. Costs the room of the further entries, which SystemMaxUse bounds; put the old value back to restore."
                ),
            }),
        }
    }
}

/// A time span of systemd (systemd.time(7)) in whole days.
fn days(text: &str) -> Option<u32> {
    let mut seconds = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, more) = after.split_at_checked(end)?;
        let unit: u64 = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            "M" | "month" | "months" => 2_629_800,
            "y" | "year" | "years" => 31_557_600,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = more.trim_start();
    }
    u32::try_from(seconds / 86_400).ok()
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    /// As Debian 12 has them.
    const MAIN: &str = "# see man\nweekly\nrotate 4\ncreate\n#dateext\ninclude /etc/logrotate.d\n";
    const RSYSLOG: &str = "/var/log/syslog\n/var/log/mail.log\n{\n\trotate 4\n\tweekly\n\tpostrotate\n\t\trotate 99 }\n\tendscript\n}\n";
    const CUPS: &str = "/var/log/cups/*log {\n\tdaily\n\trotate 7\n}\n";
    const WTMP: &str = "# no packages own wtmp\n/var/log/wtmp {\n monthly\n create 0664 root utmp\n minsize 1M\n rotate 1\n}\n";

    fn kept() -> Kept {
        let disk = FakeDisk::new()
            .file("/etc/logrotate.conf", MAIN)
            .file("/etc/logrotate.d/rsyslog", RSYSLOG)
            .file("/etc/logrotate.d/cups", CUPS)
            .file("/etc/logrotate.d/cups.dpkg-old", "/var/log/cups/*log {\n rotate 70\n}\n")
            .file("/etc/logrotate.d/plain", "/var/log/\"a b\".log /var/log/x[0-9].log { }\n'/var/log/q t.log' { size 10M\n rotate 2 }\n")
            .file("/etc/logrotate.d/wtmp", WTMP);
        Kept::read(&disk)
    }

    fn of(path: &str) -> Option<(String, Option<u32>)> {
        let said = kept().of(Path::new(path))?;
        Some((said.text, said.short.map(|short| short.days)))
    }

    #[test]
    fn what_logrotate_keeps_is_said_with_file_and_line() {
        assert_eq!(
            of("/var/log/mail.log").unwrap(),
            (
                "as 4 rotated files, a week each (/etc/logrotate.d/rsyslog:4)".to_owned(),
                None
            )
        );
        assert_eq!(
            of("/var/log/cups/access_log").unwrap(),
            (
                "as 7 rotated files, a day each (/etc/logrotate.d/cups:3)".to_owned(),
                Some(8)
            )
        );
        let wtmp = of("/var/log/wtmp").unwrap();
        assert_eq!(
            wtmp.0,
            "as one rotated file, a month each, rotated when it has 1M (/etc/logrotate.d/wtmp:6)"
        );
        let inherited = of("/var/log/x7.log").unwrap();
        assert_eq!(
            inherited.0,
            "as 4 rotated files, a week each (/etc/logrotate.d/plain:1)"
        );
        let sized = of("/var/log/q t.log").unwrap();
        assert!(
            sized.0.starts_with("as 2 rotated files of 10M: how long"),
            "{sized:?}"
        );
        for nobody in ["/var/log/xx.log", "/var/log/cups/a/b_log", "/var/log/other"] {
            assert_eq!(of(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_month_says_what_to_set_what_it_costs_and_how_to_restore() {
        let said = kept().of(Path::new("/var/log/cups/page_log")).unwrap();
        let remedy = said.short.unwrap().remedy;
        assert!(
            remedy.starts_with("set rotate 31 (now 7) at /etc/logrotate.d/cups:3"),
            "{remedy}"
        );
        assert!(remedy.contains("Costs") && remedy.contains("restore"));
    }

    #[test]
    fn what_is_kept_long_enough_is_not_named_to_be_shortened() {
        for (rotate, wanted) in [
            ("rotate 52", None),
            ("rotate -1", None),
            ("rotate 2", Some("rotate 5 (now 2)")),
        ] {
            let settings = format!("/var/log/a {{\n weekly\n {rotate}\n maxage 14\n}}\n");
            let disk = FakeDisk::new().file("/etc/logrotate.conf", settings);
            let said = Kept::read(&disk).of(Path::new("/var/log/a")).unwrap();
            let remedy = said.short.unwrap().remedy;
            let want = match wanted {
                None => "set maxage 31 (now 14) at ".to_owned(),
                Some(files) => format!("set {files} and maxage 31 (now 14) at "),
            };
            assert!(remedy.starts_with(&want), "{remedy}");
        }
    }

    #[test]
    fn a_circle_of_includes_ends_and_without_logrotate_nothing_is_said() {
        let circle = FakeDisk::new().file(
            "/etc/logrotate.conf",
            "include /etc/logrotate.conf\n/var/log/a { rotate 1 }\n",
        );
        let kept = Kept::read(&circle);
        assert!(kept.is_there && kept.of(Path::new("/var/log/a")).is_some());
        let none = Kept::read(&FakeDisk::new());
        assert!(!none.is_there && none.of(Path::new("/var/log/a")).is_none());
    }

    fn journal(disk: FakeDisk) -> Said {
        Kept::read(&disk).of(Path::new(JOURNAL)).unwrap()
    }

    #[test]
    fn the_journal_says_where_it_lies_and_how_long() {
        let there = || FakeDisk::new().file("/var/log/journal/x/system.journal", "");
        let default =
            journal(there().file("/etc/systemd/journald.conf", "[Journal]\n#SystemMaxUse=\n"));
        assert_eq!(
            default.text,
            "until its room is full (nothing set: a tenth of the file system, 4 GiB at most)"
        );
        assert_eq!(default.short, None);
        let set = journal(
            there()
                .file(
                    "/etc/systemd/journald.conf",
                    "[Journal]\nSystemMaxUse=1G\nMaxRetentionSec=1year\n",
                )
                .file(
                    "/etc/systemd/journald.conf.d/50.conf",
                    "[Journal]\nMaxRetentionSec=2week\n",
                ),
        );
        assert_eq!(
            set.text,
            "until its room is full (SystemMaxUse=1G, /etc/systemd/journald.conf:2), no entry longer than MaxRetentionSec=2week, /etc/systemd/journald.conf.d/50.conf:2"
        );
        assert_eq!(set.short.unwrap().days, 14);
        let volatile = journal(there().file(
            "/etc/systemd/journald.conf",
            "[Journal]\nStorage=volatile\n",
        ));
        assert!(
            volatile
                .text
                .contains("Storage=volatile, /etc/systemd/journald.conf:2")
        );
        assert!(
            journal(FakeDisk::new())
                .text
                .contains("there is no /var/log/journal")
        );
    }

    #[test]
    fn spans_of_systemd_are_days() {
        for (text, want) in [("1month", 30), ("2week 3d", 17), ("86400", 1), ("12h", 0)] {
            assert_eq!(days(text), Some(want), "{text}");
        }
        for bad in ["soon", "1 fortnight", "99999999999999999999"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_settings_make_it_panic_or_hang() {
        groma_fuzz::hammer(
            3_000,
            &[
                MAIN.as_bytes(),
                RSYSLOG.as_bytes(),
                CUPS.as_bytes(),
                WTMP.as_bytes(),
            ],
            |bytes| {
                let disk = FakeDisk::new()
                    .file("/etc/logrotate.conf", bytes)
                    .file("/etc/systemd/journald.conf", bytes);
                let kept = Kept::read(&disk);
                let _ = kept.of(Path::new("/var/log/cups/access_log"));
                let _ = kept.of(Path::new(JOURNAL));
            },
        );
    }

    proptest::proptest! {
        #[test]
        fn a_path_without_signs_means_itself(path in "[a-z/]{1,20}", other in "[a-z/]{1,20}") {
            proptest::prop_assert!(is_meant(path.as_bytes(), path.as_bytes()));
            proptest::prop_assert_eq!(is_meant(path.as_bytes(), other.as_bytes()), path == other);
        }
    }
}

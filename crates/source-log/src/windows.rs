//! Logs of Windows machines that an operator carried here and named: event logs (`.evtx`) and the text logs of Exchange and
//! IIS, on any system.
//!
//! What a file is, is told by how it begins and not by its name. Every event says which machine it is from, so the logs of
//! ten domain controllers may lie in one folder, and the machine that reads them need be none of them. What an event tells
//! is data ([`groma_knowledge::events`]).
//!
//! A log that was exported twice, or archived and exported, tells each event once: by its number and time. Only what was
//! read counts as told: two exports of one log may each be filtered for something else.

mod absent;
pub(crate) mod files;
mod mail;
mod nps;
mod smtp;
mod sum;
mod table;
mod tell;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use groma_knowledge::EVENT_GRAMMARS;
use groma_knowledge::events::{EventGrammar, Tells};
use groma_model::reported::ReportedMail;
use groma_model::schedule::Zone;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Reason, Scope, SourceName, Timestamp,
};
use groma_source::{
    Budget, Disk, Explanation, OpenFile, Sink, SinkExt, Source, Window, World, disk,
};

use self::files::Found;
use self::sum::Sums;
use self::table::Table;
use crate::evtx::{self, Event};
use crate::handed;
use crate::lines;
use crate::read::zone as zone_of;
use crate::stamp;

/// The source's name.
pub const NAME: &str = "log.windows";
/// Where Windows keeps its event logs; looked at where this is Windows.
const OWN: &str = r"C:\Windows\System32\winevt\Logs";
/// Logs told apart in one look.
const LOGS_MAX: usize = 4_096;
/// Events remembered in all, to tell a second copy: those of 4 GB of logs, at 16 bytes each.
const KNOWN_MAX: usize = 4 << 20;
/// Machines whose clocks are named one by one.
const CLOCKS_MAX: usize = 64;
const NAME_A_LOG: &str = "name an event log (.evtx), a text log of IIS or Exchange that begins with #Software, a log file of NPS, or a journal as text (journalctl -o export)";
const UNPACK: &str = "unpack it by hand to see what is wrong with it";
const FEWER_FILES: &str = "name fewer files at a time";
const EXPORT_AGAIN: &str = "export the log once more on its machine: wevtutil epl LOG FILE";

/// Exported logs of Windows machines, in the files and folders somebody named.
pub struct WindowsLogs {
    world: World,
    named: Vec<PathBuf>,
}

impl WindowsLogs {
    /// A source on `world` that reads what lies at `named`, whole paths of files or folders.
    pub fn new(world: World, named: Vec<PathBuf>) -> Self {
        Self { world, named }
    }

    fn paths(&self) -> Vec<PathBuf> {
        let own = cfg!(windows).then(|| PathBuf::from(OWN));
        self.named.iter().cloned().chain(own).collect()
    }
}

impl Source for WindowsLogs {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let products: BTreeSet<&str> = EVENT_GRAMMARS.iter().map(|g| g.product.as_str()).collect();
        let products: Vec<&str> = products.into_iter().collect();
        let paths = self.paths();
        let reads = match paths.is_empty() {
            true => "nothing, unless --events names a file or folder".to_owned(),
            false => paths
                .iter()
                .map(|path| format!("{}, and what lies in it", path.display()))
                .collect::<Vec<_>>()
                .join("; "),
        };
        Explanation {
            purpose: format!(
                "Tells who used Windows servers, from logs that somebody exported and named ({}).",
                products.join(", ")
            ),
            reads: vec![reads],
            contacts: Vec::new(),
            sends: vec!["addresses and names of clients and servers, accounts they used, mechanism, protection, what was used, first, last, count, hours of the week".to_owned()],
            never_sends: vec!["values of searches, senders and recipients of mail, paths that were called, whole events or lines".to_owned()],
            rights: vec!["to read those files".to_owned()],
            cost: "one pass over those files, up to the budget".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let mut look = Look {
            disk,
            window,
            sink,
            bytes_left: budget.total_bytes_max,
            logs: BTreeMap::new(),
            sums: Sums::default(),
            smtp: smtp::Sessions::default(),
            read: BTreeSet::new(),
            incomplete: BTreeSet::new(),
            cut: BTreeSet::new(),
            known: Known::default(),
            met: BTreeSet::new(),
            left_out: 0,
            nameless: 0,
            future: BTreeMap::new(),
        };
        for path in self.paths() {
            look.path(&path);
        }
        look.say();
    }
}

/// A log: its own name for itself, and the machine it is of.
type LogKey = (String, String);

/// What is known of a log.
#[derive(Default)]
struct Log {
    /// As evidence cites it; made once, for every row that does.
    name: Foreign,
    files: BTreeSet<PathBuf>,
    span: Option<(Timestamp, Timestamp)>,
    events: u64,
    /// The least number of an event.
    oldest: Option<u64>,
    full: bool,
    /// A number of ours, in the order logs are met.
    ordinal: usize,
    /// First and last number of the events of each file.
    spans: Vec<(u64, u64)>,
    /// The same of the file that is read.
    reading: Option<(u64, u64)>,
    /// Numbers of events that told something.
    told: BTreeSet<u32>,
    /// What happens and is not told more about: by event, when last and in whose words.
    silent: BTreeMap<u32, (Timestamp, String)>,
}

impl Log {
    fn called((log, machine): &LogKey, ordinal: usize) -> Self {
        Self {
            ordinal,
            name: format!("{log} of {machine}").as_str().into(),
            ..Self::default()
        }
    }

    fn touch(&mut self, at: Timestamp) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        self.events += 1;
    }

    fn read(&mut self, record: u64) {
        let (first, last) = self.reading.unwrap_or((record, record));
        self.reading = Some((first.min(record), last.max(record)));
    }

    /// True if events lie between two files that none of them has.
    fn has_hole(&self) -> bool {
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        let mut reached = spans.first().map_or(0, |(_, last)| *last);
        spans.into_iter().any(|(first, last)| {
            let hole = first > reached.saturating_add(1);
            reached = reached.max(last);
            hole
        })
    }
}

/// Events that were read, each by its log, number and time: another file may hold them too.
#[derive(Default)]
struct Known {
    events: HashSet<u64>,
    /// Nobody can foresee what it makes of an event.
    hash: RandomState,
    /// True once there was no room.
    full: bool,
}

impl Known {
    /// True for an event that was read before.
    fn take(&mut self, log: usize, event: &Event) -> bool {
        let event = self.hash.hash_one((log, event.record, event.at));
        if self.events.len() >= KNOWN_MAX {
            self.full = true;
            return self.events.contains(&event);
        }
        !self.events.insert(event)
    }
}

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    bytes_left: u64,
    logs: BTreeMap<LogKey, Log>,
    sums: Sums,
    smtp: smtp::Sessions,
    /// Files that were read: somebody may name a folder and a file in it.
    read: BTreeSet<PathBuf>,
    /// Logs of which something is missing.
    incomplete: BTreeSet<LogKey>,
    /// Text logs whose sessions may have lost a part, whosever they are: a session is told where it ends.
    cut: BTreeSet<String>,
    known: Known,
    /// Logs the file that is read told something of.
    met: BTreeSet<LogKey>,
    /// Events and rows of logs there was no room for, and events that name no machine.
    left_out: u64,
    nameless: u64,
    /// Events that are not yet, by machine.
    future: BTreeMap<String, u64>,
}

impl Look<'_> {
    /// Reads everything at a path somebody named.
    fn path(&mut self, path: &Path) {
        let scope = Scope::new("log", &path.to_string_lossy());
        let Found { files, errors } = files::under(self.disk, path);
        let sound = errors.is_empty();
        for error in errors {
            let what = disk::foreign(&error.path).to_string();
            self.missed(
                &scope,
                what,
                error.reason,
                "name a file or folder that is there and may be read",
            );
        }
        let mut complete = sound;
        for file in files {
            if !self.read.insert(file.path.clone()) {
                continue;
            }
            complete &= self.file(&scope, &file.path, file.bytes, file.named);
        }
        let state = match complete {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.sink.covered_now(self.window, &scope, state);
    }

    fn missed(&mut self, scope: &Scope, what: String, reason: Reason, remedy: &str) -> bool {
        self.sink.missed_because(scope, what, reason, remedy);
        false
    }

    /// Reads one file; false if something of it is missing, and that is said.
    fn file(&mut self, scope: &Scope, path: &Path, bytes: u64, named: bool) -> bool {
        let name = disk::foreign(path).to_string();
        if bytes > self.bytes_left || self.window.is_over() {
            let remedy = "give the look more bytes or time, or name fewer files";
            return self.missed(scope, name, Reason::BudgetExhausted, remedy);
        }
        let file = match self.disk.open(path) {
            Ok(file) => file,
            Err(error) => {
                return self.missed(scope, name, error.reason, "let whoever looks read it");
            }
        };
        // A journal as text is another source's.
        if handed::is_one(file.as_ref()) {
            return true;
        }
        let mut head = [0; 8];
        let got = file.read_at(0, &mut head).unwrap_or_default();
        let head = head.get(..got).unwrap_or_default();
        if head == evtx::SIGNATURE {
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            return self.events(scope, path, file.as_ref());
        }
        if files::may_be_table(head) {
            return self.table(scope, path, file, (bytes, named));
        }
        if named {
            return self.missed(scope, name, Reason::Unsupported, NAME_A_LOG);
        }
        true
    }

    /// Reads an event log.
    fn events(&mut self, scope: &Scope, path: &Path, file: &dyn OpenFile) -> bool {
        let name = disk::foreign(path).to_string();
        let window = self.window;
        self.met.clear();
        let told = evtx::of(file, &|| window.is_over(), |event| {
            self.event(path, event);
        });
        let met = std::mem::take(&mut self.met);
        for key in &met {
            if let Some(log) = self.logs.get_mut(key) {
                log.full |= told.as_ref().is_ok_and(|told| told.full);
                log.spans.extend(log.reading.take());
            }
        }
        let holes = match told {
            Ok(told) => holes(&told),
            Err(reason) => vec![("it cannot be read to its end".to_owned(), reason)],
        };
        let complete = holes.is_empty();
        for (what, reason) in holes {
            self.missed(scope, format!("{name}: {what}"), reason, EXPORT_AGAIN);
        }
        if !complete {
            self.incomplete.extend(met);
        }
        complete
    }

    /// Takes an event, unless there is no room for its log; nothing for one of a log nobody asks about.
    fn event(&mut self, path: &Path, event: &Event) -> Option<()> {
        // Of a log nobody asks about nothing is kept, its name least of all: it may be as long as an event.
        let grammar = grammar_of(&event.channel)?;
        let Some(machine) = tell::peer(&event.computer) else {
            self.nameless += 1;
            return None;
        };
        let key = (event.channel.clone(), machine.to_string());
        if event.at > stamp::latest(self.window.now()) {
            return self.of_the_future(key);
        }
        let ordinal = self.logs.len();
        if !self.logs.contains_key(&key) && ordinal >= LOGS_MAX {
            self.left_out += 1;
            return None;
        }
        let log = self
            .logs
            .entry(key.clone())
            .or_insert_with(|| Log::called(&key, ordinal));
        log.read(event.record);
        self.met.insert(key);
        if self.known.take(log.ordinal, event) {
            return None;
        }
        log.touch(event.at);
        log.files.insert(path.to_owned());
        log.oldest = Some(log.oldest.unwrap_or(event.record).min(event.record));
        let value = |name: &str| event.value(name);
        if let Some(rule) = grammar.rule(&event.provider, event.number, &value) {
            log.told.insert(event.number);
            if let (Tells::Silent, Some(says)) = (rule.tells, &rule.says) {
                let says = filled(says, &value);
                let kept = log
                    .silent
                    .entry(event.number)
                    .or_insert((event.at, String::new()));
                if kept.0 <= event.at {
                    *kept = (event.at, says);
                }
            }
            let told = tell::uses(grammar, rule, &machine, &value, &log.name);
            let typed = rule.is_account_typed(&value);
            for used in told {
                self.sums.add(used, (event.at, event.at), 1, typed);
            }
        }
        Some(())
    }

    /// Counts an event that is not yet: a machine's clock is wrong, or somebody made it up.
    fn of_the_future(&mut self, key: LogKey) -> Option<()> {
        if self.future.len() < CLOCKS_MAX || self.future.contains_key(&key.1) {
            *self.future.entry(key.1.clone()).or_default() += 1;
        } else {
            self.nameless += 1;
        }
        if self.logs.contains_key(&key) {
            self.incomplete.insert(key);
        }
        None
    }

    /// Reads a text log, if it is one.
    fn table(
        &mut self,
        scope: &Scope,
        path: &Path,
        file: Box<dyn OpenFile>,
        (bytes, named): (u64, bool),
    ) -> bool {
        let name = disk::foreign(path).to_string();
        let window = self.window;
        let zone = Zone::default();
        // Who copies a log may date it anew; its rows carry whole dates.
        let local = zone_of(self.disk);
        let mut table = Table::new(&zone, &local, window.now());
        self.met.clear();
        let read = lines::of(file.as_ref(), 0, &|| window.is_over(), |line| {
            if let Some(row) = table.row(line) {
                self.row(path, table.log(), row);
            }
        });
        let unpacked = read.as_ref().map_or(0, |told| told.bytes);
        self.bytes_left = self.bytes_left.saturating_sub(unpacked.max(bytes));
        let known = grammar_of(table.log()).is_some();
        if named && !known {
            return self.missed(scope, name, Reason::Unsupported, NAME_A_LOG);
        }
        let holes = match read {
            Ok(told) => table_holes(&name, told, table.malformed),
            Err(reason) => vec![(name, reason, UNPACK)],
        };
        let complete = holes.is_empty();
        let met = std::mem::take(&mut self.met);
        if !complete {
            self.incomplete.extend(met);
            self.cut.insert(table.log().to_owned());
        }
        for (what, reason, remedy) in holes {
            self.missed(scope, what, reason, remedy);
        }
        complete
    }

    fn row(&mut self, path: &Path, log: &str, row: table::Row) {
        if log == smtp::LOG {
            for told in self.smtp.take(row) {
                self.session(Some(path), told);
            }
            return;
        }
        let span = (row.at, row.at);
        let mail = mail::tracked(log, &row.values);
        self.tell(Some(path), log, (&row, mail), span, 1);
    }

    fn session(&mut self, path: Option<&Path>, told: smtp::Told) {
        let span = (told.row.at, told.last);
        self.tell(path, smtp::LOG, (&told.row, told.mail), span, told.count);
    }

    fn tell(
        &mut self,
        path: Option<&Path>,
        log: &str,
        (row, mail): (&table::Row, Option<ReportedMail>),
        span: (Timestamp, Timestamp),
        count: u64,
    ) {
        let Some(grammar) = grammar_of(log) else {
            return;
        };
        let value = |name: &str| row.values.get(name).map(String::as_str);
        let Some(machine) = grammar
            .machine
            .iter()
            .find_map(|name| tell::peer(value(name)?))
        else {
            return;
        };
        let key = (log.to_owned(), machine.to_string());
        let ordinal = self.logs.len();
        if !self.logs.contains_key(&key) && ordinal >= LOGS_MAX {
            self.left_out += 1;
            return;
        }
        let known = self
            .logs
            .entry(key.clone())
            .or_insert_with(|| Log::called(&key, ordinal));
        self.met.insert(key);
        known.touch(span.0);
        known.touch(span.1);
        known.files.extend(path.map(Path::to_owned));
        if let Some(rule) = grammar.rule("", 0, &value) {
            let typed = rule.is_account_typed(&value);
            for mut used in tell::uses(grammar, rule, &machine, &value, &known.name) {
                used.refused |= mail.as_ref().is_some_and(|mail| mail.refused.is_some());
                used.mail = mail.clone().map(Box::new);
                self.sums.add(used, span, count, typed);
            }
        }
    }

    /// Says what was told, how far each log reaches, and what it would tell if it were asked to.
    fn say(mut self) {
        for told in self.smtp.end() {
            self.session(None, told);
        }
        let (rows, left_out) = std::mem::take(&mut self.sums).rows();
        for (used, seen) in rows {
            let scope = Scope::new("log", &used.log.lossy());
            let fact = Fact::ReportedUse(used);
            self.sink.saw(Observation { scope, fact, seen });
        }
        let scope = Scope::new("log", NAME);
        for (what, reason, remedy) in self.lost(left_out) {
            self.missed(&scope, what, reason, remedy);
        }
        for (what, remedy) in absent::logs(&self.logs) {
            self.missed(&scope, what, Reason::NotPresent, &remedy);
        }
        let some_lost = left_out + self.left_out + self.nameless > 0;
        for (key, log) in std::mem::take(&mut self.logs) {
            self.end_log(&key, &log, some_lost);
        }
    }

    /// What was read and not kept, in all files.
    fn lost(&self, uses: u64) -> Vec<(String, Reason, &'static str)> {
        const CLOCK: &str = "see whether its clock is right";
        let mut out = Vec::new();
        if uses > 0 {
            let what = format!("{uses} further uses in exported logs");
            out.push((what, Reason::BudgetExhausted, FEWER_FILES));
        }
        if self.left_out > 0 {
            let what = format!("{} events of further logs and machines", self.left_out);
            out.push((what, Reason::BudgetExhausted, FEWER_FILES));
        }
        if self.known.full && self.logs.values().any(|log| log.spans.len() > 1) {
            let what = "which events two files hold: some may count twice".to_owned();
            out.push((what, Reason::BudgetExhausted, FEWER_FILES));
        }
        if self.nameless > 0 {
            let what = format!(
                "{} events that name no machine, or a time that is not yet",
                self.nameless
            );
            out.push((what, Reason::Malformed, EXPORT_AGAIN));
        }
        for (machine, count) in &self.future {
            let what = format!("{count} events of {machine} at a time that is not yet");
            out.push((what, Reason::Malformed, CLOCK));
        }
        out
    }

    fn end_log(&mut self, key: &LogKey, log: &Log, left_out: bool) {
        let scope = Scope::new("log", &log.name.lossy());
        let Some(grammar) = grammar_of(&key.0) else {
            return;
        };
        let silent = silence(grammar, log);
        for what in &silent {
            let what = format!("{}: {what}", key.1);
            self.missed(&scope, what, Reason::LogDisabled, &grammar.enable);
        }
        let missing = left_out
            || !silent.is_empty()
            || self.incomplete.contains(key)
            || (key.0 == smtp::LOG && self.cut.contains(&key.0))
            || self.future.contains_key(&key.1)
            || log.has_hole();
        let (from, to) = log
            .span
            .unwrap_or((self.window.started(), self.window.now()));
        self.sink.covered(Coverage {
            scope,
            state: if missing {
                CoverageState::Partial
            } else {
                CoverageState::Complete
            },
            from,
            to,
            how: Some(how(grammar, log)),
        });
    }
}

/// What happens and is not told more about, in the words of the log's last such event.
fn silence(grammar: &EventGrammar, log: &Log) -> Vec<String> {
    let told_by = |number: &u32| {
        let rule = grammar
            .event
            .iter()
            .find(|rule| rule.ids.contains(number))?;
        let told = rule.told_by.iter().any(|by| log.told.contains(by));
        (!told).then_some(&rule.told_by)
    };
    log.silent
        .iter()
        .filter_map(|(number, (at, says))| {
            let by: Vec<String> = told_by(number)?.iter().map(u32::to_string).collect();
            let (minute, by) = (at.minute(), by.join(", "));
            Some(format!(
                "{says} (event {number}, {minute}), and no event {by} that tells whose"
            ))
        })
        .collect()
}

/// How far a log reaches and why no farther.
fn how(grammar: &EventGrammar, log: &Log) -> String {
    let files = match log.files.len() {
        1 => "one file".to_owned(),
        files => format!("{files} files"),
    };
    let oldest = match log.oldest {
        Some(0 | 1) => ", from its first event on".to_owned(),
        Some(oldest) => format!(", oldest event {oldest}: the ones before it are gone"),
        None => String::new(),
    };
    let full = if log.full {
        ", as large as it may be"
    } else {
        ""
    };
    format!("{files}{oldest}{full}; kept {}", grammar.kept)
}

/// Longest name of a log: the longest of the ones we know has 36 letters, and a version may follow.
const NAME_MAX: usize = 128;

/// What a log tells that calls itself `log`; nothing for one whose name nobody gives a log.
fn grammar_of(log: &str) -> Option<&'static EventGrammar> {
    let odd = |letter: char| letter.is_control() || letter == char::REPLACEMENT_CHARACTER;
    let sound = log.len() <= NAME_MAX && !log.chars().any(odd);
    EVENT_GRAMMARS
        .iter()
        .find(|grammar| sound && grammar.is_of(log))
}

/// `says` with values in place of their names in braces; only numbers, which nobody can have written more into.
fn filled<'v>(says: &str, value: &impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::new();
    let mut rest = says;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let number =
            value(name).filter(|text| text.len() < 20 && text.bytes().all(|b| b.is_ascii_digit()));
        out.push_str(number.unwrap_or("some"));
        rest = after;
    }
    out + rest
}

/// What of a text log could not be read, with what to do.
fn table_holes(
    name: &str,
    told: lines::Told,
    malformed: u64,
) -> Vec<(String, Reason, &'static str)> {
    let mut out = Vec::new();
    if told.stopped {
        let what = format!("{name}: its end was not reached");
        let remedy = "the time of the look was over; give it more";
        out.push((what, Reason::BudgetExhausted, remedy));
    }
    let bad = malformed + told.too_long;
    if bad > 0 {
        let what = format!("{bad} lines of {name} that have not the columns it says");
        let remedy = "see whether the file was cut or changed by hand";
        out.push((what, Reason::Malformed, remedy));
    }
    out
}

/// What of an event log could not be read, with the place.
fn holes(told: &evtx::Told) -> Vec<(String, Reason)> {
    let mut out = Vec::new();
    if told.damaged > 0 {
        let places: Vec<String> = told.places.iter().map(u64::to_string).collect();
        out.push((
            format!(
                "{} damaged parts of 64 KiB, at byte {}",
                told.damaged,
                places.join(", ")
            ),
            Reason::Malformed,
        ));
    }
    if told.unreadable > 0 {
        out.push((
            format!("{} events that cannot be read", told.unreadable),
            Reason::Malformed,
        ));
    }
    if told.cut > 0 {
        out.push((
            format!("{} bytes of a part that was cut", told.cut),
            Reason::Malformed,
        ));
    }
    if told.stopped {
        out.push((
            "its end was not reached in the time of the look".to_owned(),
            Reason::BudgetExhausted,
        ));
    }
    out
}

#[cfg(test)]
mod tests;

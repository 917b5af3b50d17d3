//! The source: which logs there are, what they tell, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::LogGrammar;
use groma_model::fact::{AskedName, LoggedSearch, LoggedUse, MailReader, MailUse};
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Reason, Scope, SourceName, Timestamp,
};
use groma_source::{
    Budget, Disk, Doubt, Explanation, Memory, Sink, SinkExt, Source, Window, World, disk,
};

use crate::family::{self, Family, Member};
use crate::listen::Reading;
use crate::part::{Before, Outcome, Part};
use crate::reach::Reach;
use crate::read::{Log, Logs, Reader, Surroundings};
use crate::remembered::{self, Basis};
use crate::search::Searches;
use crate::syslogd::{self, Written};
use crate::tally::{self, Tally};
use crate::{journal, kept, lines, mail};

mod delays;
mod logons;
mod pages;
mod taps;

/// Where the syslog daemons of the distributions write.
const SYSLOG_FILES: &[&str] = &[
    "/var/log/auth.log",
    "/var/log/daemon.log",
    "/var/log/local4.log",
    "/var/log/mail.info",
    "/var/log/mail.log",
    "/var/log/maillog",
    "/var/log/messages",
    "/var/log/secure",
    "/var/log/syslog",
];
const ONE_LOG: &str =
    "let the service write one log for all its clients, or read the further ones by hand";
/// Where the settings of a syslog daemon name more than is read.
const FEWER_FILES: &str = "see in these settings whose logs lie elsewhere, and read them by hand";
/// Where a RADIUS server's log knows a network by one name.
const BY_NAME: &str = "the log knows them by the name of a network, or by a name that leads to no fixed address: give each device a client of its own in clients.conf, or see the directories of radacct, which are called by address";
/// For a log none of whose lines is as we know them.
const FORMAT: &str = "let the server write a further log in the format `combined`, or in one that begins like it, and reload it (about 200 bytes a request); take that out again to restore";
const NOT_OURS: &str = "see who made it, and remove it";
const MORE_TIME: &str = "the time of the look was over; give it more";
const VERIFY: &str = "journalctl --verify tells what is wrong with it";
/// A log that reaches so far has the monthly job in it.
const MONTH: Duration = Duration::from_secs(31 * 86_400);
/// How much later than the journal a syslog daemon may date a line.
const LATE_MAX: Duration = Duration::from_secs(300);

/// From the first use to the last.
type Span = (Timestamp, Timestamp);
const BE_ROOT: &str = "run as root, or as a member of the group adm";
const BE_ROOT_OR_JOURNAL: &str = "run as root, or as a member of the group systemd-journal";

/// The logs of this machine's services.
pub struct LogSource {
    world: World,
    memory: Option<Memory>,
}

impl LogSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self {
            world,
            memory: None,
        }
    }
}

impl Source for LogSource {
    fn name(&self) -> SourceName {
        SourceName::new("log.services")
    }

    fn explain(&self) -> Explanation {
        let own = LOG_GRAMMARS.iter().flat_map(|g| &g.files);
        let files: Vec<String> = own
            .cloned()
            .chain(SYSLOG_FILES.iter().map(|f| (*f).to_owned()))
            .collect();
        let products: Vec<&str> = LOG_GRAMMARS.iter().map(|g| g.product.as_str()).collect();
        Explanation {
            purpose: format!(
                "Tells who used the services of this machine, as their own logs know it ({}): the client that calls once a month.",
                products.join(", ")
            ),
            reads: [
                format!("{}, with their rotations, plain, gzip and zstd", files.join(", ")),
                mail::SETTINGS.to_owned(),
                logons::READS.to_owned(),
                pages::READS.to_owned(),
                taps::READS.to_owned(),
                kept::READS.to_owned(),
                syslogd::READS.to_owned(),
                "/proc/sys/kernel/hostname, /etc/hostname; /etc/bind/named.conf, /etc/named.conf, /usr/local/etc/namedb/named.conf with what they include, for the zones this machine answers for; /etc/postfix/master.cf, /etc/postfix/main.cf (what Postfix calls itself); clients.conf of FreeRADIUS with what it includes (names and addresses, never a secret); /etc/localtime (where it leads), /etc/timezone; /etc/machine-id and the journal files of systemd in /var/log/journal and /run/log/journal; whether the programs of these products are there".to_owned(),
            ]
            .into_iter()
            .chain(self.memory.iter().map(|memory| {
                let path = memory.path.display();
                format!("{path}: what each log told up to where it was read last; only what was added since is read")
            }))
            .collect(),
            contacts: Vec::new(),
            sends: vec![
                "addresses of clients, accounts they used, mechanism, protection, first, last, count, hours of the week".to_owned(),
                "of mail: what clients call themselves, domains of senders and recipients, words as `scan` in a sender's name, sizes added up, why mail was refused; for each of the last seven days how many were delivered, put off and sent back, and how long that took; with which kind of program (in words of groma's own) mail, calendars and address books are read; which domains a mail server takes, and the entries that let clients send through it".to_owned(),
                "of directories: where clients search, from the last unit on, and the names of the attributes they search by".to_owned(),
                "of web and proxy servers: the first word of what a client calls itself (`curl`); of print servers: queues that were used, with pages; of file servers: shares".to_owned(),
            ],
            never_sends: vec!["addresses of senders and recipients, subjects, names that were asked for outside of this server's own zones and who asked for which, values in searches of a directory and names of persons in their bases, lines of a log".to_owned()],
            rights: vec!["root or the group adm".to_owned()],
            cost: "one pass over those files, up to the budget; later looks read what was added since, and say the whole".to_owned(),
        }
    }

    fn remember(&mut self, memory: Memory) {
        self.memory = Some(memory);
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let begin = window.monotonic();
        let around = Surroundings::of(disk);
        let written = Written::read(disk);
        let paths = paths(&written);
        let kept = kept::Kept::read(disk);
        let mut reader = Reader::new(disk, window, (&around, &kept), budget.total_bytes_max)
            .leaving_last(&written.files);
        let basis = self.memory.as_ref().map(|m| Basis::new(m, &around));
        let before = match (&self.memory, &basis) {
            (Some(memory), Some(basis)) => {
                let before = remembered::recall(disk, memory, basis);
                if before.as_ref().err() == Some(&Doubt::NotOurs) {
                    say_doubt(memory, window, sink);
                }
                before.unwrap_or_default()
            }
            _ => Before::default(),
        };
        let mut logs = reader.read(&paths, before);
        if !window.watch().is_zero() && !window.is_over() {
            let passed = window.monotonic().saturating_sub(begin);
            window.sleep(window.watch().saturating_sub(passed));
            logs = reader.read_on(&paths, logs.before());
        }
        if let Some(basis) = &basis {
            remembered::keep(&mut logs, basis, sink);
        }
        let mut look = Look {
            disk,
            window,
            sink,
            around: &around,
            reader,
            asked: Vec::new(),
            switched: BTreeMap::new(),
            kept: &kept,
            told: BTreeMap::new(),
            searched: BTreeMap::new(),
            mail: BTreeMap::new(),
            readers: Vec::new(),
            week: delays::Week::default(),
            heard: BTreeSet::new(),
            in_text: BTreeMap::new(),
        };
        look.errors(&logs);
        look.errors_of_syslogd(&written);
        logs.logs.into_iter().for_each(|log| look.log(log));
        look.logons();
        look.pages();
        look.taps();
        look.say();
        look.how_far_questions_reach();
        look.say_mail();
        look.what_is_silent();
    }
}

/// True for a file that some log's paths mean by habit.
pub(crate) fn is_habit(file: &str) -> bool {
    let own = LOG_GRAMMARS.iter().flat_map(|g| &g.files);
    let mut habits = own.map(String::as_str).chain(SYSLOG_FILES.iter().copied());
    habits.any(|habit| family::is_meant(Path::new(habit), Path::new(file)))
}

/// Every path that may be a log's: by habit, and by what the syslog daemon is told.
fn paths(written: &Written) -> Vec<&str> {
    let own = LOG_GRAMMARS
        .iter()
        .flat_map(|g| g.files.iter().map(String::as_str));
    let named = written.files.iter().map(String::as_str);
    let by_habit = own.chain(SYSLOG_FILES.iter().copied());
    let paths: BTreeSet<&str> = by_habit.chain(named).collect();
    paths.into_iter().collect()
}

/// What was kept could have been written by somebody else.
fn say_doubt(memory: &Memory, window: &Window, sink: &mut dyn Sink) {
    let path = disk::foreign(&memory.path);
    let scope = Scope::new("memory", &path.lossy());
    let what = format!(
        "{path}: another account's, or others may write or read it; all logs were read anew"
    );
    sink.missed_because(&scope, what, Reason::PermissionDenied, NOT_OURS);
    sink.covered_now(window, &scope, CoverageState::Partial);
}

/// A log of questions.
struct AskedLog {
    id: &'static str,
    reach: Reach,
    complete: bool,
}

impl AskedLog {
    /// What it says of a time in which every question was written down; where there is none, of all its time, in part.
    fn reaches(&self, switched: &BTreeSet<Timestamp>) -> Option<Reaches> {
        let all = self.reach.span()?;
        let longest = self.reach.longest(switched).filter(|_| self.complete);
        let (from, to) = longest.unwrap_or(all);
        Some(Reaches {
            complete: longest.is_some(),
            length: to.since(from),
            has_holes: longest.is_some_and(|longest| longest != all),
            from,
            to,
        })
    }
}

/// How far a log of questions reaches. In order: the better one is greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Reaches {
    complete: bool,
    length: Duration,
    has_holes: bool,
    from: Timestamp,
    to: Timestamp,
}

/// The name people know the grammar's product by.
pub(crate) fn product_of(id: &'static str) -> &'static str {
    let of_id = LOG_GRAMMARS.iter().find(|g| g.id == id);
    of_id.map_or(id, |g| g.product.as_str())
}
/// What one log tells of the mail of one product.
type ToldOfMail = (Foreign, BTreeMap<MailUse, groma_model::Seen>);

/// What one log tells of searches.
type ToldOfSearches = (Foreign, BTreeMap<LoggedSearch, groma_model::Seen>);

/// What one log tells of one product.
type Told = (Foreign, BTreeMap<tally::Row, groma_model::Seen>);

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    around: &'a Surroundings,
    reader: Reader<'a>,
    /// Logs of questions: product, when there were any, and whether all of it was read.
    asked: Vec<AskedLog>,
    /// When products said that their log was switched on or off, in whichever file.
    switched: BTreeMap<&'static str, BTreeSet<Timestamp>>,
    /// How long this machine keeps its logs.
    kept: &'a kept::Kept,
    /// What each product's uses are, by the log that tells them.
    told: BTreeMap<&'static str, Vec<Told>>,
    /// Where clients of directories search, by the log that tells it.
    searched: BTreeMap<&'static str, Vec<ToldOfSearches>>,
    /// What each product's mail is, by the log that tells it.
    mail: BTreeMap<&'static str, Vec<ToldOfMail>>,
    /// Who reads mail and calendars, by the log that tells it.
    readers: Vec<(Foreign, BTreeMap<MailReader, groma_model::Seen>)>,
    /// How long mail took in the last days.
    week: delays::Week,
    /// Products whose log is on.
    heard: BTreeSet<&'static str>,
    /// Products that text logs tell, and since when.
    in_text: BTreeMap<&'static str, Span>,
}

impl Look<'_> {
    /// Says which settings do not tell where a syslog daemon writes.
    fn errors_of_syslogd(&mut self, written: &Written) {
        for error in &written.errors {
            let path = disk::foreign(&error.path);
            let (what, remedy) = match error.reason {
                Reason::BudgetExhausted => (
                    format!(
                        "logs that {path} names, beyond {} in all",
                        syslogd::FILES_MAX
                    ),
                    FEWER_FILES,
                ),
                Reason::TooLarge => (format!("logs that {path} names"), FEWER_FILES),
                _ => (path.to_string(), BE_ROOT),
            };
            self.lost(&error.path, what, &error.reason, remedy);
        }
    }

    /// Says which logs could not be found.
    fn errors(&mut self, logs: &Logs) {
        for error in &logs.errors {
            let path = disk::foreign(&error.path);
            let (what, remedy) = match error.reason {
                Reason::BudgetExhausted => (
                    format!("logs of {path} beyond the first {}", family::FAMILIES_MAX),
                    ONE_LOG,
                ),
                _ => (path.to_string(), BE_ROOT),
            };
            self.lost(&error.path, what, &error.reason, remedy);
        }
        for error in &logs.journal_errors {
            let what = disk::foreign(&error.path).to_string();
            self.lost(&error.path, what, &error.reason, BE_ROOT_OR_JOURNAL);
        }
    }

    fn lost(&mut self, path: &Path, what: String, reason: &Reason, remedy: &str) {
        let scope = Scope::new("log", &path.to_string_lossy());
        self.sink
            .missed_because(&scope, what, reason.clone(), remedy);
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }

    /// Puts the files of one log together, from the newest on, and says what is missing of them.
    fn log(&mut self, log: Log) {
        let Log {
            family,
            parts,
            is_journal,
        } = log;
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let mut reading = Reading::default();
        let mut complete = true;
        for (member, part) in family.members.iter().zip(parts) {
            let Part {
                outcome,
                reading: older,
                ..
            } = part;
            complete &= match outcome {
                Outcome::Journal(told) => self.journal_holes(&scope, member, &told),
                outcome => {
                    let is_written = member.path == family.path;
                    self.holes(&scope, member, (is_written, is_journal), &outcome)
                }
            };
            reading.go_back(older, &self.around.zones);
        }
        self.end_family(scope, &family, reading, complete);
    }

    /// Says which names of its own zones this machine was asked for, and keeps how far the log of questions reaches.
    fn questions(&mut self, id: &'static str, log: &Foreign, tally: &mut Tally, complete: bool) {
        let reach = std::mem::take(&mut tally.reach);
        if reach.span().is_none() {
            return;
        }
        let scope = Scope::new("asked", id);
        let product = product_of(id);
        for (name, seen) in std::mem::take(&mut tally.asked) {
            let fact = Fact::AskedName(AskedName {
                name,
                product: product.to_owned(),
                log: log.clone(),
            });
            let scope = scope.clone();
            self.sink.saw(Observation { scope, fact, seen });
        }
        self.asked.push(AskedLog {
            id,
            reach,
            complete: complete && tally.asked_left_out == 0 && self.around.zones.are_whole(),
        });
    }

    /// How far each log of questions reaches without holes. Of two logs of one product that do not begin and end alike, one has holes.
    fn how_far_questions_reach(&mut self) {
        let mut widest: BTreeMap<&'static str, Reaches> = BTreeMap::new();
        let never = BTreeSet::new();
        for log in std::mem::take(&mut self.asked) {
            let switched = self.switched.get(log.id).unwrap_or(&never);
            let known = widest.remove(log.id);
            let best = log.reaches(switched).max(known);
            widest.extend(best.map(|best| (log.id, best)));
        }
        for (id, log) in widest {
            let state = match log.complete {
                true => CoverageState::Complete,
                false => CoverageState::Partial,
            };
            let how = match log.has_holes {
                true => {
                    "every question written down, from the first to the last of the longest time without a silent day or a switch of the log"
                }
                false => "every question written down, from the first to the last",
            };
            self.sink.covered(Coverage {
                scope: Scope::new("asked", id),
                state,
                from: log.from,
                to: log.to,
                how: Some(how.to_owned()),
            });
        }
    }

    /// Keeps what a family told, and says how far it reaches.
    fn end_family(&mut self, scope: Scope, family: &Family, mut reading: Reading, complete: bool) {
        let mut complete = complete;
        let mut searches = reading.searches();
        let mut spans: BTreeMap<&'static str, Span> = BTreeMap::new();
        let log = disk::foreign(&family.path);
        for (product, times) in reading.switched {
            self.switched.entry(product).or_default().extend(times);
        }
        for (product, mut tally) in reading.tallies {
            self.questions(
                product,
                &log,
                &mut tally,
                complete && reading.of_others == 0,
            );
            if tally.left_out > 0 {
                complete = false;
                let what = format!("{} further uses of {product}", tally.left_out);
                self.sink.missed_because(
                    &scope,
                    what,
                    Reason::BudgetExhausted,
                    "more different clients than a look keeps",
                );
            }
            let rows = tally.rows();
            let first = rows.values().map(|seen| seen.first).min();
            let last = rows.values().map(|seen| seen.last).max();
            spans.extend(first.zip(last).map(|span| (product, span)));
            complete &= self.searches(&scope, product, (&rows, &log), &mut searches);
            self.told
                .entry(product)
                .or_default()
                .push((log.clone(), rows));
        }
        if reading.readers.left_out > 0 {
            complete = false;
            let what = format!("{} further readers of mail", reading.readers.left_out);
            let remedy = "more different readers than a look keeps";
            self.sink
                .missed_because(&scope, what, Reason::BudgetExhausted, remedy);
        }
        self.readers.push((log.clone(), reading.readers.rows()));
        let delays = reading.mail.delays();
        for (product, rows, left_out) in reading.mail.rows() {
            if left_out > 0 {
                complete = false;
                let what = format!("{left_out} further messages or names of {product}");
                let remedy = "more different senders than a look keeps";
                self.sink
                    .missed_because(&scope, what, Reason::BudgetExhausted, remedy);
            }
            self.mail
                .entry(product)
                .or_default()
                .push((log.clone(), rows));
        }
        if reading.is_format_known == Some(false) {
            complete = false;
            let what = format!("{log}: its lines are in a format groma does not know");
            self.sink
                .missed_because(&scope, what, Reason::Unsupported, FORMAT);
        }
        if reading.of_others > 0 {
            complete = false;
            let what = format!("{} lines of other machines in {log}", reading.of_others);
            self.sink.missed_because(
                &scope,
                what,
                Reason::Unsupported,
                "look on those machines themselves",
            );
        }
        if let Some(at) = reading.impossible {
            complete = false;
            let what = format!(
                "lines of {log} dated {}: before 1990, or after the file was written last",
                at.minute()
            );
            let remedy =
                "a clock was wrong then, or the file was touched; these lines were left out";
            self.sink
                .missed_because(&scope, what, Reason::Malformed, remedy);
        }
        if !reading.unplaced.is_empty() {
            complete = false;
            let what = unplaced(&log, &reading.unplaced);
            self.sink
                .missed_because(&scope, what, Reason::Unsupported, BY_NAME);
        }
        for (product, delays) in delays {
            let now = self.window.now();
            let ends = reading.span.map(|(_, last)| last);
            self.week.take(product, delays, (complete, ends), now);
        }
        let heard: Vec<&LogGrammar> = LOG_GRAMMARS
            .iter()
            .filter(|g| reading.heard.contains(g.id.as_str()))
            .collect();
        let grammar = heard.first().copied();
        self.heard.extend(reading.heard);
        let (from, to) = reading
            .span
            .unwrap_or((self.window.started(), self.window.now()));
        let is_journal = family.path == Path::new(family::JOURNAL);
        let mut alone = heard.iter().filter(|grammar| {
            let span = spans.get(grammar.id.as_str());
            !is_journal || !self.is_in_text(&grammar.product, span.copied())
        });
        if let Some(grammar) = alone.next() {
            self.kept_too_short(&scope, family, to.since(from), &grammar.product);
        }
        for grammar in heard.into_iter().filter(|_| !is_journal) {
            let span = spans.get(grammar.id.as_str()).copied().unwrap_or((to, to));
            let known = self.in_text.entry(&grammar.product).or_insert(span);
            *known = (span.0.min(known.0), span.1.max(known.1));
        }
        let kept = self.how_kept(family, grammar.map(|grammar| grammar.kept.as_str()));
        self.sink.covered(Coverage {
            scope,
            state: if complete {
                CoverageState::Complete
            } else {
                CoverageState::Partial
            },
            from,
            to,
            how: Some(kept),
        });
    }

    /// Says what clients of a directory search; false if something had no room.
    fn searches(
        &mut self,
        scope: &Scope,
        product: &'static str,
        (rows, log): (&BTreeMap<tally::Row, groma_model::Seen>, &Foreign),
        searches: &mut Searches,
    ) -> bool {
        if !searches.has(product) {
            return true;
        }
        let uses: Vec<LoggedUse> = (rows.keys().cloned())
            .map(|row| row.into_fact(product_of(product), log))
            .collect();
        let (told, left_out) = searches.of_product(product, &uses);
        if left_out > 0 {
            let name = product_of(product);
            let what = format!("{left_out} further ways in which clients search in {name}");
            let remedy = "more different searches, or more clients that search, than a look keeps; none of the clients is left out of who logs on";
            self.sink
                .missed_because(scope, what, Reason::BudgetExhausted, remedy);
        }
        self.searched
            .entry(product)
            .or_default()
            .push((log.clone(), told));
        left_out == 0
    }

    /// How many files there are, and how long they are kept: as this machine's settings say, else by `habit`.
    fn how_kept(&self, family: &Family, habit: Option<&str>) -> String {
        let files = match family.members.len() {
            1 => "one file".to_owned(),
            files => format!("{files} files"),
        };
        match (self.kept.of(&family.path), habit) {
            (Some(said), _) => format!("{files}, kept {}", said.text),
            (None, Some(habit)) if self.kept.is_there => format!(
                "{files}; nothing in logrotate's settings here names it. By habit kept {habit}"
            ),
            (None, Some(habit)) => format!("{files}, kept {habit}"),
            (None, None) => files,
        }
    }

    /// True if a text log beside the journal keeps the uses of `product` from its first one in the journal to its last: its
    /// lines are the same, and how long they are kept is said of that log. One that somebody left behind is none.
    fn is_in_text(&self, product: &str, in_journal: Option<Span>) -> bool {
        let reaches = |(first, last): &Span| {
            in_journal.is_none_or(|(begin, end)| {
                first.since(begin) <= LATE_MAX && end.since(*last) <= LATE_MAX
            })
        };
        self.in_text.get(product).is_some_and(reaches)
    }

    /// A log in which a monthly job leaves no trace is a hole, unless it reaches further than it must.
    fn kept_too_short(&mut self, scope: &Scope, family: &Family, reaches: Duration, product: &str) {
        let short = self.kept.of(&family.path).and_then(|said| said.short);
        let Some(short) = short.filter(|_| reaches < MONTH) else {
            return;
        };
        let log = disk::foreign(&family.path);
        let what = match short.days {
            0 => format!("who used {product} once a month: {log} is kept until the next start"),
            days => format!("who used {product} once a month: {log} is kept for {days} days"),
        };
        self.sink
            .missed_because(scope, what, Reason::LogDisabled, &short.remedy);
    }

    /// Says what is missing of one text file, or of any that was not read; false if something is.
    fn holes(
        &mut self,
        scope: &Scope,
        member: &Member,
        (is_written, is_journal): (bool, bool),
        outcome: &Outcome,
    ) -> bool {
        let name = disk::foreign(&member.path).to_string();
        let (what, reason, remedy) = match outcome {
            Outcome::Left => (
                name,
                Reason::BudgetExhausted,
                match is_journal {
                    true => "older entries were not read; give the look more bytes or time",
                    false => "older lines were not read; give the look more bytes or time",
                },
            ),
            Outcome::Closed(reason) => (
                name,
                reason.clone(),
                match is_journal {
                    true => BE_ROOT_OR_JOURNAL,
                    false => BE_ROOT,
                },
            ),
            Outcome::Broken(reason) if is_journal => (name, reason.clone(), VERIFY),
            Outcome::Broken(Reason::Unsupported) => (
                name,
                Reason::Unsupported,
                "xz and bzip2 are not read yet: unpack a copy beside it",
            ),
            Outcome::Broken(reason) => (
                name,
                reason.clone(),
                "unpack it by hand to see what is wrong with it",
            ),
            Outcome::Lines(lines::Told { stopped: true, .. }) => {
                (name, Reason::BudgetExhausted, MORE_TIME)
            }
            Outcome::Lines(told) if told.too_long > 0 => {
                let what = format!(
                    "{} lines of {name} that are longer than 256 KiB",
                    told.too_long
                );
                (what, Reason::TooLarge, "")
            }
            // The file that is written now may be in the middle of a line.
            Outcome::Lines(told) if told.cut && !is_written => (
                format!("the last line of {name}, which has no end"),
                Reason::Malformed,
                "the disk may have been full, or the machine gone; the other lines were read",
            ),
            Outcome::Lines(_) | Outcome::Journal(_) => return true,
        };
        self.sink.missed_because(scope, what, reason, remedy);
        false
    }

    /// Says what is missing of one journal file; false if something is.
    fn journal_holes(&mut self, scope: &Scope, member: &Member, told: &journal::Told) -> bool {
        let name = disk::foreign(&member.path).to_string();
        let holes = [
            (
                told.too_long,
                "messages longer than 256 KiB",
                Reason::TooLarge,
                "",
            ),
            (
                told.packed,
                "messages packed with XZ",
                Reason::Unsupported,
                "journalctl prints them; systemd 246 and later packs with zstd, which is read",
            ),
            (
                told.damaged,
                "entries that cannot be read",
                Reason::Malformed,
                VERIFY,
            ),
            (
                u64::from(told.stopped),
                "end not reached",
                Reason::BudgetExhausted,
                MORE_TIME,
            ),
        ];
        for (count, what, reason, remedy) in &holes {
            if *count > 0 {
                let what = format!("{name}: {count} {what}");
                self.sink
                    .missed_because(scope, what, reason.clone(), remedy);
            }
        }
        holes.iter().all(|(count, ..)| *count == 0)
    }

    fn say(&mut self) {
        for (id, told) in std::mem::take(&mut self.told) {
            let product = product_of(id);
            for (row, (log, seen)) in tally::joined(told) {
                let scope = Scope::new("log", &log.lossy());
                let fact = Fact::LoggedUse(row.into_fact(product, &log));
                self.sink.saw(Observation { scope, fact, seen });
            }
        }
        for told in std::mem::take(&mut self.searched).into_values() {
            for (mut search, (log, seen)) in tally::joined(told) {
                let scope = Scope::new("log", &log.lossy());
                search.log = log;
                let fact = Fact::LoggedSearch(search);
                self.sink.saw(Observation { scope, fact, seen });
            }
        }
    }

    /// Says who handed mail in, and what the servers here take.
    fn say_mail(&mut self) {
        for told in std::mem::take(&mut self.mail).into_values() {
            for (mut used, (log, seen)) in tally::joined(told) {
                let scope = Scope::new("log", &log.lossy());
                used.log = log;
                let fact = Fact::MailUse(used);
                self.sink.saw(Observation { scope, fact, seen });
            }
        }
        for (mut reader, (log, seen)) in tally::joined(std::mem::take(&mut self.readers)) {
            let scope = Scope::new("log", &log.lossy());
            reader.log = log;
            let fact = Fact::MailReader(reader);
            self.sink.saw(Observation { scope, fact, seen });
        }
        std::mem::take(&mut self.week).say(self.window, self.sink);
        mail::servers(self.disk, self.window, self.sink);
    }

    /// A product that is installed and that no log speaks of: a hole, with the way to close it.
    fn what_is_silent(&mut self) {
        // A product may have a grammar for each way in which it writes; one of them is enough.
        let heard = LOG_GRAMMARS
            .iter()
            .filter(|g| self.heard.contains(g.id.as_str()));
        let heard: BTreeSet<&str> = heard.map(|g| g.product.as_str()).collect();
        for grammar in LOG_GRAMMARS
            .iter()
            .filter(|g| !heard.contains(g.product.as_str()))
        {
            let installed = grammar
                .programs
                .iter()
                .any(|p| self.disk.metadata(Path::new(p)).is_ok());
            if !installed {
                continue;
            }
            let scope = Scope::new("log", &grammar.id);
            let what = format!("who used {}: no log here tells it", grammar.product);
            let remedy = format!("{} Kept {}.", grammar.enable, grammar.kept);
            self.sink
                .missed_because(&scope, what, Reason::LogDisabled, &remedy);
            self.sink
                .covered_now(self.window, &scope, CoverageState::Partial);
        }
    }
}

/// What is said of clients that a log knows by a name that is no machine.
fn unplaced(log: &Foreign, names: &BTreeMap<Box<str>, u64>) -> String {
    let count = names.values().copied().fold(0, u64::saturating_add);
    let first: Vec<&str> = names.keys().take(5).map(AsRef::as_ref).collect();
    let more = match names.len().saturating_sub(first.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "from where {count} logons in {log} came: {}{more}",
        first.join(", ")
    )
}

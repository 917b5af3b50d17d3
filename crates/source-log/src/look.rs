//! The source: which logs there are, what they tell, and what is missing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use groma_knowledge::LOG_GRAMMARS;
use groma_model::Port;
use groma_model::fact::{AskedName, MailUse};
use groma_model::schedule::Zone;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Reason, Scope, SourceName, Timestamp,
};
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World, disk};

use crate::family::{self, Family, Member};
use crate::listen::{Listener, Reading, Speakers};
use crate::reach::Reach;
use crate::stamp::{self, Clock};
use crate::tally::{self, Tally};
use crate::zones::Zones;
use crate::{journal, lines, mail, postfix, radius, sendmail};

mod logons;

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
/// Where a RADIUS server's log knows a network by one name.
const BY_NAME: &str = "the log knows them by the name of a network, or by a name that leads to no fixed address: give each device a client of its own in clients.conf, or see the directories of radacct, which are called by address";
const BE_ROOT: &str = "run as root, or as a member of the group adm";
const BE_ROOT_OR_JOURNAL: &str = "run as root, or as a member of the group systemd-journal";

/// The logs of this machine's services.
pub struct LogSource {
    world: World,
}

impl LogSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
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
            reads: vec![
                format!("{}, with their rotations, plain, gzip and zstd", files.join(", ")),
                mail::SETTINGS.to_owned(),
                logons::READS.to_owned(),
                "/proc/sys/kernel/hostname, /etc/hostname; /etc/bind/named.conf, /etc/named.conf, /usr/local/etc/namedb/named.conf with what they include, for the zones this machine answers for; /etc/postfix/master.cf; clients.conf of FreeRADIUS with what it includes (names and addresses, never a secret); /etc/localtime (where it leads), /etc/timezone; /etc/machine-id and the journal files of systemd in /var/log/journal and /run/log/journal; whether the programs of these products are there".to_owned(),
            ],
            contacts: Vec::new(),
            sends: vec![
                "addresses of clients, accounts they used, mechanism, protection, first, last, count, hours of the week".to_owned(),
                "of mail: what clients call themselves, domains of senders and recipients, words as `scan` in a sender's name, sizes added up, why mail was refused; which domains a mail server takes, and the entries that let clients send through it".to_owned(),
            ],
            never_sends: vec!["addresses of senders and recipients, subjects, names that were asked for outside of this server's own zones and who asked for which, search filters, lines of a log".to_owned()],
            rights: vec!["root or the group adm".to_owned()],
            cost: "one pass over those files, up to the budget".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let disk = self.world.disk.as_ref();
        let mut look = Look {
            disk,
            window,
            sink,
            zone: zone(disk),
            zones: Zones::read(disk),
            asked: Vec::new(),
            switched: BTreeMap::new(),
            ports: postfix::ports(disk)
                .into_iter()
                .chain(sendmail::ports(disk))
                .collect(),
            clients: radius::addresses(disk),
            own_name: own_name(disk),
            bytes_left: budget.total_bytes_max,
            told: BTreeMap::new(),
            mail: BTreeMap::new(),
            heard: BTreeSet::new(),
        };
        let paths: BTreeSet<&str> = LOG_GRAMMARS
            .iter()
            .flat_map(|g| g.files.iter().map(String::as_str))
            .chain(SYSLOG_FILES.iter().copied())
            .collect();
        let paths: Vec<&str> = paths.into_iter().collect();
        let (families, errors) = family::families(disk, &paths);
        for error in errors {
            let scope = Scope::new("log", &error.path.to_string_lossy());
            let path = disk::foreign(&error.path);
            let (what, remedy) = match error.reason {
                Reason::BudgetExhausted => (
                    format!("logs of {path} beyond the first {}", family::FAMILIES_MAX),
                    ONE_LOG,
                ),
                _ => (path.to_string(), BE_ROOT),
            };
            look.sink.missed_because(&scope, what, error.reason, remedy);
            look.sink
                .covered_now(window, &scope, CoverageState::Partial);
        }
        for family in &families {
            look.family(family);
        }
        look.journals();
        look.logons();
        look.say();
        look.how_far_questions_reach();
        look.say_mail();
        look.what_is_silent();
    }
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
fn product_of(id: &'static str) -> &'static str {
    let of_id = LOG_GRAMMARS.iter().find(|g| g.id == id);
    of_id.map_or(id, |g| g.product.as_str())
}
/// What one log tells of the mail of one product.
type ToldOfMail = (Foreign, BTreeMap<MailUse, groma_model::Seen>);

/// What one log tells of one product.
type Told = (Foreign, BTreeMap<tally::Row, groma_model::Seen>);

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    zone: Zone,
    /// Zones of this machine's name server.
    zones: Zones,
    /// Logs of questions: product, when there were any, and whether all of it was read.
    asked: Vec<AskedLog>,
    /// When products said that their log was switched on or off, in whichever file.
    switched: BTreeMap<&'static str, BTreeSet<Timestamp>>,
    /// Ports of services that sign with a name of their own.
    ports: BTreeMap<String, Port>,
    /// Addresses of clients that a service knows by name.
    clients: BTreeMap<String, IpAddr>,
    /// What this machine calls itself in its logs, without its domain.
    own_name: Option<String>,
    bytes_left: u64,
    /// What each product's uses are, by the log that tells them.
    told: BTreeMap<&'static str, Vec<Told>>,
    /// What each product's mail is, by the log that tells it.
    mail: BTreeMap<&'static str, Vec<ToldOfMail>>,
    /// Products whose log is on.
    heard: BTreeSet<&'static str>,
}

impl Look<'_> {
    fn family(&mut self, family: &Family) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let mut reading = Reading::default();
        let mut complete = true;
        for member in &family.members {
            complete &= self.member(&scope, family, member, &mut reading);
        }
        self.end_family(scope, family, reading, complete);
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
            complete: complete && tally.asked_left_out == 0 && self.zones.are_whole(),
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
    fn end_family(&mut self, scope: Scope, family: &Family, reading: Reading, complete: bool) {
        let mut complete = complete;
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
            self.told
                .entry(product)
                .or_default()
                .push((log.clone(), tally.rows()));
        }
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
        let grammar = LOG_GRAMMARS
            .iter()
            .find(|g| reading.heard.contains(g.id.as_str()));
        self.heard.extend(reading.heard);
        let (from, to) = reading
            .span
            .unwrap_or((self.window.started(), self.window.now()));
        let files = match family.members.len() {
            1 => "one file".to_owned(),
            files => format!("{files} files"),
        };
        let kept = match grammar {
            Some(grammar) => format!("{files}, kept {}", grammar.kept),
            None => files,
        };
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

    /// Reads one file; false if something of it is missing, and that is said.
    fn member(
        &mut self,
        scope: &Scope,
        family: &Family,
        member: &Member,
        reading: &mut Reading,
    ) -> bool {
        let missing = |look: &mut Self, what: String, reason: Reason, remedy: &str| {
            look.sink.missed_because(scope, what, reason, remedy);
            false
        };
        let name = disk::foreign(&member.path).to_string();
        if member.bytes > self.bytes_left || self.window.is_over() {
            return missing(
                self,
                name,
                Reason::BudgetExhausted,
                "older lines were not read; give the look more bytes or time",
            );
        }
        let file = match self.disk.open(&member.path) {
            Ok(file) => file,
            Err(error) => return missing(self, name, error.reason, BE_ROOT),
        };
        let told = self.lines(file, family, member, reading);
        let unpacked = told.as_ref().map_or(0, |told| told.bytes);
        self.bytes_left = self.bytes_left.saturating_sub(unpacked.max(member.bytes));
        match told {
            Ok(told) if told.stopped => missing(
                self,
                name,
                Reason::BudgetExhausted,
                "the time of the look was over; give it more",
            ),
            Ok(told) if told.too_long > 0 => {
                let what = format!(
                    "{} lines of {name} that are longer than 256 KiB",
                    told.too_long
                );
                missing(self, what, Reason::TooLarge, "")
            }
            // The file that is written now may be in the middle of a line.
            Ok(told) if told.cut && member.path != family.path => missing(
                self,
                format!("the last line of {name}, which has no end"),
                Reason::Malformed,
                "the disk may have been full, or the machine gone; the other lines were read",
            ),
            Ok(_) => true,
            Err(Reason::Unsupported) => missing(
                self,
                name,
                Reason::Unsupported,
                "xz and bzip2 are not read yet: unpack a copy beside it",
            ),
            Err(reason) => missing(
                self,
                name,
                reason,
                "unpack it by hand to see what is wrong with it",
            ),
        }
    }

    fn lines(
        &self,
        file: Box<dyn groma_source::OpenFile>,
        family: &Family,
        member: &Member,
        reading: &mut Reading,
    ) -> Result<lines::Told, Reason> {
        let mut listener = self.listener(&family.path, member.modified, reading);
        let told = lines::of(file, &|| self.window.is_over(), |bytes| {
            listener.hear_line(bytes)
        })?;
        listener.end();
        Ok(told)
    }

    fn listener<'l>(
        &'l self,
        path: &Path,
        modified: Timestamp,
        reading: &'l mut Reading,
    ) -> Listener<'l> {
        let means = |file: &String| family::is_meant(Path::new(file), path);
        Listener {
            speakers: Speakers::of_file(LOG_GRAMMARS.iter().find(|g| g.files.iter().any(means))),
            ports: &self.ports,
            clients: &self.clients,
            own_name: self.own_name.as_deref(),
            zones: &self.zones,
            clock: Clock::new(&self.zone, modified),
            reading,
        }
    }

    /// Reads the journals of systemd, as one log.
    fn journals(&mut self) {
        let (files, errors) = family::journals(self.disk);
        for error in errors {
            let scope = Scope::new("log", &error.path.to_string_lossy());
            let what = disk::foreign(&error.path).to_string();
            self.sink
                .missed_because(&scope, what, error.reason, BE_ROOT_OR_JOURNAL);
            self.sink
                .covered_now(self.window, &scope, CoverageState::Partial);
        }
        if files.is_empty() {
            return;
        }
        let family = Family {
            path: family::JOURNAL.into(),
            members: files,
        };
        let scope = Scope::new("log", family::JOURNAL);
        let mut reading = Reading::default();
        let mut complete = true;
        for member in &family.members {
            complete &= self.journal(&scope, &family, member, &mut reading);
        }
        self.end_family(scope, &family, reading, complete);
    }

    /// Reads one journal file; false if something of it is missing, and that is said.
    fn journal(
        &mut self,
        scope: &Scope,
        family: &Family,
        member: &Member,
        reading: &mut Reading,
    ) -> bool {
        let name = disk::foreign(&member.path).to_string();
        if member.bytes > self.bytes_left || self.window.is_over() {
            let remedy = "older entries were not read; give the look more bytes or time";
            self.sink
                .missed_because(scope, name, Reason::BudgetExhausted, remedy);
            return false;
        }
        let told = match self.disk.open(&member.path) {
            Ok(file) => {
                let listener = RefCell::new(self.listener(&family.path, member.modified, reading));
                let wants = |tag: &[u8]| {
                    !tag.is_empty() && !listener.borrow_mut().speakers.of(tag).is_nobody()
                };
                let told = journal::of(file, &|| self.window.is_over(), wants, |entry| {
                    listener.borrow_mut().hear_entry(&entry);
                });
                listener.into_inner().end();
                told.map_err(|reason| (reason, "journalctl --verify tells what is wrong with it"))
            }
            Err(error) => Err((error.reason, BE_ROOT_OR_JOURNAL)),
        };
        let told = match told {
            Ok(told) => told,
            Err((reason, remedy)) => {
                self.sink.missed_because(scope, name, reason, remedy);
                return false;
            }
        };
        self.bytes_left = self.bytes_left.saturating_sub(told.bytes);
        let latest = stamp::latest(member.modified);
        let within = |(first, last): (Timestamp, Timestamp)| (first.min(latest), last.min(latest));
        reading.met(told.span.map(within));
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
                "journalctl --verify tells what is wrong with it",
            ),
            (
                u64::from(told.stopped),
                "end not reached",
                Reason::BudgetExhausted,
                "the time of the look was over; give it more",
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
fn zone(disk: &dyn Disk) -> Zone {
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

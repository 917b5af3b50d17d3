//! The source: which logs there are, what they tell, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::{LogGrammar, Speaker};
use groma_model::Port;
use groma_model::schedule::Zone;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Observation, Reason, Scope, SourceName, Timestamp,
};
use groma_source::{Budget, Disk, Explanation, Sink, SinkExt, Source, Window, World, disk};

use crate::family::{self, Family, Member};
use crate::session::{Owner, Sessions, Spoken, Use};
use crate::stamp::Clock;
use crate::syslog;
use crate::tally::{self, Tally};
use crate::{lines, postfix};

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
/// Where the journal of systemd lies.
const JOURNALS: &[&str] = &["/var/log/journal", "/run/log/journal"];

/// Tags whose speaker is remembered while a file is read.
const SPEAKERS_MAX: usize = 32;

const BE_ROOT: &str = "run as root, or as a member of the group adm";

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
                "/proc/sys/kernel/hostname, /etc/hostname; /etc/postfix/master.cf; /etc/localtime (where it leads), /etc/timezone; whether the programs of these products and a journal are there".to_owned(),
            ],
            contacts: Vec::new(),
            sends: vec!["addresses of clients, accounts they used, mechanism, protection, first, last, count, hours of the week".to_owned()],
            never_sends: vec!["senders, recipients, subjects, queried names, search filters, lines of a log".to_owned()],
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
            ports: postfix::ports(disk),
            own_name: own_name(disk),
            bytes_left: budget.total_bytes_max,
            told: BTreeMap::new(),
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
            look.sink.missed_because(
                &scope,
                disk::foreign(&error.path).to_string(),
                error.reason,
                BE_ROOT,
            );
            look.sink
                .covered_now(window, &scope, CoverageState::Partial);
        }
        for family in &families {
            look.family(family);
        }
        look.say();
        look.what_is_silent();
    }
}

/// What one log tells of one product.
type Told = (Foreign, BTreeMap<tally::Row, groma_model::Seen>);

struct Look<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    zone: Zone,
    /// Ports of services that sign with a name of their own.
    ports: BTreeMap<String, Port>,
    /// What this machine calls itself in its logs, without its domain.
    own_name: Option<String>,
    bytes_left: u64,
    /// What each product's uses are, by the log that tells them.
    told: BTreeMap<&'static str, Vec<Told>>,
    /// Products any line was met of.
    heard: BTreeSet<&'static str>,
}

/// What is known while a family is read.
struct Reading {
    tallies: BTreeMap<&'static str, Tally>,
    heard: BTreeSet<&'static str>,
    span: Option<(Timestamp, Timestamp)>,
    /// Lines other machines sent here.
    of_others: u64,
    sessions: Sessions,
}

impl Look<'_> {
    fn family(&mut self, family: &Family) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let mut reading = Reading {
            tallies: BTreeMap::new(),
            heard: BTreeSet::new(),
            span: None,
            of_others: 0,
            sessions: Sessions::default(),
        };
        let mut complete = true;
        for member in &family.members {
            complete &= self.member(&scope, family, member, &mut reading);
        }
        let log = disk::foreign(&family.path);
        for (product, tally) in reading.tallies {
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
        self.heard.extend(reading.heard);
        let (from, to) = reading
            .span
            .unwrap_or((self.window.started(), self.window.now()));
        self.sink.covered(Coverage {
            scope,
            state: if complete {
                CoverageState::Complete
            } else {
                CoverageState::Partial
            },
            from,
            to,
            how: None,
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
        let own = LOG_GRAMMARS
            .iter()
            .find(|g| g.files.iter().any(|f| Path::new(f) == family.path));
        let mut speakers: Vec<(String, Option<(&LogGrammar, &Speaker)>)> = Vec::new();
        let mut clock = Clock::new(&self.zone, member.modified);
        let Reading {
            tallies,
            heard,
            span,
            of_others,
            sessions,
        } = reading;
        let mut done = |owner: Owner, used: Use| {
            if let Some((first, last)) = used.span {
                let (begin, end) = span.unwrap_or((first, last));
                *span = Some((begin.min(first), end.max(last)));
            }
            tallies
                .entry(owner.grammar.id.as_str())
                .or_default()
                .add(owner.speaker, used);
        };
        let told = lines::of(file, &|| self.window.is_over(), |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let Some(line) = syslog::split(&text) else {
                return;
            };
            if self.is_of_another(line.host) {
                *of_others += 1;
                return;
            }
            // Neighbouring lines are spoken by few.
            let known = speakers.iter().find(|(tag, _)| tag == line.tag);
            let spoken_by = match known {
                Some((_, spoken_by)) => *spoken_by,
                None => {
                    let spoken_by = who_speaks(line.tag, own);
                    if speakers.len() < SPEAKERS_MAX {
                        speakers.push((line.tag.to_owned(), spoken_by));
                    }
                    spoken_by
                }
            };
            let Some((grammar, speaker)) = spoken_by else {
                return;
            };
            heard.insert(grammar.id.as_str());
            let port = self.ports.get(line.tag).copied();
            let spoken = Spoken {
                grammar,
                speaker,
                port,
                process: line.process,
                message: line.message,
            };
            sessions.take(&spoken, || clock.read(line.stamp), &mut done);
        })?;
        sessions.end_file(&mut done);
        Ok(told)
    }

    /// True for a line that another machine sent here. A machine that does not know its own name takes all for its own.
    fn is_of_another(&self, host: &str) -> bool {
        let short = host.split('.').next().unwrap_or(host);
        let own = |name: &String| {
            short.eq_ignore_ascii_case(name) || short.eq_ignore_ascii_case("localhost")
        };
        !host.is_empty() && self.own_name.as_ref().is_some_and(|name| !own(name))
    }

    fn say(&mut self) {
        for (id, told) in std::mem::take(&mut self.told) {
            let product = LOG_GRAMMARS
                .iter()
                .find(|g| g.id == id)
                .map_or(id, |g| g.product.as_str());
            for (row, (log, seen)) in tally::joined(told) {
                let scope = Scope::new("log", &log.lossy());
                let fact = Fact::LoggedUse(row.into_fact(product, &log));
                self.sink.saw(Observation { scope, fact, seen });
            }
        }
    }

    /// A product that is installed and that no log speaks of: a hole, with the way to close it.
    fn what_is_silent(&mut self) {
        let journal = JOURNALS
            .iter()
            .any(|j| self.disk.metadata(Path::new(j)).is_ok());
        for grammar in LOG_GRAMMARS
            .iter()
            .filter(|g| !self.heard.contains(g.id.as_str()))
        {
            let installed = grammar
                .programs
                .iter()
                .any(|p| self.disk.metadata(Path::new(p)).is_ok());
            if !installed {
                continue;
            }
            let scope = Scope::new("log", &grammar.id);
            let (reason, remedy) = if journal {
                (
                    Reason::Unsupported,
                    "what the journal of systemd alone keeps is not read yet: let a syslog daemon write files (rsyslog), or keep both",
                )
            } else {
                (Reason::LogDisabled, grammar.enable.as_str())
            };
            let what = format!("who used {}: no log here speaks of it", grammar.product);
            self.sink.missed_because(&scope, what, reason, remedy);
            self.sink
                .covered_now(self.window, &scope, CoverageState::Partial);
        }
    }
}

/// The grammar and speaker of a line; one without a tag is spoken by whoever owns the file.
fn who_speaks(
    tag: &str,
    own: Option<&'static LogGrammar>,
) -> Option<(&'static LogGrammar, &'static Speaker)> {
    if tag.is_empty() {
        return own.and_then(|grammar| Some((grammar, grammar.speaker.first()?)));
    }
    LOG_GRAMMARS.iter().find_map(|grammar| {
        let speaker = grammar.speaker.iter().find(|s| s.signs(tag))?;
        Some((grammar, speaker))
    })
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

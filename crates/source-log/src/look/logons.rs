//! Logons at terminals as the machine's own records tell them: `wtmp`, and what lies beside it.
//!
//! Who may write a record decides what is believed of it. sshd and telnetd write the address that the kernel told them. A
//! terminal of a user (a screen, a mosh) has its record written by a program that takes any text for the host from anybody,
//! and writes no address: such a record tells no logon from elsewhere.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use groma_knowledge::LOG_GRAMMARS;
use groma_knowledge::logs::{LogGrammar, Speaker};
use groma_model::{Coverage, CoverageState, Reason, Scope, Timestamp};
use groma_source::{SinkExt, disk};

use super::{BE_ROOT, Look, unplaced};
use crate::family::{self, Family, Member};
use crate::lines;
use crate::listen::Reading;
use crate::session::Use;
use crate::stamp::Clock;
use crate::tally::{Tally, is_inside};
use crate::utmp::{self, Kind, Record};

/// The grammar that tells the product, its services and how long it is kept.
const ID: &str = "wtmp";
const LOGONS: &str = "/var/log/wtmp";
const REFUSED: &str = "/var/log/btmp";
/// Records that are not read, and how a person reads them.
const UNREAD: &[(&str, &str)] = &[
    (
        "/var/log/lastlog",
        "lastlog prints the last logon of each account; wtmp tells the same logons as far back as it reaches",
    ),
    (
        "/var/lib/lastlog/lastlog2.db",
        "lastlog2 prints the last logon of each account",
    ),
    ("/var/lib/wtmpdb/wtmp.db", "wtmpdb last -F -d prints it"),
];
/// What this reads, in words.
pub(super) const READS: &str = "/var/log/wtmp with its rotations, for the addresses of logons at terminals (never who); /var/log/btmp, only to count; whether /var/log/lastlog, /var/lib/lastlog/lastlog2.db and /var/lib/wtmpdb/wtmp.db hold anything";
/// Terminals with somebody at them at a time.
const LINES_MAX: usize = 20_000;
/// Addresses that are named of those that were refused.
const MOST: usize = 3;
/// What telnetd calls itself before somebody has logged on.
const TELNETD: &[u8] = b".telnet";
const NO_ADDRESS: &str = "the records of these logons hold a name and no address, or do not say which program let them in: see last -F -i";

/// Refused logons, counted by the way in and by where they came from: never who, for what is typed there is often a password.
#[derive(Default)]
struct Refused {
    of: BTreeMap<&'static str, u64>,
    from: BTreeMap<IpAddr, u64>,
}

impl Refused {
    fn count(&mut self, record: &Record<'_>) {
        *self.of.entry(way_in(record.line)).or_default() += 1;
        let has_room = self.from.len() < LINES_MAX;
        let known = |address: &IpAddr| has_room || self.from.contains_key(address);
        if let Some(address) = record.address.filter(known) {
            *self.from.entry(address).or_default() += 1;
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: u64 = self.of.values().sum();
        let of: Vec<String> = self
            .of
            .iter()
            .map(|(way, n)| format!("{n} {way}"))
            .collect();
        write!(
            f,
            "{all} refused logons ({}) from {} addresses",
            of.join(", "),
            self.from.len()
        )?;
        // A machine of the estate that is refused again and again has an old password.
        let inside = self
            .from
            .iter()
            .filter(|(address, n)| is_inside(**address) && **n > 1);
        let mut inside: Vec<(&IpAddr, &u64)> = inside.collect();
        inside.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
        let most: Vec<String> = (inside.iter().take(MOST))
            .map(|(address, n)| format!("{address} ({n})"))
            .collect();
        match most.is_empty() {
            true => Ok(()),
            false => write!(f, "; of machines inside most from {}", most.join(", ")),
        }
    }
}

/// By which service somebody was refused, as its record names the terminal.
fn way_in(line: &[u8]) -> &'static str {
    match line {
        line if line.starts_with(b"ssh") => "by ssh",
        line if line.starts_with(b"ftp") => "by FTP",
        line if line.starts_with(b"pts/") => "at a terminal over the network",
        line if line.starts_with(b"tty") || line == b"console" => "at the machine itself",
        _ => "by another service",
    }
}

impl Look<'_> {
    /// Reads the records of logons.
    pub(super) fn logons(&mut self) {
        let (families, _) = family::families(self.disk, self.kept, &[LOGONS, REFUSED]);
        for family in &families {
            match family.path == Path::new(REFUSED) {
                true => self.refused(family),
                false => self.remote_logons(family),
            }
        }
        for (path, remedy) in UNREAD {
            let held = self.disk.metadata(Path::new(path));
            if held.is_ok_and(|held| held.bytes > 0) {
                let scope = Scope::new("log", path);
                let what = format!("the logons that {path} tells");
                self.sink
                    .missed_because(&scope, what, Reason::Unsupported, remedy);
                self.sink
                    .covered_now(self.window, &scope, CoverageState::Partial);
            }
        }
    }

    fn remote_logons(&mut self, family: &Family) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let Some(grammar) = LOG_GRAMMARS.iter().find(|grammar| grammar.id == ID) else {
            return;
        };
        // A file that is there is written, also if nobody logged on yet.
        let mut reading = Reading::default();
        reading.heard.insert(ID);
        let mut lines = Lines::new(grammar);
        let mut complete = true;
        let around = self.around;
        let mut tally = Tally::default();
        for member in &family.members {
            let mut clock = Clock::new(&around.zone, member.modified);
            let mut keep = |lines: &mut Lines| {
                for (speaker, used) in lines.told.drain(..) {
                    tally.add(speaker, used, &around.zones);
                }
            };
            complete &= self.records(&scope, member, |record| {
                if let Some(at) = clock.possible(record.at) {
                    reading.met(Some((at, at)));
                    lines.hear(record, at);
                    keep(&mut lines);
                }
            });
            reading.impossible = reading.impossible.or(clock.impossible);
            lines.end();
            keep(&mut lines);
        }
        reading.tallies.insert(ID, tally);
        if !lines.unplaced.is_empty() {
            let what = unplaced(&disk::foreign(&family.path), &lines.unplaced);
            self.sink
                .missed_because(&scope, what, Reason::Unsupported, NO_ADDRESS);
        }
        self.end_family(scope, family, reading, complete);
    }

    /// Who was refused may be nobody, and what was typed a password: they are counted.
    fn refused(&mut self, family: &Family) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let mut refused = Refused::default();
        let mut span: Option<(Timestamp, Timestamp)> = None;
        let mut complete = true;
        let around = self.around;
        for member in &family.members {
            let mut clock = Clock::new(&around.zone, member.modified);
            complete &= self.records(&scope, member, |record| {
                let Some(at) = clock.possible(record.at) else {
                    return;
                };
                let (first, last) = span.unwrap_or((at, at));
                span = Some((first.min(at), last.max(at)));
                refused.count(record);
            });
        }
        let (from, to) = span.unwrap_or((self.window.started(), self.window.now()));
        let how = format!(
            "{refused}; only counted, in {}",
            self.how_kept(family, None)
        );
        self.sink.covered(Coverage {
            scope,
            state: match complete {
                true => CoverageState::Complete,
                false => CoverageState::Partial,
            },
            from,
            to,
            how: Some(how),
        });
    }

    /// Calls `each` with the records of one file; false if something of it is missing, and that is said.
    fn records(&mut self, scope: &Scope, member: &Member, each: impl FnMut(&Record<'_>)) -> bool {
        let name = disk::foreign(&member.path).to_string();
        let missing = |look: &mut Self, what: String, reason: Reason, remedy: &str| {
            look.sink.missed_because(scope, what, reason, remedy);
            false
        };
        if !self.reader.may_read(member.bytes) {
            let remedy = "older records were not read; give the look more bytes or time";
            return missing(self, name, Reason::BudgetExhausted, remedy);
        }
        let file = match self.disk.open(&member.path) {
            Ok(file) => file,
            Err(error) => return missing(self, name, error.reason, BE_ROOT),
        };
        let met = lines::unpacked(file.as_ref(), 0)
            .and_then(|unpacked| utmp::of(unpacked, &|| self.reader.is_over(), each));
        let bytes = met.as_ref().map_or(0, |met| met.bytes);
        self.reader.used(bytes.max(member.bytes));
        match met {
            Ok(met) if met.stopped => {
                let remedy = "the time of the look was over; give it more";
                missing(self, name, Reason::BudgetExhausted, remedy)
            }
            Ok(met) if met.damaged > 0 => {
                let what = format!("{} places of {name} that are no record", met.damaged);
                let remedy = "the disk may have been full, or the machine gone; the other records were read. utmpdump shows them";
                missing(self, what, Reason::Malformed, remedy)
            }
            Ok(_) => true,
            Err(Reason::Unsupported) => {
                let remedy = "xz and bzip2 are not read yet: unpack a copy beside it";
                missing(self, name, Reason::Unsupported, remedy)
            }
            Err(reason) => {
                let remedy = "unpack it by hand to see what is wrong with it";
                missing(self, name, reason, remedy)
            }
        }
    }
}

/// Somebody at a terminal, or telnetd before somebody is.
struct Session {
    process: u32,
    /// False while nobody has logged on.
    is_in: bool,
    host: Box<str>,
    address: Option<IpAddr>,
    at: Timestamp,
}

/// Who sits at which terminal while a file is read.
struct Lines {
    grammar: &'static LogGrammar,
    /// Sessions of telnetd by terminal: their address is told when they end, after they have ended.
    open: BTreeMap<Box<[u8]>, Session>,
    told: Vec<(&'static Speaker, Use)>,
    unplaced: BTreeMap<Box<str>, u64>,
}

impl Lines {
    fn new(grammar: &'static LogGrammar) -> Self {
        Self {
            grammar,
            open: BTreeMap::new(),
            told: Vec::new(),
            unplaced: BTreeMap::new(),
        }
    }

    fn hear(&mut self, record: &Record<'_>, at: Timestamp) {
        match record.kind {
            Kind::System => {}
            Kind::Waits => self.waits(record, at),
            Kind::LoggedOn => self.logged_on(record, at),
            Kind::Ended => {
                if let Some(open) = self.open.get_mut(record.line) {
                    open.address = open.address.or(record.address);
                }
            }
        }
    }

    fn waits(&mut self, record: &Record<'_>, at: Timestamp) {
        self.leave(record.line);
        if record.user != TELNETD {
            return;
        }
        if self.open.len() >= LINES_MAX {
            self.end();
        }
        let session = Session {
            process: record.process,
            is_in: false,
            host: text(record.host),
            address: None,
            at,
        };
        self.open.insert(record.line.into(), session);
    }

    fn logged_on(&mut self, record: &Record<'_>, at: Timestamp) {
        let open = self.open.get_mut(record.line);
        if let Some(open) = open.filter(|open| !open.is_in && open.process == record.process) {
            (open.is_in, open.at) = (true, at);
            return;
        }
        self.leave(record.line);
        let host = || std::str::from_utf8(record.host).ok()?.parse().ok();
        let begins = |name: &[u8]| record.line.starts_with(name);
        let (tag, from): (&str, Option<IpAddr>) = if begins(b"xrdp:") {
            ("wtmp/rdp", record.address.or_else(host))
        } else if begins(b"vsftpd:") || begins(b"ftpd") {
            ("wtmp/ftp", record.address.or_else(host))
        } else if record.address.is_none() {
            // Of this machine itself, or what a user had written.
            return;
        } else if record.line.get(record.line.len().saturating_sub(4)..) == Some(record.id) {
            ("wtmp/ssh", record.address)
        } else {
            ("", None)
        };
        match from {
            Some(from) => self.tell(tag, from, at),
            None => self.is_unplaced(text(record.host)),
        }
    }

    /// Nobody is at this terminal any longer.
    fn leave(&mut self, line: &[u8]) {
        let Some(session) = self.open.remove(line).filter(|session| session.is_in) else {
            return;
        };
        match session.address {
            Some(from) => self.tell("wtmp/telnet", from, session.at),
            None => self.is_unplaced(session.host),
        }
    }

    /// The file is over.
    fn end(&mut self) {
        let lines: Vec<Box<[u8]>> = self.open.keys().cloned().collect();
        for line in lines {
            self.leave(&line);
        }
    }

    fn tell(&mut self, tag: &str, from: IpAddr, at: Timestamp) {
        let speaker = self
            .grammar
            .speaker
            .iter()
            .find(|speaker| speaker.tag == tag);
        let used = Use {
            client: Some(from.to_canonical()),
            count: 1,
            span: Some((at, at)),
            ..Use::default()
        };
        self.told.extend(speaker.map(|speaker| (speaker, used)));
    }

    fn is_unplaced(&mut self, host: Box<str>) {
        if self.unplaced.len() < 1_000 || self.unplaced.contains_key(&host) {
            *self.unplaced.entry(host).or_default() += 1;
        }
    }
}

fn text(host: &[u8]) -> Box<str> {
    String::from_utf8_lossy(host).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_logons_are_counted_by_way_and_by_machines_of_the_estate() {
        let mut refused = Refused::default();
        let lines: [(&[u8], &str, usize); 4] = [
            (b"ssh:notty", "10.20.1.7", 5),
            (b"tty1", "10.20.1.8", 1),
            (b"ssh:notty", "8.8.8.8", 90),
            (b"ftpd3312", "10.20.1.9", 2),
        ];
        for (line, address, times) in lines {
            let record = Record {
                kind: Kind::LoggedOn,
                process: 1,
                line,
                id: b"",
                user: b"canary",
                host: b"",
                address: address.parse().ok(),
                at: Timestamp::from_seconds(1_795_000_000),
            };
            (0..times).for_each(|_| refused.count(&record));
        }
        assert_eq!(
            refused.to_string(),
            "98 refused logons (1 at the machine itself, 2 by FTP, 95 by ssh) from 4 addresses; of machines inside most from 10.20.1.7 (5), 10.20.1.9 (2)"
        );
    }
}

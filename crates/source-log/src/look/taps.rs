//! Questions that name servers write in binary (dnstap): into a file, which is read, or to a socket, which is not.

use std::path::{Path, PathBuf};

use groma_knowledge::LOG_GRAMMARS;
use groma_model::{CoverageState, Reason, Scope};
use groma_source::{SinkExt, disk};

use super::{BE_ROOT, Look};
use crate::dnstap;
use crate::family::{self, Family, Member};
use crate::lines;
use crate::listen::Reading;
use crate::session::Use;
use crate::stamp::Clock;
use crate::tally::Tally;
use crate::word::Word;

/// A server that writes its questions in binary, by its grammar.
#[derive(Clone, Copy)]
struct Server {
    id: &'static str,
    product: &'static str,
    /// True if it writes every question of its clients.
    is_whole: bool,
    /// How it is set to.
    every: &'static str,
    /// Its settings, and why nothing may be there.
    settings: &'static str,
    absent: &'static str,
}

const UNBOUND: &[&str] = &["/etc/unbound/unbound.conf", "/etc/unbound/unbound.conf.d"];
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 200;
/// What this reads, in words.
pub(super) const READS: &str = "which questions named.conf has written down (dnstap), the file it names in dnstap-output, with its rotations; whether /etc/unbound/unbound.conf and unbound.conf.d switch dnstap on; which zones /etc/knot/knot.conf has, and the file its mod-dnstap names as sink, with its rotations";
const BIND_SOCKET: &str = "whoever listens at that socket has the questions. dnstap-output file \"/var/log/named/dnstap\" size 100m versions 5; in place of it, and rndc reload, lets groma read them. Costs about 150 bytes a question and as many an answer, 600 MB at most; put the old line back to restore.";
const NO_TAP: &str = "named may not have been started since, or runs in a root of its own (-t): give dnstap-output a path that is the same from outside, and rndc reload";
const BIND_EVERY: &str = "dnstap { client query; auth query; }; in the options of named.conf, and in each view that has a dnstap statement of its own, and rndc reconfig. Costs about 150 bytes a question; put the old lines back to restore.";
const KNOT_SOCKET: &str = "whoever listens at that socket has the questions. sink: \"/var/lib/knot/questions.tap\" in place of it, and knotc reload, lets groma read them. Costs about 130 bytes a question and as many an answer, and knot never turns the file over; put the old line back to restore.";
const KNOT_EVERY: &str = "global-module: mod-dnstap/NAME in the template default, and no log-queries: off in the module, and knotc reload. Costs about 130 bytes a question; put the old lines back to restore.";
const NO_KNOT_TAP: &str = "knotd may not have been started since, or has not the package of the module: see its log for mod-dnstap";
const UNBOUND_SOCKET: &str = "Unbound writes dnstap to sockets alone: whoever listens there has the questions. log-queries: yes in unbound.conf and unbound-control reload lets groma read them from its log. Costs about 100 bytes a question; take the line out and reload to restore.";

/// Where a name server writes its questions in binary.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Tap {
    File(PathBuf),
    /// At a socket of this name.
    Socket(String),
}

impl Look<'_> {
    /// Reads what name servers wrote in binary.
    pub(super) fn taps(&mut self) {
        let bind = Server {
            id: "bind",
            product: "BIND",
            is_whole: self.around.zones.is_tap_whole,
            every: BIND_EVERY,
            settings: "named.conf",
            absent: NO_TAP,
        };
        match self.bind_tap() {
            Some(Tap::File(path)) => self.tap_at(&path, bind),
            Some(Tap::Socket(name)) => self.socket("BIND", &name, BIND_SOCKET),
            None => {}
        }
        let knot = Server {
            id: "knot",
            product: "Knot DNS",
            is_whole: self.around.zones.knot.is_whole,
            every: KNOT_EVERY,
            settings: "knot.conf",
            absent: NO_KNOT_TAP,
        };
        match self.around.zones.knot.sink.clone() {
            Some(sink) if sink.starts_with("unix:") => {
                self.socket("Knot DNS", sink.trim_start_matches("unix:"), KNOT_SOCKET);
            }
            Some(sink) => self.tap_at(Path::new(&sink), knot),
            None => {}
        }
        if let Some(name) = self.unbound_socket() {
            self.socket("Unbound", &name, UNBOUND_SOCKET);
        }
    }

    /// Reads what a server wrote to `path` and what it turned over.
    fn tap_at(&mut self, path: &Path, server: Server) {
        let (families, errors) = family::families(self.disk, self.kept, &[&path.to_string_lossy()]);
        for error in &errors {
            let what = disk::foreign(&error.path).to_string();
            self.lost(&error.path, what, &error.reason, BE_ROOT);
        }
        if families.is_empty() && errors.is_empty() {
            let (product, settings) = (server.product, server.settings);
            let path_shown = disk::foreign(path);
            let what = format!(
                "who asked {product} for what: {settings} has dnstap write to {path_shown}, and nothing is there"
            );
            self.lost(path, what, &Reason::NotPresent, server.absent);
        }
        for family in &families {
            self.tap(family, server);
        }
    }

    fn bind_tap(&self) -> Option<Tap> {
        let words = self.around.zones.tap.as_ref()?;
        let (sort, place) = (words.first()?, words.get(1)?);
        match sort.as_str() {
            "unix" => Some(Tap::Socket(place.clone())),
            "file" => {
                let folder = self
                    .around
                    .zones
                    .folder
                    .as_deref()
                    .unwrap_or("/var/cache/bind");
                Some(Tap::File(Path::new(folder).join(place)))
            }
            _ => None,
        }
    }

    /// The socket Unbound writes its questions to.
    fn unbound_socket(&self) -> Option<String> {
        let [first, folder] = UNBOUND else {
            return None;
        };
        let entries = self
            .disk
            .list(Path::new(folder), FILES_MAX)
            .unwrap_or_default();
        let files = entries.into_iter().map(|entry| entry.path);
        let mut is_on = false;
        let mut place = None;
        for path in [PathBuf::from(first)].into_iter().chain(files) {
            let Ok(read) = self.disk.read(&path, SETTINGS_BYTES_MAX) else {
                continue;
            };
            for line in String::from_utf8_lossy(&read.bytes).lines() {
                let line = line.split('#').next().unwrap_or_default().trim();
                let (key, value) = line.split_once(':').unwrap_or_default();
                let value = value.trim().trim_matches('"');
                match key {
                    "dnstap-enable" => is_on = value == "yes",
                    "dnstap-socket-path" | "dnstap-ip" if !value.is_empty() => {
                        place = Some(value.to_owned());
                    }
                    _ => {}
                }
            }
        }
        is_on.then(|| place.unwrap_or_else(|| "its default socket".to_owned()))
    }

    fn socket(&mut self, product: &str, name: &str, remedy: &str) {
        let scope = Scope::new("dnstap", name);
        let what = format!("who asked {product} for what: dnstap is on, at the socket {name}");
        self.sink
            .missed_because(&scope, what, Reason::Unsupported, remedy);
        self.sink
            .covered_now(self.window, &scope, CoverageState::Partial);
    }

    fn tap(&mut self, family: &Family, server: Server) {
        let scope = Scope::new("log", &family.path.to_string_lossy());
        let mut reading = Reading::default();
        let mut tally = Tally::default();
        let mut complete = server.is_whole;
        if !complete {
            let log = disk::foreign(&family.path);
            let what = format!(
                "questions to {} that {log} does not hold: its dnstap settings leave some out",
                server.product
            );
            self.sink
                .missed_because(&scope, what, Reason::LogDisabled, server.every);
        }
        for member in &family.members {
            complete &= self.tap_file(&scope, (family, server), member, &mut reading, &mut tally);
        }
        if reading.span.is_some() {
            reading.heard.insert(server.id);
        }
        reading.tallies.insert(server.id, tally);
        self.end_family(scope, family, reading, complete);
    }

    /// Reads one file; false if something of it is missing, and that is said.
    fn tap_file(
        &mut self,
        scope: &Scope,
        (family, server): (&Family, Server),
        member: &Member,
        reading: &mut Reading,
        tally: &mut Tally,
    ) -> bool {
        let name = disk::foreign(&member.path).to_string();
        let missing = |look: &mut Self, what: String, reason: Reason, remedy: &str| {
            look.sink.missed_because(scope, what, reason, remedy);
            false
        };
        let grammar = LOG_GRAMMARS.iter().find(|grammar| grammar.id == server.id);
        let Some(speaker) = grammar.and_then(|grammar| grammar.speaker.first()) else {
            return true;
        };
        if !self.reader.may_read(member.bytes) {
            let remedy = "older questions were not read; give the look more bytes or time";
            return missing(self, name, Reason::BudgetExhausted, remedy);
        }
        let file = match self.disk.open(&member.path) {
            Ok(file) => file,
            Err(error) => return missing(self, name, error.reason, BE_ROOT),
        };
        let around = self.around;
        let mut clock = Clock::new(&around.zone, member.modified);
        let met = lines::unpacked(file.as_ref(), 0).and_then(|unpacked| {
            dnstap::of(unpacked, &|| self.reader.is_over(), |question| {
                let Some(at) = clock.possible(question.at) else {
                    return;
                };
                reading.met(Some((at, at)));
                let asked = question.name.unwrap_or_default();
                let used = Use {
                    client: Some(question.client),
                    port: question.port,
                    asked: (!question.is_update).then(|| asked.into()),
                    mechanism: question.is_update.then(|| Word::parse("update")).flatten(),
                    count: 1,
                    span: Some((at, at)),
                    ..Use::default()
                };
                tally.add(speaker, used, &around.zones);
            })
        });
        reading.impossible = reading.impossible.or(clock.impossible);
        let bytes = met.as_ref().map_or(0, |met| met.bytes);
        self.reader.used(bytes.max(member.bytes));
        let dnstap_read = "dnstap-read shows what can be read of it";
        match met {
            Ok(met) if met.stopped => {
                let remedy = "the time of the look was over; give it more";
                missing(self, name, Reason::BudgetExhausted, remedy)
            }
            Ok(met) if met.lost_at.is_some() => {
                let at = met.lost_at.unwrap_or_default();
                let what = format!("{name} from byte {at} on: no frame of dnstap");
                missing(self, what, Reason::Malformed, dnstap_read)
            }
            Ok(met) if met.strange > 0 => {
                let what = format!("{} frames of {name} that are no message", met.strange);
                missing(self, what, Reason::Malformed, dnstap_read)
            }
            // The file that is written now may be in the middle of a frame.
            Ok(met) if met.cut && member.path != family.path => {
                let what = format!("the last frame of {name}, which has no end");
                missing(self, what, Reason::Malformed, dnstap_read)
            }
            Ok(_) => true,
            Err(Reason::Unsupported) => {
                let remedy = "xz and bzip2 are not read yet: unpack a copy beside it";
                missing(self, name, Reason::Unsupported, remedy)
            }
            Err(reason) => missing(self, name, reason, dnstap_read),
        }
    }
}

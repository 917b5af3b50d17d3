//! The source: what chronyd answers, as uses of a service.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::fact::{Direction, LoggedUse, Measurement};
use groma_model::name::Transport;
use groma_model::{
    Coverage, CoverageState, Fact, Foreign, Gap, HostName, Observation, Port, Reason, Scope, Seen,
    SourceName, Timestamp,
};
use groma_source::{
    Budget, Datagrams, EntryKind, Explanation, LocalDoor, Sink, Source, Window, World, disk,
};

use crate::protocol::{ANSWER_MAX, Answer, Clients, ClockSource, Question, Refusal};
use crate::settings::Settings;

const PROGRAMS: &[&str] = &[
    "/usr/sbin/chronyd",
    "/sbin/chronyd",
    "/usr/local/sbin/chronyd",
];
const SETTINGS: &[&str] = &["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
const DROP_INS: &[&str] = &["/etc/chrony/conf.d", "/etc/chrony.d"];
const SOCKETS: &[&str] = &["/run/chrony/chronyd.sock", "/var/run/chrony/chronyd.sock"];
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
const DROP_INS_MAX: usize = 256;
/// How long one answer is waited for: it comes from this very machine.
const PATIENCE: Duration = Duration::from_secs(2);
const MONITORING_PORT: u16 = 323;
const TIME_PORT: Port = Port(123);
const SOURCES_MAX: u32 = 256;
/// Places of its list that are asked for; chronyd's own limit keeps about 4,096 by default.
const PLACES_MAX: u32 = 262_144;
/// A client asks at least every 2^17 seconds. A list that is older knows everybody who is still there.
const EVERYBODY_ASKED: Duration = Duration::from_secs(2 * 86_400);
const ENABLE: &str = "Take noclientlog out of chrony.conf and restart chronyd. Costs at most clientloglimit (512 KiB) of memory; put the line back and restart to restore. It knows clients since then, and forgets them when it ends.";
const BE_ROOT: &str = "run as root: chronyd tells its clients at its own socket only";

/// What chronyd knows.
pub struct ChronySource {
    world: World,
}

impl ChronySource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for ChronySource {
    fn name(&self) -> SourceName {
        SourceName::new("time.chrony")
    }

    fn explain(&self) -> Explanation {
        Explanation {
            purpose: "Tells who takes the time from this machine and from whom it takes it, as chronyd knows it.".to_owned(),
            reads: vec![format!(
                "{}, {}: where chronyd may be asked; whether {} is there, and {}",
                SETTINGS.join(", "),
                DROP_INS.join(", "),
                PROGRAMS.join(" or "),
                SOCKETS.join(" or "),
            )],
            contacts: vec![
                "chronyd on this machine, at its command socket, or where that is not allowed at UDP 127.0.0.1:323; nobody else".to_owned(),
            ],
            sends: vec![
                "addresses of clients that asked for the time, how often and when last; addresses and names of the sources that answer, how far the clock is from the one it follows".to_owned(),
            ],
            never_sends: vec!["keys, and any wish to change something: chronyd is asked five questions that read".to_owned()],
            rights: vec!["root, or chronyd's own account; without it, sources alone".to_owned()],
            cost: "one datagram for eight clients".to_owned(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let mut look = Look {
            world: &self.world,
            window,
            sink,
            scope: Scope::new("time", "chrony"),
            sequence: 0,
        };
        look.all();
    }
}

struct Look<'a> {
    world: &'a World,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    scope: Scope,
    sequence: u32,
}

/// The list of clients, as far as it came.
struct ClientList {
    parts: Vec<Clients>,
    /// Clients that had no room in it.
    forgotten: u64,
    /// Why it ends before its end.
    ends_by: Option<Unanswered>,
}

impl ClientList {
    /// How many places it has, and which would be asked for next.
    fn reached(&self) -> (u32, u32) {
        self.parts
            .last()
            .map_or((0, 0), |list| (list.places, list.next))
    }

    fn is_whole(&self) -> bool {
        let (places, next) = self.reached();
        self.ends_by.is_none() && next >= places
    }
}

/// Why a question was not answered.
enum Unanswered {
    Io(io::Error),
    Refused(Refusal),
    /// Something came that is no answer.
    Strange,
}

impl Look<'_> {
    fn all(&mut self) {
        let settings = self.settings();
        let wanted = settings.socket.clone();
        let known = wanted.into_iter().chain(SOCKETS.iter().map(PathBuf::from));
        let Some(socket) = known.into_iter().find(|path| self.is_socket(path)) else {
            return self.without_socket(&settings);
        };
        let door = LocalDoor::Socket(socket.clone());
        match self.clients(&door) {
            Ok(list) => {
                self.tell_clients(&socket, &list, &settings);
                self.sources(&door, &socket);
            }
            Err(why) => {
                self.hole("who takes the time from this machine", &why, &settings);
                self.covered(None, CoverageState::Partial, "its sources alone");
                let monitoring = SocketAddr::from((Ipv4Addr::LOCALHOST, MONITORING_PORT));
                self.sources(&LocalDoor::Loopback(monitoring), &socket);
            }
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        let drop_ins = DROP_INS.iter().flat_map(|folder| {
            let listed = self.world.disk.list(Path::new(folder), DROP_INS_MAX);
            listed
                .unwrap_or_default()
                .into_iter()
                .map(|entry| entry.path)
        });
        for path in SETTINGS.iter().map(PathBuf::from).chain(drop_ins) {
            if let Ok(file) = self.world.disk.read(&path, SETTINGS_BYTES_MAX) {
                settings.read(&String::from_utf8_lossy(&file.bytes));
            }
        }
        settings
    }

    /// A path that may not be looked at may be a socket: whoever asks there learns that.
    fn is_socket(&self, path: &Path) -> bool {
        match self.world.disk.metadata(path) {
            Ok(metadata) => metadata.kind == EntryKind::Special,
            Err(error) => error.reason == Reason::PermissionDenied,
        }
    }

    /// chronyd is not running, or has no socket. Where it is set up to serve others, that is a hole.
    fn without_socket(&mut self, settings: &Settings) {
        let installed = (PROGRAMS.iter()).any(|p| self.world.disk.metadata(Path::new(p)).is_ok());
        if installed && settings.serves {
            let what = "who takes the time from this machine: chronyd is set up to serve others, and has no command socket";
            let remedy = "start chronyd, or take `bindcmdaddress /` out of chrony.conf and restart it; put it back to restore";
            self.missed(what.to_owned(), Reason::NotPresent, remedy);
            self.covered(None, CoverageState::Partial, "nothing");
        }
    }

    fn ask(&mut self, to: &mut dyn Datagrams, question: Question) -> Result<Answer, Unanswered> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = vec![0; ANSWER_MAX];
        to.send(&question.to_datagram(self.sequence))
            .map_err(Unanswered::Io)?;
        let length = to.receive(&mut bytes).map_err(Unanswered::Io)?;
        let heard = bytes.get(..length).unwrap_or_default();
        match question.answer(self.sequence, heard) {
            Some(Answer::Refused(why)) => Err(Unanswered::Refused(why)),
            Some(answer) => Ok(answer),
            None => Err(Unanswered::Strange),
        }
    }

    fn connect(&self, door: &LocalDoor) -> Result<Box<dyn Datagrams>, Unanswered> {
        let network = &self.world.network;
        network
            .connect_local(door, PATIENCE)
            .map_err(Unanswered::Io)
    }

    fn part(&mut self, to: &mut dyn Datagrams, question: Question) -> Result<Clients, Unanswered> {
        match self.ask(to, question)? {
            Answer::Clients(list) => Ok(list),
            _ => Err(Unanswered::Strange),
        }
    }

    /// Every part of the list of clients. A question that is not answered, once something came, ends the list and loses nothing.
    fn clients(&mut self, door: &LocalDoor) -> Result<ClientList, Unanswered> {
        let mut to = self.connect(door)?;
        let mut ask: fn(u32) -> Question = Question::Clients;
        let (mut lists, mut first, mut ends_by) = (Vec::new(), 0, None);
        loop {
            let list = match self.part(to.as_mut(), ask(first)) {
                Ok(list) => list,
                // It does not know the question: it is older.
                Err(Unanswered::Refused(Refusal::Other(_))) if lists.is_empty() => {
                    ask = Question::ClientsBefore4;
                    self.part(to.as_mut(), ask(0))?
                }
                Err(why) if lists.is_empty() => return Err(why),
                Err(why) => {
                    ends_by = Some(why);
                    break;
                }
            };
            let (next, places) = (list.next, list.places.min(PLACES_MAX));
            lists.push(list);
            // A list that does not go on would be asked for ever.
            if next >= places || next <= first || self.window.is_over() {
                break;
            }
            first = next;
        }
        let forgotten = match self.ask(to.as_mut(), Question::Statistics) {
            Ok(Answer::Forgotten(count)) => count,
            _ => 0,
        };
        Ok(ClientList {
            parts: lists,
            forgotten,
            ends_by,
        })
    }

    fn tell_clients(&mut self, socket: &Path, list: &ClientList, settings: &Settings) {
        let (whole, forgotten) = (list.is_whole(), list.forgotten);
        if forgotten > 0 {
            let what =
                format!("{forgotten} clients of the time service that had no room in its list");
            let remedy = "raise clientloglimit in chrony.conf and restart chronyd; it costs that many octets of memory";
            self.missed(what, Reason::BudgetExhausted, remedy);
        }
        if !whole {
            self.rest(list, settings);
        }
        for client in list.parts.iter().flat_map(|part| &part.clients) {
            let last = self.ago(client.seconds_ago);
            let seen = Seen::between(last, last, client.count.into());
            self.used(Direction::Incoming, client.address, None, seen, socket);
        }
        // The socket was made when chronyd began: what it remembers, it remembers since then.
        let made = self.world.disk.metadata(socket).ok();
        let since = made.map(|metadata| Timestamp::from_seconds(metadata.modified));
        let now = self.window.now();
        let knows_all = since.is_some_and(|since| now.since(since) >= EVERYBODY_ASKED);
        let state = match whole && forgotten == 0 && knows_all {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.covered(
            since,
            state,
            "chronyd's own list of clients, since it was started; kept until it ends",
        );
    }

    /// Says what of the list is missing, and why.
    fn rest(&mut self, list: &ClientList, settings: &Settings) {
        let what = "the rest of the list of clients of the time service";
        if let Some(why) = &list.ends_by {
            return self.hole(what, why, settings);
        }
        let (places, next) = list.reached();
        let (what, remedy) = match next >= PLACES_MAX {
            true => (
                format!(
                    "{what}: {} places beyond the first {next}",
                    places.saturating_sub(next)
                ),
                "more than a look asks for, however long it takes; `chronyc clients` prints the list by hand",
            ),
            false => (what.to_owned(), "give the look more time"),
        };
        self.missed(what, Reason::BudgetExhausted, remedy);
    }

    /// The sources that answer it; one that never does is no more than a line in its settings.
    fn sources(&mut self, door: &LocalDoor, socket: &Path) {
        let Ok(mut to) = self.connect(door) else {
            return;
        };
        let Ok(Answer::SourceCount(count)) = self.ask(to.as_mut(), Question::SourceCount) else {
            return;
        };
        for index in 0..count.min(SOURCES_MAX) {
            let Ok(Answer::Source(source)) = self.ask(to.as_mut(), Question::Source(index)) else {
                continue;
            };
            let Some(address) = source.address.filter(|_| source.answers) else {
                continue;
            };
            let name = match self.ask(to.as_mut(), Question::SourceName(address)) {
                Ok(Answer::SourceName(name)) => HostName::parse(&name),
                _ => None,
            };
            let last = self.ago(source.seconds_ago);
            self.used(Direction::Outgoing, address, name, Seen::once(last), socket);
            if source.is_selected {
                self.selected(address);
                self.offset(address, &source, last);
            }
        }
    }

    /// Which source is followed changes from one hour to the next: a number that moves, no fact.
    fn selected(&mut self, address: IpAddr) {
        let fact = Fact::Measurement(Measurement {
            metric: "time_source_selected".to_owned(),
            subject: address.to_string().as_str().into(),
            value: 1.0,
        });
        self.saw(fact, Seen::once(self.window.now()));
    }

    /// How far the clock is from the source it follows, when that last answered.
    fn offset(&mut self, address: IpAddr, source: &ClockSource, last: Timestamp) {
        let Some(nanos) = source.offset_nanos else {
            return;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a clock is not known to the last nanosecond"
        )]
        let seconds = nanos.unsigned_abs() as f64 / 1e9;
        let fact = Fact::Measurement(Measurement {
            metric: "time_offset_seconds".to_owned(),
            subject: address.to_string().as_str().into(),
            value: seconds,
        });
        self.saw(fact, Seen::once(last));
    }

    fn used(
        &mut self,
        direction: Direction,
        peer: IpAddr,
        name: Option<HostName>,
        seen: Seen,
        socket: &Path,
    ) {
        if peer.is_loopback() || peer.is_unspecified() {
            return;
        }
        let log: Foreign = disk::foreign(socket);
        let fact = Fact::LoggedUse(LoggedUse {
            direction,
            kind: "ntp".to_owned(),
            peer,
            name,
            port: Some(TIME_PORT),
            transport: Transport::Udp,
            product: "chrony".to_owned(),
            account: None,
            mechanism: None,
            program: None,
            share: None,
            protection: None,
            log,
        });
        self.saw(fact, seen);
    }

    fn saw(&mut self, fact: Fact, seen: Seen) {
        let scope = self.scope.clone();
        self.sink.saw(Observation { scope, fact, seen });
    }

    fn ago(&self, seconds: Option<u32>) -> Timestamp {
        let now = self.window.now().millis();
        let ago = i64::from(seconds.unwrap_or_default()) * 1_000;
        Timestamp::from_seconds(now.saturating_sub(ago).div_euclid(1_000))
    }

    fn hole(&mut self, what: &str, why: &Unanswered, settings: &Settings) {
        let (reason, remedy) = match why {
            _ if settings.forgets => (Reason::LogDisabled, ENABLE),
            Unanswered::Refused(Refusal::Inactive) => (Reason::LogDisabled, ENABLE),
            Unanswered::Refused(Refusal::NotAllowed) => (Reason::Refused, BE_ROOT),
            Unanswered::Refused(Refusal::Other(_)) => (
                Reason::Unsupported,
                "this chronyd does not know the question; `chronyc clients` prints the list by hand",
            ),
            Unanswered::Strange => (
                Reason::NotThisService,
                "`chronyc clients` prints the list by hand",
            ),
            Unanswered::Io(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => (
                    Reason::TimedOut,
                    "`chronyc clients` prints the list by hand, if chronyd answers at all",
                ),
                io::ErrorKind::ConnectionRefused => {
                    (Reason::NotPresent, "start chronyd, and look again")
                }
                io::ErrorKind::AddrInUse => (
                    Reason::Refused,
                    "another look is asking chronyd; look again",
                ),
                _ => (Reason::of_io(error), BE_ROOT),
            },
        };
        self.missed(what.to_owned(), reason, remedy);
    }

    fn missed(&mut self, what: String, reason: Reason, remedy: &str) {
        self.sink.missed(Gap {
            scope: self.scope.clone(),
            what,
            reason,
            remedy: Some(remedy.to_owned()),
        });
    }

    fn covered(&mut self, since: Option<Timestamp>, state: CoverageState, how: &str) {
        self.sink.covered(Coverage {
            scope: self.scope.clone(),
            state,
            from: since.unwrap_or(self.window.started()),
            to: self.window.now(),
            how: Some(how.to_owned()),
        });
    }
}

//! One device, asked one question at a time: what is sent waits for its answer, is sent once more, and then is given up.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_source::{Datagrams, Window, World};

use crate::access::Logon;
use crate::message::{Answer, Ask, Value, Version, question, unwrapped, wrapped};
use crate::oid::Oid;
use crate::secret::Secret;
use crate::usm::{Came, Complaint, Engine};

/// Where agents listen (RFC 3417 §3.1).
pub(crate) const PORT: u16 = 161;
/// How long one answer is waited for. Agents of devices have a slow processor and much else to do.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often a question is sent.
const TRIES: u32 = 2;
/// Datagrams that answer something else are let pass, but not for ever.
const STRAYS_MAX: u32 = 64;
/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_535;
/// Until it is known what somebody is, it is asked as if it were fragile: two questions a second.
const CAREFUL: Duration = Duration::from_millis(500);

/// Bindings of an answer.
pub(crate) type Bindings = Vec<(Oid, Value)>;

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Nothing came.
    Silent,
    /// Nobody listens there.
    Closed,
    /// It may not be asked, now or at all.
    Refused,
    /// The look is over.
    Over,
    /// The answer would not fit.
    TooBig,
    /// There is no such object (version 1), or nothing behind.
    NoSuchName,
    /// The agent says that it cannot.
    Error(i64),
    /// What came is no answer.
    Strange,
    /// Version 3 does not let us in.
    Complains(Complaint),
}

enum Speech {
    Community(Version, Secret),
    User(Box<Engine>),
}

/// A conversation with one device.
pub(crate) struct Session<'a> {
    world: &'a World,
    window: &'a Window,
    address: IpAddr,
    door: Box<dyn Datagrams>,
    speech: Speech,
    next: i32,
    /// Not before this moment, until it is known that it is not fragile.
    not_before: Option<Duration>,
    buffer: Vec<u8>,
}

impl<'a> Session<'a> {
    /// Opens a socket; nothing is sent yet.
    pub(crate) fn open(
        world: &'a World,
        window: &'a Window,
        address: IpAddr,
        logon: &Logon,
    ) -> Result<Self, Fault> {
        let to = SocketAddr::new(address, PORT);
        let door = world.network.connect_datagrams(to, PATIENCE);
        let door = door.map_err(|error| fault(&error))?;
        let mut chance = [0; 12];
        world.randomness.fill(&mut chance);
        let [a, b, c, d, salt @ ..] = chance;
        let next = i32::from_be_bytes([a & 0x3f, b, c, d]);
        let speech = match logon {
            Logon::Community(community, version) => {
                Speech::Community(version.unwrap_or(Version::V2c), community.clone())
            }
            Logon::User(user) => Speech::User(Box::new(Engine::unknown(
                (**user).clone(),
                u64::from_be_bytes(salt),
            ))),
        };
        Ok(Self {
            world,
            window,
            address,
            door,
            speech,
            next,
            not_before: Some(Duration::ZERO),
            buffer: vec![0; DATAGRAM_MAX],
        })
    }

    /// Who is asked.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// True if it may be asked for many objects at once.
    pub(crate) fn has_bulk(&self) -> bool {
        !matches!(self.speech, Speech::Community(Version::V1, _))
    }

    /// Speaks version 1 from now on.
    pub(crate) fn speak_the_first_version(&mut self) {
        if let Speech::Community(version, _) = &mut self.speech {
            *version = Version::V1;
        }
    }

    /// What it is has been learnt: a fragile one is asked more slowly from now on, whoever asks; any other as all are.
    pub(crate) fn is_fragile(&mut self, fragile: bool) {
        if fragile {
            self.world.network.is_fragile(self.address);
        }
        self.not_before = None;
    }

    /// Asks.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Bindings, Fault> {
        self.introduce()?;
        let mut faults = 0;
        loop {
            match self.once(ask) {
                // Its clock was set by its own complaint, or its keys are made longer in the other way.
                Err(Fault::Complains(complaint)) if faults == 0 && self.mends(complaint) => {
                    faults += 1;
                }
                other => return other,
            }
        }
    }

    /// What these objects hold; those that are missing are left out. An agent of version 1 refuses all for the sake of one, so
    /// it is asked for each.
    pub(crate) fn get(&mut self, names: &[Oid]) -> Result<Bindings, Fault> {
        let known = |all: Bindings| -> Bindings {
            let known = all.into_iter().filter(|(name, value)| {
                !matches!(value, Value::Missing | Value::End) && names.contains(name)
            });
            known.collect()
        };
        match self.ask(&Ask::Get(names.to_vec())) {
            Ok(all) => Ok(known(all)),
            Err(Fault::NoSuchName | Fault::TooBig) if names.len() > 1 => {
                let mut all = Vec::new();
                for name in names {
                    match self.ask(&Ask::Get(vec![name.clone()])) {
                        Ok(one) => all.extend(known(one)),
                        Err(Fault::NoSuchName | Fault::TooBig | Fault::Error(_)) => {}
                        Err(fault) => return Err(fault),
                    }
                }
                Ok(all)
            }
            Err(Fault::NoSuchName) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }

    /// Learns who the engine is, where the version needs it.
    fn introduce(&mut self) -> Result<(), Fault> {
        let is_known = match &self.speech {
            Speech::Community(..) => true,
            Speech::User(engine) => engine.is_known(),
        };
        if is_known {
            return Ok(());
        }
        let message = self.number();
        match self.exchange(message, &Engine::discovery(message)) {
            // Whoever is asked who it is complains, and so tells.
            Ok(_) | Err(Fault::Complains(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn mends(&mut self, complaint: Complaint) -> bool {
        match (complaint, &mut self.speech) {
            (Complaint::Time, Speech::User(_)) => true,
            (Complaint::Cipher, Speech::User(engine)) => engine.lengthen_otherwise(),
            _ => false,
        }
    }

    fn once(&mut self, ask: &Ask) -> Result<Bindings, Fault> {
        let number = self.number();
        let inner = question(number, ask);
        let second = self.second();
        let datagram = match &mut self.speech {
            Speech::Community(version, community) => wrapped(*version, community.reveal(), &inner),
            Speech::User(engine) => engine.wrap(number, second, &inner).ok_or(Fault::Strange)?,
        };
        let answer = self.exchange(number, &datagram)?;
        match answer.error {
            0 => Ok(answer.bindings),
            1 => Err(Fault::TooBig),
            2 => Err(Fault::NoSuchName),
            error => Err(Fault::Error(error)),
        }
    }

    /// Sends, and waits for what answers it.
    fn exchange(&mut self, number: i32, datagram: &[u8]) -> Result<Answer, Fault> {
        for _ in 0..TRIES {
            self.wait()?;
            self.door.send(datagram).map_err(|error| fault(&error))?;
            match self.hear(number) {
                Err(Fault::Silent) => {}
                other => return other,
            }
        }
        Err(Fault::Silent)
    }

    fn hear(&mut self, number: i32) -> Result<Answer, Fault> {
        let end = self.window.monotonic().saturating_add(PATIENCE);
        for _ in 0..STRAYS_MAX {
            let length = match self.door.receive(&mut self.buffer) {
                Ok(length) => length,
                Err(error) => return Err(fault(&error)),
            };
            let second = self.second();
            let came = self.buffer.get(..length).unwrap_or_default();
            match read(&mut self.speech, number, second, came) {
                Some(Came::Answer(answer)) => return Ok(answer),
                Some(Came::Complaint(complaint)) => return Err(Fault::Complains(complaint)),
                None if self.window.monotonic() >= end => return Err(Fault::Silent),
                None => {}
            }
        }
        Err(Fault::Strange)
    }

    /// Until it may be asked.
    fn wait(&mut self) -> Result<(), Fault> {
        if let Some(not_before) = self.not_before {
            let now = self.window.monotonic();
            self.window.sleep(not_before.saturating_sub(now));
            self.not_before = Some(self.window.monotonic() + CAREFUL);
        }
        match self.window.is_over() {
            true => Err(Fault::Over),
            false => Ok(()),
        }
    }

    fn number(&mut self) -> i32 {
        self.next = self.next.checked_add(1).unwrap_or(1);
        self.next
    }

    fn second(&self) -> u64 {
        self.window.monotonic().as_secs()
    }
}

fn read(speech: &mut Speech, number: i32, second: u64, datagram: &[u8]) -> Option<Came> {
    match speech {
        Speech::Community(version, community) => {
            let answer = unwrapped(*version, community.reveal(), datagram)?;
            let ours = answer.request == number && !answer.is_report;
            ours.then_some(Came::Answer(answer))
        }
        Speech::User(engine) => match engine.unwrap(number, second, datagram)? {
            Came::Answer(answer) if answer.request != number => None,
            came => Some(came),
        },
    }
}

fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Fault::Silent,
        io::ErrorKind::ConnectionRefused => Fault::Closed,
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => Fault::Refused,
        _ => Fault::Silent,
    }
}

//! A daemon that was reached, and what it is asked. Every verb reads; the connection itself may not write, unless guests are
//! asked too: their helpers answer on a connection that could.

use std::net::IpAddr;
use std::time::Duration;

use groma_model::Reason;

use super::place::{Place, Way};
use super::reach::{certificate_refused, no_logon, stream};
use super::rpc::{Failure, Link, malformed};
use super::xdr::{Question, Short, Words};
use crate::access::Logon;
use crate::cause::Cause;
use crate::look::Asking;

/// How many times the patience of one conversation an answer may take: the first question makes a daemon try every emulator.
const PATIENCE: u64 = 10;

/// Procedures, by libvirt's numbers.
mod procedure {
    pub(super) const OPEN: u32 = 1;
    pub(super) const CLOSE: u32 = 2;
    pub(super) const TYPE: u32 = 3;
    pub(super) const VERSION: u32 = 4;
    pub(super) const NODE: u32 = 6;
    pub(super) const CAPABILITIES: u32 = 7;
    pub(super) const GUEST_XML: u32 = 14;
    pub(super) const NETWORK_XML: u32 = 43;
    pub(super) const HOST_NAME: u32 = 59;
    pub(super) const LOGONS: u32 = 66;
    pub(super) const LOGON_POLKIT: u32 = 70;
    pub(super) const POOL_XML: u32 = 88;
    pub(super) const VOLUME_XML: u32 = 99;
    pub(super) const INTERFACE_XML: u32 = 130;
    pub(super) const LIBRARY_VERSION: u32 = 157;
    pub(super) const SNAPSHOT_XML: u32 = 186;
    pub(super) const MACHINE: u32 = 203;
    pub(super) const GUEST_STATE: u32 = 212;
    pub(super) const NODE_MEMORY: u32 = 228;
    pub(super) const SNAPSHOT_IS_CURRENT: u32 = 271;
    pub(super) const GUESTS: u32 = 273;
    pub(super) const SNAPSHOTS: u32 = 274;
    pub(super) const GUEST_NAME: u32 = 277;
    pub(super) const POOLS: u32 = 281;
    pub(super) const VOLUMES: u32 = 282;
    pub(super) const NETWORKS: u32 = 283;
    pub(super) const INTERFACES: u32 = 284;
    pub(super) const STATISTICS: u32 = 344;
    pub(super) const GUEST_ADDRESSES: u32 = 353;
}

/// A thing with a name and a UUID, as libvirt hands it around.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) uuid: [u8; 16],
    /// Number of a running guest; -1 for any other, and for what is no guest.
    pub(super) number: i32,
}

/// Which guests are listed, by libvirt's flags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Which {
    All = 0,
    Running = 1 << 4,
    Paused = 1 << 5,
    Off = 1 << 6,
    /// Off, with its memory kept.
    Saved = 1 << 8,
    StartsWithHost = 1 << 10,
    WithSnapshots = 1 << 12,
}

impl Which {
    /// All but [`Which::All`].
    pub(super) const SOME: [Self; 6] = [
        Self::Running,
        Self::Paused,
        Self::Off,
        Self::Saved,
        Self::StartsWithHost,
        Self::WithSnapshots,
    ];
}

/// A card of a guest and the addresses somebody knows of it.
pub(super) struct Leased {
    pub(super) mac: Option<String>,
    /// Each with the length of its network.
    pub(super) addresses: Vec<(IpAddr, u32)>,
}

/// A number of a guest, by its name: `block.0.capacity`.
pub(super) type Statistics = Vec<(String, Value)>;

/// What a number is, where it is one that is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    Other,
}

/// Who knows a guest's addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Teller {
    /// The leases of libvirt's own networks.
    Leases,
    /// The helper inside the guest.
    Guest,
}

pub(super) struct Daemon<'a> {
    link: Link<'a>,
}

type Told<T> = Result<T, Failure>;

impl<'a> Daemon<'a> {
    /// Reaches the daemon of the access file and opens what its URL names.
    pub(super) fn open(asking: &Asking<'a>) -> Result<Self, Cause> {
        let writing = asking.access.ask_guests;
        let place = Place::parse(&asking.access.url, writing)?;
        if asking.access.logon != Logon::Nobody {
            return Err(no_logon());
        }
        let stream = stream(asking, &place.way)?;
        let answer =
            Duration::from_millis(asking.budget.network_timeout_ms.saturating_mul(PATIENCE));
        let patience = answer.min(asking.window.remaining());
        let link = Link::new(stream, asking.world, asking.window, patience);
        let mut daemon = Self { link };
        let opened = daemon.let_in(&place, writing);
        opened.map_err(|failure| cause(failure, "open the connection"))?;
        Ok(daemon)
    }

    fn let_in(&mut self, place: &Place, writing: bool) -> Told<()> {
        if matches!(place.way, Way::Tls(..)) {
            self.is_taken()?;
        }
        let ways = self.told(procedure::LOGONS, Question::default(), |words| {
            words.list(Words::signed)
        })?;
        match ways.as_slice() {
            [] | [0, ..] => {}
            all if all.contains(&2) => {
                self.link
                    .ask(procedure::LOGON_POLKIT, Question::default())?;
            }
            _ => return Err(Failure::Over(no_logon())),
        }
        let name = Question::default().unsigned(1).string(&place.name);
        self.link
            .ask(procedure::OPEN, name.unsigned(u32::from(!writing)))?;
        Ok(())
    }

    /// With TLS 1.3 we learn only here what the daemon thinks of our certificate.
    fn is_taken(&mut self) -> Told<()> {
        match self.link.is_taken() {
            Ok(true) => Ok(()),
            Err(Failure::Over(cause))
                if matches!(cause.reason, Reason::TimedOut | Reason::BudgetExhausted) =>
            {
                Err(Failure::Over(cause))
            }
            _ => Err(Failure::Over(certificate_refused())),
        }
    }

    /// Says goodbye; whoever does not hear it misses nothing.
    pub(super) fn close(&mut self) {
        let _ = self.link.ask(procedure::CLOSE, Question::default());
    }

    fn told<T>(
        &mut self,
        procedure: u32,
        question: Question,
        read: impl FnOnce(&mut Words<'_>) -> Result<T, Short>,
    ) -> Told<T> {
        let answer = self.link.ask(procedure, question)?;
        read(&mut Words(&answer)).map_err(|Short(why)| malformed(why))
    }

    fn text(&mut self, procedure: u32, question: Question) -> Told<String> {
        self.told(procedure, question, |words| words.string())
    }

    pub(super) fn capabilities(&mut self) -> Told<String> {
        self.text(procedure::CAPABILITIES, Question::default())
    }

    pub(super) fn host_name(&mut self) -> Told<String> {
        self.text(procedure::HOST_NAME, Question::default())
    }

    pub(super) fn machine(&mut self) -> Told<String> {
        self.text(procedure::MACHINE, Question::default().unsigned(0))
    }

    /// `QEMU 7.2.22, libvirt 9.0.0`.
    pub(super) fn product(&mut self) -> Told<String> {
        let driver = self.text(procedure::TYPE, Question::default())?;
        let own = self.told(procedure::VERSION, Question::default(), |words| {
            words.long()
        })?;
        let library = self.told(procedure::LIBRARY_VERSION, Question::default(), |words| {
            words.long()
        })?;
        let of = |number: u64| {
            format!(
                "{}.{}.{}",
                number / 1_000_000,
                number / 1_000 % 1_000,
                number % 1_000
            )
        };
        Ok(match own {
            0 => format!("{driver}, libvirt {}", of(library)),
            own => format!("{driver} {}, libvirt {}", of(own), of(library)),
        })
    }

    /// KiB of memory. The processor's name comes before it as 32 letters of four bytes each, and is told better elsewhere; the
    /// clock after it is that of this moment, and would make another host of it at every look.
    pub(super) fn node(&mut self) -> Told<u64> {
        self.told(procedure::NODE, Question::default(), |words| {
            for _ in 0..32 {
                words.unsigned()?;
            }
            words.long()
        })
    }

    /// KiB of memory by what they are: `total`, `free`, `buffers`, `cached`.
    pub(super) fn node_memory(&mut self) -> Told<Vec<(String, u64)>> {
        let pairs = |many: i32| Question::default().signed(many).signed(-1).unsigned(0);
        let read = |words: &mut Words<'_>| {
            let all = words.list(|words| Ok((words.string()?, words.long()?)))?;
            Ok((all, words.signed()?))
        };
        let (_, many) = self.told(procedure::NODE_MEMORY, pairs(0), read)?;
        let (all, _) = self.told(procedure::NODE_MEMORY, pairs(many.clamp(0, 16)), read)?;
        Ok(all)
    }

    fn every<T>(
        &mut self,
        procedure: u32,
        question: Question,
        each: impl FnMut(&mut Words<'_>) -> Result<T, Short>,
    ) -> Told<Vec<T>> {
        let question = question.signed(1).unsigned(0);
        self.told(procedure, question, |words| words.list(each))
    }

    /// Those that are `which`: one question instead of one for each.
    pub(super) fn guests(&mut self, which: Which) -> Told<Vec<Named>> {
        let question = Question::default().signed(1).unsigned(which as u32);
        self.told(procedure::GUESTS, question, |words| words.list(guest))
    }

    pub(super) fn pools(&mut self) -> Told<Vec<Named>> {
        self.every(procedure::POOLS, Question::default(), named)
    }

    pub(super) fn networks(&mut self) -> Told<Vec<Named>> {
        self.every(procedure::NETWORKS, Question::default(), named)
    }

    /// Pool, name and key of each.
    pub(super) fn volumes(&mut self, pool: &Named) -> Told<Vec<[String; 3]>> {
        self.every(procedure::VOLUMES, thing(pool), |words| {
            Ok([words.string()?, words.string()?, words.string()?])
        })
    }

    /// Name and MAC address of each.
    pub(super) fn interfaces(&mut self) -> Told<Vec<[String; 2]>> {
        self.every(procedure::INTERFACES, Question::default(), |words| {
            Ok([words.string()?, words.string()?])
        })
    }

    /// Names.
    pub(super) fn snapshots(&mut self, of: &Named) -> Told<Vec<String>> {
        self.every(procedure::SNAPSHOTS, domain(of), |words| {
            let name = words.string()?;
            guest(words)?;
            Ok(name)
        })
    }

    pub(super) fn guest_xml(&mut self, of: &Named) -> Told<String> {
        self.text(procedure::GUEST_XML, domain(of).unsigned(0))
    }

    pub(super) fn pool_xml(&mut self, of: &Named) -> Told<String> {
        self.text(procedure::POOL_XML, thing(of).unsigned(0))
    }

    pub(super) fn network_xml(&mut self, of: &Named) -> Told<String> {
        self.text(procedure::NETWORK_XML, thing(of).unsigned(0))
    }

    pub(super) fn volume_xml(&mut self, [pool, name, key]: &[String; 3]) -> Told<String> {
        let volume = Question::default().string(pool).string(name).string(key);
        self.text(procedure::VOLUME_XML, volume.unsigned(0))
    }

    pub(super) fn interface_xml(&mut self, [name, mac]: &[String; 2]) -> Told<String> {
        let interface = Question::default().string(name).string(mac);
        self.text(procedure::INTERFACE_XML, interface.unsigned(0))
    }

    pub(super) fn snapshot_xml(&mut self, of: &Named, name: &str) -> Told<String> {
        self.text(procedure::SNAPSHOT_XML, snapshot(of, name).unsigned(0))
    }

    pub(super) fn is_current(&mut self, of: &Named, name: &str) -> Told<bool> {
        let question = snapshot(of, name).unsigned(0);
        self.told(procedure::SNAPSHOT_IS_CURRENT, question, |words| {
            words.signed().map(|is| is == 1)
        })
    }

    /// State and reason, by libvirt's numbers.
    pub(super) fn state(&mut self, of: &Named) -> Told<(i32, i32)> {
        self.told(procedure::GUEST_STATE, domain(of).unsigned(0), |words| {
            Ok((words.signed()?, words.signed()?))
        })
    }

    pub(super) fn addresses(&mut self, of: &Named, teller: Teller) -> Told<Vec<Leased>> {
        let source = u32::from(teller == Teller::Guest);
        let question = domain(of).unsigned(source).unsigned(0);
        self.told(procedure::GUEST_ADDRESSES, question, |words| {
            words.list(leased)
        })
    }

    /// What a guest calls itself, told by the helper inside.
    pub(super) fn guest_name(&mut self, of: &Named) -> Told<String> {
        const BY_HELPER: u32 = 2;
        self.text(procedure::GUEST_NAME, domain(of).unsigned(BY_HELPER))
    }

    /// The numbers of the disks of these guests, without waiting for one that is busy.
    pub(super) fn statistics(&mut self, of: &[Named]) -> Told<Vec<(Named, Statistics)>> {
        const BLOCK: u32 = 1 << 5;
        const WITHOUT_WAITING: u32 = 1 << 29;
        let many = u32::try_from(of.len()).unwrap_or(u32::MAX);
        let question = of
            .iter()
            .fold(Question::default().unsigned(many), |question, one| {
                question.raw(&domain(one).bytes())
            });
        let question = question.unsigned(BLOCK).unsigned(WITHOUT_WAITING);
        self.told(procedure::STATISTICS, question, |words| {
            words.list(|words| Ok((guest(words)?, words.list(number)?)))
        })
    }
}

fn thing(of: &Named) -> Question {
    Question::default().string(&of.name).raw(&of.uuid)
}

fn domain(of: &Named) -> Question {
    thing(of).signed(of.number)
}

fn snapshot(of: &Named, name: &str) -> Question {
    Question::default().string(name).raw(&domain(of).bytes())
}

fn named(words: &mut Words<'_>) -> Result<Named, Short> {
    Ok(Named {
        name: words.string()?,
        uuid: words.uuid()?,
        number: -1,
    })
}

fn guest(words: &mut Words<'_>) -> Result<Named, Short> {
    let named = named(words)?;
    let number = words.signed()?;
    Ok(Named { number, ..named })
}

fn leased(words: &mut Words<'_>) -> Result<Leased, Short> {
    let _name = words.string()?;
    let mac = words.optional_string()?;
    let addresses = words.list(|words| {
        let _family = words.signed()?;
        let address = words.string()?;
        let length = words.unsigned()?;
        Ok(address.parse().ok().map(|address| (address, length)))
    })?;
    Ok(Leased {
        mac,
        addresses: addresses.into_iter().flatten().collect(),
    })
}

fn number(words: &mut Words<'_>) -> Result<(String, Value), Short> {
    let name = words.string()?;
    let value = match words.signed()? {
        1 | 6 => u64::try_from(words.signed()?).map_or(Value::Other, Value::Number),
        2 => Value::Number(words.unsigned()?.into()),
        3 | 5 => {
            words.long()?;
            Value::Other
        }
        4 => Value::Number(words.long()?),
        7 => Value::Text(words.string()?),
        _ => return Err(Short("a number of a sort nobody knows")),
    };
    Ok((name, value))
}

/// A failure as a hole: what was tried, and what libvirt's number means.
pub(super) fn cause(failure: Failure, what: &str) -> Cause {
    let (code, words) = match failure {
        Failure::Over(cause) => return cause,
        Failure::Said { code, words } => (code, words),
    };
    let (reason, remedy) = match code {
        // What went away: a guest, a network, a pool, a volume, an interface, a snapshot; or stopped running meanwhile.
        42 | 43 | 49 | 50 | 55 | 57 | 72 => (Reason::Vanished, ""),
        29 | 45 | 79 | 88 | 94 => (
            Reason::PermissionDenied,
            "allow the agent's account to read in libvirt: polkit's org.libvirt.unix.monitor, or a rule of its access driver",
        ),
        3 | 84 => (Reason::Unsupported, ""),
        86 => (Reason::NotPresent, "start the QEMU guest agent in it"),
        _ => (Reason::Refused, "look into the daemon's log"),
    };
    Cause::new(format!("{what}: {words}"), reason, remedy)
}

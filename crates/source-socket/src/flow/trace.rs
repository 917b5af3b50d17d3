//! Pages of the kernel's ring buffer → what happened to TCP sockets and processes, pure.
//!
//! A page is a time, a length, and events packed one behind the other (`kernel/trace/ring_buffer.c`; the
//! headers are described in `events/header_page` and `events/header_event`):
//!
//! ```text
//! u64 time of the page, ns   u64 bytes used (bits 31, 30: events were lost before it, and how many stands at the end)
//! u32 5 bits length in words, 27 bits ns since the event before   event …
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::Port;

use super::format::{Field, Format};

/// Bytes before the first event of a page.
const PAGE_HEADER_BYTES: usize = 16;
/// Bit of the length that says events were lost before this page.
const LOST: u64 = 1 << 31;
/// Bits that are the length.
const LENGTH: u64 = 0x000f_ffff;
/// The kernel's numbers for IPv4 and IPv6.
const IPV4: u64 = 2;
const IPV6: u64 = 10;

/// One end of a connection and the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ends {
    /// The address here.
    pub local: IpAddr,
    /// The port here.
    pub local_port: Port,
    /// The address there.
    pub remote: IpAddr,
    /// The port there.
    pub remote_port: Port,
}

impl Ends {
    /// The same connection seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            local: self.remote,
            local_port: self.remote_port,
            remote: self.local,
            remote_port: self.local_port,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The task that runs calls; its own port may not be known yet.
    Calls {
        /// The task (a thread's number).
        task: u32,
        /// The socket, as long as it lives.
        socket: u64,
    },
    /// A call of this machine was answered.
    Answered {
        /// The socket that called.
        socket: u64,
        /// Both ends.
        ends: Ends,
    },
    /// A call to this machine was taken. The task that runs is nobody in particular.
    Taken {
        /// Both ends.
        ends: Ends,
    },
    /// A connection is over, or a call was refused.
    Closed {
        /// The socket.
        socket: u64,
        /// Both ends.
        ends: Ends,
        /// Bytes carried in both directions, where it is told here.
        bytes: Option<u64>,
    },
    /// The task that runs begins to listen.
    Listens {
        /// The task.
        task: u32,
        /// The address.
        address: IpAddr,
        /// The port.
        port: Port,
    },
    /// A task was made.
    Forked {
        /// By which one.
        parent: u32,
        /// Its number.
        child: u32,
    },
    /// A task started a program.
    Executed {
        /// The task.
        task: u32,
        /// The number it had before, if a thread took over its process.
        before: u32,
        /// The program as it was asked for: a path, or a script.
        path: Vec<u8>,
    },
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When, in ns on the monotonic clock.
    pub at: u64,
    /// What.
    pub step: Step,
    /// The kernel's number of the network it happened in, where it is told.
    pub network: Option<u64>,
    /// Whose task it was, where it is told; of a call alone this is who called.
    pub user: Option<u32>,
}

/// A change of state of a TCP socket, as every way of watching tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Changed {
    /// The task that runs.
    pub(super) task: u32,
    /// The socket.
    pub(super) socket: u64,
    /// The states as the kernel numbers them (`include/net/tcp_states.h`).
    pub(super) before: u64,
    /// See `before`.
    pub(super) after: u64,
    /// Both ends.
    pub(super) ends: Ends,
    /// Bytes carried so far.
    pub(super) bytes: Option<u64>,
}

impl Changed {
    /// What it means; `None` if it tells nothing we ask for.
    pub(super) fn step(self) -> Option<Step> {
        let Self {
            task, socket, ends, ..
        } = self;
        match (self.before, self.after) {
            (_, 2) => Some(Step::Calls { task, socket }),
            (2, 1) => Some(Step::Answered { socket, ends }),
            (3, 1) => Some(Step::Taken { ends }),
            (10, 7) => None,
            (_, 7) => Some(Step::Closed {
                socket,
                ends,
                bytes: self.bytes,
            }),
            (_, 10) => Some(Step::Listens {
                task,
                address: ends.local,
                port: ends.local_port,
            }),
            _ => None,
        }
    }
}

/// What a page held.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The events, in order.
    pub events: Vec<Event>,
    /// True if events were lost before this page.
    pub lost: bool,
    /// Events, or rests of pages, that were not understood.
    pub malformed: u64,
}

/// Reads pages, once it knows the layout of their events.
#[derive(Clone, Debug)]
pub struct PageReader {
    states: States,
    fork: Option<Forks>,
    exec: Option<Executions>,
}

#[derive(Clone, Copy, Debug)]
struct States {
    id: u16,
    task: Field,
    socket: Field,
    before: Field,
    after: Field,
    local_port: Field,
    remote_port: Field,
    family: Field,
    v4: [Field; 2],
    v6: [Field; 2],
}

#[derive(Clone, Copy, Debug)]
struct Forks {
    id: u16,
    parent: Field,
    child: Field,
}

#[derive(Clone, Copy, Debug)]
struct Executions {
    id: u16,
    task: Field,
    before: Field,
    path: Field,
}

impl PageReader {
    /// A reader for these `format` files; `None` if changes of TCP state are not described among them.
    pub fn new(formats: &[Vec<u8>]) -> Option<Self> {
        let formats: Vec<Format> = formats.iter().filter_map(|f| Format::parse(f)).collect();
        let named = |name: &str| formats.iter().find(|format| format.name == name);
        Some(Self {
            states: States::of(named("inet_sock_set_state")?)?,
            fork: named("sched_process_fork").and_then(Forks::of),
            exec: named("sched_process_exec").and_then(Executions::of),
        })
    }

    /// True if it will learn when a process number is given to another program.
    pub fn knows_processes(&self) -> bool {
        self.fork.is_some() && self.exec.is_some()
    }

    /// Reads one page.
    pub fn read(&self, page: &[u8]) -> Page {
        let mut read = Page::default();
        let (Some(mut at), Some(used)) = (number(page, 0), number(page, 8)) else {
            read.malformed += u64::from(!page.is_empty());
            return read;
        };
        read.lost = used & LOST != 0;
        let end = PAGE_HEADER_BYTES.saturating_add(usize::try_from(used & LENGTH).unwrap_or(0));
        let mut rest = page
            .get(PAGE_HEADER_BYTES..end.min(page.len()))
            .unwrap_or_default();
        read.malformed += u64::from(end > page.len());
        while let Some((head, tail)) = rest.split_first_chunk::<4>() {
            let head = u32::from_ne_bytes(*head);
            let (kind, delta) = (head & 31, u64::from(head >> 5));
            let Some(record) = Record::cut(kind, delta, tail) else {
                read.malformed += u64::from(kind != 29); // padding to the end of the page is no harm
                break;
            };
            rest = record.rest;
            at = match record.time {
                Time::Since(passed) => at.saturating_add(passed),
                Time::At(low) => at & !((1 << 59) - 1) | low,
            };
            if let Some(event) = record.event {
                self.take(event, at, &mut read);
            }
        }
        read
    }

    fn take(&self, event: &[u8], at: u64, read: &mut Page) {
        let id = event.first_chunk::<2>().map(|b| u16::from_ne_bytes(*b));
        let step = match id {
            Some(id) if id == self.states.id => self.states.step(event),
            Some(id) if self.fork.is_some_and(|f| f.id == id) => {
                self.fork.and_then(|f| f.step(event)).map(Some)
            }
            Some(id) if self.exec.is_some_and(|e| e.id == id) => {
                self.exec.and_then(|e| e.step(event)).map(Some)
            }
            _ => None,
        };
        match step {
            Some(Some(step)) => read.events.push(Event {
                at,
                step,
                network: None,
                user: None,
            }),
            Some(None) => {}
            None => read.malformed += 1,
        }
    }
}

enum Time {
    Since(u64),
    At(u64),
}

/// One record cut off a page.
struct Record<'p> {
    time: Time,
    event: Option<&'p [u8]>,
    rest: &'p [u8],
}

impl<'p> Record<'p> {
    /// `None` where nothing more can be read of the page.
    fn cut(kind: u32, delta: u64, tail: &'p [u8]) -> Option<Self> {
        let word = || tail.first_chunk::<4>().map(|b| u32::from_ne_bytes(*b));
        let plain = |skip: usize, length: usize| {
            let event = tail.get(skip..skip.checked_add(length)?)?;
            let rest = tail.get(skip.checked_add(length)?..)?;
            Some((event, rest))
        };
        match kind {
            // Padding: to the end of the page, or as long as it says.
            29 if delta == 0 => None,
            29 => {
                let (_, rest) = plain(0, usize::try_from(word()?).ok()?.max(4))?;
                Some(Self {
                    time: Time::Since(delta),
                    event: None,
                    rest,
                })
            }
            30 => {
                let (_, rest) = plain(0, 4)?;
                let time = Time::Since((u64::from(word()?) << 27).saturating_add(delta));
                Some(Self {
                    time,
                    event: None,
                    rest,
                })
            }
            31 => {
                let (_, rest) = plain(0, 4)?;
                let time = Time::At((u64::from(word()?) << 27) | delta);
                Some(Self {
                    time,
                    event: None,
                    rest,
                })
            }
            // Long events: the length stands before them and counts itself.
            0 => {
                let length = usize::try_from(word()?).ok()?.checked_sub(4)?;
                let (event, rest) = plain(4, length.checked_add(3)? & !3)?;
                Some(Self {
                    time: Time::Since(delta),
                    event: Some(event),
                    rest,
                })
            }
            words => {
                let (event, rest) = plain(0, usize::try_from(words).ok()? * 4)?;
                Some(Self {
                    time: Time::Since(delta),
                    event: Some(event),
                    rest,
                })
            }
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_ne_bytes(chunk))
}

impl States {
    fn of(format: &Format) -> Option<Self> {
        let field = |name| format.field(name);
        Some(Self {
            id: format.id,
            task: field("common_pid")?,
            socket: field("skaddr")?,
            before: field("oldstate")?,
            after: field("newstate")?,
            local_port: field("sport")?,
            remote_port: field("dport")?,
            family: field("family")?,
            v4: [field("saddr")?, field("daddr")?],
            v6: [field("saddr_v6")?, field("daddr_v6")?],
        })
    }

    /// `None` if it cannot be read; `Some(None)` if it tells nothing we ask for.
    #[expect(
        clippy::option_option,
        reason = "outer: could it be read; inner: does it matter"
    )]
    fn step(&self, event: &[u8]) -> Option<Option<Step>> {
        let port = |field: Field| u16::try_from(field.number(event)?).ok().map(Port);
        let (before, after) = (self.before.number(event)?, self.after.number(event)?);
        let task = u32::try_from(self.task.number(event)?).ok()?;
        let socket = self.socket.number(event)?;
        let ends = Ends {
            local: self.address(event, 0)?,
            local_port: port(self.local_port)?,
            remote: self.address(event, 1)?,
            remote_port: port(self.remote_port)?,
        };
        let changed = Changed {
            task,
            socket,
            before,
            after,
            ends,
            bytes: None,
        };
        Some(changed.step())
    }

    fn address(&self, event: &[u8], side: usize) -> Option<IpAddr> {
        Some(match self.family.number(event)? {
            IPV4 => {
                let bytes: [u8; 4] = self.v4.get(side)?.of(event)?.try_into().ok()?;
                IpAddr::V4(Ipv4Addr::from(bytes))
            }
            IPV6 => {
                let bytes: [u8; 16] = self.v6.get(side)?.of(event)?.try_into().ok()?;
                IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
            }
            _ => return None,
        })
    }
}

impl Forks {
    fn of(format: &Format) -> Option<Self> {
        Some(Self {
            id: format.id,
            parent: format.field("parent_pid")?,
            child: format.field("child_pid")?,
        })
    }

    fn step(&self, event: &[u8]) -> Option<Step> {
        Some(Step::Forked {
            parent: u32::try_from(self.parent.number(event)?).ok()?,
            child: u32::try_from(self.child.number(event)?).ok()?,
        })
    }
}

impl Executions {
    fn of(format: &Format) -> Option<Self> {
        Some(Self {
            id: format.id,
            task: format.field("pid")?,
            before: format.field("old_pid")?,
            path: format.field("filename")?,
        })
    }

    fn step(&self, event: &[u8]) -> Option<Step> {
        Some(Step::Executed {
            task: u32::try_from(self.task.number(event)?).ok()?,
            before: u32::try_from(self.before.number(event)?).ok()?,
            path: self.path.text(event)?.to_vec(),
        })
    }
}

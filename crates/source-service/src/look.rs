//! The look: every open port that somebody found, host by host, one connection at a time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError, mpsc};

use groma_model::fact::{SeenService, ServiceAnswer};
use groma_model::{CoverageState, Fact, Port, Reason, Scope, SourceName, Transport};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World, steers_machines};

use crate::datagrams::letters;
use crate::identify::{identify, zones};
use crate::plan::{is_of_a_printer, questions};
use crate::talk::{Caller, Miss};

/// The name of this source in evidence.
pub const NAME: &str = "network.services";

/// Hosts that are asked at the same time, each at one port after the other.
const HOSTS_AT_ONCE: usize = 12;

/// An open port of another machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OpenPort {
    /// Where it is.
    pub address: IpAddr,
    /// Which it is.
    pub port: Port,
    /// Its transport.
    pub transport: Transport,
}

/// The open ports of one machine, sorted.
#[derive(Default)]
struct Doors {
    tcp: Vec<Port>,
    udp: Vec<Port>,
}

/// What speaks at open ports.
pub struct ServiceSource {
    world: World,
    open: BTreeMap<IpAddr, Doors>,
}

impl ServiceSource {
    /// The source over ports that were found open; nothing else is contacted.
    pub fn new(world: World, open: impl IntoIterator<Item = OpenPort>) -> Self {
        let mut by_host: BTreeMap<IpAddr, Doors> = BTreeMap::new();
        for one in open {
            let doors = by_host.entry(one.address).or_default();
            match one.transport {
                Transport::Tcp => doors.tcp.push(one.port),
                Transport::Udp => doors.udp.push(one.port),
            }
        }
        for ports in by_host.values_mut().flat_map(|d| [&mut d.tcp, &mut d.udp]) {
            ports.sort_unstable();
            ports.dedup();
        }
        Self {
            world,
            open: by_host,
        }
    }
}

impl Source for ServiceSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Sees which product and version speaks at a port that a sweep found open, and what the machine calls itself there.".into(),
            reads: Vec::new(),
            contacts: lines(&[
                "UDP 137 of machines that speak NetBIOS, and UDP 1434 of those with doors of Windows, one datagram each: names, and instances of SQL Server",
                "the open TCP ports of the networks named by --target, one connection to a host at a time; never TCP 515, 9100 to 9116 and 9999 nor other ports at which makers take pages, of a machine that takes print jobs only 80, 443 and 631, and no port of a protocol that steers machines (Modbus, S7, EtherNet/IP, DNP3, BACnet, OPC UA and others)",
            ]),
            sends: lines(&[
                "per port: protocol, product, version, system, names, domain, host key fingerprint, realm or mechanisms, where it leads (scheme, host, port), title, what it answers for, and the first bytes that prove it",
            ]),
            never_sends: lines(&[
                "an answer to a challenge of NTLM (of who offers it, its first message is asked for names, and given up), a logon, a user's name, a password, a mail, a query for anything but the root entry of a directory, the root of the name system and the begin of zones the machine may keep",
                "cookies, challenges, nonces, paths and queries of what it was told",
            ]),
            rights: lines(&["none"]),
            cost: "one to nine connections a port, a host's rate is that of the budget; servers may log a line per connection".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let (tell, told) = mpsc::channel();
        let world = &self.world;
        let hosts = Mutex::new(self.open.iter());
        let next = || hosts.lock().unwrap_or_else(PoisonError::into_inner).next();
        std::thread::scope(|scope| {
            for _ in 0..HOSTS_AT_ONCE.min(self.open.len()) {
                let (tell, next) = (tell.clone(), &next);
                scope.spawn(move || {
                    while let Some((address, doors)) = next() {
                        let mut caller = Caller::new(world, window, budget);
                        let may_print = doors.tcp.iter().any(|port| is_of_a_printer(*port));
                        let all = doors.tcp.iter().map(|port| {
                            let to = SocketAddr::new(*address, port.0);
                            (*port, asked(&mut caller, to, may_print))
                        });
                        let mut all: Vec<_> = all.collect();
                        let answered = match may_print {
                            true => Vec::new(),
                            false => by_letter(&mut caller, *address, doors),
                        };
                        add_zones(&mut caller, *address, &mut all);
                        // Nobody listens once the look is over.
                        let _ = tell.send((*address, all, answered));
                    }
                });
            }
            drop(tell);
            for (address, ports, letters) in told {
                say(window, sink, address, ports);
                let scope = Scope::new("host", &address.to_string());
                for seen in letters {
                    sink.saw_now(window, &scope, Fact::SeenService(seen));
                }
            }
        });
    }
}

/// What came of asking at one port; `None` where nothing is ever asked.
type Asked = Option<Result<ServiceAnswer, Miss>>;

fn asked(caller: &mut Caller<'_>, to: SocketAddr, may_print: bool) -> Asked {
    let questions = questions(Port(to.port()), may_print);
    (!questions.is_empty()).then(|| identify(caller, to, &questions))
}

/// What is asked in one datagram each. Silence is no gap: most machines have no such service.
fn by_letter(caller: &mut Caller<'_>, address: IpAddr, doors: &Doors) -> Vec<SeenService> {
    let all = letters(&doors.tcp, &doors.udp).into_iter();
    let seen = all.filter_map(|letter| {
        let number = u16::from_be_bytes(caller.random());
        let to = SocketAddr::new(address, letter.port().0);
        let heard = caller.letter(to, &letter.question(number)).ok()?;
        let answer = letter.tells(&heard, number)?;
        Some(SeenService {
            address,
            port: letter.port(),
            transport: Transport::Udp,
            answer: ServiceAnswer {
                protocol: letter.word().to_owned(),
                // What stands before the names is a number of ours and counters.
                proof: answer.names.join(", "),
                ..answer
            },
        })
    });
    seen.collect()
}

/// Asks a name server for zones once it is known which domains its machine belongs to.
fn add_zones(caller: &mut Caller<'_>, address: IpAddr, all: &mut [(Port, Asked)]) {
    let mut domains: Vec<String> = Vec::new();
    for (_, asked) in all.iter() {
        if let Some(Ok(answer)) = asked {
            domains.extend(answer.domain.clone());
            let parents = answer.names.iter().filter_map(|name| name.split_once('.'));
            domains.extend(parents.map(|(_, parent)| parent.to_owned()));
        }
    }
    for (port, asked) in all {
        let Some(Ok(answer)) = asked else { continue };
        if answer.protocol != "dns" {
            continue;
        }
        let to = SocketAddr::new(address, port.0);
        let kept = zones(caller, to, domains.iter().map(String::as_str));
        answer.answers_for.extend(kept.unwrap_or_default());
    }
}

fn say(window: &Window, sink: &mut dyn Sink, address: IpAddr, ports: Vec<(Port, Asked)>) {
    let scope = Scope::new("host", &address.to_string());
    let mut state = CoverageState::Complete;
    for (port, asked) in ports {
        match asked {
            Some(Ok(answer)) => {
                let seen = SeenService {
                    address,
                    port,
                    transport: Transport::Tcp,
                    answer,
                };
                sink.saw_now(window, &scope, Fact::SeenService(seen));
            }
            Some(Err(miss)) => {
                if matches!(miss, Miss::Over | Miss::Unasked(_)) {
                    state = CoverageState::Partial;
                }
                let (reason, what) = missed(&miss);
                let what = format!("what speaks at port {port}: {what}");
                sink.missed_because(&scope, what, reason, "");
            }
            None => left_alone(sink, &scope, port),
        }
    }
    sink.covered_now(window, &scope, state);
}

fn left_alone(sink: &mut dyn Sink, scope: &Scope, port: Port) {
    let why = if steers_machines(port) {
        "by habit it steers machines, and such are never spoken to"
    } else {
        "a byte there may become a page"
    };
    let what = format!("what speaks at port {port}: {why}");
    let remedy = "say in your list what it is";
    sink.missed_because(scope, what, Reason::Forbidden, remedy);
}

fn missed(miss: &Miss) -> (Reason, &'static str) {
    match miss {
        Miss::Closed => (Reason::Unsupported, "it answers no language groma knows"),
        Miss::Silent => (Reason::TimedOut, "it is open and stays silent"),
        Miss::Over => (Reason::BudgetExhausted, "the look ended before its turn"),
        Miss::Unasked(reason) => (reason.clone(), "it could not be asked"),
    }
}

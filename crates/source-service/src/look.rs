//! The look: every open port that somebody found, host by host, one connection at a time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use groma_model::fact::SeenService;
use groma_model::{CoverageState, Fact, Port, Reason, Scope, SourceName, Transport};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::identify::identify;
use crate::plan::{questions, steers_machines};
use crate::talk::{Caller, Miss};

/// The name of this source in evidence.
pub const NAME: &str = "network.services";

/// An open TCP port of another machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OpenPort {
    /// Where it is.
    pub address: IpAddr,
    /// Which it is.
    pub port: Port,
}

/// What speaks at open ports.
pub struct ServiceSource {
    world: World,
    open: BTreeMap<IpAddr, Vec<Port>>,
}

impl ServiceSource {
    /// The source over ports that were found open; nothing else is contacted.
    pub fn new(world: World, open: impl IntoIterator<Item = OpenPort>) -> Self {
        let mut by_host: BTreeMap<IpAddr, Vec<Port>> = BTreeMap::new();
        for one in open {
            by_host.entry(one.address).or_default().push(one.port);
        }
        for ports in by_host.values_mut() {
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
                "the open TCP ports of the networks named by --target, one connection to a host at a time; never TCP 515, 9100 to 9116 and 9999, and no port of a protocol that steers machines (Modbus, S7, EtherNet/IP, DNP3, BACnet, OPC UA and others)",
            ]),
            sends: lines(&[
                "per port: protocol, product, version, system, names, domain, host key fingerprint, realm or mechanisms, where it leads (scheme, host, port), title, what it answers for, and the first bytes that prove it",
            ]),
            never_sends: lines(&[
                "a logon, a user's name, a password, a mail, a query for anything but the root entry of a directory and the root of the name system",
                "cookies, challenges, nonces, paths and queries of what it was told",
            ]),
            rights: lines(&["none"]),
            cost: "one to nine connections a port, a host's rate is that of the budget; servers may log a line per connection".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        for (address, ports) in &self.open {
            let mut host = Host {
                caller: Caller::new(&self.world, window, budget),
                window,
                sink,
                address: *address,
                scope: Scope::new("host", &address.to_string()),
                complete: true,
            };
            for port in ports {
                host.port(*port);
            }
            let state = if host.complete {
                CoverageState::Complete
            } else {
                CoverageState::Partial
            };
            sink.covered_now(window, &Scope::new("host", &address.to_string()), state);
        }
    }
}

struct Host<'a> {
    caller: Caller<'a>,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    address: IpAddr,
    scope: Scope,
    complete: bool,
}

impl Host<'_> {
    fn port(&mut self, port: Port) {
        if questions(port).is_empty() {
            self.left_alone(port);
            return;
        }
        match identify(&mut self.caller, SocketAddr::new(self.address, port.0)) {
            Ok(answer) => {
                let seen = SeenService {
                    address: self.address,
                    port,
                    transport: Transport::Tcp,
                    answer,
                };
                self.sink
                    .saw_now(self.window, &self.scope, Fact::SeenService(seen));
            }
            Err(miss) => self.missed(port, &miss),
        }
    }

    fn left_alone(&mut self, port: Port) {
        let why = if steers_machines(port) {
            "by habit it steers machines, and such are never spoken to"
        } else {
            "a byte there may become a page"
        };
        self.sink.missed_because(
            &self.scope,
            format!("what speaks at port {port}: {why}"),
            Reason::Forbidden,
            "say in your list what it is",
        );
    }

    fn missed(&mut self, port: Port, miss: &Miss) {
        let (reason, what) = match miss {
            Miss::Closed => (Reason::Unsupported, "it answers no language groma knows"),
            Miss::Silent => (Reason::TimedOut, "it is open and stays silent"),
            Miss::Over => (Reason::BudgetExhausted, "the look ended before its turn"),
            Miss::Unasked(reason) => (reason.clone(), "it could not be asked"),
        };
        self.complete &= !matches!(miss, Miss::Over | Miss::Unasked(_));
        self.sink.missed_because(
            &self.scope,
            format!("what speaks at port {port}: {what}"),
            reason,
            "",
        );
    }
}

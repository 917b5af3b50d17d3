//! `certificates.endpoints`: what this machine's own listeners present in a TLS handshake; `network.certificates`: what those of
//! other machines do that a sweep found.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

use groma_model::fact::{CertificatePlace, CertificateSighting, Program};
use groma_model::{CoverageState, Fact, HostName, Port, Reason, Scope, SourceName};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::certificate;
use crate::contact::{Caller, Outcome, Presented};
use crate::many;
use crate::plan::{Plan, by_number, heard, plan};
use groma_tls::hello::version_word;

/// A TCP listener of this machine, or one that a sweep found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The address it listens at; unspecified means every address, and is asked at loopback.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// Who holds it, as far as is known.
    pub program: Program,
    /// What was heard there (`tls`, or the protocol within which TLS is offered), where somebody asked.
    pub heard: Option<String>,
}

impl Endpoint {
    /// The protocol in which TLS begins there, by the number of the port alone; `None` where that does not say it.
    pub fn begins_with(&self) -> Option<&'static str> {
        by_number(self.port)?.approaches.first().map(|a| a.word())
    }
}

/// Certificates at local listeners.
pub struct CertificateEndpoints {
    name: &'static str,
    world: World,
    endpoints: Vec<Endpoint>,
    /// True if others are asked without a pace.
    is_unrestrained: bool,
}

impl CertificateEndpoints {
    /// The source over those of `endpoints` that plausibly speak TLS; all others are never contacted.
    pub fn new(world: World, endpoints: Vec<Endpoint>) -> Self {
        Self {
            name: OWN,
            world,
            endpoints,
            is_unrestrained: false,
        }
    }

    /// The source over listeners of other machines: those at which TLS was heard or offered, and those that somebody named
    /// and of which nothing is known but the number, where that says how TLS begins.
    pub fn of_others(world: World, endpoints: Vec<Endpoint>) -> Self {
        Self {
            name: OTHERS,
            world,
            endpoints,
            is_unrestrained: false,
        }
    }

    /// Asks as many as the table has room for at a time. Who may be asked so, the network of its world decides.
    pub fn without_restraint(mut self) -> Self {
        self.is_unrestrained = true;
        self
    }

    /// Each listener once, at the address it is asked at.
    fn targets(&self) -> BTreeMap<(IpAddr, Port), Plan> {
        let target = |e: &Endpoint| {
            let plan = match &e.heard {
                Some(word) => heard(e.port, word),
                None if self.name == OTHERS => by_number(e.port),
                None => plan(e.port, &e.program),
            };
            plan.map(|plan| ((reachable(e.address), e.port), plan))
        };
        self.endpoints.iter().filter_map(target).collect()
    }

    fn host_name(&self) -> Option<HostName> {
        let file = self
            .world
            .disk
            .read(Path::new("/etc/hostname"), 4096)
            .ok()?;
        HostName::parse(std::str::from_utf8(&file.bytes).ok()?.trim())
    }
}

/// The source over this machine's own listeners.
const OWN: &str = "certificates.endpoints";
/// The source over those of other machines.
pub const OTHERS: &str = "network.certificates";
/// Ports that are named one by one in a gap.
const PORTS_SHOWN: usize = 20;
/// Other machines that are asked at the same time, each by one caller at its own pace.
const HOSTS_AT_ONCE: usize = 12;
const V4_LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// True if a listener at every address cannot be reached at `::1`, because that address is switched off here.
fn is_without_ipv6(outcome: &Outcome, address: IpAddr) -> bool {
    let no_way = matches!(
        outcome,
        Outcome::Unseen(Reason::Unreachable | Reason::Unknown(_), _)
    );
    no_way && address == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

fn reachable(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) if v4.is_unspecified() => V4_LOOPBACK,
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

impl Source for CertificateEndpoints {
    fn name(&self) -> SourceName {
        SourceName::new(self.name)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let asked = self.targets();
        let mut contacts: Vec<String> = asked
            .iter()
            .map(|((address, port), plan)| {
                let ways: Vec<_> = plan.approaches.iter().map(|a| a.word()).collect();
                format!(
                    "{address} port {port}: a TLS handshake ({})",
                    ways.join(", then ")
                )
            })
            .collect();
        contacts.push(match self.name {
            OWN => format!(
                "nobody else: {} listeners are left alone, because neither port nor program says TLS",
                self.endpoints.len().saturating_sub(asked.len())
            ),
            _ => "the ports named by --ports of the networks named by --target, where neither network.sweep nor network.services looks: those whose number says how TLS begins (443, 25, 389, 5432 and others), never TCP 515, 9100 to 9116 and 9999".to_owned(),
        });
        let purpose = if self.name == OWN {
            "Sees which certificates this machine's own servers present, and what they are asked for by those who connect."
        } else {
            "Sees which certificates servers of other machines present, where a sweep heard or was offered TLS, or at ports that somebody named."
        };
        Explanation {
            purpose: purpose.into(),
            reads: lines(&["/etc/hostname, for servers that answer to a name only"]),
            contacts,
            sends: lines(&[
                "per certificate of the chain: fingerprints, subject, issuer, serial, names, validity, key kind and size, and the endpoint",
                "listeners that did not answer, or speak only old versions of TLS",
            ]),
            never_sends: lines(&["a logon, a mail, a query: only the words that begin TLS are said", "a packet to a print port or over UDP"]),
            rights: lines(&["none; to recognise servers at ports not their own, the sockets source must see their programs (root)"]),
            cost: "mostly one connection per listener, at most ten in a second by default (64 servers at a time, at no pace, only with --unrestrained in networks that the ceiling file names); a server may log one line per connection (PostgreSQL and MariaDB count an aborted one)".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let targets = self.targets();
        // This machine is one host, whatever its addresses: asked by one caller, at one pace.
        if self.name == OWN {
            let mut caller = Caller::new(&self.world, window, budget, self.host_name());
            for ((address, port), plan) in &targets {
                let (address, outcome) = self.asked(&mut caller, &targets, (*address, *port), plan);
                told(window, sink, (address, *port), outcome, plan);
            }
            return;
        }
        self.left_alone(window, sink);
        let name = self.host_name();
        if self.is_unrestrained {
            let look = many::Look {
                world: &self.world,
                window,
                budget,
                host_name: name,
            };
            return many::ask(&look, targets, &mut |to, outcome, plan| {
                told(window, sink, to, outcome, plan);
            });
        }
        let mut hosts: BTreeMap<IpAddr, Vec<(Port, &Plan)>> = BTreeMap::new();
        for ((address, port), plan) in &targets {
            hosts.entry(*address).or_default().push((*port, plan));
        }
        let (tell, heard) = mpsc::channel();
        let waiting = Mutex::new(hosts.iter());
        let next = || {
            waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next()
        };
        std::thread::scope(|scope| {
            for _ in 0..HOSTS_AT_ONCE.min(hosts.len()) {
                let (tell, next, name) = (tell.clone(), &next, name.clone());
                let world = &self.world;
                scope.spawn(move || {
                    while let Some((address, ports)) = next() {
                        let caller = Caller::new(world, window, budget, name.clone());
                        let mut caller = caller.patiently();
                        for (port, plan) in ports {
                            let outcome = caller.follow(plan, *address, *port);
                            // Nobody listens once the look is over.
                            let _ = tell.send((*address, *port, *plan, outcome));
                        }
                    }
                });
            }
            drop(tell);
            for (address, port, plan, outcome) in heard {
                told(window, sink, (address, port), outcome, plan);
            }
        });
    }
}

impl CertificateEndpoints {
    /// Says which of the ports that were named are asked nothing.
    fn left_alone(&self, window: &Window, sink: &mut dyn Sink) {
        let unheard = self.endpoints.iter().filter(|e| e.heard.is_none());
        let ports: BTreeSet<Port> = unheard
            .map(|e| e.port)
            .filter(|port| by_number(*port).is_none())
            .collect();
        if ports.is_empty() {
            return;
        }
        let shown = ports.iter().take(PORTS_SHOWN).map(ToString::to_string);
        let more = match ports.len().saturating_sub(PORTS_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = format!(
            "certificates at ports {}{more}: their numbers do not say how TLS begins there",
            shown.collect::<Vec<_>>().join(", ")
        );
        let scope = Scope::new("source", OTHERS);
        let remedy = "let a sweep and network.services look as well, which hear what speaks there";
        sink.missed_because(&scope, what, Reason::NotThisService, remedy);
        sink.covered_now(window, &scope, CoverageState::Partial);
    }

    /// What a listener of this machine presents, and at which address it was asked in the end.
    fn asked(
        &self,
        caller: &mut Caller<'_>,
        targets: &BTreeMap<(IpAddr, Port), Plan>,
        (address, port): (IpAddr, Port),
        plan: &Plan,
    ) -> (IpAddr, Outcome) {
        let outcome = caller.follow(plan, address, port);
        if is_without_ipv6(&outcome, address) && !targets.contains_key(&(V4_LOOPBACK, port)) {
            return (V4_LOOPBACK, caller.follow(plan, V4_LOOPBACK, port));
        }
        (address, outcome)
    }
}

fn told(
    window: &Window,
    sink: &mut dyn Sink,
    (address, port): (IpAddr, Port),
    outcome: Outcome,
    plan: &Plan,
) {
    Told {
        window,
        sink,
        address,
        port,
    }
    .outcome(outcome, plan);
}

struct Told<'a> {
    window: &'a Window,
    sink: &'a mut dyn Sink,
    address: IpAddr,
    port: Port,
}

impl Told<'_> {
    fn outcome(&mut self, outcome: Outcome, plan: &Plan) {
        let scope = Scope::new("endpoint", &format!("{}/{}/tcp", self.address, self.port));
        let state = match outcome {
            Outcome::Presented(presented) => self.presented(&scope, &presented),
            Outcome::NoTls => {
                if plan.promised {
                    let what = format!(
                        "a certificate: port {} promises TLS, and what answers there speaks something else",
                        self.port
                    );
                    self.sink
                        .missed_because(&scope, what, Reason::NotThisService, "");
                }
                CoverageState::Complete
            }
            Outcome::Unseen(reason, what) => {
                self.sink.missed_because(
                    &scope,
                    format!("the certificate it presents: {what}"),
                    reason,
                    "",
                );
                CoverageState::Partial
            }
        };
        self.sink.covered_now(self.window, &scope, state);
    }

    fn presented(&mut self, scope: &Scope, presented: &Presented) -> CoverageState {
        let mut state = CoverageState::Complete;
        for (position, der) in (0u32..).zip(&presented.chain) {
            let Some(parsed) = certificate::parse(der) else {
                self.sink.missed_because(
                    scope,
                    format!("certificate number {position} of the chain, counted from 0"),
                    Reason::Malformed,
                    "",
                );
                state = CoverageState::Partial;
                continue;
            };
            let place = CertificatePlace::Endpoint {
                address: self.address,
                port: self.port,
                protocol: presented.approach.word().to_owned(),
                position,
            };
            let sighting = CertificateSighting {
                certificate: parsed.certificate,
                place,
                key_present: false,
                key: None,
                trust: None,
            };
            self.sink
                .saw_now(self.window, scope, Fact::Certificate(sighting));
        }
        if let Some(version) = presented.old_version {
            let what = format!(
                "more than the certificate: the server speaks {} with a cipher suite or version no modern client accepts",
                version_word(version)
            );
            let remedy = "modern clients cannot connect: enable TLS 1.2 with ECDHE or TLS 1.3 before anything moves";
            self.sink
                .missed_because(scope, what, Reason::Unsupported, remedy);
        }
        state
    }
}

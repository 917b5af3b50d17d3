//! The source: which way leads to whom, what is said of it, and what was looked at completely.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{HostMet, OpenPort, Proof};
use groma_model::{
    Coverage, CoverageState, Fact, Observation, Port, Reason, Scope, Seen, SourceName, Transport,
};
use groma_source::frames::{WayOut, Wires};
use groma_source::manners::{LeftAlone, Manners, Target};
use groma_source::{Budget, Explanation, Sink, SinkExt, Source, Window, World};

use crate::ask::{Item, Way};
use crate::call::{CallWay, Scopes};
use crate::datagram::Protocol;
use crate::hurried;
use crate::judge::{ForEveryone, Host, judge};
use crate::laboratory;
use crate::meet::{self, Meeting};
use crate::notes::{Notes, Noting, Remembered, heading, mac_text, recall};
use crate::plan::Plan;
use crate::polite::{Answer, Asked, Brought, Ended, Loss, Round, held_back, wait_for_the_way};
use crate::wire::WireWay;

/// The name of this source in evidence.
pub const NAME: &str = "network.sweep";

/// Passes in which hardware addresses are asked for.
const LINK_PASSES: u8 = 3;
/// How often and how long the router is waited for.
const ROUTER_TRIES: u32 = 4;
const ROUTER_WAIT: Duration = Duration::from_millis(300);
/// Open ports that make a host suspect of accepting everything.
const SUSPECT_PORTS: usize = 5;
/// Ports nobody has by habit, for suspects.
const UNLIKELY: [u16; 3] = [38_731, 46_247, 59_113];

/// Who is there, asked over the network.
pub struct SweepSource {
    world: World,
    wires: Arc<dyn Wires>,
    plan: Option<Plan>,
    notes: Box<dyn Notes>,
}

impl SweepSource {
    /// A sweep by `plan`; without one nobody is asked.
    pub fn new(
        world: World,
        wires: Arc<dyn Wires>,
        plan: Option<Plan>,
        notes: Box<dyn Notes>,
    ) -> Self {
        Self {
            world,
            wires,
            plan,
            notes,
        }
    }
}

impl Source for SweepSource {
    fn name(&self) -> SourceName {
        SourceName::new(NAME)
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Finds the hosts of networks that somebody named (--target), and which of their ports are open.".into(),
            reads: lines(&[
                "/etc/groma/ceiling.toml: what this machine may do to the network; /etc/groma/stop: whether it must stop",
                "the kernel's table of routes, and hardware addresses of its own interfaces",
            ]),
            contacts: lines(&[
                "the addresses named by --target and allowed by the ceiling file, and the router on the way for its hardware address; nobody without --target",
                "with a wide network of IPv6 on a named link (2001:db8::/64%eth0): two echoes to all machines of that link (ff02::1), unless the ceiling file or --exclude keeps a part of the network out",
                "never TCP 515, 9100-9116, 9999; never a network or broadcast address, and no group but those by which IPv6 finds neighbours",
            ]),
            sends: lines(&[
                "addresses of hosts that answered, by what they proved to be there, hardware addresses on the own link; open ports, and protocols of datagrams that were heard",
                "what answers for everybody, what was not asked and why, how much the way lost",
            ]),
            never_sends: lines(&[
                "a byte into an accepted TCP connection, a malformed packet, a community of SNMP (public only with --snmp-public), a logon",
            ]),
            rights: lines(&["CAP_NET_RAW; without it no hardware addresses and echoes, and three packets where one would do"]),
            cost: "at most 200 packets/s, 10 to one host, 2 to one that breaks easily; a network of 254 addresses takes two to four minutes; --dry-run tells".into(),
        }
    }

    fn look(&mut self, window: &Window, _: &Budget, sink: &mut dyn Sink) {
        let Some(mut plan) = self.plan.clone() else {
            return;
        };
        let mut bits = [0; 8];
        self.world.randomness.fill(&mut bits);
        let mut manners = Manners::new(plan.ceiling.clone(), plan.targets.clone(), &[]);
        manners.lower(plan.per_agent);
        let mut meeting = match self.held_back(&plan, window) {
            None => self.meet(&mut plan, &mut manners, window, bits),
            ended => Meeting {
                ended,
                ..Meeting::default()
            },
        };
        let name = plan_name(&plan);
        let remembered = recall(self.notes.as_mut(), &name, window.now());
        manners.goes_on(plan.targets.clone(), &remembered.left_alone);
        if remembered.positions.is_empty() {
            self.notes
                .begin(&heading(&name, window.now(), &remembered.left_alone));
        }
        let mut sweep = Sweep {
            world: &self.world,
            wires: self.wires.as_ref(),
            plan: &plan,
            window,
            manners,
            notes: self.notes.as_mut(),
            remembered,
            key: u64::from_le_bytes(bits),
            rounds: 0,
            scopes: Scopes::default(),
            told: Told {
                ended: meeting.ended.take(),
                frames: meeting.frames,
                ..Told::default()
            },
        };
        let found = sweep.all();
        let (told, manners) = (sweep.told, sweep.manners);
        let left_alone = manners.left_alone(window.now());
        if told.ended.is_none() {
            self.notes
                .begin(&heading("done", window.now(), &left_alone));
        } else {
            let alone = heading("", window.now(), &left_alone);
            alone
                .iter()
                .filter(|line| line.starts_with("alone"))
                .for_each(|line| self.notes.note(line));
        }
        let mut report = Report {
            plan: &plan,
            window,
            sink,
            told: &told,
            left_alone: &left_alone,
        };
        report.meeting(&meeting);
        report.hosts(&found);
        report.gaps(&manners);
        report.coverage();
    }
}

impl SweepSource {
    /// Why nothing is sent at all.
    fn held_back(&self, plan: &Plan, window: &Window) -> Option<Ended> {
        if self.world.network.is_offline() {
            return Some(Ended::Stopped);
        }
        held_back(window, self.world.disk.as_ref(), &plan.ceiling).err()
    }

    /// Finds out who is in the networks nobody can count through.
    fn meet(
        &self,
        plan: &mut Plan,
        manners: &mut Manners,
        window: &Window,
        bits: [u8; 8],
    ) -> Meeting {
        let mut asking = meet::Asking {
            wires: self.wires.as_ref(),
            manners,
            window,
            disk: self.world.disk.as_ref(),
            mark: u16::from_le_bytes([bits[0], bits[1]]),
        };
        let meeting = asking.meet(&mut plan.targets);
        let ceiling = plan.ceiling.clone();
        let targets = std::mem::take(&mut plan.targets);
        plan.targets = targets.only(|address| ceiling.allows(address));
        meeting
    }
}

/// The same for the same questions to the same hosts.
fn plan_name(plan: &Plan) -> String {
    let named: Vec<String> = plan
        .targets
        .named()
        .iter()
        .map(ToString::to_string)
        .collect();
    let udp: Vec<_> = plan.datagrams.iter().map(|p| p.name()).collect();
    // In a network that is not counted through others may be met the next time.
    let met = plan.targets.wide().next().is_some().then(|| {
        let each = plan
            .targets
            .addresses()
            .map(|address| format!(" {address}"));
        each.collect::<String>()
    });
    format!(
        "{} {}{} {} {}",
        named.join(","),
        plan.targets.len(),
        met.unwrap_or_default(),
        plan.ports.label(),
        udp.join(",")
    )
}

/// A way, and everybody who is reached on it.
type OnWay = (WayOut, Vec<IpAddr>);

/// What is said of the sweep itself.
#[derive(Default)]
struct Told {
    ended: Option<Ended>,
    for_everyone: BTreeSet<ForEveryone>,
    unproven: usize,
    passes: u8,
    loss: Loss,
    lost_in_kernel: u64,
    frames: u64,
    by_calls: usize,
    by_frames: usize,
    /// Why frames of our own could not be had.
    no_frames: Option<String>,
    /// Addresses without a way, of this machine, or not asked everything.
    no_way: BTreeSet<IpAddr>,
    own: BTreeSet<IpAddr>,
    unfinished: BTreeSet<IpAddr>,
}

struct Sweep<'a> {
    world: &'a World,
    wires: &'a dyn Wires,
    plan: &'a Plan,
    window: &'a Window,
    manners: Manners,
    notes: &'a mut dyn Notes,
    remembered: Remembered,
    key: u64,
    rounds: usize,
    scopes: Scopes,
    told: Told,
}

impl Sweep<'_> {
    fn all(&mut self) -> Vec<Host> {
        if self.told.ended.is_some() {
            return Vec::new();
        }
        let (by_way, mut by_calls) = self.ways();
        let mut hosts = Vec::new();
        for (way, addresses) in by_way {
            if self.told.ended.is_some() {
                break;
            }
            match self.open(&way) {
                Ok(wire) => hosts.extend(self.by_frames(wire, &way, &addresses)),
                Err(why) => {
                    if self.told.ended.is_none() {
                        self.told.no_frames.get_or_insert(why);
                    }
                    by_calls.extend(addresses);
                }
            }
        }
        if !by_calls.is_empty() && self.told.ended.is_none() {
            hosts.extend(self.by_calls(&by_calls));
        }
        hosts.sort_by_key(|host| host.address);
        hosts
    }

    /// Who is reached on which way by frames, and who by calls.
    fn ways(&mut self) -> (Vec<OnWay>, Vec<IpAddr>) {
        let mut groups: BTreeMap<_, OnWay> = BTreeMap::new();
        let mut by_calls = Vec::new();
        for address in self.plan.targets.addresses() {
            if self.world.network.is_local(address) {
                self.told.own.insert(address);
                continue;
            }
            let link = self.plan.targets.link_of(address);
            let way = self.wires.way_out(address, link);
            if let Ok(way) = &way {
                self.scopes.learn(address, way.interface);
            }
            match way {
                Ok(way) if way.mac.is_some() && !self.plan.by_calls => {
                    let key = (way.interface, way.router, way.own);
                    groups
                        .entry(key)
                        .or_insert_with(|| (way, Vec::new()))
                        .1
                        .push(address);
                }
                Ok(_) => by_calls.push(address),
                Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                    by_calls.push(address)
                }
                Err(_) => {
                    self.told.no_way.insert(address);
                }
            }
        }
        (groups.into_values().collect(), by_calls)
    }

    /// The link of a way, with the router's hardware address.
    fn open(&mut self, way: &WayOut) -> Result<WireWay, String> {
        let mut wire = WireWay::open(self.wires, way, self.key, self.scopes.clone())
            .map_err(|error| format!("frames on {}: {error}", way.name))?;
        for _ in 0..ROUTER_TRIES {
            if way.router.is_some() {
                let disk = self.world.disk.as_ref();
                if let Err(ended) = wait_for_the_way(self.window, disk, &self.manners) {
                    self.told.ended = Some(ended);
                    break;
                }
            }
            let said = wire.ask_router(ROUTER_WAIT);
            if way.router.is_some() {
                self.manners.left_for_the_way(self.window.monotonic());
            }
            match said {
                Ok(true) => return Ok(wire),
                Ok(false) => {}
                Err(error) => return Err(format!("frames on {}: {error}", way.name)),
            }
        }
        Err(format!(
            "the router on {} does not say its hardware address",
            way.name
        ))
    }

    fn by_frames(&mut self, mut wire: WireWay, way: &WayOut, addresses: &[IpAddr]) -> Vec<Host> {
        self.told.by_frames += addresses.len();
        let mut asked: Vec<IpAddr> = addresses.to_vec();
        let mut macs = BTreeMap::new();
        if way.router.is_none() {
            for (address, answers) in &self.remembered.answered {
                if let Some((_, Some(mac))) = answers.iter().find(|(_, mac)| mac.is_some()) {
                    wire.learn(*address, *mac);
                }
            }
            let met = self.round(&mut wire, &asked, &[Item::Link], Some(LINK_PASSES));
            macs = met
                .iter()
                .filter_map(|host| Some((host.address, host.mac?)))
                .collect();
            asked.retain(|address| macs.contains_key(address));
        }
        if self.told.ended.is_some() {
            return Vec::new();
        }
        if let Some(rate) = self.plan.unrestrained {
            return self.in_laboratory(&wire, way, &asked, rate);
        }
        let items = self.plan.items(true);
        let mut met = self.round(&mut wire, &asked, &items, None);
        for host in &mut met {
            host.mac = macs.get(&host.address).copied();
        }
        let found = self.judged(&mut wire, &met, &items);
        self.told.lost_in_kernel += wire.lost();
        found
    }

    /// Without restraint.
    fn in_laboratory(
        &mut self,
        wire: &WireWay,
        way: &WayOut,
        asked: &[IpAddr],
        rate: u32,
    ) -> Vec<Host> {
        let field = self.field(asked, rate);
        let within = (self.window, self.world.disk.as_ref(), &self.manners);
        let found = laboratory::sweep(&field, way, self.wires, wire.links(), within);
        self.found_in_laboratory(found)
    }

    fn field<'b>(&'b self, addresses: &'b [IpAddr], rate: u32) -> laboratory::Field<'b> {
        laboratory::Field {
            addresses,
            ports: self.plan.ports.asked(),
            rate,
            key: self.key,
        }
    }

    fn found_in_laboratory(&mut self, found: std::io::Result<laboratory::Found>) -> Vec<Host> {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.told.ended = Some(Ended::Broke(error));
                return Vec::new();
            }
        };
        let told = &mut self.told;
        (told.passes, told.loss) = (told.passes.max(found.passes), found.loss);
        told.frames += found.frames;
        told.lost_in_kernel += found.lost_in_kernel;
        told.ended = told.ended.take().or(found.ended);
        hosts_of(&found.met, &found.open)
    }

    fn by_calls(&mut self, addresses: &[IpAddr]) -> Vec<Host> {
        let calls = match self.wires.calls() {
            Ok(calls) => calls,
            Err(error) => {
                self.told.ended = Some(Ended::Broke(error));
                return Vec::new();
            }
        };
        self.told.by_calls += addresses.len();
        if let Some(rate) = self.plan.unrestrained {
            let field = self.field(addresses, rate);
            let within = (self.window, self.world.disk.as_ref(), &self.manners);
            let found = hurried::sweep(&field, &self.scopes, calls, within);
            return self.found_in_laboratory(Ok(found));
        }
        let mut way = CallWay::new(calls, self.key, self.scopes.clone());
        let items = self.plan.items(false);
        let met = self.round(&mut way, addresses, &items, None);
        self.judged(&mut way, &met, &items)
    }

    /// Asks everybody everything, going on where an earlier sweep was ended.
    fn round(
        &mut self,
        way: &mut dyn Way,
        addresses: &[IpAddr],
        items: &[Item],
        passes: Option<u8>,
    ) -> Vec<Asked> {
        let begin = self
            .remembered
            .positions
            .get(&self.rounds)
            .copied()
            .unwrap_or_default();
        let hosts = addresses
            .iter()
            .map(|address| self.known(*address, items))
            .collect();
        let mut noting = Noting {
            notes: &mut *self.notes,
            round: self.rounds,
        };
        self.rounds += 1;
        let mut round = Round::new(
            self.window,
            self.world.disk.as_ref(),
            &mut self.manners,
            way,
            &mut noting,
        );
        round.loss = self.told.loss;
        if let Some(passes) = passes {
            (round.full_passes, round.passes_max) = (passes, passes);
        }
        let brought = round.ask(hosts, items, begin);
        self.take(brought)
    }

    fn take(&mut self, brought: Brought) -> Vec<Asked> {
        let told = &mut self.told;
        told.ended = told.ended.take().or(brought.ended);
        told.passes = told.passes.max(brought.passes);
        told.loss = brought.loss;
        told.frames += brought.frames;
        let unfinished = brought.hosts.iter().filter(|host| host.unfinished);
        told.unfinished.extend(unfinished.map(|host| host.address));
        brought.hosts
    }

    /// A host with what an earlier sweep heard of it.
    fn known(&self, address: IpAddr, items: &[Item]) -> Asked {
        let mut asked = Asked::new(address, items.len());
        for (item, mac) in self.remembered.answered.get(&address).into_iter().flatten() {
            asked.mac = asked.mac.or(*mac);
            let slot = items.iter().position(|known| known == item);
            if let Some(slot) = slot.and_then(|nth| asked.answers.get_mut(nth)) {
                *slot = Answer::Yes;
            }
        }
        asked
    }

    /// Asks suspects at ports nobody has, and judges all.
    fn judged(&mut self, way: &mut dyn Way, met: &[Asked], items: &[Item]) -> Vec<Host> {
        let asked = items
            .iter()
            .filter(|item| matches!(item, Item::Tcp(_)))
            .count();
        let accepting = |host: &Asked| {
            let both = host.answers.iter().zip(items);
            both.filter(|(a, item)| **a == Answer::Yes && matches!(item, Item::Tcp(_)))
                .count()
        };
        let suspect = |host: &&Asked| {
            let open = accepting(host);
            open >= SUSPECT_PORTS && open * 3 >= asked
                || (asked < SUSPECT_PORTS && open > 0 && open == asked)
        };
        let suspects: Vec<IpAddr> = met
            .iter()
            .filter(suspect)
            .map(|host| host.address)
            .collect();
        let mut any_port = BTreeSet::new();
        if !suspects.is_empty() && self.told.ended.is_none() {
            let unlikely = UNLIKELY.map(Item::Tcp);
            let controls = self.round(way, &suspects, &unlikely, Some(2));
            let trapped = controls
                .iter()
                .filter(|host| host.answers.iter().filter(|a| **a == Answer::Yes).count() >= 2);
            any_port.extend(trapped.map(|host| host.address));
        }
        let verdict = judge(met, items, &any_port);
        self.told.for_everyone.extend(verdict.for_everyone);
        self.told.unproven += verdict.unproven;
        verdict.hosts
    }
}

/// Hosts by what they answered; who answers for everybody is not looked for in a laboratory.
fn hosts_of(met: &[IpAddr], open: &[(IpAddr, u16)]) -> Vec<Host> {
    let mut hosts: BTreeMap<IpAddr, Host> = BTreeMap::new();
    let empty = |address: &IpAddr| Host {
        address: *address,
        proof: Proof::Handshake,
        mac: None,
        open: BTreeSet::new(),
    };
    for address in met {
        hosts.insert(*address, empty(address));
    }
    for (address, port) in open {
        let host = hosts.entry(*address).or_insert_with(|| empty(address));
        host.open.insert((Transport::Tcp, *port));
    }
    hosts.into_values().collect()
}

struct Report<'a> {
    plan: &'a Plan,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    told: &'a Told,
    left_alone: &'a [LeftAlone],
}

impl Report<'_> {
    /// The part of the plan an address belongs to, and what was asked there.
    fn scope(&self, target: Option<&Target>, what: &str) -> Scope {
        let network = match target {
            Some(target @ Target::Address(IpAddr::V6(_), _)) => format!("{target}/128"),
            Some(target @ (Target::Address(..) | Target::Range(..))) => format!("{target}/32"),
            Some(target) => target.to_string(),
            None => "names".to_owned(),
        };
        Scope::new("sweep", &format!("{network}/{what}"))
    }

    fn target_of(&self, address: IpAddr) -> Option<&Target> {
        let named = self.plan.targets.named();
        named.iter().find(|target| target.holds(address))
    }

    /// Links of which nobody could be asked who is there.
    fn meeting(&mut self, meeting: &Meeting) {
        let scope = Scope::new("sweep", "");
        for (link, error) in &meeting.unasked {
            self.sink.missed_because(
                &scope,
                format!(
                    "who is on {link}: {error}; only neighbours this machine had met were asked"
                ),
                Reason::of_io(error),
                "run as root or with CAP_NET_RAW, and name a link this machine has",
            );
        }
        for (network, link) in &meeting.forbidden {
            self.sink.missed_because(
                &scope,
                format!(
                    "who of {network} is on {link}: a question to a whole link leaves nobody out, and some of it may not be asked; only neighbours this machine had met were asked"
                ),
                Reason::Forbidden,
                "name the addresses, or a network that neither the ceiling file nor --exclude keeps a part of out",
            );
        }
    }

    fn what(&self, transport: Transport) -> String {
        match transport {
            Transport::Tcp => format!("tcp/{}", self.plan.ports.label().replace('/', "-")),
            Transport::Udp => "udp".to_owned(),
        }
    }

    fn hosts(&mut self, found: &[Host]) {
        let now = Seen::once(self.window.now());
        for host in found {
            let target = self.target_of(host.address);
            let mut all = vec![Observation {
                scope: self.scope(target, "hosts"),
                fact: Fact::HostMet(HostMet {
                    address: host.address,
                    by: host.proof,
                    mac: host.mac.map(mac_text),
                }),
                seen: now,
            }];
            for (transport, port) in &host.open {
                let protocol = Protocol::at(*port).filter(|_| *transport == Transport::Udp);
                all.push(Observation {
                    scope: self.scope(target, &self.what(*transport)),
                    fact: Fact::OpenPort(OpenPort {
                        address: host.address,
                        port: Port(*port),
                        transport: *transport,
                        speaks: protocol.map(|p| p.name().to_owned()),
                    }),
                    seen: now,
                });
            }
            all.into_iter()
                .for_each(|observation| self.sink.saw(observation));
        }
    }

    fn gaps(&mut self, manners: &Manners) {
        let scope = Scope::new("sweep", "");
        let mut say = |what: String, reason: Reason, remedy: &str| {
            self.sink.missed_because(&scope, what, reason, remedy)
        };
        match &self.told.ended {
            None => {}
            Some(Ended::Stopped) => say(
                "the rest of the sweep: it was stopped, or its time was over".into(),
                Reason::BudgetExhausted,
                "sweep again; it goes on where it was",
            ),
            Some(Ended::StopFile) => say(
                format!(
                    "the rest of the sweep: {} is there",
                    self.plan.ceiling.kill_switch.display()
                ),
                Reason::Forbidden,
                "remove the file, and sweep again: it goes on where it was",
            ),
            Some(Ended::Closed) => say(
                "the rest of the sweep: the maintenance window is closed".into(),
                Reason::Forbidden,
                "sweep again in the window; it goes on where it was",
            ),
            Some(Ended::Broke(error)) => say(
                format!("the rest of the sweep: {error}"),
                Reason::of_io(error),
                "",
            ),
        }
        for told in &self.told.for_everyone {
            say(
                for_everyone(told),
                Reason::NotThisService,
                "look from a place behind it, or name what is there in your list",
            );
        }
        for (host, sign) in manners.distressed() {
            let what = format!(
                "the rest of {}: {}; it is left alone until {}",
                host.address,
                sign.words(),
                host.until
            );
            say(
                what,
                Reason::Refused,
                "see how it is; it is asked again after that time",
            );
        }
        for host in self.left_alone.iter().filter(|h| {
            !manners
                .distressed()
                .iter()
                .any(|(d, _)| d.address == h.address)
        }) {
            let what = format!(
                "{}: it showed distress, and is left alone until {}",
                host.address, host.until
            );
            say(
                what,
                Reason::Refused,
                "see how it is; it is asked again after that time",
            );
        }
        for address in &self.told.no_way {
            say(
                format!("{address}: this machine has no way there"),
                Reason::Unreachable,
                "look from a machine that has one",
            );
        }
        if let Some(why) = &self.told.no_frames {
            say(
                format!("hardware addresses and echoes: {why}; hosts were asked by connections"),
                Reason::PermissionDenied,
                "run as root or with CAP_NET_RAW, on an Ethernet link",
            );
        }
    }

    fn coverage(&mut self) {
        let how = self.how();
        let mut named: Vec<Option<&Target>> = Vec::new();
        named.extend(
            self.plan
                .targets
                .named()
                .iter()
                .filter(|t| !matches!(t, Target::Name(_)))
                .map(Some),
        );
        if self
            .plan
            .targets
            .named()
            .iter()
            .any(|t| matches!(t, Target::Name(_)))
        {
            named.push(None);
        }
        for target in named {
            let mut parts = vec!["hosts".to_owned(), self.what(Transport::Tcp)];
            if !self.plan.datagrams.is_empty() {
                parts.push(self.what(Transport::Udp));
            }
            for part in parts {
                let coverage = Coverage {
                    scope: self.scope(target, &part),
                    state: self.state(target),
                    from: self.window.started(),
                    to: self.window.now(),
                    how: Some(how.clone()),
                };
                self.sink.covered(coverage);
            }
        }
    }

    /// Complete if everybody in it was asked everything, by a way that shows hosts which serve nothing.
    fn state(&self, target: Option<&Target>) -> CoverageState {
        let told = self.told;
        let within = |address: &IpAddr| self.target_of(*address) == target;
        let holes = told.unfinished.iter().chain(&told.no_way).any(within)
            || self.left_alone.iter().any(|host| within(&host.address));
        // Whom nobody has met is asked by nobody.
        let is_wide = target.is_some_and(|target| target.wide().is_some());
        let whole = told.ended.is_none()
            && !holes
            && !is_wide
            && told.for_everyone.is_empty()
            && told.lost_in_kernel == 0;
        if whole {
            CoverageState::Complete
        } else {
            CoverageState::Partial
        }
    }

    /// How it was looked, and how much of it was lost.
    fn how(&self) -> String {
        let told = self.told;
        let way = match (told.by_frames, told.by_calls) {
            (0, _) => "by connections",
            (_, 0) => "by frames of its own",
            _ => "by frames of its own and by connections",
        };
        let share = told.loss.share() * 100.0;
        let mut how = format!(
            "{way}, {} packets in {} passes; {share:.1} % of what was asked or answered was lost on the way, {} answers in the kernel",
            told.frames, told.passes, told.lost_in_kernel
        );
        if told.unproven > 0 {
            how.push_str(&format!(
                "; {} addresses answered and are no proven hosts",
                told.unproven
            ));
        }
        if !told.own.is_empty() {
            how.push_str("; this machine itself was not asked");
        }
        how
    }
}

fn for_everyone(told: &ForEveryone) -> String {
    match told {
        ForEveryone::AnyPort(address) => {
            format!("what is open at {address}: it accepts at every port, also where nobody serves")
        }
        ForEveryone::Ports(network, ports) => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!(
                "who serves {} in {network}: something on the way accepts there for every address",
                ports.join(", ")
            )
        }
        ForEveryone::Refusals(network) => {
            format!(
                "which addresses of {network} are hosts: something on the way answers for every address"
            )
        }
        ForEveryone::OneCard(network, mac) => {
            format!(
                "who of {network} is behind {}: one hardware address answers for many",
                mac_text(*mac)
            )
        }
    }
}

//! What was typed about other machines to be asked over the network, and the plan it means.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use groma_model::fact::Program;
use groma_model::{HostName, Port, Transport};
use groma_source::manners::{
    CEILING, Ceiling, CeilingError, LaboratoryNetwork, MannerlyNetwork, Manners, Network, Target,
    Targets, is_of_a_link,
};
use groma_source::{NoAddress, Stop, World};
use groma_source_packet::sentinel::POSTS_MAX;
use groma_source_service::OpenPort;
use groma_source_snmp::{Access, DATAGRAMS_ANSWERED, DATAGRAMS_SILENT};
use groma_source_sweep::datagram::Protocol;
use groma_source_sweep::notes::{heading, recall};
use groma_source_sweep::plan::{LABORATORY_RATE, PlanError};
use groma_source_sweep::polite::FRAGILE;
use groma_source_sweep::ports::Ports;
use groma_source_sweep::{Notes, Plan};
use groma_source_x509::{CertificateEndpoints, Endpoint};

/// How long the name of a target may take.
const NAME: Duration = Duration::from_secs(10);

/// Whom to ask over the network, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct SweepArgs {
    /// Ask this network who is there and which ports are open: 10.0.0.0/24, 10.0.0.5-10.0.0.90, 10.0.0.5, 2001:db8::/120 or a
    /// name. Of a wider network of IPv6 its known neighbours are asked, and with a link behind it (2001:db8::/64%eth0) whoever
    /// answers there. May be given several times; nobody is asked unless named here. --dry-run tells first what that would mean.
    #[arg(long = "target", value_name = "NETWORK", value_parser = Target::parse)]
    targets: Vec<Target>,
    /// Ask nobody of this network, though it lies in a target. May be given several times.
    #[arg(long = "exclude", value_name = "NETWORK", value_parser = network, requires = "targets")]
    excluded: Vec<Network>,
    /// The TCP ports that are asked, as 22,80,8000-8100, instead of the usual ones. 515, 9100-9116 and 9999 are never.
    #[arg(long, value_name = "PORTS", value_parser = Ports::parse, requires = "targets")]
    ports: Option<Ports>,
    /// At most so many packets a second to all hosts together: 200, or less.
    #[arg(long, value_name = "PACKETS", requires = "targets")]
    rate: Option<u32>,
    /// Ask also by SNMP with the community `public`, and whoever answers for its tables.
    #[arg(long, requires = "targets")]
    snmp_public: bool,
    /// Ask no questions in datagrams.
    #[arg(long, requires = "targets")]
    tcp_only: bool,
    /// Ask without restraint: only in networks that `unrestrained` names in /etc/groma/ceiling.toml.
    #[arg(long, requires = "targets")]
    unrestrained: bool,
    /// Ask by connections of the kernel, though frames of our own could be had.
    #[arg(long, requires = "targets")]
    by_connections: bool,
}

/// Whoever wants it may not: for the safety of others.
#[derive(Debug, thiserror::Error)]
pub enum NotSafe {
    /// The ceiling file cannot be believed.
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
    /// The plan goes beyond it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What is asked for leaves nobody.
    #[error(transparent)]
    Targets(#[from] groma_source::manners::TargetError),
    /// Somebody wants to listen where the owner does not want it.
    #[error("--listen: /etc/groma/ceiling.toml says `listening = false` on this machine")]
    MayNotListen,
    /// Somebody wants to stand sentinel where the owner did not allow it.
    #[error(
        "--sentinel {0}: {CEILING} does not allow it. Whoever owns this machine, and knows that {0} is the address of one that is gone, writes there: sentinel = [\"{0}\"]"
    )]
    NoSentinel(IpAddr),
    /// More addresses than one agent stands at.
    #[error("--sentinel: {0} addresses; one agent stands at {POSTS_MAX} at most")]
    TooManyPosts(usize),
    /// Nobody put the address on this machine.
    #[error(
        "--sentinel {0}: this machine does not have that address, and groma takes none. Put it on an interface first, when the old machine is off: ip address add {0} dev INTERFACE"
    )]
    NotHere(IpAddr),
    /// It is the address this machine itself is known by.
    #[error(
        "--sentinel {0}: it is the only address of this machine, so it is its own. A sentinel has another one beside it"
    )]
    OnlyAddress(IpAddr),
    /// Nothing can arrive at the interface that has it.
    #[error(
        "--sentinel {address}: {interface}, which has that address, is down or has nothing plugged in, so nobody can knock. Bring it up first: ip link set {interface} up"
    )]
    Down {
        /// The address.
        address: IpAddr,
        /// The interface.
        interface: String,
    },
    /// A program of this machine serves there.
    #[error(
        "--sentinel {address}: this machine serves there: {what}. Where somebody answers, nobody stands sentinel; leave that port out, or stand on another machine"
    )]
    Serves {
        /// The address.
        address: IpAddr,
        /// Port and program.
        what: String,
    },
    /// A name without an address, or one that nobody may be asked about.
    #[error("--target {0}")]
    NoAddress(#[from] NoAddress),
}

fn network(text: &str) -> Result<Network, String> {
    Network::parse(text)
        .ok_or_else(|| format!("{text:?} is no network; write 10.0.0.0/28 or 10.0.0.5"))
}

impl SweepArgs {
    /// What a collector wishes, read as what somebody typed would be; never without restraint.
    ///
    /// # Errors
    /// A sentence that says which word is no network.
    pub(crate) fn wished(wish: &groma_model::fleet::SweepWish) -> Result<Self, String> {
        let targets = wish
            .targets
            .iter()
            .map(|text| Target::parse(text).map_err(|why| why.to_string()));
        let excluded = wish.excluded.iter().map(|text| network(text));
        Ok(Self {
            targets: targets.collect::<Result<_, _>>()?,
            excluded: excluded.collect::<Result<_, _>>()?,
            rate: Some(wish.packets_per_second),
            ..Self::default()
        })
    }

    /// True if anybody was named.
    pub fn names_anybody(&self) -> bool {
        !self.targets.is_empty()
    }

    /// True if the community every device is delivered with may be used.
    pub(crate) fn asks_with_public(&self) -> bool {
        self.snmp_public
    }

    /// The plan that was asked for, cut to what this machine may do; none if nobody was named. Names are looked
    /// up only if `asking`, for a plan that is carried out.
    ///
    /// # Errors
    /// It may not be carried out ([`NotSafe`]).
    pub fn plan(&self, world: &World, asking: bool) -> Result<Option<Plan>> {
        match self.targets.is_empty() {
            true => Ok(None),
            false => Ok(Some(self.checked(world, asking)?)),
        }
    }

    fn checked(&self, world: &World, asking: bool) -> Result<Plan, NotSafe> {
        let ceiling = Ceiling::of(world.disk.as_ref())?;
        let resolved = match asking {
            true => self.resolved(world.network.as_ref())?,
            false => Vec::new(),
        };
        let targets = Targets::of(&self.targets, &resolved, &self.excluded)?;
        let mut plan = Plan::new(targets, ceiling)?;
        if let Some(ports) = &self.ports {
            plan.ports = ports.clone();
        }
        if self.snmp_public {
            plan.datagrams.push(Protocol::SnmpPublic);
        }
        if self.tcp_only {
            plan.datagrams.clear();
        }
        plan.by_calls = self.by_connections;
        if self.unrestrained {
            return Ok(plan.in_laboratory(self.rate.unwrap_or(LABORATORY_RATE))?);
        }
        plan.per_agent = self
            .rate
            .map_or(plan.per_agent, |rate| rate.clamp(1, plan.per_agent));
        Ok(plan)
    }

    fn resolved(
        &self,
        network: &dyn groma_source::Network,
    ) -> Result<Vec<(HostName, Vec<IpAddr>)>, NotSafe> {
        let names = self.targets.iter().filter_map(|target| match target {
            Target::Name(name) => Some(name.clone()),
            _ => None,
        });
        let each = names.map(|name| {
            let found = network.addresses(&name, NAME)?;
            Ok((name, found))
        });
        each.collect()
    }
}

/// The plan in words, with what devices among the targets are asked.
pub fn plan_in_words(plan: &Plan, devices: &[Access]) -> String {
    let mut text = plan.render();
    let tables = |address| devices.iter().filter(|table| table.covers(address)).count();
    let all = plan.targets.addresses().map(tables);
    let (covered, asked) =
        all.filter(|tables| *tables > 0)
            .fold((0_u64, 0_u64), |(covered, asked), tables| {
                let tables = u64::try_from(tables).unwrap_or(u64::MAX);
                (covered + 1, asked.saturating_add(tables))
            });
    if covered > 0 {
        let silent = asked.saturating_mul(DATAGRAMS_SILENT);
        text.push_str(&format!(
            "  by SNMP those of {covered} addresses that are met: about {DATAGRAMS_ANSWERED} datagrams to each that answers \
             (a switch with large tables: more, for 3 minutes at most), {DATAGRAMS_SILENT} to each that does not \
             for each table of the access file that covers it, {silent} if none does; 10 a second to one, 2 to a printer, a power supply and whoever is not known\n"
        ));
    }
    text
}

/// The ports somebody named whose number says how TLS begins there, each with that word, and the others.
fn ports_of_tls(plan: &Plan) -> (BTreeMap<Port, &'static str>, Vec<Port>) {
    let nobody = IpAddr::from([0, 0, 0, 0]);
    let (mut known, mut others) = (BTreeMap::new(), Vec::new());
    for port in plan.ports.asked().iter().map(|port| Port(*port)) {
        match named_endpoint((nobody, port)).begins_with() {
            Some(word) => drop(known.insert(port, word)),
            None => others.push(port),
        }
    }
    (known, others)
}

/// How many connections it takes at most to ask everybody who was named for certificates.
pub(crate) fn named_connections(plan: &Plan) -> usize {
    let (known, _) = ports_of_tls(plan);
    plan.targets.len().saturating_mul(known.len())
}

/// Every port that somebody named, of everybody who was named, for who asks them without a sweep before. One whose number does
/// not say how TLS begins there is asked nothing: it stands here once, to be told.
pub(crate) fn named_ports(plan: &Plan) -> impl Iterator<Item = (IpAddr, Port)> + '_ {
    let (known, others) = ports_of_tls(plan);
    let addresses = || plan.targets.addresses().filter(|at| !is_of_a_link(*at));
    let first = addresses().next();
    let left_out = others
        .into_iter()
        .filter_map(move |port| Some((first?, port)));
    let asked = addresses().flat_map(move |address| {
        let ports: Vec<Port> = known.keys().copied().collect();
        ports.into_iter().map(move |port| (address, port))
    });
    asked.chain(left_out)
}

/// The plan in words where certificates alone are asked for, with nothing asked before.
pub(crate) fn certificates_in_words(plan: &Plan) -> String {
    let (ports, others) = ports_of_tls(plan);
    let named: Vec<String> = ports
        .iter()
        .map(|(p, word)| format!("{p} {word}"))
        .collect();
    let left_out = others.len();
    let connections = named_connections(plan);
    let targets = plan.targets.named().iter().map(ToString::to_string);
    let rate = match plan.unrestrained {
        Some(_) => "64 servers at a time and no pace: the ceiling file names these networks as a laboratory".to_owned(),
        None => format!(
            "at most {} packets/s to one host (2 and one conversation to fragile ones), {} to all, in any second on the wire",
            plan.ceiling.per_host, plan.per_agent
        ),
    };
    format!(
        "targets: {} ({} addresses)\nports: {} of TCP ({}); {left_out} of those named are asked nothing, because their numbers do not say how TLS begins there\n\
         connections: {connections}; about 16 packets to each that answers, 3 to each that does not\nrate: {rate}\n\
         never: TCP 515, 9100-9116, 9999; anybody else than the targets\nto stop at once: Ctrl-C, or touch {}\n",
        targets.collect::<Vec<_>>().join(", "),
        plan.targets.len(),
        ports.len(),
        named.join(", "),
        plan.ceiling.kill_switch.display()
    )
}

pub(crate) fn named_endpoint((address, port): (IpAddr, Port)) -> Endpoint {
    Endpoint {
        address,
        port,
        program: Program::default(),
        heard: None,
    }
}

/// Those who ask more of the hosts that a sweep found: within the same manners, and not of whoever showed distress.
pub(crate) struct Guests {
    world: World,
    /// The world of a laboratory, where somebody wants to ask it without restraint.
    laboratory: Option<World>,
    manners: Arc<Mutex<Manners>>,
}

impl Guests {
    /// `met` are the hosts that were found: those of a network nobody counts through were not among the targets before. Who was
    /// found to accept where printers do and what steers machines is asked as what breaks easily from the first word on.
    pub(crate) fn new(
        world: &World,
        plan: &Plan,
        met: impl Iterator<Item = IpAddr>,
        open: &[OpenPort],
        notes: &mut dyn Notes,
        stop: Stop,
    ) -> Self {
        let left_alone = recall(notes, "", world.clock.now()).left_alone;
        let mut targets = plan.targets.clone();
        let accept = open.iter().map(|open| open.address);
        met.chain(accept).for_each(|address| {
            targets.met(address, None);
        });
        let mut manners = Manners::new(plan.ceiling.clone(), targets, &left_alone);
        manners.lower(plan.per_agent);
        let breaks_easily =
            |open: &&OpenPort| open.transport == Transport::Tcp && FRAGILE.contains(&open.port.0);
        open.iter()
            .filter(breaks_easily)
            .for_each(|open| manners.is_fragile(open.address));
        let manners = Arc::new(Mutex::new(manners));
        let network = MannerlyNetwork::new(
            world.network.clone(),
            manners.clone(),
            world.clock.clone(),
            world.disk.clone(),
            stop.clone(),
        );
        let with = |network: Arc<dyn groma_source::Network>| World {
            network,
            ..world.clone()
        };
        let laboratory = plan.unrestrained.map(|_| {
            with(Arc::new(LaboratoryNetwork::new(
                world.network.clone(),
                manners.clone(),
                world.clock.clone(),
                world.disk.clone(),
                stop,
            )))
        });
        Self {
            world: with(Arc::new(network)),
            laboratory,
            manners,
        }
    }

    /// Who reads the certificates at `endpoints`: without restraint if that was asked for and is allowed.
    pub(crate) fn certificates(&self, endpoints: Vec<Endpoint>) -> CertificateEndpoints {
        match &self.laboratory {
            Some(world) => {
                CertificateEndpoints::of_others(world.clone(), endpoints).without_restraint()
            }
            None => CertificateEndpoints::of_others(self.world(), endpoints),
        }
    }

    /// The world as they may ask it.
    pub(crate) fn world(&self) -> World {
        self.world.clone()
    }

    /// Notes who is left alone from now on.
    pub(crate) fn leave(&self, notes: &mut dyn Notes) {
        let now = self.world.clock.now();
        let manners = self.manners.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = heading("", now, &manners.left_alone(now));
        lines
            .iter()
            .filter(|line| line.starts_with("alone"))
            .for_each(|line| notes.note(line));
    }
}

#[cfg(test)]
mod tests {
    use groma_model::Port;
    use groma_source::testing::{self, FakeDisk};
    use groma_source_sweep::notes::NoNotes;

    use super::*;

    #[test]
    fn who_the_sweep_found_to_break_easily_is_still_asked_so_when_its_services_are() {
        let world = testing::world(FakeDisk::new());
        let target = Target::parse("10.0.0.0/24").unwrap();
        let targets = Targets::of(&[target], &[], &[]).unwrap();
        let plan = Plan::new(targets, Ceiling::default()).unwrap();
        let at = |host: u8| IpAddr::from([10, 0, 0, host]);
        let of = |(host, port, transport)| OpenPort {
            address: at(host),
            port: Port(port),
            transport,
        };
        let open = [
            (5, 502, Transport::Tcp),
            (6, 631, Transport::Tcp),
            (7, 443, Transport::Tcp),
            (8, 502, Transport::Udp),
        ]
        .map(of);
        let met = std::iter::empty();
        let guests = Guests::new(&world, &plan, met, &open, &mut NoNotes, Stop::default());
        let mut manners = guests.manners.lock().unwrap();
        // One conversation at a time is what they have.
        let mut has_one = |host| manners.calls(at(host)) && !manners.calls(at(host));
        assert!(has_one(5) && has_one(6));
        assert!(!has_one(7) && !has_one(8));
    }
}

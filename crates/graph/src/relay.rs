//! Needs through what stands between: consumer → relay and relay → provider make consumer → provider.
//!
//! A relay's *door* is where it takes in: a port of a machine, or a socket in its file system. Behind a door stand
//! *ways*, one per target. Which of them a consumer takes is told by the name it asks for, where the relay
//! chooses by name; by nothing, where every way leads to the same group. Then each member of that group is a
//! provider of the consumer. Where nothing tells which of several groups is meant, no edge is made: the edge to
//! the relay says "one of". Circles end where they began, chains and fans have a limit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use groma_model::fact::{ComponentClass, Forward, ForwardEnd, ForwardMode};
use groma_model::inventory::{Entity, ReachedBy, Through};
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, Estate, EvidenceId, Foreign, Peer, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, component, one_transport};
use crate::few::Few;
use crate::gather::{Raw, Raws};
use crate::live::Listeners;

/// Relays one behind the other that are followed.
const HOPS_MAX: usize = 6;
/// Providers one need leads to; further ones are counted.
const ENDS_MAX: usize = 64;

/// Where a relay takes in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Door {
    /// A port of a machine; none means every port of one of its addresses.
    Port(EntityId, Option<Port>, Transport),
    /// A socket in the file system of a machine.
    Socket(EntityId, Foreign),
}

/// One target behind a door.
struct Way {
    raw: Raw<Forward>,
    /// Only the machine itself can knock.
    only_itself: bool,
    to: Option<Target>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Target {
    Port(EntityId, Option<Port>, Transport),
    Socket(EntityId, Foreign),
}

/// A network whose packets take a tunnel.
struct Carried {
    address: IpAddr,
    bits: u8,
    way: Way,
}

/// Everything that hands on.
#[derive(Default)]
pub(crate) struct Relays {
    doors: HashMap<Door, Vec<Way>>,
    carried: HashMap<EntityId, Vec<Carried>>,
    names: HashMap<EntityId, String>,
    /// Relay, target and port → true if others do the same work behind every door.
    peers: HashMap<(EntityId, EntityId, Option<Port>), bool>,
    /// Relay, target and port, where connections are carried whatever is asked in them.
    carriers: HashSet<(EntityId, EntityId, Option<Port>)>,
}

/// A provider behind a relay.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) provider: EntityId,
    pub(crate) port: Option<Port>,
    pub(crate) transport: Transport,
    pub(crate) through: Vec<Through>,
    pub(crate) one_of_several: bool,
    kind: Option<String>,
    evidence: Few<EvidenceId>,
    witnesses: Few<Witness>,
    current: bool,
}

/// Where a need leads behind the relay it ends at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followed {
    pub(crate) ends: Vec<End>,
    /// What cannot be told: one line per possibility.
    pub(crate) onward: BTreeSet<String>,
}

impl Relays {
    pub(crate) fn new(forwards: Raws<Forward>, estate: &Estate) -> Self {
        let mut relays = Self::default();
        for raw in forwards {
            relays.take(*raw, estate);
        }
        // Evidence comes in the order of its ids, so every list here is the same whatever came first.
        relays.note_peers();
        relays
    }

    fn take(&mut self, raw: Raw<Forward>, estate: &Estate) {
        let to = target(&raw, estate);
        let (door, only_itself) = match &raw.fact.listens {
            ForwardEnd::Endpoint {
                peer,
                port,
                transport,
            } => {
                let Some(meaning) = estate.locate(&raw.site, &raw.vantage, peer) else {
                    return;
                };
                // The far end of `ssh -R` opens its door to itself alone.
                let far = meaning.entity != raw.host && raw.fact.mode == ForwardMode::Tunnel;
                let transport = one_transport(*port, *transport);
                (
                    Door::Port(meaning.entity, *port, transport),
                    peer.is_loopback() || far,
                )
            }
            ForwardEnd::Socket { path } => (Door::Socket(raw.host.clone(), path.clone()), true),
            ForwardEnd::Network { network } => {
                let (address, bits) = match network.split_once('/') {
                    Some((address, bits)) => (address, bits.parse().ok()),
                    None => (network.as_str(), Some(128)),
                };
                if let (Ok(address), Some(bits)) = (address.parse(), bits)
                    && bits > 0
                {
                    let host = raw.host.clone();
                    self.name(&raw.host, estate);
                    let way = Way {
                        raw,
                        only_itself: true,
                        to,
                    };
                    self.carried
                        .entry(host)
                        .or_default()
                        .push(Carried { address, bits, way });
                }
                return;
            }
        };
        let (Door::Port(host, ..) | Door::Socket(host, _)) = &door;
        self.name(&host.clone(), estate);
        self.name(&raw.host, estate);
        self.doors.entry(door).or_default().push(Way {
            raw,
            only_itself,
            to,
        });
    }

    fn name(&mut self, host: &EntityId, estate: &Estate) {
        if let Some(entity) = estate.entities.get(host) {
            self.names.insert(host.clone(), entity.name.clone());
        }
    }

    /// The relay's own needs, where no file or socket told them already: whoever hands on needs whom it hands to.
    /// What the far end of a tunnel opens is the far end's need, and no longer that of who wrote the tunnel down.
    pub(crate) fn own_needs(
        &self,
        listeners: &Listeners<'_>,
        estate: &Estate,
        drafts: &mut Drafts,
    ) {
        let mut ways: Vec<&Way> = self.doors.values().flatten().collect();
        if ways.is_empty() {
            return;
        }
        ways.sort_by(|a, b| a.raw.id.cmp(&b.raw.id));
        let known: HashSet<Place> = drafts.places.keys().cloned().collect();
        for way in ways {
            let Some(Target::Port(provider, port, transport)) = &way.to else {
                continue;
            };
            let fact = &way.raw.fact;
            let far = fact
                .via
                .as_ref()
                .and_then(|via| far_end(&way.raw, via, estate));
            let host = match (&fact.via, &far) {
                (None, _) => &way.raw.host,
                (Some(_), Some(far)) => far,
                (Some(_), None) => continue,
            };
            if provider == host {
                continue;
            }
            if far.is_some() {
                disown(way, (provider, *port, *transport), drafts);
            }
            let place = Place {
                consumer: host.clone(),
                provider: provider.clone(),
                port: *port,
                transport: Some(one_transport(*port, *transport)),
            };
            if known.contains(&place) {
                let spoken = port.map(|port| listeners.kind(provider, port, *transport));
                settle_kind(fact, drafts.places.get_mut(&place), spoken);
                continue;
            }
            let (kind, certainty) = match (&fact.kind, port) {
                (Some(kind), _) => (kind.clone(), Certainty::Stated),
                (None, Some(port)) => listeners.kind(provider, *port, *transport),
                (None, None) => ("other".to_owned(), Certainty::Habit),
            };
            let part = match far {
                Some(_) => crate::live::whole(host, estate),
                None => fact.component.clone(),
            };
            // What the far end will do is known from here alone.
            let witness = far.as_ref().map_or(way.raw.witness, |_| Witness::Written);
            let mut draft = Draft::of(&way.raw, part, &kind, certainty, witness);
            // Nobody was seen: a table in force says what would happen.
            draft.alive = 0;
            if let (Some(file), Some(line)) = (&fact.file, fact.line) {
                draft.files.insert(file.clone());
                draft.written_in.insert(format!("{file}:{line}"));
            }
            if let ForwardEnd::Endpoint {
                peer: Peer::Address(address),
                ..
            } = &fact.sends_to
            {
                draft
                    .reached
                    .insert((ReachedBy::AddressLiteral, address.to_string()));
                draft.called.insert(address.to_canonical());
            }
            drafts.add(place, draft);
        }
    }

    /// True if the target at `place` is one of several that do the same work for the relay, whatever door it is behind.
    pub(crate) fn has_peers(&self, place: &Place) -> bool {
        let key = (place.consumer.clone(), place.provider.clone(), place.port);
        self.peers.get(&key).copied().unwrap_or(false)
    }

    fn note_peers(&mut self) {
        for ways in self.doors.values() {
            for way in ways {
                let Some(Target::Port(provider, port, _)) = &way.to else {
                    continue;
                };
                let group = way.raw.fact.group.as_ref();
                let several = group.is_some() && members(ways, group) > 1;
                let key = (way.raw.host.clone(), provider.clone(), *port);
                let slot = self.peers.entry(key).or_insert(true);
                *slot &= several;
                if way.raw.fact.mode != ForwardMode::HttpProxy {
                    let key = (way.raw.host.clone(), provider.clone(), *port);
                    self.carriers.insert(key);
                }
            }
        }
    }

    /// True if nothing hands on anything: nearly every estate's machines.
    pub(crate) fn is_empty(&self) -> bool {
        self.doors.is_empty() && self.carried.is_empty()
    }

    /// The tunnel that carries packets from the consumer to the provider.
    pub(crate) fn carrier(&self, place: &Place, provider: &Entity) -> Option<Through> {
        let carried = self.carried.get(&place.consumer)?;
        let fits = |c: &&Carried| {
            provider
                .addresses
                .iter()
                .any(|a| holds(c.address, c.bits, *a))
        };
        let carrier = carried.iter().filter(fits).max_by_key(|c| c.bits)?;
        // The way to the other end of the tunnel is not within it.
        let ends_there =
            matches!(&carrier.way.to, Some(Target::Port(end, ..)) if *end == place.provider);
        (!ends_there).then(|| self.through(&place.consumer, None, &carrier.way))
    }

    fn name_of(&self, host: &EntityId) -> String {
        let name = self.names.get(host).cloned();
        name.unwrap_or_else(|| host.to_string())
    }

    fn through(&self, host: &EntityId, port: Option<Port>, way: &Way) -> Through {
        Through {
            entity: host.clone(),
            name: self.name_of(host),
            port,
            mode: way.raw.fact.mode,
            component: way.raw.fact.component.clone(),
        }
    }

    /// Where `draft` leads behind the place it ends at.
    pub(crate) fn follow(&self, place: &Place, draft: &Draft) -> Followed {
        let mut followed = Followed::default();
        let (Some(port), Some(transport)) = (place.port, place.transport) else {
            return followed;
        };
        let names_known = !draft.reached.is_empty() && !self.only_carries(place);
        let step = Step {
            through: Vec::new(),
            asked: draft
                .reached
                .iter()
                .map(|(_, text)| text.to_ascii_lowercase())
                .collect(),
            names_known,
            one_of_several: false,
            evidence: Few::default(),
            witnesses: Few::default(),
            current: true,
        };
        let mut seen = BTreeSet::new();
        let start = Target::Port(place.provider.clone(), Some(port), transport);
        self.walk(place, &start, step, &mut seen, &mut followed);
        followed
    }

    /// True if the consumer itself only carries connections to this place: which names its callers ask for it does not know.
    fn only_carries(&self, place: &Place) -> bool {
        self.carriers
            .contains(&(place.consumer.clone(), place.provider.clone(), place.port))
    }

    fn behind(&self, at: &Target, consumer: &EntityId) -> Vec<&Way> {
        let doors: Vec<Door> = match at {
            Target::Port(host, port, transport) => {
                let transport = one_transport(*port, *transport);
                [*port, None]
                    .into_iter()
                    .map(|port| Door::Port(host.clone(), port, transport))
                    .collect()
            }
            Target::Socket(host, path) => vec![Door::Socket(host.clone(), path.clone())],
        };
        let host = match at {
            Target::Port(host, ..) | Target::Socket(host, _) => host,
        };
        let ways = doors
            .iter()
            .filter_map(|door| self.doors.get(door))
            .flatten();
        ways.filter(|w| !w.only_itself || host == consumer)
            .collect()
    }

    fn walk(
        &self,
        place: &Place,
        at: &Target,
        step: Step,
        seen: &mut BTreeSet<Target>,
        out: &mut Followed,
    ) {
        if step.through.len() >= HOPS_MAX || !seen.insert(at.clone()) {
            return;
        }
        // Behind the first relay, it is the relay that knocks.
        let caller = step.through.last().map_or(&place.consumer, |t| &t.entity);
        let ways = self.behind(at, caller);
        let chosen = choose(&ways, &step);
        out.onward.extend(chosen.onward);
        for (way, several) in chosen.ways {
            if out.ends.len() >= ENDS_MAX {
                out.onward
                    .insert("further targets that are not listed".to_owned());
                return;
            }
            let Some(to) = &way.to else {
                out.onward.insert(way.raw.fact.sends_to.to_string());
                continue;
            };
            let next = self.step(&step, at, way, several);
            if let Target::Port(provider, port, transport) = to {
                let host = match at {
                    Target::Port(host, ..) | Target::Socket(host, _) => host,
                };
                let is_new =
                    provider != host && *provider != place.consumer && *provider != place.provider;
                if is_new {
                    out.ends.push(next.end(provider, *port, *transport, way));
                }
            }
            self.walk(place, to, next, seen, out);
        }
    }

    fn step(&self, step: &Step, at: &Target, way: &Way, several: bool) -> Step {
        let mut next = step.clone();
        let (host, port) = match at {
            Target::Port(host, port, _) => (host, *port),
            Target::Socket(host, _) => (host, None),
        };
        next.through.push(self.through(host, port, way));
        next.one_of_several |= several;
        next.evidence.insert(way.raw.id.clone());
        next.witnesses.insert(way.raw.witness);
        next.current &= way.raw.current;
        if way.raw.fact.mode == ForwardMode::HttpProxy {
            // What it asks the next one for is its own business.
            next.names_known = false;
            next.asked.clear();
        }
        next
    }
}

/// The machine that opens the onward connection of a tunnel.
fn far_end(raw: &Raw<Forward>, via: &Peer, estate: &Estate) -> Option<EntityId> {
    let meaning = estate.locate(&raw.site, &raw.vantage, via)?;
    Some(meaning.entity)
}

/// Takes back what the line that opens a tunnel was read to need: the machine it stands on never calls the target.
fn disown(way: &Way, target: (&EntityId, Option<Port>, Transport), drafts: &mut Drafts) {
    let (provider, port, transport) = target;
    let place = Place {
        consumer: way.raw.host.clone(),
        provider: provider.clone(),
        port,
        transport: Some(one_transport(port, transport)),
    };
    let fact = &way.raw.fact;
    let line = fact
        .file
        .as_ref()
        .zip(fact.line)
        .map(|(file, line)| format!("{file}:{line}"));
    let Some(there) = drafts.places.get_mut(&place) else {
        return;
    };
    there.retain(|draft| {
        let same_line = line
            .as_ref()
            .is_some_and(|line| draft.written_in.contains(line));
        let own = draft.component == fact.component || same_line;
        draft.is_alive() || !own || draft.written_in.as_slice().len() > 1
    });
    if there.is_empty() {
        drafts.places.remove(&place);
    }
}

/// A rule that reads line by line takes every relay for a web proxy; one that only carries connections speaks
/// whatever its target speaks.
fn settle_kind(
    fact: &Forward,
    known: Option<&mut Vec<Draft>>,
    spoken: Option<(String, Certainty)>,
) {
    let (Some(file), Some(line), Some((kind, certainty))) = (&fact.file, fact.line, spoken) else {
        return;
    };
    let place = format!("{file}:{line}");
    let web = |d: &&mut Draft| d.kind == "http" && d.written_in.contains(&place);
    if fact.mode == ForwardMode::TcpProxy && kind != "http" {
        for draft in known.into_iter().flatten().filter(web) {
            draft.kind.clone_from(&kind);
            draft.certainty = certainty;
        }
    }
}

/// What is known on the way so far.
#[derive(Clone)]
struct Step {
    through: Vec<Through>,
    asked: Vec<String>,
    names_known: bool,
    one_of_several: bool,
    evidence: Few<EvidenceId>,
    witnesses: Few<Witness>,
    current: bool,
}

impl Step {
    fn end(&self, provider: &EntityId, port: Option<Port>, transport: Transport, way: &Way) -> End {
        End {
            provider: provider.clone(),
            port,
            transport: one_transport(port, transport),
            through: self.through.clone(),
            one_of_several: self.one_of_several,
            kind: way.raw.fact.kind.clone(),
            evidence: self.evidence.clone(),
            witnesses: self.witnesses.clone(),
            current: self.current,
        }
    }
}

/// The ways a need takes, each with whether others do the same work, and what cannot be told.
#[derive(Default)]
struct Chosen<'a> {
    ways: Vec<(&'a Way, bool)>,
    onward: BTreeSet<String>,
}

fn choose<'a>(ways: &[&'a Way], step: &Step) -> Chosen<'a> {
    let by_name = ways.iter().any(|w| !w.raw.fact.names.is_empty());
    let taken: Vec<&Way> = match (by_name, step.names_known) {
        (true, true) => asked(ways, &step.asked),
        _ => ways.to_vec(),
    };
    let mut groups: BTreeMap<(bool, String), Vec<&Way>> = BTreeMap::new();
    for way in taken {
        let fact = &way.raw.fact;
        let key = fact
            .group
            .clone()
            .map_or_else(|| format!("> {}", fact.sends_to), |g| format!("group {g}"));
        groups.entry((fact.conditional, key)).or_default().push(way);
    }
    // A target that stands under a condition and without one is needed either way.
    let certain: BTreeSet<String> = groups
        .keys()
        .filter(|(c, _)| !c)
        .map(|(_, key)| key.clone())
        .collect();
    groups.retain(|(conditional, key), _| !conditional || !certain.contains(key));
    // Sites that hand nothing on are not seen here: without a name, the only one that does may not be the one.
    let is_told = !by_name || step.names_known;
    let meant = certain
        .first()
        .filter(|_| certain.len() == 1 && is_told)
        .cloned();
    let mut chosen = Chosen::default();
    for ((_, key), members) in groups {
        let is_meant = meant.as_ref() == Some(&key);
        let targets: BTreeSet<&Option<Target>> = members.iter().map(|w| &w.to).collect();
        for way in members {
            if is_meant && !way.raw.fact.backup {
                chosen.ways.push((way, targets.len() > 1));
            } else {
                chosen.onward.insert(possibility(way));
            }
        }
    }
    chosen
}

/// The ways for the names a consumer asks for: by the name itself, else by a wildcard, else by what takes the rest.
fn asked<'a>(ways: &[&'a Way], names: &[String]) -> Vec<&'a Way> {
    let mut out: Vec<&Way> = ways
        .iter()
        .filter(|w| w.raw.fact.names.is_empty())
        .copied()
        .collect();
    let taking = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a Way> {
        let fitting = ways
            .iter()
            .filter(|w| w.raw.fact.names.iter().any(|n| fits(n)));
        fitting.copied().collect()
    };
    for name in names {
        let exact = taking(&|n| n == name);
        let wild = || {
            taking(&|n| {
                n.strip_prefix('*')
                    .is_some_and(|rest| rest.len() > 1 && name.ends_with(rest))
            })
        };
        let rest = || taking(&|n| n == "*");
        let found = [exact, wild(), rest()].into_iter().find(|f| !f.is_empty());
        out.extend(found.into_iter().flatten());
    }
    out.sort_by(|a, b| a.raw.id.cmp(&b.raw.id));
    out.dedup_by(|a, b| a.raw.id == b.raw.id);
    out
}

fn possibility(way: &Way) -> String {
    let fact = &way.raw.fact;
    let mut line = format!("one of: {}", fact.sends_to);
    if !fact.names.is_empty() {
        line.push_str(&format!(" (for {})", fact.names.join(", ")));
    }
    if fact.conditional {
        line.push_str(" (under a condition)");
    }
    if fact.backup {
        line.push_str(" (a backup)");
    }
    line
}

fn members(ways: &[Way], group: Option<&String>) -> usize {
    let targets: BTreeSet<&Option<Target>> = ways
        .iter()
        .filter(|w| w.raw.fact.group.as_ref() == group)
        .map(|w| &w.to)
        .collect();
    targets.len()
}

fn target(raw: &Raw<Forward>, estate: &Estate) -> Option<Target> {
    let fact = &raw.fact;
    match &fact.sends_to {
        ForwardEnd::Socket { path } => Some(Target::Socket(raw.host.clone(), path.clone())),
        ForwardEnd::Network { .. } => None,
        ForwardEnd::Endpoint {
            peer,
            port,
            transport,
        } => {
            // What the far end of a tunnel calls itself is the far end.
            let seen_from_far = fact.via.as_ref().filter(|_| peer.is_loopback());
            let meaning = estate.locate(&raw.site, &raw.vantage, seen_from_far.unwrap_or(peer))?;
            let own = match &fact.listens {
                ForwardEnd::Endpoint { port, .. } => *port,
                _ => None,
            };
            Some(Target::Port(meaning.entity, port.or(own), *transport))
        }
    }
}

/// True if `address` lies in `network`, as `10.0.0.5` or `10.0.0.0/28`.
pub(crate) fn in_network(network: &str, address: IpAddr) -> bool {
    let (text, bits) = match network.split_once('/') {
        Some((text, bits)) => (text, bits.parse().ok()),
        None => (network, Some(128)),
    };
    match (text.parse(), bits) {
        (Ok(network), Some(bits)) => holds(network, bits, address),
        _ => false,
    }
}

/// True if `address` lies in the network.
fn holds(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (a, b, whole) = match (network, address.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let rest = u32::from(u8::min(bits, whole));
    let shift = u32::from(whole) - rest;
    a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
}

impl End {
    /// The draft of the consumer's need for this provider.
    pub(crate) fn draft(&self, direct: &Draft, listeners: &Listeners<'_>) -> (Draft, Transport) {
        let spoken = self
            .port
            .map(|port| listeners.kind(&self.provider, port, self.transport));
        let kind = match (&self.kind, spoken) {
            (Some(kind), _) if kind != "other" => kind.clone(),
            (_, Some((kind, _))) if kind != "other" => kind,
            _ => direct.kind.clone(),
        };
        let mut draft = direct.clone();
        draft.kind = kind;
        draft.witnesses.extend(self.witnesses.clone());
        draft.evidence.extend(self.evidence.clone());
        draft.current &= self.current;
        // How the relay is reached, with which account and where that is written, is said of the direct edge.
        draft.reached = Few::default();
        draft.called = Few::default();
        draft.accounts = Few::default();
        draft.resources = Few::default();
        draft.written_in = Few::default();
        draft.protection = None;
        draft.secret = false;
        (draft, self.transport)
    }
}

/// A consumer whose part is the relay itself does not need what stands behind through itself; nor does a program nobody
/// knows on the relay's own machine, which needs it already.
pub(crate) fn is_the_relay(draft: &Draft, through: &[Through], consumer: &EntityId) -> bool {
    let own = component(ComponentClass::Device, "");
    let nobody = draft.component.class == ComponentClass::Device;
    through.iter().any(|t| {
        t.entity == *consumer && (nobody || t.component == draft.component && t.component != own)
    })
}

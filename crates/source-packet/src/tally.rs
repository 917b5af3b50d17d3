//! What was heard, added up: one row for everything that is the same but time and count.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use groma_model::device::LinkSeen;
use groma_model::fact::DirectoryNeed;
use groma_model::reported::ReportedUse;
use groma_model::sighting::Sighting;
use groma_model::{Foreign, Hours, Peer, Port, Seen, Timestamp};

use crate::wire::is_of;

/// Rows of each sort that are kept; further ones are counted.
const ROWS_MAX: usize = 50_000;
/// Accounts one client may have at one server before they are taken for people, whom we do not list.
const ACCOUNTS_MAX: usize = 8;
/// Servers of the public internet one machine may call before it is taken for somebody who reads there.
const PUBLIC_MAX: usize = 16;
/// Addresses that may say they have one hardware address before it is taken for one that answers for others.
const ADDRESSES_MAX: usize = 8;

/// Networks of IPv6 that routers say are here: beyond this somebody makes them up.
const NETWORKS_MAX: usize = 64;
/// Doors one client may enter once at one server before they are taken for such as are handed out for one transfer.
const ENTERED_ONCE_MAX: usize = 8;
/// How often a door must be entered where such doors are handed out, not to be one of them by chance.
const ENTERED_AGAIN_MIN: u64 = 5;
/// How long a connection lasts that is no transfer.
const LASTING: Duration = Duration::from_secs(600);

/// Rows on their way.
#[derive(Default)]
pub(crate) struct Tally {
    uses: HashMap<ReportedUse, Seen>,
    /// Uses of which nothing is known but the door.
    entered: HashMap<ReportedUse, Seen>,
    /// Doors at which somebody stayed.
    lasting: HashSet<(Peer, Option<Port>)>,
    /// Ports that a server said it opens for one transfer.
    handed_out: HashSet<(Peer, Option<Port>)>,
    sightings: BTreeMap<Sighting, Seen>,
    needs: BTreeMap<DirectoryNeed, Seen>,
    neighbours: BTreeMap<(IpAddr, [u8; 6]), Seen>,
    links: BTreeMap<LinkSeen, Seen>,
    /// Networks whose addresses are on this wire.
    networks: BTreeSet<(Ipv6Addr, u8)>,
    /// Rows there was no room for.
    pub(crate) left_out: u64,
    /// Uses of the public internet, and by it, that are nobody's need.
    pub(crate) public: u64,
    /// Connections to doors nobody came to again.
    pub(crate) once: u64,
}

/// Everything that was heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Who used whom.
    pub uses: BTreeMap<ReportedUse, Seen>,
    /// Who is there.
    pub sightings: BTreeMap<Sighting, Seen>,
    /// Whom clients were told to use.
    pub needs: BTreeMap<DirectoryNeed, Seen>,
    /// Which hardware address an address has.
    pub neighbours: BTreeMap<(IpAddr, [u8; 6]), Seen>,
    /// Who says it is plugged in at this wire, and where.
    pub links: BTreeMap<LinkSeen, Seen>,
}

impl Tally {
    /// A use between two times.
    pub(crate) fn used(&mut self, used: ReportedUse, first: Timestamp, last: Timestamp) {
        if self.uses.len() >= ROWS_MAX && !self.uses.contains_key(&used) {
            self.left_out += 1;
            return;
        }
        join(&mut self.uses, used, between(first, last));
    }

    /// A use that says nothing known, at a port that is nobody's.
    pub(crate) fn entered(&mut self, used: ReportedUse, first: Timestamp, last: Timestamp) {
        if self.entered.len() >= ROWS_MAX && !self.entered.contains_key(&used) {
            self.left_out += 1;
            return;
        }
        if last.since(first) >= LASTING {
            self.lasting.insert(door(&used));
        }
        join(&mut self.entered, used, between(first, last));
    }

    /// A port of `server` is good for one transfer.
    pub(crate) fn handed_out(&mut self, server: IpAddr, port: u16) {
        if self.handed_out.len() < ROWS_MAX {
            let door = (Peer::Address(server), Some(Port(port)));
            self.handed_out.insert(door);
        }
    }

    /// Moves what was done at doors that stay to the uses. A port for one transfer (FTP, callbacks of RPC) is another one
    /// each time, and nobody's need.
    fn settle_doors(&mut self) {
        let rows = std::mem::take(&mut self.entered);
        let mut times: HashMap<_, u64> = HashMap::new();
        for (used, seen) in &rows {
            *times.entry(door(used)).or_default() += seen.count;
        }
        let of = |used: &ReportedUse| times.get(&door(used)).copied().unwrap_or_default();
        let mut once: HashMap<(Peer, Peer), usize> = HashMap::new();
        for used in rows.keys().filter(|used| of(used) == 1) {
            *once.entry(ends(used)).or_default() += 1;
        }
        for (used, seen) in &rows {
            let of_pair = once.get(&ends(used)).copied().unwrap_or_default();
            let enough = match of_pair > ENTERED_ONCE_MAX {
                true => ENTERED_AGAIN_MIN,
                false => 2,
            };
            if self.handed_out.contains(&door(used)) {
                continue;
            }
            if of(used) >= enough || self.lasting.contains(&door(used)) {
                join(&mut self.uses, used.clone(), *seen);
            } else if self.is_ours(&used.consumer) && self.is_ours(&used.provider) {
                self.once += seen.count;
            }
        }
    }

    pub(crate) fn met(&mut self, sighting: Sighting, at: Timestamp) {
        if self.sightings.len() >= ROWS_MAX && !self.sightings.contains_key(&sighting) {
            self.left_out += 1;
            return;
        }
        let seen = Seen::once(at);
        let known = self
            .sightings
            .entry(sighting)
            .or_insert(Seen { count: 0, ..seen });
        *known = known.joined(seen);
    }

    /// Somebody was told to use somebody; false if there is no room.
    pub(crate) fn stated(&mut self, need: DirectoryNeed, seen: Seen) -> bool {
        if self.needs.len() >= ROWS_MAX && !self.needs.contains_key(&need) {
            self.left_out += 1;
            return false;
        }
        let new = || Seen { count: 0, ..seen };
        let known = self.needs.entry(need).or_insert_with(new);
        *known = known.joined(seen);
        true
    }

    /// Somebody says where it is plugged in.
    pub(crate) fn link(&mut self, link: LinkSeen, at: Timestamp) {
        if self.links.len() >= ROWS_MAX && !self.links.contains_key(&link) {
            self.left_out += 1;
            return;
        }
        let seen = Seen::once(at);
        let known = self.links.entry(link).or_insert(Seen { count: 0, ..seen });
        *known = known.joined(seen);
    }

    /// A router says that addresses of this network are here.
    pub(crate) fn has_network(&mut self, network: (Ipv6Addr, u8)) {
        if self.networks.len() < NETWORKS_MAX {
            self.networks.insert(network);
        }
    }

    /// True for addresses that stay within an organisation, for those of a network that is here, and for names.
    pub(crate) fn is_ours(&self, peer: &Peer) -> bool {
        let is_here = |address| self.networks.iter().any(|network| is_of(address, *network));
        let of_network = match peer {
            Peer::Address(IpAddr::V6(address)) => is_here(*address),
            _ => false,
        };
        of_network || is_inside(peer)
    }

    /// True if the address was said to have this hardware address.
    pub(crate) fn is_at(&self, address: IpAddr, mac: [u8; 6]) -> bool {
        self.neighbours.contains_key(&(address, mac))
    }

    /// Machines by the first label of the names they go by.
    pub(crate) fn by_first_label(&self) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let mut known: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for sighting in self.sightings.keys() {
            let Some(address) = sighting.address else {
                continue;
            };
            for name in &sighting.names {
                let first = name.as_str().split('.').next().unwrap_or_default();
                known.entry(first.to_owned()).or_default().insert(address);
            }
        }
        known
    }

    pub(crate) fn has(&mut self, address: IpAddr, mac: [u8; 6], at: Timestamp) {
        let key = (address, mac);
        if self.neighbours.len() >= ROWS_MAX && !self.neighbours.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let seen = Seen::once(at);
        let known = self
            .neighbours
            .entry(key)
            .or_insert(Seen { count: 0, ..seen });
        *known = known.joined(seen);
    }

    /// The rows that speak of the estate.
    pub(crate) fn settle(&mut self) -> Heard {
        self.settle_doors();
        let uses = without_persons(std::mem::take(&mut self.uses));
        let uses = self.of_the_estate(uses);
        let neighbours = own_addresses(std::mem::take(&mut self.neighbours));
        // A router may say which addresses are here after a server handed one of them out.
        let mut needs = std::mem::take(&mut self.needs);
        needs.retain(|need, _| self.is_ours(&need.consumer));
        Heard {
            uses: uses.into_iter().collect(),
            sightings: std::mem::take(&mut self.sightings),
            needs,
            neighbours,
            links: std::mem::take(&mut self.links),
        }
    }

    /// Leaves out whoever comes from the public internet, and where people read on it.
    fn of_the_estate(&mut self, uses: HashMap<ReportedUse, Seen>) -> HashMap<ReportedUse, Seen> {
        let is_reading = |used: &ReportedUse| {
            !self.is_ours(&used.provider) && matches!(used.kind.as_str(), "http" | "other")
        };
        let mut called: HashMap<Peer, BTreeSet<Peer>> = HashMap::new();
        for used in uses.keys().filter(|used| is_reading(used)) {
            let of_client = called.entry(used.consumer.clone()).or_default();
            of_client.insert(used.provider.clone());
        }
        let reads = |used: &ReportedUse| {
            let many = called
                .get(&used.consumer)
                .is_some_and(|all| all.len() > PUBLIC_MAX);
            many && is_reading(used)
        };
        let mut public = 0;
        let mut out = uses;
        out.retain(|used, seen| {
            let stays = self.is_ours(&used.consumer) && !reads(used);
            public += if stays { 0 } else { seen.count };
            stays
        });
        self.public += public;
        out
    }
}

fn between(first: Timestamp, last: Timestamp) -> Seen {
    let mut hours = Hours::of(first);
    hours.insert(last);
    Seen {
        hours,
        ..Seen::between(first, last, 1)
    }
}

fn door(used: &ReportedUse) -> (Peer, Option<Port>) {
    (used.provider.clone(), used.port)
}

fn ends(used: &ReportedUse) -> (Peer, Peer) {
    (used.consumer.clone(), used.provider.clone())
}

fn join(rows: &mut HashMap<ReportedUse, Seen>, used: ReportedUse, seen: Seen) {
    rows.entry(used)
        .and_modify(|known| *known = known.joined(seen))
        .or_insert(seen);
}

/// True for addresses that stay within an organisation, and for names.
fn is_inside(peer: &Peer) -> bool {
    match peer {
        Peer::Name(_) => true,
        Peer::Address(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        Peer::Address(IpAddr::V6(v6)) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// A client with ever other accounts lets people log on: they are not its accounts, and not ours to list.
fn without_persons(rows: HashMap<ReportedUse, Seen>) -> HashMap<ReportedUse, Seen> {
    type Place = (Peer, Peer, Option<Port>);
    let place =
        |used: &ReportedUse| -> Place { (used.consumer.clone(), used.provider.clone(), used.port) };
    let mut accounts: HashMap<Place, BTreeSet<Foreign>> = HashMap::new();
    for used in rows.keys() {
        let own = accounts.entry(place(used)).or_default();
        own.extend(used.account.clone());
    }
    accounts.retain(|_, own| own.len() > ACCOUNTS_MAX);
    let mut out = HashMap::new();
    for (mut used, seen) in rows {
        if accounts.contains_key(&place(&used)) {
            used.account = used.account.filter(Foreign::is_empty);
        }
        join(&mut out, used, seen);
    }
    out
}

/// A hardware address that many addresses have is one that answers for others; an address of which two say that they have
/// it moved, or is one of a pair: the newest is told.
fn own_addresses(rows: BTreeMap<(IpAddr, [u8; 6]), Seen>) -> BTreeMap<(IpAddr, [u8; 6]), Seen> {
    let mut addresses: BTreeMap<[u8; 6], usize> = BTreeMap::new();
    let mut newest: BTreeMap<IpAddr, Timestamp> = BTreeMap::new();
    for ((address, mac), seen) in &rows {
        *addresses.entry(*mac).or_default() += 1;
        let last = newest.entry(*address).or_insert(seen.last);
        *last = (*last).max(seen.last);
    }
    let mut out = rows;
    out.retain(|(address, mac), seen| {
        addresses
            .get(mac)
            .is_some_and(|count| *count <= ADDRESSES_MAX)
            && newest.get(address) == Some(&seen.last)
    });
    out
}

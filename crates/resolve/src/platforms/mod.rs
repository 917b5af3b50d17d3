//! What platforms of virtualization tell of: each guest and host is the machine an agent looks at from inside, or one of its
//! own; datastores, clusters and switches are things.
//!
//! A guest nobody looks at from inside is found on the network by its MAC address, and by the addresses its platform heard of
//! from inside, as far as nobody else has them.

mod let_go;
mod pair;
mod same;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{
    Cluster, Datastore, Guest, GuestSort, Hypervisor, Platform, PlatformKind, Power,
};
use groma_model::{EntityId, Estate, HostName, Seen, SiteId};

use crate::addresses::{is_link_local, public};
use crate::gather::{Gathered, Seat};
use crate::hosts::{host_names, uuid_either_order};
use crate::ledger::{Ledger, address_key, platform_key};
use crate::outside::{is_nobody, stranger};
pub(crate) use let_go::{Looks, let_go};
use pair::{Marks, Verdict, pair};
use same::{Told, joined, newest};

/// More addresses behind one MAC address are a router's or a proxy's.
const ADDRESSES_OF_A_CARD_MAX: usize = 8;

/// Makes or completes an entity of everything a platform tells of.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    if gathered.platforms.is_empty() {
        return;
    }
    let all = &gathered.platforms;
    let hosts = newest(
        &all.hypervisors,
        |host| subject(&host.platform, &host.key),
        |_| None,
    );
    let guests = newest(
        &all.guests,
        |guest| subject(&guest.platform, &guest.key),
        own_uuid,
    );
    let guests = joined(guests);
    let watched = Watched::new(gathered, estate);
    let mut placing = Placing {
        gathered,
        ledger,
        estate,
        watched,
    };
    placing.hypervisors(&hosts);
    placing.guests(&guests);
    for told in newest(
        &all.datastores,
        |one| subject(&one.platform, &one.key),
        |_| None,
    ) {
        placing.datastore(&told);
    }
    for told in newest(
        &all.clusters,
        |one| subject(&one.platform, &one.key),
        |_| None,
    ) {
        placing.cluster(&told);
    }
}

fn subject(platform: &Platform, key: &str) -> String {
    platform.subject(key).to_string()
}

/// The subject of a thing that no other platform knows.
fn only<'t, T>(told: &'t Told<'_, T>) -> &'t str {
    told.subjects
        .first()
        .map(String::as_str)
        .unwrap_or_default()
}

/// The machines agents look at from inside, by site, and what each is known by.
struct Watched {
    machines: Vec<(SiteId, EntityId)>,
    marks: Vec<Marks>,
}

impl Watched {
    fn new(gathered: &Gathered, estate: &Estate) -> Self {
        let mut seats: BTreeMap<(&SiteId, &EntityId), Vec<&Seat>> = BTreeMap::new();
        for seat in gathered.seats.values() {
            if let Some(id) = seat
                .entity
                .as_ref()
                .filter(|id| estate.entities.contains_key(*id))
            {
                seats.entry((&seat.site, id)).or_default().push(seat);
            }
        }
        let (machines, marks) = seats
            .into_iter()
            .map(|((site, id), seats)| ((site.clone(), id.clone()), inside(&seats)))
            .unzip();
        Self { machines, marks }
    }

    /// Those of one site: their places in the whole, and their marks.
    fn of_site(&self, site: &SiteId) -> (Vec<usize>, Vec<Marks>) {
        let all = self.machines.iter().zip(&self.marks).enumerate();
        all.filter(|(_, ((at, _), _))| at == site)
            .map(|(at, (_, marks))| (at, marks.clone()))
            .unzip()
    }
}

/// What a machine is known by from inside.
fn inside(seats: &[&Seat]) -> Marks {
    let mut marks = Marks {
        runs: true,
        current: true,
        ..Marks::default()
    };
    for seat in seats {
        let identity = seat.identity.as_ref();
        let links = seat.attributes.interfaces.iter();
        // The end of a guest's cable, and its address is the guest's.
        let own = links.filter(|link| !link.name.as_bytes().starts_with(b"macvtap"));
        marks.macs.extend(own.filter_map(|link| link.mac.clone()));
        marks.macs.extend(
            identity
                .into_iter()
                .flat_map(|identity| identity.macs.clone()),
        );
        marks.addresses.extend(public(seat));
        // A container reads the UUID of the machine it runs on.
        let uuid = identity.filter(|identity| !identity.in_container);
        let uuid = uuid.and_then(|identity| identity.smbios_uuid.as_deref());
        let id = identity.and_then(|identity| identity.guest_id.clone());
        marks.id = marks.id.or(id);
        marks.uuid = marks.uuid.or_else(|| uuid.map(uuid_either_order));
    }
    marks.names = host_names(seats)
        .iter()
        .map(|name| name.short().to_lowercase())
        .collect();
    marks
}

struct Placing<'a, 'l> {
    gathered: &'a Gathered,
    ledger: &'a mut Ledger<'l>,
    estate: &'a mut Estate,
    watched: Watched,
}

impl Placing<'_, '_> {
    fn hypervisors(&mut self, hosts: &[Told<'_, Hypervisor>]) {
        let shared = shared(
            hosts
                .iter()
                .map(|told| (told.site(), told.newest.what.addresses.clone())),
        );
        let marks: Vec<Marks> = hosts
            .iter()
            .map(|told| host_marks(&told.newest.what))
            .collect();
        for (told, verdict) in hosts.iter().zip(self.verdicts(hosts, &marks)) {
            let host = &told.newest.what;
            let own = own_addresses(told.site(), &host.addresses, &shared);
            let names: Vec<HostName> = names(&host.name.lossy(), &host.names);
            let id = self.machine(told, verdict, "hypervisor", &own, &host.platform);
            let own = self.free(told.site(), &id, own);
            self.switches(told);
            let Some(entity) = self.estate.entities.get_mut(&id) else {
                continue;
            };
            if !entity.has_agent {
                entity.name = host.name.to_string();
                let macs = host.nics.iter().filter_map(|nic| nic.mac.clone());
                entity.attributes.macs.extend(macs);
                entity.addresses.extend(own);
            }
            entity.names.extend(names.iter().map(ToString::to_string));
            entity.attributes.hypervisor = Some(Box::new(host.clone()));
        }
    }

    fn guests(&mut self, guests: &[Told<'_, Guest>]) {
        let current = guests.iter().filter(|told| told.is_current());
        let shared =
            shared(current.map(|told| (told.site(), told.newest.what.addresses().collect())));
        let marks: Vec<Marks> = guests
            .iter()
            .map(|told| {
                let is_own = |address: &IpAddr| !shared.contains(&(told.site().clone(), *address));
                Marks {
                    current: told.is_current(),
                    ..guest_marks(&told.newest.what, is_own)
                }
            })
            .collect();
        let met = self.met_cards(guests);
        for (at, (told, verdict)) in guests.iter().zip(self.verdicts(guests, &marks)).enumerate() {
            let guest = &told.newest.what;
            let heard: Vec<IpAddr> = guest.addresses().collect();
            let mut own = own_addresses(told.site(), &heard, &shared);
            own.extend(met.get(&at).into_iter().flatten());
            let id = self.machine(told, verdict, kind(guest.sort), &own, &guest.platform);
            let own = self.free(told.site(), &id, own);
            let Some(entity) = self.estate.entities.get_mut(&id) else {
                continue;
            };
            if !entity.has_agent {
                entity.name = guest.name.to_string();
                entity
                    .attributes
                    .macs
                    .extend(guest.macs().map(str::to_owned));
                entity.addresses.extend(own);
            }
            let names = names(&guest.name.lossy(), guest.host_name.as_slice());
            entity.names.extend(names.iter().map(ToString::to_string));
            entity.attributes.guest = Some(Box::new(guest.clone()));
        }
    }

    /// Which machine of its site each is.
    fn verdicts<T>(&self, told: &[Told<'_, T>], marks: &[Marks]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Alone; told.len()];
        let sites: BTreeSet<&SiteId> = told.iter().map(Told::site).collect();
        for site in sites {
            let (places, watched) = self.watched.of_site(site);
            let here: Vec<usize> = (0..told.len())
                .filter(|at| told.get(*at).is_some_and(|one| one.site() == site))
                .collect();
            let of_here: Vec<Marks> = here
                .iter()
                .filter_map(|at| marks.get(*at).cloned())
                .collect();
            for (at, verdict) in here.into_iter().zip(pair(&of_here, &watched)) {
                if let Some(slot) = verdicts.get_mut(at) {
                    *slot = on_the_whole(verdict, &places);
                }
            }
        }
        verdicts
    }

    /// The entity of a guest or host, made if no agent stands for it; the ledger knows it by all its subjects.
    fn machine<T>(
        &mut self,
        told: &Told<'_, T>,
        verdict: Verdict,
        kind: &str,
        own: &[IpAddr],
        platform: &Platform,
    ) -> EntityId {
        let site = told.site().clone();
        let keys: Vec<_> = told.marks(&site);
        let known: Vec<EntityId> = keys
            .iter()
            .filter_map(|key| self.ledger.entity(key))
            .collect();
        let joined = match &verdict {
            Verdict::Is(at, _) => self.watched.machines.get(*at).map(|(_, id)| id.clone()),
            _ => None,
        };
        let id = match &joined {
            Some(id) => id.clone(),
            None => self.outside(&site, known.first(), own),
        };
        let title = platform.kind.title();
        for other in known.iter().filter(|_| joined.is_some()) {
            // What was another machine with an agent at the time stays that one.
            if !self.ledger.is_agent(other) {
                self.ledger.merge(
                    other.clone(),
                    &id,
                    "its platform and an agent tell of one machine",
                );
            }
        }
        keys.into_iter().for_each(|key| self.ledger.bind(key, &id));
        let seen = told.newest.seen;
        let entity = self.estate.entities.entry(id.clone());
        let entity =
            entity.or_insert_with(|| stranger(id.clone(), &site, kind, String::new(), seen));
        if !entity.has_agent && entity.name.is_empty() {
            kind.clone_into(&mut entity.kind);
        }
        entity.evidence.extend(told.evidence.iter().cloned());
        match &verdict {
            Verdict::Is(_, by) => entity
                .merged_because
                .push(format!("{title} tells of it: {by}")),
            verdict => entity
                .attributes
                .not_joined
                .extend(self.watched.doubt(verdict, title)),
        }
        if joined.is_none() {
            self.stand_at(&site, own, &id);
        }
        for subject in &told.subjects {
            self.estate
                .on_platforms
                .insert((site.clone(), subject.clone()), id.clone());
        }
        id
    }

    /// Those of the addresses that nobody else stands at.
    fn free(&self, site: &SiteId, id: &EntityId, own: Vec<IpAddr>) -> Vec<IpAddr> {
        let mine = |address: &IpAddr| {
            let at = self.estate.addresses.get(&(site.clone(), *address));
            at.is_none_or(|other| other == id)
        };
        own.into_iter().filter(mine).collect()
    }

    /// The id of a machine no agent stands for: what it had before, else what was known at one of its addresses.
    fn outside(&mut self, site: &SiteId, known: Option<&EntityId>, own: &[IpAddr]) -> EntityId {
        // Two that were one for a while are two: the first keeps the id.
        let is_free =
            |id: &&EntityId| !self.ledger.is_agent(id) && !self.estate.entities.contains_key(*id);
        let kept = known.filter(is_free).cloned();
        let met = || {
            let mut at = own.iter().filter_map(|address| {
                let free = !self
                    .estate
                    .addresses
                    .contains_key(&(site.clone(), *address));
                self.ledger
                    .entity(&address_key(site, address))
                    .filter(|_| free)
            });
            at.find(|id| {
                let other = self.ledger.is_agent(id) || self.ledger.is_told(id);
                !other && !self.estate.entities.contains_key(id)
            })
        };
        kept.or_else(met).unwrap_or_else(|| self.ledger.fresh())
    }

    fn stand_at(&mut self, site: &SiteId, own: &[IpAddr], id: &EntityId) {
        for address in own {
            let at = (site.clone(), *address);
            let slot = self.estate.addresses.entry(at);
            slot.or_insert_with(|| id.clone());
        }
    }

    /// Addresses at which a card of a guest was met on a link.
    fn met_cards(&self, guests: &[Told<'_, Guest>]) -> BTreeMap<usize, Vec<IpAddr>> {
        let mut cards: BTreeMap<(&SiteId, &str), Option<usize>> = BTreeMap::new();
        for (at, told) in guests.iter().enumerate() {
            for mac in told.newest.what.macs() {
                let card = cards.entry((told.site(), mac)).or_insert(Some(at));
                if *card != Some(at) {
                    *card = None;
                }
            }
        }
        let mut met: BTreeMap<usize, Vec<IpAddr>> = BTreeMap::new();
        for ((site, address), (_, mac)) in &self.gathered.neighbours {
            if let Some(Some(at)) = cards.get(&(site, mac.as_str())) {
                met.entry(*at).or_default().push(*address);
            }
        }
        met.retain(|_, addresses| addresses.len() <= ADDRESSES_OF_A_CARD_MAX);
        met
    }

    fn switches(&mut self, told: &Told<'_, Hypervisor>) {
        let what = &told.newest.what;
        for switch in &what.switches {
            let subject = subject(&what.platform, &what.switch_key(switch));
            self.thing(told, "virtual-switch", &subject, &switch.name);
        }
    }

    fn datastore(&mut self, told: &Told<'_, Datastore>) {
        let name = told.newest.what.name.to_string();
        let id = self.thing(told, "datastore", only(told), &name);
        if let Some(entity) = self.estate.entities.get_mut(&id) {
            entity.attributes.datastore = Some(Box::new(told.newest.what.clone()));
        }
    }

    fn cluster(&mut self, told: &Told<'_, Cluster>) {
        let name = told.newest.what.name.to_string();
        let id = self.thing(told, "hypervisor-cluster", only(told), &name);
        if let Some(entity) = self.estate.entities.get_mut(&id) {
            entity.attributes.cluster = Some(Box::new(told.newest.what.clone()));
        }
    }

    /// The entity of something that is no machine.
    fn thing<T>(&mut self, told: &Told<'_, T>, kind: &str, subject: &str, name: &str) -> EntityId {
        let site = told.site();
        let id = self.ledger.claim(platform_key(site, subject));
        let seen: Seen = told.newest.seen;
        let entity = self.estate.entities.entry(id.clone());
        let entity =
            entity.or_insert_with(|| stranger(id.clone(), site, kind, name.to_owned(), seen));
        entity.evidence.extend(told.evidence.iter().cloned());
        self.estate
            .on_platforms
            .insert((site.clone(), subject.to_owned()), id.clone());
        id
    }
}

impl Watched {
    /// Why a machine that may be the one was not taken for it.
    fn doubt(&self, verdict: &Verdict, title: &str) -> Option<String> {
        let named = |at: &usize| self.machines.get(*at).map(|(_, id)| id.to_string());
        match verdict {
            Verdict::Contradicted(at, why) => Some(format!("{title} and {}: {why}", named(at)?)),
            Verdict::Ambiguous(several) => {
                let all: Vec<String> = several.iter().filter_map(named).collect();
                Some(format!("{title} may mean any of {}", all.join(", ")))
            }
            Verdict::Is(..) | Verdict::Alone => None,
        }
    }
}

fn on_the_whole(verdict: Verdict, places: &[usize]) -> Verdict {
    let place = |at: usize| places.get(at).copied().unwrap_or(usize::MAX);
    match verdict {
        Verdict::Is(at, by) => Verdict::Is(place(at), by),
        Verdict::Contradicted(at, why) => Verdict::Contradicted(place(at), why),
        Verdict::Ambiguous(several) => Verdict::Ambiguous(several.into_iter().map(place).collect()),
        Verdict::Alone => Verdict::Alone,
    }
}

/// A container has its host's.
fn own_uuid(guest: &Guest) -> Option<&str> {
    let own = guest.sort != GuestSort::Container;
    guest.uuid.as_deref().filter(|_| own)
}

fn kind(sort: GuestSort) -> &'static str {
    match sort {
        GuestSort::Machine => "vm",
        GuestSort::Container => "container",
        GuestSort::Template => "vm-template",
    }
}

fn host_marks(host: &Hypervisor) -> Marks {
    Marks {
        uuid: host.uuid.as_deref().map(uuid_either_order),
        macs: host.nics.iter().filter_map(|nic| nic.mac.clone()).collect(),
        names: short_names(&host.name.lossy(), &host.names),
        addresses: host.addresses.iter().map(IpAddr::to_canonical).collect(),
        runs: true,
        id: None,
        current: true,
    }
}

fn guest_marks(guest: &Guest, is_own: impl Fn(&IpAddr) -> bool) -> Marks {
    // A container has its host's UUID, and a template is no machine.
    let machine = guest.sort == GuestSort::Machine;
    let marks = Marks {
        uuid: guest
            .uuid
            .as_deref()
            .filter(|_| machine)
            .map(uuid_either_order),
        macs: guest.macs().map(str::to_owned).collect(),
        names: short_names(&guest.name.lossy(), guest.host_name.as_slice()),
        addresses: guest
            .addresses()
            .map(|a| a.to_canonical())
            .filter(is_own)
            .collect(),
        runs: guest.power != Some(Power::Off),
        // Hyper-V alone tells its guests.
        id: (guest.platform.kind == PlatformKind::HyperV).then(|| guest.key.to_lowercase()),
        current: true,
    };
    match guest.sort {
        GuestSort::Template => Marks::default(),
        _ => marks,
    }
}

fn short_names(shown: &str, names: &[HostName]) -> BTreeSet<String> {
    self::names(shown, names)
        .iter()
        .map(|name| name.short().to_lowercase())
        .collect()
}

/// What it is called, as far as that can be the name of a machine.
fn names(shown: &str, told: &[HostName]) -> Vec<HostName> {
    let told = told.iter().filter(|name| !name.is_loopback()).cloned();
    told.chain(HostName::parse(shown).filter(|name| !name.is_loopback()))
        .collect()
}

/// Addresses that several of a site have.
fn shared<'a>(all: impl Iterator<Item = (&'a SiteId, Vec<IpAddr>)>) -> BTreeSet<(SiteId, IpAddr)> {
    let (mut seen, mut shared) = (BTreeSet::new(), BTreeSet::new());
    for (site, addresses) in all {
        let own: BTreeSet<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
        for address in own {
            let at = (site.clone(), address);
            if !seen.insert(at.clone()) {
                shared.insert(at);
            }
        }
    }
    shared
}

/// Those a machine can be known by.
fn own_addresses(
    site: &SiteId,
    addresses: &[IpAddr],
    shared: &BTreeSet<(SiteId, IpAddr)>,
) -> Vec<IpAddr> {
    let all = addresses.iter().map(IpAddr::to_canonical);
    let own = all.filter(|a| !is_link_local(a) && !is_nobody(a) && !a.is_loopback());
    own.filter(|address| !shared.contains(&(site.clone(), *address)))
        .collect()
}

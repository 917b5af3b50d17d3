//! Rows of lists: which entity each speaks of, and what it adds.
//!
//! A row is one machine. It is known by its UUID or a MAC address, else by an address only it has in its list, else by its
//! name. An address that stands in several rows (a service address, the inner bridge every docker host has) and one of a
//! single link tell no machine from another. A row whose UUID or MAC addresses are others than those of whom it seems to
//! mean is a machine of its own, unless address and name agree: then the list is old.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::inventory::Entity;
use groma_model::store::IdentityKey;
use groma_model::virtualization::GuestSort;
use groma_model::{AgentId, EntityId, Estate, HostName, SiteId};

use crate::addresses::is_link_local;
use crate::gather::{DeclaredRow, Gathered};
use crate::hosts::uuid_either_order;
use crate::ledger::{Ledger, key, name_key};
use crate::outside::{is_nobody, place_address, stranger};

/// Makes or completes an entity for every row of every list.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    let mut index = Index::new(gathered, estate);
    for declared in &gathered.declared {
        let row = Row::of(declared, &index);
        let matched = index.find(&row, estate);
        let id = match &matched {
            Some((id, _)) => id.clone(),
            None => new_row(&row, &index, gathered, ledger, estate),
        };
        estate
            .vantages
            .entry(declared.vantage.clone())
            .or_insert_with(|| list_entity_id(declared));
        complete(&row, &id, matched.map(|(_, why)| why), estate);
        index.add(&row, &id);
    }
    place_lists(gathered, estate);
}

/// The list itself stands at its own vantage: coverage and evidence can be told by its name.
fn place_lists(gathered: &Gathered, estate: &mut Estate) {
    for declared in &gathered.declared {
        let id = list_entity_id(declared);
        estate.entities.entry(id.clone()).or_insert_with(|| {
            let name = declared.row.list.clone();
            Entity {
                layer: "application".to_owned(),
                ..stranger(id, &declared.site, "list", name, declared.seen)
            }
        });
    }
    for (vantage, (site, name, seen)) in &gathered.lists {
        let id = list_id(vantage);
        estate
            .vantages
            .entry(vantage.clone())
            .or_insert_with(|| id.clone());
        estate.entities.entry(id.clone()).or_insert_with(|| Entity {
            layer: "application".to_owned(),
            ..stranger(id, site, "list", name.clone(), *seen)
        });
    }
}

fn list_entity_id(declared: &DeclaredRow) -> EntityId {
    list_id(&declared.vantage)
}

fn list_id(vantage: &AgentId) -> EntityId {
    EntityId::new(format!("ent-{vantage}"))
}

/// A row, with what of it tells it from others.
struct Row<'a> {
    said: &'a DeclaredRow,
    names: Vec<HostName>,
    uuid: Option<String>,
    /// The addresses no other row of a list has.
    own: Vec<IpAddr>,
    /// Those it shares with other rows.
    shared: Vec<IpAddr>,
}

impl<'a> Row<'a> {
    fn of(said: &'a DeclaredRow, index: &Index) -> Self {
        let addresses = usable(said);
        let (shared, own) = addresses.partition(|address| {
            let at = (said.site.clone(), *address);
            index.shared.contains(&at)
        });
        let mut names = said.row.names.clone();
        names.extend(HostName::parse(&said.row.name.lossy()));
        Self {
            said,
            names,
            uuid: said.row.smbios_uuid.as_deref().map(uuid_either_order),
            own,
            shared,
        }
    }

    fn site(&self) -> SiteId {
        self.said.site.clone()
    }

    /// The addresses it stands at: those it shares only if it has no other.
    fn addresses(&self) -> &[IpAddr] {
        if self.own.is_empty() {
            &self.shared
        } else {
            &self.own
        }
    }

    fn is_named(&self, entity: &Entity) -> bool {
        let short = |name: &str| name.split('.').next().unwrap_or(name).to_lowercase();
        let known: BTreeSet<String> = entity.names.iter().map(|n| short(n)).collect();
        self.names.iter().any(|name| known.contains(name.short()))
    }

    fn because(&self, what: &str) -> String {
        format!("the list {} names {what}", self.said.row.list)
    }
}

/// The addresses of a row a machine can be known by.
fn usable(said: &DeclaredRow) -> impl Iterator<Item = IpAddr> {
    let addresses = said.row.addresses.iter().map(IpAddr::to_canonical);
    addresses.filter(|a| !is_link_local(a) && !is_nobody(a) && !a.is_loopback())
}

/// The marks of hardware an entity has.
#[derive(Default)]
struct Marks {
    uuids: BTreeSet<String>,
    macs: BTreeSet<String>,
}

impl Marks {
    /// Both sides have marks of a kind, and none in common.
    fn contradict(&self, row: &Row<'_>) -> bool {
        let other_uuid = row.uuid.as_ref();
        let other_uuid =
            other_uuid.is_some_and(|u| !self.uuids.is_empty() && !self.uuids.contains(u));
        let macs = &row.said.row.macs;
        let other_macs = !macs.is_empty()
            && !self.macs.is_empty()
            && macs.iter().all(|mac| !self.macs.contains(mac));
        other_uuid || other_macs
    }
}

/// Who is known by what, within each site; made once and kept up row by row.
#[derive(Default)]
struct Index {
    /// Addresses that stand in several rows of one list under different names.
    shared: BTreeSet<(SiteId, IpAddr)>,
    /// `None` for one that several machines have, as copies of one image do.
    uuids: BTreeMap<(SiteId, String), Option<EntityId>>,
    macs: BTreeMap<(SiteId, String), Option<EntityId>>,
    names: BTreeMap<(SiteId, String), BTreeSet<EntityId>>,
    marks: BTreeMap<EntityId, Marks>,
}

/// Notes whom a number means; what means two machines means none.
fn tell_apart(
    known: &mut BTreeMap<(SiteId, String), Option<EntityId>>,
    at: (SiteId, String),
    id: &EntityId,
) {
    let meant = known.entry(at).or_insert_with(|| Some(id.clone()));
    if meant.as_ref() != Some(id) {
        *meant = None;
    }
}

impl Index {
    fn new(gathered: &Gathered, estate: &Estate) -> Self {
        let mut index = Self {
            shared: shared(&gathered.declared),
            ..Self::default()
        };
        for seat in gathered.seats.values() {
            let (Some(id), Some(identity)) = (&seat.entity, &seat.identity) else {
                continue;
            };
            let marks = index.marks.entry(id.clone()).or_default();
            // A container reads the UUID of the machine it runs on.
            let uuid = identity
                .smbios_uuid
                .as_deref()
                .filter(|_| !identity.in_container);
            if let Some(uuid) = uuid.map(uuid_either_order) {
                let at = (seat.site.clone(), uuid.clone());
                tell_apart(&mut index.uuids, at, id);
                marks.uuids.insert(uuid);
            }
            for mac in &identity.macs {
                let at = (seat.site.clone(), mac.clone());
                tell_apart(&mut index.macs, at, id);
            }
            let links = seat.attributes.interfaces.iter();
            let macs = links.filter_map(|link| link.mac.as_ref());
            marks.macs.extend(identity.macs.iter().chain(macs).cloned());
        }
        estate
            .entities
            .values()
            .for_each(|entity| index.of_platform(entity));
        for entity in estate.entities.values().filter(|e| e.kind != "list") {
            index.name(&entity.site, &entity.names, &entity.id);
        }
        index
    }

    /// What a platform knows a machine by that no agent looks at. A container has its host's UUID, a template is no machine.
    fn of_platform(&mut self, entity: &Entity) {
        let guest = entity.attributes.guest.as_deref();
        let guest = guest.filter(|guest| guest.sort != GuestSort::Template);
        let host = entity.attributes.hypervisor.as_deref();
        if entity.has_agent || (guest.is_none() && host.is_none()) {
            return;
        }
        let own = guest.filter(|guest| guest.sort == GuestSort::Machine);
        let uuid = own.and_then(|guest| guest.uuid.as_deref());
        let uuid = uuid.or_else(|| host.and_then(|host| host.uuid.as_deref()));
        let macs: Vec<String> = match guest {
            Some(guest) => guest.macs().map(str::to_owned).collect(),
            None => entity.attributes.macs.clone(),
        };
        let marks = self.marks.entry(entity.id.clone()).or_default();
        if let Some(uuid) = uuid.map(uuid_either_order) {
            marks.uuids.insert(uuid.clone());
            tell_apart(&mut self.uuids, (entity.site.clone(), uuid), &entity.id);
        }
        for mac in macs {
            marks.macs.insert(mac.clone());
            tell_apart(&mut self.macs, (entity.site.clone(), mac), &entity.id);
        }
    }

    fn name<T: ToString>(&mut self, site: &SiteId, names: &[T], id: &EntityId) {
        for name in names {
            let at = (site.clone(), name.to_string());
            self.names.entry(at).or_default().insert(id.clone());
        }
    }

    /// What a row says about `id` is known from here on.
    fn add(&mut self, row: &Row<'_>, id: &EntityId) {
        self.name(&row.said.site, &row.names, id);
        let marks = self.marks.entry(id.clone()).or_default();
        marks.uuids.extend(row.uuid.clone());
        marks.macs.extend(row.said.row.macs.iter().cloned());
    }

    /// The entity a row speaks of, and why.
    fn find(&self, row: &Row<'_>, estate: &Estate) -> Option<(EntityId, String)> {
        self.by_machine(row)
            .or_else(|| self.by_address(row, estate))
            .or_else(|| self.by_name(row))
            .or_else(|| self.by_shared_address(row, estate))
    }

    fn by_machine(&self, row: &Row<'_>) -> Option<(EntityId, String)> {
        let uuid = row.uuid.as_ref();
        if let Some(id) =
            uuid.and_then(|uuid| self.uuids.get(&(row.site(), uuid.clone()))?.as_ref())
        {
            return Some((id.clone(), row.because("its UUID")));
        }
        let mut macs = row.said.row.macs.iter();
        let id = macs.find_map(|mac| self.macs.get(&(row.site(), mac.clone()))?.as_ref())?;
        let fits = !self.contradicts(id, row);
        fits.then(|| (id.clone(), row.because("its MAC address")))
    }

    fn by_address(&self, row: &Row<'_>, estate: &Estate) -> Option<(EntityId, String)> {
        row.own.iter().find_map(|address| {
            let id = estate.addresses.get(&(row.site(), *address))?;
            let named = || estate.entities.get(id).is_some_and(|e| row.is_named(e));
            let fits = !self.contradicts(id, row) || named();
            fits.then(|| (id.clone(), row.because(&format!("its address {address}"))))
        })
    }

    fn by_name(&self, row: &Row<'_>) -> Option<(EntityId, String)> {
        let named = row.names.iter().filter_map(|name| {
            let at = (row.site(), name.to_string());
            self.names.get(&at)
        });
        let hits: BTreeSet<&EntityId> = named.flatten().collect();
        let only = hits.first().filter(|_| hits.len() == 1)?;
        let fits = !self.contradicts(only, row);
        fits.then(|| ((*only).clone(), row.because("it")))
    }

    /// Several names for one address are several names of a machine, where an agent says that the machine has it.
    fn by_shared_address(&self, row: &Row<'_>, estate: &Estate) -> Option<(EntityId, String)> {
        let shared = row.addresses().iter().filter(|_| row.own.is_empty());
        let mut known = shared.filter_map(|address| {
            let id = estate.addresses.get(&(row.site(), *address))?;
            Some((address, id))
        });
        let (address, id) = known.find(|(_, id)| {
            let watched = estate.entities.get(*id).is_some_and(|e| e.has_agent);
            watched && !self.contradicts(id, row)
        })?;
        Some((id.clone(), row.because(&format!("its address {address}"))))
    }

    fn contradicts(&self, id: &EntityId, row: &Row<'_>) -> bool {
        self.marks
            .get(id)
            .is_some_and(|marks| marks.contradict(row))
    }

    fn knows_name(&self, row: &Row<'_>) -> bool {
        let mut names = row.names.iter();
        names.any(|name| self.names.contains_key(&(row.site(), name.to_string())))
    }
}

/// Addresses under different names in one list. Two rows of one name are one machine said twice.
fn shared(rows: &[DeclaredRow]) -> BTreeSet<(SiteId, IpAddr)> {
    let mut first = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for said in rows {
        let name = said.row.name.lossy().to_lowercase();
        for address in usable(said) {
            let at = (&said.vantage, &said.row.list, address);
            let before = first.entry(at).or_insert_with(|| name.clone());
            if !are_alike(before, &name) {
                shared.insert((said.site.clone(), address));
            }
        }
    }
    shared
}

/// `mail1` is `mail1.corp.example`.
fn are_alike(one: &str, other: &str) -> bool {
    let qualifies = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    qualifies(one, other) || qualifies(other, one)
}

fn new_row(
    row: &Row<'_>,
    index: &Index,
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) -> EntityId {
    let (site, seen) = (row.site(), row.said.seen);
    let mut free = row.addresses().iter().filter(|address| {
        let at = (site.clone(), **address);
        !estate.addresses.contains_key(&at)
    });
    if let Some(address) = free.next()
        && let Some(id) = place_address(&site, *address, seen, gathered, ledger, estate)
    {
        return id;
    }
    let id = ledger.claim(mark(row, index));
    let kind = row_kind(row.said);
    let name = row.said.row.name.to_string();
    let entities = estate.entities.entry(id.clone());
    entities.or_insert_with(|| stranger(id.clone(), &site, kind, name, seen));
    id
}

/// What a row without an address is known again by: its name, unless that is somebody else's.
fn mark(row: &Row<'_>, index: &Index) -> IdentityKey {
    let taken = index.knows_name(row);
    match (&row.uuid, row.said.row.macs.first(), row.names.first()) {
        (Some(uuid), _, _) if taken => key(&row.said.site, "declared-uuid", uuid),
        (_, Some(mac), _) if taken => key(&row.said.site, "declared-mac", mac),
        (_, _, Some(name)) => name_key(&row.said.site, name),
        _ => key(&row.said.site, "declared", &row.said.row.name.lossy()),
    }
}

fn row_kind(declared: &DeclaredRow) -> &str {
    if declared.row.kind.is_empty() {
        "host"
    } else {
        &declared.row.kind
    }
}

fn complete(row: &Row<'_>, id: &EntityId, why: Option<String>, estate: &mut Estate) {
    for address in row.addresses() {
        let slot = (row.site(), *address);
        estate.addresses.entry(slot).or_insert_with(|| id.clone());
    }
    let Some(entity) = estate.entities.get_mut(id) else {
        return;
    };
    let said = &row.said.row;
    if !entity.has_agent {
        // The first list that names it says what it is called; a later one may know better what it is. Its platform knows both.
        let attributes = &entity.attributes;
        let of_platform = attributes.guest.is_some() || attributes.hypervisor.is_some();
        if !entity.declared && !of_platform {
            entity.name = said.name.to_string();
        }
        if !of_platform && (!entity.declared || entity.kind == "host") {
            entity.kind = row_kind(row.said).to_owned();
        }
        let addresses = said.addresses.iter().map(|a| a.to_canonical());
        entity.addresses.extend(addresses);
        entity.attributes.macs.extend(said.macs.iter().cloned());
    }
    entity
        .names
        .extend(row.names.iter().map(ToString::to_string));
    entity.declared = true;
    entity.owner = entity.owner.take().or_else(|| said.owner.clone());
    entity.criticality = entity
        .criticality
        .take()
        .or_else(|| said.criticality.clone());
    entity.attributes.declared.extend(said.more.clone());
    entity.merged_because.extend(why);
    entity.evidence.push(row.said.evidence.clone());
}

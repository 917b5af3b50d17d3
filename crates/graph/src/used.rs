//! Certificates and the parts of hosts that use them: where each is served, and which settings wait for nobody.

use std::collections::{BTreeSet, HashMap};

use groma_knowledge::service_of_program;
use groma_model::fact::{
    Certificate, CertificatePlace, CertificateRole, Component, ComponentClass, Program,
};
use groma_model::inventory::{CertificateUser, Entity, Inventory, ListenerEntry, NotLoaded};
use groma_model::name::{Port, Transport};
use groma_model::{EntityId, Timestamp, path};

/// Fills in, for every part that is set up to use a certificate, the ports at which its own listeners present it,
/// and whether anything runs the part at all.
///
/// A port counts only where the listener that presents this very certificate (by its fingerprint) belongs to the part. A
/// listener whose program is not known counts for the only part of the host that is set up to present the certificate.
pub fn mark(inventory: &mut Inventory) {
    let mut listening: HashMap<&EntityId, Vec<&ListenerEntry>> = HashMap::new();
    for listener in &inventory.listeners {
        listening
            .entry(&listener.entity)
            .or_default()
            .push(listener);
    }
    let units: HashMap<EntityId, Units> = inventory
        .entities
        .iter()
        .filter(|host| !host.attributes.units.is_empty())
        .map(|host| (host.id.clone(), Units::of(host)))
        .collect();
    let set_up = SetUp::of(inventory);
    for entity in &mut inventory.entities {
        let users = &entity.attributes.used_by;
        let presenting: Vec<(EntityId, Component)> = users
            .iter()
            .filter(|user| user.setting.role == CertificateRole::Presents)
            .map(|user| (user.host.clone(), user.setting.component.clone()))
            .collect();
        for user in &mut entity.attributes.used_by {
            let part = &user.setting.component;
            let own = listening
                .get(&user.host)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let alone = !presenting
                .iter()
                .any(|(host, other)| *host == user.host && other != part);
            if user.setting.role == CertificateRole::Presents {
                user.ports = served(&entity.id, part, own, alone);
                user.not_loaded = set_up.not_loaded(&entity.id, user, own);
            }
            let runs = own.iter().any(|listener| is_of(&listener.process, part));
            let waits = units
                .get(&user.host)
                .is_some_and(|units| !units.start(part));
            user.idle = waits && !runs && user.ports.is_empty();
        }
    }
}

/// Which certificates each part is set up to present, what they are, and since when nobody met them at a port any more.
struct SetUp {
    by_part: BTreeSet<(EntityId, Component, EntityId)>,
    certificates: HashMap<EntityId, Certificate>,
    /// When the newest look met a certificate at a port of a host.
    met: HashMap<(EntityId, Port, EntityId), Option<Timestamp>>,
}

impl SetUp {
    fn of(inventory: &Inventory) -> Self {
        let mut by_part = BTreeSet::new();
        for entity in &inventory.entities {
            let users = entity.attributes.used_by.iter();
            let presents = users
                .filter(|u| u.setting.role == CertificateRole::Presents && u.state.is_current());
            by_part.extend(presents.map(|user| {
                let part = user.setting.component.clone();
                (user.host.clone(), part, entity.id.clone())
            }));
        }
        let mut wanted: BTreeSet<&EntityId> = by_part.iter().map(|(_, _, id)| id).collect();
        wanted.extend(
            inventory
                .listeners
                .iter()
                .filter_map(|l| l.certificate.as_ref()),
        );
        let known = inventory.entities.iter().filter(|e| wanted.contains(&e.id));
        let certificates =
            known.filter_map(|e| Some((e.id.clone(), e.attributes.certificate.clone()?)));
        let certificates = certificates.collect();
        let met = known_places(inventory.entities.iter().filter(|e| wanted.contains(&e.id)));
        Self {
            by_part,
            certificates,
            met,
        }
    }

    /// Where the part presents an older certificate for the same names that no setting of it names any more: the file was
    /// renewed, and nobody told the program. Said only where the newest looks confirmed both, and the port was asked after
    /// the setting was first seen to name the newer one: what was met there before tells nothing about the time since.
    fn not_loaded(
        &self,
        certificate: &EntityId,
        user: &CertificateUser,
        own: &[&ListenerEntry],
    ) -> Vec<NotLoaded> {
        let (host, part) = (&user.host, &user.setting.component);
        let known = self.certificates.get(certificate);
        let Some(renewed) = known.filter(|_| user.state.is_current()) else {
            return Vec::new();
        };
        let was_asked_since = |port: Port, presents: &EntityId| {
            let met = self.met.get(&(host.clone(), port, presents.clone()));
            met.is_some_and(|met| user.first_seen <= *met)
        };
        let is_older = |presented: &&EntityId| {
            let set_up = (host.clone(), part.clone(), (*presented).clone());
            let presented = self.certificates.get(*presented);
            presented
                .is_some_and(|old| old.not_before < renewed.not_before && same_names(old, renewed))
                && !self.by_part.contains(&set_up)
        };
        let listeners = own
            .iter()
            .filter(|l| l.transport == Transport::Tcp && is_of(&l.process, part));
        let found = listeners.filter_map(|l| {
            let presents = l.certificate.as_ref().filter(is_older)?.clone();
            was_asked_since(l.port, &presents).then_some(NotLoaded {
                port: l.port,
                presents,
            })
        });
        let found: BTreeSet<NotLoaded> = found.collect();
        found.into_iter().collect()
    }
}

/// When the newest looks met each of these certificates as the leaf at a port.
fn known_places<'a>(
    certificates: impl Iterator<Item = &'a Entity>,
) -> HashMap<(EntityId, Port, EntityId), Option<Timestamp>> {
    let mut met = HashMap::new();
    for entity in certificates {
        let current = entity.attributes.places.iter();
        for place in current.filter(|place| place.state.is_current()) {
            if let CertificatePlace::Endpoint {
                port, position: 0, ..
            } = place.place
            {
                let at = (place.host.clone(), port, entity.id.clone());
                let last = met.entry(at).or_insert(place.last_seen);
                *last = place.last_seen.max(*last);
            }
        }
    }
    met
}

/// True if both are for at least one name, or, without any, for the same subject.
fn same_names(one: &Certificate, other: &Certificate) -> bool {
    if one.names.is_empty() && other.names.is_empty() {
        return one.subject == other.subject;
    }
    let among = |name: &String| other.names.iter().any(|n| n.eq_ignore_ascii_case(name));
    one.names.iter().any(among)
}

/// The ports at which listeners of `part` present the certificate.
fn served(
    certificate: &EntityId,
    part: &Component,
    own: &[&ListenerEntry],
    alone: bool,
) -> Vec<Port> {
    let ports: BTreeSet<Port> = own
        .iter()
        .filter(|l| l.transport == Transport::Tcp && l.certificate.as_ref() == Some(certificate))
        .filter(|l| is_of(&l.process, part) || (alone && l.process.is_unknown()))
        .map(|l| l.port)
        .collect();
    ports.into_iter().collect()
}

/// True if the program is the part: its unit, its executable, or, started by hand, the same product. What runs in a
/// container reads the container's settings.
fn is_of(program: &Program, part: &Component) -> bool {
    if program.container.is_some() {
        return false;
    }
    let name = part.name.lossy();
    let executable = program
        .executable
        .as_ref()
        .map(|e| e.lossy())
        .unwrap_or_default();
    match part.class {
        ComponentClass::Unit => {
            let product =
                |executable: &str, unit| service_of_program(executable, unit).map(|s| &s.product);
            let same_product = || {
                let own = product("", Some(&name));
                own.is_some() && own == product(&executable, None)
            };
            match program
                .unit
                .as_deref()
                .filter(|unit| unit.ends_with(".service"))
            {
                Some(unit) => unit == name,
                None => same_product(),
            }
        }
        _ => path::is_same(executable.as_bytes(), name.as_bytes()),
    }
}

/// Units of one host that start by themselves.
struct Units(BTreeSet<String>);

impl Units {
    fn of(host: &Entity) -> Self {
        let enabled = host.attributes.units.iter().filter(|unit| unit.enabled);
        Self(enabled.map(|unit| unit.name.lossy().into_owned()).collect())
    }

    /// True if something starts the part: it, a unit of the same template, or a socket or timer of its name.
    fn start(&self, part: &Component) -> bool {
        let name = part.name.lossy();
        let Some(stem) = name
            .strip_suffix(".service")
            .filter(|_| part.class == ComponentClass::Unit)
        else {
            return true;
        };
        let family = stem.split('@').next().unwrap_or(stem);
        let is_kin = |unit: &String| {
            let kin = unit.rsplit_once('.').map_or(unit.as_str(), |(kin, _)| kin);
            kin == stem || kin.split('@').next() == Some(family)
        };
        self.0.iter().any(is_kin)
    }
}

//! Things no agent looks at from inside: addresses, rows of lists, certificates.

use std::net::IpAddr;

use groma_model::fact::CertificatePlace;
use groma_model::inventory::{Attributes, CertificatePlaceEntry, Entity};
use groma_model::{AgentId, EntityId, Estate, HostName, Peer, Seen, SiteId};

use crate::gather::{CertificateDraft, DeclaredRow, Gathered};
use crate::hosts::uuid_either_order;
use crate::ledger::{Ledger, address_key, key, name_key};

/// An entity seen from outside, with nothing known about it yet.
pub(crate) fn stranger(
    id: EntityId,
    site: &SiteId,
    kind: &str,
    name: String,
    seen: Seen,
) -> Entity {
    let layer = match kind {
        "external" => "network",
        "certificate" => "identity",
        "vm" | "hypervisor" => "virtualization",
        "device" => "endpoint",
        _ => "os",
    };
    Entity {
        id,
        kind: kind.to_owned(),
        name,
        names: Vec::new(),
        addresses: Vec::new(),
        layer: layer.to_owned(),
        site: site.clone(),
        system: None,
        owner: None,
        criticality: None,
        first_seen: seen.first,
        last_seen: seen.last,
        has_agent: false,
        declared: false,
        attributes: Attributes::default(),
        merged_because: Vec::new(),
        evidence: Vec::new(),
    }
}

/// True if packets to `address` stay within the organisation: private, shared, unique-local, link-local.
pub(crate) fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_link_local()
                || v4.is_loopback()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// True for addresses that are no single machine: multicast, broadcast, unspecified.
pub(crate) fn is_nobody(address: &IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    address.is_multicast() || address.is_unspecified() || broadcast
}

/// The entity at `address`, made if nobody knows it; `None` where no machine can be.
pub(crate) fn place_address(
    site: &SiteId,
    address: IpAddr,
    seen: Seen,
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) -> Option<EntityId> {
    let address = address.to_canonical();
    if is_nobody(&address) || address.is_loopback() {
        return None;
    }
    if let Some(id) = estate.addresses.get(&(site.clone(), address)) {
        let id = id.clone();
        see(estate, &id, seen);
        return Some(id);
    }
    let id = ledger.claim_outside(address_key(site, &address));
    let kind = if is_private(&address) {
        "host"
    } else {
        "external"
    };
    let entity = estate
        .entities
        .entry(id.clone())
        .or_insert_with(|| stranger(id.clone(), site, kind, address.to_string(), seen));
    entity.addresses.push(address);
    if let Some((_, mac)) = gathered.neighbours.get(&(site.clone(), address)) {
        entity.attributes.macs.push(mac.clone());
    }
    estate.addresses.insert((site.clone(), address), id.clone());
    Some(id)
}

/// Widens the time an outside entity is known for; a host with an agent has its own times.
pub(crate) fn see(estate: &mut Estate, id: &EntityId, seen: Seen) {
    if let Some(entity) = estate.entities.get_mut(id).filter(|e| !e.has_agent) {
        entity.first_seen = entity.first_seen.min(seen.first);
        entity.last_seen = entity.last_seen.max(seen.last);
    }
}

/// Makes or completes an entity for every row of every list.
pub(crate) fn place_declared(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    for declared in &gathered.declared {
        let matched = match_row(declared, gathered, estate);
        let id = match &matched {
            Some((id, _)) => id.clone(),
            None => new_row(declared, gathered, ledger, estate),
        };
        estate
            .vantages
            .entry(declared.vantage.clone())
            .or_insert_with(|| list_entity_id(declared));
        complete(declared, &id, matched.map(|(_, why)| why), estate);
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
}

fn list_entity_id(declared: &DeclaredRow) -> EntityId {
    EntityId::new(format!("ent-{}", declared.vantage))
}

/// The entity a row speaks of: by UUID or MAC, else by address, else by exact name.
fn match_row(
    declared: &DeclaredRow,
    gathered: &Gathered,
    estate: &Estate,
) -> Option<(EntityId, String)> {
    let row = &declared.row;
    let by_machine = gathered
        .seats
        .values()
        .filter(|s| s.site == declared.site)
        .find_map(|seat| {
            let identity = seat.identity.as_ref()?;
            let uuid = |u: &String| uuid_either_order(u);
            let same_uuid = row
                .smbios_uuid
                .as_ref()
                .map(uuid)
                .is_some_and(|u| identity.smbios_uuid.as_ref().map(uuid) == Some(u));
            let same_mac = row.macs.iter().find(|mac| identity.macs.contains(mac));
            let why = match (same_uuid, same_mac) {
                (true, _) => "UUID",
                (_, Some(_)) => "MAC address",
                _ => return None,
            };
            Some((
                seat.entity.clone()?,
                format!("the list {} names its {why}", row.list),
            ))
        });
    by_machine
        .or_else(|| match_address(declared, estate))
        .or_else(|| match_name(declared, estate))
}

fn match_address(declared: &DeclaredRow, estate: &Estate) -> Option<(EntityId, String)> {
    declared.row.addresses.iter().find_map(|address| {
        let id = estate
            .addresses
            .get(&(declared.site.clone(), address.to_canonical()))?;
        Some((
            id.clone(),
            format!("the list {} names its address {address}", declared.row.list),
        ))
    })
}

fn match_name(declared: &DeclaredRow, estate: &Estate) -> Option<(EntityId, String)> {
    let wanted = row_names(declared);
    let known = |entity: &Entity| {
        wanted
            .iter()
            .any(|w| entity.names.iter().any(|n| n == w.as_str()))
    };
    let mut hits = estate
        .entities
        .values()
        .filter(|e| e.site == declared.site && e.kind != "list" && known(e));
    match (hits.next(), hits.next()) {
        (Some(only), None) => Some((
            only.id.clone(),
            format!("the list {} names it", declared.row.list),
        )),
        _ => None,
    }
}

fn row_names(declared: &DeclaredRow) -> Vec<HostName> {
    let mut names = declared.row.names.clone();
    names.extend(HostName::parse(&declared.row.name.lossy()));
    names
}

fn new_row(
    declared: &DeclaredRow,
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) -> EntityId {
    if let Some(address) = declared.row.addresses.first()
        && let Some(id) = place_address(
            &declared.site,
            *address,
            declared.seen,
            gathered,
            ledger,
            estate,
        )
    {
        return id;
    }
    let mark = match row_names(declared).first() {
        Some(name) => name_key(&declared.site, name),
        None => key(&declared.site, "declared", &declared.row.name.lossy()),
    };
    let id = ledger.claim(mark);
    let kind = row_kind(declared);
    estate.entities.entry(id.clone()).or_insert_with(|| {
        stranger(
            id.clone(),
            &declared.site,
            kind,
            declared.row.name.to_string(),
            declared.seen,
        )
    });
    id
}

fn row_kind(declared: &DeclaredRow) -> &str {
    if declared.row.kind.is_empty() {
        "host"
    } else {
        &declared.row.kind
    }
}

fn complete(declared: &DeclaredRow, id: &EntityId, why: Option<String>, estate: &mut Estate) {
    let names = row_names(declared);
    for address in &declared.row.addresses {
        let slot = (declared.site.clone(), address.to_canonical());
        estate.addresses.entry(slot).or_insert_with(|| id.clone());
    }
    let Some(entity) = estate.entities.get_mut(id) else {
        return;
    };
    let row = &declared.row;
    if !entity.has_agent {
        entity.kind = row_kind(declared).to_owned();
        entity.name = row.name.to_string();
        entity
            .addresses
            .extend(row.addresses.iter().map(|a| a.to_canonical()));
        entity.attributes.macs.extend(row.macs.iter().cloned());
    }
    entity.names.extend(names.iter().map(ToString::to_string));
    entity.declared = true;
    entity.owner = entity.owner.take().or_else(|| row.owner.clone());
    entity.criticality = entity
        .criticality
        .take()
        .or_else(|| row.criticality.clone());
    entity.attributes.declared.extend(row.more.clone());
    entity.merged_because.extend(why);
    entity.evidence.push(declared.evidence.clone());
}

/// Makes an entity of every certificate.
pub(crate) fn place_certificates(
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) {
    for (sha256, draft) in &gathered.certificates {
        let Some((_, first, _)) = draft.sightings.first() else {
            continue;
        };
        let id = ledger.claim(key(&draft.site, "certificate", sha256));
        let certificate = first.certificate.clone();
        let mut entity = stranger(
            id.clone(),
            &draft.site,
            "certificate",
            certificate_name(&certificate.subject, &certificate.names),
            draft.seen,
        );
        entity.names = certificate.names.clone();
        entity.attributes.places = places(draft, estate);
        entity.attributes.certificate = Some(certificate);
        entity.evidence = draft
            .sightings
            .iter()
            .map(|(_, _, evidence)| evidence.clone())
            .collect();
        estate.entities.insert(id.clone(), entity);
        estate.certificates.insert(sha256.clone(), id);
    }
}

fn places(draft: &CertificateDraft, estate: &Estate) -> Vec<CertificatePlaceEntry> {
    let mut places: Vec<CertificatePlaceEntry> = draft
        .sightings
        .iter()
        .filter_map(|(vantage, sighting, _)| {
            let host = place_host(vantage, &sighting.place, draft, estate)?;
            Some(CertificatePlaceEntry {
                host,
                place: sighting.place.clone(),
                key_present: sighting.key_present,
                key: sighting.key.clone(),
                trust: sighting.trust.clone(),
            })
        })
        .collect();
    places.sort();
    places.dedup();
    places
}

fn place_host(
    vantage: &AgentId,
    place: &CertificatePlace,
    draft: &CertificateDraft,
    estate: &Estate,
) -> Option<EntityId> {
    match place {
        CertificatePlace::File { .. } => estate.vantages.get(vantage).cloned(),
        CertificatePlace::Endpoint { address, .. } => {
            let peer = Peer::Address(*address);
            Some(estate.locate(&draft.site, vantage, &peer)?.entity)
        }
    }
}

/// What a person calls a certificate: its common name, else its first DNS name, else the subject.
fn certificate_name(subject: &str, names: &[String]) -> String {
    let common = subject
        .split(',')
        .find_map(|part| part.trim().strip_prefix("CN="));
    common
        .map(str::to_owned)
        .or_else(|| names.first().cloned())
        .unwrap_or_else(|| subject.to_owned())
}

//! Things no agent looks at from inside: addresses and certificates.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::fact::CertificatePlace;
use groma_model::inventory::{Attributes, CertificatePlaceEntry, Entity};
use groma_model::{AgentId, EntityId, Estate, EvidenceState, Peer, Seen, SiteId, Timestamp};

use crate::addresses::is_of_link;
use crate::gather::{CertificateDraft, Gathered};
use crate::ledger::{Ledger, address_key, key};

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
        "vm" | "vm-template" | "container" | "hypervisor" | "hypervisor-cluster" => {
            "virtualization"
        }
        "datastore" => "storage",
        "virtual-switch" => "network",
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

/// The entity at `address`, made if nobody knows it; `None` where no machine can be, or another one on every link.
pub(crate) fn place_address(
    site: &SiteId,
    address: IpAddr,
    seen: Seen,
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) -> Option<EntityId> {
    let address = address.to_canonical();
    if is_nobody(&address) || address.is_loopback() || is_of_link(&address) {
        return None;
    }
    if let Some(id) = estate.addresses.get(&(site.clone(), address)) {
        let id = id.clone();
        see(estate, &id, seen);
        return Some(id);
    }
    let id = ledger.claim_outside(address_key(site, &address));
    let kind = if gathered.is_inside(site, &address) {
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

/// Says on every machine that answered over the network by what it is known to be there.
pub(crate) fn cite_met(gathered: &Gathered, estate: &mut Estate) {
    for (site, address, evidence) in &gathered.met {
        let at = estate.addresses.get(&(site.clone(), *address));
        if let Some(entity) = at.and_then(|id| estate.entities.get_mut(id)) {
            entity.evidence.push(evidence.clone());
        }
    }
}

/// Takes over what machines without an agent call themselves to whoever asks. Nothing is joined by such a name: whoever
/// answers may say what it likes.
pub(crate) fn call_by_own_names(gathered: &Gathered, estate: &mut Estate) {
    for ((site, address), called) in &gathered.called {
        let at = estate.addresses.get(&(site.clone(), *address));
        let Some(entity) = at.and_then(|id| estate.entities.get_mut(id)) else {
            continue;
        };
        if entity.has_agent {
            continue;
        }
        for (name, evidence) in called {
            entity.names.push(name.to_ascii_lowercase());
            entity.evidence.push(evidence.clone());
        }
        if entity.name == address.to_string()
            && let Some(name) = one_name(called.iter().map(|(name, _)| name.as_str()))
        {
            entity.name = name;
        }
    }
}

/// The longest of these names if all are one machine's: the first label of each is the same.
fn one_name<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<String> = names.map(str::to_ascii_lowercase).collect();
    names.sort_by_key(|name| (std::cmp::Reverse(name.len()), name.clone()));
    let label = |name: &String| name.split('.').next().map(str::to_owned);
    let longest = names.first()?;
    names
        .iter()
        .all(|name| label(name) == label(longest))
        .then(|| longest.clone())
}

/// Makes an entity of every certificate.
pub(crate) fn place_certificates(
    gathered: &Gathered,
    ledger: &mut Ledger<'_>,
    estate: &mut Estate,
) {
    for (sha256, draft) in &gathered.certificates {
        let Some(first) = draft.sightings.first() else {
            continue;
        };
        let id = ledger.claim(key(&draft.site, "certificate", sha256));
        let certificate = first.what.certificate.clone();
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
            .map(|sighted| sighted.evidence.clone())
            .collect();
        estate.entities.insert(id.clone(), entity);
        estate.certificates.insert(sha256.clone(), id);
    }
}

/// The places where it was met, each once: met there by two vantages, what the newer one says holds.
fn places(draft: &CertificateDraft, estate: &Estate) -> Vec<CertificatePlaceEntry> {
    let mut places: BTreeMap<CertificatePlaceEntry, (EvidenceState, Option<Timestamp>)> =
        BTreeMap::new();
    for sighted in &draft.sightings {
        let sighting = &sighted.what;
        let Some(host) = place_host(&sighted.vantage, &sighting.place, draft, estate) else {
            continue;
        };
        let entry = CertificatePlaceEntry {
            host,
            place: sighting.place.clone(),
            key_present: sighting.key_present,
            key: sighting.key.clone(),
            trust: sighting.trust.clone(),
            last_seen: None,
            state: EvidenceState::Current,
        };
        let now = (sighted.state, Some(sighted.seen.last));
        let known = places.entry(entry).or_insert(now);
        *known = (known.0.min(now.0), known.1.max(now.1));
    }
    let dated = places
        .into_iter()
        .map(|(place, (state, last_seen))| CertificatePlaceEntry {
            last_seen,
            state,
            ..place
        });
    dated.collect()
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

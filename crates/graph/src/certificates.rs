//! What certificates stand on: the authority above them, and the hosts that say whether they still hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::{Certificate, CertificatePlace, ComponentClass};
use groma_model::inventory::{
    Basis, CertificatePlaceEntry, Consumer, Dependency, DependencyDetails, Entity, Provider,
};
use groma_model::registry::REGISTRY;
use groma_model::{AgentId, DependencyId, EntityId, Estate, Foreign, Port, Witness};

use crate::draft::component;
use crate::finish::strength;

/// `certificate-issued-by` edges: a certificate and the authority whose certificate was met as well.
///
/// No single fact states it, so the basis is *inferred*: the issuer's name equals the authority's subject. Where several
/// authorities have that name (every cluster has its `CN=kubernetes`), it is the one met beside the certificate.
pub(crate) fn issued_by(estate: &Estate) -> Vec<Dependency> {
    let all: Vec<(&Entity, &Certificate)> = estate
        .certificates
        .values()
        .filter_map(|id| estate.entities.get(id))
        .filter_map(|entity| Some((entity, entity.attributes.certificate.as_ref()?)))
        .collect();
    let mut authorities: BTreeMap<&str, Vec<(&Entity, &Certificate)>> = BTreeMap::new();
    for (entity, certificate) in all.iter().filter(|(_, c)| c.authority) {
        let subject = certificate.subject.as_str();
        let named = authorities.entry(subject).or_default();
        named.push((entity, certificate));
    }
    all.iter()
        .filter(|(_, certificate)| certificate.subject != certificate.issuer)
        .filter_map(|(entity, certificate)| {
            let named = authorities.get(certificate.issuer.as_str())?;
            let authority = issuer_of(entity, named)?;
            Some(edge(entity, authority, "certificate-issued-by"))
        })
        .collect()
}

/// The authority of one key among those of one name: the only one, else the only one in the same file or handshake, else
/// the only one on the same host; nobody where that leaves several.
fn issuer_of<'a>(leaf: &Entity, named: &[(&'a Entity, &'a Certificate)]) -> Option<&'a Entity> {
    of_one_key(named)
        .or_else(|| of_one_key(&beside(leaf, named, chain_of)))
        .or_else(|| of_one_key(&beside(leaf, named, host_of)))
}

/// Where a certificate was met: the host, and there the file or the listener.
type Spot<'a> = (&'a EntityId, Option<&'a Foreign>, Option<(IpAddr, Port)>);

/// Those met at a spot where `leaf` was met as well.
fn beside<'a>(
    leaf: &Entity,
    named: &[(&'a Entity, &'a Certificate)],
    spot: fn(&CertificatePlaceEntry) -> Spot<'_>,
) -> Vec<(&'a Entity, &'a Certificate)> {
    let own: BTreeSet<Spot<'_>> = leaf.attributes.places.iter().map(spot).collect();
    let meets = |authority: &Entity| {
        let mut places = authority.attributes.places.iter();
        places.any(|place| own.contains(&spot(place)))
    };
    let near = named.iter().filter(|(authority, _)| meets(authority));
    near.copied().collect()
}

fn chain_of(place: &CertificatePlaceEntry) -> Spot<'_> {
    match &place.place {
        CertificatePlace::File { path, .. } => (&place.host, Some(path), None),
        CertificatePlace::Endpoint { address, port, .. } => {
            (&place.host, None, Some((*address, *port)))
        }
    }
}

fn host_of(place: &CertificatePlaceEntry) -> Spot<'_> {
    (&place.host, None, None)
}

/// The newest certificate, where all are of one key: an authority renewed, or signed by several others.
fn of_one_key<'a>(certificates: &[(&'a Entity, &'a Certificate)]) -> Option<&'a Entity> {
    let (_, first) = certificates.first()?;
    let mut keys = certificates.iter().map(|(_, c)| &c.spki_sha256);
    if !keys.all(|key| *key == first.spki_sha256) {
        return None;
    }
    let newest = certificates
        .iter()
        .max_by_key(|(entity, c)| (c.not_after, &entity.id));
    newest.map(|(entity, _)| *entity)
}

/// `certificate-status` edges: a certificate that is in use, and the hosts of its revocation lists, its responders and
/// its issuer's certificate. Whoever verifies it asks them; one that is gone makes connections slow, or refused.
///
/// The certificate itself names them, so the basis is *declared*. Authorities that are only trusted are left out.
pub(crate) fn status(estate: &Estate) -> Vec<Dependency> {
    let mut edges = Vec::new();
    for entity in estate
        .certificates
        .values()
        .filter_map(|id| estate.entities.get(id))
    {
        let Some(certificate) = entity.attributes.certificate.as_ref() else {
            continue;
        };
        let used = |place: &CertificatePlaceEntry| {
            place.key_present || matches!(place.place, CertificatePlace::Endpoint { .. })
        };
        let Some(place) = entity.attributes.places.iter().find(|place| used(place)) else {
            continue;
        };
        let Some(vantage) = vantage_of(estate, &place.host) else {
            continue;
        };
        for host in &certificate.status_hosts {
            let Some(meaning) = estate.locate(&entity.site, vantage, host) else {
                continue;
            };
            if let Some(provider) = estate.entities.get(&meaning.entity) {
                edges.push(Dependency {
                    basis: Basis::Declared,
                    witnesses: vec![Witness::Network],
                    reached_by: Some(meaning.reached_by),
                    reached_as: Some(host.to_string()),
                    ..edge(entity, provider, "certificate-status")
                });
            }
        }
    }
    edges.sort_by(|a, b| a.id.cmp(&b.id));
    edges.dedup_by(|a, b| a.id == b.id);
    edges
}

fn vantage_of<'a>(estate: &'a Estate, host: &EntityId) -> Option<&'a AgentId> {
    let own = estate.vantages.iter().find(|(_, entity)| *entity == host);
    own.or_else(|| estate.vantages.iter().next())
        .map(|(vantage, _)| vantage)
}

fn edge(leaf: &Entity, authority: &Entity, name: &str) -> Dependency {
    let kind = REGISTRY.kind(name);
    let mut evidence: Vec<_> = leaf
        .evidence
        .iter()
        .chain(&authority.evidence)
        .cloned()
        .collect();
    evidence.sort();
    evidence.dedup();
    Dependency {
        id: DependencyId::of(&[leaf.id.as_str(), name, authority.id.as_str()]),
        kind: name.to_owned(),
        consumer: Consumer {
            entity: leaf.id.clone(),
            name: leaf.name.clone(),
            addresses: Vec::new(),
            component: component(ComponentClass::Device, leaf.name.as_str()),
        },
        provider: Provider {
            entity: authority.id.clone(),
            name: authority.name.clone(),
            addresses: authority.addresses.clone(),
            port: None,
            transport: None,
            component: None,
        },
        layer: kind.layer.clone(),
        strength: strength(&kind.strength),
        shared_service: kind.shared,
        witnesses: vec![Witness::Network],
        basis: Basis::Inferred,
        hidden: false,
        hidden_because: Vec::new(),
        reached_by: None,
        reached_as: None,
        first_seen: leaf.first_seen,
        last_seen: leaf.last_seen,
        current: true,
        count: 0,
        rhythm: None,
        next_due: None,
        details: DependencyDetails::default(),
        verdict: None,
        evidence,
    }
}

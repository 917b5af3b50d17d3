//! What certificates stand on: the authority above them, and the hosts that say whether they still hold.

use std::collections::BTreeMap;

use groma_model::fact::{Certificate, CertificatePlace, ComponentClass};
use groma_model::inventory::{
    Basis, CertificatePlaceEntry, Consumer, Dependency, DependencyDetails, Entity, Provider,
};
use groma_model::registry::REGISTRY;
use groma_model::{AgentId, DependencyId, EntityId, Estate, Witness};

use crate::draft::component;
use crate::finish::strength;

/// `certificate-issued-by` edges: a certificate and the authority whose certificate was met as well.
///
/// No single fact states it, so the basis is *inferred*: the issuer's name equals the authority's subject.
pub(crate) fn issued_by(estate: &Estate) -> Vec<Dependency> {
    let all: Vec<(&Entity, &Certificate)> = estate
        .certificates
        .values()
        .filter_map(|id| estate.entities.get(id))
        .filter_map(|entity| Some((entity, entity.attributes.certificate.as_ref()?)))
        .collect();
    let authorities: BTreeMap<&str, &Entity> = all
        .iter()
        .filter(|(_, c)| c.authority)
        .map(|(entity, c)| (c.subject.as_str(), *entity))
        .collect();
    all.iter()
        .filter(|(_, certificate)| certificate.subject != certificate.issuer)
        .filter_map(|(entity, certificate)| {
            Some(edge(
                entity,
                authorities.get(certificate.issuer.as_str())?,
                "certificate-issued-by",
            ))
        })
        .collect()
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

//! Certificates that other certificates of the estate stand on.

use std::collections::BTreeMap;

use groma_model::fact::{Certificate, ComponentClass};
use groma_model::inventory::{Basis, Consumer, Dependency, DependencyDetails, Entity, Provider};
use groma_model::registry::REGISTRY;
use groma_model::{DependencyId, Estate, Witness};

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
            Some(edge(entity, authorities.get(certificate.issuer.as_str())?))
        })
        .collect()
}

fn edge(leaf: &Entity, authority: &Entity) -> Dependency {
    const KIND: &str = "certificate-issued-by";
    let kind = REGISTRY.kind(KIND);
    let mut evidence: Vec<_> = leaf
        .evidence
        .iter()
        .chain(&authority.evidence)
        .cloned()
        .collect();
    evidence.sort();
    evidence.dedup();
    Dependency {
        id: DependencyId::of(&[leaf.id.as_str(), KIND, authority.id.as_str()]),
        kind: KIND.to_owned(),
        consumer: Consumer {
            entity: leaf.id.clone(),
            name: leaf.name.clone(),
            addresses: Vec::new(),
            component: component(ComponentClass::Device, leaf.name.as_str()),
        },
        provider: Provider {
            entity: authority.id.clone(),
            name: authority.name.clone(),
            addresses: Vec::new(),
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

//! Certificates, before and after: renewed, new, gone.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::{Certificate, CertificatePlace};
use groma_model::inventory::Entity;

use crate::change::{Area, Change, Class, Detail};
use crate::pair::{Index, Pair};

/// Which certificate took the place of which.
pub(crate) struct Renewals<'a> {
    renewed: BTreeMap<&'a EntityId, &'a EntityId>,
    gone: Vec<&'a Entity>,
    new: Vec<&'a Entity>,
}

impl Renewals<'_> {
    /// True if every certificate of `before` that is not in `after` was renewed by one that is.
    pub(crate) fn explain(
        &self,
        before: &BTreeSet<&EntityId>,
        after: &BTreeSet<&EntityId>,
    ) -> bool {
        let replaced = |id: &&EntityId| {
            self.renewed
                .get(*id)
                .is_some_and(|new| after.contains(*new))
        };
        before.difference(after).all(replaced)
    }
}

/// Pairs a certificate that is gone with the one that stands for the same subject on the same hosts.
pub(crate) fn renewals<'a>(pair: &Pair<'a>) -> Renewals<'a> {
    let one_sided = |mine: &Index<'a>, other: &Index<'a>| -> Vec<&'a Entity> {
        let absent = mine
            .entities
            .values()
            .filter(|e| !other.entities.contains_key(&e.id));
        absent
            .filter(|e| certificate(e).is_some() && on_known_host(pair, e))
            .copied()
            .collect()
    };
    let mut gone = one_sided(&pair.before, &pair.after);
    let mut new = one_sided(&pair.after, &pair.before);
    type Sides<'a> = (Vec<&'a Entity>, Vec<&'a Entity>);
    let mut groups: BTreeMap<(&str, BTreeSet<&EntityId>), Sides<'a>> = BTreeMap::new();
    for e in &gone {
        groups.entry(role(e)).or_default().0.push(e);
    }
    for e in &new {
        groups.entry(role(e)).or_default().1.push(e);
    }
    let single = groups
        .values()
        .filter_map(|(g, n)| match (g.as_slice(), n.as_slice()) {
            ([gone], [new]) => Some((&gone.id, &new.id)),
            _ => None,
        });
    let renewed: BTreeMap<&EntityId, &EntityId> = single.collect();
    let fresh: BTreeSet<&EntityId> = renewed.values().copied().collect();
    gone.retain(|e| !renewed.contains_key(&e.id));
    new.retain(|e| !fresh.contains(&e.id));
    Renewals { renewed, gone, new }
}

fn certificate(entity: &Entity) -> Option<&Certificate> {
    entity.attributes.certificate.as_ref()
}

fn role(entity: &Entity) -> (&str, BTreeSet<&EntityId>) {
    let hosts = entity.attributes.places.iter().map(|p| &p.host).collect();
    (
        certificate(entity).map_or("", |c| c.subject.as_str()),
        hosts,
    )
}

/// False if it was only met on hosts that are one line as a whole.
fn on_known_host(pair: &Pair<'_>, entity: &Entity) -> bool {
    let places = &entity.attributes.places;
    places.is_empty() || places.iter().any(|p| pair.comparable(&p.host))
}

/// An authority in a file that proves nobody's identity here: these come and go by the dozen in an upgrade.
fn is_anchor(entity: &Entity) -> bool {
    let in_use = entity
        .attributes
        .places
        .iter()
        .any(|p| p.key_present || matches!(p.place, CertificatePlace::Endpoint { .. }));
    certificate(entity).is_some_and(|c| c.authority) && !in_use
}

/// The lines about certificates.
pub(crate) fn changes(pair: &Pair<'_>, renewals: &Renewals<'_>) -> Vec<Change> {
    let renewed = renewals
        .renewed
        .iter()
        .filter_map(|(old, new)| renewed(pair, old, new));
    let gone = renewals
        .gone
        .iter()
        .filter(|e| !is_anchor(e))
        .map(|e| line(pair, e, Class::Removed));
    let new = renewals
        .new
        .iter()
        .filter(|e| !is_anchor(e))
        .map(|e| line(pair, e, Class::Added));
    let kept = pair.both().filter_map(|(b, a)| at_other_places(pair, b, a));
    renewed
        .chain(gone)
        .chain(new)
        .chain(kept)
        .chain(anchors(renewals))
        .collect()
}

/// The host it is listed under: the first one it was met on.
fn on(pair: &Pair<'_>, entity: &Entity) -> String {
    let host = entity.attributes.places.iter().map(|p| &p.host).min();
    host.map_or(entity.name.as_str(), |h| pair.name(h))
        .to_owned()
}

fn describe(entity: &Entity) -> String {
    let certificate = certificate(entity);
    let subject = certificate.map_or(entity.name.as_str(), |c| c.subject.as_str());
    let until = certificate.map_or_else(String::new, |c| {
        format!(", valid until {}", c.not_after.day())
    });
    format!("{subject}{until}")
}

fn line(pair: &Pair<'_>, entity: &Entity, class: Class) -> Change {
    let hosts = entity.attributes.places.iter().map(|p| &p.host);
    let change = Change::new(
        class,
        Area::Certificate,
        &on(pair, entity),
        entity.id.as_str(),
        describe(entity),
    );
    change.involves(hosts).because(&[&entity.evidence])
}

fn renewed(pair: &Pair<'_>, old: &EntityId, new: &EntityId) -> Option<Change> {
    let (before, after) = (
        pair.before.entities.get(old)?,
        pair.after.entities.get(new)?,
    );
    let (b, a) = (certificate(before)?, certificate(after)?);
    let mut details: Vec<Detail> = Vec::new();
    details.extend(Detail::of(
        "valid until",
        Some(b.not_after.day()),
        Some(a.not_after.day()),
    ));
    details.extend(Detail::of(
        "issuer",
        Some(b.issuer.clone()),
        Some(a.issuer.clone()),
    ));
    details.extend(Detail::members("name", &b.names, &a.names));
    let key = if b.spki_sha256 == a.spki_sha256 {
        "with the same key"
    } else {
        "with a new key"
    };
    let lost = b.names.iter().any(|n| !a.names.contains(n));
    let act =
        lost.then_some("it no longer holds every name it had: check who asks for the missing ones");
    let says = format!("{} renewed {key}", a.subject);
    let change = Change::new(
        Class::Changed,
        Area::Certificate,
        &on(pair, after),
        new.as_str(),
        says,
    );
    let hosts = after.attributes.places.iter().map(|p| &p.host);
    Some(
        change
            .details(details)
            .act(act)
            .involves(hosts)
            .because(&[&before.evidence, &after.evidence]),
    )
}

/// The same certificate in other files. Endpoints are the listeners' business.
fn at_other_places(pair: &Pair<'_>, before: &Entity, after: &Entity) -> Option<Change> {
    certificate(before)?;
    let files = |e: &Entity| -> Vec<String> {
        let known = e
            .attributes
            .places
            .iter()
            .filter(|p| pair.comparable(&p.host));
        let file = known.filter_map(|p| match &p.place {
            CertificatePlace::File { path, .. } => {
                Some(format!("{path} on {}", pair.name(&p.host)))
            }
            CertificatePlace::Endpoint { .. } => None,
        });
        file.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let details = Detail::members("file", &files(before), &files(after));
    (!details.is_empty()).then(|| line(pair, after, Class::Changed).details(details))
}

/// Trust anchors that came and went, as one line each way.
fn anchors(renewals: &Renewals<'_>) -> Vec<Change> {
    let one = |class: Class, entities: &[&Entity]| -> Option<Change> {
        let anchors: Vec<&&Entity> = entities.iter().filter(|e| is_anchor(e)).collect();
        let first = anchors.first()?;
        let number = anchors.len();
        let says = format!(
            "{number} trusted {}",
            if number == 1 {
                "authority"
            } else {
                "authorities"
            }
        );
        let side = |e: &Entity, wanted: Class| (class == wanted).then(|| describe(e));
        let detail = |e: &&&Entity| Detail {
            what: "authority".to_owned(),
            before: side(e, Class::Removed),
            after: side(e, Class::Added),
        };
        let mut details: Vec<Detail> = anchors.iter().map(detail).collect();
        details.sort();
        let hosts = anchors
            .iter()
            .flat_map(|e| e.attributes.places.iter().map(|p| &p.host));
        Some(
            Change::new(
                class,
                Area::Certificate,
                "trust stores",
                first.id.as_str(),
                says,
            )
            .details(details)
            .involves(hosts),
        )
    };
    [
        one(Class::Removed, &renewals.gone),
        one(Class::Added, &renewals.new),
    ]
    .into_iter()
    .flatten()
    .collect()
}

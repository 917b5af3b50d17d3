//! Certificates by expiry. Trust stores are counted, not listed: an authority's root is not ours to renew.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{Certificate, CertificatePlace, CertificateRole};
use groma_model::inventory::Entity;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// "Expires soon" on the first screen.
const SOON_DAYS: i64 = 90;

/// One certificate.
#[derive(Serialize)]
pub(crate) struct CertificateRow {
    pub(crate) subject: String,
    pub(crate) names: Vec<String>,
    pub(crate) not_after: String,
    pub(crate) days: i64,
    /// `12 days left`, `expired 3 days ago`.
    pub(crate) days_line: String,
    /// `expired`, `soon` or `later`.
    pub(crate) urgency: &'static str,
    pub(crate) issuer: String,
    pub(crate) key: String,
    pub(crate) weak: bool,
    pub(crate) places: Vec<String>,
    /// Parts of hosts that are set up to use it, with the ports they serve it on.
    pub(crate) users: Vec<String>,
    /// Other certificates with the same key.
    pub(crate) same_key: Vec<String>,
}

type Owned<'a> = (&'a Entity, &'a Certificate);

/// The certificates of this estate by expiry, and how many authorities of trust stores were left out.
pub(crate) fn table(
    index: &Index<'_>,
    words: &Catalogue,
    limit: usize,
) -> (Rows<CertificateRow>, usize) {
    let (mut own, left_out) = own(index);
    own.sort_by_key(|(entity, certificate)| (certificate.not_after, &entity.id));
    let mut keys: BTreeMap<&str, Vec<&Entity>> = BTreeMap::new();
    for (entity, certificate) in &own {
        keys.entry(&certificate.spki_sha256)
            .or_default()
            .push(entity);
    }
    (
        Rows::first(&own, limit, |c| row(c, &keys, index, words)),
        left_out,
    )
}

/// How many certificates of this estate expire within ninety days, or have expired.
pub(crate) fn expiring(index: &Index<'_>) -> usize {
    let now = index.inventory.generated_at;
    own(index)
        .0
        .iter()
        .filter(|(_, c)| now.days_until(c.not_after) <= SOON_DAYS)
        .count()
}

fn own<'a>(index: &Index<'a>) -> (Vec<Owned<'a>>, usize) {
    let all = index
        .inventory
        .entities
        .iter()
        .filter_map(|e| Some((e, e.attributes.certificate.as_ref()?)));
    let (own, trusted): (Vec<_>, Vec<_>) =
        all.partition(|(entity, certificate)| !is_only_trusted(entity, certificate));
    (own, trusted.len())
}

/// An authority that lies in files without its key and that no listener presents.
fn is_only_trusted(entity: &Entity, certificate: &Certificate) -> bool {
    let in_file = |p: &CertificatePlace| matches!(p, CertificatePlace::File { .. });
    certificate.authority
        && entity
            .attributes
            .places
            .iter()
            .all(|p| in_file(&p.place) && !p.key_present)
}

fn row(
    own: &Owned<'_>,
    keys: &BTreeMap<&str, Vec<&Entity>>,
    index: &Index<'_>,
    words: &Catalogue,
) -> CertificateRow {
    let (entity, certificate) = own;
    let days = index
        .inventory
        .generated_at
        .days_until(certificate.not_after);
    let (forms, urgency) = match days {
        ..0 => (words.expired, "expired"),
        0..=SOON_DAYS => (words.days_left, "soon"),
        _ => (words.days_left, "later"),
    };
    let twins = keys
        .get(certificate.spki_sha256.as_str())
        .into_iter()
        .flatten();
    let places = entity.attributes.places.iter().map(|place| {
        let shown = fill(
            words.file_on,
            &[&visible(&words.place(place)), &index.name(&place.host)],
        );
        let key = place.key_present.then(|| words.key_here.to_owned());
        let last = place.last_seen.filter(|_| !place.state.is_current());
        let last = last.map(|last| fill(words.last_met, &[&last.day()]));
        let marks: Vec<String> = key.into_iter().chain(last).collect();
        match marks.is_empty() {
            true => shown,
            false => format!("{shown} ({})", marks.join(", ")),
        }
    });
    CertificateRow {
        subject: subject(entity, certificate),
        names: certificate
            .names
            .iter()
            .map(|n| cut(&visible(n), 120))
            .collect(),
        not_after: certificate.not_after.day(),
        days,
        days_line: words.count(
            forms,
            usize::try_from(days.unsigned_abs()).unwrap_or(usize::MAX),
        ),
        urgency,
        issuer: if certificate.self_signed {
            words.self_signed.to_owned()
        } else {
            common_name(&certificate.issuer)
        },
        key: visible(&format!(
            "{} {}, {}",
            certificate.key_algorithm, certificate.key_bits, certificate.signature_algorithm
        )),
        weak: is_weak(certificate),
        places: places.collect(),
        users: users(entity, index, words),
        same_key: twins
            .filter(|t| t.id != entity.id)
            .map(|t| visible(&t.name))
            .collect(),
    }
}

/// Who uses it: a part with several settings for it is said once.
fn users(entity: &Entity, index: &Index<'_>, words: &Catalogue) -> Vec<String> {
    let mut said = BTreeSet::new();
    let users = entity.attributes.used_by.iter();
    users
        .filter(|u| said.insert((&u.host, &u.setting.component, u.setting.role)))
        .map(|user| {
            let setting = &user.setting;
            let form = match setting.role {
                CertificateRole::Presents => words.used_by,
                CertificateRole::Trusts => words.trusted_by,
            };
            let place = visible(&format!("{}:{}", setting.file, setting.line));
            let part = visible(&setting.component.name.lossy());
            let mut line = fill(form, &[&part, &index.name(&user.host), &place]);
            let ports: Vec<String> = user.ports.iter().map(ToString::to_string).collect();
            if !ports.is_empty() {
                line.push_str(&fill(words.served_on, &[&ports.join(", ")]));
            }
            if user.idle {
                line.push_str(words.nobody_starts_it);
            }
            line
        })
        .collect()
}

fn subject(entity: &Entity, certificate: &Certificate) -> String {
    if certificate.subject.is_empty() {
        visible(&entity.name)
    } else {
        common_name(&certificate.subject)
    }
}

/// The common name of RFC 4514 text, or all of it where there is none.
fn common_name(name: &str) -> String {
    let common = name
        .split(',')
        .find_map(|part| part.trim().strip_prefix("CN="));
    visible(common.filter(|c| !c.is_empty()).unwrap_or(name))
}

/// Keys and signatures that today's clients refuse: RSA below 2048 bits, curves below 224, SHA-1, MD5.
fn is_weak(certificate: &Certificate) -> bool {
    let signature = certificate.signature_algorithm.to_lowercase();
    let short = match certificate.key_algorithm.as_str() {
        "rsa" | "dsa" => certificate.key_bits < 2048,
        "ecdsa" => certificate.key_bits < 224,
        _ => false,
    };
    short || ((signature.contains("sha1") || signature.contains("md5")) && !certificate.self_signed)
}

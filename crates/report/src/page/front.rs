//! The first screen: what was watched, for how long, and the figures.

use std::collections::BTreeSet;

use groma_model::inventory::{Entity, Inventory};
use groma_model::registry::REGISTRY;
use serde::Serialize;

use crate::human;
use crate::index::Index;
use crate::text::{Catalogue, fill};

/// A look shorter than this is never an audit.
const AUDIT_SECONDS: u64 = 24 * 3_600;

/// What was watched.
#[derive(Serialize)]
pub(crate) struct Watched {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) seconds: u64,
    /// The same as words: `30 s`.
    pub(crate) length: String,
    /// Names of the hosts that were looked at from inside.
    pub(crate) vantages: Vec<String>,
    /// All of it in one sentence.
    pub(crate) sentence: String,
}

/// A plain word of warning above everything else.
#[derive(Serialize)]
pub(crate) struct Notice {
    /// `not-an-audit` or `not-compared`.
    pub(crate) about: &'static str,
    pub(crate) says: String,
    pub(crate) because: &'static str,
}

/// A headline figure.
#[derive(Serialize)]
pub(crate) struct Number {
    pub(crate) about: &'static str,
    pub(crate) value: usize,
    /// The value as people write it.
    pub(crate) shown: String,
    pub(crate) label: &'static str,
}

/// What was watched, for how long, from where.
pub(crate) fn watched(index: &Index<'_>, words: &Catalogue) -> Watched {
    let window = index.inventory.window;
    let lasted = index.inventory.watched();
    let ids: BTreeSet<_> = index
        .inventory
        .coverage
        .iter()
        .map(|c| &c.vantage)
        .collect();
    let inside = index
        .inventory
        .entities
        .iter()
        .filter(|e| e.has_agent)
        .map(|e| &e.id);
    let ids: BTreeSet<_> = ids
        .into_iter()
        .filter(|id| is_host(index, id.as_str()))
        .chain(inside)
        .collect();
    let mut vantages: Vec<String> = ids.into_iter().map(|id| index.name(id)).collect();
    vantages.sort();
    let length = human::length(lasted, words);
    let from = words.count(words.host, vantages.len());
    let from = match vantages.as_slice() {
        [] => words.looked_at_nothing.trim_end_matches('.').to_lowercase(),
        [one] => one.clone(),
        many if many.len() <= 3 => many.join(", "),
        _ => from,
    };
    let sentence = fill(
        words.watched,
        &[&length, &window.from.minute(), &window.to.minute(), &from],
    );
    let sentence = if vantages.is_empty() {
        words.looked_at_nothing.to_owned()
    } else {
        sentence
    };
    Watched {
        from: window.from.minute(),
        to: window.to.minute(),
        seconds: lasted.as_secs(),
        length,
        vantages,
        sentence,
    }
}

fn is_host(index: &Index<'_>, id: &str) -> bool {
    index.entity(id).is_some_and(runs_services)
}

/// True for machines and guests, not for what they offer.
pub(crate) fn runs_services(entity: &Entity) -> bool {
    REGISTRY.is_machine(&entity.kind) && entity.kind != "device"
}

/// The heading: the one host, the system that was looked at, or how many hosts.
pub(crate) fn title(index: &Index<'_>, words: &Catalogue) -> String {
    let hosts: Vec<&Entity> = index
        .inventory
        .entities
        .iter()
        .filter(|e| runs_services(e))
        .collect();
    let inside: Vec<&&Entity> = hosts.iter().filter(|e| e.has_agent).collect();
    match (inside.as_slice(), hosts.len()) {
        (_, 0) => words.title_empty.to_owned(),
        ([one], _) => fill(
            words.title_one,
            &[&crate::visible::cut(
                &crate::visible::visible(&one.name),
                60,
            )],
        ),
        (_, many) => fill(words.title_many, &[&words.count(words.host, many)]),
    }
}

/// What must be said before anything else.
pub(crate) fn notices(inventory: &Inventory, watched: &Watched, words: &Catalogue) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(says) = &inventory.shared {
        notices.push(Notice {
            about: "shared",
            says: says.clone(),
            because: words.shared_why,
        });
    }
    if watched.seconds < AUDIT_SECONDS || watched.vantages.len() <= 1 {
        let hosts = words.count(words.host, watched.vantages.len());
        let says = fill(words.not_an_audit, &[&watched.length, &hosts]);
        notices.push(Notice {
            about: "not-an-audit",
            says,
            because: words.not_an_audit_why,
        });
    }
    if !inventory.compared_with_list {
        let says = words.not_compared.to_owned();
        notices.push(Notice {
            about: "not-compared",
            says,
            because: words.not_compared_why,
        });
    }
    notices
}

/// The headline figures; devices only where there are any.
pub(crate) fn numbers(index: &Index<'_>, expiring: usize, words: &Catalogue) -> Vec<Number> {
    let inventory = index.inventory;
    let real = || {
        inventory
            .dependencies
            .iter()
            .filter(|d| !crate::index::is_wrong(d))
    };
    let devices = inventory
        .entities
        .iter()
        .filter(|e| e.kind == "device")
        .count();
    let of_waves: usize = super::waves::asked(index, words).values().sum();
    let asked = index.questions().count() + of_waves;
    let figures = [
        (
            "hosts",
            inventory
                .entities
                .iter()
                .filter(|e| runs_services(e))
                .count(),
            words.number_hosts,
        ),
        ("devices", devices, words.number_devices),
        ("dependencies", real().count(), words.number_dependencies),
        (
            "hidden",
            real().filter(|d| d.hidden).count(),
            words.number_hidden,
        ),
        ("certificates", expiring, words.number_certificates),
        ("people", asked, words.number_people),
    ];
    let figures = figures
        .into_iter()
        .filter(|(about, value, _)| *about != "devices" || *value > 0);
    figures
        .map(|(about, value, label)| Number {
            about,
            value,
            shown: human::number(value),
            label,
        })
        .collect()
}

/// How much is probably still unseen, in the words of whoever estimated it, and only where it means something.
pub(crate) fn unseen(inventory: &Inventory) -> Option<String> {
    let estimate = inventory.estimate.as_ref().filter(|e| e.meaningful)?;
    let says = estimate.says.join(" ");
    (!says.is_empty()).then(|| groma_model::visible::visible(&says).into_owned())
}

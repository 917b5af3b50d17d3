//! `operating-system-end-of-life`: an operating system gets no corrections any more, or soon will not.

use std::collections::BTreeMap;

use groma_model::Timestamp;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::wording::{count, in_days, names};
use crate::{Check, Draft, View};

/// How long ahead it is worth a line.
const DAYS_AHEAD: i64 = 365;

pub(crate) struct OperatingSystemEndOfLife;

impl Check for OperatingSystemEndOfLife {
    fn name(&self) -> &'static str {
        "operating-system-end-of-life"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut hosts: BTreeMap<(&str, &str), Vec<&Entity>> = BTreeMap::new();
        for entity in view.entities() {
            if let Some(system) = &entity.attributes.operating_system {
                hosts
                    .entry((&system.id, &system.version))
                    .or_default()
                    .push(entity);
            }
        }
        let ending = hosts.into_iter().filter_map(|((id, version), hosts)| {
            let end = groma_knowledge::end_of_life(id, version)?;
            (view.now.days_until(end) <= DAYS_AHEAD)
                .then(|| draft(view, (id, version), end, &hosts))
        });
        ending.collect()
    }
}

fn draft(view: &View<'_>, (id, version): (&str, &str), end: Timestamp, hosts: &[&Entity]) -> Draft {
    let days = view.now.days_until(end);
    let over = days < 0;
    let system = hosts
        .iter()
        .find_map(|h| h.attributes.operating_system.as_ref());
    let pretty = system
        .map(|s| s.pretty_name.as_str())
        .filter(|n| !n.is_empty());
    let pretty = pretty.map_or_else(|| format!("{id} {version}"), str::to_owned);
    let mut draft = Draft::about(&[id, version]);
    draft.severity = if over {
        Severity::High
    } else {
        Severity::Medium
    };
    "os".clone_into(&mut draft.layer);
    draft.likelihood = if over {
        Likelihood::High
    } else {
        Likelihood::Medium
    };
    let machines = count(hosts.len(), "machine", "machines");
    draft.risk = match over {
        true => format!(
            "{pretty} gets no security corrections any more: a hole found today stays open on {machines}."
        ),
        false => format!(
            "{pretty} gets no security corrections after {}: {machines} must be upgraded or replaced by then.",
            end.day()
        ),
    };
    let verb = if over { "ended" } else { "ends" };
    draft.indicator = format!(
        "support {verb} on {} ({}); runs on {}",
        end.day(),
        in_days(days),
        names(hosts.iter().map(|h| &h.name))
    );
    "An attack through a known hole cannot be stopped by patching; insurers and auditors ask for it first.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Move the services to a supported system as part of a wave; do not copy the old system as it is.",
        "Until then: extended support if the maker sells it, and reachable only by the machines that need it.",
    ];
    draft.control_date = Some(end);
    for host in hosts {
        draft.points_at(host);
        draft.cites_evidence(
            host.evidence
                .get(..host.evidence.len().min(3))
                .unwrap_or_default(),
        );
    }
    draft
}

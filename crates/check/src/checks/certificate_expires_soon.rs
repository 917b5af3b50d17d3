//! `certificate-expires-soon`: a certificate in use stops being valid, or already has.

use std::collections::HashMap;
use std::time::Duration;

use groma_model::inventory::{Likelihood, Severity};
use groma_model::{EntityId, Timestamp};

use super::leaf::{Leaf, leaves};
use crate::view::{consumers, lower};
use crate::wording::{count, in_days, names};
use crate::{Check, Draft, View};

const DAYS_CRITICAL: i64 = 14;
const DAYS_HIGH: i64 = 30;
const DAYS_MEDIUM: i64 = 90;
/// How long before the end somebody must have acted.
const DAYS_AHEAD: u64 = 14;

pub(crate) struct CertificateExpiresSoon;

impl Check for CertificateExpiresSoon {
    fn name(&self) -> &'static str {
        "certificate-expires-soon"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let leaves = leaves(view);
        let due = |leaf: &&Leaf<'_>| view.now.days_until(leaf.certificate.not_after) <= DAYS_MEDIUM;
        let due: Vec<&Leaf<'_>> = leaves.iter().filter(due).collect();
        let mut by_host: HashMap<&EntityId, Vec<&Leaf<'_>>> = HashMap::new();
        for leaf in &leaves {
            for host in leaf.hosts() {
                by_host.entry(host).or_default().push(leaf);
            }
        }
        let beside = |leaf: &Leaf<'_>| {
            let hosts = leaf.hosts().into_iter();
            let there = hosts.flat_map(|host| by_host.get(host)).flatten();
            view.work
                .walked(there.copied())
                .any(|new| replaces(new, leaf))
        };
        let is_superseded = |old: &Leaf<'_>| is_spare(old) && beside(old);
        due.into_iter()
            .filter(|leaf| !is_superseded(leaf))
            .map(|leaf| draft(view, leaf))
            .collect()
    }
}

/// An old copy in a file: nobody presents it or is set up to. It is superseded where a later certificate for the same
/// subject is in use on a host of its.
fn is_spare(old: &Leaf<'_>) -> bool {
    old.endpoints.is_empty() && !old.is_set_up()
}

fn replaces(new: &Leaf<'_>, old: &Leaf<'_>) -> bool {
    let same = new.certificate.subject == old.certificate.subject
        && new.certificate.names == old.certificate.names;
    let same = same || new.certificate.spki_sha256 == old.certificate.spki_sha256;
    same && new.certificate.not_after > old.certificate.not_after
}

fn draft(view: &View<'_>, leaf: &Leaf<'_>) -> Draft {
    let days = view.now.days_until(leaf.certificate.not_after);
    let users = leaf.users(view);
    let mut draft = Draft::about(&[&leaf.certificate.sha256]);
    draft.severity = severity(leaf, days);
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = risk(leaf, days);
    draft.indicator = indicator(view, leaf, days, consumers(&users));
    draft.impact = impact(
        leaf,
        users.iter().map(|d| d.consumer.name.as_str()).collect(),
    );
    draft.mitigations = vec![
        "Find out who renews it and how; ask before the wave, not in it.",
        "Renew it with the names the service will have after the move.",
        "Restart or reload what presents it, then look again: the new date must show.",
    ];
    let ahead = Duration::from_secs(DAYS_AHEAD * 86_400).as_millis();
    let control = leaf
        .certificate
        .not_after
        .millis()
        .saturating_sub(i64::try_from(ahead).unwrap_or(0));
    // A day that is over is no day to do anything.
    draft.control_date = Some(Timestamp::from_millis(control).max(view.now));
    draft.points_at(leaf.entity);
    draft.cites_evidence(&leaf.entity.evidence);
    leaf.hosts()
        .into_iter()
        .filter_map(|h| view.entity(h))
        .for_each(|host| draft.points_at(host));
    users.into_iter().for_each(|d| draft.cites(d));
    draft
}

fn severity(leaf: &Leaf<'_>, days: i64) -> Severity {
    let presented = match days {
        ..0 => Severity::High,
        _ if days <= DAYS_CRITICAL => Severity::Critical,
        _ if days <= DAYS_HIGH => Severity::High,
        _ => Severity::Medium,
    };
    if leaf.reachable {
        presented
    } else {
        lower(presented)
    }
}

fn risk(leaf: &Leaf<'_>, days: i64) -> String {
    let name = leaf.name();
    match (days < 0, leaf.endpoints.is_empty()) {
        (true, false) => format!(
            "The certificate of {name} has expired and is still in use: whoever checks it refuses to connect."
        ),
        (true, true) => format!(
            "The certificate of {name} has expired and still lies beside its key: whatever loads it will be refused."
        ),
        (false, false) => format!(
            "The certificate of {name} expires {}: whoever checks it will refuse to connect from then on.",
            in_days(days)
        ),
        (false, true) => format!(
            "The certificate of {name} expires {}: whatever loads it will be refused from then on.",
            in_days(days)
        ),
    }
}

fn indicator(view: &View<'_>, leaf: &Leaf<'_>, days: i64, users: usize) -> String {
    let verb = if leaf.endpoints.is_empty() {
        "stored in"
    } else {
        "presented at"
    };
    let until = leaf.certificate.not_after.day();
    let needed = match users {
        0 => String::new(),
        _ => format!(
            "; {} through it",
            count(users, "machine connects", "machines connect")
        ),
    };
    let when = if days < 0 {
        "expired on"
    } else {
        "valid until"
    };
    let parts = leaf.parts(view);
    let parts = match parts.is_empty() {
        true => String::new(),
        false => format!("; used by {}", names(parts)),
    };
    format!(
        "{verb} {}, {when} {until} ({}){parts}{needed}",
        names(leaf.places(view)),
        in_days(days)
    )
}

fn impact(leaf: &Leaf<'_>, users: Vec<&str>) -> String {
    if !users.is_empty() {
        return format!(
            "{} can no longer connect, without anybody having changed anything.",
            names(users)
        );
    }
    if leaf.endpoints.is_empty() {
        return "The service that loads it stops being trusted; nobody was seen presenting it so far.".to_owned();
    }
    "Logons, mail and interfaces over this endpoint stop, without anybody having changed anything."
        .to_owned()
}

//! Records that lead to what goes: how long others remember them, and which must say something else afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::inventory::MailRecordEntry;
use groma_model::mail::MailPurpose;
use groma_model::remembered::{SHORT_SECONDS, lower_by};
use groma_model::wording::{count, lasting};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{EntityId, EvidenceId, Timestamp};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = to_lower(scene);
    drafts.extend(to_change(scene));
    drafts.extend(of_mail(scene));
    drafts.extend(names_that_follow(scene));
    drafts
}

/// One set of records: a zone's own, or one that was asked for.
struct Record<'a> {
    what: String,
    seconds: u32,
    /// The moment by which it must be shorter; none where it is short already.
    by: Option<Timestamp>,
    machines: &'a [EntityId],
    evidence: &'a [EvidenceId],
}

fn records<'a>(scene: &Scene<'a>) -> Vec<Record<'a>> {
    let Some(begins) = scene.begins() else {
        return Vec::new();
    };
    let leads = |machines: &[EntityId]| machines.iter().any(|m| scene.leaving.contains(m));
    let zones = scene
        .inventory
        .zone_records
        .iter()
        .filter(|r| leads(&r.machines) && r.kind != "PTR");
    let zones = zones.filter_map(|r| {
        let seconds = r.ttl_seconds?;
        let before = Duration::from_secs(seconds.into());
        let millis = begins
            .millis()
            .saturating_sub(i64::try_from(before.as_millis()).ok()?);
        Some(Record {
            what: format!("{} {}", r.kind, shown(r)),
            seconds,
            by: (seconds > SHORT_SECONDS).then(|| Timestamp::from_millis(millis)),
            machines: &r.machines,
            evidence: &r.evidence,
        })
    });
    let asked = scene
        .inventory
        .mail_records
        .iter()
        .filter(|r| leads(&r.machines));
    let asked = asked.filter_map(|r| {
        Some(Record {
            what: format!("{} at {}", r.purpose.as_str(), r.asked),
            seconds: r.ttl_seconds?,
            by: lower_by(r, begins).map(|(_, by)| by),
            machines: &r.machines,
            evidence: &r.evidence,
        })
    });
    zones.chain(asked).collect()
}

fn shown(record: &ZoneRecordEntry) -> String {
    match &record.view {
        Some(view) => format!("{} (view {view})", record.owner),
        None => record.owner.clone(),
    }
}

/// Records of one time to live are one thing to do.
fn to_lower(scene: &Scene<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<(Option<Timestamp>, u32), Vec<Record<'_>>> = BTreeMap::new();
    let mut short: Vec<Record<'_>> = Vec::new();
    for record in records(scene) {
        match record.by {
            Some(by) => groups
                .entry((Some(by), record.seconds))
                .or_default()
                .push(record),
            None => short.push(record),
        }
    }
    let mut drafts: Vec<Draft> = groups
        .into_iter()
        .map(|((by, seconds), group)| {
            let says = format!("Lower the time to live of {} to five minutes.", names(group.iter().map(|r| &r.what)));
            cited(Draft::to_do(Topic::Names, &["ttl", &seconds.to_string()], says), &group)
                .because(format!("{} remembered for {}: who asks later than this goes to the old place after the switch.", count(group.len(), "record is", "records are"), lasting(seconds)))
                .by(by)
        })
        .collect();
    if !short.is_empty() {
        let says = format!(
            "{} {} remembered for ten minutes at most.",
            names(short.iter().map(|r| &r.what)),
            if short.len() == 1 { "is" } else { "are" }
        );
        drafts.push(cited(Draft::done(Topic::Names, &["short"], says), &short));
    }
    drafts
}

fn cited(draft: Draft, records: &[Record<'_>]) -> Draft {
    let machines: BTreeSet<&EntityId> = records.iter().flat_map(|r| r.machines).collect();
    draft
        .on(machines)
        .cites(records.iter().flat_map(|r| r.evidence))
}

/// The records a zone must hold otherwise after the switch, one item per zone.
fn to_change(scene: &Scene<'_>) -> Vec<Draft> {
    let mut zones: BTreeMap<&str, Vec<&ZoneRecordEntry>> = BTreeMap::new();
    let direct = |r: &&ZoneRecordEntry| {
        r.machines.iter().any(|m| scene.leaving.contains(m)) && !r.owner.starts_with('*')
    };
    // An alias follows the record it leads to.
    let moved = |r: &&ZoneRecordEntry| r.kind != "CNAME" || r.through.is_empty();
    for record in scene
        .inventory
        .zone_records
        .iter()
        .filter(direct)
        .filter(moved)
    {
        zones.entry(record.zone.as_str()).or_default().push(record);
    }
    zones
        .into_iter()
        .map(|(zone, records)| {
            let said = records.iter().map(|r| format!("{} {} = {}", r.kind, shown(r), r.values.join(" ")));
            let servers: BTreeSet<&EntityId> = records.iter().flat_map(|r| &r.kept_by).collect();
            let says = format!("Prepare the change of {} of zone {zone}: {}.", count(records.len(), "record", "records"), names(said));
            Draft::to_do(Topic::Names, &["zone", zone], says)
                .because("They lead to machines of this wave. Whatever leads to them through an alias follows by itself.")
                .who(scene.owner_of_all(servers.iter().copied()))
                .on(servers)
                .cites(records.iter().flat_map(|r| &r.evidence))
                .by(scene.begins())
        })
        .collect()
}

/// What receivers of mail are told of the machines that go.
fn of_mail(scene: &Scene<'_>) -> Vec<Draft> {
    let leads = |r: &&MailRecordEntry| r.machines.iter().any(|m| scene.leaving.contains(m));
    let mut drafts = Vec::new();
    for record in scene.inventory.mail_records.iter().filter(leads) {
        let domain = record.domain.as_str();
        let says = match record.purpose {
            MailPurpose::Spf => format!(
                "Add the new sender to the SPF record of {domain} before the switch; take the old one out when nothing is sent from it any more."
            ),
            MailPurpose::Reverse => format!(
                "Have a PTR record made for the new address before the switch: receivers of mail ask for it ({}).",
                record.asked
            ),
            MailPurpose::Exchanger => {
                format!("Prepare the MX record of {domain} for the new place.")
            }
            _ => continue,
        };
        let about = [record.purpose.as_str(), record.asked.as_str()];
        let held = match record.values.is_empty() {
            true => String::new(),
            false => format!("It says now: {}.", record.values.join(" ")),
        };
        drafts.push(
            Draft::to_do(Topic::Names, &about, says)
                .because(held)
                .on(&record.machines)
                .cites(&record.evidence)
                .by(scene.begins()),
        );
    }
    drafts
}

/// A name that must follow must be a record somebody can change.
fn names_that_follow(scene: &Scene<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (moving, name) in scene
        .moves
        .iter()
        .flat_map(|m| m.promise.names_that_follow.iter().map(move |n| (m, n)))
    {
        let plain = name.trim_end_matches('.').to_lowercase();
        let found: Vec<_> = scene.inventory.find(&plain);
        let about = ["follows", &moving.promise.from, plain.as_str()];
        if found.is_empty() {
            let says = format!(
                "Where is the name {name} kept? It must lead to {} afterwards, and nobody was seen using it.",
                moving.promise.to
            );
            drafts.push(Draft::ask(Topic::Names, &about, says).by(scene.begins()));
        } else if !found
            .iter()
            .any(|e| moving.old.contains(&e.id) || moving.new.contains(&e.id))
        {
            let says = format!(
                "Correct the name {name} in the wave file: it leads to {}, not to {}.",
                names(found.iter().map(|e| &e.name)),
                moving.promise.from
            );
            drafts.push(Draft::to_do(Topic::Names, &about, says).on(found.iter().map(|e| &e.id)));
        }
    }
    drafts
}

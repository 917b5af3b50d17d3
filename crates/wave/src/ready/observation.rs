//! Whether enough was seen: a machine that was watched for an hour has not shown its month.

use std::collections::BTreeMap;
use std::time::Duration;

use groma_model::inventory::{CoverageEntry, Entity};
use groma_model::wording::{agree, count};
use groma_model::{EntityId, Timestamp};

use super::item::{Draft, Topic, names};
use super::scene::Scene;
use crate::machines::is_machine;
use crate::residual::Watched;

/// A week has every working day in it.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// What was seen longer ago may have changed.
const FRESH: Duration = Duration::from_secs(3 * 86_400);

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let spans = spans(scene);
    let mut drafts: Vec<Draft> = without_agent(scene).into_iter().collect();
    let (mut long, mut short, mut stale) = (Vec::new(), Vec::new(), Vec::new());
    for machine in scene.machines().filter(|m| m.has_agent) {
        // A machine of which no look tells was not watched at all.
        let never = Span {
            from: scene.now,
            to: scene.now,
        };
        let span = spans.get(&machine.id).unwrap_or(&never);
        match span.to.since(span.from) >= WEEK {
            true => long.push((machine, *span)),
            false => short.push((machine, *span)),
        }
        if scene.now.since(span.to) > FRESH {
            stale.push((machine, *span));
        }
    }
    drafts.extend(too_short(scene, &short));
    drafts.extend(too_old(scene, &stale));
    drafts.extend(long_enough(&long));
    drafts.extend(monthly(scene, &spans));
    drafts.extend(unseen(scene));
    drafts
}

/// The time that looks at a machine speak about: live ones without a gap of more than a day, and how far its logs reach back.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    to: Timestamp,
}

fn spans(scene: &Scene<'_>) -> BTreeMap<EntityId, Span> {
    let mut spans: BTreeMap<EntityId, Span> = BTreeMap::new();
    let mut told = |machine: &EntityId, from: Timestamp, to: Timestamp| {
        let span = spans.entry(machine.clone()).or_insert(Span { from, to });
        span.from = span.from.min(from);
        span.to = span.to.max(to);
    };
    let telling = |c: &&CoverageEntry| {
        let source = c.source.as_str();
        source.starts_with("log.") || source == "host.sockets" || source == "host.flows"
    };
    let own = scene.inventory.coverage.iter().filter(telling);
    for seen in own.filter(|c| scene.leaving.contains(&c.vantage)) {
        told(&seen.vantage, seen.from, seen.to);
    }
    for machine in &scene.leaving {
        let since = Timestamp::from_millis(i64::MIN);
        let watched = Watched::of(machine, &[], since, scene.now, scene.watches);
        if let (Some(from), Some(to)) = (watched.from, watched.to) {
            told(machine, from, to);
        }
    }
    spans
}

fn without_agent(scene: &Scene<'_>) -> Option<Draft> {
    let blind: Vec<&Entity> = scene
        .machines()
        // A device takes no agent.
        .filter(|m| !m.has_agent && is_machine(m) && m.kind != "device")
        .collect();
    (!blind.is_empty()).then(|| {
        let says = format!("Put an agent on {}, or have somebody say what only {} can tell.", names(blind.iter().map(|m| &m.name)), agree(blind.len(), "it", "they"));
        Draft::to_do(Topic::Observation, &["agent"], says)
            .because("Nobody looked from inside: its jobs, its files and whom it calls are known only as far as others saw them.")
            .on(blind.iter().map(|m| &m.id))
            .by(scene.begins())
    })
}

fn too_short(scene: &Scene<'_>, short: &[(&Entity, Span)]) -> Option<Draft> {
    (!short.is_empty()).then(|| {
        let says = format!("Watch {} for a whole week before the wave.", names(short.iter().map(|(m, _)| &m.name)));
        let longest = short.iter().map(|(_, s)| s.to.since(s.from)).max().unwrap_or_default();
        let starts = scene.begins().map(|at| Timestamp::from_millis(at.millis().saturating_sub(i64::try_from(WEEK.as_millis()).unwrap_or(0))));
        Draft::to_do(Topic::Observation, &["week"], says)
            .because(format!("What is known of {} speaks of {} at most: who calls once a week has not been seen.", agree(short.len(), "it", "them"), lasted(longest)))
            .on(short.iter().map(|(m, _)| &m.id))
            .by(starts)
    })
}

fn too_old(scene: &Scene<'_>, stale: &[(&Entity, Span)]) -> Option<Draft> {
    (!stale.is_empty()).then(|| {
        let newest = stale.iter().map(|(_, s)| s.to).max().unwrap_or(scene.now);
        let says = format!(
            "Look at {} again: the newest look is of {}.",
            names(stale.iter().map(|(m, _)| &m.name)),
            newest.day()
        );
        Draft::to_do(Topic::Observation, &["stale"], says)
            .on(stale.iter().map(|(m, _)| &m.id))
            .by(scene.begins())
    })
}

fn long_enough(long: &[(&Entity, Span)]) -> Option<Draft> {
    let shortest = long.iter().map(|(_, s)| s.to.since(s.from)).min()?;
    let says = format!(
        "{} {} watched for a week or longer, by looks and by {} own logs.",
        names(long.iter().map(|(m, _)| &m.name)),
        agree(long.len(), "was", "were"),
        agree(long.len(), "its", "their")
    );
    Some(
        Draft::done(Topic::Observation, &["long"], says)
            .because(format!("At least {}.", lasted(shortest)))
            .on(long.iter().map(|(m, _)| &m.id)),
    )
}

/// Needs that return less often than anybody has watched.
fn monthly(scene: &Scene<'_>, spans: &BTreeMap<EntityId, Span>) -> Option<Draft> {
    let watched = spans
        .values()
        .map(|s| s.to.since(s.from))
        .max()
        .unwrap_or_default();
    let rare: Vec<_> = scene
        .inward
        .iter()
        .chain(&scene.outward)
        .filter(|d| d.details.last_used.is_none())
        .filter(|d| {
            matches!(
                d.rhythm.as_deref(),
                Some("monthly" | "quarterly" | "yearly")
            )
        })
        .collect();
    (!rare.is_empty()).then(|| {
        let who = names(rare.iter().map(|d| format!("{} to {} ({})", d.consumer.name, d.provider.name, d.rhythm.as_deref().unwrap_or_default())));
        let says = format!("Run by hand, or ask the owner of, what returns less often than anybody has watched: {who}.");
        Draft::to_do(Topic::Observation, &["rare"], says)
            .because(format!("{} written down and never seen in {}.", count(rare.len(), "need is", "needs are"), lasted(watched)))
            .on(rare.iter().map(|d| &d.id))
            .cites(rare.iter().flat_map(|d| &d.evidence))
            .by(scene.begins())
    })
}

/// What the estimate of the estate says, or why it says nothing yet.
fn unseen(scene: &Scene<'_>) -> Option<Draft> {
    let estimate = scene.inventory.estimate.as_ref()?;
    let about = ["estimate"];
    let few = |range: Option<[f64; 3]>| range.is_none_or(|[_, middle, _]| middle < 0.5);
    let draft = match (estimate.meaningful, &estimate.why_not) {
        (true, _) if few(estimate.unseen_hosts) && few(estimate.unseen_dependencies) => {
            Draft::done(Topic::Observation, &about, estimate.says.join(" "))
        }
        (true, _) => {
            let says = format!(
                "Is this few enough for the wave? {}",
                estimate.says.join(" ")
            );
            Draft::ask(Topic::Observation, &about, says)
        }
        (false, Some(why)) => {
            let says = "How much is still unseen? Too little was seen to say it.";
            return Some(Draft::ask(Topic::Observation, &about, says).because(why.clone()));
        }
        (false, None) => return None,
    };
    Some(
        draft
            .because(estimate.method.clone())
            .who(scene.wave.owner.clone()),
    )
}

/// `9 days`, `30 hours`, `20 minutes`.
fn lasted(length: Duration) -> String {
    let seconds = length.as_secs();
    let whole = |unit: u64| usize::try_from(seconds / unit).unwrap_or(usize::MAX);
    match seconds {
        ..3_600 => count(whole(60), "minute", "minutes"),
        3_600..172_800 => count(whole(3_600), "hour", "hours"),
        _ => count(whole(86_400), "day", "days"),
    }
}

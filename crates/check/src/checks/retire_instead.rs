//! `retire-instead`: a machine serves something, everybody who came would have been seen, and nobody came.
//!
//! The cheapest migration is none. It is proposed only where silence is an answer: every connection to the machine was
//! watched for two weeks, or the service's own log tells a whole month. A watch that samples, a log that is off by default, a
//! machine that runs containers or hands on for others, and one whose owner decided already, are left alone. So is a machine
//! that a setting somewhere names: that it was not used yet is what `never-seen-alive` says.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::logs::{LOG_GRAMMARS, LogGrammar};
use groma_knowledge::services::service_of_program;
use groma_model::inventory::{
    CoverageEntry, Dependency, Disposition, Entity, Likelihood, ListenerEntry, Severity,
};
use groma_model::{CoverageState, EntityId, Transport};

use crate::view::is_loopback_or_link;
use crate::wording::{bytes, count, names, place, title};
use crate::{Check, Draft, View};

/// Days every connection must have been watched.
const DAYS_WATCHED: i64 = 14;
/// Days a log must tell of, whole.
const DAYS_LOGGED: i64 = 30;
/// Days after which what was watched says nothing of today.
const DAYS_OLD: i64 = 7;
/// A rhythm that a shorter watch may miss.
const DAYS_OF_MONTH: i64 = 32;
/// Kinds by which a machine is looked after and does no work for others.
const LOOKED_AFTER: &[&str] = &["monitoring", "snmp", "backup"];
/// Kinds that nearly every machine serves, by which people reach it.
const ON_EVERY_MACHINE: &[&str] = &["ssh", "rdp", "telnet"];
/// The kind of what nobody knows.
const UNKNOWN: &str = "other";
/// Ports of programs that are no service to anybody: DHCP's client, the port mapper, mDNS, LLMNR.
const NO_SERVICE: &[u16] = &[68, 111, 546, 5353, 5355];

pub(crate) struct RetireInstead;

impl Check for RetireInstead {
    fn name(&self) -> &'static str {
        "retire-instead"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut watchers: BTreeMap<&EntityId, BTreeSet<&EntityId>> = BTreeMap::new();
        for row in view.all(|i| &i.watching) {
            if let Some(by) = &row.by {
                watchers.entry(&row.entity).or_default().insert(by);
            }
        }
        // Rows of logs and packets may know of a use that made no dependency.
        let mut used: BTreeMap<&EntityId, BTreeSet<&EntityId>> = BTreeMap::new();
        for row in view.all(|i| &i.ledger).filter(|row| !row.refused) {
            if !LOOKED_AFTER.contains(&row.kind.as_str()) {
                used.entry(&row.provider).or_default().insert(&row.consumer);
            }
        }
        let mut kept: BTreeMap<&EntityId, Vec<&Entity>> = BTreeMap::new();
        for entity in view.entities() {
            if let Some(on) = &entity.attributes.lies_on {
                kept.entry(on).or_default().push(entity);
            }
        }
        let none = BTreeSet::new();
        let machines = view.entities().filter(|e| is_candidate(view, e));
        machines
            .filter_map(|machine| {
                let watchers = watchers.get(&machine.id).unwrap_or(&none);
                let used = used.get(&machine.id).unwrap_or(&none);
                if !used
                    .iter()
                    .all(|by| *by == &machine.id || watchers.contains(by))
                {
                    return None;
                }
                let seen_by = seen_by(view, machine, watchers)?;
                let proof = Proof::of(view, machine)?;
                let kept = kept.get(&machine.id).map(Vec::as_slice).unwrap_or_default();
                Some(draft(view, machine, &proof, &seen_by, kept))
            })
            .collect()
    }
}

/// A machine that was looked at from inside, and of which nobody decided yet.
fn is_candidate(view: &View<'_>, machine: &Entity) -> bool {
    let is_machine = matches!(machine.kind.as_str(), "host" | "vm" | "device");
    let attributes = &machine.attributes;
    let hands_on = !attributes.forwards.is_empty();
    let contains = attributes.containers.iter().any(|c| c.running);
    let decided = |disposition: Option<Disposition>| disposition.is_some();
    is_machine
        && machine.has_agent
        && !hands_on
        && !contains
        && !view
            .systems_of(&machine.id)
            .any(|system| decided(system.disposition))
}

/// Who came only to look after it, by name; `None` if anybody else needs it.
fn seen_by<'a>(
    view: &View<'a>,
    machine: &Entity,
    watchers: &BTreeSet<&EntityId>,
) -> Option<Vec<&'a Dependency>> {
    let backups: BTreeSet<&EntityId> = view
        .backups(&machine.id)
        .filter_map(|backup| backup.by.as_ref())
        .collect();
    let mut seen = Vec::new();
    for d in view.needs_for(&machine.id).filter(|d| !d.details.local) {
        let by = &d.consumer.entity;
        let looks_after = LOOKED_AFTER.contains(&d.kind.as_str())
            || watchers.contains(by)
            || backups.contains(by);
        if !looks_after {
            return None;
        }
        seen.push(d);
    }
    Some(seen)
}

/// Why silence is an answer.
struct Proof<'a> {
    /// What it serves.
    serves: Vec<&'a ListenerEntry>,
    /// How it is known.
    says: String,
    /// Days that are covered.
    days: i64,
    /// True if only its logs tell.
    by_logs: bool,
}

impl<'a> Proof<'a> {
    fn of(view: &View<'a>, machine: &Entity) -> Option<Self> {
        let listeners = view.listeners(&machine.id);
        let open = listeners.iter().copied().filter(|l| is_service(l));
        let serves: Vec<&ListenerEntry> = open.collect();
        let known =
            |l: &&&ListenerEntry| kind(l).is_some_and(|k| k != UNKNOWN && !is_by_the_way(k));
        serves.iter().find(known)?;
        let complete =
            |l: &&ListenerEntry| view.listeners_complete(&machine.id, l.transport, l.port);
        if !serves.iter().all(complete) {
            return None;
        }
        let coverage = view.coverage(&machine.id);
        if let Some(days) = watched(view, coverage, &serves) {
            let says = format!("every connection was watched for {days} days");
            return Some(Self {
                serves,
                says,
                days,
                by_logs: false,
            });
        }
        let asked = serves
            .iter()
            .filter(|l| kind(l).is_none_or(|k| !is_by_the_way(k)));
        let mut days = i64::MAX;
        for listener in asked {
            days = days.min(logged(view, coverage, listener)?);
        }
        let says = format!("its own logs tell of {days} days without a hole");
        Some(Self {
            serves,
            says,
            days,
            by_logs: true,
        })
    }
}

/// True for what nearly every machine serves, or is looked after by.
fn is_by_the_way(kind: &str) -> bool {
    ON_EVERY_MACHINE.contains(&kind) || LOOKED_AFTER.contains(&kind)
}

fn is_service(listener: &ListenerEntry) -> bool {
    !is_loopback_or_link_only(listener) && !NO_SERVICE.contains(&listener.port.0)
}

fn is_loopback_or_link_only(listener: &ListenerEntry) -> bool {
    is_loopback_or_link(&listener.address) && !listener.address.is_unspecified()
}

/// What a listener speaks, where it is known.
fn kind(listener: &ListenerEntry) -> Option<&str> {
    let program = listener.process.executable.as_ref().map(|e| e.lossy());
    let program = program.as_deref().unwrap_or_default();
    let known = || service_of_program(program, listener.process.unit.as_deref());
    listener
        .service
        .as_deref()
        .or_else(|| known().map(|service| service.kind.as_str()))
}

/// For how many days everybody who called would have been seen.
fn watched(view: &View<'_>, coverage: &[&CoverageEntry], serves: &[&ListenerEntry]) -> Option<i64> {
    let ways: BTreeSet<Transport> = serves.iter().map(|l| l.transport).collect();
    let mut least = i64::MAX;
    for way in ways {
        let scope = format!("flow:host/{}", way.as_str());
        let mut looks = coverage
            .iter()
            .filter(|c| c.source.as_str() == "host.flows" && c.scope == scope);
        let look = looks.find(|c| is_whole(c, way))?;
        least = least.min(recent_days(view, look)?);
    }
    (least >= DAYS_WATCHED).then_some(least)
}

/// True if nothing came past the watch. Flows are never called complete, for who comes tomorrow was not seen; how they were
/// watched says whether anybody was missed.
fn is_whole(look: &CoverageEntry, way: Transport) -> bool {
    let how = look.how.as_deref().unwrap_or_default();
    let sampled = how.contains("; sampled");
    match way {
        Transport::Tcp => {
            how.starts_with("flow coverage: every connection")
                && how.contains("; 0 events lost")
                && !sampled
        }
        _ => how.starts_with("flow coverage: every datagram") && !sampled,
    }
}

/// Whole days a look speaks of, if it ended lately.
fn recent_days(view: &View<'_>, look: &CoverageEntry) -> Option<i64> {
    let is_recent = look.to.days_until(view.now) <= DAYS_OLD;
    is_recent.then(|| look.from.days_until(look.to))
}

/// For how many days the log of the program behind a listener tells of everybody.
fn logged(view: &View<'_>, coverage: &[&CoverageEntry], listener: &ListenerEntry) -> Option<i64> {
    let program = listener.process.executable.as_ref()?.lossy();
    let kind = kind(listener)?;
    let grammar = LOG_GRAMMARS.iter().find(|g| writes(g, &program, kind))?;
    let logs: Vec<&&CoverageEntry> = coverage
        .iter()
        .filter(|c| c.source.as_str() == "log.services" && is_log_of(c, grammar))
        .collect();
    // One log of several with a hole may be the one that tells.
    if logs.iter().any(|c| c.state != CoverageState::Complete) {
        return None;
    }
    let days = logs.iter().filter_map(|c| recent_days(view, c)).min()?;
    (days >= DAYS_LOGGED).then_some(days)
}

/// True if the grammar is of this program, and its log tells who used it without being switched on.
fn writes(grammar: &LogGrammar, program: &str, kind: &str) -> bool {
    let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    !grammar.off_by_default
        && grammar.programs.iter().any(|p| file(p) == file(program))
        && grammar.speaker.iter().any(|speaker| speaker.kind == kind)
}

fn is_log_of(look: &CoverageEntry, grammar: &LogGrammar) -> bool {
    let path = look.scope.strip_prefix("log:").unwrap_or_default();
    grammar.files.iter().any(|pattern| fits(pattern, path))
}

/// True if `path` is meant by `pattern`, in which one `*` stands for any text without `/`.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let between = path.strip_prefix(head).and_then(|p| p.strip_suffix(tail));
    between.is_some_and(|between| !between.contains('/'))
}

fn draft(
    view: &View<'_>,
    machine: &Entity,
    proof: &Proof<'_>,
    seen_by: &[&Dependency],
    kept: &[&Entity],
) -> Draft {
    let mut draft = Draft::about(&[machine.id.as_str()]);
    draft.severity = Severity::Low;
    draft.layer.clone_from(&machine.layer);
    draft.likelihood = Likelihood::Medium;
    let name = &machine.name;
    draft.risk = format!(
        "{name} would be migrated though nobody was found who uses it: it may be retired instead."
    );
    let services = names(proof.serves.iter().map(|l| match kind(l) {
        Some(kind) => format!("{} at port {}", title(kind), l.port),
        None => format!("port {}", l.port),
    }));
    let after = match seen_by {
        [] => "nobody".to_owned(),
        some => format!(
            "only {}, to look after it,",
            names(some.iter().map(|d| &d.consumer.name))
        ),
    };
    let against = against(view, machine, proof, kept);
    let against = match against.is_empty() {
        true => "nothing found speaks against it".to_owned(),
        false => format!("against it: {}", against.join("; ")),
    };
    draft.indicator = format!(
        "it serves {services}; {after} came; {}; {against}",
        proof.says
    );
    "Work, licences and a window for something that nobody may need; and it goes on to be patched and backed up."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask its owner on the questionnaire what shall become of it, and who else uses it.",
        "Watch it over a month's end; then stop its services for a week and let somebody listen who complains.",
        "Keep its data for as long as the law asks before it is switched off for good.",
    ];
    draft.points_at(machine);
    for listener in &proof.serves {
        draft.cites_evidence(&listener.evidence);
    }
    seen_by.iter().for_each(|d| draft.cites(d));
    draft
}

/// What speaks against retiring it.
fn against(view: &View<'_>, machine: &Entity, proof: &Proof<'_>, kept: &[&Entity]) -> Vec<String> {
    let mut said = Vec::new();
    if proof.days < DAYS_OF_MONTH {
        said.push("what comes once a month may not have come yet".to_owned());
    }
    let mut doors = proof.serves.iter().filter_map(|l| kind(l));
    if proof.by_logs && doors.any(|k| ON_EVERY_MACHINE.contains(&k)) {
        said.push("who comes by remote logon stands in none of these logs".to_owned());
    }
    let people: BTreeSet<String> = machine
        .attributes
        .accounts
        .iter()
        .filter(|account| account.can_log_in && is_person(&account.id))
        .map(|account| account.name.lossy().into_owned())
        .collect();
    if !people.is_empty() {
        let number = people.len();
        said.push(format!(
            "{} can log on to it",
            count(number, "person", "people")
        ));
    }
    said.extend(works_for_others(view, machine));
    let changing = kept.iter().filter_map(|thing| changing(view, thing));
    let changing: Vec<String> = changing.collect();
    if !changing.is_empty() {
        said.push(format!("still written to: {}", names(changing)));
    }
    said
}

/// Users, and neither root nor accounts of the system: by the number, or by the kind of SID.
fn is_person(id: &str) -> bool {
    match id.parse::<u64>() {
        Ok(number) => (1000..65_534).contains(&number),
        Err(_) => id.starts_with("S-1-5-21-"),
    }
}

/// What it does for others: jobs by a clock, and calls that are no need of every machine.
fn works_for_others(view: &View<'_>, machine: &Entity) -> Vec<String> {
    let calls = view
        .needs_of(&machine.id)
        .filter(|d| !d.details.local && !d.shared_service);
    let calls = calls.filter(|d| !LOOKED_AFTER.contains(&d.kind.as_str()));
    let (jobs, others): (Vec<&Dependency>, Vec<&Dependency>) = calls.partition(|d| {
        d.rhythm.is_some()
            || d.consumer.component.class == groma_model::fact::ComponentClass::ScheduledJob
    });
    let line = |d: &&Dependency| format!("{} ({})", place(&d.provider), title(&d.kind));
    let mut said = Vec::new();
    if !jobs.is_empty() {
        said.push(format!(
            "its scheduled jobs use {}",
            names(jobs.iter().map(line))
        ));
    }
    if !others.is_empty() {
        said.push(format!("it uses {}", names(others.iter().map(line))));
    }
    said
}

/// A share, archive or database on it that was written to within the day before it was measured.
fn changing(view: &View<'_>, thing: &Entity) -> Option<String> {
    let changed: f64 = view
        .volumes(&thing.id)
        .filter_map(|volume| volume.changed_per_day)
        .sum();
    let whole = (changed >= 1.0).then(|| bytes(whole_bytes(changed)))?;
    Some(format!("{} {} ({whole} a day)", thing.kind, thing.name))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and the caller asks for a positive number"
)]
fn whole_bytes(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_no_directory() {
        assert!(fits(
            "/var/log/nginx/*.access.log",
            "/var/log/nginx/shop.access.log"
        ));
        assert!(fits("/var/log/x.log", "/var/log/x.log"));
        assert!(!fits("/var/log/*.log", "/var/log/a/b.log"));
        assert!(!fits("/var/log/ab*ba", "/var/log/aba"));
    }
}

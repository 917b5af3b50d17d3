//! What only a person can answer: one question per thing, not per empty field.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::EntityId;
use groma_model::fact::WatchPurpose;
use groma_model::inventory::{
    Dependency, Entity, Finding, FindingState, Inventory, Question, Severity, System,
};
use groma_model::registry::REGISTRY;
use groma_model::watched::asked_about;

use crate::view::{View, is_loopback_or_link, is_public};
use crate::wording::{count, names, place};

/// Questions of one sort; what is beyond is asked in one question more.
const QUESTIONS_MAX: usize = 40;

/// What `inventory` leaves open for people: owners and criticality of systems and of machines outside any
/// system, and what the strangers are that somebody depends on. Sorted, and bounded per sort.
pub fn questions(inventory: &Inventory) -> Vec<Question> {
    let asked = questions_in(&View::new(inventory, inventory.generated_at));
    with_findings(asked, inventory)
}

/// What is asked whatever was found, in an estate that is already indexed. [`with_findings`] adds the rest.
pub fn questions_in(view: &View<'_>) -> Vec<Question> {
    let inventory = view.inventory;
    let mut asked: Vec<Question> = inventory.systems.iter().filter_map(about_system).collect();
    asked.extend(about_hosts(inventory));
    asked.extend(about_strangers(view));
    asked.extend(about_relays(view));
    asked.extend(about_pins(inventory));
    asked.extend(about_restores(view));
    asked.extend(about_watching(view));
    asked.extend(about_named_consumers(inventory));
    asked.extend(crate::waves_ask::questions(view));
    asked
        .iter_mut()
        .for_each(|question| address(question, view));
    asked
}

/// A question about something that has an owner, or belongs to a system that has one, is that owner's.
fn address(question: &mut Question, view: &View<'_>) {
    if question.to.is_none() {
        let about = view.entity(&EntityId::new(&question.about));
        question.to = about.and_then(|entity| view.owner(entity));
    }
}

/// `asked`, and what the findings of `inventory` leave open. Sorted.
pub fn with_findings(mut asked: Vec<Question>, inventory: &Inventory) -> Vec<Question> {
    asked.extend(about_unused(inventory));
    asked.extend(about_risks(inventory));
    asked.sort();
    asked.dedup();
    asked
}

/// Consumers that a person named and nobody saw: whoever owns the system knows where they stand.
fn about_named_consumers(inventory: &Inventory) -> Vec<Question> {
    if inventory
        .systems
        .iter()
        .all(|s| s.further_consumers.is_empty())
    {
        return Vec::new();
    }
    let mut users: BTreeMap<&EntityId, BTreeSet<&EntityId>> = BTreeMap::new();
    for d in &inventory.dependencies {
        let of = users.entry(&d.provider.entity).or_default();
        of.insert(&d.consumer.entity);
    }
    let mut asked = Vec::new();
    for system in &inventory.systems {
        let known: BTreeSet<&EntityId> = system
            .members
            .iter()
            .filter_map(|member| users.get(member))
            .flatten()
            .copied()
            .collect();
        let unseen = system.further_consumers.iter().filter(|named| {
            let meant = inventory.find(named.name.trim());
            !meant.iter().any(|entity| known.contains(&entity.id))
        });
        asked.extend(unseen.take(QUESTIONS_MAX).map(|named| Question {
            to: system.owner.clone(),
            about: system.id.clone(),
            question: format!(
                "Where does {} run, and how does it reach {}? {} named it on {}, and nobody saw it there.",
                named.name,
                system.name,
                named.by,
                named.on.day()
            ),
        }));
    }
    asked
}

/// Machines nobody was seen to use, as long as the finding about them is open. Without a number: an answer is of the question as
/// it was asked, and the days would be others tomorrow.
fn about_unused(inventory: &Inventory) -> impl Iterator<Item = Question> + '_ {
    let about = |(machine, finding): (&Entity, &Finding)| Question {
        to: finding.owner.clone(),
        about: machine.id.to_string(),
        question: format!(
            "{}: does it have to be moved at all? For weeks nobody was seen to use it, though its connections were watched at every hour of the day.",
            machine.name
        ),
    };
    asked_about(inventory).map(about).take(QUESTIONS_MAX)
}

/// Grave risks that nobody answers for, or that have no date: whoever owns the register cannot close them.
fn about_risks(inventory: &Inventory) -> Vec<Question> {
    let grave = |f: &&Finding| matches!(f.severity, Severity::Critical | Severity::High);
    let stands = |f: &&Finding| f.state == FindingState::Open;
    let is_open = |f: &&Finding| is_blank(f.owner.as_ref()) || f.control_date.is_none();
    let open = inventory.findings.iter().filter(grave).filter(stands);
    let open: Vec<&Finding> = open.filter(is_open).collect();
    let (said, beyond) = open.split_at(open.len().min(QUESTIONS_MAX));
    let mut asked: Vec<Question> = said.iter().map(|finding| about_risk(finding)).collect();
    asked.extend(beyond.first().map(|first| Question {
        to: None,
        about: first.id.to_string(),
        question: format!(
            "Who answers for {} of the register, and by when is each dealt with?",
            count(beyond.len(), "further grave risk", "further grave risks")
        ),
    }));
    asked
}

fn about_risk(finding: &Finding) -> Question {
    let to = finding.owner.clone().filter(|name| !name.trim().is_empty());
    let ask = match (&to, finding.control_date) {
        (None, None) => "Who answers for this risk, and by when is it dealt with?",
        (None, Some(_)) => "Who answers for this risk?",
        (Some(_), _) => "By when is this risk dealt with?",
    };
    Question {
        to,
        about: finding.id.to_string(),
        question: format!("{ask} {}", finding.risk),
    }
}

/// Hashes of certificates nobody met: which one is meant, only a person knows.
fn about_pins(inventory: &Inventory) -> Vec<Question> {
    let hosts = inventory.entities.iter().filter_map(|host| {
        let open = host
            .attributes
            .pins
            .iter()
            .filter(|e| e.certificates.is_empty());
        let places: BTreeSet<String> = open
            .map(|e| format!("{}:{} ({})", e.pin.file, e.pin.line, e.pin.key))
            .collect();
        (!places.is_empty()).then_some((host, places))
    });
    hosts
        .take(QUESTIONS_MAX)
        .map(|(host, places)| {
            ask(
                &host.id,
                format!(
                    "{}: whose certificate is trusted by its hash in {}, and who says when it is renewed? None that was met has it.",
                    host.name,
                    names(places)
                ),
            )
        })
        .collect()
}

fn is_blank(field: Option<&String>) -> bool {
    field.is_none_or(|text| text.trim().is_empty())
}

fn about_system(system: &System) -> Option<Question> {
    let fields = [
        (is_blank(system.owner.as_ref()), "who owns it"),
        (is_blank(system.criticality.as_ref()), "how critical is it"),
        (
            is_blank(system.allowed_downtime.as_ref()),
            "how long may it be down",
        ),
        (is_blank(system.on_call.as_ref()), "who is on call for it"),
        (is_blank(system.key_users.as_ref()), "who are its key users"),
        (
            system.disposition.is_none(),
            "does it stay, move, or is it replaced or retired",
        ),
    ];
    let open: Vec<&str> = fields
        .into_iter()
        .filter_map(|(blank, ask)| blank.then_some(ask))
        .collect();
    if open.is_empty() {
        return None;
    }
    let does = if system.functions.is_empty() {
        String::new()
    } else {
        format!(" ({})", names(&system.functions))
    };
    Some(Question {
        to: system.owner.clone(),
        about: system.id.clone(),
        question: format!("{}{does}: {}?", system.name, open.join(", ")),
    })
}

/// Machines that belong to no system: nobody was asked about them yet.
fn about_hosts(inventory: &Inventory) -> Vec<Question> {
    let in_systems: BTreeSet<&EntityId> =
        inventory.systems.iter().flat_map(|s| &s.members).collect();
    let is_machine = |e: &&Entity| (e.has_agent || e.declared) && REGISTRY.is_machine(&e.kind);
    let alone = |e: &&Entity| {
        e.system.is_none() && !in_systems.contains(&e.id) && is_blank(e.owner.as_ref())
    };
    let mut hosts: Vec<&Entity> = inventory
        .entities
        .iter()
        .filter(is_machine)
        .filter(alone)
        .collect();
    hosts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let beyond = hosts.split_off(hosts.len().min(QUESTIONS_MAX));
    let one = |host: &&Entity| {
        ask(
            &host.id,
            format!(
                "{}: who owns it, how critical is it, who is on call for it?",
                host.name
            ),
        )
    };
    let mut asked: Vec<Question> = hosts.iter().map(one).collect();
    if let Some(first) = beyond.first() {
        let all = names(beyond.iter().map(|h| &h.name));
        asked.push(ask(
            &first.id,
            format!(
                "Who owns {}: {all}?",
                count(beyond.len(), "further machine", "further machines")
            ),
        ));
    }
    asked
}

/// Private addresses without a name that somebody depends on, most needed first.
fn about_strangers(view: &View<'_>) -> Vec<Question> {
    let groups = view.by_provider(|d| is_stranger(view, d));
    let mut strangers: Vec<(&EntityId, Vec<&Dependency>)> = groups.into_iter().collect();
    strangers.sort_by_key(|(id, dependencies)| {
        (std::cmp::Reverse(consumer_names(dependencies).len()), *id)
    });
    let beyond = strangers.split_off(strangers.len().min(QUESTIONS_MAX));
    let mut asked: Vec<Question> = strangers
        .iter()
        .map(|(id, dependencies)| about_stranger(id, dependencies))
        .collect();
    if let Some((first, _)) = beyond.first() {
        let all = names(
            beyond
                .iter()
                .filter_map(|(_, d)| d.first())
                .map(|d| &d.provider.name),
        );
        asked.push(ask(
            first,
            format!(
                "What are {}: {all}?",
                count(beyond.len(), "further address", "further addresses")
            ),
        ));
    }
    asked
}

/// What a relay hands on to, where nothing on the machines tells which of several is meant. That a spare stands ready
/// is no question.
fn about_relays(view: &View<'_>) -> Vec<Question> {
    let is_open = |line: &&String| !line.ends_with("(a backup)");
    let mut doors: BTreeMap<(String, &EntityId), Door<'_>> = BTreeMap::new();
    for d in view.all(|i| &i.dependencies) {
        let mut open = d.details.onward.iter().filter(is_open).peekable();
        if open.peek().is_none() || d.details.local {
            continue;
        }
        let door = doors
            .entry((place(&d.provider), &d.provider.entity))
            .or_default();
        door.consumers.insert(&d.consumer.name);
        door.ways
            .extend(open.map(|line| line.strip_prefix("one of: ").unwrap_or(line)));
    }
    let one = |((at, id), door): ((String, &EntityId), Door<'_>)| {
        ask(
            id,
            format!(
                "{at}: which of these do {} reach through it: {}? No file and no connection tells.",
                names(door.consumers),
                names(door.ways)
            ),
        )
    };
    doors.into_iter().take(QUESTIONS_MAX).map(one).collect()
}

/// Who calls one place of a relay, and where that may lead.
#[derive(Default)]
struct Door<'a> {
    consumers: BTreeSet<&'a str>,
    ways: BTreeSet<&'a str>,
}

/// Whether a backup can be read back, and who keeps its key, no machine knows.
fn about_restores(view: &View<'_>) -> Vec<Question> {
    let mut hosts: BTreeMap<(&str, &EntityId), Vec<&str>> = BTreeMap::new();
    for backup in view.all(|i| &i.backups) {
        if let Some(host) = view.entity(&backup.entity).filter(|e| e.has_agent) {
            let jobs = hosts.entry((host.name.as_str(), &host.id)).or_default();
            jobs.push(&backup.job);
        }
    }
    let one = |((name, id), jobs): ((&str, &EntityId), Vec<&str>)| {
        ask(
            id,
            format!(
                "{name}: when was something last restored from its backup ({}), by whom, and who keeps the key?",
                names(jobs)
            ),
        )
    };
    hosts.into_iter().take(QUESTIONS_MAX).map(one).collect()
}

/// Who notices when a machine fails, and where its logs are kept: where nothing on it and nobody's list says so.
///
/// One question for all of them: who answers it answers for the estate.
fn about_watching(view: &View<'_>) -> Vec<Question> {
    let looked = |e: &&Entity| e.has_agent && view.is_complete(&e.id, "host.watching", "watching:");
    let without = |purpose: WatchPurpose| {
        let rows = view.all(|i| &i.watching);
        let known: BTreeSet<&EntityId> = rows
            .filter(|row| row.purpose == purpose && row.by.is_some())
            .map(|row| &row.entity)
            .collect();
        let machines = view.entities().filter(looked);
        let mut without: Vec<&Entity> = machines.filter(|e| !known.contains(&e.id)).collect();
        without.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        without
    };
    let mut asked = Vec::new();
    let unwatched = without(WatchPurpose::WatchedBy);
    if let Some(first) = unwatched.first() {
        let all = names(unwatched.iter().map(|e| &e.name));
        let open = open_agents(view, &unwatched);
        asked.push(ask(
            &first.id,
            format!("Who notices when {all} {}? Nothing found there, and no list of a watcher, names anybody{open}.", fails(unwatched.len())),
        ));
    }
    let kept = without(WatchPurpose::LogsTo);
    if let Some(first) = kept.first() {
        let all = names(kept.iter().map(|e| &e.name));
        asked.push(ask(
            &first.id,
            format!("The logs of {all} stay there as far as their settings say: who needs them after the move, and for how long must they be kept?"),
        ));
    }
    asked
}

fn fails(machines: usize) -> &'static str {
    if machines == 1 { "fails" } else { "fail" }
}

/// Agents among the unwatched that answer without naming who asks.
fn open_agents(view: &View<'_>, unwatched: &[&Entity]) -> String {
    let unwatched: BTreeSet<&EntityId> = unwatched.iter().map(|e| &e.id).collect();
    let rows = view.all(|i| &i.watching).filter(|row| {
        row.by.is_none() && row.name != "this machine" && unwatched.contains(&row.entity)
    });
    let products: BTreeSet<&String> = rows.flat_map(|row| &row.products).collect();
    match products.is_empty() {
        true => String::new(),
        false => format!(", though {} would answer whoever asks", names(products)),
    }
}

fn is_stranger(view: &View<'_>, d: &Dependency) -> bool {
    let nameless = |e: &Entity| {
        e.name
            .parse::<IpAddr>()
            .is_ok_and(|a| !is_public(&a) && !is_loopback_or_link(&a))
    };
    let known = |e: &Entity| e.has_agent || e.declared || !is_blank(e.owner.as_ref());
    !d.details.local
        && view
            .entity(&d.provider.entity)
            .is_some_and(|e| nameless(e) && !known(e))
}

fn consumer_names<'a>(dependencies: &[&'a Dependency]) -> BTreeMap<&'a EntityId, &'a str> {
    dependencies
        .iter()
        .map(|d| (&d.consumer.entity, d.consumer.name.as_str()))
        .collect()
}

fn about_stranger(id: &EntityId, dependencies: &[&Dependency]) -> Question {
    let users = consumer_names(dependencies);
    let verb = if users.len() == 1 { "uses" } else { "use" };
    let places = names(dependencies.iter().map(|d| place(&d.provider)));
    ask(
        id,
        format!(
            "What is {places}? {} {verb} it: {}.",
            count(users.len(), "host", "hosts"),
            names(users.values())
        ),
    )
}

fn ask(about: &EntityId, question: String) -> Question {
    Question {
        to: None,
        about: about.to_string(),
        question,
    }
}

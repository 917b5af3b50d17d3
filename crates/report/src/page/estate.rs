//! Hosts, listeners, systems, and the questions that only people can answer.

use std::collections::BTreeMap;

use groma_model::fact::Program;
use groma_model::inventory::{Entity, ListenerEntry, System};
use serde::Serialize;

use super::Rows;
use super::front::runs_services;
use crate::human;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// A host or device.
#[derive(Serialize)]
pub(crate) struct HostRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) operating_system: Option<String>,
    /// What a check says about the end of its life.
    pub(crate) end_of_life: Option<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) hardware: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) looked_from_inside: bool,
    pub(crate) last_seen: String,
    pub(crate) consumers: usize,
}

/// An endpoint held open.
#[derive(Serialize)]
pub(crate) struct ListenerRow {
    pub(crate) host: String,
    pub(crate) endpoint: String,
    pub(crate) service: Option<String>,
    pub(crate) program: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) certificate: Option<String>,
}

/// A system somebody should confirm.
#[derive(Serialize)]
pub(crate) struct SystemRow {
    pub(crate) name: String,
    pub(crate) functions: Vec<String>,
    pub(crate) members: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) criticality: Option<String>,
    pub(crate) disposition: Option<&'static str>,
    pub(crate) confirmed: Option<String>,
}

/// The questions to one person.
#[derive(Serialize)]
pub(crate) struct QuestionGroup {
    pub(crate) to: Option<String>,
    pub(crate) questions: Vec<String>,
}

/// Machines and devices: those others need most come first.
pub(crate) fn hosts(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<HostRow> {
    let mut all: Vec<&Entity> = index
        .inventory
        .entities
        .iter()
        .filter(|e| runs_services(e) || e.kind == "device")
        .collect();
    all.sort_by_cached_key(|e| {
        (
            !e.has_agent,
            std::cmp::Reverse(index.consumers_of(&e.id)),
            e.name.clone(),
            e.id.clone(),
        )
    });
    let ends = ends_of_life(index);
    let names = system_names(index);
    Rows::first(&all, limit, |e| host(e, &ends, &names, index, words))
}

fn host(
    entity: &Entity,
    ends: &BTreeMap<&str, &str>,
    systems: &BTreeMap<&str, &str>,
    index: &Index<'_>,
    words: &Catalogue,
) -> HostRow {
    let system = entity.system.as_deref();
    HostRow {
        id: visible(entity.id.as_str()),
        name: visible(&entity.name),
        kind: visible(&entity.kind),
        operating_system: entity
            .attributes
            .operating_system
            .as_ref()
            .map(|os| visible(&os.pretty_name)),
        end_of_life: ends.get(entity.id.as_str()).map(|text| visible(text)),
        addresses: entity.addresses.iter().map(ToString::to_string).collect(),
        hardware: hardware(entity, words),
        system: system.map(|id| visible(systems.get(id).copied().unwrap_or(id))),
        owner: entity.owner.as_deref().map(visible),
        looked_from_inside: entity.has_agent,
        last_seen: entity.last_seen.minute(),
        consumers: index.consumers_of(&entity.id),
    }
}

fn hardware(entity: &Entity, words: &Catalogue) -> Option<String> {
    let hardware = entity.attributes.hardware.as_ref()?;
    let cpu = (hardware.processors > 0)
        .then(|| words.count(words.processors, hardware.processors as usize));
    let memory = (hardware.memory_bytes > 0).then(|| human::size(hardware.memory_bytes));
    let model = hardware.product.as_deref().map(visible);
    let parts: Vec<String> = [model, cpu, memory].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn ends_of_life<'a>(index: &Index<'a>) -> BTreeMap<&'a str, &'a str> {
    let ends = index
        .inventory
        .findings
        .iter()
        .filter(|f| f.check.contains("end-of-life"));
    ends.flat_map(|f| {
        f.subjects
            .iter()
            .map(|s| (s.as_str(), f.indicator.as_str()))
    })
    .collect()
}

fn system_names<'a>(index: &Index<'a>) -> BTreeMap<&'a str, &'a str> {
    index
        .inventory
        .systems
        .iter()
        .map(|s| (s.id.as_str(), s.name.as_str()))
        .collect()
}

/// Endpoints by host and port.
pub(crate) fn listeners(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<ListenerRow> {
    let mut all: Vec<(&str, &ListenerEntry)> = index
        .inventory
        .listeners
        .iter()
        .map(|l| {
            (
                index
                    .entity(l.entity.as_str())
                    .map_or("", |e| e.name.as_str()),
                l,
            )
        })
        .collect();
    all.sort_by_key(|(name, l)| (*name, l.port, l.transport, l.address));
    Rows::first(&all, limit, |(_, l)| listener(l, index, words))
}

fn listener(entry: &ListenerEntry, index: &Index<'_>, words: &Catalogue) -> ListenerRow {
    let address = match entry.address {
        a if a.is_unspecified() => words.any_address.to_owned(),
        a => a.to_string(),
    };
    ListenerRow {
        host: index.name(&entry.entity),
        endpoint: format!("{}/{} ({address})", entry.port, entry.transport),
        service: entry
            .service
            .as_deref()
            .map(|s| visible(words.short_kind(s))),
        program: program(&entry.process).or_else(|| answered(entry, words)),
        account: entry.process.user.as_ref().map(|u| visible(&u.lossy())),
        certificate: entry.certificate.as_ref().map(|id| index.name(id)),
    }
}

/// What the service calls itself, where no agent saw the program.
fn answered(entry: &ListenerEntry, words: &Catalogue) -> Option<String> {
    let answer = entry.answer.as_ref()?;
    let product = answer.product.as_deref()?;
    let parts = [Some(product), answer.version.as_deref()];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(format!("{} {}", visible(&name), words.as_it_says))
}

fn program(program: &Program) -> Option<String> {
    let path = program
        .script
        .as_ref()
        .or(program.executable.as_ref())
        .map(|p| visible(&p.lossy()));
    match (path, program.unit.as_deref().map(visible)) {
        (Some(path), Some(unit)) => Some(format!("{path} ({unit})")),
        (path, unit) => path.or(unit),
    }
}

/// Systems, those nobody confirmed first.
pub(crate) fn systems(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<SystemRow> {
    let mut all: Vec<&System> = index.inventory.systems.iter().collect();
    all.sort_by_key(|s| {
        (
            s.confirmed_by.is_some(),
            std::cmp::Reverse(s.members.len()),
            &s.name,
            &s.id,
        )
    });
    Rows::first(&all, limit, |system| SystemRow {
        name: visible(&system.name),
        functions: system.functions.iter().map(|f| visible(f)).collect(),
        members: system
            .members
            .iter()
            .take(12)
            .map(|m| index.name(m))
            .collect(),
        owner: system.owner.as_deref().map(visible),
        criticality: system.criticality.as_deref().map(visible),
        disposition: system.disposition.map(|d| words.disposition(d)),
        confirmed: system
            .confirmed_by
            .as_deref()
            .map(|by| fill(words.confirmed, &[&visible(by)])),
    })
}

/// Questions by person; `limit` counts questions, not persons.
pub(crate) fn questions(
    index: &Index<'_>,
    _words: &Catalogue,
    limit: usize,
) -> Rows<QuestionGroup> {
    let mut groups: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for question in index.questions().take(limit) {
        groups
            .entry(question.to.as_deref())
            .or_default()
            .push(asked(question, index));
    }
    let shown: usize = groups.values().map(Vec::len).sum();
    let rows: Vec<QuestionGroup> = groups
        .into_iter()
        .map(|(to, questions)| QuestionGroup {
            to: to.map(visible),
            questions,
        })
        .collect();
    let left_out = index.questions().count() - shown;
    Rows {
        total: rows.len() + left_out,
        rows,
    }
}

/// A question with the name of what it is about, unless it names it already.
fn asked(question: &groma_model::inventory::Question, index: &Index<'_>) -> String {
    let text = visible(&question.question);
    let system = index
        .inventory
        .systems
        .iter()
        .find(|s| s.id == question.about)
        .map(|s| &s.name);
    let about = index
        .entity(&question.about)
        .map(|e| &e.name)
        .or(system)
        .map(|n| visible(n));
    match about {
        Some(name) if !text.contains(&name) => format!("{name}: {text}"),
        _ => text,
    }
}

//! From evidence to the inventory document: the whole middle of the product in one function.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::Result;
use groma_graph::Graph;
use groma_model::inventory::{
    CoverageEntry, Entity, Estimate, Finding, GapEntry, INVENTORY_SCHEMA, Inventory, LayerEntry,
    Question, Site, TimeWindow, WaveEntry,
};
use groma_model::questionnaire::is_answered;
use groma_model::registry::REGISTRY;
use groma_model::store::{Annotation, LookRecord, Word};
use groma_model::{AgentId, CoverageState, EntityId, Estate, Evidence, Scope, Timestamp};
use groma_source::Randomness;
use groma_store::{Moment, Store, StoreError};

use crate::{old_lists, watched};

/// What the store knows at `moment`, concluded: entities, dependencies, findings, questions, with evidence.
///
/// Entities met for the first time get an id here, and the ledger remembers it, so the next document calls
/// them the same.
pub fn inventory(
    store: &mut dyn Store,
    moment: &Moment,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<Inventory> {
    inventory_before(store, moment, now, randomness, Vec::new())
}

/// As [`inventory`], with waves that somebody plans: what they ask for is among the findings.
pub fn inventory_before(
    store: &mut dyn Store,
    moment: &Moment,
    now: Timestamp,
    randomness: &dyn Randomness,
    waves: Vec<WaveEntry>,
) -> Result<Inventory> {
    Ok(concluded(store, moment, now, randomness, waves)?.inventory)
}

/// What an inventory is concluded for. What nobody reads there is not worked out; all the rest is the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// It is kept, handed on, or followed by a later moment: all of it.
    Keeping,
    /// Somebody reads it now: rows of the register do not say what they rest on.
    Reading,
    /// Waves are planned from it: the register holds what a plan asks about, and nothing is estimated.
    Planning,
}

/// As [`inventory_before`], for a purpose.
pub fn inventory_for(
    store: &mut dyn Store,
    moment: &Moment,
    now: Timestamp,
    randomness: &dyn Randomness,
    (waves, purpose): (Vec<WaveEntry>, Purpose),
) -> Result<Inventory> {
    let then = Register {
        earlier: &[],
        purpose,
    };
    Ok(concluded_after(store, moment, now, randomness, (waves, then))?.inventory)
}

/// The register of risks: as it stood before, and what it is for.
#[derive(Clone, Copy)]
struct Register<'a> {
    earlier: &'a [Finding],
    purpose: Purpose,
}

impl<'a> Register<'a> {
    fn after(earlier: &'a [Finding]) -> Self {
        Self {
            earlier,
            purpose: Purpose::Keeping,
        }
    }
}

/// An inventory, and which machine stands behind each vantage.
pub struct Concluded {
    /// The inventory.
    pub inventory: Inventory,
    /// The host (or list) at each vantage.
    pub vantages: BTreeMap<AgentId, EntityId>,
}

/// As [`inventory_before`], with the machine behind each vantage.
pub fn concluded(
    store: &mut dyn Store,
    moment: &Moment,
    now: Timestamp,
    randomness: &dyn Randomness,
    waves: Vec<WaveEntry>,
) -> Result<Concluded> {
    concluded_after(
        store,
        moment,
        now,
        randomness,
        (waves, Register::after(&[])),
    )
}

/// The present with the register of risks as it came to be: from each named moment to the next, a row that its check says no more is closed
/// where everything it rested on was looked at again. It costs a conclusion per named moment.
pub fn with_register(
    store: &mut dyn Store,
    now: Timestamp,
    randomness: &dyn Randomness,
    waves: Vec<WaveEntry>,
) -> Result<Inventory> {
    let mut snapshots = store.snapshots()?;
    snapshots.sort_by(|a, b| (a.valid_at, &a.name).cmp(&(b.valid_at, &b.name)));
    let mut earlier: Vec<Finding> = Vec::new();
    for snapshot in snapshots {
        // What was near then is judged by the clock of then.
        let at = snapshot.valid_at.min(now);
        let moment = Moment::Snapshot(snapshot);
        let then = concluded_after(
            store,
            &moment,
            at,
            randomness,
            (Vec::new(), Register::after(&earlier)),
        )?;
        earlier = then.inventory.findings;
    }
    let present = concluded_after(
        store,
        &Moment::Now,
        now,
        randomness,
        (waves, Register::after(&earlier)),
    )?;
    Ok(present.inventory)
}

fn concluded_after(
    store: &mut dyn Store,
    moment: &Moment,
    now: Timestamp,
    randomness: &dyn Randomness,
    (waves, register): (Vec<WaveEntry>, Register<'_>),
) -> Result<Concluded> {
    let looks = store.looks(moment)?;
    let asked = store.spans(moment, &groma_graph::ASKING)?;
    let at_platforms = old_lists::at_platforms(store, moment, &looks)?;
    let (estate, evidence) = resolve(store, moment, (&looks, &at_platforms), randomness)?;
    let mut graph = groma_graph::connect_beside(&estate, evidence, &asked);
    let earlier = store.earlier_numbers(moment)?;
    groma_graph::grow(&mut graph.volumes, &earlier, &estate);
    groma_graph::transfer(&mut graph.volumes, groma_model::inventory::LINK_BPS);
    let annotations = store.annotations()?;
    let vantages = estate.vantages.clone();
    let mut inventory = assemble(estate, graph, &looks, moment, now);
    inventory.waves = waves;
    groma_graph::due::fill(&mut inventory, then(moment, now));
    groma_graph::nowhere::mark(&mut inventory);
    groma_graph::pinned::mark(&mut inventory);
    groma_graph::used::mark(&mut inventory);
    groma_graph::guests::fill(&mut inventory);
    annotate(&mut inventory, &annotations);
    watched::fill(store, moment, &looks, &vantages, &mut inventory, now)?;
    // Which names are left out depends on all that findings speak of.
    let is_plan = register.purpose == Purpose::Planning && !inventory.has_mere_names();
    let judged = match is_plan {
        true => judge_for_plan(&inventory, now),
        false => judge(&inventory, now),
    };
    inventory.estimate = judged.estimate;
    let at = then(moment, now);
    inventory.findings = match register.purpose {
        Purpose::Keeping => groma_check::register(
            judged.findings,
            &inventory,
            register.earlier,
            &annotations,
            at,
        ),
        _ => groma_check::register_to_read(judged.findings, &annotations, at),
    };
    inventory.questions = groma_check::with_findings(judged.questions, &inventory);
    leave_out_answered(&mut inventory, &annotations);
    inventory.leave_out_mere_names();
    Ok(Concluded {
        inventory,
        vantages,
    })
}

/// What the stages behind the graph say of an inventory.
struct Judged {
    findings: Vec<Finding>,
    questions: Vec<Question>,
    estimate: Option<Estimate>,
}

/// What a plan of waves asks about: machines that nobody was seen to use, and what only people know.
fn judge_for_plan(inventory: &Inventory, now: Timestamp) -> Judged {
    let view = groma_check::View::new(inventory, now);
    Judged {
        findings: groma_check::nobody_seen_in(&view),
        questions: groma_check::questions_in(&view),
        estimate: None,
    }
}

/// Asks every stage that only reads, as many at a time as there are cores; the estate is indexed once for all of them.
fn judge(inventory: &Inventory, now: Timestamp) -> Judged {
    let (view, cycles) = rayon::join(
        || groma_check::View::new(inventory, now),
        || groma_graph::impact::cycles(inventory),
    );
    let (mut findings, (together, (questions, estimate))) = rayon::join(
        || groma_check::check_in(&view),
        || {
            rayon::join(
                || groma_check::moves_together_in(&view, &cycles),
                || {
                    let questions = groma_check::questions_in(&view);
                    (questions, groma_estimate::estimate(inventory))
                },
            )
        },
    );
    findings.extend(together);
    Judged {
        findings,
        questions,
        estimate: Some(estimate),
    }
}

/// When a document speaks: what was due next before a wave is counted from before the wave.
fn then(moment: &Moment, now: Timestamp) -> Timestamp {
    match moment {
        Moment::Now => now,
        Moment::Snapshot(snapshot) => now.min(snapshot.valid_at),
    }
}

/// The entities, and the evidence edges will be made of: it is read once, and what no edge needs is let go.
fn resolve(
    store: &mut dyn Store,
    moment: &Moment,
    (looks, at_platforms): (&[LookRecord], &[LookRecord]),
    randomness: &dyn Randomness,
) -> Result<(Estate, impl Iterator<Item = Evidence>)> {
    let identities = store.identities()?;
    let mut mint = || {
        let mut bits = [0; 16];
        randomness.fill(&mut bits);
        EntityId::from_random(bits)
    };
    let mut kept = Vec::new();
    let resolution = read(store, moment, |evidence| {
        let mut gathering = groma_resolve::Gathering::default();
        // A list is a vantage without a machine.
        for look in looks.iter().filter(|l| !l.vantage.is_list()) {
            gathering.looked(&look.site, &look.vantage, look.started, look.ended);
        }
        for look in at_platforms {
            gathering.covered(look);
        }
        for piece in evidence {
            gathering.take(&piece);
            if groma_graph::uses(&piece) {
                kept.push(Box::new(piece));
            }
        }
        gathering.resolve(&identities, &mut mint)
    })?;
    if !resolution.new.is_empty() {
        store.remember(&resolution.new)?;
    }
    let let_go = resolution.let_go;
    kept.retain(|piece| !let_go.contains(&piece.id));
    Ok((resolution.estate, kept.into_iter().map(|piece| *piece)))
}

/// How many pieces of evidence travel from the store to a stage at a time, and how many such loads may wait.
const LOAD: usize = 512;
const LOADS_WAITING: usize = 16;

/// Hands the evidence at `moment` to a pure stage as a stream; an error of the store ends it and is kept.
///
/// The store reads on a thread of its own, so that one core decodes while another concludes.
fn read<T>(
    store: &mut dyn Store,
    moment: &Moment,
    stage: impl FnOnce(&mut dyn Iterator<Item = Evidence>) -> T,
) -> Result<T> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Evidence>>(LOADS_WAITING);
        let reading = scope.spawn(move || send(store, moment, &sender));
        let concluded = stage(&mut receiver.into_iter().flatten());
        match reading.join() {
            Ok(Ok(())) => Ok(concluded),
            Ok(Err(error)) => Err(error.into()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Sends the evidence load by load; a stage that wants no more ends it.
fn send(
    store: &dyn Store,
    moment: &Moment,
    to: &SyncSender<Vec<Evidence>>,
) -> Result<(), StoreError> {
    let mut load = Vec::with_capacity(LOAD);
    for piece in store.evidence(moment)? {
        load.push(piece?);
        if load.len() == LOAD
            && to
                .send(std::mem::replace(&mut load, Vec::with_capacity(LOAD)))
                .is_err()
        {
            return Ok(());
        }
    }
    let _ = to.send(load);
    Ok(())
}

fn assemble(
    estate: Estate,
    graph: Graph,
    looks: &[LookRecord],
    moment: &Moment,
    now: Timestamp,
) -> Inventory {
    let coverage = coverage(&estate, looks);
    let sites = sites(&estate);
    let mut entities: Vec<Entity> = estate.entities.into_values().collect();
    let members = graph
        .systems
        .iter()
        .flat_map(|system| system.members.iter().map(|id| (id, &system.id)));
    let systems: BTreeMap<&EntityId, &String> = members.collect();
    for entity in &mut entities {
        entity.system = systems.get(&entity.id).map(|id| (*id).clone());
    }
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        generated_at: now,
        snapshot: match moment {
            Moment::Now => None,
            Moment::Snapshot(snapshot) => Some(snapshot.name.clone()),
        },
        shared: None,
        window: window(looks, now),
        data_level: "standard".to_owned(),
        compared_with_list: estate.compared_with_list,
        coverage,
        layers: REGISTRY
            .layers
            .iter()
            .map(|l| LayerEntry {
                name: l.name.clone(),
                rank: l.rank,
            })
            .collect(),
        sites,
        links: Vec::new(),
        systems: graph.systems,
        entities,
        listeners: graph.listeners,
        dependencies: graph.dependencies,
        link_bps: groma_model::inventory::LINK_BPS,
        volumes: graph.volumes,
        rights: graph.rights,
        backups: graph.backups,
        watching: graph.watching,
        mail_records: graph.mail_records,
        mailbox_ties: graph.mailbox_ties,
        relying_parties: graph.relying_parties,
        mail_routes: graph.mail_routes,
        zone_records: graph.zone_records,
        ledger: graph.ledger,
        mail_ledger: graph.mail_ledger,
        mail_servers: graph.mail_servers,
        devices: graph.devices,
        guests: Vec::new(),
        measurements: graph.measurements,
        waves: Vec::new(),
        findings: Vec::new(),
        estimate: None,
        questions: Vec::new(),
        evidence: graph.evidence,
    }
}

/// The time the newest looks speak about. Two looks of half a minute a month apart are not a month watched.
fn window(looks: &[LookRecord], now: Timestamp) -> TimeWindow {
    let watched = looks
        .iter()
        .filter(|l| l.source.as_str() != "declared.list");
    let from = watched.clone().map(|l| l.started).min().unwrap_or(now);
    let to = watched.map(|l| l.ended).max().unwrap_or(now);
    TimeWindow { from, to }
}

fn coverage(estate: &Estate, looks: &[LookRecord]) -> Vec<CoverageEntry> {
    let mut entries = Vec::new();
    for look in looks {
        let Some(vantage) = estate.vantages.get(&look.vantage) else {
            continue;
        };
        let said: BTreeSet<&Scope> = look.coverage.iter().map(|c| &c.scope).collect();
        for coverage in &look.coverage {
            let gaps = look.gaps.iter().filter(|g| g.scope == coverage.scope);
            entries.push(CoverageEntry {
                source: look.source.clone(),
                vantage: vantage.clone(),
                scope: coverage.scope.to_string(),
                state: coverage.state,
                gaps: gaps.map(gap_entry).collect(),
                from: coverage.from,
                to: coverage.to,
                how: coverage.how.clone(),
            });
        }
        // A gap in a scope nobody closed: that scope counts as partial.
        let mut open: BTreeMap<&Scope, Vec<GapEntry>> = BTreeMap::new();
        for gap in look.gaps.iter().filter(|g| !said.contains(&g.scope)) {
            open.entry(&gap.scope).or_default().push(gap_entry(gap));
        }
        for (scope, gaps) in open {
            entries.push(CoverageEntry {
                source: look.source.clone(),
                vantage: vantage.clone(),
                scope: scope.to_string(),
                state: CoverageState::Partial,
                gaps,
                from: look.started,
                to: look.ended,
                how: None,
            });
        }
    }
    entries
        .sort_by(|a, b| (&a.source, &a.vantage, &a.scope).cmp(&(&b.source, &b.vantage, &b.scope)));
    entries
}

fn gap_entry(gap: &groma_model::Gap) -> GapEntry {
    GapEntry {
        what: gap.what.clone(),
        reason: reason_word(&gap.reason),
        remedy: gap.remedy.clone(),
    }
}

fn reason_word(reason: &groma_model::Reason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(word)) => word,
        _ => reason.to_string(),
    }
}

fn sites(estate: &Estate) -> Vec<Site> {
    let mut networks: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for entity in estate.entities.values() {
        let site = networks.entry(entity.site.clone()).or_default();
        let routes = entity
            .attributes
            .routes
            .iter()
            .filter(|r| r.gateway.is_none() && !r.destination.starts_with("fe80:"));
        site.extend(
            routes
                .map(|r| r.destination.clone())
                .filter(|d| !d.ends_with("/32") && !d.ends_with("/128")),
        );
    }
    networks
        .into_iter()
        .map(|(id, networks)| Site {
            name: id.to_string(),
            id,
            networks: networks.into_iter().collect(),
        })
        .collect()
}

/// Puts what people said where it belongs; the newest word on a field counts.
fn annotate(inventory: &mut Inventory, annotations: &[Annotation]) {
    if annotations.is_empty() {
        return;
    }
    let entities = places(inventory.entities.iter().map(|e| e.id.as_str()));
    let systems = places(inventory.systems.iter().map(|s| s.id.as_str()));
    let needs = places(inventory.dependencies.iter().map(|d| d.id.as_str()));
    for annotation in annotations {
        let about = annotation.about.as_str();
        let entity = entities
            .get(about)
            .and_then(|at| inventory.entities.get_mut(*at));
        let mut of_system = systems.get(about);
        if let Some(entity) = entity {
            annotate_entity(entity, annotation);
            of_system = entity.system.as_ref().and_then(|id| systems.get(id));
        }
        if let Some(system) = of_system.and_then(|at| inventory.systems.get_mut(*at)) {
            system.take(annotation);
        }
        if let Some(need) = needs
            .get(about)
            .and_then(|at| inventory.dependencies.get_mut(*at))
        {
            need.take(annotation);
        }
    }
}

/// A question that somebody answered is none any more.
fn leave_out_answered(inventory: &mut Inventory, annotations: &[Annotation]) {
    let is_answer = |a: &&Annotation| matches!(a.word, Word::Answered { .. });
    let answers: Vec<Annotation> = annotations.iter().filter(is_answer).cloned().collect();
    if !answers.is_empty() {
        let open = |question: &Question| !is_answered(question, &answers);
        inventory.questions.retain(open);
    }
}

/// Where each id stands in its list.
fn places<'i>(ids: impl Iterator<Item = &'i str>) -> HashMap<String, usize> {
    ids.enumerate()
        .map(|(at, id)| (id.to_owned(), at))
        .collect()
}

fn annotate_entity(entity: &mut Entity, annotation: &Annotation) {
    entity.attributes.take_note(annotation);
    let mut note = |field: &str, text: &str| {
        let declared = &mut entity.attributes.declared;
        declared.insert(field.to_owned(), text.to_owned());
    };
    match &annotation.word {
        Word::Owner(text) => entity.owner = Some(text.clone()),
        Word::Criticality(text) => entity.criticality = Some(text.clone()),
        Word::Window(text) => note("window", text),
        Word::Note(text) => note("note", text),
        Word::Verdict { because, .. } => note("verdict", because),
        Word::KeyUsers(text) => note("key-users", text),
        Word::OnCall(text) => note("on-call", text),
        Word::AllowedDowntime(text) => note("allowed-downtime", text),
        Word::CountsAsFailure(text) => note("counts-as-failure", text),
        // What is said of systems, of needs and of risks stands there.
        Word::Functions(_)
        | Word::Disposition(_)
        | Word::FurtherConsumer(_)
        | Word::StillNeeded(_)
        | Word::Answered { .. }
        | Word::ControlDate(_)
        | Word::OwnRisk(_)
        | Word::Closed { .. }
        | Word::Unknown(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_due_after_a_snapshot_is_counted_from_it_and_not_from_today() {
        let (before, today) = (
            Timestamp::from_seconds(1_000),
            Timestamp::from_seconds(9_000),
        );
        let snapshot = |valid_at| {
            Moment::Snapshot(groma_model::store::Snapshot {
                name: "before-w1".to_owned(),
                valid_at,
                watermark: 1,
                taken_at: today,
            })
        };
        assert_eq!(then(&snapshot(before), today), before);
        assert_eq!(then(&Moment::Now, today), today);
        let ahead = Timestamp::from_seconds(20_000);
        assert_eq!(
            then(&snapshot(ahead), today),
            today,
            "nothing speaks of the future"
        );
    }
}

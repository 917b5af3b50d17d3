//! The register of risks from one look to the next: what a check no longer says closes, what people say stays.
//!
//! A generated row is closed only where silence is an answer: everything it rested on was looked at again, and nothing that
//! had been seen whole then has holes now. Else it stays as it stood and says since when nobody looked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::inventory::{
    Dependency, Finding, FindingOrigin, FindingState, Inventory, RestsOn, Verdict, VerdictWord,
};
use groma_model::register::{OWN_CHECK, OwnRisk};
use groma_model::store::{Annotation, Word};
use groma_model::{
    CoverageState, DependencyId, EntityId, EvidenceId, FindingId, SourceName, Timestamp,
};
use rayon::prelude::*;

/// Vantages that are remembered of one finding, the first by id: a finding about a thousand machines is asked of so many.
const VANTAGES_MAX: usize = 64;

/// The register at `now`: what the checks say of `inventory` (`current`), what stood in it before (`earlier`, the register this
/// function gave for the moment before; empty for a first one), and what people said, in the order in which it was kept.
///
/// Gravest first, then by id. The same arguments in any order but that of `annotations` give the same register.
pub fn register(
    current: Vec<Finding>,
    inventory: &Inventory,
    earlier: &[Finding],
    annotations: &[Annotation],
    now: Timestamp,
) -> Vec<Finding> {
    let seen = Seen::of(inventory);
    let mut current = current;
    current
        .par_iter_mut()
        .for_each(|finding| finding.rests_on = seen.rests_on(finding));
    let not_said = |gone: &Finding| not_said(gone, &seen, now);
    rows(current, earlier, not_said, (annotations, now))
}

/// The first register, for somebody who reads it now: no row says what it rests on, which only the register of a later moment asks.
/// That is half a million rows in an estate of ten thousand machines.
pub fn register_to_read(
    current: Vec<Finding>,
    annotations: &[Annotation],
    now: Timestamp,
) -> Vec<Finding> {
    rows(current, &[], Finding::clone, (annotations, now))
}

/// What is said now, what stood in the register before with what becomes of a row that is not said any more, and what people said.
fn rows(
    current: Vec<Finding>,
    earlier: &[Finding],
    not_said: impl Fn(&Finding) -> Finding,
    (annotations, now): (&[Annotation], Timestamp),
) -> Vec<Finding> {
    let mut rows: BTreeMap<FindingId, Finding> = BTreeMap::new();
    let before: HashMap<&FindingId, &Finding> = earlier.iter().map(|f| (&f.id, f)).collect();
    for mut finding in current {
        let earlier = before.get(&finding.id).copied();
        said_again(&mut finding, earlier, now);
        rows.insert(finding.id.clone(), finding);
    }
    for gone in earlier
        .iter()
        .filter(|f| f.origin == FindingOrigin::Generated)
    {
        rows.entry(gone.id.clone())
            .or_insert_with(|| not_said(gone));
    }
    // A document without annotations still holds what people wrote.
    for own in earlier.iter().filter(|f| f.origin == FindingOrigin::Person) {
        rows.entry(own.id.clone()).or_insert_with(|| own.clone());
    }
    for annotation in annotations {
        take(&mut rows, annotation);
    }
    let mut rows: Vec<Finding> = rows.into_values().collect();
    rows.sort_by(|a, b| (a.severity, &a.id).cmp(&(b.severity, &b.id)));
    rows
}

/// A row its check says now.
fn said_again(finding: &mut Finding, before: Option<&Finding>, now: Timestamp) {
    finding.last_seen = Some(now);
    finding.first_seen = before.and_then(|b| b.first_seen).or(Some(now));
    let Some(before) = before else {
        return;
    };
    match (before.state, before.closed_on) {
        // Closed by a look; a person's verdict is another thing and is put back from the annotations.
        (FindingState::Closed, Some(closed)) => {
            finding.state_because = Some(format!(
                "closed on {} and back since {}",
                closed.day(),
                now.day()
            ));
        }
        _ => {
            let came_back = |why: &&String| why.starts_with("closed on ");
            finding.state_because = before.state_because.as_ref().filter(came_back).cloned();
        }
    }
}

/// A row that stood in the register and that its check does not say any more.
fn not_said(gone: &Finding, seen: &Seen<'_>, now: Timestamp) -> Finding {
    let mut row = gone.clone();
    if row.state == FindingState::Closed && row.closed_on.is_some() {
        return row;
    }
    match seen.why_not_answered(gone) {
        None => {
            row.state = FindingState::Closed;
            row.closed_on = Some(now);
            row.state_because = Some(format!(
                "closed on {}: everything it rested on was looked at again, and the check passes",
                now.day()
            ));
        }
        Some(why) => row.state_because = Some(why),
    }
    row
}

/// What was looked at, and how well.
struct Seen<'a> {
    names: HashMap<&'a EntityId, &'a str>,
    /// In the order of their ids.
    vantages: Vec<(&'a EntityId, Vantage<'a>)>,
    /// Where each of them stands there.
    places: HashMap<&'a EntityId, u32>,
    /// Where each fact was seen, and by what. Findings ask half a million times: the ids lie in the tables themselves.
    facts: HashMap<EvidenceId, (u32, &'a SourceName)>,
    /// The ends of each need that somebody looked at from inside.
    ends: HashMap<DependencyId, [Option<u32>; 2]>,
}

/// Where somebody looked from, or saw a fact.
#[derive(Default)]
struct Vantage<'a> {
    /// When each source last looked.
    looks: BTreeMap<&'a SourceName, Timestamp>,
    /// Sources with the scopes that have holes, as [`RestsOn::partial`] has them.
    partial: BTreeSet<String>,
}

impl<'a> Seen<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let entities = inventory.entities.iter();
        let places = places(inventory);
        let vantages = vantages(inventory, &places);
        let looked = |id: &EntityId| looked(id, &places, &vantages);
        let (facts, ends) = rayon::join(
            || {
                let facts = inventory.evidence.iter();
                facts
                    .filter_map(|e| Some((e.id.clone(), (*places.get(&e.vantage)?, &e.source))))
                    .collect()
            },
            || {
                let ends = |d: &Dependency| [&d.consumer.entity, &d.provider.entity].map(looked);
                let needs = inventory.dependencies.iter();
                needs.map(|d| (d.id.clone(), ends(d))).collect()
            },
        );
        Self {
            names: entities.map(|e| (&e.id, e.name.as_str())).collect(),
            facts,
            ends,
            vantages,
            places,
        }
    }

    /// The vantages behind a finding: where its facts were seen, and the machines it is about. Only what somebody looked at
    /// from inside is a vantage of that kind.
    fn rests_on(&self, finding: &Finding) -> Vec<RestsOn> {
        let facts = finding.evidence.iter().filter_map(|id| self.facts.get(id));
        let mut told: Vec<(u32, Option<&SourceName>)> = facts
            .map(|(place, source)| (*place, Some(*source)))
            .collect();
        for id in &finding.subjects {
            match self.ends.get(&DependencyId::new(id)) {
                Some(ends) => told.extend(ends.iter().flatten().map(|place| (*place, None))),
                None => told.extend(self.looked(&EntityId::new(id)).map(|place| (place, None))),
            }
        }
        told.sort_unstable();
        told.dedup();
        told.chunk_by(|a, b| a.0 == b.0)
            .take(VANTAGES_MAX)
            .filter_map(|of_one| self.rests(of_one))
            .collect()
    }

    /// What rests on one vantage. Where no source told a fact, a check may have read what any of them told.
    fn rests(&self, told: &[(u32, Option<&SourceName>)]) -> Option<RestsOn> {
        let (place, _) = told.first()?;
        let (id, vantage) = self.vantages.get(*place as usize)?;
        let mut sources: Vec<SourceName> = told.iter().filter_map(|(_, s)| s.cloned()).collect();
        if sources.is_empty() {
            sources = vantage
                .looks
                .keys()
                .map(|source| (*source).clone())
                .collect();
        }
        Some(RestsOn {
            vantage: (*id).clone(),
            sources,
            partial: vantage.partial.iter().cloned().collect(),
        })
    }

    /// Its place, if somebody looked at it from inside.
    fn looked(&self, id: &EntityId) -> Option<u32> {
        looked(id, &self.places, &self.vantages)
    }

    /// Why the silence of a check is no answer; `None` if it is one.
    fn why_not_answered(&self, gone: &Finding) -> Option<String> {
        let since = gone.last_seen.or(gone.first_seen);
        let Some(since) = since.filter(|_| !gone.rests_on.is_empty()) else {
            return Some("not looked at since: nothing tells what it rested on".to_owned());
        };
        gone.rests_on
            .iter()
            .find_map(|rests| self.why_not(rests, since))
    }

    fn why_not(&self, rests: &RestsOn, since: Timestamp) -> Option<String> {
        let name = self.names.get(&rests.vantage);
        let name = name.copied().unwrap_or(rests.vantage.as_str());
        let unknown = Vantage::default();
        let place = self.places.get(&rests.vantage).copied();
        let vantage = place.and_then(|place| self.vantages.get(place as usize));
        let vantage = vantage.map_or(&unknown, |(_, vantage)| vantage);
        let looks = &vantage.looks;
        let looked = |source: &SourceName| looks.get(source).is_some_and(|at| *at > since);
        // Nothing says who told it: any of them may have.
        let again = match rests.sources.is_empty() {
            true => !looks.is_empty() && looks.values().all(|at| *at > since),
            false => rests.sources.iter().all(looked),
        };
        if !again {
            return Some(format!("not looked at since {}: {name}", since.day()));
        }
        let mut partial = vantage.partial.iter();
        let hole = partial.find(|hole| !rests.partial.contains(hole))?;
        let (source, scope) = hole.split_once(' ').unwrap_or((hole, ""));
        Some(format!(
            "not looked at completely since {}: {source} of {name} has holes it did not have ({scope})",
            since.day()
        ))
    }
}

/// Whatever is a vantage, each with its number in the order of the ids.
fn places(inventory: &Inventory) -> HashMap<&EntityId, u32> {
    let looked = inventory.coverage.iter().map(|entry| &entry.vantage);
    let seen = inventory.evidence.iter().map(|fact| &fact.vantage);
    let each: HashSet<&EntityId> = looked.chain(seen).collect();
    let mut each: Vec<&EntityId> = each.into_iter().collect();
    each.sort_unstable();
    each.into_iter().zip(0..).collect()
}

fn vantages<'a>(
    inventory: &'a Inventory,
    places: &HashMap<&'a EntityId, u32>,
) -> Vec<(&'a EntityId, Vantage<'a>)> {
    let mut vantages: Vec<(&EntityId, Vantage<'_>)> =
        places.keys().map(|id| (*id, Vantage::default())).collect();
    vantages.sort_unstable_by_key(|(id, _)| *id);
    for entry in &inventory.coverage {
        let place = places.get(&entry.vantage).copied();
        let Some((_, vantage)) = place.and_then(|place| vantages.get_mut(place as usize)) else {
            continue;
        };
        let look = vantage.looks.entry(&entry.source).or_insert(entry.to);
        *look = entry.to.max(*look);
        if entry.state != CoverageState::Complete {
            let hole = format!("{} {}", entry.source, entry.scope);
            vantage.partial.insert(hole);
        }
    }
    vantages
}

fn looked(
    id: &EntityId,
    places: &HashMap<&EntityId, u32>,
    vantages: &[(&EntityId, Vantage<'_>)],
) -> Option<u32> {
    let place = places.get(id).copied()?;
    let (_, vantage) = vantages.get(place as usize)?;
    (!vantage.looks.is_empty()).then_some(place)
}

/// Puts what a person said on the row it is about.
fn take(rows: &mut BTreeMap<FindingId, Finding>, annotation: &Annotation) {
    let id = FindingId::new(&annotation.about);
    if let Word::OwnRisk(risk) = &annotation.word {
        let row = rows
            .entry(id.clone())
            .or_insert_with(|| own(id, annotation));
        if row.origin == FindingOrigin::Person {
            reword(row, risk, annotation);
        }
        return;
    }
    let Some(row) = rows.get_mut(&id) else {
        return;
    };
    match &annotation.word {
        Word::Owner(name) => {
            row.owner = Some(name.clone()).filter(|name| !name.trim().is_empty());
        }
        Word::ControlDate(date) => row.control_date = *date,
        Word::Verdict { verdict, because } => judge(row, *verdict, because, annotation),
        Word::Closed { because } if row.origin == FindingOrigin::Person => {
            row.state = FindingState::Closed;
            row.closed_on = Some(annotation.at);
            row.verdict = None;
            row.state_because = Some(format!("{because} (closed by {})", annotation.by));
        }
        _ => {}
    }
}

/// A verdict survives every look; it does not open again what a look closed.
fn judge(row: &mut Finding, verdict: VerdictWord, because: &str, annotation: &Annotation) {
    row.verdict = Some(Verdict {
        verdict,
        by: annotation.by.clone(),
        because: because.to_owned(),
    });
    let is_own = row.origin == FindingOrigin::Person;
    if is_own {
        row.closed_on = None;
        row.state_because = None;
    } else if row.closed_on.is_some() {
        return;
    }
    row.state = match verdict {
        VerdictWord::Confirmed => FindingState::Open,
        VerdictWord::Accepted => FindingState::Accepted,
        VerdictWord::Wrong => FindingState::Closed,
    };
}

/// A row a person wrote, with nothing in it yet.
fn own(id: FindingId, annotation: &Annotation) -> Finding {
    let risk = OwnRisk::default();
    Finding {
        id,
        check: OWN_CHECK.to_owned(),
        origin: FindingOrigin::Person,
        state: FindingState::Open,
        severity: risk.severity,
        layer: risk.layer,
        risk: risk.risk,
        indicator: risk.indicator,
        impact: risk.impact,
        likelihood: risk.likelihood,
        mitigations: risk.mitigations,
        owner: None,
        control_date: None,
        subjects: Vec::new(),
        evidence: Vec::new(),
        verdict: None,
        first_seen: Some(annotation.at),
        last_seen: None,
        closed_on: None,
        state_because: None,
        rests_on: Vec::new(),
    }
}

fn reword(row: &mut Finding, risk: &OwnRisk, annotation: &Annotation) {
    row.risk.clone_from(&risk.risk);
    row.indicator.clone_from(&risk.indicator);
    row.impact.clone_from(&risk.impact);
    row.likelihood = risk.likelihood;
    row.mitigations.clone_from(&risk.mitigations);
    row.severity = risk.severity;
    row.layer.clone_from(&risk.layer);
    row.last_seen = Some(annotation.at);
}

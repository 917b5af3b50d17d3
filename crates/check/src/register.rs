//! The register of risks from one look to the next: what a check no longer says closes, what people say stays.
//!
//! A generated row is closed only where silence is an answer: everything it rested on was looked at again, and nothing that
//! had been seen whole then has holes now. Else it stays as it stood and says since when nobody looked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::inventory::{
    Finding, FindingOrigin, FindingState, Inventory, RestsOn, Verdict, VerdictWord,
};
use groma_model::register::{OWN_CHECK, OwnRisk};
use groma_model::store::{Annotation, Word};
use groma_model::{CoverageState, EntityId, EvidenceId, FindingId, SourceName, Timestamp};
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
    let mut rows: BTreeMap<FindingId, Finding> = BTreeMap::new();
    let before: HashMap<&FindingId, &Finding> = earlier.iter().map(|f| (&f.id, f)).collect();
    let mut current = current;
    current
        .par_iter_mut()
        .for_each(|finding| finding.rests_on = seen.rests_on(finding));
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
            .or_insert_with(|| not_said(gone, &seen, now));
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

/// When a source last looked from a vantage, and which scopes it did not see whole.
type Look<'a> = (Timestamp, BTreeSet<&'a str>);

/// What was looked at, and how well.
struct Seen<'a> {
    names: HashMap<&'a EntityId, &'a str>,
    /// By vantage and source: when it last looked, and which of its scopes have holes.
    looks: HashMap<&'a EntityId, BTreeMap<&'a SourceName, Look<'a>>>,
    facts: HashMap<&'a EvidenceId, (&'a EntityId, &'a SourceName)>,
    ends: HashMap<&'a str, [&'a EntityId; 2]>,
}

impl<'a> Seen<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let mut looks: HashMap<_, BTreeMap<_, Look<'a>>> = HashMap::new();
        for entry in &inventory.coverage {
            let sources = looks.entry(&entry.vantage).or_default();
            let look = sources
                .entry(&entry.source)
                .or_insert_with(|| (entry.to, BTreeSet::new()));
            look.0 = look.0.max(entry.to);
            if entry.state != CoverageState::Complete {
                look.1.insert(&entry.scope);
            }
        }
        let facts = inventory.evidence.iter();
        let needs = inventory.dependencies.iter();
        let entities = inventory.entities.iter();
        Self {
            names: entities.map(|e| (&e.id, e.name.as_str())).collect(),
            looks,
            facts: facts.map(|e| (&e.id, (&e.vantage, &e.source))).collect(),
            ends: needs
                .map(|d| (d.id.as_str(), [&d.consumer.entity, &d.provider.entity]))
                .collect(),
        }
    }

    /// The vantages behind a finding: where its facts were seen, and the machines it is about.
    fn rests_on(&self, finding: &Finding) -> Vec<RestsOn> {
        let mut vantages: BTreeMap<EntityId, BTreeSet<&SourceName>> = BTreeMap::new();
        for id in &finding.evidence {
            if let Some((vantage, source)) = self.facts.get(id) {
                let sources = vantages.entry((*vantage).clone()).or_default();
                sources.insert(source);
            }
        }
        for id in &finding.subjects {
            let ends = self.ends.get(id.as_str()).into_iter().flatten();
            let about = std::iter::once(EntityId::new(id)).chain(ends.map(|id| (*id).clone()));
            // Only what somebody looked at from inside is a vantage.
            for id in about.filter(|id| self.looks.contains_key(id)) {
                vantages.entry(id).or_default();
            }
        }
        let vantages = vantages.into_iter().take(VANTAGES_MAX);
        vantages
            .map(|(vantage, sources)| RestsOn {
                partial: self.partial(&vantage).into_iter().collect(),
                sources: self.sources(&vantage, sources),
                vantage,
            })
            .collect()
    }

    /// The sources that told a fact; where none did, a check may have read what any of them told.
    fn sources(&self, vantage: &EntityId, told: BTreeSet<&SourceName>) -> Vec<SourceName> {
        if !told.is_empty() {
            return told.into_iter().cloned().collect();
        }
        let looks = self.looks.get(vantage).into_iter().flatten();
        looks.map(|(source, _)| (*source).clone()).collect()
    }

    /// Sources with the scopes that have holes at a vantage, as [`RestsOn::partial`] has them.
    fn partial(&self, vantage: &EntityId) -> BTreeSet<String> {
        let looks = self.looks.get(vantage).into_iter().flatten();
        looks
            .flat_map(|(source, (_, scopes))| {
                scopes.iter().map(move |scope| format!("{source} {scope}"))
            })
            .collect()
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
        let empty = BTreeMap::new();
        let looks = self.looks.get(&rests.vantage).unwrap_or(&empty);
        let looked = |source: &SourceName| looks.get(source).is_some_and(|(at, _)| *at > since);
        // Nothing says who told it: any of them may have.
        let again = match rests.sources.is_empty() {
            true => !looks.is_empty() && looks.values().all(|(at, _)| *at > since),
            false => rests.sources.iter().all(looked),
        };
        if !again {
            return Some(format!("not looked at since {}: {name}", since.day()));
        }
        let partial = self.partial(&rests.vantage);
        let hole = partial.into_iter().find(|s| !rests.partial.contains(s))?;
        let (source, scope) = hole.split_once(' ').unwrap_or((&hole, ""));
        Some(format!(
            "not looked at completely since {}: {source} of {name} has holes it did not have ({scope})",
            since.day()
        ))
    }
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

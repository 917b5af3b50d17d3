//! Risks: the ten of the first screen, and the table in six fields.

use groma_model::inventory::{Finding, FindingOrigin, FindingState, VerdictWord};
use serde::Serialize;

use super::{FIRST_RISKS, Rows};
use crate::index::Index;
use crate::rank;
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// A risk in plain words.
#[derive(Serialize)]
pub(crate) struct Risk {
    pub(crate) id: String,
    pub(crate) severity: &'static str,
    pub(crate) risk: String,
    pub(crate) because: String,
    pub(crate) first_step: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) control_date: Option<String>,
    pub(crate) consumers: usize,
    /// `3 consumers depend on it`, where there are any.
    pub(crate) consumers_line: Option<String>,
    pub(crate) alike: usize,
    pub(crate) alike_line: Option<String>,
}

/// A row of the risk table.
#[derive(Serialize)]
pub(crate) struct FindingRow {
    pub(crate) id: String,
    pub(crate) check: String,
    pub(crate) severity: &'static str,
    pub(crate) risk: String,
    pub(crate) indicator: String,
    pub(crate) impact: String,
    pub(crate) likelihood: &'static str,
    pub(crate) mitigations: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) control_date: Option<String>,
    /// Who accepted it, and why; also in `state_because`.
    pub(crate) accepted: Option<String>,
    /// `open since 2026-11-12`, `closed on 2026-11-18`.
    pub(crate) state: String,
    /// Why it stands there: a person's verdict, and what looks found.
    pub(crate) state_because: Vec<String>,
    /// True if a person wrote it into the register.
    pub(crate) by_person: bool,
}

/// The risks of the first screen, and how many findings are not among them.
pub(crate) fn first(index: &Index<'_>, words: &Catalogue) -> (Vec<Risk>, usize) {
    let ranked = rank::risks_by_kind(index);
    let more = ranked.iter().skip(FIRST_RISKS).map(|r| r.alike + 1).sum();
    (
        ranked
            .iter()
            .take(FIRST_RISKS)
            .map(|r| risk(r, words))
            .collect(),
        more,
    )
}

fn risk(ranked: &rank::Ranked<'_>, words: &Catalogue) -> Risk {
    let finding = ranked.finding;
    let some = |n: usize, forms| (n > 0).then(|| words.count(forms, n));
    Risk {
        id: visible(finding.id.as_str()),
        severity: words.severity(finding.severity),
        risk: visible(&finding.risk),
        because: visible(&finding.indicator),
        first_step: finding.mitigations.first().map(|m| visible(m)),
        owner: finding.owner.as_deref().map(visible),
        control_date: finding.control_date.map(|d| d.day()),
        consumers: ranked.consumers,
        consumers_line: some(ranked.consumers, words.consumers),
        alike: ranked.alike,
        alike_line: some(ranked.alike, words.alike),
    }
}

/// Every open risk, then those a person accepted, then what is closed or was judged wrong.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<FindingRow> {
    let findings = || index.inventory.findings.iter();
    let open = index.risks().into_iter().map(|r| r.finding);
    let accepted = findings().filter(|f| rank::is_accepted(f));
    let done = findings().filter(|f| !rank::is_open(f) && !rank::is_accepted(f));
    let all: Vec<&Finding> = open.chain(accepted).chain(done).collect();
    Rows::first(&all, limit, |finding| row(finding, words))
}

fn row(finding: &Finding, words: &Catalogue) -> FindingRow {
    FindingRow {
        id: visible(finding.id.as_str()),
        check: visible(&finding.check),
        severity: words.severity(finding.severity),
        risk: visible(&finding.risk),
        indicator: visible(&finding.indicator),
        impact: visible(&finding.impact),
        likelihood: words.likelihood(finding.likelihood),
        mitigations: finding.mitigations.iter().map(|m| visible(m)).collect(),
        owner: finding.owner.as_deref().map(visible),
        control_date: finding.control_date.map(|d| d.day()),
        accepted: said(finding, words).filter(|_| rank::is_accepted(finding)),
        state: state(finding, words),
        state_because: because(finding, words),
        by_person: finding.origin == FindingOrigin::Person,
    }
}

fn state(finding: &Finding, words: &Catalogue) -> String {
    let day = |form, day: Option<groma_model::Timestamp>, word: &str| {
        day.map_or_else(|| word.to_owned(), |day| fill(form, &[&day.day()]))
    };
    match finding.state {
        FindingState::Closed => day(words.risk_closed_on, finding.closed_on, words.risk_closed),
        _ if rank::is_accepted(finding) => words.risk_accepted.to_owned(),
        _ => day(words.risk_open_since, finding.first_seen, words.risk_open),
    }
}

fn because(finding: &Finding, words: &Catalogue) -> Vec<String> {
    let looks = finding.state_because.as_deref().map(visible);
    said(finding, words).into_iter().chain(looks).collect()
}

/// A person's verdict.
fn said(finding: &Finding, words: &Catalogue) -> Option<String> {
    let verdict = finding.verdict.as_ref()?;
    let form = match verdict.verdict {
        VerdictWord::Accepted => words.accepted_by,
        VerdictWord::Wrong => words.risk_wrong,
        VerdictWord::Confirmed => words.risk_confirmed,
    };
    let (by, because) = (visible(&verdict.by), visible(&verdict.because));
    Some(fill(form, &[&by, &because]))
}

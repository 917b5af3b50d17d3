//! The risk register as a table that people edit and hand back.

use groma_model::inventory::{Finding, FindingOrigin, Inventory, VerdictWord};
use groma_model::register::{MITIGATIONS_APART, REGISTER_COLUMNS, cells, severity_word, unchanged};

use crate::index::Index;
use crate::table::written_whole;
use crate::visible::visible;

/// Subjects that are named before the rest is counted.
const SUBJECTS_NAMED: usize = 12;

/// One header line, then one line per row of the register, as the document orders them.
pub(crate) fn csv(inventory: &Inventory) -> String {
    let index = Index::of(inventory);
    let needs = Needs::of(inventory);
    let rows = inventory.findings.iter();
    written_whole(
        &REGISTER_COLUMNS,
        rows.map(|finding| row(finding, &index, &needs)),
    )
}

/// Dependencies by id, in words.
struct Needs<'a>(std::collections::HashMap<&'a str, &'a groma_model::inventory::Dependency>);

impl<'a> Needs<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let needs = inventory.dependencies.iter();
        Self(needs.map(|d| (d.id.as_str(), d)).collect())
    }
}

fn row(finding: &Finding, index: &Index<'_>, needs: &Needs<'_>) -> Vec<String> {
    let cells = cells(finding).map(|cell| shown(&cell));
    let id = shown(finding.id.as_str());
    let digests = unchanged(&id, &cells.each_ref().map(String::as_str));
    let [
        owner,
        day,
        state,
        because,
        risk,
        indicator,
        impact,
        likelihood,
        mitigations,
    ] = cells;
    vec![
        id,
        finding.check.clone(),
        match finding.origin {
            FindingOrigin::Generated => "generated",
            FindingOrigin::Person => "person",
        }
        .to_owned(),
        state,
        severity_word(finding.severity).to_owned(),
        finding.layer.clone(),
        subjects(finding, index, needs),
        risk,
        indicator,
        impact,
        likelihood,
        mitigations,
        owner,
        day,
        verdict(finding),
        because,
        digests,
    ]
}

/// Cells of the register may be as long as people write: they are not cut, or what comes back would be.
fn shown(text: &str) -> String {
    crate::visible::visible_whole(text)
}

fn verdict(finding: &Finding) -> String {
    let said = finding.verdict.as_ref().map(|verdict| {
        let word = match verdict.verdict {
            VerdictWord::Confirmed => "confirmed",
            VerdictWord::Wrong => "wrong",
            VerdictWord::Accepted => "accepted",
        };
        format!("{word} by {}", visible(&verdict.by))
    });
    said.unwrap_or_default()
}

fn subjects(finding: &Finding, index: &Index<'_>, needs: &Needs<'_>) -> String {
    let name = |id: &String| match needs.0.get(id.as_str()) {
        Some(d) => format!(
            "{} to {}",
            visible(&d.consumer.name),
            visible(&d.provider.name)
        ),
        None => index
            .entity(id)
            .map_or_else(|| visible(id), |entity| visible(&entity.name)),
    };
    let mut names: Vec<String> = finding.subjects.iter().map(name).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(SUBJECTS_NAMED);
    names.truncate(SUBJECTS_NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(MITIGATIONS_APART)
}

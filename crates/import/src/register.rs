//! The risk register that comes back: who acts, by when, what is lived with, and risks people wrote themselves.

use std::collections::{BTreeMap, HashMap};

use groma_model::FindingId;
use groma_model::inventory::{Finding, FindingOrigin, FindingState, Inventory, VerdictWord};
use groma_model::questionnaire::on_one_line;
use groma_model::register::{
    EDITABLE, OwnRisk, RiskEdit, SAID_BY_CHECK, cells, digest_of, likelihood, severity, state,
    state_word,
};
use groma_model::registry::REGISTRY;
use groma_model::store::Word;
use groma_model::visible::visible;

use crate::columns::speaks_of_secret;
use crate::day::{AS, day};
use crate::filled::{Filled, FilledRow};
use crate::questionnaire::shown;
use crate::{Problems, RowProblem};

/// Columns that no other list has together.
pub(crate) const OWN: &[&str] = &["risk", "indicator", "mitigations", "control_date"];

/// Columns a row of one's own needs.
const NEEDED: [&str; 7] = [
    "risk",
    "indicator",
    "impact",
    "likelihood",
    "mitigations",
    "owner",
    "control_date",
];

/// What an edited register says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edited {
    /// Rows in which something was changed or added, in the order of the file.
    pub edits: Vec<RiskEdit>,
    /// Rows that stand as they went out.
    pub unchanged: usize,
    /// What could not be read, with what to do: the first thousand, and a last that counts the rest.
    pub skipped: Vec<RowProblem>,
}

pub(crate) fn read(filled: Filled, inventory: &Inventory) -> Edited {
    let mut problems = Problems::of(filled.broken);
    let known: HashMap<&str, &Finding> = inventory
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    let mut out = Edited::default();
    let mut own: BTreeMap<FindingId, String> = BTreeMap::new();
    for row in filled.rows.iter().filter(|row| !row.is_blank()) {
        let edit = match row.cell("id") {
            "" => added(row, &known, &mut own, &mut problems),
            id => match known.get(id) {
                Some(finding) => edited(row, finding, &filled.columns, &mut problems),
                None => {
                    let why = format!(
                        "no risk with the id {} is in the register (any more): export it again, or leave the id empty for a risk of your own; left out",
                        shown(id)
                    );
                    problems.say(&row.place, "id", why);
                    continue;
                }
            },
        };
        match edit {
            Some(edit) => out.edits.push(edit),
            None => out.unchanged += usize::from(!row.cell("id").is_empty()),
        }
    }
    out.skipped = problems.settled();
    out
}

/// What a row says that went out.
fn edited(
    row: &FilledRow,
    finding: &Finding,
    columns: &[String],
    problems: &mut Problems,
) -> Option<RiskEdit> {
    let now = Now::of(finding);
    // A column that somebody took out of the file says nothing: what stands there now, stands.
    let row = &row.with(now.absent(columns));
    let Some(mut changed) = Changed::of(row, finding, &now, columns) else {
        let why = "this is not the row that went out under its id: it was torn apart (one column sorted without the others?); left out";
        problems.say(&row.place, "", why.to_owned());
        return None;
    };
    changed.leave_meanwhile(row, problems);
    // Nor do cells that nobody edited take back what stands there by now.
    let row = &row.with(now.unedited(&changed));
    let mut said = Vec::new();
    let is_own = finding.origin == FindingOrigin::Person;
    let touched: Vec<&str> = SAID_BY_CHECK
        .into_iter()
        .filter(|column| changed.has(column))
        .collect();
    if is_own {
        said.extend(reworded(row, finding, !touched.is_empty(), problems));
    } else {
        for column in touched {
            let why = "the words of a generated row are the check's own and are made anew: add a row of your own with an empty id, or a note with groma annotate";
            problems.say(&row.place, column, why.to_owned());
        }
    }
    if changed.has("owner") {
        said.extend(owner(row, problems));
    }
    if changed.has("control_date") {
        said.extend(control_date(row, problems));
    }
    if changed.has("state") || changed.has("because") {
        said.extend(stands(row, finding, &changed, problems));
    }
    (!said.is_empty()).then(|| RiskEdit {
        about: finding.id.clone(),
        risk: finding.risk.clone(),
        is_new: false,
        said,
        row: row.place.clone(),
    })
}

/// The cells of a row as they would go out now.
struct Now([(&'static str, String); 9]);

impl Now {
    fn of(finding: &Finding) -> Self {
        let mut columns = EDITABLE.into_iter().chain(SAID_BY_CHECK);
        Self(cells(finding).map(|cell| {
            let column = columns.next().expect("there is a cell for each column");
            (column, visible(&cell).into_owned())
        }))
    }

    fn unedited<'a>(
        &'a self,
        changed: &'a Changed,
    ) -> impl Iterator<Item = (&'static str, String)> + 'a {
        let cells = self.0.iter();
        cells
            .filter(|(column, _)| !changed.has(column))
            .map(|(column, cell)| (*column, cell.clone()))
    }

    fn absent<'a>(
        &'a self,
        columns: &'a [String],
    ) -> impl Iterator<Item = (&'static str, String)> + 'a {
        let cells = self.0.iter();
        cells
            .filter(|(column, _)| !is_in(columns, column))
            .map(|(column, cell)| (*column, cell.clone()))
    }
}

fn is_in(columns: &[String], column: &str) -> bool {
    columns.iter().any(|known| known == column)
}

/// What is compared of a cell: a spreadsheet writes days its own way.
fn compared(column: &str, cell: &str) -> String {
    let date = (column == "control_date").then(|| day(cell)).flatten();
    match date {
        Some(date) => digest_of(&date.day()),
        None => digest_of(cell),
    }
}

/// Which cells are not as they went out.
struct Changed {
    edited: Vec<&'static str>,
    /// Of these the ones that somebody else gave a third content since.
    meanwhile: Vec<&'static str>,
}

impl Changed {
    /// `None` if the row is not the one that went out.
    fn of(row: &FilledRow, finding: &Finding, now: &Now, columns: &[String]) -> Option<Self> {
        let digests: Vec<&str> = row.cell("unchanged").split_whitespace().collect();
        let is_own = finding.origin == FindingOrigin::Person;
        let mut out = Self {
            edited: Vec::new(),
            meanwhile: Vec::new(),
        };
        let sent = match digests.split_first() {
            Some((id, sent)) if *id == digest_of(row.cell("id")) && sent.len() == now.0.len() => {
                Some(sent)
            }
            Some(_) => return None,
            None => None,
        };
        for (at, (column, stands)) in now.0.iter().enumerate() {
            let (cell, stands) = (compared(column, row.cell(column)), digest_of(stands));
            let is_said = is_own || EDITABLE.contains(column);
            let then = match sent.map(|sent| sent.get(at)) {
                Some(Some(then)) => *then,
                // Somebody deleted the digests: what differs from what is known now was changed. A check's own words may
                // have changed since by themselves.
                _ if is_said => stands.as_str(),
                _ => continue,
            };
            if cell == then || !is_in(columns, column) {
                continue;
            }
            out.edited.push(column);
            // What groma wrote as a reason is no word of a person.
            let is_grounds = *column == "because" && finding.verdict.is_none() && !is_own;
            if stands != then && stands != cell && is_said && !is_grounds {
                out.meanwhile.push(column);
            }
        }
        Some(out)
    }

    fn has(&self, column: &str) -> bool {
        self.edited.contains(&column)
    }

    /// Leaves cells as they are that were changed here and elsewhere, and says so. A state and its reason are one, and so
    /// are the words of a person's risk.
    fn leave_meanwhile(&mut self, row: &FilledRow, problems: &mut Problems) {
        for column in std::mem::take(&mut self.meanwhile) {
            let why = "changed meanwhile: neither what went out nor what is written here stands there now; left as it is now, export the register again to change it";
            problems.say(&row.place, column, why.to_owned());
            let stand: &[&str] = match column {
                "state" | "because" => &["state", "because"],
                column if SAID_BY_CHECK.contains(&column) => &SAID_BY_CHECK,
                _ => &[column],
            };
            self.edited.retain(|edited| !stand.contains(edited));
        }
    }
}

fn owner(row: &FilledRow, problems: &mut Problems) -> Option<Word> {
    let name = on_one_line(row.cell("owner"));
    if speaks_of_secret(&name) {
        let why = "it speaks of a password, a secret or a token: left out";
        problems.say(&row.place, "owner", why.to_owned());
        return None;
    }
    Some(Word::Owner(name))
}

fn control_date(row: &FilledRow, problems: &mut Problems) -> Option<Word> {
    let text = row.cell("control_date");
    if text.is_empty() {
        return Some(Word::ControlDate(None));
    }
    let date = day(text);
    if date.is_none() {
        let why = format!("no day, or two that it may be: {}; {AS}", shown(text));
        problems.say(&row.place, "control_date", why);
    }
    date.map(|date| Word::ControlDate(Some(date)))
}

/// What a person says of where a risk stands.
fn stands(
    row: &FilledRow,
    finding: &Finding,
    changed: &Changed,
    problems: &mut Problems,
) -> Option<Word> {
    let Some(wanted) = state(row.cell("state")) else {
        let why = format!(
            "none of open, accepted, closed: {}; left as it is",
            shown(row.cell("state"))
        );
        problems.say(&row.place, "state", why);
        return None;
    };
    let because = on_one_line(row.cell("because"));
    if speaks_of_secret(&because) {
        let why = "it speaks of a password, a secret or a token: left out";
        problems.say(&row.place, "because", why.to_owned());
        return None;
    }
    // What groma wrote there is no reason of a person.
    let own_reason = changed.has("because") || finding.verdict.is_some();
    let has_reason = !because.is_empty() && own_reason;
    let missing = |problems: &mut Problems| {
        let why = format!(
            "{} needs a reason: write it into the column because; left as it is",
            state_word(wanted)
        );
        problems.say(&row.place, "because", why);
    };
    match wanted {
        FindingState::Accepted if has_reason => Some(Word::Verdict {
            verdict: VerdictWord::Accepted,
            because,
        }),
        FindingState::Closed if finding.origin == FindingOrigin::Generated => {
            let why = "a generated row closes itself when its check passes: write accepted and why; or, if it is not so, groma annotate ID --verdict wrong --because …";
            problems.say(&row.place, "state", why.to_owned());
            None
        }
        FindingState::Closed if has_reason => Some(Word::Closed { because }),
        FindingState::Accepted | FindingState::Closed => {
            missing(problems);
            None
        }
        FindingState::Open if changed.has("state") => Some(Word::Verdict {
            verdict: VerdictWord::Confirmed,
            because: if changed.has("because") {
                because
            } else {
                String::new()
            },
        }),
        FindingState::Open if because.is_empty() => None,
        FindingState::Open => Some(Word::Note(because)),
    }
}

/// A person's own row with other words.
fn reworded(
    row: &FilledRow,
    finding: &Finding,
    touched: bool,
    problems: &mut Problems,
) -> Option<Word> {
    let other = |now: Option<bool>| now == Some(false);
    let graver = severity(row.cell("severity")).map(|severity| severity == finding.severity);
    let elsewhere = layer(row.cell("layer")).map(|layer| layer == finding.layer);
    if !touched && !other(graver) && !other(elsewhere) {
        return None;
    }
    own_risk(row, Some(finding), problems).map(Word::OwnRisk)
}

fn layer(cell: &str) -> Option<&'static str> {
    let mut layers = REGISTRY.layers.iter().map(|layer| layer.name.as_str());
    layers.find(|layer| layer.eq_ignore_ascii_case(cell.trim()))
}

/// A risk in a person's words; what is wrong with it is said.
fn own_risk(row: &FilledRow, before: Option<&Finding>, problems: &mut Problems) -> Option<OwnRisk> {
    let needed = NEEDED
        .into_iter()
        .filter(|c| before.is_none() || SAID_BY_CHECK.contains(c));
    let missing: Vec<&str> = needed.filter(|c| row.cell(c).is_empty()).collect();
    if !missing.is_empty() {
        let why = format!(
            "a risk of your own needs all of its fields; missing: {}; left out",
            missing.join(", ")
        );
        problems.say(&row.place, "", why);
        return None;
    }
    if SAID_BY_CHECK
        .into_iter()
        .any(|c| speaks_of_secret(row.cell(c)))
    {
        let why = "it speaks of a password, a secret or a token: left out; say it again without that word";
        problems.say(&row.place, "", why.to_owned());
        return None;
    }
    let Some(likely) = likelihood(row.cell("likelihood")) else {
        let why = format!(
            "none of low, medium, high: {}; the row is left out",
            shown(row.cell("likelihood"))
        );
        problems.say(&row.place, "", why);
        return None;
    };
    let mut risk = OwnRisk {
        risk: on_one_line(row.cell("risk")),
        indicator: on_one_line(row.cell("indicator")),
        impact: on_one_line(row.cell("impact")),
        likelihood: likely,
        mitigations: listed(row.cell("mitigations")),
        ..OwnRisk::default()
    };
    if let Some(before) = before {
        risk.severity = before.severity;
        risk.layer.clone_from(&before.layer);
    }
    match (severity(row.cell("severity")), row.cell("severity")) {
        (Some(severity), _) => risk.severity = severity,
        (None, "") => {}
        (None, other) => {
            let why = format!(
                "none of critical, high, medium, low: {}; medium is meant, or what stood there",
                shown(other)
            );
            problems.say(&row.place, "severity", why);
        }
    }
    match (layer(row.cell("layer")), row.cell("layer")) {
        (Some(layer), _) => layer.clone_into(&mut risk.layer),
        (None, "") => {}
        (None, other) => {
            let why = format!(
                "no layer of the map: {}; application is meant, or what stood there",
                shown(other)
            );
            problems.say(&row.place, "layer", why);
        }
    }
    Some(risk)
}

fn listed(cell: &str) -> Vec<String> {
    let items = cell.split([';', '\n']).map(on_one_line);
    items.filter(|item| !item.is_empty()).collect()
}

/// A row without an id: a person's own risk.
fn added(
    row: &FilledRow,
    known: &HashMap<&str, &Finding>,
    own: &mut BTreeMap<FindingId, String>,
    problems: &mut Problems,
) -> Option<RiskEdit> {
    if !row.cell("unchanged").is_empty() {
        let why = "a row that went out, and its id is gone: put the id back, or empty the column unchanged too for a risk of your own; left out";
        problems.say(&row.place, "id", why.to_owned());
        return None;
    }
    let risk = own_risk(row, None, problems)?;
    let date = day(row.cell("control_date"));
    if date.is_none() {
        let text = shown(row.cell("control_date"));
        let why = format!("no day, or two that it may be: {text}; {AS}; the row is left out");
        problems.say(&row.place, "", why);
        return None;
    }
    let id = risk.id();
    if let Some(finding) = known.get(id.as_str()) {
        let why = format!(
            "this risk stands in the register already, as {}: edit that row; left out",
            finding.id
        );
        problems.say(&row.place, "", why);
        return None;
    }
    if let Some(first) = own.insert(id.clone(), row.place.clone()) {
        let why =
            format!("the same risk as in row {first}: each needs a sentence of its own; left out");
        problems.say(&row.place, "", why);
        return None;
    }
    let because = on_one_line(row.cell("because"));
    let mut said = vec![Word::OwnRisk(risk.clone())];
    said.extend(owner(row, problems));
    said.push(Word::ControlDate(date));
    match (state(row.cell("state")), because.is_empty()) {
        (Some(FindingState::Accepted), false) => said.push(Word::Verdict {
            verdict: VerdictWord::Accepted,
            because,
        }),
        (Some(FindingState::Closed), false) => said.push(Word::Closed { because }),
        (Some(FindingState::Accepted | FindingState::Closed), true) => {
            let why = "accepted and closed need a reason: the risk is taken as open";
            problems.say(&row.place, "because", why.to_owned());
        }
        (Some(FindingState::Open), _) => {}
        (None, _) if row.cell("state").is_empty() => {}
        (None, _) => {
            let why = "none of open, accepted, closed: the risk is taken as open";
            problems.say(&row.place, "state", why.to_owned());
        }
    }
    Some(RiskEdit {
        about: id,
        risk: risk.risk,
        is_new: true,
        said,
        row: row.place.clone(),
    })
}

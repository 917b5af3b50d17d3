//! The questionnaire that comes back from an owner: what was answered, by whom and when; the rest is said row by row.

use std::collections::{BTreeMap, HashSet};

use groma_model::Timestamp;
use groma_model::inventory::Inventory;
use groma_model::questionnaire::{
    ABOUT_SHEET, Answer, CRITICALITIES, SheetField, check, confirms, on_one_line, says_nothing,
    words,
};

use crate::columns::{says_secret, speaks_of_secret};
use crate::day::{AS, day};
use crate::filled::{Filled, FilledRow};
use crate::{Problems, RowProblem};

/// Columns that no other list has together.
pub(crate) const OWN: &[&str] = &["about_id", "field", "answer"];

/// Milliseconds a clock elsewhere may be ahead: it is tomorrow in some places.
const AHEAD_MILLIS: i64 = 86_400_000;

/// What a questionnaire says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answered {
    /// What was answered, in the order of the file. Of two answers to one question the last.
    pub answers: Vec<Answer>,
    /// Questions without an answer, or with one that says nothing ("?", "none").
    pub unanswered: usize,
    /// Rows that agree with what is known ("ok", "yes"): nothing changes.
    pub confirmed: usize,
    /// What could not be read, with what to do: the first thousand, and a last that counts the rest.
    pub skipped: Vec<RowProblem>,
}

/// Who answers a sheet, and when.
#[derive(Clone, PartialEq, Eq, Default)]
struct Signed {
    by: Option<String>,
    on: Option<Timestamp>,
}

pub(crate) fn read(filled: Filled, inventory: &Inventory, now: Timestamp) -> Answered {
    let mut problems = Problems::of(filled.broken);
    let signed = signatures(&filled.rows, &mut problems, now);
    let ids = Ids::of(inventory);
    let mut out = Answered::default();
    // By what was asked: the last answer counts.
    let mut said: BTreeMap<(String, SheetField, String), usize> = BTreeMap::new();
    let mut unsigned: Vec<&FilledRow> = Vec::new();
    for (row, signed) in filled.rows.iter().zip(&signed) {
        if row.cell("about_id").eq_ignore_ascii_case(ABOUT_SHEET) {
            continue;
        }
        let Some(answer) = answer(row, &ids, &mut problems) else {
            match heard(row) {
                Heard::Nothing => out.unanswered += 1,
                Heard::Agreement => out.confirmed += usize::from(!row.cell("known").is_empty()),
                Heard::Words => {}
            }
            continue;
        };
        let (Some(by), Some(on)) = (&signed.by, signed.on) else {
            unsigned.push(row);
            continue;
        };
        let answer = Answer {
            by: by.clone(),
            on,
            ..answer
        };
        put(&mut out.answers, answer, &mut said, &mut problems);
    }
    if let Some(first) = unsigned.first() {
        let count = unsigned.len();
        problems.say(
            &first.place,
            "answer",
            format!("{count} answers from this row on are left out, for nobody is named who gives them, or no day: fill in answered_by and answered_on at the top ({AS}) and import the file again"),
        );
    }
    out.skipped = problems.settled();
    out
}

/// Keeps an answer. One who uses a system besides may be named in many rows; anything else is answered once.
fn put(
    answers: &mut Vec<Answer>,
    answer: Answer,
    said: &mut BTreeMap<(String, SheetField, String), usize>,
    problems: &mut Problems,
) {
    let several = match answer.field {
        SheetField::FurtherConsumer => answer.text.clone(),
        SheetField::Question => answer.question.clone(),
        _ => String::new(),
    };
    let key = (answer.about.clone(), answer.field, several);
    let at = said.get(&key).copied();
    match at.and_then(|at| answers.get_mut(at)) {
        Some(earlier) if earlier.text == answer.text => {}
        Some(earlier) => {
            let why = format!(
                "answered in row {} as well, with other words: this later row counts",
                earlier.row
            );
            problems.say(&answer.row, "answer", why);
            *earlier = answer;
        }
        None => {
            said.insert(key, answers.len());
            answers.push(answer);
        }
    }
}

/// For each row who signs for it. A file may hold several sheets; each begins with its own name and day, and no signature is
/// good for another sheet.
fn signatures(rows: &[FilledRow], problems: &mut Problems, now: Timestamp) -> Vec<Signed> {
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut of_row: Vec<usize> = Vec::with_capacity(rows.len());
    // Rows above the first signature: somebody sorted the sheet.
    let mut above = false;
    for row in rows {
        let field = sheet_field(row);
        let is_next = field.is_some_and(|field| {
            let last = sheets.last();
            last.is_none_or(|sheet| sheet.seen.contains(&field))
        });
        if is_next {
            sheets.push(Sheet::default());
        }
        match (field, sheets.last_mut()) {
            (Some(field), Some(sheet)) => {
                sheet.is_torn |= sheet.rows > 0;
                sheet.seen.push(field);
                sign(row, field, &mut sheet.signed, problems, now);
            }
            (None, Some(sheet)) => sheet.rows += usize::from(!row.is_blank()),
            (_, None) => above |= !row.is_blank(),
        }
        of_row.push(sheets.len().saturating_sub(1));
    }
    if are_mixed(&sheets, above) {
        let place = rows.first().map_or("", |row| &row.place);
        let why = "several sheets are mixed in this file, so that nothing tells who gave which answer: import each sheet as it came back, unsorted or in a file of its own";
        problems.say(place, "answered_by", why.to_owned());
        return vec![Signed::default(); rows.len()];
    }
    let signed = |at: usize| sheets.get(at).map(|sheet| sheet.signed.clone());
    of_row
        .into_iter()
        .map(|at| signed(at).unwrap_or_default())
        .collect()
}

/// A sheet in the file: who signs it, and how many rows follow.
#[derive(Default)]
struct Sheet {
    signed: Signed,
    seen: Vec<SheetField>,
    rows: usize,
    /// Its name and its day stand apart.
    is_torn: bool,
}

/// True if there are several sheets, of several people, and their rows were sorted into each other.
fn are_mixed(sheets: &[Sheet], above: bool) -> bool {
    let Some((first, others)) = sheets.split_first() else {
        return false;
    };
    let is_another = |sheet: &Sheet| sheet.signed != first.signed;
    let sorted = |sheet: &Sheet| sheet.is_torn || sheet.rows == 0;
    others.iter().any(is_another) && (above || sheets.iter().any(sorted))
}

/// What a row about the sheet itself asks for.
fn sheet_field(row: &FilledRow) -> Option<SheetField> {
    let about = row.cell("about_id").eq_ignore_ascii_case(ABOUT_SHEET);
    let field = SheetField::named(row.cell("field")).filter(|_| about)?;
    matches!(field, SheetField::AnsweredBy | SheetField::AnsweredOn).then_some(field)
}

fn sign(
    row: &FilledRow,
    field: SheetField,
    current: &mut Signed,
    problems: &mut Problems,
    now: Timestamp,
) {
    let text = on_one_line(row.cell("answer"));
    if text.is_empty() {
        return;
    }
    if field == SheetField::AnsweredOn {
        current.on = signed_on(row, &text, problems, now);
    } else if speaks_of_secret(&text) {
        let why = "the name speaks of a password, a secret or a token and is not kept: write the name alone and import the file again";
        problems.say(&row.place, "answered_by", why.to_owned());
    } else {
        let name: String = text.chars().filter(|c| !c.is_control()).collect();
        current.by = Some(name).filter(|name| !name.is_empty());
    }
}

fn signed_on(
    row: &FilledRow,
    text: &str,
    problems: &mut Problems,
    now: Timestamp,
) -> Option<Timestamp> {
    let why = match day(text) {
        Some(on) if on.millis() <= now.millis() + AHEAD_MILLIS => return Some(on),
        Some(on) => format!(
            "{} is in the future: nobody can have answered then; correct the day and import the file again",
            on.day()
        ),
        None => format!("no day, or two that it may be: {}; {AS}", shown(text)),
    };
    problems.say(&row.place, "answered_on", why);
    None
}

/// Ids that are known.
struct Ids<'a> {
    systems: HashSet<&'a str>,
    entities: HashSet<&'a str>,
    dependencies: HashSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        Self {
            systems: inventory.systems.iter().map(|s| s.id.as_str()).collect(),
            entities: inventory.entities.iter().map(|e| e.id.as_str()).collect(),
            dependencies: inventory
                .dependencies
                .iter()
                .map(|d| d.id.as_str())
                .collect(),
        }
    }

    /// True if a question of this field can be about `id`.
    fn fits(&self, id: &str, field: SheetField) -> bool {
        let thing = self.systems.contains(id) || self.entities.contains(id);
        match field {
            SheetField::StillNeeded => self.dependencies.contains(id),
            SheetField::Question => thing || self.dependencies.contains(id),
            _ => thing,
        }
    }
}

/// What kind of answer stands in a row.
#[derive(PartialEq, Eq)]
enum Heard {
    Nothing,
    Agreement,
    Words,
}

fn heard(row: &FilledRow) -> Heard {
    let text = row.cell("answer");
    match SheetField::named(row.cell("field")) {
        _ if text.is_empty() => Heard::Nothing,
        Some(field) if says_nothing(field, text) => Heard::Nothing,
        Some(field) if confirms(field, text) => Heard::Agreement,
        _ => Heard::Words,
    }
}

/// What a row answers; not signed yet.
fn answer(row: &FilledRow, ids: &Ids<'_>, problems: &mut Problems) -> Option<Answer> {
    let text = row.cell("answer");
    let (about, field, question) = (
        row.cell("about_id"),
        row.cell("field"),
        row.cell("question"),
    );
    let known_stands = same_known(row);
    let heard = heard(row);
    if heard == Heard::Nothing {
        if !known_stands {
            problems.say(
                &row.place,
                "known",
                "this is not what went out, and the answer is empty: write what is right into the column answer".to_owned(),
            );
        }
        return None;
    }
    if !same_question(row) {
        let why = "what is asked here is not what went out: the row was torn apart (one column sorted without the others?), or its id, field or question was changed; left out";
        problems.say(&row.place, "", why.to_owned());
        return None;
    }
    if !known_stands {
        let why = "this is not what went out: only the column answer counts";
        problems.say(&row.place, "known", why.to_owned());
    }
    let Some(field) = SheetField::named(field) else {
        let why = format!("no field of a questionnaire: {}; left out", shown(field));
        problems.say(&row.place, "field", why);
        return None;
    };
    if !ids.fits(about, field) {
        let why = format!(
            "nothing with the id {} is known here (any more) that this can be about: say it by name with groma annotate, or ask with a new sheet; left out",
            shown(about)
        );
        problems.say(&row.place, "about_id", why);
        return None;
    }
    if speaks_of_secret(text) {
        let why = "it speaks of a password, a secret or a token: left out; say it again without that word";
        problems.say(&row.place, "answer", why.to_owned());
        return None;
    }
    if heard == Heard::Agreement {
        if row.cell("known").is_empty() {
            let why = format!(
                "nothing is known here that {} could agree with: write it out; left out",
                shown(text)
            );
            problems.say(&row.place, "answer", why);
        }
        return None;
    }
    let answer = Answer {
        about: about.to_owned(),
        field,
        question: question.to_owned(),
        text: text.to_owned(),
        by: String::new(),
        on: Timestamp::from_millis(0),
        row: row.place.clone(),
    };
    if words(&answer).is_empty() {
        let understood = match field {
            SheetField::Criticality => CRITICALITIES.join(", "),
            _ => field.answers().to_owned(),
        };
        let why = format!("none of {understood}: {}; left out", shown(text));
        problems.say(&row.place, "answer", why);
        return None;
    }
    Some(answer)
}

/// True if the row asks what went out; also where somebody added it and it says nothing.
fn same_question(row: &FilledRow) -> bool {
    let now = digests(row);
    let then = row.cell("check").split_once('-');
    then.is_none_or(|(then, _)| now.split_once('-').is_some_and(|(now, _)| now == then))
}

/// True if what was known is as it went out.
fn same_known(row: &FilledRow) -> bool {
    let now = digests(row);
    let then = row.cell("check").split_once('-');
    then.is_none_or(|(_, then)| now.split_once('-').is_some_and(|(_, now)| now == then))
}

fn digests(row: &FilledRow) -> String {
    check(
        row.cell("about_id"),
        row.cell("field"),
        row.cell("question"),
        row.cell("known"),
    )
}

/// A cell in a message: short, on one line, and nothing at all if it may hold a password.
pub(crate) fn shown(text: &str) -> String {
    if says_secret(text) {
        return "…".to_owned();
    }
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(40).collect()
}

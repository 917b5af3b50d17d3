//! The risk register goes out, is edited and comes back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests only")]

mod sheets;

use groma_import::{Edited, Kind, read, read_register, recognise};
use groma_model::inventory::{FindingOrigin, FindingState, Inventory, Likelihood, VerdictWord};
use groma_model::register::OwnRisk;
use groma_model::store::Word;
use proptest::prelude::*;
use sheets::{HOSTILE, Table, estate, finding, now};

fn table_of(inventory: &Inventory) -> Table {
    Table::of(&groma_report::risks_csv(inventory))
}

fn taken_of(table: &Table, inventory: &Inventory) -> Edited {
    let bytes = table.csv(b',');
    assert_eq!(recognise(&bytes), Kind::RiskRegister);
    read_register("risks.csv", &bytes, inventory).unwrap()
}

fn taken(table: &Table) -> Edited {
    taken_of(table, &estate())
}

fn write(table: &mut Table, id: &str, column: &str, text: &str) {
    table.write(&[("id", id)], column, text);
}

fn said(edited: &Edited) -> Vec<Word> {
    assert!(edited.skipped.is_empty(), "{:#?}", edited.skipped);
    let [edit] = edited.edits.as_slice() else {
        panic!("{:#?}", edited.edits);
    };
    edit.said.clone()
}

/// An estate with a risk that a person wrote.
fn with_own() -> Inventory {
    let mut inventory = estate();
    let mut own = finding("fnd-own", "The vendor is bought.");
    own.origin = FindingOrigin::Person;
    own.check = "own-risk".to_owned();
    inventory.findings.push(own);
    inventory
}

fn added(cells: &[(&str, &str)]) -> Table {
    let mut table = table_of(&estate());
    let mut row = vec![String::new(); table.0[0].len()];
    for (column, text) in cells {
        row[table.column(column)] = (*text).to_owned();
    }
    table.0.push(row);
    table
}

const OWN: [(&str, &str); 7] = [
    ("risk", "The vendor is bought."),
    ("indicator", "News of May"),
    ("impact", "No updates."),
    ("likelihood", "Low"),
    ("mitigations", "Ask; look for another"),
    ("owner", "Anna"),
    ("control_date", "1.2.2027"),
];

#[test]
fn a_register_that_comes_back_untouched_says_nothing() {
    for inventory in [estate(), with_own()] {
        let edited = taken_of(&table_of(&inventory), &inventory);
        assert_eq!((edited.edits, edited.skipped), (vec![], vec![]));
        assert_eq!(edited.unchanged, inventory.findings.len());
    }
}

#[test]
fn owner_and_control_date_are_taken_and_taken_back() {
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "owner", "Anna");
    write(&mut table, "fnd-1", "control_date", "2026-12-24");
    assert_eq!(
        said(&taken(&table)),
        [
            Word::Owner("Anna".to_owned()),
            Word::ControlDate(Some("2026-12-24T00:00:00Z".parse().unwrap()))
        ]
    );
    let edited = taken(&table);
    assert!(!edited.edits[0].is_new);
    assert_eq!(edited.edits[0].words()[0].0, "fnd-1");
    let mut emptied = table_of(&estate());
    write(&mut emptied, "fnd-1", "owner", "");
    assert_eq!(said(&taken(&emptied)), [Word::Owner(String::new())]);
}

#[test]
fn what_others_changed_since_is_not_taken_back_by_an_older_table() {
    let table = table_of(&estate());
    let mut since = estate();
    since.findings[0].owner = Some("Ben".to_owned());
    since.findings[0].indicator = "40 machines call 10.0.0.9".to_owned();
    let edited = taken_of(&table, &since);
    assert_eq!((edited.edits, edited.skipped), (vec![], vec![]));
}

#[test]
fn accepted_needs_a_reason_and_a_generated_row_is_not_closed_by_hand() {
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "state", "accepted");
    let edited = taken(&table);
    assert_eq!(edited.edits, []);
    assert!(edited.skipped[0].why.contains("accepted needs a reason"));
    write(&mut table, "fnd-1", "because", "until June");
    assert_eq!(
        said(&taken(&table)),
        [Word::Verdict {
            verdict: VerdictWord::Accepted,
            because: "until June".to_owned()
        }]
    );
    write(&mut table, "fnd-1", "state", "closed");
    let edited = taken(&table);
    assert_eq!(edited.edits, []);
    assert!(edited.skipped[0].why.contains("closes itself"));
    write(&mut table, "fnd-1", "state", "melted");
    assert!(taken(&table).skipped[0].why.contains("melted"));
}

#[test]
fn an_accepted_row_is_opened_again() {
    let mut accepted = estate();
    accepted.findings[0].state = FindingState::Accepted;
    accepted.findings[0].verdict = Some(groma_model::inventory::Verdict {
        verdict: VerdictWord::Accepted,
        by: "anna".to_owned(),
        because: "until June".to_owned(),
    });
    let mut table = table_of(&accepted);
    write(&mut table, "fnd-1", "state", "open");
    let edited = taken_of(&table, &accepted);
    assert_eq!(
        said(&edited),
        [Word::Verdict {
            verdict: VerdictWord::Confirmed,
            because: String::new()
        }]
    );
}

#[test]
fn the_words_of_a_check_are_its_own_and_those_of_a_person_theirs() {
    let inventory = with_own();
    let mut table = table_of(&inventory);
    write(&mut table, "fnd-1", "risk", "All is well.");
    let edited = taken_of(&table, &inventory);
    assert_eq!(edited.edits, []);
    assert_eq!(edited.skipped[0].column, "risk");
    let mut table = table_of(&inventory);
    write(&mut table, "fnd-own", "impact", "None.");
    write(&mut table, "fnd-own", "severity", "low");
    let words = said(&taken_of(&table, &inventory));
    let [Word::OwnRisk(risk)] = words.as_slice() else {
        panic!("{words:?}");
    };
    assert_eq!(
        (risk.impact.as_str(), risk.risk.as_str()),
        ("None.", "The vendor is bought.")
    );
    let mut table = table_of(&inventory);
    write(&mut table, "fnd-own", "state", "closed");
    write(&mut table, "fnd-own", "because", "bought and kept");
    assert_eq!(
        said(&taken_of(&table, &inventory)),
        [Word::Closed {
            because: "bought and kept".to_owned()
        }]
    );
}

#[test]
fn a_row_without_an_id_is_a_risk_of_ones_own() {
    let edited = taken(&added(&OWN));
    let words = said(&edited);
    let [
        Word::OwnRisk(risk),
        Word::Owner(owner),
        Word::ControlDate(Some(date)),
    ] = words.as_slice()
    else {
        panic!("{words:?}");
    };
    assert_eq!(risk.likelihood, Likelihood::Low);
    assert_eq!(risk.mitigations, ["Ask", "look for another"]);
    assert_eq!(
        (owner.as_str(), date.day().as_str()),
        ("Anna", "2027-02-01")
    );
    let edit = &edited.edits[0];
    assert!(edit.is_new);
    assert_eq!(edit.about, risk.id());
    // The same file again, after it was kept.
    let mut known = estate();
    known
        .findings
        .push(finding(edit.about.as_str(), "The vendor is bought."));
    let again = taken_of(&added(&OWN), &known);
    assert_eq!(again.edits, []);
    assert!(
        again.skipped[0]
            .why
            .contains("stands in the register already")
    );
}

#[test]
fn a_risk_of_ones_own_needs_all_of_its_fields() {
    for (missing, _) in OWN {
        let cells: Vec<(&str, &str)> = OWN.into_iter().filter(|(c, _)| *c != missing).collect();
        let edited = taken(&added(&cells));
        assert_eq!(edited.edits, []);
        let why = &edited.skipped[0].why;
        assert!(
            why.ends_with(&format!("missing: {missing}; left out")),
            "{why}"
        );
    }
    let mut unclear = OWN;
    unclear[6].1 = "1/2/2027";
    let edited = taken(&added(&unclear));
    assert!(edited.skipped[0].why.contains("2026-11-20"), "{edited:#?}");
    let mut twice = added(&OWN);
    twice.0.push(twice.0.last().unwrap().clone());
    let edited = taken(&twice);
    assert_eq!((edited.edits.len(), edited.skipped.len()), (1, 1));
}

#[test]
fn rows_torn_apart_and_ids_nobody_knows_are_said_by_row() {
    let inventory = with_own();
    let mut torn = table_of(&inventory);
    let at = torn.column("id");
    let (one, other) = (torn.0[1][at].clone(), torn.0[2][at].clone());
    torn.0[1][at] = other;
    torn.0[2][at] = one;
    let edited = taken_of(&torn, &inventory);
    assert_eq!(edited.edits, []);
    assert_eq!(edited.skipped.len(), 2, "{:#?}", edited.skipped);
    let gone = taken_of(&table_of(&inventory), &estate());
    assert_eq!(gone.skipped[0].row, "3");
    assert!(gone.skipped[0].why.contains("no risk with the id fnd-own"));
}

#[test]
fn without_the_last_column_it_is_compared_with_what_is_known() {
    let mut table = table_of(&estate());
    let at = table.column("unchanged");
    for row in &mut table.0 {
        row.remove(at);
    }
    assert_eq!(taken(&table).edits, []);
    write(&mut table, "fnd-1", "owner", "Anna");
    assert_eq!(said(&taken(&table)), [Word::Owner("Anna".to_owned())]);
}

fn without(table: &mut Table, column: &str) {
    let at = table.column(column);
    for row in &mut table.0 {
        row.remove(at);
    }
}

#[test]
fn a_column_taken_out_of_the_file_wipes_nothing() {
    for column in ["owner", "state", "because", "impact", "likelihood"] {
        for with_digests in [true, false] {
            let inventory = with_own();
            let mut table = table_of(&inventory);
            without(&mut table, column);
            if !with_digests {
                without(&mut table, "unchanged");
            }
            let edited = taken_of(&table, &inventory);
            assert_eq!((edited.edits, edited.skipped), (vec![], vec![]), "{column}");
            write(&mut table, "fnd-own", "control_date", "2026-12-24");
            write(&mut table, "fnd-own", "indicator", "News");
            let words = said(&taken_of(&table, &inventory));
            let [Word::OwnRisk(risk), Word::ControlDate(Some(_))] = words.as_slice() else {
                panic!("{column}: {words:?}");
            };
            assert_eq!(risk.impact, "Mail stops.");
        }
    }
}

#[test]
fn without_the_last_column_a_persons_own_words_are_still_theirs() {
    let inventory = with_own();
    let mut table = table_of(&inventory);
    without(&mut table, "unchanged");
    write(&mut table, "fnd-own", "impact", "None.");
    let words = said(&taken_of(&table, &inventory));
    assert!(
        matches!(words.as_slice(), [Word::OwnRisk(risk)] if risk.impact == "None."),
        "{words:?}"
    );
}

#[test]
fn a_day_a_spreadsheet_wrote_its_own_way_is_not_changed() {
    let mut inventory = estate();
    inventory.findings[0].control_date = Some("2026-12-05T00:00:00Z".parse().unwrap());
    let mut table = table_of(&inventory);
    write(&mut table, "fnd-1", "control_date", "05.12.2026");
    let edited = taken_of(&table, &inventory);
    assert_eq!((edited.edits, edited.skipped), (vec![], vec![]));
    write(&mut table, "fnd-1", "control_date", "06.12.2026");
    assert_eq!(said(&taken_of(&table, &inventory)).len(), 1);
}

#[test]
fn what_was_changed_here_and_elsewhere_is_said_and_left() {
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "owner", "Anna");
    write(&mut table, "fnd-1", "control_date", "2026-12-24");
    let mut since = estate();
    since.findings[0].owner = Some("Ben".to_owned());
    let edited = taken_of(&table, &since);
    assert!(matches!(
        edited.edits[0].said.as_slice(),
        [Word::ControlDate(Some(_))]
    ));
    let [problem] = edited.skipped.as_slice() else {
        panic!("{:#?}", edited.skipped);
    };
    assert_eq!(problem.column, "owner");
    assert!(problem.why.contains("changed meanwhile"), "{problem:?}");
    since.findings[0].owner = Some("Anna".to_owned());
    assert_eq!(
        said(&taken_of(&table, &since)).len(),
        2,
        "the same is no quarrel"
    );
    // A reason that groma itself wrote since is no quarrel either.
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "state", "accepted");
    write(&mut table, "fnd-1", "because", "until June");
    let mut since = estate();
    since.findings[0].state_because = Some("not looked at since 2026-11-20: app1".to_owned());
    assert_eq!(said(&taken_of(&table, &since)).len(), 1);
}

#[test]
fn a_row_whose_id_was_taken_away_becomes_no_risk_of_ones_own() {
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "id", "");
    let edited = taken(&table);
    assert_eq!(edited.edits, []);
    assert!(edited.skipped[0].why.contains("its id is gone"));
}

#[test]
fn a_workbook_comes_back_as_well() {
    let mut table = table_of(&estate());
    write(&mut table, "fnd-1", "owner", "Anna");
    let bytes = table.xlsx();
    assert_eq!(recognise(&bytes), Kind::RiskRegister);
    let edited = read_register("risks.xlsx", &bytes, &estate()).unwrap();
    assert_eq!(said(&edited), [Word::Owner("Anna".to_owned())]);
    assert_eq!(edited.edits[0].row, "Sheet1 2");
    let error = read("risks.xlsx", &bytes, now()).unwrap_err();
    assert!(error.to_string().contains("is a risk register"), "{error}");
}

#[test]
fn hostile_words_go_out_and_come_back_as_nothing_new() {
    for text in HOSTILE {
        let mut inventory = with_own();
        for finding in &mut inventory.findings {
            finding.owner = Some(text.to_owned());
            finding.risk = text.to_owned();
            finding.indicator = text.repeat(60);
            finding.mitigations = vec![text.to_owned(), text.to_owned()];
            finding.state_because = Some(text.to_owned());
        }
        let csv = groma_report::risks_csv(&inventory);
        assert!(
            !csv.contains('\u{1b}') && !csv.contains('\u{202e}'),
            "{csv}"
        );
        let edited = taken_of(&Table::of(&csv), &inventory);
        assert_eq!((edited.edits, edited.skipped), (vec![], vec![]), "{text:?}");
    }
}

#[test]
fn ten_thousand_broken_registers_break_nothing() {
    let (plain, book) = (added(&OWN).csv(b';'), added(&OWN).xlsx());
    let inventory = with_own();
    groma_fuzz::hammer(10_000, &[&plain], |bytes| {
        drop(read_register("x", bytes, &inventory));
    });
    groma_fuzz::hammer(200, &[&book], |bytes| {
        drop(read_register("x", bytes, &inventory));
    });
}

proptest! {
    #[test]
    fn whatever_it_holds_an_untouched_register_says_nothing(risk in any::<String>(), owner in any::<Option<String>>(), why in any::<String>()) {
        let mut inventory = with_own();
        for finding in &mut inventory.findings {
            finding.risk.clone_from(&risk);
            finding.owner.clone_from(&owner);
            finding.state_because = Some(why.clone());
        }
        let csv = groma_report::risks_csv(&inventory);
        let edited = read_register("x", csv.as_bytes(), &inventory).unwrap();
        prop_assert_eq!(edited.edits, vec![]);
        prop_assert_eq!(edited.skipped, vec![]);
    }

    #[test]
    fn an_added_row_comes_back_or_is_told(risk in "[^\u{0}]{1,60}", impact in "\\PC{1,40}") {
        let mut cells = OWN;
        cells[0].1 = &risk;
        cells[2].1 = &impact;
        let edited = taken(&added(&cells));
        match edited.edits.as_slice() {
            [only] => {
                let Some(Word::OwnRisk(OwnRisk { risk: said, .. })) = only.said.first() else {
                    return Err(TestCaseError::fail("a risk comes first"));
                };
                let meant: Vec<&str> = risk.split_whitespace().collect();
                let meant = meant.join(" ");
                let unguarded = meant.strip_prefix('\'').unwrap_or(&meant).trim();
                prop_assert!(*said == meant || said == unguarded, "{:?} of {:?}", said, risk);
            }
            _ => prop_assert!(!edited.skipped.is_empty()),
        }
    }
}

//! The register from one look to the next.

use groma_check::register;
use groma_model::inventory::{
    EvidenceEntry, Finding, FindingOrigin, FindingState, Inventory, VerdictWord,
};
use groma_model::register::OwnRisk;
use groma_model::store::{Annotation, Word};
use groma_model::{CoverageState, EvidenceId, SourceName, Timestamp, Witness};

use crate::build::*;

/// Machines of a literal address; looked at `days` after today.
fn looked(days: i64, state: CoverageState) -> Inventory {
    let mut inventory = inventory(vec![host("app1"), host("db1")], Vec::new());
    for name in ["app1", "db1"] {
        let mut entry = sockets(name, state);
        entry.to = in_days(days);
        inventory.coverage.push(entry);
    }
    inventory.evidence = vec![EvidenceEntry {
        id: EvidenceId::new("evi-1"),
        source: SourceName::new("host.sockets"),
        witness: Witness::Live,
        vantage: id("app1"),
        observed_at: in_days(days),
        says: "app1 calls db1".to_owned(),
    }];
    inventory
}

fn finding() -> Finding {
    let mut finding = crate::only("target-silent", &crate::target_silent::positive());
    finding.subjects = vec![id("db1").to_string()];
    finding.evidence = vec![EvidenceId::new("evi-1")];
    finding
}

fn complete(days: i64) -> Inventory {
    looked(days, CoverageState::Complete)
}

fn first() -> Vec<Finding> {
    register(vec![finding()], &complete(0), &[], &[], in_days(0))
}

fn said(word: Word) -> Annotation {
    Annotation {
        about: finding().id.to_string(),
        by: "anna".to_owned(),
        at: in_days(0),
        word,
    }
}

fn accepted() -> Annotation {
    said(Word::Verdict {
        verdict: VerdictWord::Accepted,
        because: "until June".to_owned(),
    })
}

fn row(rows: &[Finding]) -> &Finding {
    assert_eq!(rows.len(), 1, "{rows:#?}");
    &rows[0]
}

#[test]
fn a_row_whose_check_passes_after_a_whole_look_closes_itself_and_says_when() {
    let rows = register(Vec::new(), &complete(1), &first(), &[], in_days(2));
    let row = row(&rows);
    assert_eq!(row.state, FindingState::Closed);
    assert_eq!(row.closed_on, Some(in_days(2)));
    assert_eq!(row.first_seen, Some(in_days(0)));
    assert_eq!(
        row.state_because.as_deref(),
        Some(
            "closed on 2026-11-22: everything it rested on was looked at again, and the check passes"
        )
    );
    // And it stays so, with its day, though nobody says it any more.
    let later = register(Vec::new(), &complete(5), &rows, &[], in_days(6));
    assert_eq!(later, rows);
}

#[test]
fn silence_is_no_answer_where_nobody_looked_or_the_look_has_holes() {
    let nobody = register(Vec::new(), &complete(-1), &first(), &[], in_days(2));
    assert_eq!(row(&nobody).state, FindingState::Open);
    assert_eq!(
        row(&nobody).state_because.as_deref(),
        Some("not looked at since 2026-11-20: app1")
    );
    let holes = looked(1, CoverageState::Partial);
    let partly = register(Vec::new(), &holes, &first(), &[], in_days(2));
    assert_eq!(row(&partly).state, FindingState::Open);
    assert!(
        row(&partly)
            .state_because
            .as_deref()
            .is_some_and(|why| why.contains("host.sockets of app1 has holes")),
        "{partly:#?}"
    );
    // A whole look afterwards closes it.
    let later = register(Vec::new(), &complete(3), &partly, &[], in_days(4));
    assert_eq!(row(&later).state, FindingState::Closed);
}

#[test]
fn holes_that_were_there_before_keep_no_row_open() {
    let holes = |days| looked(days, CoverageState::Partial);
    let first = register(vec![finding()], &holes(0), &[], &[], in_days(0));
    let rows = register(Vec::new(), &holes(1), &first, &[], in_days(2));
    assert_eq!(row(&rows).state, FindingState::Closed);
}

#[test]
fn the_machine_it_is_about_counts_though_its_facts_came_from_another() {
    let mut only_app1 = complete(1);
    for entry in &mut only_app1.coverage {
        if entry.vantage == id("db1") {
            entry.state = CoverageState::Partial;
        }
    }
    let rows = register(Vec::new(), &only_app1, &first(), &[], in_days(2));
    assert_eq!(row(&rows).state, FindingState::Open);
}

#[test]
fn a_row_that_returns_is_open_again_and_says_so() {
    let closed = register(Vec::new(), &complete(1), &first(), &[], in_days(2));
    let back = register(vec![finding()], &complete(3), &closed, &[], in_days(4));
    assert_eq!(row(&back).state, FindingState::Open);
    assert_eq!(row(&back).closed_on, None);
    assert_eq!(row(&back).first_seen, Some(in_days(0)));
    let why = "closed on 2026-11-22 and back since 2026-11-24";
    assert_eq!(row(&back).state_because.as_deref(), Some(why));
    let still = register(vec![finding()], &complete(5), &back, &[], in_days(6));
    assert_eq!(row(&still).state_because.as_deref(), Some(why));
}

#[test]
fn what_was_accepted_stays_accepted_until_its_check_passes() {
    let words = [accepted()];
    let first = register(vec![finding()], &complete(0), &[], &words, in_days(0));
    assert_eq!(row(&first).state, FindingState::Accepted);
    let again = register(vec![finding()], &complete(1), &first, &words, in_days(1));
    assert_eq!(row(&again).state, FindingState::Accepted);
    let unseen = register(Vec::new(), &complete(-1), &again, &words, in_days(2));
    assert_eq!(row(&unseen).state, FindingState::Accepted);
    let passed = register(Vec::new(), &complete(3), &unseen, &words, in_days(4));
    assert_eq!(row(&passed).state, FindingState::Closed);
    assert!(row(&passed).verdict.is_some(), "the reason is kept");
    let back = register(vec![finding()], &complete(5), &passed, &words, in_days(6));
    assert_eq!(row(&back).state, FindingState::Accepted);
}

#[test]
fn owner_and_control_date_are_a_persons_and_can_be_taken_back() {
    let words = [
        said(Word::Owner("ben".to_owned())),
        said(Word::ControlDate(Some(in_days(30)))),
    ];
    let rows = register(vec![finding()], &complete(0), &[], &words, in_days(0));
    assert_eq!(row(&rows).owner.as_deref(), Some("ben"));
    assert_eq!(row(&rows).control_date, Some(in_days(30)));
    let back = [
        words.to_vec(),
        vec![
            said(Word::Owner(String::new())),
            said(Word::ControlDate(None)),
        ],
    ]
    .concat();
    let rows = register(vec![finding()], &complete(0), &[], &back, in_days(0));
    assert_eq!((&row(&rows).owner, row(&rows).control_date), (&None, None));
}

#[test]
fn a_persons_row_stays_until_a_person_closes_it() {
    let risk = OwnRisk {
        risk: "The vendor is bought.".to_owned(),
        mitigations: vec!["Ask.".to_owned()],
        ..OwnRisk::default()
    };
    let about = |word| Annotation {
        about: risk.id().to_string(),
        by: "anna".to_owned(),
        at: in_days(0),
        word,
    };
    let mut words = vec![
        about(Word::OwnRisk(risk.clone())),
        about(Word::Owner("anna".to_owned())),
    ];
    let rows = register(Vec::new(), &complete(0), &[], &words, in_days(0));
    assert_eq!(row(&rows).origin, FindingOrigin::Person);
    assert_eq!(row(&rows).risk, risk.risk);
    let rows = register(Vec::new(), &complete(9), &rows, &words, in_days(10));
    assert_eq!(row(&rows).state, FindingState::Open);
    words.push(about(Word::Closed {
        because: "bought and kept".to_owned(),
    }));
    let closed = register(Vec::new(), &complete(9), &rows, &words, in_days(10));
    assert_eq!(row(&closed).state, FindingState::Closed);
    assert_eq!(row(&closed).closed_on, Some(in_days(0)));
    words.push(about(Word::Verdict {
        verdict: VerdictWord::Confirmed,
        because: String::new(),
    }));
    let open = register(Vec::new(), &complete(9), &closed, &words, in_days(11));
    assert_eq!(row(&open).state, FindingState::Open);
    assert_eq!(row(&open).closed_on, None);
}

#[test]
fn a_word_on_nothing_and_a_close_by_hand_of_a_generated_row_change_nothing() {
    let mut stray = accepted();
    "fnd-nothing".clone_into(&mut stray.about);
    let by_hand = said(Word::Closed {
        because: "done".to_owned(),
    });
    let own_text = said(Word::OwnRisk(OwnRisk::default()));
    let words = [stray, by_hand, own_text];
    let rows = register(vec![finding()], &complete(0), &[], &words, in_days(0));
    assert_eq!(rows, first());
}

#[test]
fn the_register_does_not_depend_on_the_order_of_what_it_is_given() {
    let mut other = finding();
    other.id = groma_model::FindingId::new("fnd-other");
    let (one, two) = (
        vec![finding(), other.clone()],
        vec![other.clone(), finding()],
    );
    let first = register(one, &complete(0), &[], &[], in_days(0));
    assert_eq!(first, register(two, &complete(0), &[], &[], in_days(0)));
    let mut turned = first.clone();
    turned.reverse();
    let mut inventory = complete(1);
    inventory.coverage.reverse();
    assert_eq!(
        register(Vec::new(), &complete(1), &first, &[], in_days(2)),
        register(Vec::new(), &inventory, &turned, &[], in_days(2))
    );
}

#[test]
fn a_row_of_an_older_version_says_that_nothing_tells_what_it_rested_on() {
    let mut old = first();
    for row in &mut old {
        row.rests_on.clear();
        row.first_seen = None;
        row.last_seen = None::<Timestamp>;
    }
    let rows = register(Vec::new(), &complete(1), &old, &[], in_days(2));
    assert_eq!(row(&rows).state, FindingState::Open);
    assert!(row(&rows).state_because.is_some());
}

#[test]
fn a_finding_without_facts_waits_for_every_source_its_machine_had() {
    let mut silent = finding();
    silent.subjects = vec![id("app1").to_string()];
    silent.evidence = Vec::new();
    let two = |days: i64, units: i64| {
        let mut inventory = complete(days);
        let mut entry = sockets("app1", CoverageState::Complete);
        entry.source = SourceName::new("host.units");
        entry.to = in_days(units);
        inventory.coverage.push(entry);
        inventory
    };
    let first = register(vec![silent], &two(0, 0), &[], &[], in_days(0));
    let one = register(Vec::new(), &two(1, 0), &first, &[], in_days(2));
    assert_eq!(row(&one).state, FindingState::Open);
    let gone = register(Vec::new(), &complete(1), &first, &[], in_days(2));
    assert_eq!(row(&gone).state, FindingState::Open);
    let both = register(Vec::new(), &two(1, 1), &first, &[], in_days(2));
    assert_eq!(row(&both).state, FindingState::Closed);
}

#[test]
fn a_hole_in_another_scope_of_a_source_that_had_one_keeps_the_row_open() {
    let scopes = |days: i64, flows: CoverageState| {
        let mut inventory = looked(days, CoverageState::Partial);
        let mut entry = sockets("app1", flows);
        entry.scope = "socket:host/udp/listen".to_owned();
        entry.to = in_days(days);
        inventory.coverage.push(entry);
        inventory
    };
    let before = scopes(0, CoverageState::Complete);
    let first = register(vec![finding()], &before, &[], &[], in_days(0));
    let lost = scopes(1, CoverageState::Partial);
    let rows = register(Vec::new(), &lost, &first, &[], in_days(2));
    assert_eq!(row(&rows).state, FindingState::Open);
    let why = row(&rows).state_because.as_deref();
    assert!(
        why.is_some_and(|why| why.ends_with("(socket:host/udp/listen)")),
        "{why:?}"
    );
    let same = scopes(1, CoverageState::Complete);
    let rows = register(Vec::new(), &same, &first, &[], in_days(2));
    assert_eq!(row(&rows).state, FindingState::Closed);
}

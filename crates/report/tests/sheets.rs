//! Questionnaires and the register as they go out.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod sample;

use std::collections::BTreeSet;

use groma_model::questionnaire::QUESTIONNAIRE_COLUMNS;
use groma_model::register::REGISTER_COLUMNS;
use groma_report::Questionnaire;
use sample::{HOSTILE, office};

fn sheet<'q>(sheets: &'q [Questionnaire], owner: Option<&str>) -> &'q Questionnaire {
    sheets.iter().find(|s| s.owner.as_deref() == owner).unwrap()
}

#[test]
fn each_owner_has_one_sheet_with_what_is_known() {
    let sheets = groma_report::questionnaires(&office());
    let mail = sheet(&sheets, Some("Mail team"));
    assert_eq!(mail.file_stem, "questionnaire-mail-team");
    for part in [
        "<h1>Questions to Mail team</h1>",
        "company mail",
        "mail, calendar",
        "Who else uses it and is not in the list?",
        "Is it still needed?",
    ] {
        assert!(mail.html.contains(part), "{part} is not on the sheet");
    }
    let header: Vec<String> = QUESTIONNAIRE_COLUMNS
        .iter()
        .map(|c| format!("\"{}\"", c.name))
        .collect();
    assert_eq!(mail.csv.lines().next().unwrap(), header.join(","));
    assert!(
        mail.csv
            .contains("\"move\",\"\",\"stay, move, replace, retire\"")
    );
    // Questions go to whoever is asked, and those to nobody on a sheet of their own.
    let finance = sheet(&sheets, Some("Finance"));
    assert!(finance.csv.contains("What happens if it stands still"));
    assert!(!mail.csv.contains("What happens if it stands still"));
    let nobody = sheet(&sheets, None);
    assert_eq!(nobody.file_stem, "questionnaire-to-whom-it-may-concern");
    assert!(nobody.html.contains("who owns these?"));
}

#[test]
fn capitals_and_blanks_make_no_second_owner() {
    let mut inventory = office();
    let mut other = inventory.systems[0].clone();
    other.id = "sys-other".into();
    other.name = "other".into();
    other.owner = Some(" mail  TEAM".into());
    inventory.systems.push(other);
    let first = groma_report::questionnaires(&inventory);
    let of_mail = first.iter().filter(|s| {
        let owner = s.owner.as_deref().unwrap_or_default();
        owner.eq_ignore_ascii_case("mail team")
    });
    assert_eq!(of_mail.count(), 1);
    inventory.systems.reverse();
    inventory.dependencies.reverse();
    assert_eq!(first, groma_report::questionnaires(&inventory));
}

#[test]
fn names_of_files_are_harmless_and_one_of_a_kind() {
    let mut inventory = office();
    let system = inventory.systems[0].clone();
    inventory.systems.clear();
    let long = "x".repeat(500);
    let owners = [
        "../../etc/passwd",
        "a/b",
        "a b",
        "A-B",
        "Почта",
        "会計",
        "..",
        "con",
        &long,
    ];
    for (number, owner) in owners.iter().chain(&HOSTILE).enumerate() {
        let mut system = system.clone();
        system.id = format!("sys-{number}");
        system.owner = Some((*owner).to_owned());
        inventory.systems.push(system);
    }
    let sheets = groma_report::questionnaires(&inventory);
    let stems: BTreeSet<&str> = sheets.iter().map(|s| s.file_stem.as_str()).collect();
    assert_eq!(stems.len(), sheets.len());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(
        stems
            .iter()
            .all(|stem| stem.chars().all(plain) && stem.len() < 90),
        "{stems:?}"
    );
}

#[test]
fn a_sheet_holds_no_script_fetches_nothing_and_computes_nothing() {
    let mut inventory = office();
    for (system, text) in HOSTILE.iter().enumerate() {
        let mut other = inventory.systems[0].clone();
        other.id = format!("sys-{system}");
        other.name = (*text).to_owned();
        other.key_users = Some((*text).to_owned());
        inventory.systems.push(other);
    }
    for sheet in groma_report::questionnaires(&inventory) {
        let policy = "content=\"default-src &#39;none&#39;; style-src &#39;sha256-";
        assert!(sheet.html.contains(policy));
        for forbidden in [
            "<script", "<img", "http://", "https://", "\u{1b}", "\u{202e}",
        ] {
            assert!(!sheet.html.contains(forbidden), "{forbidden}");
        }
        for cell in sheet.csv.split("\",\"") {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        assert!(!sheet.csv.contains('\u{1b}') && !sheet.csv.contains('\u{202e}'));
    }
}

#[test]
fn the_register_goes_out_with_names_and_without_a_formula() {
    let mut inventory = office();
    inventory.findings[0].owner = Some("=1+1".into());
    inventory.findings[0].risk = "x".repeat(900);
    let csv = groma_report::risks_csv(&inventory);
    let header: Vec<String> = REGISTER_COLUMNS
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    assert_eq!(csv.lines().next().unwrap(), header.join(","));
    assert_eq!(csv.lines().count(), inventory.findings.len() + 1);
    assert!(csv.contains("\"'=1+1\""));
    assert!(
        csv.contains(&"x".repeat(900)),
        "what people edit is not cut"
    );
}

#[test]
fn a_system_of_one_letter_or_without_a_name_loses_no_open_question() {
    for name in ["", "w", "what"] {
        let mut inventory = office();
        let system = inventory.systems.first_mut().unwrap();
        system.name = name.to_owned();
        let about = system.id.clone();
        for question in [
            "what was it bought for?".to_owned(),
            format!("{name}: who owns it?"),
        ] {
            inventory.questions.push(groma_model::inventory::Question {
                to: None,
                about: about.clone(),
                question,
            });
        }
        let sheets = groma_report::questionnaires(&inventory);
        let asked = |text: &str| sheets.iter().any(|sheet| sheet.csv.contains(text));
        assert!(asked("what was it bought for?"), "{name:?}");
        let own = format!("{name}: who owns it?");
        assert_eq!(asked(&own), name.is_empty(), "{name:?}");
    }
}

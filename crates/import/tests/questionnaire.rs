//! Questionnaires go out and come back: what was answered, and what could not be read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests only")]

mod sheets;

use groma_import::{Answered, Kind, read, read_questionnaire, recognise};
use groma_model::inventory::{Disposition, Inventory};
use groma_model::questionnaire::{SheetField, StillNeeded, says_nothing, words};
use groma_model::store::Word;
use proptest::prelude::*;
use sheets::{HOSTILE, Table, estate, now};

const MAIL: &str = "sys-mail";

fn sheet_of(inventory: &Inventory, owner: Option<&str>) -> Table {
    let sheets = groma_report::questionnaires(inventory);
    let sheet = sheets.iter().find(|s| s.owner.as_deref() == owner);
    Table::of(&sheet.unwrap().csv)
}

fn sheet() -> Table {
    sheet_of(&estate(), Some("Mail team"))
}

fn sign(table: &mut Table) {
    table.write(&[("field", "answered_by")], "answer", "Anna Example");
    table.write(&[("field", "answered_on")], "answer", "19.11.2026");
}

fn answer(table: &mut Table, about: &str, field: &str, text: &str) {
    table.write(&[("about_id", about), ("field", field)], "answer", text);
}

fn taken(table: &Table) -> Answered {
    let bytes = table.csv(b',');
    assert_eq!(recognise(&bytes), Kind::Questionnaire);
    read_questionnaire("mail.csv", &bytes, &estate(), now()).unwrap()
}

/// Every field of the mail system answered, and the need of the application.
fn filled() -> Table {
    let mut table = sheet();
    sign(&mut table);
    for (field, text) in [
        ("functions", "mail, calendar"),
        ("version", "3.7, not 3.5"),
        ("owner", "Anna Example"),
        ("key_users", "Accounts"),
        ("on_call", "Ben, +41 44 000 00 00"),
        ("criticality", "Critical"),
        ("allowed_downtime", "4 hours"),
        ("window", "Saturdays"),
        ("counts_as_failure", "mail later than 10 minutes"),
        ("disposition", "replace"),
        ("further_consumer", "till 7"),
        ("further_consumer", "the franking machine"),
    ] {
        answer(&mut table, MAIL, field, text);
    }
    table
}

#[test]
fn each_answer_becomes_a_word_by_name_and_day() {
    let answered = taken(&filled());
    assert!(answered.skipped.is_empty(), "{:#?}", answered.skipped);
    assert_eq!(answered.answers.len(), 12);
    for answer in &answered.answers {
        assert_eq!(
            (answer.by.as_str(), answer.on.day().as_str()),
            ("Anna Example", "2026-11-19")
        );
    }
    let said: Vec<Word> = answered
        .answers
        .iter()
        .flat_map(words)
        .map(|(about, word)| {
            assert_eq!(about, MAIL);
            word
        })
        .collect();
    for word in [
        Word::Functions(vec!["mail".to_owned(), "calendar".to_owned()]),
        Word::Note("version: 3.7, not 3.5".to_owned()),
        Word::Criticality("critical".to_owned()),
        Word::Window("Saturdays".to_owned()),
        Word::Disposition(Disposition::Replace),
        Word::FurtherConsumer("till 7".to_owned()),
        Word::FurtherConsumer("the franking machine".to_owned()),
    ] {
        assert!(said.contains(&word), "{word:?} is not in {said:#?}");
    }
}

#[test]
fn the_same_answers_come_back_whatever_program_saved_the_table() {
    let table = filled();
    let plain = taken(&table).answers;
    let text = String::from_utf8(table.csv(b';')).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let titled = [b"Sheet of Anna;;;\n", text.as_bytes()].concat();
    for bytes in [
        table.csv(b';'),
        table.csv(b'\t'),
        utf16,
        marked,
        titled,
        table.xlsx(),
    ] {
        assert_eq!(recognise(&bytes), Kind::Questionnaire);
        let answered = read_questionnaire("mail", &bytes, &estate(), now()).unwrap();
        assert!(answered.skipped.is_empty(), "{:#?}", answered.skipped);
        let mut answers = answered.answers;
        for (answer, plain) in answers.iter_mut().zip(&plain) {
            answer.row.clone_from(&plain.row);
        }
        assert_eq!(answers, plain);
    }
    let mut accented = filled();
    answer(&mut accented, MAIL, "key_users", "Hélène Noël");
    let text = String::from_utf8(accented.csv(b';')).unwrap();
    let windows: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let answered = read_questionnaire("mail", &windows, &estate(), now()).unwrap();
    assert!(answered.answers.iter().any(|a| a.text == "Hélène Noël"));
}

#[test]
fn an_untouched_sheet_declares_nothing_and_a_signed_one_neither() {
    for mut table in [sheet(), sheet_of(&estate(), None)] {
        let untouched = taken(&table);
        assert_eq!(untouched.answers, []);
        assert_eq!(untouched.skipped, []);
        assert!(untouched.unanswered > 10);
        sign(&mut table);
        assert_eq!(taken(&table).answers, []);
    }
}

#[test]
fn a_sheet_of_nobody_asks_who_owns_it_and_what_is_still_needed() {
    let mut table = sheet_of(&estate(), None);
    sign(&mut table);
    answer(&mut table, "sys-app", "owner", "Ben");
    answer(&mut table, "dep-1", "still_needed", "don't know");
    let answered = taken(&table);
    let said: Vec<(String, Word)> = answered.answers.iter().flat_map(words).collect();
    assert_eq!(
        said,
        [
            ("sys-app".to_owned(), Word::Owner("Ben".to_owned())),
            ("dep-1".to_owned(), Word::StillNeeded(StillNeeded::DontKnow)),
        ]
    );
}

#[test]
fn a_need_that_was_answered_is_not_asked_again_unless_nobody_knew() {
    let asks = |word: StillNeeded| {
        let mut inventory = estate();
        inventory.dependencies[0].take(&groma_model::store::Annotation {
            about: "dep-1".to_owned(),
            by: "Ben".to_owned(),
            at: now(),
            word: Word::StillNeeded(word),
        });
        let table = sheet_of(&inventory, None);
        let csv = String::from_utf8(table.csv(b',')).unwrap();
        (csv.contains("dep-1"), csv.contains("Ben did not know"))
    };
    assert_eq!(asks(StillNeeded::Yes), (false, false));
    assert_eq!(asks(StillNeeded::No), (false, false));
    assert_eq!(asks(StillNeeded::DontKnow), (true, true));
}

#[test]
fn an_open_question_comes_back_with_its_words() {
    let mut table = sheet();
    sign(&mut table);
    answer(&mut table, "ent-mail", "question", "in March, by Ben");
    let answered = taken(&table);
    assert_eq!(
        words(&answered.answers[0])[0].1,
        Word::Answered {
            question: "mail1: when was something last restored?".to_owned(),
            answer: "in March, by Ben".to_owned(),
        }
    );
}

fn one_problem(table: &Table, column: &str, part: &str) -> Answered {
    let answered = taken(table);
    let [problem] = answered.skipped.as_slice() else {
        panic!("{:#?}", answered.skipped);
    };
    assert_eq!(problem.column, column, "{problem:?}");
    assert!(problem.why.contains(part), "{problem:?}");
    answered
}

#[test]
fn answers_without_a_name_or_a_day_are_left_out_and_said_so() {
    let mut nobody = sheet();
    answer(&mut nobody, MAIL, "owner", "Anna");
    let answered = one_problem(&nobody, "answer", "fill in answered_by and answered_on");
    assert_eq!(answered.answers, []);
    let mut no_day = nobody;
    no_day.write(&[("field", "answered_by")], "answer", "Anna");
    assert_eq!(one_problem(&no_day, "answer", "answered_on").answers, []);
}

#[test]
fn a_day_in_the_future_or_of_two_meanings_is_told_and_nothing_is_taken() {
    for (day, part) in [
        ("2027-11-19", "is in the future"),
        ("3/4/2026", "two that it may be: 3/4/2026"),
    ] {
        let mut table = sheet();
        sign(&mut table);
        table.write(&[("field", "answered_on")], "answer", day);
        answer(&mut table, MAIL, "owner", "Anna");
        let answered = taken(&table);
        assert_eq!(answered.answers, []);
        assert_eq!(answered.skipped.len(), 2, "{:#?}", answered.skipped);
        assert!(answered.skipped[0].why.contains(part));
    }
}

#[test]
fn words_nobody_understands_and_ids_nobody_knows_are_said_by_row() {
    let mut table = sheet();
    sign(&mut table);
    answer(&mut table, MAIL, "criticality", "quite");
    let answered = one_problem(&table, "answer", "critical, high, medium, low: quite");
    assert_eq!(answered.skipped[0].row, "12");
    let mut gone = estate();
    gone.systems.retain(|system| system.id != MAIL);
    let mut table = sheet();
    sign(&mut table);
    answer(&mut table, MAIL, "owner", "Anna");
    let answered = read_questionnaire("mail", &table.csv(b','), &gone, now()).unwrap();
    assert_eq!(answered.answers, []);
    assert!(
        answered.skipped[0]
            .why
            .contains("nothing with the id sys-mail"),
        "{:#?}",
        answered.skipped
    );
}

#[test]
fn an_answer_in_the_wrong_column_and_a_row_torn_apart_are_noticed() {
    let mut table = sheet();
    sign(&mut table);
    table.write(
        &[("about_id", MAIL), ("field", "owner")],
        "known",
        "Anna Example",
    );
    let answered = one_problem(&table, "known", "into the column answer");
    assert_eq!(answered.answers, []);
    // One column sorted without the others.
    let mut torn = filled();
    let at = torn.column("about_id");
    for row in torn.0.iter_mut().skip(3) {
        row[at] = "ent-app".to_owned();
    }
    let answered = taken(&torn);
    assert_eq!(answered.answers, []);
    assert!(
        answered
            .skipped
            .iter()
            .all(|p| p.why.contains("torn apart")),
        "{:#?}",
        answered.skipped
    );
}

#[test]
fn a_row_a_person_added_counts_and_two_answers_to_one_question_are_said() {
    let mut table = filled();
    let width = table.0[0].len();
    let mut added = vec![String::new(); width];
    for (column, text) in [
        ("about_id", MAIL),
        ("field", "further_consumer"),
        ("answer", "the lift"),
    ] {
        added[table.column(column)] = text.to_owned();
    }
    table.0.push(added);
    let mut twice = vec![String::new(); width];
    for (column, text) in [
        ("about_id", MAIL),
        ("field", "owner"),
        ("answer", "Somebody"),
    ] {
        twice[table.column(column)] = text.to_owned();
    }
    table.0.push(twice);
    let answered = one_problem(&table, "answer", "answered in row 9 as well");
    let owner = answered
        .answers
        .iter()
        .find(|a| a.field == SheetField::Owner);
    assert_eq!(owner.unwrap().text, "Somebody");
    assert!(answered.answers.iter().any(|a| a.text == "the lift"));
}

#[test]
fn two_sheets_in_one_file_keep_their_names_apart() {
    let mut first = sheet();
    sign(&mut first);
    answer(&mut first, MAIL, "owner", "Anna");
    let mut second = sheet_of(&estate(), None);
    second.write(&[("field", "answered_by")], "answer", "Ben");
    second.write(&[("field", "answered_on")], "answer", "2026-11-18");
    answer(&mut second, "sys-app", "owner", "Ben");
    first.0.extend(second.0);
    let answered = taken(&first);
    assert!(answered.skipped.is_empty(), "{:#?}", answered.skipped);
    let by: Vec<(&str, String)> = answered
        .answers
        .iter()
        .map(|a| (a.by.as_str(), a.on.day()))
        .collect();
    assert_eq!(
        by,
        [
            ("Anna Example", "2026-11-19".to_owned()),
            ("Ben", "2026-11-18".to_owned())
        ]
    );
}

#[test]
fn a_quote_that_nobody_closed_swallows_no_row_in_silence() {
    let text = String::from_utf8(filled().csv(b',')).unwrap();
    let broken = text.replacen("Accounts", "\"Accounts", 1);
    let answered = read_questionnaire("mail", broken.as_bytes(), &estate(), now()).unwrap();
    assert!(
        answered
            .skipped
            .iter()
            .any(|p| p.why.contains("never closed")),
        "{answered:#?}"
    );
}

#[test]
fn a_questionnaire_is_no_list_and_an_inventory_list_no_questionnaire() {
    let error = read("mail", &filled().csv(b','), now()).unwrap_err();
    assert!(error.to_string().contains("is a questionnaire"), "{error}");
    assert_eq!(
        recognise(b"name,ip,owner\nmail1,10.0.0.1,anna\n"),
        Kind::Csv
    );
}

#[test]
fn an_answer_that_speaks_of_a_password_is_left_out_and_not_quoted() {
    let mut table = sheet();
    sign(&mut table);
    answer(&mut table, MAIL, "on_call", "Ben, password canary7");
    let answered = one_problem(&table, "answer", "speaks of a password");
    assert!(!format!("{answered:?}").contains("canary7"));
}

#[test]
fn hostile_names_go_out_and_come_back_and_declare_nothing() {
    for text in HOSTILE {
        let mut inventory = estate();
        inventory.systems[0].name = text.to_owned();
        inventory.systems[0].owner = Some(text.to_owned());
        inventory.systems[0].id = format!("sys-{text}");
        inventory.entities[1].name = text.to_owned();
        inventory.dependencies[0].consumer.name = text.to_owned();
        for sheet in groma_report::questionnaires(&inventory) {
            assert!(!sheet.html.contains("<script"), "{text}");
            let bytes = sheet.csv.as_bytes();
            assert_eq!(recognise(bytes), Kind::Questionnaire, "{text:?}");
            let answered = read_questionnaire("x", bytes, &inventory, now()).unwrap();
            assert_eq!((answered.answers, answered.skipped), (vec![], vec![]));
        }
    }
}

#[test]
fn ten_thousand_broken_questionnaires_break_nothing() {
    let (plain, book) = (filled().csv(b';'), filled().xlsx());
    let estate = estate();
    groma_fuzz::hammer(10_000, &[&plain], |bytes| {
        drop(read_questionnaire("x", bytes, &estate, now()));
    });
    groma_fuzz::hammer(200, &[&book], |bytes| {
        let _ = recognise(bytes);
        drop(read_questionnaire("x", bytes, &estate, now()));
    });
}

#[test]
fn an_unsigned_second_sheet_is_not_kept_under_the_first_name() {
    let mut first = sheet();
    sign(&mut first);
    answer(&mut first, MAIL, "owner", "Anna");
    let mut second = sheet_of(&estate(), None);
    answer(&mut second, "sys-app", "owner", "Ben");
    for unsigned_first in [false, true] {
        let mut both = Table(if unsigned_first {
            second.0.clone()
        } else {
            first.0.clone()
        });
        both.0.extend(if unsigned_first {
            first.0.clone()
        } else {
            second.0.clone()
        });
        let answered = one_problem(&both, "answer", "1 answers from this row on");
        let [only] = answered.answers.as_slice() else {
            panic!("{answered:#?}");
        };
        assert_eq!(
            (only.about.as_str(), only.by.as_str()),
            (MAIL, "Anna Example")
        );
    }
}

#[test]
fn one_sheet_that_was_sorted_keeps_its_name_and_two_of_two_people_do_not() {
    let mut one = sheet();
    sign(&mut one);
    answer(&mut one, MAIL, "owner", "Anna");
    let mut sorted = Table(one.0.clone());
    sorted.0[1..].reverse();
    let answered = taken(&sorted);
    assert!(answered.skipped.is_empty(), "{:#?}", answered.skipped);
    assert_eq!(answered.answers.len(), 1);
    let mut other = sheet_of(&estate(), None);
    other.write(&[("field", "answered_by")], "answer", "Ben");
    other.write(&[("field", "answered_on")], "answer", "2026-11-18");
    answer(&mut other, "sys-app", "owner", "Ben");
    one.0.extend(other.0.into_iter().skip(1));
    one.0[1..].sort();
    let answered = taken(&one);
    assert_eq!(answered.answers, []);
    assert!(
        answered.skipped.iter().any(|p| p.why.contains("are mixed")),
        "{:#?}",
        answered.skipped
    );
}

#[test]
fn who_agrees_changes_nothing_and_who_does_not_know_is_asked_again() {
    let mut table = sheet();
    let before = taken(&table).unanswered;
    sign(&mut table);
    answer(&mut table, MAIL, "owner", "ok");
    answer(&mut table, MAIL, "on_call", "don't know");
    answer(&mut table, MAIL, "further_consumer", "none");
    let answered = taken(&table);
    assert_eq!((&answered.answers, &answered.skipped), (&vec![], &vec![]));
    assert_eq!((answered.confirmed, answered.unanswered), (1, before - 1));
    answer(&mut table, MAIL, "key_users", "yes");
    one_problem(&table, "answer", "nothing is known here");
}

#[test]
fn a_secretary_may_answer_and_a_name_that_is_refused_is_told() {
    let mut table = sheet();
    sign(&mut table);
    table.write(&[("field", "answered_by")], "answer", "Eve, Secretariat");
    answer(&mut table, MAIL, "owner", "Secretary of the board");
    let answered = taken(&table);
    assert!(answered.skipped.is_empty(), "{:#?}", answered.skipped);
    assert_eq!(answered.answers[0].by, "Eve, Secretariat");
    table.write(&[("field", "answered_by")], "answer", "Eve, token canary7");
    let answered = taken(&table);
    assert_eq!(answered.answers, []);
    assert_eq!(answered.skipped[0].column, "answered_by");
    assert!(!format!("{answered:?}").contains("canary7"));
}

/// A cell as it is read: the quote that guards is taken away.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('\'').unwrap_or(text).trim()
}

proptest! {
    #[test]
    fn what_is_answered_comes_back(text in "[^\u{0}]{1,60}", name in "[a-zA-Z =+@'\",;-]{0,20}x", field in 0_usize..6) {
        let field = ["owner", "key_users", "on_call", "allowed_downtime", "window", "counts_as_failure"][field];
        let mut table = sheet();
        sign(&mut table);
        table.write(&[("field", "answered_by")], "answer", &name);
        answer(&mut table, MAIL, field, &text);
        let answered = taken(&table);
        // Nothing is lost: it is an answer, a problem, or was blank.
        match answered.answers.as_slice() {
            [only] => {
                let meant = text.trim();
                let unguarded = meant.strip_prefix('\'').unwrap_or(meant).trim();
                prop_assert!(only.text == meant || only.text == unguarded, "{:?} of {:?}", only.text, text);
                prop_assert!(!only.by.is_empty());
            }
            _ => prop_assert!(bare(&text).is_empty() || says_nothing(SheetField::Owner, bare(&text)) || !answered.skipped.is_empty(), "{:?}: {:?}", text, answered),
        }
    }

    #[test]
    fn whatever_is_known_an_untouched_sheet_declares_nothing(known in any::<String>(), name in any::<String>()) {
        let mut inventory = estate();
        inventory.systems[0].name = name;
        inventory.systems[0].key_users = Some(known.clone());
        inventory.questions[0].question = known;
        for sheet in groma_report::questionnaires(&inventory) {
            let answered = read_questionnaire("x", sheet.csv.as_bytes(), &inventory, now()).unwrap();
            prop_assert_eq!(answered.answers, vec![]);
            prop_assert_eq!(answered.skipped, vec![]);
        }
    }

    #[test]
    fn bytes_behind_a_header_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let headed = [b"about_id;field;answer;known;check\n".to_vec(), noise].concat();
        drop(read_questionnaire("x", &headed, &estate(), now()));
    }
}

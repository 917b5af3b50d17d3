//! The questionnaire for owners: its columns, its fields, and what a filled row means.
//!
//! One row is one question. What groma knows stands in `known` and is never taken back; what a person says stands in
//! `answer`, which goes out empty. So a sheet that comes back untouched declares nothing; `yes` or `ok` beside what is known
//! agrees with it and changes nothing. The column `check` holds two short digests: one of what the row is about, so that a row
//! torn apart by sorting one column is noticed, and one of `known`, so that an answer written into the wrong column is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::id::digest;
use crate::inventory::Disposition;
use crate::sheet::{SheetColumn, SheetPart};
use crate::store::Word;

mod heard;

pub use heard::{confirms, is_answered, says_nothing};

const fn column(name: &'static str, part: SheetPart, question: &'static str) -> SheetColumn {
    SheetColumn {
        name,
        part,
        question,
        answers: "",
    }
}

/// The columns of the questionnaire in their order. Names may be added, never changed: filled sheets come back months
/// later. None of them asks for a password.
pub const QUESTIONNAIRE_COLUMNS: [SheetColumn; 8] = [
    column("about_id", SheetPart::Known, "Id"),
    column("about", SheetPart::Known, "About"),
    column("field", SheetPart::Known, "Field"),
    column("question", SheetPart::Known, "Question"),
    column("known", SheetPart::Known, "What groma knows"),
    column("answer", SheetPart::Asked, "Your answer"),
    column("answers", SheetPart::Known, "Words that are understood"),
    column(
        "check",
        SheetPart::Known,
        "Leave as it is: it tells whether the row was changed",
    ),
];

/// What stands in `about_id` where a row is about the sheet itself: who answers, and when.
pub const ABOUT_SHEET: &str = "sheet";

/// How critical a system can be, gravest first.
pub const CRITICALITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// What can become of a system.
pub const DISPOSITIONS: [(&str, Disposition); 4] = [
    ("stay", Disposition::Stay),
    ("move", Disposition::Move),
    ("replace", Disposition::Replace),
    ("retire", Disposition::Retire),
];

/// What a row asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SheetField {
    /// Who answers this sheet.
    AnsweredBy,
    /// When it was answered.
    AnsweredOn,
    /// What the system is for.
    Functions,
    /// The machines in it.
    Members,
    /// Product.
    Product,
    /// Version.
    Version,
    /// Who is known to use it.
    UsedBy,
    /// Who owns it.
    Owner,
    /// Who uses it most.
    KeyUsers,
    /// Who is called when it fails.
    OnCall,
    /// How critical it is.
    Criticality,
    /// How long it may stand still.
    AllowedDowntime,
    /// When it may be touched.
    Window,
    /// What counts as a failure.
    CountsAsFailure,
    /// What becomes of it.
    Disposition,
    /// Somebody who uses it and is not in the list.
    FurtherConsumer,
    /// Whether a dependency is needed any more.
    StillNeeded,
    /// An open question.
    Question,
}

impl SheetField {
    /// All fields, in the order in which a sheet asks.
    pub const ALL: [Self; 18] = [
        Self::AnsweredBy,
        Self::AnsweredOn,
        Self::Functions,
        Self::Members,
        Self::Product,
        Self::Version,
        Self::UsedBy,
        Self::Owner,
        Self::KeyUsers,
        Self::OnCall,
        Self::Criticality,
        Self::AllowedDowntime,
        Self::Window,
        Self::CountsAsFailure,
        Self::Disposition,
        Self::FurtherConsumer,
        Self::StillNeeded,
        Self::Question,
    ];

    /// Its name in the table: permanent.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnsweredBy => "answered_by",
            Self::AnsweredOn => "answered_on",
            Self::Functions => "functions",
            Self::Members => "members",
            Self::Product => "product",
            Self::Version => "version",
            Self::UsedBy => "used_by",
            Self::Owner => "owner",
            Self::KeyUsers => "key_users",
            Self::OnCall => "on_call",
            Self::Criticality => "criticality",
            Self::AllowedDowntime => "allowed_downtime",
            Self::Window => "window",
            Self::CountsAsFailure => "counts_as_failure",
            Self::Disposition => "disposition",
            Self::FurtherConsumer => "further_consumer",
            Self::StillNeeded => "still_needed",
            Self::Question => "question",
        }
    }

    /// The field of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::ALL
            .into_iter()
            .find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The question on paper. Rows about one dependency and open questions bring their own.
    pub fn question(self) -> &'static str {
        match self {
            Self::AnsweredBy => "Your name",
            Self::AnsweredOn => "Date of your answers",
            Self::Functions => "What is it for?",
            Self::Members => "Machines that belong to it",
            Self::Product => "Product",
            Self::Version => "Version",
            Self::UsedBy => "Who was found to use it",
            Self::Owner => "Who owns it?",
            Self::KeyUsers => "Who uses it most, and can say after the move whether it works?",
            Self::OnCall => "Who is called when it fails, also at night?",
            Self::Criticality => "How critical is it?",
            Self::AllowedDowntime => "How long may it stand still?",
            Self::Window => "When may it be moved?",
            Self::CountsAsFailure => "What counts as a failure of it?",
            Self::Disposition => "What shall become of it?",
            Self::FurtherConsumer => "Who else uses it and is not in the list?",
            Self::StillNeeded => "Is it still needed?",
            Self::Question => "",
        }
    }

    /// True where any words may stand and a person's name or none is meant, not a correction of a list.
    fn is_free(self) -> bool {
        matches!(
            self,
            Self::Functions
                | Self::Owner
                | Self::KeyUsers
                | Self::OnCall
                | Self::AllowedDowntime
                | Self::Window
                | Self::CountsAsFailure
                | Self::FurtherConsumer
        )
    }

    /// Which words are understood, or an example where any are.
    pub fn answers(self) -> &'static str {
        match self {
            Self::AnsweredOn => "as 2026-11-20",
            Self::Functions => "mail, calendar, archive",
            Self::Members | Self::Product | Self::Version | Self::UsedBy => {
                "only where this is wrong"
            }
            Self::Criticality => "critical, high, medium, low",
            Self::AllowedDowntime => "such as: 4 hours",
            Self::Window => "such as: Saturdays from 20:00, never at a month's end",
            Self::CountsAsFailure => "such as: mail arrives later than 10 minutes",
            Self::Disposition => "stay, move, replace, retire",
            Self::FurtherConsumer => "one machine, program or department per row",
            Self::StillNeeded => "yes, no, don't know",
            _ => "",
        }
    }
}

/// Whether a dependency is needed any more, as its owner says.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StillNeeded {
    /// It is.
    Yes,
    /// It is not: what says otherwise can be taken out.
    No,
    /// The owner was asked and does not know.
    DontKnow,
}

/// One answer of a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Id of the system, dependency or entity it is about.
    pub about: String,
    /// What was asked for.
    pub field: SheetField,
    /// The question as it stood in the row.
    pub question: String,
    /// The answer, in the words of the sheet where the field has such words.
    pub text: String,
    /// Who answered.
    pub by: String,
    /// The day, at midnight UTC.
    pub on: Timestamp,
    /// Row of the file, as an editor or a spreadsheet counts it.
    pub row: String,
}

/// What `answer` says, as words to be kept beside what it is about. Empty for what no version of this crate reads into an
/// [`Answer`]: rows about the sheet itself, and words outside of a field's vocabulary.
pub fn words(answer: &Answer) -> Vec<(String, Word)> {
    word(answer)
        .map(|word| (answer.about.clone(), word))
        .into_iter()
        .collect()
}

fn word(answer: &Answer) -> Option<Word> {
    if says_nothing(answer.field, &answer.text) || confirms(answer.field, &answer.text) {
        return None;
    }
    let text = answer.text.clone();
    Some(match answer.field {
        SheetField::AnsweredBy | SheetField::AnsweredOn => return None,
        SheetField::Functions => Word::Functions(listed(&text)),
        SheetField::Members | SheetField::Product | SheetField::Version | SheetField::UsedBy => {
            Word::Note(format!("{}: {text}", answer.field.name()))
        }
        SheetField::Owner => Word::Owner(text),
        SheetField::KeyUsers => Word::KeyUsers(text),
        SheetField::OnCall => Word::OnCall(text),
        SheetField::Criticality => Word::Criticality(criticality(&text)?.to_owned()),
        SheetField::AllowedDowntime => Word::AllowedDowntime(text),
        SheetField::Window => Word::Window(text),
        SheetField::CountsAsFailure => Word::CountsAsFailure(text),
        SheetField::Disposition => Word::Disposition(disposition(&text)?),
        SheetField::FurtherConsumer => Word::FurtherConsumer(text),
        SheetField::StillNeeded => Word::StillNeeded(still_needed(&text)?),
        SheetField::Question => Word::Answered {
            question: answer.question.clone(),
            answer: text,
        },
    })
}

/// The items of a list as people write one.
fn listed(text: &str) -> Vec<String> {
    let items = text.split([',', ';', '\n']).map(str::trim);
    let mut out: Vec<String> = items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect();
    out.dedup();
    out
}

/// The criticality a person meant.
pub fn criticality(text: &str) -> Option<&'static str> {
    let text = plain(text);
    CRITICALITIES.into_iter().find(|word| *word == text)
}

/// What a person says becomes of it.
pub fn disposition(text: &str) -> Option<Disposition> {
    let text = plain(text);
    let mut words = DISPOSITIONS.into_iter();
    words.find(|(word, _)| *word == text).map(|(_, what)| what)
}

/// The word for what becomes of it.
pub fn disposition_word(what: Disposition) -> &'static str {
    let mut words = DISPOSITIONS.into_iter();
    words
        .find(|(_, known)| *known == what)
        .map_or("", |(word, _)| word)
}

/// Whether a person says it is still needed.
pub fn still_needed(text: &str) -> Option<StillNeeded> {
    match plain(text).replace(['\'', '’', '-', ' '], "").as_str() {
        "yes" | "y" | "x" | "true" | "1" => Some(StillNeeded::Yes),
        "no" | "n" | "false" | "0" => Some(StillNeeded::No),
        "dontknow" | "donotknow" | "unknown" | "notknown" | "?" => Some(StillNeeded::DontKnow),
        _ => None,
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What stands in `check` for a row with these cells: whom and what it asks, and what is known.
pub fn check(about_id: &str, field: &str, question: &str, known: &str) -> String {
    format!(
        "{}-{}",
        short(&[about_id, field, question]),
        short(&[known])
    )
}

/// Twenty-four bits over cells whose blanks spreadsheets may have changed: enough to notice a slip, and no seal.
pub(crate) fn short(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| on_one_line(cell)).collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    digest(&cells).get(..6).unwrap_or_default().to_owned()
}

/// `text` with one blank where there were several, or line ends.
pub fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Question;
    use crate::store::Annotation;

    fn answer(field: SheetField, text: &str) -> Answer {
        Answer {
            about: "sys-1".to_owned(),
            field,
            question: "Why?".to_owned(),
            text: text.to_owned(),
            by: "anna".to_owned(),
            on: Timestamp::from_seconds(0),
            row: "2".to_owned(),
        }
    }

    #[test]
    fn names_of_columns_and_fields_are_one_of_a_kind_and_ask_for_no_password() {
        let mut names: Vec<&str> = QUESTIONNAIRE_COLUMNS.iter().map(|c| c.name).collect();
        names.extend(SheetField::ALL.iter().map(|f| f.name()));
        assert!(names.iter().all(|name| !name.contains("pass")));
        // `question` is a column and a field.
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 8 + 18 - 1);
        for field in SheetField::ALL {
            assert_eq!(SheetField::named(&field.name().to_uppercase()), Some(field));
        }
    }

    #[test]
    fn an_answer_becomes_the_word_of_its_field() {
        let word = |field, text: &str| words(&answer(field, text)).pop().map(|(_, word)| word);
        assert_eq!(
            word(SheetField::Functions, "mail; calendar,\narchive"),
            Some(Word::Functions(
                ["mail", "calendar", "archive"].map(str::to_owned).to_vec()
            ))
        );
        assert_eq!(
            word(SheetField::Disposition, " Retire "),
            Some(Word::Disposition(Disposition::Retire))
        );
        assert_eq!(
            word(SheetField::StillNeeded, "Don't know"),
            Some(Word::StillNeeded(StillNeeded::DontKnow))
        );
        assert_eq!(
            word(SheetField::Version, "13, not 12"),
            Some(Word::Note("version: 13, not 12".to_owned()))
        );
        assert_eq!(word(SheetField::Disposition, "melt"), None);
        assert_eq!(word(SheetField::Criticality, "very"), None);
        assert_eq!(word(SheetField::AnsweredBy, "anna"), None);
    }

    #[test]
    fn who_does_not_know_answers_nothing_and_who_agrees_changes_nothing() {
        for text in [
            "none",
            "None.",
            "ok",
            "?",
            "??",
            "nobody",
            "don't know",
            "Don’t know",
            "unknown",
            "n/a",
            "N/A",
            "-",
            "–",
            "yes",
            "correct",
            "as is",
        ] {
            for field in [
                SheetField::FurtherConsumer,
                SheetField::Owner,
                SheetField::OnCall,
                SheetField::KeyUsers,
                SheetField::Functions,
            ] {
                assert_eq!(words(&answer(field, text)), [], "{field:?} {text}");
            }
        }
        for (field, text) in [
            (SheetField::StillNeeded, "yes"),
            (SheetField::StillNeeded, "?"),
            (SheetField::Question, "yes"),
            (SheetField::Question, "none"),
            (SheetField::UsedBy, "nobody"),
            (SheetField::Owner, "Nobody Else Ltd"),
            (SheetField::FurtherConsumer, "OK Print"),
            (SheetField::KeyUsers, "unknown to us: ask Anna"),
        ] {
            assert_eq!(words(&answer(field, text)).len(), 1, "{field:?} {text}");
        }
    }

    #[test]
    fn a_question_is_answered_by_words_about_the_same_thing_and_the_same_text() {
        let question = Question {
            to: None,
            about: "sys-1".to_owned(),
            question: "mail\u{202e}1: when was it restored?".to_owned(),
        };
        let kept = |about: &str, question: &str, answer: &str| Annotation {
            about: about.to_owned(),
            by: "anna".to_owned(),
            at: Timestamp::from_seconds(0),
            word: Word::Answered {
                question: question.to_owned(),
                answer: answer.to_owned(),
            },
        };
        let asked = "mail[U+202E]1: when  was it restored?";
        let is = |kept| is_answered(&question, &[kept]);
        assert!(is(kept("sys-1", asked, "in March")));
        assert!(is(kept("sys-1", "mail[U+202E]1: when w…", "in March")));
        assert!(!is(kept("sys-1", "…", "in March")));
        assert!(!is(kept("sys-2", asked, "in March")));
        assert!(!is(kept("sys-1", "mail1: by whom?", "in March")));
        assert!(!is(kept("sys-1", asked, "don't know")));
        assert!(!is_answered(&question, &[]));
    }

    #[test]
    fn a_check_notices_another_cell_and_not_another_blank() {
        let one = check("sys-1", "owner", "Who?", "anna  b");
        assert_eq!(one, check("sys-1", "owner", "Who?", "anna\r\nb "));
        assert_ne!(one, check("sys-2", "owner", "Who?", "anna b"));
        assert_ne!(one, check("sys-1", "owner", "Who?", "anna c"));
    }
}

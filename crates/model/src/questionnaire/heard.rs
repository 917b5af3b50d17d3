//! What a person's answer is worth: words that say nothing, words that agree, and questions that were answered.

use super::{SheetField, plain};
use crate::inventory::Question;
use crate::store::{Annotation, Word};
use crate::visible::visible;

/// True if `text` answers nothing in a row of this field: its author does not know, or put something there for the sake of
/// it. Where "none" is an answer (whether it is still needed, an open question, what corrects a list), it stays one.
pub fn says_nothing(field: SheetField, text: &str) -> bool {
    if field == SheetField::StillNeeded {
        return false;
    }
    let text = bare_word(text);
    let is_sign = text.chars().all(|c| "-–—?.".contains(c));
    let unknown = matches!(
        text.as_str(),
        "dontknow"
            | "idontknow"
            | "donotknow"
            | "idonotknow"
            | "unknown"
            | "notknown"
            | "n/a"
            | "n.a"
    );
    let nobody = matches!(
        text.as_str(),
        "none" | "nobody" | "noone" | "nobodyelse" | "nothing"
    );
    is_sign || unknown || (nobody && field.is_free())
}

/// True if `text` agrees with what is known, where anything is, and says nothing of its own.
pub fn confirms(field: SheetField, text: &str) -> bool {
    let asks = matches!(field, SheetField::StillNeeded | SheetField::Question);
    let agrees = matches!(
        bare_word(text).as_str(),
        "yes" | "ok" | "okay" | "correct" | "asis" | "right" | "thatsright" | "fine"
    );
    agrees && !asks
}

/// True if somebody answered this very question.
pub fn is_answered(question: &Question, annotations: &[Annotation]) -> bool {
    let asked = letters(&question.question);
    annotations
        .iter()
        .filter(|annotation| annotation.about == question.about)
        .any(|annotation| match &annotation.word {
            Word::Answered { question, answer } => {
                is_same(&letters(question), &asked) && !says_nothing(SheetField::Question, answer)
            }
            _ => false,
        })
}

/// What of a question comes back as it went out: sheets make hidden signs visible, and spreadsheets change blanks.
fn letters(text: &str) -> String {
    let shown = visible(text);
    let kept = shown.chars().filter(|c| c.is_alphanumeric() || *c == '…');
    kept.collect()
}

/// True if one is the other, or its begin where a sheet cut it.
fn is_same(sent: &str, asked: &str) -> bool {
    let begin = sent.strip_suffix('…').filter(|begin| !begin.is_empty());
    sent == asked || begin.is_some_and(|begin| asked.starts_with(begin))
}

/// A word as people write it, without blanks, apostrophes and the full stop.
fn bare_word(text: &str) -> String {
    let text = plain(text).replace(['\'', '’', ' '], "");
    text.trim_end_matches(['.', '!']).to_owned()
}

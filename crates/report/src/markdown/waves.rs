//! Waves and notes in short: the page shows every field.

use std::fmt::Write as _;

use super::{Document, escape};
use crate::page::{Page, WaveCard};

/// Each wave with its state, window, what is known of it and what somebody is asked.
pub(super) fn waves(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.waves.rows.is_empty() {
        out.heading(words.waves, words.waves_none);
        return;
    }
    out.heading(words.waves, words.waves_lead);
    for card in &page.waves.rows {
        wave(out, card);
    }
    out.cut(&page.waves);
}

fn wave(out: &mut Document<'_>, card: &WaveCard) {
    let title = format!("{}. {}, {}", card.order, card.name, card.state);
    out.line(&format!("### {}", escape(&title)));
    for field in &card.fields {
        let known = escape(&field.values.join(" · "));
        let asked = field.question.as_deref().map(escape);
        let _ = write!(out.text, "- {}: {known}", escape(field.label));
        if let Some(asked) = asked {
            let apart = if known.is_empty() { "" } else { " " };
            let _ = write!(out.text, "{apart}**{asked}**");
        }
        out.text.push('\n');
    }
    if card.crossing_total > 0 {
        let line = escape(&card.crossing_line);
        let _ = writeln!(out.text, "- {line}: {}", escape(&card.crossing.join(" · ")));
    }
    out.text.push('\n');
}

/// What people noted, where anybody did.
pub(super) fn notes(out: &mut Document<'_>, page: &Page) {
    let words = out.words;
    if page.notes.rows.is_empty() {
        return;
    }
    out.heading(words.notes, words.notes_lead);
    out.rows(
        &[words.note_about, words.note, words.note_by],
        &page.notes,
        |note| {
            let by = note.by.as_deref().unwrap_or(words.note_unsigned);
            let on = note.on.as_deref().unwrap_or_default();
            vec![
                note.about.clone(),
                note.says.clone(),
                format!("{by} {on}").trim_end().to_owned(),
            ]
        },
    );
}

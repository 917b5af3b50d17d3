//! A checklist for a terminal, for a ticket, and as data.

use std::fmt::Write as _;

use groma_model::visible::visible;
use groma_model::wording::{count, in_days};

use super::item::{Checklist, Item, ItemState, Topic};

/// The items of each topic that has any, in order.
pub(super) fn by_topic(checklist: &Checklist) -> Vec<(Topic, Vec<&Item>)> {
    let mut topics: Vec<(Topic, Vec<&Item>)> = Vec::new();
    for item in &checklist.items {
        match topics.last_mut().filter(|(topic, _)| *topic == item.topic) {
            Some((_, items)) => items.push(item),
            None => topics.push((item.topic, vec![item])),
        }
    }
    topics
}

/// `3 to do, 2 to ask, 9 done`.
pub(super) fn counts(checklist: &Checklist) -> String {
    let late = checklist.items.iter().filter(|i| i.overdue).count();
    let late = if late > 0 {
        format!(" ({late} overdue)")
    } else {
        String::new()
    };
    format!(
        "{} to do{late}, {} to ask, {} done",
        checklist.count(ItemState::Do),
        checklist.count(ItemState::Ask),
        checklist.count(ItemState::Done)
    )
}

/// `before 2026-12-05 20:00 UTC (in 12 days)`; for what should have been done already, that.
pub(super) fn date(checklist: &Checklist, item: &Item) -> Option<String> {
    let by = item.by?;
    let away = in_days(checklist.at.days_until(by));
    Some(match item.overdue {
        true => format!("overdue since {} UTC ({away})", by.minute()),
        false => format!("before {} UTC ({away})", by.minute()),
    })
}

/// The first lines: which wave, when, with which machines.
pub(super) fn about(checklist: &Checklist) -> String {
    let window = match checklist.window {
        Some(window) => format!("{} to {} UTC", window.from.minute(), window.to.minute()),
        None => "no window".to_owned(),
    };
    let machines = match checklist.machines.as_slice() {
        [] => "no machine".to_owned(),
        all => format!(
            "{}: {}",
            count(all.len(), "machine", "machines"),
            all.join(", ")
        ),
    };
    format!("{window}; {machines}")
}

/// The checklist for a terminal. No text in it holds a control character.
pub fn checklist_text(checklist: &Checklist) -> String {
    let state = if checklist.ready {
        "ready"
    } else {
        "not ready"
    };
    let mut text = format!(
        "wave {}: {state}: {}\n{}\n",
        visible(&checklist.wave),
        counts(checklist),
        shown(&about(checklist))
    );
    for (topic, items) in by_topic(checklist) {
        let _ = writeln!(text, "\n{}", topic.title());
        for item in items {
            let _ = writeln!(text, "  {} {}", mark(item), shown(&item.says));
            let who = item.who.as_deref().map(shown);
            let closed = item.closed.as_deref().map(shown);
            let id = (item.state != ItemState::Done).then(|| item.id.clone());
            let notes: Vec<String> = [date(checklist, item), who, closed, id]
                .into_iter()
                .flatten()
                .collect();
            if !notes.is_empty() {
                let _ = writeln!(text, "      {}", notes.join("; "));
            }
            if !item.because.is_empty() && item.state != ItemState::Done {
                let _ = writeln!(text, "      {}", shown(&item.because));
            }
        }
    }
    text
}

fn mark(item: &Item) -> char {
    match item.state {
        ItemState::Do if item.overdue => '!',
        ItemState::Do => '-',
        ItemState::Ask => '?',
        ItemState::Done => '=',
    }
}

/// A sentence of ours with names of strangers in it: nothing in it steers.
pub(super) fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// The checklist as GitHub-flavoured Markdown: a task list per topic.
pub fn checklist_markdown(checklist: &Checklist) -> String {
    let state = if checklist.ready {
        "ready"
    } else {
        "not ready"
    };
    let mut text = format!(
        "# Wave {}: {state}\n\n{}\n\n{}\n",
        escaped(&checklist.wave),
        escaped(&about(checklist)),
        counts(checklist)
    );
    for (topic, items) in by_topic(checklist) {
        let _ = writeln!(text, "\n## {}\n", topic.title());
        for item in items {
            let tick = if item.state == ItemState::Done {
                'x'
            } else {
                ' '
            };
            let asks = if item.state == ItemState::Ask {
                "Question: "
            } else {
                ""
            };
            let _ = writeln!(text, "- [{tick}] {asks}{}", escaped(&item.says));
            let who = item.who.as_ref().map(|who| format!("**{}**", escaped(who)));
            let because = (!item.because.is_empty()).then(|| escaped(&item.because));
            let closed = item.closed.as_deref().map(escaped);
            let id = Some(format!("`{}`", item.id));
            for note in [date(checklist, item), who, because, closed, id]
                .into_iter()
                .flatten()
            {
                let _ = writeln!(text, "  - {note}");
            }
        }
    }
    text
}

/// Nothing in it is Markdown, HTML or a line of its own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in shown(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' | '+' | '-' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // A bare address would become a link of its own in many readers.
    out.replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
        .replace("WWW.", "WWW&#46;")
}

/// The checklist as `groma.wave-check/1`, with a final line break.
pub fn checklist_to_json(checklist: &Checklist) -> String {
    let text = serde_json::to_string_pretty(checklist)
        .expect("a checklist has only string keys and whole numbers");
    text + "\n"
}

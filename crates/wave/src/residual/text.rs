//! Who still knocks, for a terminal.

use std::fmt::Write as _;

use groma_model::fact::KnockWay;
use groma_model::visible::visible;
use groma_model::wording::{count, names, title};

use super::{Aside, Dismissed, Knock, Place, Residual};

/// The list for a terminal. No text in it holds a control character.
pub fn residual_text(residual: &Residual) -> String {
    let all: usize = residual.places.iter().map(|p| p.knocks.len()).sum();
    let blind = all == 0 && residual.needs_action();
    let head = match all {
        0 if blind => "nobody can tell yet who calls".to_owned(),
        0 => "nobody was seen calling an old place".to_owned(),
        _ => format!(
            "{} still {}",
            count(all, "need", "needs"),
            if all == 1 {
                "calls an old place"
            } else {
                "call old places"
            }
        ),
    };
    let mut text = format!(
        "wave {}: {head} since {} UTC\n",
        shown(&residual.wave),
        residual.since.minute()
    );
    for name in &residual.unknown {
        let _ = writeln!(text, "\n{}: no machine of that name is known", shown(name));
    }
    for place in &residual.places {
        let _ = writeln!(text, "\n{}: {}", shown(&place.name), how(place));
        for knock in &place.knocks {
            let _ = writeln!(text, "  ! {}", shown(&line(knock)));
            let notes = notes(knock);
            if !notes.is_empty() {
                let _ = writeln!(text, "      {}", shown(&notes));
            }
        }
        for aside in &place.asides {
            let _ = writeln!(text, "  ~ {}", shown(&said_aside(aside)));
        }
        for dismissed in &place.dismissed {
            let _ = writeln!(text, "  ~ {}", shown(&said_dismissed(dismissed)));
        }
    }
    text
}

fn line(knock: &Knock) -> String {
    let part = knock.component.name.to_string();
    let part = match (part.is_empty(), knock.has_agent) {
        (true, true) => String::new(),
        (true, false) => " (no agent: nobody saw which program)".to_owned(),
        (false, _) => format!(" ({part})"),
    };
    let port = knock
        .port
        .map(|p| format!(", port {}", p.0))
        .unwrap_or_default();
    format!(
        "{}{part}: {}{port}, last on {} UTC",
        knock.name,
        title(&knock.kind),
        knock.last_seen.minute()
    )
}

fn notes(knock: &Knock) -> String {
    let mut notes = Vec::new();
    notes.extend(
        knock
            .reached_as
            .as_ref()
            .map(|name| format!("calls it {name}")),
    );
    if !knock.written_in.is_empty() {
        notes.push(format!("written in {}", names(&knock.written_in)));
    }
    if !knock.heard_by.is_empty() {
        notes.push(format!(
            "seen by the sentinel on {}",
            names(&knock.heard_by)
        ));
    }
    notes.extend(knock.owner.as_ref().map(|owner| format!("ask {owner}")));
    notes.join("; ")
}

/// What meant no service, and does not end the silence.
pub(super) fn said_aside(aside: &Aside) -> String {
    let what = match aside.way {
        KnockWay::Echo => "asks whether it is there (ping)",
        _ => "tries port after port, as scanners do",
    };
    let name = match aside.name == aside.by.to_string() {
        true => aside.name.clone(),
        false => format!("{} ({})", aside.name, aside.by),
    };
    format!(
        "{name} {what}: no service is meant; last on {} UTC, seen by the sentinel on {}",
        aside.last_seen.minute(),
        aside.heard_by
    )
}

/// Whom a person left out, and when that one called all the same.
pub(super) fn said_dismissed(dismissed: &Dismissed) -> String {
    let port = dismissed.port.map(|p| format!(", port {}", p.0));
    format!(
        "{}, judged wrong by {} ({}): {}{}, last on {} UTC",
        dismissed.name,
        dismissed.judged_by,
        dismissed.because,
        title(&dismissed.kind),
        port.unwrap_or_default(),
        dismissed.last_seen.minute()
    )
}

fn how(place: &Place) -> String {
    let watched = &place.watched;
    match watched.to {
        None if !place.sentinels.is_empty() => format!(
            "not all of it was watched since, by the sentinel on {}",
            names(&place.sentinels)
        ),
        None => "nobody has looked at its connections since: keep its agent running".to_owned(),
        Some(to) => format!(
            "silent for {}, watched until {} UTC by {}{}",
            count(
                usize::try_from(place.silent_days).unwrap_or(usize::MAX),
                "day",
                "days"
            ),
            to.minute(),
            count(
                usize::try_from(watched.looks).unwrap_or(usize::MAX),
                "look",
                "looks"
            ),
            match place.sentinels.is_empty() {
                true => String::new(),
                false => format!(
                    ", {} of the sentinel on {}",
                    watched.by_sentinels,
                    names(&place.sentinels)
                ),
            }
        ),
    }
}

/// Nothing in it steers a terminal.
pub(super) fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// `9 days`, `30 hours`, `20 minutes`.
pub(super) fn lasted(seconds: u64) -> String {
    let whole = |unit: u64| usize::try_from(seconds / unit).unwrap_or(usize::MAX);
    match seconds {
        ..120 => count(whole(1), "second", "seconds"),
        120..7_200 => count(whole(60), "minute", "minutes"),
        7_200..172_800 => count(whole(3_600), "hour", "hours"),
        _ => count(whole(86_400), "day", "days"),
    }
}

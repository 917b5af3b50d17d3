//! The statement that an old place is silent, and what it rests on: published as `groma.decommission/1`.

use std::fmt::Write as _;

use groma_model::watched::BLIND_MAX;
use groma_model::wording::{count, names};
use groma_model::{EntityId, EvidenceId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{lasted, said_aside, said_dismissed, shown};
use super::watched::DEAF_MAX;
use super::{Place, Residual};

/// The schema word of [`Statement`].
pub const STATEMENT_SCHEMA: &str = "groma.decommission/1";

/// May the old places of a wave be switched off?
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// Always [`STATEMENT_SCHEMA`].
    pub schema: String,
    /// The wave.
    pub wave: String,
    /// When it was made.
    pub at: Timestamp,
    /// From when on calls counted.
    pub since: Timestamp,
    /// For how many days nobody may have called.
    pub days: u64,
    /// True if nobody did, and somebody watched.
    pub certified: bool,
    /// The old places.
    pub places: Vec<Certified>,
    /// What speaks against it; empty if it is certified.
    pub against: Vec<String>,
    /// What it rests on, and what nobody could see.
    pub rests_on: Vec<String>,
}

/// One old place in a statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Certified {
    /// The machine.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Whole days for which it was watched and nobody called.
    pub silent_days: u64,
    /// The last call since the switch.
    pub last_call: Option<Timestamp>,
    /// The facts behind the calls, sorted.
    pub evidence: Vec<EvidenceId>,
}

/// Whether everybody has been silent for `days`, of which rhythms that return later (`due`: when, and what) are told.
pub fn certify(residual: &Residual, days: u64, due: &[(Timestamp, String)]) -> Statement {
    let mut against: Vec<String> = residual
        .places
        .iter()
        .flat_map(|place| objections(place, days, residual.at))
        .collect();
    against.extend(residual.unknown.iter().map(|name| {
        format!("{name}: no machine of that name is known, so nothing can be said of it. Correct the wave file, or give --before.")
    }));
    if residual.places.is_empty() {
        against.push(
            "The wave takes no machine away that the inventory knows: nothing can be said of it."
                .to_owned(),
        );
    }
    let ahead: Vec<&(Timestamp, String)> = due.iter().filter(|(at, _)| *at > residual.at).collect();
    if let Some((last, _)) = ahead.iter().max() {
        let what = names(
            ahead
                .iter()
                .map(|(at, what)| format!("{what} on {}", at.day())),
        );
        against.push(format!(
            "Not everything has come round since: {what}. The wave stays open until {}.",
            last.day()
        ));
    }
    Statement {
        schema: STATEMENT_SCHEMA.to_owned(),
        wave: residual.wave.clone(),
        at: residual.at,
        since: residual.since,
        days,
        certified: against.is_empty(),
        places: residual.places.iter().map(certified).collect(),
        against,
        rests_on: residual
            .places
            .iter()
            .map(rests_on)
            .chain(residual.places.iter().flat_map(asides))
            .chain(residual.places.iter().flat_map(dismissed))
            .chain([limits()])
            .chain(
                residual
                    .places
                    .iter()
                    .any(has_sentinel)
                    .then(limits_of_sentinels),
            )
            .collect(),
    }
}

fn certified(place: &Place) -> Certified {
    let mut evidence: Vec<EvidenceId> = place
        .knocks
        .iter()
        .flat_map(|k| k.evidence.clone())
        .collect();
    evidence.sort();
    evidence.dedup();
    Certified {
        entity: place.entity.clone(),
        name: place.name.clone(),
        silent_days: place.silent_days,
        last_call: place.knocks.iter().map(|k| k.last_seen).max(),
        evidence,
    }
}

fn objections(place: &Place, days: u64, now: Timestamp) -> Vec<String> {
    let (name, watched) = (&place.name, &place.watched);
    if watched.looks == 0 && place.sentinels.is_empty() {
        return vec![format!(
            "{name}: nobody looked at its connections since the switch. Silence that nobody watched is none: keep its agent running, or let a sentinel stand at its address."
        )];
    }
    let mut against = Vec::new();
    if !place.blind.is_empty() {
        against.push(format!(
            "{name}: not all of its connections could be seen: {}.",
            names(&place.blind)
        ));
    }
    if watched.looks == 0 && place.blind.is_empty() {
        against.push(format!("{name}: not every address of it was watched."));
    }
    if watched.stale_seconds > BLIND_MAX.as_secs() {
        let last = watched.to.map_or(now, |to| to).minute();
        against.push(format!(
            "{name}: the last look is of {last} UTC; look again."
        ));
    }
    if place.silent_days < days {
        let called: Vec<&str> = place.knocks.iter().map(|k| k.name.as_str()).collect();
        let why = match place.knocks.first() {
            Some(last) => format!(
                "called by {}, last on {} UTC",
                names(called),
                last.last_seen.minute()
            ),
            None => match watched.from {
                Some(from) => format!("watched without a gap since {} UTC only", from.minute()),
                None => "not all of it was watched".to_owned(),
            },
        };
        against.push(format!(
            "{name}: silent for {}, {days} are asked: {why}.",
            count(
                usize::try_from(place.silent_days).unwrap_or(usize::MAX),
                "day",
                "days"
            )
        ));
    }
    against
}

fn rests_on(place: &Place) -> String {
    let watched = &place.watched;
    let looks = |many: u64| count(usize::try_from(many).unwrap_or(usize::MAX), "look", "looks");
    let own = watched.looks.saturating_sub(watched.by_sentinels);
    let sentinels = || {
        let who = names(&place.sentinels);
        format!(
            "{} of the sentinel on {who}, at its address,",
            looks(watched.by_sentinels)
        )
    };
    let of_whom = match (own, watched.by_sentinels) {
        (own, 0) => format!("{} of its own agent at its connections", looks(own)),
        (0, _) => sentinels(),
        (own, _) => format!(
            "{} of its own agent at its connections and {}",
            looks(own),
            sentinels()
        ),
    };
    match (watched.from, watched.to) {
        (Some(from), Some(to)) => format!(
            "{}: {of_whom} from {} to {} UTC, {} in all; the longest time between two was {}.",
            place.name,
            from.minute(),
            to.minute(),
            lasted(watched.seconds),
            lasted(watched.longest_gap_seconds)
        ),
        _ if !place.sentinels.is_empty() => format!(
            "{}: no watch of all of its addresses; the sentinel on {} stood there.",
            place.name,
            names(&place.sentinels)
        ),
        _ => format!("{}: nothing.", place.name),
    }
}

fn has_sentinel(place: &Place) -> bool {
    !place.sentinels.is_empty()
}

/// Who knocked and does not count, said where it is left out.
fn asides(place: &Place) -> impl Iterator<Item = String> + '_ {
    let each = place.asides.iter();
    each.map(|aside| format!("{}: not counted: {}.", place.name, said_aside(aside)))
}

/// Whose calls a person judged to be none, and when they came.
fn dismissed(place: &Place) -> impl Iterator<Item = String> + '_ {
    let each = place.dismissed.iter();
    each.map(|one| format!("{}: not counted: {}.", place.name, said_dismissed(one)))
}

/// What nobody hears who stands at an address that was another one's.
fn limits_of_sentinels() -> String {
    format!(
        "Looks of a sentinel count where every port was listened for and nothing was lost, and as one watch where no more than {} lie between two of them; what came in between nobody heard. A sentinel hears who calls the address it stands at, and not what for. It does not hear who follows a name to another place, \
     who reaches that address on another way (a second network with the same numbers, a tunnel, a router that still knows the old \
     hardware address), or who is kept from it by a firewall in between.",
        lasted(DEAF_MAX.as_secs())
    )
}

fn limits() -> String {
    "A call between two looks is seen only if a log of the machine tells it, and what calls less often than the days that were asked for was not waited for.".to_owned()
}

/// The statement for people.
pub fn statement_text(statement: &Statement) -> String {
    let word = if statement.certified {
        "silent"
    } else {
        "not certified"
    };
    let mut text = format!("wave {}: {word}\n", shown(&statement.wave));
    for place in &statement.places {
        let days = count(
            usize::try_from(place.silent_days).unwrap_or(usize::MAX),
            "day",
            "days",
        );
        let _ = writeln!(text, "  {}: silent for {days}", shown(&place.name));
    }
    for (title, lines) in [
        ("against it", &statement.against),
        ("it rests on", &statement.rests_on),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "{title}");
        }
        for line in lines {
            let _ = writeln!(text, "  - {}", shown(line));
        }
    }
    text
}

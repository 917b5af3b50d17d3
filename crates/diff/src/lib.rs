//! Two snapshots to changes: what is *added*, *removed*, *changed*, *moved*, *not seen*.
//!
//! The diff is read the morning after a change, by somebody who must act. So it says one thing once: a
//! service that listens on another port is one *moved* line, with those who followed and those who still
//! name the old port beneath it, not four lines about a listener, two needs and a certificate.
//!
//! - What moves by itself is no change: counters, times, measurements, evidence ids, line numbers of a
//!   reference, the order of lists, ports the system hands out at random.
//! - One cause is one line: a need that is known on both sides and was only told in other words is no change, what is
//!   concluded from a need goes with it, a name in somebody's hosts file is told by who uses it.
//! - *Removed* is said only of what the store dropped, and it drops a fact only after a complete look at
//!   its place did not find it. What a partial look missed is *not seen*.
//! - A host that is new, gone or newly watched from inside is one line; what is on it is not listed again.
//! - The same pair gives the same bytes whatever the order of the lists, and no pair differs from itself.
//!
//! With a wave file, [`compare_wave`] sorts the same facts into what was promised and what nobody planned.
#![forbid(unsafe_code)]

mod attributes;
mod certificates;
mod change;
mod dependencies;
mod entities;
mod kept;
mod listeners;
mod nearest;
mod outcome;
mod page;
mod pair;
mod plain;
mod retold;
mod text;
mod wave;
mod wave_text;

use groma_model::inventory::Inventory;

pub use change::{Area, Change, Changes, Class, Consequence, Detail, Side};
pub use kept::{Kept, KeptError, Selected, keep, select};
pub use outcome::{
    Because, ContentKind, ContentRow, CoverageGap, CriterionRow, GapKind, Judgement, PlaceRole,
    ToDo, WAVE_OUTCOME_SCHEMA, WaveLine, WaveOutcome, WavePlace,
};
pub use page::{html, markdown, wave_html, wave_markdown};
pub use text::{text, to_json};
pub use wave::compare_wave;
pub use wave_text::{wave_text, wave_to_json};

use pair::Pair;

/// The schema word of [`Changes`].
pub const DIFF_SCHEMA: &str = "groma.diff/1";

/// What is different in `after`.
pub fn compare(before: &Inventory, after: &Inventory) -> Changes {
    let pair = Pair::new(before, after);
    let moves = dependencies::compare(&pair);
    let renewals = certificates::renewals(&pair);
    let (mut changes, absorbed) = listeners::compare(&pair, &moves, &renewals);
    changes.extend(dependencies::changes(&pair, &moves, &absorbed));
    changes.extend(certificates::changes(&pair, &renewals));
    let parts = attributes::changes(&pair, &changes);
    changes.extend(parts);
    changes.extend(entities::changes(&pair, &moves.lines()));
    changes.sort_by(|a, b| a.order().cmp(&b.order()));
    Changes {
        schema: DIFF_SCHEMA.to_owned(),
        before: Side::of(before),
        after: Side::of(after),
        changes,
    }
}

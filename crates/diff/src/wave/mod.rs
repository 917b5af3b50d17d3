//! The same two inventories against what a wave promised.
//!
//! - [`promises`]: the needs, names and expectations of the wave file: confirmed, missing, moved, not seen, not due yet;
//! - [`turning`]: who uses what goes, and is in no promise;
//! - [`rest`]: what changed although nobody planned it, and [`coverage`]: what only looks changed because one of the two
//!   moments was looked at differently;
//! - [`contents`] and [`criteria`]: tables of numbers and rights, old and new;
//! - [`warnings`]: what makes all of it worth less than it looks;
//! - [`to_do`]: one line per thing that a person must do.

mod case;
mod contents;
mod coverage;
mod criteria;
mod due;
mod looks;
mod matching;
mod names;
mod promises;
mod records;
mod rest;
mod rights;
mod to_do;
mod turning;
mod warnings;

use groma_model::Timestamp;
use groma_model::inventory::Inventory;
use groma_model::wave::Wave;

use crate::change::Changes;
use crate::outcome::{Because, WAVE_OUTCOME_SCHEMA, WaveLine, WaveOutcome};

use case::Case;

/// Holds the later inventory against the promises of `wave`. `changes` is what [`crate::compare`] made of
/// the same two inventories.
pub fn compare_wave(
    changes: &Changes,
    before: &Inventory,
    after: &Inventory,
    wave: &Wave,
) -> WaveOutcome {
    let case = Case::new(before, after, wave);
    let mut outcome = WaveOutcome {
        schema: WAVE_OUTCOME_SCHEMA.to_owned(),
        wave: wave.name.clone(),
        warnings: warnings::warnings(&case),
        places: case.places(),
        to_lower: records::to_lower(before, wave),
        ..WaveOutcome::default()
    };
    let mut tasks = to_do::Tasks::default();
    if warnings::are_strangers(before, after) {
        let says = "the two documents come from two stores: compare two snapshots of one store";
        tasks.add(to_do::Task::of(Because::Unexpected, says));
        outcome.unexpected.push(WaveLine::only(says.to_owned()));
        outcome.to_do = tasks.into_lines(&case);
        return outcome;
    }
    let turning = turning::Turning::of(&case);
    let spoken_of = promises::judge(&case, &turning, &mut outcome, &mut tasks);
    let (lists, to_do) = (&mut outcome, &mut tasks);
    let turned = turning::judge(&case, &turning, changes, &spoken_of, lists, to_do);
    let told = spoken_of.into_iter().chain(turned).collect();
    let untold = rest::judge(&case, changes, &told, &mut outcome, &mut tasks);
    outcome.coverage_gaps = coverage::gaps(&case, &untold, &mut tasks);
    outcome.contents = contents::compare(&case, &mut tasks);
    outcome.criteria = criteria::judge(&case, &mut tasks);
    records::remind(&case, &outcome.to_lower, &mut tasks);
    sort(&mut outcome);
    outcome.open_until = open_until(&outcome.not_due_yet);
    outcome.to_do = tasks.into_lines(&case);
    outcome
}

fn sort(outcome: &mut WaveOutcome) {
    let lists = [
        &mut outcome.confirmed,
        &mut outcome.missing,
        &mut outcome.unexpected,
        &mut outcome.moved,
        &mut outcome.not_seen,
        &mut outcome.not_due_yet,
        &mut outcome.to_lower,
    ];
    for list in lists {
        list.sort();
        list.dedup();
    }
}

fn open_until(waiting: &[WaveLine]) -> Option<Timestamp> {
    waiting.iter().filter_map(|line| line.due).max()
}

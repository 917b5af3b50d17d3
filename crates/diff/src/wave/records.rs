//! Records that others remember for too long.

use std::collections::BTreeSet;

use groma_model::EntityId;
use groma_model::inventory::{Inventory, MailRecordEntry};
use groma_model::remembered;
use groma_model::wave::Wave;

use super::case::Case;
use super::to_do::{Task, Tasks};
use crate::outcome::{Because, WaveLine};

/// The records that name what goes, with the moment by which each must be remembered for a shorter time.
pub(crate) fn to_lower(before: &Inventory, wave: &Wave) -> Vec<WaveLine> {
    let Some(window) = wave.window else {
        return Vec::new();
    };
    let goes = wave.moves.iter().map(|m| &m.from).chain(&wave.members);
    let meant = remembered::meant(before, goes);
    let leaving: BTreeSet<&EntityId> = meant.values().flatten().collect();
    let line = |record: &MailRecordEntry| {
        record.machines.iter().find(|id| leaving.contains(id))?;
        let (seconds, by) = remembered::lower_by(record, window.from)?;
        let (what, asked, by_word) = (record.purpose.as_str(), &record.asked, by.minute());
        let says = format!(
            "{what} at {asked} is remembered for {seconds} s: lower it before {by_word} UTC"
        );
        let line = WaveLine {
            evidence: record.evidence.clone(),
            ..WaveLine::only(says)
        };
        Some(line.due(Some(by)))
    };
    before.mail_records.iter().filter_map(line).collect()
}

/// As long as it is not too late, each of them is somebody's work.
pub(crate) fn remind(case: &Case<'_>, to_lower: &[WaveLine], tasks: &mut Tasks) {
    let now = case.after.window.to;
    for line in to_lower.iter().filter(|line| line.due > Some(now)) {
        tasks.add(Task::of(Because::ToLower, &line.says).citing(&line.evidence));
    }
}

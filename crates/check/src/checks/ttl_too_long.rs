//! `ttl-too-long`: a record that names a machine of a wave is remembered for so long that it must be shortened before.

use std::collections::BTreeMap;

use groma_model::inventory::{Likelihood, MailRecordEntry, Severity, WaveEntry};
use groma_model::remembered::lower_by;
use groma_model::{EntityId, Timestamp};

use crate::wording::{agree, count, in_days, lasting, told};
use crate::{Check, Draft, View};

pub(crate) struct TtlTooLong;

impl Check for TtlTooLong {
    fn name(&self) -> &'static str {
        "ttl-too-long"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut of_machine: BTreeMap<&EntityId, Vec<&MailRecordEntry>> = BTreeMap::new();
        for record in view.all(|i| &i.mail_records) {
            for machine in &record.machines {
                of_machine.entry(machine).or_default().push(record);
            }
        }
        let mut drafts = Vec::new();
        for (wave, machines) in view.waves() {
            let Some(window) = wave.window else {
                continue;
            };
            for machine in machines {
                let named = of_machine.get(&machine).into_iter().flatten();
                let records: Vec<ToLower<'_>> = named
                    .filter_map(|record| Some((*record, lower_by(record, window.from)?)))
                    .collect();
                drafts.extend(draft(view, wave, window.from, &machine, &records));
            }
        }
        drafts
    }
}

/// A record, for how many seconds others remember it, and by when it must be lowered.
type ToLower<'a> = (&'a MailRecordEntry, (u32, Timestamp));

fn draft(
    view: &View<'_>,
    wave: &WaveEntry,
    begins: Timestamp,
    machine: &EntityId,
    records: &[ToLower<'_>],
) -> Option<Draft> {
    let machine = view.entity(machine)?;
    let first = records.iter().map(|(_, (_, by))| *by).min()?;
    let is_late = first < view.now;
    let mut draft = Draft::about(&[wave.name.as_str(), machine.id.as_str()]);
    draft.severity = match is_late {
        true => Severity::High,
        false => Severity::Medium,
    };
    let of_mail = records
        .iter()
        .any(|(record, _)| record.purpose.is_of_mail());
    let layer = match of_mail {
        true => "mail",
        false => "network",
    };
    layer.clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.control_date = Some(first);
    draft.risk = format!(
        "{} that {} {} {} remembered for too long for wave {}, which begins at {} UTC.",
        count(records.len(), "record", "records"),
        agree(records.len(), "names", "name"),
        machine.name,
        agree(records.len(), "is", "are"),
        wave.name,
        begins.minute()
    );
    let line = |(by, what, seconds): &(Timestamp, String, u32)| {
        format!(
            "{what} is remembered for {}: lower it before {} UTC ({})",
            lasting(*seconds),
            by.minute(),
            in_days(view.now.days_until(*by))
        )
    };
    let sorted = records.iter().map(|(record, (seconds, by))| {
        let what = format!("{} at {}", record.purpose.as_str(), record.asked);
        (*by, what, *seconds)
    });
    draft.indicator = told(sorted, line);
    draft.impact = match (is_late, of_mail) {
        (true, false) => "It is too late for the first of them: who asked a moment ago keeps the old answer until after the wave has begun. Lower it now, and move later or let the old machine go on answering.".to_owned(),
        (true, true) => "It is too late for the first of them: who asked a moment ago keeps the old answer until after the wave has begun. Lower it now, and move later or let the old machine hand mail on.".to_owned(),
        (false, _) => "Who asked before the change goes to the old machine for that long after the switch.".to_owned(),
    };
    draft.mitigations = vec![
        "Lower the time to live of each to five minutes before the date it says, in every view of the zone.",
        "Ask each server of the zone whether the new time is there, and the resolvers of the house too.",
        "Raise it again a day after the move.",
    ];
    draft.points_at(machine);
    records
        .iter()
        .for_each(|(record, _)| draft.cites_evidence(&record.evidence));
    Some(draft)
}

//! What a wave leaves open: each blank field of its file is a question to whoever answers for it.

use std::collections::BTreeMap;

use groma_model::inventory::{ABOUT_WAVE, Question, WaveEntry};
use groma_model::wave::{Coexistence, Criterion, Rollback};

use crate::View;

/// Waves that are asked about one by one.
const WAVES_MAX: usize = 40;

/// The questions of every wave, about its name.
pub(crate) fn questions(view: &View<'_>) -> Vec<Question> {
    let mut waves = view.waves();
    // What has moved is asked nothing any more.
    waves.retain(|(wave, _)| !matches!(wave.state.as_str(), "moved" | "proven"));
    let mut asked: Vec<Question> = waves
        .iter()
        .take(WAVES_MAX)
        .flat_map(|(wave, machines)| {
            let to = filled(wave.owner.as_ref()).then(|| wave.owner.clone());
            let to = to.unwrap_or_else(|| owner_of_most(view, machines));
            open(wave).into_iter().map(move |question| Question {
                to: to.clone(),
                about: format!("{ABOUT_WAVE}{}", wave.name),
                question: format!("{}: {question}", wave.name),
            })
        })
        .collect();
    let more = waves.len().saturating_sub(WAVES_MAX);
    asked.extend((more > 0).then(|| Question {
        to: None,
        about: ABOUT_WAVE.to_owned(),
        question: format!("What do the files of {more} more waves leave open?"),
    }));
    asked
}

/// Who owns most of these machines; the first by name of several.
fn owner_of_most<'i>(
    view: &View<'_>,
    machines: impl IntoIterator<Item = &'i groma_model::EntityId>,
) -> Option<String> {
    let mut owned: BTreeMap<String, usize> = BTreeMap::new();
    let machines = machines.into_iter().filter_map(|id| view.entity(id));
    for owner in machines.filter_map(|machine| view.owner(machine)) {
        *owned.entry(owner).or_default() += 1;
    }
    let most = owned.values().copied().max()?;
    owned.into_iter().find(|(_, n)| *n == most).map(|(o, _)| o)
}

/// What a person has to fill in, in the order of the file.
fn open(wave: &WaveEntry) -> Vec<String> {
    let none = Coexistence {
        until: None,
        how: None,
    };
    let beside = wave.coexistence.as_ref().unwrap_or(&none);
    let nothing = Rollback::default();
    let back = wave.rollback.as_ref().unwrap_or(&nothing);
    let fields = [
        (wave.window.is_some(), "when may it happen?"),
        (filled(wave.owner.as_ref()), "who answers for this wave?"),
        (
            filled(wave.change_reference.as_ref()),
            "which change in the ticket system is it?",
        ),
        (
            !wave.moves.is_empty(),
            "what takes whose place, and which names follow?",
        ),
        (
            !wave.expected.is_empty(),
            "which needs must work afterwards?",
        ),
        (
            filled(beside.how.as_ref()),
            "how do old and new live side by side?",
        ),
        (beside.until.is_some(), "until when do they?"),
        (filled(back.what.as_ref()), "what is done to go back?"),
        (filled(back.trigger.as_ref()), "what makes us go back?"),
        (
            back.minutes.is_some(),
            "how many minutes does going back take?",
        ),
        (filled(back.decides.as_ref()), "who decides to go back?"),
        (
            filled(back.backup.as_ref()),
            "which copy does going back rely on?",
        ),
        (
            back.restore_tested_on.is_some(),
            "when was restoring that copy last tried?",
        ),
        (
            !wave.criteria.is_empty(),
            "what is measured to call it a success?",
        ),
        (
            !wave.communications.is_empty(),
            "who is told what, and when?",
        ),
    ];
    let blank = fields.into_iter().filter(|(known, _)| !known);
    let mut open: Vec<String> = blank.map(|(_, ask)| ask.to_owned()).collect();
    let unaccepted = |c: &&Criterion| !filled(c.accepted_by.as_ref());
    let unaccepted = wave.criteria.iter().filter(unaccepted);
    open.extend(unaccepted.map(|c| format!("who accepts {}?", c.metric)));
    open
}

fn filled(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty())
}

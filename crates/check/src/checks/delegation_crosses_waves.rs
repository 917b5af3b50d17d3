//! `delegation-crosses-waves`: an application acts for its users towards a machine that moves in another wave.

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity, TimeWindow};

use super::delegation_crosses_systems::{ACTING, Machines, targets};
use crate::view::told;
use crate::waves::Moves;
use crate::wording::names;
use crate::{Check, Draft, View};

pub(crate) struct DelegationCrossesWaves;

impl Check for DelegationCrossesWaves {
    fn name(&self) -> &'static str {
        "delegation-crosses-waves"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let moves = Moves::ahead(view);
        let acting: Vec<_> = told(view, &ACTING)
            .filter(|(_, entry)| !targets(entry).is_empty())
            .collect();
        if moves.is_empty() || acting.is_empty() {
            return Vec::new();
        }
        let machines = Machines::of(view);
        acting
            .into_iter()
            .filter_map(|(on, entry)| draft(&machines, &moves, on, entry))
            .collect()
    }
}

/// One that acts, towards whom, in the words of the waves of both.
struct Crossing<'a> {
    from: &'a Entity,
    to: &'a Entity,
    said: String,
    begins: Option<TimeWindow>,
}

fn crossing<'a>(
    moves: &Moves<'_>,
    (from, to): (&'a Entity, &'a Entity),
    target: &str,
) -> Option<Crossing<'a>> {
    let (here, there) = (moves.of(&from.id), moves.of(&to.id));
    let name = |wave: Option<&groma_model::inventory::WaveEntry>| {
        wave.map_or_else(|| "stays".to_owned(), |wave| wave.name.clone())
    };
    if here.map(|wave| &wave.name) == there.map(|wave| &wave.name) {
        return None;
    }
    let windows = [here, there].into_iter().flatten();
    Some(Crossing {
        from,
        to,
        said: format!(
            "{} ({}) towards {target} ({}: {})",
            from.name,
            name(here),
            to.name,
            name(there)
        ),
        begins: windows
            .filter_map(|wave| wave.window)
            .min_by_key(|window| window.from),
    })
}

fn draft(
    machines: &Machines<'_>,
    moves: &Moves<'_>,
    on: &Entity,
    entry: &DirectoryEntry,
) -> Option<Draft> {
    let acting = machines.acting(on, entry);
    let pairs = acting.into_iter().flat_map(|from| {
        let of = move |target: &String| Some((from, machines.at(target)?, target.clone()));
        targets(entry).iter().filter_map(of)
    });
    let crossings: Vec<Crossing<'_>> = pairs
        .filter_map(|(from, to, target)| crossing(moves, (from, to), &target))
        .collect();
    if crossings.is_empty() {
        return None;
    }
    let mut draft = Draft::about(&[&entry.object.directory, &entry.object.dn.lossy()]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let begins = crossings.iter().filter_map(|c| c.begins);
    draft.control_date = begins.map(|window| window.from).min();
    draft.risk = format!(
        "{} acts for its users towards machines that move in another wave: between the two the list names a machine that is not there.",
        entry.object.account.as_ref().unwrap_or(&entry.object.name)
    );
    draft.indicator = names(crossings.iter().map(|c| c.said.as_str()));
    "Users reach the application and see no data, from the first wave until somebody changes the list."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Move both in one wave, or list the new target beside the old one before the first of them moves.",
        "Test through the application as an ordinary user after each of the two waves.",
        "Take the old target off the list when nothing calls it any more.",
    ];
    for crossing in crossings {
        draft.points_at(crossing.from);
        draft.points_at(crossing.to);
    }
    draft.cites_evidence(&entry.evidence);
    Some(draft)
}

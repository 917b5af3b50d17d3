//! Calls of which nobody can say which part of a machine made them: the program may not be seen, it is gone, or only the
//! other side told.
//!
//! Such a call proves that the machine calls there, and nothing about who does. It confirms the need it can only mean. Where
//! it may mean several, it is evidence of each, and a witness of none: how many needs a machine has is not a matter of what
//! was seen at the right moment. It is a need of the whole machine only where no other need explains it.

use groma_model::Witness;

use crate::draft::Draft;

/// Gives every call of no part to the needs of the same place that explain it.
pub(crate) fn confirms(drafts: &mut Vec<Draft>) {
    if drafts.len() < 2 || !drafts.iter().any(Draft::is_of_no_part) {
        return;
    }
    let (calls, mut needs): (Vec<_>, Vec<_>) = std::mem::take(drafts)
        .into_iter()
        .partition(Draft::is_of_no_part);
    // Who is meant is settled before any need learns from a call.
    let meant: Vec<Vec<usize>> = calls.iter().map(|call| meant(call, &needs)).collect();
    let mut unexplained = Vec::new();
    for (call, meant) in calls.into_iter().zip(meant) {
        match meant.as_slice() {
            [] => unexplained.push(call),
            [only] => needs.get_mut(*only).into_iter().for_each(|need| {
                confirm(need, call.clone());
            }),
            several => {
                for at in several {
                    needs
                        .get_mut(*at)
                        .into_iter()
                        .for_each(|need| stand_by(need, &call));
                }
                // What a directory states of the machine as a whole is a need as well, called or not.
                unexplained.extend(is_stated(&call).then_some(call));
            }
        }
    }
    needs.extend(unexplained);
    *drafts = needs;
}

/// The needs a call may mean: whoever was seen calling before who only might, the same account or resource before none,
/// the same kind before another.
fn meant(call: &Draft, needs: &[Draft]) -> Vec<usize> {
    let mut fitting: Vec<usize> = (0..needs.len()).collect();
    let mut prefer = |fits: &dyn Fn(&Draft) -> bool| {
        let better = fitting.iter().copied();
        let better: Vec<usize> = better
            .filter(|at| needs.get(*at).is_some_and(fits))
            .collect();
        if !better.is_empty() {
            fitting = better;
        }
    };
    prefer(&|need| need.is_alive());
    prefer(&|need| need.kind == call.kind);
    prefer(&|need| !need.accounts.is_disjoint(&call.accounts));
    prefer(&|need| !need.resources.is_disjoint(&call.resources));
    fitting
}

/// The one need that is meant takes what the call knows. Its own count stays: both may tell the same connections.
fn confirm(need: &mut Draft, call: Draft) {
    let was_seen = !need.programs.is_empty() || need.calls.max(need.alive) > 0;
    let (calls, alive, bytes) = (need.calls, need.alive, need.seen.bytes);
    let programs = need.programs.clone();
    need.absorb(call);
    if was_seen {
        (need.calls, need.alive, need.seen.bytes) = (calls, alive, bytes);
        need.programs = programs;
    }
}

/// One of several needs that may be meant: the call is evidence, and the place was in use then. What logs tell of the machine they tell
/// of each.
fn stand_by(need: &mut Draft, call: &Draft) {
    need.evidence.extend(call.evidence.iter().cloned());
    need.used = need.used.max(call.used);
    for witness in [Witness::History, Witness::Network] {
        if call.witnesses.contains(&witness) {
            need.witnesses.insert(witness);
        }
    }
}

fn is_stated(call: &Draft) -> bool {
    call.witnesses.contains(&Witness::Declared)
}

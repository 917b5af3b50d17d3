//! Whom servers let in by name: somebody agreed on a secret with each of them, so each is a need of that machine, and
//! often the only trace of a switch or a Wi-Fi controller nobody can look at from inside.

use groma_model::fact::Admission;
use groma_model::{EntityId, Estate};

use crate::directory::alike;
use crate::draft::{Certainty, Draft, Drafts, Place, one_transport};
use crate::gather::{Gathered, Raw};
use crate::live::whole;

/// Adds what servers say of their clients to the drafts of everything else. A network that is let in names nobody.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    for raw in &gathered.admissions {
        let Some(place) = place(raw, estate) else {
            continue;
        };
        match alike(drafts, &place, &raw.fact.kind) {
            Some(known) => {
                known.witnesses.insert(raw.witness);
                known.evidence.insert(raw.id.clone());
                known.current |= raw.current;
            }
            None => {
                let draft = draft(raw, &place.consumer, estate);
                drafts.add(place, draft);
            }
        }
    }
}

fn place(raw: &Raw<Admission>, estate: &Estate) -> Option<Place> {
    let admission = &raw.fact;
    let peer = admission.peer.as_ref()?;
    let consumer = estate.locate(&raw.site, &raw.vantage, peer)?.entity;
    // A server may be its own client: for a test, or for what runs beside it.
    (consumer != raw.host).then(|| Place {
        consumer,
        provider: raw.host.clone(),
        port: admission.port,
        transport: Some(one_transport(admission.port, admission.transport)),
    })
}

fn draft(raw: &Raw<Admission>, consumer: &EntityId, estate: &Estate) -> Draft {
    let part = whole(consumer, estate);
    let mut draft = Draft::of(raw, part, &raw.fact.kind, Certainty::Stated, raw.witness);
    draft
        .written_in
        .insert(format!("{}:{}", raw.fact.file, raw.fact.line));
    draft
}

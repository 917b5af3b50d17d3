//! What directories state: a further witness for needs that are known, and often the only one for a delegation, a print
//! queue or a copier that mail is taken from.

use groma_model::fact::{DirectoryNeed, NeedReason};
use groma_model::inventory::ReachedBy;
use groma_model::{Estate, Meaning, Peer};

use crate::draft::{Certainty, Draft, Drafts, Place, one_transport, weakest};
use crate::gather::{Gathered, Raw};
use crate::live::whole;

/// Adds what directories state to the drafts of everything else.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    for raw in &gathered.stated {
        let need = &raw.fact;
        let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
        let (Some(consumer), Some(provider)) = (locate(&need.consumer), locate(&need.provider))
        else {
            continue;
        };
        // What a machine may do towards itself is nobody's need.
        if consumer.entity == provider.entity {
            continue;
        }
        let place = Place {
            consumer: consumer.entity,
            provider: provider.entity.clone(),
            port: need.port,
            transport: Some(one_transport(need.port, need.transport)),
        };
        match alike(drafts, &place, &need.kind) {
            Some(known) => confirm(known, raw),
            None => {
                let draft = draft(raw, &place, &provider, estate);
                drafts.add(place, draft);
            }
        }
    }
}

/// The draft that somebody who knows no parts of machines means. Of several parts nobody knows which.
pub(crate) fn alike<'d>(
    drafts: &'d mut Drafts,
    place: &Place,
    kind: &str,
) -> Option<&'d mut Draft> {
    let known = drafts.places.get_mut(place)?;
    let has_parts = known.iter().any(|d| d.kind == kind && !d.is_of_no_part());
    let is_meant = |d: &Draft| d.kind == kind && (!has_parts || !d.is_of_no_part());
    let alive = known.iter().any(|d| is_meant(d) && d.is_alive());
    let mut meant = known
        .iter_mut()
        .filter(|d| is_meant(d) && (!alive || d.is_alive()));
    match (meant.next(), meant.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn draft(raw: &Raw<DirectoryNeed>, place: &Place, provider: &Meaning, estate: &Estate) -> Draft {
    let part = whole(&place.consumer, estate);
    let kind = &raw.fact.kind;
    let mut draft = Draft::of(raw, part, kind, Certainty::Stated, raw.witness);
    if !raw.fact.is_seen() {
        draft.alive = 0;
    }
    draft.account_untold = raw.fact.reason == NeedReason::Panel && raw.fact.account.is_none();
    let by = match &raw.fact.provider {
        Peer::Address(_) => ReachedBy::AddressLiteral,
        Peer::Name(_) => provider.reached_by,
    };
    // How a client of the directory called it, the directory does not know.
    if !raw.fact.is_seen() {
        draft.reached.insert((by, raw.fact.provider.to_string()));
    }
    tell(&mut draft, raw);
    draft
}

fn confirm(known: &mut Draft, raw: &Raw<DirectoryNeed>) {
    known.witnesses.insert(raw.witness);
    known.evidence.insert(raw.id.clone());
    known.current |= raw.current;
    tell(known, raw);
}

fn tell(draft: &mut Draft, raw: &Raw<DirectoryNeed>) {
    let need = &raw.fact;
    let account = need.account.as_ref().filter(|account| !account.is_empty());
    draft
        .accounts
        .extend(account.map(|account| account.lossy().into_owned()));
    let resource = need.resource.as_ref();
    draft
        .resources
        .extend(resource.map(|resource| resource.lossy().into_owned()));
    draft.protection = weakest(draft.protection, need.protection);
}

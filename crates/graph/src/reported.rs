//! What exported logs and packets report: a further witness for needs that are known, and the only one for a client that nobody
//! looked at of a server that nobody could look at.

use std::collections::HashMap;

use groma_model::fact::{Knock, KnockWay, ReportedUse};
use groma_model::inventory::ReachedBy;
use groma_model::registry::REGISTRY;
use groma_model::reported::NETBIOS_NAMES;
use groma_model::{EntityId, Estate, Foreign, Peer, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, one_transport, weakest};
use crate::gather::{Gathered, Raw};
use crate::live::whole;

/// What a call that a sentinel heard has in place of a product.
const KNOCK: &str = "a knock";

/// Adds what exported logs report to the drafts of everything else. What was refused is no need, nor is what an account
/// does at home.
pub(crate) fn uses(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    let told = gathered.reported.iter().map(AsRef::as_ref);
    let needs = told.filter(|raw: &&Raw<ReportedUse>| !raw.fact.refused);
    // What does not say the port comes last: it means what the others said.
    let (with_port, without): (Vec<_>, Vec<_>) = needs.partition(|raw| raw.fact.port.is_some());
    reported(with_port.into_iter(), &HashMap::new(), estate, drafts);
    if !without.is_empty() {
        let known = known_ports(drafts);
        reported(without.into_iter(), &known, estate, drafts);
    }
}

/// Adds what sentinels heard: somebody called where nobody answers any more. It confirms the need that is known at that port,
/// and where none is, the number of the port says what for.
pub(crate) fn knocks(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    let calls: Vec<Raw<ReportedUse>> = gathered.knocks.iter().filter_map(|raw| call(raw)).collect();
    reported(calls.iter(), &HashMap::new(), estate, drafts);
}

fn call(raw: &Raw<Knock>) -> Option<Raw<ReportedUse>> {
    let KnockWay::Port { port, transport } = raw.fact.way else {
        return None;
    };
    let kind = REGISTRY.kind_by_port(port, transport);
    let fact = ReportedUse {
        consumer: Peer::Address(raw.fact.by),
        provider: Peer::Address(raw.fact.at),
        kind: kind.map_or("other", |kind| kind.name.as_str()).to_owned(),
        port: Some(port),
        transport,
        product: KNOCK.to_owned(),
        account: None,
        mechanism: None,
        program: None,
        client: None,
        protection: None,
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: None,
        log: Foreign::default(),
    };
    Some(Raw {
        id: raw.id.clone(),
        site: raw.site.clone(),
        vantage: raw.vantage.clone(),
        host: raw.host.clone(),
        seen: raw.seen,
        current: raw.current,
        witness: raw.witness,
        fact,
    })
}

/// The places of known ports, by consumer and provider.
type KnownPorts = HashMap<(EntityId, EntityId), Vec<Place>>;

/// What is added for want of a known port has none itself, so this holds until all is read.
fn known_ports(drafts: &Drafts) -> KnownPorts {
    let mut known = KnownPorts::new();
    for place in drafts.places.keys() {
        let pair = (place.consumer.clone(), place.provider.clone());
        known.entry(pair).or_default().push(place.clone());
    }
    known
}

fn reported<'r>(
    needs: impl Iterator<Item = &'r Raw<ReportedUse>>,
    known_ports: &KnownPorts,
    estate: &Estate,
    drafts: &mut Drafts,
) {
    for raw in needs {
        let used = &raw.fact;
        let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
        let (Some(consumer), Some(provider)) = (locate(&used.consumer), locate(&used.provider))
        else {
            continue;
        };
        if consumer.entity == provider.entity {
            continue;
        }
        let place = Place {
            consumer: consumer.entity,
            provider: provider.entity,
            port: used.port,
            transport: used
                .port
                .map(|port| one_transport(Some(port), used.transport)),
        };
        let place = meant(place, raw, known_ports, drafts);
        let known = drafts.places.get_mut(&place);
        let alike = known.and_then(|known| match raw.witness {
            Witness::Network => one_heard(known, used),
            _ => one_of_kind(known, &used.kind),
        });
        match alike {
            Some(known) => confirm(known, raw),
            None => {
                let draft = draft(raw, &place, estate);
                drafts.add(place, draft);
            }
        }
    }
}

/// An event that does not say the port means one that is known to be called, of its kind; one that does not even say of
/// what kind (a logon over the network) means whatever is.
fn meant(place: Place, raw: &Raw<ReportedUse>, known_ports: &KnownPorts, drafts: &Drafts) -> Place {
    if place.port.is_some() || drafts.places.contains_key(&place) {
        return place;
    }
    let pair = (place.consumer.clone(), place.provider.clone());
    let of_pair = known_ports.get(&pair).into_iter().flatten();
    let there = of_pair.filter_map(|known| Some((known, drafts.places.get(known)?)));
    let fits = |draft: &Draft| draft.kind == raw.fact.kind || raw.fact.kind == "other";
    let fitting = there.filter(|(_, there)| there.iter().any(fits));
    let best = fitting.min_by_key(|(known, there)| {
        (
            !there.iter().any(Draft::is_alive),
            known.port,
            known.transport,
        )
    });
    best.map_or(place, |(known, _)| known.clone())
}

/// The one draft that is meant: of several parts of a machine nobody knows whose use it was.
fn one_of_kind<'d>(known: &'d mut [Draft], kind: &str) -> Option<&'d mut Draft> {
    let is_kind = |draft: &Draft| draft.kind == kind || kind == "other";
    let has_parts = known.iter().any(|d| is_kind(d) && !d.is_of_no_part());
    let mut meant = known
        .iter_mut()
        .filter(|d| is_kind(d) && (!has_parts || !d.is_of_no_part()));
    match (meant.next(), meant.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The one draft that packets mean. They are of that very place: where their words do not say what is spoken, it is what
/// the others know.
fn one_heard<'d>(known: &'d mut [Draft], used: &ReportedUse) -> Option<&'d mut Draft> {
    let has_kind = known.iter().any(|draft| draft.kind == used.kind);
    let kind = match has_kind || is_understood(used) {
        true => used.kind.as_str(),
        false => "other",
    };
    one_of_kind(known, kind)
}

/// True if the words said what is spoken, and not the number of the port.
fn is_understood(used: &ReportedUse) -> bool {
    !matches!(used.product.as_str(), "TCP" | "UDP" | "TLS" | KNOCK)
}

fn draft(raw: &Raw<ReportedUse>, place: &Place, estate: &Estate) -> Draft {
    let part = whole(&place.consumer, estate);
    let kind = &raw.fact.kind;
    let certainty = match is_understood(&raw.fact) {
        true => Certainty::Stated,
        false => Certainty::Habit,
    };
    let mut draft = Draft::of(raw, part, kind, certainty, raw.witness);
    tell(&mut draft, raw);
    draft
}

fn confirm(known: &mut Draft, raw: &Raw<ReportedUse>) {
    known.witnesses.insert(raw.witness);
    known.used = known.used.max(Some(raw.seen.last));
    known.evidence.insert(raw.id.clone());
    known.current |= raw.current;
    known.calls = known.calls.max(raw.seen.count);
    known.seen = groma_model::Seen {
        count: known.seen.count,
        bytes: known.seen.bytes,
        ..known.seen.joined(raw.seen)
    };
    tell(known, raw);
}

fn tell(draft: &mut Draft, raw: &Raw<ReportedUse>) {
    let used = &raw.fact;
    let text = |text: &groma_model::Foreign| text.lossy().into_owned();
    let account = used.account.as_ref().filter(|account| !account.is_empty());
    draft.accounts.extend(account.map(text));
    draft.resources.extend(used.service.as_ref().map(text));
    draft.protection = weakest(draft.protection, used.protection);
    if used.product == KNOCK {
        draft.heard_by.insert(raw.host.clone());
    }
    let by = match used.product.as_str() {
        NETBIOS_NAMES => ReachedBy::Broadcast,
        _ => ReachedBy::Name,
    };
    let name = used.name.as_ref();
    draft
        .reached
        .extend(name.map(|name| (by, name.to_string())));
}

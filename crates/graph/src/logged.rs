//! What logs tell of uses: a further witness for needs that are known, and the only one for a client that calls
//! once a month.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::fact::{Direction, LoggedUse};
use groma_model::inventory::ReachedBy;
use groma_model::{EntityId, Estate, Foreign, Peer, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, one_transport, weakest};
use crate::gather::{Gathered, Raw};
use crate::live::whole;
use crate::untold::{KIND, is_one_account};

/// Adds what logs tell to the drafts of everything else. Rows of one place (one for each account and protection) are
/// taken together: a count is that of all of them. What does not say the port comes last: what it means depends on where the
/// others were seen to call, and on no order of chance.
pub(crate) fn uses(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    let mut places: BTreeMap<Place, Vec<&Raw<LoggedUse>>> = BTreeMap::new();
    for raw in &gathered.logged {
        let peer = Peer::Address(raw.fact.peer);
        let other = estate.locate(&raw.site, &raw.vantage, &peer);
        // What a machine asks of itself is nobody's need.
        if let Some(other) = other.filter(|other| other.entity != raw.host) {
            let rows = places.entry(place(raw, &other.entity)).or_default();
            rows.push(raw.as_ref());
        }
    }
    let known = known_ports(&places, drafts);
    let (with_port, without): (Vec<_>, Vec<_>) = places
        .into_iter()
        .partition(|(place, _)| place.port.is_some());
    for (mut place, rows) in with_port.into_iter().chain(without) {
        if place.port.is_none() {
            let pair = (place.consumer.clone(), place.provider.clone());
            let of_pair = known.get(&pair).map(Vec::as_slice).unwrap_or_default();
            if let Some(meant) = meant(of_pair, &rows, drafts) {
                place = meant.clone();
            }
        }
        match drafts.places.get_mut(&place) {
            Some(known) => confirm(known, &rows),
            None => {
                for raw in &rows {
                    drafts.add(place.clone(), draft(raw, &place, estate));
                }
                for draft in drafts.places.get_mut(&place).into_iter().flatten() {
                    let of_kind = rows.iter().filter(|raw| raw.fact.kind == draft.kind);
                    draft.calls = draft.calls.min(calls(of_kind.copied()));
                }
            }
        }
    }
}

/// Where pairs of machines, of which a log does not say the port, are known to call each other.
fn known_ports(
    places: &BTreeMap<Place, Vec<&Raw<LoggedUse>>>,
    drafts: &Drafts,
) -> HashMap<(EntityId, EntityId), Vec<Place>> {
    let pair = |place: &Place| (place.consumer.clone(), place.provider.clone());
    let without = places.keys().filter(|place| place.port.is_none());
    let mut known: HashMap<_, Vec<Place>> =
        without.map(|place| (pair(place), Vec::new())).collect();
    if known.is_empty() {
        return known;
    }
    for place in drafts.places.keys().filter(|place| place.port.is_some()) {
        if let Some(of_pair) = known.get_mut(&pair(place)) {
            of_pair.push(place.clone());
        }
    }
    known
}

/// A log that does not say the port means one that is known to be called, if there is one of that kind: where it is
/// seen to be called before where it might be, then where the log's account is known.
fn meant<'p>(known: &'p [Place], rows: &[&Raw<LoggedUse>], drafts: &Drafts) -> Option<&'p Place> {
    let of_kind = |place: &Place| {
        let there = drafts.places.get(place).into_iter().flatten();
        there.filter(|draft| rows.iter().any(|raw| raw.fact.kind == draft.kind))
    };
    let is_account = |account: &String| {
        let mut told = rows.iter().filter_map(|raw| raw.fact.account.as_ref());
        told.any(|told| told.as_str() == Some(account.as_str()))
    };
    let fitting = known.iter().filter(|place| of_kind(place).next().is_some());
    fitting.min_by_key(|place| {
        let alive = of_kind(place).any(Draft::is_alive);
        let account = of_kind(place).any(|draft| draft.accounts.iter().any(is_account));
        (!alive, !account, place.port, place.transport)
    })
}

fn place(raw: &Raw<LoggedUse>, other: &EntityId) -> Place {
    let used = &raw.fact;
    let (consumer, provider) = match used.direction {
        Direction::Incoming => (other, &raw.host),
        Direction::Outgoing => (&raw.host, other),
    };
    Place {
        consumer: consumer.clone(),
        provider: provider.clone(),
        port: used.port,
        transport: used
            .port
            .map(|port| one_transport(Some(port), used.transport)),
    }
}

/// A log names the client's machine, not the part of it.
fn draft(raw: &Raw<LoggedUse>, place: &Place, estate: &Estate) -> Draft {
    let part = whole(&place.consumer, estate);
    let mut draft = Draft::of(
        raw,
        part,
        &raw.fact.kind,
        Certainty::Stated,
        Witness::History,
    );
    tell(&mut draft, raw);
    draft
}

/// Whoever is known to call there gains a witness. Who calls for real is meant before who only might, and one kind
/// before another. Of several that may be meant nobody knows whose account and how many calls the log tells.
fn confirm(known: &mut [Draft], rows: &[&Raw<LoggedUse>]) {
    let is_own = |raw: &&&Raw<LoggedUse>| known.iter().any(|draft| is_its_log(draft, raw));
    let (own, others): (Vec<_>, Vec<_>) = rows.iter().partition(is_own);
    // Whoever has a log of its own is not meant by those of others because of it.
    for rows in [others, own].iter().filter(|rows| !rows.is_empty()) {
        confirm_by(known, rows);
    }
}

fn confirm_by(known: &mut [Draft], rows: &[&Raw<LoggedUse>]) {
    let is_kind = |draft: &Draft| rows.iter().any(|raw| raw.fact.kind == draft.kind);
    let mut meant: Vec<&mut Draft> = known.iter_mut().collect();
    let mut prefer = |fits: &dyn Fn(&Draft) -> bool| {
        if meant.iter().any(|draft| fits(draft)) {
            meant.retain(|draft| fits(draft));
        }
    };
    prefer(&|draft| rows.iter().any(|raw| is_its_log(draft, raw)));
    prefer(&|draft| !draft.is_of_no_part());
    prefer(&Draft::is_alive);
    prefer(&is_kind);
    let own = match meant.as_slice() {
        [only] => own_rows(only, rows),
        _ => rows.to_vec(),
    };
    for draft in &mut meant {
        for raw in &own {
            draft.witnesses.insert(Witness::History);
            draft.used = draft.used.max(Some(raw.seen.last));
            draft.evidence.insert(raw.id.clone());
            draft.current |= raw.current;
        }
    }
    if let [only] = meant.as_mut_slice() {
        tell_only(only, rows, own);
    }
}

/// True if a program's own log tells whom it called, and the draft is of its settings.
fn is_its_log(draft: &Draft, raw: &Raw<LoggedUse>) -> bool {
    let used = &raw.fact;
    let mut words = draft.products.iter();
    used.direction == Direction::Outgoing
        && words.any(|word| used.product.eq_ignore_ascii_case(word))
}

/// The rows that may be those of the one who is known to call there. Somebody nobody saw may call there too: what is done as
/// somebody else than its settings name is not done by it.
fn own_rows<'r>(only: &Draft, rows: &[&'r Raw<LoggedUse>]) -> Vec<&'r Raw<LoggedUse>> {
    let is_named = only.kind == KIND && !only.accounts.is_empty();
    let is_own = |account: &str| only.accounts.iter().any(|own| is_one_account(own, account));
    let rows = rows.iter().copied();
    rows.filter(|raw| !is_named || account(raw).is_none_or(|account| is_own(&account)))
        .collect()
}

/// Tells the one who is known to call what its `own` rows say. Of several accounts in all of them nobody knows which is its.
fn tell_only(only: &mut Draft, rows: &[&Raw<LoggedUse>], own: Vec<&Raw<LoggedUse>>) {
    let told: BTreeSet<String> = rows.iter().filter_map(|raw| account(raw)).collect();
    let mut told = told.into_iter();
    let account = told
        .next()
        .filter(|first| told.all(|other| is_one_account(first, &other)));
    if only.accounts.is_empty() {
        only.accounts.extend(account);
    }
    only.calls = only.calls.max(calls(own.iter().copied()));
    for raw in own {
        only.seen = groma_model::Seen {
            count: only.seen.count,
            bytes: only.seen.bytes,
            ..only.seen.joined(raw.seen)
        };
        tell_way(only, raw);
    }
}

/// The account a row tells; nobody is none.
fn account(raw: &Raw<LoggedUse>) -> Option<String> {
    let account = raw.fact.account.as_ref();
    account
        .filter(|account| !account.is_empty())
        .map(|account| account.lossy().into_owned())
}

/// How many calls these rows tell. Two logs of a machine tell the same ones (a file and the journal; the file whose
/// oldest lines are gone), and so do the logs of both ends, and records of logons beside the log of the service: the one
/// that knows most is believed.
pub(crate) fn calls<'r>(rows: impl Iterator<Item = &'r Raw<LoggedUse>>) -> u64 {
    let (records, told): (Vec<_>, Vec<_>) = rows.partition(|raw| raw.fact.is_record());
    told_alike(&records).max(told_alike(&told))
}

fn told_alike(rows: &[&Raw<LoggedUse>]) -> u64 {
    let mut told: HashMap<&EntityId, HashMap<LoggedUse, u64>> = HashMap::new();
    for raw in rows {
        let without_log = LoggedUse {
            log: Foreign::default(),
            ..raw.fact.clone()
        };
        let known = told
            .entry(&raw.host)
            .or_default()
            .entry(without_log)
            .or_default();
        *known = raw.seen.count.max(*known);
    }
    let of_host =
        |rows: &HashMap<LoggedUse, u64>| rows.values().copied().fold(0, u64::saturating_add);
    told.values().map(of_host).max().unwrap_or_default()
}

fn tell(draft: &mut Draft, raw: &Raw<LoggedUse>) {
    draft.accounts.extend(account(raw));
    tell_way(draft, raw);
}

/// How the service was found, and how that was protected.
fn tell_way(draft: &mut Draft, raw: &Raw<LoggedUse>) {
    let used = &raw.fact;
    draft.protection = weakest(draft.protection, used.protection);
    let name = used.name.as_ref();
    draft
        .reached
        .extend(name.map(|name| (ReachedBy::Name, name.to_string())));
}

//! The ledger: each way in which somebody uses a service, joined from every witness there is.
//!
//! # The door
//!
//! A row is one way of use: consumer and provider, kind and port, account, mechanism, protection, name called. Whoever knows of
//! a use comes in by one of these, and joins what the others know:
//!
//! - [`LoggedUse`]: the log of one of the two machines. The logs of both ends join where neither contradicts the other.
//! - [`ReportedUse`]: somebody who saw a use between any two: exported logs, and whatever a later piece sees (packets on the
//!   wire, a device's own table). Its witness is that of its fact, so such a piece needs a fact of this shape and nothing here.
//! - A connection that a directory shows ([`DirectoryNeed`] that was seen): joins the row of the same account, or is one.
//! - A need between the two ([`Dependency`], of flows, settings and everything else): joins the rows of its account, and those
//!   whose account nobody tells. One of a directory that no row tells is a row of its own (`untold`): the client that no log
//!   knows.
//!
//! What a consumer is (device, application, …) is asked of its entity, so a device that is recognised by whatever means is one
//! here. An account is the same in every spelling: `CN=svc, OU=x`, `CORP\\svc` and `svc@CORP.EXAMPLE` of one machine at one
//! server are one client.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::fact::{Direction, DirectoryNeed, LoggedUse, ReportedUse};
use groma_model::inventory::{Dependency, Watching};
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::name::{HostName, Port, Protection};
use groma_model::reported::is_machine_account;
use groma_model::{EntityId, Estate, EvidenceId, Hours, Peer, Seen, Witness};
use rayon::prelude::*;

use crate::gather::{Gathered, Raw, Raws};
use crate::known::{Known, programs, reached};
use crate::untold::{self, Use};
use crate::{logged, rhythm};

use searched::Searched;

mod heard;
mod searched;

/// Evidence one row cites at most.
const EVIDENCE_MAX: usize = 20;
/// What every browser calls itself first.
const BROWSER: &str = "Mozilla";

/// What makes two uses one row. It begins with the ends: rows between two lie side by side.
type Key = (Ends, (Option<Port>, Option<HostName>), How, Asked);

/// Provider, kind and consumer.
type Ends = (EntityId, String, EntityId);

/// Account, mechanism, protection, and what the client says it is.
type How = (
    Option<String>,
    Option<String>,
    Option<Protection>,
    Option<String>,
);

/// What some logs know more: what was used there, what was searched, and whether it was refused.
type Asked = (Option<String>, Option<String>, bool);

/// What one row gathers.
#[derive(Default)]
struct Row<'g> {
    told: Vec<&'g Raw<LoggedUse>>,
    /// How often, as the exported log that knows most tells.
    reported: u64,
    seen: Option<Seen>,
    witnesses: BTreeSet<Witness>,
    logs: BTreeSet<String>,
    evidence: BTreeSet<EvidenceId>,
}

/// The ledger of everything that is known of uses.
pub(crate) fn entries(
    gathered: &Gathered,
    estate: &Estate,
    dependencies: &[Dependency],
    watching: &[Watching],
) -> Vec<LedgerEntry> {
    let mut rows: BTreeMap<Key, Row<'_>> = BTreeMap::new();
    for raw in &gathered.logged {
        if let Some(key) = key(raw, estate) {
            rows.entry(key).or_default().take(raw);
        }
    }
    for raw in gathered.reported.iter().filter(|raw| is_a_way(raw)) {
        if let Some(key) = reported_key(raw, estate) {
            rows.entry(key).or_default().take_reported(raw);
        }
    }
    join_both_ends(&mut rows);
    join_records(&mut rows);
    heard::join(&mut rows);
    join_connected(&gathered.stated, estate, &mut rows);
    if rows.is_empty() && !dependencies.iter().any(untold::is_of_directory) {
        return Vec::new();
    }
    let mut known = Known::new(dependencies, watching);
    let watched = watched(&rows);
    let searched = Searched::of(&gathered.searches, estate);
    known.of_rows = rows.values().flat_map(|row| row.evidence.clone()).collect();
    let mut told = BTreeSet::new();
    let mut entries = Vec::new();
    for (key, row) in rows {
        let needs = own_needs(&key, &known);
        if !key.3.2 {
            told.extend(
                needs
                    .iter()
                    .flat_map(|need| untold::told(need, key.2.0.as_deref())),
            );
        }
        let hours = watched.get(&key.0.0).copied().unwrap_or_default();
        let searches = searched.by_row(&key);
        let row = entry(key, row, &needs, hours, &known).map(|row| classed(row, &known, estate));
        entries.extend(row.map(|row| with_searches(row, searches)));
    }
    let untold: Vec<Use<'_>> = untold::uses(dependencies, &told).collect();
    let more = untold.into_par_iter().filter_map(|used| {
        let (key, row, needs) = Row::of_use(&used);
        entry(key, row, &needs, Hours::default(), &known).map(|row| classed(row, &known, estate))
    });
    entries.par_extend(more);
    entries.par_sort();
    entries
}

/// Clients that their directory shows connected. Those whose account is shown come first: which row one without means depends
/// on what is known by then.
fn join_connected(facts: &Raws<DirectoryNeed>, estate: &Estate, rows: &mut BTreeMap<Key, Row<'_>>) {
    let seen = facts.iter().filter(|raw| raw.fact.is_seen());
    let (named, unnamed): (Vec<_>, Vec<_>) = seen.partition(|raw| raw.fact.account.is_some());
    for raw in named.into_iter().chain(unnamed) {
        if let Some(key) = connected_key(raw, estate) {
            connected(raw, key, rows);
        }
    }
}

/// One connection: it is of the row of its account. Without an account it is of the row without, or else evidence of each row
/// it may mean.
fn connected(raw: &Raw<DirectoryNeed>, key: Key, rows: &mut BTreeMap<Key, Row<'_>>) {
    let between = of_ends(rows, &key.0);
    let fitting: Vec<(&Key, &Row<'_>)> = between
        .filter(|(known, _)| !known.3.2)
        .filter(|(known, _)| agree(&known.1.0, &key.1.0) && agree(&known.2.2, &key.2.2))
        .collect();
    let mine = fitting.iter().find(|(known, _)| is_of_account(known, &key));
    let mine = mine.or_else(|| {
        let mut nobodys = fitting.iter();
        nobodys.find(|(known, row)| is_of_nobody(known, row, &key))
    });
    let meant: Vec<Key> = match (mine, &key.2.0) {
        (Some((mine, _)), _) => vec![(*mine).clone()],
        (None, None) if !fitting.is_empty() => {
            fitting.iter().map(|(known, _)| (*known).clone()).collect()
        }
        (None, _) => vec![key],
    };
    let is_one = meant.len() == 1;
    for key in meant {
        let row = rows.entry(key).or_default();
        match is_one {
            true => row.saw_connected(raw),
            false => row.stands_by(raw),
        }
    }
}

fn is_of_account(known: &Key, key: &Key) -> bool {
    match (&known.2.0, &key.2.0) {
        (Some(one), Some(other)) => untold::is_one_account(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A directory shows a client that never logged on as nobody; its log tells no account of it.
fn is_of_nobody(known: &Key, row: &Row<'_>, key: &Key) -> bool {
    let is_logged = row.witnesses.contains(&Witness::History);
    is_logged && known.2.0.is_none() && key.2.0.as_deref() == Some("")
}

/// The rows between two ends, of one kind.
fn of_ends<'r, 'g>(
    rows: &'r BTreeMap<Key, Row<'g>>,
    ends: &'r Ends,
) -> impl Iterator<Item = (&'r Key, &'r Row<'g>)> {
    // Nothing said comes before anything.
    let nothing = (Default::default(), Default::default(), Default::default());
    let first: Key = (ends.clone(), nothing.0, nothing.1, nothing.2);
    rows.range(first..)
        .take_while(move |(key, _)| key.0 == *ends)
}

fn connected_key(raw: &Raw<DirectoryNeed>, estate: &Estate) -> Option<Key> {
    let need = &raw.fact;
    let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
    let (consumer, provider) = (locate(&need.consumer)?, locate(&need.provider)?);
    let ends = (provider.entity, need.kind.clone(), consumer.entity);
    let account = need.account.as_ref();
    (ends.0 != ends.2).then(|| {
        let account = account.map(|account| account.lossy().into_owned());
        let how = (account, None, need.protection, None);
        (ends, (need.port, None), how, (None, None, false))
    })
}

/// In which hours of the week the logs of each provider tell anything.
fn watched(rows: &BTreeMap<Key, Row<'_>>) -> HashMap<EntityId, Hours> {
    let mut watched: HashMap<EntityId, Hours> = HashMap::new();
    for (key, row) in rows {
        let hours = watched.entry(key.0.0.clone()).or_default();
        *hours = hours.joined(row.seen.map_or(Hours::default(), |seen| seen.hours));
    }
    watched
}

/// The needs a row speaks of: those of its account; where there is none, those whose account nobody tells, else those that
/// were seen calling. A row that tells none itself may be any of them. Outside directories, accounts are spelled in too many
/// ways to tell needs apart by them.
fn own_needs<'d>(key: &Key, known: &Known<'d>) -> Vec<&'d Dependency> {
    let (provider, kind, consumer) = &key.0;
    let all = known.needs(consumer, provider, kind, key.1.0);
    let Some(account) = key.2.0.as_deref() else {
        return all;
    };
    let of_account = |need: &&Dependency| untold::has_account(need, account);
    let own: Vec<_> = all.iter().copied().filter(of_account).collect();
    if !own.is_empty() {
        return own;
    }
    let nobodys = |need: &&Dependency| need.details.accounts.is_empty();
    let called = |need: &&Dependency| need.witnesses.contains(&Witness::Live);
    let fits = |fits: &dyn Fn(&&Dependency) -> bool| -> Vec<_> {
        all.iter().copied().filter(|need| fits(need)).collect()
    };
    // A part that was seen calling may log on as somebody else, too; one that is only set up is no witness of it.
    let known = [fits(&nobodys), fits(&called)];
    let known = known.into_iter().find(|needs| !needs.is_empty());
    match kind == untold::KIND {
        true => known.unwrap_or_default(),
        false => known.unwrap_or(all),
    }
}

/// One use told by the logs of both ends is one row: the client's log knows by which name it called, the server's as whom.
/// Only where each end tells one row of this kind: which of several belong together, nobody knows.
fn join_both_ends(rows: &mut BTreeMap<Key, Row<'_>>) {
    let mut ends: BTreeMap<_, (Vec<Key>, Vec<Key>)> = BTreeMap::new();
    for (key, row) in rows.iter() {
        let (served, called) = ends.entry((key.0.clone(), key.1.0)).or_default();
        match row.told_by() {
            Some(Direction::Incoming) => served.push(key.clone()),
            Some(Direction::Outgoing) => called.push(key.clone()),
            // Both logs say the very same: it is one row already.
            None => {}
        }
    }
    for (served, called) in ends.into_values() {
        let ([served], [called]) = (served.as_slice(), called.as_slice()) else {
            continue;
        };
        if let Some(key) = joined(served, called)
            && let (Some(one), Some(other)) = (rows.remove(served), rows.remove(called))
        {
            // Both logs may tell the very same beside it, which is that row as well.
            let row = rows.remove(&key).unwrap_or_default();
            rows.insert(key, row.and(one).and(other));
        }
    }
}

/// A logon that the records of a machine tell beside the log of its service is one row: of the one way in which the
/// client is known to come; of several, the one that was used last when the record was written.
fn join_records(rows: &mut BTreeMap<Key, Row<'_>>) {
    let mut ways: BTreeMap<_, (Vec<Key>, Vec<Key>)> = BTreeMap::new();
    for (key, row) in rows.iter().filter(|(_, row)| !row.told.is_empty()) {
        let (records, services) = ways.entry((key.0.clone(), key.1.0)).or_default();
        match row.told.iter().all(|raw| raw.fact.is_record()) {
            true => records.push(key.clone()),
            false => services.push(key.clone()),
        }
    }
    for (records, services) in ways.into_values() {
        let last = |key: &Key, rows: &BTreeMap<Key, Row<'_>>| rows.get(key)?.seen.map(|s| s.last);
        for record in records {
            let at = last(&record, rows);
            let apart = |key: &&Key| {
                last(key, rows)
                    .zip(at)
                    .map(|(a, b)| a.since(b).max(b.since(a)))
            };
            let Some(service) = services.iter().min_by_key(apart) else {
                continue;
            };
            let (Some(record), Some(told)) = (rows.remove(&record), rows.remove(service)) else {
                continue;
            };
            let joined = match services.len() {
                1 => told.and(record),
                _ => told.with_evidence_of(record),
            };
            rows.insert(service.clone(), joined);
        }
    }
}

/// True unless both say something, and not the same.
fn agree<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// True for what says in which way a service is used: of packets more than that somebody called.
fn is_a_way(raw: &Raw<ReportedUse>) -> bool {
    let used = &raw.fact;
    raw.witness != Witness::Network
        || used.account.is_some()
        || used.mechanism.is_some()
        || used.service.is_some()
        || used.protection.is_some_and(|way| way != Protection::None)
}

/// The key of both, if neither says what the other denies.
fn joined(served: &Key, called: &Key) -> Option<Key> {
    fn either<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
        match (one, other) {
            (Some(one), Some(other)) if one != other => None,
            (Some(known), _) | (_, Some(known)) => Some(Some(known.clone())),
            (None, None) => Some(None),
        }
    }
    let (one, other) = (&served.2, &called.2);
    Some((
        served.0.clone(),
        (served.1.0, either(&served.1.1, &called.1.1)?),
        (
            either(&one.0, &other.0)?,
            either(&one.1, &other.1)?,
            either(&one.2, &other.2)?,
            either(&one.3, &other.3)?,
        ),
        served.3.clone(),
    ))
}

fn key(raw: &Raw<LoggedUse>, estate: &Estate) -> Option<Key> {
    let used = &raw.fact;
    let other = estate.locate(&raw.site, &raw.vantage, &Peer::Address(used.peer))?;
    // What a machine asks of itself is nobody's need.
    let other = Some(other.entity).filter(|other| *other != raw.host)?;
    let (consumer, provider) = match used.direction {
        Direction::Incoming => (other, raw.host.clone()),
        Direction::Outgoing => (raw.host.clone(), other),
    };
    let text = |text: &groma_model::Foreign| text.lossy().into_owned();
    Some((
        (provider, used.kind.clone(), consumer),
        (used.port, used.name.clone()),
        (
            used.account.as_ref().map(text),
            used.mechanism.clone(),
            used.protection,
            used.program.clone(),
        ),
        (used.share.as_ref().map(text), None, false),
    ))
}

fn reported_key(raw: &Raw<ReportedUse>, estate: &Estate) -> Option<Key> {
    let used = &raw.fact;
    let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
    let (consumer, provider) = (locate(&used.consumer)?, locate(&used.provider)?);
    // An account may work at home; what a machine asks of itself is nobody's need.
    if consumer.entity == provider.entity && !used.is_at_home() {
        return None;
    }
    let text = |text: &groma_model::Foreign| text.lossy().into_owned();
    Some((
        (provider.entity, used.kind.clone(), consumer.entity),
        (used.port, used.name.clone()),
        (
            used.account.as_ref().map(text),
            used.mechanism.clone(),
            used.protection,
            used.program.clone(),
        ),
        (
            used.service.as_ref().map(text),
            used.asks.as_ref().map(text),
            used.refused,
        ),
    ))
}

impl<'g> Row<'g> {
    fn take(&mut self, raw: &'g Raw<LoggedUse>) {
        self.told.push(raw);
        self.saw(raw);
        self.logs.insert(raw.fact.log.lossy().into_owned());
    }

    fn take_reported(&mut self, raw: &Raw<ReportedUse>) {
        self.reported = self.reported.max(raw.seen.count);
        self.saw(raw);
        self.logs.insert(raw.fact.log.lossy().into_owned());
    }

    fn saw<T>(&mut self, raw: &Raw<T>) {
        self.seen = Some(self.seen.map_or(raw.seen, |seen| seen.joined(raw.seen)));
        self.witnesses.insert(raw.witness);
        self.evidence.insert(raw.id.clone());
    }

    /// A connection of this row.
    fn saw_connected(&mut self, raw: &Raw<DirectoryNeed>) {
        self.reported = self.reported.max(raw.seen.count);
        self.saw(raw);
    }

    /// A connection that may be of this row, or of another: how often and when is told of none.
    fn stands_by(&mut self, raw: &Raw<DirectoryNeed>) {
        self.witnesses.insert(raw.witness);
        self.evidence.insert(raw.id.clone());
    }

    /// The row of a use that no other witness than the need itself tells.
    fn of_use<'d>(used: &Use<'d>) -> (Key, Self, Vec<&'d Dependency>) {
        let need = used.need;
        let ends = (
            need.provider.entity.clone(),
            need.kind.clone(),
            need.consumer.entity.clone(),
        );
        let how = (
            used.account.clone(),
            used.mechanism(),
            used.protection(),
            None,
        );
        let row = Self {
            reported: used.count(),
            seen: Some(used.seen()),
            witnesses: used.witnesses(),
            ..Self::default()
        };
        let key = (ends, (need.provider.port, None), how, (None, None, false));
        (key, row, vec![need])
    }

    /// Whose log tells it, if the logs of one end alone do.
    fn told_by(&self) -> Option<Direction> {
        let first = self.told.first()?.fact.direction;
        let same = self.told.iter().all(|raw| raw.fact.direction == first);
        same.then_some(first)
    }

    fn and(mut self, other: Self) -> Self {
        self.told.extend(other.told);
        self.reported = self.reported.max(other.reported);
        self.seen = match (self.seen, other.seen) {
            (Some(one), Some(other)) => Some(one.joined(other)),
            (one, other) => one.or(other),
        };
        self.witnesses.extend(other.witnesses);
        self.logs.extend(other.logs);
        self.evidence.extend(other.evidence);
        self
    }
}

impl Row<'_> {
    /// Another witness tells it too; how often and since when is not told of this row alone.
    fn with_evidence_of(mut self, other: Self) -> Self {
        self.witnesses.extend(other.witnesses);
        self.logs.extend(other.logs);
        self.evidence.extend(other.evidence);
        self
    }
}

fn entry(
    key: Key,
    row: Row<'_>,
    needs: &[&Dependency],
    watched: Hours,
    known: &Known<'_>,
) -> Option<LedgerEntry> {
    let ((provider, kind, consumer), (port, name), how, (service, asks, refused)) = key;
    let (account, mechanism, protection, says_it_is) = how;
    let machine_account = account.as_deref().is_some_and(is_machine_account);
    let seen = row.seen?;
    let only_account = || match (kind == untold::KIND, needs) {
        (true, [only]) => match only.details.accounts.as_slice() {
            [account] => Some(account.clone()),
            _ => None,
        },
        _ => None,
    };
    let account = account.or_else(only_account);
    let mechanism = mechanism.or_else(|| only_mechanism(&kind, account.as_deref(), needs));
    let protection = protection.or_else(|| untold::protection_of(&kind, port));
    // A log that does not say the port means the one that is known, if it is one.
    let known_port = match needs {
        [only] => only.provider.port,
        _ => None,
    };
    // Who saw it himself speaks for himself; what logs tell is known to whoever knows the need, too.
    let mut witnesses = row.witnesses;
    if !row.evidence.is_empty() {
        witnesses.extend(needs.iter().flat_map(|need| &need.witnesses));
    }
    let (reached_by, reached_as) = reached(needs);
    let by_hours = || rhythm::of(&seen, watched).map(str::to_owned);
    let own = row.evidence.iter().take(EVIDENCE_MAX);
    let of_needs = needs.iter().flat_map(|need| &need.evidence);
    let mut evidence: Vec<EvidenceId> = own.cloned().collect();
    evidence.extend(of_needs.filter(|id| !known.of_rows.contains(*id)).cloned());
    evidence.truncate(EVIDENCE_MAX);
    evidence.sort();
    evidence.dedup();
    Some(LedgerEntry {
        port: port.or(known_port),
        witnesses: witnesses.into_iter().collect(),
        provider,
        kind,
        consumer,
        class: ConsumerClass::Unknown,
        name,
        reached_by,
        reached_as,
        account,
        mechanism,
        protection,
        says_it_is,
        programs: programs(needs),
        machine_account,
        service,
        asks,
        bases: untold::bases(needs),
        searches_by: Vec::new(),
        refused,
        written_in: all(needs, |need| &need.details.written_in),
        count: logged::calls(row.told.into_iter()).max(row.reported),
        first_seen: seen.first,
        last_seen: seen.last,
        hours: seen.hours,
        rhythm: untold::rhythm(needs).or_else(by_hours),
        next_due: None,
        logs: row.logs.into_iter().collect(),
        evidence,
    })
}

/// How settings say that it logs on, where the row speaks of the one need they are of, and of its account.
fn only_mechanism(kind: &str, account: Option<&str>, needs: &[&Dependency]) -> Option<String> {
    let [only] = needs else { return None };
    let is_its = match account {
        Some(account) => untold::has_account(only, account),
        None => only.details.accounts.is_empty(),
    };
    (kind == untold::KIND && is_its)
        .then(|| untold::mechanism_of(only))
        .flatten()
}

/// The row with what its log tells of searches, beside what settings say of them.
fn with_searches(mut row: LedgerEntry, searches: searched::Of) -> LedgerEntry {
    let searched::Of {
        mut bases,
        by,
        evidence,
    } = searches;
    bases.extend(row.bases);
    row.bases = bases.into_iter().collect();
    row.searches_by = by.into_iter().collect();
    let room = EVIDENCE_MAX.saturating_sub(row.evidence.len());
    row.evidence.extend(evidence.into_iter().take(room));
    row.evidence.sort();
    row
}

/// What all needs say of one thing, sorted.
fn all<'d>(
    needs: &[&'d Dependency],
    of: impl Fn(&'d Dependency) -> &'d Vec<String>,
) -> Vec<String> {
    let said: BTreeSet<&String> = needs.iter().flat_map(|need| of(need)).collect();
    said.into_iter().cloned().collect()
}

/// What the consumer seems to be.
fn classed(mut row: LedgerEntry, known: &Known<'_>, estate: &Estate) -> LedgerEntry {
    let machine = estate.entities.get(&row.consumer);
    let pair = (&row.consumer, &row.provider);
    row.class = match machine {
        Some(machine) if machine.kind == "device" => ConsumerClass::Device,
        _ if known.watchers.contains(&pair) => ConsumerClass::Monitoring,
        _ if row.says_it_is.as_deref() == Some(BROWSER) => ConsumerClass::Person,
        _ if !row.programs.is_empty() => ConsumerClass::Application,
        Some(machine) if machine.has_agent => ConsumerClass::Server,
        _ => ConsumerClass::Unknown,
    };
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one pair asks of the ledger costs what the pair has, however large the estate is.
    #[test]
    fn rows_between_two_ends_are_found_without_a_look_at_others() {
        let ends = |consumer: &str, kind: &str| -> Ends {
            (
                EntityId::new("ent-b"),
                kind.to_owned(),
                EntityId::new(consumer),
            )
        };
        let key = |ends: Ends, account: Option<&str>| -> Key {
            let how = (account.map(str::to_owned), None, None, None);
            (ends, (Some(Port(636)), None), how, (None, None, true))
        };
        let mut rows: BTreeMap<Key, Row<'_>> = BTreeMap::new();
        for consumer in ["ent-a", "ent-b", "ent-c"] {
            for kind in ["kerberos", "ldap-bind", "ldap-bind2"] {
                for account in [None, Some("a")] {
                    rows.insert(key(ends(consumer, kind), account), Row::default());
                }
            }
        }
        let meant = ends("ent-b", "ldap-bind");
        let found: Vec<Key> = of_ends(&rows, &meant).map(|(key, _)| key.clone()).collect();
        assert_eq!(found, [key(meant.clone(), None), key(meant, Some("a"))]);
    }
}

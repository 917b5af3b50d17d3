//! The ledger: each way in which somebody uses a service, as logs tell it, joined with what else is known of the two.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::fact::{ComponentClass, Direction, LoggedUse, ReportedUse};
use groma_model::inventory::{Dependency, Watching};
use groma_model::ledger::{ConsumerClass, LedgerEntry};
use groma_model::name::{HostName, Port, Protection};
use groma_model::reported::is_machine_account;
use groma_model::{EntityId, Estate, EvidenceId, Peer, Seen};

use crate::gather::{Gathered, Raw};
use crate::logged;

/// Evidence one row cites at most.
const EVIDENCE_MAX: usize = 20;
/// What every browser calls itself first.
const BROWSER: &str = "Mozilla";

/// What makes two uses one row.
type Key = (
    (EntityId, String, EntityId),
    (Option<Port>, Option<HostName>),
    (
        Option<String>,
        Option<String>,
        Option<Protection>,
        Option<String>,
    ),
    Asked,
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
    logs: BTreeSet<String>,
    evidence: BTreeSet<EvidenceId>,
}

/// The ledger of everything logs tell.
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
    for raw in &gathered.reported {
        if let Some(key) = reported_key(raw, estate) {
            rows.entry(key).or_default().take_reported(raw);
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    join_both_ends(&mut rows);
    join_records(&mut rows);
    let known = Known::new(dependencies, watching);
    let made = rows
        .into_iter()
        .filter_map(|(key, row)| entry(key, row, &known, estate));
    let mut entries: Vec<LedgerEntry> = made.collect();
    entries.sort();
    entries
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
        (used.port, None),
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
        self.cite(raw, &raw.fact.log);
    }

    fn take_reported(&mut self, raw: &Raw<ReportedUse>) {
        self.reported = self.reported.max(raw.seen.count);
        self.cite(raw, &raw.fact.log);
    }

    fn cite<T>(&mut self, raw: &Raw<T>, log: &groma_model::Foreign) {
        self.seen = Some(self.seen.map_or(raw.seen, |seen| seen.joined(raw.seen)));
        self.logs.insert(log.lossy().into_owned());
        self.evidence.insert(raw.id.clone());
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
        self.logs.extend(other.logs);
        self.evidence.extend(other.evidence);
        self
    }
}

impl Row<'_> {
    /// Another witness tells it too; how often and since when is not told of this row alone.
    fn with_evidence_of(mut self, other: Self) -> Self {
        self.logs.extend(other.logs);
        self.evidence.extend(other.evidence);
        self
    }
}

/// What else is known of two machines.
pub(crate) struct Known<'d> {
    needs: HashMap<(&'d EntityId, &'d EntityId, &'d str), Vec<&'d Dependency>>,
    pub(crate) watchers: BTreeSet<(&'d EntityId, &'d EntityId)>,
}

impl<'d> Known<'d> {
    pub(crate) fn new(dependencies: &'d [Dependency], watching: &'d [Watching]) -> Self {
        let mut needs: HashMap<_, Vec<&Dependency>> = HashMap::new();
        for need in dependencies {
            let key = (
                &need.consumer.entity,
                &need.provider.entity,
                need.kind.as_str(),
            );
            needs.entry(key).or_default().push(need);
        }
        let by = |row: &'d Watching| Some((row.by.as_ref()?, &row.entity));
        Self {
            needs,
            watchers: watching.iter().filter_map(by).collect(),
        }
    }

    /// The needs of `consumer` for `provider` of this kind, at `port` where that is known.
    pub(crate) fn needs(
        &self,
        consumer: &EntityId,
        provider: &EntityId,
        kind: &str,
        port: Option<Port>,
    ) -> Vec<&'d Dependency> {
        let needs = self.needs.get(&(consumer, provider, kind));
        let same_port = |need: &&&Dependency| port.is_none() || need.provider.port == port;
        needs
            .into_iter()
            .flatten()
            .filter(same_port)
            .copied()
            .collect()
    }
}

fn entry(key: Key, row: Row<'_>, known: &Known<'_>, estate: &Estate) -> Option<LedgerEntry> {
    let ((provider, kind, consumer), (port, name), how, (service, asks, refused)) = key;
    let (account, mechanism, protection, says_it_is) = how;
    let machine_account = account.as_deref().is_some_and(is_machine_account);
    let seen = row.seen?;
    let needs = known.needs(&consumer, &provider, &kind, port);
    let programs = programs(&needs);
    let machine = estate.entities.get(&consumer);
    let class = match machine {
        Some(machine) if machine.kind == "device" => ConsumerClass::Device,
        _ if known.watchers.contains(&(&consumer, &provider)) => ConsumerClass::Monitoring,
        _ if says_it_is.as_deref() == Some(BROWSER) => ConsumerClass::Person,
        _ if !programs.is_empty() => ConsumerClass::Application,
        Some(machine) if machine.has_agent => ConsumerClass::Server,
        _ => ConsumerClass::Unknown,
    };
    // A log that does not say the port means the one that is known, if it is one.
    let known_port = match needs.as_slice() {
        [only] => only.provider.port,
        _ => None,
    };
    let witnesses: BTreeSet<_> = needs
        .iter()
        .flat_map(|need| need.witnesses.iter().copied())
        .collect();
    Some(LedgerEntry {
        port: port.or(known_port),
        witnesses: witnesses
            .into_iter()
            .chain([groma_model::Witness::History])
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        provider,
        kind,
        consumer,
        class,
        name,
        account,
        mechanism,
        protection,
        says_it_is,
        programs,
        machine_account,
        service,
        asks,
        refused,
        count: logged::calls(row.told.into_iter()).max(row.reported),
        first_seen: seen.first,
        last_seen: seen.last,
        hours: seen.hours,
        logs: row.logs.into_iter().collect(),
        evidence: row.evidence.into_iter().take(EVIDENCE_MAX).collect(),
    })
}

/// What calls there; what a whole machine is called says nothing.
pub(crate) fn programs(needs: &[&Dependency]) -> Vec<String> {
    let mut out = BTreeSet::new();
    for need in needs {
        let part = &need.consumer.component;
        if part.class != ComponentClass::Device {
            out.insert(part.name.to_string());
        }
        out.extend(need.details.programs.iter().cloned());
    }
    out.into_iter().collect()
}

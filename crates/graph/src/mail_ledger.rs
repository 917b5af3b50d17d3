//! The mail ledger: what logs tell of senders and readers, joined with what servers let through and what else is known.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use groma_model::fact::{
    Direction, LoggedUse, MailReader, MailRefusal, MailUse, RelayBy, RelayRule, ReportedUse,
};
use groma_model::inventory::{Dependency, Watching};
use groma_model::mail_ledger::{
    MailDomainEntry, MailLedgerEntry, MailRefusalEntry, MailServerEntry, MailSide,
};
use groma_model::name::{Port, Protection};
use groma_model::reported::ReportedMail;
use groma_model::{EntityId, Estate, EvidenceId, Foreign, Hours, Peer, Seen, Timestamp, Witness};

use crate::gather::{Gathered, Raw};
use crate::known::{Known, programs, reached};
use crate::mail_class;

/// Evidence one row cites at most.
const EVIDENCE_MAX: usize = 20;
/// Domains one row names.
const DOMAINS_MAX: usize = 50;
/// Accounts of one reader that are counted; one more stands for all above.
const ACCOUNTS_MAX: usize = 8;

/// What makes two uses one row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    provider: EntityId,
    consumer: EntityId,
    side: MailSide,
    kind: &'static str,
    /// What is spoken over HTTP.
    protocol: Option<String>,
    port: Option<Port>,
    account: Option<String>,
    mechanism: Option<String>,
    protection: Option<Protection>,
}

/// What one row gathers.
#[derive(Default)]
struct Row {
    product: String,
    addresses: BTreeSet<IpAddr>,
    accounts: BTreeSet<Foreign>,
    crowd: bool,
    helo: BTreeSet<String>,
    tls: BTreeSet<String>,
    certificate: bool,
    says_it_is: Option<String>,
    clients: BTreeSet<String>,
    software: BTreeSet<String>,
    words: BTreeSet<String>,
    senders: BTreeSet<String>,
    /// Domains, each with whether mail for it was put into a mailbox there.
    recipients: BTreeMap<String, bool>,
    taken: Option<Seen>,
    refused: Option<Seen>,
    refusals: BTreeMap<MailRefusal, (u64, Timestamp)>,
    logs: BTreeSet<String>,
    evidence: BTreeSet<EvidenceId>,
    witnesses: BTreeSet<Witness>,
}

/// What mail servers take today, as their files say.
pub(crate) fn servers(gathered: &Gathered, estate: &Estate) -> Vec<MailServerEntry> {
    let current = gathered.mail_servers.iter().filter(|raw| raw.current);
    let here = current.filter(|raw| estate.entities.contains_key(&raw.host));
    let mut out: Vec<MailServerEntry> = here
        .map(|raw| MailServerEntry {
            entity: raw.host.clone(),
            product: raw.fact.product.clone(),
            domains: raw.fact.domains.clone(),
            domains_complete: raw.fact.domains_complete,
            allows: raw.fact.allows.clone(),
            own_ports: raw.fact.own_ports.clone(),
            evidence: vec![raw.id.clone()],
        })
        .collect();
    out.sort();
    out
}

/// The ledger of everything logs tell of mail.
pub(crate) fn entries(
    gathered: &Gathered,
    estate: &Estate,
    servers: &[MailServerEntry],
    dependencies: &[Dependency],
    watching: &[Watching],
) -> Vec<MailLedgerEntry> {
    let mut rows: BTreeMap<Key, Row> = BTreeMap::new();
    senders(gathered, estate, &mut rows);
    readers(gathered, estate, &mut rows);
    reported(gathered, estate, &mut rows);
    by_program(gathered, estate, &mut rows);
    if rows.is_empty() {
        return Vec::new();
    }
    let known = Joined {
        estate,
        needs: Known::new(dependencies, watching),
        servers,
        domains: Domains::new(servers),
        readers: rows
            .keys()
            .filter(|key| key.side == MailSide::Reads)
            .map(|key| (key.provider.clone(), key.consumer.clone()))
            .collect(),
    };
    let made = rows
        .into_iter()
        .filter_map(|(key, row)| known.entry(key, row));
    let mut out: Vec<MailLedgerEntry> = made.collect();
    out.sort();
    out
}

/// Two logs of a machine tell the same messages: each kind of them counts once, as the log that knows most tells.
fn senders(gathered: &Gathered, estate: &Estate, rows: &mut BTreeMap<Key, Row>) {
    let mut once: HashMap<(&EntityId, MailUse), Vec<&Raw<MailUse>>> = HashMap::new();
    for raw in &gathered.mail_used {
        let without_log = MailUse {
            log: Foreign::default(),
            ..raw.fact.clone()
        };
        once.entry((&raw.host, without_log)).or_default().push(raw);
    }
    let mut refused = Vec::new();
    let mut taken = Vec::new();
    for ((_, used), told) in once {
        let Some(key) = told.first().and_then(|raw| sender(raw, estate)) else {
            continue;
        };
        match used.refused {
            None => taken.push((key, used, told)),
            Some(_) => refused.push((key, used, told)),
        }
    }
    let ways = protections(taken.iter().map(|(key, ..)| key));
    for (key, used, told) in taken {
        let way = as_ever(key, &ways);
        rows.entry(way).or_default().take(&used, &told);
    }
    refused.sort_by(|(a, used_a, _), (b, used_b, _)| (a, used_a).cmp(&(b, used_b)));
    for (key, used, told) in refused {
        // What was refused belongs to the way in which the same client is let in, where there is one.
        let way = same_way(&key, rows).unwrap_or(key);
        rows.entry(way).or_default().take(&used, &told);
    }
}

/// How each way of sending was seen protected, by the way without that.
fn protections<'k>(keys: impl Iterator<Item = &'k Key>) -> BTreeMap<Key, BTreeSet<Protection>> {
    let mut out: BTreeMap<Key, BTreeSet<Protection>> = BTreeMap::new();
    for key in keys {
        let protection = key.protection;
        let way = Key {
            protection: None,
            ..key.clone()
        };
        out.entry(way).or_default().extend(protection);
    }
    out
}

/// A session whose end no log holds (it was cut, or it brought very many messages) does not say how it was protected. It was
/// as ever, where the same sender with the same account was only ever seen in one way.
fn as_ever(key: Key, ways: &BTreeMap<Key, BTreeSet<Protection>>) -> Key {
    let known = ways.get(&key).filter(|_| key.protection.is_none());
    match known.and_then(|seen| (seen.len() == 1).then(|| seen.first().copied())) {
        Some(protection) => Key { protection, ..key },
        None => key,
    }
}

fn sender(raw: &Raw<MailUse>, estate: &Estate) -> Option<Key> {
    let used = &raw.fact;
    let peer = Peer::Address(used.peer);
    let other = estate.locate(&raw.site, &raw.vantage, &peer)?;
    let other = Some(other.entity).filter(|other| *other != raw.host)?;
    let logs_on = used.account.is_some() || used.mechanism.is_some();
    let submits = match used.port {
        Some(Port(587 | 465)) => true,
        Some(_) => false,
        None => logs_on,
    };
    Some(Key {
        provider: raw.host.clone(),
        consumer: other,
        side: MailSide::Sends,
        kind: if submits {
            "smtp-submission"
        } else {
            "smtp-relay"
        },
        protocol: None,
        port: used.port,
        account: used
            .account
            .as_ref()
            .map(|account| account.lossy().into_owned()),
        mechanism: used.mechanism.clone(),
        protection: used.protection,
    })
}

fn same_way(key: &Key, rows: &BTreeMap<Key, Row>) -> Option<Key> {
    let same = |known: &&Key| {
        known.port == key.port && (key.account.is_none() || key.account == known.account)
    };
    ways(key, rows).find(same).cloned()
}

/// The ways in which the same client uses the same server on the same side: they stand beside one another, and a relay has
/// tens of thousands of others.
fn ways<'r>(key: &Key, rows: &'r BTreeMap<Key, Row>) -> impl Iterator<Item = &'r Key> {
    let least = Key {
        provider: key.provider.clone(),
        consumer: key.consumer.clone(),
        side: key.side,
        kind: "",
        protocol: None,
        port: None,
        account: None,
        mechanism: None,
        protection: None,
    };
    let (provider, consumer, side) = (least.provider.clone(), least.consumer.clone(), key.side);
    let is_same = move |known: &&Key| {
        known.provider == provider && known.consumer == consumer && known.side == side
    };
    rows.range(least..)
        .map(|(known, _)| known)
        .take_while(is_same)
}

/// Who reads mail there: the accounts are people's, so their number is all that is kept.
fn readers(gathered: &Gathered, estate: &Estate, rows: &mut BTreeMap<Key, Row>) {
    for raw in &gathered.logged {
        let used = &raw.fact;
        let kind = match (used.kind.as_str(), used.port) {
            ("imap", _) => "imap",
            ("pop3", _) => "pop3",
            ("other", Some(Port(4190))) => "other",
            _ => continue,
        };
        let peer = Peer::Address(used.peer);
        let Some(other) = estate.locate(&raw.site, &raw.vantage, &peer) else {
            continue;
        };
        if used.direction != Direction::Incoming || other.entity == raw.host {
            continue;
        }
        let key = Key {
            provider: raw.host.clone(),
            consumer: other.entity,
            side: MailSide::Reads,
            kind,
            protocol: None,
            port: used.port,
            account: None,
            mechanism: used.mechanism.clone(),
            protection: used.protection,
        };
        rows.entry(key).or_default().read(raw);
    }
}

/// What exported logs report: a server nobody looked at. The same log read twice counts once.
fn reported(gathered: &Gathered, estate: &Estate, rows: &mut BTreeMap<Key, Row>) {
    let mut once: BTreeMap<&ReportedUse, Vec<&Raw<ReportedUse>>> = BTreeMap::new();
    for raw in &gathered.reported {
        once.entry(&raw.fact).or_default().push(raw);
    }
    // What is refused, and what tells least of the way, belongs to a way that is known.
    let mut all: Vec<_> = once.into_iter().collect();
    all.sort_by_key(|(used, told)| (used.refused, used.port.is_none(), is_heard(told)));
    let with_ways = with_ways(&all, estate, rows);
    for (used, told) in all {
        let Some(key) = told.first().and_then(|raw| reported_key(raw, estate)) else {
            continue;
        };
        let sends = key.side == MailSide::Sends;
        // A log without ports (message tracking) tells the messages that another one told, and not by which way.
        // The same of what packets tell of messages that a log tells.
        let knows_less = is_vague(used) || is_heard(&told);
        let is_told = sends && knows_less && with_ways.contains(&pair(&key));
        let way = match (is_told, used.refused) {
            (true, _) if rows.contains_key(&key) => None,
            (true, _) => match only_way(&key, rows) {
                Some(way) => Some(way),
                None => continue,
            },
            (false, true) => same_way(&key, rows),
            (false, false) => None,
        };
        let row = rows.entry(way.unwrap_or(key)).or_default();
        row.report(used, &told, !is_told);
    }
}

/// Servers and their senders of whom a log tells the way. Asked before any row is made: a row of a log that knows no way
/// would look like one to the next.
fn with_ways(
    all: &[(&ReportedUse, Vec<&Raw<ReportedUse>>)],
    estate: &Estate,
    rows: &BTreeMap<Key, Row>,
) -> BTreeSet<(EntityId, EntityId)> {
    let told = all
        .iter()
        .filter(|(used, told)| !used.refused && !is_vague(used) && !is_heard(told))
        .filter_map(|(_, told)| reported_key(told.first()?, estate));
    rows.keys()
        .cloned()
        .chain(told)
        .filter(|key| key.side == MailSide::Sends)
        .map(|key| pair(&key))
        .collect()
}

/// True for what packets tell.
fn is_heard(told: &[&Raw<ReportedUse>]) -> bool {
    told.iter().all(|raw| raw.witness == Witness::Network)
}

/// True for what a device's own table of connections tells: that it is connected there, and of no message.
fn is_a_mere_connection(used: &ReportedUse) -> bool {
    used.product == "TCP" && used.mail.as_deref() == Some(&ReportedMail::default())
}

/// True for a row of a log that knows neither port nor account.
fn is_vague(used: &ReportedUse) -> bool {
    used.port.is_none() && used.account.is_none()
}

fn pair(key: &Key) -> (EntityId, EntityId) {
    (key.provider.clone(), key.consumer.clone())
}

/// Doors of Exchange on its web server, and what is spoken there.
const WEB_DOORS: &[(&str, &str)] = &[
    ("Exchange Web Services", "ews"),
    ("ActiveSync", "activesync"),
    ("Outlook on the web", "webmail"),
    ("Outlook (MAPI over HTTP)", "mapi"),
];

/// Who reads with which kind of program. Where the same log tells of logons too, it says more of those; a request over HTTP is
/// a row of its own.
fn by_program(gathered: &Gathered, estate: &Estate, rows: &mut BTreeMap<Key, Row>) {
    let mut once: BTreeMap<(&EntityId, MailReader), Vec<&Raw<MailReader>>> = BTreeMap::new();
    for raw in &gathered.mail_readers {
        let without_log = MailReader {
            log: Foreign::default(),
            ..raw.fact.clone()
        };
        once.entry((&raw.host, without_log)).or_default().push(raw);
    }
    for ((_, reader), told) in once {
        let Some(key) = told.first().and_then(|raw| reader_key(raw, estate)) else {
            continue;
        };
        let logons: Vec<Key> = ways(&key, rows)
            .filter(|known| known.kind == key.kind && key.protocol.is_none())
            .cloned()
            .collect();
        if logons.is_empty() {
            rows.entry(key).or_default().read_with(&reader, &told, true);
            continue;
        }
        for way in logons {
            rows.entry(way)
                .or_default()
                .read_with(&reader, &told, false);
        }
    }
}

fn reader_key(raw: &Raw<MailReader>, estate: &Estate) -> Option<Key> {
    let reader = &raw.fact;
    let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
    let consumer = locate(&reader.consumer)?.entity;
    let provider = match &reader.provider {
        Some(peer) => locate(peer)?.entity,
        None => raw.host.clone(),
    };
    let kind = reader.kind();
    (consumer != provider).then(|| Key {
        provider,
        consumer,
        side: MailSide::Reads,
        kind,
        protocol: (kind == "http").then(|| reader.protocol.clone()),
        port: None,
        account: None,
        mechanism: None,
        protection: None,
    })
}

fn reported_key(raw: &Raw<ReportedUse>, estate: &Estate) -> Option<Key> {
    let used = &raw.fact;
    let service = used.service.as_ref().map(|service| service.lossy());
    let door = service.and_then(|service| WEB_DOORS.iter().find(|(name, _)| *name == service));
    let (side, kind) = match used.kind.as_str() {
        "smtp-submission" if used.mail.is_some() => (MailSide::Sends, "smtp-submission"),
        "smtp-relay" if used.mail.is_some() => (MailSide::Sends, "smtp-relay"),
        "imap" if !used.refused => (MailSide::Reads, "imap"),
        "pop3" if !used.refused => (MailSide::Reads, "pop3"),
        "http" if door.is_some() && !used.refused => (MailSide::Reads, "http"),
        _ => return None,
    };
    let locate = |peer: &Peer| estate.locate(&raw.site, &raw.vantage, peer);
    let (consumer, provider) = (locate(&used.consumer)?, locate(&used.provider)?);
    let account = used.account.as_ref().filter(|_| side == MailSide::Sends);
    (consumer.entity != provider.entity).then(|| Key {
        provider: provider.entity,
        consumer: consumer.entity,
        side,
        kind,
        protocol: door.map(|(_, protocol)| (*protocol).to_owned()),
        port: used.port,
        account: account.map(|account| account.lossy().into_owned()),
        mechanism: used.mechanism.clone(),
        protection: used.protection,
    })
}

/// The way in which the same client sends there, if it is one.
fn only_way(key: &Key, rows: &BTreeMap<Key, Row>) -> Option<Key> {
    let mut ways = ways(key, rows);
    ways.next().filter(|_| ways.next().is_none()).cloned()
}

impl Row {
    fn report(&mut self, used: &ReportedUse, told: &[&Raw<ReportedUse>], counts: bool) {
        // A connection does not say what speaks at its other end.
        if self.product.is_empty() || !is_a_mere_connection(used) {
            self.product.clone_from(&used.product);
        }
        if let Peer::Address(address) = used.consumer {
            self.addresses.insert(address);
        }
        self.accounts.extend(used.account.clone());
        // Of who is refused a name is kept only where it is known to be one.
        self.crowd |= used.mechanism.is_some() && used.account.is_none() && !used.refused;
        self.says_it_is = used.program.clone().or_else(|| self.says_it_is.take());
        self.clients.extend(used.client.clone());
        if let Some(mail) = &used.mail {
            self.helo.extend(mail.helo.clone());
            self.tls.extend(mail.tls.clone());
            self.words.extend(mail.sender_word.clone());
            self.senders.extend(mail.sender.clone());
            for to in &mail.recipients {
                *self.recipients.entry(to.domain.clone()).or_default() |= to.delivered_here;
            }
        }
        for raw in told {
            self.logs.insert(used.log.lossy().into_owned());
            self.evidence.insert(raw.id.clone());
            self.witnesses.insert(raw.witness);
        }
        let Some(mut most) = told.iter().map(|raw| raw.seen).reduce(most_of) else {
            return;
        };
        if is_a_mere_connection(used) {
            most.count = 0;
        }
        let refused = used.mail.as_ref().and_then(|mail| mail.refused);
        match refused {
            Some(why) => {
                add(&mut self.refused, most);
                let (count, last) = self.refusals.entry(why).or_insert((0, most.last));
                *count += most.count;
                *last = (*last).max(most.last);
            }
            None if counts => add(&mut self.taken, most),
            None => {
                let known = self.taken.map_or(most, |known| most_of(known, most));
                self.taken = Some(known);
            }
        }
    }

    fn take(&mut self, used: &MailUse, told: &[&Raw<MailUse>]) {
        self.product.clone_from(&used.product);
        self.addresses.insert(used.peer);
        self.helo.extend(used.helo.clone());
        self.tls.extend(used.tls.clone());
        self.certificate |= used.certificate;
        self.words.extend(used.sender_word.clone());
        self.senders.extend(used.sender.clone());
        self.crowd |= used.mechanism.is_some() && used.account.is_none() && used.refused.is_none();
        self.accounts.extend(used.account.clone());
        for to in &used.recipients {
            *self.recipients.entry(to.domain.clone()).or_default() |= to.delivered_here;
        }
        let most = told.iter().map(|raw| raw.seen).reduce(most_of);
        let Some(most) = most else { return };
        match used.refused {
            None => add(&mut self.taken, most),
            Some(why) => {
                add(&mut self.refused, most);
                let (count, last) = self.refusals.entry(why).or_insert((0, most.last));
                *count += most.count;
                *last = (*last).max(most.last);
            }
        }
        for raw in told {
            self.logs.insert(raw.fact.log.lossy().into_owned());
            self.evidence.insert(raw.id.clone());
            self.witnesses.insert(raw.witness);
        }
    }

    fn read(&mut self, raw: &Raw<LoggedUse>) {
        let used = &raw.fact;
        self.product.clone_from(&used.product);
        self.addresses.insert(used.peer);
        self.crowd |= used.account.is_none();
        self.accounts.extend(used.account.clone());
        self.says_it_is = used.program.clone().or_else(|| self.says_it_is.take());
        add(&mut self.taken, raw.seen);
        self.logs.insert(used.log.lossy().into_owned());
        self.evidence.insert(raw.id.clone());
        self.witnesses.insert(raw.witness);
    }

    fn read_with(&mut self, reader: &MailReader, told: &[&Raw<MailReader>], counts: bool) {
        self.clients.extend(reader.client.clone());
        self.software.extend(reader.software.clone());
        if let Peer::Address(address) = reader.consumer {
            self.addresses.insert(address);
        }
        if self.product.is_empty() {
            self.product.clone_from(&reader.product);
        }
        for raw in told {
            self.logs.insert(raw.fact.log.lossy().into_owned());
            self.evidence.insert(raw.id.clone());
        }
        if let Some(most) = told.iter().map(|raw| raw.seen).reduce(most_of)
            && counts
        {
            add(&mut self.taken, most);
        }
    }

    fn accounts(&self) -> u32 {
        let known = self.accounts.len().min(ACCOUNTS_MAX + 1);
        let count = if self.crowd { ACCOUNTS_MAX + 1 } else { known };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

fn add(sum: &mut Option<Seen>, more: Seen) {
    *sum = Some(sum.map_or(more, |known| known.joined(more)));
}

fn most_of(one: Seen, other: Seen) -> Seen {
    Seen {
        count: one.count.max(other.count),
        bytes: one.bytes.max(other.bytes),
        ..one.joined(other)
    }
}

/// The domains the mail servers of the estate take.
struct Domains<'s> {
    names: HashSet<&'s str>,
    endings: Vec<&'s str>,
    complete: bool,
}

impl<'s> Domains<'s> {
    fn new(servers: &'s [MailServerEntry]) -> Self {
        let all = || {
            servers
                .iter()
                .flat_map(|server| &server.domains)
                .map(String::as_str)
        };
        Self {
            names: all().filter(|name| !name.starts_with('.')).collect(),
            endings: all().filter(|name| name.starts_with('.')).collect(),
            complete: !servers.is_empty() && servers.iter().all(|server| server.domains_complete),
        }
    }

    /// Which side `name` lies on, if anybody said.
    fn side(&self, name: &str, delivered_here: bool, server_known: bool) -> Option<bool> {
        if name.is_empty() || name == "*" {
            return delivered_here.then_some(true);
        }
        let known = self.names.contains(name) || self.endings.iter().any(|end| name.ends_with(end));
        match delivered_here || known {
            true => Some(true),
            false => (self.complete && server_known).then_some(false),
        }
    }
}

/// Everything rows are joined with.
struct Joined<'j> {
    estate: &'j Estate,
    needs: Known<'j>,
    servers: &'j [MailServerEntry],
    domains: Domains<'j>,
    readers: HashSet<(EntityId, EntityId)>,
}

impl Joined<'_> {
    fn entry(&self, key: Key, row: Row) -> Option<MailLedgerEntry> {
        let seen = row.taken.or(row.refused)?;
        let needs = self
            .needs
            .needs(&key.consumer, &key.provider, key.kind, key.port);
        let programs = programs(&needs);
        let (class, class_because) = self.class(&key, &row, &programs);
        let (reached_by, reached_as) = reached(&needs);
        let known_port = match needs.as_slice() {
            [only] => only.provider.port,
            _ => None,
        };
        let witnesses: BTreeSet<Witness> = needs
            .iter()
            .flat_map(|need| need.witnesses.iter().copied())
            .chain(row.witnesses.iter().copied())
            .collect();
        let all = |one: Option<Seen>| one.map_or(Hours::default(), |seen| seen.hours);
        let accounts = row.accounts();
        Some(MailLedgerEntry {
            allowed_by: self.allowed_by(&key, &row),
            sender_domains: self.domains(&key, row.senders.iter().map(|name| (name, &false))),
            recipient_domains: self.domains(&key, row.recipients.iter()),
            provider: key.provider,
            consumer: key.consumer,
            side: key.side,
            kind: key.kind.to_owned(),
            protocol: key.protocol,
            clients: row.clients.into_iter().collect(),
            software: row.software.into_iter().collect(),
            port: key.port.or(known_port),
            account: key.account,
            accounts,
            mechanism: key.mechanism,
            protection: key.protection,
            addresses: row.addresses.into_iter().collect(),
            product: row.product,
            class,
            class_because,
            helo: row.helo.into_iter().collect(),
            tls: row.tls.into_iter().collect(),
            certificate: row.certificate,
            reached_by,
            reached_as,
            programs,
            messages: row.taken.map_or(0, |seen| seen.count),
            bytes: row.taken.and_then(|seen| seen.bytes),
            refusals: row
                .refusals
                .into_iter()
                .map(|(why, (count, last_seen))| MailRefusalEntry {
                    why,
                    count,
                    last_seen,
                })
                .collect(),
            first_seen: row.refused.map_or(seen.first, |r| r.first.min(seen.first)),
            last_seen: seen.last,
            hours: all(row.taken).joined(all(row.refused)),
            witnesses: witnesses.into_iter().collect(),
            logs: row.logs.into_iter().collect(),
            evidence: row.evidence.into_iter().take(EVIDENCE_MAX).collect(),
        })
    }

    fn class(
        &self,
        key: &Key,
        row: &Row,
        programs: &[String],
    ) -> (groma_model::ledger::ConsumerClass, Vec<String>) {
        mail_class::class(&mail_class::Known {
            machine: self.estate.entities.get(&key.consumer),
            helo: &row.helo,
            words: &row.words,
            programs,
            watches: self
                .needs
                .watchers
                .contains(&(&key.consumer, &key.provider)),
            is_mail_server: self
                .servers
                .iter()
                .any(|server| server.entity == key.consumer),
            reads: self
                .readers
                .contains(&(key.provider.clone(), key.consumer.clone())),
            logs_on: key.account.is_some() || key.mechanism.is_some(),
            says_it_is: row.says_it_is.as_deref(),
            clients: &row.clients,
        })
    }

    /// The first entry of the server's settings that lets this sender through, in the order in which the server asks.
    fn allowed_by(&self, key: &Key, row: &Row) -> Option<RelayRule> {
        if key.side != MailSide::Sends || row.taken.is_none() {
            return None;
        }
        let logs_on = key.account.is_some() || key.mechanism.is_some();
        let lets = |rule: &&RelayRule| match rule.by {
            RelayBy::Address => row.addresses.iter().any(|address| rule.covers(*address)),
            RelayBy::Account => logs_on,
            RelayBy::Certificate => row.certificate,
        };
        let of_product = |server: &&MailServerEntry| {
            server.entity == key.provider && server.product == row.product
        };
        let rules = self.servers.iter().filter(of_product).flat_map(|server| {
            let counts = |rule: &&RelayRule| rule.counts_at(key.port, &server.own_ports);
            server.allows.iter().filter(counts)
        });
        rules.into_iter().find(lets).cloned()
    }

    fn domains<'n>(
        &self,
        key: &Key,
        names: impl Iterator<Item = (&'n String, &'n bool)>,
    ) -> Vec<MailDomainEntry> {
        let server_known = self
            .servers
            .iter()
            .any(|server| server.entity == key.provider);
        let entry = |(name, here): (&String, &bool)| MailDomainEntry {
            name: name.clone(),
            internal: self.domains.side(name, *here, server_known),
        };
        let mut out: Vec<MailDomainEntry> = names.map(entry).collect();
        // What leaves the house is what a row must not lose.
        out.sort_by_key(|domain| (domain.internal == Some(true), domain.name.clone()));
        out.truncate(DOMAINS_MAX);
        out.sort();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(provider: &str, consumer: &str, side: MailSide, port: Option<u16>) -> Key {
        Key {
            provider: EntityId::new(provider),
            consumer: EntityId::new(consumer),
            side,
            kind: "smtp-relay",
            protocol: None,
            port: port.map(Port),
            account: None,
            mechanism: None,
            protection: None,
        }
    }

    #[test]
    fn a_refused_client_is_looked_for_among_its_own_ways_alone() {
        use MailSide::{Reads, Sends};
        let own = [
            key("ent-b", "ent-b", Sends, None),
            key("ent-b", "ent-b", Sends, Some(25)),
            key("ent-b", "ent-b", Sends, Some(587)),
        ];
        let others = [
            key("ent-a", "ent-b", Sends, Some(25)),
            key("ent-b", "ent-a", Sends, Some(25)),
            key("ent-b", "ent-b", Reads, Some(25)),
            key("ent-b", "ent-c", Sends, Some(25)),
            key("ent-c", "ent-b", Sends, Some(25)),
        ];
        let all = own.iter().chain(&others).cloned();
        let rows: BTreeMap<Key, Row> = all.map(|key| (key, Row::default())).collect();
        for asked in &own {
            let found: Vec<&Key> = ways(asked, &rows).collect();
            assert!(found == own.iter().collect::<Vec<_>>());
            assert!(same_way(asked, &rows).as_ref() == Some(asked));
        }
        let stranger = key("ent-b", "ent-d", Sends, Some(25));
        assert!(only_way(&stranger, &rows).is_none());
    }
}

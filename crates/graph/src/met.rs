//! Ports that answered from outside, beside those an agent saw held open from inside.
//!
//! Where an agent told of the listener, the answer is a further witness of it and no second row. What only answered from
//! outside is a row without a program. A port number says nothing of what is spoken there, so a row names a service only
//! where it was heard.
//!
//! What a machine announces of itself, or a scan of another tool found, goes the same way: the product nmap names stands where
//! ours stands, and gives way to it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::fact::{AnswerBasis, OpenPort, Program, SeenService, ServiceAnswer};
use groma_model::inventory::ListenerEntry;
use groma_model::registry::REGISTRY;
use groma_model::sighting::{Door, Sighting};
use groma_model::{
    AgentId, EntityId, Estate, EvidenceId, Peer, Port, SiteId, Timestamp, Transport,
};

use crate::gather::Raws;

/// Doors one machine may have: whoever answers at every port answers for others.
const DOORS_MAX: usize = 200;

/// An answer, whichever source asked.
struct Answered<'a> {
    id: &'a EvidenceId,
    current: bool,
    last: Timestamp,
    site: &'a SiteId,
    vantage: &'a AgentId,
    address: IpAddr,
    port: Port,
    transport: Transport,
    speaks: Option<&'a str>,
    answer: Option<Cow<'a, ServiceAnswer>>,
    /// True if it is the word of others, or of the machine itself where nobody asked: of a machine with an agent it adds
    /// nothing, and confirms what is known.
    is_hearsay: bool,
}

/// Adds what answered from outside to the listeners.
pub(crate) fn join(
    listeners: &mut Vec<ListenerEntry>,
    open: &Raws<OpenPort>,
    seen: &Raws<SeenService>,
    doors: &Raws<Sighting>,
    estate: &Estate,
) {
    if open.is_empty() && seen.is_empty() && doors.is_empty() {
        return;
    }
    let mut held: BTreeMap<EntityId, Vec<usize>> = BTreeMap::new();
    for (at, row) in listeners.iter().enumerate() {
        held.entry(row.entity.clone()).or_default().push(at);
    }
    let mut rows: BTreeMap<_, ListenerEntry> = BTreeMap::new();
    for answered in all(open, seen, doors) {
        let Some(entity) = answered.by(estate) else {
            continue;
        };
        let of_host = held.get(&entity).map(Vec::as_slice).unwrap_or_default();
        if !answered.witnesses(listeners, of_host) && !answered.is_of_no_use(&entity, estate) {
            let key = (
                entity.clone(),
                answered.address,
                answered.port,
                answered.transport,
            );
            let row = rows.entry(key).or_insert_with(|| answered.row(entity));
            answered.tells(row);
        }
    }
    listeners.extend(rows.into_values());
    for row in listeners.iter_mut() {
        row.evidence.sort();
        row.evidence.dedup();
    }
    listeners.sort_by(|a, b| key(a).cmp(&key(b)));
}

/// Every answer, the one to believe first: whoever asked what is spoken knows more than who only knocked, then what the newest
/// look still saw, then what was seen last.
fn all<'a>(
    open: &'a Raws<OpenPort>,
    seen: &'a Raws<SeenService>,
    doors: &'a Raws<Sighting>,
) -> Vec<Answered<'a>> {
    let open = open.iter().map(|raw| Answered {
        id: &raw.id,
        current: raw.current,
        last: raw.seen.last,
        site: &raw.site,
        vantage: &raw.vantage,
        address: raw.fact.address,
        port: raw.fact.port,
        transport: raw.fact.transport,
        speaks: raw.fact.speaks.as_deref(),
        answer: None,
        is_hearsay: false,
    });
    let seen = seen.iter().map(|raw| Answered {
        id: &raw.id,
        current: raw.current,
        last: raw.seen.last,
        site: &raw.site,
        vantage: &raw.vantage,
        address: raw.fact.address,
        port: raw.fact.port,
        transport: raw.fact.transport,
        speaks: Some(&raw.fact.answer.protocol),
        answer: Some(Cow::Borrowed(&raw.fact.answer)),
        is_hearsay: false,
    });
    let mut all: Vec<_> = open.chain(seen).chain(heard_of(doors)).collect();
    let known = |it: &Answered<'_>| {
        let asked = it.answer.is_some() && !it.is_hearsay;
        (asked, it.answer.is_some(), it.current, it.last)
    };
    all.sort_by(|a, b| known(b).cmp(&known(a)).then_with(|| a.id.cmp(b.id)));
    all
}

/// Doors that machines announce or that another tool found, as if they had answered.
fn heard_of(doors: &Raws<Sighting>) -> impl Iterator<Item = Answered<'_>> {
    let sane = doors.iter().filter(|raw| {
        // What a list of today does not show any more is gone from it.
        raw.current && raw.fact.doors.len() <= DOORS_MAX
    });
    sane.filter_map(|raw| Some((raw, raw.fact.address?)))
        .flat_map(|(raw, address)| {
            raw.fact.doors.iter().map(move |door| Answered {
                id: &raw.id,
                current: raw.current,
                last: raw.seen.last,
                site: &raw.site,
                vantage: &raw.vantage,
                address,
                port: door.port,
                transport: door.transport,
                speaks: door.service.as_deref(),
                answer: product(door, &raw.fact.by).map(Cow::Owned),
                is_hearsay: true,
            })
        })
}

/// What a door tells of a product; nothing where it names none.
fn product(door: &Door, by: &str) -> Option<ServiceAnswer> {
    let product = door.product.clone()?;
    Some(ServiceAnswer {
        protocol: door.service.clone().unwrap_or_default(),
        product: Some(product),
        version: door.version.clone(),
        basis: AnswerBasis::Named,
        proof: format!("as {by} recognised it"),
        ..ServiceAnswer::default()
    })
}

/// The dependency that somebody has who uses what is spoken there, where it has another name than the protocol: as our own
/// questions, scanners and announcements (RFC 6335) call it.
fn kind(protocol: &str, port: Port) -> &str {
    let over_tls = protocol.strip_suffix(" over TLS");
    match over_tls.unwrap_or(protocol) {
        "smtp" | "lmtp" if port.0 == 587 || port.0 == 465 => "smtp-submission",
        "smtp" | "lmtp" => "smtp-relay",
        "smtps" | "submission" | "submissions" => "smtp-submission",
        "ldap" | "ldaps" => "ldap-bind",
        "mysql" | "postgresql" | "ms-sql-s" | "ms-sql-m" => "sql",
        "redis" | "memcached" | "mongodb" => "nosql",
        "amqp" => "message-queue",
        "domain" => "dns",
        "kerberos-sec" => "kerberos",
        "imaps" => "imap",
        "pop3s" => "pop3",
        "https" => "http",
        "microsoft-ds" | "netbios-ssn" => "smb",
        "ms-wbt-server" => "rdp",
        "sftp-ssh" => "ssh",
        "ipp" | "ipps" | "printer" | "pdl-datastream" | "jetdirect" => "print",
        other => other,
    }
}

/// The kind of what was heard at a port; none for a word that is no kind.
pub(crate) fn spoken(protocol: &str, port: Port) -> Option<&'static str> {
    let kinds = &REGISTRY.dependencies;
    kinds
        .get(kind(protocol, port))
        .map(|kind| kind.name.as_str())
}

impl Answered<'_> {
    fn by(&self, estate: &Estate) -> Option<EntityId> {
        let peer = Peer::Address(self.address);
        Some(estate.locate(self.site, self.vantage, &peer)?.entity)
    }

    /// True, and cited, if an agent told of the listener that answered.
    fn witnesses(&self, listeners: &mut [ListenerEntry], of_host: &[usize]) -> bool {
        let mut witnessed = false;
        for &at in of_host {
            let Some(row) = listeners.get_mut(at) else {
                continue;
            };
            let here = row.address.is_unspecified() || row.address == self.address;
            if row.port == self.port && row.transport == self.transport && here {
                self.tells(row);
                witnessed = true;
            }
        }
        witnessed
    }

    /// True for hearsay of a machine that an agent looked at from inside.
    fn is_of_no_use(&self, entity: &EntityId, estate: &Estate) -> bool {
        let has_agent = estate.entities.get(entity).is_some_and(|e| e.has_agent);
        self.is_hearsay && has_agent
    }

    fn row(&self, entity: EntityId) -> ListenerEntry {
        ListenerEntry {
            entity,
            address: self.address,
            port: self.port,
            transport: self.transport,
            process: Program::default(),
            service: None,
            certificate: None,
            answer: None,
            evidence: Vec::new(),
        }
    }

    fn tells(&self, row: &mut ListenerEntry) {
        let known = self.speaks.and_then(|word| spoken(word, self.port));
        row.service = row.service.take().or(known.map(str::to_owned));
        let answer = self.answer.as_deref();
        row.answer = row.answer.take().or_else(|| answer.cloned());
        row.evidence.push(self.id.clone());
    }
}

fn key(row: &ListenerEntry) -> impl Ord + '_ {
    (
        &row.entity,
        row.address,
        row.port,
        row.transport,
        &row.process,
    )
}

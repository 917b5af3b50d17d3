//! Where mail servers send mail on to: one row for each rule of each machine, and the needs that follow from next hops.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{ComponentClass, MailRoute, RouteRule};
use groma_model::name::Transport;
use groma_model::route::MailRouteEntry;
use groma_model::{EntityId, Estate, EvidenceId, Peer, Port, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, component, one_transport};
use crate::gather::{Gathered, Raw, Raws};
use groma_model::inventory::ReachedBy;

const SMTP: Port = Port(25);

#[derive(Default)]
struct Row {
    next: Option<EntityId>,
    evidence: BTreeSet<EvidenceId>,
    witnesses: BTreeSet<Witness>,
}

/// The rows of everything that still stands there.
pub(crate) fn rows(routes: &Raws<MailRoute>, estate: &Estate) -> Vec<MailRouteEntry> {
    let mut rows: BTreeMap<(&EntityId, &MailRoute), Row> = BTreeMap::new();
    for raw in routes.iter().filter(|raw| raw.current) {
        let row = rows.entry((&raw.host, &raw.fact)).or_default();
        let next = raw.fact.next_hop();
        let meaning = next.and_then(|(peer, _)| estate.locate(&raw.site, &raw.vantage, peer));
        row.next = row.next.take().max(meaning.map(|meaning| meaning.entity));
        row.evidence.insert(raw.id.clone());
        row.witnesses.insert(raw.witness);
    }
    let entry = |((on, route), row): ((&EntityId, &MailRoute), Row)| MailRouteEntry {
        on: on.clone(),
        route: route.clone(),
        next: row.next,
        witnesses: row.witnesses.into_iter().collect(),
        evidence: row.evidence.into_iter().collect(),
    };
    rows.into_iter().map(entry).collect()
}

/// Adds the needs of mail servers: whom they hand mail on to. One that a file of settings states already is confirmed.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    for raw in &gathered.mail_routes {
        let Some((peer, port)) = raw.fact.next_hop() else {
            continue;
        };
        let Some(kind) = kind(raw.fact.rule, port) else {
            continue;
        };
        let Some(meaning) = estate.locate(&raw.site, &raw.vantage, peer) else {
            continue;
        };
        if meaning.entity == raw.host {
            continue;
        }
        let port = port.or((kind == "smtp-relay").then_some(SMTP));
        let place = Place {
            consumer: raw.host.clone(),
            provider: meaning.entity.clone(),
            port,
            transport: Some(one_transport(port, Transport::Tcp)),
        };
        let by = match peer {
            Peer::Address(_) => ReachedBy::AddressLiteral,
            Peer::Name(_) => meaning.reached_by,
        };
        let draft = draft(raw, kind, by, peer);
        let known = drafts.places.get_mut(&place).into_iter().flatten();
        // Another program of this machine may mail through the same server: what kind of call it is, is no tie.
        let word = product(&raw.fact).to_owned();
        let is_known = unit(&raw.fact.product).is_some();
        let mut meant = known.filter(|d| {
            let fits = d.component == draft.component || d.products.contains(&word);
            fits || !is_known && d.kind == kind
        });
        match meant.next() {
            Some(known) => {
                let told = Draft {
                    component: known.component.clone(),
                    ..draft
                };
                known.absorb(told);
            }
            None => drafts.add(place, draft),
        }
    }
}

fn draft(raw: &Raw<MailRoute>, kind: &str, by: ReachedBy, peer: &Peer) -> Draft {
    let route = &raw.fact;
    let part = match unit(&route.product) {
        Some(unit) => component(ComponentClass::Unit, unit),
        None => component(ComponentClass::File, route.file.clone()),
    };
    let mut draft = Draft::of(raw, part, kind, Certainty::Stated, Witness::Written);
    draft.products.insert(product(route).to_owned());
    draft.files.insert(route.file.clone());
    draft
        .written_in
        .insert(format!("{}:{}", route.file, route.line));
    draft.reached.insert((by, peer.to_string()));
    if let Peer::Address(address) = peer {
        draft.called.insert(address.to_canonical());
    }
    draft
}

/// The word by which rules of configuration name the product.
fn product(route: &MailRoute) -> &'static str {
    match route.product.as_str() {
        "Postfix" => "postfix",
        "Exim" => "exim",
        "Dovecot" => "dovecot",
        "Sendmail" => "sendmail",
        _ => "mail",
    }
}

/// The unit that reads the rules of a product.
fn unit(product: &str) -> Option<&'static str> {
    match product {
        "Postfix" => Some("postfix.service"),
        "Exim" => Some("exim4.service"),
        "Dovecot" => Some("dovecot.service"),
        "Sendmail" => Some("sendmail.service"),
        _ => None,
    }
}

/// What is needed of a next hop; nothing where the row of settings says it better (look-ups in directories and
/// databases), or where a name is asked of the domain name system.
fn kind(rule: RouteRule, port: Option<Port>) -> Option<&'static str> {
    match rule {
        RouteRule::Relay
        | RouteRule::Transport
        | RouteRule::SenderRelay
        | RouteRule::RelaysFor
        | RouteRule::Delivery
        | RouteRule::Archive
        | RouteRule::Redirect => Some(match port {
            Some(Port(587 | 465)) => "smtp-submission",
            _ => "smtp-relay",
        }),
        RouteRule::Filter if port == Some(SMTP) => Some("smtp-relay"),
        RouteRule::Filter | RouteRule::Policy => Some("other"),
        RouteRule::Proxy => Some(match port {
            Some(Port(110 | 995)) => "pop3",
            _ => "imap",
        }),
        RouteRule::Replica => Some("cluster"),
        _ => None,
    }
}

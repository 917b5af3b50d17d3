//! Endpoints held open, before and after, with those who follow and those who stay behind.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::Program;
use groma_model::inventory::{Dependency, ListenerEntry};
use groma_model::{DependencyId, EntityId, EvidenceId, Port, Transport};

use crate::certificates::Renewals;
use crate::change::{Area, Change, Class, Consequence, Detail};
use crate::dependencies::{Moves, component};
use crate::pair::{Pair, endpoint};

/// Ports from here on are handed out by the system (RFC 6335 §6 begins later, Linux begins here).
const EPHEMERAL_FROM: u16 = 32_768;

type Key<'a> = (&'a EntityId, Transport, Port);

/// All sockets of one endpoint, as one.
struct Endpoint<'a> {
    host: &'a EntityId,
    port: Port,
    transport: Transport,
    addresses: BTreeSet<IpAddr>,
    programs: BTreeSet<&'a Program>,
    certificates: BTreeSet<&'a EntityId>,
    evidence: Vec<EvidenceId>,
}

/// The lines about listeners, and the ids of the dependencies they already speak of.
pub(crate) fn compare(
    pair: &Pair<'_>,
    moves: &Moves<'_>,
    renewals: &Renewals<'_>,
) -> (Vec<Change>, BTreeSet<DependencyId>) {
    let before = endpoints(pair, &pair.before.listeners);
    let after = endpoints(pair, &pair.after.listeners);
    let mut changes: Vec<Change> = before
        .iter()
        .filter_map(|(key, b)| same(pair, b, after.get(key)?, renewals))
        .collect();
    let mut gone: Vec<&Endpoint<'_>> = before
        .iter()
        .filter(|(k, _)| !after.contains_key(*k))
        .map(|(_, e)| e)
        .collect();
    let mut new: Vec<&Endpoint<'_>> = after
        .iter()
        .filter(|(k, _)| !before.contains_key(*k))
        .map(|(_, e)| e)
        .collect();
    let mut absorbed = BTreeSet::new();
    for (from, to) in pairs(&mut gone, &mut new) {
        if is_random(pair, from) && is_random(pair, to) {
            continue;
        }
        changes.push(moved(pair, moves, from, to, &mut absorbed));
    }
    let known = |e: &&Endpoint<'_>| !(is_random(pair, e) && e.transport == Transport::Udp);
    changes.extend(gone.into_iter().filter(known).map(|e| removed(pair, e)));
    changes.extend(
        new.into_iter()
            .filter(known)
            .map(|e| line(pair, e, Class::Added, e.text())),
    );
    (changes, absorbed)
}

fn endpoints<'a>(
    pair: &Pair<'a>,
    listeners: &[&'a ListenerEntry],
) -> BTreeMap<Key<'a>, Endpoint<'a>> {
    let mut endpoints: BTreeMap<Key<'a>, Endpoint<'a>> = BTreeMap::new();
    for l in listeners.iter().filter(|l| pair.comparable(&l.entity)) {
        let empty = Endpoint {
            host: &l.entity,
            port: l.port,
            transport: l.transport,
            addresses: BTreeSet::new(),
            programs: BTreeSet::new(),
            certificates: BTreeSet::new(),
            evidence: Vec::new(),
        };
        let endpoint = endpoints
            .entry((&l.entity, l.transport, l.port))
            .or_insert(empty);
        endpoint.addresses.insert(l.address);
        endpoint
            .programs
            .extend((!l.process.is_unknown()).then_some(&l.process));
        endpoint.certificates.extend(&l.certificate);
        endpoint.evidence.extend(l.evidence.iter().cloned());
    }
    endpoints
}

/// The same program at another port of the same host, where there is exactly one on each side.
fn pairs<'e, 'a>(
    gone: &mut Vec<&'e Endpoint<'a>>,
    new: &mut Vec<&'e Endpoint<'a>>,
) -> Vec<(&'e Endpoint<'a>, &'e Endpoint<'a>)> {
    type Sides<'e, 'a> = (Vec<&'e Endpoint<'a>>, Vec<&'e Endpoint<'a>>);
    let mut groups: BTreeMap<(&EntityId, Transport, BTreeSet<String>), Sides<'e, 'a>> =
        BTreeMap::new();
    let key = |e: &Endpoint<'a>| {
        (!e.programs.is_empty()).then(|| (e.host, e.transport, e.program_names()))
    };
    for e in gone.iter() {
        key(e)
            .into_iter()
            .for_each(|k| groups.entry(k).or_default().0.push(e));
    }
    for e in new.iter() {
        key(e)
            .into_iter()
            .for_each(|k| groups.entry(k).or_default().1.push(e));
    }
    let mut found = Vec::new();
    for (from, to) in groups.into_values() {
        if let ([from], [to]) = (from.as_slice(), to.as_slice()) {
            gone.retain(|e| !std::ptr::eq(*e, *from));
            new.retain(|e| !std::ptr::eq(*e, *to));
            found.push((*from, *to));
        }
    }
    found
}

/// A port the system handed out and nobody needs: it is another one after every restart.
fn is_random(pair: &Pair<'_>, e: &Endpoint<'_>) -> bool {
    e.port.0 >= EPHEMERAL_FROM && !pair.is_needed(e.host, e.port, e.transport)
}

impl Endpoint<'_> {
    /// What makes a program the same one after an upgrade: its unit, else its script or executable.
    fn program_names(&self) -> BTreeSet<String> {
        let name = |p: &&Program| {
            let file = p
                .script
                .as_ref()
                .or(p.executable.as_ref())
                .map(ToString::to_string);
            // A scope is one log-in or one container start, not a service: the next one has another number.
            let unit = p.unit.clone().filter(|unit| !unit.ends_with(".scope"));
            unit.or(file).or_else(|| p.container.clone())
        };
        self.programs.iter().filter_map(name).collect()
    }

    fn label(&self) -> String {
        let names: Vec<String> = self.program_names().into_iter().collect();
        if names.is_empty() {
            "a program we may not see".to_owned()
        } else {
            names.join(", ")
        }
    }

    fn text(&self) -> String {
        format!(
            "{} on {}/{} ({})",
            self.label(),
            self.port,
            self.transport,
            self.reach()
        )
    }

    /// From where it can be reached. Of several addresses only the IPv4 ones count: the others come and go.
    fn reach(&self) -> String {
        if self.addresses.iter().any(IpAddr::is_unspecified) {
            return "every address".to_owned();
        }
        if self.addresses.iter().all(IpAddr::is_loopback) {
            return "loopback only".to_owned();
        }
        let outer: Vec<&IpAddr> = self.addresses.iter().filter(|a| !a.is_loopback()).collect();
        let fixed: Vec<String> = outer
            .iter()
            .filter(|a| a.is_ipv4())
            .map(ToString::to_string)
            .collect();
        if fixed.is_empty() {
            "some IPv6 addresses".to_owned()
        } else {
            fixed.join(", ")
        }
    }
}

fn line(pair: &Pair<'_>, e: &Endpoint<'_>, class: Class, says: String) -> Change {
    Change::new(
        class,
        Area::Listener,
        pair.name(e.host),
        e.host.as_str(),
        says,
    )
    .involves([e.host])
    .because(&[&e.evidence])
}

/// An endpoint both sides have: bound elsewhere, held by another program, with another certificate.
fn same(
    pair: &Pair<'_>,
    before: &Endpoint<'_>,
    after: &Endpoint<'_>,
    renewals: &Renewals<'_>,
) -> Option<Change> {
    let same_sockets =
        before.addresses == after.addresses && before.certificates == after.certificates;
    if same_sockets && before.programs == after.programs {
        return None;
    }
    let (from, to) = (before.reach(), after.reach());
    let programs = (before.program_names(), after.program_names());
    let known = !programs.0.is_empty() && !programs.1.is_empty();
    let mut details = Vec::new();
    details.extend(Detail::of("bound to", Some(from.clone()), Some(to.clone())));
    details.extend(
        known
            .then(|| Detail::of("program", Some(before.label()), Some(after.label())))
            .flatten(),
    );
    let renewed = renewals.explain(&before.certificates, &after.certificates);
    let certificate = |e: &Endpoint<'_>| e.certificates.first().map(|c| c.to_string());
    let presents = Detail::known("certificate", certificate(before), certificate(after));
    details.extend(
        presents
            .filter(|_| !renewed)
            .map(|d| certificate_names(pair, before, after, d)),
    );
    if details.is_empty() {
        return None;
    }
    if from != to {
        let says = format!(
            "{} on {}/{} is bound to {to}, before to {from}",
            after.label(),
            after.port,
            after.transport
        );
        let narrower =
            to == "loopback only" && pair.is_needed(after.host, after.port, after.transport);
        let act = if narrower {
            "other machines need it and cannot reach it any more"
        } else {
            "check who may reach it now"
        };
        return Some(
            line(pair, after, Class::Moved, says)
                .details(details)
                .act(Some(act)),
        );
    }
    Some(line(pair, after, Class::Changed, after.text()).details(details))
}

fn certificate_names(
    pair: &Pair<'_>,
    before: &Endpoint<'_>,
    after: &Endpoint<'_>,
    detail: Detail,
) -> Detail {
    let name = |e: &Endpoint<'_>, index: &crate::pair::Index<'_>| {
        let entity = e
            .certificates
            .first()
            .and_then(|id| index.entities.get(*id))?;
        let until = entity
            .attributes
            .certificate
            .as_ref()
            .map(|c| format!(", valid until {}", c.not_after.day()));
        Some(format!("{}{}", entity.name, until.unwrap_or_default()))
    };
    Detail {
        before: name(before, &pair.before).or(detail.before),
        after: name(after, &pair.after).or(detail.after),
        ..detail
    }
}

fn to_endpoint<'a>(e: &'a Endpoint<'_>) -> impl Fn(&&&Dependency) -> bool + 'a {
    move |d| d.provider.entity == *e.host && endpoint(d) == Some((e.port, e.transport))
}

fn who(d: &Dependency) -> String {
    let files = d.details.written_in.join(", ");
    let written = if files.is_empty() {
        String::new()
    } else {
        format!(", written in {files}")
    };
    format!("{} ({}{written})", d.consumer.name, component(d))
}

fn moved(
    pair: &Pair<'_>,
    moves: &Moves<'_>,
    from: &Endpoint<'_>,
    to: &Endpoint<'_>,
    absorbed: &mut BTreeSet<DependencyId>,
) -> Change {
    let to_new = to_endpoint(to);
    let to_old = to_endpoint(from);
    let followed = moves.moved.iter().filter(|(b, a)| to_old(&b) && to_new(&a));
    let mut consequences: Vec<Consequence> = followed
        .map(|(_, a)| Consequence {
            followed: true,
            says: who(a),
            dependency: a.id.clone(),
        })
        .collect();
    absorbed.extend(consequences.iter().map(|c| c.dependency.clone()));
    let behind = pair
        .after
        .needers(from.host, from.port, from.transport)
        .iter()
        .filter(|d| d.current);
    let behind = behind.map(|d| Consequence {
        followed: false,
        says: who(d),
        dependency: d.id.clone(),
    });
    consequences.extend(behind);
    consequences.sort();
    let left = consequences.iter().any(|c| !c.followed);
    let act = if left {
        "point those who still name the old port at the new one"
    } else {
        "tell firewalls, monitoring and backups the new port"
    };
    let says = format!(
        "{} listens on {}/{}, before on {}/{}",
        to.label(),
        to.port,
        to.transport,
        from.port,
        from.transport
    );
    let mut change = line(pair, to, Class::Moved, says)
        .act(Some(act))
        .because(&[&from.evidence, &to.evidence]);
    let ends = consequences
        .iter()
        .filter_map(|c| pair.after.dependencies.get(&c.dependency));
    change = change.involves(ends.map(|d| &d.consumer.entity));
    change.consequences = consequences;
    change
}

fn removed(pair: &Pair<'_>, e: &Endpoint<'_>) -> Change {
    let behind = pair
        .after
        .needers(e.host, e.port, e.transport)
        .iter()
        .filter(|d| d.current);
    let consequences: Vec<Consequence> = behind
        .map(|d| Consequence {
            followed: false,
            says: who(d),
            dependency: d.id.clone(),
        })
        .collect();
    let act = if consequences.is_empty() {
        None
    } else {
        Some("it is gone and still needed: start it again, or move those who need it")
    };
    let mut change = line(pair, e, Class::Removed, e.text()).act(act);
    change.consequences = consequences;
    change
}

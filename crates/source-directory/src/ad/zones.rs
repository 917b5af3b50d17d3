//! Zones that the directory keeps, and what stands in them.

use std::collections::HashMap;

use groma_model::fact::{Fact, NameAnswer, NameSource};
use groma_model::{HostName, Peer, Reason};

use super::dns::{self, Record};
use crate::cause::Cause;
use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says};

/// Services that every domain registers for itself.
const OF_THE_DOMAIN: [&str; 5] = [
    "_ldap.",
    "_kerberos.",
    "_kpasswd.",
    "_gc.",
    "_kerberos-master.",
];

/// A zone.
pub(crate) fn zone(entry: &Entry, learnt: &mut Learnt) {
    let name = entry.first_name();
    if is_own(&name) {
        return;
    }
    let mut object = learnt.described("dns-zone", entry, &[]);
    object.name = name.to_lowercase().into();
    let kept = names(&entry.dn)
        .into_iter()
        .map(|(_, v)| v)
        .find(|v| v.ends_with("DnsZones") || v == "System");
    object.says("kept-in", kept);
    learnt.object(object);
}

/// What is no zone of the organisation: the list of root servers, trust anchors.
fn is_own(zone: &str) -> bool {
    zone.eq_ignore_ascii_case("RootDNSServers") || zone.starts_with("..") || zone.is_empty()
}

/// A name in a zone, with its records.
pub(crate) fn node(entry: &Entry, learnt: &mut Learnt) {
    let parts = names(&entry.dn);
    let (Some((_, node)), Some((_, zone))) = (parts.first(), parts.get(1)) else {
        return;
    };
    let removed = entry
        .text("dNSTombstoned")
        .is_some_and(|t| t.eq_ignore_ascii_case("TRUE"));
    if is_own(zone) || removed {
        return;
    }
    let full = match node.as_str() {
        "@" => zone.clone(),
        node => format!("{node}.{zone}"),
    };
    learnt.count("dns_names");
    let values = entry.values("dnsRecord");
    let records: Vec<dns::Dated> = values.iter().filter_map(|r| dns::read(r)).collect();
    if records.len() < values.len() {
        learnt.malformed(&full, (values.len() - records.len()) as u64);
    }
    names_of(entry, zone, &full, &records, learnt);
}

/// What the records of `full`, a name in `zone`, come to.
pub(crate) fn names_of(
    entry: &Entry,
    zone: &str,
    full: &str,
    records: &[dns::Dated],
    learnt: &mut Learnt,
) {
    if let Some(address) = dns::reverse(full) {
        return pointers(Peer::Address(address), records, learnt);
    }
    let Some(name) = HostName::parse(full) else {
        return;
    };
    let mut addresses = Vec::new();
    let mut ttl = None;
    for dated in records {
        match &dated.record {
            Record::Address(address) => {
                learnt.has_address(&name, *address);
                addresses.push(*address);
                ttl = Some(dated.ttl_seconds);
            }
            Record::Alias(target) => {
                learnt
                    .aliases
                    .push((name.clone(), target.clone(), dated.ttl_seconds))
            }
            Record::Mail { preference, host } => {
                service(entry, &name, host, &format!("MX {preference}"), learnt)
            }
            Record::Service { port, host, .. } => {
                let own = OF_THE_DOMAIN.iter().any(|o| name.as_str().starts_with(o))
                    || zone.starts_with("_msdcs");
                if !own {
                    service(entry, &name, host, &format!("SRV {port}"), learnt);
                }
            }
            // A zone has several: the name of each makes them different objects.
            Record::NameServer(host) if !zone.starts_with("_msdcs") => {
                service(entry, &name, host, &format!("NS {host}"), learnt)
            }
            Record::Start(host) if !zone.starts_with("_msdcs") => {
                service(entry, &name, host, &format!("SOA {host}"), learnt)
            }
            Record::Senders(peers) => peers.iter().for_each(|peer| {
                let what = format!("SPF {peer}");
                leads(entry, &name, Some(peer.clone()), &what, learnt);
            }),
            Record::SigningKey => leads(entry, &name, None, "DKIM", learnt),
            Record::Start(_) | Record::NameServer(_) | Record::Pointer(_) | Record::Other(_) => {}
        }
    }
    aged(entry, &name, records, &addresses, learnt);
    if !addresses.is_empty() && !zone.starts_with("_msdcs") {
        addresses.sort();
        addresses.dedup();
        learnt.facts.push(Fact::Name(NameAnswer {
            addresses,
            ttl_seconds: ttl,
            ..blank(Peer::Name(name))
        }));
    }
}

/// Hours between 1601 and 1970.
const EPOCH_1601_HOURS: i64 = 3_234_576;

/// How long a machine may be silent before its record is old: twice what scavenging waits by default, and then some.
const AGED_HOURS: i64 = 45 * 24;
const DEAD_HOURS: i64 = 180 * 24;

/// Tells a record that a machine registered for itself and has not renewed since: the machine is gone, or has another
/// address now. A record somebody wrote has no age.
fn aged(
    entry: &Entry,
    name: &HostName,
    records: &[dns::Dated],
    addresses: &[std::net::IpAddr],
    learnt: &mut Learnt,
) {
    let of_addresses = |d: &&dns::Dated| matches!(d.record, Record::Address(_));
    let stamps: Vec<Option<u32>> = records
        .iter()
        .filter(of_addresses)
        .map(|d| d.registered)
        .collect();
    // One that is written, or renewed, speaks for the name.
    let newest = stamps.iter().copied().collect::<Option<Vec<u32>>>();
    let Some(newest) = newest.and_then(|all| all.into_iter().max()) else {
        return;
    };
    learnt.count("dns_names_registered");
    let now_hours = learnt.now.millis() / 3_600_000 + EPOCH_1601_HOURS;
    let silent = now_hours - i64::from(newest);
    if silent <= AGED_HOURS {
        return;
    }
    learnt.count("dns_names_aged");
    let mut object = learnt.described("dns-record", entry, &[]);
    object.name = name.as_str().into();
    object.says("addresses", addresses.iter().map(ToString::to_string));
    let words = match silent {
        ..=DEAD_HOURS => "not-renewed-for-over-45-days",
        _ => "not-renewed-for-over-180-days",
    };
    object.says("activity", [words.to_owned()]);
    learnt.object(object);
}

fn pointers(asked: Peer, records: &[dns::Dated], learnt: &mut Learnt) {
    let mut names: Vec<HostName> = records
        .iter()
        .filter_map(|r| match &r.record {
            Record::Pointer(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        learnt.facts.push(Fact::Name(NameAnswer {
            names,
            ..blank(asked)
        }));
    }
}

/// A record that says where a service is.
fn service(entry: &Entry, name: &HostName, host: &HostName, what: &str, learnt: &mut Learnt) {
    leads(entry, name, Some(Peer::Name(host.clone())), what, learnt);
}

/// A record that says something of a name other than its address.
fn leads(entry: &Entry, name: &HostName, to: Option<Peer>, what: &str, learnt: &mut Learnt) {
    let mut object = learnt.described("dns-service", entry, &[]);
    object.name = format!("{name} {what}").into();
    object.host = to;
    learnt.object(object);
}

/// Names shown of those that lead in a circle.
const CIRCLES_SHOWN: usize = 8;

/// Says which names lead in a circle.
fn circles(learnt: &mut Learnt) {
    let mut all = std::mem::take(&mut learnt.circles);
    // In whichever order a server tells its entries, the words are the same.
    all.sort();
    all.dedup();
    if all.is_empty() {
        return;
    }
    let shown: Vec<&str> = all.iter().map(String::as_str).take(CIRCLES_SHOWN).collect();
    let more = match all.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    learnt.troubles.push(Cause::new(
        format!(
            "alias circle at {}{more}: these names lead nowhere",
            shown.join(", ")
        ),
        Reason::Malformed,
        "mend or delete these CNAME records",
    ));
}

/// Aliases, once all names are known: at most eight steps, and none twice.
pub(crate) fn aliases(learnt: &mut Learnt) {
    let all = std::mem::take(&mut learnt.aliases);
    let leads: HashMap<&HostName, &HostName> = all.iter().map(|(n, to, _)| (n, to)).collect();
    let next = |name: &HostName| leads.get(name).copied();
    for (name, first, ttl) in &all {
        let mut chain = vec![first.clone()];
        while let Some(to) = chain.last().and_then(next) {
            if chain.len() >= 8 || chain.contains(to) || to == name {
                break;
            }
            chain.push(to.clone());
        }
        // What leads out of these zones is for the name servers to say: no address here is no answer.
        let circle = chain.last().and_then(next).is_some();
        if circle && chain.len() < 8 {
            learnt.circles.push(name.to_string());
        }
        let addresses = chain
            .last()
            .and_then(|last| learnt.addresses.get(last))
            .cloned();
        if let Some(mut addresses) = addresses {
            addresses.sort();
            addresses.dedup();
            learnt.facts.push(Fact::Name(NameAnswer {
                aliases: chain,
                addresses,
                ttl_seconds: Some(*ttl),
                ..blank(Peer::Name(name.clone()))
            }));
        }
    }
    circles(learnt);
}

fn blank(asked: Peer) -> NameAnswer {
    NameAnswer {
        asked,
        by: NameSource::Dns,
        aliases: Vec::new(),
        addresses: Vec::new(),
        names: Vec::new(),
        ttl_seconds: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::dns::tests::{counted, record};
    use super::*;

    const ZONE: &str = "DC=corp.example,CN=MicrosoftDNS,DC=DomainDnsZones,DC=corp,DC=example";

    fn named(name: &str, records: &[Vec<u8>]) -> Entry {
        Entry {
            dn: format!("DC={name},{ZONE}"),
            attributes: vec![("dnsrecord".into(), records.to_vec())],
        }
    }

    #[test]
    fn an_alias_leads_to_its_address_and_a_circle_leads_nowhere() {
        let mut learnt = crate::testing::learnt();
        node(
            &named("www", &[record(5, 60, 0, &counted("app1.corp.example"))]),
            &mut learnt,
        );
        node(
            &named("app1", &[record(1, 60, 0, &[10, 0, 0, 7])]),
            &mut learnt,
        );
        node(
            &named("a", &[record(5, 60, 0, &counted("b.corp.example"))]),
            &mut learnt,
        );
        node(
            &named("b", &[record(5, 60, 0, &counted("a.corp.example"))]),
            &mut learnt,
        );
        aliases(&mut learnt);
        assert_eq!(learnt.troubles.len(), 1);
        assert!(
            learnt.troubles[0]
                .what
                .starts_with("alias circle at a.corp.example, b.corp.example:"),
            "{:?}",
            learnt.troubles
        );
        let answers: Vec<_> = learnt
            .facts
            .iter()
            .filter_map(|f| match f {
                Fact::Name(a) => Some((a.asked.to_string(), a.aliases.len(), a.addresses.len())),
                _ => None,
            })
            .collect();
        assert_eq!(
            answers,
            [
                ("app1.corp.example".into(), 0, 1),
                ("www.corp.example".into(), 1, 1)
            ]
        );
    }

    #[test]
    fn a_record_nobody_renewed_is_told_and_one_that_was_written_has_no_age() {
        let mut learnt = crate::testing::learnt();
        let now = u32::try_from(learnt.now.millis() / 3_600_000 + EPOCH_1601_HOURS).unwrap();
        let a = |stamp| record(1, 60, stamp, &[10, 0, 0, 7]);
        node(&named("old", &[a(now - 24 * 400)]), &mut learnt);
        node(&named("written", &[a(0)]), &mut learnt);
        node(&named("fresh", &[a(now - 24 * 3)]), &mut learnt);
        node(&named("both", &[a(now - 24 * 400), a(0)]), &mut learnt);
        node(&named("ahead", &[a(u32::MAX)]), &mut learnt);
        let told: Vec<_> = learnt
            .facts
            .iter()
            .filter_map(|f| match f {
                Fact::DirectoryObject(o) => {
                    Some((o.name.to_string(), o.attributes["activity"][0].as_str()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            told,
            [(
                "old.corp.example".to_owned(),
                "not-renewed-for-over-180-days"
            )]
        );
    }

    #[test]
    fn what_was_removed_and_what_every_domain_has_is_left_out() {
        let mut learnt = crate::testing::learnt();
        let mut gone = named("old", &[record(1, 60, 0, &[10, 0, 0, 9])]);
        gone.attributes
            .push(("dnstombstoned".into(), vec![b"TRUE".to_vec()]));
        node(&gone, &mut learnt);
        let mut own = vec![0, 0, 0, 100, 1, 133];
        own.extend(counted("dc1.corp.example"));
        node(
            &named("_ldap._tcp", &[record(33, 60, 0, &own)]),
            &mut learnt,
        );
        assert!(learnt.facts.is_empty(), "{:?}", learnt.facts);
    }
}

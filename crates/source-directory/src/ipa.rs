//! FreeIPA, as its servers keep it in 389 Directory Server: who its servers are and what each does, who replicates with
//! whom, domains that are trusted, where logons are decided elsewhere, rules that name machines, and its DNS zones.
//!
//! Every place is asked by name; a server that is no part of FreeIPA has none of them, and that is no fault.

use std::net::IpAddr;

use groma_model::fact::{DirectoryObject, NeedReason};
use groma_model::{HostName, Peer, Port, Transport};
use ldap3::Scope;

use crate::ad::dns::{Dated, Record};
use crate::ad::{host_of, trust_words, zone_names};
use crate::entry::{Entry, names};
use crate::learnt::{Learnt, Says, need};
use crate::step::{Base, Step, nothing};

/// Time to live of a record that names none, as bind-dyndb-ldap hands it out.
const TTL_SECONDS: u32 = 86_400;

const fn step(
    name: &'static str,
    below: &'static str,
    filter: &'static str,
    attributes: &'static [&'static str],
    tell: fn(&Entry, &mut Learnt),
) -> Step {
    Step {
        name,
        base: Base::BelowContexts(below),
        scope: Scope::Subtree,
        filter,
        attributes,
        tell,
        after: nothing,
        rights: false,
        optional: true,
        sampled: false,
    }
}

/// What is asked of 389 Directory Server beyond its own set-up.
pub(crate) const STEPS: &[Step] = &[
    step(
        "ipa/servers",
        "cn=masters,cn=ipa,cn=etc",
        "(|(objectClass=ipaConfigObject)(objectClass=ipaReplTopoManagedServer))",
        &["objectClass", "cn", "ipaConfigString"],
        server,
    ),
    step(
        "ipa/topology",
        "cn=topology,cn=ipa,cn=etc",
        "(objectClass=ipaReplTopoSegment)",
        &[
            "objectClass",
            "cn",
            "ipaReplTopoSegmentLeftNode",
            "ipaReplTopoSegmentRightNode",
            "ipaReplTopoSegmentDirection",
        ],
        segment,
    ),
    step(
        "ipa/settings",
        "cn=etc",
        "(objectClass=ipaGuiConfig)",
        SETTINGS,
        settings,
    ),
    step(
        "ipa/trusts",
        "cn=trusts",
        "(objectClass=ipaNTTrustedDomain)",
        &[
            "objectClass",
            "cn",
            "ipaNTTrustPartner",
            "ipaNTFlatName",
            "ipaNTTrustDirection",
            "ipaNTTrustType",
            "ipaNTTrustAttributes",
        ],
        trust,
    ),
    step(
        "ipa/radius",
        "cn=radiusproxy",
        "(objectClass=ipatokenRadiusConfiguration)",
        &["objectClass", "cn", "ipatokenRadiusServer"],
        radius,
    ),
    step(
        "ipa/providers",
        "cn=idp",
        "(objectClass=ipaIdP)",
        &[
            "objectClass",
            "cn",
            "ipaIdpTokenEndpoint",
            "ipaIdpIssuerURL",
        ],
        provider,
    ),
    step(
        "ipa/access-rules",
        "cn=hbac",
        "(&(objectClass=ipaHBACRule)(memberHost=*))",
        RULE,
        rule,
    ),
    step(
        "ipa/sudo-rules",
        "cn=sudo",
        "(&(objectClass=ipaSudoRule)(memberHost=*))",
        RULE,
        rule,
    ),
    step(
        "ipa/zones",
        "cn=dns",
        "(|(objectClass=idnsZone)(objectClass=idnsForwardZone)(objectClass=idnsConfigObject))",
        &[
            "objectClass",
            "cn",
            "idnsName",
            "idnsZoneActive",
            "idnsForwarders",
            "idnsForwardPolicy",
        ],
        zone,
    ),
    Step {
        after: Learnt::tell_malformed,
        ..step(
            "ipa/names",
            "cn=dns",
            "(objectClass=idnsRecord)",
            NODE,
            node,
        )
    },
];

const SETTINGS: &[&str] = &[
    "objectClass",
    "cn",
    "ipaHomesRootDir",
    "ipaUserAuthType",
    "ipaCertificateSubjectBase",
    "ipaDomainResolutionOrder",
];

// Who may is not asked for: only where.
const RULE: &[&str] = &["objectClass", "cn", "ipaEnabledFlag", "memberHost"];

const NODE: &[&str] = &[
    "objectClass",
    "idnsName",
    "idnsZoneActive",
    "dNSTTL",
    "aRecord",
    "aAAARecord",
    "cNAMERecord",
    "pTRRecord",
    "mXRecord",
    "sRVRecord",
    "nSRecord",
];

/// The server an entry below `cn=masters` is about.
fn server_of(dn: &str) -> Option<Peer> {
    let parts = names(dn);
    let at = parts
        .iter()
        .position(|(_, name)| name.eq_ignore_ascii_case("masters"))?;
    let (_, name) = parts.get(at.checked_sub(1)?)?;
    Peer::parse(name)
}

/// A server of the domain, or one of the services it was given.
fn server(entry: &Entry, learnt: &mut Learnt) {
    let Some(host) = server_of(&entry.dn) else {
        return;
    };
    let name = entry.first_name();
    let words: Vec<String> = entry.texts("ipaConfigString").collect();
    let has = |word: &str| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if Peer::parse(&name).as_ref() == Some(&host) {
        let mut object = learnt.described("domain-controller", entry, &[]);
        object.host = Some(host);
        learnt.object(object);
        return;
    }
    let state = match () {
        () if has("enabledService") => "enabled",
        () if has("hiddenService") => "hidden",
        () => "not enabled",
    };
    let mut object = learnt.described("domain-service", entry, &[]);
    object.name = format!("{name} on {host}").into();
    object.host = Some(host.clone());
    object.says("state", [state.to_owned()]);
    learnt.object(object);
    for (word, role) in [
        ("caRenewalMaster", "CA renewal master"),
        ("dnssecKeyMaster", "DNSSEC key master"),
    ] {
        if has(word) {
            let mut object = learnt.described("role", entry, &[]);
            object.name = role.into();
            object.host = Some(host.clone());
            learnt.object(object);
        }
    }
}

/// Two servers that keep each other up to date: each sends what changed to the other, unless only one does.
fn segment(entry: &Entry, learnt: &mut Learnt) {
    let side = |attribute| entry.text(attribute).and_then(|name| Peer::parse(&name));
    let (Some(left), Some(right)) = (
        side("ipaReplTopoSegmentLeftNode"),
        side("ipaReplTopoSegmentRightNode"),
    ) else {
        return;
    };
    let direction = entry
        .text("ipaReplTopoSegmentDirection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let suffix = names(&entry.dn).into_iter().nth(1).map(|(_, name)| name);
    let attribute = "ipaReplTopoSegmentRightNode";
    for (from, to, not_if) in [(&left, &right, "right-left"), (&right, &left, "left-right")] {
        if direction == not_if {
            continue;
        }
        let reason = ("ldap-bind", NeedReason::Supply);
        let mut need = need(from.clone(), to.clone(), reason, entry, attribute);
        need.port = Some(Port(389));
        need.resource = suffix.as_deref().map(Into::into);
        learnt.need(need);
    }
}

fn settings(entry: &Entry, learnt: &mut Learnt) {
    let shown: Vec<&str> = SETTINGS.iter().skip(2).copied().collect();
    let mut object = learnt.described("settings", entry, &shown);
    object.name = "FreeIPA".into();
    learnt.object(object);
}

fn trust(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described("trust", entry, &["ipaNTFlatName"]);
    if let Some(partner) = entry.text("ipaNTTrustPartner") {
        object.name = partner.into();
    }
    let number = |attribute| entry.number(attribute).unwrap_or(0);
    trust_words(
        &mut object,
        number("ipaNTTrustDirection"),
        number("ipaNTTrustType"),
        number("ipaNTTrustAttributes"),
    );
    learnt.object(object);
}

/// Logons that a RADIUS server decides. Its secret is not asked for.
fn radius(entry: &Entry, learnt: &mut Learnt) {
    for text in entry.texts("ipatokenRadiusServer") {
        let (host, port) = host_and_port(&text);
        let Some(peer) = Peer::parse(host) else {
            continue;
        };
        let reason = ("radius", NeedReason::DecidesLogon);
        let server = learnt.server.0.clone();
        let mut need = need(server, peer, reason, entry, "ipatokenRadiusServer");
        need.port = Some(Port(port.unwrap_or(1812)));
        need.transport = Transport::Udp;
        need.resource = Some(entry.first_name().into());
        learnt.need(need);
    }
}

/// `host`, `host:1812`, `[fd00::1]:1812`, and a bare address of IPv6.
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (text, None),
    }
}

/// Logons that somebody else's sign-in decides.
fn provider(entry: &Entry, learnt: &mut Learnt) {
    let endpoint = ["ipaIdpTokenEndpoint", "ipaIdpIssuerURL"]
        .into_iter()
        .find_map(|name| Some((name, entry.text(name)?)));
    let Some((attribute, url)) = endpoint else {
        return;
    };
    let Some(peer) = host_of(&url) else { return };
    let reason = ("federation", NeedReason::DecidesLogon);
    let server = learnt.server.0.clone();
    let mut need = need(server, peer, reason, entry, attribute);
    need.port = Some(Port(443));
    need.resource = Some(entry.first_name().into());
    learnt.need(need);
}

/// A rule that lets somebody in, or lets somebody act as another, on machines it names.
fn rule(entry: &Entry, learnt: &mut Learnt) {
    let on = entry
        .text("ipaEnabledFlag")
        .is_none_or(|flag| !flag.eq_ignore_ascii_case("FALSE"));
    // Groups of machines have a `cn`; a machine has its name as `fqdn`.
    let hosts = entry.texts("memberHost").filter_map(|dn| {
        let (kind, name) = names(&dn).into_iter().next()?;
        (kind == "FQDN").then_some(name)
    });
    let hosts: Vec<String> = hosts.collect();
    if !on || hosts.is_empty() {
        return;
    }
    let mut object = learnt.described("access-rule", entry, &[]);
    object.says("machines", hosts);
    learnt.object(object);
}

fn is_off(entry: &Entry) -> bool {
    entry
        .text("idnsZoneActive")
        .is_some_and(|word| word.eq_ignore_ascii_case("FALSE"))
}

/// A zone, or what is handed on to other name servers.
fn zone(entry: &Entry, learnt: &mut Learnt) {
    if is_off(entry) {
        return;
    }
    let name = entry.text("idnsName").unwrap_or_default();
    let name = name.trim_end_matches('.').to_lowercase();
    if !name.is_empty() {
        let mut object: DirectoryObject =
            learnt.described("dns-zone", entry, &["idnsForwarders", "idnsForwardPolicy"]);
        object.name = name.as_str().into();
        learnt.object(object);
    }
    let policy = entry.text("idnsForwardPolicy").unwrap_or_default();
    if policy.eq_ignore_ascii_case("none") {
        return;
    }
    for text in entry.texts("idnsForwarders") {
        // `10.0.0.1`, `10.0.0.1 port 5353`
        let mut words = text.split_whitespace();
        let Some(peer) = words.next().and_then(Peer::parse) else {
            continue;
        };
        let port = words.nth(1).and_then(|port| port.parse().ok());
        let reason = ("dns", NeedReason::Forwarder);
        let server = learnt.server.0.clone();
        let mut need = need(server, peer, reason, entry, "idnsForwarders");
        need.port = Some(Port(port.unwrap_or(53)));
        need.transport = Transport::Udp;
        need.resource = (!name.is_empty()).then(|| name.as_str().into());
        learnt.need(need);
    }
}

/// A name in a zone; a zone's own entry is the name of the zone.
fn node(entry: &Entry, learnt: &mut Learnt) {
    let parts = names(&entry.dn);
    let own = entry.text("idnsName").unwrap_or_else(|| entry.first_name());
    let bare = |name: &str| name.trim_end_matches('.').to_lowercase();
    let (zone, name) = match (entry.is("idnsZone"), parts.get(1)) {
        (true, _) => (bare(&own), "@".to_owned()),
        (false, Some((_, zone))) => (bare(zone), own),
        (false, None) => return,
    };
    if is_off(entry) || zone.is_empty() {
        return;
    }
    let full = absolute(&name, &zone);
    learnt.count("dns_names");
    let (records, faulty) = records(entry, &zone);
    if faulty > 0 {
        learnt.malformed(&full, faulty);
    }
    zone_names(entry, &zone, &full, &records, learnt);
}

/// A name as zone files write it: without a dot at its end it lies in the zone.
fn absolute(name: &str, zone: &str) -> String {
    match name.strip_suffix('.') {
        Some(whole) => whole.to_owned(),
        None if name == "@" => zone.to_owned(),
        None => format!("{name}.{zone}"),
    }
}

/// The records of a name, and how many are none.
fn records(entry: &Entry, zone: &str) -> (Vec<Dated>, u64) {
    let ttl = entry
        .number("dNSTTL")
        .and_then(|ttl| u32::try_from(ttl).ok())
        .unwrap_or(TTL_SECONDS);
    let (mut read, mut faulty) = (Vec::new(), 0);
    for attribute in NODE.iter().skip(4) {
        for text in entry.texts(attribute) {
            match record(attribute, text.trim(), zone) {
                Some(record) => read.push(Dated {
                    record,
                    ttl_seconds: ttl,
                    registered: None,
                }),
                None => faulty += 1,
            }
        }
    }
    (read, faulty)
}

fn record(attribute: &str, text: &str, zone: &str) -> Option<Record> {
    let host = |name: &str| HostName::parse(&absolute(name, zone));
    let mut words = text.split_whitespace();
    Some(match attribute {
        "aRecord" | "aAAARecord" => Record::Address(text.parse::<IpAddr>().ok()?.to_canonical()),
        "cNAMERecord" => Record::Alias(host(text)?),
        "pTRRecord" => Record::Pointer(host(text)?),
        "nSRecord" => Record::NameServer(host(text)?),
        "mXRecord" => Record::Mail {
            preference: words.next()?.parse().ok()?,
            host: host(words.next()?)?,
        },
        "sRVRecord" => Record::Service {
            priority: words.next()?.parse().ok()?,
            weight: words.next()?.parse().ok()?,
            port: words.next()?.parse().ok()?,
            host: host(words.next()?)?,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, learnt, needs};

    fn between(direction: &str) -> Vec<String> {
        let mut learnt = learnt();
        let dn = "cn=a-to-b,cn=domain,cn=topology,cn=ipa,cn=etc,dc=corp,dc=example";
        let attributes = [
            ("ipaReplTopoSegmentLeftNode", "a.corp.example"),
            ("ipaReplTopoSegmentRightNode", "b.corp.example"),
            ("ipaReplTopoSegmentDirection", direction),
        ];
        segment(&entry(dn, &attributes), &mut learnt);
        needs(&learnt)
    }

    #[test]
    fn a_segment_is_a_need_in_each_direction_it_has() {
        let (there, back) = (
            "a.corp.example ldap-bind b.corp.example:389",
            "b.corp.example ldap-bind a.corp.example:389",
        );
        assert_eq!(between("both"), [there, back]);
        assert_eq!(between("left-right"), [there]);
        assert_eq!(between("right-left"), [back]);
    }

    #[test]
    fn a_rule_for_every_machine_or_a_group_of_them_names_nobody() {
        let of = |host: &str, flag: &str| {
            let mut learnt = learnt();
            let attributes = [("cn", "x"), ("memberHost", host), ("ipaEnabledFlag", flag)];
            rule(&entry("cn=x,cn=hbac", &attributes), &mut learnt);
            learnt.facts.len()
        };
        let machine = "fqdn=db1.corp.example,cn=computers,cn=accounts,dc=corp,dc=example";
        assert_eq!(of(machine, "TRUE"), 1);
        assert_eq!(of(machine, "FALSE"), 0);
        assert_eq!(of("cn=all,cn=hostgroups,cn=accounts,dc=corp", "TRUE"), 0);
    }

    #[test]
    fn names_without_a_dot_at_their_end_lie_in_the_zone() {
        let host = |text: &str| HostName::parse(text).unwrap();
        let of = |attribute, text| record(attribute, text, "corp.example");
        assert_eq!(
            of("cNAMERecord", "app1"),
            Some(Record::Alias(host("app1.corp.example")))
        );
        assert_eq!(
            of("cNAMERecord", "app1.other."),
            Some(Record::Alias(host("app1.other")))
        );
        assert_eq!(of("aRecord", "10.0.0"), None);
        assert_eq!(of("mXRecord", "ten mail"), None);
        assert!(matches!(
            of("sRVRecord", "0 100 88 kdc1"),
            Some(Record::Service { port: 88, .. })
        ));
    }

    proptest! {
        #[test]
        fn any_record_is_read(text in ".{0,80}", dn in ".{0,80}") {
            for attribute in NODE {
                let _ = record(attribute, &text, "corp.example");
            }
            let _ = (host_and_port(&text), server_of(&dn));
            let mut learnt = learnt();
            for tell in [node, zone, server, radius, provider] {
                let all = [("idnsName", &*text), ("idnsForwarders", &text), ("ipatokenRadiusServer", &text), ("ipaIdpTokenEndpoint", &text)];
                tell(&entry(&dn, &all), &mut learnt);
            }
        }
    }
}

//! 389 Directory Server, alone or within FreeIPA: how the server is set up, whom it sends its content to, whom it hands
//! questions on to, and who is connected now. What it holds is asked as of any directory ([`crate::open::STEPS`]).

use std::net::IpAddr;

use groma_model::Peer;
use groma_model::fact::NeedReason;
use groma_model::name::Protection;
use ldap3::Scope;

use crate::access::{Way, address};
use crate::entry::Entry;
use crate::learnt::{Learnt, need};
use crate::open::{at_server, protection};
use crate::step::{Base, Step, nothing};

// Operational in part, and hidden from whoever does not name them. Credentials of agreements and links are not asked for.
const SECURITY: &[&str] = &[
    "nsslapd-localhost",
    "nsslapd-port",
    "nsslapd-secureport",
    "nsslapd-security",
    "nsslapd-require-secure-binds",
    "nsslapd-allow-anonymous-access",
    "nsslapd-allow-unauthenticated-binds",
    "nsslapd-minssf",
    "nsslapd-accesslog-logging-enabled",
];
const AGREEMENT: &[&str] = &[
    "objectClass",
    "cn",
    "nsDS5ReplicaHost",
    "nsDS5ReplicaPort",
    "nsDS5ReplicaRoot",
    "nsDS5ReplicaTransportInfo",
    "nsDS5ReplicaBindDN",
    "nsDS5ReplicaBindMethod",
    "nsds5ReplicaEnabled",
    "nsds7WindowsDomain",
];

const fn step(
    name: &'static str,
    base: &'static str,
    filter: &'static str,
    attributes: &'static [&'static str],
    tell: fn(&Entry, &mut Learnt),
) -> Step {
    Step {
        name,
        base: Base::Fixed(base),
        scope: Scope::Subtree,
        filter,
        attributes,
        tell,
        after: nothing,
        rights: false,
        optional: false,
        sampled: false,
    }
}

/// What is asked beyond [`crate::open::STEPS`].
pub(crate) const SERVER_STEPS: &[Step] = &[
    Step {
        scope: Scope::Base,
        ..step(
            "configuration",
            "cn=config",
            "(objectClass=*)",
            SECURITY,
            security,
        )
    },
    step(
        "databases",
        "cn=mapping tree,cn=config",
        "(objectClass=nsMappingTree)",
        &["objectClass", "cn", "nsslapd-state", "nsslapd-referral"],
        database,
    ),
    step(
        "replication",
        "cn=mapping tree,cn=config",
        "(|(objectClass=nsds5replicationagreement)(objectClass=nsDSWindowsReplicationAgreement))",
        AGREEMENT,
        agreement,
    ),
    step(
        "handed-on",
        "cn=chaining database,cn=plugins,cn=config",
        "(nsFarmServerURL=*)",
        &[
            "objectClass",
            "cn",
            "nsFarmServerURL",
            "nsMultiplexorBindDN",
            "nsslapd-suffix",
        ],
        link,
    ),
    Step {
        scope: Scope::Base,
        sampled: true,
        ..step(
            "connections",
            "cn=monitor",
            "(objectClass=*)",
            &["connection"],
            connections,
        )
    },
];

fn security(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described("tls", entry, SECURITY);
    object.name = "TLS and security of the server".into();
    at_server(&mut object, learnt);
    learnt.object(object);
}

fn database(entry: &Entry, learnt: &mut Learnt) {
    let mut object = learnt.described("database", entry, &["nsslapd-state", "nsslapd-referral"]);
    at_server(&mut object, learnt);
    learnt.object(object);
}

/// An agreement: this server calls the other one, and sends it what changed.
fn agreement(entry: &Entry, learnt: &mut Learnt) {
    let shown: Vec<&str> = AGREEMENT.iter().skip(2).copied().collect();
    let mut object = learnt.described("replication", entry, &shown);
    at_server(&mut object, learnt);
    learnt.object(object);
    let is_off = entry
        .text("nsds5ReplicaEnabled")
        .is_some_and(|word| word.eq_ignore_ascii_case("off"));
    let other = entry
        .text("nsDS5ReplicaHost")
        .and_then(|name| Peer::parse(&name));
    let Some(other) = other.filter(|_| !is_off) else {
        return;
    };
    let server = learnt.server.0.clone();
    let mut need = need(
        server,
        other,
        ("ldap-bind", NeedReason::Supply),
        entry,
        "nsDS5ReplicaHost",
    );
    need.port = entry
        .text("nsDS5ReplicaPort")
        .and_then(|port| port.parse().ok())
        .map(groma_model::Port);
    need.account = entry.text("nsDS5ReplicaBindDN").map(Into::into);
    need.resource = entry.text("nsDS5ReplicaRoot").map(Into::into);
    need.protection = match entry.text("nsDS5ReplicaTransportInfo").as_deref() {
        Some("SSL" | "LDAPS") => Some(Protection::Tls),
        Some("TLS" | "StartTLS") => Some(Protection::Starttls),
        Some("LDAP") => Some(Protection::None),
        _ => None,
    };
    learnt.need(need);
}

/// A part of the tree that lies on another server. Its URL may name several, for when one is down: `ldap://a/ b:390/`.
fn link(entry: &Entry, learnt: &mut Learnt) {
    let Some(farm) = entry.text("nsFarmServerURL") else {
        return;
    };
    let mut object = learnt.described(
        "replication",
        entry,
        &["nsFarmServerURL", "nsMultiplexorBindDN", "nsslapd-suffix"],
    );
    at_server(&mut object, learnt);
    learnt.object(object);
    let scheme = farm.split_once("://").map_or("ldap", |(scheme, _)| scheme);
    for place in farm.split_whitespace().take(16) {
        let bare = place.split_once("://").map_or(place, |(_, bare)| bare);
        let url = format!("{scheme}://{}", bare.split('/').next().unwrap_or_default());
        let Ok((way, peer, port)) = address(&url, false) else {
            continue;
        };
        let mut need = need(
            learnt.server.0.clone(),
            peer,
            ("ldap-bind", NeedReason::HandedOn),
            entry,
            "nsFarmServerURL",
        );
        need.port = Some(port);
        need.account = entry.text("nsMultiplexorBindDN").map(Into::into);
        need.resource = entry.text("nsslapd-suffix").map(Into::into);
        // An open port may still be asked for STARTTLS: that stands in another attribute of other versions.
        need.protection = protection(&way).filter(|_| way == Way::Tls);
        learnt.need(need);
    }
}

/// Who is connected right now.
pub(crate) fn connections(entry: &Entry, learnt: &mut Learnt) {
    for text in entry.texts("connection") {
        let Some((client, account)) = caller(&text) else {
            learnt.count("connections_own");
            continue;
        };
        // The number of our own port is not told: our address and our account are.
        let ours = learnt.own.is_some_and(|own| own.ip() == client)
            && account.eq_ignore_ascii_case(&learnt.own_account);
        let is_own = ours || learnt.server.0 == Peer::Address(client);
        if client.is_loopback() || is_own {
            learnt.count("connections_own");
            continue;
        }
        learnt.count("connections");
        let server = learnt.server.0.clone();
        let mut need = need(
            Peer::Address(client),
            server,
            ("ldap-bind", NeedReason::Connection),
            entry,
            "connection",
        );
        need.account = Some(account.into());
        learnt.need(need);
    }
}

/// `64:20261121081315Z:2:1:-:cn=directory manager:0:0:0:2:ip=10.0.0.7`: the account is the sixth, and may hold colons;
/// numbers follow it, more of them in later versions. `None` for a socket of this machine.
fn caller(text: &str) -> Option<(IpAddr, String)> {
    let (rest, address) = text.rsplit_once(":ip=")?;
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    let mut account = rest.splitn(6, ':').nth(5)?;
    while let Some((before, last)) = account.rsplit_once(':') {
        if !last.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        account = before;
    }
    let nobody = account.eq_ignore_ascii_case("NULLDN");
    Some((address, if nobody { "" } else { account }.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, learnt, needs};

    #[test]
    fn a_caller_is_told_by_address_and_account() {
        let of = |text| caller(text).map(|(ip, who)| format!("{ip} {who}"));
        for (text, expected) in [
            (
                "2:20261121081315Z:2:1:-:cn=directory manager:0:0:0:2:ip=10.0.0.7",
                Some("10.0.0.7 cn=directory manager"),
            ),
            (
                "64:20190101000000Z:9:9:r:NULLDN:0:3:1:ip=fd00::9",
                Some("fd00::9 "),
            ),
            (
                "64:20190101000000Z:9:9:-:cn=a:b,dc=x:0:0:0:1:ip=::ffff:10.0.0.8",
                Some("10.0.0.8 cn=a:b,dc=x"),
            ),
            ("64:20190101000000Z:9:9:-:cn=x:0:0:0:1:ip=local", None),
            ("64:2019", None),
        ] {
            assert_eq!(of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_agreement_that_is_switched_off_calls_nobody() {
        let agreed = |state: &str| {
            let mut learnt = learnt();
            agreement(
                &entry(
                    "cn=to-ds2,cn=replica,cn=x,cn=mapping tree,cn=config",
                    &[
                        ("nsDS5ReplicaHost", "ds2.corp.example"),
                        ("nsDS5ReplicaPort", "636"),
                        ("nsds5ReplicaEnabled", state),
                    ],
                ),
                &mut learnt,
            );
            needs(&learnt)
        };
        assert_eq!(
            agreed("on"),
            ["dc1.corp.example ldap-bind ds2.corp.example:636"]
        );
        assert!(agreed("off").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,120}") {
            let _ = caller(&text);
            let mut learnt = learnt();
            link(&entry("cn=x", &[("nsFarmServerURL", &text)]), &mut learnt);
        }
    }
}

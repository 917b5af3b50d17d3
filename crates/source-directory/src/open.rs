//! OpenLDAP and other directories without a domain: how the server is set up, who is connected now, machines and
//! service accounts; persons and groups are counted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::fact::{DirectoryObject, NeedReason};
use groma_model::name::Protection;
use groma_model::{Peer, Port};
use ldap3::Scope;

use crate::access::{Way, address};
use crate::ad::Principal;
use crate::entry::Entry;
use crate::learnt::{Learnt, Says, need};
use crate::step::{Base, Step, nothing};

const CONFIG: &[&str] = &[
    "objectClass",
    "cn",
    "olcDatabase",
    "olcSuffix",
    "olcDbDirectory",
    "olcSyncrepl",
    "olcMirrorMode",
    "olcMultiProvider",
    "olcUpdateRef",
    "olcServerID",
    "olcAccess",
    "olcOverlay",
    "olcTLSCertificateFile",
    "olcTLSCertificateKeyFile",
    "olcTLSCACertificateFile",
    "olcTLSCACertificatePath",
    "olcTLSVerifyClient",
    "olcTLSProtocolMin",
    "olcSecurity",
    "olcDisallows",
    "olcRequires",
    "olcReadOnly",
    "olcMonitoring",
];

// Operational, and hidden from whoever does not name them.
const CONNECTION: &[&str] = &[
    "objectClass",
    "monitorConnectionPeerAddress",
    "monitorConnectionLocalAddress",
    "monitorConnectionListener",
    "monitorConnectionAuthzDN",
    "monitorConnectionProtocol",
];

const HOST: &[&str] = &[
    "objectClass",
    "cn",
    "fqdn",
    "ipHostNumber",
    "macAddress",
    "l",
    "nshostlocation",
    "nsosversion",
];
const ACCOUNT: &[&str] = &[
    "objectClass",
    "cn",
    "uid",
    "krbPrincipalName",
    "krbCanonicalName",
];

const fn step(
    name: &'static str,
    base: Base,
    filter: &'static str,
    attributes: &'static [&'static str],
    tell: fn(&Entry, &mut Learnt),
) -> Step {
    Step {
        name,
        base,
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

/// The question who is connected at this moment.
pub(crate) const CONNECTIONS: &str = "connections";

/// What is asked of OpenLDAP beyond [`STEPS`].
pub(crate) const SERVER_STEPS: &[Step] = &[
    step(
        "configuration",
        Base::Fixed("cn=config"),
        "(objectClass=*)",
        CONFIG,
        config,
    ),
    Step {
        scope: Scope::OneLevel,
        sampled: true,
        ..step(
            CONNECTIONS,
            Base::Fixed("cn=Connections,cn=Monitor"),
            "(objectClass=*)",
            CONNECTION,
            connection,
        )
    },
];

/// What is asked of any directory.
pub(crate) const STEPS: &[Step] = &[
    step(
        "hosts",
        Base::Contexts,
        "(|(objectClass=ipHost)(objectClass=device)(objectClass=ipaHost))",
        HOST,
        host,
    ),
    step(
        "service-accounts",
        Base::Contexts,
        "(|(objectClass=simpleSecurityObject)(objectClass=applicationProcess)(objectClass=ipaService))",
        ACCOUNT,
        service_account,
    ),
    Step {
        after: crate::mounts::tell,
        ..step(
            "mount-maps",
            Base::Contexts,
            crate::mounts::FILTER,
            crate::mounts::ATTRIBUTES,
            crate::mounts::entry,
        )
    },
    step(
        "people",
        Base::Contexts,
        "(|(objectClass=person)(objectClass=posixAccount))",
        &["1.1"],
        |_, learnt| learnt.count("people"),
    ),
    step(
        "groups",
        Base::Contexts,
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
        &["1.1"],
        |_, learnt| learnt.count("groups"),
    ),
];

/// An entry of the server's own configuration. Passwords that may stand in it are not asked for, or left in the parser.
fn config(entry: &Entry, learnt: &mut Learnt) {
    if let Some(database) = entry.text("olcDatabase") {
        let mut object = learnt.described(
            "database",
            entry,
            &[
                "olcSuffix",
                "olcDbDirectory",
                "olcMirrorMode",
                "olcMultiProvider",
                "olcUpdateRef",
                "olcReadOnly",
            ],
        );
        object.name = unordered(&database).into();
        object.says("access", access(entry));
        at_server(&mut object, learnt);
        learnt.object(object);
    }
    if let Some(overlay) = entry.text("olcOverlay") {
        let mut object = learnt.described("overlay", entry, &[]);
        object.name = unordered(&overlay).into();
        at_server(&mut object, learnt);
        learnt.object(object);
    }
    let tls = [
        "olcTLSCertificateFile",
        "olcTLSCertificateKeyFile",
        "olcTLSCACertificateFile",
        "olcTLSCACertificatePath",
        "olcTLSVerifyClient",
        "olcTLSProtocolMin",
        "olcSecurity",
        "olcDisallows",
        "olcRequires",
    ];
    if tls.iter().any(|attribute| entry.text(attribute).is_some()) {
        let mut object = learnt.described("tls", entry, &tls);
        object.name = "TLS and security of the server".into();
        at_server(&mut object, learnt);
        learnt.object(object);
    }
    for text in entry.texts("olcSyncrepl") {
        replication(entry, &Consumer::parse(&text), learnt);
    }
}

pub(crate) fn at_server(object: &mut DirectoryObject, learnt: &Learnt) {
    object.host = Some(learnt.server.0.clone());
}

/// `{1}mdb` as `mdb`.
fn unordered(text: &str) -> &str {
    text.split_once('}')
        .filter(|(begin, _)| begin.starts_with('{'))
        .map_or(text, |(_, rest)| rest)
}

/// What the access rules come down to: how many, and whether nobody in particular may read.
fn access(entry: &Entry) -> Vec<String> {
    let rules: Vec<String> = entry.texts("olcAccess").collect();
    if rules.is_empty() {
        return vec!["no rules: everybody reads".to_owned()];
    }
    let grants = |who: &str| {
        rules.iter().any(|rule| {
            let words: Vec<&str> = rule.split_whitespace().collect();
            words.windows(3).any(|w| matches!(w, ["by", subject, right] if *subject == who && ["read", "write", "manage"].contains(right)))
        })
    };
    let mut said = vec![format!("{} rules", rules.len())];
    for (who, words) in [
        ("*", "somebody reads without a logon"),
        ("anonymous", "somebody reads without a logon"),
        ("users", "any account reads"),
    ] {
        if grants(who) {
            said.push(words.to_owned());
        }
    }
    said
}

/// A consumer of replication: `key=value` words, values in quotes where they hold spaces (slapd.conf(5)). Only what is
/// listed here is kept; `credentials` and everything unknown is forgotten where it was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Consumer(BTreeMap<&'static str, String>);

const OF_CONSUMER: [&str; 6] = [
    "provider",
    "binddn",
    "searchbase",
    "type",
    "bindmethod",
    "starttls",
];

impl Consumer {
    fn parse(text: &str) -> Self {
        let mut kept = BTreeMap::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('=') {
            let key = before
                .rsplit(|c: char| c.is_whitespace() || c == '}')
                .next()
                .unwrap_or_default();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            if let Some(known) = OF_CONSUMER.iter().find(|k| k.eq_ignore_ascii_case(key)) {
                kept.insert(*known, value.to_owned());
            }
            rest = next;
        }
        Self(kept)
    }

    fn says(&self, key: &str) -> Option<&String> {
        self.0.get(key)
    }
}

fn replication(entry: &Entry, consumer: &Consumer, learnt: &mut Learnt) {
    let mut object = learnt.described("replication", entry, &[]);
    for (key, value) in &consumer.0 {
        object.says(key, [value.clone()]);
    }
    at_server(&mut object, learnt);
    let starttls = consumer.says("starttls").is_some_and(|s| s != "no");
    let provider = consumer
        .says("provider")
        .and_then(|url| address(url, starttls && url.starts_with("ldap:")).ok());
    learnt.object(object);
    let Some((way, peer, port)) = provider else {
        return;
    };
    let server = learnt.server.0.clone();
    let mut need = need(
        server,
        peer,
        ("ldap-bind", NeedReason::Replication),
        entry,
        "olcSyncrepl",
    );
    need.port = Some(port);
    need.protection = protection(&way);
    need.account = consumer.says("binddn").map(|dn| dn.as_str().into());
    need.resource = consumer.says("searchbase").map(|base| base.as_str().into());
    learnt.need(need);
}

pub(crate) fn protection(way: &Way) -> Option<Protection> {
    match way {
        Way::Tls => Some(Protection::Tls),
        Way::StartTls => Some(Protection::Starttls),
        Way::Open => Some(Protection::None),
        Way::Local(_) => None,
    }
}

/// Somebody who is connected right now. Whether STARTTLS came first is not told, so an open port says nothing of it.
fn connection(entry: &Entry, learnt: &mut Learnt) {
    let peer = entry
        .text("monitorConnectionPeerAddress")
        .and_then(|text| socket(&text));
    let Some((client, _)) = peer else { return };
    let local = entry
        .text("monitorConnectionLocalAddress")
        .and_then(|text| socket(&text));
    let own = local.is_some_and(|(address, _)| address == client) || client.is_loopback();
    if own
        || learnt
            .own
            .is_some_and(|ours| peer == Some((ours.ip(), Port(ours.port()))))
    {
        learnt.count("connections_own");
        return;
    }
    learnt.count("connections");
    let listener = entry.text("monitorConnectionListener").unwrap_or_default();
    let server = learnt.server.0.clone();
    let mut need = need(
        Peer::Address(client),
        server,
        ("ldap-bind", NeedReason::Connection),
        entry,
        "monitorConnectionPeerAddress",
    );
    // The object's number is that of a connection: another one at each look.
    need.dn = "cn=Connections,cn=Monitor".into();
    need.port = Some(local.map_or(learnt.server.1, |(_, port)| port));
    need.account = Some(
        entry
            .text("monitorConnectionAuthzDN")
            .unwrap_or_default()
            .into(),
    );
    need.protection = listener.starts_with("ldaps").then_some(Protection::Tls);
    learnt.need(need);
}

/// `IP=10.0.0.9:43210` and `IP=[fd00::9]:43210`.
fn socket(text: &str) -> Option<(IpAddr, Port)> {
    let (address, port) = text.strip_prefix("IP=")?.rsplit_once(':')?;
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    Some((
        bare.parse::<IpAddr>().ok()?.to_canonical(),
        Port(port.parse().ok()?),
    ))
}

/// A machine that the directory lists.
fn host(entry: &Entry, learnt: &mut Learnt) {
    learnt.count("computers");
    let mut object = learnt.described("computer", entry, &["ipHostNumber", "macAddress", "l"]);
    if let Some(system) = entry.text("nsosversion") {
        object.says("operatingSystem", [system]);
    }
    let named = ["fqdn", "cn"]
        .iter()
        .find_map(|a| Peer::parse(&entry.text(a)?));
    object.host = entry
        .text("ipHostNumber")
        .and_then(|a| Peer::parse(&a))
        .or(named);
    learnt.object(object);
}

/// An account of a program: it has a password and is nobody.
fn service_account(entry: &Entry, learnt: &mut Learnt) {
    if entry.is("person") || entry.is("posixAccount") {
        return;
    }
    learnt.count("service_accounts");
    let mut object = learnt.described("service-account", entry, &["krbPrincipalName"]);
    object.account = entry
        .text("uid")
        .or_else(|| entry.text("krbCanonicalName"))
        .map(Into::into);
    let service = entry
        .text("krbPrincipalName")
        .and_then(|p| Principal::parse(&p));
    if let Some(service) = service {
        let mut on = learnt.described("service-principal", entry, &[]);
        on.name = format!("{}/{}", service.class, service.host).into();
        on.account.clone_from(&object.account);
        on.host = Some(service.host);
        learnt.object(on);
    }
    learnt.object(object);
}

#[cfg(test)]
mod tests {
    use groma_model::Fact;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, learnt, needs};

    const SYNCREPL: &str = "{0}rid=001 provider=ldap://10.0.0.9:3890 bindmethod=simple binddn=\"cn=repl,dc=corp,dc=example\" credentials=\"top secret=of a test\" searchbase=\"dc=corp,dc=example\" starttls=critical type=refreshAndPersist";

    #[test]
    fn a_consumer_of_replication_needs_its_provider_and_its_password_is_forgotten() {
        let mut learnt = learnt();
        config(
            &entry(
                "olcDatabase={1}mdb,cn=config",
                &[
                    ("olcDatabase", "{1}mdb"),
                    ("olcSyncrepl", SYNCREPL),
                    ("olcAccess", "{0}to * by * read"),
                ],
            ),
            &mut learnt,
        );
        assert_eq!(
            needs(&learnt),
            ["dc1.corp.example ldap-bind 10.0.0.9:3890 as cn=repl,dc=corp,dc=example"]
        );
        let all = format!("{:?}", learnt.facts);
        assert!(
            !all.contains("top secret") && !all.contains("of a test"),
            "{all}"
        );
        assert!(all.contains("reads without a logon"));
    }

    #[test]
    fn who_is_connected_is_told_without_what_changes_at_each_look() {
        let mut learnt = learnt();
        let connected = |number: &str, from: &str, who: &str| {
            entry(
                &format!("cn=Connection {number},cn=Connections,cn=Monitor"),
                &[
                    ("monitorConnectionPeerAddress", from),
                    ("monitorConnectionLocalAddress", "IP=10.0.0.1:636"),
                    ("monitorConnectionListener", "ldaps:///"),
                    ("monitorConnectionAuthzDN", who),
                ],
            )
        };
        connection(
            &connected("1001", "IP=10.0.0.7:40001", "cn=app"),
            &mut learnt,
        );
        connection(
            &connected("1002", "IP=10.0.0.7:40002", "cn=app"),
            &mut learnt,
        );
        connection(&connected("1003", "IP=127.0.0.1:40003", ""), &mut learnt);
        assert_eq!(
            needs(&learnt),
            ["10.0.0.7 ldap-bind dc1.corp.example:636 as cn=app"; 2]
        );
        assert_eq!(learnt.facts[0], learnt.facts[1]);
        assert!(
            matches!(&learnt.facts[0], Fact::DirectoryNeed(n) if n.is_seen() && n.protection == Some(Protection::Tls))
        );
    }

    proptest! {
        #[test]
        fn no_secret_survives_however_it_is_written(secret in "[a-zA-Z0-9]{12,20}", before in ".{0,40}", after in ".{0,40}") {
            for text in [format!("{before} credentials={secret} {after}"), format!("{{0}}rid=1 credentials=\"{secret}\" {after}"), format!("rid=1 provider=ldap://h CREDENTIALS={secret}")] {
                let consumer = Consumer::parse(&text);
                // What stands before may open a quote of a key that is kept: then the quote is not ours to close.
                if !before.contains(['"', '=']) {
                    prop_assert!(!format!("{consumer:?}").contains(&secret), "{text}");
                }
            }
        }

        #[test]
        fn any_text_is_read(text in ".{0,120}") {
            let _ = (Consumer::parse(&text), socket(&text));
        }
    }
}

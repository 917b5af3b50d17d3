//! What a real BIND says about the mail of a domain.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Named, Online};
use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::{CoverageState, Fact, HostName, Reason};
use groma_source::testing::{FakeDisk, NoNetwork};
use groma_source::{Budget, Network, Recorder, Source, Stop, Window, World};
use groma_source_dns::{MailDomains, Selector};

const ZONE: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns
  86400 IN MX 20 backup
  86400 IN MX 10 mail1
  IN TXT \"v=spf1 mx a:relay.corp.example ip4:10.1.1.9 ip4:10.1.0.0/16 inc\" \"lude:_spf.partner.example -all\"
  IN TXT \"proof-of-ownership=5f4dcc3b5aa765d61d8327deb882cf99\"
ns 120 IN A 127.0.0.1
mail1 300 IN A 10.1.1.1
mail1 600 IN AAAA fd00::1
backup IN A 10.1.1.2
_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:d@corp.example\"
default._domainkey IN TXT \"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEB\"
s1._domainkey IN TXT \"v=DKIM1; p=\"
mail._domainkey IN TXT \"not a key\"
_25._tcp.mail1 IN TLSA 3 1 1 aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899
_imaps._tcp IN SRV 0 1 993 mail1
autodiscover IN CNAME mail1
";

const PARTNER: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
_spf IN TXT \"v=spf1 include:_loop.partner.example include:_none.partner.example a:out.partner.example ?all\"
_loop IN TXT \"v=spf1 include:_spf.partner.example ipv4:10.0.0.1 -all\"
";

const REVERSE: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
1.1.1 IN PTR mail1.corp.example.
";

/// A public net, which only this BIND is asked about.
const PUBLIC: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
7 IN PTR out7.send.example.
8 IN PTR out8.send.example.
6 IN PTR out6.send.example.
";

const SEND: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
  IN MX 10 in
  IN TXT \"v=spf1 a:out7.send.example ip4:198.51.100.6 ip4:198.51.100.8 ip4:198.51.100.9 -all\"
in IN A 198.51.100.5
out7 IN A 198.51.100.7
out8 IN A 198.51.100.80
out6 IN A 10.1.1.6
sel2024._domainkey IN TXT \"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEB\"
";

#[test]
fn the_names_of_addresses_that_send_must_lead_back() {
    let zones = [
        ("corp.example", ZONE),
        ("partner.example", PARTNER),
        ("send.example", SEND),
        ("10.in-addr.arpa", REVERSE),
        ("100.51.198.in-addr.arpa", PUBLIC),
    ];
    let Some(named) = Named::start(&zones) else {
        return;
    };
    let conf = named.resolv_conf();
    let recorder = look(&conf, Arc::new(Online), &["send.example"]);
    let shown = |recorder: &Recorder| -> Vec<(String, Vec<String>, Vec<String>)> {
        let of = of(recorder, MailPurpose::Reverse).into_iter();
        of.map(|r| (r.asked.to_string(), r.values, r.faults))
            .collect()
    };
    let at = |n: u8| format!("{n}.100.51.198.in-addr.arpa");
    let none = Vec::<String>::new;
    assert_eq!(
        shown(&recorder),
        [
            // It only takes mail: nobody minds that it has no name.
            (at(5), none(), none()),
            // It leads to an address of inside: what others are told is not known here.
            (at(6), vec!["out6.send.example".to_owned()], none()),
            (at(7), vec!["out7.send.example".to_owned()], none()),
            (
                at(8),
                vec!["out8.send.example".to_owned()],
                vec![
                    "198.51.100.8 is called out8.send.example, which does not lead back to it"
                        .to_owned()
                ]
            ),
            (at(9), none(), vec!["198.51.100.9 has no name".to_owned()]),
        ]
    );
    // `mx` makes who takes mail a sender; a private address is nobody's business outside.
    let inside = shown(&look(&conf, Arc::new(Online), &["corp.example"]));
    assert!(
        inside.iter().all(|(_, _, faults)| faults.is_empty()),
        "{inside:#?}"
    );
    let named: Vec<_> = inside
        .iter()
        .filter(|(_, names, _)| !names.is_empty())
        .collect();
    assert_eq!(named.len(), 1, "{inside:#?}");
    assert_eq!(named[0].1, ["mail1.corp.example"]);
}

#[test]
fn a_selector_that_somebody_signs_with_is_asked_for_and_its_lack_is_told() {
    let Some(named) = Named::start(&[("corp.example", ZONE), ("send.example", SEND)]) else {
        return;
    };
    let selector = |domain: Option<&str>, name: &str| Selector {
        domain: domain.map(|d| HostName::parse(d).unwrap()),
        name: name.to_owned(),
    };
    let selectors = vec![
        selector(Some("send.example"), "sel2024"),
        selector(Some("send.example"), "gone"),
        selector(Some("corp.example"), "other"),
        selector(None, "somebodys"),
    ];
    let recorder = look_for(
        &named.resolv_conf(),
        Arc::new(Online),
        &["send.example"],
        selectors,
    );
    let keys = of(&recorder, MailPurpose::Dkim).into_iter();
    let shown: Vec<(String, usize)> = keys
        .map(|k| (k.asked.to_string(), k.values.len()))
        .collect();
    assert_eq!(
        shown,
        [
            ("gone._domainkey.send.example".to_owned(), 0),
            ("sel2024._domainkey.send.example".to_owned(), 1)
        ]
    );
}

fn look(resolv_conf: &str, network: Arc<dyn Network>, domains: &[&str]) -> Recorder {
    look_for(resolv_conf, network, domains, Vec::new())
}

fn look_for(
    resolv_conf: &str,
    network: Arc<dyn Network>,
    domains: &[&str],
    selectors: Vec<Selector>,
) -> Recorder {
    let disk = Arc::new(FakeDisk::new().file("/etc/resolv.conf", resolv_conf));
    let world = World {
        disk,
        network,
        ..groma_sys::this_machine(true)
    };
    let domains = domains
        .iter()
        .map(|d| HostName::parse(d).unwrap())
        .collect();
    let mut source = MailDomains::new(world.clone(), domains).with_selectors(selectors);
    let mut recorder = Recorder::new(source.name());
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::from_secs(1),
        Duration::from_secs(60),
    );
    let budget = Budget {
        network_timeout_ms: 500,
        ..Budget::default()
    };
    source.look(&window, &budget, &mut recorder);
    recorder
}

fn records(recorder: &Recorder) -> Vec<MailRecord> {
    let record = |fact: &Fact| match fact {
        Fact::MailRecord(record) => Some(record.clone()),
        _ => None,
    };
    recorder.facts().filter_map(record).collect()
}

fn of(recorder: &Recorder, purpose: MailPurpose) -> Vec<MailRecord> {
    let mut all = records(recorder);
    all.retain(|record| record.purpose == purpose);
    all
}

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_about_the_mail_of_a_domain_is_told() {
    let Some(named) = Named::start(&[("corp.example", ZONE), ("partner.example", PARTNER)]) else {
        return;
    };
    let recorder = look(&named.resolv_conf(), Arc::new(Online), &["corp.example"]);
    let only = |purpose| {
        let all = of(&recorder, purpose);
        assert_eq!(all.len(), 1, "{all:#?}");
        all.into_iter().next().unwrap()
    };
    let mx = only(MailPurpose::Exchanger);
    assert_eq!(
        mx.values,
        ["10 mail1.corp.example", "20 backup.corp.example"]
    );
    assert_eq!(
        words(&mx.peers),
        ["backup.corp.example", "mail1.corp.example"]
    );
    assert_eq!(mx.ttl_seconds, Some(86_400));
    let addresses = of(&recorder, MailPurpose::Address);
    let mail1 = addresses
        .iter()
        .find(|r| r.asked.as_str() == "mail1.corp.example")
        .unwrap();
    assert_eq!(
        (mail1.values.as_slice(), mail1.ttl_seconds),
        (
            ["10.1.1.1".to_owned(), "fd00::1".to_owned()].as_slice(),
            Some(300)
        )
    );
    assert_eq!(
        only(MailPurpose::Dmarc).values,
        ["v=DMARC1; p=reject; rua=mailto:d@corp.example"]
    );
    assert_eq!(
        only(MailPurpose::MtaSts).values,
        Vec::<String>::new(),
        "that there is none is told"
    );
    assert_eq!(
        only(MailPurpose::Tlsa).asked.as_str(),
        "_25._tcp.mail1.corp.example"
    );
    assert_eq!(
        words(&only(MailPurpose::Service).peers),
        ["mail1.corp.example"]
    );
    let settings = only(MailPurpose::Autodiscover);
    assert_eq!(
        words(&settings.peers),
        ["10.1.1.1", "fd00::1", "mail1.corp.example"]
    );
    let keys = of(&recorder, MailPurpose::Dkim);
    let asked: Vec<&str> = keys.iter().map(|k| k.asked.as_str()).collect();
    assert_eq!(
        asked,
        [
            "default._domainkey.corp.example",
            "s1._domainkey.corp.example"
        ]
    );
    assert_eq!(
        keys.iter().map(|k| k.faults.len()).collect::<Vec<_>>(),
        [0, 1]
    );
    let kept = format!("{:?}", recorder.records);
    assert!(
        !kept.contains("proof-of-ownership"),
        "other texts stay where they are"
    );
}

#[test]
fn the_side_of_a_service_that_keeps_the_mail_of_others_is_said_to_be_unseen() {
    let cloud = "$TTL 3600
@ IN SOA ns.cloud.example. root.cloud.example. 1 3600 600 86400 300
  IN NS ns
  IN MX 0 cloud-example.mail.protection.outlook.com.
  IN TXT \"v=spf1 include:spf.protection.outlook.com include:_spf.google.com.evil.example -all\"
ns IN A 127.0.0.1
autodiscover IN CNAME autodiscover.outlook.com.
";
    let Some(named) = Named::start(&[("cloud.example", cloud), ("corp.example", ZONE)]) else {
        return;
    };
    let tenants = |domain: &str| -> Vec<String> {
        let recorder = look(&named.resolv_conf(), Arc::new(Online), &[domain]);
        let of_tenants = recorder
            .gaps()
            .filter(|gap| gap.scope.as_str().starts_with("tenant:"));
        of_tenants.map(|gap| gap.what.clone()).collect()
    };
    let unseen = tenants("cloud.example");
    assert_eq!(unseen.len(), 1, "{unseen:#?}");
    assert!(
        unseen[0].contains("at Microsoft 365, to which its MX and SPF"),
        "{unseen:?}"
    );
    assert_eq!(tenants("corp.example"), [""; 0]);
}

#[test]
fn spf_is_followed_as_a_receiver_does() {
    let Some(named) = Named::start(&[("corp.example", ZONE), ("partner.example", PARTNER)]) else {
        return;
    };
    let recorder = look(&named.resolv_conf(), Arc::new(Online), &["corp.example"]);
    let spf = of(&recorder, MailPurpose::Spf).remove(0);
    // mx, a, include; two includes and a there; one include more in the loop.
    assert_eq!(spf.lookups, Some(7));
    assert_eq!(
        spf.faults,
        [
            "_loop.partner.example: \"ipv4:10.0.0.1\" is no term of SPF",
            "_none.partner.example is included and has no SPF record",
            "_spf.partner.example includes itself",
        ]
    );
    assert_eq!(
        words(&spf.peers),
        ["10.1.1.9", "out.partner.example", "relay.corp.example"]
    );
}

#[test]
fn nobody_is_asked_about_what_nobody_named_nor_by_a_look_that_may_contact_nobody() {
    let none = look("nameserver 127.0.0.1\n", Arc::new(Online), &[]);
    assert!(none.records.is_empty());
    let offline = look(
        "nameserver 198.51.100.1\n",
        Arc::new(NoNetwork),
        &["corp.example"],
    );
    assert!(records(&offline).is_empty());
    assert!(offline.gaps().any(|gap| gap.reason == Reason::Forbidden));
    let state: Vec<_> = offline.coverage().map(|c| c.state).collect();
    assert_eq!(state, [CoverageState::Partial]);
}

#[test]
fn a_private_domain_is_not_asked_of_a_public_resolver() {
    let recorder = look("nameserver 198.51.100.1\n", Arc::new(Online), &["ad.corp"]);
    assert!(records(&recorder).is_empty());
    assert!(
        recorder
            .gaps()
            .all(|gap| matches!(gap.reason, Reason::Forbidden | Reason::Unsupported))
    );
}

#[test]
fn servers_that_answer_nothing_are_left_alone() {
    let silent = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let conf = format!("nameserver [127.0.0.1]:{port}\n");
    let recorder = look(&conf, Arc::new(Online), &["corp.example"]);
    assert!(records(&recorder).is_empty());
    let missed: Vec<_> = recorder
        .gaps()
        .filter(|gap| gap.reason == Reason::TimedOut)
        .collect();
    assert_eq!(missed.len(), 3, "{missed:#?}");
    assert!(
        missed[2]
            .what
            .ends_with("and everything else about corp.example"),
        "{missed:#?}"
    );
}

const SERVICES: &str = "$TTL 3600
@ IN SOA dc1 somebody.canary.example. 77 3600 600 86400 300
  IN NS ns.corp.example.
_kerberos._tcp 600 IN SRV 0 100 88 dc1
_kerberos._tcp 600 IN SRV 0 100 88 dc2
_kpasswd._udp 600 IN SRV 0 100 464 dc1
_ldap._tcp.dc._msdcs 600 IN SRV 0 100 389 dc2
_gc._tcp IN SRV 0 100 3268 dc1
_xmpp-server._tcp 86400 IN SRV 5 0 5269 chat
_sip._tls IN SRV 0 0 0 .
_ldap._tcp IN TXT \"not a service\"
dc1 IN A 10.1.1.11
dc2 IN A 10.1.1.12
chat IN A 10.1.1.13
";

#[test]
fn where_the_directory_and_the_calls_of_a_domain_are_found_is_told_beside_its_mail() {
    let zones = [("corp.example", ZONE), ("ad.example", SERVICES)];
    let Some(named) = Named::start(&zones) else {
        return;
    };
    let shown = |recorder: &Recorder, purpose| -> Vec<String> {
        let line = |r: MailRecord| {
            format!(
                "{} {} > {} for {:?}",
                r.asked,
                r.values.join(", "),
                words(&r.peers).join(", "),
                r.ttl_seconds
            )
        };
        let mut lines: Vec<String> = of(recorder, purpose).into_iter().map(line).collect();
        lines.sort();
        lines
    };
    let recorder = look(&named.resolv_conf(), Arc::new(Online), &["ad.example"]);
    assert_eq!(
        shown(&recorder, MailPurpose::DirectoryService),
        [
            "_gc._tcp.ad.example 0 100 3268 dc1.ad.example > dc1.ad.example for Some(3600)",
            "_kerberos._tcp.ad.example 0 100 88 dc1.ad.example, 0 100 88 dc2.ad.example > dc1.ad.example, dc2.ad.example for Some(600)",
            "_kpasswd._udp.ad.example 0 100 464 dc1.ad.example > dc1.ad.example for Some(600)",
            "_ldap._tcp.dc._msdcs.ad.example 0 100 389 dc2.ad.example > dc2.ad.example for Some(600)",
        ]
    );
    let calls = shown(&recorder, MailPurpose::CallService);
    assert_eq!(
        calls,
        [
            // Said to be offered nowhere.
            "_sip._tls.ad.example 0 0 0 . >  for Some(3600)",
            "_xmpp-server._tcp.ad.example 5 0 5269 chat.ad.example > chat.ad.example for Some(86400)"
        ]
    );
    assert_eq!(
        shown(&recorder, MailPurpose::Origin),
        ["ad.example dc1.ad.example > dc1.ad.example for Some(3600)"]
    );
    assert_eq!(shown(&recorder, MailPurpose::Service), [""; 0]);
    let kept = format!("{:?}", recorder.records);
    assert!(!kept.contains("canary"), "no mailbox of a person");
    // A domain with mail alone says nothing about the others.
    let plain = look(&named.resolv_conf(), Arc::new(Online), &["corp.example"]);
    assert_eq!(shown(&plain, MailPurpose::DirectoryService), [""; 0]);
    assert_eq!(shown(&plain, MailPurpose::CallService), [""; 0]);
}

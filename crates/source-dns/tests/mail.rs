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
use groma_source_dns::MailDomains;

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

fn look(resolv_conf: &str, network: Arc<dyn Network>, domains: &[&str]) -> Recorder {
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
    let mut source = MailDomains::new(world.clone(), domains);
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

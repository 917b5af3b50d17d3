//! Look-ups at a real BIND on a loopback port, with zones written by the test.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod common;

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use groma_model::fact::{NameAnswer, NameSource};
use groma_model::{CoverageState, Fact, Peer, Reason};
use groma_source::testing::{FakeDisk, NoNetwork};
use groma_source::{Budget, Network, Recorder, Source, Stop, Window, World};
use groma_source_dns::NamesSource;

use common::{Named, Online};

const FORWARD: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns
  IN MX 10 mail1
ns 120 IN A 127.0.0.1
mail1 120 IN A 10.1.1.3
mail1 IN A 10.1.1.1
mail1 IN A 10.1.1.2
mail1 IN AAAA fd00::1
old-mail 60 IN CNAME mail
mail IN CNAME mail1
gone IN CNAME nowhere
round IN CNAME trip
trip IN CNAME round
self IN CNAME self
broken IN CNAME a.broken.example.
short.corp.example IN A 10.9.9.9
textonly IN TXT \"nothing but words\"
";

const REVERSE: &str = "$TTL 900
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns.corp.example.
1.1 IN PTR mail1.corp.example.
1.1 IN PTR imap.corp.example.
";

fn started() -> Option<Named> {
    Named::start(&[
        ("corp.example", FORWARD),
        ("1.10.in-addr.arpa", REVERSE),
        ("broken.example", "this is no zone\n"),
    ])
}

fn look(resolv_conf: &str, network: Arc<dyn Network>, questions: &[&str]) -> Recorder {
    let disk = Arc::new(FakeDisk::new().file("/etc/resolv.conf", resolv_conf));
    let world = World {
        disk,
        network,
        ..groma_sys::this_machine(true)
    };
    let questions = questions.iter().map(|q| Peer::parse(q).unwrap()).collect();
    let mut source = NamesSource::new(world.clone(), questions);
    let mut recorder = Recorder::new(source.name());
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::from_secs(1),
        Duration::from_secs(30),
    );
    let budget = Budget {
        network_timeout_ms: 500,
        ..Budget::default()
    };
    source.look(&window, &budget, &mut recorder);
    recorder
}

fn answers(recorder: &Recorder) -> Vec<NameAnswer> {
    let answer = |fact: &Fact| match fact {
        Fact::Name(answer) => Some(answer.clone()),
        _ => None,
    };
    recorder.facts().filter_map(answer).collect()
}

fn only(recorder: &Recorder) -> NameAnswer {
    let all = answers(recorder);
    assert_eq!(all.len(), 1, "{:?}", recorder.records);
    all.into_iter().next().unwrap()
}

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn state_of(recorder: &Recorder, scope: &str) -> Vec<CoverageState> {
    recorder
        .coverage()
        .filter(|c| c.scope.as_str() == scope)
        .map(|c| c.state)
        .collect()
}

#[test]
fn a_chain_of_aliases_is_followed_and_addresses_are_sorted() {
    let Some(named) = started() else { return };
    let recorder = look(
        &named.resolv_conf(),
        Arc::new(NoNetwork),
        &["old-mail.corp.example"],
    );
    let answer = only(&recorder);
    assert_eq!(answer.by, NameSource::Dns);
    assert_eq!(
        words(&answer.aliases),
        ["mail.corp.example", "mail1.corp.example"]
    );
    assert_eq!(
        words(&answer.addresses),
        ["10.1.1.1", "10.1.1.2", "10.1.1.3", "fd00::1"]
    );
    assert_eq!(
        answer.ttl_seconds,
        Some(60),
        "the alias's own, from the server of the zone"
    );
    assert_eq!(
        state_of(&recorder, "name:old-mail.corp.example"),
        [CoverageState::Complete]
    );
    assert_eq!(recorder.gaps().count(), 0);
}

#[test]
fn a_name_that_does_not_exist_is_an_answer_and_a_dead_alias_keeps_its_target() {
    let Some(named) = started() else { return };
    let recorder = look(
        &named.resolv_conf(),
        Arc::new(NoNetwork),
        &["never.corp.example", "gone.corp.example"],
    );
    let all = answers(&recorder);
    assert_eq!(all.len(), 2, "{:?}", recorder.records);
    assert!(
        all.iter()
            .all(|a| a.addresses.is_empty() && a.names.is_empty())
    );
    assert_eq!(words(&all[0].aliases), ["nowhere.corp.example"]);
    assert!(all[1].aliases.is_empty());
    assert_eq!(recorder.gaps().count(), 0);
}

#[test]
fn a_server_failure_is_a_gap_and_never_an_answer() {
    let Some(named) = started() else { return };
    let recorder = look(
        &named.resolv_conf(),
        Arc::new(NoNetwork),
        &["db1.broken.example"],
    );
    assert!(answers(&recorder).is_empty(), "{:?}", recorder.records);
    assert_eq!(
        recorder
            .gaps()
            .map(|g| g.reason.clone())
            .collect::<Vec<_>>(),
        [Reason::Refused]
    );
    assert_eq!(
        state_of(&recorder, "name:db1.broken.example"),
        [CoverageState::Partial]
    );
}

#[test]
fn aliases_that_lead_in_a_circle_are_told_by_name() {
    let Some(named) = started() else { return };
    for name in ["round.corp.example", "self.corp.example"] {
        let recorder = look(&named.resolv_conf(), Arc::new(NoNetwork), &[name]);
        assert!(answers(&recorder).is_empty());
        let gaps: Vec<_> = recorder
            .gaps()
            .map(|g| (g.what.as_str(), &g.reason))
            .collect();
        let what = format!("alias circle at {name}: it leads back to itself and to no address");
        assert_eq!(gaps, [(what.as_str(), &Reason::Malformed)]);
    }
}

#[test]
fn a_name_without_an_address_is_not_called_absent() {
    let Some(named) = started() else { return };
    let recorder = look(
        &named.resolv_conf(),
        Arc::new(NoNetwork),
        &["textonly.corp.example"],
    );
    assert!(answers(&recorder).is_empty());
    assert_eq!(
        recorder
            .gaps()
            .map(|g| g.reason.clone())
            .collect::<Vec<_>>(),
        [Reason::NotPresent]
    );
}

#[test]
fn an_address_is_asked_for_its_names() {
    let Some(named) = started() else { return };
    let recorder = look(
        &named.resolv_conf(),
        Arc::new(NoNetwork),
        &["10.1.1.1", "10.1.1.200"],
    );
    let all = answers(&recorder);
    assert_eq!(
        words(&all[0].names),
        ["imap.corp.example", "mail1.corp.example"]
    );
    assert_eq!(all[0].ttl_seconds, Some(900));
    assert!(
        all[1].names.is_empty(),
        "it has none, and that was said by the server of the zone"
    );
}

#[test]
fn a_short_name_is_completed_and_the_whole_one_kept() {
    let Some(named) = started() else { return };
    let answer = only(&look(&named.resolv_conf(), Arc::new(NoNetwork), &["mail"]));
    assert_eq!(
        words(&answer.aliases),
        ["mail.corp.example", "mail1.corp.example"]
    );
    assert_eq!(answer.asked, Peer::parse("mail").unwrap());
}

#[test]
fn many_questions_come_back_sorted_and_the_same_at_each_look() {
    let Some(named) = started() else { return };
    let mut questions: Vec<String> = (0..60).map(|n| format!("host{n}.corp.example")).collect();
    questions.extend([
        "mail1.corp.example".into(),
        "mail1.corp.example".into(),
        "old-mail.corp.example".into(),
    ]);
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let first = answers(&look(&named.resolv_conf(), Arc::new(NoNetwork), &questions));
    let second = answers(&look(&named.resolv_conf(), Arc::new(NoNetwork), &questions));
    assert_eq!(first.len(), 62);
    assert_eq!(first, second);
    assert!(first.is_sorted_by_key(|a| a.asked.clone()));
}

#[test]
fn a_resolver_that_answers_nothing_is_left_alone_soon() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    silent.set_nonblocking(true).unwrap();
    let resolv_conf = format!(
        "nameserver [127.0.0.1]:{}\n",
        silent.local_addr().unwrap().port()
    );
    let questions: Vec<String> = (0..100).map(|n| format!("host{n}.corp.example")).collect();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let recorder = look(&resolv_conf, Arc::new(NoNetwork), &questions);
    assert!(answers(&recorder).is_empty());
    assert_eq!(
        recorder
            .coverage()
            .filter(|c| c.state == CoverageState::Partial)
            .count(),
        100
    );
    let mut packets = 0;
    while silent.recv(&mut [0; 512]).is_ok() {
        packets += 1;
    }
    assert!(
        (1..=100).contains(&packets),
        "{packets} packets to a resolver that is down"
    );
}

#[test]
fn nothing_private_is_asked_of_a_public_resolver() {
    // The address is of a documentation network; with a private question no packet may go there at all.
    let recorder = look(
        "nameserver 192.0.2.53\n",
        Arc::new(Online),
        &["db1", "10.0.0.5", "printer.lan", "fd00::5"],
    );
    assert!(answers(&recorder).is_empty());
    let gaps: Vec<_> = recorder.gaps().collect();
    assert_eq!(gaps.len(), 1, "one sentence for all: {gaps:?}");
    assert!(
        gaps[0].reason == Reason::Forbidden
            && gaps[0].what.contains("4 private names and addresses")
    );
    assert_eq!(
        recorder
            .coverage()
            .filter(|c| c.state == CoverageState::Partial)
            .count(),
        4
    );
}

#[test]
fn an_offline_look_asks_nobody_but_this_machine() {
    let recorder = look(
        "nameserver 192.0.2.53\n",
        Arc::new(NoNetwork),
        &["www.example.net"],
    );
    let gaps: Vec<_> = recorder.gaps().collect();
    assert_eq!(gaps.len(), 1);
    assert!(
        gaps[0].reason == Reason::Forbidden
            && gaps[0].remedy.as_deref() == Some("look again without --offline")
    );
    assert_eq!(
        state_of(&recorder, "name:www.example.net"),
        [CoverageState::Partial]
    );
}

#[test]
fn what_will_be_asked_is_said_before() {
    let disk = Arc::new(FakeDisk::new().file(
        "/etc/resolv.conf",
        "nameserver 10.0.0.53\nnameserver 192.0.2.53\n",
    ));
    let world = World {
        disk,
        network: Arc::new(Online),
        ..groma_sys::this_machine(true)
    };
    let questions = ["db1", "www.example.net", "localhost"]
        .iter()
        .map(|q| Peer::parse(q).unwrap())
        .collect();
    let explanation = NamesSource::new(world, questions).explain();
    assert_eq!(explanation.contacts.len(), 1);
    assert!(
        explanation.contacts[0].contains("10.0.0.53:53"),
        "the public one hears nothing while there is one of our own"
    );
    assert!(explanation.sends[0].starts_with("2 questions"));
}

//! One host behind five names, and never two hosts behind one mark.

mod common;

use common::{A, B, Told, hosts, hour, ledger};
use groma_model::fact::*;
use groma_model::inventory::Entity;
use groma_model::store::Identities;
use groma_model::*;

use EvidenceState::{Current, NotSeen};

#[test]
fn an_agent_installed_anew_is_the_same_host() {
    let mut told = Told::default();
    told.host("agent-1", "mail1", A, "10.0.0.1")
        .host("agent-2", "mail1", A, "10.0.0.1");
    let resolution = told.resolved();
    let hosts = hosts(&resolution);
    assert_eq!(hosts.len(), 1);
    assert_eq!(hosts[0].merged_because.len(), 1, "a merge says why");
    assert_eq!(resolution.estate.vantages.len(), 2);
}

#[test]
fn fifty_clones_are_fifty_hosts() {
    let mut told = Told::default();
    for n in 0..50 {
        let (uuid, mac) = (
            format!("{n:08x}-0000-4000-8000-000000000000"),
            format!("52:54:00:00:00:{n:02x}"),
        );
        told.host(
            &format!("agent-{n}"),
            "clone",
            ["m-a", &uuid, &mac],
            &format!("10.0.0.{}", n + 1),
        );
    }
    assert_eq!(hosts(&told.resolved()).len(), 50);
}

#[test]
fn a_container_that_sees_its_hosts_hardware_is_a_host_of_its_own() {
    let mut told = Told::default();
    told.host("agent-1", "node", A, "10.0.0.1");
    let guest = HostIdentity {
        host_name: "guest".into(),
        machine_id: Some("m-guest".into()),
        smbios_uuid: Some(A[1].into()),
        macs: vec!["52:54:00:00:00:77".into()],
        in_container: true,
        ..HostIdentity::default()
    };
    told.say("agent-2", Fact::Identity(guest));
    assert_eq!(hosts(&told.resolved()).len(), 2);
}

#[test]
fn an_address_two_hosts_hold_means_neither_of_them() {
    let mut told = Told::default();
    told.host("agent-1", "lb1", A, "10.0.0.1")
        .host("agent-2", "lb2", B, "10.0.0.2");
    told.interface("agent-1", "eth0:vip", "physical", "10.0.0.100")
        .interface("agent-2", "eth0:vip", "physical", "10.0.0.100");
    told.host(
        "agent-3",
        "client",
        [
            "m-c",
            "22222222-c6a9-1969-0102-030405060708",
            "52:54:00:00:00:0c",
        ],
        "10.0.0.3",
    )
    .mentions("agent-3", "10.0.0.100");
    let resolution = told.resolved();
    let meaning = resolution
        .estate
        .locate(
            &SiteId::default(),
            &AgentId::new("agent-3"),
            &Peer::parse("10.0.0.100").unwrap(),
        )
        .unwrap();
    assert!(!resolution.estate.entities[&meaning.entity].has_agent);
}

#[test]
fn the_inner_bridge_every_docker_host_has_identifies_nobody() {
    let mut told = Told::default();
    told.host("agent-1", "d1", A, "10.0.0.1")
        .host("agent-2", "d2", B, "10.0.0.2");
    told.interface("agent-1", "docker0", "bridge", "172.17.0.1")
        .mentions("agent-1", "172.17.0.1")
        .mentions("agent-2", "172.17.0.1");
    let resolution = told.resolved();
    let at = |agent: &str| {
        resolution
            .estate
            .locate(
                &SiteId::default(),
                &AgentId::new(agent),
                &Peer::parse("172.17.0.1").unwrap(),
            )
            .unwrap()
            .entity
    };
    assert_eq!(
        resolution.estate.entities[&at("agent-1")].name,
        "d1",
        "its own bridge is itself"
    );
    assert!(
        !resolution.estate.entities[&at("agent-2")].has_agent,
        "somebody else's bridge is not d1"
    );
}

#[test]
fn an_entity_known_from_outside_lives_on_when_an_agent_arrives() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .mentions("agent-1", "10.0.0.2");
    let before = told.resolved();
    let outside = before
        .estate
        .locate(
            &SiteId::default(),
            &AgentId::new("agent-1"),
            &Peer::parse("10.0.0.2").unwrap(),
        )
        .unwrap()
        .entity;
    told.host("agent-2", "db", B, "10.0.0.2");
    let after = told.resolved_with(&ledger(&before.new));
    assert_eq!(after.estate.vantages[&AgentId::new("agent-2")], outside);
    assert_eq!(after.estate.entities[&outside].name, "db");
}

#[test]
fn a_host_that_left_an_address_is_not_who_stands_there_now() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1");
    let before = told.resolved();
    let mut moved = Told::default();
    moved
        .host("agent-1", "app", A, "10.0.0.9")
        .mentions("agent-1", "10.0.0.1");
    let after = moved.resolved_with(&ledger(&before.new));
    let app = &after.estate.vantages[&AgentId::new("agent-1")];
    assert_eq!(app, &before.estate.vantages[&AgentId::new("agent-1")]);
    let there = after
        .estate
        .locate(
            &SiteId::default(),
            &AgentId::new("agent-1"),
            &Peer::parse("10.0.0.1").unwrap(),
        )
        .unwrap()
        .entity;
    assert_ne!(&there, app);
}

#[test]
fn whoever_takes_over_an_address_takes_no_id_with_it() {
    let mut told = Told::default();
    told.host("agent-5", "mail1", A, "10.0.0.5");
    let before = told.resolved();
    // Its agent comes first in the order of names.
    told.host("agent-1", "mail-new", B, "10.0.0.5");
    let after = told.resolved_with(&ledger(&before.new)).estate;
    let (old, new) = (AgentId::new("agent-5"), AgentId::new("agent-1"));
    assert_eq!(after.vantages[&old], before.estate.vantages[&old]);
    assert_ne!(after.vantages[&new], after.vantages[&old]);
}

#[test]
fn a_name_dns_denies_is_unresolvable_and_one_nobody_asked_about_is_not() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .mentions("agent-1", "gone.corp.example")
        .mentions("agent-1", "never-asked.corp.example");
    told.answer("agent-1", NameSource::Dns, "gone.corp.example", &[]);
    let resolution = told.resolved();
    let find = |name: &str| {
        resolution
            .estate
            .entities
            .values()
            .find(|e| e.name == name)
            .unwrap()
    };
    assert!(find("gone.corp.example").attributes.unresolvable);
    assert!(!find("never-asked.corp.example").attributes.unresolvable);
}

#[test]
fn a_name_no_dns_knows_may_be_what_a_host_calls_itself() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .host("agent-2", "db", B, "10.0.0.2")
        .mentions("agent-1", "db");
    let resolution = told.resolved();
    let meaning = resolution
        .estate
        .locate(
            &SiteId::default(),
            &AgentId::new("agent-1"),
            &Peer::parse("db").unwrap(),
        )
        .unwrap();
    assert_eq!(resolution.estate.entities[&meaning.entity].name, "db");
    assert_eq!(hosts(&resolution).len(), resolution.estate.entities.len());
}

#[test]
fn the_hosts_file_of_one_machine_says_nothing_about_another() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .host("agent-2", "web", B, "10.0.0.2");
    told.mentions("agent-1", "mail").mentions("agent-2", "mail");
    told.answer("agent-1", NameSource::HostsFile, "mail", &["10.0.0.66"])
        .answer("agent-2", NameSource::Dns, "mail", &["10.0.0.25"]);
    let resolution = told.resolved();
    let at = |agent: &str| {
        resolution
            .estate
            .locate(
                &SiteId::default(),
                &AgentId::new(agent),
                &Peer::parse("mail").unwrap(),
            )
            .unwrap()
    };
    assert_ne!(at("agent-1").entity, at("agent-2").entity);
    assert_eq!(
        at("agent-1").reached_by,
        groma_model::inventory::ReachedBy::HostsFile
    );
}

#[test]
fn a_name_of_many_public_addresses_is_one_thing_outside() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .mentions("agent-1", "api.vendor.example")
        .mentions("agent-1", "198.51.100.7");
    told.answer(
        "agent-1",
        NameSource::Dns,
        "api.vendor.example",
        &["198.51.100.7", "198.51.100.8"],
    );
    let resolution = told.resolved();
    let strangers: Vec<&Entity> = resolution
        .estate
        .entities
        .values()
        .filter(|e| !e.has_agent)
        .collect();
    assert_eq!(strangers.len(), 1);
    assert_eq!(
        (strangers[0].kind.as_str(), strangers[0].name.as_str()),
        ("external", "api.vendor.example")
    );
}

#[test]
fn what_a_list_names_is_declared_and_what_it_does_not_is_not() {
    let mut told = Told::default();
    told.host("agent-1", "mail1", A, "10.0.0.1")
        .host("agent-2", "shadow", B, "10.0.0.2");
    let row = Declared {
        list: "cmdb.csv".into(),
        kind: "host".into(),
        name: "MAIL1".into(),
        owner: Some("Ada".into()),
        ..Declared::default()
    };
    told.say("list-1", Fact::Declared(row));
    let resolution = told.resolved();
    let find = |name: &str| {
        resolution
            .estate
            .entities
            .values()
            .find(|e| e.name == name)
            .unwrap()
    };
    assert!(resolution.estate.compared_with_list);
    assert!(find("mail1").declared && find("mail1").owner.as_deref() == Some("Ada"));
    assert!(!find("shadow").declared);
}

#[test]
fn the_second_run_calls_everything_the_same_and_has_nothing_to_add() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .mentions("agent-1", "10.0.0.2")
        .mentions("agent-1", "db.corp.example");
    let first = told.resolved();
    let second = told.resolved_with(&ledger(&first.new));
    assert!(second.new.is_empty(), "{:?}", second.new);
    assert!(
        first
            .estate
            .entities
            .keys()
            .eq(second.estate.entities.keys())
    );
}

#[test]
fn a_machine_whose_every_source_failed_is_there_all_the_same() {
    let (site, agent) = (SiteId::default(), AgentId::new("agent-9"));
    let at = Timestamp::from_seconds(1_700_000_000);
    let mut gathering = groma_resolve::Gathering::default();
    gathering.looked(&site, &agent, at, at);
    let mut number = 0;
    let mut mint = || {
        number += 1;
        EntityId::from_random([number; 16])
    };
    let estate = gathering.resolve(&Identities::default(), &mut mint).estate;
    assert_eq!(estate.entities.len(), 1);
    assert!(estate.vantages.contains_key(&agent));
}

/// What the machine said of itself in the hours of its first look, and what it says now.
fn renamed(state: EvidenceState) -> Told {
    let identity = |name: &str| {
        Fact::Identity(HostIdentity {
            host_name: name.into(),
            machine_id: Some("m-a".into()),
            ..HostIdentity::default()
        })
    };
    let system = |version: &str| {
        Fact::OperatingSystem(OperatingSystem {
            version: version.into(),
            ..OperatingSystem::default()
        })
    };
    let package = |version: &str| {
        Fact::Package(Package {
            name: "postfix".into(),
            version: version.into(),
            architecture: "amd64".into(),
            manager: "dpkg".into(),
        })
    };
    let mut told = Told::default();
    for fact in [identity("old"), system("12"), package("3.9")] {
        told.say_when("agent-1", fact, 0..40, state);
    }
    for fact in [identity("new"), system("13"), package("3.10")] {
        told.say_when("agent-1", fact, 30..30, EvidenceState::Current);
    }
    told
}

fn said(told: &Told) -> (String, String, String) {
    let resolution = told.resolved();
    let [host] = hosts(&resolution)[..] else {
        panic!("one host, not {}", resolution.estate.entities.len());
    };
    let version = host.attributes.operating_system.as_ref();
    (
        host.name.clone(),
        version.map(|os| os.version.clone()).unwrap_or_default(),
        host.attributes.packages["postfix"].clone(),
    )
}

#[test]
fn what_still_holds_counts_and_not_what_was_not_seen_again() {
    let told = renamed(EvidenceState::NotSeen);
    let mut other = told.clone();
    other.0.reverse();
    let now = ("new".to_owned(), "13".to_owned(), "3.10".to_owned());
    assert_eq!(said(&told), now);
    assert_eq!(said(&other), now);
}

#[test]
fn of_two_that_hold_the_one_seen_last_counts_in_any_order() {
    let told = renamed(EvidenceState::Current);
    let mut other = told.clone();
    other.0.reverse();
    assert_eq!(said(&told), said(&other));
    assert_eq!(
        said(&told).0,
        "old",
        "seen in hour 40, the other in hour 30"
    );
}

/// A certificate that stands in a file or at a port of `agent`.
fn certificate_at(sha256: &str, place: CertificatePlace) -> Fact {
    Fact::Certificate(CertificateSighting {
        certificate: Certificate {
            sha256: sha256.into(),
            spki_sha256: "bb".into(),
            sha1: None,
            subject: "CN=web".into(),
            issuer: "CN=ca".into(),
            serial: "1".into(),
            names: vec!["web".into()],
            not_before: hour(0),
            not_after: hour(9_000),
            key_algorithm: "rsa".into(),
            key_bits: 2048,
            signature_algorithm: "x".into(),
            authority: false,
            self_signed: false,
            status_hosts: vec![],
        },
        place,
        key_present: false,
        key: None,
        trust: None,
    })
}

#[test]
fn a_place_of_a_certificate_says_when_it_was_last_met_there_and_whether_it_still_is() {
    let mut told = Told::default();
    told.host("a", "web", ["m1", "u1", "02:00:00:00:00:01"], "10.0.0.5");
    let file = |path: &str| CertificatePlace::File {
        path: path.into(),
        position: 0,
    };
    told.say_when("a", certificate_at("aa", file("/a.pem")), 0..4, Current);
    told.say_when("a", certificate_at("aa", file("/b.pem")), 0..2, NotSeen);
    let using = CertificateUse {
        sha256: "aa".into(),
        certificate_file: "/a.pem".into(),
        role: CertificateRole::Presents,
        component: Component {
            class: ComponentClass::Unit,
            name: "nginx.service".into(),
        },
        file: "/etc/nginx.conf".into(),
        line: 1,
        key: "ssl_certificate".into(),
    };
    told.say_when("a", Fact::CertificateUse(using), 1..3, NotSeen);
    let resolution = told.resolved();
    let certificate = resolution
        .estate
        .entities
        .values()
        .find(|e| e.kind == "certificate")
        .expect("it was met");
    let places = certificate.attributes.places.iter();
    let places: Vec<_> = places.map(|p| (p.last_seen, p.state)).collect();
    assert_eq!(places, [(Some(hour(4)), Current), (Some(hour(2)), NotSeen)]);
    let user = &certificate.attributes.used_by[0];
    assert_eq!(
        (user.first_seen, user.last_seen, user.state),
        (Some(hour(1)), Some(hour(3)), NotSeen)
    );
}

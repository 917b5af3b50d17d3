//! What a directory states becomes needs of the machines it is about, never of the one that asked.

mod common;

use common::{Told, ip};
use groma_model::fact::*;
use groma_model::inventory::{Basis, ReachedBy};
use groma_model::*;

const DN: &str = "CN=x,DC=corp,DC=example";

fn peer(text: &str) -> Peer {
    Peer::parse(text).expect("a test says it right")
}

fn need(consumer: &str, provider: &str, port: Option<u16>, kind: &str, reason: NeedReason) -> Fact {
    Fact::DirectoryNeed(DirectoryNeed {
        consumer: peer(consumer),
        provider: peer(provider),
        port: port.map(Port),
        transport: Transport::Tcp,
        kind: kind.into(),
        reason,
        account: None,
        resource: None,
        protection: None,
        dn: DN.into(),
        attribute: "attribute".into(),
    })
}

fn told(facts: &[Fact]) -> Told {
    let mut told = Told::default();
    told.host("asker", "10.0.0.1").host("app1", "10.0.0.7");
    for fact in facts {
        told.say("asker", "directory.objects", fact.clone());
    }
    told
}

#[test]
fn a_delegation_is_a_need_of_the_application_and_only_the_directory_knows_it() {
    let told = told(&[need(
        "app1",
        "db1.corp.example",
        Some(1433),
        "sql",
        NeedReason::Delegation,
    )]);
    let (graph, entities) = told.graph_and_entities();
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies)
    };
    assert_eq!(
        (edge.consumer.name.as_str(), edge.provider.name.as_str()),
        ("app1", "db1.corp.example")
    );
    assert_eq!(
        (edge.kind.as_str(), edge.basis, edge.count),
        ("sql", Basis::Declared, 0)
    );
    assert!(
        edge.hidden_because.contains(&"directory-only".to_owned()),
        "{:?}",
        edge.hidden_because
    );
    let says = &graph
        .evidence
        .iter()
        .find(|e| edge.evidence.contains(&e.id))
        .expect("it is cited")
        .says;
    assert!(says.contains("attribute of CN=x"), "{says}");
    assert!(entities.iter().any(|e| e.name == "db1.corp.example"));
}

#[test]
fn a_copier_that_mail_is_taken_from_needs_the_mail_server() {
    let told = told(&[need(
        "10.0.0.50",
        "app1",
        Some(25),
        "smtp-relay",
        NeedReason::ReceiveConnector,
    )]);
    let graph = told.graph();
    let edge = &graph.dependencies[0];
    assert_eq!(
        (edge.consumer.name.as_str(), edge.provider.name.as_str()),
        ("10.0.0.50", "app1")
    );
    for reason in ["unauthenticated-relay", "device-without-agent"] {
        assert!(
            edge.hidden_because.contains(&reason.to_owned()),
            "{:?}",
            edge.hidden_because
        );
    }
}

#[test]
fn homes_of_people_are_a_need_of_their_domain_that_only_the_directory_knows() {
    let told = told(&[need(
        "corp.example",
        "app1",
        Some(445),
        "smb",
        NeedReason::PersonalFolder,
    )]);
    let graph = told.graph();
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies)
    };
    assert_eq!(
        (edge.consumer.name.as_str(), edge.provider.name.as_str()),
        ("corp.example", "app1")
    );
    assert!(edge.hidden_because.contains(&"directory-only".to_owned()));
    assert!(
        graph.evidence.iter().any(|e| e
            .says
            .contains("people of corp.example have folders on app1")),
        "{:?}",
        graph.evidence
    );
}

#[test]
fn a_queue_reaches_its_device_by_address() {
    let told = told(&[need(
        "app1",
        "10.1.2.3",
        None,
        "print",
        NeedReason::PrintQueue,
    )]);
    let graph = told.graph();
    assert_eq!(
        graph.dependencies[0].reached_by,
        Some(ReachedBy::AddressLiteral)
    );
    assert_eq!(graph.dependencies[0].provider.port, None);
}

#[test]
fn what_is_known_alive_gains_a_witness_and_no_second_edge() {
    let mut told = told(&[need(
        "app1",
        "10.0.0.9",
        Some(389),
        "ldap-bind",
        NeedReason::Delegation,
    )]);
    told.calls("app1", "10.0.0.9", 389, common::bare("/usr/bin/app"));
    let graph = told.graph();
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies)
    };
    assert_eq!(edge.witnesses, [Witness::Live, Witness::Declared]);
    assert_eq!(edge.consumer.component.class, ComponentClass::Executable);
}

#[test]
fn a_client_the_directory_saw_is_observed_and_what_it_is_to_itself_is_nothing() {
    let told = told(&[
        need(
            "10.0.0.9",
            "app1",
            Some(636),
            "ldap-bind",
            NeedReason::Connection,
        ),
        need(
            "10.0.0.7",
            "app1",
            Some(636),
            "ldap-bind",
            NeedReason::Connection,
        ),
    ]);
    let graph = told.graph();
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies)
    };
    assert_eq!(edge.basis, Basis::Observed);
    assert_eq!(edge.consumer.addresses, [ip("10.0.0.9")]);
}

#[test]
fn accounts_zones_and_domains_are_things_of_their_own_and_machines_keep_what_is_said_of_them() {
    let object = |class: &str, name: &str, host: Option<&str>, account: Option<&str>| {
        Fact::DirectoryObject(DirectoryObject {
            directory: "corp.example".into(),
            class: class.into(),
            name: name.into(),
            dn: DN.into(),
            host: host.map(peer),
            account: account.map(Into::into),
            attributes: Default::default(),
        })
    };
    let told = told(&[
        object("directory", "corp.example", None, None),
        object("service-account", "SQL service", None, Some("svc-sql")),
        object(
            "service-principal",
            "MSSQLSvc/app1",
            Some("app1"),
            Some("svc-sql"),
        ),
        object("site", "Berlin", None, None),
        object("dns-zone", "corp.example", None, None),
    ]);
    let (_, entities) = told.graph_and_entities();
    let kinds = |kind: &str| {
        entities
            .iter()
            .filter(|e| e.kind == kind)
            .map(|e| e.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("account"), ["svc-sql@corp.example"]);
    assert_eq!(kinds("dns-zone"), ["corp.example"]);
    assert_eq!(kinds("directory"), ["corp.example"]);
    let held = |name: &str, kind: &str| {
        let entity = entities
            .iter()
            .find(|e| e.name == name && e.kind == kind)
            .expect("it is there");
        assert!(!entity.evidence.is_empty());
        entity
            .attributes
            .directory_objects
            .iter()
            .map(|o| o.object.class.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(held("app1", "host"), ["service-principal"]);
    assert_eq!(held("corp.example", "directory"), ["directory", "site"]);
}

//! Who calls a port that leads into a container needs the container.

mod common;

use common::*;
use groma_model::fact::*;
use groma_model::{Fact, Port, Scope, Transport};

const ID: &str = "b3e4e0a43a362e8bbff856a76d024f08640ab3a5db8fcaeb3056fb034eb04757";

fn container(running: bool, ports: &[(u16, u16)]) -> Fact {
    let published = |(port, inner): &(u16, u16)| PublishedPort {
        address: None,
        port: Port(*port),
        inner: Port(*inner),
        transport: Transport::Tcp,
    };
    Fact::Container(Container {
        id: ID.into(),
        name: Some("shop".into()),
        runtime: "podman".into(),
        running,
        addresses: vec![ip("10.88.0.8")],
        ports: ports.iter().map(published).collect(),
        ..Container::default()
    })
}

fn within(executable: &str) -> Program {
    Program {
        container: Some(ID.into()),
        ..bare(executable)
    }
}

fn listener(port: u16, program: Program) -> Fact {
    Fact::Listener(Listener {
        address: ip("0.0.0.0"),
        port: Port(port),
        transport: Transport::Tcp,
        program,
    })
}

/// A caller, and a machine whose container listens in a network of its own.
fn estate(running: bool) -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("box1", "10.0.0.2");
    told.say(
        "box1",
        "host.containers",
        container(running, &[(15432, 5432)]),
    );
    if running {
        let scope = Scope::new("socket", "netns-shop");
        let inner = listener(5432, within("/usr/lib/postgresql/15/bin/postgres"));
        told.say_in(scope, "box1", "host.sockets", inner, 20);
    }
    told
}

fn served_by(told: &Told) -> Vec<String> {
    let graph = told.graph();
    graph
        .dependencies
        .iter()
        .map(|d| {
            let part = d.provider.component.as_ref();
            let part = part.map_or_else(|| "?".to_owned(), |c| format!("{:?} {}", c.class, c.name));
            format!("{} by {part}", short(d))
        })
        .collect()
}

#[test]
fn a_call_to_a_published_port_is_a_need_of_the_program_in_the_container() {
    let mut told = estate(true);
    told.calls("app1", "10.0.0.2", 15432, bare("/opt/app/bin/app"));
    assert_eq!(
        served_by(&told),
        ["app1 /opt/app/bin/app -> box1:15432 sql by Container shop"]
    );
}

#[test]
fn a_container_that_only_is_written_down_opens_no_door() {
    let mut told = estate(false);
    told.calls("app1", "10.0.0.2", 15432, bare("/opt/app/bin/app"));
    assert_eq!(
        served_by(&told),
        ["app1 /opt/app/bin/app -> box1:15432 other by ?"]
    );
}

#[test]
fn what_listens_within_is_no_door_of_the_machine() {
    let mut told = estate(true);
    told.calls("app1", "10.0.0.2", 5432, bare("/opt/app/bin/app"));
    assert_eq!(
        served_by(&told),
        ["app1 /opt/app/bin/app -> box1:5432 sql by ?"],
        "the number suggests it, nothing more"
    );
    let rows = told.graph().listeners;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].process.container.as_deref(), Some(ID));
    assert_eq!(rows[0].service.as_deref(), Some("sql"));
}

#[test]
fn what_the_container_sees_of_its_caller_is_the_same_need() {
    let mut told = estate(true);
    told.calls("app1", "10.0.0.2", 15432, bare("/opt/app/bin/app"));
    let seen_within = Fact::Connection(Connection {
        direction: Direction::Incoming,
        local: ip("10.88.0.8"),
        remote: ip("10.0.0.1"),
        service_port: Port(5432),
        transport: Transport::Tcp,
        program: within("/usr/lib/postgresql/15/bin/postgres"),
        asked: None,
        unasked: false,
    });
    let scope = Scope::new("socket", "netns-shop");
    told.say_in(scope, "box1", "host.sockets", seen_within, 20);
    assert_eq!(
        served_by(&told),
        ["app1 /opt/app/bin/app -> box1:15432 sql by Container shop"]
    );
}

#[test]
fn what_a_container_calls_is_its_own_need() {
    let mut told = estate(true);
    let call = Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local: ip("10.88.0.8"),
        remote: ip("10.0.0.1"),
        service_port: Port(25),
        transport: Transport::Tcp,
        program: within("/usr/bin/app"),
        asked: None,
        unasked: false,
    });
    told.say_in(
        Scope::new("socket", "netns-shop"),
        "box1",
        "host.sockets",
        call,
        20,
    );
    assert_eq!(
        told.edges(),
        ["box1 shop:/usr/bin/app -> app1:25 smtp-relay"]
    );
}

#[test]
fn what_a_container_calls_and_what_its_environment_names_is_one_need() {
    let mut told = estate(true);
    let call = Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local: ip("10.88.0.8"),
        remote: ip("10.0.0.1"),
        service_port: Port(8025),
        transport: Transport::Tcp,
        program: within("/usr/bin/app"),
        asked: None,
        unasked: false,
    });
    let scope = || Scope::new("socket", "netns-shop");
    told.say_in(scope(), "box1", "host.sockets", call, 20);
    let named = |container: &str| {
        let file = format!("{container}:environment");
        reference("env-smtp", &file, "10.0.0.1", 8025, "smtp-relay")
    };
    told.writes("box1", named("shop"));
    assert_eq!(
        told.edges(),
        ["box1 shop:/usr/bin/app -> app1:8025 smtp-relay"]
    );
    // Another container's environment is another need.
    told.writes("box1", named("other"));
    assert_eq!(told.edges().len(), 2);
}

#[test]
fn an_address_of_a_container_is_no_machine_and_what_carries_into_it_no_consumer() {
    let mut told = estate(true);
    told.calls("box1", "10.88.0.8", 5432, bare("/usr/bin/docker-proxy"));
    let (graph, entities) = told.graph_and_entities();
    assert!(graph.dependencies.is_empty(), "{:?}", graph.dependencies);
    assert!(
        entities.iter().all(|e| e.name != "10.88.0.8"),
        "{:?}",
        entities.iter().map(|e| &e.name).collect::<Vec<_>>()
    );
}

#[test]
fn the_same_address_on_another_machine_is_that_machines_own_affair() {
    let mut told = estate(true);
    told.calls("app1", "10.88.0.8", 5432, bare("/opt/app/bin/app"));
    let edges = told.edges();
    assert_eq!(edges, ["app1 /opt/app/bin/app -> 10.88.0.8:5432 sql"]);
}

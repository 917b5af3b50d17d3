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
    let mut lines: Vec<String> = graph
        .dependencies
        .iter()
        .map(|d| {
            let part = d.provider.component.as_ref();
            let part = part.map_or_else(|| "?".to_owned(), |c| format!("{:?} {}", c.class, c.name));
            format!("{} by {part}", short(d))
        })
        .collect();
    lines.sort();
    lines
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

/// A container with an address of its own, and one port published at one address of the machine.
fn at_door(id: &str, name: &str, own: &str, door: Option<(&str, u16, u16)>) -> Fact {
    let published = |(address, port, inner): (&str, u16, u16)| PublishedPort {
        address: Some(ip(address)),
        port: Port(port),
        inner: Port(inner),
        transport: Transport::Tcp,
    };
    Fact::Container(Container {
        id: id.into(),
        name: Some(name.into()),
        runtime: "docker".into(),
        running: true,
        addresses: vec![ip(own)],
        ports: door.map(published).into_iter().collect(),
        ..Container::default()
    })
}

fn at(address: &str, port: u16, program: Program) -> Fact {
    Fact::Listener(Listener {
        address: ip(address),
        port: Port(port),
        transport: Transport::Tcp,
        program,
    })
}

fn inside(id: &str, executable: &str) -> Program {
    Program {
        container: Some(id.into()),
        ..bare(executable)
    }
}

const POSTGRES: &str = "/usr/lib/postgresql/15/bin/postgres";

/// A machine with its own database at its address, and one in a container that only the machine itself may call.
fn two_databases() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("box1", "10.0.0.2");
    let door = Some(("127.0.0.1", 5432, 5432));
    told.say(
        "box1",
        "host.containers",
        at_door("c1", "test-db", "172.18.0.3", door),
    );
    let own = unit(POSTGRES, "postgresql@15-main.service");
    told.say("box1", "host.sockets", at("10.0.0.2", 5432, own));
    let proxy = unit("/usr/bin/docker-proxy", "docker.service");
    told.say("box1", "host.sockets", at("127.0.0.1", 5432, proxy));
    told
}

#[test]
fn a_door_for_the_machine_itself_lets_nobody_in_from_elsewhere() {
    let mut told = two_databases();
    told.calls("app1", "10.0.0.2", 5432, bare("/opt/app/bin/app"));
    told.calls("box1", "127.0.0.1", 5432, bare("/opt/own/bin/own"));
    assert_eq!(
        served_by(&told),
        [
            "app1 /opt/app/bin/app -> box1:5432 sql by Unit postgresql@15-main.service",
            "box1 /opt/own/bin/own -> box1:5432 sql by Container test-db",
        ]
    );
}

#[test]
fn a_name_leads_from_elsewhere_to_what_can_be_reached_from_there() {
    let mut told = two_databases();
    told.name(
        "app1",
        NameSource::Dns,
        "db.example.com",
        &[],
        &["10.0.0.2"],
    );
    told.writes(
        "app1",
        reference("env-sql", "/opt/app/.env", "db.example.com", 5432, "sql"),
    );
    assert_eq!(
        served_by(&told),
        ["app1 /opt/app/.env -> box1:5432 sql by Unit postgresql@15-main.service"]
    );
}

#[test]
fn of_two_doors_of_one_number_the_address_that_is_called_chooses() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("box1", "10.0.0.2");
    let second = Interface {
        name: "eth1".into(),
        mac: None,
        kind: "physical".into(),
        up: true,
        addresses: vec!["10.0.0.3/24".into()],
    };
    told.say("box1", "host.network", Fact::Interface(second));
    for (id, name, own, door) in [
        ("c1", "shop", "172.18.0.2", "10.0.0.2"),
        ("c2", "wiki", "172.18.0.3", "10.0.0.3"),
    ] {
        let container = at_door(id, name, own, Some((door, 443, 8443)));
        told.say("box1", "host.containers", container);
    }
    told.calls("app1", "10.0.0.3", 443, bare("/opt/app/bin/app"));
    let need = "app1 /opt/app/bin/app -> box1:443";
    let served = |told: &Told| {
        let all = served_by(told).into_iter();
        let own = all.filter(|line| line.starts_with(need));
        own.map(|line| line.rsplit(" by ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(served(&told), ["Container wiki"]);
    // Who calls both doors needs both: no one of them is said.
    told.calls("app1", "10.0.0.2", 443, bare("/opt/app/bin/app"));
    assert_eq!(served(&told), ["?"]);
}

/// `from` of a container calls an address of another one on the same machine.
fn calls_within(told: &mut Told, from: &str, to: &str, port: u16) {
    let call = Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local: ip("172.18.0.2"),
        remote: ip(to),
        service_port: Port(port),
        transport: Transport::Tcp,
        program: inside(from, "/usr/bin/app"),
        asked: None,
        unasked: false,
    });
    told.say_in(
        Scope::new("socket", "netns-app"),
        "box1",
        "host.sockets",
        call,
        20,
    );
}

#[test]
fn what_one_container_calls_in_another_is_not_the_machines_port_of_that_number() {
    let mut told = Told::default();
    told.host("box1", "10.0.0.2");
    told.say(
        "box1",
        "host.containers",
        at_door("c1", "app", "172.18.0.2", None),
    );
    told.say(
        "box1",
        "host.containers",
        at_door("c2", "db", "172.18.0.3", None),
    );
    told.listens("box1", 5432, unit("/usr/sbin/mariadbd", "mariadb.service"));
    let scope = || Scope::new("socket", "netns-db");
    let listener = at("0.0.0.0", 5432, inside("c2", POSTGRES));
    told.say_in(scope(), "box1", "host.sockets", listener, 20);
    calls_within(&mut told, "c1", "172.18.0.3", 5432);
    let need = ["box1 app:/usr/bin/app -> box1:5432 sql by Container db"];
    assert_eq!(served_by(&told), need);
    // What the other one sees of it is the same need, and none of a program that calls the machine's own.
    told.calls("box1", "127.0.0.1", 5432, bare("/opt/own/bin/own"));
    let cited = |told: &Told, name: &str| {
        let all = told.graph().dependencies;
        let fits = all
            .iter()
            .find(|d| d.consumer.component.name == name.into());
        fits.expect("the need").evidence.len()
    };
    let own = cited(&told, "/opt/own/bin/own");
    let seen_within = Fact::Connection(Connection {
        direction: Direction::Incoming,
        local: ip("172.18.0.3"),
        remote: ip("172.18.0.2"),
        service_port: Port(5432),
        transport: Transport::Tcp,
        program: inside("c2", POSTGRES),
        asked: None,
        unasked: false,
    });
    told.say_in(scope(), "box1", "host.sockets", seen_within, 20);
    assert_eq!(cited(&told, "app:/usr/bin/app"), 2);
    assert_eq!(cited(&told, "/opt/own/bin/own"), own);
    assert_eq!(
        served_by(&told),
        [
            "box1 /opt/own/bin/own -> box1:5432 sql by Unit mariadb.service",
            "box1 app:/usr/bin/app -> box1:5432 sql by Container db",
        ]
    );
}

#[test]
fn a_copy_of_a_database_in_another_container_is_not_itself() {
    let mut told = Told::default();
    told.host("box1", "10.0.0.2");
    told.say(
        "box1",
        "host.containers",
        at_door("c1", "copy", "172.18.0.2", None),
    );
    told.say(
        "box1",
        "host.containers",
        at_door("c2", "db", "172.18.0.3", None),
    );
    told.listens("box1", 5432, bare("/usr/bin/app"));
    let scope = Scope::new("socket", "netns-db");
    let listener = at("0.0.0.0", 5432, inside("c2", "/usr/bin/app"));
    told.say_in(scope, "box1", "host.sockets", listener, 20);
    calls_within(&mut told, "c1", "172.18.0.3", 5432);
    assert_eq!(
        served_by(&told),
        ["box1 copy:/usr/bin/app -> box1:5432 sql by Container db"]
    );
}

const DATABASE: &str = "1c5f3a0b9d7e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246";

/// Two containers of one composition: the program, and the database whose port 5432 is 15432 outside.
fn composition() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("box1", "10.0.0.2");
    let of = |id: &str, name: &str, address: &str, ports: Vec<PublishedPort>| {
        let labels = [
            ("com.docker.compose.project.working_dir", "/srv/shop"),
            ("com.docker.compose.service", name),
        ];
        Fact::Container(Container {
            id: id.into(),
            name: Some(format!("shop-{name}-1").as_str().into()),
            runtime: "docker".into(),
            running: true,
            networks: vec!["shop_default".into()],
            addresses: vec![ip(address)],
            ports,
            labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..Container::default()
        })
    };
    let port = PublishedPort {
        address: None,
        port: Port(15432),
        inner: Port(5432),
        transport: Transport::Tcp,
    };
    told.say(
        "box1",
        "host.containers",
        of(ID, "web", "172.18.0.3", vec![]),
    );
    told.say(
        "box1",
        "host.containers",
        of(DATABASE, "db", "172.18.0.2", vec![port]),
    );
    told
}

fn writes(told: &mut Told, host: &str, file: &str, name: &str) {
    told.writes(
        host,
        reference("environment", file, name, 5432, "postgresql"),
    );
}

#[test]
fn a_service_named_in_a_container_is_the_container_beside_it_and_not_the_machines_port() {
    let mut told = composition();
    // Something of the machine's own at the number the container has within.
    told.listens("box1", 5432, bare("/usr/lib/postgresql/13/bin/postgres"));
    writes(&mut told, "box1", "shop-web-1:environment", "db");
    assert_eq!(
        served_by(&told),
        ["box1 shop-web-1:environment -> box1:5432 postgresql by Container shop-db-1"]
    );
    let (_, entities) = told.graph_and_entities();
    let names: Vec<String> = entities.into_iter().map(|e| e.name).collect();
    assert!(!names.iter().any(|name| name == "db"), "{names:?}");
}

#[test]
fn the_same_name_in_a_file_of_the_machine_or_of_another_one_is_some_machine() {
    let mut told = composition();
    writes(&mut told, "box1", "/etc/app/app.conf", "db");
    writes(&mut told, "app1", "/srv/shop/compose.yml", "db");
    let said = served_by(&told);
    assert!(
        said.len() == 2 && said.iter().all(|line| line.contains("-> db:5432 ")),
        "{said:?}"
    );
}

#[test]
fn a_container_that_names_itself_needs_nobody() {
    let mut told = composition();
    writes(&mut told, "box1", "shop-db-1:environment", "db");
    assert_eq!(served_by(&told), [] as [&str; 0]);
}

//! Needs through what stands between: what is concluded, what is only said, and what stays silent.

mod common;

use common::*;
use groma_fuzz::Chance;
use groma_model::fact::{
    Component, ComponentClass, Forward, ForwardEnd, ForwardMode, NameSource, Program, Reference,
};
use groma_model::inventory::{Basis, Dependency, Strength};
use groma_model::{Fact, Peer, Port, Transport};

fn end(peer: &str, port: u16) -> ForwardEnd {
    ForwardEnd::Endpoint {
        peer: Peer::parse(peer).expect("a test says it right"),
        port: Some(Port(port)),
        transport: Transport::Tcp,
    }
}

fn forward(mode: ForwardMode, listens: ForwardEnd, sends_to: ForwardEnd) -> Forward {
    Forward {
        mode,
        listens,
        sends_to,
        names: Vec::new(),
        conditional: false,
        group: None,
        backup: false,
        via: None,
        kind: None,
        component: Component {
            class: ComponentClass::Unit,
            name: "relay.service".into(),
        },
        file: Some("/etc/relay.conf".into()),
        line: Some(7),
        table: None,
    }
}

fn http(port: u16, to: &str, to_port: u16, names: &[&str]) -> Forward {
    Forward {
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        kind: Some("http".into()),
        ..forward(
            ForwardMode::HttpProxy,
            end("0.0.0.0", port),
            end(to, to_port),
        )
    }
}

fn tcp(port: u16, to: &str, to_port: u16) -> Forward {
    forward(
        ForwardMode::TcpProxy,
        end("0.0.0.0", port),
        end(to, to_port),
    )
}

fn member(of: &str, backup: bool, forward: Forward) -> Forward {
    Forward {
        group: Some(of.into()),
        backup,
        ..forward
    }
}

fn wants(peer: &str, port: u16, kind: &str) -> Reference {
    reference("env-url", "/opt/app/.env", peer, port, kind)
}

/// A consumer, a machine with a relay, and two providers.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1")
        .host("proxy1", "10.0.0.2")
        .host("prov1", "10.0.0.3")
        .host("prov2", "10.0.0.4");
    told
}

impl Told {
    fn hands_on(&mut self, host: &str, forward: Forward) -> &mut Self {
        self.say(host, "host.forwards", Fact::Forward(forward))
    }

    fn concluded(&self) -> Vec<Dependency> {
        let all = self.graph().dependencies;
        all.into_iter()
            .filter(|d| d.basis == Basis::Inferred)
            .collect()
    }

    fn concluded_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.concluded().iter().map(short).collect();
        lines.sort();
        lines
    }

    fn direct(&self, provider: &str) -> Dependency {
        let all = self.graph().dependencies;
        let fits = |d: &Dependency| {
            d.consumer.name == "app1" && d.provider.name == provider && d.basis != Basis::Inferred
        };
        all.into_iter().find(fits).expect("the direct edge")
    }
}

#[test]
fn a_need_of_a_relay_is_a_need_of_who_stands_behind_it() {
    let mut told = estate();
    told.listens(
        "prov1",
        5432,
        unit(
            "/usr/lib/postgresql/15/bin/postgres",
            "postgresql@15-main.service",
        ),
    )
    .calls(
        "app1",
        "10.0.0.2",
        6432,
        unit("/opt/app/bin/app", "app.service"),
    )
    .hands_on("proxy1", tcp(6432, "10.0.0.3", 5432));
    let [edge]: [Dependency; 1] = told.concluded().try_into().unwrap();
    assert_eq!(short(&edge), "app1 app.service -> prov1:5432 sql");
    let [through] = edge.details.through.as_slice() else {
        panic!("{edge:#?}")
    };
    assert_eq!(
        (through.name.as_str(), through.port, through.mode),
        ("proxy1", Some(Port(6432)), ForwardMode::TcpProxy)
    );
    assert!(edge.hidden_because.contains(&"behind-relay".to_owned()));
    assert_eq!(edge.evidence.len(), 2, "the call and the relay are cited");
    assert_eq!(edge.strength, Strength::Blocking);
    // The two direct edges stand beside it.
    let edges = told.edges();
    assert!(
        edges.contains(&"app1 app.service -> proxy1:6432 sql".to_owned()),
        "{edges:#?}"
    );
    assert!(
        edges.contains(&"proxy1 relay.service -> prov1:5432 sql".to_owned()),
        "{edges:#?}"
    );
    assert_eq!(edges.len(), 3);
}

#[test]
fn a_relay_that_is_also_written_by_a_rule_is_one_need_of_the_relay() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 80, bare("/usr/bin/curl"))
        .hands_on("proxy1", http(80, "10.0.0.3", 8080, &[]))
        .writes(
            "proxy1",
            reference("nginx-proxy", "/etc/relay.conf", "10.0.0.3", 8080, "http"),
        );
    let own = told
        .edges()
        .into_iter()
        .filter(|e| e.starts_with("proxy1"))
        .count();
    assert_eq!(own, 1);
}

#[test]
fn a_door_nobody_knocks_at_concludes_nothing() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 22, bare("/usr/bin/ssh"))
        .hands_on("proxy1", tcp(6432, "10.0.0.3", 5432));
    assert!(told.concluded().is_empty());
}

#[test]
fn a_door_for_the_machine_itself_lets_nobody_else_through() {
    let mut told = estate();
    let inner = forward(
        ForwardMode::TcpProxy,
        end("127.0.0.1", 389),
        end("10.0.0.3", 636),
    );
    told.calls("app1", "10.0.0.2", 389, bare("/usr/bin/x"))
        .hands_on("proxy1", inner.clone());
    assert!(told.concluded().is_empty());
    told.calls("proxy1", "127.0.0.1", 389, bare("/usr/bin/mailer"));
    assert_eq!(
        told.concluded_lines(),
        ["proxy1 /usr/bin/mailer -> prov1:636 ldap-bind"]
    );
}

#[test]
fn the_name_asked_for_chooses_among_sites() {
    let mut told = estate();
    for (name, by) in [
        ("a.corp.example", &["10.0.0.2"]),
        ("b.corp.example", &["10.0.0.2"]),
    ] {
        told.name("app1", NameSource::Dns, name, &[], by);
    }
    told.writes("app1", wants("a.corp.example", 80, "http"))
        .hands_on("proxy1", http(80, "10.0.0.3", 8080, &["a.corp.example"]))
        .hands_on(
            "proxy1",
            http(80, "10.0.0.4", 8080, &["*", "b.corp.example"]),
        );
    assert_eq!(
        told.concluded_lines(),
        ["app1 /opt/app/.env -> prov1:8080 http"]
    );
}

#[test]
fn without_a_name_nothing_tells_which_site_is_meant() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 80, bare("/usr/bin/curl"))
        .hands_on("proxy1", http(80, "10.0.0.3", 8080, &["a.corp.example"]))
        .hands_on(
            "proxy1",
            http(80, "10.0.0.4", 8080, &["*", "b.corp.example"]),
        );
    assert!(told.concluded().is_empty());
    assert_eq!(
        told.direct("proxy1").details.onward,
        [
            "one of: 10.0.0.3:8080 (for a.corp.example)",
            "one of: 10.0.0.4:8080 (for *, b.corp.example)"
        ]
    );
    // An address asks for what takes the rest.
    let mut by_address = told.clone();
    by_address.writes("app1", wants("10.0.0.2", 80, "http"));
    assert_eq!(
        by_address.concluded_lines(),
        ["app1 /opt/app/.env -> prov2:8080 http"],
        "nothing ties the file to whoever ran curl"
    );
}

#[test]
fn one_forwarding_site_of_several_is_meant_only_by_who_asks_for_it() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 80, bare("/usr/bin/curl"))
        .hands_on("proxy1", http(80, "10.0.0.3", 8080, &["a.corp.example"]));
    assert!(told.concluded().is_empty(), "the other sites stay there");
    assert_eq!(
        told.direct("proxy1").details.onward,
        ["one of: 10.0.0.3:8080 (for a.corp.example)"]
    );
    let mut by_name = told.clone();
    by_name
        .name(
            "app1",
            NameSource::Dns,
            "a.corp.example",
            &[],
            &["10.0.0.2"],
        )
        .writes("app1", wants("a.corp.example", 80, "http"));
    assert_eq!(by_name.concluded().len(), 1);
}

#[test]
fn a_relay_of_connections_does_not_ask_for_a_site_itself() {
    let mut told = estate();
    let rule = Forward {
        mode: ForwardMode::Nat,
        ..tcp(80, "10.0.0.2", 80)
    };
    told.host("edge1", "10.0.0.9")
        .hands_on("edge1", rule)
        .hands_on(
            "proxy1",
            http(80, "10.0.0.3", 8080, &["*", "a.corp.example"]),
        )
        .hands_on("proxy1", http(80, "10.0.0.4", 8080, &["b.corp.example"]));
    assert!(told.concluded().is_empty(), "{:?}", told.concluded_lines());
}

#[test]
fn members_of_a_group_share_the_work_and_a_backup_is_only_said() {
    let mut told = estate();
    told.host("prov3", "10.0.0.5")
        .calls("app1", "10.0.0.2", 6432, bare("/opt/app"))
        .hands_on("proxy1", member("db", false, tcp(6432, "10.0.0.3", 5432)))
        .hands_on("proxy1", member("db", false, tcp(6432, "10.0.0.4", 5432)))
        .hands_on("proxy1", member("db", true, tcp(6432, "10.0.0.5", 5432)));
    let concluded = told.concluded();
    assert_eq!(
        told.concluded_lines(),
        [
            "app1 /opt/app -> prov1:5432 sql",
            "app1 /opt/app -> prov2:5432 sql"
        ]
    );
    assert!(
        concluded
            .iter()
            .all(|d| d.strength == Strength::Degrading && d.details.one_of_several)
    );
    assert_eq!(
        told.direct("proxy1").details.onward,
        ["one of: 10.0.0.5:5432 (a backup)"]
    );
    let own = told.graph().dependencies;
    let own: Vec<_> = own.iter().filter(|d| d.consumer.name == "proxy1").collect();
    assert_eq!(own.len(), 3);
    assert!(
        own.iter().all(|d| d.strength == Strength::Degrading),
        "the relay has a second one, too"
    );
}

#[test]
fn a_path_under_a_condition_is_said_and_not_concluded() {
    let mut told = estate();
    let only = Forward {
        conditional: true,
        ..http(80, "10.0.0.3", 8080, &[])
    };
    told.calls("app1", "10.0.0.2", 80, bare("/usr/bin/curl"))
        .hands_on("proxy1", only.clone());
    assert!(told.concluded().is_empty(), "nobody knows the path");
    told.hands_on("proxy1", http(80, "10.0.0.4", 80, &[]));
    assert_eq!(
        told.concluded_lines(),
        ["app1 /usr/bin/curl -> prov2:80 http"]
    );
    assert_eq!(
        told.direct("proxy1").details.onward,
        ["one of: 10.0.0.3:8080 (under a condition)"]
    );
}

#[test]
fn a_chain_of_relays_is_followed_to_its_end_and_a_circle_ends() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 1, bare("/opt/app"))
        .hands_on("proxy1", tcp(1, "127.0.0.1", 2))
        .hands_on("proxy1", tcp(2, "10.0.0.3", 3))
        .hands_on("prov1", tcp(3, "10.0.0.4", 4))
        .hands_on("prov2", tcp(4, "10.0.0.2", 1));
    assert_eq!(
        told.concluded_lines()
            .iter()
            .filter(|l| l.starts_with("app1"))
            .collect::<Vec<_>>(),
        [
            "app1 /opt/app -> prov1:3 other",
            "app1 /opt/app -> prov2:4 other"
        ]
    );
    let longest = told
        .concluded()
        .into_iter()
        .map(|d| d.details.through.len())
        .max();
    assert_eq!(longest, Some(3));
}

#[test]
fn a_socket_in_the_file_system_links_two_relays() {
    let mut told = estate();
    let socket = ForwardEnd::Socket {
        path: "/run/b.sock".into(),
    };
    told.calls("app1", "10.0.0.2", 80, bare("/opt/app"))
        .hands_on(
            "proxy1",
            forward(ForwardMode::HttpProxy, end("0.0.0.0", 80), socket.clone()),
        )
        .hands_on(
            "proxy1",
            forward(ForwardMode::TcpProxy, socket, end("10.0.0.3", 81)),
        );
    assert_eq!(told.concluded_lines(), ["app1 /opt/app -> prov1:81 http"]);
}

#[test]
fn a_tunnel_leads_from_the_machine_itself_and_from_its_far_end() {
    let mut told = estate();
    let near = Forward {
        via: Peer::parse("10.0.0.2"),
        ..forward(
            ForwardMode::Tunnel,
            end("127.0.0.1", 5432),
            end("10.0.0.3", 5432),
        )
    };
    told.calls("app1", "127.0.0.1", 5432, unit("/opt/app", "app.service"))
        .hands_on("app1", near);
    assert_eq!(
        told.concluded_lines(),
        ["app1 app.service -> prov1:5432 sql"]
    );
    // `-R`: the door stands on proxy1, which calls itself; the provider is whom app1 calls.
    let mut told = estate();
    let back = forward(
        ForwardMode::Tunnel,
        end("10.0.0.2", 2222),
        end("10.0.0.4", 22),
    );
    told.calls("proxy1", "127.0.0.1", 2222, bare("/usr/bin/ssh"))
        .hands_on("app1", back);
    assert_eq!(
        told.concluded_lines(),
        ["proxy1 /usr/bin/ssh -> prov2:22 ssh"]
    );
}

#[test]
fn what_the_far_end_of_a_tunnel_opens_is_the_far_ends_need() {
    let mut told = estate();
    let near = Forward {
        via: Peer::parse("10.0.0.2"),
        file: Some("/opt/app/.env".into()),
        line: Some(3),
        ..forward(
            ForwardMode::Tunnel,
            end("127.0.0.1", 2222),
            end("10.0.0.3", 22),
        )
    };
    // The line that opens the tunnel is also read as naming whom it leads to.
    told.writes("app1", wants("10.0.0.3", 22, "ssh"))
        .hands_on("app1", near);
    assert_eq!(told.edges(), ["proxy1 proxy1 -> prov1:22 ssh"]);
    // Who goes through it needs who stands behind it.
    told.calls("app1", "127.0.0.1", 2222, bare("/usr/bin/rsync"));
    assert_eq!(
        told.concluded_lines(),
        ["app1 /usr/bin/rsync -> prov1:22 ssh"]
    );
    // A line of somebody else there is a need of its own.
    let mut other = told.clone();
    other.writes(
        "app1",
        reference("env-url", "/etc/other", "10.0.0.3", 22, "ssh"),
    );
    let lines = other.edges();
    assert!(
        lines.contains(&"app1 /etc/other -> prov1:22 ssh".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_program_nobody_knows_on_the_relay_itself_adds_no_need_through_it() {
    let mut told = estate();
    told.calls("proxy1", "10.0.0.2", 80, Program::default())
        .hands_on("proxy1", http(80, "10.0.0.3", 8080, &[]));
    assert_eq!(
        told.edges(),
        [
            "proxy1 proxy1 -> proxy1:80 http",
            "proxy1 relay.service -> prov1:8080 http"
        ]
    );
}

#[test]
fn what_a_network_carries_is_said_of_the_edge_itself() {
    let mut told = estate();
    let carried = forward(
        ForwardMode::Tunnel,
        ForwardEnd::Network {
            network: "10.0.0.4/32".into(),
        },
        end("10.0.0.2", 51820),
    );
    let all = forward(
        ForwardMode::Tunnel,
        ForwardEnd::Network {
            network: "0.0.0.0/0".into(),
        },
        end("10.0.0.2", 51820),
    );
    told.calls("app1", "10.0.0.4", 80, bare("/opt/app"))
        .calls("app1", "10.0.0.3", 80, bare("/opt/app"))
        .hands_on("app1", carried)
        .hands_on("app1", all);
    assert_eq!(told.direct("prov2").details.through.len(), 1);
    assert!(told.direct("prov1").details.through.is_empty());
    assert!(told.concluded().is_empty());
}

#[test]
fn two_hundred_targets_end_in_a_limit() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 80, bare("/opt/app"));
    for n in 1..=200 {
        let to = format!("10.1.0.{n}");
        told.hands_on("proxy1", member("many", false, tcp(80, &to, 80)));
    }
    assert_eq!(told.concluded().len(), 64);
    assert!(
        told.direct("proxy1")
            .details
            .onward
            .contains(&"further targets that are not listed".to_owned())
    );
}

#[test]
fn the_order_of_the_evidence_does_not_matter() {
    let mut told = estate();
    told.calls("app1", "10.0.0.2", 80, bare("/opt/app"))
        .calls("prov2", "10.0.0.2", 80, bare("/opt/app"))
        .hands_on("proxy1", member("db", false, tcp(80, "10.0.0.3", 5432)))
        .hands_on("proxy1", member("db", false, tcp(80, "10.0.0.4", 5432)))
        .hands_on("prov1", http(5432, "10.0.0.4", 81, &["a"]))
        .hands_on("prov1", http(5432, "10.0.0.1", 81, &["b"]));
    let wanted = told.edges();
    let mut chance = Chance::new(7);
    for _ in 0..20 {
        for at in (1..told.0.len()).rev() {
            told.0.swap(at, chance.below(at + 1));
        }
        let twice = Told(told.0.iter().chain(&told.0).cloned().collect());
        assert_eq!(twice.edges(), wanted);
    }
}

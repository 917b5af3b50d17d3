//! Who watches whom: said from either end, or seen.

mod common;

use common::*;
use groma_model::fact::{
    Component, ComponentClass, Connection, Direction, Forward, ForwardEnd, ForwardMode, Program,
    Watch, WatchPurpose,
};
use groma_model::{Fact, Peer, Port, Transport};

fn allows(told: &mut Told, host: &str, product: &str, peer: Option<&str>, network: Option<&str>) {
    let watch = Watch {
        purpose: WatchPurpose::WatchedBy,
        product: product.into(),
        peer: peer.and_then(Peer::parse),
        network: network.map(str::to_owned),
        port: Some(Port(5666)),
        transport: Transport::Tcp,
        file: "/etc/nagios/nrpe.cfg".into(),
        line: 1,
    };
    told.say(host, "host.watching", Fact::Watch(watch));
}

/// `web1 watched-by mon1 (NRPE)`, sorted.
fn rows(told: &Told) -> Vec<String> {
    let (graph, entities) = told.graph_and_entities();
    let name = |id: &groma_model::EntityId| {
        let entity = entities.iter().find(|e| e.id == *id);
        entity.map(|e| e.name.clone()).unwrap_or_default()
    };
    let mut rows: Vec<String> = graph
        .watching
        .iter()
        .map(|w| {
            format!(
                "{} {:?} {} ({})",
                name(&w.entity),
                w.purpose,
                w.name,
                w.products.join(", ")
            )
        })
        .collect();
    assert!(graph.watching.iter().all(|w| !w.evidence.is_empty()));
    let cited = |id: &groma_model::EvidenceId| graph.evidence.iter().any(|e| e.id == *id);
    assert!(graph.watching.iter().flat_map(|w| &w.evidence).all(cited));
    rows.sort();
    rows
}

#[test]
fn what_the_machine_allows_and_what_the_watcher_lists_are_one_row() {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("web1", "10.0.0.10");
    allows(&mut told, "web1", "NRPE", Some("10.0.0.5"), None);
    told.writes(
        "mon1",
        reference(
            "nagios-check",
            "/etc/nagios4/conf.d/web.cfg",
            "10.0.0.10",
            443,
            "http",
        ),
    );
    assert_eq!(
        rows(&told),
        ["web1 WatchedBy mon1 (/etc/nagios4/conf.d/web.cfg, NRPE)"]
    );
    let mut turned = told.clone();
    turned.0.reverse();
    assert_eq!(turned.graph().watching, told.graph().watching);
}

#[test]
fn the_port_says_who_watches_whom() {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("web1", "10.0.0.10");
    told.writes(
        "mon1",
        reference(
            "prometheus-scrape",
            "/etc/prometheus/prometheus.yml",
            "10.0.0.10",
            9100,
            "monitoring",
        ),
    );
    told.writes(
        "web1",
        reference(
            "zabbix-agent",
            "/etc/zabbix/zabbix_agentd.conf",
            "10.0.0.5",
            10051,
            "monitoring",
        ),
    );
    told.writes(
        "web1",
        reference(
            "rsyslog-forward",
            "/etc/rsyslog.d/1.conf",
            "10.0.0.5",
            514,
            "syslog",
        ),
    );
    let said: Vec<String> = rows(&told)
        .iter()
        .map(|r| r.split(" (").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(said, ["web1 LogsTo mon1", "web1 WatchedBy mon1"]);
}

#[test]
fn whoever_was_seen_asking_watches() {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("web1", "10.0.0.10");
    told.calls(
        "mon1",
        "10.0.0.10",
        10050,
        unit("/usr/sbin/zabbix_server", "zabbix-server.service"),
    );
    told.listens(
        "web1",
        10050,
        unit("/usr/sbin/zabbix_agentd", "zabbix-agent.service"),
    );
    assert_eq!(rows(&told), ["web1 WatchedBy mon1 (zabbix-server.service)"]);
}

#[test]
fn a_default_that_names_this_machine_is_no_watcher() {
    let mut told = Told::default();
    told.host("web1", "10.0.0.10");
    allows(&mut told, "web1", "NRPE", Some("127.0.0.1"), None);
    allows(&mut told, "web1", "NRPE", Some("10.0.0.10"), None);
    told.writes(
        "web1",
        reference(
            "zabbix-agent",
            "/etc/zabbix/zabbix_agentd.conf",
            "127.0.0.1",
            10051,
            "monitoring",
        ),
    );
    told.writes(
        "web1",
        reference(
            "prometheus-scrape",
            "/etc/prometheus/prometheus.yml",
            "localhost",
            9100,
            "monitoring",
        ),
    );
    assert_eq!(rows(&told), [] as [&str; 0]);
    allows(&mut told, "web1", "node exporter", None, Some("*"));
    assert_eq!(rows(&told), ["web1 WatchedBy * (node exporter)"]);
}

#[test]
fn alarms_and_ordinary_needs_say_nothing_about_watching() {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("web1", "10.0.0.10");
    let mut alarms = reference(
        "prometheus-scrape",
        "/etc/prometheus/prometheus.yml",
        "10.0.0.10",
        9093,
        "monitoring",
    );
    alarms.key = "alerting.alertmanagers.static_configs.targets".to_owned();
    told.writes("mon1", alarms);
    told.writes(
        "mon1",
        reference(
            "postfix-relayhost",
            "/etc/postfix/main.cf",
            "10.0.0.10",
            25,
            "smtp-relay",
        ),
    );
    assert_eq!(rows(&told), [] as [&str; 0]);
}

#[test]
fn what_reaches_its_store_of_logs_through_a_tunnel_still_logs_there() {
    let mut told = Told::default();
    told.host("branch1", "10.9.0.2").host("log1", "10.0.0.5");
    let endpoint = ForwardEnd::Endpoint {
        peer: Peer::parse("vpn.example.com").unwrap(),
        port: Some(Port(51820)),
        transport: Transport::Udp,
    };
    let tunnel = Forward {
        mode: ForwardMode::Tunnel,
        listens: ForwardEnd::Network {
            network: "10.0.0.0/24".into(),
        },
        sends_to: endpoint,
        names: Vec::new(),
        conditional: false,
        group: None,
        backup: false,
        via: None,
        kind: Some("vpn".into()),
        component: Component {
            class: ComponentClass::Unit,
            name: "wg-quick@wg0.service".into(),
        },
        file: Some("/etc/wireguard/wg0.conf".into()),
        line: Some(7),
        table: None,
    };
    told.say("branch1", "host.forwards", Fact::Forward(tunnel));
    let file = "/etc/rsyslog.d/1.conf";
    told.writes(
        "branch1",
        reference("rsyslog-forward", file, "10.0.0.5", 6514, "syslog"),
    );
    let carried = told.graph().dependencies;
    assert!(carried.iter().any(|d| !d.details.through.is_empty()));
    assert_eq!(rows(&told), ["branch1 LogsTo log1 (/etc/rsyslog.d/1.conf)"]);
}

/// `mon1` asks `box1` by SNMP.
fn asks_by_snmp(program: Program) -> Vec<String> {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("box1", "10.0.0.10");
    let call = Connection {
        direction: Direction::Outgoing,
        local: ip("10.0.0.5"),
        remote: ip("10.0.0.10"),
        service_port: Port(161),
        transport: Transport::Udp,
        program,
        asked: None,
        unasked: false,
    };
    told.say_seen("mon1", "host.sockets", Fact::Connection(call), 20);
    assert_eq!(told.only_edge().kind, "snmp");
    rows(&told)
}

#[test]
fn a_spooler_that_asks_a_printer_by_snmp_watches_nobody() {
    let none: [&str; 0] = [];
    assert_eq!(
        asks_by_snmp(unit("/usr/lib/cups/backend/snmp", "cups.service")),
        none
    );
    assert_eq!(
        asks_by_snmp(unit("/lib/nut/snmp-ups", "nut-driver@ups1.service")),
        none
    );
    assert_eq!(
        asks_by_snmp(unit("/usr/sbin/zabbix_server", "zabbix-server.service")),
        ["box1 WatchedBy mon1 (zabbix-server.service)"]
    );
}

#[test]
fn where_measurements_are_sent_to_be_stored_is_not_who_watches() {
    let mut told = Told::default();
    told.host("mon1", "10.0.0.5").host("tsdb1", "10.0.0.10");
    let file = "/etc/prometheus/prometheus.yml";
    told.writes(
        "mon1",
        reference("prometheus-remote", file, "10.0.0.10", 9090, "monitoring"),
    );
    assert_eq!(rows(&told), [] as [&str; 0]);
}

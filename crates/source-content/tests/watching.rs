//! `host.watching`: who may ask the agents of a machine, beside the settings packages ship.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use std::path::Path;

use groma_source_content::WatchingSource;
use support::{look, machine, put, says, world};

/// Copies what the packages install below `root`.
fn shipped(root: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/watching/debian-12");
    for file in [
        "etc/nagios/nrpe.cfg",
        "etc/zabbix/zabbix_agentd.conf",
        "etc/munin/munin-node.conf",
        "etc/snmp/snmpd.conf",
        "etc/icinga2/zones.conf",
        "etc/icinga2/constants.conf",
    ] {
        put(root, file, &std::fs::read(from.join(file)).unwrap());
    }
}

fn said(root: &Path) -> Vec<String> {
    let world = world(root);
    let seen = look(&mut WatchingSource::new(world.clone()), &world);
    assert!(!format!("{:?}", seen.records).contains("canary"));
    says(&seen)
}

#[test]
fn what_packages_ship_names_nobody_from_elsewhere() {
    let root = machine();
    shipped(root.path());
    assert_eq!(
        said(root.path()),
        [
            "this machine may ask NRPE at 5666/tcp (/etc/nagios/nrpe.cfg:7)",
            "this machine may ask SNMP agent at 161/udp (/etc/snmp/snmpd.conf)",
            "this machine may ask Zabbix agent at 10050/tcp (/etc/zabbix/zabbix_agentd.conf:4)",
            "this machine may ask munin-node at 4949/tcp (/etc/munin/munin-node.conf:15)",
        ]
    );
}

#[test]
fn what_the_house_wrote_names_who_may_ask() {
    let root = machine();
    shipped(root.path());
    let root = root.path();
    put(
        root,
        "etc/nagios/nrpe.d/house.cfg",
        b"allowed_hosts=10.0.0.5,mon2.corp.example\n",
    );
    put(
        root,
        "etc/zabbix/zabbix_agentd.conf.d/house.conf",
        b"Server=10.0.0.0/24\n",
    );
    put(
        root,
        "etc/munin/munin-node.conf",
        b"allow ^127\\.0\\.0\\.1$\nallow ^10\\.0\\.0\\.6$\nhost *\n",
    );
    put(
        root,
        "etc/snmp/snmpd.conf",
        b"agentaddress udp:161\nrocommunity canary 10.0.0.7\n",
    );
    put(
        root,
        "etc/xinetd.d/check_mk",
        b"service check_mk\n{\n\tport = 6556\n\tonly_from = 10.0.0.8\n}\n",
    );
    put(
        root,
        "etc/icinga2/constants.conf",
        b"const NodeName = \"web1\"\nconst TicketSalt = \"canary\"\n",
    );
    put(root, "etc/icinga2/zones.conf", b"object Endpoint \"mon3\" { host = \"10.0.0.9\" }\nobject Zone \"master\" { endpoints = [ \"mon3\" ] }\nobject Endpoint \"web1\" {\n}\nobject Zone \"web1\" {\n  endpoints = [ \"web1\" ]\n  parent = \"master\"\n}\n");
    assert_eq!(
        said(root),
        [
            "10.0.0.0/24 may ask Zabbix agent at 10050/tcp (/etc/zabbix/zabbix_agentd.conf.d/house.conf:1)",
            "10.0.0.5 may ask NRPE at 5666/tcp (/etc/nagios/nrpe.d/house.cfg:1)",
            "10.0.0.6 may ask munin-node at 4949/tcp (/etc/munin/munin-node.conf:2)",
            "10.0.0.7 may ask SNMP agent at 161/udp (/etc/snmp/snmpd.conf:2)",
            "10.0.0.8 may ask Checkmk agent at 6556/tcp (/etc/xinetd.d/check_mk:4)",
            "10.0.0.9 may ask Icinga 2 at 5665/tcp (/etc/icinga2/zones.conf:1)",
            "mon2.corp.example may ask NRPE at 5666/tcp (/etc/nagios/nrpe.d/house.cfg:1)",
        ]
    );
}

#[test]
fn an_agent_that_nothing_starts_is_no_agent() {
    let root = machine();
    let root = root.path();
    put(root, "etc/nagios/nrpe.cfg", b"allowed_hosts=10.0.0.5\n");
    put(
        root,
        "lib/systemd/system/nagios-nrpe-server.service",
        b"[Service]\nExecStart=/usr/sbin/nrpe\n",
    );
    assert_eq!(said(root), [] as [&str; 0]);
    let wanted = root.join("etc/systemd/system/multi-user.target.wants");
    std::fs::create_dir_all(&wanted).unwrap();
    std::os::unix::fs::symlink(
        "/lib/systemd/system/nagios-nrpe-server.service",
        wanted.join("nagios-nrpe-server.service"),
    )
    .unwrap();
    assert_eq!(said(root).len(), 1);
}

#[test]
fn an_exporter_answers_anybody_unless_it_listens_here_alone() {
    let root = machine();
    let root = root.path();
    let wanted = root.join("etc/systemd/system/multi-user.target.wants");
    std::fs::create_dir_all(&wanted).unwrap();
    std::os::unix::fs::symlink("/lib/x", wanted.join("prometheus-node-exporter.service")).unwrap();
    put(
        root,
        "etc/default/prometheus-node-exporter",
        b"# ARGS=\"--web.listen-address=:1\"\nARGS=\"\"\n",
    );
    assert_eq!(
        said(root),
        ["anybody may ask prometheus-node-exporter at 9100/tcp (prometheus-node-exporter.service)"]
    );
    put(
        root,
        "etc/default/prometheus-node-exporter",
        b"ARGS=\"--web.listen-address=127.0.0.1:9101 --collector.x\"\n",
    );
    assert_eq!(
        said(root),
        [
            "this machine may ask prometheus-node-exporter at 9101/tcp (prometheus-node-exporter.service)"
        ]
    );
}

#[test]
fn a_server_says_that_its_list_stands_in_its_database() {
    let root = machine();
    put(
        root.path(),
        "etc/zabbix/zabbix_server.conf",
        b"DBPassword=canary\n",
    );
    let world = world(root.path());
    let seen = look(&mut WatchingSource::new(world.clone()), &world);
    assert!(format!("{:?}", seen.records).contains("whom Zabbix on this machine watches"));
    assert!(!format!("{:?}", seen.records).contains("canary"));
}

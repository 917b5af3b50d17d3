//! Real snmpd and lldpd, joined by AgentX, on a copier and on the router it is plugged into; and a connection over IPv6.
//!
//! net-snmp serves LLDP-MIB through lldpd, IPv6 rows of tcpConnectionTable and the address tables itself. It has neither BRIDGE-MIB
//! nor Q-BRIDGE-MIB: forwarding tables come from recorded walks (`walks.rs`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests; a skipped one says so, and a child says what it heard"
)]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use groma_model::device::{LinkSeen, LinkTable};
use groma_model::{Fact, SourceName};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_snmp::SnmpSource;

const ASKS: &str = "GROMA_ASKS_NEIGHBOURS";
const COPIER: &str = "192.0.2.50";
const COPIER6: &str = "2001:db8::50";
const ROUTER: &str = "192.0.2.1";

/// Asks from within the network of whoever asks; does nothing unless the test below started it.
#[test]
fn asks_the_copier_and_the_router() {
    if std::env::var_os(ASKS).is_none() {
        return;
    }
    let at = tempfile::tempdir().unwrap();
    let file = at.path().join("access.toml");
    let range = |range: &str| format!("[[snmp]]\nrange = \"{range}\"\ncommunity = \"devices\"\n");
    let both = range("192.0.2.0/24") + &range("2001:db8::/64");
    std::fs::write(&file, both).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let world = groma_sys::this_machine(false);
    let access = groma_source_snmp::access::read(world.disk.as_ref(), &file).unwrap();
    let limit = Duration::from_secs(120);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, limit);
    let hosts = [COPIER, COPIER6, ROUTER].map(|host| host.parse().unwrap());
    let mut sink = Recorder::new(SourceName::new("network.snmp"));
    SnmpSource::new(world, hosts, access).look(&window, &Budget::default(), &mut sink);
    for fact in sink.facts() {
        match fact {
            Fact::LinkSeen(link) => println!("LINK {}", serde_json::to_string(link).unwrap()),
            Fact::TableUse(used) => println!(
                "NEED {} {} {} {}",
                used.consumer,
                used.provider,
                used.port.unwrap(),
                used.kind
            ),
            Fact::DeviceSays(says) => println!("SAYS {} {:?}", says.address, says.class),
            _ => {}
        }
    }
    sink.gaps().for_each(|gap| println!("GAP {}", gap.what));
}

fn lack() -> Option<&'static str> {
    let has = |script: &str| {
        let done = Command::new("sh").args(["-c", script]).output();
        done.is_ok_and(|done| done.status.success())
    };
    match () {
        () if !has("test \"$(id -u)\" = 0 && unshare -n -m true") => Some("no namespaces here"),
        () if !has("command -v snmpd lldpd lldpcli python3 ip ss") => {
            Some("snmpd, lldpd, python3, ip or ss is not here")
        }
        () => None,
    }
}

#[test]
fn a_copier_and_its_router_tell_each_other_and_the_mail_server_met_over_ipv6() {
    if let Some(lack) = lack() {
        eprintln!("SKIPPED: {lack}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/neighbours.sh");
    let done = Command::new("unshare")
        .args(["-n", "-m", "bash", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(ASKS, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let why = || format!("{told}\n{}", String::from_utf8_lossy(&done.stderr));
    let links = told.lines().filter_map(|line| line.strip_prefix("LINK "));
    let links: Vec<LinkSeen> = links
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |device: &str, by: LinkTable| {
        let device = Some(device.parse().unwrap());
        let is = move |link: &&LinkSeen| link.device == device && link.by == by;
        links.iter().filter(is).collect::<Vec<_>>()
    };
    let [up] = of(COPIER, LinkTable::Lldp)[..] else {
        panic!("one neighbour of the copier: {}", why());
    };
    assert_eq!(up.name.as_deref(), Some("router-1"));
    assert_eq!(up.port.as_deref(), Some("eth0"));
    assert_eq!(up.neighbour_port.as_deref(), Some("port7"), "not its MAC");
    assert_eq!(up.address, Some(ROUTER.parse().unwrap()));
    let [down] = of(ROUTER, LinkTable::Lldp)[..] else {
        panic!("one neighbour of the router: {}", why());
    };
    assert_eq!(down.name.as_deref(), Some("copier-2"));
    assert_eq!(down.port.as_deref(), Some("port7"));
    assert_eq!(down.address, Some(COPIER.parse().unwrap()));
    let met = of(ROUTER, LinkTable::Neighbours);
    assert!(
        met.iter().any(|link| link.address == down.address),
        "{}",
        why()
    );
    // The twin: a copier is no router, and its own address table is not read.
    assert!(of(COPIER, LinkTable::Neighbours).is_empty(), "{}", why());
    for device in [COPIER, COPIER6] {
        let need = format!("NEED {device} 2001:db8::25 25 smtp-relay");
        assert!(told.contains(&need), "{}", why());
    }
    assert_eq!(told.matches("NEED ").count(), 2, "{}", why());
    assert!(!told.contains("GAP "), "{}", why());
}

use super::*;
use crate::host::network::AREA;
use crate::host::testing::{references, said};
use crate::{Adapter, Rows, Value, WrittenRegistry};

const GUID: &str = "{11111111-2222-3333-4444-555555555555}";

fn interface() -> String {
    format!(r"{TCPIP}\Interfaces\{GUID}")
}

fn netbios() -> String {
    format!(r"{NETBT}\Interfaces\Tcpip_{GUID}")
}

fn rows(up: bool) -> Rows {
    Rows {
        adapters: vec![Adapter {
            name: "Ethernet".into(),
            guid: Some(GUID.to_uppercase()),
            up,
            name_servers: vec![
                "10.0.0.2".parse().unwrap(),
                "fec0:0:0:ffff::1".parse().unwrap(),
            ],
            ..Adapter::default()
        }],
        ..Rows::default()
    }
}

fn leased() -> WrittenRegistry {
    WrittenRegistry::default()
        .with(&interface(), "EnableDHCP", Value::Number(1))
        .with_text(&interface(), "NameServer", "")
        .with_text(&interface(), "DhcpNameServer", "10.0.0.2 10.0.0.3")
        .with_text(&interface(), "DhcpServer", "10.0.0.4")
        .with_text(&interface(), "DhcpIPAddress", "10.0.0.50")
        .with(
            &netbios(),
            "DhcpNameServerList",
            Value::List(vec!["10.0.0.6".into()]),
        )
}

const LEASED: [&str; 4] = [
    "windows-resolver DhcpNameServer -> dns 10.0.0.2:53/udp by Dnscache.service",
    "windows-resolver DhcpNameServer -> dns 10.0.0.3:53/udp by Dnscache.service",
    "windows-dhcp DhcpServer -> dhcp 10.0.0.4:67/udp by Dhcp.service",
    "windows-wins DhcpNameServerList -> dns 10.0.0.6:137/udp by lmhosts.service",
];

#[test]
fn an_interface_with_a_lease_names_its_servers() {
    assert_eq!(references(&said(&AREA, &leased(), &rows(true))), LEASED);
    let asleep = references(&said(&AREA, &leased(), &Rows::default()));
    assert_eq!(
        asleep, LEASED,
        "adapters could not be asked, it has an address"
    );
}

#[test]
fn an_interface_that_is_down_or_gone_names_nobody() {
    assert!(references(&said(&AREA, &leased(), &rows(false))).is_empty());
    let gone = leased().with_text(&interface(), "DhcpIPAddress", "0.0.0.0");
    let gone = references(&said(&AREA, &gone, &rows(false)));
    assert!(gone.is_empty());
}

#[test]
fn what_somebody_wrote_wins_and_what_a_lease_left_over_is_nothing() {
    let written = WrittenRegistry::default()
        .with(&interface(), "EnableDHCP", Value::Number(0))
        .with_text(&interface(), "NameServer", "10.0.0.8,127.0.0.1,10.0.0.2")
        .with_text(&interface(), "DhcpNameServer", "192.168.1.1")
        .with_text(&interface(), "DhcpServer", "192.168.1.1")
        .with(
            &netbios(),
            "NameServerList",
            Value::List(vec!["10.0.0.7".into()]),
        )
        .with(
            &netbios(),
            "DhcpNameServerList",
            Value::List(vec!["192.168.1.1".into()]),
        );
    assert_eq!(
        references(&said(&AREA, &written, &rows(true))),
        [
            "windows-resolver NameServer -> dns 10.0.0.8:53/udp by Dnscache.service",
            "windows-resolver NameServer -> dns 10.0.0.2:53/udp by Dnscache.service",
            "windows-wins NameServerList -> dns 10.0.0.7:137/udp by lmhosts.service",
        ]
    );
    let left_over = WrittenRegistry::default()
        .with(&interface(), "EnableDHCP", Value::Number(0))
        .with_text(&interface(), "DhcpNameServer", "192.168.1.1");
    assert_eq!(
        references(&said(&AREA, &left_over, &rows(true))),
        ["windows-resolver NameServer -> dns 10.0.0.2:53/udp by Dnscache.service"],
        "only whom the stack asks in fact"
    );
}

#[test]
fn whom_the_stack_asks_is_told_where_no_key_says_it() {
    let mut rows = rows(true);
    assert_eq!(
        references(&said(&AREA, &WrittenRegistry::default(), &rows)),
        ["windows-resolver NameServer -> dns 10.0.0.2:53/udp by Dnscache.service"]
    );
    rows.adapters[0].up = false;
    assert!(references(&said(&AREA, &WrittenRegistry::default(), &rows)).is_empty());
}

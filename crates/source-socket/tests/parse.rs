//! Recorded tables, read both ways; and bytes nobody ever recorded.
#![cfg(target_os = "linux")]

use std::net::IpAddr;
use std::path::Path;

use groma_model::fact::Direction;
use groma_model::{Port, Transport};
use groma_source_socket::cgroup::membership;
use groma_source_socket::classify::{Listeners, Role, role};
use groma_source_socket::diagnostics::{Progress, read_datagram};
use groma_source_socket::process::{effective_uid, has_ended, start_ticks};
use groma_source_socket::table::read_table;
use groma_source_socket::{EphemeralPorts, Phase, Rows, Socket, script};
use proptest::prelude::*;

const TCP: &[u8] = include_bytes!("fixtures/linux-6.18/tcp.netlink");
const TCP6: &[u8] = include_bytes!("fixtures/linux-6.18/tcp6.netlink");
const UDP: &[u8] = include_bytes!("fixtures/linux-6.18/udp.netlink");
const UDP6: &[u8] = include_bytes!("fixtures/linux-6.18/udp6.netlink");
const TCP_TEXT: &[u8] = include_bytes!("fixtures/linux-6.18/tcp.txt");
const TCP6_TEXT: &[u8] = include_bytes!("fixtures/linux-6.18/tcp6.txt");
const UDP_TEXT: &[u8] = include_bytes!("fixtures/linux-6.18/udp.txt");
const UDP6_TEXT: &[u8] = include_bytes!("fixtures/linux-6.18/udp6.txt");

fn from_netlink(bytes: &[u8], transport: Transport) -> Rows {
    let mut rows = Rows::default();
    assert_eq!(
        read_datagram(bytes, transport, 1, 1000, &mut rows),
        Progress::Done
    );
    rows
}

fn from_text(bytes: &[u8], transport: Transport) -> Rows {
    let mut rows = Rows::default();
    read_table(bytes, transport, 1000, &mut rows);
    rows
}

/// Everything but what only netlink tells, in one order. The owner of a socket nobody holds means nothing.
fn comparable(rows: Rows) -> Vec<String> {
    let plain = |socket: Socket| Socket {
        cookie: 0,
        only_v6: false,
        // The two tables were asked one after the other.
        ended_ms: socket.ended_ms.map(|_| 0),
        uid: if socket.inode == 0 { 0 } else { socket.uid },
        ..socket
    };
    let mut all: Vec<String> = rows
        .sockets
        .into_iter()
        .map(|socket| format!("{:?}", plain(socket)))
        .collect();
    all.sort();
    all
}

fn recorded(transport: Transport) -> Vec<Socket> {
    let (v4, v6) = if transport == Transport::Tcp {
        (TCP, TCP6)
    } else {
        (UDP, UDP6)
    };
    let mut sockets = from_netlink(v4, transport).sockets;
    sockets.extend(from_netlink(v6, transport).sockets);
    sockets
}

#[test]
fn both_ways_of_asking_give_the_same_sockets() {
    for (netlink, text, transport, count) in [
        (TCP, TCP_TEXT, Transport::Tcp, 11),
        (TCP6, TCP6_TEXT, Transport::Tcp, 5),
        (UDP, UDP_TEXT, Transport::Udp, 2),
        (UDP6, UDP6_TEXT, Transport::Udp, 1),
    ] {
        let (netlink, text) = (from_netlink(netlink, transport), from_text(text, transport));
        assert!(netlink.is_complete() && text.is_complete());
        assert_eq!(netlink.sockets.len(), count);
        assert_eq!(comparable(netlink), comparable(text));
    }
}

#[test]
fn the_recorded_sockets_are_what_was_opened() {
    let sockets = recorded(Transport::Tcp);
    let listening = |port| {
        sockets
            .iter()
            .find(|s| s.phase == Phase::Listening && s.local_port == Port(port))
            .unwrap()
    };
    assert!(listening(9443).only_v6 && !listening(8443).only_v6 && !listening(8080).only_v6);
    assert_eq!(
        sockets.iter().filter(|s| s.phase == Phase::Attempt).count(),
        3
    );
    assert_eq!(
        sockets
            .iter()
            .filter(|s| s.phase == Phase::Connected && s.inode == 0)
            .count(),
        2
    );
    assert!(sockets.iter().all(|s| s.local.to_canonical() == s.local));
    assert!(
        recorded(Transport::Udp)
            .iter()
            .all(|s| s.inode != 0 && s.cookie != 0)
    );
}

#[test]
fn every_recorded_connection_has_its_direction() {
    let ephemeral = EphemeralPorts::default();
    let mut listeners = Listeners::default();
    let sockets = [recorded(Transport::Tcp), recorded(Transport::Udp)].concat();
    listeners.learn(&sockets, ephemeral);
    let mut told: Vec<String> = Vec::new();
    for socket in &sockets {
        let line = match role(socket, &listeners, ephemeral) {
            None => continue,
            Some(Role::Listener) => format!(
                "{} {}/{} listens",
                socket.local, socket.local_port, socket.transport
            ),
            Some(Role::Connection {
                direction,
                service_port,
            }) => format!(
                "{} {service_port}/{} {direction:?}",
                socket.local, socket.transport
            ),
        };
        told.push(line);
    }
    told.sort();
    assert_eq!(
        told,
        [
            "0.0.0.0 8080/tcp listens",
            "127.0.0.1 20514/udp Outgoing",
            "127.0.0.1 20514/udp listens",
            "127.0.0.1 7070/tcp Incoming",
            "127.0.0.1 7070/tcp Outgoing",
            "127.0.0.1 7070/tcp listens",
            "127.0.0.1 8080/tcp Incoming",
            "127.0.0.1 8080/tcp Outgoing",
            "127.0.0.1 8080/tcp Outgoing",
            "127.0.0.1 8443/tcp Incoming",
            "127.0.0.1 8443/tcp Outgoing",
            ":: 8443/tcp listens",
            ":: 9443/tcp listens",
            "::1 9443/tcp Incoming",
            "::1 9443/tcp Outgoing",
        ]
    );
}

#[test]
fn a_listener_for_ipv6_only_is_not_reached_over_ipv4() {
    let mut listeners = Listeners::default();
    listeners.learn(&recorded(Transport::Tcp), EphemeralPorts::default());
    let reached = |address: &str, port| {
        listeners
            .reached(
                Transport::Tcp,
                address.parse::<IpAddr>().unwrap(),
                Port(port),
            )
            .is_some()
    };
    assert!(reached("10.0.0.1", 8443) && reached("fd00::1", 8443) && reached("fd00::1", 9443));
    assert!(!reached("10.0.0.1", 9443) && !reached("10.0.0.1", 7070) && !reached("fd00::1", 8080));
}

#[test]
fn more_sockets_than_allowed_are_cut_and_said_to_be() {
    let mut rows = Rows::default();
    read_datagram(TCP, Transport::Tcp, 1, 4, &mut rows);
    assert_eq!(
        (rows.sockets.len(), rows.cut, rows.is_complete()),
        (4, true, false)
    );
    let mut rows = Rows::default();
    read_table(TCP_TEXT, Transport::Tcp, 4, &mut rows);
    assert_eq!((rows.sockets.len(), rows.cut), (4, true));
}

#[test]
fn a_broken_row_is_counted_and_the_others_are_read() {
    let text = [TCP_TEXT, b"  77: 0100007F:1F90 zz\n\xff\xfe\n", UDP_TEXT].concat();
    let rows = from_text(&text, Transport::Tcp);
    assert_eq!((rows.sockets.len(), rows.malformed), (13, 2));
}

#[test]
fn the_kernels_refusal_keeps_its_number() {
    // nlmsghdr of 36 bytes, type NLMSG_ERROR, sequence 1; then -ENOENT and the head of the question.
    let mut bytes = [
        36_u32.to_ne_bytes(),
        [2, 0, 0, 0],
        1_u32.to_ne_bytes(),
        [0; 4],
        (-2_i32).to_ne_bytes(),
    ]
    .concat();
    bytes.resize(36, 0);
    if cfg!(target_endian = "little") {
        assert_eq!(
            read_datagram(&bytes, Transport::Tcp, 1, 10, &mut Rows::default()),
            Progress::Refused(2)
        );
        assert_eq!(
            read_datagram(&bytes, Transport::Tcp, 9, 10, &mut Rows::default()),
            Progress::More
        );
    }
}

#[test]
fn a_dump_cut_short_is_never_complete() {
    for end in (1..TCP.len()).step_by(7) {
        let mut rows = Rows::default();
        let progress = read_datagram(TCP.get(..end).unwrap(), Transport::Tcp, 1, 1000, &mut rows);
        assert!(
            progress != Progress::Done || !rows.is_complete() || end > TCP.len() - 8,
            "{end}"
        );
    }
}

const NETLINK: &[&[u8]] = &[TCP, TCP6, UDP, UDP6];
const TEXT: &[&[u8]] = &[TCP_TEXT, TCP6_TEXT, UDP_TEXT, UDP6_TEXT];
const WORDS: &[&[u8]] = &[
    b"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x-1.scope\n",
    b"1:name=systemd:/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\n0::/\n",
    b"python3\0-W\0ignore\0./run.py\0--password\0x\0",
    b"42 (a b) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1 1",
    b"Name:\tx\nUid:\t1000\t33\t1000\t1000\n",
    b"32768\t60999\n",
];

fn read_everything(bytes: &[u8]) {
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut rows = Rows::default();
        read_datagram(bytes, transport, 1, 50, &mut rows);
        read_table(bytes, transport, 100, &mut rows);
        assert!(rows.sockets.len() <= 100);
        let mut listeners = Listeners::default();
        listeners.learn(&rows.sockets, EphemeralPorts::default());
        for socket in &rows.sockets {
            role(socket, &listeners, EphemeralPorts::default());
        }
    }
    let _ = (
        (start_ticks(bytes), has_ended(bytes)),
        effective_uid(bytes),
        EphemeralPorts::parse(bytes),
        membership(bytes),
    );
    for interpreter in ["python3", "perl", "bash", "java", "php8.2"] {
        script::candidate(interpreter.as_bytes(), bytes, Some(Path::new("/srv")));
    }
    script::candidate(bytes, bytes, None);
}

#[test]
fn hammered_tables_break_nothing() {
    groma_fuzz::hammer(2000, NETLINK, read_everything);
    groma_fuzz::hammer(2000, TEXT, read_everything);
    groma_fuzz::hammer(2000, WORDS, read_everything);
}

fn endpoint(address: IpAddr, port: u16) -> String {
    let words = |octets: &[u8]| -> String {
        octets
            .chunks(4)
            .filter_map(|w| w.first_chunk())
            .map(|w| format!("{:08X}", u32::from_ne_bytes(*w)))
            .collect()
    };
    match address {
        IpAddr::V4(v4) => format!("{}:{port:04X}", words(&v4.octets())),
        IpAddr::V6(v6) => format!("{}:{port:04X}", words(&v6.octets())),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_everything(&bytes);
    }

    #[test]
    fn a_row_is_read_as_the_kernel_writes_it(local: IpAddr, port: u16, remote: IpAddr, far: u16, uid: u32, inode: u32) {
        let line = format!(
            "   7: {} {} 01 00000000:00000000 00:00000000 00000000 {uid:>5}        0 {inode} 1 0000000000000000 20 4 30 10 -1\n",
            endpoint(local, port), endpoint(remote, far));
        let rows = from_text(line.as_bytes(), Transport::Tcp);
        prop_assert_eq!(rows.sockets, [Socket {
            transport: Transport::Tcp, phase: Phase::Connected, local: local.to_canonical(), local_port: Port(port),
            remote: remote.to_canonical(), remote_port: Port(far), uid, inode, cookie: 0, only_v6: false, ended_ms: None,
        }]);
    }
}

/// A row of the text table in this state, with this timer.
fn row(state: &str, timer: &str) -> Socket {
    let line = format!(
        "   7: 0100007F:1F90 0100007F:C000 {state} 00000000:00000000 {timer} 00000000     0        0 0 3 0000000000000000\n"
    );
    let rows = from_text(line.as_bytes(), Transport::Tcp);
    *rows.sockets.first().expect("the row is whole")
}

#[test]
fn a_connection_in_time_wait_tells_when_it_ended_and_no_other_does() {
    // 0xD5F hundredths of a second are left of the minute.
    assert_eq!(row("06", "03:00000D5F").ended_ms, Some(60_000 - 34_230));
    assert_eq!(row("06", "03:00000000").ended_ms, Some(60_000));
    // Alive, with a timer of another sort; half closed; and kept for longer than any kernel of ours keeps one.
    for (state, timer) in [
        ("01", "02:00000D5F"),
        ("01", "03:00000D5F"),
        ("05", "03:00000D5F"),
        ("06", "03:FFFFFFFF"),
        ("06", "03:00002000"),
        ("06", "no timer"),
    ] {
        assert_eq!(row(state, timer).ended_ms, None, "{state} {timer}");
    }
}

#[test]
fn both_tables_tell_the_same_end() {
    let ends = |rows: Rows| -> Vec<u32> {
        let mut ends: Vec<u32> = rows.sockets.iter().filter_map(|s| s.ended_ms).collect();
        ends.sort_unstable();
        ends
    };
    let (netlink, text) = (
        ends(from_netlink(TCP, Transport::Tcp)),
        ends(from_text(TCP_TEXT, Transport::Tcp)),
    );
    assert!(!netlink.is_empty() && netlink.len() == text.len());
    for (one, other) in netlink.iter().zip(&text) {
        assert!(one.abs_diff(*other) < 2_000, "{one} {other}");
    }
}

#[test]
fn callers_and_called_are_told_apart_where_the_listener_is_gone() {
    let connected = |local: u16, remote: u16| Socket {
        phase: Phase::Connected,
        local_port: Port(local),
        remote_port: Port(remote),
        remote: "10.0.0.9".parse().unwrap(),
        local: "10.0.0.5".parse().unwrap(),
        ..*recorded(Transport::Tcp).first().unwrap()
    };
    let of = |local, remote| match role(
        &connected(local, remote),
        &Listeners::default(),
        EphemeralPorts::default(),
    ) {
        Some(Role::Connection {
            direction,
            service_port,
        }) => (direction, service_port.0),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(22, 45000), (Direction::Incoming, 22));
    assert_eq!(of(45000, 22), (Direction::Outgoing, 22));
    // A client on a reserved port (NFS) still is the client.
    assert_eq!(of(700, 2049), (Direction::Outgoing, 2049));
    assert_eq!(of(700, 45000), (Direction::Outgoing, 45000));
}

#[test]
fn a_udp_port_is_judged_by_who_could_have_chosen_it() {
    let of = |port: u16| {
        let socket = Socket {
            phase: Phase::Unconnected,
            local_port: Port(port),
            ..*recorded(Transport::Udp).first().unwrap()
        };
        role(&socket, &Listeners::default(), EphemeralPorts::default()).is_some()
    };
    for service in [53, 67, 123, 161, 514, 1812, 5353] {
        assert!(of(service), "{service}");
    }
    for client in [68, 546, 32_768, 45_123, 60_999] {
        assert!(!of(client), "{client}");
    }
}

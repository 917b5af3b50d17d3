//! Tables as Wine's calls filled them (see RECORDED.md beside the fixtures).

use groma_windows::tables::{SocketTable, neighbours, routes, sockets};

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/calls/wine-8.0/", $name)).as_slice()
    };
}

fn told(table: SocketTable, bytes: &[u8]) -> Vec<String> {
    let read = sockets(table, bytes);
    assert_eq!(read.missing, 0);
    let text = |row: &groma_windows::SocketRow| {
        let state = &row.state;
        match row.remote {
            // The caller's port is whatever it was given.
            Some(remote) => format!("{state} {} {remote}", row.local),
            None => format!("{state} {}:{}", row.local, row.local_port),
        }
    };
    read.rows.iter().map(text).collect()
}

#[test]
fn sockets_are_read_with_modules_as_without() {
    let tcp4 = [
        "listen 0.0.0.0:8443",
        "established 10.0.0.5 10.0.0.5",
        "established 10.0.0.5 10.0.0.5",
    ];
    for (tables, expected) in [
        (
            [
                (SocketTable::Tcp4Module, recorded!("tcp4-module.bin")),
                (SocketTable::Tcp4Process, recorded!("tcp4-process.bin")),
            ],
            tcp4.as_slice(),
        ),
        (
            [
                (SocketTable::Tcp6Module, recorded!("tcp6-module.bin")),
                (SocketTable::Tcp6Process, recorded!("tcp6-process.bin")),
            ],
            &["listen ::1:8444"],
        ),
        (
            [
                (SocketTable::Udp4Module, recorded!("udp4-module.bin")),
                (SocketTable::Udp4Process, recorded!("udp4-process.bin")),
            ],
            &[" 0.0.0.0:123"],
        ),
        (
            [
                (SocketTable::Udp6Module, recorded!("udp6-module.bin")),
                (SocketTable::Udp6Process, recorded!("udp6-process.bin")),
            ],
            &[" :::5353"],
        ),
    ] {
        for (table, bytes) in tables {
            assert_eq!(told(table, bytes), expected, "{table:?}");
        }
    }
}

#[test]
fn both_ends_of_a_connection_have_their_ports() {
    let read = sockets(SocketTable::Tcp4Module, recorded!("tcp4-module.bin"));
    let ports: Vec<(u16, u16)> = read
        .rows
        .iter()
        .map(|row| (row.local_port, row.remote_port))
        .collect();
    let [(8443, 0), (8443, caller), (also_caller, 8443)] = ports.as_slice() else {
        panic!("{ports:?}");
    };
    assert_eq!(caller, also_caller);
}

#[test]
fn routes_and_neighbours_are_those_that_were_set() {
    let routes = routes(recorded!("routes.bin")).rows;
    let told: Vec<String> = routes
        .iter()
        .map(|row| match row.gateway {
            Some(gateway) => format!("{} {gateway}", row.destination),
            None => row.destination.clone(),
        })
        .collect();
    assert_eq!(
        told,
        ["0.0.0.0/0 10.0.0.1", "10.0.0.0/24", "10.9.0.0/16 10.0.0.2"]
    );
    let neighbours = neighbours(recorded!("neighbours.bin")).rows;
    let told: Vec<String> = neighbours
        .iter()
        .map(|row| format!("{} {}", row.address, row.mac))
        .collect();
    assert_eq!(told, ["10.0.0.1 00:50:56:00:00:01"]);
}

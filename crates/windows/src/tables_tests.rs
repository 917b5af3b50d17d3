//! Rows laid out by hand after the documented structures, with something in every hole between fields.

use super::*;

/// Fields at their offsets in a row of `length` bytes; what no field covers is 0xee.
fn row(length: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut row = vec![0xee; length];
    for (at, bytes) in fields {
        row[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    row
}

fn table(begin: usize, rows: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = u32::try_from(rows.len()).unwrap().to_le_bytes().to_vec();
    bytes.resize(begin, 0xee);
    bytes.extend(rows.concat());
    bytes
}

fn le(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

const ANY6: [u8; 16] = [0; 16];
/// `::ffff:10.0.0.5`.
const MAPPED: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 5];
/// `fe80::1`.
const LINK: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn tcp4(length: usize) -> Vec<u8> {
    row(
        length,
        &[
            (0, &le(5)),
            (4, &[10, 0, 0, 5]),
            (8, &[0xc3, 0x51, 0xab, 0xcd]),
            (12, &[10, 0, 0, 9]),
            (16, &[0x01, 0xbd]),
            (20, &le(4321)),
        ],
    )
}

fn tcp6(length: usize) -> Vec<u8> {
    row(
        length,
        &[
            (0, &MAPPED),
            (16, &le(7)),
            (20, &[0x0d, 0x3d]),
            (24, &LINK),
            (40, &le(7)),
            (44, &[0xc0, 0x00]),
            (48, &le(11)),
            (52, &le(0)),
        ],
    )
}

fn written(read: &TableRead<SocketRow>) -> Vec<String> {
    let text = |row: &SocketRow| {
        let remote = row
            .remote
            .map_or("-".to_owned(), |remote| remote.to_string());
        format!(
            "{} {} {} {} {remote} {} {}",
            row.transport, row.state, row.local, row.local_port, row.remote_port, row.process
        )
    };
    read.rows.iter().map(text).collect()
}

#[test]
fn tcp_of_both_families_is_read_with_and_without_modules() {
    let four = ["tcp established 10.0.0.5 50001 10.0.0.9 445 4321"];
    let six = ["tcp time-wait 10.0.0.5 3389 fe80::1 49152 0"];
    for (kind, begin, length) in [
        (SocketTable::Tcp4Module, 8, 160),
        (SocketTable::Tcp4Process, 4, 24),
    ] {
        let read = sockets(kind, &table(begin, &[tcp4(length)]));
        assert_eq!(
            (written(&read).as_slice(), read.missing),
            (&four.map(String::from)[..], 0)
        );
    }
    for (kind, begin, length) in [
        (SocketTable::Tcp6Module, 8, 192),
        (SocketTable::Tcp6Process, 4, 56),
    ] {
        let read = sockets(kind, &table(begin, &[tcp6(length)]));
        assert_eq!(written(&read), six);
    }
}

#[test]
fn udp_of_both_families_is_read_with_and_without_modules() {
    for (kind, begin, length) in [
        (SocketTable::Udp4Module, 8, 160),
        (SocketTable::Udp4Process, 4, 12),
    ] {
        let one = row(length, &[(0, &[0; 4]), (4, &[0, 123]), (8, &le(900))]);
        let read = sockets(kind, &table(begin, &[one]));
        assert_eq!(written(&read), ["udp  0.0.0.0 123 - 0 900"]);
    }
    for (kind, begin, length) in [
        (SocketTable::Udp6Module, 8, 176),
        (SocketTable::Udp6Process, 4, 28),
    ] {
        let fields: [(usize, &[u8]); 3] = [(0, &ANY6), (20, &[0x14, 0xe9]), (24, &le(901))];
        let read = sockets(kind, &table(begin, &[row(length, &fields)]));
        assert_eq!(written(&read), ["udp  :: 5353 - 0 901"]);
    }
}

#[test]
fn a_listener_has_no_other_end() {
    let one = row(
        24,
        &[
            (0, &le(2)),
            (4, &[0; 4]),
            (8, &[0x01, 0xbd, 0, 0]),
            (12, &[0; 4]),
            (16, &[0x12, 0x34, 0, 0]),
            (20, &le(4)),
        ],
    );
    let read = sockets(SocketTable::Tcp4Process, &table(4, &[one]));
    assert_eq!(written(&read), ["tcp listen 0.0.0.0 445 - 0 4"]);
}

#[test]
fn rows_that_are_promised_and_missing_are_counted_and_those_there_are_read() {
    let mut bytes = table(8, &[tcp4(160), tcp4(160), tcp4(160)]);
    bytes.truncate(8 + 160 * 2 + 159);
    let read = sockets(SocketTable::Tcp4Module, &bytes);
    assert_eq!((read.rows.len(), read.missing), (2, 1));
    assert_eq!(SocketTable::Tcp4Module.raw_rows(&bytes).count(), 2);
    let nothing = sockets(SocketTable::Tcp4Module, &[]);
    assert_eq!((nothing.rows.len(), nothing.missing), (0, 0));
    let lie = sockets(SocketTable::Udp4Process, &[0xff; 4]);
    assert_eq!(lie.missing, u64::from(u32::MAX));
}

fn address4(address: [u8; 4]) -> Vec<u8> {
    [&[2, 0, 0, 0][..], &address, &[0; 20]].concat()
}

fn address6(address: [u8; 16]) -> Vec<u8> {
    [&[23, 0, 0, 0, 9, 9, 9, 9][..], &address, &le(4)].concat()
}

fn route(to: Vec<u8>, length: u8, gateway: Vec<u8>, protocol: u32, loopback: u8) -> Vec<u8> {
    row(
        104,
        &[
            (8, &le(12)),
            (12, &to),
            (40, &[length]),
            (44, &gateway),
            (88, &le(protocol)),
            (92, &[loopback]),
        ],
    )
}

#[test]
fn routes_somebody_set_are_told_and_the_machines_own_are_not() {
    let none = || address4([0; 4]);
    let rows = [
        route(address4([0; 4]), 0, address4([10, 0, 0, 1]), 3, 0),
        route(address4([10, 0, 0, 0]), 24, none(), 2, 0),
        route(address4([10, 9, 9, 9]), 32, address4([10, 0, 0, 2]), 3, 0),
        route(address4([10, 9, 9, 8]), 32, none(), 3, 0),
        route(address6([0; 16]), 0, address6(LINK), 3, 0),
        // Twins: an own address, a broadcast address, multicast, loopback, link-local.
        route(address4([10, 0, 0, 5]), 32, none(), 2, 0),
        route(address4([10, 0, 0, 255]), 32, none(), 2, 0),
        route(address4([224, 0, 0, 0]), 4, none(), 2, 0),
        route(address4([255; 4]), 32, none(), 2, 0),
        route(address4([127, 0, 0, 0]), 8, none(), 2, 1),
        route(address6(LINK), 64, address6(ANY6), 2, 0),
    ];
    let read = routes(&table(8, &rows));
    let told: Vec<String> = read
        .rows
        .iter()
        .map(|row| {
            let gateway = row.gateway.map_or("link".to_owned(), |ip| ip.to_string());
            format!("{} {gateway} {}", row.destination, row.adapter)
        })
        .collect();
    let expected = [
        "0.0.0.0/0 10.0.0.1 12",
        "10.0.0.0/24 link 12",
        "10.9.9.9/32 10.0.0.2 12",
        "10.9.9.8/32 link 12",
        "::/0 fe80::1 12",
    ];
    assert_eq!(told, expected);
}

fn neighbour(address: Vec<u8>, mac: &[u8], length: u32, state: u32) -> Vec<u8> {
    row(
        88,
        &[
            (0, &address),
            (28, &le(12)),
            (40, mac),
            (72, &le(length)),
            (76, &le(state)),
        ],
    )
}

#[test]
fn neighbours_that_answered_are_told_and_groups_are_not() {
    let one = [0, 0x15, 0x5d, 1, 2, 3];
    let rows = [
        neighbour(address4([10, 0, 0, 1]), &one, 6, 5),
        neighbour(address6(LINK), &one, 6, 4),
        neighbour(address4([10, 0, 0, 2]), &one, 6, 3),
        // Twins: unreachable, incomplete, multicast, broadcast, no MAC, a length that lies.
        neighbour(address4([10, 0, 0, 3]), &one, 6, 0),
        neighbour(address4([10, 0, 0, 4]), &one, 6, 1),
        neighbour(address4([224, 0, 0, 22]), &[1, 0, 0x5e, 0, 0, 22], 6, 6),
        neighbour(address4([10, 0, 0, 255]), &[255; 6], 6, 6),
        neighbour(address4([10, 0, 0, 6]), &[0; 6], 0, 6),
        neighbour(address4([10, 0, 0, 7]), &one, 4_000_000_000, 6),
    ];
    let read = neighbours(&table(8, &rows));
    let told: Vec<String> = read
        .rows
        .iter()
        .map(|row| format!("{} {} {}", row.address, row.mac, row.adapter))
        .collect();
    let mac = "00:15:5d:01:02:03 12";
    let expected = [
        format!("10.0.0.1 {mac}"),
        format!("fe80::1 {mac}"),
        format!("10.0.0.2 {mac}"),
    ];
    assert_eq!(told, expected);
}

const SOCKET_TABLES: [SocketTable; 8] = [
    SocketTable::Tcp4Module,
    SocketTable::Tcp6Module,
    SocketTable::Udp4Module,
    SocketTable::Udp6Module,
    SocketTable::Tcp4Process,
    SocketTable::Tcp6Process,
    SocketTable::Udp4Process,
    SocketTable::Udp6Process,
];

#[test]
fn no_bytes_make_it_panic_and_every_raw_row_is_one_row() {
    let corpus = [
        table(8, &[tcp4(160), tcp4(160)]),
        table(8, &[tcp6(192)]),
        table(
            8,
            &[route(address4([10, 0, 0, 0]), 8, address4([0; 4]), 3, 0)],
        ),
    ];
    let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    groma_fuzz::hammer(2000, &corpus, |bytes| {
        for table in SOCKET_TABLES {
            let read = sockets(table, bytes);
            assert_eq!(read.rows.len(), table.raw_rows(bytes).count());
        }
        routes(bytes);
        neighbours(bytes);
    });
}

proptest::proptest! {
    #[test]
    fn whatever_connection_is_laid_out_is_read_back(
        local: [u8; 4], remote: [u8; 4], ports: (u16, u16), process: u32, number in 1_u32..13,
    ) {
        let one = row(160, &[
            (0, &le(number)), (4, &local), (8, &ports.0.to_be_bytes()),
            (12, &remote), (16, &ports.1.to_be_bytes()), (20, &le(process)),
        ]);
        let read = sockets(SocketTable::Tcp4Module, &table(8, &[one]));
        let found = &read.rows[0];
        proptest::prop_assert_eq!(found.local, IpAddr::from(local));
        proptest::prop_assert_eq!((found.local_port, found.process), (ports.0, process));
        match found.remote {
            Some(other) => proptest::prop_assert_eq!((other, found.remote_port), (IpAddr::from(remote), ports.1)),
            None => proptest::prop_assert_eq!(remote, [0; 4]),
        }
    }
}

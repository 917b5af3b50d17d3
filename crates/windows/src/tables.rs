//! Bytes that calls of the system fill → rows.
//!
//! Layouts are those of `iphlpapi` on 64-bit Windows (Microsoft Learn: `tcpmib.h`, `udpmib.h`, `netioapi.h`), little-endian.
//! The parsers run anywhere, so a document may carry the bytes as they came. Nothing is believed: a header that promises
//! more rows than there are bytes gives the rows there are, and says how many are missing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{NeighbourRow, RouteRow, SocketRow};

/// Rows of one table that are read; a machine with all ports of ten addresses in use stays below.
pub const ROWS_MAX: usize = 1 << 20;

/// What a table held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableRead<T> {
    /// Its rows, in the order of the table.
    pub rows: Vec<T>,
    /// Rows the table promises that were not there, or were beyond [`ROWS_MAX`].
    pub missing: u64,
}

/// Tables of sockets, by the call that fills them and the class it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketTable {
    /// `MIB_TCPTABLE_OWNER_MODULE`.
    Tcp4Module,
    /// `MIB_TCP6TABLE_OWNER_MODULE`.
    Tcp6Module,
    /// `MIB_UDPTABLE_OWNER_MODULE`.
    Udp4Module,
    /// `MIB_UDP6TABLE_OWNER_MODULE`.
    Udp6Module,
    /// `MIB_TCPTABLE_OWNER_PID`.
    Tcp4Process,
    /// `MIB_TCP6TABLE_OWNER_PID`.
    Tcp6Process,
    /// `MIB_UDPTABLE_OWNER_PID`.
    Udp4Process,
    /// `MIB_UDP6TABLE_OWNER_PID`.
    Udp6Process,
}

impl SocketTable {
    /// Where rows begin, and how long one is, in bytes.
    fn size(self) -> (usize, usize) {
        match self {
            Self::Tcp4Module | Self::Udp4Module => (8, 160),
            Self::Tcp6Module => (8, 192),
            Self::Udp6Module => (8, 176),
            Self::Tcp4Process => (4, 24),
            Self::Tcp6Process => (4, 56),
            Self::Udp4Process => (4, 12),
            Self::Udp6Process => (4, 28),
        }
    }

    /// The rows as they lie, one for each that [`sockets`] reads and in the same order: what `GetOwnerModuleFromTcpEntry`
    /// and its like are asked with.
    pub fn raw_rows(self, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let (begin, length) = self.size();
        raw(bytes, begin, length).0
    }

    fn row(self, row: &[u8]) -> Option<SocketRow> {
        let made = |transport: &str, state: &str, local: IpAddr, local_port| SocketRow {
            transport: transport.to_owned(),
            state: state.to_owned(),
            local,
            local_port,
            remote: None,
            remote_port: 0,
            process: 0,
            service: None,
        };
        Some(match self {
            Self::Tcp4Module | Self::Tcp4Process => SocketRow {
                process: number(row, 20)?,
                ..made("tcp", state(number(row, 0)?), v4(row, 4)?, port(row, 8)?)
                    .to(v4(row, 12)?, port(row, 16)?)
            },
            Self::Tcp6Module | Self::Tcp6Process => SocketRow {
                process: number(row, 52)?,
                ..made("tcp", state(number(row, 48)?), v6(row, 0)?, port(row, 20)?)
                    .to(v6(row, 24)?, port(row, 44)?)
            },
            Self::Udp4Module | Self::Udp4Process => SocketRow {
                process: number(row, 8)?,
                ..made("udp", "", v4(row, 0)?, port(row, 4)?)
            },
            Self::Udp6Module | Self::Udp6Process => SocketRow {
                process: number(row, 24)?,
                ..made("udp", "", v6(row, 0)?, port(row, 20)?)
            },
        })
    }
}

impl SocketRow {
    /// With its other end; a listener's is all zero and means none.
    fn to(self, remote: IpAddr, remote_port: u16) -> Self {
        match remote.is_unspecified() {
            true => self,
            false => Self {
                remote: Some(remote),
                remote_port,
                ..self
            },
        }
    }
}

/// Reads what `GetExtendedTcpTable` or `GetExtendedUdpTable` filled. Addresses are canonical (an IPv4 address mapped into
/// IPv6 is IPv4); the scope of link-local ones is left out.
pub fn sockets(table: SocketTable, bytes: &[u8]) -> TableRead<SocketRow> {
    let (begin, length) = table.size();
    read(bytes, begin, length, |row| table.row(row))
}

/// The word for a state (`MIB_TCP_STATE`).
fn state(number: u32) -> &'static str {
    match number {
        1 => "closed",
        2 => "listen",
        3 => "syn-sent",
        4 => "syn-received",
        5 => "established",
        6 => "fin-wait-1",
        7 => "fin-wait-2",
        8 => "close-wait",
        9 => "closing",
        10 => "last-ack",
        11 => "time-wait",
        12 => "delete-tcb",
        _ => "unknown",
    }
}

/// Reads what `GetIpForwardTable2` gave (`MIB_IPFORWARD_TABLE2`). Only routes somebody or something set: not the machine's
/// own addresses, not multicast and broadcast, not the link-local prefix of every link.
pub fn routes(bytes: &[u8]) -> TableRead<RouteRow> {
    const BYTES: usize = 104;
    let whole = read(bytes, 8, BYTES, |row| {
        let destination = socket_address(row, 12)?;
        let length = *row.get(40)?;
        let gateway = socket_address(row, 44).filter(|address| !address.is_unspecified());
        let is_own = *row.get(92)? != 0 || is_made_by_the_stack(row, destination, length, gateway)?;
        Some((!is_own && is_of_interest(destination)).then(|| RouteRow {
            destination: format!("{destination}/{length}"),
            gateway,
            adapter: number(row, 8).unwrap_or_default(),
        }))
    });
    TableRead {
        rows: whole.rows.into_iter().flatten().collect(),
        missing: whole.missing,
    }
}

/// Each address of the machine, and the broadcast address of its network, is a route to one address on the link that the
/// stack made by itself (`MIB_IPPROTO_LOCAL`, 2).
fn is_made_by_the_stack(
    row: &[u8],
    destination: IpAddr,
    length: u8,
    gateway: Option<IpAddr>,
) -> Option<bool> {
    let whole = if destination.is_ipv4() { 32 } else { 128 };
    Some(gateway.is_none() && length >= whole && number(row, 88)? == 2)
}

fn is_of_interest(destination: IpAddr) -> bool {
    match destination {
        IpAddr::V4(address) => {
            !address.is_multicast() && !address.is_broadcast() && !address.is_loopback()
        }
        IpAddr::V6(address) => {
            !address.is_multicast() && !address.is_unicast_link_local() && !address.is_loopback()
        }
    }
}

/// Reads what `GetIpNetTable2` gave (`MIB_IPNET_TABLE2`). Only those with a MAC address that answered once, whether that
/// is being asked again just now or not: the state moves and is left out.
pub fn neighbours(bytes: &[u8]) -> TableRead<NeighbourRow> {
    const BYTES: usize = 88;
    let whole = read(bytes, 8, BYTES, |row| {
        let address = socket_address(row, 0);
        let length = usize::try_from(number(row, 72)?).ok()?;
        let bytes = row.get(40..72)?.get(..length.min(32))?;
        // Unreachable is 0, incomplete 1; probe, delay, stale, reachable and permanent follow.
        let answered = (2..=6).contains(&number(row, 76)?);
        let adapter = number(row, 28)?;
        let met = address.filter(|address| is_a_machine(*address) && answered);
        Some(met.zip(mac(bytes)).map(|(address, mac)| NeighbourRow {
            address,
            mac,
            adapter,
        }))
    });
    TableRead {
        rows: whole.rows.into_iter().flatten().collect(),
        missing: whole.missing,
    }
}

fn is_a_machine(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_multicast() && !address.is_unspecified() && !broadcast
}

/// A MAC address of one machine as text; `None` for groups, for all zero, and for other lengths.
pub(crate) fn mac(bytes: &[u8]) -> Option<String> {
    let is_one = bytes.len() == 6
        && bytes.first().is_some_and(|first| first & 1 == 0)
        && bytes.iter().any(|byte| *byte != 0);
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    is_one.then(|| digits.collect::<Vec<_>>().join(":"))
}

fn read<T>(
    bytes: &[u8],
    begin: usize,
    length: usize,
    row: impl Fn(&[u8]) -> Option<T>,
) -> TableRead<T> {
    let (raw, promised) = raw(bytes, begin, length);
    let rows: Vec<T> = raw.filter_map(row).collect();
    let there = u64::try_from(raw_count(bytes, begin, length)).unwrap_or(u64::MAX);
    TableRead {
        rows,
        missing: u64::from(promised).saturating_sub(there),
    }
}

fn raw(bytes: &[u8], begin: usize, length: usize) -> (impl Iterator<Item = &[u8]>, u32) {
    let promised = number(bytes, 0).unwrap_or(0);
    let rows = bytes.get(begin..).unwrap_or_default().chunks_exact(length);
    (rows.take(raw_count(bytes, begin, length)), promised)
}

fn raw_count(bytes: &[u8], begin: usize, length: usize) -> usize {
    let promised = usize::try_from(number(bytes, 0).unwrap_or(0)).unwrap_or(usize::MAX);
    let there = bytes.len().saturating_sub(begin) / length;
    promised.min(there).min(ROWS_MAX)
}

/// A `SOCKADDR_INET`: the family, then port, then what follows in IPv4 at once and in IPv6 behind the flow.
fn socket_address(bytes: &[u8], at: usize) -> Option<IpAddr> {
    const INET: [u8; 2] = [2, 0];
    const INET6: [u8; 2] = [23, 0];
    match array::<2>(bytes, at)? {
        INET => v4(bytes, at + 4),
        INET6 => v6(bytes, at + 8),
        _ => None,
    }
}

fn v4(bytes: &[u8], at: usize) -> Option<IpAddr> {
    Some(Ipv4Addr::from(array::<4>(bytes, at)?).into())
}

fn v6(bytes: &[u8], at: usize) -> Option<IpAddr> {
    Some(IpAddr::from(Ipv6Addr::from(array::<16>(bytes, at)?)).to_canonical())
}

/// A port stands in network order in the low half of a number of 32 bits, whose high half may hold anything.
fn port(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(array(bytes, at)?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(array(bytes, at)?))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;

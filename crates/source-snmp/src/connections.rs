//! Whom a device talks to: its own table of connections (TCP-MIB, RFC 4022 and RFC 1213). A row to the mail server proves the
//! need, and nobody had to log on to the device for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use groma_model::fact::{OpenPort, ReportedUse};
use groma_model::registry::REGISTRY;
use groma_model::reported::ReportedMail;
use groma_model::{Peer, Port, Transport};

use crate::identity::Found;
use crate::message::Value;
use crate::reader::Reader;

/// Rows of one table.
const ROWS_MAX: usize = 20_000;
/// Listening ports of one device.
const LISTENING_MAX: usize = 2_000;
/// From here on systems give ports to those who call: such a port alone says nothing of a service.
const CALLERS: u16 = 32_768;
/// Where printers take pages.
const PAGES: u16 = 9100;
/// tcpConnState.
const LISTEN: i64 = 2;
/// From established to closed: both ends took part. Who only called has not been answered.
const TOOK_PART: [i64; 7] = [5, 6, 7, 8, 9, 10, 11];

/// A connection of the device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
}

/// What the table says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Table {
    rows: BTreeSet<Row>,
    listening: BTreeSet<(IpAddr, u16)>,
    /// True if a list of listeners came and none is missing in it.
    tells_listeners: bool,
}

/// An address in an index: of so many octets, or of as many as the index says first.
pub(crate) fn address_at<'i>(
    parts: &mut impl Iterator<Item = &'i u32>,
    length: Option<usize>,
) -> Option<IpAddr> {
    let length = match length {
        Some(length) => length,
        None => usize::try_from(*parts.next()?).ok()?,
    };
    // With a zone behind it an address of a link has four octets more; of a link nothing is told.
    let octets: Option<Vec<u8>> = (0..length.min(20))
        .map(|_| u8::try_from(*parts.next()?).ok())
        .collect();
    let octets = octets?;
    match octets.len() {
        0 => Some(Ipv4Addr::UNSPECIFIED.into()),
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(octets).ok()?)),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_canonical()),
        _ => None,
    }
}

fn port_at<'i>(parts: &mut impl Iterator<Item = &'i u32>) -> Option<u16> {
    u16::try_from(*parts.next()?).ok()
}

/// tcpConnTable: two times an address of four octets and a port.
fn old_row(index: &[u32]) -> Option<Row> {
    let mut parts = index.iter();
    let local = SocketAddr::new(address_at(&mut parts, Some(4))?, port_at(&mut parts)?);
    let remote = SocketAddr::new(address_at(&mut parts, Some(4))?, port_at(&mut parts)?);
    parts.next().is_none().then_some(Row { local, remote })
}

/// tcpConnectionTable: two times a kind of address, an address with its length, and a port.
fn new_row(index: &[u32]) -> Option<Row> {
    let mut parts = index.iter();
    let local = new_end(&mut parts)?;
    let remote = new_end(&mut parts)?;
    parts.next().is_none().then_some(Row { local, remote })
}

fn new_end<'i>(parts: &mut impl Iterator<Item = &'i u32>) -> Option<SocketAddr> {
    parts.next()?;
    Some(SocketAddr::new(address_at(parts, None)?, port_at(parts)?))
}

impl Table {
    /// Reads it from a device.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = Self::default();
        let (old, old_is_whole) =
            reader.column_and_end("tcpConnTable", "1.3.6.1.2.1.6.13.1.1", ROWS_MAX);
        for (index, state) in &old {
            table.take(old_row(index), state);
        }
        let new = reader.column("tcpConnectionTable", "1.3.6.1.2.1.6.19.1.7", ROWS_MAX);
        for (index, state) in &new {
            table.take(new_row(index), state);
        }
        let (open, is_whole) =
            reader.column_and_end("tcpListenerTable", "1.3.6.1.2.1.6.20.1.4", LISTENING_MAX);
        for (index, _) in &open {
            let end = new_end(&mut index.iter());
            table
                .listening
                .extend(end.map(|end| (end.ip(), end.port())));
        }
        let is_listed = (1..LISTENING_MAX).contains(&table.listening.len());
        table.tells_listeners = old_is_whole && is_whole && is_listed;
        table
    }

    fn take(&mut self, row: Option<Row>, state: &Value) {
        match (row, state.number()) {
            (Some(row), Some(LISTEN)) if self.listening.len() < LISTENING_MAX => {
                self.listening.insert((row.local.ip(), row.local.port()));
            }
            (Some(row), Some(state)) if TOOK_PART.contains(&state) => {
                self.rows.insert(row);
            }
            _ => {}
        }
    }

    /// The ports others can call, without one of them called: at the address that was asked what is open at all of them or at
    /// this one; elsewhere what is open at an address of its own at which a sweep met it too, as `is_met` knows. What is open
    /// towards its own guests (`192.168.122.1`) is open at an address that half of all machines have.
    pub(crate) fn open_ports(
        &self,
        device: IpAddr,
        is_met: &dyn Fn(IpAddr) -> bool,
    ) -> Vec<OpenPort> {
        let to_others = self.listening.iter().filter_map(|(at, port)| match at {
            _ if *port == 0 => None,
            at if at.is_unspecified() || *at == device => Some((device, *port)),
            at if !at.is_loopback() && is_met(*at) => Some((*at, *port)),
            _ => None,
        });
        let ports: BTreeSet<(IpAddr, u16)> = to_others.collect();
        let open = ports.into_iter().map(|(address, port)| OpenPort {
            address,
            port: Port(port),
            transport: Transport::Tcp,
            speaks: None,
        });
        open.collect()
    }

    /// Who uses whom, each once. `is_ours` is true for addresses of the machine that asks: that it looked is no need.
    pub(crate) fn uses(
        &self,
        device: IpAddr,
        found: &Found,
        is_ours: &dyn Fn(IpAddr) -> bool,
    ) -> Vec<ReportedUse> {
        let own = |address: IpAddr| address == device || found.addresses.contains(&address);
        let others = self.rows.iter().filter(|row| {
            let remote = row.remote.ip();
            is_somebody(remote) && !own(remote) && remote != row.local.ip()
        });
        let uses: BTreeSet<ReportedUse> = others
            .filter_map(|row| self.meant(row))
            .filter(|(_, remote, is_caller)| *is_caller || !is_ours(remote.ip()))
            .map(|(port, remote, is_caller)| match is_caller {
                true => used(device, remote.ip(), port, device),
                false => used(remote.ip(), device, port, device),
            })
            .collect();
        uses.into_iter().collect()
    }

    /// The port that was called, the other end, and whether the device called; nothing where that cannot be told. That
    /// somebody does not listen makes nobody a service: the other port must be one.
    fn meant(&self, row: &Row) -> Option<(u16, SocketAddr, bool)> {
        let (local, remote) = (row.local.port(), row.remote.port());
        if self.listening.iter().any(|(_, port)| *port == local) {
            return Some((local, row.remote, false));
        }
        // Without a list of who listens, a port that callers are given may be one of theirs.
        let is_service = |port| {
            let kind = REGISTRY.kind_by_port(Port(port), Transport::Tcp);
            kind.is_some() && (self.tells_listeners || port < CALLERS)
        };
        match (is_service(local), is_service(remote)) {
            (false, true) => Some((remote, row.remote, true)),
            (true, true) if self.tells_listeners => Some((remote, row.remote, true)),
            // It does not listen there: it called from there, whom nobody knows.
            (true, false) if !self.tells_listeners => Some((local, row.remote, false)),
            _ => None,
        }
    }
}

fn is_somebody(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    let of_link = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || broadcast
        || of_link)
}

fn used(consumer: IpAddr, provider: IpAddr, port: u16, device: IpAddr) -> ReportedUse {
    let kind = REGISTRY.kind_by_port(Port(port), Transport::Tcp);
    // Pages as they are: the registry has no port of it, for nobody may guess there.
    let unknown = if port == PAGES { "print" } else { "other" };
    let kind = kind.map_or(unknown, |kind| kind.name.as_str());
    // That it is connected there says that it sends, and nothing of a message.
    let sends = matches!(kind, "smtp-relay" | "smtp-submission");
    ReportedUse {
        consumer: Peer::Address(consumer),
        provider: Peer::Address(provider),
        kind: kind.to_owned(),
        port: Some(Port(port)),
        transport: Transport::Tcp,
        product: "TCP".to_owned(),
        account: None,
        mechanism: None,
        program: None,
        client: None,
        protection: None,
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: sends.then(|| Box::new(ReportedMail::default())),
        log: format!("the table of connections of {device} (SNMP)")
            .as_str()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: &str = "192.0.2.7";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn index(text: &str) -> Vec<u32> {
        text.split('.').map(|part| part.parse().unwrap()).collect()
    }

    fn table(rows: &[(&str, i64)], listening: &[(&str, u16)]) -> Table {
        let mut table = Table::default();
        for (text, state) in rows {
            table.take(old_row(&index(text)), &Value::Integer(*state));
        }
        for (at, port) in listening {
            table.listening.insert((ip(at), *port));
        }
        table.tells_listeners = !table.listening.is_empty();
        table
    }

    fn said(table: &Table) -> Vec<(String, String, u16, String)> {
        let ours = |address: IpAddr| address == ip("192.0.2.99");
        let uses = table.uses(ip(DEVICE), &Found::default(), &ours);
        let said = uses.iter().map(|used| {
            let port = used.port.unwrap().0;
            (
                used.consumer.to_string(),
                used.provider.to_string(),
                port,
                used.kind.clone(),
            )
        });
        said.collect()
    }

    fn row(consumer: &str, provider: &str, port: u16, kind: &str) -> (String, String, u16, String) {
        (
            consumer.to_owned(),
            provider.to_owned(),
            port,
            kind.to_owned(),
        )
    }

    #[test]
    fn a_row_to_the_mail_server_is_a_need_of_the_device() {
        let table = table(
            &[
                ("192.0.2.7.40001.192.0.2.25.25", 5),
                ("192.0.2.7.40002.192.0.2.25.25", 11),
                ("192.0.2.7.40003.192.0.2.3.445", 8),
            ],
            &[("0.0.0.0", 80)],
        );
        let needs = [
            row(DEVICE, "192.0.2.3", 445, "smb"),
            row(DEVICE, "192.0.2.25", 25, "smtp-relay"),
        ];
        assert_eq!(said(&table), needs);
        let uses = table.uses(ip(DEVICE), &Found::default(), &|_| false);
        assert!(uses[1].mail.is_some() && uses[0].mail.is_none());
    }

    /// The twin: at a copier that is itself a mail server's port nobody needs anything of the caller.
    #[test]
    fn who_is_called_needs_nobody() {
        let table = table(
            &[
                ("192.0.2.7.9100.192.0.2.50.25", 5),
                ("192.0.2.7.25.192.0.2.51.50000", 5),
                ("192.0.2.7.80.192.0.2.99.50001", 5),
            ],
            &[("0.0.0.0", 9100), ("0.0.0.0", 25), ("0.0.0.0", 80)],
        );
        let needs = [
            row("192.0.2.50", DEVICE, 9100, "print"),
            row("192.0.2.51", DEVICE, 25, "smtp-relay"),
        ];
        assert_eq!(said(&table), needs);
    }

    #[test]
    fn nobody_uses_himself_and_who_only_called_was_not_answered() {
        let table = table(
            &[
                ("127.0.0.1.40001.127.0.0.1.25", 5),
                ("192.0.2.7.40001.192.0.2.7.25", 5),
                ("192.0.2.7.40002.192.0.2.25.25", 3),
                ("0.0.0.0.0.0.0.0.0.0", 5),
            ],
            &[("0.0.0.0", 80)],
        );
        assert_eq!(said(&table), []);
    }

    /// Data of passive FTP at a network storage, and any program's own protocol: who called whom stands nowhere.
    #[test]
    fn two_unknown_ports_say_nothing_also_where_it_is_known_who_listens() {
        let rows = [
            ("192.0.2.7.40001.192.0.2.25.30000", 5),
            ("192.0.2.7.50123.192.0.2.51.51000", 5),
        ];
        assert_eq!(said(&table(&rows, &[])), []);
        assert_eq!(said(&table(&rows, &[("0.0.0.0", 21)])), []);
    }

    /// The system gave port 50000, which the registry knows, to a program of the device.
    #[test]
    fn a_callers_port_that_has_a_kind_makes_nobody_a_consumer() {
        let rows = [("192.0.2.7.50000.192.0.2.25.30000", 5)];
        assert_eq!(said(&table(&rows, &[("0.0.0.0", 80)])), []);
        assert_eq!(said(&table(&rows, &[])), []);
        // The twin: nobody tells who listens, and the port is a service's.
        let rows = [("192.0.2.7.445.192.0.2.51.50123", 5)];
        let used = row("192.0.2.51", DEVICE, 445, "smb");
        assert_eq!(said(&table(&rows, &[])), [used]);
    }

    /// A list of listeners that was cut: the server needed the ports its clients called from.
    #[test]
    fn what_is_missing_in_a_list_that_was_cut_makes_no_caller() {
        let rows = [
            ("192.0.2.7.8444.192.0.2.51.50000", 5),
            ("192.0.2.7.443.192.0.2.51.50000", 5),
            ("192.0.2.7.40001.192.0.2.25.25", 5),
        ];
        let mut cut = table(&rows, &[("0.0.0.0", 22)]);
        cut.tells_listeners = false;
        let mails = row(DEVICE, "192.0.2.25", 25, "smtp-relay");
        let used = row("192.0.2.51", DEVICE, 443, "http");
        let told: BTreeSet<_> = said(&cut).into_iter().collect();
        assert_eq!(told, BTreeSet::from([mails, used]));
    }

    #[test]
    fn both_tables_are_read_and_broken_rows_are_none() {
        let both = "1.4.192.0.2.7.40001.1.4.192.0.2.25.25";
        let row = new_row(&index(both)).unwrap();
        assert_eq!(row.remote, "192.0.2.25:25".parse().unwrap());
        let six = "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7.40001.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.9.587";
        let row = new_row(&index(six)).unwrap();
        assert_eq!(row.remote, "[2001:db8::9]:587".parse().unwrap());
        for broken in [
            "1",
            "1.4.192.0.2",
            "1.5.1.2.3.4.5.6.1.4.1.2.3.4.5",
            "1.4.1.2.3.400.5.1.4.1.2.3.4.5",
            "1.4.1.2.3.4.70000.1.4.1.2.3.4.5",
        ] {
            assert_eq!(new_row(&index(broken)), None, "{broken}");
        }
        assert_eq!(old_row(&index("192.0.2.7.1.192.0.2.25.25.9")), None);
    }

    #[test]
    fn ports_are_open_to_others_only_where_others_may_call() {
        let table = table(
            &[],
            &[
                ("0.0.0.0", 9100),
                ("127.0.0.1", 631),
                ("::", 80),
                ("0.0.0.0", 0),
            ],
        );
        assert_eq!(
            open(&table),
            [(DEVICE.to_owned(), 80), (DEVICE.to_owned(), 9100)]
        );
    }

    fn open(table: &Table) -> Vec<(String, u16)> {
        let is_met = |address: IpAddr| address == ip("192.0.3.7");
        let open = table.open_ports(ip(DEVICE), &is_met);
        let each = open
            .iter()
            .map(|open| (open.address.to_string(), open.port.0));
        each.collect()
    }

    /// dnsmasq of a hypervisor listens at the bridge of its guests: nobody else reaches it there.
    #[test]
    fn a_door_towards_its_own_guests_is_no_door_of_the_device() {
        let guests = table(&[], &[("192.168.122.1", 53), ("172.17.0.1", 2375)]);
        assert_eq!(open(&guests), []);
    }

    /// The twin: a door at another address of its own is told at that address, if somebody met it there.
    #[test]
    fn a_door_at_another_address_that_was_met_is_told_there() {
        let both = table(&[], &[("192.0.3.7", 443), ("192.0.2.7", 22)]);
        let told = [(DEVICE.to_owned(), 22), ("192.0.3.7".to_owned(), 443)];
        assert_eq!(open(&both), told);
    }
}

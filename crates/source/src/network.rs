//! Sending bytes to others, rarely and within bounds.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{HostName, Port};

use crate::names::{self, NoAddress};

/// Ports at which a byte may become a printed page, a reboot or worse. Nothing is ever sent there,
/// on any host, in any mode (docs/decisions: not one packet to a print port).
pub fn forbidden_port(port: Port) -> bool {
    matches!(port.0, 515 | 9100..=9116 | 9999)
}

/// Ports of protocols that steer machines in plants and buildings: Modbus, S7, EtherNet/IP, DNP3, BACnet, IEC 60870-5-104,
/// Fox, FINS, OPC UA, PROFINET, HART-IP, CODESYS and their kin. Such a device may stop, or stop what hangs on it, when it
/// hears something it does not know; it is never spoken to, whatever the port is used for here.
pub fn steers_machines(port: Port) -> bool {
    matches!(
        port.0,
        102 | 502
            | 789
            | 1089..=1091
            | 1153
            | 1217
            | 1911
            | 1962
            | 2404
            | 2455
            | 4840
            | 4911
            | 5006
            | 5007
            | 5094
            | 9600
            | 11740
            | 18245
            | 18246
            | 20000
            | 20547
            | 34962..=34964
            | 44818
            | 47808
    )
}

/// A conversation with a timeout on each read and write.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// A door of a service on this very machine that takes datagrams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LocalDoor {
    /// An address of the loopback interface.
    Loopback(SocketAddr),
    /// A socket in the file system.
    Socket(PathBuf),
}

/// A conversation by datagrams, with a timeout on each.
pub trait Datagrams: Send {
    /// Sends one.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;
    /// Hears one, from the door alone; what does not fit into `into` is cut.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;
}

/// TCP connections that are being made, many at a time, with no thread for each.
///
/// Do not use: [`Dialling`] checks first.
pub trait Dialler: Send {
    /// How many may be under way at a time.
    fn room(&self) -> usize;

    /// Begins a connection.
    ///
    /// # Errors
    /// It cannot be begun, and never was.
    fn dial(&mut self, to: SocketAddr) -> io::Result<()>;

    /// Waits for connections that were made or failed, at most so long, and hands them over. Who does not answer within the
    /// timeout has failed by `TimedOut`.
    ///
    /// # Errors
    /// The table of connections broke.
    fn ended(&mut self, wait: Duration, each: &mut Dialled<'_>) -> io::Result<()>;
}

/// Who is told what came of each connection.
pub type Dialled<'a> = dyn FnMut(SocketAddr, io::Result<Box<dyn Stream>>) + 'a;

/// [`Dialler`] for sources: nobody is dialled to whom no packet may go.
pub struct Dialling<'a> {
    network: &'a dyn Network,
    dialler: Box<dyn Dialler>,
    under_way: usize,
}

impl<'a> Dialling<'a> {
    /// Makes connections by `network`, of which each is waited for so long.
    ///
    /// # Errors
    /// It makes connections one after the other only.
    pub fn new(network: &'a dyn Network, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            network,
            dialler: network.open_dialler(timeout)?,
            under_way: 0,
        })
    }

    /// How many more may be begun now.
    pub fn room(&self) -> usize {
        self.dialler.room().saturating_sub(self.under_way)
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Begins a connection, if a packet may go there.
    ///
    /// # Errors
    /// It may not, or cannot be begun.
    pub fn dial(&mut self, to: SocketAddr) -> io::Result<()> {
        if !self.network.permits(to) {
            return Err(not_contacted(to));
        }
        self.dialler.dial(to)?;
        self.under_way += 1;
        Ok(())
    }

    /// Waits for connections that were made or failed, at most so long, and hands them over.
    ///
    /// # Errors
    /// The table of connections broke.
    pub fn ended(&mut self, wait: Duration, each: &mut Dialled<'_>) -> io::Result<()> {
        let under_way = &mut self.under_way;
        self.dialler.ended(wait, &mut |to, end| {
            *under_way = under_way.saturating_sub(1);
            each(to, end);
        })
    }
}

fn not_contacted(to: SocketAddr) -> io::Error {
    let why = format!("{to} is never contacted, or not now: a print port, or --offline");
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// The only way a source talks to another machine, or to a listener of its own.
///
/// [`Network::connect`] refuses [`forbidden_port`]s, and everything that is not this machine when the
/// look is offline, before the implementation is asked.
pub trait Network: Send + Sync {
    /// Opens a TCP connection. Do not call: [`Network::connect`] checks first.
    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>>;

    /// True if nobody but this machine itself may be contacted.
    fn is_offline(&self) -> bool;

    /// Whom this machine asks about names, and what completes a short one, where no file says so but the system does: Windows keeps
    /// both with each adapter. `None` where the file says it.
    fn name_servers(&self) -> Option<(Vec<IpAddr>, Vec<HostName>)> {
        None
    }

    /// True if `address` belongs to this machine.
    fn is_local(&self, address: IpAddr) -> bool;

    /// True if a packet may go there.
    fn permits(&self, to: SocketAddr) -> bool {
        !forbidden_port(Port(to.port())) && (!self.is_offline() || self.is_local(to.ip()))
    }

    /// Opens a TCP connection, if a packet may go there.
    fn connect(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        if !self.permits(to) {
            return Err(not_contacted(to));
        }
        self.open(to, timeout)
    }

    /// The addresses of a name, those of IPv4 first; never none. All of it ends within `timeout`, or soon after.
    ///
    /// Unless it is implemented, only the names that mean this machine everywhere have any, and nobody is asked.
    ///
    /// # Errors
    /// It has none, nobody answered, or nobody may be asked.
    fn addresses(&self, name: &HostName, timeout: Duration) -> Result<Vec<IpAddr>, NoAddress> {
        let _ = timeout;
        match name.is_loopback() {
            true => Ok(names::loopback()),
            false => Err(NoAddress::nobody_asked(name)),
        }
    }

    /// Makes connections many at a time. Do not call: [`Dialling`] checks first. Who keeps a pace makes them one by one.
    ///
    /// # Errors
    /// It cannot be had.
    fn open_dialler(&self, timeout: Duration) -> io::Result<Box<dyn Dialler>> {
        let _ = timeout;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Opens a conversation by datagrams with another machine. Do not call: [`Network::connect_datagrams`] checks first.
    fn open_datagrams(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        let _ = (to, timeout);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Opens a conversation by datagrams with another machine, if a packet may go there. Nothing is heard from anybody but
    /// that address and port.
    fn connect_datagrams(
        &self,
        to: SocketAddr,
        timeout: Duration,
    ) -> io::Result<Box<dyn Datagrams>> {
        if !self.permits(to) {
            let why = format!("{to} is sent no datagram, or not now: a print port, or --offline");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        self.open_datagrams(to, timeout)
    }

    /// Opens a conversation with a service of this very machine at its socket in the file system; nothing leaves the machine.
    ///
    /// # Errors
    /// Nobody listens there, it may not be opened, or there are no such sockets here.
    fn connect_socket(&self, path: &Path, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        let _ = (path, timeout);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Tells that the machine at `address` breaks easily (a printer, a power supply): whoever asks it next is slower.
    fn is_fragile(&self, address: IpAddr) {
        let _ = address;
    }

    /// Opens a conversation by datagrams. Do not call: [`Network::connect_local`] checks first.
    fn open_local(&self, door: &LocalDoor, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        let _ = (door, timeout);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Opens a conversation by datagrams with a service of this very machine; no datagram ever leaves it.
    fn connect_local(&self, door: &LocalDoor, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        if let LocalDoor::Loopback(to) = door
            && (!to.ip().is_loopback() || forbidden_port(Port(to.port())))
        {
            let why = format!("{to} is sent no datagram: not this machine, or a print port");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        self.open_local(door, timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Eager;

    impl Network for Eager {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            Ok(Box::new(io::Cursor::new(Vec::new())))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            true
        }
        fn open_local(&self, _: &LocalDoor, _: Duration) -> io::Result<Box<dyn Datagrams>> {
            Ok(Box::new(Deaf))
        }
        fn open_dialler(&self, _: Duration) -> io::Result<Box<dyn Dialler>> {
            Ok(Box::new(Patient(Vec::new())))
        }
    }

    struct Deaf;

    impl Datagrams for Deaf {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn receive(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    #[test]
    fn a_datagram_stays_on_this_machine_and_away_from_print_ports() {
        let door = |to: &str| LocalDoor::Loopback(to.parse().expect("an address"));
        for refused in ["10.0.0.1:323", "127.0.0.1:9100", "[::1]:515", "0.0.0.0:323"] {
            let answer = Eager.connect_local(&door(refused), Duration::ZERO);
            assert!(answer.is_err(), "{refused}");
        }
        assert!(
            Eager
                .connect_local(&door("127.0.0.1:323"), Duration::ZERO)
                .is_ok()
        );
    }

    #[test]
    fn a_network_that_asks_nobody_knows_this_machines_own_names_alone() {
        let addresses = |name| {
            let name = HostName::parse(name).expect("a name");
            Eager.addresses(&name, Duration::ZERO)
        };
        assert_eq!(addresses("localhost"), Ok(names::loopback()));
        assert_eq!(addresses("db1.localhost."), Ok(names::loopback()));
        let error = addresses("localhost.example").expect_err("another machine's name");
        assert_eq!(error.reason, groma_model::Reason::Unsupported);
    }

    #[test]
    fn no_print_port_is_ever_dialled() {
        let mut dialling = Dialling::new(&Eager, Duration::ZERO).expect("it dials");
        for port in [515, 9100, 9101, 9116, 9999] {
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            let error = dialling.dial(to).expect_err("a print port");
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{port}");
        }
        assert_eq!((dialling.under_way(), dialling.room()), (0, 2));
        let to = SocketAddr::from(([127, 0, 0, 1], 9117));
        dialling.dial(to).expect("no print port");
        assert_eq!((dialling.under_way(), dialling.room()), (1, 1));
        dialling
            .ended(Duration::ZERO, &mut |_, end| assert!(end.is_err()))
            .expect("it is whole");
        assert_eq!(dialling.under_way(), 0);
    }

    /// Whom it dials, nobody answers.
    struct Patient(Vec<SocketAddr>);

    impl Dialler for Patient {
        fn room(&self) -> usize {
            2
        }
        fn dial(&mut self, to: SocketAddr) -> io::Result<()> {
            self.0.push(to);
            Ok(())
        }
        fn ended(&mut self, _: Duration, each: &mut Dialled<'_>) -> io::Result<()> {
            let silent = self.0.drain(..);
            silent.for_each(|to| each(to, Err(io::ErrorKind::TimedOut.into())));
            Ok(())
        }
    }

    #[test]
    fn no_print_port_is_ever_connected_to() {
        for port in [515, 9100, 9101, 9116, 9999] {
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            assert!(Eager.connect(to, Duration::ZERO).is_err(), "{port}");
        }
        assert!(
            Eager
                .connect(SocketAddr::from(([127, 0, 0, 1], 9117)), Duration::ZERO)
                .is_ok()
        );
    }
}

//! The network with names: the hosts file of the machine, then the resolvers it has, asked as the C library would and
//! by a deadline.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use groma_model::{HostName, Reason};
use groma_source::names::{self, HOSTS, NoAddress, RESOLV_CONF};
use groma_source::{Datagrams, Dialler, Disk, DiskError, LocalDoor, Network, Stream};

use crate::turns::{self, Turn};
use crate::{hosts, policy};

/// Lists of what is to be kept away make hosts files long.
const HOSTS_BYTES_MAX: u64 = 16 << 20;
/// How much longer than the resolvers the disk is waited for.
const MOMENT: Duration = Duration::from_millis(500);

const NOT_FOUND: &str = "write its address instead of the name, or a line in /etc/hosts (what only sssd, winbind, \
                         multicast DNS or another module of the C library knows is not found)";
const SILENT: &str = "see why the name servers give no answer, or write its address instead of the name, or a line in \
                      /etc/hosts";
const OFFLINE: &str = "write its address instead of the name, or a line in /etc/hosts, or look again without --offline";

/// A network that knows the addresses of names; all else is `inner`'s.
///
/// Both files are read at each look-up: an agent that runs for months hears of a new resolver. A name somebody typed is
/// asked of the resolvers of the machine whatever it is, since every program here asks them; the rules over what is
/// private are for names that were only met ([`crate::NamesSource`]).
pub struct ResolvingNetwork {
    inner: Arc<dyn Network>,
    disk: Arc<dyn Disk>,
}

impl ResolvingNetwork {
    /// `inner`, with the names that the hosts file and the resolv.conf on `disk` lead to.
    pub fn new(inner: Arc<dyn Network>, disk: Arc<dyn Disk>) -> Self {
        Self { inner, disk }
    }
}

impl Network for ResolvingNetwork {
    /// On a thread of its own: whoever asks may be within a runtime already, and a disk that hangs keeps nobody.
    fn addresses(&self, name: &HostName, timeout: Duration) -> Result<Vec<IpAddr>, NoAddress> {
        let question = Question {
            name: name.clone(),
            inner: self.inner.clone(),
            disk: self.disk.clone(),
            timeout,
        };
        let (says, hears) = mpsc::channel();
        std::thread::Builder::new()
            .name("groma-names".to_owned())
            .spawn(move || says.send(question.answered()))
            .map_err(|error| unable(name, &error))?;
        match hears.recv_timeout(timeout.saturating_add(MOMENT)) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(NoAddress {
                what: format!("{name}: nothing was found out in time"),
                reason: Reason::TimedOut,
                remedy: SILENT,
            }),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(unable(name, &io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        self.inner.open(to, timeout)
    }

    fn is_offline(&self) -> bool {
        self.inner.is_offline()
    }

    fn name_servers(&self) -> Option<(Vec<IpAddr>, Vec<HostName>)> {
        self.inner.name_servers()
    }

    fn is_local(&self, address: IpAddr) -> bool {
        self.inner.is_local(address)
    }

    fn permits(&self, to: SocketAddr) -> bool {
        self.inner.permits(to)
    }

    fn open_dialler(&self, timeout: Duration) -> io::Result<Box<dyn Dialler>> {
        self.inner.open_dialler(timeout)
    }

    fn open_datagrams(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        self.inner.open_datagrams(to, timeout)
    }

    fn connect_socket(&self, path: &Path, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        self.inner.connect_socket(path, timeout)
    }

    fn is_fragile(&self, address: IpAddr) {
        self.inner.is_fragile(address);
    }

    fn open_local(&self, door: &LocalDoor, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        self.inner.open_local(door, timeout)
    }
}

fn unable(name: &HostName, error: &io::Error) -> NoAddress {
    NoAddress {
        what: format!("{name}: it could not be looked up: {error}"),
        reason: Reason::of_io(error),
        remedy: "write its address",
    }
}

/// One look-up.
struct Question {
    name: HostName,
    inner: Arc<dyn Network>,
    disk: Arc<dyn Disk>,
    timeout: Duration,
}

impl Question {
    fn answered(&self) -> Result<Vec<IpAddr>, NoAddress> {
        let hosts = self.disk.read(Path::new(HOSTS), HOSTS_BYTES_MAX);
        let written = hosts
            .as_ref()
            .map_or(None, |file| hosts::addresses(&file.bytes, &self.name));
        match written {
            Some(found) => usable(found).ok_or_else(|| self.led_nowhere()),
            None if self.name.is_loopback() => Ok(names::loopback()),
            None => self.asked(&no_line(hosts.as_ref().err())),
        }
    }

    /// What the resolvers say; `unwritten` is what the hosts file said.
    fn asked(&self, unwritten: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let name = &self.name;
        if self.inner.is_offline() {
            return Err(NoAddress {
                what: format!("{name}: {unwritten}, and --offline asks no name server"),
                reason: Reason::Forbidden,
                remedy: OFFLINE,
            });
        }
        let without_servers = |why: String| NoAddress {
            what: format!("{name}: {unwritten}, and {why}"),
            reason: Reason::NotPresent,
            remedy: NOT_FOUND,
        };
        let resolvers = crate::resolvers(self.inner.as_ref(), self.disk.as_ref())
            .map_err(|error| without_servers(unread(RESOLV_CONF, &error)))?;
        let mut servers = resolvers.servers.clone();
        servers.retain(|server| self.inner.permits(*server));
        if servers.is_empty() {
            let why = format!("{RESOLV_CONF} names no server that can be asked");
            return Err(without_servers(why));
        }
        let candidates = policy::candidates(name, &resolvers);
        let turns = turns::take(name, &candidates, &servers, self.timeout);
        let turns = turns.map_err(|error| unable(name, &error))?;
        let found = turns.iter().find_map(Turn::addresses).and_then(usable);
        found.ok_or_else(|| none_of(name, unwritten, &candidates, &turns))
    }

    fn led_nowhere(&self) -> NoAddress {
        NoAddress {
            what: format!("{}: its line in {HOSTS} leads nowhere", self.name),
            reason: Reason::NotPresent,
            remedy: "write its address instead of the name, or mend that line",
        }
    }
}

/// Those that may be called, IPv4 first: where a machine has both and one is broken, it is IPv6 as a rule. None if none may.
fn usable(mut found: Vec<IpAddr>) -> Option<Vec<IpAddr>> {
    let broadcast = IpAddr::V4(Ipv4Addr::BROADCAST);
    found.retain(|at| !at.is_unspecified() && !at.is_multicast() && *at != broadcast);
    found.sort_by_key(IpAddr::is_ipv6);
    Some(found).filter(|found| !found.is_empty())
}

/// What the hosts file said to a name that it does not name.
fn no_line(error: Option<&DiskError>) -> String {
    match error {
        None => format!("no line in {HOSTS}"),
        Some(error) => unread(HOSTS, error),
    }
}

fn unread(file: &str, error: &DiskError) -> String {
    match error.is_absent() {
        true => format!("there is no {file}"),
        false => format!("{file} cannot be read ({})", error.reason),
    }
}

/// Why none of these turns found an address.
fn none_of(name: &HostName, unwritten: &str, asked: &[HostName], turns: &[Turn]) -> NoAddress {
    let said: Vec<String> = turns.iter().map(|turn| turn.in_words(asked)).collect();
    let last = turns.last().map(|turn| &turn.came);
    let (reason, remedy) = match last {
        Some(Err(trouble)) => (trouble.reason.clone(), SILENT),
        _ => (Reason::NotPresent, NOT_FOUND),
    };
    NoAddress {
        what: format!(
            "{name}: {unwritten}; name servers of {RESOLV_CONF}: {}",
            said.join(", ")
        ),
        reason,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(all: &[&str]) -> Vec<IpAddr> {
        all.iter().map(|at| at.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_of_ipv4_come_first_and_keep_their_order() {
        let found = read(&["fd00::1", "10.0.0.9", "fd00::2", "10.0.0.1"]);
        let expected = read(&["10.0.0.9", "10.0.0.1", "fd00::1", "fd00::2"]);
        assert_eq!(usable(found), Some(expected));
    }

    #[test]
    fn an_address_that_leads_nowhere_is_none() {
        let nowhere = read(&["0.0.0.0", "::", "224.0.0.251", "ff02::1", "255.255.255.255"]);
        assert_eq!(usable(nowhere), None);
        assert_eq!(
            usable(read(&["0.0.0.0", "10.0.0.1"])),
            Some(read(&["10.0.0.1"]))
        );
    }
}

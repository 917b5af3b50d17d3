//! Addresses of names that somebody typed: the hosts file, then a real BIND on a loopback port, or one that is silent.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a skipped one says so"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use groma_model::{HostName, Reason};
use groma_source::testing::{FakeDisk, NoNetwork};
use groma_source::{Disk, DiskError, Entry, FileRead, Metadata, Network, NoAddress, Space};
use groma_source_dns::ResolvingNetwork;

use common::{Named, Online};

const FORWARD: &str = "$TTL 3600
@ IN SOA ns.corp.example. root.corp.example. 1 3600 600 86400 300
  IN NS ns
ns IN A 127.0.0.1
mail1 IN A 10.1.1.3
mail1 IN A 10.1.1.1
mail1 IN AAAA fd00::1
old-mail IN CNAME mail1
six IN AAAA fd00::6
round IN CNAME trip
trip IN CNAME round
nowhere IN A 0.0.0.0
textonly IN TXT \"nothing but words\"
db1.dmz IN A 10.9.9.9
";

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(400);

fn started() -> Option<Named> {
    Named::start(&[("corp.example", FORWARD)])
}

fn addresses(
    network: Arc<dyn Network>,
    disk: FakeDisk,
    name: &str,
    timeout: Duration,
) -> Result<Vec<String>, NoAddress> {
    let name = HostName::parse(name).unwrap();
    let network = ResolvingNetwork::new(network, Arc::new(disk));
    let found = network.addresses(&name, timeout)?;
    Ok(found.iter().map(IpAddr::to_string).collect())
}

fn disk(hosts: &str, resolv_conf: &str) -> FakeDisk {
    FakeDisk::new()
        .file("/etc/hosts", hosts)
        .file("/etc/resolv.conf", resolv_conf)
}

fn online(hosts: &str, resolv_conf: &str, name: &str) -> Result<Vec<String>, NoAddress> {
    addresses(Arc::new(Online), disk(hosts, resolv_conf), name, LONG)
}

fn all(addresses: &[&str]) -> Result<Vec<String>, NoAddress> {
    Ok(addresses.iter().map(|at| (*at).to_owned()).collect())
}

/// A name server that hears everything and says nothing.
struct Silent(UdpSocket);

impl Silent {
    fn new() -> Self {
        Self(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    fn line(&self) -> String {
        let port = self.0.local_addr().unwrap().port();
        format!("nameserver [127.0.0.1]:{port}\n")
    }

    /// How many questions lie before it.
    fn heard(&self) -> usize {
        self.0.set_nonblocking(true).unwrap();
        let mut bytes = [0; 512];
        std::iter::from_fn(|| self.0.recv(&mut bytes).ok()).count()
    }
}

#[test]
fn a_line_of_the_hosts_file_wins_and_nobody_is_asked() {
    let silent = Silent::new();
    let hosts = "10.7.7.7 mail1.corp.example mail1\nfd00::7 mail1\n10.7.7.8 mail1\n";
    assert_eq!(
        online(hosts, &silent.line(), "mail1"),
        all(&["10.7.7.7", "10.7.7.8", "fd00::7"])
    );
    assert_eq!(
        online(hosts, &silent.line(), "Mail1.Corp.Example."),
        all(&["10.7.7.7"])
    );
    assert_eq!(silent.heard(), 0);
}

#[test]
fn a_name_the_hosts_file_leads_nowhere_stays_there() {
    let silent = Silent::new();
    let none = online("0.0.0.0 ads.example\n", &silent.line(), "ads.example").unwrap_err();
    assert_eq!(none.reason, Reason::NotPresent);
    assert!(
        none.what.contains("its line in /etc/hosts leads nowhere"),
        "{none}"
    );
    assert_eq!(silent.heard(), 0);
}

#[test]
fn the_name_servers_tell_addresses_of_both_kinds() {
    let Some(named) = started() else { return };
    let asked = |name| online("127.0.0.1 localhost\n", &named.resolv_conf(), name);
    let mail = all(&["10.1.1.1", "10.1.1.3", "fd00::1"]);
    assert_eq!(asked("mail1.corp.example"), mail);
    assert_eq!(asked("mail1.corp.example."), mail, "with a final dot");
    assert_eq!(asked("mail1"), mail, "completed by the search list");
    assert_eq!(asked("old-mail"), mail, "an alias");
    assert_eq!(asked("six"), all(&["fd00::6"]));
}

#[test]
fn a_name_with_dots_is_completed_once_it_is_not_found_as_it_stands() {
    let Some(named) = started() else { return };
    // This server answers for no other zone, and refuses: that is no word on the name, and no later one is tried.
    let none = online("", &named.resolv_conf(), "db1.dmz").unwrap_err();
    assert_eq!(none.reason, Reason::Forbidden, "{none}");
    let first = format!("{}options ndots:2\n", named.resolv_conf());
    assert_eq!(online("", &first, "db1.dmz"), all(&["10.9.9.9"]));
}

#[test]
fn a_name_that_nobody_knows_tells_who_was_asked_and_what_to_do() {
    let Some(named) = started() else { return };
    let resolv_conf = named.resolv_conf();
    let none = online("", &resolv_conf, "absent.corp.example").unwrap_err();
    assert_eq!(none.reason, Reason::NotPresent);
    let port = resolv_conf
        .split(']')
        .nth(1)
        .unwrap()
        .split('\n')
        .next()
        .unwrap();
    let told = none.to_string();
    for part in [
        "absent.corp.example: no line in /etc/hosts",
        &format!("name servers of /etc/resolv.conf: 127.0.0.1{port} (knows no absent.corp.example"),
        "write its address instead of the name, or a line in /etc/hosts",
        "sssd",
    ] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
}

#[test]
fn a_name_without_an_address_is_told_as_such() {
    let Some(named) = started() else { return };
    let told = |name: &str| {
        let none = online("", &named.resolv_conf(), name).unwrap_err();
        assert_eq!(none.reason, Reason::NotPresent, "{none}");
        none.what
    };
    assert!(told("textonly.corp.example").contains("without an address"));
    assert!(told("round.corp.example").contains("lead in a circle"));
    assert!(told("nowhere.corp.example").contains("its address leads nowhere"));
}

#[test]
fn a_name_server_that_is_silent_is_asked_again_and_given_up_in_time() {
    let silent = Silent::new();
    let disk = disk("", &silent.line());
    let none = addresses(Arc::new(Online), disk, "db1.corp.example", SHORT).unwrap_err();
    assert_eq!(none.reason, Reason::TimedOut);
    assert!(none.what.contains("did not answer"), "{none}");
    assert!(none.remedy.contains("give no answer"), "{none}");
    assert!(silent.heard() >= 2, "a datagram may be lost");
}

#[test]
fn where_the_first_name_server_is_silent_the_second_is_asked() {
    let Some(named) = started() else { return };
    let silent = Silent::new();
    let both = silent.line() + &named.resolv_conf();
    let disk = disk("", &both);
    let found = addresses(
        Arc::new(Online),
        disk,
        "six.corp.example",
        Duration::from_secs(4),
    );
    assert_eq!(found, all(&["fd00::6"]));
    assert!(silent.heard() >= 1);
}

#[test]
fn who_is_offline_asks_nobody_not_even_a_resolver_of_this_machine() {
    let silent = Silent::new();
    let offline = |name| {
        let disk = disk("10.0.0.9 db1\n", &silent.line());
        addresses(Arc::new(NoNetwork), disk, name, LONG)
    };
    let none = offline("db2.corp.example").unwrap_err();
    assert_eq!(none.reason, Reason::Forbidden);
    assert!(none.to_string().contains("without --offline"), "{none}");
    assert_eq!(offline("db1"), all(&["10.0.0.9"]));
    assert_eq!(offline("localhost"), all(&["127.0.0.1", "::1"]));
    assert_eq!(silent.heard(), 0);
    // The twin: the same server hears of it where there is a network.
    let disk = disk("", &silent.line());
    assert!(addresses(Arc::new(Online), disk, "db2.corp.example", SHORT).is_err());
    assert!(silent.heard() > 0);
}

#[test]
fn a_machine_without_these_files_says_so() {
    let told = |disk| {
        let none = addresses(Arc::new(Online), disk, "db1.corp.example", LONG).unwrap_err();
        none.what
    };
    let neither = told(FakeDisk::new());
    assert!(neither.contains("there is no /etc/hosts"), "{neither}");
    assert!(
        neither.contains("there is no /etc/resolv.conf"),
        "{neither}"
    );
    let shut = FakeDisk::new()
        .refused("/etc/hosts", Reason::PermissionDenied)
        .refused("/etc/resolv.conf", Reason::PermissionDenied);
    let shut = told(shut);
    assert!(
        shut.contains("/etc/hosts cannot be read (permission denied)"),
        "{shut}"
    );
    assert!(shut.contains("/etc/resolv.conf cannot be read"), "{shut}");
    let unusable = told(disk("", "nameserver fe80::1%eth0\n"));
    assert!(
        unusable.contains("names no server that can be asked"),
        "{unusable}"
    );
}

#[test]
fn whoever_is_within_a_runtime_may_ask_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let silent = Silent::new();
    let none = runtime.block_on(async {
        let disk = disk("", &silent.line());
        addresses(Arc::new(Online), disk, "db1.corp.example", SHORT).unwrap_err()
    });
    assert_eq!(none.reason, Reason::TimedOut);
}

/// A disk that answers when it is too late.
struct Stuck;

impl Disk for Stuck {
    fn read(&self, path: &Path, _: u64) -> Result<FileRead, DiskError> {
        std::thread::sleep(Duration::from_secs(600));
        Err(DiskError::because(path, Reason::TimedOut))
    }
    fn list(&self, path: &Path, _: usize) -> Result<Vec<Entry>, DiskError> {
        Err(DiskError::because(path, Reason::Unsupported))
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        Err(DiskError::because(path, Reason::Unsupported))
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        Err(DiskError::because(path, Reason::Unsupported))
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        Err(DiskError::because(path, Reason::Unsupported))
    }
}

#[test]
fn a_disk_that_hangs_keeps_nobody() {
    let name = HostName::parse("db1.corp.example").unwrap();
    let network = ResolvingNetwork::new(Arc::new(Online), Arc::new(Stuck));
    let none = network.addresses(&name, SHORT).unwrap_err();
    assert_eq!(none.reason, Reason::TimedOut);
}

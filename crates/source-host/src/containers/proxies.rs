//! Ports that `docker-proxy` holds open: what they lead to stands on its command line. Pure.
//!
//! The engine starts one for each published port (`-proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2
//! -container-port 80`), and the kernel tells whose address that is. So a published port is known where the engine's own files
//! cannot be read, or stand where nobody looked.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use groma_model::fact::PublishedPort;
use groma_model::{Port, Transport};

use crate::text::lossy;

/// What `comm` says of it: fifteen bytes at most; the second is of an engine that runs without root.
const NAMES: [&[u8]; 2] = [b"docker-proxy", b"rootlesskit-doc"];

/// Words of one command line that are looked at.
const WORDS_MAX: usize = 64;
/// Lines of a table of addresses that are looked at.
const LINES_MAX: usize = 10_000;

/// True if the name of a process is that of a proxy.
pub(super) fn is_proxy(comm: &[u8]) -> bool {
    NAMES.contains(&comm.trim_ascii_end())
}

/// The address within, and the port that leads there, out of a command line as `/proc/PID/cmdline` has it.
pub(super) fn told(cmdline: &[u8]) -> Option<(IpAddr, PublishedPort)> {
    let words = cmdline.split(|b| *b == 0).take(WORDS_MAX);
    let words: Vec<String> = words.map(lossy).collect();
    let value = |flag: &str| {
        words.iter().enumerate().find_map(|(at, word)| {
            let word = word.strip_prefix('-').unwrap_or(word);
            let said = word.trim_start_matches('-').strip_prefix(flag)?;
            match said.strip_prefix('=') {
                Some(value) => Some(value),
                None if said.is_empty() => words.get(at + 1).map(String::as_str),
                None => None,
            }
        })
    };
    let port = |flag: &str| value(flag)?.parse().ok().filter(|port| *port > 0).map(Port);
    let outside: IpAddr = value("host-ip")?.parse().ok()?;
    let published = PublishedPort {
        address: Some(outside).filter(|address| !address.is_unspecified()),
        port: port("host-port")?,
        inner: port("container-port")?,
        transport: match value("proto")? {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        },
    };
    Some((value("container-ip")?.parse().ok()?, published))
}

/// Addresses a network has for itself, loopback left out: `/proc/PID/net/fib_trie`, where an address stands above the line that
/// says `/32 host LOCAL`.
pub(super) fn addresses(fib_trie: &[u8]) -> BTreeSet<IpAddr> {
    let text = lossy(fib_trie);
    let mut last: Option<Ipv4Addr> = None;
    let mut own = BTreeSet::new();
    for line in text.lines().take(LINES_MAX).map(str::trim) {
        match line.strip_prefix("|-- ") {
            Some(address) => last = address.parse().ok(),
            None if line == "/32 host LOCAL" => own.extend(last.filter(|a| !a.is_loopback())),
            None => {}
        }
    }
    own.into_iter().map(IpAddr::V4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 127.0.0.0/8 2 0 2\n        |-- 127.0.0.1\n           /32 host LOCAL\n     +-- 172.17.0.0/16 2 0 2\n        |-- 172.17.0.0\n           /16 link UNICAST\n        |-- 172.17.0.2\n           /32 host LOCAL\n        |-- 172.17.255.255\n           /32 link BROADCAST\n";

    fn line(words: &str) -> Vec<u8> {
        words.replace(' ', "\0").into_bytes()
    }

    #[test]
    fn a_proxy_says_which_port_leads_where() {
        let words = "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80 -use-listen-fd";
        let (within, port) = told(&line(words)).expect("it is whole");
        assert_eq!(within.to_string(), "172.17.0.2");
        assert_eq!(
            (port.address, port.port, port.inner),
            (None, Port(8080), Port(80))
        );
        let one = words.replace("0.0.0.0", "10.0.0.5").replace("tcp", "udp");
        let (_, port) = told(&line(&one)).expect("it is whole");
        assert_eq!(port.transport, Transport::Udp);
        assert!(port.address.is_some());
        // Neither another transport nor half a line.
        assert_eq!(told(&line(&words.replace("tcp", "sctp"))), None);
        assert_eq!(
            told(&line("/usr/bin/docker-proxy -proto tcp -host-port")),
            None
        );
        assert!(is_proxy(b"docker-proxy\n") && !is_proxy(b"docker-proxy-x\n"));
    }

    #[test]
    fn own_addresses_are_those_the_kernel_calls_local() {
        let own: Vec<String> = addresses(TABLE.as_bytes())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(own, ["172.17.0.2"]);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let line = line(
            "docker-proxy -proto=tcp -host-ip=:: -host-port=1 -container-ip 10.0.0.2 -container-port 2",
        );
        groma_fuzz::hammer(2_000, &[&line, TABLE.as_bytes()], |bytes| {
            let _ = told(bytes);
            let _ = addresses(bytes);
        });
    }
}

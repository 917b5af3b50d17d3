//! What is asked at a port, in which order, and which ports are never asked at all.

use groma_model::Port;
use groma_source::{forbidden_port, steers_machines};

/// A question one connection can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// Nothing is said: many servers speak first.
    Greeting,
    /// A ClientHello (RFC 8446 §4.1.2), or an older one.
    Tls,
    /// `GET /` (RFC 9112).
    Http,
    /// A search for the root DSE (RFC 4512 §5.1).
    Ldap,
    /// A negotiation of SMB 2 or 3 ([MS-SMB2] §3.2.4.2.2), or of SMB 1.
    Smb,
    /// A connection request of remote desktop ([MS-RDPBCGR] §2.2.1.1).
    Rdp,
    /// An SSLRequest (PostgreSQL protocol 3.0).
    Postgresql,
    /// Which name servers the root has (RFC 1035), over TCP.
    Dns,
    /// OPTIONS (RFC 7826).
    Rtsp,
    /// `PING`, of Redis alone: it takes a page asked for as an attack, and says so in its log.
    Redis,
    /// `version`, of memcached alone.
    Memcached,
}

use Question::{Dns, Greeting, Http, Ldap, Memcached, Postgresql, Rdp, Redis, Rtsp, Smb, Tls};

/// What is asked where the port tells nothing, or told wrong. What most servers answer in some recognisable way comes
/// first.
const ANYBODY: [Question; 9] = [Greeting, Tls, Http, Rtsp, Ldap, Dns, Smb, Rdp, Postgresql];

/// What is asked at `port`, in order; the first answer that is understood ends it. Empty where nothing is ever asked.
pub(crate) fn questions(port: Port, may_print: bool) -> Vec<Question> {
    let is_closed_to_us = forbidden_port(port) || steers_machines(port) || takes_paper(port);
    if is_closed_to_us || (may_print && !OF_PRINTERS.contains(&port.0)) {
        return Vec::new();
    }
    let habit = habit(port);
    let others = ANYBODY.into_iter().filter(|q| !habit.contains(q));
    habit.iter().copied().chain(others).collect()
}

/// The only ports of a machine that takes print jobs at which anything is asked: web pages and IPP.
const OF_PRINTERS: [u16; 3] = [80, 443, 631];

/// Further ports at which makers take pages as they come: Zebra, Lexmark, Star, Epson and their kin.
pub(crate) fn takes_paper(port: Port) -> bool {
    matches!(
        port.0,
        2501 | 2503 | 3001 | 3910 | 6101 | 8289 | 9220 | 9400 | 9500 | 10001
    )
}

/// True if a port is one at which print jobs are taken: a machine that has one open may print whatever it hears elsewhere.
pub(crate) fn is_of_a_printer(port: Port) -> bool {
    forbidden_port(port) || matches!(port.0, 2501 | 6101)
}

/// What a port is mostly used for.
fn habit(port: Port) -> &'static [Question] {
    match port.0 {
        80
        | 81
        | 591
        | 631
        | 3000
        | 3128
        | 5000
        | 5357
        | 5985
        | 8000..=8005
        | 8008
        | 8080
        | 8081
        | 8088
        | 8090
        | 8888
        | 9000
        | 9090
        | 9200
        | 10000
        | 15672 => &[Http],
        443
        | 465
        | 563
        | 636
        | 853
        | 989
        | 990
        | 992..=995
        | 2376
        | 3269
        | 4443
        | 5061
        | 5671
        | 5986
        | 6443
        | 6514
        | 6697
        | 8006
        | 8140
        | 8443
        | 8883
        | 9443
        | 10250 => &[Tls],
        389 | 3268 => &[Ldap],
        139 | 445 => &[Smb],
        3389 => &[Rdp],
        5432 => &[Postgresql],
        53 => &[Dns],
        554 | 8554 => &[Rtsp],
        6379 | 6380 => &[Redis],
        11211 => &[Memcached],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_habit_comes_first_and_nothing_is_asked_twice() {
        for port in 1..=u16::MAX {
            let asked = questions(Port(port), false);
            let mut once = asked.clone();
            once.dedup();
            assert_eq!(asked, once, "{port}");
            assert!(asked.is_empty() || asked.len() >= ANYBODY.len(), "{port}");
        }
        assert_eq!(questions(Port(443), false).first(), Some(&Tls));
        assert_eq!(questions(Port(22), false).first(), Some(&Greeting));
    }

    #[test]
    fn printers_and_plants_are_asked_nothing() {
        for port in [515, 9100, 9107, 9116, 9999, 102, 502, 44818, 47808, 20000] {
            assert!(questions(Port(port), false).is_empty(), "{port}");
        }
        assert!(
            questions(Port(7000), true).is_empty(),
            "a machine that prints"
        );
        assert!(!questions(Port(443), true).is_empty());
    }
}

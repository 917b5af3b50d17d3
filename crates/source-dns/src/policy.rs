//! Who may be asked what. A private name or address never goes to a public resolver. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use groma_model::{HostName, Peer};

use crate::parse::Resolvers;

/// Endings that mean something only inside an organisation or a home (RFC 6762 §G, RFC 8375, and habit).
const PRIVATE_ENDINGS: &[&str] = &[
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "private",
];
/// Endings no resolver can answer for (RFC 6761, RFC 7686).
const NOWHERE: &[&str] = &["invalid", "onion"];

/// What is done with a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ruling {
    /// Asked at these resolvers, under these names in this order (one, for an address).
    Ask {
        servers: Vec<SocketAddr>,
        candidates: Vec<HostName>,
    },
    /// It means this machine, or nothing at all: there is no question.
    NoQuestion,
    /// It belongs to multicast DNS, which is not asked.
    Multicast,
    /// It is private, and every resolver of this machine is public.
    Private,
    /// The look may contact none of the resolvers.
    Offline,
    /// There is no resolver.
    NoResolver,
}

/// Rules over one question. `permitted` says whether a packet may go to a resolver.
pub(crate) fn rule(
    question: &Peer,
    resolvers: &Resolvers,
    permitted: &dyn Fn(SocketAddr) -> bool,
) -> Ruling {
    if is_no_question(question) {
        return Ruling::NoQuestion;
    }
    if matches!(question, Peer::Name(name) if ends_in(name, &["local"])) {
        return Ruling::Multicast;
    }
    if resolvers.servers.is_empty() {
        return Ruling::NoResolver;
    }
    let open: Vec<SocketAddr> = resolvers
        .servers
        .iter()
        .copied()
        .filter(|server| permitted(*server))
        .collect();
    if open.is_empty() {
        return Ruling::Offline;
    }
    let trusted: Vec<SocketAddr> = open
        .iter()
        .copied()
        .filter(|server| is_private_address(server.ip()))
        .collect();
    let private = is_private(question, &resolvers.search);
    match (private, trusted.is_empty()) {
        (true, true) => Ruling::Private,
        (_, false) => Ruling::Ask {
            servers: trusted,
            candidates: completed(question, resolvers),
        },
        // A public resolver hears the public name as it stands, never one completed by a private domain.
        (false, true) => Ruling::Ask {
            servers: open,
            candidates: as_it_is(question),
        },
    }
}

fn is_no_question(question: &Peer) -> bool {
    let nowhere = match question {
        Peer::Name(name) => ends_in(name, NOWHERE),
        Peer::Address(IpAddr::V4(v4)) => {
            v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()
        }
        Peer::Address(IpAddr::V6(v6)) => v6.is_unspecified() || v6.is_multicast(),
    };
    nowhere || question.is_loopback()
}

pub(crate) fn is_private(question: &Peer, search: &[HostName]) -> bool {
    match question {
        Peer::Address(address) => is_private_address(*address),
        Peer::Name(name) => {
            let domains: Vec<&str> = search.iter().map(HostName::as_str).collect();
            !name.is_qualified() || ends_in(name, PRIVATE_ENDINGS) || ends_in(name, &domains)
        }
    }
}

fn ends_in(name: &HostName, endings: &[&str]) -> bool {
    let within = |ending: &&str| {
        name.as_str()
            .strip_suffix(*ending)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    endings.iter().any(within)
}

/// True for addresses that mean something on this site only: RFC 1918, RFC 6598, RFC 4193, link-local, loopback.
pub(crate) fn is_private_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn as_it_is(question: &Peer) -> Vec<HostName> {
    match question {
        Peer::Name(name) => vec![name.clone()],
        Peer::Address(_) => Vec::new(),
    }
}

fn completed(question: &Peer, resolvers: &Resolvers) -> Vec<HostName> {
    match question {
        Peer::Name(name) => candidates(name, resolvers),
        Peer::Address(_) => Vec::new(),
    }
}

/// The names the C library would try, in its order: a name with few dots is completed first.
pub(crate) fn candidates(name: &HostName, resolvers: &Resolvers) -> Vec<HostName> {
    let completed = resolvers
        .search
        .iter()
        .filter_map(|domain| HostName::parse(&format!("{name}.{domain}")));
    let dots = name.as_str().matches('.').count();
    let mut all: Vec<HostName> = match dots >= resolvers.ndots {
        true => std::iter::once(name.clone()).chain(completed).collect(),
        false => completed.chain(std::iter::once(name.clone())).collect(),
    };
    let mut met = BTreeSet::new();
    all.retain(|candidate| met.insert(candidate.clone()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "nameserver 9.9.9.9\nsearch corp.example\n";
    const MIXED: &str = "nameserver 9.9.9.9\nnameserver 10.0.0.53\nsearch corp.example\n";

    fn ruled(question: &str, configuration: &str) -> Ruling {
        rule(
            &Peer::parse(question).unwrap(),
            &Resolvers::parse(configuration.as_bytes()),
            &|_| true,
        )
    }

    fn asked(question: &str, configuration: &str) -> (Vec<String>, Vec<String>) {
        match ruled(question, configuration) {
            Ruling::Ask {
                servers,
                candidates,
            } => (
                servers.iter().map(|s| s.ip().to_string()).collect(),
                candidates.iter().map(ToString::to_string).collect(),
            ),
            other => panic!("{question}: {other:?}"),
        }
    }

    #[test]
    fn nothing_private_goes_to_a_public_resolver() {
        let private = [
            "db1",
            "www.corp.example",
            "corp.example",
            "nas.lan",
            "x.internal",
            "dc1.ad.corp",
            "printer.home.arpa",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
        ];
        for question in private {
            assert_eq!(ruled(question, PUBLIC), Ruling::Private, "{question}");
            let servers = asked(question, MIXED).0;
            assert_eq!(servers, ["10.0.0.53"], "{question}");
        }
    }

    #[test]
    fn a_public_name_goes_to_a_public_resolver_as_it_stands() {
        assert_eq!(
            asked("www.example.net", PUBLIC),
            (vec!["9.9.9.9".into()], vec!["www.example.net".into()])
        );
        assert_eq!(asked("8.8.4.4", PUBLIC), (vec!["9.9.9.9".into()], vec![]));
        assert!(
            asked("xcorp.example", PUBLIC).0.contains(&"9.9.9.9".into()),
            "a name that only ends alike is not private"
        );
    }

    #[test]
    fn a_short_name_is_completed_as_the_c_library_does() {
        assert_eq!(asked("db1", MIXED).1, ["db1.corp.example", "db1"]);
        assert_eq!(
            asked("db1.dmz", MIXED).1,
            ["db1.dmz", "db1.dmz.corp.example"]
        );
        assert_eq!(
            asked("db1.dmz", &format!("{MIXED}options ndots:2\n")).1,
            ["db1.dmz.corp.example", "db1.dmz"]
        );
    }

    #[test]
    fn what_means_this_machine_or_nothing_is_no_question() {
        for question in [
            "localhost",
            "127.0.0.53",
            "::1",
            "0.0.0.0",
            "224.0.0.251",
            "ff02::fb",
            "x.invalid",
            "abc.onion",
        ] {
            assert_eq!(ruled(question, MIXED), Ruling::NoQuestion, "{question}");
        }
        assert_eq!(ruled("printer.local", MIXED), Ruling::Multicast);
    }

    #[test]
    fn a_look_that_may_contact_nobody_asks_nobody() {
        let resolvers = Resolvers::parse(MIXED.as_bytes());
        assert_eq!(
            rule(
                &Peer::parse("www.example.net").unwrap(),
                &resolvers,
                &|_| false
            ),
            Ruling::Offline
        );
    }
}

//! Next hops: `[host]:port`, `lmtp:inet:host:24`, `smtp:host`, a service of master.cf that runs a program.

use std::collections::BTreeMap;

use groma_model::fact::RouteTarget;
use groma_model::{Foreign, Peer, Port};

/// What a service of master.cf does with mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Service {
    /// It speaks SMTP or LMTP to a machine; the port where none is named.
    Client(Port),
    /// It hands mail to a program.
    Program(Foreign),
    /// Anything else.
    Other,
}

/// The ways of sending mail on, by the name of their service.
pub(super) type Services = BTreeMap<String, Service>;

/// A port in digits, or a word for one.
pub(super) fn port_of(text: &str) -> Option<Port> {
    match text {
        "smtp" => Some(Port(25)),
        "submission" => Some(Port(587)),
        "smtps" | "submissions" => Some(Port(465)),
        "lmtp" => Some(Port(24)),
        digits => digits.parse().ok().filter(|port| *port > 0).map(Port),
    }
}

/// `host`, `host:port`, `[host]`, `[host]:port`, `[ipv6:…]`.
pub(super) fn endpoint(text: &str) -> Option<(Peer, Option<Port>)> {
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => Some(port_of(port)?),
        None => None,
    };
    let bare = host
        .get(..5)
        .filter(|head| head.eq_ignore_ascii_case("ipv6:"));
    let host = bare.and_then(|_| host.get(5..)).unwrap_or(host);
    let is_hole = host.is_empty() || host.contains(['$', '%', '{', '*', '/', '@']);
    let peer = (!is_hole).then(|| Peer::parse(host)).flatten()?;
    let unspecified = matches!(&peer, Peer::Address(address) if address.is_unspecified());
    (!unspecified).then_some((peer, port))
}

/// Where `transport:next hop` leads; nothing for what stays here, is thrown away or is refused.
pub(super) fn of_transport(value: &str, services: &Services) -> Option<RouteTarget> {
    let (way, rest) = value.trim().split_once(':')?;
    if way.starts_with('[') {
        return host(value, Port(25));
    }
    match (way, services.get(way)) {
        ("error" | "retry" | "discard" | "local" | "virtual", _) => None,
        (_, Some(Service::Program(path))) => Some(RouteTarget::Program { path: path.clone() }),
        ("lmtp", _) => host(rest, Port(24)),
        ("" | "smtp" | "relay", _) => host(rest, Port(25)),
        (_, Some(Service::Client(port))) => host(rest, *port),
        (name, _) => host(rest, Port(25)).or_else(|| {
            let name = name.to_owned();
            is_name(&name).then_some(RouteTarget::Way { name })
        }),
    }
}

/// True for what a transport, a service or a selector may be called; not for text that only stands in its place.
pub(super) fn is_name(text: &str) -> bool {
    let is_named_by = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(is_named_by)
}

/// The machine or socket of a next hop.
pub(super) fn host(text: &str, usual: Port) -> Option<RouteTarget> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        return Some(RouteTarget::Socket { path: path.into() });
    }
    let text = text.strip_prefix("inet:").unwrap_or(text);
    let (peer, port) = endpoint(text)?;
    Some(RouteTarget::Host {
        peer,
        port: port.or(Some(usual)),
    })
}

/// Where a filter or policy service answers: `inet:host:port`, `inet:port@host` (milters), `unix:path`, `local:path`.
pub(super) fn service(text: &str) -> Option<RouteTarget> {
    let text = text.trim();
    if let Some(path) = text
        .strip_prefix("unix:")
        .or_else(|| text.strip_prefix("local:"))
    {
        return Some(RouteTarget::Socket { path: path.into() });
    }
    let rest = ["inet:", "inet6:"]
        .iter()
        .find_map(|p| text.strip_prefix(p))?;
    let (peer, port) = match rest.split_once('@') {
        Some((port, host)) => (endpoint(host)?.0, port_of(port)),
        None => endpoint(rest)?,
    };
    Some(RouteTarget::Host { peer, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Option<String> {
        let services = [
            (
                "fax".to_owned(),
                Service::Program("/usr/bin/faxmail".into()),
            ),
            ("smtp-amavis".to_owned(), Service::Client(Port(25))),
        ];
        of_transport(value, &services.into()).map(|to| to.to_string())
    }

    #[test]
    fn next_hops_in_all_their_shapes() {
        assert_eq!(
            shown("smtp:[10.0.0.5]:2525").as_deref(),
            Some("10.0.0.5:2525")
        );
        assert_eq!(
            shown(":[gate.corp.example]").as_deref(),
            Some("gate.corp.example:25")
        );
        assert_eq!(
            shown("relay:gate.corp.example:submission").as_deref(),
            Some("gate.corp.example:587")
        );
        assert_eq!(
            shown("lmtp:inet:box.corp.example").as_deref(),
            Some("box.corp.example:24")
        );
        assert_eq!(
            shown("lmtp:unix:private/dovecot-lmtp").as_deref(),
            Some("socket private/dovecot-lmtp")
        );
        assert_eq!(shown("fax:").as_deref(), Some("program /usr/bin/faxmail"));
        assert_eq!(
            shown("smtp-amavis:[127.0.0.1]:10024").as_deref(),
            Some("127.0.0.1:10024")
        );
        assert_eq!(
            shown("smtp:[ipv6:fd00::7]:25").as_deref(),
            Some("[fd00::7]:25")
        );
        assert_eq!(shown("mystery:").as_deref(), Some("mystery"));
        for silent in [
            "error:5.1.1 gone",
            "discard:",
            "local:",
            ":",
            "virtual:",
            "smtp:",
            "smtp:$x",
            "PASSWORD=two canary:",
        ] {
            assert_eq!(shown(silent), None, "{silent}");
        }
    }

    #[test]
    fn services_that_are_asked() {
        let shown = |text| service(text).map(|to| to.to_string());
        assert_eq!(
            shown("inet:filter.corp.example:8891").as_deref(),
            Some("filter.corp.example:8891")
        );
        assert_eq!(
            shown("inet:8893@10.0.0.9").as_deref(),
            Some("10.0.0.9:8893")
        );
        assert_eq!(
            shown("unix:/run/opendkim.sock").as_deref(),
            Some("socket /run/opendkim.sock")
        );
        assert_eq!(shown("static:x"), None);
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"lmtp:inet:[ipv6:fd00::7]:24", b"inet:8893@[::1]"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                of_transport(&text, &Services::new());
                service(&text);
                endpoint(&text);
            },
        );
    }
}

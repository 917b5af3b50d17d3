//! The words of every product → one shape.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::fact::{Component, ComponentClass, Forward, ForwardEnd, ForwardMode};
use groma_model::{Foreign, Peer, Port, Transport};

/// Forwards one product may say: a proxy with more has a machine that writes its files.
pub(crate) const FORWARDS_MAX: usize = 5_000;

/// An endpoint.
pub(crate) fn endpoint(peer: Peer, port: Option<u16>, transport: Transport) -> ForwardEnd {
    ForwardEnd::Endpoint {
        peer,
        port: port.map(Port),
        transport,
    }
}

/// Every address of the machine.
pub(crate) fn everywhere() -> Peer {
    Peer::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

pub(crate) fn socket(path: &str) -> ForwardEnd {
    ForwardEnd::Socket { path: path.into() }
}

/// A unit of the service manager.
pub(crate) fn unit(name: &str) -> Component {
    Component {
        class: ComponentClass::Unit,
        name: Foreign::from(name),
    }
}

/// A forward without names, conditions and groups.
pub(crate) fn plain(
    mode: ForwardMode,
    listens: ForwardEnd,
    sends_to: ForwardEnd,
    component: Component,
) -> Forward {
    Forward {
        mode,
        listens,
        sends_to,
        names: Vec::new(),
        conditional: false,
        group: None,
        backup: false,
        via: None,
        kind: None,
        component,
        file: None,
        line: None,
        table: None,
    }
}

/// `host:port`, `[v6]:port`, `host`, `*:port`, `:port`, a bare v6 address.
pub(crate) fn host_and_port(text: &str) -> Option<(Peer, Option<u16>)> {
    let text = text.trim();
    if text.len() > 512 {
        return None;
    }
    if let Some((inner, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(number(port)?),
            None => None,
        };
        return Some((host(inner)?, port));
    }
    match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => Some((host(name)?, Some(number(port)?))),
        _ => Some((host(text)?, None)),
    }
}

/// A host; nothing, `*` and `_default_` mean every address.
pub(crate) fn host(text: &str) -> Option<Peer> {
    match text {
        "" | "*" | "_default_" => Some(everywhere()),
        text => Peer::parse(text),
    }
}

/// A port in decimal, of a range the first.
pub(crate) fn number(text: &str) -> Option<u16> {
    let first = text.trim().split('-').next()?;
    let digits = first.bytes().all(|b| b.is_ascii_digit());
    first.parse().ok().filter(|port| digits && *port > 0)
}

/// Host and port of `scheme://host[:port]/…`, with the port the scheme has by habit.
pub(crate) fn url(text: &str) -> Option<(ForwardEnd, &'static str)> {
    let (scheme, rest) = text.split_once("://")?;
    let (port, kind) = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" | "h2c" | "grpc" => (80, "http"),
        "https" | "wss" | "h2" | "grpcs" => (443, "http"),
        "ajp" => (8009, "http"),
        "fcgi" | "scgi" | "uwsgi" => (9000, "http"),
        "ftp" => (21, "ftp"),
        _ => return None,
    };
    let rest = rest.rsplit_once('@').map_or(
        rest,
        |(user, host)| {
            if user.contains('/') { rest } else { host }
        },
    );
    if let Some(path) = rest.strip_prefix("unix:") {
        return Some((socket(path.split(':').next()?), kind));
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (peer, own) = host_and_port(authority)?;
    if authority.is_empty() {
        return None;
    }
    Some((endpoint(peer, own.or(Some(port)), Transport::Tcp), kind))
}

/// Names as a forward carries them: lower case, sorted, once each.
pub(crate) fn names(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = all
        .into_iter()
        .map(|n| n.to_ascii_lowercase())
        .filter(|n| !n.is_empty() && n.len() <= 253)
        .take(500)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let shown = |text| host_and_port(text).map(|(p, n)| format!("{p} {n:?}"));
        assert_eq!(shown("db1:5432").unwrap(), "db1 Some(5432)");
        assert_eq!(shown("[fd00::1]:80").unwrap(), "fd00::1 Some(80)");
        assert_eq!(shown("*:80").unwrap(), "0.0.0.0 Some(80)");
        assert_eq!(shown("fd00::1").unwrap(), "fd00::1 None");
        assert_eq!(shown("a:b"), None);
        assert_eq!(shown("a:0"), None);
        assert_eq!(shown("$host:80"), None);
    }

    #[test]
    fn a_url_gives_no_account_and_no_path() {
        let (end, kind) = url("https://u:p@app1.corp.example/x?y").unwrap();
        assert_eq!(
            (end.to_string().as_str(), kind),
            ("app1.corp.example:443", "http")
        );
        assert_eq!(
            url("http://unix:/run/app.sock:/x").unwrap().0,
            socket("/run/app.sock")
        );
        assert!(url("http:///x").is_none() && url("x").is_none());
    }
}

//! Values → the machines they name. Pure; a secret is dropped while it is read.

use std::net::IpAddr;

use groma_model::name::Protection;
use groma_model::{Peer, Port, Transport};

/// Longest text that may be a host with its port.
const HOST_MAX: usize = 280;
/// Longest name of a database, share or path that is said, in bytes.
const RESOURCE_MAX: usize = 200;
/// Longest account.
const ACCOUNT_MAX: usize = 120;

/// Words that stand where a host could and name none.
const NOBODY: &[&str] = &[
    "none",
    "null",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "any",
    "all",
    "default",
    "auto",
    "host",
    "hostname",
    "server",
    "servername",
    "changeme",
    "undefined",
    "unset",
    "tcp",
    "udp",
    "local",
    "disabled",
    "enabled",
    "empty",
    "unknown",
    "invalid",
    "example",
    "direct",
];

/// Hosts that are no machine: the far side of a remote desktop, of a subsystem or of a guest's shared folders.
const NO_MACHINE: &[&str] = &[
    "tsclient",
    "wsl$",
    "wsl.localhost",
    "vboxsvr",
    "vboxsrv",
    "vmware-host",
    "psf",
    "mac",
];

/// A machine a value names, with what the value itself says about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) peer: Peer,
    /// The port that is written.
    pub(super) port: Option<Port>,
    /// Port of the scheme, where none is written.
    pub(super) default_port: Option<Port>,
    pub(super) transport: Option<Transport>,
    /// Dependency kind, where the value says it.
    pub(super) kind: Option<&'static str>,
    pub(super) protection: Option<Protection>,
    pub(super) resource: Option<String>,
    pub(super) account: Option<String>,
    /// True if a secret stood there; it was dropped.
    pub(super) has_secret: bool,
}

impl Target {
    pub(super) fn new(peer: Peer, port: Option<Port>) -> Self {
        Self {
            peer,
            port,
            default_port: None,
            transport: None,
            kind: None,
            protection: None,
            resource: None,
            account: None,
            has_secret: false,
        }
    }
}

/// `host`, `host:port`, `[address]:port`, a bare IPv6 address, as a target.
pub(super) fn host(text: &str) -> Option<Target> {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.len() > HOST_MAX {
        return None;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(digits) => Some(port(digits)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return Some(Target::new(peer(inner)?, port));
    }
    match text.split_once(':') {
        Some((name, digits)) if !digits.contains(':') => {
            Some(Target::new(peer(name)?, Some(port(digits)?)))
        }
        _ => Some(Target::new(peer(text)?, None)),
    }
}

/// A machine by name or address; holes for a name, and addresses nobody has, name none.
pub(super) fn peer(text: &str) -> Option<Peer> {
    let text = text.trim();
    let is_address = text.contains(':');
    let text = match text.split_once('%') {
        // A zone (`fe80::1%12`) belongs to this machine alone.
        Some((address, _)) if is_address => address,
        _ => text,
    };
    let text = text.strip_suffix(".ipv6-literal.net").map_or_else(
        || text.to_owned(),
        // `fd00--5.ipv6-literal.net`: colons are no letters of a path ([MS-DTYP], "UNC").
        |literal| {
            literal
                .split('s')
                .next()
                .unwrap_or_default()
                .replace('-', ":")
        },
    );
    match Peer::parse(&text)? {
        Peer::Address(address) if is_of_nobody(&address) => None,
        Peer::Address(address) => Some(Peer::Address(address)),
        Peer::Name(name) => {
            let word = name.as_str();
            let is_word = !word.contains('.') && NOBODY.contains(&word);
            // A version (`16.0a`) is no name.
            let is_version = word.contains('.')
                && word.bytes().filter(u8::is_ascii_alphabetic).count() < 3
                && word.starts_with(|c: char| c.is_ascii_digit());
            let is_no_machine = NO_MACHINE.contains(&word);
            (!is_word && !is_version && !is_no_machine).then_some(Peer::Name(name))
        }
    }
}

fn is_of_nobody(address: &IpAddr) -> bool {
    let is_broadcast =
        matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.octets()[0] == 255);
    address.is_unspecified() || address.is_multicast() || is_broadcast
}

/// A port number from 1 to 65535.
pub(super) fn port(digits: &str) -> Option<Port> {
    let number = digits.trim().parse::<u16>().ok();
    number.filter(|number| *number != 0).map(Port)
}

/// An account as it may be said: no variable, nothing that looks like a token, no blank that ends a command.
pub(super) fn account(text: &str) -> Option<String> {
    let text = text.trim();
    let foreign = ['{', '<', '\n', '%', ':', '"', ';', '='];
    let is_dn = text.contains('=') && text.contains(',');
    let fits = !text.is_empty() && text.len() <= ACCOUNT_MAX && (is_dn || !text.contains(foreign));
    (fits && !looks_secret(text)).then(|| text.to_owned())
}

/// A database, share or path as it may be said.
pub(super) fn resource(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('/');
    let foreign = ['<', '>', '\n', '"', '?', '*', '|', '%'];
    // A policy's folder is called `{GUID}`; `{{name}}` and `${name}` are holes.
    let is_hole = text.contains("{{") || text.contains("${");
    let fits =
        !text.is_empty() && text.len() <= RESOURCE_MAX && !text.contains(foreign) && !is_hole;
    let is_sound = !text.chars().any(char::is_control);
    (fits && is_sound && !looks_secret(text)).then(|| text.to_owned())
}

/// True for what may be a key or token: long, one word, letters and digits mixed; or a known prefix.
fn looks_secret(text: &str) -> bool {
    let prefixes = [
        "ghp_", "gho_", "glpat-", "xox", "sk-", "sk_", "AKIA", "eyJ", "hvs.",
    ];
    let one_word = !text.contains(['.', '=', ' ', '/', '\\', ',', '-']);
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    let letters = text.bytes().any(|b| b.is_ascii_alphabetic());
    prefixes.iter().any(|prefix| text.starts_with(prefix))
        || (one_word && digits && letters && text.len() >= 24)
}

/// `\\server\share\path`, also with the other slash, behind `\\?\UNC`, and WebDAV's `\\server@SSL@8443\DavWWWRoot\path`.
/// Devices and drives (`\\.\…`, `\\?\C:\…`) name no machine.
pub(super) fn unc(text: &str) -> Option<Target> {
    let text = text.trim().replace('/', "\\");
    let rest = text.strip_prefix(r"\\")?;
    let rest = match rest.get(..6) {
        Some(head) if head.eq_ignore_ascii_case(r"?\UNC\") => rest.get(6..)?,
        _ => rest,
    };
    let (server, path) = rest.split_once('\\').unwrap_or((rest, ""));
    let mut parts = server.split('@');
    let mut target = Target::new(peer(parts.next()?)?, None);
    let mut web = server.contains('@');
    for part in parts {
        match port(part) {
            Some(number) => target.port = Some(number),
            None if part.eq_ignore_ascii_case("ssl") => target.protection = Some(Protection::Tls),
            None => return None,
        }
    }
    let (first, below) = path.split_once('\\').unwrap_or((path, ""));
    let path = match first.eq_ignore_ascii_case("DavWWWRoot") {
        true => {
            web = true;
            below
        }
        false => path,
    };
    if web {
        let is_tls = target.protection == Some(Protection::Tls);
        target.kind = Some("http");
        target.default_port = Some(Port(if is_tls { 443 } else { 80 }));
    }
    let path = path.trim_end_matches('\\').replace('\\', "/");
    target.resource = resource(&path);
    Some(target)
}

#[cfg(test)]
mod tests;

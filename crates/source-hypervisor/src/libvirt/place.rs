//! Where a daemon is: what a URL of libvirt means, and which of them are asked.

use std::path::PathBuf;

use groma_model::{Peer, Reason};

use crate::cause::Cause;

/// Port of the daemon's TLS listener.
const TLS: u16 = 16514;
/// Port of the daemon's listener in clear text.
const TCP: u16 = 16509;

/// What to do instead.
pub(crate) const NOT_OVER_SSH: &str = "run groma-agent on that host and ask qemu:///system there, or give its daemon TLS (qemu://HOST/system)";

/// A daemon, and what it is asked to open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// What the daemon opens: `qemu:///system`.
    pub(super) name: String,
    /// How it is reached.
    pub(super) way: Way,
}

/// How a daemon is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// The first of these sockets that is there.
    Sockets(Vec<PathBuf>),
    /// TLS.
    Tls(Peer, u16),
    /// Clear text.
    Clear(Peer, u16),
}

impl Place {
    /// What `url` means; `writing` asks for the socket that lets guests be asked too.
    pub(super) fn parse(url: &str, writing: bool) -> Result<Self, Cause> {
        let wrong = |why: &str| {
            let remedy = "write url = \"qemu:///system\", or \"qemu://HOST/system\" for TLS";
            Cause::new(format!("{url}: {why}"), Reason::Unsupported, remedy)
        };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("no url of libvirt"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (driver, transport) = match scheme.split_once('+') {
            Some((driver, transport)) => (driver, transport),
            None if authority.is_empty() => (scheme, "unix"),
            None => (scheme, "tls"),
        };
        asked(driver).map_err(&wrong)?;
        let socket = socket(query).map_err(|why| wrong(&why))?;
        let way = match transport {
            "unix" if !authority.is_empty() => return Err(wrong("a socket has no host")),
            "unix" => Way::Sockets(match socket {
                Some(socket) => vec![socket],
                None if path == "session" => {
                    return Err(wrong(
                        "a session has a socket of its user's: add ?socket=PATH",
                    ));
                }
                None => sockets(driver, writing),
            }),
            "tls" => {
                let (peer, port) = at(authority, TLS).ok_or_else(|| wrong("no host to ask"))?;
                Way::Tls(peer, port)
            }
            "tcp" => {
                let (peer, port) = at(authority, TCP).ok_or_else(|| wrong("no host to ask"))?;
                Way::Clear(peer, port)
            }
            "ssh" | "libssh" | "libssh2" => return Err(over_ssh(url)),
            _ => return Err(wrong("no transport that is asked over")),
        };
        Ok(Self {
            name: format!("{driver}:///{path}"),
            way,
        })
    }
}

/// Drivers a daemon of libvirt runs itself; the others only lead somewhere else.
fn asked(driver: &str) -> Result<(), &'static str> {
    match driver {
        "qemu" | "lxc" | "xen" | "ch" | "bhyve" | "vz" | "test" => Ok(()),
        "esx" | "gsx" | "vpx" | "hyperv" | "vmwareplayer" | "vmwarews" => {
            Err("another platform behind libvirt: name that platform itself, with its own kind")
        }
        _ => Err("no driver of libvirt that is asked"),
    }
}

fn over_ssh(url: &str) -> Cause {
    Cause::new(
        format!("{url}: no daemon is asked over ssh"),
        Reason::Unsupported,
        NOT_OVER_SSH,
    )
}

/// The one parameter that is known. Others would loosen who is believed, and are refused rather than passed over.
fn socket(query: &str) -> Result<Option<PathBuf>, String> {
    let mut found = None;
    for pair in query.split(['&', ';']).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("socket", path)) if path.starts_with('/') => found = Some(PathBuf::from(path)),
            Some(("socket", _)) => return Err("socket must be a whole path".to_owned()),
            _ => {
                let name = pair.split('=').next().unwrap_or_default();
                return Err(format!(
                    "the parameter {name} is not known; only socket=PATH is"
                ));
            }
        }
    }
    Ok(found)
}

/// Sockets by which daemons are known: one for each driver, or one for all.
fn sockets(driver: &str, writing: bool) -> Vec<PathBuf> {
    let end = if writing { "" } else { "-ro" };
    let own = match driver {
        "ch" => "virtchd".to_owned(),
        other => format!("virt{other}d"),
    };
    let daemons = match driver {
        "test" => vec!["libvirt".to_owned()],
        _ => vec![own, "libvirt".to_owned()],
    };
    let path = |daemon: String| PathBuf::from(format!("/var/run/libvirt/{daemon}-sock{end}"));
    daemons.into_iter().map(path).collect()
}

/// Host and port. A name before `@` is no part of either: the access file refuses it.
fn at(authority: &str, port: u16) -> Option<(Peer, u16)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((before, digits)) if !before.contains(':') || before.ends_with(']') => {
            (before, digits.parse().ok()?)
        }
        _ => (authority, port),
    };
    Peer::parse(host).map(|peer| (peer, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(url: &str) -> Way {
        Place::parse(url, false).unwrap().way
    }

    #[test]
    fn a_url_of_libvirt_is_understood() {
        let paths = |all: &[&str]| Way::Sockets(all.iter().map(PathBuf::from).collect());
        assert_eq!(
            way("qemu:///system"),
            paths(&[
                "/var/run/libvirt/virtqemud-sock-ro",
                "/var/run/libvirt/libvirt-sock-ro"
            ])
        );
        assert_eq!(way("qemu+unix:///system?socket=/run/x"), paths(&["/run/x"]));
        assert_eq!(
            way("test:///default"),
            paths(&["/var/run/libvirt/libvirt-sock-ro"])
        );
        let peer = |text: &str| Peer::parse(text).unwrap();
        assert_eq!(
            way("qemu://hv1.corp.example/system"),
            Way::Tls(peer("hv1.corp.example"), 16514)
        );
        assert_eq!(
            way("qemu+tls://[fd00::1]:7/system"),
            Way::Tls(peer("fd00::1"), 7)
        );
        assert_eq!(
            way("xen+tcp://127.0.0.1/system"),
            Way::Clear(peer("127.0.0.1"), 16509)
        );
        assert_eq!(
            Place::parse("lxc+tls://h/system", true).unwrap().name,
            "lxc:///system"
        );
    }

    #[test]
    fn what_is_not_asked_says_what_to_do_instead() {
        for (url, word) in [
            ("qemu+ssh://root@h/system", "groma-agent on that host"),
            ("qemu+libssh2://h/system", "TLS"),
            ("esx://h/", "its own kind"),
            ("qemu:///session", "socket=PATH"),
            ("qemu://h/system?no_verify=1", "no_verify"),
            ("qemu+unix:///system?socket=x", "whole path"),
            ("qemu+tls:///system", "no host"),
            ("/var/run/libvirt", "no url"),
            ("qemu+ext://h/system", "transport"),
            ("qemu://h:99999/system", "no host"),
            ("qemu://me@h/system", "no host"),
        ] {
            let cause = Place::parse(url, false).unwrap_err();
            let said = format!("{} {}", cause.what, cause.remedy);
            assert!(said.contains(word), "{url}: {said}");
        }
    }
}

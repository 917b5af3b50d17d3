//! The way to a daemon: its socket, TLS with a certificate on both sides, or clear text within this machine.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{Peer, Reason};
use groma_source::Stream;
use groma_source::access::AccessError;
use groma_trust::{Handshake, Own, authorities};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::place::Way;
use crate::cause::Cause;
use crate::channel::{addresses, reached_at, secured};
use crate::look::Asking;

const KEY_BYTES_MAX: u64 = 64 << 10;

/// A conversation with the daemon, before a word is said.
pub(super) fn stream(asking: &Asking<'_>, way: &Way) -> Result<Box<dyn Stream>, Cause> {
    let timeout = Duration::from_millis(asking.budget.network_timeout_ms);
    match way {
        Way::Sockets(paths) => local(asking, paths, timeout),
        Way::Clear(peer, port) => {
            let is_named_so = match peer {
                Peer::Address(_) => true,
                Peer::Name(name) => name.is_loopback(),
            };
            if !is_named_so {
                return Err(leaves(peer));
            }
            let found = addresses(asking.world, peer, *port, timeout)?;
            match stays(&found) {
                true => reached_at(asking.world, found, timeout),
                false => Err(leaves(peer)),
            }
        }
        Way::Tls(peer, port) => {
            let handshake = Handshake::new(&asking.access.trust, own(asking)?)?;
            secured(asking.world, peer, *port, &handshake, timeout)
        }
    }
}

/// True if no address leads out of this machine. Asked of what the lookup said, and the call goes to nothing else: whoever
/// answers for `localhost` may point anywhere.
fn stays(found: &[SocketAddr]) -> bool {
    found
        .iter()
        .all(|one| one.ip().to_canonical().is_loopback())
}

fn leaves(peer: &Peer) -> Cause {
    Cause::new(
        format!("{peer} is no loopback address, and clear text never leaves this machine"),
        Reason::Forbidden,
        "give its daemon TLS and write qemu://HOST/system, or run groma-agent on that host",
    )
}

/// The first socket that is there.
fn local(
    asking: &Asking<'_>,
    paths: &[PathBuf],
    timeout: Duration,
) -> Result<Box<dyn Stream>, Cause> {
    let mut last = None;
    for path in paths {
        match asking.world.network.connect_socket(path, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let absent = error.kind() == io::ErrorKind::NotFound;
                // A door that is shut says more than one that is not there.
                if !absent || last.is_none() {
                    last = Some(no_socket(path, &error));
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| Cause::new("no socket to ask", Reason::NotPresent, "")))
}

fn no_socket(path: &Path, error: &io::Error) -> Cause {
    let (reason, remedy) = match error.kind() {
        io::ErrorKind::PermissionDenied => (
            Reason::PermissionDenied,
            "run as root, or as a member of the group libvirt",
        ),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => (
            Reason::NotPresent,
            "no daemon of libvirt listens there: see whether it runs, or write ?socket=PATH",
        ),
        _ => (Reason::of_io(error), ""),
    };
    Cause::new(format!("{}: {error}", path.display()), reason, remedy)
}

fn own(asking: &Asking<'_>) -> Result<Option<Own>, Cause> {
    let Some((certificate, key)) = &asking.access.own_certificate else {
        return Ok(None);
    };
    let disk = asking.world.disk.as_ref();
    let unfit = |why: String| {
        let remedy = "check certificate and key in the access file: both in PEM, the key without a passphrase";
        Cause::new(why, Reason::Malformed, remedy)
    };
    let chain: Vec<CertificateDer<'static>> =
        authorities(disk, certificate).map_err(|error: AccessError| unfit(error.to_string()))?;
    let read = disk.read(key, KEY_BYTES_MAX);
    let read = read.map_err(|error| unfit(format!("{}: {error}", key.display())))?;
    let bytes = zeroize::Zeroizing::new(read.bytes);
    let own = PrivateKeyDer::from_pem_slice(&bytes);
    let own = own.map_err(|_| unfit(format!("{}: no private key in it", key.display())))?;
    Ok(Some((chain, own)))
}

pub(super) fn no_logon() -> Cause {
    Cause::new(
        "the daemon wants a name and a password (SASL), which groma does not speak",
        Reason::Unsupported,
        "let it take a certificate (auth_tls = \"none\" and TLS), or ask its socket on the host itself; write no user here",
    )
}

pub(super) fn certificate_refused() -> Cause {
    Cause::new(
        "the daemon refused our certificate",
        Reason::Refused,
        "name certificate and key in the access file, and allow its name in tls_allowed_dn_list",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_this_machine_that_leads_elsewhere_is_not_called() {
        let read = |all: &[&str]| -> Vec<SocketAddr> {
            all.iter().filter_map(|one| one.parse().ok()).collect()
        };
        for own in [
            read(&["127.0.0.1:16509", "[::1]:16509"]),
            read(&["[::ffff:127.0.0.1]:16509"]),
        ] {
            assert!(stays(&own), "{own:?}");
        }
        for other in [
            read(&["127.0.0.1:16509", "192.0.2.7:16509"]),
            read(&["[2001:db8::1]:16509"]),
            read(&["0.0.0.0:16509"]),
        ] {
            assert!(!stays(&other), "{other:?}");
        }
    }
}

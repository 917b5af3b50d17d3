//! The way to a daemon: its socket, TLS with a certificate on both sides, or clear text within this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::{Peer, Reason};
use groma_source::Stream;
use groma_source::access::AccessError;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::place::Way;
use crate::cause::Cause;
use crate::channel::{reached, secured};
use crate::look::Asking;
use crate::trust::{Handshake, Own, authorities};

const KEY_BYTES_MAX: u64 = 64 << 10;

/// A conversation with the daemon, before a word is said.
pub(super) fn stream(asking: &Asking<'_>, way: &Way) -> Result<Box<dyn Stream>, Cause> {
    let timeout = Duration::from_millis(asking.budget.network_timeout_ms);
    match way {
        Way::Sockets(paths) => local(asking, paths, timeout),
        Way::Clear(peer, port) => {
            let is_own = match peer {
                Peer::Address(address) => asking.world.network.is_local(*address),
                Peer::Name(name) => name.is_loopback(),
            };
            match is_own {
                true => reached(asking.world, peer, *port, timeout),
                false => Err(Cause::new(
                    format!("{peer} is another machine, and clear text never leaves this one"),
                    Reason::Forbidden,
                    "give its daemon TLS and write qemu://HOST/system, or run groma-agent on that host",
                )),
            }
        }
        Way::Tls(peer, port) => {
            let handshake = Handshake::new(&asking.access.trust, own(asking)?)?;
            secured(asking.world, peer, *port, &handshake, timeout)
        }
    }
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

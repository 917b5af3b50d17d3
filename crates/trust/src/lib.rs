//! How a server is known to be the right one: pinned, or signed by a named authority. Never believed unseen.
//!
//! Sources that tell a server who they are, and prove it, use this crate: whoever is not the one that the access file names hears
//! nothing. [`Trust`] is what the file says, [`Handshake`] is what TLS is begun with, and [`Distrust`] is why it ended, in words an
//! operator can act on. It opens no connection: who waits for the bytes, and how, is each source's own.
//!
//! What only looks at certificates believes everybody and says nothing; that is another crate, and the two share no line. An agent
//! and its collector know each other by an authority of their own, in a third.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod handshake;
mod judge;

use std::path::Path;

use groma_model::foreign::{hex, unhex};
use groma_model::id::sha256;
use groma_source::Disk;
use groma_source::access::{AccessError, Place};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

pub use handshake::{Distrust, Handshake, Own, server_name};

const FILE_BYTES_MAX: u64 = 256 << 10;

/// By what the server is known to be the right one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Nothing was named: the conversation ends after the handshake, and the fingerprint is told.
    Nothing,
    /// SHA-256 of its certificate.
    Fingerprint([u8; 32]),
    /// Authorities that sign for its name.
    Authorities(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// What the table at `place` names with its keys `pin` and `ca`. A file without a folder lies beside the access file.
    ///
    /// # Errors
    /// Both are there, `pin` is no fingerprint, or `ca` cannot be read or holds no certificate.
    pub fn named(
        disk: &dyn Disk,
        place: &Place,
        pin: Option<&str>,
        ca: Option<&Path>,
    ) -> Result<Self, AccessError> {
        match (pin, ca) {
            (Some(_), Some(_)) => Err(place.wrong("both pin and ca")),
            (Some(pin), None) => fingerprint(pin).map(Self::Fingerprint).ok_or_else(|| {
                place.wrong("pin is no fingerprint; write \"sha256:\" and 64 hex digits")
            }),
            (None, Some(file)) => authorities(disk, &place.beside(file)).map(Self::Authorities),
            (None, None) => Ok(Self::Nothing),
        }
    }
}

/// A fingerprint as an operator writes it: `sha256:` and 64 hex digits, with or without colons.
pub fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.strip_prefix("sha256:")?.replace(':', "");
    unhex(&digits)?.try_into().ok()
}

/// SHA-256 of a certificate in DER, as hex digits.
pub fn print_of(certificate: &[u8]) -> String {
    hex(&sha256(certificate))
}

/// The certificates of a file in PEM.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn authorities(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let read = disk.read(path, FILE_BYTES_MAX);
    let read = read.map_err(|error| AccessError::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&read.bytes)
        .filter_map(Result::ok)
        .collect();
    match all.is_empty() {
        true => Err(AccessError::Malformed {
            path: path.to_owned(),
            why: "no certificate in PEM".to_owned(),
        }),
        false => Ok(all),
    }
}

#[cfg(test)]
mod tests;

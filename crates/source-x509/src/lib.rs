//! Certificates: in files, and as this machine's own listeners present them.
//!
//! **What it sees.** Each X.509 certificate (RFC 5280) with its fingerprint, names, validity, key and
//! signature, and each place where it was met: `certificates.files` looks where programs keep them (PEM
//! anywhere in a text, DER, PKCS#7, PKCS#12, keystores of Java and Bouncy Castle, databases of NSS), `certificates.endpoints` shakes hands with the TLS
//! listeners of this machine, so that the certificate on disk and the one still held in memory by a
//! server nobody reloaded are told apart. Whether a private key stands beside a certificate is found by
//! comparing public halves; a key entry of a Java keystore counts as paired, because the keystore binds
//! the two. An encrypted key says nothing and counts as absent. PKCS#12 is read as far as it is not locked (see `pkcs12`).
//!
//! `certificates.uses` reads the settings of installed programs and says which certificate each of them is told to use: the file is
//! read there and then, so the use is known by the certificate's fingerprint and not by a name. Settings that a
//! running program holds in memory only, and those within containers, are not seen. Certificates in files of running containers are: the
//! agent lets `certificates.files` look there too, as `certificates.containers`.
//!
//! `certificates.pins` reads settings and scripts for hashes that trust one certificate or key, whatever its name.
//!
//! **Where it reads it.** Below `/etc`, `/opt`, `/srv`, `/usr/local`, `/var/lib` and a few more, by file
//! name; in the configuration directories of TLS servers also by content. The public authorities that every
//! system ships are left out, wherever they are copied to; what a person added to them is said. Links
//! to directories are not followed: the directory is walked where it stands, if it stands in a root.
//!
//! **Which rights it needs.** None, to see what is open to all. Root, for closed directories and for keys;
//! every place that refuses is a gap.
//!
//! **What it costs the host.** A walk of those trees and small reads. At listeners, one to three connections
//! each, ten in a second at most, only where the port or the program says TLS; the server may log a line.
//! In networks that the ceiling file names as a laboratory many servers may be asked at a time (`many`).
//! Nothing but the words that begin TLS is said, and no certificate is judged: a client that accepts all is
//! right for looking, and it lives in a private module.
//!
//! A server that speaks only TLS 1.0 or 1.1, or only key exchanges our TLS library refuses, gets a hello
//! of our own: up to TLS 1.2 the certificate travels in clear text, and is read from there.
//!
//! Seen for real: OpenSSL, nginx, slapd, PostgreSQL, Postfix, Dovecot, vsftpd and MariaDB as servers; OpenSSL and
//! keytool (with Bouncy Castle) and certutil as makers of files. Not read: UBER and BCFKS keystores, stores locked with RC4 or with
//! a password that is one, journals beside a database of NSS. Not run here: trust stores of other distributions than Debian, SSL 3.0, and
//! certificates of elliptic curves outside NIST's and Brainpool's.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

mod bks;
mod certificate;
mod contact;
mod der;
mod embedded;
mod endpoints;
mod files;
mod handshake;
mod installed;
mod key;
mod keystore;
mod many;
mod nss;
mod parse;
mod pem;
mod pin;
mod pins;
mod pkcs12;
mod pkcs12_legacy;
mod places;
mod plan;
mod read;
mod readers;
mod setting;
mod started;
mod starttls;
mod text;
mod trust;
mod uses;

pub use certificate::certificate;
pub use endpoints::{CertificateEndpoints, Endpoint, OTHERS};
pub use files::CertificateFiles;
pub use pins::CertificatePins;
pub use uses::CertificateUses;

//! What a handshake is made with, and why it failed.

use std::io;
use std::sync::Arc;

use groma_model::foreign::hex;
use groma_model::{Peer, Reason};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::Trust;
use crate::judge::Judge;

/// Why a server is not believed. Nothing was said to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Distrust {
    /// What happened, for a person.
    pub what: String,
    /// The word for it.
    pub reason: Reason,
    /// What to do.
    pub remedy: String,
}

impl Distrust {
    /// Neither the one that was named nor signed by whom was named, as far as can be said.
    pub(crate) fn unnamed(what: String) -> Self {
        Self {
            what,
            reason: Reason::Refused,
            remedy: "name the server's certificate (pin) or its authority (ca) in the access file"
                .to_owned(),
        }
    }
}

/// Our own certificate, leaf first, and its key.
pub type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What a handshake is made with: the settings, and who remembers whom it met.
pub struct Handshake {
    settings: Arc<ClientConfig>,
    judge: Arc<Judge>,
    trust: Trust,
}

impl Handshake {
    /// Settings for TLS 1.2 and 1.3 that believe `trust` alone, and show `own`.
    ///
    /// # Errors
    /// No authority of `trust` is one, or `own` is no certificate with its key.
    pub fn new(trust: &Trust, own: Option<Own>) -> Result<Self, Distrust> {
        let judge = Arc::new(Judge::new(trust)?);
        let unfit = |error: rustls::Error| Distrust::unnamed(error.to_string());
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .dangerous()
            .with_custom_certificate_verifier(judge.clone());
        let settings = match own {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unfit)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self {
            settings: Arc::new(settings),
            judge,
            trust: trust.clone(),
        })
    }

    /// The settings of every session that is begun with it.
    pub fn settings(&self) -> Arc<ClientConfig> {
        self.settings.clone()
    }

    /// Why a handshake failed with `error`. Nothing was said within it.
    pub fn cause(&self, error: &io::Error) -> Distrust {
        match (self.judge.met(), &self.trust) {
            (Some(print), Trust::Nothing) => Distrust {
                what: format!(
                    "the access file names no certificate; the server shows sha256:{print}, and nothing was sent to it"
                ),
                reason: Reason::Locked,
                remedy: format!(
                    "compare it on the server itself, then write pin = \"sha256:{print}\", or name the authority: ca = FILE"
                ),
            },
            (Some(print), Trust::Fingerprint(pin)) if print != hex(pin) => Distrust {
                what: format!(
                    "the server shows another certificate than the pinned one: sha256:{print}; nothing was sent to it"
                ),
                reason: Reason::Refused,
                remedy: "find out why before anything else: renewed, another server behind the name, or somebody between"
                    .to_owned(),
            },
            _ => Distrust::unnamed(format!("TLS: {error}; no logon was sent")),
        }
    }
}

/// What a certificate must be for.
///
/// # Errors
/// No certificate can be.
pub fn server_name(peer: &Peer) -> Result<ServerName<'static>, Distrust> {
    ServerName::try_from(peer.to_string()).map_err(|_| Distrust {
        what: format!("{peer} cannot stand in a certificate"),
        reason: Reason::Malformed,
        remedy: "check the url".to_owned(),
    })
}

#[cfg(test)]
mod tests;

//! What a signature behind a batch is worth that somebody carried here: what a handshake is worth, and no more.
//!
//! Over the network an agent proves its key in a handshake, and the store says whether that agent is welcome. By hand it proves its key with a
//! signature, and the store says the same. So the order is the same too: nothing is unpacked before the signature holds ([`Judge::signer`]) and the
//! store says that the signer is welcome ([`Signer::admitted`]), and nothing is kept under another name than the signer's ([`Admitted::may_say`]).
//!
//! The dates of the certificate are not held against it. They last a day, a machine without a way to its collector cannot renew them, and when a look
//! ended is said by nobody but the signer: who has the key can write any date. A lapsed certificate still says whose key it is, as it does for an agent
//! that comes back after a month (decision 65, 4); what ends an agent is its revocation in the store.

use std::path::Path;
use std::sync::Arc;

use groma_model::fleet::{AgentRecord, AgentState};
use groma_model::{AgentId, Batch, BatchHeader, SiteId, Timestamp};
use groma_wire::signature::{Signature, statement};
use groma_wire::{Limits, WireError};
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use crate::authority::AuthorityError;
use crate::authority::root::certificates_in;
use crate::tls::{Caller, ever_verifier};

/// Certificates between a signer and the authority, at most: this fleet needs none.
const CHAIN_MAX: usize = 4;

/// Why a batch that was carried here is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Disbelief {
    /// There is no certificate with the signature, or what is there is none.
    #[error("the certificate with its signature is not understood")]
    NoCertificate,
    /// Some other authority made the certificate, or none did.
    #[error(
        "it is signed under another authority than the one of this collector, or under one that was retired"
    )]
    OtherAuthority,
    /// The signature is not one of these bytes by that key.
    #[error(
        "it was changed after it was signed, or somebody else's certificate was put beside it: carry it here again"
    )]
    Changed,
    /// It speaks in another one's name.
    #[error("it says that it is of agent {says}, and agent {signer} has signed it")]
    OtherName {
        /// Whose it says it is.
        says: String,
        /// Whose key signed.
        signer: String,
    },
    /// The store knows no such agent, or by another key.
    #[error(
        "agent {0}, which signed it, is not enrolled here, or by another key: enrol that machine again"
    )]
    NotEnrolled(AgentId),
    /// It is not listened to any more.
    #[error("agent {agent}, which signed it, was revoked: {because}")]
    Revoked {
        /// The agent.
        agent: AgentId,
        /// Why, as whoever did it said.
        because: String,
    },
    /// Somebody has to say yes first.
    #[error(
        "agent {0}, which signed it, waits for a yes: groma agents approve {0}, then import it again"
    )]
    Waiting(AgentId),
    /// Two machines may have this key.
    #[error(
        "two machines may be agent {0}, and which of them keeps the name is known after two heartbeats: import it again then"
    )]
    Held(AgentId),
}

/// Judges signatures by the certificates of one fleet's authorities, the former and the next one among them; needs no key of theirs.
pub struct Judge {
    verifier: Arc<dyn ClientCertVerifier>,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Judge")
    }
}

/// Who signed a batch, as its certificate says and its key has proved. The batch is packed still.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signer<'b> {
    caller: Caller,
    batch: &'b [u8],
}

/// A signer who is welcome now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted<'b>(Signer<'b>);

impl Judge {
    /// A judge by the authority in `directory`; nothing if none is there, and none is made.
    ///
    /// # Errors
    /// Its certificate cannot be read.
    pub fn by(directory: &Path) -> Result<Option<Self>, AuthorityError> {
        let certificates = certificates_in(directory)?;
        if certificates.is_empty() {
            return Ok(None);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(Some(Self {
            verifier: ever_verifier(&certificates, &provider)?,
            provider,
        }))
    }

    /// Who signed these bytes of a batch.
    ///
    /// # Errors
    /// Nobody this authority has let in did.
    pub fn signer<'b>(
        &self,
        batch: &'b [u8],
        signature: &Signature,
    ) -> Result<Signer<'b>, Disbelief> {
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(signature.certificates.as_bytes())
                .take(CHAIN_MAX)
                .collect();
        let chain = chain.map_err(|_| Disbelief::NoCertificate)?;
        let (own, between) = chain.split_first().ok_or(Disbelief::NoCertificate)?;
        let caller = Caller::of(own).ok_or(Disbelief::NoCertificate)?;
        // Any moment: the nearest one of the certificate's life is taken.
        let moment = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        self.verifier
            .verify_client_cert(own, between, moment)
            .map_err(|_| Disbelief::OtherAuthority)?;
        match self.is_signed(own, batch, signature) {
            Some(true) => Ok(Signer { caller, batch }),
            _ => Err(Disbelief::Changed),
        }
    }

    fn is_signed(
        &self,
        certificate: &CertificateDer<'_>,
        batch: &[u8],
        signature: &Signature,
    ) -> Option<bool> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let key = &parsed.public_key().subject_public_key.data;
        let (message, bits) = (statement(batch), signature.bits()?);
        let known = self.provider.signature_verification_algorithms.mapping;
        let (_, algorithms) = known
            .iter()
            .find(|(scheme, _)| *scheme == SignatureScheme::ECDSA_NISTP256_SHA256)?;
        // Of the algorithms with this name the one whose curve is not the key's refuses it.
        let holds = |algorithm: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            algorithm.verify_signature(key, &message, &bits).is_ok()
        };
        Some(algorithms.iter().any(holds))
    }
}

impl<'b> Signer<'b> {
    /// The agent.
    pub fn agent(&self) -> &AgentId {
        &self.caller.agent
    }

    /// Where it stands.
    pub fn site(&self) -> &SiteId {
        &self.caller.site
    }

    /// Whether anything of it is kept now, as `record`, what the store knows of it, says.
    ///
    /// # Errors
    /// Why not.
    pub fn admitted(
        self,
        record: Option<&AgentRecord>,
        now: Timestamp,
    ) -> Result<Admitted<'b>, Disbelief> {
        let agent = || self.caller.agent.clone();
        let known = record.filter(|record| {
            let caller = &self.caller;
            record.key == caller.key && record.agent == caller.agent && record.site == caller.site
        });
        let record = known.ok_or_else(|| Disbelief::NotEnrolled(agent()))?;
        match &record.state {
            AgentState::Revoked { because, .. } => Err(Disbelief::Revoked {
                agent: agent(),
                because: because.clone(),
            }),
            AgentState::Waiting => Err(Disbelief::Waiting(agent())),
            AgentState::Active if record.held_until.is_some_and(|until| until > now) => {
                Err(Disbelief::Held(agent()))
            }
            AgentState::Active => Ok(Admitted(self)),
        }
    }
}

impl Admitted<'_> {
    /// The agent.
    pub fn agent(&self) -> &AgentId {
        self.0.agent()
    }

    /// Where it stands.
    pub fn site(&self) -> &SiteId {
        self.0.site()
    }

    /// Unpacks the batch.
    ///
    /// # Errors
    /// It is damaged, or more than `limits`.
    pub fn unpacked(&self, limits: &Limits) -> Result<Batch, WireError> {
        let mut bytes = self.0.batch;
        groma_wire::decode(&mut bytes, limits)
    }

    /// Whether a batch with this header is in the signer's own name.
    ///
    /// # Errors
    /// It is in another one's.
    pub fn may_say(&self, header: &BatchHeader) -> Result<(), Disbelief> {
        if header.agent == *self.agent() && header.site == *self.site() {
            return Ok(());
        }
        Err(Disbelief::OtherName {
            says: format!("{} at site {}", header.agent, header.site),
            signer: format!("{} at site {}", self.agent(), self.site()),
        })
    }
}

#[cfg(test)]
mod tests;

//! Who this agent is: its key, its certificate, and whom it believes. All of it is one document, so that a crash leaves the old or the new
//! one and never half of each.

use groma_model::{AgentId, SiteId, Timestamp};
use groma_wire::signature::{self, Signature};
use groma_wire::talk::Enrolled;
use rcgen::{CertificateParams, KeyPair, SigningKey};
use serde::{Deserialize, Serialize};

/// The agent's identity, as it lies in its state folder (mode 0600).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its id.
    pub agent: AgentId,
    /// Its site.
    pub site: SiteId,
    /// The agent it was copied from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<AgentId>,
    /// Where it was enrolled.
    pub collector: String,
    /// The port of the agents' listener there.
    pub agents_port: u16,
    /// The number of its certificate.
    pub generation: u64,
    /// When it should have the next one, by the collector's clock.
    pub renew_at: Timestamp,
    /// When this one ends, by the collector's clock.
    pub until: Timestamp,
    /// Its private key (PKCS #8, PEM).
    pub key: String,
    /// Its certificate (PEM).
    pub certificate: String,
    /// Whom it believes (PEM, one after the other).
    pub authorities: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("Identity");
        text.field("agent", &self.agent)
            .field("site", &self.site)
            .field("generation", &self.generation);
        text.finish_non_exhaustive()
    }
}

/// A key could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct KeyError {
    what: &'static str,
    why: String,
}

/// A private key, and requests for certificates over it.
pub struct Key(KeyPair);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// A new key (ECDSA on P-256, FIPS 186-5).
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let made = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256);
        made.map(Self).map_err(|error| KeyError {
            what: "make a key",
            why: error.to_string(),
        })
    }

    /// The key in a document.
    ///
    /// # Errors
    /// There is none in it. The text is not quoted.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        let failed = |_| KeyError {
            what: "read the agent's key",
            why: "it is damaged; enrol this machine again".to_owned(),
        };
        KeyPair::from_pem(pem).map(Self).map_err(failed)
    }

    /// The key as it is kept.
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// A request for a certificate over this key; the collector looks at nothing else of it.
    ///
    /// # Errors
    /// The signature failed.
    pub fn request(&self) -> Result<String, KeyError> {
        let failed = |error: rcgen::Error| KeyError {
            what: "ask for a certificate",
            why: error.to_string(),
        };
        CertificateParams::default()
            .serialize_request(&self.0)
            .and_then(|request| request.pem())
            .map_err(failed)
    }

    /// Puts a signature of this key behind a batch, with the certificate that says whose key it is, so that the batch can be carried by hand and
    /// the collector knows who wrote it.
    ///
    /// # Errors
    /// It is no batch, or signed already; or the signature failed. The bytes are as they were.
    pub fn sign(&self, batch: &mut Vec<u8>, certificate: &str) -> Result<(), KeyError> {
        let failed = |why: &dyn std::fmt::Display| KeyError {
            what: "sign a batch",
            why: why.to_string(),
        };
        let bits = self
            .0
            .sign(&signature::statement(batch))
            .map_err(|error| failed(&error))?;
        Signature::new(certificate, &bits)
            .append_to(batch)
            .map_err(|error| failed(&error))
    }
}

impl Identity {
    /// The authorities we believe, each as SHA-256 over its public key, in hex.
    pub fn believes(&self) -> Vec<String> {
        crate::tls::pins(&self.authorities)
    }

    /// Who we are after this answer.
    pub fn of(enrolled: Enrolled, key: &Key, collector: &str) -> Self {
        Self {
            agent: enrolled.agent,
            site: enrolled.site,
            copied_from: None,
            collector: collector.to_owned(),
            agents_port: enrolled.agents_port,
            generation: enrolled.generation,
            renew_at: enrolled.renew_at,
            until: enrolled.until,
            key: key.pem(),
            certificate: enrolled.certificate,
            authorities: enrolled.authorities,
        }
    }
}

//! Who wrote a batch that somebody carries by hand: a signature behind it, in the same file.
//!
//! ```text
//! one zstd frame: the batch, as it would be without a signature
//! one skippable frame (RFC 8878 §3.1.2): 5b 2a 4d 18, length in 4 bytes little-endian, a JSON document
//!     {"schema":"groma.signature/1","algorithm":"ecdsa-p256-sha256","certificates":"-----BEGIN…","signature":"3045…"}
//! ```
//!
//! Every zstd passes over a skippable frame, so `zstd -dc batch | jq` reads a signed batch as it reads any other. What is signed are
//! the bytes of the first frame as they stand, not what they unpack to: whoever judges a signature has unpacked nothing yet.
//!
//! This module knows the shape and no key. Who may sign, and what a signature is worth, is judged by the collector.

use groma_model::foreign::{hex, unhex};
use groma_model::id::sha256;
use serde::{Deserialize, Serialize};

use crate::MAGIC;
use crate::error::brief;

/// The word that says which form a signature has.
pub const SIGNATURE_SCHEMA: &str = "groma.signature/1";
/// The one algorithm of that form: ECDSA on P-256 with SHA-256 (FIPS 186-5), the signature as ASN.1 (RFC 3279 §2.2.3).
pub const ALGORITHM: &str = "ecdsa-p256-sha256";
/// Bytes of the document, at most.
pub const SIGNATURE_BYTES_MAX: usize = 16 << 10;

/// One of the sixteen magic numbers of skippable frames (0x184D2A5B); what is in ours says so itself.
const FRAME: [u8; 4] = [0x5b, 0x2a, 0x4d, 0x18];
/// Bytes before the document: the magic number and the length.
const FRAME_HEAD: usize = 8;
/// Stands before the digest in what is signed, so that no signature made for anything else is one of a batch: no handshake of TLS and no request for
/// a certificate begins like this.
const PURPOSE: &[u8] = b"groma.signature/1: the SHA-256 of a batch\0";
/// Letters of a signature in hex; one of P-256 has 144 at most.
const SIGNATURE_LETTERS_MAX: usize = 512;

/// A signature, and by whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signature {
    schema: String,
    algorithm: String,
    /// The certificate of whoever signed (PEM), then those between it and the authority, if there are any.
    pub certificates: String,
    signature: String,
}

/// Why a signature was not written or not understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// More bytes than any signature has.
    #[error("the signature has more than {SIGNATURE_BYTES_MAX} bytes: no honest one has")]
    TooLarge,
    /// It follows a later version.
    #[error(
        "the signature was made by a newer groma ({schema}, {algorithm}): upgrade the collector"
    )]
    Newer {
        /// The schema word found.
        schema: String,
        /// The algorithm found.
        algorithm: String,
    },
    /// It is none, or was damaged.
    #[error("the signature is damaged ({why}): fetch or copy the file again")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// There is nothing to sign, or it is signed already.
    #[error("only a whole batch that is not signed yet can be signed")]
    NoBatch,
}

/// A file, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts<'b> {
    /// The batch alone, for [`decode`](crate::decode).
    pub batch: &'b [u8],
    /// Who says that it is theirs, if anybody does.
    pub signature: Option<Signature>,
}

impl Signature {
    /// A signature over [`statement`] with the certificates that say whose key it is (PEM, the signer's first).
    pub fn new(certificates: &str, signature: &[u8]) -> Self {
        Self {
            schema: SIGNATURE_SCHEMA.to_owned(),
            algorithm: ALGORITHM.to_owned(),
            certificates: certificates.to_owned(),
            signature: hex(signature),
        }
    }

    /// The bits of the signature; nothing if they are not written as such.
    pub fn bits(&self) -> Option<Vec<u8>> {
        let is_one = (1..=SIGNATURE_LETTERS_MAX).contains(&self.signature.len());
        is_one.then(|| unhex(&self.signature)).flatten()
    }

    /// Puts this behind a batch.
    ///
    /// # Errors
    /// It is no batch, or carries a signature; or the certificates are longer than any are. The bytes are as they were.
    pub fn append_to(&self, batch: &mut Vec<u8>) -> Result<(), SignatureError> {
        if frame_of(batch) != Some(batch.len()) {
            return Err(SignatureError::NoBatch);
        }
        let document = serde_json::to_vec(self).map_err(|error| malformed(&error))?;
        if document.len() > SIGNATURE_BYTES_MAX {
            return Err(SignatureError::TooLarge);
        }
        let length = u32::try_from(document.len()).map_err(|_| SignatureError::TooLarge)?;
        batch.extend_from_slice(&FRAME);
        batch.extend_from_slice(&length.to_le_bytes());
        batch.extend_from_slice(&document);
        Ok(())
    }

    fn read(document: &[u8]) -> Result<Self, SignatureError> {
        #[derive(Deserialize)]
        struct Version {
            schema: String,
            #[serde(default)]
            algorithm: String,
        }
        let version: Version = serde_json::from_slice(document).map_err(|e| malformed(&e))?;
        if version.schema != SIGNATURE_SCHEMA || version.algorithm != ALGORITHM {
            return Err(match version.schema.starts_with("groma.signature/") {
                true => SignatureError::Newer {
                    schema: brief(&version.schema),
                    algorithm: brief(&version.algorithm),
                },
                false => malformed(&"it does not say that it is one"),
            });
        }
        serde_json::from_slice(document).map_err(|error| malformed(&error))
    }
}

/// Takes a file apart: the batch, and the signature behind it if there is one. Nothing is unpacked, and what is neither stays with the batch,
/// whose decoder says what is wrong with it.
///
/// # Errors
/// A skippable frame of ours stands behind the batch, and there is no signature in it that is understood.
pub fn split(bytes: &[u8]) -> Result<Parts<'_>, SignatureError> {
    let whole = Parts {
        batch: bytes,
        signature: None,
    };
    let Some((batch, behind)) = frame_of(bytes).and_then(|end| bytes.split_at_checked(end)) else {
        return Ok(whole);
    };
    if !behind.starts_with(&FRAME) {
        return Ok(whole);
    }
    let length = behind.get(FRAME.len()..FRAME_HEAD);
    let length = length.and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
    let length = usize::try_from(length.unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
    if behind.len() < FRAME_HEAD {
        return Err(malformed(&"it is cut off"));
    }
    if length > SIGNATURE_BYTES_MAX {
        return Err(SignatureError::TooLarge);
    }
    let document = behind.get(FRAME_HEAD..).unwrap_or_default();
    match document.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(malformed(&"it is cut off")),
        std::cmp::Ordering::Greater => Err(malformed(&"there is more behind it")),
        std::cmp::Ordering::Equal => Ok(Parts {
            batch,
            signature: Some(Signature::read(document)?),
        }),
    }
}

/// What is signed for a batch of these bytes: what the signature is for, and their SHA-256.
pub fn statement(batch: &[u8]) -> Vec<u8> {
    [PURPOSE, &sha256(batch)].concat()
}

/// Where the zstd frame that `bytes` begin with ends; nothing if they begin with none, or it is not whole.
fn frame_of(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(&MAGIC) {
        return None;
    }
    let end = zstd::zstd_safe::find_frame_compressed_size(bytes).ok()?;
    (end <= bytes.len()).then_some(end)
}

fn malformed(why: &dyn std::fmt::Display) -> SignatureError {
    SignatureError::Malformed { why: brief(why) }
}

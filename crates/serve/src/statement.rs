//! Statements that people hand on, signed: by a key of its own, so that nothing the authority signs can be mistaken for one.

use std::path::Path;

use rcgen::{KeyPair, SigningKey as _};

use crate::authority::AuthorityError;
use crate::authority::private::{make_private, read_key, write_private};

/// The key of statements within the data directory, made when the first is signed.
const KEY: &str = "statements.key";

/// Signs statements: ECDSA over P-256 with SHA-256, as ASN.1 (RFC 3279, 2.2.3), which `openssl dgst -verify` reads.
pub struct StatementKey(KeyPair);

impl StatementKey {
    /// The key in `directory`, made if there is none.
    ///
    /// # Errors
    /// It cannot be read or written, others may read it, or it is none.
    pub fn open(directory: &Path) -> Result<Self, AuthorityError> {
        let path = directory.join(KEY);
        if !path.exists() {
            make_private(directory)?;
            let fresh = KeyPair::generate().map_err(crypto)?;
            write_private(&path, fresh.serialize_pem().as_bytes())?;
        }
        read_key(&path).map(Self)
    }

    /// The signature over `text`.
    ///
    /// # Errors
    /// The key signs nothing.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        self.0.sign(text).map_err(crypto)
    }

    /// The public half, as `-----BEGIN PUBLIC KEY-----` (RFC 7468, 13).
    pub fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }
}

fn crypto(error: rcgen::Error) -> AuthorityError {
    AuthorityError::Crypto {
        what: "a signature",
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_signs_every_statement_of_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = StatementKey::open(directory.path()).unwrap();
        let again = StatementKey::open(directory.path()).unwrap();
        assert_eq!(first.public_pem(), again.public_pem());
        assert!(first.public_pem().starts_with("-----BEGIN PUBLIC KEY-----"));
        assert_ne!(first.sign(b"silent").unwrap(), again.sign(b"loud").unwrap());
    }
}

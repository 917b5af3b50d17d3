//! The policy of a page: nothing may be fetched, sent, framed or run, but its own style.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The policy of a page whose only style is `style`.
pub(crate) fn policy(style: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

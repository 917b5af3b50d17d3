//! Texts of any length in keys of bounded length.
//!
//! An index of PostgreSQL refuses an entry of more than some 2700 bytes, and a path may be longer. So of a long text the
//! key has the begin and the hash of all. Short texts stand as they are, in the order of their bytes; a long one stands
//! where its begin belongs. Only long texts with one begin stand in the order of their hashes: whoever reads sorts those.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::evidence::KEY_BYTES;

/// What stands in the key, and the whole text if that is more.
pub(super) fn cut(text: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    match text.get(..KEY_BYTES) {
        Some(begin) if text.len() > KEY_BYTES => {
            let digest = Sha256::digest(text);
            let mut key = begin.to_vec();
            key.extend(digest.iter().take(16));
            (Cow::Owned(key), Some(text))
        }
        _ => (Cow::Borrowed(text), None),
    }
}

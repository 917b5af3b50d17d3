//! Ids. Random where a person may rename the thing, derived where the content is the thing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::foreign::hex;
use crate::short_text::ShortText;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(with = "String")] ShortText);

        impl $name {
            /// Takes the id as it was written.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(ShortText::new(text.as_ref()))
            }
            /// The id as text.
            #[inline]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_id!(/// One agent installation: 128 random bits, never derived from hardware, never reused.
    AgentId);
text_id!(/// A site: the name space of private addresses. It leads every key in the store.
    SiteId);
text_id!(/// An entity: random, minted once by the collector and kept in the identity ledger. `ent-…`
    EntityId);
text_id!(/// A dependency: the hash of its key. `dep-…`
    DependencyId);
text_id!(/// A finding: the hash of its check and subjects. `fnd-…`
    FindingId);
text_id!(/// One kept fact: the hash of site, vantage, source, scope and fact. `evi-…`
    EvidenceId);
text_id!(/// A way of looking, such as `host.sockets`. Permanent: it is written into evidence.
    SourceName);

impl AgentId {
    /// An agent id out of 128 random bits.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self::new(format!("agt-{}", hex(&bits)))
    }

    /// The vantage of something somebody carried here, by its digest: a list, a capture. No machine stands there.
    pub fn of_list(digest: &str) -> Self {
        Self::new(format!("list-{digest}"))
    }

    /// True for the vantage of something somebody carried here.
    pub fn is_list(&self) -> bool {
        self.as_str().starts_with("list-")
    }
}

impl EntityId {
    /// An entity id out of 128 random bits.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self::new(format!("ent-{}", hex(&bits)))
    }
}

impl Default for SiteId {
    /// The one site of a store that nobody divided yet.
    fn default() -> Self {
        Self::new("default")
    }
}

impl DependencyId {
    /// The id of the edge with these key parts.
    pub fn of(parts: &[&str]) -> Self {
        Self::new(format!("dep-{}", digest(parts)))
    }
}

impl FindingId {
    /// The id of the finding with these key parts (check first, then subjects).
    pub fn of(parts: &[&str]) -> Self {
        Self::new(format!("fnd-{}", digest(parts)))
    }
}

impl EvidenceId {
    /// The id of the fact with these key parts.
    pub fn of(parts: &[&str]) -> Self {
        Self::new(format!("evi-{}", digest(parts)))
    }
}

/// SHA-256 over `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The first 96 bits of SHA-256 over length-prefixed `parts`, in hex: no two lists of parts share a text.
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(hasher.finalize().get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_run_together() {
        assert_ne!(
            DependencyId::of(&["ab", "c"]),
            DependencyId::of(&["a", "bc"])
        );
    }
}

//! Communities and passwords: nobody prints them, nothing serialises them, and they are overwritten when they are let go.

use zeroize::Zeroizing;

use crate::access::Access;

/// Shorter ones stand in every text.
const LENGTH_MIN: usize = 4;

/// What only the device and the access file know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Keeps `bytes`.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The octets themselves, for the one question.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What must stand in no text of a device: somebody may have typed it there.
pub(crate) struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl Secrets {
    /// Those of all tables of the access file: a community of one device is a word of a person, and may stand at another.
    pub(crate) fn of(access: &[Access]) -> Self {
        let all = access.iter().flat_map(Access::secrets);
        let told = all.filter(|secret| secret.reveal() != b"public");
        let plain = told.map(|secret| plain(secret.reveal()));
        Self(plain.filter(|plain| plain.len() >= LENGTH_MIN).collect())
    }

    /// True if one of them stands in `text`, in whatever case (names of machines are kept in lower case).
    pub(crate) fn stand_in(&self, text: &str) -> bool {
        let text = plain(text.as_bytes());
        let stands = |secret: &Zeroizing<Vec<u8>>| {
            let mut parts = text.windows(secret.len());
            parts.any(|part| part == secret.as_slice())
        };
        self.0.iter().any(stands)
    }

    /// The text, if none of them stands in it.
    pub(crate) fn without(&self, text: Option<String>) -> Option<String> {
        text.filter(|text| !self.stand_in(text))
    }
}

/// Without blanks, which texts lose or gain, and in lower case.
fn plain(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let kept = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    Zeroizing::new(kept.map(u8::to_ascii_lowercase).collect())
}

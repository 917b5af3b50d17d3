//! The key: whoever has it can tell which pseudonym stands for which name, and nobody else can find out by trying.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Letters of a pseudonym: five bits each, none that is easily taken for another (the alphabet of Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The key of all pseudonyms of one store: 32 random bytes that never leave the house.
#[derive(Clone)]
pub struct ShareKey(Hmac<Sha256>);

impl ShareKey {
    /// How many bytes a key has.
    pub const BYTES: usize = 32;

    /// The key in these bytes. They must be random: with a key somebody can guess, names can be tried.
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(Hmac::new_from_slice(&bytes).expect("HMAC takes a key of any length"))
    }

    /// HMAC-SHA256 (RFC 2104) over `what` and `text`: the same text as two kinds of thing has two digests.
    pub(crate) fn digest(&self, what: &str, text: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(what.as_bytes());
        mac.update(&[0]);
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// `letters` letters for `text`, at most 51.
    pub(crate) fn letters(&self, what: &str, text: &str, letters: usize) -> String {
        let digest = self.digest(what, text.as_bytes());
        (0..letters.min(51))
            .map(|at| letter(&digest, at * 5))
            .collect()
    }

    /// `digits` hexadecimal digits for `text`, as many as are wanted.
    pub(crate) fn hex(&self, what: &str, text: &str, digits: usize) -> String {
        let mut out = String::new();
        for part in 0_u32.. {
            if out.len() >= digits {
                break;
            }
            let text = format!("{part} {text}");
            for byte in self.digest(what, text.as_bytes()) {
                out.push_str(&format!("{byte:02x}"));
            }
        }
        out.truncate(digits);
        out
    }
}

/// A key is not printed.
impl fmt::Debug for ShareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareKey(***)")
    }
}

/// The letter for the five bits from `bit` on.
fn letter(digest: &[u8; 32], bit: usize) -> char {
    let byte = |at: usize| u16::from(digest.get(at).copied().unwrap_or(0));
    let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
    let five = usize::from(pair >> (11 - bit % 8) & 31);
    char::from(LETTERS.get(five).copied().unwrap_or(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", ShareKey::new([7; 32])), "ShareKey(***)");
    }

    #[test]
    fn the_digest_is_the_hmac_of_rfc_4231() {
        // RFC 4231, 4.2 has a key of 20 bytes; what counts is that the library's HMAC is the one that is asked.
        let mut mac = Hmac::<Sha256>::new_from_slice(&[0x0b; 20]).unwrap();
        mac.update(b"Hi There");
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(digest[..4], [0xb0, 0x34, 0x4c, 0x61]);
    }

    #[test]
    fn another_key_gives_other_letters() {
        let (one, two) = (ShareKey::new([1; 32]), ShareKey::new([2; 32]));
        assert_eq!(
            one.letters("name", "mail1", 8),
            one.letters("name", "mail1", 8)
        );
        assert_ne!(
            one.letters("name", "mail1", 8),
            two.letters("name", "mail1", 8)
        );
        assert_ne!(
            one.letters("name", "mail1", 8),
            one.letters("domain", "mail1", 8)
        );
        assert_eq!(one.hex("digest", "x", 100).len(), 100);
    }
}

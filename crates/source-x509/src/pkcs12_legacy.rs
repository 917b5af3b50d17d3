//! The older encryption of PKCS#12 (RFC 7292 §B and §C): a password drawn out with SHA-1, then RC2 or Triple DES.
//!
//! Most stores that lie about were made this way: OpenSSL before 3.0, Java before 17, Windows. Pure.

use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use sha1::{Digest, Sha1};

use crate::der;

/// Octets of a block of SHA-1, and of its digest.
const BLOCK: usize = 64;
const DIGEST: usize = 20;
/// What the drawn octets are for (RFC 7292 §B.3).
const FOR_KEY: u8 = 1;
const FOR_START: u8 = 2;
/// Longer salts are not believed.
const SALT_MAX: usize = 1_024;

/// One of the ciphers of RFC 7292 §C, by the last octet of its identifier.
#[derive(Clone, Copy)]
enum Cipher {
    ThreeKeyTripleDes,
    TwoKeyTripleDes,
    Rc2 { octets: usize },
}

/// A safe of that kind.
pub(crate) struct Legacy<'a> {
    cipher: Cipher,
    salt: &'a [u8],
    rounds: u32,
}

impl<'a> Legacy<'a> {
    /// Reads the parameters behind the identifier `1.2.840.113549.1.12.1.KIND`; `None` for RC4, which nobody uses, and
    /// for more rounds than `rounds_max`.
    pub(crate) fn read(kind: u8, parameters: &'a [u8], rounds_max: u32) -> Option<Self> {
        let cipher = match kind {
            3 => Cipher::ThreeKeyTripleDes,
            4 => Cipher::TwoKeyTripleDes,
            5 => Cipher::Rc2 { octets: 16 },
            6 => Cipher::Rc2 { octets: 5 },
            _ => return None,
        };
        let (parameters, _) = der::expect(parameters, der::SEQUENCE)?;
        let (salt, rest) = der::expect(parameters.content, der::OCTET_STRING)?;
        let (rounds, _) = der::expect(rest, der::INTEGER)?;
        let rounds = der::number(rounds.content).filter(|r| (1..=rounds_max).contains(r))?;
        (salt.content.len() <= SALT_MAX).then_some(Self {
            cipher,
            salt: salt.content,
            rounds,
        })
    }

    /// The plain octets, if `password` is the right one, as far as padding tells.
    pub(crate) fn open(&self, password: &str, secret: &[u8]) -> Option<Vec<u8>> {
        let spelt = spelt(password);
        let plain = self.open_spelt(&spelt, secret);
        // Some programs take no password for no octets at all, others for the two that end a text.
        plain.or_else(|| password.is_empty().then(|| self.open_spelt(&[], secret))?)
    }

    fn open_spelt(&self, password: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
        let octets = match self.cipher {
            Cipher::ThreeKeyTripleDes => 24,
            Cipher::TwoKeyTripleDes => 16,
            Cipher::Rc2 { octets } => octets,
        };
        let key = self.drawn(FOR_KEY, password, octets);
        let start = self.drawn(FOR_START, password, 8);
        match self.cipher {
            Cipher::ThreeKeyTripleDes => decrypt::<des::TdesEde3>(&key, &start, secret),
            Cipher::TwoKeyTripleDes => decrypt::<des::TdesEde2>(&key, &start, secret),
            Cipher::Rc2 { .. } => decrypt::<rc2::Rc2>(&key, &start, secret),
        }
    }

    /// RFC 7292 §B.2: `octets` octets drawn out of password and salt.
    fn drawn(&self, purpose: u8, password: &[u8], octets: usize) -> Vec<u8> {
        let mut input = repeated(self.salt);
        input.extend(repeated(password));
        let mut out = Vec::with_capacity(octets + DIGEST);
        loop {
            let mut digest: [u8; DIGEST] = Sha1::new_with_prefix([purpose; BLOCK])
                .chain_update(&input)
                .finalize()
                .into();
            for _ in 1..self.rounds {
                digest = Sha1::digest(digest).into();
            }
            out.extend_from_slice(&digest);
            if out.len() >= octets {
                out.truncate(octets);
                return out;
            }
            let step: Vec<u8> = digest.iter().copied().cycle().take(BLOCK).collect();
            input.chunks_mut(BLOCK).for_each(|part| add(part, &step));
        }
    }
}

/// As text of two octets each, the end marked (RFC 7292 §B.1).
fn spelt(password: &str) -> Vec<u8> {
    let units = password.encode_utf16().chain([0]);
    units.flat_map(u16::to_be_bytes).collect()
}

/// Repeated until whole blocks are full; nothing stays nothing.
fn repeated(octets: &[u8]) -> Vec<u8> {
    let length = octets.len().div_ceil(BLOCK) * BLOCK;
    octets.iter().copied().cycle().take(length).collect()
}

/// `number = number + step + 1`, big-endian, the overflow dropped.
fn add(number: &mut [u8], step: &[u8]) {
    let mut carry = 1_u16;
    for (octet, more) in number.iter_mut().zip(step).rev() {
        let sum = u16::from(*octet) + u16::from(*more) + carry;
        *octet = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
}

fn decrypt<C>(key: &[u8], start: &[u8], secret: &[u8]) -> Option<Vec<u8>>
where
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
    C: cbc::cipher::BlockCipherDecrypt,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, start).ok()?;
    cipher.decrypt_padded_vec::<Pkcs7>(secret).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_spelt_as_the_standard_spells_it() {
        assert_eq!(spelt("Beavis"), b"\0B\0e\0a\0v\0i\0s\0\0");
        assert_eq!(spelt(""), [0, 0]);
    }

    #[test]
    fn a_sum_carries_over_its_whole_length() {
        let mut number = [0x00, 0xff, 0xff];
        add(&mut number, &[0, 0, 0]);
        assert_eq!(number, [0x01, 0x00, 0x00]);
        let mut number = [0xff, 0xff, 0xff];
        add(&mut number, &[0, 0, 1]);
        assert_eq!(number, [0, 0, 1]);
    }

    #[test]
    fn nothing_repeated_is_nothing_and_a_salt_fills_a_block() {
        assert!(repeated(&[]).is_empty());
        assert_eq!(repeated(&[7; 20]).len(), 64);
        assert_eq!(repeated(&[7; 65]).len(), 128);
    }
}

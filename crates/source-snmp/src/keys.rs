//! Keys of the user-based security model: from a password to a key that is good for one engine alone (RFC 3414 §2.6, RFC 7860),
//! and what is done with it.

use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use des::cipher::BlockCipherDecrypt;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// RFC 3414 §2.6: so many octets of the password, over and over, are digested.
const STRETCHED: usize = 1 << 20;

/// By which digest a message is authenticated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Digest {
    /// HMAC-MD5-96 (RFC 3414).
    Md5,
    /// HMAC-SHA-96 (RFC 3414).
    Sha1,
    /// RFC 7860.
    Sha224,
    /// RFC 7860.
    Sha256,
    /// RFC 7860.
    Sha384,
    /// RFC 7860.
    Sha512,
}

/// By which cipher a message is kept from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cipher {
    /// CBC-DES (RFC 3414).
    Des,
    /// CFB128-AES-128 (RFC 3826).
    Aes128,
    /// 192 bits, the key made longer in one of two ways.
    Aes192(Longer),
    /// 256 bits, the key made longer in one of two ways.
    Aes256(Longer),
}

/// How a key is made longer than its digest: no standard says it, and makers followed two drafts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Longer {
    /// draft-blumenthal-aes-usm: digests of what there is are put behind it.
    Blumenthal,
    /// draft-reeder-snmpv3-usm-3desede: what there is is taken for a password once more.
    Reeder,
}

impl Longer {
    /// The other way.
    pub fn other(self) -> Self {
        match self {
            Self::Blumenthal => Self::Reeder,
            Self::Reeder => Self::Blumenthal,
        }
    }
}

impl Cipher {
    /// The same with keys made longer in the other way, if there are two.
    pub fn other(self) -> Option<Self> {
        match self {
            Self::Des | Self::Aes128 => None,
            Self::Aes192(longer) => Some(Self::Aes192(longer.other())),
            Self::Aes256(longer) => Some(Self::Aes256(longer.other())),
        }
    }

    fn octets(self) -> usize {
        match self {
            Self::Des | Self::Aes128 => 16,
            Self::Aes192(_) => 24,
            Self::Aes256(_) => 32,
        }
    }
}

/// A key.
pub(crate) type Key = Zeroizing<Vec<u8>>;

impl Digest {
    /// How many octets of the digest stand in a message.
    pub(crate) fn shown(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 => 12,
            Self::Sha224 => 16,
            Self::Sha256 => 24,
            Self::Sha384 => 32,
            Self::Sha512 => 48,
        }
    }

    fn of(self, parts: &[&[u8]]) -> Key {
        fn of<D: sha2::Digest>(parts: &[&[u8]]) -> Key {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            Zeroizing::new(digest.finalize().to_vec())
        }
        match self {
            Self::Md5 => of::<Md5>(parts),
            Self::Sha1 => of::<Sha1>(parts),
            Self::Sha224 => of::<Sha224>(parts),
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha384 => of::<Sha384>(parts),
            Self::Sha512 => of::<Sha512>(parts),
        }
    }

    /// What proves that `message` comes from whoever has `key`.
    pub(crate) fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        fn of<M: Mac + hmac::KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
            let mac = <M as hmac::KeyInit>::new_from_slice(key);
            let mut mac = mac.expect("HMAC takes keys of every length");
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        let mut whole = match self {
            Self::Md5 => of::<Hmac<Md5>>(key, message),
            Self::Sha1 => of::<Hmac<Sha1>>(key, message),
            Self::Sha224 => of::<Hmac<Sha224>>(key, message),
            Self::Sha256 => of::<Hmac<Sha256>>(key, message),
            Self::Sha384 => of::<Hmac<Sha384>>(key, message),
            Self::Sha512 => of::<Hmac<Sha512>>(key, message),
        };
        whole.truncate(self.shown());
        whole
    }

    /// The key of a password at an engine.
    pub(crate) fn key(self, password: &[u8], engine: &[u8]) -> Key {
        let mut stretched = Zeroizing::new(Vec::with_capacity(STRETCHED));
        stretched.extend(password.iter().copied().cycle().take(STRETCHED));
        let key = self.of(&[&stretched]);
        self.of(&[&key, engine, &key])
    }

    /// The key of a password at an engine for a cipher, as long as that needs it.
    pub(crate) fn cipher_key(self, cipher: Cipher, password: &[u8], engine: &[u8]) -> Key {
        let mut key = self.key(password, engine);
        while key.len() < cipher.octets() {
            let more = match cipher {
                Cipher::Aes192(Longer::Reeder) | Cipher::Aes256(Longer::Reeder) => {
                    self.key(&key, engine)
                }
                _ => self.of(&[&key]),
            };
            key.extend_from_slice(&more);
        }
        key.truncate(cipher.octets());
        key
    }
}

/// What one message is enciphered with besides the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) boots: u32,
    pub(crate) time: u32,
    pub(crate) salt: [u8; 8],
}

impl Start {
    /// RFC 3826 §3.1.2.1.
    fn of_aes(self) -> [u8; 16] {
        let (boots, time) = (self.boots.to_be_bytes(), self.time.to_be_bytes());
        let octets = boots.into_iter().chain(time).chain(self.salt);
        let mut start = [0; 16];
        start.iter_mut().zip(octets).for_each(|(at, o)| *at = o);
        start
    }
}

impl Cipher {
    /// Enciphers.
    pub(crate) fn seal(self, key: &[u8], start: Start, plain: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Des => des_cbc(key, start.salt, plain, true),
            _ => self.aes(key, start, plain, true),
        }
    }

    /// Deciphers; whether with the right key nobody knows but by reading.
    pub(crate) fn open(self, key: &[u8], start: Start, sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Des => des_cbc(key, start.salt, sealed, false),
            _ => self.aes(key, start, sealed, false),
        }
    }

    fn aes(self, key: &[u8], start: Start, text: &[u8], seals: bool) -> Option<Vec<u8>> {
        let start = start.of_aes();
        match self {
            Self::Des => None,
            Self::Aes128 => cfb(&aes::Aes128::new_from_slice(key).ok()?, start, text, seals),
            Self::Aes192(_) => cfb(&aes::Aes192::new_from_slice(key).ok()?, start, text, seals),
            Self::Aes256(_) => cfb(&aes::Aes256::new_from_slice(key).ok()?, start, text, seals),
        }
    }
}

/// Cipher feedback of whole blocks (NIST SP 800-38A §6.3).
fn cfb<C>(cipher: &C, start: [u8; 16], text: &[u8], seals: bool) -> Option<Vec<u8>>
where
    C: BlockCipherEncrypt,
    Block<C>: From<[u8; 16]>,
{
    let mut out = Vec::with_capacity(text.len());
    let mut before = start;
    for piece in text.chunks(16) {
        let mut stream = Block::<C>::from(before);
        cipher.encrypt_block(&mut stream);
        let mixed = piece.iter().zip(stream.iter()).map(|(a, b)| a ^ b);
        let mixed: Vec<u8> = mixed.collect();
        let sealed = if seals { mixed.as_slice() } else { piece };
        // The last piece may be short; nothing follows it.
        before = sealed.try_into().unwrap_or(before);
        out.extend(mixed);
    }
    Some(out)
}

/// RFC 3414 §8.1.1: eight octets of the key, and eight that are mixed with the salt.
fn des_cbc(key: &[u8], salt: [u8; 8], text: &[u8], seals: bool) -> Option<Vec<u8>> {
    let cipher = des::Des::new_from_slice(key.get(..8)?).ok()?;
    let mixed = |one: &[u8], other: &[u8]| -> Option<[u8; 8]> {
        let mixed: Vec<u8> = one.iter().zip(other).map(|(a, b)| a ^ b).collect();
        mixed.try_into().ok()
    };
    let mut before = mixed(key.get(8..16)?, &salt)?;
    let mut text = text.to_vec();
    match seals {
        true => text.resize(text.len().next_multiple_of(8), 0),
        false if !text.len().is_multiple_of(8) => return None,
        false => {}
    }
    let mut out = Vec::with_capacity(text.len());
    for piece in text.chunks(8) {
        let piece: [u8; 8] = piece.try_into().ok()?;
        if seals {
            let mut block = mixed(&piece, &before)?.into();
            cipher.encrypt_block(&mut block);
            before = block.into();
            out.extend(before);
        } else {
            let mut block = piece.into();
            cipher.decrypt_block(&mut block);
            let block: [u8; 8] = block.into();
            out.extend(mixed(&block, &before)?);
            before = piece;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        groma_model::foreign::unhex(text).unwrap()
    }

    const ENGINE: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

    /// RFC 3414, appendix A.3.
    #[test]
    fn the_keys_of_the_standards_own_example_come_out() {
        let key = |digest: Digest| digest.key(b"maplesyrup", &ENGINE).to_vec();
        assert_eq!(key(Digest::Md5), hex("526f5eed9fcce26f8964c2930787d82b"));
        let sha = hex("6695febc9288e36282235fc7151f128497b38f3f");
        assert_eq!(key(Digest::Sha1), sha);
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_alone() {
        let start = Start {
            boots: 3,
            time: 77,
            salt: [1, 2, 3, 4, 5, 6, 7, 8],
        };
        let plain = b"thirty-seven octets, which is no block";
        for cipher in [
            Cipher::Des,
            Cipher::Aes128,
            Cipher::Aes192(Longer::Blumenthal),
            Cipher::Aes192(Longer::Reeder),
            Cipher::Aes256(Longer::Blumenthal),
            Cipher::Aes256(Longer::Reeder),
        ] {
            let key = |password: &[u8]| Digest::Md5.cipher_key(cipher, password, &ENGINE);
            let sealed = cipher.seal(&key(b"maplesyrup"), start, plain).unwrap();
            let opened = cipher.open(&key(b"maplesyrup"), start, &sealed).unwrap();
            assert_eq!(opened.get(..plain.len()), Some(&plain[..]), "{cipher:?}");
            let other = cipher.open(&key(b"maplesirup"), start, &sealed).unwrap();
            assert_ne!(other.get(..plain.len()), Some(&plain[..]));
        }
    }

    /// NIST SP 800-38A, F.3.13: CFB128-AES128, first block.
    #[test]
    fn cipher_feedback_is_that_of_the_standard() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let cipher = aes::Aes128::new_from_slice(&key).unwrap();
        let start: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let sealed = hex("3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b");
        assert_eq!(cfb(&cipher, start, &plain, true), Some(sealed.clone()));
        assert_eq!(cfb(&cipher, start, &sealed, false), Some(plain));
    }

    #[test]
    fn the_two_ways_to_make_a_key_longer_differ_only_behind() {
        let key = |longer| Digest::Sha1.cipher_key(Cipher::Aes256(longer), b"maplesyrup", &ENGINE);
        let (one, other) = (key(Longer::Blumenthal), key(Longer::Reeder));
        assert_eq!(one.get(..20), other.get(..20));
        assert_ne!(one, other);
    }
}

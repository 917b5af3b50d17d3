//! PKCS#12 keystores (RFC 7292): certificates that stand in clear, or behind a password that is none.
//!
//! A store is a list of safes. A safe may be plain: its certificates are read, and the key beside them stays
//! wrapped, unread. A safe that is encrypted is opened only with the empty password, which protects nothing, and in
//! the trust store of a Java runtime (`cacerts`) with the word every Java runtime ships, which is in its manual.
//! No other password is ever tried: what stays shut is said, with its algorithm.

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};

use crate::der;
use crate::pkcs12_legacy::Legacy;

/// Safes of one store, and bags of one safe, that are looked at.
const PARTS_MAX: usize = 4_096;
/// More rounds of key derivation than this are not paid for.
const ROUNDS_MAX: u32 = 300_000;
/// Safes of one store that are tried to be opened.
const TRIES_MAX: usize = 4;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// `1.2.840.113549.1.12.10.1`: the bags, by their last octet.
const BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// The attribute that pairs a certificate with its key.
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// `1.2.840.113549.1.12.1`: the older schemes, by their last octet.
const PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
const SET: u8 = 0x31;
/// `[0]`, primitive: a string cut out of its context.
const CONTEXT_0_PLAIN: u8 = 0x80;

/// What a PKCS#12 store shows.
#[derive(Default)]
pub(crate) struct Store {
    /// Certificates, in the order of the store.
    pub(crate) certificates: Vec<Stored>,
    /// One line per safe that stays shut, naming its algorithm.
    pub(crate) shut: Vec<String>,
    /// How the store is sealed, as `a MAC with SHA-256`; `None` for a store without a seal.
    pub(crate) seal: Option<String>,
    /// True if something in it was not understood.
    pub(crate) broken: bool,
}

/// One certificate of a store.
pub(crate) struct Stored {
    /// Its DER bytes.
    pub(crate) der: Vec<u8>,
    /// True if the store pairs it with a private key.
    pub(crate) with_key: bool,
}

/// True for a PFX (RFC 7292 §4): version 3, then a ContentInfo.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    content(bytes).is_some()
}

fn content(bytes: &[u8]) -> Option<(der::Element<'_>, &[u8])> {
    let (pfx, _) = der::expect(bytes, der::SEQUENCE)?;
    let (version, rest) = der::expect(pfx.content, der::INTEGER)?;
    let (info, rest) = der::expect(rest, der::SEQUENCE)?;
    der::expect(info.content, der::OBJECT_IDENTIFIER)?;
    (version.content == [3]).then_some((info, rest))
}

/// Reads a store. `passwords` are those that are public knowledge for this file.
pub(crate) fn read(bytes: &[u8], passwords: &[&str]) -> Store {
    let mut store = Store::default();
    let mut reading = Reading {
        store: &mut store,
        passwords,
        keys: Vec::new(),
        named: Vec::new(),
        key_seen: false,
        tries: 0,
    };
    if reading.pfx(bytes).is_none() {
        reading.store.broken = true;
    }
    reading.pair();
    store
}

struct Reading<'a> {
    store: &'a mut Store,
    passwords: &'a [&'a str],
    /// Marks of the private keys in it.
    keys: Vec<Vec<u8>>,
    /// The mark of each certificate, where it has one.
    named: Vec<Option<Vec<u8>>>,
    key_seen: bool,
    tries: usize,
}

impl Reading<'_> {
    fn pfx(&mut self, bytes: &[u8]) -> Option<()> {
        let (info, rest) = content(bytes)?;
        self.store.seal = seal(rest);
        let safes = data(info.content)?;
        let (safes, _) = der::expect(safes, der::SEQUENCE)?;
        for safe in der::each(safes.content).take(PARTS_MAX) {
            self.safe(safe.content)?;
        }
        Some(())
    }

    fn safe(&mut self, info: &[u8]) -> Option<()> {
        let (kind, rest) = der::expect(info, der::OBJECT_IDENTIFIER)?;
        match kind.content {
            DATA => self.bags(data(info)?, 0),
            ENCRYPTED_DATA => {
                let (explicit, _) = der::expect(rest, der::CONTEXT_0)?;
                match self.open(explicit.content)? {
                    Ok(plain) => self.bags(&plain, 0),
                    Err(algorithm) => {
                        self.store.shut.push(algorithm);
                        Some(())
                    }
                }
            }
            // Enveloped for somebody's public key: nobody else can open it.
            _ => {
                self.store.shut.push("a public key".to_owned());
                Some(())
            }
        }
    }

    /// The outer option: is it understood; the inner: the plain bytes, or the algorithm that keeps them.
    fn open(&mut self, data: &[u8]) -> Option<Result<Vec<u8>, String>> {
        let (data, _) = der::expect(data, der::SEQUENCE)?;
        let (_, rest) = der::expect(data.content, der::INTEGER)?;
        let (info, _) = der::expect(rest, der::SEQUENCE)?;
        let (_, rest) = der::expect(info.content, der::OBJECT_IDENTIFIER)?;
        let (algorithm, rest) = der::expect(rest, der::SEQUENCE)?;
        let (oid, parameters) = der::expect(algorithm.content, der::OBJECT_IDENTIFIER)?;
        let (secret, _) = der::split(rest)?;
        let name = algorithm_name(oid.content);
        if secret.tag != CONTEXT_0_PLAIN || self.tries >= TRIES_MAX {
            return Some(Err(name));
        }
        let Some(scheme) = Lock::read(oid.content, parameters) else {
            return Some(Err(name));
        };
        self.tries += 1;
        let plain = self
            .passwords
            .iter()
            .filter_map(|password| scheme.open(password, secret.content))
            .find(|plain| is_list_of_bags(plain));
        Some(plain.ok_or(name))
    }

    fn bags(&mut self, bytes: &[u8], depth: usize) -> Option<()> {
        let (bags, _) = der::expect(bytes, der::SEQUENCE)?;
        for bag in der::each(bags.content).take(PARTS_MAX) {
            let (oid, rest) = der::expect(bag.content, der::OBJECT_IDENTIFIER)?;
            let (value, attributes) = der::expect(rest, der::CONTEXT_0)?;
            let mark = local_key_id(attributes);
            match oid.content.strip_prefix(BAG) {
                // A key, plain or wrapped: that it is there is all that is taken.
                Some([1 | 2]) => {
                    self.key_seen = true;
                    self.keys.extend(mark);
                }
                Some([3]) => {
                    if let Some(der) = certificate(value.content) {
                        self.store.certificates.push(Stored {
                            der: der.to_vec(),
                            with_key: false,
                        });
                        self.named.push(mark);
                    }
                }
                // Bags in a bag (RFC 7292 §4.2.6).
                Some([6]) if depth < 2 => self.bags(value.content, depth + 1)?,
                _ => {}
            }
        }
        Some(())
    }

    /// A certificate and a key with one mark are a pair; in a store with a key and a single certificate they are
    /// one also without.
    fn pair(&mut self) {
        let lone = self.key_seen && self.keys.is_empty() && self.named.len() == 1;
        for (stored, mark) in self.store.certificates.iter_mut().zip(&self.named) {
            stored.with_key = lone || mark.as_ref().is_some_and(|mark| self.keys.contains(mark));
        }
    }
}

/// The octets of a `data` ContentInfo.
fn data(info: &[u8]) -> Option<&[u8]> {
    let (kind, rest) = der::expect(info, der::OBJECT_IDENTIFIER)?;
    let (explicit, _) = der::expect(rest, der::CONTEXT_0).filter(|_| kind.content == DATA)?;
    der::expect(explicit.content, der::OCTET_STRING).map(|(octets, _)| octets.content)
}

/// The X.509 certificate of a CertBag (RFC 7292 §4.2.3).
fn certificate(bytes: &[u8]) -> Option<&[u8]> {
    let (bag, _) = der::expect(bytes, der::SEQUENCE)?;
    let (kind, rest) = der::expect(bag.content, der::OBJECT_IDENTIFIER)?;
    let (explicit, _) = der::expect(rest, der::CONTEXT_0).filter(|_| kind.content == X509)?;
    der::expect(explicit.content, der::OCTET_STRING).map(|(octets, _)| octets.content)
}

fn local_key_id(attributes: &[u8]) -> Option<Vec<u8>> {
    let (set, _) = der::expect(attributes, SET)?;
    der::each(set.content).find_map(|attribute| {
        let (oid, rest) = der::expect(attribute.content, der::OBJECT_IDENTIFIER)?;
        let (values, _) = der::expect(rest, SET).filter(|_| oid.content == LOCAL_KEY_ID)?;
        der::expect(values.content, der::OCTET_STRING).map(|(mark, _)| mark.content.to_vec())
    })
}

/// How the store is sealed: the digest of its MacData (RFC 7292 §4).
fn seal(rest: &[u8]) -> Option<String> {
    let (mac, _) = der::expect(rest, der::SEQUENCE)?;
    let (digest, _) = der::expect(mac.content, der::SEQUENCE)?;
    let (algorithm, _) = der::expect(digest.content, der::SEQUENCE)?;
    let (oid, _) = der::expect(algorithm.content, der::OBJECT_IDENTIFIER)?;
    let word = match oid.content {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => "SHA-1",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => "SHA-256",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => "SHA-384",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => "SHA-512",
        _ => "a digest that is not known",
    };
    Some(format!("a MAC with {word}"))
}

fn algorithm_name(oid: &[u8]) -> String {
    match (oid, oid.strip_prefix(PBE)) {
        (PBES2, _) => "PBES2",
        (_, Some([1])) => "128-bit RC4",
        (_, Some([2])) => "40-bit RC4",
        (_, Some([3])) => "three-key Triple DES",
        (_, Some([4])) => "two-key Triple DES",
        (_, Some([5])) => "128-bit RC2",
        (_, Some([6])) => "40-bit RC2",
        _ => "an algorithm that is not known",
    }
    .to_owned()
}

/// What a safe decrypts to is a list of bags: anything else was another password.
fn is_list_of_bags(plain: &[u8]) -> bool {
    let list = der::expect(plain, der::SEQUENCE).filter(|(list, rest)| {
        rest.is_empty() && list.whole.len() == plain.len() && !list.content.is_empty()
    });
    list.is_some_and(|(list, _)| {
        der::each(list.content).all(|bag| {
            der::expect(bag.content, der::OBJECT_IDENTIFIER)
                .is_some_and(|(oid, _)| oid.content.starts_with(BAG))
        })
    })
}

/// How a safe is locked, where it can be tried.
enum Lock<'a> {
    Newer(Scheme<'a>),
    Older(Legacy<'a>),
}

impl<'a> Lock<'a> {
    fn read(oid: &[u8], parameters: &'a [u8]) -> Option<Self> {
        if oid == PBES2 {
            return Scheme::read(parameters).map(Self::Newer);
        }
        match oid.strip_prefix(PBE) {
            Some([kind]) => Legacy::read(*kind, parameters, ROUNDS_MAX).map(Self::Older),
            _ => None,
        }
    }

    fn open(&self, password: &str, secret: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Newer(scheme) => scheme.open(password, secret),
            Self::Older(legacy) => legacy.open(password, secret),
        }
    }
}

/// PBES2 (RFC 8018 §6.2) with PBKDF2 and AES in CBC mode.
struct Scheme<'a> {
    salt: &'a [u8],
    rounds: u32,
    with_sha256: bool,
    key_octets: usize,
    start: &'a [u8],
}

impl<'a> Scheme<'a> {
    fn read(parameters: &'a [u8]) -> Option<Self> {
        let (parameters, _) = der::expect(parameters, der::SEQUENCE)?;
        let (derivation, rest) = der::expect(parameters.content, der::SEQUENCE)?;
        let (encryption, _) = der::expect(rest, der::SEQUENCE)?;
        let (oid, rest) = der::expect(derivation.content, der::OBJECT_IDENTIFIER)?;
        let (details, _) = der::expect(rest, der::SEQUENCE).filter(|_| oid.content == PBKDF2)?;
        let (salt, rest) = der::expect(details.content, der::OCTET_STRING)?;
        let (rounds, rest) = der::expect(rest, der::INTEGER)?;
        let rounds =
            der::number(rounds.content).filter(|rounds| (1..=ROUNDS_MAX).contains(rounds))?;
        let (cipher, rest_of_cipher) = der::expect(encryption.content, der::OBJECT_IDENTIFIER)?;
        let (start, _) = der::expect(rest_of_cipher, der::OCTET_STRING)?;
        let key_octets = match cipher.content {
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02] => 16,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a] => 32,
            _ => return None,
        };
        Some(Self {
            salt: salt.content,
            rounds,
            with_sha256: is_sha256(rest)?,
            key_octets,
            start: start.content,
        })
    }

    fn open(&self, password: &str, secret: &[u8]) -> Option<Vec<u8>> {
        let mut key = [0_u8; 32];
        let key = key.get_mut(..self.key_octets)?;
        let password = password.as_bytes();
        if self.with_sha256 {
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, self.salt, self.rounds, key);
        } else {
            pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, self.salt, self.rounds, key);
        }
        let plain = if self.key_octets == 16 {
            cbc::Decryptor::<aes::Aes128>::new_from_slices(key, self.start)
                .ok()?
                .decrypt_padded_vec::<Pkcs7>(secret)
        } else {
            cbc::Decryptor::<aes::Aes256>::new_from_slices(key, self.start)
                .ok()?
                .decrypt_padded_vec::<Pkcs7>(secret)
        };
        plain.ok()
    }
}

/// The pseudo-random function after the rounds (and an optional length): HMAC with SHA-256, or with SHA-1 where it
/// is left out (RFC 8018 §A.2).
fn is_sha256(rest: &[u8]) -> Option<bool> {
    let rest = der::expect(rest, der::INTEGER).map_or(rest, |(_, rest)| rest);
    if rest.is_empty() {
        return Some(false);
    }
    let (function, _) = der::expect(rest, der::SEQUENCE)?;
    let (oid, _) = der::expect(function.content, der::OBJECT_IDENTIFIER)?;
    match oid.content {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07] => Some(false),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09] => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/plain.p12");
    const EMPTY: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/empty-password.p12");
    const LOCKED: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/locked.p12");
    const LEGACY: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/legacy.p12");
    const KEYTOOL: &[u8] = include_bytes!("../tests/fixtures/keytool-17/store.p12");
    const TRUST: &[u8] = include_bytes!("../tests/fixtures/keytool-17/trust-unlocked.p12");
    const CACERTS: &[u8] = include_bytes!("../tests/fixtures/keytool-17/cacerts");

    fn pairs(store: &Store) -> Vec<bool> {
        store.certificates.iter().map(|c| c.with_key).collect()
    }

    #[test]
    fn a_store_without_a_password_is_read_with_the_pairing_of_its_key() {
        for bytes in [PLAIN, EMPTY] {
            let store = read(bytes, &[""]);
            assert_eq!(pairs(&store), [true, false], "{:?}", store.shut);
            assert!(store.shut.is_empty() && !store.broken);
        }
    }

    #[test]
    fn what_is_locked_stays_shut_and_says_how() {
        let store = read(LOCKED, &[""]);
        assert_eq!(
            (store.certificates.len(), store.shut.as_slice()),
            (0, &["PBES2".to_owned()][..])
        );
        assert_eq!(store.seal.as_deref(), Some("a MAC with SHA-256"));
        let store = read(LEGACY, &[""]);
        assert_eq!(
            (store.certificates.len(), store.shut.as_slice()),
            (0, &["40-bit RC2".to_owned()][..])
        );
        let store = read(KEYTOOL, &[""]);
        assert_eq!((store.certificates.len(), store.shut.len()), (0, 1));
        assert!(!store.broken);
    }

    #[test]
    fn the_older_ciphers_open_with_the_password_that_is_none_and_only_with_it() {
        for bytes in [
            &include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty.p12")[..],
            include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty-three-key.p12"),
            include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty-two-key.p12"),
            include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty-128-bit-rc2.p12"),
        ] {
            let store = read(bytes, &[""]);
            assert_eq!(pairs(&store), [true, false], "{:?}", store.shut);
            assert!(store.shut.is_empty() && !store.broken);
            // The certificates are those of the store without encryption.
            let plain = read(PLAIN, &[""]);
            let same = |one: &Stored, two: &Stored| one.der == two.der;
            let mut both = store.certificates.iter().zip(&plain.certificates);
            assert!(both.all(|(one, two)| same(one, two)));
        }
        let rc4 = include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty-rc4.p12");
        assert_eq!(read(rc4, &[""]).shut, ["128-bit RC4"]);
    }

    #[test]
    fn a_trust_store_of_an_older_java_is_read_and_its_keystore_stays_shut() {
        let trust = include_bytes!("../tests/fixtures/keytool-17/cacerts-legacy");
        assert_eq!(read(trust, &["", "changeit"]).certificates.len(), 2);
        assert_eq!(read(trust, &[""]).shut, ["40-bit RC2"]);
        let locked = include_bytes!("../tests/fixtures/keytool-17/legacy-java.p12");
        let store = read(locked, &[""]);
        assert_eq!((store.certificates.len(), store.shut.len()), (0, 1));
    }

    #[test]
    fn a_trust_store_of_java_without_protection_is_read() {
        let store = read(TRUST, &[""]);
        assert_eq!(pairs(&store), [false, false]);
        assert!(store.shut.is_empty());
    }

    #[test]
    fn the_word_every_java_runtime_ships_opens_its_trust_store_and_nothing_else_is_tried() {
        assert_eq!(read(CACERTS, &[""]).certificates.len(), 0);
        assert_eq!(read(CACERTS, &["", "changeit"]).certificates.len(), 2);
    }

    #[test]
    fn more_rounds_than_are_paid_for_are_not_run() {
        assert_eq!(der::number(&[0x7f, 0xff, 0xff, 0xff]), Some(0x7fff_ffff));
        let mut endless = EMPTY.to_vec();
        // 2048 rounds, as an INTEGER of two octets, become 8 million in one of three.
        let at = endless
            .windows(4)
            .position(|w| w == [0x02, 0x02, 0x08, 0x00])
            .unwrap();
        endless[at + 2] = 0x7f;
        assert!(read(&endless, &[""]).certificates.is_empty());
    }

    #[test]
    fn no_store_breaks_the_reader() {
        groma_fuzz::hammer(
            300,
            &[PLAIN, EMPTY, LOCKED, LEGACY, KEYTOOL, TRUST],
            |bytes| {
                if is_likely(bytes) {
                    let _ = read(bytes, &[]);
                }
            },
        );
        // Few rounds, so that every mutation is also tried to be opened.
        let legacy = include_bytes!("../tests/fixtures/openssl-3.0/legacy-empty.p12");
        let quick = few_rounds(legacy);
        groma_fuzz::hammer(300, &[&quick], |bytes| {
            if is_likely(bytes) && !asks_for_many_rounds(bytes) {
                let _ = read(bytes, &[""]);
            }
        });
    }

    /// 2048 rounds, as an INTEGER of two octets, become one.
    fn few_rounds(store: &[u8]) -> Vec<u8> {
        let mut quick = store.to_vec();
        for at in 0..quick.len().saturating_sub(4) {
            if quick[at..at + 4] == [0x02, 0x02, 0x08, 0x00] {
                quick[at + 2..at + 4].copy_from_slice(&[0, 1]);
            }
        }
        quick
    }

    fn asks_for_many_rounds(store: &[u8]) -> bool {
        store
            .windows(3)
            .any(|w| w[0] == 0x02 && w[1] == 0x03 && w[2] > 0)
            || store
                .windows(3)
                .any(|w| w[0] == 0x02 && w[1] == 0x02 && w[2] > 0x20)
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_store_or_broken(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes, &[""]);
            let _ = read(&der::sequence(&[&[2, 1, 3][..], &der::sequence(&bytes)].concat()), &[""]);
        }
    }
}

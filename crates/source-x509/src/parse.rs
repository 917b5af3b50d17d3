//! Bytes of one file → the certificates in it, what is known of its keys, and what could not be read. Pure.

use groma_model::Reason;

use crate::certificate::{self, Parsed};
use crate::key::{self, PublicHalf};
use crate::{bks, der, embedded, keystore, nss, pem, pkcs12};

/// What stands in one file.
#[derive(Default)]
pub(crate) struct Contents {
    /// Certificates, in the order of the file.
    pub(crate) certificates: Vec<Found>,
    /// Public halves of the private keys in it.
    pub(crate) keys: Vec<PublicHalf>,
    /// What could not be read, and why.
    pub(crate) missed: Vec<Missed>,
}

/// One certificate of a file.
pub(crate) struct Found {
    pub(crate) parsed: Parsed,
    /// Counts certificates of the file from 0, broken ones too.
    pub(crate) position: u32,
    /// True if the file itself pairs it with a key (a key entry of a Java keystore).
    pub(crate) paired: bool,
}

/// Something in a file that was not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) what: String,
    pub(crate) reason: Reason,
    pub(crate) remedy: &'static str,
}

/// Reads a file of any of the known forms; the form is told by the bytes, never by the name.
/// `claims` is true if the name says that a certificate must be in it.
#[cfg(test)]
pub(crate) fn contents(bytes: &[u8], claims: bool) -> Contents {
    contents_with(bytes, claims, &[""])
}

/// The same with the passwords that are public knowledge for this file; the empty one is for all.
pub(crate) fn contents_with(bytes: &[u8], claims: bool, passwords: &[&str]) -> Contents {
    let mut contents = Contents::default();
    if nss::is_likely(bytes) {
        contents.read_nss(bytes, claims);
    } else if pem::is_likely(bytes) || embedded::is_likely(bytes) {
        contents.read_pem(&embedded::unfolded(bytes));
    } else if keystore::is_likely(bytes) {
        contents.read_keystore(bytes);
    } else if bks::is_likely(bytes) {
        contents.read_bks(bytes);
    } else if bytes.first() == Some(&der::SEQUENCE) {
        contents.read_der(bytes, claims, passwords);
    } else if claims && !is_placeholder(bytes) {
        contents.malformed("its name promises a certificate, its bytes are none that is known");
    }
    contents
}

impl Contents {
    fn read_pem(&mut self, bytes: &[u8]) {
        let (blocks, more) = pem::blocks(bytes);
        let mut position = 0;
        for block in blocks {
            match (block.label.as_str(), block.bytes) {
                ("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE", der) => {
                    self.keep(der.as_deref(), position, false);
                    position += 1;
                }
                ("PKCS7" | "CMS", Some(der)) => self.read_bag(&der, &mut position),
                (label, Some(der)) if key::is_key_label(label) => {
                    self.keys.extend(key::public_half(label, &der))
                }
                _ => {}
            }
        }
        if more {
            let what = "more blocks than are read from one file".to_owned();
            self.missed.push(Missed {
                what,
                reason: Reason::TooLarge,
                remedy: "",
            });
        }
    }

    fn read_keystore(&mut self, bytes: &[u8]) {
        let (stored, whole) = keystore::certificates(bytes);
        for (position, one) in (0u32..).zip(stored) {
            self.keep(Some(&one.der), position, one.with_key);
        }
        if !whole {
            self.malformed(
                "the keystore ends early, or an entry in it is of a kind that is not read",
            );
        }
    }

    fn read_bks(&mut self, bytes: &[u8]) {
        let (stored, read) = bks::certificates(bytes);
        for (position, one) in (0_u32..).zip(stored) {
            self.keep(Some(&one.der), position, one.with_key);
        }
        match read {
            bks::Read::Whole => {}
            bks::Read::Broken => self.malformed("the keystore of Bouncy Castle ends early, or an entry in it is of a kind that is not read"),
            bks::Read::Shut => self.missed.push(Missed {
                what: "the certificates in this keystore of Bouncy Castle, encrypted as a whole (UBER)".to_owned(),
                reason: Reason::Locked,
                remedy: "it needs its password, and none is ever guessed; put the certificate beside it as PEM if it should be seen",
            }),
        }
    }

    fn read_nss(&mut self, bytes: &[u8], claims: bool) {
        let Some((stored, whole)) = nss::certificates(bytes) else {
            if claims {
                self.malformed("a database that is none of NSS");
            }
            return;
        };
        for (position, der) in (0_u32..).zip(stored) {
            self.keep(Some(&der), position, false);
        }
        if !whole {
            self.malformed("some pages of the database of NSS");
        }
    }

    fn read_pkcs12(&mut self, bytes: &[u8], passwords: &[&str]) {
        const REMEDY: &str = "it needs its password, and none is ever guessed; put the certificate beside it as PEM if it should be seen";
        let store = pkcs12::read(bytes, passwords);
        for (position, one) in (0_u32..).zip(store.certificates) {
            self.keep(Some(&one.der), position, one.with_key);
        }
        let seal = store.seal.as_deref().unwrap_or("no MAC");
        for algorithm in store.shut {
            self.missed.push(Missed {
                what: format!(
                    "the certificates in this PKCS#12 keystore, locked with {algorithm} ({seal})"
                ),
                reason: Reason::Locked,
                remedy: REMEDY,
            });
        }
        if store.broken {
            self.malformed("a part of this PKCS#12 keystore");
        }
    }

    fn read_der(&mut self, bytes: &[u8], claims: bool, passwords: &[&str]) {
        if let Some(parsed) = certificate::parse(bytes) {
            self.certificates.push(Found {
                parsed,
                position: 0,
                paired: false,
            });
        } else if pkcs12::is_likely(bytes) {
            self.read_pkcs12(bytes, passwords);
        } else if signed_certificates(bytes).is_some() {
            self.read_bag(bytes, &mut 0);
        } else if let Some(half) = key::public_half("", bytes) {
            self.keys.push(half);
        } else if claims {
            self.malformed("DER that is no certificate, keystore or key that is known");
        }
    }

    fn read_bag(&mut self, bytes: &[u8], position: &mut u32) {
        for element in signed_certificates(bytes).into_iter().flat_map(der::each) {
            if element.tag == der::SEQUENCE {
                self.keep(Some(element.whole), *position, false);
                *position += 1;
            }
        }
    }

    fn keep(&mut self, der: Option<&[u8]>, position: u32, paired: bool) {
        match der.and_then(certificate::parse) {
            Some(parsed) => self.certificates.push(Found {
                parsed,
                position,
                paired,
            }),
            None => self.malformed(&format!(
                "certificate number {position} of the file, counted from 0"
            )),
        }
    }

    fn malformed(&mut self, what: &str) {
        self.missed.push(Missed {
            what: what.to_owned(),
            reason: Reason::Malformed,
            remedy: "",
        });
    }
}

/// True for words without a trace of a certificate: packages leave such a file where one may be put. A line
/// of nothing but base64 is such a trace, and so is anything that is not text.
fn is_placeholder(bytes: &[u8]) -> bool {
    let is_encoded = |line: &[u8]| {
        line.len() >= 60
            && line
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    is_text
        && !bytes
            .split(|&b| b == b'\n')
            .any(|line| is_encoded(line.trim_ascii()))
}

/// The certificates of a SignedData (RFC 5652 §5.1), as a run of elements.
fn signed_certificates(bytes: &[u8]) -> Option<&[u8]> {
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    const SET: u8 = 0x31;
    let (info, _) = der::expect(bytes, der::SEQUENCE)?;
    let (oid, rest) = der::expect(info.content, der::OBJECT_IDENTIFIER)?;
    if oid.content != SIGNED_DATA {
        return None;
    }
    let (explicit, _) = der::expect(rest, der::CONTEXT_0)?;
    let (signed, _) = der::expect(explicit.content, der::SEQUENCE)?;
    let (_, rest) = der::expect(signed.content, der::INTEGER)?;
    let (_, rest) = der::expect(rest, SET)?;
    let (_, rest) = der::expect(rest, der::SEQUENCE)?;
    der::expect(rest, der::CONTEXT_0).map(|(bag, _)| bag.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN_PEM: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/chain.pem");
    const CHAIN_P7B: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/chain.p7b");
    const WEAK_DER: &[u8] = include_bytes!("../tests/fixtures/openssl-3.0/weak.der");
    const TRUST_JKS: &[u8] = include_bytes!("../tests/fixtures/keytool-17/trust.jks");

    fn subjects(bytes: &[u8]) -> Vec<String> {
        let read = contents(bytes, true);
        assert!(read.missed.is_empty(), "{:?}", read.missed);
        read.certificates
            .into_iter()
            .map(|found| found.parsed.certificate.subject)
            .collect()
    }

    #[test]
    fn one_chain_is_the_same_in_every_form() {
        let expected = [
            "CN=www.corp.example,OU=\\ Web #1,O=Example",
            "CN=Root,O=Example\\, Sons & Co,C=DE",
        ];
        assert_eq!(subjects(CHAIN_PEM), expected);
        assert_eq!(subjects(CHAIN_P7B), expected);
        assert_eq!(subjects(WEAK_DER), ["CN=weak,DC=corp,DC=example"]);
        let mut stored = subjects(TRUST_JKS);
        stored.sort();
        assert_eq!(stored, [expected[1], "CN=weak,DC=corp,DC=example"]);
    }

    /// A PKCS#8 key in outline: the shape of one, with a modulus that belongs to nobody.
    fn outline_of_a_key() -> Vec<u8> {
        let number = |n: usize| [&[0x02, 0x82, 0x01, 0x00][..], &vec![0x55; n]].concat();
        let rsa = der::sequence(
            &[
                &[0x02, 0x01, 0x00][..],
                &number(256),
                &[0x02, 0x03, 1, 0, 1],
                &number(256),
            ]
            .concat(),
        );
        let algorithm = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
            0x00,
        ];
        let wrapped = [
            &[0x04, 0x82][..],
            &u16::try_from(rsa.len()).unwrap().to_be_bytes(),
            &rsa,
        ]
        .concat();
        der::sequence(&[&[0x02, 0x01, 0x00][..], &algorithm, &wrapped].concat())
    }

    #[test]
    fn nothing_breaks_the_reader_of_files() {
        let key = outline_of_a_key();
        assert_eq!(contents(&key, false).keys.len(), 1);
        groma_fuzz::hammer(
            2000,
            &[CHAIN_PEM, CHAIN_P7B, WEAK_DER, TRUST_JKS, &key],
            |bytes| {
                let _ = contents(bytes, true);
            },
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = contents(&bytes, true);
            let _ = contents(&[&b"\x30\x82"[..], &bytes].concat(), true);
            let _ = contents(&[&b"\xfe\xed\xfe\xed\0\0\0\x02"[..], &bytes].concat(), true);
        }
    }

    #[test]
    fn a_file_that_promises_a_certificate_and_holds_none_is_said() {
        let missed = contents(b"\xffhello", true).missed;
        assert_eq!(missed.first().map(|m| &m.reason), Some(&Reason::Malformed));
        assert!(contents(b"\xffhello", false).missed.is_empty());
        assert!(
            contents(b"", true).missed.is_empty(),
            "an empty file is no keystore gone bad"
        );
    }

    #[test]
    fn a_broken_block_costs_itself_and_not_its_neighbours() {
        let text = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let read = contents(&[&text[..], text].concat(), true);
        assert_eq!(read.missed.len(), 2);
        assert!(read.missed[1].what.contains("number 1"));
    }

    #[test]
    fn a_pkcs12_keystore_is_read_or_locked_and_never_guessed_at() {
        let of = |bytes: &[u8]| contents(bytes, true);
        let read = of(include_bytes!(
            "../tests/fixtures/openssl-3.0/empty-password.p12"
        ));
        let pairs: Vec<_> = read.certificates.iter().map(|c| c.paired).collect();
        assert_eq!((pairs, read.missed.len()), (vec![true, false], 0));
        let locked = of(include_bytes!("../tests/fixtures/openssl-3.0/locked.p12")).missed;
        assert_eq!(locked[0].reason, Reason::Locked);
        assert!(
            locked[0].what.contains("PBES2 (a MAC with SHA-256)"),
            "{}",
            locked[0].what
        );
        let broken = of(include_bytes!("../tests/fixtures/openssl-3.0/locked.p12")
            .get(..200)
            .unwrap());
        assert_eq!(broken.missed[0].reason, Reason::Malformed);
    }

    #[test]
    fn jceks_keystores_and_nss_databases_are_read() {
        let trust = contents(
            include_bytes!("../tests/fixtures/keytool-17/trust.jceks"),
            true,
        );
        assert_eq!((trust.certificates.len(), trust.missed.len()), (2, 0));
        let key = contents(
            include_bytes!("../tests/fixtures/keytool-17/key.jceks"),
            true,
        );
        assert_eq!(
            (key.certificates.len(), key.certificates[0].paired),
            (1, true)
        );
        let bks = contents(
            include_bytes!("../tests/fixtures/bouncy-castle-1.72/key.bks"),
            true,
        );
        assert_eq!((bks.certificates.len(), bks.missed.len()), (2, 0));
        let uber = contents(
            include_bytes!("../tests/fixtures/bouncy-castle-1.72/trust.ubr"),
            true,
        );
        assert_eq!(uber.missed[0].reason, Reason::Locked);
        let nss = contents(include_bytes!("../tests/fixtures/nss-3.87/cert9.db"), true);
        assert_eq!((nss.certificates.len(), nss.missed.len()), (8, 0));
    }
}

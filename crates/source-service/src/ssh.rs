//! SSH as far as the host key (RFC 4253), and no further: no user is named, nothing is logged on to.
//!
//! The key exchange is carried through on the elliptic curve P-256 (RFC 5656 §4) with a private key of one. Our public key
//! is then the curve's base point and the shared secret is the server's own public key, so the exchange hash can be
//! computed and the server's signature checked without any secret: nothing is ever sent under this key. A host key is
//! told only if the server proved that it holds the private half.

use std::io::{Read, Write};

use ring::digest::{SHA256, digest};
use ring::signature::{self, UnparsedPublicKey};

use crate::base64;
use crate::talk::{Miss, answer, say};

const IDENTITY: &[u8] = b"SSH-2.0-groma";
const KEXINIT: u8 = 20;
const DISCONNECT: u8 = 1;
const ECDH_INIT: u8 = 30;
const ECDH_REPLY: u8 = 31;
/// Longest packet (RFC 4253 §6.1).
const PACKET_MAX: usize = 35_000;
/// Lines a server may send before it names itself (RFC 4253 §4.2).
const LINES_MAX: usize = 20;

/// The base point of P-256, uncompressed (SEC 2 §2.4.2).
const BASE_POINT: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

/// Kinds of host keys we can check, the usual ones first.
const KEY_KINDS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";

/// The line with which a server names itself, without its end.
pub(crate) fn identity(heard: &[u8]) -> Option<&[u8]> {
    let line = heard
        .split(|&b| b == b'\n')
        .take(LINES_MAX)
        .find(|line| line.starts_with(b"SSH-"))?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// What follows the line with which a server names itself.
fn after_identity(heard: &[u8]) -> &[u8] {
    let mut rest = heard;
    while let Some(end) = rest.iter().position(|&b| b == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        if line.starts_with(b"SSH-") {
            return after;
        }
        rest = after;
    }
    &[]
}

/// The fingerprint of the host key, if the server speaks our curve and proves its key. `heard` is its greeting.
pub(crate) fn host_key(
    talk: &mut (impl Read + Write),
    heard: &[u8],
    cookie: [u8; 16],
) -> Result<Option<String>, Miss> {
    let Some(theirs) = identity(heard) else {
        return Ok(None);
    };
    let ours = proposal(cookie);
    say(talk, &[IDENTITY, b"\r\n", &packet(&ours)].concat())?;
    let mut bytes = after_identity(heard).to_vec();
    let proposed = next(talk, &mut bytes, KEXINIT)?;
    if !offers_our_curve(&proposed) {
        let _ = say(talk, &packet(&farewell()));
        return Ok(None);
    }
    let mut init = vec![ECDH_INIT];
    init.extend(string(&BASE_POINT));
    say(talk, &packet(&init))?;
    let reply = next(talk, &mut bytes, ECDH_REPLY)?;
    let _ = say(talk, &packet(&farewell()));
    Ok(Reply::read(&reply).and_then(|reply| {
        let exchanged = [
            string(IDENTITY),
            string(theirs),
            string(&ours),
            string(&proposed),
            string(reply.key),
            string(&BASE_POINT),
            string(reply.point),
            integer(reply.point.get(1..33)?),
        ];
        reply
            .is_proven(digest(&SHA256, &exchanged.concat()).as_ref())
            .then(|| fingerprint(reply.key))
    }))
}

/// `SHA256:…` of a public key, as ssh-keygen prints it.
fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", base64::written(digest(&SHA256, key).as_ref()))
}

/// KEXINIT (RFC 4253 §7.1): one way to exchange keys, the usual ciphers, so that an agreement is reached.
fn proposal(cookie: [u8; 16]) -> Vec<u8> {
    const CIPHERS: &str =
        "aes128-ctr,aes256-ctr,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-cbc";
    const CODES: &str = "hmac-sha2-256,hmac-sha2-512,hmac-sha1";
    let lists = [
        "ecdh-sha2-nistp256",
        KEY_KINDS,
        CIPHERS,
        CIPHERS,
        CODES,
        CODES,
        "none",
        "none",
        "",
        "",
    ];
    let mut message = vec![KEXINIT];
    message.extend(cookie);
    message.extend(lists.iter().flat_map(|list| string(list.as_bytes())));
    message.extend([0; 5]);
    message
}

/// True if a KEXINIT offers our curve and a key we can check.
fn offers_our_curve(proposed: &[u8]) -> bool {
    let lists = proposed.get(17..).unwrap_or_default();
    let Some((ways, rest)) = take_string(lists) else {
        return false;
    };
    let Some((keys, _)) = take_string(rest) else {
        return false;
    };
    let names = |list: &'_ [u8], wanted: &str| {
        list.split(|&b| b == b',')
            .any(|name| wanted.split(',').any(|w| w.as_bytes() == name))
    };
    names(ways, "ecdh-sha2-nistp256") && names(keys, KEY_KINDS)
}

/// DISCONNECT "by application" (RFC 4253 §11.1): one line in the server's log, and no error.
fn farewell() -> Vec<u8> {
    let mut message = vec![DISCONNECT, 0, 0, 0, 11];
    message.extend(string(b"only looking"));
    message.extend(string(b""));
    message
}

fn string(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(0);
    [&length.to_be_bytes(), content].concat()
}

/// A positive number (RFC 4251 §5): no leading zeros but one before a set first bit.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|&&b| b == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    if digits.first().is_some_and(|b| b & 0x80 != 0) {
        string(&[&[0], digits].concat())
    } else {
        string(digits)
    }
}

/// An unencrypted packet (RFC 4253 §6): a multiple of eight octets with at least four of padding.
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8;
    let padding = if padding < 4 { padding + 8 } else { padding };
    let length = u32::try_from(payload.len() + padding + 1).unwrap_or(0);
    let mut all = length.to_be_bytes().to_vec();
    all.push(u8::try_from(padding).unwrap_or(4));
    all.extend_from_slice(payload);
    all.resize(all.len() + padding, 0);
    all
}

/// The payload of the next packet of `kind`; packets that may be passed over (IGNORE, DEBUG) are.
fn next(talk: &mut impl Read, bytes: &mut Vec<u8>, kind: u8) -> Result<Vec<u8>, Miss> {
    const PASSED_MAX: usize = 4;
    for _ in 0..PASSED_MAX {
        while whole(bytes).is_none() {
            if bytes.len() > PACKET_MAX {
                return Err(Miss::Closed);
            }
            bytes.extend(answer(talk, |_| true)?);
        }
        let (payload, length) = whole(bytes).ok_or(Miss::Closed)?;
        *bytes = bytes.split_off(length.min(bytes.len()));
        match payload.first() {
            Some(&first) if first == kind => return Ok(payload),
            Some(2 | 4) => {}
            _ => return Err(Miss::Closed),
        }
    }
    Err(Miss::Closed)
}

/// The payload of the packet at the begin of `bytes`, and how long it is in all.
fn whole(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let body = rest.get(..length).filter(|_| length <= PACKET_MAX)?;
    let (&padding, content) = body.split_first()?;
    let end = content.len().checked_sub(usize::from(padding))?;
    Some((content.get(..end)?.to_vec(), length.checked_add(4)?))
}

fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// ECDH_REPLY (RFC 5656 §4): host key, the server's point, its signature.
struct Reply<'a> {
    key: &'a [u8],
    point: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Reply<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let (key, rest) = take_string(message.get(1..)?)?;
        let (point, rest) = take_string(rest)?;
        let (signature, _) = take_string(rest)?;
        let is_point = point.len() == 65 && point.first() == Some(&4);
        is_point.then_some(Self {
            key,
            point,
            signature,
        })
    }

    /// True if the key signed the exchange.
    fn is_proven(&self, exchange: &[u8]) -> bool {
        self.check(exchange).unwrap_or(false)
    }

    fn check(&self, exchange: &[u8]) -> Option<bool> {
        let (kind, key) = take_string(self.key)?;
        let (with, signed) = take_string(self.signature)?;
        let (signed, _) = take_string(signed)?;
        let verified = match (kind, with) {
            (b"ssh-ed25519", b"ssh-ed25519") => {
                let (key, _) = take_string(key)?;
                UnparsedPublicKey::new(&signature::ED25519, key).verify(exchange, signed)
            }
            (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256") => {
                let (_, rest) = take_string(key)?;
                let (point, _) = take_string(rest)?;
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                    .verify(exchange, &fixed(signed)?)
            }
            (b"ssh-rsa", b"rsa-sha2-256") => {
                rsa(key)?.verify(&signature::RSA_PKCS1_2048_8192_SHA256, exchange, signed)
            }
            (b"ssh-rsa", b"rsa-sha2-512") => {
                rsa(key)?.verify(&signature::RSA_PKCS1_2048_8192_SHA512, exchange, signed)
            }
            _ => return Some(false),
        };
        Some(verified.is_ok())
    }
}

/// The numbers of an RSA key (RFC 4253 §6.6): e, then n.
fn rsa(key: &[u8]) -> Option<signature::RsaPublicKeyComponents<&[u8]>> {
    let (e, rest) = take_string(key)?;
    let (n, _) = take_string(rest)?;
    Some(signature::RsaPublicKeyComponents {
        n: n.strip_prefix(&[0]).unwrap_or(n),
        e: e.strip_prefix(&[0]).unwrap_or(e),
    })
}

/// The two numbers of an ECDSA signature (RFC 5656 §3.1.2), 32 octets each.
fn fixed(signed: &[u8]) -> Option<Vec<u8>> {
    let (r, rest) = take_string(signed)?;
    let (s, _) = take_string(rest)?;
    let wide = |number: &[u8]| {
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        let zeros = 32usize.checked_sub(digits.len())?;
        Some([vec![0; zeros], digits.to_vec()].concat())
    };
    Some([wide(r)?, wide(s)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_padded_as_the_protocol_wants_and_read_back() {
        for length in 0..64 {
            let payload = vec![7; length];
            let bytes = packet(&payload);
            assert_eq!(bytes.len() % 8, 0);
            assert_eq!(whole(&bytes), Some((payload, bytes.len())));
            assert_eq!(whole(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn numbers_keep_their_sign() {
        assert_eq!(integer(&[0, 0, 1]), [0, 0, 0, 1, 1]);
        assert_eq!(integer(&[0x80]), [0, 0, 0, 2, 0, 0x80]);
    }

    #[test]
    fn a_server_names_itself_after_its_legal_notice() {
        let heard = b"Only for staff.\r\nSSH-2.0-x y\r\nrest";
        assert_eq!(after_identity(heard), b"rest");
        assert_eq!(identity(heard), Some(&b"SSH-2.0-x y"[..]));
        assert_eq!(identity(b"HTTP/1.1 400\r\n"), None);
    }

    #[test]
    fn a_packet_that_announces_more_than_there_can_be_ends_the_talk() {
        let huge = [
            &[0x7f, 0xff, 0xff, 0xff, 0, KEXINIT],
            [0; 36_000].as_slice(),
        ]
        .concat();
        for pieces in [1_200, 4_096] {
            let mut talk = Pieces(&huge, pieces);
            let heard = next(&mut talk, &mut Vec::new(), KEXINIT);
            assert_eq!(heard, Err(Miss::Closed));
        }
    }

    /// Bytes that come so many at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let most = into.len().min(self.1).min(self.0.len());
            let (now, later) = self.0.split_at(most);
            into[..most].copy_from_slice(now);
            self.0 = later;
            Ok(most)
        }
    }

    #[test]
    fn no_answer_breaks_the_reader() {
        let reply = [
            vec![ECDH_REPLY],
            string(&string(b"ssh-ed25519")),
            string(&BASE_POINT),
            string(b"x"),
        ]
        .concat();
        let seeds: [&[u8]; 3] = [
            &packet(&proposal([1; 16])),
            &packet(&reply),
            b"SSH-2.0-x\r\n",
        ];
        groma_fuzz::hammer(10_000, &seeds, |bytes| {
            let _ = identity(bytes);
            let _ = next(&mut Pieces(bytes, 700), &mut Vec::new(), KEXINIT);
            let _ = offers_our_curve(bytes);
            let _ = whole(bytes)
                .and_then(|(payload, _)| Reply::read(&payload).map(|r| r.is_proven(&[0; 32])));
            let _ = Reply::read(bytes).map(|r| r.is_proven(&[0; 32]));
        });
    }
}

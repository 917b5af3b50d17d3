//! `known_hosts` with hashed names (ssh-keygen(1), HashKnownHosts): a name cannot be read out of them, but it can be
//! asked whether it is meant. The hash is HMAC-SHA1 of the name, its key the salt (`|1|salt|hash`, both base64).

use groma_model::found::Spelling;

use super::words::Hit;

/// Lines of one file that are tried.
const LINES_MAX: usize = 20_000;

/// Lines that mean one of the spellings; `[name]:port` is tried for the ports of SSH that people use.
pub(super) fn hits(text: &str, path: &str, spellings: &[Spelling]) -> Vec<Hit> {
    if !path.ends_with("known_hosts") && !path.ends_with("known_hosts2") {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (line, row) in crate::text::lines(text).take(LINES_MAX) {
        let Some((salt, hash)) = parts(row) else {
            continue;
        };
        let meant = spellings.iter().find(|s| {
            let name = s.text.to_ascii_lowercase();
            let with_ports = ["22", "222", "2022", "2200", "2222", "22022", "22222"];
            hmac_sha1(&salt, name.as_bytes()) == hash
                || with_ports
                    .iter()
                    .any(|port| hmac_sha1(&salt, format!("[{name}]:{port}").as_bytes()) == hash)
        });
        out.extend(meant.map(|s| Hit {
            line,
            key: "host".to_owned(),
            peer: s.peer.clone(),
            naming: s.naming,
        }));
    }
    out
}

fn parts(row: &str) -> Option<(Vec<u8>, [u8; 20])> {
    let mut parts = row.strip_prefix("|1|")?.split(['|', ' ']);
    let salt = base64(parts.next()?)?;
    let hash = base64(parts.next()?)?;
    (salt.len() == 20).then_some((salt, hash.try_into().ok()?))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 0xff).unwrap_or(0));
        }
        held &= 0xffff;
    }
    Some(out)
}

/// HMAC (RFC 2104) with SHA-1; `key` is at most a block long.
fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let pad = |with: u8| -> Vec<u8> {
        let mut block = [with; 64];
        for (place, byte) in block.iter_mut().zip(key) {
            *place ^= byte;
        }
        block.to_vec()
    };
    let mut inner = pad(0x36);
    inner.extend_from_slice(message);
    let mut outer = pad(0x5c);
    outer.extend_from_slice(&sha1(&inner));
    sha1(&outer)
}

/// SHA-1 (RFC 3174): broken for signatures, and what OpenSSH hides these names with.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let bits = u64::try_from(message.len())
        .unwrap_or(u64::MAX)
        .wrapping_mul(8);
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&bits.to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|four| {
                four.iter()
                    .fold(0, |word, byte| (word << 8) | u32::from(*byte))
            })
            .collect();
        for at in 16..80 {
            let old = |back: usize| words.get(at - back).copied().unwrap_or(0);
            words.push((old(3) ^ old(8) ^ old(14) ^ old(16)).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.iter().enumerate() {
            let (mixed, constant) = match round {
                0..=19 => ((b & c) | (!b & d), 0x5a82_7999_u32),
                20..=39 => (b ^ c ^ d, 0x6ed9_eba1),
                40..=59 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (place, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *place = place.wrapping_add(value);
        }
    }
    let mut out = [0; 20];
    for (place, byte) in out
        .iter_mut()
        .zip(state.iter().flat_map(|w| w.to_be_bytes()))
    {
        *place = byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use groma_model::Peer;
    use groma_model::found::Naming;

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        let hex = |bytes: [u8; 20]| groma_model::foreign::hex(&bytes);
        assert_eq!(
            hex(sha1(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        // RFC 2202, test case 2.
        assert_eq!(
            hex(hmac_sha1(b"Jefe", b"what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }

    /// Made by `ssh-keygen -H` of OpenSSH 9.2p1 over `mail1.corp.example` and `[10.0.0.5]:2222`.
    const RECORDED: &str = include_str!("../../tests/fixtures/known_hosts.hashed");

    #[test]
    fn a_hashed_name_answers_when_it_is_asked_for() {
        let spelling = |text: &str| Spelling {
            text: text.to_owned(),
            naming: Naming::Name,
            peer: Peer::parse(text).unwrap(),
            of: text.to_owned(),
        };
        let asked = [spelling("mail1.corp.example"), spelling("10.0.0.5")];
        let lines = |asked: &[Spelling]| -> Vec<u32> {
            hits(RECORDED, "/root/.ssh/known_hosts", asked)
                .iter()
                .map(|h| h.line)
                .collect()
        };
        assert_eq!(lines(&asked), [1, 2]);
        assert!(lines(&[spelling("mail2.corp.example")]).is_empty());
        assert!(hits(RECORDED, "/etc/other", &asked).is_empty());
    }
}

//! Which machines a file has named already: told by a digest, and then by the machine itself, so that no file can be
//! written in which one machine hides another.

use std::net::IpAddr;

use groma_model::{Peer, Port};

/// Places of the smallest table.
const FEW: usize = 64;
/// 2^64 divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers of what was met, by digest. At least every other place is free.
#[derive(Default)]
pub(crate) struct Seen {
    places: Vec<u32>,
    /// The digest of each number.
    digests: Vec<u64>,
}

impl Seen {
    /// True if nothing of this digest is what `is_same` says of its number; then it has the next number from now on.
    pub(crate) fn is_new(&mut self, digest: u64, is_same: impl Fn(usize) -> bool) -> bool {
        if self.digests.len() * 2 >= self.places.len() {
            self.grow();
        }
        let mut at = self.start(digest);
        while let Some(number) = self.number_at(at) {
            if self.digests.get(number) == Some(&digest) && is_same(number) {
                return false;
            }
            at = self.after(at);
        }
        self.put(at, self.digests.len());
        self.digests.push(digest);
        true
    }

    fn grow(&mut self) {
        let many = (self.places.len() * 2).max(FEW);
        self.places.clear();
        self.places.resize(many, 0);
        for number in 0..self.digests.len() {
            let mut at = self.start(self.digests.get(number).copied().unwrap_or_default());
            while self.number_at(at).is_some() {
                at = self.after(at);
            }
            self.put(at, number);
        }
    }

    fn start(&self, digest: u64) -> usize {
        place_in(digest, self.places.len())
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.places.len().wrapping_sub(1)
    }

    fn number_at(&self, at: usize) -> Option<usize> {
        let kept = self.places.get(at).copied().unwrap_or_default();
        usize::try_from(kept.checked_sub(1)?).ok()
    }

    fn put(&mut self, at: usize, number: usize) {
        if let Some(place) = self.places.get_mut(at) {
            *place = u32::try_from(number + 1).unwrap_or(u32::MAX);
        }
    }
}

/// A number that tells nearly every machine and port apart.
pub(crate) fn digest(peer: &Peer, port: Option<Port>) -> u64 {
    let start = mixed(GOLDEN, port.map_or(0, |port| u64::from(port.0) + 1));
    match peer {
        Peer::Address(IpAddr::V4(address)) => mixed(start, u64::from(address.to_bits())),
        Peer::Address(IpAddr::V6(address)) => digest_of(start, &address.octets()),
        Peer::Name(name) => digest_of(start, name.as_str().as_bytes()),
    }
}

/// The same of any bytes.
pub(crate) fn digest_of(start: u64, bytes: &[u8]) -> u64 {
    let (pieces, rest) = bytes.as_chunks();
    let whole = pieces
        .iter()
        .fold(start, |all, piece| mixed(all, u64::from_le_bytes(*piece)));
    let rest = rest.iter().fold(0, |all, b| all << 8 | u64::from(*b));
    mixed(whole, rest)
}

/// A place in a table of that many, a power of two. The upper letters of a product are the ones that mix, and
/// [`mixed`] has turned them to the low end.
pub(crate) fn place_in(digest: u64, many: usize) -> usize {
    let low = usize::try_from(digest & u64::from(u32::MAX)).unwrap_or_default();
    low & many.wrapping_sub(1)
}

fn mixed(all: u64, piece: u64) -> u64 {
    (all ^ piece).wrapping_mul(GOLDEN).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once_and_digests_alone_hide_nothing() {
        let (mut seen, mut met) = (Seen::default(), Vec::new());
        for round in 0..3 {
            for n in 0..2_000_u64 {
                // Every ninth digest is the same one.
                let digest = if n % 9 == 0 { 7 } else { mixed(GOLDEN, n) };
                let is_new = seen.is_new(digest, |number| met.get(number) == Some(&n));
                assert_eq!(is_new, round == 0);
                if is_new {
                    met.push(n);
                }
            }
        }
    }

    #[test]
    fn names_that_begin_and_end_alike_are_told_apart() {
        let mut digests = std::collections::HashSet::new();
        for n in 0..5_000 {
            let peer = Peer::parse(&format!("server-prod-{n:04}.mail.example.com")).unwrap();
            assert!(digests.insert(digest(&peer, Some(Port(443)))));
            assert!(digests.insert(digest(&peer, None)));
        }
    }
}

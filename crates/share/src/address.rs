//! Addresses: the same network stays the same network, and it is another one.
//!
//! Every bit is turned or left by what stands before it, keyed (the construction of Crypto-PAn, with HMAC for its
//! cipher): two addresses share as long a beginning afterwards as before, and no two become one. Private networks go
//! where no address is ever given out (240.0.0.0/4), so that a pseudonym is never mistaken for an address of the house;
//! global ones of IPv6 to 4000::/3, which nobody has. There is no room for public IPv4 addresses but their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::key::ShareKey;

/// Private networks and where they go, as first address, length of the prefix, and first address of the other place.
/// What stood in the other place (nobody is there) goes the way back, so that nothing meets.
const ELSEWHERE: [([u8; 4], u32, [u8; 4]); 6] = [
    ([10, 0, 0, 0], 8, [240, 0, 0, 0]),
    ([172, 16, 0, 0], 12, [241, 16, 0, 0]),
    ([192, 168, 0, 0], 16, [242, 168, 0, 0]),
    ([100, 64, 0, 0], 10, [243, 64, 0, 0]),
    ([169, 254, 0, 0], 16, [244, 254, 0, 0]),
    ([198, 18, 0, 0], 15, [245, 18, 0, 0]),
];

/// The pseudonym of an address. Those that mean the same everywhere stay: loopback, unspecified, multicast, broadcast.
pub(crate) fn address(key: &ShareKey, address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(self::v4(key, v4)),
        IpAddr::V6(v6) => IpAddr::V6(self::v6(key, v6)),
    }
}

/// The pseudonym of a network: its bits and no others.
pub(crate) fn network(key: &ShareKey, address: IpAddr, length: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(length))
                .unwrap_or(0);
            let is_network = u32::from(v4) & !mask == 0;
            let mapped = u32::from(self::v4(key, v4));
            IpAddr::V4(if is_network { mapped & mask } else { mapped }.into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(length))
                .unwrap_or(0);
            let is_network = u128::from(v6) & !mask == 0;
            let mapped = u128::from(self::v6(key, v6));
            IpAddr::V6(if is_network { mapped & mask } else { mapped }.into())
        }
    }
}

/// The pseudonym of a hardware address, as lower case with colons. The maker's half of one that a maker gave out stays:
/// it says what kind of device it is, and is the same for millions of them.
pub(crate) fn mac(key: &ShareKey, mac: [u8; 6]) -> [u8; 6] {
    let [first, ..] = mac;
    let same_everywhere = mac == [0; 6] || first & 1 == 1;
    if same_everywhere {
        return mac;
    }
    let given_by_maker = first & 2 == 0;
    let mut out = mac;
    turn(
        key,
        "mac",
        &mut out,
        if given_by_maker { 24 } else { 8 },
        &mac,
    );
    out
}

fn v4(key: &ShareKey, address: Ipv4Addr) -> Ipv4Addr {
    if stays_v4(address) {
        return address;
    }
    if let Some((other, length)) = elsewhere(address) {
        return turned_v4(key, other, length);
    }
    // Walked on until it is nobody's special place: all of a network walk together.
    let mut out = address;
    for _ in 0..64 {
        out = turned_v4(key, out, 0);
        if !stays_v4(out) && elsewhere(out).is_none() {
            return out;
        }
    }
    out
}

fn stays_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first == 0 || first == 127 || address.is_multicast() || address.is_broadcast()
}

/// The address in the other place, and how many bits say which place it is.
fn elsewhere(address: Ipv4Addr) -> Option<(Ipv4Addr, u32)> {
    let bits = u32::from(address);
    ELSEWHERE.iter().find_map(|(here, length, there)| {
        let (here, there) = (u32::from_be_bytes(*here), u32::from_be_bytes(*there));
        let mask = u32::MAX << (32 - length);
        let to = match bits & mask {
            place if place == here => there,
            place if place == there => here,
            _ => return None,
        };
        Some((Ipv4Addr::from(to | bits & !mask), *length))
    })
}

fn turned_v4(key: &ShareKey, address: Ipv4Addr, from: u32) -> Ipv4Addr {
    let before = address.octets();
    let mut out = before;
    turn(key, "ipv4", &mut out, from, &before);
    out.into()
}

fn v6(key: &ShareKey, address: Ipv6Addr) -> Ipv6Addr {
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return address;
    }
    if let Some(four) = address.to_ipv4_mapped() {
        return v4(key, four).to_ipv6_mapped();
    }
    let bits = u128::from(address);
    let top = bits >> 125;
    let (bits, from) = match top {
        // Global unicast and the eighth nobody has, one for the other.
        1 => (bits & !(7 << 125) | 2 << 125, 3),
        2 => (bits & !(7 << 125) | 1 << 125, 3),
        // Of one link: the link stays, the interface does not.
        _ if bits >> 118 == 0x3fa => (bits, 64),
        // Unique local: its first eight bits say so.
        _ => (bits, 8),
    };
    let before = Ipv6Addr::from(bits).octets();
    let mut out = before;
    turn(key, "ipv6", &mut out, from, &before);
    out.into()
}

/// Turns the bits of `out` from `from` on, each by what stands before it in `before`: one digest for each byte has a bit
/// for every place in the tree of that byte.
fn turn(key: &ShareKey, what: &str, out: &mut [u8], from: u32, before: &[u8]) {
    for (at, (byte, whole)) in out.iter_mut().zip(before).enumerate() {
        let first = (from as usize).saturating_sub(at * 8);
        if first >= 8 {
            continue;
        }
        let digest = key.digest(what, before.get(..at).unwrap_or_default());
        for bit in first..8 {
            // The place in a tree of 255: a one, then the bits before.
            let place = 1_usize << bit | usize::from(*whole) >> (8 - bit);
            let turned = digest
                .get(place / 8)
                .is_some_and(|b| b >> (place % 8) & 1 == 1);
            if turned {
                *byte ^= 0x80 >> bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn key() -> ShareKey {
        ShareKey::new([9; 32])
    }

    #[test]
    fn a_network_stays_a_network_and_none_meets_another() {
        let mut all = BTreeSet::new();
        for (b, c, d) in
            (0..4).flat_map(|b| (0..40).flat_map(move |c| (0..32).map(move |d| (b, c, d))))
        {
            for a in [10, 192, 8] {
                let b = if a == 192 { 168 + b } else { b };
                let one = v4(&key(), Ipv4Addr::new(a, b, c, d));
                let same = v4(&key(), Ipv4Addr::new(a, b, c, 200));
                assert_eq!(one.octets()[..3], same.octets()[..3]);
                all.insert(one);
            }
        }
        assert_eq!(all.len(), 4 * 40 * 32 * 3);
    }

    #[test]
    fn what_means_the_same_everywhere_stays() {
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.251",
            "::",
            "::1",
            "ff02::fb",
        ] {
            let one: IpAddr = text.parse().unwrap();
            assert_eq!(address(&key(), one), one);
        }
        assert_eq!(
            network(&key(), "0.0.0.0".parse().unwrap(), 0).to_string(),
            "0.0.0.0"
        );
        assert_eq!(network(&key(), "::".parse().unwrap(), 0).to_string(), "::");
    }

    #[test]
    fn a_private_address_leaves_the_private_ranges_and_a_public_one_stays_public() {
        for text in [
            "10.1.2.3",
            "172.16.9.9",
            "192.168.1.1",
            "100.64.3.3",
            "169.254.1.1",
        ] {
            let one = v4(&key(), text.parse().unwrap());
            assert!(one.octets()[0] >= 240, "{text} became {one}");
        }
        let public = v4(&key(), "8.8.8.8".parse().unwrap());
        assert!(!public.is_private() && elsewhere(public).is_none());
        let six = v6(&key(), "2001:db8::1".parse().unwrap());
        assert_eq!(six.segments()[0] >> 13, 2);
    }

    #[test]
    fn the_makers_half_of_a_hardware_address_stays_where_a_maker_gave_it() {
        let one = mac(&key(), [0x00, 0x1b, 0x63, 1, 2, 3]);
        assert_eq!(one[..3], [0x00, 0x1b, 0x63]);
        assert_ne!(one[3..], [1, 2, 3]);
        let own = mac(&key(), [0x52, 0x54, 0x00, 1, 2, 3]);
        assert_eq!(own[0], 0x52);
        assert_ne!(own[1..3], [0x54, 0x00]);
    }

    proptest! {
        #[test]
        fn as_long_a_beginning_is_shared_afterwards(a: u32, b: u32, keep in 8_u32..32) {
            let b = a & !(u32::MAX >> keep) | b & u32::MAX >> keep;
            let (a, b) = (Ipv4Addr::from(a), Ipv4Addr::from(b));
            let (x, y) = (v4(&key(), a), v4(&key(), b));
            prop_assert_eq!(a == b, x == y);
            let special = |one: Ipv4Addr| stays_v4(one) || elsewhere(one).is_some();
            let special = [a, b, turned_v4(&key(), a, 0), turned_v4(&key(), b, 0)].into_iter().any(special);
            let shared = (u32::from(a) ^ u32::from(b)).leading_zeros();
            prop_assert!(special || (u32::from(x) ^ u32::from(y)).leading_zeros() == shared);
        }

        #[test]
        fn no_two_of_ipv6_become_one(a: u128, b: u128, keep in 0_u32..128) {
            let b = a & !(u128::MAX >> keep) | b & u128::MAX >> keep;
            prop_assert_eq!(a == b, v6(&key(), a.into()) == v6(&key(), b.into()));
        }
    }
}

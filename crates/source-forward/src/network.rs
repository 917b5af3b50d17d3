//! Addresses and networks as packet filters and tunnels write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the number of leading bits that count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
}

impl Network {
    /// `10.0.0.5`, `10.0.0.0/24`, `10.0.0.0/255.255.255.0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, mask) = text
            .split_once('/')
            .map_or((text, None), |(a, m)| (a, Some(m)));
        let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let bits = match mask {
            None => whole,
            Some(mask) => match mask.parse::<u8>() {
                Ok(bits) => bits,
                Err(_) => bits_of(mask.parse().ok()?)?,
            },
        };
        (bits <= whole).then_some(Self { address, bits })
    }

    pub(crate) fn single(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    pub(crate) fn is_single(&self) -> bool {
        self.bits == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// True if a rule with it speaks of somebody in particular: wider than a department's network, or
    /// loopback, multicast and link-local addresses, name nobody who could move.
    pub(crate) fn is_telling(&self) -> bool {
        let narrow = match self.address {
            IpAddr::V4(_) => self.bits >= 24,
            IpAddr::V6(_) => self.bits >= 64,
        };
        let nobody = match self.address {
            IpAddr::V4(a) => {
                a.is_loopback()
                    || a.is_multicast()
                    || a.is_link_local()
                    || a.is_unspecified()
                    || a.is_broadcast()
                    || a.octets().first() == Some(&0)
            }
            IpAddr::V6(a) => {
                a.is_loopback()
                    || a.is_multicast()
                    || a.is_unspecified()
                    || a.is_unicast_link_local()
            }
        };
        narrow && !nobody
    }
}

/// Bits of a mask, if its ones stand together.
fn bits_of(mask: IpAddr) -> Option<u8> {
    let (ones, all) = match mask {
        IpAddr::V4(m) => (m.to_bits().leading_ones(), m.to_bits().count_ones()),
        IpAddr::V6(m) => (m.to_bits().leading_ones(), m.to_bits().count_ones()),
    };
    (ones == all).then(|| u8::try_from(ones).ok()).flatten()
}

/// Bits of a mask given as bytes.
pub(crate) fn mask_bits(mask: &[u8]) -> Option<u8> {
    bits_of(address(mask)?)
}

/// An address given as its 4 or 16 bytes in network order.
pub(crate) fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|sixteen| IpAddr::V6(Ipv6Addr::from(sixteen)))
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_bits() {
        for (text, shown, telling) in [
            ("192.0.2.5", "192.0.2.5", true),
            ("192.0.2.0/255.255.255.0", "192.0.2.0/24", true),
            ("10.0.0.0/8", "10.0.0.0/8", false),
            ("127.0.0.1", "127.0.0.1", false),
            ("2001:db8::/64", "2001:db8::/64", true),
            ("fe80::1", "fe80::1", false),
        ] {
            let network = Network::parse(text).unwrap();
            assert_eq!(
                (network.to_string().as_str(), network.is_telling()),
                (shown, telling)
            );
        }
        assert_eq!(Network::parse("10.0.0.0/33"), None);
        assert_eq!(Network::parse("10.0.0.0/255.0.255.0"), None);
    }
}

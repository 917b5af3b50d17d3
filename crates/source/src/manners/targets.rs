//! Whom a person named: networks, ranges, addresses and names, and whom not.
//!
//! What is a network's own address, its broadcast address or a group of machines is never a host and never asked. IPv6
//! networks are not counted through: there a machine is known by its neighbours or its name.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::HostName;

/// So many addresses one look may be given: a /16.
pub const ADDRESSES_MAX: u64 = 65_536;

/// A network, as `10.0.0.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Why a text names nobody to be asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetError {
    /// Nothing we know.
    #[error(
        "{0:?} is no target; write 10.0.0.0/24, 10.0.0.5, 10.0.0.5-10.0.0.9, 10.0.0.5-9 or a host name"
    )]
    NotATarget(String),
    /// More addresses than a look is given.
    #[error(
        "{text:?} has {count} addresses, and {ADDRESSES_MAX} are the most for one look: name the networks that are in use"
    )]
    TooWide {
        /// What was written.
        text: String,
        /// How many it means.
        count: u64,
    },
    /// An IPv6 network.
    #[error(
        "{0:?} is a network of IPv6, which nobody can count through: name its hosts, or the link they are on (their neighbours are asked)"
    )]
    NotCounted(String),
    /// Not the address of one machine.
    #[error("{0:?} is not the address of one machine")]
    Nobody(String),
    /// Everything that was named was also excluded.
    #[error(
        "nothing is left of the targets: all were excluded, or are network and broadcast addresses"
    )]
    Nothing,
}

impl Network {
    /// Reads `10.0.0.0/8`, or an address as a network of one; bits beyond the length are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse::<IpAddr>().ok()?.to_canonical();
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|length| *length <= longest)?,
            None => longest,
        };
        Some(Self {
            address: first(address, length),
            length,
        })
    }

    /// True if `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && first(address, self.length) == self.address
    }

    /// Its first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Length of its prefix, in bits.
    pub fn length(&self) -> u8 {
        self.length
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn first(address: IpAddr, length: u8) -> IpAddr {
    let cut = |whole: u8| u32::from(whole.saturating_sub(length));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(cut(32)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(cut(128)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// One thing a person wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// A network; its own and its broadcast address are no hosts of it.
    Network(Network),
    /// Addresses from one to another, both included.
    Range(Ipv4Addr, Ipv4Addr),
    /// One machine.
    Address(IpAddr),
    /// A name; whoever asks name servers finds out what it means.
    Name(HostName),
}

impl Target {
    /// Reads one target as people write it.
    ///
    /// # Errors
    /// It is none, is too wide, or means no single machine.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let target = Self::read(text)?;
        let count = target.count();
        if count > ADDRESSES_MAX {
            let text = text.to_owned();
            return Err(TargetError::TooWide { text, count });
        }
        Ok(target)
    }

    fn read(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::NotATarget(text.to_owned());
        if text.contains('/') {
            let network = Network::parse(text).ok_or_else(wrong)?;
            return match network.address {
                IpAddr::V6(v6) if network.length == 128 => alone(IpAddr::V6(v6), text),
                IpAddr::V6(_) => Err(TargetError::NotCounted(text.to_owned())),
                address if network.length == 32 => alone(address, text),
                _ => Ok(Self::Network(network)),
            };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return alone(address.to_canonical(), text);
        }
        if let Some((from, to)) = text.split_once('-').and_then(|(from, to)| range(from, to)) {
            return Ok(Self::Range(from, to));
        }
        // Digits and dots alone are an address somebody mistyped, and no name server should hear of it.
        let is_number = text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        let name = HostName::parse(text).filter(|_| !is_number);
        name.map(Self::Name).ok_or_else(wrong)
    }

    /// How many addresses it means; a name counts as one.
    pub fn count(&self) -> u64 {
        match self {
            Self::Network(network) => 1_u64 << 32_u8.saturating_sub(network.length),
            Self::Range(from, to) => u64::from(to.to_bits() - from.to_bits()) + 1,
            Self::Address(_) | Self::Name(_) => 1,
        }
    }

    /// The addresses of it that may be hosts, in order; none for a name.
    fn addresses(&self) -> Box<dyn Iterator<Item = IpAddr> + '_> {
        let of = |from: u32, to: u32| (from..=to).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        match self {
            Self::Network(network) => {
                let IpAddr::V4(v4) = network.address else {
                    return Box::new(std::iter::empty());
                };
                let last =
                    v4.to_bits() | u32::MAX.checked_shr(u32::from(network.length)).unwrap_or(0);
                // RFC 3021: a network of two addresses has neither of the two.
                let inner = u32::from(network.length < 31);
                Box::new(of(v4.to_bits() + inner, last - inner))
            }
            Self::Range(from, to) => Box::new(of(from.to_bits(), to.to_bits())),
            Self::Address(address) => Box::new(std::iter::once(*address)),
            Self::Name(_) => Box::new(std::iter::empty()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Range(from, to) => write!(f, "{from}-{to}"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

fn alone(address: IpAddr, text: &str) -> Result<Target, TargetError> {
    match is_one_machine(address) {
        true => Ok(Target::Address(address)),
        false => Err(TargetError::Nobody(text.to_owned())),
    }
}

/// `10.0.0.5-10.0.0.9`, `10.0.0.5-9`.
fn range(from: &str, to: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let from: Ipv4Addr = from.trim().parse().ok()?;
    let to = match to.trim().parse::<u8>() {
        Ok(last) => {
            let [a, b, c, _] = from.octets();
            Ipv4Addr::new(a, b, c, last)
        }
        Err(_) => to.trim().parse().ok()?,
    };
    (from <= to).then_some((from, to))
}

/// False for groups, broadcast, "this network" and addresses kept for later (RFC 1112 §4).
pub fn is_one_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            first != 0 && first < 224
        }
        IpAddr::V6(v6) => !v6.is_multicast() && !v6.is_unspecified(),
    }
}

/// Everybody who may be asked in one look, once each, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Targets {
    named: Vec<Target>,
    addresses: BTreeSet<IpAddr>,
}

impl Targets {
    /// What is left of `wanted` without `excluded`. `resolved` are the addresses of names among them.
    ///
    /// # Errors
    /// Together they are too many, or nothing is left.
    pub fn of(
        wanted: &[Target],
        resolved: &[(HostName, Vec<IpAddr>)],
        excluded: &[Network],
    ) -> Result<Self, TargetError> {
        let count: u64 = wanted.iter().map(Target::count).sum();
        if count > ADDRESSES_MAX {
            let text: Vec<String> = wanted.iter().map(Target::to_string).collect();
            let text = text.join(", ");
            return Err(TargetError::TooWide { text, count });
        }
        let by_name = resolved.iter().flat_map(|(_, all)| all.iter().copied());
        let addresses = wanted.iter().flat_map(Target::addresses).chain(by_name);
        let addresses: BTreeSet<IpAddr> = addresses
            .map(|address| address.to_canonical())
            .filter(|address| is_one_machine(*address))
            .filter(|address| !excluded.iter().any(|network| network.contains(*address)))
            .collect();
        // Nobody knows yet what a name means that was not asked about.
        let unasked = resolved.is_empty() && wanted.iter().any(|t| matches!(t, Target::Name(_)));
        if addresses.is_empty() && !wanted.is_empty() && !unasked {
            return Err(TargetError::Nothing);
        }
        Ok(Self {
            named: wanted.to_vec(),
            addresses,
        })
    }

    /// What was written.
    pub fn named(&self) -> &[Target] {
        &self.named
    }

    /// Every address, in order.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addresses.iter().copied()
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// True if there is nobody.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// True if `address` may be asked.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address.to_canonical())
    }

    /// Keeps only addresses for which `keep` holds.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(IpAddr) -> bool) -> Self {
        self.addresses.retain(|address| keep(*address));
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(wanted: &[&str], excluded: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = wanted.iter().map(|t| Target::parse(t).unwrap()).collect();
        let excluded: Vec<_> = excluded
            .iter()
            .map(|t| Network::parse(t).unwrap())
            .collect();
        let targets = Targets::of(&wanted, &[], &excluded).unwrap();
        targets.addresses().map(|a| a.to_string()).collect()
    }

    #[test]
    fn a_network_is_its_hosts_without_its_own_and_its_broadcast_address() {
        assert_eq!(all(&["10.0.0.7/30"], &[]), ["10.0.0.5", "10.0.0.6"]);
        assert_eq!(all(&["10.0.0.4/31"], &[]), ["10.0.0.4", "10.0.0.5"]);
        assert_eq!(all(&["10.0.0.4/32"], &[]), ["10.0.0.4"]);
        assert_eq!(all(&["10.0.0.0/24"], &[]).len(), 254);
    }

    #[test]
    fn ranges_addresses_and_excludes_are_read() {
        assert_eq!(
            all(&["10.0.0.5-7", "10.0.0.7-10.0.0.8"], &["10.0.0.6"]),
            ["10.0.0.5", "10.0.0.7", "10.0.0.8"]
        );
        assert_eq!(all(&["2001:db8::5"], &[]), ["2001:db8::5"]);
        assert_eq!(
            Target::parse("mail.corp.example").unwrap().to_string(),
            "mail.corp.example"
        );
    }

    #[test]
    fn what_is_too_wide_is_refused_with_its_size() {
        let told = Target::parse("10.0.0.0/8").unwrap_err().to_string();
        assert!(told.contains("16777216 addresses"), "{told}");
        let two: Vec<_> = ["10.0.0.0/16", "10.1.0.0/16"]
            .iter()
            .map(|t| Target::parse(t).unwrap())
            .collect();
        assert!(matches!(
            Targets::of(&two, &[], &[]),
            Err(TargetError::TooWide { .. })
        ));
        assert!(matches!(
            Target::parse("2001:db8::/64"),
            Err(TargetError::NotCounted(_))
        ));
        assert!(matches!(
            Target::parse("0.0.0.0/0"),
            Err(TargetError::TooWide { .. })
        ));
    }

    #[test]
    fn what_is_no_single_machine_is_refused() {
        for text in ["224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "::"] {
            assert!(
                matches!(Target::parse(text), Err(TargetError::Nobody(_))),
                "{text}"
            );
        }
        for text in [
            "",
            "10.0.0.300",
            "10.0.0.0/33",
            "10.0.0.9-10.0.0.5",
            "-v",
            "10.0.0",
            "a b",
        ] {
            assert!(
                matches!(Target::parse(text), Err(TargetError::NotATarget(_))),
                "{text}"
            );
        }
        assert_eq!(
            Targets::of(
                &[Target::parse("10.0.0.5").unwrap()],
                &[],
                &[Network::parse("10.0.0.0/8").unwrap()]
            ),
            Err(TargetError::Nothing)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_a_clear_no(text in "\\PC{0,40}") {
            if let Ok(target) = Target::parse(&text) {
                prop_assert!(target.count() <= ADDRESSES_MAX);
                let many = matches!(target, Target::Network(_) | Target::Range(..));
                let single = target.addresses().all(is_one_machine);
                prop_assert!(many || single);
            }
        }

        #[test]
        fn a_network_never_holds_its_ends(bits in any::<u32>(), length in 16_u8..31) {
            let text = format!("{}/{length}", Ipv4Addr::from_bits(bits));
            let target = Target::parse(&text).unwrap();
            let Target::Network(network) = &target else { panic!("{text}") };
            let mut own: Vec<_> = target.addresses().collect();
            prop_assert_eq!(own.len(), (1 << (32 - length)) - 2);
            prop_assert!(own.iter().all(|a| network.contains(*a)));
            own.push(network.address());
            prop_assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len());
        }
    }
}

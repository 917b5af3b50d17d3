//! Whom a person named: networks, ranges, addresses and names, and whom not.
//!
//! What is a network's own address, its broadcast address or a group of machines is never a host and never asked. A wide
//! network of IPv6 is not counted through: there a machine is known by its neighbours or its name. An address that means
//! another machine on every link (`fe80::/10`) is asked only on the link that was written behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::HostName;

/// So many addresses one look may be given: a /16.
pub const ADDRESSES_MAX: u64 = 65_536;
/// A shorter prefix of IPv6 is not counted through: of such a network its known neighbours are asked.
pub const COUNTED_FROM: u8 = 112;
/// Longest name of an interface, with the byte that ends it (`IFNAMSIZ`).
const LINK_BYTES: usize = 16;

/// A network, as `10.0.0.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Addresses that mean another machine on every link (RFC 4291 §2.5.6).
const OF_A_LINK: Network = Network {
    address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)),
    length: 10,
};

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
    /// An address of a link, and no link.
    #[error(
        "{0:?} means another machine on every link: write the link behind it, as in fe80::1%eth0"
    )]
    NoLink(String),
    /// Addresses of several links, which look alike.
    #[error(
        "{0:?} and {1:?}: addresses of fe80::/10 look alike on both links, so sweep them one after the other"
    )]
    TwoLinks(String, String),
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

    /// True if every address of `other` lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.length <= other.length && self.contains(other.address)
    }

    /// True if an address lies in both.
    pub fn touches(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// True if addresses of it mean another machine on every link.
    fn is_of_a_link(&self) -> bool {
        self.touches(&OF_A_LINK)
    }

    /// True if it is one of IPv6 that nobody counts through.
    pub fn is_wide(&self) -> bool {
        self.address.is_ipv6() && self.length < COUNTED_FROM
    }

    fn longest(&self) -> u8 {
        if self.address.is_ipv4() { 32 } else { 128 }
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

/// An interface of this machine, by its name: `eth0` of `fe80::1%eth0` (RFC 4007 §11).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Link(String);

impl Link {
    fn parse(text: &str) -> Option<Self> {
        let named = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@".contains(&b));
        (named && !text.is_empty() && text.len() < LINK_BYTES).then(|| Self(text.to_owned()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// One thing a person wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// A network; its own and its broadcast address are no hosts of it. One of IPv6 may be bound to a link.
    Network(Network, Option<Link>),
    /// Addresses from one to another, both included.
    Range(Ipv4Addr, Ipv4Addr),
    /// One machine, with the link it is on where that must be said.
    Address(IpAddr, Option<Link>),
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
        let (bare, link) = apart(text).ok_or_else(wrong)?;
        if bare.contains('/') {
            let network = Network::parse(&bare).ok_or_else(wrong)?;
            let longest = if network.address.is_ipv4() { 32 } else { 128 };
            return match network.length == longest {
                true => alone(network.address, link, text),
                false => of_network(network, link, text),
            };
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return alone(address.to_canonical(), link, text);
        }
        if link.is_some() {
            return Err(wrong());
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

    /// How many addresses it means; a name counts as one, and a network that is not counted through as none.
    pub fn count(&self) -> u64 {
        match self {
            Self::Network(network, _) if network.is_wide() => 0,
            Self::Network(network, _) => 1_u64 << (network.longest() - network.length).min(63),
            Self::Range(from, to) => u64::from(to.to_bits() - from.to_bits()) + 1,
            Self::Address(..) | Self::Name(_) => 1,
        }
    }

    /// The addresses of it that may be hosts, in order; none for a name, and for a network that is not counted through.
    fn addresses(&self) -> Box<dyn Iterator<Item = IpAddr> + '_> {
        let of = |from: u32, to: u32| (from..=to).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        match self {
            Self::Network(network, _) if network.is_wide() => Box::new(std::iter::empty()),
            Self::Network(network, _) => match network.address {
                IpAddr::V4(v4) => {
                    let last =
                        v4.to_bits() | u32::MAX.checked_shr(u32::from(network.length)).unwrap_or(0);
                    // RFC 3021: a network of two addresses has neither of the two.
                    let inner = u32::from(network.length < 31);
                    Box::new(of(v4.to_bits() + inner, last - inner))
                }
                IpAddr::V6(v6) => {
                    // The first address is every router's (RFC 4291 §2.6.1), but for two ends of a wire (RFC 6164).
                    let first = v6.to_bits() + u128::from(network.length < 127);
                    let last = v6.to_bits()
                        | u128::MAX
                            .checked_shr(u32::from(network.length))
                            .unwrap_or(0);
                    Box::new((first..=last).map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))))
                }
            },
            Self::Range(from, to) => Box::new(of(from.to_bits(), to.to_bits())),
            Self::Address(address, _) => Box::new(std::iter::once(*address)),
            Self::Name(_) => Box::new(std::iter::empty()),
        }
    }

    /// True if `address` is one of those it means; never for a name.
    pub fn holds(&self, address: IpAddr) -> bool {
        match self {
            Self::Network(network, _) => network.contains(address),
            Self::Range(from, to) => {
                matches!(address.to_canonical(), IpAddr::V4(v4) if (*from..=*to).contains(&v4))
            }
            Self::Address(only, _) => *only == address.to_canonical(),
            Self::Name(_) => false,
        }
    }

    /// The link that was written behind it.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Network(_, link) | Self::Address(_, link) => link.as_ref(),
            Self::Range(..) | Self::Name(_) => None,
        }
    }

    /// The network, if it is one that nobody counts through.
    pub fn wide(&self) -> Option<&Network> {
        match self {
            Self::Network(network, _) => Some(network).filter(|network| network.is_wide()),
            _ => None,
        }
    }
}

/// `fe80::1%eth0`, `fe80::/64%eth0` and `fe80::%eth0/64` without their link, and the link.
fn apart(text: &str) -> Option<(String, Option<Link>)> {
    let Some((address, rest)) = text.split_once('%') else {
        return Some((text.to_owned(), None));
    };
    let (link, length) = match rest.split_once('/') {
        Some((link, length)) => (link, format!("/{length}")),
        None => (rest, String::new()),
    };
    Some((format!("{address}{length}"), Some(Link::parse(link)?)))
}

fn of_network(network: Network, link: Option<Link>, text: &str) -> Result<Target, TargetError> {
    let IpAddr::V6(v6) = network.address else {
        return match link {
            None => Ok(Target::Network(network, None)),
            Some(_) => Err(TargetError::NotATarget(text.to_owned())),
        };
    };
    match (network.is_of_a_link(), v6.is_multicast(), &link) {
        (_, true, _) => Err(TargetError::Nobody(text.to_owned())),
        (true, _, None) => Err(TargetError::NoLink(text.to_owned())),
        _ => Ok(Target::Network(network, link)),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network, _) => network.fmt(f)?,
            Self::Range(from, to) => write!(f, "{from}-{to}")?,
            Self::Address(address, _) => address.fmt(f)?,
            Self::Name(name) => name.fmt(f)?,
        }
        match self.link() {
            Some(link) => write!(f, "%{}", link.0),
            None => Ok(()),
        }
    }
}

fn alone(address: IpAddr, link: Option<Link>, text: &str) -> Result<Target, TargetError> {
    if !is_one_machine(address) {
        return Err(TargetError::Nobody(text.to_owned()));
    }
    match (is_of_a_link(address), &link) {
        (true, None) => Err(TargetError::NoLink(text.to_owned())),
        (_, Some(_)) if address.is_ipv4() => Err(TargetError::NotATarget(text.to_owned())),
        _ => Ok(Target::Address(address, link)),
    }
}

/// True for `fe80::/10`: the machine it means depends on the link.
pub fn is_of_a_link(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
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
    excluded: Vec<Network>,
    addresses: BTreeSet<IpAddr>,
    /// The link an address is on, where somebody wrote it.
    links: BTreeMap<IpAddr, Link>,
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
        one_link(wanted)?;
        let mut all = Self {
            named: wanted.to_vec(),
            excluded: excluded.to_vec(),
            ..Self::default()
        };
        for target in wanted {
            for address in target.addresses() {
                all.add(address, target.link());
            }
        }
        // What a name server says of a link is true on the server's, if anywhere.
        let by_name = resolved.iter().flat_map(|(_, all)| all.iter().copied());
        by_name
            .filter(|address| !is_of_a_link(*address))
            .for_each(|address| all.add(address, None));
        // Nobody knows yet what a name means that was not asked about, and who is in a network that is not counted through.
        let open =
            |t: &Target| matches!(t, Target::Name(_)) && resolved.is_empty() || t.wide().is_some();
        if all.addresses.is_empty() && !wanted.is_empty() && !wanted.iter().any(open) {
            return Err(TargetError::Nothing);
        }
        Ok(all)
    }

    fn add(&mut self, address: IpAddr, link: Option<&Link>) {
        let address = address.to_canonical();
        if !is_one_machine(address) || self.excluded.iter().any(|n| n.contains(address)) {
            return;
        }
        self.addresses.insert(address);
        if let Some(link) = link {
            self.links.insert(address, link.clone());
        }
    }

    /// Adds a machine that was met in a network which is not counted through; false if it belongs to none, was excluded, is
    /// on another link than the one that was written, or if they are too many.
    pub fn met(&mut self, address: IpAddr, link: Option<&str>) -> bool {
        let address = address.to_canonical();
        let fits = |target: &&Target| {
            target
                .wide()
                .is_some_and(|network| network.contains(address))
                && (link.is_none()
                    || target
                        .link()
                        .is_none_or(|wanted| Some(wanted.name()) == link))
        };
        let Some(target) = self.named.iter().find(fits).cloned() else {
            return false;
        };
        let room = u64::try_from(self.addresses.len()).is_ok_and(|count| count < ADDRESSES_MAX);
        if room {
            self.add(address, target.link());
        }
        self.addresses.contains(&address)
    }

    /// What was written.
    pub fn named(&self) -> &[Target] {
        &self.named
    }

    /// Networks that are not counted through, each with the link that was written behind it.
    pub fn wide(&self) -> impl Iterator<Item = (&Network, Option<&Link>)> + '_ {
        let wide = |target| Target::wide(target).map(|network| (network, target.link()));
        self.named.iter().filter_map(wide)
    }

    /// True if an address of `network` was excluded.
    pub fn excludes_of(&self, network: &Network) -> bool {
        self.excluded.iter().any(|one| one.touches(network))
    }

    /// The link an address was written with.
    pub fn link_of(&self, address: IpAddr) -> Option<&str> {
        self.links.get(&address.to_canonical()).map(Link::name)
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

/// Addresses of `fe80::/10` are told apart by nothing but their link: a look has them of one.
fn one_link(wanted: &[Target]) -> Result<(), TargetError> {
    let of_a_link = |target: &&Target| match target {
        Target::Address(address, _) => is_of_a_link(*address),
        Target::Network(network, _) => network.is_of_a_link(),
        Target::Range(..) | Target::Name(_) => false,
    };
    let mut links = wanted.iter().filter(of_a_link);
    let Some(first) = links.next() else {
        return Ok(());
    };
    match links.find(|other| other.link() != first.link()) {
        Some(other) => Err(TargetError::TwoLinks(first.to_string(), other.to_string())),
        None => Ok(()),
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
            Target::parse("2001:db8::/111"),
            Ok(wide) if wide.count() == 0
        ));
        assert!(matches!(
            Target::parse("0.0.0.0/0"),
            Err(TargetError::TooWide { .. })
        ));
    }

    #[test]
    fn what_is_no_single_machine_is_refused() {
        for text in [
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "ff02::1",
            "ff02::1%eth0",
            "ff00::/120",
            "::",
        ] {
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

    #[test]
    fn a_small_network_of_ipv6_is_counted_through_and_a_wide_one_is_not() {
        assert_eq!(
            all(&["2001:db8::/126"], &["2001:db8::2"]),
            ["2001:db8::1", "2001:db8::3"]
        );
        assert_eq!(all(&["2001:db8::4/127"], &[]).len(), 2);
        assert_eq!(all(&["2001:db8::/112"], &[]).len(), 65_535);
        let wide = Target::parse("2001:db8::/64").unwrap();
        let excluded = Network::parse("2001:db8::9").unwrap();
        let mut targets = Targets::of(&[wide], &[], &[excluded]).unwrap();
        assert!(targets.is_empty() && targets.wide().count() == 1);
        let excludes = |text: &str| targets.excludes_of(&Network::parse(text).unwrap());
        assert!(excludes("2001:db8::/64") && !excludes("2001:db8:1::/64"));
        let mut met = |address: &str| targets.met(address.parse().unwrap(), Some("eth0"));
        assert!(
            met("2001:db8::5") && !met("2001:db8::9") && !met("2001:db8:1::5") && !met("ff02::1")
        );
        assert!(targets.contains("2001:db8::5".parse().unwrap()) && targets.len() == 1);
    }

    #[test]
    fn an_address_of_a_link_is_asked_on_the_link_that_was_written_and_nowhere_else() {
        for text in ["fe80::1", "fe80::/64", "fe80::/120"] {
            assert!(
                matches!(Target::parse(text), Err(TargetError::NoLink(_))),
                "{text}"
            );
        }
        for text in [
            "fe80::1%",
            "fe80::1%a/b/64",
            "10.0.0.1%eth0",
            "10.0.0.0/24%eth0",
            "host%eth0",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
        let one = Target::parse("fe80::1%eth0").unwrap();
        assert_eq!(one.to_string(), "fe80::1%eth0");
        for text in ["fe80::%eth0/64", "fe80::/64%eth0"] {
            let wide = Target::parse(text).unwrap();
            assert_eq!(wide.to_string(), "fe80::/64%eth0");
            let mut targets = Targets::of(&[one.clone(), wide], &[], &[]).unwrap();
            let other: IpAddr = "fe80::2".parse().unwrap();
            assert!(!targets.met(other, Some("eth1")) && targets.met(other, Some("eth0")));
            assert_eq!(targets.link_of(other), Some("eth0"));
        }
        let beside = Target::parse("fe80::1%eth1").unwrap();
        assert!(matches!(
            Targets::of(&[one, beside], &[], &[]),
            Err(TargetError::TwoLinks(..))
        ));
        let name = HostName::parse("printer.local").unwrap();
        let found = vec!["fe80::7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        let named = Target::Name(name.clone());
        let targets = Targets::of(&[named], &[(name, found)], &[]).unwrap();
        assert_eq!(targets.len(), 1);
    }

    #[test]
    fn a_network_wide_enough_to_hold_addresses_of_a_link_is_one_of_a_link() {
        let of = |all: &[&str]| {
            let all: Vec<_> = all.iter().map(|t| Target::parse(t).unwrap()).collect();
            Targets::of(&all, &[], &[])
        };
        for [one, other] in [
            ["::/0%eth0", "::/0%eth1"],
            ["fe00::/8%eth0", "fe80::1%eth1"],
            ["fe80::/12%eth0", "fe80::/64%eth1"],
        ] {
            let told = of(&[one, other]);
            assert!(matches!(told, Err(TargetError::TwoLinks(..))), "{one}");
            assert!(of(&[one]).is_ok());
        }
        // Others are told apart by their addresses, whichever link they are on.
        assert!(of(&["2001:db8::/64%eth0", "2001:db8:1::/64%eth1"]).is_ok());
        assert!(of(&["fe80::/64%eth0", "2001:db8::/32%eth1"]).is_ok());
        for text in ["::/0", "fe00::/8"] {
            let told = Target::parse(text);
            assert!(matches!(told, Err(TargetError::NoLink(_))), "{text}");
        }
    }

    #[test]
    fn networks_cover_and_touch_each_other_by_their_addresses() {
        let of = |text: &str| Network::parse(text).unwrap();
        let (wide, inner, other) = (of("10.0.0.0/8"), of("10.9.0.0/16"), of("11.0.0.0/8"));
        assert!(wide.covers(&inner) && !inner.covers(&wide) && wide.covers(&wide));
        assert!(wide.touches(&inner) && inner.touches(&wide) && !wide.touches(&other));
        assert!(!of("0.0.0.0/0").touches(&of("::/0")));
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_a_clear_no(text in "\\PC{0,40}") {
            if let Ok(target) = Target::parse(&text) {
                prop_assert!(target.count() <= ADDRESSES_MAX);
                let many = matches!(target, Target::Network(..) | Target::Range(..));
                let single = target.addresses().all(is_one_machine);
                prop_assert!(many || single);
            }
        }

        #[test]
        fn a_network_never_holds_its_ends(bits in any::<u32>(), length in 16_u8..31) {
            let text = format!("{}/{length}", Ipv4Addr::from_bits(bits));
            let target = Target::parse(&text).unwrap();
            let Target::Network(network, _) = &target else { panic!("{text}") };
            let mut own: Vec<_> = target.addresses().collect();
            prop_assert_eq!(own.len(), (1 << (32 - length)) - 2);
            prop_assert!(own.iter().all(|a| network.contains(*a)));
            own.push(network.address());
            prop_assert_eq!(own.iter().collect::<BTreeSet<_>>().len(), own.len());
        }
    }
}

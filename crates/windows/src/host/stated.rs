//! A need that a value of the registry states.

use groma_model::fact::{Component, ComponentClass, Reference};
use groma_model::{Foreign, Peer, Port, Transport};

/// A need, before it is known of whom.
#[derive(Clone, Copy)]
pub(crate) struct Stated<'a> {
    /// The rule that reads it; what stands before its first dash is the product.
    pub(crate) rule: &'a str,
    /// Path of the key.
    pub(crate) key: &'a str,
    /// Name of the value.
    pub(crate) value: &'a str,
    /// A dependency kind of the registry of words.
    pub(crate) kind: &'a str,
    /// Port and transport.
    pub(crate) port: (u16, Transport),
    /// The service that uses it, by the name of its unit.
    pub(crate) unit: &'a str,
}

impl Stated<'_> {
    /// The need of `peer`. A registry has no lines, so the line is 0.
    pub(crate) fn of(&self, peer: Peer) -> Reference {
        let (port, transport) = self.port;
        Reference {
            rule: self.rule.to_owned(),
            file: self.key.into(),
            line: 0,
            key: self.value.to_owned(),
            peer,
            port: Some(Port(port)),
            transport,
            kind: self.kind.to_owned(),
            component: Component {
                class: ComponentClass::Unit,
                name: Foreign::from(self.unit),
            },
            resource: None,
            account: None,
            mechanism: None,
            protection: None,
            has_secret: false,
            rhythm: None,
            weak: false,
        }
    }
}

/// The machines a value names, parted by spaces, commas or semicolons; this machine itself and what means nobody are
/// left out.
pub(crate) fn peers(text: &str) -> impl Iterator<Item = Peer> {
    let words = text.split([' ', ',', ';']).map(str::trim);
    words.filter_map(Peer::parse).filter(is_somebody)
}

/// False for this machine itself, for no address, for broadcast, and for the site-local addresses that Windows puts in
/// where an interface has no name server of IPv6 (`fec0:0:0:ffff::1` and on).
pub(crate) fn is_somebody(peer: &Peer) -> bool {
    let real = match peer {
        Peer::Address(std::net::IpAddr::V4(address)) => !address.is_broadcast(),
        Peer::Address(std::net::IpAddr::V6(address)) => address.segments()[0] & 0xffc0 != 0xfec0,
        Peer::Name(_) => true,
    };
    let nobody = matches!(peer, Peer::Address(address) if address.is_unspecified() || address.is_multicast());
    real && !nobody && !peer.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_by_loopback_broadcast_or_stand_ins() {
        let named =
            |text: &str| -> Vec<String> { peers(text).map(|peer| peer.to_string()).collect() };
        assert_eq!(
            named("10.0.0.1, dc1.corp.example;fd00::1"),
            ["10.0.0.1", "dc1.corp.example", "fd00::1"]
        );
        assert!(
            named("127.0.0.1 ::1 0.0.0.0 255.255.255.255 fec0:0:0:ffff::1 localhost 224.0.0.1 ,;")
                .is_empty()
        );
    }
}

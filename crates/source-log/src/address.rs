//! Addresses as logs write them: nearly always of IPv4, and read many times a message.

use std::net::{IpAddr, Ipv4Addr};

/// `text` as an address, without the zone behind a `%`; one of IPv4 that is written as one of IPv6 is the former.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    match v4(text.as_bytes()) {
        Some(address) => Some(IpAddr::V4(address)),
        None => (without_zone(text).parse::<IpAddr>().ok()).map(|address| address.to_canonical()),
    }
}

fn without_zone(text: &str) -> &str {
    text.split_once('%')
        .map_or(text, |(address, _zone)| address)
}

/// Four numbers between dots, none of which begins with a zero it does not need. What else may be an address is for the
/// library to say.
fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut rest = text;
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let mut number = 0_u16;
        let mut length = 0;
        while let Some((digit @ b'0'..=b'9', after)) = rest.split_first() {
            if length == 3 || (length > 0 && number == 0) {
                return None;
            }
            number = number * 10 + u16::from(digit - b'0');
            length += 1;
            rest = after;
        }
        *octet = u8::try_from(number).ok().filter(|_| length > 0)?;
    }
    rest.is_empty().then(|| Ipv4Addr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_the_library_reads(text: &str) -> Option<IpAddr> {
        let text = without_zone(text);
        text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    }

    #[test]
    fn what_is_nearly_an_address_is_none() {
        for text in [
            "10.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.04",
            "1..2.3",
            "",
            ".",
            "1.2.3.4 ",
            "1.2.3.-4",
            "0001.2.3.4",
            "fd00::1",
            "fe80::1%eth0",
            "10.0.0.1%eth0",
            "::ffff:10.0.0.1",
            "unknown",
            "999.9.9.9",
        ] {
            assert_eq!(parse(text), as_the_library_reads(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_address_is_what_the_library_says(text in "[0-9.%]{0,16}") {
            proptest::prop_assert_eq!(parse(&text), as_the_library_reads(&text));
        }

        #[test]
        fn every_address_is_read(bytes in proptest::prelude::any::<[u8; 4]>()) {
            let address = Ipv4Addr::from(bytes);
            proptest::prop_assert_eq!(parse(&address.to_string()), Some(IpAddr::V4(address)));
        }
    }
}

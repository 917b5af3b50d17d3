//! The few words every platform writes its own way.

use std::net::IpAddr;

use groma_model::Peer;

use crate::json::rounded;

/// A MAC address in lower case with colons, from any usual writing (`00-50-56-AB-CD-EF`, `0050.56ab.cdef`, `005056ABCDEF`).
/// `None` for anything else, and for the address that means none (all zeros).
pub fn mac_address(text: &str) -> Option<String> {
    let digits = plain(text, &[':', '-', '.'])?;
    let known = digits.len() == 12 && digits.bytes().any(|digit| digit != b'0');
    known.then(|| groups(&digits, &[2, 2, 2, 2, 2, 2], ":"))
}

/// A UUID in lower case with dashes, from any usual writing, braces and VMware's `VMware-42 0e …` among them. `None` for
/// anything else, and for the two that mean none (all zeros, all `f`).
pub fn uuid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("VMware-").unwrap_or(text);
    let digits = plain(text, &['-', ' ', '{', '}'])?;
    let means_none =
        digits.bytes().all(|digit| digit == b'0') || digits.bytes().all(|digit| digit == b'f');
    (digits.len() == 32 && !means_none).then(|| groups(&digits, &[8, 4, 4, 4, 12], "-"))
}

/// The UUID that hardware or firmware tells of itself, as [`uuid`]; `None` also for one that many machines have.
pub fn own_uuid(text: &str) -> Option<String> {
    uuid(text).filter(|uuid| !groma_model::smbios::is_placeholder(uuid))
}

/// An address, with or without the length of its network, that others can reach: not of its link, its host or a group alone.
pub fn reachable(text: &str) -> Option<IpAddr> {
    let bare = text.split('/').next().unwrap_or_default();
    reaches_beyond_its_link(bare.trim().parse().ok()?)
}

/// The address, if others can reach it, as [`reachable`]. One of IPv4 that is written within IPv6 (`::ffff:10.0.0.5`) is that
/// of IPv4.
pub fn reaches_beyond_its_link(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let of_the_link = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    let useful = !of_the_link
        && !address.is_loopback()
        && !address.is_unspecified()
        && !address.is_multicast();
    useful.then_some(address)
}

/// An address that others can reach, and that will be the same tomorrow: [`reachable`] and [`steady`].
pub fn lasting(text: &str, mac: Option<&str>) -> Option<IpAddr> {
    reachable(text).filter(|_| steady(text, mac))
}

/// True for an address, with or without the length of its network, that will be the same tomorrow. IPv4 is; of IPv6 what
/// DHCP handed out (a network of one: `/128`), what is made of the card's own MAC address (EUI-64, RFC 4291), and what a
/// person or a small range counts up (`2001:db8::53`: the host's own half begins with 32 zeros). Everything else may be
/// temporary (RFC 8981), and another one each day.
pub fn steady(text: &str, mac: Option<&str>) -> bool {
    let (bare, length) = text.split_once('/').unwrap_or((text, ""));
    let address = bare.trim().parse().map(|one: IpAddr| one.to_canonical());
    match address {
        Ok(IpAddr::V4(_)) => true,
        Ok(IpAddr::V6(address)) => {
            let own = address.to_bits() & u128::from(u64::MAX);
            let of_card = mac.and_then(eui_64).map(u128::from) == Some(own);
            length.trim() == "128" || of_card || own >> 32 == 0
        }
        Err(_) => false,
    }
}

/// The clock a model is sold with: 2100 for `Xeon(R) CPU E5-2620 v4 @ 2.10GHz`. `None` where its name does not say.
pub(crate) fn sold_mhz(model: &str) -> Option<u32> {
    let (_, clock) = model.rsplit_once('@')?;
    let gigahertz: f64 = clock.trim().strip_suffix("GHz")?.trim().parse().ok()?;
    u32::try_from(rounded(gigahertz * 1000.0)?).ok()
}

/// The first host of `10.0.0.1:6789 10.0.0.2`, `[fd00::1]:3260`, `nas.corp.example`.
pub(crate) fn first_peer(text: &str) -> Option<Peer> {
    let first = text.split([' ', ',', ';']).find(|part| !part.is_empty())?;
    let without_port = match first.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|b| b.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => first,
    };
    Peer::parse(without_port)
}

/// What a card without a plan of its own takes for its half of an address.
fn eui_64(mac: &str) -> Option<u64> {
    let digits = plain(&mac_address(mac)?, &[':'])?;
    let (maker, card) = digits.split_at_checked(6)?;
    let whole = u64::from_str_radix(&format!("{maker}fffe{card}"), 16).ok()?;
    Some(whole ^ (2 << 56))
}

/// The hex digits of a text that holds nothing else but `between`, in lower case.
fn plain(text: &str, between: &[char]) -> Option<String> {
    let digits = text
        .trim()
        .chars()
        .filter(|letter| !between.contains(letter));
    let digits: String = digits.take(64).collect();
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| digits.to_ascii_lowercase())
}

fn groups(digits: &str, sizes: &[usize], between: &str) -> String {
    let mut rest = digits;
    let mut parts = Vec::new();
    for size in sizes {
        let (part, after) = rest.split_at_checked(*size).unwrap_or((rest, ""));
        parts.push(part);
        rest = after;
    }
    parts.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mac_address_has_one_writing() {
        for text in [
            "00:50:56:AB:cd:ef",
            "00-50-56-ab-cd-ef",
            "0050.56ab.cdef",
            " 005056ABCDEF ",
        ] {
            assert_eq!(
                mac_address(text).as_deref(),
                Some("00:50:56:ab:cd:ef"),
                "{text}"
            );
        }
        for text in [
            "",
            "00:00:00:00:00:00",
            "00:50:56:ab:cd",
            "00:50:56:ab:cd:ef:00",
            "zz:50:56:ab:cd:ef",
        ] {
            assert_eq!(mac_address(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_that_is_another_tomorrow_is_not_steady() {
        let mac = Some("52:54:00:AA:00:01");
        for (text, mac) in [
            ("10.77.0.12", None),
            ("10.77.0.12/24", mac),
            ("::ffff:10.77.0.12/96", mac),
            ("2001:db8::5054:ff:feaa:1", mac),
            ("2001:db8::5054:ff:feaa:1/64", mac),
            ("2001:db8::4f1c:93de:1:2/128", None),
            ("2001:db8:0:7::53/64", None),
            ("fd00::1:53", None),
        ] {
            assert!(steady(text, mac), "{text}");
        }
        for (text, mac) in [
            ("2001:db8::4f1c:93de:1:2", mac),
            ("2001:db8::4f1c:93de:1:2/64", mac),
            // Of another card, or of one nobody knows.
            ("2001:db8::5054:ff:feaa:2/64", mac),
            ("2001:db8::5054:ff:feaa:1/64", None),
            ("2001:db8::5054:ff:feaa:1/64", Some("no card")),
            ("", None),
            ("nonsense/128", None),
        ] {
            assert!(!steady(text, mac), "{text}");
        }
    }

    #[test]
    fn an_address_that_others_reach_has_one_writing() {
        for (text, told) in [
            ("10.77.0.12/24", "10.77.0.12"),
            ("::ffff:10.77.0.12", "10.77.0.12"),
            ("2001:db8::53", "2001:db8::53"),
        ] {
            let told: IpAddr = told.parse().unwrap();
            assert_eq!(
                (reachable(text), lasting(text, None)),
                (Some(told), Some(told))
            );
        }
        for text in [
            "127.0.0.1",
            "::ffff:127.0.0.1",
            "169.254.3.4/16",
            "::ffff:169.254.3.4",
            "fe80::1/64",
            "::1",
            "0.0.0.0",
            "224.0.0.251",
            "ff02::1",
            "dhcp",
            "",
        ] {
            assert_eq!(
                (reachable(text), lasting(text, None)),
                (None, None),
                "{text}"
            );
        }
        let another_tomorrow = "2001:db8::4f1c:93de:1:2/64";
        assert!(reachable(another_tomorrow).is_some());
        assert_eq!(lasting(another_tomorrow, None), None);
    }

    #[test]
    fn one_uuid_has_one_writing() {
        for text in [
            "420EABCD-1234-5678-9ABC-DEF012345678",
            "{420eabcd-1234-5678-9abc-def012345678}",
            "420eabcd123456789abcdef012345678",
            "VMware-42 0e ab cd 12 34 56 78-9a bc de f0 12 34 56 78",
        ] {
            let read = uuid(text);
            assert_eq!(
                read.as_deref(),
                Some("420eabcd-1234-5678-9abc-def012345678"),
                "{text}"
            );
        }
        for text in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "420eabcd-1234-5678-9abc-def01234567",
            "not-a-uuid",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }

    #[test]
    fn a_uuid_of_every_board_is_nobodys_own() {
        for text in [
            "03000200-0400-0500-0006-000700080009",
            "11111111-1111-1111-1111-111111111111",
        ] {
            assert_eq!(own_uuid(text), None, "{text}");
            assert!(uuid(text).is_some(), "a platform may call a thing that");
        }
        let own = "420eabcd-1234-5678-9abc-def012345678";
        assert_eq!(own_uuid(own).as_deref(), Some(own));
    }
}

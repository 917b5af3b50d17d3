//! What may stand between the header of an IPv6 packet and what it carries (RFC 8200 §4): one reader for whoever meets such packets.

/// Bytes of the header itself.
pub const HEAD_BYTES: usize = 40;
/// Headers of one packet that are passed over: nobody who means well sends more.
pub const EXTENSIONS_MAX: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
/// Numbers of headers behind which the packet goes on, as a filter in the kernel asks for them.
pub const EXTENSIONS: [u8; 5] = [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION];

/// What a packet carries, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behind {
    /// Its protocol.
    pub protocol: u8,
    /// Where it begins in the packet.
    pub at: usize,
    /// True if a fragment header stands before it, be the packet cut or not. Neighbours and routers that speak so are not
    /// believed (RFC 6980).
    pub is_fragment: bool,
}

/// Passes over the extension headers of `packet`, which begins with the header of IPv6. Nothing for a later fragment: it has no
/// header of what it carries; nothing for more headers than [`EXTENSIONS_MAX`], or for one that was cut.
pub fn behind_extensions(packet: &[u8]) -> Option<Behind> {
    let mut behind = Behind {
        protocol: *packet.get(6)?,
        at: HEAD_BYTES,
        is_fragment: false,
    };
    for _ in 0..=EXTENSIONS_MAX {
        let [next, size, place @ ..] = match packet.get(behind.at..) {
            _ if !EXTENSIONS.contains(&behind.protocol) => return Some(behind),
            Some([next, size, a, b, ..]) => [*next, *size, *a, *b],
            _ => return None,
        };
        let size = usize::from(size);
        behind.at += match behind.protocol {
            FRAGMENT if u16::from_be_bytes(place) >> 3 != 0 => return None,
            FRAGMENT => 8,
            // It is on its way to somebody else: whom it is for stands at the end of the header.
            ROUTING if place[1] != 0 => return None,
            // Counted in words of four bytes, two of them not (RFC 4302 §2.2).
            AUTHENTICATION => (size + 2) * 4,
            _ => (size + 1) * 8,
        };
        behind.is_fragment |= behind.protocol == FRAGMENT;
        behind.protocol = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: u8 = 6;

    /// A packet with these headers (number, then its bytes from the second on), and TCP behind them.
    fn packet(headers: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = vec![0; HEAD_BYTES];
        let mut named = 6;
        for (number, rest) in headers {
            out[named] = *number;
            named = out.len();
            out.push(0);
            out.extend_from_slice(rest);
        }
        out[named] = TCP;
        out.extend([7; 20]);
        out
    }

    fn read(headers: &[(u8, &[u8])]) -> Option<(u8, usize, bool)> {
        let behind = behind_extensions(&packet(headers))?;
        Some((behind.protocol, behind.at, behind.is_fragment))
    }

    #[test]
    fn headers_in_between_are_passed_over() {
        let short: &[u8] = &[0; 7];
        let long: &[u8] = &[
            2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(read(&[]), Some((TCP, 40, false)));
        for number in [HOP_BY_HOP, ROUTING, DESTINATION] {
            assert_eq!(read(&[(number, short)]), Some((TCP, 48, false)));
            assert_eq!(read(&[(number, long)]), Some((TCP, 64, false)));
        }
        let authentication: &[u8] = &[4; 23];
        assert_eq!(
            read(&[(HOP_BY_HOP, short), (AUTHENTICATION, authentication)]),
            Some((TCP, 72, false))
        );
    }

    /// A packet that is on its way to a station in between was told of that station.
    #[test]
    fn a_packet_with_a_way_still_to_go_is_nobodys() {
        assert_eq!(read(&[(ROUTING, &[0, 4, 1, 0, 0, 0, 0])]), None);
        let arrived = read(&[(ROUTING, &[0, 4, 0, 0, 0, 0, 0])]);
        assert_eq!(arrived, Some((TCP, 48, false)));
    }

    #[test]
    fn of_fragments_only_the_first_one_is_read() {
        let first: &[u8] = &[0, 0, 1, 0, 0, 0, 9];
        let whole: &[u8] = &[0, 0, 0, 0, 0, 0, 9];
        let later: &[u8] = &[0, 0, 9, 0, 0, 0, 9];
        assert_eq!(read(&[(FRAGMENT, first)]), Some((TCP, 48, true)));
        assert_eq!(read(&[(FRAGMENT, whole)]), Some((TCP, 48, true)));
        assert_eq!(read(&[(FRAGMENT, later)]), None);
        assert_eq!(
            read(&[(DESTINATION, &[0; 7]), (FRAGMENT, first)]),
            Some((TCP, 56, true))
        );
    }

    #[test]
    fn nobody_leads_the_reader_on_for_ever_or_out_of_the_packet() {
        let one: (u8, &[u8]) = (DESTINATION, &[0; 7]);
        assert!(read(&[one; EXTENSIONS_MAX]).is_some());
        assert_eq!(read(&[one; EXTENSIONS_MAX + 1]), None);
        let mut cut = packet(&[one]);
        cut.truncate(43);
        assert_eq!(behind_extensions(&cut), None);
        assert_eq!(behind_extensions(&[]), None);
        // A length that leads out of the packet ends at a place that is not there: whoever reads on finds nothing.
        let far = behind_extensions(&packet(&[(DESTINATION, &[255, 0, 0, 0, 0, 0, 0])]));
        assert!(far.is_none_or(|behind| behind.at > 62));
    }
}

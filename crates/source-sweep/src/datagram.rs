//! Questions in datagrams that a service answers, in its own protocol, and changes nothing for.
//!
//! Each answer is held against its question: a number of ours comes back in it, or it says what only that protocol says.
//! Where groma is not told a community of SNMP it asks nobody for one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use crate::call::Scopes;

/// Longest answer that is read; all of these fit.
const ANSWER_BYTES: usize = 2_048;

/// A protocol that is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// Name servers: who answers for the root, without asking others (RFC 1035).
    Dns,
    /// NetBIOS name service: node status (RFC 1002 §4.2.17).
    NetBios,
    /// Time: a client's request (RFC 5905).
    Ntp,
    /// Network management, version 2c, community `public`: the object id of the system (RFC 3416). Only if asked for.
    SnmpPublic,
    /// Simple service discovery: root devices.
    Ssdp,
    /// Web services dynamic discovery: a probe for anything.
    Wsd,
    /// Multicast DNS, asked directly (RFC 6762 §5.5): which services.
    Mdns,
}

impl Protocol {
    /// All that need nothing configured.
    pub const USUAL: [Self; 6] = [
        Self::Dns,
        Self::Ntp,
        Self::NetBios,
        Self::Mdns,
        Self::Ssdp,
        Self::Wsd,
    ];

    /// Its port.
    pub fn port(self) -> u16 {
        match self {
            Self::Dns => 53,
            Self::Ntp => 123,
            Self::NetBios => 137,
            Self::SnmpPublic => 161,
            Self::Ssdp => 1900,
            Self::Wsd => 3702,
            Self::Mdns => 5353,
        }
    }

    /// The protocol at a port.
    pub fn at(port: u16) -> Option<Self> {
        let all = Self::USUAL.into_iter().chain([Self::SnmpPublic]);
        all.into_iter().find(|protocol| protocol.port() == port)
    }

    /// Its name, as a dependency kind where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ntp => "ntp",
            Self::NetBios => "netbios",
            Self::SnmpPublic => "snmp",
            Self::Ssdp => "ssdp",
            Self::Wsd => "wsd",
            Self::Mdns => "mdns",
        }
    }

    /// The question, marked with `number`.
    pub fn question(self, number: u32) -> Vec<u8> {
        let [_, _, high, low] = number.to_be_bytes();
        let named = |flags: [u8; 2], name: &[u8], kind: u8| {
            let head = [high, low, flags[0], flags[1], 0, 1, 0, 0, 0, 0, 0, 0];
            [&head[..], name, &[0, kind, 0, 1]].concat()
        };
        match self {
            // Recursion is not desired: nobody else is asked because of us.
            Self::Dns => named([0, 0], &[0], 2),
            Self::Mdns => named(
                [0, 0],
                b"\x09_services\x07_dns-sd\x04_udp\x05local\x00",
                12,
            ),
            Self::NetBios => named([0, 0], b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00", 0x21),
            Self::Ntp => {
                // Version 4, client; the moment it was sent is our number.
                [&[0x23][..], &[0; 43], &number.to_be_bytes()].concat()
            }
            Self::SnmpPublic => {
                let mut request = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04".to_vec();
                request.extend((number & 0x7fff_ffff).to_be_bytes());
                // No error; the object 1.3.6.1.2.1.1.2.0, without a value.
                request.extend(b"\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00");
                request
            }
            Self::Ssdp => b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n".to_vec(),
            Self::Wsd => format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
                 xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
                 xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><s:Header>\
                 <a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>\
                 <a:MessageID>urn:uuid:00000000-0000-4000-8000-0000{number:08x}</a:MessageID>\
                 <a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body><d:Probe/></s:Body></s:Envelope>"
            )
            .into_bytes(),
        }
    }

    /// True if `answer` is one to the question marked with `number`.
    pub fn is_answer(self, answer: &[u8], number: u32) -> bool {
        let number_be = number.to_be_bytes();
        let named = || {
            answer.get(..2) == number_be.get(2..)
                && answer.len() >= 12
                && answer.get(2).is_some_and(|flags| flags & 0x80 != 0)
        };
        let holds = |text: &[u8]| answer.windows(text.len()).any(|part| part == text);
        match self {
            Self::Dns | Self::NetBios | Self::Mdns => named(),
            Self::Ntp => {
                let mode = answer.first().map(|first| first & 0x07);
                answer.len() >= 48 && mode == Some(4) && answer.get(28..32) == Some(&number_be)
            }
            Self::SnmpPublic => {
                let ours = (number & 0x7fff_ffff).to_be_bytes();
                answer.first() == Some(&0x30)
                    && (holds(&[&[0x02, 4][..], &ours].concat())
                        || small(&ours).is_some_and(|short| holds(&short)))
            }
            Self::Ssdp => {
                answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200")
            }
            Self::Wsd => holds(b"ProbeMatches"),
        }
    }
}

/// A number as BER writes it where it needs fewer bytes than four (X.690 §8.3.2).
fn small(number: &[u8; 4]) -> Option<Vec<u8>> {
    let mut short = &number[..];
    while let [0, next, ..] = short
        && *next < 0x80
    {
        short = short.get(1..)?;
    }
    let length = u8::try_from(short.len())
        .ok()
        .filter(|length| *length < 4)?;
    Some([&[0x02, length][..], short].concat())
}

/// Sockets of datagrams, one for each family of addresses, deaf to nobody and waiting for nobody.
pub struct Datagrams {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    key: u64,
    scopes: Scopes,
}

impl Datagrams {
    /// Sockets of this machine.
    pub fn open(key: u64, scopes: Scopes) -> Self {
        let open = |at: IpAddr| {
            let socket = UdpSocket::bind((at, 0)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some(socket)
        };
        Self {
            v4: open(Ipv4Addr::UNSPECIFIED.into()),
            v6: open(Ipv6Addr::UNSPECIFIED.into()),
            key,
            scopes,
        }
    }

    fn number(&self, to: IpAddr, protocol: Protocol) -> u32 {
        let folded = match to {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => v6
                .segments()
                .iter()
                .fold(0, |sum: u64, part| sum.rotate_left(13) ^ u64::from(*part)),
        };
        let mixed = (folded << 16 | u64::from(protocol.port())) ^ self.key;
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u32::try_from(mixed >> 32).unwrap_or(1) | 1
    }

    /// Asks.
    ///
    /// # Errors
    /// This machine has no such socket, or no way there.
    pub fn ask(&self, to: IpAddr, protocol: Protocol) -> io::Result<()> {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        let socket = socket.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let question = protocol.question(self.number(to, protocol));
        match socket.send_to(&question, self.scopes.door(to, protocol.port())) {
            // What an earlier datagram met is told here.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            sent => sent.map(|_| ()),
        }
    }

    /// What came.
    pub fn hear(&self, each: &mut dyn FnMut(IpAddr, Protocol)) {
        let mut answer = [0; ANSWER_BYTES];
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            for _ in 0..64 {
                let Ok((length, from)) = socket.recv_from(&mut answer) else {
                    break;
                };
                let address = from.ip().to_canonical();
                let Some(protocol) = Protocol::at(from.port()) else {
                    continue;
                };
                let bytes = answer.get(..length).unwrap_or_default();
                if protocol.is_answer(bytes, self.number(address, protocol)) {
                    each(address, protocol);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_no_answer_and_no_other_number_is_believed() {
        for protocol in Protocol::USUAL.into_iter().chain([Protocol::SnmpPublic]) {
            let question = protocol.question(0x1234_5679);
            if protocol != Protocol::SnmpPublic {
                assert!(!protocol.is_answer(&question, 0x1234_5679), "{protocol:?}");
            }
            assert!(question.len() < 1_200);
            assert_eq!(Protocol::at(protocol.port()), Some(protocol));
        }
    }

    #[test]
    fn answers_to_the_published_formats_are_believed() {
        let mut name = Protocol::Dns.question(0x0000_beef);
        name[2] |= 0x80;
        assert!(Protocol::Dns.is_answer(&name, 0xbeef));
        assert!(!Protocol::Dns.is_answer(&name, 0xbeee));
        let mut time = vec![0; 48];
        time[0] = 0x24;
        time[28..32].copy_from_slice(&7_u32.to_be_bytes());
        assert!(Protocol::Ntp.is_answer(&time, 7) && !Protocol::Ntp.is_answer(&time, 8));
        assert!(Protocol::Ssdp.is_answer(b"HTTP/1.1 200 OK\r\n", 1));
        let mut managed = Protocol::SnmpPublic.question(0x1234_5679);
        managed[13] = 0xa2;
        assert!(Protocol::SnmpPublic.is_answer(&managed, 0x1234_5679));
        let short = b"\x30\x10\x02\x01\x01\x04\x06public\xa2\x03\x02\x01\x07";
        assert!(Protocol::SnmpPublic.is_answer(short, 7));
    }

    #[test]
    fn any_bytes_are_read_without_harm() {
        let seeds: Vec<Vec<u8>> = Protocol::USUAL.iter().map(|p| p.question(9)).collect();
        let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(10_000, &seeds, |bytes| {
            for protocol in Protocol::USUAL.into_iter().chain([Protocol::SnmpPublic]) {
                let _ = protocol.is_answer(bytes, 9);
            }
        });
    }
}

//! Names of NetBIOS (RFC 1001, RFC 1002): who has which, and who looks for whom by one. Such a name is found by asking everybody on
//! the link, or a server that a setting names (WINS): neither follows a machine to another network, and no name server knows of it.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::name::HostName;

use super::dns::{Header, Record, name};

/// Operations: a question; registering, and doing so again in both numbers it has (RFC 1002 §4.2.1.1, §4.2.4), of a machine with several
/// addresses too.
const ASKS: u8 = 0;
const REGISTERS: [u8; 4] = [5, 8, 9, 15];
/// Sorts of records: where a name is, and everything a machine says of itself.
const NAME: u16 = 32;
const STATUS: u16 = 33;
/// What a name is of, in its last byte: a machine, and its file server.
const MACHINE: u8 = 0;
const FILE_SERVER: u8 = 0x20;
/// A name of many.
const GROUP: u8 = 0x80;
/// Names every Windows machine looks for by itself: nobody set anything up.
const ITS_OWN_WISH: [&str; 2] = ["wpad", "isatap"];
/// Addresses of one answer.
const ADDRESSES_MAX: usize = 16;

/// A message about names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NetBios {
    /// Somebody looks for who has a name.
    Asks {
        /// The number of the question.
        number: u16,
        /// The machine it looks for; none for a group or a domain.
        name: Option<HostName>,
        /// True if it looks for that machine's files.
        for_files: bool,
        /// True if it asks everybody, and no server.
        everybody: bool,
    },
    /// Somebody takes a name.
    Registers {
        /// The number of the wish.
        number: u16,
        /// True if it tells everybody, and no server.
        everybody: bool,
    },
    /// The question, or the wish, with this number was granted.
    Grants {
        /// Its number.
        number: u16,
        /// Where the name is.
        addresses: Vec<IpAddr>,
    },
    /// It was refused: nobody has that name, or somebody else does.
    Refuses {
        /// Its number.
        number: u16,
    },
}

/// Reads a message about names; nothing for a question for a status, which every scanner asks.
pub fn netbios(message: &[u8]) -> Option<NetBios> {
    let header = Header::read(message)?;
    let number = header.number;
    let is_wish = REGISTERS.contains(&header.operation);
    match header.answers {
        false if header.operation == ASKS && header.questions == 1 => {
            let (encoded, at) = name(message, 12)?;
            let kind: [u8; 2] = message.get(at..at + 2)?.try_into().ok()?;
            let bytes = bytes_of(&encoded).filter(|_| u16::from_be_bytes(kind) == NAME)?;
            let wanted = machine(&bytes).filter(|name| !ITS_OWN_WISH.contains(&name.as_str()));
            Some(NetBios::Asks {
                number,
                name: wanted,
                for_files: bytes[15] == FILE_SERVER,
                everybody: header.to_all,
            })
        }
        false if is_wish => Some(NetBios::Registers {
            number,
            everybody: header.to_all,
        }),
        true if (header.operation == ASKS || is_wish) && header.questions == 0 => {
            if header.refusal != 0 {
                return Some(NetBios::Refuses { number });
            }
            let (record, _) = Record::read(message, 12)?;
            (record.kind == NAME).then(|| NetBios::Grants {
                number,
                addresses: addresses(record.content),
            })
        }
        _ => None,
    }
}

/// Where a name is: two bytes of flags before each address (RFC 1002 §4.2.13).
fn addresses(content: &[u8]) -> Vec<IpAddr> {
    let entries = content.as_chunks::<6>().0.iter().take(ADDRESSES_MAX);
    let each = entries.map(|[_, _, a, b, c, d]| IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)));
    each.collect()
}

/// Names that a machine holds or takes in NetBIOS, from its registration or its answer to a question for its status.
pub fn netbios_names(message: &[u8]) -> Vec<HostName> {
    let read = || {
        let header = Header::read(message)?;
        match (header.operation, header.answers) {
            // The name is what is asked for.
            (wish, false) if REGISTERS.contains(&wish) => {
                let (encoded, at) = name(message, 12)?;
                // The record behind the question says whether it is a group's (RFC 1002 §4.2.2).
                let (record, _) = Record::read(message, at + 4)?;
                if record.content.first()? & GROUP != 0 {
                    return None;
                }
                Some(machine(&bytes_of(&encoded)?).into_iter().collect())
            }
            // Status: a list of names (RFC 1002 §4.2.18).
            (ASKS, true) if header.questions == 0 => {
                let (record, _) = Record::read(message, 12)?;
                if record.kind != STATUS {
                    return None;
                }
                Some(status_names(record.content))
            }
            _ => None,
        }
    };
    read().unwrap_or_default()
}

/// The unique names of machines in a status.
fn status_names(content: &[u8]) -> Vec<HostName> {
    let Some((_, list)) = content.split_first() else {
        return Vec::new();
    };
    let entries = list.as_chunks::<18>().0.iter().take(32);
    let own = entries
        .filter(|entry| matches!(entry[15], MACHINE | FILE_SERVER) && entry[16] & GROUP == 0);
    let mut names: Vec<HostName> = own
        .filter_map(|entry| trimmed(entry.first_chunk()?))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The first level of the encoding (RFC 1001 §14.1): two letters for each byte.
fn bytes_of(encoded: &str) -> Option<[u8; 16]> {
    let letters: &[u8; 32] = encoded.split('.').next()?.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(letters.as_chunks::<2>().0) {
        let nibble = |letter: u8| {
            letter
                .to_ascii_uppercase()
                .checked_sub(b'A')
                .filter(|n| *n < 16)
        };
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

/// The name of a machine, where it is one: its own, or its file server's.
fn machine(bytes: &[u8; 16]) -> Option<HostName> {
    matches!(bytes[15], MACHINE | FILE_SERVER).then_some(())?;
    trimmed(bytes.first_chunk()?)
}

fn trimmed(name: &[u8; 15]) -> Option<HostName> {
    let text = std::str::from_utf8(name)
        .ok()?
        .trim_end_matches([' ', '\0']);
    HostName::parse(text).filter(|name| !name.is_qualified() && !name.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(name: &str, of: u8) -> Vec<u8> {
        let mut bytes = format!("{name:<15}").into_bytes();
        bytes.push(of);
        let letters = bytes
            .iter()
            .flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]);
        [32].into_iter().chain(letters).chain([0]).collect()
    }

    fn asked(name: &str, of: u8, flags: u16, kind: u16) -> Vec<u8> {
        let mut out = vec![0x12, 0x34];
        out.extend(flags.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 0, 0, 0]);
        out.extend(encoded(name, of));
        out.extend([kind.to_be_bytes(), [0, 1]].concat());
        out
    }

    fn answered(flags: u16, content: &[u8]) -> Vec<u8> {
        let mut out = vec![0x12, 0x34];
        out.extend(flags.to_be_bytes());
        out.extend([0, 0, 0, 1, 0, 0, 0, 0]);
        out.extend(encoded("SRV1", FILE_SERVER));
        out.extend([0, 32, 0, 1, 0, 0, 1, 0]);
        out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        out.extend_from_slice(content);
        out
    }

    #[test]
    fn whoever_looks_for_a_machine_by_its_name_is_heard() {
        let wanted = |name: Option<&str>, for_files, everybody| {
            Some(NetBios::Asks {
                number: 0x1234,
                name: name.and_then(HostName::parse),
                for_files,
                everybody,
            })
        };
        assert_eq!(
            netbios(&asked("SRV1", FILE_SERVER, 0x0110, NAME)),
            wanted(Some("srv1"), true, true)
        );
        assert_eq!(
            netbios(&asked("SRV1", MACHINE, 0x0100, NAME)),
            wanted(Some("srv1"), false, false)
        );
        // A domain's controllers, and what Windows looks for by itself.
        assert_eq!(
            netbios(&asked("CORP", 0x1c, 0x0110, NAME)),
            wanted(None, false, true)
        );
        assert_eq!(
            netbios(&asked("WPAD", MACHINE, 0x0110, NAME)),
            wanted(None, false, true)
        );
        assert_eq!(netbios(&asked("*", MACHINE, 0, STATUS)), None, "a scanner");
    }

    #[test]
    fn answers_are_told_from_refusals() {
        let number = 0x1234;
        let at = [0x60, 0, 10, 0, 0, 5, 0x60, 0, 10, 0, 0, 6];
        let addresses = [[10, 0, 0, 5], [10, 0, 0, 6]].map(IpAddr::from).to_vec();
        assert_eq!(
            netbios(&answered(0x8580, &at)),
            Some(NetBios::Grants { number, addresses })
        );
        assert_eq!(
            netbios(&answered(0x8583, &[])),
            Some(NetBios::Refuses { number })
        );
        assert_eq!(netbios(&[0; 11]), None);
    }
}

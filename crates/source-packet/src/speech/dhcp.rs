//! DHCP (RFC 2131, RFC 2132): who got which address from whom, and what it says it is.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::name::HostName;

use crate::text::plain;

/// Options of one message.
const OPTIONS_MAX: usize = 64;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const REQUEST: u8 = 3;
const ACKNOWLEDGED: u8 = 5;
const INFORM: u8 = 8;

/// One message of a client or a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// True if the server says that the address is the client's now.
    pub given: bool,
    /// The client's address, where it has one.
    pub address: Option<IpAddr>,
    /// Who gives it.
    pub server: Option<IpAddr>,
    /// What the client calls itself (option 12).
    pub name: Option<HostName>,
    /// What the client says it is (option 60).
    pub says_it_is: Option<String>,
}

/// Reads a message from or to a client; nothing for those that settle nothing.
pub fn lease(message: &[u8]) -> Option<Lease> {
    if message.get(1..3)? != [1, 6] || message.get(236..240)? != MAGIC {
        return None;
    }
    let address = |bytes: &[u8]| {
        let bytes: [u8; 4] = bytes.try_into().ok()?;
        let address = Ipv4Addr::from(bytes);
        (!address.is_unspecified()).then_some(IpAddr::V4(address))
    };
    let (has, gets) = (address(message.get(12..16)?), address(message.get(16..20)?));
    let mut lease = Lease {
        mac: message.get(28..34)?.try_into().ok()?,
        given: false,
        address: None,
        server: None,
        name: None,
        says_it_is: None,
    };
    let mut kind = 0;
    let mut rest = message.get(240..)?;
    for _ in 0..OPTIONS_MAX {
        let (code, value) = match rest {
            [0, more @ ..] => {
                rest = more;
                continue;
            }
            [255, ..] | [] | [_] => break,
            [code, length, more @ ..] => {
                let Some((value, more)) = more.split_at_checked(usize::from(*length)) else {
                    break;
                };
                rest = more;
                (*code, value)
            }
        };
        match code {
            53 => kind = value.first().copied().unwrap_or_default(),
            54 => lease.server = address(value),
            12 => lease.name = plain(value).and_then(HostName::parse),
            60 => lease.says_it_is = plain(value).filter(|t| t.len() <= 80).map(str::to_owned),
            _ => {}
        }
    }
    match kind {
        ACKNOWLEDGED => {
            lease.given = gets.is_some();
            lease.address = gets.or(has);
        }
        REQUEST => {}
        INFORM => lease.address = has,
        _ => return None,
    }
    Some(lease)
}

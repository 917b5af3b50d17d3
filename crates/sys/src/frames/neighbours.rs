//! Whom the kernel has met on its links: its table of neighbours (`rtnetlink(7)`, `RTM_GETNEIGH`). Nobody is asked for it.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use groma_source::frames::Neighbour;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const MESSAGE_HEAD: usize = 16;
/// `struct ndmsg`.
const NEIGHBOUR_HEAD: usize = 12;
const AF_INET6: u8 = 10;
/// `NLMSG_ERROR`, `NLMSG_DONE`, `RTM_NEWNEIGH`, `RTM_GETNEIGH`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW: u16 = 28;
const GET: u16 = 30;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
/// `NDA_DST`.
const DESTINATION: u16 = 1;
/// States in which an entry names a machine that was met: reachable, stale, delay, probe, permanent.
const MET: u16 = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;
/// The kernel answers a dump while it is asked; it never lets wait longer.
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_BYTES: usize = 32 << 10;
/// More machines than one link ever has.
const NEIGHBOURS_MAX: usize = 65_536;

pub(super) fn all() -> io::Result<Vec<Neighbour>> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None, // `NETLINK_ROUTE` is 0
    )?;
    let kernel = SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(&socket, &request(), SendFlags::empty(), &kernel)?;
    let mut found = Vec::new();
    let mut buffer = vec![0; ANSWER_BYTES];
    loop {
        let length = receive(&socket, &mut buffer)?;
        let more = read(buffer.get(..length).unwrap_or_default(), &mut found)?;
        if !more || found.len() > NEIGHBOURS_MAX {
            return Ok(found);
        }
    }
}

fn receive(socket: &OwnedFd, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let wait = Timespec::try_from(PATIENCE).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut waiting = [PollFd::new(socket, PollFlags::IN)];
    match rustix::event::poll(&mut waiting, Some(&wait))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(rustix::net::recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?.0),
    }
}

fn request() -> Vec<u8> {
    let length = (MESSAGE_HEAD + NEIGHBOUR_HEAD) as u32;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(GET.to_ne_bytes());
    bytes.extend(DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.push(AF_INET6);
    bytes.resize(MESSAGE_HEAD + NEIGHBOUR_HEAD, 0);
    bytes
}

/// Reads the messages of one answer; false once the dump is over.
fn read(mut bytes: &[u8], found: &mut Vec<Neighbour>) -> io::Result<bool> {
    while let Some(length) = long(bytes, 0).and_then(|n| usize::try_from(n).ok()) {
        let message = bytes
            .get(..length)
            .filter(|message| message.len() >= MESSAGE_HEAD);
        let Some(message) = message else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        match short(message, 4) {
            Some(DONE) => return Ok(false),
            Some(ERROR) => return Err(io::ErrorKind::Unsupported.into()),
            Some(NEW) => found.extend(neighbour(message.get(MESSAGE_HEAD..).unwrap_or_default())),
            _ => {}
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

fn neighbour(body: &[u8]) -> Option<Neighbour> {
    let interface = long(body, 4)?;
    let met = *body.first()? == AF_INET6 && short(body, 8)? & MET != 0;
    met.then_some(())?;
    let mut rest = body.get(NEIGHBOUR_HEAD..)?;
    loop {
        let length = usize::from(short(rest, 0)?);
        let value = rest.get(4..length)?;
        if short(rest, 2)? == DESTINATION {
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?);
            let address = IpAddr::V6(address);
            return Some(Neighbour { address, interface });
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(MESSAGE_HEAD + body.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn entry(state: u16, last: u8) -> Vec<u8> {
        let mut body = vec![AF_INET6, 0, 0, 0, 7, 0, 0, 0];
        body.extend(state.to_ne_bytes());
        body.extend([0, 1]);
        // A hardware address first, as some kernels write it.
        body.extend(10_u16.to_ne_bytes());
        body.extend(2_u16.to_ne_bytes());
        body.extend([2, 0, 0, 0, 0, last, 0, 0]);
        body.extend(20_u16.to_ne_bytes());
        body.extend(DESTINATION.to_ne_bytes());
        body.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        body
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn machines_that_were_met_are_told_and_those_that_failed_are_not() {
        let mut bytes = message(NEW, &entry(0x04, 5));
        bytes.extend(message(NEW, &entry(0x20, 6))); // failed
        bytes.extend(message(NEW, &entry(0x40, 7))); // a group
        bytes.extend(message(DONE, &[0; 4]));
        let mut found = Vec::new();
        assert!(!read(&bytes, &mut found).unwrap());
        let told: Vec<_> = found
            .iter()
            .map(|n| (n.address.to_string(), n.interface))
            .collect();
        assert_eq!(told, [("2001:db8::5".to_owned(), 7)]);
    }

    #[test]
    fn any_bytes_are_read_without_harm_and_this_kernel_answers() {
        let whole = [message(NEW, &entry(0x04, 5)), message(DONE, &[0; 4])].concat();
        for place in 0..whole.len() {
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                *bytes.get_mut(place).unwrap() = byte;
                let _ = read(&bytes, &mut Vec::new());
                let _ = read(bytes.get(..place).unwrap(), &mut Vec::new());
            }
        }
        all().unwrap();
    }
}

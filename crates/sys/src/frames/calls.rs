//! Calls that are made to see whether they are accepted: one `epoll(7)`, one table.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use groma_source::frames::{CallEnd, Calls};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, Rlimit};

/// Calls under way at most: a table of one machine, not of its neighbours'.
const ROOM_MAX: u64 = 8_192;
/// Descriptors the rest of the program needs.
const OTHERS: u64 = 96;
const EVENTS_AT_A_TIME: usize = 512;

pub(super) struct Table {
    epoll: OwnedFd,
    /// By place: the call there, and its token.
    under_way: Vec<Option<(OwnedFd, u64)>>,
    free: Vec<usize>,
    /// Place by token.
    places: HashMap<u64, usize>,
}

impl Table {
    pub(super) fn new() -> io::Result<Self> {
        let room = usize::try_from(descriptors()).unwrap_or(usize::MAX);
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            under_way: (0..room).map(|_| None).collect(),
            free: (0..room).rev().collect(),
            places: HashMap::new(),
        })
    }
}

/// As many descriptors for calls as this process may have, without asking for more rights.
pub(crate) fn descriptors() -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX).min(ROOM_MAX + OTHERS);
    let wanted = Rlimit {
        current: Some(limit.current.unwrap_or(most).max(most)),
        maximum: limit.maximum,
    };
    let have = match rustix::process::setrlimit(Resource::Nofile, wanted) {
        Ok(()) => most,
        Err(_) => limit.current.unwrap_or(most).min(most),
    };
    have.saturating_sub(OTHERS).clamp(1, ROOM_MAX)
}

impl Calls for Table {
    fn room(&self) -> usize {
        self.under_way.len()
    }

    fn call(&mut self, to: SocketAddr, token: u64) -> io::Result<()> {
        let place = *self.free.last().ok_or(io::ErrorKind::WouldBlock)?;
        let family = match to {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        // Ended by a reset: nothing of it stays behind, here or there.
        sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
        match rustix::net::connect(&socket, &to) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let data = epoll::EventData::new_u64(place as u64);
        epoll::add(&self.epoll, &socket, data, epoll::EventFlags::OUT)?;
        self.free.pop();
        self.places.insert(token, place);
        if let Some(slot) = self.under_way.get_mut(place) {
            *slot = Some((socket, token));
        }
        Ok(())
    }

    fn ended(&mut self, wait: Duration, each: &mut dyn FnMut(u64, CallEnd)) -> io::Result<()> {
        let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut events = Vec::with_capacity(EVENTS_AT_A_TIME);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some((socket, token)) = self.under_way.get_mut(place).and_then(Option::take) else {
                continue;
            };
            self.free.push(place);
            self.places.remove(&token);
            each(token, end(&socket));
        }
        Ok(())
    }

    fn give_up(&mut self, token: u64) -> bool {
        let Some(place) = self.places.remove(&token) else {
            return false;
        };
        if let Some(slot) = self.under_way.get_mut(place) {
            *slot = None;
            self.free.push(place);
        }
        true
    }
}

fn end(socket: &OwnedFd) -> CallEnd {
    match sockopt::socket_error(socket) {
        Ok(Ok(())) => CallEnd::Accepted,
        Ok(Err(Errno::CONNREFUSED | Errno::CONNRESET)) => CallEnd::Refused,
        Ok(Err(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::ACCESS)) => CallEnd::Unreachable,
        _ => CallEnd::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_call_is_accepted_refused_or_given_up() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let refused = closed.local_addr().unwrap();
        drop(closed);
        let mut table = Table::new().unwrap();
        let room = table.free.len();
        table.call(open.local_addr().unwrap(), 7).unwrap();
        table.call(refused, 8).unwrap();
        let mut heard = Vec::new();
        for _ in 0..100 {
            table
                .ended(Duration::from_millis(100), &mut |t, end| {
                    heard.push((t, end))
                })
                .unwrap();
            if heard.len() == 2 {
                break;
            }
        }
        heard.sort_by_key(|(token, _)| *token);
        assert_eq!(heard, [(7, CallEnd::Accepted), (8, CallEnd::Refused)]);
        table.call(open.local_addr().unwrap(), 9).unwrap();
        assert!(table.give_up(9) && !table.give_up(9));
        assert_eq!(table.free.len(), room);
    }
}

//! Connections that are made many at a time: one `epoll(7)`, one table, and whoever is connected is handed over.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use groma_source::{Dialled, Dialler};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::frames::descriptors;

const EVENTS_AT_A_TIME: usize = 256;

/// The table. A connection is known by a number that no other has had.
pub(crate) struct Table {
    epoll: OwnedFd,
    timeout: Duration,
    room: usize,
    under_way: HashMap<u64, (OwnedFd, SocketAddr)>,
    /// Until when each is waited for, in the order in which they were begun.
    ends: VecDeque<(Instant, u64)>,
    next: u64,
}

impl Table {
    /// A table in which each connection is waited for so long.
    pub(crate) fn new(timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            timeout,
            room: usize::try_from(descriptors()).unwrap_or(usize::MAX),
            under_way: HashMap::new(),
            ends: VecDeque::new(),
            next: 0,
        })
    }

    /// How long may be waited until somebody's time is over.
    fn patience(&self, wait: Duration) -> Duration {
        let first = self.ends.front();
        first.map_or(wait, |(end, _)| {
            wait.min(end.saturating_duration_since(Instant::now()))
        })
    }

    fn made(&self, socket: OwnedFd) -> io::Result<TcpStream> {
        epoll::delete(&self.epoll, &socket)?;
        sockopt::socket_error(&socket)??;
        let stream = TcpStream::from(socket);
        stream.set_nonblocking(false)?;
        crate::network::with_timeouts(stream, self.timeout)
    }
}

impl Dialler for Table {
    fn room(&self) -> usize {
        self.room
    }

    fn dial(&mut self, to: SocketAddr) -> io::Result<()> {
        let family = match to {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &to) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let number = self.next;
        let data = epoll::EventData::new_u64(number);
        epoll::add(&self.epoll, &socket, data, epoll::EventFlags::OUT)?;
        self.next += 1;
        self.under_way.insert(number, (socket, to));
        self.ends.push_back((Instant::now() + self.timeout, number));
        Ok(())
    }

    fn ended(&mut self, wait: Duration, each: &mut Dialled<'_>) -> io::Result<()> {
        let wait = self.patience(wait);
        let wait = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut events = Vec::with_capacity(EVENTS_AT_A_TIME);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let Some((socket, to)) = self.under_way.remove(&event.data.u64()) else {
                continue;
            };
            let made = self.made(socket);
            each(to, made.map(|stream| Box::new(stream) as Box<_>));
        }
        let now = Instant::now();
        while let Some((end, number)) = self.ends.front().copied() {
            let silent = match self.under_way.contains_key(&number) {
                true if end > now => return Ok(()),
                true => self.under_way.remove(&number),
                false => None,
            };
            self.ends.pop_front();
            if let Some((_, to)) = silent {
                each(to, Err(io::ErrorKind::TimedOut.into()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use groma_source::{Dialling, Network};

    use crate::LocalNetwork;

    use super::*;

    fn all(dialling: &mut Dialling<'_>) -> BTreeMap<SocketAddr, Result<Vec<u8>, io::ErrorKind>> {
        let mut ends = BTreeMap::new();
        for _ in 0..200 {
            if dialling.under_way() == 0 {
                break;
            }
            let wait = Duration::from_millis(50);
            dialling
                .ended(wait, &mut |to, end| {
                    let heard = end.and_then(|mut stream| {
                        let mut heard = vec![0; 5];
                        stream.read_exact(&mut heard)?;
                        Ok(heard)
                    });
                    ends.insert(to, heard.map_err(|error| error.kind()));
                })
                .unwrap();
        }
        ends
    }

    #[test]
    fn whoever_answers_is_handed_over_and_can_be_talked_with() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let (here, refused) = (open.local_addr().unwrap(), closed.local_addr().unwrap());
        drop(closed);
        std::thread::spawn(move || {
            let (mut stream, _) = open.accept().unwrap();
            std::thread::sleep(Duration::from_millis(100));
            stream.write_all(b"hello").unwrap();
        });
        let network = LocalNetwork::new(false);
        let mut dialling = Dialling::new(&network, Duration::from_secs(2)).unwrap();
        dialling.dial(here).unwrap();
        dialling.dial(refused).unwrap();
        assert_eq!(dialling.under_way(), 2);
        let ends = all(&mut dialling);
        assert_eq!(ends.get(&here), Some(&Ok(b"hello".to_vec())));
        assert_eq!(
            ends.get(&refused),
            Some(&Err(io::ErrorKind::ConnectionRefused))
        );
    }

    #[test]
    fn whoever_is_silent_is_given_up_after_the_timeout_and_not_before() {
        // A queue of one that nobody takes from: the kernel drops who comes third.
        let full = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = full.local_addr().unwrap();
        rustix::net::listen(&full, 0).unwrap();
        let network = LocalNetwork::new(false);
        let wait = Duration::from_millis(300);
        let mut waiting = Vec::new();
        while let Ok(stream) = network.connect(to, wait) {
            waiting.push(stream);
        }
        let mut dialling = Dialling::new(&network, wait).unwrap();
        let begun = Instant::now();
        dialling.dial(to).unwrap();
        let ends = all(&mut dialling);
        assert_eq!(ends.get(&to), Some(&Err(io::ErrorKind::TimedOut)));
        let took = begun.elapsed();
        assert!(took >= wait && took < wait * 3, "{took:?}");
    }
}

//! The network with manners: every connection and what is said over it waits until it may.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use groma_model::{HostName, Reason};

use super::{Grant, Manners, Outcome};
use crate::{Clock, Datagrams, Disk, Network, NoAddress, Stop, Stream};

/// The call, and the end of the handshake.
const FRAMES_OF_A_CALL: u32 = 2;
/// Taking leave, and acknowledging that the other does.
const FRAMES_OF_THE_END: u32 = 2;
/// How long room for taking leave is waited for.
const LEAVE: Duration = Duration::from_secs(5);
/// A letter, and the kernel's question for the hardware address.
const FRAMES_OF_A_FIRST_LETTER: u32 = 2;
/// The kernel asks again at the earliest after so long: it rests for 15 s, and hesitates for 5 (RFC 4861 §10; it is the same for
/// IPv4). No answer in datagrams keeps it from that.
const HARDWARE_ADDRESS_LASTS: Duration = Duration::from_secs(20);
/// What fits into one frame of any link.
const FRAME_BYTES: usize = 1_200;
/// How long to wait before asking again where only others can make room.
const MOMENT: Duration = Duration::from_millis(20);

/// A network that keeps [`Manners`] towards every machine but this one.
///
/// The frames of a conversation are granted before they can happen: two for a call, two for each piece written or read
/// (itself, and what acknowledges it), two for its end, so that what the kernel sends by itself is counted too.
pub struct MannerlyNetwork {
    inner: Arc<dyn Network>,
    shared: Shared,
}

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) manners: Arc<Mutex<Manners>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) stop: Stop,
}

impl MannerlyNetwork {
    /// `inner`, as `manners` allow. `disk` is where the stop file would appear.
    pub fn new(
        inner: Arc<dyn Network>,
        manners: Arc<Mutex<Manners>>,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        stop: Stop,
    ) -> Self {
        let shared = Shared {
            manners,
            clock,
            disk,
            stop,
        };
        Self { inner, shared }
    }
}

impl Shared {
    pub(super) fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing may be sent now, whoever it is for.
    pub(super) fn held_back(&self) -> io::Result<()> {
        let manners = self.manners();
        let no = |why: &str| {
            Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                why.to_owned(),
            ))
        };
        if self.stop.is_asked() {
            return no("the look was stopped");
        }
        if manners.ceiling().is_stopped(self.disk.as_ref()) {
            return no("the stop file is there");
        }
        match manners.ceiling().is_open(self.clock.now()) {
            true => Ok(()),
            false => no("it is not the time of a maintenance window"),
        }
    }

    /// What `inner` says, while anything may be sent at all. Who is asked for names is no target, but whoever this machine
    /// asks anyway: no frame is counted.
    pub(super) fn addresses(
        &self,
        inner: &dyn Network,
        name: &HostName,
        timeout: Duration,
    ) -> Result<Vec<IpAddr>, NoAddress> {
        self.held_back().map_err(|why| NoAddress {
            what: format!("{name}: {why}"),
            reason: Reason::Forbidden,
            remedy: "look again when that is over",
        })?;
        inner.addresses(name, timeout)
    }

    /// Waits until `frames` may be sent to `to`, at most until `end`.
    fn wait(&self, to: SocketAddr, frames: u32, end: Duration) -> io::Result<()> {
        loop {
            self.held_back()?;
            let now = self.clock.monotonic();
            let grant = self.manners().ask(to, frames, self.clock.now(), now);
            let again = match grant {
                Grant::Go => return Ok(()),
                Grant::At(at) => at.saturating_sub(now),
                Grant::AfterOthers => MOMENT,
                Grant::Never(refusal) => {
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal));
                }
            };
            if now >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.clock
                .sleep(again.clamp(Duration::from_millis(1), MOMENT));
        }
    }

    fn left(&self, address: IpAddr, frames: u32) {
        let now = self.clock.monotonic();
        let mut manners = self.manners();
        (0..frames).for_each(|_| manners.left(address, now));
    }
}

impl Network for MannerlyNetwork {
    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        if self.inner.is_local(to.ip()) {
            return self.inner.open(to, timeout);
        }
        let (call, end) = Call::begin(&self.shared, to, timeout)?;
        call.shared.wait(to, FRAMES_OF_A_CALL, end)?;
        let opened = self.inner.open(to, timeout);
        let outcome = match &opened {
            Ok(_) => Some(Outcome::Answered(None)),
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Outcome::Unanswered),
                io::ErrorKind::ConnectionRefused => Some(Outcome::Answered(None)),
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    Some(Outcome::Unreachable)
                }
                _ => None,
            },
        };
        call.shared.left(to.ip(), FRAMES_OF_A_CALL);
        if let Some(outcome) = outcome {
            let (at, now) = (call.shared.clock.now(), call.shared.clock.monotonic());
            call.shared.manners().heard(to.ip(), outcome, at, now);
        }
        Ok(Box::new(Mannerly {
            inner: Some(opened?),
            call,
            timeout,
            spoke: false,
        }))
    }

    fn open_datagrams(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Datagrams>> {
        let inner = self.inner.open_datagrams(to, timeout)?;
        if self.inner.is_local(to.ip()) {
            return Ok(inner);
        }
        let (call, _) = Call::begin(&self.shared, to, timeout)?;
        Ok(Box::new(Letters {
            inner,
            call,
            timeout,
            asked: None,
        }))
    }

    fn is_fragile(&self, address: IpAddr) {
        self.shared.manners().is_fragile(address);
    }

    fn connect_socket(&self, path: &Path, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        self.inner.connect_socket(path, timeout)
    }

    fn addresses(&self, name: &HostName, timeout: Duration) -> Result<Vec<IpAddr>, NoAddress> {
        self.shared.addresses(self.inner.as_ref(), name, timeout)
    }

    fn is_offline(&self) -> bool {
        self.inner.is_offline()
    }

    fn is_local(&self, address: IpAddr) -> bool {
        self.inner.is_local(address)
    }
}

struct Call {
    shared: Shared,
    to: SocketAddr,
}

impl Call {
    /// Waits until a conversation with `to` may begin. Whoever drops it hangs up.
    fn begin(shared: &Shared, to: SocketAddr, timeout: Duration) -> io::Result<(Self, Duration)> {
        let shared = shared.clone();
        let end = shared.clock.monotonic().saturating_add(timeout);
        while !shared.manners().calls(to.ip()) {
            if shared.clock.monotonic() >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
            shared.clock.sleep(MOMENT);
        }
        Ok((Self { shared, to }, end))
    }
}

/// A conversation by datagrams: each is a frame that is granted before it leaves, the first with what the kernel may have to
/// ask before it. Nothing follows by itself: what comes back is acknowledged by nobody.
struct Letters {
    inner: Box<dyn Datagrams>,
    call: Call,
    timeout: Duration,
    /// When the kernel may have asked for the hardware address.
    asked: Option<Duration>,
}

impl Letters {
    /// How many frames the next letter may bring about.
    fn frames(&self) -> u32 {
        let now = self.call.shared.clock.monotonic();
        let fresh = |asked: Duration| now.saturating_sub(asked) < HARDWARE_ADDRESS_LASTS;
        match self.asked.is_some_and(fresh) {
            true => 1,
            false => FRAMES_OF_A_FIRST_LETTER,
        }
    }
}

impl Datagrams for Letters {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let (shared, to) = (&self.call.shared, self.call.to);
        if datagram.len() > FRAME_BYTES {
            let why = "a datagram that would leave in pieces is not sent";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let end = shared.clock.monotonic().saturating_add(self.timeout);
        let frames = self.frames();
        shared.wait(to, frames, end)?;
        let sent = self.inner.send(datagram);
        match sent {
            Ok(()) => {
                shared.left(to.ip(), frames);
                if frames > 1 {
                    self.asked = Some(shared.clock.monotonic());
                }
            }
            // Nothing has left: what the kernel tells here is of an earlier letter, or that there is no way.
            Err(_) => shared.manners().released(to.ip(), frames),
        }
        sent
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let heard = self.inner.receive(into);
        // Silence is no sign of distress: most machines do not answer where nobody listens.
        let is_there = match &heard {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        };
        if is_there {
            let (shared, to) = (&self.call.shared, self.call.to);
            let (at, now) = (shared.clock.now(), shared.clock.monotonic());
            let mut manners = shared.manners();
            manners.heard(to.ip(), Outcome::Answered(None), at, now);
        }
        heard
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.manners().hung_up(self.to.ip());
    }
}

struct Mannerly {
    /// There until the end.
    inner: Option<Box<dyn Stream>>,
    call: Call,
    timeout: Duration,
    /// True once the other said something.
    spoke: bool,
}

impl Drop for Mannerly {
    fn drop(&mut self) {
        let (shared, to) = (&self.call.shared, self.call.to);
        let end = shared.clock.monotonic().saturating_add(LEAVE);
        let granted = shared.wait(to, FRAMES_OF_THE_END, end).is_ok();
        self.inner = None;
        if granted {
            shared.left(to.ip(), FRAMES_OF_THE_END);
        }
    }
}

impl Mannerly {
    /// Room for one piece and what acknowledges it.
    fn piece<T>(&mut self, what: impl FnOnce(&mut dyn Stream) -> io::Result<T>) -> io::Result<T> {
        let shared = &self.call.shared;
        let end = shared.clock.monotonic().saturating_add(self.timeout);
        shared.wait(self.call.to, 2, end)?;
        let inner = self.inner.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let done = what(inner.as_mut());
        self.call.shared.left(self.call.to.ip(), 2);
        if let Err(error) = &done
            && error.kind() == io::ErrorKind::ConnectionReset
        {
            let (at, now) = (
                self.call.shared.clock.now(),
                self.call.shared.clock.monotonic(),
            );
            let to = self.call.to;
            let mut manners = self.call.shared.manners();
            let outcome = manners.broken_off(to);
            manners.heard(to.ip(), outcome, at, now);
        }
        done
    }
}

impl Read for Mannerly {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(FRAME_BYTES);
        let (into, _) = into.split_at_mut(most);
        let read = self.piece(|stream| stream.read(into))?;
        if read > 0 && !self.spoke {
            self.spoke = true;
            self.call.shared.manners().spoke(self.call.to);
        }
        Ok(read)
    }
}

impl Write for Mannerly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = bytes.len().min(FRAME_BYTES);
        let (bytes, _) = bytes.split_at(most);
        self.piece(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Some(inner) => inner.flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manners::{Ceiling, Target, Targets};
    use crate::testing::{FakeClock, FakeDisk};

    /// Notes when it was called, written to and read from.
    struct Noting(Arc<Mutex<Vec<Duration>>>, Arc<FakeClock>);

    impl Noting {
        fn note(&self) {
            self.0.lock().unwrap().push(self.1.monotonic());
        }
    }

    impl Network for Noting {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            (0..2).for_each(|_| self.note());
            Ok(Box::new(Self(self.0.clone(), self.1.clone())))
        }
        fn open_datagrams(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Datagrams>> {
            Ok(Box::new(Self(self.0.clone(), self.1.clone())))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, address: IpAddr) -> bool {
            address.is_loopback()
        }
    }

    impl Datagrams for Noting {
        fn send(&mut self, _: &[u8]) -> io::Result<()> {
            self.note();
            Ok(())
        }
        fn receive(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(1)
        }
    }

    impl Drop for Noting {
        fn drop(&mut self) {
            (0..2).for_each(|_| self.note());
        }
    }

    impl Read for Noting {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            (0..2).for_each(|_| self.note());
            Ok(into.len())
        }
    }

    impl Write for Noting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            (0..2).for_each(|_| self.note());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn network(ceiling: Ceiling, disk: FakeDisk) -> (MannerlyNetwork, Arc<Mutex<Vec<Duration>>>) {
        let clock = Arc::new(FakeClock::at("2026-11-21T09:00:00Z".parse().unwrap()));
        let frames = Arc::new(Mutex::new(Vec::new()));
        let target = Target::parse("10.0.0.0/24").unwrap();
        let targets = Targets::of(&[target], &[], &[]).unwrap();
        let manners = Arc::new(Mutex::new(Manners::new(ceiling, targets, &[])));
        let inner = Arc::new(Noting(frames.clone(), clock.clone()));
        let network = MannerlyNetwork::new(inner, manners, clock, Arc::new(disk), Stop::default());
        (network, frames)
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn names_are_asked_of_the_network_below_and_of_nobody_once_the_stop_file_is_there() {
        let name = HostName::parse("localhost").unwrap();
        let (plain, _) = network(Ceiling::default(), FakeDisk::new());
        assert!(plain.addresses(&name, PATIENCE).is_ok());
        let stopped = FakeDisk::new().file(crate::manners::KILL_SWITCH, "");
        let (stopped, _) = network(Ceiling::default(), stopped);
        let error = stopped.addresses(&name, PATIENCE).unwrap_err();
        assert_eq!(error.reason, Reason::Forbidden);
        assert!(error.what.contains("the stop file is there"), "{error}");
    }

    #[test]
    fn a_conversation_keeps_to_ten_frames_in_any_second() {
        let (network, frames) = network(Ceiling::default(), FakeDisk::new());
        let mut stream = network
            .connect("10.0.0.5:80".parse().unwrap(), PATIENCE)
            .unwrap();
        stream.write_all(&[b'x'; 20_000]).unwrap();
        let mut answer = vec![0; 20_000];
        stream.read_exact(&mut answer).unwrap();
        drop(stream);
        let frames = frames.lock().unwrap();
        let most = frames.windows(11).map(|w| w[10] - w[0]).min().unwrap();
        assert!(most >= Duration::from_secs(1), "{most:?}");
    }

    #[test]
    fn datagrams_keep_to_the_cap_of_a_host_and_to_two_of_a_fragile_one() {
        for (is_fragile, most_in_a_second) in [(false, 10), (true, 2)] {
            let (network, frames) = network(Ceiling::default(), FakeDisk::new());
            let to: SocketAddr = "10.0.0.5:161".parse().unwrap();
            if is_fragile {
                network.is_fragile(to.ip());
            }
            let mut letters = network.connect_datagrams(to, PATIENCE).unwrap();
            (0..30).for_each(|_| letters.send(b"question").unwrap());
            let frames = frames.lock().unwrap();
            let least = frames
                .windows(most_in_a_second + 1)
                .map(|w| w[most_in_a_second] - w[0])
                .min()
                .unwrap();
            assert!(least >= Duration::from_secs(1), "{least:?}");
        }
    }

    /// A kernel that asks for the hardware address before the first letter, and again after 20 s.
    struct Asking(Arc<Mutex<Vec<Duration>>>, Arc<FakeClock>, Option<Duration>);

    impl Network for Asking {
        fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn open_datagrams(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Datagrams>> {
            Ok(Box::new(Self(self.0.clone(), self.1.clone(), None)))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            false
        }
    }

    impl Datagrams for Asking {
        fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
            if datagram.is_empty() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let now = self.1.monotonic();
            let knows = |asked: Duration| now < asked + Duration::from_secs(20);
            let frames = if self.2.is_some_and(knows) { 1 } else { 2 };
            if frames == 2 {
                self.2 = Some(now);
            }
            (0..frames).for_each(|_| self.0.lock().unwrap().push(now));
            Ok(())
        }
        fn receive(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(1)
        }
    }

    type Asked = (MannerlyNetwork, Arc<Mutex<Vec<Duration>>>, Arc<FakeClock>);

    fn asking() -> Asked {
        let (mut network, _) = network(Ceiling::default(), FakeDisk::new());
        let clock = Arc::new(FakeClock::at("2026-11-21T09:00:00Z".parse().unwrap()));
        let frames = Arc::new(Mutex::new(Vec::new()));
        network.shared.clock = clock.clone();
        network.inner = Arc::new(Asking(frames.clone(), clock.clone(), None));
        (network, frames, clock)
    }

    #[test]
    fn a_first_letter_counts_with_the_question_for_the_hardware_address() {
        for (is_fragile, cap) in [(false, 10), (true, 2)] {
            let (network, frames, clock) = asking();
            let to: SocketAddr = "10.0.0.5:161".parse().unwrap();
            if is_fragile {
                network.is_fragile(to.ip());
            }
            for _ in 0..12 {
                let mut letters = network.connect_datagrams(to, PATIENCE).unwrap();
                (0..3).for_each(|_| letters.send(b"question").unwrap());
                clock.sleep(Duration::from_secs(19));
                (0..15).for_each(|_| letters.send(b"question").unwrap());
            }
            let frames = frames.lock().unwrap();
            let least = frames.windows(cap + 1).map(|w| w[cap] - w[0]).min();
            assert!(least.unwrap() >= Duration::from_secs(1), "{least:?}");
        }
    }

    #[test]
    fn what_a_letter_that_was_not_sent_was_granted_is_given_back() {
        let (network, frames, _) = asking();
        let to: SocketAddr = "10.0.0.5:161".parse().unwrap();
        let mut letters = network.connect_datagrams(to, PATIENCE).unwrap();
        for _ in 0..40 {
            assert!(letters.send(b"").is_err());
        }
        letters.send(b"question").unwrap();
        assert_eq!(frames.lock().unwrap().len(), 2);
    }

    #[test]
    fn no_datagram_goes_to_a_stranger_or_a_print_port_or_in_pieces() {
        let (network, frames) = network(Ceiling::default(), FakeDisk::new());
        let strangers = network.connect_datagrams("10.0.1.5:161".parse().unwrap(), PATIENCE);
        assert!(strangers.unwrap().send(b"x").is_err());
        let printing = network.connect_datagrams("10.0.0.5:9100".parse().unwrap(), PATIENCE);
        assert_eq!(
            printing.err().unwrap().kind(),
            io::ErrorKind::PermissionDenied
        );
        let known = network.connect_datagrams("10.0.0.5:161".parse().unwrap(), PATIENCE);
        assert!(known.unwrap().send(&[0; 1_201]).is_err());
        let sent = frames.lock().unwrap().len();
        assert_eq!(sent, 4, "the four of two farewells the fake notes");
    }

    #[test]
    fn nobody_else_and_no_print_port_is_called_and_this_machine_is_not_held_back() {
        let (network, frames) = network(Ceiling::default(), FakeDisk::new());
        for to in ["10.0.1.5:80", "10.0.0.5:9100", "10.0.0.255:80"] {
            let refused = network
                .connect(to.parse().unwrap(), PATIENCE)
                .err()
                .unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{to}");
        }
        assert!(frames.lock().unwrap().is_empty());
        network
            .connect("127.0.0.1:80".parse().unwrap(), PATIENCE)
            .unwrap();
    }

    #[test]
    fn the_stop_file_and_the_hour_hold_everything_back() {
        let stopped = FakeDisk::new().file(crate::manners::KILL_SWITCH, "");
        let closed = Ceiling {
            maintenance: vec![crate::manners::Opening::parse("22:00-05:00").unwrap()],
            ..Ceiling::default()
        };
        for (network, _) in [
            network(Ceiling::default(), stopped),
            network(closed, FakeDisk::new()),
        ] {
            let refused = network
                .connect("10.0.0.5:80".parse().unwrap(), PATIENCE)
                .err()
                .unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn a_fragile_host_is_called_once_at_a_time() {
        let ceiling = Ceiling {
            fragile: vec![super::super::Network::parse("10.0.0.9").unwrap()],
            ..Ceiling::default()
        };
        let (network, _) = network(ceiling, FakeDisk::new());
        let to = "10.0.0.9:80".parse().unwrap();
        let first = network.connect(to, PATIENCE).unwrap();
        let second = network.connect(to, PATIENCE).err().unwrap();
        assert_eq!(second.kind(), io::ErrorKind::TimedOut);
        drop(first);
        assert!(network.connect(to, PATIENCE).is_ok());
    }

    /// Accepts, takes what is said, and resets: at an even port at once, at an odd one after a word of its own.
    struct Curt {
        word: &'static [u8],
    }

    impl Network for Curt {
        fn open(&self, to: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            let word: &[u8] = if to.port().is_multiple_of(2) {
                b""
            } else {
                b"hello"
            };
            Ok(Box::new(Self { word }))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, _: IpAddr) -> bool {
            false
        }
    }

    impl Read for Curt {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.word.is_empty() {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            self.word.read(into)
        }
    }

    impl Write for Curt {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn curt() -> MannerlyNetwork {
        let (mut network, _) = network(Ceiling::default(), FakeDisk::new());
        network.inner = Arc::new(Curt { word: b"" });
        network
    }

    /// Says something, and hears nothing but the end.
    fn ask(network: &MannerlyNetwork, port: u16) -> io::ErrorKind {
        let to = SocketAddr::from(([10, 0, 0, 5], port));
        let mut stream = network.connect(to, PATIENCE).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap_err().kind()
    }

    #[test]
    fn who_breaks_off_at_words_it_does_not_know_is_in_no_distress() {
        let network = curt();
        for port in [7000, 7000, 7000, 7000, 7002, 7004] {
            assert_eq!(ask(&network, port), io::ErrorKind::ConnectionReset);
        }
        assert!(network.shared.manners().distressed().is_empty());
    }

    #[test]
    fn who_had_spoken_and_breaks_off_again_and_again_is_left_alone() {
        let network = curt();
        for _ in 0..3 {
            assert_eq!(ask(&network, 7001), io::ErrorKind::ConnectionReset);
        }
        let to = "10.0.0.5:7000".parse().unwrap();
        let refused = network.connect(to, PATIENCE).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}

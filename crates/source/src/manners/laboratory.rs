//! The network of a laboratory: at no pace, and of nobody but who was named twice, as a target and by the ceiling file.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groma_model::HostName;

use super::network::Shared;
use super::{Manners, Refusal};
use crate::{Clock, Dialled, Dialler, Disk, Network, NoAddress, Stop, Stream};

/// A network without restraint, in laboratories alone.
///
/// Nobody is contacted who is no target, or whom `unrestrained` of the ceiling file does not name, this machine itself not
/// excepted; nobody at a print port; nobody outside the maintenance window, or once the stop file is there.
pub struct LaboratoryNetwork {
    inner: Arc<dyn Network>,
    shared: Shared,
}

impl LaboratoryNetwork {
    /// `inner`, towards those of whom `manners` know that they are of a laboratory. `disk` is where the stop file would appear.
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

/// Whether a connection may be begun now.
fn allowed(shared: &Shared, to: SocketAddr) -> io::Result<()> {
    shared.held_back()?;
    let manners = shared.manners();
    let is_laboratory = manners.ceiling().is_unrestrained(to.ip().to_canonical());
    manners
        .permits(to, shared.clock.now())
        .and(if is_laboratory {
            Ok(())
        } else {
            Err(Refusal::NotALaboratory)
        })
        .map_err(|refusal| io::Error::new(io::ErrorKind::PermissionDenied, refusal))
}

impl Network for LaboratoryNetwork {
    fn open(&self, to: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Stream>> {
        allowed(&self.shared, to)?;
        let stream = self.inner.open(to, timeout)?;
        Ok(Held::back(stream, &self.shared))
    }

    fn open_dialler(&self, timeout: Duration) -> io::Result<Box<dyn Dialler>> {
        Ok(Box::new(Allowed {
            inner: self.inner.open_dialler(timeout)?,
            shared: self.shared.clone(),
        }))
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

/// How often a conversation looks for the stop file.
const LOOKED_EVERY: Duration = Duration::from_millis(20);

struct Allowed {
    inner: Box<dyn Dialler>,
    shared: Shared,
}

impl Dialler for Allowed {
    fn room(&self) -> usize {
        self.inner.room()
    }

    fn dial(&mut self, to: SocketAddr) -> io::Result<()> {
        allowed(&self.shared, to)?;
        self.inner.dial(to)
    }

    /// Who is stopped calls nobody again: whatever is under way ends with the error.
    fn ended(&mut self, wait: Duration, each: &mut Dialled<'_>) -> io::Result<()> {
        self.shared.held_back()?;
        let shared = &self.shared;
        self.inner.ended(wait, &mut |to, end| {
            each(to, end.map(|stream| Held::back(stream, shared)));
        })
    }
}

/// A connection on which nothing is said any more once the look is stopped, by whatever.
struct Held {
    inner: Box<dyn Stream>,
    shared: Shared,
    /// When the stop file and the hour were looked at last.
    looked: Duration,
}

impl Held {
    fn back(inner: Box<dyn Stream>, shared: &Shared) -> Box<dyn Stream> {
        Box::new(Self {
            inner,
            shared: shared.clone(),
            looked: shared.clock.monotonic(),
        })
    }

    fn go_on(&mut self) -> io::Result<()> {
        let now = self.shared.clock.monotonic();
        let is_due = now.saturating_sub(self.looked) >= LOOKED_EVERY;
        if is_due || self.shared.stop.is_asked() {
            self.shared.held_back()?;
            self.looked = now;
        }
        Ok(())
    }
}

impl io::Read for Held {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.go_on()?;
        self.inner.read(into)
    }
}

impl io::Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.go_on()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manners::{Ceiling, KILL_SWITCH, Network as Range, Opening, Target, Targets};
    use crate::testing::{FakeClock, FakeDisk};
    use crate::{Datagrams, Dialling};

    type Called = Arc<Mutex<Vec<SocketAddr>>>;

    /// Notes whom it called.
    struct Noting(Called);

    impl Network for Noting {
        fn open(&self, to: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
            self.0.lock().unwrap().push(to);
            Ok(Box::new(io::Cursor::new(Vec::new())))
        }
        fn open_datagrams(&self, to: SocketAddr, _: Duration) -> io::Result<Box<dyn Datagrams>> {
            self.0.lock().unwrap().push(to);
            Err(io::ErrorKind::Unsupported.into())
        }
        fn open_dialler(&self, _: Duration) -> io::Result<Box<dyn Dialler>> {
            Ok(Box::new(Self(self.0.clone())))
        }
        fn is_offline(&self) -> bool {
            false
        }
        fn is_local(&self, address: IpAddr) -> bool {
            address.is_loopback()
        }
    }

    impl Dialler for Noting {
        fn room(&self) -> usize {
            usize::MAX
        }
        fn dial(&mut self, to: SocketAddr) -> io::Result<()> {
            self.0.lock().unwrap().push(to);
            Ok(())
        }
        fn ended(&mut self, _: Duration, _: &mut Dialled<'_>) -> io::Result<()> {
            Ok(())
        }
    }

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap()
    }

    /// A laboratory of 10.0.0.0/25, of which 10.0.0.64/28 is never asked; all of 10.0.0.0/24 are targets, and so is this machine.
    fn laboratory(ceiling: Ceiling, disk: FakeDisk) -> (LaboratoryNetwork, Called) {
        let ceiling = Ceiling {
            unrestrained: vec![range("10.0.0.0/25")],
            never: vec![range("10.0.0.64/28")],
            ..ceiling
        };
        let named = ["10.0.0.0/24", "127.0.0.1"].map(|text| Target::parse(text).unwrap());
        let targets = Targets::of(&named, &[], &[]).unwrap();
        let manners = Arc::new(Mutex::new(Manners::new(ceiling, targets, &[])));
        let clock = Arc::new(FakeClock::at("2026-11-21T09:00:00Z".parse().unwrap()));
        let called = Called::default();
        let inner = Arc::new(Noting(called.clone()));
        let network =
            LaboratoryNetwork::new(inner, manners, clock, Arc::new(disk), Stop::default());
        (network, called)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whoever is asked for, at whichever port: only targets of the laboratory are called, and never at a print port.
        #[test]
        fn only_targets_of_the_laboratory_are_called(
            wishes in prop::collection::vec((0_u8..3, any::<u8>(), prop_oneof![Just(443), Just(515), 9_098_u16..9_120, Just(9_999), any::<u16>()]), 1..60),
        ) {
            let (network, called) = laboratory(Ceiling::default(), FakeDisk::new());
            let mut dialling = Dialling::new(&network, Duration::ZERO).unwrap();
            for (net, host, port) in wishes {
                let to = SocketAddr::from(([10, 0, net, host], port));
                let may = net == 0 && matches!(host, 1..64 | 80..128);
                let may = may && !crate::forbidden_port(groma_model::Port(port));
                prop_assert_eq!(dialling.dial(to).is_ok(), may, "{}", to);
                prop_assert_eq!(network.connect(to, Duration::ZERO).is_ok(), may, "{}", to);
            }
            for to in called.lock().unwrap().iter() {
                prop_assert!(!crate::forbidden_port(groma_model::Port(to.port())));
            }
        }
    }

    #[test]
    fn who_is_not_named_by_the_ceiling_file_is_not_called_though_a_target_or_this_machine() {
        let (network, called) = laboratory(Ceiling::default(), FakeDisk::new());
        for to in ["10.0.0.200:443", "127.0.0.1:443", "[::ffff:10.0.0.200]:443"] {
            let error = network.connect(to.parse().unwrap(), Duration::ZERO).err();
            let error = error.expect("not of the laboratory");
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{to}");
        }
        assert!(called.lock().unwrap().is_empty());
        let letters = network.connect_datagrams("10.0.0.5:161".parse().unwrap(), Duration::ZERO);
        assert!(letters.is_err(), "without restraint no datagram leaves");
        assert!(called.lock().unwrap().is_empty(), "and none was begun");
    }

    /// A connection that was made went on talking, whatever stopped the look.
    #[test]
    fn what_stops_the_look_ends_conversations_that_have_begun() {
        let hours = || Ceiling {
            maintenance: vec![Opening::parse("08:00-10:00").unwrap()],
            ..Ceiling::default()
        };
        let to = "10.0.0.5:443".parse().unwrap();
        let begun = |stops: &dyn Fn(&Shared)| {
            let (network, _) = laboratory(hours(), FakeDisk::new());
            let mut stream = network.connect(to, Duration::ZERO).unwrap();
            stream.write_all(b"EHLO").unwrap();
            stops(&network.shared);
            let mut dialling = Dialling::new(&network, Duration::ZERO).unwrap();
            let ended = dialling.ended(Duration::ZERO, &mut |_, _| ());
            (stream.write_all(b"STARTTLS").is_ok(), ended.is_ok())
        };
        let hour = Duration::from_secs(3_600);
        assert_eq!(begun(&|shared| shared.stop.ask()), (false, false));
        assert_eq!(
            begun(&|shared| shared.clock.sleep(hour * 2)),
            (false, false)
        );
        // The twin: nothing stops it.
        assert_eq!(begun(&|shared| shared.clock.sleep(hour / 2)), (true, true));
    }

    #[test]
    fn a_stop_file_and_a_closed_window_stop_it() {
        let to = "10.0.0.5:443".parse().unwrap();
        let stopped = FakeDisk::new().file(KILL_SWITCH, "");
        let closed = Ceiling {
            maintenance: vec![Opening::parse("22:00-05:00").unwrap()],
            ..Ceiling::default()
        };
        for (ceiling, disk) in [(Ceiling::default(), stopped), (closed, FakeDisk::new())] {
            let (network, called) = laboratory(ceiling, disk);
            assert!(network.connect(to, Duration::ZERO).is_err());
            let mut dialling = Dialling::new(&network, Duration::ZERO).unwrap();
            assert!(dialling.dial(to).is_err());
            assert!(called.lock().unwrap().is_empty());
        }
        let (network, _) = laboratory(Ceiling::default(), FakeDisk::new());
        assert!(network.connect(to, Duration::ZERO).is_ok());
    }
}

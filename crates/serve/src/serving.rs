//! All listeners of one collector, from the first packet to the last.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use groma_model::AgentId;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use crate::authority::{Authority, AuthorityError};
use crate::bases::Bases;
use crate::current::{Current, keep_up};
use crate::keeper::Keeper;
use crate::listener::{Bounds, Door};
use crate::metrics::Metrics;
use crate::tls::Asks;
use crate::{Journal, agents, came, enrolment, operators};

/// How much all agents together may ask of this collector at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections of agents.
    pub connections_max: usize,
    /// MiB of batches that are being read or kept.
    pub in_flight_mib_max: usize,
    /// MiB of last batches that are remembered, so that the next ones may come as what is new in them.
    pub bases_mib_max: usize,
    /// Batches of the largest size that are unpacked or kept at once, or sixteen times as many small ones; those beyond wait, and then
    /// are put off.
    pub keeping_max: usize,
    /// How long a batch waits for its turn.
    pub patience: Duration,
    /// How long the body of a request may take.
    pub body_time: Duration,
    /// Packets a second that all vantages together may send.
    pub packets_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            in_flight_mib_max: 256,
            bases_mib_max: 64,
            keeping_max: 4,
            patience: Duration::from_secs(5),
            body_time: Duration::from_secs(30),
            packets_per_second: 200,
        }
    }
}

/// Threads for what may block, besides those that keep batches.
const BLOCKING_THREADS: usize = 16;

/// Fills bytes by chance.
pub type Random = dyn Fn(&mut [u8]) + Send + Sync;

/// What a collector needs to serve.
pub struct Config {
    /// Where new agents are let in.
    pub enrolment: SocketAddr,
    /// Where agents talk.
    pub agents: SocketAddr,
    /// Where operators and their monitoring look.
    pub operators: SocketAddr,
    /// Names and addresses people reach this collector by, for programs that look at names (curl).
    pub names: Vec<String>,
    /// Who signs.
    pub authority: Authority,
    /// Who keeps.
    pub keeper: Arc<dyn Keeper>,
    /// Chance.
    pub random: Arc<Random>,
    /// Where events are told.
    pub journal: Journal,
    /// What may be asked at once.
    pub limits: Limits,
    /// What the enrolment listener hands out besides: path, kind of content, bytes.
    pub pages: Vec<(String, &'static str, Vec<u8>)>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port cannot be had.
    #[error(
        "listen on {address} for {whom}: {source}; another program may have it, or give another address"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// For whom.
        whom: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The system gives no threads.
    #[error("begin to serve")]
    Threads(#[source] std::io::Error),
}

/// What every request of every listener can reach.
pub(crate) struct Shared {
    pub(crate) keeper: Arc<dyn Keeper>,
    current: RwLock<Arc<Current>>,
    pub(crate) journal: Journal,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    pub(crate) random: Arc<Random>,
    pub(crate) agents_port: u16,
    /// MiB that are in flight.
    pub(crate) in_flight: Arc<Semaphore>,
    /// Batches that are unpacked or kept.
    pub(crate) keeping: Arc<Semaphore>,
    /// What agents sent last.
    pub(crate) bases: Bases,
    /// How many batches of whom are in work.
    pub(crate) busy: Mutex<HashMap<AgentId, u32>>,
}

impl Shared {
    /// The authority as it is now.
    pub(crate) fn current(&self) -> Arc<Current> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace(&self, current: Current) {
        let place = self.current.write();
        *place.unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
    }
}

/// Where the listeners really listen: whoever asked for port 0 learns it here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// Of the enrolment listener.
    pub enrolment: SocketAddr,
    /// Of the agents' listener.
    pub agents: SocketAddr,
    /// Of the operators' listener.
    pub operators: SocketAddr,
}

/// A collector that serves until it is told to stop.
pub struct Serving {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    doors: Vec<tokio::task::JoinHandle<()>>,
    addresses: Addresses,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Serving {
    /// Begins to serve.
    ///
    /// # Errors
    /// A port cannot be had, or the authority fails.
    pub fn begin(config: Config) -> Result<Self, ServeError> {
        let turns = config.limits.keeping_max * came::TURN_PARTS as usize;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            // Whoever waits for the store must not keep those waiting who only ask it.
            .max_blocking_threads(turns + BLOCKING_THREADS)
            .thread_name("groma-serve")
            .enable_all()
            .build()
            .map_err(ServeError::Threads)?;
        let (enrolment_socket, enrolment_at) = bind(config.enrolment, "new agents")?;
        let (agents_socket, agents_at) = bind(config.agents, "agents")?;
        let (operators_socket, operators_at) = bind(config.operators, "operators")?;
        let current = Current::of(config.authority, &config.names, config.journal.clock())?;
        let limits = config.limits;
        let shared = Arc::new(Shared {
            keeper: config.keeper,
            current: RwLock::new(Arc::new(current)),
            journal: config.journal,
            metrics: Metrics::default(),
            limits,
            random: config.random,
            agents_port: agents_at.port(),
            in_flight: Arc::new(Semaphore::new(limits.in_flight_mib_max)),
            keeping: Arc::new(Semaphore::new(turns)),
            bases: Bases::new(limits.bases_mib_max << 20),
            busy: Mutex::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let door = |socket, asks, router, bounds| Door {
            socket,
            asks,
            router,
            bounds,
            shared: shared.clone(),
            stop: stopped.clone(),
        };
        let doors = [
            door(
                enrolment_socket,
                Some(Asks::Nothing),
                enrolment::router(shared.clone(), config.pages),
                Bounds::of_strangers(),
            ),
            door(
                agents_socket,
                Some(Asks::Certificate),
                agents::router(shared.clone()),
                Bounds::of_agents(limits.connections_max),
            ),
            door(
                operators_socket,
                None,
                operators::router(shared.clone()),
                Bounds::of_operators(),
            ),
        ];
        runtime.spawn(keep_up(shared, config.names));
        let doors = doors
            .into_iter()
            .map(|door| runtime.spawn(door.serve()))
            .collect();
        let addresses = Addresses {
            enrolment: enrolment_at,
            agents: agents_at,
            operators: operators_at,
        };
        Ok(Self {
            runtime,
            stop,
            doors,
            addresses,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Lets nobody in any more, answers who is in, and ends; whoever is not done within `patience` is cut off, and comes again
    /// with what was not acknowledged.
    pub fn end(self, patience: Duration) {
        let _ = self.stop.send(true);
        let doors = self.doors;
        let wait = async {
            for door in doors {
                let _ = door.await;
            }
        };
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, wait).await });
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

fn bind(address: SocketAddr, whom: &'static str) -> Result<(TcpListener, SocketAddr), ServeError> {
    let bound = TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        let at = socket.local_addr()?;
        Ok((socket, at))
    });
    bound.map_err(|source| ServeError::Listen {
        address,
        whom,
        source,
    })
}

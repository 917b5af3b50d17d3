//! From an address and a plan to a chain: connects, begins, shakes hands, tries the older way.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use groma_model::{HostName, Port, Reason};
use groma_source::{Budget, Conversation, Stream, Window, World};
use groma_tls::hello::{self, Progress};
use groma_tls::{AlertDescription, ServerName};

use crate::handshake::{self, Failure};
use crate::plan::{Approach, Plan};
use crate::starttls::{self, Refusal};

/// What came of contacting a listener.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It presented a chain.
    Presented(Presented),
    /// It answered, and not with TLS in any of the ways tried.
    NoTls,
    /// It could not be seen what it presents.
    Unseen(Reason, String),
}

/// A chain, and how it came.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) approach: Approach,
    pub(crate) chain: Vec<Vec<u8>>,
    /// Set if it came only by the older way: the version the server chose.
    pub(crate) old_version: Option<u16>,
}

/// Frames of a conversation whose room may have to be waited for: greeting, words before TLS, a long chain, leave.
const FRAMES: u32 = 60;

/// Makes connections to one host at the pace the budget allows.
pub(crate) struct Caller<'a> {
    world: &'a World,
    window: &'a Window,
    timeout: Duration,
    pause: Duration,
    last: Option<Duration>,
    host_name: Option<HostName>,
    /// What one conversation may take, without the connection itself.
    length: Duration,
    /// A connection that somebody made for the first of them.
    made: Option<Box<dyn Stream>>,
}

/// Why one attempt gave nothing.
enum Miss {
    NoTls,
    Alert(AlertDescription),
    TooOld,
    Unseen(Reason, String),
}

impl<'a> Caller<'a> {
    pub(crate) fn new(
        world: &'a World,
        window: &'a Window,
        budget: &Budget,
        host_name: Option<HostName>,
    ) -> Self {
        let rate = budget.packets_per_host_per_second.max(1);
        let timeout = Duration::from_millis(budget.network_timeout_ms.max(1));
        Self {
            world,
            window,
            timeout,
            pause: Duration::from_secs(1) / rate,
            last: None,
            host_name,
            length: timeout,
            made: None,
        }
    }

    /// The same towards another machine: what is said there waits for its turn, and that is not the other's fault.
    pub(crate) fn patiently(mut self) -> Self {
        self.length = self.timeout.saturating_add(self.pause * FRAMES);
        self
    }

    /// The same at no pace, and first over a connection that is there already.
    pub(crate) fn without_restraint(mut self, made: Option<Box<dyn Stream>>) -> Self {
        self.pause = Duration::ZERO;
        self.made = made;
        self
    }

    /// Follows `plan` at a listener until a chain is presented or the plan is at its end.
    pub(crate) fn follow(&mut self, plan: &Plan, address: IpAddr, port: Port) -> Outcome {
        let to = SocketAddr::new(address, port.0);
        let mut outcome = Outcome::NoTls;
        for &approach in plan.approaches {
            match self.approach(approach, to) {
                Ok(presented) => return Outcome::Presented(presented),
                Err(Miss::NoTls) => {}
                Err(Miss::TooOld) => {
                    outcome = Outcome::Unseen(
                        Reason::Unsupported,
                        "it chose a form of TLS that is not read".into(),
                    )
                }
                Err(Miss::Alert(alert)) => {
                    outcome = Outcome::Unseen(
                        Reason::Unsupported,
                        format!("it ended the handshake with the alert {alert:?}"),
                    )
                }
                // Silence where a greeting was expected: it may be waiting for ours.
                Err(Miss::Unseen(Reason::TimedOut, what)) => {
                    outcome = Outcome::Unseen(Reason::TimedOut, what);
                }
                Err(Miss::Unseen(reason, what)) => return Outcome::Unseen(reason, what),
            }
        }
        outcome
    }

    /// One way to begin: first as to an address, then by this host's name, then as an old client would.
    fn approach(&mut self, approach: Approach, to: SocketAddr) -> Result<Presented, Miss> {
        let presented = |chain, old_version| Presented {
            approach,
            chain,
            old_version,
        };
        let mut miss = match self.modern(approach, to, ServerName::from(to.ip())) {
            Ok(chain) => return Ok(presented(chain, None)),
            Err(miss) => miss,
        };
        if let (Miss::Alert(alert), Some(name)) = (&miss, self.server_name())
            && wants_a_name(*alert)
        {
            match self.modern(approach, to, name) {
                Ok(chain) => return Ok(presented(chain, None)),
                Err(again) => miss = again,
            }
        }
        let old = matches!(&miss, Miss::TooOld)
            || matches!(&miss, Miss::Alert(alert) if wants_an_old_client(*alert));
        if old {
            let (chain, version) = self.older(approach, to)?;
            return Ok(presented(chain, version));
        }
        Err(miss)
    }

    fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host_name.as_ref()?.as_str().to_owned()).ok()
    }

    fn modern(
        &mut self,
        approach: Approach,
        to: SocketAddr,
        name: ServerName<'static>,
    ) -> Result<Vec<Vec<u8>>, Miss> {
        let mut with = self.begin(approach, to)?;
        handshake::chain(&mut with, name, starttls::farewell(approach)).map_err(|failure| {
            match failure {
                Failure::NotTls => Miss::NoTls,
                Failure::Alert(alert) => Miss::Alert(alert),
                Failure::TooOld => Miss::TooOld,
                Failure::Broken(error) => broken(&error, "it did not finish the handshake"),
            }
        })
    }

    fn older(
        &mut self,
        approach: Approach,
        to: SocketAddr,
    ) -> Result<(Vec<Vec<u8>>, Option<u16>), Miss> {
        let mut random = [0u8; 32];
        self.world.randomness.fill(&mut random);
        let hello = hello::client_hello(random, self.host_name.as_ref().map(HostName::as_str));
        let mut with = self.begin(approach, to)?;
        let unfinished = |error: io::Error| broken(&error, "it did not answer an old hello");
        with.write_all(&hello).map_err(unfinished)?;
        with.flush().map_err(unfinished)?;
        let answer = listen(&mut with).map_err(unfinished)?;
        let _ = with.write_all(hello::GOODBYE);
        match answer {
            Some(answer) if !answer.chain.is_empty() => Ok((answer.chain, answer.version)),
            Some(hello::Answer {
                alert: Some(alert), ..
            }) => Err(Miss::Alert(AlertDescription::from(alert))),
            Some(_) => Err(Miss::TooOld),
            None => Err(Miss::NoTls),
        }
    }

    /// Connects, and says what comes before TLS.
    fn begin(&mut self, approach: Approach, to: SocketAddr) -> Result<Conversation, Miss> {
        self.wait_for_turn()?;
        let stream = match self.made.take() {
            Some(stream) => stream,
            None => self
                .world
                .network
                .connect(to, self.timeout)
                .map_err(|e| no_connection(&e))?,
        };
        let mut with = Conversation::new(stream, self.world.clock.clone(), self.length);
        match starttls::begin(approach, &mut with) {
            Ok(()) => Ok(with),
            Err(Refusal::NotOffered | Refusal::NotThisProtocol) => Err(Miss::NoTls),
            Err(Refusal::Broken(error)) => Err(broken(&error, "it did not answer before TLS")),
        }
    }

    fn wait_for_turn(&mut self) -> Result<(), Miss> {
        if let Some(last) = self.last {
            let passed = self.window.monotonic().saturating_sub(last);
            self.window.sleep(self.pause.saturating_sub(passed));
        }
        if self.window.is_over() {
            return Err(Miss::Unseen(
                Reason::BudgetExhausted,
                "the look ended before its turn".into(),
            ));
        }
        self.last = Some(self.window.monotonic());
        Ok(())
    }
}

fn listen(with: &mut Conversation) -> io::Result<Option<hello::Answer>> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let read = with.read(&mut buffer)?;
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        match hello::progress(&bytes) {
            Progress::Done(answer) => return Ok(Some(answer)),
            Progress::NotTls => return Ok(None),
            Progress::More if read == 0 => return Ok(None),
            Progress::More => {}
        }
    }
}

fn broken(error: &io::Error, what: &str) -> Miss {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Miss::NoTls,
        io::ErrorKind::PermissionDenied => {
            Miss::Unseen(Reason::Forbidden, "this look may not contact it".into())
        }
        _ => Miss::Unseen(Reason::of_io(error), what.to_owned()),
    }
}

fn no_connection(error: &io::Error) -> Miss {
    broken(error, "no connection")
}

/// What it means that a connection could not be made.
pub(crate) fn unconnected(error: &io::Error) -> Outcome {
    match no_connection(error) {
        Miss::Unseen(reason, what) => Outcome::Unseen(reason, what),
        _ => Outcome::NoTls,
    }
}

/// Alerts of a server that knows its certificates by name only.
fn wants_a_name(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::UnrecognisedName
            | AlertDescription::HandshakeFailure
            | AlertDescription::InternalError
            | AlertDescription::AccessDenied
    )
}

/// Alerts of a server that shares no version or cipher suite with a modern client.
fn wants_an_old_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
    )
}

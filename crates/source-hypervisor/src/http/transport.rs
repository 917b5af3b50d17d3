//! What lies below HTTP: a connection to one known server, and patience that ends with the look.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use groma_model::name::Peer;
use groma_source::{Stream, Window, World};
use groma_trust::Handshake;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use super::Failed;
use crate::channel;

/// How long a server may think without a byte: a large platform gathers a page for many seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The one server there is, and how it is known.
pub(super) struct Known {
    pub(super) world: World,
    pub(super) window: Window,
    pub(super) timeout: Duration,
    pub(super) peer: Peer,
    pub(super) port: u16,
    /// `None` for clear text.
    pub(super) handshake: Option<Handshake>,
    pub(super) failed: Failed,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.peer, self.port)
    }
}

impl Connector for Known {
    type Out = Session;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Session>, Error> {
        if self.window.is_over() {
            return Err(over().into());
        }
        let connected = match &self.handshake {
            Some(known) => {
                channel::secured(&self.world, &self.peer, self.port, known, self.timeout)
            }
            None => channel::reached(&self.world, &self.peer, self.port, self.timeout),
        };
        let stream = connected.map_err(|cause| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
            Error::ConnectionFailed
        })?;
        let config = details.config;
        Ok(Some(Session {
            stream: Mutex::new(stream),
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            window: self.window.clone(),
            is_secured: self.handshake.is_some(),
            is_open: true,
        }))
    }
}

/// Names are looked up where the connection is made, under the rules of that place.
#[derive(Debug)]
pub(super) struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        found.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        Ok(found)
    }
}

/// One connection.
pub(super) struct Session {
    // Never locked: a stream belongs to one thread, and HTTP asks for what several may look at.
    stream: Mutex<Box<dyn Stream>>,
    buffers: LazyBuffers,
    window: Window,
    is_secured: bool,
    is_open: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The error that says that the time of the look is used up.
pub(super) fn over() -> io::Error {
    io::Error::new(
        io::ErrorKind::QuotaExceeded,
        "the time of this look is used up",
    )
}

impl Transport for Session {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let stream = self
            .stream
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let bytes = self.buffers.output().get(..amount).unwrap_or_default();
        let written = stream.write_all(bytes).and_then(|()| stream.flush());
        self.is_open &= written.is_ok();
        Ok(written?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let stream = self
            .stream
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let read = patient(stream, self.buffers.input_append_buf(), &self.window);
        self.is_open &= matches!(read, Ok(1..));
        let read = read?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.is_open
    }

    fn is_tls(&self) -> bool {
        self.is_secured
    }
}

/// Reads once, and waits for it past the short timeout of the stream.
fn patient(stream: &mut dyn Read, into: &mut [u8], window: &Window) -> io::Result<usize> {
    let begun = window.monotonic();
    loop {
        if window.is_over() {
            return Err(over());
        }
        match stream.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if channel::is_timeout(&error) => {
                if window.monotonic().saturating_sub(begun) >= PATIENCE {
                    let why = format!("nothing came for {} seconds", PATIENCE.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, why));
                }
            }
            read => return read,
        }
    }
}

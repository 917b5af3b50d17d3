//! Our TLS below the HTTP client: it takes the settings as they are, and asks for the collector's own name.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use crate::tls::name;

/// Puts TLS on the connection it is given.
#[derive(Debug)]
pub(crate) struct Secured(pub(crate) Arc<ClientConfig>);

impl<In: Transport> Connector<In> for Secured {
    type Out = Session;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Session>, Error> {
        let below: Box<dyn Transport> = match chained {
            Some(below) => Box::new(below),
            None => return Err(Error::ConnectionFailed),
        };
        let mut socket = TransportAdapter::new(below, details.current_time.clone());
        socket.set_timeout(details.timeout);
        let client = ClientConnection::new(self.0.clone(), name()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(client, socket);
        if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
            return Err(unproved(error, stream.conn.is_handshaking()).into());
        }
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Session { stream, buffers }))
    }
}

/// Whoever ends a handshake before he has proved who he is says nothing about our certificate that counts: anybody on the way can.
fn unproved(error: io::Error, is_handshaking: bool) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::AlertReceived(alert)) if is_handshaking => io::Error::new(
            io::ErrorKind::ConnectionAborted,
            format!("it ended the handshake: {alert:?}"),
        ),
        _ => error,
    }
}

/// A connection within TLS.
pub(crate) struct Session {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Why the other side went away, if it said so: whoever refuses a certificate does that when we have begun to write already, and its word lies
    /// before us unread.
    fn last_word(&mut self, error: io::Error) -> io::Error {
        let read = self.stream.conn.read_tls(&mut self.stream.sock);
        if !read.is_ok_and(|bytes| bytes > 0) {
            return error;
        }
        match self.stream.conn.process_new_packets() {
            Err(said) => io::Error::other(said),
            Ok(_) => error,
        }
    }
}

impl Transport for Session {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        let bytes = self.buffers.output().get(..amount).unwrap_or_default();
        let written = self.stream.write_all(bytes);
        let written = written.and_then(|()| self.stream.flush());
        Ok(written.map_err(|error| self.last_word(error))?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

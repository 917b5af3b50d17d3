//! HTTP with one server that is known, in verbs that change nothing by themselves.
//!
//! Over TLS with a server that is pinned or signed for, or in clear text within this machine. A redirection is not followed, a
//! proxy is not used, no cookie is kept; a body is limited in bytes and by the time of the look. Connections are kept open as
//! long as the questions follow each other closely; every new one shakes hands again before a word is said.

mod address;
mod transport;

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::Reason;
use groma_source::{Budget, Window, World};
use groma_trust::{Handshake, Own, Trust};
use ureq::http::{HeaderMap, Request, Response};

pub(crate) use self::address::Address;
use self::transport::{Known, Nowhere};
use crate::cause::Cause;

/// What is kept whole in memory: answers that are documents.
pub(crate) const WHOLE_BYTES_MAX: u64 = 32 << 20;
/// What is read piece by piece.
pub(crate) const STREAMED_BYTES_MAX: u64 = 512 << 20;

const HEADER_BYTES_MAX: usize = 64 << 10;
/// Shorter than any server keeps a silent connection, so that a question never meets a closed one.
const IDLE: Duration = Duration::from_secs(3);

/// What can be asked for. There is no other verb, so nothing else can be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    /// A document.
    Get,
    /// An answer to a question that does not fit into an address: a log-on, a call of SOAP.
    Post,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Conversations with one server.
pub(crate) struct Http {
    agent: ureq::Agent,
    address: Address,
    window: Window,
    failed: Failed,
}

/// Why the last connection could not be had, in more words than fit into an error of HTTP.
type Failed = Arc<Mutex<Option<Cause>>>;

impl Http {
    /// Gets ready; the server is not contacted before the first question.
    ///
    /// # Errors
    /// What was named as trust or as our own certificate does not fit.
    pub(crate) fn new(
        world: &World,
        window: &Window,
        budget: &Budget,
        address: Address,
        trust: &Trust,
        own: Option<Own>,
    ) -> Result<Self, Cause> {
        let failed = Failed::default();
        let known = Known {
            world: world.clone(),
            window: window.clone(),
            timeout: Duration::from_millis(budget.network_timeout_ms.max(1)),
            peer: address.peer.clone(),
            port: address.port,
            handshake: match address.is_secured {
                true => Some(Handshake::new(trust, own)?),
                false => None,
            },
            failed: failed.clone(),
        };
        Ok(Self {
            agent: ureq::Agent::with_parts(settings(), known, Nowhere),
            address,
            window: window.clone(),
            failed,
        })
    }

    /// Asks for `path` (begins with `/`; its query with it) with `headers`. `body` goes with a [`Method::Post`] alone. No more than
    /// `most` bytes of the answer can be read.
    ///
    /// Any status is an answer, a redirection too.
    ///
    /// # Errors
    /// The server cannot be reached, is not known, does not speak HTTP, or does not answer before the look is over.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        most: u64,
    ) -> Result<Answer, Cause> {
        let mut request = Request::builder()
            .method(method.word())
            .uri(self.address.at(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match method {
            Method::Post => request.body(body).map(|request| self.agent.run(request)),
            Method::Get => request.body(()).map(|request| self.agent.run(request)),
        };
        let answered = answered.map_err(|_| unfit(path))?;
        answered
            .map(|response| Answer::of(response, most, &self.window))
            .map_err(|error| self.meaning(error))
    }

    fn meaning(&self, error: ureq::Error) -> Cause {
        let failed = self.failed.lock();
        if let Some(cause) = failed.unwrap_or_else(PoisonError::into_inner).take() {
            return cause;
        }
        match error {
            ureq::Error::Io(error) => broken(&error),
            error => Cause::new(
                format!("what answers does not speak HTTP as it should: {error}"),
                Reason::NotThisService,
                "check the url and its port",
            ),
        }
    }
}

fn settings() -> ureq::config::Config {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("groma-agent/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .max_response_header_size(HEADER_BYTES_MAX)
        .max_idle_connections(1)
        .max_idle_age(IDLE)
        .build()
}

/// The path is shown without its query, and no header at all: both may hold a secret.
fn unfit(path: &str) -> Cause {
    let path = path.split('?').next().unwrap_or_default();
    Cause::new(
        format!(
            "{path:?} cannot be asked for: it, or what goes with it, holds a character that HTTP has no place for"
        ),
        Reason::Malformed,
        "check the url, the user and the token in the access file",
    )
}

/// Why an answer ends in the middle.
pub(crate) fn broken(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Cause::new(
            error.to_string(),
            Reason::TooLarge,
            "ask for less at a time",
        ),
        io::ErrorKind::QuotaExceeded => Cause::new(
            error.to_string(),
            Reason::BudgetExhausted,
            "give the look more time",
        ),
        _ => Cause::of_io("the conversation broke off", error),
    }
}

/// What came back.
pub(crate) struct Answer {
    /// 200, 401, 500 …
    pub(crate) status: u16,
    /// As they came.
    pub(crate) headers: HeaderMap,
    /// What follows, not read yet. The next question needs a new connection unless it is read to its end.
    pub(crate) body: Body,
}

impl Answer {
    fn of(response: Response<ureq::Body>, most: u64, window: &Window) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: Body {
                reader: body.into_reader(),
                most,
                left: most,
                window: window.clone(),
            },
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// It is cut, too long, or late.
    pub(crate) fn whole(mut self) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::new();
        let read = self.body.read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| broken(&error))
    }
}

/// A body, to be read piece by piece: [`broken`] says what its errors mean.
pub(crate) struct Body {
    reader: ureq::BodyReader<'static>,
    most: u64,
    left: u64,
    window: Window,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.window.is_over() {
            return Err(transport::over());
        }
        if self.left == 0 && !into.is_empty() {
            return self.end();
        }
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let read = self.reader.read(into.get_mut(..room).unwrap_or_default())?;
        self.left = self
            .left
            .saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl Body {
    /// All that may be read was: it must be all there is.
    fn end(&mut self) -> io::Result<usize> {
        match self.reader.read(&mut [0])? {
            0 => Ok(0),
            _ => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the answer is longer than {} bytes", self.most),
            )),
        }
    }
}

#[cfg(test)]
mod tests;

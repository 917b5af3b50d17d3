//! A server of a few lines for the tests of every reader here: on loopback, in clear text or within TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::id::sha256;
use groma_source::{Stop, Window, World};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// `POST /sdk HTTP/1.1`.
    pub(crate) line: String,
    /// The lines of its head.
    pub(crate) head: Vec<String>,
    /// Its body.
    pub(crate) body: String,
}

/// Writes what comes back. An error ends the conversation.
type Answering = dyn Fn(&Asked, &mut dyn Write) -> io::Result<()> + Send + Sync;

/// A server until the end of the test program.
pub(crate) struct Server {
    /// Where it is.
    pub(crate) url: String,
    /// SHA-256 of its certificate.
    pub(crate) print: [u8; 32],
    connections: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// One in clear text.
    pub(crate) fn open(
        answer: impl Fn(&Asked, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, Arc::new(answer))
    }

    /// One within TLS, with a certificate for 127.0.0.1 that nobody signed.
    pub(crate) fn secured(
        answer: impl Fn(&Asked, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let own = (made.cert.der().clone(), PrivateKeyDer::from(key));
        Self::start(Some(own), Arc::new(answer))
    }

    fn start(
        own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        answer: Arc<Answering>,
    ) -> Self {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let scheme = if own.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", door.local_addr().unwrap());
        let print = own
            .as_ref()
            .map(|(certificate, _)| sha256(certificate))
            .unwrap_or_default();
        let settings = own.map(|(certificate, key)| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth();
            Arc::new(builder.with_single_cert(vec![certificate], key).unwrap())
        });
        let server = Self {
            url,
            print,
            connections: Arc::default(),
            asked: Arc::default(),
        };
        let (connections, asked) = (server.connections.clone(), server.asked.clone());
        std::thread::spawn(move || {
            for stream in door.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (settings, answer, asked) = (settings.clone(), answer.clone(), asked.clone());
                std::thread::spawn(move || talk(stream, settings, &*answer, &asked));
            }
        });
        server
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What was asked until now, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

fn talk(
    stream: TcpStream,
    settings: Option<Arc<ServerConfig>>,
    answer: &Answering,
    asked: &Mutex<Vec<Asked>>,
) {
    let stream: Box<dyn Both> = match settings {
        Some(settings) => {
            let connection = ServerConnection::new(settings).unwrap();
            Box::new(StreamOwned::new(connection, stream))
        }
        None => Box::new(stream),
    };
    let mut stream = BufReader::new(stream);
    while let Ok(Some(question)) = hear(&mut stream) {
        let mut all = asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(question.clone());
        drop(all);
        let answered = answer(&question, stream.get_mut());
        if answered.and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn hear(stream: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let mut line = || -> io::Result<String> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let mut asked = Asked {
        line: line()?,
        ..Asked::default()
    };
    if asked.line.is_empty() {
        return Ok(None);
    }
    loop {
        match line()? {
            empty if empty.is_empty() => break,
            header => asked.head.push(header.to_lowercase()),
        }
    }
    let length = asked
        .head
        .iter()
        .find_map(|h| h.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(asked))
}

/// Writes a whole answer of `status` with its length.
pub(crate) fn whole(out: &mut dyn Write, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// This machine, and a window that is open for `limit`.
pub(crate) fn machine(limit: Duration) -> (World, Window) {
    let world = groma_sys::this_machine(true);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, limit);
    (world, window)
}

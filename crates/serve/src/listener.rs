//! One listener: connections in, each with ends of its own, so that nobody who is slow or silent keeps anybody else waiting.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::metrics::count;
use crate::serving::Shared;
use crate::tls::{Asks, Caller};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection that was asked to end may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// What one listener grants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    connections: usize,
    /// From one request to the end of the next one's header.
    silence: Duration,
    /// One connection, whatever is said on it.
    life: Duration,
}

impl Bounds {
    /// For whoever comes.
    pub(crate) fn of_strangers() -> Self {
        Self {
            connections: 256,
            silence: Duration::from_secs(5),
            life: Duration::from_secs(60),
        }
    }

    /// For those who are known: from one heartbeat to the next a connection is kept.
    pub(crate) fn of_agents(connections: usize) -> Self {
        Self {
            connections,
            silence: Duration::from_secs(100),
            life: Duration::from_secs(1800),
        }
    }

    /// For monitoring.
    pub(crate) fn of_operators() -> Self {
        Self {
            connections: 64,
            silence: Duration::from_secs(60),
            life: Duration::from_secs(3600),
        }
    }
}

/// A listener and what stands behind it.
pub(crate) struct Door {
    pub(crate) socket: TcpListener,
    /// What is asked within TLS; nothing where there is none.
    pub(crate) asks: Option<Asks>,
    pub(crate) router: Router,
    pub(crate) bounds: Bounds,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Door {
    /// Serves until it is told to stop, and until everybody who is in is answered.
    pub(crate) async fn serve(mut self) {
        let Ok(socket) = tokio::net::TcpListener::from_std(self.socket) else {
            return;
        };
        let places = Arc::new(Semaphore::new(self.bounds.connections));
        let inside = Inside {
            asks: self.asks,
            router: self.router,
            bounds: self.bounds,
            shared: self.shared.clone(),
            stop: self.stop.clone(),
        };
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = self.stop.wait_for(|stop| *stop) => break,
            };
            let Ok((stream, _)) = accepted else {
                // No descriptor is left: whoever is in leaves some day.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                count(&self.shared.metrics.turned_away);
                self.shared
                    .journal
                    .tell_now_and_then("connection-turned-away", &[]);
                continue;
            };
            let inside = inside.clone();
            tokio::spawn(async move {
                inside.meet(stream).await;
                drop(place);
            });
        }
        let all = u32::try_from(self.bounds.connections).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    }
}

/// What each connection is given.
#[derive(Clone)]
struct Inside {
    asks: Option<Asks>,
    router: Router,
    bounds: Bounds,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
}

impl Inside {
    async fn meet(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Some(asks) = self.asks else {
            return self.talk(stream, None).await;
        };
        let tls = TlsAcceptor::from(self.shared.current().settings(asks));
        match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let shown = stream
                    .get_ref()
                    .1
                    .peer_certificates()
                    .and_then(<[_]>::first);
                let caller = shown.and_then(Caller::of);
                self.talk(stream, caller).await;
            }
            failed => {
                count(&self.shared.metrics.handshakes_failed);
                let why = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => "it took too long".to_owned(),
                };
                self.shared
                    .journal
                    .tell_now_and_then("handshake-failed", &[("because", &why)]);
            }
        }
    }

    async fn talk(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        caller: Option<Caller>,
    ) {
        let connections = &self.shared.metrics.connections;
        connections.fetch_add(1, Ordering::Relaxed);
        let router = self.router;
        let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            let mut router = router.clone();
            async move { tower_service::Service::call(&mut router, request).await }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.silence)
            .max_headers(32)
            .max_buf_size(64 << 10)
            .serve_connection(TokioIo::new(stream), answer);
        tokio::pin!(connection);
        let ended = tokio::select! {
            _ = connection.as_mut() => true,
            () = tokio::time::sleep(self.bounds.life) => false,
            _ = self.stop.wait_for(|stop| *stop) => false,
        };
        if !ended {
            connection.as_mut().graceful_shutdown();
            let _ =
                tokio::time::timeout(FAREWELL.max(self.shared.limits.body_time), connection).await;
        }
        connections.fetch_sub(1, Ordering::Relaxed);
    }
}

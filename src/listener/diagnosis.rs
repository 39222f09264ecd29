//! The diagnosis listener: a door to nowhere, on a port of its own. Takes any client certificate
//! or none, grants nothing, and tells whoever stands there what the real door would say.
//!
//! Invariants: connections in all <= `connections_max`, of one source <= a share of them; new
//! connections of one source a minute <= `per_minute_max`; questions over one connection <=
//! `QUESTIONS_MAX`; one deadline spans the whole life of
//! a connection. Nothing here touches the connections of the real door.

use super::ListenerError;
use super::accept::Backoff;
use super::source::{Source, SourcePermit, Sources};
use crate::clock::Clock;
use crate::socket::{Bound, TcpListener, TcpStream};
use crate::trust::{self, PeerChain, TlsStream, TrustState};
use std::collections::HashMap;
use std::future::Future as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};

/// Connections refused, by `reason`; `telemetry` describes it.
const REFUSED: &str = "entente_handshakes_refused_total";
/// Connections that wait to be served.
const READY_MAX: usize = 16;
/// Most questions over one connection.
const QUESTIONS_MAX: u32 = 8;
/// The window of the limit on new connections.
const WINDOW: Duration = Duration::from_secs(60);
/// Most sources whose connections are counted in one window; beyond it nobody new comes in.
const SOURCES_MAX: usize = 65_536;

/// How the diagnosis listener is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagnosisSettings {
    /// Where to listen; none: there is no such listener.
    pub address: Option<SocketAddr>,
    /// Most connections at a time.
    pub connections_max: usize,
    /// Most new connections a minute from one address (IPv6: one /64).
    pub per_minute_max: usize,
    /// Longest life of a connection, handshake included.
    pub lifetime: Duration,
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self {
            address: None,
            connections_max: 32,
            per_minute_max: 30,
            lifetime: Duration::from_secs(10),
        }
    }
}

/// A bound, not yet serving diagnosis listener.
#[derive(Debug)]
pub struct DiagnosisListener {
    tcp: Bound,
    address: SocketAddr,
    settings: DiagnosisSettings,
}

impl DiagnosisListener {
    /// Binds the address; none if the settings have none.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(settings: &DiagnosisSettings) -> Result<Option<Self>, ListenerError> {
        let Some(address) = settings.address else {
            return Ok(None);
        };
        let bound = Bound::bind(address).await;
        let (tcp, address) = bound.map_err(|reason| ListenerError::Bind { address, reason })?;
        Ok(Some(Self {
            tcp,
            address,
            settings: settings.clone(),
        }))
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `draining` turns true (or its sender is gone), in a task of its own.
    #[must_use]
    pub fn run(
        self,
        trust: Arc<TrustState>,
        clock: Arc<dyn Clock>,
        mut draining: watch::Receiver<bool>,
    ) -> mpsc::Receiver<DiagnosisIo> {
        let (ready, receiver) = mpsc::channel(READY_MAX);
        let door = Door {
            settings: self.settings,
            trust,
            clock,
            ready,
        };
        tokio::spawn(async move {
            let tcp = match self.tcp.open() {
                Ok(tcp) => tcp,
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections for diagnosis");
                    return;
                }
            };
            tokio::select! {
                () = accept_all(&tcp, Arc::new(door)) => {}
                // An error means that the gateway is gone, which is a drain too.
                _ = draining.wait_for(|draining| *draining) => {}
            }
        });
        receiver
    }
}

struct Door {
    settings: DiagnosisSettings,
    trust: Arc<TrustState>,
    clock: Arc<dyn Clock>,
    ready: mpsc::Sender<DiagnosisIo>,
}

/// Returns only when nobody takes connections any more.
async fn accept_all(tcp: &TcpListener, door: Arc<Door>) {
    let connections_max = door.settings.connections_max;
    let places = Arc::new(Semaphore::new(connections_max));
    // A quarter for one source, so that one cannot hold them all.
    let sources = Sources::new(connections_max.div_ceil(4));
    let mut rates = Rates::new(door.settings.per_minute_max);
    let mut tasks = JoinSet::new();
    let mut backoff = Backoff::default();
    while !door.ready.is_closed() {
        while tasks.try_join_next().is_some() {}
        // The place first, then the socket: what finds no place waits in the backlog.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = door.ready.closed() => return,
        };
        match accepted {
            Ok((socket, address)) => {
                backoff = Backoff::default();
                if !rates.admit(address.ip(), door.clock.monotonic()) {
                    metrics::counter!(REFUSED, "reason" => "diagnosis_rate").increment(1);
                    continue;
                }
                let Some(share) = sources.admit(address.ip()) else {
                    metrics::counter!(REFUSED, "reason" => "diagnosis_source_cap").increment(1);
                    continue;
                };
                let door = Arc::clone(&door);
                tasks.spawn(async move { door.receive(socket, address, (place, share)).await });
            }
            Err(error) => backoff.pause(&error).await,
        }
    }
}

impl Door {
    async fn receive(
        &self,
        socket: TcpStream,
        address: SocketAddr,
        permits: (OwnedSemaphorePermit, SourcePermit),
    ) {
        // Without it small messages wait for acknowledgements; it cannot fail on a live socket.
        let _ = socket.set_nodelay(true);
        let until = Instant::now() + self.settings.lifetime;
        let shaken = tokio::time::timeout_at(until, trust::handshake_open(&self.trust, socket));
        match shaken.await {
            Ok(Ok((tls, chain))) => {
                let io = DiagnosisIo {
                    tls,
                    visitor: Arc::new(Visitor {
                        chain,
                        address,
                        asked: AtomicU32::new(0),
                    }),
                    end: Box::pin(tokio::time::sleep_until(until)),
                    _permits: permits,
                };
                // Fails only when the gateway is going down.
                let _ = self.ready.send(io).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(peer = %address, code = error.code(), reason = %error,
                    "no handshake at the diagnosis listener");
            }
            Err(_elapsed) => {
                tracing::debug!(peer = %address, "no handshake in time at the diagnosis listener");
            }
        }
    }
}

/// New connections by source in the present window. Forgotten whole at the window's end, so it
/// is no larger than one window's sources, and bounded besides.
#[derive(Debug)]
struct Rates {
    per_window_max: usize,
    began: Duration,
    counts: HashMap<Source, usize>,
}

impl Rates {
    fn new(per_window_max: usize) -> Self {
        Self {
            per_window_max,
            began: Duration::ZERO,
            counts: HashMap::new(),
        }
    }

    fn admit(&mut self, address: IpAddr, now: Duration) -> bool {
        if self.began + WINDOW <= now {
            self.began = now;
            self.counts.clear();
        }
        let source = Source::of(address);
        if self.counts.len() >= SOURCES_MAX && !self.counts.contains_key(&source) {
            return false;
        }
        let count = self.counts.entry(source).or_default();
        *count += 1;
        *count <= self.per_window_max
    }
}

/// Whoever stands at the diagnosis listener.
#[derive(Debug)]
pub struct Visitor {
    /// The certificates that it sent, unjudged; leaf first.
    pub chain: PeerChain,
    /// Where it comes from.
    pub address: SocketAddr,
    asked: AtomicU32,
}

impl Visitor {
    /// Whether it may ask once more over this connection; each question costs signatures.
    pub fn may_ask(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) < QUESTIONS_MAX
    }
}

/// A connection at the diagnosis listener. Ends at its deadline, whatever happens.
#[derive(Debug)]
pub struct DiagnosisIo {
    tls: TlsStream,
    visitor: Arc<Visitor>,
    end: Pin<Box<Sleep>>,
    _permits: (OwnedSemaphorePermit, SourcePermit),
}

impl DiagnosisIo {
    /// Who stands there.
    #[must_use]
    pub fn visitor(&self) -> &Arc<Visitor> {
        &self.visitor
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        // Polled again after its end it stays ready.
        if self.end.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for DiagnosisIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_end(context)?;
        Pin::new(&mut self.tls).poll_read(context, buffer)
    }
}

impl AsyncWrite for DiagnosisIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_end(context)?;
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(context)?;
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(context)?;
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_gets_so_many_connections_a_minute_and_others_are_untouched() {
        let mut rates = Rates::new(2);
        let (a, b) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let at = Duration::from_secs;
        assert!(rates.admit(a, at(0)) && rates.admit(a, at(1)));
        assert!(!rates.admit(a, at(59)));
        assert!(rates.admit(b, at(59)));
        assert!(rates.admit(a, at(60)));
    }
}

//! The door: accepts connections under caps and deadlines, lets `trust` say who it is, and
//! hands verified connections on. Knows no gRPC and no report.
//!
//! Hands are shaken in a room of their own, behind those who are in. Invariants: handshakes in
//! flight <= `handshakes_max`; of one source <= `handshakes_per_source_max`; live connections <= `connections_max`, of one nation <= its
//! limit; one deadline spans a whole handshake; no connection outlives its certificate chain.

mod accept;
mod connections;
mod diagnosis;
mod ending;
mod farewell;
mod io;
mod pace;
mod peer;
mod places;
mod refused;
mod room;
mod source;

pub use connections::{ConnectionStatus, Connections, Cut};
pub use diagnosis::{DiagnosisIo, DiagnosisListener, DiagnosisSettings, Visitor};
pub use ending::{EndKind, Ending};
pub use io::GatewayIo;
pub use peer::Peer;
pub use refused::Returning;

use crate::clock::Clock;
use crate::identity::registry::Registry;
use crate::socket::Bound;
use crate::trust::{Profile, TrustState};
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// Verified connections that wait to be served.
const READY_MAX: usize = 64;

/// How the door is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen; port 0 lets the system choose.
    pub address: SocketAddr,
    /// What it demands of TLS.
    pub tls_profile: Profile,
    /// Most handshakes in flight; beyond it, the address with the most of them loses its oldest.
    pub handshakes_max: usize,
    /// Most handshakes in flight from one address (IPv6: one /64); beyond it, newcomers
    /// are dropped, unless the oldest has lasted a second: then that one is.
    pub handshakes_per_source_max: usize,
    /// Most handshakes a second that are begun; further ones wait for their turn.
    pub handshakes_per_second_max: usize,
    /// Most handshakes a second that are begun for one address (IPv6: one /64); further ones wait
    /// for their turn.
    pub handshakes_per_source_per_second_max: usize,
    /// Most live connections in all.
    pub connections_max: usize,
    /// Time for the whole handshake, from accept to the verified certificate.
    pub handshake_deadline: Duration,
    /// Time from the handshake to the first HTTP/2 frame.
    pub first_request_deadline: Duration,
    /// Time for calls in flight when the gateway stops.
    pub drain_deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 7443)),
            tls_profile: Profile::Default,
            handshakes_max: 512,
            handshakes_per_source_max: 128,
            // A fifth of one processor.
            handshakes_per_second_max: 500,
            // The last of those in flight waits less than the second after which it gives way.
            handshakes_per_source_per_second_max: 200,
            connections_max: 4096,
            handshake_deadline: Duration::from_secs(10),
            first_request_deadline: Duration::from_secs(10),
            drain_deadline: Duration::from_secs(20),
        }
    }
}

/// Why the door cannot open.
#[derive(Debug, Error)]
pub enum ListenerError {
    /// Occupied, forbidden, or no address of this machine.
    #[error("cannot listen on {address}: {reason}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// No thread for handshakes.
    #[error("cannot start the threads for handshakes: {0}")]
    Room(std::io::Error),
}

/// A bound, not yet serving listener.
#[derive(Debug)]
pub struct Listener {
    tcp: Bound,
    address: SocketAddr,
    settings: Settings,
    room: room::Room,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// The address or a thread cannot be had.
    pub async fn bind(settings: &Settings) -> Result<Self, ListenerError> {
        let address = settings.address;
        let bound = Bound::bind(address).await;
        let (tcp, address) = bound.map_err(|reason| ListenerError::Bind { address, reason })?;
        let room = room::Room::open().await.map_err(ListenerError::Room)?;
        Ok(Self {
            tcp,
            address,
            settings: settings.clone(),
            room,
        })
    }

    /// Where it listens, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `draining` turns true (or its sender is gone), on threads of its own.
    /// Then nothing new comes out; at the drain deadline what still lives is cut.
    ///
    /// # Panics
    /// Outside of a runtime: it is the one that the connections are served on.
    #[must_use]
    pub fn run(
        self,
        trust: Arc<TrustState>,
        connections: Arc<Connections>,
        registry: Arc<ArcSwap<Registry>>,
        clock: Arc<dyn Clock>,
        draining: watch::Receiver<bool>,
    ) -> mpsc::Receiver<GatewayIo> {
        let (ready, receiver) = mpsc::channel(READY_MAX);
        let door = accept::Door {
            settings: self.settings,
            trust,
            connections,
            registry,
            clock,
            ready,
            serving: Handle::current(),
        };
        let tcp = self.tcp;
        self.room.work(async move {
            // Registered there: who serves does not wake for each knock.
            match tcp.open() {
                Ok(tcp) => accept::run(tcp, door, draining).await,
                Err(error) => tracing::error!(%error, "cannot accept connections"),
            }
        });
        receiver
    }
}

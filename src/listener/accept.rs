//! The accept loop and what becomes of each socket. Never spins: without descriptors it waits,
//! longer each time. Never blocks on one peer: each handshake is a task of its own. Runs in the
//! room for handshakes; what it hands over belongs to the runtime that serves.

use super::Settings;
use super::connections::{CapReached, Caps, Connections};
use super::ending::EndKind;
use super::farewell::{ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, farewell};
use super::io::GatewayIo;
use super::pace::Pace;
use super::places::{Full, Place, Places};
use crate::clock::Clock;
use crate::identity::registry::Registry;
use crate::socket::{self, TcpListener, TcpStream};
use crate::trust::{self, Accepted, HandshakeError, TlsStream, TrustState};
use arc_swap::ArcSwap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// First and longest wait when the system has no descriptors or memory for us.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Connections refused, by `reason`; `telemetry` describes it.
const REFUSED: &str = "entente_handshakes_refused_total";

/// What every handshake needs.
pub(super) struct Door {
    pub(super) settings: Settings,
    pub(super) trust: Arc<TrustState>,
    pub(super) connections: Arc<Connections>,
    pub(super) registry: Arc<ArcSwap<Registry>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ready: mpsc::Sender<GatewayIo>,
    // The runtime that the connections are served on; their sockets and timers belong to it.
    pub(super) serving: Handle,
}

/// Accepts until draining, then cuts what outlives the drain deadline.
pub(super) async fn run(tcp: TcpListener, door: Door, mut draining: watch::Receiver<bool>) {
    let connections = Arc::clone(&door.connections);
    let drain_deadline = door.settings.drain_deadline;
    tokio::select! {
        () = accept_all(&tcp, Arc::new(door)) => {}
        // An error means that the gateway is gone, which is a drain too.
        _ = draining.wait_for(|draining| *draining) => {}
    }
    drop(tcp);
    tokio::time::sleep(drain_deadline).await;
    let cut = connections.end_where(|_| true, EndKind::Closing, "the gateway is shutting down");
    if cut > 0 {
        tracing::warn!(cut, "connections outlived the drain deadline");
    }
}

/// Returns only when nobody takes connections any more.
async fn accept_all(tcp: &TcpListener, door: Arc<Door>) {
    let settings = &door.settings;
    let pace = Pace::new(
        settings.handshakes_per_second_max,
        settings.handshakes_per_source_per_second_max,
    );
    let (all_max, per_source_max) = (settings.handshakes_max, settings.handshakes_per_source_max);
    let places = Places::new(all_max, per_source_max, pace);
    // Dropped with this future, which ends the handshakes in flight.
    let mut tasks = JoinSet::new();
    let mut backoff = Backoff::default();
    let mut flood = Flood::default();
    while !door.ready.is_closed() {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = socket::accept(tcp, &door.serving) => accepted,
            () = door.ready.closed() => return,
        };
        match accepted {
            Ok((socket, address)) => {
                backoff = Backoff::default();
                let now = door.clock.monotonic();
                match places.take(address.ip(), now) {
                    Ok(place) => {
                        let door = Arc::clone(&door);
                        tasks.spawn(async move { door.receive(socket, address, place).await });
                    }
                    Err(full) => flood.turned_away(address, full, now),
                }
            }
            Err(error) => backoff.pause(&error).await,
        }
    }
}

/// Connections dropped before their handshake. One line a second at most: a flood of
/// connections must not become a flood of lines.
#[derive(Debug, Default)]
struct Flood {
    told_at: Option<Duration>,
    untold: u64,
}

impl Flood {
    const TELL_EVERY: Duration = Duration::from_secs(1);

    fn turned_away(&mut self, address: SocketAddr, full: Full, now: Duration) {
        let (code, reason) = match full {
            Full::Source => (
                "source_cap",
                "too many handshakes in flight from this address",
            ),
            Full::All => (
                "handshake_cap",
                "too many handshakes in flight from all addresses",
            ),
        };
        metrics::counter!(REFUSED, "reason" => code).increment(1);
        if self
            .told_at
            .is_some_and(|told| now < told + Self::TELL_EVERY)
        {
            self.untold += 1;
            return;
        }
        tracing::warn!(peer = %address, code, reason, more = self.untold, "connection refused");
        self.told_at = Some(now);
        self.untold = 0;
    }
}

/// How long to wait after an accept failed.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// Waits as the error demands.
    pub(super) async fn pause(&mut self, error: &io::Error) {
        if let Some(wait) = self.after(error) {
            tracing::warn!(%error, ?wait, "cannot accept connections for now");
            tokio::time::sleep(wait).await;
        }
    }

    /// None for errors of one connection; those say nothing about the next.
    fn after(&mut self, error: &io::Error) -> Option<Duration> {
        use io::ErrorKind as K;
        if matches!(
            error.kind(),
            K::ConnectionAborted | K::ConnectionReset | K::Interrupted | K::WouldBlock
        ) {
            return None;
        }
        let wait = self
            .last
            .map_or(BACKOFF_MIN, |last| (last * 2).min(BACKOFF_MAX));
        self.last = Some(wait);
        Some(wait)
    }
}

impl Door {
    /// One socket from accept to the hand-over, which the place is held for.
    async fn receive(&self, socket: TcpStream, address: SocketAddr, place: Place) {
        // Without it small messages wait for acknowledgements; it cannot fail on a live socket.
        let _ = socket.set_nodelay(true);
        let deadline = self.settings.handshake_deadline;
        let wait = place.begins().saturating_sub(self.clock.monotonic());
        let handshake = async {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let handshake = trust::handshake(&self.trust, socket, self.settings.tls_profile);
            tokio::time::timeout(deadline, handshake).await
        };
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            () = place.given_away() => {
                metrics::counter!(REFUSED, "reason" => "gave_way").increment(1);
                tracing::warn!(peer = %address, code = "gave_way", "connection refused: others \
                    needed its place before the handshake was done");
                return;
            }
        };
        let accepted = match shaken {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(error)) => {
                log_refusal(address, &error);
                self.remember(address, &error);
                if let HandshakeError::RefusedLate { error, stream, .. } = error {
                    farewell(*stream, INADEQUATE_SECURITY, &error.to_string()).await;
                }
                return;
            }
            Err(_elapsed) => {
                metrics::counter!(REFUSED, "reason" => "handshake_deadline").increment(1);
                tracing::warn!(peer = %address, code = "handshake_deadline", ?deadline,
                    "connection refused: the handshake did not end in time");
                return;
            }
        };
        if let Some(io) = self.admit(accepted, address).await {
            // Fails only when the gateway is going down.
            let _ = self.ready.send(io).await;
        }
    }

    /// Remembers a certificate that was refused, to say later whom a change would let in.
    fn remember(&self, address: SocketAddr, error: &HandshakeError) {
        let (HandshakeError::Refused { error, chain, .. }
        | HandshakeError::RefusedLate { error, chain, .. }) = error
        else {
            return;
        };
        let (profile, now) = (self.settings.tls_profile, self.clock.now());
        let refusals = &self.connections.refusals;
        refusals.note(chain, profile, address, error, now);
    }

    async fn admit(&self, accepted: Accepted, address: SocketAddr) -> Option<GatewayIo> {
        let Accepted {
            stream,
            chain,
            peer,
        } = accepted;
        let nation = peer.identity.nation;
        let limits = self.registry.load().nation(nation).map(|n| n.limits);
        let caps = Caps {
            all: self.settings.connections_max,
            // A nation that was just withdrawn: nobody of it comes in.
            nation: limits.map_or(0, |l| l.connections_max),
        };
        let (serial, epoch) = (peer.serial_hex.clone(), peer.epoch);
        let (profile, now) = (peer.profile, self.clock.now());
        let registered = self
            .connections
            .register(peer, chain.clone(), address, caps, &self.clock);
        let registration = match registered {
            Ok(registration) => registration,
            Err(reason) => {
                turn_away(stream, address, &serial, &reason).await;
                return None;
            }
        };
        let peer = Arc::clone(&registration.peer);
        // A reload between handshake and registration did not see this connection.
        let snapshot = self.trust.snapshot();
        if snapshot.epoch() != epoch
            && let Err(error) = snapshot.verify_for(&chain, now, profile)
        {
            metrics::counter!(REFUSED, "reason" => error.code()).increment(1);
            tracing::warn!(parent: peer.span(), serial, code = error.code(), reason = %error,
                "connection refused");
            self.connections
                .refusals
                .note(&chain, profile, address, &error, now);
            farewell(stream, INADEQUATE_SECURITY, &error.to_string()).await;
            return None;
        }
        tracing::info!(parent: peer.span(), serial, valid_until = %peer.identity().valid_until,
            "connection accepted");
        if let Some(since) = peer.identity().list_overdue_since {
            tracing::warn!(parent: peer.span(), serial, %since, "accepted although the revocation \
                list is past its renewal (trust.danger_accept_expired_lists_for)");
        }
        let first = self.settings.first_request_deadline;
        let _its_timer = self.serving.enter();
        Some(GatewayIo::new(
            stream,
            registration,
            Arc::clone(&self.clock),
            first,
        ))
    }
}

fn log_refusal(address: SocketAddr, error: &HandshakeError) {
    let code = error.code();
    metrics::counter!(REFUSED, "reason" => code).increment(1);
    match error {
        HandshakeError::Refused { error, claim, .. }
        | HandshakeError::RefusedLate { error, claim, .. } => {
            let claimed = claim.uri.as_deref().unwrap_or("-");
            let serial = claim.serial_hex.as_deref().unwrap_or("-");
            tracing::warn!(peer = %address, code, claimed, serial, reason = %error,
                "connection refused");
        }
        HandshakeError::Own(_) => {
            tracing::error!(peer = %address, code, reason = %error, "connection refused");
        }
        HandshakeError::NoH2 | HandshakeError::Tls(_) | HandshakeError::PeerRefused { .. } => {
            tracing::warn!(peer = %address, code, reason = %error, "connection refused");
        }
        // Port scans and probes of load balancers: nothing to act on.
        HandshakeError::Broken(_) => {
            tracing::debug!(peer = %address, code, reason = %error, "connection went away");
        }
    }
}

/// Logs that there is no place for a verified peer, and tells it.
async fn turn_away(tls: TlsStream, address: SocketAddr, serial: &str, reason: &CapReached) {
    metrics::counter!(REFUSED, "reason" => "connection_cap").increment(1);
    tracing::warn!(peer = %address, serial, code = "connection_cap", %reason, "connection refused");
    farewell(tls, ENHANCE_YOUR_CALM, &reason.to_string()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_descriptors_each_wait_is_longer_up_to_a_second() {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM.
        for code in [24, 23, 105, 12] {
            let error = io::Error::from_raw_os_error(code);
            let mut backoff = Backoff::default();
            assert_eq!(backoff.after(&error), Some(BACKOFF_MIN), "{error}");
            let waits: Vec<_> = (0..10).filter_map(|_| backoff.after(&error)).collect();
            assert!(waits.is_sorted());
            assert_eq!(waits.last(), Some(&BACKOFF_MAX));
        }
    }

    #[test]
    fn one_connection_that_went_away_delays_nobody() {
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(Backoff::default().after(&aborted), None);
    }
}

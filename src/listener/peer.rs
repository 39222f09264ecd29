//! The other end of a live connection, shared by everything that serves it, with the switch
//! that ends it. Ended once, with one reason, which every call on it can pass to the peer.

use crate::trust::PeerIdentity;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tracing::Span;

/// A verified peer on a live connection.
#[derive(Debug)]
pub struct Peer {
    identity: PeerIdentity,
    address: SocketAddr,
    number: u64,
    span: Span,
    reason: OnceLock<String>,
    ended: Arc<Notify>,
}

impl Peer {
    pub(super) fn new(identity: PeerIdentity, address: SocketAddr, number: u64) -> Self {
        let span = tracing::info_span!(
            "connection",
            number,
            peer = %address,
            nation = %identity.identity.nation,
            system = %identity.identity.system,
        );
        Self {
            identity,
            address,
            number,
            span,
            reason: OnceLock::new(),
            ended: Arc::new(Notify::new()),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// Where it connects from.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Number of the connection in this run of the gateway, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The connection's span; parent of its calls' spans.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Ends the connection: calls see the reason at once and the connection closes shortly
    /// after. The first reason stands.
    pub fn end(&self, reason: &str) {
        if self.reason.set(reason.to_owned()).is_ok() {
            tracing::info!(parent: &self.span, reason, "connection is being ended");
            self.ended.notify_waiters();
        }
    }

    /// Why it was ended; none while it lives.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Resolves with the reason once the connection is ended.
    pub async fn cut(&self) -> String {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // Listening before looking, so that no end slips between.
            ended.as_mut().enable();
            if let Some(reason) = self.reason() {
                return reason.to_owned();
            }
            ended.await;
        }
    }

    /// Wakes when the connection is ended. Look at [`Self::reason`] after making it.
    pub(super) fn ended(&self) -> OwnedNotified {
        Arc::clone(&self.ended).notified_owned()
    }
}

//! The other end of a live connection, shared by everything that serves it, with the switch
//! that ends it. Ended once, with one reason, which every call on it can pass to the peer.

use super::ending::{EndKind, Ending};
use crate::trust::PeerIdentity;
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
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
    since: Timestamp,
    term: ArcSwap<Term>,
    ending: OnceLock<Ending>,
    // Set when a change of trust ended it: when that change came into force.
    cut_by_change_of: OnceLock<Duration>,
    ended: Arc<Notify>,
}

/// When a connection ends by itself, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) until: Timestamp,
    pub(super) why: Ending,
}

impl Term {
    fn of(identity: &PeerIdentity, since: Timestamp) -> Self {
        let until = identity.valid_until;
        let reason = if identity.is_retiring {
            let anchor = &identity.anchor_subject;
            format!("its authority `{anchor}` retired at {until}")
        } else {
            format!("the certificate chain ended at {until}")
        };
        let why = Ending {
            kind: EndKind::Distrust,
            reason,
        };
        let Some(longest) = identity.profile.session_max() else {
            return Self { until, why };
        };
        let session_end = SignedDuration::try_from(longest)
            .ok()
            .and_then(|longest| since.checked_add(longest).ok())
            .unwrap_or(Timestamp::MAX);
        if until <= session_end {
            return Self { until, why };
        }
        let (hours, profile) = (longest.as_secs() / 3600, identity.profile);
        Self {
            until: session_end,
            why: Ending {
                kind: EndKind::SessionLimit,
                reason: format!(
                    "it has lasted {hours} hours, the longest that the profile {profile} \
                     allows; connect again"
                ),
            },
        }
    }
}

impl Peer {
    pub(super) fn new(
        identity: PeerIdentity,
        address: SocketAddr,
        number: u64,
        since: Timestamp,
    ) -> Self {
        let span = tracing::info_span!(
            "connection",
            number,
            peer = %address,
            nation = %identity.identity.nation,
            system = %identity.identity.system,
        );
        Self {
            term: ArcSwap::from_pointee(Term::of(&identity, since)),
            identity,
            address,
            number,
            span,
            since,
            ending: OnceLock::new(),
            cut_by_change_of: OnceLock::new(),
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
    pub fn end(&self, kind: EndKind, reason: &str) {
        let ending = Ending {
            kind,
            reason: reason.to_owned(),
        };
        if self.ending.set(ending).is_ok() {
            tracing::info!(parent: &self.span, reason, ?kind, "connection is being ended");
            self.ended.notify_waiters();
        }
    }

    /// Ends the connection because of a change of trust that came into force then.
    pub(super) fn cut_by_change(&self, reason: &str, accepted_at: Duration) {
        if self.ending.get().is_none() {
            let _already_ending = self.cut_by_change_of.set(accepted_at);
        }
        self.end(EndKind::Distrust, reason);
    }

    /// When the change of trust came into force that ended it.
    pub(super) fn cut_by_change_of(&self) -> Option<Duration> {
        self.cut_by_change_of.get().copied()
    }

    /// Takes over the end that a new verification found.
    pub(super) fn renew_term(&self, verified: &PeerIdentity) {
        let term = Term::of(verified, self.since);
        if **self.term.load() != term {
            self.term.store(Arc::new(term));
            // Those who wait look again.
            self.ended.notify_waiters();
        }
    }

    /// When it ends by itself, and why.
    pub(super) fn term(&self) -> Arc<Term> {
        self.term.load_full()
    }

    /// When the connection ends by itself.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.term.load().until
    }

    /// Why it was ended; none while it lives.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.ending.get().map(|ending| ending.reason.as_str())
    }

    /// Resolves with the kind of the end and its reason once the connection is ended.
    pub async fn cut(&self) -> Ending {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // Listening before looking, so that no end slips between.
            ended.as_mut().enable();
            if let Some(ending) = self.ending.get() {
                return ending.clone();
            }
            ended.await;
        }
    }

    /// Wakes when the connection is ended, or its term changed. Look at [`Self::reason`] after
    /// making it.
    pub(super) fn ended(&self) -> OwnedNotified {
        Arc::clone(&self.ended).notified_owned()
    }
}

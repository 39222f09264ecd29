//! The only place that sees tonic: the contract's services over intake and feed.
//!
//! Every call carries the identity of its connection; no service trusts a name in a message, but
//! for `CascadeService`, as far as the operator lets a relay vouch for other nations.

mod cascade;
mod certificate;
pub mod changes;
pub mod diagnosis;
mod feed;
pub mod health;
pub mod null;
mod operations;
pub mod peer;
mod retention;
pub mod server;
pub mod status;
mod submission;
mod terms;
mod trust;

pub use crate::wire::relayed::is_gateway_name;

use crate::admission::{Admission, Quota};
use crate::clock::Clock;
use crate::feed::Feed;
use crate::feed::places::Places;
use crate::identity::NationCode;
use crate::identity::registry::{Registry, Rights};
use crate::intake::Intake;
use crate::listener::{Connections, Peer};
use crate::pki::Renewals;
use crate::retention::Retention;
use crate::trust::TrustState;
use arc_swap::ArcSwap;
use changes::TrustChanges;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use tonic::{Request, Status};

/// How the services behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest message, bytes; a larger one ends its stream, with this limit in the status.
    pub message_bytes_max: usize,
    /// Most streams and calls of one connection at a time.
    pub concurrent_streams_max: u32,
    /// Most reports of one stream that are judged together.
    pub chunk_reports_max: usize,
    /// Bytes after which a chunk is closed.
    pub chunk_bytes_max: usize,
    /// Most chunks of one stream between intake and acknowledgement.
    pub chunks_in_flight_max: usize,
    /// Whether server reflection is offered.
    pub reflection: bool,
    /// Name of this gateway among those that hand records on to each other; empty: it takes none.
    pub gateway_name: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            message_bytes_max: 1024 * 1024,
            concurrent_streams_max: 64,
            chunk_reports_max: 512,
            chunk_bytes_max: 1024 * 1024,
            chunks_in_flight_max: 8,
            reflection: true,
            gateway_name: String::new(),
        }
    }
}

/// What every service needs.
pub struct Doors {
    /// Takes reports.
    pub intake: Arc<Intake>,
    /// Gives records.
    pub feed: Arc<Feed>,
    /// The nations and their rights.
    pub registry: Arc<ArcSwap<Registry>>,
    /// Quotas.
    pub admission: Admission,
    /// Live connections.
    pub connections: Arc<Connections>,
    /// Anchors and revocation lists.
    pub trust: Arc<TrustState>,
    /// Where operators change trust.
    pub changes: Arc<dyn TrustChanges>,
    /// How long the feed is kept.
    pub retention: Arc<Retention>,
    /// Renewal of certificates over the wire.
    pub renewals: Arc<Renewals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How the services behave.
    pub settings: Settings,
    /// Places for subscriptions.
    pub subscriptions: Arc<Places>,
    /// Turns true when the gateway drains: streams end, so that clients go elsewhere.
    pub draining: watch::Receiver<bool>,
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Who calls: the connection's identity, and what it may do at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    peer: Arc<Peer>,
    rights: Rights,
}

impl Doors {
    /// The caller of a request.
    fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let peer = request
            .extensions()
            .get::<Arc<Peer>>()
            .cloned()
            .ok_or_else(status::no_identity)?;
        let rights = self.registry.load().rights_of(&peer.identity().identity);
        Ok(Caller { peer, rights })
    }

    /// The caller of a request that hands in reports, and its quota.
    fn submitter<T>(&self, request: &Request<T>) -> Result<(Caller, Quota), Status> {
        let caller = self.caller(request)?;
        let quota = self
            .admission
            .quota(&caller.peer.identity().identity, &self.registry.load());
        match quota {
            Some(quota) if caller.rights.submit => Ok((caller, quota)),
            _ => Err(status::right_missing("submit reports")),
        }
    }

    /// The caller of a request that hands in records of another feed, its quota, and the nations
    /// that it may vouch for.
    fn relay<T>(
        &self,
        request: &Request<T>,
    ) -> Result<(Caller, Quota, BTreeSet<NationCode>), Status> {
        let caller = self.caller(request)?;
        let registry = self.registry.load();
        let identity = &caller.peer.identity().identity;
        let nation = registry.nation(identity.nation);
        match (nation, self.admission.quota(identity, &registry)) {
            (Some(nation), Some(quota)) if caller.rights.relay => {
                let vouches_for = nation.vouches_for.clone();
                Ok((caller, quota, vouches_for))
            }
            _ => Err(status::right_missing("hand on records")),
        }
    }

    /// The caller of a request that reads the feed.
    fn reader<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let caller = self.caller(request)?;
        if caller.rights.read {
            Ok(caller)
        } else {
            Err(status::right_missing("read the feed"))
        }
    }
}

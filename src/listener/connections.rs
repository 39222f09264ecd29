//! Live connections: counted by nation, listed for operators, ended when they are no longer
//! believed. A connection is here from before its first request until its socket is dropped.

use super::peer::Peer;
use crate::identity::NationCode;
use crate::trust::{PeerChain, PeerIdentity, TrustState};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// The live connections.
#[derive(Debug, Default)]
pub struct Connections {
    // One lock for both; held only to look and to write, never while verifying.
    live: Mutex<Live>,
}

#[derive(Debug, Default)]
struct Live {
    last_number: u64,
    by_number: HashMap<u64, Connection>,
    by_nation: BTreeMap<NationCode, u32>,
}

#[derive(Debug)]
struct Connection {
    peer: Arc<Peer>,
    chain: PeerChain,
    since: Timestamp,
}

/// What operators see of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionStatus {
    /// Number in this run of the gateway.
    pub number: u64,
    /// Who it is.
    pub identity: PeerIdentity,
    /// Where it connects from.
    pub address: SocketAddr,
    /// Since when.
    pub since: Timestamp,
}

/// Why a verified peer may not connect now.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum CapReached {
    #[error("{nation} already has {connections_max} live connections, its limit")]
    Nation {
        nation: NationCode,
        connections_max: u32,
    },
    #[error("the gateway already has {connections_max} live connections, its limit")]
    All { connections_max: usize },
}

/// Caps for one registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) all: usize,
    pub(super) nation: u32,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Live connections of a nation.
    #[must_use]
    pub fn count(&self, nation: NationCode) -> u32 {
        self.lock().by_nation.get(&nation).copied().unwrap_or(0)
    }

    /// Live connections in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.lock().by_number.len()
    }

    /// Every live connection, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<ConnectionStatus> {
        let live = self.lock();
        let mut all: Vec<_> = live
            .by_number
            .values()
            .map(|c| ConnectionStatus {
                number: c.peer.number(),
                identity: c.peer.identity().clone(),
                address: c.peer.address(),
                since: c.since,
            })
            .collect();
        drop(live);
        all.sort_by_key(|c| c.number);
        all
    }

    /// Ends the connections that `concerned` picks, and says how many.
    pub fn end_where(&self, concerned: impl Fn(&Peer) -> bool, reason: &str) -> usize {
        let peers = self.peers();
        let picked = peers.iter().filter(|(peer, _)| concerned(peer));
        picked.map(|(peer, _)| peer.end(reason)).count()
    }

    /// Verifies every live connection against the trust now in force, and ends exactly those
    /// that no longer pass, each with its reason; says how many. Some 0.3 ms of work for each
    /// certificate: not for an async worker.
    pub fn recheck(&self, trust: &TrustState) -> usize {
        let snapshot = trust.snapshot();
        let now = trust.clock().now();
        // Many connections of one system share a chain; each chain is verified once.
        let mut judged: HashMap<PeerChain, Option<String>> = HashMap::new();
        let mut ended = 0;
        for (peer, chain) in self.peers() {
            if peer.reason().is_some() {
                continue;
            }
            let verdict = judged.entry(chain).or_insert_with_key(|chain| {
                snapshot
                    .verify_live(chain, now)
                    .err()
                    .map(|error| error.to_string())
            });
            if let Some(reason) = verdict {
                peer.end(reason);
                ended += 1;
            }
        }
        ended
    }

    /// Takes a connection in, if the caps allow it.
    pub(super) fn register(
        self: &Arc<Self>,
        identity: PeerIdentity,
        chain: PeerChain,
        address: SocketAddr,
        caps: Caps,
        now: Timestamp,
    ) -> Result<Registration, CapReached> {
        let nation = identity.identity.nation;
        let mut live = self.lock();
        if live.by_number.len() >= caps.all {
            return Err(CapReached::All {
                connections_max: caps.all,
            });
        }
        let of_nation = live.by_nation.entry(nation).or_default();
        if *of_nation >= caps.nation {
            return Err(CapReached::Nation {
                nation,
                connections_max: caps.nation,
            });
        }
        *of_nation += 1;
        live.last_number += 1;
        let number = live.last_number;
        let peer = Arc::new(Peer::new(identity, address, number));
        live.by_number.insert(
            number,
            Connection {
                peer: Arc::clone(&peer),
                chain,
                since: now,
            },
        );
        Ok(Registration {
            connections: Arc::clone(self),
            peer,
        })
    }

    fn peers(&self) -> Vec<(Arc<Peer>, PeerChain)> {
        let live = self.lock();
        let all = live.by_number.values();
        all.map(|c| (Arc::clone(&c.peer), c.chain.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // Every section leaves the maps sound, so a panic elsewhere does not matter.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the live connections; given back when dropped.
#[derive(Debug)]
pub(super) struct Registration {
    connections: Arc<Connections>,
    pub(super) peer: Arc<Peer>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let nation = self.peer.identity().identity.nation;
        let mut live = self.connections.lock();
        live.by_number.remove(&self.peer.number());
        if let Some(count) = live.by_nation.get_mut(&nation) {
            *count = count.saturating_sub(1);
        }
        drop(live);
        let reason = self.peer.reason().unwrap_or("by the peer");
        tracing::info!(parent: self.peer.span(), reason, "connection closed");
    }
}

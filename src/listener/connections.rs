//! Live connections: counted by nation, listed for operators, ended when they are no longer
//! believed. A connection is here from before its first request until its socket is dropped.

use super::ending::EndKind;
use super::peer::Peer;
use super::refused::{Refusals, Returning};
use crate::clock::Clock;
use crate::identity::NationCode;
use crate::telemetry;
use crate::trust::{PeerChain, PeerIdentity, Profile, TrustSnapshot, TrustState};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// So few verifications are not worth a thread of their own.
const PARALLEL_MIN: usize = 16;

/// The live connections.
#[derive(Debug, Default)]
pub struct Connections {
    // One lock for both; held only to look and to write, never while verifying.
    live: Mutex<Live>,
    // Who was refused lately, to say whom a change would let in.
    pub(super) refusals: Refusals,
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

/// A connection that a change of trust ends, or would end.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The connection.
    pub peer: Arc<Peer>,
    /// Why.
    pub reason: String,
}

impl Cut {
    /// Ends the connection because of a change of trust that came into force then.
    pub fn make(&self, accepted_at: Duration) {
        self.peer.cut_by_change(&self.reason, accepted_at);
    }
}

/// Does the work on every item, on as many cores as there are; in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: &(impl Fn(&T) -> Option<R> + Sync)) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores).max(PARALLEL_MIN);
    if items.len() <= share {
        return items.iter().filter_map(work).collect();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().filter_map(work).collect::<Vec<_>>()))
            .collect();
        let done = threads.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.flatten().collect()
    })
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
    pub fn end_where(
        &self,
        concerned: impl Fn(&Peer) -> bool,
        kind: EndKind,
        reason: &str,
    ) -> usize {
        let peers = self.peers();
        let picked = peers.iter().filter(|(peer, _)| concerned(peer));
        picked.map(|(peer, _)| peer.end(kind, reason)).count()
    }

    /// Verifies every live connection against the trust now in force, and ends exactly those
    /// that no longer pass, each with its reason; says how many. Some 0.3 ms of work for each
    /// certificate: not for an async worker.
    pub fn recheck(&self, trust: &TrustState) -> usize {
        self.recheck_after(trust, None).len()
    }

    /// As [`Self::recheck`]; connections of nations whose trust is the same as in `before`
    /// are left alone. Gives those that were ended.
    pub fn recheck_after(&self, trust: &TrustState, before: Option<&TrustSnapshot>) -> Vec<Cut> {
        let epoch = trust.current();
        let now = trust.clock().now();
        let accepted_at = if before.is_some() {
            epoch.accepted_at
        } else {
            trust.clock().monotonic()
        };
        self.judge(
            &epoch.snapshot,
            before,
            now,
            |peer, verdict| match verdict {
                Ok(verified) => peer.renew_term(verified),
                Err(reason) => peer.cut_by_change(reason, accepted_at),
            },
        )
    }

    /// What [`Self::recheck_after`] would end if `next` came into force; ends nothing.
    #[must_use]
    pub fn preview(
        &self,
        next: &TrustSnapshot,
        before: &TrustSnapshot,
        now: Timestamp,
    ) -> Vec<Cut> {
        self.judge(next, Some(before), now, |_, _| ())
    }

    /// Who was refused lately and would come in if `next` came into force; as far as remembered.
    #[must_use]
    pub fn returning(
        &self,
        next: &TrustSnapshot,
        before: &TrustSnapshot,
        now: Timestamp,
    ) -> Vec<Returning> {
        self.refusals.returning(next, before, now)
    }

    /// The live connections for which `concerned` has a reason to end.
    pub fn pick(&self, concerned: impl Fn(&Peer) -> Option<String>) -> Vec<Cut> {
        let live = self.peers().into_iter();
        live.filter(|(peer, _)| peer.reason().is_none())
            .filter_map(|(peer, _)| concerned(&peer).map(|reason| Cut { peer, reason }))
            .collect()
    }

    /// Verifies live connections again, doubtful ones first, so that what has to end does not
    /// wait for what stays.
    fn judge(
        &self,
        next: &TrustSnapshot,
        before: Option<&TrustSnapshot>,
        now: Timestamp,
        act: impl Fn(&Peer, Result<&PeerIdentity, &str>) + Sync,
    ) -> Vec<Cut> {
        // Many connections of one system share a chain; each chain is verified once.
        let mut chains: HashMap<(PeerChain, Profile), Vec<Arc<Peer>>> = HashMap::new();
        for (peer, chain) in self.peers() {
            let domain = &peer.identity().spiffe_id.domain;
            let is_same = before.is_some_and(|before| next.is_same_for(before, domain));
            if peer.reason().is_none() && !is_same {
                let profile = peer.identity().profile;
                chains.entry((chain, profile)).or_default().push(peer);
            }
        }
        let (doubtful, others): (Vec<_>, Vec<_>) = chains
            .into_iter()
            .partition(|(_, peers)| peers.iter().any(|p| next.doubts(p.identity(), now)));
        let verify = |((chain, profile), peers): &((PeerChain, Profile), Vec<Arc<Peer>>)| {
            let verdict = next.verify_live(chain, now, *profile);
            let verdict = verdict.map_err(|error| error.to_string());
            for peer in peers {
                act(peer, verdict.as_ref().map_err(String::as_str));
            }
            let reason = verdict.err()?;
            let cut = |peer: &Arc<Peer>| Cut {
                peer: Arc::clone(peer),
                reason: reason.clone(),
            };
            Some(peers.iter().map(cut).collect::<Vec<_>>())
        };
        let mut cuts = in_parallel(&doubtful, &verify);
        cuts.extend(in_parallel(&others, &verify));
        let mut cuts: Vec<_> = cuts.into_iter().flatten().collect();
        cuts.sort_by_key(|cut| cut.peer.number());
        cuts
    }

    /// Takes a connection in, if the caps allow it.
    pub(super) fn register(
        self: &Arc<Self>,
        identity: PeerIdentity,
        chain: PeerChain,
        address: SocketAddr,
        caps: Caps,
        clock: &Arc<dyn Clock>,
    ) -> Result<Registration, CapReached> {
        let now = clock.now();
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
        let peer = Arc::new(Peer::new(identity, address, number, now));
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
            clock: Arc::clone(clock),
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
    clock: Arc<dyn Clock>,
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
        if let Some(accepted_at) = self.peer.cut_by_change_of() {
            telemetry::trust_cut(self.clock.monotonic().saturating_sub(accepted_at));
        }
        let reason = self.peer.reason().unwrap_or("by the peer");
        tracing::info!(parent: self.peer.span(), reason, "connection closed");
    }
}

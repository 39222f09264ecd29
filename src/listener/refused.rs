//! Who was refused lately, to say whom a change of trust would let in.
//!
//! Invariants: at most `REMEMBERED_MAX` chains of at most `CHAIN_BYTES_MAX` each; when full, the
//! oldest of the trust domain that has most goes (unknown ones count as one), so that one
//! nation's refusals cannot make the gateway forget another's.

use crate::identity::Identity;
use crate::trust::{PeerChain, Profile, TrustError, TrustSnapshot};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most chains that are remembered.
const REMEMBERED_MAX: usize = 256;
/// Largest chain that is remembered, bytes; those of nations are far smaller.
const CHAIN_BYTES_MAX: usize = 16 * 1024;

/// Chains that were refused lately, each once.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<PeerChain, Refusal>>);

#[derive(Clone, Debug)]
struct Refusal {
    domain: String,
    profile: Profile,
    address: SocketAddr,
    reason: String,
    at: Timestamp,
}

/// A system whose certificate was refused lately and would be taken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returning {
    /// Nation and system.
    pub identity: Identity,
    /// Serial number of the certificate, lower-case hexadecimal.
    pub serial_hex: String,
    /// Who showed it the last time: whoever was refused has not always proven its key, and a
    /// certificate is no secret.
    pub address: SocketAddr,
    /// When that was.
    pub refused_at: Timestamp,
    /// Why it was refused.
    pub reason: String,
}

impl Refusals {
    /// Remembers a refusal; what claims no identity is not worth it.
    pub(super) fn note(
        &self,
        chain: &PeerChain,
        profile: Profile,
        address: SocketAddr,
        error: &TrustError,
        at: Timestamp,
    ) {
        let domain = match (error, chain.claimed_domain()) {
            (_, None) => return,
            // Strangers share one place, for they may claim as many domains as they like.
            (TrustError::UnknownDomain(_), _) => String::new(),
            (_, Some(domain)) => domain,
        };
        if chain.size() > CHAIN_BYTES_MAX {
            return;
        }
        let mut known = self.lock();
        if known.len() >= REMEMBERED_MAX && !known.contains_key(chain) {
            forget_one(&mut known);
        }
        let refusal = Refusal {
            domain,
            profile,
            address,
            reason: error.to_string(),
            at,
        };
        known.insert(chain.clone(), refusal);
    }

    /// Those who would be refused by `before` and not by `next`, by identity.
    pub(super) fn returning(
        &self,
        next: &TrustSnapshot,
        before: &TrustSnapshot,
        now: Timestamp,
    ) -> Vec<Returning> {
        // Verified without the lock, which handshakes need.
        let copied = self.lock().clone();
        let passes = copied.into_iter().filter_map(|(chain, refusal)| {
            let peer = next.verify_for(&chain, now, refusal.profile).ok()?;
            let is_same = next.is_same_for(before, &peer.spiffe_id.domain);
            if is_same || before.verify_for(&chain, now, refusal.profile).is_ok() {
                return None;
            }
            Some(Returning {
                identity: peer.identity,
                serial_hex: peer.serial_hex,
                address: refusal.address,
                refused_at: refusal.at,
                reason: refusal.reason,
            })
        });
        let mut all: Vec<_> = passes.collect();
        all.sort_by(|a, b| (&a.identity, &a.serial_hex).cmp(&(&b.identity, &b.serial_hex)));
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerChain, Refusal>> {
        // Every section leaves the map sound, so a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the oldest of the domain that has most.
fn forget_one(known: &mut HashMap<PeerChain, Refusal>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for refusal in known.values() {
        *counts.entry(&refusal.domain).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    let most = most.map(|(domain, _)| domain.to_owned());
    let of_most = known
        .iter()
        .filter(|(_, refusal)| Some(&refusal.domain) == most.as_ref());
    let oldest = of_most.min_by_key(|(_, refusal)| refusal.at);
    if let Some(chain) = oldest.map(|(chain, _)| chain.clone()) {
        known.remove(&chain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One nation's refusals do not make the gateway forget another's, be they older.
    #[test]
    fn what_is_forgotten_is_the_oldest_of_the_domain_that_has_most() {
        let mut known = HashMap::new();
        let chain = |number: u8| PeerChain::from_der(&[&[number]]);
        for (number, domain) in [(1, "fra"), (2, "gbr"), (3, "gbr"), (4, "pol")] {
            let refusal = Refusal {
                domain: domain.to_owned(),
                profile: Profile::Default,
                address: SocketAddr::from(([127, 0, 0, 1], 1)),
                reason: String::new(),
                at: Timestamp::from_second(i64::from(number)).unwrap(),
            };
            known.insert(chain(number), refusal);
        }
        forget_one(&mut known);
        let left: Vec<_> = (1..=4).filter(|n| known.contains_key(&chain(*n))).collect();
        assert_eq!(left, [1, 3, 4]);
    }
}

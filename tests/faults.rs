//! Real processes under faults that a seed chooses and the test prints: gateways, NATS servers,
//! the ways between them and the disks under them. One rule for every round: every receipt is in
//! the feed once, nobody saw a record twice or out of order, nobody saw what it must not.
//!
//! `ENTENTE_FAULTS_SEED` plays a seed, `ENTENTE_FAULTS_ROUNDS` (default 1) that many from there;
//! `ENTENTE_SOAK_SECONDS` (default 10) says how long the soak lasts. The cases of
//! `docs/RELIABILITY.md` stand in the names (`n4_...`).
#![cfg(feature = "failpoints")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test fails by panicking, says which round it plays, and needs not all support"
)]

#[path = "faults/alone.rs"]
mod alone;
#[path = "faults/balancer.rs"]
mod balancer;
#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/cuts.rs"]
mod cuts;
#[path = "faults/delivery.rs"]
mod delivery;
#[path = "faults/dice.rs"]
mod dice;
#[path = "faults/embedded.rs"]
mod embedded;
#[path = "faults/federation.rs"]
mod federation;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/readers.rs"]
mod readers;
#[path = "faults/rounds.rs"]
mod rounds;
#[path = "faults/routes.rs"]
mod routes;
#[path = "faults/scale.rs"]
mod scale;
#[path = "faults/senders.rs"]
mod senders;
#[path = "stream/servers.rs"]
mod servers;
#[path = "faults/soak.rs"]
mod soak;
#[path = "faults/stores.rs"]
mod stores;
#[path = "gateway/support.rs"]
mod support;
#[path = "faults/tails.rs"]
mod tails;

use entente::clock::{Clock as _, SystemClock};
use std::time::Duration;

/// Nothing of what a test waits for takes as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// What takes longer is told.
const LONG: Duration = Duration::from_secs(2);
/// How often something is looked at that tells nobody of its changes.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for something that has to come, and says when it took its time.
async fn in_time<F: Future>(what: &str, coming: F) -> F::Output {
    let clock = SystemClock::default();
    let coming = async {
        let come = coming.await;
        if clock.monotonic() > LONG {
            println!("  {what}: after {:.1?}", clock.monotonic());
        }
        come
    };
    match tokio::time::timeout(PATIENCE, coming).await {
        Ok(come) => come,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Waits until something is so that can only be looked at.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(LOOK);
    let looking = async {
        while !is_so() {
            looks.tick().await;
        }
    };
    in_time(what, looking).await;
}

//! Who may come in, and who may not: refusals first, over real TCP and TLS where TLS matters.
//! The numbers of cases are those of the threat catalogue: 1 to 13 certificates, 14 to 26
//! revocation, 27 to 36 handshakes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "trust/support.rs"]
mod support;

#[path = "trust/certificates.rs"]
mod certificates;
#[path = "trust/constraints.rs"]
mod constraints;
#[path = "trust/faults.rs"]
mod faults;
#[path = "trust/handshake.rs"]
mod handshake;
#[path = "trust/kept.rs"]
mod kept;
#[path = "trust/life.rs"]
mod life;
#[path = "trust/live.rs"]
mod live;
#[path = "trust/own.rs"]
mod own;
#[path = "trust/profiles.rs"]
mod profiles;
#[path = "trust/revocation.rs"]
mod revocation;

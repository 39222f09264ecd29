//! `entente certs` and `entente doctor` from outside: the real commands, the real gateway, and
//! openssl and curl as the other side.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "certs/authority.rs"]
mod authority;
#[path = "certs/diagnosis.rs"]
mod diagnosis;
#[path = "certs/doctor.rs"]
mod doctor;
#[path = "certs/explained.rs"]
mod explained;
#[path = "certs/foreign.rs"]
mod foreign;
#[path = "certs/interop.rs"]
mod interop;
#[path = "certs/profiles.rs"]
mod profiles;
#[path = "certs/renewal.rs"]
mod renewal;
#[path = "certs/revocation.rs"]
mod revocation;
#[path = "gateway/support.rs"]
#[allow(dead_code, reason = "shared with the gateway's tests")]
mod site;
#[path = "certs/support.rs"]
mod support;
#[path = "certs/terminal.rs"]
mod terminal;
#[path = "certs/walks.rs"]
mod walks;

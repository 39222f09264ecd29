//! Relays: a real gateway, the real process of a relay, and real servers as targets, that are
//! killed and come back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and needs not all of the support"
)]

#[path = "relay/cascade.rs"]
mod cascade;
#[path = "stream/servers.rs"]
mod servers;
#[path = "relay/site.rs"]
mod site;
#[path = "relay/subjects.rs"]
mod subjects;
#[path = "gateway/support.rs"]
mod support;
#[path = "relay/tak.rs"]
mod tak;
#[path = "relay/targets.rs"]
mod targets;
#[path = "relay/webhook.rs"]
mod webhook;

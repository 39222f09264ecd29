//! The gateway from outside: the real process, real TLS, real disk.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "gateway/admits.rs"]
mod admits;
#[path = "gateway/commands.rs"]
mod commands;
#[path = "gateway/corroboration.rs"]
mod corroboration;
#[path = "gateway/cursors.rs"]
mod cursors;
#[path = "gateway/cut.rs"]
mod cut;
#[path = "gateway/door.rs"]
mod door;
#[path = "gateway/drain.rs"]
mod drain;
#[path = "gateway/ends.rs"]
mod ends;
#[path = "gateway/faults.rs"]
mod faults;
#[path = "gateway/faults_shown.rs"]
mod faults_shown;
#[path = "gateway/feed.rs"]
mod feed;
#[path = "gateway/filters.rs"]
mod filters;
#[path = "gateway/gaps.rs"]
mod gaps;
#[path = "gateway/handshake.rs"]
mod handshake;
#[path = "gateway/http2.rs"]
mod http2;
#[path = "gateway/issuers.rs"]
mod issuers;
#[path = "gateway/lists.rs"]
mod lists;
#[path = "gateway/load.rs"]
mod load;
#[path = "gateway/native.rs"]
mod native;
#[path = "gateway/payload.rs"]
mod payload;
#[path = "gateway/picture.rs"]
mod picture;
#[path = "gateway/plans.rs"]
mod plans;
#[path = "gateway/quarantine.rs"]
mod quarantine;
#[path = "gateway/raw.rs"]
mod raw;
#[path = "gateway/release.rs"]
mod release;
#[path = "gateway/retention.rs"]
mod retention;
#[path = "gateway/submit.rs"]
mod submit;
#[path = "gateway/support.rs"]
mod support;
#[path = "gateway/told.rs"]
mod told;
#[path = "gateway/trust.rs"]
mod trust;

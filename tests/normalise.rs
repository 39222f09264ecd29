//! The normaliser as partners meet it: whole reports in, records or violations out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "normalise/allocations.rs"]
mod allocations;
#[path = "normalise/catalogue.rs"]
mod catalogue;
#[path = "normalise/contributions.rs"]
mod contributions;
#[path = "normalise/fixtures.rs"]
mod fixtures;
#[path = "normalise/golden.rs"]
mod golden;
#[path = "../benches/support/payloads.rs"]
mod payloads;
#[path = "normalise/places.rs"]
mod places;
#[path = "normalise/properties.rs"]
mod properties;
#[path = "normalise/refusals.rs"]
mod refusals;
#[path = "../benches/support/reports.rs"]
mod reports;
#[path = "normalise/round_trips.rs"]
mod round_trips;
#[path = "normalise/support.rs"]
mod support;
#[path = "normalise/vectors.rs"]
mod vectors;
#[path = "normalise/words.rs"]
mod words;

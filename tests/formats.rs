//! Native payloads as partners send them: through their reader and the normaliser, to records
//! or to every reason why not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "formats/cot.rs"]
mod cot;
#[path = "formats/geojson.rs"]
mod geojson;
#[path = "formats/hardening.rs"]
mod hardening;
#[path = "../fuzz/judge.rs"]
mod judge;
#[path = "formats/lines.rs"]
mod lines;
#[path = "formats/manual.rs"]
mod manual;
#[path = "formats/osce.rs"]
mod osce;
#[path = "formats/properties.rs"]
mod properties;
#[path = "formats/sitrep.rs"]
mod sitrep;
#[path = "formats/support.rs"]
mod support;
#[path = "formats/tak.rs"]
mod tak;

//! Protobuf to reports, records to protobuf. With the services, the only place that sees
//! prost types.

pub mod agreement;
mod back;
mod decode;
mod encode;
pub mod event;
mod fields;
pub mod json;
pub mod outcome;
pub mod quarantined;
pub mod relayed;
pub mod stored;
pub mod substance;
#[cfg(test)]
mod tests;

pub use decode::{Native, decode_report};
pub use encode::encode_record;

use jiff::Timestamp;

/// The contract as prost knows it. Where a service carries a whole `Report` or `Record`,
/// the field holds its bytes (see `build.rs`).
#[allow(
    missing_docs,
    missing_debug_implementations,
    unused_qualifications,
    clippy::all,
    clippy::large_futures,
    clippy::too_many_lines,
    clippy::uninlined_format_args,
    clippy::allow_attributes_without_reason,
    reason = "generated; the contract's comments come with it"
)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/entente.v1.rs"));
}

/// The contract's descriptor set, for reflection and for protobuf's JSON mapping.
pub const CONTRACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"));

/// Media type of a report that came as protobuf.
pub const REPORT_MEDIA_TYPE: &str = "application/vnd.entente.report.v1+protobuf";

/// A time out of protobuf's form; none: it is no time.
#[must_use]
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    let is_sound = (0..1_000_000_000).contains(&time.nanos);
    Timestamp::new(time.seconds, time.nanos)
        .ok()
        .filter(|_| is_sound)
}

/// A time in protobuf's form.
#[must_use]
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (mut seconds, mut nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        // Protobuf counts nanoseconds forward, also before 1970.
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

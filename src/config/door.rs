//! The section of the listener.

use super::reader::Table;
use super::sections::{count, secs};
use crate::listener;
use crate::trust::Profile;
use std::time::Duration;

/// How the door is kept.
pub(super) fn listener(mut table: Table<'_>) -> listener::Settings {
    let default = listener::Settings::default();
    let expected = "an address with a port, such as 127.0.0.1:7443 or [::]:7443";
    let settings = listener::Settings {
        address: table.parsed("address", expected, default.address),
        tls_profile: table.choice("tls_profile", &Profile::ALL, default.tls_profile),
        handshakes_max: count(
            &mut table,
            "handshakes_max",
            default.handshakes_max,
            1..=65_536,
        ),
        handshakes_per_source_max: count(
            &mut table,
            "handshakes_per_source_max",
            default.handshakes_per_source_max,
            1..=65_536,
        ),
        handshakes_per_second_max: count(
            &mut table,
            "handshakes_per_second_max",
            default.handshakes_per_second_max,
            1..=1_000_000,
        ),
        handshakes_per_source_per_second_max: count(
            &mut table,
            "handshakes_per_source_per_second_max",
            default.handshakes_per_source_per_second_max,
            1..=1_000_000,
        ),
        connections_max: count(
            &mut table,
            "connections_max",
            default.connections_max,
            1..=1_000_000,
        ),
        handshake_deadline: table.duration(
            "handshake_deadline",
            default.handshake_deadline,
            Duration::from_millis(100)..=secs(60),
        ),
        first_request_deadline: table.duration(
            "first_request_deadline",
            default.first_request_deadline,
            Duration::from_millis(100)..=secs(300),
        ),
        drain_deadline: table.duration(
            "drain_deadline",
            default.drain_deadline,
            Duration::from_millis(100)..=secs(600),
        ),
    };
    table.finish();
    settings
}

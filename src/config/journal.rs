//! The section `[journal]`: its folder, its bounds, and the engine behind it.

use super::files::{open_to_others, unreadable};
use super::reader::Table;
use super::sections::{GIB, KIB, MIB, bytes, count};
use crate::journal::{JetStreamSettings, Settings, SyncPromise};
use std::path::PathBuf;

/// Reads the section.
pub(super) fn read(mut table: Table<'_>) -> (Settings, Option<JetStreamSettings>) {
    let engines = [("embedded", false), ("jetstream", true)];
    let is_stream = table.choice("engine", &engines, false);
    let folder = table.text_or("folder", "../data/journal", "a folder");
    let default = Settings::new(table.beside("folder", &folder));
    let settings = Settings {
        segment_bytes: table.bytes("segment_bytes", default.segment_bytes, MIB..=4 * GIB),
        batch_entries_max: count(
            &mut table,
            "batch_entries_max",
            default.batch_entries_max,
            1..=65_536,
        ),
        batch_bytes_max: bytes(
            &mut table,
            "batch_bytes_max",
            default.batch_bytes_max,
            64 * KIB..=64 * MIB,
        ),
        queue_entries_max: count(
            &mut table,
            "queue_entries_max",
            default.queue_entries_max,
            1..=4_194_304,
        ),
        queue_bytes_max: bytes(
            &mut table,
            "queue_bytes_max",
            default.queue_bytes_max,
            MIB..=4 * GIB,
        ),
        free_bytes_floor: table.bytes("free_bytes_floor", default.free_bytes_floor, 0..=1024 * GIB),
        tail_bytes_max: bytes(
            &mut table,
            "tail_bytes_max",
            default.tail_bytes_max,
            0..=16 * GIB,
        ),
        ..default
    };
    let stream = stream(table.table("jetstream"), is_stream);
    table.finish();
    (settings, is_stream.then_some(stream))
}

/// Reads how the stream is reached and kept; says what is wrong only where it is used.
fn stream(mut table: Table<'_>, is_used: bool) -> JetStreamSettings {
    let servers = table.texts("servers", "addresses such as tls://nats-1.example:4222");
    let mut file = |name: &str, what: &str| -> PathBuf {
        let path = table.text(name, what);
        path.map(|path| table.beside(name, &path))
            .unwrap_or_default()
    };
    let ca = file("ca", "PEM file with the authority of the servers");
    let certificate = file(
        "certificate",
        "PEM file with the gateway's certificate for them",
    );
    let key = file("key", "PEM file with its key, mode 0600");
    let default = JetStreamSettings::new(servers, ca, certificate, key);
    let syncs = [
        ("always", SyncPromise::Always),
        ("danger_interval", SyncPromise::Interval),
    ];
    let name = "letters, digits, - and _; at most 64";
    let settings = JetStreamSettings {
        stream: table.text_or("stream", &default.stream, name),
        subjects: table.text_or("subjects", &default.subjects, name),
        replicas: count(&mut table, "replicas", default.replicas, 1..=5),
        window: count(&mut table, "window", default.window, 1..=65_536),
        sync: table.choice("sync", &syncs, default.sync),
        ..default
    };
    if is_used {
        check(&settings, &table);
    } else if !settings.servers.is_empty() {
        table.warning("servers", "not used: journal.engine is \"embedded\"");
    }
    table.finish();
    settings
}

fn check(settings: &JetStreamSettings, table: &Table<'_>) {
    for (key, message) in settings.problems() {
        table.problem(key, message);
    }
    for (key, path) in [
        ("ca", &settings.ca),
        ("certificate", &settings.certificate),
        ("key", &settings.key),
    ] {
        if path.as_os_str().is_empty() {
            table.problem(key, "missing: the jetstream engine needs it");
        } else if let Some(message) = unreadable(path) {
            table.problem(key, message);
        }
    }
    if let Some(message) = open_to_others(&settings.key, "600") {
        table.problem("key", message);
    }
    if settings.replicas == 1 {
        let message = "one server keeps the feed: one lost disk loses it";
        table.warning("replicas", message);
    }
    if settings.sync == SyncPromise::Interval {
        let message = "reports that were acknowledged may be lost when servers lose power";
        table.warning("sync", message);
    }
}

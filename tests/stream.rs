//! The jetstream engine against real NATS servers: one with TLS for what an entry may meet, and
//! three as a cluster for what must survive.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and needs not all of the support"
)]

#[path = "stream/alone.rs"]
mod alone;
#[path = "stream/cluster.rs"]
mod cluster;
#[path = "stream/faults.rs"]
mod faults;
#[path = "stream/gateway.rs"]
mod gateway;
#[path = "stream/moved.rs"]
mod moved;
#[path = "stream/one.rs"]
mod one;
#[path = "stream/proxy.rs"]
mod proxy;
#[path = "stream/servers.rs"]
mod servers;
#[path = "gateway/support.rs"]
mod support;

use async_nats::jetstream::Context;
use async_nats::{ConnectOptions, ServerAddr};
use entente::clock::SystemClock;
use entente::journal::{
    Appended, Entry, JetStreamSettings, Journal, OpenError, Position, Receipt, Settings, Stored,
};
use servers::Papers;
use std::path::Path;
use std::sync::Arc;

/// Journal settings in a folder of a test.
fn folder_settings(folder: &Path) -> Settings {
    let mut settings = Settings::new(folder.to_owned());
    settings.segment_bytes = 16 * 1024 * 1024;
    settings.free_bytes_floor = 0;
    settings
}

/// Engine settings for servers of a test.
fn engine_settings(papers: &Papers, urls: Vec<String>, replicas: usize) -> JetStreamSettings {
    let mut settings = JetStreamSettings::new(
        urls,
        papers.file("ca.pem"),
        papers.file("gateway.pem"),
        papers.file("gateway.key"),
    );
    settings.replicas = replicas;
    settings
}

async fn open(folder: &Path, engine: &JetStreamSettings) -> Result<Journal, OpenError> {
    let clock = Arc::new(SystemClock::default());
    Journal::open_stream(folder_settings(folder), engine.clone(), clock).await
}

async fn close(journal: Journal) {
    tokio::task::spawn_blocking(move || journal.close())
        .await
        .unwrap();
}

/// A report of a number; the digest is of the text.
fn entry(number: u64, revision: u32, text: &str) -> Entry {
    Entry {
        key: format!("GBR/cell-4\0GBR-{number:06}").into_bytes().into(),
        revision,
        digest: blake3::hash(text.as_bytes()).into(),
        stamp_ns: i64::try_from(number).unwrap(),
        body: text.as_bytes().to_vec().into(),
    }
}

fn receipt(appended: &Appended) -> Receipt {
    match appended {
        Appended::Stored(receipt)
        | Appended::Superseded(receipt)
        | Appended::Duplicate(receipt)
        | Appended::Conflict(receipt) => *receipt,
        other => panic!("no receipt: {other:?}"),
    }
}

/// The whole feed, read from disk.
fn all(journal: &Journal) -> Vec<Stored> {
    let mut all = Vec::new();
    while all.len() < usize::try_from(journal.durable().0).unwrap() {
        let from = Position(all.len() as u64 + 1);
        all.extend(journal.read(from, 1000, usize::MAX).unwrap());
    }
    for (at, stored) in all.iter().enumerate() {
        assert_eq!(stored.position, Position(at as u64 + 1));
    }
    all
}

/// A client that is no gateway.
async fn context(papers: &Papers, urls: &[String]) -> Context {
    let servers: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    let client = ConnectOptions::new()
        .add_root_certificates(papers.file("ca.pem"))
        .add_client_certificate(papers.file("gateway.pem"), papers.file("gateway.key"))
        .require_tls(true)
        .connect(servers)
        .await
        .unwrap();
    async_nats::jetstream::new(client)
}

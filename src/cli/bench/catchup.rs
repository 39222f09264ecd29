//! `entente bench catchup`: how fast a reader gets the whole feed, beside how fast the same
//! journal is read without a gateway.

use super::measure::Cores;
use super::server::{Kind, Server};
use super::{BenchError, Ground, measure};
use crate::clock::Clock;
use crate::journal::Position;
use crate::journal::examine::examine;
use crate::mock::load::{self, Load};
use crate::mock::typed::{Ids, Typed};
use crate::wire::proto::SubscribeRequest;
use rustix::fs::{Advice, fadvise};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Who reads.
const READER: &str = "USA/feed-desk";
/// How much is read at a time without a gateway.
const READ_BYTES: usize = 1024 * 1024;
/// Reports that may wait for their receipts while the journal is filled.
const WINDOW: u64 = 16_384;

/// Arguments of `entente bench catchup`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Catchup {
    /// Records of the feed
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Rounds; the figures are medians of theirs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
}

/// Measures. The answer has the rate of a subscription, and that of the journal read back whole,
/// with checksums and chain, and read as mere files; page cache warm and cold.
pub(super) async fn run(
    arguments: &Catchup,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let typed = Typed::new(Ids::Rising, 1, 0, clock.now().as_second());
    let load = Load {
        reports: arguments.records,
        window: WINDOW,
        rate: None,
    };
    let client = ground.load_system(0, gateway.address)?.submission().await?;
    load::stream(client, typed, load, Arc::clone(clock)).await?;
    let folder = ground.load()?.gateway.journal.folder;
    let mut seconds: [Vec<f64>; 6] = Default::default();
    let mut bytes = 0;
    for number in 1..=arguments.rounds {
        let [feed, server, journal, files, cold_feed, cold_files] = &mut seconds;
        measure::flush(ground.folder())?;
        drop_cache(&folder)?;
        cold_feed.push(subscribed(arguments, ground, &gateway, clock).await?);
        let busy = || measure::cpu_time(gateway.pid()).unwrap_or_default();
        let before = busy();
        feed.push(subscribed(arguments, ground, &gateway, clock).await?);
        server.push(busy().saturating_sub(before).as_secs_f64());
        let start = clock.monotonic();
        bytes = read_back(&folder)?;
        journal.push(clock.monotonic().saturating_sub(start).as_secs_f64());
        let start = clock.monotonic();
        read_files(&folder)?;
        files.push(clock.monotonic().saturating_sub(start).as_secs_f64());
        drop_cache(&folder)?;
        let start = clock.monotonic();
        read_files(&folder)?;
        cold_files.push(clock.monotonic().saturating_sub(start).as_secs_f64());
        super::say(&format!("round {number} of {}", arguments.rounds));
    }
    Ok(to_json(arguments, cores, bytes, seconds))
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn to_json(arguments: &Catchup, cores: Cores, bytes: u64, seconds: [Vec<f64>; 6]) -> Value {
    let [feed, server, journal, files, cold_feed, cold_files] = seconds.map(measure::median);
    let records = arguments.records as f64;
    let mib_per_s = |seconds: f64| bytes as f64 / seconds / 1024.0 / 1024.0;
    json!({
        "bench": "catchup",
        "pinned": cores.is_pinned,
        "records": arguments.records,
        "rounds": arguments.rounds,
        "journal_bytes": bytes,
        "records_per_s": records / feed,
        "server_cpu_us_per_record": server * 1e6 / records,
        "mib_per_s": mib_per_s(feed),
        "journal_read_mib_per_s": mib_per_s(journal),
        "files_read_mib_per_s": mib_per_s(files),
        "cold_mib_per_s": mib_per_s(cold_feed),
        "cold_files_read_mib_per_s": mib_per_s(cold_files),
        "ratio_to_journal_read": journal / feed,
        "ratio_to_files_read": files / feed,
        "ratio_cold": cold_files / cold_feed,
    })
}

/// Seconds until a reader has everything.
async fn subscribed(
    arguments: &Catchup,
    ground: &Ground,
    gateway: &Server,
    clock: &Arc<dyn Clock>,
) -> Result<f64, BenchError> {
    let called = |status: tonic::Status| BenchError::Call(status.message().into());
    let mut client = ground.endpoint(READER, gateway.address)?.feed().await?;
    let start = clock.monotonic();
    let request = SubscribeRequest {
        from_position: 1,
        until_now: true,
        ..Default::default()
    };
    let mut answers = client
        .subscribe(request)
        .await
        .map_err(called)?
        .into_inner();
    let mut records = 0;
    while let Some(answer) = answers.message().await.map_err(called)? {
        records += answer.entries.len() as u64;
    }
    if records == arguments.records {
        Ok(clock.monotonic().saturating_sub(start).as_secs_f64())
    } else {
        let expected = arguments.records;
        Err(BenchError::Call(format!(
            "{records} of {expected} records came"
        )))
    }
}

/// Reads the journal as `entente journal verify` does; the bytes of its batches.
fn read_back(folder: &Path) -> Result<u64, BenchError> {
    let everything = (Position(1), Position(u64::MAX));
    let summary = examine(folder, everything, &mut |_| ControlFlow::Continue(()));
    let summary = summary.map_err(|error| BenchError::Journal(error.to_string()))?;
    Ok(summary.segments.iter().map(|segment| segment.end).sum())
}

/// The segments with entries; the gateway may just be making the next.
fn segments(folder: &Path) -> Result<Vec<File>, BenchError> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).map_err(BenchError::Disk)? {
        let item = item.map_err(BenchError::Disk)?;
        let name = item.file_name();
        let is_segment = name
            .to_string_lossy()
            .starts_with(|first: char| first.is_ascii_digit());
        if is_segment {
            files.push(File::open(item.path()).map_err(BenchError::Disk)?);
        }
    }
    Ok(files)
}

/// Reads the segments as files.
fn read_files(folder: &Path) -> Result<(), BenchError> {
    let mut room = vec![0; READ_BYTES];
    for mut file in segments(folder)? {
        while file.read(&mut room).map_err(BenchError::Disk)? > 0 {}
    }
    Ok(())
}

/// Asks the kernel to forget what it holds of the segments.
fn drop_cache(folder: &Path) -> Result<(), BenchError> {
    for file in segments(folder)? {
        file.sync_all().map_err(BenchError::Disk)?;
        fadvise(&file, 0, None, Advice::DontNeed)
            .map_err(|error| BenchError::Disk(error.into()))?;
    }
    Ok(())
}

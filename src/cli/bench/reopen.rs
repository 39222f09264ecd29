//! `entente bench reopen`: how long a large journal takes to open, page cache warm and cold.

use super::{BenchError, Ground};
use crate::clock::Clock;
use crate::journal::{Entry, Journal};
use bytes::Bytes;
use rustix::fs::{Advice, fadvise};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Entries that are appended together.
const BATCH_ENTRIES: u64 = 4_096;
/// Size of each entry's body: a record, its original and its label.
const BODY_BYTES: usize = 900;

/// Arguments of `entente bench reopen`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Reopen {
    /// Records in the journal
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Size of each, bytes
    #[arg(long, default_value_t = BODY_BYTES)]
    record_bytes: usize,
}

/// Measures. The answer has `open_warm_ms` and `open_cold_ms`.
pub(super) fn run(
    arguments: &Reopen,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
) -> Result<Value, BenchError> {
    let settings = ground.load()?.gateway.journal;
    let folder = settings.folder.clone();
    let open = || -> Result<(Journal, Duration), BenchError> {
        let start = clock.monotonic();
        let journal = Journal::open(settings.clone(), Arc::clone(clock))
            .map_err(|error| BenchError::Journal(error.to_string()))?;
        Ok((journal, clock.monotonic().saturating_sub(start)))
    };
    let (journal, _) = open()?;
    fill(arguments, &journal, clock)?;
    journal.close();
    let (journal, warm) = open()?;
    let durable = journal.durable();
    journal.close();
    let dropped = drop_cache(&folder).map_err(BenchError::Disk)?;
    let (journal, cold) = open()?;
    journal.close();
    Ok(json!({
        "bench": "reopen",
        "records": durable.0,
        "bytes_on_disk": dropped,
        "open_warm_ms": warm.as_secs_f64() * 1e3,
        "open_cold_ms": cold.as_secs_f64() * 1e3,
    }))
}

fn fill(arguments: &Reopen, journal: &Journal, clock: &Arc<dyn Clock>) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BenchError::Spawn)?;
    let body = Bytes::from(vec![0x5a; arguments.record_bytes]);
    let stamp_ns = i64::try_from(clock.now().as_nanosecond()).unwrap_or(i64::MAX);
    let failed = |error: crate::journal::AppendError| BenchError::Journal(error.to_string());
    runtime.block_on(async {
        let mut next = 0;
        let mut last = None;
        while next < arguments.records {
            let end = arguments.records.min(next + BATCH_ENTRIES);
            let entries = (next..end)
                .map(|number| Entry {
                    key: Bytes::from(format!("GBR/load-0/{number:032x}")),
                    revision: 1,
                    digest: [0x5a; 32],
                    stamp_ns,
                    body: body.clone(),
                })
                .collect();
            last = Some(journal.enqueue(entries).await.map_err(failed)?);
            if next % (BATCH_ENTRIES * 64) == 0 {
                super::say(&format!("{next} of {} appended", arguments.records));
            }
            next = end;
        }
        if let Some(last) = last {
            last.durable().await.map_err(failed)?;
        }
        Ok(())
    })
}

/// Asks the kernel to forget what it holds of the files; the sum of their sizes.
fn drop_cache(folder: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for item in std::fs::read_dir(folder)? {
        let item = item?;
        let metadata = item.metadata()?;
        if metadata.is_dir() {
            total += drop_cache(&item.path())?;
        } else {
            total += metadata.len();
            let file = File::open(item.path())?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(total)
}

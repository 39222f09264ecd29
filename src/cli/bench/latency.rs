//! `entente bench latency`: receipt latency at a steady rate, in units of the disk's own sync.

use super::measure::Cores;
use super::server::{Kind, Server};
use super::{BenchError, Ground, measure};
use crate::clock::Clock;
use crate::mock::load::{self, Load};
use crate::mock::typed::{Ids, Typed};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a probe of the disk writes before each sync, bytes.
const PROBE_BYTES: usize = 4096;
/// Syncs of the probe; their median counts.
const PROBE_SYNCS: usize = 201;

/// Arguments of `entente bench latency`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Latency {
    /// Reports a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// Measures. The answer has `p99_in_syncs`.
pub(super) async fn run(
    arguments: &Latency,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let now_unix_s = clock.now().as_second();
    let one = |run, reports| {
        let typed = Typed::new(Ids::Rising, run, 0, now_unix_s);
        let rate = Some(f64::from(arguments.rate));
        let load = Load {
            reports,
            window: reports,
            rate,
        };
        let clock = Arc::clone(clock);
        let endpoint = ground.load_system(0, gateway.address);
        async move {
            let client = endpoint?.submission().await?;
            Ok::<_, BenchError>(load::stream(client, typed, load, clock).await?)
        }
    };
    one(1, u64::from(arguments.rate)).await?;
    let before_s = sync_time(ground.folder(), clock, cores)?;
    let mut measured = one(2, u64::from(arguments.rate) * arguments.seconds).await?;
    let after_s = sync_time(ground.folder(), clock, cores)?;
    let sync = before_s.max(after_s);
    let (p50, p99) = (measured.latency(0.5), measured.latency(0.99));
    Ok(json!({
        "bench": "latency",
        "pinned": cores.is_pinned,
        "rate": arguments.rate,
        "reports": measured.reports,
        "reports_per_s": measured.rate(),
        "receipt_latency_p50_us": p50.as_secs_f64() * 1e6,
        "receipt_latency_p99_us": p99.as_secs_f64() * 1e6,
        "receipt_latency_max_us": measured.latency(1.0).as_secs_f64() * 1e6,
        "sync_us": sync.as_secs_f64() * 1e6,
        "p99_in_syncs": p99.as_secs_f64() / sync.as_secs_f64().max(1e-9),
    }))
}

/// Median time of a write and `fdatasync` in a preallocated file on the measured disk, on the
/// core where the gateway does the same: a disk whose interrupts end at one core answers that one
/// sooner than the others.
fn sync_time(folder: &Path, clock: &Arc<dyn Clock>, cores: Cores) -> Result<Duration, BenchError> {
    std::thread::scope(|scope| {
        let probe = scope.spawn(|| {
            let _pinned = cores.server.is_none_or(measure::pin);
            probe(folder, &**clock)
        });
        probe
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn probe(folder: &Path, clock: &dyn Clock) -> Result<Duration, BenchError> {
    let path = folder.join("sync-probe");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .map_err(BenchError::Disk)?;
    file.write_all(&vec![0; PROBE_BYTES * PROBE_SYNCS])
        .map_err(BenchError::Disk)?;
    file.sync_all().map_err(BenchError::Disk)?;
    file.seek(SeekFrom::Start(0)).map_err(BenchError::Disk)?;
    let mut times = Vec::with_capacity(PROBE_SYNCS);
    for _ in 0..PROBE_SYNCS {
        let start = clock.monotonic();
        file.write_all(&[1; PROBE_BYTES])
            .map_err(BenchError::Disk)?;
        file.sync_data().map_err(BenchError::Disk)?;
        times.push(clock.monotonic().saturating_sub(start).as_secs_f64());
    }
    drop(file);
    std::fs::remove_file(&path).map_err(BenchError::Disk)?;
    Ok(Duration::from_secs_f64(measure::median(times)))
}

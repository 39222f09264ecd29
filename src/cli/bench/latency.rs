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
/// Syncs of the probe.
const PROBE_SYNCS: usize = 201;

/// Arguments of `entente bench latency`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Latency {
    /// Reports a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds of each round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Rounds; the figures are medians of theirs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
}

/// What one round found.
#[derive(Clone, Copy, Debug)]
struct Round {
    p50: Duration,
    p99: Duration,
    longest: Duration,
    reports_per_s: f64,
    /// Of the disk, before or after: whichever has the higher median.
    sync: Sync,
}

impl Round {
    fn p99_in_syncs(&self) -> f64 {
        self.p99.as_secs_f64() / self.sync.median.as_secs_f64().max(1e-9)
    }
}

/// The disk's own syncs, with nobody else of ours at work.
#[derive(Clone, Copy, Debug)]
struct Sync {
    median: Duration,
    p99: Duration,
    longest: Duration,
}

/// Measures. The answer has `p99_in_syncs`, the median over the rounds, and that of every round.
pub(super) async fn run(
    arguments: &Latency,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let warm_up = u64::from(arguments.rate);
    load(arguments, ground, &gateway, (1, warm_up), clock).await?;
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        measure::flush(ground.folder())?;
        let before = sync_time(ground.folder(), clock, cores)?;
        let reports = u64::from(arguments.rate) * arguments.seconds;
        let mut measured = load(arguments, ground, &gateway, (number + 1, reports), clock).await?;
        let after = sync_time(ground.folder(), clock, cores)?;
        let round = Round {
            p50: measured.latency(0.5),
            p99: measured.latency(0.99),
            longest: measured.latency(1.0),
            reports_per_s: measured.rate(),
            sync: if after.median > before.median {
                after
            } else {
                before
            },
        };
        super::say(&format!(
            "round {number} of {}: p99 {:.0} us, {:.1} syncs",
            arguments.rounds,
            micros(round.p99),
            round.p99_in_syncs()
        ));
        rounds.push(round);
    }
    Ok(to_json(arguments, cores, &rounds))
}

fn to_json(arguments: &Latency, cores: Cores, rounds: &[Round]) -> Value {
    let each = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let middle = |of| measure::median(each(of));
    let most = |of| each(of).into_iter().fold(f64::NAN, f64::max);
    json!({
        "bench": "latency",
        "pinned": cores.is_pinned,
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
        "reports_per_s": middle(|round| round.reports_per_s),
        "receipt_latency_p50_us": middle(|round| micros(round.p50)),
        "receipt_latency_p99_us": middle(|round| micros(round.p99)),
        "receipt_latency_max_us": most(|round| micros(round.longest)),
        "sync_us": middle(|round| micros(round.sync.median)),
        "sync_p99_us": middle(|round| micros(round.sync.p99)),
        "sync_max_us": most(|round| micros(round.sync.longest)),
        "rounds_p99_us": each(|round| micros(round.p99)),
        "rounds_p99_in_syncs": each(Round::p99_in_syncs),
        "p99_in_syncs": middle(Round::p99_in_syncs),
    })
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// One stream at the rate: run number and reports.
async fn load(
    arguments: &Latency,
    ground: &Ground,
    gateway: &Server,
    (run, reports): (u64, u64),
    clock: &Arc<dyn Clock>,
) -> Result<load::Measured, BenchError> {
    let typed = Typed::new(Ids::Rising, run, 0, clock.now().as_second());
    let load = Load {
        reports,
        window: reports,
        rate: Some(f64::from(arguments.rate)),
    };
    let client = ground.load_system(0, gateway.address)?.submission().await?;
    Ok(load::stream(client, typed, load, Arc::clone(clock)).await?)
}

/// Times of a write and `fdatasync` in a preallocated file on the measured disk, on the
/// core where the gateway does the same: a disk whose interrupts end at one core answers that one
/// sooner than the others.
fn sync_time(folder: &Path, clock: &Arc<dyn Clock>, cores: Cores) -> Result<Sync, BenchError> {
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

fn probe(folder: &Path, clock: &dyn Clock) -> Result<Sync, BenchError> {
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
    times.sort_by(f64::total_cmp);
    // Nearest rank: the 199th of 201 is p99.
    let time = |rank: usize| Duration::from_secs_f64(times.get(rank).copied().unwrap_or_default());
    Ok(Sync {
        median: time(PROBE_SYNCS / 2),
        p99: time((PROBE_SYNCS * 99).div_ceil(100) - 1),
        longest: time(PROBE_SYNCS - 1),
    })
}

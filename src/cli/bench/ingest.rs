//! `entente bench ingest`: the gateway beside the null service, turn about, in one run; beside
//! JetStream too, where a `nats-server` is on the path.

use super::jetstream::{self, JetStream};
use super::measure::{Cores, cpu_time, flush, median, memory_bytes};
use super::server::{Kind, Server};
use super::{BenchError, Ground};
use crate::client::Endpoint;
use crate::clock::Clock;
use crate::mock::load::{self, Load, Measured};
use crate::mock::typed::{Ids, Typed};
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Reports of a unary run that wait for their receipts.
const UNARY_WINDOW: u64 = 64;

/// Why there is no third column.
const JETSTREAM_ABSENT: &str = "not measured: no nats-server is on the path";

/// A sender of the load, not yet at work.
type Sending = Pin<Box<dyn Future<Output = Result<Measured, BenchError>> + Send>>;

/// Arguments of `entente bench ingest`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Ingest {
    /// Reports of each round, over all systems
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) reports: u64,
    /// Systems that report at the same time, each over its own connection
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(super) systems: u64,
    /// One call for each report instead of a stream
    #[arg(long)]
    pub(super) unary: bool,
    /// Report ids in no order instead of rising
    #[arg(long)]
    pub(super) random_ids: bool,
    /// Rounds of each server; the figures are medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    pub(super) rounds: u64,
    /// Reports of a system that may wait for their receipts, in a stream
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) window: u64,
}

impl Ingest {
    /// Reports of a system that may wait for their receipts.
    fn window(&self) -> u64 {
        if self.unary {
            UNARY_WINDOW
        } else {
            self.window
        }
    }
}

/// One round against one server.
#[derive(Clone, Copy, Debug)]
struct Round {
    rate: f64,
    p50: Duration,
    p99: Duration,
    cpu_per_report: Duration,
}

/// The rounds of one server, and its memory at the end.
#[derive(Debug, Default)]
struct Column {
    rounds: Vec<Round>,
    memory_peak_bytes: u64,
}

impl Column {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    fn rate(&self) -> f64 {
        self.median(|round| round.rate)
    }

    fn to_json(&self) -> Value {
        let micros = |of: fn(&Round) -> Duration| self.median(|r| of(r).as_secs_f64() * 1e6);
        json!({
            "reports_per_s": self.rate(),
            "receipt_latency_p50_us": micros(|r| r.p50),
            "receipt_latency_p99_us": micros(|r| r.p99),
            "server_cpu_us_per_report": micros(|r| r.cpu_per_report),
            "server_memory_peak_bytes": self.memory_peak_bytes,
            "rounds_reports_per_s": self.rounds.iter().map(|r| r.rate).collect::<Vec<_>>(),
        })
    }
}

/// A server under load.
#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    /// One that speaks the contract.
    Ours(&'a Server),
    /// One that is published to.
    JetStream(&'a JetStream),
}

impl Target<'_> {
    fn pid(self) -> u32 {
        match self {
            Self::Ours(server) => server.pid(),
            Self::JetStream(server) => server.pid(),
        }
    }
}

/// Measures. The answer has `ratio`.
pub(super) async fn run(
    arguments: &Ingest,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let null = Server::start(Kind::Null, ground, cores)?;
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let jetstream = match jetstream::program() {
        Some(program) => Some(JetStream::start(&program, ground, cores).await?),
        None => None,
    };
    let mut targets = vec![
        ("null", Target::Ours(&null), Column::default()),
        ("gateway", Target::Ours(&gateway), Column::default()),
    ];
    if let Some(server) = &jetstream {
        let target = Target::JetStream(server);
        targets.push(("jetstream", target, Column::default()));
    }
    let warm_up = Ingest {
        reports: arguments.reports.div_ceil(10),
        ..arguments.clone()
    };
    // Every run has ids of its own.
    let mut run = 1;
    for (_, target, _) in &targets {
        one_round(&warm_up, ground, *target, run, clock).await?;
        run += 1;
    }
    let mut report_bytes = 0;
    for number in 1..=arguments.rounds {
        for (word, target, column) in &mut targets {
            flush(ground.folder())?;
            let (round, bytes) = one_round(arguments, ground, *target, run, clock).await?;
            run += 1;
            report_bytes = bytes;
            super::say(&format!(
                "round {number} of {}: {word:<9} {:>9.0} reports/s",
                arguments.rounds, round.rate
            ));
            column.rounds.push(round);
            column.memory_peak_bytes = memory_bytes(target.pid(), "VmHWM").unwrap_or(0);
        }
    }
    let column = |wanted: &str| targets.iter().find(|(word, ..)| *word == wanted);
    let rate = |wanted| column(wanted).map(|(_, _, column)| column.rate());
    let shown = |wanted| column(wanted).map(|(_, _, column)| column.to_json());
    let ratio = |of: Option<f64>| rate("gateway").zip(of).map(|(rate, of)| rate / of);
    Ok(json!({
        "bench": "ingest",
        "mode": if arguments.unary { "unary" } else { "stream" },
        "ids": if arguments.random_ids { "random" } else { "rising" },
        "reports": arguments.reports,
        "report_bytes": report_bytes,
        "systems": arguments.systems,
        "rounds": arguments.rounds,
        "window": arguments.window(),
        "pinned": cores.is_pinned,
        "null": shown("null"),
        "gateway": shown("gateway"),
        "jetstream": shown("jetstream"),
        "jetstream_version": jetstream.as_ref().map(|server| &server.version),
        "jetstream_note": jetstream.is_none().then_some(JETSTREAM_ABSENT),
        "ratio": ratio(rate("null")),
        "ratio_to_jetstream": ratio(rate("jetstream")),
    }))
}

async fn one_round(
    arguments: &Ingest,
    ground: &Ground,
    target: Target<'_>,
    run: u64,
    clock: &Arc<dyn Clock>,
) -> Result<(Round, usize), BenchError> {
    let ids = if arguments.random_ids {
        Ids::Random
    } else {
        Ids::Rising
    };
    let share = Load {
        reports: arguments.reports.div_ceil(arguments.systems),
        window: arguments.window(),
        rate: None,
    };
    let mut senders: Vec<Sending> = Vec::new();
    let mut report_bytes = 0;
    let now_unix_s = clock.now().as_second();
    for system in 0..arguments.systems {
        let typed = Typed::new(ids, run << 32 | system, system, now_unix_s);
        report_bytes = typed.report_bytes();
        let clock = Arc::clone(clock);
        senders.push(match target {
            Target::JetStream(server) => {
                let context = server.context(ground, system, share.window).await?;
                Box::pin(jetstream::publish(context, typed, share, clock))
            }
            Target::Ours(server) => {
                let endpoint: Endpoint = ground.load_system(system, server.address)?;
                let client = endpoint.submission().await?;
                if arguments.unary {
                    Box::pin(async move { Ok(load::unary(client, typed, share, clock).await?) })
                } else {
                    Box::pin(async move { Ok(load::stream(client, typed, share, clock).await?) })
                }
            }
        });
    }
    let cpu_before = cpu_time(target.pid());
    let mut running: JoinSet<_> = senders.into_iter().collect();
    let mut measured = Measured::default();
    while let Some(one) = running.join_next().await {
        measured.merge(one.map_err(|_| load::LoadError::Sender)??);
    }
    let cpu_after = cpu_time(target.pid());
    let cpu = cpu_after
        .zip(cpu_before)
        .map_or(Duration::ZERO, |(a, b)| a.saturating_sub(b));
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let cpu_per_report = cpu.div_f64(measured.reports.max(1) as f64);
    let round = Round {
        rate: measured.rate(),
        p50: measured.latency(0.5),
        p99: measured.latency(0.99),
        cpu_per_report,
    };
    Ok((round, report_bytes))
}

/// For people.
pub(super) fn table(result: &Value) -> String {
    let number = |side: &str, field: &str| result.get(side)?.get(field)?.as_f64();
    let row = |title: &str, field: &str, scale: f64, digits: usize| {
        let cell = |side: &str| {
            let shown = number(side, field).map(|value| format!("{:.digits$}", value * scale));
            shown.unwrap_or_else(|| "-".to_owned())
        };
        let (a, b, c) = (cell("null"), cell("gateway"), cell("jetstream"));
        format!("{title:<34} {a:>14} {b:>14} {c:>14}\n")
    };
    let ratio = |field: &str| {
        let ratio = result.get(field).and_then(Value::as_f64);
        ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"))
    };
    let titles = ("null (a)", "gateway (b)", "JetStream (c)");
    let mut text = format!(
        "{:<34} {:>14} {:>14} {:>14}\n",
        "", titles.0, titles.1, titles.2
    );
    text += &row("reports a second", "reports_per_s", 1.0, 0);
    text += &row("receipt latency p50, ms", "receipt_latency_p50_us", 1e-3, 2);
    text += &row("receipt latency p99, ms", "receipt_latency_p99_us", 1e-3, 2);
    text += &row(
        "server CPU per report, µs",
        "server_cpu_us_per_report",
        1.0,
        2,
    );
    text += &row(
        "server memory peak, MiB",
        "server_memory_peak_bytes",
        1.0 / 1_048_576.0,
        1,
    );
    text += &format!("{:<34} {:>14} {:>14}\n", "ratio b/a", "", ratio("ratio"));
    text += &format!(
        "{:<34} {:>14} {:>14}\n",
        "ratio b/c",
        "",
        ratio("ratio_to_jetstream")
    );
    text += &match result.get("jetstream_version").and_then(Value::as_str) {
        Some(version) => format!("(c) NATS {version}; it acknowledges before it syncs\n"),
        None => format!("(c) {JETSTREAM_ABSENT}\n"),
    };
    text
}

//! `entente bench ingest`: the gateway beside the null service, turn about, in one run.

use super::measure::{cpu_time, median, memory_bytes};
use super::server::{Kind, Server};
use super::{BenchError, Ground};
use crate::client::Endpoint;
use crate::clock::Clock;
use crate::mock::load::{self, Load, Measured};
use crate::mock::typed::{Ids, Typed};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Reports of a unary run that wait for their receipts.
const UNARY_WINDOW: u64 = 64;

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

/// Measures. The answer has `ratio`.
pub(super) async fn run(
    arguments: &Ingest,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    pinned: bool,
) -> Result<Value, BenchError> {
    let null = Server::start(Kind::Null, ground)?;
    let gateway = Server::start(Kind::Gateway, ground)?;
    let (mut null_column, mut gateway_column) = (Column::default(), Column::default());
    let warm_up = Ingest {
        reports: arguments.reports.div_ceil(10),
        ..arguments.clone()
    };
    // Every run has ids of its own.
    let mut run = 1;
    for server in [&null, &gateway] {
        one_round(&warm_up, ground, server, run, clock).await?;
        run += 1;
    }
    let mut report_bytes = 0;
    for number in 1..=arguments.rounds {
        for (word, server, column) in [
            ("null", &null, &mut null_column),
            ("gateway", &gateway, &mut gateway_column),
        ] {
            let (round, bytes) = one_round(arguments, ground, server, run, clock).await?;
            run += 1;
            report_bytes = bytes;
            super::say(&format!(
                "round {number} of {}: {word:<8} {:>9.0} reports/s",
                arguments.rounds, round.rate
            ));
            column.rounds.push(round);
            column.memory_peak_bytes = memory_bytes(server.pid(), "VmHWM").unwrap_or(0);
        }
    }
    Ok(json!({
        "bench": "ingest",
        "mode": if arguments.unary { "unary" } else { "stream" },
        "ids": if arguments.random_ids { "random" } else { "rising" },
        "reports": arguments.reports,
        "report_bytes": report_bytes,
        "systems": arguments.systems,
        "rounds": arguments.rounds,
        "window": if arguments.unary { UNARY_WINDOW } else { arguments.window },
        "pinned": pinned,
        "null": null_column.to_json(),
        "gateway": gateway_column.to_json(),
        "jetstream": Value::Null,
        "jetstream_note": super::JETSTREAM_NOTE,
        "ratio": gateway_column.rate() / null_column.rate(),
    }))
}

async fn one_round(
    arguments: &Ingest,
    ground: &Ground,
    server: &Server,
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
        window: if arguments.unary {
            UNARY_WINDOW
        } else {
            arguments.window
        },
        rate: None,
    };
    let mut clients = Vec::new();
    for system in 0..arguments.systems {
        let endpoint: Endpoint = ground.load_system(system, server.address)?;
        clients.push(endpoint.submission().await?);
    }
    let cpu_before = cpu_time(server.pid());
    let now_unix_s = clock.now().as_second();
    let mut senders = JoinSet::new();
    let mut report_bytes = 0;
    for (system, client) in (0..).zip(clients) {
        let typed = Typed::new(ids, run << 32 | system, system, now_unix_s);
        report_bytes = typed.report_bytes();
        let clock = Arc::clone(clock);
        if arguments.unary {
            senders.spawn(load::unary(client, typed, share, clock));
        } else {
            senders.spawn(load::stream(client, typed, share, clock));
        }
    }
    let mut measured = Measured::default();
    while let Some(one) = senders.join_next().await {
        measured.merge(one.map_err(|_| load::LoadError::Sender)??);
    }
    let cpu_after = cpu_time(server.pid());
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
    let number = |side: &str, field: &str| {
        result
            .get(side)
            .and_then(|side| side.get(field))
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    let row = |title: &str, field: &str, scale: f64, digits: usize| {
        let (a, b) = (
            number("null", field) * scale,
            number("gateway", field) * scale,
        );
        format!("{title:<34} {a:>14.digits$} {b:>14.digits$}\n")
    };
    let ratio = result
        .get("ratio")
        .and_then(Value::as_f64)
        .unwrap_or(f64::NAN);
    let mut text = format!("{:<34} {:>14} {:>14}\n", "", "null (a)", "gateway (b)");
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
    text += &format!("{:<34} {:>14} {ratio:>14.3}\n", "ratio b/a", "");
    text += &format!("JetStream: {}\n", super::JETSTREAM_NOTE);
    text
}

//! `entente bench readers`: one record to many live subscriptions, from the moment that its report
//! is handed in until each of them has it.

use super::measure::Cores;
use super::server::{Kind, Server};
use super::{BenchError, Ground, measure};
use crate::clock::Clock;
use crate::mock::load::{self, Load};
use crate::mock::typed::{Ids, Typed};
use crate::wire::proto::{SubscribeRequest, SubscribeResponse};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::Streaming;

/// Who reads.
const READER: &str = "USA/feed-desk";

/// Arguments of `entente bench readers`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Readers {
    /// Subscriptions, each on a connection of its own
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    subscribers: u64,
    /// Records, one after the other
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    records: u64,
    /// Records a second
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

/// Measures. The answer has `delivery_p99_ms`, over all records and subscriptions.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(super) async fn run(
    arguments: &Readers,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let resident = || measure::memory_bytes(gateway.pid(), "VmRSS").unwrap_or(0);
    let endpoint = ground.endpoint(READER, gateway.address)?;
    let before = resident();
    let mut reading = JoinSet::new();
    for number in 1..=arguments.subscribers {
        let request = SubscribeRequest::default();
        let opened = endpoint.feed().await?.subscribe(request).await;
        let stream = opened.map_err(|status| BenchError::Call(status.message().into()))?;
        let (stream, clock) = (stream.into_inner(), Arc::clone(clock));
        reading.spawn(arrivals(stream, arguments.records, clock));
        if number % 100 == 0 {
            super::say(&format!("{number} of {} read", arguments.subscribers));
        }
    }
    let after = resident();
    let busy = || measure::cpu_time(gateway.pid()).unwrap_or_default();
    let busy_before = busy();
    let sent = send(arguments, ground, &gateway, clock).await?;
    let mut deliveries = Vec::new();
    let mut last = vec![Duration::ZERO; sent.len()];
    while let Some(arrived) = reading.join_next().await {
        let arrived = arrived.map_err(|error| BenchError::Call(error.to_string()))??;
        for ((arrived, sent), last) in arrived.iter().zip(&sent).zip(&mut last) {
            let took = arrived.saturating_sub(*sent);
            *last = took.max(*last);
            deliveries.push(took);
        }
    }
    let busy = busy().saturating_sub(busy_before).as_secs_f64() * 1e6;
    deliveries.sort_unstable();
    last.sort_unstable();
    Ok(json!({
        "bench": "readers",
        "pinned": cores.is_pinned,
        "subscribers": arguments.subscribers,
        "records": arguments.records,
        "rate": arguments.rate,
        "delivery_p50_ms": at(&deliveries, 50),
        "delivery_p99_ms": at(&deliveries, 99),
        "delivery_max_ms": at(&deliveries, 100),
        "last_reader_p50_ms": at(&last, 50),
        "last_reader_p99_ms": at(&last, 99),
        "server_cpu_us_per_delivery": busy / deliveries.len().max(1) as f64,
        "memory_before_bytes": before,
        "memory_bytes": after,
        "memory_per_subscriber_bytes": after.saturating_sub(before) / arguments.subscribers,
        "memory_after_bytes": resident(),
    }))
}

/// When each record came, in order.
async fn arrivals(
    mut stream: Streaming<SubscribeResponse>,
    records: u64,
    clock: Arc<dyn Clock>,
) -> Result<Vec<Duration>, BenchError> {
    let mut arrived = Vec::new();
    while (arrived.len() as u64) < records {
        let answer = stream.message().await;
        let answer = answer.map_err(|status| BenchError::Call(status.message().into()))?;
        let Some(answer) = answer else {
            return Err(BenchError::Call("a subscription ended".to_owned()));
        };
        let now = clock.monotonic();
        arrived.extend(answer.entries.iter().map(|_| now));
    }
    Ok(arrived)
}

/// Hands reports in, one at a time; when each was.
async fn send(
    arguments: &Readers,
    ground: &Ground,
    gateway: &Server,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Duration>, BenchError> {
    let client = ground.load_system(0, gateway.address)?.submission().await?;
    let second = clock.now().as_second();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / arguments.rate);
    let mut sent = Vec::new();
    for number in 0..arguments.records {
        ticks.tick().await;
        sent.push(clock.monotonic());
        let one = Load {
            reports: 1,
            window: 1,
            rate: None,
        };
        let typed = Typed::new(Ids::Rising, number + 1, 0, second);
        load::unary(client.clone(), typed, one, Arc::clone(clock)).await?;
    }
    Ok(sent)
}

/// The duration that this many of a hundred did not exceed, in milliseconds.
fn at(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    let found = sorted.get(rank).copied().unwrap_or_default();
    found.as_secs_f64() * 1e3
}

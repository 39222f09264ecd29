//! `entente bench flood`: what one nation's flood of handshakes does to another nation's
//! receipts. Three kinds of round, turn about in one run: quiet; with the attacker's work on the
//! load's core but nobody met; and with the flood.

use super::attack::{Attacker, Strength};
use super::measure::{Cores, cpu_time, median};
use super::server::{Kind, Server};
use super::{BenchError, Ground};
use crate::clock::Clock;
use crate::mock::load::{self, Load};
use crate::mock::typed::{Ids, Typed};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Arguments of `entente bench flood`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FloodArguments {
    /// Reports a second of the nation that only does its work
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds of each round
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Rounds of each kind; the figures are medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
    /// Addresses that the flood comes from
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=200))]
    sources: u8,
    /// Peers at a time, of each address and each of the three kinds (complete, refused, half-open)
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    peers: u64,
}

/// What goes on besides the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Besides {
    /// Nothing.
    Nothing,
    /// The attacker's work on the core of the load, as far as it is the attacker's own.
    Work,
    /// The flood.
    Flood,
}

/// One round.
#[derive(Clone, Debug)]
struct Round {
    p50: Duration,
    p99: Duration,
    server_cpu: Duration,
    attacker_cpu: Duration,
    flooded: Value,
}

/// The rounds of one kind.
#[derive(Debug, Default)]
struct Rounds(Vec<Round>);

impl Rounds {
    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    fn p99_us(&self) -> f64 {
        self.median(|round| micros(round.p99))
    }

    fn to_json(&self, seconds: f64) -> Value {
        let share = |of: fn(&Round) -> Duration| {
            self.median(|round| of(round).as_secs_f64() / seconds.max(1e-9))
        };
        json!({
            "receipt_latency_p50_us": self.median(|round| micros(round.p50)),
            "receipt_latency_p99_us": self.p99_us(),
            "rounds_p99_us": self.0.iter().map(|round| micros(round.p99)).collect::<Vec<_>>(),
            "server_cores_busy": share(|round| round.server_cpu),
            "attacker_cores_busy": share(|round| round.attacker_cpu),
        })
    }

    /// A figure of the attacker's, a second.
    fn flooded(&self, what: &str, seconds: f64) -> f64 {
        self.median(|round| {
            let count = round.flooded.get(what).and_then(Value::as_f64);
            count.unwrap_or_default() / seconds.max(1e-9)
        })
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Measures. The answer has `factor`: p99 with the flood by p99 without.
pub(super) async fn run(
    arguments: &FloodArguments,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let mut run = 1;
    let warm_up = FloodArguments {
        seconds: 1,
        ..arguments.clone()
    };
    one_round(&warm_up, ground, &gateway, run, Besides::Nothing, clock).await?;
    let mut kinds = [Besides::Nothing, Besides::Work, Besides::Flood]
        .map(|besides| (besides, Rounds::default()));
    for number in 1..=arguments.rounds {
        for (besides, rounds) in &mut kinds {
            run += 1;
            let round = one_round(arguments, ground, &gateway, run, *besides, clock).await?;
            super::say(&format!(
                "round {number} of {}: {besides:?}: p99 {:.0} us",
                arguments.rounds,
                micros(round.p99)
            ));
            rounds.0.push(round);
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "seconds of one round")]
    let seconds = arguments.seconds as f64;
    let [(_, quiet), (_, work), (_, flood)] = &kinds;
    let factor = |of: &Rounds| flood.p99_us() / of.p99_us().max(1e-9);
    let pairs = flood.0.iter().zip(&quiet.0);
    let factors = pairs.map(|(flood, quiet)| micros(flood.p99) / micros(quiet.p99).max(1e-9));
    Ok(json!({
        "bench": "flood",
        "pinned": cores.is_pinned,
        "rate": arguments.rate,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "sources": arguments.sources,
        "peers": arguments.peers,
        "quiet": quiet.to_json(seconds),
        "attackers_work_alone": work.to_json(seconds),
        "flood": flood.to_json(seconds),
        "complete_per_s": flood.flooded("complete", seconds),
        "refused_per_s": flood.flooded("refused", seconds),
        "half_open_per_s": flood.flooded("half_open", seconds),
        "turned_away_per_s": flood.flooded("turned_away", seconds),
        "rounds_factor": factors.collect::<Vec<_>>(),
        "factor_to_attackers_work": factor(work),
        "factor": factor(quiet),
    }))
}

async fn one_round(
    arguments: &FloodArguments,
    ground: &Ground,
    gateway: &Server,
    run: u64,
    besides: Besides,
    clock: &Arc<dyn Clock>,
) -> Result<Round, BenchError> {
    let typed = Typed::new(Ids::Rising, run, 0, clock.now().as_second());
    let reports = u64::from(arguments.rate) * arguments.seconds;
    let load = Load {
        reports,
        window: reports,
        rate: Some(f64::from(arguments.rate)),
    };
    let endpoint = ground.load_system(0, gateway.address)?;
    let client = endpoint.submission().await?;
    let strength = Strength {
        sources: arguments.sources,
        peers: usize::try_from(arguments.peers).unwrap_or(usize::MAX),
    };
    let attacker = match besides {
        Besides::Nothing => None,
        Besides::Work => Some(Attacker::start(ground, None, strength)?),
        Besides::Flood => Some(Attacker::start(ground, Some(gateway.address), strength)?),
    };
    let cpu = |pid: Option<u32>| pid.and_then(cpu_time).unwrap_or_default();
    let attacker_pid = attacker.as_ref().map(Attacker::pid);
    let before = (cpu(Some(gateway.pid())), cpu(attacker_pid));
    let mut measured = load::stream(client, typed, load, Arc::clone(clock)).await?;
    let after = (cpu(Some(gateway.pid())), cpu(attacker_pid));
    let flooded = attacker.map(Attacker::end).transpose()?;
    Ok(Round {
        p50: measured.latency(0.5),
        p99: measured.latency(0.99),
        server_cpu: after.0.saturating_sub(before.0),
        attacker_cpu: after.1.saturating_sub(before.1),
        flooded: flooded.unwrap_or_default(),
    })
}

/// For people.
pub(super) fn table(result: &Value) -> String {
    let number = |path: &[&str]| {
        let found = path.iter().try_fold(result, |value, name| value.get(name));
        found.and_then(Value::as_f64).unwrap_or(f64::NAN)
    };
    let titles = ("quiet", "its work alone", "flood");
    let mut text = format!(
        "{:<34} {:>14} {:>14} {:>14}\n",
        "", titles.0, titles.1, titles.2
    );
    for (title, field, scale) in [
        ("receipt latency p50, ms", "receipt_latency_p50_us", 1e-3),
        ("receipt latency p99, ms", "receipt_latency_p99_us", 1e-3),
        ("cores that the gateway used", "server_cores_busy", 1.0),
        ("cores that the attacker used", "attacker_cores_busy", 1.0),
    ] {
        let of = |kind| number(&[kind, field]) * scale;
        let row = (of("quiet"), of("attackers_work_alone"), of("flood"));
        text += &format!(
            "{title:<34} {:>14.2} {:>14.2} {:>14.2}\n",
            row.0, row.1, row.2
        );
    }
    for (title, field) in [
        ("handshakes a second: complete", "complete_per_s"),
        ("  refused for the certificate", "refused_per_s"),
        ("  left half open", "half_open_per_s"),
        ("  turned away before", "turned_away_per_s"),
    ] {
        text += &format!(
            "{title:<34} {:>14} {:>14} {:>14.0}\n",
            "",
            "",
            number(&[field])
        );
    }
    text += &format!(
        "p99 with the flood, by p99 quiet: {:.2}; by p99 with its work alone: {:.2}\n",
        number(&["factor"]),
        number(&["factor_to_attackers_work"])
    );
    text
}

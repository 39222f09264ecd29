//! `entente bench engine`: gateways with the jetstream engine beside a client that publishes
//! messages of the same bytes to a stream of the same kind itself. Three servers, three copies, a
//! sync before each acknowledgement. The servers have one core in both cases, and whoever publishes
//! to them the other: the client, or the gateways with the client.

use super::jetstream::{JetStream, program};
use super::measure::{self, Cores};
use super::server::{Kind, Server};
use super::{BenchError, Ground};
use crate::clock::Clock;
use crate::mock::load::{self, Load};
use crate::mock::typed::{Ids, Typed};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The stream of the gateways.
const STREAM: &str = "ENTENTE";
/// The stream that the client publishes to itself, and the first token of its subjects.
const DIRECT: (&str, &str) = ("DIRECT", "direct");
/// The server that leads both streams; everybody is connected to another one.
const LEADER: &str = "bench-1";
/// How long it may take until it does.
const LEAD_DEADLINE: Duration = Duration::from_secs(30);
const LEAD_PAUSE: Duration = Duration::from_millis(500);
/// Messages of the gateways that are published again.
const SAMPLES: u64 = 200;

/// Arguments of `entente bench engine`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Engine {
    /// Reports of each round
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    reports: u64,
    /// Reports that may wait for their receipts, over all gateways
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u64).range(2..=65_536))]
    window: u64,
    /// Rounds; the figures are medians of theirs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
}

/// What a round took.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    rate: f64,
    /// Processor time for each report, of the gateways and of the NATS servers.
    gateways_us: f64,
    servers_us: f64,
    /// And of the gateway that was added last.
    last_us: f64,
}

fn failed(error: impl Display) -> BenchError {
    BenchError::JetStream(error.to_string())
}

/// Everything under measurement.
struct Field<'a> {
    arguments: &'a Engine,
    ground: &'a Ground,
    clock: &'a Arc<dyn Clock>,
    // Ended before the servers: without those, gateways wait for them.
    gateways: Vec<Server>,
    servers: Vec<JetStream>,
}

/// Measures. The answer has `ratio_to_direct` and `ratio_of_two_gateways`.
pub(super) async fn run(
    arguments: &Engine,
    ground: &Ground,
    clock: &Arc<dyn Clock>,
    cores: Cores,
) -> Result<Value, BenchError> {
    let program = program().ok_or_else(|| failed("no nats-server is on the path"))?;
    let servers = JetStream::cluster(&program, ground, cores)?;
    let server = servers.first().ok_or_else(|| failed("no server"))?;
    let section = section(ground, &server.url());
    ground.edit(|text| {
        text.replace("[journal]\n", "[journal]\nengine = \"jetstream\"\n") + &section
    })?;
    let beside_load = Cores {
        server: cores.load,
        ..cores
    };
    let mut field = Field {
        arguments,
        ground,
        clock,
        servers,
        gateways: Vec::new(),
    };
    field.add_gateway(beside_load)?;
    // Warm, and there is something to publish again.
    let warm_up = (arguments.reports / 10).max(SAMPLES);
    field.through_gateways(0, 1, warm_up).await?;
    let server = field.servers.first().ok_or_else(|| failed("no server"))?;
    let context = server.context(ground, 0, arguments.window).await?;
    let samples = samples(&context).await?;
    for stream in [STREAM, DIRECT.0] {
        lead(&context, stream, clock).await?;
    }
    let mut rounds: [Vec<Round>; 3] = Default::default();
    let [direct, one, two] = &mut rounds;
    for number in 1..=arguments.rounds {
        measure::flush(ground.folder())?;
        direct.push(field.directly(number, &context, &samples).await?);
        measure::flush(ground.folder())?;
        one.push(field.through_gateways(number, 1, arguments.reports).await?);
        super::say(&format!("round {number} of {}", arguments.rounds));
    }
    field.add_gateway(beside_load)?;
    for number in 1..=arguments.rounds {
        measure::flush(ground.folder())?;
        let run = arguments.rounds + number;
        two.push(field.through_gateways(run, 2, arguments.reports).await?);
    }
    // The second one only reads what the first one stores.
    let run = 2 * arguments.rounds + 1;
    let follower = field.through_gateways(run, 1, arguments.reports).await?;
    Ok(to_json(&field, cores, &samples, rounds, follower.last_us))
}

fn to_json(
    field: &Field<'_>,
    cores: Cores,
    samples: &[Bytes],
    rounds: [Vec<Round>; 3],
    follower_us: f64,
) -> Value {
    let [direct, one, two] = rounds.map(|rounds| {
        let middle = |of: fn(&Round) -> f64| measure::median(rounds.iter().map(of).collect());
        Round {
            rate: middle(|round| round.rate),
            gateways_us: middle(|round| round.gateways_us),
            servers_us: middle(|round| round.servers_us),
            last_us: middle(|round| round.last_us),
        }
    });
    let shown = |round: Round| {
        json!({
            "reports_per_s": round.rate,
            "gateways_cpu_us_per_report": round.gateways_us,
            "nats_cpu_us_per_report": round.servers_us,
        })
    };
    json!({
        "bench": "engine",
        "pinned": cores.is_pinned,
        "reports": field.arguments.reports,
        "window": field.arguments.window,
        "rounds": field.arguments.rounds,
        "message_bytes": samples.iter().map(Bytes::len).sum::<usize>() / samples.len().max(1),
        "nats_version": field.servers.first().map(|server| server.version.clone()),
        "direct": shown(direct),
        "one_gateway": shown(one),
        "two_gateways": shown(two),
        "follower_cpu_us_per_report": follower_us,
        "ratio_to_direct": one.rate / direct.rate,
        "ratio_of_two_gateways": two.rate / one.rate,
    })
}

/// What the gateways need to know of the servers.
fn section(ground: &Ground, url: &str) -> String {
    let file = |name: &str| format!("{}/certs-dev/{name}", ground.folder().display());
    format!(
        "\n[journal.jetstream]\nservers = [{url:?}]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n",
        file("gateway/authority.pem"),
        file("GBR/load-0.pem"),
        file("GBR/load-0.key"),
    )
}

/// Messages as the gateways make them.
async fn samples(context: &Context) -> Result<Vec<Bytes>, BenchError> {
    let mut stream = context.get_stream(STREAM).await.map_err(failed)?;
    let config = stream.info().await.map_err(failed)?.config.clone();
    let of_ours = Config {
        name: DIRECT.0.to_owned(),
        subjects: vec![format!("{}.>", DIRECT.1)],
        ..config
    };
    context.create_stream(of_ours).await.map_err(failed)?;
    let mut samples = Vec::new();
    for sequence in 1..=SAMPLES {
        let message = stream.get_raw_message(sequence).await.map_err(failed)?;
        samples.push(message.payload);
    }
    Ok(samples)
}

/// Hands the lead of a stream to the server [`LEADER`], to which nobody connects: so is it for two
/// gateways of three, and both streams are alike.
async fn lead(context: &Context, stream: &str, clock: &Arc<dyn Clock>) -> Result<(), BenchError> {
    let until = clock.monotonic() + LEAD_DEADLINE;
    let mut stream = context.get_stream(stream).await.map_err(failed)?;
    loop {
        let info = stream.info().await.map_err(failed)?;
        let leader = info
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.leader.as_deref());
        if leader == Some(LEADER) {
            return Ok(());
        }
        if clock.monotonic() >= until {
            return Err(failed(format!(
                "{LEADER} does not take the lead of a stream"
            )));
        }
        let wish = json!({ "placement": { "preferred": LEADER } });
        let step_down = format!("STREAM.LEADER.STEPDOWN.{}", info.config.name);
        // Refused in the middle of an election, and asked again.
        let _answer: Result<Value, _> = context.request(step_down, &wish).await;
        tokio::time::sleep(LEAD_PAUSE).await;
    }
}

impl Field<'_> {
    /// One more gateway, with folders of its own.
    fn add_gateway(&mut self, cores: Cores) -> Result<(), BenchError> {
        let (folder, number) = (self.ground.folder().display(), self.gateways.len());
        let own = |name: &str| format!("{folder}/{name}-{number}");
        let settings = [
            ("ENTENTE__JOURNAL__FOLDER", own("journal")),
            ("ENTENTE__QUARANTINE__FOLDER", own("quarantine")),
            ("ENTENTE__TRUST__FOLDER", own("trust")),
        ];
        let gateway = Server::start_with(Kind::Gateway, self.ground, cores, &settings)?;
        self.gateways.push(gateway);
        Ok(())
    }

    /// Processor time so far: of the gateways, of the servers, and of the last gateway.
    fn busy(&self) -> [Duration; 3] {
        let sum = |ids: &mut dyn Iterator<Item = u32>| {
            ids.map(|id| measure::cpu_time(id).unwrap_or_default())
                .sum()
        };
        [
            sum(&mut self.gateways.iter().map(Server::pid)),
            sum(&mut self.servers.iter().map(JetStream::pid)),
            sum(&mut self.gateways.iter().rev().take(1).map(Server::pid)),
        ]
    }

    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn round(&self, reports: u64, start: Duration, before: [Duration; 3]) -> Round {
        let after = self.busy();
        let took = self.clock.monotonic().saturating_sub(start);
        let each = |index: usize| {
            let of = |times: &[Duration; 3]| times.get(index).copied().unwrap_or_default();
            of(&after).saturating_sub(of(&before)).as_secs_f64() * 1e6 / reports as f64
        };
        Round {
            rate: reports as f64 / took.as_secs_f64().max(1e-9),
            gateways_us: each(0),
            servers_us: each(1),
            last_us: each(2),
        }
    }

    /// Reports over so many gateways at once.
    async fn through_gateways(
        &self,
        run: u64,
        gateways: u64,
        reports: u64,
    ) -> Result<Round, BenchError> {
        let (start, before) = (self.clock.monotonic(), self.busy());
        let mut sending = JoinSet::new();
        for (system, gateway) in (0..gateways).zip(&self.gateways) {
            let endpoint = self.ground.load_system(system, gateway.address)?;
            let client = endpoint.submission().await?;
            let typed = Typed::new(Ids::Rising, run, system, self.clock.now().as_second());
            let load = Load {
                reports: reports / gateways,
                window: self.arguments.window / gateways,
                rate: None,
            };
            let clock = Arc::clone(self.clock);
            sending.spawn(async move { load::stream(client, typed, load, clock).await });
        }
        while let Some(sent) = sending.join_next().await {
            sent.map_err(failed)??;
        }
        Ok(self.round(reports / gateways * gateways, start, before))
    }

    /// The same number of the same messages, each under a subject of its own that must be empty.
    async fn directly(
        &self,
        run: u64,
        context: &Context,
        samples: &[Bytes],
    ) -> Result<Round, BenchError> {
        let window = usize::try_from(self.arguments.window).unwrap_or(usize::MAX);
        let (start, before) = (self.clock.monotonic(), self.busy());
        let mut waiting: VecDeque<PublishAckFuture> = VecDeque::new();
        let payloads = samples.iter().cycle();
        for (number, payload) in (0..self.arguments.reports).zip(payloads) {
            if waiting.len() >= window
                && let Some(oldest) = waiting.pop_front()
            {
                oldest.await.map_err(failed)?;
            }
            let message = PublishMessage::build()
                .payload(payload.clone())
                .expected_last_subject_sequence(0);
            // As long as the gateways' subjects.
            let subject = format!("{}.GBR.load-0.{number:032x}.{run}", DIRECT.1);
            waiting.push_back(
                context
                    .send_publish(subject, message)
                    .await
                    .map_err(failed)?,
            );
        }
        for oldest in waiting {
            oldest.await.map_err(failed)?;
        }
        Ok(self.round(self.arguments.reports, start, before))
    }
}

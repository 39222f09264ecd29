//! The third column: a NATS server that stores the same bytes with JetStream, over mutual TLS
//! with the same certificates, on the same core as the other servers. It acknowledges before
//! it syncs, as it does by default, so it promises less than a receipt.

use super::measure::{self, Cores};
use super::{BenchError, Ground};
use crate::clock::Clock;
use crate::mock::load::{Load, Measured};
use crate::mock::typed::Typed;
use async_nats::ConnectOptions;
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{Context, stream};
use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The program.
const PROGRAM: &str = "nats-server";
/// One report of this many has its latency taken.
const SAMPLE_EVERY: u64 = 16;
/// How long an acknowledgement may take.
const PATIENCE: Duration = Duration::from_secs(60);
const STREAM: &str = "reports";
/// Servers of a cluster.
const CLUSTER_SERVERS: usize = 3;

fn failed(error: impl Display) -> BenchError {
    BenchError::JetStream(error.to_string())
}

/// The program on the path, if it is there.
pub(super) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

/// A NATS server. Ends with this value.
#[derive(Debug)]
pub(super) struct JetStream {
    child: Child,
    port: u16,
    /// As the program tells it.
    pub(super) version: String,
}

impl JetStream {
    /// Starts the server of the third column, and makes its stream.
    pub(super) async fn start(
        program: &Path,
        ground: &Ground,
        cores: Cores,
    ) -> Result<Self, BenchError> {
        let server = Self::spawn(program, ground, cores, ("bench", "", "store_dir"))?;
        server.make_stream(ground).await?;
        Ok(server)
    }

    /// Starts three servers that are a cluster, sync before they acknowledge, and vouch for it.
    pub(super) fn cluster(
        program: &Path,
        ground: &Ground,
        cores: Cores,
    ) -> Result<Vec<Self>, BenchError> {
        // All are held until the last is found.
        let held: Result<Vec<_>, _> = (0..CLUSTER_SERVERS)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect();
        let held = held.map_err(BenchError::Spawn)?;
        let addresses: Result<Vec<_>, _> = held.iter().map(TcpListener::local_addr).collect();
        let addresses = addresses.map_err(BenchError::Spawn)?;
        drop(held);
        let routes: Vec<_> = addresses
            .iter()
            .map(|a| format!("\"nats://{a}\""))
            .collect();
        let mut servers = Vec::new();
        for (number, address) in addresses.iter().enumerate() {
            // Between the servers without TLS: for whoever publishes it is the same.
            let more = format!(
                "max_payload: 8MB\nserver_tags: [\"sync:always\"]\n\
                 cluster {{\n  name: \"bench\"\n  listen: \"{address}\"\n  routes: [{}]\n}}\n",
                routes.join(", ")
            );
            let name = format!("bench-{number}");
            let store = "sync_interval: always\n  store_dir";
            servers.push(Self::spawn(program, ground, cores, (&name, &more, store))?);
        }
        Ok(servers)
    }

    /// Starts a server with a folder of its own and waits until it is ready.
    fn spawn(
        program: &Path,
        ground: &Ground,
        cores: Cores,
        (name, more, store): (&str, &str, &str),
    ) -> Result<Self, BenchError> {
        let folder = ground.folder().join("jetstream").join(name);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let configuration = folder.join("server.conf");
        let text = configured(ground, &folder, (name, more, store));
        std::fs::write(&configuration, text).map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&configuration);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped());
        // A process begins on the cores of the thread that starts it.
        let started = std::thread::spawn(move || {
            let _as_well_as_can_be = cores.server.is_some_and(measure::pin);
            command.spawn()
        });
        let child = started.join().map_err(|_| failed("no thread"))?;
        let mut server = Self {
            child: child.map_err(BenchError::Spawn)?,
            port: 0,
            version: String::new(),
        };
        server.listens(&folder.join("server.log"))?;
        Ok(server)
    }

    /// Where its clients connect.
    pub(super) fn url(&self) -> String {
        format!("tls://localhost:{}", self.port)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads the server's log until it is ready; the rest goes to a file.
    fn listens(&mut self, log_path: &Path) -> Result<(), BenchError> {
        let mut log = File::create(log_path).map_err(failed)?;
        let output = self.child.stderr.take().ok_or_else(|| failed("no log"))?;
        let mut lines = BufReader::new(output).lines();
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line.map_err(failed)?;
            let after = |words: &str| line.split_once(words).map(|(_, rest)| rest.trim());
            if let Some(version) = after("Version:") {
                version.clone_into(&mut self.version);
            }
            let listens = after("Listening for client connections on ");
            if let Some(port) = listens.and_then(|address| address.rsplit(':').next()) {
                self.port = port.parse().map_err(failed)?;
            }
            let is_ready = line.contains("Server is ready");
            said += &line;
            said.push('\n');
            if is_ready && self.port != 0 {
                log.write_all(said.as_bytes()).map_err(failed)?;
                std::thread::spawn(move || {
                    for line in lines.map_while(Result::ok) {
                        // The log is for a look afterwards, and nothing depends on it.
                        let _kept = writeln!(log, "{line}");
                    }
                });
                return Ok(());
            }
        }
        Err(BenchError::ServerStart("JetStream", said))
    }

    async fn make_stream(&self, ground: &Ground) -> Result<(), BenchError> {
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![format!("{STREAM}.>")],
            storage: stream::StorageType::File,
            discard: stream::DiscardPolicy::New,
            num_replicas: 1,
            ..Default::default()
        };
        let context = self.context(ground, 0, 16).await?;
        context.create_stream(config).await.map_err(failed)?;
        Ok(())
    }

    /// A connection of one of the systems that make load.
    pub(super) async fn context(
        &self,
        ground: &Ground,
        system: u64,
        window: u64,
    ) -> Result<Context, BenchError> {
        let address = ([127, 0, 0, 1], self.port).into();
        let endpoint = ground.load_system(system, address)?;
        let client = ConnectOptions::new()
            .tls_client_config((*endpoint.tls).clone())
            .require_tls(true)
            .connect(self.url())
            .await
            .map_err(failed)?;
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        Ok(ContextBuilder::new()
            .ack_timeout(PATIENCE)
            .max_ack_inflight(window)
            .backpressure_on_inflight(true)
            .build(client))
    }
}

impl Drop for JetStream {
    fn drop(&mut self) {
        // What it stored goes with the ground.
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn configured(ground: &Ground, folder: &Path, (name, more, store): (&str, &str, &str)) -> String {
    let certificates = ground.folder().join("certs-dev");
    let file = |name: &str| certificates.join(name).display().to_string();
    format!(
        "host: \"127.0.0.1\"\n\
         port: -1\n\
         server_name: {name:?}\n\
         tls {{\n  cert_file: {:?}\n  key_file: {:?}\n  ca_file: {:?}\n  verify: true\n  \
         timeout: 10\n}}\n\
         jetstream {{\n  {store}: {:?}\n}}\n{more}",
        file("gateway/server.pem"),
        file("gateway/server.key"),
        file("GBR/authority.pem"),
        folder.join("store").display().to_string(),
    )
}

/// Publishes a load, each report with its id against doubles, and waits for every
/// acknowledgement.
pub(super) async fn publish(
    context: Context,
    mut typed: Typed,
    load: Load,
    clock: Arc<dyn Clock>,
) -> Result<Measured, BenchError> {
    let start = clock.monotonic();
    let window = usize::try_from(load.window).unwrap_or(usize::MAX);
    let mut waiting: VecDeque<(Option<Duration>, PublishAckFuture)> = VecDeque::new();
    let mut measured = Measured::default();
    for number in 0..load.reports {
        if waiting.len() >= window
            && let Some(oldest) = waiting.pop_front()
        {
            acknowledged(oldest, &mut measured, &*clock).await?;
        }
        let (id, report) = typed.next_with_id();
        let id = String::from_utf8_lossy(&id).into_owned();
        let sent_at = number
            .is_multiple_of(SAMPLE_EVERY)
            .then(|| clock.monotonic());
        let message = PublishMessage::build().message_id(id).payload(report);
        let ack = context
            .send_publish("reports.GBR", message)
            .await
            .map_err(failed)?;
        waiting.push_back((sent_at, ack));
    }
    for oldest in waiting {
        acknowledged(oldest, &mut measured, &*clock).await?;
    }
    measured.lasted = clock.monotonic().saturating_sub(start);
    Ok(measured)
}

async fn acknowledged(
    (sent_at, ack): (Option<Duration>, PublishAckFuture),
    measured: &mut Measured,
    clock: &dyn Clock,
) -> Result<(), BenchError> {
    let ack = ack.await.map_err(failed)?;
    if ack.duplicate {
        return Err(failed("a report was taken for one that was stored before"));
    }
    measured.reports += 1;
    if let Some(sent_at) = sent_at {
        let latency = clock.monotonic().saturating_sub(sent_at);
        measured.latencies.push(latency);
    }
    Ok(())
}

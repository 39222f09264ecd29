//! The servers under measurement, each in a process of its own: this same program under a
//! hidden command. It says where it listens on its first line of output, and ends when its
//! input ends, so that it can never outlive the measurement.

use super::measure::{self, Cores};
use super::{BenchError, Ground};
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::gateway::Gateway;
use crate::identity::registry::Registry;
use crate::listener::{Connections, Listener};
use crate::rpc::null;
use crate::telemetry;
use crate::trust::TrustState;
use arc_swap::ArcSwap;
use std::fs::File;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Decodes and drops.
    Null,
    /// Everything on.
    Gateway,
}

/// A server in a process of its own. Ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts a server over the configuration file, on the servers' core.
    pub(super) fn start(kind: Kind, ground: &Ground, cores: Cores) -> Result<Self, BenchError> {
        Self::start_with(kind, ground, cores, &[])
    }

    /// As [`Self::start`], with settings over those of the file, as the environment gives them.
    pub(super) fn start_with(
        kind: Kind,
        ground: &Ground,
        cores: Cores,
        settings: &[(&str, String)],
    ) -> Result<Self, BenchError> {
        let program = std::env::current_exe().map_err(BenchError::Spawn)?;
        let word = match kind {
            Kind::Null => "null",
            Kind::Gateway => "gateway",
        };
        let log_path = ground.folder().join(format!("{word}.log"));
        // Several gateways write to one.
        let log = File::options().create(true).append(true).open(&log_path);
        let log = log.map_err(BenchError::Spawn)?;
        let mut command = Command::new(program);
        command
            .args(["bench", "serve", "--kind", word, "--config"])
            .arg(ground.configuration())
            .envs(settings.iter().map(|(name, value)| (name, value)));
        if let Some(core) = cores.server {
            command.args(["--core", &core.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(BenchError::Spawn)?;
        let input = child.stdin.take();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            // A server that cannot start ends, and so does its output.
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(BenchError::Spawn)?;
        }
        let Ok(address) = line.trim().parse() else {
            let _ended_already = child.kill();
            let _reaped = child.wait();
            let said = std::fs::read_to_string(&log_path).unwrap_or_default();
            return Err(BenchError::ServerStart(word, said));
        };
        Ok(Self {
            child,
            input,
            address,
        })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself; if it was killed meanwhile there is nothing left to do.
        let _ended = self.child.wait();
    }
}

/// Runs a server in this process until standard input ends.
pub(super) fn serve(
    kind: Kind,
    core: Option<usize>,
    configuration: &Path,
) -> Result<(), BenchError> {
    let pinned = core.is_some_and(measure::pin);
    // As `entente serve` does; for the null service too, so that both are alike.
    crate::cli::serve::small_pages();
    let mut builder = if pinned {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = builder.enable_all().build().map_err(BenchError::Spawn)?;
    let loaded = Ground::load_from(configuration)?;
    let telemetry = |error: &dyn std::fmt::Display| BenchError::Telemetry(error.to_string());
    telemetry::start(&loaded.gateway.telemetry).map_err(|error| telemetry(&error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    runtime.block_on(async {
        let ended = end_of_input();
        match kind {
            Kind::Gateway => {
                telemetry::serve_metrics(&loaded.gateway.metrics)
                    .await
                    .map_err(|error| telemetry(&error))?;
                let gateway = Gateway::start(loaded, clock).await?;
                announce(gateway.address());
                gateway.run_until(ended).await?;
            }
            Kind::Null => serve_null(loaded, clock, ended).await?,
        }
        Ok(())
    })
}

/// The gateway's listener and trust with nothing behind them.
async fn serve_null(
    loaded: config::Loaded,
    clock: Arc<dyn Clock>,
    ended: impl Future<Output = ()>,
) -> Result<(), BenchError> {
    let registry = Registry::new(loaded.nations.iter().map(|file| file.nation.clone()));
    let sources = loaded
        .nations
        .iter()
        .map(|file| file.sources.clone())
        .collect();
    let trust = TrustState::load(sources, loaded.gateway.tls, Arc::clone(&clock))
        .map_err(crate::gateway::StartError::from)?;
    let listener = Listener::bind(&loaded.gateway.listener)
        .await
        .map_err(crate::gateway::StartError::from)?;
    announce(listener.local_addr());
    let (draining, drained) = watch::channel(false);
    let accepted = listener.run(
        Arc::new(trust),
        Arc::new(Connections::new()),
        Arc::new(ArcSwap::from_pointee(registry)),
        clock,
        drained,
    );
    let shutdown = async {
        ended.await;
        let _nobody_listens = draining.send(true);
    };
    null::serve(&loaded.gateway.rpc, accepted, shutdown)
        .await
        .map_err(crate::gateway::GatewayError::from)?;
    Ok(())
}

/// The first line of output: where the server listens.
fn announce(address: SocketAddr) {
    let mut out = std::io::stdout().lock();
    // Without a reader there is no measurement either; the end of input follows at once.
    let _nobody_reads = writeln!(out, "{address}").and_then(|()| out.flush());
}

/// Resolves when standard input ends.
pub(super) async fn end_of_input() {
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut nothing = Vec::new();
        let _ended_either_way = std::io::stdin().lock().read_to_end(&mut nothing);
        let _server_is_gone = end.send(());
    });
    let _thread_is_gone = ended.await;
}

//! `entente bench`: measures the gateway over real mutual TLS on throw-away ground. Ratios
//! against a null service on the same transport mean more than figures of one machine.

mod attack;
mod catchup;
mod engine;
mod flood;
mod idle;
mod ingest;
mod jetstream;
mod latency;
mod measure;
mod readers;
mod reopen;
mod server;

use super::Failure;
use super::ground::{Ground, GroundError};
use crate::client::ClientError;
use crate::clock::{Clock, SystemClock};
use crate::gateway::{GatewayError, StartError};
use crate::mock::load::LoadError;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use thiserror::Error;

/// Measures the gateway over real mutual TLS on throw-away ground.
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
    /// How the result is printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Use this folder (new or empty), on the disk to measure, and keep it [default: a folder
    /// for temporary files, removed at the end]
    #[arg(long, global = true, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reports a second, beside the null service
    Ingest(ingest::Ingest),
    /// Receipt latency at a steady rate, beside the disk's sync time
    Latency(latency::Latency),
    /// One nation's receipt latency without and with another's flood of handshakes
    Flood(flood::FloodArguments),
    /// Memory of idle authenticated connections
    Idle(idle::Idle),
    /// One record to many live subscriptions
    Readers(readers::Readers),
    /// Gateways with the jetstream engine, beside publishing to the same servers
    Engine(engine::Engine),
    /// The whole feed to one reader, beside reading the journal
    Catchup(catchup::Catchup),
    /// Time to open a large journal, page cache warm and cold
    Reopen(reopen::Reopen),
    /// The attacker of `flood`; started by it
    #[command(hide = true)]
    Attack(attack::Attack),
    /// A server under measurement; started by the others
    #[command(hide = true)]
    Serve {
        #[arg(long, value_enum)]
        kind: server::Kind,
        /// The core to run on
        #[arg(long)]
        core: Option<usize>,
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table
    Text,
    /// One object
    Json,
}

/// Why there is no measurement.
#[derive(Debug, Error)]
pub(super) enum BenchError {
    /// No ground to measure on.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// A process or thread could not be started.
    #[error("cannot start a process of the measurement: {0}")]
    Spawn(std::io::Error),
    /// A server ended before it listened.
    #[error("the {0} server does not start: {1}")]
    ServerStart(&'static str, String),
    /// Log or metrics do not start.
    #[error("telemetry: {0}")]
    Telemetry(String),
    /// The gateway does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The gateway stopped.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A connection failed.
    #[error(transparent)]
    Connect(#[from] ClientError),
    /// The load was cut short.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The NATS server or its client failed.
    #[error("JetStream: {0}")]
    JetStream(String),
    /// The attacker does not do its work.
    #[error("the attacker of the measurement: {0}")]
    Attack(String),
    /// A call failed.
    #[error("a call failed: {0}")]
    Call(String),
    /// The disk could not be measured.
    #[error("cannot measure the disk: {0}")]
    Disk(std::io::Error),
    /// The journal failed.
    #[error("journal: {0}")]
    Journal(String),
}

/// Measures and prints.
pub(super) fn run(arguments: &Bench) -> Result<(), Failure> {
    if let What::Serve { kind, core, config } = &arguments.what {
        return server::serve(*kind, *core, config).map_err(super::fail);
    }
    if let What::Attack(attack) = &arguments.what {
        return attack::run(attack).map_err(super::fail);
    }
    let result = measured(arguments).map_err(super::fail)?;
    print(arguments, &result);
    Ok(())
}

fn measured(arguments: &Bench) -> Result<Value, BenchError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let load_systems = match &arguments.what {
        What::Ingest(ingest) => ingest.systems,
        What::Engine(_) => 2,
        What::Latency(_) | What::Flood(_) | What::Idle(_) | What::Readers(_) | What::Catchup(_) => {
            1
        }
        What::Reopen(_) | What::Serve { .. } | What::Attack(_) => 0,
    };
    let ground = Ground::lay(arguments.keep.as_deref(), load_systems, &clock)?;
    let cores = measure::Cores::choose();
    let mut runtime = if cores.is_pinned {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = runtime.enable_all().build().map_err(BenchError::Spawn)?;
    let measurement: Pin<Box<dyn Future<Output = Result<Value, BenchError>>>> =
        match &arguments.what {
            What::Ingest(ingest) => Box::pin(ingest::run(ingest, &ground, &clock, cores)),
            What::Latency(latency) => Box::pin(latency::run(latency, &ground, &clock, cores)),
            What::Flood(flood) => Box::pin(flood::run(flood, &ground, &clock, cores)),
            What::Idle(idle) => Box::pin(idle::run(idle, &ground, cores)),
            What::Engine(engine) => Box::pin(engine::run(engine, &ground, &clock, cores)),
            What::Readers(readers) => Box::pin(readers::run(readers, &ground, &clock, cores)),
            What::Catchup(catchup) => Box::pin(catchup::run(catchup, &ground, &clock, cores)),
            What::Reopen(reopen) => return reopen::run(reopen, &ground, &clock),
            What::Serve { .. } | What::Attack(_) => return Ok(Value::Null),
        };
    runtime.block_on(measurement)
}

/// Progress, for people only.
fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    if err.is_terminal() {
        // Progress that nobody can see is no loss.
        let _nobody_reads = writeln!(err, "{text}");
    }
}

fn print(arguments: &Bench, result: &Value) {
    let text = match (arguments.output, &arguments.what) {
        (Output::Json, _) => format!("{result}\n"),
        (Output::Text, What::Ingest(_)) => ingest::table(result),
        (Output::Text, What::Flood(_)) => flood::table(result),
        (Output::Text, _) => lines(result),
    };
    let mut out = std::io::stdout().lock();
    // A reader that went away has seen what it wanted.
    let _nobody_reads = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// One field a line.
fn lines(result: &Value) -> String {
    let fields = result.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| match value.as_f64() {
            Some(number) if value.is_f64() => format!("{name:<40} {number:.3}\n"),
            _ => format!("{name:<40} {value}\n"),
        })
        .collect()
}

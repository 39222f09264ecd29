//! `entente relay`: hands the feed on to a webhook, to subjects of a JetStream, or to a TAK
//! server.

use super::foreign::harmless;
use super::{Failure, Output, fail};
use crate::clock::{Clock, SystemClock};
use crate::relay::{
    self, DeadLetters, Folder, RelaySettings, Replayed, STATUS_FILE, Status, Target,
};
use crate::telemetry;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Hands the feed on: to a webhook, to subjects of a JetStream, or to a TAK server. Each relay is
/// a reader with a certificate of its own. See `docs/RELAYS.md`.
#[derive(Debug, Args)]
pub(super) struct RelayArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Run),
    Status(Shown),
    DeadLetters(Shown),
    Replay(Replay),
}

/// Runs a relay until SIGTERM or Ctrl-C.
#[derive(Debug, Args)]
struct Run {
    /// The relay's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How to log, and to print where metrics are.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Shows how far a relay is, what fails, and how many dead letters wait; or lists those.
#[derive(Debug, Args)]
struct Shown {
    /// The relay's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Hands dead letters to the target again, or drops them; the relay must be stopped.
///
/// Each record is read from the gateway again: what the relay may see now decides.
#[derive(Debug, Args)]
struct Replay {
    /// The relay's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only the record at this position; may be given several times.
    #[arg(long, value_name = "POSITION")]
    position: Vec<u64>,
    /// Drops them unsent.
    #[arg(long, requires = "position")]
    drop: bool,
}

pub(super) fn run(arguments: &RelayArguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Run(arguments) => work(arguments),
        Command::Status(arguments) => status(arguments),
        Command::DeadLetters(arguments) => dead_letters(arguments),
        Command::Replay(arguments) => replay(arguments),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(fail)
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

fn work(arguments: &Run) -> Result<(), Failure> {
    let settings = RelaySettings::read(&arguments.config).map_err(fail)?;
    telemetry::start(&telemetry::Settings {
        format: match arguments.output {
            Output::Readable => telemetry::Format::Readable,
            Output::Json => telemetry::Format::Json,
        },
        ..telemetry::Settings::default()
    })
    .map_err(fail)?;
    let clock = clock();
    let _held = Folder::take(&settings.state).map_err(fail)?;
    let dead = DeadLetters::open(&settings.state).map_err(fail)?;
    let target = Target::open(&settings, &clock).map_err(fail)?;
    settings.endpoint(&clock).map_err(fail)?;
    runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        let metrics = telemetry::serve_metrics(&settings.metrics)
            .await
            .map_err(fail)?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM"),
                _ = interrupt.recv() => tracing::info!("SIGINT"),
            }
            let _nobody_waits = stop.send(true);
        });
        let name = &settings.name;
        let to = settings.target.kind();
        super::line(&match (arguments.output, metrics) {
            (Output::Json, metrics) => {
                let metrics = metrics.map(|address| address.to_string());
                serde_json::json!({ "relay": name, "target": to, "metrics": metrics }).to_string()
            }
            (Output::Readable, Some(address)) => {
                format!("entente: relay {name} to {to}, metrics on http://{address}/metrics")
            }
            (Output::Readable, None) => format!("entente: relay {name} to {to}"),
        });
        Box::pin(relay::run(settings, target, dead, clock, stopped))
            .await
            .map_err(fail)
    })
}

fn status(arguments: &Shown) -> Result<(), Failure> {
    let settings = RelaySettings::read(&arguments.config).map_err(fail)?;
    let path = settings.state.join(STATUS_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::Failed(format!(
            "{}: {error}; has the relay run yet?",
            path.display()
        ))
    })?;
    let status: Status = serde_json::from_str(&text)
        .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    if arguments.output == Output::Json {
        super::line(&serde_json::to_string(&status).map_err(fail)?);
        return Ok(());
    }
    let Status {
        relay,
        target,
        position,
        durable_position,
        positions_behind,
        seconds_behind,
        ..
    } = &status;
    super::line(&format!(
        "relay {relay} to {target}, as of {}",
        status.updated_at
    ));
    super::line(&format!(
        "handed on up to position {position} of {durable_position}: {positions_behind} behind, \
         {seconds_behind} s"
    ));
    super::line(&format!(
        "since its start: {} handed on, {} left out, {} withheld, {} removed before they were read; \
         dead letters waiting: {}",
        status.handed, status.skipped, status.withheld, status.removed, status.dead_letters
    ));
    match (status.failing.as_str(), status.last_error.as_str()) {
        ("", "") => {}
        ("", last) => super::line(&format!(
            "works; its last failure was at {}: {}",
            status.last_error_at,
            harmless(last)
        )),
        (failing, _) => super::line(&format!("FAILING, and trying again: {}", harmless(failing))),
    }
    Ok(())
}

fn dead_letters(arguments: &Shown) -> Result<(), Failure> {
    let settings = RelaySettings::read(&arguments.config).map_err(fail)?;
    // Opening mends the end of the file, which a relay at work may be writing.
    let _held = Folder::take(&settings.state).map_err(fail)?;
    let dead = DeadLetters::open(&settings.state).map_err(fail)?;
    for letter in dead.letters() {
        super::line(&match arguments.output {
            Output::Json => serde_json::to_string(letter).map_err(fail)?,
            Output::Readable => format!(
                "{:>7}  {}  {}",
                letter.position,
                letter.refused_at,
                harmless(&letter.reason)
            ),
        });
    }
    Ok(())
}

fn replay(arguments: &Replay) -> Result<(), Failure> {
    let settings = RelaySettings::read(&arguments.config).map_err(fail)?;
    let clock = clock();
    let _held = Folder::take(&settings.state).map_err(fail)?;
    let mut dead = DeadLetters::open(&settings.state).map_err(fail)?;
    let known: Vec<_> = dead.letters().map(|letter| letter.position).collect();
    if let Some(unknown) = arguments.position.iter().find(|at| !known.contains(at)) {
        return Err(Failure::Usage(format!(
            "--position: there is no dead letter of position {unknown}"
        )));
    }
    let mut target = Target::open(&settings, &clock).map_err(fail)?;
    let mut stay = false;
    let tell = |position: u64, became: &Replayed| {
        super::line(&match became {
            Replayed::Taken => format!("{position:>7}  taken"),
            Replayed::Withheld => {
                format!("{position:>7}  dropped: the relay may not hand it on any more")
            }
            Replayed::Dropped => format!("{position:>7}  dropped"),
            Replayed::Stays(reason) => {
                stay = true;
                format!("{position:>7}  stays: {}", harmless(reason))
            }
        });
    };
    let replayed = relay::replay(
        &settings,
        &mut target,
        &mut dead,
        &clock,
        &arguments.position,
        arguments.drop,
        tell,
    );
    runtime()?.block_on(Box::pin(replayed)).map_err(fail)?;
    if stay { Err(Failure::Refused) } else { Ok(()) }
}

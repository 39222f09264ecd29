//! `entente serve`: runs the gateway until a signal or a fault.

use super::{Failure, Output, fail};
use crate::clock::{Clock, SystemClock};
use crate::gateway::Gateway;
use crate::{config, telemetry};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the gateway. SIGTERM or Ctrl-C drains and ends it; SIGHUP takes up
/// the files of nations and trust.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Configuration of the gateway; the nations' files lie beside it.
    #[arg(long, default_value = "config/gateway.toml")]
    config: PathBuf,
    /// Sets one key, over file and environment: `--set listener.address=127.0.0.1:0`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::check::pair)]
    set: Vec<(String, String)>,
    /// How to print the addresses once the gateway serves.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &Serve) -> Result<(), Failure> {
    let loaded = config::examine(&arguments.config, config::environment(), &arguments.set)
        .into_sound()
        .map_err(fail)?;
    telemetry::start(&loaded.gateway.telemetry).map_err(fail)?;
    // Unverified markings stand in every trace that they touch; here one line is enough.
    let (markings, others): (Vec<_>, Vec<_>) = loaded
        .warnings
        .iter()
        .partition(|warning| warning.key == "notation.markings");
    for warning in others {
        tracing::warn!("{warning}");
    }
    if !markings.is_empty() {
        let count = markings.len();
        tracing::warn!(
            count,
            "markings were not verified at their source: see `entente check`"
        );
    }
    raise_descriptors();
    small_pages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        let metrics = telemetry::serve_metrics(&loaded.gateway.metrics)
            .await
            .map_err(fail)?;
        let gateway = Gateway::start(loaded, clock).await.map_err(fail)?;
        announce(
            arguments.output,
            gateway.address(),
            metrics,
            gateway.diagnosis_address(),
        );
        let shutdown = async {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("SIGTERM"),
                _ = interrupt.recv() => tracing::info!("SIGINT"),
            }
        };
        gateway.run_until(shutdown).await.map_err(fail)
    })
}

/// Each connection takes a descriptor; the soft limit is often far below what is allowed.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(from = ?limit.current, to = ?limit.maximum, "descriptors"),
        Err(error) => tracing::warn!(%error, "the limit of descriptors cannot be raised"),
    }
}

/// No transparent huge pages in this process: the kernel clears 2 MiB at the first touch of one,
/// and who touches it is often the journal's writer, with receipts waiting (`docs/PERFORMANCE.md`).
pub(super) fn small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay; some receipts will be late by milliseconds");
    }
}

/// One line on standard output, for people and for whoever started the process.
fn announce(
    output: Output,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    diagnosis: Option<SocketAddr>,
) {
    match output {
        Output::Json => {
            let text = |address: SocketAddr| address.to_string();
            super::line(
                &serde_json::json!({
                    "address": text(address),
                    "metrics": metrics.map(text),
                    "diagnosis": diagnosis.map(text),
                })
                .to_string(),
            );
        }
        Output::Readable => {
            super::line(&format!("entente: serving on {address}"));
            if let Some(diagnosis) = diagnosis {
                super::line(&format!("entente: diagnosis on {diagnosis}"));
            }
            if let Some(metrics) = metrics {
                super::line(&format!("entente: metrics on http://{metrics}/metrics"));
            }
        }
    }
}

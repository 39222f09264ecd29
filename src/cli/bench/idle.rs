//! `entente bench idle`: what authenticated connections cost that say nothing.

use super::measure::Cores;
use super::server::{Kind, Server};
use super::{BenchError, Ground, measure};
use crate::wire::proto::WhoAmIRequest;
use serde_json::{Value, json};

/// Arguments of `entente bench idle`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Idle {
    /// Connections
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    connections: u64,
}

/// Measures. The answer has `memory_bytes`, the gateway's resident memory with all connected.
pub(super) async fn run(
    arguments: &Idle,
    ground: &Ground,
    cores: Cores,
) -> Result<Value, BenchError> {
    let gateway = Server::start(Kind::Gateway, ground, cores)?;
    let resident = || measure::memory_bytes(gateway.pid(), "VmRSS").unwrap_or(0);
    let before = resident();
    let endpoint = ground.load_system(0, gateway.address)?;
    let mut open = Vec::new();
    for number in 1..=arguments.connections {
        // One call, so that the connection is past its first request.
        let mut client = endpoint.submission().await?;
        client
            .who_am_i(WhoAmIRequest {})
            .await
            .map_err(|status| BenchError::Call(status.message().into()))?;
        open.push(client);
        if number % 100 == 0 {
            super::say(&format!("{number} of {} connected", arguments.connections));
        }
    }
    let after = resident();
    // Still connected: the last one answers too.
    if let Some(client) = open.last_mut() {
        client
            .who_am_i(WhoAmIRequest {})
            .await
            .map_err(|status| BenchError::Call(status.message().into()))?;
    }
    Ok(json!({
        "bench": "idle",
        "connections": open.len(),
        "memory_before_bytes": before,
        "memory_bytes": after,
        "memory_per_connection_bytes": after.saturating_sub(before) / arguments.connections,
    }))
}

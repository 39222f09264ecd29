//! Starts the diagnosis listener, if there is one.

use super::{GatewayError, StartError};
use crate::clock::Clock;
use crate::config::GatewaySettings;
use crate::listener::DiagnosisListener;
use crate::rpc::diagnosis;
use crate::trust::TrustState;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Binds and serves; none if the settings have no address.
pub(super) async fn start(
    settings: &GatewaySettings,
    trust: &Arc<TrustState>,
    clock: &Arc<dyn Clock>,
    drained: &watch::Receiver<bool>,
    faults: &mpsc::Sender<GatewayError>,
) -> Result<Option<(SocketAddr, JoinHandle<()>)>, StartError> {
    let Some(listener) = DiagnosisListener::bind(&settings.diagnosis).await? else {
        return Ok(None);
    };
    let address = listener.local_addr();
    let visitors = listener.run(Arc::clone(trust), Arc::clone(clock), drained.clone());
    let mut drained = drained.clone();
    let shutdown = async move {
        // An error means that the gateway is gone, which is a shutdown too.
        let _gone = drained.wait_for(|draining| *draining).await;
    };
    let judge = diagnosis::Judge {
        trust: Arc::clone(trust),
        clock: Arc::clone(clock),
        profile: settings.listener.tls_profile,
    };
    let serve = diagnosis::serve(judge, visitors, shutdown);
    let faults = faults.clone();
    let task = tokio::spawn(async move {
        if let Err(error) = serve.await {
            let _closing = faults.send(error.into()).await;
        }
    });
    tracing::info!(%address, "the diagnosis listener serves; it grants nothing");
    Ok(Some((address, task)))
}

//! Puts the services on a listener's connections.

use super::cascade::Cascade;
use super::certificate::Certificates;
use super::feed::FeedDoor;
use super::health::HealthDoor;
use super::operations::Operations;
use super::peer::RpcIo;
use super::submission::Submission;
use super::terms::Terms;
use super::{Doors, Settings};
use crate::listener::GatewayIo;
use crate::wire::CONTRACT;
use crate::wire::proto::cascade_service_server::CascadeServiceServer;
use crate::wire::proto::certificate_service_server::CertificateServiceServer;
use crate::wire::proto::feed_service_server::FeedServiceServer;
use crate::wire::proto::operations_service_server::OperationsServiceServer;
use crate::wire::proto::submission_service_server::SubmissionServiceServer;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic_health::pb::FILE_DESCRIPTOR_SET as HEALTH;
use tonic_health::server::{HealthReporter, health_reporter};

/// How often an idle connection is asked whether it is alive.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of a call's headers.
const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// Resets by a peer that may wait; more end the connection (rapid reset).
const PENDING_RESETS_MAX: usize = 20;
/// Resets that a peer may provoke from us; more end the connection (MadeYouReset).
const LOCAL_RESETS_MAX: usize = 256;
/// A relayed record has its original beside it, and a trace: so many times a report.
const CASCADE_MESSAGES: usize = 4;
/// Flow control window of a stream, bytes.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Flow control window of a connection, bytes.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// The service names that health is told for, besides the whole server ("").
pub const SERVICES: [&str; 5] = [
    "entente.v1.SubmissionService",
    "entente.v1.FeedService",
    "entente.v1.OperationsService",
    "entente.v1.CertificateService",
    "entente.v1.CascadeService",
];

/// Why the services cannot be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The contract's descriptor set is not readable by reflection: a fault of the build.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// tonic gave up.
    #[error("gRPC server: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Makes the health service and the door to change it.
#[must_use]
pub fn health() -> (HealthReporter, impl tonic_health::pb::health_server::Health) {
    let (reporter, _service) = health_reporter();
    let service = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    (reporter, service)
}

/// A server with the limits that every service of ours is served under.
#[must_use]
pub fn bounded(settings: &Settings) -> Server {
    Server::builder()
        .max_concurrent_streams(settings.concurrent_streams_max)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(HEADER_LIST_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS_MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
}

/// Serves until `shutdown` resolves and every connection has ended; the caller bounds that.
///
/// # Errors
/// The descriptor set is unreadable, or tonic gives up.
pub async fn serve(
    doors: Arc<Doors>,
    health: HealthReporter,
    connections: mpsc::Receiver<GatewayIo>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let settings = &doors.settings;
    let bytes_max = settings.message_bytes_max;
    let reflection = |set: bool| {
        set.then(|| {
            let builder = || {
                tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(CONTRACT)
                    .register_encoded_file_descriptor_set(HEALTH)
            };
            Ok::<_, ServeError>((builder().build_v1()?, builder().build_v1alpha()?))
        })
    };
    let (v1, v1alpha) = reflection(settings.reflection).transpose()?.unzip();
    let health = HealthDoor {
        doors: Arc::clone(&doors),
        inner: tonic_health::server::HealthService::from_health_reporter(health),
    };
    let terms = Terms {
        clock: Arc::clone(&doors.clock),
    };
    bounded(settings)
        .layer(terms)
        .add_service(tonic_health::pb::health_server::HealthServer::new(health))
        .add_optional_service(v1)
        .add_optional_service(v1alpha)
        .add_service(
            SubmissionServiceServer::new(Submission {
                doors: Arc::clone(&doors),
            })
            .max_decoding_message_size(bytes_max),
        )
        .add_service(
            FeedServiceServer::new(FeedDoor {
                doors: Arc::clone(&doors),
            })
            .max_decoding_message_size(bytes_max),
        )
        .add_service(
            OperationsServiceServer::new(Operations::new(Arc::clone(&doors)))
                .max_decoding_message_size(bytes_max),
        )
        .add_service(
            CascadeServiceServer::new(Cascade {
                doors: Arc::clone(&doors),
            })
            .max_decoding_message_size(bytes_max.saturating_mul(CASCADE_MESSAGES)),
        )
        .add_service(
            CertificateServiceServer::new(Certificates {
                doors: Arc::clone(&doors),
            })
            .max_decoding_message_size(bytes_max),
        )
        .serve_with_incoming_shutdown(
            ReceiverStream::new(connections).map(|io| Ok::<_, std::io::Error>(RpcIo::new(io))),
            shutdown,
        )
        .await?;
    Ok(())
}

/// Work of one call that must go on while its stream is not polled. Ends when dropped.
#[derive(Debug)]
pub(super) struct Spawned(AbortHandle);

impl Drop for Spawned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Spawns the work of one call; bounded by the limits on streams and connections.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Spawned {
    let task: JoinHandle<()> = tokio::spawn(work);
    Spawned(task.abort_handle())
}

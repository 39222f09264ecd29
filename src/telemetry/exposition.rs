//! Metrics in Prometheus' text form, over HTTP on a loopback port.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Most scrapes at a time.
const SCRAPES_MAX: usize = 8;
/// How long a request's headers may take.
const HEADER_DEADLINE: Duration = Duration::from_secs(5);
/// How often old samples are tidied away.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// A gauge that nobody has set for so long is of something that is gone, such as a certificate
/// that was replaced or a nation that left. Every gauge that lives is set every few seconds.
const GAUGE_IDLE: Duration = Duration::from_secs(60);
/// Wait after a failed accept.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Upper ends of the buckets for durations, seconds.
const SECONDS_BUCKETS: [f64; 12] = [
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0,
];
/// Upper ends of the buckets for batch sizes, entries.
const ENTRIES_BUCKETS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

/// Where metrics are served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsSettings {
    /// The address; `None`: metrics are not served.
    pub address: Option<SocketAddr>,
    /// Serve on an address that others can reach, without any authentication.
    pub danger_serve_to_everyone: bool,
}

/// Why metrics are not served.
#[derive(Debug, Error)]
pub enum MetricsError {
    /// The address cannot be had.
    #[error("metrics cannot be served on {address}: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Others could read them.
    #[error(
        "metrics are not authenticated and {0} is not a loopback address; \
         set metrics.danger_serve_to_everyone if that is meant"
    )]
    NotLoopback(SocketAddr),
    /// The recorder does not start.
    #[error("the metrics recorder does not start: {0}")]
    Recorder(String),
}

/// Serves metrics until the runtime ends; gives the address. Must be called on a runtime.
///
/// # Errors
/// The address cannot be had, or is not loopback.
pub async fn serve_metrics(settings: &MetricsSettings) -> Result<Option<SocketAddr>, MetricsError> {
    let Some(address) = settings.address else {
        return Ok(None);
    };
    if !address.ip().is_loopback() && !settings.danger_serve_to_everyone {
        return Err(MetricsError::NotLoopback(address));
    }
    let bind = |cause| MetricsError::Bind { address, cause };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let bound = listener.local_addr().map_err(bind)?;
    let handle = recorder()?;
    tokio::spawn(upkeep(handle.clone()));
    tokio::spawn(accept(listener, handle));
    Ok(Some(bound))
}

fn recorder() -> Result<PrometheusHandle, MetricsError> {
    let failed =
        |error: metrics_exporter_prometheus::BuildError| MetricsError::Recorder(error.to_string());
    PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(GAUGE_IDLE))
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .and_then(|builder| {
            let entries = Matcher::Suffix("_entries".to_owned());
            builder.set_buckets_for_metric(entries, &ENTRIES_BUCKETS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .inspect(|_| super::names::describe())
        .map_err(failed)
}

async fn upkeep(handle: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}

async fn accept(listener: TcpListener, handle: PrometheusHandle) {
    let places = Arc::new(Semaphore::new(SCRAPES_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            continue;
        };
        let handle = handle.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&request, &handle);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A scraper that breaks off is no concern of ours.
            let _broken_off = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_DEADLINE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(place);
        });
    }
}

fn answer<B>(request: &Request<B>, handle: &PrometheusHandle) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, handle.render()),
        _ => (
            StatusCode::NOT_FOUND,
            "metrics are at /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

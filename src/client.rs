//! A partner's side of the contract: connect over mutual TLS, submit with resumption, read
//! the feed with resumption. Used by the command line, the mock partners and the tests.
//!
//! Invariant: a report leaves the window only when its outcome has been read, so a broken
//! connection loses nothing; what is sent twice is answered with its first receipt.

pub mod cascade;
mod diagnosis;
pub mod submitter;
pub mod subscriber;
mod watched;

use crate::socket::TcpStream;
use crate::trust::{self, ClientConfig, explain};
use crate::wire::proto::certificate_service_client::CertificateServiceClient;
use crate::wire::proto::feed_service_client::FeedServiceClient;
use crate::wire::proto::operations_service_client::OperationsServiceClient;
use crate::wire::proto::submission_service_client::SubmissionServiceClient;
use crate::wire::proto::{FeedEntry, GetRecordRequest};
use crate::wire::proto::{RenewRequest, RenewResponse, WhoAmIRequest, WhoAmIResponse};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tonic::transport::{Channel, Uri};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use watched::{Verdict, Watched};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often an idle connection is asked whether it is alive.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Flow control window of a stream, bytes.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Flow control window of a connection, bytes.
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// After so many attempts without progress the gateway is asked whether it wants this client.
const ATTEMPTS_UNASKED: u32 = 2;
/// Largest answer that is read, bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How rustls says that the other side ended the handshake.
const FATAL_ALERT: &str = "received fatal alert";

/// Why a partner's side gives up.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is not one.
    #[error("`{0}` is no address: expected HOST:PORT")]
    Address(String),
    /// The server name is not one.
    #[error("`{0}` is no server name: expected a DNS name or an IP address")]
    ServerName(String),
    /// No connection, or the handshake failed.
    #[error("cannot connect to {address}: {cause}{hint}")]
    Connect {
        /// Where.
        address: String,
        /// What happened.
        cause: String,
        /// What to do about it; empty: unknown.
        hint: &'static str,
    },
    /// The gateway does not accept this client's certificate.
    #[error("cannot connect to {address}: {words}")]
    NotAccepted {
        /// Where.
        address: String,
        /// What TLS said, in plain words.
        words: String,
    },
    /// The gateway answered with an error that a retry does not mend.
    #[error("the gateway answered {code:?}: {message}")]
    Refused {
        /// The gRPC code.
        code: Code,
        /// The gateway's words.
        message: String,
    },
    /// Too many attempts without progress.
    #[error("gave up after {attempts} attempts without progress; the last one: {last}")]
    GaveUp {
        /// How many.
        attempts: u32,
        /// The last error.
        last: String,
    },
    /// The gateway's answers do not fit what was sent.
    #[error("the gateway's answers do not fit: {0}")]
    Protocol(String),
}

/// How often and how patiently to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Attempts without progress before giving up.
    pub attempts_max: u32,
    /// Wait before the second attempt; doubled for each further one.
    pub wait_min: Duration,
    /// Longest wait.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts_max: 8,
            wait_min: Duration::from_millis(100),
            wait_max: Duration::from_secs(5),
        }
    }
}

impl Patience {
    /// The wait after so many attempts without progress.
    fn wait(self, attempts: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
        self.wait_min.saturating_mul(factor).min(self.wait_max)
    }
}

/// A gateway as a partner sees it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `HOST:PORT`.
    pub address: String,
    /// The name that the gateway's certificate must carry.
    pub server_name: String,
    /// Certificate, key, and the gateway's authority.
    pub tls: Arc<ClientConfig>,
}

impl Endpoint {
    /// Connects.
    ///
    /// # Errors
    /// The address is not one, nobody answers, or the handshake fails.
    pub async fn connect(&self) -> Result<Channel, ClientError> {
        self.connect_watched(&Verdict::default()).await
    }

    /// Connects; what TLS says of this client later on goes to `verdict`.
    async fn connect_watched(&self, verdict: &Verdict) -> Result<Channel, ClientError> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.address.as_str())
            .path_and_query("/")
            .build()
            .map_err(|_| ClientError::Address(self.address.clone()))?;
        ServerName::try_from(self.server_name.as_str())
            .map_err(|_| ClientError::ServerName(self.server_name.clone()))?;
        let endpoint = self.clone();
        let verdict = verdict.clone();
        let connector = tower::service_fn(move |_uri: Uri| {
            let (endpoint, verdict) = (endpoint.clone(), verdict.clone());
            async move {
                let tcp = TcpStream::connect(endpoint.address.as_str()).await?;
                tcp.set_nodelay(true)?;
                let shaken = trust::connect(endpoint.tls, &endpoint.server_name, tcp).await;
                let tls = shaken.map_err(io::Error::other)?;
                Ok::<_, io::Error>(TokioIo::new(Watched::new(tls, verdict)))
            }
        });
        tonic::transport::Endpoint::from(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .connect_with_connector(connector)
            .await
            .map_err(|error| self.connect_error(&error))
    }

    /// Connects to the submission service.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub async fn submission(&self) -> Result<SubmissionServiceClient<Channel>, ClientError> {
        let channel = self.connect().await?;
        Ok(SubmissionServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// Asks the gateway what it sees of the caller.
    ///
    /// # Errors
    /// See [`Self::connect`]; and the gateway refuses the call.
    pub async fn who_am_i(&self) -> Result<WhoAmIResponse, ClientError> {
        let verdict = Verdict::default();
        let channel = self.connect_watched(&verdict).await?;
        let answer = SubmissionServiceClient::new(channel)
            .who_am_i(WhoAmIRequest {})
            .await;
        match (answer, verdict.words()) {
            (Ok(answer), _) => Ok(answer.into_inner()),
            (Err(_), Some(words)) => Err(ClientError::NotAccepted {
                address: self.address.clone(),
                words: words.to_owned(),
            }),
            (Err(status), None) => Err(self.refused(&status)),
        }
    }

    /// Whether the gateway finds the files of a nation sound, as it says to that nation's systems
    /// and to operators; none: it does not say.
    pub async fn finds_sound(&self, nation: &str) -> Option<bool> {
        let channel = self.connect().await.ok()?;
        let service = format!("nation/{nation}");
        let mut health = HealthClient::new(channel);
        let answer = health.check(HealthCheckRequest { service }).await.ok()?;
        match answer.into_inner().status() {
            ServingStatus::Serving => Some(true),
            ServingStatus::NotServing => Some(false),
            ServingStatus::Unknown | ServingStatus::ServiceUnknown => None,
        }
    }

    /// Asks the gateway for a new certificate over the current one: `request` is PKCS #10 in DER.
    ///
    /// # Errors
    /// See [`Self::connect`]; and the gateway refuses the request.
    pub async fn renew(&self, request: Vec<u8>) -> Result<RenewResponse, ClientError> {
        // Says first, and in plain words, when it is the current certificate that will not do.
        self.who_am_i().await?;
        let channel = self.connect().await?;
        let answer = CertificateServiceClient::new(channel)
            .renew(RenewRequest {
                certificate_request: request.into(),
            })
            .await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| self.refused(&status))
    }

    /// Why nothing comes of one attempt after another, if it is this client's certificate.
    async fn not_accepted(&self) -> Option<ClientError> {
        match self.who_am_i().await {
            Err(error @ ClientError::NotAccepted { .. }) => Some(error),
            Ok(_) | Err(_) => None,
        }
    }

    /// Makes an error of a status. A TLS 1.3 server judges the client's certificate after the
    /// client thinks itself connected, so that its refusal comes with the first call.
    #[must_use]
    pub fn refused(&self, status: &Status) -> ClientError {
        match status.source() {
            Some(source) => self.connect_error(source),
            None => refused(status),
        }
    }

    /// Connects to the feed service.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub async fn feed(&self) -> Result<FeedServiceClient<Channel>, ClientError> {
        let channel = self.connect().await?;
        Ok(FeedServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    /// One record of the feed; none: it does not exist, or is withheld from the caller.
    ///
    /// # Errors
    /// See [`Self::connect`]; and the gateway refuses the call.
    pub async fn record(
        &self,
        position: u64,
        include_original: bool,
    ) -> Result<Option<FeedEntry>, ClientError> {
        let request = GetRecordRequest {
            position,
            include_original,
        };
        match self.feed().await?.get_record(request).await {
            Ok(answer) => Ok(answer.into_inner().entry),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(self.refused(&status)),
        }
    }

    /// Connects to the operations service.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub async fn operations(&self) -> Result<OperationsServiceClient<Channel>, ClientError> {
        let channel = self.connect().await?;
        Ok(OperationsServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX))
    }

    fn connect_error(&self, error: &(dyn Error + 'static)) -> ClientError {
        let (cause, hint) = plain(error);
        ClientError::Connect {
            address: self.address.clone(),
            cause,
            hint,
        }
    }
}

/// An error with everything behind it, each text once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

/// What happened in plain words, and what to do about it.
fn plain(error: &(dyn Error + 'static)) -> (String, &'static str) {
    match explain(error) {
        Some(cause) => (cause, ""),
        None => {
            let cause = chain(error);
            let hint = hint(&cause);
            (cause, hint)
        }
    }
}

/// What a person can do about a connection that did not come about.
fn hint(cause: &str) -> &'static str {
    let hints = [
        (
            "Connection refused",
            "; is the gateway running, and is this its port?",
        ),
        (
            "failed to lookup address",
            "; the name of the gateway is not known to this machine",
        ),
        ("deadline has elapsed", "; nobody answered in time"),
        (
            "tls handshake eof",
            "; whoever listens there ended the handshake: is it the gateway?",
        ),
        (
            "received corrupt message",
            "; whoever listens there does not speak TLS: is it the gateway?",
        ),
    ];
    hints
        .into_iter()
        .find(|(part, _)| cause.contains(part))
        .map_or("", |(_, hint)| hint)
}

/// What a status says: the gateway's words, and behind them what broke.
fn words(status: &Status) -> String {
    match status.source() {
        Some(source) => {
            let (cause, hint) = plain(source);
            format!("{cause}{hint}")
        }
        None => status.message().to_owned(),
    }
}

/// Whether the same request may be sent again, and when.
#[derive(Debug)]
enum Again {
    /// After the gateway's own word, or our patience.
    After(Option<Duration>),
    /// Never.
    Never,
}

fn again(status: &Status) -> Again {
    let told = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    if status
        .source()
        .is_some_and(|source| chain(source).contains(FATAL_ALERT))
    {
        // The other side will not like this certificate any better the next time.
        return Again::Never;
    }
    match status.code() {
        Code::Unavailable
        | Code::Aborted
        | Code::Unknown
        | Code::Internal
        | Code::Cancelled
        | Code::DeadlineExceeded => Again::After(told),
        Code::ResourceExhausted if told.is_some() => Again::After(told),
        _ => Again::Never,
    }
}

fn refused(status: &Status) -> ClientError {
    ClientError::Refused {
        code: status.code(),
        message: words(status),
    }
}

//! `DiagnosisService`, on the diagnosis listener alone: what the gateway thinks of the
//! certificates that a visitor showed. Grants nothing, and says nothing of other partners.

use super::server::{ServeError, bounded};
use super::{Settings, status};
use crate::clock::Clock;
use crate::listener::{DiagnosisIo, Visitor};
use crate::trust::{CertificateFacts, Diagnosis, Profile, TrustError, TrustState, Vouching};
use crate::wire;
use crate::wire::proto::diagnosis_service_server::{DiagnosisService, DiagnosisServiceServer};
use crate::wire::proto::{
    CheckOutcome, DiagnoseRequest, DiagnoseResponse, DiagnosisCheck, SeenCertificate,
};
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

/// Largest request, bytes.
const REQUEST_BYTES_MAX: usize = 1024;
/// Most calls of one connection at a time.
const STREAMS_MAX: u32 = 4;
/// Most certificates that are shown.
const CHAIN_MAX: usize = 8;
/// From here on clocks are said to differ.
const SKEW_MAX: SignedDuration = SignedDuration::from_secs(30);
/// Days before its end from which a certificate is spoken of.
const SOON_DAYS: i64 = 30;

/// Serves diagnoses until `shutdown` resolves.
///
/// # Errors
/// tonic gives up.
pub async fn serve(
    judge: Judge,
    visitors: mpsc::Receiver<DiagnosisIo>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let settings = Settings {
        concurrent_streams_max: STREAMS_MAX,
        ..Settings::default()
    };
    let service = DiagnosisServiceServer::new(judge);
    bounded(&settings)
        .add_service(service.max_decoding_message_size(REQUEST_BYTES_MAX))
        .serve_with_incoming_shutdown(
            ReceiverStream::new(visitors).map(|io| Ok::<_, io::Error>(VisitorIo(io))),
            shutdown,
        )
        .await?;
    Ok(())
}

/// Judges visitors as the real door would.
#[derive(Debug)]
pub struct Judge {
    /// Whom the gateway believes.
    pub trust: Arc<TrustState>,
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// What the real door demands of TLS.
    pub profile: Profile,
}

#[tonic::async_trait]
impl DiagnosisService for Judge {
    async fn diagnose(
        &self,
        request: Request<DiagnoseRequest>,
    ) -> Result<Response<DiagnoseResponse>, Status> {
        let visitor = request.extensions().get::<Arc<Visitor>>().cloned();
        let visitor = visitor.ok_or_else(status::no_identity)?;
        if !visitor.may_ask() {
            return Err(status::asked_too_often());
        }
        let now = self.clock.now();
        let ahead = request
            .get_ref()
            .client_time
            .as_ref()
            .and_then(wire::instant)
            .map(|theirs| theirs.duration_since(now));
        let (trust, seen) = (self.trust.snapshot(), Arc::clone(&visitor));
        let profile = self.profile;
        // Checks of signatures: off the runtime's own threads.
        let judged = tokio::task::spawn_blocking(move || trust.diagnose(&seen.chain, now, profile));
        let diagnosis = judged.await.map_err(|_| status::draining())?;
        log(&visitor, &diagnosis);
        Ok(Response::new(answer(&diagnosis, ahead, now)))
    }
}

/// The operator is told more than the visitor: which of the two it is that nobody vouches.
fn log(visitor: &Visitor, diagnosis: &Diagnosis) {
    let claimed = diagnosis.claim.uri.as_deref().unwrap_or("-");
    let serial = diagnosis.claim.serial_hex.as_deref().unwrap_or("-");
    let reason = match &diagnosis.vouching {
        Vouching::Accepted(_) => "accepted".to_owned(),
        Vouching::Refused(error) | Vouching::Unknown(error) => error.to_string(),
        Vouching::Unexamined => {
            let faults: Vec<_> = diagnosis.faults.iter().map(ToString::to_string).collect();
            faults.join("; ")
        }
    };
    tracing::info!(peer = %visitor.address, claimed, serial, reason, "diagnosed");
}

fn answer(
    diagnosis: &Diagnosis,
    ahead: Option<SignedDuration>,
    now: Timestamp,
) -> DiagnoseResponse {
    let mut checks = certificate_checks(diagnosis, now);
    checks.extend(vouching_checks(diagnosis));
    checks.extend(ahead.map(clock_check));
    DiagnoseResponse {
        is_accepted: matches!(diagnosis.vouching, Vouching::Accepted(_)),
        checks,
        chain: diagnosis.chain.iter().take(CHAIN_MAX).map(seen).collect(),
        claimed_id: diagnosis.claim.uri.clone().unwrap_or_default(),
        gateway_time: Some(wire::timestamp(now)),
        client_clock_ahead: ahead.map(|ahead| prost_types::Duration {
            seconds: ahead.as_secs(),
            nanos: ahead.subsec_nanos(),
        }),
    }
}

fn check(name: &str, outcome: CheckOutcome, message: String) -> DiagnosisCheck {
    DiagnosisCheck {
        name: name.to_owned(),
        outcome: outcome.into(),
        message,
        ..DiagnosisCheck::default()
    }
}

fn failed(name: &str, error: &TrustError) -> DiagnosisCheck {
    DiagnosisCheck {
        code: error.code().to_owned(),
        mend: error.mend().to_owned(),
        ..check(name, CheckOutcome::Failed, error.to_string())
    }
}

/// What the certificates are by themselves.
fn certificate_checks(diagnosis: &Diagnosis, now: Timestamp) -> Vec<DiagnosisCheck> {
    if !diagnosis.faults.is_empty() {
        let faults = diagnosis.faults.iter();
        return faults.map(|error| failed("certificate", error)).collect();
    }
    let leaf = diagnosis.chain.first();
    let days = leaf.map(|leaf| leaf.not_after.duration_since(now).as_secs() / 86_400);
    let sound = match days {
        Some(days) if days < SOON_DAYS => DiagnosisCheck {
            mend: "renew it: `entente certs renew`".to_owned(),
            ..check(
                "certificate",
                CheckOutcome::Warning,
                format!("the certificate ends in {days} days"),
            )
        },
        Some(days) => check(
            "certificate",
            CheckOutcome::Ok,
            format!("names, usages, key and dates are as the gateway wants them; {days} days left"),
        ),
        None => check("certificate", CheckOutcome::Ok, "sound".to_owned()),
    };
    vec![sound]
}

/// Whether somebody vouches for them, and whether they were taken back.
fn vouching_checks(diagnosis: &Diagnosis) -> Vec<DiagnosisCheck> {
    let vouched = |words: String| check("vouching", CheckOutcome::Ok, words);
    match &diagnosis.vouching {
        Vouching::Accepted(peer) => vec![
            vouched(format!(
                "the authority `{}` of {} vouches for {}",
                peer.anchor_subject, peer.identity.nation, peer.identity
            )),
            check(
                "revocation",
                CheckOutcome::Ok,
                "the certificate is on no revocation list".to_owned(),
            ),
        ],
        Vouching::Refused(
            error @ (TrustError::Revoked { .. }
            | TrustError::RevocationUnknown { .. }
            | TrustError::RevocationListExpired { .. }),
        ) => vec![
            vouched("an enrolled authority of the nation vouches for the certificate".to_owned()),
            failed("revocation", error),
        ],
        Vouching::Refused(error) => vec![failed("vouching", error)],
        Vouching::Unknown(_) => vec![unknown(diagnosis)],
        Vouching::Unexamined => vec![check(
            "vouching",
            CheckOutcome::Skipped,
            "mend the certificate first; then the gateway looks at who vouches for it".to_owned(),
        )],
    }
}

/// One answer for an unknown nation and for an unknown issuer: which it is would tell a stranger
/// who is enrolled here.
fn unknown(diagnosis: &Diagnosis) -> DiagnosisCheck {
    let claimed = diagnosis.claim.uri.as_deref().unwrap_or("no identity");
    let last = diagnosis.chain.last();
    let issuer = last.map_or("nobody", |last| last.issuer.as_str());
    let chain = match diagnosis.chain.len() {
        0 | 1 => String::new(),
        more => format!(" (through {} intermediates that were sent)", more - 1),
    };
    DiagnosisCheck {
        code: "not_vouched_for".to_owned(),
        mend: "check the trust domain in the certificate, and that its issuer is the authority \
               that was enrolled; if it was issued by an intermediate authority, append that \
               one's certificate to the system's file; the gateway's operator finds the exact \
               reason in the log at this time, enrols a nation or an authority, and mends files of \
               nations that are faulty (`entente check`)"
            .to_owned(),
        ..check(
            "vouching",
            CheckOutcome::Failed,
            format!(
                "nobody who is enrolled here vouches for {claimed}: either no nation is enrolled \
                 with its trust domain, or the issuer `{issuer}`{chain} is none of that nation's \
                 authorities, or not any more"
            ),
        )
    }
}

fn clock_check(ahead: SignedDuration) -> DiagnosisCheck {
    let seconds = ahead.as_secs();
    if ahead.abs() <= SKEW_MAX {
        let words = format!("the clocks are {} s apart at most", seconds.abs() + 1);
        return check("clock", CheckOutcome::Ok, words);
    }
    let side = if seconds > 0 { "ahead of" } else { "behind" };
    DiagnosisCheck {
        code: "clock_skew".to_owned(),
        mend: "set the clock of this machine (NTP); certificates are judged by the gateway's clock"
            .to_owned(),
        ..check(
            "clock",
            CheckOutcome::Warning,
            format!(
                "this machine's clock is {} s {side} the gateway's",
                seconds.abs()
            ),
        )
    }
}

fn seen(facts: &CertificateFacts) -> SeenCertificate {
    SeenCertificate {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        serial_number: facts.serial_hex.clone(),
        not_before: Some(wire::timestamp(facts.not_before)),
        not_after: Some(wire::timestamp(facts.not_after)),
        spki_sha256: facts.spki_sha256_hex.clone(),
    }
}

/// A visitor's connection as tonic wants it.
#[derive(Debug)]
struct VisitorIo(DiagnosisIo);

impl Connected for VisitorIo {
    type ConnectInfo = Arc<Visitor>;

    fn connect_info(&self) -> Arc<Visitor> {
        Arc::clone(self.0.visitor())
    }
}

impl AsyncRead for VisitorIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for VisitorIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

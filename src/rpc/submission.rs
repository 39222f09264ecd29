//! `SubmissionService`: from tonic's messages to intake and back.
//!
//! A stream runs as two halves in one task: one takes reports, in chunks of what is there, and
//! sends them on their way; the other waits until each chunk is durable and answers, in order.
//! A client that does not read its answers stops its own stream, by flow control.

use super::{Caller, Doors, status, terms};
use crate::admission::{Permit, Quota};
use crate::intake::{self, InFlight, Payload, Verdict};
use crate::telemetry;
use crate::wire;
use crate::wire::outcome::{self, About, Digests};
use crate::wire::proto::submission_service_server::SubmissionService;
use crate::wire::proto::{
    Disposition, Level, Outcome, SubmitRequest, SubmitResponse, SubmitStreamRequest,
    SubmitStreamResponse, WhoAmIRequest, WhoAmIResponse, submit_request, submit_stream_request,
};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

/// Most answers of one stream that wait for the client to read them.
const ANSWERS_MAX: usize = 4;

/// The submission service.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) doors: Arc<Doors>,
}

#[tonic::async_trait]
impl SubmissionService for Submission {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let doors = &self.doors;
        let (caller, quota) = doors.submitter(&request)?;
        let SubmitRequest {
            payload,
            validate_only,
        } = request.into_inner();
        let payload = match payload {
            Some(submit_request::Payload::Report(report)) => Payload::Report(report),
            Some(submit_request::Payload::Native(native)) => {
                Payload::Native(Box::new(native.into()))
            }
            None => return Err(status::bad_field("payload", "a report or a native payload")),
        };
        let permit = quota
            .admit(payload.len(), doors.clock.monotonic())
            .map_err(status::refused)?;
        if validate_only {
            return self.validate(&caller, &payload).map(Response::new);
        }
        let identity = &caller.peer.identity().identity;
        let batch = doors
            .intake
            .begin(identity, vec![payload])
            .await
            .map_err(status::intake)?;
        let outcomes = doors.intake.settle(batch).await.map_err(status::intake)?;
        drop(permit);
        let mut outcomes = acknowledge(&caller, 1, outcomes);
        Ok(Response::new(SubmitResponse {
            outcome: outcomes.pop(),
            record: Bytes::new(),
        }))
    }

    type SubmitStreamStream = Answers;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let (caller, quota) = self.doors.submitter(&request)?;
        let reports = request.into_inner();
        let (answers, waiting) = mpsc::channel(ANSWERS_MAX);
        let doors = Arc::clone(&self.doors);
        let work = Box::pin(async move {
            let (chunks, in_flight) = mpsc::channel(doors.settings.chunks_in_flight_max);
            let take = take(&doors, &caller, &quota, reports, chunks);
            let (end, alive) = tokio::join!(take, settle(&doors, &caller, in_flight, &answers));
            // Whatever was taken is answered before the stream ends; the reason comes last.
            if let (Err(end), true) = (end, alive) {
                let _reader_is_gone = answers.send(Err(end)).await;
            }
        });
        Ok(Response::new(Answers {
            work: Some(work),
            waiting,
        }))
    }

    async fn who_am_i(
        &self,
        request: Request<WhoAmIRequest>,
    ) -> Result<Response<WhoAmIResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        let identity = caller.peer.identity();
        let clearance = self
            .doors
            .registry
            .load()
            .nation(identity.identity.nation)
            .map(|n| n.clearance);
        Ok(Response::new(WhoAmIResponse {
            nation: identity.identity.nation.to_string(),
            system: identity.identity.system.to_string(),
            spiffe_id: identity.spiffe_id.to_string(),
            certificate_serial: identity.serial_hex.clone(),
            certificate_not_after: Some(wire::timestamp(identity.not_after)),
            rights: caller.rights.names().map(str::to_owned).collect(),
            clearance: clearance.map_or(Level::Unspecified as i32, crate::record::Level::number),
            gateway_time: Some(wire::timestamp(self.doors.clock.now())),
            gateway_version: env!("CARGO_PKG_VERSION").to_owned(),
            report_bytes_max: u32::try_from(self.doors.settings.message_bytes_max)
                .unwrap_or(u32::MAX),
            connection_until: Some(wire::timestamp(caller.peer.until())),
            gateway_name: self.doors.settings.gateway_name.clone(),
            warnings: terms::warnings(&caller.peer, self.doors.clock.now()),
        }))
    }
}

impl Submission {
    /// Judges a payload and stores nothing.
    fn validate(&self, caller: &Caller, payload: &Payload) -> Result<SubmitResponse, Status> {
        let identity = &caller.peer.identity().identity;
        let judged = self
            .doors
            .intake
            .validate(identity, payload)
            .map_err(status::intake)?;
        Ok(match judged {
            Ok(valid) => {
                let (report_id, revision) = valid.name();
                let about = About {
                    ordinal: 1,
                    report_id: report_id.to_owned(),
                    revision,
                };
                let record = valid.encode().into();
                SubmitResponse {
                    outcome: Some(outcome::valid(about)),
                    record,
                }
            }
            Err(refusal) => {
                let about = About {
                    ordinal: 1,
                    report_id: refusal.report_id,
                    revision: refusal.revision,
                };
                let outcome = Some(outcome::rejected(about, &refusal.violations));
                SubmitResponse {
                    outcome,
                    record: Bytes::new(),
                }
            }
        })
    }
}

/// A chunk on its way: the number of its first report, its places in flight, and itself.
type Chunk = (u64, Permit, InFlight);

/// Takes reports from a stream and sends them on their way, until the stream ends.
async fn take(
    doors: &Doors,
    caller: &Caller,
    quota: &Quota,
    mut reports: Streaming<SubmitStreamRequest>,
    chunks: mpsc::Sender<Chunk>,
) -> Result<(), Status> {
    let mut draining = doors.draining.clone();
    let mut ordinal = 1;
    loop {
        // Admission is asked before the next message is taken, and again after a wait: others
        // of the same nation may have been quicker.
        let wait = quota.wait(doors.clock.monotonic());
        if wait > Duration::ZERO {
            tokio::select! {
                biased;
                reason = caller.peer.cut() => return Err(status::cut(&reason)),
                _ = draining.wait_for(|draining| *draining) => return Err(status::draining()),
                () = tokio::time::sleep(wait) => continue,
            }
        }
        let first = tokio::select! {
            biased;
            reason = caller.peer.cut() => return Err(status::cut(&reason)),
            _ = draining.wait_for(|draining| *draining) => return Err(status::draining()),
            first = reports.message() => first,
        };
        let report_bytes_max = doors.settings.message_bytes_max;
        let broken = |error: Status| status::stream(&error, report_bytes_max);
        let Some(first) = first.map_err(broken)? else {
            return Ok(());
        };
        let most = doors.settings.chunk_reports_max;
        let most = quota.room(most, doors.clock.monotonic());
        let (payloads, bytes, end) = chunk(doors, first, most, &mut reports).await;
        quota.charge(payloads.len(), bytes, doors.clock.monotonic());
        let permit = quota
            .places(payloads.len())
            .await
            .ok_or_else(status::draining)?;
        let taken = payloads.len() as u64;
        let identity = &caller.peer.identity().identity;
        let batch = doors
            .intake
            .begin(identity, payloads)
            .await
            .map_err(status::intake)?;
        if chunks.send((ordinal, permit, batch)).await.is_err() {
            // The other half has ended, and says why.
            return Ok(());
        }
        ordinal += taken;
        match end {
            End::More => {}
            End::Finished => return Ok(()),
            End::Broken(error) => return Err(broken(error)),
        }
    }
}

/// How the reading of a chunk ended.
enum End {
    /// Nothing more is there yet, or the chunk is full.
    More,
    /// The client has sent all.
    Finished,
    /// The stream broke.
    Broken(Status),
}

/// Collects what is there already, up to the size of a chunk or to what quota allows at once.
async fn chunk(
    doors: &Doors,
    first: SubmitStreamRequest,
    most: usize,
    reports: &mut Streaming<SubmitStreamRequest>,
) -> (Vec<Payload>, usize, End) {
    let first = payload(first);
    let mut bytes = first.len();
    let mut payloads = Vec::with_capacity(64);
    payloads.push(first);
    while payloads.len() < most && bytes < doors.settings.chunk_bytes_max {
        let ready = std::future::poll_fn(|context| {
            Poll::Ready(match Pin::new(&mut *reports).poll_next(context) {
                Poll::Ready(message) => Some(message),
                Poll::Pending => None,
            })
        });
        match ready.await {
            None => return (payloads, bytes, End::More),
            Some(None) => return (payloads, bytes, End::Finished),
            Some(Some(Err(error))) => return (payloads, bytes, End::Broken(error)),
            Some(Some(Ok(message))) => {
                let next = payload(message);
                bytes += next.len();
                payloads.push(next);
            }
        }
    }
    (payloads, bytes, End::More)
}

/// A message without a payload is an empty report: it is refused like any other bad one.
fn payload(message: SubmitStreamRequest) -> Payload {
    match message.payload {
        Some(submit_stream_request::Payload::Report(report)) => Payload::Report(report),
        Some(submit_stream_request::Payload::Native(native)) => {
            Payload::Native(Box::new(native.into()))
        }
        None => Payload::Report(Bytes::new()),
    }
}

/// Answers each chunk when it is durable. Tells whether the client is still there.
async fn settle(
    doors: &Doors,
    caller: &Caller,
    mut in_flight: mpsc::Receiver<Chunk>,
    answers: &mpsc::Sender<Result<SubmitStreamResponse, Status>>,
) -> bool {
    while let Some((ordinal, permit, batch)) = in_flight.recv().await {
        match doors.intake.settle(batch).await {
            Ok(outcomes) => {
                let outcomes = acknowledge(caller, ordinal, outcomes);
                drop(permit);
                for outcomes in outcome::pages(outcomes) {
                    let answer = Ok(SubmitStreamResponse { outcomes });
                    if answers.send(answer).await.is_err() {
                        return false;
                    }
                }
            }
            Err(error) => {
                let _reader_is_gone = answers.send(Err(status::intake(error))).await;
                return false;
            }
        }
    }
    true
}

/// Builds acknowledgements, and says of each refusal why. No content goes into a log.
fn acknowledge(caller: &Caller, first: u64, outcomes: Vec<intake::Outcome>) -> Vec<Outcome> {
    let identity = &caller.peer.identity().identity;
    let mut counts = [0; intake::WORDS.len()];
    let mut digests = Digests::with_room(outcomes.len());
    let outcomes = (first..).zip(outcomes).map(|(ordinal, one)| {
        if let Some(count) = counts.get_mut(one.verdict.index()) {
            *count += 1;
        }
        let about = About {
            ordinal,
            report_id: one.report_id,
            revision: one.revision,
        };
        let mut stored = |about, disposition, receipt| {
            outcome::stored(about, disposition, receipt, &mut digests)
        };
        match &one.verdict {
            Verdict::Accepted(receipt) => stored(about, Disposition::Accepted, receipt),
            Verdict::Duplicate(receipt) => stored(about, Disposition::Duplicate, receipt),
            Verdict::Superseded(receipt) => stored(about, Disposition::Superseded, receipt),
            Verdict::Rejected(violations) => {
                let rules: Vec<_> = violations.list.iter().map(|v| v.rule).take(8).collect();
                tracing::info!(
                    %identity, report_id = about.report_id, revision = about.revision,
                    ?rules, omitted = violations.omitted, "report refused"
                );
                outcome::rejected(about, violations)
            }
        }
    });
    let outcomes = outcomes.collect();
    for (word, count) in intake::WORDS.iter().zip(counts) {
        telemetry::report_outcomes(identity.nation.as_str(), word, count);
    }
    outcomes
}

/// The answers of a stream, and the work that makes them. Driven by whoever reads it, so the
/// work ends with the call.
pub(super) struct Answers {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    waiting: mpsc::Receiver<Result<SubmitStreamResponse, Status>>,
}

impl Stream for Answers {
    type Item = Result<SubmitStreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(work) = &mut self.work
            && work.as_mut().poll(context).is_ready()
        {
            self.work = None;
        }
        self.waiting.poll_recv(context)
    }
}

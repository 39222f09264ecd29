//! The null service: the same contract on the same transport, and nothing behind it. Each
//! report is decoded and dropped, and acknowledged in batches of the same size with receipts
//! that prove nothing. Only `entente bench` serves it, to measure what the gateway adds.
//!
//! It must never be reachable from a gateway: no service of ours names it.

use super::Settings;
use super::peer::RpcIo;
use super::server::{ServeError, bounded};
use crate::listener::GatewayIo;
use crate::wire::proto::submission_service_server::{SubmissionService, SubmissionServiceServer};
use crate::wire::proto::{
    Disposition, Outcome, Receipt, Report, SubmitRequest, SubmitResponse, SubmitStreamRequest,
    SubmitStreamResponse, WhoAmIRequest, WhoAmIResponse, submit_request, submit_stream_request,
};
use bytes::Bytes;
use prost::Message as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

/// Stands where a digest would stand, so that the answers are as large as the gateway's.
static NO_DIGEST: [u8; 32] = [0; 32];

/// Serves the null service until `shutdown` resolves and every connection has ended.
///
/// # Errors
/// tonic gives up.
pub async fn serve(
    settings: &Settings,
    connections: mpsc::Receiver<GatewayIo>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let null = Null {
        chunk_reports_max: settings.chunk_reports_max,
    };
    let service = SubmissionServiceServer::new(null);
    bounded(settings)
        .add_service(service.max_decoding_message_size(settings.message_bytes_max))
        .serve_with_incoming_shutdown(
            ReceiverStream::new(connections).map(|io| Ok::<_, std::io::Error>(RpcIo::new(io))),
            shutdown,
        )
        .await?;
    Ok(())
}

#[derive(Clone, Copy, Debug)]
struct Null {
    chunk_reports_max: usize,
}

#[tonic::async_trait]
impl SubmissionService for Null {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let Some(submit_request::Payload::Report(report)) = request.into_inner().payload else {
            return Err(Status::invalid_argument(
                "the null service takes reports only",
            ));
        };
        Ok(Response::new(SubmitResponse {
            outcome: Some(outcome(1, report)?),
            record: Bytes::new(),
        }))
    }

    type SubmitStreamStream = Answers;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        Ok(Response::new(Answers {
            reports: request.into_inner(),
            taken: 0,
            chunk_reports_max: self.chunk_reports_max,
        }))
    }

    async fn who_am_i(
        &self,
        _request: Request<WhoAmIRequest>,
    ) -> Result<Response<WhoAmIResponse>, Status> {
        Ok(Response::new(WhoAmIResponse::default()))
    }
}

/// Decodes a report as the gateway must, and forgets it.
fn outcome(ordinal: u64, report: Bytes) -> Result<Outcome, Status> {
    let report = Report::decode(report)
        .map_err(|_| Status::invalid_argument("the null service takes readable reports only"))?;
    let receipt = Receipt {
        position: ordinal,
        received_at: report.reported_at,
        report_sha256: Bytes::from_static(&NO_DIGEST),
        supersedes_position: None,
    };
    Ok(Outcome {
        ordinal,
        disposition: Disposition::Accepted.into(),
        revision: report.revision,
        report_id: report.report_id,
        receipt: Some(receipt),
        ..Outcome::default()
    })
}

/// Answers with what is there, up to a chunk.
#[derive(Debug)]
struct Answers {
    reports: Streaming<SubmitStreamRequest>,
    taken: u64,
    chunk_reports_max: usize,
}

impl Stream for Answers {
    type Item = Result<SubmitStreamResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut outcomes = Vec::new();
        while outcomes.len() < self.chunk_reports_max {
            let message = match Pin::new(&mut self.reports).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => message,
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Some(Err(status))),
                Poll::Ready(None) if outcomes.is_empty() => return Poll::Ready(None),
                Poll::Pending if outcomes.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            };
            let Some(submit_stream_request::Payload::Report(report)) = message.payload else {
                let status = Status::invalid_argument("the null service takes reports only");
                return Poll::Ready(Some(Err(status)));
            };
            self.taken += 1;
            match outcome(self.taken, report) {
                Ok(outcome) => outcomes.push(outcome),
                Err(status) => return Poll::Ready(Some(Err(status))),
            }
        }
        Poll::Ready(Some(Ok(SubmitStreamResponse { outcomes })))
    }
}

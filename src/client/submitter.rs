//! Submits many reports over one stream after another, in order, each to its outcome.

use super::{ATTEMPTS_UNASKED, Again, ClientError, Endpoint, Patience, again, refused, words};
use crate::wire::proto::{
    Outcome, SubmitStreamRequest, SubmitStreamResponse, submit_stream_request::Payload,
};
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Messages between the window and the connection.
const OUTGOING_MAX: usize = 64;

/// How to submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most reports between submission and outcome.
    pub window_max: usize,
    /// When to try again.
    pub patience: Patience,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window_max: 2048,
            patience: Patience::default(),
        }
    }
}

/// Submits what comes out of `reports` until it ends, and puts one outcome a report into
/// `outcomes`, in order; their ordinals count over all connections. A report is serialised, or
/// a payload in a format of its own.
///
/// # Errors
/// The gateway refuses the stream, or there is no progress for too long. What has no outcome
/// then is unknown; submitting it again is safe.
pub async fn submit(
    endpoint: &Endpoint,
    mut reports: mpsc::Receiver<Payload>,
    outcomes: &mpsc::Sender<Outcome>,
    settings: Settings,
) -> Result<(), ClientError> {
    let mut window = Window {
        waiting: VecDeque::new(),
        settled: 0,
        open: true,
    };
    let mut attempts = 0;
    loop {
        let settled_before = window.settled;
        let last = match run(endpoint, &mut window, &mut reports, outcomes, settings).await {
            Ok(()) => return Ok(()),
            Err(Ended::Final(error)) => return Err(error),
            Err(Ended::Again(after, error)) => {
                attempts = if window.settled > settled_before {
                    1
                } else {
                    attempts + 1
                };
                if attempts == ATTEMPTS_UNASKED
                    && let Some(unwanted) = endpoint.not_accepted().await
                {
                    return Err(unwanted);
                }
                tracing::warn!(attempts, "the connection broke, trying again: {error}");
                tokio::time::sleep(after.unwrap_or_else(|| settings.patience.wait(attempts))).await;
                error
            }
        };
        if attempts >= settings.patience.attempts_max {
            return Err(ClientError::GaveUp { attempts, last });
        }
    }
}

/// Reports between submission and outcome.
struct Window {
    waiting: VecDeque<Payload>,
    settled: u64,
    /// More may come.
    open: bool,
}

enum Ended {
    Again(Option<std::time::Duration>, String),
    Final(ClientError),
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        match again(&status) {
            Again::After(told) => Self::Again(told, words(&status)),
            Again::Never => Self::Final(refused(&status)),
        }
    }
}

/// One connection: sends the window again from its start, then what is new.
async fn run(
    endpoint: &Endpoint,
    window: &mut Window,
    reports: &mut mpsc::Receiver<Payload>,
    outcomes: &mpsc::Sender<Outcome>,
    settings: Settings,
) -> Result<(), Ended> {
    let unreachable = |error: ClientError| match error {
        ClientError::Connect { .. } => Ended::Again(None, error.to_string()),
        other => Ended::Final(other),
    };
    let mut client = endpoint.submission().await.map_err(unreachable)?;
    let (outgoing, messages) = mpsc::channel(OUTGOING_MAX);
    let answers = client.submit_stream(ReceiverStream::new(messages)).await?;
    let mut answers: Streaming<SubmitStreamResponse> = answers.into_inner();
    let mut sent = 0;
    let mut expected_ordinal = 1;
    while window.open || !window.waiting.is_empty() {
        tokio::select! {
            answer = answers.message() => {
                let Some(answer) = answer? else {
                    return Err(Ended::Again(None, "the gateway ended the stream".to_owned()));
                };
                for outcome in answer.outcomes {
                    settle(window, outcome, &mut expected_ordinal, outcomes).await?;
                    sent -= 1;
                }
            }
            place = outgoing.reserve(), if sent < window.waiting.len() => {
                // A closed channel shows in the answers.
                if let (Ok(place), Some(report)) = (place, window.waiting.get(sent)) {
                    place.send(SubmitStreamRequest { payload: Some(report.clone()) });
                    sent += 1;
                }
            }
            report = reports.recv(), if window.open && window.waiting.len() < settings.window_max => {
                match report {
                    Some(report) => window.waiting.push_back(report),
                    None => window.open = false,
                }
            }
        }
    }
    Ok(())
}

async fn settle(
    window: &mut Window,
    outcome: Outcome,
    expected_ordinal: &mut u64,
    outcomes: &mpsc::Sender<Outcome>,
) -> Result<(), Ended> {
    if outcome.ordinal != *expected_ordinal || window.waiting.pop_front().is_none() {
        return Err(Ended::Final(ClientError::Protocol(format!(
            "outcome {} where {expected_ordinal} was due",
            outcome.ordinal
        ))));
    }
    *expected_ordinal += 1;
    window.settled += 1;
    let outcome = Outcome {
        ordinal: window.settled,
        ..outcome
    };
    // Nobody wants the outcomes any more; the reports still go out.
    let _nobody_listens = outcomes.send(outcome).await;
    Ok(())
}

//! Load: typed sightings sent as fast as the receipts come back, or at a steady rate, with a
//! window of reports that may wait for their receipts. Measures receipt latency on the way.

use super::typed::Typed;
use crate::clock::Clock;
use crate::wire::proto::submission_service_client::SubmissionServiceClient;
use crate::wire::proto::{
    Disposition, Outcome, SubmitRequest, SubmitStreamRequest, submit_request, submit_stream_request,
};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_stream::Stream;
use tonic::transport::Channel;

/// In a stream under full load, one report of this many has its latency taken.
const SAMPLE_EVERY: u64 = 16;
/// A steady load sends what is due this often.
const TICK: Duration = Duration::from_millis(1);

/// Why a load run gave no result.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The call failed.
    #[error("the load was cut short: {0}")]
    Call(#[from] Box<tonic::Status>),
    /// A report of the load was not accepted.
    #[error("report {report_id} was not accepted ({disposition}): {reason}")]
    NotAccepted {
        /// Its id.
        report_id: String,
        /// What became of it.
        disposition: &'static str,
        /// The first reason.
        reason: String,
    },
    /// The stream ended before everything was answered.
    #[error("the stream ended after {answered} of {sent} answers")]
    Ended {
        /// Answers that came.
        answered: u64,
        /// Reports that were sent.
        sent: u64,
    },
    /// A sender ended by itself.
    #[error("a sender of the load ended by itself")]
    Sender,
}

impl From<tonic::Status> for LoadError {
    fn from(status: tonic::Status) -> Self {
        Self::Call(Box::new(status))
    }
}

/// What a run measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// Reports with a receipt.
    pub reports: u64,
    /// From the first report to the last receipt.
    pub lasted: Duration,
    /// Latencies of the sampled reports.
    pub latencies: Vec<Duration>,
}

impl Measured {
    /// Reports a second.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.reports as f64 / self.lasted.as_secs_f64().max(1e-9)
    }

    /// The latency that this share (0 to 1) of the sampled reports did not exceed.
    pub fn latency(&mut self, share: f64) -> Duration {
        self.latencies.sort_unstable();
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into a vector that is in memory"
        )]
        let index = ((self.latencies.len() as f64 * share).ceil() as usize).saturating_sub(1);
        self.latencies.get(index).copied().unwrap_or_default()
    }

    /// Adds what another sender measured beside this one.
    pub fn merge(&mut self, other: Self) {
        self.reports += other.reports;
        self.lasted = self.lasted.max(other.lasted);
        self.latencies.extend(other.latencies);
    }
}

/// How much load, and how.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Reports to send.
    pub reports: u64,
    /// Most reports that wait for their receipts.
    pub window: u64,
    /// Reports a second; absent: as fast as the window allows.
    pub rate: Option<f64>,
}

/// Sends a load over one stream.
///
/// # Errors
/// The call fails, or a report is not accepted.
pub async fn stream(
    mut client: SubmissionServiceClient<Channel>,
    typed: Typed,
    load: Load,
    clock: Arc<dyn Clock>,
) -> Result<Measured, LoadError> {
    let start = clock.monotonic();
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let pace = load.rate.map(|rate| {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pace { rate, start, ticks }
    });
    let source = Source {
        typed,
        load,
        sent: 0,
        due: load.reports,
        pace,
        ledger: Arc::clone(&ledger),
        clock: Arc::clone(&clock),
    };
    let mut answers = client.submit_stream(source).await?.into_inner();
    let mut measured = Measured::default();
    while let Some(answer) = answers.message().await? {
        let now = clock.monotonic();
        for outcome in &answer.outcomes {
            accepted(outcome)?;
        }
        measured.reports += answer.outcomes.len() as u64;
        let mut ledger = lock(&ledger);
        ledger.answered = measured.reports;
        while let Some(&(number, sent_at)) = ledger.samples.front() {
            if number >= measured.reports {
                break;
            }
            ledger.samples.pop_front();
            measured.latencies.push(now.saturating_sub(sent_at));
        }
        if let Some(waker) = ledger.waiting.take() {
            waker.wake();
        }
    }
    measured.lasted = clock.monotonic().saturating_sub(start);
    if measured.reports == load.reports {
        Ok(measured)
    } else {
        Err(LoadError::Ended {
            answered: measured.reports,
            sent: load.reports,
        })
    }
}

/// Sends a load by unary calls, `load.window` at a time.
///
/// # Errors
/// A call fails, or a report is not accepted.
pub async fn unary(
    client: SubmissionServiceClient<Channel>,
    typed: Typed,
    load: Load,
    clock: Arc<dyn Clock>,
) -> Result<Measured, LoadError> {
    let start = clock.monotonic();
    let typed = Arc::new(Mutex::new((typed, load.reports)));
    let mut callers = JoinSet::new();
    for _ in 0..load.window {
        let (mut client, typed) = (client.clone(), Arc::clone(&typed));
        let clock = Arc::clone(&clock);
        callers.spawn(async move {
            let mut measured = Measured::default();
            loop {
                let report = {
                    let mut typed = lock(&typed);
                    if typed.1 == 0 {
                        return Ok::<_, LoadError>(measured);
                    }
                    typed.1 -= 1;
                    typed.0.next_report()
                };
                let request = SubmitRequest {
                    payload: Some(submit_request::Payload::Report(report)),
                    validate_only: false,
                };
                let sent_at = clock.monotonic();
                let answer = client.submit(request).await?.into_inner();
                accepted(&answer.outcome.unwrap_or_default())?;
                let latency = clock.monotonic().saturating_sub(sent_at);
                measured.latencies.push(latency);
                measured.reports += 1;
            }
        });
    }
    let mut all = Measured::default();
    while let Some(one) = callers.join_next().await {
        all.merge(one.map_err(|_| LoadError::Sender)??);
    }
    all.lasted = clock.monotonic().saturating_sub(start);
    Ok(all)
}

fn accepted(outcome: &Outcome) -> Result<(), LoadError> {
    let disposition = outcome.disposition();
    if disposition == Disposition::Accepted {
        return Ok(());
    }
    let reason = outcome
        .violations
        .first()
        .map(|violation| format!("{}: {}", violation.field, violation.message))
        .unwrap_or_default();
    Err(LoadError::NotAccepted {
        report_id: outcome.report_id.clone(),
        disposition: disposition.as_str_name(),
        reason,
    })
}

/// What the sender and the receiver of one stream share.
#[derive(Debug, Default)]
struct Ledger {
    answered: u64,
    samples: VecDeque<(u64, Duration)>,
    waiting: Option<Waker>,
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere ends the measurement anyhow.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Pace {
    rate: f64,
    start: Duration,
    ticks: Interval,
}

struct Source {
    typed: Typed,
    load: Load,
    sent: u64,
    /// Reports that may have been sent by now; without a pace all of them.
    due: u64,
    pace: Option<Pace>,
    ledger: Arc<Mutex<Ledger>>,
    clock: Arc<dyn Clock>,
}

impl Source {
    /// Whether the pace lets another report go.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and runs short"
    )]
    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        let Some(pace) = &mut self.pace else {
            return true;
        };
        loop {
            let elapsed = self.clock.monotonic().saturating_sub(pace.start);
            self.due = (elapsed.as_secs_f64() * pace.rate) as u64 + 1;
            if self.sent < self.due {
                return true;
            }
            if pace.ticks.poll_tick(context).is_pending() {
                return false;
            }
        }
    }
}

impl Stream for Source {
    type Item = SubmitStreamRequest;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.sent == self.load.reports {
            return Poll::Ready(None);
        }
        if !self.is_due(context) {
            return Poll::Pending;
        }
        let every = if self.pace.is_some() { 1 } else { SAMPLE_EVERY };
        let sampled = self.sent.is_multiple_of(every);
        let now = if sampled {
            self.clock.monotonic()
        } else {
            Duration::ZERO
        };
        {
            let mut ledger = lock(&self.ledger);
            if self.sent - ledger.answered >= self.load.window {
                ledger.waiting = Some(context.waker().clone());
                return Poll::Pending;
            }
            if sampled {
                ledger.samples.push_back((self.sent, now));
            }
        }
        self.sent += 1;
        let report = self.typed.next_report();
        Poll::Ready(Some(SubmitStreamRequest {
            payload: Some(submit_stream_request::Payload::Report(report)),
        }))
    }
}

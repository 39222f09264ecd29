//! A partner's part: it sends its reports over one stream, sends some again that were already
//! receipted, loses its connection once, and goes on after that where the receipts end.

use super::ledger::Ledger;
use super::screen::{Screen, Style};
use crate::client::Endpoint;
use crate::mock::seed::Draws;
use crate::mock::{Expected, Fault, Mocked, Partner, Plan};
use crate::wire::proto::{
    Disposition, Outcome, SubmitStreamRequest, SubmitStreamResponse, submit_stream_request,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// Most reports of a partner that wait for their receipts.
const IN_FLIGHT_MAX: usize = 4096;
/// Reports between the partner and its connection.
const QUEUE_MAX: usize = 64;
/// Of this many reports, one is sent a second time.
const AGAIN_EVERY: u64 = 25;
/// Attempts at a connection before the part is given up.
const ATTEMPTS_MAX: u32 = 20;
/// Wait before another attempt.
const RETRY_WAIT: Duration = Duration::from_millis(250);

/// One partner of the demonstration.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) partner: Partner,
    pub(super) reports: u64,
    pub(super) endpoint: Endpoint,
    pub(super) ledger: Arc<Ledger>,
    pub(super) screen: Arc<Screen>,
    /// Time between two reports; zero: as fast as receipts come.
    pub(super) interval: Duration,
    /// Turns true when no new report shall be sent.
    pub(super) stop: watch::Receiver<bool>,
}

/// A report on its way, perhaps not for the first time.
#[derive(Clone, Debug)]
struct Shipment {
    mocked: Mocked,
}

/// Where the part stands; outlives its connections.
#[derive(Debug, Default)]
struct Progress {
    made: u64,
    waiting: VecDeque<Shipment>,
    in_flight: VecDeque<Shipment>,
    torn: bool,
}

/// How a connection ended.
enum End {
    Done,
    Torn,
    Failed(String),
}

impl Part {
    /// Plays the part to its end.
    pub(super) async fn perform(mut self) {
        let mut progress = Progress::default();
        let mut attempts = 0;
        loop {
            let before = progress.made;
            let reason = match self.connected(&mut progress).await {
                End::Done => return,
                End::Torn => "lost its connection on purpose".to_owned(),
                End::Failed(reason) => reason,
            };
            attempts = if progress.made > before {
                1
            } else {
                attempts + 1
            };
            let nation = self.partner.tongue().nation();
            if attempts > ATTEMPTS_MAX {
                self.ledger.complain(format!("{nation} gave up: {reason}"));
                return;
            }
            // What has no receipt goes out again, before anything new.
            let unanswered = progress.in_flight.len();
            while let Some(shipment) = progress.in_flight.pop_back() {
                progress.waiting.push_front(shipment);
            }
            let line = format!(
                "   {nation}  {reason}; connects again and sends {unanswered} without receipt again"
            );
            self.screen.line(Style::Dim, &line);
            if attempts > 1 {
                sleep_until(Instant::now() + RETRY_WAIT).await;
            }
        }
    }

    /// One connection, from the handshake to its end.
    async fn connected(&mut self, progress: &mut Progress) -> End {
        let mut client = match self.endpoint.submission().await {
            Ok(client) => client,
            Err(error) => return End::Failed(format!("does not connect: {error}")),
        };
        let (out, queue) = mpsc::channel(QUEUE_MAX);
        let mut answers = match client.submit_stream(ReceiverStream::new(queue)).await {
            Ok(answers) => answers.into_inner(),
            Err(status) => return End::Failed(format!("no stream: {}", status.message())),
        };
        let mut next_at = Instant::now();
        loop {
            let stopped = *self.stop.borrow();
            let more = !stopped && progress.made < self.reports;
            if !more && progress.waiting.is_empty() && progress.in_flight.is_empty() {
                return End::Done;
            }
            // The connection is lost halfway, with reports in flight.
            if !progress.torn && progress.made > self.reports / 2 && !progress.in_flight.is_empty()
            {
                progress.torn = true;
                return End::Torn;
            }
            let may_send =
                (more || !progress.waiting.is_empty()) && progress.in_flight.len() < IN_FLIGHT_MAX;
            tokio::select! {
                biased;
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => self.settle(progress, answer),
                    Ok(None) => return End::Failed("the stream ended".into()),
                    Err(status) => return End::Failed(format!("the stream broke: {}", status.message())),
                },
                _ = self.stop.changed(), if !stopped => {}
                place = ready(&out, next_at), if may_send => {
                    let Some(place) = place else {
                        return End::Failed(farewell(&mut answers).await);
                    };
                    next_at += self.interval;
                    if let Some(shipment) = self.next_shipment(progress) {
                        place.send(SubmitStreamRequest {
                            payload: Some(submit_stream_request::Payload::Report(
                                shipment.mocked.bytes.clone(),
                            )),
                        });
                        progress.in_flight.push_back(shipment);
                    }
                }
            }
        }
    }

    /// What goes out next: what waits, or a new report.
    fn next_shipment(&self, progress: &mut Progress) -> Option<Shipment> {
        if let Some(shipment) = progress.waiting.pop_front() {
            return Some(shipment);
        }
        if progress.made == self.reports {
            return None;
        }
        let number = progress.made;
        progress.made += 1;
        let mocked = self.partner.report(number);
        self.ledger.sent(self.partner.tongue(), number);
        let shipment = Shipment { mocked };
        let again = Draws::of(number, self.partner.tongue() as u64, 1).below(AGAIN_EVERY) == 0;
        if again && !matches!(shipment.mocked.plan, Plan::Faulty(_)) {
            progress.waiting.push_back(shipment.clone());
        }
        Some(shipment)
    }

    /// Books what became of reports; answers come in order of submission.
    fn settle(&self, progress: &mut Progress, answer: SubmitStreamResponse) {
        for outcome in answer.outcomes {
            match progress.in_flight.pop_front() {
                Some(shipment) => self.settle_one(&shipment.mocked, &outcome),
                None => self
                    .ledger
                    .complain("an answer to nothing that was sent".into()),
            }
        }
    }

    fn settle_one(&self, mocked: &Mocked, outcome: &Outcome) {
        let tongue = self.partner.tongue();
        let named = format!("{} revision {}", mocked.report_id, mocked.revision);
        match (outcome.disposition(), &mocked.expected) {
            (
                Disposition::Accepted | Disposition::Duplicate | Disposition::Superseded,
                expected,
            ) => {
                let position = outcome
                    .receipt
                    .as_ref()
                    .map_or(0, |receipt| receipt.position);
                self.ledger.receipted(tongue, mocked.number, position);
                if let Expected::Refused { fault, .. } = expected {
                    let said = fault.said();
                    self.ledger
                        .complain(format!("{named} ({said}) was not refused"));
                }
            }
            (Disposition::Rejected, Expected::Refused { rule, fault }) => {
                self.ledger.refused(tongue, mocked.number);
                if outcome
                    .violations
                    .iter()
                    .any(|violation| violation.rule == *rule)
                {
                    self.show_refusal(mocked, *fault, outcome);
                } else {
                    let rules = rules(outcome);
                    let said = fault.said();
                    self.ledger.complain(format!(
                        "{named} ({said}) was refused by {rules}, not by {rule}"
                    ));
                }
            }
            (Disposition::Rejected, Expected::Accepted(_)) => {
                self.ledger.refused(tongue, mocked.number);
                let why = outcome
                    .violations
                    .first()
                    .map_or_else(String::new, |violation| {
                        format!("{}: {}", violation.field, violation.message)
                    });
                let rules = rules(outcome);
                self.ledger
                    .complain(format!("{named} was refused by {rules}: {why}"));
            }
            (Disposition::Unspecified | Disposition::Valid, _) => {
                self.ledger
                    .complain(format!("{named}: an answer that says nothing"));
            }
        }
    }

    fn show_refusal(&self, mocked: &Mocked, fault: Fault, outcome: &Outcome) {
        if !self.screen.has_room() {
            return;
        }
        let title = format!(
            "   refused  {}/{} {}: {}",
            self.partner.tongue().nation(),
            self.partner.tongue().system(),
            mocked.report_id,
            fault.said()
        );
        self.screen.line(Style::Bad, &title);
        for violation in outcome.violations.iter().take(3) {
            let field = if violation.field.is_empty() {
                "report"
            } else {
                &violation.field
            };
            let line = format!(
                "            {field}: {} [{}]",
                violation.message, violation.rule
            );
            self.screen.line(Style::Dim, &line);
        }
    }
}

fn rules(outcome: &Outcome) -> String {
    let rules: Vec<&str> = outcome
        .violations
        .iter()
        .map(|v| v.rule.as_str())
        .take(4)
        .collect();
    rules.join(", ")
}

/// A place in the connection's queue, not before `at`; `None` when the connection is gone.
async fn ready(
    out: &mpsc::Sender<SubmitStreamRequest>,
    at: Instant,
) -> Option<mpsc::Permit<'_, SubmitStreamRequest>> {
    sleep_until(at).await;
    out.reserve().await.ok()
}

/// Why the gateway ended the stream.
async fn farewell(answers: &mut Streaming<SubmitStreamResponse>) -> String {
    match answers.message().await {
        Err(status) => format!("the stream broke: {}", status.message()),
        Ok(_) => "the stream ended".into(),
    }
}

//! `entente submit`: hands reports in, one JSON object a line, and shows what became of each,
//! in the order of the lines. A line that is no report is shown with its number, counts as
//! refused, and stops nothing.

mod rest;
mod shown;

use super::input::{Input, NativeFile};
use super::partner::{self, Partner};
use super::{Failure, Output, fail};
use crate::client::submitter::{self, Settings};
use crate::client::{ClientError, Endpoint};
use crate::wire::json::Faulty;
use crate::wire::proto::submit_stream_request::Payload;
use crate::wire::proto::{Outcome, SubmitRequest, submit_request};
use clap::Args;
use rest::Rest;
use shown::Shown;
use std::io;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Lines that are read ahead of the connection.
const AHEAD_MAX: usize = 4096;

/// Hands in reports: NDJSON in protobuf's JSON mapping, one report a line, or with --media-type
/// a file in a format of its own, where `line` is the number of the report in the file.
///
/// Shows what became of each line. Goes on after a broken connection without doubling anything:
/// what was sent twice is answered with its first receipt. Exit code 3: some were refused.
#[derive(Debug, Args)]
pub(super) struct Submit {
    #[command(flatten)]
    partner: Partner,
    /// Have the gateway judge the reports, and store nothing.
    #[arg(long)]
    validate_only: bool,
    /// How to show outcomes: for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    native: NativeFile,
    /// File with the reports; `-`: standard input.
    file: PathBuf,
}

/// A line whose turn it is to be shown.
#[derive(Debug)]
struct Turn {
    line: u64,
    /// `None`: it was sent, and its outcome comes from the gateway.
    refused_here: Option<Faulty>,
}

pub(super) fn run(arguments: &Submit) -> Result<(), Failure> {
    let endpoint = arguments.partner.endpoint()?;
    let watched = Some(arguments.output);
    let input = Input::open(&arguments.file, &arguments.native, watched)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    partner::log_trouble();
    let mut shown = Shown::new(arguments.output);
    let outcome = runtime.block_on(async {
        partner::introduce(&endpoint, "submit").await?;
        if arguments.validate_only {
            validate(&endpoint, input, &mut shown).await
        } else {
            submit(&endpoint, input, &mut shown).await
        }
    });
    // A reader that waits for standard input must not keep the command alive.
    runtime.shutdown_background();
    if outcome.is_ok() || shown.any() {
        shown.summary();
    }
    outcome?;
    if shown.refused() > 0 {
        return Err(Failure::Refused);
    }
    Ok(())
}

/// Submits all lines over a stream and shows the outcomes in order.
async fn submit(endpoint: &Endpoint, input: Input, shown: &mut Shown) -> Result<(), Failure> {
    let (reports_in, reports) = mpsc::channel(AHEAD_MAX);
    let (turns_in, turns) = mpsc::channel(AHEAD_MAX);
    let (outcomes_in, outcomes) = mpsc::channel(AHEAD_MAX);
    let reader = std::thread::spawn(move || read(input, &reports_in, &turns_in));
    let sending = async move {
        submitter::submit(endpoint, reports, &outcomes_in, Settings::default()).await
    };
    let (sent, ()) = tokio::join!(sending, show(turns, outcomes, Rest::new(endpoint), shown));
    sent.map_err(unfinished)?;
    // All turns have been taken, so the reader is at its end.
    match reader.join() {
        Ok(read) => read.map_err(|error| Failure::Failed(format!("the input: {error}"))),
        Err(_) => Err(Failure::Failed(
            "the reading of the input broke off".to_owned(),
        )),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unfinished(error: ClientError) -> Failure {
    Failure::Failed(format!(
        "{error}\nentente: what has no outcome may have been stored or not; submitting the same \
         lines again is safe"
    ))
}

/// Reads lines and turns them into reports, on a thread of its own.
fn read(
    mut input: Input,
    sent: &mpsc::Sender<Payload>,
    turns: &mpsc::Sender<Turn>,
) -> io::Result<()> {
    while let Some((line, report)) = input.next()? {
        let (report, refused_here) = match report {
            Ok(report) => (Some(report), None),
            Err(faulty) => (None, Some(faulty)),
        };
        let turn = Turn { line, refused_here };
        // Whoever does not listen any more has ended, and says why.
        if turns.blocking_send(turn).is_err() {
            return Ok(());
        }
        if report.is_some_and(|report| sent.blocking_send(report).is_err()) {
            return Ok(());
        }
    }
    Ok(())
}

/// Shows each line in its turn, until there are no more, or no more outcomes come.
async fn show(
    mut turns: mpsc::Receiver<Turn>,
    mut outcomes: mpsc::Receiver<Outcome>,
    mut rest: Rest<'_>,
    shown: &mut Shown,
) {
    loop {
        if turns.is_empty() || outcomes.is_empty() {
            shown.flush();
        }
        let Some(turn) = turns.recv().await else {
            return;
        };
        let outcome = match &turn.refused_here {
            Some(faulty) => Some(rest.refusal(faulty).await),
            None => outcomes.recv().await,
        };
        let Some(outcome) = outcome else {
            shown.without_outcome(turn.line);
            while let Ok(turn) = turns.try_recv() {
                shown.without_outcome(turn.line);
            }
            return;
        };
        shown.outcome(turn.line, &outcome);
    }
}

/// Asks the gateway to judge line after line.
async fn validate(endpoint: &Endpoint, mut input: Input, shown: &mut Shown) -> Result<(), Failure> {
    let mut client = endpoint.submission().await.map_err(fail)?;
    let mut rest = Rest::new(endpoint);
    while let Some((line, report)) = input.next().map_err(fail)? {
        let payload = match report {
            Ok(Payload::Report(report)) => submit_request::Payload::Report(report),
            Ok(Payload::Native(native)) => submit_request::Payload::Native(native),
            Err(faulty) => {
                shown.outcome(line, &rest.refusal(&faulty).await);
                continue;
            }
        };
        let request = SubmitRequest {
            payload: Some(payload),
            validate_only: true,
        };
        let answer = client.submit(request).await;
        let answer = answer.map_err(|status| fail(endpoint.refused(&status)))?;
        shown.outcome(line, &answer.into_inner().outcome.unwrap_or_default());
        shown.flush();
    }
    Ok(())
}

//! `entente feed`: questions about the feed of a running gateway, and the feed as a whole.

mod corroborations;
mod transfer;

use super::foreign::harmless;
use super::partner::{Partner, Plain};
use super::{Failure, Output, fail, line};
use crate::client::Endpoint;
use crate::identity::Identity;
use crate::wire::json;
use crate::wire::proto::{
    AcknowledgeCursorRequest, Cursor, DeleteCursorRequest, ListCursorsRequest, PositionRange,
    WhyWithheldRequest, WhyWithheldResponse,
};
use clap::{Args, Subcommand};
use std::future::Future;
use tonic::{Response, Status};

/// Asks a running gateway about its feed; exports, imports and verifies a whole feed.
#[derive(Debug, Args)]
pub(super) struct FeedArguments {
    #[command(subcommand)]
    command: FeedCommand,
}

#[derive(Debug, Subcommand)]
enum FeedCommand {
    /// Explains, rule by rule, why a reader gets a record or not. Needs the right to operate.
    ///
    /// Exit code 1: it is withheld.
    Why(Why),
    /// Lists sightings of different nations that may describe the same event.
    ///
    /// The gateway compares only where its configuration says so.
    Corroborations(corroborations::Corroborations),
    /// Lists the cursors that the gateway keeps for this system.
    Cursors(Plain),
    /// Sets a cursor behind a position, backwards or forwards; also mends a damaged one.
    ResetCursor(ResetCursor),
    /// Deletes a cursor.
    DeleteCursor(DeleteCursor),
    Export(transfer::Export),
    Import(transfer::Import),
    Verify(transfer::Verify),
}

#[derive(Debug, Args)]
struct ResetCursor {
    /// The cursor's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// Readers go on behind this position; 0: from the beginning.
    #[arg(long)]
    position: u64,
    #[command(flatten)]
    partner: Partner,
}

#[derive(Debug, Args)]
struct DeleteCursor {
    /// The cursor's name.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    partner: Partner,
}

#[derive(Debug, Args)]
struct Why {
    /// The record's position.
    #[arg(long)]
    position: u64,
    /// The reader, as NATION/system.
    #[arg(long, value_name = "NATION/SYSTEM")]
    reader: String,
    /// As a reader that hands on what it reads.
    #[arg(long)]
    onward: bool,
    #[command(flatten)]
    plain: Plain,
}

pub(super) fn run(arguments: &FeedArguments) -> Result<(), Failure> {
    match &arguments.command {
        FeedCommand::Why(arguments) => why(arguments),
        FeedCommand::Corroborations(arguments) => corroborations::run(arguments),
        FeedCommand::Cursors(arguments) => cursors(arguments),
        FeedCommand::ResetCursor(arguments) => reset(arguments),
        FeedCommand::DeleteCursor(arguments) => delete(arguments),
        FeedCommand::Export(arguments) => transfer::export(arguments),
        FeedCommand::Import(arguments) => transfer::import(arguments),
        FeedCommand::Verify(arguments) => transfer::verify(arguments),
    }
}

/// Asks the gateway, and gives its answer.
pub(super) fn asked<T, A>(
    partner: &Partner,
    question: impl FnOnce(Endpoint) -> A,
) -> Result<T, Failure>
where
    A: Future<Output = Result<Result<Response<T>, Status>, crate::client::ClientError>>,
{
    let endpoint = partner.endpoint()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let answer = runtime.block_on(question(endpoint.clone())).map_err(fail)?;
    answer
        .map(Response::into_inner)
        .map_err(|status| fail(endpoint.refused(&status)))
}

/// A message of the contract as a line of JSON.
pub(super) fn as_json(name: &str, message: &impl prost::Message) -> Result<String, Failure> {
    let json = json::to_json(name, &message.encode_to_vec()).map_err(fail)?;
    Ok(json.get().to_owned())
}

fn why(arguments: &Why) -> Result<(), Failure> {
    let reader = Identity::parse(&arguments.reader)
        .map_err(|error| Failure::Usage(format!("--reader: {error}")))?;
    let request = WhyWithheldRequest {
        position: arguments.position,
        nation: reader.nation.to_string(),
        system: reader.system.to_string(),
        onward: arguments.onward,
    };
    let answer = asked(&arguments.plain.partner, |endpoint| async move {
        Ok(endpoint.operations().await?.why_withheld(request).await)
    })?;
    match arguments.plain.output {
        Output::Json => line(&as_json("entente.v1.WhyWithheldResponse", &answer)?),
        Output::Readable => line(&told(arguments.position, &reader, &answer)),
    }
    if answer.released {
        Ok(())
    } else {
        Err(Failure::Shown)
    }
}

fn cursors(plain: &Plain) -> Result<(), Failure> {
    let answer = asked(&plain.partner, |endpoint| async move {
        Ok(endpoint
            .feed()
            .await?
            .list_cursors(ListCursorsRequest {})
            .await)
    })?;
    if matches!(plain.output, Output::Json) {
        line(&as_json("entente.v1.ListCursorsResponse", &answer)?);
        return Ok(());
    }
    for cursor in &answer.cursors {
        line(&cursor_told(cursor, answer.durable_position));
    }
    Ok(())
}

/// A cursor on a line.
fn cursor_told(cursor: &Cursor, durable: u64) -> String {
    let name = harmless(&cursor.name);
    if !cursor.damage.is_empty() {
        let damage = harmless(&cursor.damage);
        return format!("{name}  damaged: {damage}; reset or delete it");
    }
    let at = cursor.acknowledged_position;
    let mut text = format!("{name}  done up to {at} of {durable}");
    for (what, ranges) in [
        ("and", &cursor.acknowledged_beyond),
        ("in flight", &cursor.in_flight),
    ] {
        if !ranges.is_empty() {
            text.push_str(&format!(", {what} {}", spans(ranges)));
        }
    }
    text
}

/// `3, 7-9`.
fn spans(ranges: &[PositionRange]) -> String {
    let spans = ranges.iter().map(|range| match (range.first, range.last) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    spans.collect::<Vec<_>>().join(", ")
}

fn reset(arguments: &ResetCursor) -> Result<(), Failure> {
    let request = AcknowledgeCursorRequest {
        name: arguments.name.clone(),
        position: arguments.position,
        first_position: 0,
        reset: true,
    };
    asked(&arguments.partner, |endpoint| async move {
        Ok(endpoint.feed().await?.acknowledge_cursor(request).await)
    })?;
    line(&format!(
        "{} stands behind position {}",
        arguments.name, arguments.position
    ));
    Ok(())
}

fn delete(arguments: &DeleteCursor) -> Result<(), Failure> {
    let name = arguments.name.clone();
    asked(&arguments.partner, |endpoint| async move {
        let request = DeleteCursorRequest { name };
        Ok(endpoint.feed().await?.delete_cursor(request).await)
    })?;
    line(&format!("{} is deleted", arguments.name));
    Ok(())
}

/// The decision, and a line for each rule.
fn told(position: u64, reader: &Identity, answer: &WhyWithheldResponse) -> String {
    let decision = if answer.released {
        "released to"
    } else {
        "withheld from"
    };
    let mut lines = vec![format!(
        "position {position} ({}/{} {}) is {decision} {reader}",
        harmless(&answer.record_nation),
        harmless(&answer.record_system),
        harmless(&answer.record_report_id),
    )];
    let rules = answer.rules.iter().map(|rule| {
        let holds = if rule.holds { "yes" } else { "no" };
        let (name, because) = (harmless(&rule.rule), harmless(&rule.because));
        format!("  {holds:3}  {name:18}  {because}")
    });
    lines.extend(rules);
    lines.join("\n")
}

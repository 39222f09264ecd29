//! `entente feed`: questions about the feed of a running gateway.

use super::foreign::harmless;
use super::partner::Partner;
use super::{Failure, Output, fail, line};
use crate::client::Endpoint;
use crate::identity::Identity;
use crate::wire::json;
use crate::wire::proto::{WhyWithheldRequest, WhyWithheldResponse};
use clap::{Args, Subcommand};
use std::future::Future;
use tonic::{Response, Status};

/// Asks a running gateway about its feed.
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

/// Who asks, and how the answer is shown.
#[derive(Debug, Args)]
struct Plain {
    #[command(flatten)]
    partner: Partner,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(super) fn run(arguments: &FeedArguments) -> Result<(), Failure> {
    match &arguments.command {
        FeedCommand::Why(arguments) => why(arguments),
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

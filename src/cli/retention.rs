//! `entente retention`: an operator shows and plans what a running gateway removes of its feed,
//! and holds what must stay.

use super::feed::{as_json, asked};
use super::foreign::harmless;
use super::partner::Plain;
use super::{Failure, Output, line};
use crate::identity::NationCode;
use crate::wire::proto::{
    HoldRetentionRequest, PlanRetentionRequest, PlanRetentionResponse, ReleaseRetentionRequest,
    RetentionSegment, ShowRetentionRequest, ShowRetentionResponse,
};
use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use jiff::Timestamp;

/// Removals that are shown to people; the others are only counted.
const SHOWN_MAX: usize = 20;

/// Shows and plans what a running gateway removes of its feed, and holds what must stay.
/// Needs the right to operate.
///
/// How long the feed is kept stands in the configuration, section [retention].
#[derive(Debug, Args)]
pub(super) struct Retention {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the first position, the rules, what is held, and what was removed.
    Show(Plain),
    /// Shows what would be removed now, by which rule, and why not more. Changes nothing.
    Plan(Plain),
    /// Keeps positions, or all records of a nation, from being removed, until released.
    Hold(Hold),
    /// Lifts a hold.
    Release(Release),
}

/// What is held.
#[derive(Debug, Args)]
struct What {
    /// First position, included.
    #[arg(
        long,
        value_name = "POSITION",
        requires = "to",
        conflicts_with = "nation"
    )]
    from: Option<u64>,
    /// Last position, included.
    #[arg(long, value_name = "POSITION", requires = "from")]
    to: Option<u64>,
    /// All records of this nation, such as GBR.
    #[arg(long, value_name = "XXX", required_unless_present = "from")]
    nation: Option<String>,
}

#[derive(Debug, Args)]
struct Hold {
    #[command(flatten)]
    what: What,
    /// Why; stands in the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Debug, Args)]
struct Release {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    plain: Plain,
}

impl What {
    /// As the contract has it.
    fn told(&self) -> Result<String, Failure> {
        if let (Some(from), Some(to)) = (self.from, self.to) {
            if to < from {
                return Err(Failure::Usage(format!("--to {to} is before --from {from}")));
            }
            return Ok(format!("positions:{from}-{to}"));
        }
        let nation = self.nation.as_deref().unwrap_or_default();
        let nation = NationCode::parse(nation)
            .map_err(|error| Failure::Usage(format!("--nation: {error}")))?;
        Ok(format!("nation:{nation}"))
    }
}

pub(super) fn run(arguments: &Retention) -> Result<(), Failure> {
    match &arguments.command {
        Command::Show(plain) => show(plain),
        Command::Plan(plain) => plan(plain),
        Command::Hold(arguments) => hold(arguments),
        Command::Release(arguments) => release(arguments),
    }
}

fn show(plain: &Plain) -> Result<(), Failure> {
    let answer = asked(&plain.partner, |endpoint| async move {
        let mut client = endpoint.operations().await?;
        Ok(client.show_retention(ShowRetentionRequest {}).await)
    })?;
    match plain.output {
        Output::Json => line(&as_json("entente.v1.ShowRetentionResponse", &answer)?),
        Output::Readable => line(&shown(&answer)),
    }
    Ok(())
}

fn plan(plain: &Plain) -> Result<(), Failure> {
    let answer = asked(&plain.partner, |endpoint| async move {
        let mut client = endpoint.operations().await?;
        Ok(client.plan_retention(PlanRetentionRequest {}).await)
    })?;
    match plain.output {
        Output::Json => line(&as_json("entente.v1.PlanRetentionResponse", &answer)?),
        Output::Readable => line(&planned(&answer)),
    }
    Ok(())
}

fn hold(arguments: &Hold) -> Result<(), Failure> {
    let what = arguments.what.told()?;
    let (request, reason) = (what.clone(), arguments.reason.clone());
    asked(&arguments.plain.partner, |endpoint| async move {
        let mut client = endpoint.operations().await?;
        let request = HoldRetentionRequest {
            what: request,
            reason,
        };
        Ok(client.hold_retention(request).await)
    })?;
    done(&arguments.plain, &what, "held")
}

fn release(arguments: &Release) -> Result<(), Failure> {
    let what = arguments.what.told()?;
    let request = what.clone();
    asked(&arguments.plain.partner, |endpoint| async move {
        let mut client = endpoint.operations().await?;
        let request = ReleaseRetentionRequest { what: request };
        Ok(client.release_retention(request).await)
    })?;
    done(&arguments.plain, &what, "released")
}

#[expect(clippy::unnecessary_wraps, reason = "every command ends so")]
fn done(plain: &Plain, what: &str, outcome: &str) -> Result<(), Failure> {
    match plain.output {
        Output::Json => line(&serde_json::json!({ "what": what, "outcome": outcome }).to_string()),
        Output::Readable => line(&format!("{what} is {outcome}")),
    }
    Ok(())
}

fn shown(answer: &ShowRetentionResponse) -> String {
    let mut lines = vec![format!(
        "positions  {} to {}; log {}, remains {}",
        answer.earliest_position,
        answer.durable_position,
        HumanBytes(answer.log_bytes),
        HumanBytes(answer.remains_bytes),
    )];
    let rules = answer.rules.iter();
    lines.extend(rules.map(|rule| format!("rule       {}", harmless(rule))));
    if !answer.standstill.is_empty() {
        lines.push(format!("stays      {}", harmless(&answer.standstill)));
    }
    for hold in &answer.holds {
        lines.push(format!(
            "held       {} since {} by {}: {}",
            harmless(&hold.what),
            hold.held_at.as_ref().map(time).unwrap_or_default(),
            harmless(&hold.held_by),
            harmless(&hold.reason),
        ));
    }
    for removed in answer.removed.iter().take(SHOWN_MAX) {
        let at = removed.removed_at.as_ref().map(time).unwrap_or_default();
        lines.push(format!("removed    {} at {at}", segment(removed)));
    }
    let more = answer.removed_count.saturating_sub(SHOWN_MAX as u64);
    if more > 0 {
        lines.push(format!("removed    and {more} segments before"));
    }
    lines.join("\n")
}

fn planned(answer: &PlanRetentionResponse) -> String {
    let goes = answer.goes.iter();
    let mut lines: Vec<_> = goes.map(|one| format!("goes   {}", segment(one))).collect();
    lines.push(format!("stays  {}", harmless(&answer.then)));
    if answer.over_bytes > 0 {
        let over = HumanBytes(answer.over_bytes);
        lines.push(format!(
            "the log stays {over} larger than retention.bytes_max"
        ));
    }
    lines.join("\n")
}

/// Positions, size and rule.
fn segment(segment: &RetentionSegment) -> String {
    let (first, last) = (segment.first_position, segment.last_position);
    let count = last.saturating_sub(first).saturating_add(1);
    let bytes = HumanBytes(segment.segment_bytes);
    let rule = harmless(&segment.rule);
    format!("{first} to {last} ({count} records, {bytes}), {rule}")
}

fn time(time: &prost_types::Timestamp) -> String {
    let time = Timestamp::new(time.seconds, time.nanos);
    time.map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

//! `entente gaps`: what came from each system, and what did not.

use super::feed::{as_json, asked};
use super::foreign::harmless;
use super::partner::Plain;
use super::{Failure, Output, line};
use crate::wire::proto::{ListGapsRequest, SequenceRange, Silence, SystemGaps};
use clap::Args;
use jiff::Timestamp;

/// Systems of a page; the gateway allows no more.
const PAGE: u32 = 1000;
/// Ranges of missing numbers on a line; `--output json` has all that the gateway tells.
const SHOWN_MAX: usize = 16;

/// Shows what came from each system, and what did not.
///
/// For systems that number their reports (`sequence`) the numbers that never came; for all when
/// they were heard last, and when they were silent. An operator sees all nations, everybody else
/// their own.
#[derive(Debug, Args)]
pub(super) struct Gaps {
    #[command(flatten)]
    plain: Plain,
}

/// Lists all pages.
pub(super) fn run(arguments: &Gaps) -> Result<(), Failure> {
    let mut page_token = String::new();
    loop {
        let request = ListGapsRequest {
            page_size: PAGE,
            page_token: page_token.clone(),
        };
        let page = asked(&arguments.plain.partner, |endpoint| async move {
            Ok(endpoint.feed().await?.list_gaps(request).await)
        })?;
        for system in &page.systems {
            match arguments.plain.output {
                Output::Json => line(&as_json("entente.v1.SystemGaps", system)?),
                Output::Readable => line(&told(system)),
            }
        }
        // A gateway that leads back would lead in a circle.
        if page.next_page_token <= page_token {
            return Ok(());
        }
        page_token = page.next_page_token;
    }
}

/// `GBR/uav-cell-4  1-840 except 812-815 (4 missing)  heard 2026-01-06T18:30:00Z`, and silences.
fn told(system: &SystemGaps) -> String {
    let (nation, name) = (harmless(&system.nation), harmless(&system.system));
    let mut text = format!("{nation}/{name}  {}", numbers(system));
    if system.repeated_count > 0 {
        text.push_str(&format!("  {} numbers came again", system.repeated_count));
    }
    if system.unnumbered_count > 0 && system.sequences.is_some() {
        text.push_str(&format!("  {} without a number", system.unnumbered_count));
    }
    if let Some(heard) = system.last_heard_at {
        text.push_str(&format!("  heard {}", time(heard.seconds)));
    }
    for silence in &system.silences {
        text.push_str(&format!("\n  silent {}", span(silence)));
    }
    text
}

fn numbers(system: &SystemGaps) -> String {
    let Some(all) = &system.sequences else {
        return format!("{} records, not numbered", system.record_count);
    };
    if system.missing_count == 0 {
        return format!("{}, nothing missing", range(all));
    }
    let mut missing: Vec<_> = system.missing.iter().take(SHOWN_MAX).map(range).collect();
    if system.missing.len() > SHOWN_MAX || system.missing_unlisted_count > 0 {
        missing.push("more".to_owned());
    }
    format!(
        "{} except {} ({} missing)",
        range(all),
        missing.join(", "),
        system.missing_count
    )
}

fn range(range: &SequenceRange) -> String {
    if range.first == range.last {
        range.first.to_string()
    } else {
        format!("{}-{}", range.first, range.last)
    }
}

fn span(silence: &Silence) -> String {
    let from = silence
        .from
        .map_or_else(String::new, |from| time(from.seconds));
    match silence.until {
        Some(until) => format!("{from} to {}", time(until.seconds)),
        None => format!("since {from}"),
    }
}

fn time(unix_s: i64) -> String {
    Timestamp::from_second(unix_s).map_or_else(|_| "-".to_owned(), |time| time.to_string())
}

//! `entente feed corroborations`: sightings that may describe the same event.

use super::{as_json, asked};
use crate::cli::foreign::harmless;
use crate::cli::partner::Plain;
use crate::cli::{Failure, Output, line};
use crate::wire::proto::{
    Corroboration, Count, CountBasis, FirePhase, ListCorroborationsRequest,
    ListCorroborationsResponse, SharedObservation, WeaponClass,
};
use clap::Args;

/// Links of a page; the gateway allows no more.
const PAGE: u32 = 1000;

#[derive(Debug, Args)]
pub(super) struct Corroborations {
    /// Only those of the sighting at this position
    #[arg(long)]
    position: Option<u64>,
    /// Only those whose younger sighting stands at this position or later
    #[arg(long, default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    plain: Plain,
}

/// Lists all pages.
pub(super) fn run(arguments: &Corroborations) -> Result<(), Failure> {
    let mut from_position = arguments.from;
    loop {
        let request = ListCorroborationsRequest {
            position: arguments.position,
            from_position,
            page_size: PAGE,
        };
        let page = asked(&arguments.plain.partner, |endpoint| async move {
            Ok(endpoint.feed().await?.list_corroborations(request).await)
        })?;
        for link in &page.corroborations {
            match arguments.plain.output {
                Output::Json => line(&as_json("entente.v1.Corroboration", link)?),
                Output::Readable => line(&told(link)),
            }
        }
        // A gateway that leads back would lead in a circle.
        if page.next_position <= from_position {
            if matches!(arguments.plain.output, Output::Readable) {
                line(&compared(&page));
            }
            return Ok(());
        }
        from_position = page.next_position;
    }
}

fn compared(page: &ListCorroborationsResponse) -> String {
    let (from, until) = (page.compared_from_position, page.compared_until_position);
    format!("compared: positions {from} to {until}; a link is no verdict")
}

fn told(link: &Corroboration) -> String {
    let shared: Vec<_> = link.shared.iter().map(shared).collect();
    let assumed = if link.is_uncertainty_assumed {
        "; an uncertainty is assumed"
    } else {
        ""
    };
    format!(
        "{} {} ~ {} {}  {:.0} m apart (limit {:.0}), {} s (limit {}): {}{assumed}  [{} {}]",
        link.first_position,
        harmless(&link.first_nation),
        link.second_position,
        harmless(&link.second_nation),
        link.distance_m,
        link.distance_limit_m,
        link.apart_s,
        link.apart_limit_s,
        shared.join(", "),
        harmless(&link.rule),
        link.rule_version,
    )
}

/// `EXPLOSION IMPACT MORTAR 3 | 5-6 INDIVIDUAL`: the counts stand side by side.
fn shared(shared: &SharedObservation) -> String {
    let mut words = vec![plain(shared.r#type().as_str_name(), "OBSERVATION_TYPE_")];
    if shared.phase() != FirePhase::Unspecified {
        words.push(plain(shared.phase().as_str_name(), "FIRE_PHASE_"));
    }
    if shared.weapon_class() != WeaponClass::Unspecified {
        words.push(plain(shared.weapon_class().as_str_name(), "WEAPON_CLASS_"));
    }
    if let (Some(first), Some(second)) = (&shared.first_count, &shared.second_count)
        && shared.count_basis() != CountBasis::Unspecified
    {
        words.push(format!("{} | {}", count(first), count(second)));
        words.push(plain(shared.count_basis().as_str_name(), "COUNT_BASIS_"));
    }
    words.join(" ")
}

fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

fn count(count: &Count) -> String {
    match (count.min, count.max) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min}-{max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("up to {max}"),
        (None, None) => "some".to_owned(),
    }
}

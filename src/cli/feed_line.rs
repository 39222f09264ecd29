//! One record of the feed on one line, for people.

use super::foreign::harmless;
use crate::record::{
    Action, CommitmentStage, ContributionKind, Environment, FirePhase, Level, ObservationType,
    OperationalStatus, WeaponClass,
};
use crate::wire::proto::{self, Count, CountQualifier, FeedEntry, Record, record::Body};
use jiff::Timestamp;
use prost::Message as _;

/// The entry on one line; `colours` for a terminal.
pub(crate) fn shown(entry: &FeedEntry, colours: bool) -> String {
    let record = match Record::decode(entry.record.clone()) {
        Ok(record) => record,
        Err(error) => return format!("{:>7}  cannot be read: {error}", entry.position),
    };
    let paint = |code: &str, text: String| {
        if colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text
        }
    };
    let mut parts = vec![
        paint("2", format!("{:>7}", entry.position)),
        paint(
            "36",
            format!("{:<16}", format!("{}/{}", record.nation, record.system)),
        ),
    ];
    parts.push(match &record.body {
        Some(Body::Sighting(sighting)) => sighting_shown(sighting),
        Some(Body::Contribution(contribution)) => contribution_shown(contribution),
        None => format!("retracts {}", harmless(&record.report_id)),
    });
    if let Some(marking) = &record.marking {
        let level = Level::from_number(marking.level).map_or("UNKNOWN", Level::name);
        let to = match marking.releasable_to.as_slice() {
            [] => "originator only".to_owned(),
            nations => harmless(&nations.join(" ")).into_owned(),
        };
        parts.push(paint("33", format!("{level} to {to}")));
    }
    if record.environment != Environment::Live.number() {
        parts.push(paint(
            "35",
            name(Environment::from_number(record.environment).map(Environment::name)),
        ));
    }
    if record.action != Action::New.number() {
        let action = name(Action::from_number(record.action).map(Action::name));
        let of = entry
            .supersedes_position
            .map(|at| format!(" of {at}"))
            .unwrap_or_default();
        parts.push(paint("35", format!("{action}{of}")));
    }
    parts.push(paint("2", revision(&record)));
    parts.join("  ")
}

/// Report id, and the revision unless it is the first.
fn revision(record: &Record) -> String {
    let id = harmless(&record.report_id);
    match record.revision {
        1 => id.into_owned(),
        more => format!("{id} revision {more}"),
    }
}

/// The name of a code, in small letters and with spaces.
fn name(code: Option<&str>) -> String {
    code.unwrap_or("?").to_lowercase().replace('_', " ")
}

fn sighting_shown(sighting: &proto::Sighting) -> String {
    let mut text = time(sighting.observed_from.as_ref());
    for observation in &sighting.observations {
        text.push(' ');
        text.push_str(&observation_shown(observation));
    }
    match &sighting.location {
        Some(location) => text.push_str(&place(location)),
        None => text.push_str(" at an unknown place"),
    }
    text
}

fn observation_shown(observation: &proto::Observation) -> String {
    let kind = match ObservationType::from_number(observation.r#type) {
        Some(kind) => name(Some(kind.name())),
        None => format!("\"{}\"", harmless(&observation.original_text)),
    };
    let mut text = match observation.count.as_ref().and_then(count) {
        Some(count) => format!("{count} {kind}"),
        None => kind,
    };
    if let Some(phase) = FirePhase::from_number(observation.phase) {
        text.push_str(&format!(" {}", name(Some(phase.name()))));
    }
    if let Some(weapon) = &observation.weapon {
        match WeaponClass::from_number(weapon.weapon_class) {
            Some(class) => text.push_str(&format!(", {}", name(Some(class.name())))),
            None if !weapon.original_text.is_empty() => {
                text.push_str(&format!(", \"{}\"", harmless(&weapon.original_text)));
            }
            None => {}
        }
        for part in [&weapon.model]
            .into_iter()
            .filter(|model| !model.is_empty())
        {
            text.push_str(&format!(" {}", harmless(part)));
        }
        for calibre in &weapon.calibre_mm {
            text.push_str(&format!(" {calibre} mm"));
        }
    }
    if let Some(direction) = observation.direction_from_deg {
        text.push_str(&format!(" from {direction:.1} deg"));
    }
    if let Some(direction) = observation.direction_to_deg {
        text.push_str(&format!(" to {direction:.1} deg"));
    }
    text
}

fn contribution_shown(contribution: &proto::Contribution) -> String {
    let kind = name(ContributionKind::from_number(contribution.kind).map(ContributionKind::name));
    let stage = name(CommitmentStage::from_number(contribution.stage).map(CommitmentStage::name));
    let status = OperationalStatus::from_number(contribution.operational_status)
        .map_or("?", OperationalStatus::name);
    let mut text = format!(
        "{} {kind} {stage} {status}",
        time(contribution.as_of.as_ref())
    );
    let people: u32 = contribution
        .personnel
        .iter()
        .filter_map(|people| people.deployed)
        .sum();
    if people > 0 {
        text.push_str(&format!(", {people} people"));
    }
    if !contribution.unit_name.is_empty() {
        text.push_str(&format!(", {}", harmless(&contribution.unit_name)));
    }
    if let Some(location) = &contribution.location {
        text.push_str(&place(location));
    }
    text
}

fn time(instant: Option<&proto::Instant>) -> String {
    let utc = instant.and_then(|instant| instant.utc.as_ref());
    let Some(utc) = utc.and_then(|utc| Timestamp::new(utc.seconds, utc.nanos).ok()) else {
        return "?".to_owned();
    };
    utc.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn place(point: &proto::GeoPoint) -> String {
    let uncertainty = match point.horizontal_uncertainty_m {
        Some(metres) if metres >= 10.0 => format!(" ± {metres:.0} m"),
        Some(metres) => format!(" ± {metres:.1} m"),
        None => String::new(),
    };
    format!(
        " at {:.5} {:.5}{uncertainty}",
        point.latitude_deg, point.longitude_deg
    )
}

fn count(count: &Count) -> Option<String> {
    let about = match count.qualifier() {
        CountQualifier::About => "about ",
        _ => "",
    };
    Some(match (count.min, count.max) {
        (Some(min), Some(max)) if min == max => format!("{about}{min}"),
        (Some(min), Some(max)) => format!("{about}{min}-{max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => return None,
    })
}

//! A record as an event of Cursor on Target: where it happened, what, who may see it, and who
//! says so. Records without a place have no event, but may end one.

use super::entry::Entry;
use crate::formats::{CotEvent, cot_delete, cot_type};
use crate::record::{Action, Environment, Level, ObservationType, UncertaintyKind, VerticalDatum};
use crate::wire;
use crate::wire::proto::{
    Contribution, ContributionKind, GeoPoint, Record, Sighting, record::Body,
};
use jiff::{SignedDuration, Timestamp};

/// Longest text beside a symbol, characters.
const REMARKS_CHARACTERS_MAX: usize = 2_000;

/// The events that a record comes to: none if there is nothing to show and nothing to end.
pub(super) fn events(entry: &Entry, stale_after_s: u32) -> Vec<String> {
    let record = &entry.record;
    if record.environment != Environment::Live.number() {
        return Vec::new();
    }
    let received = entry.received_at().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut events = Vec::new();
    let replaced = record.supersedes.as_ref();
    if let Some(other) = replaced.filter(|other| other.report_id != record.report_id) {
        events.push(cot_delete(&uid(record, &other.report_id), received));
    }
    let is_first = record.action == Action::New.number() && record.revision <= 1;
    let own = uid(record, &record.report_id);
    if record.action == Action::Retraction.number() {
        events.push(cot_delete(&own, received));
        return events;
    }
    match shown(record) {
        Some((point, kind, start)) => {
            let stale = received.saturating_add(SignedDuration::from_secs(stale_after_s.into()));
            let event = event(record, own, (point, kind), received, start, stale);
            events.push(event.to_xml());
        }
        // What was shown of it before is no longer what its originator says.
        None if !is_first => events.push(cot_delete(&own, received)),
        None => {}
    }
    events
}

/// The same for all revisions of a report, so that a later one replaces an earlier one.
fn uid(record: &Record, report_id: &str) -> String {
    format!("entente/{}/{}/{report_id}", record.nation, record.system)
}

fn event(
    record: &Record,
    uid: String,
    (point, kind): (&GeoPoint, String),
    time: Timestamp,
    start: Option<Timestamp>,
    stale: Result<Timestamp, jiff::Error>,
) -> CotEvent {
    let marking = record.marking.clone().unwrap_or_default();
    let is_hae = point.vertical_datum == VerticalDatum::HaeWgs84.number();
    let has_error = UncertaintyKind::from_number(point.kind).is_some();
    let mut nations = vec![record.nation.clone()];
    let others = marking.releasable_to.iter();
    nations.extend(others.filter(|to| **to != record.nation).cloned());
    CotEvent {
        uid,
        kind,
        time,
        start: start.map_or(time, |start| start.min(time)),
        stale: stale.unwrap_or(Timestamp::MAX),
        latitude_deg: point.latitude_deg,
        longitude_deg: point.longitude_deg,
        hae_m: point.height_m.filter(|_| is_hae),
        ce_m: point.horizontal_uncertainty_m.filter(|_| has_error),
        access: level(marking.level).to_owned(),
        caveat: marking.special.join(" "),
        releasable_to: nations.join(","),
        callsign: format!("{} {}", record.nation, record.report_id),
        remarks: remarks(record, &nations),
    }
}

fn level(number: i32) -> &'static str {
    Level::from_number(number).map_or("UNKNOWN", Level::name)
}

/// Where, what, and since when; none: there is no place.
fn shown(record: &Record) -> Option<(&GeoPoint, String, Option<Timestamp>)> {
    match record.body.as_ref()? {
        Body::Sighting(sighting) => {
            let since = sighting.observed_from.as_ref();
            let since = since
                .and_then(|since| since.utc.as_ref())
                .and_then(wire::instant);
            Some((sighting.location.as_ref()?, sighting_type(sighting), since))
        }
        Body::Contribution(contribution) => {
            let since = contribution.as_of.as_ref();
            let since = since
                .and_then(|since| since.utc.as_ref())
                .and_then(wire::instant);
            let kind = contribution_type(contribution).to_owned();
            Some((contribution.location.as_ref()?, kind, since))
        }
    }
}

fn sighting_type(sighting: &Sighting) -> String {
    sighting.observations.first().map_or_else(
        || cot_type(0, 0, 0),
        |observation| {
            let weapon = observation.weapon.as_ref();
            let class = weapon.map_or(0, |weapon| weapon.weapon_class);
            cot_type(observation.r#type, class, observation.phase)
        },
    )
}

/// What a nation contributes is of our own side.
fn contribution_type(contribution: &Contribution) -> &'static str {
    match contribution.kind() {
        ContributionKind::Uav => "a-f-A-M-F-Q",
        ContributionKind::Air => "a-f-A",
        ContributionKind::Maritime => "a-f-S",
        ContributionKind::Facility => "a-f-G-I",
        _ => "a-f-G",
    }
}

/// What people read: who says it, under what marking, what, how sure.
fn remarks(record: &Record, nations: &[String]) -> String {
    let marking = record.marking.clone().unwrap_or_default();
    let mut lines = vec![
        format!(
            "{} ({}) REL TO {}",
            marking.originator_marking,
            level(marking.level),
            nations.join(", ")
        ),
        format!(
            "{}/{} {} revision {}",
            record.nation, record.system, record.report_id, record.revision
        ),
    ];
    if let Some(Body::Sighting(sighting)) = &record.body {
        lines.extend(sighting.observations.iter().map(observed));
        if let Some(confidence) = &sighting.confidence {
            let (source, said) = (&confidence.source_reliability, &confidence.credibility);
            lines.push(format!("confidence {source}{said}"));
        }
    }
    if let Some(Body::Contribution(contribution)) = &record.body {
        lines.push(format!("contribution {}", contribution.contribution_id));
    }
    lines.extend(record.narratives.iter().map(|text| text.text.clone()));
    let text = lines.join("\n");
    text.chars().take(REMARKS_CHARACTERS_MAX).collect()
}

fn observed(observation: &wire::proto::Observation) -> String {
    let kind = ObservationType::from_number(observation.r#type);
    let mut text = kind.map_or_else(
        || observation.original_text.clone(),
        |kind| kind.name().to_lowercase().replace('_', " "),
    );
    let count = observation.count.as_ref();
    match count.map(|count| (count.min, count.max)) {
        Some((Some(min), Some(max))) if min == max => text = format!("{min} {text}"),
        Some((Some(min), Some(max))) => text = format!("{min}-{max} {text}"),
        Some((Some(min), None)) => text = format!("at least {min} {text}"),
        Some((None, Some(max))) => text = format!("at most {max} {text}"),
        Some((None, None)) | None => {}
    }
    if let Some(weapon) = &observation.weapon {
        let name = match weapon.model.as_str() {
            "" => &weapon.original_text,
            model => model,
        };
        if !name.is_empty() {
            text.push_str(&format!(", {name}"));
        }
    }
    text
}

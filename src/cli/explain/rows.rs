//! The lines of an explanation, in the order in which a person reads a report.

use super::Row;
use super::given::{
    bearing, code, count, count_given, direction, instant, joined, location, name, number, point,
    term, time, weapon, weapon_given,
};
use crate::record::{
    self, Body, CasualtyCategory, CommitmentStage, ContributionKind, CountBasis, FirePhase,
    ObservationType, ObserverMeans, OperationalStatus, Origin, PersonnelCategory, Record,
    VerificationStatus, WithdrawalStatus,
};
use crate::report::{self, Report};

/// Every line of a report and its record. Lines without anything on them are left out.
pub(super) fn all(report: &Report, record: &Record) -> Vec<Row> {
    let mut rows = Vec::new();
    marking(report.marking.as_ref(), &record.marking, &mut rows);
    match (&report.body, &record.body) {
        (Some(report::Body::Sighting(given)), Some(Body::Sighting(got))) => {
            sighting(given, got, &mut rows);
        }
        (Some(report::Body::Contribution(given)), Some(Body::Contribution(got))) => {
            contribution(given, got, &mut rows);
        }
        _ => {}
    }
    if let Some(replaced) = &record.supersedes {
        let given = report.supersedes.as_ref();
        let given = given.map(|s| format!("{} r{}", s.report_id, s.revision));
        let became = format!("{} r{}", replaced.report_id, replaced.revision);
        add(
            &mut rows,
            "replaces",
            "supersedes",
            given.unwrap_or_default(),
            became,
        );
    }
    rows
}

fn add(rows: &mut Vec<Row>, label: &str, field: &str, given: String, became: String) {
    if given.is_empty() && became.is_empty() {
        return;
    }
    rows.push(Row {
        label: label.to_owned(),
        field: field.to_owned(),
        given,
        became,
    });
}

fn marking(given: Option<&report::Marking>, got: &record::Marking, rows: &mut Vec<Row>) {
    let text = given.map_or("", |given| &given.text);
    let level = format!("{} ({})", got.level.name(), got.policy);
    let special = got.special.join(" ");
    let became = joined([&level, &special]);
    add(rows, "marking", "marking", text.to_owned(), became);
    let named = given.map_or_else(String::new, |given| given.releasable_to.join(" "));
    let released = match got.releasable_to.as_slice() {
        [] => "the originator only".to_owned(),
        nations => nations.join(" "),
    };
    add(
        rows,
        "released to",
        "marking.releasable_to",
        named,
        released,
    );
}

fn sighting(given: &report::Sighting, got: &record::Sighting, rows: &mut Vec<Row>) {
    let origin = code::<Origin>(given.origin);
    let field = "sighting.origin";
    add(rows, "origin", field, origin, got.origin.name().to_owned());
    let status = code::<VerificationStatus>(given.verification_status);
    let field = "sighting.verification_status";
    let became = got.verification_status.name().to_owned();
    add(rows, "verification", field, status, became);
    let from = time(given.observed_from.as_ref());
    let field = "sighting.observed_from";
    add(
        rows,
        "observed from",
        field,
        from,
        instant(got.observed_from),
    );
    let until = time(given.observed_until.as_ref());
    let became = got.observed_until.map(instant).unwrap_or_default();
    add(
        rows,
        "observed until",
        "sighting.observed_until",
        until,
        became,
    );
    let means: Vec<_> = given
        .means
        .iter()
        .map(|means| term::<ObserverMeans>(Some(means)))
        .collect();
    let became: Vec<_> = got.means.iter().map(|means| means.name()).collect();
    add(
        rows,
        "means",
        "sighting.means",
        means.join(", "),
        became.join(", "),
    );
    let at = location(given.location.as_ref());
    let at = joined([&at, &given.location_unknown_reason]);
    let became = got.location.as_ref().map(point).unwrap_or_default();
    add(rows, "location", "sighting.location", at, became);
    let at = location(given.observer_position.as_ref());
    let became = got
        .observer_position
        .as_ref()
        .map(point)
        .unwrap_or_default();
    add(rows, "observer", "sighting.observer_position", at, became);
    place(given.place.as_ref(), got.place.as_ref(), rows);
    let both = given.observations.iter().zip(&got.observations);
    for (index, (given, got)) in both.enumerate() {
        observation(index, given, got, rows);
    }
    casualties(given, got, rows);
    confidence(given.confidence.as_ref(), &got.confidence, rows);
    let note = &got.coverage_note;
    add(
        rows,
        "coverage",
        "sighting.coverage_note",
        note.clone(),
        note.clone(),
    );
}

fn casualties(given: &report::Sighting, got: &record::Sighting, rows: &mut Vec<Row>) {
    for (index, (given, got)) in given.casualties.iter().zip(&got.casualties).enumerate() {
        let field = format!("sighting.casualties[{index}]");
        let category = code::<CasualtyCategory>(given.category);
        let of = |label: &str, count: String| match count.is_empty() {
            true => count,
            false => format!("{label} {count}"),
        };
        let killed = of("killed", count_given(given.killed.as_ref()));
        let injured = of("injured", count_given(given.injured.as_ref()));
        let text = joined([&category, &killed, &injured]);
        let killed = of("killed", count(got.killed));
        let injured = of("injured", count(got.injured));
        let became = joined([got.category.name(), &killed, &injured]);
        add(rows, "casualties", &field, text, became);
    }
}

fn place(given: Option<&report::Place>, got: Option<&record::Place>, rows: &mut Vec<Row>) {
    let text = given.map_or_else(String::new, |place| {
        joined([&place.name_as_reported, &place.control_status_as_reported])
    });
    let became = got.map_or_else(String::new, |place| {
        joined([&place.name_as_reported, &place.gazetteer_id])
    });
    add(rows, "place", "sighting.place", text, became);
}

fn observation(
    index: usize,
    given: &report::Observation,
    got: &record::Observation,
    rows: &mut Vec<Row>,
) {
    let field = |name: &str| format!("sighting.observations[{index}].{name}");
    let label = |name: &str| match index {
        0 => name.to_owned(),
        more => format!("{name} {}", more + 1),
    };
    let kind = term::<ObservationType>(given.kind.as_ref());
    add(rows, &label("what"), &field("type"), kind, name(got.kind));
    let said = count_given(given.count.as_ref());
    add(
        rows,
        &label("count"),
        &field("count"),
        said,
        count(got.count),
    );
    let basis = code::<CountBasis>(given.count_basis);
    let became = got.count_basis.name().to_owned();
    add(
        rows,
        &label("counted"),
        &field("count_basis"),
        basis,
        became,
    );
    if given.phase.is_some() {
        let phase = term::<FirePhase>(given.phase.as_ref());
        add(
            rows,
            &label("phase"),
            &field("phase"),
            phase,
            name(got.phase),
        );
    }
    let width = got.direction_half_width_deg;
    let from = bearing(given.direction_from.as_ref());
    let became = direction(got.direction_from_deg, width);
    add(rows, &label("from"), &field("direction_from"), from, became);
    let to = bearing(given.direction_to.as_ref());
    let became = direction(got.direction_to_deg, width);
    add(rows, &label("towards"), &field("direction_to"), to, became);
    let text = weapon_given(given.weapon.as_ref());
    let became = weapon(got.weapon.as_ref());
    add(rows, &label("weapon"), &field("weapon"), text, became);
    let status = code::<WithdrawalStatus>(given.withdrawal_status);
    let became = got
        .withdrawal_status
        .map_or("", |status| status.name())
        .to_owned();
    add(
        rows,
        &label("withdrawal"),
        &field("withdrawal_status"),
        status,
        became,
    );
}

fn confidence(given: Option<&report::Confidence>, got: &record::Confidence, rows: &mut Vec<Row>) {
    let range = |lo: Option<u32>, hi: Option<u32>| match (lo, hi) {
        (None, None) => String::new(),
        (Some(lo), Some(hi)) => format!("{lo} to {hi} %"),
        (Some(lo), None) => format!("{lo} % or more"),
        (None, Some(hi)) => format!("up to {hi} %"),
    };
    let text = given.map_or_else(String::new, |given| {
        let code = format!("{}{}", given.source_reliability, given.credibility);
        let range = range(given.probability_lo_pct, given.probability_hi_pct);
        joined([&code, &given.term, &given.scale_id, &range])
    });
    let code = format!("{}{}", got.source_reliability, got.credibility);
    let derived = got
        .derived_pct
        .map_or_else(String::new, |pct| format!("derived {pct} %"));
    let range = range(got.probability_lo_pct, got.probability_hi_pct);
    let became = joined([&code, &derived, &range]);
    add(rows, "confidence", "sighting.confidence", text, became);
}

fn contribution(given: &report::Contribution, got: &record::Contribution, rows: &mut Vec<Row>) {
    let as_of = time(given.as_of.as_ref());
    add(
        rows,
        "as of",
        "contribution.as_of",
        as_of,
        instant(got.as_of),
    );
    let kind = term::<ContributionKind>(given.kind.as_ref());
    add(
        rows,
        "kind",
        "contribution.kind",
        kind,
        got.kind.name().to_owned(),
    );
    let stage = term::<CommitmentStage>(given.stage.as_ref());
    add(
        rows,
        "stage",
        "contribution.stage",
        stage,
        got.stage.name().to_owned(),
    );
    let status = term::<OperationalStatus>(given.operational_status.as_ref());
    let field = "contribution.operational_status";
    add(
        rows,
        "status",
        field,
        status,
        got.operational_status.name().to_owned(),
    );
    let unit = joined([&got.unit_name, &got.unit_size, &got.unit_symbol]);
    add(rows, "unit", "contribution.unit_name", unit.clone(), unit);
    people(given, got, rows);
    for (index, (given, got)) in given.equipment.iter().zip(&got.equipment).enumerate() {
        let field = format!("contribution.equipment[{index}]");
        let on_hand = number(got.quantity_on_hand, "on hand");
        let text = joined([&weapon_given(given.equipment.as_ref()), &on_hand]);
        let became = joined([&weapon(Some(&got.equipment)), &on_hand]);
        add(rows, "equipment", &field, text, became);
    }
    let notice = given
        .notice_to_move
        .as_ref()
        .map_or_else(String::new, |notice| {
            joined([&notice.text, &number(notice.hours, "h")])
        });
    let became = number(got.notice_to_move_h, "h");
    add(
        rows,
        "notice to move",
        "contribution.notice_to_move",
        notice,
        became,
    );
    let at = location(given.location.as_ref());
    let became = got.location.as_ref().map(point).unwrap_or_default();
    add(rows, "location", "contribution.location", at, became);
    dates(given, got, rows);
}

fn people(given: &report::Contribution, got: &record::Contribution, rows: &mut Vec<Row>) {
    for (index, row) in got.personnel.iter().enumerate() {
        let field = format!("contribution.personnel[{index}]");
        let category = given.personnel.get(index).map_or(0, |row| row.category);
        let category = code::<PersonnelCategory>(category);
        let numbers = joined([
            number(row.authorised, "authorised"),
            number(row.deployed, "deployed"),
            number(row.effective, "effective"),
            number(row.female, "female"),
            number(row.male, "male"),
            number(row.undisclosed, "undisclosed"),
        ]);
        let text = joined([&category, &numbers]);
        let became = joined([row.category.name(), &numbers]);
        add(rows, "people", &field, text, became);
    }
}

fn dates(given: &report::Contribution, got: &record::Contribution, rows: &mut Vec<Row>) {
    let date = |date: Option<jiff::civil::Date>| date.map_or_else(String::new, |d| d.to_string());
    for (label, field, text, became) in [
        (
            "period from",
            "period_start",
            &given.period_start,
            date(got.period_start),
        ),
        (
            "period until",
            "period_end",
            &given.period_end,
            date(got.period_end),
        ),
        (
            "offered from",
            "valid_from",
            &given.valid_from,
            date(Some(got.valid_from)),
        ),
        (
            "offered until",
            "valid_until",
            &given.valid_until,
            date(got.valid_until),
        ),
        (
            "rotation",
            "rotation_date",
            &given.rotation_date,
            date(got.rotation_date),
        ),
    ] {
        add(
            rows,
            label,
            &format!("contribution.{field}"),
            text.clone(),
            became,
        );
    }
}

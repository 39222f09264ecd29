//! A sighting: its time, its place, and what was observed. Every field is judged, whatever
//! failed before it, so that the sender learns all reasons at once.

use super::bounds::{self, LINE_BYTES_MAX, NOTE_BYTES_MAX};
use super::notes::{Notes, Rule};
use super::{Context, Profile, bearing, code, confidence, position, quantity, time, vocabulary};
use crate::record::{
    Casualties, CasualtyCategory, CountBasis, GeoPoint, Observation, ObserverMeans, Place,
    RelativePosition, Sighting, VerificationStatus,
};
use crate::report;
use jiff::Timestamp;

static VERIFICATION_DEFAULT: Rule = Rule::new(
    "sighting.verification_default",
    "a sighting that does not say how far it is verified is unverified",
    "record.proto",
);
static UNTIL_BEFORE_FROM: Rule = Rule::new(
    "sighting.until_before_from",
    "an observation does not end before it begins",
    "domain.md 10",
);
static NO_MEANS: Rule = Rule::new(
    "sighting.means_missing",
    "a sighting says by what means it was observed",
    "report.proto",
);
static NO_LOCATION: Rule = Rule::new(
    "sighting.location_missing",
    "a sighting has a location, or says why it has none",
    "domain.md 10",
);
static NO_OBSERVATION: Rule = Rule::new(
    "sighting.observations_missing",
    "a sighting has at least one observation",
    "report.proto",
);
static TYPE_MISSING: Rule = Rule::new(
    "sighting.type_missing",
    "an observation says what was observed",
    "report.proto",
);
static BASIS_DEFAULT: Rule = Rule::new(
    "sighting.count_basis_default",
    "a count that does not say what it counts has an unknown basis, and is never summed",
    "domain.md 1.1",
);
static CATEGORY_DEFAULT: Rule = Rule::new(
    "sighting.casualty_category_default",
    "casualties that do not say whose are of an unknown category",
    "record.proto",
);
static CASUALTIES_EMPTY: Rule = Rule::new(
    "sighting.casualties_empty",
    "a line of casualties has killed or injured",
    "report.proto",
);

/// A normalised sighting; `None` with violations.
pub(super) fn sighting(
    given: report::Sighting,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Sighting> {
    let profile = context.profile;
    let origin = code::required(given.origin, "origin", notes);
    let verification_status = verification(given.verification_status, notes);
    let observed_from = time::instant(
        given.observed_from.as_ref(),
        context,
        "observed_from",
        notes,
    );
    let observed_until = given
        .observed_until
        .as_ref()
        .map(|until| time::instant(Some(until), context, "observed_until", notes));
    if let (Some(from), Some(Some(until))) = (observed_from, observed_until)
        && until.utc < from.utc
    {
        let message = format!("{} is before {}", until.utc, from.utc);
        let expected = "an end at or after the beginning";
        notes.violate("observed_until", &UNTIL_BEFORE_FROM, message, expected);
    }
    let means = means(&given.means, profile, notes);
    let (location, relative_location) = location(&given, profile, notes);
    let observer_position = given
        .observer_position
        .as_ref()
        .and_then(|at| position(at, profile, "observer_position", notes));
    let place = given
        .place
        .map(|named| place(named, location.as_ref(), profile, notes));
    let at = location
        .as_ref()
        .filter(|_| has_bearings(&given.observations))
        .map(|point| here(point, observed_from.map(|from| from.utc)));
    let observations = observations(given.observations, at, profile, notes);
    let casualties = casualties(&given.casualties, profile, notes);
    let confidence = confidence::confidence(given.confidence, "confidence", notes);
    bounds::text(&given.coverage_note, NOTE_BYTES_MAX, "coverage_note", notes);
    Some(Sighting {
        origin: origin?,
        verification_status: verification_status?,
        observed_from: observed_from?,
        observed_until: observed_until.flatten(),
        means,
        location,
        location_unknown_reason: given.location_unknown_reason,
        relative_location,
        observer_position: observer_position.map(|(point, _)| point),
        place,
        observations,
        casualties,
        confidence,
        coverage_note: given.coverage_note,
    })
}

fn verification(number: i32, notes: &mut Notes) -> Option<VerificationStatus> {
    if number != 0 {
        return code::optional(number, "verification_status", notes);
    }
    let status = VerificationStatus::Unverified;
    notes.trace(
        "verification_status",
        &VERIFICATION_DEFAULT,
        "not given",
        status.name(),
    );
    Some(status)
}

fn means(given: &[report::Term], profile: &Profile, notes: &mut Notes) -> Vec<ObserverMeans> {
    if given.is_empty() {
        let expected = code::one_of::<ObserverMeans>();
        notes.violate("means", &NO_MEANS, "not given", expected);
    }
    bounds::list(given.len(), bounds::MEANS_MAX, "means", notes);
    let before = notes.violation_count();
    let mut means = Vec::with_capacity(given.len().min(bounds::MEANS_MAX));
    for (index, term) in given.iter().take(bounds::MEANS_MAX).enumerate() {
        let found = notes.within_item("means", index, |notes| {
            vocabulary::means_all(term, profile, "", notes)
        });
        // A set: the same means twice says no more.
        for one in found {
            if !means.contains(&one) {
                means.push(one);
            }
        }
    }
    if means.is_empty() && !given.is_empty() && notes.violation_count() == before {
        let message = "none of the words is understood";
        let expected = code::one_of::<ObserverMeans>();
        notes.violate("means", &NO_MEANS, message, expected);
    }
    means
}

fn location(
    given: &report::Sighting,
    profile: &Profile,
    notes: &mut Notes,
) -> (Option<GeoPoint>, Option<RelativePosition>) {
    let reason = given.location_unknown_reason.trim();
    bounds::text(reason, LINE_BYTES_MAX, "location_unknown_reason", notes);
    match (&given.location, reason.is_empty()) {
        (Some(at), true) => position(at, profile, "location", notes)
            .map_or((None, None), |(point, relative)| (Some(point), relative)),
        (Some(_), false) => {
            let message = "both a location and a reason why there is none";
            notes.violate(
                "location_unknown_reason",
                &NO_LOCATION,
                message,
                "only one of them",
            );
            (None, None)
        }
        (None, true) => {
            let expected = "a location, or location_unknown_reason";
            notes.violate("location", &NO_LOCATION, "not given", expected);
            (None, None)
        }
        (None, false) => (None, None),
    }
}

/// A position, after its texts were found to fit.
pub(super) fn position(
    at: &report::Location,
    profile: &Profile,
    field: &'static str,
    notes: &mut Notes,
) -> Option<(GeoPoint, Option<RelativePosition>)> {
    let before = notes.violation_count();
    notes.within(field, |notes| {
        bounds::text(&at.text, LINE_BYTES_MAX, "text", notes);
        bounds::text(
            &at.reference_system,
            LINE_BYTES_MAX,
            "reference_system",
            notes,
        );
        bounds::text(&at.height_text, LINE_BYTES_MAX, "height_text", notes);
        if let Some(from) = &at.relative {
            bounds::text(&from.anchor, LINE_BYTES_MAX, "relative.anchor", notes);
            bounds::text(&from.distance, LINE_BYTES_MAX, "relative.distance", notes);
            bounds::text(&from.direction, LINE_BYTES_MAX, "relative.direction", notes);
        }
    });
    if notes.violation_count() != before {
        return None;
    }
    position::location(at, profile, field, notes)
}

/// Whether a place and a day are needed to turn a bearing.
fn has_bearings(observations: &[report::Observation]) -> bool {
    observations
        .iter()
        .any(|one| one.direction_from.is_some() || one.direction_to.is_some())
}

/// Where and when the bearings of a sighting were taken.
fn here(point: &GeoPoint, when: Option<Timestamp>) -> bearing::Here {
    bearing::Here {
        lat_deg: point.latitude_deg,
        lon_deg: point.longitude_deg,
        grid_meridian_deg: position::grid_meridian_deg(&point.source_crs, point.longitude_deg),
        when,
    }
}

fn place(
    given: report::Place,
    at: Option<&GeoPoint>,
    profile: &Profile,
    notes: &mut Notes,
) -> Place {
    let report::Place {
        name_as_reported,
        mut gazetteer_id,
        control_status_as_reported,
    } = given;
    notes.within("place", |notes| {
        for (field, text) in [
            ("name_as_reported", &name_as_reported),
            ("gazetteer_id", &gazetteer_id),
            ("control_status_as_reported", &control_status_as_reported),
        ] {
            bounds::text(text, LINE_BYTES_MAX, field, notes);
        }
        let at = at.map(|point| (point.latitude_deg, point.longitude_deg));
        let known = position::place_id(&name_as_reported, at, profile, "name_as_reported", notes);
        if let (Some(id), true) = (known, gazetteer_id.is_empty()) {
            gazetteer_id = id;
        }
    });
    Place {
        name_as_reported,
        gazetteer_id,
        control_status_as_reported,
    }
}

fn observations(
    given: Vec<report::Observation>,
    at: Option<bearing::Here>,
    profile: &Profile,
    notes: &mut Notes,
) -> Vec<Observation> {
    if given.is_empty() {
        let expected = "at least one observation";
        notes.violate("observations", &NO_OBSERVATION, "not given", expected);
    }
    let max = bounds::OBSERVATIONS_MAX;
    bounds::list(given.len(), max, "observations", notes);
    let mut observations = Vec::with_capacity(given.len().min(max));
    for (index, given) in given.into_iter().take(max).enumerate() {
        observations.push(notes.within_item("observations", index, |notes| {
            observation(given, at, profile, notes)
        }));
    }
    observations
}

fn observation(
    given: report::Observation,
    at: Option<bearing::Here>,
    profile: &Profile,
    notes: &mut Notes,
) -> Observation {
    let kind = match &given.kind {
        Some(term) if bounds::text(&term.text, LINE_BYTES_MAX, "type.text", notes) => {
            let weapon = given.weapon.as_ref().map_or("", |weapon| &weapon.text);
            vocabulary::observation_type(term, weapon, profile, "type", notes)
        }
        Some(_) => None,
        None => {
            let expected = "text or code";
            notes.violate("type", &TYPE_MISSING, "not given", expected);
            None
        }
    };
    let count = given
        .count
        .and_then(|c| quantity::count(&c, profile, "count", notes));
    let count_basis = basis(given.count_basis, notes);
    let phase = given
        .phase
        .as_ref()
        .filter(|term| bounds::text(&term.text, LINE_BYTES_MAX, "phase.text", notes))
        .and_then(|term| vocabulary::phase(term, profile, "phase", notes));
    let mut direction = |given: Option<report::Bearing>, field: &str| {
        given.and_then(|given| bearing::bearing(&given, at, profile, field, notes))
    };
    let from = direction(given.direction_from, "direction_from");
    let to = direction(given.direction_to, "direction_to");
    let half_width = |direction: Option<bearing::Direction>| direction?.half_width_deg;
    let weapon = given.weapon.map(|weapon| {
        bounds::text(&weapon.text, LINE_BYTES_MAX, "weapon.text", notes);
        bounds::text(&weapon.model, LINE_BYTES_MAX, "weapon.model", notes);
        vocabulary::weapon(weapon, profile, "weapon", notes)
    });
    Observation {
        kind,
        count,
        count_basis,
        phase,
        direction_from_deg: from.map(|direction| direction.true_deg),
        direction_to_deg: to.map(|direction| direction.true_deg),
        // One field for both: the wider is right for either.
        direction_half_width_deg: match (half_width(from), half_width(to)) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        },
        weapon,
        withdrawal_status: code::optional(given.withdrawal_status, "withdrawal_status", notes),
        original_text: original_text(given.kind, given.phase),
    }
}

/// The nation's own words for what was observed.
fn original_text(kind: Option<report::Term>, phase: Option<report::Term>) -> String {
    let text = |term: Option<report::Term>| term.map(|term| term.text).unwrap_or_default();
    let (kind, phase) = (text(kind), text(phase));
    match (kind.is_empty(), phase.is_empty()) {
        (_, true) => kind,
        (true, false) => phase,
        (false, false) => format!("{kind}; {phase}"),
    }
}

fn basis(number: i32, notes: &mut Notes) -> CountBasis {
    if number == 0 {
        let basis = CountBasis::Unknown;
        notes.trace("count_basis", &BASIS_DEFAULT, "not given", basis.name());
        return basis;
    }
    code::optional(number, "count_basis", notes).unwrap_or(CountBasis::Unknown)
}

fn casualties(
    given: &[report::Casualties],
    profile: &Profile,
    notes: &mut Notes,
) -> Vec<Casualties> {
    bounds::list(given.len(), bounds::CASUALTIES_MAX, "casualties", notes);
    let given = given.iter().take(bounds::CASUALTIES_MAX).enumerate();
    given
        .map(|(index, line)| {
            notes.within_item("casualties", index, |notes| {
                let mut count = |given: &Option<report::Count>, field| {
                    given
                        .as_ref()
                        .and_then(|count| quantity::count(count, profile, field, notes))
                };
                let killed = count(&line.killed, "killed");
                let injured = count(&line.injured, "injured");
                if line.killed.is_none() && line.injured.is_none() {
                    let expected = "killed, injured, or no such line";
                    notes.violate(
                        "",
                        &CASUALTIES_EMPTY,
                        "neither killed nor injured",
                        expected,
                    );
                }
                Casualties {
                    category: category(line.category, notes),
                    killed,
                    injured,
                }
            })
        })
        .collect()
}

fn category(number: i32, notes: &mut Notes) -> CasualtyCategory {
    if number == 0 {
        let category = CasualtyCategory::Unknown;
        notes.trace("category", &CATEGORY_DEFAULT, "not given", category.name());
        return category;
    }
    code::optional(number, "category", notes).unwrap_or(CasualtyCategory::Unknown)
}

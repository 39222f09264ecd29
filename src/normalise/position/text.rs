//! Chooses the reader of a position's text by its reference system: the one that the report
//! names, the one in front of the text, or the one of the nation's profile.

use super::degrees::Notation;
use super::prose::{self, Prose};
use super::read::{Reading, read_in};
use super::system::{self, System};
use super::{Fault, Point, look_alike, trace_point};
use crate::normalise::notes::{Notes, Rule, quoted};
use crate::normalise::{Profile, code};
use crate::record::AxisOrder;
use crate::report;

static SYSTEM_UNKNOWN: Rule = Rule::new(
    "position.system_unknown",
    "the reference system of a text is one that the gateway can read",
    "domain.md 3.4",
);
static SYSTEM_MISSING: Rule = Rule::new(
    "position.system_missing",
    "a text has a reference system: its own or that of the nation's profile",
    "report.proto",
);
static SYSTEM_CONFLICT: Rule = Rule::new(
    "position.system_conflict",
    "the text does not name another reference system than the report does",
    "domain.md 3.4",
);
/// Reads the text of a location; `None` with a violation.
pub(super) fn read(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Point> {
    let order = axis_order(location, profile, field, notes).ok()?;
    let notation = Notation {
        decimal_comma: profile.decimal_comma(),
        letter_o: profile.letter_o(),
        order,
    };
    let chosen = choose(location, profile);
    let latin_only = matches!(
        chosen,
        Ok((
            System::Mgrs | System::MgrsIn(_) | System::Utm(_) | System::Ups(_),
            _
        ))
    );
    let (outcome, at) = match chosen {
        Ok((system, text)) => {
            let declared = declared_order(location, profile);
            (read_in(system, text, notation, declared, profile), "")
        }
        Err(fault) => (Err(fault), ".reference_system"),
    };
    match outcome {
        Ok(Reading { point, rule, said }) => {
            trace_point(&point, rule, &location.text, field, notes);
            for (rule, output) in said {
                notes.warn(field, rule, location.text.clone(), output);
            }
            Some(point)
        }
        Err(fault) => {
            // No coordinates: perhaps words, which need no system. A wrong system stays wrong.
            let perhaps_words = at.is_empty() || fault.rule == &SYSTEM_MISSING;
            let words = if perhaps_words {
                prose::read(&location.text, profile, field, notes)
            } else {
                Prose::Other
            };
            match words {
                Prose::Read(point) => Some(*point),
                Prose::Told => None,
                Prose::Other => {
                    look_alike::explain(fault, &location.text, latin_only)
                        .tell(&format!("{field}{at}"), notes);
                    None
                }
            }
        }
    }
}

/// The declared order: the report's, else the profile's.
fn axis_order(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Result<Option<AxisOrder>, ()> {
    if location.axis_order == 0 {
        return Ok(profile.axis_order());
    }
    code::optional(location.axis_order, &format!("{field}.axis_order"), notes)
        .map(Some)
        .ok_or(())
}

/// The order of two bare plane coordinates: the report's, or that of a nation whose own reference
/// system is a plane. An order that was declared for latitude and longitude says nothing here.
fn declared_order(location: &report::Location, profile: &Profile) -> Option<AxisOrder> {
    let own = profile.reference_system().and_then(System::parse);
    let of_profile = match own {
        Some(System::Named(_) | System::Zone(_) | System::Plane(_)) => profile.axis_order(),
        _ => None,
    };
    AxisOrder::from_number(location.axis_order).or(of_profile)
}

/// The system and the text without a system's name in front.
fn choose<'t>(
    location: &'t report::Location,
    profile: &Profile,
) -> Result<(System, &'t str), Fault> {
    let parse = |name: &str| {
        System::parse(name).ok_or_else(|| {
            Fault::new(
                &SYSTEM_UNKNOWN,
                format!("{} is not known", quoted(name)),
                system::KNOWN,
            )
        })
    };
    let declared = match location.reference_system.trim() {
        "" => None,
        name => Some(parse(name)?),
    };
    let text = location.text.trim();
    match (declared, System::prefix(text)) {
        (Some(declared), Some((prefix, rest))) if agree(declared, prefix) => Ok((declared, rest)),
        (Some(_), Some(_)) => Err(Fault::new(
            &SYSTEM_CONFLICT,
            format!("{} names another reference system", quoted(text)),
            "one reference system",
        )),
        (Some(declared), None) => Ok((declared, text)),
        (None, Some((prefix, rest))) => Ok((prefix, rest)),
        (None, None) => match profile.reference_system() {
            Some(name) => Ok((parse(name)?, text)),
            None => Err(Fault::new(
                &SYSTEM_MISSING,
                "neither the report nor the nation's profile names a reference system",
                system::KNOWN,
            )),
        },
    }
}

/// Whether a name in front of the text says the same as, or less than, the declared one.
fn agree(declared: System, prefix: System) -> bool {
    let datum_of = |system| match system {
        System::Geographic(datum) | System::Named(datum) | System::Squares(datum, _) => Some(datum),
        System::Plane(plane) | System::Zone(plane) => Some(plane.datum),
        System::Wgs84 | System::Mgrs | System::MgrsIn(_) | System::Utm(_) | System::Ups(_) => None,
    };
    match (declared, prefix) {
        (System::Utm(_), System::Utm(None) | System::Wgs84) => true,
        (System::Ups(_), System::Ups(None) | System::Wgs84) => true,
        (System::Mgrs | System::MgrsIn(_), System::Wgs84 | System::Mgrs) => true,
        (_, System::Named(datum)) => datum_of(declared) == Some(datum),
        _ => declared == prefix,
    }
}

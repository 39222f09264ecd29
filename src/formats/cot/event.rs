//! An event of Cursor on Target to a report. Knows what the attributes mean, not how they came.
//!
//! A report's id is the event's `uid`. An event overwrites earlier ones of its `uid`, so its
//! revision is its `time` in seconds since 2020: a retry is the same report, a later event
//! supersedes, and an older one that comes late does not.

use super::kind::{self, What};
use crate::formats::Fault;
use crate::formats::text::quoted;
use crate::report::{
    Bearing, Body, Location, Marking, Narrative, Observation, Report, Sighting, Term, Time, Weapon,
    Wgs84Point, WireTime,
};
use jiff::Timestamp;

/// `ACTION_UPDATE`: an event states the present state of its `uid`.
const UPDATE: i32 = 2;
/// `ORIGIN_OWN_OBSERVATION`.
const OWN_OBSERVATION: i32 = 1;
/// `VERTICAL_DATUM_HAE_WGS84`.
const HAE_WGS84: i32 = 1;
/// `ANGLE_UNIT_DEGREE`.
const DEGREE: i32 = 1;
/// `NORTH_REFERENCE_TRUE`.
const TRUE_NORTH: i32 = 1;
const LIVE: i32 = 1;
const EXERCISE: i32 = 2;
const SIMULATION: i32 = 3;

/// From here on a height or an error is a sentinel: 9999999.0 in XML, 999999 in protobuf.
const SENTINEL_M: f64 = 999_999.0;

/// 2020-01-01T00:00:00Z, seconds since 1970.
const REVISIONS_SINCE_S: i64 = 1_577_836_800;

/// What the vocabulary takes as a means, with a warning.
const BY_HAND: &str = "CoT event that a person entered";
const FROM_IMAGERY: &str = "CoT event from imagery";
const BY_MACHINE: &str = "CoT event that a machine made";

/// An event.
#[derive(Debug)]
pub(in crate::formats) struct Event<'t> {
    pub(in crate::formats) kind: &'t str,
    pub(in crate::formats) uid: &'t str,
    pub(in crate::formats) how: &'t str,
    pub(in crate::formats) access: &'t str,
    pub(in crate::formats) opex: &'t str,
    pub(in crate::formats) time: Timestamp,
    pub(in crate::formats) start: Timestamp,
    pub(in crate::formats) stale: Timestamp,
    /// The start as written; empty where the form has a number.
    pub(in crate::formats) start_text: &'t str,
    pub(in crate::formats) lat: f64,
    pub(in crate::formats) lon: f64,
    /// Height above the ellipsoid, metres, perhaps a sentinel.
    pub(in crate::formats) hae: Option<f64>,
    /// Circular error, metres at one standard deviation, perhaps a sentinel.
    pub(in crate::formats) ce: Option<f64>,
    pub(in crate::formats) marking: Option<Marking>,
    pub(in crate::formats) callsign: &'t str,
    pub(in crate::formats) remarks: Vec<Remark<'t>>,
    /// Course in degrees and speed in metres a second.
    pub(in crate::formats) track: Option<(f64, f64)>,
}

/// Free text.
#[derive(Debug)]
pub(in crate::formats) struct Remark<'t> {
    pub(in crate::formats) lang: &'t str,
    pub(in crate::formats) text: &'t str,
}

/// The attribute that is at fault, and why.
type Refusal = (&'static str, Fault);

impl Event<'_> {
    /// The report. A refusal names the attribute.
    pub(in crate::formats) fn report(self) -> Result<Report, Refusal> {
        let what = kind::classify(self.kind).map_err(|fault| ("type", fault))?;
        let environment = environment(self.opex, self.how)?;
        if self.stale < self.start {
            let message = format!("{} is before its start {}", self.stale, self.start);
            let expected = "a time at or after start";
            return Err(("stale", refused("formats.cot_time", message, expected)));
        }
        let marking = self.marking.clone().or_else(|| access(self.access));
        let narratives = self.narratives();
        let sighting = Sighting {
            origin: OWN_OBSERVATION,
            observed_from: Some(self.observed_from()),
            means: vec![means(&what, self.how)],
            location: Some(Location {
                wgs84: Some(Wgs84Point {
                    latitude_deg: self.lat,
                    longitude_deg: self.lon,
                }),
                horizontal_uncertainty_m: known(self.ce),
                height_m: known(self.hae),
                vertical_datum: known(self.hae).map_or(0, |_| HAE_WGS84),
                ..Location::default()
            }),
            observations: vec![observation(&what, self.kind, self.track)],
            ..Sighting::default()
        };
        Ok(Report {
            report_id: self.uid.to_owned(),
            revision: revision(self.time),
            action: UPDATE,
            environment,
            reported_at: Some(wire_time(self.time)),
            marking,
            body: Some(Body::Sighting(Box::new(sighting))),
            narratives,
            ..Report::default()
        })
    }

    fn observed_from(&self) -> Time {
        match self.start_text {
            "" => Time {
                utc: Some(wire_time(self.start)),
                ..Time::default()
            },
            text => Time {
                text: text.to_owned(),
                ..Time::default()
            },
        }
    }

    fn narratives(&self) -> Vec<Narrative> {
        let callsign = self.callsign.trim();
        let callsign = (!callsign.is_empty()).then(|| Narrative {
            lang: String::new(),
            text: format!("CALLSIGN: {callsign}"),
            is_authoritative: true,
            is_machine_translation: false,
        });
        let remarks = self.remarks.iter().map(|remark| Narrative {
            lang: remark.lang.to_owned(),
            text: remark.text.to_owned(),
            is_authoritative: true,
            is_machine_translation: false,
        });
        callsign.into_iter().chain(remarks).collect()
    }
}

fn refused(rule: &'static str, message: impl Into<String>, expected: impl Into<String>) -> Fault {
    Fault::new("", rule, message, expected)
}

/// Exercise and simulation by `opex`, simulation by `how` too; 0: the envelope says it.
fn environment(opex: &str, how: &str) -> Result<i32, Refusal> {
    let is_how = how.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    if !is_how {
        let message = format!("{} is no way of making a position", quoted(how));
        let expected = "letters with hyphens between them, such as h-e or m-g";
        return Err(("how", refused("formats.cot_how", message, expected)));
    }
    let letter = opex.split('-').next().unwrap_or_default();
    let declared = match letter {
        "" => 0,
        "o" => LIVE,
        "e" => EXERCISE,
        "s" => SIMULATION,
        _ => {
            let message = format!("{} is not understood", quoted(opex));
            let expected = "o, e or s, perhaps with a hyphen and a name";
            return Err(("opex", refused("formats.cot_opex", message, expected)));
        }
    };
    let simulated = how == "m-s" || how.starts_with("m-s-");
    Ok(match declared {
        EXERCISE => EXERCISE,
        _ if simulated => SIMULATION,
        declared => declared,
    })
}

/// `access` says who may see the event; what it says is judged like any other marking, except
/// for the word that ATAK writes when nobody chose one.
fn access(access: &str) -> Option<Marking> {
    let text = access.trim();
    let says_nothing = text.is_empty() || text.eq_ignore_ascii_case("Undefined");
    (!says_nothing).then(|| Marking {
        text: text.to_owned(),
        ..Marking::default()
    })
}

/// The number, unless it is a sentinel.
fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value < SENTINEL_M)
}

fn revision(time: Timestamp) -> u32 {
    let seconds = time.as_second().saturating_sub(REVISIONS_SINCE_S);
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

fn wire_time(time: Timestamp) -> WireTime {
    // Before 1970 jiff's nanoseconds are negative, and the contract's are not.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        return WireTime {
            seconds: seconds - 1,
            nanos: nanos + 1_000_000_000,
        };
    }
    WireTime { seconds, nanos }
}

fn means(what: &What, how: &str) -> Term {
    if what.means != 0 {
        return Term {
            text: String::new(),
            code: what.means,
        };
    }
    let text = match how {
        how if how.starts_with('h') => BY_HAND,
        how if how == "m-i" || how.starts_with("m-i-") => FROM_IMAGERY,
        _ => BY_MACHINE,
    };
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

fn observation(what: &What, kind: &str, track: Option<(f64, f64)>) -> Observation {
    let moves = track.filter(|(course, speed)| {
        (0.0..=360.0).contains(course) && *speed > 0.0 && *speed < SENTINEL_M
    });
    Observation {
        kind: Some(Term {
            text: kind.to_owned(),
            code: what.observation,
        }),
        phase: (what.phase != 0).then(|| Term {
            text: String::new(),
            code: what.phase,
        }),
        direction_to: moves.map(|(course, _)| Bearing {
            value: Some(course),
            unit: DEGREE,
            north: TRUE_NORTH,
            ..Bearing::default()
        }),
        weapon: (what.weapon != 0).then(|| Weapon {
            code: what.weapon,
            ..Weapon::default()
        }),
        ..Observation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_count_forward_before_1970_too() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00.25Z", 0, 250_000_000),
            ("1969-12-31T23:59:59.75Z", -1, 750_000_000),
            ("1969-12-31T23:59:58Z", -2, 0),
        ] {
            let time = wire_time(text.parse().unwrap());
            assert_eq!((time.seconds, time.nanos), (seconds, nanos), "{text}");
        }
    }
}

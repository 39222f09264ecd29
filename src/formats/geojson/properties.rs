//! The properties of a feature to the fields of a report. Names are those of the report's JSON,
//! and `_`, `-` and capitals do not count: `observedFrom`, `observed_from`. Properties that are
//! none of these are kept as a narrative, so that nothing is lost; styles of maps are not.

use crate::formats::Fault;
use crate::formats::json::Json;
use crate::formats::text::{admiralty, named, quoted};
use crate::report::{
    Bearing, Body, Confidence, Count, Location, Marking, Narrative, Observation, Place, Report,
    Sighting, Term, Time, Weapon, WireTime,
};
use jiff::Timestamp;

/// Most observations of one feature.
const OBSERVATIONS_MAX: usize = 200;

const ACTIONS: &[&str] = &["NEW", "UPDATE", "CORRECTION", "RETRACTION"];
const ENVIRONMENTS: &[&str] = &["LIVE", "EXERCISE", "SIMULATION"];
const ORIGINS: &[&str] = &[
    "OWN_OBSERVATION",
    "PARTY_ALLEGATION",
    "THIRD_PARTY",
    "PUBLIC",
];
const BASES: &[&str] = &["INDIVIDUAL", "EPISODE", "ITEM", "UNKNOWN"];

/// What map programs add for their own use (simplestyle).
const STYLES: &[&str] = &[
    "markercolor",
    "markersize",
    "markersymbol",
    "stroke",
    "strokewidth",
    "strokeopacity",
    "fill",
    "fillopacity",
];

/// The properties, taken one after the other; what is left belongs into a narrative.
struct Properties<'j, 'f> {
    left: Vec<(&'j str, String, &'j Json)>,
    /// In front of the names in faults.
    place: String,
    faults: &'f mut Vec<Fault>,
}

/// The report that a feature's id and properties make, without its geometry.
pub(super) fn report(feature: &Json, faults: &mut Vec<Fault>) -> Report {
    let none = Json::Object(Vec::new());
    let given = feature.get("properties").unwrap_or(&none);
    let mut properties = Properties::of(given, "properties", faults);
    let report_id = properties
        .word(&["reportid"])
        .or_else(|| match feature.get("id") {
            Some(Json::Text(id)) => Some(id.clone()),
            Some(Json::Number(id)) => Some(id.to_string()),
            _ => None,
        });
    let sighting = properties.sighting();
    let report = Report {
        report_id: report_id.unwrap_or_default(),
        revision: properties.whole(&["revision"]).unwrap_or(0),
        action: properties.code(&["action"], ACTIONS),
        environment: properties.code(&["environment"], ENVIRONMENTS),
        reported_at: properties.reported_at(),
        marking: properties.marking(),
        body: Some(Body::Sighting(Box::new(sighting))),
        ..Report::default()
    };
    let narratives = properties.narratives();
    Report {
        narratives,
        ..report
    }
}

impl<'j, 'f> Properties<'j, 'f> {
    fn of(given: &'j Json, place: &str, faults: &'f mut Vec<Fault>) -> Self {
        let mut left = Vec::new();
        match given {
            Json::Object(members) => {
                for (key, value) in members {
                    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
                    let plain = plain.to_lowercase();
                    if *value != Json::Null && !STYLES.contains(&plain.as_str()) {
                        left.push((key.as_str(), plain, value));
                    }
                }
            }
            _ => faults.push(Fault::new(
                place,
                "formats.geojson_property",
                "no object",
                "an object of properties",
            )),
        }
        Self {
            left,
            place: place.to_owned(),
            faults,
        }
    }

    /// Takes the property with one of these names.
    fn take(&mut self, names: &[&str]) -> Option<(&'j str, &'j Json)> {
        let at = self
            .left
            .iter()
            .position(|(_, plain, _)| names.contains(&plain.as_str()))?;
        let (key, _, value) = self.left.remove(at);
        Some((key, value))
    }

    fn fault(&mut self, key: &str, message: String, expected: impl Into<String>) {
        let place = format!("{}.{}", self.place, named(key));
        self.faults.push(Fault::new(
            place,
            "formats.geojson_property",
            message,
            expected,
        ));
    }

    /// A text, or a number as one writes it.
    fn word(&mut self, names: &[&str]) -> Option<String> {
        let (key, value) = self.take(names)?;
        match value {
            Json::Text(text) if text.trim().is_empty() => None,
            Json::Text(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => {
                self.fault(
                    key,
                    format!("{} is no text", quoted(&value.to_string())),
                    "text",
                );
                None
            }
        }
    }

    /// One text or a list of them.
    fn words(&mut self, names: &[&str]) -> Vec<String> {
        let Some((key, value)) = self.take(names) else {
            return Vec::new();
        };
        let words: Option<Vec<String>> = match value {
            Json::Text(text) => Some(vec![text.clone()]),
            Json::List(list) => list
                .iter()
                .map(|word| word.text().map(str::to_owned))
                .collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => None,
        };
        words.unwrap_or_else(|| {
            let message = format!("{} is no list of texts", quoted(&value.to_string()));
            self.fault(key, message, "a text, or a list of texts");
            Vec::new()
        })
    }

    fn number(&mut self, names: &[&str]) -> Option<f64> {
        let (key, value) = self.take(names)?;
        let number = value.number();
        if number.is_none() {
            let message = format!("{} is no number", quoted(&value.to_string()));
            self.fault(key, message, "a number");
        }
        number
    }

    fn whole(&mut self, names: &[&str]) -> Option<u32> {
        let (key, value) = self.take(names)?;
        let number = value.number().and_then(whole);
        if number.is_none() {
            let message = format!("{} is no whole number", quoted(&value.to_string()));
            self.fault(key, message, "a whole number from 0");
        }
        number
    }

    /// The number of a name in a list that begins with 1; 0 where it is not given.
    fn code(&mut self, names: &[&str], known: &[&str]) -> i32 {
        let Some((key, value)) = self.take(names) else {
            return 0;
        };
        let text = value.text().unwrap_or_default().to_ascii_uppercase();
        let found = (1..).zip(known).find(|(_, name)| text == **name);
        found.map_or_else(
            || {
                let message = format!("{} is not known", quoted(&value.to_string()));
                self.fault(key, message, format!("one of {}", known.join(", ")));
                0
            },
            |(code, _)| code,
        )
    }

    fn time(&mut self, names: &[&str]) -> Option<Time> {
        self.word(names).map(|text| Time {
            text,
            ..Time::default()
        })
    }

    fn reported_at(&mut self) -> Option<WireTime> {
        let text = self.word(&["reportedat"])?;
        let time = text.trim().parse::<Timestamp>().ok();
        if time.is_none() {
            let message = format!("{} is no time", quoted(&text));
            self.fault("reportedAt", message, "such as 2026-01-06T18:30:00Z");
        }
        // A time before 1970 is refused later, whatever its fraction.
        time.map(|time| WireTime {
            seconds: time.as_second(),
            nanos: time.subsec_nanosecond(),
        })
    }

    fn marking(&mut self) -> Option<Marking> {
        let marking = Marking {
            text: self.word(&["marking"]).unwrap_or_default(),
            releasable_to: self.words(&["releasableto"]),
            special: self.words(&["special"]),
        };
        (marking != Marking::default()).then_some(marking)
    }

    fn sighting(&mut self) -> Sighting {
        let uncertainty = self.number(&["horizontaluncertaintym", "uncertaintym"]);
        let means = self.words(&["means"]);
        Sighting {
            origin: self.code(&["origin"], ORIGINS),
            observed_from: self.time(&["observedfrom", "time", "datetime", "timestamp"]),
            observed_until: self.time(&["observeduntil"]),
            means: means.into_iter().map(term).collect(),
            // Only for its uncertainty; the geometry says where.
            location: uncertainty.map(|uncertainty| Location {
                horizontal_uncertainty_m: Some(uncertainty),
                ..Location::default()
            }),
            location_unknown_reason: self.word(&["locationunknownreason"]).unwrap_or_default(),
            place: self.place(),
            observations: self.observations(),
            confidence: self.confidence(),
            coverage_note: self.word(&["coveragenote"]).unwrap_or_default(),
            ..Sighting::default()
        }
    }

    fn place(&mut self) -> Option<Place> {
        let name = self.word(&["place", "name"]);
        let control = self.word(&["controlstatusasreported", "controlstatus"]);
        (name.is_some() || control.is_some()).then(|| Place {
            name_as_reported: name.unwrap_or_default(),
            control_status_as_reported: control.unwrap_or_default(),
            ..Place::default()
        })
    }

    /// Those in `observations`, or the one that the properties themselves describe.
    fn observations(&mut self) -> Vec<Observation> {
        let Some((key, value)) = self.take(&["observations"]) else {
            return self.observation().into_iter().collect();
        };
        let Json::List(list) = value else {
            self.fault(key, "no list".to_owned(), "a list of objects");
            return Vec::new();
        };
        if list.len() > OBSERVATIONS_MAX {
            let expected = format!("at most {OBSERVATIONS_MAX}");
            self.fault(key, format!("{} observations", list.len()), expected);
            return Vec::new();
        }
        let mut observations = Vec::with_capacity(list.len());
        for (index, one) in list.iter().enumerate() {
            let place = format!("{}.{key}[{index}]", self.place);
            let mut inner = Properties::of(one, &place, self.faults);
            observations.extend(inner.observation());
            let strangers: Vec<&str> = inner.left.iter().map(|(key, _, _)| *key).collect();
            for key in strangers {
                let expected = "type, count, countBasis, phase, directionFrom, directionTo, weapon";
                inner.fault(key, "no field of an observation".to_owned(), expected);
            }
        }
        observations
    }

    fn observation(&mut self) -> Option<Observation> {
        let observation = Observation {
            kind: self
                .word(&["type", "observation", "observationtype"])
                .map(term),
            count: self.count(),
            count_basis: self.code(&["countbasis"], BASES),
            phase: self.word(&["phase"]).map(term),
            direction_from: self.word(&["directionfrom"]).map(bearing),
            direction_to: self.word(&["directionto"]).map(bearing),
            weapon: self.word(&["weapon"]).map(|text| Weapon {
                text,
                ..Weapon::default()
            }),
            ..Observation::default()
        };
        (observation != Observation::default()).then_some(observation)
    }

    /// A text such as `about 5`, or a whole number.
    fn count(&mut self) -> Option<Count> {
        let (key, value) = self.take(&["count"])?;
        match value {
            Json::Text(text) => Some(Count {
                text: text.clone(),
                ..Count::default()
            }),
            other => {
                let number = other.number().and_then(whole);
                if number.is_none() {
                    let message = format!("{} is no count", quoted(&other.to_string()));
                    self.fault(key, message, "a whole number, or a text such as `about 5`");
                }
                number.map(|number| Count {
                    min: Some(number),
                    max: Some(number),
                    ..Count::default()
                })
            }
        }
    }

    fn confidence(&mut self) -> Option<Confidence> {
        let mut confidence = Confidence {
            source_reliability: self.word(&["sourcereliability"]).unwrap_or_default(),
            credibility: self.word(&["credibility"]).unwrap_or_default(),
            ..Confidence::default()
        };
        if let Some(text) = self.word(&["confidence"]) {
            match admiralty(&text) {
                Some((source, credibility)) => {
                    source.clone_into(&mut confidence.source_reliability);
                    credibility.clone_into(&mut confidence.credibility);
                }
                None => {
                    let message = format!("{} is no code", quoted(&text));
                    self.fault("confidence", message, "an Admiralty code such as B2");
                }
            }
        }
        (confidence != Confidence::default()).then_some(confidence)
    }

    /// The narrative, and what no field takes.
    fn narratives(&mut self) -> Vec<Narrative> {
        let lang = self.word(&["lang", "language"]).unwrap_or_default();
        let own = self.word(&["narrative", "remarks", "description"]);
        let rest: Vec<String> = self
            .left
            .drain(..)
            .map(|(key, _, value)| format!("{key}: {value}"))
            .collect();
        let rest = (!rest.is_empty()).then(|| (String::new(), rest.join("\n")));
        let own = own.map(|text| (lang, text));
        own.into_iter()
            .chain(rest)
            .map(|(lang, text)| Narrative {
                lang,
                text,
                is_authoritative: true,
                is_machine_translation: false,
            })
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn whole(number: f64) -> Option<u32> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u32)
}

fn term(text: String) -> Term {
    Term { text, code: 0 }
}

fn bearing(text: String) -> Bearing {
    Bearing {
        text,
        ..Bearing::default()
    }
}

//! What a reader wants to see, as options of the commands that read the feed.

use super::Failure;
use crate::identity::NationCode;
use crate::record::{ObservationType, WeaponClass};
use crate::wire::proto::{
    BoundingBox, Circle, Environment, FeedFilter, Polygon, RecordKind, Wgs84Point,
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// A kind of record.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Sighting,
    Contribution,
    Retraction,
}

/// An environment.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum In {
    Live,
    Exercise,
    Simulation,
}

/// What to show; every option that is given must match.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to show")]
pub(super) struct Wanted {
    /// Only this nation, such as GBR; may be given several times.
    #[arg(long, value_name = "CODE")]
    nation: Vec<String>,
    /// Only this kind; may be given several times.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Only this environment; may be given several times [default: live].
    #[arg(long, value_enum)]
    environment: Vec<In>,
    /// Only what happened in this box, degrees; records without a place do not match.
    #[arg(long, value_name = "SOUTH,WEST,NORTH,EAST", allow_hyphen_values = true)]
    area: Option<String>,
    /// Only what happened in this polygon: corners in degrees, in order.
    #[arg(long, value_name = "LAT,LON LAT,LON ...", allow_hyphen_values = true)]
    polygon: Option<String>,
    /// Only what happened in this circle: centre in degrees, radius in metres or, with km, in
    /// kilometres.
    #[arg(long, value_name = "LAT,LON,RADIUS", allow_hyphen_values = true)]
    circle: Option<String>,
    /// A place is in an area as soon as its uncertainty reaches it.
    #[arg(long)]
    include_uncertain: bool,
    /// Only what was observed at or after this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    observed_from: Option<Timestamp>,
    /// Only what was observed at or before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    observed_until: Option<Timestamp>,
    /// Only what the gateway took in at or after this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    received_from: Option<Timestamp>,
    /// Only what the gateway took in at or before this time, RFC 3339.
    #[arg(long, value_name = "TIME")]
    received_until: Option<Timestamp>,
    /// Only with an observation of this type, such as explosion; may be given several times.
    #[arg(long, value_name = "TYPE")]
    observation: Vec<String>,
    /// Only with a weapon of this class, such as mlrs; may be given several times.
    #[arg(long, value_name = "CLASS")]
    weapon: Vec<String>,
    /// Only with this text in a narrative or in the name of a place, letter case aside.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl Wanted {
    /// The filter that the options come to.
    pub(super) fn filter(&self) -> Result<FeedFilter, Failure> {
        for code in &self.nation {
            NationCode::parse(code)
                .map_err(|error| Failure::Usage(format!("--nation: {error}")))?;
        }
        let kind = |kind: &Kind| match kind {
            Kind::Sighting => RecordKind::Sighting.into(),
            Kind::Contribution => RecordKind::Contribution.into(),
            Kind::Retraction => RecordKind::Retraction.into(),
        };
        let environment = |environment: &In| match environment {
            In::Live => Environment::Live.into(),
            In::Exercise => Environment::Exercise.into(),
            In::Simulation => Environment::Simulation.into(),
        };
        let types = named("--observation", &self.observation, |name| {
            ObservationType::from_name(name).map(ObservationType::number)
        });
        let types = types.map_err(|name| unknown(&name, ObservationType::ALL, |t| t.name()))?;
        let classes = named("--weapon", &self.weapon, |name| {
            WeaponClass::from_name(name).map(WeaponClass::number)
        });
        let classes = classes.map_err(|name| unknown(&name, WeaponClass::ALL, |c| c.name()))?;
        Ok(FeedFilter {
            nations: self.nation.clone(),
            kinds: self.kind.iter().map(kind).collect(),
            environments: self.environment.iter().map(environment).collect(),
            area: self.area.as_deref().map(area).transpose()?,
            polygon: self.polygon.as_deref().map(polygon).transpose()?,
            circle: self.circle.as_deref().map(circle).transpose()?,
            include_uncertain: self.include_uncertain,
            observed_from_unix_s: self.observed_from.map(Timestamp::as_second),
            observed_until_unix_s: self.observed_until.map(Timestamp::as_second),
            received_from_unix_s: self.received_from.map(Timestamp::as_second),
            received_until_unix_s: self.received_until.map(Timestamp::as_second),
            observation_types: types,
            weapon_classes: classes,
            text: self.text.clone().unwrap_or_default(),
        })
    }
}

/// Numbers of names such as `machine-gun-heavy`; the option and the first name that is none.
fn named(
    option: &str,
    names: &[String],
    number: impl Fn(&str) -> Option<i32>,
) -> Result<Vec<i32>, String> {
    let number = |name: &String| {
        let plain = name.trim().to_ascii_uppercase().replace(['-', ' '], "_");
        number(&plain).ok_or_else(|| format!("{option}: `{name}`"))
    };
    names.iter().map(number).collect()
}

fn unknown<T: Copy>(said: &str, all: &[T], name: fn(T) -> &'static str) -> Failure {
    let names = all.iter().map(|&value| name(value).to_ascii_lowercase());
    let names = names.collect::<Vec<_>>().join(", ").replace('_', "-");
    Failure::Usage(format!("{said} is none of {names}"))
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    let numbers = text.split(',').map(|number| number.trim().parse().ok());
    numbers.collect()
}

/// Reads `47.5,36,49,39.5`.
fn area(text: &str) -> Result<BoundingBox, Failure> {
    match numbers(text).as_deref() {
        Some(&[south_deg, west_deg, north_deg, east_deg]) if south_deg <= north_deg => {
            Ok(BoundingBox {
                south_deg,
                west_deg,
                north_deg,
                east_deg,
            })
        }
        _ => Err(Failure::Usage(format!(
            "--area: `{text}` is no box: expected SOUTH,WEST,NORTH,EAST in degrees, such as \
             47.5,36,49,39.5"
        ))),
    }
}

/// Reads `48,37 48,38 49,37.5`.
fn polygon(text: &str) -> Result<Polygon, Failure> {
    let corner = |text: &str| match numbers(text).as_deref() {
        Some(&[latitude_deg, longitude_deg]) => Some(Wgs84Point {
            latitude_deg,
            longitude_deg,
        }),
        _ => None,
    };
    let corners: Option<Vec<_>> = text.split_whitespace().map(corner).collect();
    match corners {
        Some(corners) if corners.len() >= 3 => Ok(Polygon { corners }),
        _ => Err(Failure::Usage(format!(
            "--polygon: `{text}` is no polygon: expected three corners or more as LAT,LON in \
             degrees with blanks between them, such as \"48,37 48,38 49,37.5\""
        ))),
    }
}

/// Reads `48.14,37.75,5000` and `48.14,37.75,5km`.
fn circle(text: &str) -> Result<Circle, Failure> {
    let trimmed = text.trim();
    let (plain, factor) = match trimmed.strip_suffix("km") {
        Some(plain) => (plain, 1000.0),
        None => (trimmed.strip_suffix('m').unwrap_or(trimmed), 1.0),
    };
    match numbers(plain).as_deref() {
        Some(&[latitude_deg, longitude_deg, radius]) if radius > 0.0 => Ok(Circle {
            centre: Some(Wgs84Point {
                latitude_deg,
                longitude_deg,
            }),
            radius_m: radius * factor,
        }),
        _ => Err(Failure::Usage(format!(
            "--circle: `{text}` is no circle: expected LAT,LON,RADIUS in degrees and metres, such \
             as 48.14,37.75,5000 or 48.14,37.75,5km"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_has_four_numbers_south_below_north() {
        let read = area("47.5, 36,49,-39.5").unwrap();
        assert_eq!((read.south_deg, read.west_deg), (47.5, 36.0));
        assert_eq!((read.north_deg, read.east_deg), (49.0, -39.5));
        for wrong in ["", "1,2,3", "1,2,3,4,5", "49,36,47,39", "a,b,c,d"] {
            assert!(area(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_circle_has_a_centre_and_a_radius_with_its_unit() {
        for (text, radius_m) in [
            ("48.14,37.75,5000", 5000.0),
            ("48.14, 37.75, 5km", 5000.0),
            ("48.14,37.75,250 m", 250.0),
        ] {
            let read = circle(text).unwrap();
            assert_eq!(read.radius_m, radius_m, "{text}");
            assert_eq!(read.centre.unwrap().longitude_deg, 37.75);
        }
        for wrong in ["", "48,37", "48,37,0", "48,37,-5", "48,37,5 miles"] {
            assert!(circle(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_polygon_has_three_corners_or_more() {
        let read = polygon("48,37  48,-38.5 49,37.5").unwrap();
        assert_eq!(read.corners.len(), 3);
        assert_eq!(read.corners[1].longitude_deg, -38.5);
        for wrong in ["", "48,37 48,38", "48,37 48,38 49", "48 37 48 38 49 37"] {
            assert!(polygon(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_the_contracts_with_hyphens_or_without() {
        let number = |name: &str| WeaponClass::from_name(name).map(WeaponClass::number);
        let given = ["machine-gun-heavy".to_owned(), "MLRS".to_owned()];
        assert_eq!(named("--weapon", &given, number), Ok(vec![2, 10]));
        let wrong = ["catapult".to_owned()];
        let said = named("--weapon", &wrong, number).unwrap_err();
        let Failure::Usage(words) = unknown(&said, WeaponClass::ALL, |c| c.name()) else {
            panic!("a usage error")
        };
        assert!(
            words.starts_with("--weapon: `catapult` is none of small-arms, "),
            "{words}"
        );
    }
}

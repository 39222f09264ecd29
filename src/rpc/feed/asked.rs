//! What readers ask for, judged: everything that is wrong with a request is said at once.

use crate::feed::Ask;
use crate::feed::area::{Area, Box4, Circle, Polygon, RADIUS_M_MAX};
use crate::feed::cursors::Terms;
use crate::feed::filter::{Filter, Span, folded};
use crate::feed::replay::{PACE_RANGE, Pace, RATE_RANGE};
use crate::identity::{Identity, NationCode};
use crate::record::{Environment, ObservationType, WeaponClass};
use crate::rpc::status;
use crate::wire::proto::{self, FeedFilter, SubscribeRequest};
use crate::wire::stored::Kind;
use std::time::Duration;
use tonic::Status;

/// Entries of a filter's lists.
const ENTRIES_MAX: usize = 256;
/// Longest text that is looked for, bytes.
const TEXT_BYTES_MAX: usize = 200;

/// Most positions that a stream has and has not acknowledged, where it names no number.
const WINDOW_DEFAULT: u32 = 1024;
const WINDOW_MAX: u32 = 65_536;
/// How long a delivery by a cursor may stay unacknowledged, where the reader names no time.
const WITHIN_S_DEFAULT: u32 = 60;
const WITHIN_S_MAX: u32 = 3600;

/// What is wrong with a request: a field and what was expected.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    pub(super) fn add(&mut self, field: &str, expected: impl Into<String>) {
        self.0.push((field.to_owned(), expected.into()));
    }

    /// The value, unless something is wrong with the request.
    pub(super) fn or<T>(self, value: T) -> Result<T, Status> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(status::bad_fields(&self.0))
        }
    }

    pub(super) fn nations(&mut self, field: &str, codes: Vec<String>) -> Vec<String> {
        if codes.len() > ENTRIES_MAX {
            self.add(field, format!("at most {ENTRIES_MAX} entries"));
        } else if let Some(wrong) = codes.iter().find(|code| NationCode::parse(code).is_err()) {
            let shown: String = wrong.chars().take(20).collect();
            let expected = format!("ISO 3166-1 alpha-3 codes, such as GBR; not `{shown}`");
            self.add(field, expected);
        }
        codes
    }

    pub(super) fn codes<T>(
        &mut self,
        field: &str,
        numbers: &[i32],
        read: fn(i32) -> Option<T>,
    ) -> Vec<T> {
        let codes: Option<Vec<T>> = numbers.iter().map(|&number| read(number)).collect();
        if numbers.len() > ENTRIES_MAX {
            self.add(field, format!("at most {ENTRIES_MAX} entries"));
        } else if codes.is_none() {
            self.add(field, "values of the contract, other than UNSPECIFIED");
        }
        codes.unwrap_or_default()
    }

    fn number(
        &mut self,
        field: &str,
        number: Option<f64>,
        range: std::ops::RangeInclusive<f64>,
    ) -> Option<f64> {
        if number.is_some_and(|number| !range.contains(&number)) {
            self.add(field, format!("{} to {}", range.start(), range.end()));
        }
        number
    }

    fn span(&mut self, name: &str, from_unix_s: Option<i64>, until_unix_s: Option<i64>) -> Span {
        let backwards = from_unix_s.zip(until_unix_s).is_some_and(|(f, u)| f > u);
        if backwards {
            let field = format!("filter.{name}_until_unix_s");
            self.add(&field, format!("no earlier than {name}_from_unix_s"));
        }
        Span {
            from_unix_s,
            until_unix_s,
        }
    }
}

/// What a subscription asks for.
pub(super) fn ask(identity: &Identity, request: &mut SubscribeRequest, faults: &mut Faults) -> Ask {
    let rate = faults.number("records_per_s", request.records_per_s, RATE_RANGE);
    let times = faults.number("pace", request.pace, PACE_RANGE);
    if rate.is_some() && times.is_some() {
        faults.add("pace", "either a pace or records_per_s");
    }
    Ask {
        identity: identity.clone(),
        filter: filter(request.filter.take().unwrap_or_default(), faults),
        hands_on: request.onward,
        pace: rate.map(Pace::PerSecond).or_else(|| times.map(Pace::Times)),
    }
}

/// How a subscription reads by a cursor; `None`: it has none.
pub(super) fn terms(request: &SubscribeRequest, faults: &mut Faults) -> Option<Terms> {
    if request.cursor.is_empty() {
        for (field, value) in [
            ("window", request.window),
            ("acknowledge_within_s", request.acknowledge_within_s),
        ] {
            if value.is_some() {
                faults.add(field, "only with a cursor");
            }
        }
        return None;
    }
    if request.records_per_s.is_some() || request.pace.is_some() {
        faults.add("cursor", "no replay: acknowledgements set the pace");
    }
    let window = request.window.unwrap_or(WINDOW_DEFAULT);
    if !(1..=WINDOW_MAX).contains(&window) {
        faults.add("window", format!("1 to {WINDOW_MAX}"));
    }
    let within_s = request.acknowledge_within_s.unwrap_or(WITHIN_S_DEFAULT);
    if !(1..=WITHIN_S_MAX).contains(&within_s) {
        faults.add("acknowledge_within_s", format!("1 to {WITHIN_S_MAX}"));
    }
    Some(Terms {
        window: window.into(),
        acknowledge_within: Duration::from_secs(within_s.into()),
    })
}

fn filter(filter: FeedFilter, faults: &mut Faults) -> Filter {
    let areas = [
        filter.area.and_then(|area| the_box(&area, faults)),
        filter.polygon.and_then(|area| polygon(&area, faults)),
        filter.circle.and_then(|area| circle(&area, faults)),
    ];
    if filter.text.len() > TEXT_BYTES_MAX {
        faults.add("filter.text", format!("at most {TEXT_BYTES_MAX} bytes"));
    }
    Filter {
        kinds: faults.codes("filter.kinds", &filter.kinds, Kind::from_number),
        nations: faults.nations("filter.nations", filter.nations),
        environments: faults.codes(
            "filter.environments",
            &filter.environments,
            Environment::from_number,
        ),
        areas: areas.into_iter().flatten().collect(),
        include_uncertain: filter.include_uncertain,
        observed: faults.span(
            "observed",
            filter.observed_from_unix_s,
            filter.observed_until_unix_s,
        ),
        received: faults.span(
            "received",
            filter.received_from_unix_s,
            filter.received_until_unix_s,
        ),
        observation_types: faults.codes(
            "filter.observation_types",
            &filter.observation_types,
            ObservationType::from_number,
        ),
        weapon_classes: faults.codes(
            "filter.weapon_classes",
            &filter.weapon_classes,
            WeaponClass::from_number,
        ),
        text: folded(&filter.text),
    }
}

fn is_point(latitude_deg: f64, longitude_deg: f64) -> bool {
    (-90.0..=90.0).contains(&latitude_deg) && (-180.0..=180.0).contains(&longitude_deg)
}

fn the_box(area: &proto::BoundingBox, faults: &mut Faults) -> Option<Area> {
    let corners =
        is_point(area.south_deg, area.west_deg) && is_point(area.north_deg, area.east_deg);
    if corners && area.south_deg <= area.north_deg {
        return Some(Area::Box(Box4 {
            south_deg: area.south_deg,
            west_deg: area.west_deg,
            north_deg: area.north_deg,
            east_deg: area.east_deg,
        }));
    }
    faults.add(
        "filter.area",
        "latitudes from -90 to 90 with south below north, longitudes from -180 to 180",
    );
    None
}

fn polygon(area: &proto::Polygon, faults: &mut Faults) -> Option<Area> {
    let corners = area.corners.iter();
    let corners: Vec<_> = corners.map(|c| (c.latitude_deg, c.longitude_deg)).collect();
    let wrong = corners.iter().position(|&(lat, lon)| !is_point(lat, lon));
    if let Some(index) = wrong {
        faults.add(
            &format!("filter.polygon.corners[{index}]"),
            "a latitude from -90 to 90 and a longitude from -180 to 180",
        );
        return None;
    }
    match Polygon::new(&corners) {
        Ok(polygon) => Some(Area::Polygon(polygon)),
        Err(error) => {
            faults.add("filter.polygon.corners", error.to_string());
            None
        }
    }
}

fn circle(area: &proto::Circle, faults: &mut Faults) -> Option<Area> {
    let centre = area.centre.unwrap_or(proto::Wgs84Point {
        latitude_deg: f64::NAN,
        longitude_deg: f64::NAN,
    });
    let (latitude_deg, longitude_deg) = (centre.latitude_deg, centre.longitude_deg);
    let is_centre = is_point(latitude_deg, longitude_deg);
    if !is_centre {
        faults.add(
            "filter.circle.centre",
            "a latitude from -90 to 90 and a longitude from -180 to 180",
        );
    }
    let is_radius = area.radius_m > 0.0 && area.radius_m <= RADIUS_M_MAX;
    if !is_radius {
        let expected = format!("metres, more than 0 and at most {}", RADIUS_M_MAX.trunc());
        faults.add("filter.circle.radius_m", expected);
    }
    (is_centre && is_radius).then_some(Area::Circle(Circle {
        latitude_deg,
        longitude_deg,
        radius_m: area.radius_m,
    }))
}

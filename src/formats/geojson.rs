//! `application/geo+json`: a feature with a point (RFC 7946), one feature a report. Longitude
//! comes first, WGS 84 always: a `crs` member is refused, because it means other coordinates.
//! A height is above the ellipsoid. What the properties say is in [`properties`].

mod properties;

use super::json::{self, Json};
use super::split::{Part, part};
use super::text::quoted;
use super::{Fault, text};
use crate::report::{Body, Location, Report, Wgs84Point};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// `VERTICAL_DATUM_HAE_WGS84`.
const HAE_WGS84: i32 = 1;

/// Reads one feature, alone or in a collection of one.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let json = json::parse(text).map_err(|fault| vec![fault])?;
    let feature = only_feature(&json).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    for (value, place) in [
        (Some(&json), "crs"),
        (Some(feature), "crs"),
        (feature.get("geometry"), "geometry.crs"),
    ] {
        if faults.is_empty() && value.is_some_and(|value| value.get("crs").is_some()) {
            faults.push(crs(place));
        }
    }
    let location = match feature.get("geometry") {
        None => None,
        Some(geometry) => point(geometry, &mut faults),
    };
    let mut report = properties::report(feature, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    if let (Some(Body::Sighting(sighting)), Some(mut location)) = (&mut report.body, location) {
        // The reporter's uncertainty is a property.
        let given = sighting.location.take();
        location.horizontal_uncertainty_m = given.and_then(|it| it.horizontal_uncertainty_m);
        sighting.location = Some(location);
    }
    Ok(report)
}

fn crs(place: &str) -> Fault {
    Fault::new(
        place,
        "formats.geojson_crs",
        "another reference system",
        "WGS 84 without a crs member (RFC 7946, section 4)",
    )
}

fn only_feature(json: &Json) -> Result<&Json, Fault> {
    const EXPECTED: &str = "a Feature, or a FeatureCollection with one";
    let wrong = |message: String| Fault::new("type", "formats.geojson_type", message, EXPECTED);
    match json.get("type").and_then(Json::text) {
        Some("Feature") => Ok(json),
        Some("FeatureCollection") => match json.get("features") {
            Some(Json::List(features)) => match features.as_slice() {
                [one] if one.get("type").and_then(Json::text) == Some("Feature") => Ok(one),
                [_] => Err(wrong("no Feature in the collection".to_owned())),
                many => Err(Fault::new(
                    "features",
                    "formats.geojson_features",
                    format!("{} features", many.len()),
                    "one feature, which is one report; `entente submit` and `entente normalise` \
                     split a collection",
                )),
            },
            _ => Err(wrong("a collection without features".to_owned())),
        },
        Some(other) => Err(wrong(format!("{} is no feature", quoted(other)))),
        None => Err(wrong("no type".to_owned())),
    }
}

fn point(geometry: &Json, faults: &mut Vec<Fault>) -> Option<Location> {
    const EXPECTED: &str = "a Point with coordinates [longitude, latitude] or [longitude, \
                            latitude, height]";
    let mut wrong = |place: &str, message: String| {
        faults.push(Fault::new(
            place,
            "formats.geojson_geometry",
            message,
            EXPECTED,
        ));
    };
    let kind = geometry.get("type").and_then(Json::text);
    if kind != Some("Point") {
        let message = format!("{} is no point", quoted(kind.unwrap_or_default()));
        wrong("geometry.type", message);
        return None;
    }
    let Some(Json::List(numbers)) = geometry.get("coordinates") else {
        wrong("geometry.coordinates", "no coordinates".to_owned());
        return None;
    };
    let numbers: Option<Vec<f64>> = numbers.iter().map(Json::number).collect();
    let (longitude_deg, latitude_deg, height_m) = match numbers.as_deref() {
        Some([lon, lat]) => (*lon, *lat, None),
        Some([lon, lat, height]) => (*lon, *lat, Some(*height)),
        Some(other) => {
            wrong("geometry.coordinates", format!("{} numbers", other.len()));
            return None;
        }
        None => {
            wrong("geometry.coordinates", "not all are numbers".to_owned());
            return None;
        }
    };
    Some(Location {
        wgs84: Some(Wgs84Point {
            latitude_deg,
            longitude_deg,
        }),
        height_m,
        vertical_datum: height_m.map_or(0, |_| HAE_WGS84),
        ..Location::default()
    })
}

/// A collection, as far as it is split.
#[derive(Deserialize)]
struct Collection<'t> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'t, str>,
    #[serde(borrow)]
    features: Option<Vec<&'t RawValue>>,
    #[serde(borrow)]
    crs: Option<&'t RawValue>,
}

/// The features of a collection; anything else is one part.
pub(super) fn split(content: &[u8]) -> Result<Vec<Part<'_>>, Vec<Fault>> {
    let text = text::decoded(content).map_err(|fault| vec![fault])?;
    let collection: Collection<'_> =
        serde_json::from_str(text).map_err(|error| vec![json::syntax(&error)])?;
    if collection.kind != "FeatureCollection" {
        return Ok(vec![part(1, "feature 1", text.as_bytes())]);
    }
    if collection.crs.is_some() {
        return Err(vec![crs("crs")]);
    }
    let features = collection.features.unwrap_or_default();
    if features.is_empty() {
        let expected = "at least one feature";
        return Err(vec![Fault::new(
            "features",
            "formats.geojson_features",
            "no features",
            expected,
        )]);
    }
    let features = features.into_iter().enumerate();
    Ok(features
        .map(|(index, feature)| {
            let number = index + 1;
            part(
                number,
                format!("feature {number}"),
                feature.get().as_bytes(),
            )
        })
        .collect())
}

//! GeoJSON features: longitude first, properties to fields, nothing lost, no other system.

use crate::support::{GEOJSON, envelope, judge, judge_in, near, refused, rules, sighting};
use entente::formats;
use entente::record::{
    Action, CountBasis, CountQualifier, Environment, FirePhase, ObservationType, ObserverMeans,
    VerticalDatum, WeaponClass,
};

pub(crate) const FEATURE: &str = r##"{
  "type": "Feature",
  "id": "FRA-2026-17",
  "geometry": {"type": "Point", "coordinates": [37.8029, 48.0159, 171.5]},
  "properties": {
    "origin": "OWN_OBSERVATION",
    "observedFrom": "062030B JAN 26",
    "means": ["heard", "saw"],
    "type": "explosion", "count": "about 5", "count_basis": "INDIVIDUAL",
    "phase": "outgoing", "weapon": "MLRS (BM-21 Grad, 122mm)",
    "direction-from": "15 gon", "confidence": "B2", "uncertaintyM": 25,
    "marking": "NATO RESTRICTED", "releasableTo": ["USA", "UKR"],
    "name": "Donetsk", "narrative": "five launches", "lang": "en",
    "marker-color": "#f00", "operator": {"shift": 2}, "nothing": null
  }
}"##;

fn feature(from: &str, to: &str) -> String {
    assert!(FEATURE.contains(from), "{from}");
    FEATURE.replacen(from, to, 1)
}

#[test]
fn a_feature_becomes_a_record() {
    let record = judge("GBR", GEOJSON, FEATURE).expect("a record");
    assert_eq!(record.report_id, "FRA-2026-17");
    assert_eq!(record.revision, 1);
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(record.marking.originator_marking, "NATO RESTRICTED");
    let sighting = sighting(&record);
    let location = sighting.location.as_ref().unwrap();
    near(location.latitude_deg, 48.0159, 1e-9);
    near(location.longitude_deg, 37.8029, 1e-9);
    assert_eq!(location.height_m, Some(171.5));
    assert_eq!(location.vertical_datum, Some(VerticalDatum::HaeWgs84));
    assert_eq!(location.horizontal_uncertainty_m, Some(25.0));
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:30:00Z"
    );
    assert_eq!(sighting.means, [ObserverMeans::Heard, ObserverMeans::Saw]);
    assert_eq!(sighting.place.as_ref().unwrap().name_as_reported, "Donetsk");
    let observation = &sighting.observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Explosion));
    assert_eq!(observation.phase, Some(FirePhase::Outgoing));
    assert_eq!(observation.count_basis, CountBasis::Individual);
    near(observation.direction_from_deg.unwrap(), 13.5, 1e-9);
    let count = observation.count.as_ref().unwrap();
    assert_eq!(
        (count.min, count.qualifier),
        (Some(5), CountQualifier::About)
    );
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    let texts: Vec<_> = record.narratives.iter().map(|n| n.text.as_str()).collect();
    assert_eq!(texts, ["five launches", "operator: shift: 2"]);
}

#[test]
fn what_few_features_say_is_read_too() {
    let text = feature(
        r#""origin""#,
        r#""observedUntil": "062045B JAN 26", "coverageNote": "no access south of the river",
        "controlStatus": "non-government-controlled", "direction-to": "90 deg", "origin""#,
    );
    let text = text.replace(r#""about 5""#, "5").replace(
        r#""confidence": "B2""#,
        r#""sourceReliability": "C", "credibility": "3""#,
    );
    let record = judge("GBR", GEOJSON, text).expect("a record");
    let sighting = sighting(&record);
    let until = sighting.observed_until.as_ref().expect("an end");
    assert_eq!(until.utc.to_string(), "2026-01-06T18:45:00Z");
    assert_eq!(sighting.coverage_note, "no access south of the river");
    let place = sighting.place.as_ref().expect("a place");
    assert_eq!(place.name_as_reported, "Donetsk");
    assert_eq!(
        place.control_status_as_reported,
        "non-government-controlled"
    );
    let confidence = &sighting.confidence;
    assert_eq!(
        (
            confidence.source_reliability.as_ref(),
            confidence.credibility.as_ref()
        ),
        ("C", "3")
    );
    let observation = &sighting.observations[0];
    near(observation.direction_to_deg.unwrap(), 90.0, 1e-9);
    let count = observation.count.as_ref().unwrap();
    assert_eq!(
        (count.min, count.max, count.qualifier),
        (Some(5), Some(5), CountQualifier::Exact)
    );
}

#[test]
fn a_feature_may_hold_many_observations() {
    let many = r#""observations": [{"type": "burst", "count": 3}, {"type": "shot"}], "x1": 1,"#;
    let text = FEATURE
        .replace(
            r#""type": "explosion", "count": "about 5", "count_basis": "INDIVIDUAL","#,
            many,
        )
        .replace(
            r#""phase": "outgoing", "weapon": "MLRS (BM-21 Grad, 122mm)","#,
            "",
        )
        .replace(r#""direction-from": "15 gon","#, "");
    let record = judge("GBR", GEOJSON, &text).expect("a record");
    let observations = &sighting(&record).observations;
    assert_eq!(observations.len(), 2);
    assert_eq!(observations[0].count.as_ref().unwrap().max, Some(3));
    let strange = text.replace(r#"{"type": "shot"}"#, r#"{"type": "shot", "kount": 1}"#);
    assert_eq!(
        refused(judge("GBR", GEOJSON, strange)),
        [(
            "properties.observations[1].kount".into(),
            "formats.geojson_property"
        )]
    );
}

#[test]
fn a_feature_holds_as_many_observations_as_a_report_and_no_more() {
    let with = |count: usize| {
        let one = r#"{"type": "burst"}"#;
        let list = format!(
            r#""observations": [{}], "origin""#,
            vec![one; count].join(",")
        );
        let own = r#""type": "explosion", "count": "about 5", "count_basis": "INDIVIDUAL","#;
        let rest = r#""phase": "outgoing", "weapon": "MLRS (BM-21 Grad, 122mm)","#;
        FEATURE
            .replace(own, "")
            .replace(rest, "")
            .replace(r#""direction-from": "15 gon","#, "")
            .replacen(r#""origin""#, &list, 1)
    };
    let record = judge("GBR", GEOJSON, with(200)).expect("a record");
    assert_eq!(sighting(&record).observations.len(), 200);
    for count in [201, 300] {
        assert_eq!(
            refused(judge("GBR", GEOJSON, with(count))),
            [("properties.observations".into(), "formats.geojson_property")]
        );
    }
}

#[test]
fn a_feature_says_what_it_replaces_and_when_it_was_made() {
    let head = r#""reportId": "FRA-9", "revision": 3, "action": "correction",
    "reportedAt": "2026-01-06T19:00:00Z", "origin""#;
    let record = judge("GBR", GEOJSON, feature(r#""origin""#, head)).expect("a record");
    assert_eq!(record.report_id, "FRA-9");
    assert_eq!((record.revision, record.action), (3, Action::Correction));
    let replaced = record.supersedes.as_ref().expect("what it replaces");
    assert_eq!(
        (replaced.report_id.as_str(), replaced.revision),
        ("FRA-9", 2)
    );
    let made = record.reported_at.expect("a time").to_string();
    assert_eq!(made, "2026-01-06T19:00:00Z");
}

#[test]
fn a_feature_says_its_own_environment() {
    let text = feature(r#""origin""#, r#""environment": "exercise", "origin""#);
    let record = judge_in("GBR", GEOJSON, &text, envelope(0)).expect("a record");
    assert_eq!(record.environment, Environment::Exercise);
    assert_eq!(
        rules(judge("GBR", GEOJSON, text)),
        ["formats.environment_differs"]
    );
}

#[test]
fn a_feature_without_a_place_says_why() {
    let geometry = r#"{"type": "Point", "coordinates": [37.8029, 48.0159, 171.5]}"#;
    let nowhere = feature(geometry, "null").replace(r#""uncertaintyM": 25,"#, "");
    assert_eq!(
        rules(judge("GBR", GEOJSON, &nowhere)),
        ["sighting.location_missing"]
    );
    let why = nowhere.replace(
        r#""origin""#,
        r#""locationUnknownReason": "night", "origin""#,
    );
    let record = judge("GBR", GEOJSON, why).expect("a record");
    assert_eq!(sighting(&record).location_unknown_reason, "night");
}

/// What is put in place of what, the member that is at fault, and the rule.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (
        "\"Point\"",
        "\"LineString\"",
        "geometry.type",
        "geojson_geometry",
    ),
    (
        "37.8029, 48.0159, 171.5",
        "37.8029",
        "geometry.coordinates",
        "geojson_geometry",
    ),
    (
        "37.8029, 48.0159, 171.5",
        "\"37.8\", 48",
        "geometry.coordinates",
        "geojson_geometry",
    ),
    (
        "37.8029, 48.0159, 171.5",
        "1, 2, 3, 4",
        "geometry.coordinates",
        "geojson_geometry",
    ),
    ("\"Feature\"", "\"Topology\"", "type", "geojson_type"),
    ("\"id\"", "\"crs\": {}, \"id\"", "crs", "geojson_crs"),
    (
        "\"Point\",",
        "\"Point\", \"crs\": {},",
        "geometry.crs",
        "geojson_crs",
    ),
    ("\"about 5\"", "5.5", "properties.count", "geojson_property"),
    ("\"about 5\"", "-5", "properties.count", "geojson_property"),
    (
        "\"B2\"",
        "\"good\"",
        "properties.confidence",
        "geojson_property",
    ),
    (
        "\"explosion\"",
        "true",
        "properties.type",
        "geojson_property",
    ),
    (
        "\"INDIVIDUAL\"",
        "\"EACH\"",
        "properties.count_basis",
        "geojson_property",
    ),
    (
        "[\"heard\", \"saw\"]",
        "[1]",
        "properties.means",
        "geojson_property",
    ),
    (
        "uncertaintyM\": 25",
        "uncertaintyM\": \"25\"",
        "properties.uncertaintyM",
        "geojson_property",
    ),
];

#[test]
fn wrong_features_are_refused_with_their_member() {
    for (from, to, place, rule) in WRONG {
        let found = refused(judge("GBR", GEOJSON, feature(from, to)));
        let [(field, told)] = found.as_slice() else {
            panic!("{to}: {found:?}");
        };
        assert_eq!(field, place, "{to}");
        assert_eq!(told.strip_prefix("formats."), Some(*rule), "{to}");
    }
    let swapped = feature("37.8029, 48.0159", "48.0159, 37.8029");
    assert_eq!(
        refused(judge("GBR", GEOJSON, swapped)),
        [("sighting.location".into(), "position.axes_swapped")]
    );
}

#[test]
fn json_that_readers_would_disagree_about_is_refused() {
    for (text, place) in [
        (
            feature("\"id\"", "\"geometry\": null, \"id\""),
            "line 4, column 12",
        ),
        (feature("}\n}", "}"), "line 15, column 3"),
        ("{".repeat(200), "line 1, column 2"),
        (
            format!("{}1{}", "[".repeat(200), "]".repeat(200)),
            "line 1, column 128",
        ),
        ("{\"type\": \"Feature\"} x".to_owned(), "line 1, column 21"),
    ] {
        let found = refused(judge("GBR", GEOJSON, &text));
        assert_eq!(found[0].1, "formats.json_syntax", "{text}");
        assert_eq!(found[0].0, place, "{text}");
    }
}

#[test]
fn a_collection_is_split_into_its_features() {
    let one = format!(r#"{{"type": "FeatureCollection", "features": [{FEATURE}]}}"#);
    judge("GBR", GEOJSON, &one).expect("a record");
    let two = format!(
        r#"{{"type": "FeatureCollection", "name": "x", "features": [{FEATURE}, {FEATURE}]}}"#
    );
    assert_eq!(
        refused(judge("GBR", GEOJSON, &two)),
        [("features".into(), "formats.geojson_features")]
    );
    let parts = formats::split(GEOJSON, two.as_bytes()).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[1].place, "feature 2");
    assert_eq!(parts[1].content.as_ref(), FEATURE.as_bytes());
    let old = two.replacen("\"name\": \"x\"", "\"crs\": {\"type\": \"name\"}", 1);
    let fault = &formats::split(GEOJSON, old.as_bytes()).unwrap_err()[0];
    assert_eq!(fault.rule, "formats.geojson_crs");
    let single = formats::split(GEOJSON, FEATURE.as_bytes()).unwrap();
    assert_eq!(single.len(), 1);
    let empty = r#"{"type": "FeatureCollection", "features": []}"#;
    assert!(formats::split(GEOJSON, empty.as_bytes()).is_err());
}

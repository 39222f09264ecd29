//! Positions against points computed with independent oracles: PROJ with the EPSG register for
//! the datums, floor(PROJ UTM) for the grid.

use crate::support::place;
use entente::normalise::{Notes, Profile, position};
use entente::record::{GeoPoint, PositionMethod, UncertaintyKind};
use entente::report::Location;
use geographiclib_rs::{Geodesic, InverseGeodesic as _};
use std::collections::HashMap;

const COORDINATES: &str = include_str!("../fixtures/vectors/coordinates.csv");
const PLACES: &str = include_str!("../fixtures/vectors/places.csv");

/// Rows by column name.
fn rows(csv: &'static str) -> Vec<HashMap<&'static str, &'static str>> {
    let mut lines = csv.lines();
    let names: Vec<_> = lines.next().expect("a heading").split(',').collect();
    lines
        .map(|line| names.iter().copied().zip(line.split(',')).collect())
        .collect()
}

fn read(location: &Location) -> GeoPoint {
    let mut notes = Notes::new();
    let read = position::location(location, &Profile::default(), "location", &mut notes);
    let text = &location.text;
    read.unwrap_or_else(|| panic!("{text}: {:?}", notes.finish().err()))
        .0
}

struct Expected {
    lat: f64,
    lon: f64,
}

impl Expected {
    fn near(&self, location: &Location, within_m: f64) -> GeoPoint {
        let point = read(location);
        let distance: f64 =
            Geodesic::wgs84().inverse(self.lat, self.lon, point.latitude_deg, point.longitude_deg);
        assert!(distance <= within_m, "{location:?} is {distance} m off");
        point
    }
}

/// The oracles' own figures are rounded to a millimetre; ours must not add to that.
const TOLERANCE_M: f64 = 0.01;

#[test]
fn every_notation_of_every_row_gives_its_point() {
    let rows = rows(COORDINATES);
    assert_eq!(rows.len(), 1_500);
    for row in rows {
        let number = |name: &str| row[name].parse::<f64>().expect("a number");
        let expected = Expected {
            lat: number("lat_deg"),
            lon: number("lon_deg"),
        };
        let (lat, lon) = (row["lat_deg"], row["lon_deg"]);
        expected.near(&place(&format!("{lat} {lon}"), "WGS84"), TOLERANCE_M);
        expected.near(&place(&format!("{lat}N {lon}E"), "EPSG:4326"), TOLERANCE_M);

        let point = expected.near(&place(row["mgrs_1m"], "MGRS"), 1.5);
        assert_eq!(point.method, PositionMethod::CellCentre);
        assert_eq!(point.kind, Some(UncertaintyKind::CellBound));
        assert_eq!(point.horizontal_uncertainty_m, Some(0.71));
        let point = expected.near(&place(row["mgrs_100m"], "mgrs"), 70.72);
        assert_eq!(point.horizontal_uncertainty_m, Some(70.71));

        let (zone, band) = (row["utm_zone"], row["utm_band"]);
        let (e, n) = (row["utm_easting_m"], row["utm_northing_m"]);
        expected.near(&place(&format!("{zone}N {e} {n}"), "UTM"), TOLERANCE_M);
        expected.near(
            &place(&format!("{zone}{band} {e}E {n}N"), "UTM"),
            TOLERANCE_M,
        );
        expected.near(
            &place(&format!("{e} {n}"), &format!("EPSG:326{zone}")),
            TOLERANCE_M,
        );

        for (datum, prefix, geographic, op, sigma) in [
            ("SK-42", "sk42", "EPSG:4284", "EPSG:15865", 5.0),
            ("УСК-2000", "ucs2000", "EPSG:5561", "EPSG:5840", 1.0),
        ] {
            let of = |column: &str| row[format!("{prefix}_{column}").as_str()];
            let degrees = format!("{} {}", of("lat_deg"), of("lon_deg"));
            expected.near(&place(&degrees, datum), TOLERANCE_M);
            let point = expected.near(&place(&degrees, geographic), TOLERANCE_M);
            assert_eq!(point.transform_op, op);
            assert_eq!(point.source_crs, geographic);
            assert_eq!(point.horizontal_uncertainty_m, Some(sigma));
            assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
            let (x, y) = (of("gk_x_northing_m"), of("gk_y_easting_m"));
            let point = expected.near(&place(&format!("X={x} Y={y}"), datum), TOLERANCE_M);
            assert_eq!(point.transform_op, op);
            assert_eq!(point.horizontal_uncertainty_m, Some(sigma));
            assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
            let first = if prefix == "sk42" { 28_400 } else { 5_558 };
            let zone: u32 = of("gk_zone").parse().expect("a zone");
            let crs = format!("EPSG:{}", first + zone);
            assert_eq!(point.source_crs, crs);
            expected.near(&place(&format!("{x} {y}"), &crs), TOLERANCE_M);
            let declared = Location {
                axis_order: 2,
                ..place(&format!("{y}; {x}"), &crs)
            };
            expected.near(&declared, TOLERANCE_M);
        }
    }
}

#[test]
fn the_named_places_agree() {
    for row in rows(PLACES) {
        let expected = Expected {
            lat: row["wgs84_lat"].parse().expect("a latitude"),
            lon: row["wgs84_lon"].parse().expect("a longitude"),
        };
        expected.near(&place(row["mgrs_pygeodesy"], "MGRS"), 1.5);
        let gk = format!("Х={} У={}", row["sk42_X_north"], row["sk42_Y_east"]);
        expected.near(&place(&gk, "СК-42"), 1.0);
        let gk = format!("X={} Y={}", row["ucs2000_X_north"], row["ucs2000_Y_east"]);
        expected.near(&place(&gk, "UCS-2000"), 1.0);
    }
}

#[test]
fn every_precision_of_the_grid_has_its_cell() {
    let expected = Expected {
        lat: 48.0159,
        lon: 37.8029,
    };
    for (text, bound) in [
        ("37UDP1072918760", 0.71),
        ("37UDP10721876", 7.07),
        ("37UDP107187", 70.71),
        ("37UDP1018", 707.11),
        ("37UDP11", 7_071.07),
        ("37UDP", 70_710.68),
    ] {
        let point = expected.near(&place(text, "MGRS"), bound + 0.01);
        assert_eq!(point.horizontal_uncertainty_m, Some(bound), "{text}");
    }
    for text in [
        "37U DP 10729 18760",
        "37u\u{a0}dp\u{a0}10729\u{a0}18760",
        " 37U DP 1072918760 ",
    ] {
        expected.near(&place(text, "MGRS"), 1.5);
    }
}

#[test]
fn a_wrong_band_is_mended_and_pointed_out() {
    let mut notes = Notes::new();
    let wrong = place("37TDP1072918760", "MGRS");
    let (point, _) = position::location(&wrong, &Profile::default(), "location", &mut notes)
        .expect("a position");
    assert!((point.latitude_deg - 48.0159).abs() < 1e-5);
    let trace = notes.finish().expect("no violation");
    let entry = trace
        .iter()
        .find(|entry| entry.rule == "position.mgrs_band_mismatch")
        .expect("a warning");
    assert_eq!(entry.output, "37UDP1072918760");
    assert_eq!(entry.severity, entente::record::Severity::Warn);
}

#[test]
fn the_decode_oracles_hold() {
    for (system, text, lat, lon) in [
        ("SK-42", "X=5320990 Y=7410809", 48.015_902_5, 37.802_897_9),
        (
            "SK-42",
            "Х=5 320 990 У=7 410 809",
            48.015_902_5,
            37.802_897_9,
        ),
        ("EPSG:28407", "5320990 7410809", 48.015_902_5, 37.802_897_9),
        (
            "EPSG:2497",
            "X=5320990 Y=410809",
            48.015_902_5,
            37.802_897_9,
        ),
        (
            "UCS-2000",
            "X=5320988 Y=7410803",
            48.015_898_8,
            37.802_899_3,
        ),
        ("SK-42", "X=5593957 Y=6324233", 50.450_096_7, 30.523_395_1),
        ("SK-42", "48.0159 37.8029", 48.015_820_9, 37.801_339_9),
        ("SK-42", "X=5527375 Y=5286476", 49.839_701_1, 24.029_697_9),
    ] {
        let expected = Expected { lat, lon };
        expected.near(&place(text, system), 0.02);
    }
}

#[test]
fn uncertainties_are_combined() {
    let with = |text: &str, system: &str| {
        read(&Location {
            horizontal_uncertainty_m: Some(12.0),
            ..place(text, system)
        })
    };
    let point = with("X=5320990 Y=7410809", "SK-42");
    assert_eq!(point.horizontal_uncertainty_m, Some(13.0));
    let point = with("48.0159 37.8029", "WGS84");
    assert_eq!(point.horizontal_uncertainty_m, Some(12.0));
    // Nobody knows a position to 12 m who writes it to a kilometre.
    let point = with("48.02 37.80", "WGS84");
    assert_eq!(point.horizontal_uncertainty_m, Some(668.61));
    assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
    let point = read(&place("48.02 37.80", "WGS84"));
    assert_eq!(point.horizontal_uncertainty_m, Some(668.51));
    assert_eq!(point.kind, Some(UncertaintyKind::CellBound));
    let point = with("37UDP107187", "MGRS");
    assert_eq!(point.horizontal_uncertainty_m, Some(71.72));
    assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
}

#[test]
fn the_order_of_the_register_is_pointed_out_where_a_swap_would_be_silent() {
    let warned = |text: &str, system: &str| {
        let mut notes = Notes::new();
        let read = position::location(
            &place(text, system),
            &Profile::default(),
            "location",
            &mut notes,
        );
        assert!(read.is_some(), "{text}");
        let trace = notes.finish().expect("no violation");
        trace
            .iter()
            .any(|entry| entry.rule == "position.axis_order_by_register")
    };
    assert!(warned("5527375 5286476", "EPSG:28405"));
    assert!(!warned("X=5527375 Y=5286476", "EPSG:28405"));
    assert!(!warned("5320990 7410809", "EPSG:28407"));
}

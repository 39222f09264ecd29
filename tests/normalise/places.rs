//! Positions in words, short references, and planes beyond the zones of 6 degrees.

use crate::support::{judge, place, profile, sighting, traced, typed_with};
use entente::identity::NationCode;
use entente::normalise::{Notation, Notes, Profile, Rules, position};
use entente::record::{GeoPoint, PositionMethod, Severity, TraceEntry, UncertaintyKind};
use entente::report::{self, Location};
use geographiclib_rs::{Geodesic, InverseGeodesic as _};

/// Points in each oblast's system, each of Ukraine's own zones and each Gauss-Krueger plane. Computed
/// with pyproj 3.7.2 (PROJ 9.5.1, EPSG v11.022): random points in the plane's area of use, shifted by
/// the pinned operations EPSG:15865 or 5840 and projected with the plane's own parameters; the
/// plane's CRS in PROJ's database gave the same points back within 1e-8 degrees.
const PLANES: &str = include_str!("../fixtures/vectors/planes.csv");

fn read_as(location: &Location, profile: &Profile) -> (GeoPoint, Vec<TraceEntry>) {
    let mut notes = Notes::new();
    let read = position::location(location, profile, "location", &mut notes);
    let text = &location.text;
    match notes.finish() {
        Ok(trace) => (read.unwrap().0, trace),
        Err(violations) => panic!("{text}: {violations:?}"),
    }
}

fn read(text: &str, system: &str) -> (GeoPoint, Vec<TraceEntry>) {
    read_as(&place(text, system), &Profile::default())
}

fn apart_m(point: &GeoPoint, lat: f64, lon: f64) -> f64 {
    Geodesic::wgs84().inverse(lat, lon, point.latitude_deg, point.longitude_deg)
}

#[test]
fn every_plane_gives_its_points() {
    let mut planes = std::collections::BTreeSet::new();
    for line in PLANES.lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        let &[epsg, name, _, _, x, y, lat, lon] = fields.as_slice() else {
            panic!("{line}");
        };
        planes.insert(epsg);
        let (lat, lon) = (lat.parse().unwrap(), lon.parse().unwrap());
        let crs = format!("EPSG:{epsg}");
        let (sigma, op) = if name.starts_with("Pulkovo") {
            (5.0, "EPSG:15865")
        } else {
            (1.0, "EPSG:5840")
        };
        let mut texts = vec![
            (format!("X={x} Y={y}"), crs.clone()),
            (format!("{x} {y}"), crs.clone()),
            (format!("Х: {x}; У: {y}"), crs.clone()),
        ];
        if name.contains("LCS") || name.contains("Ukraine TM") {
            texts.push((format!("X={x} Y={y}"), name.to_owned()));
        }
        for (text, system) in texts {
            // Planes reach beyond Ukraine: anywhere on Earth is fine here.
            let mut notes = Notes::new();
            let given = place(&text, &system);
            let read = position::location_anywhere(&given, &Profile::default(), "", &mut notes);
            let (point, _) = read.unwrap_or_else(|| panic!("{line}: {notes:?}"));
            let off = apart_m(&point, lat, lon);
            assert!(off < 0.01, "{line} {system}: {off} m off");
            let trace = notes.finish().expect("no violation");
            let warned = trace
                .iter()
                .any(|entry| entry.rule == "position.beyond_zone");
            assert!(!warned, "{line}");
            assert_eq!(point.horizontal_uncertainty_m, Some(sigma));
            assert_eq!(point.transform_op, op);
            assert_eq!(point.source_crs, crs);
        }
    }
    assert_eq!(planes.len(), 65);
}

#[test]
fn a_wrong_zone_shows_by_its_distance_from_the_meridian() {
    let far = |text: &str, system: &str| {
        let (_, trace) = read(text, system);
        trace
            .iter()
            .any(|entry| entry.rule == "position.beyond_zone")
    };
    // A neighbour's edge is legal in practice; two zones away is not.
    assert!(!far("X=5378475 Y=7278415", "SK-42"));
    assert!(!far("X=5320990 Y=7210809", "SK-42"));
    assert!(far("X=5320990 Y=7110809", "SK-42"));
    assert!(far("X=5320990 Y=710809", "EPSG:2587"));
    assert!(!far("37N 250000 5318760", "UTM"));
    assert!(far("37N 150000 5318760", "UTM"));
    assert!(!far("X=5320990 Y=410809", "EPSG:2587"));
    // Donetsk in its own oblast's system, and read as if in that of Lviv.
    assert!(!far("X=5320000 Y=322000", "LCS-14"));
    assert!(far("X=5320000 Y=322000", "LCS-46"));
}

#[test]
fn a_zone_may_stand_in_the_name_of_the_system() {
    for text in ["X=5320990 Y=7410809", "X=5320990 Y=410809"] {
        let (point, _) = read(text, "СК-42 зона 7");
        assert!(apart_m(&point, 48.015_902_5, 37.802_897_9) < 0.02, "{text}");
        assert_eq!(point.source_crs, "EPSG:28407");
    }
}

#[test]
fn map_squares_are_read_against_their_anchor() {
    // Donetsk is in square 2010 of sheet M-37-136, in its top right quarter and ninth.
    for (text, system, side_m) in [
        ("2010", "СК-42 M-37-136", 1_000.0),
        ("кв. 2010", "SK-42 53/74", 1_000.0),
        ("2010-3", "SK-42 53/74", 1_000.0 / 3.0),
        ("2010-Б", "SK-42 X=5320000 Y=7410000", 500.0),
        ("2010-Б (M-37-136)", "SK-42", 500.0),
    ] {
        let (point, _) = read(text, system);
        let half_diagonal: f64 = side_m * std::f64::consts::FRAC_1_SQRT_2;
        let off = apart_m(&point, 48.015_902_5, 37.802_897_9);
        assert!(off <= half_diagonal + 1.0, "{text}: {off}");
        assert_eq!(point.method, PositionMethod::CellCentre);
        // The cell and the datum's five metres; no longer a bound.
        let expected = (half_diagonal.hypot(5.0) * 100.0).round() / 100.0;
        assert_eq!(point.horizontal_uncertainty_m, Some(expected));
        assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
        assert_eq!(point.source_crs, "EPSG:28407");
    }
}

#[test]
fn a_zone_below_ten_may_have_a_leading_nought() {
    let at = |text: &str| {
        let mut notes = Notes::new();
        let given = place(text, "MGRS");
        position::location_anywhere(&given, &Profile::default(), "", &mut notes)
            .map(|(point, _)| (point.latitude_deg, point.longitude_deg))
            .expect(text)
    };
    assert_eq!(at("4QFJ1234567890"), at("04QFJ1234567890"));
    assert_eq!(at("04q fj 12345 67890"), at("4QFJ1234567890"));
}

#[test]
fn short_grids_are_read_in_their_declared_square() {
    let (point, _) = read("grid 107 187", "MGRS 37U DP");
    assert!(apart_m(&point, 48.0159, 37.8029) < 70.72);
    assert_eq!(point.horizontal_uncertainty_m, Some(70.71));
    assert_eq!(point.kind, Some(UncertaintyKind::CellBound));
}

/// The oracle of domain.md 3.6, as text and in six languages.
#[test]
fn distances_and_winds_from_places_give_the_oracles_points() {
    for (nation, text, lat, lon) in [
        ("GBR", "5 km SSW of Donetsk", 47.974_352, 37.777_272),
        ("GBR", "15km N of Donetsk", 48.150_802, 37.802_900),
        ("GBR", "57 km north-east of Donetsk", 48.377_093, 38.346_977),
        ("USA", "60km west of Luhansk", 48.571_130, 38.494_754),
        (
            "USA",
            "2-3km NE of Avdiivka (48.1394, 37.7472)",
            48.155_296,
            37.770_960,
        ),
        (
            "USA",
            "2.5 km NE of 37UDP0679932553",
            48.155_296,
            37.770_960,
        ),
        ("FRA", "à 5 km au SSO de Donetsk", 47.974_352, 37.777_272),
        ("FRA", "60 km à l'ouest de Louhansk", 48.571_130, 38.494_754),
        ("DEU", "57 km NO von Donezk", 48.377_093, 38.346_977),
        (
            "DEU",
            "57 km nordöstlich von Donezk",
            48.377_093,
            38.346_977,
        ),
        (
            "POL",
            "57 km na północny wschód od Doniecka",
            48.377_093,
            38.346_977,
        ),
        ("POL", "60 km na zach. od Ługańska", 48.571_130, 38.494_754),
        (
            "UKR",
            "57 км на північний схід від м. Донецьк",
            48.377_093,
            38.346_977,
        ),
        (
            "UKR",
            "за 60 км на захід від Луганська",
            48.571_130,
            38.494_754,
        ),
        ("UKR", "57 км Пн-Сх від Донецька", 48.377_093, 38.346_977),
        (
            "UKR",
            "57 км к северо-востоку от Донецка",
            48.377_093,
            38.346_977,
        ),
        (
            "UKR",
            "в 57 км северо-восточнее Донецка",
            48.377_093,
            38.346_977,
        ),
        ("UKR", "57 км СВ Донецка", 48.377_093, 38.346_977),
        ("UKR", "60 км З от Луганска", 48.571_130, 38.494_754),
    ] {
        let (point, _) = read_as(&place(text, ""), &profile(nation));
        let off = apart_m(&point, lat, lon);
        assert!(off < 2.0, "{nation} {text}: {off} m off");
        assert_eq!(point.method, PositionMethod::Relative, "{text}");
        assert_eq!(point.original_text, text);
    }
}

#[test]
fn degrees_of_another_datum_combine_it_with_how_they_are_written() {
    // Half the diagonal of four decimals is 6.69 m here; SK-42 is never better than 5 m.
    let (point, _) = read("48.0160 37.8045", "SK-42");
    assert_eq!(point.horizontal_uncertainty_m, Some(8.35));
    assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
}

#[test]
fn a_relative_position_combines_range_sector_and_anchor() {
    let sigma = |text: &str| read(text, "WGS84").0.horizontal_uncertainty_m;
    let rounded = |value: f64| Some((value * 100.0).round() / 100.0);
    let across = |metres: f64| metres * 11.25_f64.to_radians().tan();
    let hypot = |a: f64, b: f64, c: f64| rounded(a.hypot(b).hypot(c));
    // Four decimals of the anchor are 6.68 m; six are finer than anybody measures.
    assert_eq!(
        sigma("2-3 km NE of 48.1394 37.7472"),
        hypot(500.0, across(2_500.0), 6.68)
    );
    assert_eq!(
        sigma("2-3 km NE of 48.139400 37.747200"),
        hypot(500.0, across(2_500.0), 0.0)
    );
    // `up to` begins at the anchor.
    assert_eq!(
        sigma("up to 5 km NE of 48.139400 37.747200"),
        hypot(2_500.0, across(2_500.0), 0.0)
    );
    // `about` widens a distance by a fifth on either side; a name has its extent.
    assert_eq!(
        sigma("about 5 km SSW of Donetsk"),
        hypot(1_000.0, across(5_000.0), 5_000.0)
    );
    // A cell as anchor is as wide as it is.
    assert_eq!(
        sigma("2 km N of 37UDP1018"),
        hypot(
            0.0,
            across(2_000.0),
            1_000.0 * std::f64::consts::FRAC_1_SQRT_2
        )
    );
    let two = 1_500.0 * 22.5_f64.to_radians().tan();
    assert_eq!(
        sigma("1.4-1.6 km SE and SSE of 48.690000 38.510000"),
        hypot(100.0, two, 0.0)
    );
    let with_reporter = Location {
        horizontal_uncertainty_m: Some(300.0),
        ..place("2-3 km NE of 48.139400 37.747200", "WGS84")
    };
    let (point, _) = read_as(&with_reporter, &Profile::default());
    assert_eq!(
        point.horizontal_uncertainty_m,
        hypot(500.0, across(2_500.0), 300.0)
    );
    assert_eq!(point.kind, Some(UncertaintyKind::OneSigma));
}

#[test]
fn places_are_found_by_name_and_keep_their_spelling() {
    for (text, lat, lon, rule) in [
        ("Авдіївка", 48.1394, 37.7472, "position.gazetteer"),
        ("м. Маріуполь", 47.0971, 37.5434, "position.gazetteer"),
        ("Kominternove", 47.1756, 37.8189, "position.place_renamed"),
        (
            "Pikuzy (formerly Kominternove)",
            47.1756,
            37.8189,
            "position.gazetteer",
        ),
        ("Стаханов", 48.5680, 38.6436, "position.place_renamed"),
    ] {
        let (point, trace) = read(text, "MGRS");
        assert_eq!((point.latitude_deg, point.longitude_deg), (lat, lon));
        assert_eq!(point.method, PositionMethod::Gazetteer);
        assert_eq!(point.original_text, text);
        assert!(point.horizontal_uncertainty_m.unwrap() >= 500.0);
        assert!(trace.iter().any(|entry| entry.rule == rule), "{text}");
    }
}

#[test]
fn a_gateway_may_add_places() {
    let own = position::Place {
        id: "ua-hranitne".to_owned(),
        name: "Hranitne".to_owned(),
        lat_deg: 47.43,
        lon_deg: 37.88,
        extent_m: 700.0,
        names: vec!["Гранітне".to_owned()],
        former: Vec::new(),
    };
    let rules = Rules {
        places: position::Places::index(vec![own]).expect("places"),
        ..Default::default()
    };
    let nation = NationCode::parse("GBR").unwrap();
    let notation = Notation::default();
    let profile = Profile::compile(nation, &notation, &rules).expect("a profile");
    let (point, _) = read_as(&place("с. Гранітне", "WGS84"), &profile);
    assert_eq!((point.latitude_deg, point.longitude_deg), (47.43, 37.88));
    assert_eq!(point.horizontal_uncertainty_m, Some(700.0));
    let (point, _) = read_as(&place("1.4-1.6km SE of Hranitne", "WGS84"), &profile);
    assert_eq!(point.method, PositionMethod::Relative);
}

#[test]
fn a_description_of_a_place_is_a_hint_and_no_position() {
    let warned = |text: &str| {
        let (point, trace) = read(text, "WGS84");
        let warned = trace
            .iter()
            .any(|entry| entry.rule == "position.place_hint");
        (point.latitude_deg, warned)
    };
    // Avdiivka lies about 14 km north of Donetsk.
    assert_eq!(warned("Avdiivka (14km N of Donetsk)"), (48.1394, false));
    assert_eq!(
        warned("Avdiivka (government-controlled, 14km N of Donetsk)"),
        (48.1394, false)
    );
    assert_eq!(warned("Avdiivka (60km W of Luhansk)"), (48.1394, true));
    assert_eq!(
        warned("Zolote (government-controlled, 60km W of Luhansk)"),
        (48.6928, false)
    );
}

#[test]
fn the_named_place_is_compared_with_the_position() {
    let named = |name: &str, at: &str| {
        judge(typed_with(|sighting| {
            sighting.location = Some(place(at, "SK-42"));
            sighting.place = Some(report::Place {
                name_as_reported: name.to_owned(),
                ..report::Place::default()
            });
        }))
        .expect("a record")
    };
    let record = named("Донецьк", "X=5320990 Y=7410809");
    let found = sighting(&record).place.as_ref().unwrap();
    assert_eq!(found.gazetteer_id, "ua-donetsk");
    assert_eq!(found.name_as_reported, "Донецьк");
    assert!(traced(&record, "position.far_from_place").is_empty());
    // Zone 6 for zone 7: valid, inside the area, and 440 km off.
    let record = named("Донецьк", "X=5320990 Y=6410809");
    let entry = traced(&record, "position.far_from_place").remove(0);
    assert_eq!(entry.severity, Severity::Warn);
    assert_eq!(entry.field, "sighting.place.name_as_reported");
    let record = named("nobody's village", "X=5320990 Y=7410809");
    assert_eq!(sighting(&record).place.as_ref().unwrap().gazetteer_id, "");
}

/// GeographicLib's own vectors (MIT), as listed in domain.md 3.2: those that decode.
#[test]
fn follows_geographiclib() {
    let anywhere = |text: &str, system: &str| {
        let mut notes = Notes::new();
        let given = place(text, system);
        position::location_anywhere(&given, &Profile::default(), "", &mut notes)
            .map(|(point, _)| point)
    };
    let at = |text: &str, system: &str| anywhere(text, system).expect(text);
    let dms = |d: f64, m: f64, s: f64| d + m / 60.0 + s / 3_600.0;
    let centre = at("38smb", "MGRS");
    let expected = (dms(32.0, 59.0, 14.1), dms(44.0, 27.0, 53.4));
    assert!(apart_m(&centre, expected.0, expected.1) < 2.0);
    // 33.3 44.4 to a kilometre.
    let cell = at("38SMB4484", "MGRS");
    assert!(apart_m(&cell, 33.3, 44.4) < 707.2);
    let utm = at("38n 444140.6 3684706.3", "UTM");
    let cell = at("38SMB4414084706", "MGRS");
    assert!(apart_m(&utm, cell.latitude_deg, cell.longitude_deg) < 0.71);
    let utm = at("38n 500000 63.811", "UTM");
    let cell = at("38NNF0000000063", "MGRS");
    assert!(apart_m(&utm, cell.latitude_deg, cell.longitude_deg) < 1.0);
    let pole = at("n 2000000.0 1555731.570643", "UPS");
    assert!((pole.latitude_deg - 86.0).abs() < 1e-8 && pole.longitude_deg.abs() < 1e-8);
    let south = at("s 2746000 1515000", "UPS");
    let cell = at("BKH41", "MGRS");
    assert!(apart_m(&south, cell.latitude_deg, cell.longitude_deg) < 7_071.1);
    assert!((south.latitude_deg + 81.998_024_886).abs() < 1e-8);
    assert!(anywhere("BKH", "MGRS").is_some());
    // A zone or a hemisphere alone is no position; more than a metre is more than we claim.
    assert!(anywhere("B", "MGRS").is_none());
    assert!(anywhere("38SMB4414060084706300", "MGRS").is_none());
    for text in ["garbage", "5d. 0", "5d70.0 10", "5d60 10"] {
        assert!(anywhere(text, "WGS84").is_none(), "{text}");
    }
    for text in ["5d59 10", "5d60. 10", "5d60.0 10", "30d30'30\" 30.50833"] {
        assert!(anywhere(text, "WGS84").is_some(), "{text}");
    }
}

#[test]
fn the_order_of_a_nation_whose_own_system_is_a_plane_counts_for_planes() {
    let notation = |system: &str| -> Notation {
        let text = format!("reference_system = \"{system}\"\naxis_order = \"north-east\"");
        toml::from_str(&text).expect("a notation")
    };
    let read = |system: &str| {
        let code = NationCode::parse("UKR").unwrap();
        let profile = Profile::compile(code, &notation(system), &Rules::default()).unwrap();
        let mut notes = Notes::new();
        let place = place("5527375 7286476", "SK-42");
        let point = position::location(&place, &profile, "location", &mut notes);
        (point.is_some(), notes.finish().is_ok())
    };
    for system in ["SK-42", "EPSG:28407"] {
        assert_eq!(read(system), (true, true), "{system}");
    }
    assert_eq!(read("WGS84"), (false, false));
}

//! Whole reports and the records that they must become.

use crate::support::{judge, judge_of, place, sighting, time, traced, typed, typed_with};
use entente::record::{
    CountQualifier, Level, ObservationType, PositionMethod, UncertaintyKind, VerificationStatus,
    WeaponClass,
};
use entente::report::{self, Location};

#[test]
fn a_typed_report_passes_unchanged() {
    let record = judge(typed()).expect("a record");
    assert_eq!(record.nation, "GBR");
    assert_eq!(record.system, "uav-cell-4");
    assert_eq!(record.original_sha256, [7; 32]);
    let sighting = sighting(&record);
    let location = sighting.location.as_ref().expect("a location");
    assert_eq!(
        (location.latitude_deg, location.longitude_deg),
        (48.0159, 37.8029)
    );
    assert_eq!(location.horizontal_uncertainty_m, Some(25.0));
    assert_eq!(location.kind, Some(UncertaintyKind::OneSigma));
    assert_eq!(sighting.observed_from.utc, time("2026-01-06T18:30:00Z"));
    assert!(!sighting.observed_from.inferred);
    let fields: Vec<_> = record
        .trace
        .iter()
        .map(|entry| entry.field.as_ref())
        .filter(|field| field.starts_with("sighting"))
        .collect();
    // The one thing that is not as it came: a percentage beside the Admiralty code.
    assert_eq!(fields, ["sighting.confidence.derived_pct"]);
}

#[test]
fn the_same_report_gives_the_same_record() {
    assert_eq!(judge(typed()), judge(typed()));
}

#[test]
fn a_british_spot_report() {
    let record = judge(typed_with(|sighting| {
        sighting.verification_status = 0;
        sighting.observed_from = Some(report::Time {
            text: "061830ZJAN26".to_owned(),
            ..report::Time::default()
        });
        sighting.location = Some(place("37U DP 10729 18760", "MGRS"));
    }))
    .expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.observed_from.utc, time("2026-01-06T18:30:00Z"));
    assert_eq!(sighting.observed_from.precision_s, Some(60));
    assert_eq!(sighting.verification_status, VerificationStatus::Unverified);
    let location = sighting.location.as_ref().expect("a location");
    assert!((location.latitude_deg - 48.015_898_1).abs() < 1e-7);
    assert!((location.longitude_deg - 37.802_895_5).abs() < 1e-7);
    assert_eq!(location.horizontal_uncertainty_m, Some(0.71));
    assert_eq!(location.original_text, "37U DP 10729 18760");
    assert_eq!(traced(&record, "time.dtg").len(), 1);
    assert_eq!(traced(&record, "position.mgrs").len(), 1);
    assert_eq!(traced(&record, "sighting.verification_default").len(), 1);
    let entry = traced(&record, "time.dtg").remove(0);
    assert_eq!(entry.field, "sighting.observed_from");
    assert_eq!(
        (entry.input.as_ref(), entry.output.as_ref()),
        ("061830ZJAN26", "2026-01-06T18:30:00Z")
    );
}

#[test]
fn a_ukrainian_report_in_sk_42() {
    let record = judge(typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            text: "06.01.2026 20:30".to_owned(),
            zone: "Europe/Kyiv".to_owned(),
            ..report::Time::default()
        });
        sighting.location = Some(place("СК-42 Х=5320990 У=7410809", ""));
        if let Some(observation) = sighting.observations.first_mut() {
            observation.count = Some(report::Count {
                text: "3 од.".to_owned(),
                ..report::Count::default()
            });
        }
    }))
    .expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.observed_from.utc, time("2026-01-06T18:30:00Z"));
    let location = sighting.location.as_ref().expect("a location");
    assert!((location.latitude_deg - 48.015_902_5).abs() < 1e-7);
    assert!((location.longitude_deg - 37.802_897_9).abs() < 1e-7);
    assert_eq!(location.transform_op, "EPSG:15865");
    assert_eq!(location.source_crs, "EPSG:28407");
    assert_eq!(location.horizontal_uncertainty_m, Some(5.0));
    let count = sighting
        .observations
        .first()
        .and_then(|o| o.count)
        .expect("a count");
    assert_eq!((count.min, count.max), (Some(3), Some(3)));
}

/// Declination at Donetsk on 6 January 2026 by WMM2025 (pygeomag): 8.73 degrees.
#[test]
fn a_magnetic_bearing_is_turned_where_and_when_it_was_taken() {
    for from in [true, false] {
        let record = judge(typed_with(|sighting| {
            let magnetic = Some(report::Bearing {
                text: "90 deg mag".to_owned(),
                ..report::Bearing::default()
            });
            let observation = sighting.observations.first_mut().unwrap();
            match from {
                true => observation.direction_from = magnetic,
                false => observation.direction_to = magnetic,
            }
        }));
        let record = record.expect("a record");
        let observation = sighting(&record).observations.first().unwrap();
        let (from, to) = (observation.direction_from_deg, observation.direction_to_deg);
        let off = from.or(to).expect("a direction") - 98.73;
        assert!(off.abs() < 0.2, "{from:?} {to:?}");
    }
}

#[test]
fn a_french_report_in_gons() {
    let record = judge(typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            text: "062130A JAN 26".to_owned(),
            ..report::Time::default()
        });
        if let Some(observation) = sighting.observations.first_mut() {
            observation.count = Some(report::Count {
                text: "environ 5".to_owned(),
                ..report::Count::default()
            });
            observation.direction_from = Some(report::Bearing {
                text: "cap 15 gon".to_owned(),
                ..report::Bearing::default()
            });
        }
    }))
    .expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.observed_from.utc, time("2026-01-06T20:30:00Z"));
    let observation = sighting.observations.first().expect("an observation");
    assert_eq!(observation.direction_from_deg, Some(13.5));
    assert_eq!(observation.count.map(|c| c.qualifier.name()), Some("ABOUT"));
    assert_eq!(traced(&record, "bearing.north_assumed").len(), 1);
}

#[test]
fn an_osce_row_relative_to_its_camera() {
    let record = judge(typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            text: "06-Jan-2026, 20:41".to_owned(),
            zone: "Europe/Kyiv".to_owned(),
            ..report::Time::default()
        });
        sighting.location = Some(Location {
            relative: Some(report::RelativeLocation {
                anchor: "Avdiivka (48.1394, 37.7472)".to_owned(),
                distance: "2-3km".to_owned(),
                direction: "NE".to_owned(),
            }),
            ..Location::default()
        });
    }))
    .expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.observed_from.utc, time("2026-01-06T18:41:00Z"));
    let location = sighting.location.as_ref().expect("a location");
    assert!((location.latitude_deg - 48.155_296).abs() < 1e-6);
    assert!((location.longitude_deg - 37.770_960).abs() < 1e-6);
    assert_eq!(location.method, PositionMethod::Relative);
    let radius = location.horizontal_uncertainty_m.expect("an uncertainty");
    assert!((radius - 705.0).abs() < 1.0, "{radius}");
    let relative = sighting.relative_location.as_ref().expect("kept");
    assert_eq!(
        (relative.distance_min_m, relative.distance_max_m),
        (2_000.0, 3_000.0)
    );
    assert_eq!(
        (relative.azimuth_true_deg, relative.sector_half_width_deg),
        (45.0, 11.25)
    );
}

#[test]
fn a_retraction_needs_no_body_and_names_what_it_replaces() {
    let mut retraction = typed();
    retraction.action = 4;
    retraction.revision = 3;
    retraction.body = None;
    let record = judge(retraction).expect("a record");
    assert_eq!(record.body, None);
    let replaced = record.supersedes.as_ref().expect("named");
    assert_eq!(
        (replaced.report_id.as_str(), replaced.revision),
        ("GBR-000017", 2)
    );
    assert_eq!(traced(&record, "report.replaces_lower_revision").len(), 1);

    let mut correction = typed();
    correction.action = 3;
    correction.supersedes = Some(report::Supersedes {
        report_id: "GBR-000016".to_owned(),
        revision: 5,
    });
    let record = judge(correction).expect("a record");
    assert_eq!(record.supersedes.as_ref().map(|s| s.revision), Some(5));
}

#[test]
fn counts_of_different_bases_stay_apart() {
    // The same day: four episodes by one way of counting, 494 explosions by another.
    let of = |basis, min| {
        let record = judge(typed_with(|sighting| {
            if let Some(observation) = sighting.observations.first_mut() {
                observation.count_basis = basis;
                observation.count = Some(report::Count {
                    min: Some(min),
                    ..report::Count::default()
                });
            }
        }))
        .expect("a record");
        let observation = sighting(&record)
            .observations
            .first()
            .cloned()
            .expect("one");
        (
            observation.count_basis.name(),
            observation.count.and_then(|c| c.min),
        )
    };
    assert_eq!(of(2, 4), ("EPISODE", Some(4)));
    assert_eq!(of(1, 494), ("INDIVIDUAL", Some(494)));
    assert_eq!(of(0, 3), ("UNKNOWN", Some(3)));
}

/// A report in a nation's own notation: time, place, one observation, marking.
struct Native {
    when: &'static str,
    place: Location,
    count: &'static str,
    kind: &'static str,
    phase: &'static str,
    weapon: &'static str,
    means: &'static str,
    direction: &'static str,
    marking: &'static str,
}

fn term(text: &str) -> report::Term {
    report::Term {
        text: text.to_owned(),
        code: 0,
    }
}

fn native(given: Native) -> report::Report {
    let mut report = typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            text: given.when.to_owned(),
            ..report::Time::default()
        });
        sighting.location = Some(given.place);
        sighting.means = vec![term(given.means)];
        sighting.observations = vec![report::Observation {
            kind: Some(term(given.kind)),
            count: Some(report::Count {
                text: given.count.to_owned(),
                ..report::Count::default()
            }),
            count_basis: 1,
            phase: (!given.phase.is_empty()).then(|| term(given.phase)),
            direction_from: (!given.direction.is_empty()).then(|| report::Bearing {
                text: given.direction.to_owned(),
                ..report::Bearing::default()
            }),
            weapon: Some(report::Weapon {
                text: given.weapon.to_owned(),
                ..report::Weapon::default()
            }),
            ..report::Observation::default()
        }];
    });
    report.marking = Some(report::Marking {
        text: given.marking.to_owned(),
        releasable_to: vec!["USA".to_owned(), "UKR".to_owned()],
        ..report::Marking::default()
    });
    report
}

/// What the golden messages have in common.
struct Expected {
    utc: &'static str,
    lat_lon: (f64, f64),
    kind: ObservationType,
    count: (Option<u32>, CountQualifier),
    class: WeaponClass,
    calibre: &'static [f64],
    level: Level,
}

fn check(nation: &str, given: Native, expected: &Expected) {
    let record = judge_of(nation, native(given)).expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.observed_from.utc, time(expected.utc), "{nation}");
    let location = sighting.location.as_ref().expect("a location");
    let (lat, lon) = expected.lat_lon;
    assert!(
        (location.latitude_deg - lat).abs() < 1e-6,
        "{nation}: {location:?}"
    );
    assert!(
        (location.longitude_deg - lon).abs() < 1e-6,
        "{nation}: {location:?}"
    );
    let observation = sighting.observations.first().expect("an observation");
    assert_eq!(observation.kind, Some(expected.kind), "{nation}");
    let count = observation.count.expect("a count");
    assert_eq!((count.min, count.qualifier), expected.count, "{nation}");
    let weapon = observation.weapon.as_ref().expect("a weapon");
    assert_eq!(weapon.class, Some(expected.class), "{nation}");
    assert_eq!(weapon.calibre_mm, expected.calibre, "{nation}");
    assert_eq!(record.marking.level, expected.level, "{nation}");
}

#[test]
fn the_united_kingdom_in_its_own_notation() {
    check(
        "GBR",
        Native {
            when: "061830ZJAN26",
            place: place("37UDP1072918760", "MGRS"),
            count: "about 5",
            kind: "explosion",
            phase: "outgoing",
            weapon: "MLRS (BM-21 Grad, 122mm)",
            means: "heard",
            direction: "800 mil",
            marking: "OFFICIAL-SENSITIVE",
        },
        &Expected {
            utc: "2026-01-06T18:30:00Z",
            lat_lon: (48.015_898_1, 37.802_895_5),
            kind: ObservationType::Explosion,
            count: (Some(5), CountQualifier::About),
            class: WeaponClass::Mlrs,
            calibre: &[122.0],
            level: Level::Restricted,
        },
    );
}

#[test]
fn ukraine_in_its_own_notation() {
    check(
        "UKR",
        Native {
            when: "06.01.2026 20:30",
            place: place("СК-42 Х=5320990 У=7410809", ""),
            count: "3 од.",
            kind: "вибух",
            phase: "",
            weapon: "РСЗВ БМ-21 «Град» 122 мм",
            means: "чули",
            direction: "7-50",
            marking: "ДСК",
        },
        &Expected {
            utc: "2026-01-06T18:30:00Z",
            lat_lon: (48.015_902_5, 37.802_897_9),
            kind: ObservationType::Explosion,
            count: (Some(3), CountQualifier::Exact),
            class: WeaponClass::Mlrs,
            calibre: &[122.0],
            level: Level::Restricted,
        },
    );
}

#[test]
fn france_in_its_own_notation() {
    check(
        "FRA",
        Native {
            when: "062130A JAN 26",
            place: place("48,0159 37,8029", ""),
            count: "environ 5",
            kind: "explosion",
            phase: "",
            weapon: "obusiers automoteurs 155 mm",
            means: "entendu",
            direction: "cap 15 gon",
            marking: "DIFFUSION RESTREINTE",
        },
        &Expected {
            utc: "2026-01-06T20:30:00Z",
            lat_lon: (48.0159, 37.8029),
            kind: ObservationType::Explosion,
            count: (Some(5), CountQualifier::About),
            class: WeaponClass::HowitzerSp,
            calibre: &[155.0],
            level: Level::Restricted,
        },
    );
}

#[test]
fn poland_in_its_own_notation() {
    check(
        "POL",
        Native {
            when: "061830Z STY 26",
            place: place("37U DP 10729 18760", ""),
            count: "co najmniej 4",
            kind: "wybuch",
            phase: "",
            weapon: "moździerz 120 mm",
            means: "słyszano",
            direction: "północny wschód",
            marking: "ZASTRZEŻONE",
        },
        &Expected {
            utc: "2026-01-06T18:30:00Z",
            lat_lon: (48.015_898_1, 37.802_895_5),
            kind: ObservationType::Explosion,
            count: (Some(4), CountQualifier::AtLeast),
            class: WeaponClass::Mortar,
            calibre: &[120.0],
            level: Level::Restricted,
        },
    );
}

#[test]
fn germany_in_its_own_notation() {
    check(
        "DEU",
        Native {
            when: "06.01.2026, 19:30",
            place: place("48°00'57,24\" N 37°48'10,44\" O", "WGS84"),
            count: "1.021",
            kind: "Explosion",
            phase: "",
            weapon: "Mörser 120 mm",
            means: "gehört",
            direction: "Nordost",
            marking: "VS-NfD",
        },
        &Expected {
            utc: "2026-01-06T18:30:00Z",
            lat_lon: (48.0159, 37.8029),
            kind: ObservationType::Explosion,
            count: (Some(1_021), CountQualifier::Exact),
            class: WeaponClass::Mortar,
            calibre: &[120.0],
            level: Level::Restricted,
        },
    );
}

#[test]
fn a_months_name_is_the_nations() {
    // 1 November by Warsaw and Kyiv; no month at all in London.
    let of = |nation: &str, text: &str| {
        let mut report = typed_with(|sighting| {
            sighting.observed_from = Some(report::Time {
                text: text.to_owned(),
                ..report::Time::default()
            });
        });
        report.marking = Some(report::Marking {
            text: "NATO RESTRICTED".to_owned(),
            ..report::Marking::default()
        });
        judge_of(nation, report).map(|record| sighting(&record).observed_from.utc)
    };
    assert_eq!(
        of("POL", "011200Z LIS 25"),
        Ok(time("2025-11-01T12:00:00Z"))
    );
    assert_eq!(
        of("FRA", "011200Z JUIL 25"),
        Ok(time("2025-07-01T12:00:00Z"))
    );
    assert_eq!(
        of("DEU", "011200Z OKT 25"),
        Ok(time("2025-10-01T12:00:00Z"))
    );
    assert!(of("GBR", "011200Z LIS 25").is_err());
}

//! Whatever comes in: no panic, and an accepted record keeps its invariants.

use crate::support::{coded, judge, judge_as, typed, typed_with};
use entente::normalise::{Profile, VIOLATIONS_MAX, Violations};
use entente::record::{Body, GeoPoint, Record};
use entente::report::{self, Location, Report};
use proptest::prelude::*;

/// Text that looks like what nations write, and text that does not.
fn text() -> BoxedStrategy<String> {
    let notation = "[0-9NSEWXYХУсдшв°'\",. =:;/+-]{0,24}";
    let grid = "[0-9]{1,3}[A-Z]{1,3} ?[A-Z]{0,2} ?[0-9]{0,12}";
    let group = "[0-9]{4,8}[A-Z] ?[A-Za-zжї]{0,5} ?[0-9]{0,4}";
    let date =
        "[0-9]{1,4}[-./ ][0-9A-Za-z]{1,4}[-./ ]?[0-9]{0,4},? [0-9]{2}:[0-9]{2}[+Z-]?[0-9]{0,4}";
    let amount = "(about|at least|понад|)( )?[0-9]{0,7}[-–.,]?[0-9]{0,3} ?(km|mm|мм|gon|mil|deg|)";
    let square =
        "(кв\\. ?)?[0-9]{4}[-‑]?[0-9АБВГAB]?( ?\\((M-37-[0-9XIV]{1,5}|[0-9]{2,4}/[0-9]{2,4})\\))?";
    let prose = "(about |à |за |)[0-9]{0,3}[-.]?[0-9]{0,2} ?(km|км|m|ft) \
                 (NE|SSW|SE and SSE|на північ|au NO|СВ|45 deg|)( of | від | de | )\
                 (Donetsk|Авдіївка|48\\.1 37\\.7|37UDP1018|Zolote|)( \\(60km W of Luhansk\\))?";
    let bearing = "(mag |grid |дирекційний кут |)[0-9]{0,4}([-.,][0-9]{2})? ?\
                   (deg|°M|mil|streck|gon|тис\\.|tys|)( true| mag|)";
    let height = "(FL|about |-|)[0-9]{0,6} ?(m|ft|км|)( MSL| AGL| над рівнем моря| n\\.p\\.m\\.|)";
    let wall = "(1er |)[0-9]{0,2}[ .](січня|Jan|août|01)[ .,]{1,2}[0-9]{2,4}( р\\.|)( о | à | )\
                [0-9]{1,2}[:.h ]{1,2}[0-9]{2}( pm| Uhr|)( EET| CEST| МСК|)";
    prop_oneof![
        1 => square,
        1 => prose,
        1 => bearing,
        1 => height,
        1 => wall,
        1 => any::<String>(),
        2 => notation,
        2 => grid,
        1 => group,
        1 => date,
        1 => amount,
    ]
    .boxed()
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -200.0..200.0_f64, 22.0..52.0_f64]
}

fn system() -> impl Strategy<Value = String> {
    let names = [
        "",
        "MGRS",
        "UTM",
        "WGS84",
        "SK-42",
        "UCS-2000",
        "EPSG:28405",
        "EPSG:32637",
        "EPSG:9835",
        "LCS-14",
        "UPS",
        "SK-42 zone 7",
        "MGRS 37UDP",
        "SK-42 M-37-136",
        "УСК-2000 53/74",
    ];
    prop_oneof![
        4 => prop::sample::select(names.to_vec()).prop_map(str::to_owned),
        1 => text(),
    ]
}

prop_compose! {
    fn location()(
        text in prop_oneof![Just(String::new()), text()],
        reference_system in system(),
        axis_order in -1..4_i32,
        wgs84 in prop::option::of((number(), number())),
        relative in prop::option::weighted(0.2, (text(), text(), text())),
        horizontal_uncertainty_m in prop::option::of(number()),
        height_m in prop::option::of(number()),
        vertical_datum in -1..8_i32,
        height_text in prop_oneof![4 => Just(String::new()), 1 => text()],
    ) -> Location {
        Location {
            text,
            reference_system,
            axis_order,
            wgs84: wgs84.map(|(latitude_deg, longitude_deg)| report::Wgs84Point {
                latitude_deg,
                longitude_deg,
            }),
            relative: relative.map(|(anchor, distance, direction)| report::RelativeLocation {
                anchor,
                distance,
                direction,
            }),
            horizontal_uncertainty_m,
            height_m,
            vertical_datum,
            height_text,
        }
    }
}

prop_compose! {
    fn when()(
        text in prop_oneof![Just(String::new()), text()],
        utc in prop::option::of((any::<i64>(), any::<i32>())),
        zone in prop_oneof![Just(String::new()), Just("Europe/Kyiv".to_owned()), text()],
    ) -> report::Time {
        report::Time {
            text,
            utc: utc.map(|(seconds, nanos)| report::WireTime { seconds, nanos }),
            zone,
        }
    }
}

prop_compose! {
    fn count()(
        text in prop_oneof![Just(String::new()), text()],
        min in prop::option::of(any::<u32>()),
        max in prop::option::of(0..2_000_u32),
        qualifier in -1..7_i32,
    ) -> report::Count {
        report::Count { text, min, max, qualifier }
    }
}

prop_compose! {
    fn bearing()(
        text in prop_oneof![Just(String::new()), text()],
        value in prop::option::of(number()),
        unit in -1..7_i32,
        north in -1..5_i32,
    ) -> report::Bearing {
        report::Bearing { text, value, unit, north }
    }
}

prop_compose! {
    fn observation()(
        kind in prop::option::of((text(), -1..20_i32)),
        count in prop::option::of(count().boxed()),
        count_basis in -1..6_i32,
        phase in prop::option::of((text(), -1..7_i32)),
        direction_from in prop::option::of(bearing().boxed()),
        direction_to in prop::option::of(bearing().boxed()),
        weapon in prop::option::of((text(), -1..22_i32, number())),
        withdrawal_status in -1..7_i32,
    ) -> report::Observation {
        let term = |(text, code)| report::Term { text, code };
        report::Observation {
            kind: kind.map(term),
            count,
            count_basis,
            phase: phase.map(term),
            direction_from,
            direction_to,
            weapon: weapon.map(|(text, code, calibre)| report::Weapon {
                text,
                code,
                calibre_mm: vec![calibre],
                ..report::Weapon::default()
            }),
            withdrawal_status,
        }
    }
}

prop_compose! {
    fn any_report()(
        report_id in prop_oneof![Just("GBR-1".to_owned()), text()],
        revision in 0..5_u32,
        action in -1..6_i32,
        environment in -1..5_i32,
        nation in prop_oneof![Just(String::new()), text()],
        from in prop::option::of(when().boxed()),
        until in prop::option::of(when().boxed()),
        place in prop::option::of(location().boxed()),
        seen_from in prop::option::of(location().boxed()),
        reason in text(),
        observations in prop::collection::vec(observation().boxed(), 0..4),
        means in prop::collection::vec((text(), -1..14_i32), 0..4),
        casualties in prop::collection::vec((-1..6_i32, count().boxed()), 0..3),
        confidence in (text(), text()),
        supersedes in prop::option::of((text(), any::<u32>())),
    ) -> Report {
        let mut report = typed_with(|sighting| {
            sighting.observed_from = from;
            sighting.observed_until = until;
            sighting.location = place;
            sighting.observer_position = seen_from;
            sighting.location_unknown_reason = reason;
            sighting.observations = observations;
            sighting.means = means
                .into_iter()
                .map(|(text, code)| report::Term { text, code })
                .collect();
            sighting.casualties = casualties
                .into_iter()
                .map(|(category, killed)| report::Casualties {
                    category,
                    killed: Some(killed),
                    injured: None,
                })
                .collect();
            sighting.confidence = Some(report::Confidence {
                source_reliability: confidence.0,
                credibility: confidence.1,
                ..report::Confidence::default()
            });
        });
        report.report_id = report_id;
        report.revision = revision;
        report.action = action;
        report.environment = environment;
        report.nation = nation;
        report.supersedes = supersedes
            .map(|(report_id, revision)| report::Supersedes { report_id, revision });
        report
    }
}

fn check_point(point: &GeoPoint) {
    assert!((-90.0..=90.0).contains(&point.latitude_deg), "{point:?}");
    assert!((-180.0..=180.0).contains(&point.longitude_deg), "{point:?}");
    let uncertainty = point.horizontal_uncertainty_m;
    assert_eq!(uncertainty.is_some(), point.kind.is_some(), "{point:?}");
    assert!(
        uncertainty.is_none_or(|m| m.is_finite() && m >= 0.0),
        "{point:?}"
    );
    assert_eq!(
        point.height_m.is_some(),
        point.vertical_datum.is_some(),
        "{point:?}"
    );
    assert!(point.height_m.is_none_or(f64::is_finite), "{point:?}");
}

fn check_record(record: &Record) {
    assert!((1..=128).contains(&record.report_id.len()) && record.revision >= 1);
    let Some(Body::Sighting(sighting)) = &record.body else {
        return;
    };
    assert_eq!(
        sighting.location.is_some(),
        sighting.location_unknown_reason.is_empty()
    );
    sighting
        .location
        .iter()
        .chain(&sighting.observer_position)
        .for_each(check_point);
    if let Some(until) = sighting.observed_until {
        assert!(until.utc >= sighting.observed_from.utc);
    }
    assert!(!sighting.observations.is_empty() && !sighting.means.is_empty());
    for observation in &sighting.observations {
        if let Some(count) = observation.count {
            assert!(
                count.min.zip(count.max).is_none_or(|(min, max)| min <= max),
                "{count:?}"
            );
        }
        for degrees in [observation.direction_from_deg, observation.direction_to_deg] {
            assert!(
                degrees.is_none_or(|d| (0.0..360.0).contains(&d)),
                "{degrees:?}"
            );
        }
        for calibre in observation
            .weapon
            .iter()
            .flat_map(|weapon| &weapon.calibre_mm)
        {
            assert!(calibre.is_finite() && *calibre > 0.0);
        }
    }
    for entry in &record.trace {
        assert!(!entry.rule.is_empty() && entry.rule_version > 0);
    }
}

fn check(outcome: &Result<Record, Violations>) {
    match outcome {
        Ok(record) => check_record(record),
        Err(violations) => {
            assert!((1..=VIOLATIONS_MAX).contains(&violations.list.len()));
            for violation in &violations.list {
                assert!(!violation.message.is_empty() && !violation.expected.is_empty());
                assert_ne!(violation.rule, "normalise.incomplete", "{violation:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_report_is_judged(report in any_report()) {
        check(&judge(report));
    }

    #[test]
    fn any_place_is_judged(place in location()) {
        check(&judge(typed_with(|sighting| sighting.location = Some(place))));
    }

    #[test]
    fn any_time_is_judged(when in when()) {
        check(&judge(typed_with(|sighting| sighting.observed_from = Some(when))));
    }

    #[test]
    fn any_observation_is_judged(observation in observation()) {
        check(&judge(typed_with(|sighting| sighting.observations = vec![observation])));
    }

    #[test]
    fn the_same_report_gives_the_same_answer(report in any_report()) {
        // NaN is not itself, so the answers are compared as they print.
        let first = format!("{:?}", judge(report.clone()));
        prop_assert_eq!(first, format!("{:?}", judge(report)));
    }
}

#[test]
fn every_nation_is_judged_by_the_same_rules() {
    for identity in ["FRA/poste-12", "UKR/zvit-2"] {
        let record = judge_as(identity, &Profile::default(), typed());
        check(&record);
    }
    let mut report = typed();
    report.body = Some(report::Body::Contribution(Box::default()));
    check(&judge(report));
    check(&judge(typed_with(|sighting| {
        sighting.means = vec![coded(2), coded(2)]
    })));
}

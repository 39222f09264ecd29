//! What is refused, and that every reason is told at once.

use crate::support::{coded, judge, judge_as, judge_of, place, refused, typed, typed_with};
use entente::identity::NationCode;
use entente::normalise::{
    Notation, Notes, Profile, Rules, VIOLATIONS_BYTES_MAX, VIOLATIONS_MAX, Violation, Violations,
    position,
};
use entente::report::{self, Location, Report};

/// The rules of a refusal, each field below `sighting.` named.
fn rules(report: Report) -> Vec<&'static str> {
    refused(judge(report))
        .into_iter()
        .map(|(_, rule)| rule)
        .collect()
}

fn at(location: Location) -> Vec<(String, &'static str)> {
    refused(judge(typed_with(|sighting| {
        sighting.location = Some(location)
    })))
}

fn when(text: &str, zone: &str) -> Vec<&'static str> {
    rules(typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            text: text.to_owned(),
            utc: None,
            zone: zone.to_owned(),
        });
    }))
}

/// Text, reference system, and the rule that refuses it.
const REJECTED: &[(&str, &str, &str)] = &[
    ("07UDP1072918760", "MGRS", "position.outside_area"),
    ("37UDP107291876", "MGRS", "position.mgrs_unreadable"),
    ("107 187", "MGRS", "position.mgrs_unreadable"),
    ("37U DP 107 18760", "MGRS", "position.mgrs_unreadable"),
    ("37U DP 10 729 18 760", "MGRS", "position.mgrs_unreadable"),
    ("37UDР1072918760", "MGRS", "position.look_alike"),
    ("37UDP1O72918760", "MGRS", "position.look_alike"),
    ("37U DP I0729 18760", "MGRS", "position.look_alike"),
    ("37UDP10729 l8760", "MGRS", "position.look_alike"),
    ("X=532O990 Y=7410809", "SK-42", "position.look_alike"),
    ("37N 41O729 5318760", "UTM", "position.look_alike"),
    ("48.O159 37.8029", "WGS84", "position.look_alike"),
    ("37U", "MGRS", "position.mgrs_unreadable"),
    ("61UDP1072918760", "MGRS", "position.mgrs_unreadable"),
    ("37UIP1072918760", "MGRS", "position.mgrs_unreadable"),
    ("37UZZ1072918760", "MGRS", "position.mgrs_unreadable"),
    ("99999999999999999UDP", "MGRS", "position.mgrs_unreadable"),
    ("5527375 5286476", "SK-42", "position.axis_order_missing"),
    ("X=7410809 Y=5320990", "SK-42", "position.axes_swapped"),
    ("X=5320990 Y=410809", "SK-42", "position.gauss_krueger_zone"),
    (
        "X=5320990 Y=3410809",
        "SK-42",
        "position.gauss_krueger_zone",
    ),
    ("X=5320990", "SK-42", "position.gauss_krueger_unreadable"),
    (
        "X=5320990 X=7410809",
        "SK-42",
        "position.gauss_krueger_unreadable",
    ),
    ("6608-4", "SK-42", "position.square_anchor_missing"),
    ("5013-А", "SK-42", "position.square_anchor_missing"),
    ("2010-B", "SK-42 53/74", "position.square_unreadable"),
    ("7010-4", "SK-42 M-37-136", "position.square_outside_anchor"),
    ("Atlantis", "MGRS", "position.place_unknown"),
    (
        "Zelenopillia (60km west of Luhansk)",
        "WGS84",
        "position.place_unknown",
    ),
    ("2 km N of nowhere", "MGRS", "position.anchor_unknown"),
    ("37.8029 48.0159", "WGS84", "position.axes_swapped"),
    ("37.8045 48.0160", "SK-42", "position.axes_swapped"),
    ("38.8566 -77.0636", "WGS84", "position.outside_area"),
    ("37S 410729 5318760", "UTM", "position.utm_letter_s"),
    ("37N 410729", "UTM", "position.utm_unreadable"),
    ("37N 5318760 410729", "UTM", "position.axes_swapped"),
    (
        "37N 7410809 5320990",
        "UTM",
        "position.gauss_krueger_as_utm",
    ),
    (
        "X=5320990 Y=6410809",
        "SK-42 zone 7",
        "position.gauss_krueger_zone",
    ),
    ("N 2000000 1555732", "UPS", "position.outside_area"),
    ("2000000 1555732", "UPS", "position.ups_unreadable"),
    ("37N 410729 99999999", "UTM", "position.utm_unreadable"),
    (
        "36N 410729 5318760",
        "EPSG:32637",
        "position.utm_unreadable",
    ),
    ("48.0159 37.8029", "PZ-90", "position.system_unknown"),
    (
        "СК-42 Х=5320990 У=7410809",
        "UCS-2000",
        "position.system_conflict",
    ),
    ("37U Q 410729 5318760", "UTM", "position.utm_unreadable"),
    ("37U E E 410729 5318760", "UTM", "position.utm_unreadable"),
];

#[test]
fn the_reject_set_of_positions() {
    for &(text, system, rule) in REJECTED {
        let found = at(place(text, system));
        let rules: Vec<_> = found.iter().map(|(_, rule)| *rule).collect();
        assert_eq!(rules, [rule], "{text} {system}");
        assert!(
            found
                .iter()
                .all(|(field, _)| field.starts_with("sighting.location"))
        );
    }
}

#[test]
fn what_may_be_a_swap_says_so_behind_what_it_expected() {
    let location = place("37N 5318760 410729", "UTM");
    let report = typed_with(|sighting| sighting.location = Some(location));
    let violations = judge(report).expect_err("a refusal");
    let expected = &violations.list[0].expected;
    assert!(
        expected.ends_with("; with the two numbers swapped, the position lies in the area"),
        "{expected}"
    );
}

/// Near the equator a northing is as small as an easting, so only the area shows a swap.
#[test]
fn a_swap_of_utm_near_the_equator_shows_by_the_area() {
    let mut rules = Rules::default();
    (rules.area.south_deg, rules.area.north_deg) = (5.0, 9.0);
    (rules.area.west_deg, rules.area.east_deg) = (28.0, 32.0);
    rules.area.margin_m = 0.0;
    let nation = NationCode::parse("GBR").expect("a nation");
    let profile = Profile::compile(nation, &Notation::default(), &rules).expect("a profile");
    let rule = |text: &str| {
        let mut notes = Notes::new();
        position::location(&place(text, "UTM"), &profile, "location", &mut notes);
        notes
            .finish()
            .err()
            .map(|violations| violations.list[0].rule)
    };
    assert_eq!(rule("36N 250000 750000"), None);
    assert_eq!(rule("36N 750000 250000"), Some("position.axes_swapped"));
    assert_eq!(rule("36N 750000 1500000"), Some("position.outside_area"));
}

#[test]
fn an_order_for_degrees_says_nothing_of_planes() {
    // France declares latitude first; that does not make the first of two metres a northing.
    let report = typed_with(|sighting| {
        sighting.location = Some(place("5527375 5286476", "SK-42"));
    });
    let found = refused(judge_of("FRA", report));
    assert_eq!(
        found,
        [(
            "sighting.location".to_owned(),
            "position.axis_order_missing"
        )]
    );
}

#[test]
fn impossible_points_are_refused() {
    let point = |latitude_deg, longitude_deg| Location {
        wgs84: Some(report::Wgs84Point {
            latitude_deg,
            longitude_deg,
        }),
        ..Location::default()
    };
    for (lat, lon, rule) in [
        (f64::NAN, 37.8, "position.range"),
        (48.0, f64::INFINITY, "position.range"),
        (-90.1, 37.8, "position.range"),
        (48.0, 180.1, "position.range"),
        (0.0, 0.0, "position.outside_area"),
        (37.8029, 48.0159, "position.axes_swapped"),
        (48.0159, -142.197, "position.outside_area"),
    ] {
        let found = at(point(lat, lon));
        assert_eq!(found.len(), 1, "{lat} {lon}");
        assert!(
            found.iter().all(|(_, found)| *found == rule),
            "{lat} {lon}: {found:?}"
        );
    }
    for (uncertainty, height, datum, fields) in [
        (Some(9_999_999.0), None, 0, vec!["horizontal_uncertainty_m"]),
        (Some(-1.0), None, 0, vec!["horizontal_uncertainty_m"]),
        (Some(f64::NAN), None, 0, vec!["horizontal_uncertainty_m"]),
        (None, Some(9_999_999.0), 1, vec!["height_m"]),
        (None, Some(120.0), 0, vec!["vertical_datum"]),
        (None, Some(120.0), 77, vec!["vertical_datum"]),
    ] {
        let found = at(Location {
            horizontal_uncertainty_m: uncertainty,
            height_m: height,
            vertical_datum: datum,
            ..point(48.0, 37.8)
        });
        let found: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        let fields: Vec<_> = fields
            .iter()
            .map(|f| format!("sighting.location.{f}"))
            .collect();
        assert_eq!(found, fields);
    }
    let both = Location {
        text: "37UDP1072918760".to_owned(),
        ..point(48.0, 37.8)
    };
    assert_eq!(
        at(both),
        [("sighting.location".to_owned(), "position.one_form")]
    );
}

#[test]
fn the_reject_set_of_times() {
    assert_eq!(when("2026-03-29 03:30", "Europe/Kyiv"), ["time.wall_gap"]);
    assert_eq!(
        when("2025-10-26 03:30", "Europe/Kyiv"),
        ["time.wall_ambiguous"]
    );
    assert_eq!(when("061830ZJAN27", ""), ["time.future"]);
    assert_eq!(when("06183060ZJAN26", ""), ["time.impossible"]);
    assert_eq!(when("yesterday", ""), ["time.unreadable"]);
    assert_eq!(when("", ""), ["time.missing"]);
    let out_of_range = typed_with(|sighting| {
        sighting.observed_from = Some(report::Time {
            utc: Some(report::WireTime {
                seconds: i64::MAX,
                nanos: -1,
            }),
            ..report::Time::default()
        });
    });
    assert_eq!(rules(out_of_range), ["time.range"]);
    let ends_first = typed_with(|sighting| {
        sighting.observed_until = Some(report::Time {
            text: "2026-01-06T18:29:59Z".to_owned(),
            ..report::Time::default()
        });
    });
    assert_eq!(rules(ends_first), ["sighting.until_before_from"]);
}

#[test]
fn another_nations_name_is_refused() {
    let named = |nation: &str, system: &str| Report {
        nation: nation.to_owned(),
        system: system.to_owned(),
        ..typed()
    };
    assert!(judge(named("GBR", "uav-cell-4")).is_ok());
    assert_eq!(rules(named("FRA", "")), ["report.nation"]);
    assert_eq!(
        rules(named("gbr", "other")),
        ["report.nation", "report.system"]
    );
}

#[test]
fn the_head_is_judged() {
    let head = |change: fn(&mut Report)| {
        let mut report = typed();
        change(&mut report);
        rules(report)
    };
    assert_eq!(head(|r| r.report_id.clear()), ["report.report_id"]);
    assert_eq!(
        head(|r| r.report_id = "a b".to_owned()),
        ["report.report_id"]
    );
    assert_eq!(head(|r| r.report_id = "ж".to_owned()), ["report.report_id"]);
    assert_eq!(
        head(|r| r.report_id = "x".repeat(129)),
        ["report.report_id"]
    );
    assert_eq!(head(|r| r.revision = 0), ["report.revision"]);
    assert_eq!(head(|r| r.action = 0), ["code.missing"]);
    assert_eq!(head(|r| r.action = 99), ["code.unknown"]);
    assert_eq!(head(|r| r.environment = 0), ["code.missing"]);
    assert_eq!(head(|r| r.body = None), ["report.body_missing"]);
    assert_eq!(head(|r| r.action = 3), ["report.supersedes"]);
    assert_eq!(head(|r| r.action = 4), ["report.supersedes"]);
    let later = |r: &mut Report| {
        r.reported_at = Some(report::WireTime {
            seconds: 4_000_000_000,
            nanos: 0,
        });
    };
    assert_eq!(head(later), ["time.future"]);
    let itself = |r: &mut Report| {
        r.action = 3;
        r.revision = 2;
        r.supersedes = Some(report::Supersedes {
            report_id: r.report_id.clone(),
            revision: 2,
        });
    };
    assert_eq!(head(itself), ["report.supersedes"]);
}

#[test]
fn an_unknown_code_is_told_with_what_is_allowed() {
    let mut report = typed();
    report.environment = 9;
    let violations = judge(report).expect_err("a refusal");
    let violation = violations.list.first().expect("one");
    assert_eq!(violation.field, "environment");
    assert_eq!(
        violation.expected,
        "one of LIVE (1), EXERCISE (2), SIMULATION (3)"
    );
}

#[test]
fn all_reasons_are_told_at_once() {
    let mut report = typed_with(|sighting| {
        sighting.origin = 0;
        sighting.observed_from = None;
        sighting.means.clear();
        sighting.location = Some(place("nowhere", "MGRS"));
        if let Some(observation) = sighting.observations.first_mut() {
            observation.kind = Some(coded(4_711));
            observation.count = Some(report::Count {
                text: "lots".to_owned(),
                ..report::Count::default()
            });
            observation.withdrawal_status = -1;
            observation.direction_from = Some(report::Bearing {
                text: "1600".to_owned(),
                ..report::Bearing::default()
            });
        }
    });
    report.revision = 0;
    report.nation = "FRA".to_owned();
    let fields: Vec<_> = refused(judge(report))
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    for field in [
        "revision",
        "nation",
        "sighting.origin",
        "sighting.observed_from",
        "sighting.means",
        "sighting.location",
        "sighting.observations[0].type",
        "sighting.observations[0].count",
        "sighting.observations[0].withdrawal_status",
        "sighting.observations[0].direction_from",
    ] {
        assert!(
            fields.iter().any(|found| found == field),
            "{field} is not in {fields:?}"
        );
    }
    assert_eq!(fields.len(), 10);
}

#[test]
fn ten_thousand_faults_are_bounded() {
    let report = typed_with(|sighting| {
        sighting.observations = vec![report::Observation::default(); 10_000];
    });
    let violations = judge(report).expect_err("a refusal");
    assert_eq!(violations.list.len(), VIOLATIONS_MAX);
    assert!(violations.omitted > 0);
    assert!(
        violations
            .list
            .iter()
            .any(|v| v.rule == "bounds.list_too_long")
    );
}

#[test]
fn sizes_are_bounded() {
    let long = "x".repeat(100_000);
    let report = typed_with(|sighting| sighting.coverage_note = long.clone());
    assert_eq!(rules(report), ["bounds.text_too_long"]);
    let report = typed_with(|sighting| sighting.location = Some(place(&long, &long)));
    assert_eq!(rules(report), ["bounds.text_too_long"; 2]);
    let mut report = typed();
    report.narratives = vec![report::Narrative {
        text: long,
        lang: "no language".to_owned(),
        ..report::Narrative::default()
    }];
    report.evidence = vec![report::Evidence::default()];
    assert_eq!(
        refused(judge(report)),
        [
            ("narratives[0].text".to_owned(), "bounds.text_too_long"),
            ("narratives[0].lang".to_owned(), "report.narrative"),
            ("evidence[0].sha256".to_owned(), "report.evidence"),
            ("evidence[0].media_type".to_owned(), "report.evidence"),
        ]
    );
}

#[test]
fn a_nation_without_a_profile_must_say_more() {
    let rules = |change: fn(&mut report::Sighting)| {
        let mut report = typed_with(change);
        report.marking = None;
        let found = refused(judge_as("GBR/uav-cell-4", &Profile::default(), report));
        found.into_iter().map(|(_, rule)| rule).collect::<Vec<_>>()
    };
    let no_system = |sighting: &mut report::Sighting| {
        sighting.location = Some(place("48.0159 37.8029", ""));
    };
    assert_eq!(
        rules(no_system),
        ["marking.missing", "position.system_missing"]
    );
    let letter_j = |sighting: &mut report::Sighting| {
        sighting.observed_from = Some(report::Time {
            text: "061830JJAN26".to_owned(),
            ..report::Time::default()
        });
    };
    assert_eq!(rules(letter_j), ["marking.missing", "time.zone_missing"]);
}

#[test]
fn a_marking_is_its_own_nations() {
    let marked = |text: &str| {
        let mut report = typed();
        if let Some(marking) = &mut report.marking {
            marking.text = text.to_owned();
        }
        rules(report)
    };
    assert_eq!(marked("SECRETO"), ["marking.unknown"]);
    assert_eq!(marked("ZASTRZEŻONE"), ["marking.unknown"]);
    assert_eq!(marked("COSMIC BANANA"), ["marking.unknown"]);
    assert_eq!(marked(""), ["marking.missing"]);
}

#[test]
fn means_that_nobody_understands_are_refused() {
    let report = typed_with(|sighting| {
        sighting.means = vec![report::Term {
            text: "telepathy".to_owned(),
            code: 0,
        }];
    });
    assert_eq!(rules(report), ["sighting.means_missing"]);
}

#[test]
fn the_text_of_all_violations_is_bounded_and_the_first_is_always_said() {
    let violation = |bytes: usize| Violation {
        field: "f".into(),
        rule: "r",
        message: "x".repeat(bytes).into(),
        expected: "".into(),
    };
    let mut violations = Violations::default();
    for _ in 0..5 {
        violations.push(violation(VIOLATIONS_BYTES_MAX / 3));
    }
    assert_eq!((violations.list.len(), violations.omitted), (2, 3));
    violations.push(violation(1));
    assert_eq!((violations.list.len(), violations.omitted), (2, 4));
    let mut violations = Violations::default();
    violations.push(violation(VIOLATIONS_BYTES_MAX * 2));
    assert_eq!((violations.list.len(), violations.omitted), (1, 0));
}

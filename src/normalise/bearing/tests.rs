use super::*;

fn judge(given: &report::Bearing, at: Option<(f64, f64)>) -> Result<Option<Direction>, String> {
    judge_of(given, at, &Profile::default())
}

fn judge_of(
    given: &report::Bearing,
    at: Option<(f64, f64)>,
    profile: &Profile,
) -> Result<Option<Direction>, String> {
    let mut notes = Notes::new();
    let at = at.map(|(lat_deg, lon_deg)| Here {
        lat_deg,
        lon_deg,
        grid_meridian_deg: (lon_deg / 6.0).floor() * 6.0 + 3.0,
        when: Some("2026-01-06T18:30:00Z".parse().unwrap()),
    });
    let direction = bearing(given, at, profile, "direction_from", &mut notes);
    match notes.finish() {
        Ok(_) => Ok(direction),
        Err(violations) => Err(violations.list.first().map_or("", |v| v.rule).to_owned()),
    }
}

fn text(text: &str) -> Result<Option<f64>, String> {
    let given = report::Bearing {
        text: text.to_owned(),
        ..report::Bearing::default()
    };
    judge(&given, None).map(|direction| direction.map(|d| d.true_deg))
}

fn number(value: f64, unit: i32, north: i32) -> report::Bearing {
    report::Bearing {
        value: Some(value),
        unit,
        north,
        ..report::Bearing::default()
    }
}

#[test]
fn reads_every_unit() {
    for (written, degrees) in [
        ("45 deg", 45.0),
        ("45°", 45.0),
        ("360 deg", 0.0),
        ("1600 mil", 90.0),
        ("15-00", 90.0),
        ("7-50", 45.0),
        ("45-00", 270.0),
        ("cap 15 gon", 13.5),
        ("азимут 45 град.", 45.0),
        ("NE", 45.0),
        ("south-south-west", 202.5),
        ("east north-east", 67.5),
        ("13,5 deg", 13.5),
        ("1575 streck", 90.0),
        ("100 gon", 90.0),
        ("1600 millièmes", 90.0),
        ("1500 тис.", 90.0),
        ("1500 тысячных", 90.0),
        ("15-00 тис.", 90.0),
        ("45 stopni", 45.0),
        ("45° true", 45.0),
        ("true bearing 045 deg", 45.0),
        ("істинний азимут 45°", 45.0),
        ("SE and SSE", 146.25),
    ] {
        assert_eq!(text(written), Ok(Some(degrees)), "{written}");
    }
    assert_eq!(text(""), Ok(None));
}

#[test]
fn refuses_what_has_two_meanings() {
    assert_eq!(text("1600"), Err("bearing.unit_missing".to_owned()));
    assert_eq!(text("100 grad"), Err("bearing.unit_missing".to_owned()));
    assert_eq!(text("100 tys."), Err("bearing.unit_missing".to_owned()));
    assert_eq!(text("O"), Err("bearing.unreadable".to_owned()));
    assert_eq!(text("45 deg mag"), Err("bearing.magnetic".to_owned()));
    assert_eq!(text("grid 800 mil"), Err("bearing.grid_north".to_owned()));
    assert_eq!(text("361 deg"), Err("bearing.range".to_owned()));
    assert_eq!(text("60-01"), Err("bearing.range".to_owned()));
    for written in [
        "-5 deg",
        "north-north",
        "up",
        "4-5 deg",
        "1e2 deg",
        "NaN deg",
        "5 mrad",
        "1,600 mil",
    ] {
        assert_eq!(
            text(written),
            Err("bearing.unreadable".to_owned()),
            "{written}"
        );
    }
    let given = report::Bearing {
        text: "100 grad".to_owned(),
        unit: AngleUnit::Gon.number(),
        ..report::Bearing::default()
    };
    assert_eq!(
        judge(&given, None).map(|d| d.map(|d| d.true_deg)),
        Ok(Some(90.0))
    );
}

#[test]
fn typed_bearings_need_their_unit() {
    let deg = |given: &report::Bearing| judge(given, None).map(|d| d.map(|d| d.true_deg));
    assert_eq!(deg(&number(1_600.0, 2, 1)), Ok(Some(90.0)));
    assert_eq!(deg(&number(1_600.0, 3, 1)), Ok(Some(96.0)));
    assert_eq!(
        deg(&number(1_600.0, 0, 1)),
        Err("bearing.unit_missing".to_owned())
    );
    assert_eq!(
        deg(&number(f64::NAN, 1, 1)),
        Err("bearing.range".to_owned())
    );
    assert_eq!(deg(&number(45.0, 9, 1)), Err("code.unknown".to_owned()));
    assert_eq!(deg(&number(1_575.0, 5, 1)), Ok(Some(90.0)));
    // Without a place neither turn can be known.
    assert_eq!(deg(&number(45.0, 1, 3)), Err("bearing.magnetic".to_owned()));
    assert_eq!(
        deg(&number(45.0, 1, 2)),
        Err("bearing.grid_north".to_owned())
    );
}

#[test]
fn grid_north_turns_by_the_convergence() {
    // Computed with PROJ.
    for (lat, lon, convergence) in [
        (48.0159, 37.8029, -0.8899),
        (50.4501, 30.5234, -1.9101),
        (49.8397, 24.0297, -2.2709),
        (48.6208, 22.2879, 0.9664),
        (49.9935, 36.2304, -2.1221),
    ] {
        let got = judge(&number(90.0, 1, 2), Some((lat, lon)))
            .unwrap()
            .unwrap();
        assert!(
            (got.true_deg - 90.0 - convergence).abs() < 1e-3,
            "{lat}: {}",
            got.true_deg
        );
    }
}

#[test]
fn a_text_is_read_up_to_its_greatest_length_and_no_further() {
    let padded = |bytes: usize| format!("{:<bytes$}", "45 deg");
    assert_eq!(text(&padded(100)), Ok(Some(45.0)));
    assert!(text(&padded(101)).is_err());
}

#[test]
fn magnetic_north_turns_by_the_declination() {
    // WMM2025 on 6 January 2026, by pygeomag.
    for (lat, lon, declination) in [
        (48.0159, 37.8029, 8.73),
        (50.4501, 30.5234, 8.48),
        (49.8397, 24.0297, 7.09),
        (46.4825, 30.7233, 7.38),
        (49.9935, 36.2304, 9.26),
    ] {
        for (given, true_deg) in [
            (number(90.0, 1, 3), 90.0 + declination),
            (
                report::Bearing {
                    text: "магнітний азимут 15-00".to_owned(),
                    ..report::Bearing::default()
                },
                90.0 + declination,
            ),
            (
                report::Bearing {
                    text: "355°M".to_owned(),
                    ..report::Bearing::default()
                },
                355.0 + declination - 360.0,
            ),
        ] {
            let got = judge(&given, Some((lat, lon))).unwrap().unwrap().true_deg;
            let off = (got - true_deg).rem_euclid(360.0);
            assert!(off.min(360.0 - off) < 0.011, "{lat}: {got}");
        }
    }
}

#[test]
fn the_north_of_the_text_and_the_declared_one_agree() {
    let given = |text: &str, north: i32| {
        let given = report::Bearing {
            text: text.to_owned(),
            north,
            ..report::Bearing::default()
        };
        judge(&given, Some((48.0159, 37.8029))).map(|d| d.map(|d| d.true_deg.round()))
    };
    assert_eq!(given("дирекційний кут 15-00", 0), Ok(Some(89.0)));
    assert_eq!(given("gisement 1600 millièmes", 2), Ok(Some(89.0)));
    assert_eq!(given("90 deg grid", 2), Ok(Some(89.0)));
    assert_eq!(
        given("90 deg mag", 2),
        Err("bearing.north_conflict".to_owned())
    );
}

#[test]
fn letters_of_winds_are_the_nations() {
    let of = |letter_o, languages: &[&str], text: &str| {
        let notation = crate::normalise::Notation {
            letter_o,
            languages: languages.iter().map(|&l| l.to_owned()).collect(),
            ..Default::default()
        };
        let nation = crate::identity::NationCode::parse("FRA").unwrap();
        let rules = crate::normalise::Rules::default();
        let profile = Profile::compile(nation, &notation, &rules).unwrap();
        let given = report::Bearing {
            text: text.to_owned(),
            ..report::Bearing::default()
        };
        judge_of(&given, None, &profile).map(|d| d.map(|d| d.true_deg))
    };
    use crate::normalise::profile::LetterOName;
    assert_eq!(of(Some(LetterOName::West), &["fr"], "NO"), Ok(Some(315.0)));
    assert_eq!(of(Some(LetterOName::East), &["de"], "NO"), Ok(Some(45.0)));
    assert_eq!(of(None, &["ru"], "В"), Ok(Some(90.0)));
    assert_eq!(of(None, &["ru"], "ЮВ"), Ok(Some(135.0)));
    for (languages, text) in [(["ru"], "в"), (["uk"], "В"), (["ru"], "NO")] {
        assert_eq!(
            of(None, &languages, text),
            Err("bearing.unreadable".to_owned()),
            "{text}"
        );
    }
}

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
    ] {
        assert_eq!(text(written), Ok(Some(degrees)), "{written}");
    }
    assert_eq!(text(""), Ok(None));
}

#[test]
fn refuses_what_has_two_meanings() {
    assert_eq!(text("1600"), Err("bearing.unit_missing".to_owned()));
    assert_eq!(text("100 grad"), Err("bearing.unit_missing".to_owned()));
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

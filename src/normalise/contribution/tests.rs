//! Goal: a whole contribution passes with every field, and each invariant is refused on its own
//! with its field named.

use super::*;
use crate::identity::{Identity, NationCode};
use crate::normalise::{Notation, Profile, Rules, Violations};
use crate::report::{Caveat, Contribution, Equipment, NoticeToMove, Personnel, Sensor, Term, Time};
use proptest::prelude::*;

const SQUARE: &str =
    r#"{"type":"Polygon","coordinates":[[[37.0,48.0],[38.0,48.0],[38.0,49.0],[37.0,48.0]]]}"#;

fn term(text: &str) -> Option<Term> {
    Some(Term {
        text: text.to_owned(),
        code: 0,
    })
}

fn whole() -> Contribution {
    Contribution {
        as_of: Some(Time {
            text: "2026-01-06T18:30:00Z".to_owned(),
            ..Time::default()
        }),
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-01-31".to_owned(),
        contribution_id: "GBR-C01".to_owned(),
        kind: term("unit"),
        stage: term("deployed"),
        operational_status: term("FMC"),
        unit_name: "2 Sqn".to_owned(),
        unit_symbol: "SFGPUCR----D---".to_owned(),
        personnel: vec![Personnel {
            category: 3,
            authorised: Some(100),
            deployed: Some(80),
            effective: Some(78),
            female: Some(20),
            male: Some(55),
            undisclosed: Some(5),
        }],
        equipment: vec![Equipment {
            equipment: Some(report::Weapon {
                text: "APC (Fuchs)".to_owned(),
                ..report::Weapon::default()
            }),
            quantity_authorised: Some(10),
            quantity_on_hand: Some(8),
            quantity_fmc: Some(6),
            quantity_pmc: Some(1),
            quantity_nmc: Some(1),
        }],
        sensors: vec![Sensor {
            kind: "camera".to_owned(),
            range_m: Some(8_000.0),
            availability_pct: Some(99.5),
            ..Sensor::default()
        }],
        notice_to_move: notice("NTM 48h"),
        location: Some(report::Location {
            wgs84: Some(report::Wgs84Point {
                latitude_deg: 48.8566,
                longitude_deg: 2.3522,
            }),
            ..report::Location::default()
        }),
        area_of_responsibility_geojson: SQUARE.to_owned(),
        sustainment: Some(report::Sustainment {
            fuel_days: Some(12.5),
            ..report::Sustainment::default()
        }),
        caveats: vec![Caveat {
            code: 1,
            text: String::new(),
        }],
        valid_from: "2026-01-01".to_owned(),
        valid_until: "2026-06-30".to_owned(),
        rotation_date: "2026-04-01".to_owned(),
        point_of_contact_role: "watch officer, G3".to_owned(),
        ..Contribution::default()
    }
}

fn notice(text: &str) -> Option<NoticeToMove> {
    Some(NoticeToMove {
        text: text.to_owned(),
        hours: None,
    })
}

fn judge(given: Contribution) -> Result<record::Contribution, Violations> {
    let identity = Identity::parse("GBR/desk").unwrap();
    let nation = NationCode::parse("GBR").unwrap();
    let profile = Profile::compile(nation, &Notation::default(), &Rules::default()).unwrap();
    let context = Context {
        identity: &identity,
        profile: &profile,
        received_at: "2026-01-09T12:00:00Z".parse().unwrap(),
        original_sha256: [0; 32],
        original_media_type: "".into(),
    };
    let mut notes = Notes::new();
    let built = contribution(given, &context, &mut notes);
    notes
        .finish()
        .map(|_| built.expect("no violation, so a contribution"))
}

fn with(change: impl FnOnce(&mut Contribution)) -> Contribution {
    let mut given = whole();
    change(&mut given);
    given
}

#[track_caller]
fn refused(rule: &str, field: &str, change: impl FnOnce(&mut Contribution)) {
    let violations = judge(with(change)).unwrap_err().list;
    let told: Vec<_> = violations
        .iter()
        .map(|v| (v.rule, v.field.as_ref()))
        .collect();
    assert_eq!(told, [(rule, format!("contribution.{field}").as_str())]);
}

#[test]
fn a_whole_contribution_passes() {
    let contribution = judge(whole()).unwrap();
    assert_eq!(contribution.kind, ContributionKind::Unit);
    assert_eq!(contribution.stage, CommitmentStage::Deployed);
    assert_eq!(contribution.notice_to_move_h, Some(48));
    assert_eq!(contribution.equipment[0].equipment.model, "Fuchs");
    assert_eq!(contribution.area_of_responsibility_geojson, SQUARE);
    assert_eq!(contribution.valid_from.to_string(), "2026-01-01");
    // Headquarters and training stand outside the area of interest.
    assert!(contribution.location.is_some());
}

#[test]
fn nobody_deployed_is_a_contribution_too() {
    let contribution = judge(with(|c| {
        c.personnel = vec![Personnel {
            category: 3,
            deployed: Some(0),
            ..Personnel::default()
        }];
    }));
    assert_eq!(contribution.unwrap().personnel[0].deployed, Some(0));
    let finance = judge(with(|c| {
        c.kind = term("funding");
        c.personnel.clear();
    }));
    assert!(finance.is_ok());
}

#[test]
fn people_add_up() {
    refused("contribution.deployed", "personnel[0].deployed", |c| {
        c.personnel[0].authorised = Some(79);
    });
    refused("contribution.deployed", "personnel[0].effective", |c| {
        c.personnel[0].effective = Some(81);
    });
    refused("contribution.split", "personnel[0].deployed", |c| {
        c.personnel[0].undisclosed = Some(4);
    });
    refused("contribution.split", "personnel[0].deployed", |c| {
        c.personnel[0].undisclosed = None;
        c.personnel[0].male = Some(61);
    });
    refused(
        "contribution.personnel_rows",
        "personnel[1].category",
        |c| {
            c.personnel.push(c.personnel[0].clone());
        },
    );
    refused("contribution.number", "personnel[0].authorised", |c| {
        c.personnel[0].authorised = Some(9_999_999);
    });
    refused("contribution.needed", "personnel", |c| c.personnel.clear());
    refused("code.missing", "personnel[0].category", |c| {
        c.personnel.push(Personnel::default());
        c.personnel.swap(0, 1);
    });
    // What is not given is not zero.
    assert!(judge(with(|c| c.personnel[0].undisclosed = None)).is_ok());
    assert!(judge(with(|c| c.personnel[0].authorised = None)).is_ok());
}

#[test]
fn things_add_up() {
    refused(
        "contribution.on_hand",
        "equipment[0].quantity_on_hand",
        |c| {
            c.equipment[0].quantity_authorised = Some(7);
        },
    );
    refused(
        "contribution.capable",
        "equipment[0].quantity_on_hand",
        |c| {
            c.equipment[0].quantity_nmc = Some(2);
        },
    );
    refused("contribution.equipment", "equipment[0].equipment", |c| {
        c.equipment[0].equipment = None;
    });
    refused("contribution.sensor", "sensors[0].type", |c| {
        c.sensors[0].kind.clear()
    });
    refused("contribution.sensor", "sensors[0].range_m", |c| {
        c.sensors[0].range_m = Some(9_999_999.0);
    });
    refused("contribution.sensor", "sensors[0].availability_pct", |c| {
        c.sensors[0].availability_pct = Some(100.1);
    });
    refused("contribution.supply", "sustainment.fuel_days", |c| {
        c.sustainment = Some(report::Sustainment {
            fuel_days: Some(f64::NAN),
            ..report::Sustainment::default()
        });
    });
}

#[test]
fn ids_dates_and_texts() {
    refused("contribution.id", "contribution_id", |c| {
        c.contribution_id.clear()
    });
    refused("contribution.id", "parent_contribution_id", |c| {
        c.parent_contribution_id = c.contribution_id.clone();
    });
    refused("contribution.dates", "period_end", |c| {
        c.period_end = "2025-12-31".to_owned()
    });
    refused("contribution.dates", "valid_until", |c| {
        c.valid_until = "2025-12-31".to_owned()
    });
    refused("contribution.dates", "rotation_date", |c| {
        c.rotation_date = "2025-12-31".to_owned()
    });
    refused("contribution.dates", "valid_from", |c| c.valid_from.clear());
    // What begins and ends on the same day lasts that day.
    let one_day = judge(with(|c| {
        for date in [&mut c.period_end, &mut c.valid_until, &mut c.rotation_date] {
            "2026-01-01".clone_into(date);
        }
    }));
    assert!(one_day.is_ok());
    refused("time.unreadable", "valid_from", |c| {
        c.valid_from = "soon".to_owned()
    });
    refused("time.missing", "as_of", |c| c.as_of = None);
    refused("contribution.text", "unit_symbol", |c| {
        c.unit_symbol = "§".to_owned()
    });
    refused("contribution.text", "unit_name", |c| {
        c.unit_name = "x".repeat(300)
    });
    refused("contribution.caveat", "caveats[0]", |c| {
        c.caveats = vec![Caveat::default()]
    });
    refused("code.unknown", "caveats[0].code", |c| {
        c.caveats[0].code = 99
    });
    refused("vocabulary.unknown", "stage", |c| {
        c.stage = term("somewhere")
    });
    refused("vocabulary.missing", "operational_status", |c| {
        c.operational_status = None
    });
}

#[test]
fn a_point_of_contact_is_a_role() {
    for contact in [
        "major@army.example",
        "+49 30 1234567",
        "https://desk.example",
    ] {
        refused("contribution.contact", "point_of_contact_role", |c| {
            c.point_of_contact_role = contact.to_owned();
        });
    }
    assert!(judge(with(|c| c.point_of_contact_role = "J3/5 desk 12".to_owned())).is_ok());
}

#[test]
fn notices_to_move() {
    for (text, hours) in [
        ("NTM 48h", 48),
        ("10 days", 240),
        ("R5", 720),
        ("r1", 48),
        ("UN RDL", 1_440),
        ("48 год", 48),
        ("10 діб", 240),
        ("préavis: 72 heures", 72),
        ("2 Wochen", 336),
        ("96 godzin", 96),
        // Three years are the longest that is believed.
        ("1096 days", 26_304),
    ] {
        let built = judge(with(|c| c.notice_to_move = notice(text))).expect(text);
        assert_eq!(built.notice_to_move_h, Some(hours), "{text}");
    }
    for text in [
        "soon",
        "48",
        "R9",
        "R",
        "-1 h",
        "NTM \u{2212}1h",
        "48-72 h",
        "1.5 days",
        "99999999999 h",
        "26305 h",
        "200000 h",
    ] {
        refused("contribution.notice", "notice_to_move", |c| {
            c.notice_to_move = notice(text)
        });
    }
    refused("contribution.notice_one_form", "notice_to_move", |c| {
        c.notice_to_move = Some(NoticeToMove {
            text: "48 h".to_owned(),
            hours: Some(48),
        });
    });
    let absent = judge(with(|c| c.notice_to_move = None)).unwrap();
    assert_eq!(absent.notice_to_move_h, None);
}

#[test]
fn areas_are_closed_polygons() {
    let field = "area_of_responsibility_geojson";
    for wrong in [
        "here",
        r#"{"type":"Point","coordinates":[37.0,48.0]}"#,
        r#"{"type":"Polygon","coordinates":[]}"#,
        r#"{"type":"Polygon","coordinates":[[[37,48],[38,48],[37,48]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[37,48],[38,48],[38,49],[37,49]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[37,98],[38,48],[38,49],[37,98]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[37],[38,48],[38,49],[37]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[37,48,1,2],[38,48],[38,49],[37,48,1,2]]]}"#,
    ] {
        refused("contribution.area", field, |c| {
            c.area_of_responsibility_geojson = wrong.to_owned();
        });
    }
    refused("contribution.area_swapped", field, |c| {
        c.area_of_responsibility_geojson =
            r#"{"type":"Polygon","coordinates":[[[48,37],[48,38],[49,38],[48,37]]]}"#.to_owned();
    });
    refused("contribution.area", field, |c| {
        c.area_of_responsibility_geojson = "[".repeat(70_000);
    });
    refused("position.axes_swapped", "location", |c| {
        c.location = Some(report::Location {
            wgs84: Some(report::Wgs84Point {
                latitude_deg: 37.8,
                longitude_deg: 48.0,
            }),
            ..report::Location::default()
        });
    });
}

#[test]
fn all_reasons_are_told_at_once() {
    let violations = judge(Contribution::default()).unwrap_err().list;
    let fields: Vec<_> = violations.iter().map(|v| v.field.as_ref()).collect();
    for field in [
        "as_of",
        "contribution_id",
        "kind",
        "stage",
        "operational_status",
        "valid_from",
    ] {
        assert!(
            fields.contains(&format!("contribution.{field}").as_str()),
            "{fields:?}"
        );
    }
}

#[test]
fn limits_in_words_get_their_code_and_keep_their_text() {
    for (text, code) in [
        ("No night operations", Some(CaveatCode::NoNightOps)),
        ("No drones, by order of parliament", Some(CaveatCode::NoUav)),
        (
            "does not cross the line of contact",
            Some(CaveatCode::NoCrossLine),
        ),
        ("only with a doctor", None),
        ("daylight only, no drones", None),
    ] {
        let judged = judge(with(|given| {
            given.caveats = vec![Caveat {
                code: 0,
                text: text.to_owned(),
            }];
        }));
        let caveat = judged.unwrap().caveats.remove(0);
        assert_eq!((caveat.code, caveat.text.as_str()), (code, text));
    }
    let coded = judge(with(|given| {
        given.caveats = vec![Caveat {
            code: 2,
            text: "no drones".to_owned(),
        }];
    }));
    let code = coded.unwrap().caveats[0].code;
    assert_eq!(code, Some(CaveatCode::AreaRestricted), "the code stands");
}

#[test]
fn classes_of_unmanned_aircraft_have_one_name() {
    for (given, class) in [
        ("Class I - mini", "NATO CLASS I MINI"),
        ("NATO CLASS II TACTICAL", "NATO CLASS II TACTICAL"),
        ("MALE", "NATO CLASS III MALE"),
        ("long-range UAV", "OSCE LONG RANGE"),
        ("mini-UAV", "OSCE MINI"),
        ("paper plane", "paper plane"),
        ("", ""),
    ] {
        let judged = judge(with(|changed| {
            changed.sensors = vec![Sensor {
                kind: "camera".to_owned(),
                uas_class: given.to_owned(),
                ..Sensor::default()
            }];
        }));
        assert_eq!(judged.unwrap().sensors[0].uas_class, class);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(a in any::<String>(), b in "[\\[\\]{}\",:.0-9a-zA-Z -]{0,60}") {
        let _ = judge(with(|c| {
            c.notice_to_move = notice(&b);
            c.area_of_responsibility_geojson = format!("{SQUARE}{b}");
            c.valid_from = a.clone();
            c.unit_symbol = b.clone();
            c.point_of_contact_role = a.clone();
            c.contribution_id = a;
        }));
    }

    #[test]
    fn accepted_people_keep_their_invariants(
        numbers in proptest::collection::vec(proptest::option::of(0_u32..50), 6),
    ) {
        let row = Personnel {
            category: 1,
            authorised: numbers[0],
            deployed: numbers[1],
            effective: numbers[2],
            female: numbers[3],
            male: numbers[4],
            undisclosed: numbers[5],
        };
        if let Ok(built) = judge(with(|c| c.personnel = vec![row])) {
            let row = &built.personnel[0];
            if let (Some(deployed), Some(authorised)) = (row.deployed, row.authorised) {
                prop_assert!(deployed <= authorised);
            }
            if let (Some(d), Some(f), Some(m), Some(u)) =
                (row.deployed, row.female, row.male, row.undisclosed)
            {
                prop_assert_eq!(f + m + u, d);
            }
        }
    }
}

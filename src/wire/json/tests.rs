use super::*;
use crate::report::Body;
use crate::wire::decode_report;
use serde_json::json;

/// The example of the design, as one line.
fn example() -> serde_json::Value {
    json!({
        "reportId": "GBR-000017", "revision": 1, "action": "ACTION_NEW",
        "environment": "ENVIRONMENT_LIVE",
        "sighting": {
            "origin": "ORIGIN_OWN_OBSERVATION",
            "observedFrom": {"text": "061830ZJAN26"},
            "means": [{"text": "heard"}],
            "location": {"text": "37UDP1072918760", "referenceSystem": "MGRS"},
            "observations": [{
                "type": {"text": "explosion"}, "count": {"text": "about 5"},
                "countBasis": "COUNT_BASIS_INDIVIDUAL", "phase": {"text": "outgoing"},
                "weapon": {"text": "MLRS (BM-21 Grad, 122mm)"},
            }],
            "confidence": {"sourceReliability": "B", "credibility": "2"},
        },
        "marking": {"text": "OFFICIAL-SENSITIVE", "releasableTo": ["USA", "GBR", "UKR"]},
    })
}

fn faulty(line: &str) -> Faulty {
    report_from_json(line.as_bytes()).expect_err(line)
}

fn refused(line: &str) -> Violations {
    faulty(line).violations
}

/// Field, rule and what was expected of each violation.
fn said(violations: &Violations) -> Vec<(&str, &str, &str)> {
    violations
        .list
        .iter()
        .map(|v| (v.field.as_ref(), v.rule, v.expected.as_ref()))
        .collect()
}

#[test]
fn the_example_of_the_design_becomes_a_report() {
    let bytes = report_from_json(example().to_string().as_bytes()).expect("a report");
    let report = decode_report(&bytes).expect("its own bytes");
    assert_eq!(report.report_id, "GBR-000017");
    assert_eq!(
        report.marking.expect("marking").releasable_to,
        ["USA", "GBR", "UKR"]
    );
    let Some(Body::Sighting(sighting)) = report.body else {
        panic!("a sighting");
    };
    assert_eq!(
        sighting.location.expect("location").reference_system,
        "MGRS"
    );
}

#[test]
fn both_spellings_of_a_field_and_numbers_of_enumerations_are_taken() {
    let a =
        report_from_json(br#"{"reportId":"x","reported_at":"2026-01-06T18:30:00Z","action":1}"#);
    let b = report_from_json(
        br#"{"report_id":"x","reportedAt":"2026-01-06T18:30:00Z","action":"ACTION_NEW"}"#,
    );
    assert!(a.is_ok());
    assert_eq!(a, b);
}

#[test]
fn the_same_line_gives_the_same_bytes() {
    let line = example().to_string();
    assert_eq!(
        report_from_json(line.as_bytes()),
        report_from_json(line.as_bytes())
    );
}

#[test]
fn everything_wrong_with_a_line_is_said_at_once_with_its_place() {
    let mut line = example();
    line["sighting"]["observations"][0]["type"]["code"] = json!("EXPLOSION");
    line["sighting"]["observations"][0]["count"] = json!(5);
    line["sighting"]["location"]["wgs84"] = json!({"latitude": 48.0});
    line["revision"] = json!(-1);
    line["reportedAt"] = json!("yesterday");
    line["markings"] = json!("SECRET");
    line["evidence"] = json!({"sha256": "x"});
    let violations = refused(&line.to_string());
    let said = said(&violations);
    let find = |field: &str| {
        said.iter()
            .find(|(f, _, _)| *f == field)
            .unwrap_or_else(|| panic!("{field} in {said:#?}"))
    };
    assert_eq!(said.len(), 7, "{said:#?}");
    let code = find("sighting.observations[0].type.code");
    assert_eq!(code.1, UNKNOWN_CODE);
    assert!(
        code.2
            .starts_with("did you mean `OBSERVATION_TYPE_EXPLOSION`? "),
        "{}",
        code.2
    );
    let count = find("sighting.observations[0].count");
    assert!(
        count.2.contains(r#"for example {"text":"5"}"#),
        "{}",
        count.2
    );
    let latitude = find("sighting.location.wgs84.latitude");
    assert_eq!(latitude.1, UNKNOWN_FIELD);
    assert!(latitude.2.contains("latitudeDeg"), "{}", latitude.2);
    assert_eq!(find("revision").2, "a whole number from 0 to 4294967295");
    assert!(find("reported_at").2.contains("RFC 3339"));
    assert!(find("markings").2.starts_with("did you mean `marking`? "));
    assert_eq!(find("evidence").2, "a list: [...]");
}

#[test]
fn what_is_right_of_a_line_stays_in_its_place() {
    let mut line = example();
    let mut second = line["sighting"]["observations"][0].clone();
    second["weapon"]["text"] = json!("blunderbuss");
    line["sighting"]["observations"] = json!(["explosion", second]);
    line["sighting"]["colour"] = json!("red");
    line["marking"]["releasableTo"] = json!(["USA", 5, "UKR"]);
    line["environment"] = json!("LIVE?");
    let faulty = faulty(&line.to_string());
    assert_eq!(faulty.violations.list.len(), 4, "{faulty:#?}");
    let rest = decode_report(&faulty.rest.expect("a rest")).expect("its own bytes");
    assert_eq!(rest.report_id, "GBR-000017");
    assert_eq!(rest.environment, 0, "what was wrong is absent");
    let marking = rest.marking.expect("marking");
    assert_eq!(marking.releasable_to, ["USA", "", "UKR"]);
    let Some(Body::Sighting(sighting)) = rest.body else {
        panic!("a sighting");
    };
    let weapons: Vec<_> = sighting.observations.iter().map(|o| &o.weapon).collect();
    assert_eq!(weapons.len(), 2);
    assert_eq!(*weapons[0], None);
    let second = weapons[1].as_ref().expect("the second weapon");
    assert_eq!(second.text, "blunderbuss");
}

#[test]
fn what_may_come_from_a_fault_of_the_line_is_not_said_again() {
    let mut line = example();
    line["enviroment"] = line["environment"].take();
    line["sighting"]["location"]["axisOrdr"] = json!("north, east");
    line["sighting"]["observations"][0]["phase"] = json!("outgoing");
    let faulty = faulty(&line.to_string());
    for repeated in [
        // What `enviroment` was meant to be.
        "environment",
        "enviroment",
        // A place is one value: without its order of axes all of it is in doubt.
        "sighting.location",
        "sighting.location.text",
        "sighting.observations[0].phase",
        "sighting.observations[0].phase.code",
        // What lost a part.
        "sighting.observations[0]",
        "sighting",
    ] {
        assert!(!faulty.leaves_intact(repeated), "{repeated}");
    }
    for new in [
        "report_id",
        "marking.text",
        "sighting.observed_from",
        "sighting.observations[0].phases",
        "sighting.observations[0].weapon",
        "sighting.observations[1].phase",
    ] {
        assert!(faulty.leaves_intact(new), "{new}");
    }
    let violation = |field: &str| Violation {
        field: field.to_owned().into(),
        rule: "test",
        message: "".into(),
        expected: "".into(),
    };
    let mut of_the_rest = Violations::default();
    of_the_rest.push(violation("environment"));
    of_the_rest.push(violation("sighting.observed_from"));
    of_the_rest.omitted = 2;
    let all = faulty.with(of_the_rest);
    assert_eq!(all.omitted, 2);
    let fields: Vec<_> = all.list.iter().map(|v| v.field.as_ref()).collect();
    assert_eq!(
        fields,
        [
            "enviroment",
            "sighting.location.axisOrdr",
            "sighting.observations[0].phase",
            "sighting.observed_from",
        ]
    );
}

#[test]
fn two_bodies_are_one_too_many() {
    let violations = refused(r#"{"sighting":{},"contribution":{}}"#);
    assert_eq!(violations.list.len(), 1);
    assert_eq!(violations.list[0].rule, TWO_OF_ONE);
}

#[test]
fn what_is_no_json_is_said_with_its_column() {
    for (line, part) in [
        ("{", "EOF while parsing an object at column 1"),
        ("hello", "expected value at column 1"),
        (r#"{"reportId":"x"} {"#, "trailing characters at column 18"),
        ("[]", "`[]`"),
        ("", "EOF"),
    ] {
        let violations = refused(line);
        assert_eq!(violations.list.len(), 1);
        let violation = &violations.list[0];
        assert_eq!(violation.field, "");
        let message = &violation.message;
        assert!(
            message.contains(part) || message.contains("a list"),
            "{line}: {message}"
        );
    }
    let violations = report_from_json(b"{\"reportId\":\"\xff\"}").expect_err("not UTF-8");
    assert_eq!(violations.rest, None);
    let violations = violations.violations;
    assert_eq!(violations.list[0].rule, NOT_UTF8);
    assert_eq!(violations.list[0].message, "byte 14 is not UTF-8");
}

#[test]
fn a_text_of_a_stranger_is_clipped_and_harmless() {
    let line = json!({"revision": format!("\u{1b}[2J{}", "x".repeat(10_000))}).to_string();
    let violations = refused(&line);
    assert!(violations.list[0].message.chars().count() < 100);
    assert!(!violations.list[0].message.contains('\u{1b}'));
    let line = json!({format!("\u{1b}[2J{}", "x".repeat(10_000)): 1}).to_string();
    let violations = refused(&line);
    assert!(violations.list[0].field.chars().count() < 100);
    assert!(!violations.list[0].field.contains('\u{1b}'));
}

#[test]
fn messages_become_json_by_protobufs_mapping() {
    let receipt = crate::wire::proto::Receipt {
        position: u64::MAX,
        received_at: Some(prost_types::Timestamp {
            seconds: 1_767_724_200,
            nanos: 0,
        }),
        report_sha256: Bytes::from_static(&[0, 1, 2]),
        supersedes_position: None,
    };
    let json = to_json("entente.v1.Receipt", &receipt.encode_to_vec()).expect("JSON");
    assert_eq!(
        json.get(),
        r#"{"position":"18446744073709551615","receivedAt":"2026-01-06T18:30:00Z","reportSha256":"AAEC"}"#
    );
    assert_eq!(
        to_json("entente.v1.Nothing", &[]).map(|json| json.to_string()),
        Err(JsonError::NoSuchMessage("entente.v1.Nothing".to_owned()))
    );
    assert!(to_json("entente.v1.Receipt", &[0xff]).is_err());
}

#[test]
fn the_trace_stands_beside_the_record() {
    let record = crate::wire::proto::Record {
        report_id: "x".to_owned(),
        trace: vec![crate::wire::proto::TraceEntry {
            field: "sighting.location".to_owned(),
            rule: "position.mgrs".to_owned(),
            rule_version: 1,
            severity: 2,
            ..Default::default()
        }],
        ..Default::default()
    };
    let (record, trace) = record_and_trace(&record.encode_to_vec()).expect("JSON");
    assert_eq!(record.get(), r#"{"reportId":"x"}"#);
    assert_eq!(
        trace.get(),
        r#"[{"field":"sighting.location","rule":"position.mgrs","ruleVersion":1,"severity":"SEVERITY_WARN"}]"#
    );
}

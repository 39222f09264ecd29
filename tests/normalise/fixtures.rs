//! Golden messages: `tests/fixtures/golden/*.json` hold what a nation sends in its own notation
//! and language, an oracle that was computed elsewhere, and the whole record with its trace, or
//! every reason of the refusal. `ENTENTE_WRITE_GOLDEN=1` writes the latter anew; the oracle
//! holds it in any case.

use crate::support::profile;
use entente::formats;
use entente::identity::Identity;
use entente::normalise::{Context, Violations, normalise};
use entente::record::{Action, Environment, Record};
use entente::report::{self, Report};
use entente::wire::{self, json};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The report of a message: as JSON, or as a native payload with its marking.
fn report(message: &Value) -> Report {
    let native = &message["native"];
    if native.is_null() {
        let line = message["report"].to_string();
        let bytes = json::report_from_json(line.as_bytes()).expect("a report");
        return wire::decode_report(&bytes).expect("a report");
    }
    let content = text(native, "content").as_bytes();
    let read = formats::read(text(native, "mediaType"), content).expect("a readable form");
    let list = native["releasableTo"].as_array().expect("a list");
    let list = list.iter().filter_map(Value::as_str);
    Report {
        report_id: format!("{}-NATIVE", text(message, "nation")),
        revision: 1,
        action: Action::New.number(),
        environment: Environment::Live.number(),
        marking: Some(report::Marking {
            text: text(native, "marking").to_owned(),
            releasable_to: list.map(str::to_owned).collect(),
            special: Vec::new(),
        }),
        ..read
    }
}

fn judge(message: &Value) -> Result<Record, Violations> {
    let nation = text(message, "nation");
    let identity = Identity::parse(&format!("{nation}/desk")).expect("an identity");
    let profile = profile(nation);
    let context = Context {
        identity: &identity,
        profile: &profile,
        received_at: text(message, "receivedAt").parse().expect("a time"),
        original_sha256: [0; 32],
        original_media_type: "application/json".into(),
    };
    normalise(report(message), &context)
}

/// The answer as it stands in the file.
fn answer(outcome: Result<Record, Violations>) -> Value {
    match outcome {
        Ok(record) => {
            let shown = json::record_and_trace(&wire::encode_record(&record));
            let (record, trace) = shown.expect("a record");
            let value = |raw: &str| serde_json::from_str::<Value>(raw).expect("JSON");
            json!({"record": value(record.get()), "trace": value(trace.get())})
        }
        Err(violations) => {
            let list = violations.list.iter().map(|v| {
                json!({"field": v.field, "rule": v.rule, "message": v.message, "expected": v.expected})
            });
            json!({"violations": list.collect::<Vec<_>>()})
        }
    }
}

/// A code without the prefix of its enumeration.
fn ends(value: &Value, code: &Value) -> bool {
    let code = code.as_str().expect("a code");
    value
        .as_str()
        .is_some_and(|name| name == code || name.ends_with(&format!("_{code}")))
}

fn near(value: &Value, oracle: &Value, by: f64) -> bool {
    let both = value.as_f64().zip(oracle.as_f64());
    both.is_some_and(|(value, oracle)| (value - oracle).abs() <= by)
}

/// Holds a record against what was computed elsewhere.
fn holds(file: &str, record: &Value, oracle: &Value) {
    let seen = &record["sighting"];
    let first = &seen["observations"][0];
    let given = &record["contribution"];
    for (key, expected) in oracle.as_object().expect("an oracle") {
        let fits = match key.as_str() {
            "utc" => seen["observedFrom"]["utc"] == *expected,
            // A metre, as the vectors have it.
            "lat" => near(&seen["location"]["latitudeDeg"], expected, 1e-5),
            "lon" => near(&seen["location"]["longitudeDeg"], expected, 1.5e-5),
            "uncertainty" => near(&seen["location"]["horizontalUncertaintyM"], expected, 1.0),
            "operation" => seen["location"]["transformOp"] == *expected,
            "level" => record["marking"]["level"] == *expected,
            "released" => record["marking"]["releasableTo"] == *expected,
            "type" => ends(&first["type"], expected),
            "basis" => ends(&first["countBasis"], expected),
            "phase" => ends(&first["phase"], expected),
            "count" => {
                let count = &first["count"];
                count["min"] == expected[0]
                    && (expected[1].is_null() || count["max"] == expected[1])
                    && ends(&count["qualifier"], &expected[2])
            }
            "weapon" => ends(&first["weapon"]["weaponClass"], expected),
            "code" => first["weapon"]["code2525d"] == *expected,
            "model" => first["weapon"]["model"] == *expected,
            "calibre" => near(&first["weapon"]["calibreMm"][0], expected, 0.0),
            "direction" => near(&first["directionFromDeg"], expected, 1e-9),
            "probability" => {
                let confidence = &seen["confidence"];
                confidence["probabilityLoPct"] == expected[0]
                    && confidence["probabilityHiPct"] == expected[1]
            }
            "kind" => ends(&given["kind"], expected),
            "stage" => ends(&given["stage"], expected),
            "status" => ends(&given["operationalStatus"], expected),
            "notice" => given["noticeToMoveH"] == *expected,
            other => panic!("{file}: no oracle {other}"),
        };
        assert!(fits, "{file}: {key} is not {expected} in\n{record:#}");
    }
}

/// Holds a refusal against the fields, and rules, that it must name.
fn refuses(file: &str, answer: &Value, refused: &Value) {
    let list = answer["violations"].as_array();
    let list = list.unwrap_or_else(|| panic!("{file}: it was accepted"));
    for expected in refused.as_array().expect("a list") {
        let told = list.iter().any(|violation| {
            let rule = &expected[1];
            violation["field"] == expected[0] && (rule.is_null() || violation["rule"] == *rule)
        });
        assert!(told, "{file}: no {expected} in\n{answer:#}");
    }
}

#[test]
fn every_message_becomes_what_its_file_says() {
    let writes = std::env::var_os("ENTENTE_WRITE_GOLDEN").is_some();
    let mut nations = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read_to_string(&path).expect("a file");
        let mut message: Value = serde_json::from_str(&content).expect("JSON");
        let answer = answer(judge(&message));
        match &message["oracle"]["refused"] {
            Value::Null => {
                nations.insert(text(&message, "nation").to_owned());
                holds(&name, &answer["record"], &message["oracle"]);
            }
            refused => refuses(&name, &answer, refused),
        }
        if message["expected"] == answer {
            continue;
        }
        if writes {
            message["expected"] = answer;
            let text = serde_json::to_string_pretty(&message).expect("JSON");
            std::fs::write(&path, text + "\n").expect("written");
        } else {
            wrong.push(format!("{name} is not as expected:\n{answer:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = [
        "CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA",
    ];
    assert!(nations.iter().map(String::as_str).eq(all), "{nations:?}");
}

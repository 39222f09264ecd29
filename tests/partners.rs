//! The mock partners against the normaliser: every report of five nations, in their own
//! notation, comes out as the answer that is known without it, or is refused by the rule that
//! its mistake must meet.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use entente::config;
use entente::identity::Identity;
use entente::mock::{Expected, Fault, Partner, Tongue};
use entente::normalise::{Context, Profile, normalise};
use entente::wire::proto::Record;
use entente::wire::{decode_report, encode_record};
use jiff::Timestamp;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const REPORTS_PER_NATION: u64 = 1_500;

/// What became of a report: its record, or the rules that refuse it.
fn judge(
    tongue: Tongue,
    profile: &Profile,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Record, Vec<String>> {
    let identity = format!("{}/{}", tongue.nation(), tongue.system());
    let identity = Identity::parse(&identity).expect("a sound identity");
    let context = Context {
        identity: &identity,
        profile,
        received_at: now,
        original_sha256: [0; 32],
        original_media_type: "application/x-protobuf".into(),
    };
    let rules = |violations: entente::normalise::Violations| {
        let said =
            |v: &entente::normalise::Violation| format!("{} {}: {}", v.rule, v.field, v.message);
        violations.list.iter().map(said).collect::<Vec<_>>()
    };
    let report = decode_report(bytes).map_err(rules)?;
    let record = normalise(report, &context).map_err(rules)?;
    Ok(Record::decode(&encode_record(&record)[..]).expect("records are readable"))
}

fn check(tongue: Tongue, now: &str, seed: u64, reports: u64) -> BTreeSet<Fault> {
    let now: Timestamp = now.parse().expect("a time");
    let partner = Partner::new(tongue, seed, now.as_second());
    let file = format!("config/nations/{}.toml", tongue.nation());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let profile = config::load_nation(&file)
        .expect("the shipped file is sound")
        .profile;
    let mut faults = BTreeSet::new();
    let mut wrong = BTreeMap::new();
    for number in 0..reports {
        let mocked = partner.report(number);
        let name = format!("seed {seed}, {} (number {number})", mocked.report_id);
        let said = match (
            judge(tongue, &profile, &mocked.bytes, now),
            &mocked.expected,
        ) {
            (Ok(record), Expected::Accepted(answer)) => answer.differences(&record),
            (Err(rules), Expected::Refused { rule, fault }) => {
                faults.insert(*fault);
                let met = rules
                    .iter()
                    .any(|said| said.split(' ').next() == Some(rule));
                let said = format!("{fault:?} must meet {rule}, met {rules:?}");
                if met { Vec::new() } else { vec![said] }
            }
            (Ok(_), Expected::Refused { fault, .. }) => vec![format!("{fault:?} was accepted")],
            (Err(rules), Expected::Accepted(_)) => rules,
        };
        for said in said {
            wrong.entry(said).or_insert_with(|| name.clone());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    faults
}

#[test]
fn every_report_comes_out_as_the_known_answer() {
    let mut faults = BTreeSet::new();
    for tongue in Tongue::ALL {
        faults.extend(check(tongue, "2026-01-06T18:30:00Z", 1, REPORTS_PER_NATION));
    }
    assert_eq!(
        faults.len(),
        Fault::ALL.len(),
        "some mistake was never made: {faults:?}"
    );
}

#[test]
fn every_month_is_understood_in_every_language() {
    for tongue in Tongue::ALL {
        for month in 1..=12 {
            check(tongue, &format!("2026-{month:02}-15T12:00:00Z"), month, 40);
        }
    }
}

#[test]
fn the_days_when_clocks_change_are_understood() {
    for tongue in Tongue::ALL {
        for now in [
            "2026-03-29T03:30:00Z",
            "2026-10-25T03:30:00Z",
            "2026-10-25T00:45:00Z",
        ] {
            check(tongue, now, 9, 200);
        }
    }
}

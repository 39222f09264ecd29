//! What every target does with its input: as the gateway does with a payload, without journal
//! and network. A refusal must have a reason, and nothing may panic.

use bytes::Bytes;
use entente::formats;
use entente::identity::Identity;
use entente::intake::read_native;
use entente::normalise::{Context, Notation, Profile, Rules, normalise};
use entente::report::{Marking, Report};
use entente::wire::{self, Native};
use std::sync::OnceLock;

/// A profile that speaks all languages, so that as much of the vocabulary as possible is met.
fn profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let words = ["en", "fr", "de", "pl", "uk", "ru"];
        let notation = Notation {
            languages: words.map(str::to_owned).to_vec(),
            zone: Some("Europe/Kyiv".to_owned()),
            marking_policies: vec!["NATO".to_owned()],
            ..Notation::default()
        };
        let nation = identity().nation;
        Profile::compile(nation, &notation, &Rules::default()).expect("a profile")
    })
}

fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::parse("GBR/fuzz").expect("an identity"))
}

/// To a record or to reasons; a record must survive its own encoding.
fn judge(report: Report) {
    let context = Context {
        identity: identity(),
        profile: profile(),
        received_at: "2026-01-09T12:00:00Z".parse().expect("a time"),
        original_sha256: [7; 32],
        original_media_type: "text/plain".into(),
    };
    match normalise(report, &context) {
        Ok(record) => {
            let bytes = wire::encode_record(&record);
            wire::json::record_and_trace(&bytes).expect("a record has a JSON form");
        }
        Err(violations) => assert!(!violations.list.is_empty()),
    }
}

/// A payload of that media type.
#[allow(dead_code, reason = "one of two is used by each target")]
pub(crate) fn native(media_type: &str, content: &[u8]) {
    match formats::split(media_type, content) {
        Ok(parts) => assert!(!parts.is_empty()),
        Err(faults) => assert!(!faults.is_empty() && faults.len() <= 100),
    }
    let content = Bytes::copy_from_slice(content);
    let native = Native {
        media_type: media_type.to_owned(),
        submitted: content.clone(),
        content,
        envelope: Report {
            report_id: "FUZZ-1".to_owned(),
            revision: 1,
            marking: Some(Marking {
                text: "NATO RESTRICTED".to_owned(),
                ..Marking::default()
            }),
            ..Report::default()
        },
    };
    match read_native(&native) {
        Ok(report) => judge(report),
        Err(violations) => assert!(!violations.list.is_empty()),
    }
}

/// Bytes of a `Report`, and the same bytes as JSON.
#[allow(dead_code, reason = "one of two is used by each target")]
pub(crate) fn report(content: &[u8]) {
    if let Ok(report) = wire::decode_report(content) {
        judge(report);
    }
    let bytes = match wire::json::report_from_json(content) {
        Ok(bytes) => bytes,
        Err(faulty) => {
            assert!(!faulty.violations.list.is_empty());
            // What is right of the line is judged too.
            let Some(rest) = faulty.rest else { return };
            rest
        }
    };
    let report = wire::decode_report(&bytes).expect("what was encoded is decoded");
    judge(report);
}

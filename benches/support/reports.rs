//! The reports that benches and the test of allocations measure, and the context of a nation
//! that writes English and marks as NATO does. Knows nothing of how they are measured.

use entente::identity::Identity;
use entente::normalise::{Context, Notation, Profile, Rules, normalise};
use entente::record::Record;
use entente::report::{self, Report, Term};
use jiff::Timestamp;

/// Whoever sends them, and when they come in.
pub(crate) struct Sender {
    identity: Identity,
    profile: Profile,
    received_at: Timestamp,
}

impl Sender {
    /// GBR/uav-cell-4.
    pub(crate) fn new() -> Self {
        let identity = Identity::parse("GBR/uav-cell-4").expect("an identity");
        let notation = Notation {
            languages: vec!["en".to_owned()],
            marking_policies: vec!["NATO".to_owned()],
            ..Notation::default()
        };
        let profile =
            Profile::compile(identity.nation, &notation, &Rules::default()).expect("a profile");
        Self {
            identity,
            profile,
            received_at: "2026-01-09T12:00:00Z".parse().expect("a timestamp"),
        }
    }

    /// The record of a report.
    pub(crate) fn record(&self, report: Report, media_type: &'static str) -> Record {
        let context = Context {
            identity: &self.identity,
            profile: &self.profile,
            received_at: self.received_at,
            original_sha256: [0; 32],
            original_media_type: media_type.into(),
        };
        normalise(report, &context).expect("a record")
    }
}

/// Every kind of report that is measured, with its name.
pub(crate) fn all() -> [(&'static str, Report); 5] {
    let degrees = "48°00'57.24\"N 37°48'10.44\"E";
    [
        ("typed", typed()),
        (
            "mgrs_dtg",
            written("37UDP1072918760", "MGRS", "061830ZJAN26"),
        ),
        ("words", in_words()),
        (
            "sk42_wall",
            written("X=5320990 Y=7410809", "SK-42", "06.01.2026 20:30"),
        ),
        (
            "degrees_rfc3339",
            written(degrees, "WGS84", "2026-01-06T18:30:00Z"),
        ),
    ]
}

fn coded(code: i32) -> Term {
    Term {
        code,
        ..Term::default()
    }
}

/// A sighting as a program sends it: WGS 84, UTC, codes.
pub(crate) fn typed() -> Report {
    let sighting = report::Sighting {
        origin: 1,
        verification_status: 1,
        observed_from: Some(report::Time {
            utc: Some(report::WireTime {
                seconds: 1_767_724_200,
                nanos: 0,
            }),
            ..report::Time::default()
        }),
        means: vec![coded(2)],
        location: Some(report::Location {
            wgs84: Some(report::Wgs84Point {
                latitude_deg: 48.0159,
                longitude_deg: 37.8029,
            }),
            horizontal_uncertainty_m: Some(25.0),
            ..report::Location::default()
        }),
        observations: vec![report::Observation {
            kind: Some(coded(1)),
            count: Some(report::Count {
                min: Some(4),
                max: Some(4),
                ..report::Count::default()
            }),
            count_basis: 1,
            phase: Some(coded(1)),
            weapon: Some(report::Weapon {
                code: 10,
                model: "BM-21 Grad".to_owned(),
                calibre_mm: vec![122.0],
                ..report::Weapon::default()
            }),
            ..report::Observation::default()
        }],
        confidence: Some(report::Confidence {
            source_reliability: "B".to_owned(),
            credibility: "2".to_owned(),
            ..report::Confidence::default()
        }),
        ..report::Sighting::default()
    };
    Report {
        report_id: "GBR-000017".to_owned(),
        revision: 1,
        action: 1,
        environment: 1,
        marking: Some(report::Marking {
            text: "NATO RESTRICTED".to_owned(),
            releasable_to: vec!["USA".to_owned(), "GBR".to_owned(), "UKR".to_owned()],
            ..report::Marking::default()
        }),
        body: Some(report::Body::Sighting(Box::new(sighting))),
        ..Report::default()
    }
}

/// The same with place and time as people write them.
pub(crate) fn written(place: &str, system: &str, when: &str) -> Report {
    let mut report = typed();
    if let Some(report::Body::Sighting(sighting)) = &mut report.body {
        sighting.observed_from = Some(report::Time {
            text: when.to_owned(),
            utc: None,
            zone: "Europe/Kyiv".to_owned(),
        });
        sighting.location = Some(report::Location {
            text: place.to_owned(),
            reference_system: system.to_owned(),
            ..report::Location::default()
        });
    }
    report
}

/// All vocabulary in words.
pub(crate) fn in_words() -> Report {
    let mut report = written("37UDP1072918760", "MGRS", "061830ZJAN26");
    let term = |text: &str| Term {
        text: text.to_owned(),
        code: 0,
    };
    if let Some(report::Body::Sighting(sighting)) = &mut report.body {
        sighting.means = vec![term("heard")];
        sighting.observations = vec![report::Observation {
            kind: Some(term("explosion")),
            count: Some(report::Count {
                text: "about 5".to_owned(),
                ..report::Count::default()
            }),
            count_basis: 1,
            phase: Some(term("outgoing")),
            weapon: Some(report::Weapon {
                text: "MLRS (BM-21 Grad, 122mm)".to_owned(),
                ..report::Weapon::default()
            }),
            ..report::Observation::default()
        }];
    }
    report
}

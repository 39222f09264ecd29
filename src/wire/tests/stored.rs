//! A stored body holds the record's own bytes, the original as it came, and a label that says
//! of the record what release, filters and the picture need.

use super::record::{contribution, record, sighting};
use crate::record::{Action, Body as Substance, Environment, Level, Supersedes};
use crate::wire::encode_record;
use crate::wire::stored::{Body, Glance, Kind, Label, Sealer, StoredError};
use bytes::Bytes;

const ORIGINAL: &[u8] = b"the report as it came";

fn seal(record: &crate::record::Record) -> Vec<u8> {
    Sealer::default().seal(record, ORIGINAL).to_vec()
}

fn substances() -> [(Kind, Substance); 2] {
    [
        (Kind::Sighting, Substance::Sighting(Box::new(sighting()))),
        (
            Kind::Contribution,
            Substance::Contribution(Box::new(contribution())),
        ),
    ]
}

fn expected_label(kind: Kind) -> Label {
    let contribution = contribution();
    let concerns_contribution = kind == Kind::Contribution;
    Label {
        kind,
        action: Some(Action::Update),
        environment: Some(Environment::Exercise),
        nation: "nation".into(),
        system: "system".into(),
        report_id: "report_id".into(),
        revision: 4,
        level: Some(Level::Secret),
        releasable_to: vec!["releasable_to".into()],
        special: vec!["special".into()],
        observed_unix_s: Some(1),
        point: Some((1.0, 2.0)),
        contribution_id: match concerns_contribution {
            true => contribution.contribution_id,
            false => String::new(),
        },
        contribution_kind: concerns_contribution.then_some(contribution.kind),
        supersedes: Some(Supersedes {
            report_id: "report_id".into(),
            revision: 2,
        }),
    }
}

#[test]
fn a_body_comes_back_as_it_was_and_its_label_alone_too() {
    for (kind, substance) in substances() {
        let bytes = Bytes::from(seal(&record(substance.clone())));
        let body = Body::decode(&bytes).unwrap();
        assert_eq!(body.record, encode_record(&record(substance)));
        assert_eq!(body.original, ORIGINAL);
        assert_eq!(body.media_type, "original_media_type");
        assert_eq!(body.label, expected_label(kind));
        assert_eq!(Label::decode(&bytes), Ok(body.label.clone()));
        assert_eq!(Body::behind(body.label.clone(), &bytes), Ok(body));
    }
}

#[test]
fn a_glance_passes_over_plain_sightings_alone() {
    let plain = |change: fn(&mut crate::record::RecordParts)| {
        let mut parts = record(Substance::Sighting(Box::new(sighting()))).into_parts();
        (parts.action, parts.revision, parts.supersedes) = (Action::New, 1, None);
        change(&mut parts);
        let sealed = seal(&crate::record::Record::seal(parts));
        let glance = Glance::at(&sealed).unwrap();
        assert_eq!((glance.nation, glance.system), ("nation", "system"));
        assert_eq!(glance.sequence, Some(840));
        glance.is_plain_sighting()
    };
    assert!(plain(|_| {}));
    assert!(!plain(|parts| parts.revision = 2));
    assert!(!plain(|parts| parts.action = Action::Retraction));
    assert!(!plain(|parts| {
        parts.supersedes = Some(Supersedes {
            report_id: "other".into(),
            revision: 1,
        });
    }));
    assert!(!plain(|parts| {
        parts.body = Some(Substance::Contribution(Box::new(contribution())));
    }));
    assert!(!plain(|parts| parts.body = None));
}

#[test]
fn another_version_and_damage_are_errors() {
    for (_, substance) in substances() {
        let mut bytes = seal(&record(substance));
        let whole = Body::decode(&Bytes::from(bytes.clone()));
        for length in 1..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            let read = Body::decode(&cut);
            assert!(read.is_err() || read != whole);
            // Read in two steps, it is refused where it was in one.
            let steps = Label::decode(&cut).and_then(|label| Body::behind(label, &cut));
            assert_eq!(steps.is_ok(), read.is_ok());
            assert!(steps.is_err() || steps == read);
        }
        bytes[0] = 9;
        let other = Bytes::from(bytes);
        assert_eq!(Body::decode(&other), Err(StoredError::Version(9)));
        let refused = Glance::at(&other).map(|_| ());
        assert_eq!(refused, Err(StoredError::Version(9)));
    }
    assert_eq!(Label::decode(&Bytes::new()), Err(StoredError::Empty));
}

//! A stored body agrees with itself as it is sealed, and whatever is changed in it shows.

use super::record::{contribution, record, sighting};
use crate::identity::NationCode;
use crate::record::Body as Substance;
use crate::wire::agreement::agreed;
use crate::wire::relayed::Relayed;
use crate::wire::stored::{Body, Glance, Kind, Label, Sealer};
use bytes::Bytes;

fn bodies() -> Vec<Bytes> {
    let substances = [
        Substance::Sighting(Box::new(sighting())),
        Substance::Contribution(Box::new(contribution())),
    ];
    let sealed = substances.map(|body| {
        let record = record(body);
        Sealer::default().seal(&record, b"the report as it came")
    });
    sealed.to_vec()
}

#[test]
fn what_is_sealed_agrees() {
    for (body, kind) in bodies().iter().zip([Kind::Sighting, Kind::Contribution]) {
        let (agreed, faults) = agreed(body).unwrap();
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(agreed.label, Label::decode(body).unwrap());
        assert_eq!(agreed.label.kind, kind);
        assert_eq!(agreed.original[..], b"the report as it came"[..]);
    }
}

/// The label is of one record, and the record another: each field that differs is named.
#[test]
fn a_label_of_another_record_is_found_out() {
    let [ref sighting, ref contribution] = bodies()[..] else {
        panic!("two");
    };
    let label_bytes = crate::wire::stored::label_only(sighting).unwrap();
    let other = Body::decode(contribution).unwrap();
    // The label of the one, and the rest of the other.
    let rest = crate::wire::stored::label_only(contribution).unwrap().len();
    let mixed = [&label_bytes[..], &contribution[rest..]].concat();
    let (agreed, faults) = agreed(&Bytes::from(mixed)).unwrap();
    assert_eq!(agreed.media_type, other.media_type);
    for name in ["kind", "contribution"] {
        assert!(
            faults.iter().any(|fault| fault.contains(name)),
            "{faults:?}"
        );
    }
}

/// No bytes make it panic, and no flipped bit of a label goes unseen or widens a release.
#[test]
fn any_flipped_bit_of_a_label_is_found_out() {
    for body in bodies() {
        let label = crate::wire::stored::label_only(&body).unwrap().len();
        // Before it stand the version, the field and its size.
        for bit in 3 * 8..label * 8 {
            let mut flipped = body.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok((agreed, faults)) = agreed(&Bytes::from(flipped.clone())) {
                let same = Label::decode(&body).unwrap() == agreed.label;
                assert!(same || !faults.is_empty(), "bit {bit}");
            }
        }
    }
}

/// A record that came from another gateway has the label that it had there, and its own bytes.
#[test]
fn a_relayed_body_agrees_with_the_one_that_it_comes_from() {
    for bytes in bodies() {
        let there = Body::decode(&bytes).unwrap();
        let relayed = Relayed {
            label: there.label.clone(),
            sequence: Glance::at(&bytes).unwrap().sequence,
            nation: NationCode::parse("GBR").unwrap(),
            record: there.record.clone(),
            original: there.original.clone(),
            media_type: there.media_type.clone().into_owned(),
            original_sha256: [0; 32],
            path: vec!["a".to_owned(), "b".to_owned()],
        };
        let here_bytes = crate::wire::stored::relayed(relayed);
        let here = Body::decode(&here_bytes).unwrap();
        assert_eq!((&here.label, &here.record), (&there.label, &there.record));
        assert_eq!(here.path, ["a", "b"]);
        assert_eq!(Body::behind(here.label.clone(), &here_bytes), Ok(here));
        let (agreed, faults) = agreed(&here_bytes).unwrap();
        assert_eq!((agreed.is_relayed, faults), (true, Vec::new()));
        assert_eq!(
            Glance::at(&here_bytes).unwrap().sequence,
            Glance::at(&bytes).unwrap().sequence
        );
    }
}

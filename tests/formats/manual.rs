//! `docs/FORMATS.md` is true: every media type has its section, every example is read to a
//! record, and every rule that a reader can name is in its table, and no other.

use crate::support::{envelope, judge_in, sighting};
use entente::formats;
use entente::record::{Body, Level, WeaponClass};
use std::collections::BTreeSet;
use std::path::Path;

fn manual() -> String {
    let file = format!("{}/docs/FORMATS.md", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).expect("the manual")
}

/// Media type, nation and example of each section.
fn examples() -> Vec<(String, String, Vec<u8>)> {
    let text = manual();
    let sections = text.split("\n## ").skip(1);
    let examples = sections.filter_map(|section| {
        let (media_type, rest) = section.split_once('\n')?;
        let (before, rest) = rest.split_once("\n```")?;
        let (kind, rest) = rest.split_once('\n')?;
        let (example, _) = rest.split_once("\n```")?;
        let (_, nation) = before.rsplit_once("As ")?;
        let content = match kind {
            "hex" => bytes(example),
            _ => example.as_bytes().to_vec(),
        };
        Some((media_type.to_owned(), nation[..3].to_owned(), content))
    });
    examples.collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

#[test]
fn every_example_becomes_a_record() {
    let examples = examples();
    let mut shown: Vec<_> = examples.iter().map(|(name, _, _)| name.as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, formats::media_types().collect::<Vec<_>>());
    for (media_type, nation, content) in examples {
        let mut envelope = envelope(1);
        if nation == "UKR" {
            envelope.marking.as_mut().unwrap().text = "ДСК".to_owned();
        }
        let record = judge_in(&nation, &media_type, &content, envelope)
            .unwrap_or_else(|violations| panic!("{media_type}: {violations:?}"));
        assert_eq!(record.marking.level, Level::Restricted, "{media_type}");
        match (&record.body, media_type.contains("sitrep")) {
            (Some(Body::Contribution(_)), true) => continue,
            (Some(Body::Sighting(_)), false) => {}
            other => panic!("{media_type}: {other:?}"),
        }
        let location = sighting(&record).location.as_ref().unwrap();
        assert!((location.latitude_deg - 48.0).abs() < 0.2, "{media_type}");
    }
}

#[test]
fn the_frame_of_the_manual_is_the_event_of_the_manual() {
    let record = |wanted: &str| {
        let (media_type, nation, content) = examples()
            .into_iter()
            .find(|(media_type, _, _)| media_type.contains(wanted))
            .unwrap();
        judge_in(&nation, &media_type, content, envelope(1)).unwrap()
    };
    let (xml, frame) = (record("cot"), record("tak"));
    assert_eq!(
        (&xml.report_id, xml.revision),
        (&frame.report_id, frame.revision)
    );
    let (xml, frame) = (sighting(&xml), sighting(&frame));
    assert_eq!(xml.observed_from.utc, frame.observed_from.utc);
    assert_eq!(
        xml.location.as_ref().unwrap().horizontal_uncertainty_m,
        frame.location.as_ref().unwrap().horizontal_uncertainty_m
    );
    let weapon = frame.observations[0].weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(xml.observations, frame.observations);
}

/// All files below a folder.
fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if !path.ends_with("tests.rs") {
            into.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_table_of_rules_is_complete() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let named = |text: &str, quote: char, into: &mut BTreeSet<String>| {
        for (at, _) in text.match_indices(&format!("{quote}formats.")) {
            let rest = &text[at + 1..];
            let end = rest.find(quote).unwrap();
            if rest[..end]
                .chars()
                .all(|c| c.is_ascii_lowercase() || "._0123456789".contains(c))
            {
                into.insert(rest[..end].to_owned());
            }
        }
    };
    let (mut rules, mut told) = (BTreeSet::new(), BTreeSet::new());
    for file in &files {
        named(file, '"', &mut rules);
    }
    let manual = manual();
    let (_, table) = manual.split_once("\n## Rules\n").unwrap();
    named(table, '`', &mut told);
    assert_eq!(rules, told, "left: in the code; right: in the manual");
}

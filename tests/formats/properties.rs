//! No bytes make a reader or the splitting of a file panic: random ones, and real messages with
//! bytes and pieces changed, cut, doubled and put elsewhere. What is refused says why and where.

use crate::support::{COT, GEOJSON, OSCE, SITREP, SK42, SPOTREP, TAK, envelope, judge_in};
use entente::formats;
use proptest::prelude::*;

/// Real messages, which are also the seeds of the fuzz targets.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (media_type, target) in [
        (COT, "cot"),
        (GEOJSON, "geojson"),
        (OSCE, "osce"),
        (SITREP, "sitrep"),
        (SK42, "sk42"),
        (SPOTREP, "spotrep"),
        (TAK, "tak"),
    ] {
        let contents = corpus(target).into_iter();
        seeds.extend(contents.map(|content| (media_type, content)));
    }
    seeds
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file| std::fs::read(file).unwrap();
    files.into_iter().map(read).collect()
}

/// The fuzz targets are a workspace of their own, which a change here would break unseen.
#[test]
fn what_the_fuzz_targets_do_holds_for_their_seeds() {
    for (media_type, content) in seeds() {
        crate::judge::native(media_type, &content);
    }
    let reports = corpus("report");
    assert!(!reports.is_empty());
    for content in reports {
        crate::judge::report(&content);
    }
}

fn try_all(media_type: &str, content: &[u8]) {
    if let Err(faults) = formats::read(media_type, content) {
        assert!(!faults.is_empty() && faults.len() <= 100);
        for fault in faults {
            assert!(!fault.place.is_empty(), "{fault:?}");
            assert!(!fault.message.is_empty() && !fault.expected.is_empty());
            assert!(fault.rule.starts_with("formats."));
            assert!(fault.message.len() < 2_000, "{}", fault.message.len());
        }
    }
    if let Ok(parts) = formats::split(media_type, content) {
        assert!(!parts.is_empty());
        for part in parts.iter().take(20) {
            let _ = formats::read(media_type, &part.content);
        }
    }
    let _ = judge_in("UKR", media_type, content, envelope(1));
}

/// One change of a message.
#[derive(Clone, Debug)]
enum Change {
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    Double(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = [
        "<",
        ">",
        "&",
        "\"",
        "'",
        ";",
        ",",
        "\n",
        "(",
        ")",
        "{",
        "[",
        "]",
        "}",
        ":",
        "\u{2011}",
        "\u{a0}",
        "9999999.0",
        "NaN",
        "-",
        "&#x41;",
        "<!--",
        "]]>",
        "<![CDATA[",
        "LINE 3",
        "од.",
        "=",
        "\u{0}",
        "null",
        "1e999",
        "/",
        " to ",
        "1753-01-01",
    ];
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), at()).prop_map(|(from, to)| Change::Cut(from, to)),
        (at(), at()).prop_map(|(from, to)| Change::Double(from, to)),
        (at(), prop::sample::select(pieces.to_vec()))
            .prop_map(|(at, text)| Change::Insert(at, text)),
    ]
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    if content.is_empty() {
        return;
    }
    let range = |from: &prop::sample::Index, to: &prop::sample::Index| {
        let (a, b) = (from.index(content.len()), to.index(content.len()));
        a.min(b)..a.max(b)
    };
    match change {
        Change::Byte(at, byte) => {
            let at = at.index(content.len());
            content[at] = *byte;
        }
        Change::Cut(from, to) => {
            content.drain(range(from, to));
        }
        Change::Double(from, to) => {
            let range = range(from, to);
            let piece = content[range.clone()].to_vec();
            content.splice(range.end..range.end, piece);
        }
        Change::Insert(at, text) => {
            let at = at.index(content.len());
            content.splice(at..at, text.bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for media_type in formats::media_types() {
            try_all(media_type, &bytes);
        }
    }

    #[test]
    fn no_changed_message_makes_a_reader_panic(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let seeds = seeds();
        let (media_type, content) = seed.get(&seeds);
        let mut content = content.clone();
        for change in &changes {
            apply(&mut content, change);
        }
        try_all(media_type, &content);
    }
}

#[test]
fn every_seed_is_a_message_that_is_read() {
    for (media_type, content) in seeds() {
        let parts = formats::split(media_type, &content).unwrap();
        for part in parts {
            formats::read(media_type, &part.content)
                .unwrap_or_else(|faults| panic!("{media_type}: {faults:?}"));
        }
    }
}

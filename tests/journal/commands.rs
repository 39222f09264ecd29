//! `entente journal verify` and `dump`, the real program, on sound and on damaged folders.

use crate::support::{append, batches, contents, entry, fill, image, name, open, segments, store};
use entente::clock::FixedClock;
use entente::journal::Entry;
use prost::Message as _;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const BODY: usize = 24;

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_entente"))
        .args(arguments)
        .arg(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs `verify`, which changes nothing; exit code and what it says.
fn verify(folder: &Path) -> (i32, Value) {
    let before = contents(folder);
    let output = run(&["journal", "verify", "--output", "json"], folder);
    assert!(before == contents(folder), "something was changed");
    let said = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (output.status.code().unwrap(), said)
}

fn positions(folder: &Path, arguments: &[&str]) -> (i32, Vec<u64>, String) {
    let mut all = vec!["journal", "dump", "--output", "json"];
    all.extend_from_slice(arguments);
    let output = run(&all, folder);
    let positions = text(&output.stdout)
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["position"]
                .as_u64()
                .unwrap()
        })
        .collect();
    (
        output.status.code().unwrap(),
        positions,
        text(&output.stderr),
    )
}

fn written(count: u64) -> TempDir {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, count, BODY);
    journal.close();
    image(folder.path(), false)
}

#[test]
fn a_sound_journal_is_summed_up() {
    let folder = written(150);
    let (code, said) = verify(folder.path());
    assert_eq!(code, 0, "{said}");
    assert_eq!(said["sound"], true);
    assert_eq!(said["firstPosition"], 1);
    assert_eq!(said["lastPosition"], 150);
    assert_eq!(said["entries"], 150);
    assert_eq!(said["keyBytes"], 150 * 10);
    assert_eq!(said["bodyBytes"], 150 * BODY);
    assert_eq!(said["firstTakenAt"], "1970-01-01T00:00:01Z");
    assert_eq!(said["lastTakenAt"], "1970-01-01T00:02:30Z");
    assert_eq!(said["torn"], Value::Null);
    let found = said["segments"].as_array().unwrap();
    assert_eq!(found.len(), segments(folder.path()).len());
    assert_eq!(found[0]["sealed"], true);
    assert_eq!(found.last().unwrap()["sealed"], false);
    let output = run(&["journal", "verify"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("positions  1 to 150\n"), "{said}");
    assert!(said.ends_with("sound\n"), "{said}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn an_empty_journal_is_sound_and_another_folder_is_none() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).close();
    let (code, said) = verify(folder.path());
    assert_eq!((code, &said["entries"]), (0, &Value::from(0)));
    let other = TempDir::new().unwrap();
    for command in ["verify", "dump"] {
        let output = run(&["journal", command], other.path());
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("no segment of a journal is there"), "{said}");
        let output = run(&["journal", command], &other.path().join("missing"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn both_work_beside_a_journal_that_is_being_written() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    fill(&journal, 10, BODY);
    let writer = std::thread::spawn(move || {
        for number in 11..=600 {
            store(&journal, entry(number, BODY));
        }
    });
    while !writer.is_finished() {
        let output = run(&["journal", "verify", "--output", "json"], folder.path());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said["entries"].as_u64().unwrap() >= 10);
    }
    writer.join().unwrap();
    assert_eq!(
        positions(folder.path(), &[]).1,
        (1..=600).collect::<Vec<_>>()
    );
}

#[test]
fn a_torn_tail_is_said_and_is_no_damage() {
    let folder = written(5);
    let segment = segments(folder.path())[0].clone();
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = batches(&bytes)[4];
    bytes[usize::try_from(last).unwrap() + 90] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (code, said) = verify(folder.path());
    assert_eq!(code, 0, "{said}");
    assert_eq!(said["lastPosition"], 4);
    assert_eq!(said["torn"]["segment"], name(&segment));
    assert_eq!(said["torn"]["offset"], last);
    let readable = text(&run(&["journal", "verify"], folder.path()).stdout);
    assert!(readable.contains(&format!("torn       {} at offset {last}", name(&segment))));
}

#[test]
fn all_damage_is_found_in_one_go_and_the_rest_can_be_read() {
    let folder = written(400);
    let names = segments(folder.path());
    let damage = |index: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(&names[index]).unwrap();
        change(&mut bytes);
        std::fs::write(&names[index], bytes).unwrap();
    };
    let first_of = |index: usize| name(&names[index])[..20].parse::<u64>().unwrap();
    let offsets = batches(&std::fs::read(&names[0]).unwrap());
    let broken = *offsets.iter().rfind(|offset| **offset <= 8192).unwrap();
    // A zeroed page, a damaged header, a damaged last batch of a sealed segment, a lost footer.
    damage(0, &|bytes| bytes[8192..8192 + 4096].fill(0));
    damage(1, &|bytes| bytes[40] ^= 1);
    let ends = batches(&std::fs::read(&names[2]).unwrap());
    let last_batch = ends[ends.len() - 2];
    damage(2, &|bytes| {
        bytes[usize::try_from(last_batch).unwrap() + 85] ^= 1
    });
    damage(3, &|bytes| {
        let footer = bytes
            .windows(8)
            .rposition(|part| part == b"ENTFOOT1")
            .unwrap();
        bytes[footer] = 0;
    });
    let (code, said) = verify(folder.path());
    assert_eq!(code, 1);
    assert_eq!(said["sound"], false);
    let found: Vec<(String, u64)> = said["damage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|damage| {
            let segment = damage["segment"].as_str().unwrap().to_owned();
            (segment, damage["offset"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        (name(&names[0]), broken),
        (name(&names[1]), 0),
        (name(&names[2]), last_batch),
    ];
    assert_eq!(found, expected);
    assert_eq!(said["unsealed"], serde_json::json!([name(&names[3])]));
    // What can be read: everything but the batches with a hole.
    let lost = &said["damage"][0]["positions"];
    let (lost_from, lost_to) = (lost[0].as_u64().unwrap(), lost[1].as_u64().unwrap());
    assert!(lost_from > 1 && lost_to < first_of(1), "{lost}");
    let expected: Vec<u64> = (1..=400)
        .filter(|number| !(lost_from..=lost_to).contains(number))
        .filter(|number| *number != first_of(3) - 1)
        .collect();
    let (code, readable, complaints) = positions(folder.path(), &[]);
    assert_eq!(code, 1);
    assert_eq!(readable, expected);
    assert_eq!(complaints.lines().count(), 3, "{complaints}");
    assert!(complaints.contains(&format!("{} at offset {broken}", name(&names[0]))));
}

#[test]
fn case_54_a_missing_segment_and_a_changed_history_are_damage() {
    let folder = written(400);
    let names = segments(folder.path());
    std::fs::remove_file(&names[1]).unwrap();
    let (code, said) = verify(folder.path());
    assert_eq!(code, 1);
    let first = |index: usize| name(&names[index])[..20].parse::<u64>().unwrap();
    let damage = &said["damage"][0];
    assert_eq!(damage["segment"], name(&names[2]));
    assert_eq!(
        damage["positions"],
        serde_json::json!([first(1), first(2) - 1])
    );

    // A body is changed and every checksum of its batch is made right: the chain tells.
    let folder = written(400);
    let mut bytes = std::fs::read(&names_of(&folder)[0]).unwrap();
    let offsets = batches(&bytes);
    let (from, to) = (
        usize::try_from(offsets[3]).unwrap(),
        usize::try_from(offsets[4]).unwrap(),
    );
    bytes[to - 1] ^= 1;
    let payload = crc32c::crc32c(&bytes[from + 80..to]).to_le_bytes();
    bytes[from + 72..from + 76].copy_from_slice(&payload);
    let header = crc32c::crc32c(&bytes[from..from + 76]).to_le_bytes();
    bytes[from + 76..from + 80].copy_from_slice(&header);
    std::fs::write(&names_of(&folder)[0], bytes).unwrap();
    let (code, said) = verify(folder.path());
    assert_eq!(code, 1);
    assert_eq!(said["damage"][0]["offset"], offsets[4]);
    assert_eq!(
        said["damage"][0]["reason"],
        "it does not name the batch before it"
    );
    assert_eq!(said["entries"], 400);
}

fn names_of(folder: &TempDir) -> Vec<std::path::PathBuf> {
    segments(folder.path())
}

#[test]
fn a_range_is_dumped_without_reading_what_comes_before() {
    let folder = written(400);
    let names = segments(folder.path());
    // Damage that is not asked about is not met.
    let mut bytes = std::fs::read(&names[0]).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&names[0], bytes).unwrap();
    let (code, found, complaints) = positions(folder.path(), &["--from", "200", "--to", "210"]);
    assert_eq!((code, complaints.as_str()), (0, ""));
    assert_eq!(found, (200..=210).collect::<Vec<_>>());
    let (code, found, _) = positions(folder.path(), &["--from", "399"]);
    assert_eq!((code, found), (0, vec![399, 400]));
    assert_eq!(
        positions(folder.path(), &["--from", "401"]).1,
        Vec::<u64>::new()
    );
    let output = run(
        &["journal", "dump", "--from", "5", "--to", "4"],
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(2));
}

/// What a dump shows of a stored body; the numbers are those of `wire::stored`, for ever.
#[derive(prost::Message)]
struct LabelOnDisk {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "4")]
    nation: String,
    #[prost(string, tag = "5")]
    system: String,
    #[prost(string, tag = "6")]
    report_id: String,
    #[prost(uint32, tag = "7")]
    revision: u32,
}

#[derive(prost::Message)]
struct BodyOnDisk {
    #[prost(message, optional, tag = "1")]
    label: Option<LabelOnDisk>,
    #[prost(bytes = "vec", tag = "3")]
    original: Vec<u8>,
    #[prost(string, tag = "4")]
    media_type: String,
}

fn stored_body(revision: u32) -> Vec<u8> {
    let body = BodyOnDisk {
        label: Some(LabelOnDisk {
            kind: 1,
            nation: "GBR".into(),
            system: "uav-cell-4".into(),
            report_id: "GBR-000017".into(),
            revision,
        }),
        original: b"secret words".to_vec(),
        media_type: "text/plain".into(),
    };
    [&[1], body.encode_to_vec().as_slice()].concat()
}

#[test]
fn a_dump_shows_whose_report_it_is_and_its_content_only_when_asked() {
    let folder = TempDir::new().unwrap();
    let now = jiff::Timestamp::from_second(1_767_722_400).unwrap();
    let clock = std::sync::Arc::new(FixedClock::at(now));
    let settings = crate::support::settings(folder.path());
    let journal = entente::journal::Journal::open(settings, clock).unwrap();
    let stored = |revision| Entry {
        revision,
        body: stored_body(revision).into(),
        ..entry(1, BODY)
    };
    append(&journal, vec![stored(1), stored(2), entry(2, BODY)]).unwrap();
    let output = run(&["journal", "dump"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].contains("GBR/uav-cell-4 GBR-000017 revision 1 sighting"),
        "{said}"
    );
    assert!(lines[0].contains("original 12 B"), "{said}");
    assert!(lines[1].ends_with(", supersedes 1"), "{said}");
    assert!(
        lines[2].contains("key-000002"),
        "what is no body of ours is shown too: {said}"
    );
    assert!(!said.contains("secret"), "{said}");
    let output = run(&["journal", "dump", "--content"], folder.path());
    assert!(text(&output.stdout).contains("original (text/plain): secret words"));
    let output = run(&["journal", "dump", "--output", "json"], folder.path());
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(first["nation"], "GBR");
    assert_eq!(first["reportId"], "GBR-000017");
    assert_eq!(first["kind"], "sighting");
    assert_eq!(first["originalBytes"], 12);
    assert_eq!(first["original"], Value::Null);
    let output = run(
        &["journal", "dump", "--content", "--output", "json"],
        folder.path(),
    );
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(first["original"], "73656372657420776f726473");
}

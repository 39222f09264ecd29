//! Attacks inside of payloads and on the stored feed: cases 48 to 51 and 53, against the real
//! process and real files.

use crate::feed::{ids, read, until_now};
use crate::support::{Site, sighting, streamed};
use bytes::Bytes;
use entente::journal::portable::{Block, Reader, Writer};
use entente::journal::{Position, Stored};
use entente::wire::proto::{
    self, Disposition, NativePayload, Outcome, SubmitStreamRequest, submit_stream_request,
};
use prost::Message as _;
use std::path::{Path, PathBuf};
use tokio_stream::StreamExt as _;

/// Hands these in on one stream; gives the outcomes in order.
async fn outcomes(site: &Site, system: &str, sent: Vec<SubmitStreamRequest>) -> Vec<Outcome> {
    let count = sent.len();
    let mut client = site.endpoint(system).submission().await.unwrap();
    let stream = client.submit_stream(tokio_stream::iter(sent)).await;
    let mut stream = stream.unwrap().into_inner();
    let mut outcomes = Vec::new();
    while let Some(answer) = stream.next().await {
        outcomes.extend(answer.unwrap().outcomes);
    }
    assert_eq!(outcomes.len(), count);
    outcomes
}

fn bytes(bytes: Vec<u8>) -> SubmitStreamRequest {
    crate::support::bytes_streamed(bytes)
}

fn fields(outcome: &Outcome) -> Vec<&str> {
    assert_eq!(outcome.disposition(), Disposition::Rejected, "{outcome:?}");
    let fields = outcome.violations.iter();
    fields.map(|violation| violation.field.as_str()).collect()
}

/// A report of GBR that says it is of another nation, or by another system.
fn claiming(nation: &str, system: &str) -> proto::Report {
    proto::Report {
        nation: nation.to_owned(),
        system: system.to_owned(),
        ..sighting(&format!("of-{nation}-{system}"))
    }
}

#[tokio::test]
async fn case_48_a_report_that_names_another_nation_or_system_is_refused() {
    let site = Site::started("");
    let sent = [
        claiming("FRA", ""),
        claiming("gbr", ""),
        claiming("", "other-cell"),
        claiming("GBR", "uav-cell-4"),
    ];
    let outcomes = outcomes(&site, "GBR/uav-cell-4", sent.iter().map(streamed).collect()).await;
    assert_eq!(fields(&outcomes[0]), ["nation"]);
    assert_eq!(fields(&outcomes[1]), ["nation"]);
    assert_eq!(fields(&outcomes[2]), ["system"]);
    assert_eq!(outcomes[3].disposition(), Disposition::Accepted);
    let seen = read(&site, "USA/feed-desk", until_now()).await;
    assert_eq!(ids(&seen), ["of-GBR-uav-cell-4"]);
}

#[tokio::test]
async fn case_49_a_replay_gets_the_first_receipt_and_adds_nothing() {
    let site = Site::started("");
    let first = outcomes(&site, "GBR/uav-cell-4", vec![streamed(&sighting("once"))]).await;
    let replays = vec![streamed(&sighting("once")); 3];
    for replay in outcomes(&site, "GBR/uav-cell-4", replays).await {
        assert_eq!(replay.disposition(), Disposition::Duplicate);
        assert_eq!(replay.receipt, first[0].receipt);
    }
    let seen = read(&site, "USA/feed-desk", until_now()).await;
    assert_eq!(ids(&seen), ["once"]);
}

#[tokio::test]
async fn case_50_doubled_and_unknown_fields_smuggle_nothing_in() {
    let site = Site::started("");
    let twice = |first: &str, last: &str, id: &str| {
        let head = proto::Report {
            nation: first.to_owned(),
            ..Default::default()
        };
        let tail = proto::Report {
            nation: last.to_owned(),
            ..sighting(id)
        };
        [head.encode_to_vec(), tail.encode_to_vec()].concat()
    };
    // A field of number 1,000 that no version has: 8002 3e, then three octets.
    let unknown = [
        sighting("unknown").encode_to_vec(),
        vec![0xc2, 0x3e, 3, 1, 2, 3],
    ]
    .concat();
    let sent = [
        twice("GBR", "FRA", "last-counts"),
        twice("FRA", "GBR", "as-protobuf-has-it"),
        unknown.clone(),
        [unknown, vec![0xc2, 0x3e, 200]].concat(),
    ];
    let outcomes = outcomes(
        &site,
        "GBR/uav-cell-4",
        sent.into_iter().map(bytes).collect(),
    )
    .await;
    assert_eq!(fields(&outcomes[0]), ["nation"]);
    assert_eq!(outcomes[1].disposition(), Disposition::Accepted);
    assert_eq!(outcomes[2].disposition(), Disposition::Accepted);
    assert_eq!(outcomes[3].violations[0].rule, "wire.unparsable");
    // What was stored is of the certificate's nation, and says nothing that was not understood.
    let mut feed = site.endpoint("USA/feed-desk").feed().await.unwrap();
    for position in 1..=2 {
        let request = proto::GetRecordRequest {
            position,
            include_original: false,
        };
        let entry = feed.get_record(request).await.unwrap().into_inner().entry;
        let stored = entry.unwrap().record;
        let record = proto::Record::decode(stored.as_ref()).unwrap();
        assert_eq!(
            (record.nation.as_str(), record.system.as_str()),
            ("GBR", "uav-cell-4")
        );
        assert_eq!(
            record.encode_to_vec(),
            stored.as_ref(),
            "nothing is left over"
        );
    }
}

#[tokio::test]
async fn case_51_a_payload_under_another_media_type_is_refused() {
    let site = Site::started("");
    let cot = b"<event version='2.0' uid='u' type='a-h-G' how='h-e' time='2026-01-06T18:31:00Z' \
        start='2026-01-06T18:30:00Z' stale='2026-01-06T19:30:00Z'><point lat='48' lon='37.8' \
        hae='9999999.0' ce='9999999.0' le='9999999.0'/></event>";
    let report = sighting("typed").encode_to_vec();
    let native = |media_type: &str, content: &[u8]| SubmitStreamRequest {
        payload: Some(submit_stream_request::Payload::Native(NativePayload {
            media_type: media_type.to_owned(),
            content: content.to_vec().into(),
            report_id: "swapped".to_owned(),
            revision: 1,
            environment: proto::Environment::Live.into(),
            marking: sighting("").marking,
        })),
    };
    let sent = vec![
        native("text/x-osce-csv", cot),
        native("application/geo+json", cot),
        native("application/x-tak-protobuf", cot),
        native("application/vnd.entente.report.v1+protobuf", &report),
        native("application/x-cot+xml", &report),
        native("text/plain", cot),
        native("text/x-spotrep", cot),
    ];
    for outcome in outcomes(&site, "GBR/uav-cell-4", sent).await {
        assert_eq!(outcome.disposition(), Disposition::Rejected, "{outcome:?}");
        assert!(!outcome.violations.is_empty());
    }
    // Nor is a payload of another type taken for a report.
    let swapped = outcomes(&site, "GBR/uav-cell-4", vec![bytes(cot.to_vec())]).await;
    assert_eq!(swapped[0].violations[0].rule, "wire.unparsable");
    assert!(read(&site, "USA/feed-desk", until_now()).await.is_empty());
}

/// A stopped site with so many records, and its one segment.
async fn stored(count: u32) -> (Site, PathBuf) {
    let mut site = Site::started("");
    for n in 0..count {
        // Each in a batch of its own.
        outcomes(
            &site,
            "GBR/uav-cell-4",
            vec![streamed(&sighting(&format!("r-{n}")))],
        )
        .await;
    }
    site.kill();
    let segments = std::fs::read_dir(site.path("data/journal")).unwrap();
    let mut segments = segments.map(|entry| entry.unwrap().path()).filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "segment")
            && path.file_stem().unwrap().to_string_lossy().starts_with("0")
    });
    let segment = segments.next().unwrap();
    (site, segment)
}

/// Whether a start is refused, and says why.
fn refused_start(site: &Site, words: &[&str]) {
    let ran = site.run(&["serve", "--config", "config/gateway.toml"]);
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
}

#[tokio::test]
async fn case_53_an_altered_entry_is_found_and_not_served() {
    let (site, segment) = stored(3).await;
    let sound = std::fs::read(&segment).unwrap();
    let at = sound.windows(3).position(|bytes| bytes == b"r-1").unwrap();
    let mut altered = sound.clone();
    altered[at + 2] = b'9';
    std::fs::write(&segment, &altered).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    refused_start(&site, &[name, "offset"]);
    let verify = site.run(&["journal", "verify", "data/journal"]);
    assert_eq!(verify.status.code(), Some(1));
    // Nothing was cut off to please the check: with the entry put right all is there.
    std::fs::write(&segment, &sound).unwrap();
    let mut site = site;
    site.start(&[]);
    let seen = read(&site, "USA/feed-desk", until_now()).await;
    assert_eq!(ids(&seen), ["r-0", "r-1", "r-2"]);
}

/// Makes an entry another one.
type Alter = fn(&mut Stored);

/// Writes an export again with another second entry; every checksum of it holds.
fn altered(sound: &Path, to: &Path, alter: Alter) {
    let mut reader = Reader::open(std::fs::File::open(sound).unwrap()).unwrap();
    let mut writer = Writer::begin(Vec::new(), reader.journal_id()).unwrap();
    while let Some(block) = reader.block().unwrap() {
        let Block::Entries(entries) = block else {
            continue;
        };
        for mut stored in entries {
            if stored.position == Position(2) {
                alter(&mut stored);
            }
            writer.entry(&stored).unwrap();
        }
    }
    std::fs::write(to, writer.finish().unwrap().0).unwrap();
}

/// The body with its first, or its last, `r-1` made `r-7`.
fn renamed(body: &Bytes, is_first: bool) -> Bytes {
    let mut places = body.windows(3).enumerate().filter(|(_, at)| at == b"r-1");
    let place = match is_first {
        true => places.next(),
        false => places.next_back(),
    };
    let (at, _) = place.unwrap();
    let mut body = body.to_vec();
    body[at + 2] = b'7';
    body.into()
}

#[tokio::test]
async fn case_53_what_an_entry_says_is_held_against_its_record_and_its_report() {
    let (site, _) = stored(3).await;
    let sound = site.path("sound.export");
    let ran = site.run(&["feed", "export", "sound.export"]);
    assert!(ran.status.success(), "{ran:?}");
    let cases: [(Alter, &[&str]); 9] = [
        (|_| {}, &[]),
        (|stored| stored.entry.revision = 9, &["key"]),
        (|stored| stored.entry.key = "GBR/x\0r-1".into(), &["key"]),
        (|stored| stored.entry.stamp_ns += 1, &["received"]),
        (|stored| stored.entry.digest[0] ^= 1, &["receipt"]),
        (
            |stored| stored.previous = Some(Position(1)),
            &["supersedes"],
        ),
        (|stored| stored.entry.body = Bytes::new(), &["body"]),
        // Of the label, of which the release and the key are made.
        (
            |stored| stored.entry.body = renamed(&stored.entry.body, true),
            &["label", "key"],
        ),
        // Of the report as it came.
        (
            |stored| stored.entry.body = renamed(&stored.entry.body, false),
            &["original", "receipt"],
        ),
    ];
    for (number, (alter, rules)) in cases.into_iter().enumerate() {
        altered(&sound, &site.path("altered.export"), alter);
        let ran = site.run(&["feed", "verify", "altered.export", "--output", "json"]);
        let said: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let faults = said["faults"].as_array().unwrap().iter();
        let faults: Vec<_> = faults
            .map(|fault| {
                (
                    fault["position"].as_u64().unwrap(),
                    fault["rule"].as_str().unwrap(),
                )
            })
            .collect();
        let expected: Vec<_> = rules.iter().map(|rule| (2, *rule)).collect();
        assert_eq!(faults, expected, "{number}: {said}");
        let code = i32::from(!rules.is_empty());
        assert_eq!(ran.status.code(), Some(code), "{number}");
    }
}

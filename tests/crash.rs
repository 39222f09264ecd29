//! The real process is killed under load, at random moments and at named failpoints, and now
//! and then once more while it recovers. A recorder outside of it syncs every receipt it saw
//! before it counts it. After each restart: every receipt ever given is in the feed, once, at
//! its position, with the same bytes; positions have no gap; nothing is there twice.
//! Segments are small, so that new ones begin all the time.
//!
//! `ENTENTE_CRASH_ROUNDS` (default 20) and `ENTENTE_CRASH_SEED` choose how long and which.
#![cfg(feature = "failpoints")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and needs not all of the support"
)]

#[path = "gateway/support.rs"]
mod support;

use entente::client::{Patience, subscriber::Subscriber};
use entente::wire::proto::{self, SubscribeRequest};
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{ENTENTE, Site, sighting, streamed};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Where the writer can be stopped, so that the kill lands there.
const FAILPOINTS: [&str; 5] = [
    "journal::after_write",
    "journal::before_sync",
    "journal::after_sync",
    "journal::after_index",
    "journal::during_roll",
];
/// Journal settings as small as they may be: a segment holds about a thousand records.
const SMALL_SEGMENTS: [(&str, &str); 2] = [
    (
        "segment_bytes = \"9MiB\"",
        "segment_bytes = \"1MiB\"\nbatch_bytes_max = \"256KiB\"",
    ),
    (
        "[metrics]",
        "[services]\nmessage_bytes_max = \"64KiB\"\nchunk_reports_max = 64\n\n[metrics]",
    ),
];
/// Steps of beginning a new segment at which the writer can be stopped.
const ROLL_STEPS: u64 = 3;
/// No answer for so long: the writer stands at its failpoint.
const SILENCE: Duration = Duration::from_secs(2);

/// A seeded sequence (splitmix64), so that a round can be played again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A receipt as the recorder keeps it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    report_id: String,
    sha256: Vec<u8>,
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// D1, D2, D3: killed at random moments, at failpoints, and once more while it recovers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_receipt_is_in_the_feed_once_with_the_same_bytes() {
    let rounds = from_environment("ENTENTE_CRASH_ROUNDS", 20);
    let seed = from_environment("ENTENTE_CRASH_SEED", 1);
    println!("ENTENTE_CRASH_SEED={seed} ENTENTE_CRASH_ROUNDS={rounds}");
    let mut dice = Dice(seed);
    let mut site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        SMALL_SEGMENTS.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    });
    let mut recorder = File::create(site.path("receipts")).unwrap();
    let mut receipts: BTreeMap<u64, Seen> = BTreeMap::new();
    let mut next_report = 0;
    for round in 0..rounds {
        let failpoint = (round % 2 == 1).then(|| {
            let name = FAILPOINTS[usize::try_from(dice.roll(FAILPOINTS.len() as u64)).unwrap()];
            let passes = if name == "journal::during_roll" {
                // Within the first two new segments.
                dice.roll(2 * ROLL_STEPS)
            } else {
                dice.roll(60)
            };
            format!("{name}={passes}*off->pause")
        });
        let kill_after = 1 + dice.roll(3000);
        println!("round {round}: {failpoint:?}, kill after {kill_after} receipts");
        match &failpoint {
            Some(failpoint) => site.start(&[("FAILPOINTS", failpoint)]),
            None => site.start(&[]),
        }
        load(
            &site,
            &mut next_report,
            kill_after,
            &mut recorder,
            &mut receipts,
        )
        .await;
        site.kill();
        if round % 4 == 3 {
            let failpoint = format!("journal::during_recovery={}*off->pause", dice.roll(2));
            println!("round {round}: and once more while it recovers, {failpoint}");
            start_and_kill(&site, &[("FAILPOINTS", &failpoint)]);
        }
        site.start(&[]);
        check(&site, &receipts).await;
        assert!(site.stop().success());
    }
    assert!(receipts.len() as u64 > rounds, "the load was real");
    let segments = std::fs::read_dir(site.path("data/journal")).unwrap();
    let segments = segments
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('0') && name.ends_with(".segment"))
        .count();
    println!("{} receipts in {segments} segments", receipts.len());
    assert!(segments as u64 > rounds / 4, "new segments were begun");
    let verified = site.run(&["journal", "verify", "data/journal"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{said}");
}

/// Starts the gateway and kills it while it recovers its journal: it has taken the lock,
/// and none of its threads moves any more, because a failpoint holds it.
fn start_and_kill(site: &Site, environment: &[(&str, &str)]) {
    let mut process = Command::new(ENTENTE)
        .args(["serve", "--output", "json", "--config"])
        .arg(site.path("config/gateway.toml"))
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = process.id();
    let mut still = 0;
    while still < STILL_LOOKS && process.try_wait().unwrap().is_none() {
        still = if holds_a_lock(id) && sleeps(id) {
            still + 1
        } else {
            0
        };
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

/// A process that was found asleep so often stands still.
const STILL_LOOKS: u32 = 300;

/// Whether a process holds a lock on a file.
fn holds_a_lock(id: u32) -> bool {
    let id = id.to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    locks
        .lines()
        .any(|lock| lock.split_whitespace().any(|word| word == id))
}

/// Whether all threads of a process wait for something.
fn sleeps(id: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // After the name, which may hold anything, in parentheses.
        let state = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.starts_with('S'));
        state.unwrap_or(true)
    })
}

/// Submits over one stream until enough receipts were recorded, or the gateway falls silent.
async fn load(
    site: &Site,
    next_report: &mut u64,
    kill_after: u64,
    recorder: &mut File,
    receipts: &mut BTreeMap<u64, Seen>,
) {
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let (sender, messages) = mpsc::channel(256);
    let mut answers = client
        .submit_stream(ReceiverStream::new(messages))
        .await
        .unwrap()
        .into_inner();
    let first = *next_report;
    *next_report += kill_after + 4096;
    let last = *next_report;
    let sending = tokio::spawn(async move {
        for number in first..last {
            let report = sighting(&format!("r-{number:08}"));
            if sender.send(streamed(&report)).await.is_err() {
                return;
            }
        }
    });
    let mut recorded = 0;
    while recorded < kill_after {
        let Ok(answer) = tokio::time::timeout(SILENCE, answers.message()).await else {
            eprintln!("silence after {recorded} receipts");
            break;
        };
        let Ok(Some(answer)) = answer else {
            eprintln!("the stream ended: {answer:?}");
            break;
        };
        for outcome in answer.outcomes {
            let receipt = outcome.receipt.expect("nothing here is refused");
            let seen = Seen {
                report_id: outcome.report_id,
                sha256: receipt.report_sha256.to_vec(),
            };
            writeln!(recorder, "{} {}", receipt.position, seen.report_id).unwrap();
            let other = receipts.insert(receipt.position, seen);
            assert_eq!(other, None, "position {} was given twice", receipt.position);
            recorded += 1;
        }
        // Counted only when the recorder itself is durable.
        recorder.sync_data().unwrap();
    }
    sending.abort();
}

/// Reads the whole feed and holds it against the receipts.
async fn check(site: &Site, receipts: &BTreeMap<u64, Seen>) {
    let request = SubscribeRequest {
        until_now: true,
        include_original: true,
        ..Default::default()
    };
    let endpoint = site.endpoint("USA/feed-desk");
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let mut ids = HashSet::new();
    let mut expected_position = 1;
    let mut found = 0;
    while let Some(answer) = subscriber.next().await.unwrap() {
        for entry in answer.entries {
            assert_eq!(entry.position, expected_position, "a gap or a repeat");
            expected_position += 1;
            let record = proto::Record::decode(entry.record).unwrap();
            let original = entry.original.expect("it was asked for").content;
            assert_eq!(
                original,
                sighting(&record.report_id).encode_to_vec(),
                "other bytes"
            );
            assert!(
                ids.insert(record.report_id.clone()),
                "{} is there twice",
                record.report_id
            );
            if let Some(seen) = receipts.get(&entry.position) {
                assert_eq!(
                    seen.report_id, record.report_id,
                    "position {}",
                    entry.position
                );
                assert_eq!(
                    seen.sha256, record.original_sha256,
                    "position {}",
                    entry.position
                );
                found += 1;
            }
        }
    }
    assert_eq!(found, receipts.len(), "receipts that are not in the feed");
}

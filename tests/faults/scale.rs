//! What has to hold at size: a journal of many records that is opened after a crash, and a feed
//! with a thousand readers. How long it takes is measured by `entente bench`, not here.

use crate::dice::{Dice, from_environment};
use crate::support::{Site, raise_descriptors, sighting, unary};
use entente::client::{Patience, subscriber::Subscriber};
use entente::clock::SystemClock;
use entente::journal::{AppendError, Appended, Entry, Journal, Position, Settings};
use entente::wire::proto::SubscribeRequest;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Entries that are appended together.
const BATCH: u64 = 4096;
/// Retries after the crash.
const RETRIES: usize = 2000;
/// Names the folder that a process of this test fills until it kills itself.
const FOLDER: &str = "ENTENTE_SCALE_FOLDER";

fn entry(number: u64) -> Entry {
    Entry {
        key: format!("GBR/cell-4\0GBR-{number:09}").into_bytes().into(),
        revision: 1,
        digest: blake3::hash(&number.to_le_bytes()).into(),
        stamp_ns: i64::try_from(number).unwrap(),
        body: vec![0x5a; 100].into(),
    }
}

fn open(folder: &Path) -> Journal {
    let settings = Settings::new(folder.to_owned());
    Journal::open(settings, Arc::new(SystemClock::default())).unwrap()
}

/// Fills a journal and ends as a crash does: nothing is closed.
async fn fill_and_crash(folder: &Path, records: u64) -> ! {
    let journal = open(folder);
    let mut last = None;
    for first in (1..=records).step_by(usize::try_from(BATCH).unwrap()) {
        let entries = first..(first + BATCH).min(records + 1);
        last = Some(journal.enqueue(entries.map(entry).collect()).await.unwrap());
    }
    last.unwrap().durable().await.unwrap();
    std::process::abort();
}

/// What a retry is told, once the index has caught up far enough.
async fn retried(journal: &Journal, number: u64) -> Appended {
    loop {
        match journal.append(vec![entry(number)]).await {
            Ok(answers) => return answers[0],
            // It does not know yet, and says so instead of storing it twice.
            Err(AppendError::Overloaded { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// D14: a large journal opens after a crash, has every record, and knows every retry from the
/// first moment on. `ENTENTE_SCALE_RECORDS` says how large; `tests/nightly faults` takes ten million.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d14_a_large_journal_opens_after_a_crash_and_knows_every_retry() {
    let records = from_environment("ENTENTE_SCALE_RECORDS", 200_000);
    if let Some(folder) = std::env::var_os(FOLDER) {
        fill_and_crash(Path::new(&folder), records).await;
    }
    let ground = TempDir::new().unwrap();
    let folder = ground.path().join("journal");
    let crashed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("scale::d14_a_large_journal_opens_after_a_crash_and_knows_every_retry")
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    let journal = open(&folder);
    assert_eq!(journal.durable(), Position(records), "{crashed:?}");
    let mut dice = Dice(records);
    for _ in 0..RETRIES {
        let number = 1 + dice.roll(records);
        let Appended::Duplicate(receipt) = retried(&journal, number).await else {
            panic!("{number} is not known");
        };
        let is = (receipt.position(), receipt.stamp_ns());
        assert_eq!(is, (Position(number), entry(number).stamp_ns));
    }
    let Appended::Stored(receipt) = retried(&journal, records + 1).await else {
        panic!("a new one is not stored");
    };
    assert_eq!(receipt.position(), Position(records + 1));
    let last = journal.read(Position(records), 2, usize::MAX).unwrap();
    let last: Vec<_> = last.into_iter().map(|stored| stored.entry).collect();
    assert_eq!(last, [entry(records), entry(records + 1)]);
    journal.close();
}

/// S9: a thousand subscribers, each on a connection of its own, get every record once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_a_thousand_subscribers_get_every_record_once_and_in_order() {
    const SUBSCRIBERS: usize = 1000;
    const RECORDS: u64 = 20;
    /// Handshakes at once: one that waits for the others' would run into its deadline.
    const AT_ONCE: usize = 32;
    raise_descriptors();
    let mut site = Site::new(
        "[limits]\nconnections_max = 1100\n\n[feed]\nsubscriptions_max = 1100\n\
         subscriptions_nation_max = 1100\nsubscriptions_system_max = 1100\n",
    );
    site.start(&[]);
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut submit = async |number: u64| {
        let request = unary(&sighting(&format!("r-{number}")));
        let outcome = client.submit(request).await.unwrap().into_inner();
        assert!(outcome.outcome.unwrap().receipt.is_some());
    };
    submit(1).await;
    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let (arrived, mut arrivals) = watch::channel(0);
    let mut reading = JoinSet::new();
    let endpoint = site.endpoint("USA/feed-desk");
    for _ in 0..SUBSCRIBERS {
        let (endpoint, arrived) = (endpoint.clone(), arrived.clone());
        let places = Arc::clone(&places);
        reading.spawn(async move {
            let place = places.acquire_owned().await.unwrap();
            let request = SubscribeRequest::default();
            let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
            let mut place = Some(place);
            let mut positions = Vec::new();
            while positions.len() < usize::try_from(RECORDS).unwrap() {
                let answer = subscriber.next().await.unwrap().unwrap();
                positions.extend(answer.entries.iter().map(|entry| entry.position));
                if place.take_if(|_| !positions.is_empty()).is_some() {
                    arrived.send_modify(|count| *count += 1);
                }
            }
            positions
        });
    }
    // Everybody is there before the others come.
    arrivals
        .wait_for(|count| *count == SUBSCRIBERS)
        .await
        .unwrap();
    for number in 2..=RECORDS {
        submit(number).await;
    }
    let expected: Vec<_> = (1..=RECORDS).collect();
    for positions in reading.join_all().await {
        assert_eq!(positions, expected);
    }
    assert!(site.stop().success());
}

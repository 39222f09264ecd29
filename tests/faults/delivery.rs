//! What senders and readers are promised, shown with many of them: a storm of retries, readers
//! that take nothing, reading on from anywhere, gateways that are replaced one by one.

use crate::alone::{Alone, resident_kib, small_site};
use crate::federation::Federation;
use crate::ledger::{Ledger, may_see};
use crate::readers::{Pace, Readers};
use crate::senders::Senders;
use crate::support::{Site, sighting, unary};
use entente::client::{Patience, subscriber::Subscriber};
use entente::wire::proto::{self, SubscribeRequest};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// S1: the same report from 50 connections at once is one record, and everybody is told of the
/// same position.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn s1_a_storm_of_retries_from_50_connections_is_one_record() {
    const CONNECTIONS: usize = 50;
    let site = Site::started("");
    let (started, _) = tokio::sync::watch::channel(false);
    let mut storm = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let endpoint = site.endpoint("GBR/uav-cell-4");
        let mut starts = started.subscribe();
        storm.spawn(async move {
            let mut client = endpoint.submission().await.unwrap();
            drop(starts.wait_for(|starts| *starts).await);
            let mut told = Vec::new();
            for number in 0..10 {
                let request = unary(&sighting(&format!("r-{number}")));
                let answer = client.submit(request).await.unwrap().into_inner();
                told.push(answer.outcome.unwrap());
            }
            told
        });
    }
    started.send_replace(true);
    let told = storm.join_all().await;
    for number in 0..10 {
        let outcomes: Vec<_> = told.iter().map(|told| &told[number]).collect();
        let receipts: BTreeSet<_> = outcomes
            .iter()
            .map(|outcome| outcome.receipt.as_ref().unwrap().position)
            .collect();
        assert_eq!(receipts.len(), 1, "{outcomes:?}");
        let first = proto::Disposition::Accepted;
        let stored = outcomes.iter().filter(|one| one.disposition() == first);
        assert_eq!(stored.count(), 1, "one of them is the first");
    }
    let all = positions(&site, 0).await;
    assert_eq!(all, (1..=10).collect::<Vec<u64>>());
}

/// Positions that a reader of USA is given from a place on.
async fn positions(site: &Site, from: u64) -> Vec<u64> {
    let request = SubscribeRequest {
        from_position: from,
        until_now: true,
        ..Default::default()
    };
    let endpoint = site.endpoint("USA/feed-desk");
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let mut positions = Vec::new();
    while let Some(answer) = subscriber.next().await.unwrap() {
        positions.extend(answer.entries.iter().map(|entry| entry.position));
    }
    positions
}

/// S3: of 40 readers four stop taking anything. They are cut and lose nothing when they go on;
/// the others read all of it meanwhile, and the gateway keeps nothing for anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn s3_readers_that_take_nothing_are_cut_and_hold_up_nobody() {
    const RECEIPTS: usize = 2500;
    const NATIONS: [&str; 3] = ["USA", "FRA", "GBR"];
    let dead = [("USA", Pace::Dead(RECEIPTS)), ("GBR", Pace::Dead(RECEIPTS))];
    let eager = NATIONS.iter().cycle().take(36);
    let mut readers: Vec<_> = eager.map(|nation| (*nation, Pace::Eager)).collect();
    readers.extend(dead.iter().cycle().take(4));
    let site = small_site();
    // Everything is read from disk: what is sent is not kept either.
    site.edit("config/gateway.toml", |text| {
        text.replace("[journal]", "[journal]\ntail_bytes_max = \"64KiB\"")
    });
    let alone = Alone::start(site, &readers).await;
    alone.ledger.more(RECEIPTS / 4).await;
    let id = alone.site.pid().as_raw_nonzero().get();
    let before = resident_kib(id);
    alone.ledger.more(RECEIPTS - RECEIPTS / 4).await;
    let after = resident_kib(id);
    println!(
        "{before} KiB, then {after} KiB with {} readers",
        readers.len()
    );
    assert!(after < before + 64 * 1024, "{before} KiB, then {after} KiB");
    let log = alone.site.log();
    assert!(log.contains("reader stalled"), "{log}");
    alone.end().await;
}

/// S4: over kills and restarts a reader may go on at any position, and gets each from there on
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_reading_goes_on_from_any_position_over_restarts() {
    const REPORTS: u64 = 60;
    let mut site = small_site();
    site.start(&[]);
    for third in 0..3 {
        let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
        for number in third * REPORTS / 3..(third + 1) * REPORTS / 3 {
            let request = unary(&sighting(&format!("r-{number}")));
            client.submit(request).await.unwrap();
        }
        site.kill();
        site.start(&[]);
    }
    for from in 1..=REPORTS + 1 {
        let due: Vec<_> = (from..=REPORTS).collect();
        assert_eq!(positions(&site, from).await, due, "from {from}");
    }
}

/// S8: both gateways are replaced under load, one after the other. They drain, they end in
/// order, and whoever sends or reads gets nothing but statuses that it can come back from.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn s8_gateways_are_replaced_under_load_and_nothing_is_lost() {
    let mut federation = Federation::start().await;
    let ledger = Ledger::new();
    let address = federation.balancer.address.clone();
    let site = &federation.gateways[0];
    let readers = [("USA", Pace::Eager), ("FRA", Pace::Eager)];
    let readers = Readers::start(site, &address, &ledger, &readers);
    let senders = Senders::start(site, &address, &ledger, 0..2, 200);
    ledger.more(50).await;
    for gateway in [0, 1, 0] {
        federation.balancer.set(gateway, None);
        let site = &mut federation.gateways[gateway];
        let ended = tokio::task::block_in_place(|| site.stop());
        assert!(ended.success(), "{ended}");
        ledger.more(50).await;
        federation.start_gateway(gateway, &[]);
        ledger.more(50).await;
    }
    senders.end().await;
    ledger.check();
    readers.end().await;
    federation.stop();
}

/// D17: what is copied of a journal that is being written, segments in order of their names and
/// without the index, is a beginning of the feed: every record that was durable when the copy
/// began, in order, and perhaps some that came later.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn d17_a_copy_of_a_journal_that_is_written_is_a_beginning_of_the_feed() {
    let alone = Alone::start(small_site(), &[("USA", Pace::Eager)]).await;
    alone.ledger.more(900).await;
    for copied in 0..3 {
        alone.ledger.more(150).await;
        let receipted = alone.ledger.last();
        let mut copy = small_site();
        let certificates = copy.path("certs-dev");
        std::fs::remove_dir_all(&certificates).unwrap();
        std::os::unix::fs::symlink(alone.site.path("certs-dev"), &certificates).unwrap();
        copy_segments(&alone.site.path("data/journal"), &copy.path("data/journal"));
        let verified = copy.run(&["journal", "verify", "data/journal"]);
        assert!(verified.status.success(), "{verified:?}");
        tokio::task::block_in_place(|| copy.start(&[]));
        // Reports have receipts in the ledger a moment after they stand in the journal.
        let durable = restored(&copy, receipted, &alone.ledger).await;
        println!("copy {copied}: {durable} positions, {receipted} had receipts when it began");
        assert!(durable >= receipted);
        assert!(tokio::task::block_in_place(|| copy.stop()).success());
    }
    alone.end().await;
}

/// Holds a restored feed against the receipts up to a position; gives its last position.
async fn restored(copy: &Site, receipted: u64, ledger: &Ledger) -> u64 {
    let request = SubscribeRequest {
        until_now: true,
        ..Default::default()
    };
    let endpoint = copy.endpoint("USA/feed-desk");
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let (mut given, mut durable) = (BTreeMap::new(), 0);
    while let Some(answer) = subscriber.next().await.unwrap() {
        durable = answer.durable_position;
        for entry in answer.entries {
            let record = proto::Record::decode(entry.record).unwrap();
            given.insert(entry.position, record.report_id);
        }
    }
    for (position, kept) in ledger.some(1) {
        if position <= receipted && may_see("USA", &kept.report_id) {
            assert_eq!(given.get(&position), Some(&kept.report_id), "{position}");
        }
    }
    durable
}

/// Copies the segments, in the order of their names.
fn copy_segments(from: &std::path::Path, to: &std::path::Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700).create(to).unwrap();
    for segment in crate::tails::segments(from) {
        let name = segment.file_name().unwrap();
        std::fs::copy(&segment, to.join(name)).unwrap();
    }
}

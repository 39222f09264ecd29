//! Three servers, of which each keeps a copy: what must survive that one of them ends, stops or
//! comes back, and what a cluster must promise.

use crate::servers::{Cluster, Papers};
use crate::{all, close, context, engine_settings, entry, open, receipt};
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use entente::journal::{AppendError, Appended, Entry, Health, Journal, Receipt, Stored};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Systems that send at once.
const SENDERS: u64 = 8;
/// Entries of one submission.
const CHUNK: u64 = 4;
/// Nothing of what a test waits for takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was acknowledged, as the senders saw it.
type Receipts = Arc<Mutex<BTreeMap<u64, (Entry, Receipt)>>>;

/// Systems that send through gateways for as long as they may, and never give a report up.
struct Load {
    receipts: Receipts,
    count: watch::Receiver<usize>,
    ends: Arc<AtomicBool>,
    senders: JoinSet<()>,
}

impl Load {
    fn start(gateways: &[Journal]) -> Self {
        let receipts = Receipts::default();
        let (count_in, count) = watch::channel(0);
        let count_in = Arc::new(count_in);
        let ends = Arc::new(AtomicBool::new(false));
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let gateways = gateways.to_vec();
            let (receipts, count, ends) = (receipts.clone(), count_in.clone(), ends.clone());
            senders.spawn(async move {
                let mut number = sender * 1_000_000;
                while !ends.load(Ordering::Relaxed) {
                    let chunk: Vec<_> = (number..number + CHUNK)
                        .map(|number| entry(number, 1, &format!("report {number}")))
                        .collect();
                    number += CHUNK;
                    let answers = stored(&gateways, sender, &chunk).await;
                    let mut receipts = receipts.lock().unwrap();
                    for (entry, answer) in chunk.into_iter().zip(&answers) {
                        let receipt = receipt(answer);
                        let before = receipts.insert(receipt.position().0, (entry, receipt));
                        assert_eq!(before, None, "two receipts for one position");
                    }
                    count.send_replace(receipts.len());
                }
            });
        }
        Self {
            receipts,
            count,
            ends,
            senders,
        }
    }

    /// Waits until so many more reports were acknowledged.
    async fn more(&mut self, reports: usize) {
        let wanted = *self.count.borrow() + reports;
        let reached = self.count.wait_for(|count| *count >= wanted);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("reports are acknowledged no more").unwrap();
    }

    async fn end(self) -> BTreeMap<u64, (Entry, Receipt)> {
        self.ends.store(true, Ordering::Relaxed);
        self.senders.join_all().await;
        std::mem::take(&mut self.receipts.lock().unwrap())
    }
}

/// Submits through one gateway after the other until there are receipts.
async fn stored(gateways: &[Journal], sender: u64, chunk: &[Entry]) -> Vec<Appended> {
    for gateway in gateways
        .iter()
        .cycle()
        .skip(usize::try_from(sender % 2).unwrap())
    {
        match gateway.append(chunk.to_vec()).await {
            Ok(answers) => {
                let sound = |answer: &Appended| {
                    matches!(answer, Appended::Stored(_) | Appended::Duplicate(_))
                };
                assert!(answers.iter().all(sound), "{answers:?}");
                return answers;
            }
            Err(
                AppendError::Unreachable { retry_after } | AppendError::Overloaded { retry_after },
            ) => {
                let mut health = gateway.health();
                let ready = health.wait_for(|health| *health == Health::Ready);
                let _or_not = tokio::time::timeout(retry_after, ready).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("a cycle does not end")
}

/// Every receipt is in the feed once, with the same bytes, and nothing is there twice.
fn hold(feed: &[Stored], receipts: &BTreeMap<u64, (Entry, Receipt)>) {
    let mut keys = BTreeMap::new();
    for stored in feed {
        let before = keys.insert(&stored.entry.key, stored.position);
        assert_eq!(before, None, "{:?} is there twice", stored.entry.key);
    }
    for (position, (entry, receipt)) in receipts {
        let stored = &feed[usize::try_from(*position - 1).unwrap()];
        assert_eq!(
            (&stored.entry, stored.position),
            (entry, receipt.position())
        );
    }
}

/// Name of the server that leads the stream.
async fn leader(context: &Context, stream: &str) -> String {
    let look = async {
        loop {
            if let Ok(mut stream) = context.get_stream(stream).await
                && let Ok(info) = stream.info().await
                && let Some(leader) = info.cluster.as_ref().and_then(|c| c.leader.clone())
                && !leader.is_empty()
            {
                return leader;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look)
        .await
        .expect("nobody leads")
}

/// N1, N2 and N3: the leader is killed, comes back, is stopped, goes on; at last all are killed.
/// N10: retries come at the end of all that, to a gateway that was not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_receipt_is_in_the_feed_once_whatever_happens_to_the_leader() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let mut cluster = Cluster::start(folder.path(), &papers, |text| text);
    let engine = engine_settings(&papers, cluster.urls(), 3);
    let gateways = [
        open(&folder.path().join("a"), &engine).await.unwrap(),
        open(&folder.path().join("b"), &engine).await.unwrap(),
    ];
    let context = context(&papers, &cluster.urls()).await;
    let mut load = Load::start(&gateways);
    load.more(500).await;

    let killed = leader(&context, &engine.stream).await;
    cluster.named(&killed).kill();
    load.more(500).await;
    cluster.named(&killed).spawn();
    cluster.named(&killed).wait_until_ready();
    load.more(500).await;

    let stopped = leader(&context, &engine.stream).await;
    cluster.named(&stopped).pause();
    load.more(500).await;
    cluster.named(&stopped).resume();
    load.more(500).await;

    for server in &mut cluster.servers {
        server.kill();
    }
    for server in &mut cluster.servers {
        server.spawn();
    }
    load.more(500).await;
    let receipts = load.end().await;

    let last = *receipts.last_key_value().unwrap().0;
    for gateway in &gateways {
        let mut durable = gateway.watch_durable();
        let followed = durable.wait_for(|durable| durable.0 >= last);
        tokio::time::timeout(PATIENCE, followed)
            .await
            .unwrap()
            .unwrap();
    }
    let new = open(&folder.path().join("new"), &engine).await.unwrap();
    let feed = all(&new);
    hold(&feed, &receipts);
    for gateway in &gateways {
        let of_gateway = all(gateway);
        assert_eq!(of_gateway[..], feed[..of_gateway.len()]);
        hold(&of_gateway, &receipts);
    }
    // A retry long after, through a gateway that was not there, gets the first receipt.
    for (entry, receipt) in receipts.values().step_by(50) {
        let again = Entry {
            stamp_ns: -1,
            ..entry.clone()
        };
        let answer = new.append(vec![again]).await.unwrap();
        assert_eq!(answer, [Appended::Duplicate(*receipt)]);
    }
    for gateway in gateways.into_iter().chain([new]) {
        close(gateway).await;
    }
}

/// Both gateways get every report at once, and the lead goes from server to server: there is one
/// record, and both tell of the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contested_reports_are_stored_once_while_the_lead_changes() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let cluster = Cluster::start(folder.path(), &papers, |text| text);
    let engine = engine_settings(&papers, cluster.urls(), 3);
    let one = open(&folder.path().join("a"), &engine).await.unwrap();
    let other = open(&folder.path().join("b"), &engine).await.unwrap();
    let context = context(&papers, &cluster.urls()).await;
    let agreed = Arc::new(watch::Sender::new(0));
    let mut count = agreed.subscribe();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (one, other) = ([one.clone()], [other.clone()]);
        let agreed = agreed.clone();
        senders.spawn(async move {
            for number in (sender * 1_000_000..).step_by(usize::try_from(CHUNK).unwrap()) {
                let entries = |stamp_ns| {
                    let entries = number..number + CHUNK;
                    let entries = entries.map(|number| Entry {
                        stamp_ns,
                        ..entry(number, 1, "contested")
                    });
                    entries.collect::<Vec<_>>()
                };
                let (of_one, of_other) = (entries(1), entries(2));
                let answers = tokio::join!(stored(&one, 0, &of_one), stored(&other, 0, &of_other));
                for (one, other) in answers.0.iter().zip(&answers.1) {
                    assert_eq!(receipt(one), receipt(other));
                    let both = matches!((one, other), (Appended::Stored(_), Appended::Stored(_)));
                    assert!(!both, "{one:?} {other:?}");
                }
                agreed.send_modify(|count| *count += 1);
            }
        });
    }
    let mut changes = 0;
    for _ in 0..10 {
        let wanted = *count.borrow() + 20;
        let more = count.wait_for(|count| *count >= wanted);
        let more = tokio::time::timeout(PATIENCE, more).await;
        more.expect("nothing goes on").unwrap();
        let step_down = format!("STREAM.LEADER.STEPDOWN.{}", engine.stream);
        let stepped: Result<serde_json::Value, _> = context.request(step_down, &()).await;
        changes += u32::from(stepped.is_ok());
    }
    assert!(changes >= 3, "the lead hardly changed: {changes}");
    senders.shutdown().await;
    let feed = all(&one);
    hold(&feed, &BTreeMap::new());
    let of_other = all(&other);
    let both = feed.len().min(of_other.len());
    assert_eq!(feed[..both], of_other[..both]);
    close(one).await;
    close(other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_operator_does_not_vouch_for_syncs_is_refused() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let without_tags =
        |text: String| text.replace("server_tags: [\"sync:always\"]", "server_tags: [\"x:y\"]");
    let cluster = Cluster::start(folder.path(), &papers, without_tags);
    let engine = engine_settings(&papers, cluster.urls(), 3);
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("server_tags: [\"sync:always\"]"),
        "{refused}"
    );
    // A stream that somebody else made, anywhere.
    let context = context(&papers, &cluster.urls()).await;
    let elsewhere = Config {
        name: engine.stream.clone(),
        subjects: vec!["entente.>".to_owned()],
        discard: DiscardPolicy::New,
        num_replicas: 3,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    };
    context.create_stream(elsewhere).await.unwrap();
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    assert!(
        refused.to_string().contains("no placement tag"),
        "{refused}"
    );
    // Whoever says that less is enough gets it.
    let mut less = engine.clone();
    less.sync = entente::journal::SyncPromise::Interval;
    let journal = open(&folder.path().join("a"), &less).await.unwrap();
    journal.append(vec![entry(1, 1, "text")]).await.unwrap();
    close(journal).await;
}

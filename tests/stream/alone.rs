//! A gateway that alone stores takes what the servers acknowledged as read, and turns to the
//! stream as soon as another one stores something.

use crate::one::site;
use crate::{all, close, context, engine_settings, entry, open, receipt};
use async_nats::jetstream::Context;
use entente::journal::{Appended, Journal, Receipt};
use tokio_stream::StreamExt as _;

/// So often at most it is looked at whether the servers still give back.
const LOOKS_MAX: usize = 50;
/// Entries that one call stores.
const CHUNK: u64 = 200;

/// Stores numbers from `from` on through a gateway; their receipts.
async fn store(gateway: &Journal, from: u64, count: u64) -> Vec<Receipt> {
    let entries = (from..from + count).map(|number| entry(number, 1, "text"));
    let stored = gateway.append(entries.collect()).await.unwrap();
    let is_new = |one: &Appended| matches!(one, Appended::Stored(_));
    assert!(stored.iter().all(is_new), "{stored:?}");
    stored.iter().map(receipt).collect()
}

/// How far the servers have given the stream back to any gateway.
async fn given_back(context: &Context) -> u64 {
    let stream = context.get_stream("ENTENTE").await.unwrap();
    let mut consumers = stream.consumers();
    let mut last = 0;
    while let Some(consumer) = consumers.next().await {
        last = last.max(consumer.unwrap().delivered.stream_sequence);
    }
    last
}

/// Stores so many chunks, one after the other; the receipts of all.
async fn chunks(gateway: &Journal, from: u64, count: u64) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for chunk in 0..count {
        receipts.extend(store(gateway, from + chunk * CHUNK, CHUNK).await);
    }
    receipts
}

/// Stores until the servers have given nothing back for a while; the receipts of all.
async fn until_alone(gateway: &Journal, context: &Context, from: u64) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    let mut next = from;
    for _ in 0..LOOKS_MAX {
        let before = given_back(context).await;
        receipts.extend(chunks(gateway, next, 20).await);
        next += 20 * CHUNK;
        if given_back(context).await == before {
            return receipts;
        }
    }
    panic!("everything is given back");
}

fn positions(receipts: &[Receipt]) -> Vec<u64> {
    let positions = receipts.iter().map(|receipt| receipt.position().0);
    positions.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_alone_needs_nothing_given_back_until_another_one_stores() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let context = context(&papers, &[server.url()]).await;
    let first = open(&folder.path().join("a"), &engine).await.unwrap();
    let receipts = until_alone(&first, &context, 1).await;
    let count = receipts.len() as u64;
    let expected: Vec<_> = (1..=count).collect();
    assert_eq!(positions(&receipts), expected);

    // Another one comes, which reads, and stores in between.
    let second = open(&folder.path().join("b"), &engine).await.unwrap();
    let foreign = store(&second, 1_000_001, 3).await;
    let behind = store(&first, 2_000_001, 3).await;
    let six = [positions(&foreign), positions(&behind)].concat();
    assert_eq!(six, (count + 1..=count + 6).collect::<Vec<_>>());

    // Both at once, and what the other one stored is found where a retry comes.
    let (of_first, of_second) = tokio::join!(
        chunks(&first, 3_000_001, 30),
        chunks(&second, 4_000_001, 10),
    );
    let mut both = [positions(&of_first), positions(&of_second)].concat();
    both.sort_unstable();
    let last = count + 6 + 40 * CHUNK;
    assert_eq!(both, (count + 7..=last).collect::<Vec<_>>());
    let again = first.append(vec![entry(4_000_050, 1, "text")]).await;
    assert_eq!(again.unwrap(), [Appended::Duplicate(of_second[49])]);
    second
        .watch_durable()
        .wait_for(|durable| durable.0 == last)
        .await
        .unwrap();
    assert_eq!(all(&first), all(&second));
    close(second).await;

    // Alone again.
    until_alone(&first, &context, 5_000_001).await;
    let feed = all(&first);
    // The stream is what it has: a new one reads it from its beginning.
    let new = open(&folder.path().join("c"), &engine).await.unwrap();
    assert_eq!(all(&new), feed);
    close(new).await;
    close(first).await;
}

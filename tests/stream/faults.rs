//! What one server may do to an entry: lose its answer, have no room, damage what it keeps.

use crate::one::site;
use crate::proxy::Proxy;
use crate::{close, context, engine_settings, entry, open, receipt};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use entente::journal::{AppendError, Appended, Position};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Nothing of what a test waits for takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// N9: the acknowledgement is lost; the entry is published again, and stands there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_whose_acknowledgement_is_lost_is_stored_once() {
    let (folder, papers, server) = site();
    let proxy = Proxy::to(server.address()).await;
    let engine = engine_settings(&papers, vec![proxy.url()], 1);
    let journal = open(&folder.path().join("a"), &engine).await.unwrap();
    let context = context(&papers, &[server.url()]).await;
    let mut stream = context.get_stream(&engine.stream).await.unwrap();
    proxy.lose_answers();
    let appending = {
        let journal = journal.clone();
        tokio::spawn(async move { journal.append(vec![entry(1, 1, "text")]).await })
    };
    let stored = async { while stream.info().await.unwrap().state.messages == 0 {} };
    tokio::time::timeout(PATIENCE, stored)
        .await
        .expect("it arrives");
    assert!(!appending.is_finished(), "nobody has told");
    proxy.mend();
    let answer = tokio::time::timeout(PATIENCE, appending).await.unwrap();
    let answer = answer.unwrap().unwrap();
    assert!(matches!(answer[0], Appended::Stored(_)), "{answer:?}");
    assert_eq!(receipt(&answer[0]).position(), Position(1));
    let next = journal.append(vec![entry(2, 1, "text")]).await.unwrap();
    assert_eq!(receipt(&next[0]).position(), Position(2));
    assert_eq!(stream.info().await.unwrap().state.messages, 2);
    close(journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_full_refuses_and_says_when_to_come_back() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let context = context(&papers, &[server.url()]).await;
    let mut small = Config {
        name: engine.stream.clone(),
        subjects: vec!["entente.>".to_owned()],
        discard: DiscardPolicy::New,
        max_bytes: 4096,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    };
    context.create_stream(small.clone()).await.unwrap();
    let journal = open(&folder.path().join("a"), &engine).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        match journal
            .append(vec![entry(stored, 1, &"x".repeat(500))])
            .await
        {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    let is_full = |retry: Duration| !retry.is_zero();
    assert!(
        matches!(refused, AppendError::DiskFull { retry_after } if is_full(retry_after)),
        "{refused}"
    );
    assert!((1..8).contains(&stored), "{stored}");
    // More room, and it goes on where it was.
    small.max_bytes = 1024 * 1024;
    context.update_stream(small).await.unwrap();
    let next = journal
        .append(vec![entry(stored, 1, "text")])
        .await
        .unwrap();
    assert_eq!(receipt(&next[0]).position(), Position(stored + 1));
    close(journal).await;
}

/// Files below a folder whose name ends so.
fn find(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(find(&path, suffix));
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found
}

/// N6: whatever the server makes of a damaged block, no gateway takes it for the feed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_a_servers_block_is_a_loud_refusal() {
    let (folder, papers, mut server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let journal = open(&folder.path().join("a"), &engine).await.unwrap();
    for number in 0..100 {
        journal
            .append(vec![entry(number, 1, "text")])
            .await
            .unwrap();
    }
    close(journal).await;
    server.kill();
    let blocks = find(&folder.path().join("s1/store"), "1.blk");
    let block = blocks
        .iter()
        .find(|path| path.to_string_lossy().contains("ENTENTE"))
        .unwrap();
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(block)
        .unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    server.spawn();
    server.wait_until_ready();
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    println!("{refused}");
    assert!(
        refused.to_string().contains("nothing was changed"),
        "{refused}"
    );
}

/// The rights that the manual gives a gateway are enough, and it needs no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_of_the_manual_are_enough() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ENGINES.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, rights) = manual.split_once("<!-- rights -->\n```\n").unwrap();
    let (rights, _) = rights.split_once("```").unwrap();
    let rights = rights.replace("CN=gateway.example", "CN=gateway");
    let (folder, papers, server) = crate::one::site_with(|text| {
        text.replace("verify: true", "verify_and_map: true") + &rights
    });
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let journal = open(&folder.path().join("a"), &engine).await.unwrap();
    let stored = journal.append(vec![entry(1, 1, "text")]).await.unwrap();
    assert!(matches!(stored[0], Appended::Stored(_)), "{stored:?}");
    let other = open(&folder.path().join("b"), &engine).await.unwrap();
    assert_eq!(other.durable(), Position(1));
    // Not even a gateway may take something out.
    let mut context = context(&papers, &[server.url()]).await;
    context.set_timeout(Duration::from_secs(1));
    assert!(context.delete_stream(&engine.stream).await.is_err());
    assert!(context.get_stream(&engine.stream).await.is_ok());
    close(other).await;
    close(journal).await;
}

//! A feed moves from the embedded engine to JetStream and back, with the real commands and the
//! real processes: the same positions, bytes and receipts.

use crate::gateway::{feed, site, submit};
use crate::servers::{Papers, Server};
use crate::support::Site;
use crate::{close, context, engine_settings, entry, folder_settings, open};
use entente::clock::SystemClock;
use entente::journal::{AppendError, Journal, Position};
use entente::wire::proto::{Disposition, Receipt};
use std::sync::Arc;
use tempfile::TempDir;

/// Runs a command of the site that has to succeed; its object.
fn told(site: &Site, arguments: &[&str]) -> serde_json::Value {
    let ran = site.run(&[arguments, &["--output", "json"]].concat());
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Submits so many reports; their receipts.
async fn receipts(site: &Site, count: u64) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for number in 1..=count {
        let outcome = submit(site, &format!("r-{number}")).await.unwrap();
        receipts.push(outcome.receipt.unwrap());
    }
    receipts
}

/// Every report that is sent again gets its first receipt.
async fn assert_retries(site: &Site, receipts: &[Receipt]) {
    for (receipt, number) in receipts.iter().zip(1..) {
        let again = submit(site, &format!("r-{number}")).await.unwrap();
        assert_eq!(again.disposition(), Disposition::Duplicate, "{again:?}");
        assert_eq!(again.receipt.as_ref(), Some(receipt));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_moves_to_jetstream_and_back() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let server = Server::alone(folder.path(), &papers, |text| text);
    let file = folder.path().join("feed.export").display().to_string();
    let (export, import) = (["feed", "export", &file], ["feed", "import", &file]);

    let mut first = Site::started("");
    let given = receipts(&first, 40).await;
    let before = feed(&first).await;
    assert_eq!(before.len(), 40);
    // Beside the running gateway.
    assert_eq!(told(&first, &export)["lastPosition"], 40);
    assert!(first.stop().success());

    let mut second = site(&papers, &server.url());
    let done = told(&second, &import);
    assert_eq!(
        (&done["fromPosition"], &done["entries"]),
        (&1.into(), &40.into())
    );
    second.start(&[]);
    assert_eq!(feed(&second).await, before);
    assert_retries(&second, &given).await;
    let more = submit(&second, "r-41").await.unwrap();
    assert_eq!(more.receipt.as_ref().unwrap().position, 41);
    let after = feed(&second).await;
    assert_eq!(
        told(&second, &[&export[..], &["--continue"]].concat())["fromPosition"],
        41
    );
    assert!(second.stop().success());
    let verified = told(
        &second,
        &["feed", "verify", "data/journal", "--against", &file],
    );
    assert_eq!(
        (&verified["sound"], &verified["entries"]),
        (&true.into(), &41.into())
    );

    let mut third = Site::new("");
    assert_eq!(told(&third, &import)["lastPosition"], 41);
    third.start(&[]);
    assert_eq!(feed(&third).await, after);
    assert_retries(&third, &given).await;
    assert!(third.stop().success());
    assert_eq!(told(&third, &["feed", "verify", &file])["sound"], true);
    // Into a stream that another feed is in: nothing is stored.
    let other = Site::started("");
    submit(&other, "another").await.unwrap();
    let foreign = folder.path().join("foreign.export").display().to_string();
    told(&other, &["feed", "export", &foreign]);
    let refused = second.run(&["feed", "import", &foreign]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("it holds another feed"), "{said}");
}

/// Whoever else writes to the stream meanwhile: no entry stands at another position than its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_for_a_position_stands_there_or_nowhere() {
    let (folder, papers, server) = crate::one::site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let mut settings = folder_settings(&folder.path().join("a"));
    settings.importing = true;
    let clock = Arc::new(SystemClock::default());
    let importing = Journal::open_stream(settings, engine.clone(), clock).await;
    let importing = importing.unwrap();
    let two = vec![entry(1, 1, "one"), entry(2, 1, "two")];
    let pending = importing.enqueue_at(Position(1), two).await.unwrap();
    pending.durable().await.unwrap();
    let elsewhere = open(&folder.path().join("b"), &engine).await.unwrap();
    elsewhere
        .append(vec![entry(7, 1, "foreign")])
        .await
        .unwrap();
    let next = vec![entry(3, 1, "three"), entry(4, 1, "four")];
    let pending = importing.enqueue_at(Position(3), next).await.unwrap();
    let refused = pending.durable().await.unwrap_err();
    assert!(
        matches!(refused, AppendError::Unreachable { .. }),
        "{refused}"
    );
    let context = context(&papers, &[server.url()]).await;
    let mut stream = context.get_stream(&engine.stream).await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 3);
    // What is imported names no writer: its gateway would wait for what it reads back instead.
    for (position, names_one) in [(1, false), (2, false), (3, true)] {
        let message = stream.get_raw_message(position).await.unwrap();
        assert_eq!(message.payload[6..8] != [0, 0], names_one, "{position}");
    }
    close(importing).await;
    close(elsewhere).await;
}

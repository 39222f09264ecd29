//! One server: what becomes of entries, and what the engine refuses to work with.

use crate::servers::{Papers, Server};
use crate::{all, close, context, engine_settings, entry, folder_settings, open, receipt};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use entente::clock::SystemClock;
use entente::journal::{Appended, Entry, Journal, OpenError, Position};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder, certificates, and a server that runs.
pub(crate) fn site() -> (TempDir, Papers, Server) {
    site_with(|text| text)
}

/// The same with another configuration of the server.
pub(crate) fn site_with(edit: impl Fn(String) -> String) -> (TempDir, Papers, Server) {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let server = Server::alone(folder.path(), &papers, edit);
    (folder, papers, server)
}

/// N10: there is no window after which a retry would be a second record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_stored_once_and_every_gateway_says_the_same_of_it() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let first = open(&folder.path().join("a"), &engine).await.unwrap();
    let second = open(&folder.path().join("b"), &engine).await.unwrap();
    let again = |text| Entry {
        stamp_ns: 999,
        ..entry(1, 2, text)
    };
    let stored = first
        .append(vec![
            entry(1, 2, "two"),
            entry(2, 1, "other"),
            entry(1, 3, "three"),
        ])
        .await
        .unwrap();
    assert!(
        stored.iter().all(|one| matches!(one, Appended::Stored(_))),
        "{stored:?}"
    );
    let positions: Vec<_> = stored.iter().map(|one| receipt(one).position().0).collect();
    assert_eq!(positions, [1, 2, 3]);
    assert_eq!(receipt(&stored[2]).previous(), Some(Position(1)));
    for gateway in [&first, &second] {
        let repeated = gateway.append(vec![again("two"), again("else")]).await;
        let repeated = repeated.unwrap();
        assert_eq!(repeated[0], Appended::Duplicate(receipt(&stored[0])));
        assert_eq!(repeated[1], Appended::Conflict(receipt(&stored[0])));
    }
    let late = second.append(vec![entry(1, 1, "one")]).await.unwrap();
    assert!(matches!(late[0], Appended::Superseded(_)), "{late:?}");
    let twice = first
        .append(vec![entry(7, 1, "seven"), entry(7, 1, "seven")])
        .await;
    let twice = twice.unwrap();
    assert!(matches!(twice[0], Appended::Stored(_)), "{twice:?}");
    assert_eq!(twice[1], Appended::Duplicate(receipt(&twice[0])));
    second
        .watch_durable()
        .wait_for(|last| last.0 == 5)
        .await
        .unwrap();
    first
        .watch_durable()
        .wait_for(|last| last.0 == 5)
        .await
        .unwrap();
    let feed = all(&first);
    assert_eq!(feed, all(&second));
    close(second).await;
    // A new gateway, with an empty folder, finds all of it.
    let third = open(&folder.path().join("c"), &engine).await.unwrap();
    assert_eq!(all(&third), feed);
    let repeated = third.append(vec![again("two")]).await.unwrap();
    assert_eq!(repeated[0], Appended::Duplicate(receipt(&stored[0])));
    close(third).await;
    close(first).await;
}

/// S1: fifty at once, by two gateways that know nothing of each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_retries_through_two_gateways_is_one_record() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let gateways = [
        open(&folder.path().join("a"), &engine).await.unwrap(),
        open(&folder.path().join("b"), &engine).await.unwrap(),
    ];
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..50 {
        let gateway = gateways[sender % 2].clone();
        senders.spawn(async move {
            let entry = Entry {
                stamp_ns: i64::try_from(sender).unwrap(),
                ..entry(1, 1, "the same")
            };
            gateway.append(vec![entry]).await.unwrap()[0]
        });
    }
    let answers = senders.join_all().await;
    let stored = |answer: &&Appended| matches!(answer, Appended::Stored(_));
    assert_eq!(answers.iter().filter(stored).count(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| receipt(answer) == receipt(&answers[0]))
    );
    assert_eq!(gateways[0].durable(), Position(1));
    for gateway in gateways {
        close(gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_or_server_that_promises_less_is_refused_with_all_reasons() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let foreign = Config {
        name: engine.stream.clone(),
        subjects: vec!["entente.>".to_owned(), "other.>".to_owned()],
        discard: DiscardPolicy::Old,
        max_messages: 10,
        ..Config::default()
    };
    let context = context(&papers, &[server.url()]).await;
    context.create_stream(foreign).await.unwrap();
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    let refused = refused.to_string();
    for fault in [
        "subjects",
        "discard Old",
        "a limit of messages",
        "deny_delete",
    ] {
        assert!(refused.contains(fault), "{refused}");
    }
    context.delete_stream(&engine.stream).await.unwrap();
    let mut stranger = engine.clone();
    stranger.ca = papers.file("gateway.pem");
    let refused = open(&folder.path().join("a"), &stranger).await.unwrap_err();
    assert!(matches!(refused, OpenError::JetStream(_)), "{refused}");
}

/// The own copy and the chain decide whether the stream is whole, and not the servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_lost_something_is_told_from_one_that_did_not() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let journal = open(&folder.path().join("a"), &engine).await.unwrap();
    for number in 1..=3 {
        journal
            .append(vec![entry(number, 1, "text")])
            .await
            .unwrap();
    }
    close(journal).await;
    let context = context(&papers, &[server.url()]).await;
    context.delete_stream(&engine.stream).await.unwrap();
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    assert!(
        refused.to_string().contains("read up to position 3"),
        "{refused}"
    );
    // Another stream under the same name, and longer.
    let journal = open(&folder.path().join("b"), &engine).await.unwrap();
    for number in 11..=15 {
        journal
            .append(vec![entry(number, 1, "text")])
            .await
            .unwrap();
    }
    let refused = open(&folder.path().join("a"), &engine).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("not what this gateway has read"),
        "{refused}"
    );
    // What no gateway wrote stops a gateway, and nothing is skipped.
    let mut health = journal.health();
    context
        .publish("entente.x", "no report".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let stopped = health
        .wait_for(|health| matches!(health, entente::journal::Health::Poisoned(_)))
        .await
        .unwrap()
        .clone();
    assert!(
        format!("{stopped:?}").contains("no message of a gateway"),
        "{stopped:?}"
    );
    assert!(journal.append(vec![entry(16, 1, "text")]).await.is_err());
    close(journal).await;
}

/// A folder belongs to one engine: a copy is never written to as if it were the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_of_one_engine() {
    let (folder, papers, server) = site();
    let engine = engine_settings(&papers, vec![server.url()], 1);
    let copy = folder.path().join("copy");
    close(open(&copy, &engine).await.unwrap()).await;
    let clock = Arc::new(SystemClock::default());
    let refused = Journal::open(folder_settings(&copy), clock.clone()).unwrap_err();
    assert!(refused.to_string().contains("jetstream"), "{refused}");
    let own = folder.path().join("own");
    let journal = Journal::open(folder_settings(&own), clock).unwrap();
    journal.append(vec![entry(1, 1, "text")]).await.unwrap();
    close(journal).await;
    let refused = open(&own, &engine).await.unwrap_err();
    assert!(refused.to_string().contains("embedded"), "{refused}");
}

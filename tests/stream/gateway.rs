//! The real process with this engine: two gateways with one feed, what they say while no server
//! answers, and what `entente check` says of the section.

use crate::servers::{Papers, Server};
use crate::support::{Site, sighting, unary};
use entente::client::{Patience, subscriber::Subscriber};
use entente::wire::proto::{self, SubscribeRequest};
use std::time::Duration;
use tempfile::TempDir;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

const SYSTEM: &str = "GBR/uav-cell-4";
/// Nothing of what a test waits for takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The section as it is added to `gateway.toml`.
fn section(papers: &Papers, url: &str) -> String {
    format!(
        "[journal.jetstream]\nservers = [{url:?}]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n\
         replicas = 1\n",
        papers.file("ca.pem"),
        papers.file("gateway.pem"),
        papers.file("gateway.key"),
    )
}

pub(crate) fn site(papers: &Papers, url: &str) -> Site {
    let site = Site::new(&section(papers, url));
    site.edit("config/gateway.toml", |text| {
        text.replace("[journal]\n", "[journal]\nengine = \"jetstream\"\n")
    });
    site
}

pub(crate) async fn submit(site: &Site, id: &str) -> Result<proto::Outcome, tonic::Status> {
    let mut client = site.endpoint(SYSTEM).submission().await.unwrap();
    let answer = client.submit(unary(&sighting(id))).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

/// Positions and bytes of the whole feed.
pub(crate) async fn feed(site: &Site) -> Vec<(u64, Vec<u8>)> {
    let request = SubscribeRequest {
        until_now: true,
        ..Default::default()
    };
    let endpoint = site.endpoint("USA/feed-desk");
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let mut feed = Vec::new();
    while let Some(answer) = subscriber.next().await.unwrap() {
        let entries = answer.entries.into_iter();
        feed.extend(entries.map(|entry| (entry.position, entry.record.to_vec())));
    }
    feed
}

/// Waits until a service serves, or does not.
async fn until(site: &Site, service: &str, wanted: ServingStatus) {
    let channel = site.endpoint(SYSTEM).connect().await.unwrap();
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let states = HealthClient::new(channel).watch(request).await.unwrap();
    let mut states = states.into_inner();
    let reached = async { while states.message().await.unwrap().unwrap().status() != wanted {} };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.expect("the health does not change");
}

/// Waits until a gateway has read the stream up to a position.
async fn until_position(site: &Site, position: u64) {
    let request = SubscribeRequest {
        from_position: position,
        ..Default::default()
    };
    let endpoint = site.endpoint("USA/feed-desk");
    let mut subscriber = Subscriber::new(endpoint, request, Patience::default());
    let reached = async { while subscriber.next().await.unwrap().unwrap().entries.is_empty() {} };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.expect("the gateway does not follow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_have_one_feed_and_say_when_no_server_answers() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let mut server = Server::alone(folder.path(), &papers, |text| text);
    let (mut one, mut other) = (site(&papers, &server.url()), site(&papers, &server.url()));
    one.start(&[]);
    other.start(&[]);
    let first = submit(&one, "r-1").await.unwrap();
    assert_eq!(
        first.disposition(),
        proto::Disposition::Accepted,
        "{first:?}"
    );
    // The balancer sends the retry to the other gateway.
    let again = submit(&other, "r-1").await.unwrap();
    assert_eq!(
        again.disposition(),
        proto::Disposition::Duplicate,
        "{again:?}"
    );
    assert_eq!(again.receipt, first.receipt);
    let second = submit(&other, "r-2").await.unwrap();
    assert_eq!(second.receipt.unwrap().position, 2);
    until_position(&one, 2).await;
    let before = feed(&one).await;
    assert_eq!(before.len(), 2);
    assert_eq!(before, feed(&other).await);

    // A reader that comes from a gateway which has read further is told to come back, and not
    // that its place does not exist.
    let mut reader = one.endpoint("USA/feed-desk").feed().await.unwrap();
    let further = SubscribeRequest {
        from_position: 4,
        ..Default::default()
    };
    let behind = reader.subscribe(further).await.unwrap_err();
    assert_eq!(behind.code(), Code::Unavailable, "{behind:?}");
    let details = behind.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "GATEWAY_BEHIND");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    drop(reader);

    server.kill();
    let writing = "entente.v1.SubmissionService";
    until(&one, writing, ServingStatus::NotServing).await;
    until(&one, "entente.v1.FeedService", ServingStatus::Serving).await;
    let refused = submit(&one, "r-3").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "STORE_UNREACHABLE");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert_eq!(feed(&one).await, before);
    server.spawn();
    server.wait_until_ready();
    until(&one, writing, ServingStatus::Serving).await;
    let third = submit(&one, "r-3").await.unwrap();
    assert_eq!(third.receipt.unwrap().position, 3);

    // A gateway that has lost its folder reads it back from the stream.
    one.kill();
    std::fs::remove_dir_all(one.path("data/journal")).unwrap();
    one.start(&[]);
    let after = feed(&one).await;
    assert_eq!((after.len(), &after[..2]), (3, &before[..]));
    let again = submit(&one, "r-1").await.unwrap();
    assert_eq!(again.receipt, first.receipt);
    assert!(one.stop().success());
    let verified = one.run(&["journal", "verify", "data/journal"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn check_names_what_the_section_lacks_and_warns_of_what_promises_less() {
    let folder = TempDir::new().unwrap();
    let papers = Papers::new(&folder.path().join("papers"));
    let said = |site: &Site, more: &[&str]| {
        let arguments = [
            "check",
            "--output",
            "json",
            "--config",
            "config/gateway.toml",
        ];
        let ran = site.run(&[&arguments[..], more].concat());
        serde_json::from_slice::<serde_json::Value>(&ran.stdout).unwrap()
    };
    let keys = |list: &serde_json::Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        let keys = list.map(|problem| problem["key"].as_str().unwrap().to_owned());
        keys.filter(|key| key.starts_with("journal.jetstream"))
            .collect()
    };
    let sound = site(&papers, "tls://127.0.0.1:4222");
    let good = said(&sound, &[]);
    assert_eq!(good["usable"], true, "{good}");
    assert_eq!(keys(&good["warnings"]), ["journal.jetstream.replicas"]);
    let less = said(&sound, &["--set", "journal.jetstream.sync=danger_interval"]);
    assert!(keys(&less["warnings"]).contains(&"journal.jetstream.sync".to_owned()));
    let bad = said(
        &sound,
        &[
            "--set",
            "journal.jetstream.servers=nats://127.0.0.1:4222",
            "--set",
            "journal.jetstream.ca=nowhere.pem",
            "--set",
            "journal.jetstream.replicas=2",
            "--set",
            "journal.jetstream.stream=a.b",
        ],
    );
    let expected = ["ca", "replicas", "servers", "stream"];
    let mut found = keys(&bad["problems"]);
    found.sort();
    assert_eq!(
        found,
        expected.map(|key| format!("journal.jetstream.{key}"))
    );
    // Without a section, all that is needed is missing.
    let bare = Site::new("");
    let bare = said(&bare, &["--set", "journal.engine=jetstream"]);
    let mut found = keys(&bare["problems"]);
    found.sort();
    let expected = ["ca", "certificate", "key", "servers"];
    assert_eq!(
        found,
        expected.map(|key| format!("journal.jetstream.{key}"))
    );
    // Settings that are not used are said.
    let unused = said(&sound, &["--set", "journal.engine=embedded"]);
    assert_eq!(keys(&unused["warnings"]), ["journal.jetstream.servers"]);
}

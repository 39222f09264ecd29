//! Subjects of a JetStream: exactly once and in order, whatever is killed or set back.

use crate::servers::{Papers, Server};
use crate::site::until_status;
use crate::site::{PATIENCE, Relay, command, configure, log_of, marked, sightings, submit};
use crate::support::{Site, contribution};
use async_nats::ConnectOptions;
use async_nats::jetstream::stream::Stream;
use entente::wire::proto;
use prost::Message as _;

fn configured(site: &Site, server: &Server) {
    configure(
        site,
        &format!(
            "[jetstream]\nservers = [{:?}]\nauthority = \"papers/ca.pem\"\n\
             certificate = \"papers/gateway.pem\"\nkey = \"papers/gateway.key\"\n\
             stream = \"FEED\"\nsubjects = \"feed\"\nreplicas = 1",
            server.url()
        ),
    );
}

async fn stream(papers: &Papers, server: &Server) -> Stream {
    let client = ConnectOptions::new()
        .add_root_certificates(papers.file("ca.pem"))
        .add_client_certificate(papers.file("gateway.pem"), papers.file("gateway.key"))
        .require_tls(true)
        .connect(server.url())
        .await
        .unwrap();
    let context = async_nats::jetstream::new(client);
    context.get_stream("FEED").await.unwrap()
}

/// What stands in the stream: subject, position, report id.
async fn standing(papers: &Papers, server: &Server) -> Vec<(String, u64, String)> {
    let stream = stream(papers, server).await;
    let last = stream.get_info().await.unwrap().state.last_sequence;
    let mut found = Vec::new();
    for sequence in 1..=last {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let position = message.headers.get("Entente-Position").unwrap();
        let record = proto::Record::decode(message.payload).unwrap();
        found.push((
            message.subject.to_string(),
            position.as_str().parse().unwrap(),
            record.report_id,
        ));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_stands_once_whatever_is_killed() {
    let site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let mut server = Server::alone(&site.path("nats"), &papers, |text| text);
    configured(&site, &server);
    let uav = contribution("c-2", "uav", "061830ZJAN26");
    submit(&site, &sightings(&["r-1"])).await;
    submit(&site, &[uav, marked("own", "OFFICIAL-SENSITIVE", &["GBR"])]).await;
    let relay = Relay::start(&site);
    until_status(&site, |status| status.position == 3);
    let first = standing(&papers, &server).await;
    let named = |subject: &str, position, id: &str| (subject.to_owned(), position, id.to_owned());
    let expected = [
        named("feed.sighting.GBR", 1, "r-1"),
        named("feed.contribution.GBR", 2, "c-2"),
    ];
    assert_eq!(first, expected, "{}", log_of(&site));

    // The servers go away and come back.
    server.kill();
    submit(&site, &sightings(&["r-4", "r-5"])).await;
    until_status(&site, |status| !status.failing.is_empty());
    server.spawn();
    server.wait_until_ready();
    until_status(&site, |status| {
        status.position == 5 && status.failing.is_empty()
    });

    // The relay is killed with reports on their way.
    let ids: Vec<_> = (6..=60).map(|n| format!("r-{n}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    submit(&site, &sightings(&ids)).await;
    relay.kill();

    // Everything is delivered to it once more.
    let reset = site.run(&[
        "feed",
        "reset-cursor",
        "desk",
        "--position",
        "0",
        "--as",
        "USA/feed-desk",
        "--server-name",
        "localhost",
        "--gateway",
        &site.address,
    ]);
    assert!(
        reset.status.success(),
        "{}",
        String::from_utf8_lossy(&reset.stderr)
    );
    std::fs::remove_file(site.path("relay/status.json")).unwrap();
    let relay = Relay::start(&site);
    until_status(&site, |status| status.position == 60);
    relay.stop();
    let found = standing(&papers, &server).await;
    let positions: Vec<_> = found.iter().map(|(_, position, _)| *position).collect();
    let expected: Vec<_> = (1..=60).filter(|position| *position != 3).collect();
    assert_eq!(positions, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_somebody_else_is_left_alone() {
    let site = Site::started("");
    let papers = Papers::new(&site.path("papers"));
    let server = Server::alone(&site.path("nats"), &papers, |text| text);
    configured(&site, &server);
    submit(&site, &sightings(&["r-1"])).await;
    let relay = Relay::start(&site);
    until_status(&site, |status| status.position == 1);
    relay.stop();
    let client = ConnectOptions::new()
        .add_root_certificates(papers.file("ca.pem"))
        .add_client_certificate(papers.file("gateway.pem"), papers.file("gateway.key"))
        .connect(server.url())
        .await
        .unwrap();
    let context = async_nats::jetstream::new(client);
    let foreign = context.publish("feed.other", "hello".into()).await.unwrap();
    tokio::time::timeout(PATIENCE, foreign)
        .await
        .unwrap()
        .unwrap();
    submit(&site, &sightings(&["r-2"])).await;
    let relay = Relay::start(&site);
    let status = until_status(&site, |status| status.failing.contains("none of a relay"));
    assert_eq!(status.position, 0, "since this start");
    relay.stop();
    let (code, said) = command(&site, &["status"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("FAILING, and trying again: the target: "),
        "{said}"
    );
}

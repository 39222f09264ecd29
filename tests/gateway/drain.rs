//! Ending: in order, under a deadline, with a word to those who are connected.

use crate::support::{Site, sighting, streamed};
use entente::wire::proto::{self, SubscribeRequest};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

#[tokio::test]
async fn open_streams_are_told_and_what_was_taken_is_answered() {
    let mut site = Site::started("");
    let mut reader = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let mut feed = reader
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let messages = tokio_stream::iter(vec![streamed(&sighting("r-1"))])
        .chain(tokio_stream::pending::<proto::SubmitStreamRequest>());
    let mut answers = client.submit_stream(messages).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    assert_eq!(answer.outcomes.len(), 1);
    let entry = feed.message().await.unwrap().unwrap();
    assert_eq!(entry.entries.len(), 1);

    site.signal(rustix::process::Signal::TERM);
    for status in [
        answers.message().await.unwrap_err(),
        feed.message().await.unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "DRAINING");
    }
    drop((client, reader));
    assert!(site.wait().success(), "{}", site.log());
}

#[tokio::test]
async fn an_idle_connection_does_not_keep_the_gateway() {
    let mut site = Site::started("");
    let _idle = site.endpoint("USA/feed-desk").feed().await.unwrap();
    assert!(site.stop().success(), "{}", site.log());
}

#[test]
fn a_second_gateway_on_the_same_folder_is_refused() {
    let site = Site::started("");
    let config = site.path("config/gateway.toml");
    let second = site.run(&["serve", "--config", config.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("journal"), "{said}");
}

#[test]
fn an_occupied_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        text.replacen("127.0.0.1:0", &address, 1)
    });
    let config = site.path("config/gateway.toml");
    let refused = site.run(&["serve", "--config", config.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains(&address), "{said}");
}

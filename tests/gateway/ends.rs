//! Ends that say nothing against a system: it is told when to come again, and ours does.

use crate::support::{Site, sighting, streamed, unary};
use entente::client::{Patience, subscriber::Subscriber};
use entente::wire::proto::feed_service_client::FeedServiceClient;
use entente::wire::proto::submission_service_client::SubmissionServiceClient;
use entente::wire::proto::{self, SubscribeRequest};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

/// More than all windows between gateway and reader hold.
const REPORTS: u64 = 60;

/// A site with more in its feed than a reader that does not read can be sent.
async fn site(stall_deadline: &str) -> Site {
    let mut site = Site::new(&format!("[feed]\nstall_deadline = \"{stall_deadline}\"\n"));
    site.edit("config/nations/GBR.toml", |text| {
        text.replacen(r#"= ["submit"]"#, r#"= ["submit", "read"]"#, 2)
    });
    site.start(&[]);
    let narrative = proto::Narrative {
        text: "x".repeat(60_000),
        ..Default::default()
    };
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    for n in 1..=REPORTS {
        let report = proto::Report {
            narratives: vec![narrative.clone(); 6],
            ..sighting(&format!("r-{n}"))
        };
        let answer = client.submit(unary(&report)).await.unwrap().into_inner();
        assert!(answer.outcome.unwrap().receipt.is_some());
    }
    site
}

#[tokio::test]
async fn our_reader_that_stalled_goes_on_at_its_cursor_by_itself() {
    let site = site("2s").await;
    let endpoint = site.endpoint("USA/feed-desk");
    let request = SubscribeRequest::default();
    let mut reader = Subscriber::new(endpoint, request, Patience::default());
    let first = reader.next().await.unwrap().unwrap();
    let mut seen: Vec<_> = first.entries.iter().map(|entry| entry.position).collect();
    // It takes nothing until the gateway has given it up; its log says so.
    while !site.log().contains("reader stalled") {
        tokio::task::yield_now().await;
    }
    while seen.last() != Some(&REPORTS) {
        let answer = reader.next().await.unwrap().unwrap();
        seen.extend(answer.entries.iter().map(|entry| entry.position));
    }
    assert_eq!(seen, (1..=REPORTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_beside_a_reader_that_stalled_is_told_to_connect_again() {
    let site = site("200ms").await;
    let channel = site.endpoint("GBR/uav-cell-4").connect().await.unwrap();
    let messages = tokio_stream::iter(vec![streamed(&sighting("beside"))])
        .chain(tokio_stream::pending::<proto::SubmitStreamRequest>());
    let mut submission = SubmissionServiceClient::new(channel.clone());
    let answers = submission.submit_stream(messages).await.unwrap();
    let mut answers = answers.into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    assert!(answer.outcomes[0].receipt.is_some());
    // Nobody reads this one, not even its last word: only the connection is left to end.
    let mut feed = FeedServiceClient::new(channel);
    let _unread = feed.subscribe(SubscribeRequest::default()).await.unwrap();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "CONNECTION_STALLED"
    );
    let told = status.get_details_retry_info().unwrap();
    assert!(told.retry_delay.is_some());
}

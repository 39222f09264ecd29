//! The picture of contributions while reports arrive, and its pages.

use crate::support::{Site, contribution, sighting, streamed, unary};
use entente::client::submitter;
use entente::wire::proto::{self, ListContributionsRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Submits one report and gives its position.
async fn submit(
    client: &mut proto::submission_service_client::SubmissionServiceClient<
        tonic::transport::Channel,
    >,
    report: &proto::Report,
) -> u64 {
    let answer = client.submit(unary(report)).await.unwrap().into_inner();
    answer.outcome.unwrap().receipt.unwrap().position
}

#[tokio::test(flavor = "multi_thread")]
async fn under_steady_ingest_the_picture_is_shown_and_holds_what_has_a_receipt() {
    let site = Site::started("");
    let is_over = Arc::new(AtomicBool::new(false));
    let (reports, queue) = mpsc::channel(256);
    let (outcomes, mut answers) = mpsc::channel(256);
    let endpoint = site.endpoint("GBR/uav-cell-4");
    let mut ingest = JoinSet::new();
    let over = Arc::clone(&is_over);
    ingest.spawn(async move {
        let mut sent = 0;
        while !over.load(Ordering::Relaxed) {
            sent += 1;
            let report = streamed(&sighting(&format!("s-{sent}")));
            reports.send(report.payload.unwrap()).await.unwrap();
        }
    });
    ingest.spawn(async move {
        let settings = submitter::Settings::default();
        submitter::submit(&endpoint, queue, &outcomes, settings)
            .await
            .unwrap();
    });
    ingest.spawn(async move { while answers.recv().await.is_some() {} });
    let mut writer = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut reader = site.endpoint("USA/feed-desk").feed().await.unwrap();
    for n in 0..50 {
        let report = contribution(&format!("c-{n}"), &format!("x-{n}"), "061830ZJAN26");
        let position = submit(&mut writer, &report).await;
        let request = ListContributionsRequest {
            page_size: 1000,
            ..Default::default()
        };
        // Never refused, although the feed goes on while it is asked.
        let picture = reader.list_contributions(request).await.unwrap();
        let picture = picture.into_inner();
        assert!(picture.as_of_position >= position);
        let mut shown = picture.entries.iter().map(|entry| entry.position);
        assert!(shown.any(|shown| shown == position));
    }
    is_over.store(true, Ordering::Relaxed);
    ingest.join_all().await;
}

#[tokio::test]
async fn a_page_is_closed_by_bytes_too_and_the_next_goes_on_after_it() {
    let site = Site::started("[feed]\ndelivery_bytes_max = \"1KiB\"\n");
    let mut writer = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    for n in 1..=9 {
        let report = contribution(&format!("c-{n}"), &format!("x-{n}"), "061830ZJAN26");
        assert_eq!(submit(&mut writer, &report).await, n);
    }
    let mut reader = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut request = ListContributionsRequest::default();
    loop {
        let answer = reader.list_contributions(request.clone()).await.unwrap();
        let answer = answer.into_inner();
        assert!(!answer.entries.is_empty(), "each page goes on");
        let bytes: usize = answer.entries.iter().map(|entry| entry.record.len()).sum();
        assert!(answer.entries.len() == 1 || bytes <= 1024, "{bytes} bytes");
        seen.extend(answer.entries.iter().map(|entry| entry.position));
        pages += 1;
        request.page_token = answer.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, (1..=9).collect::<Vec<u64>>());
    assert!(pages > 2, "{pages} pages");
}

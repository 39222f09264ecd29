//! Nobody pays for what another does: a caller that does not read, a batch that is too small,
//! refusals by the hundred, and reports that are repeated long after they were stored.

use crate::support::{Site, sighting, streamed, unary};
use entente::wire::proto::{self, Disposition, ReportedObservation, report};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// What gRPC libraries take unless they are told otherwise, bytes.
const MESSAGE_BYTES_USUAL: usize = 4 * 1024 * 1024;

/// Streams reports and gathers every outcome.
async fn outcomes(site: &Site, reports: Vec<proto::Report>) -> Vec<proto::Outcome> {
    let client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut client = client.max_decoding_message_size(MESSAGE_BYTES_USUAL);
    let messages: Vec<_> = reports.iter().map(streamed).collect();
    let stream = client.submit_stream(tokio_stream::iter(messages));
    let mut answers = stream.await.unwrap().into_inner();
    let mut outcomes = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        outcomes.extend(answer.outcomes);
    }
    outcomes
}

/// A site whose journal has another setting.
fn with_journal(setting: &str) -> Site {
    let mut site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        text.replace("[journal]", &format!("[journal]\n{setting}"))
    });
    site.start(&[]);
    site
}

fn numbered(prefix: &str, count: usize) -> Vec<proto::Report> {
    (0..count)
        .map(|number| sighting(&format!("{prefix}-{number}")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submitter_that_reads_no_answers_holds_up_nobody() {
    let site = Site::started("");
    let mut deaf = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let (sender, messages) = mpsc::channel(64);
    let unread = deaf
        .submit_stream(ReceiverStream::new(messages))
        .await
        .unwrap();
    let flood = tokio::spawn(async move {
        let mut number = 0_u64;
        loop {
            let report = sighting(&format!("deaf-{number}"));
            if sender.send(streamed(&report)).await.is_err() {
                return;
            }
            number += 1;
        }
    });
    let mut others = tokio::task::JoinSet::new();
    for system in ["FRA/poste-12", "POL/posterunek-7", "DEU/lage-3"] {
        let endpoint = site.endpoint(system);
        others.spawn(async move {
            let mut client = endpoint.submission().await.unwrap();
            for number in 0..150 {
                let mut report = sighting(&format!("r-{number}"));
                report.marking.as_mut().unwrap().text = "NATO RESTRICTED".to_owned();
                let answer = client.submit(unary(&report));
                let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
                let outcome = answer.expect("it is answered").unwrap().into_inner();
                let disposition = outcome.outcome.unwrap().disposition();
                assert_eq!(disposition, Disposition::Accepted, "{number}");
            }
        });
    }
    while let Some(ended) = others.join_next().await {
        ended.unwrap();
    }
    flood.abort();
    drop(unread);
}

#[tokio::test]
async fn a_chunk_that_no_batch_holds_is_stored_in_several() {
    let site = with_journal("batch_entries_max = 16");
    let outcomes = outcomes(&site, numbered("r", 500)).await;
    assert_eq!(outcomes.len(), 500);
    for (position, outcome) in (1..).zip(outcomes) {
        assert_eq!(outcome.disposition(), Disposition::Accepted, "{outcome:?}");
        assert_eq!(outcome.receipt.unwrap().position, position);
    }
}

#[tokio::test]
async fn a_report_that_no_batch_holds_is_refused_alone() {
    let mut site = Site::new("[services]\nmessage_bytes_max = \"64KiB\"");
    site.edit("config/gateway.toml", |text| {
        text.replace("[journal]", "[journal]\nbatch_bytes_max = \"128KiB\"")
    });
    site.start(&[]);
    let mut reports = numbered("r", 3);
    // Stories stand in the record and in the original; words add a trace to each.
    let story = proto::Narrative {
        lang: "en".to_owned(),
        text: "x".repeat(4_000),
        ..Default::default()
    };
    reports[1].narratives = vec![story; 14];
    let Some(report::Body::Sighting(told)) = &mut reports[1].body else {
        panic!("not a sighting");
    };
    let word = |text: &str| proto::ReportedObservationType {
        text: text.to_owned(),
        ..Default::default()
    };
    let said = ReportedObservation {
        r#type: Some(word("explosion")),
        ..Default::default()
    };
    told.observations = vec![said; 150];
    let outcomes = outcomes(&site, reports).await;
    let dispositions: Vec<_> = outcomes.iter().map(proto::Outcome::disposition).collect();
    let (accepted, rejected) = (Disposition::Accepted, Disposition::Rejected);
    assert_eq!(dispositions, [accepted, rejected, accepted], "{outcomes:?}");
    assert_eq!(outcomes[1].violations[0].rule, "report.storage_bytes_max");
}

#[tokio::test]
async fn refusals_by_the_hundred_come_in_answers_that_every_client_takes() {
    let site = Site::started("");
    let mut reports = numbered("r", 300);
    for report in &mut reports {
        let Some(report::Body::Sighting(sighting)) = &mut report.body else {
            panic!("not a sighting");
        };
        let nothing = ReportedObservation {
            r#type: Some(proto::ReportedObservationType::default()),
            ..Default::default()
        };
        sighting.observations = vec![nothing; 100];
    }
    let outcomes = outcomes(&site, reports).await;
    assert_eq!(outcomes.len(), 300);
    for (ordinal, outcome) in (1..).zip(outcomes) {
        assert_eq!(outcome.ordinal, ordinal);
        assert_eq!(outcome.disposition(), Disposition::Rejected);
        assert_eq!(outcome.violations.len(), 100);
    }
}

#[tokio::test]
async fn what_is_only_on_disk_gets_its_first_receipt_again() {
    let site = with_journal("tail_bytes_max = \"4KiB\"");
    let first = outcomes(&site, numbered("old", 100)).await;
    let between = outcomes(&site, numbered("new", 400)).await;
    assert_eq!(between.len(), 400);
    let mut mixed = numbered("old", 100);
    mixed.extend(numbered("newest", 50));
    let again = outcomes(&site, mixed).await;
    for (old, repeated) in first.iter().zip(&again) {
        assert_eq!(repeated.disposition(), Disposition::Duplicate);
        assert_eq!(repeated.receipt, old.receipt);
    }
    for fresh in &again[100..] {
        assert_eq!(fresh.disposition(), Disposition::Accepted);
    }
}

#[tokio::test]
async fn a_stream_that_waits_for_its_rate_hears_of_a_drain() {
    let mut site = Site::new("");
    site.edit("config/nations/GBR.toml", |text| {
        format!("{text}\n[limits]\nsystem_bytes_per_s = \"1B\"\n")
    });
    site.start(&[]);
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let (sender, messages) = mpsc::channel(8);
    sender.send(streamed(&sighting("r-1"))).await.unwrap();
    let stream = client.submit_stream(ReceiverStream::new(messages)).await;
    let mut answers = stream.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    // A debt of hundreds of bytes at one a second: the next is not taken for minutes.
    sender.send(streamed(&sighting("r-2"))).await.unwrap();
    site.signal(rustix::process::Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_secs(15), answers.message()).await;
    let status = ended
        .expect("it ends before the drain deadline")
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert!(site.wait().success());
}

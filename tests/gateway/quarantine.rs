//! Refused reports: on a disk without room, and page by page.

use crate::support::{Site, bytes_streamed, sighting, streamed, unary};
use entente::wire::proto::{self, Disposition};
use tonic::Code;
use tonic_types::StatusExt as _;

const MIB: usize = 1024 * 1024;

fn bad(report_id: &str) -> proto::Report {
    proto::Report {
        environment: 0,
        ..sighting(report_id)
    }
}

/// Sends all over one stream; what became of each, or how the stream ended.
async fn stream(
    site: &Site,
    system: &str,
    requests: Vec<proto::SubmitStreamRequest>,
) -> Result<Vec<Disposition>, tonic::Status> {
    let mut client = site.endpoint(system).submission().await.unwrap();
    let answers = client.submit_stream(tokio_stream::iter(requests)).await?;
    let mut answers = answers.into_inner();
    let mut outcomes = Vec::new();
    while let Some(answer) = answers.message().await? {
        outcomes.extend(answer.outcomes.iter().map(proto::Outcome::disposition));
    }
    Ok(outcomes)
}

/// All that a caller sees, page by page: report ids, and the sizes of the pages.
async fn pages(site: &Site, reader: &str, page_size: u32) -> (Vec<String>, Vec<usize>) {
    let mut operations = site.endpoint(reader).operations().await.unwrap();
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    let mut request = proto::ListQuarantineRequest {
        page_size,
        ..Default::default()
    };
    loop {
        let page = operations.list_quarantine(request.clone()).await.unwrap();
        let page = page.into_inner();
        sizes.push(page.reports.len());
        ids.extend(page.reports.into_iter().map(|report| report.report_id));
        if page.next_page_token.is_empty() {
            return (ids, sizes);
        }
        assert_ne!(page.next_page_token, request.page_token, "it goes on");
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn a_failed_write_does_not_stop_the_quarantine_for_longer_than_its_cause() {
    let mut site = Site::new("");
    site.start_limited();
    let system = "GBR/uav-cell-4";
    // The database's file reaches the limit long before any of the journal's.
    let large = || bytes_streamed(vec![0xff; 9 * MIB / 10]);
    let kept = stream(&site, system, (0..16).map(|_| large()).collect()).await;
    assert_eq!(kept.unwrap(), [Disposition::Rejected; 16]);
    site.limit_files(Some(12 * MIB as u64));
    let pair = |n: u32| {
        let (bad, good) = (bad(&format!("bad-{n}")), sighting(&format!("good-{n}")));
        vec![streamed(&bad), streamed(&good)]
    };
    let refused = stream(&site, system, pair(1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    let details = refused.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    site.limit_files(None);
    let next = stream(&site, system, pair(2)).await.unwrap();
    assert_eq!(next, [Disposition::Rejected, Disposition::Accepted]);
    let (ids, _) = pages(&site, system, 0).await;
    assert!(ids.len() >= 17, "{ids:?}");
    assert_eq!(ids.last().unwrap(), "bad-2");
    site.kill();
    site.start(&[]);
    assert_eq!(pages(&site, system, 0).await.0, ids);
}

#[tokio::test]
async fn a_refusal_below_the_floor_of_free_disk_comes_back_later() {
    let mut site = Site::new("");
    site.start(&[("ENTENTE__JOURNAL__FREE_BYTES_FLOOR", "1024GiB")]);
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let refused = client.submit(unary(&bad("r-1"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "DISK_FULL");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    assert!(pages(&site, "GBR/uav-cell-4", 0).await.0.is_empty());
}

#[tokio::test]
async fn a_page_reads_no_more_than_it_may_and_the_pages_lose_nothing() {
    let mut site = Site::new("");
    for (nation, rights) in [("GBR", "\"read\""), ("USA", "\"read\", \"operate\"")] {
        let more = |text: String| {
            let before = format!("[{rights}]\n\n[trust]");
            assert!(text.contains(&before), "{text}");
            text.replace(&before, &format!("[{rights}, \"submit\"]\n\n[trust]"))
        };
        site.edit(&format!("config/nations/{nation}.toml"), more);
    }
    site.start(&[]);
    let many = (0..2100).map(|_| bytes_streamed(vec![0xff])).collect();
    let answers = stream(&site, "GBR/uav-cell-4", many).await.unwrap();
    assert_eq!(answers.len(), 2100);
    let own = (0..3)
        .map(|n| streamed(&bad(&format!("own-{n}"))))
        .collect();
    stream(&site, "GBR/feed-desk", own).await.unwrap();
    let (ids, sizes) = pages(&site, "GBR/feed-desk", 2).await;
    assert_eq!(ids, ["own-0", "own-1", "own-2"]);
    assert_eq!(sizes, [0, 2, 1], "the reports of others are read in bounds");
    let large = (0..4).map(|n| {
        let mut report = bad(&format!("large-{n}"));
        report.narratives.push(proto::Narrative {
            text: "x".repeat(9 * MIB / 10),
            ..Default::default()
        });
        streamed(&report)
    });
    stream(&site, "USA/ops-desk", large.collect())
        .await
        .unwrap();
    let (ids, sizes) = pages(&site, "USA/ops-desk", 1000).await;
    assert_eq!(ids.len(), 2107);
    assert_eq!(ids.last().unwrap(), "large-3");
    assert!(sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
    assert_eq!(
        *sizes.last().unwrap(),
        2,
        "two of nine tenths of a MiB fit: {sizes:?}"
    );
}

//! Retention in the real process: what is of age goes, what is held or in force stays, readers
//! and senders get exact answers about what is gone, after restarts and kills, too.

use crate::support::{Site, contribution, sighting, streamed, unary};
use entente::client::submitter;
use entente::wire::proto;
use entente::wire::proto::feed_service_client::FeedServiceClient;
use entente::wire::proto::{
    AcknowledgeCursorRequest, GetRecordRequest, HoldRetentionRequest, ListContributionsRequest,
    PlanRetentionRequest, PositionRange, ReleaseRetentionRequest, ShowRetentionRequest,
    ShowRetentionResponse, SubscribeRequest,
};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const SENDER: &str = "GBR/uav-cell-4";
const READER: &str = "USA/feed-desk";
const OPERATOR: &str = "USA/ops-desk";
/// About three segments of the size that these tests have.
const RECORDS: u64 = 3000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A site with the smallest segments and this section `[retention]`; not started.
fn small(retention: &str) -> Site {
    let site = Site::new(&format!(
        "[services]\nmessage_bytes_max = \"64KiB\"\nchunk_reports_max = 64\n[retention]\n{retention}\n"
    ));
    site.edit("config/gateway.toml", |text| {
        let smallest = "segment_bytes = \"1MiB\"\nbatch_bytes_max = \"256KiB\"";
        text.replace("segment_bytes = \"9MiB\"", smallest)
    });
    site
}

fn started(retention: &str) -> Site {
    let mut site = small(retention);
    site.start(&[]);
    site
}

async fn fill(site: &Site, name: &str) {
    let (reports, queue) = mpsc::channel(256);
    let (outcomes, mut answers) = mpsc::channel(256);
    let endpoint = site.endpoint(SENDER);
    let submitting = tokio::spawn(async move {
        let settings = submitter::Settings::default();
        submitter::submit(&endpoint, queue, &outcomes, settings).await
    });
    let sending = async {
        for n in 1..=RECORDS {
            let report = streamed(&sighting(&format!("{name}-{n}")));
            reports.send(report.payload.unwrap()).await.unwrap();
        }
        drop(reports);
    };
    let reading = async { while answers.recv().await.is_some() {} };
    tokio::join!(sending, reading);
    submitting.await.unwrap().unwrap();
}

async fn shown(site: &Site) -> ShowRetentionResponse {
    let mut client = site.endpoint(OPERATOR).operations().await.unwrap();
    let shown = client.show_retention(ShowRetentionRequest {}).await;
    shown.unwrap().into_inner()
}

/// Asks until it is as wanted.
async fn until(
    site: &Site,
    wanted: impl Fn(&ShowRetentionResponse) -> bool,
) -> ShowRetentionResponse {
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    let waiting = async {
        loop {
            pace.tick().await;
            let shown = shown(site).await;
            if wanted(&shown) {
                return shown;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    match waited {
        Ok(shown) => shown,
        Err(_) => panic!("not within {PATIENCE:?}: {:#?}", shown(site).await),
    }
}

/// The status of a position that was removed; the earliest position that it names.
#[track_caller]
fn removed(status: &Status) -> u64 {
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    let details = status.get_details_error_info().unwrap();
    assert_eq!(details.reason, "POSITION_REMOVED");
    details.metadata["earliest_position"].parse().unwrap()
}

async fn sent(site: &Site, report: &proto::Report) -> proto::Outcome {
    let mut client = site.endpoint(SENDER).submission().await.unwrap();
    let answer = client.submit(unary(report)).await.unwrap();
    answer.into_inner().outcome.unwrap()
}

/// What stands in the audit log of one outcome, as its line has it.
fn audited(site: &Site, outcome: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(site.path("data/trust/audit.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &serde_json::Value| line["outcome"] == outcome)
        .collect()
}

fn files(site: &Site, ending: &str) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(site.path("data/journal")).unwrap();
    let paths = folder.map(|item| item.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect();
    found.sort();
    found
}

async fn readers_are_told(reader: &mut FeedServiceClient<Channel>, earliest: u64) {
    let from = |from_position| SubscribeRequest {
        from_position,
        until_now: true,
        ..Default::default()
    };
    for position in [1, earliest - 1] {
        let refused = reader.subscribe(from(position)).await.unwrap_err();
        assert_eq!(removed(&refused), earliest);
        let request = GetRecordRequest {
            position,
            ..Default::default()
        };
        let refused = reader.get_record(request).await.unwrap_err();
        assert_eq!(removed(&refused), earliest);
    }
    for position in [0, earliest] {
        let mut stream = reader.subscribe(from(position)).await.unwrap().into_inner();
        let answer = stream.message().await.unwrap().unwrap();
        assert_eq!(answer.covered.unwrap().first, earliest);
        assert_eq!(answer.entries[0].position, earliest);
        assert_eq!(answer.earliest_position, earliest);
    }
}

/// A retry gets the first receipt, and another report under the same name is rejected.
async fn senders_get_their_receipts(site: &Site, first: &proto::Outcome) {
    let again = sent(site, &sighting("r-1")).await;
    assert_eq!(again.disposition, proto::Disposition::Duplicate as i32);
    assert_eq!(again.receipt, first.receipt, "the first receipt");
    let mut other = sighting("r-1");
    other.marking.as_mut().unwrap().releasable_to.pop();
    let refused = sent(site, &other).await;
    assert_eq!(refused.disposition, proto::Disposition::Rejected as i32);
}

/// S5: whoever goes on below the floor is told where the feed begins now.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_age_goes_and_everybody_is_told_exactly() {
    let mut site = started("age = \"1s\"");
    let mut reader = site.endpoint(READER).feed().await.unwrap();
    // One that is overtaken, and a cursor that never acknowledges more than its first record.
    let slow = SubscribeRequest {
        records_per_s: Some(1.0),
        ..Default::default()
    };
    let mut slow = reader.subscribe(slow).await.unwrap().into_inner();
    let first = sent(&site, &sighting("r-1")).await;
    let by_cursor = || SubscribeRequest {
        cursor: "desk".to_owned(),
        ..Default::default()
    };
    let mut stream = reader.subscribe(by_cursor()).await.unwrap().into_inner();
    while stream.message().await.unwrap().unwrap().covered.is_none() {}
    drop(stream);
    let acknowledge = AcknowledgeCursorRequest {
        name: "desk".to_owned(),
        position: 1,
        ..Default::default()
    };
    reader.acknowledge_cursor(acknowledge).await.unwrap();
    fill(&site, "r").await;
    let gone = until(&site, |shown| shown.removed_count >= 2).await;
    let earliest = gone.earliest_position;
    assert_eq!(gone.durable_position, RECORDS);
    let ended = loop {
        match slow.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(removed(&ended), earliest);
    for restarted in [false, true] {
        if restarted {
            site.kill();
            site.start(&[]);
            reader = site.endpoint(READER).feed().await.unwrap();
        }
        readers_are_told(&mut reader, earliest).await;
        senders_get_their_receipts(&site, &first).await;
    }
    let mut stream = reader.subscribe(by_cursor()).await.unwrap().into_inner();
    let answer = stream.message().await.unwrap().unwrap();
    let missed = PositionRange {
        first: 2,
        last: earliest - 1,
    };
    assert_eq!(answer.removed_before_read, Some(missed));
    assert_eq!(answer.covered.unwrap().first, earliest);
    drop(stream);
    let mut stream = reader.subscribe(by_cursor()).await.unwrap().into_inner();
    let answer = stream.message().await.unwrap().unwrap();
    assert_eq!(answer.removed_before_read, None, "said once");
    recorded(&site, &gone);
}

/// What went is recorded: in the audit log, and for whoever looks at the journal.
fn recorded(site: &Site, gone: &ShowRetentionResponse) {
    for outcome in ["decided", "applied"] {
        let lines = audited(site, outcome);
        let lines = lines.iter().filter(|line| line["who"] == "retention");
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len() as u64, gone.removed_count);
        let rule = lines[0]["effect"]["rule"].as_str().unwrap();
        assert!(rule.starts_with("age of "), "{rule}");
        assert_eq!(lines[0]["effect"]["bytes"], 1024 * 1024);
    }
    let verified = site.run(&["journal", "verify", "data/journal", "--output", "json"]);
    let said: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(said["sound"], true, "{said}");
    assert_eq!(said["removedEntries"], gone.earliest_position - 1);
    let dumped = site.run(&["journal", "dump", "data/journal", "--to", "1"]);
    let said = String::from_utf8(dumped.stdout).unwrap();
    assert!(said.contains("REMOVED"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_stays_through_a_restart_until_it_is_released() {
    for what in ["positions:5-6", "nation:GBR"] {
        let mut site = started("age = \"1s\"");
        let mut operator = site.endpoint(OPERATOR).operations().await.unwrap();
        let hold = |reason: &str| HoldRetentionRequest {
            what: what.to_owned(),
            reason: reason.to_owned(),
        };
        let refused = operator.hold_retention(hold("")).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let mut stranger = site.endpoint(SENDER).operations().await.unwrap();
        let refused = stranger.hold_retention(hold("x")).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        operator.hold_retention(hold("inquiry 7")).await.unwrap();
        fill(&site, "r").await;
        site.kill();
        site.start(&[]);
        let stays = until(&site, |shown| shown.standstill.contains("inquiry 7")).await;
        assert_eq!((stays.earliest_position, stays.removed_count), (1, 0));
        assert_eq!((stays.holds.len(), stays.holds[0].what.as_str()), (1, what));
        let mut operator = site.endpoint(OPERATOR).operations().await.unwrap();
        let plan = operator.plan_retention(PlanRetentionRequest {}).await;
        let plan = plan.unwrap().into_inner();
        assert!(
            plan.goes.is_empty() && plan.then.contains("held"),
            "{plan:?}"
        );
        let release = || ReleaseRetentionRequest {
            what: what.to_owned(),
        };
        operator.release_retention(release()).await.unwrap();
        let refused = operator.release_retention(release()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        until(&site, |shown| shown.removed_count >= 2).await;
        let lines = audited(&site, "applied");
        for done in ["hold", "release"] {
            let wanted = format!("{done} {what}");
            let line = lines.iter().find(|line| line["what"][0]["what"] == wanted);
            let who = line.unwrap()["who"].as_str().unwrap();
            assert!(who.starts_with(OPERATOR), "{who}");
        }
        // What is gone cannot be held.
        let late = HoldRetentionRequest {
            what: "positions:1-2".to_owned(),
            reason: "too late".to_owned(),
        };
        let refused = operator.hold_retention(late).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

/// The contributions that are shown, as report id and revision's position.
async fn picture(site: &Site) -> Vec<u64> {
    let mut reader = site.endpoint(READER).feed().await.unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    loop {
        pace.tick().await;
        let request = ListContributionsRequest::default();
        match reader.list_contributions(request).await {
            Ok(picture) => {
                let entries = picture.into_inner().entries;
                return entries.iter().map(|entry| entry.position).collect();
            }
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contribution_in_force_stays_and_the_picture_is_the_same_after_a_restart() {
    let mut site = started("age = \"1s\"");
    let kept = contribution("c-1", "x-1", "061830ZJAN26");
    // Revision 2 comes first; revision 1 comes late, and must never be in force.
    let mut second = contribution("c-2", "x-2", "061830ZJAN26");
    second.revision = 2;
    sent(&site, &kept).await;
    sent(&site, &second).await;
    let mut retraction = proto::Report {
        revision: 3,
        action: proto::Action::Retraction.into(),
        body: None,
        ..second.clone()
    };
    retraction.supersedes = None;
    let answer = sent(&site, &retraction).await;
    assert!(answer.receipt.is_some(), "{answer:?}");
    fill(&site, "r").await;
    until(&site, |shown| {
        shown.standstill.contains("position 1 is in force")
    })
    .await;
    assert_eq!(picture(&site).await, [1]);
    let mut corrected = kept.clone();
    corrected.revision = 2;
    corrected.action = proto::Action::Correction.into();
    let answer = sent(&site, &corrected).await;
    let position = answer.receipt.as_ref().expect("accepted").position;
    until(&site, |shown| shown.removed_count >= 2).await;
    assert_eq!(picture(&site).await, [position]);
    site.kill();
    site.start(&[]);
    assert_eq!(picture(&site).await, [position]);
    let mut late = second.clone();
    late.revision = 1;
    sent(&site, &late).await;
    assert_eq!(
        picture(&site).await,
        [position],
        "its retraction is remembered"
    );
    site.kill();
    site.start(&[]);
    assert_eq!(picture(&site).await, [position]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_kept_small_but_nothing_young_goes_for_it() {
    let mut site = started("bytes_max = \"2MiB\"\nage_min = \"1h\"");
    fill(&site, "r").await;
    let stays = until(&site, |shown| shown.standstill.contains("too young")).await;
    assert_eq!(stays.removed_count, 0);
    assert!(site.log().contains("larger than retention.bytes_max"));
    site.stop();
    site.edit("config/gateway.toml", |text| {
        text.replace("age_min = \"1h\"", "age_min = \"1s\"")
    });
    site.start(&[]);
    let gone = until(&site, |shown| shown.log_bytes <= 2 * 1024 * 1024).await;
    assert!(gone.removed.iter().all(|segment| segment.rule == "size"));
    assert!(gone.remains_bytes > 0 && gone.remains_bytes < stays.log_bytes / 2);
}

/// Killed at each step of a removal, and started again.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn d11_a_kill_at_any_step_of_a_removal_loses_nothing() {
    let mut site = small("");
    site.start(&[]);
    fill(&site, "r").await;
    let before = files(&site, "segment").len();
    site.stop();
    site.edit("config/gateway.toml", |text| {
        text.replace("[retention]\n", "[retention]\nage = \"1s\"\n")
    });
    let steps = [
        ("journal::remains_written", "tmp"),
        ("journal::remains_named", "remains"),
        ("journal::segment_unlinked", "remains"),
    ];
    for (step, (failpoint, ending)) in steps.into_iter().enumerate() {
        let known = files(&site, ending).len();
        site.start(&[("FAILPOINTS", &format!("{failpoint}=pause"))]);
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        let arrived = async {
            let is_there = |site: &Site| {
                let unlinked = failpoint != "journal::segment_unlinked"
                    || files(site, "segment").len() < before - step + 1;
                files(site, ending).len() > known && unlinked
            };
            while !is_there(&site) {
                pace.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived)
            .await
            .expect(failpoint);
        site.kill();
    }
    site.start(&[]);
    until(&site, |shown| shown.removed_count >= 2).await;
    assert!(
        files(&site, "tmp")
            .iter()
            .all(|path| !path.ends_with("remains.tmp"))
    );
    for number in [1, 2, RECORDS / 2, RECORDS] {
        let again = sent(&site, &sighting(&format!("r-{number}"))).await;
        assert_eq!(again.disposition, proto::Disposition::Duplicate as i32);
    }
    let verified = site.run(&["journal", "verify", "data/journal"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn the_jetstream_engine_refuses_retention_and_says_what_to_do() {
    let site = Site::new("[retention]\nage = \"90d\"\n[retention.levels]\nSECERT = \"1d\"");
    let checked = site.run(&[
        "check",
        "--config",
        "config/gateway.toml",
        "--set",
        "journal.engine=jetstream",
    ]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned()
        + &String::from_utf8_lossy(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("does not support retention yet"), "{said}");
    assert!(said.contains("is no level; expected"), "{said}");
}

/// An operator's commands, as a person sees them.
#[tokio::test(flavor = "multi_thread")]
async fn commands_show_plan_hold_and_release() {
    let site = started("age = \"90d\"\n[retention.levels]\nSECRET = \"365d\"");
    let run = |arguments: &[&str]| {
        let mut all = vec!["retention"];
        all.extend_from_slice(arguments);
        all.extend_from_slice(&["--as", OPERATOR, "--gateway", &site.address]);
        site.run(&all)
    };
    let held = run(&["hold", "--nation", "GBR", "--reason", "inquiry 7"]);
    assert!(held.status.success(), "{held:?}");
    let said = String::from_utf8(run(&["show"]).stdout).unwrap();
    assert!(
        said.contains("age of SECRET") && said.contains("inquiry 7"),
        "{said}"
    );
    let said = String::from_utf8(run(&["plan"]).stdout).unwrap();
    assert!(said.contains("stays"), "{said}");
    let released = run(&["release", "--nation", "GBR"]);
    assert!(released.status.success(), "{released:?}");
    assert_eq!(run(&["hold", "--reason", "x"]).status.code(), Some(2));
}

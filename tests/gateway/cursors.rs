//! Cursors that the gateway keeps: durable, shared, acknowledged, and never lost silently.

use crate::feed::{submit, until_now};
use crate::support::{Site, sighting};
use entente::wire::proto::feed_service_client::FeedServiceClient;
use entente::wire::proto::{
    AcknowledgeCursorRequest, Cursor, DeleteCursorRequest, ListCursorsRequest, PositionRange,
    SubscribeRequest, SubscribeResponse,
};
use std::collections::BTreeSet;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

const READER: &str = "USA/feed-desk";

async fn client(site: &Site) -> FeedServiceClient<Channel> {
    site.endpoint(READER).feed().await.unwrap()
}

async fn filled(site: &Site, from: u64, to: u64) {
    let reports: Vec<_> = (from..=to).map(|n| sighting(&format!("r-{n}"))).collect();
    submit(site, "GBR/uav-cell-4", &reports).await;
}

fn by(cursor: &str) -> SubscribeRequest {
    SubscribeRequest {
        cursor: cursor.to_owned(),
        ..Default::default()
    }
}

async fn opened(
    client: &mut FeedServiceClient<Channel>,
    request: SubscribeRequest,
) -> Streaming<SubscribeResponse> {
    client.subscribe(request).await.unwrap().into_inner()
}

/// The next answer that covers something.
async fn next(stream: &mut Streaming<SubscribeResponse>) -> (u64, u64) {
    loop {
        let answer = stream.message().await.unwrap().expect("a live stream");
        if let Some(covered) = answer.covered {
            let positions: Vec<_> = answer.entries.iter().map(|entry| entry.position).collect();
            let expected: Vec<_> = (covered.first..=covered.last).collect();
            assert_eq!(positions, expected);
            return (covered.first, covered.last);
        }
    }
}

async fn acknowledge(
    client: &mut FeedServiceClient<Channel>,
    name: &str,
    (first_position, position): (u64, u64),
    reset: bool,
) -> Result<u64, Status> {
    let request = AcknowledgeCursorRequest {
        name: name.to_owned(),
        position,
        first_position,
        reset,
    };
    let answer = client.acknowledge_cursor(request).await?;
    Ok(answer.into_inner().acknowledged_position)
}

async fn cursors(client: &mut FeedServiceClient<Channel>) -> Vec<Cursor> {
    let answer = client.list_cursors(ListCursorsRequest {}).await.unwrap();
    answer.into_inner().cursors
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_kill_and_the_rest_comes_again() {
    let mut site = Site::started("");
    filled(&site, 1, 6).await;
    let mut reader = client(&site).await;
    let mut stream = opened(&mut reader, by("desk")).await;
    assert_eq!(next(&mut stream).await, (1, 6));
    assert_eq!(
        acknowledge(&mut reader, "desk", (0, 2), false)
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        acknowledge(&mut reader, "desk", (4, 5), false)
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        acknowledge(&mut reader, "desk", (0, 1), false)
            .await
            .unwrap(),
        2,
        "never backwards"
    );
    site.kill();
    site.start(&[]);
    let mut reader = client(&site).await;
    let mut stream = opened(&mut reader, by("desk")).await;
    assert_eq!(next(&mut stream).await, (3, 3));
    assert_eq!(next(&mut stream).await, (6, 6));
    let found = cursors(&mut reader).await;
    assert_eq!(found[0].acknowledged_position, 2);
    let beyond = [PositionRange { first: 4, last: 5 }];
    assert_eq!(found[0].acknowledged_beyond, beyond);
    let flying: Vec<_> = found[0].in_flight.iter().map(|r| r.first).collect();
    assert_eq!(flying, [3, 6]);
    assert_eq!(
        acknowledge(&mut reader, "desk", (3, 3), false)
            .await
            .unwrap(),
        5
    );
    // Backwards only by a reset; then the live stream follows.
    assert_eq!(
        acknowledge(&mut reader, "desk", (0, 4), true)
            .await
            .unwrap(),
        4
    );
    assert_eq!(next(&mut stream).await, (5, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_share_a_cursor_split_the_work_and_a_broken_one_loses_nothing() {
    let site = Site::started("[feed]\ndelivery_records_max = 2\n");
    filled(&site, 1, 12).await;
    let mut readers = [client(&site).await, client(&site).await];
    let window = SubscribeRequest {
        window: Some(4),
        ..by("shared")
    };
    let mut first = opened(&mut readers[0], window.clone()).await;
    let mut second = opened(&mut readers[1], window).await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(next(&mut first).await);
        seen.push(next(&mut second).await);
    }
    let distinct: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(distinct.len(), 4, "each delivery went to one: {seen:?}");
    let held_by_first = [seen[0], seen[2]];
    for held in [seen[1], seen[3]] {
        acknowledge(&mut readers[1], "shared", held, false)
            .await
            .unwrap();
    }
    // The first breaks; what it held and the rest come to the second.
    drop(first);
    let mut more = Vec::new();
    for _ in 0..4 {
        let got = next(&mut second).await;
        acknowledge(&mut readers[1], "shared", got, false)
            .await
            .unwrap();
        more.push(got);
    }
    for held in held_by_first {
        assert!(more.contains(&held), "{held:?} in {more:?}");
    }
    let found = cursors(&mut readers[1]).await;
    assert_eq!(found[0].acknowledged_position, 12);
    assert!(found[0].in_flight.is_empty() && found[0].acknowledged_beyond.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_window_waits_with_heartbeats_and_what_nobody_acknowledges_comes_again() {
    let site = Site::started("[feed]\nheartbeat = \"100ms\"\n");
    filled(&site, 1, 5).await;
    let mut reader = client(&site).await;
    let request = SubscribeRequest {
        window: Some(3),
        acknowledge_within_s: Some(1),
        ..by("slow")
    };
    let mut stream = opened(&mut reader, request).await;
    assert_eq!(next(&mut stream).await, (1, 3));
    let answer = stream.message().await.unwrap().unwrap();
    assert_eq!(answer.covered, None, "its window is full");
    assert_eq!(answer.durable_position, 5);
    assert_eq!(next(&mut stream).await, (1, 3), "nobody acknowledged it");
    acknowledge(&mut reader, "slow", (0, 3), false)
        .await
        .unwrap();
    assert_eq!(next(&mut stream).await, (4, 5));
    acknowledge(&mut reader, "slow", (0, 5), false)
        .await
        .unwrap();
    filled(&site, 6, 6).await;
    assert_eq!(next(&mut stream).await, (6, 6), "and on, live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_said_lets_nobody_read_and_is_kept_aside_by_a_reset() {
    let mut site = Site::started("");
    filled(&site, 1, 3).await;
    let mut reader = client(&site).await;
    let mut stream = opened(&mut reader, by("desk")).await;
    assert_eq!(next(&mut stream).await, (1, 3));
    acknowledge(&mut reader, "desk", (0, 2), false)
        .await
        .unwrap();
    site.stop();
    let file = "data/journal/cursors/USA@feed-desk@desk.cursor";
    site.edit(file, |text| {
        text.replace("\"acknowledged\":2", "\"acknowledged\":3")
    });
    let damaged = std::fs::read(site.path(file)).unwrap();
    for _restart in 0..2 {
        site.start(&[]);
        assert!(site.log().contains("a cursor's file cannot be read"));
        let mut reader = client(&site).await;
        let refused = reader.subscribe(by("desk")).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("checksum"), "{refused:?}");
        let refused = acknowledge(&mut reader, "desk", (0, 3), false).await;
        assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
        assert!(!cursors(&mut reader).await[0].damage.is_empty());
        site.stop();
    }
    site.start(&[]);
    let mut reader = client(&site).await;
    acknowledge(&mut reader, "desk", (0, 1), true)
        .await
        .unwrap();
    let mut stream = opened(&mut reader, by("desk")).await;
    assert_eq!(next(&mut stream).await, (2, 3));
    let aside = std::fs::read_dir(site.path("data/journal/cursors")).unwrap();
    let aside: Vec<_> = aside
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("damaged"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(&aside[0]).unwrap(), damaged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_its_systems_own_and_ends_its_streams_when_it_is_deleted() {
    let site = Site::started("");
    filled(&site, 1, 2).await;
    let mut reader = client(&site).await;
    let mut stream = opened(&mut reader, by("mine")).await;
    next(&mut stream).await;
    let mut other = site.endpoint("GBR/feed-desk").feed().await.unwrap();
    assert!(cursors(&mut other).await.is_empty());
    let refused = acknowledge(&mut other, "mine", (0, 1), false).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    for (range, code) in [((0, 3), Code::OutOfRange), ((2, 1), Code::InvalidArgument)] {
        let refused = acknowledge(&mut reader, "mine", range, false).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    let delete = DeleteCursorRequest {
        name: "mine".to_owned(),
    };
    reader.delete_cursor(delete.clone()).await.unwrap();
    let ended = loop {
        match stream.message().await {
            Ok(answer) => assert!(answer.is_some(), "it says why it ends"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::NotFound);
    let gone = reader.delete_cursor(delete).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert!(
        !site
            .path("data/journal/cursors/USA@feed-desk@mine.cursor")
            .exists()
    );

    let request = SubscribeRequest {
        cursor: "Not A Name".to_owned(),
        ..until_now()
    };
    let refused = reader.subscribe(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let request = SubscribeRequest {
        window: Some(0),
        acknowledge_within_s: Some(4000),
        pace: Some(1.0),
        ..by("mine")
    };
    let refused = reader.subscribe(request).await.unwrap_err();
    let details = refused.get_details_bad_request().unwrap();
    let fields = details.field_violations.iter().map(|v| v.field.as_str());
    let fields: Vec<_> = fields.collect();
    assert_eq!(fields, ["cursor", "window", "acknowledge_within_s"]);
    for n in 0..64 {
        opened(&mut reader, by(&format!("c-{n}"))).await;
    }
    let refused = reader.subscribe(by("one-more")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_goes_on_by_its_cursor_and_the_command_line_shows_and_moves_it() {
    let site = Site::started("");
    filled(&site, 1, 3).await;
    let run = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--as", READER, "--gateway", &site.address]);
        all.extend(["--server-name", "localhost"]);
        let output = site.run(&all);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let tail = || {
        let shown = run(&[
            "tail",
            "--cursor",
            "desk",
            "--until-now",
            "--output",
            "json",
        ]);
        shown.lines().count()
    };
    assert_eq!(tail(), 3);
    assert_eq!(tail(), 0, "all of it was acknowledged");
    filled(&site, 4, 4).await;
    assert_eq!(tail(), 1);
    assert_eq!(run(&["feed", "cursors"]), "desk  done up to 4 of 4\n");
    run(&["feed", "reset-cursor", "desk", "--position", "1"]);
    assert_eq!(tail(), 3);
    run(&["feed", "delete-cursor", "desk"]);
    assert_eq!(run(&["feed", "cursors"]), "");
}

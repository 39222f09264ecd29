//! Reading: cursors, release, filters, the picture of contributions.

use crate::support::{Site, contribution, sighting, unary};
use entente::client::{Patience, subscriber::Subscriber};
use entente::wire::proto::{self, SubscribeRequest};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

pub(crate) async fn submit(site: &Site, system: &str, reports: &[proto::Report]) {
    let mut client = site.endpoint(system).submission().await.unwrap();
    for report in reports {
        let outcome = client
            .submit(unary(report))
            .await
            .unwrap()
            .into_inner()
            .outcome
            .unwrap();
        assert!(outcome.receipt.is_some(), "{outcome:?}");
    }
}

pub(crate) fn subscriber(site: &Site, system: &str, request: SubscribeRequest) -> Subscriber {
    Subscriber::new(site.endpoint(system), request, Patience::default())
}

pub(crate) fn until_now() -> SubscribeRequest {
    SubscribeRequest {
        until_now: true,
        ..SubscribeRequest::default()
    }
}

/// Reads to the end: positions and report ids.
pub(crate) async fn read(
    site: &Site,
    system: &str,
    request: SubscribeRequest,
) -> Vec<(u64, String)> {
    let mut subscriber = subscriber(site, system, request);
    let mut seen = Vec::new();
    while let Some(answer) = subscriber.next().await.unwrap() {
        for entry in answer.entries {
            let record = proto::Record::decode(entry.record).unwrap();
            seen.push((entry.position, record.report_id));
        }
    }
    seen
}

pub(crate) fn ids(seen: &[(u64, String)]) -> Vec<&str> {
    seen.iter().map(|(_, id)| id.as_str()).collect()
}

#[tokio::test]
async fn a_reader_catches_up_and_goes_on_live_without_gap_or_repeat() {
    let site = Site::started("");
    let reports: Vec<_> = (1..=40).map(|n| sighting(&format!("r-{n}"))).collect();
    submit(&site, "GBR/uav-cell-4", &reports[..20]).await;
    let mut reader = subscriber(&site, "USA/feed-desk", SubscribeRequest::default());
    let mut positions = Vec::new();
    while positions.len() < 20 {
        let answer = reader.next().await.unwrap().unwrap();
        positions.extend(answer.entries.iter().map(|entry| entry.position));
    }
    let live = tokio::join!(submit(&site, "GBR/uav-cell-4", &reports[20..]), async {
        while positions.len() < 40 {
            let answer = reader.next().await.unwrap().unwrap();
            positions.extend(answer.entries.iter().map(|entry| entry.position));
        }
    });
    let ((), ()) = live;
    assert_eq!(positions, (1..=40).collect::<Vec<u64>>());
}

/// S4: one position.
#[tokio::test]
async fn a_cursor_is_inclusive_survives_a_restart_and_until_now_ends() {
    let mut site = Site::started("");
    let reports: Vec<_> = (1..=10).map(|n| sighting(&format!("r-{n}"))).collect();
    submit(&site, "GBR/uav-cell-4", &reports).await;
    site.kill();
    site.start(&[]);
    let request = SubscribeRequest {
        from_position: 7,
        ..until_now()
    };
    let seen = read(&site, "USA/feed-desk", request).await;
    assert_eq!(
        seen.iter()
            .map(|(position, _)| *position)
            .collect::<Vec<_>>(),
        [7, 8, 9, 10]
    );
    assert_eq!(ids(&seen), ["r-7", "r-8", "r-9", "r-10"]);
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_refused() {
    let site = Site::started("");
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let request = SubscribeRequest {
        from_position: 5,
        ..SubscribeRequest::default()
    };
    let status = client.subscribe(request).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "CURSOR_BEYOND_END"
    );
}

#[tokio::test]
async fn release_is_default_deny_and_the_originator_reads_its_own() {
    let site = Site::started("");
    let with = |id: &str, to: &[&str]| {
        let mut report = sighting(id);
        report.marking.as_mut().unwrap().releasable_to =
            to.iter().map(|&nation| nation.to_owned()).collect();
        report
    };
    let reports = [
        with("nobody", &[]),
        with("usa", &["USA"]),
        with("fra", &["FRA"]),
    ];
    submit(&site, "GBR/uav-cell-4", &reports).await;
    for (reader, expected) in [
        ("USA/feed-desk", vec!["usa"]),
        ("FRA/feed-desk", vec!["fra"]),
        ("GBR/feed-desk", vec!["nobody", "usa", "fra"]),
    ] {
        assert_eq!(
            ids(&read(&site, reader, until_now()).await),
            expected,
            "{reader}"
        );
    }
    let mut client = site.endpoint("FRA/feed-desk").feed().await.unwrap();
    let hidden = proto::GetRecordRequest {
        position: 2,
        include_original: false,
    };
    assert_eq!(
        client.get_record(hidden).await.unwrap_err().code(),
        Code::NotFound
    );
    let shown = proto::GetRecordRequest {
        position: 3,
        include_original: true,
    };
    let entry = client
        .get_record(shown)
        .await
        .unwrap()
        .into_inner()
        .entry
        .unwrap();
    assert_eq!(entry.original.unwrap().content, reports[2].encode_to_vec());
}

#[tokio::test]
async fn an_exercise_is_shown_only_to_those_who_ask_for_it() {
    let site = Site::started("");
    let exercise = proto::Report {
        environment: proto::Environment::Exercise.into(),
        ..sighting("exercise")
    };
    submit(&site, "GBR/uav-cell-4", &[sighting("live"), exercise]).await;
    assert_eq!(
        ids(&read(&site, "USA/feed-desk", until_now()).await),
        ["live"]
    );
    let filter = proto::FeedFilter {
        environments: vec![proto::Environment::Exercise.into()],
        ..Default::default()
    };
    let request = SubscribeRequest {
        filter: Some(filter),
        ..until_now()
    };
    assert_eq!(
        ids(&read(&site, "USA/feed-desk", request).await),
        ["exercise"]
    );
}

#[tokio::test]
async fn filters_leave_out_and_still_move_the_cursor() {
    let site = Site::started("");
    let mut reports = vec![sighting("s-1"), contribution("c-1", "x", "061830ZJAN26")];
    reports.push(sighting("s-2"));
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let filter = proto::FeedFilter {
        kinds: vec![proto::RecordKind::Contribution.into()],
        ..Default::default()
    };
    let request = SubscribeRequest {
        filter: Some(filter),
        ..until_now()
    };
    let mut reader = subscriber(&site, "USA/feed-desk", request);
    let mut seen = Vec::new();
    while let Some(answer) = reader.next().await.unwrap() {
        seen.extend(answer.entries.iter().map(|entry| entry.position));
    }
    assert_eq!(seen, [2]);
    assert_eq!(reader.cursor(), 4);
}

#[tokio::test]
async fn the_picture_shows_contributions_after_correction_and_retraction() {
    let site = Site::started("");
    let corrected = proto::Report {
        revision: 2,
        action: proto::Action::Correction.into(),
        ..contribution("c-1", "uav-flight", "061830ZJAN26")
    };
    let retracted = proto::Report {
        revision: 2,
        action: proto::Action::Retraction.into(),
        body: None,
        ..contribution("c-2", "", "")
    };
    let reports = [
        contribution("c-1", "uav-flight", "061830ZJAN26"),
        contribution("c-2", "field-hospital", "061830ZJAN26"),
        corrected,
        retracted,
    ];
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let request = proto::ListContributionsRequest::default();
    let picture = client
        .list_contributions(request)
        .await
        .unwrap()
        .into_inner();
    let shown: Vec<_> = picture.entries.iter().map(|entry| entry.position).collect();
    assert_eq!(shown, [3]);
    assert_eq!(picture.as_of_position, 4);
    assert_eq!(picture.entries[0].supersedes_position, Some(1));
}

/// S3: one reader alone.
#[tokio::test]
async fn a_stalled_reader_is_cut_with_its_cursor_and_loses_nothing() {
    let site = Site::started("[feed]\nstall_deadline = \"200ms\"\n");
    let long = "x".repeat(60_000);
    let reports: Vec<_> = (1..=60)
        .map(|n| {
            let mut report = sighting(&format!("r-{n}"));
            let narrative = proto::Narrative {
                text: long.clone(),
                ..Default::default()
            };
            report.narratives = vec![narrative; 6];
            report
        })
        .collect();
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let mut stream = client
        .subscribe(SubscribeRequest::default())
        .await
        .unwrap()
        .into_inner();
    // The reader takes nothing until the gateway has given it up; its log says so.
    let mut log = String::new();
    while !log.contains("reader stalled") {
        tokio::task::yield_now().await;
        log = site.log();
    }
    let mut seen = Vec::new();
    let mut next = 1;
    while let Ok(Some(answer)) = stream.message().await {
        seen.extend(answer.entries.iter().map(|entry| entry.position));
        next = answer.next_position;
    }
    assert!(seen.len() < 60, "it was cut before the end");
    let rest = read(
        &site,
        "USA/feed-desk",
        SubscribeRequest {
            from_position: next,
            ..until_now()
        },
    );
    seen.extend(rest.await.iter().map(|(position, _)| *position));
    assert_eq!(seen, (1..=60).collect::<Vec<u64>>());
}

#[tokio::test]
async fn one_system_cannot_take_the_feed_from_the_others() {
    let site =
        Site::started("[feed]\nsubscriptions_nation_max = 3\nsubscriptions_system_max = 2\n");
    // Several connections of one system count together.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
        let stream = client.subscribe(SubscribeRequest::default()).await.unwrap();
        held.push((client, stream));
    }
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let status = client.subscribe(until_now()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(
        status.message().contains("USA/feed-desk has 2 open"),
        "{status:?}"
    );
    assert!(
        status.message().contains("feed.subscriptions_system_max"),
        "{status:?}"
    );
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "TOO_MANY_SUBSCRIPTIONS"
    );
    assert!(
        status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
    assert_eq!(
        ids(&read(&site, "FRA/feed-desk", until_now()).await),
        [""; 0]
    );
    // A subscription that ends gives its place back; our reader tries until it has it.
    held.pop();
    assert_eq!(
        ids(&read(&site, "USA/feed-desk", until_now()).await),
        [""; 0]
    );
}

#[tokio::test]
async fn health_and_reflection_answer_as_everyone_expects() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let site = Site::started("");
    let channel = site.endpoint("USA/feed-desk").connect().await.unwrap();
    for service in ["", "entente.v1.SubmissionService", "entente.v1.FeedService"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = HealthClient::new(channel.clone())
            .check(request)
            .await
            .unwrap();
        assert_eq!(
            answer.into_inner().status(),
            ServingStatus::Serving,
            "{service}"
        );
    }
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert!(
        names.contains(&"entente.v1.SubmissionService".to_owned()),
        "{names:?}"
    );
}

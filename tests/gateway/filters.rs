//! Filters over the wire, the options of `entente tail`, and replay at a rate.

use crate::feed::{ids, read, submit, subscriber, until_now};
use crate::support::{Site, contribution, sighting};
use entente::wire::proto::{self, FeedFilter, SubscribeRequest};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;

fn at(id: &str, latitude_deg: f64, longitude_deg: f64) -> proto::Report {
    changed(id, |sighting| {
        sighting.location = Some(proto::ReportedLocation {
            wgs84: Some(proto::Wgs84Point {
                latitude_deg,
                longitude_deg,
            }),
            horizontal_uncertainty_m: Some(700.0),
            ..Default::default()
        });
    })
}

fn changed(id: &str, change: impl FnOnce(&mut proto::ReportedSighting)) -> proto::Report {
    let mut report = sighting(id);
    if let Some(proto::report::Body::Sighting(sighting)) = &mut report.body {
        change(sighting);
    }
    report
}

fn point(latitude_deg: f64, longitude_deg: f64) -> proto::Wgs84Point {
    proto::Wgs84Point {
        latitude_deg,
        longitude_deg,
    }
}

async fn shown(site: &Site, filter: FeedFilter) -> Vec<String> {
    let request = SubscribeRequest {
        filter: Some(filter),
        ..until_now()
    };
    let seen = read(site, "USA/feed-desk", request).await;
    ids(&seen).into_iter().map(str::to_owned).collect()
}

/// Sightings in three places, with a mine, a mortar, a narrative; and a contribution.
async fn site() -> Site {
    let site = Site::started("");
    let mine = changed("mine", |sighting| {
        sighting.observations[0].r#type = Some(proto::ReportedObservationType {
            code: proto::ObservationType::Mine.into(),
            ..Default::default()
        });
        sighting.place = Some(proto::Place {
            name_as_reported: "Торецьк".to_owned(),
            ..Default::default()
        });
    });
    let mortar = changed("mortar", |sighting| {
        sighting.observations[0].weapon = Some(proto::ReportedWeapon {
            code: proto::WeaponClass::Mortar.into(),
            ..Default::default()
        });
    });
    let mortar = proto::Report {
        narratives: vec![proto::Narrative {
            text: "Three  rounds\nfrom the NORTH".to_owned(),
            ..Default::default()
        }],
        ..mortar
    };
    let reports = [
        at("avdiivka", 48.1394, 37.7472),
        at("edge", 48.155, 37.7472),
        mine,
        mortar,
        contribution("given", "c-1", "061830ZJAN26"),
    ];
    submit(&site, "GBR/uav-cell-4", &reports).await;
    site
}

/// Filters by place, and what each shows.
fn by_place() -> Vec<(FeedFilter, Vec<&'static str>)> {
    let circle = Some(proto::Circle {
        centre: Some(point(48.1394, 37.7472)),
        radius_m: 1_100.0,
    });
    let polygon = Some(proto::Polygon {
        corners: vec![
            point(48.13, 37.73),
            point(48.13, 37.76),
            point(48.15, 37.745),
        ],
    });
    vec![
        (
            FeedFilter {
                circle,
                ..Default::default()
            },
            vec!["avdiivka"],
        ),
        (
            FeedFilter {
                circle,
                include_uncertain: true,
                ..Default::default()
            },
            vec!["avdiivka", "edge"],
        ),
        (
            FeedFilter {
                polygon: polygon.clone(),
                ..Default::default()
            },
            vec!["avdiivka"],
        ),
        (
            FeedFilter {
                polygon,
                include_uncertain: true,
                ..Default::default()
            },
            vec!["avdiivka", "edge"],
        ),
    ]
}

/// Filters by what a record says and when it came, and what each shows.
fn by_substance() -> Vec<(FeedFilter, Vec<&'static str>)> {
    let epoch = Some(0);
    vec![
        (
            FeedFilter {
                observation_types: vec![proto::ObservationType::Mine.into()],
                ..Default::default()
            },
            vec!["mine"],
        ),
        (
            FeedFilter {
                weapon_classes: vec![proto::WeaponClass::Mortar.into()],
                ..Default::default()
            },
            vec!["mortar"],
        ),
        (
            FeedFilter {
                text: "rounds FROM the".to_owned(),
                ..Default::default()
            },
            vec!["mortar"],
        ),
        (
            FeedFilter {
                text: "ТОРЕЦЬК".to_owned(),
                ..Default::default()
            },
            vec!["mine"],
        ),
        (
            FeedFilter {
                received_until_unix_s: epoch,
                ..Default::default()
            },
            vec![],
        ),
        (
            FeedFilter {
                received_from_unix_s: epoch,
                ..Default::default()
            },
            vec!["avdiivka", "edge", "mine", "mortar", "given"],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_a_filter_works_over_the_wire() {
    let site = site().await;
    for (filter, expected) in by_place().into_iter().chain(by_substance()) {
        let shown = shown(&site, filter.clone()).await;
        assert_eq!(shown, expected, "{filter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_request_is_said_at_once() {
    let site = Site::started("");
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let filter = FeedFilter {
        kinds: vec![99],
        nations: vec!["Britain".to_owned()],
        area: Some(proto::BoundingBox {
            south_deg: 50.0,
            ..Default::default()
        }),
        polygon: Some(proto::Polygon {
            corners: vec![
                point(0.0, 0.0),
                point(1.0, 1.0),
                point(1.0, 0.0),
                point(0.0, 1.0),
            ],
        }),
        circle: Some(proto::Circle {
            centre: None,
            radius_m: -1.0,
        }),
        observed_from_unix_s: Some(2),
        observed_until_unix_s: Some(1),
        text: "x".repeat(201),
        ..Default::default()
    };
    let request = SubscribeRequest {
        filter: Some(filter),
        records_per_s: Some(f64::NAN),
        pace: Some(0.0),
        ..Default::default()
    };
    let status = client.subscribe(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_details_bad_request().unwrap();
    let mut fields: Vec<_> = details
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "filter.area",
            "filter.circle.centre",
            "filter.circle.radius_m",
            "filter.kinds",
            "filter.nations",
            "filter.observed_until_unix_s",
            "filter.polygon.corners",
            "filter.text",
            "pace",
            "pace",
            "records_per_s",
        ]
    );
    let crossing = details
        .field_violations
        .iter()
        .find(|v| v.field == "filter.polygon.corners");
    assert!(crossing.unwrap().description.contains("sides 1 and 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_has_an_option_for_every_part_and_counts_what_is_withheld() {
    let site = site().await;
    let hidden = proto::Report {
        marking: Some(proto::ReportedMarking {
            text: "OFFICIAL-SENSITIVE".to_owned(),
            releasable_to: Vec::new(),
            special: Vec::new(),
        }),
        ..sighting("hidden")
    };
    submit(
        &site,
        "GBR/uav-cell-4",
        &[
            hidden.clone(),
            proto::Report {
                report_id: "hidden-2".into(),
                ..hidden
            },
            sighting("last"),
        ],
    )
    .await;
    let tail = |options: &[&str]| {
        let mut all = vec![
            "tail",
            "--until-now",
            "--output",
            "json",
            "--as",
            "USA/feed-desk",
        ];
        all.extend(["--gateway", &site.address, "--server-name", "localhost"]);
        all.extend(options);
        let output = site.run(&all);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let shown = String::from_utf8(output.stdout).unwrap();
        let lines = shown.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            match line["withheld"]["first"].as_str() {
                Some(first) => format!("{first} to {}", line["withheld"]["last"].as_str().unwrap()),
                None => line["record"]["reportId"].as_str().unwrap().to_owned(),
            }
        });
        (lines.collect::<Vec<_>>().join(" "), said)
    };
    let (shown, said) = tail(&["--circle", "48.1394,37.7472,1.1km"]);
    assert_eq!(shown, "avdiivka");
    assert!(said.contains("2 records were withheld"), "{said}");
    for (options, expected) in [
        (
            vec!["--circle", "48.1394,37.7472,1100", "--include-uncertain"],
            "avdiivka edge",
        ),
        (
            vec!["--polygon", "48.13,37.73 48.13,37.76 48.15,37.745"],
            "avdiivka",
        ),
        (vec!["--observation", "mine"], "mine"),
        (vec!["--weapon", "mortar", "--text", "ROUNDS"], "mortar"),
        (vec!["--received-until", "2026-01-01T00:00:00Z"], ""),
        (
            vec!["--from", "5", "--withheld", "--rate", "1000"],
            "given 6 to 7 last",
        ),
    ] {
        assert_eq!(tail(&options).0, expected, "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_its_rate_and_loses_nothing() {
    let site = Site::started("[feed]\nheartbeat = \"100ms\"\n");
    let reports: Vec<_> = (1..=12).map(|n| sighting(&format!("r-{n}"))).collect();
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let request = SubscribeRequest {
        records_per_s: Some(8.0),
        ..until_now()
    };
    let mut reader = subscriber(&site, "USA/feed-desk", request);
    let (mut seen, mut heartbeats) = (Vec::new(), 0);
    let (mut first, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    while let Some(answer) = reader.next().await.unwrap() {
        seen.extend(answer.entries.iter().map(|entry| entry.position));
        heartbeats += u32::from(answer.covered.is_none());
        let time = answer.gateway_time.unwrap();
        let time = Timestamp::new(time.seconds, time.nanos).unwrap();
        first = first.or(Some(time));
        last = Some(time);
    }
    assert_eq!(seen, (1..=12).collect::<Vec<u64>>());
    // Eleven gaps of an eighth of a second, by the gateway's own clock.
    let took = last.unwrap().duration_since(first.unwrap());
    assert!(took >= SignedDuration::from_millis(1_300), "{took:?}");
    assert!(
        heartbeats > 0,
        "silence between records is told from a dead feed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_at_a_pace_keeps_the_distances_and_what_comes_later_comes_live() {
    let site = Site::started("");
    submit(&site, "GBR/uav-cell-4", &[sighting("a"), sighting("b")]).await;
    let request = SubscribeRequest {
        pace: Some(100_000.0),
        ..Default::default()
    };
    let mut reader = subscriber(&site, "USA/feed-desk", request);
    let mut seen = Vec::new();
    let read = async {
        while seen.len() < 3 {
            let answer = reader.next().await.unwrap().unwrap();
            seen.extend(answer.entries.iter().map(|entry| entry.position));
            if seen.len() == 2 {
                submit(&site, "GBR/uav-cell-4", &[sighting("c")]).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .unwrap();
    assert_eq!(seen, [1, 2, 3]);
}

//! Release: what is withheld is told as a position and nothing else, operators are told why, and
//! a change of rights acts on live subscriptions.

use crate::feed::{ids, read, submit, subscriber, until_now};
use crate::handshake::logged;
use crate::support::{Site, sighting};
use crate::trust::started;
use entente::client::subscriber::Subscriber;
use entente::wire::proto::{self, SubscribeRequest};
use tonic::Code;

/// A sighting of GBR under a marking.
fn marked(id: &str, text: &str, to: &[&str], special: &[&str]) -> proto::Report {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    proto::Report {
        marking: Some(proto::ReportedMarking {
            text: text.to_owned(),
            releasable_to: owned(to),
            special: owned(special),
        }),
        ..sighting(id)
    }
}

fn open(id: &str, to: &[&str]) -> proto::Report {
    marked(id, "OFFICIAL-SENSITIVE", to, &[])
}

/// Everything that a reader is told until now: positions that it gets, and that are withheld.
async fn told(site: &Site, system: &str, request: SubscribeRequest) -> (Vec<u64>, Vec<u64>) {
    let mut reader = subscriber(site, system, request);
    let (mut got, mut withheld) = (Vec::new(), Vec::new());
    while let Some(answer) = reader.next().await.unwrap() {
        got.extend(answer.entries.iter().map(|entry| entry.position));
        withheld.extend(
            answer
                .withheld
                .iter()
                .flat_map(|range| range.first..=range.last),
        );
        if let Some(covered) = answer.covered {
            assert_eq!(covered.last + 1, answer.next_position);
        }
    }
    (got, withheld)
}

/// The next answer of a live stream that is no heartbeat.
async fn live(reader: &mut Subscriber) -> (Vec<u64>, Vec<u64>) {
    loop {
        let answer = reader.next().await.unwrap().unwrap();
        if answer.covered.is_some() {
            let withheld = answer.withheld.iter();
            return (
                answer.entries.iter().map(|entry| entry.position).collect(),
                withheld
                    .flat_map(|range| range.first..=range.last)
                    .collect(),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_position_is_either_given_or_told_as_withheld_whatever_the_filter() {
    let site = Site::started("");
    let reports = [
        open("a", &["USA"]),
        open("b", &["FRA"]),
        open("c", &[]),
        open("d", &["USA", "FRA"]),
        proto::Report {
            environment: proto::Environment::Exercise.into(),
            ..open("e", &["FRA"])
        },
        proto::Report {
            environment: proto::Environment::Exercise.into(),
            ..open("f", &["USA"])
        },
    ];
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let plain = told(&site, "USA/feed-desk", until_now()).await;
    assert_eq!(
        plain,
        (vec![1, 4], vec![2, 3, 5]),
        "6 is left out by the filter"
    );
    // Whatever a reader asks for, it learns the same of what is withheld: a filter is no probe.
    for filter in [
        proto::FeedFilter {
            nations: vec!["UKR".to_owned()],
            ..Default::default()
        },
        proto::FeedFilter {
            environments: vec![proto::Environment::Exercise.into()],
            text: "anything".to_owned(),
            ..Default::default()
        },
        proto::FeedFilter {
            observed_from_unix_s: Some(0),
            observed_until_unix_s: Some(1),
            ..Default::default()
        },
    ] {
        let request = SubscribeRequest {
            filter: Some(filter),
            ..until_now()
        };
        let (got, withheld) = told(&site, "USA/feed-desk", request).await;
        assert_eq!((got, withheld), (vec![], vec![2, 3, 5]));
    }
    assert_eq!(told(&site, "GBR/feed-desk", until_now()).await.1, [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_large_what_is_withheld_is_shows_nowhere() {
    let site = Site::started("[feed]\ndelivery_bytes_max = \"64KiB\"\n");
    let large = |id: &str, to: &[&str], letters: usize| {
        let narrative = proto::Narrative {
            text: "x".repeat(letters),
            ..Default::default()
        };
        proto::Report {
            narratives: vec![narrative; 4],
            ..open(id, to)
        }
    };
    // The same shape twice: what is withheld is small at first, then large.
    let mut reports = Vec::new();
    for (round, letters) in [(0, 10), (1, 50_000)] {
        for n in 0..6 {
            let to: &[&str] = if n % 3 == 0 { &["USA"] } else { &["FRA"] };
            let letters = if n % 3 == 0 { 10 } else { letters };
            reports.push(large(&format!("r-{round}-{n}"), to, letters));
        }
    }
    submit(&site, "GBR/uav-cell-4", &reports).await;
    let mut shapes = Vec::new();
    for from_position in [1, 7] {
        let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
        let request = SubscribeRequest {
            from_position,
            ..until_now()
        };
        let mut answers = client.subscribe(request).await.unwrap().into_inner();
        let mut shape = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            let covered = answer.covered.unwrap();
            let upto = (covered.last + 1 - from_position).min(6);
            shape.push((covered.first - from_position, upto));
            if upto == 6 {
                break;
            }
        }
        shapes.push(shape);
    }
    assert_eq!(shapes[0], [(0, 6)]);
    assert_eq!(shapes[0], shapes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_does_not_say_which_withheld_position_it_follows() {
    let site = Site::started("");
    let first = open("r", &["FRA"]);
    let second = proto::Report {
        revision: 2,
        action: proto::Action::Update.into(),
        ..open("r", &["FRA", "USA"])
    };
    submit(
        &site,
        "GBR/uav-cell-4",
        &[open("other", &["USA"]), first, second],
    )
    .await;
    for (system, expected) in [("USA/feed-desk", None), ("FRA/feed-desk", Some(2))] {
        let mut reader = subscriber(&site, system, until_now());
        let mut previous = Vec::new();
        while let Some(answer) = reader.next().await.unwrap() {
            let entries = answer.entries.iter().filter(|entry| entry.position == 3);
            previous.extend(entries.map(|entry| entry.supersedes_position));
        }
        assert_eq!(previous, [expected], "{system}");
        let mut client = site.endpoint(system).feed().await.unwrap();
        let request = proto::GetRecordRequest {
            position: 3,
            ..Default::default()
        };
        let entry = client.get_record(request).await.unwrap().into_inner().entry;
        assert_eq!(entry.unwrap().supersedes_position, expected, "{system}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_change_act_on_the_next_delivery_of_a_live_stream() {
    let site = Site::new("");
    site.edit("config/nations/FRA.toml", |text| {
        set(
            &set(&text, "clearance", "\"SECRET\""),
            "special",
            "[\"ATOMAL\"]",
        )
    });
    let site = started(site);
    let special = |id: &str| marked(id, "SECRET", &["FRA"], &["ATOMAL"]);
    let mut reader = subscriber(&site, "FRA/feed-desk", SubscribeRequest::default());
    submit(&site, "GBR/uav-cell-4", &[special("a")]).await;
    assert_eq!(live(&mut reader).await, (vec![1], vec![]));

    let reload = async |name: &str, value: &str, epoch: u32| {
        site.edit("config/nations/FRA.toml", |text| set(&text, name, value));
        let epoch = format!("\"epoch\":{epoch}");
        logged(&site, &["trust was reloaded", "file watch", &epoch]).await;
    };
    // The stream waits all the while; it is not opened anew.
    reload("special", "[]", 2).await;
    submit(&site, "GBR/uav-cell-4", &[special("b")]).await;
    assert_eq!(
        live(&mut reader).await,
        (vec![], vec![2]),
        "the category is gone"
    );
    reload("special", "[\"ATOMAL\"]", 3).await;
    submit(&site, "GBR/uav-cell-4", &[special("c")]).await;
    assert_eq!(live(&mut reader).await, (vec![3], vec![]), "and is back");
    reload("clearance", "\"RESTRICTED\"", 4).await;
    submit(
        &site,
        "GBR/uav-cell-4",
        &[special("d"), open("e", &["FRA"])],
    )
    .await;
    let (mut got, mut withheld) = live(&mut reader).await;
    while got.len() + withheld.len() < 2 {
        let more = live(&mut reader).await;
        got.extend(more.0);
        withheld.extend(more.1);
    }
    assert_eq!(
        (got, withheld),
        (vec![5], vec![4]),
        "the clearance is lower"
    );
    // Without the right to read the connection ends; nothing more is told, not even positions.
    site.edit("config/nations/FRA.toml", |text| {
        text.replace("\"feed-desk\" = [\"read\"]", "\"feed-desk\" = []")
    });
    let told = ["trust was reloaded", "file watch", "\"epoch\":5"];
    logged(&site, &told).await;
    submit(&site, "GBR/uav-cell-4", &[open("f", &["FRA"])]).await;
    let refused = loop {
        match reader.next().await {
            Ok(answer) => assert_eq!(answer.unwrap().covered, None, "a heartbeat"),
            Err(refused) => break refused.to_string(),
        }
    };
    assert!(refused.contains("took away its right to read"), "{refused}");
}

/// Sets a key of a nation's file.
fn set(text: &str, name: &str, value: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with(&format!("{name} =")) {
            format!("{name} = {value}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_originator_controls_goes_to_those_named_and_to_no_relay() {
    let site = Site::started("");
    submit(
        &site,
        "GBR/uav-cell-4",
        &[
            marked("a", "OFFICIAL-SENSITIVE//ORCON", &["USA"], &[]),
            open("b", &["USA"]),
        ],
    )
    .await;
    let onward = SubscribeRequest {
        onward: true,
        ..until_now()
    };
    assert_eq!(
        told(&site, "USA/feed-desk", until_now()).await,
        (vec![1, 2], vec![])
    );
    assert_eq!(
        told(&site, "USA/feed-desk", onward.clone()).await,
        (vec![2], vec![1])
    );
    assert_eq!(
        told(&site, "GBR/feed-desk", onward).await,
        (vec![1, 2], vec![])
    );
    assert_eq!(
        told(&site, "FRA/feed-desk", until_now()).await,
        (vec![], vec![1, 2])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_stays_as_it_was_when_the_record_was_made() {
    let group = |nations: &str| {
        format!("[normalise.groups.CELL]\nas_of = \"2026-01-06\"\nnations = {nations}\n")
    };
    let mut site = Site::started(&group("[\"GBR\", \"USA\"]"));
    submit(&site, "GBR/uav-cell-4", &[open("before", &["CELL"])]).await;
    site.stop();
    site.edit("config/gateway.toml", |text| {
        text.replace(&group("[\"GBR\", \"USA\"]"), &group("[\"FRA\", \"GBR\"]"))
    });
    site.start(&[]);
    submit(&site, "GBR/uav-cell-4", &[open("after", &["CELL"])]).await;
    for (reader, expected) in [("USA/feed-desk", "before"), ("FRA/feed-desk", "after")] {
        let seen = read(&site, reader, until_now()).await;
        assert_eq!(ids(&seen), [expected], "{reader}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_why_rule_by_rule_and_nobody_else_is() {
    let site = started(Site::new(""));
    submit(
        &site,
        "GBR/uav-cell-4",
        &[marked("r-1", "SECRET", &["FRA", "POL"], &["ATOMAL"])],
    )
    .await;
    let why = |position: &str, reader: &str, caller: &str| {
        site.run(&[
            "feed",
            "why",
            "--position",
            position,
            "--reader",
            reader,
            "--as",
            caller,
            "--gateway",
            &site.address,
            "--server-name",
            "localhost",
        ])
    };
    let withheld = why("1", "USA/feed-desk", "USA/ops-desk");
    assert_eq!(withheld.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(withheld.stdout).unwrap(),
        "position 1 (GBR/uav-cell-4 r-1) is withheld from USA/feed-desk\n  \
         yes  read_right          USA/feed-desk has the right to read\n  \
         no   originator          the record is of GBR, the reader of USA\n  \
         no   release_list        it is released to FRA POL; the reader is of USA\n  \
         yes  level               its level is SECRET; the reader's clearance is SECRET\n  \
         no   special             its special categories are ATOMAL; the reader holds none\n  \
         yes  originator_control  the originator does not control who reads it; the reader keeps what it reads\n"
    );
    let own = why("1", "GBR/feed-desk", "USA/ops-desk");
    assert_eq!(own.status.code(), Some(0), "{own:?}");
    let no_right = why("1", "GBR/uav-cell-4", "USA/ops-desk");
    let said = String::from_utf8(no_right.stdout).unwrap();
    assert!(said.contains("no   read_right"), "{said}");
    assert_eq!(no_right.status.code(), Some(1));
    let stranger = why("1", "USA/feed-desk", "USA/feed-desk");
    let said = String::from_utf8(stranger.stderr).unwrap();
    assert!(said.contains("operations service"), "{said}");
    let beyond = why("2", "USA/feed-desk", "USA/ops-desk");
    let said = String::from_utf8(beyond.stderr).unwrap();
    assert!(said.contains("no record at position 2"), "{said}");

    let mut client = site.endpoint("USA/ops-desk").operations().await.unwrap();
    let request = proto::WhyWithheldRequest {
        position: 1,
        nation: "XXX".to_owned(),
        system: "a b".to_owned(),
        onward: false,
    };
    let status = client.why_withheld(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
    let fields: Vec<_> = details
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["nation", "system"]);
}

//! Handing in: receipts, retries, conflicts, refusals.

use crate::support::{Site, bytes_streamed, sighting, streamed, unary};
use entente::wire::proto::{self, Disposition};
use prost::Message as _;
use tonic::Code;
use tonic_types::StatusExt as _;

type Client = proto::submission_service_client::SubmissionServiceClient<tonic::transport::Channel>;

async fn submit(client: &mut Client, report: &proto::Report) -> proto::Outcome {
    client
        .submit(unary(report))
        .await
        .unwrap()
        .into_inner()
        .outcome
        .unwrap()
}

#[tokio::test]
async fn a_report_gets_a_receipt_and_a_retry_gets_the_same_one() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let first = submit(&mut client, &sighting("r-1")).await;
    assert_eq!(first.disposition(), Disposition::Accepted, "{first:?}");
    let receipt = first.receipt.unwrap();
    assert_eq!(receipt.position, 1);
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sighting("r-1").encode_to_vec());
    assert_eq!(&receipt.report_sha256[..], digest.as_ref());
    let again = submit(&mut client, &sighting("r-1")).await;
    assert_eq!(again.disposition(), Disposition::Duplicate);
    assert_eq!(again.receipt, Some(receipt));
}

#[tokio::test]
async fn receipts_survive_a_restart() {
    let mut site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let first = submit(&mut client, &sighting("r-1")).await;
    site.kill();
    site.start(&[]);
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let again = submit(&mut client, &sighting("r-1")).await;
    assert_eq!(again.disposition(), Disposition::Duplicate);
    assert_eq!(again.receipt, first.receipt);
    assert_eq!(
        submit(&mut client, &sighting("r-2"))
            .await
            .receipt
            .unwrap()
            .position,
        2
    );
}

/// S2: the first stays, and whoever sent the other is told.
#[tokio::test]
async fn the_same_key_with_other_bytes_is_a_conflict_and_the_first_stays() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    submit(&mut client, &sighting("r-1")).await;
    let mut other = sighting("r-1");
    other.narratives.push(proto::Narrative {
        text: "more".to_owned(),
        ..Default::default()
    });
    let outcome = submit(&mut client, &other).await;
    assert_eq!(outcome.disposition(), Disposition::Rejected);
    assert_eq!(outcome.violations[0].rule, "identity.conflict");
    assert!(
        outcome.violations[0].message.contains("position 1"),
        "{outcome:?}"
    );
    assert_eq!(outcome.receipt, None);
}

#[tokio::test]
async fn a_higher_revision_supersedes_and_a_lower_one_comes_late() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let revision = |revision| proto::Report {
        revision,
        action: if revision > 1 {
            proto::Action::Update
        } else {
            proto::Action::New
        }
        .into(),
        ..sighting("r-1")
    };
    submit(&mut client, &revision(1)).await;
    let third = submit(&mut client, &revision(3)).await;
    assert_eq!(third.disposition(), Disposition::Accepted);
    assert_eq!(third.receipt.unwrap().supersedes_position, Some(1));
    let second = submit(&mut client, &revision(2)).await;
    assert_eq!(second.disposition(), Disposition::Superseded);
    assert_eq!(second.receipt.unwrap().position, 3);
}

#[tokio::test]
async fn every_fault_of_a_report_is_named_at_once() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut bad = sighting("r-1");
    bad.nation = "FRA".to_owned();
    bad.environment = 99;
    bad.marking.as_mut().unwrap().text = "SECRETO".to_owned();
    let Some(proto::report::Body::Sighting(body)) = &mut bad.body else {
        unreachable!()
    };
    body.location.as_mut().unwrap().wgs84 = Some(proto::Wgs84Point {
        latitude_deg: 148.0,
        longitude_deg: 37.8,
    });
    body.observed_from.as_mut().unwrap().text = "yesterday".to_owned();
    let outcome = submit(&mut client, &bad).await;
    assert_eq!(outcome.disposition(), Disposition::Rejected);
    let fields: Vec<_> = outcome
        .violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    for field in [
        "nation",
        "environment",
        "marking",
        "sighting.location",
        "sighting.observed_from",
    ] {
        assert!(
            fields.iter().any(|f| f.starts_with(field)),
            "{field} is not in {fields:?}"
        );
    }
    for violation in &outcome.violations {
        assert!(
            !violation.rule.is_empty() && !violation.message.is_empty(),
            "{violation:?}"
        );
        assert!(!violation.expected.is_empty(), "{violation:?}");
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_bad_reports_and_answers_in_order() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut messages = Vec::new();
    for number in 0..300 {
        messages.push(match number % 3 {
            0 => streamed(&sighting(&format!("r-{number}"))),
            1 => bytes_streamed(vec![0xff; 40]),
            _ => streamed(&proto::Report::default()),
        });
    }
    let mut answers = client
        .submit_stream(tokio_stream::iter(messages))
        .await
        .unwrap()
        .into_inner();
    let mut outcomes = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        outcomes.extend(answer.outcomes);
    }
    assert_eq!(outcomes.len(), 300);
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.ordinal, number as u64 + 1);
        match number % 3 {
            0 => {
                assert_eq!(outcome.disposition(), Disposition::Accepted, "{outcome:?}");
                assert_eq!(
                    outcome.receipt.as_ref().unwrap().position,
                    number as u64 / 3 + 1
                );
            }
            1 => assert_eq!(outcome.violations[0].rule, "wire.unparsable"),
            _ => assert!(outcome.violations.len() > 3, "{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn ten_thousand_violations_are_bounded_and_counted() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut bad = sighting("r-1");
    bad.marking.as_mut().unwrap().releasable_to = vec!["??".to_owned(); 10_000];
    let outcome = submit(&mut client, &bad).await;
    assert_eq!(outcome.disposition(), Disposition::Rejected);
    assert!(outcome.violations.len() <= 100);
    assert!(!outcome.violations.is_empty());
}

#[tokio::test]
async fn a_message_over_the_limit_ends_its_stream_with_the_limit_and_nothing_else() {
    let site = Site::started("");
    let endpoint = site.endpoint("GBR/uav-cell-4");
    let mut client = endpoint.submission().await.unwrap();
    let messages = vec![
        streamed(&sighting("r-1")),
        bytes_streamed(vec![0; 2 * 1024 * 1024]),
    ];
    let mut answers = client
        .submit_stream(tokio_stream::iter(messages))
        .await
        .unwrap()
        .into_inner();
    let mut outcomes = Vec::new();
    let end = loop {
        match answers.message().await {
            Ok(Some(answer)) => outcomes.extend(answer.outcomes),
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(outcomes.len(), 1, "what came before is answered");
    assert_eq!(end.code(), Code::ResourceExhausted);
    assert!(end.message().contains("1048576"), "{end:?}");
    assert_eq!(
        end.get_details_error_info().unwrap().reason,
        "MESSAGE_TOO_LARGE"
    );
    assert_eq!(
        submit(&mut client, &sighting("r-2")).await.disposition(),
        Disposition::Accepted
    );
}

#[tokio::test]
async fn validate_only_judges_and_stores_nothing() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let request = proto::SubmitRequest {
        validate_only: true,
        ..unary(&sighting("r-1"))
    };
    let answer = client.submit(request).await.unwrap().into_inner();
    assert_eq!(answer.outcome.unwrap().disposition(), Disposition::Valid);
    let record = proto::Record::decode(answer.record).unwrap();
    assert_eq!(
        (record.nation.as_str(), record.report_id.as_str()),
        ("GBR", "r-1")
    );
    let stored = submit(&mut client, &sighting("r-1")).await;
    assert_eq!(stored.receipt.unwrap().position, 1);
}

#[tokio::test]
async fn a_reader_may_not_submit_and_is_told_so() {
    let site = Site::started("");
    let mut client = site.endpoint("USA/feed-desk").submission().await.unwrap();
    let status = client.submit(unary(&sighting("r-1"))).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "RIGHT_MISSING"
    );
}

#[tokio::test]
async fn who_am_i_says_what_the_gateway_sees() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let seen = client
        .who_am_i(proto::WhoAmIRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (seen.nation.as_str(), seen.system.as_str()),
        ("GBR", "uav-cell-4")
    );
    assert_eq!(seen.spiffe_id, "spiffe://gbr.entente.example/uav-cell-4");
    assert!(seen.rights.contains(&"submit".to_owned()), "{seen:?}");
    assert!(seen.certificate_not_after.is_some() && seen.gateway_time.is_some());
}

#[tokio::test]
async fn a_system_over_its_rate_is_told_when_to_return() {
    let mut site = Site::new("");
    site.edit("config/nations/GBR.toml", |text| {
        assert!(
            !text.contains("[limits]"),
            "the shipped file sets no limits"
        );
        format!("{text}\n[limits]\nsystem_reports_per_s = 1\n")
    });
    site.start(&[]);
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut status = None;
    for number in 0..10 {
        if let Err(refused) = client
            .submit(unary(&sighting(&format!("r-{number}"))))
            .await
        {
            status = Some(refused);
            break;
        }
    }
    let status = status.expect("ten reports at once are over one a second");
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "RATE_LIMITED"
    );
    assert!(
        status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .is_some()
    );
}

#[tokio::test]
async fn refused_reports_are_kept_with_their_bytes_for_sender_and_operator() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let bad = proto::Report {
        environment: 0,
        ..sighting("r-1")
    };
    submit(&mut client, &bad).await;
    for reader in ["GBR/uav-cell-4", "USA/ops-desk"] {
        let mut operations = site.endpoint(reader).operations().await.unwrap();
        let kept = operations
            .list_quarantine(proto::ListQuarantineRequest::default())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(kept.reports.len(), 1, "{reader}");
        assert_eq!(kept.reports[0].report_id, "r-1");
        assert_eq!(kept.reports[0].original, bad.encode_to_vec());
        assert!(!kept.reports[0].violations.is_empty());
    }
    let mut other = site.endpoint("FRA/poste-12").operations().await.unwrap();
    let request = proto::ListQuarantineRequest {
        nation: "GBR".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        other.list_quarantine(request).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let none = other
        .list_quarantine(proto::ListQuarantineRequest::default())
        .await
        .unwrap();
    assert!(none.into_inner().reports.is_empty());
}

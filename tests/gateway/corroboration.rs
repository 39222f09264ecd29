//! Links between sightings of different nations that may describe the same event.

use crate::feed::submit;
use crate::support::{Site, contribution, sighting};
use entente::wire::proto::{
    self, Corroboration, ListCorroborationsRequest, ListCorroborationsResponse,
};
use tonic::Code;
use tonic_types::StatusExt as _;

const ON: &str = "[feed]\ncorroboration_positions_max = 6\n";

/// A sighting by FRA at so many degrees of latitude.
fn french(id: &str, latitude_deg: f64) -> proto::Report {
    changed(id, |report, sighting| {
        report.marking = Some(proto::ReportedMarking {
            text: "DIFFUSION RESTREINTE".to_owned(),
            releasable_to: vec!["USA".to_owned(), "FRA".to_owned()],
            special: Vec::new(),
        });
        sighting.location = Some(proto::ReportedLocation {
            wgs84: Some(proto::Wgs84Point {
                latitude_deg,
                longitude_deg: 37.8029,
            }),
            horizontal_uncertainty_m: Some(10.0),
            ..Default::default()
        });
    })
}

fn changed(
    id: &str,
    change: impl FnOnce(&mut proto::Report, &mut proto::ReportedSighting),
) -> proto::Report {
    let mut report = sighting(id);
    let Some(proto::report::Body::Sighting(mut body)) = report.body.take() else {
        unreachable!("it is a sighting")
    };
    change(&mut report, &mut body);
    report.body = Some(proto::report::Body::Sighting(body));
    report
}

async fn asked(
    site: &Site,
    system: &str,
    request: ListCorroborationsRequest,
) -> ListCorroborationsResponse {
    let mut client = site.endpoint(system).feed().await.unwrap();
    let answer = client.list_corroborations(request).await;
    answer.unwrap().into_inner()
}

async fn all(site: &Site, system: &str) -> Vec<Corroboration> {
    let answer = asked(site, system, ListCorroborationsRequest::default()).await;
    assert_eq!(answer.next_position, 0);
    answer.corroborations
}

fn pairs(links: &[Corroboration]) -> Vec<(u64, u64)> {
    let pair = |link: &Corroboration| (link.first_position, link.second_position);
    links.iter().map(pair).collect()
}

#[tokio::test]
async fn sightings_of_two_nations_are_linked_with_what_was_compared_and_after_a_restart_again() {
    let mut site = Site::started(ON);
    submit(&site, "GBR/uav-cell-4", &[sighting("seen")]).await;
    let near = [french("same", 48.0163), french("elsewhere", 48.2)];
    submit(&site, "FRA/poste-12", &near).await;
    let links = all(&site, "USA/feed-desk").await;
    assert_eq!(pairs(&links), [(1, 2)]);
    let link = &links[0];
    assert_eq!(
        (link.rule.as_str(), link.rule_version),
        ("corroboration.same-event", 1)
    );
    assert_eq!(
        (link.first_nation.as_str(), link.second_nation.as_str()),
        ("GBR", "FRA")
    );
    assert_eq!((link.apart_s, link.apart_limit_s), (0, 240));
    assert!((link.distance_m - 44.5).abs() < 1.0, "{}", link.distance_m);
    assert!(link.is_uncertainty_assumed, "GBR gave no uncertainty");
    let shared = &link.shared[0];
    assert_eq!(shared.r#type(), proto::ObservationType::Explosion);
    assert_eq!(shared.count_basis(), proto::CountBasis::Individual);
    let counts = [shared.first_count, shared.second_count];
    assert!(
        counts
            .iter()
            .all(|count| count.is_some_and(|count| count.min == Some(3)))
    );
    let told = site.run(&[
        "feed",
        "corroborations",
        "--as",
        "USA/feed-desk",
        "--gateway",
        &site.address,
    ]);
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.starts_with("1 GBR ~ 2 FRA  44 m apart"), "{told}");
    assert!(
        told.contains("EXPLOSION 3 | 3 INDIVIDUAL; an uncertainty is assumed"),
        "{told}"
    );
    assert!(
        told.ends_with("compared: positions 1 to 3; a link is no verdict\n"),
        "{told}"
    );
    site.kill();
    site.start(&[]);
    assert_eq!(all(&site, "USA/feed-desk").await, links);
}

#[tokio::test]
async fn a_reader_sees_a_link_only_where_it_may_read_both() {
    let site = Site::started(ON);
    submit(&site, "GBR/uav-cell-4", &[sighting("seen")]).await;
    submit(&site, "FRA/poste-12", &[french("same", 48.0163)]).await;
    // Each of the two reads its own; neither list names the other.
    assert_eq!(pairs(&all(&site, "USA/feed-desk").await), [(1, 2)]);
    assert_eq!(pairs(&all(&site, "GBR/feed-desk").await), []);
    assert_eq!(pairs(&all(&site, "FRA/feed-desk").await), []);
}

#[tokio::test]
async fn what_is_superseded_or_retracted_loses_its_links() {
    let site = Site::started(ON);
    submit(&site, "GBR/uav-cell-4", &[sighting("seen")]).await;
    submit(&site, "FRA/poste-12", &[french("same", 48.0163)]).await;
    let moved = proto::Report {
        revision: 2,
        action: proto::Action::Update.into(),
        ..french("same", 48.2)
    };
    submit(&site, "FRA/poste-12", &[moved]).await;
    assert_eq!(pairs(&all(&site, "USA/feed-desk").await), []);
    let back = proto::Report {
        revision: 3,
        action: proto::Action::Update.into(),
        ..french("same", 48.0163)
    };
    submit(&site, "FRA/poste-12", &[back]).await;
    assert_eq!(pairs(&all(&site, "USA/feed-desk").await), [(1, 4)]);
    let retraction = proto::Report {
        action: proto::Action::Retraction.into(),
        supersedes: Some(proto::Supersedes {
            report_id: "seen".to_owned(),
            revision: 1,
        }),
        body: None,
        ..sighting("withdrawn")
    };
    submit(&site, "GBR/uav-cell-4", &[retraction]).await;
    assert_eq!(pairs(&all(&site, "USA/feed-desk").await), []);
}

#[tokio::test]
async fn the_oldest_positions_leave_and_pages_and_one_sighting_can_be_asked_for() {
    let site = Site::started(ON);
    submit(&site, "GBR/uav-cell-4", &[sighting("a"), sighting("b")]).await;
    submit(
        &site,
        "FRA/poste-12",
        &[french("x", 48.0163), french("y", 48.0163)],
    )
    .await;
    let every = [(1, 3), (2, 3), (1, 4), (2, 4)];
    assert_eq!(pairs(&all(&site, "USA/feed-desk").await), every);
    let page = ListCorroborationsRequest {
        page_size: 1,
        ..Default::default()
    };
    let first = asked(&site, "USA/feed-desk", page).await;
    assert_eq!(
        (pairs(&first.corroborations), first.next_position),
        (every[..2].to_vec(), 4)
    );
    let rest = ListCorroborationsRequest {
        from_position: first.next_position,
        ..page
    };
    let rest = asked(&site, "USA/feed-desk", rest).await;
    assert_eq!(
        (pairs(&rest.corroborations), rest.next_position),
        (every[2..].to_vec(), 0)
    );
    let of = ListCorroborationsRequest {
        position: Some(1),
        ..Default::default()
    };
    let of = asked(&site, "USA/feed-desk", of).await;
    assert_eq!(pairs(&of.corroborations), [(1, 3), (1, 4)]);
    // Six positions are compared: with the seventh and eighth the first two are no more.
    for n in 1..=4 {
        let other = contribution(&format!("c-{n}"), &format!("x-{n}"), "061830ZJAN26");
        submit(&site, "GBR/uav-cell-4", &[other]).await;
    }
    let answer = asked(&site, "USA/feed-desk", ListCorroborationsRequest::default()).await;
    assert_eq!(pairs(&answer.corroborations), []);
    assert_eq!(
        (
            answer.compared_from_position,
            answer.compared_until_position
        ),
        (3, 8)
    );
}

#[tokio::test]
async fn a_gateway_that_compares_nothing_says_so() {
    let site = Site::started("");
    let mut client = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let request = ListCorroborationsRequest::default();
    let refused = client.list_corroborations(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused
            .message()
            .contains("feed.corroboration_positions_max"),
        "{refused}"
    );
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "NOT_COMPARED");
}

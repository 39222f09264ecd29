//! The gap report: numbers that never came, when a system was heard last, and silences.

use crate::feed::submit;
use crate::support::{Site, sighting, unary};
use entente::wire::proto::{
    self, Disposition, ListGapsRequest, ListGapsResponse, SequenceRange, SystemGaps,
};
use prost::Message as _;

fn numbered(sequence: u64) -> proto::Report {
    proto::Report {
        sequence: Some(sequence),
        ..sighting(&format!("r-{sequence}"))
    }
}

async fn asked(site: &Site, system: &str, request: ListGapsRequest) -> ListGapsResponse {
    let mut client = site.endpoint(system).feed().await.unwrap();
    client.list_gaps(request).await.unwrap().into_inner()
}

async fn gaps(site: &Site, system: &str) -> Vec<SystemGaps> {
    let answer = asked(site, system, ListGapsRequest::default()).await;
    assert_eq!(answer.next_page_token, "");
    answer.systems
}

fn names(systems: &[SystemGaps]) -> Vec<String> {
    let name = |system: &SystemGaps| format!("{}/{}", system.nation, system.system);
    systems.iter().map(name).collect()
}

fn range(first: u64, last: u64) -> SequenceRange {
    SequenceRange { first, last }
}

#[tokio::test]
async fn case_49_what_never_came_is_named_and_after_a_restart_again() {
    let mut site = Site::started("");
    let sent: Vec<_> = [1, 2, 3, 7, 5, 2].into_iter().map(numbered).collect();
    submit(&site, "GBR/uav-cell-4", &sent).await;
    // Another report with a number that was there, and one without.
    let again = proto::Report {
        report_id: "again".to_owned(),
        ..numbered(3)
    };
    submit(&site, "GBR/uav-cell-4", &[again, sighting("plain")]).await;
    // A refused one is missing from the feed, and stands in quarantine.
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    let mut faulty = numbered(4);
    faulty.environment = 99;
    let outcome = client.submit(unary(&faulty)).await.unwrap().into_inner();
    assert_eq!(
        outcome.outcome.unwrap().disposition(),
        Disposition::Rejected
    );
    let found = gaps(&site, "USA/ops-desk").await;
    assert_eq!(names(&found), ["GBR/uav-cell-4"]);
    let system = &found[0];
    assert_eq!(system.sequences, Some(range(1, 7)));
    assert_eq!(system.missing, [range(4, 4), range(6, 6)]);
    assert_eq!(
        (system.missing_count, system.missing_unlisted_count),
        (2, 0)
    );
    // The retry of number 2 is no record of its own.
    assert_eq!((system.record_count, system.repeated_count), (7, 1));
    assert_eq!(system.unnumbered_count, 1);
    assert!(system.silences.is_empty() && system.last_heard_at.is_some());
    let said = site.run(&["gaps", "--as", "GBR/uav-cell-4", "--gateway", &site.address]);
    let said = String::from_utf8(said.stdout).unwrap();
    let words = "GBR/uav-cell-4  1-7 except 4, 6 (2 missing)  1 numbers came again  1 without";
    assert!(said.starts_with(words), "{said}");
    site.kill();
    site.start(&[]);
    assert_eq!(gaps(&site, "USA/ops-desk").await, found);
    // What comes late closes its gap.
    submit(&site, "GBR/uav-cell-4", &[numbered(4)]).await;
    let found = gaps(&site, "USA/ops-desk").await;
    assert_eq!(found[0].missing, [range(6, 6)]);
}

#[tokio::test]
async fn operators_see_all_nations_in_pages_and_others_their_own() {
    let site = Site::started("");
    submit(&site, "GBR/uav-cell-4", &[numbered(1)]).await;
    let french = proto::Report {
        marking: Some(proto::ReportedMarking {
            text: "DIFFUSION RESTREINTE".to_owned(),
            ..Default::default()
        }),
        ..numbered(1)
    };
    submit(&site, "FRA/poste-12", &[french]).await;
    let all = ["FRA/poste-12", "GBR/uav-cell-4"];
    assert_eq!(names(&gaps(&site, "USA/ops-desk").await), all);
    assert_eq!(
        names(&gaps(&site, "USA/feed-desk").await),
        Vec::<String>::new()
    );
    assert_eq!(names(&gaps(&site, "FRA/poste-12").await), all[..1]);
    assert_eq!(names(&gaps(&site, "GBR/feed-desk").await), all[1..]);
    let mut request = ListGapsRequest {
        page_size: 1,
        ..Default::default()
    };
    let first = asked(&site, "USA/ops-desk", request.clone()).await;
    assert_eq!(names(&first.systems), all[..1]);
    request.page_token = first.next_page_token;
    let second = asked(&site, "USA/ops-desk", request).await;
    assert_eq!(
        (names(&second.systems), second.next_page_token),
        (vec![all[1].to_owned()], String::new())
    );
}

#[tokio::test]
async fn a_silence_is_told_with_its_ends() {
    let site = Site::started("[feed]\nsilence = \"1s\"\n");
    submit(&site, "GBR/uav-cell-4", &[numbered(1)]).await;
    // It lasts as soon as a second has passed; only the gateway's clock knows when.
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let lasting = loop {
        look.tick().await;
        let found = gaps(&site, "USA/ops-desk").await;
        if let Some(silence) = found[0].silences.first() {
            break *silence;
        }
    };
    assert_eq!(lasting.until, None);
    submit(&site, "GBR/uav-cell-4", &[numbered(2)]).await;
    let found = gaps(&site, "USA/ops-desk").await;
    let silence = &found[0].silences[0];
    assert_eq!(silence.from, lasting.from);
    assert_eq!(silence.until, found[0].last_heard_at);
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_and_a_sound_one_is_in_the_record() {
    let site = Site::started("");
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    for sequence in [0, u64::MAX] {
        let outcome = client.submit(unary(&numbered(sequence))).await.unwrap();
        let outcome = outcome.into_inner().outcome.unwrap();
        assert_eq!(outcome.violations[0].field, "sequence");
        assert_eq!(outcome.violations[0].rule, "report.sequence");
    }
    submit(&site, "GBR/uav-cell-4", &[numbered(9)]).await;
    let mut feed = site.endpoint("USA/feed-desk").feed().await.unwrap();
    let request = proto::GetRecordRequest {
        position: 1,
        include_original: false,
    };
    let entry = feed.get_record(request).await.unwrap().into_inner().entry;
    let record = proto::Record::decode(entry.unwrap().record).unwrap();
    assert_eq!(record.sequence, Some(9));
}

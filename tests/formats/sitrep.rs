//! EDXL-SitRep: totals of resources as a contribution, the envelope's status, and refusals.

use crate::support::{SITREP, contribution, envelope, judge, judge_in, near, refused, rules};
use entente::record::{
    CommitmentStage, ContributionKind, Environment, OperationalStatus, PersonnelCategory,
};

pub(crate) const TOTALS: &str = r#"<?xml version="1.0" encoding="utf-8" standalone="no"?>
<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0">
  <distributionID>d-1</distributionID>
  <senderID>ops@relief.example</senderID>
  <dateTimeSent>2026-01-07T08:00:00+02:00</dateTimeSent>
  <distributionStatus>Actual</distributionStatus>
  <distributionType>Update</distributionType>
  <combinedConfidentiality>NATO UNCLASSIFIED</combinedConfidentiality>
  <language>en-US</language>
  <distributionReference>d-0,ops@relief.example,1753-01-01T00:00:00Z</distributionReference>
  <contentObject><xmlContent><embeddedXMLContent>
    <sitrep:sitRep xmlns:sitrep="urn:oasis:names:tc:emergency:EDXL:SitRep:1.0"
                   xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <sitrep:messageID>relief-2</sitrep:messageID>
      <sitrep:preparedBy><timeValue>1753-01-01T00:00:00Z</timeValue></sitrep:preparedBy>
      <sitrep:reportPurpose>weekly totals</sitrep:reportPurpose>
      <sitrep:reportNumber>2</sitrep:reportNumber>
      <sitrep:forTimePeriod>
        <fromDateTime>2026-01-01T00:00:00+02:00</fromDateTime>
        <toDateTime>2026-01-06T20:00:00+02:00</toDateTime>
      </sitrep:forTimePeriod>
      <sitrep:reportTitle>Demining team North</sitrep:reportTitle>
      <sitrep:incidentID>demining-north</sitrep:incidentID>
      <sitrep:originatingMessageID>relief-1</sitrep:originatingMessageID>
      <sitrep:reportingLocation><pos>50.4501 30.5234</pos></sitrep:reportingLocation>
      <sitrep:report xsi:type="sitrep:ResponseResourcesTotalsType">
        <sitrep:totalResourcesCommitted>
          <sitrep:personnel>40</sitrep:personnel><sitrep:resources>6</sitrep:resources>
        </sitrep:totalResourcesCommitted>
        <sitrep:totalResourcesOnHand>
          <sitrep:personnel>35</sitrep:personnel>
        </sitrep:totalResourcesOnHand>
        <sitrep:responseResourcesDetail>
          <sitrep:kind>flail</sitrep:kind><sitrep:count>2</sitrep:count>
        </sitrep:responseResourcesDetail>
      </sitrep:report>
    </sitrep:sitRep>
  </embeddedXMLContent></xmlContent></contentObject>
</EDXLDistribution>"#;

fn totals(from: &str, to: &str) -> String {
    assert!(TOTALS.contains(from), "{from}");
    TOTALS.replace(from, to)
}

#[test]
fn totals_become_a_contribution() {
    let record = judge("GBR", SITREP, TOTALS).expect("a record");
    // The chain is named by its first message, and counted by the report number.
    assert_eq!(
        (record.report_id.as_str(), record.revision),
        ("relief-1", 2)
    );
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(record.marking.originator_marking, "NATO UNCLASSIFIED");
    let contribution = contribution(&record);
    assert_eq!(contribution.contribution_id, "demining-north");
    assert_eq!(contribution.kind, ContributionKind::Personnel);
    assert_eq!(contribution.stage, CommitmentStage::Deployed);
    assert_eq!(contribution.operational_status, OperationalStatus::Unknown);
    assert_eq!(contribution.unit_name, "Demining team North");
    assert_eq!(contribution.as_of.utc.to_string(), "2026-01-06T18:00:00Z");
    assert_eq!(contribution.valid_from.to_string(), "2026-01-01");
    let start = contribution.period_start.map(|day| day.to_string());
    assert_eq!(start.as_deref(), Some("2026-01-01"));
    assert_eq!(
        contribution
            .period_end
            .map(|day| day.to_string())
            .as_deref(),
        Some("2026-01-06")
    );
    let [people] = contribution.personnel.as_slice() else {
        panic!("{:?}", contribution.personnel);
    };
    assert_eq!(people.category, PersonnelCategory::CivilianSpecialist);
    assert_eq!((people.authorised, people.deployed), (Some(40), Some(35)));
    let [items] = contribution.equipment.as_slice() else {
        panic!("{:?}", contribution.equipment);
    };
    assert_eq!(items.equipment.original_text, "resources");
    // Absent is not zero: nothing is said of what is on hand.
    assert_eq!(
        (items.quantity_authorised, items.quantity_on_hand),
        (Some(6), None)
    );
    near(
        contribution.location.as_ref().unwrap().latitude_deg,
        50.4501,
        1e-9,
    );
    assert_eq!(
        record.narratives[0].text,
        "PURPOSE: weekly totals\nRESOURCES: kind flail, count 2"
    );
}

#[test]
fn tests_and_exercises_never_pass_as_real() {
    for (status, environment) in [
        ("Test", Environment::Simulation),
        ("Exercise", Environment::Exercise),
    ] {
        let text = totals(">Actual<", &format!(">{status}<"));
        assert_eq!(
            rules(judge("GBR", SITREP, &text)),
            ["formats.environment_differs"],
            "{status}"
        );
        let record = judge_in("GBR", SITREP, &text, envelope(0)).expect(status);
        assert_eq!(record.environment, environment);
    }
}

#[test]
fn capitals_and_no_distribution_are_read_too() {
    let start = TOTALS.find("<sitrep:sitRep").unwrap();
    let end = TOTALS.find("</embedded").unwrap();
    let alone = TOTALS[start..end]
        .replace("sitrep:sitRep", "sitrep:SitRep")
        .replace("sitrep:messageID", "sitrep:MessageID")
        .replace("sitrep:personnel", "sitrep:Personnel")
        .replace(
            r#"sitrep:report xsi:type="sitrep:ResponseResourcesTotalsType""#,
            "sitrep:ResponseResourcesTotals",
        )
        .replace("</sitrep:report>", "</sitrep:ResponseResourcesTotals>");
    let record = judge("GBR", SITREP, alone).expect("a record");
    assert_eq!(record.environment, Environment::Live);
    assert_eq!(record.marking.originator_marking, "NATO RESTRICTED");
    assert_eq!(contribution(&record).personnel[0].deployed, Some(35));
}

#[test]
fn the_sentinel_date_is_no_date() {
    let text = TOTALS.replace("2026-01-06T20:00:00+02:00", "1753-01-01T00:00:00Z");
    let record = judge("GBR", SITREP, text).expect("a record");
    let contribution = contribution(&record);
    assert_eq!(contribution.period_end, None);
    // Neither is the time of preparation, so the state is that of the period's first moment.
    assert_eq!(contribution.as_of.utc.to_string(), "2025-12-31T22:00:00Z");
}

#[test]
fn what_is_no_contribution_is_refused() {
    for (from, to, rule) in [
        (
            "ResponseResourcesTotalsType",
            "FieldObservationType",
            "formats.sitrep_report",
        ),
        (
            "ResponseResourcesTotalsType",
            "CasualtyAndIllnessSummaryType",
            "formats.sitrep_report",
        ),
        (">Update<", ">Request<", "formats.sitrep_distribution"),
        (">Actual<", ">System<", "formats.sitrep_distribution"),
        ("sitrep:sitRep", "sitrep:other", "formats.sitrep_message"),
        (
            "sitrep:messageID",
            "sitrep:message",
            "formats.sitrep_missing",
        ),
        (">40<", ">forty<", "formats.sitrep_number"),
        (">40<", ">-1<", "formats.sitrep_number"),
        (">40<", ">30<", "contribution.deployed"),
    ] {
        assert_eq!(
            rules(judge("GBR", SITREP, totals(from, to))),
            [rule],
            "{to}"
        );
    }
    let required_only = TOTALS
        .replace("totalResourcesCommitted", "totalResourcesRequired")
        .replace("totalResourcesOnHand", "totalResourcesRequested");
    assert!(rules(judge("GBR", SITREP, required_only)).contains(&"formats.sitrep_totals"));
    let crs = totals("<pos>", "<pos srsName=\"EPSG:28407\">");
    let found = refused(judge("GBR", SITREP, crs));
    assert_eq!(
        found,
        [("line 25, column 33 (pos)".into(), "formats.sitrep_location")]
    );
}

#[test]
fn a_cancelled_message_is_a_retraction() {
    let record = judge("GBR", SITREP, totals(">Update<", ">Cancel<"));
    let record = record.expect("a record");
    assert_eq!(record.action, entente::record::Action::Retraction);
}

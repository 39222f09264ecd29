//! Goal: what a label says is read, what is no label is refused, and no label releases to more
//! nations than the record does.

use super::*;
use crate::identity::NationCode;
use crate::normalise::{Notation, Notes, Profile, Rules, Violations};
use crate::report;
use proptest::prelude::*;

/// The example of domain.md 5.3.
const EXAMPLE: &str = r#"<slab:originatorConfidentialityLabel xmlns:slab="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0">
  <slab:ConfidentialityInformation>
    <slab:PolicyIdentifier>NATO</slab:PolicyIdentifier>
    <slab:Classification>RESTRICTED</slab:Classification>
    <slab:Category TagName="Releasable To" Type="PERMISSIVE"><slab:GenericValue>UKR</slab:GenericValue></slab:Category>
  </slab:ConfidentialityInformation>
  <slab:CreationDateTime>2026-01-06T18:30:00Z</slab:CreationDateTime>
</slab:originatorConfidentialityLabel>"#;

fn nato() -> Vec<String> {
    Rules::default().groups["NATO"].nations.clone()
}

fn judge(nation: &str, text: &str, releasable_to: &[&str]) -> Result<Marking, Violations> {
    let notation = Notation {
        marking_policies: vec!["NATO".to_owned(), "EU".to_owned()],
        ..Notation::default()
    };
    let code = NationCode::parse(nation).unwrap();
    let profile = Profile::compile(code, &notation, &Rules::default()).unwrap();
    let given = report::Marking {
        text: text.to_owned(),
        releasable_to: releasable_to.iter().map(|&n| n.to_owned()).collect(),
        special: Vec::new(),
    };
    let mut notes = Notes::new();
    let marking = super::super::marking(Some(given), code, &profile, &mut notes);
    notes.finish().map(|_| marking.unwrap())
}

fn rule(outcome: Result<Marking, Violations>) -> &'static str {
    outcome.expect_err("a refusal").list[0].rule
}

#[test]
fn the_example_is_read() {
    let label = read(EXAMPLE).unwrap();
    assert_eq!(
        (label.policy.as_str(), label.classification.as_str()),
        ("NATO", "RESTRICTED")
    );
    assert_eq!(label.releasable_to, ["UKR"]);
    let marking = judge("GBR", EXAMPLE, &[]).unwrap();
    assert_eq!(
        (marking.level, &*marking.policy),
        (Level::Restricted, "NATO")
    );
    // The members are implied.
    assert_eq!(marking.releasable_to.len(), 33);
    assert!(marking.releasable_to.contains(&"UKR".to_owned()));
    assert_eq!(marking.group_codes, ["NATO"]);
    assert_eq!(marking.originator_marking, EXAMPLE);
    assert!(marking.mapping_verified);
}

#[test]
fn spellings_of_the_wild_are_read() {
    let wild = EXAMPLE
        .replace("originatorC", "OriginatorC")
        .replace(">RESTRICTED<", ">NATO SECRET<");
    assert_eq!(judge("POL", &wild, &[]).unwrap().level, Level::Secret);
    for (classification, level) in [
        ("UNCLASSIFIED", Level::Unclassified),
        ("TOP SECRET", Level::TopSecret),
        ("COSMIC TOP SECRET", Level::TopSecret),
        ("DIFFUSION RESTREINTE", Level::Restricted),
        ("TRES SECRET", Level::TopSecret),
        ("SANS CLASSIFICATION", Level::Unclassified),
        ("CONFIDENTIEL", Level::Confidential),
    ] {
        let label = EXAMPLE.replace(">RESTRICTED<", &format!(">{classification}<"));
        assert_eq!(
            judge("FRA", &label, &[]).unwrap().level,
            level,
            "{classification}"
        );
    }
    let german = EXAMPLE
        .replace(">NATO<", ">DE<")
        .replace(">RESTRICTED<", ">GEHEIM<");
    let marking = judge("DEU", &german, &[]).unwrap();
    assert_eq!((marking.level, &*marking.policy), (Level::Secret, "DEU"));
    assert_eq!(marking.releasable_to, ["UKR"], "nothing is implied");
}

#[test]
fn a_list_in_the_report_narrows_the_label_and_never_widens_it() {
    let narrowed = judge("GBR", EXAMPLE, &["UKR", "USA"]).unwrap();
    assert_eq!(narrowed.releasable_to, ["UKR", "USA"]);
    assert_eq!(
        rule(judge("GBR", EXAMPLE, &["CHE"])),
        "marking.label_release"
    );
}

#[test]
fn labels_of_others_are_refused() {
    let foreign = EXAMPLE
        .replace(">NATO<", ">ESP<")
        .replace(">RESTRICTED<", ">SECRETO<");
    assert_eq!(rule(judge("GBR", &foreign, &[])), "marking.label_policy");
    assert_eq!(judge("ESP", &foreign, &[]).unwrap().level, Level::TopSecret);
    let unknown = EXAMPLE.replace(">RESTRICTED<", ">EYES ONLY<");
    assert_eq!(rule(judge("GBR", &unknown, &[])), "marking.unknown");
    // SECRET is a marking of France, and no national marking makes a NATO label.
    let mixed = EXAMPLE.replace(">RESTRICTED<", ">CONFIDENTIEL DÉFENSE<");
    assert_eq!(rule(judge("FRA", &mixed, &[])), "marking.unknown");
}

#[test]
fn what_is_no_label_is_refused() {
    let deep = "<a>".repeat(100);
    let categories = "<slab:GenericValue>UKR</slab:GenericValue>".repeat(500);
    for wrong in [
        "<".to_owned(),
        "<a/>".to_owned(),
        deep,
        EXAMPLE.replace("4774:conf", "9999:conf"),
        EXAMPLE.replace("</slab:originatorConfidentialityLabel>", ""),
        EXAMPLE.replace("<slab:Classification>RESTRICTED</slab:Classification>", ""),
        EXAMPLE.replace(">NATO<", "><"),
        EXAMPLE.replace("PERMISSIVE", "DECISIVE"),
        EXAMPLE.replace("Releasable To", "Somebody"),
        EXAMPLE.replace("TagName=\"Releasable To\" ", ""),
        EXAMPLE.replace(">RESTRICTED<", ">&x;<"),
        EXAMPLE.replace("<slab:GenericValue>UKR</slab:GenericValue>", &categories),
        EXAMPLE.replace(
            "<slab:Classification>",
            "<slab:Classification>SECRET</slab:Classification><slab:Classification>",
        ),
        format!("<!DOCTYPE x [<!ENTITY x \"y\">]>{EXAMPLE}"),
        format!("{EXAMPLE}{EXAMPLE}"),
        format!("<?php x?>{EXAMPLE}"),
        EXAMPLE.replace("2026", &"2".repeat(BYTES_MAX)),
    ] {
        let reason = read(&wrong).expect_err(&wrong);
        assert!(!reason.is_empty());
    }
    assert_eq!(rule(judge("GBR", "<a/>", &[])), "marking.label");
}

fn made(policy: &'static str, level: Level, nations: &[&str], special: &[&str]) -> Marking {
    let mut releasable_to: Vec<String> = nations.iter().map(|&n| n.to_owned()).collect();
    releasable_to.sort();
    Marking {
        level,
        policy: policy.into(),
        releasable_to,
        group_codes: Vec::new(),
        special: special.iter().map(|&s| s.to_owned()).collect(),
        originator_marking: "GEHEIM//REL TO USA".to_owned(),
        mapping_verified: true,
    }
}

fn labelled(marking: &Marking, originator: &str) -> Result<String, String> {
    let nato = nato();
    let members = nato.iter().map(String::as_str).collect();
    write(marking, originator, "2026-01-06T18:30:00Z", &members)
}

#[test]
fn a_label_is_written_in_the_form_of_the_spif() {
    let nato = nato();
    let mut all: Vec<&str> = nato.iter().map(String::as_str).collect();
    all.push("UKR");
    let whole = labelled(&made("NATO", Level::Restricted, &all, &[]), "GBR").unwrap();
    let plain: String = EXAMPLE.lines().map(str::trim).collect();
    assert_eq!(whole, plain, "the example of domain.md, letter by letter");
    let narrow = made("NATO", Level::TopSecret, &["USA", "UKR"], &["ATOMAL"]);
    let narrow = labelled(&narrow, "GBR").unwrap();
    assert!(narrow.contains("<slab:Classification>TOP SECRET</slab:Classification>"));
    assert!(
        narrow.contains("<slab:PrivacyMark>RELEASABLE ONLY TO GBR, UKR, USA</slab:PrivacyMark>")
    );
    assert!(narrow.contains("Type=\"RESTRICTIVE\"><slab:GenericValue>ATOMAL</slab:GenericValue>"));
    let german = labelled(&made("DEU", Level::Secret, &["USA"], &[]), "DEU").unwrap();
    assert!(german.contains("<slab:PolicyIdentifier>DEU</slab:PolicyIdentifier>"));
    assert!(german.contains("<slab:Classification>GEHEIM</slab:Classification>"));
    let european = labelled(&made("EU", Level::Restricted, &[], &[]), "FRA").unwrap();
    assert!(european.contains(">RESTREINT UE/EU RESTRICTED<"));
    // Ukraine alone cannot be said in a policy that implies the members.
    let alone = labelled(&made("NATO", Level::Restricted, &["UKR"], &[]), "UKR");
    assert!(alone.unwrap_err().contains("cannot release to UKR alone"));
}

proptest! {
    #[test]
    fn a_label_never_widens_a_release(
        nations in prop::collection::btree_set(prop::sample::select(vec!["CHE", "DEU", "FRA", "GBR", "JPN", "POL", "UKR", "USA"]), 0..6),
        everybody in any::<bool>(),
        policy in prop::sample::select(vec!["NATO", "EU", "DEU"]),
        level in prop::sample::select(vec![Level::Restricted, Level::Secret]),
    ) {
        let nato = nato();
        let mut list: Vec<&str> = nations.into_iter().collect();
        if everybody {
            list.extend(nato.iter().map(String::as_str));
            list.sort_unstable();
            list.dedup();
        }
        let level = if policy == "DEU" { Level::Secret } else { level };
        let marking = made(policy, level, &list, &[]);
        let xml = labelled(&marking, "DEU").expect("Germany is a member");
        let again = judge("DEU", &xml, &[]).expect("our own label");
        let mut expected: Vec<&str> = list;
        expected.push("DEU");
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(again.releasable_to, expected);
        prop_assert_eq!(again.level, marking.level);
        prop_assert_eq!(&*again.policy, policy);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), at in 0..700_usize, byte in any::<char>()) {
        let _ = read(&text);
        let mut changed: Vec<char> = EXAMPLE.chars().collect();
        if let Some(c) = changed.get_mut(at) {
            *c = byte;
        }
        let _ = read(&changed.into_iter().collect::<String>());
    }
}

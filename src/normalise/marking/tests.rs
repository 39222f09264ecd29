//! Goal: the key is (nation, marking), everything unknown is refused, and release lists say
//! exactly whom they name.

use super::*;
use crate::normalise::profile::MarkingRow;
use crate::normalise::{Notation, Rules, Violations};
use crate::record::TraceEntry;

fn profile(nation: &str) -> Profile {
    let rows = [
        ("OFFICIAL", "UNCLASSIFIED"),
        ("SECRET", "SECRET"),
        ("JAWNE", "UNCLASSIFIED"),
    ];
    let own = rows
        .iter()
        .filter(|_| matches!(nation, "GBR" | "USA"))
        .map(|(text, level)| MarkingRow {
            text: (*text).to_owned(),
            level: (*level).to_owned(),
            ..MarkingRow::default()
        });
    let notation = Notation {
        marking_policies: vec!["NATO".to_owned(), "EU".to_owned()],
        markings: own.collect(),
        ..Notation::default()
    };
    Profile::compile(
        NationCode::parse(nation).unwrap(),
        &notation,
        &Rules::default(),
    )
    .unwrap()
}

fn judge(
    nation: &str,
    text: &str,
    releasable_to: &[&str],
) -> Result<(record::Marking, Vec<TraceEntry>), Violations> {
    let mut notes = Notes::new();
    let given = report::Marking {
        text: text.to_owned(),
        releasable_to: releasable_to.iter().map(|&n| n.to_owned()).collect(),
        special: Vec::new(),
    };
    let code = NationCode::parse(nation).unwrap();
    let marking = marking(Some(given), code, &profile(nation), &mut notes);
    notes.finish().map(|trace| (marking.unwrap(), trace))
}

fn level(nation: &str, text: &str) -> Option<Level> {
    judge(nation, text, &[])
        .ok()
        .map(|(marking, _)| marking.level)
}

use Level::{Confidential as C, Restricted as R, Secret as S, TopSecret as T, Unclassified as U};

/// Nation, marking, level: every row of domain.md 5.1 that was read at its source. NOR stands for
/// any nation that uses the markings of NATO and of the EU.
#[rustfmt::skip]
const READ: &[(&str, &[(&str, Level)])] = &[
    ("BEL", &[("Très Secret", T), ("ZEER GEHEIM", T), ("Secret", S), ("Geheim", S), ("Confidentiel", C), ("Vertrouwelijk", C)]),
    ("BGR", &[("Строго секретно", T), ("Секретно", S), ("Поверително", C), ("За служебно ползване", R)]),
    ("CZE", &[("Přísně tajné", T), ("Tajné", S), ("Důvěrné", C), ("Vyhrazené", R)]),
    ("DNK", &[("YDERST HEMMELIGT", T), ("HEMMELIGT", S), ("FORTROLIGT", C), ("TIL TJENESTEBRUG", R)]),
    ("DEU", &[("STRENG GEHEIM", T), ("GEHEIM", S), ("VS-VERTRAULICH", C), ("VS-NUR FÜR DEN DIENSTGEBRAUCH", R), ("VS\u{2011}NfD", R)]),
    ("EST", &[("Täiesti salajane", T), ("Salajane", S), ("Konfidentsiaalne", C), ("Piiratud", R)]),
    ("IRL", &[("Top Secret", T), ("Secret", S), ("Confidential", C), ("Restricted", R)]),
    ("ESP", &[("SECRETO", T), ("RESERVADO", S), ("CONFIDENCIAL", C), ("DIFUSIÓN LIMITADA", R), ("DIFUSION LIMITADA", R)]),
    ("FRA", &[("TRÈS SECRET", T), ("TRES SECRET DEFENSE", T), ("SECRET", S), ("SECRET DÉFENSE", S), ("CONFIDENTIEL DÉFENSE", C), ("DIFFUSION RESTREINTE", R)]),
    ("HRV", &[("VRLO TAJNO", T), ("TAJNO", S), ("POVJERLJIVO", C), ("OGRANIČENO", R)]),
    ("ITA", &[("Segretissimo", T), ("Segreto", S), ("Riservatissimo", C), ("Riservato", R)]),
    ("GRC", &[("Άκρως Απόρρητο", T), ("ΑΠΟΡΡΗΤΟ", S), ("Εμπιστευτικό", C), ("Περιορισμένης Χρήσης", R)]),
    ("POL", &[("TAJNE", S), ("POUFNE", C), ("zastrzeżone", R)]),
    ("NOR", &[("COSMIC TOP SECRET", T), ("NATO SECRET", S), ("NC", C), ("NATO RESTRICTED", R), ("NU", U)]),
    ("NOR", &[("TRES SECRET UE/EU TOP SECRET", T), ("SECRET UE/EU SECRET", S), ("EU CONFIDENTIAL", C), ("RESTREINT UE/EU RESTRICTED", R)]),
];

#[test]
fn every_row_that_was_read_at_its_source() {
    for (nation, rows) in READ {
        for (text, expected) in *rows {
            let (marking, _) = judge(nation, text, &[]).expect(text);
            let mapped = (marking.level, marking.mapping_verified);
            assert_eq!(mapped, (*expected, true), "{nation} {text}");
            assert_eq!(marking.originator_marking, *text);
        }
    }
}

#[test]
fn the_word_alone_never_decides() {
    for nation in ["GBR", "FRA", "DEU", "POL", "USA"] {
        assert_eq!(level(nation, "SECRETO"), None, "{nation}");
    }
    assert_eq!(level("GBR", "GEHEIM"), None);
    assert_eq!(level("DEU", "SECRET"), None);
    assert_eq!(level("DEU", "ZASTRZEŻONE"), None);
    let violations = judge("GBR", "SECRETO", &["USA"]).unwrap_err();
    assert_eq!(violations.list.len(), 1);
    let violation = &violations.list[0];
    assert_eq!(
        (violation.field.as_ref(), violation.rule),
        ("marking.text", "marking.unknown")
    );
    assert!(
        violation.message.contains("a marking of ESP"),
        "{}",
        violation.message
    );
    assert!(
        violation.expected.contains("OFFICIAL"),
        "{}",
        violation.expected
    );
}

#[test]
fn an_unknown_marking_is_never_taken_for_a_lower_one() {
    for text in [
        "",
        "  ",
        "UNKNOWN",
        "SECRET-ISH",
        "SECRET DEFENCE",
        "5",
        "–",
        "SECRET SECRET",
    ] {
        assert_eq!(level("GBR", text), None, "{text}");
    }
    assert_eq!(level("GBR", &"SECRET ".repeat(200)), None);
    let mut notes = Notes::new();
    let nation = NationCode::parse("GBR").unwrap();
    assert!(marking(None, nation, &profile("GBR"), &mut notes).is_none());
    assert_eq!(notes.finish().unwrap_err().list[0].rule, "marking.missing");
}

#[test]
fn an_unverified_row_works_and_says_so() {
    let (marking, trace) = judge("GBR", "official", &[]).unwrap();
    assert_eq!(
        (marking.level, marking.mapping_verified),
        (Level::Unclassified, false)
    );
    assert!(trace.iter().any(|entry| entry.rule == "marking.unverified"
        && entry.severity == record::Severity::Warn
        && entry.field == "marking.text"));
    assert_eq!(marking.policy, "GBR");
    assert_eq!(judge("GBR", "NATO SECRET", &[]).unwrap().0.policy, "NATO");
}

#[test]
fn release_lists_are_sorted_and_groups_expanded() {
    let (marking, trace) = judge("GBR", "OFFICIAL", &["UKR", "USA", "UKR", "nato", "UK"]).unwrap();
    assert_eq!(marking.group_codes, ["NATO"]);
    assert_eq!(marking.releasable_to.len(), 33, "32 members and Ukraine");
    assert!(marking.releasable_to.is_sorted());
    let of = |field: &str| trace.iter().filter(|entry| entry.field == field).count();
    assert_eq!(
        (
            of("marking.releasable_to[3]"),
            of("marking.releasable_to[4]")
        ),
        (1, 1)
    );
    let (marking, _) = judge("GBR", "OFFICIAL", &[]).unwrap();
    assert!(marking.releasable_to.is_empty(), "the originator only");
}

#[test]
fn what_is_no_nation_and_no_group_is_refused_one_by_one() {
    let violations = judge("GBR", "OFFICIAL", &["USA", "GER", "AX2", "FIVE EYES", ""]).unwrap_err();
    let fields: Vec<_> = violations.list.iter().map(|v| v.field.as_ref()).collect();
    assert_eq!(
        fields,
        [
            "marking.releasable_to[1]",
            "marking.releasable_to[2]",
            "marking.releasable_to[3]",
            "marking.releasable_to[4]"
        ]
    );
    // What is often written for a nation is a hint, and no more.
    assert!(violations.list[0].expected.contains("DEU if that is meant"));
    let many = vec!["USA"; 400];
    assert_eq!(judge("GBR", "OFFICIAL", &many).unwrap_err().list.len(), 1);
}

#[test]
fn other_ways_of_writing_a_nation_are_understood_and_said() {
    for (written, meant, rule) in [
        ("UK", "GBR", "marking.release_nation"),
        ("gb", "GBR", "marking.release_nation"),
        ("EL", "GRC", "marking.release_nation"),
        ("UA", "UKR", "marking.release_nation"),
        ("XKS", "XKX", "marking.release_user_assigned"),
        ("XKX", "XKX", "marking.release_user_assigned"),
    ] {
        let (marking, trace) = judge("GBR", "OFFICIAL", &[written]).unwrap();
        assert_eq!(marking.releasable_to, [meant], "{written}");
        assert!(trace.iter().any(|entry| entry.rule == rule), "{written}");
    }
}

#[test]
fn a_group_that_nobody_read_at_its_source_is_warned_of() {
    let (marking, trace) = judge("GBR", "OFFICIAL", &["EAPC"]).unwrap();
    assert_eq!(marking.group_codes, ["EAPC"]);
    assert_eq!(
        marking.releasable_to.len(),
        48,
        "without Belarus and Russia"
    );
    let warned = trace
        .iter()
        .find(|e| e.rule == "marking.release_group_unverified");
    assert_eq!(warned.map(|e| e.severity), Some(record::Severity::Warn));
    let (_, trace) = judge("GBR", "OFFICIAL", &["EU"]).unwrap();
    assert!(
        trace
            .iter()
            .all(|e| e.rule != "marking.release_group_unverified")
    );
}

#[test]
fn a_nations_own_code_may_stand_before_its_marking() {
    assert_eq!(level("DEU", "DEU GEHEIM"), Some(S));
    assert_eq!(level("DEU", "NATO TOP SECRET"), Some(T));
    assert_eq!(level("DEU", "FRA SECRET"), None);
    assert_eq!(
        level("DEU", "DEU NATO SECRET"),
        None,
        "another policy's row"
    );
    assert_eq!(level("DEU", "DEU"), None);
}

#[test]
fn special_categories_may_stand_in_the_marking() {
    for text in [
        "COSMIC TOP SECRET ATOMAL",
        "CTS//ATOMAL",
        "NATO SECRET bohemia",
    ] {
        let (marking, _) = judge("GBR", text, &["USA"]).unwrap();
        assert_eq!(marking.special.len(), 1, "{text}");
        assert_eq!(marking.originator_marking, text);
        assert_eq!(marking.policy, "NATO");
    }
}

#[test]
fn caveats_agree_with_the_release_list() {
    let (marking, _) = judge("USA", "SECRET//REL TO USA, FRA, GBR", &[]).unwrap();
    assert_eq!(marking.releasable_to, ["FRA", "GBR", "USA"]);
    assert_eq!(marking.level, Level::Secret);
    let (marking, _) = judge("USA", "SECRET//REL TO USA, FRA, GBR, NATO", &[]).unwrap();
    assert_eq!(marking.releasable_to.len(), 32);
    assert!(judge("USA", "SECRET//REL TO USA, FRA", &["FRA", "USA"]).is_ok());
    assert!(judge("USA", "SECRET//REL TO USA, FRA", &["FRA", "GBR", "USA"]).is_err());
    assert!(judge("USA", "SECRET//NOFORN", &[]).is_ok());
    assert!(judge("USA", "SECRET//NOFORN", &["USA"]).is_ok());
    assert!(judge("USA", "SECRET//NOFORN", &["UKR"]).is_err());
    assert!(judge("USA", "SECRET//RELIDO", &[]).is_err());
    assert!(judge("USA", "SECRET//", &[]).is_err());
}

#[test]
fn special_categories_are_bounded() {
    let given = |special: Vec<String>| {
        let mut notes = Notes::new();
        let marking = report::Marking {
            text: "OFFICIAL".to_owned(),
            special,
            ..report::Marking::default()
        };
        let nation = NationCode::parse("GBR").unwrap();
        let marking = super::marking(Some(marking), nation, &profile("GBR"), &mut notes);
        marking.map(|marking| marking.special)
    };
    let special = given(vec![
        "bohemia".to_owned(),
        "ATOMAL".to_owned(),
        "Atomal ".to_owned(),
    ]);
    assert_eq!(special.unwrap(), ["ATOMAL", "BOHEMIA"]);
    assert_eq!(given(vec![String::new()]), None);
    assert_eq!(given(vec!["A\n".repeat(40)]), None);
    assert_eq!(given(vec!["A".to_owned(); 17]), None);
}

#[test]
fn originator_control_is_read_in_every_spelling_and_names_nations_one_by_one() {
    for text in [
        "SECRET//ORCON",
        "SECRET//oc",
        "SECRET//Originator-Controlled",
        "SECRET ORCON",
    ] {
        let (marking, _) = judge("USA", text, &["FRA"]).unwrap();
        assert_eq!(marking.special, ["ORCON"], "{text}");
        assert_eq!(marking.releasable_to, ["FRA"], "{text}");
    }
    let refused = judge("USA", "SECRET//ORCON", &["NATO"]).unwrap_err();
    let violation = &refused.list[0];
    assert_eq!(violation.rule, "marking.originator_control");
    assert_eq!(violation.field, "marking.releasable_to");
    assert!(violation.message.contains("NATO"), "{violation:?}");
    // The same list without originator control is a release to the group.
    assert!(judge("USA", "SECRET", &["NATO"]).is_ok());
}

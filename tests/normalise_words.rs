//! The nation files that ship, and native payloads all the way to records: the words, markings
//! and forms that partners really send.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use entente::config;
use entente::formats;
use entente::identity::Identity;
use entente::normalise::{Context, Profile, Violations, normalise};
use entente::record::{
    Action, Body, CountBasis, Environment, FirePhase, Level, ObservationType, ObserverMeans,
    Origin, Record, Severity, Sighting, WeaponClass,
};
use entente::report::{self, Report, Term};
use std::path::Path;

const NATIONS: [&str; 12] = [
    "CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA",
];

fn profile(nation: &str) -> Profile {
    let file = format!("config/nations/{nation}.toml");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let loaded = config::load_nation(&file).expect("the shipped file is sound");
    Profile::clone(&loaded.profile)
}

fn judge(nation: &str, report: Report) -> Result<Record, Violations> {
    let identity = Identity::parse(&format!("{nation}/desk")).expect("an identity");
    let profile = profile(nation);
    let context = Context {
        identity: &identity,
        profile: &profile,
        received_at: "2026-01-09T12:00:00Z".parse().expect("a time"),
        original_sha256: [7; 32],
        original_media_type: "text/plain".into(),
    };
    normalise(report, &context)
}

/// What the gateway makes of a native payload and its envelope.
fn native(nation: &str, media_type: &str, text: &str, marking: &str) -> Record {
    let read = formats::read(media_type, text.as_bytes()).expect("a readable form");
    let report = Report {
        report_id: format!("{nation}-1"),
        revision: 1,
        action: Action::New.number(),
        environment: Environment::Live.number(),
        marking: Some(marked(marking, &["USA"])),
        ..read
    };
    judge(nation, report).expect("a record")
}

fn marked(text: &str, releasable_to: &[&str]) -> report::Marking {
    report::Marking {
        text: text.to_owned(),
        releasable_to: releasable_to.iter().map(|&n| n.to_owned()).collect(),
        special: Vec::new(),
    }
}

fn sighting(record: &Record) -> &Sighting {
    match &record.body {
        Some(Body::Sighting(sighting)) => sighting,
        other => panic!("no sighting: {other:?}"),
    }
}

fn warnings(record: &Record) -> Vec<(&str, &str)> {
    let warned = record
        .trace
        .iter()
        .filter(|entry| entry.severity == Severity::Warn);
    warned
        .map(|entry| (entry.rule, entry.field.as_ref()))
        .collect()
}

/// A retraction needs no body, so that only its marking is judged.
fn level(nation: &str, marking: &str) -> Option<(Level, bool)> {
    let report = Report {
        report_id: "M-1".to_owned(),
        revision: 2,
        action: Action::Retraction.number(),
        environment: Environment::Live.number(),
        marking: Some(marked(marking, &["NATO"])),
        ..Report::default()
    };
    let record = judge(nation, report).ok()?;
    Some((record.marking.level, record.marking.mapping_verified))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_marking_of_the_shipped_files() {
    use Level::{Confidential, Restricted, Secret, TopSecret, Unclassified};
    for (nation, marking, level_expected, verified) in [
        ("GBR", "OFFICIAL", Unclassified, false),
        ("GBR", "Official - Sensitive", Restricted, false),
        ("GBR", "SECRET", Secret, false),
        ("GBR", "TOP SECRET", TopSecret, false),
        ("FRA", "NON PROTEGE", Unclassified, false),
        ("FRA", "Diffusion Restreinte", Restricted, true),
        ("FRA", "CONFIDENTIEL DÉFENSE", Confidential, true),
        ("FRA", "SECRET", Secret, true),
        ("FRA", "TRES SECRET", TopSecret, true),
        ("DEU", "OFFEN", Unclassified, false),
        ("DEU", "VS-NfD", Restricted, true),
        ("DEU", "VS-NUR FUER DEN DIENSTGEBRAUCH", Restricted, false),
        ("DEU", "VS-Vertraulich", Confidential, true),
        ("DEU", "GEHEIM", Secret, true),
        ("DEU", "STRENG GEHEIM", TopSecret, true),
        ("POL", "JAWNE", Unclassified, false),
        ("POL", "ZASTRZEŻONE", Restricted, true),
        ("POL", "POUFNE", Confidential, true),
        ("POL", "TAJNE", Secret, true),
        ("POL", "Ściśle tajne", TopSecret, false),
        ("UKR", "Нетаємно", Unclassified, false),
        ("UKR", "ДСК", Restricted, false),
        ("UKR", "Для службового користування", Restricted, false),
        ("UKR", "Таємно", Confidential, false),
        ("UKR", "Цілком таємно", Secret, false),
        ("UKR", "Особливої важливості", TopSecret, false),
        ("USA", "UNCLASSIFIED", Unclassified, false),
        ("USA", "CUI", Restricted, false),
        ("USA", "CONFIDENTIAL", Confidential, false),
        ("USA", "S", Secret, false),
        ("USA", "TOP SECRET", TopSecret, false),
        ("ITA", "Segretissimo", TopSecret, true),
        ("ITA", "Segreto", Secret, true),
        ("ITA", "Riservatissimo", Confidential, true),
        ("ITA", "Riservato", Restricted, true),
        ("ITA", "non classificato", Unclassified, false),
        ("ESP", "SECRETO", TopSecret, true),
        ("ESP", "Reservado", Secret, true),
        ("ESP", "CONFIDENCIAL", Confidential, true),
        ("ESP", "Difusion limitada", Restricted, true),
        ("NLD", "Stg. ZEER GEHEIM", TopSecret, false),
        ("NLD", "STG GEHEIM", Secret, false),
        ("NLD", "Stg. Confidentieel", Confidential, false),
        ("NLD", "Departementaal Vertrouwelijk", Restricted, false),
        (
            "ROU",
            "Strict secret de importanta deosebita",
            TopSecret,
            false,
        ),
        ("ROU", "STRICT SECRET", Secret, false),
        ("ROU", "SECRET", Confidential, false),
        ("ROU", "Secret de serviciu", Restricted, false),
        ("CZE", "Přísně tajné", TopSecret, true),
        ("CZE", "TAJNE", Secret, true),
        ("CZE", "Důvěrné", Confidential, true),
        ("CZE", "Vyhrazené", Restricted, true),
        ("EST", "Täiesti salajane", TopSecret, true),
        ("EST", "Salajane", Secret, true),
        ("EST", "Konfidentsiaalne", Confidential, true),
        ("EST", "Piiratud", Restricted, true),
        ("POL", "NATO SECRET", Secret, true),
        ("DEU", "RESTREINT UE/EU RESTRICTED", Restricted, true),
    ] {
        let expected = Some((level_expected, verified));
        assert_eq!(level(nation, marking), expected, "{nation} {marking}");
        for spelt in [
            marking.to_lowercase(),
            marking.to_uppercase(),
            marking.replace(' ', "\u{a0}"),
            marking.replace(' ', "  "),
            marking.replace('-', "\u{2011}"),
            marking.replace('-', " "),
            format!(" {marking}\t"),
        ] {
            assert_eq!(level(nation, &spelt), expected, "{nation} {spelt}");
        }
    }
}

#[test]
fn no_nation_has_the_markings_of_another() {
    for nation in NATIONS {
        assert_eq!(level(nation, "SECRETO").is_some(), nation == "ESP");
        assert_eq!(level(nation, "RISERVATO").is_some(), nation == "ITA");
        assert_eq!(level(nation, "something new"), None, "{nation}");
    }
    for (nation, marking) in [
        ("USA", "OFFICIAL"),
        ("GBR", "CUI"),
        ("UKR", "NATO SECRET"),
        ("GBR", "EU SECRET"),
        ("DEU", "TAJNE"),
        ("NLD", "VERTROUWELIJK"),
        ("NLD", "GEHEIM"),
        ("ESP", "SECRET"),
        ("CZE", "TAJNO"),
    ] {
        assert_eq!(level(nation, marking), None, "{nation} {marking}");
    }
}

#[test]
fn unread_rows_are_listed_and_read_ones_are_not() {
    let unread = |nation| profile(nation).unverified_markings().to_vec();
    assert_eq!(unread("FRA"), ["NON PROTÉGÉ"]);
    assert_eq!(unread("POL"), ["JAWNE", "ŚCIŚLE TAJNE"]);
    assert!(unread("GBR").contains(&"OFFICIAL-SENSITIVE".to_owned()));
    assert!(!unread("DEU").contains(&"GEHEIM".to_owned()));
}

#[test]
fn a_british_spotrep_becomes_a_record() {
    let text = "LINE 1 061830ZJAN26 / LINE 3 about 5 / LINE 4 explosions / \
                LINE 5 37U DP 10729 18760 / LINE 8 MLRS (BM-21 Grad, 122mm) / LINE 9 B2";
    let record = native("GBR", "text/x-spotrep", text, "OFFICIAL-SENSITIVE");
    let seen = sighting(&record);
    assert_eq!(seen.observed_from.utc.to_string(), "2026-01-06T18:30:00Z");
    let at = seen.location.as_ref().expect("a location");
    assert!((at.latitude_deg - 48.015_898_1).abs() < 1e-6);
    assert!((at.longitude_deg - 37.802_895_5).abs() < 1e-6);
    assert_eq!(at.horizontal_uncertainty_m, Some(0.71));
    assert_eq!(seen.means, [ObserverMeans::Saw]);
    assert_eq!(seen.origin, Origin::OwnObservation);
    let observation = &seen.observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Explosion));
    assert_eq!(observation.count.map(|count| count.min), Some(Some(5)));
    assert_eq!(observation.count_basis, CountBasis::Unknown);
    let weapon = observation.weapon.as_ref().expect("a weapon");
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    assert_eq!(seen.confidence.derived_pct, Some(70));
    // The form names no means, and the marking was not read at its source: both are said.
    let said = warnings(&record);
    assert!(
        said.contains(&("vocabulary.ambiguous", "sighting.means[0]")),
        "{said:?}"
    );
    assert!(
        said.contains(&("marking.unverified", "marking.text")),
        "{said:?}"
    );
}

#[test]
fn a_ukrainian_report_becomes_a_record() {
    let text = "06.01.2026 20:30; СК-42 Х=5320990 У=7410809; 3 од. РСЗВ БМ-21 «Град» 122 мм";
    let record = native("UKR", "text/x-sk42-report", text, "ДСК");
    let seen = sighting(&record);
    assert_eq!(seen.observed_from.utc.to_string(), "2026-01-06T18:30:00Z");
    let at = seen.location.as_ref().expect("a location");
    assert!((at.latitude_deg - 48.015_902_5).abs() < 1e-6);
    assert!((at.longitude_deg - 37.802_897_9).abs() < 1e-6);
    assert_eq!(at.transform_op, "EPSG:15865");
    let observation = &seen.observations[0];
    assert_eq!(observation.kind, Some(ObservationType::EquipmentPresent));
    assert_eq!(observation.count_basis, CountBasis::Item);
    let count = observation.count.expect("a count");
    assert_eq!((count.min, count.max), (Some(3), Some(3)));
    let weapon = observation.weapon.as_ref().expect("a weapon");
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    assert_eq!(weapon.code_2525d, "15111600");
    assert_eq!(weapon.calibre_mm, [122.0]);
    assert_eq!(weapon.model, "BM-21 Grad");
}

#[test]
fn a_long_ukrainian_report_becomes_a_record() {
    let text = "06.01.2026 20:30\nХ=5320990 У=7410809\nблизько 5 вибухів; зброя: міномет 120 мм\n\
                напрямок: 15-00; фаза: вихідний\nспосіб: чули, бачили; достовірність: B2";
    let record = native("UKR", "text/x-sk42-report", text, "Нетаємно");
    let seen = sighting(&record);
    assert_eq!(seen.means, [ObserverMeans::Heard, ObserverMeans::Saw]);
    let observation = &seen.observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Explosion));
    assert_eq!(observation.phase, Some(FirePhase::Outgoing));
    assert_eq!(observation.direction_from_deg, Some(90.0));
    let weapon = observation.weapon.as_ref().expect("a weapon");
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(weapon.calibre_mm, [120.0]);
}

#[test]
fn the_numbers_in_the_readers_are_the_contracts() {
    let text = "SIZE: 3\nLOCATION: 37UDP1072918760\nTIME: 061830ZJAN26\nEQUIPMENT: tank (T-72)";
    let record = native("GBR", "text/x-spotrep", text, "OFFICIAL");
    let seen = sighting(&record);
    assert_eq!(seen.origin, Origin::OwnObservation);
    assert_eq!(
        seen.observations[0].kind,
        Some(ObservationType::EquipmentPresent)
    );
    assert_eq!(seen.observations[0].count_basis, CountBasis::Item);
}

#[test]
fn colours_mean_something_only_where_a_file_says_so() {
    let outcome = |nation: &str, word: &str| {
        let term = |code: i32| {
            Some(Term {
                text: String::new(),
                code,
            })
        };
        let contribution = report::Contribution {
            as_of: Some(report::Time {
                text: "2026-01-06T18:30:00Z".to_owned(),
                ..report::Time::default()
            }),
            contribution_id: "C1".to_owned(),
            kind: term(7),
            stage: term(5),
            operational_status: Some(Term {
                text: word.to_owned(),
                code: 0,
            }),
            valid_from: "2026-01-01".to_owned(),
            ..report::Contribution::default()
        };
        let report = Report {
            report_id: "C-1".to_owned(),
            revision: 1,
            action: Action::New.number(),
            environment: Environment::Live.number(),
            marking: Some(marked("NATO UNCLASSIFIED", &[])),
            body: Some(report::Body::Contribution(Box::new(contribution))),
            ..Report::default()
        };
        judge(nation, report)
    };
    assert!(outcome("DEU", "GRÜN").is_ok());
    let violations = outcome("GBR", "GREEN").expect_err("a refusal");
    let told: Vec<_> = violations.list.iter().map(|v| v.field.as_ref()).collect();
    assert_eq!(told, ["contribution.operational_status"]);
}

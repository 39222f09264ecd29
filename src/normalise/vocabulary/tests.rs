//! Goal: the nations' words mean what they say in their own language, two meanings are settled
//! by context or pointed out, and the unknown keeps its text.

use super::*;
use crate::identity::NationCode;
use crate::normalise::profile::ModelRow;
use crate::normalise::{Notation, Rules};
use crate::record::{self, Severity, TraceEntry, WeaponClass};
use crate::report::Weapon;
use proptest::prelude::*;

fn profile(languages: &[&str]) -> Profile {
    let notation = Notation {
        languages: languages
            .iter()
            .map(|&language| language.to_owned())
            .collect(),
        ..Notation::default()
    };
    let nation = NationCode::parse("XXX").unwrap();
    Profile::compile(nation, &notation, &Rules::default()).unwrap()
}

fn text(text: &str) -> Term {
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

fn observed(language: &str, word: &str) -> (Option<ObservationType>, Vec<TraceEntry>) {
    let mut notes = Notes::new();
    let kind = observation_type(&text(word), "", &profile(&[language]), "type", &mut notes);
    (kind, notes.finish().unwrap())
}

#[test]
fn the_longest_text_beside_a_code_is_a_thousand_bytes() {
    for (bytes, fits) in [(1_000, true), (1_001, false)] {
        let mut notes = Notes::new();
        let term = Term {
            text: "x".repeat(bytes),
            code: ObservationType::Explosion.number(),
        };
        let kind = observation_type(&term, "", &profile(&["en"]), "type", &mut notes);
        assert_eq!(kind, Some(ObservationType::Explosion));
        assert_eq!(notes.violation_count() == 0, fits, "{bytes}");
    }
}

fn weapon_of(language: &str, given: Weapon) -> (record::Weapon, Vec<TraceEntry>) {
    let mut notes = Notes::new();
    let weapon = weapon(given, &profile(&[language]), "weapon", &mut notes);
    (weapon, notes.finish().unwrap())
}

fn item(language: &str, text: &str) -> (record::Weapon, Vec<TraceEntry>) {
    weapon_of(
        language,
        Weapon {
            text: text.to_owned(),
            ..Weapon::default()
        },
    )
}

fn warned(trace: &[TraceEntry], rule: &str) -> bool {
    trace
        .iter()
        .any(|entry| entry.rule == rule && entry.severity == Severity::Warn)
}

#[test]
fn observations_in_every_language() {
    use ObservationType as O;
    for (language, word, expected) in [
        ("en", "Explosion", O::Explosion),
        ("en", "muzzle\u{a0}flashes", O::MuzzleFlash),
        ("uk", "вибухи", O::Explosion),
        ("uk", "черга", O::Burst),
        ("ru", "взрывы неопределённого происхождения", O::Explosion),
        ("ru", "очередь", O::Burst),
        ("fr", "détonation", O::Explosion),
        ("pl", "wybuchów", O::Explosion),
        ("pl", "strzały", O::Shot),
    ] {
        let (kind, trace) = observed(language, word);
        assert_eq!(kind, Some(expected), "{word}");
        assert!(
            trace.iter().all(|entry| entry.severity == Severity::Info),
            "{trace:?}"
        );
    }
}

#[test]
fn what_was_inferred_is_not_what_was_observed() {
    let (kind, trace) = observed("ru", "взрывы, оценённые как выстрелы из миномёта");
    assert_eq!(kind, Some(ObservationType::Explosion));
    assert!(!warned(&trace, "vocabulary.ambiguous"));
    let (kind, _) = observed("en", "explosions assessed as outgoing mortar shots");
    assert_eq!(kind, Some(ObservationType::Explosion));
}

#[test]
fn two_meanings_are_pointed_out() {
    let (kind, trace) = observed("ru", "выстрел");
    assert_eq!(kind, Some(ObservationType::Shot));
    assert!(warned(&trace, "vocabulary.ambiguous"));
    let (kind, trace) = observed("uk", "міна");
    assert_eq!(kind, None);
    assert!(warned(&trace, "vocabulary.ambiguous"));
    let (kind, trace) = observed("uk", "знайдено міни ТМ-62");
    assert_eq!(kind, Some(ObservationType::Mine));
    assert!(trace.iter().any(|entry| entry.rule == "vocabulary.context"));
    let (kind, trace) = observed("en", "bursts and shots");
    assert_eq!(kind, None);
    assert!(warned(&trace, "vocabulary.ambiguous"));
}

#[test]
fn the_unknown_keeps_its_text_and_says_so() {
    let (kind, trace) = observed("en", "gremlins");
    assert_eq!(kind, None);
    assert_eq!(trace.len(), 1);
    assert!(warned(&trace, "vocabulary.unknown"));
    assert_eq!(
        (trace[0].field.as_ref(), trace[0].input.as_ref()),
        ("type", "gremlins")
    );
}

#[test]
fn foreign_words_are_understood_and_pointed_out() {
    let (kind, trace) = observed("en", "вибух");
    assert_eq!(kind, Some(ObservationType::Explosion));
    assert!(warned(&trace, "vocabulary.foreign"));
}

#[test]
fn a_code_costs_nothing_and_stands() {
    let mut notes = Notes::new();
    let coded = |code, word: &str| Term {
        text: word.to_owned(),
        code,
    };
    let profile = profile(&["en"]);
    let kind = observation_type(&coded(1, ""), "", &profile, "type", &mut notes);
    assert_eq!(kind, Some(ObservationType::Explosion));
    assert!(notes.finish().unwrap().is_empty());
    let mut notes = Notes::new();
    let kind = observation_type(&coded(1, "shot"), "", &profile, "type", &mut notes);
    assert_eq!(kind, Some(ObservationType::Explosion));
    assert!(warned(&notes.finish().unwrap(), "vocabulary.code_and_text"));
    let mut notes = Notes::new();
    assert_eq!(
        observation_type(&coded(99, ""), "", &profile, "type", &mut notes),
        None
    );
    assert_eq!(
        observation_type(&coded(0, " "), "", &profile, "type", &mut notes),
        None
    );
    let rules: Vec<_> = notes
        .finish()
        .unwrap_err()
        .list
        .iter()
        .map(|v| v.rule)
        .collect();
    assert_eq!(rules, ["code.unknown", "vocabulary.missing"]);
}

#[test]
fn means_and_phases() {
    let mut notes = Notes::new();
    let english = profile(&["en"]);
    let all = means_all(&text("saw and heard"), &english, "means[0]", &mut notes);
    assert_eq!(all, [ObserverMeans::Saw, ObserverMeans::Heard]);
    assert_eq!(
        phase(&text("in-flight"), &english, "phase", &mut notes),
        Some(FirePhase::InFlight)
    );
    assert_eq!(
        phase(&text("N/K"), &english, "phase", &mut notes),
        Some(FirePhase::Undetermined)
    );
    assert_eq!(
        phase(&text("in"), &english, "phase", &mut notes),
        Some(FirePhase::Incoming)
    );
    assert_eq!(
        phase(&text("in the woods"), &english, "phase", &mut notes),
        None
    );
    assert_eq!(phase(&text(""), &english, "phase", &mut notes), None);
    assert!(notes.finish().is_ok());
}

#[test]
fn required_terms_must_be_understood() {
    let mut notes = Notes::new();
    let english = profile(&["en"]);
    assert_eq!(
        stage(Some(&text("gone fishing")), &english, "stage", &mut notes),
        None
    );
    assert_eq!(
        status(None, &english, "operational_status", &mut notes),
        None
    );
    // A colour has a meaning only where the nation's file gives it one.
    assert_eq!(
        status(
            Some(&text("GREEN")),
            &english,
            "operational_status",
            &mut notes
        ),
        None
    );
    let kind = contribution_kind(Some(&text("field hospital")), &english, "kind", &mut notes);
    assert_eq!(kind, Some(ContributionKind::Medical));
    assert_eq!(notes.finish().unwrap_err().list.len(), 3);
}

#[test]
fn the_nations_own_words_come_first() {
    let mut notation = Notation::default();
    notation.terms.status = [("green".to_owned(), "FMC".to_owned())].into();
    notation.terms.observation = [("Shot".to_owned(), "EXPLOSION".to_owned())].into();
    let nation = NationCode::parse("XXX").unwrap();
    let profile = Profile::compile(nation, &notation, &Rules::default()).unwrap();
    let mut notes = Notes::new();
    let green = status(Some(&text("GREEN")), &profile, "s", &mut notes);
    assert_eq!(green, Some(OperationalStatus::Fmc));
    let shot = observation_type(&text("shot"), "", &profile, "t", &mut notes);
    assert_eq!(shot, Some(ObservationType::Explosion));
}

use WeaponClass as W;

/// Language, words, class, 2525D code, model, calibres.
type ItemRow = (
    &'static str,
    &'static str,
    WeaponClass,
    &'static str,
    &'static str,
    &'static [f64],
);

#[rustfmt::skip]
const ITEMS: &[ItemRow] = &[
    ("en", "MLRS (BM-21 Grad, 122mm)", W::Mlrs, "15111600", "BM-21 Grad", &[122.0]),
    ("en", "multiple-launch rocket systems (BM-21 Grad, 122 mm)", W::Mlrs, "15111600", "BM-21 Grad", &[122.0]),
    ("uk", "РСЗВ БМ\u{2011}21 «Град» 122 мм", W::Mlrs, "15111600", "BM-21 Grad", &[122.0]),
    ("fr", "obusiers automoteurs 155 mm", W::HowitzerSp, "15110900", "", &[155.0]),
    ("en", "towed howitzer (2A65 Msta-B, 152mm)", W::HowitzerTowed, "15110900", "2A65 Msta-B", &[152.0]),
    ("en", "anti-aircraft gun (ZU-23, 23mm) mounted on an APC (MT-LB M)", W::AaGun, "15110500", "ZU-23", &[23.0]),
    ("en", "anti-tank guided missile system (undetermined variant)", W::Atgm, "15111200", "", &[]),
    ("en", "APC (BTR variant)", W::Apc, "15120103", "BTR", &[]),
    ("en", "an undetermined tracked vehicle", W::Undetermined, "15000000", "", &[]),
    ("en", "N/K", W::Undetermined, "15000000", "", &[]),
    ("en", "tank (T-72B3)", W::Tank, "15120200", "T-72", &[125.0]),
    ("en", "howitzer (2S1)", W::HowitzerSp, "15110900", "2S1 Gvozdika", &[122.0]),
    ("de", "Mörser, 120 mm", W::Mortar, "15111400", "", &[120.0]),
    ("de", "Panzerhaubitze", W::HowitzerSp, "15110900", "", &[]),
    ("pl", "moździerz (98 mm)", W::Mortar, "15111400", "", &[98.0]),
    ("ru", "миномёт 82-мм", W::Mortar, "15111400", "", &[82.0]),
    ("uk", "82-міліметрові мінометні міни", W::Mortar, "15111400", "", &[82.0]),
    ("uk", "міна 120 мм", W::Mortar, "15111400", "", &[120.0]),
    ("ru", "противотанковая мина (ТМ-62)", W::Mine, "", "TM-62", &[]),
    ("en", "small arms (either 7.62mm or 5.45mm)", W::SmallArms, "15110100", "", &[7.62, 5.45]),
    ("en", "surface-to-air missile system (9K33 Osa)", W::Sam, "15111100", "9K33 Osa", &[]),
    ("en", "drone (Kite-7)", W::Uav, "", "Kite-7", &[]),
    ("uk", "САУ 2С1", W::HowitzerSp, "15110900", "2S1 Gvozdika", &[122.0]),
    ("en", "BM21", W::Mlrs, "15111600", "BM-21 Grad", &[122.0]),
];

#[test]
fn items_as_nations_write_them() {
    for (language, words, class, code, model, calibres) in ITEMS {
        let (weapon, trace) = item(language, words);
        assert_eq!(weapon.class, Some(*class), "{words} {trace:?}");
        assert_eq!(weapon.code_2525d, *code, "{words}");
        assert_eq!(weapon.model, *model, "{words}");
        assert_eq!(weapon.calibre_mm, *calibres, "{words}");
        assert_eq!(weapon.original_text, *words);
        assert!(!trace.is_empty(), "{words}");
    }
}

#[test]
fn doubts_about_items_are_pointed_out() {
    let (weapon, trace) = item("en", "howitzer");
    assert_eq!(weapon.class, None);
    assert!(warned(&trace, "vocabulary.ambiguous"));
    let (weapon, trace) = item("uk", "міна");
    assert_eq!(weapon.class, None);
    assert!(warned(&trace, "vocabulary.ambiguous"));
    let (weapon, trace) = item("en", "MLRS (BM-21 Grad, 122m)");
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    assert!(warned(&trace, "quantity.calibre_unit_suspect"));
    let (weapon, trace) = item("en", "MLRS (BM-21 Grad, 220mm)");
    assert_eq!(weapon.calibre_mm, [220.0]);
    assert!(warned(&trace, "vocabulary.model_differs"));
    let (weapon, trace) = item("en", "tank (BM-21)");
    assert_eq!(weapon.class, Some(WeaponClass::Tank));
    assert!(warned(&trace, "vocabulary.model_differs"));
    let (weapon, trace) = item(
        "en",
        "towed howitzers (three 2A65 Msta-B, 152mm and two D-30, 122mm)",
    );
    assert_eq!(
        (weapon.class, weapon.model.as_ref()),
        (Some(WeaponClass::HowitzerTowed), "")
    );
    assert!(warned(&trace, "vocabulary.ambiguous"));
    let (weapon, trace) = item("uk", "3 од. РСЗВ БМ-21 «Град» 122 мм");
    assert_eq!(
        (weapon.class, weapon.calibre_mm),
        (Some(WeaponClass::Mlrs), vec![122.0])
    );
    assert!(warned(&trace, "vocabulary.count_in_weapon"));
    let (weapon, trace) = item("en", "trebuchet");
    assert_eq!((weapon.class, weapon.code_2525d.as_ref()), (None, ""));
    assert!(warned(&trace, "vocabulary.unknown"));
}

#[test]
fn a_model_tells_which_of_two_classes_is_meant() {
    for text in ["howitzer and mortar (2B11)", "mortar and howitzer (2B11)"] {
        let (weapon, _) = item("en", text);
        assert_eq!(weapon.class, Some(WeaponClass::Mortar), "{text}");
    }
}

#[test]
fn a_nations_own_model_has_class_and_calibre() {
    let row = ModelRow {
        name: "XK-1".to_owned(),
        class: "MORTAR".to_owned(),
        calibre_mm: Some(120.0),
        ..ModelRow::default()
    };
    let notation = Notation {
        models: vec![row],
        ..Notation::default()
    };
    let nation = NationCode::parse("XXX").unwrap();
    let profile = Profile::compile(nation, &notation, &Rules::default()).unwrap();
    let given = Weapon {
        text: "2 XK 1".to_owned(),
        ..Weapon::default()
    };
    let mut notes = Notes::new();
    let weapon = weapon(given, &profile, "weapon", &mut notes);
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(weapon.model, "XK-1");
    assert_eq!(weapon.calibre_mm, [120.0]);
}

#[test]
fn coded_weapons_stand_as_given() {
    let coded = Weapon {
        code: 10,
        model: "BM-21 Grad".to_owned(),
        calibre_mm: vec![122.0],
        assessed: true,
        ..Weapon::default()
    };
    let (weapon, trace) = weapon_of("en", coded);
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    assert_eq!(
        (weapon.model.as_ref(), weapon.assessed),
        ("BM-21 Grad", true)
    );
    assert!(trace.is_empty(), "{trace:?}");
    let mut notes = Notes::new();
    let wrong = Weapon {
        code: 77,
        calibre_mm: vec![-1.0, f64::NAN],
        ..Weapon::default()
    };
    weapon_in(wrong, &mut notes);
    weapon_in(Weapon::default(), &mut notes);
    let many = Weapon {
        calibre_mm: vec![122.0; 9],
        ..Weapon::default()
    };
    weapon_in(many, &mut notes);
    let violations = notes.finish().unwrap_err().list;
    let fields: Vec<_> = violations.iter().map(|v| v.field.as_ref()).collect();
    assert_eq!(
        fields[..3],
        [
            "weapon.calibre_mm[0]",
            "weapon.calibre_mm[1]",
            "weapon.code"
        ]
    );
    assert!(
        fields.contains(&"weapon") && fields.contains(&"weapon.calibre_mm"),
        "{fields:?}"
    );
}

fn weapon_in(given: Weapon, notes: &mut Notes) {
    let _ = weapon(given, &profile(&["en"]), "weapon", notes);
}

#[test]
fn a_long_text_is_refused() {
    let mut notes = Notes::new();
    let long = "x".repeat(2_000);
    observation_type(&text(&long), "", &profile(&["en"]), "type", &mut notes);
    let given = Weapon {
        text: long,
        ..Weapon::default()
    };
    weapon_in(given, &mut notes);
    assert_eq!(notes.finish().unwrap_err().list.len(), 2);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(word in any::<String>(), mixed in "[а-яіїє0-9()«»\u{2011} ,.A-Zmм-]{0,80}") {
        let profile = profile(&["uk", "ru"]);
        for given in [word, mixed] {
            let mut notes = Notes::new();
            let term = text(&given);
            observation_type(&term, &given, &profile, "type", &mut notes);
            phase(&term, &profile, "phase", &mut notes);
            means_all(&term, &profile, "means", &mut notes);
            stage(Some(&term), &profile, "stage", &mut notes);
            let item = weapon(
                Weapon { text: given.clone(), model: given.clone(), ..Weapon::default() },
                &profile,
                "weapon",
                &mut notes,
            );
            prop_assert!(item.calibre_mm.iter().all(|c| (1.0..=1_000.0).contains(c)));
            prop_assert_eq!(item.original_text, given);
        }
    }
}

//! Goal: what is shipped is whole: every code has a word in every language, and no phrase has two
//! meanings that nobody settles.

use super::*;
use crate::record::WeaponClass;

const LANGUAGES: [&str; 12] = [
    "cs", "de", "en", "es", "et", "fr", "it", "nl", "pl", "ro", "ru", "uk",
];

#[test]
fn what_is_shipped_has_no_fault() {
    let lexicon = read().unwrap();
    assert_eq!(lexicon.languages, LANGUAGES);
    let grad = lexicon.models.get("бм 21 град").unwrap();
    assert_eq!(grad.class, WeaponClass::Mlrs);
}

#[test]
fn every_code_has_a_word_in_every_language() {
    let lexicon = read().unwrap();
    for (vocabulary, text) in VOCABULARIES {
        let table: Table = text.parse().unwrap();
        for name in table.keys().filter(|key| *key != "doubt") {
            let code = vocabulary.code_of(name).unwrap();
            for language in LANGUAGES {
                let said = lexicon
                    .entries(vocabulary)
                    .iter()
                    .any(|entry| entry.language == language && entry.hit.code == code);
                assert!(said, "{} {name}: no word in {language}", vocabulary.name());
            }
        }
    }
}

#[test]
fn every_language_has_months_and_endings() {
    let lexicon = read().unwrap();
    for language in LANGUAGES {
        assert!(lexicon.endings(language).is_some(), "{language}");
        if language != "en" {
            let months = &lexicon.months[language];
            assert!((1..=12).all(|month| months.iter().any(|(_, of)| *of == month)));
        }
    }
}

#[test]
fn no_name_of_a_month_is_two_months_of_one_language() {
    let lexicon = read().unwrap();
    for (language, months) in &lexicon.months {
        for (name, month) in months {
            let other = months.iter().find(|(n, m)| n == name && m != month);
            assert_eq!(other, None, "{language}");
        }
    }
}

#[test]
fn every_model_is_found_by_its_own_name() {
    let table: Table = include_str!("models.toml").parse().unwrap();
    for (class, rows) in &table {
        for row in rows.as_array().unwrap() {
            let name = row["name"].as_str().unwrap();
            let model = SHIPPED.as_ref().unwrap().models.get(&fold(name)).unwrap();
            assert_eq!(model.name, name, "{class}");
            assert_eq!(model.class.name(), class);
            assert!(
                model
                    .calibre_mm
                    .is_none_or(|mm| (4.0..=320.0).contains(&mm))
            );
        }
    }
}

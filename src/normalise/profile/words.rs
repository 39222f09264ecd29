//! A nation's words: its own before those of its languages, those before what means the same in
//! every language. Two meanings of one word in a nation's file are a fault, told with its key.

use super::compile::TEXT_BYTES_MAX;
use super::{Fault, ModelRow, Notation, Words};
use crate::normalise::lexicon::{Hit, Lexicon, Model, Models, Phrases, Vocabulary};
use crate::normalise::notes::quoted;
use crate::normalise::phrase::fold;
use crate::record::{Text, WeaponClass};
use std::collections::BTreeMap;

/// Most words of one vocabulary, and most models, of a nation's own.
const OWN_MAX: usize = 10_000;

/// Calibres of models, millimetres.
const CALIBRES_MM: std::ops::RangeInclusive<f64> = 1.0..=1_000.0;

pub(super) fn words(
    notation: &Notation,
    languages: &[String],
    lexicon: &'static Lexicon,
    problems: &mut Vec<Fault>,
) -> Words {
    let terms = &notation.terms;
    let mut table = |own, vocabulary| {
        let mut table = Phrases::default();
        own_words(own, vocabulary, &mut table, problems);
        for language in languages {
            of_language(language, vocabulary, own, lexicon, &mut table);
        }
        // Words of other languages work where they mean the same in all of them, and say so.
        for entry in lexicon.foreign(vocabulary) {
            let foreign = Some(entry.language.clone().into());
            let hit = Hit {
                foreign,
                ..entry.hit.clone()
            };
            table.add(&entry.phrase, hit);
        }
        table
    };
    Words {
        observation: table(&terms.observation, Vocabulary::Observation),
        phase: table(&terms.phase, Vocabulary::Phase),
        means: table(&terms.means, Vocabulary::Means),
        weapon: table(&terms.weapon, Vocabulary::Weapon),
        kind: table(&terms.kind, Vocabulary::Kind),
        stage: table(&terms.stage, Vocabulary::Stage),
        status: table(&terms.status, Vocabulary::Status),
        caveat: table(&terms.caveat, Vocabulary::Caveat),
        models: models(&notation.models, problems),
    }
}

fn of_language(
    language: &str,
    vocabulary: Vocabulary,
    own: &BTreeMap<String, String>,
    lexicon: &'static Lexicon,
    table: &mut Phrases,
) {
    let entries = || {
        let all = lexicon.entries(vocabulary).iter();
        all.filter(|entry| entry.language == language)
    };
    for entry in entries() {
        table.add(&entry.phrase, entry.hit.clone());
    }
    if let Some(endings) = lexicon.endings(language) {
        let own: Vec<String> = own.keys().map(|phrase| fold(phrase)).collect();
        let phrases = entries().map(|entry| entry.phrase.as_str());
        table.add_forms(endings, phrases.chain(own.iter().map(String::as_str)));
    }
}

fn own_words(
    own: &BTreeMap<String, String>,
    vocabulary: Vocabulary,
    table: &mut Phrases,
    problems: &mut Vec<Fault>,
) {
    let area = format!("notation.terms.{}", vocabulary.name());
    if own.len() > OWN_MAX {
        let message = format!("{} words; at most {OWN_MAX}", own.len());
        problems.push(Fault::new(area, message));
        return;
    }
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for (phrase, name) in own {
        let key = format!("{area}.{phrase}");
        let folded = fold(phrase);
        if folded.is_empty() || phrase.len() > TEXT_BYTES_MAX {
            let message = format!("expected a word of 1 to {TEXT_BYTES_MAX} bytes");
            problems.push(Fault::new(key, message));
            continue;
        }
        let Some(code) = vocabulary.code_of(name) else {
            let message = format!(
                "{} is no code: expected {}",
                quoted(name),
                vocabulary.one_of()
            );
            problems.push(Fault::new(key, message));
            continue;
        };
        let before = table.add(&folded, Hit::sure(code)).map(|hit| hit.code);
        if before.is_some_and(|before| before != code) {
            let message = format!(
                "it is the same word as {}, which means something else: expected one of them",
                quoted(first.get(&folded).copied().unwrap_or_default())
            );
            problems.push(Fault::new(key, message));
        }
        first.entry(folded).or_insert(phrase);
    }
}

fn models(rows: &[ModelRow], problems: &mut Vec<Fault>) -> Models {
    let mut models = Models::default();
    if rows.len() > OWN_MAX {
        let message = format!("{} models; at most {OWN_MAX}", rows.len());
        problems.push(Fault::new("notation.models", message));
        return models;
    }
    for (index, row) in rows.iter().enumerate() {
        let key = format!("notation.models[{index}]");
        let Some(class) = WeaponClass::from_name(&row.class) else {
            let names: Vec<_> = WeaponClass::ALL.iter().map(|class| class.name()).collect();
            let message = format!(
                "{} is no class: expected one of {}",
                quoted(&row.class),
                names.join(", ")
            );
            problems.push(Fault::new(format!("{key}.class"), message));
            continue;
        };
        if let Some(calibre) = row.calibre_mm.filter(|mm| !CALIBRES_MM.contains(mm)) {
            let message = format!("{calibre} mm is no calibre: expected 1 to 1000");
            problems.push(Fault::new(format!("{key}.calibre_mm"), message));
        }
        let words = || std::iter::once(&row.name).chain(&row.also);
        for word in words().filter(|word| fold(word).is_empty() || word.len() > TEXT_BYTES_MAX) {
            let message = format!(
                "{}: expected a name of 1 to {TEXT_BYTES_MAX} bytes",
                quoted(word)
            );
            problems.push(Fault::new(&key, message));
        }
        let model = Model {
            name: Text::Owned(row.name.clone()),
            class,
            calibre_mm: row.calibre_mm,
        };
        let taken = models.add(model, words().map(String::as_str));
        if !taken.is_empty() {
            let message = format!("{} is another model already", taken.join(", "));
            problems.push(Fault::new(key, message));
        }
    }
    models
}

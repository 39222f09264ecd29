//! From a notation as written to a profile, or to every problem with it.

use super::{LetterO, Notation, Profile, Table, Words, notation};
use crate::identity::NationCode;
use crate::normalise::lexicon::{self, Hit, Lexicon, Vocabulary};
use crate::normalise::marking::{Row, country};
use crate::normalise::notes::quoted;
use crate::normalise::phrase::fold;
use crate::normalise::position;
use crate::normalise::rules::Rules;
use crate::record::{AxisOrder, Level};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Longest word, phrase or marking of a notation, bytes.
const TEXT_BYTES_MAX: usize = 200;

pub(super) fn compile(
    nation: NationCode,
    notation: &Notation,
    rules: &Rules,
) -> Result<Profile, Vec<String>> {
    let lexicon = lexicon::shipped()?;
    let mut problems = Vec::new();
    groups(rules, &mut problems);
    let languages = languages(notation, lexicon, &mut problems);
    let zone = notation.zone.as_deref().and_then(|name| {
        let zone = TimeZone::get(name);
        if zone.is_err() {
            problems.push(format!(
                "notation.zone: {} is no zone: expected an IANA name such as `Europe/Kyiv`",
                quoted(name)
            ));
        }
        zone.ok()
    });
    let reference_system = reference_system(notation, &mut problems);
    let months = months(notation, &languages, lexicon, &mut problems);
    let words = words(notation, &languages, lexicon, &mut problems);
    let (markings, unverified) = markings(nation, notation, lexicon, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Profile {
        nation: Some(nation),
        rules: Arc::new(rules.clone()),
        languages,
        zone,
        reference_system,
        axis_order: notation.axis_order.map(|order| match order {
            notation::AxisOrderName::NorthEast => AxisOrder::NorthEast,
            notation::AxisOrderName::EastNorth => AxisOrder::EastNorth,
        }),
        decimal_comma: notation.decimal_comma,
        slashed_day_first: notation.slashed_day_first,
        letter_o: notation.letter_o.map(|letter| match letter {
            notation::LetterOName::West => LetterO::West,
            notation::LetterOName::East => LetterO::East,
        }),
        months,
        words,
        markings,
        unverified,
    })
}

fn groups(rules: &Rules, problems: &mut Vec<String>) {
    for (code, group) in &rules.groups {
        for nation in &group.nations {
            if !country::is_alpha3(nation) {
                problems.push(format!(
                    "normalise.groups.{code}: {} is no ISO 3166-1 alpha-3 code",
                    quoted(nation)
                ));
            }
        }
        if country::is_alpha3(code) {
            problems.push(format!(
                "normalise.groups.{code}: a group cannot have the code of a country"
            ));
        }
    }
}

fn languages(notation: &Notation, lexicon: &Lexicon, problems: &mut Vec<String>) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    for language in &notation.languages {
        if lexicon.languages.iter().any(|known| known == language) {
            if !languages.contains(language) {
                languages.push(language.clone());
            }
        } else {
            problems.push(format!(
                "notation.languages: there are no words in {}: expected some of {}",
                quoted(language),
                lexicon.languages.join(", ")
            ));
        }
    }
    if !languages.iter().any(|language| language == "en") {
        languages.push("en".to_owned());
    }
    languages
}

fn reference_system(notation: &Notation, problems: &mut Vec<String>) -> Option<String> {
    let name = notation.reference_system.as_deref()?;
    if position::knows_system(name) {
        return Some(name.to_owned());
    }
    problems.push(format!(
        "notation.reference_system: {} is unknown: expected {}",
        quoted(name),
        position::KNOWN_SYSTEMS
    ));
    None
}

fn months(
    notation: &Notation,
    languages: &[String],
    lexicon: &Lexicon,
    problems: &mut Vec<String>,
) -> HashMap<String, i8> {
    let mut months = HashMap::new();
    for (name, &number) in &notation.months {
        match i8::try_from(number) {
            Ok(number @ 1..=12) => {
                months.insert(fold(name), number);
            }
            _ => problems.push(format!(
                "notation.months.{name}: {number} is no month: expected 1 to 12"
            )),
        }
    }
    // English names are the caller's; the first language wins.
    for language in languages.iter().filter(|language| *language != "en") {
        for (name, number) in lexicon.months.get(language).into_iter().flatten() {
            months.entry(name.clone()).or_insert(*number);
        }
    }
    months
}

fn words(
    notation: &Notation,
    languages: &[String],
    lexicon: &Lexicon,
    problems: &mut Vec<String>,
) -> Words {
    let terms = &notation.terms;
    let mut table = |own, vocabulary| {
        let mut table = Table::new();
        own_words(own, vocabulary, &mut table, problems);
        for language in languages {
            for entry in lexicon.entries(vocabulary) {
                if entry.language == *language {
                    table
                        .entry(entry.phrase.clone())
                        .or_insert_with(|| entry.hit.clone());
                }
            }
        }
        // Words of other languages work where they mean the same in all of them, and say so.
        for entry in lexicon.foreign(vocabulary) {
            table.entry(entry.phrase.clone()).or_insert_with(|| Hit {
                foreign: Some(entry.language.clone().into()),
                ..entry.hit.clone()
            });
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
    }
}

fn own_words(
    own: &BTreeMap<String, String>,
    vocabulary: Vocabulary,
    table: &mut Table,
    problems: &mut Vec<String>,
) {
    for (phrase, name) in own {
        let key = format!("notation.terms.{}.{phrase}", vocabulary.name());
        let folded = fold(phrase);
        if folded.is_empty() || phrase.len() > TEXT_BYTES_MAX {
            problems.push(format!(
                "{key}: expected a word of 1 to {TEXT_BYTES_MAX} bytes"
            ));
            continue;
        }
        let Some(code) = vocabulary.code_of(name) else {
            problems.push(format!(
                "{key}: {} is no code: expected {}",
                quoted(name),
                vocabulary.one_of()
            ));
            continue;
        };
        let hit = Hit::sure(code);
        if table
            .insert(folded, hit)
            .is_some_and(|old| old.code != code)
        {
            problems.push(format!("{key}: the same word has another meaning above"));
        }
    }
}

fn markings(
    nation: NationCode,
    notation: &Notation,
    lexicon: &Lexicon,
    problems: &mut Vec<String>,
) -> (HashMap<String, Row>, Vec<String>) {
    let mut rows = HashMap::new();
    let mut policies = vec![nation.as_str()];
    for policy in &notation.marking_policies {
        if lexicon::SHARED_POLICIES.contains(&policy.as_str()) {
            policies.push(policy);
        } else {
            problems.push(format!(
                "notation.marking_policies: {} is unknown: expected some of {}",
                quoted(policy),
                lexicon::SHARED_POLICIES.join(", ")
            ));
        }
    }
    for policy in policies {
        for row in lexicon.markings.get(policy).into_iter().flatten() {
            rows.entry(fold(&row.text)).or_insert_with(|| row.clone());
        }
    }
    let mut unverified = Vec::new();
    for (index, row) in notation.markings.iter().enumerate() {
        let key = format!("notation.markings[{index}]");
        let Some(level) = Level::from_name(&row.level) else {
            let levels: Vec<_> = Level::ALL.iter().map(|level| level.name()).collect();
            problems.push(format!(
                "{key}.level: {} is no level: expected one of {}",
                quoted(&row.level),
                levels.join(", ")
            ));
            continue;
        };
        for text in std::iter::once(&row.text).chain(&row.also) {
            let folded = fold(text);
            if folded.is_empty() || text.len() > TEXT_BYTES_MAX {
                problems.push(format!(
                    "{key}: expected a marking of 1 to {TEXT_BYTES_MAX} bytes"
                ));
                continue;
            }
            let new = Row {
                text: text.clone(),
                level,
                policy: nation.to_string().into(),
                verified: row.verified,
            };
            match rows.get(&folded) {
                None => {
                    if !new.verified {
                        unverified.push(text.clone());
                    }
                    rows.insert(folded, new);
                }
                // What was read at its source stands; a row that says the same may repeat it.
                Some(old) if old.level == level => {}
                Some(old) => problems.push(format!(
                    "{key}: {} is {} and cannot be {} as well",
                    quoted(text),
                    old.level.name(),
                    level.name()
                )),
            }
        }
    }
    unverified.sort_unstable();
    (rows, unverified)
}

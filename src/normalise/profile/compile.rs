//! From a notation as written to a profile, or to every problem with it.

use super::{Fault, LetterO, Notation, Profile, notation, words};
use crate::identity::NationCode;
use crate::normalise::lexicon::{self, Lexicon};
use crate::normalise::marking::Row;
use crate::normalise::notes::quoted;
use crate::normalise::phrase::fold;
use crate::normalise::position;
use crate::normalise::rules::{Rules, group_problems};
use crate::record::{AxisOrder, Level};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::Arc;

/// Longest word, phrase or marking of a notation, bytes.
pub(super) const TEXT_BYTES_MAX: usize = 200;

pub(super) fn compile(
    nation: NationCode,
    notation: &Notation,
    rules: &Rules,
) -> Result<Profile, Vec<Fault>> {
    let lexicon = lexicon::shipped().map_err(|faults| {
        let fault = |message| Fault::new("notation", message);
        faults.into_iter().map(fault).collect::<Vec<_>>()
    })?;
    let mut problems = Vec::new();
    groups(rules, &mut problems);
    let languages = languages(notation, lexicon, &mut problems);
    let zone = notation.zone.as_deref().and_then(|name| {
        let zone = TimeZone::get(name);
        if zone.is_err() {
            let message = format!(
                "{} is no zone: expected an IANA name such as `Europe/Kyiv`",
                quoted(name)
            );
            problems.push(Fault::new("notation.zone", message));
        }
        zone.ok()
    });
    let reference_system = reference_system(notation, &mut problems);
    let months = months(notation, &languages, lexicon, &mut problems);
    let words = words::words(notation, &languages, lexicon, &mut problems);
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
        words: Arc::new(words),
        markings,
        unverified,
    })
}

fn groups(rules: &Rules, problems: &mut Vec<Fault>) {
    for (code, group) in &rules.groups {
        let found = group_problems(code, &group.nations);
        let fault = |message| Fault::new(format!("normalise.groups.{code}"), message);
        problems.extend(found.into_iter().map(fault));
    }
}

fn languages(notation: &Notation, lexicon: &Lexicon, problems: &mut Vec<Fault>) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    for language in &notation.languages {
        if lexicon.languages.iter().any(|known| known == language) {
            if !languages.contains(language) {
                languages.push(language.clone());
            }
        } else {
            let message = format!(
                "there are no words in {}: expected some of {}",
                quoted(language),
                lexicon.languages.join(", ")
            );
            problems.push(Fault::new("notation.languages", message));
        }
    }
    if !languages.iter().any(|language| language == "en") {
        languages.push("en".to_owned());
    }
    languages
}

fn reference_system(notation: &Notation, problems: &mut Vec<Fault>) -> Option<String> {
    let name = notation.reference_system.as_deref()?;
    if position::knows_system(name) {
        return Some(name.to_owned());
    }
    let message = format!(
        "{} is unknown: expected {}",
        quoted(name),
        position::KNOWN_SYSTEMS
    );
    problems.push(Fault::new("notation.reference_system", message));
    None
}

fn months(
    notation: &Notation,
    languages: &[String],
    lexicon: &Lexicon,
    problems: &mut Vec<Fault>,
) -> HashMap<String, i8> {
    let mut months = HashMap::new();
    for (name, &number) in &notation.months {
        match i8::try_from(number) {
            Ok(number @ 1..=12) => {
                months.insert(fold(name), number);
            }
            _ => problems.push(Fault::new(
                format!("notation.months.{name}"),
                format!("{number} is no month: expected 1 to 12"),
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

fn markings(
    nation: NationCode,
    notation: &Notation,
    lexicon: &Lexicon,
    problems: &mut Vec<Fault>,
) -> (HashMap<String, Row>, Vec<String>) {
    let mut rows = HashMap::new();
    let mut policies = vec![nation.as_str()];
    for policy in &notation.marking_policies {
        if lexicon::SHARED_POLICIES.contains(&policy.as_str()) {
            policies.push(policy);
        } else {
            let message = format!(
                "{} is unknown: expected some of {}",
                quoted(policy),
                lexicon::SHARED_POLICIES.join(", ")
            );
            problems.push(Fault::new("notation.marking_policies", message));
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
            let message = format!(
                "{} is no level: expected one of {}",
                quoted(&row.level),
                levels.join(", ")
            );
            problems.push(Fault::new(format!("{key}.level"), message));
            continue;
        };
        for text in std::iter::once(&row.text).chain(&row.also) {
            let folded = fold(text);
            if folded.is_empty() || text.len() > TEXT_BYTES_MAX {
                let message = format!("expected a marking of 1 to {TEXT_BYTES_MAX} bytes");
                problems.push(Fault::new(&key, message));
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
                Some(old) => {
                    let message = format!(
                        "{} is {} and cannot be {} as well",
                        quoted(text),
                        old.level.name(),
                        level.name()
                    );
                    problems.push(Fault::new(&key, message));
                }
            }
        }
    }
    unverified.sort_unstable();
    (rows, unverified)
}

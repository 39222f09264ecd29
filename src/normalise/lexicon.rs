//! Words, months, models and markings that Entente ships, as data in `lexicon/*.toml`, read
//! once. A fault in the data is a problem that every profile reports, never a panic.

mod models;
mod phrases;
mod stem;
mod words;

pub(super) use models::{Model, Models};
pub(super) use phrases::Phrases;
pub(super) use stem::Endings;
pub(super) use words::{Entry, Hit, Vocabulary};

use super::marking::Row;
use super::phrase::fold;
use crate::record::{Level, Text};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use toml::{Table, Value};
use words::VOCABULARIES;

/// Policies that belong to no nation.
pub(super) const SHARED_POLICIES: &[&str] = &["EU", "NATO"];

/// All that is shipped.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    pub(super) languages: Vec<String>,
    entries: Vec<(Vocabulary, Vec<Entry>)>,
    foreign: Vec<(Vocabulary, Vec<Entry>)>,
    /// Names of months by language, folded.
    pub(super) months: BTreeMap<String, Vec<(String, i8)>>,
    /// Markings by policy, all read at their source.
    pub(super) markings: BTreeMap<String, Vec<Row>>,
    pub(super) models: Models,
    endings: Vec<Endings>,
    pub(super) grammar: Grammar,
    /// Classes of unmanned aircraft by folded ways of writing them.
    uas: BTreeMap<String, String>,
}

/// Words that show how a text is built, folded, of all languages.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    /// Behind these a text says what was inferred.
    pub(super) inferred: Vec<String>,
    /// Behind these stands what carries an item.
    pub(super) carrier: Vec<String>,
    /// Numbers as words.
    pub(super) number: Vec<String>,
}

impl Lexicon {
    pub(super) fn entries(&self, vocabulary: Vocabulary) -> &[Entry] {
        of(&self.entries, vocabulary)
    }

    /// Phrases that mean one and the same in every language that has them.
    pub(super) fn foreign(&self, vocabulary: Vocabulary) -> &[Entry] {
        of(&self.foreign, vocabulary)
    }

    /// Endings of a language's words; `None`: none are known.
    pub(super) fn endings(&self, language: &str) -> Option<&Endings> {
        self.endings.iter().find(|of| of.language == language)
    }

    /// The class of unmanned aircraft that is written so.
    pub(super) fn uas_class(&self, folded: &str) -> Option<&str> {
        self.uas.get(folded).map(String::as_str)
    }

    /// Nations and policies that have a marking written so.
    pub(super) fn policies_with(&self, folded: &str) -> Vec<&str> {
        let has = |rows: &[Row]| rows.iter().any(|row| fold(&row.text) == folded);
        let with = self.markings.iter().filter(|(_, rows)| has(rows));
        with.map(|(policy, _)| policy.as_str()).collect()
    }
}

fn of(lists: &[(Vocabulary, Vec<Entry>)], vocabulary: Vocabulary) -> &[Entry] {
    let list = lists.iter().find(|(of, _)| *of == vocabulary);
    list.map_or(&[], |(_, entries)| entries)
}

static SHIPPED: LazyLock<Result<Lexicon, Vec<String>>> = LazyLock::new(read);

/// What is shipped.
///
/// # Errors
/// Faults in the shipped data, which only a change of Entente can mend.
pub(super) fn shipped() -> Result<&'static Lexicon, Vec<String>> {
    SHIPPED.as_ref().map_err(Clone::clone)
}

fn read() -> Result<Lexicon, Vec<String>> {
    let mut problems = Vec::new();
    let mut lexicon = Lexicon::default();
    let mut languages = BTreeSet::new();
    for (vocabulary, text) in VOCABULARIES {
        let table = parse(vocabulary.name(), text, &mut problems);
        let entries = words::entries(vocabulary, &table, &mut problems);
        languages.extend(entries.iter().map(|entry| entry.language.clone()));
        lexicon
            .foreign
            .push((vocabulary, words::same_everywhere(&entries)));
        lexicon.entries.push((vocabulary, entries));
    }
    lexicon.languages = languages.into_iter().collect();
    let months = parse("months", include_str!("lexicon/months.toml"), &mut problems);
    lexicon.months = read_months(&months, &mut problems);
    let markings = parse(
        "markings",
        include_str!("lexicon/markings.toml"),
        &mut problems,
    );
    lexicon.markings = read_markings(&markings, &mut problems);
    let models = parse("models", include_str!("lexicon/models.toml"), &mut problems);
    models::read(&models, &mut lexicon.models, &mut problems);
    let endings = include_str!("lexicon/endings.toml");
    lexicon.endings = stem::read(&parse("endings", endings, &mut problems));
    lexicon.uas = read_uas(&parse(
        "uas",
        include_str!("lexicon/uas.toml"),
        &mut problems,
    ));
    let grammar = include_str!("lexicon/grammar.toml");
    lexicon.grammar = read_grammar(&parse("grammar", grammar, &mut problems));
    if problems.is_empty() {
        Ok(lexicon)
    } else {
        Err(problems)
    }
}

fn parse(name: &str, text: &str, problems: &mut Vec<String>) -> Table {
    text.parse().unwrap_or_else(|error| {
        problems.push(format!("lexicon {name}: {error}"));
        Table::new()
    })
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn read_uas(table: &Table) -> BTreeMap<String, String> {
    let mut classes = BTreeMap::new();
    for (name, ways) in table {
        for way in texts(ways).chain([name.as_str()]) {
            classes.insert(fold(way), name.clone());
        }
    }
    classes
}

fn read_grammar(table: &Table) -> Grammar {
    let words = |name: &str| {
        let languages = table.get(name).and_then(Value::as_table);
        let lists = languages.into_iter().flat_map(Table::values);
        lists.flat_map(texts).map(fold).collect()
    };
    Grammar {
        inferred: words("inferred"),
        carrier: words("carrier"),
        number: words("number"),
    }
}

fn read_months(table: &Table, problems: &mut Vec<String>) -> BTreeMap<String, Vec<(String, i8)>> {
    let mut months = BTreeMap::new();
    for (language, list) in table {
        let mut names = Vec::new();
        let rows = list.as_array().map_or(&[][..], Vec::as_slice);
        if rows.len() != 12 {
            problems.push(format!("lexicon months: {language} has no 12 months"));
        }
        for (number, row) in (1..).zip(rows) {
            names.extend(texts(row).map(|name| (fold(name), number)));
        }
        months.insert(language.clone(), names);
    }
    months
}

fn read_markings(table: &Table, problems: &mut Vec<String>) -> BTreeMap<String, Vec<Row>> {
    let mut markings = BTreeMap::new();
    for (policy, levels) in table {
        let mut rows = Vec::new();
        for (name, list) in levels.as_table().into_iter().flatten() {
            let Some(level) = Level::from_name(name) else {
                problems.push(format!("lexicon markings: `{name}` is no level"));
                continue;
            };
            rows.extend(texts(list).map(|text| Row {
                text: text.to_owned(),
                level,
                policy: Text::Owned(policy.clone()),
                verified: true,
            }));
        }
        markings.insert(policy.clone(), rows);
    }
    markings
}

#[cfg(test)]
mod tests;

//! Words, months, models and markings that Entente ships, as data in `lexicon/*.toml`, read
//! once. A fault in the data is a problem that every profile reports, never a panic.

use super::code;
use super::marking::Row;
use super::phrase::{fold, squash};
use crate::record::{
    Coded, CommitmentStage, ContributionKind, FirePhase, Level, ObservationType, ObserverMeans,
    OperationalStatus, Text, WeaponClass,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use toml::{Table, Value};

/// Policies that belong to no nation.
pub(super) const SHARED_POLICIES: &[&str] = &["EU", "NATO"];

/// A vocabulary of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    Observation,
    Phase,
    Means,
    Weapon,
    Kind,
    Stage,
    Status,
}

const VOCABULARIES: [(Vocabulary, &str); 7] = [
    (
        Vocabulary::Observation,
        include_str!("lexicon/observation.toml"),
    ),
    (Vocabulary::Phase, include_str!("lexicon/phase.toml")),
    (Vocabulary::Means, include_str!("lexicon/means.toml")),
    (Vocabulary::Weapon, include_str!("lexicon/weapon.toml")),
    (Vocabulary::Kind, include_str!("lexicon/kind.toml")),
    (Vocabulary::Stage, include_str!("lexicon/stage.toml")),
    (Vocabulary::Status, include_str!("lexicon/status.toml")),
];

impl Vocabulary {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Observation => "observation",
            Self::Phase => "phase",
            Self::Means => "means",
            Self::Weapon => "weapon",
            Self::Kind => "kind",
            Self::Stage => "stage",
            Self::Status => "status",
        }
    }

    /// The number of a code by its name.
    pub(super) fn code_of(self, name: &str) -> Option<i32> {
        match self {
            Self::Observation => number_of::<ObservationType>(name),
            Self::Phase => number_of::<FirePhase>(name),
            Self::Means => number_of::<ObserverMeans>(name),
            Self::Weapon => number_of::<WeaponClass>(name),
            Self::Kind => number_of::<ContributionKind>(name),
            Self::Stage => number_of::<CommitmentStage>(name),
            Self::Status => number_of::<OperationalStatus>(name),
        }
    }

    /// All its codes, for a message.
    pub(super) fn one_of(self) -> String {
        match self {
            Self::Observation => code::one_of::<ObservationType>(),
            Self::Phase => code::one_of::<FirePhase>(),
            Self::Means => code::one_of::<ObserverMeans>(),
            Self::Weapon => code::one_of::<WeaponClass>(),
            Self::Kind => code::one_of::<ContributionKind>(),
            Self::Stage => code::one_of::<CommitmentStage>(),
            Self::Status => code::one_of::<OperationalStatus>(),
        }
    }
}

fn number_of<T: Coded>(name: &str) -> Option<i32> {
    let value = T::VALUES.iter().find(|value| value.code_name() == name)?;
    Some(value.code_number())
}

/// What a phrase means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Number of the code; 0: the phrase alone does not tell.
    pub(super) code: i32,
    /// What else the phrase may mean. Absent: nothing.
    pub(super) doubt: Option<Arc<Doubt>>,
    /// The language, where it is none of the nation's.
    pub(super) foreign: Option<Arc<str>>,
}

impl Hit {
    pub(super) fn sure(code: i32) -> Self {
        Self {
            code,
            doubt: None,
            foreign: None,
        }
    }
}

/// Why a phrase has more than one meaning, and what settles it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Its meanings, for the trace.
    pub(super) note: String,
    /// A part of the folded text, and the code that is meant with it; the first wins.
    pub(super) context: Vec<(String, i32)>,
}

/// A phrase of one language.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) language: String,
    pub(super) phrase: String,
    pub(super) hit: Hit,
}

/// A model of equipment.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: Text,
    pub(super) class: WeaponClass,
    pub(super) calibre_mm: Option<f64>,
}

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
    models: Vec<Model>,
    /// Ways of writing a model, squashed, to its place in `models`.
    model_words: HashMap<String, usize>,
}

impl Lexicon {
    pub(super) fn entries(&self, vocabulary: Vocabulary) -> &[Entry] {
        of(&self.entries, vocabulary)
    }

    /// Phrases that mean one and the same in every language that has them.
    pub(super) fn foreign(&self, vocabulary: Vocabulary) -> &[Entry] {
        of(&self.foreign, vocabulary)
    }

    /// The model that is written so; `folded` need not be squashed.
    pub(super) fn model(&self, folded: &str) -> Option<&Model> {
        let index = match folded.contains(' ') {
            true => self.model_words.get(&squash(folded)),
            false => self.model_words.get(folded),
        };
        self.models.get(*index?)
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
        let entries = entries(vocabulary, &table, &mut problems);
        languages.extend(entries.iter().map(|entry| entry.language.clone()));
        lexicon
            .foreign
            .push((vocabulary, same_everywhere(&entries)));
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
    read_models(&models, &mut lexicon, &mut problems);
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

fn entries(vocabulary: Vocabulary, table: &Table, problems: &mut Vec<String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let name = vocabulary.name();
    for (key, value) in table {
        if key == "doubt" {
            for row in value.as_array().into_iter().flatten() {
                match doubt(vocabulary, row) {
                    Some(found) => entries.extend(found),
                    None => problems.push(format!("lexicon {name}: bad doubt {row:?}")),
                }
            }
            continue;
        }
        let (Some(code), Some(languages)) = (vocabulary.code_of(key), value.as_table()) else {
            problems.push(format!("lexicon {name}: `{key}` is no code"));
            continue;
        };
        for (language, phrases) in languages {
            entries.extend(texts(phrases).map(|phrase| Entry {
                language: language.clone(),
                phrase: fold(phrase),
                hit: Hit::sure(code),
            }));
        }
    }
    judge_entries(name, &mut entries, problems);
    entries
}

/// A phrase has one meaning in one language; two spellings of it may fold together.
fn judge_entries(name: &str, entries: &mut Vec<Entry>, problems: &mut Vec<String>) {
    let mut seen: HashMap<(String, String), Hit> = HashMap::new();
    entries.retain(|entry| {
        let key = (entry.language.clone(), entry.phrase.clone());
        let first = seen.entry(key);
        let again = matches!(first, std::collections::hash_map::Entry::Occupied(_));
        if entry.phrase.is_empty() || *first.or_insert_with(|| entry.hit.clone()) != entry.hit {
            let phrase = &entry.phrase;
            problems.push(format!(
                "lexicon {name}: `{phrase}` is empty or has two meanings"
            ));
        }
        !again
    });
}

fn doubt(vocabulary: Vocabulary, row: &Value) -> Option<Vec<Entry>> {
    let language = row.get("language")?.as_str()?;
    let code = match row.get("code") {
        Some(code) => vocabulary.code_of(code.as_str()?)?,
        None => 0,
    };
    let mut context = Vec::new();
    for (name, parts) in row
        .get("context")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        let code = vocabulary.code_of(name)?;
        context.extend(texts(parts).map(|part| (fold(part), code)));
    }
    let doubt = Arc::new(Doubt {
        note: row.get("note")?.as_str()?.to_owned(),
        context,
    });
    let entry = |phrase| Entry {
        language: language.to_owned(),
        phrase: fold(phrase),
        hit: Hit {
            code,
            doubt: Some(Arc::clone(&doubt)),
            foreign: None,
        },
    };
    Some(texts(row.get("phrases")?).map(entry).collect())
}

fn same_everywhere(entries: &[Entry]) -> Vec<Entry> {
    let mut meanings: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        meanings.entry(&entry.phrase).or_default().push(entry);
    }
    let same = |list: &&Vec<&Entry>| {
        let hit = list.first().map(|entry| &entry.hit);
        list.iter().all(|entry| Some(&entry.hit) == hit)
    };
    let same = meanings.values().filter(same);
    same.filter_map(|list| list.first().copied().cloned())
        .collect()
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
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

fn read_models(table: &Table, lexicon: &mut Lexicon, problems: &mut Vec<String>) {
    for (class_name, list) in table {
        let Some(class) = WeaponClass::from_name(class_name) else {
            problems.push(format!("lexicon models: `{class_name}` is no class"));
            continue;
        };
        for row in list.as_array().into_iter().flatten() {
            let Some(name) = row.get("name").and_then(Value::as_str) else {
                problems.push(format!(
                    "lexicon models: {class_name} has a row without a name"
                ));
                continue;
            };
            let index = lexicon.models.len();
            lexicon.models.push(Model {
                name: Text::Owned(name.to_owned()),
                class,
                calibre_mm: row.get("calibre_mm").and_then(|v| {
                    v.as_float()
                        .or_else(|| v.as_integer()?.to_string().parse().ok())
                }),
            });
            let also = row.get("also").into_iter().flat_map(texts);
            for word in std::iter::once(name).chain(also) {
                let word = squash(&fold(word));
                if lexicon.model_words.insert(word.clone(), index).is_some() {
                    problems.push(format!("lexicon models: `{word}` is there twice"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_has_no_fault() {
        let lexicon = read().unwrap();
        assert_eq!(lexicon.languages, ["de", "en", "fr", "pl", "ru", "uk"]);
        assert_eq!(
            lexicon.model("бм 21 град").unwrap().class,
            WeaponClass::Mlrs
        );
    }

    #[test]
    fn every_code_has_an_english_word() {
        let lexicon = read().unwrap();
        for (vocabulary, text) in VOCABULARIES {
            let table: Table = text.parse().unwrap();
            for name in table.keys().filter(|key| *key != "doubt") {
                let code = vocabulary.code_of(name).unwrap();
                let english = lexicon
                    .entries(vocabulary)
                    .iter()
                    .any(|entry| entry.language == "en" && entry.hit.code == code);
                assert!(english, "{} {name}", vocabulary.name());
            }
        }
    }
}

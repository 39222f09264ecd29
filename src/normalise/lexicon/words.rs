//! Words of the vocabularies as the files in this folder have them: phrase, language, meaning,
//! and what settles a second meaning. Invariant: one phrase has one meaning in one language.

use crate::normalise::code;
use crate::normalise::phrase::fold;
use crate::record::{
    CaveatCode, Coded, CommitmentStage, ContributionKind, FirePhase, ObservationType,
    ObserverMeans, OperationalStatus, WeaponClass,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use toml::{Table, Value};

use super::texts;

/// A vocabulary of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) enum Vocabulary {
    Observation,
    Phase,
    Means,
    Weapon,
    Kind,
    Stage,
    Status,
    Caveat,
}

pub(super) const VOCABULARIES: [(Vocabulary, &str); 8] = [
    (Vocabulary::Observation, include_str!("observation.toml")),
    (Vocabulary::Phase, include_str!("phase.toml")),
    (Vocabulary::Means, include_str!("means.toml")),
    (Vocabulary::Weapon, include_str!("weapon.toml")),
    (Vocabulary::Kind, include_str!("kind.toml")),
    (Vocabulary::Stage, include_str!("stage.toml")),
    (Vocabulary::Status, include_str!("status.toml")),
    (Vocabulary::Caveat, include_str!("caveat.toml")),
];

impl Vocabulary {
    pub(in crate::normalise) fn name(self) -> &'static str {
        match self {
            Self::Observation => "observation",
            Self::Phase => "phase",
            Self::Means => "means",
            Self::Weapon => "weapon",
            Self::Kind => "kind",
            Self::Stage => "stage",
            Self::Status => "status",
            Self::Caveat => "caveat",
        }
    }

    /// The number of a code by its name.
    pub(in crate::normalise) fn code_of(self, name: &str) -> Option<i32> {
        match self {
            Self::Observation => number_of::<ObservationType>(name),
            Self::Phase => number_of::<FirePhase>(name),
            Self::Means => number_of::<ObserverMeans>(name),
            Self::Weapon => number_of::<WeaponClass>(name),
            Self::Kind => number_of::<ContributionKind>(name),
            Self::Stage => number_of::<CommitmentStage>(name),
            Self::Status => number_of::<OperationalStatus>(name),
            Self::Caveat => number_of::<CaveatCode>(name),
        }
    }

    /// All its codes, for a message.
    pub(in crate::normalise) fn one_of(self) -> String {
        match self {
            Self::Observation => code::one_of::<ObservationType>(),
            Self::Phase => code::one_of::<FirePhase>(),
            Self::Means => code::one_of::<ObserverMeans>(),
            Self::Weapon => code::one_of::<WeaponClass>(),
            Self::Kind => code::one_of::<ContributionKind>(),
            Self::Stage => code::one_of::<CommitmentStage>(),
            Self::Status => code::one_of::<OperationalStatus>(),
            Self::Caveat => code::one_of::<CaveatCode>(),
        }
    }
}

fn number_of<T: Coded>(name: &str) -> Option<i32> {
    let value = T::VALUES.iter().find(|value| value.code_name() == name)?;
    Some(value.code_number())
}

/// What a phrase means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::normalise) struct Hit {
    /// Number of the code; 0: the phrase alone does not tell.
    pub(in crate::normalise) code: i32,
    /// What else the phrase may mean. Absent: nothing.
    pub(in crate::normalise) doubt: Option<Arc<Doubt>>,
    /// The language, where it is none of the nation's.
    pub(in crate::normalise) foreign: Option<Arc<str>>,
}

impl Hit {
    pub(in crate::normalise) fn sure(code: i32) -> Self {
        Self {
            code,
            doubt: None,
            foreign: None,
        }
    }
}

impl Hit {
    /// Whether both mean the same, whatever language they come from.
    pub(in crate::normalise) fn same(&self, other: &Self) -> bool {
        self.code == other.code && self.doubt == other.doubt
    }
}

/// Why a phrase has more than one meaning, and what settles it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::normalise) struct Doubt {
    /// Its meanings, for the trace.
    pub(in crate::normalise) note: String,
    /// Codes that the phrase may mean.
    pub(in crate::normalise) meanings: Vec<i32>,
    /// The beginning of a word beside it, and the code that is meant then.
    pub(in crate::normalise) context: Vec<(String, i32)>,
}

/// A phrase of one language.
#[derive(Clone, Debug)]
pub(in crate::normalise) struct Entry {
    pub(in crate::normalise) language: String,
    pub(in crate::normalise) phrase: String,
    pub(in crate::normalise) hit: Hit,
}

pub(super) fn entries(
    vocabulary: Vocabulary,
    table: &Table,
    problems: &mut Vec<String>,
) -> Vec<Entry> {
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
    let names = row.get("meanings").into_iter().flat_map(texts);
    let meanings: Option<Vec<i32>> = names.map(|name| vocabulary.code_of(name)).collect();
    let mut meanings = meanings?;
    // Without a list of its own a doubt means what it stands for and what its context settles.
    if meanings.is_empty() {
        let settled = context.iter().map(|(_, code)| *code);
        meanings.extend([code].into_iter().chain(settled).filter(|code| *code != 0));
        meanings.dedup();
    }
    if meanings.is_empty() {
        return None;
    }
    // What settles a doubt, or stands in for it, is one of its meanings.
    let fits = |code: &i32| *code == 0 || meanings.contains(code);
    if !fits(&code) || !context.iter().all(|(_, code)| fits(code)) {
        return None;
    }
    let doubt = Arc::new(Doubt {
        note: row.get("note")?.as_str()?.to_owned(),
        meanings,
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

pub(super) fn same_everywhere(entries: &[Entry]) -> Vec<Entry> {
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

//! Words of the nations to codes of the contract. Phrases come before words, the nation's own
//! words before all; a word with two meanings is settled by its context or said, never guessed.
//! What is not in the vocabulary keeps its text and says so.

mod item;
mod weapon;

pub use weapon::weapon;

use super::lexicon::{Hit, Vocabulary};
use super::notes::{Notes, Rule, bounded, quoted};
use super::phrase::{self, fold};
use super::profile::Table;
use super::{Profile, code};
use crate::record::{
    Coded, CommitmentStage, ContributionKind, FirePhase, ObservationType, ObserverMeans,
    OperationalStatus,
};
use crate::report::Term;

static MISSING: Rule = Rule::new(
    "vocabulary.missing",
    "a required term is given, as text or code",
    "report.proto",
);
static WORD: Rule = Rule::new("vocabulary.word", "a word to its code", "domain.md 7.1");
static PHRASE: Rule = Rule::new(
    "vocabulary.phrase",
    "a known phrase inside a longer text gives the code",
    "domain.md 7.1",
);
static CONTEXT: Rule = Rule::new(
    "vocabulary.context",
    "a word with two meanings, settled by the words around it",
    "domain.md 7.1",
);
static AMBIGUOUS: Rule = Rule::new(
    "vocabulary.ambiguous",
    "a word with two meanings that nothing settles is pointed out",
    "domain.md 7.1",
);
static FOREIGN: Rule = Rule::new(
    "vocabulary.foreign",
    "a word of a language that is none of the nation's is understood and pointed out",
    "domain.md 7.1",
);
static UNKNOWN: Rule = Rule::new(
    "vocabulary.unknown",
    "a term that is not in the vocabulary keeps its text",
    "domain.md 7.1",
);
static DIFFER: Rule = Rule::new(
    "vocabulary.code_and_text",
    "where code and text differ, the code stands",
    "report.proto",
);
static TOO_LONG: Rule = Rule::new(
    "vocabulary.too_long",
    "a term is short; stories belong into a narrative",
    "report.proto",
);

/// Shortest phrase that is looked for inside a longer text, bytes: `in` and `to` are codes only
/// when they stand alone.
const SCANNED_BYTES_MIN: usize = 3;

/// Behind these words a text says what was inferred, not what was observed.
const INFERRED_BEHIND: &[&str] = &[
    "assessed",
    "оцінен",
    "оценен",
    "evalue",
    "bewertet als",
    "ocenion",
];

/// What was observed; `None` where the text is not in the vocabulary (with a warning) or nothing
/// is given (with a violation).
pub fn observation_type(
    term: &Term,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<ObservationType> {
    let table = &profile.words().observation;
    needed(term, Vocabulary::Observation, field, notes);
    first(&look(term, table, field, notes)?, term, field, notes)
}

/// The phase of fire; `None` where nothing is given, or the text is not in the vocabulary (with
/// a warning).
pub fn phase(term: &Term, profile: &Profile, field: &str, notes: &mut Notes) -> Option<FirePhase> {
    first(
        &look(term, &profile.words().phase, field, notes)?,
        term,
        field,
        notes,
    )
}

/// A means of observation; `None` where the text is not in the vocabulary (with a warning) or
/// nothing is given (with a violation). Of `saw and heard` only [`means_all`] tells both.
pub fn means(
    term: &Term,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<ObserverMeans> {
    let table = &profile.words().means;
    needed(term, Vocabulary::Means, field, notes);
    first(&look(term, table, field, notes)?, term, field, notes)
}

/// All means of observation that a term names: `saw and heard` names two.
pub fn means_all(
    term: &Term,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Vec<ObserverMeans> {
    let table = &profile.words().means;
    needed(term, Vocabulary::Means, field, notes);
    look(term, table, field, notes).unwrap_or_default()
}

/// The kind of a contribution; `None` with a violation where it is missing or not understood.
pub fn contribution_kind(
    term: Option<&Term>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<ContributionKind> {
    required(term, &profile.words().kind, Vocabulary::Kind, field, notes)
}

/// The stage of a contribution; `None` with a violation where it is missing or not understood.
pub fn stage(
    term: Option<&Term>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<CommitmentStage> {
    required(
        term,
        &profile.words().stage,
        Vocabulary::Stage,
        field,
        notes,
    )
}

/// The operational status; `None` with a violation where it is missing or not understood.
pub fn status(
    term: Option<&Term>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<OperationalStatus> {
    required(
        term,
        &profile.words().status,
        Vocabulary::Status,
        field,
        notes,
    )
}

fn required<T: Coded + PartialEq>(
    term: Option<&Term>,
    table: &Table,
    vocabulary: Vocabulary,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    let empty = Term::default();
    let term = term.unwrap_or(&empty);
    needed(term, vocabulary, field, notes);
    let before = notes.violation_count();
    let value = first(&look(term, table, field, notes)?, term, field, notes);
    if value.is_none() && notes.violation_count() == before {
        let message = format!("{} is not understood", quoted(&term.text));
        let expected = format!("a known word, or the code: {}", vocabulary.one_of());
        notes.violate(field, &UNKNOWN, message, expected);
    }
    value
}

/// A violation where nothing is given.
fn needed(term: &Term, vocabulary: Vocabulary, field: &str, notes: &mut Notes) {
    if term.code == 0 && term.text.trim().is_empty() {
        let expected = format!("text, or the code: {}", vocabulary.one_of());
        notes.violate(field, &MISSING, "not given", expected);
    }
}

/// The only value; several are pointed out, and none of them is taken.
fn first<T: Coded>(values: &[T], term: &Term, field: &str, notes: &mut Notes) -> Option<T> {
    match values {
        [] => None,
        [one] => Some(*one),
        several => {
            let names: Vec<_> = several.iter().map(|value| value.code_name()).collect();
            let output = format!("kept as text: {}", names.join(" or "));
            notes.warn(field, &AMBIGUOUS, bounded(&term.text), output);
            None
        }
    }
}

/// The values that a term names, each once. `None`: nothing was given, or a violation was said.
fn look<T: Coded + PartialEq>(
    term: &Term,
    table: &Table,
    field: &str,
    notes: &mut Notes,
) -> Option<Vec<T>> {
    let text = term.text.trim();
    if term.code != 0 {
        // The number alone costs a match; its name is composed only when it is wrong.
        let value = T::of_number(term.code);
        let value = value.or_else(|| code::optional(term.code, field, notes))?;
        if !text.is_empty() {
            differ(value, text, table, field, notes);
        }
        return Some(vec![value]);
    }
    if text.is_empty() || too_long(text, field, notes) {
        return None;
    }
    Some(in_words(text, table, field, notes))
}

fn too_long(text: &str, field: &str, notes: &mut Notes) -> bool {
    let too_long = text.len() > phrase::TEXT_BYTES_MAX;
    if too_long {
        let message = format!("{} bytes are too long", text.len());
        let expected = format!("at most {} bytes", phrase::TEXT_BYTES_MAX);
        notes.violate(field, &TOO_LONG, message, expected);
    }
    too_long
}

/// Points out a text that says something else than its code.
fn differ<T: Coded + PartialEq>(
    value: T,
    text: &str,
    table: &Table,
    field: &str,
    notes: &mut Notes,
) {
    if text.len() > phrase::TEXT_BYTES_MAX {
        too_long(text, field, notes);
        return;
    }
    let hit = table.get(&fold(text)).filter(|hit| hit.doubt.is_none());
    let said = hit.and_then(|hit| T::of_number(hit.code));
    if said.is_some_and(|said| said != value) {
        notes.warn(field, &DIFFER, bounded(text), value.code_name());
    }
}

/// The values that a text names.
fn in_words<T: Coded + PartialEq>(
    text: &str,
    table: &Table,
    field: &str,
    notes: &mut Notes,
) -> Vec<T> {
    let folded = fold(text);
    let (hits, rule) = match table.get(&folded) {
        Some(hit) => (vec![hit], &WORD),
        None => (scanned(&folded, table), &PHRASE),
    };
    if hits.is_empty() {
        notes.warn(field, &UNKNOWN, bounded(text), "kept as text");
        return Vec::new();
    }
    let mut values = Vec::with_capacity(1);
    for hit in hits {
        let value = settle(hit, &folded, text, rule, field, notes);
        values.extend(value.filter(|value| !values.contains(value)));
    }
    values
}

/// Known phrases inside a text, as far as it says what was observed.
fn scanned<'t>(folded: &str, table: &'t Table) -> Vec<&'t Hit> {
    let end = INFERRED_BEHIND
        .iter()
        .filter_map(|word| folded.find(word))
        .filter(|at| *at > 0)
        .min();
    let observed = folded.get(..end.unwrap_or(folded.len())).unwrap_or(folded);
    let look = |phrase: &str| {
        let long = phrase.len() >= SCANNED_BYTES_MIN;
        long.then(|| table.get(phrase)).flatten()
    };
    phrase::scan(observed, look)
}

/// The value of one hit, with what must be said of it.
fn settle<T: Coded>(
    hit: &Hit,
    folded: &str,
    text: &str,
    rule: &'static Rule,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    let settled = settled(hit, folded);
    let value = T::of_number(settled.code);
    let name = value.map_or("kept as text", |value| value.code_name());
    match (settled.by, &hit.foreign) {
        (By::Nothing(note), _) => {
            notes.warn(field, &AMBIGUOUS, bounded(text), format!("{name}: {note}"));
        }
        (_, Some(language)) => {
            notes.warn(
                field,
                &FOREIGN,
                bounded(text),
                format!("{name} ({language})"),
            );
        }
        (By::Context, None) => notes.trace(field, &CONTEXT, bounded(text), name),
        (By::Word, None) => notes.trace(field, rule, bounded(text), name),
    }
    value
}

/// What settled the meaning of a hit.
enum By<'h> {
    Word,
    Context,
    /// Nothing did; its meanings.
    Nothing(&'h str),
}

struct Settled<'h> {
    code: i32,
    by: By<'h>,
}

fn settled<'h>(hit: &'h Hit, folded: &str) -> Settled<'h> {
    let Some(doubt) = &hit.doubt else {
        return Settled {
            code: hit.code,
            by: By::Word,
        };
    };
    let context = doubt
        .context
        .iter()
        .find(|(part, _)| folded.contains(part.as_str()));
    match context {
        Some((_, code)) => Settled {
            code: *code,
            by: By::Context,
        },
        None => Settled {
            code: hit.code,
            by: By::Nothing(&doubt.note),
        },
    }
}

#[cfg(test)]
mod tests;

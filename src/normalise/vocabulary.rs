//! Words of the nations to codes of the contract. Phrases come before words, the nation's own
//! words before all; a word with two meanings is settled by its context or said, never guessed.
//! What is not in the vocabulary keeps its text and says so.

mod item;
mod weapon;

pub use weapon::weapon;

use super::lexicon::{self, Hit, Phrases, Vocabulary};
use super::notes::{Notes, Rule, bounded, quoted};
use super::phrase::{self, begins_word, fold};
use super::{Profile, code};
use crate::record::{
    CaveatCode, Coded, CommitmentStage, ContributionKind, FirePhase, ObservationType,
    ObserverMeans, OperationalStatus,
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
static INFLECTED: Rule = Rule::new(
    "vocabulary.inflected",
    "another form of a known word, found without its ending, gives the code",
    "lexicon/endings.toml",
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

/// A term, and what stands beside it in the report and may settle what it means.
#[derive(Clone, Copy, Debug)]
struct Said<'t> {
    text: &'t str,
    folded: &'t str,
    /// Folded; empty: nothing.
    beside: &'t str,
}

/// What was observed; `None` where the text is not in the vocabulary (with a warning) or nothing
/// is given (with a violation). `weapon`: what the report says of the weapon, which may settle
/// a word with two meanings.
pub fn observation_type(
    term: &Term,
    weapon: &str,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<ObservationType> {
    let table = &profile.words().observation;
    needed(term, Vocabulary::Observation, field, notes);
    one(term, weapon, table, field, notes)
}

/// The phase of fire; `None` where nothing is given, or the text is not in the vocabulary (with
/// a warning).
pub fn phase(term: &Term, profile: &Profile, field: &str, notes: &mut Notes) -> Option<FirePhase> {
    one(term, "", &profile.words().phase, field, notes)
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
    one(term, "", table, field, notes)
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
    look(term, "", table, field, notes).unwrap_or_default()
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

/// The coded limit that a text names; `None` where it names none or several: a limit may always
/// be a text alone.
pub fn caveat(text: &str, profile: &Profile, field: &str, notes: &mut Notes) -> Option<CaveatCode> {
    if text.trim().is_empty() || text.len() > phrase::TEXT_BYTES_MAX {
        return None;
    }
    let table = &profile.words().caveat;
    let folded = fold(text);
    let (hits, rule) = match table.find(&folded) {
        Some(found) => (vec![found.hit], &WORD),
        None => (scanned(&folded, table), &PHRASE),
    };
    let mut codes = hits.iter().map(|hit| hit.code);
    let code = codes
        .next()
        .filter(|code| codes.all(|other| other == *code))?;
    let code = CaveatCode::from_number(code)?;
    notes.trace(field, rule, bounded(text), code.name());
    Some(code)
}

fn required<T: Coded + PartialEq>(
    term: Option<&Term>,
    table: &Phrases,
    vocabulary: Vocabulary,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    let empty = Term::default();
    let term = term.unwrap_or(&empty);
    needed(term, vocabulary, field, notes);
    let before = notes.violation_count();
    let value = first(&look(term, "", table, field, notes)?, term, field, notes);
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

/// The one value that a term names; `None`: nothing was given, a violation was said, or the text
/// names none or several (with a warning).
fn one<T: Coded + PartialEq>(
    term: &Term,
    beside: &str,
    table: &Phrases,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    if term.code != 0 {
        return coded(term, table, field, notes);
    }
    first(
        &look(term, beside, table, field, notes)?,
        term,
        field,
        notes,
    )
}

/// The value of a term that has a code; `None` with a violation.
fn coded<T: Coded + PartialEq>(
    term: &Term,
    table: &Phrases,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    // The number alone costs a match; its name is composed only when it is wrong.
    let value = T::of_number(term.code);
    let value = value.or_else(|| code::optional(term.code, field, notes))?;
    let text = term.text.trim();
    if !text.is_empty() {
        differ(value, text, table, field, notes);
    }
    Some(value)
}

/// The values that a term names, each once. `None`: nothing was given, or a violation was said.
fn look<T: Coded + PartialEq>(
    term: &Term,
    beside: &str,
    table: &Phrases,
    field: &str,
    notes: &mut Notes,
) -> Option<Vec<T>> {
    if term.code != 0 {
        return coded(term, table, field, notes).map(|value| vec![value]);
    }
    let text = term.text.trim();
    if text.is_empty() || too_long(text, field, notes) {
        return None;
    }
    let (folded, beside) = (fold(text), fold(beside));
    let said = Said {
        text,
        folded: &folded,
        beside: &beside,
    };
    Some(in_words(said, table, field, notes))
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
    table: &Phrases,
    field: &str,
    notes: &mut Notes,
) {
    if too_long(text, field, notes) {
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
    said: Said<'_>,
    table: &Phrases,
    field: &str,
    notes: &mut Notes,
) -> Vec<T> {
    let (hits, rule) = match table.find(said.folded) {
        Some(found) if found.inflected => (vec![found.hit], &INFLECTED),
        Some(found) => (vec![found.hit], &WORD),
        None => (scanned(said.folded, table), &PHRASE),
    };
    if hits.is_empty() {
        notes.warn(field, &UNKNOWN, bounded(said.text), "kept as text");
        return Vec::new();
    }
    let mut values = Vec::with_capacity(1);
    for hit in hits {
        let value = settle(hit, said, rule, field, notes);
        values.extend(value.filter(|value| !values.contains(value)));
    }
    values
}

/// Known phrases inside a text, as far as it says what was observed.
fn scanned<'t>(folded: &str, table: &'t Phrases) -> Vec<&'t Hit> {
    let inferred = lexicon::shipped().map_or(&[][..], |lexicon| &lexicon.grammar.inferred);
    let observed = before(folded, inferred);
    phrase::scan(observed, |phrase| known(phrase, table))
}

/// A phrase inside a longer text.
fn known<'t>(phrase: &str, table: &'t Phrases) -> Option<&'t Hit> {
    let long = phrase.len() >= SCANNED_BYTES_MIN;
    long.then(|| table.find(phrase))?.map(|found| found.hit)
}

/// A folded text up to the first word that begins with one of `parts`, if that is not its own
/// beginning.
fn before<'t>(folded: &'t str, parts: &[String]) -> &'t str {
    let places = parts
        .iter()
        .filter_map(|part| phrase::find_word(folded, part));
    let end = places.filter(|at| *at > 0).min();
    folded.get(..end.unwrap_or(folded.len())).unwrap_or(folded)
}

/// The value of one hit, with what must be said of it.
fn settle<T: Coded>(
    hit: &Hit,
    said: Said<'_>,
    rule: &'static Rule,
    field: &str,
    notes: &mut Notes,
) -> Option<T> {
    let settled = settled(hit, said.folded, said.beside);
    let value = T::of_number(settled.code);
    let name = value.map_or("kept as text", |value| value.code_name());
    let input = bounded(said.text);
    match (settled.by, &hit.foreign) {
        (By::Nothing { note, meanings }, _) => {
            let names = meanings.iter().filter_map(|code| T::of_number(*code));
            let names: Vec<_> = names.map(Coded::code_name).collect();
            let output = match names.as_slice() {
                [_] => format!("{name}: {note}"),
                several => format!("{name}; may be {}: {note}", several.join(" or ")),
            };
            notes.warn(field, &AMBIGUOUS, input, output);
        }
        (_, Some(language)) => {
            notes.warn(field, &FOREIGN, input, format!("{name} ({language})"));
        }
        (By::Context, None) => notes.trace(field, &CONTEXT, input, name),
        (By::Word, None) => notes.trace(field, rule, input, name),
    }
    value
}

/// What settled the meaning of a hit.
enum By<'h> {
    Word,
    Context,
    /// Nothing did: why it has several meanings, and which.
    Nothing {
        note: &'h str,
        meanings: &'h [i32],
    },
}

struct Settled<'h> {
    code: i32,
    by: By<'h>,
}

/// Settles what a hit means by the words of its own text, or else by what stands beside it.
/// Words that speak for two meanings settle nothing.
fn settled<'h>(hit: &'h Hit, folded: &str, beside: &str) -> Settled<'h> {
    let Some(doubt) = &hit.doubt else {
        let code = hit.code;
        return Settled { code, by: By::Word };
    };
    for text in [folded, beside] {
        let mut codes = doubt
            .context
            .iter()
            .filter(|(part, _)| begins_word(text, part))
            .map(|(_, code)| *code);
        if let Some(code) = codes.next() {
            if codes.all(|other| other == code) {
                let by = By::Context;
                return Settled { code, by };
            }
            break;
        }
    }
    Settled {
        code: hit.code,
        by: By::Nothing {
            note: &doubt.note,
            meanings: &doubt.meanings,
        },
    }
}

#[cfg(test)]
mod tests;

//! A nation's notation, compiled: zone, reference system, locale, vocabulary, marking table.
//! A profile belongs to one nation and holds nothing of another's markings; which profile
//! applies is decided by the verified certificate alone.

mod compile;
mod notation;
mod words;

pub use notation::{AxisOrderName, LetterOName, MarkingRow, ModelRow, Notation, Terms};

use super::lexicon::{self, Model, Models, Phrases};
use super::marking::Row;
use super::rules::Rules;
use crate::identity::NationCode;
use crate::record::AxisOrder;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A nation's notation, compiled and checked. The default one knows no words, no zone and no
/// marking.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    nation: Option<NationCode>,
    rules: Arc<Rules>,
    languages: Vec<String>,
    zone: Option<TimeZone>,
    reference_system: Option<String>,
    axis_order: Option<AxisOrder>,
    decimal_comma: bool,
    slashed_day_first: bool,
    letter_o: Option<LetterO>,
    months: HashMap<String, i8>,
    words: Arc<Words>,
    markings: HashMap<String, Row>,
    unverified: Vec<String>,
}

/// The vocabularies of a nation.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) observation: Phrases,
    pub(super) phase: Phrases,
    pub(super) means: Phrases,
    pub(super) weapon: Phrases,
    pub(super) kind: Phrases,
    pub(super) stage: Phrases,
    pub(super) status: Phrases,
    pub(super) caveat: Phrases,
    /// The nation's own models, before those that are shipped.
    pub(super) models: Models,
}

/// Something wrong with a notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, such as `notation.zone`.
    pub key: String,
    /// What is wrong with it, and what was expected.
    pub message: String,
}

impl Fault {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// What the letter O means after a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterO {
    /// Ouest, Oeste, Ovest.
    West,
    /// Ost, Oost.
    East,
}

impl Profile {
    /// Compiles a nation's notation.
    ///
    /// # Errors
    /// Every problem, each with its key.
    pub fn compile(
        nation: NationCode,
        notation: &Notation,
        rules: &Rules,
    ) -> Result<Self, Vec<Fault>> {
        compile::compile(nation, notation, rules)
    }

    /// Whose profile it is; `None` for the default one.
    #[must_use]
    pub fn nation(&self) -> Option<NationCode> {
        self.nation
    }

    /// The gateway-wide settings that this profile was compiled with.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The nation's languages, ISO 639-1, the first one first; English is always among them.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The zone of wall times.
    #[must_use]
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// The reference system of positions that name none, for example "MGRS" or "SK-42".
    #[must_use]
    pub fn reference_system(&self) -> Option<&str> {
        self.reference_system.as_deref()
    }

    /// The order of two numbers that nothing else tells.
    #[must_use]
    pub fn axis_order(&self) -> Option<AxisOrder> {
        self.axis_order
    }

    /// Whether a comma is the decimal separator (and a point groups thousands).
    #[must_use]
    pub fn decimal_comma(&self) -> bool {
        self.decimal_comma
    }

    /// Whether the day comes first in dates with slashes.
    #[must_use]
    pub fn slashed_day_first(&self) -> bool {
        self.slashed_day_first
    }

    /// What the letter O means after a coordinate.
    #[must_use]
    pub fn letter_o(&self) -> Option<LetterO> {
        self.letter_o
    }

    /// The number, 1 to 12, of a month that the nation writes so; any case. English names are
    /// the caller's, after the nation's own.
    #[must_use]
    pub fn month(&self, name: &str) -> Option<i8> {
        if self.months.is_empty() {
            return None;
        }
        self.months.get(&super::phrase::fold(name)).copied()
    }

    /// Markings that work although nobody has read them at their source, as the nation writes
    /// them, sorted.
    #[must_use]
    pub fn unverified_markings(&self) -> &[String] {
        &self.unverified
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// The model that is written so, the nation's own ones first.
    pub(super) fn model(&self, folded: &str) -> Option<&Model> {
        let own = self.words.models.get(folded);
        own.or_else(|| lexicon::shipped().ok()?.models.get(folded))
    }

    pub(super) fn marking_row(&self, folded: &str) -> Option<&Row> {
        self.markings.get(folded)
    }

    /// The nation's markings for a message, sorted.
    pub(super) fn marking_texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self
            .markings
            .values()
            .map(|row| row.text.as_str())
            .collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }
}

#[cfg(test)]
mod tests;

//! The `[notation]` table of a nation's file, as written. Nothing is checked here.

use serde::Deserialize;
use std::collections::BTreeMap;

/// How a nation writes. Every key is optional; absent: nothing is assumed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notation {
    /// Languages of the nation's words and months, ISO 639-1, the first wins; English is always
    /// understood. `cs`, `de`, `en`, `es`, `et`, `fr`, `it`, `nl`, `pl`, `ro`, `ru` and `uk` have
    /// words.
    pub languages: Vec<String>,
    /// IANA zone of wall times. Absent: a wall time without a zone is refused.
    pub zone: Option<String>,
    /// Reference system of positions that name none: `MGRS`, `UTM`, `UPS`, `WGS84`, `SK-42`,
    /// `UCS-2000`, `LCS-nn` or `EPSG:n`. Absent: the text must tell.
    pub reference_system: Option<String>,
    /// `north-east` or `east-north`: order of two numbers that nothing else tells. Absent: two
    /// numbers that could be swapped are refused.
    pub axis_order: Option<AxisOrderName>,
    /// A comma is the decimal separator, and a point groups thousands. Default: false.
    pub decimal_comma: bool,
    /// What the letter O means behind a coordinate and in a wind: `west` (Ouest) or `east` (Ost). Absent: it is
    /// refused.
    pub letter_o: Option<LetterOName>,
    /// In dates with slashes the day comes first: `15/01/2026`. Default: false, and such dates
    /// are refused, because to some the month comes first.
    pub slashed_day_first: bool,
    /// The nation's own names of months, beside those of its languages, to 1 to 12.
    pub months: BTreeMap<String, u8>,
    /// The nation's own words, before those of its languages.
    pub terms: Terms,
    /// The nation's own models of equipment, before those that Entente ships.
    pub models: Vec<ModelRow>,
    /// Policies other than its own whose markings the nation uses: `NATO`, `EU`.
    pub marking_policies: Vec<String>,
    /// The nation's markings, beside those that Entente ships as read at their source.
    pub markings: Vec<MarkingRow>,
}

/// Order of the two numbers of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum AxisOrderName {
    NorthEast,
    EastNorth,
}

/// Direction that the letter O stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LetterOName {
    West,
    East,
}

/// A nation's own words: word or phrase to the name of the code, such as `"гуп" = "EXPLOSION"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Types of observation.
    pub observation: BTreeMap<String, String>,
    /// Phases of fire.
    pub phase: BTreeMap<String, String>,
    /// Means of observation.
    pub means: BTreeMap<String, String>,
    /// Classes of weapons and equipment.
    pub weapon: BTreeMap<String, String>,
    /// Kinds of contribution.
    pub kind: BTreeMap<String, String>,
    /// Stages of commitment.
    pub stage: BTreeMap<String, String>,
    /// Operational status; the only place where colours get a meaning.
    pub status: BTreeMap<String, String>,
    /// Limits on a contribution.
    pub caveat: BTreeMap<String, String>,
}

/// One model of equipment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRow {
    /// Its usual name; blanks, dashes and quotes do not count.
    pub name: String,
    /// Other ways of writing it.
    #[serde(default)]
    pub also: Vec<String>,
    /// Name of its class, such as `HOWITZER_SP`.
    pub class: String,
    /// Calibre of its main weapon, millimetres. Absent: it has none, or it is not known.
    #[serde(default)]
    pub calibre_mm: Option<f64>,
}

/// One marking of the nation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkingRow {
    /// As the nation writes it; case, accents, dashes and blanks do not count.
    pub text: String,
    /// Other ways of writing it.
    #[serde(default)]
    pub also: Vec<String>,
    /// `UNCLASSIFIED`, `RESTRICTED`, `CONFIDENTIAL`, `SECRET` or `TOP_SECRET`.
    pub level: String,
    /// Someone read this row at its source. Default: false; it works all the same, and
    /// `entente check` and the trace say so.
    #[serde(default)]
    pub verified: bool,
}

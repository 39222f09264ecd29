//! Markings, keyed by (nation, marking): never by the word alone. An unknown marking is a
//! violation, so that it goes to quarantine and is never taken for a lower one.

pub(in crate::normalise) mod country;
mod label;
mod labelled;
mod release;

use super::Profile;
use super::lexicon;
use super::notes::{Notes, Rule, bounded, quoted};
use super::phrase::fold;
use crate::identity::NationCode;
use crate::record::{self, Level, Text};
use crate::report;
use std::borrow::Cow;

static MISSING: Rule = Rule::new("marking.missing", "every report is marked", "domain.md 5");
static UNKNOWN: Rule = Rule::new(
    "marking.unknown",
    "a marking that the nation's table does not have is refused, never taken for another",
    "domain.md 5.2, 5.3",
);
static MAPPED: Rule = Rule::new(
    "marking.mapped",
    "a marking to the canonical ladder by the row (nation, marking)",
    "domain.md 5.1",
);
static UNVERIFIED: Rule = Rule::new(
    "marking.unverified",
    "the row that mapped the marking was not read at its source",
    "the nation's file, domain.md 5.1",
);
static CAVEAT: Rule = Rule::new(
    "marking.caveat",
    "what stands behind `//` is NOFORN, REL TO that agrees with the release list, or a special category",
    "domain.md 5.3",
);
static SPECIAL: Rule = Rule::new(
    "marking.special",
    "a special category is a short name",
    "domain.md 5.3",
);

static CONTROLLED: Rule = Rule::new(
    "marking.originator_control",
    "originator control (ORCON, OC) names nations one by one; a group is refused",
    "domain.md 5.3; docs/FEED.md",
);

/// Originator control, as records carry it among the special categories.
const ORCON: &str = "ORCON";

/// Longest marking, bytes.
const TEXT_BYTES_MAX: usize = 500;

/// Most special categories of one report.
const SPECIAL_MAX: usize = 16;

/// Longest name of a special category, bytes.
const SPECIAL_BYTES_MAX: usize = 64;

/// One row of a marking table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) level: Level,
    pub(super) policy: Text,
    pub(super) verified: bool,
}

/// The marking of a report; `None` with a violation where it is missing, unknown or
/// contradicts itself. Says its fields below `marking`.
pub fn marking(
    marking: Option<report::Marking>,
    nation: NationCode,
    profile: &Profile,
    notes: &mut Notes,
) -> Option<record::Marking> {
    notes.within("marking", |notes| {
        let marking = marking
            .filter(|marking| !marking.text.trim().is_empty() || !marking.releasable_to.is_empty());
        let Some(mut marking) = marking else {
            notes.violate("", &MISSING, "not given", known(profile));
            return None;
        };
        let before = notes.violation_count();
        let text = marking.text.as_str();
        let list = std::mem::take(&mut marking.releasable_to);
        let found = match label::is_label(text) {
            true => labelled::found(text, list, nation, profile, notes),
            false => written(text, list, nation, profile, notes),
        };
        let given = marking.special.iter().chain(&found.special);
        let special = special(given, notes);
        if special.iter().any(|name| name == ORCON) && !found.release.groups.is_empty() {
            let message = format!(
                "{ORCON} and a release to {}",
                found.release.groups.join(", ")
            );
            let expected = "nations, ISO 3166-1 alpha-3, one by one";
            notes.violate("releasable_to", &CONTROLLED, message, expected);
        }
        if notes.violation_count() > before {
            return None;
        }
        let (row, release) = (found.row?, found.release);
        said(row, &found.head, notes);
        Some(record::Marking {
            level: row.level,
            policy: row.policy.clone(),
            releasable_to: release.nations,
            group_codes: release.groups,
            special,
            originator_marking: marking.text,
            mapping_verified: row.verified,
        })
    })
}

/// What a marking says, as far as it was understood.
#[derive(Default)]
struct Marked<'t, 'p> {
    /// The marking itself, as it was written.
    head: Cow<'t, str>,
    row: Option<&'p Row>,
    release: release::Release,
    special: Vec<String>,
}

/// What a marking in words says: `SECRET//REL TO USA, FRA`, `NATO SECRET ATOMAL`.
fn written<'t, 'p>(
    text: &'t str,
    releasable_to: Vec<String>,
    nation: NationCode,
    profile: &'p Profile,
    notes: &mut Notes,
) -> Marked<'t, 'p> {
    let (head, caveats) = parts(text);
    let mut marked = Marked::default();
    let head = match without_category(head) {
        Some((head, category)) => {
            marked.special.push(category.to_owned());
            head
        }
        None => head,
    };
    marked.head = Cow::Borrowed(head);
    marked.row = row(head, nation, profile, notes);
    marked.release = release::list(releasable_to, profile, notes);
    for caveat in caveats {
        match category(caveat) {
            Some(category) => marked.special.push(category.to_owned()),
            None => caveat_agrees(caveat, nation, profile, &mut marked.release, notes),
        }
    }
    marked
}

/// Special categories that may stand in a marking: NATO's special category designators.
const CATEGORIES: &[&str] = &["ATOMAL", "BOHEMIA", "CRYPTO", "SIOP"];

fn category(text: &str) -> Option<&'static str> {
    if is_originator_control(text) {
        return Some(ORCON);
    }
    let known = CATEGORIES.iter();
    known
        .copied()
        .find(|category| category.eq_ignore_ascii_case(text.trim()))
}

/// The ways in which originator control is written.
fn is_originator_control(text: &str) -> bool {
    let plain = text.trim().to_ascii_uppercase().replace('-', " ");
    matches!(
        plain.as_str(),
        "ORCON" | "OC" | "ORIGINATOR CONTROLLED" | "ORIGINATOR CONTROL"
    )
}

/// `COSMIC TOP SECRET ATOMAL` as the marking and its category.
fn without_category(head: &str) -> Option<(&str, &'static str)> {
    let (before, last) = head.rsplit_once(char::is_whitespace)?;
    category(last).map(|category| (before.trim_end(), category))
}

/// A record's marking as a STANAG 4774 label, with the time of the report.
///
/// # Errors
/// Why such a label would release to more nations than the record does.
pub fn label(record: &record::Record, profile: &Profile) -> Result<String, String> {
    let nato = profile.rules().groups.get("NATO");
    let nato = nato.iter().flat_map(|group| &group.nations);
    let created = record.reported_at.unwrap_or(record.received_at);
    label::write(
        &record.marking,
        &record.nation,
        &created.to_string(),
        &nato.map(String::as_str).collect(),
    )
}

/// The marking itself, and the caveats behind `//`.
fn parts(text: &str) -> (&str, impl Iterator<Item = &str>) {
    let mut parts = text.split("//");
    let head = parts.next().unwrap_or_default().trim();
    (head, parts.map(str::trim))
}

fn row<'p>(
    head: &str,
    nation: NationCode,
    profile: &'p Profile,
    notes: &mut Notes,
) -> Option<&'p Row> {
    if head.is_empty() {
        notes.violate("text", &MISSING, "not given", known(profile));
        return None;
    }
    if head.len() > TEXT_BYTES_MAX {
        let message = format!("{} bytes are too long", head.len());
        let expected = format!("at most {TEXT_BYTES_MAX} bytes");
        notes.violate("text", &UNKNOWN, message, expected);
        return None;
    }
    let folded = fold(head);
    // `DEU GEHEIM` is what a label of the nation's own policy says.
    let own_row = || {
        let bare = folded.strip_prefix(&fold(nation.as_str()))?;
        let row = profile.marking_row(bare.trim_start())?;
        (row.policy == nation.as_str()).then_some(row)
    };
    let row = profile.marking_row(&folded).or_else(own_row);
    if row.is_none() {
        let others = lexicon::shipped().map(|lexicon| lexicon.policies_with(&folded));
        let hint = match others.unwrap_or_default().join(", ") {
            others if others.is_empty() => String::new(),
            others => format!("; it is a marking of {others}"),
        };
        let message = format!("{} is no marking of {nation}{hint}", quoted(head));
        notes.violate("text", &UNKNOWN, message, known(profile));
    }
    row
}

fn said(row: &Row, head: &str, notes: &mut Notes) {
    let output = || [row.level.name(), " (", &row.policy, ")"].concat();
    if !row.verified {
        notes.warn("text", &UNVERIFIED, bounded(head), output());
    } else if head != row.level.name() {
        notes.trace("text", &MAPPED, bounded(head), output());
    }
}

fn known(profile: &Profile) -> String {
    let texts = profile.marking_texts();
    if texts.is_empty() {
        return "a marking from the nation's file; it has none".to_owned();
    }
    format!("one of {}", texts.join(", "))
}

/// Judges a caveat against the release list, or takes the list from it where there is none.
fn caveat_agrees(
    caveat: &str,
    nation: NationCode,
    profile: &Profile,
    release: &mut release::Release,
    notes: &mut Notes,
) {
    let folded = fold(caveat);
    if matches!(folded.as_str(), "noforn" | "nf") {
        let others = release.nations.iter().any(|n| n != nation.as_str());
        if others {
            let message = format!("{} and a release to others", quoted(caveat));
            let expected = "either no release list, or no such caveat";
            notes.violate("releasable_to", &CAVEAT, message, expected);
        }
        return;
    }
    let list = folded
        .strip_prefix("rel to ")
        .or_else(|| folded.strip_prefix("rel "));
    let Some(list) = list else {
        let message = format!("{} is not understood", quoted(caveat));
        let expected = "NOFORN or REL TO with a list of nations; others in `special`";
        notes.violate("text", &CAVEAT, message, expected);
        return;
    };
    let codes: Vec<String> = list
        .split([',', ' '])
        .filter(|code| !code.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    let named = notes.within("text", |notes| release::list(codes, profile, notes));
    if release.nations.is_empty() {
        notes.trace(
            "releasable_to",
            &CAVEAT,
            bounded(caveat),
            named.nations.join(" "),
        );
        *release = named;
    } else if release.nations != named.nations {
        let message = format!("{} and another release list", quoted(caveat));
        let expected = "one list of nations; the other empty or the same";
        notes.violate("releasable_to", &CAVEAT, message, expected);
    }
}

fn special<'n>(names: impl Iterator<Item = &'n String>, notes: &mut Notes) -> Vec<String> {
    let names: Vec<&String> = names.collect();
    if names.len() > SPECIAL_MAX {
        let message = format!("{} categories", names.len());
        notes.violate(
            "special",
            &SPECIAL,
            message,
            format!("at most {SPECIAL_MAX}"),
        );
        return Vec::new();
    }
    let mut special = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let plain = name.trim().to_ascii_uppercase();
        let fits = (1..=SPECIAL_BYTES_MAX).contains(&plain.len())
            && plain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b" -_".contains(&b));
        if fits && is_originator_control(&plain) {
            special.push(ORCON.to_owned());
        } else if fits {
            special.push(plain);
        } else {
            notes.violate(
                &format!("special[{index}]"),
                &SPECIAL,
                format!("{} is no category", quoted(name)),
                format!("1 to {SPECIAL_BYTES_MAX} letters, digits, blanks or hyphens"),
            );
        }
    }
    special.sort_unstable();
    special.dedup();
    special
}

#[cfg(test)]
mod tests;

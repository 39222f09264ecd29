//! Counts and calibres as nations write them. Absent is not zero: a text without a number gives
//! a count without a number.

mod amount;
mod calibre;
mod words;

pub use calibre::{calibre_mm, calibres};

use super::notes::{Notes, Rule, bounded, quoted};
use super::{Profile, code};
use crate::record::{Count, CountQualifier};
use crate::report;
pub(super) use amount::{Amount, amount};
pub(super) use words::Qualifier;

static ONE_FORM: Rule = Rule::new(
    "quantity.count_one_form",
    "a count is given once: as text, or as numbers",
    "report.proto",
);
static UNREADABLE: Rule = Rule::new(
    "quantity.count_unreadable",
    "a count in words is a number or a range with at most one qualifier",
    "domain.md 7.2",
);
static ENDS: Rule = Rule::new(
    "quantity.count_ends",
    "the ends of a count agree with its qualifier and with each other",
    "record.proto",
);
static TOO_LARGE: Rule = Rule::new(
    "quantity.count_too_large",
    "a count beyond a million is a mistake or a sentinel",
    "domain.md 10",
);
static COUNT: Rule = Rule::new(
    "quantity.count",
    "a count in words to its ends and qualifier",
    "domain.md 7.2",
);
/// Said without a number.
static UNQUANTIFIED: Rule = Rule::new(
    "quantity.count_unquantified",
    "words such as `numerous` give a count without a number",
    "domain.md 7.2",
);

/// The largest count that is believed.
pub const COUNT_MAX: u32 = 1_000_000;

const FORMS: &str = "for example `5`, `about 640`, `8-10`, `at least 14`, `fewer than 30`, \
                     `numerous`";

/// A count; `None` where nothing is said, and with a violation where it is wrong.
pub fn count(
    count: &report::Count,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Count> {
    let has_numbers = count.min.is_some() || count.max.is_some() || count.qualifier != 0;
    if count.text.trim().is_empty() {
        return has_numbers.then(|| typed(count, field, notes)).flatten();
    }
    if has_numbers {
        let message = "both words and numbers";
        notes.violate(
            field,
            &ONE_FORM,
            message,
            "either text, or min, max and qualifier",
        );
        return None;
    }
    let Some(read) = in_words(&count.text, profile.decimal_comma()) else {
        let message = format!("{} is no count", quoted(&count.text));
        notes.violate(field, &UNREADABLE, message, FORMS);
        return None;
    };
    let read = bounded_count(read, field, notes)?;
    if read.qualifier == CountQualifier::Unquantified {
        notes.warn(field, &UNQUANTIFIED, bounded(&count.text), "no number");
    } else {
        notes.trace(field, &COUNT, bounded(&count.text), describe(read));
    }
    Some(read)
}

fn typed(count: &report::Count, field: &str, notes: &mut Notes) -> Option<Count> {
    let qualifier = if count.qualifier == 0 {
        match (count.min, count.max) {
            (None, Some(_)) => CountQualifier::AtMost,
            _ => CountQualifier::Exact,
        }
    } else {
        code::optional(count.qualifier, field, notes)?
    };
    let (min, max) = match (qualifier, count.min, count.max) {
        (CountQualifier::Exact | CountQualifier::About, Some(min), max) => {
            (Some(min), Some(max.unwrap_or(min)))
        }
        (CountQualifier::AtLeast, Some(min), None) => (Some(min), None),
        (CountQualifier::AtMost, None | Some(0), Some(max)) => (None, Some(max)),
        (CountQualifier::Unquantified, None, None) => (None, None),
        (qualifier, ..) => {
            let message = format!("the ends do not fit the qualifier {}", qualifier.name());
            let expected = "EXACT and ABOUT: min, perhaps max; AT_LEAST: min only; AT_MOST: max \
                            only; UNQUANTIFIED: neither";
            notes.violate(field, &ENDS, message, expected);
            return None;
        }
    };
    if count.qualifier == 0 && count.min.is_none() {
        notes.trace(field, &COUNT, "max only", qualifier.name());
    }
    let count = Count {
        min,
        max,
        qualifier,
    };
    bounded_count(count, field, notes)
}

fn bounded_count(count: Count, field: &str, notes: &mut Notes) -> Option<Count> {
    if let (Some(min), Some(max)) = (count.min, count.max)
        && min > max
    {
        let message = format!("min {min} is more than max {max}");
        notes.violate(field, &ENDS, message, "min at most max");
        return None;
    }
    let largest = count.max.or(count.min).unwrap_or(0);
    if largest > COUNT_MAX {
        let expected = format!("at most {COUNT_MAX}; leave it out when it is not known");
        notes.violate(
            field,
            &TOO_LARGE,
            format!("{largest} is too many"),
            expected,
        );
        return None;
    }
    Some(count)
}

/// Reads a count in words.
fn in_words(text: &str, decimal_comma: bool) -> Option<Count> {
    let Amount {
        qualifier,
        ends,
        rest,
    } = amount(text, decimal_comma)?;
    if !words::is_piece(&rest) {
        return None;
    }
    let Some((min, max)) = ends else {
        let unquantified = Count {
            min: None,
            max: None,
            qualifier: CountQualifier::Unquantified,
        };
        return (qualifier == Qualifier::Unquantified).then_some(unquantified);
    };
    let (min, max) = (whole(min)?, whole(max)?);
    let single = min == max;
    let (min, max, qualifier) = match qualifier {
        Qualifier::None => (Some(min), Some(max), CountQualifier::Exact),
        Qualifier::About => (Some(min), Some(max), CountQualifier::About),
        Qualifier::AtLeast if single => (Some(min), None, CountQualifier::AtLeast),
        Qualifier::MoreThan if single => (min.checked_add(1), None, CountQualifier::AtLeast),
        Qualifier::AtMost if single => (None, Some(max), CountQualifier::AtMost),
        Qualifier::FewerThan if single => (None, Some(max.checked_sub(1)?), CountQualifier::AtMost),
        _ => return None,
    };
    Some(Count {
        min,
        max,
        qualifier,
    })
}

fn whole(value: f64) -> Option<u32> {
    if value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range, as just checked"
    )]
    Some(value as u32)
}

fn describe(count: Count) -> String {
    let end = |end: Option<u32>| end.map_or_else(String::new, |end| end.to_string());
    format!(
        "{} {}..{}",
        count.qualifier.name(),
        end(count.min),
        end(count.max)
    )
}

#[cfg(test)]
mod tests;

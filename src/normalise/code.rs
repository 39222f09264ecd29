//! Judges bare numbers of the contract's enumerations: unknown is a violation that names what
//! is allowed, never a silent fallback.

use super::notes::{Notes, Rule};
use crate::record::Coded;

static UNKNOWN: Rule = Rule::new(
    "code.unknown",
    "a number that is not in the contract's enumeration is refused",
    "record.proto, report.proto",
);
static MISSING: Rule = Rule::new(
    "code.missing",
    "a required code is given",
    "record.proto, report.proto",
);

/// The value; `None` with a violation when the number is unknown or 0.
pub fn required<T: Coded>(number: i32, field: &str, notes: &mut Notes) -> Option<T> {
    if number == 0 {
        notes.violate(field, &MISSING, "not given", one_of::<T>());
        return None;
    }
    optional(number, field, notes)
}

/// The value; `None` when not given, and with a violation when the number is unknown.
pub fn optional<T: Coded>(number: i32, field: &str, notes: &mut Notes) -> Option<T> {
    if number == 0 {
        return None;
    }
    let value = T::of_number(number);
    if value.is_none() {
        let message = format!("{number} is not in the contract");
        notes.violate(field, &UNKNOWN, message, one_of::<T>());
    }
    value
}

/// All values, for a message.
#[must_use]
pub fn one_of<T: Coded>() -> String {
    let list: Vec<String> = T::VALUES
        .iter()
        .map(|value| format!("{} ({})", value.code_name(), value.code_number()))
        .collect();
    format!("one of {}", list.join(", "))
}

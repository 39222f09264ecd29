//! Personnel rows: `deployed <= authorised`, `effective <= deployed`, and
//! `female + male + undisclosed = deployed`, each over what was given.

use crate::normalise::code;
use crate::normalise::notes::{Notes, Rule};
use crate::record;
use crate::report;

static ROWS: Rule = Rule::new(
    "contribution.personnel_rows",
    "one row for each category of people",
    "domain.md 6.2",
);
static DEPLOYED: Rule = Rule::new(
    "contribution.deployed",
    "no more people are deployed than authorised, and no more are fit than deployed",
    "domain.md 6.2",
);
static SPLIT: Rule = Rule::new(
    "contribution.split",
    "women, men and undisclosed together are the deployed",
    "domain.md 6.2",
);
static NUMBER: Rule = Rule::new(
    "contribution.number",
    "a number beyond a million is a mistake or a sentinel",
    "domain.md 10",
);

/// One row for each category, and some room for categories to come.
const ROWS_MAX: usize = 32;

/// The largest number that is believed.
pub(super) const NUMBER_MAX: u32 = 1_000_000;

pub(super) fn personnel(rows: &[report::Personnel], notes: &mut Notes) -> Vec<record::Personnel> {
    if rows.len() > ROWS_MAX {
        let message = format!("{} rows", rows.len());
        notes.violate("personnel", &ROWS, message, format!("at most {ROWS_MAX}"));
        return Vec::new();
    }
    let mut people: Vec<record::Personnel> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        notes.within_item("personnel", index, |notes| {
            let Some(row) = one(row, notes) else { return };
            if people.iter().any(|other| other.category == row.category) {
                let message = format!("{} is there twice", row.category.name());
                notes.violate("category", &ROWS, message, "one row for each category");
            }
            people.push(row);
        });
    }
    people
}

fn one(row: &report::Personnel, notes: &mut Notes) -> Option<record::Personnel> {
    for (field, number) in [
        ("authorised", row.authorised),
        ("deployed", row.deployed),
        ("effective", row.effective),
        ("female", row.female),
        ("male", row.male),
        ("undisclosed", row.undisclosed),
    ] {
        believable(field, number, notes);
    }
    at_most(
        ("deployed", row.deployed),
        ("authorised", row.authorised),
        &DEPLOYED,
        notes,
    );
    at_most(
        ("effective", row.effective),
        ("deployed", row.deployed),
        &DEPLOYED,
        notes,
    );
    let parts = [row.female, row.male, row.undisclosed];
    adds_up(&parts, row.deployed, "deployed", &SPLIT, notes);
    Some(record::Personnel {
        category: code::required(row.category, "category", notes)?,
        authorised: row.authorised,
        deployed: row.deployed,
        effective: row.effective,
        female: row.female,
        male: row.male,
        undisclosed: row.undisclosed,
    })
}

/// A violation where a number is beyond belief.
pub(super) fn believable(field: &str, number: Option<u32>, notes: &mut Notes) {
    if let Some(number) = number.filter(|number| *number > NUMBER_MAX) {
        let expected = format!("at most {NUMBER_MAX}; leave it out when it is not known");
        notes.violate(field, &NUMBER, format!("{number} is too many"), expected);
    }
}

/// A violation where both are given and the first is more than the second.
pub(super) fn at_most(
    (field, number): (&str, Option<u32>),
    (limit_field, limit): (&str, Option<u32>),
    rule: &'static Rule,
    notes: &mut Notes,
) {
    if let (Some(number), Some(limit)) = (number, limit)
        && number > limit
    {
        let message = format!("{number} is more than {limit_field}, {limit}");
        notes.violate(field, rule, message, format!("at most {limit}"));
    }
}

/// A violation where the parts that are given are more than the whole, or all are given and are
/// not the whole.
pub(super) fn adds_up(
    parts: &[Option<u32>],
    whole: Option<u32>,
    field: &str,
    rule: &'static Rule,
    notes: &mut Notes,
) {
    let Some(whole) = whole else { return };
    let given: Vec<u64> = parts
        .iter()
        .flatten()
        .map(|part| u64::from(*part))
        .collect();
    if given.is_empty() {
        return;
    }
    let sum: u64 = given.iter().sum();
    let all = given.len() == parts.len();
    if sum > u64::from(whole) || (all && sum != u64::from(whole)) {
        let message = format!("the parts are {sum}, the whole is {whole}");
        let expected = "parts that add up to the whole; leave out what is not known";
        notes.violate(field, rule, message, expected);
    }
}

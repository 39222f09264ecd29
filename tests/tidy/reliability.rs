//! The table of faults in `docs/RELIABILITY.md` and the tests that show them name each other.

use super::threats::tests;
use super::{none, read, root};
use std::collections::BTreeMap;
use std::path::Path;

/// Letters of the cases, and how many there are of each.
const CASES: [(char, u32); 3] = [('D', 17), ('S', 9), ('N', 11)];
/// Cases that are not shown; their rows say so.
const WITHOUT_TEST: [&str; 2] = ["N7", "N11"];

/// What a row says, and the tests that it names.
type Row = (String, Vec<String>);

/// The rows of the table, by case.
fn table() -> BTreeMap<String, Row> {
    let text = read(Path::new("docs/RELIABILITY.md"));
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" |");
        let case = cells.next()?.to_owned();
        let (said, named) = (cells.next()?.trim(), cells.next()?);
        let named = named.split('`').skip(1).step_by(2).map(str::to_owned);
        let row = (said.to_owned(), named.collect());
        case[1..].parse::<u32>().is_ok().then_some((case, row))
    });
    rows.collect()
}

/// Whether a test says in its name or in the comment above it which case it shows: `d4_...`,
/// `d04_...`, `/// D4: ...`.
fn carries(test: &str, case: &str) -> bool {
    let (module, function) = test.split_once("::").unwrap();
    let number: u32 = case[1..].parse().unwrap();
    let letter = case[..1].to_lowercase();
    let mut words = function.split('_');
    let in_name = words.any(|word| {
        let digits = word.strip_prefix(&letter);
        digits.and_then(|digits| digits.parse().ok()) == Some(number)
    });
    let text = std::fs::read_to_string(root().join(format!("tests/{module}.rs"))).unwrap();
    let (above, _) = text.split_once(&format!("fn {function}(")).unwrap();
    let above = above.rsplit("\n\n").next().unwrap_or_default();
    let mut words = above.split(|c: char| !c.is_ascii_alphanumeric());
    in_name || words.any(|word| word == case)
}

#[test]
fn every_case_of_the_table_has_a_test_that_says_so() {
    let (table, tests) = (table(), tests());
    let mut faults = Vec::new();
    for (letter, count) in CASES {
        for case in (1..=count).map(|number| format!("{letter}{number}")) {
            let Some((said, named)) = table.get(&case) else {
                faults.push(format!("{case} has no row"));
                continue;
            };
            let says_none = said.starts_with("**Not shown**") || said.starts_with("**Not applic");
            let may_have_none = WITHOUT_TEST.contains(&case.as_str());
            if named.is_empty() != says_none || says_none != may_have_none {
                faults.push(format!("{case}: tests, or \"Not shown\" with a reason"));
            }
            for name in named {
                if !tests.contains(name) {
                    faults.push(format!("{case}: there is no test `{name}`"));
                } else if !carries(name, &case) {
                    faults.push(format!("{case}: `{name}` does not say that it shows it"));
                }
            }
        }
    }
    let all: u32 = CASES.iter().map(|(_, count)| count).sum();
    if table.len() != usize::try_from(all).unwrap() {
        faults.push(format!("{} rows for {all} cases", table.len()));
    }
    none(faults);
}

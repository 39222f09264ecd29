//! The catalogue of attacks in `docs/THREATS.md` and the tests that carry it out name each other.

use super::{none, read, rust_files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Attacks that the catalogue numbers.
const CASES: u32 = 56;
/// Attacks on what there is not yet: signatures, proofs, witnesses. Their rows say so.
const NOT_APPLICABLE: [u32; 3] = [52, 55, 56];

/// The rows of the catalogue: number and tests, as `gateway/http2::name`.
fn catalogue() -> BTreeMap<u32, Vec<String>> {
    let text = read(Path::new("docs/THREATS.md"));
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number = cells.next()?.parse().ok()?;
        let tests = cells.nth(1)?.split('`').skip(1).step_by(2);
        Some((number, tests.map(str::to_owned).collect()))
    });
    rows.collect()
}

/// Every test function by the same names.
pub(super) fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in rust_files() {
        let Ok(within) = path.strip_prefix("tests") else {
            continue;
        };
        let module = within.with_extension("").display().to_string();
        let text = read(&path);
        for (at, _) in text.match_indices("fn ") {
            let marked = text[..at].trim_end().trim_end_matches("async").trim_end();
            let is_test = marked.rsplit('\n').next().is_some_and(|line| {
                line.starts_with("#[test]") || line.starts_with("#[tokio::test")
            });
            if is_test {
                found.insert(format!("{module}::{}", super::word(&text[at + 3..])));
            }
        }
    }
    found
}

#[test]
fn every_case_of_the_catalogue_has_a_test_and_every_test_of_a_case_stands_in_it() {
    let (catalogue, tests) = (catalogue(), tests());
    let mut faults = Vec::new();
    for case in 1..=CASES {
        match catalogue.get(&case) {
            None => faults.push(format!("case {case} has no row")),
            Some(named) if named.is_empty() && NOT_APPLICABLE.contains(&case) => {}
            Some(named) if named.is_empty() => faults.push(format!("case {case} names no test")),
            Some(named) => {
                for name in named {
                    let carries_number = name.contains(&format!("::case_{case}_"));
                    if !tests.contains(name) || !carries_number {
                        faults.push(format!("case {case}: there is no test `{name}`"));
                    }
                }
            }
        }
    }
    for name in tests.iter().filter(|name| name.contains("::case_")) {
        if !catalogue.values().any(|named| named.contains(name)) {
            faults.push(format!("{name} stands in no row"));
        }
    }
    none(faults);
}

//! The catalogue of rules: the documentation shows every rule as it stands in the code, and
//! whatever a report meets is in it.

use crate::support::{judge, typed, typed_with};
use entente::normalise::catalogue;
use entente::report;
use std::path::Path;

const BEGIN: &str = "<!-- rules: begin -->\n";
const END: &str = "<!-- rules: end -->";

#[test]
fn the_documentation_has_every_rule_as_it_stands() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/NORMALISATION.md");
    let text = std::fs::read_to_string(&file).expect("the documentation");
    let (before, rest) = text.split_once(BEGIN).expect("a beginning");
    let (shown, behind) = rest.split_once(END).expect("an end");
    let rules = catalogue::markdown();
    if std::env::var_os("ENTENTE_WRITE_DOCS").is_some() {
        let written = format!("{before}{BEGIN}{rules}{END}{behind}");
        std::fs::write(&file, written).expect("written");
        return;
    }
    assert!(
        shown == rules,
        "docs/NORMALISATION.md is out of date: run the tests with ENTENTE_WRITE_DOCS=1 once"
    );
}

#[test]
fn what_a_report_meets_is_in_the_catalogue() {
    let record = judge(typed_with(|sighting| {
        sighting.verification_status = 0;
        sighting.location = Some(report::Location {
            text: "37UDP1072918760".to_owned(),
            ..report::Location::default()
        });
    }))
    .expect("a record");
    assert!(!record.trace.is_empty());
    for entry in &record.trace {
        let rule = catalogue::find(entry.rule).expect("a known rule");
        assert_eq!(entry.rule_version, rule.version);
    }
    let mut wrong = typed();
    wrong.marking = None;
    wrong.revision = 0;
    wrong.environment = 0;
    for violation in judge(wrong).expect_err("a refusal").list {
        assert!(catalogue::find(violation.rule).is_some(), "{violation:?}");
    }
}

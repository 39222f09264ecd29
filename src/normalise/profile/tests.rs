//! Goal: a notation compiles as written, every problem is told at once with its key, and a
//! nation cannot contradict a marking that was read at its source.

use super::*;
use crate::record::Level;

fn compile(nation: &str, notation: &Notation) -> Result<Profile, Vec<Fault>> {
    let nation = NationCode::parse(nation).unwrap();
    Profile::compile(nation, notation, &Rules::default())
}

fn marking(text: &str, level: &str) -> Notation {
    Notation {
        markings: vec![MarkingRow {
            text: text.to_owned(),
            level: level.to_owned(),
            ..MarkingRow::default()
        }],
        ..Notation::default()
    }
}

#[test]
fn a_notation_is_read_as_written() {
    let notation = Notation {
        languages: vec!["pl".to_owned()],
        zone: Some("Europe/Warsaw".to_owned()),
        reference_system: Some("MGRS".to_owned()),
        axis_order: Some(AxisOrderName::NorthEast),
        decimal_comma: true,
        letter_o: Some(LetterOName::West),
        months: [("blm".to_owned(), 2)].into(),
        ..Notation::default()
    };
    let profile = compile("POL", &notation).unwrap();
    assert_eq!(profile.languages(), ["pl", "en"]);
    assert!(profile.zone().is_some());
    assert_eq!(profile.reference_system(), Some("MGRS"));
    assert_eq!(profile.axis_order(), Some(AxisOrder::NorthEast));
    assert!(profile.decimal_comma());
    assert_eq!(profile.letter_o(), Some(LetterO::West));
    assert_eq!(profile.month("LIS"), Some(11));
    assert_eq!(profile.month("Lip"), Some(7));
    assert_eq!(profile.month("BLM"), Some(2));
    assert_eq!(profile.month("nov"), None, "English names are the caller's");
}

#[test]
fn a_nation_may_name_its_months_itself() {
    let notation = Notation {
        months: [("lip".to_owned(), 6), ("lis".to_owned(), 10)].into(),
        ..Notation::default()
    };
    let profile = compile("HRV", &notation).unwrap();
    assert_eq!(profile.month("LIP"), Some(6));
    assert_eq!(profile.month("LIS"), Some(10));
}

#[test]
fn every_problem_is_told_at_once() {
    let mut notation = marking("X", "HIGH");
    notation.languages = vec!["xx".to_owned()];
    notation.zone = Some("Europe/Kiew".to_owned());
    notation.reference_system = Some("ED50".to_owned());
    notation.months = [("foo".to_owned(), 13)].into();
    notation.marking_policies = vec!["OSCE".to_owned()];
    notation.terms.weapon = [("thing".to_owned(), "GUN".to_owned())].into();
    let problems = compile("GBR", &notation).unwrap_err();
    for key in [
        "notation.languages: ",
        "notation.zone: ",
        "notation.reference_system: ",
        "notation.months.foo: ",
        "notation.marking_policies: ",
        "notation.terms.weapon.thing: ",
        "notation.markings[0].level: ",
    ] {
        let told = problems
            .iter()
            .filter(|problem| problem.to_string().starts_with(key))
            .count();
        assert_eq!(told, 1, "{key} {problems:?}");
    }
    assert_eq!(problems.len(), 7);
}

#[test]
fn false_community_rows_are_refused() {
    for (nation, text, false_level, official) in [
        ("POL", "ZASTRZEŻONE", "CONFIDENTIAL", Level::Restricted),
        ("ITA", "RISERVATO", "CONFIDENTIAL", Level::Restricted),
        ("ESP", "SECRETO", "SECRET", Level::TopSecret),
    ] {
        let problems = compile(nation, &marking(text, false_level)).unwrap_err();
        assert!(problems[0].message.contains("cannot be"), "{problems:?}");
        let profile = compile(nation, &Notation::default()).unwrap();
        let row = profile
            .marking_row(&crate::normalise::phrase::fold(text))
            .unwrap();
        assert_eq!((row.level, row.verified), (official, true));
    }
}

#[test]
fn two_rows_of_a_file_cannot_contradict_each_other() {
    let mut notation = marking("OFFEN", "UNCLASSIFIED");
    notation
        .markings
        .extend(marking("Offen", "RESTRICTED").markings);
    assert!(compile("DEU", &notation).is_err());
}

#[test]
fn unverified_rows_are_listed() {
    let mut notation = marking("OFFEN", "UNCLASSIFIED");
    notation
        .markings
        .extend(marking("GEHEIM", "SECRET").markings);
    let profile = compile("DEU", &notation).unwrap();
    // GEHEIM is shipped as read at its source, whatever the file says.
    assert_eq!(profile.unverified_markings(), ["OFFEN"]);
}

#[test]
fn no_profile_has_markings_of_another_nation() {
    let german = compile("DEU", &Notation::default()).unwrap();
    assert!(german.marking_row("geheim").is_some());
    assert!(german.marking_row("secreto").is_none());
    assert!(
        german.marking_row("nato secret").is_none(),
        "no policy was declared"
    );
    assert!(Profile::default().marking_texts().is_empty());
}

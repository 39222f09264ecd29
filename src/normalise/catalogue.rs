//! The rules of the normaliser, all of them: collected from the code when it is built, so that
//! the catalogue in `docs/NORMALISATION.md` and the explanations know every rule there is.

use super::notes::Rule;
use std::fmt::Write as _;

/// Every rule, by id.
pub static RULES: &[Rule] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    let at = RULES.binary_search_by_key(&id, |rule| rule.id).ok()?;
    RULES.get(at)
}

/// The catalogue as it stands in the documentation: one table for each area.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    let mut area = "";
    for rule in RULES {
        let of = rule.id.split('.').next().unwrap_or_default();
        if of != area {
            area = of;
            let title = format!("\n### {area}\n\n| rule | version | what it does | source |\n");
            out.push_str(&title);
            out.push_str("|---|---|---|---|\n");
        }
        let cell = |text: &str| text.replace('|', "\\|");
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            rule.id,
            rule.version,
            cell(rule.summary),
            cell(rule.source)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_an_id_a_sentence_and_a_source() {
        assert!(RULES.len() > 100);
        assert!(RULES.is_sorted_by(|a, b| a.id < b.id));
        for rule in RULES {
            let (area, what) = rule.id.split_once('.').unwrap();
            let plain = |text: &str| {
                !text.is_empty()
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            };
            assert!(plain(area) && plain(what), "{}", rule.id);
            assert!(
                rule.version >= 1 && rule.summary.len() > 10 && !rule.source.is_empty(),
                "{}",
                rule.id
            );
            assert!(!rule.summary.ends_with('.'), "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_is_found_by_its_id() {
        assert_eq!(
            find("vocabulary.word").map(|rule| rule.summary),
            Some("a word to its code")
        );
        assert_eq!(find("no.such_rule"), None);
    }
}

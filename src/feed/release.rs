//! Release, default-deny: a reader gets a record only where the marking allows its nation and
//! its clearance covers the level. Pure.

use crate::identity::NationCode;
use crate::record::Level;
use crate::wire::stored::Label;

/// A reader's rights at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its nation.
    pub nation: NationCode,
    /// Highest level that it may see.
    pub clearance: Level,
    /// Special categories that it holds.
    pub special: Vec<String>,
}

/// Whether a reader may see a record. An originator always reads its own; anyone else must be
/// named, cleared, and hold every special category. A label without a level is seen by nobody
/// else.
#[must_use]
pub fn may_read(label: &Label, reader: &Reader) -> bool {
    if label.nation == reader.nation.as_str() {
        return true;
    }
    let named = label
        .releasable_to
        .iter()
        .any(|nation| nation == reader.nation.as_str());
    let cleared = label.level.is_some_and(|level| level <= reader.clearance);
    let special = label
        .special
        .iter()
        .all(|category| reader.special.contains(category));
    named && cleared && special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(nation: &str, clearance: Level) -> Reader {
        Reader {
            nation: NationCode::parse(nation).unwrap(),
            clearance,
            special: Vec::new(),
        }
    }

    fn label(level: Level, to: &[&str]) -> Label {
        Label {
            nation: "GBR".into(),
            level: Some(level),
            releasable_to: to.iter().map(|&n| n.into()).collect(),
            ..Label::default()
        }
    }

    #[test]
    fn a_nation_that_is_not_named_sees_nothing() {
        let secret = label(Level::Unclassified, &[]);
        assert!(!may_read(&secret, &reader("USA", Level::TopSecret)));
        assert!(!may_read(
            &label(Level::Unclassified, &["FRA"]),
            &reader("USA", Level::TopSecret)
        ));
        assert!(may_read(
            &label(Level::Unclassified, &["USA"]),
            &reader("USA", Level::Unclassified)
        ));
    }

    #[test]
    fn a_level_above_the_clearance_is_withheld() {
        let secret = label(Level::Secret, &["USA"]);
        assert!(!may_read(&secret, &reader("USA", Level::Confidential)));
        assert!(may_read(&secret, &reader("USA", Level::Secret)));
    }

    #[test]
    fn a_label_without_a_level_is_withheld() {
        let unknown = Label {
            level: None,
            ..label(Level::Unclassified, &["USA"])
        };
        assert!(!may_read(&unknown, &reader("USA", Level::TopSecret)));
    }

    #[test]
    fn every_special_category_must_be_held() {
        let special = Label {
            special: vec!["ATOMAL".into()],
            ..label(Level::Secret, &["USA"])
        };
        let mut reader = reader("USA", Level::Secret);
        assert!(!may_read(&special, &reader));
        reader.special.push("ATOMAL".into());
        assert!(may_read(&special, &reader));
    }

    #[test]
    fn an_originator_reads_its_own() {
        assert!(may_read(
            &label(Level::TopSecret, &[]),
            &reader("GBR", Level::Unclassified)
        ));
    }
}

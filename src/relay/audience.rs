//! Who stands behind a target. The gateway releases to the relay's own nation; where the people
//! who see the target are of several nations, every one of them must be one that may see it.

use crate::identity::NationCode;
use crate::record::Level;
use crate::wire::proto::Record;

/// What may be handed on, beyond what the gateway releases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Every nation whose people see the target; empty: the relay's own alone.
    pub nations: Vec<NationCode>,
    /// Highest level that the target may hold; none: whatever the gateway releases.
    pub level_max: Option<Level>,
}

impl Audience {
    /// Whether all who see the target may see the record.
    pub(super) fn may_see(&self, record: &Record) -> bool {
        let Some(marking) = &record.marking else {
            return false;
        };
        let nations = self.nations.iter().all(|nation| {
            let nation = nation.as_str();
            record.nation == nation || marking.releasable_to.iter().any(|to| to == nation)
        });
        let level = self.level_max.is_none_or(|most| {
            // A level that this version does not know is above everything.
            Level::from_number(marking.level).is_some_and(|level| level <= most)
        });
        nations && level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::Marking;

    fn record(to: &[&str], level: i32) -> Record {
        Record {
            nation: "GBR".to_owned(),
            marking: Some(Marking {
                level,
                releasable_to: to.iter().map(|to| (*to).to_owned()).collect(),
                ..Marking::default()
            }),
            ..Record::default()
        }
    }

    fn audience(nations: &[&str], level_max: Option<Level>) -> Audience {
        let nations = nations.iter().map(|code| NationCode::parse(code).unwrap());
        Audience {
            nations: nations.collect(),
            level_max,
        }
    }

    #[test]
    fn every_nation_behind_the_target_must_be_named() {
        let both = audience(&["USA", "POL"], None);
        assert!(both.may_see(&record(&["POL", "USA"], 2)));
        assert!(!both.may_see(&record(&["USA"], 2)));
        assert!(
            audience(&["GBR"], None).may_see(&record(&[], 2)),
            "the originator"
        );
        assert!(!both.may_see(&Record::default()), "no marking");
    }

    #[test]
    fn a_level_that_is_not_known_is_above_all() {
        let low = audience(&[], Some(Level::Restricted));
        assert!(low.may_see(&record(&[], 2)));
        assert!(!low.may_see(&record(&[], 3)));
        assert!(!low.may_see(&record(&[], 0)));
        assert!(!low.may_see(&record(&[], 99)));
    }
}

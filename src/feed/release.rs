//! Release, default-deny: a reader gets a record only where every rule lets it through. Pure.
//!
//! Invariant: the feed decides with [`may_read`] and operators are told with [`explain`]; both
//! ask the same rules, so the explanation is never another opinion.

use crate::identity::NationCode;
use crate::record::Level;
use crate::wire::stored::Label;

/// The special category that is no category: the originator alone decides who reads. A record
/// with it names its nations one by one (the normaliser refuses groups), and goes no further.
pub const ORIGINATOR_CONTROL: &str = "ORCON";

/// A reader's rights at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its nation.
    pub nation: NationCode,
    /// Highest level that it may see.
    pub clearance: Level,
    /// Special categories that it holds.
    pub special: Vec<String>,
    /// It hands on what it reads.
    pub hands_on: bool,
}

/// A rule of release that everybody but the originator has to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The release list names the reader's nation. Groups were resolved to nations, at the date
    /// of their list, when the record was made; what a group becomes later changes nothing.
    ReleaseList,
    /// The reader is cleared for the level. A level that we do not know is above everybody.
    Level,
    /// The reader holds every special category.
    Special,
    /// What the originator controls is not handed on.
    OriginatorControl,
}

/// All of them. A record is released where all hold.
const RULES: [Rule; 4] = [
    Rule::ReleaseList,
    Rule::Level,
    Rule::Special,
    Rule::OriginatorControl,
];

/// What one rule says of one record and one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// Whether it lets the record through.
    pub holds: bool,
    /// Why, with what the record and the reader have.
    pub because: String,
}

/// Whether a reader may see a record: its originator always, anyone else where every rule holds.
#[must_use]
pub fn may_read(label: &Label, reader: &Reader) -> bool {
    is_originator(label, reader) || RULES.iter().all(|rule| rule.holds(label, reader))
}

/// What every rule says, the one about the originator first.
#[must_use]
pub fn explain(label: &Label, reader: &Reader) -> Vec<Finding> {
    let own = is_originator(label, reader);
    let originator = Finding {
        rule: "originator",
        holds: own,
        because: if own {
            format!(
                "the record is of {}, which always reads its own",
                label.nation
            )
        } else {
            format!(
                "the record is of {}, the reader of {}",
                label.nation, reader.nation
            )
        },
    };
    let rules = RULES.iter().map(|rule| Finding {
        rule: rule.name(),
        holds: rule.holds(label, reader),
        because: rule.because(label, reader),
    });
    std::iter::once(originator).chain(rules).collect()
}

fn is_originator(label: &Label, reader: &Reader) -> bool {
    label.nation == reader.nation.as_str()
}

/// Special categories that a reader has to hold.
fn categories(label: &Label) -> impl Iterator<Item = &String> {
    let special = label.special.iter();
    special.filter(|category| *category != ORIGINATOR_CONTROL)
}

fn is_controlled(label: &Label) -> bool {
    label.special.iter().any(|name| name == ORIGINATOR_CONTROL)
}

impl Rule {
    fn holds(self, label: &Label, reader: &Reader) -> bool {
        match self {
            Self::ReleaseList => {
                let mut named = label.releasable_to.iter();
                named.any(|nation| nation == reader.nation.as_str())
            }
            Self::Level => label.level.is_some_and(|level| level <= reader.clearance),
            Self::Special => categories(label).all(|name| reader.special.contains(name)),
            Self::OriginatorControl => !(is_controlled(label) && reader.hands_on),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ReleaseList => "release_list",
            Self::Level => "level",
            Self::Special => "special",
            Self::OriginatorControl => "originator_control",
        }
    }

    fn because(self, label: &Label, reader: &Reader) -> String {
        match self {
            Self::ReleaseList if label.releasable_to.is_empty() => {
                "it is released to nobody but its originator".to_owned()
            }
            Self::ReleaseList => format!(
                "it is released to {}; the reader is of {}",
                label.releasable_to.join(" "),
                reader.nation
            ),
            Self::Level => format!(
                "its level is {}; the reader's clearance is {}",
                label
                    .level
                    .map_or("one that this version does not know", Level::name),
                reader.clearance.name()
            ),
            Self::Special => format!(
                "its special categories are {}; the reader holds {}",
                listed(categories(label)),
                listed(reader.special.iter())
            ),
            Self::OriginatorControl => format!(
                "the originator {}; the reader {}",
                if is_controlled(label) {
                    "controls who reads it (ORCON)"
                } else {
                    "does not control who reads it"
                },
                if reader.hands_on {
                    "hands on what it reads"
                } else {
                    "keeps what it reads"
                }
            ),
        }
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(nation: &str, clearance: Level) -> Reader {
        Reader {
            nation: NationCode::parse(nation).unwrap(),
            clearance,
            special: Vec::new(),
            hands_on: false,
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

    fn special(names: &[&str]) -> Label {
        Label {
            special: names.iter().map(|&n| n.into()).collect(),
            ..label(Level::Secret, &["FRA", "USA"])
        }
    }

    /// The names of the rules that do not hold.
    fn broken(label: &Label, reader: &Reader) -> Vec<&'static str> {
        let findings = explain(label, reader);
        let findings = findings.iter().filter(|finding| !finding.holds);
        findings.map(|finding| finding.rule).collect()
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
    fn every_level_is_held_against_every_clearance() {
        for &level in Level::ALL {
            for &clearance in Level::ALL {
                assert_eq!(
                    may_read(&label(level, &["USA"]), &reader("USA", clearance)),
                    level <= clearance,
                    "{level:?} {clearance:?}"
                );
            }
        }
    }

    #[test]
    fn a_label_without_a_level_is_withheld() {
        let unknown = Label {
            level: None,
            ..label(Level::Unclassified, &["USA"])
        };
        assert!(!may_read(&unknown, &reader("USA", Level::TopSecret)));
        assert!(may_read(&unknown, &reader("GBR", Level::Unclassified)));
    }

    #[test]
    fn every_special_category_must_be_held() {
        let both = special(&["ATOMAL", "BOHEMIA"]);
        let mut reader = reader("USA", Level::Secret);
        assert!(!may_read(&both, &reader));
        reader.special.push("ATOMAL".into());
        assert!(!may_read(&both, &reader), "one of two is not enough");
        reader.special.push("BOHEMIA".into());
        assert!(may_read(&both, &reader));
        assert!(
            !may_read(&special(&["atomal"]), &reader),
            "letter for letter"
        );
    }

    #[test]
    fn what_the_originator_controls_is_read_by_those_named_and_handed_on_by_nobody() {
        let controlled = special(&[ORIGINATOR_CONTROL]);
        let keeps = reader("USA", Level::Secret);
        let hands_on = Reader {
            hands_on: true,
            ..keeps.clone()
        };
        assert!(
            may_read(&controlled, &keeps),
            "control is no category to hold"
        );
        assert!(!may_read(&controlled, &hands_on));
        assert_eq!(
            broken(&controlled, &hands_on),
            ["originator", "originator_control"]
        );
        assert!(
            may_read(&special(&[]), &hands_on),
            "others may be handed on"
        );
        assert!(!may_read(&controlled, &reader("POL", Level::TopSecret)));
        // Other categories beside it are held as ever.
        assert!(!may_read(&special(&["ORCON", "ATOMAL"]), &keeps));
    }

    #[test]
    fn an_originator_reads_its_own_whatever_the_rules_say() {
        let own = Label {
            level: None,
            special: vec!["ATOMAL".into(), ORIGINATOR_CONTROL.into()],
            ..label(Level::TopSecret, &[])
        };
        let relay = Reader {
            hands_on: true,
            ..reader("GBR", Level::Unclassified)
        };
        assert!(may_read(&own, &relay));
        assert_eq!(
            broken(&own, &relay),
            ["release_list", "level", "special", "originator_control"]
        );
    }

    #[test]
    fn the_explanation_and_the_decision_never_differ() {
        let lists: [&[&str]; 3] = [&[], &["FRA"], &["FRA", "USA"]];
        let categories: [&[&str]; 3] = [&[], &["ATOMAL"], &["ATOMAL", ORIGINATOR_CONTROL]];
        for (list, names) in lists.into_iter().flat_map(|l| categories.map(|c| (l, c))) {
            for level in [None, Some(Level::Restricted), Some(Level::TopSecret)] {
                let label = Label {
                    level,
                    special: names.iter().map(|&n| n.into()).collect(),
                    ..label(Level::Secret, list)
                };
                for (nation, held, hands_on) in [
                    ("USA", vec![], false),
                    ("USA", vec!["ATOMAL".to_owned()], true),
                    ("USA", vec!["ATOMAL".to_owned()], false),
                    ("GBR", vec![], true),
                ] {
                    let reader = Reader {
                        special: held,
                        hands_on,
                        ..reader(nation, Level::Secret)
                    };
                    let findings = explain(&label, &reader);
                    let (own, rest) = findings.split_first().unwrap();
                    let explained = own.holds || rest.iter().all(|finding| finding.holds);
                    assert_eq!(explained, may_read(&label, &reader), "{label:?} {reader:?}");
                }
            }
        }
    }

    #[test]
    fn every_finding_names_what_record_and_reader_have() {
        let label = Label {
            special: vec!["ATOMAL".into()],
            ..label(Level::Secret, &["FRA", "POL"])
        };
        let because: Vec<String> = explain(&label, &reader("USA", Level::Restricted))
            .into_iter()
            .map(|finding| finding.because)
            .collect();
        assert_eq!(
            because,
            [
                "the record is of GBR, the reader of USA",
                "it is released to FRA POL; the reader is of USA",
                "its level is SECRET; the reader's clearance is RESTRICTED",
                "its special categories are ATOMAL; the reader holds none",
                "the originator does not control who reads it; the reader keeps what it reads",
            ]
        );
    }
}

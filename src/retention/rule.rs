//! The rules: how old a record must be, and how large the log may be. Pure.

use super::facts::Facts;
use crate::record::Level;
use crate::wire::stored::Label;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is kept for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Age at which a record may go whose level has no age of its own. `None`: never.
    pub age: Option<Duration>,
    /// Ages of levels.
    pub levels: BTreeMap<Level, Duration>,
    /// Ages of special categories; the longest of all that apply to a record counts.
    pub special: BTreeMap<String, Duration>,
    /// The oldest segments go while the others are larger than this together, bytes.
    pub bytes_max: Option<u64>,
    /// But no record that is younger.
    pub age_min: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            age: None,
            levels: BTreeMap::new(),
            special: BTreeMap::new(),
            bytes_max: None,
            age_min: Duration::from_secs(24 * 3600),
        }
    }
}

/// By which rule a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All its records are of age; the level of the last that came of age.
    Age(Option<Level>),
    /// The log is too large.
    Size,
}

const AGE: u32 = 1;
const SIZE: u32 = 2;

impl Rule {
    /// As the journal keeps it: the rule in the low 16 bits, the level's number in the others.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Age(level) => {
                let level = level.and_then(|level| u32::try_from(level.number()).ok());
                level.unwrap_or(0) << 16 | AGE
            }
            Self::Size => SIZE,
        }
    }

    /// From the journal; `None`: of a later version.
    #[must_use]
    pub fn of_number(number: u32) -> Option<Self> {
        match number & 0xFFFF {
            AGE => {
                let level = i32::try_from(number >> 16).ok();
                Some(Self::Age(level.and_then(Level::from_number)))
            }
            SIZE => Some(Self::Size),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(None) => f.write_str("age"),
            Self::Age(Some(level)) => write!(f, "age of {}", level.name()),
            Self::Size => f.write_str("size"),
        }
    }
}

impl Settings {
    /// Whether nothing is ever removed.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.age.is_none()
            && self.levels.is_empty()
            && self.special.is_empty()
            && self.bytes_max.is_none()
    }

    /// The age at which a record may go; `None`: never. A level that this version does not know
    /// is kept.
    pub(super) fn age_of(&self, label: &Label) -> Option<Duration> {
        let own = self.levels.get(&label.level?).copied();
        let of_level = own.or(self.age)?;
        let special = label.special.iter();
        let special = special.filter_map(|name| self.special.get(name).copied());
        Some(special.fold(of_level, Duration::max))
    }

    /// Whether a segment may go, and by which rule; or why it stays.
    pub(super) fn judge(&self, facts: &Facts, now_ns: i64, log_bytes: u64) -> Result<Rule, String> {
        if let Some((at, level)) = facts.of_age
            && at <= now_ns
        {
            return Ok(Rule::Age(level));
        }
        let over = self.over(log_bytes);
        if over > 0 {
            let young_ns = i64::try_from(self.age_min.as_nanos()).unwrap_or(i64::MAX);
            let from = facts.newest_ns.saturating_add(young_ns);
            if from <= now_ns {
                return Ok(Rule::Size);
            }
            let from = time(from);
            return Err(format!(
                "the log is {over} bytes too large, but they are too young until {from}"
            ));
        }
        Err(match facts.of_age {
            Some((at, _)) => format!("they are of age at {}", time(at)),
            None => "some of them are kept for ever".to_owned(),
        })
    }

    /// By how much the log is too large, bytes.
    pub(super) fn over(&self, log_bytes: u64) -> u64 {
        self.bytes_max
            .map_or(0, |most| log_bytes.saturating_sub(most))
    }

    /// The rules, for people.
    pub(super) fn told(&self) -> Vec<String> {
        if self.is_off() {
            return vec!["everything is kept for ever".to_owned()];
        }
        let mut told = vec![match &self.age {
            Some(age) => format!("age: {}", shown(age)),
            None => "age: for ever".to_owned(),
        }];
        let levels = self.levels.iter();
        told.extend(levels.map(|(level, age)| format!("age of {}: {}", level.name(), shown(age))));
        let special = self.special.iter();
        told.extend(special.map(|(name, age)| format!("age of {name}: at least {}", shown(age))));
        if let Some(bytes) = self.bytes_max {
            let least = shown(&self.age_min);
            told.push(format!(
                "size: {bytes} bytes, but nothing younger than {least}"
            ));
        }
        told
    }
}

/// An age as the configuration has it.
fn shown(age: &Duration) -> String {
    const DAY_S: u64 = 24 * 3600;
    match age.as_secs() {
        seconds if seconds % DAY_S == 0 => format!("{}d", seconds / DAY_S),
        seconds => format!("{seconds}s"),
    }
}

fn time(nanoseconds: i64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(nanoseconds));
    time.map_or_else(|_| "never".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const S_NS: i64 = 1_000_000_000;

    fn settings() -> Settings {
        let s = Duration::from_secs;
        Settings {
            age: Some(s(100)),
            levels: [(Level::Secret, s(300)), (Level::Unclassified, s(10))].into(),
            special: [("ATOMAL".to_owned(), s(200))].into(),
            bytes_max: Some(1000),
            age_min: s(50),
        }
    }

    fn facts(labels: &[(Option<Level>, &str, i64)]) -> Facts {
        let mut facts = Facts {
            newest_ns: i64::MIN,
            of_age: Some((i64::MIN, None)),
            nations: BTreeSet::new(),
        };
        for (level, special, taken_s) in labels {
            let label = Label {
                level: *level,
                nation: "GBR".to_owned(),
                special: vec![(*special).to_owned()],
                ..Label::default()
            };
            facts.take(&label, taken_s * S_NS, &settings());
        }
        facts
    }

    #[test]
    fn the_record_that_is_last_of_age_decides() {
        let judged = |labels: &[_], now_s: i64| {
            let judged = settings().judge(&facts(labels), now_s * S_NS, 0);
            judged.ok()
        };
        let plain = (Some(Level::Unclassified), "", 0);
        assert_eq!(judged(&[plain], 9), None);
        let rule = Rule::Age(Some(Level::Unclassified));
        assert_eq!(judged(&[plain], 10), Some(rule));
        let special = (Some(Level::Unclassified), "ATOMAL", 0);
        assert_eq!(judged(&[plain, special], 199), None);
        assert_eq!(judged(&[plain, special], 200), Some(rule));
        let secret = (Some(Level::Secret), "", 0);
        assert_eq!(judged(&[secret, special, plain], 299), None);
        let secret_rule = Rule::Age(Some(Level::Secret));
        assert_eq!(judged(&[secret, special, plain], 300), Some(secret_rule));
        let restricted = (Some(Level::Restricted), "OTHER", 5);
        assert_eq!(judged(&[restricted], 104), None);
        assert_eq!(
            judged(&[restricted], 105),
            Some(Rule::Age(Some(Level::Restricted)))
        );
        let unknown = (None, "", 0);
        assert_eq!(judged(&[plain, unknown], i64::MAX / S_NS), None);
    }

    #[test]
    fn size_takes_nothing_that_is_too_young() {
        let secret = facts(&[(Some(Level::Secret), "", 0)]);
        let judged = |now_s: i64, bytes| settings().judge(&secret, now_s * S_NS, bytes).ok();
        assert_eq!(judged(60, 1000), None);
        assert_eq!(judged(49, 1001), None);
        assert_eq!(judged(50, 1001), Some(Rule::Size));
        assert!(Settings::default().is_off());
        let label = Label {
            level: Some(Level::Secret),
            ..Label::default()
        };
        assert_eq!(Settings::default().age_of(&label), None, "kept for ever");
        let told = settings().told();
        assert!(told.contains(&"age of SECRET: 300s".to_owned()), "{told:?}");
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(shown(&(day * 90)), "90d");
    }

    #[test]
    fn a_rule_comes_back_from_its_number() {
        for rule in [Rule::Size, Rule::Age(None), Rule::Age(Some(Level::Secret))] {
            assert_eq!(Rule::of_number(rule.number()), Some(rule));
        }
        assert_eq!(Rule::of_number(77), None);
    }
}

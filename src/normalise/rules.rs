//! What all nations share: the area of interest, how far a clock may be ahead, and who belongs
//! to which group. Filled from the gateway's `[normalise]` table.

mod membership;

use super::marking::country;
use super::notes::quoted;
use super::position::Places;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The day of the last change of a membership that the shipped groups know.
pub const MEMBERSHIP_DATE: Date = jiff::civil::date(2024, 3, 7);

/// Gateway-wide settings of the normaliser.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Reports from outside are refused. Default: Ukraine and 200 km around it.
    pub area: Area,
    /// How far a reported time may lie after the time of receipt, seconds. Default: 300.
    pub clock_ahead_s_max: u32,
    /// How old an observation may be, days. Default: 3,660.
    pub age_days_max: u32,
    /// How far back a date-time group without month or year may reach, days. Default: 15.
    pub inferred_age_days_max: u32,
    /// Members of the groups that a release list may name, by group code. A code that is not
    /// here is refused. Default: EAPC, EU and NATO as of [`MEMBERSHIP_DATE`].
    pub groups: BTreeMap<String, Group>,
    /// Places that reports may name, beside and before those of the shipped gazetteer.
    #[serde(skip)]
    pub places: Places,
}

impl Rules {
    /// Everything that they say, in an order that does not change; to tell whether they became
    /// others.
    #[must_use]
    pub fn in_order(&self) -> String {
        let Self {
            area,
            clock_ahead_s_max,
            age_days_max,
            inferred_age_days_max,
            groups,
            places,
        } = self;
        let ages = (clock_ahead_s_max, age_days_max, inferred_age_days_max);
        format!("{area:?}{ages:?}{groups:?}{}", places.in_order())
    }
}

/// Members of a group at a date; memberships change, so the date is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The list is right as of this day, `YYYY-MM-DD`.
    pub as_of: String,
    /// ISO 3166-1 alpha-3 codes.
    pub nations: Vec<String>,
    /// Someone read the list at its source, or decided it. Where it is not, each use is warned of.
    #[serde(default = "decided")]
    pub verified: bool,
}

/// Who configures a group decides who is in it.
fn decided() -> bool {
    true
}

impl Group {
    /// A group as somebody configured it.
    #[must_use]
    pub fn decided(as_of: String, nations: Vec<String>) -> Self {
        let verified = decided();
        Self {
            as_of,
            nations,
            verified,
        }
    }
}

/// What is wrong with a group: codes that ISO 3166-1 has not, or a name that is a country's.
#[must_use]
pub fn group_problems(code: &str, nations: &[String]) -> Vec<String> {
    let unknown = nations.iter().filter(|nation| !country::is_alpha3(nation));
    let mut problems: Vec<String> = unknown
        .map(|nation| format!("{} is no ISO 3166-1 alpha-3 code", quoted(nation)))
        .collect();
    if country::is_alpha3(code) {
        problems.push("a group cannot have the code of a country".to_owned());
    }
    problems
}

/// The groups that Entente ships, with their members on a day.
#[must_use]
pub fn groups_on(day: Date) -> BTreeMap<String, Group> {
    membership::groups_on(day)
}

/// A box in WGS 84 with a margin around it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Area {
    /// Southern edge, degrees.
    pub south_deg: f64,
    /// Northern edge, degrees.
    pub north_deg: f64,
    /// Western edge, degrees.
    pub west_deg: f64,
    /// Eastern edge, degrees.
    pub east_deg: f64,
    /// Margin around the box, metres.
    pub margin_m: f64,
}

impl Default for Area {
    /// EPSG's extent "Ukraine" with 200 km around it.
    fn default() -> Self {
        Self {
            south_deg: 43.18,
            north_deg: 52.38,
            west_deg: 22.15,
            east_deg: 40.18,
            margin_m: 200_000.0,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            area: Area::default(),
            clock_ahead_s_max: 300,
            age_days_max: 3_660,
            inferred_age_days_max: 15,
            groups: groups_on(MEMBERSHIP_DATE),
            places: Places::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_configures_a_group_decides_who_is_in_it() {
        let members = vec!["FRA".to_owned(), "GBR".to_owned()];
        let group = Group::decided("2026-01-06".to_owned(), members);
        assert!(group.verified);
        let text = "as_of = \"2026-01-06\"\nnations = [\"FRA\", \"GBR\"]";
        assert_eq!(toml::from_str(text), Ok(group));
        let doubtful = format!("{text}\nverified = false");
        let read: Group = toml::from_str(&doubtful).unwrap();
        assert!(!read.verified);
    }
}

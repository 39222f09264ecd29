//! What all nations share: the area of interest, how far a clock may be ahead, and who belongs
//! to which group. Filled from the gateway's `[normalise]` table.

use super::position::Places;
use serde::Deserialize;
use std::collections::BTreeMap;

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
    /// here is refused. Default: EU and NATO, each as of the day of its last change.
    pub groups: BTreeMap<String, Group>,
    /// Places that reports may name, beside and before those of the shipped gazetteer.
    #[serde(skip)]
    pub places: Places,
}

/// Members of a group at a date; memberships change, so the date is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The list is right as of this day, `YYYY-MM-DD`.
    pub as_of: String,
    /// ISO 3166-1 alpha-3 codes.
    pub nations: Vec<String>,
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
            groups: shipped_groups(),
            places: Places::default(),
        }
    }
}

/// Members of the European Union since the first of February 2020.
const EU: &str = "AUT BEL BGR CYP CZE DEU DNK ESP EST FIN FRA GRC HRV HUN IRL ITA LTU LUX LVA MLT \
                  NLD POL PRT ROU SVK SVN SWE";

/// Members of NATO since the seventh of March 2024, when Sweden joined.
const NATO: &str = "ALB BEL BGR CAN CZE DEU DNK ESP EST FIN FRA GBR GRC HRV HUN ISL ITA LTU LUX \
                    LVA MKD MNE NLD NOR POL PRT ROU SVK SVN SWE TUR USA";

fn shipped_groups() -> BTreeMap<String, Group> {
    let group = |(code, as_of, nations): (&str, &str, &str)| {
        let group = Group {
            as_of: as_of.to_owned(),
            nations: nations.split_whitespace().map(str::to_owned).collect(),
        };
        (code.to_owned(), group)
    };
    [("EU", "2020-02-01", EU), ("NATO", "2024-03-07", NATO)]
        .map(group)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_groups_are_whole_and_sorted() {
        let groups = shipped_groups();
        for (code, members) in [("EU", 27), ("NATO", 32)] {
            let nations = &groups[code].nations;
            assert_eq!(nations.len(), members);
            assert!(nations.is_sorted_by(|a, b| a < b));
        }
    }
}

//! Who belongs to a group on a day, from `lexicon/groups.toml`. A nation that joined later, or
//! had left by then, is no member.

use super::Group;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

const SHIPPED: &str = include_str!("../lexicon/groups.toml");

/// The groups that are shipped, with their members on a day.
pub(super) fn groups_on(day: Date) -> BTreeMap<String, Group> {
    // What is shipped is held whole by a test; a damaged table would have no groups, and a
    // release list that names one would be refused.
    let table: Table = SHIPPED.parse().unwrap_or_default();
    let group = |(code, row): (&String, &Value)| {
        let verified = row.get("verified").and_then(Value::as_bool);
        let group = Group {
            as_of: day.to_string(),
            nations: members(row, &table, day).into_iter().collect(),
            verified: verified.unwrap_or(false),
        };
        (code.clone(), group)
    };
    table.iter().map(group).collect()
}

fn members(row: &Value, table: &Table, day: Date) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    let included = row.get("includes").and_then(Value::as_array);
    for code in included.into_iter().flatten().filter_map(Value::as_str) {
        // One level: a group that is included includes none itself.
        members.extend(table.get(code).map(|row| own(row, day)).unwrap_or_default());
    }
    members.extend(own(row, day));
    members
}

fn own(row: &Value, day: Date) -> BTreeSet<String> {
    let by = |name: &str| -> BTreeSet<String> {
        let days = row.get(name).and_then(Value::as_table);
        let past = days.into_iter().flatten().filter(|(from, _)| {
            let from = from.parse::<Date>();
            from.is_ok_and(|from| from <= day)
        });
        past.filter_map(|(_, nations)| nations.as_str())
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect()
    };
    by("since").difference(&by("until")).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::marking::country;
    use jiff::civil::date;

    #[test]
    fn what_is_shipped_is_whole() {
        let table: Table = SHIPPED.parse().unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["EAPC", "EU", "NATO"]);
        for (code, row) in &table {
            let mut nations = Vec::new();
            for name in ["since", "until"] {
                let days = row.get(name).and_then(Value::as_table);
                for (day, list) in days.into_iter().flatten() {
                    assert!(day.parse::<Date>().is_ok(), "{code} {day}");
                    for nation in list.as_str().unwrap().split_whitespace() {
                        assert!(country::is_alpha3(nation), "{code} {nation}");
                        nations.push((name, nation));
                    }
                }
            }
            let all = nations.len();
            nations.sort_unstable();
            nations.dedup();
            assert_eq!(nations.len(), all, "{code}: a nation is there twice");
        }
    }

    #[test]
    fn membership_has_a_day() {
        let count = |code: &str, day| groups_on(day)[code].nations.len();
        for (code, day, members) in [
            ("NATO", date(2026, 1, 6), 32),
            ("NATO", date(2024, 3, 6), 31),
            ("NATO", date(2023, 4, 3), 30),
            ("NATO", date(2004, 3, 28), 19),
            ("EU", date(2026, 1, 6), 27),
            ("EU", date(2020, 1, 31), 28),
            ("EU", date(2013, 6, 30), 27),
            ("EAPC", date(2026, 1, 6), 48),
            ("EU", date(1957, 1, 1), 0),
        ] {
            assert_eq!(count(code, day), members, "{code} {day}");
        }
        let groups = groups_on(date(2026, 1, 6));
        assert!(groups["NATO"].verified && groups["EU"].verified && !groups["EAPC"].verified);
        for suspended in ["RUS", "BLR"] {
            assert!(!groups["EAPC"].nations.contains(&suspended.to_owned()));
        }
        assert!(groups["EAPC"].nations.contains(&"UKR".to_owned()));
        assert!(groups["NATO"].nations.is_sorted_by(|a, b| a < b));
    }
}

//! What a reader wants to see. Every part that is given must match. Pure.

use crate::record::Environment;
use crate::wire::stored::{Kind, Label};

/// A box in WGS 84 degrees. West may be greater than east: across the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Southern edge, degrees north.
    pub south_deg: f64,
    /// Western edge, degrees east.
    pub west_deg: f64,
    /// Northern edge, degrees north.
    pub north_deg: f64,
    /// Eastern edge, degrees east.
    pub east_deg: f64,
}

impl Area {
    fn contains(self, latitude_deg: f64, longitude_deg: f64) -> bool {
        let across = self.west_deg > self.east_deg;
        let (west, east) = (
            longitude_deg >= self.west_deg,
            longitude_deg <= self.east_deg,
        );
        (self.south_deg..=self.north_deg).contains(&latitude_deg)
            && if across { west || east } else { west && east }
    }
}

/// What a reader wants to see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Kinds; empty: all.
    pub kinds: Vec<Kind>,
    /// Originating nations; empty: all.
    pub nations: Vec<String>,
    /// Environments; empty: the real world only.
    pub environments: Vec<Environment>,
    /// Area; what has no place does not match. `None`: everywhere.
    pub area: Option<Area>,
    /// Earliest time of observation, seconds since the Unix epoch.
    pub observed_from_unix_s: Option<i64>,
    /// Latest time of observation, seconds since the Unix epoch.
    pub observed_until_unix_s: Option<i64>,
}

impl Filter {
    /// Whether a record matches.
    #[must_use]
    pub fn matches(&self, label: &Label) -> bool {
        let environment = match self.environments.as_slice() {
            [] => label.environment == Some(Environment::Live),
            wanted => label.environment.is_some_and(|e| wanted.contains(&e)),
        };
        let kind = self.kinds.is_empty() || self.kinds.contains(&label.kind);
        let nation = self.nations.is_empty() || self.nations.contains(&label.nation);
        let area = self.area.is_none_or(|area| {
            label
                .point
                .is_some_and(|(latitude, longitude)| area.contains(latitude, longitude))
        });
        let from = self
            .observed_from_unix_s
            .is_none_or(|from| label.observed_unix_s.is_some_and(|at| at >= from));
        let until = self
            .observed_until_unix_s
            .is_none_or(|until| label.observed_unix_s.is_some_and(|at| at <= until));
        environment && kind && nation && area && from && until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label {
            kind: Kind::Sighting,
            nation: "GBR".into(),
            environment: Some(Environment::Live),
            observed_unix_s: Some(1_000),
            point: Some((48.0, 37.8)),
            ..Label::default()
        }
    }

    #[test]
    fn an_empty_filter_shows_the_real_world_and_nothing_else() {
        assert!(Filter::default().matches(&label()));
        for environment in [
            Some(Environment::Exercise),
            Some(Environment::Simulation),
            None,
        ] {
            assert!(!Filter::default().matches(&Label {
                environment,
                ..label()
            }));
        }
    }

    #[test]
    fn every_part_that_is_given_must_match() {
        let area = |west_deg, east_deg| {
            Some(Area {
                south_deg: 40.0,
                west_deg,
                north_deg: 50.0,
                east_deg,
            })
        };
        for (filter, expected) in [
            (
                Filter {
                    nations: vec!["FRA".into()],
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    nations: vec!["GBR".into()],
                    ..Filter::default()
                },
                true,
            ),
            (
                Filter {
                    kinds: vec![Kind::Contribution],
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    area: area(30.0, 40.0),
                    ..Filter::default()
                },
                true,
            ),
            (
                Filter {
                    area: area(38.0, 40.0),
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    area: area(170.0, 40.0),
                    ..Filter::default()
                },
                true,
            ),
            (
                Filter {
                    observed_from_unix_s: Some(1_001),
                    ..Filter::default()
                },
                false,
            ),
            (
                Filter {
                    observed_until_unix_s: Some(1_000),
                    ..Filter::default()
                },
                true,
            ),
        ] {
            assert_eq!(filter.matches(&label()), expected, "{filter:?}");
        }
    }

    #[test]
    fn a_record_without_a_place_matches_no_area() {
        let area = Some(Area {
            south_deg: -90.0,
            west_deg: -180.0,
            north_deg: 90.0,
            east_deg: 180.0,
        });
        let filter = Filter {
            area,
            ..Filter::default()
        };
        assert!(!filter.matches(&Label {
            point: None,
            ..label()
        }));
    }
}

//! What a reader wants to see. Every part that is given must match. Pure.

use super::area::Area;
use crate::record::{Environment, ObservationType, WeaponClass};
use crate::wire::stored::{Kind, Label};
use crate::wire::substance::Substance;

const NS_A_SECOND: i64 = 1_000_000_000;

/// Times from first to last, both included; each may be open. Seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Earliest time.
    pub from_unix_s: Option<i64>,
    /// Latest time.
    pub until_unix_s: Option<i64>,
}

impl Span {
    /// A span that asks nothing is met by an unknown time, too.
    fn contains(self, at: Option<i64>) -> bool {
        let from = self
            .from_unix_s
            .is_none_or(|from| at.is_some_and(|at| at >= from));
        let until = self
            .until_unix_s
            .is_none_or(|until| at.is_some_and(|at| at <= until));
        from && until
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
    /// Areas; it lies in each of them. What has no place lies in none.
    pub areas: Vec<Area>,
    /// A position lies where its uncertainty reaches, too.
    pub include_uncertain: bool,
    /// Time of observation, or "as of".
    pub observed: Span,
    /// When the gateway took it in.
    pub received: Span,
    /// One of its observations is of one of these types; empty: all.
    pub observation_types: Vec<ObservationType>,
    /// One of its weapons is of one of these classes; empty: all.
    pub weapon_classes: Vec<WeaponClass>,
    /// Stands in a narrative or in the name of a place; see [`folded`]. Empty: any.
    pub text: String,
}

/// A text as it is compared: letter case aside, each run of blanks as one blank.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

impl Filter {
    /// Whether a record matches. `received_ns` is when the gateway took it in, nanoseconds since
    /// the Unix epoch; `substance` reads what the label does not say, and is asked only where
    /// everything else matches.
    ///
    /// # Errors
    /// That of `substance`.
    pub fn matches<E>(
        &self,
        label: &Label,
        received_ns: i64,
        substance: impl FnOnce() -> Result<Substance, E>,
    ) -> Result<bool, E> {
        if !self.matches_label(label, received_ns) {
            return Ok(false);
        }
        if !self.looks_inside() {
            return Ok(self.lies_in_areas(label, 0.0));
        }
        let substance = substance()?;
        let reach_m = match substance.horizontal_uncertainty_m {
            Some(metres) if self.include_uncertain => metres,
            _ => 0.0,
        };
        Ok(self.lies_in_areas(label, reach_m) && self.matches_substance(&substance))
    }

    fn matches_label(&self, label: &Label, received_ns: i64) -> bool {
        let environment = match self.environments.as_slice() {
            [] => label.environment == Some(Environment::Live),
            wanted => label.environment.is_some_and(|e| wanted.contains(&e)),
        };
        environment
            && (self.kinds.is_empty() || self.kinds.contains(&label.kind))
            && (self.nations.is_empty() || self.nations.contains(&label.nation))
            && self.observed.contains(label.observed_unix_s)
            && self
                .received
                .contains(Some(received_ns.div_euclid(NS_A_SECOND)))
            && (self.areas.is_empty() || label.point.is_some())
    }

    /// Whether the label alone does not decide.
    fn looks_inside(&self) -> bool {
        !self.observation_types.is_empty()
            || !self.weapon_classes.is_empty()
            || !self.text.is_empty()
            || (self.include_uncertain && !self.areas.is_empty())
    }

    fn lies_in_areas(&self, label: &Label, reach_m: f64) -> bool {
        self.areas.iter().all(|area| {
            let point = label.point;
            point.is_some_and(|(latitude, longitude)| area.contains(latitude, longitude, reach_m))
        })
    }

    fn matches_substance(&self, substance: &Substance) -> bool {
        let mut types = substance.observation_types.iter();
        let mut classes = substance.weapon_classes.iter();
        let mut texts = substance.texts.iter();
        (self.observation_types.is_empty() || types.any(|t| self.observation_types.contains(t)))
            && (self.weapon_classes.is_empty() || classes.any(|c| self.weapon_classes.contains(c)))
            && (self.text.is_empty() || texts.any(|text| folded(text).contains(&self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::area::{Box4, Circle};
    use std::convert::Infallible;

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

    fn substance() -> Substance {
        Substance {
            observation_types: vec![ObservationType::Explosion, ObservationType::Burst],
            weapon_classes: vec![WeaponClass::Mortar],
            texts: vec!["Торецьк".into(), "Three  ROUNDS\nof mortar".into()],
            horizontal_uncertainty_m: Some(2_000.0),
        }
    }

    fn matches(filter: &Filter, label: &Label) -> bool {
        let read = || Ok::<_, Infallible>(substance());
        filter.matches(label, 2_000_999_999_999, read).unwrap()
    }

    fn area(west_deg: f64, east_deg: f64) -> Filter {
        Filter {
            areas: vec![Area::Box(Box4 {
                south_deg: 40.0,
                west_deg,
                north_deg: 50.0,
                east_deg,
            })],
            ..Filter::default()
        }
    }

    fn span(from_unix_s: Option<i64>, until_unix_s: Option<i64>) -> Span {
        Span {
            from_unix_s,
            until_unix_s,
        }
    }

    #[test]
    fn an_empty_filter_shows_the_real_world_and_nothing_else() {
        assert!(matches(&Filter::default(), &label()));
        for environment in [
            Some(Environment::Exercise),
            Some(Environment::Simulation),
            None,
        ] {
            let other = Label {
                environment,
                ..label()
            };
            assert!(!matches(&Filter::default(), &other));
        }
    }

    #[test]
    fn every_part_that_is_given_must_match() {
        let observed = |from, until| Filter {
            observed: span(from, until),
            ..Filter::default()
        };
        let received = |from, until| Filter {
            received: span(from, until),
            ..Filter::default()
        };
        let nation = |code: &str| Filter {
            nations: vec![code.into()],
            ..Filter::default()
        };
        let kind = |kind| Filter {
            kinds: vec![kind],
            ..Filter::default()
        };
        let types = |types: &[ObservationType]| Filter {
            observation_types: types.to_vec(),
            ..Filter::default()
        };
        let class = |class| Filter {
            weapon_classes: vec![class],
            ..Filter::default()
        };
        let text = |text: &str| Filter {
            text: folded(text),
            ..Filter::default()
        };
        for (filter, expected) in [
            (nation("FRA"), false),
            (nation("GBR"), true),
            (kind(Kind::Contribution), false),
            (kind(Kind::Sighting), true),
            (area(30.0, 40.0), true),
            (area(38.0, 40.0), false),
            (area(170.0, 40.0), true),
            (observed(Some(1_001), None), false),
            (observed(Some(1_000), Some(1_000)), true),
            (observed(None, Some(999)), false),
            (received(Some(2_000), Some(2_000)), true),
            (received(Some(2_001), None), false),
            (received(None, Some(1_999)), false),
            (types(&[ObservationType::Uxo, ObservationType::Burst]), true),
            (types(&[ObservationType::Uxo]), false),
            (class(WeaponClass::Mortar), true),
            (class(WeaponClass::Tank), false),
            (text("торецьк"), true),
            (text(" three rounds OF "), true),
            (text("rounds three"), false),
        ] {
            assert_eq!(matches(&filter, &label()), expected, "{filter:?}");
        }
    }

    #[test]
    fn what_is_unknown_matches_nothing_that_is_asked_for() {
        let nowhere = Label {
            point: None,
            observed_unix_s: None,
            ..label()
        };
        assert!(matches(&Filter::default(), &nowhere));
        assert!(!matches(&area(-180.0, 180.0), &nowhere));
        let ever = Filter {
            observed: span(Some(i64::MIN), None),
            ..Filter::default()
        };
        assert!(!matches(&ever, &nowhere));
    }

    #[test]
    fn uncertainty_counts_only_where_it_is_asked_for_and_several_areas_all_hold() {
        let circle = Area::Circle(Circle {
            latitude_deg: 48.0,
            longitude_deg: 37.82,
            radius_m: 500.0,
        });
        // The position is 1492 m from the centre, and uncertain by 2000 m.
        let mut filter = Filter {
            areas: vec![circle],
            ..Filter::default()
        };
        assert!(!matches(&filter, &label()));
        filter.include_uncertain = true;
        assert!(matches(&filter, &label()));
        filter.areas.extend(area(38.0, 40.0).areas);
        assert!(!matches(&filter, &label()), "the box is 14 km away");
    }

    #[test]
    fn a_record_is_not_opened_where_its_label_decides() {
        let never = || Err::<Substance, _>("opened");
        let elsewhere = Filter {
            nations: vec!["FRA".into()],
            text: "x".into(),
            ..Filter::default()
        };
        assert_eq!(elsewhere.matches(&label(), 0, never), Ok(false));
        assert_eq!(area(30.0, 40.0).matches(&label(), 0, never), Ok(true));
    }
}

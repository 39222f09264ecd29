//! Named places to their fixed points: those of `gazetteer.toml`, and those that the gateway's
//! configuration adds, which come first. A name has one meaning in either. The spelling of the report
//! is never replaced: this only says where it is, and how the place was called before.

use crate::normalise::notes::quoted;
use crate::normalise::phrase::fold;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A place of a gazetteer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Stable id.
    pub id: String,
    /// Today's name.
    pub name: String,
    /// Latitude of its point, degrees north, WGS 84.
    pub lat_deg: f64,
    /// Longitude of its point, degrees east, WGS 84.
    pub lon_deg: f64,
    /// One standard deviation of where in the place is meant, metres.
    pub extent_m: f64,
    /// Other names of today, in other languages and cases.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names of the past.
    #[serde(default)]
    pub former: Vec<Former>,
}

/// A name of the past.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Former {
    /// The name.
    pub name: String,
    /// The last day of its validity, `YYYY-MM-DD`.
    pub until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    place: Vec<Place>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) place: Arc<Place>,
    /// The day until which the name was valid, where it is a former one.
    pub(super) until: Option<String>,
}

/// Places by folded name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    names: Arc<HashMap<String, Known>>,
}

impl Places {
    /// Everything that is in it, in an order that does not change.
    pub(crate) fn in_order(&self) -> String {
        let mut lines: Vec<_> = self
            .names
            .iter()
            .map(|entry| format!("{entry:?}"))
            .collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    /// Builds the index.
    ///
    /// # Errors
    /// Every name that stands for two places, and every day that is none.
    pub fn index(places: Vec<Place>) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut names: HashMap<String, Known> = HashMap::new();
        let mut add = |name: &str, known: Known, problems: &mut Vec<String>| {
            let folded = fold(name);
            let id = &known.place.id;
            match names.get(&folded) {
                _ if folded.is_empty() => problems.push(format!("{id}: an empty name")),
                Some(other) if other.place.id != *id => problems.push(format!(
                    "{id}: {} is also a name of {}",
                    quoted(name),
                    other.place.id
                )),
                // Today's names come first.
                Some(_) => {}
                None => {
                    names.insert(folded, known);
                }
            }
        };
        let places: Vec<Arc<Place>> = places.into_iter().map(Arc::new).collect();
        for place in &places {
            for name in std::iter::once(&place.name).chain(&place.names) {
                let place = Arc::clone(place);
                add(name, Known { place, until: None }, &mut problems);
            }
        }
        for place in &places {
            for Former { name, until } in &place.former {
                if until.parse::<jiff::civil::Date>().is_err() {
                    let id = &place.id;
                    problems.push(format!(
                        "{id}: {} is no day such as 2016-05-12",
                        quoted(until)
                    ));
                }
                let known = Known {
                    place: Arc::clone(place),
                    until: Some(until.clone()),
                };
                add(name, known, &mut problems);
            }
        }
        let names = Arc::new(names);
        if problems.is_empty() {
            Ok(Self { names })
        } else {
            Err(problems)
        }
    }

    /// The place of a name as reported, here or in the shipped gazetteer; what stands in brackets
    /// behind the name is not looked at.
    pub(super) fn find(&self, text: &str) -> Option<Known> {
        let name = text.split('(').next().unwrap_or(text);
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let folded = fold(name);
        let bare = SORTS.iter().find_map(|sort| folded.strip_prefix(sort));
        [self, shipped()].into_iter().find_map(|places| {
            let whole = places.names.get(folded.as_str());
            whole.or_else(|| places.names.get(bare?)).cloned()
        })
    }
}

/// Words in front of a name that say what sort of place it is. Folded.
const SORTS: [&str; 18] = [
    "city of ",
    "town of ",
    "village of ",
    "м. ",
    "місто ",
    "місті ",
    "г. ",
    "город ",
    "с. ",
    "село ",
    "смт ",
    "смт. ",
    "пгт ",
    "н.п. ",
    "н. п. ",
    "нп ",
    "ville de ",
    "miasto ",
];

/// Longest name, bytes.
const NAME_BYTES_MAX: usize = 100;

fn shipped() -> &'static Places {
    static SHIPPED: OnceLock<Places> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let file: File =
            toml::from_str(include_str!("gazetteer.toml")).expect("the shipped gazetteer is valid");
        Places::index(file.place).expect("a shipped name has one meaning")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Option<Known> {
        Places::default().find(text)
    }

    #[test]
    fn finds_places_by_any_of_their_names() {
        for (name, id) in [
            ("Donetsk", "ua-donetsk"),
            ("м. Донецьк", "ua-donetsk"),
            ("Донецка", "ua-donetsk"),
            ("DONEZK", "ua-donetsk"),
            ("Авдіївки", "ua-avdiivka"),
            ("н.п. Пікузи", "ua-pikuzy"),
            ("Pikuzy (formerly Kominternove)", "ua-pikuzy"),
            ("Lwów", "ua-lviv"),
            ("Île des Serpents", "ua-snake-island"),
        ] {
            let found = find(name).expect(name);
            assert_eq!(found.place.id, id, "{name}");
            assert_eq!(found.until, None, "{name}");
        }
        for (name, id) in [
            ("Kominternove", "ua-pikuzy"),
            ("Красный Луч", "ua-khrustalnyi"),
            ("Стаханов", "ua-kadiivka"),
        ] {
            let found = find(name).expect(name);
            assert_eq!(found.place.id, id, "{name}");
            assert_eq!(found.until.as_deref(), Some("2016-05-12"), "{name}");
        }
        for name in ["", "Paris", "near Donetsk", "(Donetsk)", "Donetsk airport"] {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_has_one_meaning_and_a_place_one_id() {
        let file: File = toml::from_str(include_str!("gazetteer.toml")).expect("a gazetteer");
        let (mut owner, mut ids) = (HashMap::new(), std::collections::BTreeSet::new());
        for place in &file.place {
            assert!(ids.insert(&place.id), "{}", place.id);
            assert!((43.18..=52.38).contains(&place.lat_deg), "{}", place.id);
            assert!((22.15..=40.18).contains(&place.lon_deg), "{}", place.id);
            assert!((10.0..=20_000.0).contains(&place.extent_m), "{}", place.id);
            let former = place.former.iter().map(|former| &former.name);
            for name in std::iter::once(&place.name)
                .chain(&place.names)
                .chain(former)
            {
                let other = owner.insert(fold(name), &place.id);
                assert!(other.is_none_or(|id| *id == place.id), "{name}");
            }
            for former in &place.former {
                let day: Result<jiff::civil::Date, _> = former.until.parse();
                assert!(day.is_ok(), "{}", former.until);
            }
        }
    }

    fn place(id: &str, names: &[&str], former: &[(&str, &str)]) -> Place {
        let former = former.iter().map(|&(name, until)| Former {
            name: name.to_owned(),
            until: until.to_owned(),
        });
        Place {
            id: id.to_owned(),
            name: id.to_owned(),
            lat_deg: 48.0,
            lon_deg: 37.0,
            extent_m: 500.0,
            names: names.iter().map(|&name| name.to_owned()).collect(),
            former: former.collect(),
        }
    }

    #[test]
    fn places_of_the_gateway_come_before_the_shipped_ones() {
        let own = Places::index(vec![
            place("x-north", &["Північне"], &[("Donetsk", "1924-01-01")]),
            place("x-south", &["Південне"], &[("Стара", "2016-05-12")]),
        ])
        .expect("places");
        let id = |text: &str| own.find(text).map(|known| known.place.id.clone());
        assert_eq!(id("с. Північне").as_deref(), Some("x-north"));
        assert_eq!(id("стара").as_deref(), Some("x-south"));
        assert_eq!(id("Donetsk").as_deref(), Some("x-north"));
        assert_eq!(id("Авдіївка").as_deref(), Some("ua-avdiivka"));
    }

    #[test]
    fn every_problem_of_a_gazetteer_is_told() {
        let problems = Places::index(vec![
            place("x-one", &["Мирне", " "], &[]),
            place("x-two", &["мирне"], &[("Old", "yesterday")]),
        ])
        .expect_err("three problems");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems
                .iter()
                .any(|text| text.contains("also a name of x-one"))
        );
    }
}

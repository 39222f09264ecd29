//! Named places to their fixed points. The data stand in `gazetteer.toml`; a name has one meaning
//! there, which a test checks. The spelling of the report is never replaced: this only says where it
//! is, and how the place was called before.

use crate::normalise::phrase::fold;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A place of the gazetteer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Stable id.
    pub(super) id: String,
    /// Today's name in English.
    pub(super) name: String,
    /// Latitude of its point, degrees north, WGS 84.
    pub(super) lat_deg: f64,
    /// Longitude of its point, degrees east, WGS 84.
    pub(super) lon_deg: f64,
    /// One standard deviation of where in the place is meant, metres.
    pub(super) extent_m: f64,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    former: Vec<Former>,
}

/// A name of the past.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Former {
    name: String,
    /// The last day of its validity, `YYYY-MM-DD`.
    until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    place: Vec<Place>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) place: &'static Place,
    /// The day until which the name was valid, where it is a former one.
    pub(super) until: Option<&'static str>,
}

struct Gazetteer {
    names: HashMap<String, Known>,
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

fn shipped() -> &'static Gazetteer {
    static SHIPPED: OnceLock<Gazetteer> = OnceLock::new();
    static FILE: OnceLock<File> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let file = FILE.get_or_init(|| {
            toml::from_str(include_str!("gazetteer.toml")).expect("the shipped gazetteer is valid")
        });
        let mut names = HashMap::new();
        for place in &file.place {
            let today = std::iter::once(&place.name).chain(&place.names);
            for name in today {
                names.insert(fold(name), Known { place, until: None });
            }
            for former in &place.former {
                let until = Some(former.until.as_str());
                names
                    .entry(fold(&former.name))
                    .or_insert(Known { place, until });
            }
        }
        Gazetteer { names }
    })
}

/// The place of a name as reported; what stands in brackets behind it is not looked at.
pub(super) fn find(text: &str) -> Option<Known> {
    let name = text.split('(').next().unwrap_or(text);
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let folded = fold(name);
    let names = &shipped().names;
    names
        .get(&folded)
        .or_else(|| {
            let bare = SORTS.iter().find_map(|sort| folded.strip_prefix(sort))?;
            names.get(bare)
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(found.until, Some("2016-05-12"), "{name}");
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
}

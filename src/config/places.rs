//! Places that the gateway's configuration adds to the gazetteer: `[normalise.places.ID]`.

use super::reader::Table;
use crate::normalise::position::{Former, Place, Places};

/// Most places of a configuration.
const PLACES_MAX: usize = 50_000;

/// The places of the `[normalise]` table.
pub(super) fn places(table: &mut Table<'_>) -> Places {
    let (mut listed, ids) = table.named_table("places");
    if ids.len() > PLACES_MAX {
        let message = format!("{} places; at most {PLACES_MAX}", ids.len());
        table.problem("places", message);
    }
    let ids = ids.into_iter().take(PLACES_MAX);
    let places = ids.filter_map(|id| place(id, &mut listed)).collect();
    Places::index(places).unwrap_or_else(|problems| {
        for problem in problems {
            table.problem("places", problem);
        }
        Places::default()
    })
}

fn place(id: String, listed: &mut Table<'_>) -> Option<Place> {
    let mut entry = listed.table(&id);
    let name = entry.required("name", "today's name");
    let at = entry.required(
        "at",
        "latitude and longitude, WGS 84, such as \"48.0159 37.8029\"",
    );
    let point = at.as_deref().and_then(|at| {
        let point = point(at);
        if point.is_none() {
            let message = format!("`{at}` is not latitude and longitude such as 48.0159 37.8029");
            entry.problem("at", message);
        }
        point
    });
    let extent_m = entry.float("extent_m", 1_000.0, 10.0..=50_000.0);
    let names = entry.texts("names", "other names of today, in any language and case");
    let former = entry.texts(
        "former",
        "names of the past, each with its last day: \"Stakhanov, 2016-05-12\"",
    );
    let former = former
        .iter()
        .filter_map(|text| {
            let split = text.rsplit_once(',');
            if split.is_none() {
                entry.problem("former", format!("`{text}` has no last day behind a comma"));
            }
            let (name, until) = split?;
            let (name, until) = (name.trim().to_owned(), until.trim().to_owned());
            Some(Former { name, until })
        })
        .collect();
    entry.finish();
    let (lat_deg, lon_deg) = point?;
    Some(Place {
        id,
        name: name?,
        lat_deg,
        lon_deg,
        extent_m,
        names,
        former,
    })
}

fn point(text: &str) -> Option<(f64, f64)> {
    let (lat, lon) = text
        .trim()
        .split_once(|c: char| c.is_whitespace() || c == ',')?;
    let number = |text: &str, limit: f64| {
        let value: f64 = text.trim().parse().ok()?;
        (-limit..=limit).contains(&value).then_some(value)
    };
    Some((
        number(lat, 90.0)?,
        number(lon.trim_start_matches(','), 180.0)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::point;

    #[test]
    fn reads_points() {
        assert_eq!(point("48.0159 37.8029"), Some((48.0159, 37.8029)));
        assert_eq!(point("48.0159, 37.8029"), Some((48.0159, 37.8029)));
        for text in [
            "",
            "48",
            "91 37",
            "48 181",
            "NaN 37",
            "48 37 1",
            "north east",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
    }
}

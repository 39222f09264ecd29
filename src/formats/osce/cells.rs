//! The prose in the cells of a table: `SMM camera in Zolote (government-controlled, 60km W of
//! Luhansk)`, `2-3km NE`, `In flight W to E`. Takes it apart; judges no place and no word.

use crate::report::{Bearing, Location, RelativeLocation};

/// Where the observer was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The place's name, as reported.
    pub(super) name: String,
    /// Who holds it, as reported.
    pub(super) control: String,
    /// The name, with coordinates in brackets where the cell has them.
    anchor: String,
    coordinates: Option<String>,
}

impl Position {
    pub(super) fn coordinates(&self) -> Option<&str> {
        self.coordinates.as_deref()
    }
}

/// A text with hyphens and blanks as a keyboard makes them.
pub(super) fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    text.chars().map(plain).collect()
}

/// Whether a cell only says that something is not known.
pub(super) fn says_nothing(text: &str) -> bool {
    const WORDS: [&str; 6] = ["n/k", "n/a", "nk", "not known", "unknown", "undetermined"];
    is_dash(text) || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a cell is only a stroke.
pub(super) fn is_dash(text: &str) -> bool {
    plain(text).trim().chars().all(|c| c == '-')
}

/// Words in front of the place's name.
const FRONTS: &[&str] = &[
    "the ",
    "smm ",
    "camera ",
    "cameras ",
    "patrol ",
    "base ",
    "forward ",
    "in ",
    "at ",
    "near ",
    "position ",
];

/// Takes the position apart.
pub(super) fn position(cell: &str) -> Position {
    let text = plain(cell);
    let mut rest = text.trim();
    while let Some(behind) = FRONTS.iter().find_map(|front| without_front(rest, front)) {
        rest = behind;
    }
    let bracket = rest
        .strip_suffix(')')
        .and_then(|inside| inside.split_once('('));
    let Some((name, inside)) = bracket else {
        return Position {
            name: rest.to_owned(),
            anchor: rest.to_owned(),
            ..Position::default()
        };
    };
    let (name, inside) = (name.trim(), inside.trim());
    let parts = || inside.split([',', ';']).map(str::trim);
    let control = parts().find(|part| part.to_lowercase().contains("controlled"));
    let coordinates = coordinates(inside);
    Position {
        name: name.to_owned(),
        control: control.unwrap_or_default().to_owned(),
        anchor: match &coordinates {
            Some(coordinates) => format!("{name} ({coordinates})"),
            None => name.to_owned(),
        },
        coordinates,
    }
}

fn without_front<'t>(text: &'t str, front: &str) -> Option<&'t str> {
    let head = text.get(..front.len())?;
    let behind = text.get(front.len()..)?.trim_start();
    (head.eq_ignore_ascii_case(front) && !behind.is_empty()).then_some(behind)
}

/// Two numbers in degrees inside brackets, such as `48.1394, 37.7472`, perhaps behind who
/// holds the place.
fn coordinates(inside: &str) -> Option<String> {
    let numbers: Vec<&str> = inside
        .split([',', ';', ' '])
        .filter(|part| part.contains('.') && part.parse::<f64>().is_ok())
        .collect();
    let [lat, lon] = numbers.as_slice() else {
        return None;
    };
    Some(format!("{lat}, {lon}"))
}

/// The location, or why there is none.
type Found = (Option<Location>, String);

/// Takes the place of the event apart.
pub(super) fn event(cell: Option<&str>, position: Option<&Position>) -> Result<Found, String> {
    let text = plain(cell.unwrap_or_default());
    let text = text.trim();
    if text.is_empty() || says_nothing(text) {
        return Ok((None, "the table gives no location of the event".to_owned()));
    }
    if let Some(behind) = unknown_distance(text) {
        let anchor = position.map_or("the position", |position| position.name.as_str());
        let reason = format!("distance not known; direction {behind} of {anchor}");
        return Ok((None, reason));
    }
    let Some((distance, rest)) = distance(text) else {
        return Ok((
            Some(Location {
                text: text.to_owned(),
                ..Location::default()
            }),
            String::new(),
        ));
    };
    let (direction, own_anchor) = match rest.split_once(" of ") {
        Some((direction, place)) => (direction, Some(place.trim())),
        None => (rest, None),
    };
    let anchor = own_anchor
        .map(str::to_owned)
        .or_else(|| position.map(|position| position.anchor.clone()))
        .filter(|anchor| !anchor.is_empty())
        .ok_or_else(|| format!("`{text}` is relative to nothing"))?;
    let location = Location {
        relative: Some(RelativeLocation {
            anchor,
            distance: distance.to_owned(),
            direction: direction.trim().trim_end_matches(',').to_owned(),
        }),
        ..Location::default()
    };
    Ok((Some(location), String::new()))
}

/// What stands behind `N/K` or `unknown distance` at the front.
fn unknown_distance(text: &str) -> Option<&str> {
    const FRONTS: [&str; 5] = [
        "n/k ",
        "unknown distance ",
        "at an unknown distance ",
        "undetermined distance ",
        "at an undetermined distance ",
    ];
    FRONTS.iter().find_map(|front| without_front(text, front))
}

/// A distance with its unit at the front, with words such as `about` before it, and the rest.
fn distance(text: &str) -> Option<(&str, &str)> {
    const UNITS: [&str; 9] = [
        "km",
        "m",
        "metres",
        "meters",
        "kilometres",
        "kilometers",
        "nmi",
        "yd",
        "mi",
    ];
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    let words = text.get(..digit)?;
    if words.chars().any(|c| !c.is_alphabetic() && c != ' ') || words.len() > 24 {
        return None;
    }
    let mut at = digit;
    loop {
        let number = text.get(at..)?;
        let length = number.find(|c: char| !(c.is_ascii_digit() || ".,- ".contains(c)))?;
        let unit = number.get(length..)?;
        let end = unit
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(unit.len());
        let (unit, rest) = unit.split_at_checked(end)?;
        if !UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit)) {
            return None;
        }
        let behind = at + length + end;
        // `80m-100m`: the unit stands behind both ends.
        let goes_on = rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        if !goes_on {
            return Some((
                text.get(..behind)?.trim(),
                rest.trim_start_matches([' ', ',']),
            ));
        }
        at = behind + 1;
    }
}

/// What a description says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Description<'t> {
    /// The text, where it is an airburst.
    pub(super) airburst: Option<&'t str>,
    pub(super) phase: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) assessed: bool,
}

/// Takes a description apart: `Outgoing`, `Airburst`, `In flight W to E`, `Outgoing from SW`.
pub(super) fn description(cell: &str) -> Description<'_> {
    let text = plain(cell);
    let lower = text.trim().to_lowercase();
    if lower.is_empty() || is_dash(&lower) {
        return Description::default();
    }
    let assessed = lower.contains("assessed");
    if lower.starts_with("airburst") || lower.starts_with("air burst") {
        return Description {
            airburst: Some(cell.trim()),
            assessed,
            ..Description::default()
        };
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut take = |front: &str| {
        let at = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(front))?;
        let wind = words.get(at + 1).filter(|word| is_wind(word))?.to_string();
        words.drain(at..=at + 1);
        Some(wind)
    };
    let (to, mut from) = (take("to"), take("from"));
    // `W to E` has no `from`.
    if to.is_some() && from.is_none() {
        from = words.pop_if(|word| is_wind(word)).map(str::to_owned);
    }
    Description {
        airburst: None,
        phase: Some(words.join(" ")).filter(|phase| !phase.is_empty()),
        from,
        to,
        assessed,
    }
}

/// Whether a word is a wind, in letters or in full.
fn is_wind(word: &str) -> bool {
    let word = word.trim_matches([',', '.']);
    let letters = word.len() <= 3 && word.chars().all(|c| "NESW".contains(c));
    let full = word
        .to_ascii_lowercase()
        .replace("-westerly", "-west")
        .split('-')
        .all(|part| matches!(part, "north" | "south" | "east" | "west"));
    !word.is_empty() && (letters || full)
}

pub(super) fn bearing(text: String) -> Bearing {
    Bearing {
        text,
        ..Bearing::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(cell: &str) -> (String, String, String) {
        let position = position("SMM camera in Avdiivka (48.1394, 37.7472)");
        let (location, _) = event(Some(cell), Some(&position)).unwrap();
        let from = location.unwrap().relative.unwrap();
        (from.distance, from.direction, from.anchor)
    }

    #[test]
    fn positions_are_taken_apart() {
        let zolote = position("SMM camera in Zolote (government-controlled, 60km W of Luhansk)");
        assert_eq!(
            (
                zolote.name.as_str(),
                zolote.control.as_str(),
                zolote.coordinates()
            ),
            ("Zolote", "government-controlled", None)
        );
        let avdiivka = position("Avdiivka\u{a0}(48.1394, 37.7472)");
        assert_eq!(avdiivka.anchor, "Avdiivka (48.1394, 37.7472)");
        assert_eq!(avdiivka.coordinates(), Some("48.1394, 37.7472"));
        assert_eq!(position("SMM").name, "SMM");
    }

    #[test]
    fn places_of_events_are_taken_apart() {
        let own = "Avdiivka (48.1394, 37.7472)";
        for (cell, distance, direction, anchor) in [
            ("2-3km NE", "2-3km", "NE", own),
            ("2\u{2013}3\u{a0}km NE", "2-3 km", "NE", own),
            ("1.4-1.6km SE and SSE", "1.4-1.6km", "SE and SSE", own),
            (
                "80m-100m north\u{2011}north\u{2011}west",
                "80m-100m",
                "north-north-west",
                own,
            ),
            ("about 5 km SSW of Donetsk", "about 5 km", "SSW", "Donetsk"),
        ] {
            let found = relative(cell);
            let expected = (distance.into(), direction.into(), anchor.into());
            assert_eq!(found, expected, "{cell}");
        }
        let (location, reason) = event(Some("N/K SW"), None).unwrap();
        assert!(location.is_none());
        assert_eq!(reason, "distance not known; direction SW of the position");
        let (location, _) = event(Some("37U DP 10729 18760"), None).unwrap();
        assert_eq!(location.unwrap().text, "37U DP 10729 18760");
        assert!(event(Some("2-3km NE"), None).is_err());
        assert!(event(Some("N/K"), None).unwrap().0.is_none());
    }

    #[test]
    fn descriptions_are_taken_apart() {
        let flight = description("In flight W to E");
        assert_eq!(flight.phase.as_deref(), Some("In flight"));
        assert_eq!(
            (flight.from.as_deref(), flight.to.as_deref()),
            (Some("W"), Some("E"))
        );
        let outgoing = description("Assessed as outgoing from south-west");
        assert_eq!(outgoing.phase.as_deref(), Some("Assessed as outgoing"));
        assert!(outgoing.assessed);
        assert_eq!(outgoing.from.as_deref(), Some("south-west"));
        assert_eq!(description("Airburst").airburst, Some("Airburst"));
        assert_eq!(description("\u{2013}"), Description::default());
    }
}

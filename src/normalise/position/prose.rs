//! Positions in words: `about 5 km SSW of Donetsk`, `2-3 km NE of Avdiivka (48.1394, 37.7472)`, or
//! the name of a place. Looked at only where a text has no coordinates. A description in brackets
//! behind a name, such as `Zolote (60km W of Luhansk)`, tells which place is meant and is never the
//! position itself.

use super::gazetteer::Known;
use super::relative::{self, distance_m};
use super::{Fault, Point, trace_point};
use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::normalise::{Profile, bearing, distance};
use crate::record::{PositionMethod, Text};
use crate::report::RelativeLocation;

static GAZETTEER: Rule = Rule::new(
    "position.gazetteer",
    "a place by its name: its fixed point in the gazetteer, its extent as uncertainty",
    "domain.md 1.1, 3.6",
);
static UNKNOWN: Rule = Rule::new(
    "position.place_unknown",
    "a position in words is a place of the gazetteer, or distance and direction from an anchor",
    "domain.md 3.6",
);
static FORMER_NAME: Rule = Rule::new(
    "position.place_renamed",
    "a former name of a place is understood; the spelling of the report is kept",
    "domain.md 1.1",
);
static HINT_DISAGREES: Rule = Rule::new(
    "position.place_hint",
    "what describes a place by another one is a hint, not the position; where the two lie far \
     apart, another place of that name may be meant",
    "domain.md 3.6",
);
static FAR_FROM_PLACE: Rule = Rule::new(
    "position.far_from_place",
    "a position far from the place that the report names is a mistake of zone, digit or name",
    "domain.md 3.3",
);

/// How far a position may lie from the place that is named beside it, its extent not counted.
const FAR_FROM_PLACE_M: f64 = 50_000.0;

/// Most words that are looked at.
const WORDS_MAX: usize = 40;

/// Longest text that is read as words, bytes.
const TEXT_BYTES_MAX: usize = 300;

/// What a text turned out to be.
pub(super) enum Prose {
    /// A position.
    Read(Box<Point>),
    /// A position in words with faults, which were told.
    Told,
    /// Something else.
    Other,
}

/// Reads a position in words.
pub(super) fn read(text: &str, profile: &Profile, field: &str, notes: &mut Notes) -> Prose {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX || !text.contains(char::is_alphabetic) {
        return Prose::Other;
    }
    // A number with a letter behind it, and more numbers, is rather a grid than a distance.
    let grid = |from: &RelativeLocation| {
        from.anchor.starts_with(|c: char| c.is_ascii_digit())
            && !relative::has_place(&from.anchor, profile)
    };
    if let Some(from) = split(text, profile).filter(|from| !grid(from)) {
        let part_field = format!("{field}.text");
        return match relative::read(&from, profile, field, &part_field, notes) {
            Some(point) => Prose::Read(Box::new(point)),
            None => Prose::Told,
        };
    }
    if let Some(known) = profile.rules().places.find(text) {
        return Prose::Read(Box::new(named(&known, text, profile, field, notes)));
    }
    // With digits it was meant as coordinates, and their reader has said why not.
    let name = text.split('(').next().unwrap_or(text);
    if name.contains(|c: char| c.is_ascii_digit()) {
        return Prose::Other;
    }
    let fault = Fault::new(
        &UNKNOWN,
        format!("the gazetteer does not know {}", quoted(text)),
        "coordinates; or a place of the gazetteer, or distance and direction from an anchor such as \
         `2-3 km NE of Avdiivka (48.1394, 37.7472)`",
    );
    fault.tell(field, notes);
    Prose::Told
}

fn named(known: &Known, text: &str, profile: &Profile, field: &str, notes: &mut Notes) -> Point {
    let place = &known.place;
    let point = Point {
        lat_deg: place.lat_deg,
        lon_deg: place.lon_deg,
        method: PositionMethod::Gazetteer,
        sigma_m: Some(place.extent_m),
        ..Point::direct(Text::Borrowed("EPSG:4326"))
    };
    trace_known(known, &GAZETTEER, text, field, notes);
    trace_point(&point, &GAZETTEER, text, field, notes);
    hint(known, text, profile, field, notes);
    point
}

/// Says which place was found, and that it was called otherwise before.
pub(super) fn trace_known(
    known: &Known,
    rule: &'static Rule,
    text: &str,
    field: &str,
    notes: &mut Notes,
) {
    let place = &known.place;
    if let Some(until) = &known.until {
        let output = format!("{} ({}), so called until {until}", place.name, place.id);
        notes.trace(field, &FORMER_NAME, bounded(text), output);
    } else {
        notes.trace(
            field,
            rule,
            bounded(text),
            format!("{} ({})", place.name, place.id),
        );
    }
}

/// Compares a description in brackets with the place that was found by name.
fn hint(known: &Known, text: &str, profile: &Profile, field: &str, notes: &mut Notes) {
    let Some((_, inside)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return;
    };
    let place = &known.place;
    for part in inside.split(',').take(8) {
        let Some(from) = split(part.trim(), profile) else {
            continue;
        };
        // What the hint itself says wrong is not the report's fault.
        let mut aside = Notes::new();
        let Some(point) = relative::read(&from, profile, field, field, &mut aside) else {
            continue;
        };
        let apart_m = distance_m(
            (place.lat_deg, place.lon_deg),
            (point.lat_deg, point.lon_deg),
        );
        let expected_m = point.sigma_m.unwrap_or(0.0).hypot(place.extent_m);
        if apart_m > 3.0 * expected_m {
            let output = format!("{:.0} km from {}", apart_m / 1_000.0, place.name);
            notes.warn(field, &HINT_DISAGREES, bounded(part.trim()), output);
        }
    }
}

/// Compares the named place of a report with its position; the place's id in the gazetteer.
pub(in crate::normalise) fn place_id(
    name: &str,
    at: Option<(f64, f64)>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<String> {
    let known = profile.rules().places.find(name)?;
    let place = &known.place;
    trace_known(&known, &GAZETTEER, name, field, notes);
    if let Some(at) = at {
        let apart_m = distance_m((place.lat_deg, place.lon_deg), at);
        if apart_m > FAR_FROM_PLACE_M + 2.0 * place.extent_m {
            let output = format!("the position is {:.0} km away", apart_m / 1_000.0);
            notes.warn(field, &FAR_FROM_PLACE, bounded(name), output);
        }
    }
    Some(place.id.clone())
}

/// Words in front of a distance.
const BEFORE_DISTANCE: [&str; 9] = ["at", "à", "a", "in", "w", "за", "в", "у", "на"];

/// Words between a direction and the anchor.
const BEFORE_ANCHOR: [&str; 20] = [
    "of",
    "from",
    "de la",
    "de",
    "du",
    "des",
    "d'",
    "d’",
    "von",
    "vom",
    "der",
    "od",
    "від",
    "од",
    "от",
    "miasta",
    "міста",
    "города",
    "смт",
    "села",
];

/// The first words of a text and where they begin.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace).take(WORDS_MAX) {
        let word = piece.trim_end();
        if !word.is_empty() {
            words.push((at, word));
        }
        at += piece.len();
    }
    words
}

/// Splits a text into distance, direction and anchor; `None` where it does not begin so.
fn split(text: &str, profile: &Profile) -> Option<RelativeLocation> {
    let words = words(text);
    let end = |index: usize| words.get(index).map(|(at, word)| at + word.len());
    let start = |index: usize| words.get(index).map_or(text.len(), |(at, _)| *at);
    // The distance is as long as it can be read.
    let (mut distance_text, mut plain, mut used) = (None, String::new(), 0);
    for (index, (_, word)) in words.iter().enumerate().take(8) {
        let is_filler = BEFORE_DISTANCE.contains(&word.to_lowercase().as_str());
        if !is_filler {
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.push_str(word);
        }
        if distance::looks_like(&plain, profile.decimal_comma()) && !is_filler {
            distance_text = Some(plain.clone());
            used = index + 1;
        }
    }
    let distance = distance_text?;
    // So is the direction.
    let longest = words.len().min(used + 7);
    let (direction, mut rest) = (used..longest).rev().find_map(|last| {
        let direction = text.get(start(used)..end(last)?)?;
        bearing::from_anchor(direction, profile)?;
        Some((direction, text.get(end(last)?..)?.trim_start()))
    })?;
    while let Some(after) = BEFORE_ANCHOR.iter().find_map(|word| {
        let head = rest.get(..word.len())?;
        let after = rest.get(word.len()..)?;
        let ends = word.ends_with(['\'', '’']) || after.starts_with(char::is_whitespace);
        (head.to_lowercase() == *word && ends).then_some(after)
    }) {
        rest = after.trim_start();
    }
    Some(RelativeLocation {
        anchor: rest.trim_end_matches('.').to_owned(),
        distance,
        direction: direction.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, String, String)> {
        split(text, &Profile::default()).map(|from| (from.distance, from.direction, from.anchor))
    }

    /// Text, distance, direction, anchor.
    const SPLIT: &str = "\
about 5 km SSW of Donetsk | about 5 km | SSW | Donetsk
2-3km NE of Avdiivka (48.1394, 37.7472) | 2-3km | NE | Avdiivka (48.1394, 37.7472)
1.4-1.6km SE and SSE of Zolote | 1.4-1.6km | SE and SSE | Zolote
150-200m south-south-east of 48.0 37.8 | 150-200m | south-south-east | 48.0 37.8
à environ 5 km au sud-ouest de Donetsk | environ 5 km | au sud-ouest | Donetsk
up to 5 km NE of Donetsk | up to 5 km | NE | Donetsk
over 5 km NE of Donetsk | over 5 km | NE | Donetsk
5 km à l'est d'Avdiivka | 5 km | à l'est | Avdiivka
etwa 5 km südwestlich von Donezk | etwa 5 km | südwestlich | Donezk
5 km nordöstlich der Stadt | 5 km | nordöstlich | Stadt
około 5 km na południowy zachód od Doniecka | około 5 km | na południowy zachód | Doniecka
приблизно за 5 км на південний захід від Донецька | приблизно 5 км | на південний захід | Донецька
5 км північніше м. Авдіївка | 5 км | північніше | м. Авдіївка
примерно в 5 км к юго-западу от Донецка | примерно 5 км | к юго-западу | Донецка
в 5 км юго-западнее Донецка | 5 км | юго-западнее | Донецка
3 km 45 deg from Donetsk | 3 km | 45 deg | Donetsk";

    #[test]
    fn splits_what_six_languages_write() {
        for line in SPLIT.lines() {
            let fields: Vec<_> = line.split(" | ").collect();
            let &[text, distance, direction, anchor] = fields.as_slice() else {
                panic!("{line}");
            };
            let expected = (distance.to_owned(), direction.to_owned(), anchor.to_owned());
            assert_eq!(parts(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "Donetsk",
            "48.0159 37.8029",
            "37U DP 10729 18760",
            "5 km",
            "5 km of Donetsk",
            "north of Donetsk",
            "X=5320990 Y=7410809",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}

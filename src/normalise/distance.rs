//! Distances with their unit, to metres.

use super::Rule;
use super::notes::quoted;
use super::quantity::Qualifier;
use super::quantity::{Amount, amount};
use crate::record::Text;

static UNREADABLE: Rule = Rule {
    version: 2,
    ..Rule::new(
        "distance.unreadable",
        "a distance is a number or a range with its unit; `about` widens it by 20 per cent; `up to` \
         is the range from the anchor itself",
        "domain.md 3.6, 3.7",
    )
};

static OPEN_ENDED: Rule = Rule::new(
    "distance.open_ended",
    "a distance that says only how far at least is no place: its other end could be anywhere",
    "domain.md 3.6",
);

/// The furthest that a place is described from, metres.
const DISTANCE_M_MAX: f64 = 500_000.0;

/// What `about` adds to either side: a policy, not a measurement.
const ABOUT_SHARE: f64 = 0.2;

/// A distance or a range of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Distance {
    pub(super) min_m: f64,
    pub(super) max_m: f64,
}

/// Reads a distance; the error is rule, message and what was expected.
pub(super) fn parse(
    text: &str,
    decimal_comma: bool,
) -> Result<Distance, (&'static Rule, Text, Text)> {
    let unreadable = || {
        (
            &UNREADABLE,
            format!("{} is no distance", quoted(text)).into(),
            "for example `2-3 km`, `about 5 km`, `up to 5 km`, `150-200m`; units m, km, nmi, mi, yd, \
             ft; above 0 and at most 500 km"
                .into(),
        )
    };
    let (qualifier, min_m, max_m) = length_m(text, decimal_comma).ok_or_else(unreadable)?;
    let (min_m, max_m) = match qualifier {
        Qualifier::None => (min_m, max_m),
        Qualifier::About => (min_m * (1.0 - ABOUT_SHARE), max_m * (1.0 + ABOUT_SHARE)),
        // `up to 2-3 km` has two meanings.
        Qualifier::AtMost | Qualifier::FewerThan if min_m == max_m => (0.0, max_m),
        Qualifier::AtLeast | Qualifier::MoreThan => {
            return Err((
                &OPEN_ENDED,
                format!("{} does not say how far at most", quoted(text)).into(),
                "both ends, for example `5-10 km`; or `about 5 km`".into(),
            ));
        }
        Qualifier::AtMost | Qualifier::FewerThan | Qualifier::Unquantified => {
            return Err(unreadable());
        }
    };
    let fits = 0.0 < max_m && min_m <= max_m && max_m <= DISTANCE_M_MAX;
    let starts = min_m > 0.0 || matches!(qualifier, Qualifier::AtMost | Qualifier::FewerThan);
    if fits && starts {
        Ok(Distance { min_m, max_m })
    } else {
        Err(unreadable())
    }
}

/// Whether a text is meant as a distance, be it a good one or not.
pub(super) fn looks_like(text: &str, decimal_comma: bool) -> bool {
    parse(text, decimal_comma).map_or_else(|(rule, ..)| *rule == OPEN_ENDED, |_| true)
}

/// A length or a range of them with its unit: qualifier and both ends, metres.
pub(super) fn length_m(text: &str, decimal_comma: bool) -> Option<(Qualifier, f64, f64)> {
    let Amount {
        qualifier,
        ends,
        rest,
    } = amount(text, decimal_comma)?;
    let (min, max) = ends?;
    if let Some(unit_m) = metres(&rest) {
        return Some((qualifier, min * unit_m, max * unit_m));
    }
    // `800 m - 1.2 km`: either end with its own unit.
    let (unit, last) = rest.split_once('-')?;
    let last = amount(last.trim_start(), decimal_comma)?;
    let (first_m, last_m) = (metres(unit.trim_end())?, metres(&last.rest)?);
    let single = min == max && last.qualifier == Qualifier::None;
    let (last, again) = last.ends.filter(|_| single)?;
    (last == again).then_some((qualifier, min * first_m, last * last_m))
}

/// Metres of a unit; exact by definition.
fn metres(unit: &str) -> Option<f64> {
    match unit.trim_end_matches('.') {
        "m" | "м" | "metre" | "metres" | "meter" | "meters" | "metern" | "mètre" | "mètres"
        | "metr" | "metry" | "metrów" | "метр" | "метри" | "метрів" | "метра" | "метров" => {
            Some(1.0)
        }
        "km"
        | "км"
        | "kms"
        | "kilometre"
        | "kilometres"
        | "kilometer"
        | "kilometers"
        | "kilometern"
        | "kilomètre"
        | "kilomètres"
        | "kilometr"
        | "kilometry"
        | "kilometrów"
        | "кілометр"
        | "кілометри"
        | "кілометрів"
        | "километр"
        | "километра"
        | "километров" => Some(1_000.0),
        "nmi"
        | "nm"
        | "nautical mile"
        | "nautical miles"
        | "mille marin"
        | "milles marins"
        | "seemeile"
        | "seemeilen"
        | "mila morska"
        | "mil morskich"
        | "морська миля"
        | "морських миль"
        | "морская миля"
        | "морских миль" => Some(1_852.0),
        "mi" | "mile" | "miles" => Some(1_609.344),
        "yd" | "yds" | "yard" | "yards" => Some(0.914_4),
        "ft" | "foot" | "feet" => Some(0.304_8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, decimal_comma: bool) -> Option<Distance> {
        parse(text, decimal_comma).ok()
    }

    #[test]
    fn up_to_begins_at_the_anchor_and_over_is_no_place() {
        for text in [
            "up to 5 km",
            "within 5 km",
            "less than 5 km",
            "jusqu'à 5 km",
            "moins de 5 km",
            "bis zu 5 km",
            "do 5 km",
            "до 5 км",
            "менше 5 км",
            "не далее 5 км",
        ] {
            let Distance { min_m, max_m } = read(text, false).expect(text);
            assert_eq!((min_m, max_m), (0.0, 5_000.0), "{text}");
        }
        for text in ["over 5 km", "at least 5 km", "понад 5 км", "5 or more km"] {
            let (rule, ..) = parse(text, false).expect_err(text);
            assert_eq!(rule.id, "distance.open_ended", "{text}");
        }
        // A range in which the nearer end is nought is not what anybody measured.
        for text in [
            "0-5 km",
            "up to 2-3 km",
            "up to 0 km",
            "up to 501 km",
            "several km",
        ] {
            assert_eq!(
                parse(text, false).expect_err(text).0.id,
                "distance.unreadable"
            );
        }
    }

    #[test]
    fn reads_distances() {
        for (text, min_m, max_m) in [
            ("5 km", 5_000.0, 5_000.0),
            ("2-3km", 2_000.0, 3_000.0),
            ("1.4-1.6km", 1_400.0, 1_600.0),
            ("150–200m", 150.0, 200.0),
            ("about 5 km", 4_000.0, 6_000.0),
            ("1 nmi", 1_852.0, 1_852.0),
            ("600 yd", 548.64, 548.64),
            ("10 км", 10_000.0, 10_000.0),
            ("800 m - 1.2 km", 800.0, 1_200.0),
            ("2 km–3 km", 2_000.0, 3_000.0),
            ("between 2 and 3 km", 2_000.0, 3_000.0),
            ("від 2 до 3 км", 2_000.0, 3_000.0),
            ("od 2 do 3 km", 2_000.0, 3_000.0),
            ("приблизно 5 кілометрів", 4_000.0, 6_000.0),
            ("two nautical miles", 3_704.0, 3_704.0),
            ("1 mi", 1_609.344, 1_609.344),
            ("100 ft", 30.48, 30.48),
            ("une dizaine de kilomètres", 8_000.0, 12_000.0),
        ] {
            let Distance { min_m: a, max_m: b } = read(text, false).expect(text);
            assert!(
                (a - min_m).abs() < 1e-9 && (b - max_m).abs() < 1e-9,
                "{text}: {a} {b}"
            );
        }
        assert_eq!(read("0.500 km", true).map(|d| d.min_m), Some(500.0));
        assert_eq!(read("2,5 km", true).map(|d| d.min_m), Some(2_500.0));
        for text in [
            "",
            "5",
            "0 km",
            "-5 km",
            "3-2 km",
            "9999999 m",
            "5 parsec",
            "2-3 m - 5 km",
            "2 km - 3",
            "3 km - 2 km",
        ] {
            assert_eq!(read(text, false), None, "{text}");
        }
    }
}

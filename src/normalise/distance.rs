//! Distances with their unit, to metres.

use super::Rule;
use super::notes::quoted;
use super::quantity::Qualifier;
use super::quantity::{Amount, amount};
use crate::record::Text;

static UNREADABLE: Rule = Rule::new(
    "distance.unreadable",
    "a distance is a number or a range with its unit; `about` widens it by 20 per cent",
    "domain.md 3.6, 3.7",
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
    read(text, decimal_comma).ok_or_else(|| {
        (
            &UNREADABLE,
            format!("{} is no distance", quoted(text)).into(),
            "for example `2-3 km`, `about 5 km`, `150-200m`; units m, km, nmi, mi, yd, ft; above \
             0 and at most 500 km"
                .into(),
        )
    })
}

fn read(text: &str, decimal_comma: bool) -> Option<Distance> {
    let (qualifier, min_m, max_m) = length_m(text, decimal_comma)?;
    let share = match qualifier {
        Qualifier::None => 0.0,
        Qualifier::About => ABOUT_SHARE,
        _ => return None,
    };
    let (min_m, max_m) = (min_m * (1.0 - share), max_m * (1.0 + share));
    let fits = min_m > 0.0 && min_m <= max_m && max_m <= DISTANCE_M_MAX;
    fits.then_some(Distance { min_m, max_m })
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
            "over 5 km",
            "5 parsec",
            "2-3 m - 5 km",
            "2 km - 3",
            "3 km - 2 km",
            "up to 5 km",
        ] {
            assert_eq!(read(text, false), None, "{text}");
        }
    }
}

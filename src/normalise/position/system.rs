//! Names of reference systems, as nations and the EPSG register write them.

use super::datum::Datum;
use super::grid::Square;
use super::plane::Plane;
use super::square::Anchor;
use crate::record::Text;

/// What a message lists when a name is unknown.
pub(in crate::normalise) const KNOWN: &str = "one of MGRS, UTM, UPS, WGS84, SK-42, UCS-2000, UCS-2000 / LCS-nn, \
                         UCS-2000 / Ukraine TM zone n, or EPSG:4326, 4284, 5561, 32601-32660, \
                         32701-32760, 28404-28408, 2494-2497, 2523-2529, 2582-2588, 5562-5569, \
                         6381-6387, 9821, 9831-9841, 9851-9865; for short grids `MGRS 37UDP`, for \
                         map squares `SK-42 M-37-110` or `SK-42 53/74`";

/// Longest name, letters and digits.
const NAME_LEN_MAX: usize = 64;

/// A reference system that we can read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum System {
    /// Latitude and longitude in WGS 84.
    Wgs84,
    /// Military grid.
    Mgrs,
    /// Digits of the military grid within a declared square.
    MgrsIn(Square),
    /// UTM on WGS 84; with a zone, and whether it is the northern one, where the name says it.
    Utm(Option<(u8, bool)>),
    /// Universal Polar Stereographic on WGS 84; north where the name says it.
    Ups(Option<bool>),
    /// Latitude and longitude in another datum.
    Geographic(Datum),
    /// Another datum by its name alone: Gauss-Krueger or latitude and longitude, the text tells.
    Named(Datum),
    /// A 6-degree zone by its number; the easting may or may not repeat it.
    Zone(Plane),
    /// A plane by its EPSG code.
    Plane(Plane),
    /// Map squares near a declared anchor.
    Squares(Datum, Anchor),
}

impl System {
    /// Reads a name. Hyphens, spaces and case do not matter, nor does the alphabet of CK.
    #[must_use]
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::parse_plain(name).or_else(|| {
            // A name and, behind a blank, what the text is to be read against.
            name.char_indices()
                .filter(|(_, c)| c.is_whitespace())
                .take(8)
                .find_map(|(at, _)| {
                    let (head, tail) = name.split_at_checked(at)?;
                    match Self::parse_plain(head)? {
                        Self::Mgrs => Square::parse(tail).map(Self::MgrsIn),
                        Self::Named(datum) => {
                            Anchor::parse(tail, datum).map(|anchor| Self::Squares(datum, anchor))
                        }
                        _ => None,
                    }
                })
        })
    }

    fn parse_plain(name: &str) -> Option<Self> {
        if let Some(known) = Self::of_short(name.trim()) {
            return Some(known);
        }
        let name: String = name
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == ':')
            .flat_map(char::to_uppercase)
            .take(NAME_LEN_MAX)
            .collect();
        if let Some(code) = name.strip_prefix("EPSG") {
            return Self::of_epsg(code.trim_start_matches(':').parse().ok()?);
        }
        if let Some(known) = Self::of_name(&name) {
            return Some(known);
        }
        let (datum, rest) = datum_in_front(&name);
        if let Some(zone) = number_behind(
            rest,
            &["GAUSSKRUGERZONE", "GAUSSKRUEGERZONE", "ZONE", "ЗОНА"],
        ) {
            let plane = Plane::of_zone(datum?, u8::try_from(zone).ok()?)?;
            return Some(Self::Zone(plane));
        }
        if datum == Some(Datum::Sk42) {
            return None;
        }
        if let Some(zone) = number_behind(rest, &["UKRAINETMZONE"]) {
            return Plane::of_ukraine_tm(zone).map(Self::Plane);
        }
        // МСК alone is the name of Russia's local systems as well, with other numbers.
        let rest = rest
            .strip_prefix("LCS")
            .or_else(|| datum.and_then(|_| rest.strip_prefix("МСК")))?;
        let digits = rest.get(..2)?;
        let number = digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()?;
        // The oblast's name may follow; another digit may not.
        let named = !rest.get(2..)?.starts_with(|c: char| c.is_ascii_digit());
        named
            .then(|| Plane::of_oblast(number).map(Self::Plane))
            .flatten()
    }

    /// The names that most reports use, without a detour.
    fn of_short(name: &str) -> Option<Self> {
        match name {
            "MGRS" => Some(Self::Mgrs),
            "WGS84" => Some(Self::Wgs84),
            "UTM" => Some(Self::Utm(None)),
            "SK-42" => Some(Self::Named(Datum::Sk42)),
            "UCS-2000" => Some(Self::Named(Datum::Ucs2000)),
            _ => None,
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        match name {
            "WGS84" | "WGS1984" | "GPS" => Some(Self::Wgs84),
            "MGRS" => Some(Self::Mgrs),
            "UTM" | "WGS84UTM" => Some(Self::Utm(None)),
            "UPS" => Some(Self::Ups(None)),
            "UPSNORTH" | "WGS84UPSNORTH" => Some(Self::Ups(Some(true))),
            "UPSSOUTH" | "WGS84UPSSOUTH" => Some(Self::Ups(Some(false))),
            _ => match datum_in_front(name) {
                (Some(datum), "") => Some(Self::Named(datum)),
                _ => None,
            },
        }
    }

    fn of_epsg(code: u16) -> Option<Self> {
        let zone = u8::try_from(code % 100).ok();
        match code {
            4_326 => Some(Self::Wgs84),
            4_284 => Some(Self::Geographic(Datum::Sk42)),
            5_561 => Some(Self::Geographic(Datum::Ucs2000)),
            32_601..=32_660 => Some(Self::Utm(zone.map(|zone| (zone, true)))),
            32_701..=32_760 => Some(Self::Utm(zone.map(|zone| (zone, false)))),
            // Those with easting first, as everybody writes UPS; 32661 and 32761 have northing first.
            5_041 => Some(Self::Ups(Some(true))),
            5_042 => Some(Self::Ups(Some(false))),
            _ => Plane::of_epsg(code).map(Self::Plane),
        }
    }

    /// Takes the name of a system from the front of a text, as in `СК-42 Х=5320990 У=7410809`:
    /// the system and the rest.
    #[must_use]
    pub(super) fn prefix(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        // Only names with a letter in front: a number is never taken for a system.
        text.chars().next().filter(|c| c.is_alphabetic())?;
        let end = text.find([' ', '\u{a0}', '\t', ':', ',', ';'])?;
        let (name, rest) = text.split_at_checked(end)?;
        let system = Self::parse_plain(name)?;
        Some((
            system,
            rest.trim_start_matches([' ', '\u{a0}', '\t', ':', ',', ';']),
        ))
    }
}

/// The datum that a name begins with, and the rest. Capitals without hyphens expected.
fn datum_in_front(name: &str) -> (Option<Datum>, &str) {
    const NAMES: [(&str, Datum); 9] = [
        ("SK42", Datum::Sk42),
        ("CK42", Datum::Sk42),
        ("СК42", Datum::Sk42),
        ("SK1942", Datum::Sk42),
        ("СК1942", Datum::Sk42),
        ("PULKOVO1942", Datum::Sk42),
        ("UCS2000", Datum::Ucs2000),
        ("USK2000", Datum::Ucs2000),
        ("УСК2000", Datum::Ucs2000),
    ];
    NAMES
        .iter()
        .find_map(|&(known, datum)| Some((Some(datum), name.strip_prefix(known)?)))
        .unwrap_or((None, name))
}

/// The number that is the whole rest behind one of the words.
fn number_behind(text: &str, words: &[&str]) -> Option<u16> {
    let digits = words.iter().find_map(|word| text.strip_prefix(word))?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The EPSG name of latitude and longitude in a datum.
#[must_use]
pub(super) const fn geographic_crs(datum: Datum) -> Text {
    Text::Borrowed(match datum {
        Datum::Sk42 => "EPSG:4284",
        Datum::Ucs2000 => "EPSG:5561",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(name: &str) -> (u16, f64, u32) {
        match System::parse(name) {
            Some(System::Plane(plane) | System::Zone(plane)) => {
                (plane.epsg, plane.meridian_deg(), plane.false_easting_m)
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn reads_names_in_both_alphabets_and_codes() {
        for name in ["СК-42", "ck 42", "SK-42", "sk42", "Pulkovo 1942", "СК 1942"] {
            assert_eq!(System::parse(name), Some(System::Named(Datum::Sk42)));
        }
        for name in ["УСК-2000", "UCS-2000", "usk2000"] {
            assert_eq!(System::parse(name), Some(System::Named(Datum::Ucs2000)));
        }
        assert_eq!(
            System::parse("epsg:32637"),
            Some(System::Utm(Some((37, true))))
        );
        assert_eq!(
            System::parse("EPSG:32737"),
            Some(System::Utm(Some((37, false))))
        );
        for unknown in [
            "EPSG:4740",
            "EPSG:5577",
            "EPSG:99999999",
            "МСК-14",
            "LCS-99",
            "LCS-145",
            "SK-42 / LCS-14",
            "SK-42 zone 9",
            "UCS-2000 / Ukraine TM zone 14",
            "",
        ] {
            assert_eq!(System::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn knows_the_planes_by_code_and_by_name() {
        for (name, expected) in [
            ("EPSG:6382", (6_382, 24.0, 300_000)),
            ("UCS-2000 / Ukraine TM zone 12", (6_386, 36.0, 300_000)),
            ("EPSG:28407", (28_407, 39.0, 7_500_000)),
            ("SK-42 zone 7", (28_407, 39.0, 7_500_000)),
            ("СК-42 зона 6", (28_406, 33.0, 6_500_000)),
            (
                "Pulkovo 1942 / Gauss-Kruger zone 5",
                (28_405, 27.0, 5_500_000),
            ),
            ("EPSG:2529", (2_529, 39.0, 13_500_000)),
            ("LCS-14", (9_835, 37.5, 300_000)),
            ("UCS-2000 / LCS-14 Donetsk", (9_835, 37.5, 300_000)),
            ("УСК-2000 МСК-53", (9_854, 2_030.0 / 60.0, 300_000)),
        ] {
            assert_eq!(plane(name), expected, "{name}");
        }
    }

    #[test]
    fn takes_a_name_from_the_front_of_a_text() {
        assert_eq!(
            System::prefix("СК-42 Х=1 У=2"),
            Some((System::Named(Datum::Sk42), "Х=1 У=2"))
        );
        assert_eq!(System::prefix("48.0 37.8"), None);
    }

    #[test]
    fn takes_what_a_short_text_is_read_against() {
        assert!(matches!(
            System::parse("MGRS 37U DP"),
            Some(System::MgrsIn(_))
        ));
        assert!(matches!(
            System::parse("СК-42 M-37-110"),
            Some(System::Squares(Datum::Sk42, _))
        ));
        assert!(matches!(
            System::parse("УСК 2000 53/74"),
            Some(System::Squares(Datum::Ucs2000, _))
        ));
        assert_eq!(System::parse("MGRS 37U"), None);
        assert_eq!(System::parse("SK-42 somewhere"), None);
    }
}

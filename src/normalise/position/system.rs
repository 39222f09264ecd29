//! Names of reference systems, as nations and the EPSG register write them.

use super::datum::Datum;
use crate::record::Text;

/// What a message lists when a name is unknown.
pub(super) const KNOWN: &str = "one of MGRS, UTM, WGS84, SK-42, UCS-2000, or EPSG:4326, 4284, 5561, \
                         32634-32637, 28404-28408, 2494-2497, 2582-2588, 5562-5569, 6381-6387";

/// A reference system that we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// Latitude and longitude in WGS 84.
    Wgs84,
    /// Military grid.
    Mgrs,
    /// UTM on WGS 84; with a zone where the name says it.
    Utm(Option<u8>),
    /// Latitude and longitude in another datum.
    Geographic(Datum),
    /// Another datum by its name alone: Gauss-Krueger or latitude and longitude, the text tells.
    Named(Datum),
    /// A plane by its EPSG code.
    Plane(Plane),
}

/// A transverse Mercator plane on the Krassowsky ellipsoid with scale 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plane {
    /// Its datum.
    pub(super) datum: Datum,
    /// Its central meridian, degrees east.
    pub(super) meridian_deg: u8,
    /// Easting of the central meridian, metres.
    pub(super) false_easting_m: u32,
    /// Its code in the EPSG register.
    pub(super) epsg: u16,
}

impl Plane {
    /// The 6-degree zone `zone` with the zone in front of the easting; we hold zones 4 to 8.
    #[must_use]
    pub(super) fn of_zone(datum: Datum, zone: u8) -> Option<Self> {
        let zone = match (datum, zone) {
            (Datum::Sk42, 4..=8) | (Datum::Ucs2000, 4..=7) => zone,
            _ => return None,
        };
        let first = match datum {
            Datum::Sk42 => 28_400,
            Datum::Ucs2000 => 5_558,
        };
        Some(Self {
            datum,
            meridian_deg: 6 * zone - 3,
            false_easting_m: u32::from(zone) * 1_000_000 + 500_000,
            epsg: first + u16::from(zone),
        })
    }

    fn of_epsg(epsg: u16) -> Option<Self> {
        let step = |first: u16| u8::try_from(epsg - first).unwrap_or(u8::MAX);
        let plane = |datum, meridian_deg, false_easting_m| {
            Some(Self {
                datum,
                meridian_deg,
                false_easting_m,
                epsg,
            })
        };
        match epsg {
            28_404..=28_408 => Self::of_zone(Datum::Sk42, 4 + step(28_404)),
            5_562..=5_565 => Self::of_zone(Datum::Ucs2000, 4 + step(5_562)),
            2_494..=2_497 => plane(Datum::Sk42, 21 + 6 * step(2_494), 500_000),
            5_566..=5_569 => plane(Datum::Ucs2000, 21 + 6 * step(5_566), 500_000),
            2_582..=2_588 => plane(Datum::Sk42, 21 + 3 * step(2_582), 500_000),
            6_381..=6_387 => plane(Datum::Ucs2000, 21 + 3 * step(6_381), 300_000),
            _ => None,
        }
    }
}

impl System {
    /// Reads a name. Hyphens, spaces and case do not matter, nor does the alphabet of CK.
    #[must_use]
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name: String = name
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == ':')
            .flat_map(char::to_uppercase)
            .take(32)
            .collect();
        if let Some(code) = name.strip_prefix("EPSG") {
            return Self::of_epsg(code.trim_start_matches(':').parse().ok()?);
        }
        match name.as_str() {
            "WGS84" | "WGS1984" | "GPS" => Some(Self::Wgs84),
            "MGRS" => Some(Self::Mgrs),
            "UTM" => Some(Self::Utm(None)),
            "SK42" | "CK42" | "СК42" | "SK1942" | "СК1942" | "PULKOVO1942" => {
                Some(Self::Named(Datum::Sk42))
            }
            "UCS2000" | "USK2000" | "УСК2000" => Some(Self::Named(Datum::Ucs2000)),
            _ => None,
        }
    }

    fn of_epsg(code: u16) -> Option<Self> {
        match code {
            4_326 => Some(Self::Wgs84),
            4_284 => Some(Self::Geographic(Datum::Sk42)),
            5_561 => Some(Self::Geographic(Datum::Ucs2000)),
            32_601..=32_660 => Some(Self::Utm(u8::try_from(code - 32_600).ok())),
            _ => Plane::of_epsg(code).map(Self::Plane),
        }
    }

    /// Takes the name of a system from the front of a text, as in `СК-42 Х=5320990 У=7410809`:
    /// the system and the rest.
    #[must_use]
    pub(super) fn prefix(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        let end = text.find([' ', '\u{a0}', '\t', ':', ',', ';'])?;
        let (name, rest) = text.split_at_checked(end)?;
        // Only names with a letter in front: a number is never taken for a system.
        name.chars().next().filter(|c| c.is_alphabetic())?;
        let system = Self::parse(name)?;
        Some((
            system,
            rest.trim_start_matches([' ', '\u{a0}', '\t', ':', ',', ';']),
        ))
    }
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

    #[test]
    fn reads_names_in_both_alphabets_and_codes() {
        assert_eq!(System::parse("СК-42"), Some(System::Named(Datum::Sk42)));
        assert_eq!(System::parse("ck 42"), Some(System::Named(Datum::Sk42)));
        assert_eq!(
            System::parse("УСК-2000"),
            Some(System::Named(Datum::Ucs2000))
        );
        assert_eq!(System::parse("epsg:32637"), Some(System::Utm(Some(37))));
        assert_eq!(System::parse("EPSG:4740"), None);
        assert_eq!(System::parse("EPSG:99999999"), None);
        let Some(System::Plane(plane)) = System::parse("EPSG:6382") else {
            panic!("a plane")
        };
        assert_eq!((plane.meridian_deg, plane.false_easting_m), (24, 300_000));
        let Some(System::Plane(plane)) = System::parse("EPSG:28407") else {
            panic!("a plane")
        };
        assert_eq!((plane.meridian_deg, plane.false_easting_m), (39, 7_500_000));
        assert_eq!(
            System::prefix("СК-42 Х=1 У=2"),
            Some((System::Named(Datum::Sk42), "Х=1 У=2"))
        );
        assert_eq!(System::prefix("48.0 37.8"), None);
    }
}

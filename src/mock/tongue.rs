//! How each of five nations writes places, times, bearings, counts and markings. Each way of
//! writing comes with how exactly the place can be read back out of it.

use super::grid::{Degrees, sexagesimal};
use super::scene::Scene;
use super::seed::Draws;
use crate::wire::proto::{
    AngleUnit, CountQualifier, Narrative, NorthReference, ReportedBearing, ReportedCount,
    ReportedLocation, ReportedMarking, ReportedTime, Wgs84Point,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Half-diagonal of a cell of one metre, and what a rounded last figure may cost, metres.
const TO_A_METRE_M: f64 = 1.0;

/// A nation's way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// United Kingdom: MGRS, date-time groups in Zulu, mils.
    Gbr,
    /// France: degrees with a decimal comma, date-time groups in Alpha, gons.
    Fra,
    /// Germany: UTM, German months, degrees.
    Deu,
    /// Poland: degrees, minutes and seconds, Polish months, degrees.
    Pol,
    /// Ukraine: SK-42 in Cyrillic, Kyiv time, 6000 mils.
    Ukr,
}

impl Tongue {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Gbr, Self::Fra, Self::Deu, Self::Pol, Self::Ukr];

    /// ISO 3166-1 alpha-3.
    #[must_use]
    pub const fn nation(self) -> &'static str {
        match self {
            Self::Gbr => "GBR",
            Self::Fra => "FRA",
            Self::Deu => "DEU",
            Self::Pol => "POL",
            Self::Ukr => "UKR",
        }
    }

    /// The nation's mock system.
    #[must_use]
    pub const fn system(self) -> &'static str {
        match self {
            Self::Gbr => "uav-cell-4",
            Self::Fra => "poste-12",
            Self::Deu => "lage-3",
            Self::Pol => "posterunek-7",
            Self::Ukr => "zvit-2",
        }
    }

    /// For people: the notation in a few words.
    #[must_use]
    pub const fn notation(self) -> &'static str {
        match self {
            Self::Gbr => "MGRS, 061830ZJAN26, mils, English, OFFICIAL-SENSITIVE",
            Self::Fra => "48,01590 37,80290, 061930A JAN 26, gons, français, DIFFUSION RESTREINTE",
            Self::Deu => "UTM, 061930A MRZ 26, Grad, Deutsch, VS-NfD",
            Self::Pol => "48°00'57.24\"N, 061930A LIS 26, stopnie, polski, ZASTRZEŻONE",
            Self::Ukr => "СК-42 Х=… У=…, 06.01.2026 20:30 Kyiv, 15-00, українська, ДСК",
        }
    }

    /// BCP 47.
    #[must_use]
    pub const fn language(self) -> &'static str {
        match self {
            Self::Gbr => "en-GB",
            Self::Fra => "fr",
            Self::Deu => "de",
            Self::Pol => "pl",
            Self::Ukr => "uk",
        }
    }

    /// The place as this nation writes it, and within how many metres it can be read back.
    #[must_use]
    pub fn location(self, at: Degrees, draws: &mut Draws) -> (ReportedLocation, f64) {
        let (text, reference_system, within_m) = match self {
            Self::Gbr => self.mgrs(at, draws.one_of(&[5, 5, 5, 4])),
            Self::Fra => {
                let comma = |degrees: f64| format!("{degrees:.5}").replace('.', ",");
                let text = format!("{} {}", comma(at.latitude), comma(at.longitude));
                (text, "WGS84", TO_A_METRE_M)
            }
            Self::Deu if draws.below(3) == 0 => self.mgrs(at, 5),
            Self::Deu => {
                let utm = at.utm();
                let (zone, ..) = at.mgrs(1);
                let text = format!("{zone} {:.0} {:.0}", utm.easting_m, utm.northing_m);
                (text, "UTM", TO_A_METRE_M)
            }
            Self::Pol => {
                let north = sexagesimal(at.latitude, 'N');
                let east = sexagesimal(at.longitude, 'E');
                (format!("{north} {east}"), "WGS84", TO_A_METRE_M)
            }
            Self::Ukr => {
                let grid = at.sk42();
                let text = format!("Х={:.0} У={:.0}", grid.northing_m, grid.easting_m);
                (text, "SK-42", TO_A_METRE_M)
            }
        };
        let location = ReportedLocation {
            text,
            reference_system: reference_system.into(),
            ..ReportedLocation::default()
        };
        (location, within_m)
    }

    fn mgrs(self, at: Degrees, digits: u32) -> (String, &'static str, f64) {
        let (zone, square, east, north) = at.mgrs(digits);
        let text = match self {
            Self::Deu => format!("{zone} {square} {east} {north}"),
            Self::Gbr | Self::Fra | Self::Pol | Self::Ukr => {
                format!("{zone}{square}{east}{north}")
            }
        };
        let cell_m = 10_f64.powi(5 - i32::try_from(digits).unwrap_or(5));
        (text, "MGRS", cell_m * std::f64::consts::FRAC_1_SQRT_2 + 0.1)
    }

    /// The time as this nation writes it.
    #[must_use]
    pub fn time(self, unix_s: i64) -> ReportedTime {
        let text = match self {
            Self::Gbr => local(unix_s, 0).map(|t| date_time_group(t, "Z", "", MONTHS_ENGLISH)),
            Self::Fra => local(unix_s, 1).map(|t| date_time_group(t, "A", " ", MONTHS_FRENCH)),
            Self::Deu => local(unix_s, 1).map(|t| date_time_group(t, "A", " ", MONTHS_GERMAN)),
            Self::Pol => local(unix_s, 1).map(|t| date_time_group(t, "A", " ", MONTHS_POLISH)),
            Self::Ukr => kyiv(unix_s),
        };
        match text {
            Some(text) => ReportedTime {
                text,
                ..ReportedTime::default()
            },
            // The hour that the autumn change repeats cannot be said in wall time.
            None => ReportedTime {
                utc: Some(prost_types::Timestamp {
                    seconds: unix_s,
                    nanos: 0,
                }),
                ..ReportedTime::default()
            },
        }
    }

    /// A bearing from true north, given in whole degrees that are a multiple of 9.
    #[must_use]
    pub fn bearing(self, degrees: u32) -> ReportedBearing {
        let ninths = degrees / 9;
        let (text, value, unit) = match self {
            Self::Gbr => (
                String::new(),
                Some(f64::from(ninths * 160)),
                AngleUnit::MilNato,
            ),
            Self::Fra => (format!("{} gon", ninths * 10), None, AngleUnit::Unspecified),
            Self::Deu | Self::Pol => (format!("{degrees}°"), None, AngleUnit::Unspecified),
            Self::Ukr => {
                let mils = ninths * 150;
                let text = format!("{}-{:02}", mils / 100, mils % 100);
                (text, None, AngleUnit::Mil6000)
            }
        };
        ReportedBearing {
            text,
            value,
            unit: unit.into(),
            north: NorthReference::True.into(),
        }
    }

    /// A count in this nation's words.
    #[must_use]
    pub fn count(self, count: u32, qualifier: CountQualifier) -> ReportedCount {
        let about = ["about", "environ", "etwa", "około", "приблизно"];
        let at_least = [
            "at least",
            "au moins",
            "mindestens",
            "co najmniej",
            "щонайменше",
        ];
        let word = |words: [&'static str; 5]| words.get(self as usize).copied().unwrap_or_default();
        let text = match qualifier {
            CountQualifier::About => format!("{} {count}", word(about)),
            CountQualifier::AtLeast => format!("{} {count}", word(at_least)),
            CountQualifier::Exact
            | CountQualifier::AtMost
            | CountQualifier::Unquantified
            | CountQualifier::Unspecified => count.to_string(),
        };
        ReportedCount {
            text,
            ..ReportedCount::default()
        }
    }

    /// The nation's everyday marking, released to the six of the demonstration.
    #[must_use]
    pub fn marking(self) -> ReportedMarking {
        let text = match self {
            Self::Gbr => "OFFICIAL-SENSITIVE",
            Self::Fra => "DIFFUSION RESTREINTE",
            Self::Deu => "VS-NfD",
            Self::Pol => "ZASTRZEŻONE",
            Self::Ukr => "ДСК",
        };
        let releasable_to = ["USA", "GBR", "FRA", "DEU", "POL", "UKR"];
        ReportedMarking {
            text: text.into(),
            releasable_to: releasable_to.map(Into::into).into(),
            special: Vec::new(),
        }
    }

    /// A sentence about the scene.
    #[must_use]
    pub fn narrative(self, scene: &Scene) -> Narrative {
        let place = scene.place.name.by(self);
        let sight = scene.sight.words.by(self);
        let text = match self {
            Self::Gbr => format!(
                "Patrol near {place} reports: {sight}, count {}.",
                scene.count
            ),
            Self::Fra => format!(
                "Patrouille près de {place} : {sight}, nombre {}.",
                scene.count
            ),
            Self::Deu => format!(
                "Patrouille bei {place} meldet: {sight}, Anzahl {}.",
                scene.count
            ),
            Self::Pol => format!(
                "Patrol koło {place} melduje: {sight}, liczba {}.",
                scene.count
            ),
            Self::Ukr => format!("Патруль біля {place}: {sight}, кількість {}.", scene.count),
        };
        Narrative {
            lang: self.language().into(),
            text,
            is_authoritative: true,
            is_machine_translation: false,
        }
    }
}

const MONTHS_ENGLISH: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const MONTHS_FRENCH: [&str; 12] = [
    "JAN", "FEV", "MAR", "AVR", "MAI", "JUIN", "JUIL", "AOU", "SEP", "OCT", "NOV", "DEC",
];
const MONTHS_GERMAN: [&str; 12] = [
    "JAN", "FEB", "MRZ", "APR", "MAI", "JUN", "JUL", "AUG", "SEP", "OKT", "NOV", "DEZ",
];
const MONTHS_POLISH: [&str; 12] = [
    "STY", "LUT", "MAR", "KWI", "MAJ", "CZE", "LIP", "SIE", "WRZ", "PAZ", "LIS", "GRU",
];

fn local(unix_s: i64, hours_east: i8) -> Option<DateTime> {
    let offset = Offset::constant(hours_east);
    Some(offset.to_datetime(Timestamp::from_second(unix_s).ok()?))
}

fn date_time_group(at: DateTime, zone: &str, gap: &str, months: [&str; 12]) -> String {
    let month = usize::try_from(at.month() - 1)
        .ok()
        .and_then(|index| months.get(index))
        .unwrap_or(&"JAN");
    let year = at.year().rem_euclid(100);
    format!(
        "{:02}{:02}{:02}{zone}{gap}{month}{gap}{year:02}",
        at.day(),
        at.hour(),
        at.minute()
    )
}

/// Kyiv wall time, where that names one instant.
fn kyiv(unix_s: i64) -> Option<String> {
    let zone = TimeZone::get("Europe/Kyiv").ok()?;
    let at = zone.to_datetime(Timestamp::from_second(unix_s).ok()?);
    let certain = zone.to_ambiguous_timestamp(at).unambiguous().is_ok();
    certain.then(|| {
        format!(
            "{:02}.{:02}.{} {:02}:{:02}",
            at.day(),
            at.month(),
            at.year(),
            at.hour(),
            at.minute()
        )
    })
}

/// A WGS 84 point as numbers.
#[must_use]
pub fn wgs84(at: Degrees) -> ReportedLocation {
    ReportedLocation {
        wgs84: Some(Wgs84Point {
            latitude_deg: at.latitude,
            longitude_deg: at.longitude,
        }),
        ..ReportedLocation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONETSK: Degrees = Degrees {
        latitude: 48.0159,
        longitude: 37.8029,
    };
    const SIX_JANUARY_1830Z: i64 = 1_767_724_200;

    #[test]
    fn each_nation_writes_the_same_place_its_own_way() {
        let written = Tongue::ALL.map(|tongue| {
            // The first draw of this seed chooses 1 m for GBR and UTM for DEU.
            tongue.location(DONETSK, &mut Draws::new(1)).0.text
        });
        assert_eq!(
            written,
            [
                "37UDP1072918760",
                "48,01590 37,80290",
                "37U 410730 5318761",
                "48°00'57.24\"N 37°48'10.44\"E",
                "Х=5320990 У=7410809",
            ]
        );
    }

    #[test]
    fn each_nation_writes_the_same_minute_its_own_way() {
        let written = Tongue::ALL.map(|tongue| tongue.time(SIX_JANUARY_1830Z).text);
        assert_eq!(
            written,
            [
                "061830ZJAN26",
                "061930A JAN 26",
                "061930A JAN 26",
                "061930A STY 26",
                "06.01.2026 20:30",
            ]
        );
    }

    #[test]
    fn an_hour_that_happens_twice_is_given_in_utc() {
        // 2026-10-25 03:30 in Kyiv happens at 00:30Z and again at 01:30Z.
        let time = Tongue::Ukr.time(1_792_888_200);
        assert!(time.text.is_empty() && time.utc.is_some());
    }

    #[test]
    fn a_bearing_is_the_same_angle_in_every_unit() {
        assert_eq!(Tongue::Gbr.bearing(90).value, Some(1_600.0));
        assert_eq!(Tongue::Fra.bearing(90).text, "100 gon");
        assert_eq!(Tongue::Ukr.bearing(90).text, "15-00");
        assert_eq!(Tongue::Pol.bearing(90).text, "90°");
    }
}

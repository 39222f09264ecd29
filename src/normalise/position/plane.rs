//! The transverse Mercator planes on the Krassowsky ellipsoid that we read, by their codes in the
//! EPSG register: Gauss-Krueger zones of 6 and 3 degrees, Ukraine's own 3-degree zones, and the
//! local systems of its oblasts. All have scale 1 and northings from the equator.

use super::datum::Datum;

/// A transverse Mercator plane on the Krassowsky ellipsoid with scale 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plane {
    /// Its datum.
    pub(super) datum: Datum,
    /// Its central meridian, minutes of arc east.
    pub(super) meridian_min: u16,
    /// Easting of the central meridian, metres.
    pub(super) false_easting_m: u32,
    /// Its code in the EPSG register.
    pub(super) epsg: u16,
    /// Where it is used.
    pub(super) reach: Reach,
}

/// Where a plane is used in practice, a neighbour's edge included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reach {
    /// So far from its meridian, degrees.
    Meridian(f64),
    /// Within these edges: west, south, east and north, hundredths of a degree.
    Area([u16; 4]),
}

impl Reach {
    /// Whether a point lies within.
    #[must_use]
    pub(super) fn holds(self, meridian_deg: f64, lat_deg: f64, lon_deg: f64) -> bool {
        match self {
            Self::Meridian(reach_deg) => (lon_deg - meridian_deg).abs() <= reach_deg,
            Self::Area(edges) => {
                let [west, south, east, north] = edges.map(|edge| f64::from(edge) / 100.0);
                let margin = MARGIN_OBLAST_DEG;
                ((west - margin)..=(east + margin)).contains(&lon_deg)
                    && ((south - margin)..=(north + margin)).contains(&lat_deg)
            }
        }
    }
}

/// A 6-degree zone is 3 degrees wide on either side; maps repeat a little of the next one.
pub(super) const REACH_6_DEG: f64 = 4.0;
/// The same for a 3-degree zone.
const REACH_3_DEG: f64 = 2.0;
/// What may be measured across an oblast's border, degrees.
const MARGIN_OBLAST_DEG: f64 = 0.3;

/// A local system: EPSG code, number, meridian in minutes of arc, and the edges of its area of use in
/// the EPSG register, west, south, east and north, hundredths of a degree.
type Oblast = (u16, u8, u16, [u16; 4]);

/// The oblasts' local systems (УСК-2000 / LCS-nn).
#[rustfmt::skip]
const OBLASTS: [Oblast; 27] = [
    (9_821, 32, 1_830, [2_926, 4_917, 3_216, 5_155]), // Kyiv region
    (9_831, 1, 2_070, [3_247, 4_438, 3_665, 4_624]), // Crimea
    (9_832, 5, 1_720, [2_737, 4_806, 3_002, 4_989]), // Vinnytsia
    (9_833, 7, 1_490, [2_360, 5_028, 2_611, 5_197]), // Volyn
    (9_834, 12, 2_100, [3_295, 4_745, 3_694, 4_919]), // Dnipropetrovsk
    (9_835, 14, 2_250, [3_654, 4_686, 3_910, 4_924]), // Donetsk
    (9_836, 18, 1_710, [2_719, 4_958, 2_974, 5_168]), // Zhytomyr
    (9_837, 21, 1_410, [2_213, 4_789, 2_463, 4_910]), // Zakarpattia
    (9_838, 23, 2_160, [3_417, 4_607, 3_725, 4_815]), // Zaporizhzhia
    (9_839, 26, 1_485, [2_353, 4_772, 2_566, 4_956]), // Ivano-Frankivsk
    (9_840, 35, 1_920, [2_974, 4_774, 3_390, 4_925]), // Kirovohrad
    (9_841, 44, 2_340, [3_783, 4_782, 4_023, 5_009]), // Luhansk
    (9_851, 46, 1_440, [2_264, 4_871, 2_543, 5_065]), // Lviv
    (9_852, 48, 1_910, [3_020, 4_636, 3_319, 4_823]), // Mykolaiv
    (9_853, 51, 1_800, [2_821, 4_520, 3_130, 4_824]), // Odesa
    (9_854, 53, 2_030, [3_208, 4_874, 3_549, 5_055]), // Poltava
    (9_855, 56, 1_620, [2_508, 5_000, 2_774, 5_195]), // Rivne
    (9_856, 59, 2_070, [3_293, 5_010, 3_567, 5_237]), // Sumy
    (9_857, 61, 1_530, [2_471, 4_850, 2_645, 5_027]), // Ternopil
    (9_858, 63, 2_190, [3_484, 4_852, 3_810, 5_046]), // Kharkiv
    (9_859, 65, 2_010, [3_151, 4_575, 3_511, 4_760]), // Kherson
    (9_860, 68, 1_620, [2_613, 4_845, 2_790, 5_059]), // Khmelnytskyi
    (9_861, 71, 1_890, [2_960, 4_845, 3_289, 5_023]), // Cherkasy
    (9_862, 73, 1_560, [2_490, 4_772, 2_754, 4_868]), // Chernivtsi
    (9_863, 74, 1_920, [3_048, 5_034, 3_351, 5_238]), // Chernihiv
    (9_864, 80, 1_830, [3_023, 5_021, 3_083, 5_059]), // Kyiv city
    (9_865, 85, 1_980, [3_337, 4_438, 3_393, 4_485]), // Sevastopol
];

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
        let zone = u16::from(zone);
        Some(Self {
            datum,
            meridian_min: (6 * zone - 3) * 60,
            false_easting_m: u32::from(zone) * 1_000_000 + 500_000,
            epsg: first + zone,
            reach: Reach::Meridian(REACH_6_DEG),
        })
    }

    /// The local system of the oblast with this number.
    #[must_use]
    pub(super) fn of_oblast(number: u8) -> Option<Self> {
        let &(epsg, ..) = OBLASTS.iter().find(|(_, known, ..)| *known == number)?;
        Self::of_epsg(epsg)
    }

    /// Ukraine's own 3-degree zone, 7 to 13.
    #[must_use]
    pub(super) fn of_ukraine_tm(zone: u16) -> Option<Self> {
        (7..=13)
            .contains(&zone)
            .then(|| Self::of_epsg(6_374 + zone))
            .flatten()
    }

    /// The plane of a code of the register.
    #[must_use]
    pub(super) fn of_epsg(epsg: u16) -> Option<Self> {
        let plane = |datum, meridian_deg: u16, false_easting_m, reach_deg| {
            Some(Self {
                datum,
                meridian_min: meridian_deg * 60,
                false_easting_m,
                epsg,
                reach: Reach::Meridian(reach_deg),
            })
        };
        let six = |first| {
            u8::try_from(epsg - first)
                .ok()
                .and_then(|step| step.checked_add(4))
        };
        match epsg {
            28_404..=28_408 => Self::of_zone(Datum::Sk42, six(28_404)?),
            5_562..=5_565 => Self::of_zone(Datum::Ucs2000, six(5_562)?),
            2_494..=2_497 => plane(Datum::Sk42, 21 + 6 * (epsg - 2_494), 500_000, REACH_6_DEG),
            5_566..=5_569 => plane(
                Datum::Ucs2000,
                21 + 6 * (epsg - 5_566),
                500_000,
                REACH_6_DEG,
            ),
            2_582..=2_588 => plane(Datum::Sk42, 21 + 3 * (epsg - 2_582), 500_000, REACH_3_DEG),
            // The same with the number of the 3-degree zone, 7 to 13, in front of the easting.
            2_523..=2_529 => {
                let zone = epsg - 2_516;
                let false_easting_m = u32::from(zone) * 1_000_000 + 500_000;
                plane(Datum::Sk42, 3 * zone, false_easting_m, REACH_3_DEG)
            }
            6_381..=6_387 => plane(
                Datum::Ucs2000,
                21 + 3 * (epsg - 6_381),
                300_000,
                REACH_3_DEG,
            ),
            _ => OBLASTS.iter().find(|(code, ..)| *code == epsg).map(
                |&(_, _, meridian_min, area)| Self {
                    datum: Datum::Ucs2000,
                    meridian_min,
                    false_easting_m: 300_000,
                    epsg,
                    reach: Reach::Area(area),
                },
            ),
        }
    }

    /// Its central meridian, degrees east.
    #[must_use]
    pub(super) fn meridian_deg(self) -> f64 {
        f64::from(self.meridian_min) / 60.0
    }
}

/// The central meridian of a UTM zone, degrees east.
#[must_use]
pub(super) fn utm_meridian_deg(zone: u8) -> f64 {
    f64::from(zone) * 6.0 - 183.0
}

/// The meridian that grid north points along in a record's source system, degrees east; for
/// latitude and longitude and for the military grid, that of the UTM zone at `lon_deg`.
#[must_use]
pub(in crate::normalise) fn grid_meridian_deg(source_crs: &str, lon_deg: f64) -> f64 {
    let code = source_crs
        .strip_prefix("EPSG:")
        .and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(code @ (32_601..=32_660 | 32_701..=32_760)) => {
            utm_meridian_deg(u8::try_from(code % 100).unwrap_or_default())
        }
        Some(code) if Plane::of_epsg(code).is_some() => {
            Plane::of_epsg(code).map_or(0.0, Plane::meridian_deg)
        }
        _ => (lon_deg / 6.0).floor() * 6.0 + 3.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plane_has_its_meridian_compiled() {
        for code in (2_494..=2_588)
            .chain(5_562..=5_569)
            .chain(6_381..=6_387)
            .chain(9_821..=9_865)
            .chain(28_404..=28_408)
        {
            let Some(plane) = Plane::of_epsg(code) else {
                continue;
            };
            let point = super::super::datum::gauss_krueger_to_wgs84(
                plane.datum,
                plane.meridian_min,
                5e6,
                0.0,
            );
            assert!(point.is_some(), "EPSG:{code}");
        }
    }

    #[test]
    fn grid_north_follows_the_system_of_the_text() {
        for (crs, lon, meridian) in [
            ("EPSG:28407", 35.9, 39.0),
            ("EPSG:9835", 37.8, 37.5),
            ("EPSG:32636", 36.1, 33.0),
            ("EPSG:4326", 37.8, 39.0),
            ("MGRS", 24.0, 27.0),
        ] {
            assert_eq!(grid_meridian_deg(crs, lon), meridian, "{crs}");
        }
    }
}

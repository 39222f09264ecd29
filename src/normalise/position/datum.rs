//! Datum operations, pinned by their EPSG codes and compiled once: SK-42 and UCS-2000 to WGS 84,
//! geographic and Gauss-Krueger. Never lets a library choose an operation: its choice for SK-42
//! in Ukraine would be one for Russia, 2 m off, without a word.

use geodesy::authoring::{Context as _, Coor3D, Minimal, Op};
use geodesy::prelude::{CoordinateTuple as _, Direction};
use std::sync::OnceLock;

/// A geodetic datum other than WGS 84, on the Krassowsky ellipsoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datum {
    /// Pulkovo 1942.
    Sk42,
    /// УСК-2000.
    Ucs2000,
}

impl Datum {
    /// The operation to WGS 84.
    #[must_use]
    pub(super) const fn operation(self) -> &'static str {
        match self {
            Self::Sk42 => "EPSG:15865",
            Self::Ucs2000 => "EPSG:5840",
        }
    }

    /// One standard deviation of the operation, metres. EPSG says 4.5 for SK-42, but its own
    /// paths differ by 6 m in Donetsk, so we never claim better than 5.
    #[must_use]
    pub(super) const fn sigma_m(self) -> f64 {
        match self {
            Self::Sk42 => 5.0,
            Self::Ucs2000 => 1.0,
        }
    }

    const fn helmert(self) -> &'static str {
        match self {
            Self::Sk42 => {
                "helmert translation=25,-141,-78.5 rotation=0,-0.35,-0.736 \
                 convention=coordinate_frame"
            }
            Self::Ucs2000 => "helmert translation=24,-121,-76",
        }
    }
}

/// Central meridians of the planes that we hold, in minutes of arc east, because some oblasts have
/// theirs at a third or a sixth of a degree: those of the 3-degree zones, of the 6-degree zones 4
/// to 8, and of the oblasts.
const MERIDIANS_MIN: [u16; 25] = [
    1_260, 1_410, 1_440, 1_485, 1_490, 1_530, 1_560, 1_620, 1_710, 1_720, 1_800, 1_830, 1_890,
    1_910, 1_920, 1_980, 2_010, 2_030, 2_070, 2_100, 2_160, 2_190, 2_250, 2_340, 2_700,
];

/// The operations of one datum.
#[derive(Debug)]
struct Operations {
    geographic: Op,
    // In the order of MERIDIANS_MIN.
    projected: Vec<Op>,
}

impl Operations {
    fn compile(datum: Datum, context: &Minimal) -> Self {
        let shift = format!(
            "cart ellps=krass | {} | cart inv ellps=WGS84",
            datum.helmert()
        );
        let op = |definition: &str| {
            Op::new(definition, context).expect("the definitions of this file are valid")
        };
        let projected = MERIDIANS_MIN
            .iter()
            .map(|minutes| {
                let lon = f64::from(*minutes) / 60.0;
                op(&format!(
                    "inv tmerc ellps=krass lon_0={lon} k_0=1 | {shift}"
                ))
            })
            .collect();
        Self {
            geographic: op(&shift),
            projected,
        }
    }
}

struct Compiled {
    context: Minimal,
    sk42: Operations,
    ucs2000: Operations,
}

impl Compiled {
    fn of(&self, datum: Datum) -> &Operations {
        match datum {
            Datum::Sk42 => &self.sk42,
            Datum::Ucs2000 => &self.ucs2000,
        }
    }

    fn apply(&self, op: &Op, mut point: [Coor3D; 1]) -> Option<(f64, f64)> {
        // Its count of successes also judges the time of the point, which we do not give.
        op.apply(&self.context, &mut point, Direction::Fwd);
        let (lon, lat) = point.first()?.xy();
        let (lat, lon) = (lat.to_degrees(), lon.to_degrees());
        (lat.is_finite() && lon.is_finite()).then_some((lat, lon))
    }
}

fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let context = Minimal::new();
        Compiled {
            sk42: Operations::compile(Datum::Sk42, &context),
            ucs2000: Operations::compile(Datum::Ucs2000, &context),
            context,
        }
    })
}

/// Latitude and longitude in `datum` to those in WGS 84, all in degrees.
#[must_use]
pub(super) fn geographic_to_wgs84(datum: Datum, lat_deg: f64, lon_deg: f64) -> Option<(f64, f64)> {
    let compiled = compiled();
    let point = Coor3D::raw(lon_deg.to_radians(), lat_deg.to_radians(), 0.0);
    compiled.apply(&compiled.of(datum).geographic, [point])
}

/// A Gauss-Krueger position, metres from the equator and from the central meridian (minutes of arc
/// east), to latitude and longitude in WGS 84, degrees. `None`: the meridian is not one of ours, or the numbers
/// are far off.
#[must_use]
pub(super) fn gauss_krueger_to_wgs84(
    datum: Datum,
    meridian_min: u16,
    northing_m: f64,
    easting_off_meridian_m: f64,
) -> Option<(f64, f64)> {
    let index = MERIDIANS_MIN.binary_search(&meridian_min).ok()?;
    let compiled = compiled();
    let op = compiled.of(datum).projected.get(index)?;
    compiled.apply(op, [Coor3D::raw(easting_off_meridian_m, northing_m, 0.0)])
}

/// The reverse, for places whose heights do not matter: northing and easting off the meridian,
/// metres.
#[must_use]
pub(super) fn gauss_krueger_from_wgs84(
    datum: Datum,
    meridian_min: u16,
    lat_deg: f64,
    lon_deg: f64,
) -> Option<(f64, f64)> {
    let index = MERIDIANS_MIN.binary_search(&meridian_min).ok()?;
    let compiled = compiled();
    let op = compiled.of(datum).projected.get(index)?;
    let mut point = [Coor3D::raw(lon_deg.to_radians(), lat_deg.to_radians(), 0.0)];
    op.apply(&compiled.context, &mut point, Direction::Inv);
    let (off_meridian_m, northing_m) = point.first()?.xy();
    (off_meridian_m.is_finite() && northing_m.is_finite()).then_some((northing_m, off_meridian_m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_oracles_of_the_pinned_operations() {
        // Computed with PROJ, operations pinned.
        let cases = [
            (
                Datum::Sk42,
                39,
                5_320_990.0,
                -89_191.0,
                48.015_902_5,
                37.802_897_9,
            ),
            (
                Datum::Ucs2000,
                39,
                5_320_988.0,
                -89_197.0,
                48.015_898_8,
                37.802_899_3,
            ),
            (
                Datum::Sk42,
                33,
                5_593_957.0,
                -175_767.0,
                50.450_096_7,
                30.523_395_1,
            ),
            (
                Datum::Sk42,
                27,
                5_527_375.0,
                -213_524.0,
                49.839_701_1,
                24.029_697_9,
            ),
        ];
        for (datum, meridian, x, y, lat, lon) in cases {
            let (got_lat, got_lon) = gauss_krueger_to_wgs84(datum, meridian * 60, x, y).unwrap();
            assert!((got_lat - lat).abs() < 1e-7, "{datum:?} {x}: {got_lat}");
            assert!((got_lon - lon).abs() < 1e-7, "{datum:?} {y}: {got_lon}");
        }
        let (lat, lon) = geographic_to_wgs84(Datum::Sk42, 48.0159, 37.8029).unwrap();
        assert!((lat - 48.015_820_9).abs() < 1e-7 && (lon - 37.801_339_9).abs() < 1e-7);
    }

    #[test]
    fn meridians_are_sorted_for_the_search() {
        assert!(MERIDIANS_MIN.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn refuses_what_it_cannot_project() {
        assert_eq!(gauss_krueger_to_wgs84(Datum::Sk42, 2_400, 5e6, 0.0), None);
        assert_eq!(
            gauss_krueger_to_wgs84(Datum::Sk42, 2_340, f64::NAN, 0.0),
            None
        );
        assert_eq!(gauss_krueger_to_wgs84(Datum::Sk42, 2_340, 5e6, 1e9), None);
    }
}

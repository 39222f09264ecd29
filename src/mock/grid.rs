//! Writes WGS 84 positions as nations do: UTM, MGRS, Gauss-Krueger in SK-42, degrees, minutes
//! and seconds. Made by hand from the textbook series (Krueger, order 4) and only in the
//! direction that the gateway never goes, so that it is a second opinion on its normaliser
//! and not the same library run backwards. Good to a centimetre within a zone.

/// An ellipsoid of revolution.
#[derive(Clone, Copy, Debug)]
struct Ellipsoid {
    semi_major_m: f64,
    flattening: f64,
}

const WGS84: Ellipsoid = Ellipsoid {
    semi_major_m: 6_378_137.0,
    flattening: 1.0 / 298.257_223_563,
};
const KRASSOWSKY: Ellipsoid = Ellipsoid {
    semi_major_m: 6_378_245.0,
    flattening: 1.0 / 298.3,
};

/// EPSG:15865, Pulkovo 1942 to WGS 84 (16), a coordinate-frame rotation; metres, arc-seconds.
const SHIFT_M: [f64; 3] = [25.0, -141.0, -78.5];
const ROTATION_ARC_SECONDS: [f64; 3] = [0.0, -0.35, -0.736];

/// A position in degrees north and east.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Degrees {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A position in a transverse Mercator grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridPoint {
    /// Number of the zone.
    pub zone: u32,
    /// Metres from the zone's false origin.
    pub easting_m: f64,
    /// Metres from the equator.
    pub northing_m: f64,
}

impl Degrees {
    /// The point `east_m` and `north_m` away; good to a metre within 10 km.
    #[must_use]
    pub fn moved(self, east_m: f64, north_m: f64) -> Self {
        let (north_radius, east_radius) = radii(WGS84, self.latitude);
        Self {
            latitude: self.latitude + (north_m / north_radius).to_degrees(),
            longitude: self.longitude + (east_m / east_radius).to_degrees(),
        }
    }

    /// Metres to `other`; good to a metre within 10 km.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        let (north_radius, east_radius) = radii(WGS84, self.latitude);
        let north = (other.latitude - self.latitude).to_radians() * north_radius;
        let east = (other.longitude - self.longitude).to_radians() * east_radius;
        north.hypot(east)
    }

    /// UTM on WGS 84, northern hemisphere.
    #[must_use]
    pub fn utm(self) -> GridPoint {
        let zone = six_degree_zone(self.longitude) + 30;
        let meridian = central_meridian(zone - 30);
        let (east, north) = transverse_mercator(WGS84, self, meridian);
        GridPoint {
            zone,
            easting_m: 500_000.0 + 0.9996 * east,
            northing_m: 0.9996 * north,
        }
    }

    /// Gauss-Krueger in SK-42: the easting carries the zone as its first digit.
    #[must_use]
    pub fn sk42(self) -> GridPoint {
        let there = pulkovo_1942(self);
        let zone = six_degree_zone(there.longitude);
        let (east, north) = transverse_mercator(KRASSOWSKY, there, central_meridian(zone));
        GridPoint {
            zone,
            easting_m: f64::from(zone) * 1e6 + 500_000.0 + east,
            northing_m: north,
        }
    }

    /// Parts of an MGRS reference at `digits` (1 to 5) figures an axis: zone and band, square,
    /// easting and northing; truncated, never rounded.
    #[must_use]
    pub fn mgrs(self, digits: u32) -> (String, String, String, String) {
        let utm = self.utm();
        let band = letter(b"CDEFGHJKLMNPQRSTUVWX", (self.latitude + 80.0) / 8.0);
        let columns: &[u8] = match utm.zone % 3 {
            1 => b"ABCDEFGH",
            2 => b"JKLMNPQR",
            _ => b"STUVWXYZ",
        };
        let column = letter(columns, utm.easting_m / 1e5 - 1.0);
        let first_row = if utm.zone.is_multiple_of(2) { 5.0 } else { 0.0 };
        let row = (utm.northing_m / 1e5 + first_row).rem_euclid(20.0);
        let square = format!("{column}{}", letter(b"ABCDEFGHJKLMNPQRSTUV", row));
        let figures = |metres: f64| {
            let cell = 10_f64.powi(5 - i32::try_from(digits).unwrap_or(5));
            let width = digits as usize;
            format!("{:0width$.0}", (metres.rem_euclid(1e5) / cell).floor())
        };
        (
            format!("{}{band}", utm.zone),
            square,
            figures(utm.easting_m),
            figures(utm.northing_m),
        )
    }
}

/// Degrees, minutes and hundredths of a second, with the hemisphere's letter at the end.
#[must_use]
pub fn sexagesimal(degrees: f64, hemisphere: char) -> String {
    let hundredths = (degrees.abs() * 360_000.0).round();
    let (whole, rest) = (
        (hundredths / 360_000.0).floor(),
        hundredths.rem_euclid(360_000.0),
    );
    let (minutes, seconds) = ((rest / 6_000.0).floor(), rest.rem_euclid(6_000.0) / 100.0);
    format!("{whole:02}°{minutes:02}'{seconds:05.2}\"{hemisphere}")
}

/// Number of the six-degree zone east of Greenwich, from 1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "mock positions lie between 22 and 41 degrees east"
)]
fn six_degree_zone(longitude: f64) -> u32 {
    (longitude / 6.0).floor() as u32 + 1
}

fn central_meridian(zone: u32) -> f64 {
    f64::from(zone) * 6.0 - 3.0
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index out of range falls back to a question mark"
)]
fn letter(letters: &[u8], index: f64) -> char {
    letters
        .get(index.floor() as usize)
        .map_or('?', |&byte| char::from(byte))
}

/// Radii of curvature along the meridian and of the parallel, metres.
fn radii(ellipsoid: Ellipsoid, latitude: f64) -> (f64, f64) {
    let e2 = ellipsoid.flattening * (2.0 - ellipsoid.flattening);
    let (sin, cos) = latitude.to_radians().sin_cos();
    let w2 = 1.0 - e2 * sin * sin;
    let normal = ellipsoid.semi_major_m / w2.sqrt();
    (normal * (1.0 - e2) / w2, normal * cos)
}

/// Easting and northing at scale 1 from the meridian and the equator.
fn transverse_mercator(on: Ellipsoid, at: Degrees, meridian: f64) -> (f64, f64) {
    let n = on.flattening / (2.0 - on.flattening);
    let radius = on.semi_major_m / (1.0 + n) * (1.0 + n.powi(2) / 4.0 + n.powi(4) / 64.0);
    let alpha = [
        n / 2.0 - 2.0 * n.powi(2) / 3.0 + 5.0 * n.powi(3) / 16.0 + 41.0 * n.powi(4) / 180.0,
        13.0 * n.powi(2) / 48.0 - 3.0 * n.powi(3) / 5.0 + 557.0 * n.powi(4) / 1440.0,
        61.0 * n.powi(3) / 240.0 - 103.0 * n.powi(4) / 140.0,
        49_561.0 * n.powi(4) / 161_280.0,
    ];
    let eccentricity = 2.0 * n.sqrt() / (1.0 + n);
    let sin = at.latitude.to_radians().sin();
    let t = (sin.atanh() - eccentricity * (eccentricity * sin).atanh()).sinh();
    let (sin_l, cos_l) = (at.longitude - meridian).to_radians().sin_cos();
    let xi = t.atan2(cos_l);
    let eta = (sin_l / (1.0 + t * t).sqrt()).atanh();
    let (mut east, mut north) = (eta, xi);
    for (order, factor) in (1_u32..).zip(alpha) {
        let k = 2.0 * f64::from(order);
        east += factor * (k * xi).cos() * (k * eta).sinh();
        north += factor * (k * xi).sin() * (k * eta).cosh();
    }
    (radius * east, radius * north)
}

/// WGS 84 to Pulkovo 1942: EPSG:15865 backwards.
fn pulkovo_1942(at: Degrees) -> Degrees {
    let [x, y, z] = geocentric(WGS84, at);
    let [tx, ty, tz] = SHIFT_M;
    let (x, y, z) = (x - tx, y - ty, z - tz);
    let [rx, ry, rz] = ROTATION_ARC_SECONDS.map(|arc| (arc / 3_600.0).to_radians());
    geographic(
        KRASSOWSKY,
        [
            x - rz * y + ry * z,
            rz * x + y - rx * z,
            -ry * x + rx * y + z,
        ],
    )
}

fn geocentric(on: Ellipsoid, at: Degrees) -> [f64; 3] {
    let e2 = on.flattening * (2.0 - on.flattening);
    let (sin, cos) = at.latitude.to_radians().sin_cos();
    let (sin_l, cos_l) = at.longitude.to_radians().sin_cos();
    let normal = on.semi_major_m / (1.0 - e2 * sin * sin).sqrt();
    [
        normal * cos * cos_l,
        normal * cos * sin_l,
        normal * (1.0 - e2) * sin,
    ]
}

fn geographic(on: Ellipsoid, [x, y, z]: [f64; 3]) -> Degrees {
    let e2 = on.flattening * (2.0 - on.flattening);
    let p = x.hypot(y);
    let mut latitude = z.atan2(p * (1.0 - e2));
    // Converges by a factor of 300 a step; near the surface three steps are far below 1 mm.
    for _ in 0..4 {
        let sin = latitude.sin();
        let normal = on.semi_major_m / (1.0 - e2 * sin * sin).sqrt();
        latitude = (z + e2 * normal * sin).atan2(p);
    }
    Degrees {
        latitude: latitude.to_degrees(),
        longitude: y.atan2(x).to_degrees(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Degrees {
        Degrees {
            latitude,
            longitude,
        }
    }

    /// Computed with PROJ and pygeodesy.
    #[test]
    fn towns_come_out_as_other_tools_write_them() {
        let towns = [
            (
                at(50.4501, 30.5234),
                "36UUA2418291607",
                5_593_957.36,
                6_324_233.36,
            ),
            (
                at(48.0159, 37.8029),
                "37UDP1072918760",
                5_320_989.72,
                7_410_809.15,
            ),
            (
                at(47.0971, 37.5434),
                "37TCN8946216983",
                5_219_172.18,
                7_389_533.23,
            ),
            (
                at(49.8397, 24.0297),
                "35UKR8643625040",
                5_527_374.87,
                5_286_476.15,
            ),
            (
                at(48.6208, 22.2879),
                "34UEU9491286103",
                5_388_392.51,
                4_595_079.17,
            ),
            (
                at(44.6166, 33.5254),
                "36TWQ4168440495",
                4_942_582.26,
                6_541_821.33,
            ),
        ];
        for (town, reference, north, east) in towns {
            let (zone, square, easting, northing) = town.mgrs(5);
            assert_eq!(format!("{zone}{square}{easting}{northing}"), reference);
            let sk42 = town.sk42();
            assert!(
                (sk42.northing_m - north).abs() < 0.02,
                "{reference}: {sk42:?}"
            );
            assert!(
                (sk42.easting_m - east).abs() < 0.02,
                "{reference}: {sk42:?}"
            );
        }
        let utm = at(48.0159, 37.8029).utm();
        assert!((utm.easting_m - 410_729.840).abs() < 0.002);
        assert!((utm.northing_m - 5_318_760.706).abs() < 0.002);
    }

    #[test]
    fn degrees_minutes_seconds_carry() {
        assert_eq!(sexagesimal(48.0159, 'N'), "48°00'57.24\"N");
        assert_eq!(sexagesimal(37.999_999_9, 'E'), "38°00'00.00\"E");
    }

    #[test]
    fn a_step_away_is_as_far_as_it_says() {
        let here = at(48.0159, 37.8029);
        let there = here.moved(3_000.0, 4_000.0);
        assert!((here.distance_m(there) - 5_000.0).abs() < 2.0);
    }
}

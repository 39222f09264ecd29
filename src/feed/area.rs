//! Areas that a reader may ask for: boxes, polygons, circles. Pure.
//!
//! A position is judged as a point; on the edge is inside. Where the reader asks for it, a
//! position reaches as far as its uncertainty, and is inside as soon as it touches the area.
//! Sides of boxes and polygons are straight in longitude and latitude (RFC 7946); circles are
//! geodesic. How far a point is from a side is reckoned on a plane at the point: good to 1 % up
//! to some hundred kilometres, and no nearer to a pole than a degree.

use geographiclib_rs::{Geodesic, InverseGeodesic as _};
use std::sync::OnceLock;
use thiserror::Error;

/// Fewest corners of a polygon.
pub const CORNERS_MIN: usize = 3;
/// Most corners of a polygon.
pub const CORNERS_MAX: usize = 256;
/// Largest radius of a circle, metres: half a meridian of WGS 84, rounded up.
pub const RADIUS_M_MAX: f64 = 20_003_931.5;

/// Metres in a degree of latitude, on average.
const METRES_A_DEGREE: f64 = 111_195.0;
/// No degree of latitude of WGS 84 is shorter, metres.
const METRES_A_DEGREE_MIN: f64 = 110_574.0;

/// Why corners are no polygon.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PolygonError {
    /// Too few or too many.
    #[error("{CORNERS_MIN} to {CORNERS_MAX} corners, here {0}")]
    Corners(usize),
    /// A side goes around half the globe: either way would be the shorter one.
    #[error("sides of less than 180 degrees of longitude; side {0} needs a corner in between")]
    HalfGlobe(usize),
    /// Sides cross.
    #[error("sides that do not cross; sides {0} and {1} do")]
    Crossing(usize, usize),
    /// A ring around the globe with corners on both hemispheres.
    #[error("a ring around one pole on one side of the equator; this one may mean either pole")]
    EitherPole,
}

/// A point: latitude and longitude, WGS 84 degrees; in a ring the longitude may exceed 180.
type Point = (f64, f64);

/// An area.
#[derive(Clone, Debug, PartialEq)]
pub enum Area {
    /// A box.
    Box(Box4),
    /// A polygon.
    Polygon(Polygon),
    /// A circle.
    Circle(Circle),
}

impl Area {
    /// Whether a position lies in the area, or reaches it when it reaches so many metres.
    #[must_use]
    pub fn contains(&self, latitude_deg: f64, longitude_deg: f64, reach_m: f64) -> bool {
        let point = (latitude_deg, longitude_deg);
        match self {
            Self::Box(area) => area.contains(point, reach_m),
            Self::Polygon(area) => area.contains(point, reach_m),
            Self::Circle(area) => area.contains(point, reach_m),
        }
    }
}

/// A box in WGS 84 degrees. West may be greater than east: across the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Box4 {
    /// Southern edge, degrees north.
    pub south_deg: f64,
    /// Western edge, degrees east.
    pub west_deg: f64,
    /// Northern edge, degrees north.
    pub north_deg: f64,
    /// Eastern edge, degrees east.
    pub east_deg: f64,
}

impl Box4 {
    fn contains(self, point: Point, reach_m: f64) -> bool {
        let (latitude, longitude) = point;
        let across = self.west_deg > self.east_deg;
        let (west, east) = (longitude >= self.west_deg, longitude <= self.east_deg);
        let inside = (self.south_deg..=self.north_deg).contains(&latitude)
            && if across { west || east } else { west && east };
        inside || (reach_m > 0.0 && is_near(&self.ring(), point, reach_m))
    }

    fn ring(self) -> [Point; 4] {
        let east = if self.west_deg > self.east_deg {
            self.east_deg + 360.0
        } else {
            self.east_deg
        };
        [
            (self.south_deg, self.west_deg),
            (self.south_deg, east),
            (self.north_deg, east),
            (self.north_deg, self.west_deg),
        ]
    }
}

/// A polygon, as a closed ring on the plane of longitude and latitude.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    // Longitudes go on where the ring crosses the antimeridian, so they may exceed 180.
    ring: Vec<Point>,
}

impl Polygon {
    /// Joins corners (latitude, longitude, WGS 84 degrees), the last to the first.
    ///
    /// # Errors
    /// What they enclose is not one clear area.
    pub fn new(corners: &[Point]) -> Result<Self, PolygonError> {
        if !(CORNERS_MIN..=CORNERS_MAX).contains(&corners.len()) {
            return Err(PolygonError::Corners(corners.len()));
        }
        let mut ring: Vec<Point> = Vec::with_capacity(corners.len() + 3);
        let closed = corners.iter().chain(corners.first());
        for (number, &(latitude, longitude)) in closed.enumerate() {
            let Some(&(_, before)) = ring.last() else {
                ring.push((latitude, longitude));
                continue;
            };
            // The shorter way around, from -180 to less than 180.
            let step = (longitude - before + 180.0).rem_euclid(360.0) - 180.0;
            if step <= -180.0 {
                return Err(PolygonError::HalfGlobe(number));
            }
            ring.push((latitude, before + step));
        }
        let (start, end) = (ring.first().copied(), ring.last().copied());
        let around = match (start, end) {
            (Some((_, start)), Some((_, end))) => end - start,
            _ => 0.0,
        };
        if around.abs() < 180.0 {
            ring.pop();
        } else {
            close_over_pole(&mut ring)?;
        }
        match crossing(&ring) {
            Some((one, other)) => Err(PolygonError::Crossing(one, other)),
            None => Ok(Self { ring }),
        }
    }

    fn contains(&self, point: Point, reach_m: f64) -> bool {
        let inside = if point.0.abs() >= 90.0 {
            // Every longitude meets at a pole.
            self.ring.iter().any(|&(latitude, _)| latitude == point.0)
        } else {
            shifted(point).any(|point| encloses(&self.ring, point))
        };
        inside || (reach_m > 0.0 && is_near(&self.ring, point, reach_m))
    }
}

/// Joins the ends of a ring that goes around the globe over the pole of its hemisphere.
fn close_over_pole(ring: &mut Vec<Point>) -> Result<(), PolygonError> {
    let pole = if ring.iter().all(|&(latitude, _)| latitude > 0.0) {
        90.0
    } else if ring.iter().all(|&(latitude, _)| latitude < 0.0) {
        -90.0
    } else {
        return Err(PolygonError::EitherPole);
    };
    let ends = [ring.last().copied(), ring.first().copied()];
    let over = ends
        .into_iter()
        .flatten()
        .map(|(_, longitude)| (pole, longitude));
    ring.extend(over.collect::<Vec<_>>());
    Ok(())
}

/// The same point on the windings of longitude that a ring may lie on.
fn shifted((latitude, longitude): Point) -> impl Iterator<Item = Point> {
    [-360.0, 0.0, 360.0]
        .map(|by| (latitude, longitude + by))
        .into_iter()
}

/// The sides of a ring.
fn sides(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    let ends = ring.iter().skip(1).chain(ring.first()).copied();
    ring.iter().copied().zip(ends)
}

/// On which side of `a` to `b` a point lies: positive, negative, or zero for on it.
fn turn(a: Point, b: Point, point: Point) -> f64 {
    (b.1 - a.1) * (point.0 - a.0) - (b.0 - a.0) * (point.1 - a.1)
}

/// Even-odd, with the edge inside.
fn encloses(ring: &[Point], point: Point) -> bool {
    let mut inside = false;
    for (a, b) in sides(ring) {
        let turned = turn(a, b, point);
        let within = |a: f64, b: f64, x: f64| (a.min(b)..=a.max(b)).contains(&x);
        if turned == 0.0 && within(a.0, b.0, point.0) && within(a.1, b.1, point.1) {
            return true;
        }
        // A ray to the east meets the side.
        let meets = (a.0 > point.0) != (b.0 > point.0);
        if meets && (turned > 0.0) == (b.0 > a.0) {
            inside = !inside;
        }
    }
    inside
}

/// The first two sides that cross, counted from 1.
fn crossing(ring: &[Point]) -> Option<(usize, usize)> {
    let all: Vec<_> = sides(ring).collect();
    for (one, &(a, b)) in all.iter().enumerate() {
        for (other, &(c, d)) in all.iter().enumerate().skip(one + 1) {
            let apart = turn(a, b, c) * turn(a, b, d) < 0.0 && turn(c, d, a) * turn(c, d, b) < 0.0;
            if apart {
                return Some((one + 1, other + 1));
            }
        }
    }
    None
}

/// Whether a side of a ring is no further from a point than so many metres.
fn is_near(ring: &[Point], point: Point, metres: f64) -> bool {
    shifted(point).any(|point| {
        let squeeze = point.0.to_radians().cos();
        let plane = |(latitude, longitude): Point| {
            let east = (longitude - point.1) * squeeze * METRES_A_DEGREE;
            (east, (latitude - point.0) * METRES_A_DEGREE)
        };
        sides(ring).any(|(a, b)| from_origin(plane(a), plane(b)) <= metres)
    })
}

/// How far the segment from `a` to `b` is from the origin.
fn from_origin(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (x, y) = (b.0 - a.0, b.1 - a.1);
    let length = x * x + y * y;
    let along = if length > 0.0 {
        (-(a.0 * x + a.1 * y) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (a.0 + along * x).hypot(a.1 + along * y)
}

/// A circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// Latitude of its centre, WGS 84 degrees north.
    pub latitude_deg: f64,
    /// Longitude of its centre, WGS 84 degrees east.
    pub longitude_deg: f64,
    /// Radius, metres.
    pub radius_m: f64,
}

impl Circle {
    fn contains(self, (latitude, longitude): Point, reach_m: f64) -> bool {
        let within_m = self.radius_m + reach_m.max(0.0);
        // Most records are far away: latitude alone says so.
        if (latitude - self.latitude_deg).abs() * METRES_A_DEGREE_MIN > within_m {
            return false;
        }
        let (a, b) = (self.latitude_deg, self.longitude_deg);
        let away_m: f64 = wgs84().inverse(a, b, latitude, longitude);
        away_m <= within_m
    }
}

fn wgs84() -> &'static Geodesic {
    static WGS84: OnceLock<Geodesic> = OnceLock::new();
    WGS84.get_or_init(Geodesic::wgs84)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(corners: &[Point]) -> Area {
        Area::Polygon(Polygon::new(corners).unwrap())
    }

    #[test]
    fn a_polygon_has_its_corners_and_sides_and_not_its_notch() {
        // An L: the north-eastern quarter of a square is cut out.
        let area = polygon(&[
            (48.0, 37.0),
            (48.0, 39.0),
            (49.0, 39.0),
            (49.0, 38.0),
            (50.0, 38.0),
            (50.0, 37.0),
        ]);
        for (point, expected) in [
            ((48.5, 38.5), true),
            ((49.5, 37.5), true),
            ((49.5, 38.5), false),
            ((48.0, 37.0), true),
            ((49.0, 38.5), true),
            ((48.0, 38.0), true),
            ((47.999_999, 38.0), false),
            ((49.5, 36.9), false),
            ((49.5, 397.0 - 360.0), true),
        ] {
            assert_eq!(area.contains(point.0, point.1, 0.0), expected, "{point:?}");
        }
    }

    #[test]
    fn a_polygon_crosses_the_antimeridian_by_the_shorter_way() {
        let area = polygon(&[(10.0, 170.0), (10.0, -170.0), (20.0, -170.0), (20.0, 170.0)]);
        for (longitude, expected) in [
            (175.0, true),
            (-175.0, true),
            (180.0, true),
            (-180.0, true),
            (169.9, false),
            (-169.9, false),
            (0.0, false),
        ] {
            assert_eq!(area.contains(15.0, longitude, 0.0), expected, "{longitude}");
        }
        // The same from the other side of the antimeridian.
        let mirrored = polygon(&[(10.0, -170.0), (20.0, -170.0), (20.0, 170.0), (10.0, 170.0)]);
        assert!(mirrored.contains(15.0, 175.0, 0.0) && mirrored.contains(15.0, -175.0, 0.0));
    }

    #[test]
    fn a_ring_around_a_pole_encloses_that_pole() {
        for (sign, order) in [(1.0, 1), (1.0, -1), (-1.0, 1), (-1.0, -1)] {
            let longitudes = if order > 0 {
                [0.0, 90.0, 180.0, -90.0]
            } else {
                [-90.0, 180.0, 90.0, 0.0]
            };
            let corners: Vec<Point> = longitudes.map(|lon| (sign * 80.0, lon)).to_vec();
            let cap = polygon(&corners);
            for longitude in [-180.0, -135.0, -1.0, 0.0, 45.0, 179.0] {
                assert!(
                    cap.contains(sign * 85.0, longitude, 0.0),
                    "{sign} {longitude}"
                );
                assert!(
                    cap.contains(sign * 90.0, longitude, 0.0),
                    "{sign} {longitude}"
                );
                assert!(
                    !cap.contains(sign * 79.0, longitude, 0.0),
                    "{sign} {longitude}"
                );
                assert!(
                    !cap.contains(sign * -85.0, longitude, 0.0),
                    "{sign} {longitude}"
                );
            }
        }
        let both = [(10.0, 0.0), (-10.0, 120.0), (10.0, -120.0)];
        assert_eq!(Polygon::new(&both), Err(PolygonError::EitherPole));
    }

    #[test]
    fn what_is_no_clear_area_is_refused_with_the_place_of_the_fault() {
        let two = [(0.0, 0.0), (1.0, 1.0)];
        assert_eq!(Polygon::new(&two), Err(PolygonError::Corners(2)));
        let many = vec![(0.0, 0.0); CORNERS_MAX + 1];
        assert_eq!(Polygon::new(&many), Err(PolygonError::Corners(257)));
        let half = [(10.0, 0.0), (10.0, 180.0), (20.0, 90.0)];
        assert_eq!(Polygon::new(&half), Err(PolygonError::HalfGlobe(1)));
        let bow_tie = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)];
        assert_eq!(Polygon::new(&bow_tie), Err(PolygonError::Crossing(1, 3)));
    }

    #[test]
    fn a_circle_is_geodesic_and_crosses_antimeridian_and_pole() {
        let circle = |latitude_deg, longitude_deg, radius_m| {
            Area::Circle(Circle {
                latitude_deg,
                longitude_deg,
                radius_m,
            })
        };
        // One degree of longitude at the equator is 111319.49 m on WGS 84.
        assert!(circle(0.0, 179.5, 111_319.5).contains(0.0, -179.5, 0.0));
        assert!(!circle(0.0, 179.5, 111_319.4).contains(0.0, -179.5, 0.0));
        // Over the pole: two degrees of latitude, 223388 m.
        assert!(circle(89.0, 0.0, 223_400.0).contains(89.0, 180.0, 0.0));
        assert!(!circle(89.0, 0.0, 223_300.0).contains(89.0, 180.0, 0.0));
        assert!(circle(10.0, 20.0, RADIUS_M_MAX).contains(-10.0, -160.0, 0.0));
    }

    #[test]
    fn an_uncertain_position_is_inside_as_soon_as_it_reaches_the_area() {
        let square = polygon(&[(48.0, 37.0), (48.0, 38.0), (49.0, 38.0), (49.0, 37.0)]);
        let the_box = Area::Box(Box4 {
            south_deg: 48.0,
            west_deg: 37.0,
            north_deg: 49.0,
            east_deg: 38.0,
        });
        // 0.01 degrees south of the edge are 1112 m; east of it, at 48.5 degrees, 737 m.
        for area in [square, the_box] {
            assert!(!area.contains(47.99, 37.5, 0.0));
            assert!(!area.contains(47.99, 37.5, 1_090.0));
            assert!(area.contains(47.99, 37.5, 1_130.0));
            assert!(!area.contains(48.5, 38.01, 725.0));
            assert!(area.contains(48.5, 38.01, 745.0));
        }
        let circle = Area::Circle(Circle {
            latitude_deg: 48.0,
            longitude_deg: 37.0,
            radius_m: 1_000.0,
        });
        assert!(!circle.contains(48.02, 37.0, 1_200.0));
        assert!(circle.contains(48.02, 37.0, 1_230.0));
    }

    #[test]
    fn a_box_across_the_antimeridian_is_near_on_both_sides() {
        let area = Area::Box(Box4 {
            south_deg: 0.0,
            west_deg: 179.0,
            north_deg: 1.0,
            east_deg: -179.0,
        });
        assert!(area.contains(0.5, 180.0, 0.0) && area.contains(0.5, -179.5, 0.0));
        assert!(!area.contains(0.5, -178.99, 0.0));
        assert!(area.contains(0.5, -178.99, 1_200.0));
        assert!(area.contains(0.5, 178.99, 1_200.0));
    }
}

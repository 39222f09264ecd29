//! What is written in a notation and read again is what it was. The writers here are other code than
//! the readers: the grid library's encoder, PROJ-like projection by `geodesy`, and plain formatting.

use crate::support::place;
use entente::identity::Identity;
use entente::normalise::{Context, Notes, Profile, position, time};
use entente::record::{GeoPoint, Text};
use entente::report::{self, Location};
use geoconvert::LatLon;
use geodesy::authoring::{Context as _, Coor3D, Minimal};
use geodesy::prelude::{CoordinateTuple as _, Direction};
use geographiclib_rs::{Geodesic, InverseGeodesic as _};
use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;

fn read(location: &Location) -> GeoPoint {
    let mut notes = Notes::new();
    let read = position::location(location, &Profile::default(), "location", &mut notes);
    let text = &location.text;
    read.unwrap_or_else(|| panic!("{text}: {:?}", notes.finish().err()))
        .0
}

fn apart_m(point: &GeoPoint, lat: f64, lon: f64) -> f64 {
    Geodesic::wgs84().inverse(lat, lon, point.latitude_deg, point.longitude_deg)
}

/// Somewhere in the area, in millionths of a degree.
fn anywhere() -> impl Strategy<Value = (f64, f64)> {
    (44_000_000..52_400_000_i32, 22_150_000..40_200_000_i32)
        .prop_map(|(lat, lon)| (f64::from(lat) / 1e6, f64::from(lon) / 1e6))
}

/// Degrees, minutes and seconds to `decimals` of a second, and how they are laid out.
fn sexagesimal(degrees: f64, decimals: usize) -> (u32, u32, String) {
    let unit = 10_f64.powi(i32::try_from(decimals).unwrap());
    let total = (degrees * 3_600.0 * unit).round() / unit;
    let whole = (total / 3_600.0).floor();
    let minutes = ((total - whole * 3_600.0) / 60.0).floor();
    let seconds = total - whole * 3_600.0 - minutes * 60.0;
    let width = if decimals == 0 { 2 } else { 3 + decimals };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 360"
    )]
    (
        whole as u32,
        minutes as u32,
        format!("{seconds:0width$.decimals$}"),
    )
}

fn dms(lat: f64, lon: f64, decimals: usize, form: usize) -> String {
    let (a, b, c) = sexagesimal(lat, decimals);
    let (d, e, f) = sexagesimal(lon, decimals);
    match form {
        0 => format!("{a}°{b:02}'{c}\"N {d}°{e:02}'{f}\"E"),
        1 => format!("{a:02}{b:02}{c}N{d:03}{e:02}{f}E"),
        2 => format!("N{a} {b:02} {c}, E{d:03} {e:02} {f}"),
        3 => format!("{a}:{b:02}:{c} {d}:{e:02}:{f}"),
        4 => format!("{a}° {b}′ {c}″ пн.ш., {d}° {e}′ {f}″ сх.д."),
        _ => format!("{d}-{e:02}-{f} в.д. {a}-{b:02}-{c} с.ш."),
    }
}

/// UTM zones that are not six degrees wide lie elsewhere; a Gauss-Krueger zone always is.
fn gauss_krueger(lat: f64, lon: f64, zone: u32, ucs: bool) -> (f64, f64) {
    let shift = if ucs {
        "helmert translation=24,-121,-76"
    } else {
        "helmert translation=25,-141,-78.5 rotation=0,-0.35,-0.736 convention=coordinate_frame"
    };
    let mut context = Minimal::new();
    let op = context
        .op(&format!(
            "inv tmerc ellps=krass lon_0={} k_0=1 x_0={} | cart ellps=krass | {shift} | \
             cart inv ellps=WGS84",
            6 * zone - 3,
            zone * 1_000_000 + 500_000
        ))
        .unwrap();
    let mut point = [Coor3D::raw(lon.to_radians(), lat.to_radians(), 0.0)];
    context.apply(op, Direction::Inv, &mut point).unwrap();
    let (easting, northing) = point[0].xy();
    (northing, easting)
}

fn read_time(text: &str, received_at: Timestamp) -> Timestamp {
    let context = Context {
        identity: &Identity::parse("GBR/test").unwrap(),
        profile: &Profile::default(),
        received_at,
        original_sha256: [0; 32],
        original_media_type: Text::Borrowed("text/plain"),
    };
    let given = report::Time {
        text: text.to_owned(),
        ..report::Time::default()
    };
    let mut notes = Notes::new();
    let instant = time::instant(Some(&given), &context, "at", &mut notes);
    instant
        .unwrap_or_else(|| panic!("{text}: {:?}", notes.finish().err()))
        .utc
}

proptest! {
    #[test]
    fn the_grid_at_every_precision((lat, lon) in anywhere(), digits in 0..=5_i32, spaced: bool) {
        let reference = LatLon::create(lat, lon).unwrap().to_mgrs(digits).to_string();
        let text = if spaced {
            let (head, tail) = reference.split_at(5);
            let (easting, northing) = tail.split_at(tail.len() / 2);
            format!("{} {} {easting} {northing}", &head[..3], &head[3..]).to_lowercase()
        } else {
            reference.clone()
        };
        let point = read(&place(&text, "MGRS"));
        let bound = 100_000.0 / 10_f64.powi(digits) * std::f64::consts::FRAC_1_SQRT_2;
        let apart = apart_m(&point, lat, lon);
        // Grid metres are up to a thousandth longer than those on the ground.
        prop_assert!(apart <= bound * 1.001 + 0.01, "{text}: {apart} of {bound}");
        let again = LatLon::create(point.latitude_deg, point.longitude_deg).unwrap();
        let again = again.to_mgrs(digits).to_string();
        // The middle of a cell that zone or band cuts may lie beyond the cut.
        if again.get(..3) == reference.get(..3) {
            prop_assert_eq!(again, reference);
        }
    }

    #[test]
    fn degrees_minutes_and_seconds((lat, lon) in anywhere(), decimals in 0..4_usize, form in 0..6_usize) {
        let text = dms(lat, lon, decimals, form);
        let point = read(&place(&text, "WGS84"));
        let half = 0.5 / 10_f64.powi(i32::try_from(decimals).unwrap()) / 3_600.0 + 1e-8;
        prop_assert!((point.latitude_deg - lat).abs() <= half, "{text}: {}", point.latitude_deg);
        prop_assert!((point.longitude_deg - lon).abs() <= half, "{text}: {}", point.longitude_deg);
        let again = dms(point.latitude_deg, point.longitude_deg, decimals, form);
        prop_assert_eq!(again, text);
    }

    #[test]
    fn gauss_krueger_in_the_own_zone_and_the_next(
        (lat, lon) in anywhere(), next: bool, ucs: bool, form in 0..4_usize,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "22 to 40 degrees")]
        let own = (lon / 6.0) as u32 + 1;
        // A neighbour's grid is printed at the edge of a map.
        let zone = if next && lon % 6.0 > 5.0 { own + 1 } else { own }.clamp(4, 7);
        let (x, y) = gauss_krueger(lat, lon, zone, ucs);
        let system = if ucs { "УСК-2000" } else { "SK-42" };
        let crs = format!("EPSG:{}", if ucs { 5_558 } else { 28_400 } + zone);
        let (text, system) = match form {
            0 => (format!("X={x:.3} Y={y:.3}"), system),
            1 => (format!("Х {x:.3}; У {y:.3}"), system),
            2 => (format!("{system} Y={y:.3} X={x:.3}"), ""),
            _ => (format!("{x:.3} {y:.3}"), crs.as_str()),
        };
        let point = read(&place(&text, system));
        let apart = apart_m(&point, lat, lon);
        prop_assert!(apart < 0.01, "{text}: {apart} m off");
        prop_assert_eq!(&point.source_crs, &crs);
        let (x_again, y_again) = gauss_krueger(point.latitude_deg, point.longitude_deg, zone, ucs);
        prop_assert!((x - x_again).abs() < 0.01 && (y - y_again).abs() < 0.01);
    }

    #[test]
    fn date_time_groups(minutes in 0..5_000_000_i64, letter in 0..25_usize, form in 0..5_usize) {
        const LETTERS: &[u8; 25] = b"YXWVUTSRQPONZABCDEFGHIKLM";
        const MONTHS: [&str; 12] = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ];
        // From 2017 on, within the ten years that are believed.
        let utc = Timestamp::from_second(1_483_228_800 + minutes * 60).unwrap();
        let hours = i8::try_from(letter).unwrap() - 12;
        let wall = Offset::from_hours(hours).unwrap().to_datetime(utc);
        let letter = char::from(LETTERS[letter]);
        let month = MONTHS[usize::try_from(wall.month() - 1).unwrap()];
        let (day, hour, minute, year) = (wall.day(), wall.hour(), wall.minute(), wall.year());
        let short = year % 100;
        let text = match form {
            0 => format!("{day:02}{hour:02}{minute:02}{letter}{month}{short:02}"),
            1 => format!("{day:02}{hour:02}{minute:02}{letter} {month} {short:02}"),
            2 => format!("{day:02} {hour:02}{minute:02}{letter} {month} {year}"),
            3 => format!("{day:02}{hour:02}{minute:02}00{letter}{month}{short:02}").to_lowercase(),
            _ => format!("{day:02}{hour:02}{minute:02}{letter}"),
        };
        // Without a month it is the latest such day; here that is the day before receipt.
        let received_at = utc + jiff::SignedDuration::from_hours(24);
        prop_assert_eq!(read_time(&text, received_at), utc, "{}", text);
    }

    #[test]
    fn utm_with_band_or_hemisphere((lat, lon) in anywhere(), form in 0..3_usize) {
        let utm = LatLon::create(lat, lon).unwrap().to_utmups();
        let (zone, e, n) = (utm.zone(), utm.easting(), utm.northing());
        let band = if lat < 48.0 { 'T' } else { 'U' };
        let (text, system) = match form {
            0 => (format!("{zone}N {e:.3} {n:.3}"), "UTM".to_owned()),
            1 => (format!("{zone}{band} {n:.3}N {e:.3}E"), "UTM".to_owned()),
            _ => (format!("{e:.3} {n:.3}"), format!("EPSG:326{zone}")),
        };
        let point = read(&place(&text, &system));
        let apart = apart_m(&point, lat, lon);
        prop_assert!(apart < 0.01, "{text}: {apart} m off");
    }
}

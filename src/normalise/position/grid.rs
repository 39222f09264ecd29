//! The military grid as text, on WGS 84: with zone and square, or with digits alone in a square that
//! is declared. The grammar is checked here before the grid library sees a text: it trusts more than
//! we may, and it accepts a neighbour's latitude band.

use super::Fault;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;
use geoconvert::Mgrs;

static MGRS_UNREADABLE: Rule = Rule::new(
    "position.mgrs_unreadable",
    "a military grid reference is zone, band, two letters of the square and an even number of \
     digits; the position is the centre of the cell, the uncertainty its half-diagonal",
    "domain.md 3.2; GeographicLib",
);
/// The band is recomputed from the position.
pub(super) static MGRS_BAND_MISMATCH: Rule = Rule::new(
    "position.mgrs_band_mismatch",
    "a grid reference with the letter of a neighbouring latitude band is read, and written anew \
     with the right one",
    "domain.md 3.2",
);
const MGRS_FORM: &str = "a grid reference such as `37UDP1072918760`: zone 1 to 60, band C to X, \
                         two letters, then 0, 2, 4, 6, 8 or 10 digits";
/// Half-diagonal of a cell of side 1.
pub(super) const HALF_DIAGONAL: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Metres of a degree of latitude at most, for a tolerance.
const DEGREE_M: f64 = 111_000.0;

/// A position read from a grid.
#[derive(Debug)]
pub(super) struct GridPoint {
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    /// Half-diagonal of the cell, metres.
    pub(super) bound_m: Option<f64>,
    /// The UTM zone; 0 in the polar regions.
    pub(super) zone: u8,
    /// The reference as it should have been written, where the band was wrong.
    pub(super) mended: Option<String>,
}

/// The pieces of a grid reference.
struct Parts<'t> {
    zone: u8,
    band: char,
    square: &'t str,
    digits: &'t str,
}

/// A 100 km square with its zone and band, such as `37UDP`: what short references are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Square {
    zone: u8,
    /// Band and the two letters, capitals of ASCII.
    letters: [u8; 3],
}

impl Square {
    /// Reads a square.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = canonical(text).ok()?;
        let Parts {
            zone,
            band,
            square,
            digits,
        } = parts(&plain).ok()?;
        let &[first, second] = square.as_bytes() else {
            return None;
        };
        let letters = [u8::try_from(band).ok()?, first, second];
        digits.is_empty().then_some(Self { zone, letters })
    }

    fn around(self, digits: &str) -> String {
        let [band, first, second] = self.letters.map(char::from);
        format!("{}{band}{first}{second}{digits}", self.zone)
    }
}

/// Words in front of the digits of a short reference.
const LABELS: [&str; 5] = ["GRID", "GR", "MGRS", "COORD", "KOORD"];

/// Reads a military grid reference; digits alone where the square is declared.
pub(super) fn mgrs(text: &str, within: Option<Square>) -> Result<GridPoint, Fault> {
    let fault = |why: &str| {
        Fault::new(
            &MGRS_UNREADABLE,
            format!("{}: {why}", quoted(text)),
            MGRS_FORM,
        )
    };
    let plain = canonical(text).map_err(|c| {
        let c = c.escape_debug();
        fault(&format!("`{c}` is no letter or digit of ASCII"))
    })?;
    let plain = match within {
        Some(square) => whole(plain, square),
        None => plain,
    };
    let polar_region = plain.starts_with(['A', 'B', 'Y', 'Z']);
    if !polar_region {
        parts(&plain).map_err(fault)?;
    }
    if !evenly_spaced(text) {
        return Err(fault(
            "easting and northing have not the same number of digits",
        ));
    }
    if polar_region {
        return polar(&plain, text);
    }
    let parts = parts(&plain).map_err(fault)?;
    let Parts {
        zone,
        band,
        square,
        digits,
    } = parts;
    let reference = format!("{zone}{band}{square}{digits}");
    let parsed = Mgrs::parse_str(&reference)
        .map_err(|_| fault("no such 100 km square in this zone and band"))?;
    let point = parsed.to_latlon();
    let (lat_deg, lon_deg) = (point.latitude(), point.longitude());
    let bound_m = cell_m(digits) * HALF_DIAGONAL;
    // A cell may lie across the edge of two bands: either letter is right there.
    let mended = band_near(lat_deg, bound_m / DEGREE_M, band)
        .map(|right| format!("{zone:02}{right}{square}{digits}"));
    Ok(GridPoint {
        lat_deg,
        lon_deg,
        bound_m: Some(bound_m),
        zone,
        mended,
    })
}

/// Puts the declared square in front of a reference that has only digits.
fn whole(plain: String, square: Square) -> String {
    let digits = LABELS
        .iter()
        .find_map(|label| plain.strip_prefix(label))
        .unwrap_or(&plain);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return square.around(digits);
    }
    plain
}

/// The polar regions have no zone: A and B are west and east of the south pole, Y and Z of the
/// north pole.
fn polar(plain: &str, text: &str) -> Result<GridPoint, Fault> {
    let digits = plain.get(3..).unwrap_or_default();
    let fits = plain.len() >= 3
        && plain.bytes().take(3).all(|b| b.is_ascii_uppercase())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.len() % 2 == 0
        && digits.len() <= 10;
    let parsed = fits.then(|| Mgrs::parse_str(plain).ok()).flatten();
    let Some(parsed) = parsed else {
        return Err(Fault::new(
            &MGRS_UNREADABLE,
            format!("{} is no reference of a polar region", quoted(text)),
            MGRS_FORM,
        ));
    };
    let point = parsed.to_latlon();
    Ok(GridPoint {
        lat_deg: point.latitude(),
        lon_deg: point.longitude(),
        bound_m: Some(cell_m(digits) * HALF_DIAGONAL),
        zone: 0,
        mended: None,
    })
}

/// The side of a cell, metres, by its digits.
fn cell_m(digits: &str) -> f64 {
    100_000.0 / 10_f64.powi(i32::try_from(digits.len() / 2).unwrap_or(0))
}

/// Capitals without white space; the first character that is no letter or digit of ASCII, as a
/// Cyrillic А would be.
fn canonical(text: &str) -> Result<String, char> {
    text.chars()
        .filter(|c| !(c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')))
        .map(|c| match c.is_ascii_alphanumeric() {
            true => Ok(c.to_ascii_uppercase()),
            false => Err(c),
        })
        .take(32)
        .collect()
}

/// Whether blanks among the digits cut them in half: `107 18760` is not `1071 8760`.
fn evenly_spaced(text: &str) -> bool {
    let square_end = text
        .char_indices()
        .rfind(|(_, c)| c.is_ascii_alphabetic())
        .map_or(0, |(at, _)| at + 1);
    let digits = text.get(square_end..).unwrap_or_default();
    let mut groups = digits.split_whitespace().map(str::len);
    match (groups.next(), groups.next(), groups.next()) {
        (_, None, _) => true,
        (easting, northing, None) => easting == northing,
        _ => false,
    }
}

fn parts(plain: &str) -> Result<Parts<'_>, &'static str> {
    let zone_len = plain.bytes().take_while(u8::is_ascii_digit).count();
    let (zone, rest) = plain.split_at(zone_len);
    let zone: u8 = match zone.len() {
        0 => return Err("no zone; digits alone need a declared square, such as `MGRS 37UDP`"),
        1 | 2 => zone.parse().unwrap_or(0),
        _ => return Err("no letters"),
    };
    if !(1..=60).contains(&zone) {
        return Err("the zone is not in 1 to 60");
    }
    let band = rest.chars().next().ok_or("no band")?;
    if !is_band(band) {
        return Err("the band is not in C to X without I and O");
    }
    let (square, digits) = rest
        .get(1..)
        .and_then(|rest| rest.split_at_checked(2))
        .ok_or("no 100 km square; a whole zone is no position")?;
    if !square.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err("no 100 km square; it is two letters");
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("letters among the digits");
    }
    if digits.len() % 2 != 0 {
        return Err("an odd number of digits; easting and northing have the same number");
    }
    if digits.len() > 10 {
        return Err("more than 10 digits");
    }
    Ok(Parts {
        zone,
        band,
        square,
        digits,
    })
}

pub(super) fn is_band(letter: char) -> bool {
    matches!(letter, 'C'..='H' | 'J'..='N' | 'P'..='X')
}

/// The letter of the latitude band at `lat_deg`.
fn band_of(lat_deg: f64) -> char {
    const BANDS: &[u8; 20] = b"CDEFGHJKLMNPQRSTUVWX";
    let index = (lat_deg.clamp(-80.0, 83.9) + 80.0) / 8.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 20.5"
    )]
    let index = (index as usize).min(19);
    BANDS.get(index).copied().map_or('X', char::from)
}

/// The right band, where `band` is right nowhere within the tolerance.
pub(super) fn band_near(lat_deg: f64, tolerance_deg: f64, band: char) -> Option<char> {
    let touches = [-tolerance_deg, 0.0, tolerance_deg]
        .iter()
        .any(|offset| band_of(lat_deg + offset) == band);
    (!touches).then(|| band_of(lat_deg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_references_need_their_square() {
        let square = Square::parse("37U dp").expect("a square");
        for text in ["107187", "107 187", "grid 107 187", "37UDP107187"] {
            let point = mgrs(text, Some(square)).expect(text);
            assert!((point.lat_deg - 48.0159).abs() < 1e-3, "{text}");
            assert!((point.lon_deg - 37.8029).abs() < 1e-3, "{text}");
        }
        assert!(mgrs("107187", None).is_err());
        assert!(mgrs("10718", Some(square)).is_err());
        assert!(mgrs("", Some(square)).is_err());
        for text in ["37U", "37UDP10", "DP", ""] {
            assert_eq!(Square::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_polar_regions_have_no_zone() {
        // GeographicLib writes 86 N 0 E, UPS n 2000000 1555731.57, as ZAC0055.
        let point = mgrs("ZAC 00 55", None).expect("a reference");
        assert!((point.lat_deg - 86.0).abs() < 0.02, "{}", point.lat_deg);
        assert_eq!(point.bound_m.map(f64::round), Some(707.0));
        for text in ["ZAC0", "Z", "ZZZ00", "ZACX1", "B"] {
            assert!(mgrs(text, None).is_err(), "{text}");
        }
    }
}

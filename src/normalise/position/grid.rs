//! Military grid and UTM as text, on WGS 84. The grammar is checked here before the grid library
//! sees a text: it trusts more than we may, and it accepts a neighbour's latitude band.

use super::Fault;
use super::number::decimal_points;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;
use geoconvert::{LatLon, Mgrs, UtmUps};

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
static UTM_UNREADABLE: Rule = Rule::new(
    "position.utm_unreadable",
    "a UTM position is zone and band (or hemisphere N), easting, northing",
    "domain.md 3.2",
);
/// As for the grid.
pub(super) static UTM_BAND_MISMATCH: Rule = Rule::new(
    "position.utm_band_mismatch",
    "a UTM position with the letter of another latitude band is read by its numbers",
    "domain.md 3.2",
);
static UTM_SOUTH: Rule = Rule::new(
    "position.utm_letter_s",
    "the letter S after a UTM zone is the southern hemisphere to some and a northern latitude \
     band to others",
    "domain.md 3.2",
);

const MGRS_FORM: &str = "a grid reference such as `37UDP1072918760`: zone 1 to 60, band C to X, \
                         two letters, then 0, 2, 4, 6, 8 or 10 digits";
const UTM_FORM: &str = "for example `37N 410729 5318760` or `37U 410729 5318760`: zone, band or \
                        N, easting, northing in metres";

/// Half-diagonal of a cell of side 1.
const HALF_DIAGONAL: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Metres of a degree of latitude at most, for a tolerance.
const DEGREE_M: f64 = 111_000.0;

/// A position read from a grid.
#[derive(Debug)]
pub(super) struct GridPoint {
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    /// Half-diagonal of the cell, metres.
    pub(super) bound_m: Option<f64>,
    /// The UTM zone.
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

/// Reads a military grid reference.
pub(super) fn mgrs(text: &str) -> Result<GridPoint, Fault> {
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
    let parts = parts(&plain).map_err(fault)?;
    if !evenly_spaced(text) {
        return Err(fault(
            "easting and northing have not the same number of digits",
        ));
    }
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
    let cell_m = 100_000.0 / 10_f64.powi(i32::try_from(digits.len() / 2).unwrap_or(0));
    let bound_m = cell_m * HALF_DIAGONAL;
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
        0 => return Err("no zone; a grid without zone and square needs a declared context"),
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

fn is_band(letter: char) -> bool {
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
fn band_near(lat_deg: f64, tolerance_deg: f64, band: char) -> Option<char> {
    let touches = [-tolerance_deg, 0.0, tolerance_deg]
        .iter()
        .any(|offset| band_of(lat_deg + offset) == band);
    (!touches).then(|| band_of(lat_deg))
}

/// Reads a UTM position; `zone` where the name of the reference system says it.
pub(super) fn utm(text: &str, zone: Option<u8>, decimal_comma: bool) -> Result<GridPoint, Fault> {
    let fault = |why: &str| {
        Fault::new(
            &UTM_UNREADABLE,
            format!("{}: {why}", quoted(text)),
            UTM_FORM,
        )
    };
    let words = UtmWords::scan(&decimal_points(text, decimal_comma)).map_err(fault)?;
    let (zone, band) = match zone {
        Some(zone) if words.zone.is_none_or(|written| written == zone) => (zone, words.band),
        Some(_) => return Err(fault("another zone than that of the reference system")),
        None => (words.zone.ok_or_else(|| fault("no zone"))?, words.band),
    };
    if band == Some('S') {
        return Err(Fault::new(
            &UTM_SOUTH,
            "the letter S may be a hemisphere or a latitude band",
            "the EPSG code of the zone (EPSG:32601 to 32660 for the north), and no letter",
        ));
    }
    let (easting, northing) = words.take().ok_or_else(|| fault("no two numbers"))?;
    let north = band.is_none_or(|letter| letter >= 'N');
    let point = UtmUps::create(i32::from(zone), north, easting, northing)
        .map_err(|_| fault("easting or northing out of range"))?;
    let LatLonDeg(lat_deg, lon_deg) = point.to_latlon().into();
    let mended = band
        .filter(|&letter| letter != 'N')
        .and_then(|letter| band_near(lat_deg, 1e-5, letter))
        .map(|right| format!("{zone}{right} {easting} {northing}"));
    Ok(GridPoint {
        lat_deg,
        lon_deg,
        bound_m: None,
        zone,
        mended,
    })
}

struct LatLonDeg(f64, f64);

impl From<LatLon> for LatLonDeg {
    fn from(point: LatLon) -> Self {
        Self(point.latitude(), point.longitude())
    }
}

/// Zone, band and two numbers, with or without the letters E and N at them.
#[derive(Default)]
struct UtmWords {
    zone: Option<u8>,
    band: Option<char>,
    numbers: Vec<(f64, Option<char>)>,
}

impl UtmWords {
    fn scan(text: &str) -> Result<Self, &'static str> {
        let mut words = Self::default();
        // A letter waits here for the number behind it.
        let mut label = None;
        let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '=' | ':');
        for word in text.split(separators).filter(|w| !w.is_empty()).take(12) {
            let split = word
                .find(|c: char| !(c.is_ascii_digit() || c == '.'))
                .unwrap_or(word.len());
            let (number, letters) = word.split_at(split);
            let letter = match letters.to_ascii_uppercase().as_str() {
                "" => None,
                // `410729m` and the word `zone` say nothing more.
                "ZONE" => None,
                "M" if number.len() > 2 => None,
                "ME" => Some('E'),
                "MN" => Some('N'),
                one => Some(single(one)?),
            };
            match (number.is_empty(), letter) {
                (true, Some(letter)) => words.letter(letter, &mut label)?,
                (true, None) => {}
                (false, letter) => words.number(number, letter, &mut label)?,
            }
        }
        Ok(words)
    }

    fn letter(&mut self, letter: char, label: &mut Option<char>) -> Result<(), &'static str> {
        match (self.zone, self.band, self.numbers.last_mut()) {
            (Some(_), None, None) if letter != 'E' => self.band = Some(letter),
            // `410729 E`: behind the number, unless the first had its letter in front.
            (_, _, Some(last)) if last.1.is_none() && matches!(letter, 'E' | 'N') => {
                last.1 = Some(letter);
            }
            _ if label.is_none() && matches!(letter, 'E' | 'N') => *label = Some(letter),
            _ => return Err("a letter too many"),
        }
        Ok(())
    }

    fn number(
        &mut self,
        number: &str,
        letter: Option<char>,
        label: &mut Option<char>,
    ) -> Result<(), &'static str> {
        // In front of the numbers or behind them.
        let outside = self.numbers.is_empty() || self.numbers.len() == 2;
        let is_zone = self.zone.is_none() && outside && number.len() <= 2;
        if is_zone {
            let zone = number.parse().map_err(|_| "no zone")?;
            if !(1..=60).contains(&zone) {
                return Err("the zone is not in 1 to 60");
            }
            if letter.is_some_and(|letter| !is_band(letter)) {
                return Err("the band is not in C to X without I and O");
            }
            (self.zone, self.band) = (Some(zone), letter);
            return Ok(());
        }
        let value: f64 = number.parse().map_err(|_| "a number that cannot be read")?;
        let front = label.take();
        if front.is_some() && letter.is_some() || self.numbers.len() == 2 {
            return Err("more than easting and northing");
        }
        if letter.is_some_and(|letter| !matches!(letter, 'E' | 'N')) {
            return Err("a letter that is neither E nor N at a number");
        }
        self.numbers.push((value, front.or(letter)));
        Ok(())
    }

    /// Easting and northing; easting comes first where no letter says otherwise.
    fn take(&self) -> Option<(f64, f64)> {
        match *self.numbers.as_slice() {
            [(first, None | Some('E')), (second, None | Some('N'))] => Some((first, second)),
            [(first, Some('N')), (second, None | Some('E'))] => Some((second, first)),
            [(first, None), (second, Some('E'))] => Some((second, first)),
            _ => None,
        }
    }
}

fn single(letters: &str) -> Result<char, &'static str> {
    let mut chars = letters.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), None) if letter.is_ascii_uppercase() => Ok(letter),
        _ => Err("a word that UTM has no place for"),
    }
}

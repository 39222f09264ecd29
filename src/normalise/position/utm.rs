//! UTM and UPS positions as text, on WGS 84: zone and band or hemisphere, easting, northing.
//! Knows the two mistakes that numbers can show: axes swapped, and a Gauss-Krueger easting, which
//! has its zone in front.

use super::Fault;
use super::grid::{GridPoint, band_near, is_band};
use super::number::decimal_points;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;
use geoconvert::{LatLon, UtmUps};

static UTM_UNREADABLE: Rule = Rule::new(
    "position.utm_unreadable",
    "a UTM position is zone and band (or hemisphere N), easting, northing",
    "domain.md 3.2",
);
/// The band is recomputed from the position.
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
static GAUSS_KRUEGER: Rule = Rule::new(
    "position.gauss_krueger_as_utm",
    "an easting with a zone in front is Gauss-Krueger, and read as UTM it would be kilometres off",
    "domain.md 3.4, trap D",
);
static UPS_UNREADABLE: Rule = Rule::new(
    "position.ups_unreadable",
    "a UPS position is hemisphere N or S, easting, northing",
    "domain.md 3.2",
);

const UTM_FORM: &str = "for example `37N 410729 5318760` or `37U 410729 5318760`: zone, band or \
                        N, easting, northing in metres";
const UPS_FORM: &str = "for example `N 2000000 1555732`: hemisphere, easting, northing in metres";

/// Eastings of UTM end well below this, metres.
const EASTING_M_MAX: f64 = 1_000_000.0;

/// A UTM position, and the same with its axes swapped, to tell a swap from other mistakes.
#[derive(Debug)]
pub(super) struct UtmPoint {
    pub(super) straight: Result<GridPoint, Fault>,
    pub(super) swapped: Option<(f64, f64)>,
}

/// Reads a UTM position; `system` is zone and hemisphere where the name of the reference system
/// says them.
pub(super) fn utm(
    text: &str,
    system: Option<(u8, bool)>,
    decimal_comma: bool,
) -> Result<UtmPoint, Fault> {
    let fault = |why: &str| {
        Fault::new(
            &UTM_UNREADABLE,
            format!("{}: {why}", quoted(text)),
            UTM_FORM,
        )
    };
    let words = UtmWords::scan(&decimal_points(text, decimal_comma)).map_err(fault)?;
    let band = words.band;
    let zone = match system {
        Some((zone, _)) if words.zone.is_none_or(|written| written == zone) => zone,
        Some(_) => return Err(fault("another zone than that of the reference system")),
        None => words.zone.ok_or_else(|| fault("no zone"))?,
    };
    if band == Some('S') {
        return Err(Fault::new(
            &UTM_SOUTH,
            "the letter S may be a hemisphere or a latitude band",
            "the EPSG code of the zone (EPSG:32601 to 32660 for the north), and no letter",
        ));
    }
    let north = match (band, system) {
        (Some(letter), _) => letter >= 'N',
        (None, Some((_, north))) => north,
        (None, None) => true,
    };
    if system.is_some_and(|(_, of_system)| of_system != north) {
        return Err(fault(
            "another hemisphere than that of the reference system",
        ));
    }
    let (easting, northing) = words.take().ok_or_else(|| fault("no two numbers"))?;
    let read = |easting, northing| {
        let point = UtmUps::create(i32::from(zone), north, easting, northing).ok()?;
        let LatLonDeg(lat, lon) = point.to_latlon().into();
        Some((lat, lon))
    };
    let swapped = read(northing, easting);
    let straight = match read(easting, northing) {
        Some((lat_deg, lon_deg)) => Ok(GridPoint {
            lat_deg,
            lon_deg,
            bound_m: None,
            zone,
            mended: band
                .filter(|&letter| letter != 'N')
                .and_then(|letter| band_near(lat_deg, 1e-5, letter))
                .map(|right| format!("{zone}{right} {easting} {northing}")),
        }),
        None if prefixed(easting, zone, north, northing) => Err(Fault::new(
            &GAUSS_KRUEGER,
            format!(
                "the easting {easting} has a zone in front, as Gauss-Krueger has and UTM has not"
            ),
            "reference_system `SK-42` or `UCS-2000` with `X=northing Y=easting`, if the position is \
             from such a map; or a UTM easting of six digits",
        )),
        None => Err(fault("easting or northing out of range")),
    };
    Ok(UtmPoint { straight, swapped })
}

/// Whether the easting would do without the number of millions in front of it.
fn prefixed(easting: f64, zone: u8, north: bool, northing: f64) -> bool {
    let bare = easting % EASTING_M_MAX;
    (EASTING_M_MAX..61.0 * EASTING_M_MAX).contains(&easting)
        && UtmUps::create(i32::from(zone), north, bare, northing).is_ok()
}

struct LatLonDeg(f64, f64);

impl From<LatLon> for LatLonDeg {
    fn from(point: LatLon) -> Self {
        Self(point.latitude(), point.longitude())
    }
}

/// Reads a UPS position; the hemisphere is the text's or the reference system's.
pub(super) fn ups(
    text: &str,
    north: Option<bool>,
    decimal_comma: bool,
) -> Result<GridPoint, Fault> {
    let fault = |why: &str| {
        Fault::new(
            &UPS_UNREADABLE,
            format!("{}: {why}", quoted(text)),
            UPS_FORM,
        )
    };
    let plain = decimal_points(text, decimal_comma);
    let mut written = None;
    let mut numbers = Vec::with_capacity(2);
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    for word in plain.split(separators).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "n" | "north" if written.is_none() => written = Some(true),
            "s" | "south" if written.is_none() => written = Some(false),
            number => match super::number::parse(number.trim_end_matches(['m', 'e'])) {
                Some(value) if numbers.len() < 2 => numbers.push(value),
                _ => return Err(fault("something that UPS has no place for")),
            },
        }
    }
    let north = match (written, north) {
        (Some(a), Some(b)) if a != b => {
            return Err(fault(
                "another hemisphere than that of the reference system",
            ));
        }
        (a, b) => a.or(b).ok_or_else(|| fault("no hemisphere"))?,
    };
    let &[easting, northing] = numbers.as_slice() else {
        return Err(fault("no two numbers"));
    };
    let point = UtmUps::create(0, north, easting, northing)
        .map_err(|_| fault("easting or northing out of range"))?;
    let LatLonDeg(lat_deg, lon_deg) = point.to_latlon().into();
    Ok(GridPoint {
        lat_deg,
        lon_deg,
        bound_m: None,
        zone: 0,
        mended: None,
    })
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

//! Reads the text of a bearing: a number with its unit and perhaps its north, or one of 16 winds.

use super::wind::{self, Wind};
use crate::normalise::Profile;
use crate::record::{AngleUnit, NorthReference};

/// Longest text that is read, bytes.
const TEXT_BYTES_MAX: usize = 100;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Angle {
    /// A sector about one of 16 winds.
    Wind(Wind),
    /// A number, its unit as written, and the north that the text names.
    Number(f64, Unit, Option<NorthReference>),
}

/// A unit as written; some words have two meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Absent,
    Degree,
    MilNato,
    Mil6000,
    Mil6300,
    Gon,
    /// `grad` is gon in French and degree in German.
    Grad,
    /// `mil`: the NATO mil, unless another is declared.
    Mil,
    /// `tysięczna`: 6400 to the circle on NATO instruments, 6000 on older ones.
    Thousandth,
}

impl Unit {
    /// What it may mean, the usual meaning alone where there is one.
    pub(super) fn candidates(self) -> &'static [AngleUnit] {
        match self {
            Self::Absent => &[],
            Self::Degree => &[AngleUnit::Degree],
            Self::MilNato | Self::Mil => &[AngleUnit::MilNato],
            Self::Mil6000 => &[AngleUnit::Mil6000],
            Self::Mil6300 => &[AngleUnit::Mil6300],
            Self::Gon => &[AngleUnit::Gon],
            Self::Grad => &[AngleUnit::Gon, AngleUnit::Degree],
            Self::Thousandth => &[AngleUnit::MilNato, AngleUnit::Mil6000],
        }
    }
}

/// Words in front of a bearing, and the north that they name; longer ones before their own
/// beginnings.
const LABELS: &[(&str, Option<NorthReference>)] = &[
    ("magnetic bearing", Some(NorthReference::Magnetic)),
    ("magnetic azimuth", Some(NorthReference::Magnetic)),
    ("azimut magnétique", Some(NorthReference::Magnetic)),
    ("cap magnétique", Some(NorthReference::Magnetic)),
    ("azymut magnetyczny", Some(NorthReference::Magnetic)),
    ("магнітний азимут", Some(NorthReference::Magnetic)),
    ("магнитный азимут", Some(NorthReference::Magnetic)),
    ("missweisend", Some(NorthReference::Magnetic)),
    ("mag bearing", Some(NorthReference::Magnetic)),
    ("mag", Some(NorthReference::Magnetic)),
    ("true bearing", Some(NorthReference::True)),
    ("true azimuth", Some(NorthReference::True)),
    ("azimut géographique", Some(NorthReference::True)),
    ("azymut geograficzny", Some(NorthReference::True)),
    ("істинний азимут", Some(NorthReference::True)),
    ("истинный азимут", Some(NorthReference::True)),
    ("rechtweisend", Some(NorthReference::True)),
    ("grid bearing", Some(NorthReference::Grid)),
    ("grid azimuth", Some(NorthReference::Grid)),
    ("gisement", Some(NorthReference::Grid)),
    ("azymut topograficzny", Some(NorthReference::Grid)),
    ("дирекційний кут", Some(NorthReference::Grid)),
    ("дирекционный угол", Some(NorthReference::Grid)),
    ("grid", Some(NorthReference::Grid)),
    ("cap", None),
    ("bearing", None),
    ("brg", None),
    ("azimuth", None),
    ("azimut", None),
    ("azymut", None),
    ("az", None),
    ("азимут", None),
    ("kurs", None),
    ("курс", None),
    ("heading", None),
    ("hdg", None),
];

/// Words behind the unit that name the north.
const NORTHS: &[(&str, NorthReference)] = &[
    ("magnetic", NorthReference::Magnetic),
    ("mag", NorthReference::Magnetic),
    ("m", NorthReference::Magnetic),
    ("true", NorthReference::True),
    ("t", NorthReference::True),
    ("grid", NorthReference::Grid),
    ("g", NorthReference::Grid),
];

/// Reads a bearing.
pub(super) fn parse(text: &str, profile: &Profile) -> Option<Angle> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if let Some(wind) = russian_letter(text.trim(), profile) {
        return Some(Angle::Wind(wind));
    }
    let lower: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' => '-',
            ',' => '.',
            _ if c.is_whitespace() => ' ',
            _ => c,
        })
        .collect();
    let mut plain = lower.trim();
    let mut north = None;
    for (label, names) in LABELS {
        if let Some(rest) = plain.strip_prefix(label)
            && rest.starts_with([' ', ':', '.'])
        {
            plain = rest.trim_start_matches([' ', ':', '.']);
            north = *names;
            break;
        }
    }
    if let Some(wind) = wind::parse(plain, profile.letter_o()) {
        return north.is_none().then_some(Angle::Wind(wind));
    }
    let end = plain
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .unwrap_or(plain.len());
    let (number, unit) = plain.split_at_checked(end)?;
    let (unit, behind) = north_behind(unit.trim().trim_end_matches('.'));
    let north = match (north, behind) {
        (Some(before), Some(behind)) if before != behind => return None,
        (before, behind) => before.or(behind),
    };
    // `1,600` is 1600 to some and 1.6 to others.
    let thousands = text
        .split_once(',')
        .is_some_and(|(_, after)| after.bytes().take_while(u8::is_ascii_digit).count() == 3);
    if thousands {
        return None;
    }
    if let Some(value) = divided(number) {
        // `15-00` is the notation of the 6000-mil circle and of nothing else.
        let fits = matches!(
            unit,
            "" | "тис" | "тисячних" | "тысячных" | "д.у" | "п.к" | "mil"
        );
        return fits.then_some(Angle::Number(value, Unit::Mil6000, north));
    }
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains('-') {
        return None;
    }
    let value = number
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    Some(Angle::Number(value, unit_of(unit)?, north))
}

/// The north that stands behind a unit, as in `45 deg mag`, `45°M` or `800 mils grid`.
fn north_behind(unit: &str) -> (&str, Option<NorthReference>) {
    NORTHS
        .iter()
        .find_map(|&(word, north)| {
            let before = unit.strip_suffix(word)?;
            let apart = before.is_empty() || before.ends_with([' ', '°', 'º', '(']);
            let long_enough = word.len() > 1 || !before.trim().is_empty();
            (apart && long_enough).then(|| (before.trim_end_matches([' ', '(']), Some(north)))
        })
        .unwrap_or((unit, None))
}

/// One Russian capital alone, where the nation writes Russian; small letters are prepositions.
fn russian_letter(text: &str, profile: &Profile) -> Option<Wind> {
    let wind = match text {
        "С" => "n",
        "Ю" => "s",
        "В" => "e",
        "З" => "w",
        _ => return None,
    };
    let russian = profile.languages().iter().any(|language| language == "ru");
    russian.then(|| wind::parse(wind, None)).flatten()
}

/// `15-00`: big and small divisions of the goniometer, in mils of 6000.
fn divided(number: &str) -> Option<f64> {
    let (big, small) = number.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(big) && digits(small) && (1..=2).contains(&big.len()) && small.len() == 2) {
        return None;
    }
    let (big, small): (f64, f64) = (big.parse().ok()?, small.parse().ok()?);
    Some(big * 100.0 + small)
}

fn unit_of(word: &str) -> Option<Unit> {
    Some(match word {
        "" => Unit::Absent,
        "°" | "º" | "deg" | "degs" | "degree" | "degrees" | "degré" | "degrés" | "град"
        | "градус" | "градуса" | "градуси" | "градусів" | "градусов" | "stopni" | "stopnie"
        | "stopień" | "st" => Unit::Degree,
        "mil" | "mils" => Unit::Mil,
        "mil nato" | "mils nato" | "nato mil" | "nato mils" | "6400 mil" | "millième"
        | "millièmes" => Unit::MilNato,
        "тис" | "тисячна" | "тисячні" | "тисячних" | "тыс" | "тысячная" | "тысячных" | "д.у"
        | "п.к" => Unit::Mil6000,
        "streck" | "6300 mil" => Unit::Mil6300,
        "tys" | "tysięczna" | "tysięczne" | "tysięcznych" => Unit::Thousandth,
        "gon" | "gons" | "grade" | "grades" | "gony" | "gonów" => Unit::Gon,
        "grad" | "gr" => Unit::Grad,
        _ => return None,
    })
}

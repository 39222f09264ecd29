//! Reads the text of a bearing: a number with its unit, or one of 16 winds.

use super::wind;
use crate::record::AngleUnit;

/// Longest text that is read, bytes.
const TEXT_BYTES_MAX: usize = 100;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Angle {
    /// One of 16 winds, degrees.
    Wind(f64),
    /// A number and its unit as written.
    Number(f64, Unit),
}

/// A unit as written; some words have two meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Absent,
    Degree,
    MilNato,
    Mil6000,
    Gon,
    /// `grad` is gon in French and degree in German.
    Grad,
    /// `mil`: the NATO mil, unless another is declared.
    Mil,
}

impl Unit {
    /// What it may mean, the usual meaning alone where there is one.
    pub(super) fn candidates(self) -> &'static [AngleUnit] {
        match self {
            Self::Absent => &[],
            Self::Degree => &[AngleUnit::Degree],
            Self::MilNato | Self::Mil => &[AngleUnit::MilNato],
            Self::Mil6000 => &[AngleUnit::Mil6000],
            Self::Gon => &[AngleUnit::Gon],
            Self::Grad => &[AngleUnit::Gon, AngleUnit::Degree],
        }
    }
}

/// Words in front of a bearing that say that it is one.
const LABELS: &[&str] = &[
    "cap",
    "bearing",
    "brg",
    "azimuth",
    "azimut",
    "az",
    "азимут",
    "kurs",
    "heading",
    "hdg",
];

/// Reads a bearing.
pub(super) fn parse(text: &str) -> Option<Angle> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
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
    for label in LABELS {
        if let Some(rest) = plain.strip_prefix(label)
            && rest.starts_with([' ', ':', '.'])
        {
            plain = rest.trim_start_matches([' ', ':', '.']);
            break;
        }
    }
    if let Some(deg) = wind::parse(plain) {
        return Some(Angle::Wind(deg));
    }
    let end = plain
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .unwrap_or(plain.len());
    let (number, unit) = plain.split_at_checked(end)?;
    let unit = unit.trim().trim_end_matches('.');
    // `1,600` is 1600 to some and 1.6 to others.
    let thousands = text
        .split_once(',')
        .is_some_and(|(_, after)| after.bytes().take_while(u8::is_ascii_digit).count() == 3);
    if thousands {
        return None;
    }
    if let Some(value) = divided(number) {
        // `15-00` is the notation of the 6000-mil circle and of nothing else.
        let fits = matches!(unit, "" | "тис" | "тисячних" | "тысячных" | "mil");
        return fits.then_some(Angle::Number(value, Unit::Mil6000));
    }
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains('-') {
        return None;
    }
    let value = number
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    Some(Angle::Number(value, unit_of(unit)?))
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
        "°" | "º" | "deg" | "degree" | "degrees" | "degré" | "degrés" | "град" | "градус"
        | "градуса" | "градусів" | "градусов" | "stopni" | "stopnie" => {
            Unit::Degree
        }
        "mil" | "mils" | "mrad" if word != "mrad" => Unit::Mil,
        "mil nato" | "nato mil" | "nato mils" | "6400 mil" | "tys" => Unit::MilNato,
        "тис" | "тисячних" | "тисячна" | "тысячных" | "тыс" | "д.у" | "п.к" => {
            Unit::Mil6000
        }
        "gon" | "gons" | "grades" => Unit::Gon,
        "grad" | "gr" => Unit::Grad,
        _ => return None,
    })
}

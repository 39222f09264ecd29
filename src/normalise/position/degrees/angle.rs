//! Reads one angle from its tokens.

use super::token::{Token, Word};
use crate::normalise::profile::LetterO;

/// Which coordinate an angle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Latitude,
    Longitude,
}

/// An angle, and which coordinate it is where its letters say so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Angle {
    pub(super) degrees: f64,
    /// What one step of its last written digit is, degrees.
    pub(super) unit_deg: f64,
    pub(super) axis: Option<Axis>,
}

/// A number with what it counts: 0 degrees, 1 minutes, 2 seconds.
struct Part<'t> {
    whole: &'t str,
    fraction: Option<&'t str>,
}

impl Part<'_> {
    fn value(&self) -> f64 {
        let fraction = self.fraction.unwrap_or_default();
        format!("{}.{fraction}0", self.whole)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// What one step of its last digit is; the part counts degrees, minutes or seconds.
    fn unit(&self) -> f64 {
        let digits = self.fraction.unwrap_or_default().len();
        0.1_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX))
    }
}

/// How many of a part make a degree: degrees, minutes, seconds.
const PER_DEGREE: [f64; 3] = [1.0, 60.0, 3_600.0];

/// What the letters of an angle say.
#[derive(Default)]
struct Letters {
    axis: Option<Axis>,
    negative: Option<bool>,
}

impl Letters {
    fn add(&mut self, word: Word, letter_o: Option<LetterO>) -> Result<(), String> {
        let (axis, negative) = match (word, letter_o) {
            (Word::North, _) => (Axis::Latitude, Some(false)),
            (Word::South, _) => (Axis::Latitude, Some(true)),
            (Word::East, _) | (Word::LetterO, Some(LetterO::East)) => {
                (Axis::Longitude, Some(false))
            }
            (Word::West | Word::LetterO, _) => (Axis::Longitude, Some(true)),
            (Word::Latitude, _) => (Axis::Latitude, None),
            (Word::Longitude, _) => (Axis::Longitude, None),
        };
        let repeated = negative.is_some() && self.negative.is_some();
        if repeated || self.axis.is_some_and(|known| known != axis) {
            return Err("two hemispheres for one angle".to_owned());
        }
        self.axis = Some(axis);
        self.negative = self.negative.or(negative);
        Ok(())
    }
}

/// Reads an angle.
pub(super) fn read(tokens: &[Token<'_>], letter_o: Option<LetterO>) -> Result<Angle, String> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(3);
    let mut letters = Letters::default();
    let mut minus = false;
    // How many parts have had their mark; a mark names its part's place.
    let mut marked = 0;
    let mut separated = false;
    for token in tokens {
        match *token {
            // A comma inside an angle is a decimal comma that the profile does not allow.
            Token::Number { .. } if separated => {
                return Err("a comma inside an angle; is it a decimal comma?".to_owned());
            }
            Token::Number { whole, fraction } => parts.push(Part { whole, fraction }),
            Token::DegreeMark | Token::MinuteMark | Token::SecondMark => {
                let place = match token {
                    Token::DegreeMark => 1,
                    Token::MinuteMark => 2,
                    _ => 3,
                };
                if parts.len() != place || marked >= place {
                    return Err("a mark without its number".to_owned());
                }
                marked = place;
            }
            Token::Word(word) => letters.add(word, letter_o)?,
            Token::Minus if parts.is_empty() && !minus => minus = true,
            Token::Minus => return Err("a minus inside an angle".to_owned()),
            Token::Separator => separated = !parts.is_empty(),
            Token::Blank => {}
        }
    }
    if minus && letters.negative.is_some() {
        return Err("a minus and a hemisphere".to_owned());
    }
    let packed = unpack(&parts, &letters);
    let (magnitude, unit_deg) = magnitude(packed.as_deref().unwrap_or(&parts))?;
    let limit = match letters.axis {
        Some(Axis::Latitude) => 90.0,
        Some(Axis::Longitude) | None => 180.0,
    };
    if !(0.0..=limit).contains(&magnitude) {
        return Err(format!("{magnitude} degrees is more than {limit}"));
    }
    let negative = minus || letters.negative == Some(true);
    Ok(Angle {
        degrees: if negative { -magnitude } else { magnitude },
        unit_deg,
        axis: letters.axis,
    })
}

/// `480057` with a letter of latitude is 48 00 57, `0374810` with one of longitude 037 48 10:
/// the width is fixed, so that no digit can be taken for another.
fn unpack<'t>(parts: &[Part<'t>], letters: &Letters) -> Option<Vec<Part<'t>>> {
    let [part] = parts else { return None };
    let degree_digits = match letters.axis? {
        Axis::Latitude => 2,
        Axis::Longitude => 3,
    };
    letters.negative?;
    let (degrees, rest) = part.whole.split_at_checked(degree_digits)?;
    let plain = |whole| Part {
        whole,
        fraction: None,
    };
    let last = |whole| Part {
        whole,
        fraction: part.fraction,
    };
    match rest.len() {
        2 => Some(vec![plain(degrees), last(rest)]),
        4 => {
            let (minutes, seconds) = rest.split_at_checked(2)?;
            Some(vec![plain(degrees), plain(minutes), last(seconds)])
        }
        _ => None,
    }
}

/// Degrees without their sign, and what one step of the last digit is.
fn magnitude(parts: &[Part<'_>]) -> Result<(f64, f64), String> {
    let last = parts.len().checked_sub(1).ok_or("no number")?;
    if parts.len() > PER_DEGREE.len() {
        return Err("more than degrees, minutes and seconds".to_owned());
    }
    let (mut degrees, mut unit_deg) = (0.0, 1.0);
    for (place, (part, per_degree)) in parts.iter().zip(PER_DEGREE).enumerate() {
        if place < last && part.fraction.is_some() {
            return Err("a fraction before the last part".to_owned());
        }
        let value = part.value();
        if place == 0 && part.whole.len() > 3 {
            return Err(format!("`{}` is too long for degrees", part.whole));
        }
        // Rounding may make 60.0 of 59.99; a whole 60 is a mistake.
        let rounded_up = value == 60.0 && part.fraction.is_some();
        if place > 0 && value >= 60.0 && !rounded_up {
            return Err(format!("{value} minutes or seconds; below 60"));
        }
        degrees += value / per_degree;
        unit_deg = part.unit() / per_degree;
    }
    Ok((degrees, unit_deg))
}

//! Latitude and longitude as text: decimal, degrees and minutes, degrees-minutes-seconds, packed;
//! with hemisphere letters of several languages before or after, or with none.
//! Knows nothing of datums.

mod angle;
mod token;

use super::Fault;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;
use crate::normalise::profile::LetterO;
use crate::record::AxisOrder;
use angle::{Angle, Axis};
use token::{Token, Word};

static UNREADABLE: Rule = Rule::new(
    "position.degrees_unreadable",
    "latitude and longitude are read as decimal degrees, degrees and minutes, or \
     degrees, minutes and seconds; minutes and seconds below 60",
    "domain.md 3.5; GeographicLib",
);
static LETTER_O: Rule = Rule::new(
    "position.letter_o",
    "the letter O is west in French and Spanish and east in German and Dutch, so only a profile \
     can say which",
    "domain.md 3.5",
);

/// A degree of latitude, metres: the mean of WGS 84.
const DEGREE_M: f64 = 111_132.95;
/// A finer written precision says nothing: programs write more digits than anybody measures.
const WRITTEN_M_MIN: f64 = 1.0;

/// What is expected of a text that cannot be read.
const FORMS: &str = "two angles such as `48.0159 37.8029`, `48°00'57.24\"N 37°48'10.44\"E`, \
                     `48 00.954 N 37 48.174 E` or `480057N0374810E`";

/// How the nation writes numbers and letters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notation {
    /// A comma between digits is a decimal comma.
    pub(super) decimal_comma: bool,
    /// What the letter O means.
    pub(super) letter_o: Option<LetterO>,
    /// Which angle comes first where no letter says it; latitude by default.
    pub(super) order: Option<AxisOrder>,
}

/// Latitude and longitude as they were written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written {
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    /// What one step of the last written digit is, degrees; the finer one of the two angles,
    /// because many programs drop noughts at the end of a number.
    unit_deg: f64,
}

impl Written {
    /// Half the diagonal of the cell of all positions that are written so, metres; `None` where
    /// it is finer than anybody measures, and so says nothing.
    pub(super) fn bound_m(&self) -> Option<f64> {
        let north_m = self.unit_deg * DEGREE_M;
        let east_m = north_m * self.lat_deg.to_radians().cos();
        let bound_m = north_m.hypot(east_m) / 2.0;
        (bound_m >= WRITTEN_M_MIN).then_some(bound_m)
    }

    /// The written precision in words, for the trace.
    pub(super) fn unit(&self) -> String {
        let steps = [(1.0, "degrees"), (60.0, "minutes"), (3_600.0, "seconds")];
        let whole = |(per_degree, _): &(f64, &str)| {
            let tens = (self.unit_deg * per_degree).log10();
            tens < 0.5 && (tens - tens.round()).abs() < 1e-6
        };
        let (per_degree, name) = steps.into_iter().find(whole).unwrap_or((1.0, "degrees"));
        let digits = -(self.unit_deg * per_degree).log10().round();
        if digits < 0.5 {
            format!("whole {name}")
        } else {
            let plural = if digits < 1.5 { "" } else { "s" };
            format!("{name} with {digits:.0} decimal{plural}")
        }
    }
}

/// Reads latitude and longitude.
pub(super) fn parse(text: &str, notation: Notation) -> Result<Written, Fault> {
    let unreadable = |why: &str| Fault::new(&UNREADABLE, format!("{}: {why}", quoted(text)), FORMS);
    let tokens = token::scan(text, notation.decimal_comma).map_err(|why| unreadable(&why))?;
    let (first, second) = halves(&tokens).ok_or_else(|| unreadable("no two angles"))?;
    let read = |half: &[Token<'_>]| {
        let letter_o = notation.letter_o;
        if letter_o.is_none() && half.contains(&Token::Word(Word::LetterO)) {
            return Err(Fault::new(
                &LETTER_O,
                "the letter O is west in some languages and east in others",
                "N, S, E or W, or the meaning of O in the nation's profile",
            ));
        }
        angle::read(half, letter_o).map_err(|why| unreadable(&why))
    };
    let (first, second) = (read(first)?, read(second)?);
    let (lat, lon) = order(first, second, notation.order)
        .ok_or_else(|| unreadable("both angles are on the same axis"))?;
    Ok(Written {
        lat_deg: lat.degrees,
        lon_deg: lon.degrees,
        unit_deg: lat.unit_deg.min(lon.unit_deg),
    })
}

/// Splits the tokens of two angles: at letters, else at the one separator, else at the one
/// blank, else before the second degree mark, else in the middle.
fn halves<'a, 't>(tokens: &'a [Token<'t>]) -> Option<(&'a [Token<'t>], &'a [Token<'t>])> {
    let at = by_letters(tokens)
        .or_else(|| only(tokens, |t| matches!(t, Token::Separator)))
        .or_else(|| only(tokens, |t| matches!(t, Token::Blank)))
        .or_else(|| by_degree_marks(tokens))
        .or_else(|| by_count(tokens))?;
    tokens.split_at_checked(at)
}

fn by_letters(tokens: &[Token<'_>]) -> Option<usize> {
    let word = |t: &Token<'_>| matches!(t, Token::Word(_));
    let first_number = tokens
        .iter()
        .position(|t| matches!(t, Token::Number { .. }))?;
    let first_word = tokens.iter().position(word)?;
    if first_word < first_number {
        // Labels in front, perhaps with letters behind: the second angle begins at its label.
        let other = match tokens.get(first_word) {
            Some(Token::Word(Word::Latitude)) => Some(Word::Longitude),
            Some(Token::Word(Word::Longitude)) => Some(Word::Latitude),
            _ => None,
        };
        let label = other.and_then(|other| {
            tokens
                .iter()
                .skip(first_number)
                .position(|t| *t == Token::Word(other))
        });
        if let Some(after) = label {
            return Some(first_number + after);
        }
        // Letters in front: the second angle begins at the first word after a number.
        let after = tokens.iter().skip(first_number).position(word)?;
        return Some(first_number + after);
    }
    // Letters behind: the first angle ends with the last word in the first run of words.
    let run = tokens
        .iter()
        .skip(first_word)
        .take_while(|t| matches!(t, Token::Word(_) | Token::Blank))
        .count();
    Some(first_word + run)
}

fn only(tokens: &[Token<'_>], is: impl Fn(&Token<'_>) -> bool) -> Option<usize> {
    let mut found = tokens.iter().enumerate().filter(|(_, t)| is(t));
    let (at, _) = found.next()?;
    found.next().is_none().then_some(at)
}

fn by_degree_marks(tokens: &[Token<'_>]) -> Option<usize> {
    let second = tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| matches!(t, Token::DegreeMark))
        .nth(1)?
        .0;
    // Back to the number, and its sign, that carry the mark.
    let number = tokens
        .iter()
        .take(second)
        .rposition(|t| matches!(t, Token::Number { .. }))?;
    let signed = number
        .checked_sub(1)
        .filter(|&at| tokens.get(at) == Some(&Token::Minus));
    Some(signed.unwrap_or(number))
}

fn by_count(tokens: &[Token<'_>]) -> Option<usize> {
    let numbers = tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| matches!(t, Token::Number { .. }));
    let count = numbers.clone().count();
    if !matches!(count, 2 | 4 | 6) {
        return None;
    }
    let (middle, _) = numbers.clone().nth(count / 2)?;
    let signed = middle
        .checked_sub(1)
        .filter(|&at| tokens.get(at) == Some(&Token::Minus));
    Some(signed.unwrap_or(middle))
}

/// Latitude and longitude, whichever came first.
fn order(first: Angle, second: Angle, order: Option<AxisOrder>) -> Option<(Angle, Angle)> {
    match (first.axis, second.axis) {
        (Some(Axis::Latitude), Some(Axis::Longitude) | None) | (None, Some(Axis::Longitude)) => {
            Some((first, second))
        }
        (Some(Axis::Longitude), Some(Axis::Latitude) | None) | (None, Some(Axis::Latitude)) => {
            Some((second, first))
        }
        (None, None) if order == Some(AxisOrder::EastNorth) => Some((second, first)),
        (None, None) => Some((first, second)),
        (Some(Axis::Latitude), Some(Axis::Latitude))
        | (Some(Axis::Longitude), Some(Axis::Longitude)) => None,
    }
}

#[cfg(test)]
mod tests;

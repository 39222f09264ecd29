//! Date-time groups: `DDHHMM[SS]Z MON YY`, blanks and case free. The letters are fixed offsets,
//! not zones; J is the observer's wall clock.

use super::written::{Months, Place, Written};
use jiff::tz::Offset;

/// Longest date-time group, bytes, months in any alphabet included.
const TEXT_BYTES_MAX: usize = 64;

/// Whether a text is meant as a date-time group: six or eight digits, then a letter.
pub(super) fn looks_like(text: &str) -> bool {
    let mut chars = text.chars().filter(|c| !c.is_whitespace()).peekable();
    let mut digits = 0;
    while chars.next_if(char::is_ascii_digit).is_some() {
        digits += 1;
    }
    let date_first = text.bytes().take_while(u8::is_ascii_digit).count() == 4;
    matches!(digits, 6 | 8) && !date_first && chars.next().is_some_and(char::is_alphabetic)
}

/// Reads a date-time group.
pub(super) fn parse(text: &str, months: Months<'_>) -> Result<Written, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
    }
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_uppercase)
        .collect();
    let (digits, rest) = split_digits(&plain);
    let letter = rest.chars().next().ok_or("no zone letter")?;
    let rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    let month_end = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (month, year) = rest.split_at_checked(month_end).unwrap_or((rest, ""));
    let place = zone(letter)?;
    let two = |from: usize| -> Result<i8, String> {
        let pair = digits
            .get(from..from + 2)
            .ok_or("not six or eight digits")?;
        pair.parse().map_err(|_| "not a number".to_owned())
    };
    let month = match month {
        "" => None,
        name => Some(
            months
                .number(name)
                .ok_or_else(|| format!("`{name}` is no month that the profile knows"))?,
        ),
    };
    let seconds = digits.len() == 8;
    Ok(Written {
        year: year_of(year, month)?,
        month,
        day: two(0)?,
        hour: two(2)?,
        minute: two(4)?,
        second: if seconds { two(6)? } else { 0 },
        nanosecond: 0,
        precision_s: if seconds { 1 } else { 60 },
        place,
    })
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn year_of(digits: &str, month: Option<i8>) -> Result<Option<i16>, String> {
    if digits.is_empty() {
        return Ok(None);
    }
    if month.is_none() {
        return Err("a year without a month".to_owned());
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("something behind the year".to_owned());
    }
    match (digits.len(), digits.parse::<i16>()) {
        (2, Ok(year)) => Ok(Some(2_000 + year)),
        (4, Ok(year)) => Ok(Some(year)),
        _ => Err("a year of neither two nor four digits".to_owned()),
    }
}

/// The offset of a zone letter.
fn zone(letter: char) -> Result<Place, String> {
    let hours = match letter {
        'Z' => 0,
        'A'..='I' => offset_from('A', letter) + 1,
        'J' => return Ok(Place::Wall),
        'K'..='M' => offset_from('K', letter) + 10,
        'N'..='Y' => -(offset_from('N', letter) + 1),
        _ => return Err(format!("`{letter}` is no zone letter")),
    };
    Offset::from_hours(hours)
        .map(Place::Offset)
        .map_err(|_| format!("`{letter}` is no zone letter"))
}

fn offset_from(first: char, letter: char) -> i8 {
    // Both are capital letters of ASCII, so the difference fits.
    i8::try_from(u32::from(letter) - u32::from(first)).unwrap_or(0)
}

//! Dates and clock times: ISO, day.month.year, day-Month-year; with an offset, or as wall time.

use super::written::{Months, Place, Written, Zone};
use jiff::civil::Date;
use jiff::tz::Offset;

/// Longest text, bytes.
const TEXT_BYTES_MAX: usize = 100;

/// A text that is read from its front.
struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    /// The run of characters at the front that are `is`.
    fn take(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !is(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn digits(&mut self) -> &'t str {
        self.take(|c| c.is_ascii_digit())
    }

    fn blanks(&mut self) {
        self.take(|c| c.is_whitespace() || c == ',');
    }

    fn eat(&mut self, any: &[char]) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| any.contains(c))?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    /// Skips one of these words, and a point behind it, where it stands at the front and ends there.
    fn skip_word(&mut self, words: &[&str]) {
        let after = words.iter().find_map(|word| {
            let rest = self.rest.strip_prefix(word)?;
            (!rest.starts_with(char::is_alphanumeric)).then_some(rest)
        });
        if let Some(rest) = after {
            self.rest = rest.strip_prefix('.').unwrap_or(rest);
        }
    }

    /// A number of exactly two digits.
    fn pair(&mut self) -> Result<i8, String> {
        let digits = self.digits();
        (digits.len() == 2)
            .then(|| digits.parse().ok())
            .flatten()
            .ok_or_else(|| "two digits are missing".to_owned())
    }
}

/// Year, month and day; year and month perhaps not given.
type Day = (Option<i16>, Option<i8>, i8);

/// Reads a date and time.
pub(super) fn parse(text: &str, months: Months<'_>) -> Result<Written, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
    }
    let mut cursor = Cursor { rest: text.trim() };
    let (year, month, day) = day(&mut cursor, months)?;
    cursor.blanks();
    if cursor.eat(&['T', 't']).is_none() {
        at(&mut cursor);
    }
    let (hour, minute) = hour_and_minute(&mut cursor)?;
    let mut precision_s = 60;
    let (mut second, mut nanosecond) = (0, 0);
    if cursor.eat(&[':']).is_some() {
        precision_s = 1;
        second = cursor.pair()?;
        if cursor.eat(&['.', ',']).is_some() {
            nanosecond = nanoseconds(cursor.digits())?;
        }
    }
    cursor.blanks();
    let hour = half_of_day(&mut cursor, hour)?;
    cursor.skip_word(&["Uhr", "hrs", "hours", "h", "год", "ч"]);
    cursor.blanks();
    let place = place(&mut cursor)?;
    Ok(Written {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
        precision_s,
        place,
    })
}

/// `20:30`, `9:05`, `20h30`, `20 h 30`, `20.30` or `2030`.
fn hour_and_minute(cursor: &mut Cursor<'_>) -> Result<(i8, i8), String> {
    let digits = cursor.digits();
    let number = |text: &str| text.parse().map_err(|_| "no time of day".to_owned());
    match digits.len() {
        4 => {
            let (hour, minute) = digits.split_at(2);
            Ok((number(hour)?, number(minute)?))
        }
        1 | 2 => {
            if cursor.rest.trim_start().starts_with(['h', 'H']) {
                cursor.rest = cursor.rest.trim_start();
            }
            let mark = cursor.eat(&[':', 'h', 'H', '.']);
            let mark = mark.ok_or("no time of day such as 20:30")?;
            if mark.eq_ignore_ascii_case(&'h') {
                cursor.blanks();
            }
            Ok((number(digits)?, cursor.pair()?))
        }
        _ => Err("no time of day such as 20:30".to_owned()),
    }
}

/// The hour of 24 where `am` or `pm` follows.
fn half_of_day(cursor: &mut Cursor<'_>, hour: i8) -> Result<i8, String> {
    for (words, noon) in [(["am", "AM"], 0), (["pm", "PM"], 12)] {
        let before = cursor.rest;
        cursor.skip_word(&words);
        if cursor.rest.len() != before.len() {
            return match hour {
                12 => Ok(noon),
                1..=11 => Ok(hour + noon),
                _ => Err("an hour of 24 with am or pm".to_owned()),
            };
        }
    }
    Ok(hour)
}

/// Skips a word for "at" between date and time.
fn at(cursor: &mut Cursor<'_>) {
    const WORDS: [&str; 9] = [
        "at ", "о ", "об ", "в ", "um ", "à ", "o godz. ", "godz. ", "o ",
    ];
    if let Some(rest) = WORDS.iter().find_map(|word| cursor.rest.strip_prefix(word)) {
        cursor.rest = rest;
    }
}

/// Reads a day with its year.
pub(super) fn parse_date(text: &str, months: Months<'_>) -> Result<Date, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
    }
    let mut cursor = Cursor { rest: text.trim() };
    let (year, month, day) = day(&mut cursor, months)?;
    if !cursor.rest.is_empty() {
        return Err("something behind the day".to_owned());
    }
    let (year, month) = year.zip(month).ok_or("no year")?;
    Date::new(year, month, day).map_err(|_| "no such day".to_owned())
}

fn day(cursor: &mut Cursor<'_>, months: Months<'_>) -> Result<Day, String> {
    let first = cursor.digits();
    match first.len() {
        0 => month_first(cursor, months),
        4 => {
            let year = first.parse().map_err(|_| "no year")?;
            cursor.eat(&['-']).ok_or("no month behind the year")?;
            let month = cursor.pair()?;
            cursor.eat(&['-']).ok_or("no day behind the month")?;
            Ok((Some(year), Some(month), cursor.pair()?))
        }
        1 | 2 => {
            let day = first.parse().map_err(|_| "no day")?;
            // `1er janvier`, `6th January`.
            cursor.skip_word(&["er", "st", "nd", "rd", "th"]);
            match cursor.eat(&['.', '/', '-', ' ', '\u{a0}']) {
                Some('/') if months.slashed_day_first() => numeric_month(cursor, day, '/'),
                Some('/') => Err(
                    "with slashes the month comes first to some and the day to others".to_owned(),
                ),
                Some('.') if cursor.rest.starts_with(|c: char| c.is_ascii_digit()) => {
                    numeric_month(cursor, day, '.')
                }
                _ => named_month(cursor, months, day),
            }
        }
        _ => Err("no day".to_owned()),
    }
}

fn numeric_month(cursor: &mut Cursor<'_>, day: i8, mark: char) -> Result<Day, String> {
    let month = cursor.digits();
    let month = (month.len() <= 2).then(|| month.parse().ok()).flatten();
    let month = month.ok_or("no month")?;
    cursor.eat(&[mark]).ok_or("no year behind the month")?;
    let year = year(cursor.digits()).ok_or("a year of neither two nor four digits")?;
    year_word(cursor);
    Ok((Some(year), Some(month), day))
}

/// `January 6, 2026`.
fn month_first(cursor: &mut Cursor<'_>, months: Months<'_>) -> Result<Day, String> {
    let name = cursor.take(|c| c.is_alphabetic() || c == '.');
    let month = months.number(name).ok_or("no day")?;
    cursor.blanks();
    let day = cursor.digits();
    let day = (day.len() <= 2).then(|| day.parse().ok()).flatten();
    let day = day.ok_or("no day behind the month")?;
    cursor.skip_word(&["st", "nd", "rd", "th"]);
    cursor.blanks();
    let year = year(cursor.digits()).ok_or("a year of neither two nor four digits")?;
    Ok((Some(year), Some(month), day))
}

/// Ukrainian, Russian and Polish put a word for "year" behind it, in full or abbreviated.
fn year_word(cursor: &mut Cursor<'_>) {
    let before = cursor.rest;
    cursor.take(char::is_whitespace);
    let blank = cursor.rest;
    cursor.skip_word(&["року", "года", "roku", "р", "г", "r"]);
    if cursor.rest.len() == blank.len() {
        cursor.rest = before;
    }
}

fn named_month(cursor: &mut Cursor<'_>, months: Months<'_>, day: i8) -> Result<Day, String> {
    cursor.take(|c| c.is_whitespace() || c == '.' || c == '-');
    let name = cursor.take(|c| c.is_alphabetic() || c == '.');
    let month = months
        .number(name)
        .ok_or_else(|| format!("`{name}` is no month that the profile knows"))?;
    let before = cursor.rest;
    cursor.take(|c| c.is_whitespace() || matches!(c, '-' | ',' | '.'));
    let digits = cursor.digits();
    // `3-Sep, 20:41` has no year: its digits are the hour.
    let is_hour = cursor.rest.starts_with([':', 'h', 'H']);
    if digits.is_empty() || is_hour {
        cursor.rest = before;
        return Ok((None, Some(month), day));
    }
    let year = year(digits).ok_or("a year of neither two nor four digits")?;
    year_word(cursor);
    Ok((Some(year), Some(month), day))
}

fn year(digits: &str) -> Option<i16> {
    match digits.len() {
        2 => digits.parse::<i16>().ok().map(|year| 2_000 + year),
        4 => digits.parse().ok(),
        _ => None,
    }
}

fn nanoseconds(digits: &str) -> Result<i32, String> {
    if digits.is_empty() || digits.len() > 9 {
        return Err("a fraction of neither one nor nine digits".to_owned());
    }
    format!("{digits:0<9}")
        .parse()
        .map_err(|_| "no fraction".to_owned())
}

/// What stands behind the time: an offset, or nothing.
fn place(cursor: &mut Cursor<'_>) -> Result<Place, String> {
    if let Some(zone) = Zone::named(cursor.rest.trim_matches(['(', ')'])) {
        return Ok(Place::Named(zone));
    }
    let word = cursor.take(char::is_alphabetic).to_lowercase();
    match word.as_str() {
        "" => {}
        "z" | "utc" | "gmt" if cursor.rest.is_empty() => return Ok(Place::Offset(Offset::UTC)),
        "utc" | "gmt" => {}
        "local" | "lt" if cursor.rest.is_empty() => return Ok(Place::Wall),
        _ => return Err(format!("`{word}` is no offset; name the zone in `zone`")),
    }
    if cursor.rest.is_empty() {
        return Ok(Place::Wall);
    }
    let sign = match cursor.eat(&['+', '-', '\u{2212}']) {
        Some('+') => 1,
        Some(_) => -1,
        None => return Err("something behind the time".to_owned()),
    };
    let digits = cursor.digits();
    let (hours, minutes) = match digits.len() {
        1 | 2 if cursor.eat(&[':']).is_some() => (digits, cursor.digits()),
        1 | 2 => (digits, "00"),
        4 => digits.split_at(2),
        _ => return Err("no offset such as +02:00".to_owned()),
    };
    let number = |text: &str| text.parse::<i32>().ok();
    let seconds = number(hours)
        .zip(number(minutes).filter(|m| *m < 60 && minutes.len() == 2))
        .map(|(hours, minutes)| hours * 3_600 + minutes * 60)
        .filter(|seconds| *seconds <= 15 * 3_600 && cursor.rest.is_empty())
        .ok_or("no offset such as +02:00")?;
    Offset::from_seconds(sign * seconds)
        .map(Place::Offset)
        .map_err(|_| "no offset such as +02:00".to_owned())
}

//! Dates and clock times: ISO, day.month.year, day-Month-year; with an offset, or as wall time.

use super::written::{Months, Place, Written};
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
    let hour = cursor.pair()?;
    cursor
        .eat(&[':', 'h', 'H'])
        .ok_or("no time of day such as 20:30")?;
    let minute = cursor.pair()?;
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
        4 => {
            let year = first.parse().map_err(|_| "no year")?;
            cursor.eat(&['-']).ok_or("no month behind the year")?;
            let month = cursor.pair()?;
            cursor.eat(&['-']).ok_or("no day behind the month")?;
            Ok((Some(year), Some(month), cursor.pair()?))
        }
        1 | 2 => {
            let day = first.parse().map_err(|_| "no day")?;
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
    Ok((Some(year), Some(month), day))
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
    // Ukrainian and Russian put an abbreviated `year` behind it.
    cursor.take(|c| c.is_whitespace());
    for word in ["року", "года", "р.", "г."] {
        if let Some(rest) = cursor.rest.strip_prefix(word) {
            cursor.rest = rest;
            break;
        }
    }
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

//! A number or a range with a qualifier in front and a unit behind; for counts and distances.

use super::words::{self, Qualifier};

/// Longest text that is read, bytes.
const TEXT_BYTES_MAX: usize = 200;

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::normalise) struct Amount {
    pub(in crate::normalise) qualifier: Qualifier,
    /// Lower and upper end, the same for a single number.
    pub(in crate::normalise) ends: Option<(f64, f64)>,
    /// What follows the number, in lower case.
    pub(in crate::normalise) rest: String,
}

/// Reads an amount. `None`: no number where one is needed.
pub(in crate::normalise) fn amount(text: &str, decimal_comma: bool) -> Option<Amount> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let plain = plain(text);
    let plain = plain.trim();
    if words::is_unquantified(plain) {
        return Some(Amount {
            qualifier: Qualifier::Unquantified,
            ends: None,
            rest: String::new(),
        });
    }
    let (qualifier, rest) = words::qualifier(plain);
    if let Some((ends, rest)) = words::collective(rest) {
        // `a dozen` is about twelve, and `at least a dozen` at least that.
        let qualifier = match qualifier {
            Qualifier::None => Qualifier::About,
            said => said,
        };
        return Some(Amount {
            qualifier,
            ends: Some(ends),
            rest: rest.trim().to_owned(),
        });
    }
    if let Some((ends, rest)) = spoken_range(rest, decimal_comma) {
        return Some(Amount {
            qualifier,
            ends: Some(ends),
            rest: rest.trim().to_owned(),
        });
    }
    let (first, rest) = number(rest, decimal_comma)?;
    let (last, rest) = range_end(rest, decimal_comma)
        .or_else(|| neighbour(first, rest, decimal_comma))
        .unwrap_or((first, rest));
    let (qualifier, rest) = match (qualifier, words::or_more(rest.trim_start())) {
        (Qualifier::None, Some(rest)) if first == last => (Qualifier::AtLeast, rest),
        (qualifier, _) => (qualifier, rest),
    };
    Some(Amount {
        qualifier,
        ends: Some((first, last)),
        rest: rest.trim().to_owned(),
    })
}

/// `between 5 and 10`, `від 5 до 10`: both ends, and the rest.
fn spoken_range(text: &str, decimal_comma: bool) -> Option<((f64, f64), &str)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    words::RANGES.iter().find_map(|(opening, joints)| {
        let (first, rest) = number(text.strip_prefix(opening)?.trim_start(), decimal_comma)?;
        let rest = rest.trim_start();
        let rest = joints.iter().find_map(|joint| rest.strip_prefix(joint))?;
        let (last, rest) = number(rest.trim_start(), decimal_comma)?;
        Some(((first, last), rest))
    })
}

/// `5 or 6`: the second of two neighbouring numbers.
fn neighbour(first: f64, text: &str, decimal_comma: bool) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let rest = words::OR
        .iter()
        .find_map(|joint| text.strip_prefix(joint))?;
    let (second, rest) = number(rest.trim_start(), decimal_comma)?;
    (second == first + 1.0).then_some((second, rest))
}

/// Lower case, with every dash a hyphen and every blank a space.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '’' | 'ʼ' | '`' => '\'',
            _ if c.is_whitespace() => ' ',
            _ => c,
        })
        .collect()
}

fn range_end(text: &str, decimal_comma: bool) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let rest = ["-", "..", "to ", "до ", "à ", "bis ", "do "]
        .iter()
        .find_map(|joint| text.strip_prefix(joint))?;
    number(rest.trim_start(), decimal_comma)
}

/// A number at the front, and the rest. Thousands may be grouped by blanks, apostrophes, and by
/// whichever of point and comma is not the nation's decimal separator.
fn number(text: &str, decimal_comma: bool) -> Option<(f64, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return words::number_word(text);
    }
    let (group, decimal) = if decimal_comma {
        ('.', ',')
    } else {
        (',', '.')
    };
    let mut digits = String::with_capacity(12);
    let mut rest = take_digits(text, &mut digits);
    if digits.is_empty() {
        return None;
    }
    let mut grouped = false;
    // No group begins with a zero: `0.500` is a half.
    while (digits.len() <= 3 || grouped) && !digits.starts_with('0') {
        let separator = rest.chars().next();
        let groups = separator.is_some_and(|c| c == group || c == ' ' || c == '\'');
        let after = rest.get(1..).filter(|_| groups);
        let Some(after) = after.filter(|after| leads_with_three_digits(after)) else {
            break;
        };
        rest = take_digits(after, &mut digits);
        grouped = true;
    }
    // A point that cannot group is a decimal point even where the comma is usual.
    let point = |c: char| c == decimal || (c == '.' && !grouped);
    if let Some(after) = rest.strip_prefix(point)
        && after.starts_with(|c: char| c.is_ascii_digit())
    {
        digits.push('.');
        rest = take_digits(after, &mut digits);
    }
    // What is left of a number that is no number, as in `1,5` for a nation with points.
    let torn = rest
        .strip_prefix([',', '.'])
        .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    let value = digits
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    (!torn).then_some((value, rest))
}

fn take_digits<'t>(text: &'t str, digits: &mut String) -> &'t str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    digits.push_str(taken);
    rest
}

fn leads_with_three_digits(text: &str) -> bool {
    text.bytes().take_while(u8::is_ascii_digit).count() == 3
}

//! Plain numbers inside coordinates.

use std::borrow::Cow;

/// The text with decimal points: a comma between two digits becomes a point where the nation
/// writes a decimal comma and the text has no point itself.
pub(super) fn decimal_points(text: &str, decimal_comma: bool) -> Cow<'_, str> {
    if !decimal_comma || text.contains('.') || !text.contains(',') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let between = before.is_ascii_digit() && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if c == ',' && between { '.' } else { c });
        before = c;
    }
    Cow::Owned(out)
}

/// A number of digits with at most one decimal point; no sign, no exponent, no words.
pub(super) fn parse(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let digit_first = text.bytes().next().is_some_and(|b| b.is_ascii_digit());
    if !(plain && digit_first) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_between_digits_is_a_point_where_the_nation_writes_it_so() {
        for (text, expected) in [
            ("48,01590 37,80290", "48.01590 37.80290"),
            ("48, 37", "48, 37"),
            ("X,5 5,Y", "X,5 5,Y"),
            ("1234 5678", "1234 5678"),
            ("48.5, 37,5", "48.5, 37,5"),
        ] {
            assert_eq!(decimal_points(text, true), expected);
            assert_eq!(decimal_points(text, false), text);
        }
    }
}

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

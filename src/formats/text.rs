//! Text of a payload: bounds, encoding, and lines. Knows no format.

use super::{Fault, PAYLOAD_BYTES_MAX};

/// Most lines of a payload.
pub(super) const LINES_MAX: usize = 500;

/// Longest line, bytes.
pub(super) const LINE_BYTES_MAX: usize = 8 * 1_024;

/// Most characters of a payload that a message repeats.
const QUOTED_CHARS_MAX: usize = 100;

/// The payload as text, if it is within bounds and UTF-8.
pub(super) fn bounded_utf8(content: &[u8]) -> Result<&str, Fault> {
    if content.len() > PAYLOAD_BYTES_MAX {
        return Err(Fault::new(
            "content",
            "formats.too_large",
            format!("{} bytes", content.len()),
            format!("at most {PAYLOAD_BYTES_MAX} bytes"),
        ));
    }
    let text = std::str::from_utf8(content).map_err(|error| {
        Fault::new(
            "content",
            "formats.not_utf8",
            format!("no UTF-8 at byte {}", error.valid_up_to()),
            "text in UTF-8",
        )
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines = text.lines().count();
    if lines > LINES_MAX {
        let expected = format!("at most {LINES_MAX} lines");
        return Err(Fault::new(
            "content",
            "formats.too_many_lines",
            format!("{lines} lines"),
            expected,
        ));
    }
    let long = text.lines().position(|line| line.len() > LINE_BYTES_MAX);
    if let Some(index) = long {
        return Err(Fault::new(
            format!("line {}", index + 1),
            "formats.line_too_long",
            "the line is too long",
            format!("at most {LINE_BYTES_MAX} bytes"),
        ));
    }
    if text.trim().is_empty() {
        return Err(Fault::new(
            "content",
            "formats.empty",
            "nothing in it",
            "a report",
        ));
    }
    Ok(text)
}

/// A text for a message: bounded, control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(QUOTED_CHARS_MAX) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}

/// A label at the front of a text, in front of a colon: letters and blanks only, so that
/// `20:30` has none. The label in lower case, and the rest.
pub(super) fn label(text: &str) -> Option<(String, &str)> {
    const LABEL_CHARS_MAX: usize = 40;
    let (label, rest) = text.split_once(':')?;
    let label = label.trim();
    let is_label = (1..=LABEL_CHARS_MAX).contains(&label.chars().count())
        && label
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, ' ' | '\'' | '’' | '/'));
    is_label.then(|| (label.to_lowercase(), rest.trim()))
}

/// Whether a text is an Admiralty code such as `B2`.
pub(super) fn admiralty(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let (source, credibility) = text.split_at_checked(1)?;
    let credibility = credibility.trim_start_matches(['-', '/', ' ']);
    let is_code = source.bytes().all(|b| b.is_ascii_alphabetic())
        && credibility.len() == 1
        && credibility.bytes().all(|b| b.is_ascii_digit());
    is_code.then_some((source, credibility))
}

/// The parts of a list such as `saw, heard`.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '+'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

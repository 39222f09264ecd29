//! Text of a payload: bounds, encoding, and lines. Knows no format.

use super::{Fault, PAYLOAD_BYTES_MAX};

/// Most lines of a payload.
pub(super) const LINES_MAX: usize = 500;

/// Longest line, bytes.
pub(super) const LINE_BYTES_MAX: usize = 8 * 1_024;

/// Most characters of a payload that a message repeats.
const QUOTED_CHARS_MAX: usize = 100;

/// Whether the payload is within the bound on bytes, and not empty.
pub(super) fn bounded(content: &[u8]) -> Result<(), Fault> {
    if content.len() > PAYLOAD_BYTES_MAX {
        return Err(Fault::new(
            "content",
            "formats.too_large",
            format!("{} bytes", content.len()),
            format!("at most {PAYLOAD_BYTES_MAX} bytes"),
        ));
    }
    if content.trim_ascii().is_empty() {
        return Err(Fault::new(
            "content",
            "formats.empty",
            "nothing in it",
            "a report",
        ));
    }
    Ok(())
}

/// Most characters of what a library says that a message repeats.
const SAID_CHARS_MAX: usize = 300;

/// The payload as text without a byte order mark, if it is within bounds and UTF-8.
pub(super) fn utf8(content: &[u8]) -> Result<&str, Fault> {
    bounded(content)?;
    decoded(content)
}

/// The same, without a bound on bytes.
pub(super) fn decoded(content: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let utf16 = content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]);
        let message = if utf16 {
            "UTF-16, by its byte order mark".to_owned()
        } else {
            format!("no UTF-8 at byte {}", error.valid_up_to())
        };
        Fault::new("content", "formats.not_utf8", message, "text in UTF-8")
    })?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// The payload as text of few and short lines, if it is within bounds and UTF-8.
pub(super) fn lines(content: &[u8]) -> Result<&str, Fault> {
    let text = utf8(content)?;
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

/// Where a byte of a text stands, for people.
pub(super) fn line_and_column(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

/// A text for a message: bounded, control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text, QUOTED_CHARS_MAX))
}

/// What a library says of a payload, which may repeat as much of it as it likes: bounded,
/// control characters escaped.
pub(super) fn said(error: &dyn std::fmt::Display) -> String {
    shown(&error.to_string(), SAID_CHARS_MAX)
}

/// A name as part of a place: bounded, control characters escaped.
pub(super) fn named(text: &str) -> String {
    shown(text, QUOTED_CHARS_MAX)
}

fn shown(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max));
    for c in text.chars().take(chars_max) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
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

/// Whether a line only says that all of it is an exercise, as signallers repeat it:
/// `EXERCISE EXERCISE EXERCISE`, `НАВЧАННЯ – НАВЧАННЯ`.
pub(super) fn exercise(line: &str) -> bool {
    const WORDS: [&str; 6] = [
        "exercise",
        "exercice",
        "übung",
        "ćwiczenie",
        "навчання",
        "учение",
    ];
    let mut words = line
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some() && words.all(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

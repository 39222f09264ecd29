//! Native payloads to reports: one reader for each media type. A reader only takes a form
//! apart; it knows no nation, no vocabulary and no reference system, and judges no value.
//! Names, environment and marking are the envelope's, except where a form has its own.
//! Hard bounds hold before anything is read.

mod sk42;
mod spotrep;
mod text;

use crate::report::Report;

/// Largest native payload, bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// Most faults of one payload that are told.
const FAULTS_MAX: usize = 100;

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `media_type`, `content`, or a line of the content.
    pub place: String,
    /// Stable id of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What was expected.
    pub expected: String,
}

impl Fault {
    fn new(
        place: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            rule,
            message: message.into(),
            expected: expected.into(),
        }
    }
}

/// Reads a text that is within bounds.
type Reader = fn(&str) -> Result<Report, Vec<Fault>>;

/// Every format: its media type, and its reader.
const READERS: &[(&str, Reader)] = &[
    ("text/x-sk42-report", sk42::read),
    ("text/x-spotrep", spotrep::read),
];

/// The media types that can be read, sorted.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    READERS.iter().map(|(media_type, _)| *media_type)
}

/// Reads a native payload. What the format does not say is left empty.
///
/// # Errors
/// Every fault that was found, at most 100.
pub fn read(media_type: &str, content: &[u8]) -> Result<Report, Vec<Fault>> {
    let reader = reader(media_type).map_err(|fault| vec![fault])?;
    let text = text::bounded_utf8(content).map_err(|fault| vec![fault])?;
    reader(text).map_err(|mut faults| {
        faults.truncate(FAULTS_MAX);
        faults
    })
}

fn reader(media_type: &str) -> Result<Reader, Fault> {
    let mut parts = media_type.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let Some((_, reader)) = READERS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = media_types().collect();
        return Err(Fault::new(
            "media_type",
            "formats.media_type",
            format!("{} cannot be read", text::quoted(media_type)),
            format!("one of {}", known.join(", ")),
        ));
    };
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        let parameter = parameter.to_ascii_lowercase().replace('"', "");
        if parameter != "charset=utf-8" {
            return Err(Fault::new(
                "media_type",
                "formats.media_type_parameter",
                format!("{} is not understood", text::quoted(&parameter)),
                "no parameter, or charset=utf-8",
            ));
        }
    }
    Ok(*reader)
}

#[cfg(test)]
mod tests;

//! Native payloads to reports: one reader for each media type. A reader only takes a form
//! apart; it knows no nation, no vocabulary and no reference system, and judges no value.
//! Names, environment and marking are the envelope's, except where a form has its own.
//! Hard bounds hold before anything is read. `docs/FORMATS.md` says what is read from what.

mod cot;

mod geojson;
mod json;
mod label;
mod osce;
mod sitrep;
mod sk42;
mod split;
mod spotrep;
mod tak;
mod text;
mod xml;

use crate::report::Report;

pub use cot::write::{CotEvent, cot_delete, cot_ping, cot_pong_marks, cot_type};
pub use split::{FILE_BYTES_MAX, Part, split};

/// Largest native payload, bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// Most faults of one payload that are told.
const FAULTS_MAX: usize = 100;

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `media_type`, `content`, or a line, row or element of the content.
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

/// What a reader takes; each is within the bound on bytes.
#[derive(Clone, Copy)]
enum Reader {
    /// Text in UTF-8, within bounds on lines too.
    Lines(fn(&str) -> Result<Report, Vec<Fault>>),
    /// Text in UTF-8 with bounds of its own.
    Text(fn(&str) -> Result<Report, Vec<Fault>>),
    /// Bytes that are no text.
    Bytes(fn(&[u8]) -> Result<Report, Vec<Fault>>),
}

/// A media type.
struct Format {
    media_type: &'static str,
    reader: Reader,
    /// Where one file holds many reports.
    splitter: Option<split::Splitter>,
}

/// Every format, by media type.
const FORMATS: &[Format] = &[
    Format {
        media_type: "application/geo+json",
        reader: Reader::Text(geojson::read),
        splitter: Some(geojson::split),
    },
    Format {
        media_type: "application/x-cot+xml",
        reader: Reader::Text(cot::read),
        splitter: Some(cot::split),
    },
    Format {
        media_type: "application/x-edxl-sitrep+xml",
        reader: Reader::Text(sitrep::read),
        splitter: None,
    },
    Format {
        media_type: "application/x-tak-protobuf",
        reader: Reader::Bytes(tak::read),
        splitter: Some(tak::split),
    },
    Format {
        media_type: "text/x-osce-csv",
        reader: Reader::Lines(osce::read),
        splitter: Some(osce::split),
    },
    Format {
        media_type: "text/x-sk42-report",
        reader: Reader::Lines(sk42::read),
        splitter: None,
    },
    Format {
        media_type: "text/x-spotrep",
        reader: Reader::Lines(spotrep::read),
        splitter: None,
    },
];

/// The media types that can be read, sorted.
pub fn media_types() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.media_type)
}

/// Reads a native payload, which holds one report. What the format does not say is left empty.
///
/// # Errors
/// Every fault that was found, at most 100.
pub fn read(media_type: &str, content: &[u8]) -> Result<Report, Vec<Fault>> {
    let format = format(media_type).map_err(|fault| vec![fault])?;
    let checked = |check: fn(&[u8]) -> Result<&str, Fault>| match check(content) {
        Ok(text) => Ok(text),
        Err(fault) => Err(vec![fault]),
    };
    let outcome = match format.reader {
        Reader::Lines(read) => checked(text::lines).and_then(read),
        Reader::Text(read) => checked(text::utf8).and_then(read),
        Reader::Bytes(read) => match text::bounded(content) {
            Ok(()) => read(content),
            Err(fault) => Err(vec![fault]),
        },
    };
    outcome.map_err(|mut faults| {
        faults.truncate(FAULTS_MAX);
        faults
    })
}

fn format(media_type: &str) -> Result<&'static Format, Fault> {
    let mut parts = media_type.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let known = FORMATS
        .iter()
        .find(|format| format.media_type.eq_ignore_ascii_case(name));
    let Some(format) = known else {
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
    Ok(format)
}

#[cfg(test)]
mod tests;

//! Files that hold many reports, to payloads of one report each: what a command line does
//! before it sends anything. A payload on the wire is always one report.

use super::text::{decoded, quoted};
use super::{FAULTS_MAX, Fault, format};
use std::borrow::Cow;

/// Most bytes of a file that is split.
pub const FILE_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Most reports of one file.
const PARTS_MAX: usize = 1_000_000;

/// Splits a file that is within bounds.
pub(super) type Splitter = fn(&[u8]) -> Result<Vec<Part<'_>>, Vec<Fault>>;

/// One report's payload out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'c> {
    /// Its number in the file, from 1; `None` where a file is one report.
    pub number: Option<usize>,
    /// Where in the file it stands, for people; empty where a file is one report.
    pub place: String,
    /// The payload.
    pub content: Cow<'c, [u8]>,
}

/// Splits a file into payloads of one report each, in their order.
///
/// # Errors
/// Every fault of the file as a whole, at most 100; a fault of one report is found when that
/// report is read.
pub fn split<'c>(media_type: &str, content: &'c [u8]) -> Result<Vec<Part<'c>>, Vec<Fault>> {
    let format = format(media_type).map_err(|fault| vec![fault])?;
    if content.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes", content.len());
        let expected = format!("a file of at most {FILE_BYTES_MAX} bytes");
        return Err(vec![Fault::new(
            "content",
            "formats.too_large",
            message,
            expected,
        )]);
    }
    let Some(splitter) = format.splitter else {
        return Ok(vec![Part {
            number: None,
            place: String::new(),
            content: Cow::Borrowed(content),
        }]);
    };
    let parts = splitter(content).map_err(|mut faults| {
        faults.truncate(FAULTS_MAX);
        faults
    })?;
    if parts.len() > PARTS_MAX {
        let message = format!("{} reports in one file", parts.len());
        let expected = format!("at most {PARTS_MAX}");
        return Err(vec![Fault::new(
            "content",
            "formats.too_many_reports",
            message,
            expected,
        )]);
    }
    Ok(parts)
}

/// Part `number`, from 1.
pub(super) fn part<'c>(
    number: usize,
    place: impl Into<String>,
    content: impl Into<Cow<'c, [u8]>>,
) -> Part<'c> {
    Part {
        number: Some(number),
        place: place.into(),
        content: content.into(),
    }
}

/// XML documents one behind the other, each of which ends with `end`. What stands behind the
/// last is a part too, so that its reader says what is wrong with it.
pub(super) fn documents<'c>(
    content: &'c [u8],
    name: &str,
    end: &[u8],
) -> Result<Vec<Part<'c>>, Vec<Fault>> {
    let text = decoded(content).map_err(|fault| vec![fault])?;
    let mut rest = text.as_bytes();
    let mut parts = Vec::new();
    while !rest.trim_ascii().is_empty() {
        let at = rest.windows(end.len()).position(|window| window == end);
        let (one, behind) = rest.split_at(at.map_or(rest.len(), |at| at + end.len()));
        let number = parts.len() + 1;
        parts.push(part(number, format!("{name} {number}"), one.trim_ascii()));
        rest = behind;
    }
    if parts.is_empty() {
        let message = format!("no {}", quoted(name));
        let fault = Fault::new("content", "formats.empty", message, "at least one");
        return Err(vec![fault]);
    }
    Ok(parts)
}

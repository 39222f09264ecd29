//! A line of NDJSON as a serialised report, or what is wrong with it as JSON.

use super::lines::{Content, LINE_BYTES_MAX};
use crate::normalise::{Violation, Violations};
use crate::wire::json::{self, Faulty};
use bytes::Bytes;

/// The report that stands on a line.
pub(super) fn report(content: &Content) -> Result<Bytes, Faulty> {
    match content {
        Content::Text(line) => json::report_from_json(line),
        Content::TooLong => {
            let mut violations = Violations::default();
            violations.push(Violation {
                field: "".into(),
                rule: "json.too_long",
                message: format!("the line has more than {LINE_BYTES_MAX} bytes").into(),
                expected: "one report on each line (NDJSON)".into(),
            });
            Err(violations.into())
        }
    }
}

//! Protobuf's JSON mapping, over the embedded descriptor set: lines of NDJSON to serialised
//! reports, and messages to JSON for machines.
//!
//! The library decides what is right; when it refuses a line, `explain` walks the line once
//! more to find everything that is wrong with it, because a partner wants to mend all at once.
//! Field names are taken as `reportId` and as `report_id`; JSON is written with `reportId`,
//! enumerations by name, 64-bit numbers as text, and without fields at their default.

mod explain;
mod faulty;
mod near;
#[cfg(test)]
mod tests;

pub use faulty::Faulty;

use super::CONTRACT;
use crate::normalise::{Violation, Violations};
use crate::record::Text;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::LazyLock;
use thiserror::Error;

/// Full name of what national systems send.
const REPORT: &str = "entente.v1.Report";
/// Full name of what the feed carries.
pub const RECORD: &str = "entente.v1.Record";
/// Full name of what becomes of a report.
pub const OUTCOME: &str = "entente.v1.Outcome";
/// Full name of a record with its place in the feed.
pub const FEED_ENTRY: &str = "entente.v1.FeedEntry";

const SYNTAX: &str = "json.syntax";
const NOT_UTF8: &str = "json.not_utf8";
const UNKNOWN_FIELD: &str = "json.unknown_field";
const WRONG_TYPE: &str = "json.wrong_type";
const UNKNOWN_CODE: &str = "json.unknown_code";
const TWO_OF_ONE: &str = "json.two_of_one";

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(CONTRACT).expect("build.rs wrote a valid contract"));

/// Why bytes cannot be shown as JSON. Both are faults of whoever made the bytes or the call.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    /// The contract has no such message.
    #[error("the contract has no message `{0}`")]
    NoSuchMessage(String),
    /// The bytes are another message, or damaged.
    #[error("not readable as {name}: {cause}")]
    Unreadable {
        /// Full name of the message.
        name: String,
        /// What protobuf, or the mapping, says.
        cause: String,
    },
}

/// A serialised `Report` of a line of NDJSON.
///
/// # Errors
/// Everything that is wrong with the line as JSON of a report, and the rest of it; whether
/// that, or the report, is any good is for `normalise` to say.
pub fn report_from_json(line: &[u8]) -> Result<Bytes, Faulty> {
    let text = std::str::from_utf8(line).map_err(|error| {
        one(
            NOT_UTF8,
            format!("byte {} is not UTF-8", error.valid_up_to() + 1),
            "JSON in UTF-8",
        )
    })?;
    let descriptor = descriptor(REPORT).map_err(|error| {
        // Cannot happen: the contract has it.
        one(SYNTAX, error.to_string(), "a word to the operators")
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = DynamicMessage::deserialize(descriptor.clone(), &mut reader);
    match parsed.and_then(|message| reader.end().map(|()| message)) {
        Ok(message) => Ok(message.encode_to_vec().into()),
        Err(error) => Err(explain::faulty(&descriptor, text, &error)),
    }
}

/// A serialised record as JSON, without its trace, and the trace by itself.
///
/// # Errors
/// The bytes are no record.
pub fn record_and_trace(record: &[u8]) -> Result<(Box<RawValue>, Box<RawValue>), JsonError> {
    let mut message = decoded(RECORD, record)?;
    let trace = match message.take_field_by_name("trace") {
        Some(Value::List(entries)) => entries,
        _ => Vec::new(),
    };
    let trace: Vec<_> = trace.iter().filter_map(Value::as_message).collect();
    Ok((raw(RECORD, &message)?, raw(RECORD, &trace)?))
}

/// A serialised message as JSON, by the message's full name.
///
/// # Errors
/// No such message, or the bytes are another one.
pub fn to_json(full_name: &str, bytes: &[u8]) -> Result<Box<RawValue>, JsonError> {
    raw(full_name, &decoded(full_name, bytes)?)
}

fn descriptor(name: &str) -> Result<MessageDescriptor, JsonError> {
    POOL.get_message_by_name(name)
        .ok_or_else(|| JsonError::NoSuchMessage(name.to_owned()))
}

fn decoded(name: &str, bytes: &[u8]) -> Result<DynamicMessage, JsonError> {
    DynamicMessage::decode(descriptor(name)?, bytes).map_err(|error| unreadable(name, &error))
}

fn raw(name: &str, message: &impl Serialize) -> Result<Box<RawValue>, JsonError> {
    to_raw_value(message).map_err(|error| unreadable(name, &error))
}

fn unreadable(name: &str, cause: &dyn std::error::Error) -> JsonError {
    JsonError::Unreadable {
        name: name.to_owned(),
        cause: cause.to_string(),
    }
}

/// One reason about the line as a whole.
fn one(rule: &'static str, message: impl Into<Text>, expected: impl Into<Text>) -> Violations {
    let mut violations = Violations::default();
    violations.push(Violation {
        field: "".into(),
        rule,
        message: message.into(),
        expected: expected.into(),
    });
    violations
}

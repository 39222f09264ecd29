//! Finds everything that is wrong with a line that the JSON mapping refused: which field, what
//! stands there, what was expected. Runs only for refused lines, so it may take its time.
//! Whether a value fits a field is asked of the library itself, field by field, so that this
//! walk and the library cannot disagree.
//!
//! On its way it keeps what is right, so that the rest of the line can be judged too: a list
//! keeps its length, that later items keep their index.

use super::faulty::{Doubt, Faulty};
use super::near::{code_meant, listed, nearest};
use super::{SYNTAX, TWO_OF_ONE, UNKNOWN_CODE, UNKNOWN_FIELD, WRONG_TYPE, one};
use crate::normalise::{Violation, Violations};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Most characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// Everything that is wrong with `text`, which the library refused with `error`, and what is
/// right about it.
pub(super) fn faulty(
    descriptor: &MessageDescriptor,
    text: &str,
    error: &serde_json::Error,
) -> Faulty {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(syntax) => return no_json(&syntax).into(),
    };
    let mut walk = Walk::default();
    let kept = walk.message(descriptor, &value);
    if walk.found.list.is_empty() {
        // The walk missed it; what the library said is better than nothing.
        return one(
            WRONG_TYPE,
            place_last(error),
            "protobuf's JSON mapping of entente.v1.Report",
        )
        .into();
    }
    let rest = kept.and_then(|kept| DynamicMessage::deserialize(descriptor.clone(), kept).ok());
    Faulty {
        violations: walk.found,
        rest: rest.map(|message| message.encode_to_vec().into()),
        doubts: walk.doubts,
    }
}

fn no_json(error: &serde_json::Error) -> Violations {
    let expected = if error.is_eof() {
        "one whole JSON object on one line (NDJSON: a line for each report)"
    } else {
        "a JSON object on one line (NDJSON)"
    };
    one(
        SYNTAX,
        format!("the line is no JSON: {}", place_last(error)),
        expected,
    )
}

/// The error with its column; its line is always the first.
fn place_last(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

#[derive(Default)]
struct Walk {
    path: String,
    /// Length of the path of the outermost message around that is one value with its `text`.
    value: Option<usize>,
    found: Violations,
    doubts: Vec<Doubt>,
}

impl Walk {
    /// Says what is wrong at the present path. `meant`: the field beside it that it was for.
    fn violate(&mut self, rule: &'static str, message: String, expected: String) {
        self.violate_meant(rule, message, expected, None);
    }

    fn violate_meant(
        &mut self,
        rule: &'static str,
        message: String,
        expected: String,
        meant: Option<String>,
    ) {
        // The parts of one value stand and fall together: a point without its datum is no
        // point, and what the normaliser would say of it would mislead.
        let length = self.value.unwrap_or(self.path.len());
        if let Some(path) = self.path.get(..length) {
            self.doubts.push(Doubt::at(path));
        }
        if let (None, Some(meant)) = (self.value, meant) {
            self.doubts.push(Doubt::at(&meant));
        }
        self.found.push(Violation {
            field: self.path.clone().into(),
            rule,
            message: message.into(),
            expected: expected.into(),
        });
    }

    /// Walks on below the present path.
    fn below<T>(&mut self, part: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path = joined(&self.path, part);
        let outcome = inner(self);
        self.path.truncate(length);
        outcome
    }

    /// What is right of a message; `None`: it is none.
    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value) -> Option<Value> {
        let Value::Object(object) = value else {
            self.violate(
                WRONG_TYPE,
                format!("{} is no object", shown(value)),
                object_expected(descriptor, value),
            );
            return None;
        };
        let around = self.value;
        if around.is_none() && has_text(descriptor) {
            self.value = Some(self.path.len());
        }
        let kept = self.fields(descriptor, object);
        self.value = around;
        Some(Value::Object(kept))
    }

    fn fields(
        &mut self,
        descriptor: &MessageDescriptor,
        object: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut kept = Map::new();
        let mut chosen: HashMap<String, String> = HashMap::new();
        for (key, value) in object {
            let field = descriptor
                .get_field_by_json_name(key)
                .or_else(|| descriptor.get_field_by_name(key));
            let Some(field) = field else {
                self.unknown(descriptor, key);
                continue;
            };
            if value.is_null() {
                continue;
            }
            let mut one_too_many = false;
            if let Some(group) = field.containing_oneof() {
                let name = field.json_name().to_owned();
                if let Some(other) = chosen.insert(group.full_name().to_owned(), name) {
                    self.two_of_one(&field, &other);
                    one_too_many = true;
                }
            }
            let right = self.below(field.name(), |walk| walk.field(descriptor, &field, value));
            if let (Some(right), false) = (right, one_too_many) {
                kept.insert(key.clone(), right);
            }
        }
        kept
    }

    fn unknown(&mut self, descriptor: &MessageDescriptor, key: &str) {
        let names: Vec<String> = descriptor
            .fields()
            .map(|field| field.json_name().to_owned())
            .collect();
        let near = nearest(key, &names);
        let meant = near
            .and_then(|name| descriptor.get_field_by_json_name(name))
            .map(|field| joined(&self.path, field.name()));
        let near = near
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        let message = format!("{} has no field `{}`", descriptor.name(), clipped(key));
        let expected = format!("{near}the fields are {}", listed(&names));
        self.below(&clipped(key), |walk| {
            walk.violate_meant(UNKNOWN_FIELD, message, expected, meant);
        });
    }

    fn two_of_one(&mut self, field: &FieldDescriptor, other: &str) {
        let message = format!("both `{other}` and `{}` are given", field.json_name());
        self.below(field.name(), |walk| {
            walk.violate(TWO_OF_ONE, message, "one of them".to_owned());
        });
    }

    fn field(
        &mut self,
        parent: &MessageDescriptor,
        field: &FieldDescriptor,
        value: &Value,
    ) -> Option<Value> {
        if !field.is_list() {
            return self.single(parent, field, value, value);
        }
        let Value::Array(items) = value else {
            self.violate(
                WRONG_TYPE,
                format!("{} is no list", shown(value)),
                "a list: [...]".to_owned(),
            );
            return None;
        };
        let mut kept = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let alone = Value::Array(vec![item.clone()]);
            let right = self.below(&format!("[{index}]"), |walk| {
                walk.single(parent, field, item, &alone)
            });
            kept.push(right.or_else(|| empty(&field.kind()))?);
        }
        Some(Value::Array(kept))
    }

    /// One value; `whole` is what the library is asked about.
    fn single(
        &mut self,
        parent: &MessageDescriptor,
        field: &FieldDescriptor,
        value: &Value,
        whole: &Value,
    ) -> Option<Value> {
        match field.kind() {
            Kind::Message(descriptor) if !is_well_known(&descriptor) => {
                self.message(&descriptor, value)
            }
            kind => {
                if fits(parent, field, whole) {
                    return Some(value.clone());
                }
                self.misfit(&kind, value);
                None
            }
        }
    }

    fn misfit(&mut self, kind: &Kind, value: &Value) {
        match (kind, value) {
            (Kind::Enum(codes), Value::String(text)) => {
                let names: Vec<String> = codes.values().map(|v| v.name().to_owned()).collect();
                let near = code_meant(codes, text, &names)
                    .map(|name| format!("did you mean `{name}`? "))
                    .unwrap_or_default();
                // UNSPECIFIED is absence; nobody should be told to write it.
                let offered: Vec<String> = names.into_iter().skip(1).collect();
                self.violate(
                    UNKNOWN_CODE,
                    format!("{} has no value {}", codes.name(), shown(value)),
                    format!("{near}the values are {}", listed(&offered)),
                );
            }
            _ => self.violate(
                WRONG_TYPE,
                format!("{} does not fit", shown(value)),
                scalar_expected(kind),
            ),
        }
    }
}

/// `part` below `path`.
fn joined(path: &str, part: &str) -> String {
    if path.is_empty() || part.starts_with('[') {
        format!("{path}{part}")
    } else {
        format!("{path}.{part}")
    }
}

/// What stands in the place of a wrong item of a list; `None`: there is nothing empty of it.
fn empty(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Message(descriptor) if !is_well_known(descriptor) => Some(Value::Object(Map::new())),
        Kind::String => Some(Value::String(String::new())),
        _ => None,
    }
}

/// Whether the message is one value in a notation of its sender, with what belongs to it.
fn has_text(descriptor: &MessageDescriptor) -> bool {
    descriptor
        .get_field_by_name("text")
        .is_some_and(|field| matches!(field.kind(), Kind::String))
}

fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.package_name() == "google.protobuf"
}

/// Asks the library about this one field.
fn fits(parent: &MessageDescriptor, field: &FieldDescriptor, value: &Value) -> bool {
    let mut object = Map::new();
    object.insert(field.json_name().to_owned(), value.clone());
    DynamicMessage::deserialize(parent.clone(), Value::Object(object)).is_ok()
}

fn object_expected(descriptor: &MessageDescriptor, value: &Value) -> String {
    let names: Vec<String> = descriptor
        .fields()
        .map(|field| field.json_name().to_owned())
        .collect();
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match text {
        Some(text) if has_text(descriptor) => {
            let example = Value::String(clipped(&text));
            format!(
                "an object, for example {{\"text\":{example}}}; its fields are {}",
                listed(&names)
            )
        }
        _ => format!("an object; its fields are {}", listed(&names)),
    }
}

fn scalar_expected(kind: &Kind) -> String {
    match kind {
        Kind::Double | Kind::Float => "a number, for example 48.0159".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            format!("a whole number from {} to {}", i32::MIN, i32::MAX)
        }
        Kind::Uint32 | Kind::Fixed32 => format!("a whole number from 0 to {}", u32::MAX),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            format!("a whole number from {} to {}", i64::MIN, i64::MAX)
        }
        Kind::Uint64 | Kind::Fixed64 => format!("a whole number from 0 to {}", u64::MAX),
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "text in quotation marks".to_owned(),
        Kind::Bytes => "bytes in base64, in quotation marks".to_owned(),
        Kind::Message(descriptor) if descriptor.name() == "Timestamp" => {
            "a time by RFC 3339 with its zone, for example \"2026-01-06T18:30:00Z\"".to_owned()
        }
        Kind::Message(descriptor) => format!("protobuf's JSON form of {}", descriptor.full_name()),
        Kind::Enum(codes) => {
            let names: Vec<String> = codes
                .values()
                .skip(1)
                .map(|v| v.name().to_owned())
                .collect();
            format!("one of {}", listed(&names))
        }
    }
}

/// A value as it stands in the line, clipped.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        plain => format!("`{}`", clipped(&plain.to_string())),
    }
}

fn clipped(text: &str) -> String {
    let mut out: String = text
        .chars()
        .flat_map(|c| {
            // What a terminal would act upon must not come through.
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .take(SHOWN_CHARS_MAX + 1)
        .collect();
    if let Some((end, _)) = out.char_indices().nth(SHOWN_CHARS_MAX) {
        out.truncate(end);
        out.push('…');
    }
    out
}

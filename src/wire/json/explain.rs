//! Finds everything that is wrong with a line that the JSON mapping refused: which field, what
//! stands there, what was expected. Runs only for refused lines, so it may take its time.
//! Whether a value fits a field is asked of the library itself, field by field, so that this
//! walk and the library cannot disagree.

use super::{SYNTAX, TWO_OF_ONE, UNKNOWN_CODE, UNKNOWN_FIELD, WRONG_TYPE, one};
use crate::normalise::{Violation, Violations};
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Most characters of a value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;
/// Most names that a message lists.
const NAMES_MAX: usize = 40;

/// Everything that is wrong with `text`, which the library refused with `error`.
pub(super) fn violations(
    descriptor: &MessageDescriptor,
    text: &str,
    error: &serde_json::Error,
) -> Violations {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(syntax) => return no_json(&syntax),
    };
    let mut walk = Walk::default();
    walk.message(descriptor, &value);
    if walk.found.list.is_empty() {
        // The walk missed it; what the library said is better than nothing.
        return one(
            WRONG_TYPE,
            place_last(error),
            "protobuf's JSON mapping of entente.v1.Report",
        );
    }
    walk.found
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
    found: Violations,
}

impl Walk {
    fn violate(&mut self, rule: &'static str, message: String, expected: String) {
        self.found.push(Violation {
            field: self.path.clone().into(),
            rule,
            message: message.into(),
            expected: expected.into(),
        });
    }

    /// Walks on below the present path.
    fn below(&mut self, part: &str, inner: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 && !part.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(part);
        inner(self);
        self.path.truncate(length);
    }

    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value) {
        let Value::Object(object) = value else {
            self.violate(
                WRONG_TYPE,
                format!("{} is no object", shown(value)),
                object_expected(descriptor, value),
            );
            return;
        };
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
            if let Some(group) = field.containing_oneof() {
                let name = field.json_name().to_owned();
                if let Some(other) = chosen.insert(group.full_name().to_owned(), name) {
                    self.two_of_one(&field, &other);
                }
            }
            self.below(field.name(), |walk| walk.field(descriptor, &field, value));
        }
    }

    fn unknown(&mut self, descriptor: &MessageDescriptor, key: &str) {
        let names: Vec<String> = descriptor
            .fields()
            .map(|field| field.json_name().to_owned())
            .collect();
        let near = nearest(key, &names)
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        let message = format!("{} has no field `{}`", descriptor.name(), clipped(key));
        let expected = format!("{near}the fields are {}", listed(&names));
        self.below(&clipped(key), |walk| {
            walk.violate(UNKNOWN_FIELD, message, expected)
        });
    }

    fn two_of_one(&mut self, field: &FieldDescriptor, other: &str) {
        let message = format!("both `{other}` and `{}` are given", field.json_name());
        self.below(field.name(), |walk| {
            walk.violate(TWO_OF_ONE, message, "one of them".to_owned());
        });
    }

    fn field(&mut self, parent: &MessageDescriptor, field: &FieldDescriptor, value: &Value) {
        if !field.is_list() {
            return self.single(parent, field, value, value);
        }
        let Value::Array(items) = value else {
            self.violate(
                WRONG_TYPE,
                format!("{} is no list", shown(value)),
                "a list: [...]".to_owned(),
            );
            return;
        };
        for (index, item) in items.iter().enumerate() {
            let alone = Value::Array(vec![item.clone()]);
            self.below(&format!("[{index}]"), |walk| {
                walk.single(parent, field, item, &alone);
            });
        }
    }

    /// One value; `whole` is what the library is asked about.
    fn single(
        &mut self,
        parent: &MessageDescriptor,
        field: &FieldDescriptor,
        value: &Value,
        whole: &Value,
    ) {
        match field.kind() {
            Kind::Message(descriptor) if !is_well_known(&descriptor) => {
                self.message(&descriptor, value);
            }
            kind => {
                if !fits(parent, field, whole) {
                    self.misfit(&kind, value);
                }
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
    let with_text = descriptor
        .get_field_by_name("text")
        .is_some_and(|field| matches!(field.kind(), Kind::String));
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match text {
        Some(text) if with_text => {
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

fn listed(names: &[String]) -> String {
    let mut out = names
        .iter()
        .take(NAMES_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMES_MAX {
        out.push_str(", …");
    }
    out
}

/// The value that was meant by `explosion`, `EXPLOSION` or `OBSERVATION_TYPE_EXPLOSIONS`.
fn code_meant<'a>(codes: &EnumDescriptor, text: &str, names: &'a [String]) -> Option<&'a String> {
    let wanted = text.trim().to_uppercase().replace([' ', '-'], "_");
    let prefix = names
        .first()
        .and_then(|name| name.strip_suffix("UNSPECIFIED"))
        .unwrap_or_else(|| codes.name());
    let bare = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    names
        .iter()
        .find(|name| bare(name).is_some_and(|bare| bare == wanted))
        .or_else(|| nearest(&wanted, names))
        .or_else(|| nearest(&format!("{prefix}{wanted}"), names))
}

/// The name that is nearest to a misspelt one, if any is near.
fn nearest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(wanted);
    if wanted.chars().count() > 2 * SHOWN_CHARS_MAX {
        return None;
    }
    names
        .iter()
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(distance, name)| *distance <= name.chars().count() / 4 + 1)
        .filter(|(distance, _)| *distance < wanted.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != *to);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

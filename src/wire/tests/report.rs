//! Every field of a report is decoded, into the field of the same name.

use super::message;
use crate::wire::decode_report;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// What the decoded report must show: field and value, as `Debug` writes them.
#[derive(Default)]
struct Filled {
    shown: Vec<(String, String)>,
    next: i32,
}

impl Filled {
    fn message(&mut self, descriptor: &MessageDescriptor, body: &str) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            let other_body = field
                .containing_oneof()
                .is_some_and(|oneof| oneof.name() == "body" && field.name() != body);
            if other_body {
                continue;
            }
            let value = self.value(&field, body);
            let value = if field.is_list() {
                Value::List(vec![value])
            } else {
                value
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, field: &FieldDescriptor, body: &str) -> Value {
        self.next += 1;
        let number = self.next;
        let plain = u32::try_from(number).unwrap();
        let (value, shown) = match field.kind() {
            Kind::String => {
                let text = format!("text{number}");
                (Value::String(text.clone()), format!("{text:?}"))
            }
            Kind::Uint32 => (Value::U32(plain), number.to_string()),
            Kind::Enum(_) => (Value::EnumNumber(number), number.to_string()),
            Kind::Double => {
                let value = f64::from(number) + 0.5;
                (Value::F64(value), format!("{value:?}"))
            }
            Kind::Bool => (Value::Bool(true), "true".to_owned()),
            Kind::Bytes => {
                let byte = u8::try_from(number % 256).unwrap();
                (Value::Bytes(vec![byte].into()), format!("[{byte}]"))
            }
            Kind::Message(time) if time.name() == "Timestamp" => {
                let mut message = DynamicMessage::new(time);
                message.set_field_by_name("seconds", Value::I64(number.into()));
                message.set_field_by_name("nanos", Value::I32(number));
                let shown = format!("WireTime {{ seconds: {number}, nanos: {number} }}");
                (Value::Message(message), shown)
            }
            Kind::Message(inner) => return Value::Message(self.message(&inner, body)),
            kind => panic!("{kind:?}: say here how it is filled"),
        };
        self.shown.push((field.name().to_owned(), shown));
        value
    }
}

#[test]
fn no_field_of_a_report_is_forgotten() {
    for body in ["sighting", "contribution"] {
        let mut filled = Filled {
            next: 1_000,
            ..Filled::default()
        };
        let message = filled.message(&message("Report"), body);
        let report = decode_report(&message.encode_to_vec()).unwrap();
        // Optional and required look alike then.
        let shown = format!("{report:?}").replace("Some(", "").replace(')', "");
        assert!(filled.shown.len() > 40);
        for (name, value) in &filled.shown {
            let name = if name == "type" { "kind" } else { name };
            let single = format!("{name}: {value}");
            let listed = format!("{name}: [{value}]");
            assert!(
                shown.contains(&single) || shown.contains(&listed),
                "{single} is not in {shown}"
            );
        }
    }
}

#[test]
fn garbage_is_one_violation_that_repeats_none_of_it() {
    for garbage in [
        &b"\xff\xff\xff\xff"[..],
        b"SECRET-PLACE",
        &[0x0a, 0x7f, b'S'],
    ] {
        let violations = decode_report(garbage).unwrap_err();
        assert_eq!(violations.list.len(), 1);
        assert_eq!(violations.list[0].rule, "wire.unparsable");
        assert!(!violations.list[0].message.contains("SECRET"));
    }
}

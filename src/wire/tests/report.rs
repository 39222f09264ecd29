//! Every field of a report is decoded, into the field of the same name.

use super::message;
use crate::wire::{decode_report, proto};
use proptest::prelude::*;
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
            Kind::Uint64 => (Value::U64(plain.into()), number.to_string()),
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

/// A report with every field, and what must be seen of it.
fn full(body: &str) -> (Vec<u8>, Filled) {
    let mut filled = Filled {
        next: 1_000,
        ..Filled::default()
    };
    let message = filled.message(&message("Report"), body);
    (message.encode_to_vec(), filled)
}

#[test]
fn no_field_of_a_report_is_forgotten() {
    for body in ["sighting", "contribution"] {
        let (bytes, filled) = full(body);
        let report = decode_report(&bytes).unwrap();
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

/// What a report shows, but for the sign of zero, which protobuf does not keep everywhere.
fn shown(bytes: &[u8]) -> Option<String> {
    let report = decode_report(bytes).ok()?;
    Some(format!("{report:?}").replace("-0.0", "0.0"))
}

/// Taken and refused as the generated messages do, and read to the same.
fn as_generated(bytes: &[u8]) {
    let generated = proto::Report::decode(bytes);
    let again = generated.ok().map(|message| message.encode_to_vec());
    assert_eq!(
        shown(bytes),
        again.as_deref().and_then(shown),
        "{bytes:02x?}"
    );
}

#[test]
fn repeated_unknown_and_packed_fields_are_read_as_protobuf_has_them() {
    let (sighting, contribution) = (full("sighting").0, full("contribution").0);
    let weapon = |calibres: &[u8]| {
        let weapon = [&[0x22][..], calibres].concat();
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let observation = [&[0x3a, length(&weapon)][..], &weapon].concat();
        let sighting = [&[0x52, length(&observation)][..], &observation].concat();
        [&[0x52, length(&sighting)][..], &sighting].concat()
    };
    let hundred = 100_f64.to_le_bytes();
    let packed = weapon(&[&[16][..], &hundred, &hundred].concat());
    for bytes in [
        // Messages that come twice are one; the last of two bodies counts.
        [&sighting[..], &sighting].concat(),
        [&sighting[..], &contribution].concat(),
        [&contribution[..], &sighting, &contribution].concat(),
        packed.clone(),
        // Fields of a later version, of each type, and a group.
        [
            &[0xa8, 0x1f, 5, 0xa9, 0x1f, 1, 2, 3, 4, 5, 6, 7, 8][..],
            &sighting,
        ]
        .concat(),
        [
            &[0xaa, 0x1f, 2, 7, 7, 0xad, 0x1f, 1, 2, 3, 4][..],
            &sighting,
        ]
        .concat(),
        [&[0xab, 0x1f, 0x08, 1, 0xac, 0x1f][..], &contribution].concat(),
        // More bits than a number holds.
        vec![
            0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ],
    ] {
        assert!(decode_report(&bytes).is_ok(), "{bytes:02x?}");
        as_generated(&bytes);
    }
    for bytes in [
        weapon(&[15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        // A text that is a number, a key without a field number, an end without its group.
        vec![0x08, 1],
        vec![0x02, 0],
        vec![0xac, 0x1f],
        vec![0x0a, 2, 0xc3, 0x28],
    ] {
        assert!(decode_report(&bytes).is_err(), "{bytes:02x?}");
        as_generated(&bytes);
    }
    assert!(
        shown(&packed)
            .unwrap()
            .contains("calibre_mm: [100.0, 100.0]"),
        "{:?}",
        shown(&packed)
    );
}

proptest! {
    #[test]
    fn whatever_bytes_come_they_are_read_as_the_generated_messages_read_them(
        is_sighting: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        is_torn: bool,
    ) {
        let mut bytes = full(if is_sighting { "sighting" } else { "contribution" }).0;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_torn {
            bytes.truncate(end.index(bytes.len()));
        }
        as_generated(&bytes);
    }
}

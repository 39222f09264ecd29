//! Writes protobuf from the end to the beginning. A message's length is known when its head is
//! written, so nothing is measured first and no second tree of messages is built: this is the
//! hot path, and one pass over a record is what it costs.
//!
//! Whoever writes fields from the highest number to the lowest, and lists from the last item to
//! the first, gets the bytes that a prost message of the same content encodes to.

use super::timestamp;
use jiff::Timestamp;
use jiff::civil::Date;

/// Room at the start, bytes; most records fit.
const ROOM_BYTES: usize = 4096;
/// Most bytes of a varint.
const VARINT_BYTES_MAX: usize = 10;

const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;

/// A message that writes its fields, from the highest number to the lowest.
pub(super) trait Put {
    fn put(&self, out: &mut Back);
}

/// Bytes that grow to the front.
#[derive(Debug)]
pub(super) struct Back {
    room: Vec<u8>,
    /// Where the written bytes begin.
    from: usize,
}

impl Back {
    pub(super) fn new() -> Self {
        Self {
            room: vec![0; ROOM_BYTES],
            from: ROOM_BYTES,
        }
    }

    /// What was written.
    pub(super) fn written(&self) -> &[u8] {
        self.room.get(self.from..).unwrap_or_default()
    }

    /// Forgets what was written and keeps the room.
    pub(super) fn clear(&mut self) {
        self.from = self.room.len();
    }

    /// Bytes written.
    pub(super) fn len(&self) -> usize {
        self.room.len() - self.from
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let written = self.len();
        let mut room = vec![0; (written + bytes).next_power_of_two() * 2];
        let from = room.len() - written;
        if let Some(end) = room.get_mut(from..) {
            end.copy_from_slice(self.written());
        }
        (self.room, self.from) = (room, from);
    }

    /// Bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        if bytes.len() > self.from {
            self.grow(bytes.len());
        }
        let from = self.from - bytes.len();
        if let Some(place) = self.room.get_mut(from..self.from) {
            place.copy_from_slice(bytes);
        }
        self.from = from;
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        if self.from == 0 {
            self.grow(1);
        }
        self.from -= 1;
        if let Some(place) = self.room.get_mut(self.from) {
            *place = byte;
        }
    }

    #[inline]
    fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte) if byte < 0x80 => self.byte(byte),
            _ => self.long_varint(value),
        }
    }

    fn long_varint(&mut self, mut value: u64) {
        let mut bytes = [0; VARINT_BYTES_MAX];
        let mut used = 0;
        for byte in &mut bytes {
            used += 1;
            *byte = value.to_le_bytes()[0] & 0x7f;
            value >>= 7;
            if value == 0 {
                break;
            }
            *byte |= 0x80;
        }
        self.raw(bytes.get(..used).unwrap_or_default());
    }

    #[inline]
    fn key(&mut self, tag: u32, wire_type: u8) {
        self.varint(u64::from(tag << 3 | u32::from(wire_type)));
    }

    /// A field of bytes, also an empty one.
    #[inline]
    pub(super) fn part(&mut self, tag: u32, bytes: &[u8]) {
        self.raw(bytes);
        self.varint(bytes.len() as u64);
        self.key(tag, LENGTH_DELIMITED);
    }

    /// A field of bytes; empty: none.
    #[inline]
    pub(super) fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.part(tag, bytes);
        }
    }

    /// A text; empty: none.
    #[inline]
    pub(super) fn text(&mut self, tag: u32, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, tag: u32, texts: &[String]) {
        for text in texts.iter().rev() {
            self.part(tag, text.as_bytes());
        }
    }

    /// A number or a code; 0: none.
    #[inline]
    pub(super) fn number(&mut self, tag: u32, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.some_number(tag, number);
        }
    }

    /// A number that may be absent.
    #[inline]
    pub(super) fn optional(&mut self, tag: u32, number: Option<u32>) {
        if let Some(number) = number {
            self.some_number(tag, i64::from(number));
        }
    }

    /// A number, also 0.
    #[inline]
    pub(super) fn some_number(&mut self, tag: u32, number: i64) {
        self.varint(number.cast_unsigned());
        self.key(tag, VARINT);
    }

    /// A `uint64`, also 0.
    #[inline]
    pub(super) fn count(&mut self, tag: u32, count: u64) {
        self.varint(count);
        self.key(tag, VARINT);
    }

    /// True; false: none.
    #[inline]
    pub(super) fn flag(&mut self, tag: u32, flag: bool) {
        self.number(tag, i64::from(flag));
    }

    /// A fraction; 0: none.
    #[inline]
    pub(super) fn fraction(&mut self, tag: u32, value: f64) {
        if value != 0.0 {
            self.optional_fraction(tag, Some(value));
        }
    }

    /// A fraction that may be absent.
    #[inline]
    pub(super) fn optional_fraction(&mut self, tag: u32, value: Option<f64>) {
        if let Some(value) = value {
            self.raw(&value.to_le_bytes());
            self.key(tag, FIXED_64);
        }
    }

    /// Fractions, packed.
    pub(super) fn fractions(&mut self, tag: u32, values: &[f64]) {
        self.packed(tag, values.is_empty(), |out| {
            for value in values.iter().rev() {
                out.raw(&value.to_le_bytes());
            }
        });
    }

    /// Codes, packed.
    pub(super) fn codes(&mut self, tag: u32, codes: impl DoubleEndedIterator<Item = i32> + Clone) {
        let none = codes.clone().next().is_none();
        self.packed(tag, none, |out| {
            for code in codes.rev() {
                out.varint(i64::from(code).cast_unsigned());
            }
        });
    }

    fn packed(&mut self, tag: u32, none: bool, put: impl FnOnce(&mut Self)) {
        if !none {
            self.nested(tag, put);
        }
    }

    /// A message.
    #[inline]
    pub(super) fn message(&mut self, tag: u32, message: &impl Put) {
        self.nested(tag, |out| message.put(out));
    }

    /// A message that may be absent.
    #[inline]
    pub(super) fn some(&mut self, tag: u32, message: Option<&impl Put>) {
        if let Some(message) = message {
            self.message(tag, message);
        }
    }

    /// A list of messages.
    pub(super) fn all(&mut self, tag: u32, messages: &[impl Put]) {
        for message in messages.iter().rev() {
            self.message(tag, message);
        }
    }

    /// Whatever `put` writes, as a length-delimited field.
    #[inline]
    pub(super) fn nested(&mut self, tag: u32, put: impl FnOnce(&mut Self)) {
        let before = self.len();
        put(self);
        self.varint((self.len() - before) as u64);
        self.key(tag, LENGTH_DELIMITED);
    }

    /// A time as `google.protobuf.Timestamp`.
    pub(super) fn time(&mut self, tag: u32, time: Timestamp) {
        let time = timestamp(time);
        self.nested(tag, |out| {
            out.number(2, time.nanos);
            out.number(1, time.seconds);
        });
    }

    /// A day as ISO 8601 has it.
    pub(super) fn day(&mut self, tag: u32, day: Option<Date>) {
        if let Some(day) = day {
            self.text(tag, &day.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Inner {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(string, repeated, tag = "16")]
        texts: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Outer {
        #[prost(bytes = "vec", tag = "1")]
        bytes: Vec<u8>,
        #[prost(int32, tag = "2")]
        code: i32,
        #[prost(uint32, optional, tag = "3")]
        optional: Option<u32>,
        #[prost(double, tag = "4")]
        fraction: f64,
        #[prost(double, repeated, tag = "5")]
        fractions: Vec<f64>,
        #[prost(int32, repeated, tag = "6")]
        codes: Vec<i32>,
        #[prost(message, optional, tag = "7")]
        one: Option<Inner>,
        #[prost(message, repeated, tag = "2000")]
        many: Vec<Inner>,
    }

    impl Put for Inner {
        fn put(&self, out: &mut Back) {
            out.texts(16, &self.texts);
            out.number(1, self.seconds);
        }
    }

    impl Put for Outer {
        fn put(&self, out: &mut Back) {
            out.all(2000, &self.many);
            out.some(7, self.one.as_ref());
            out.codes(6, self.codes.iter().copied());
            out.fractions(5, &self.fractions);
            out.fraction(4, self.fraction);
            out.optional(3, self.optional);
            out.number(2, self.code);
            out.bytes(1, &self.bytes);
        }
    }

    prop_compose! {
        fn inner()(seconds: i64, texts in prop::collection::vec(".{0,200}", 0..4)) -> Inner {
            Inner { seconds, texts }
        }
    }

    prop_compose! {
        fn outer()(
            bytes in prop::collection::vec(any::<u8>(), 0..9_000),
            code: i32,
            optional: Option<u32>,
            fraction: f64,
            fractions in prop::collection::vec(any::<f64>(), 0..4),
            codes in prop::collection::vec(any::<i32>(), 0..40),
            one in prop::option::of(inner()),
            many in prop::collection::vec(inner(), 0..4),
        ) -> Outer {
            Outer { bytes, code, optional, fraction, fractions, codes, one, many }
        }
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_prost(messages in prop::collection::vec(outer(), 1..4)) {
            let mut out = Back::new();
            for message in messages {
                out.clear();
                message.put(&mut out);
                prop_assert_eq!(out.written(), message.encode_to_vec());
            }
        }
    }
}

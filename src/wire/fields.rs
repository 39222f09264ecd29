//! Reads protobuf field by field straight into our own types. No second tree of messages is
//! built and moved over: this is the hot path, and one pass over the bytes is what it costs.
//!
//! Invariant: bytes are read as the generated messages read them, repeated and unknown fields
//! included, and refused where those refuse them.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The bytes are no such message. What is wrong with them, the generated messages say.
#[derive(Debug)]
pub(super) struct Unparsable;

/// What became of a field.
pub(super) type Taken = Result<(), Unparsable>;

/// A message that takes its fields in, one after the other.
pub(super) trait Take: Default {
    /// Takes a field in, or skips it.
    fn take(&mut self, field: Field<'_, '_>) -> Taken;
}

/// Reads a message on top of what is there already, as protobuf has it.
pub(super) fn read<T: Take>(into: &mut T, mut bytes: &[u8]) -> Taken {
    while !bytes.is_empty() {
        into.take(Field::next(&mut bytes)?)?;
    }
    Ok(())
}

/// A varint; nearly all of them are one byte.
#[inline]
fn varint(rest: &mut &[u8]) -> Result<u64, Unparsable> {
    match *rest {
        [byte @ 0..0x80, after @ ..] => {
            *rest = after;
            Ok(u64::from(*byte))
        }
        _ => Ok(decode_varint(rest)?),
    }
}

/// A field's number and how its value is written; nearly all numbers are below 16.
#[inline]
fn key(rest: &mut &[u8]) -> Result<(u32, WireType), Unparsable> {
    let wire_type = |byte: u8| match byte & 0x07 {
        0 => Some(WireType::Varint),
        1 => Some(WireType::SixtyFourBit),
        2 => Some(WireType::LengthDelimited),
        _ => None,
    };
    if let [byte @ 0x08..0x80, after @ ..] = *rest
        && let Some(wire_type) = wire_type(*byte)
    {
        *rest = after;
        return Ok((u32::from(*byte >> 3), wire_type));
    }
    Ok(decode_key(rest)?)
}

/// A field whose key is read and whose value is not.
pub(super) struct Field<'r, 'b> {
    pub(super) number: u32,
    wire_type: WireType,
    rest: &'r mut &'b [u8],
}

impl From<prost::DecodeError> for Unparsable {
    #[cold]
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

impl<'r, 'b> Field<'r, 'b> {
    /// The field that comes next.
    #[inline]
    pub(super) fn next(rest: &'r mut &'b [u8]) -> Result<Self, Unparsable> {
        let (number, wire_type) = key(rest)?;
        Ok(Self {
            number,
            wire_type,
            rest,
        })
    }

    /// A field of a later version.
    pub(super) fn skip(self) -> Taken {
        if self.wire_type == WireType::LengthDelimited {
            return self.delimited().map(drop);
        }
        let context = DecodeContext::default();
        Ok(skip_field(self.wire_type, self.number, self.rest, context)?)
    }

    fn expect(&self, wire_type: WireType) -> Taken {
        (self.wire_type == wire_type)
            .then_some(())
            .ok_or(Unparsable)
    }

    #[inline]
    fn varint(self) -> Result<u64, Unparsable> {
        self.expect(WireType::Varint)?;
        varint(self.rest)
    }

    /// Bytes that are preceded by their length.
    #[inline]
    pub(super) fn delimited(self) -> Result<&'b [u8], Unparsable> {
        self.expect(WireType::LengthDelimited)?;
        let bytes = usize::try_from(varint(self.rest)?).map_err(|_| Unparsable)?;
        let (value, rest) = self.rest.split_at_checked(bytes).ok_or(Unparsable)?;
        *self.rest = rest;
        Ok(value)
    }

    fn str(self) -> Result<&'b str, Unparsable> {
        std::str::from_utf8(self.delimited()?).map_err(|_| Unparsable)
    }

    /// `string`, where it stands.
    pub(super) fn borrowed(self, into: &mut &'b str) -> Taken {
        *into = self.str()?;
        Ok(())
    }

    /// `string`.
    pub(super) fn text(self, into: &mut String) -> Taken {
        // Room of its own size: what grows makes more than is needed.
        *into = self.str()?.to_owned();
        Ok(())
    }

    /// `repeated string`.
    pub(super) fn texts(self, into: &mut Vec<String>) -> Taken {
        into.push(self.str()?.to_owned());
        Ok(())
    }

    /// `bytes`.
    pub(super) fn bytes(self, into: &mut Vec<u8>) -> Taken {
        *into = self.delimited()?.to_owned();
        Ok(())
    }

    /// `int32`, or an enumeration.
    #[allow(clippy::cast_possible_truncation, reason = "as protobuf has it")]
    pub(super) fn code(self, into: &mut i32) -> Taken {
        *into = self.varint()? as i32;
        Ok(())
    }

    /// `int64`.
    #[allow(clippy::cast_possible_wrap, reason = "as protobuf has it")]
    pub(super) fn signed(self, into: &mut i64) -> Taken {
        *into = self.varint()? as i64;
        Ok(())
    }

    /// `uint32`.
    #[allow(clippy::cast_possible_truncation, reason = "as protobuf has it")]
    pub(super) fn number(self, into: &mut u32) -> Taken {
        *into = self.varint()? as u32;
        Ok(())
    }

    /// `optional uint32`.
    pub(super) fn optional_number(self, into: &mut Option<u32>) -> Taken {
        self.number(into.insert(0))
    }

    /// `optional uint64`.
    pub(super) fn optional_count(self, into: &mut Option<u64>) -> Taken {
        *into = Some(self.varint()?);
        Ok(())
    }

    /// `bool`.
    pub(super) fn flag(self, into: &mut bool) -> Taken {
        *into = self.varint()? != 0;
        Ok(())
    }

    /// `double`.
    pub(super) fn fraction(self, into: &mut f64) -> Taken {
        self.expect(WireType::SixtyFourBit)?;
        let (value, rest) = self.rest.split_first_chunk().ok_or(Unparsable)?;
        *self.rest = rest;
        *into = f64::from_le_bytes(*value);
        Ok(())
    }

    /// `optional double`.
    pub(super) fn optional_fraction(self, into: &mut Option<f64>) -> Taken {
        self.fraction(into.insert(0.0))
    }

    /// `repeated double`, packed or not.
    pub(super) fn fractions(self, into: &mut Vec<f64>) -> Taken {
        if self.wire_type == WireType::SixtyFourBit {
            into.push(0.0);
            return into.last_mut().map_or(Ok(()), |last| self.fraction(last));
        }
        let (values, torn) = self.delimited()?.as_chunks();
        into.extend(values.iter().map(|value| f64::from_le_bytes(*value)));
        torn.is_empty().then_some(()).ok_or(Unparsable)
    }

    /// A message.
    pub(super) fn message<T: Take>(self, into: &mut T) -> Taken {
        read(into, self.delimited()?)
    }

    /// A message that may be absent.
    pub(super) fn optional<T: Take>(self, into: &mut Option<T>) -> Taken {
        self.message(into.get_or_insert_default())
    }

    /// `repeated` messages.
    pub(super) fn list<T: Take>(self, into: &mut Vec<T>) -> Taken {
        if into.is_empty() {
            // Most lists have one item; a vector would make room for four of them.
            into.reserve_exact(1);
        }
        // Read where it will stay: some are large.
        into.push(T::default());
        into.last_mut().map_or(Ok(()), |item| self.message(item))
    }
}

//! `application/x-tak-protobuf`: an event of Cursor on Target in a frame of TAK protocol
//! version 1. A mesh frame is `bf 01 bf` and the message; a stream frame is `bf`, the length of
//! the message as a varint, and the message. The message is the TAK project's, not ours: this
//! file is the only one that knows its fields, and takes only what a report needs.

use super::cot::event::Event;
use super::split::{Part, part};
use super::xml::{self, Element};
use super::{Fault, cot, label, text};
use crate::report::Report;
use jiff::Timestamp;
use prost::Message;

/// First byte of each frame.
const MAGIC: u8 = 0xbf;
/// The version whose payload is protobuf.
const VERSION: u64 = 1;
/// The version whose payload is XML.
const VERSION_XML: u64 = 0;
/// Longest varint of 64 bits, bytes.
const VARINT_BYTES_MAX: usize = 10;

/// `atakmap.commoncommo.protobuf.v1.TakMessage`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct TakMessage {
    #[prost(message, optional, tag = "2")]
    event: Option<CotEvent>,
}

/// Milliseconds since 1970, degrees, and metres.
#[derive(Clone, PartialEq, Message)]
struct CotEvent {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    access: String,
    #[prost(string, tag = "4")]
    opex: String,
    #[prost(string, tag = "5")]
    uid: String,
    #[prost(uint64, tag = "6")]
    send_time_ms: u64,
    #[prost(uint64, tag = "7")]
    start_time_ms: u64,
    #[prost(uint64, tag = "8")]
    stale_time_ms: u64,
    #[prost(string, tag = "9")]
    how: String,
    #[prost(double, optional, tag = "10")]
    lat: Option<f64>,
    #[prost(double, optional, tag = "11")]
    lon: Option<f64>,
    #[prost(double, optional, tag = "12")]
    hae: Option<f64>,
    #[prost(double, optional, tag = "13")]
    ce: Option<f64>,
    #[prost(message, optional, tag = "15")]
    detail: Option<Detail>,
}

#[derive(Clone, PartialEq, Message)]
struct Detail {
    /// Elements of `detail` that have no message, one behind the other.
    #[prost(string, tag = "1")]
    xml: String,
    #[prost(message, optional, tag = "2")]
    contact: Option<Contact>,
    #[prost(message, optional, tag = "7")]
    track: Option<Track>,
}

#[derive(Clone, PartialEq, Message)]
struct Contact {
    #[prost(string, tag = "2")]
    callsign: String,
}

#[derive(Clone, PartialEq, Message)]
struct Track {
    #[prost(double, tag = "1")]
    speed: f64,
    #[prost(double, tag = "2")]
    course: f64,
}

/// What is in a frame.
#[derive(Debug, PartialEq, Eq)]
enum Payload<'c> {
    Xml(&'c [u8]),
    Protobuf(&'c [u8]),
}

/// Reads one frame.
pub(super) fn read(content: &[u8]) -> Result<Report, Vec<Fault>> {
    let (payload, behind) = frame(content, 0).map_err(|fault| vec![fault])?;
    if !behind.is_empty() {
        let message = format!("{} bytes behind the frame", behind.len());
        let expected = "one frame, which is one report; `entente submit` splits a stream";
        return Err(vec![at(
            content.len() - behind.len(),
            "formats.tak_frame",
            message,
            expected,
        )]);
    }
    match payload {
        Payload::Xml(xml) => text::utf8(xml)
            .map_err(|fault| vec![fault])
            .and_then(cot::read),
        Payload::Protobuf(message) => protobuf(message),
    }
}

/// The frames of a stream.
pub(super) fn split(content: &[u8]) -> Result<Vec<Part<'_>>, Vec<Fault>> {
    if content.is_empty() {
        return Err(vec![at(
            0,
            "formats.empty",
            "nothing in it",
            "at least one frame",
        )]);
    }
    let mut rest = content;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let start = content.len() - rest.len();
        let (_, behind) = frame(rest, start).map_err(|fault| vec![fault])?;
        let (one, _) = rest.split_at(rest.len() - behind.len());
        let number = parts.len() + 1;
        parts.push(part(number, format!("frame {number}, byte {start}"), one));
        rest = behind;
    }
    Ok(parts)
}

fn at(
    byte: usize,
    rule: &'static str,
    message: impl Into<String>,
    expected: impl Into<String>,
) -> Fault {
    Fault::new(format!("byte {byte}"), rule, message, expected)
}

/// The payload of the frame at the front, and what is behind it. A mesh frame has no length and
/// reaches to the end.
fn frame(content: &[u8], start: usize) -> Result<(Payload<'_>, &[u8]), Fault> {
    const EXPECTED: &str = "bf 01 bf and a TakMessage, or bf, its length, and a TakMessage";
    let wrong = |message: String| at(start, "formats.tak_frame", message, EXPECTED);
    let Some((&MAGIC, rest)) = content.split_first() else {
        return Err(wrong("no frame of TAK begins here".to_owned()));
    };
    let (number, rest) = varint(rest).ok_or_else(|| wrong("a number without end".to_owned()))?;
    if let Some((&MAGIC, payload)) = rest.split_first()
        && number <= VERSION
    {
        let payload = if number == VERSION_XML {
            Payload::Xml(payload)
        } else {
            Payload::Protobuf(payload)
        };
        return Ok((payload, &[]));
    }
    let length = usize::try_from(number).unwrap_or(usize::MAX);
    match rest.split_at_checked(length) {
        Some((payload, behind)) => Ok((Payload::Protobuf(payload), behind)),
        None if rest.first() == Some(&MAGIC) => Err(wrong(format!(
            "version {number} of the protocol, or {length} bytes of which {} are there",
            rest.len()
        ))),
        None => Err(wrong(format!(
            "{length} bytes announced and {} there",
            rest.len()
        ))),
    }
}

/// A varint at the front, and the rest.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(index).ok()?;
        if bits.leading_zeros() < shift {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

fn protobuf(message: &[u8]) -> Result<Report, Vec<Fault>> {
    let fault = |message: String, expected: &str| {
        vec![Fault::new(
            "cotEvent",
            "formats.tak_message",
            message,
            expected,
        )]
    };
    let message = TakMessage::decode(message).map_err(|error| {
        fault(
            format!("no TakMessage: {}", text::said(&error)),
            "a TakMessage",
        )
    })?;
    let Some(event) = message.event else {
        let expected = "a TakMessage with cotEvent; control messages are no reports";
        return Err(fault("no event in the message".to_owned(), expected));
    };
    let detail = event.detail.as_ref();
    let detail = detail.map(|detail| xml::fragment(&detail.xml, "detail"));
    let detail = detail.transpose();
    let detail = detail.map_err(|fault| {
        vec![Fault {
            place: format!("cotEvent.detail.xmlDetail, {}", fault.place),
            ..fault
        }]
    })?;
    let faults = &mut Vec::new();
    let taken = take(&event, detail.as_ref().map(xml::Document::root), faults);
    match taken {
        Some(event) if faults.is_empty() => event.report().map_err(|(part, fault)| {
            vec![Fault {
                place: format!("cotEvent.{part}"),
                ..fault
            }]
        }),
        _ => Err(std::mem::take(faults)),
    }
}

/// The event; `None` with faults.
fn take<'t>(
    event: &'t CotEvent,
    detail: Option<Element<'t>>,
    faults: &mut Vec<Fault>,
) -> Option<Event<'t>> {
    let missing = [
        ("type", event.kind.is_empty()),
        ("uid", event.uid.is_empty()),
        ("how", event.how.is_empty()),
        ("lat", event.lat.is_none()),
        ("lon", event.lon.is_none()),
    ];
    for (name, is_missing) in missing {
        if is_missing {
            faults.push(Fault::new(
                format!("cotEvent.{name}"),
                "formats.cot_missing",
                format!("{name} is missing"),
                "type, uid, how, lat, lon, sendTime, startTime and staleTime",
            ));
        }
    }
    let (lat, lon) = (event.lat.unwrap_or(0.0), event.lon.unwrap_or(0.0));
    for (name, degrees) in [("lat", lat), ("lon", lon)] {
        if !degrees.is_finite() {
            faults.push(Fault::new(
                format!("cotEvent.{name}"),
                "formats.cot_point",
                format!("{name} is no number"),
                "degrees",
            ));
        }
    }
    let time = instant("sendTime", event.send_time_ms, faults);
    let start = instant("startTime", event.start_time_ms, faults);
    let stale = instant("staleTime", event.stale_time_ms, faults);
    let marking = detail.map(label::find).unwrap_or(Ok(None));
    let marking = marking.unwrap_or_else(|fault| {
        faults.push(Fault {
            place: format!("cotEvent.detail.xmlDetail, {}", fault.place),
            ..fault
        });
        None
    });
    // A callsign stands in its message, or in XML where it has attributes besides.
    let contact = event.detail.as_ref().and_then(|d| d.contact.as_ref());
    let callsign = contact.map_or("", |contact| contact.callsign.as_str());
    let in_xml = detail.and_then(|d| d.child("contact")?.attribute("callsign"));
    let track = event.detail.as_ref().and_then(|d| d.track.as_ref());
    let (time, start, stale) = (time?, start?, stale?);
    Some(Event {
        kind: &event.kind,
        uid: &event.uid,
        how: &event.how,
        access: &event.access,
        opex: &event.opex,
        time,
        start,
        stale,
        start_text: "",
        lat,
        lon,
        // Zero is not sent, so nothing and zero look alike: nothing claims less.
        hae: event.hae.filter(|hae| hae.is_finite()),
        ce: event.ce.filter(|ce| ce.is_finite()),
        marking,
        callsign: if callsign.is_empty() {
            in_xml.unwrap_or_default()
        } else {
            callsign
        },
        remarks: detail.map(cot::remarks).unwrap_or_default(),
        track: track.map(|track| (track.course, track.speed)),
    })
}

fn instant(name: &str, ms: u64, faults: &mut Vec<Fault>) -> Option<Timestamp> {
    let known = i64::try_from(ms).ok().filter(|ms| *ms > 0);
    let instant = known.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    if instant.is_none() {
        faults.push(Fault::new(
            format!("cotEvent.{name}"),
            "formats.cot_time",
            format!("{ms} is no time"),
            "milliseconds since 1970",
        ));
    }
    instant
}

//! TAK frames, made by a small encoder of this file: the reader's own message types would
//! agree with themselves.

use crate::cot::MORTAR;
use crate::support::{TAK, envelope, judge, judge_in, refused, sighting};
use entente::formats;
use entente::record::{Environment, WeaponClass};

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// A field with a length: text, bytes, or a message.
fn field(number: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut out = Vec::new();
    varint(number << 3 | 2, &mut out);
    varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn double(field: u64, value: f64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 1, &mut out);
    out.extend_from_slice(&value.to_le_bytes());
    out
}

const TIME_MS: u64 = 1_767_724_260_250;
const START_MS: u64 = 1_767_724_200_000;
const STALE_MS: u64 = 1_767_727_800_000;

/// A `TakMessage` with a mortar: fields of `CotEvent` by number, as the TAK project has them.
fn message(kind: &str, detail: &[u8]) -> Vec<u8> {
    let event = [
        field(1, kind),
        field(2, "Undefined"),
        field(3, "1-r-c"),
        field(5, "mortar-7"),
        number(6, TIME_MS),
        number(7, START_MS),
        number(8, STALE_MS),
        field(9, "h-e"),
        double(10, 48.0159),
        double(11, 37.8029),
        double(12, 999_999.0),
        double(13, 12.5),
        double(14, 999_999.0),
        field(15, detail),
        field(16, "a field of a later server"),
    ]
    .concat();
    [field(1, number(1, 1)), field(2, event), number(3, TIME_MS)].concat()
}

fn mesh(message: &[u8]) -> Vec<u8> {
    [&[0xbf, 1, 0xbf], message].concat()
}

fn stream(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xbf];
    varint(message.len() as u64, &mut frame);
    frame.extend_from_slice(message);
    frame
}

fn detail() -> Vec<u8> {
    let xml = "<remarks>dug in &amp; under nets</remarks><archive/>";
    [
        field(1, xml),
        field(2, [field(1, "*:-1:stcp"), field(2, "W.7")].concat()),
        field(7, [double(1, 8.2), double(2, 247.5)].concat()),
    ]
    .concat()
}

#[test]
fn both_frames_say_what_the_xml_says() {
    let message = message("a-h-G-E-W-O", &detail());
    for frame in [mesh(&message), stream(&message)] {
        let record = judge("GBR", TAK, frame).expect("a record");
        assert_eq!(record.report_id, "mortar-7");
        assert_eq!(record.revision, 189_887_460);
        assert_eq!(record.environment, Environment::Live);
        let sighting = sighting(&record);
        assert_eq!(
            sighting.observed_from.utc.to_string(),
            "2026-01-06T18:30:00Z"
        );
        let location = sighting.location.as_ref().unwrap();
        assert_eq!(
            (location.latitude_deg, location.longitude_deg),
            (48.0159, 37.8029)
        );
        // Unknown is 999999 in this form.
        assert_eq!(location.height_m, None);
        assert_eq!(location.horizontal_uncertainty_m, Some(12.5));
        let observation = &sighting.observations[0];
        assert_eq!(observation.direction_to_deg, Some(247.5));
        assert_eq!(
            observation.weapon.as_ref().unwrap().class,
            Some(WeaponClass::Mortar)
        );
        let texts: Vec<_> = record.narratives.iter().map(|n| n.text.as_str()).collect();
        assert_eq!(texts, ["CALLSIGN: W.7", "dug in & under nets"]);
    }
}

#[test]
fn version_0_carries_xml() {
    let frame = [&[0xbf, 0, 0xbf], MORTAR.as_bytes()].concat();
    let record = judge_in("GBR", TAK, frame, envelope(0)).expect("a record");
    assert_eq!(record.environment, Environment::Exercise);
}

#[test]
fn tasking_is_refused_in_this_form_too() {
    let found = refused(judge("GBR", TAK, mesh(&message("t-k-d", &[]))));
    assert_eq!(found, [("cotEvent.type".into(), "formats.cot_tasking")]);
}

#[test]
fn bombs_inside_the_detail_are_refused() {
    let bomb = field(1, "<!DOCTYPE a [<!ENTITY b 'c'>]><remarks>&b;</remarks>");
    let inside = |place: &str| format!("cotEvent.detail.xmlDetail, {place}");
    let found = refused(judge("GBR", TAK, mesh(&message("a-h-G", &bomb))));
    assert_eq!(found, [(inside("line 1, column 1"), "formats.xml_doctype")]);
    for (xml, place) in [
        ("</detail><detail>", "line 1, column 1"),
        ("<archive/>\n<remarks>", "line 2, column 1"),
        ("<archive/></detail>", "line 1, column 11"),
    ] {
        let found = refused(judge("GBR", TAK, mesh(&message("a-h-G", &field(1, xml)))));
        assert_eq!(found, [(inside(place), "formats.xml_syntax")], "{xml}");
    }
    // A label in it is not excused, and its place is said too.
    let label = crate::cot::LABEL.replace("PERMISSIVE", "PERMISSIV");
    let found = judge("GBR", TAK, mesh(&message("a-h-G", &field(1, label))));
    let place = inside("line 7, column 5 (Category)");
    assert_eq!(refused(found), [(place, "formats.label_category")]);
    // Several elements and a text between them are no fault in this place.
    let several = field(1, "<archive/> \n <remarks>a</remarks><remarks>b</remarks>");
    let record = judge("GBR", TAK, mesh(&message("a-h-G", &several))).expect("a record");
    assert_eq!(record.narratives.len(), 2);
}

#[test]
fn frames_that_are_none_are_refused_with_the_byte() {
    let message = message("a-h-G-E-W-O", &[]);
    let cut = stream(&message)[..40].to_vec();
    let two = [stream(&message), stream(&message)].concat();
    let second = format!("byte {}", stream(&message).len());
    for (frame, place, rule) in [
        (vec![0xbe, 1, 0xbf], "byte 0", "formats.tak_frame"),
        (vec![0xbf], "byte 0", "formats.tak_frame"),
        (vec![0xbf, 2, 0xbf], "byte 0", "formats.tak_frame"),
        (vec![0xbf; 30], "byte 0", "formats.tak_frame"),
        (cut, "byte 0", "formats.tak_frame"),
        (two, second.as_str(), "formats.tak_frame"),
        (mesh(b"\xff\xff"), "cotEvent", "formats.tak_message"),
        (mesh(&number(3, 1)), "cotEvent", "formats.tak_message"),
        (
            mesh(&field(2, field(5, b"\xff"))),
            "cotEvent",
            "formats.tak_message",
        ),
    ] {
        let found = refused(judge("GBR", TAK, frame));
        assert_eq!(found, [(place.to_owned(), rule)]);
    }
}

#[test]
fn every_missing_field_is_told_at_once() {
    let found = refused(judge("GBR", TAK, mesh(&field(2, field(9, "h-e")))));
    let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "cotEvent.type",
            "cotEvent.uid",
            "cotEvent.lat",
            "cotEvent.lon",
            "cotEvent.sendTime",
            "cotEvent.startTime",
            "cotEvent.staleTime",
        ]
    );
}

#[test]
fn a_coordinate_that_is_no_number_is_named() {
    for (lat, lon, named) in [
        (f64::NAN, 37.8029, &["cotEvent.lat"][..]),
        (48.0159, f64::INFINITY, &["cotEvent.lon"]),
        (f64::NAN, f64::NAN, &["cotEvent.lat", "cotEvent.lon"]),
    ] {
        // Of a field that is sent twice the last one counts.
        let event = [message("a-h-G", &[]), field(2, double(10, lat))].concat();
        let event = [event, field(2, double(11, lon))].concat();
        let found = refused(judge("GBR", TAK, mesh(&event)));
        let expected: Vec<_> = named
            .iter()
            .map(|name| ((*name).to_owned(), "formats.cot_point"))
            .collect();
        assert_eq!(found, expected, "{lat} {lon}");
    }
}

#[test]
fn a_stream_is_split_into_its_frames() {
    let (a, b) = (
        message("a-h-G-E-W-O", &detail()),
        message("a-h-G-E-V-A-T", &[]),
    );
    let whole = [stream(&a), stream(&b)].concat();
    let parts = formats::split(TAK, &whole).unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].content.as_ref(), stream(&a));
    assert_eq!(parts[1].content.as_ref(), stream(&b));
    assert_eq!(
        parts[1].place,
        format!("frame 2, byte {}", stream(&a).len())
    );
    let torn = &whole[..whole.len() - 1];
    let fault = &formats::split(TAK, torn).unwrap_err()[0];
    assert_eq!(fault.place, format!("byte {}", stream(&a).len()));
}

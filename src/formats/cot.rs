//! `application/x-cot+xml`: a Cursor on Target 2.0 event, as the Base-Event schema has it
//! (MITRE, approved for public release). Takes the XML apart; `event` makes the report of it,
//! for this form and for the TAK protobuf frame alike.

pub(super) mod event;
mod kind;
pub(super) mod write;

use super::split::{self, Part};
use super::text::quoted;
use super::xml::{self, Element};
use super::{Fault, label};
use crate::report::Report;
use event::{Event, Remark};
use jiff::Timestamp;

/// Reads one event.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let document = xml::parse(text).map_err(|fault| vec![fault])?;
    let root = document.root();
    if root.name() != "event" {
        let message = format!("{} is no CoT event", quoted(root.name()));
        let fault = root.fault("formats.cot_event", message, "an element `event`");
        return Err(vec![fault]);
    }
    let mut faults = Vec::new();
    let event = event(root, &mut faults);
    if let (Some(event), true) = (event, faults.is_empty()) {
        return event.report().map_err(|(part, fault)| {
            vec![Fault {
                place: format!("{} @{part}", root.place()),
                ..fault
            }]
        });
    }
    Err(faults)
}

/// The events of a file that holds many, one behind the other, as a TAK stream does.
pub(super) fn split(content: &[u8]) -> Result<Vec<Part<'_>>, Vec<Fault>> {
    split::documents(content, "event", b"</event>")
}

/// Takes an event apart; `None` with faults.
fn event<'d>(root: Element<'d>, faults: &mut Vec<Fault>) -> Option<Event<'d>> {
    version(root, faults);
    let kind = required(root, "type", faults);
    let uid = required(root, "uid", faults);
    let how = required(root, "how", faults);
    let time = instant(root, "time", faults);
    let start = instant(root, "start", faults);
    let stale = instant(root, "stale", faults);
    let point = point(root, faults);
    let marking = label::find(root).unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    let detail = root.child("detail");
    let (lat, lon, hae, ce) = point?;
    Some(Event {
        kind: kind?,
        uid: uid?,
        how: how?,
        access: root.attribute("access").unwrap_or_default(),
        opex: root.attribute("opex").unwrap_or_default(),
        time: time?,
        start: start?,
        stale: stale?,
        start_text: root.attribute("start").unwrap_or_default().trim(),
        lat,
        lon,
        hae,
        ce,
        marking,
        callsign: detail
            .and_then(|detail| detail.child("contact"))
            .and_then(|contact| contact.attribute("callsign"))
            .unwrap_or_default(),
        remarks: detail.map(remarks).unwrap_or_default(),
        track: detail
            .and_then(|detail| detail.child("track"))
            .and_then(track),
    })
}

fn version(root: Element<'_>, faults: &mut Vec<Fault>) {
    let Some(version) = required(root, "version", faults) else {
        return;
    };
    let is_second = version.parse().is_ok_and(|v: f64| (2.0..3.0).contains(&v));
    if !is_second {
        let message = format!("version {} cannot be read", quoted(version));
        faults.push(root.fault("formats.cot_version", message, "version 2.0"));
    }
}

fn required<'d>(root: Element<'d>, name: &str, faults: &mut Vec<Fault>) -> Option<&'d str> {
    let value = root.attribute(name).map(str::trim).unwrap_or_default();
    if value.is_empty() {
        let message = format!("{name} is missing");
        let expected = "the attributes version, type, uid, time, start, stale and how";
        faults.push(root.fault("formats.cot_missing", message, expected));
        return None;
    }
    Some(value)
}

fn instant(root: Element<'_>, name: &str, faults: &mut Vec<Fault>) -> Option<Timestamp> {
    let text = required(root, name, faults)?;
    let instant = text.parse().ok();
    if instant.is_none() {
        let message = format!("{name} {} is no time", quoted(text));
        let expected = "a date and time with its offset, such as 2026-01-06T18:30:00Z";
        faults.push(root.fault("formats.cot_time", message, expected));
    }
    instant
}

type Point = (f64, f64, Option<f64>, Option<f64>);

/// Latitude, longitude, height above the ellipsoid and circular error.
fn point(root: Element<'_>, faults: &mut Vec<Fault>) -> Option<Point> {
    const EXPECTED: &str = "a point with lat and lon in degrees and hae, ce and le in metres";
    let Some(point) = root.child("point") else {
        faults.push(root.fault("formats.cot_point", "point is missing", EXPECTED));
        return None;
    };
    let mut number = |name: &str| {
        let text = point.attribute(name).map(str::trim).unwrap_or_default();
        let number = text.parse().ok().filter(|value: &f64| value.is_finite());
        let is_needed = matches!(name, "lat" | "lon");
        if number.is_none() && (is_needed || !text.is_empty()) {
            let message = match text {
                "" => format!("{name} is missing"),
                text => format!("{name} {} is no number", quoted(text)),
            };
            faults.push(point.fault("formats.cot_point", message, EXPECTED));
        }
        number
    };
    let (lat, lon) = (number("lat"), number("lon"));
    let (hae, ce, _le) = (number("hae"), number("ce"), number("le"));
    Some((lat?, lon?, hae, ce))
}

/// Remarks that say something.
pub(super) fn remarks(detail: Element<'_>) -> Vec<Remark<'_>> {
    let remarks = detail.children().filter(|child| child.name() == "remarks");
    remarks
        .map(|remark| Remark {
            lang: remark.attribute("lang").unwrap_or_default(),
            text: remark.text(),
        })
        .filter(|remark| !remark.text.is_empty())
        .collect()
}

/// Course and speed, where both are numbers.
fn track(track: Element<'_>) -> Option<(f64, f64)> {
    let number = |name: &str| track.attribute(name)?.trim().parse().ok();
    Some((number("course")?, number("speed")?))
}

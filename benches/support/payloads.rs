//! The native payloads that benches and the test of allocations measure. Knows nothing of how
//! they are measured.

use crate::reports::Sender;
use entente::formats;
use entente::record::Record;
use entente::report::{Marking, Report};

/// Every payload that is measured: name, media type, content.
pub(crate) const ALL: [(&str, &str, &str); 4] = [
    ("cot", "application/x-cot+xml", EVENT),
    ("geojson", "application/geo+json", FEATURE),
    ("osce", "text/x-osce-csv", TABLE),
    ("spotrep", "text/x-spotrep", SALUTE),
];

const EVENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<event version="2.0" uid="a0c524c6-0422-4382-9981-e39d1dc71730" type="a-h-G-E-W-O" opex="o"
 time="2026-01-06T18:31:00.250Z" start="2026-01-06T18:30:00.250Z" stale="2026-01-06T19:30:00Z"
 how="h-g-i-g-o"><point lat="48.0159" lon="37.8029" hae="9999999.0" ce="12.5" le="9999999.0"/>
<detail><contact callsign="W.7"/><status readiness="true"/><archive/><color argb="-1"/>
<usericon iconsetpath="COT_MAPPING_2525B/a-h/a-h-G"/><precisionlocation altsrc="???"/>
<remarks>dug in under nets</remarks></detail></event>"#;

const TABLE: &str = "SMM position;Event location;Means;No.;Observation;Description;Weapon;\
    Date, time\nAvdiivka (48.1394, 37.7472);2-3km NE;Recorded;4;Explosion;Undetermined;N/K;\
    06-Jan-2026, 20:41\n";

const SALUTE: &str = "SALUTE\nS: about 5\nA: heard explosions\nL: 37U DP 10729 18760\n\
    T: 061830ZJAN26\nE: MLRS (BM-21 Grad, 122mm)\n";

const FEATURE: &str = r#"{"type": "Feature", "id": "GBR-2026-17",
 "geometry": {"type": "Point", "coordinates": [37.8029, 48.0159]},
 "properties": {"origin": "OWN_OBSERVATION", "observedFrom": "061830ZJAN26", "means": ["heard"],
 "type": "explosion", "count": "about 5", "phase": "outgoing", "confidence": "B2"}}"#;

/// What a form does not say.
fn filled(report: Report) -> Report {
    let name = |text: String| match text {
        text if text.is_empty() => "GBR-000017".to_owned(),
        text => text,
    };
    Report {
        report_id: name(report.report_id),
        revision: report.revision.max(1),
        action: report.action.max(1),
        environment: 1,
        marking: Some(Marking {
            text: "NATO RESTRICTED".to_owned(),
            releasable_to: vec!["USA".to_owned(), "GBR".to_owned(), "UKR".to_owned()],
            ..Marking::default()
        }),
        ..report
    }
}

/// The record of a payload.
pub(crate) fn record(sender: &Sender, media_type: &'static str, content: &str) -> Record {
    let report = formats::read(media_type, content.as_bytes()).expect("a report");
    sender.record(filled(report), media_type)
}

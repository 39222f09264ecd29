//! Events of Cursor on Target as text, for a TAK server: the writing side of this form. Knows
//! how an event is written, not what a record is.

use super::kind;
use jiff::Timestamp;
use quick_xml::escape::escape;
use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands for "unknown" in heights and errors.
const UNKNOWN_M: f64 = 9_999_999.0;
/// Type of the question whether a server is there.
const PING: &str = "t-x-c-t";
/// Type of the answer.
const PONG: &str = "t-x-c-t-r";

/// An event that shows something on a map.
#[derive(Clone, Debug, PartialEq)]
pub struct CotEvent {
    /// Name of the thing; a later event of it replaces the earlier one.
    pub uid: String,
    /// Type, as [`cot_type`] gives it.
    pub kind: String,
    /// When the event was made.
    pub time: Timestamp,
    /// From when it holds.
    pub start: Timestamp,
    /// Until when it is shown.
    pub stale: Timestamp,
    /// Latitude, degrees north, WGS 84.
    pub latitude_deg: f64,
    /// Longitude, degrees east, WGS 84.
    pub longitude_deg: f64,
    /// Height above the ellipsoid, metres. Absent: unknown.
    pub hae_m: Option<f64>,
    /// Circular error, metres. Absent: unknown.
    pub ce_m: Option<f64>,
    /// Protection level.
    pub access: String,
    /// Special categories; empty: none.
    pub caveat: String,
    /// Nations that may read it.
    pub releasable_to: String,
    /// What is written beside the symbol.
    pub callsign: String,
    /// Text for people.
    pub remarks: String,
}

impl CotEvent {
    /// The event as XML, in one piece.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut xml = head(&self.uid, &self.kind, self.time, self.start, self.stale);
        attribute(&mut xml, "access", &self.access);
        attribute(&mut xml, "caveat", &self.caveat);
        attribute(&mut xml, "releasableTo", &self.releasable_to);
        let (hae, ce) = (known(self.hae_m), known(self.ce_m));
        // Writing to a String does not fail.
        let _always = write!(
            xml,
            "><point lat=\"{}\" lon=\"{}\" hae=\"{hae:?}\" ce=\"{ce:?}\" le=\"{UNKNOWN_M:?}\"/>\
             <detail><contact callsign=\"{}\"/><remarks>{}</remarks></detail></event>",
            self.latitude_deg,
            self.longitude_deg,
            escape(clean(&self.callsign).as_ref()),
            escape(clean(&self.remarks).as_ref()),
        );
        xml
    }
}

/// The event that takes the thing of a `uid` off every map.
#[must_use]
pub fn cot_delete(uid: &str, now: Timestamp) -> String {
    let mut xml = head(&format!("{uid}#end"), "t-x-d-d", now, now, now);
    let _always = write!(
        xml,
        ">{NOWHERE}<detail><link uid=\"{}\" relation=\"p-p\" type=\"a-u-G\"/><__forcedelete/>\
         </detail></event>",
        escape(clean(uid).as_ref())
    );
    xml
}

/// The event that asks a server whether it is there. It answers when it has read all before.
#[must_use]
pub fn cot_ping(uid: &str, now: Timestamp) -> String {
    format!(
        "{}>{NOWHERE}<detail/></event>",
        head(uid, PING, now, now, now)
    )
}

/// How the answer to [`cot_ping`] looks in what a server sends: any of these.
#[must_use]
pub fn cot_pong_marks() -> [String; 2] {
    [format!("type=\"{PONG}\""), format!("type='{PONG}'")]
}

/// The type of what was observed, by the contract's numbers; 0: not said. Who it belongs to is
/// unknown, since no record says it.
#[must_use]
pub fn cot_type(observation: i32, weapon: i32, phase: i32) -> String {
    kind::of(observation, weapon, phase)
}

/// A point that means nothing.
const NOWHERE: &str =
    "<point lat=\"0\" lon=\"0\" hae=\"9999999.0\" ce=\"9999999.0\" le=\"9999999.0\"/>";

fn head(uid: &str, kind: &str, time: Timestamp, start: Timestamp, stale: Timestamp) -> String {
    let text = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut xml = "<event version=\"2.0\"".to_owned();
    attribute(&mut xml, "uid", uid);
    attribute(&mut xml, "type", kind);
    // Transcribed by people or on their behalf: a nation's report, normalised.
    attribute(&mut xml, "how", "h-t");
    attribute(&mut xml, "time", &text(time));
    attribute(&mut xml, "start", &text(start));
    attribute(&mut xml, "stale", &text(stale));
    xml
}

fn attribute(xml: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let value = clean(value).replace(['\n', '\t'], " ");
        let _always = write!(xml, " {name}=\"{}\"", escape(value.as_str()));
    }
}

fn known(metres: Option<f64>) -> f64 {
    metres.filter(|m| m.is_finite()).unwrap_or(UNKNOWN_M)
}

/// Without the characters that XML cannot carry.
fn clean(text: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(is_foreign) {
        Cow::Owned(text.replace(is_foreign, " "))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Body;

    fn event() -> CotEvent {
        let at = |text: &str| text.parse().unwrap();
        CotEvent {
            uid: "entente/GBR/uav/r \"1\" <&>".to_owned(),
            kind: cot_type(8, 7, 0),
            time: at("2026-01-06T18:31:00Z"),
            start: at("2026-01-06T18:30:00Z"),
            stale: at("2026-01-06T19:30:00Z"),
            latitude_deg: 48.0159,
            longitude_deg: 37.8029,
            hae_m: None,
            ce_m: Some(12.5),
            access: "RESTRICTED".to_owned(),
            caveat: String::new(),
            releasable_to: "GBR USA".to_owned(),
            callsign: "GBR 1".to_owned(),
            remarks: "dug in\u{0} <under> & 'nets'\nnow".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let report = super::super::read(&event().to_xml()).unwrap();
        assert_eq!(report.report_id, "entente/GBR/uav/r \"1\" <&>");
        let Some(Body::Sighting(sighting)) = report.body else {
            panic!("a sighting")
        };
        let location = sighting.location.unwrap();
        let point = location.wgs84.unwrap();
        assert_eq!(
            (point.latitude_deg, point.longitude_deg),
            (48.0159, 37.8029)
        );
        assert_eq!(location.horizontal_uncertainty_m, Some(12.5));
        assert_eq!(location.height_m, None, "a sentinel stands for unknown");
        let said: Vec<_> = report.narratives.iter().map(|n| n.text.as_str()).collect();
        assert!(said.contains(&"dug in  <under> & 'nets'\nnow"), "{said:?}");
    }

    #[test]
    fn an_end_and_a_ping_are_sound_xml() {
        let now = "2026-01-06T18:31:00Z".parse().unwrap();
        for xml in [cot_delete("a<b>", now), cot_ping("ping", now)] {
            crate::formats::xml::parse(&xml).unwrap();
        }
        assert!(cot_delete("a<b>", now).contains("uid=\"a&lt;b&gt;\" relation"));
    }
}

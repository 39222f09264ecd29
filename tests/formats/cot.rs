//! Cursor on Target in XML: the golden mortar, what each attribute becomes, and refusals.

use crate::support::{COT, envelope, judge, judge_in, near, refused, rules, sighting, traced};
use entente::formats;
use entente::record::{
    Action, Environment, FirePhase, Level, ObservationType, ObserverMeans, VerticalDatum,
    WeaponClass,
};

/// Message 5 of the golden set.
pub(crate) const MORTAR: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<event version="2.0" uid="mortar-7" type="a-h-G-E-W-O" opex="e-TEST"
       time="2026-01-06T18:31:00.25Z" start="2026-01-06T18:30:00Z" stale="2026-01-06T19:30:00Z"
       how="h-g-i-g-o">
  <point lat="48.0159" lon="37.8029" hae="9999999.0" ce="9999999.0" le="9999999.0"/>
  <detail>
    <contact callsign="W.7"/>
    <remarks xml:lang="en">dug in &amp; under nets</remarks>
    <__unknown a="b"><inner/></__unknown>
  </detail>
</event>"#;

/// The mortar with one text in place of another.
fn mortar(from: &str, to: &str) -> String {
    assert!(MORTAR.contains(from), "{from}");
    MORTAR.replacen(from, to, 1)
}

fn live() -> String {
    mortar(r#" opex="e-TEST""#, "")
}

#[test]
fn the_golden_mortar_is_an_exercise_without_sentinels() {
    let record = judge_in("GBR", COT, MORTAR, envelope(0)).expect("a record");
    assert_eq!(record.environment, Environment::Exercise);
    assert_eq!(record.report_id, "mortar-7");
    assert_eq!(record.action, Action::Update);
    // Seconds from 2020 to the time of the event.
    assert_eq!(record.revision, 189_887_460);
    assert_eq!(
        record.reported_at.unwrap().to_string(),
        "2026-01-06T18:31:00.25Z"
    );
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:30:00Z"
    );
    assert_eq!(sighting.means, [ObserverMeans::Saw]);
    let location = sighting.location.as_ref().unwrap();
    assert_eq!(
        (location.latitude_deg, location.longitude_deg),
        (48.0159, 37.8029)
    );
    assert_eq!(location.height_m, None);
    assert_eq!(location.vertical_datum, None);
    assert_eq!(location.horizontal_uncertainty_m, None);
    let [observation] = sighting.observations.as_slice() else {
        panic!("{:?}", sighting.observations);
    };
    assert_eq!(observation.kind, Some(ObservationType::EquipmentPresent));
    assert_eq!(observation.original_text, "a-h-G-E-W-O");
    assert_eq!(observation.count, None);
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(weapon.code_2525d, "15111400");
    let texts: Vec<_> = record.narratives.iter().map(|n| n.text.as_str()).collect();
    assert_eq!(texts, ["CALLSIGN: W.7", "dug in & under nets"]);
    assert_eq!(record.narratives[1].lang, "en");
}

/// An event never says that it is the first of its kind; before 2020 all have the first revision.
#[test]
fn an_event_of_an_old_track_is_an_update_too() {
    let old = live().replace("2026-01-06", "2019-06-01");
    let record = judge("GBR", COT, old).expect("a record");
    assert_eq!((record.revision, record.action), (1, Action::Update));
}

#[test]
fn the_entities_of_xml_are_what_they_stand_for() {
    let written = "&lt;3 &gt; 2 &amp; &apos;a&apos; &quot;b&quot; &#1044;&#x414;";
    let event = live().replacen("dug in &amp; under nets", written, 1);
    let record = judge("GBR", COT, event).expect("a record");
    let texts: Vec<_> = record.narratives.iter().map(|n| n.text.as_str()).collect();
    assert!(texts.contains(&"<3 > 2 & 'a' \"b\" ДД"), "{texts:?}");
}

#[test]
fn an_exercise_in_a_live_envelope_is_refused() {
    let found = refused(judge("GBR", COT, MORTAR));
    assert_eq!(
        found,
        [("environment".into(), "formats.environment_differs")]
    );
    let record = judge_in("GBR", COT, MORTAR, envelope(2)).expect("a record");
    assert_eq!(record.environment, Environment::Exercise);
}

#[test]
fn a_simulated_position_is_a_simulation_whatever_opex_says() {
    for opex in ["", r#" opex="o""#, r#" opex="o-REAL""#, r#" opex="s""#] {
        let text = mortar(r#" opex="e-TEST""#, opex).replace("h-g-i-g-o", "m-s");
        let record = judge_in("GBR", COT, text, envelope(0)).expect("a record");
        assert_eq!(record.environment, Environment::Simulation, "{opex}");
    }
    let text = mortar("h-g-i-g-o", "m-s");
    let record = judge_in("GBR", COT, text, envelope(0)).expect("a record");
    assert_eq!(record.environment, Environment::Exercise);
}

#[test]
fn heights_and_errors_that_are_known_come_through() {
    let text = live().replace(
        r#"hae="9999999.0" ce="9999999.0""#,
        r#"hae="171.5" ce="12.5""#,
    );
    let record = judge("GBR", COT, text).expect("a record");
    assert_eq!(record.environment, Environment::Live);
    let location = sighting(&record).location.as_ref().unwrap();
    assert_eq!(location.height_m, Some(171.5));
    assert_eq!(location.vertical_datum, Some(VerticalDatum::HaeWgs84));
    assert_eq!(location.horizontal_uncertainty_m, Some(12.5));
}

#[test]
fn sensors_say_their_means_and_their_phase() {
    for (kind, means, observed, phase, weapon) in [
        (
            "b-d-a",
            ObserverMeans::AcousticSensor,
            ObservationType::Other,
            None,
            None,
        ),
        (
            "b-d-s",
            ObserverMeans::Seismic,
            ObservationType::Other,
            None,
            None,
        ),
        (
            "b-d-l-m",
            ObserverMeans::Saw,
            ObservationType::Explosion,
            Some(FirePhase::Outgoing),
            Some(WeaponClass::Mortar),
        ),
        (
            "b-d-i-m",
            ObserverMeans::Saw,
            ObservationType::Explosion,
            Some(FirePhase::Impact),
            Some(WeaponClass::Mortar),
        ),
        (
            "b-i-v",
            ObserverMeans::RecordedCamera,
            ObservationType::Other,
            None,
            None,
        ),
    ] {
        let record = judge("GBR", COT, live().replace("a-h-G-E-W-O", kind)).expect(kind);
        let sighting = sighting(&record);
        let observation = &sighting.observations[0];
        let class = observation.weapon.as_ref().and_then(|weapon| weapon.class);
        assert_eq!(
            (
                sighting.means.as_slice(),
                observation.kind,
                observation.phase,
                class
            ),
            ([means].as_slice(), Some(observed), phase, weapon),
            "{kind}"
        );
    }
}

#[test]
fn the_means_that_no_event_names_is_pointed_out() {
    for (how, means) in [
        ("h-e", ObserverMeans::Saw),
        ("m-i", ObserverMeans::RecordedCamera),
        ("m-g", ObserverMeans::Saw),
    ] {
        let record = judge("POL", COT, live().replace("h-g-i-g-o", how)).expect(how);
        assert_eq!(sighting(&record).means, [means], "{how}");
        let doubts = traced(&record, "vocabulary.ambiguous");
        assert_eq!(doubts.len(), 1, "{how}: {:?}", record.trace);
    }
}

#[test]
fn what_moves_has_a_direction() {
    let track = r#"<track course="247.5" speed="8.2"/><remarks"#;
    let record = judge("GBR", COT, live().replacen("<remarks", track, 1)).expect("a record");
    near(
        sighting(&record).observations[0].direction_to_deg.unwrap(),
        247.5,
        1e-9,
    );
    for still in [
        r#"<track course="247.5" speed="0.0"/><remarks"#,
        r#"<track course="9999999.0" speed="9999999.0"/><remarks"#,
        r#"<track course="-1" speed="NaN"/><remarks"#,
    ] {
        let record = judge("GBR", COT, live().replacen("<remarks", still, 1)).expect(still);
        assert_eq!(sighting(&record).observations[0].direction_to_deg, None);
    }
}

pub(crate) const LABEL: &str = r#"
<slab:originatorConfidentialityLabel
    xmlns:slab="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0">
  <slab:ConfidentialityInformation>
    <slab:PolicyIdentifier>NATO</slab:PolicyIdentifier>
    <slab:Classification>SECRET</slab:Classification>
    <slab:Category TagName="Releasable To" Type="PERMISSIVE">
      <slab:GenericValue>UKR</slab:GenericValue>
    </slab:Category>
    <slab:Category TagName="Special Category Designators" Type="RESTRICTIVE">
      <slab:GenericValue>BOHEMIA</slab:GenericValue>
    </slab:Category>
  </slab:ConfidentialityInformation>
  <slab:CreationDateTime>2026-01-06T18:30:00Z</slab:CreationDateTime>
</slab:originatorConfidentialityLabel>"#;

#[test]
fn a_label_inside_is_the_marking() {
    let text = live().replacen("<remarks", &format!("{LABEL}<remarks"), 1);
    let record = judge("GBR", COT, text).expect("a record");
    let marking = &record.marking;
    assert_eq!(marking.level, Level::Secret);
    assert_eq!(marking.originator_marking, "NATO SECRET");
    assert_eq!(marking.special, ["BOHEMIA"]);
    assert!(marking.releasable_to.iter().any(|code| code == "UKR"));
    assert!(marking.releasable_to.iter().any(|code| code == "USA"));
    assert_eq!(marking.group_codes, ["NATO"]);
}

#[test]
fn labels_as_they_are_in_the_wild_mean_the_same() {
    for (from, to) in [
        (
            "originatorConfidentialityLabel",
            "OriginatorConfidentialityLabel",
        ),
        (">SECRET<", ">NATO SECRET<"),
        ("slab:", "s4774:"),
    ] {
        let label = LABEL.replace(from, to);
        let text = live().replacen("<remarks", &format!("{label}<remarks"), 1);
        let record = judge("GBR", COT, text).expect(to);
        assert_eq!(record.marking.originator_marking, "NATO SECRET", "{to}");
        assert_eq!(record.marking.level, Level::Secret, "{to}");
    }
}

#[test]
fn a_label_that_says_its_list_is_all_is_not_widened_to_the_members() {
    let mark = "</slab:Classification>\
                <slab:PrivacyMark>RELEASABLE ONLY TO UKR</slab:PrivacyMark>";
    let label = LABEL.replace("</slab:Classification>", mark);
    let text = live().replacen("<remarks", &format!("{label}<remarks"), 1);
    let record = judge("GBR", COT, text).expect("a record");
    assert_eq!(record.marking.releasable_to, ["UKR"]);
    assert!(record.marking.group_codes.is_empty());
}

#[test]
fn a_label_that_cannot_be_read_whole_is_refused() {
    for (from, to, rule) in [
        (
            "<slab:Classification>SECRET</slab:Classification>",
            "",
            "formats.label_incomplete",
        ),
        ("PERMISSIVE", "PERMISSIV", "formats.label_category"),
        ("Releasable To", "Context", "formats.label_category"),
        (">NATO<", ">MARS<", "marking.unknown"),
    ] {
        let label = LABEL.replace(from, to);
        let text = live().replacen("<remarks", &format!("{label}<remarks"), 1);
        assert_eq!(rules(judge("GBR", COT, text)), [rule], "{to}");
    }
    let twice = format!("{LABEL}{LABEL}<remarks");
    let text = live().replacen("<remarks", &twice, 1);
    assert_eq!(rules(judge("GBR", COT, text)), ["formats.label_twice"]);
}

#[test]
fn access_is_a_marking_too_unless_nobody_chose_one() {
    let with = |access: &str| live().replacen(" how=", &format!(" access='{access}' how="), 1);
    let record = judge("GBR", COT, with("Undefined")).expect("a record");
    assert_eq!(record.marking.originator_marking, "NATO RESTRICTED");
    assert_eq!(
        rules(judge("GBR", COT, with("coalition"))),
        ["marking.unknown"]
    );
}

#[test]
fn tasking_and_what_is_no_observation_is_refused() {
    for (kind, rule) in [
        ("t-k-d", "formats.cot_tasking"),
        ("t-x-d-d", "formats.cot_tasking"),
        ("y-c-s", "formats.cot_tasking"),
        ("b-t-f", "formats.cot_type"),
        ("c-f-i", "formats.cot_type"),
        ("u-d-r", "formats.cot_type"),
    ] {
        let found = refused(judge("GBR", COT, live().replace("a-h-G-E-W-O", kind)));
        assert_eq!(
            found,
            [("line 2, column 1 (event) @type".into(), rule)],
            "{kind}"
        );
    }
}

#[test]
fn every_missing_attribute_is_told_at_once_with_its_place() {
    let text = "\n <event type='a-h-G' version='1.2' time='yesterday'><point lat='x'/></event>";
    let found = refused(judge("GBR", COT, text));
    let at = |place: &str, rule| (place.to_owned(), rule);
    let event = "line 2, column 2 (event)";
    let point = "line 2, column 53 (point)";
    assert_eq!(
        found,
        [
            at(event, "formats.cot_version"),
            at(event, "formats.cot_missing"),
            at(event, "formats.cot_missing"),
            at(event, "formats.cot_time"),
            at(event, "formats.cot_missing"),
            at(event, "formats.cot_missing"),
            at(point, "formats.cot_point"),
            at(point, "formats.cot_point"),
        ]
    );
}

#[test]
fn values_out_of_their_range_are_refused() {
    for (from, to, rule) in [
        ("<point", "<punkt", "formats.cot_point"),
        (r#"lat="48.0159""#, r#"lat="NaN""#, "formats.cot_point"),
        (r#"lat="48.0159""#, r#"lat="91""#, "position.range"),
        (
            r#"lat="48.0159""#,
            r#"lat="8.0159""#,
            "position.outside_area",
        ),
        (r#"hae="9999999.0""#, r#"hae="high""#, "formats.cot_point"),
        ("19:30:00Z", "17:30:00Z", "formats.cot_time"),
        ("h-g-i-g-o", "h g", "formats.cot_how"),
        (r#"uid="mortar-7""#, r#"uid="mortar 7""#, "report.report_id"),
        (
            "2026-01-06T18:30:00Z",
            "2026-01-06T18:30:00",
            "formats.cot_time",
        ),
        ("<event", "<events", "formats.xml_syntax"),
        ("</event>", "</event><event/>", "formats.xml_roots"),
    ] {
        let text = live().replacen(from, to, 1);
        assert_eq!(rules(judge("GBR", COT, text)), [rule], "{to}");
    }
    let text = mortar("e-TEST", "x");
    assert_eq!(rules(judge("GBR", COT, text)), ["formats.cot_opex"]);
    let lat_lon = live()
        .replace("48.0159", "lat")
        .replace("37.8029", "48.0159")
        .replace("lat\"", "37.8029\"");
    assert_eq!(rules(judge("GBR", COT, lat_lon)), ["position.axes_swapped"]);
}

#[test]
fn the_sample_of_the_schema_lies_outside_the_area() {
    let text = r"<event version='2.0' uid='a0c524c6-0422-4382-9981-e39d1dc71730' type='a-u-G'
        time='2020-12-16T19:59:34.910Z' start='2020-12-16T19:59:34.910Z'
        stale='2021-01-02T20:40:03.838Z' how='h-g-i-g-o'>
        <point lat='38.856650047254725' lon='-77.06364199776728' hae='9999999.0' ce='9999999.0'
        le='9999999.0' /></event>";
    assert_eq!(rules(judge("USA", COT, text)), ["position.outside_area"]);
}

#[test]
fn a_later_event_is_a_higher_revision() {
    let early = judge("GBR", COT, live()).unwrap();
    let late = judge("GBR", COT, live().replace("18:31:00.25Z", "18:31:01.25Z")).unwrap();
    assert_eq!(early.report_id, late.report_id);
    assert_eq!(early.revision + 1, late.revision);
}

#[test]
fn a_stream_of_events_is_split() {
    let stream = format!("{}\n{}{}", live(), MORTAR, live());
    let parts = formats::split(COT, stream.as_bytes()).unwrap();
    let numbers: Vec<_> = parts.iter().map(|part| part.number).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    assert_eq!(parts[1].content.as_ref(), MORTAR.as_bytes());
    assert_eq!(parts[2].place, "event 3");
    let torn = format!("{}\n<event", live());
    let parts = formats::split(COT, torn.as_bytes()).unwrap();
    assert_eq!(
        rules(judge("GBR", COT, &parts[1].content)),
        ["formats.xml_syntax"]
    );
    assert!(formats::split(COT, b" \n ").is_err());
}

//! Goal: the two forms are taken apart as their golden messages say, bounds hold, and no bytes
//! make a reader panic.

use super::*;
use crate::report::{Body, Sighting};
use proptest::prelude::*;

fn sighting(media_type: &str, text: &str) -> (Sighting, Report) {
    let mut report = read(media_type, text.as_bytes()).unwrap();
    match report.body.take() {
        Some(Body::Sighting(sighting)) => (*sighting, report),
        other => panic!("no sighting: {other:?}"),
    }
}

fn rule(media_type: &str, content: &[u8]) -> (String, &'static str) {
    let faults = read(media_type, content).unwrap_err();
    let fault = faults.first().unwrap();
    (fault.place.clone(), fault.rule)
}

#[test]
fn a_spotrep_in_one_line_is_taken_apart() {
    let (sighting, _) = sighting(
        "text/x-spotrep",
        "LINE 1 061830ZJAN26 / LINE 5 37U DP 10729 18760",
    );
    assert_eq!(sighting.observed_from.unwrap().text, "061830ZJAN26");
    let location = sighting.location.unwrap();
    assert_eq!(location.text, "37U DP 10729 18760");
    assert_eq!(location.reference_system, "MGRS");
    assert_eq!(sighting.means[0].text, "SPOTREP names no means");
    assert!(sighting.observations.is_empty());
}

#[test]
fn a_whole_spotrep_fills_every_field() {
    let text = "SPOTREP\n\
        LINE 1 – DTG: 061835ZJAN26\n\
        LINE 2 – UNIT: 2 Sqn\n\
        LINE 3 – SIZE: about 5\n\
        LINE 4 – ACTIVITY: heard explosions\n\
        LINE 5 – LOCATION: 37U DP 10729 18760\n\
        LINE 7 – TIME: 061830ZJAN26\n\
        LINE 8 – EQUIPMENT: MLRS (BM-21 Grad, 122mm)\n\
        LINE 9 – ASSESSMENT: B2\n\
        LINE 10 – NARRATIVE: quiet since\n\
        and dark\n\
        LINE 11 – AUTHENTICATION: QX\n\
        PHASE: outgoing\n";
    let (sighting, report) = sighting("text/x-spotrep; charset=UTF-8", text);
    let observation = &sighting.observations[0];
    assert_eq!(sighting.observed_from.unwrap().text, "061830ZJAN26");
    assert_eq!(observation.kind.as_ref().unwrap().text, "heard explosions");
    assert_eq!(observation.count.as_ref().unwrap().text, "about 5");
    assert_eq!(observation.phase.as_ref().unwrap().text, "outgoing");
    assert_eq!(
        observation.weapon.as_ref().unwrap().text,
        "MLRS (BM-21 Grad, 122mm)"
    );
    assert_eq!(sighting.means[0].text, "heard");
    let confidence = sighting.confidence.unwrap();
    assert_eq!(
        (confidence.source_reliability, confidence.credibility),
        ("B".into(), "2".into())
    );
    let narrative = &report.narratives[0].text;
    assert_eq!(
        narrative,
        "REPORTING UNIT: 2 Sqn\nNARRATIVE: quiet since\nand dark"
    );
}

#[test]
fn salute_has_labels_instead_of_numbers() {
    let text = "SIZE: 3\nLOCATION: 37UDP1072918760\nTIME: 061830ZJAN26\nEQUIPMENT: tank (T-72)";
    let (sighting, _) = sighting("TEXT/X-SPOTREP", text);
    let observation = &sighting.observations[0];
    assert_eq!(observation.kind.as_ref().unwrap().code, 8);
    assert_eq!(observation.count_basis, 3);
}

#[test]
fn a_ukrainian_report_is_taken_apart() {
    let (sighting, _) = sighting(
        "text/x-sk42-report",
        "06.01.2026 20:30; СК-42 Х=5320990 У=7410809; 3 од. РСЗВ БМ-21 «Град» 122 мм",
    );
    assert_eq!(sighting.observed_from.unwrap().text, "06.01.2026 20:30");
    assert_eq!(sighting.location.unwrap().text, "СК-42 Х=5320990 У=7410809");
    let observation = &sighting.observations[0];
    assert_eq!(observation.count.as_ref().unwrap().text, "3");
    assert_eq!(
        observation.weapon.as_ref().unwrap().text,
        "РСЗВ БМ-21 «Град» 122 мм"
    );
    assert_eq!(observation.kind.as_ref().unwrap().code, 8);
}

#[test]
fn ukrainian_labels_belong_to_the_observation_before_them() {
    let text = "06.01.2026 20:30\nХ=5320990 У=7410809\nблизько 5 вибухів; зброя: міномет 120 мм; \
                напрямок: 15-00; фаза: вихідний; спосіб: чули, бачили\nдостовірність: B2; \
                примітка: тихо";
    let (sighting, report) = sighting("text/x-sk42-report", text);
    let observation = &sighting.observations[0];
    assert_eq!(observation.kind.as_ref().unwrap().text, "вибухів");
    assert_eq!(observation.count.as_ref().unwrap().text, "близько 5");
    assert_eq!(observation.weapon.as_ref().unwrap().text, "міномет 120 мм");
    assert_eq!(observation.direction_from.as_ref().unwrap().text, "15-00");
    assert_eq!(sighting.means.len(), 2);
    assert_eq!(report.narratives[0].text, "тихо");
}

#[test]
fn faults_say_where() {
    let spotrep = "text/x-spotrep";
    assert_eq!(
        rule("text/csv", b"x"),
        ("media_type".into(), "formats.media_type")
    );
    assert_eq!(
        rule("text/x-spotrep; charset=koi8-u", b"x").1,
        "formats.media_type_parameter"
    );
    let fault = &read(spotrep, b"LINE 1 \xff").unwrap_err()[0];
    assert_eq!(
        (fault.rule, fault.message.as_str()),
        ("formats.not_utf8", "no UTF-8 at byte 7")
    );
    assert_eq!(rule(spotrep, b" \n ").1, "formats.empty");
    assert_eq!(rule(spotrep, b"hello").1, "formats.spotrep_line");
    assert_eq!(
        rule(spotrep, b"\nLINE 12 x"),
        ("line 2".into(), "formats.spotrep_line")
    );
    assert_eq!(
        rule(spotrep, b"LINE 1 x\nDTG: y").1,
        "formats.spotrep_twice"
    );
    assert_eq!(
        rule(spotrep, &vec![b'a'; PAYLOAD_BYTES_MAX + 1]).1,
        "formats.too_large"
    );
    assert_eq!(
        rule(spotrep, &b"a\n".repeat(600)).1,
        "formats.too_many_lines"
    );
    assert_eq!(rule(spotrep, &vec![b'a'; 9_000]).1, "formats.line_too_long");
    let sk42 = "text/x-sk42-report";
    assert_eq!(
        rule(sk42, "фаза: вихідний".as_bytes()).1,
        "formats.sk42_order"
    );
    assert_eq!(rule(sk42, "хтось: щось".as_bytes()).1, "formats.sk42_label");
    assert_eq!(
        rule(sk42, "достовірність: добра".as_bytes()).1,
        "formats.sk42_confidence"
    );
    let twice = "06.01.2026 20:30; 06.01.2026 20:31";
    assert_eq!(rule(sk42, twice.as_bytes()).1, "formats.sk42_twice");
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for media_type in media_types() {
            let _ = read(media_type, &bytes);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "(LINE ?[0-9]{0,2}|[ -;:/0-9А-яіїєA-z\u{2013}\n]){0,60}") {
        for media_type in media_types() {
            let _ = read(media_type, text.as_bytes());
        }
    }
}

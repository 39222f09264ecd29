//! The forms of lines, through the whole pipeline: SPOTREP and SALUTE, the British contact
//! report, and Ukrainian text reports.

use crate::support::{
    SK42, SPOTREP, envelope, judge, judge_in, near, refused, rules, sighting, traced,
};
use entente::record::{
    CountBasis, CountQualifier, Environment, FirePhase, Level, ObservationType, ObserverMeans,
    UncertaintyKind, WeaponClass,
};

#[test]
fn the_golden_spotrep_gives_time_and_place() {
    let text = "LINE 1 061830ZJAN26 / LINE 5 37U DP 10729 18760";
    // The golden message has no observation, which a record needs.
    assert_eq!(
        rules(judge("GBR", SPOTREP, text)),
        ["sighting.observations_missing"]
    );
    let record = judge("GBR", SPOTREP, format!("{text} / LINE 4 explosion")).expect("a record");
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:30:00Z"
    );
    let location = sighting.location.as_ref().unwrap();
    near(location.latitude_deg, 48.015_898_1, 1e-7);
    near(location.longitude_deg, 37.802_895_5, 1e-7);
    assert_eq!(location.horizontal_uncertainty_m, Some(0.71));
    assert_eq!(location.kind, Some(UncertaintyKind::CellBound));
    assert_eq!(sighting.means, [ObserverMeans::Saw]);
    assert_eq!(traced(&record, "vocabulary.ambiguous").len(), 1);
}

#[test]
fn a_british_contact_report_has_three_whats() {
    let text = "CONTACT REPORT\nWHEN: 061830ZJAN26\nWHERE: 37U DP 107 187\n\
                WHAT: heard explosions\nWHAT: we have taken cover\nWHAT: will observe\n";
    let record = judge("GBR", SPOTREP, text).expect("a record");
    let sighting = sighting(&record);
    assert_eq!(sighting.means, [ObserverMeans::Heard]);
    assert_eq!(
        sighting.observations[0].kind,
        Some(ObservationType::Explosion)
    );
    assert_eq!(
        record.narratives[0].text,
        "WHAT: we have taken cover\nWHAT: will observe"
    );
    // A third-figure grid is a cell of 100 m.
    let location = sighting.location.as_ref().unwrap();
    near(location.horizontal_uncertainty_m.unwrap(), 70.71, 0.01);
    // Without zone and square there is no place.
    let bare = text.replace("37U DP 107 187", "grid 107 187");
    assert!(judge("GBR", SPOTREP, bare).is_err());
}

#[test]
fn salute_is_read_by_letters_in_any_order_and_with_gaps() {
    let text = "SALUTE\nT - 061830ZJAN26\nE - tank (T-72)\nS – 3\nL: 37UDP1072918760\n";
    let record = judge("GBR", SPOTREP, text).expect("a record");
    let observation = &sighting(&record).observations[0];
    assert_eq!(observation.kind, Some(ObservationType::EquipmentPresent));
    assert_eq!(observation.count_basis, CountBasis::Item);
    assert_eq!(observation.count.as_ref().unwrap().max, Some(3));
    let one_line = "S: 3; A: moving; L: 37UDP1072918760; T: 061830ZJAN26; E: tank (T-72)";
    let record = judge("GBR", SPOTREP, one_line).expect("a record");
    assert_eq!(
        sighting(&record).observations[0].kind,
        Some(ObservationType::Movement)
    );
}

#[test]
fn a_letter_and_a_dash_in_a_story_are_prose() {
    let text = "TIME: 061830ZJAN26\nLOCATION: 37UDP1072918760\nACTIVITY: explosion\n\
                NARRATIVE: two houses\nE - of the river\nS: 3";
    let record = judge("GBR", SPOTREP, text).expect("a record");
    assert_eq!(
        record.narratives[0].text,
        "NARRATIVE: two houses\nE - of the river"
    );
    let observation = &sighting(&record).observations[0];
    assert_eq!(observation.weapon, None);
    assert_eq!(observation.count.as_ref().unwrap().max, Some(3));
}

#[test]
fn every_line_beside_the_form_is_read() {
    let text = "DTG: 061830ZJAN26\nFROM: 2 Sqn\nSIZE: about 4\nACTIVITY: explosions\n\
                LOCATION: 37UDP1072918760\nUNIT: unknown\nMEANS: heard; recorded\n\
                PHASE: outgoing\nDIRECTION: 15 gon\nEQUIPMENT: mortar (120mm)\n\
                ASSESSMENT: C3\nREMARKS: at night\nAUTHENTICATION: A1B2";
    let record = judge("FRA", SPOTREP, text).expect("a record");
    let sighting = sighting(&record);
    let means = [ObserverMeans::Heard, ObserverMeans::RecordedCamera];
    assert_eq!(sighting.means, means);
    let [observation] = sighting.observations.as_slice() else {
        panic!("{:?}", sighting.observations);
    };
    assert_eq!(observation.kind, Some(ObservationType::Explosion));
    assert_eq!(observation.phase, Some(FirePhase::Outgoing));
    near(observation.direction_from_deg.unwrap(), 13.5, 1e-9);
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(weapon.calibre_mm, [120.0]);
    let confidence = &sighting.confidence;
    assert_eq!(confidence.source_reliability, "C");
    assert_eq!(confidence.credibility, "3");
    assert_eq!(record.narratives[0].lang, "en");
    assert_eq!(
        record.narratives[0].text,
        "REPORTING UNIT: 2 Sqn\nUNIT: unknown\nNARRATIVE: at night"
    );
    // A confidence of its own stands above the assessment, and words are no code.
    let both = text.replace("C3\n", "a probing attack\nCONFIDENCE: B2\n");
    let record = judge("FRA", SPOTREP, both).expect("a record");
    assert_eq!(
        crate::support::sighting(&record).confidence.credibility,
        "2"
    );
    assert!(
        record.narratives[0]
            .text
            .contains("ASSESSMENT: a probing attack")
    );
}

#[test]
fn a_date_time_group_may_stand_behind_its_line() {
    let text = "LINE 3 - SIZE about 5 (061830ZJAN26)\nLINE 4 - ACTIVITY explosions (061830ZJAN26)\n\
                LINE 5 - LOCATION 37U DP 10729 18760";
    let record = judge("GBR", SPOTREP, text).expect("a record");
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:30:00Z"
    );
    let count = sighting.observations[0].count.as_ref().unwrap();
    assert_eq!(
        (count.min, count.qualifier),
        (Some(5), CountQualifier::About)
    );
    let differ = text.replacen("061830Z", "061900Z", 1);
    assert_eq!(
        refused(judge("GBR", SPOTREP, differ)),
        [("line 2".into(), "formats.spotrep_time")]
    );
    // The line for the time stands above what stands behind the others.
    let stated = format!("{text}\nTIME: 061845ZJAN26");
    let record = judge("GBR", SPOTREP, stated).expect("a record");
    let from = crate::support::sighting(&record).observed_from.utc;
    assert_eq!(from.to_string(), "2026-01-06T18:45:00Z");
}

#[test]
fn a_classification_line_is_the_marking() {
    let text = "CLASSIFICATION: SECRET\nTIME: 061830ZJAN26\nLOCATION: 37UDP1072918760\nACTIVITY: explosion";
    let record = judge("GBR", SPOTREP, text).expect("a record");
    assert_eq!(record.marking.level, Level::Secret);
    let foreign = text.replace("SECRET", "SECRETO");
    assert_eq!(rules(judge("GBR", SPOTREP, foreign)), ["marking.unknown"]);
}

#[test]
fn exercises_say_so_in_words() {
    for (media_type, nation, text) in [
        (
            SPOTREP,
            "GBR",
            "EXERCISE EXERCISE EXERCISE\nTIME: 061830ZJAN26\nLOCATION: 37UDP1072918760\nACTIVITY: explosion",
        ),
        (
            SK42,
            "UKR",
            "НАВЧАННЯ – НАВЧАННЯ\n06.01.2026 20:30; Х=5320990 У=7410809; 5 вибухів",
        ),
    ] {
        assert_eq!(
            rules(judge(nation, media_type, text)),
            ["formats.environment_differs"],
            "{text}"
        );
        let mut exercise = envelope(2);
        if nation == "UKR" {
            exercise.marking.as_mut().unwrap().text = "ДСК".to_owned();
        }
        let record = judge_in(nation, media_type, text, exercise).expect(text);
        assert_eq!(record.environment, Environment::Exercise);
    }
}

fn ukrainian(text: &str) -> Result<entente::record::Record, entente::normalise::Violations> {
    let mut marked = envelope(1);
    marked.marking.as_mut().unwrap().text = "ДСК".to_owned();
    judge_in("UKR", SK42, text, marked)
}

#[test]
fn the_golden_ukrainian_report() {
    let record =
        ukrainian("06.01.2026 20:30; СК-42 Х=5320990 У=7410809; 3 од. РСЗВ БМ-21 «Град» 122 мм")
            .expect("a record");
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:30:00Z"
    );
    let location = sighting.location.as_ref().unwrap();
    near(location.latitude_deg, 48.015_902_5, 1e-7);
    near(location.longitude_deg, 37.802_897_9, 1e-7);
    assert_eq!(location.transform_op, "EPSG:15865");
    let observation = &sighting.observations[0];
    assert_eq!(observation.count.as_ref().unwrap().max, Some(3));
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mlrs));
    assert_eq!(weapon.code_2525d, "15111600");
    assert_eq!(weapon.calibre_mm, [122.0]);
}

#[test]
fn a_ukrainian_report_may_bring_its_number_and_its_marking() {
    let record = ukrainian(
        "Донесення № 17/26\nГриф: Таємно\nчас: 06.01.2026 20:30\nкоординати: Х=5320990 У=7410809\n\
         близько 5 вибухів; фаза: вихідний; напрямок: 15-00; спосіб: чули",
    )
    .expect("a record");
    assert_eq!(record.report_id, "17/26");
    assert_eq!(record.marking.originator_marking, "Таємно");
    assert_eq!(record.marking.level, Level::Confidential);
    let sighting = sighting(&record);
    assert_eq!(sighting.means, [ObserverMeans::Heard]);
    let observation = &sighting.observations[0];
    assert_eq!(observation.phase, Some(FirePhase::Outgoing));
    near(observation.direction_from_deg.unwrap(), 90.0, 1e-9);
}

#[test]
fn every_label_of_a_ukrainian_report_is_read() {
    let record = ukrainian(
        "номер: № 18/26\n06.01.2026 20:30; до: 06.01.2026 20:45; Х=5320990 У=7410809\n\
         вибух; близько 5 вибухів; зброя: міномет 120 мм; фаза: вихідний\n\
         достовірність: C3; спосіб: чули, бачили; примітка: вночі",
    )
    .expect("a record");
    assert_eq!(record.report_id, "18/26");
    let sighting = sighting(&record);
    let until = sighting.observed_until.as_ref().expect("an end");
    assert_eq!(until.utc.to_string(), "2026-01-06T18:45:00Z");
    assert_eq!(sighting.means, [ObserverMeans::Heard, ObserverMeans::Saw]);
    assert_eq!(sighting.confidence.source_reliability, "C");
    assert_eq!(sighting.confidence.credibility, "3");
    let [first, second] = sighting.observations.as_slice() else {
        panic!("{:?}", sighting.observations);
    };
    assert_eq!(first.kind, Some(ObservationType::Explosion));
    assert_eq!(
        (&first.count, &first.weapon, first.phase),
        (&None, &None, None)
    );
    assert_eq!(second.kind, Some(ObservationType::Explosion));
    let count = second.count.as_ref().unwrap();
    assert_eq!(
        (count.min, count.qualifier),
        (Some(5), CountQualifier::About)
    );
    // A label says more of the observation before it.
    assert_eq!(second.phase, Some(FirePhase::Outgoing));
    let weapon = second.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Mortar));
    assert_eq!(weapon.calibre_mm, [120.0]);
    assert_eq!(record.narratives[0].text, "вночі");
    assert_eq!(record.narratives[0].lang, "uk");
}

#[test]
fn pieces_are_equipment_that_is_there() {
    for pieces in ["3 од. танк Т-72", "3 одиниці танк Т-72", "3 шт. танк Т-72"]
    {
        let text = format!("06.01.2026 20:30; Х=5320990 У=7410809; {pieces}");
        let record = ukrainian(&text).expect(pieces);
        let observation = &sighting(&record).observations[0];
        assert_eq!(observation.kind, Some(ObservationType::EquipmentPresent));
        assert_eq!(observation.count_basis, CountBasis::Item);
        assert_eq!(observation.count.as_ref().unwrap().max, Some(3));
        let weapon = observation.weapon.as_ref().unwrap();
        assert_eq!(weapon.class, Some(WeaponClass::Tank));
    }
}

#[test]
fn ukrainian_refusals_keep_their_reasons() {
    for (text, rule) in [
        ("06.01.2026 20:30; X=5527375 5286476; 5 вибухів", "position"),
        (
            "29.03.2026 03:30; Х=5320990 У=7410809; 5 вибухів",
            "time.wall_gap",
        ),
        ("06.01.2026 20:30; 6608-4; 5 вибухів", "position"),
    ] {
        let found = rules(ukrainian(text));
        assert!(
            found.iter().any(|found| found.starts_with(rule)),
            "{text}: {found:?}"
        );
    }
}

//! Tables of ceasefire violations: the golden row, prose in the cells, and tables that are none.

use crate::support::{OSCE, judge, judge_in, near, refused, rules, sighting};
use entente::formats;
use entente::record::{
    CountBasis, CountQualifier, FirePhase, ObservationType, ObserverMeans, PositionMethod, Record,
    WeaponClass,
};

const HEADER: &str =
    "SMM position;Event location;Means;No.;Observation;Description;Weapon;Date, time";

/// Message 1 of the golden set.
pub(crate) const GOLDEN: &str = "SMM position;Event location;Means;No.;Observation;Description;\
    Weapon;Date, time\nAvdiivka (48.1394, 37.7472); 2-3km NE; Recorded; 4; Explosion; \
    Undetermined; N/K; 06-Jan-2026, 20:41\n";

fn row(cells: &str) -> Record {
    judge("GBR", OSCE, format!("{HEADER}\n{cells}\n")).unwrap_or_else(|v| panic!("{cells}: {v:?}"))
}

#[test]
fn the_golden_row() {
    let record = judge("GBR", OSCE, GOLDEN).expect("a record");
    assert_eq!(record.report_id, "ENVELOPE-1");
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:41:00Z"
    );
    let location = sighting.location.as_ref().unwrap();
    near(location.latitude_deg, 48.155_296, 1e-6);
    near(location.longitude_deg, 37.770_960, 1e-6);
    near(location.horizontal_uncertainty_m.unwrap(), 705.0, 1.0);
    assert_eq!(location.method, PositionMethod::Relative);
    let relative = sighting.relative_location.as_ref().unwrap();
    near(relative.distance_min_m, 2_000.0, 1e-9);
    near(relative.distance_max_m, 3_000.0, 1e-9);
    near(relative.azimuth_true_deg, 45.0, 1e-9);
    near(relative.sector_half_width_deg, 11.25, 1e-9);
    assert_eq!(sighting.means, [ObserverMeans::RecordedCamera]);
    let observer = sighting.observer_position.as_ref().unwrap();
    near(observer.latitude_deg, 48.1394, 1e-9);
    let place = sighting.place.as_ref().unwrap();
    assert_eq!(place.name_as_reported, "Avdiivka");
    let observation = &sighting.observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Explosion));
    let count = observation.count.as_ref().unwrap();
    assert_eq!((count.min, count.max), (Some(4), Some(4)));
    assert_eq!(count.qualifier, CountQualifier::Exact);
    assert_eq!(observation.count_basis, CountBasis::Individual);
    assert_eq!(observation.phase, Some(FirePhase::Undetermined));
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::Undetermined));
}

#[test]
fn prose_in_the_cells_is_understood() {
    // No-break blanks and hyphens, an en dash, words for numbers, a day without a year.
    let record = row(
        "SMM camera in Avdiivka (48.1394, 37.7472, non-government-controlled);\
         1.4\u{2013}1.6\u{a0}km south\u{2011}east;Heard, Saw;about 640;Burst;In flight W to E;\
         HMG;6\u{2011}Jan, 20:41",
    );
    let sighting = sighting(&record);
    assert_eq!(
        sighting.observed_from.utc.to_string(),
        "2026-01-06T18:41:00Z"
    );
    assert!(sighting.observed_from.inferred);
    let relative = sighting.relative_location.as_ref().unwrap();
    near(relative.distance_min_m, 1_400.0, 1e-6);
    near(relative.azimuth_true_deg, 135.0, 1e-9);
    assert_eq!(sighting.means, [ObserverMeans::Heard, ObserverMeans::Saw]);
    let place = sighting.place.as_ref().unwrap();
    assert_eq!(
        place.control_status_as_reported,
        "non-government-controlled"
    );
    let observation = &sighting.observations[0];
    let count = observation.count.as_ref().unwrap();
    assert_eq!(
        (count.min, count.qualifier),
        (Some(640), CountQualifier::About)
    );
    assert_eq!(observation.phase, Some(FirePhase::InFlight));
    near(observation.direction_from_deg.unwrap(), 270.0, 1e-9);
    near(observation.direction_to_deg.unwrap(), 90.0, 1e-9);
    let weapon = observation.weapon.as_ref().unwrap();
    assert_eq!(weapon.class, Some(WeaponClass::MachineGunHeavy));
}

#[test]
fn what_a_cell_does_not_know_stays_unknown() {
    let record = row(
        "Avdiivka (48.1394, 37.7472);N/K SW;Heard;N/K;Explosion;Outgoing;mortar (82mm);06-Jan-2026, 20:41",
    );
    let sighting = sighting(&record);
    assert!(sighting.location.is_none());
    assert_eq!(
        sighting.location_unknown_reason,
        "distance not known; direction SW of Avdiivka"
    );
    let observation = &sighting.observations[0];
    assert_eq!(observation.count, None);
    assert_eq!(observation.phase, Some(FirePhase::Outgoing));
    assert_eq!(observation.weapon.as_ref().unwrap().calibre_mm, [82.0]);
}

#[test]
fn an_airburst_is_an_observation_of_its_own() {
    let record =
        row("Avdiivka (48.1394, 37.7472);2-3km NE;Saw;1;Explosion;Airburst;-;06-Jan-2026, 20:41");
    let observation = &sighting(&record).observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Airburst));
    assert_eq!(observation.phase, None);
    assert_eq!(observation.weapon, None);
}

#[test]
fn a_weapon_behind_an_assessment_is_assessed() {
    for (description, assessed) in [("Assessed as outgoing", true), ("Outgoing", false)] {
        let record = row(&format!(
            "Avdiivka (48.1394, 37.7472);2-3km NE;Heard;7;Explosion;{description};mortar;\
             06-Jan-2026, 20:41"
        ));
        let observation = &sighting(&record).observations[0];
        assert_eq!(observation.phase, Some(FirePhase::Outgoing));
        let weapon = observation.weapon.as_ref().unwrap();
        assert_eq!(weapon.class, Some(WeaponClass::Mortar));
        assert_eq!(weapon.assessed, assessed, "{description}");
    }
}

#[test]
fn an_airburst_may_be_assessed_too() {
    let record = row(
        "Avdiivka (48.1394, 37.7472);2-3km NE;Saw;1;Explosion;Airburst (assessed);mortar;\
         06-Jan-2026, 20:41",
    );
    let observation = &sighting(&record).observations[0];
    assert_eq!(observation.kind, Some(ObservationType::Airburst));
    assert!(observation.weapon.as_ref().unwrap().assessed);
}

/// Degrees in brackets are degrees in a nation too whose own positions are something else.
#[test]
fn the_position_in_brackets_is_in_degrees_for_every_nation() {
    for nation in ["FRA", "UKR", "USA"] {
        let marking = if nation == "UKR" {
            "ДСК"
        } else {
            "NATO RESTRICTED"
        };
        let mut envelope = crate::support::envelope(1);
        envelope.marking.as_mut().unwrap().text = marking.to_owned();
        let record = judge_in(nation, OSCE, GOLDEN, envelope).expect(nation);
        let observer = sighting(&record).observer_position.as_ref().unwrap();
        assert_eq!(
            (observer.latitude_deg, observer.source_crs.as_ref()),
            (48.1394, "EPSG:4326"),
            "{nation}"
        );
    }
}

#[test]
fn columns_are_found_by_name_in_any_order_and_delimiter() {
    for (delimiter, quote) in [(",", "\""), ("\t", ""), (";", "\"")] {
        let cells = [
            ("Report ID", "SMM-1"),
            ("Date", "06-Jan-2026"),
            ("Time", "20:41"),
            ("OBSERVATION", "Shot"),
            ("Number", "at least 14"),
            ("Means", "Heard"),
            ("Event location", "3km N of Avdiivka (48.1394, 37.7472)"),
            ("Confidence", "B2"),
            ("Remarks", "windy, \"\"loud\"\""),
        ];
        let line = |of: fn(&(&str, &str)) -> String| {
            let cells: Vec<_> = cells
                .iter()
                .map(|cell| format!("{quote}{}{quote}", of(cell)))
                .collect();
            cells.join(delimiter)
        };
        let table = format!(
            "{}\r\n{}\r\n\r\n",
            line(|cell| cell.0.to_owned()),
            line(|cell| cell.1.to_owned())
        );
        let table = match quote {
            "" => table.replace("\"\"", ""),
            _ => table,
        };
        let record = judge("GBR", OSCE, &table).expect(&table);
        assert_eq!(record.report_id, "SMM-1");
        assert_eq!(
            record.narratives[0].text.replace('"', ""),
            "Remarks: windy, loud"
        );
        let sighting = sighting(&record);
        assert_eq!(sighting.confidence.source_reliability, "B");
        assert_eq!(sighting.confidence.credibility, "2");
        let count = sighting.observations[0].count.as_ref().unwrap();
        assert_eq!(count.qualifier, CountQualifier::AtLeast);
    }
}

#[test]
fn a_table_is_split_into_rows_with_their_header() {
    let table = format!(
        "{GOLDEN}\"Avdiivka (48.1394,\n37.7472)\";1km N;Saw;1;Shot;Outgoing;-;06-Jan-2026, 20:42\n;;;;;;;\n"
    );
    let found = refused(judge("GBR", OSCE, &table));
    assert_eq!(found, [("content".into(), "formats.osce_rows")]);
    let parts = formats::split(OSCE, table.as_bytes()).unwrap();
    assert_eq!(parts.len(), 2);
    let places: Vec<_> = parts.iter().map(|part| part.place.as_str()).collect();
    assert_eq!(places, ["row 1, line 2", "row 2, line 3"]);
    for part in &parts {
        judge("GBR", OSCE, &part.content).expect("a record");
    }
    let first = std::str::from_utf8(&parts[0].content).unwrap();
    assert_eq!(first, GOLDEN);
}

#[test]
fn tables_that_are_none_are_refused_with_their_line() {
    let cells = "Avdiivka (48.1394, 37.7472);2-3km NE;Saw;1;Shot;Outgoing;-;06-Jan-2026, 20:41";
    for (table, place, rule) in [
        (format!("{HEADER}\n"), "content", "formats.osce_rows"),
        ("a,b\n1,2".to_owned(), "line 1", "formats.osce_header"),
        (
            format!("{HEADER};Means\n{cells};x"),
            "line 1",
            "formats.osce_header",
        ),
        (
            format!("\n{HEADER}\n{cells};x"),
            "line 3",
            "formats.osce_cells",
        ),
        (
            format!("{HEADER}\n\"{cells}"),
            "content",
            "formats.osce_quote",
        ),
        (
            format!("{HEADER}\n;2-3km NE;Saw;1;Shot;Outgoing;-;06-Jan-2026, 20:41"),
            "line 2",
            "formats.osce_anchor",
        ),
    ] {
        let found = refused(judge("GBR", OSCE, &table));
        assert_eq!(found[0], (place.to_owned(), rule), "{table}");
    }
    // Three columns are missing, and all three are told.
    assert_eq!(rules(judge("GBR", OSCE, "a,b\n1,2")).len(), 3);
}

#[test]
fn what_the_normaliser_cannot_believe_is_its_to_refuse() {
    let table = format!(
        "{HEADER}\nAvdiivka (48.1394, 37.7472);2-3km NE;;1;Shot;Outgoing;-;29-Mar-2026, 03:30"
    );
    let found = rules(judge("GBR", OSCE, table));
    assert!(found.contains(&"sighting.means_missing"), "{found:?}");
    assert!(found.contains(&"time.wall_gap"), "{found:?}");
}

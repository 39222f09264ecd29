//! Equipment, sensors and supplies: numbers in range, `on hand <= authorised`, and
//! `fully + partially + not capable = on hand`, each over what was given.

use super::people::{adds_up, at_most, believable};
use crate::normalise::lexicon;
use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::normalise::phrase::fold;
use crate::normalise::{Profile, vocabulary};
use crate::record;
use crate::report;

static EQUIPMENT: Rule = Rule::new(
    "contribution.equipment",
    "equipment names what it is, and there are few rows",
    "domain.md 10",
);
static ON_HAND: Rule = Rule::new(
    "contribution.on_hand",
    "no more items are on hand than authorised",
    "domain.md 6.2",
);
static CAPABLE: Rule = Rule::new(
    "contribution.capable",
    "fully, partially and not capable together are the items on hand",
    "domain.md 6.2",
);
static SENSOR: Rule = Rule::new(
    "contribution.sensor",
    "a sensor names its type; range and availability are in range and no sentinels",
    "domain.md 10",
);
static UAS_CLASS: Rule = Rule::new(
    "contribution.uas_class",
    "a class of unmanned aircraft to NATO's or the OSCE's name for it; an unknown one stays as it is",
    "domain.md 6.2",
);
static SUPPLY: Rule = Rule::new(
    "contribution.supply",
    "supplies are days from 0 to ten years",
    "domain.md 10",
);

/// Most rows of equipment, and of sensors.
const ROWS_MAX: usize = 500;

/// Longest text of a sensor, bytes.
const TEXT_BYTES_MAX: usize = 256;

/// Longest range of a sensor, metres; no sensor on Earth sees round it.
const RANGE_M_MAX: f64 = 5_000_000.0;

/// Ten years.
const DAYS_MAX: f64 = 3_660.0;

pub(super) fn equipment(
    rows: Vec<report::Equipment>,
    profile: &Profile,
    notes: &mut Notes,
) -> Vec<record::Equipment> {
    if rows.len() > ROWS_MAX {
        let message = format!("{} rows", rows.len());
        notes.violate(
            "equipment",
            &EQUIPMENT,
            message,
            format!("at most {ROWS_MAX}"),
        );
        return Vec::new();
    }
    let rows = rows.into_iter().enumerate();
    rows.filter_map(|(index, row)| {
        notes.within_item("equipment", index, |notes| item(row, profile, notes))
    })
    .collect()
}

fn item(row: report::Equipment, profile: &Profile, notes: &mut Notes) -> Option<record::Equipment> {
    let on_hand = ("quantity_on_hand", row.quantity_on_hand);
    let authorised = ("quantity_authorised", row.quantity_authorised);
    for (field, number) in [
        authorised,
        on_hand,
        ("quantity_fmc", row.quantity_fmc),
        ("quantity_pmc", row.quantity_pmc),
        ("quantity_nmc", row.quantity_nmc),
    ] {
        believable(field, number, notes);
    }
    at_most(on_hand, authorised, &ON_HAND, notes);
    let parts = [row.quantity_fmc, row.quantity_pmc, row.quantity_nmc];
    adds_up(
        &parts,
        row.quantity_on_hand,
        "quantity_on_hand",
        &CAPABLE,
        notes,
    );
    let Some(equipment) = row.equipment else {
        let expected = "class and model, as text or code";
        notes.violate("equipment", &EQUIPMENT, "not given", expected);
        return None;
    };
    Some(record::Equipment {
        equipment: vocabulary::weapon(equipment, profile, "equipment", notes),
        quantity_authorised: row.quantity_authorised,
        quantity_on_hand: row.quantity_on_hand,
        quantity_fmc: row.quantity_fmc,
        quantity_pmc: row.quantity_pmc,
        quantity_nmc: row.quantity_nmc,
    })
}

pub(super) fn sensors(rows: Vec<report::Sensor>, notes: &mut Notes) -> Vec<record::Sensor> {
    if rows.len() > ROWS_MAX {
        let message = format!("{} sensors", rows.len());
        notes.violate("sensors", &SENSOR, message, format!("at most {ROWS_MAX}"));
        return Vec::new();
    }
    let judge = |(index, row): (usize, report::Sensor)| {
        notes.within_item("sensors", index, |notes| sensor(row, notes))
    };
    rows.into_iter().enumerate().map(judge).collect()
}

fn sensor(row: report::Sensor, notes: &mut Notes) -> record::Sensor {
    if row.kind.trim().is_empty() {
        notes.violate(
            "type",
            &SENSOR,
            "not given",
            "the type in the nation's words",
        );
    }
    for (field, text) in [("type", &row.kind), ("uas_class", &row.uas_class)] {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("{} bytes are too long", text.len());
            notes.violate(
                field,
                &SENSOR,
                message,
                format!("at most {TEXT_BYTES_MAX} bytes"),
            );
        }
    }
    within("range_m", row.range_m, RANGE_M_MAX, &SENSOR, notes);
    within(
        "availability_pct",
        row.availability_pct,
        100.0,
        &SENSOR,
        notes,
    );
    record::Sensor {
        kind: row.kind,
        uas_class: uas_class(row.uas_class, notes),
        range_m: row.range_m,
        availability_pct: row.availability_pct,
    }
}

fn uas_class(given: String, notes: &mut Notes) -> String {
    if given.trim().is_empty() || given.len() > TEXT_BYTES_MAX {
        return given;
    }
    let known = lexicon::shipped().ok();
    let known = known.and_then(|lexicon| lexicon.uas_class(&fold(&given)));
    match known {
        Some(class) if class == given => given,
        Some(class) => {
            notes.trace("uas_class", &UAS_CLASS, bounded(&given), class.to_owned());
            class.to_owned()
        }
        None => {
            notes.warn("uas_class", &UAS_CLASS, bounded(&given), "kept as text");
            given
        }
    }
}

pub(super) fn sustainment(
    supplies: Option<report::Sustainment>,
    notes: &mut Notes,
) -> Option<record::Sustainment> {
    let supplies = supplies?;
    notes.within("sustainment", |notes| {
        within("fuel_days", supplies.fuel_days, DAYS_MAX, &SUPPLY, notes);
        within("water_days", supplies.water_days, DAYS_MAX, &SUPPLY, notes);
        within(
            "rations_days",
            supplies.rations_days,
            DAYS_MAX,
            &SUPPLY,
            notes,
        );
        within(
            "medical_days",
            supplies.medical_days,
            DAYS_MAX,
            &SUPPLY,
            notes,
        );
    });
    Some(record::Sustainment {
        fuel_days: supplies.fuel_days,
        water_days: supplies.water_days,
        rations_days: supplies.rations_days,
        medical_days: supplies.medical_days,
    })
}

/// A violation where a number is negative, not finite, or beyond its limit.
fn within(field: &str, value: Option<f64>, max: f64, rule: &'static Rule, notes: &mut Notes) {
    if let Some(value) = value
        && !(0.0..=max).contains(&value)
    {
        let message = format!("{} is out of range", quoted(&value.to_string()));
        let expected = format!("0 to {max}; leave it out when it is not known");
        notes.violate(field, rule, message, expected);
    }
}

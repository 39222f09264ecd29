//! Contributions: every field, and the invariants that numbers and dates must keep.
//! Absent is not zero: an invariant is judged only over what was given.

mod area;
mod notice;
mod people;
mod things;
mod totals;

pub use totals::{Excess, Totals};

use super::notes::{Notes, Rule, quoted};
use super::{Context, Profile, code, position, time, vocabulary};
use crate::record::{self, CaveatCode, CommitmentStage, ContributionKind};
use crate::report;
use jiff::civil::Date;

static ID: Rule = Rule::new(
    "contribution.id",
    "a contribution has an immutable id of visible ASCII and is not its own parent",
    "domain.md 10",
);
static DATES: Rule = Rule::new(
    "contribution.dates",
    "first days are not after last days, and the first day of the offer is given",
    "domain.md 6.2",
);
static STAGE: Rule = Rule::new(
    "contribution.stage",
    "what is only pledged, committed or allocated is not there yet",
    "domain.md 6.2",
);
static TEXT: Rule = Rule::new(
    "contribution.text",
    "names and symbols are short",
    "report.proto",
);
static CONTACT: Rule = Rule::new(
    "contribution.contact",
    "a point of contact is a role: no address, no number, no person",
    "domain.md 10",
);
static CAVEAT: Rule = Rule::new(
    "contribution.caveat",
    "a caveat has a code or a text, and there are few",
    "domain.md 6.2",
);
static NEEDED: Rule = Rule::new(
    "contribution.needed",
    "a contribution says what it consists of: people for PERSONNEL and UNIT",
    "domain.md 10",
);

/// Longest id, bytes.
const ID_BYTES_MAX: usize = 128;

/// Longest name, symbol or role, bytes.
const TEXT_BYTES_MAX: usize = 256;

/// Longest caveat, bytes.
const CAVEAT_BYTES_MAX: usize = 2_000;

/// Most caveats.
const CAVEATS_MAX: usize = 64;

/// Digits in a point of contact beyond which it is a number to call.
const CONTACT_DIGITS_MAX: usize = 5;

/// A contribution; `None` with violations where it cannot stand. Says its fields below
/// `contribution`.
pub fn contribution(
    report: report::Contribution,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<record::Contribution> {
    notes.within("contribution", |notes| {
        let before = notes.violation_count();
        let built = build(report, context, notes);
        built.filter(|_| notes.violation_count() == before)
    })
}

fn build(
    report: report::Contribution,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<record::Contribution> {
    let profile = context.profile;
    let as_of = time::instant(report.as_of.as_ref(), context, "as_of", notes);
    ids(&report, notes);
    texts(&report, notes);
    let kind = vocabulary::contribution_kind(report.kind.as_ref(), profile, "kind", notes);
    let stage = vocabulary::stage(report.stage.as_ref(), profile, "stage", notes);
    let status = report.operational_status.as_ref();
    let operational_status = vocabulary::status(status, profile, "operational_status", notes);
    let dates = dates(&report, context, notes);
    let personnel = people::personnel(&report.personnel, notes);
    let equipment = things::equipment(report.equipment, profile, notes);
    let sensors = things::sensors(report.sensors, notes);
    let sustainment = things::sustainment(report.sustainment, notes);
    needed(kind, &personnel, notes);
    not_yet(stage, &personnel, notes);
    let notice_to_move_h = notice::hours(report.notice_to_move.as_ref(), notes);
    let location = report.location.as_ref().and_then(|location| {
        let at = position::location_anywhere(location, profile, "location", notes);
        at.map(|(point, _)| point)
    });
    let area = area::polygon(
        report.area_of_responsibility_geojson,
        profile.rules(),
        notes,
    );
    let caveats = caveats(report.caveats, profile, notes);
    let dates = dates?;
    Some(record::Contribution {
        as_of: as_of?,
        period_start: dates.period_start,
        period_end: dates.period_end,
        contribution_id: report.contribution_id,
        parent_contribution_id: report.parent_contribution_id,
        kind: kind?,
        stage: stage?,
        unit_name: report.unit_name,
        unit_size: report.unit_size,
        unit_symbol: report.unit_symbol,
        personnel,
        equipment,
        sensors,
        operational_status: operational_status?,
        notice_to_move_h,
        location,
        area_of_responsibility_geojson: area,
        sustainment,
        caveats,
        valid_from: dates.valid_from,
        valid_until: dates.valid_until,
        rotation_date: dates.rotation_date,
        point_of_contact_role: report.point_of_contact_role,
    })
}

fn ids(report: &report::Contribution, notes: &mut Notes) {
    let id = &report.contribution_id;
    let parent = &report.parent_contribution_id;
    let fits = |id: &str| {
        (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
    };
    let expected = format!("1 to {ID_BYTES_MAX} bytes of visible ASCII");
    if !fits(id) {
        let message = format!("{} is no id", quoted(id));
        notes.violate("contribution_id", &ID, message, expected.clone());
    }
    if !parent.is_empty() && !fits(parent) {
        let message = format!("{} is no id", quoted(parent));
        notes.violate("parent_contribution_id", &ID, message, expected);
    }
    if !parent.is_empty() && parent == id {
        let message = "a contribution cannot be part of itself";
        let expected = "the id of another contribution, or nothing";
        notes.violate("parent_contribution_id", &ID, message, expected);
    }
}

fn texts(report: &report::Contribution, notes: &mut Notes) {
    for (field, text) in [
        ("unit_name", &report.unit_name),
        ("unit_size", &report.unit_size),
        ("unit_symbol", &report.unit_symbol),
        ("point_of_contact_role", &report.point_of_contact_role),
    ] {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("{} bytes are too long", text.len());
            notes.violate(
                field,
                &TEXT,
                message,
                format!("at most {TEXT_BYTES_MAX} bytes"),
            );
        }
    }
    let symbol = &report.unit_symbol;
    if !symbol
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-*".contains(&b))
    {
        let message = format!("{} is no symbol code", quoted(symbol));
        let expected = "a MIL-STD-2525 or APP-6 code: letters, digits, `-` and `*`";
        notes.violate("unit_symbol", &TEXT, message, expected);
    }
    let contact = &report.point_of_contact_role;
    let digits = contact.chars().filter(char::is_ascii_digit).count();
    if contact.contains('@') || contact.contains("://") || digits > CONTACT_DIGITS_MAX {
        // Not repeated in the message: it may be somebody's address.
        let message = "this looks like an address or a number";
        let expected = "a role, such as `watch officer, operations`";
        notes.violate("point_of_contact_role", &CONTACT, message, expected);
    }
}

struct Dates {
    period_start: Option<Date>,
    period_end: Option<Date>,
    valid_from: Date,
    valid_until: Option<Date>,
    rotation_date: Option<Date>,
}

fn dates(report: &report::Contribution, context: &Context<'_>, notes: &mut Notes) -> Option<Dates> {
    let mut date = |text: &str, field| time::date(text, context.profile, field, notes);
    let period_start = date(&report.period_start, "period_start");
    let period_end = date(&report.period_end, "period_end");
    let valid_from = date(&report.valid_from, "valid_from");
    let valid_until = date(&report.valid_until, "valid_until");
    let rotation_date = date(&report.rotation_date, "rotation_date");
    if report.valid_from.trim().is_empty() {
        notes.violate(
            "valid_from",
            &DATES,
            "not given",
            "the first day it is offered",
        );
    }
    for (first, last, field) in [
        (period_start, period_end, "period_end"),
        (valid_from, valid_until, "valid_until"),
        (valid_from, rotation_date, "rotation_date"),
    ] {
        if let (Some(first), Some(last)) = (first, last)
            && last < first
        {
            let message = format!("{last} is before the first day, {first}");
            notes.violate(field, &DATES, message, format!("{first} or later"));
        }
    }
    Some(Dates {
        period_start,
        period_end,
        valid_from: valid_from?,
        valid_until,
        rotation_date,
    })
}

fn needed(kind: Option<ContributionKind>, personnel: &[record::Personnel], notes: &mut Notes) {
    let people = matches!(
        kind,
        Some(ContributionKind::Personnel | ContributionKind::Unit)
    );
    if people && personnel.is_empty() {
        let expected = "a row for each category of people; deployed 0 where nobody is deployed";
        notes.violate("personnel", &NEEDED, "not given", expected);
    }
}

/// Points out people who are deployed before their stage says so.
fn not_yet(stage: Option<CommitmentStage>, personnel: &[record::Personnel], notes: &mut Notes) {
    use CommitmentStage::{Allocated, Committed, Pledged};
    let Some(stage @ (Pledged | Committed | Allocated)) = stage else {
        return;
    };
    for (index, row) in personnel.iter().enumerate() {
        if let Some(deployed) = row.deployed.filter(|deployed| *deployed > 0) {
            notes.within_item("personnel", index, |notes| {
                let output = format!("kept, although the stage is {}", stage.name());
                notes.warn("deployed", &STAGE, deployed.to_string(), output);
            });
        }
    }
}

fn caveats(
    caveats: Vec<report::Caveat>,
    profile: &Profile,
    notes: &mut Notes,
) -> Vec<record::Caveat> {
    if caveats.len() > CAVEATS_MAX {
        let message = format!("{} caveats", caveats.len());
        notes.violate(
            "caveats",
            &CAVEAT,
            message,
            format!("at most {CAVEATS_MAX}"),
        );
        return Vec::new();
    }
    let judge = |(index, caveat): (usize, report::Caveat)| {
        notes.within_item("caveats", index, |notes| {
            let code = code::optional::<CaveatCode>(caveat.code, "code", notes);
            let text = caveat.text;
            if text.len() > CAVEAT_BYTES_MAX {
                let message = format!("{} bytes are too long", text.len());
                let expected = format!("at most {CAVEAT_BYTES_MAX} bytes");
                notes.violate("text", &CAVEAT, message, expected);
            }
            if caveat.code == 0 && text.trim().is_empty() {
                notes.violate("", &CAVEAT, "says nothing", "a code, or a text");
            }
            let named =
                (caveat.code == 0).then(|| vocabulary::caveat(&text, profile, "code", notes));
            let code = code.or_else(|| named.flatten());
            record::Caveat { code, text }
        })
    };
    caveats.into_iter().enumerate().map(judge).collect()
}

#[cfg(test)]
mod tests;

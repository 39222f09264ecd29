//! Times as nations write them, to UTC: RFC 3339, date-time groups, wall time in a zone.
//! A wall time that does not exist, or exists twice, is refused; what is missing of a date is
//! inferred from the time of receipt within narrow limits, and says so.

mod dtg;
mod wall;
mod written;

use super::notes::{Notes, Rule, bounded, quoted};
use super::{Context, Profile};
use crate::record::{Instant, Text};
use crate::report;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use written::{Months, Place, Written, Zone};

static MISSING: Rule = Rule::new("time.missing", "a required time is given", "report.proto");
static ONE_FORM: Rule = Rule::new(
    "time.one_form",
    "a time is given once: as text or as UTC",
    "report.proto",
);
static RANGE: Rule = Rule::new(
    "time.range",
    "a timestamp lies in the years 1 to 9999, its nanoseconds in 0 to 999999999",
    "google.protobuf.Timestamp",
);
static FUTURE: Rule = Rule::new(
    "time.future",
    "what is reported has happened: its time is not after the time of receipt",
    "domain.md 3.1",
);
static PAST: Rule = Rule::new(
    "time.past",
    "a time years ago is a mistake of the year",
    "domain.md 3.1",
);
static UNREADABLE: Rule = Rule::new(
    "time.unreadable",
    "a time is RFC 3339, a date-time group, or a date and wall time",
    "domain.md 3.1",
);
static ZONE_UNKNOWN: Rule = Rule::new(
    "time.zone_unknown",
    "a zone is a name of the IANA database",
    "domain.md 3.1",
);
static ZONE_CONFLICT: Rule = Rule::new(
    "time.zone_conflict",
    "the text does not name another zone than the report does",
    "domain.md 3.1",
);
static ZONE_MISSING: Rule = Rule::new(
    "time.zone_missing",
    "a wall time, or the letter J, needs a zone: the report's or the profile's",
    "domain.md 3.1",
);
static RFC3339: Rule = Rule::new("time.offset", "a time with its offset from UTC", "RFC 3339");
static DTG: Rule = Rule::new(
    "time.dtg",
    "a date-time group; letters are fixed offsets, 2400 is the next midnight",
    "domain.md 3.1",
);
static WALL: Rule = Rule::new(
    "time.wall",
    "wall time by the rules of its zone",
    "domain.md 3.1; IANA time zone database",
);
static INFERRED: Rule = Rule::new(
    "time.inferred",
    "a month or year that is not given is the latest that is not after the time of receipt",
    "domain.md 3.1",
);
static DATE: Rule = Rule::new("time.date", "a day in the nation's way", "domain.md 3.1");

const FORMS: &str = "`2026-01-06T18:30:00Z`, a date-time group such as `061830ZJAN26`, or a wall \
                     time such as `06.01.2026 20:30` or `06-Jan-2026, 20:41`";

/// Years that a day of a contribution may lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;

/// Why a text is no time.
struct Fault {
    rule: &'static Rule,
    message: Text,
    expected: Text,
}

impl Fault {
    fn new(rule: &'static Rule, message: impl Into<Text>, expected: impl Into<Text>) -> Self {
        Self {
            rule,
            message: message.into(),
            expected: expected.into(),
        }
    }
}

/// A required time, to UTC; `None` with a violation where it is missing or wrong.
pub fn instant(
    time: Option<&report::Time>,
    context: &Context<'_>,
    field: &str,
    notes: &mut Notes,
) -> Option<Instant> {
    let time = time.filter(|time| time.utc.is_some() || !time.text.trim().is_empty());
    let Some(time) = time else {
        notes.violate(field, &MISSING, "not given", FORMS);
        return None;
    };
    let instant = match (time.utc, time.text.trim()) {
        (Some(utc), "") => typed(utc, field, notes)?,
        (Some(_), _) => {
            let message = "both text and utc";
            notes.violate(field, &ONE_FORM, message, "either text or utc");
            return None;
        }
        (None, text) => from_text(text, &time.zone, context, field, notes)?,
    };
    within_reach(instant.utc, context, field, notes)?;
    Some(instant)
}

fn typed(utc: report::WireTime, field: &str, notes: &mut Notes) -> Option<Instant> {
    let Some(utc) = utc.timestamp() else {
        let message = format!("{} s, {} ns is no timestamp", utc.seconds, utc.nanos);
        let expected = "seconds in the years 1 to 9999, nanoseconds from 0 to 999999999";
        notes.violate(field, &RANGE, message, expected);
        return None;
    };
    Some(Instant {
        utc,
        precision_s: None,
        inferred: false,
    })
}

/// An optional timestamp of the contract that is not after the time of receipt.
pub(super) fn timestamp(
    utc: report::WireTime,
    context: &Context<'_>,
    field: &str,
    notes: &mut Notes,
) -> Option<Timestamp> {
    let instant = typed(utc, field, notes)?;
    within_reach(instant.utc, context, field, notes)?;
    Some(instant.utc)
}

/// `None` with a violation where the time is after receipt or far in the past.
fn within_reach(
    utc: Timestamp,
    context: &Context<'_>,
    field: &str,
    notes: &mut Notes,
) -> Option<()> {
    let rules = context.profile.rules();
    let received_s = context.received_at.as_second();
    let ahead_s = utc.as_second() - received_s;
    if ahead_s > i64::from(rules.clock_ahead_s_max) {
        let message = format!("{utc} is {ahead_s} s after the time of receipt");
        let expected = format!(
            "at most {} s after {}; check the clock, the zone and the date",
            rules.clock_ahead_s_max, context.received_at
        );
        notes.violate(field, &FUTURE, message, expected);
        return None;
    }
    if ahead_s < -86_400 * i64::from(rules.age_days_max) {
        let expected = format!("at most {} days before receipt", rules.age_days_max);
        notes.violate(field, &PAST, format!("{utc} is long ago"), expected);
        return None;
    }
    Some(())
}

fn from_text(
    text: &str,
    zone: &str,
    context: &Context<'_>,
    field: &str,
    notes: &mut Notes,
) -> Option<Instant> {
    let read = read(text, zone, context);
    match read {
        Ok((instant, rule)) => {
            if instant.inferred {
                notes.warn(field, &INFERRED, bounded(text), instant.utc.to_string());
            }
            notes.trace(field, rule, bounded(text), instant.utc.to_string());
            Some(instant)
        }
        Err(fault) => {
            notes.violate(field, fault.rule, fault.message, fault.expected);
            None
        }
    }
}

fn read(text: &str, zone: &str, context: &Context<'_>) -> Result<(Instant, &'static Rule), Fault> {
    let profile = context.profile;
    let months = Months::of(profile);
    let unreadable =
        |why: String| Fault::new(&UNREADABLE, format!("{}: {why}", quoted(text)), FORMS);
    let (written, rule) = if dtg::looks_like(text) {
        (dtg::parse(text, months).map_err(unreadable)?, &DTG)
    } else {
        let written = wall::parse(text, months).map_err(unreadable)?;
        let rule = match written.place {
            Place::Offset(_) => &RFC3339,
            Place::Wall | Place::Named(_) => &WALL,
        };
        (written, rule)
    };
    let zone = match written.place {
        Place::Offset(offset) => TimeZone::fixed(offset),
        Place::Wall => zone_of(zone, profile)?,
        Place::Named(named) => {
            let other = !zone.trim().is_empty() && iana(zone.trim()) != named.iana;
            if other {
                return Err(Fault::new(
                    &ZONE_CONFLICT,
                    format!("{} and {} are two zones", quoted(text), quoted(zone)),
                    "one zone",
                ));
            }
            zone_of(named.iana, profile)?
        }
    };
    let (utc, inferred) = resolve(&written, &zone, context, text)?;
    let instant = Instant {
        utc,
        precision_s: Some(written.precision_s),
        inferred,
    };
    Ok((instant, rule))
}

/// The name in the IANA database of a zone that prose names.
fn iana(name: &str) -> &str {
    match Zone::named(name) {
        Some(zone) => zone.iana,
        None => name,
    }
}

/// The zone of a wall time: the report's, else the profile's.
fn zone_of(name: &str, profile: &Profile) -> Result<TimeZone, Fault> {
    const NAME_BYTES_MAX: usize = 64;
    let name = name.trim();
    if name.is_empty() {
        return profile.zone().cloned().ok_or_else(|| {
            Fault::new(
                &ZONE_MISSING,
                "a local time without a zone",
                "a zone such as `Europe/Kyiv`, in the report or in the nation's profile; or UTC",
            )
        });
    }
    Some(name)
        .filter(|name| name.len() <= NAME_BYTES_MAX)
        .and_then(|name| TimeZone::get(iana(name)).ok())
        .ok_or_else(|| {
            Fault::new(
                &ZONE_UNKNOWN,
                format!("{} is no zone", quoted(name)),
                "a name of the IANA database such as `Europe/Kyiv`",
            )
        })
}

/// The one instant that is meant, and whether a part of its date was inferred.
fn resolve(
    written: &Written,
    zone: &TimeZone,
    context: &Context<'_>,
    text: &str,
) -> Result<(Timestamp, bool), Fault> {
    let rules = context.profile.rules();
    if written.year.is_some() {
        return written.at(zone, text).map(|utc| (utc, false));
    }
    let ahead = jiff::SignedDuration::from_secs(i64::from(rules.clock_ahead_s_max));
    let limit = context
        .received_at
        .saturating_add(ahead)
        .unwrap_or(Timestamp::MAX);
    for (year, month) in written.months_back_from(limit) {
        let candidate = Written {
            year: Some(year),
            month: Some(month),
            ..*written
        };
        // A month without such a day is no candidate; a wall time in a gap is a fault.
        if candidate.date().is_none() {
            continue;
        }
        let utc = candidate.at(zone, text)?;
        if utc > limit {
            continue;
        }
        let age_s = context.received_at.as_second() - utc.as_second();
        if age_s > 86_400 * i64::from(rules.inferred_age_days_max) {
            break;
        }
        return Ok((utc, true));
    }
    Err(Fault::new(
        &INFERRED,
        format!("{} has no full date", quoted(text)),
        format!(
            "month and year; they are inferred only within {} days before receipt",
            rules.inferred_age_days_max
        ),
    ))
}

/// A day as the nation writes it; `None` where it is empty, and with a violation where it is
/// wrong.
pub fn date(text: &str, profile: &Profile, field: &str, notes: &mut Notes) -> Option<Date> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let date = wall::parse_date(text, Months::of(profile));
    let date = date.ok().filter(|date| YEARS.contains(&date.year()));
    let Some(date) = date else {
        notes.violate(
            field,
            &UNREADABLE,
            format!("{} is no day", quoted(text)),
            "for example `2026-01-06`, `06.01.2026` or `06-Jan-2026`, from 1990 to 2100",
        );
        return None;
    };
    let plain = date.to_string();
    if plain != text {
        notes.trace(field, &DATE, bounded(text), plain);
    }
    Some(date)
}

#[cfg(test)]
mod tests;

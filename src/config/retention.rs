//! The section `[retention]`: how long the feed is kept.

use super::reader::Table;
use super::sections::{MIB, secs};
use super::units::{parse_bytes, parse_duration};
use crate::record::Level;
use crate::retention::Settings;
use std::time::Duration;

/// Most special categories that have an age of their own.
const SPECIAL_MAX: usize = 64;
/// Longest age.
const AGE_MAX: Duration = secs(36_500 * DAY_S);
const DAY_S: u64 = 24 * 3600;
/// Smallest bound of the log, bytes.
const BYTES_MIN: u64 = MIB;

/// Reads the section; with the jetstream engine it may not be there.
pub(super) fn read(mut table: Table<'_>, is_stream: bool) -> Settings {
    let given = table.names();
    let age = age(&mut table, "age");
    let (mut of_levels, names) = table.named_table("levels");
    let mut settings = Settings {
        age,
        ..Settings::default()
    };
    for name in names {
        let own = self::age(&mut of_levels, &name);
        match (Level::from_name(&name.to_uppercase()), own) {
            (Some(level), Some(age)) => {
                settings.levels.insert(level, age);
            }
            (None, _) => {
                let known: Vec<_> = Level::ALL.iter().map(|level| level.name()).collect();
                of_levels.problem(&name, format!("is no level; expected {}", known.join(", ")));
            }
            (Some(_), None) => {}
        }
    }
    of_levels.finish();
    let (mut of_special, names) = table.named_table("special");
    if names.len() > SPECIAL_MAX {
        of_special.problem(
            "",
            format!("{} categories; at most {SPECIAL_MAX}", names.len()),
        );
    }
    for name in names.into_iter().take(SPECIAL_MAX) {
        if let Some(age) = self::age(&mut of_special, &name) {
            settings.special.insert(name, age);
        }
    }
    of_special.finish();
    settings.bytes_max = bytes_max(&mut table);
    let range = secs(1)..=AGE_MAX;
    settings.age_min = table.duration("age_min", settings.age_min, range);
    check(&settings, &table);
    if is_stream && let Some(first) = given.first() {
        let message = "the jetstream engine does not support retention yet: its stream allows no \
                       deletion; take the section [retention] out, or use the embedded engine \
                       (journal.engine) for a feed that must forget";
        table.problem(first, message);
    }
    table.finish();
    settings
}

fn check(settings: &Settings, table: &Table<'_>) {
    let ages = settings.levels.values().chain(settings.special.values());
    let shortest = ages.chain(settings.age.iter()).min();
    if shortest.is_some_and(|age| *age < secs(DAY_S)) {
        table.warning(
            "age",
            "an age is shorter than a day: who was away for a day misses records",
        );
    }
    if settings.bytes_max.is_some() && settings.age_min < secs(3600) {
        table.warning(
            "age_min",
            "whoever submits much pushes records out within the hour",
        );
    }
}

fn age(table: &mut Table<'_>, name: &str) -> Option<Duration> {
    let text = table.text(name, "\"1s\" to \"36500d\"")?;
    let age = parse_duration(text.trim()).filter(|age| (secs(1)..=AGE_MAX).contains(age));
    if age.is_none() {
        let message =
            format!("`{text}` is not allowed; expected \"1s\" to \"36500d\", such as \"90d\"");
        table.problem(name, message);
    }
    age
}

fn bytes_max(table: &mut Table<'_>) -> Option<u64> {
    let text = table.text("bytes_max", "at least \"1MiB\"")?;
    let bytes = parse_bytes(text.trim()).filter(|bytes| *bytes >= BYTES_MIN);
    if bytes.is_none() {
        let message = format!(
            "`{text}` is not allowed; expected a size of at least \"1MiB\", such as \"500GiB\""
        );
        table.problem("bytes_max", message);
    }
    bytes
}

//! A date and time as written, perhaps without month and year, and how it becomes an instant.

use super::Fault;
use crate::normalise::notes::{Rule, quoted};
use crate::normalise::profile::Profile;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

static IMPOSSIBLE: Rule = Rule::new(
    "time.impossible",
    "a time has a day of its month, hours to 24:00, minutes and seconds below 60",
    "domain.md 3.1",
);
static GAP: Rule = Rule::new(
    "time.wall_gap",
    "a wall time that the change to summer time leaves out does not exist",
    "domain.md 3.1",
);
static ABBREVIATION: Rule = Rule::new(
    "time.zone_abbreviation",
    "an abbreviation that tells summer from winter holds at the time that it stands with",
    "domain.md 3.1",
);
static FOLD: Rule = Rule::new(
    "time.wall_ambiguous",
    "a wall time that the change to winter time repeats needs its offset",
    "domain.md 3.1",
);

/// Where a clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At a fixed offset from UTC.
    Offset(Offset),
    /// On a wall in a zone that the text does not name.
    Wall,
    /// On a wall in a zone that the text names.
    Named(&'static Zone),
}

/// A zone as prose names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Small letters, no points.
    name: &'static str,
    /// Its name in the IANA database.
    pub(super) iana: &'static str,
    /// Where the name tells summer from winter: hours from UTC.
    hours: Option<i8>,
}

impl Zone {
    /// The zone of a name in any case. `EET` and "Eastern European Time" are Kyiv's wall clock, as
    /// OSCE reports write it all the year round; the other abbreviations are what they say.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        const fn zone(name: &'static str, iana: &'static str, hours: Option<i8>) -> Zone {
            Zone { name, iana, hours }
        }
        static ZONES: [Zone; 19] = [
            zone("eet", "Europe/Kyiv", None),
            zone("eastern european time", "Europe/Kyiv", None),
            zone("kyiv time", "Europe/Kyiv", None),
            zone("kyiv", "Europe/Kyiv", None),
            zone("за київським часом", "Europe/Kyiv", None),
            zone("за києвом", "Europe/Kyiv", None),
            zone("по киевскому времени", "Europe/Kyiv", None),
            zone("heure de kyiv", "Europe/Kyiv", None),
            zone("kiewer zeit", "Europe/Kyiv", None),
            zone("eest", "Europe/Kyiv", Some(3)),
            zone("moscow time", "Europe/Moscow", None),
            zone("msk", "Europe/Moscow", Some(3)),
            zone("мск", "Europe/Moscow", Some(3)),
            zone("по московскому времени", "Europe/Moscow", None),
            zone("cet", "Europe/Paris", Some(1)),
            zone("cest", "Europe/Paris", Some(2)),
            zone("mez", "Europe/Berlin", Some(1)),
            zone("mesz", "Europe/Berlin", Some(2)),
            zone("bst", "Europe/London", Some(1)),
        ];
        let name = name.trim().trim_end_matches('.').to_lowercase();
        ZONES.iter().find(|zone| zone.name == name)
    }

    fn offset(&self) -> Option<Offset> {
        Offset::from_hours(self.hours?).ok()
    }
}

/// A date and time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) year: Option<i16>,
    /// Given wherever the year is.
    pub(super) month: Option<i8>,
    pub(super) day: i8,
    /// 24 only with 00:00 behind it: the end of the day.
    pub(super) hour: i8,
    pub(super) minute: i8,
    pub(super) second: i8,
    pub(super) nanosecond: i32,
    /// The finest unit given.
    pub(super) precision_s: u32,
    pub(super) place: Place,
}

impl Written {
    /// The day, if it exists.
    pub(super) fn date(&self) -> Option<Date> {
        Date::new(self.year?, self.month?, self.day).ok()
    }

    /// The instant in `zone`.
    pub(super) fn at(&self, zone: &TimeZone, text: &str) -> Result<Timestamp, Fault> {
        let impossible = || {
            Fault::new(
                &IMPOSSIBLE,
                format!("{} is no time that exists", quoted(text)),
                "a day of the month, 00:00 to 24:00, seconds below 60",
            )
        };
        let date = self.date().ok_or_else(impossible)?;
        let midnight_after = self.hour == 24;
        let ends_day = self.minute == 0 && self.second == 0 && self.nanosecond == 0;
        if midnight_after && !ends_day {
            return Err(impossible());
        }
        let (date, hour) = if midnight_after {
            (date.tomorrow().map_err(|_| impossible())?, 0)
        } else {
            (date, self.hour)
        };
        let time = jiff::civil::Time::new(hour, self.minute, self.second, self.nanosecond)
            .map_err(|_| impossible())?;
        let wall = date.to_datetime(time);
        let ambiguous = zone.to_ambiguous_timestamp(wall);
        let said = match self.place {
            Place::Named(zone) => zone.offset(),
            Place::Offset(_) | Place::Wall => None,
        };
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } if said.is_none_or(|said| said == offset) => {
                offset.to_timestamp(wall).map_err(|_| impossible())
            }
            AmbiguousOffset::Unambiguous { offset } => Err(Fault::new(
                &ABBREVIATION,
                format!(
                    "{} names another offset than UTC{offset}, which holds then",
                    quoted(text)
                ),
                format!("`{wall}{offset}`, or the offset that was meant"),
            )),
            AmbiguousOffset::Fold { before, after }
                if said.is_some_and(|said| said == before || said == after) =>
            {
                let said = said.ok_or_else(impossible)?;
                said.to_timestamp(wall).map_err(|_| impossible())
            }
            AmbiguousOffset::Gap { before, after } => Err(Fault::new(
                &GAP,
                format!(
                    "{} does not exist: clocks go from UTC{before} to UTC{after}",
                    quoted(text)
                ),
                "a wall time that exists, or UTC",
            )),
            AmbiguousOffset::Fold { before, after } => Err(Fault::new(
                &FOLD,
                format!(
                    "{} happens twice, at UTC{before} and UTC{after}",
                    quoted(text)
                ),
                format!("the offset: `{wall}{before}` or `{wall}{after}`"),
            )),
        }
    }

    /// Years and months that may be meant, latest first, where one of them is not given.
    pub(super) fn months_back_from(&self, limit: Timestamp) -> Vec<(i16, i8)> {
        // A day ahead, because east of Greenwich tomorrow has begun.
        let day = jiff::SignedDuration::from_hours(24);
        let limit = limit.saturating_add(day).unwrap_or(limit);
        let date = Offset::UTC.to_datetime(limit).date();
        let (year, month) = (date.year(), date.month());
        if let Some(given) = self.month {
            return (0..=1).map(|back| (year - back, given)).collect();
        }
        (0..=2)
            .map(|back| {
                if month > back {
                    (year, month - back)
                } else {
                    (year - 1, month + 12 - back)
                }
            })
            .collect()
    }
}

/// Names of months: the nation's, and the English ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Months<'p>(&'p Profile);

impl<'p> Months<'p> {
    pub(super) const fn of(profile: &'p Profile) -> Self {
        Self(profile)
    }

    /// Whether the day comes first in dates with slashes.
    pub(super) fn slashed_day_first(self) -> bool {
        self.0.slashed_day_first()
    }

    /// The number of a month. The nation's own names come first: `LIP` and `LIS` are other
    /// months in Zagreb than in Warsaw.
    pub(super) fn number(self, name: &str) -> Option<i8> {
        const ENGLISH: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let name = name.trim_end_matches('.');
        if let Some(month) = self.0.month(name) {
            return Some(month);
        }
        let lower = name.to_lowercase();
        let lower = if lower == "sept" { "sep" } else { &lower };
        let index = ENGLISH
            .iter()
            .position(|full| *full == lower || full.get(..3) == Some(lower))?;
        i8::try_from(index + 1).ok()
    }
}

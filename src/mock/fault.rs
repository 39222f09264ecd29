//! Mistakes that a mock partner makes on purpose, each with the rule that must refuse it.

use super::grid::Degrees;
use super::seed::Draws;
use super::tongue::{Tongue, wgs84};
use crate::wire::proto::{
    AngleUnit, Report, ReportedBearing, ReportedLocation, ReportedSighting, report,
};
use bytes::Bytes;
use prost::Message as _;

/// A mistake in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Names another nation than the certificate's.
    AnotherNation,
    /// An MGRS reference with an odd number of figures.
    OddGrid,
    /// Latitude and longitude swapped.
    Swapped,
    /// An MGRS reference whose zone lost a digit: it lies in the Pacific.
    FarAway,
    /// A marking that the nation does not use.
    UnknownMarking,
    /// Says nothing of what was observed.
    NoObservation,
    /// Does not say whether it is about the real world.
    NoEnvironment,
    /// Bytes that are no report.
    Unparsable,
    /// A bearing without a unit.
    BareBearing,
    /// Observed a week from now.
    Tomorrow,
    /// A wall time that the spring change of clocks leaves out.
    SkippedHour,
    /// Gauss-Krueger numbers in zone 5 that do not say which is north.
    UnlabelledGrid,
    /// Revision 0.
    NoRevision,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::AnotherNation,
        Self::OddGrid,
        Self::Swapped,
        Self::FarAway,
        Self::UnknownMarking,
        Self::NoObservation,
        Self::NoEnvironment,
        Self::Unparsable,
        Self::BareBearing,
        Self::Tomorrow,
        Self::SkippedHour,
        Self::UnlabelledGrid,
        Self::NoRevision,
    ];

    /// One that a partner of this nation might make.
    #[must_use]
    pub fn drawn(tongue: Tongue, draws: &mut Draws) -> Option<Self> {
        let candidate = draws.below(Self::ALL.len() as u64);
        let fault = Self::ALL.get(usize::try_from(candidate).ok()?).copied()?;
        fault.suits(tongue).then_some(fault)
    }

    /// Whether a partner of this nation might make it.
    #[must_use]
    pub const fn suits(self, tongue: Tongue) -> bool {
        match self {
            Self::OddGrid | Self::FarAway => matches!(tongue, Tongue::Gbr | Tongue::Deu),
            Self::Swapped => matches!(tongue, Tongue::Fra | Tongue::Pol),
            Self::SkippedHour | Self::UnlabelledGrid => matches!(tongue, Tongue::Ukr),
            Self::AnotherNation
            | Self::UnknownMarking
            | Self::NoObservation
            | Self::NoEnvironment
            | Self::Unparsable
            | Self::BareBearing
            | Self::Tomorrow
            | Self::NoRevision => true,
        }
    }

    /// For people.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::AnotherNation => "names another nation",
            Self::OddGrid => "grid reference with an odd number of figures",
            Self::Swapped => "latitude and longitude swapped",
            Self::FarAway => "zone lost a digit: a place in the Pacific",
            Self::UnknownMarking => "a marking that nobody knows",
            Self::NoObservation => "does not say what was observed",
            Self::NoEnvironment => "does not say whether it is real",
            Self::Unparsable => "bytes that are no report",
            Self::BareBearing => "a bearing without a unit",
            Self::Tomorrow => "observed a week from now",
            Self::SkippedHour => "a wall time that does not exist",
            Self::UnlabelledGrid => "grid numbers that do not say which is north",
            Self::NoRevision => "revision 0",
        }
    }

    /// The rule that must refuse it.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::AnotherNation => "report.nation",
            Self::OddGrid => "position.mgrs_unreadable",
            Self::Swapped => "position.axes_swapped",
            Self::FarAway => "position.outside_area",
            Self::UnknownMarking => "marking.unknown",
            Self::NoObservation => "sighting.observations_missing",
            Self::NoEnvironment => "code.missing",
            Self::Unparsable => "wire.unparsable",
            Self::BareBearing => "bearing.unit_missing",
            Self::Tomorrow => "time.future",
            Self::SkippedHour => "time.wall_gap",
            Self::UnlabelledGrid => "position.axis_order_missing",
            Self::NoRevision => "report.revision",
        }
    }

    /// The report with the mistake in it, serialised.
    #[must_use]
    pub fn applied(self, mut report: Report, tongue: Tongue, now_unix_s: i64) -> Bytes {
        const WEEK_S: i64 = 7 * 24 * 3600;
        match self {
            Self::AnotherNation => {
                let other = if tongue == Tongue::Fra { "DEU" } else { "FRA" };
                report.nation = other.into();
            }
            Self::UnknownMarking => {
                report.marking.get_or_insert_default().text = "SECRETO".into();
            }
            Self::NoEnvironment => report.environment = 0,
            Self::NoRevision => report.revision = 0,
            Self::Unparsable => {
                // Field 1 says that 100 bytes follow, and none do.
                return Bytes::from_static(&[0x0a, 0x64]);
            }
            Self::OddGrid => locate(&mut report, &odd_grid(), "MGRS"),
            Self::FarAway => locate(&mut report, "07UDP1072918760", "MGRS"),
            Self::UnlabelledGrid => locate(&mut report, "5527375 5286476", "SK-42"),
            Self::Swapped => {
                let east_first = Degrees {
                    latitude: 37.8029,
                    longitude: 48.0159,
                };
                on_sighting(&mut report, |sighting| {
                    sighting.location = Some(wgs84(east_first));
                });
            }
            Self::NoObservation => on_sighting(&mut report, |s| s.observations.clear()),
            Self::BareBearing => on_sighting(&mut report, |sighting| {
                for observation in &mut sighting.observations {
                    observation.direction_from = Some(ReportedBearing {
                        value: Some(1_600.0),
                        unit: AngleUnit::Unspecified.into(),
                        ..ReportedBearing::default()
                    });
                }
            }),
            Self::Tomorrow => on_sighting(&mut report, |sighting| {
                sighting.observed_from = Some(tongue.time(now_unix_s + WEEK_S));
            }),
            Self::SkippedHour => on_sighting(&mut report, |sighting| {
                if let Some(time) = &mut sighting.observed_from {
                    time.text = "29.03.2026 03:30".into();
                    time.utc = None;
                }
            }),
        }
        report.encode_to_vec().into()
    }
}

fn odd_grid() -> String {
    "37UDP107291876".into()
}

fn locate(report: &mut Report, text: &str, reference_system: &str) {
    on_sighting(report, |sighting| {
        sighting.location = Some(ReportedLocation {
            text: text.into(),
            reference_system: reference_system.into(),
            ..ReportedLocation::default()
        });
    });
}

fn on_sighting(report: &mut Report, change: impl FnOnce(&mut ReportedSighting)) {
    if let Some(report::Body::Sighting(sighting)) = &mut report.body {
        change(sighting);
    }
}

//! The rule by which two sightings may describe the same event. Pure; says what it compared and
//! with which limits, and judges nothing.

use crate::record::{Count, CountBasis, FirePhase, ObservationType, WeaponClass};
use crate::wire::event::{Event, Seen};
use geographiclib_rs::{Geodesic, InverseGeodesic as _};
use std::sync::LazyLock;

/// The rule's name.
pub const RULE: &str = "corroboration.same-event";
/// Its version: raised with every change of what it links.
pub const RULE_VERSION: u32 = 1;

/// Clocks and attention of two observers differ by so much, seconds.
const APART_S: i64 = 120;
/// Precision of a time whose originator names none, seconds.
pub(super) const PRECISION_ASSUMED_S: u32 = 60;
/// A time that is less exact places no event, seconds.
pub(super) const PRECISION_S_MAX: u32 = 3_600;
/// What lasted longer is no single event, seconds.
pub(super) const LASTED_S_MAX: i64 = 3_600;
/// Longest time between two sightings of one event, seconds.
pub(super) const APART_S_MAX: i64 = APART_S + 2 * PRECISION_S_MAX as i64;
/// An event is no point: so far apart may exact positions of it be, metres.
const APART_M: f64 = 200.0;
/// Of a standard deviation, so many.
const SIGMAS: f64 = 3.0;
/// Uncertainty of a place whose originator names none, one standard deviation, metres.
pub(super) const UNCERTAINTY_ASSUMED_M: f64 = 500.0;
/// Places that are less certain together say nothing, metres.
pub(super) const REACH_M_MAX: f64 = 20_000.0;
/// Calibres that differ by less are the same, millimetres.
const CALIBRE_TOLERANCE_MM: f64 = 0.5;

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// What two sightings have in common, and the limits that were asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Time between them, seconds; 0: they overlap.
    pub apart_s: i64,
    /// Longest that the rule allows for these two, seconds.
    pub apart_limit_s: i64,
    /// Distance between them, metres.
    pub distance_m: f64,
    /// Longest that the rule allows for these two, metres.
    pub distance_limit_m: f64,
    /// The kinds that both saw.
    pub shared: Vec<Shared>,
    /// A time or a place came without its uncertainty, and the rule's own was taken.
    pub is_assumed: bool,
}

/// A kind of observation that both saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// The kind.
    pub kind: ObservationType,
    /// The phase that both give. `None`: one of them gives none.
    pub phase: Option<FirePhase>,
    /// The class that both give. `None`: one of them gives none.
    pub weapon: Option<WeaponClass>,
    /// Both counts with what they count; only where both count the same. Never added up.
    pub counts: Option<(CountBasis, Count, Count)>,
}

/// Whether a sighting says enough of when and where to be compared.
#[must_use]
pub(super) fn is_comparable(event: &Event) -> bool {
    event.until_unix_s.saturating_sub(event.from_unix_s) <= LASTED_S_MAX
        && event
            .precision_s
            .is_none_or(|seconds| seconds <= PRECISION_S_MAX)
        && reach_m(event) <= REACH_M_MAX
        && event.point.0.abs() <= 90.0
        && event.point.1.is_finite()
}

/// What two sightings of different nations have in common, if the rule takes them for possible
/// descriptions of the same event.
#[must_use]
pub fn compare(first: &Event, second: &Event) -> Option<Match> {
    let apart_s = (first.from_unix_s.saturating_sub(second.until_unix_s))
        .max(second.from_unix_s.saturating_sub(first.until_unix_s))
        .max(0);
    let precision_s = |event: &Event| i64::from(event.precision_s.unwrap_or(PRECISION_ASSUMED_S));
    let apart_limit_s = APART_S + precision_s(first) + precision_s(second);
    if apart_s > apart_limit_s {
        return None;
    }
    let shared = shared(first, second);
    if shared.is_empty() {
        return None;
    }
    let distance_limit_m = APART_M + reach_m(first).hypot(reach_m(second));
    if distance_limit_m > REACH_M_MAX {
        return None;
    }
    let (one, other) = (first.point, second.point);
    let distance_m: f64 = WGS84.inverse(one.0, one.1, other.0, other.1);
    let is_assumed = [first, second]
        .iter()
        .any(|event| event.precision_s.is_none() || event.uncertainty_m.is_none());
    (distance_m <= distance_limit_m).then_some(Match {
        apart_s,
        apart_limit_s,
        distance_m,
        distance_limit_m,
        shared,
        is_assumed,
    })
}

/// How far the place reaches, metres: a bound is one, a standard deviation counts threefold.
fn reach_m(event: &Event) -> f64 {
    match event.uncertainty_m {
        Some(bound_m) if event.is_bound => bound_m,
        Some(deviation_m) => SIGMAS * deviation_m,
        None => SIGMAS * UNCERTAINTY_ASSUMED_M,
    }
}

/// For each kind the first pair that agrees.
fn shared(first: &Event, second: &Event) -> Vec<Shared> {
    let mut shared: Vec<Shared> = Vec::new();
    for one in &first.seen {
        if shared.iter().any(|known| known.kind == one.kind) {
            continue;
        }
        shared.extend(second.seen.iter().find_map(|other| agreed(one, other)));
    }
    shared
}

/// What is known to both must not differ.
fn agreed(one: &Seen, other: &Seen) -> Option<Shared> {
    if one.kind != other.kind || one.kind == ObservationType::Other {
        return None;
    }
    let phase = both(
        one.phase.filter(|phase| *phase != FirePhase::Undetermined),
        other
            .phase
            .filter(|phase| *phase != FirePhase::Undetermined),
    )?;
    let weapon = both(
        one.weapon
            .filter(|class| *class != WeaponClass::Undetermined),
        other
            .weapon
            .filter(|class| *class != WeaponClass::Undetermined),
    )?;
    let same = |a: &f64| {
        let mut others = other.calibre_mm.iter();
        others.any(|b| (a - b).abs() < CALIBRE_TOLERANCE_MM)
    };
    let calibres_differ = !one.calibre_mm.is_empty()
        && !other.calibre_mm.is_empty()
        && !one.calibre_mm.iter().any(same);
    if calibres_differ {
        return None;
    }
    let basis = one
        .basis
        .filter(|basis| *basis != CountBasis::Unknown && Some(*basis) == other.basis);
    Some(Shared {
        kind: one.kind,
        phase,
        weapon,
        counts: basis
            .zip(one.count.zip(other.count))
            .map(|(basis, (one, other))| (basis, one, other)),
    })
}

/// `None`: they are known and differ. Else what both know.
#[expect(
    clippy::option_option,
    reason = "disagreement, and nothing to agree on"
)]
fn both<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(Some(one)),
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CountQualifier;

    fn seen(kind: ObservationType) -> Seen {
        Seen {
            kind,
            count: None,
            basis: None,
            phase: None,
            weapon: None,
            calibre_mm: Vec::new(),
        }
    }

    /// An explosion at a minute, to the minute, at a point good to 10 m.
    fn event(from_unix_s: i64, north_m: f64) -> Event {
        Event {
            from_unix_s,
            until_unix_s: from_unix_s,
            precision_s: Some(60),
            // Metres to degrees, good enough at 48 degrees north for limits of metres.
            point: (48.0 + north_m / 111_200.0, 37.8),
            uncertainty_m: Some(10.0),
            is_bound: false,
            seen: vec![seen(ObservationType::Explosion)],
        }
    }

    fn linked(first: &Event, second: &Event) -> bool {
        let there = compare(first, second).is_some();
        assert_eq!(there, compare(second, first).is_some(), "it has no order");
        there
    }

    #[test]
    fn time_and_its_precision_decide() {
        let first = event(0, 0.0);
        let found = compare(&first, &event(240, 0.0)).unwrap();
        assert_eq!((found.apart_s, found.apart_limit_s), (240, 240));
        assert!(!found.is_assumed);
        assert!(!linked(&first, &event(241, 0.0)));
        let vague = Event {
            precision_s: None,
            ..event(240, 0.0)
        };
        assert!(compare(&first, &vague).unwrap().is_assumed);
        let long = Event {
            until_unix_s: 600,
            ..first
        };
        let found = compare(&long, &event(600, 0.0)).unwrap();
        assert_eq!(found.apart_s, 0);
        assert!(linked(&long, &event(840, 0.0)));
        assert!(!linked(&long, &event(841, 0.0)));
    }

    #[test]
    fn distance_and_uncertainty_decide() {
        let first = event(0, 0.0);
        // 200 m and three times the root of twice the square of 10 m: 242.4 m.
        assert!(linked(&first, &event(0, 241.0)));
        assert!(!linked(&first, &event(0, 244.0)));
        let cell = |north_m| Event {
            uncertainty_m: Some(707.0),
            is_bound: true,
            ..event(0, north_m)
        };
        // A bound counts once: 200 m and the root of 707 and 30 squared: 907.6 m.
        assert!(linked(&first, &cell(905.0)));
        assert!(!linked(&first, &cell(912.0)));
        let unknown = |north_m| Event {
            uncertainty_m: None,
            ..event(0, north_m)
        };
        assert!(compare(&first, &unknown(1_600.0)).unwrap().is_assumed);
        assert!(!linked(&first, &unknown(1_720.0)));
    }

    #[test]
    fn what_says_nothing_of_its_place_or_time_is_compared_with_nothing() {
        assert!(is_comparable(&event(0, 0.0)));
        let far = Event {
            uncertainty_m: Some(7_000.0),
            ..event(0, 0.0)
        };
        let day = Event {
            precision_s: Some(86_400),
            ..event(0, 0.0)
        };
        let long = Event {
            until_unix_s: 3_601,
            ..event(0, 0.0)
        };
        for (name, event) in [("far", far), ("day", day), ("long", long)] {
            assert!(!is_comparable(&event), "{name}");
        }
        let wide = Event {
            uncertainty_m: Some(5_000.0),
            ..event(0, 0.0)
        };
        assert!(!linked(&wide, &wide), "together they reach too far");
    }

    #[test]
    fn kinds_phases_weapons_and_calibres_must_not_differ() {
        let of = |seen: Seen| Event {
            seen: vec![seen],
            ..event(0, 0.0)
        };
        let plain = seen(ObservationType::Explosion);
        let phase = |phase| Seen {
            phase: Some(phase),
            ..plain.clone()
        };
        let weapon = |class| Seen {
            weapon: Some(class),
            ..plain.clone()
        };
        let calibre = |calibre_mm: &[f64]| Seen {
            calibre_mm: calibre_mm.to_vec(),
            ..plain.clone()
        };
        let other = seen(ObservationType::Other);
        for (is_linked, one, two) in [
            (true, plain.clone(), plain.clone()),
            (false, plain.clone(), seen(ObservationType::Burst)),
            (false, other.clone(), other),
            (true, phase(FirePhase::Impact), plain.clone()),
            (
                true,
                phase(FirePhase::Impact),
                phase(FirePhase::Undetermined),
            ),
            (false, phase(FirePhase::Impact), phase(FirePhase::Outgoing)),
            (true, weapon(WeaponClass::Mlrs), plain.clone()),
            (
                false,
                weapon(WeaponClass::Mlrs),
                weapon(WeaponClass::Mortar),
            ),
            (true, calibre(&[120.0, 122.0]), calibre(&[122.0])),
            (false, calibre(&[120.0]), calibre(&[122.0])),
            (true, calibre(&[120.0]), calibre(&[])),
        ] {
            assert_eq!(
                linked(&of(one.clone()), &of(two.clone())),
                is_linked,
                "{one:?} {two:?}"
            );
        }
    }

    #[test]
    fn counts_stand_side_by_side_only_where_both_count_the_same() {
        let of = |basis, number| Event {
            seen: vec![Seen {
                basis: Some(basis),
                count: Some(Count {
                    min: Some(number),
                    max: Some(number),
                    qualifier: CountQualifier::Exact,
                }),
                ..seen(ObservationType::Explosion)
            }],
            ..event(0, 0.0)
        };
        let counts = |one, other| compare(&one, &other).unwrap().shared.remove(0).counts;
        let (basis, five, six) =
            counts(of(CountBasis::Individual, 5), of(CountBasis::Individual, 6)).unwrap();
        assert_eq!(
            (basis, five.min, six.min),
            (CountBasis::Individual, Some(5), Some(6))
        );
        let mixed = counts(of(CountBasis::Individual, 5), of(CountBasis::Episode, 5));
        assert_eq!(mixed, None);
        let unknown = counts(of(CountBasis::Unknown, 5), of(CountBasis::Unknown, 5));
        assert_eq!(unknown, None);
    }
}

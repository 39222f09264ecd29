//! What ends soon, and when to say so: 30, 14, 7 and 1 days ahead, each once.

use jiff::Timestamp;

/// Days ahead, longest first.
pub const WARNING_DAYS: [i64; 4] = [30, 14, 7, 1];

const DAY_S: i64 = 86_400;

/// Whole days until `end`, if a warning is due at `now`; 0 on the last day and afterwards.
#[must_use]
pub fn ending_soon(start: Timestamp, end: Timestamp, now: Timestamp) -> Option<i64> {
    threshold(start, end, now)?;
    let left_s = end.as_second().saturating_sub(now.as_second());
    Some((left_s / DAY_S).max(0))
}

/// The nearest of the warnings that is due at `now`, in days ahead of `end`; none: it is early
/// yet. What lives for a month at most is not warned of on its first day: a threshold counts
/// only if it is less than half of the whole life.
#[must_use]
pub fn threshold(start: Timestamp, end: Timestamp, now: Timestamp) -> Option<i64> {
    let left_s = end.as_second().saturating_sub(now.as_second());
    let life_s = end.as_second().saturating_sub(start.as_second());
    WARNING_DAYS
        .into_iter()
        .filter(|days| days * DAY_S * 2 <= life_s.max(2 * DAY_S))
        .filter(|days| left_s <= days * DAY_S)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000).unwrap() + SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn each_threshold_is_due_once_its_day_has_come() {
        let told: Vec<_> = [31, 30, 29, 15, 14, 8, 7, 6, 2, 1, 0, -1]
            .map(|left| threshold(at(0), at(90), at(90 - left)))
            .into();
        let due = [
            None,
            Some(30),
            Some(30),
            Some(30),
            Some(14),
            Some(14),
            Some(7),
            Some(7),
            Some(7),
            Some(1),
            Some(1),
            Some(1),
        ];
        assert_eq!(told, due);
    }

    #[test]
    fn what_lives_for_a_week_is_told_of_a_day_ahead() {
        assert_eq!(threshold(at(0), at(7), at(1)), None);
        assert_eq!(threshold(at(0), at(7), at(6)), Some(1));
        assert_eq!(ending_soon(at(0), at(90), at(84)), Some(6));
        assert_eq!(ending_soon(at(0), at(90), at(30)), None);
        assert_eq!(ending_soon(at(0), at(90), at(91)), Some(0));
    }
}

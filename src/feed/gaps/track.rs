//! One system's reports: which numbers came, and when it was silent. Pure.

use std::collections::VecDeque;

/// Most runs of numbers that are kept apart; beyond, the lowest gap is given up, and counted.
const RUNS_MAX: usize = 1024;
/// Most silences that are remembered, the latest.
const SILENCES_MAX: usize = 64;

/// Numbers from first to last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First number.
    pub first: u64,
    /// Last number.
    pub last: u64,
}

/// A time without a record, nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Receipt of the last record before it.
    pub from_ns: i64,
    /// Receipt of the first record after it. `None`: it lasts.
    pub until_ns: Option<i64>,
}

/// One system's reports.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// Rising, with at least one number missing between two.
    runs: Vec<Run>,
    pub(super) records: u64,
    pub(super) unnumbered: u64,
    pub(super) repeated: u64,
    /// Missing numbers in gaps that were given up.
    pub(super) given_up: u64,
    pub(super) last_ns: i64,
    silences: VecDeque<Silence>,
}

impl Track {
    /// Takes a record in: its number, if it has one, and when it was received.
    pub(super) fn take(&mut self, sequence: Option<u64>, received_ns: i64, silence_ns: i64) {
        // A clock that went back makes no silence, and no time of hearing earlier.
        let is_silence = self.records > 0 && received_ns.saturating_sub(self.last_ns) >= silence_ns;
        if is_silence {
            if self.silences.len() >= SILENCES_MAX {
                self.silences.pop_front();
            }
            self.silences.push_back(Silence {
                from_ns: self.last_ns,
                until_ns: Some(received_ns),
            });
        }
        self.last_ns = if self.records == 0 {
            received_ns
        } else {
            self.last_ns.max(received_ns)
        };
        self.records += 1;
        match sequence {
            Some(number) => self.number(number),
            None => self.unnumbered += 1,
        }
    }

    fn number(&mut self, number: u64) {
        // Nearly always the next one.
        if let Some(last) = self.runs.last_mut()
            && last.last.checked_add(1) == Some(number)
        {
            last.last = number;
            return;
        }
        let after = self.runs.partition_point(|run| run.first <= number);
        let before = after.checked_sub(1);
        if before
            .and_then(|at| self.runs.get(at))
            .is_some_and(|run| number <= run.last)
        {
            self.repeated += 1;
            return;
        }
        let joins = |run: Option<&Run>, is_next: fn(&Run, u64) -> bool| {
            run.is_some_and(|run| is_next(run, number))
        };
        let below = joins(before.and_then(|at| self.runs.get(at)), |run, number| {
            run.last.checked_add(1) == Some(number)
        });
        let above = joins(self.runs.get(after), |run, number| {
            number.checked_add(1) == Some(run.first)
        });
        match (below.then_some(before).flatten(), above) {
            (Some(at), true) => {
                let upper = self.runs.remove(after);
                self.grow(at, |run| run.last = upper.last);
            }
            (Some(at), false) => self.grow(at, |run| run.last = number),
            (None, true) => self.grow(after, |run| run.first = number),
            (None, false) => {
                let run = Run {
                    first: number,
                    last: number,
                };
                self.runs.insert(after, run);
                self.bound();
            }
        }
    }

    fn grow(&mut self, at: usize, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(at) {
            change(run);
        }
    }

    fn bound(&mut self) {
        if self.runs.len() > RUNS_MAX
            && let [lowest, next, ..] = self.runs.as_mut_slice()
        {
            self.given_up += next.first - lowest.last - 1;
            next.first = lowest.first;
            self.runs.remove(0);
        }
    }

    /// Lowest and highest number that came; `None`: the system does not count.
    pub(super) fn numbers(&self) -> Option<Run> {
        let (first, last) = (self.runs.first()?, self.runs.last()?);
        Some(Run {
            first: first.first,
            last: last.last,
        })
    }

    /// Numbers between the lowest and the highest that did not come, by rising number.
    pub(super) fn missing(&self) -> Vec<Run> {
        let pairs = self.runs.iter().zip(self.runs.iter().skip(1));
        pairs
            .map(|(lower, upper)| Run {
                first: lower.last + 1,
                last: upper.first - 1,
            })
            .collect()
    }

    /// The latest silences; the last one may last.
    pub(super) fn silences(&self, now_ns: i64, silence_ns: i64) -> Vec<Silence> {
        let lasts = now_ns.saturating_sub(self.last_ns) >= silence_ns;
        let lasting = lasts.then_some(Silence {
            from_ns: self.last_ns,
            until_ns: None,
        });
        self.silences.iter().copied().chain(lasting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn track(numbers: &[u64]) -> Track {
        let mut track = Track::default();
        for number in numbers {
            track.take(Some(*number), 0, i64::MAX);
        }
        track
    }

    #[test]
    fn what_is_missing_is_named_in_runs() {
        let numbers: Vec<u64> = (1..=811).chain(816..=840).collect();
        let track = track(&numbers);
        assert_eq!(
            track.numbers(),
            Some(Run {
                first: 1,
                last: 840
            })
        );
        assert_eq!(
            track.missing(),
            [Run {
                first: 812,
                last: 815
            }]
        );
    }

    #[test]
    fn the_ends_of_the_range_are_numbers_like_others() {
        let track = track(&[u64::MAX, 1, u64::MAX - 1, u64::MAX]);
        assert_eq!(track.repeated, 1);
        assert_eq!(
            track.missing(),
            [Run {
                first: 2,
                last: u64::MAX - 2
            }]
        );
    }

    #[test]
    fn gaps_are_bounded_and_what_is_given_up_is_counted() {
        let numbers: Vec<u64> = (0..=RUNS_MAX as u64).map(|n| 2 * n + 1).collect();
        let track = track(&numbers);
        assert_eq!(track.missing().len(), RUNS_MAX - 1);
        assert_eq!(track.given_up, 1);
        assert_eq!(track.numbers().map(|run| run.first), Some(1));
    }

    #[test]
    fn silences_are_told_and_a_clock_that_goes_back_makes_none() {
        let mut track = Track::default();
        for received_ns in [100, 105, 115, 50, 116] {
            track.take(None, received_ns, 10);
        }
        let past = Silence {
            from_ns: 105,
            until_ns: Some(115),
        };
        assert_eq!(track.silences(125, 10), [past]);
        let lasting = Silence {
            from_ns: 116,
            until_ns: None,
        };
        assert_eq!(track.silences(126, 10), [past, lasting]);
        assert_eq!((track.records, track.unnumbered), (5, 5));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(numbers in prop::collection::vec(1_u64..60, 0..80)) {
            let set: BTreeSet<u64> = numbers.iter().copied().collect();
            let track = track(&numbers);
            prop_assert_eq!(track.repeated, (numbers.len() - set.len()) as u64);
            let missing: BTreeSet<u64> = track
                .missing()
                .into_iter()
                .flat_map(|run| run.first..=run.last)
                .collect();
            let all = set.first().zip(set.last()).map(|(first, last)| *first..=*last);
            let expected: BTreeSet<u64> = all
                .into_iter()
                .flatten()
                .filter(|number| !set.contains(number))
                .collect();
            prop_assert_eq!(missing, expected);
        }
    }
}

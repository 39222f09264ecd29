//! Sets of numbers as few ranges: positions that are acknowledged or withheld, numbers that
//! were heard. Pure.
//!
//! Invariant: ranges are sorted, do not touch, and none is empty.

/// Numbers from first to last, both included.
pub type Range = (u64, u64);

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range>);

impl Ranges {
    /// The ranges, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Range] {
        &self.0
    }

    /// How many ranges there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no number in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The range that holds a number.
    #[must_use]
    pub fn around(&self, number: u64) -> Option<Range> {
        let after = self.0.partition_point(|&(first, _)| first <= number);
        let before = self.0.get(after.checked_sub(1)?).copied();
        before.filter(|&(_, last)| number <= last)
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.around(number).is_some()
    }

    /// Puts the numbers of a range in; false: all were in it already. An empty range has none.
    pub fn insert(&mut self, first: u64, last: u64) -> bool {
        if first > last || self.around(first).is_some_and(|(_, end)| last <= end) {
            return false;
        }
        // Those that the new range overlaps or touches become one with it.
        let from = self
            .0
            .partition_point(|&(_, end)| end < first && end.saturating_add(1) < first);
        let until = self
            .0
            .partition_point(|&(start, _)| start <= last.saturating_add(1));
        let joined = self.0.get(from..until.max(from)).unwrap_or_default();
        let first = joined.first().map_or(first, |&(start, _)| start.min(first));
        let last = joined.last().map_or(last, |&(_, end)| end.max(last));
        self.0.splice(from..until.max(from), [(first, last)]);
        true
    }

    /// Takes the lowest range out.
    pub fn take_first(&mut self) -> Option<Range> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// The numbers between `first` and `last` that are not in it, as ranges in order.
    pub fn missing(&self, first: u64, last: u64) -> impl Iterator<Item = Range> {
        let from = self.0.partition_point(|&(_, end)| end < first);
        let held = self.0.get(from..).unwrap_or_default().iter().copied();
        let mut next = Some(first);
        held.map(Some)
            .chain([None])
            .map_while(move |range| {
                let at = next.filter(|&at| at <= last)?;
                let Some((start, end)) = range else {
                    next = None;
                    return Some(Some((at, last)));
                };
                next = end.checked_add(1);
                let until = start.checked_sub(1).map(|before| before.min(last));
                Some(until.filter(|&until| at <= until).map(|until| (at, until)))
            })
            .flatten()
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut ranges = Self::default();
        for number in numbers {
            ranges.insert(number, number);
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_become_one_and_gaps_are_listed() {
        let ranges: Ranges = [5, 7, 6, 1, 10].into_iter().collect();
        assert_eq!(ranges.as_slice(), [(1, 1), (5, 7), (10, 10)]);
        let missing: Vec<_> = ranges.missing(1, 12).collect();
        assert_eq!(missing, [(2, 4), (8, 9), (11, 12)]);
        assert_eq!(ranges.missing(5, 7).count(), 0);
        assert_eq!(ranges.missing(6, 8).collect::<Vec<_>>(), [(8, 8)]);
        assert_eq!(
            Ranges::default().missing(1, 3).collect::<Vec<_>>(),
            [(1, 3)]
        );
    }

    #[test]
    fn the_ends_of_all_numbers_are_numbers_too() {
        let mut ranges = Ranges::default();
        assert!(ranges.insert(u64::MAX, u64::MAX));
        assert!(ranges.insert(0, 0));
        assert!(!ranges.insert(0, 0));
        assert!(!ranges.insert(3, 2), "an empty range");
        assert_eq!(
            ranges.missing(0, u64::MAX).collect::<Vec<_>>(),
            [(1, u64::MAX - 1)]
        );
    }

    proptest! {
        #[test]
        fn it_is_a_set(inserted in prop::collection::vec((0_u64..60, 0_u64..8), 0..40)) {
            let mut ranges = Ranges::default();
            let mut model = BTreeSet::new();
            for (first, more) in inserted {
                let before = model.len();
                model.extend(first..=first + more);
                prop_assert_eq!(ranges.insert(first, first + more), model.len() > before);
                let parts = ranges.as_slice();
                prop_assert!(parts.iter().all(|(first, last)| first <= last));
                prop_assert!(parts.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
            for number in 0..70 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
            }
            let gaps: BTreeSet<u64> =
                ranges.missing(3, 65).flat_map(|(first, last)| first..=last).collect();
            let expected: BTreeSet<u64> = (3..=65).filter(|n| !model.contains(n)).collect();
            prop_assert_eq!(gaps, expected);
        }
    }
}

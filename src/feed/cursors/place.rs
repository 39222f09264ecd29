//! Where the readers of a cursor stand: what is acknowledged, and what is in flight to whom.
//! Pure.
//!
//! Invariant: a position beyond `floor` is acknowledged, in flight to one member, or free; the
//! lowest free one goes out next. What is acknowledged only grows, but for a reset.

use crate::feed::ranges::{Range, Ranges};
use std::time::Duration;

/// Most deliveries of a cursor in flight at a time.
pub const LEASES_MAX: usize = 256;
/// Most separate ranges that are acknowledged beyond a gap.
pub const BEYOND_MAX: usize = 512;

/// A stream that reads by a cursor.
pub type Member = u64;

/// A delivery in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    range: Range,
    member: Member,
    /// On the monotonic clock; from then on it is free again.
    until: Duration,
}

/// Where the readers of a cursor stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Everything up to here is acknowledged.
    floor: u64,
    /// And these beyond it.
    beyond: Ranges,
    leases: Vec<Lease>,
}

/// What a member gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// These positions, for now.
    Got(Range),
    /// Nothing; `busy`: others have something in flight that may come back; `free_at`: when the
    /// next delivery in flight is given up.
    Nothing {
        /// Others have something in flight, or the member's window is full.
        busy: bool,
        /// When the next delivery in flight is given up.
        free_at: Option<Duration>,
    },
}

impl Place {
    /// Done with everything up to `floor`, and with the ranges beyond.
    #[must_use]
    pub fn new(floor: u64, beyond: &[Range]) -> Self {
        let mut place = Self {
            floor,
            ..Self::default()
        };
        for &(first, last) in beyond {
            place.beyond.insert(first, last);
        }
        place.absorb();
        place
    }

    /// Everything up to here is acknowledged.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// What is acknowledged beyond that.
    #[must_use]
    pub fn beyond(&self) -> &[Range] {
        self.beyond.as_slice()
    }

    /// What is in flight, in the order in which it went out.
    pub fn in_flight(&self) -> impl Iterator<Item = Range> {
        self.leases.iter().map(|lease| lease.range)
    }

    /// Takes the lowest free positions up to `last`, as far as the member's window lets it.
    pub fn claim(
        &mut self,
        member: Member,
        now: Duration,
        until: Duration,
        last: u64,
        (most, window): (u64, u64),
    ) -> Claim {
        self.leases.retain(|lease| lease.until > now);
        let mut held = self.beyond.clone();
        for lease in &self.leases {
            held.insert(lease.range.0, lease.range.1);
        }
        let most = most.min(window.saturating_sub(self.held_by(member)));
        let next = held.missing(self.floor.saturating_add(1), last).next();
        let is_full = most == 0 || self.leases.len() >= LEASES_MAX;
        match next {
            Some((first, end)) if !is_full => {
                let range = (first, end.min(first.saturating_add(most - 1)));
                self.leases.push(Lease {
                    range,
                    member,
                    until,
                });
                Claim::Got(range)
            }
            left => Claim::Nothing {
                busy: left.is_some()
                    || self
                        .leases
                        .iter()
                        .any(|lease| lease.member != member && lease.range.0 <= last),
                free_at: self.leases.iter().map(|lease| lease.until).min(),
            },
        }
    }

    /// Positions that a member has and has not acknowledged.
    fn held_by(&self, member: Member) -> u64 {
        let own = self.leases.iter().filter(|lease| lease.member == member);
        let open = own.map(|lease| {
            let (first, last) = lease.range;
            let open = self.beyond.missing(first.max(self.floor + 1), last);
            open.map(|(first, last)| last - first + 1).sum::<u64>()
        });
        open.sum()
    }

    /// Takes in that of a claim only what lies before `next` went out.
    pub fn went(&mut self, member: Member, range: Range, next: u64) {
        for lease in &mut self.leases {
            if lease.member == member && lease.range == range {
                lease.range.1 = next.saturating_sub(1);
            }
        }
        self.leases.retain(|lease| lease.range.0 <= lease.range.1);
    }

    /// What a member has in flight is free again.
    pub fn release(&mut self, member: Member) {
        self.leases.retain(|lease| lease.member != member);
    }

    /// Takes in that the readers are done with positions; `None`: that would leave too many
    /// separate ranges, and nothing is changed. Says whether that is news.
    pub fn acknowledge(&mut self, first: u64, last: u64) -> Option<bool> {
        let mut beyond = self.beyond.clone();
        let first = first.max(self.floor.saturating_add(1));
        let is_news = beyond.insert(first, last);
        let is_next = first == self.floor.saturating_add(1);
        if beyond.len() > BEYOND_MAX && !is_next {
            return None;
        }
        self.beyond = beyond;
        self.absorb();
        let (floor, beyond) = (self.floor, &self.beyond);
        self.leases.retain(|lease| {
            let (first, last) = lease.range;
            let first = first.max(floor.saturating_add(1));
            beyond.missing(first, last).next().is_some()
        });
        Some(is_news)
    }

    /// Stands behind `position`, with nothing in flight.
    pub fn reset(&mut self, position: u64) {
        *self = Self::new(position, &[]);
    }

    fn absorb(&mut self) {
        while let Some(&(first, last)) = self.beyond.as_slice().first() {
            if first > self.floor.saturating_add(1) {
                return;
            }
            self.floor = self.floor.max(last);
            self.beyond.take_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn claim(place: &mut Place, member: Member, now: u64, last: u64) -> Claim {
        place.claim(member, S(now), S(now + 10), last, (3, 100))
    }

    #[test]
    fn each_delivery_goes_to_one_member_and_comes_back_when_it_is_not_acknowledged() {
        let mut place = Place::default();
        assert_eq!(claim(&mut place, 1, 0, 8), Claim::Got((1, 3)));
        assert_eq!(claim(&mut place, 2, 5, 8), Claim::Got((4, 6)));
        assert_eq!(place.acknowledge(4, 6), Some(true));
        assert_eq!((place.floor(), place.beyond()), (0, [(4, 6)].as_slice()));
        assert_eq!(claim(&mut place, 2, 6, 8), Claim::Got((7, 8)));
        let nothing = Claim::Nothing {
            busy: true,
            free_at: Some(S(10)),
        };
        assert_eq!(claim(&mut place, 2, 7, 8), nothing);
        assert_eq!(claim(&mut place, 2, 10, 8), Claim::Got((1, 3)), "too late");
        assert_eq!(place.acknowledge(0, 8), Some(true));
        assert_eq!((place.floor(), place.in_flight().count()), (8, 0));
        assert_eq!(place.acknowledge(0, 5), Some(false), "never backwards");
        assert_eq!(place.floor(), 8);
        place.reset(2);
        assert_eq!(claim(&mut place, 1, 11, 8), Claim::Got((3, 5)));
    }

    #[test]
    fn what_a_broken_stream_held_is_free_at_once_and_what_did_not_go_out_too() {
        let mut place = Place::new(4, &[(6, 6)]);
        assert_eq!(claim(&mut place, 1, 0, 9), Claim::Got((5, 5)));
        assert_eq!(claim(&mut place, 1, 0, 9), Claim::Got((7, 9)));
        place.went(1, (7, 9), 8);
        assert_eq!(claim(&mut place, 2, 0, 9), Claim::Got((8, 9)));
        place.went(2, (8, 9), 8);
        place.release(1);
        assert_eq!(claim(&mut place, 2, 0, 9), Claim::Got((5, 5)));
        assert_eq!(claim(&mut place, 2, 0, 9), Claim::Got((7, 9)));
    }

    #[test]
    fn a_window_bounds_what_is_open_and_part_of_a_delivery_may_be_acknowledged() {
        let mut place = Place::default();
        let next = |place: &mut Place| place.claim(1, S(0), S(1), 100, (8, 10));
        assert_eq!(next(&mut place), Claim::Got((1, 8)));
        assert_eq!(next(&mut place), Claim::Got((9, 10)));
        assert!(matches!(
            next(&mut place),
            Claim::Nothing { busy: true, .. }
        ));
        place.acknowledge(0, 4).unwrap();
        assert_eq!(next(&mut place), Claim::Got((11, 14)));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut place = Place::default();
        for n in 0..LEASES_MAX as u64 {
            assert!(matches!(
                place.claim(n, S(0), S(1), 10_000, (1, 1)),
                Claim::Got(_)
            ));
        }
        assert!(matches!(
            claim(&mut place, 999, 0, 10_000),
            Claim::Nothing { busy: true, .. }
        ));
        let mut place = Place::default();
        for n in 1..=BEYOND_MAX as u64 {
            assert_eq!(place.acknowledge(n * 2, n * 2), Some(true));
        }
        let before = place.clone();
        assert_eq!(place.acknowledge(9_999, 9_999), None);
        assert_eq!(place, before);
        assert_eq!(place.acknowledge(1, 1), Some(true), "the gap may be closed");
        assert_eq!(place.floor(), 2);
    }

    proptest! {
        /// Whatever members do, every position is delivered until it is acknowledged, never to
        /// two at a time, and nothing is delivered that is acknowledged.
        #[test]
        fn nothing_is_lost_and_nothing_goes_to_two(
            steps in prop::collection::vec((0_u64..4, 1_u64..4, 0_u64..6), 1..120)
        ) {
            let mut place = Place::default();
            let mut flying: Vec<(Member, Range, Duration)> = Vec::new();
            let mut done = Ranges::default();
            let mut now = S(0);
            for (what, member, amount) in steps {
                now += S(1);
                flying.retain(|&(_, _, until)| until > now);
                match what {
                    0 | 1 => {
                        let until = now + S(8);
                        let got = place.claim(member, now, until, 40, (amount + 1, 100));
                        if let Claim::Got((first, last)) = got {
                            for n in first..=last {
                                prop_assert!(!done.contains(n));
                                let twice = flying.iter().any(|&(_, r, _)| r.0 <= n && n <= r.1);
                                prop_assert!(!twice);
                            }
                            flying.push((member, (first, last), until));
                        }
                    }
                    2 => if let Some(&(_, (first, last), _)) = flying.first() {
                        place.acknowledge(first, last).unwrap();
                        done.insert(first, last);
                        flying.remove(0);
                    },
                    _ => {
                        place.release(member);
                        flying.retain(|&(of, _, _)| of != member);
                    }
                }
            }
            for member in 1..4 {
                place.release(member);
            }
            while let Claim::Got((first, last)) = place.claim(9, now, now + S(9), 40, (40, 100)) {
                prop_assert!((first..=last).all(|n| !done.contains(n)));
                done.insert(first, last);
                place.acknowledge(first, last).unwrap();
            }
            prop_assert_eq!(done.as_slice(), [(1, 40)]);
            prop_assert_eq!(place.floor(), 40);
        }
    }
}

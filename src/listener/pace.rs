//! The pace at which hands are shaken, with one source and with all. A handshake costs the gateway
//! hundreds of microseconds of arithmetic and the peer hardly any if it means to harm: so many a
//! second are begun, and further ones wait for their turn, in the order in which they came.

use super::source::Source;
use std::collections::HashMap;
use std::time::Duration;

/// So much of the pace may come at once: those of the last tenth of a second.
const CREDIT: Duration = Duration::from_millis(100);
/// Below so many sources nothing is swept.
const SWEPT_ABOVE: usize = 1024;

/// When the next handshake of each source may begin. A source leaves when it has its credit back,
/// so it is as large as what came within the last moments.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    next: HashMap<Source, Duration>,
    swept_at: usize,
    every_of_all: Duration,
    next_of_all: Duration,
}

impl Pace {
    /// So many a second in all, and of one source.
    pub(super) fn new(all_per_second: usize, source_per_second: usize) -> Self {
        let every = |per_second: usize| {
            Duration::from_secs(1) / u32::try_from(per_second.max(1)).unwrap_or(u32::MAX)
        };
        Self {
            every: every(source_per_second),
            next: HashMap::new(),
            swept_at: SWEPT_ABOVE,
            every_of_all: every(all_per_second),
            next_of_all: Duration::ZERO,
        }
    }

    /// When a handshake of this source may begin, on the same clock as `now`; not after `now` if
    /// at once.
    pub(super) fn begins(&mut self, source: Source, now: Duration) -> Duration {
        let earliest = now.saturating_sub(CREDIT);
        if self.next.len() >= self.swept_at {
            self.next.retain(|_, next| *next > earliest);
            self.swept_at = (self.next.len() * 2).max(SWEPT_ABOVE);
        }
        let next = self.next.entry(source).or_default();
        let of_source = (*next).max(earliest);
        *next = of_source + self.every;
        let of_all = self.next_of_all.max(earliest);
        self.next_of_all = of_all + self.every_of_all;
        of_source.max(of_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const NOW: Duration = Duration::from_secs(100);

    fn source(number: u32) -> Source {
        Source::of(IpAddr::from(number.to_le_bytes()))
    }

    #[test]
    fn what_is_more_than_the_credit_waits_for_its_turn_and_others_do_not() {
        let mut pace = Pace::new(1_000_000, 100);
        let waits: Vec<_> = (0..13)
            .map(|_| pace.begins(source(1), NOW).saturating_sub(NOW).as_millis())
            .collect();
        // Ten are the credit, one is on time, and each further one comes 10 ms after the other.
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20]);
        assert!(pace.begins(source(2), NOW) <= NOW);
        let later = NOW + Duration::from_secs(1);
        assert!(pace.begins(source(1), later) <= later, "the credit is back");
    }

    #[test]
    fn many_sources_together_have_a_pace_too() {
        let mut pace = Pace::new(100, 1_000_000);
        let waits: Vec<_> = (0..13)
            .map(|number| pace.begins(source(number), NOW).saturating_sub(NOW))
            .collect();
        assert_eq!(waits[10], Duration::ZERO);
        assert_eq!(waits[12], Duration::from_millis(20));
    }

    #[test]
    fn sources_that_have_their_credit_back_are_forgotten() {
        let mut pace = Pace::new(1_000_000, 100);
        for number in 0..100_000_u32 {
            pace.begins(source(number), NOW + Duration::from_millis(number.into()));
        }
        assert!(pace.next.len() <= 2 * SWEPT_ABOVE, "{}", pace.next.len());
    }
}

//! Places for handshakes: so many in all, so many for one source. Whoever holds more than
//! others gives way to them, so that no address can use up what is there for the rest; and
//! whoever has had its time gives way to newcomers of its own address, so that peers that fall
//! silent lock nobody out who comes from the same place.

use super::pace::Pace;
use super::source::Source;
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A handshake that takes longer has to go when its place is wanted: many times what one takes
/// over a slow line, and a fraction of the deadline.
pub(super) const GIVES_WAY_AFTER: Duration = Duration::from_secs(1);

/// Handshakes in flight, oldest first, by source. Sources leave with their last one, so it is
/// as large as what is in flight.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    per_source_max: usize,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    pace: Pace,
    next: u64,
    total: usize,
    by_source: HashMap<Source, VecDeque<Holder>>,
}

#[derive(Debug)]
struct Holder {
    number: u64,
    /// When its handshake begins.
    since: Duration,
    gives_way: Arc<Notify>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The source has its share.
    Source,
    /// All are taken, by others that hold no more than this one.
    All,
}

impl Places {
    pub(super) fn new(all_max: usize, per_source_max: usize, pace: Pace) -> Arc<Self> {
        let table = Table {
            pace,
            next: 0,
            total: 0,
            by_source: HashMap::new(),
        };
        Arc::new(Self {
            all_max,
            per_source_max,
            table: Mutex::new(table),
        })
    }

    /// A place for one handshake.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, now: Duration) -> Result<Place, Full> {
        let source = Source::of(address);
        let mut table = self.lock();
        let own = table.by_source.get(&source).map_or(0, VecDeque::len);
        if own >= self.per_source_max && !table.make_way(source, GIVES_WAY_AFTER, now) {
            return Err(Full::Source);
        }
        if table.total >= self.all_max {
            let (most, held) = table.most().ok_or(Full::All)?;
            let patience = if held > own.saturating_add(1) {
                Duration::ZERO
            } else {
                GIVES_WAY_AFTER
            };
            if !table.make_way(most, patience, now) {
                return Err(Full::All);
            }
        }
        let begins = table.pace.begins(source, now).max(now);
        let number = table.next;
        let gives_way = Arc::new(Notify::new());
        table.next += 1;
        table.total += 1;
        table
            .by_source
            .entry(source)
            .or_default()
            .push_back(Holder {
                number,
                since: begins,
                gives_way: Arc::clone(&gives_way),
            });
        Ok(Place {
            places: Arc::clone(self),
            source,
            number,
            gives_way,
            begins,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The source that holds most; of equals, the one whose oldest is oldest.
    fn most(&self) -> Option<(Source, usize)> {
        let sources = self.by_source.iter();
        let most = sources.max_by_key(|(_, holders)| {
            let oldest = holders.front().map(|holder| holder.since);
            (holders.len(), Reverse(oldest))
        });
        most.map(|(source, holders)| (*source, holders.len()))
    }

    /// Ends the oldest handshake of a source, if it has lasted so long.
    fn make_way(&mut self, source: Source, at_least: Duration, now: Duration) -> bool {
        let Some(holders) = self.by_source.get_mut(&source) else {
            return false;
        };
        let oldest = holders.pop_front_if(|h| now.saturating_sub(h.since) >= at_least);
        let Some(oldest) = oldest else {
            return false;
        };
        oldest.gives_way.notify_one();
        self.left(source);
        true
    }

    /// Counts after one has gone.
    fn left(&mut self, source: Source) {
        self.total = self.total.saturating_sub(1);
        if self.by_source.get(&source).is_some_and(VecDeque::is_empty) {
            self.by_source.remove(&source);
        }
    }
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    source: Source,
    number: u64,
    gives_way: Arc<Notify>,
    begins: Duration,
}

impl Place {
    /// When it is this one's turn, on the clock of `Places::take`.
    pub(super) fn begins(&self) -> Duration {
        self.begins
    }

    /// Resolves when the place has gone to another.
    pub(super) async fn given_away(&self) {
        self.gives_way.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        let Some(holders) = table.by_source.get_mut(&self.source) else {
            return;
        };
        // Numbers rise. One that has given way is not there any more.
        if let Ok(at) = holders.binary_search_by_key(&self.number, |holder| holder.number) {
            holders.remove(at);
            table.left(self.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Duration = Duration::from_secs(100);

    fn places(all_max: usize, per_source_max: usize) -> Arc<Places> {
        Places::new(all_max, per_source_max, Pace::new(1_000_000, 1_000_000))
    }

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn has_given_way(place: &Place) -> bool {
        let given_away = std::pin::pin!(place.given_away());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        given_away.poll(&mut context).is_ready()
    }

    #[test]
    fn a_source_gets_its_share_and_no_more_and_others_are_untouched() {
        let places = places(10, 2);
        let first = places.take(address(1), NOW).unwrap();
        let _second = places.take(address(1), NOW).unwrap();
        assert_eq!(places.take(address(1), NOW).unwrap_err(), Full::Source);
        let _other = places.take(address(2), NOW).unwrap();
        drop(first);
        places.take(address(1), NOW).unwrap();
    }

    #[test]
    fn one_that_had_its_time_gives_way_to_the_next_of_its_source() {
        let places = places(10, 2);
        let first = places.take(address(1), NOW).unwrap();
        let second = places.take(address(1), NOW).unwrap();
        let later = NOW + GIVES_WAY_AFTER;
        let _third = places.take(address(1), later).unwrap();
        assert!(has_given_way(&first) && !has_given_way(&second));
        // Given back once, whatever becomes of it afterwards.
        drop(first);
        assert_eq!(places.lock().total, 2);
        drop(second);
        assert_eq!(places.lock().total, 1);
    }

    #[test]
    fn when_all_are_taken_the_one_that_holds_most_gives_way_at_once() {
        let places = places(4, 3);
        let many: Vec<_> = (0..3)
            .map(|_| places.take(address(1), NOW).unwrap())
            .collect();
        let _one = places.take(address(2), NOW).unwrap();
        let _newcomer = places.take(address(3), NOW).unwrap();
        let given: Vec<_> = many.iter().map(has_given_way).collect();
        assert_eq!(given, [true, false, false]);
        // Now 2, 1 and 1 are held. Whoever holds one already is no better off than they.
        assert_eq!(places.take(address(2), NOW).unwrap_err(), Full::All);
        let _another = places.take(address(4), NOW).unwrap();
        // Four with one each: nobody goes before its time.
        assert_eq!(places.take(address(5), NOW).unwrap_err(), Full::All);
        places.take(address(5), NOW + GIVES_WAY_AFTER).unwrap();
    }

    proptest! {
        #[test]
        fn the_bounds_hold_whatever_comes_and_goes(
            steps in proptest::collection::vec((0_u8..6, 0_u64..400, any::<bool>()), 1..200),
        ) {
            let places = places(8, 3);
            let mut held: VecDeque<Place> = VecDeque::new();
            let mut now = NOW;
            for (source, wait_ms, goes) in steps {
                now += Duration::from_millis(wait_ms);
                if goes {
                    held.pop_front();
                }
                if let Ok(place) = places.take(address(source), now) {
                    held.push_back(place);
                }
                held.retain(|place| !has_given_way(place));
                let table = places.lock();
                prop_assert_eq!(table.total, held.len());
                prop_assert!(table.total <= 8);
                prop_assert!(table.by_source.values().all(|h| (1..=3).contains(&h.len())));
                let counted: usize = table.by_source.values().map(VecDeque::len).sum();
                prop_assert_eq!(counted, table.total);
            }
            held.clear();
            prop_assert!(places.lock().by_source.is_empty());
        }
    }
}

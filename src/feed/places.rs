//! Places for subscriptions: so many in all, of them so many for one nation and for one system,
//! so that nobody can take the feed from the others.
//!
//! Invariant: each count is that of the places that live; whoever has none is in no map.

use super::Settings;
use crate::identity::{Identity, NationCode};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Why there is no place for another subscription. Each names the setting that says so.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoPlace {
    /// The system has its share.
    #[error("{identity} has {max} open subscriptions, its limit (feed.subscriptions_system_max)")]
    System {
        /// The system.
        identity: Identity,
        /// Its share.
        max: usize,
    },
    /// The nation has its share.
    #[error("{nation} has {max} open subscriptions, its limit (feed.subscriptions_nation_max)")]
    Nation {
        /// The nation.
        nation: NationCode,
        /// Its share.
        max: usize,
    },
    /// All places are taken.
    #[error("the gateway has {max} open subscriptions, its limit (feed.subscriptions_max)")]
    All {
        /// How many there are.
        max: usize,
    },
}

/// The places.
#[derive(Debug)]
pub struct Places {
    all_max: usize,
    nation_max: usize,
    system_max: usize,
    // Held only to look and to write.
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_nation: HashMap<NationCode, usize>,
    by_system: HashMap<Identity, usize>,
}

impl Places {
    /// As many as the settings say, none taken.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            all_max: settings.subscriptions_max,
            nation_max: settings.subscriptions_nation_max,
            system_max: settings.subscriptions_system_max,
            taken: Mutex::default(),
        }
    }

    /// Takes a place for a system.
    ///
    /// # Errors
    /// The system or its nation has its share, or all are taken.
    pub fn take(self: &Arc<Self>, identity: &Identity) -> Result<Place, NoPlace> {
        let nation = identity.nation;
        let mut taken = self.lock();
        if taken.by_system.get(identity).copied().unwrap_or(0) >= self.system_max {
            return Err(NoPlace::System {
                identity: identity.clone(),
                max: self.system_max,
            });
        }
        if taken.by_nation.get(&nation).copied().unwrap_or(0) >= self.nation_max {
            return Err(NoPlace::Nation {
                nation,
                max: self.nation_max,
            });
        }
        if taken.all >= self.all_max {
            return Err(NoPlace::All { max: self.all_max });
        }
        taken.all += 1;
        *taken.by_nation.entry(nation).or_default() += 1;
        *taken.by_system.entry(identity.clone()).or_default() += 1;
        drop(taken);
        Ok(Place {
            places: Arc::clone(self),
            identity: identity.clone(),
        })
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Every section leaves the counts sound, so a panic elsewhere does not matter.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    identity: Identity,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        give_back(&mut taken.by_nation, &self.identity.nation);
        give_back(&mut taken.by_system, &self.identity);
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Arc<Places> {
        Arc::new(Places::new(&Settings {
            subscriptions_max: 5,
            subscriptions_nation_max: 3,
            subscriptions_system_max: 2,
            ..Settings::default()
        }))
    }

    fn take(places: &Arc<Places>, system: &str) -> Result<Place, String> {
        let identity = Identity::parse(system).unwrap();
        places.take(&identity).map_err(|full| full.to_string())
    }

    #[test]
    fn nobody_gets_more_than_the_share_and_the_limit_is_named() {
        let places = places();
        let held = ["USA/a", "USA/a", "USA/b", "FRA/a", "GBR/a"]
            .map(|system| take(&places, system).unwrap());
        assert_eq!(places.taken(), 5);
        for (system, limit) in [
            (
                "USA/a",
                "USA/a has 2 open subscriptions, its limit (feed.subscriptions_system_max)",
            ),
            (
                "USA/b",
                "USA has 3 open subscriptions, its limit (feed.subscriptions_nation_max)",
            ),
            (
                "FRA/b",
                "the gateway has 5 open subscriptions, its limit (feed.subscriptions_max)",
            ),
        ] {
            assert_eq!(take(&places, system).unwrap_err(), limit);
        }
        drop(held);
    }

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again_and_leaves_nothing_behind() {
        let places = places();
        let held = [
            take(&places, "USA/a").unwrap(),
            take(&places, "USA/a").unwrap(),
        ];
        assert!(take(&places, "USA/a").is_err());
        drop(held);
        assert_eq!(places.taken(), 0);
        let taken = places.lock();
        assert!(taken.by_nation.is_empty() && taken.by_system.is_empty());
        drop(taken);
        assert!(take(&places, "USA/a").is_ok());
    }
}

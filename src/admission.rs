//! Who may hand in how much. Every quota is per nation and per system, so a noisy system slows
//! itself and a noisy nation its own systems, and nobody else.
//! Pure but for its locks: time comes from the caller.
//!
//! A rate is asked before a message is taken and charged after its size is known, so a bucket
//! may run into debt by one message at most; what is in debt waits.

pub mod bucket;

use crate::identity::registry::{Limits, Registry};
use crate::identity::{Identity, NationCode};
use bucket::Bucket;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most systems of one nation that are remembered; further ones share the nation's bucket alone.
const SYSTEMS_PER_NATION_MAX: usize = 4096;

/// How long a refused caller is told to wait for a place in flight.
const IN_FLIGHT_RETRY: Duration = Duration::from_millis(50);

/// Proof that quota admits a submission. Dropped, it gives its places in flight back.
#[derive(Debug)]
pub struct Permit {
    _places: OwnedSemaphorePermit,
}

/// Why a submission is not admitted now.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The rate of the system or of its nation is used up.
    #[error("the rate limit is used up; retry after {retry_after:?}")]
    Rate {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Too many reports of this system wait for their acknowledgement.
    #[error("too many reports are in flight; retry after {retry_after:?}")]
    InFlight {
        /// When it is worth trying again.
        retry_after: Duration,
    },
}

impl Refusal {
    /// When it is worth trying again.
    #[must_use]
    pub fn retry_after(self) -> Duration {
        match self {
            Self::Rate { retry_after } | Self::InFlight { retry_after } => retry_after,
        }
    }
}

/// The quotas of one system, and of its nation.
#[derive(Clone, Debug)]
pub struct Quota {
    nation: Arc<Mutex<Rates>>,
    system: Arc<Mutex<Rates>>,
    places: Arc<Semaphore>,
    places_max: u32,
}

/// Reports and bytes, charged together.
#[derive(Debug)]
struct Rates {
    reports: Bucket,
    bytes: Bucket,
}

impl Rates {
    fn new(reports_per_s: u32, bytes_per_s: u64) -> Self {
        Self {
            reports: Bucket::new(f64::from(reports_per_s)),
            bytes: Bucket::new(as_f64(bytes_per_s)),
        }
    }

    fn wait(&mut self, now: Duration) -> Duration {
        self.reports.wait(now).max(self.bytes.wait(now))
    }

    fn charge(&mut self, reports: usize, bytes: usize, now: Duration) {
        self.reports.charge(as_f64(reports as u64), now);
        self.bytes.charge(as_f64(bytes as u64), now);
    }
}

/// Rates stay far below 2^52, where the conversion is exact.
#[expect(
    clippy::cast_precision_loss,
    reason = "rates and sizes stay far below 2^52"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

impl Quota {
    fn new(nation: Arc<Mutex<Rates>>, limits: &Limits) -> Self {
        let places_max = limits.system_in_flight_max.max(1);
        let system = Rates::new(limits.system_reports_per_s, limits.system_bytes_per_s);
        Self {
            nation,
            system: Arc::new(Mutex::new(system)),
            places: Arc::new(Semaphore::new(places_max as usize)),
            places_max,
        }
    }

    /// How long to wait before the next message may be taken; zero: now.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Duration {
        lock(&self.nation)
            .wait(now)
            .max(lock(&self.system).wait(now))
    }

    /// How many reports may be taken at once, `most` or fewer; at least one, which is the
    /// message of debt.
    #[must_use]
    pub fn room(&self, most: usize, now: Duration) -> usize {
        let room = |rates: &Mutex<Rates>| lock(rates).reports.level(now);
        let levels = [room(&self.nation), room(&self.system)];
        let level = levels.into_iter().flatten().fold(f64::INFINITY, f64::min);
        let room = level.min(as_f64(most as u64)).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 1 and `most`"
        )]
        let whole = room as usize;
        whole
    }

    /// Charges what was taken.
    pub fn charge(&self, reports: usize, bytes: usize, now: Duration) {
        lock(&self.nation).charge(reports, bytes, now);
        lock(&self.system).charge(reports, bytes, now);
    }

    /// Waits for places in flight, at most as many as the system has in all.
    /// `None`: the quota is closed, which happens only when the gateway ends.
    pub async fn places(&self, reports: usize) -> Option<Permit> {
        let wanted = u32::try_from(reports)
            .unwrap_or(u32::MAX)
            .clamp(1, self.places_max);
        let places = Arc::clone(&self.places)
            .acquire_many_owned(wanted)
            .await
            .ok()?;
        Some(Permit { _places: places })
    }

    /// Admits one message of a unary call, or says when to come back.
    ///
    /// # Errors
    /// The rate or the places in flight are used up.
    pub fn admit(&self, bytes: usize, now: Duration) -> Result<Permit, Refusal> {
        let retry_after = self.wait(now);
        if retry_after > Duration::ZERO {
            return Err(Refusal::Rate { retry_after });
        }
        let places =
            Arc::clone(&self.places)
                .try_acquire_owned()
                .map_err(|_| Refusal::InFlight {
                    retry_after: IN_FLIGHT_RETRY,
                })?;
        self.charge(1, bytes, now);
        Ok(Permit { _places: places })
    }
}

/// The quotas of everybody.
#[derive(Debug, Default)]
pub struct Admission {
    nations: Mutex<HashMap<NationCode, NationQuotas>>,
}

#[derive(Debug)]
struct NationQuotas {
    limits: Limits,
    rates: Arc<Mutex<Rates>>,
    systems: HashMap<String, Quota>,
}

impl Admission {
    /// The quota of a system, made at its first use and kept while its nation's limits stay.
    /// `None`: the nation is unknown.
    #[must_use]
    pub fn quota(&self, identity: &Identity, registry: &Registry) -> Option<Quota> {
        let limits = registry.nation(identity.nation)?.limits;
        let mut nations = lock(&self.nations);
        let fresh = || NationQuotas {
            limits,
            rates: Arc::new(Mutex::new(Rates::new(
                limits.nation_reports_per_s,
                limits.nation_bytes_per_s,
            ))),
            systems: HashMap::new(),
        };
        let quotas = nations.entry(identity.nation).or_insert_with(fresh);
        if quotas.limits != limits {
            *quotas = fresh();
        }
        if let Some(quota) = quotas.systems.get(identity.system.as_str()) {
            return Some(quota.clone());
        }
        let quota = Quota::new(Arc::clone(&quotas.rates), &limits);
        if quotas.systems.len() < SYSTEMS_PER_NATION_MAX {
            quotas
                .systems
                .insert(identity.system.as_str().to_owned(), quota.clone());
        }
        Some(quota)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere leaves counters at worst slightly off, never unsafe.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            connections_max: 8,
            nation_reports_per_s: 100,
            system_reports_per_s: 60,
            nation_bytes_per_s: 1_000_000,
            system_bytes_per_s: 1_000_000,
            system_in_flight_max: 2,
            quarantine_reports_max: 10,
            quarantine_bytes_max: 10_000,
        }
    }

    fn quota() -> Quota {
        Quota::new(Arc::new(Mutex::new(Rates::new(100, 1_000_000))), &limits())
    }

    #[test]
    fn a_system_over_its_rate_is_told_when_to_return() {
        let quota = quota();
        let mut admitted = 0;
        let refusal = loop {
            match quota.admit(100, Duration::ZERO) {
                Ok(_permit) => admitted += 1,
                Err(refusal) => break refusal,
            }
        };
        assert_eq!(admitted, 61, "one second of burst, and one message of debt");
        assert!(matches!(refusal, Refusal::Rate { .. }), "{refusal:?}");
        let later = refusal.retry_after();
        assert!(
            later > Duration::ZERO && later <= Duration::from_secs(1),
            "{later:?}"
        );
        assert!(quota.admit(100, later + Duration::from_millis(1)).is_ok());
    }

    #[test]
    fn what_may_be_taken_at_once_is_what_is_there() {
        let quota = quota();
        assert_eq!(quota.room(512, Duration::ZERO), 60);
        assert_eq!(quota.room(5, Duration::ZERO), 5);
        quota.charge(59, 0, Duration::ZERO);
        assert_eq!(quota.room(512, Duration::ZERO), 1);
        quota.charge(100, 0, Duration::ZERO);
        assert_eq!(quota.room(512, Duration::ZERO), 1, "the message of debt");
        let unlimited = Rates::new(0, 0);
        let unlimited = Arc::new(Mutex::new(unlimited));
        let mut limits = limits();
        limits.system_reports_per_s = 0;
        let quota = Quota::new(unlimited, &limits);
        assert_eq!(quota.room(512, Duration::ZERO), 512);
    }

    #[test]
    fn places_in_flight_come_back_when_the_permit_is_dropped() {
        let quota = quota();
        let first = quota.admit(1, Duration::ZERO).unwrap();
        let _second = quota.admit(1, Duration::ZERO).unwrap();
        assert!(matches!(
            quota.admit(1, Duration::ZERO),
            Err(Refusal::InFlight { .. })
        ));
        drop(first);
        assert!(quota.admit(1, Duration::ZERO).is_ok());
    }

    #[test]
    fn one_system_cannot_use_the_rate_of_another() {
        let nation = Arc::new(Mutex::new(Rates::new(100, 1_000_000)));
        let noisy = Quota::new(Arc::clone(&nation), &limits());
        let quiet = Quota::new(nation, &limits());
        noisy.charge(90, 0, Duration::ZERO);
        assert!(noisy.wait(Duration::ZERO) > Duration::ZERO);
        assert_eq!(quiet.wait(Duration::ZERO), Duration::ZERO);
    }
}

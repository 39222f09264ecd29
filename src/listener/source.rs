//! Handshakes in flight by where they come from, so that one address cannot hold them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// An IPv4 address, or the /64 of an IPv6 address: what one host can choose freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(u64);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        let canonical = address.to_canonical();
        match canonical {
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits())),
            // The upper half. No such prefix is also an IPv4 address: those have no bits there,
            // and ::/64 is not routed.
            IpAddr::V6(v6) => Self((v6.to_bits() >> 64) as u64),
        }
    }
}

/// Counts by source. Entries are dropped at zero, so it is as large as what is in flight.
#[derive(Debug)]
pub(super) struct Sources {
    per_source_max: usize,
    in_flight: Mutex<HashMap<Source, usize>>,
}

impl Sources {
    pub(super) fn new(per_source_max: usize) -> Arc<Self> {
        Arc::new(Self {
            per_source_max,
            in_flight: Mutex::new(HashMap::new()),
        })
    }

    /// A place for one handshake; none if the source has its share.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<SourcePermit> {
        let source = Source::of(address);
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = in_flight.entry(source).or_default();
        if *count >= self.per_source_max {
            return None;
        }
        *count += 1;
        Some(SourcePermit {
            sources: Arc::clone(self),
            source,
        })
    }
}

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct SourcePermit {
    sources: Arc<Sources>,
    source: Source,
}

impl Drop for SourcePermit {
    fn drop(&mut self) {
        let mut in_flight = self
            .sources
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = in_flight.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_gets_its_share_and_no_more_and_others_are_untouched() {
        let sources = Sources::new(2);
        let a = "192.0.2.1".parse().unwrap();
        let b = "192.0.2.2".parse().unwrap();
        let first = sources.admit(a).unwrap();
        let _second = sources.admit(a).unwrap();
        assert!(sources.admit(a).is_none());
        assert!(sources.admit(b).is_some());
        drop(first);
        assert!(sources.admit(a).is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_prefix_are_one_source() {
        let sources = Sources::new(1);
        let _held = sources.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(sources.admit("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(sources.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(sources.in_flight.lock().unwrap().len() == 1);
    }
}

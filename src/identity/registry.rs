//! The nations and their systems, with rights and clearances. One value for one moment:
//! a change makes a new registry, which is swapped in whole.

use super::spiffe::TrustDomain;
use super::{Identity, NationCode, SystemName};
use crate::record::Level;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a system may do. No right is implied by another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// May hand in reports.
    pub submit: bool,
    /// May read the feed, as far as release allows.
    pub read: bool,
    /// May use the operations service.
    pub operate: bool,
    /// May hand in records of another gateway's feed, of the nations in [`Nation::vouches_for`].
    pub relay: bool,
}

impl Rights {
    /// The names of the rights that are given.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.submit, "submit"),
            (self.read, "read"),
            (self.operate, "operate"),
            (self.relay, "relay"),
        ]
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
    }
}

/// Limits on what one nation, or one of its systems, may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Live connections of the nation.
    pub connections_max: u32,
    /// Reports a second, sustained, of the nation.
    pub nation_reports_per_s: u32,
    /// Reports a second, sustained, of one system.
    pub system_reports_per_s: u32,
    /// Bytes a second, sustained, of the nation.
    pub nation_bytes_per_s: u64,
    /// Bytes a second, sustained, of one system.
    pub system_bytes_per_s: u64,
    /// Reports of one system between receipt and acknowledgement.
    pub system_in_flight_max: u32,
    /// Refused reports kept for the nation; beyond it the oldest go.
    pub quarantine_reports_max: u64,
    /// Bytes of refused reports kept for the nation; beyond it the oldest go.
    pub quarantine_bytes_max: u64,
}

/// A partner nation.
#[derive(Clone, Debug)]
pub struct Nation {
    /// ISO 3166-1 alpha-3.
    pub code: NationCode,
    /// Name for people.
    pub name: String,
    /// Its trust domain; no two nations share one.
    pub domain: TrustDomain,
    /// Highest level that its readers may see.
    pub clearance: Level,
    /// Special categories that its readers hold.
    pub special: Vec<String>,
    /// Rights of systems that are not listed.
    pub default_rights: Rights,
    /// Rights of listed systems.
    pub systems: BTreeMap<SystemName, Rights>,
    /// Whose records its systems with the right `relay` may hand in.
    pub vouches_for: BTreeSet<NationCode>,
    /// What it may use.
    pub limits: Limits,
}

impl Nation {
    /// The rights of one of its systems.
    #[must_use]
    pub fn rights_of(&self, system: &SystemName) -> Rights {
        self.systems
            .get(system)
            .copied()
            .unwrap_or(self.default_rights)
    }
}

/// All nations at one moment.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    nations: BTreeMap<NationCode, Nation>,
    by_domain: HashMap<TrustDomain, NationCode>,
}

impl Registry {
    /// Collects nations. The last of two with one code or domain wins; configuration refuses
    /// both before it comes to that.
    #[must_use]
    pub fn new(nations: impl IntoIterator<Item = Nation>) -> Self {
        let mut registry = Self::default();
        for nation in nations {
            registry
                .by_domain
                .insert(nation.domain.clone(), nation.code);
            registry.nations.insert(nation.code, nation);
        }
        registry
    }

    /// A nation by its code.
    #[must_use]
    pub fn nation(&self, code: NationCode) -> Option<&Nation> {
        self.nations.get(&code)
    }

    /// The nation that owns a trust domain.
    #[must_use]
    pub fn by_domain(&self, domain: &TrustDomain) -> Option<&Nation> {
        self.by_domain
            .get(domain)
            .and_then(|code| self.nations.get(code))
    }

    /// Every nation, by code.
    pub fn nations(&self) -> impl Iterator<Item = &Nation> {
        self.nations.values()
    }

    /// The rights of an identity; none if its nation is unknown.
    #[must_use]
    pub fn rights_of(&self, identity: &Identity) -> Rights {
        self.nation(identity.nation)
            .map(|n| n.rights_of(&identity.system))
            .unwrap_or_default()
    }
}

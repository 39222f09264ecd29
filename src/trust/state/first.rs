//! The first trust of a process: read whole, or without the nations whose material is faulty.

use super::super::error::TrustProblem;
use super::super::floors::Floors;
use super::super::holds::Holds;
use super::super::marks::{Marks, Scope};
use super::super::prepared::{self, OnFault};
use super::super::profile::Profile;
use super::super::source::{NationSources, Pinned, read_bounded};
use super::{Inputs, Own, TrustState, TrustStateError};
use crate::clock::Clock;
use arc_swap::ArcSwap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

impl TrustState {
    /// Loads everything for the first time, as epoch 1, for listeners of the default profile.
    /// Nothing is remembered over a restart.
    ///
    /// # Errors
    /// Faulty anchors, lists, or own certificate.
    pub fn load(
        nations: Vec<NationSources>,
        own: Own,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrustStateError> {
        Self::load_kept(nations, own, Profile::Default, None, clock)
    }

    /// Loads everything for the first time, as epoch 1. The folder remembers the numbers of
    /// revocation lists and what operators have blocked.
    ///
    /// # Errors
    /// Faulty anchors, lists or own certificate, or a folder that cannot be used.
    pub fn load_kept(
        nations: Vec<NationSources>,
        own: Own,
        profile: Profile,
        folder: Option<&Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrustStateError> {
        let first = Self::first(nations, own, profile, folder, clock, OnFault::Refuse)?;
        Ok(first.0)
    }

    /// As [`Self::load_kept`], but a nation whose material is faulty is left out, and the
    /// others' is taken up; besides, every such fault. If it is everybody's, nobody is admitted
    /// until material is mended, which is then taken up as ever.
    ///
    /// # Errors
    /// What is no one nation's fault.
    pub fn load_sound(
        nations: Vec<NationSources>,
        own: Own,
        profile: Profile,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Vec<TrustProblem>), TrustStateError> {
        let on_fault = OnFault::KeepNation;
        Self::first(nations, own, profile, Some(folder), clock, on_fault)
    }

    fn first(
        nations: Vec<NationSources>,
        own: Own,
        profile: Profile,
        folder: Option<&Path>,
        clock: Arc<dyn Clock>,
        on_fault: OnFault,
    ) -> Result<(Self, Vec<TrustProblem>), TrustStateError> {
        let mut inputs = Inputs {
            nations,
            own,
            profile,
            seen: Marks::default(),
            settling: None,
            anchors: Pinned::new(),
            floors: Floors::open(folder).map_err(TrustStateError::Keep)?,
            holds: Holds::open(folder).map_err(TrustStateError::Keep)?,
        };
        inputs.seen = Marks::of(&inputs.own, &inputs.nations);
        let source = inputs.source(None, &[], Scope::Everything, on_fault);
        let loaded = prepared::load(&source, 1, None, clock.as_ref())?;
        let first = loaded.epoch;
        inputs.anchors = loaded.anchors;
        // Anchors that wait to be applied wait for a nation that is out, too, as they were now.
        let is_out = |n: &&NationSources| loaded.faults.iter().any(|f| f.nation == n.code);
        for file in inputs
            .nations
            .iter()
            .filter(is_out)
            .flat_map(NationSources::anchor_files)
        {
            let now = || read_bounded(file).unwrap_or_default();
            inputs.anchors.entry(file.clone()).or_insert_with(now);
        }
        inputs
            .floors
            .raise(&first.snapshot)
            .map_err(TrustStateError::Keep)?;
        let state = Self {
            current: ArcSwap::from_pointee(first),
            epoch: watch::Sender::new(1),
            clock,
            inputs: Mutex::new(inputs),
        };
        Ok((state, loaded.faults))
    }
}

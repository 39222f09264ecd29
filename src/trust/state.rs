//! The trust in force, swapped whole: a change either replaces everything or changes nothing.
//! Readers never wait. Epochs rise by one with every swap.
//!
//! A change is prepared first: everything is read, proven and compared with what is in force.
//! What was prepared can be looked at, and then committed or dropped.

mod first;

use super::block::{Blocked, Hold};
use super::error::TrustProblem;
use super::floors::Floors;
use super::holds::Holds;
use super::marks::{Looked, Marks, Scope};
use super::prepared::{self, Candidate, OnFault, Prepared};
use super::profile::Profile;
use super::snapshot::{AnchorStatus, TrustSnapshot};
use super::source::{NationSources, Pinned};
use super::tls::{OwnCertificate, TlsError, VerdictSlot, server_config_noting};
use crate::clock::Clock;
use crate::identity::NationCode;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// Snapshot and own certificate of one epoch; together they make the server's TLS.
#[derive(Debug)]
pub struct TrustEpoch {
    /// Whom we believe.
    pub snapshot: Arc<TrustSnapshot>,
    /// Who we are.
    pub own: OwnCertificate,
    /// When it came into force, on the clock that never jumps.
    pub accepted_at: Duration,
    // What the real listener demands.
    pub(super) profile: Profile,
}

/// The trust in force.
#[derive(Debug)]
pub struct TrustState {
    current: ArcSwap<TrustEpoch>,
    epoch: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    // Held for the whole of a change, so that two cannot cross.
    inputs: Mutex<Inputs>,
}

#[derive(Debug)]
struct Inputs {
    nations: Vec<NationSources>,
    own: Own,
    profile: Profile,
    seen: Marks,
    // What the files looked like at the last look, if that differs from `seen`.
    settling: Option<Marks>,
    // Anchors as they are in force, for changes of lists alone.
    anchors: Pinned,
    floors: Floors,
    holds: Holds,
}

/// Files of the gateway's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its chain, leaf first, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, mode 0600.
    pub key: PathBuf,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// No file was written or replaced.
    Unchanged,
    /// New trust is in force; live connections are to be checked again.
    Changed {
        /// Its epoch.
        epoch: u64,
    },
}

/// Why trust could not be loaded; on a change the old stays in force.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustStateError {
    /// Faulty anchors or lists: every problem.
    #[error("{} problem(s) with anchors and revocation lists: {}", .0.len(), list(.0))]
    Trust(Vec<TrustProblem>),
    /// Our own certificate cannot be used.
    #[error(transparent)]
    Own(#[from] TlsError),
    /// What has to outlive a restart cannot be kept or read.
    #[error("{0}")]
    Keep(String),
    /// A file was written while it was read.
    #[error("files of trust are being written to; try again when they are complete")]
    Unsettled,
    /// Another change came between preparing and committing.
    #[error("trust has changed since this was prepared (epoch {was}, now {now}); look again")]
    Moved {
        /// Prepared against.
        was: u64,
        /// In force.
        now: u64,
    },
    /// It was prepared with material that stands in no file.
    #[error("this is a trial with material that is not in place; put it in place first")]
    Trial,
}

fn list(problems: &[TrustProblem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl TrustState {
    /// What is in force now.
    #[must_use]
    pub fn current(&self) -> Arc<TrustEpoch> {
        self.current.load_full()
    }

    /// The snapshot in force now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<TrustSnapshot> {
        Arc::clone(&self.current.load().snapshot)
    }

    /// For operators: every nation's anchors and lists, sorted by nation.
    #[must_use]
    pub fn status(&self) -> Vec<AnchorStatus> {
        self.current.load().snapshot.status(self.clock.now())
    }

    /// What operators have blocked while the gateway ran.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.lock().holds.all.clone()
    }

    /// End of the gateway's own certificate.
    #[must_use]
    pub fn own_not_after(&self) -> Timestamp {
        self.current.load().own.not_after()
    }

    /// Whether the gateway's own certificate has a server name, as a client judges it.
    pub(super) fn own_is_for(&self, server_name: &str) -> bool {
        self.current.load().own.is_for(server_name)
    }

    /// Tells of each new epoch after it is in force.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// The clock that judges validity.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The server's TLS of this moment, for a listener of the default profile.
    ///
    /// # Errors
    /// rustls refuses the combination; a fault of ours.
    pub fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        self.server_config_noting(Profile::Default, VerdictSlot::default())
    }

    pub(super) fn server_config_noting(
        &self,
        profile: Profile,
        verdict: VerdictSlot,
    ) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let epoch = self.current.load();
        let snapshot = Arc::clone(&epoch.snapshot);
        let clock = Arc::clone(&self.clock);
        server_config_noting(snapshot, &epoch.own, clock, profile, verdict)
    }

    /// Loads the files of `nations`, which replace the nations so far.
    ///
    /// # Errors
    /// As [`Self::load`]; then everything stays as it was.
    pub fn reload(&self, nations: Vec<NationSources>) -> Result<Reloaded, TrustStateError> {
        let mut inputs = self.lock();
        let prepared = self.read(
            &inputs,
            Some(nations),
            &[],
            Scope::Everything,
            OnFault::Refuse,
        )?;
        self.swap(&mut inputs, prepared)
    }

    /// Loads the known files again, if any of them was written or replaced since last time.
    /// Reads from disk; not for an async worker.
    ///
    /// # Errors
    /// As [`Self::load`]; then everything stays as it was, and the same fault is not
    /// reported again until a file changes.
    pub fn reload_if_changed(&self) -> Result<Reloaded, TrustStateError> {
        let mut inputs = self.lock();
        let now = Marks::of(&inputs.own, &inputs.nations);
        if now == inputs.seen {
            return Ok(Reloaded::Unchanged);
        }
        // Marked before reading: a file that changes meanwhile is seen by the next look.
        inputs.see(now, Scope::Everything);
        let prepared = self.read(&inputs, None, &[], Scope::Everything, OnFault::Refuse)?;
        self.swap(&mut inputs, prepared)
    }

    /// Looks whether a file was written or replaced since it was read. A file that changed
    /// between two looks is still being written, perhaps: it has to rest for one look first.
    /// So half a file is never taken for a whole one.
    pub fn look(&self, scope: Scope) -> Looked {
        let mut inputs = self.lock();
        let now = Marks::of(&inputs.own, &inputs.nations);
        if !now.differ(&inputs.seen, scope) {
            inputs.settling = None;
            return Looked::Unchanged;
        }
        if inputs.settling.as_ref() == Some(&now) {
            inputs.settling = None;
            return Looked::Changed;
        }
        inputs.settling = Some(now);
        Looked::Settling
    }

    /// What the files look like now. To be taken before they are read.
    #[must_use]
    pub fn marks(&self) -> Marks {
        let inputs = self.lock();
        Marks::of(&inputs.own, &inputs.nations)
    }

    /// Takes the files as seen, whatever became of them: the same fault is told once. The
    /// marks are those from before the reading: a file that came during it is seen later.
    pub fn mark_seen(&self, marks: Marks, scope: Scope) {
        self.lock().see(marks, scope);
    }

    /// Takes the files of something prepared as seen: it differs in nothing from what is in
    /// force, so there is nothing to commit.
    pub fn mark_same(&self, prepared: Prepared) {
        let mut inputs = self.lock();
        if prepared.base == self.current.load().snapshot.epoch() && !prepared.is_trial {
            inputs.nations = prepared.nations;
            inputs.seen = prepared.seen;
            inputs.anchors = prepared.anchors;
            inputs.settling = None;
        }
    }

    /// Reads everything that would be in force: the files of `nations` (or of the nations so
    /// far) and, on trial, material that stands in no file yet. Changes nothing.
    ///
    /// # Errors
    /// Every fault that would keep it from being committed.
    pub fn prepare(
        &self,
        nations: Option<Vec<NationSources>>,
        trial: &[Candidate],
        scope: Scope,
    ) -> Result<Prepared, TrustStateError> {
        self.read(&self.lock(), nations, trial, scope, OnFault::Refuse)
    }

    /// As [`Self::prepare`], but a nation whose material is faulty keeps what it had, and the
    /// others' is taken up; [`Prepared::faults`] tells. A nation that is new is left out.
    ///
    /// # Errors
    /// What is no one nation's fault.
    pub fn prepare_sound(
        &self,
        nations: Option<Vec<NationSources>>,
        scope: Scope,
    ) -> Result<Prepared, TrustStateError> {
        self.read(&self.lock(), nations, &[], scope, OnFault::KeepNation)
    }

    /// Prepares what is in force with one more block.
    ///
    /// # Errors
    /// There are too many blocks, or the reason is too long.
    pub fn prepare_hold(&self, hold: Hold) -> Result<Prepared, TrustStateError> {
        let inputs = self.lock();
        let holds = inputs.holds.with(hold).map_err(TrustStateError::Keep)?;
        Ok(self.with_holds(&inputs, holds))
    }

    /// Prepares what is in force with one block less; none: no such block was given.
    #[must_use]
    pub fn prepare_release(&self, nation: NationCode, what: &Blocked) -> Option<Prepared> {
        let inputs = self.lock();
        let mut holds = inputs.holds.clone();
        holds.all.retain(|h| h.nation != nation || h.what != *what);
        let is_there = holds.all.len() < inputs.holds.all.len();
        is_there.then(|| self.with_holds(&inputs, holds))
    }

    /// Puts in force what was prepared, at once and whole.
    ///
    /// # Errors
    /// Something else was put in force meanwhile, or what must outlive a restart cannot be
    /// kept; then nothing has changed.
    pub fn commit(&self, prepared: Prepared) -> Result<Reloaded, TrustStateError> {
        let mut inputs = self.lock();
        self.swap(&mut inputs, prepared)
    }

    /// The trust in force with other blocks. Files are not read: blocking must work although
    /// another change lies half done in them.
    fn with_holds(&self, inputs: &Inputs, holds: Holds) -> Prepared {
        let before = self.current();
        let snapshot = before.snapshot.with_holds(&inputs.holds.all, &holds.all);
        Prepared {
            base: before.snapshot.epoch(),
            next: TrustEpoch {
                profile: inputs.profile,
                snapshot: Arc::new(snapshot),
                own: before.own.clone(),
                accepted_at: before.accepted_at,
            },
            nations: inputs.nations.clone(),
            seen: inputs.seen.clone(),
            anchors: inputs.anchors.clone(),
            faults: Vec::new(),
            holds: Some(holds),
            is_trial: false,
        }
    }

    fn read(
        &self,
        inputs: &Inputs,
        nations: Option<Vec<NationSources>>,
        trial: &[Candidate],
        scope: Scope,
        on_fault: OnFault,
    ) -> Result<Prepared, TrustStateError> {
        let source = inputs.source(nations, trial, scope, on_fault);
        let found = Marks::of(source.own, &source.nations);
        let before = self.current();
        let epoch = before.snapshot.epoch() + 1;
        let clock = self.clock.as_ref();
        let loaded = prepared::load(&source, epoch, Some(&before.snapshot), clock);
        // Also before a fault is told: it may be half a file's.
        if Marks::of(source.own, &source.nations) != found {
            return Err(TrustStateError::Unsettled);
        }
        let loaded = loaded?;
        let seen = match scope {
            Scope::Everything => found,
            Scope::ListsOnly => Marks {
                lists: found.lists,
                anchors: inputs.seen.anchors.clone(),
            },
        };
        Ok(Prepared {
            base: before.snapshot.epoch(),
            next: loaded.epoch,
            nations: source.nations.to_vec(),
            seen,
            anchors: loaded.anchors,
            faults: loaded.faults,
            holds: None,
            is_trial: !trial.is_empty(),
        })
    }

    fn swap(&self, inputs: &mut Inputs, prepared: Prepared) -> Result<Reloaded, TrustStateError> {
        let Prepared {
            base,
            mut next,
            nations,
            seen,
            anchors,
            faults: _,
            holds,
            is_trial,
        } = prepared;
        let now = self.current.load().snapshot.epoch();
        if base != now {
            return Err(TrustStateError::Moved { was: base, now });
        }
        if is_trial {
            return Err(TrustStateError::Trial);
        }
        // Kept first: what is in force must never be newer than what a restart knows.
        inputs
            .floors
            .raise(&next.snapshot)
            .map_err(TrustStateError::Keep)?;
        if let Some(holds) = holds {
            holds.keep().map_err(TrustStateError::Keep)?;
            inputs.holds = holds;
        }
        prepared::warn(&next, &inputs.own, self.clock.now());
        let epoch = next.snapshot.epoch();
        inputs.nations = nations;
        inputs.seen = seen;
        inputs.anchors = anchors;
        inputs.settling = None;
        next.accepted_at = self.clock.monotonic();
        self.current.store(Arc::new(next));
        self.epoch.send_replace(epoch);
        Ok(Reloaded::Changed { epoch })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inputs> {
        // Inputs are replaced whole, so a panic elsewhere leaves them sound.
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inputs {
    fn source<'a>(
        &'a self,
        nations: Option<Vec<NationSources>>,
        trial: &'a [Candidate],
        scope: Scope,
        on_fault: OnFault,
    ) -> prepared::Source<'a> {
        prepared::Source {
            nations: nations.map_or_else(|| (&self.nations).into(), Into::into),
            own: &self.own,
            profile: self.profile,
            floors: &self.floors,
            holds: &self.holds.all,
            trial,
            pinned: (scope == Scope::ListsOnly).then_some(&self.anchors),
            anchors: &self.anchors,
            on_fault,
        }
    }

    fn see(&mut self, found: Marks, scope: Scope) {
        self.settling = None;
        self.seen.lists = found.lists;
        if scope == Scope::Everything {
            self.seen.anchors = found.anchors;
        }
    }
}

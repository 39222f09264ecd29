//! The trust in force, swapped whole: a reload either replaces everything or changes nothing.
//! Readers never wait. Epochs rise by one with every swap.

use super::error::TrustProblem;
use super::snapshot::{AnchorStatus, TrustSnapshot};
use super::source::NationSources;
use super::tls::{OwnCertificate, RefusalSlot, TlsError, server_config_noting};
use crate::clock::Clock;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;
use tokio::sync::watch;

/// Snapshot and own certificate of one epoch; together they make the server's TLS.
#[derive(Debug)]
pub struct TrustEpoch {
    /// Whom we believe.
    pub snapshot: Arc<TrustSnapshot>,
    /// Who we are.
    pub own: OwnCertificate,
}

/// The trust in force.
#[derive(Debug)]
pub struct TrustState {
    current: ArcSwap<TrustEpoch>,
    epoch: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    // Held for the whole of a reload, so that two cannot cross.
    inputs: Mutex<Inputs>,
}

#[derive(Debug)]
struct Inputs {
    nations: Vec<NationSources>,
    own: Own,
    seen: Vec<FileMark>,
}

/// Files of the gateway's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its chain, leaf first, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, mode 0600.
    pub key: PathBuf,
}

/// Enough of a file to tell that it was replaced or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileMark(Option<(u64, u64, i64, i64)>);

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

/// Why trust could not be loaded; on a reload the old stays in force.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustStateError {
    /// Faulty anchors or lists: every problem.
    #[error("{} problem(s) with anchors and revocation lists: {}", .0.len(), list(.0))]
    Trust(Vec<TrustProblem>),
    /// Our own certificate cannot be used.
    #[error(transparent)]
    Own(#[from] TlsError),
}

fn list(problems: &[TrustProblem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl TrustState {
    /// Loads everything for the first time, as epoch 1.
    ///
    /// # Errors
    /// Faulty anchors, lists, or own certificate.
    pub fn load(
        nations: Vec<NationSources>,
        own: Own,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrustStateError> {
        let mut inputs = Inputs {
            nations,
            own,
            seen: Vec::new(),
        };
        inputs.seen = inputs.marks();
        let first = load_epoch(&inputs, 1, None, clock.as_ref())?;
        Ok(Self {
            current: ArcSwap::from_pointee(first),
            epoch: watch::Sender::new(1),
            clock,
            inputs: Mutex::new(inputs),
        })
    }

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

    /// End of the gateway's own certificate.
    #[must_use]
    pub fn own_not_after(&self) -> Timestamp {
        self.current.load().own.not_after()
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

    /// The server's TLS of this moment.
    ///
    /// # Errors
    /// rustls refuses the combination; a fault of ours.
    pub fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        self.server_config_noting(RefusalSlot::default())
    }

    pub(super) fn server_config_noting(
        &self,
        refusal: RefusalSlot,
    ) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let epoch = self.current.load();
        let snapshot = Arc::clone(&epoch.snapshot);
        server_config_noting(snapshot, &epoch.own, Arc::clone(&self.clock), refusal)
    }

    /// Loads the files of `nations`, which replace the nations so far.
    ///
    /// # Errors
    /// As [`Self::load`]; then everything stays as it was.
    pub fn reload(&self, nations: Vec<NationSources>) -> Result<Reloaded, TrustStateError> {
        let mut inputs = self.lock();
        let mut next = Inputs {
            nations,
            own: inputs.own.clone(),
            seen: Vec::new(),
        };
        next.seen = next.marks();
        let reload = self.swap(&next)?;
        *inputs = next;
        Ok(reload)
    }

    /// Loads the known files again, if any of them was written or replaced since last time.
    /// Reads from disk; not for an async worker.
    ///
    /// # Errors
    /// As [`Self::load`]; then everything stays as it was, and the same fault is not
    /// reported again until a file changes.
    pub fn reload_if_changed(&self) -> Result<Reloaded, TrustStateError> {
        let mut inputs = self.lock();
        let marks = inputs.marks();
        if marks == inputs.seen {
            return Ok(Reloaded::Unchanged);
        }
        // Marked before reading: a file that changes meanwhile is seen by the next poll.
        inputs.seen = marks;
        self.swap(&inputs)
    }

    fn swap(&self, inputs: &Inputs) -> Result<Reloaded, TrustStateError> {
        let before = self.current();
        let epoch = before.snapshot.epoch() + 1;
        let next = load_epoch(inputs, epoch, Some(&before.snapshot), self.clock.as_ref())?;
        self.current.store(Arc::new(next));
        self.epoch.send_replace(epoch);
        Ok(Reloaded::Changed { epoch })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inputs> {
        // Inputs are replaced whole, so a panic elsewhere leaves them sound.
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load_epoch(
    inputs: &Inputs,
    epoch: u64,
    previous: Option<&TrustSnapshot>,
    clock: &dyn Clock,
) -> Result<TrustEpoch, TrustStateError> {
    let snapshot = TrustSnapshot::load_after(epoch, &inputs.nations, clock, previous)
        .map_err(TrustStateError::Trust)?;
    let own = OwnCertificate::load(&inputs.own.certificate, &inputs.own.key)?;
    for problem in snapshot.warnings() {
        tracing::warn!(nation = %problem.nation, source = problem.source_name,
            reason = problem.reason, "trusted material needs attention");
    }
    if own.not_after() <= clock.now() {
        tracing::warn!(not_after = %own.not_after(), certificate = %inputs.own.certificate.display(),
            "the gateway's own certificate has expired: clients refuse it");
    }
    Ok(TrustEpoch {
        snapshot: Arc::new(snapshot),
        own,
    })
}

impl Inputs {
    fn marks(&self) -> Vec<FileMark> {
        let own = [&self.own.certificate, &self.own.key];
        let nations = self.nations.iter();
        let trusted = nations.flat_map(|n| n.anchors.iter().chain(&n.revocation_lists));
        own.into_iter()
            .chain(trusted)
            .map(|path| FileMark::of(path))
            .collect()
    }
}

impl FileMark {
    fn of(path: &Path) -> Self {
        Self(
            std::fs::metadata(path)
                .ok()
                .map(|m| (m.ino(), m.len(), m.mtime(), m.mtime_nsec())),
        )
    }
}

//! What a relay hands on to: one kind in each file, and what all of them answer.

use super::RelayError;
use super::cascade::Cascade;
use super::entry::Entry;
use super::settings::{RelaySettings, TargetSettings};
use super::subjects::Subjects;
use super::tak::Tak;
use super::webhook::Webhook;
use crate::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection to a target may take, TLS included.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long a target may take to answer.
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// What became of records that were handed to a target, in order.
#[derive(Debug)]
pub(super) struct Taken {
    /// So many from the front are done with.
    pub(super) count: usize,
    /// So many of those have no form at this target, and were left out.
    pub(super) skipped: usize,
    /// What is with the record behind them.
    pub(super) end: End,
}

/// Why a target took no more.
#[derive(Debug)]
pub(super) enum End {
    /// It took all.
    All,
    /// It will never take the next record, for this reason.
    Refused(String),
    /// It takes nothing at the moment, for this reason; perhaps later.
    Failed(String),
}

/// A target.
#[derive(Debug)]
pub enum Target {
    /// An HTTP server that is told.
    Webhook(Webhook),
    /// Subjects of a JetStream.
    Subjects(Subjects),
    /// A TAK server.
    Tak(Tak),
    /// Another Entente.
    Cascade(Cascade),
}

impl Target {
    /// Looks whether the target's files are in order. Connects with the first record.
    ///
    /// # Errors
    /// They are not.
    pub fn open(settings: &RelaySettings, clock: &Arc<dyn Clock>) -> Result<Self, RelayError> {
        let name = settings.name.clone();
        let clock = Arc::clone(clock);
        Ok(match settings.target.clone() {
            TargetSettings::Webhook(settings) => {
                Self::Webhook(Webhook::open(name, settings, clock)?)
            }
            TargetSettings::Subjects(settings) => Self::Subjects(Subjects::open(name, settings)?),
            TargetSettings::Tak(settings) => Self::Tak(Tak::open(&name, settings, clock)?),
            TargetSettings::Cascade(of_target) => {
                Self::Cascade(Cascade::open(of_target, settings.endpoint(&clock)?, clock)?)
            }
        })
    }

    /// Hands records over, in order. With `replaying`, the target looks at nothing that it
    /// remembers of earlier ones.
    pub(super) async fn hand(&mut self, entries: &[Entry], replaying: bool) -> Taken {
        match self {
            Self::Webhook(webhook) => webhook.hand(entries).await,
            Self::Subjects(subjects) => Box::pin(subjects.hand(entries, replaying)).await,
            Self::Tak(tak) => tak.hand(entries).await,
            Self::Cascade(cascade) => Box::pin(cascade.hand(entries)).await,
        }
    }
}

//! The story of a report: admitted, normalised, appended, receipted.
//!
//! What comes in is a payload of an identified sender that quota has admitted. It is judged:
//! either it becomes a record, or every reason why not is known. Records go to the journal,
//! refusals to quarantine, and only when both are durable is anything acknowledged.

mod judge;
pub mod relayed;

pub use judge::read_native;
use judge::{key_of, sha256, stamp_ns};

use crate::clock::Clock;
use crate::identity::{Identity, NationCode};
use crate::journal::quarantine::{Bounds, Quarantine, QuarantineError};
use crate::journal::{AppendError, Appended, Journal, Pending, Receipt};
use crate::normalise::{Profile, Violation, Violations};
use crate::wire::Native;
use crate::wire::quarantined::Refusal;
use crate::wire::stored::Sealer;
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A payload as a system handed it in.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A serialised `Report`.
    Report(Bytes),
    /// A payload in a format of its own.
    Native(Box<Native>),
}

impl Payload {
    /// Size, bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Report(bytes) => bytes.len(),
            Self::Native(native) => native.content.len(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the gateway knows of a nation when it judges and stores its reports.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The nation's notation.
    pub profile: Arc<Profile>,
    /// How much of what is refused is kept.
    pub quarantine: Bounds,
}

/// What became of a payload.
#[derive(Debug)]
pub struct Outcome {
    /// The report's id, as far as it could be read.
    pub report_id: String,
    /// The report's revision, as far as it could be read.
    pub revision: u32,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a payload. Whatever is stored carries a receipt, and receipts come from
/// the journal alone.
#[derive(Debug)]
pub enum Verdict {
    /// Stored now.
    Accepted(Receipt),
    /// Stored before.
    Duplicate(Receipt),
    /// Stored now, below a higher revision.
    Superseded(Receipt),
    /// Refused, and in quarantine.
    Rejected(Violations),
}

/// A word for each verdict, for metrics.
pub const WORDS: [&str; 4] = ["accepted", "duplicate", "superseded", "rejected"];

impl Verdict {
    /// Its place in [`WORDS`].
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::Accepted(_) => 0,
            Self::Duplicate(_) => 1,
            Self::Superseded(_) => 2,
            Self::Rejected(_) => 3,
        }
    }
}

/// Why payloads were neither stored nor refused. The outcome of all of them is unknown to the
/// sender, who submits them again.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// The journal does not take them now, or has stopped.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A refusal could not be kept.
    #[error("quarantine: {0}")]
    Quarantine(#[from] QuarantineError),
    /// The nation was taken out of the configuration.
    #[error("nation {0} is not configured")]
    UnknownNation(NationCode),
}

/// Takes payloads in.
pub struct Intake {
    journal: Journal,
    quarantine: Quarantine,
    clock: Arc<dyn Clock>,
    desks: arc_swap::ArcSwap<HashMap<NationCode, Desk>>,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}

/// A batch that waits for stable storage.
#[derive(Debug)]
pub struct InFlight {
    sender: Identity,
    received_at: Timestamp,
    bounds: Bounds,
    judged: Vec<Judged>,
    append: Option<Pending>,
}

/// A payload after judgement, in the order of submission.
#[derive(Debug)]
enum Judged {
    /// Became a record; its entry is on its way into the journal.
    Sent(judge::Sent),
    /// Refused.
    Refused(Refusal),
}

impl Intake {
    /// Takes payloads into a journal and a quarantine.
    #[must_use]
    pub fn new(
        journal: Journal,
        quarantine: Quarantine,
        clock: Arc<dyn Clock>,
        desks: HashMap<NationCode, Desk>,
    ) -> Self {
        Self {
            journal,
            quarantine,
            clock,
            desks: arc_swap::ArcSwap::from_pointee(desks),
        }
    }

    /// Replaces what is known of the nations, for every payload from now on.
    pub fn replace_desks(&self, desks: HashMap<NationCode, Desk>) {
        self.desks.store(Arc::new(desks));
    }

    /// Refused reports, for operators.
    #[must_use]
    pub fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Judges one payload and stores nothing.
    ///
    /// # Errors
    /// The nation is unknown; the inner error: every reason why it would be refused.
    pub fn validate(
        &self,
        sender: &Identity,
        payload: &Payload,
    ) -> Result<Result<judge::Valid, Box<Refusal>>, IntakeError> {
        let desk = self.desk(sender)?;
        Ok(judge::judge(
            sender,
            payload,
            &desk.profile,
            self.clock.now(),
        ))
    }

    /// Judges payloads and sends what became of them on its way to stable storage. Waits
    /// while the journal's queue is full. Nothing is durable yet: see [`Intake::settle`].
    ///
    /// # Errors
    /// The nation is unknown, or the journal takes nothing.
    pub async fn begin(
        &self,
        sender: &Identity,
        payloads: Vec<Payload>,
    ) -> Result<InFlight, IntakeError> {
        let desk = self.desk(sender)?;
        let received_at = self.clock.now();
        let mut entries = Vec::with_capacity(payloads.len());
        let mut judged = Vec::with_capacity(payloads.len());
        let mut sealer = Sealer::default();
        for payload in payloads {
            judged.push(
                match judge::judge(sender, &payload, &desk.profile, received_at) {
                    Ok(valid) => {
                        let (entry, sent) = valid.send(sender, &payload, received_at, &mut sealer);
                        entries.push(entry);
                        Judged::Sent(sent)
                    }
                    Err(refusal) => Judged::Refused(*refusal),
                },
            );
        }
        let append = match entries.is_empty() {
            true => None,
            false => Some(self.journal.enqueue(entries).await?),
        };
        let bounds = desk.quarantine;
        Ok(InFlight {
            sender: sender.clone(),
            received_at,
            bounds,
            judged,
            append,
        })
    }

    /// Waits until a batch is durable: records in the journal, refusals in quarantine. Only
    /// then are there outcomes, one a payload, in order.
    ///
    /// # Errors
    /// The journal or the quarantine could not keep the batch; its outcome is unknown.
    pub async fn settle(&self, batch: InFlight) -> Result<Vec<Outcome>, IntakeError> {
        let InFlight {
            sender,
            received_at,
            bounds,
            judged,
            append,
        } = batch;
        let appended = match append {
            Some(pending) => pending.durable().await?,
            None => Vec::new(),
        };
        let mut appended = appended.into_iter();
        let mut outcomes = Vec::with_capacity(judged.len());
        let mut refusals = Vec::new();
        for one in judged {
            let outcome = match one {
                Judged::Sent(sent) => {
                    let mut refuse = |violations: Violations| {
                        refusals.push(sent.refuse(&sender, received_at, violations.clone()));
                        Verdict::Rejected(violations)
                    };
                    let verdict = match appended.next().ok_or(AppendError::Closed)? {
                        Appended::Stored(receipt) => Verdict::Accepted(receipt),
                        Appended::Superseded(receipt) => Verdict::Superseded(receipt),
                        Appended::Duplicate(receipt) => Verdict::Duplicate(receipt),
                        Appended::TooManyRevisions => refuse(too_many_revisions()),
                        Appended::Conflict(receipt) => refuse(conflict(receipt)),
                        Appended::TooLarge { bytes, bytes_max } => {
                            refuse(too_large(bytes, bytes_max))
                        }
                    };
                    Outcome {
                        report_id: sent.report_id,
                        revision: sent.revision,
                        verdict,
                    }
                }
                Judged::Refused(refusal) => {
                    let outcome = Outcome {
                        report_id: refusal.report_id.clone(),
                        revision: refusal.revision,
                        verdict: Verdict::Rejected(refusal.violations.clone()),
                    };
                    refusals.push(refusal);
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        self.keep(&sender, bounds, refusals).await?;
        Ok(outcomes)
    }

    /// Puts refusals into quarantine and waits until they are durable.
    async fn keep(
        &self,
        sender: &Identity,
        bounds: Bounds,
        refusals: Vec<Refusal>,
    ) -> Result<(), QuarantineError> {
        if refusals.is_empty() {
            return Ok(());
        }
        let bodies = refusals
            .iter()
            .map(|refusal| Bytes::from(refusal.encode()))
            .collect();
        self.quarantine
            .put(sender.nation.as_str(), bounds, bodies)
            .await
    }

    fn desk(&self, sender: &Identity) -> Result<Desk, IntakeError> {
        let desks = self.desks.load();
        desks
            .get(&sender.nation)
            .cloned()
            .ok_or(IntakeError::UnknownNation(sender.nation))
    }
}

/// A reason that only the journal can find.
fn only_the_journal_knows(
    field: &'static str,
    rule: &'static str,
    message: String,
    expected: &'static str,
) -> Violations {
    let mut violations = Violations::default();
    violations.push(Violation {
        field: field.into(),
        rule,
        message: message.into(),
        expected: expected.into(),
    });
    violations
}

fn too_many_revisions() -> Violations {
    only_the_journal_knows(
        "revision",
        "identity.revisions_max",
        "this report has as many revisions as one report may have".to_owned(),
        "a new report id that names this one in `supersedes`",
    )
}

fn too_large(bytes: usize, bytes_max: usize) -> Violations {
    only_the_journal_knows(
        "",
        "report.storage_bytes_max",
        format!("the report and its record need {bytes} bytes; {bytes_max} are possible"),
        "a smaller report, or several",
    )
}

fn conflict(first: Receipt) -> Violations {
    let position = first.position();
    only_the_journal_knows(
        "report_id",
        "identity.conflict",
        format!("this report id and revision stand at position {position} with other bytes"),
        "the same bytes for a retry, or a higher revision for a change",
    )
}

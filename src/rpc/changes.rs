//! Changes of trust as the services see them. The gateway makes them: only it
//! knows where nations' files lie.

use crate::identity::{Identity, NationCode, SystemName};
use crate::listener::Cut;
use crate::trust::{Blocked, Candidate, Hold};
use std::fmt;

/// Who asks for a change, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An operator, or a system that renews, over its connection.
    Operator {
        /// Who it is.
        identity: Identity,
        /// Serial number of its certificate.
        serial_hex: String,
        /// Where it connects from.
        address: std::net::SocketAddr,
    },
    /// The signal.
    Hangup,
    /// Files that changed.
    Watch,
    /// Time: something began or ended by itself.
    Time,
    /// The gateway's start.
    Start,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator {
                identity,
                serial_hex,
                address,
            } => write!(f, "{identity} (serial {serial_hex}, from {address})"),
            Self::Hangup => f.write_str("SIGHUP"),
            Self::Watch => f.write_str("file watch"),
            Self::Time => f.write_str("time"),
            Self::Start => f.write_str("start"),
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The nation concerned; `None`: the gateway itself.
    pub nation: Option<NationCode>,
    /// What becomes different.
    pub what: String,
}

/// Somebody whom a change lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The nation concerned.
    pub nation: NationCode,
    /// The system; none: `why` says whom.
    pub system: Option<SystemName>,
    /// Whom, and why.
    pub why: String,
}

/// What a change does, or would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Names exactly what was read.
    pub id: String,
    /// Epoch that it was compared with.
    pub epoch: u64,
    /// What becomes different.
    pub changes: Vec<Difference>,
    /// Live connections that end.
    pub cuts: Vec<Cut>,
    /// Who comes in that was kept out, as far as a gateway can know.
    pub admits: Vec<Admission>,
    /// How many stay.
    pub kept: usize,
    /// Why it would be refused.
    pub faults: Vec<String>,
    /// What needs attention.
    pub warnings: Vec<String>,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What it did.
    pub plan: Plan,
    /// The epoch now in force.
    pub epoch: u64,
}

/// Why a nation keeps what it had, or, where it had nothing, is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its code, or the name of its file; empty: the gateway's own file.
    pub nation: String,
    /// What is wrong, where, and how to mend it.
    pub what: String,
}

/// Why a change was not made; everything is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// What it would take up is faulty: every fault.
    Faulty(Vec<String>),
    /// It is not what was planned.
    Moved(String),
    /// A file is being written to.
    Unsettled,
    /// It cannot be written into the audit log, and what is not audited is not done.
    Audit(String),
    /// Nothing of the kind is blocked.
    NotHeld,
}

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty(faults) => f.write_str(&faults.join("; ")),
            Self::Moved(reason) => f.write_str(reason),
            Self::Unsettled => f.write_str("files are being written to; try again"),
            Self::Audit(reason) => write!(f, "the audit log cannot be written: {reason}"),
            Self::NotHeld => f.write_str(
                "no such block was given to the gateway; one in a nation's file is lifted there",
            ),
        }
    }
}

/// What is looked at as if it were in place.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Anchors and lists.
    pub candidates: Vec<Candidate>,
    /// Nations' files: name in the folder of nations, and text.
    pub nation_files: Vec<(String, String)>,
}

/// Changes trust. Every call reads or writes files: not for an async worker.
pub trait TrustChanges: Send + Sync {
    /// What the files, and what is on trial, would change.
    fn plan(&self, trial: &Trial) -> Plan;

    /// Takes up the files; with a plan's id, only if they are what that plan showed.
    ///
    /// # Errors
    /// Nothing was changed.
    fn apply(&self, who: &Who, plan_id: Option<&str>) -> Result<Applied, NotApplied>;

    /// Blocks.
    ///
    /// # Errors
    /// Nothing was changed.
    fn hold(&self, who: &Who, hold: Hold) -> Result<Applied, NotApplied>;

    /// Lifts a block.
    ///
    /// # Errors
    /// Nothing was changed.
    fn release(&self, who: &Who, nation: NationCode, what: &Blocked)
    -> Result<Applied, NotApplied>;

    /// What is faulty in nations' files now, as it was found last; waits for nothing.
    fn faults(&self) -> Vec<Fault>;

    /// Writes a renewed certificate into the audit log, before it is given away.
    ///
    /// # Errors
    /// It cannot be written down.
    fn renewed(&self, who: &Who, serial_hex: &str) -> Result<(), NotApplied>;
}

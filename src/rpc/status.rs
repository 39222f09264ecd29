//! The only place where an error becomes a gRPC status. Every match is exhaustive, so that a
//! new error does not compile until it is decided. Nothing internal crosses the border: the
//! sender is told what it can act on; the operator finds the rest in the log.
#![deny(clippy::wildcard_enum_match_arm)]

use super::changes::NotApplied;
use crate::admission::Refusal;
use crate::feed::FeedError;
use crate::feed::cursors::CursorError;
use crate::feed::places::NoPlace;
use crate::intake::IntakeError;
use crate::journal::AppendError;
use crate::journal::quarantine::QuarantineError;
use crate::listener::{EndKind, Ending};
use crate::pki::RenewError;
use crate::retention::RetentionError;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of all reason codes.
const DOMAIN: &str = "entente";

/// How long a sender is told to wait when the gateway is about to close.
const CLOSING_RETRY: Duration = Duration::from_secs(2);

/// How long a peer is told to wait that only has to connect, or to subscribe, again.
const RECONNECT_RETRY: Duration = Duration::from_secs(1);

/// How long a reader is told to wait for another subscription to end.
const PLACE_RETRY: Duration = Duration::from_secs(2);

/// How long a reader is told to wait for a gateway that has not yet read what another gave it.
const BEHIND_RETRY: Duration = Duration::from_millis(500);

/// How long a reader is told to wait for the picture of contributions.
const PICTURE_RETRY: Duration = Duration::from_secs(1);

fn status(code: Code, reason: &str, message: String, details: ErrorDetails) -> Status {
    let mut details = details;
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, message, details)
}

fn plain(code: Code, reason: &str, message: impl Into<String>) -> Status {
    status(code, reason, message.into(), ErrorDetails::new())
}

fn retry(code: Code, reason: &str, message: impl Into<String>, after: Duration) -> Status {
    status(
        code,
        reason,
        message.into(),
        ErrorDetails::with_retry_info(Some(after)),
    )
}

/// A name that health does not know, or not for this caller: in the words of the library, so that
/// the two cannot be told apart.
pub(super) fn unknown_to_health() -> Status {
    Status::not_found("service not registered")
}

/// A right is missing.
pub(super) fn right_missing(right: &str) -> Status {
    plain(
        Code::PermissionDenied,
        "RIGHT_MISSING",
        format!(
            "this system does not have the right to {right}; the operator of the gateway gives it"
        ),
    )
}

/// The gateway takes no relayed records.
pub(super) fn no_gateway_name() -> Status {
    plain(
        Code::FailedPrecondition,
        "NO_GATEWAY_NAME",
        "this gateway takes no relayed records: its operator has to name it (services.gateway_name)",
    )
}

/// The relay reads a gateway of this one's name: another one, or this one itself.
pub(super) fn same_gateway_name(name: &str) -> Status {
    plain(
        Code::FailedPrecondition,
        "SAME_GATEWAY_NAME",
        format!(
            "the gateway that the relay reads is called {name}, like this one; each needs a name \
             of its own (services.gateway_name), and a relay leads from one to another"
        ),
    )
}

/// The connection came without an identity. Cannot happen behind our listener.
pub(super) fn no_identity() -> Status {
    plain(
        Code::Unauthenticated,
        "NO_IDENTITY",
        "the connection carries no verified certificate",
    )
}

/// The gateway ended the connection. Who is no longer believed is told so, and does not try
/// again; everybody else is told when to connect again.
pub(super) fn cut(ending: &Ending) -> Status {
    let message = format!("the gateway ended this connection: {}", ending.reason);
    let (reason, after) = match ending.kind {
        EndKind::Distrust => {
            return plain(Code::Unauthenticated, "CONNECTION_CUT", message);
        }
        EndKind::SessionLimit => ("SESSION_LIMIT", RECONNECT_RETRY),
        EndKind::Closing => ("DRAINING", CLOSING_RETRY),
        EndKind::Stalled => ("CONNECTION_STALLED", RECONNECT_RETRY),
        EndKind::Silent => ("CONNECTION_SILENT", RECONNECT_RETRY),
    };
    retry(Code::Unavailable, reason, message, after)
}

/// A change of trust was not made.
pub(super) fn trust_not_applied(error: &NotApplied) -> Status {
    let message = format!("nothing was changed: {error}");
    match error {
        NotApplied::Faulty(_) => plain(Code::FailedPrecondition, "TRUST_FAULTY", message),
        NotApplied::Moved(_) => plain(Code::Aborted, "TRUST_MOVED", message),
        NotApplied::Unsettled => {
            retry(Code::Unavailable, "TRUST_UNSETTLED", message, CLOSING_RETRY)
        }
        NotApplied::Audit(_) => plain(Code::Unavailable, "AUDIT_UNAVAILABLE", message),
        NotApplied::NotHeld => plain(Code::NotFound, "NOT_HELD", message),
    }
}

/// The request itself is wrong: a field and what was expected.
pub(super) fn bad_field(field: &str, expected: &str) -> Status {
    bad_fields(&[(field.to_owned(), expected.to_owned())])
}

/// The request itself is wrong, perhaps in several places: each field and what was expected.
pub(super) fn bad_fields(faults: &[(String, String)]) -> Status {
    let mut details = ErrorDetails::new();
    for (field, expected) in faults {
        details.add_bad_request_violation(field, expected);
    }
    let faults = faults.iter();
    let words: Vec<String> = faults
        .map(|(field, expected)| format!("{field}: {expected}"))
        .collect();
    status(
        Code::InvalidArgument,
        "BAD_REQUEST",
        words.join("; "),
        details,
    )
}

/// A reader let its deliveries lie.
pub(super) fn stalled(next_position: u64) -> Status {
    retry(
        Code::ResourceExhausted,
        "READER_STALLED",
        format!("the reader took nothing for too long; go on with from_position {next_position}"),
        RECONNECT_RETRY,
    )
}

/// No place for another subscription; the message names the limit.
pub(super) fn too_many_subscriptions(full: &NoPlace) -> Status {
    retry(
        Code::ResourceExhausted,
        "TOO_MANY_SUBSCRIPTIONS",
        full.to_string(),
        PLACE_RETRY,
    )
}

/// The gateway is draining.
pub(super) fn draining() -> Status {
    retry(
        Code::Unavailable,
        "DRAINING",
        "the gateway is closing; connect again",
        CLOSING_RETRY,
    )
}

/// Quota does not admit the call now.
pub(super) fn refused(refusal: Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::Rate { retry_after } => retry(
            Code::ResourceExhausted,
            "RATE_LIMITED",
            message,
            retry_after,
        ),
        Refusal::InFlight { retry_after } => retry(
            Code::ResourceExhausted,
            "TOO_MANY_IN_FLIGHT",
            message,
            retry_after,
        ),
    }
}

/// Intake could neither store nor refuse. What became of the reports is unknown to the sender.
pub(super) fn intake(error: IntakeError) -> Status {
    match error {
        IntakeError::Append(error) => append(&error),
        IntakeError::Quarantine(QuarantineError::Full { retry_after }) => {
            append(&AppendError::DiskFull { retry_after })
        }
        IntakeError::Quarantine(error) => {
            tracing::error!(%error, "quarantine cannot keep refused reports");
            retry(
                Code::Unavailable,
                "QUARANTINE_UNAVAILABLE",
                "a refused report could not be kept; submit it again",
                CLOSING_RETRY,
            )
        }
        IntakeError::UnknownNation(nation) => plain(
            Code::PermissionDenied,
            "NATION_UNKNOWN",
            format!("nation {nation} is not configured at this gateway"),
        ),
    }
}

fn append(error: &AppendError) -> Status {
    match error {
        AppendError::Overloaded { retry_after } => retry(
            Code::ResourceExhausted,
            "OVERLOADED",
            "the gateway has more reports waiting than it may; submit again",
            *retry_after,
        ),
        AppendError::DiskFull { retry_after } => retry(
            Code::ResourceExhausted,
            "DISK_FULL",
            "there is too little free disk to promise durability; submit again later",
            *retry_after,
        ),
        AppendError::Unreachable { retry_after } => retry(
            Code::Unavailable,
            "STORE_UNREACHABLE",
            "the servers that store reports do not answer; submit again, with the same ids",
            *retry_after,
        ),
        AppendError::Unreadable(position) => plain(
            Code::DataLoss,
            "JOURNAL_UNREADABLE",
            format!("a report was stored before, at position {position}, which cannot be read"),
        ),
        // Only an import, which no service is, says where something has to stand.
        error @ AppendError::Displaced { .. } => {
            plain(Code::Internal, "DISPLACED", error.to_string())
        }
        AppendError::Poisoned(_) => retry(
            Code::Unavailable,
            "JOURNAL_STOPPED",
            "the gateway cannot store reports and is stopping; submit again, with the same ids",
            CLOSING_RETRY,
        ),
        AppendError::Closed => draining(),
    }
}

/// A visitor of the diagnosis listener asks again and again.
pub(super) fn asked_too_often() -> Status {
    plain(
        Code::ResourceExhausted,
        "ASKED_TOO_OFTEN",
        "this connection has asked as often as it may; the answer does not change",
    )
}

/// A certificate was not renewed. What became of the operator's signer stands in the log.
pub(super) fn renewal(error: &RenewError) -> Status {
    let message = error.to_string();
    match error {
        RenewError::Off(_) => plain(Code::FailedPrecondition, "RENEWAL_OFF", message),
        RenewError::TooOften { retry_after, .. } => retry(
            Code::ResourceExhausted,
            "RENEWED_TOO_OFTEN",
            message,
            *retry_after,
        ),
        RenewError::Busy { retry_after } => {
            retry(Code::Unavailable, "RENEWAL_BUSY", message, *retry_after)
        }
        RenewError::Request(_) | RenewError::OtherName { .. } | RenewError::SameKey => {
            bad_field("certificate_request", &message)
        }
        RenewError::Signer { .. } => plain(
            Code::Internal,
            "SIGNER_FAILED",
            "the signer that the operator gave the gateway did not issue a certificate that can \
             be used; the gateway's log has the reason",
        ),
    }
}

/// The feed cannot answer.
pub(super) fn feed(error: FeedError) -> Status {
    let message = error.to_string();
    match error {
        FeedError::Read(_) | FeedError::Stored { .. } => {
            tracing::error!(error = message, "the feed cannot be read");
            plain(
                Code::DataLoss,
                "JOURNAL_UNREADABLE",
                "the gateway cannot read its journal here",
            )
        }
        FeedError::Removed { first, .. } => {
            let mut details = ErrorDetails::new();
            let earliest = ("earliest_position".to_owned(), first.to_string());
            details.set_error_info("POSITION_REMOVED", DOMAIN, [earliest]);
            Status::with_error_details(Code::OutOfRange, message, details)
        }
        FeedError::Beyond { .. } => plain(Code::OutOfRange, "CURSOR_BEYOND_END", message),
        FeedError::Behind { .. } => {
            retry(Code::Unavailable, "GATEWAY_BEHIND", message, BEHIND_RETRY)
        }
        FeedError::NotAReader(_) => right_missing("read the feed"),
        FeedError::NotFound(_) => plain(Code::NotFound, "NOT_FOUND", message),
        FeedError::PictureBehind { .. } => {
            retry(Code::Unavailable, "PICTURE_BEHIND", message, PICTURE_RETRY)
        }
        FeedError::NotCompared => plain(Code::FailedPrecondition, "NOT_COMPARED", message),
        FeedError::PageToken => bad_field("page_token", &message),
        FeedError::Cursor(error) => cursor(&error),
        FeedError::Closed => draining(),
    }
}

/// What retention cannot do.
pub(super) fn retention(error: RetentionError) -> Status {
    let message = error.to_string();
    match error {
        RetentionError::Engine => plain(Code::FailedPrecondition, "RETENTION_ENGINE", message),
        RetentionError::What(expected) => bad_field("what", &expected),
        RetentionError::NotHeld(_) => plain(Code::NotFound, "NOT_HELD", message),
        RetentionError::Audit(_) => plain(Code::Unavailable, "AUDIT_UNAVAILABLE", message),
        RetentionError::Disk(_) => plain(Code::Unavailable, "HOLDS_NOT_WRITTEN", message),
        RetentionError::Feed(error) => feed(error),
        RetentionError::Remove(_) => plain(Code::Internal, "NOT_REMOVED", message),
    }
}

/// What a cursor cannot do.
pub(super) fn cursor(error: &CursorError) -> Status {
    let message = error.to_string();
    match error {
        CursorError::Name => bad_field("cursor", &message),
        CursorError::Backwards => bad_field("first_position", &message),
        CursorError::TooMany(_) => plain(Code::ResourceExhausted, "TOO_MANY_CURSORS", message),
        CursorError::Missing(_) => plain(Code::NotFound, "CURSOR_NOT_FOUND", message),
        CursorError::Damaged { .. } => plain(Code::FailedPrecondition, "CURSOR_DAMAGED", message),
        CursorError::Beyond { .. } => plain(Code::OutOfRange, "CURSOR_BEYOND_END", message),
        CursorError::Scattered => plain(Code::FailedPrecondition, "CURSOR_SCATTERED", message),
        CursorError::Disk(error) => {
            tracing::error!(%error, "a cursor cannot be written");
            let message = "the gateway cannot write its cursors now";
            plain(Code::Unavailable, "CURSOR_NOT_WRITTEN", message)
        }
    }
}

/// What tonic found wrong with a message of a stream, with the limit where size was the fault.
pub(super) fn stream(error: &Status, report_bytes_max: usize) -> Status {
    if error.code() == Code::OutOfRange {
        return plain(
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
            format!(
                "{}; a message may have at most {report_bytes_max} bytes",
                error.message()
            ),
        );
    }
    plain(error.code(), "STREAM_BROKEN", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: EndKind) -> (Code, String, Option<Duration>) {
        let status = cut(&Ending {
            kind,
            reason: "why".into(),
        });
        assert!(status.message().ends_with(": why"), "{status:?}");
        let after = status.get_details_retry_info().and_then(|r| r.retry_delay);
        let reason = status.get_details_error_info().unwrap().reason;
        (status.code(), reason, after)
    }

    #[test]
    fn only_who_is_no_longer_believed_is_unauthenticated() {
        let (code, reason, after) = told(EndKind::Distrust);
        assert_eq!(
            (code, reason.as_str(), after),
            (Code::Unauthenticated, "CONNECTION_CUT", None)
        );
        for (kind, expected) in [
            (EndKind::SessionLimit, "SESSION_LIMIT"),
            (EndKind::Closing, "DRAINING"),
            (EndKind::Stalled, "CONNECTION_STALLED"),
            (EndKind::Silent, "CONNECTION_SILENT"),
        ] {
            let (code, reason, after) = told(kind);
            assert_eq!((code, reason.as_str()), (Code::Unavailable, expected));
            assert!(after.is_some(), "{kind:?} says when to connect again");
        }
    }
}

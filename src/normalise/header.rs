//! What every report has: its name, what it does, who says it, and what it replaces.

use super::bounds::{self, REPORT_ID_BYTES_MAX, REVISION_MAX, SEQUENCE_MAX};
use super::notes::{Notes, Rule, quoted};
use super::{Context, code, time};
use crate::record::{Action, Environment, Supersedes};
use crate::report::{self, Report};
use jiff::Timestamp;

static REPORT_ID: Rule = Rule::new(
    "report.report_id",
    "a report id is 1 to 128 characters of visible ASCII",
    "report.proto",
);
static SEQUENCE: Rule = Rule::new(
    "report.sequence",
    "a system that counts its reports counts from 1",
    "report.proto",
);
static REVISION: Rule = Rule::new("report.revision", "revisions count from 1", "report.proto");
static NATION: Rule = Rule::new(
    "report.nation",
    "a nation speaks only for itself: the certificate says which",
    "design.md, promise 2",
);
static SYSTEM: Rule = Rule::new(
    "report.system",
    "a system speaks only for itself: the certificate says which",
    "design.md, promise 2",
);
static SUPERSEDES: Rule = Rule::new(
    "report.supersedes",
    "a correction or retraction says what it replaces: by a revision above 1, or by name",
    "report.proto; domain.md 10",
);
static REPLACED: Rule = Rule::new(
    "report.replaces_lower_revision",
    "a revision above 1 replaces the lower ones of its report",
    "report.proto",
);

/// The checked head of a report.
pub(super) struct Head {
    pub(super) action: Action,
    pub(super) environment: Environment,
    pub(super) supersedes: Option<Supersedes>,
    pub(super) reported_at: Option<Timestamp>,
}

/// Checks the head; `None` with violations.
pub(super) fn head(report: &Report, context: &Context<'_>, notes: &mut Notes) -> Option<Head> {
    report_id(&report.report_id, "report_id", notes);
    if let Some(sequence) = report.sequence
        && !(1..=SEQUENCE_MAX).contains(&sequence)
    {
        let message = format!("{sequence} is no number of a report");
        let expected = format!("1 to {SEQUENCE_MAX}, or nothing");
        notes.violate("sequence", &SEQUENCE, message, expected);
    }
    if !(1..=REVISION_MAX).contains(&report.revision) {
        let message = format!("{} is no revision", report.revision);
        notes.violate(
            "revision",
            &REVISION,
            message,
            format!("1 to {REVISION_MAX}"),
        );
    }
    let action = code::required(report.action, "action", notes);
    let environment = code::required(report.environment, "environment", notes);
    names_its_sender(report, context, notes);
    let reported_at = report
        .reported_at
        .and_then(|utc| time::timestamp(utc, context, "reported_at", notes));
    let supersedes = supersedes(report, action, notes);
    Some(Head {
        action: action?,
        environment: environment?,
        supersedes,
        reported_at,
    })
}

fn report_id(id: &str, field: &str, notes: &mut Notes) -> bool {
    let fits = bounds::is_report_id(id);
    if !fits {
        let message = match id.len() {
            0 => "not given".to_owned(),
            1..=REPORT_ID_BYTES_MAX => {
                format!("{} has a blank or a letter outside ASCII", quoted(id))
            }
            len => format!("{len} bytes are too long"),
        };
        let expected = format!("1 to {REPORT_ID_BYTES_MAX} characters of visible ASCII");
        notes.violate(field, &REPORT_ID, message, expected);
    }
    fits
}

fn names_its_sender(report: &Report, context: &Context<'_>, notes: &mut Notes) {
    let identity = context.identity;
    let own = identity.nation.as_str();
    if !report.nation.is_empty() && report.nation != own {
        let message = format!("{} is not the sender's nation", quoted(&report.nation));
        let expected = format!("{own}, as the certificate says, or nothing");
        notes.violate("nation", &NATION, message, expected);
    }
    let own = identity.system.as_str();
    if !report.system.is_empty() && report.system != own {
        let message = format!("{} is not the sending system", quoted(&report.system));
        let expected = format!("{own}, as the certificate says, or nothing");
        notes.violate("system", &SYSTEM, message, expected);
    }
}

/// What the report replaces.
fn supersedes(report: &Report, action: Option<Action>, notes: &mut Notes) -> Option<Supersedes> {
    let Some(named) = &report.supersedes else {
        return implied(report, action, notes);
    };
    let before = notes.violation_count();
    let report::Supersedes {
        report_id: id,
        revision,
    } = named;
    report_id(id, "supersedes.report_id", notes);
    if !(1..=REVISION_MAX).contains(revision) {
        notes.violate(
            "supersedes.revision",
            &SUPERSEDES,
            format!("{revision} is no revision"),
            "the highest revision that is replaced, from 1",
        );
    }
    if *id == report.report_id && *revision >= report.revision && *revision > 0 {
        notes.violate(
            "supersedes.revision",
            &SUPERSEDES,
            format!(
                "revision {} cannot replace revision {revision}",
                report.revision
            ),
            "a lower revision, or another report",
        );
    }
    if action == Some(Action::New) {
        notes.violate(
            "supersedes",
            &SUPERSEDES,
            "a NEW report replaces nothing",
            "UPDATE, CORRECTION or RETRACTION; or no supersedes",
        );
    }
    (notes.violation_count() == before).then(|| Supersedes {
        report_id: id.clone(),
        revision: *revision,
    })
}

/// A revision above 1 replaces the ones below; a correction without any replaces nothing.
fn implied(report: &Report, action: Option<Action>, notes: &mut Notes) -> Option<Supersedes> {
    if report.revision > 1 {
        let revision = report.revision - 1;
        notes.trace(
            "supersedes",
            &REPLACED,
            "not given",
            format!("revision {revision} of the same report"),
        );
        return Some(Supersedes {
            report_id: report.report_id.clone(),
            revision,
        });
    }
    if let Some(action @ (Action::Correction | Action::Retraction)) = action {
        notes.violate(
            "supersedes",
            &SUPERSEDES,
            format!(
                "a {} at revision 1 that names no other report",
                action.name()
            ),
            "a revision above 1, or supersedes with report_id and revision",
        );
    }
    None
}

static NARRATIVE: Rule = Rule::new(
    "report.narrative",
    "a narrative has text, and a language tag of letters, digits and hyphens",
    "record.proto; BCP 47",
);
static EVIDENCE: Rule = Rule::new(
    "report.evidence",
    "evidence has its SHA-256 of 32 bytes and a media type",
    "record.proto; RFC 6838",
);

/// The narratives of a report.
pub(super) fn narratives(
    mut given: Vec<report::Narrative>,
    notes: &mut Notes,
) -> Vec<crate::record::Narrative> {
    bounds::list(given.len(), bounds::NARRATIVES_MAX, "narratives", notes);
    given.truncate(bounds::NARRATIVES_MAX);
    let judge = |(index, narrative): (usize, report::Narrative)| {
        notes.within_item("narratives", index, |notes| {
            let lang = &narrative.lang;
            bounds::text(&narrative.text, bounds::NARRATIVE_BYTES_MAX, "text", notes);
            if narrative.text.trim().is_empty() {
                notes.violate("text", &NARRATIVE, "empty", "text, or no narrative");
            }
            let tag = lang.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !tag || lang.len() > bounds::LANG_BYTES_MAX {
                let message = format!("{} is no language tag", quoted(lang));
                notes.violate(
                    "lang",
                    &NARRATIVE,
                    message,
                    "BCP 47, such as `uk` or `en-GB`",
                );
            }
        });
        let report::Narrative {
            lang,
            text,
            is_authoritative,
            is_machine_translation,
        } = narrative;
        crate::record::Narrative {
            lang,
            text,
            is_authoritative,
            is_machine_translation,
        }
    };
    given.into_iter().enumerate().map(judge).collect()
}

/// The evidence of a report.
pub(super) fn evidence(
    mut given: Vec<report::Evidence>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Vec<crate::record::Evidence> {
    bounds::list(given.len(), bounds::EVIDENCE_MAX, "evidence", notes);
    given.truncate(bounds::EVIDENCE_MAX);
    let judge = |(index, evidence): (usize, report::Evidence)| {
        let captured_at = notes.within_item("evidence", index, |notes| {
            bounds::text(&evidence.uri, bounds::URI_BYTES_MAX, "uri", notes);
            if evidence.sha256.len() != 32 {
                let message = format!("{} bytes", evidence.sha256.len());
                notes.violate("sha256", &EVIDENCE, message, "the 32 bytes of a SHA-256");
            }
            if !is_media_type(&evidence.media_type) {
                let message = format!("{} is no media type", quoted(&evidence.media_type));
                notes.violate("media_type", &EVIDENCE, message, "such as `image/jpeg`");
            }
            evidence
                .captured_at
                .and_then(|utc| time::timestamp(utc, context, "captured_at", notes))
        });
        let report::Evidence {
            sha256,
            media_type,
            uri,
            ..
        } = evidence;
        crate::record::Evidence {
            sha256,
            media_type,
            uri,
            captured_at,
        }
    };
    given.into_iter().enumerate().map(judge).collect()
}

fn is_media_type(text: &str) -> bool {
    text.len() <= bounds::MEDIA_TYPE_BYTES_MAX
        && text.is_ascii()
        && text
            .split_once('/')
            .is_some_and(|(kind, sub)| !kind.is_empty() && !sub.is_empty())
        && !text.bytes().any(|b| b.is_ascii_control())
}

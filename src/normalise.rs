//! Turns a report into a record, or into the list of all reasons why not.
//! Pure: no clock, no input or output; the same report and context give the same record.

mod bearing;
pub mod bounds;
pub mod catalogue;
pub mod code;
pub mod confidence;
pub mod contribution;
mod distance;
mod header;
mod lexicon;
pub mod marking;
pub mod notes;
mod phrase;
pub mod position;
pub mod profile;
pub mod quantity;
pub mod rules;
mod sighting;
pub mod time;
pub mod vocabulary;

pub use notes::{Notes, Rule};
pub use profile::{Notation, Profile};
pub use rules::Rules;

use crate::identity::Identity;
use crate::record::{Action, Body, Record, RecordParts, Text};
use crate::report::{self, Report};
use jiff::Timestamp;

/// Version of the normaliser as a whole; every record carries it.
pub const NORMALISER_VERSION: &str = "1";

/// Most violations that are kept of one report; the rest are counted.
pub const VIOLATIONS_MAX: usize = 100;

/// Most bytes of text in the violations that are kept of one report; the rest are counted.
pub const VIOLATIONS_BYTES_MAX: usize = 64 * 1024;

/// What a report is normalised against.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who sent it, from the verified certificate.
    pub identity: &'a Identity,
    /// The notation of the sender's nation.
    pub profile: &'a Profile,
    /// When the gateway took it in.
    pub received_at: Timestamp,
    /// SHA-256 of the report as submitted.
    pub original_sha256: [u8; 32],
    /// Media type of the report as submitted.
    pub original_media_type: Text,
}

/// One reason why a report is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the report, for example `sighting.observations[2].count`.
    pub field: Text,
    /// Stable id of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub message: Text,
    /// What was expected, and how to mend it.
    pub expected: Text,
}

impl Violation {
    fn bytes(&self) -> usize {
        self.field.len() + self.rule.len() + self.message.len() + self.expected.len()
    }
}

/// Every reason why a report is refused; at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    /// The first [`VIOLATIONS_MAX`], as far as they stay within [`VIOLATIONS_BYTES_MAX`]; the
    /// very first in any case.
    pub list: Vec<Violation>,
    /// How many more there are.
    pub omitted: u32,
}

impl Violations {
    /// Adds a reason, or counts it when the list is full.
    pub fn push(&mut self, violation: Violation) {
        if self.omitted == 0 && self.has_room(&violation) {
            self.list.push(violation);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    fn has_room(&self, violation: &Violation) -> bool {
        let kept = self.list.iter().map(Violation::bytes).sum::<usize>();
        let fits = kept.saturating_add(violation.bytes()) <= VIOLATIONS_BYTES_MAX;
        self.list.is_empty() || (self.list.len() < VIOLATIONS_MAX && fits)
    }
}

static BODY_MISSING: Rule = Rule::new(
    "report.body_missing",
    "a report has a sighting or a contribution; only a retraction needs neither",
    "report.proto",
);
static INCOMPLETE: Rule = Rule::new(
    "normalise.incomplete",
    "a part of the report could not be normalised for a reason that the gateway did not name",
    "a fault of the gateway",
);

/// Normalises a report.
///
/// # Errors
/// Every reason why the report cannot become a record.
pub fn normalise(mut report: Report, context: &Context<'_>) -> Result<Record, Violations> {
    let mut notes = Notes::new();
    let head = header::head(&report, context, &mut notes);
    let marking = marking::marking(
        report.marking.take(),
        context.identity.nation,
        context.profile,
        &mut notes,
    );
    let retraction = report.action == Action::Retraction.number();
    let body = body(report.body.take(), retraction, context, &mut notes);
    let narratives = header::narratives(std::mem::take(&mut report.narratives), &mut notes);
    let evidence = header::evidence(std::mem::take(&mut report.evidence), context, &mut notes);
    let trace = notes.finish()?;
    let (Some(head), Some(marking), Some(body)) = (head, marking, body) else {
        return Err(incomplete());
    };
    Ok(Record::seal(RecordParts {
        nation: context.identity.nation.as_str().to_owned(),
        system: context.identity.system.as_str().to_owned(),
        report_id: report.report_id,
        revision: report.revision,
        action: head.action,
        supersedes: head.supersedes,
        environment: head.environment,
        reported_at: head.reported_at,
        received_at: context.received_at,
        marking,
        body,
        narratives,
        evidence,
        original_sha256: context.original_sha256,
        original_media_type: context.original_media_type.clone(),
        trace,
        sequence: report.sequence,
    }))
}

/// The substance; `None` with a violation, `Some(None)` for a retraction without any.
fn body(
    given: Option<report::Body>,
    retraction: bool,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Option<Body>> {
    match given {
        Some(report::Body::Sighting(given)) => notes.within("sighting", |notes| {
            let sighting = sighting::sighting(*given, context, notes)?;
            Some(Some(Body::Sighting(Box::new(sighting))))
        }),
        Some(report::Body::Contribution(given)) => {
            let contribution = contribution::contribution(*given, context, notes)?;
            Some(Some(Body::Contribution(Box::new(contribution))))
        }
        None if retraction => Some(None),
        None => {
            let expected = "a sighting or a contribution";
            notes.violate("sighting", &BODY_MISSING, "nothing is reported", expected);
            None
        }
    }
}

/// A fault of ours must refuse the report, never let half of it through.
fn incomplete() -> Violations {
    let mut notes = Notes::new();
    notes.violate(
        "",
        &INCOMPLETE,
        "a part is missing without a reason",
        "a word to the operators",
    );
    notes.finish().err().unwrap_or_default()
}

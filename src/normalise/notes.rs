//! What the normaliser says while it works: violations and the trace.
//! Paths are composed only when something is said, so that a clean report costs nothing;
//! fields are named relative to the scope that [`Notes::within`] opened.
//! Invariant: a scope that is opened is closed, whatever the inner function returns.

use super::{Violation, Violations};
use crate::record::{Severity, Text, TraceEntry};
use std::fmt::Write as _;

/// Most bytes of a report's own text that a message or a trace repeats.
pub const QUOTED_BYTES_MAX: usize = 200;

/// Most trace entries of one record; more is a violation, because a trace with holes lies.
pub const TRACE_MAX: usize = 2_000;

/// A rule of the normaliser. Ids are stable; a change of behaviour raises the version.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable id: `area.what`, lower case.
    pub id: &'static str,
    /// Version of the behaviour.
    pub version: u32,
    /// What it does, one sentence.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

impl Rule {
    /// The first version of a rule.
    #[must_use]
    pub const fn new(id: &'static str, summary: &'static str, source: &'static str) -> Self {
        Self {
            id,
            version: 1,
            summary,
            source,
        }
    }
}

/// The trace is bounded.
static TRACE_FULL: Rule = Rule::new(
    "report.trace_full",
    "a report that needs more trace than a record may carry is refused",
    "design.md, promise 4",
);

#[derive(Clone, Copy, Debug)]
struct Segment {
    name: &'static str,
    index: Option<usize>,
}

/// Collects violations and trace of one report.
#[derive(Debug, Default)]
pub struct Notes {
    violations: Violations,
    trace: Vec<TraceEntry>,
    trace_full: bool,
    scope: Vec<Segment>,
}

impl Notes {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `inner` with `name` opened as scope: fields said inside are below it.
    pub fn within<T>(&mut self, name: &'static str, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.scoped(Segment { name, index: None }, inner)
    }

    /// Runs `inner` with the item `name[index]` opened as scope.
    pub fn within_item<T>(
        &mut self,
        name: &'static str,
        index: usize,
        inner: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let index = Some(index);
        self.scoped(Segment { name, index }, inner)
    }

    fn scoped<T>(&mut self, segment: Segment, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push(segment);
        let outcome = inner(self);
        self.scope.pop();
        outcome
    }

    /// Says why the report is refused. `field` is relative to the scope; empty: the scope itself.
    pub fn violate(
        &mut self,
        field: &str,
        rule: &'static Rule,
        message: impl Into<Text>,
        expected: impl Into<Text>,
    ) {
        let field = self.path(field).into();
        self.violations.push(Violation {
            field,
            rule: rule.id,
            message: message.into(),
            expected: expected.into(),
        });
    }

    /// Records a change that loses nothing.
    pub fn trace(
        &mut self,
        field: &str,
        rule: &'static Rule,
        input: impl Into<Text>,
        output: impl Into<Text>,
    ) {
        self.enter(field, rule, input.into(), output.into(), Severity::Info);
    }

    /// Records a change or a doubt that a reader should know of.
    pub fn warn(
        &mut self,
        field: &str,
        rule: &'static Rule,
        input: impl Into<Text>,
        output: impl Into<Text>,
    ) {
        self.enter(field, rule, input.into(), output.into(), Severity::Warn);
    }

    fn enter(
        &mut self,
        field: &str,
        rule: &'static Rule,
        input: Text,
        output: Text,
        severity: Severity,
    ) {
        if self.trace.len() >= TRACE_MAX {
            if !self.trace_full {
                self.trace_full = true;
                self.violate("", &TRACE_FULL, "too much to trace", "a smaller report");
            }
            return;
        }
        let field = self.path(field).into();
        self.trace.push(TraceEntry {
            field,
            rule: rule.id,
            rule_version: rule.version,
            input,
            output,
            severity,
        });
    }

    /// The whole path of `field` in the report.
    #[must_use]
    pub fn path(&self, field: &str) -> String {
        let mut path = String::with_capacity(48);
        for segment in &self.scope {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(segment.name);
            if let Some(index) = segment.index {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{index}]");
            }
        }
        if !path.is_empty() && !field.is_empty() && !field.starts_with('[') {
            path.push('.');
        }
        path.push_str(field);
        path
    }

    /// How many violations so far; compare before and after to learn whether a step failed.
    #[must_use]
    pub fn violation_count(&self) -> usize {
        self.violations.list.len() + self.violations.omitted as usize
    }

    /// The trace, if nothing was violated.
    ///
    /// # Errors
    /// All violations.
    pub fn finish(self) -> Result<Vec<TraceEntry>, Violations> {
        if self.violations.list.is_empty() {
            Ok(self.trace)
        } else {
            Err(self.violations)
        }
    }
}

/// A report's own text for a message: quoted, bounded, control characters escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(QUOTED_BYTES_MAX) + 2);
    out.push('`');
    out.push_str(&bounded(text));
    out.push('`');
    out
}

/// A report's own text for the trace: bounded, control characters escaped.
#[must_use]
pub fn bounded(text: &str) -> String {
    if text.len() <= QUOTED_BYTES_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(QUOTED_BYTES_MAX));
    for c in text.chars() {
        if out.len() >= QUOTED_BYTES_MAX {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    static RULE: Rule = Rule::new("test.rule", "for this test", "here");

    #[test]
    fn paths_are_relative_to_the_scope() {
        let mut notes = Notes::new();
        notes.within("sighting", |notes| {
            notes.within_item("observations", 2, |notes| {
                notes.violate("count", &RULE, "wrong", "right");
                notes.violate("", &RULE, "wrong", "right");
            });
        });
        notes.violate("report_id", &RULE, "wrong", "right");
        notes.within("marking", |notes| {
            assert_eq!(notes.path("releasable_to[1]"), "marking.releasable_to[1]");
        });
        let violations = notes.finish().expect_err("three violations");
        let fields: Vec<_> = violations.list.iter().map(|v| v.field.as_ref()).collect();
        assert_eq!(
            fields,
            [
                "sighting.observations[2].count",
                "sighting.observations[2]",
                "report_id"
            ]
        );
    }

    #[test]
    fn quoted_text_is_bounded_and_harmless() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert!(quoted(&"ж".repeat(1_000)).len() < QUOTED_BYTES_MAX + 16);
    }
}

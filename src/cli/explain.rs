//! A normalised report for people: the original beside the record, line by line, each line with
//! the rules that made it, and the rules below with version and source. One screen.

mod given;
mod page;
mod rows;

pub(super) use page::Page;

use super::foreign::harmless;
use crate::normalise::{Violations, catalogue};
use crate::record::{Record, Severity, TraceEntry};
use crate::report::Report;
use page::Note;

/// One line: what was given, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// For people.
    label: String,
    /// The field as the trace names it; rules below it belong to this line.
    field: String,
    given: String,
    became: String,
}

/// A report and the record that it became.
pub(super) fn record(report: &Report, record: &Record, page: &Page) -> String {
    let mut rows = rows::all(report, record);
    let mut notes: Vec<Note> = Vec::new();
    let mut marks: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for entry in &record.trace {
        let at = row_of(entry, &rows).unwrap_or_else(|| {
            rows.push(Row {
                label: label_of(&entry.field),
                field: entry.field.to_string(),
                given: entry.input.to_string(),
                became: entry.output.to_string(),
            });
            marks.push(Vec::new());
            rows.len() - 1
        });
        let number = note_of(entry, &mut notes);
        if let Some(marks) = marks.get_mut(at)
            && !marks.contains(&number)
        {
            marks.push(number);
        }
    }
    let doubts = record
        .trace
        .iter()
        .filter(|entry| entry.severity == Severity::Warn)
        .count();
    let verdict = match doubts {
        0 => "ACCEPTED".to_owned(),
        1 => "ACCEPTED, 1 doubt".to_owned(),
        more => format!("ACCEPTED, {more} doubts"),
    };
    let head = format!(
        "{}/{}  {} r{}  {} {}",
        record.nation,
        record.system,
        record.report_id,
        record.revision,
        record.action.name(),
        record.environment.name()
    );
    page.accepted(&head, &verdict, &rows, &marks, &notes)
}

/// Every reason why a report is refused, with the rule and how to mend it.
pub(super) fn refused(name: &str, violations: &Violations, page: &Page) -> String {
    let count = violations.list.len() + violations.omitted as usize;
    let verdict = match count {
        1 => "REFUSED, 1 reason".to_owned(),
        more => format!("REFUSED, {more} reasons"),
    };
    let reasons: Vec<_> = violations
        .list
        .iter()
        .map(|violation| page::Reason {
            field: violation.field.to_string(),
            message: violation.message.to_string(),
            expected: violation.expected.to_string(),
            rule: match catalogue::find(violation.rule) {
                Some(rule) => format!("{} {}, {}", rule.id, rule.version, rule.source),
                None => violation.rule.to_owned(),
            },
        })
        .collect();
    page.refused(name, &verdict, &reasons, violations.omitted)
}

/// The line that an entry of the trace belongs to: the one with the longest field above it.
fn row_of(entry: &TraceEntry, rows: &[Row]) -> Option<usize> {
    let above = |row: &Row| {
        let below = entry.field.strip_prefix(row.field.as_str());
        !row.field.is_empty()
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let found = rows.iter().enumerate().filter(|(_, row)| above(row));
    found
        .max_by_key(|(_, row)| row.field.len())
        .map(|(at, _)| at)
}

/// The number of an entry's note. A certain step is explained once; each doubt by itself.
fn note_of(entry: &TraceEntry, notes: &mut Vec<Note>) -> usize {
    let doubt = entry.severity == Severity::Warn;
    let rule = catalogue::find(entry.rule);
    let text = match (doubt, rule) {
        (false, Some(rule)) => rule.summary.to_owned(),
        (true, Some(rule)) => format!("{}: {}", harmless(&entry.output), rule.summary),
        (_, None) => harmless(&entry.output).into_owned(),
    };
    let note = Note {
        doubt,
        rule: format!("{} {}", entry.rule, entry.rule_version),
        text,
        source: rule.map_or("", |rule| rule.source),
    };
    let known = notes.iter().position(|known| *known == note);
    known.unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    })
}

/// `sighting.verification_status` for people: `verification status`.
fn label_of(field: &str) -> String {
    let last = field.rsplit('.').next().unwrap_or(field);
    last.replace('_', " ")
}

#[cfg(test)]
mod tests;

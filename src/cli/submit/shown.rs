//! What became of each line, for people or for machines, and the sums.

use crate::cli::Output;
use crate::cli::foreign::harmless;
use crate::wire::json;
use crate::wire::proto::{Disposition, Outcome, Violation};
use prost::Message as _;
use std::fmt::Write as _;
use std::io::{BufWriter, IsTerminal as _, Stdout, Write as _};

/// Lines without an outcome that are named; the rest are counted.
const UNKNOWN_NAMED_MAX: u64 = 10;

/// Writes outcomes to standard output and counts them.
pub(super) struct Shown {
    out: BufWriter<Stdout>,
    output: Output,
    colours: bool,
    accepted: u64,
    duplicate: u64,
    superseded: u64,
    valid: u64,
    refused: u64,
    unknown: u64,
}

impl Shown {
    pub(super) fn new(output: Output) -> Self {
        let out = std::io::stdout();
        Self {
            colours: output == Output::Readable
                && out.is_terminal()
                && std::env::var_os("NO_COLOR").is_none(),
            out: BufWriter::new(out),
            output,
            accepted: 0,
            duplicate: 0,
            superseded: 0,
            valid: 0,
            refused: 0,
            unknown: 0,
        }
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Whether anything was shown.
    pub(super) fn any(&self) -> bool {
        let outcomes = self.accepted + self.duplicate + self.superseded + self.valid;
        outcomes + self.refused + self.unknown > 0
    }

    /// Shows what became of a line.
    pub(super) fn outcome(&mut self, line: u64, outcome: &Outcome) {
        match outcome.disposition() {
            Disposition::Accepted => self.accepted += 1,
            Disposition::Duplicate => self.duplicate += 1,
            Disposition::Superseded => self.superseded += 1,
            Disposition::Valid => self.valid += 1,
            Disposition::Rejected => self.refused += 1,
            Disposition::Unspecified => self.unknown += 1,
        }
        let text = match self.output {
            Output::Json => as_json(line, outcome),
            Output::Readable => readable(line, outcome, self.colours),
        };
        self.write(&text);
    }

    /// Says that a line has no outcome.
    pub(super) fn without_outcome(&mut self, line: u64) {
        self.unknown += 1;
        if self.unknown > UNKNOWN_NAMED_MAX {
            return;
        }
        let text = match self.output {
            Output::Json => serde_json::json!({ "line": line }).to_string(),
            Output::Readable => format!("line {line}: no outcome"),
        };
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        // The reports go out whether or not somebody reads what became of them.
        let _nobody_reads = writeln!(self.out, "{text}");
    }

    pub(super) fn flush(&mut self) {
        let _nobody_reads = self.out.flush();
    }

    /// The sums; for machines they are in the objects themselves.
    pub(super) fn summary(&mut self) {
        if self.output == Output::Readable {
            let parts = [
                (self.accepted, "accepted"),
                (self.duplicate, "duplicate"),
                (self.superseded, "superseded"),
                (self.valid, "valid"),
                (self.refused, "refused"),
                (self.unknown, "without an outcome"),
            ];
            let always = ["accepted", "refused"];
            let text: Vec<_> = parts
                .into_iter()
                .filter(|(count, word)| *count > 0 || always.contains(word))
                .map(|(count, word)| format!("{count} {word}"))
                .collect();
            self.write(&text.join(", "));
        }
        self.flush();
    }
}

fn as_json(line: u64, outcome: &Outcome) -> String {
    let outcome = json::to_json(json::OUTCOME, &outcome.encode_to_vec())
        .ok()
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut object = match outcome {
        Some(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    object.insert("line".to_owned(), line.into());
    serde_json::Value::Object(object).to_string()
}

fn readable(line: u64, outcome: &Outcome, colours: bool) -> String {
    let (word, colour) = match outcome.disposition() {
        Disposition::Accepted => ("accepted", "32"),
        Disposition::Duplicate => ("duplicate", "36"),
        Disposition::Superseded => ("superseded", "36"),
        Disposition::Rejected => ("REFUSED", "31"),
        Disposition::Valid => ("valid", "32"),
        Disposition::Unspecified => ("unknown", "33"),
    };
    let mut text = if colours {
        format!("line {line}: \x1b[{colour}m{word}\x1b[0m")
    } else {
        format!("line {line}: {word}")
    };
    if !outcome.report_id.is_empty() {
        let id = harmless(&outcome.report_id);
        // Writing to a String cannot fail.
        let _ = write!(text, ": {id} revision {}", outcome.revision);
    }
    if let Some(receipt) = &outcome.receipt {
        let _ = write!(text, " at position {}", receipt.position);
        if let Some(previous) = receipt.supersedes_position {
            let _ = write!(text, ", supersedes position {previous}");
        }
    }
    for violation in &outcome.violations {
        text.push_str(&reason(violation));
    }
    if outcome.violations_omitted > 0 {
        let _ = write!(text, "\n    and {} more", outcome.violations_omitted);
    }
    text
}

fn reason(violation: &Violation) -> String {
    let field = match violation.field.as_str() {
        "" => "report",
        field => field,
    };
    format!(
        "\n    {}: {} [{}]\n        expected: {}",
        harmless(field),
        harmless(&violation.message),
        harmless(&violation.rule),
        harmless(&violation.expected)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Outcome {
        Outcome {
            disposition: Disposition::Rejected.into(),
            report_id: "a\u{1b}[2J".to_owned(),
            revision: 2,
            violations: vec![Violation {
                field: "sighting.location".to_owned(),
                rule: "position.area_of_interest".to_owned(),
                message: "0.0, 0.0 is far away".to_owned(),
                expected: "a place in the area".to_owned(),
            }],
            violations_omitted: 3,
            ..Outcome::default()
        }
    }

    #[test]
    fn a_refusal_reads_with_all_its_reasons() {
        assert_eq!(
            readable(7, &refused(), false),
            "line 7: REFUSED: a\\u{1b}[2J revision 2\n    \
             sighting.location: 0.0, 0.0 is far away [position.area_of_interest]\n        \
             expected: a place in the area\n    and 3 more"
        );
    }

    #[test]
    fn a_machine_gets_the_contracts_form_and_the_line() {
        let read: serde_json::Value = serde_json::from_str(&as_json(7, &refused())).unwrap();
        assert_eq!(read["line"], 7);
        assert_eq!(read["disposition"], "DISPOSITION_REJECTED");
        assert_eq!(read["violations"][0]["field"], "sighting.location");
        assert_eq!(read["violationsOmitted"], 3);
    }
}

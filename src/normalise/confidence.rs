//! Confidence: the Admiralty code stays as it is, a percentage comes only from the STIX column,
//! and a word becomes a range only with the scale that the nation declares.
//! Invariant: F, 6 and silence give no number; unknown is not fifty per cent.

use super::notes::{Notes, Rule, bounded, quoted};
use super::phrase::fold;
use crate::record::{self, Text};
use crate::report;

static ABSENT: Rule = Rule::new(
    "confidence.absent",
    "a source or information that nobody judged is F or 6",
    "domain.md 4",
);
static ADMIRALTY: Rule = Rule::new(
    "confidence.admiralty",
    "source reliability is A to F, credibility 1 to 6",
    "domain.md 4",
);
static DERIVED: Rule = Rule::new(
    "confidence.stix",
    "a percentage from the credibility, by the STIX 2.1 column; none for F, for 6 and for silence",
    "domain.md 4; STIX 2.1 appendix A",
);
static ANALYTIC: Rule = Rule::new(
    "confidence.analytic",
    "confidence in a judgement (low, moderate, high) is no probability of an event",
    "domain.md 4; ICD 203",
);
static PROBABILITY: Rule = Rule::new(
    "confidence.probability",
    "a probability lies in 0 to 100 per cent, lower end first",
    "domain.md 4",
);
static SCALE: Rule = Rule::new(
    "confidence.scale",
    "a word of probability belongs to a scale that the nation declares",
    "domain.md 4",
);
static TERM: Rule = Rule::new(
    "confidence.term",
    "a word of probability to its range on the declared scale",
    "domain.md 4",
);

/// Words of ICD 203 for the confidence in a judgement, folded.
const ANALYTIC_WORDS: &[&str] = &["low confidence", "moderate confidence", "high confidence"];

/// Longest term, bytes.
const TERM_BYTES_MAX: usize = 200;

/// A scale of words of probability.
struct Scale {
    id: &'static str,
    /// Its ranges were read at their source.
    verified: bool,
    /// Folded words, lower and upper end in per cent.
    words: &'static [(&'static [&'static str], u32, u32)],
}

const SCALES: &[Scale] = &[
    Scale {
        id: "ICD203",
        verified: true,
        words: &[
            (&["almost no chance", "remote"], 1, 5),
            (
                &["very unlikely", "highly improbable", "highly unlikely"],
                5,
                20,
            ),
            (&["unlikely", "improbable"], 20, 45),
            (
                &[
                    "roughly even chance",
                    "roughly even odds",
                    "even chance",
                    "even odds",
                ],
                45,
                55,
            ),
            (&["likely", "probable"], 55, 80),
            (&["very likely", "highly probable", "highly likely"], 80, 95),
            (
                &["almost certain", "almost certainly", "nearly certain"],
                95,
                99,
            ),
        ],
    },
    Scale {
        id: "PHIA",
        verified: false,
        words: &[
            (&["remote chance", "remote", "almost no chance"], 0, 5),
            (&["highly unlikely", "very unlikely"], 10, 20),
            (&["unlikely"], 25, 35),
            (&["realistic possibility"], 40, 50),
            (&["likely", "probable", "probably"], 55, 75),
            (&["highly likely", "very likely", "highly probable"], 80, 90),
            (&["almost certain", "almost certainly"], 95, 100),
        ],
    },
    Scale {
        id: "KENT",
        verified: true,
        words: &[
            (&["presque aucune chance", "almost certainly not"], 2, 12),
            (&["probablement pas", "probably not"], 20, 40),
            (&["chances a peu pres egales", "chances about even"], 40, 60),
            (&["probable", "probablement"], 63, 87),
            (
                &["quasi certaine", "quasi certain", "almost certain"],
                87,
                99,
            ),
        ],
    },
];

/// The confidence of a sighting. Says its fields below `field`.
pub fn confidence(
    confidence: Option<report::Confidence>,
    field: &'static str,
    notes: &mut Notes,
) -> record::Confidence {
    notes.within(field, |notes| judge(confidence.unwrap_or_default(), notes))
}

fn judge(confidence: report::Confidence, notes: &mut Notes) -> record::Confidence {
    let (source_reliability, credibility) = admiralty(&confidence, notes);
    let judged = source_reliability != "F";
    let derived_pct = stix(&credibility).filter(|_| judged);
    if let Some(pct) = derived_pct {
        notes.trace(
            "derived_pct",
            &DERIVED,
            credibility.clone(),
            pct.to_string(),
        );
    }
    let given = given(&confidence, notes);
    let (probability_lo_pct, probability_hi_pct) = in_words(&confidence, given, notes);
    record::Confidence {
        source_reliability,
        credibility,
        derived_pct,
        probability_lo_pct,
        probability_hi_pct,
        scale_id: confidence.scale_id.trim().to_ascii_uppercase().into(),
        original_term: confidence.term,
    }
}

/// Source reliability and credibility. `B2` may stand in either field.
fn admiralty(confidence: &report::Confidence, notes: &mut Notes) -> (Text, Text) {
    let source = confidence.source_reliability.trim();
    let credibility = confidence.credibility.trim();
    let (source, credibility) = match (together(source), together(credibility)) {
        (Some(both), _) if credibility.is_empty() => both,
        (_, Some(both)) if source.is_empty() => both,
        _ => (source, credibility),
    };
    let source = letter(source, "ABCDEF", "F", "source_reliability", notes);
    let credibility = letter(credibility, "123456", "6", "credibility", notes);
    (source, credibility)
}

/// `B2`, `B-2` or `B/2` as its two parts.
fn together(text: &str) -> Option<(&str, &str)> {
    let source = text.get(..1)?;
    let credibility = text.get(1..)?.trim_start_matches(['-', '/', ' ']);
    let is_code = source.bytes().all(|b| b.is_ascii_alphabetic())
        && credibility.len() == 1
        && credibility.bytes().all(|b| b.is_ascii_digit());
    is_code.then_some((source, credibility))
}

fn letter(
    given: &str,
    allowed: &'static str,
    unknown: &'static str,
    field: &str,
    notes: &mut Notes,
) -> Text {
    if given.is_empty() {
        notes.trace(field, &ABSENT, "", unknown);
        return unknown.into();
    }
    let at = match given.as_bytes() {
        &[one] => allowed.find(char::from(one.to_ascii_uppercase())),
        _ => None,
    };
    match at.and_then(|at| allowed.get(at..=at)) {
        Some(code) => {
            if code != given {
                notes.trace(field, &ADMIRALTY, bounded(given), code);
            }
            code.into()
        }
        None => {
            let message = format!("{} is not on the Admiralty scale", quoted(given));
            let ends = (allowed.get(..1), allowed.get(5..));
            let (first, last) = (ends.0.unwrap_or_default(), ends.1.unwrap_or_default());
            let expected = format!("{first} to {last}; {unknown} where it cannot be judged");
            notes.violate(field, &ADMIRALTY, message, expected);
            unknown.into()
        }
    }
}

fn stix(credibility: &str) -> Option<u32> {
    match credibility {
        "1" => Some(90),
        "2" => Some(70),
        "3" => Some(50),
        "4" => Some(30),
        "5" => Some(10),
        _ => None,
    }
}

/// The percentages as given.
fn given(confidence: &report::Confidence, notes: &mut Notes) -> (Option<u32>, Option<u32>) {
    let ends = (confidence.probability_lo_pct, confidence.probability_hi_pct);
    let names = ["probability_lo_pct", "probability_hi_pct"];
    for (name, end) in names.into_iter().zip([ends.0, ends.1]) {
        if let Some(end) = end.filter(|end| *end > 100) {
            let message = format!("{end} is no percentage");
            notes.violate(name, &PROBABILITY, message, "0 to 100");
        }
    }
    if let (Some(lo), Some(hi)) = ends
        && lo > hi
    {
        let message = format!("the lower end {lo} is above the upper end {hi}");
        let expected = "the lower end at most the upper end";
        notes.violate(names[0], &PROBABILITY, message, expected);
    }
    ends
}

/// The range of the term; numbers that were given stand.
fn in_words(
    confidence: &report::Confidence,
    given: (Option<u32>, Option<u32>),
    notes: &mut Notes,
) -> (Option<u32>, Option<u32>) {
    let term = confidence.term.trim();
    let id = confidence.scale_id.trim();
    if term.len() > TERM_BYTES_MAX {
        let expected = format!("at most {TERM_BYTES_MAX} bytes");
        notes.violate("term", &TERM, "too long", expected);
        return given;
    }
    if ANALYTIC_WORDS.contains(&fold(term).as_str()) {
        let output = "kept as text: not a probability";
        notes.warn("term", &ANALYTIC, bounded(term), output);
        return given;
    }
    let scale = SCALES
        .iter()
        .find(|scale| scale.id.eq_ignore_ascii_case(id));
    if !id.is_empty() && scale.is_none() {
        let known: Vec<_> = SCALES.iter().map(|scale| scale.id).collect();
        let message = format!("{} is no scale", quoted(id));
        let expected = format!("one of {}", known.join(", "));
        notes.violate("scale_id", &SCALE, message, expected);
        return given;
    }
    if term.is_empty() {
        return given;
    }
    let Some(scale) = scale else {
        notes.warn(
            "term",
            &SCALE,
            bounded(term),
            "kept as text: no scale is declared",
        );
        return given;
    };
    let folded = fold(term);
    let range = scale
        .words
        .iter()
        .find(|(words, ..)| words.contains(&folded.as_str()));
    let Some(&(_, lo, hi)) = range else {
        let output = format!("kept as text: not a word of {}", scale.id);
        notes.warn("term", &TERM, bounded(term), output);
        return given;
    };
    if given != (None, None) {
        if given != (Some(lo), Some(hi)) {
            let output = format!("the numbers given stand; {} says {lo} to {hi}", scale.id);
            notes.warn("term", &TERM, bounded(term), output);
        }
        return given;
    }
    if scale.verified {
        notes.trace("term", &TERM, bounded(term), format!("{lo} to {hi}"));
    } else {
        let output = format!("{lo} to {hi}; this scale was not read at its source");
        notes.warn("term", &TERM, bounded(term), output);
    }
    (Some(lo), Some(hi))
}

#[cfg(test)]
mod tests;

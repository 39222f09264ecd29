//! Goal: the Admiralty code stays, F and 6 and silence give no number, words need their scale.

use super::*;
use crate::normalise::Violations;
use crate::record::TraceEntry;
use crate::report::Confidence;

fn judge(given: Confidence) -> Result<(record::Confidence, Vec<TraceEntry>), Violations> {
    let mut notes = Notes::new();
    let confidence = notes.within("sighting", |notes| {
        confidence(Some(given), "confidence", notes)
    });
    notes.finish().map(|trace| (confidence, trace))
}

fn admiralty(source: &str, credibility: &str) -> Confidence {
    Confidence {
        source_reliability: source.to_owned(),
        credibility: credibility.to_owned(),
        ..Confidence::default()
    }
}

fn word(term: &str, scale_id: &str) -> Confidence {
    Confidence {
        term: term.to_owned(),
        scale_id: scale_id.to_owned(),
        ..admiralty("B", "2")
    }
}

#[test]
fn the_stix_column() {
    for (credibility, pct) in [
        ("1", Some(90)),
        ("2", Some(70)),
        ("3", Some(50)),
        ("4", Some(30)),
        ("5", Some(10)),
        ("6", None),
    ] {
        let (confidence, _) = judge(admiralty("A", credibility)).unwrap();
        assert_eq!(confidence.derived_pct, pct);
        assert_eq!(confidence.credibility, credibility);
        assert_eq!(confidence.source_reliability, "A");
    }
}

#[test]
fn a_source_that_nobody_can_judge_gives_no_number() {
    let (confidence, trace) = judge(admiralty("F", "2")).unwrap();
    assert_eq!(
        (&*confidence.source_reliability, &*confidence.credibility),
        ("F", "2")
    );
    assert_eq!(
        confidence.derived_pct, None,
        "unknown is not seventy per cent"
    );
    assert!(trace.iter().all(|entry| entry.rule != "confidence.stix"));
}

#[test]
fn confidence_in_a_judgement_is_no_probability() {
    let (confidence, trace) = judge(word("High confidence", "ICD203")).unwrap();
    assert_eq!(confidence.probability_lo_pct, None);
    assert_eq!(confidence.original_term, "High confidence");
    assert!(
        trace
            .iter()
            .any(|entry| entry.rule == "confidence.analytic")
    );
}

/// Scale, word, lower and upper end: every cell of the table of domain.md 4.
#[rustfmt::skip]
const WORDS: &[(&str, &str, u32, u32)] = &[
    ("ICD203", "almost no chance", 1, 5), ("ICD203", "remote", 1, 5),
    ("ICD203", "very unlikely", 5, 20), ("ICD203", "highly unlikely", 5, 20),
    ("ICD203", "unlikely", 20, 45), ("ICD203", "even chance", 45, 55),
    ("ICD203", "likely", 55, 80), ("ICD203", "probable", 55, 80),
    ("ICD203", "very likely", 80, 95), ("ICD203", "highly likely", 80, 95),
    ("ICD203", "almost certain", 95, 99),
    ("PHIA", "remote", 0, 5), ("PHIA", "highly unlikely", 10, 20), ("PHIA", "unlikely", 25, 35),
    ("PHIA", "realistic possibility", 40, 50), ("PHIA", "likely", 55, 75),
    ("PHIA", "highly likely", 80, 90), ("PHIA", "almost certain", 95, 100),
    ("KENT", "presque aucune chance", 2, 12), ("KENT", "probablement pas", 20, 40),
    ("KENT", "chances à peu près égales", 40, 60), ("KENT", "probable", 63, 87),
    ("KENT", "quasi certaine", 87, 99),
];

#[test]
fn every_word_of_every_scale() {
    for (scale, term, lo, hi) in WORDS {
        let (confidence, trace) = judge(word(&term.to_uppercase(), scale)).unwrap();
        let range = (confidence.probability_lo_pct, confidence.probability_hi_pct);
        assert_eq!(range, (Some(*lo), Some(*hi)), "{scale} {term}");
        assert_eq!(&*confidence.scale_id, *scale);
        let warned = trace.iter().any(|e| e.severity == record::Severity::Warn);
        assert_eq!(
            warned,
            *scale == "PHIA",
            "only PHIA was not read at its source"
        );
    }
}

#[test]
fn silence_is_f6_and_no_number() {
    let (confidence, trace) = judge(Confidence::default()).unwrap();
    assert_eq!(
        (
            confidence.source_reliability.as_ref(),
            confidence.credibility.as_ref()
        ),
        ("F", "6")
    );
    assert_eq!(confidence.derived_pct, None);
    assert_eq!(confidence.probability_lo_pct, None);
    assert_eq!(trace.len(), 2);
}

#[test]
fn both_parts_may_stand_together() {
    for given in [
        admiralty("B2", ""),
        admiralty("", "b-2"),
        admiralty("b", "2"),
    ] {
        let (confidence, _) = judge(given).unwrap();
        assert_eq!(
            (
                confidence.source_reliability.as_ref(),
                confidence.credibility.as_ref()
            ),
            ("B", "2")
        );
    }
}

#[test]
fn what_is_not_on_the_scale_is_refused() {
    for given in [
        admiralty("G", "2"),
        admiralty("A", "0"),
        admiralty("A", "7"),
        admiralty("AB", "1"),
        admiralty("А", "1"),
    ] {
        assert_eq!(judge(given).unwrap_err().list.len(), 1);
    }
    assert_eq!(judge(admiralty("x", "9")).unwrap_err().list.len(), 2);
}

#[test]
fn words_mean_what_their_scale_says() {
    let range = |term, scale| {
        let (confidence, trace) = judge(word(term, scale)).unwrap();
        let warned = trace
            .iter()
            .any(|entry| entry.severity == record::Severity::Warn);
        (
            confidence.probability_lo_pct,
            confidence.probability_hi_pct,
            warned,
        )
    };
    assert_eq!(range("likely", "ICD203"), (Some(55), Some(80), false));
    assert_eq!(range("Likely", "phia"), (Some(55), Some(75), true));
    assert_eq!(
        range("highly unlikely", "ICD203"),
        (Some(5), Some(20), false)
    );
    assert_eq!(range("highly unlikely", "PHIA"), (Some(10), Some(20), true));
    assert_eq!(range("quasi certaine", "KENT"), (Some(87), Some(99), false));
    assert_eq!(range("likely", ""), (None, None, true));
    assert_eq!(range("high", "ICD203"), (None, None, true));
    assert_eq!(
        judge(word("likely", "MINE")).unwrap_err().list[0].rule,
        "confidence.scale"
    );
}

#[test]
fn percentages_stand_and_are_checked() {
    let given = |lo, hi, term: &str| Confidence {
        probability_lo_pct: lo,
        probability_hi_pct: hi,
        ..word(term, "ICD203")
    };
    let (confidence, trace) = judge(given(Some(60), Some(70), "likely")).unwrap();
    assert_eq!(
        (confidence.probability_lo_pct, confidence.probability_hi_pct),
        (Some(60), Some(70))
    );
    assert!(trace.iter().any(|entry| entry.rule == "confidence.term"));
    assert!(judge(given(Some(70), Some(60), "")).is_err());
    assert!(judge(given(None, Some(101), "")).is_err());
    assert!(judge(given(Some(80), None, "")).is_ok());
}

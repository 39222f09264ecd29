//! `text/x-spotrep`: SALUTE and SPOTREP lines, such as `LINE 5 37U DP 10729 18760`,
//! `LINE 3 - SIZE: about 5`, `LOCATION: 37U DP 10729 18760`, `L - 37U DP 10729 18760`, and the
//! British contact report with its three `WHAT:`. Lines may be missing and stand in any order.
//! Beside the lines of the form it takes `MEANS:`, `PHASE:`, `DIRECTION:`, `CONFIDENCE:` and
//! `CLASSIFICATION:`. A line without a label goes on with the one before it. A date-time group
//! in brackets may stand behind a line. An authentication is dropped: it is a secret of the
//! sender's, and the payload is kept as it came.

use super::Fault;
use super::text::{admiralty, exercise, label, list, quoted};
use crate::report::{
    Bearing, Body, Confidence, Count, Location, Marking, Narrative, Observation, Report, Sighting,
    Term, Time, Weapon,
};

/// `ORIGIN_OWN_OBSERVATION`: the form reports what the sender itself saw.
const OWN_OBSERVATION: i32 = 1;
/// `OBSERVATION_TYPE_EQUIPMENT_PRESENT`.
const EQUIPMENT_PRESENT: i32 = 8;
/// `COUNT_BASIS_ITEM`.
const ITEM: i32 = 3;
/// `ENVIRONMENT_EXERCISE`.
const EXERCISE: i32 = 2;

/// What the vocabulary takes as seen, with a warning.
const NO_MEANS: &str = "SPOTREP names no means";

/// Verbs in the activity that tell the means.
const VERBS: &[&str] = &["heard", "saw", "seen", "observed", "recorded", "spotted"];

/// A line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Dtg,
    Sender,
    Size,
    Activity,
    Location,
    Unit,
    Time,
    Equipment,
    Assessment,
    Narrative,
    Authentication,
    Means,
    Phase,
    Direction,
    Confidence,
    Classification,
    /// The second and third `WHAT:` of a contact report: what the sender does about it.
    Intent,
}

/// The numbered lines, in their order, with the labels that may stand behind the number.
const NUMBERED: [(Line, &[&str]); 11] = [
    (Line::Dtg, &["date and time", "date/time", "dtg"]),
    (Line::Sender, &["reporting unit", "unit", "sender"]),
    (Line::Size, &["size"]),
    (Line::Activity, &["activity"]),
    (Line::Location, &["location"]),
    (Line::Unit, &["unit/uniform", "uniform", "unit"]),
    (Line::Time, &["time"]),
    (Line::Equipment, &["equipment"]),
    (Line::Assessment, &["sender's assessment", "assessment"]),
    (Line::Narrative, &["narrative", "remarks"]),
    (Line::Authentication, &["authentication"]),
];

/// Lines that begin with a label.
const LABELLED: &[(&str, Line)] = &[
    ("dtg", Line::Dtg),
    ("from", Line::Sender),
    ("s", Line::Size),
    ("size", Line::Size),
    ("a", Line::Activity),
    ("activity", Line::Activity),
    ("what", Line::Activity),
    ("l", Line::Location),
    ("location", Line::Location),
    ("where", Line::Location),
    ("u", Line::Unit),
    ("unit", Line::Unit),
    ("uniform", Line::Unit),
    ("unit/uniform", Line::Unit),
    ("t", Line::Time),
    ("time", Line::Time),
    ("when", Line::Time),
    ("e", Line::Equipment),
    ("equipment", Line::Equipment),
    ("assessment", Line::Assessment),
    ("sender's assessment", Line::Assessment),
    ("narrative", Line::Narrative),
    ("remarks", Line::Narrative),
    ("authentication", Line::Authentication),
    ("means", Line::Means),
    ("phase", Line::Phase),
    ("direction", Line::Direction),
    ("confidence", Line::Confidence),
    ("classification", Line::Classification),
    ("marking", Line::Classification),
];

/// Titles that say nothing.
const TITLES: &[&str] = &[
    "spotrep",
    "salute",
    "salute report",
    "spot report",
    "contact report",
    "contact",
];

/// The form while it is read.
#[derive(Default)]
struct Form {
    /// Values by line, each once, but for [`Line::Intent`].
    lines: Vec<(Line, String)>,
    /// A date-time group behind a line, and whether there are others.
    behind: Option<String>,
    is_exercise: bool,
    faults: Vec<Fault>,
}

/// Reads the form.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let mut form = Form::default();
    for (index, line) in text.lines().enumerate() {
        for part in parts(line) {
            form.take(part, index + 1);
        }
    }
    form.time_behind_lines();
    if form.faults.is_empty() && form.lines.is_empty() {
        form.faults.push(Fault::new(
            "content",
            "formats.spotrep_line",
            "no line of a SPOTREP",
            "lines such as `LINE 5 37U DP 10729 18760` or `LOCATION: ...`",
        ));
    }
    if form.faults.is_empty() {
        Ok(report(&form))
    } else {
        Err(form.faults)
    }
}

/// Lines may stand behind each other: `LINE 1 ... / LINE 5 ...`, or `S: 3; L: ...`.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let marks = text.match_indices(['/', ';']);
        let cut = marks.into_iter().find_map(|(at, _)| {
            let behind = text.get(at + 1..)?.trim_start_matches(['/', ';', ' ']);
            (numbered(behind).is_some() || labelled(behind).is_some()).then_some((at, behind))
        });
        match cut {
            Some((at, behind)) => {
                rest = Some(behind);
                text.get(..at)
            }
            None => Some(text),
        }
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// A label of the form at the front, and the rest: `LOCATION: ...`, or `L - ...` for a letter.
fn labelled(part: &str) -> Option<(Line, &str)> {
    let known = |name: &str| LABELLED.iter().find(|(label, _)| *label == name);
    if let Some((name, rest)) = label(part) {
        return known(&name.replace('’', "'")).map(|(_, line)| (*line, rest));
    }
    let letter = part.get(..1)?;
    let rest = part.get(1..)?.trim_start();
    let rest = rest.strip_prefix(['-', '–', '—'])?;
    known(&letter.to_ascii_lowercase()).map(|(_, line)| (*line, rest.trim()))
}

/// A date-time group in brackets at the end, and what stands before it.
fn group_behind(value: &str) -> Option<(&str, &str)> {
    let (before, inside) = value.strip_suffix(')')?.rsplit_once('(')?;
    let inside = inside.trim();
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let letters = inside.get(digits..)?;
    let is_group = digits == 6
        && letters.starts_with(|c: char| c.is_ascii_alphabetic())
        && letters
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == ' ');
    is_group.then_some((before.trim(), inside))
}

/// The number behind `LINE`, and the rest.
fn numbered(text: &str) -> Option<(usize, &str)> {
    let head = text.get(..4)?;
    let rest = text.get(4..)?;
    if !head.eq_ignore_ascii_case("line") {
        return None;
    }
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

impl Form {
    fn take(&mut self, part: &str, number: usize) {
        if exercise(part) {
            self.is_exercise = true;
            return;
        }
        if TITLES.contains(&part.to_lowercase().as_str()) {
            return;
        }
        let found = match numbered(part) {
            Some((at, rest)) => match at.checked_sub(1).and_then(|at| NUMBERED.get(at)) {
                Some((line, labels)) => Some((*line, unlabelled(rest, labels))),
                None => {
                    let message = format!("a SPOTREP has no line {at}");
                    let expected = format!("lines 1 to {}", NUMBERED.len());
                    self.fault(number, "formats.spotrep_line", message, expected);
                    return;
                }
            },
            // In a story a letter and a dash are prose.
            None if self.is_in_narrative() && label(part).is_none() => None,
            None => labelled(part),
        };
        match (found, self.lines.last_mut()) {
            (Some((line, value)), _) => self.line(line, value, number),
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(part);
            }
            (None, None) => {
                let message = format!("{} is no line of a SPOTREP", quoted(part));
                let expected = "`LINE n`, or a label such as `LOCATION:`";
                self.fault(number, "formats.spotrep_line", message, expected);
            }
        }
    }

    fn is_in_narrative(&self) -> bool {
        matches!(self.lines.last(), Some((Line::Narrative, _)))
    }

    fn line(&mut self, line: Line, value: &str, number: usize) {
        let (value, group) = match group_behind(value) {
            Some((value, group)) if !matches!(line, Line::Dtg | Line::Time) => (value, Some(group)),
            _ => (value, None),
        };
        if let Some(group) = group {
            self.group(group, number);
        }
        let is_there = self.lines.iter().any(|(known, _)| *known == line);
        if line == Line::Activity && is_there {
            self.lines.push((Line::Intent, value.to_owned()));
        } else if is_there {
            let message = format!("{line:?} is there twice").to_lowercase();
            let expected = "each line once; one report for each sighting";
            self.fault(number, "formats.spotrep_twice", message, expected);
        } else if !value.is_empty() {
            self.lines.push((line, value.to_owned()));
        }
    }

    /// Notes a group behind a line. Which of two is meant, only a line for the time can say.
    fn group(&mut self, group: &str, number: usize) {
        match &self.behind {
            Some(first) if first != group => {
                let message = format!(
                    "{} behind a line, and another behind one before",
                    quoted(group)
                );
                let expected = "the same date-time group behind each line, or a line for the time";
                self.fault(number, DIFFERENT_TIMES, message, expected);
            }
            _ => self.behind = Some(group.to_owned()),
        }
    }

    /// Takes the group behind the lines, where no line is for the time.
    fn time_behind_lines(&mut self) {
        let stated = |(line, _): &(Line, String)| matches!(line, Line::Dtg | Line::Time);
        if self.lines.iter().any(stated) {
            self.faults.retain(|fault| fault.rule != DIFFERENT_TIMES);
        } else if let Some(group) = self.behind.take() {
            self.lines.push((Line::Time, group));
        }
    }

    fn fault(
        &mut self,
        line: usize,
        rule: &'static str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.faults
            .push(Fault::new(format!("line {line}"), rule, message, expected));
    }
}

const DIFFERENT_TIMES: &str = "formats.spotrep_time";

/// The value behind a number, without the label that may stand in front of it.
fn unlabelled<'t>(rest: &'t str, labels: &[&str]) -> &'t str {
    const DASHES: [char; 8] = [' ', '-', '–', '—', ':', '.', '_', '\t'];
    let rest = rest.trim_start_matches(DASHES);
    let value = labels.iter().find_map(|label| {
        let head = rest.get(..label.len())?;
        let behind = rest.get(label.len()..)?;
        let ends = behind.is_empty() || behind.starts_with(DASHES);
        (head.eq_ignore_ascii_case(label) && ends).then_some(behind)
    });
    value
        .unwrap_or(rest)
        .trim_start_matches(DASHES)
        .trim_end_matches([' ', '_', '\t'])
}

fn report(form: &Form) -> Report {
    let of = |wanted: Line| {
        let found = form.lines.iter().find(|(line, _)| *line == wanted);
        found.map(|(_, value)| value.clone())
    };
    let time = of(Line::Time).or_else(|| of(Line::Dtg));
    let activity = of(Line::Activity);
    let stated = of(Line::Confidence).or_else(|| of(Line::Assessment));
    let sighting = Sighting {
        origin: OWN_OBSERVATION,
        observed_from: time.map(|text| Time {
            text,
            ..Time::default()
        }),
        means: means(of(Line::Means).as_deref(), activity.as_deref()),
        location: of(Line::Location).map(location),
        observations: observation(&of, activity).into_iter().collect(),
        confidence: confidence(stated.as_deref()),
        ..Sighting::default()
    };
    Report {
        environment: if form.is_exercise { EXERCISE } else { 0 },
        marking: of(Line::Classification).map(|text| Marking {
            text,
            ..Marking::default()
        }),
        body: Some(Body::Sighting(Box::new(sighting))),
        narratives: narrative(&form.lines).into_iter().collect(),
        ..Report::default()
    }
}

fn means(given: Option<&str>, activity: Option<&str>) -> Vec<Term> {
    let term = |text: &str| Term {
        text: text.to_owned(),
        code: 0,
    };
    if let Some(given) = given {
        return list(given).map(term).collect();
    }
    let told: Vec<Term> = activity
        .unwrap_or_default()
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(word)))
        .map(term)
        .collect();
    if told.is_empty() {
        vec![term(NO_MEANS)]
    } else {
        told
    }
}

fn location(text: String) -> Location {
    let mgrs = looks_like_mgrs(&text);
    Location {
        text,
        reference_system: if mgrs {
            "MGRS".to_owned()
        } else {
            String::new()
        },
        ..Location::default()
    }
}

/// One or two digits, then three letters: a grid zone and square.
fn looks_like_mgrs(text: &str) -> bool {
    let mut rest = text.chars().filter(|c| !c.is_whitespace()).peekable();
    let mut digits = 0;
    while rest.next_if(char::is_ascii_digit).is_some() {
        digits += 1;
    }
    (1..=2).contains(&digits) && rest.take(3).filter(char::is_ascii_alphabetic).count() == 3
}

fn observation(
    of: &impl Fn(Line) -> Option<String>,
    activity: Option<String>,
) -> Option<Observation> {
    let weapon = of(Line::Equipment);
    let size = of(Line::Size);
    let present = activity.is_none() && weapon.is_some();
    if activity.is_none() && weapon.is_none() && size.is_none() {
        return None;
    }
    let kind = match (activity, present) {
        (Some(text), _) => Some(Term { text, code: 0 }),
        (None, true) => Some(Term {
            text: String::new(),
            code: EQUIPMENT_PRESENT,
        }),
        (None, false) => None,
    };
    Some(Observation {
        kind,
        count: size.map(|text| Count {
            text,
            ..Count::default()
        }),
        count_basis: if present { ITEM } else { 0 },
        phase: of(Line::Phase).map(|text| Term { text, code: 0 }),
        direction_from: of(Line::Direction).map(|text| Bearing {
            text,
            ..Bearing::default()
        }),
        weapon: weapon.map(|text| Weapon {
            text,
            ..Weapon::default()
        }),
        ..Observation::default()
    })
}

fn confidence(text: Option<&str>) -> Option<Confidence> {
    let (source, credibility) = admiralty(text?)?;
    Some(Confidence {
        source_reliability: source.to_owned(),
        credibility: credibility.to_owned(),
        ..Confidence::default()
    })
}

/// What no field takes: sender, unit, assessment, narrative, and a confidence in other words.
fn narrative(form: &[(Line, String)]) -> Option<Narrative> {
    let told = form.iter().filter_map(|(line, value)| {
        let name = match line {
            Line::Sender => "REPORTING UNIT",
            Line::Unit => "UNIT",
            Line::Assessment if admiralty(value).is_none() => "ASSESSMENT",
            Line::Confidence if admiralty(value).is_none() => "CONFIDENCE",
            Line::Narrative => "NARRATIVE",
            Line::Intent => "WHAT",
            _ => return None,
        };
        Some(format!("{name}: {value}"))
    });
    let text = told.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then(|| Narrative {
        lang: "en".to_owned(),
        text,
        is_authoritative: true,
        is_machine_translation: false,
    })
}

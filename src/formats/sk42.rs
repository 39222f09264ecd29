//! `text/x-sk42-report`: a Ukrainian text report, such as
//! `06.01.2026 20:30; СК-42 Х=5320990 У=7410809; 3 од. РСЗВ БМ-21 «Град» 122 мм`.
//! Segments are separated by semicolons or lines. The first with a date is the time, the one
//! with X and Y the place; a number with `од.` is equipment, any other number an observation;
//! the rest have labels: `спосіб:`, `зброя:`, `фаза:`, `напрямок:`, `достовірність:`,
//! `примітка:`, and for the whole `номер:` and `гриф:`. Labels of weapon, phase and direction belong to the observation before them.

use super::Fault;
use super::text::{admiralty, exercise, label, list, quoted};
use crate::report::{
    Bearing, Body, Confidence, Count, Location, Marking, Narrative, Observation, Report, Sighting,
    Term, Time, Weapon,
};

/// `ORIGIN_OWN_OBSERVATION`.
const OWN_OBSERVATION: i32 = 1;
/// `OBSERVATION_TYPE_EQUIPMENT_PRESENT`.
const EQUIPMENT_PRESENT: i32 = 8;
/// `COUNT_BASIS_ITEM`.
const ITEM: i32 = 3;
/// `ENVIRONMENT_EXERCISE`.
const EXERCISE: i32 = 2;

/// What the vocabulary takes as seen, with a warning.
const NO_MEANS: &str = "донесення без зазначення способу";

/// Words that may stand in front of a number.
const QUALIFIERS: &[&str] = &[
    "близько",
    "приблизно",
    "орієнтовно",
    "до",
    "не менше",
    "щонайменше",
    "понад",
    "більше",
    "около",
    "примерно",
    "не менее",
    "более",
];

/// Words behind a number that say that items are counted.
const PIECES: &[&str] = &[
    "од",
    "одиниць",
    "одиниці",
    "одиниця",
    "шт",
    "штук",
    "ед",
    "единиц",
    "единицы",
];

/// What a label says.
#[derive(Clone, Copy, Debug)]
enum Label {
    Time,
    Until,
    Place,
    Means,
    Weapon,
    Phase,
    Direction,
    Confidence,
    Note,
    Number,
    Marking,
}

const LABELS: &[(&str, Label)] = &[
    ("час", Label::Time),
    ("до", Label::Until),
    ("координати", Label::Place),
    ("місце", Label::Place),
    ("спосіб", Label::Means),
    ("способ", Label::Means),
    ("зброя", Label::Weapon),
    ("оружие", Label::Weapon),
    ("фаза", Label::Phase),
    ("напрямок", Label::Direction),
    ("направление", Label::Direction),
    ("достовірність", Label::Confidence),
    ("достоверность", Label::Confidence),
    ("примітка", Label::Note),
    ("примечание", Label::Note),
    ("номер", Label::Number),
    ("гриф", Label::Marking),
];

/// Titles: nothing, or the number of the report behind them.
const TITLES: &[&str] = &["донесення", "донесение", "повідомлення", "сообщение"];

/// The report while it is read.
#[derive(Default)]
struct Draft {
    sighting: Sighting,
    number: String,
    marking: Option<Marking>,
    is_exercise: bool,
    notes: Vec<String>,
    faults: Vec<Fault>,
}

/// Reads the report.
pub(super) fn read(text: &str) -> Result<Report, Vec<Fault>> {
    let mut draft = Draft::default();
    draft.sighting.origin = OWN_OBSERVATION;
    for (index, line) in text.lines().enumerate() {
        for segment in line.split(';').map(str::trim) {
            let segment = segment.trim_end_matches('.');
            if !segment.is_empty() {
                draft.take(segment, index + 1);
            }
        }
    }
    if !draft.faults.is_empty() {
        return Err(draft.faults);
    }
    if draft.sighting.means.is_empty() {
        draft.sighting.means.push(term(NO_MEANS));
    }
    let narratives = match draft.notes.join("\n") {
        text if text.is_empty() => Vec::new(),
        text => vec![Narrative {
            lang: "uk".to_owned(),
            text,
            is_authoritative: true,
            is_machine_translation: false,
        }],
    };
    Ok(Report {
        report_id: draft.number,
        environment: if draft.is_exercise { EXERCISE } else { 0 },
        marking: draft.marking,
        body: Some(Body::Sighting(Box::new(draft.sighting))),
        narratives,
        ..Report::default()
    })
}

impl Draft {
    fn take(&mut self, segment: &str, line: usize) {
        if exercise(segment) {
            self.is_exercise = true;
        } else if let Some(number) = title(segment) {
            number.clone_into(&mut self.number);
        } else if let Some((name, value)) = label(segment) {
            match LABELS.iter().find(|(known, _)| *known == name) {
                Some((_, label)) => self.labelled(*label, value, line),
                None => {
                    let known: Vec<_> = LABELS.iter().map(|(known, _)| *known).collect();
                    let message = format!("{} is no label", quoted(&name));
                    self.fault(line, "formats.sk42_label", message, known.join(", "));
                }
            }
        } else if is_place(segment) {
            self.place(segment, line);
        } else if is_time(segment) {
            self.time(segment, line);
        } else {
            self.sighting.observations.push(observation(segment));
        }
    }

    fn labelled(&mut self, label: Label, value: &str, line: usize) {
        match label {
            Label::Time => self.time(value, line),
            Label::Until => self.sighting.observed_until = Some(time(value)),
            Label::Place => self.place(value, line),
            Label::Means => self.sighting.means.extend(list(value).map(term)),
            Label::Number => value
                .trim_start_matches(['№', ' '])
                .clone_into(&mut self.number),
            Label::Marking => {
                self.marking = Some(Marking {
                    text: value.to_owned(),
                    ..Marking::default()
                });
            }
            Label::Note => self.notes.push(value.to_owned()),
            Label::Confidence => match admiralty(value) {
                Some((source, credibility)) => {
                    self.sighting.confidence = Some(Confidence {
                        source_reliability: source.to_owned(),
                        credibility: credibility.to_owned(),
                        ..Confidence::default()
                    });
                }
                None => {
                    let message = format!("{} is no code", quoted(value));
                    let expected = "an Admiralty code such as B2";
                    self.fault(line, "formats.sk42_confidence", message, expected);
                }
            },
            Label::Weapon | Label::Phase | Label::Direction => {
                let Some(observation) = self.sighting.observations.last_mut() else {
                    let message = "nothing observed before this label";
                    let expected = "an observation first, such as `5 вибухів`";
                    self.fault(line, "formats.sk42_order", message, expected);
                    return;
                };
                detail(observation, label, value);
            }
        }
    }

    fn time(&mut self, value: &str, line: usize) {
        if self.sighting.observed_from.is_some() {
            let expected = "one report for each sighting; `до:` for its end";
            self.fault(line, "formats.sk42_twice", "a second time", expected);
            return;
        }
        self.sighting.observed_from = Some(time(value));
    }

    fn place(&mut self, value: &str, line: usize) {
        if self.sighting.location.is_some() {
            let expected = "one report for each sighting";
            self.fault(line, "formats.sk42_twice", "a second place", expected);
            return;
        }
        self.sighting.location = Some(Location {
            text: value.to_owned(),
            ..Location::default()
        });
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

/// The number behind a title such as `Донесення № 17`; empty where there is none.
fn title(segment: &str) -> Option<&str> {
    let lower = segment.to_lowercase();
    let title = TITLES.iter().find(|title| lower.starts_with(**title))?;
    // Lower case has the same length in these alphabets, and `get` says if ever not.
    let behind = segment.get(title.len()..)?.trim();
    if behind.is_empty() {
        return Some(behind);
    }
    behind.strip_prefix('№').map(str::trim)
}

fn detail(observation: &mut Observation, label: Label, value: &str) {
    let text = value.to_owned();
    match label {
        Label::Weapon => {
            observation.weapon = Some(Weapon {
                text,
                ..Weapon::default()
            });
        }
        Label::Phase => observation.phase = Some(term(value)),
        _ => {
            observation.direction_from = Some(Bearing {
                text,
                ..Bearing::default()
            });
        }
    }
}

fn term(text: &str) -> Term {
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

fn time(text: &str) -> Time {
    Time {
        text: text.to_owned(),
        ..Time::default()
    }
}

/// Whether a segment names a reference system, gives X or Y in either alphabet, is two long
/// numbers, or is a map square. Whether it says enough is the normaliser's to judge.
fn is_place(segment: &str) -> bool {
    const SYSTEMS: [&str; 8] = [
        "СК-42",
        "СК42",
        "SK-42",
        "УСК-2000",
        "UCS-2000",
        "MGRS",
        "КВ.",
        "КВАДРАТ",
    ];
    let upper = segment.to_uppercase();
    let named = SYSTEMS.iter().any(|system| upper.starts_with(system));
    named
        || has_axis(&upper, ['X', 'Х'])
        || has_axis(&upper, ['Y', 'У'])
        || are_numbers(segment)
        || is_map_square(segment)
}

/// `5527375 5286476`: two numbers of a grid in metres, without letters.
fn are_numbers(segment: &str) -> bool {
    let mut numbers = segment
        .split([' ', '\u{a0}', ',', '/'])
        .filter(|part| !part.is_empty());
    let is_number = |part: &str| {
        (5..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let pair = [numbers.next(), numbers.next()];
    numbers.next().is_none() && pair.iter().all(|part| part.is_some_and(is_number))
}

/// `6608-4`, `5013-А`: a kilometre square, and which part of it.
fn is_map_square(segment: &str) -> bool {
    let Some((square, part)) = segment.split_once('-') else {
        return false;
    };
    square.len() == 4
        && square.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(
            part.trim(),
            "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "А" | "Б" | "В" | "Г"
        )
}

/// Whether one of the letters stands before an equals sign.
fn has_axis(upper: &str, letters: [char; 2]) -> bool {
    upper.match_indices('=').any(|(at, _)| {
        let before = upper.get(..at).unwrap_or_default().trim_end();
        before.ends_with(letters)
    })
}

/// Whether a segment begins with a date, or is a date-time group.
fn is_time(segment: &str) -> bool {
    let first = segment.split_whitespace().next().unwrap_or_default();
    let digits = first.bytes().take_while(u8::is_ascii_digit).count();
    let behind = first.get(digits..).unwrap_or_default();
    let date = (1..=4).contains(&digits)
        && behind.starts_with(['.', '-', '/'])
        && behind
            .get(1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && segment.contains(':');
    let group = digits == 6 && behind.starts_with(char::is_alphabetic);
    date || group
}

/// `3 од. РСЗВ БМ-21`, `близько 5 вибухів`, `вибух`.
fn observation(segment: &str) -> Observation {
    let Some((count, rest)) = counted(segment) else {
        return Observation {
            kind: Some(term(segment)),
            ..Observation::default()
        };
    };
    let count = Some(Count {
        text: count.to_owned(),
        ..Count::default()
    });
    let (word, behind) = rest.split_once([' ', '\u{a0}', '.']).unwrap_or((rest, ""));
    if PIECES.contains(&word.to_lowercase().as_str()) {
        return Observation {
            kind: Some(Term {
                text: String::new(),
                code: EQUIPMENT_PRESENT,
            }),
            count,
            count_basis: ITEM,
            weapon: Some(Weapon {
                text: behind.trim_start_matches(['.', ' ', '\u{a0}']).to_owned(),
                ..Weapon::default()
            }),
            ..Observation::default()
        };
    }
    Observation {
        kind: Some(term(rest)),
        count,
        ..Observation::default()
    }
}

/// A number at the front, with the words before it, and the rest.
fn counted(segment: &str) -> Option<(&str, &str)> {
    let number_at = segment.find(|c: char| c.is_ascii_digit())?;
    let before = segment.get(..number_at)?.trim().to_lowercase();
    if !before.is_empty() && !QUALIFIERS.contains(&before.as_str()) {
        return None;
    }
    let behind = segment.get(number_at..)?;
    let in_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
    let end = behind.find(|c| !in_number(c)).unwrap_or(behind.len());
    let rest = behind.get(end..)?;
    // A number that runs into letters, as in `2С1`, is no count.
    if !rest.starts_with([' ', '\u{a0}']) {
        return None;
    }
    let count = segment.get(..number_at + end)?;
    Some((count, rest.trim_start()))
}

//! Calibres. 81 and 82 mm, 152 and 155 mm tell two worlds apart: never snapped to a neighbour.

use crate::normalise::notes::{Notes, Rule, bounded};

static RANGE: Rule = Rule::new(
    "quantity.calibre_range",
    "a calibre lies in 1 to 1000 mm",
    "domain.md 7.2",
);
static UNKNOWN: Rule = Rule::new(
    "quantity.calibre_unknown",
    "a calibre that no known weapon has is kept and pointed out",
    "domain.md 7.2",
);
/// `122m` is either a typing error or a length.
static UNIT_SUSPECT: Rule = Rule::new(
    "quantity.calibre_unit_suspect",
    "a known calibre with the unit m is pointed out, not guessed",
    "domain.md 7.2",
);

/// Calibres that occur, millimetres.
const KNOWN_MM: &[f64] = &[
    5.45, 5.56, 7.62, 9.0, 12.7, 14.5, 20.0, 23.0, 25.0, 27.0, 30.0, 35.0, 40.0, 57.0, 60.0, 73.0,
    76.0, 81.0, 82.0, 85.0, 98.0, 100.0, 105.0, 115.0, 120.0, 122.0, 125.0, 130.0, 152.0, 155.0,
    160.0, 203.0, 220.0, 227.0, 240.0, 300.0,
];

/// Most candidates of one text.
const CANDIDATES_MAX: usize = 8;

/// The unit behind a number.
enum Unit {
    Millimetre,
    Centimetre,
    Metre,
}

/// The candidate calibres that a text names, millimetres. A bare `122m` is no calibre but a
/// warning; of `7.62x39mm` the second number is the length of the case.
pub fn calibres(text: &str, field: &str, notes: &mut Notes) -> Vec<f64> {
    let mut found = Vec::new();
    // Numbers that wait for the unit of a later one: `82/120mm`, `82- і 120-мм`.
    let mut waiting: Vec<f64> = Vec::new();
    let mut rest = text;
    // A number behind a letter or digit (`2A65`, `D-30`) is part of a model.
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if !c.is_ascii_digit() || before.is_alphanumeric() {
            before = c;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (value, after) = number(rest);
        before = '0';
        rest = after;
        let Some(value) = value else { continue };
        let after_case = case_length(after);
        let shares = after_case.is_none() && joined(after);
        let suspect = match unit(after_case.unwrap_or(after)) {
            Some(Unit::Millimetre) => {
                for value in waiting.drain(..).chain([value]) {
                    add(&mut found, value, field, notes);
                }
                false
            }
            // `122cm` is no more likely than `122m`.
            Some(Unit::Centimetre) if is_known(value) && !is_known(value * 10.0) => true,
            Some(Unit::Centimetre) => {
                add(&mut found, value * 10.0, field, notes);
                false
            }
            Some(Unit::Metre) => is_known(value),
            None => false,
        };
        if let Some(after) = after_case {
            rest = after;
        }
        if shares && waiting.len() < CANDIDATES_MAX {
            waiting.push(value);
        } else {
            waiting.clear();
        }
        if suspect {
            let output = "no calibre; is the unit mm?";
            notes.warn(field, &UNIT_SUSPECT, bounded(text), output);
        }
    }
    found
}

/// What follows the length of a cartridge case, as in `x39mm`: from its unit on.
fn case_length(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let digits = text
        .strip_prefix(['x', 'X', '×', 'х', 'Х', '*'])?
        .trim_start();
    let (value, rest) = number(digits);
    value.map(|_| rest)
}

/// Whether a number without a unit shares that of the next one.
fn joined(text: &str) -> bool {
    const JOINTS: [&str; 14] = [
        "/", "or ", "and ", "ou ", "et ", "oder ", "und ", "lub ", "i ", "або ", "і ", "та ",
        "или ", "и ",
    ];
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '-' || c == '\u{2011}');
    JOINTS.iter().any(|joint| {
        text.strip_prefix(joint)
            .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// A calibre given as a number, millimetres; `None` with a violation where it cannot be one.
pub fn calibre_mm(value: f64, field: &str, notes: &mut Notes) -> Option<f64> {
    if !(1.0..=1_000.0).contains(&value) {
        let message = format!("{value} is no calibre");
        notes.violate(field, &RANGE, message, "millimetres from 1 to 1000");
        return None;
    }
    if !is_known(value) {
        notes.warn(field, &UNKNOWN, format!("{value}"), format!("{value}"));
    }
    Some(value)
}

/// Adds a candidate.
fn add(found: &mut Vec<f64>, value: f64, field: &str, notes: &mut Notes) {
    let fits = (1.0..=1_000.0).contains(&value);
    if fits && found.len() < CANDIDATES_MAX && !found.contains(&value) {
        if !is_known(value) {
            notes.warn(field, &UNKNOWN, format!("{value}"), format!("{value}"));
        }
        found.push(value);
    }
}

fn is_known(value: f64) -> bool {
    KNOWN_MM.iter().any(|known| (known - value).abs() < 1e-9)
}

/// A number of at most three digits and three decimals, and what follows it.
fn number(text: &str) -> (Option<f64>, &str) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let mut end = whole;
    if let Some(fraction) = text.get(whole..).and_then(|t| t.strip_prefix(['.', ','])) {
        let count = digits(fraction);
        if (1..=3).contains(&count) {
            end = whole + 1 + count;
        }
    }
    let (number, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let value = (whole <= 3)
        .then(|| number.replace(',', ".").parse().ok())
        .flatten();
    (value, rest)
}

fn unit(text: &str) -> Option<Unit> {
    let is_joint =
        |c: char| c.is_whitespace() || c == '-' || ('\u{2010}'..='\u{2015}').contains(&c);
    // At most a blank and a hyphen: "152 - мм" is one, "152     mm" is not worth more care.
    let text = text.trim_start_matches(is_joint);
    let word: String = text
        .chars()
        .take_while(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .take(24)
        .collect();
    match word.as_str() {
        "mm" | "мм" => Some(Unit::Millimetre),
        "cm" | "см" => Some(Unit::Centimetre),
        "m" | "м" => Some(Unit::Metre),
        _ if [
            "міліметр",
            "миллиметр",
            "millimetre",
            "millimètre",
            "millimeter",
            "milimetr",
        ]
        .iter()
        .any(|stem| word.starts_with(stem)) =>
        {
            Some(Unit::Millimetre)
        }
        _ => None,
    }
}

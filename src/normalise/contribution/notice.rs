//! Notice to move: `NTM 48h`, `10 days`, `R5`, or hours.

use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::normalise::phrase::fold;
use crate::report::NoticeToMove;

static ONE_FORM: Rule = Rule::new(
    "contribution.notice_one_form",
    "a notice to move is given once: as text or as hours",
    "report.proto",
);
static NOTICE: Rule = Rule::new(
    "contribution.notice",
    "a notice to move to whole hours",
    "domain.md 6.2",
);
static READINESS: Rule = Rule::new(
    "contribution.notice_readiness",
    "a readiness category to hours; this table was not read at its source",
    "domain.md 6.2",
);

/// Three years; more is no readiness.
const HOURS_MAX: u32 = 26_304;

/// Longest text, bytes.
const TEXT_BYTES_MAX: usize = 100;

const FORMS: &str = "for example `NTM 48h`, `10 days`, `R5`, or hours";

/// Words in front of the number.
const LEADS: &[&str] = &[
    "ntm",
    "notice to move",
    "preavis",
    "marschbereitschaft",
    "готовність",
    "preavviso",
    "preaviso",
    "preaviz",
    "pohotovost",
];

/// Folded units and their hours.
const UNITS: &[(&[&str], u32)] = &[
    (
        &[
            "h",
            "hr",
            "hrs",
            "hour",
            "hours",
            "heure",
            "heures",
            "stunde",
            "stunden",
            "std",
            "godzin",
            "godziny",
            "godz",
            "год",
            "годин",
            "години",
            "ч",
            "час",
            "часа",
            "часов",
            "ora",
            "ore",
            "uur",
            "uren",
            "hora",
            "horas",
            "hodina",
            "hodin",
            "hodiny",
            "tundi",
        ],
        1,
    ),
    (
        &[
            "d",
            "day",
            "days",
            "jour",
            "jours",
            "j",
            "tag",
            "tage",
            "tagen",
            "dzien",
            "dni",
            "доба",
            "доби",
            "діб",
            "дні",
            "днів",
            "день",
            "дней",
            "дня",
            "сутки",
            "суток",
            "giorno",
            "giorni",
            "dag",
            "dagen",
            "dia",
            "dias",
            "zi",
            "zile",
            "den",
            "dny",
            "paev",
            "paeva",
        ],
        24,
    ),
    (
        &[
            "week", "weeks", "semaine", "semaines", "woche", "wochen", "tydzien", "tygodnie",
        ],
        168,
    ),
];

/// Days of the readiness categories R1 to R8.
const READINESS_DAYS: [u32; 8] = [2, 5, 10, 20, 30, 60, 90, 180];

/// The rapid deployment level of the UN: within 60 days of a request.
const UN_RDL_HOURS: u32 = 1_440;

/// Hours of a notice to move; `None` where none is given, and with a violation where it is wrong.
pub(super) fn hours(notice: Option<&NoticeToMove>, notes: &mut Notes) -> Option<u32> {
    const FIELD: &str = "notice_to_move";
    let notice = notice?;
    let text = notice.text.trim();
    let hours = match (text.is_empty(), notice.hours) {
        (true, None) => return None,
        (true, Some(hours)) => hours,
        (false, Some(_)) => {
            notes.violate(
                FIELD,
                &ONE_FORM,
                "both text and hours",
                "either text or hours",
            );
            return None;
        }
        (false, None) => {
            let Some((hours, rule)) = read(text) else {
                let message = format!("{} is no notice to move", quoted(text));
                notes.violate(FIELD, &NOTICE, message, FORMS);
                return None;
            };
            if *rule == READINESS {
                notes.warn(FIELD, rule, bounded(text), format!("{hours} h"));
            } else {
                notes.trace(FIELD, rule, bounded(text), format!("{hours} h"));
            }
            hours
        }
    };
    if hours > HOURS_MAX {
        let expected = format!("at most {HOURS_MAX} hours; leave it out when it is not known");
        notes.violate(
            FIELD,
            &NOTICE,
            format!("{hours} hours is too long"),
            expected,
        );
        return None;
    }
    Some(hours)
}

fn read(text: &str) -> Option<(u32, &'static Rule)> {
    // Folding takes a sign for a dash, and a negative notice is none.
    if text.len() > TEXT_BYTES_MAX || has_sign(text) {
        return None;
    }
    let folded = fold(text);
    if matches!(folded.as_str(), "un rdl" | "rdl") {
        return Some((UN_RDL_HOURS, &NOTICE));
    }
    if let Some(category) = folded.strip_prefix('r') {
        let category: usize = category.trim().parse().ok()?;
        let days = READINESS_DAYS.get(category.checked_sub(1)?)?;
        return Some((days * 24, &READINESS));
    }
    let mut rest = folded.as_str();
    for lead in LEADS {
        if let Some(behind) = rest.strip_prefix(lead) {
            rest = behind.trim_start_matches([':', ' ']);
            break;
        }
    }
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, unit) = rest.split_at_checked(end)?;
    let number: u32 = number.parse().ok()?;
    let unit = unit.trim();
    let (_, each) = UNITS.iter().find(|(words, _)| words.contains(&unit))?;
    Some((number.checked_mul(*each)?, &NOTICE))
}

/// Whether a number has a sign in front of it.
fn has_sign(text: &str) -> bool {
    let mut before = ' ';
    let mut sign = false;
    for c in text.chars() {
        if sign && c.is_ascii_digit() {
            return true;
        }
        let dash = matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        sign = dash && !before.is_alphanumeric();
        before = c;
    }
    false
}

//! Heights with what they are measured from: as a number of metres, or as text with unit and datum.
//! Never converts between datums: that needs a model of the geoid, or of the ground.

use crate::normalise::distance;
use crate::normalise::notes::{Notes, Rule, bounded, quoted};
use crate::normalise::quantity::Qualifier;
use crate::normalise::{Profile, code};
use crate::record::VerticalDatum;
use crate::report;

static HEIGHT: Rule = Rule::new(
    "position.height",
    "a height comes with what it is measured from, and is no sentinel",
    "domain.md 3.7",
);
static ONE_FORM: Rule = Rule::new(
    "position.height_one_form",
    "a height is given once: as metres, or as text with its unit",
    "report.proto",
);
static UNREADABLE: Rule = Rule::new(
    "position.height_unreadable",
    "a height in words is a number or a range with its unit, or a flight level",
    "domain.md 3.7",
);
static DATUM_CONFLICT: Rule = Rule::new(
    "position.height_datum_conflict",
    "what the text measures a height from and the declared datum agree",
    "domain.md 3.7",
);
static CONVERTED: Rule = Rule::new(
    "position.height_converted",
    "a height in words to metres; of a range, the middle",
    "domain.md 3.7",
);

const FORMS: &str = "for example `120 m AGL`, `350 ft MSL`, `80-100 m above ground`, `FL100`; or \
                     height_m and vertical_datum";

/// Heights beyond these are sentinels or mistakes, metres.
const HEIGHT_M: std::ops::RangeInclusive<f64> = -1_000.0..=100_000.0;

/// Metres of a flight level: a hundred feet of pressure altitude.
const FLIGHT_LEVEL_M: f64 = 30.48;

/// What a height is measured from, in words, small letters.
const DATUMS: &[(VerticalDatum, &[&str])] = &[
    (
        VerticalDatum::Msl,
        &[
            "amsl",
            "msl",
            "asl",
            "above sea level",
            "above mean sea level",
            "au-dessus du niveau de la mer",
            "über dem meeresspiegel",
            "über nhn",
            "über nn",
            "ü. nn",
            "n.p.m",
            "npm",
            "nad poziomem morza",
            "над рівнем моря",
            "над уровнем моря",
        ],
    ),
    (
        VerticalDatum::Agl,
        &[
            "agl",
            "above ground",
            "above ground level",
            "above the ground",
            "from the ground",
            "au-dessus du sol",
            "über grund",
            "nad ziemią",
            "над землею",
            "над землёй",
            "над поверхнею",
        ],
    ),
    (
        VerticalDatum::HaeWgs84,
        &[
            "hae",
            "above ellipsoid",
            "above the ellipsoid",
            "ellipsoidal",
        ],
    ),
];

/// A height and its datum, where both are known.
type Height = (Option<f64>, Option<VerticalDatum>);

/// The height and its datum; `None` with a violation where they are wrong.
pub(super) fn read(
    location: &report::Location,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Height> {
    let before = notes.violation_count();
    let datum_field = || format!("{field}.vertical_datum");
    let declared = if location.vertical_datum == 0 {
        None
    } else {
        code::optional::<VerticalDatum>(location.vertical_datum, &datum_field(), notes)
    };
    let text = location.height_text.trim();
    let (height, datum) = match (location.height_m, text.is_empty()) {
        (height, true) => (height, declared),
        (Some(_), false) => {
            let message = "both height_m and height_text";
            notes.violate(field, &ONE_FORM, message, "either of them");
            return None;
        }
        (None, false) => written(text, declared, profile, field, notes)?,
    };
    match (height, datum) {
        (None, Some(datum)) => {
            let output = "no height, so no datum";
            notes.trace(&datum_field(), &HEIGHT, datum.name(), output);
            Some((None, None))
        }
        (None, None) => (notes.violation_count() == before).then_some((None, None)),
        (Some(height), _) if !HEIGHT_M.contains(&height) => {
            notes.violate(
                &format!("{field}.height_m"),
                &HEIGHT,
                format!("{height} is no height"),
                "metres from -1000 to 100000; leave it out when it is not known",
            );
            None
        }
        (Some(_), None) => {
            if location.vertical_datum == 0 {
                let message = "a height without what it is measured from";
                let expected = code::one_of::<VerticalDatum>();
                notes.violate(&datum_field(), &HEIGHT, message, expected);
            }
            None
        }
        (Some(height), Some(datum)) => Some((Some(height), Some(datum))),
    }
}

/// The height of a text, and its datum where the text or the declaration says it.
fn written(
    text: &str,
    declared: Option<VerticalDatum>,
    profile: &Profile,
    field: &str,
    notes: &mut Notes,
) -> Option<Height> {
    let field = format!("{field}.height_text");
    let Some((metres, named)) = parse(text, profile) else {
        let message = format!("{} is no height", quoted(text));
        notes.violate(&field, &UNREADABLE, message, FORMS);
        return None;
    };
    if let (Some(declared), Some(named)) = (declared, named)
        && declared != named
    {
        let message = format!("{} is not {}", quoted(text), declared.name());
        notes.violate(&field, &DATUM_CONFLICT, message, "the same datum in both");
        return None;
    }
    // To a centimetre: feet give endless decimals.
    let metres = (metres * 100.0).round() / 100.0;
    let datum = named.or(declared);
    let output = match datum {
        Some(datum) => format!("{metres} m {}", datum.name()),
        None => format!("{metres} m"),
    };
    notes.trace(&field, &CONVERTED, bounded(text), output);
    Some((Some(metres), datum))
}

/// Metres, and the datum that the text names.
fn parse(text: &str, profile: &Profile) -> Option<(f64, Option<VerticalDatum>)> {
    const TEXT_BYTES_MAX: usize = 100;
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let lower = text.to_lowercase();
    let plain = lower.trim_end_matches('.');
    if let Some(level) = plain.strip_prefix("fl") {
        let level = level.trim();
        let digits = (2..=3).contains(&level.len()) && level.bytes().all(|b| b.is_ascii_digit());
        let level: f64 = digits.then(|| level.parse().ok()).flatten()?;
        return Some((level * FLIGHT_LEVEL_M, Some(VerticalDatum::Pressure)));
    }
    let named = DATUMS.iter().find_map(|(datum, words)| {
        words.iter().find_map(|word| {
            let before = plain.strip_suffix(word)?;
            let apart = before.ends_with(|c: char| c.is_whitespace() || c == '(');
            apart.then_some((*datum, before))
        })
    });
    // `AMSL` ends in `MSL`, but only whole words are taken.
    let (datum, number) = match named {
        Some((datum, before)) => (Some(datum), before.trim_end_matches([' ', '(', '\u{a0}'])),
        None => (None, plain),
    };
    let (sign, number) = match number.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1.0, rest),
        None => (1.0, number),
    };
    let (qualifier, min_m, max_m) = distance::length_m(number, profile.decimal_comma())?;
    let fits = min_m <= max_m && matches!(qualifier, Qualifier::None | Qualifier::About);
    fits.then(|| (sign * f64::midpoint(min_m, max_m), datum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(location: &report::Location) -> Result<Height, &'static str> {
        let mut notes = Notes::new();
        let read = read(location, &Profile::default(), "location", &mut notes);
        match notes.finish() {
            Ok(_) => Ok(read.unwrap()),
            Err(violations) => Err(violations.list[0].rule),
        }
    }

    fn text(text: &str, datum: i32) -> Result<Height, &'static str> {
        judge(&report::Location {
            height_text: text.to_owned(),
            vertical_datum: datum,
            ..report::Location::default()
        })
    }

    #[test]
    fn reads_heights_with_their_units_and_datums() {
        use VerticalDatum::{Agl, HaeWgs84, Msl, Pressure};
        for (written, metres, datum) in [
            ("120 m AGL", 120.0, Agl),
            ("350 ft MSL", 106.68, Msl),
            ("1,000 ft AMSL", 304.8, Msl),
            ("FL100", 3_048.0, Pressure),
            ("FL 085", 2_590.8, Pressure),
            ("80m-100m from the ground", 90.0, Agl),
            ("about 80-100 m above ground", 90.0, Agl),
            ("215 m HAE", 215.0, HaeWgs84),
            ("-5 m MSL", -5.0, Msl),
            ("1.2 km над землею", 1_200.0, Agl),
            ("169 м над рівнем моря", 169.0, Msl),
            ("169 m n.p.m.", 169.0, Msl),
            ("150 m über Grund", 150.0, Agl),
            ("150 m au-dessus du sol", 150.0, Agl),
        ] {
            assert_eq!(
                text(written, 0),
                Ok((Some(metres), Some(datum))),
                "{written}"
            );
        }
        assert_eq!(text("120 m", 3), Ok((Some(120.0), Some(Agl))));
        assert_eq!(text("", 0), Ok((None, None)));
    }

    #[test]
    fn refuses_heights_that_say_too_little_or_too_much() {
        for (written, datum, rule) in [
            ("120 m", 0, "position.height"),
            ("120", 3, "position.height_unreadable"),
            ("high", 0, "position.height_unreadable"),
            ("over 100 m AGL", 0, "position.height_unreadable"),
            ("FL1000", 0, "position.height_unreadable"),
            ("100-80 m AGL", 0, "position.height_unreadable"),
            ("120 m AGL", 2, "position.height_datum_conflict"),
            ("FL100", 2, "position.height_datum_conflict"),
            ("500 km MSL", 0, "position.height"),
        ] {
            assert_eq!(text(written, datum), Err(rule), "{written}");
        }
        let both = report::Location {
            height_text: "120 m AGL".to_owned(),
            height_m: Some(120.0),
            ..report::Location::default()
        };
        assert_eq!(judge(&both), Err("position.height_one_form"));
    }
}

//! References to squares of a Soviet map: `6608`, `6608-4`, `5013-А`. The four digits are the last
//! two of the northing and then of the easting, kilometres: the same square comes again every 100
//! km, so it is read only against a declared anchor (a map sheet, hundreds of kilometres, or a
//! point nearby). Behind the hyphen: a ninth, clockwise from the top left, 9 in the middle, or a
//! quarter, А Б В Г clockwise from the top left.

use super::Fault;
use super::datum::Datum;
use super::plane::Plane;
use super::sheet;
use crate::normalise::Rule;
use crate::normalise::notes::quoted;

static UNREADABLE: Rule = Rule::new(
    "position.square_unreadable",
    "a map square is two digits of the northing and two of the easting, kilometres, perhaps with \
     a ninth 1 to 9 or a quarter А Б В Г",
    "domain.md 3.4",
);
static ANCHOR: Rule = Rule::new(
    "position.square_anchor_missing",
    "a map square comes again every 100 km, so it needs a declared anchor",
    "domain.md 3.4",
);
static OUTSIDE: Rule = Rule::new(
    "position.square_outside_anchor",
    "a map square lies on the map sheet, or near the point, that is declared as its anchor",
    "domain.md 3.4",
);

const ANCHORS: &str = "an anchor, in `reference_system` or behind the square: a map sheet \
                       (`SK-42 M-37-136`), hundreds of kilometres of X and Y (`SK-42 53/74`), or \
                       a point nearby (`SK-42 X=5320000 Y=7410000`)";
const FORM: &str = "for example `6608`, `6608-4` or `5013-А` (the letters are Cyrillic)";

/// Words in front of a square that say that it is one.
const LABELS: [&str; 7] = ["квадрат", "кв.", "кв", "square", "sq.", "carré", "kwadrat"];

/// What tells one square from those 100 km away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Hundreds of kilometres of X, and of Y with the zone in front.
    Hundreds {
        /// Of the northing.
        x: u16,
        /// Of the easting.
        y: u16,
    },
    /// A point in kilometres, and how far from it the square may lie.
    Near {
        /// Northing.
        x_km: u16,
        /// Easting with the zone in front.
        y_km: u16,
        /// Furthest northing from it.
        x_reach_km: u16,
        /// Furthest easting from it.
        y_reach_km: u16,
    },
}

impl Anchor {
    /// Reads an anchor: a map sheet, hundreds of kilometres, or a point.
    pub(super) fn parse(text: &str, datum: Datum) -> Option<Self> {
        let text =
            text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        sheet::anchor(text, datum).or_else(|| numbers(text))
    }

    /// The kilometre that ends with these two digits.
    fn kilometre(base: u16, reach: u16, digits: u16) -> Option<u16> {
        let ahead = (digits + 100 - base % 100) % 100;
        let found = if ahead <= 50 {
            base + ahead
        } else {
            (base + ahead).checked_sub(100)?
        };
        (found.abs_diff(base) <= reach).then_some(found)
    }

    fn resolve(self, x: u16, y: u16) -> Option<(u16, u16)> {
        match self {
            Self::Hundreds {
                x: x_hundreds,
                y: y_hundreds,
            } => Some((x_hundreds * 100 + x, y_hundreds * 100 + y)),
            Self::Near {
                x_km,
                y_km,
                x_reach_km,
                y_reach_km,
            } => Some((
                Self::kilometre(x_km, x_reach_km, x)?,
                Self::kilometre(y_km, y_reach_km, y)?,
            )),
        }
    }
}

/// Two numbers, X first: hundreds of kilometres, kilometres or metres.
fn numbers(text: &str) -> Option<Anchor> {
    const METRES_PER_KM: u32 = 1_000;
    let mut found = [0_u32; 2];
    let mut lens = [0; 2];
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    for (slot, len) in found.iter_mut().zip(&mut lens) {
        let part = parts.next().filter(|part| part.len() <= 7)?;
        (*slot, *len) = (part.parse().ok()?, part.len());
    }
    let words = text
        .chars()
        .any(|c| c.is_alphabetic() && !matches!(c, 'X' | 'Y' | 'x' | 'y' | 'Х' | 'У' | 'х' | 'у'));
    // X has to come first, with letters or without.
    let y_first = text
        .find(['Y', 'y', 'У', 'у'])
        .zip(text.find(['X', 'x', 'Х', 'х']))
        .is_some_and(|(y, x)| y < x);
    if words || y_first || parts.next().is_some() {
        return None;
    }
    let small = |value: u32| u16::try_from(value).ok();
    let [x, y] = found;
    let near = |x, y| {
        // Half of 100 km, less the one that could be either.
        let (x_reach_km, y_reach_km) = (49, 49);
        Some(Anchor::Near {
            x_km: small(x)?,
            y_km: small(y)?,
            x_reach_km,
            y_reach_km,
        })
    };
    match lens {
        [2, 2] => Some(Anchor::Hundreds {
            x: small(x)?,
            y: small(y)?,
        }),
        // Full labels of the map's edge; round ones are the hundreds.
        [4, 4] if x % 100 == 0 && y % 100 == 0 => Some(Anchor::Hundreds {
            x: small(x / 100)?,
            y: small(y / 100)?,
        }),
        [4, 4] => near(x, y),
        [7, 7] => near(x / METRES_PER_KM, y / METRES_PER_KM),
        _ => None,
    }
}

/// A part of a square of a kilometre: its middle from the south-west corner, and its side, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    north_m: f64,
    east_m: f64,
    side_m: f64,
}

impl Part {
    const WHOLE: Self = Self {
        north_m: 500.0,
        east_m: 500.0,
        side_m: 1_000.0,
    };

    /// The part in this row from the top and column from the left, of `count` to a side.
    fn of(row: f64, column: f64, count: f64) -> Self {
        let side_m = 1_000.0 / count;
        Self {
            north_m: 1_000.0 - (row + 0.5) * side_m,
            east_m: (column + 0.5) * side_m,
            side_m,
        }
    }

    fn parse(c: char) -> Option<Self> {
        let ninth = |row, column| Some(Self::of(row, column, 3.0));
        let quarter = |row, column| Some(Self::of(row, column, 2.0));
        match c {
            '1' => ninth(0.0, 0.0),
            '2' => ninth(0.0, 1.0),
            '3' => ninth(0.0, 2.0),
            '4' => ninth(1.0, 2.0),
            '5' => ninth(2.0, 2.0),
            '6' => ninth(2.0, 1.0),
            '7' => ninth(2.0, 0.0),
            '8' => ninth(1.0, 0.0),
            '9' => ninth(1.0, 1.0),
            // A Latin A is the same letter; a Latin B may be Б or В, and is not taken.
            'А' | 'а' | 'A' | 'a' => quarter(0.0, 0.0),
            'Б' | 'б' => quarter(0.0, 1.0),
            'В' | 'в' => quarter(1.0, 1.0),
            'Г' | 'г' => quarter(1.0, 0.0),
            _ => None,
        }
    }
}

/// A square as written.
struct Written<'t> {
    digits: &'t str,
    part: Option<char>,
    /// What follows: an anchor, or nothing.
    rest: &'t str,
}

/// Splits `6608-4 (M-37-136)`; `None` where the text is something else.
fn split(text: &str) -> Option<Written<'_>> {
    let text = text.trim();
    let plain = LABELS
        .iter()
        .find_map(|label| {
            let head = text.get(..label.len())?;
            (head.to_lowercase() == *label).then(|| text.get(label.len()..))?
        })
        .unwrap_or(text)
        .trim_start();
    let (digits, rest) = plain.split_at_checked(4)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut chars = rest.chars();
    let is_joint = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '/');
    let part = match (chars.next(), chars.clone().next(), chars.clone().nth(1)) {
        (Some(joint), Some(part), next)
            if is_joint(joint) && next.is_none_or(|c| !c.is_alphanumeric() && c != '.') =>
        {
            chars.next();
            Some(part)
        }
        (None, ..) => None,
        (Some(c), ..) if c.is_whitespace() || matches!(c, ',' | ';' | '(') => None,
        _ => return None,
    };
    let rest = if part.is_some() { chars.as_str() } else { rest };
    Some(Written { digits, part, rest })
}

/// Whether a text is meant as a map square: four digits, perhaps with a part of it, and nothing
/// that could be a second number.
pub(super) fn looks_like(text: &str) -> bool {
    split(text).is_some_and(|written| {
        let rest = written.rest.trim_start();
        rest.is_empty() || rest.starts_with(['(', ',', ';'])
    })
}

/// A square read against its anchor.
#[derive(Debug)]
pub(super) struct SquarePoint {
    pub(super) plane: Plane,
    pub(super) northing_m: f64,
    pub(super) easting_m: f64,
    pub(super) side_m: f64,
}

/// Reads a square; `declared` is the anchor of the reference system.
pub(super) fn read(
    text: &str,
    datum: Datum,
    declared: Option<Anchor>,
) -> Result<SquarePoint, Fault> {
    let unreadable = |why: &str| Fault::new(&UNREADABLE, format!("{}: {why}", quoted(text)), FORM);
    let written = split(text).ok_or_else(|| unreadable("no map square"))?;
    let own = match written.rest.trim() {
        "" => None,
        rest => Some(Anchor::parse(rest, datum).ok_or_else(|| {
            Fault::new(&ANCHOR, format!("{} is no anchor", quoted(rest)), ANCHORS)
        })?),
    };
    let anchor = own.or(declared).ok_or_else(|| {
        Fault::new(
            &ANCHOR,
            format!("{} comes again every 100 km", quoted(text)),
            ANCHORS,
        )
    })?;
    let part = match written.part {
        None => Part::WHOLE,
        Some(c) => Part::parse(c).ok_or_else(|| {
            unreadable(&format!(
                "`{}` is neither a ninth nor a quarter",
                c.escape_debug()
            ))
        })?,
    };
    let (x, y) = written.digits.split_at(2);
    let pair = |digits: &str| digits.parse::<u16>().ok();
    let (x, y) = pair(x)
        .zip(pair(y))
        .ok_or_else(|| unreadable("no four digits"))?;
    let found = anchor.resolve(x, y).and_then(|(x_km, y_km)| {
        let plane = Plane::of_zone(datum, u8::try_from(y_km / 1_000).ok()?)?;
        Some(SquarePoint {
            plane,
            northing_m: f64::from(x_km) * 1_000.0 + part.north_m,
            easting_m: f64::from(y_km) * 1_000.0 + part.east_m,
            side_m: part.side_m,
        })
    });
    found.ok_or_else(|| {
        Fault::new(
            &OUTSIDE,
            format!("{} does not lie at its anchor", quoted(text)),
            "a square on the declared sheet, or within 49 km of the declared point; the zone in \
             front of the easting is one of the area",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(text: &str, anchor: &str) -> Result<(f64, f64, f64), &'static str> {
        let anchor = Anchor::parse(anchor, Datum::Sk42);
        read(text, Datum::Sk42, anchor)
            .map(|found| {
                let tenths = |metres: f64| (metres * 10.0).round() / 10.0;
                (
                    tenths(found.northing_m),
                    tenths(found.easting_m),
                    tenths(found.side_m),
                )
            })
            .map_err(|fault| fault.rule.id)
    }

    #[test]
    fn northing_comes_first_and_parts_run_clockwise() {
        let at = |text| grid(text, "53/74").expect(text);
        assert_eq!(at("2010"), (5_320_500.0, 7_410_500.0, 1_000.0));
        assert_eq!(at("2010-9"), (5_320_500.0, 7_410_500.0, 333.3));
        assert_eq!(at("2010-1"), (5_320_833.3, 7_410_166.7, 333.3));
        assert_eq!(at("2010-2"), (5_320_833.3, 7_410_500.0, 333.3));
        assert_eq!(at("2010-3"), (5_320_833.3, 7_410_833.3, 333.3));
        assert_eq!(at("кв. 2010-4"), (5_320_500.0, 7_410_833.3, 333.3));
        assert_eq!(at("2010-5"), (5_320_166.7, 7_410_833.3, 333.3));
        assert_eq!(at("2010-6"), (5_320_166.7, 7_410_500.0, 333.3));
        assert_eq!(at("2010\u{2011}7"), (5_320_166.7, 7_410_166.7, 333.3));
        assert_eq!(at("2010-8"), (5_320_500.0, 7_410_166.7, 333.3));
        assert_eq!(at("Квадрат 2010-А"), (5_320_750.0, 7_410_250.0, 500.0));
        assert_eq!(at("2010-Б"), (5_320_750.0, 7_410_750.0, 500.0));
        assert_eq!(at("2010-в"), (5_320_250.0, 7_410_750.0, 500.0));
        assert_eq!(at("2010-Г"), (5_320_250.0, 7_410_250.0, 500.0));
    }

    /// Their sheets by the series, their coordinates as in domain.md 3.3.
    #[test]
    fn towns_lie_on_their_own_sheets() {
        for (text, sheet, town, northing, easting) in [
            ("9324", "M-36-50", "Kyiv", 5_593_957.0, 6_324_233.0),
            ("8222", "M-37-127", "Luhansk", 5_382_400.0, 7_522_829.0),
            ("4301", "M-37-73", "Kharkiv", 5_543_903.0, 7_301_534.0),
            ("4241", "L-36-128", "Sevastopol", 4_942_582.0, 6_541_821.0),
        ] {
            let (x, y, _) = grid(text, sheet).expect(town);
            assert!((x - northing).abs() <= 500.0, "{town}: {x}");
            assert!((y - easting).abs() <= 500.0, "{town}: {y}");
        }
    }

    #[test]
    fn every_kind_of_anchor_finds_the_same_square() {
        for anchor in [
            "53/74",
            "X=53 Y=74",
            "5300/7400",
            "5320 7411",
            "Х=5341 У=7377",
            "X=5320990 Y=7410809",
            "M-37-136",
            "М-37-136-А",
        ] {
            assert_eq!(
                grid("2010-9", anchor),
                Ok((5_320_500.0, 7_410_500.0, 333.3)),
                "{anchor}"
            );
        }
        assert_eq!(
            grid("2010 (M-37-136)", ""),
            Ok((5_320_500.0, 7_410_500.0, 1_000.0))
        );
        assert_eq!(
            grid("2010-9; X=5320000 Y=7410000", "99/99"),
            Ok((5_320_500.0, 7_410_500.0, 333.3))
        );
    }

    #[test]
    fn refuses_what_could_be_anywhere() {
        for (text, anchor, rule) in [
            ("6608-4", "", "position.square_anchor_missing"),
            ("6608", "Y=74 X=53", "position.square_anchor_missing"),
            ("6608", "hill 7", "position.square_anchor_missing"),
            ("6608 (hill 7)", "53/74", "position.square_anchor_missing"),
            ("2010-0", "53/74", "position.square_unreadable"),
            ("2010-B", "53/74", "position.square_unreadable"),
            ("20100", "53/74", "position.square_unreadable"),
            ("2010-44", "53/74", "position.square_unreadable"),
            ("7010", "M-37-136", "position.square_outside_anchor"),
            ("2010", "53/24", "position.square_outside_anchor"),
            // Only one label is round, so it is a point and no hundreds.
            ("2010", "5300 7460", "position.square_outside_anchor"),
            ("7060", "5320 7410", "position.square_outside_anchor"),
        ] {
            assert_eq!(grid(text, anchor), Err(rule), "{text} {anchor}");
        }
    }
}

//! The 16 winds in the languages of the lexicon, in words and in letters.
//! O is west in French and east in German, so only a profile can say which.

use crate::normalise::profile::LetterO;

/// The winds clockwise from north, as sequences of the four letters.
const WINDS: [&str; 16] = [
    "n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw", "nw",
    "nnw",
];

/// Degrees from one wind to the next.
const STEP_DEG: f64 = 22.5;

/// Half-width of the sector of a wind, degrees.
const HALF_WIDTH_DEG: f64 = 11.25;

/// Words that begin so are this letter, whatever their ending.
const STEMS: &[(&str, char)] = &[
    ("північ", 'n'),
    ("півден", 's'),
    ("схід", 'e'),
    ("сход", 'e'),
    ("захід", 'w'),
    ("заход", 'w'),
    ("север", 'n'),
    ("юг", 's'),
    ("юж", 's'),
    ("восто", 'e'),
    ("запад", 'w'),
    ("północ", 'n'),
    ("połud", 's'),
    ("wschod", 'e'),
    ("wschód", 'e'),
    ("zachod", 'w'),
    ("zachód", 'w'),
];

/// Pieces that are written together, longer ones before their own beginnings.
const PIECES: &[(&str, char)] = &[
    ("noord", 'n'),
    ("zuid", 's'),
    ("oost", 'e'),
    ("norte", 'n'),
    ("este", 'e'),
    ("oeste", 'w'),
    ("ovest", 'w'),
    ("vest", 'w'),
    ("severo", 'n'),
    ("jiho", 's'),
    ("jih", 's'),
    ("východ", 'e'),
    ("západ", 'w'),
    ("põhja", 'n'),
    ("lõuna", 's'),
    ("north", 'n'),
    ("south", 's'),
    ("east", 'e'),
    ("west", 'w'),
    ("nord", 'n'),
    ("nörd", 'n'),
    ("nor", 'n'),
    ("sud", 's'),
    ("sur", 's'),
    ("süd", 's'),
    ("ouest", 'w'),
    ("ost", 'e'),
    ("öst", 'e'),
    ("est", 'e'),
    ("wsch", 'e'),
    ("zach", 'w'),
    ("пн", 'n'),
    ("пд", 's'),
    ("сх", 'e'),
    ("зх", 'w'),
    ("płn", 'n'),
    ("płd", 's'),
    ("pn", 'n'),
    ("pd", 's'),
    ("n", 'n'),
    ("s", 's'),
    ("e", 'e'),
    ("w", 'w'),
];

/// What may stand in front of a wind.
const PREPOSITIONS: &[&str] = &[
    "to the ",
    "due ",
    "towards ",
    "from the ",
    "на ",
    "к ",
    "au ",
    "à l'",
    "vers le ",
    "vers l'",
    "à l’",
    "nach ",
    "na ",
];

/// What may stand behind a piece.
const ENDINGS: &[&str] = &["erly", "ern", "lich", "en"];

/// Words between two neighbouring winds, as in `SE and SSE`.
const JOINTS: &[&str] = &[
    " and ", " und ", " et ", " oraz ", " i ", " і ", " й ", " та ", " и ",
];

/// A direction with the sector that it leaves open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wind {
    /// Degrees from north.
    pub(super) deg: f64,
    /// Half-width of the sector, degrees.
    pub(super) half_width_deg: f64,
}

/// Reads a wind, or two that are at most 45 degrees apart; lower case expected.
pub(super) fn parse(text: &str, letter_o: Option<LetterO>) -> Option<Wind> {
    let both = JOINTS.iter().find_map(|joint| text.split_once(joint));
    let Some((first, second)) = both else {
        return Some(Wind {
            deg: one(text, letter_o)?,
            half_width_deg: HALF_WIDTH_DEG,
        });
    };
    let (first, second) = (one(first, letter_o)?, one(second, letter_o)?);
    // The turn from one to the other, -180 to 180.
    let turn = (second - first + 540.0).rem_euclid(360.0) - 180.0;
    (turn.abs() <= 2.0 * STEP_DEG).then(|| Wind {
        deg: (first + turn / 2.0).rem_euclid(360.0),
        half_width_deg: turn.abs() / 2.0 + HALF_WIDTH_DEG,
    })
}

/// Degrees of one wind.
fn one(text: &str, letter_o: Option<LetterO>) -> Option<f64> {
    let text = text.trim();
    let text = PREPOSITIONS
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .unwrap_or(text);
    let mut letters = String::with_capacity(3);
    for word in text.split(['-', ' ', '.']).filter(|word| !word.is_empty()) {
        if letters.len() > 3 {
            return None;
        }
        match STEMS.iter().find(|(stem, _)| word.starts_with(stem)) {
            Some(&(_, letter)) => letters.push(letter),
            None if russian(word, &mut letters) => {}
            None => pieces(word, letter_o, &mut letters)?,
        }
    }
    let index = WINDS.iter().position(|wind| *wind == letters)?;
    let index = u8::try_from(index).ok()?;
    Some(f64::from(index) * STEP_DEG)
}

/// Russian letters of a wind, two or three: `св`, `ссв`. One alone may be a preposition.
fn russian(word: &str, letters: &mut String) -> bool {
    let letter = |c| match c {
        'с' => Some('n'),
        'ю' => Some('s'),
        'в' => Some('e'),
        'з' => Some('w'),
        _ => None,
    };
    let read: Option<String> = word.chars().map(letter).collect();
    let Some(read) = read.filter(|read| (2..=3).contains(&read.len())) else {
        return false;
    };
    letters.push_str(&read);
    true
}

fn pieces(word: &str, letter_o: Option<LetterO>, letters: &mut String) -> Option<()> {
    let mut rest = word;
    while !rest.is_empty() {
        let known = PIECES
            .iter()
            .find_map(|&(piece, letter)| Some((letter, rest.strip_prefix(piece)?)));
        let (letter, after) = match (known, letter_o) {
            (Some(known), _) => known,
            (None, Some(LetterO::East)) => ('e', rest.strip_prefix('o')?),
            (None, Some(LetterO::West)) => ('w', rest.strip_prefix('o')?),
            (None, None) => return None,
        };
        letters.push(letter);
        // An ending is the end of its word: the `en` of `Norden`, not that of `ENE`.
        rest = if ENDINGS.contains(&after) && word.len() > 3 {
            ""
        } else {
            after
        };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deg(text: &str, letter_o: Option<LetterO>) -> Option<f64> {
        parse(text, letter_o).map(|wind| wind.deg)
    }

    #[test]
    fn reads_the_winds_of_the_languages() {
        for (text, degrees) in [
            ("n", 0.0),
            ("ene", 67.5),
            ("northeast", 45.0),
            ("south-south-west", 202.5),
            ("north-easterly", 45.0),
            ("due west", 270.0),
            ("nord-est", 45.0),
            ("sud-ouest", 225.0),
            ("à l'ouest", 270.0),
            ("nordost", 45.0),
            ("südwestlich", 225.0),
            ("nordöstlich", 45.0),
            ("norden", 0.0),
            ("noordoost", 45.0),
            ("nord-ovest", 315.0),
            ("noroeste", 315.0),
            ("sureste", 135.0),
            ("sud-vest", 225.0),
            ("severovýchod", 45.0),
            ("jihozápad", 225.0),
            ("północny wschód", 45.0),
            ("południowo-zachodni", 225.0),
            ("pn-wsch", 45.0),
            ("pn.-zach.", 315.0),
            ("płd.-wsch.", 135.0),
            ("на північний схід", 45.0),
            ("південно-західніше", 225.0),
            ("пд-сх", 135.0),
            ("пнзх", 315.0),
            ("пн. зх.", 315.0),
            ("к востоко-северо-востоку", 67.5),
            ("юго-востоку", 135.0),
            ("северо-западнее", 315.0),
            ("захід", 270.0),
            ("св", 45.0),
            ("ссв", 22.5),
            ("юз", 225.0),
            ("ю-в", 135.0),
        ] {
            // `ю-в` has its letters apart, and one alone may be a preposition.
            let expected = (text != "ю-в").then_some(degrees);
            assert_eq!(deg(text, None), expected, "{text}");
        }
        for text in [
            "",
            "o",
            "so",
            "north-south",
            "nnnn",
            "up",
            "с",
            "в",
            "з",
            "neee",
            "sued ost nord west",
        ] {
            assert_eq!(parse(text, None), None, "{text}");
        }
    }

    #[test]
    fn the_letter_o_is_the_nations() {
        for (text, west, east) in [
            ("o", 270.0, 90.0),
            ("so", 225.0, 135.0),
            ("no", 315.0, 45.0),
            ("nno", 337.5, 22.5),
            ("oso", 247.5, 112.5),
        ] {
            assert_eq!(deg(text, Some(LetterO::West)), Some(west), "{text}");
            assert_eq!(deg(text, Some(LetterO::East)), Some(east), "{text}");
        }
        // In full there is no doubt.
        assert_eq!(deg("ost", Some(LetterO::West)), Some(90.0));
        assert_eq!(deg("ouest", Some(LetterO::East)), Some(270.0));
    }

    #[test]
    fn two_neighbours_are_one_wider_sector() {
        for (text, degrees, half_width) in [
            ("se and sse", 146.25, 22.5),
            ("n and nnw", 348.75, 22.5),
            ("nw and n", 337.5, 33.75),
            ("на північ та на північний схід", 22.5, 33.75),
        ] {
            let expected = Wind {
                deg: degrees,
                half_width_deg: half_width,
            };
            assert_eq!(parse(text, None), Some(expected), "{text}");
        }
        assert_eq!(parse("n and e", None), None);
        assert_eq!(parse("n and", None), None);
    }
}

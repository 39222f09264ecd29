//! The 16 winds in English, French, German, Polish, Ukrainian and Russian. Single letters are
//! English only: O is west in French and east in German.

/// The winds clockwise from north, as sequences of the four letters.
const WINDS: [&str; 16] = [
    "n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw", "nw",
    "nnw",
];

/// Degrees from one wind to the next.
const STEP_DEG: f64 = 22.5;

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
    ("north", 'n'),
    ("south", 's'),
    ("east", 'e'),
    ("west", 'w'),
    ("nord", 'n'),
    ("nörd", 'n'),
    ("sud", 's'),
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
    "towards ",
    "from the ",
    "на ",
    "к ",
    "au ",
    "à l'",
    "vers le ",
    "nach ",
    "na ",
];

/// What may stand behind a piece.
const ENDINGS: &[&str] = &["erly", "ern", "lich", "en"];

/// Degrees of a wind; lower case expected.
pub(super) fn parse(text: &str) -> Option<f64> {
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
            None => pieces(word, &mut letters)?,
        }
    }
    let index = WINDS.iter().position(|wind| *wind == letters)?;
    let index = u8::try_from(index).ok()?;
    Some(f64::from(index) * STEP_DEG)
}

fn pieces(word: &str, letters: &mut String) -> Option<()> {
    let mut rest = word;
    while !rest.is_empty() {
        let (letter, after) = PIECES
            .iter()
            .find_map(|&(piece, letter)| Some((letter, rest.strip_prefix(piece)?)))?;
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
    use super::parse;

    #[test]
    fn reads_the_winds_of_six_languages() {
        for (text, degrees) in [
            ("n", 0.0),
            ("ene", 67.5),
            ("northeast", 45.0),
            ("south-south-west", 202.5),
            ("north-easterly", 45.0),
            ("nord-est", 45.0),
            ("sud-ouest", 225.0),
            ("nordost", 45.0),
            ("südwestlich", 225.0),
            ("norden", 0.0),
            ("północny wschód", 45.0),
            ("południowo-zachodni", 225.0),
            ("pn-wsch", 45.0),
            ("на північний схід", 45.0),
            ("пд-сх", 135.0),
            ("пнзх", 315.0),
            ("к востоко-северо-востоку", 67.5),
            ("юго-востоку", 135.0),
            ("захід", 270.0),
        ] {
            assert_eq!(parse(text), Some(degrees), "{text}");
        }
        for text in [
            "",
            "o",
            "so",
            "north-south",
            "nnnn",
            "up",
            "с",
            "neee",
            "sued ost nord west",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

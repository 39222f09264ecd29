//! Splits a text of angles into numbers, marks, words and separators.

/// Longest text that is scanned, bytes; no angle needs more.
const TEXT_BYTES_MAX: usize = 200;

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// Digits without sign.
    Number {
        /// The digits before the decimal separator.
        whole: &'t str,
        /// The digits after it; `Some("")` for `60.`.
        fraction: Option<&'t str>,
    },
    /// `°`, `d`.
    DegreeMark,
    /// `'`, `′`.
    MinuteMark,
    /// `"`, `″`, `''`.
    SecondMark,
    /// A hemisphere or a label.
    Word(Word),
    /// `-` in front of a number.
    Minus,
    /// `,` `;` `/` between angles.
    Separator,
    /// White space.
    Blank,
}

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    North,
    South,
    East,
    West,
    /// West or east, by language.
    LetterO,
    /// A label of latitude.
    Latitude,
    /// A label of longitude.
    Longitude,
}

/// Longer words by their beginning, whatever their ending, before the short ones in full.
const STEMS: &[(&str, Word)] = &[
    ("north", Word::North),
    ("northern", Word::North),
    ("nord", Word::North),
    ("nörd", Word::North),
    ("norte", Word::North),
    ("noord", Word::North),
    ("northing", Word::North),
    ("північ", Word::North),
    ("север", Word::North),
    ("północ", Word::North),
    ("south", Word::South),
    ("sud", Word::South),
    ("süd", Word::South),
    ("zuid", Word::South),
    ("півден", Word::South),
    ("южн", Word::South),
    ("połud", Word::South),
    ("east", Word::East),
    ("est", Word::East),
    ("este", Word::East),
    ("ost", Word::East),
    ("öst", Word::East),
    ("oost", Word::East),
    ("східн", Word::East),
    ("восточ", Word::East),
    ("wsch", Word::East),
    ("west", Word::West),
    ("vest", Word::West),
    ("ouest", Word::West),
    ("oeste", Word::West),
    ("ovest", Word::West),
    ("західн", Word::West),
    ("западн", Word::West),
    ("zach", Word::West),
    ("latit", Word::Latitude),
    ("breite", Word::Latitude),
    ("szer", Word::Latitude),
    ("широт", Word::Latitude),
    ("longit", Word::Longitude),
    ("länge", Word::Longitude),
    ("dług", Word::Longitude),
    ("довгот", Word::Longitude),
    ("долгот", Word::Longitude),
];

impl Word {
    /// Reads a word in small letters without points.
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "n" | "с" | "сш" | "пн" | "пнш" | "півн" | "півнш" | "płn" | "pn" | "nb" => {
                Self::North
            }
            "s" | "ю" | "юш" | "пд" | "пдш" | "півдш" | "płd" | "pd" | "zb" | "sur" => {
                Self::South
            }
            "e" | "в" | "вд" | "сх" | "схд" | "ö" | "ol" => Self::East,
            "w" | "з" | "зд" | "зх" | "зхд" | "wl" => Self::West,
            "o" => Self::LetterO,
            "lat" | "br" | "szergeogr" | "ш" => Self::Latitude,
            "lon" | "long" | "lng" | "l" | "dł" | "dłgeogr" | "д" => Self::Longitude,
            _ => {
                let stem = STEMS.iter().find(|(stem, _)| word.starts_with(stem));
                return stem.map(|(_, word)| *word);
            }
        })
    }
}

/// The tokens of a text, without blanks at the ends, beside each other, or beside a separator.
pub(super) fn scan(text: &str, decimal_comma: bool) -> Result<Vec<Token<'_>>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("more than {TEXT_BYTES_MAX} bytes"));
    }
    // A point between digits is a decimal point, and then commas separate.
    let decimal_comma = decimal_comma && !has_decimal_point(text);
    let mut tokens = Vec::with_capacity(12);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (token, used) = match c {
            '0'..='9' => number(rest, decimal_comma),
            '°' | 'º' | '˚' => (Token::DegreeMark, c.len_utf8()),
            '\'' if rest.starts_with("''") => (Token::SecondMark, 2),
            '′' if rest.starts_with("′′") => (Token::SecondMark, 2 * c.len_utf8()),
            '\'' | '′' | '’' | '´' => (Token::MinuteMark, c.len_utf8()),
            '"' | '″' | '”' | '“' => (Token::SecondMark, c.len_utf8()),
            ':' if joins(&tokens, rest) => (Token::Blank, 1),
            ',' | ';' | '/' | '(' | ')' | '=' | ':' => (Token::Separator, 1),
            '-' | '−' | '\u{2010}'..='\u{2013}' => (dash(&tokens, rest), c.len_utf8()),
            '+' => (Token::Blank, 1),
            _ if c.is_whitespace() => (Token::Blank, c.len_utf8()),
            _ if c.is_alphabetic() => word(rest)?,
            _ => return Err(format!("`{}` is no part of an angle", c.escape_debug())),
        };
        push(&mut tokens, token);
        rest = rest.get(used..).unwrap_or_default();
    }
    while matches!(tokens.last(), Some(Token::Blank | Token::Separator)) {
        tokens.pop();
    }
    Ok(tokens)
}

/// Keeps the list free of blanks that say nothing.
fn push<'t>(tokens: &mut Vec<Token<'t>>, token: Token<'t>) {
    let last = tokens.last().copied();
    match (last, token) {
        (None | Some(Token::Blank | Token::Separator), Token::Blank)
        | (None | Some(Token::Separator), Token::Separator) => {}
        (Some(Token::Blank), Token::Separator) => {
            tokens.pop();
            tokens.push(token);
        }
        // A mark or a word belongs to the number before it, whatever blanks lie between.
        (Some(Token::Blank), Token::DegreeMark | Token::MinuteMark | Token::SecondMark) => {
            tokens.pop();
            tokens.push(token);
        }
        // `lat: 48.0` and `lat = 48.0`: the label belongs to the number behind it.
        (Some(Token::Word(_)), Token::Separator) if tokens.len() == 1 => {}
        _ => tokens.push(token),
    }
}

fn has_decimal_point(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|w| matches!(w, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit()))
}

fn number(text: &str, decimal_comma: bool) -> (Token<'_>, usize) {
    let digits = |from: usize| {
        let tail = text.get(from..).unwrap_or_default();
        from + tail.bytes().take_while(u8::is_ascii_digit).count()
    };
    let whole_end = digits(0);
    let whole = text.get(..whole_end).unwrap_or_default();
    let bytes = text.as_bytes();
    let fraction_end = match bytes.get(whole_end) {
        Some(b'.') => Some(digits(whole_end + 1)),
        Some(b',') if decimal_comma && bytes.get(whole_end + 1).is_some_and(u8::is_ascii_digit) => {
            Some(digits(whole_end + 1))
        }
        _ => None,
    };
    let fraction = fraction_end.and_then(|end| text.get(whole_end + 1..end));
    (
        Token::Number { whole, fraction },
        fraction_end.unwrap_or(whole_end),
    )
}

/// Whether a mark stands between two numbers, as in `48-00-57N` and `48:00:57N`.
fn joins(tokens: &[Token<'_>], rest: &str) -> bool {
    let digit_follows = rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    digit_follows && matches!(tokens.last(), Some(Token::Number { .. }))
}

/// A dash between two numbers joins degrees and minutes; elsewhere it is a sign.
fn dash<'t>(tokens: &[Token<'t>], rest: &str) -> Token<'t> {
    if joins(tokens, rest) {
        Token::Blank
    } else {
        Token::Minus
    }
}

fn word(text: &str) -> Result<(Token<'static>, usize), String> {
    let end = text
        .char_indices()
        .find(|(_, c)| !(c.is_alphabetic() || *c == '.'))
        .map_or(text.len(), |(at, _)| at);
    let written = text.get(..end).unwrap_or_default();
    let plain: String = written
        .chars()
        .filter(|c| *c != '.')
        .flat_map(char::to_lowercase)
        .collect();
    let token = match plain.as_str() {
        "d" if written.len() > 1 => return Err("`d.` is no mark".to_owned()),
        "d" | "deg" => Token::DegreeMark,
        "min" => Token::MinuteMark,
        "sec" => Token::SecondMark,
        "de" | "geogr" | "geograficznej" | "geographischer" => Token::Blank,
        "and" | "et" | "und" | "i" | "oraz" | "та" | "і" | "и" => Token::Separator,
        _ => Token::Word(Word::parse(&plain).ok_or_else(|| format!("`{plain}` is no hemisphere"))?),
    };
    Ok((token, end))
}

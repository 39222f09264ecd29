//! Characters that look like others: O for 0, I for 1, a Cyrillic Р for P. They are pointed out in
//! what could not be read, never replaced: a digit that somebody guessed is a wrong place.

use super::Fault;
use crate::normalise::Rule;

static LOOK_ALIKE: Rule = Rule::new(
    "position.look_alike",
    "a letter that looks like a digit, or like a letter of another alphabet, is pointed out and \
     never replaced",
    "domain.md 3.2, 3.4",
);

/// The digit that a letter is often typed for.
fn digit(c: char) -> Option<char> {
    match c {
        'O' | 'o' | 'О' | 'о' => Some('0'),
        'I' | 'l' | 'І' | '|' => Some('1'),
        'З' => Some('3'),
        _ => None,
    }
}

/// The Latin capital that a Cyrillic letter looks like.
fn latin(c: char) -> Option<char> {
    const PAIRS: [(char, char); 12] = [
        ('А', 'A'),
        ('В', 'B'),
        ('Е', 'E'),
        ('К', 'K'),
        ('М', 'M'),
        ('Н', 'H'),
        ('О', 'O'),
        ('Р', 'P'),
        ('С', 'C'),
        ('Т', 'T'),
        ('У', 'Y'),
        ('Х', 'X'),
    ];
    let upper = c.to_uppercase().next()?;
    PAIRS
        .iter()
        .find(|(cyrillic, _)| *cyrillic == upper)
        .map(|(_, latin)| *latin)
}

/// A letter between digits, or between a digit and the end of its number.
fn among_digits(text: &str) -> Option<(char, char)> {
    let mut before = None::<char>;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let inside = is_digit(before) && is_digit(after);
        let behind_point = matches!(before, Some('.' | ',')) && is_digit(after);
        let at_end = is_digit(before) && after.is_none_or(char::is_whitespace);
        let found = digit(c).filter(|_| inside || behind_point || at_end);
        if let Some(digit) = found {
            return Some((c, digit));
        }
        before = Some(c);
    }
    None
}

/// In a grid: the letters I and O behind two others, as a 100 km square has two letters and never
/// these; or one that begins a number.
fn in_grid(text: &str) -> Option<(char, char)> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let rest = plain.trim_start_matches(|c: char| c.is_ascii_digit());
    let third = rest.chars().nth(3);
    let begins = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next()?;
        chars.next()?.is_ascii_digit().then_some(first)
    };
    let mut candidates = third
        .into_iter()
        .chain(text.split_whitespace().filter_map(begins));
    candidates.find_map(|c| Some((c, digit(c)?)))
}

/// Says so where a text that could not be read has such a character. `latin_only`: the notation
/// has no Cyrillic letters.
pub(super) fn explain(fault: Fault, text: &str, latin_only: bool) -> Fault {
    let among = among_digits(text).or_else(|| latin_only.then(|| in_grid(text)).flatten());
    let said = if let Some((letter, digit)) = among {
        format!(
            "`{}` stands among digits; is it a {digit}?",
            letter.escape_debug()
        )
    } else if let Some((cyrillic, latin)) = latin_only
        .then(|| text.chars().find_map(|c| Some((c, latin(c)?))))
        .flatten()
    {
        format!("`{cyrillic}` is Cyrillic; is it the Latin {latin}?")
    } else {
        return fault;
    };
    Fault {
        rule: &LOOK_ALIKE,
        message: format!("{}; {said}", fault.message).into(),
        expected: fault.expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_letters_among_digits() {
        for (text, found) in [
            ("37UDP1O72918760", Some(('O', '0'))),
            ("37UDPI0729 18760", None),
            ("37UDP107291876O", Some(('O', '0'))),
            ("37UDP10729l8760", Some(('l', '1'))),
            ("X=53209О0 Y=7410809", Some(('О', '0'))),
            ("48.O159 37.8029", Some(('O', '0'))),
            ("37UDP1072918760", None),
            ("", None),
        ] {
            assert_eq!(among_digits(text), found, "{text}");
        }
        assert_eq!(in_grid("37U DPI0729 18760"), Some(('I', '1')));
        assert_eq!(in_grid("37UDP10729 l8760"), Some(('l', '1')));
        assert_eq!(in_grid("37UDP1072918760"), None);
    }
}

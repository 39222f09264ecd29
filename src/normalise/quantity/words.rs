//! Words around numbers, in English and the five nations' languages. Lower case.

/// What a word says of the number behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) enum Qualifier {
    None,
    About,
    AtLeast,
    MoreThan,
    AtMost,
    FewerThan,
    /// There is no number.
    Unquantified,
}

/// Longer phrases before their own beginnings.
const QUALIFIERS: &[(&str, Qualifier)] = &[
    ("approximately", Qualifier::About),
    ("approx.", Qualifier::About),
    ("approx", Qualifier::About),
    ("about", Qualifier::About),
    ("around", Qualifier::About),
    ("circa", Qualifier::About),
    ("ca.", Qualifier::About),
    ("ca", Qualifier::About),
    ("c.", Qualifier::About),
    ("~", Qualifier::About),
    ("≈", Qualifier::About),
    ("приблизно", Qualifier::About),
    ("орієнтовно", Qualifier::About),
    ("близько", Qualifier::About),
    ("около", Qualifier::About),
    ("примерно", Qualifier::About),
    ("приблизительно", Qualifier::About),
    ("environ", Qualifier::About),
    ("etwa", Qualifier::About),
    ("ungefähr", Qualifier::About),
    ("rund", Qualifier::About),
    ("około", Qualifier::About),
    ("ok.", Qualifier::About),
    ("at least", Qualifier::AtLeast),
    ("no fewer than", Qualifier::AtLeast),
    ("не менее", Qualifier::AtLeast),
    ("не менше", Qualifier::AtLeast),
    ("щонайменше", Qualifier::AtLeast),
    ("au moins", Qualifier::AtLeast),
    ("mindestens", Qualifier::AtLeast),
    ("co najmniej", Qualifier::AtLeast),
    ("≥", Qualifier::AtLeast),
    (">=", Qualifier::AtLeast),
    ("more than", Qualifier::MoreThan),
    ("over", Qualifier::MoreThan),
    ("понад", Qualifier::MoreThan),
    ("більше", Qualifier::MoreThan),
    ("более", Qualifier::MoreThan),
    ("свыше", Qualifier::MoreThan),
    ("plus de", Qualifier::MoreThan),
    ("mehr als", Qualifier::MoreThan),
    ("über", Qualifier::MoreThan),
    ("ponad", Qualifier::MoreThan),
    ("więcej niż", Qualifier::MoreThan),
    (">", Qualifier::MoreThan),
    ("at most", Qualifier::AtMost),
    ("no more than", Qualifier::AtMost),
    ("up to", Qualifier::AtMost),
    ("не более", Qualifier::AtMost),
    ("не більше", Qualifier::AtMost),
    ("до", Qualifier::AtMost),
    ("au plus", Qualifier::AtMost),
    ("jusqu'à", Qualifier::AtMost),
    ("höchstens", Qualifier::AtMost),
    ("bis zu", Qualifier::AtMost),
    ("co najwyżej", Qualifier::AtMost),
    ("najwyżej", Qualifier::AtMost),
    ("do", Qualifier::AtMost),
    ("≤", Qualifier::AtMost),
    ("<=", Qualifier::AtMost),
    ("fewer than", Qualifier::FewerThan),
    ("less than", Qualifier::FewerThan),
    ("under", Qualifier::FewerThan),
    ("менее", Qualifier::FewerThan),
    ("менше", Qualifier::FewerThan),
    ("moins de", Qualifier::FewerThan),
    ("weniger als", Qualifier::FewerThan),
    ("mniej niż", Qualifier::FewerThan),
    ("poniżej", Qualifier::FewerThan),
    ("<", Qualifier::FewerThan),
];

/// Whole texts that say "some, but not how many".
const UNQUANTIFIED: &[&str] = &[
    "numerous",
    "intense",
    "several",
    "many",
    "multiple",
    "a few",
    "n/k",
    "not known",
    "unknown",
    "численні",
    "багато",
    "кілька",
    "декілька",
    "невідомо",
    "многочисленные",
    "множественные",
    "несколько",
    "много",
    "неизвестно",
    "nombreux",
    "nombreuses",
    "plusieurs",
    "inconnu",
    "zahlreiche",
    "mehrere",
    "viele",
    "unbekannt",
    "liczne",
    "kilka",
    "wiele",
    "nieznana",
];

/// Words that may follow a count without changing it.
const PIECES: &[&str] = &[
    "",
    "x",
    "pcs",
    "pieces",
    "items",
    "units",
    "од",
    "одиниць",
    "одиниці",
    "одиниця",
    "шт",
    "штук",
    "ед",
    "единиц",
    "szt",
    "sztuk",
    "sztuki",
    "stk",
    "stück",
    "unités",
    "unité",
    "pièces",
];

const NUMBERS: &[(&str, f64)] = &[
    ("a single", 1.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
];

/// Takes a qualifier from the front: it and the rest. Lower case expected.
pub(super) fn qualifier(text: &str) -> (Qualifier, &str) {
    for &(phrase, qualifier) in QUALIFIERS {
        let Some(rest) = text.strip_prefix(phrase) else {
            continue;
        };
        // A word ends where it ends: `do` is not in `double`.
        let goes_on = rest.chars().next().is_some_and(char::is_alphabetic);
        if !goes_on {
            return (qualifier, rest.trim_start());
        }
    }
    (Qualifier::None, text)
}

/// Whether the whole text says "some, but not how many".
pub(super) fn is_unquantified(text: &str) -> bool {
    UNQUANTIFIED.contains(&text)
}

/// Whether what follows a count changes nothing.
pub(super) fn is_piece(rest: &str) -> bool {
    PIECES.contains(&rest.trim().trim_end_matches('.'))
}

/// A number as a word at the front, and the rest.
pub(super) fn number_word(text: &str) -> Option<(f64, &str)> {
    NUMBERS.iter().find_map(|&(word, value)| {
        let rest = text.strip_prefix(word)?;
        let goes_on = rest.chars().next().is_some_and(char::is_alphabetic);
        (!goes_on).then_some((value, rest))
    })
}

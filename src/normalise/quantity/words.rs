//! Words around numbers, in the languages that the lexicon has. Lower case.

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
    ("ongeveer", Qualifier::About),
    ("omstreeks", Qualifier::About),
    ("aproximadamente", Qualifier::About),
    ("alrededor de", Qualifier::About),
    ("unos", Qualifier::About),
    ("unas", Qualifier::About),
    ("aproximativ", Qualifier::About),
    ("în jur de", Qualifier::About),
    ("cca", Qualifier::About),
    ("cca.", Qualifier::About),
    ("přibližně", Qualifier::About),
    ("asi", Qualifier::About),
    ("zhruba", Qualifier::About),
    ("umbes", Qualifier::About),
    ("ligikaudu", Qualifier::About),
    ("orientativamente", Qualifier::About),
    ("all'incirca", Qualifier::About),
    ("almeno", Qualifier::AtLeast),
    ("non meno di", Qualifier::AtLeast),
    ("minstens", Qualifier::AtLeast),
    ("ten minste", Qualifier::AtLeast),
    ("al menos", Qualifier::AtLeast),
    ("por lo menos", Qualifier::AtLeast),
    ("cel puțin", Qualifier::AtLeast),
    ("nejméně", Qualifier::AtLeast),
    ("alespoň", Qualifier::AtLeast),
    ("vähemalt", Qualifier::AtLeast),
    ("più di", Qualifier::MoreThan),
    ("oltre", Qualifier::MoreThan),
    ("meer dan", Qualifier::MoreThan),
    ("más de", Qualifier::MoreThan),
    ("peste", Qualifier::MoreThan),
    ("mai mult de", Qualifier::MoreThan),
    ("více než", Qualifier::MoreThan),
    ("přes", Qualifier::MoreThan),
    ("üle", Qualifier::MoreThan),
    ("rohkem kui", Qualifier::MoreThan),
    ("al massimo", Qualifier::AtMost),
    ("fino a", Qualifier::AtMost),
    ("ten hoogste", Qualifier::AtMost),
    ("hoogstens", Qualifier::AtMost),
    ("como máximo", Qualifier::AtMost),
    ("hasta", Qualifier::AtMost),
    ("cel mult", Qualifier::AtMost),
    ("nejvýše", Qualifier::AtMost),
    ("maximálně", Qualifier::AtMost),
    ("kuni", Qualifier::AtMost),
    ("kõige rohkem", Qualifier::AtMost),
    ("meno di", Qualifier::FewerThan),
    ("minder dan", Qualifier::FewerThan),
    ("menos de", Qualifier::FewerThan),
    ("mai puțin de", Qualifier::FewerThan),
    ("méně než", Qualifier::FewerThan),
    ("alla", Qualifier::FewerThan),
    ("vähem kui", Qualifier::FewerThan),
];

/// Words behind a number that make it a lower end.
const OR_MORE: &str = "+ | or more | and more | ou plus | et plus | oder mehr | und mehr | lub więcej | \
     i więcej | або більше | і більше | чи більше | или более | и более | или больше | \
     и больше";

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
    "numerosi",
    "numerose",
    "diversi",
    "diverse",
    "molti",
    "talrijke",
    "verscheidene",
    "veel",
    "numerosos",
    "numerosas",
    "varios",
    "varias",
    "muchos",
    "numeroase",
    "mai multe",
    "multe",
    "četné",
    "několik",
    "mnoho",
    "arvukad",
    "mitu",
    "palju",
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
    "pezzi",
    "unità",
    "stuks",
    "eenheden",
    "piezas",
    "unidades",
    "bucăți",
    "buc",
    "unități",
    "ks",
    "kusů",
    "kusy",
    "tk",
    "tükki",
];

/// Words for a number that is about so much.
const COLLECTIVES: &[((f64, f64), &str)] = &[
    (
        (2.0, 2.0),
        "a couple of | a couple | couple of | пара | пару | parę",
    ),
    (
        (10.0, 10.0),
        "une dizaine de | une dizaine d' | une dizaine | dizaine | десяток | десятка",
    ),
    (
        (12.0, 12.0),
        "a dozen | dozen | une douzaine de | une douzaine | ein dutzend | dutzend | tuzin | \
     дюжина",
    ),
    ((15.0, 15.0), "une quinzaine de | une quinzaine"),
    ((20.0, 20.0), "une vingtaine de | une vingtaine"),
    ((30.0, 30.0), "une trentaine de | une trentaine"),
    ((50.0, 50.0), "une cinquantaine de | une cinquantaine"),
    ((100.0, 100.0), "une centaine de | une centaine"),
    ((11.0, 19.0), "kilkanaście | кільканадцять"),
];

/// Words in front of a range, and those between its ends.
pub(super) const RANGES: &[(&str, &[&str])] = &[
    ("between ", &["and "]),
    ("from ", &["to "]),
    ("entre ", &["et "]),
    ("de ", &["à "]),
    ("zwischen ", &["und "]),
    ("von ", &["bis "]),
    ("między ", &["a "]),
    ("od ", &["do "]),
    ("між ", &["і ", "та "]),
    ("від ", &["до "]),
    ("от ", &["до "]),
    ("между ", &["и "]),
];

/// Words between two neighbouring numbers of which one is meant.
pub(super) const OR: &[&str] = &["or ", "ou ", "oder ", "lub ", "czy ", "або ", "чи ", "или "];

/// The rest behind a phrase, where the phrase ends there: `do` is not in `double`.
fn behind<'t>(text: &'t str, phrase: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(phrase)?;
    let letters = phrase.ends_with(char::is_alphabetic);
    let goes_on = letters && rest.starts_with(|c: char| c.is_alphabetic() || c == '\'');
    (!goes_on).then_some(rest)
}

/// Phrases with what they stand for, the longest first.
type Table<T> = Vec<(&'static str, T)>;

/// All tables, split once.
struct Tables {
    qualifiers: Table<Qualifier>,
    numbers: Table<f64>,
    collectives: Table<(f64, f64)>,
    or_more: Table<()>,
    unquantified: Vec<&'static str>,
    pieces: Vec<&'static str>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables {
        qualifiers: table(QUALIFIERS),
        numbers: table(NUMBERS),
        collectives: table(COLLECTIVES),
        or_more: table(&[((), OR_MORE)]),
        unquantified: UNQUANTIFIED.split(BAR).collect(),
        pieces: PIECES.split(BAR).collect(),
    })
}

/// What stands between two phrases.
const BAR: &str = " | ";

fn table<T: Copy>(groups: &[(T, &'static str)]) -> Table<T> {
    let mut table: Table<T> = groups
        .iter()
        .flat_map(|&(meaning, phrases)| phrases.split(BAR).map(move |phrase| (phrase, meaning)))
        .collect();
    table.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    table
}

/// The longest phrase at the front: what it stands for, and the rest.
fn longest<'t, T: Copy>(text: &'t str, table: &Table<T>) -> Option<(T, &'t str)> {
    table
        .iter()
        .find_map(|&(phrase, meaning)| Some((meaning, behind(text, phrase)?)))
}

/// Takes a qualifier from the front: it and the rest. Lower case expected.
pub(super) fn qualifier(text: &str) -> (Qualifier, &str) {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return (Qualifier::None, text);
    }
    match longest(text, &tables().qualifiers) {
        Some((qualifier, rest)) => (qualifier, rest.trim_start()),
        None => (Qualifier::None, text),
    }
}

/// Whether the whole text says "some, but not how many".
pub(super) fn is_unquantified(text: &str) -> bool {
    tables().unquantified.contains(&text)
}

/// Whether what follows a count changes nothing.
pub(super) fn is_piece(rest: &str) -> bool {
    let rest = rest.trim().trim_end_matches('.');
    rest.is_empty() || tables().pieces.contains(&rest)
}

/// Takes "or more" from the front of what follows a number.
pub(super) fn or_more(rest: &str) -> Option<&str> {
    longest(rest, &tables().or_more).map(|(_, rest)| rest)
}

/// A number as a word at the front, and the rest.
pub(super) fn number_word(text: &str) -> Option<(f64, &str)> {
    longest(text, &tables().numbers)
}

/// A word for about so many at the front: both ends, and the rest.
pub(super) fn collective(text: &str) -> Option<((f64, f64), &str)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    longest(text, &tables().collectives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_has_one_meaning() {
        let mut seen = std::collections::HashMap::new();
        for (phrase, meaning) in &tables().qualifiers {
            let before = seen.insert(*phrase, *meaning);
            assert_eq!(before, None, "{phrase}");
            assert_eq!(phrase.trim(), *phrase);
            assert_eq!(phrase.to_lowercase(), *phrase);
        }
        for (phrase, _) in &tables().numbers {
            assert!(!seen.contains_key(phrase), "{phrase}");
            assert_eq!(phrase.trim(), *phrase);
        }
    }
}

//! Words around numbers, in English, French, German, Polish, Ukrainian and Russian. Lower case, with
//! plain apostrophes. The longest phrase wins, so their order does not matter.

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

const QUALIFIERS: &[(Qualifier, &[&str])] = &[
    (
        Qualifier::About,
        &[
            "approximately",
            "approx.",
            "approx",
            "about",
            "around",
            "roughly",
            "circa",
            "ca.",
            "ca",
            "c.",
            "some",
            "nearly",
            "almost",
            "~",
            "≈",
            "±",
            "environ",
            "à peu près",
            "près de",
            "quelque",
            "autour de",
            "etwa",
            "ungefähr",
            "rund",
            "zirka",
            "fast",
            "beinahe",
            "około",
            "ok.",
            "mniej więcej",
            "w przybliżeniu",
            "prawie",
            "blisko",
            "приблизно",
            "орієнтовно",
            "близько",
            "майже",
            "десь",
            "около",
            "примерно",
            "приблизительно",
            "ориентировочно",
            "почти",
            "порядка",
        ],
    ),
    (
        Qualifier::AtLeast,
        &[
            "at least",
            "no fewer than",
            "not fewer than",
            "no less than",
            "not less than",
            "minimum",
            "min.",
            "min",
            "≥",
            ">=",
            "au moins",
            "au minimum",
            "pas moins de",
            "mindestens",
            "wenigstens",
            "zumindest",
            "nicht weniger als",
            "co najmniej",
            "przynajmniej",
            "nie mniej niż",
            "minimum",
            "не менше ніж",
            "не менше",
            "не менш як",
            "не менш ніж",
            "щонайменше",
            "принаймні",
            "як мінімум",
            "мінімум",
            "не менее чем",
            "не менее",
            "не меньше",
            "по меньшей мере",
            "по крайней мере",
            "как минимум",
            "минимум",
        ],
    ),
    (
        Qualifier::MoreThan,
        &[
            "more than",
            "over",
            "above",
            "in excess of",
            ">",
            "plus de",
            "plus d'",
            "au-delà de",
            "mehr als",
            "über",
            "ponad",
            "powyżej",
            "więcej niż",
            "понад",
            "більше ніж",
            "більше",
            "більш як",
            "більш ніж",
            "более чем",
            "более",
            "больше чем",
            "больше",
            "свыше",
        ],
    ),
    (
        Qualifier::AtMost,
        &[
            "at most",
            "no more than",
            "not more than",
            "up to",
            "maximum",
            "max.",
            "max",
            "≤",
            "<=",
            "au plus",
            "au maximum",
            "jusqu'à",
            "pas plus de",
            "höchstens",
            "bis zu",
            "maximal",
            "nicht mehr als",
            "co najwyżej",
            "najwyżej",
            "do",
            "nie więcej niż",
            "maksymalnie",
            "не більше ніж",
            "не більше",
            "не більш як",
            "не більш ніж",
            "щонайбільше",
            "до",
            "максимум",
            "не более чем",
            "не более",
            "не больше",
        ],
    ),
    (
        Qualifier::FewerThan,
        &[
            "fewer than",
            "less than",
            "under",
            "below",
            "<",
            "moins de",
            "moins d'",
            "weniger als",
            "unter",
            "mniej niż",
            "poniżej",
            "менше ніж",
            "менше",
            "менш як",
            "менш ніж",
            "менее чем",
            "менее",
            "меньше чем",
            "меньше",
        ],
    ),
];

/// Words behind a number that make it a lower end.
const OR_MORE: &[&str] = &[
    "+",
    "or more",
    "and more",
    "ou plus",
    "et plus",
    "oder mehr",
    "und mehr",
    "lub więcej",
    "i więcej",
    "або більше",
    "і більше",
    "чи більше",
    "или более",
    "и более",
    "или больше",
    "и больше",
];

/// Whole texts that say "some, but not how many".
const UNQUANTIFIED: &[&str] = &[
    "numerous",
    "intense",
    "several",
    "many",
    "multiple",
    "a few",
    "few",
    "dozens",
    "hundreds",
    "n/k",
    "not known",
    "unknown",
    "undetermined",
    "численні",
    "багато",
    "кілька",
    "декілька",
    "десятки",
    "сотні",
    "невідомо",
    "многочисленные",
    "множественные",
    "несколько",
    "много",
    "десятки",
    "сотни",
    "неизвестно",
    "nombreux",
    "nombreuses",
    "plusieurs",
    "quelques",
    "des dizaines",
    "inconnu",
    "zahlreiche",
    "mehrere",
    "viele",
    "einige",
    "dutzende",
    "unbekannt",
    "liczne",
    "kilka",
    "wiele",
    "kilkadziesiąt",
    "dziesiątki",
    "nieznana",
    "nieznane",
];

/// Words that may follow a count without changing it.
const PIECES: &[&str] = &[
    "",
    "x",
    "pc",
    "pcs",
    "piece",
    "pieces",
    "item",
    "items",
    "unit",
    "units",
    "time",
    "times",
    "од",
    "одиниць",
    "одиниці",
    "одиниця",
    "шт",
    "штук",
    "штуки",
    "раз",
    "рази",
    "разів",
    "ед",
    "единиц",
    "единицы",
    "единица",
    "раза",
    "szt",
    "sztuk",
    "sztuki",
    "sztuka",
    "razy",
    "stk",
    "stück",
    "mal",
    "unités",
    "unité",
    "pièces",
    "pièce",
    "fois",
];

/// Numbers in words, in the genders and cases that stand before nouns.
const NUMBERS: &[(f64, &[&str])] = &[
    (
        1.0,
        &[
            "one",
            "a single",
            "single",
            "un",
            "une",
            "ein",
            "eine",
            "einer",
            "jeden",
            "jedna",
            "jedno",
            "один",
            "одна",
            "одне",
            "одного",
            "одно",
            "одной",
        ],
    ),
    (
        2.0,
        &[
            "two",
            "a pair of",
            "deux",
            "zwei",
            "dwa",
            "dwie",
            "dwóch",
            "два",
            "дві",
            "двох",
            "две",
            "двух",
        ],
    ),
    (
        3.0,
        &[
            "three",
            "trois",
            "drei",
            "trzy",
            "trzech",
            "три",
            "трьох",
            "трех",
            "трёх",
        ],
    ),
    (
        4.0,
        &[
            "four",
            "quatre",
            "vier",
            "cztery",
            "czterech",
            "чотири",
            "чотирьох",
            "четыре",
            "четырех",
            "четырёх",
        ],
    ),
    (
        5.0,
        &[
            "five",
            "cinq",
            "fünf",
            "pięć",
            "pięciu",
            "п'ять",
            "п'яти",
            "пять",
            "пяти",
        ],
    ),
    (
        6.0,
        &[
            "six",
            "sechs",
            "sześć",
            "sześciu",
            "шість",
            "шести",
            "шесть",
        ],
    ),
    (
        7.0,
        &[
            "seven", "sept", "sieben", "siedem", "siedmiu", "сім", "семи", "семь",
        ],
    ),
    (
        8.0,
        &[
            "eight",
            "huit",
            "acht",
            "osiem",
            "ośmiu",
            "вісім",
            "восьми",
            "восемь",
        ],
    ),
    (
        9.0,
        &[
            "nine",
            "neuf",
            "neun",
            "dziewięć",
            "dziewięciu",
            "дев'ять",
            "дев'яти",
            "девять",
            "девяти",
        ],
    ),
    (
        10.0,
        &[
            "ten",
            "dix",
            "zehn",
            "dziesięć",
            "dziesięciu",
            "десять",
            "десяти",
        ],
    ),
    (
        11.0,
        &[
            "eleven",
            "onze",
            "elf",
            "jedenaście",
            "одинадцять",
            "одиннадцать",
        ],
    ),
    (
        12.0,
        &[
            "twelve",
            "douze",
            "zwölf",
            "dwanaście",
            "дванадцять",
            "двенадцать",
        ],
    ),
];

/// Words for a number that is about so much.
const COLLECTIVES: &[(f64, f64, &[&str])] = &[
    (
        2.0,
        2.0,
        &[
            "a couple of",
            "a couple",
            "couple of",
            "пара",
            "пару",
            "parę",
        ],
    ),
    (
        10.0,
        10.0,
        &[
            "une dizaine de",
            "une dizaine d'",
            "une dizaine",
            "dizaine",
            "десяток",
            "десятка",
        ],
    ),
    (
        12.0,
        12.0,
        &[
            "a dozen",
            "dozen",
            "une douzaine de",
            "une douzaine",
            "ein dutzend",
            "dutzend",
            "tuzin",
            "дюжина",
        ],
    ),
    (15.0, 15.0, &["une quinzaine de", "une quinzaine"]),
    (20.0, 20.0, &["une vingtaine de", "une vingtaine"]),
    (30.0, 30.0, &["une trentaine de", "une trentaine"]),
    (50.0, 50.0, &["une cinquantaine de", "une cinquantaine"]),
    (100.0, 100.0, &["une centaine de", "une centaine"]),
    (11.0, 19.0, &["kilkanaście", "кільканадцять"]),
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

/// The longest of the phrases at the front, what it stands for, and the rest.
fn longest<'t, T: Copy>(
    text: &'t str,
    groups: impl Iterator<Item = (T, &'static [&'static str])>,
) -> Option<(T, &'t str)> {
    groups
        .flat_map(|(meaning, phrases)| phrases.iter().map(move |phrase| (meaning, *phrase)))
        .filter_map(|(meaning, phrase)| Some((meaning, behind(text, phrase)?)))
        .min_by_key(|(_, rest)| rest.len())
}

/// Takes a qualifier from the front: it and the rest. Lower case expected.
pub(super) fn qualifier(text: &str) -> (Qualifier, &str) {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return (Qualifier::None, text);
    }
    match longest(text, QUALIFIERS.iter().copied()) {
        Some((qualifier, rest)) => (qualifier, rest.trim_start()),
        None => (Qualifier::None, text),
    }
}

/// Whether the whole text says "some, but not how many".
pub(super) fn is_unquantified(text: &str) -> bool {
    UNQUANTIFIED.contains(&text)
}

/// Whether what follows a count changes nothing.
pub(super) fn is_piece(rest: &str) -> bool {
    PIECES.contains(&rest.trim().trim_end_matches('.'))
}

/// Takes "or more" from the front of what follows a number.
pub(super) fn or_more(rest: &str) -> Option<&str> {
    OR_MORE.iter().find_map(|phrase| behind(rest, phrase))
}

/// A number as a word at the front, and the rest.
pub(super) fn number_word(text: &str) -> Option<(f64, &str)> {
    longest(text, NUMBERS.iter().copied())
}

/// A word for about so many at the front: both ends, and the rest.
pub(super) fn collective(text: &str) -> Option<((f64, f64), &str)> {
    let groups = COLLECTIVES
        .iter()
        .map(|&(min, max, phrases)| ((min, max), phrases));
    longest(text, groups)
}

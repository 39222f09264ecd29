//! Words around numbers, in the languages of the lexicon. Lower case, with plain apostrophes. The
//! longest phrase wins, so their order does not matter.

use std::sync::OnceLock;

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

/// Phrases between bars.
const QUALIFIERS: &[(Qualifier, &str)] = &[
    (
        Qualifier::About,
        "approximately | approx. | approx | about | around | roughly | circa | ca. | ca | c. | \
         some | nearly | almost | ~ | ≈ | ± | environ | à peu près | près de | quelque | \
         autour de | etwa | ungefähr | rund | zirka | fast | beinahe | około | ok. | \
         mniej więcej | w przybliżeniu | prawie | blisko | приблизно | орієнтовно | близько | \
         майже | десь | около | примерно | приблизительно | ориентировочно | почти | порядка | \
         ongeveer | omstreeks | aproximadamente | alrededor de | unos | unas | aproximativ | \
         în jur de | cca | cca. | přibližně | asi | zhruba | umbes | ligikaudu | \
         orientativamente | all'incirca",
    ),
    (
        Qualifier::AtLeast,
        "at least | no fewer than | not fewer than | no less than | not less than | minimum | \
         min. | min | ≥ | >= | au moins | au minimum | pas moins de | mindestens | wenigstens | \
         zumindest | nicht weniger als | co najmniej | przynajmniej | nie mniej niż | \
         не менше ніж | не менше | не менш як | не менш ніж | щонайменше | принаймні | \
         як мінімум | мінімум | не менее чем | не менее | не меньше | по меньшей мере | \
         по крайней мере | как минимум | минимум | almeno | non meno di | minstens | ten minste | \
         al menos | por lo menos | cel puțin | nejméně | alespoň | vähemalt",
    ),
    (
        Qualifier::MoreThan,
        "more than | over | above | in excess of | > | plus de | plus d' | au-delà de | \
         mehr als | über | ponad | powyżej | więcej niż | понад | більше ніж | більше | \
         більш як | більш ніж | более чем | более | больше чем | больше | свыше | più di | oltre | \
         meer dan | más de | peste | mai mult de | více než | přes | üle | rohkem kui",
    ),
    (
        Qualifier::AtMost,
        "at most | no more than | not more than | no further than | within | up to | maximum | max. | max | ≤ | <= | \
         au plus | au maximum | jusqu'à | pas plus de | höchstens | bis zu | maximal | \
         nicht mehr als | co najwyżej | najwyżej | do | nie więcej niż | maksymalnie | \
         не більше ніж | не більше | не більш як | не більш ніж | щонайбільше | до | максимум | \
         не более чем | не более | не больше | не далее | не дальше | не далі | al massimo | fino a | ten hoogste | hoogstens | \
         como máximo | hasta | cel mult | nejvýše | maximálně | kuni | kõige rohkem",
    ),
    (
        Qualifier::FewerThan,
        "fewer than | less than | under | below | < | moins de | moins d' | weniger als | \
         unter | mniej niż | poniżej | менше ніж | менше | менш як | менш ніж | менее чем | \
         менее | меньше чем | меньше | meno di | minder dan | menos de | mai puțin de | méně než | \
         alla | vähem kui",
    ),
];

/// Words behind a number that make it a lower end.
const OR_MORE: &str = "+ | or more | and more | ou plus | et plus | oder mehr | und mehr | lub więcej | \
     i więcej | або більше | і більше | чи більше | или более | и более | или больше | \
     и больше";

/// Whole texts that say "some, but not how many".
const UNQUANTIFIED: &str = "numerous | intense | several | many | multiple | a few | few | dozens | hundreds | \
     n/k | not known | unknown | undetermined | численні | багато | кілька | декілька | \
     десятки | сотні | невідомо | многочисленные | множественные | несколько | много | \
     сотни | неизвестно | nombreux | nombreuses | plusieurs | quelques | des dizaines | \
     inconnu | zahlreiche | mehrere | viele | einige | dutzende | unbekannt | liczne | \
     kilka | wiele | kilkadziesiąt | dziesiątki | nieznana | nieznane | numerosi | numerose | diversi | \
     diverse | molti | talrijke | verscheidene | veel | numerosos | numerosas | varios | varias | \
     muchos | numeroase | mai multe | multe | četné | několik | mnoho | arvukad | mitu | palju";

/// Words that may follow a count without changing it.
const PIECES: &str = "x | pc | pcs | piece | pieces | item | items | unit | units | time | times | од | \
     одиниць | одиниці | одиниця | шт | штук | штуки | раз | рази | разів | ед | единиц | \
     единицы | единица | раза | szt | sztuk | sztuki | sztuka | razy | stk | stück | mal | \
     unités | unité | pièces | pièce | fois | pezzi | unità | stuks | eenheden | piezas | \
     unidades | bucăți | buc | unități | ks | kusů | kusy | tk | tükki";

/// Numbers in words, in the genders and cases that stand before nouns.
const NUMBERS: &[(f64, &str)] = &[
    (
        1.0,
        "one | a single | single | un | une | ein | eine | einer | jeden | jedna | jedno | \
         один | одна | одне | одного | одно | одной",
    ),
    (
        2.0,
        "two | a pair of | deux | zwei | dwa | dwie | dwóch | два | дві | двох | две | двух",
    ),
    (
        3.0,
        "three | trois | drei | trzy | trzech | три | трьох | трех | трёх",
    ),
    (
        4.0,
        "four | quatre | vier | cztery | czterech | чотири | чотирьох | четыре | четырех | \
         четырёх",
    ),
    (
        5.0,
        "five | cinq | fünf | pięć | pięciu | п'ять | п'яти | пять | пяти",
    ),
    (6.0, "six | sechs | sześć | sześciu | шість | шести | шесть"),
    (
        7.0,
        "seven | sept | sieben | siedem | siedmiu | сім | семи | семь",
    ),
    (
        8.0,
        "eight | huit | acht | osiem | ośmiu | вісім | восьми | восемь",
    ),
    (
        9.0,
        "nine | neuf | neun | dziewięć | dziewięciu | дев'ять | дев'яти | девять | девяти",
    ),
    (
        10.0,
        "ten | dix | zehn | dziesięć | dziesięciu | десять | десяти",
    ),
    (
        11.0,
        "eleven | onze | elf | jedenaście | одинадцять | одиннадцать",
    ),
    (
        12.0,
        "twelve | douze | zwölf | dwanaście | дванадцять | двенадцать",
    ),
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

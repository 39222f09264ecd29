//! Brings words to one spelling before they are looked up: case, accents, dashes, blanks,
//! quotes. Knows no vocabulary. Invariant: folding a folded text changes nothing.

/// Longest text that is looked up, bytes.
pub(super) const TEXT_BYTES_MAX: usize = 1_000;

/// Most words of a text that are scanned for phrases.
const WORDS_MAX: usize = 100;

/// Most words of a phrase.
const PHRASE_WORDS_MAX: usize = 7;

/// A text in the spelling that the lexicon is keyed by: lower case, no accents on Latin and
/// Greek letters, dashes and quotes as blanks, one blank between words, none at the ends.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            push(&mut out, c.to_ascii_lowercase());
        } else {
            for lower in c.to_lowercase() {
                push(&mut out, lower);
            }
        }
    }
    let end = out
        .trim_end_matches([' ', '.', ',', ';', ':', '!', '?'])
        .len();
    out.truncate(end);
    out
}

/// The same without blanks: `БМ-21`, `БМ 21` and `БМ21` are one model.
pub(super) fn squash(folded: &str) -> String {
    folded.chars().filter(|c| *c != ' ').collect()
}

fn push(out: &mut String, c: char) {
    match c {
        'a'..='z' | '0'..='9' | 'а'..='я' | 'і' | 'ї' | 'є' | 'ґ' => out.push(c),
        // Apostrophes inside words and marks without width say nothing.
        '\'' | '`' | '´' | '’' | '‘' | 'ʼ' | '′' => {}
        '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => {}
        '\u{0300}'..='\u{036F}' => combine(out, c),
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => {
            blank(out);
        }
        '"' | '«' | '»' | '„' | '“' | '”' | '‟' | '‹' | '›' | '_' => blank(out),
        _ if c.is_whitespace() || c.is_control() => blank(out),
        _ => match plain(c) {
            Some(letters) => out.push_str(letters),
            None => out.push(c),
        },
    }
}

fn blank(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// A combining mark behind its letter. On Cyrillic letters it makes another letter; a stress
/// accent, and any mark on a Latin letter, goes.
fn combine(out: &mut String, mark: char) {
    let composed = match (out.chars().next_back(), mark) {
        (Some('и'), '\u{0306}') => 'й',
        (Some('і'), '\u{0308}') => 'ї',
        _ => return,
    };
    out.pop();
    out.push(composed);
}

/// The letters for an accented letter in lower case.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' | 'ė' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ő' | 'ø' | 'ō' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ț' | 'ţ' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ű' | 'ů' | 'ū' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ё' => "е",
        'ά' => "α",
        'έ' => "ε",
        'ή' => "η",
        'ί' | 'ϊ' => "ι",
        'ό' => "ο",
        'ύ' | 'ϋ' => "υ",
        'ώ' => "ω",
        'ς' => "σ",
        _ => return None,
    })
}

/// Scans a folded text from the left and takes, at each word, the longest phrase that `look`
/// knows. Phrases come before words: "rocket launcher" is found before "rocket".
pub(super) fn scan<H>(folded: &str, look: impl Fn(&str) -> Option<H>) -> Vec<H> {
    let words = words(folded);
    let mut found = Vec::new();
    let mut first = 0;
    while let Some(&(start, _)) = words.get(first) {
        let longest = PHRASE_WORDS_MAX.min(words.len() - first);
        let hit = (1..=longest).rev().find_map(|count| {
            let &(_, end) = words.get(first + count - 1)?;
            let hit = look(folded.get(start..end)?)?;
            Some((count, hit))
        });
        match hit {
            Some((count, hit)) => {
                found.push(hit);
                first += count;
            }
            None => first += 1,
        }
    }
    found
}

/// Whether a word of a folded text begins with `part`: "гаубиц" is in "самохідних гаубиць", and
/// "arm" is not in "alarm".
pub(super) fn begins_word(folded: &str, part: &str) -> bool {
    find_word(folded, part).is_some()
}

/// Where a word of a folded text begins with `part`.
pub(super) fn find_word(folded: &str, part: &str) -> Option<usize> {
    let mut places = folded.match_indices(part).map(|(at, _)| at);
    places.find(|at| {
        let before = folded.get(..*at).and_then(|text| text.chars().next_back());
        !before.is_some_and(char::is_alphanumeric)
    })
}

/// Where the words of a folded text begin and end; punctuation belongs to none.
fn words(folded: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in folded.char_indices() {
        let inside = c.is_alphanumeric();
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, at));
                start = None;
                if words.len() >= WORDS_MAX {
                    return words;
                }
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push((from, folded.len()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fall_together() {
        for (text, folded) in [
            (
                "  VS-NUR FÜR DEN\u{a0}DIENSTGEBRAUCH ",
                "vs nur fur den dienstgebrauch",
            ),
            ("БМ\u{2011}21 «Град»", "бм 21 град"),
            ("Миномёт", "миномет"),
            (
                "крупнокалиберный пулеме\u{308}т",
                "крупнокалиберный пулемет",
            ),
            ("буи\u{306}", "буй"),
            ("Très  Secret.", "tres secret"),
            ("ŚCIŚLE TAJNE", "scisle tajne"),
            ("об'єкт", "обєкт"),
            ("Άκρως Απόρρητο", "ακρωσ απορρητο"),
            ("", ""),
            (" - ", ""),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(folded), folded, "folding is idempotent");
        }
    }

    /// Every accented letter that partners' alphabets have, behind the letters it stands for.
    const ACCENTS: &str = "a àáâãäåāăą ae æ c çćč d ďđ e èéêëēęěė g ğģ i ìíîïīįı k ķ l łļ n ñńňņ \
        o òóôõöőøō oe œ r ŕř s śšşș ss ß t ťțţ u ùúûüűůūų y ýÿ z źżž е ё α ά ε έ η ή ι ίϊ ο ό υ ύϋ \
        ω ώ σ ς";

    #[test]
    fn accents_do_not_count() {
        let parts: Vec<&str> = ACCENTS.split_whitespace().collect();
        for pair in parts.chunks(2) {
            for accented in pair[1].chars() {
                assert_eq!(fold(&accented.to_string()), pair[0], "{accented}");
            }
        }
        // These are letters of their own.
        assert_eq!(fold("й ї ґ є"), "й ї ґ є");
    }

    #[test]
    fn parts_begin_words() {
        assert!(begins_word("82 мм мінометні міни", "міномет"));
        assert!(begins_word("arm", "arm"));
        assert!(!begins_word("alarm 182 мм", "arm"));
        assert!(!begins_word("alarm 182 мм", "82 м"));
        assert_eq!(find_word("alarm arm", "arm"), Some(6));
    }

    #[test]
    fn the_longest_phrase_wins() {
        let look = |phrase: &str| {
            ["rocket", "rocket launcher"]
                .iter()
                .position(|p| *p == phrase)
        };
        let found = scan("a rocket launcher, a rocket", look);
        assert_eq!(found, [1, 0]);
    }
}

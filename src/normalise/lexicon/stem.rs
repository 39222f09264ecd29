//! Endings of words by language, so that "самохідних гаубиць" is found as "самохідна гаубиця".
//! Knows no vocabulary. Invariant: a stem is a beginning of its word, of three letters at least.

use super::texts;
use crate::normalise::phrase::fold;
use toml::Table;

/// Fewest letters of a stem.
const STEM_LETTERS_MIN: usize = 3;

/// Endings of one language.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::normalise) struct Endings {
    pub(in crate::normalise) language: String,
    /// Folded, the longest first.
    endings: Vec<String>,
}

impl Endings {
    /// A folded word without its longest known ending; what is not all letters stays whole.
    pub(in crate::normalise) fn stem<'w>(&self, word: &'w str) -> &'w str {
        if !word.chars().all(char::is_alphabetic) {
            return word;
        }
        let long = |stem: &&str| stem.chars().count() >= STEM_LETTERS_MIN;
        let stems = self.endings.iter().map(|ending| word.strip_suffix(ending));
        stems.flatten().find(long).unwrap_or(word)
    }

    /// Each word of a folded phrase without its ending.
    pub(in crate::normalise) fn stems(&self, phrase: &str) -> String {
        let mut stems = String::with_capacity(phrase.len());
        for word in phrase.split(' ') {
            if !stems.is_empty() {
                stems.push(' ');
            }
            stems.push_str(self.stem(word));
        }
        stems
    }
}

pub(super) fn read(table: &Table) -> Vec<Endings> {
    let one = |(language, list): (&String, &toml::Value)| {
        let mut endings: Vec<String> = texts(list).map(fold).collect();
        endings.sort_unstable_by_key(|ending| std::cmp::Reverse(ending.chars().count()));
        Endings {
            language: language.clone(),
            endings,
        }
    };
    table.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ending_goes_and_three_letters_stay() {
        let table: Table = "uk = [\"и\", \"их\", \"ь\", \"я\", \"а\"]".parse().unwrap();
        let endings = &read(&table)[0];
        for (word, stem) in [
            ("самохідних", "самохідн"),
            ("гаубиць", "гаубиц"),
            ("гаубиця", "гаубиц"),
            ("міна", "мін"),
            ("яма", "яма"),
            ("2с1", "2с1"),
            ("", ""),
        ] {
            assert_eq!(endings.stem(word), stem);
        }
        assert_eq!(endings.stems("самохідних гаубиць"), "самохідн гаубиц");
    }
}

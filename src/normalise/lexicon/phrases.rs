//! Looks phrases up for one nation: as they stand, then without the endings of its languages.
//! Invariant: a stem that two meanings share finds nothing.

use super::stem::Endings;
use super::words::Hit;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What was found, and how.
#[derive(Clone, Copy, Debug)]
pub(in crate::normalise) struct Found<'p> {
    pub(in crate::normalise) hit: &'p Hit,
    /// Only without its ending.
    pub(in crate::normalise) inflected: bool,
}

/// Phrases of one vocabulary as one nation uses them, by folded phrase.
#[derive(Clone, Debug, Default)]
pub(in crate::normalise) struct Phrases {
    words: HashMap<String, Hit>,
    /// By language, the nation's first one first; `None`: two meanings share the stem.
    stems: Vec<(&'static Endings, HashMap<String, Option<Hit>>)>,
}

impl Phrases {
    /// The meaning of a folded phrase as it stands.
    pub(in crate::normalise) fn get(&self, folded: &str) -> Option<&Hit> {
        self.words.get(folded)
    }

    /// The meaning of a folded phrase, as it stands or in another form of its words.
    pub(in crate::normalise) fn find(&self, folded: &str) -> Option<Found<'_>> {
        if let Some(hit) = self.words.get(folded) {
            return Some(Found {
                hit,
                inflected: false,
            });
        }
        let hit = self.stems.iter().find_map(|(endings, stems)| {
            let hit = stems.get(endings.stems(folded).as_str())?;
            hit.as_ref()
        });
        hit.map(|hit| Found {
            hit,
            inflected: true,
        })
    }

    /// Adds a phrase; the meaning that was there before stays, and is given back.
    pub(in crate::normalise) fn add(&mut self, folded: &str, hit: Hit) -> Option<&Hit> {
        match self.words.entry(folded.to_owned()) {
            Entry::Occupied(before) => Some(before.into_mut()),
            Entry::Vacant(free) => {
                free.insert(hit);
                None
            }
        }
    }

    /// Adds the other forms of a language's phrases. A phrase that the nation overrode finds its
    /// own meaning in all its forms.
    pub(in crate::normalise) fn add_forms<'a>(
        &mut self,
        endings: &'static Endings,
        phrases: impl Iterator<Item = &'a str>,
    ) {
        let mut stems: HashMap<String, Option<Hit>> = HashMap::new();
        for phrase in phrases {
            let Some(hit) = self.words.get(phrase) else {
                continue;
            };
            let stem = stems
                .entry(endings.stems(phrase))
                .or_insert_with(|| Some(hit.clone()));
            if stem.as_ref().is_some_and(|known| !known.same(hit)) {
                *stem = None;
            }
        }
        self.stems.push((endings, stems));
    }
}

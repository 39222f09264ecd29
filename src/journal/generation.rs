//! Keys of a run of positions, in memory: one room for their bytes, one for their revisions,
//! and a table of places. A room that was used is used again.

use super::recent::{Revision, Slot};
use hashbrown::HashTable;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an entry takes besides its key, about.
const SLOT_BYTES: usize = 64;

/// A key and its revisions.
#[derive(Debug)]
struct Item {
    key: Range<u32>,
    /// `None` if it was taken back.
    slot: Option<Slot>,
}

impl Item {
    fn key<'a>(&self, keys: &'a [u8]) -> &'a [u8] {
        let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
        keys.get(place(self.key.start)..place(self.key.end))
            .unwrap_or_default()
    }
}

/// Keys of a run of positions.
#[derive(Debug, Default)]
pub(super) struct Generation {
    /// Places in `items`.
    table: HashTable<u32>,
    items: Vec<Item>,
    keys: Vec<u8>,
    /// Keyed, so that no sender can choose keys that meet.
    hasher: RandomState,
    /// Last position in it.
    pub(super) last: u64,
    /// It is in the index, and need not be in memory any more.
    indexed: AtomicBool,
}

/// A key with its hash, for this generation and those that are like it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) bytes: &'a [u8],
    hash: u64,
}

/// Bytes of a key, about: nation, system and a report id such as a UUID.
const KEY_BYTES: usize = 64;

impl Generation {
    /// An empty one with room for so many keys: memory is taken as it is touched, while a table
    /// that grows is copied, and receipts wait for that.
    pub(super) fn with_room(entries: usize) -> Self {
        Self {
            table: HashTable::with_capacity(entries),
            items: Vec::with_capacity(entries),
            keys: Vec::with_capacity(entries * KEY_BYTES),
            ..Self::default()
        }
    }

    /// An empty one with the same hashes, and room for as much.
    pub(super) fn like(other: &Self) -> Self {
        Self {
            table: HashTable::with_capacity(other.table.len()),
            items: Vec::with_capacity(other.items.len()),
            keys: Vec::with_capacity(other.keys.len()),
            hasher: other.hasher.clone(),
            ..Self::default()
        }
    }

    /// A key with its hash.
    pub(super) fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        let hash = self.hasher.hash_one(bytes);
        Key { bytes, hash }
    }

    /// Takes in an entry of the log; `known` says what is known of a key that is not here.
    pub(super) fn replay<E>(
        &mut self,
        key: &[u8],
        new: Revision,
        known: impl FnOnce() -> Result<Option<Slot>, E>,
    ) -> Result<(), E> {
        let key = self.key(key);
        if let Some(slot) = self.get_mut(key) {
            slot.insert(new);
        } else {
            let mut slot = known()?.unwrap_or(Slot::One(new));
            slot.insert(new);
            self.insert(key, slot);
        }
        self.last = new.position;
        Ok(())
    }

    fn place(&self, key: Key<'_>) -> Option<usize> {
        let found = self.table.find(key.hash, |at| {
            let item = self.items.get(*at as usize);
            item.is_some_and(|item| item.key(&self.keys) == key.bytes)
        })?;
        Some(*found as usize)
    }

    /// What is here of a key.
    pub(super) fn get(&self, key: Key<'_>) -> Option<&Slot> {
        self.items.get(self.place(key)?)?.slot.as_ref()
    }

    /// What is here of a key, to add to it.
    pub(super) fn get_mut(&mut self, key: Key<'_>) -> Option<&mut Slot> {
        let place = self.place(key)?;
        self.items.get_mut(place)?.slot.as_mut()
    }

    /// Takes in a key that is not here.
    pub(super) fn insert(&mut self, key: Key<'_>, slot: Slot) {
        let end = |keys: &[u8]| u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let start = end(&self.keys);
        self.keys.extend_from_slice(key.bytes);
        let place = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.items.push(Item {
            key: start..end(&self.keys),
            slot: Some(slot),
        });
        let Self {
            table,
            items,
            keys,
            hasher,
            ..
        } = self;
        table.insert_unique(key.hash, place, |at| {
            let item = items.get(*at as usize);
            hasher.hash_one(item.map_or(&[][..], |item| item.key(keys)))
        });
    }

    /// Takes a revision back, and the key with its last.
    pub(super) fn forget(&mut self, key: Key<'_>, revision: u32) {
        let Some(place) = self.place(key) else { return };
        let Some(item) = self.items.get_mut(place) else {
            return;
        };
        if item.slot.as_mut().is_some_and(|slot| slot.remove(revision)) {
            item.slot = None;
            if let Ok(found) = self.table.find_entry(key.hash, |at| *at as usize == place) {
                found.remove();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether it is large enough for the index.
    pub(super) fn is_ripe(&self, entries: usize, bytes: usize) -> bool {
        self.items.len() >= entries || self.keys.len() + self.items.len() * SLOT_BYTES >= bytes
    }

    /// All that is here, by rising key. Ids that rise with time are in order already.
    pub(super) fn sorted(&self) -> Vec<(&[u8], &Slot)> {
        let mut sorted: Vec<_> = self
            .items
            .iter()
            .filter_map(|item| Some((item.key(&self.keys), item.slot.as_ref()?)))
            .collect();
        sorted.sort_by_key(|(key, _)| *key);
        sorted
    }

    /// Says that all of it is in the index.
    pub(super) fn mark_indexed(&self) {
        self.indexed.store(true, Ordering::Release);
    }

    pub(super) fn is_indexed(&self) -> bool {
        self.indexed.load(Ordering::Acquire)
    }

    /// Empties it and keeps its rooms.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.items.clear();
        self.keys.clear();
        self.indexed = AtomicBool::new(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn revision(revision: u32) -> Revision {
        let position = u64::from(revision) + 1;
        Revision { revision, position }
    }

    /// The writer hashes a key once and looks with it into all generations. One that hashed
    /// otherwise would not find what it holds, and a report would be stored twice.
    #[test]
    fn those_that_are_alike_find_keys_by_each_others_hashes() {
        let old = Generation::default();
        let mut young = Generation::like(&old);
        young.insert(old.key(b"GBR/north\0r-1"), Slot::One(revision(1)));
        let mut reused = Generation::like(&young);
        reused.clear();
        for generation in [&old, &young, &reused] {
            let key = generation.key(b"GBR/north\0r-1");
            assert_eq!(young.get(key), Some(&Slot::One(revision(1))));
        }
    }

    proptest! {
        /// Against a map of sorted keys, over keys that come, get revisions, and are taken
        /// back; in a fresh room and in the same one once more.
        #[test]
        fn it_holds_what_was_put_in_and_nothing_else(
            steps in prop::collection::vec((0_u8..40, 0_u32..4, any::<bool>()), 0..200),
        ) {
            let mut generation = Generation::default();
            for _room in 0..2 {
                let mut model: BTreeMap<Vec<u8>, Slot> = BTreeMap::new();
                for &(name, number, goes) in &steps {
                    let name = format!("key {name}").into_bytes();
                    let key = generation.key(&name);
                    if goes {
                        generation.forget(key, number);
                        if model.get_mut(&name).is_some_and(|slot| slot.remove(number)) {
                            model.remove(&name);
                        }
                        continue;
                    }
                    match (generation.get_mut(key), model.get_mut(&name)) {
                        (Some(held), Some(slot)) => {
                            held.insert(revision(number));
                            slot.insert(revision(number));
                        }
                        (None, None) => {
                            generation.insert(key, Slot::One(revision(number)));
                            model.insert(name, Slot::One(revision(number)));
                        }
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                let sorted: Vec<_> = model.iter().map(|(key, slot)| (key.as_slice(), slot)).collect();
                prop_assert_eq!(generation.sorted(), sorted);
                prop_assert_eq!(generation.is_empty(), model.is_empty());
                generation.clear();
                prop_assert!(generation.is_empty() && generation.sorted().is_empty());
            }
        }
    }
}

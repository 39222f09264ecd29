//! What the writer knows of keys: recent ones in memory, older ones in the index.
//!
//! Invariant: a key that is in memory is there with all its revisions, so that memory alone
//! decides; a key that is not has them in the index, or is new.

use super::generation::{Generation, Key};
use super::index::IndexError;
use super::indexer::Indexer;
use super::layout::{u32_at, u64_at};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many revisions of one key are kept; a further one is refused.
pub(super) const REVISIONS_MAX: usize = 4096;
const REVISION_BYTES: usize = 12;

/// A revision, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) revision: u32,
    pub(super) position: u64,
}

/// All stored revisions of a key, by rising revision. Nearly every key has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    One(Revision),
    #[expect(
        clippy::box_collection,
        reason = "keeps the slot of nearly every key small"
    )]
    Many(Box<Vec<Revision>>),
}

impl Slot {
    fn all(&self) -> &[Revision] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// Where a revision stands.
    pub(super) fn position(&self, revision: u32) -> Option<u64> {
        let all = self.all();
        let index = all
            .binary_search_by_key(&revision, |known| known.revision)
            .ok()?;
        all.get(index).map(|known| known.position)
    }

    /// Takes in a revision; one that is there stays.
    pub(super) fn insert(&mut self, new: Revision) {
        match self {
            Self::One(one) => {
                let mut many = vec![*one];
                place(&mut many, new);
                if many.len() > 1 {
                    *self = Self::Many(Box::new(many));
                }
            }
            Self::Many(many) => place(many, new),
        }
    }

    /// Takes a revision out; says whether none is left.
    pub(super) fn remove(&mut self, revision: u32) -> bool {
        match self {
            Self::One(one) => one.revision == revision,
            Self::Many(many) => {
                many.retain(|known| known.revision != revision);
                many.is_empty()
            }
        }
    }

    /// What a new revision would supersede, and whether it is superseded itself.
    fn around(&self, revision: u32) -> (Option<u64>, bool) {
        let all = self.all();
        let after = all.partition_point(|known| known.revision < revision);
        let below = after.checked_sub(1).and_then(|index| all.get(index));
        (below.map(|known| known.position), after < all.len())
    }

    /// As it stands in the index.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for known in self.all() {
            out.extend_from_slice(&known.revision.to_le_bytes());
            out.extend_from_slice(&known.position.to_le_bytes());
        }
    }

    /// From the index; `None` if it is no such thing.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut many = Vec::with_capacity(bytes.len() / REVISION_BYTES);
        for item in bytes.chunks(REVISION_BYTES) {
            many.push(Revision {
                revision: u32_at(item, 0)?,
                position: u64_at(item, 4)?,
            });
        }
        match *many.as_slice() {
            [] => None,
            [one] => Some(Self::One(one)),
            _ => Some(Self::Many(Box::new(many))),
        }
    }
}

fn place(many: &mut Vec<Revision>, new: Revision) {
    if let Err(at) = many.binary_search_by_key(&new.revision, |known| known.revision) {
        many.insert(at, new);
    }
}

/// What is known of an entry's key and revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Stored before, there.
    Present(u64),
    /// New; it is counted as stored from now on.
    New {
        previous: Option<u64>,
        superseded: bool,
    },
}

/// What is known of an entry that nobody wants to store here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is not here.
    Absent,
    /// It stands there, or will when what is being written is durable.
    At(u64),
    /// It is not here, and its key has as many revisions as it may.
    TooManyRevisions,
}

/// Why nothing can be said of a key.
#[derive(Debug)]
pub(super) enum Unknown {
    /// The index is being rebuilt, and the key may be in what it does not hold yet.
    CatchingUp,
    /// It has as many revisions as it may.
    TooManyRevisions,
    /// The index cannot be read.
    Index(IndexError),
}

/// Memory or disk does not take more keys now.
#[derive(Debug)]
pub(super) struct Stalled;

/// Keys, for the writer alone.
#[derive(Debug)]
pub(super) struct Keys {
    young: Generation,
    /// On their way into the index, the oldest first.
    frozen: VecDeque<Arc<Generation>>,
    /// Emptied ones, to be filled again.
    rooms: Vec<Generation>,
    indexer: Indexer,
    entries_max: usize,
    bytes_max: usize,
    revisions_max: usize,
    scratch: Vec<u8>,
}

impl Keys {
    pub(super) fn new(
        young: Generation,
        indexer: Indexer,
        (entries_max, bytes_max): (usize, usize),
        revisions_max: usize,
    ) -> Self {
        Self {
            young,
            frozen: VecDeque::new(),
            rooms: Vec::new(),
            indexer,
            entries_max,
            bytes_max,
            revisions_max,
            scratch: Vec::new(),
        }
    }

    /// Looks an entry up; a new one is taken in at `position`.
    pub(super) fn decide(
        &mut self,
        key: &[u8],
        revision: u32,
        position: u64,
    ) -> Result<Known, Unknown> {
        let new = Revision { revision, position };
        let key = self.young.key(key);
        if let Some(slot) = self.young.get_mut(key) {
            if let Some(stored) = slot.position(revision) {
                return Ok(Known::Present(stored));
            }
            if slot.all().len() >= self.revisions_max {
                return Err(Unknown::TooManyRevisions);
            }
            let (previous, superseded) = slot.around(revision);
            slot.insert(new);
            return Ok(Known::New {
                previous,
                superseded,
            });
        }
        let Some(mut slot) = self.older(key)? else {
            self.young.insert(key, Slot::One(new));
            return Ok(Known::New {
                previous: None,
                superseded: false,
            });
        };
        if let Some(stored) = slot.position(revision) {
            return Ok(Known::Present(stored));
        }
        if slot.all().len() >= self.revisions_max {
            return Err(Unknown::TooManyRevisions);
        }
        let (previous, superseded) = slot.around(revision);
        slot.insert(new);
        self.young.insert(key, slot);
        Ok(Known::New {
            previous,
            superseded,
        })
    }

    /// Looks an entry up and takes nothing in.
    pub(super) fn look_up(&mut self, key: &[u8], revision: u32) -> Result<Told, Unknown> {
        let key = self.young.key(key);
        let told = |slot: &Slot| match slot.position(revision) {
            Some(position) => Told::At(position),
            None if slot.all().len() >= REVISIONS_MAX => Told::TooManyRevisions,
            None => Told::Absent,
        };
        if let Some(slot) = self.young.get(key) {
            return Ok(told(slot));
        }
        Ok(self.older(key)?.as_ref().map_or(Told::Absent, told))
    }

    fn older(&mut self, key: Key<'_>) -> Result<Option<Slot>, Unknown> {
        let frozen = self.frozen.iter().rev();
        if let Some(slot) = frozen.filter_map(|generation| generation.get(key)).next() {
            return Ok(Some(slot.clone()));
        }
        if self.indexer.may_be_ahead(key.bytes) {
            return Err(Unknown::CatchingUp);
        }
        self.indexer
            .index()
            .lookup(key.bytes, &mut self.scratch)
            .map_err(Unknown::Index)
    }

    /// Takes an entry back that did not become durable.
    pub(super) fn forget(&mut self, key: &[u8], revision: u32) {
        let key = self.young.key(key);
        self.young.forget(key, revision);
    }

    /// All that was decided up to `last` is durable: what is ripe goes to the index. Waits for
    /// the indexer where it is behind.
    pub(super) fn committed(&mut self, last: u64) -> Result<(), Stalled> {
        self.young.last = last;
        while let Some(done) = self.frozen.pop_front_if(|oldest| oldest.is_indexed()) {
            if let Some(mut room) = Arc::into_inner(done) {
                room.clear();
                self.rooms.push(room);
            }
        }
        if self.young.is_ripe(self.entries_max, self.bytes_max) {
            self.indexer.wait_for_room()?;
            self.freeze();
        }
        Ok(())
    }

    fn freeze(&mut self) {
        let room = self.rooms.pop();
        let room = room.unwrap_or_else(|| Generation::like(&self.young));
        let ripe = Arc::new(std::mem::replace(&mut self.young, room));
        self.young.last = ripe.last;
        self.frozen.push_back(Arc::clone(&ripe));
        self.indexer.hand_over(ripe);
    }

    /// Why the index is of no use any more, if so.
    pub(super) fn failure(&self) -> Option<String> {
        self.indexer.failure()
    }

    /// Whether memory is full of keys that the index does not take.
    pub(super) fn is_stalled(&mut self) -> bool {
        self.young.is_ripe(self.entries_max, self.bytes_max) && {
            let last = self.young.last;
            self.committed(last).is_err()
        }
    }

    /// Brings the index up to date and ends the indexer.
    pub(super) fn close(mut self) {
        if !self.young.is_empty() && self.indexer.has_room() {
            self.freeze();
        }
        self.indexer.close();
    }
}

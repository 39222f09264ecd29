//! Reads an export, from front to back.

use super::super::frame::{Hash, raw_at};
use super::super::layout::{array_at, i64_at, u16_at, u32_at, u64_at, wide};
use super::super::remains::Removal;
use super::super::{Position, Stored};
use super::{
    BLOCK_BYTES_MAX, END_BYTES, FILE_MAGIC, HASHED_BYTES, HEAD_BYTES, Head, Kind, PortableError,
    REMOVAL_BYTES, Totals, VERSION, chained, file_head,
};
use bytes::Bytes;
use std::io::Read;

/// What a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Entries, in order of positions.
    Entries(Vec<Stored>),
    /// What remains of entries that were removed.
    Removed(Vec<Stored>),
    /// A segment was removed; its remains came before.
    Removal(Removal),
    /// The end, and what came before it.
    End(Totals),
}

/// Where an export can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The journal that it is of.
    pub journal_id: [u8; 16],
    /// What is there.
    pub totals: Totals,
    /// Offset behind the last block, without an end block.
    pub offset: u64,
    /// The last entry that is whole.
    pub last: Option<Stored>,
    /// Whether it has its end block, which is written anew.
    pub was_finished: bool,
    pub(super) hash: Hash,
}

/// Reads an export.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    journal_id: [u8; 16],
    hash: Hash,
    offset: u64,
    totals: Totals,
    /// Remains came whose removal has not been said yet.
    is_removing: bool,
    is_over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// It is no export, or of a later version.
    pub fn open(mut from: R) -> Result<Self, PortableError> {
        let mut head = Vec::new();
        from.by_ref()
            .take(wide(HEAD_BYTES))
            .read_to_end(&mut head)?;
        if array_at(&head, 0) != Some(FILE_MAGIC) {
            return Err(PortableError::NotOne);
        }
        match u16_at(&head, 8) {
            Some(VERSION) => {}
            Some(version) => return Err(PortableError::Version(version)),
            None => return Err(PortableError::NotOne),
        }
        let journal_id = array_at(&head, 16).ok_or(PortableError::NotOne)?;
        let hash = chained(&[0; 32], &file_head(journal_id), &[]);
        let is_sound = array_at(&head, HASHED_BYTES) == Some(hash)
            && head.get(..HASHED_BYTES) == Some(&file_head(journal_id));
        if !is_sound {
            return Err(PortableError::Damaged {
                offset: 0,
                reason: "its head does not hold",
            });
        }
        Ok(Self {
            from,
            journal_id,
            hash,
            offset: wide(HEAD_BYTES),
            totals: Totals::default(),
            is_removing: false,
            is_over: false,
        })
    }

    /// The journal that it is of.
    #[must_use]
    pub fn journal_id(&self) -> [u8; 16] {
        self.journal_id
    }

    /// Bytes that were read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next block; `None` behind the end block.
    ///
    /// # Errors
    /// It is damaged, ends too early, or cannot be read.
    pub fn block(&mut self) -> Result<Option<Block>, PortableError> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let read = self.from.by_ref().take(wide(HEAD_BYTES));
        let read = { read }.read_to_end(&mut head)?;
        match (read, self.is_over) {
            (0, true) => return Ok(None),
            (_, true) => return Err(self.damaged("something stands behind the end block")),
            (HEAD_BYTES, false) => {}
            (_, false) => return Err(self.unfinished()),
        }
        let hashed = head.get(..HASHED_BYTES).unwrap_or_default();
        let known = Head::decode(hashed).filter(|known| known.encode() == hashed);
        let known = known.ok_or_else(|| self.damaged("what stands there is no block"))?;
        if known.payload_bytes > BLOCK_BYTES_MAX {
            return Err(self.damaged("the block is larger than any may be"));
        }
        let mut payload = Vec::new();
        let read = self.from.by_ref().take(u64::from(known.payload_bytes));
        if wide({ read }.read_to_end(&mut payload)?) != u64::from(known.payload_bytes) {
            return Err(self.unfinished());
        }
        let hash = chained(&self.hash, hashed, &payload);
        if array_at(&head, HASHED_BYTES) != Some(hash) {
            return Err(self.damaged("the hash of the block does not hold"));
        }
        let block = self.decoded(known, &payload.into())?;
        self.hash = hash;
        self.offset += wide(HEAD_BYTES) + u64::from(known.payload_bytes);
        Ok(Some(block))
    }

    fn decoded(&mut self, head: Head, payload: &Bytes) -> Result<Block, PortableError> {
        let wrong = "the block does not hold what its head says";
        let is_in_order = match head.kind {
            Kind::Entries | Kind::End => !self.is_removing,
            Kind::Removed => self.totals.entries == 0,
            Kind::Removal => self.is_removing,
        };
        if !is_in_order {
            return Err(self.damaged("such a block cannot stand behind the one before it"));
        }
        self.is_removing = head.kind == Kind::Removed;
        match head.kind {
            Kind::Entries | Kind::Removed => {
                if head.first != self.totals.last + 1 {
                    return Err(self.damaged("positions are missing before the block"));
                }
                let entries = entries(head, payload).ok_or_else(|| self.damaged(wrong))?;
                self.totals.last += wide(entries.len());
                Ok(match head.kind {
                    Kind::Removed => {
                        self.totals.removed += wide(entries.len());
                        Block::Removed(entries)
                    }
                    _ => {
                        self.totals.entries += wide(entries.len());
                        Block::Entries(entries)
                    }
                })
            }
            Kind::Removal => {
                let removal = removal(payload).ok_or_else(|| self.damaged(wrong))?;
                if removal.last.0 != self.totals.last {
                    return Err(self.damaged("what was removed does not stand before the block"));
                }
                Ok(Block::Removal(removal))
            }
            Kind::End => {
                let totals = end(payload).ok_or_else(|| self.damaged(wrong))?;
                if totals != self.totals {
                    return Err(self.damaged("its end block counts otherwise"));
                }
                self.is_over = true;
                Ok(Block::End(totals))
            }
        }
    }

    /// Reads to the end of what is there, to go on behind it.
    ///
    /// # Errors
    /// It is damaged, or cannot be read.
    pub fn resume(mut self) -> Result<Resume, PortableError> {
        let mut resume = self.place(None);
        loop {
            match self.block() {
                Ok(Some(Block::End(_))) => resume.was_finished = true,
                // Its removal would be missing: it comes again as a whole.
                Ok(Some(Block::Removed(_))) => {}
                Ok(Some(Block::Entries(mut entries))) => resume = self.place(entries.pop()),
                Ok(Some(Block::Removal(_))) => resume = self.place(None),
                // The last block was being written.
                Ok(None) | Err(PortableError::Unfinished { .. }) => return Ok(resume),
                Err(error) => return Err(error),
            }
        }
    }

    fn place(&self, last: Option<Stored>) -> Resume {
        Resume {
            journal_id: self.journal_id,
            totals: self.totals,
            offset: self.offset,
            last,
            was_finished: false,
            hash: self.hash,
        }
    }

    fn damaged(&self, reason: &'static str) -> PortableError {
        let offset = self.offset;
        PortableError::Damaged { offset, reason }
    }

    fn unfinished(&self) -> PortableError {
        PortableError::Unfinished {
            last: Position(self.totals.last),
        }
    }
}

/// The entries of a block; `None`: they do not fill it exactly.
fn entries(head: Head, payload: &Bytes) -> Option<Vec<Stored>> {
    let mut entries = Vec::new();
    let mut at = 0;
    for index in 0..u64::from(head.count) {
        let raw = raw_at(payload, at)?;
        entries.push(raw.stored(payload, head.first + index));
        at = raw.places().1.end;
    }
    (at == payload.len() && head.count > 0).then_some(entries)
}

fn removal(payload: &[u8]) -> Option<Removal> {
    let removal = Removal {
        first: Position(u64_at(payload, 0)?),
        last: Position(u64_at(payload, 8)?),
        bytes: u64_at(payload, 16)?,
        remains_bytes: u64_at(payload, 24)?,
        at_ns: i64_at(payload, 32)?,
        rule: u32_at(payload, 40)?,
    };
    let is_whole = payload.len() == REMOVAL_BYTES && removal.first <= removal.last;
    is_whole.then_some(removal)
}

fn end(payload: &[u8]) -> Option<Totals> {
    (payload.len() == END_BYTES).then_some(())?;
    Some(Totals {
        last: u64_at(payload, 0)?,
        entries: u64_at(payload, 8)?,
        removed: u64_at(payload, 16)?,
    })
}

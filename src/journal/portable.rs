//! A feed as one file: what `entente feed export` writes and `import` reads, whichever engine
//! it comes from or goes to. Byte by byte in `docs/EXPORT.md`. The file is a run of blocks, read
//! and written from front to back; each names the hash of the block before it.
//!
//! Invariant: what a [`Reader`] gives stood in a block whose hash holds, and whose positions
//! follow those before it without a gap.

mod reader;
mod writer;

pub use reader::{Block, Reader, Resume};
pub use writer::Writer;

use super::Position;
use super::frame::Hash;
use super::layout::{array_at, put, u32_at, u64_at};
use std::io;
use thiserror::Error;

/// Size of the head of the file, and of the head of a block.
const HEAD_BYTES: usize = 64;
/// What the hash at the end of a head covers of it.
const HASHED_BYTES: usize = 32;
/// First bytes of the file.
const FILE_MAGIC: [u8; 8] = *b"ENTFEED1";
/// First bytes of a block.
const BLOCK_MAGIC: [u8; 4] = *b"ENTX";
const VERSION: u16 = 1;
/// A block is closed when its entries take so much.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Most entries of a block.
const BLOCK_ENTRIES_MAX: u32 = 4096;
/// Most bytes of a block that a reader takes.
const BLOCK_BYTES_MAX: u32 = 256 * 1024 * 1024;
/// Size of what says that a segment was removed.
const REMOVAL_BYTES: usize = 48;
/// Size of what stands at the end.
const END_BYTES: usize = 24;

/// Why an export cannot be read.
#[derive(Debug, Error)]
pub enum PortableError {
    /// The disk, or the pipe.
    #[error("cannot read the export: {0}")]
    Io(#[from] io::Error),
    /// Something else.
    #[error("this is no export of a feed: it does not begin with ENTFEED1")]
    NotOne,
    /// Written by a later version.
    #[error("the export has format {0}, which this version does not know")]
    Version(u16),
    /// It ends too early.
    #[error(
        "the export is unfinished: it ends behind position {last} without its end block; go on \
         with `entente feed export --continue`, or make it anew"
    )]
    Unfinished {
        /// Last position that can be read.
        last: Position,
    },
    /// Something does not hold.
    #[error("the export is damaged at offset {offset}: {reason}")]
    Damaged {
        /// Where, bytes from the beginning.
        offset: u64,
        /// What does not hold.
        reason: &'static str,
    },
}

/// What an export holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Last position; 0: none.
    pub last: u64,
    /// Entries that are whole.
    pub entries: u64,
    /// Entries of which retention left the remains.
    pub removed: u64,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entries,
    Removed,
    Removal,
    End,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Self::Entries => 1,
            Self::Removed => 2,
            Self::Removal => 3,
            Self::End => 4,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        let kinds = [Self::Entries, Self::Removed, Self::Removal, Self::End];
        kinds.into_iter().find(|kind| kind.number() == number)
    }
}

/// The head of a block without its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    kind: Kind,
    payload_bytes: u32,
    count: u32,
    first: u64,
}

impl Head {
    fn encode(&self) -> [u8; HASHED_BYTES] {
        let mut bytes = [0; HASHED_BYTES];
        put(&mut bytes, 0, &BLOCK_MAGIC);
        put(&mut bytes, 4, &[self.kind.number()]);
        put(&mut bytes, 8, &self.payload_bytes.to_le_bytes());
        put(&mut bytes, 12, &self.count.to_le_bytes());
        put(&mut bytes, 16, &self.first.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        (array_at(bytes, 0) == Some(BLOCK_MAGIC)).then_some(())?;
        Some(Self {
            kind: Kind::from_number(*bytes.get(4)?)?,
            payload_bytes: u32_at(bytes, 8)?,
            count: u32_at(bytes, 12)?,
            first: u64_at(bytes, 16)?,
        })
    }
}

/// The head of a file without its hash.
fn file_head(journal_id: [u8; 16]) -> [u8; HASHED_BYTES] {
    let mut bytes = [0; HASHED_BYTES];
    put(&mut bytes, 0, &FILE_MAGIC);
    put(&mut bytes, 8, &VERSION.to_le_bytes());
    put(&mut bytes, 16, &journal_id);
    bytes
}

/// The hash of a block: over the one before it, its head and its payload.
fn chained(previous: &Hash, head: &[u8], payload: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(head).update(payload);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;

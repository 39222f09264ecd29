//! How a journal is kept.

use super::error::OpenError;
use super::segment::{SEGMENT_BYTES_MIN, batch_bytes_max};
use std::path::PathBuf;

const MIB: usize = 1024 * 1024;

/// How a journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its folder; made with mode 0700 if it is not there.
    pub folder: PathBuf,
    /// Size of a new segment, bytes.
    pub segment_bytes: u64,
    /// Most entries of a batch.
    pub batch_entries_max: usize,
    /// Most bytes of a batch; also of one entry.
    pub batch_bytes_max: usize,
    /// Most entries that wait for the writer.
    pub queue_entries_max: usize,
    /// Most bytes that wait for the writer.
    pub queue_bytes_max: usize,
    /// New entries are refused when less than this is free; 0: only when the disk is full.
    pub free_bytes_floor: u64,
    /// Recent batches that are kept in memory for readers, bytes.
    pub tail_bytes_max: usize,
    /// Opens a folder that half a feed may be in, to import into it.
    pub importing: bool,
}

impl Settings {
    /// The usual settings.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            segment_bytes: 256 * 1024 * 1024,
            batch_entries_max: 4096,
            batch_bytes_max: 4 * MIB,
            queue_entries_max: 65_536,
            queue_bytes_max: 64 * MIB,
            free_bytes_floor: 1024 * 1024 * 1024,
            tail_bytes_max: 64 * MIB,
            importing: false,
        }
    }

    /// Whether they can work together.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        if self.segment_bytes < SEGMENT_BYTES_MIN {
            return Err(OpenError::Settings(
                "segment_bytes is too small for a segment",
            ));
        }
        if self.batch_bytes_max > batch_bytes_max(self.segment_bytes) {
            return Err(OpenError::Settings(
                "batch_bytes_max does not fit into a segment",
            ));
        }
        if self.queue_bytes_max < self.batch_bytes_max || self.queue_entries_max == 0 {
            return Err(OpenError::Settings("the queue is smaller than one batch"));
        }
        Ok(())
    }
}

//! What stands where no sound batch does. Reads only.

use crate::journal::disk::DiskFile;
use crate::journal::frame::{HEADER_BYTES, Header, MAGIC};
use crate::journal::layout::{size, wide};
use std::io;

/// How much is searched at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What stands where no sound batch does.
#[derive(Debug)]
pub(super) enum Rest {
    Zeros,
    /// No header of a batch.
    Other,
    /// The header of a later batch, at this offset.
    Batch(u64, Header),
}

impl Rest {
    /// Looks from an offset on. A header there is that of the batch that is not sound.
    pub(super) fn find(file: &dyn DiskFile, tag: u64, from: u64, limit: u64) -> io::Result<Self> {
        let mut found = Self::Zeros;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = from;
        while at < limit {
            let wanted = chunk.len().min(size(limit - at));
            let filled = file.read_at(chunk.get_mut(..wanted).unwrap_or_default(), at)?;
            let bytes = chunk.get(..filled).unwrap_or_default();
            if bytes.iter().any(|byte| *byte != 0) {
                found = Self::Other;
            }
            let mut offset = usize::from(at == from);
            while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
                let Some(index) = rest.iter().position(|byte| *byte == MAGIC[0]) else {
                    break;
                };
                let here = rest.get(index..).unwrap_or_default();
                let header = here.starts_with(&MAGIC).then(|| Header::decode(here, tag));
                if let Some(header) = header.flatten() {
                    return Ok(Self::Batch(at + wide(offset + index), header));
                }
                offset += index + 1;
            }
            if filled < wanted || filled <= HEADER_BYTES {
                break;
            }
            // A header may lie across the border.
            at += wide(filled - HEADER_BYTES + 1);
        }
        Ok(found)
    }
}

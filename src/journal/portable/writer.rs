//! Writes an export, from front to back.

use super::super::frame::{Hash, put_entry};
use super::super::layout::{length, put};
use super::super::remains::Removal;
use super::super::{Position, Stored};
use super::{
    BLOCK_BYTES, BLOCK_ENTRIES_MAX, END_BYTES, Head, Kind, REMOVAL_BYTES, Resume, Totals, chained,
    file_head,
};
use std::io::{self, Write};

/// Writes an export.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    hash: Hash,
    /// Of the block that is put together.
    kind: Kind,
    count: u32,
    payload: Vec<u8>,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(mut out: W, journal_id: [u8; 16]) -> io::Result<Self> {
        let head = file_head(journal_id);
        let hash = chained(&[0; 32], &head, &[]);
        out.write_all(&head)?;
        out.write_all(&hash)?;
        Ok(Self::from(out, hash, Totals::default()))
    }

    /// Goes on behind the last block of a file that was begun; `out` stands there.
    #[must_use]
    pub fn go_on(out: W, resume: &Resume) -> Self {
        Self::from(out, resume.hash, resume.totals)
    }

    fn from(out: W, hash: Hash, totals: Totals) -> Self {
        Self {
            out,
            hash,
            kind: Kind::Entries,
            count: 0,
            payload: Vec::new(),
            totals,
        }
    }

    /// The position that has to come next.
    #[must_use]
    pub fn next(&self) -> Position {
        Position(self.totals.last + 1)
    }

    /// What was written.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// It is not the next one, or cannot be written.
    pub fn entry(&mut self, stored: &Stored) -> io::Result<()> {
        self.put(Kind::Entries, stored)?;
        self.totals.entries += 1;
        Ok(())
    }

    /// Writes what remains of an entry.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn removed(&mut self, stored: &Stored) -> io::Result<()> {
        self.put(Kind::Removed, stored)?;
        self.totals.removed += 1;
        Ok(())
    }

    fn put(&mut self, kind: Kind, stored: &Stored) -> io::Result<()> {
        if stored.position != self.next() {
            let missing = format!("position {} is missing", self.next());
            return Err(io::Error::new(io::ErrorKind::InvalidData, missing));
        }
        let is_full = self.payload.len() >= BLOCK_BYTES || self.count >= BLOCK_ENTRIES_MAX;
        if kind != self.kind || is_full {
            self.close()?;
        }
        self.kind = kind;
        let previous = stored.previous.map(|previous| previous.0);
        put_entry(&mut self.payload, &stored.entry, previous);
        self.count += 1;
        self.totals.last = stored.position.0;
        Ok(())
    }

    /// Writes that a segment was removed; its remains have been written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn removal(&mut self, removal: &Removal) -> io::Result<()> {
        self.close()?;
        let mut payload = [0; REMOVAL_BYTES];
        put(&mut payload, 0, &removal.first.0.to_le_bytes());
        put(&mut payload, 8, &removal.last.0.to_le_bytes());
        put(&mut payload, 16, &removal.bytes.to_le_bytes());
        put(&mut payload, 24, &removal.remains_bytes.to_le_bytes());
        put(&mut payload, 32, &removal.at_ns.to_le_bytes());
        put(&mut payload, 40, &removal.rule.to_le_bytes());
        self.block(Kind::Removal, removal.first.0, 0, &payload)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<(W, Totals)> {
        self.close()?;
        let mut payload = [0; END_BYTES];
        put(&mut payload, 0, &self.totals.last.to_le_bytes());
        put(&mut payload, 8, &self.totals.entries.to_le_bytes());
        put(&mut payload, 16, &self.totals.removed.to_le_bytes());
        self.block(Kind::End, self.totals.last + 1, 0, &payload)?;
        self.out.flush()?;
        Ok((self.out, self.totals))
    }

    /// Writes the block of entries that is put together, if there is one.
    fn close(&mut self) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let payload = std::mem::take(&mut self.payload);
        let first = self.totals.last + 1 - u64::from(self.count);
        self.block(self.kind, first, self.count, &payload)?;
        self.count = 0;
        self.payload = payload;
        self.payload.clear();
        Ok(())
    }

    fn block(&mut self, kind: Kind, first: u64, count: u32, payload: &[u8]) -> io::Result<()> {
        let head = Head {
            kind,
            payload_bytes: length(payload.len()),
            count,
            first,
        };
        let head = head.encode();
        self.hash = chained(&self.hash, &head, payload);
        self.out.write_all(&head)?;
        self.out.write_all(&self.hash)?;
        self.out.write_all(payload)
    }
}

//! What crashes leave at the end of a journal.

use crate::dice::Dice;
use std::path::{Path, PathBuf};

/// Where batches of a segment begin, and how long their headers are.
const FRAMES_FROM: usize = 4096;
const HEADER_BYTES: usize = 80;

/// The segments of a journal, in order.
pub(crate) fn segments(journal: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<_> = std::fs::read_dir(journal)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with('0') && name.ends_with(".segment")
        })
        .collect();
    segments.sort();
    segments
}

/// Where the last batch of a segment begins, if there is one, and where it ends.
fn last_batch(bytes: &[u8]) -> (Option<usize>, usize) {
    let (mut before, mut at) = (None, FRAMES_FROM);
    while bytes.get(at..at + 4) == Some(b"ENTB") {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        before = Some(at);
        at += HEADER_BYTES + usize::try_from(length).unwrap();
    }
    (before, at)
}

/// Cuts the last batch of a copy at a byte within it, as a crash in the middle of a write leaves
/// it; says how many bytes went. None: the last segment holds no batch.
pub(crate) fn tear(journal: &Path, dice: &mut Dice) -> Option<usize> {
    let last = segments(journal).pop()?;
    let bytes = std::fs::read(&last).unwrap();
    let (before, end) = last_batch(&bytes);
    let torn = 1 + dice.below(end - before? - 1);
    // What a crash leaves is as long as before, and zero from there on.
    let mut kept = bytes[..end - torn].to_vec();
    kept.resize(bytes.len(), 0);
    std::fs::write(last, kept).unwrap();
    Some(torn)
}

/// Puts the beginning of a batch that never was whole behind the last one, as a crash before the
/// sync leaves it: nobody has a receipt for it. Says how many bytes.
pub(crate) fn begin_batch(journal: &Path, dice: &mut Dice) -> Option<usize> {
    let last = segments(journal).pop()?;
    let mut bytes = std::fs::read(&last).unwrap();
    let (before, end) = last_batch(&bytes);
    let whole = bytes[before?..end].to_vec();
    let begun = 1 + dice.below(whole.len() - 1);
    if end + begun > bytes.len() {
        return None;
    }
    bytes[end..end + begun].copy_from_slice(&whole[..begun]);
    std::fs::write(last, bytes).unwrap();
    Some(begun)
}

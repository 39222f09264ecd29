//! NDJSON from a file or from standard input, line by line, each with its number. Lines are
//! bounded; one that is too long is skipped and said, and does not end the reading.

use super::{Failure, Output};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::path::Path;

/// Longest line, bytes. Larger than any gateway's largest report.
pub(super) const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Buffer of the reader, bytes.
const BUFFER_BYTES: usize = 256 * 1024;
/// Files below this are done before anyone could watch.
const WATCHED_BYTES_MIN: u64 = 1024 * 1024;

/// What stands on one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes; not blank.
    Text(Vec<u8>),
    /// More than [`LINE_BYTES_MAX`].
    TooLong,
}

/// Lines of an input.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    number: u64,
    /// Moves with the bytes that were read.
    progress: ProgressBar,
}

impl Lines {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(file: &Path) -> Result<Self, Failure> {
        if file == Path::new("-") {
            return Ok(Self::of(io::stdin()));
        }
        let at = |error: io::Error| Failure::Failed(format!("{}: {error}", file.display()));
        let opened = File::open(file).map_err(at)?;
        if opened.metadata().map_err(at)?.is_dir() {
            let reason = format!("{}: is a folder; expected a file of NDJSON", file.display());
            return Err(Failure::Failed(reason));
        }
        Ok(Self::of(opened))
    }

    /// Lines of anything.
    pub(super) fn of(input: impl Read + Send + 'static) -> Self {
        Self {
            input: Box::new(BufReader::with_capacity(BUFFER_BYTES, input)),
            number: 0,
            progress: ProgressBar::hidden(),
        }
    }

    /// Shows how far the reading of `file` is, where a person watches and nothing else moves.
    pub(super) fn with_progress(mut self, file: &Path, output: Output) -> Self {
        let outcomes_move = output == Output::Readable && io::stdout().is_terminal();
        let length = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        if outcomes_move || length < WATCHED_BYTES_MIN {
            return self;
        }
        // Draws on standard error, and only if that is a terminal.
        self.progress = ProgressBar::new(length);
        let template = "{bar:30} {percent}% {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.progress.set_style(style);
        }
        self
    }

    /// The next line that is not blank, with its number from 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Content)>> {
        loop {
            let mut line = Vec::new();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = Read::take(&mut self.input, limit).read_until(b'\n', &mut line)?;
            if read == 0 {
                self.progress.finish_and_clear();
                return Ok(None);
            }
            self.number += 1;
            self.progress.inc(read as u64);
            let whole = line.last() == Some(&b'\n');
            if line.len() > LINE_BYTES_MAX && !whole {
                self.skip()?;
                return Ok(Some((self.number, Content::TooLong)));
            }
            if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                // A byte order mark, as some editors write it.
                line.drain(..3);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((self.number, Content::Text(line))));
            }
        }
    }

    /// Goes to the end of the present line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(taken);
            self.progress.inc(taken as u64);
            if end.is_some() || taken == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<(u64, Content)> {
        let mut lines = Lines::of(io::Cursor::new(input.to_vec()));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(line);
        }
        found
    }

    #[test]
    fn lines_keep_their_numbers_over_blank_ones() {
        let text = |text: &str| Content::Text(text.as_bytes().to_vec());
        assert_eq!(
            all(b"\xef\xbb\xbf{}\r\n\n  \n{1}"),
            [(1, text("{}\r\n")), (4, text("{1}"))]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_end_the_reading() {
        let mut input = vec![b'x'; LINE_BYTES_MAX + 10];
        input.extend_from_slice(b"\nnext\n");
        let found = all(&input);
        assert_eq!(found[0], (1, Content::TooLong));
        assert_eq!(found[1], (2, Content::Text(b"next\n".to_vec())));
        assert_eq!(found.len(), 2);
    }
}

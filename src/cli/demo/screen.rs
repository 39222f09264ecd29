//! What a person watching the demonstration sees: colours on a terminal only, and never more
//! lines than can be read. Lines that do not fit are dropped; sums come at the end.

use crate::clock::Clock;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Long demonstrations show a line at most this often.
const LINE_INTERVAL: Duration = Duration::from_millis(120);
/// Up to this many reports every line is shown.
const REPORTS_SHOWN_MAX: u64 = 500;

/// How a line is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[33m",
        }
    }
}

/// The screen.
#[derive(Debug)]
pub(super) struct Screen {
    coloured: bool,
    sparing: bool,
    clock: Arc<dyn Clock>,
    next_line_at: Mutex<Duration>,
}

impl Screen {
    /// Standard output, for a demonstration of this many reports.
    pub(super) fn new(reports: u64, clock: Arc<dyn Clock>) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            coloured: std::io::stdout().is_terminal() && !no_colour,
            sparing: reports > REPORTS_SHOWN_MAX,
            clock,
            next_line_at: Mutex::default(),
        }
    }

    /// Whether a person watches.
    pub(super) fn is_watched(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Whether there is room for a line that need not be shown. Takes the room.
    pub(super) fn has_room(&self) -> bool {
        if !self.sparing {
            return true;
        }
        let now = self.clock.monotonic();
        let mut next = self
            .next_line_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let room = now >= *next;
        if room {
            *next = now + LINE_INTERVAL;
        }
        room
    }

    /// Shows a line.
    pub(super) fn line(&self, style: Style, text: &str) {
        let mut out = std::io::stdout().lock();
        // A reader that went away must not end the demonstration; its sums decide.
        let _nobody_reads = match (self.coloured, style) {
            (true, Style::Bold | Style::Dim | Style::Good | Style::Bad) => {
                writeln!(out, "{}{text}\x1b[0m", style.code())
            }
            (false, _) | (true, Style::Plain) => writeln!(out, "{text}"),
        };
    }
}

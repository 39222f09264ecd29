//! Sets an explanation on a screen: columns that fit its width, colours on a terminal only, and
//! shorter notes where its height would not do.

use super::Row;
use crate::cli::foreign::harmless;
use std::io::IsTerminal as _;

/// Columns of a screen that says nothing of itself.
const WIDTH_DEFAULT: usize = 100;
/// Narrower and wider screens are taken as these.
const WIDTHS: (usize, usize) = (60, 120);
/// Columns of the labels.
const LABEL: usize = 15;
/// Columns of the numbers of notes.
const MARKS: usize = 8;
/// Most lines of one field.
const LINES_MAX: usize = 3;

/// A rule that took part, or a doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) doubt: bool,
    /// Id and version.
    pub(super) rule: String,
    pub(super) text: String,
    pub(super) source: &'static str,
}

/// One reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) field: String,
    pub(super) message: String,
    pub(super) expected: String,
    /// Id, version and source.
    pub(super) rule: String,
}

/// How a line is set.
#[derive(Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Good,
    Doubt,
    Bad,
}

/// The screen.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Page {
    width: usize,
    /// `None`: as long as it takes.
    height: Option<usize>,
    colours: bool,
}

impl Page {
    /// Standard output as it is.
    pub(in crate::cli) fn of_stdout() -> Self {
        let out = std::io::stdout();
        let size = terminal_size::terminal_size_of(&out).filter(|_| out.is_terminal());
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match size {
            Some((width, height)) => {
                // The prompt needs the last line.
                let height = usize::from(height.0).saturating_sub(1);
                Self::new(usize::from(width.0), Some(height), !no_colour)
            }
            None => Self::new(WIDTH_DEFAULT, None, false),
        }
    }

    pub(super) fn new(width: usize, height: Option<usize>, colours: bool) -> Self {
        Self {
            width: width.clamp(WIDTHS.0, WIDTHS.1),
            height,
            colours,
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Doubt => "33",
            Style::Bad => "31",
        };
        match self.colours && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Name to the left, verdict to the right.
    fn head(&self, name: &str, verdict: &str, style: Style) -> String {
        let name = harmless(name);
        let name = cut(&name, self.width.saturating_sub(verdict.len() + 2));
        let gap = self.width.saturating_sub(len(&name) + len(verdict));
        let name = self.paint(Style::Bold, &name);
        let verdict = self.paint(style, verdict);
        format!("{name}{}{verdict}", " ".repeat(gap))
    }

    pub(super) fn accepted(
        &self,
        name: &str,
        verdict: &str,
        rows: &[Row],
        marks: &[Vec<usize>],
        notes: &[Note],
    ) -> String {
        let doubt = notes.iter().any(|note| note.doubt);
        let style = if doubt { Style::Doubt } else { Style::Good };
        let mut lines = vec![self.head(name, verdict, style)];
        for (row, marks) in rows.iter().zip(marks) {
            self.row(row, marks, notes, &mut lines);
        }
        let room = self.height.map(|height| height.saturating_sub(lines.len()));
        let long: Vec<_> = notes
            .iter()
            .enumerate()
            .flat_map(|(at, note)| self.note(at, note))
            .collect();
        if room.is_none_or(|room| long.len() <= room) {
            lines.extend(long);
        } else {
            self.short_notes(notes, &mut lines);
        }
        lines.join("\n")
    }

    /// One field: what was given, what became of it, and the numbers of its notes.
    fn row(&self, row: &Row, marks: &[usize], notes: &[Note], lines: &mut Vec<String>) {
        let both = self.width.saturating_sub(LABEL + 2 + MARKS);
        let given_width = both / 2;
        let became_width = both - given_width;
        let doubted = |mark: &usize| notes.get(*mark).is_some_and(|note| note.doubt);
        let numbers: Vec<_> = marks.iter().map(|mark| (mark + 1).to_string()).collect();
        let sign = if marks.iter().any(doubted) { "!" } else { "" };
        let numbers = cut(&format!("{sign}{}", numbers.join(",")), MARKS - 1);
        let given = wrapped(&harmless(&row.given), given_width.saturating_sub(1));
        let became = wrapped(&harmless(&row.became), became_width.saturating_sub(1));
        for at in 0..given.len().max(became.len()).max(1) {
            let text = |list: &[String]| list.get(at).cloned().unwrap_or_default();
            let first = at == 0;
            let label = if first {
                cut(&row.label, LABEL - 1)
            } else {
                String::new()
            };
            let arrow = if first && !row.became.is_empty() {
                "→ "
            } else {
                "  "
            };
            let numbers = if first {
                numbers.clone()
            } else {
                String::new()
            };
            let style = if sign.is_empty() {
                Style::Dim
            } else {
                Style::Doubt
            };
            let line = format!(
                "{}{}{arrow}{}{}",
                pad(&label, LABEL, |text| self.paint(Style::Bold, text)),
                pad(&text(&given), given_width, |text| self
                    .paint(Style::Dim, text)),
                pad(&text(&became), became_width, str::to_owned),
                self.paint(style, &numbers),
            );
            lines.push(line.trim_end().to_owned());
        }
    }

    /// A certain rule on one line; a doubt on as many as it takes, up to [`LINES_MAX`].
    fn note(&self, at: usize, note: &Note) -> Vec<String> {
        let sign = if note.doubt { '!' } else { ' ' };
        let lead = format!("{:>3} {sign} {}:", at + 1, note.rule);
        let source = match note.source {
            "" => String::new(),
            source => format!(" ({source})"),
        };
        let whole = format!("{lead} {}{source}", note.text);
        if note.doubt {
            let indent = " ".repeat(6);
            let lines = wrapped(whole.trim_start(), self.width.saturating_sub(indent.len()));
            let begin = |line: usize| match line {
                0 => " ".repeat(len(&whole) - len(whole.trim_start())),
                _ => indent.clone(),
            };
            let lines = lines.into_iter().enumerate();
            return lines
                .map(|(at, line)| self.paint(Style::Doubt, &format!("{}{line}", begin(at))))
                .collect();
        }
        // The text comes first; the source goes where both do not fit.
        let line = match len(&whole) <= self.width {
            true => whole,
            false => cut(&format!("{lead} {}", note.text), self.width),
        };
        vec![self.paint(Style::Dim, &line)]
    }

    /// Doubts whole, and the certain rules by name only.
    fn short_notes(&self, notes: &[Note], lines: &mut Vec<String>) {
        let mut names = String::new();
        for (at, note) in notes.iter().enumerate() {
            if note.doubt {
                lines.extend(self.note(at, note));
            } else {
                let comma = if names.is_empty() { "" } else { ", " };
                names.push_str(&format!("{comma}{} {}", at + 1, note.rule));
            }
        }
        for line in wrapped_to(&names, self.width.saturating_sub(4), usize::MAX) {
            lines.push(self.paint(Style::Dim, &format!("    {line}")));
        }
    }

    pub(super) fn refused(
        &self,
        name: &str,
        verdict: &str,
        reasons: &[Reason],
        omitted: u32,
    ) -> String {
        let mut lines = vec![self.head(name, verdict, Style::Bad)];
        let width = self.width.saturating_sub(12);
        for reason in reasons {
            let field = match reason.field.as_str() {
                "" => "the report",
                field => field,
            };
            let rule = cut(&reason.rule, self.width / 2);
            let field = cut(&harmless(field), self.width.saturating_sub(len(&rule) + 2));
            let gap = self.width.saturating_sub(len(&field) + len(&rule));
            let field = self.paint(Style::Bold, &field);
            let rule = self.paint(Style::Dim, &rule);
            lines.push(format!("{field}{}{rule}", " ".repeat(gap)));
            for (label, text) in [("wrong", &reason.message), ("expected", &reason.expected)] {
                for (at, line) in wrapped(&harmless(text), width).into_iter().enumerate() {
                    let label = if at == 0 { label } else { "" };
                    let label = pad(label, 10, |text| self.paint(Style::Dim, text));
                    lines.push(format!("  {label}{line}"));
                }
            }
        }
        if omitted > 0 {
            lines.push(format!("and {omitted} more reasons"));
        }
        lines.join("\n")
    }
}

fn len(text: &str) -> usize {
    text.chars().count()
}

/// At most so many columns; what is cut is said by an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if len(text) <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Fills a column; painted only where there is something.
fn pad(text: &str, width: usize, paint: impl Fn(&str) -> String) -> String {
    let gap = width.saturating_sub(len(text));
    format!("{}{}", paint(text), " ".repeat(gap))
}

/// Lines of at most `width` columns, at most [`LINES_MAX`] of them.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    wrapped_to(text, width, LINES_MAX)
}

fn wrapped_to(text: &str, width: usize, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let blank = usize::from(!line.is_empty());
        if len(&line) + blank + len(word) > width && !line.is_empty() {
            if lines.len() + 1 == lines_max {
                let rest: Vec<_> = std::iter::once(word).chain(words).collect();
                line = cut(&format!("{line} {}", rest.join(" ")), width);
                break;
            }
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        // A word that is wider than its column is cut into pieces that fit.
        let mut word: Vec<char> = word.chars().collect();
        while word.len() > width && lines.len() + 1 < lines_max {
            let rest = word.split_off(width.max(1));
            lines.push(word.into_iter().collect());
            word = rest;
        }
        line.push_str(&cut(&word.into_iter().collect::<String>(), width));
        if words.peek().is_none() {
            break;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

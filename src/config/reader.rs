//! Reads typed values out of a table and remembers everything that is wrong with it: wrong
//! types, values out of range, and keys that nobody asked for.
//!
//! A value from the environment or a flag is text and is read by the type that its key wants;
//! a value from a file must have the type itself.

use super::problem::{Fact, Reading};
use super::units::{parse_bytes, parse_duration, show_bytes, show_duration};
use config::{Map, Value, ValueKind};
use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Origin of a value from the environment; the `config` crate's own word.
const ENVIRONMENT: &str = "the environment";
/// Origin of a value from a flag.
pub(super) const COMMAND_LINE: &str = "the command line";

/// Where a value was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    File,
    Environment,
    CommandLine,
}

impl Origin {
    fn of(value: &Value) -> Self {
        match value.origin() {
            Some(ENVIRONMENT) => Self::Environment,
            Some(COMMAND_LINE) => Self::CommandLine,
            _ => Self::File,
        }
    }

    fn is_text(self) -> bool {
        self != Self::File
    }

    fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
            Self::CommandLine => "command line",
        }
    }
}

/// A table of a file. What is left in it at the end was not expected.
pub(super) struct Table<'a> {
    file: &'a Path,
    path: String,
    // `path` as documented: names that people choose are `*`.
    pattern: String,
    names_are_free: bool,
    values: Map<String, Value>,
    taken: HashMap<String, Origin>,
    unread: bool,
    reading: &'a Reading,
}

impl<'a> Table<'a> {
    /// The top of a file; `None`: the file could not be read, which has been said.
    pub(super) fn new(
        file: &'a Path,
        values: Option<Map<String, Value>>,
        reading: &'a Reading,
    ) -> Self {
        Self {
            file,
            path: String::new(),
            pattern: String::new(),
            names_are_free: false,
            unread: values.is_none(),
            values: values.unwrap_or_default(),
            taken: HashMap::new(),
            reading,
        }
    }

    fn key(&self, name: &str) -> String {
        join(&self.path, name)
    }

    fn take(&mut self, name: &str) -> Option<(ValueKind, Origin)> {
        let value = self.values.remove(name)?;
        let origin = Origin::of(&value);
        self.taken.insert(name.to_owned(), origin);
        Some((value.kind, origin))
    }

    /// Whether the file could be read; if not, nothing in it is missing.
    pub(super) fn was_read(&self) -> bool {
        !self.unread
    }

    /// The file that the table stands in.
    pub(super) fn source(&self) -> &'a Path {
        self.file
    }

    /// Says what is wrong with a key of this table.
    pub(super) fn problem(&self, name: &str, message: impl Into<String>) {
        let key = self.key(name);
        let origin = self.taken.get(name).copied().or_else(|| {
            let value = self.values.get(name)?;
            Some(Origin::of(value))
        });
        match origin {
            Some(Origin::Environment) => {
                let variable = format!("ENTENTE__{}", key.replace('.', "__").to_uppercase());
                self.reading.problem(Path::new(&variable), &key, message);
            }
            Some(Origin::CommandLine) => {
                self.reading.problem(Path::new("--set"), &key, message);
            }
            Some(Origin::File) | None => self.reading.problem(self.file, &key, message),
        }
    }

    /// Says what works, but a person should know of.
    pub(super) fn warning(&self, name: &str, message: impl Into<String>) {
        self.reading.warning(self.file, &self.key(name), message);
    }

    /// Remembers what was read.
    fn fact(&self, name: &str, value: String, default: String, allowed: String) {
        let shown = if self.names_are_free { "*" } else { name };
        self.reading.fact(Fact {
            file: self.file.to_owned(),
            key: self.key(name),
            pattern: join(&self.pattern, shown),
            value,
            default,
            allowed,
            origin: self.taken.get(name).map_or("default", |o| o.word()),
        });
    }

    /// A path of this table: relative to its file; from elsewhere, to the working folder.
    pub(super) fn beside(&self, name: &str, path: &str) -> PathBuf {
        if self.taken.get(name).is_some_and(|origin| origin.is_text()) {
            return PathBuf::from(path);
        }
        let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
        folder.join(path)
    }

    /// A table within; absent: empty.
    pub(super) fn table(&mut self, name: &str) -> Self {
        let values = match self.take(name).map(|(kind, _)| kind) {
            Some(ValueKind::Table(values)) => values,
            Some(_) => {
                self.problem(name, "expected a table");
                Map::new()
            }
            None => Map::new(),
        };
        let shown = if self.names_are_free { "*" } else { name };
        Self {
            file: self.file,
            path: self.key(name),
            pattern: join(&self.pattern, shown),
            names_are_free: false,
            values,
            taken: HashMap::new(),
            unread: self.unread,
            reading: self.reading,
        }
    }

    /// A table within whose keys are names that people choose.
    pub(super) fn named_table(&mut self, name: &str) -> (Self, Vec<String>) {
        let mut table = self.table(name);
        table.names_are_free = true;
        let names = table.names();
        (table, names)
    }

    /// The names of all keys that are there and were not read yet, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.values.keys().cloned().collect();
        names.sort();
        names
    }

    /// The value as it stands, for those who read it themselves.
    pub(super) fn raw(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name)
    }

    /// A text, if it is given and of the right kind.
    fn given_text(&mut self, name: &str) -> Option<String> {
        match self.take(name)?.0 {
            ValueKind::String(text) => Some(text),
            _ => {
                self.problem(name, "expected a text in quotes");
                None
            }
        }
    }

    /// A text; absent: `None`.
    pub(super) fn text(&mut self, name: &str, allowed: &str) -> Option<String> {
        let text = self.given_text(name);
        let shown = text.as_ref().map_or_else(|| "none".to_owned(), quoted);
        self.fact(name, shown, "none".to_owned(), allowed.to_owned());
        text
    }

    /// A text with a default.
    pub(super) fn text_or(&mut self, name: &str, default: &str, allowed: &str) -> String {
        let text = self.given_text(name).unwrap_or_else(|| default.to_owned());
        self.fact(name, quoted(&text), quoted(default), allowed.to_owned());
        text
    }

    /// A text that must be given.
    pub(super) fn required(&mut self, name: &str, what: &str) -> Option<String> {
        if !self.values.contains_key(name) && !self.unread {
            self.problem(name, format!("missing: {what}"));
        }
        let text = self.given_text(name);
        let shown = text.as_ref().map_or_else(|| "missing".to_owned(), quoted);
        self.fact(name, shown, "required".to_owned(), what.to_owned());
        text
    }

    /// A text that is read by its type; absent or wrong: the default.
    pub(super) fn parsed<T: FromStr + Display>(
        &mut self,
        name: &str,
        expected: &str,
        default: T,
    ) -> T {
        let shown_default = quoted(&default);
        let value = match self.given_text(name) {
            None => default,
            Some(text) => text.parse().unwrap_or_else(|_| {
                self.problem(name, format!("`{text}` is not {expected}"));
                default
            }),
        };
        self.fact(name, quoted(&value), shown_default, expected.to_owned());
        value
    }

    /// One of several words; absent or wrong: the default.
    pub(super) fn choice<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        default: T,
    ) -> T {
        let words: Vec<_> = choices.iter().map(|(word, _)| quoted(word)).collect();
        let allowed = words.join(", ");
        let word = |value: T| {
            let found = choices.iter().find(|(_, choice)| *choice == value);
            found.map_or_else(String::new, |(word, _)| quoted(word))
        };
        let value = match self.given_text(name) {
            None => default,
            Some(text) => match choices.iter().find(|(word, _)| *word == text) {
                Some((_, choice)) => *choice,
                None => {
                    self.problem(name, format!("`{text}` is none of {allowed}"));
                    default
                }
            },
        };
        self.fact(name, word(value), word(default), allowed);
        value
    }

    /// A list of texts; absent: empty. From the environment: divided by commas.
    pub(super) fn texts(&mut self, name: &str, allowed: &str) -> Vec<String> {
        let items = match self.take(name) {
            None => Vec::new(),
            Some((ValueKind::Array(items), _)) => items,
            Some((ValueKind::String(text), origin)) if origin.is_text() => {
                let parts = text.split(',').filter(|part| !part.trim().is_empty());
                parts.map(|part| Value::from(part.trim())).collect()
            }
            Some(_) => {
                self.problem(name, "expected a list of texts: [\"a\", \"b\"]");
                Vec::new()
            }
        };
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match item.kind {
                ValueKind::String(text) => texts.push(text),
                _ => self.problem(&format!("{name}[{index}]"), "expected a text in quotes"),
            }
        }
        let shown: Vec<_> = texts.iter().map(quoted).collect();
        let shown = format!("[{}]", shown.join(", "));
        self.fact(name, shown, "[]".to_owned(), allowed.to_owned());
        texts
    }

    /// A switch.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        let read = match self.take(name) {
            None => Some(default),
            Some((ValueKind::Boolean(value), _)) => Some(value),
            Some((ValueKind::String(text), origin)) if origin.is_text() => text.parse().ok(),
            Some(_) => None,
        };
        let value = read.unwrap_or_else(|| {
            self.problem(name, "expected true or false");
            default
        });
        let allowed = "true or false".to_owned();
        self.fact(name, value.to_string(), default.to_string(), allowed);
        value
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let read = |kind: &ValueKind, origin: Origin| match kind {
            ValueKind::I64(number) => u64::try_from(*number).ok(),
            ValueKind::U64(number) => Some(*number),
            ValueKind::String(text) if origin.is_text() => text.trim().parse().ok(),
            _ => None,
        };
        let show = |number: u64| number.to_string();
        self.within(name, "a whole number, ", read, default, range, show)
    }

    /// A number within a range.
    pub(super) fn float(&mut self, name: &str, default: f64, range: RangeInclusive<f64>) -> f64 {
        let read = |kind: &ValueKind, origin: Origin| match kind {
            ValueKind::Float(number) => Some(*number),
            ValueKind::I64(number) => i32::try_from(*number).ok().map(f64::from),
            ValueKind::String(text) if origin.is_text() => text.trim().parse().ok(),
            _ => None,
        };
        let show = |number: f64| number.to_string();
        self.within(name, "a number, ", read, default, range, show)
    }

    /// A number of bytes: `256MiB`, `64KiB`, `1GiB`, `512B`.
    pub(super) fn bytes(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let read = |kind: &ValueKind, _| match kind {
            ValueKind::String(text) => parse_bytes(text.trim()),
            _ => None,
        };
        let show = |bytes| quoted(show_bytes(bytes));
        self.within(name, "", read, default, range, show)
    }

    /// A duration: `250ms`, `5s`, `2m`, `1h`, `7d`.
    pub(super) fn duration(
        &mut self,
        name: &str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let read = |kind: &ValueKind, _| match kind {
            ValueKind::String(text) => parse_duration(text.trim()),
            _ => None,
        };
        let show = |duration| quoted(show_duration(duration));
        self.within(name, "", read, default, range, show)
    }

    fn within<T: PartialOrd + Copy>(
        &mut self,
        name: &str,
        what: &str,
        read: impl Fn(&ValueKind, Origin) -> Option<T>,
        default: T,
        range: RangeInclusive<T>,
        show: impl Fn(T) -> String,
    ) -> T {
        let allowed = format!("{} to {}", show(*range.start()), show(*range.end()));
        let value = match self.take(name) {
            None => default,
            Some((kind, origin)) => match read(&kind, origin) {
                Some(value) if range.contains(&value) => value,
                _ => {
                    let example = show(default);
                    let message = format!(
                        "{} is not allowed; expected {what}{allowed}, such as {example}",
                        written(&kind)
                    );
                    self.problem(name, message);
                    default
                }
            },
        };
        self.fact(name, show(value), show(default), allowed);
        value
    }

    /// Everything that is left is a key that nobody knows.
    pub(super) fn finish(self) {
        let mut left: Vec<_> = self.values.keys().collect();
        left.sort();
        for name in left {
            self.problem(name, "unknown key; docs/CONFIGURATION.md lists all");
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn quoted(text: impl Display) -> String {
    format!("\"{text}\"")
}

/// A wrong value as it was written; tables and lists are only named.
fn written(kind: &ValueKind) -> String {
    match kind {
        ValueKind::String(text) => quoted(text.chars().take(60).collect::<String>()),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    }
}

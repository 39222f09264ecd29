//! What reading a configuration leaves behind: problems, warnings, and one fact for each key
//! that was asked for. `entente check` and the documentation's test live on the facts.

use serde::Serialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, or the environment variable or flag that was given instead.
    pub file: PathBuf,
    /// The line in the file, from 1, where it is known.
    pub line: Option<u32>,
    /// The key, from the top: `listener.address`; empty: the file itself.
    pub key: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// One key as it was read. Values are never secret: keys of certificates are named by file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fact {
    /// The file that the key belongs to.
    pub file: PathBuf,
    /// The key, from the top.
    pub key: String,
    /// The key as documented: names that people choose are `*`.
    pub pattern: String,
    /// The value in force, as it would stand in the file.
    pub value: String,
    /// What holds when the key is absent.
    pub default: String,
    /// What is allowed.
    pub allowed: String,
    /// Where the value comes from: `default`, `file`, `environment`, `command line`.
    pub origin: &'static str,
}

/// Collects while tables are read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    facts: RefCell<Vec<Fact>>,
    texts: RefCell<HashMap<PathBuf, String>>,
}

/// What was collected, sorted.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) facts: Vec<Fact>,
}

impl Reading {
    /// Remembers a file's text, to name lines later.
    pub(super) fn text(&self, file: &Path, text: String) {
        self.texts.borrow_mut().insert(file.to_owned(), text);
    }

    pub(super) fn problem(&self, file: &Path, key: &str, message: impl Into<String>) {
        let problem = self.located(file, key, message.into());
        self.problems.borrow_mut().push(problem);
    }

    /// A problem whose line is known already.
    pub(super) fn problem_at(&self, file: &Path, line: Option<u32>, message: String) {
        self.problems.borrow_mut().push(Problem {
            file: file.to_owned(),
            line,
            key: String::new(),
            message,
        });
    }

    pub(super) fn warning(&self, file: &Path, key: &str, message: impl Into<String>) {
        let warning = self.located(file, key, message.into());
        self.warnings.borrow_mut().push(warning);
    }

    pub(super) fn fact(&self, fact: Fact) {
        self.facts.borrow_mut().push(fact);
    }

    fn located(&self, file: &Path, key: &str, message: String) -> Problem {
        let texts = self.texts.borrow();
        let line = texts.get(file).and_then(|text| line_of(text, key));
        Problem {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            message,
        }
    }

    pub(super) fn collected(self) -> Collected {
        let sorted = |list: RefCell<Vec<Problem>>| {
            let mut list = list.into_inner();
            list.sort();
            list.dedup();
            list
        };
        Collected {
            problems: sorted(self.problems),
            warnings: sorted(self.warnings),
            facts: self.facts.into_inner(),
        }
    }
}

/// The line, from 1, on which a key is set, or else its nearest table begins. A plain look at
/// the text: good for what people write, silent where it does not know.
fn line_of(text: &str, key: &str) -> Option<u32> {
    // `anchors[1]` stands on the line of `anchors`.
    let key = key.split('[').next().filter(|key| !key.is_empty())?;
    let mut table = String::new();
    let mut nearest = None;
    for (line, number) in text.lines().zip(1u32..) {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            table = plain(header.trim_start_matches('['));
            if key == table || key.starts_with(&format!("{table}.")) {
                nearest = Some(number);
            }
            continue;
        }
        let Some((name, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let name = plain(name);
        let full = if table.is_empty() {
            name
        } else {
            format!("{table}.{name}")
        };
        if full == key {
            return Some(number);
        }
    }
    nearest
}

/// A key without spaces and quotes.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !" \t\"'".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_key() {
        let text = "nations = \"n\"\n\n[listener]\n# address = 1\naddress = 2\n\n\
                    [systems]\n\"feed-desk\" = [\"read\"]\n[normalise.area]\nnorth_deg = 1.0\n";
        for (key, line) in [
            ("nations", Some(1)),
            ("listener.address", Some(5)),
            ("listener.unknown", Some(3)),
            ("systems.feed-desk", Some(8)),
            ("systems.feed-desk[0]", Some(8)),
            ("normalise.area.north_deg", Some(10)),
            ("tls.key", None),
            ("", None),
        ] {
            assert_eq!(line_of(text, key), line, "{key}");
        }
    }
}

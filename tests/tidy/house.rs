//! Rules of the house that are about files and words, not about who names whom.

use super::{none, read, root, rust_files, word};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest file, lines.
const FILE_LINES_MAX: usize = 500;

/// Files that are longer, with their lines: they may shrink and leave, never grow.
const LONG_FILES: &[(&str, usize)] = &[];

/// Words that say nothing, and what to write instead: the thing itself.
const BANNED_WORDS: &[&str] = &[
    "manager", "handler", "helper", "helpers", "util", "utils", "common", "misc", "base", "info",
    "data", "process",
];

/// Every sleep, by file: how many, and why it is no hidden synchronisation.
const SLEEPS: &[(&str, usize, &str)] = &[
    (
        "src/cli/bench/engine.rs",
        1,
        "the pause before asking servers again who leads",
    ),
    (
        "src/client/submitter.rs",
        1,
        "the pause before a retry, as the gateway told",
    ),
    (
        "src/client/subscriber.rs",
        1,
        "the pause before a retry, as the gateway told",
    ),
    (
        "src/feed/subscription.rs",
        1,
        "a replay waits until its next record is due",
    ),
    (
        "src/journal/jetstream/follower.rs",
        1,
        "the pause before servers, or a full disk, are tried again",
    ),
    (
        "src/journal/jetstream/server.rs",
        1,
        "the pause before servers are asked again at the start",
    ),
    (
        "src/listener/accept.rs",
        3,
        "the drain deadline, the wait for descriptors, and the turn of a handshake",
    ),
    (
        "src/listener/diagnosis.rs",
        1,
        "the deadline of a connection",
    ),
    ("src/listener/io.rs", 1, "the deadline of a connection"),
    (
        "src/rpc/submission.rs",
        1,
        "a system that is over its rate waits",
    ),
    (
        "src/relay/backoff.rs",
        1,
        "the pause before the target, or the gateway, is tried again",
    ),
    ("src/telemetry/exposition.rs", 1, "the wait for descriptors"),
    (
        "tests/simulation.rs",
        1,
        "how a simulated system paces its reports, in the network's time",
    ),
    (
        "tests/descriptors.rs",
        1,
        "the time over which work is measured",
    ),
    ("tests/trust/handshake.rs", 1, "a peer that drips bytes"),
    (
        "tests/trust/live.rs",
        1,
        "a deadline has to pass without effect",
    ),
];

#[test]
fn every_file_begins_by_saying_what_it_owns() {
    let silent = rust_files().into_iter().filter(|path| {
        // A module's tests in a file of their own are described by the module.
        !path.ends_with("tests.rs") && !read(path).starts_with("//! ")
    });
    none(silent.map(|path| path.display().to_string()).collect());
}

#[test]
fn files_stay_short() {
    let mut faults = Vec::new();
    for path in rust_files() {
        let lines = read(&path).lines().count();
        let known = LONG_FILES
            .iter()
            .find(|(long, _)| path.as_os_str() == *long);
        let lines_max = known.map_or(FILE_LINES_MAX, |(_, lines)| *lines);
        if lines > lines_max {
            let path = path.display();
            faults.push(format!("{path}: {lines} lines; at most {lines_max}"));
        }
        if known.is_some() && lines <= FILE_LINES_MAX {
            faults.push(format!("{}: take it off LONG_FILES", path.display()));
        }
    }
    none(faults);
}

#[test]
fn names_say_something() {
    let mut faults = Vec::new();
    for path in rust_files() {
        let name = path.with_extension("");
        for part in name
            .components()
            .filter_map(|part| part.as_os_str().to_str())
        {
            if part
                .split(['_', '-'])
                .any(|word| BANNED_WORDS.contains(&word))
            {
                faults.push(format!("{}: `{part}`", path.display()));
            }
        }
        for line in read(&path).lines() {
            let line = line.trim_start();
            let module = line
                .trim_start_matches("pub ")
                .strip_prefix("mod ")
                .map(word);
            if module.is_some_and(|name| name.split('_').any(|w| BANNED_WORDS.contains(&w))) {
                faults.push(format!("{}: {line}", path.display()));
            }
        }
    }
    none(faults);
}

#[test]
fn nothing_is_left_for_later_without_a_number() {
    let forbidden = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("d", "bg!("),
    ];
    let later = concat!("TO", "DO");
    let mut faults = Vec::new();
    for path in rust_files() {
        for (number, line) in (1..).zip(read(&path).lines()) {
            let is_forbidden = forbidden.iter().any(|word| line.contains(word));
            let is_loose = line.contains(later) && !line.contains(concat!("TO", "DO(#"));
            let is_fix = line.contains(concat!("FIX", "ME"));
            if is_forbidden || is_loose || is_fix {
                faults.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    none(faults);
}

#[test]
fn nothing_sleeps_to_synchronise() {
    let words = [concat!("time::", "sleep"), concat!("thread::", "sleep")];
    let mut found = BTreeMap::new();
    for path in rust_files() {
        let code = read(&path);
        let count: usize = words.iter().map(|word| code.matches(word).count()).sum();
        if count > 0 {
            found.insert(path.display().to_string(), count);
        }
    }
    let allowed: BTreeMap<_, _> = SLEEPS
        .iter()
        .map(|(path, count, _)| ((*path).to_owned(), *count))
        .collect();
    assert_eq!(
        found, allowed,
        "left: sleeps that are there; right: those with a reason"
    );
}

/// Files that git tracks; `None` outside of a working copy.
fn tracked() -> Option<Vec<PathBuf>> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let names = String::from_utf8(listed.stdout).ok()?;
    Some(
        names
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect(),
    )
}

#[test]
fn no_private_key_is_tracked() {
    let begin = concat!("PRIVATE ", "KEY-----");
    let mut faults = Vec::new();
    for path in tracked().unwrap_or_else(rust_files) {
        let is_key = path
            .extension()
            .is_some_and(|e| e == "key" || e == "p12" || e == "pfx");
        let bytes = std::fs::read(root().join(&path)).unwrap_or_default();
        let holds_key = bytes
            .windows(begin.len())
            .any(|part| part == begin.as_bytes());
        if is_key || holds_key {
            faults.push(path.display().to_string());
        }
    }
    none(faults);
}

#[test]
fn the_changelog_keeps_its_shape() {
    let text = read(Path::new("CHANGELOG.md"));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("# Changes"));
    let versions: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(versions.first(), Some(&"Unreleased"));
    for version in &versions[1..] {
        let (number, day) = version.split_once(" (").expect("`## 1.2.3 (2026-01-31)`");
        assert_eq!(number.split('.').count(), 3, "{version}");
        assert_eq!(
            day.trim_end_matches(')').len(),
            "2026-01-31".len(),
            "{version}"
        );
    }
    for kind in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        let kinds = ["Added", "Changed", "Fixed", "Removed", "Security"];
        assert!(kinds.contains(&kind), "{kind}");
    }
}

#[test]
fn every_metric_is_in_the_operations_manual() {
    let manual = read(Path::new("docs/OPERATIONS.md"));
    let missing = entente::telemetry::names::ALL
        .iter()
        .filter(|metric| !manual.contains(&format!("| `{}` |", metric.name)));
    none(missing.map(|metric| metric.name.to_owned()).collect());
    for line in manual
        .lines()
        .filter_map(|line| line.strip_prefix("| `entente_"))
    {
        let name = format!("entente_{}", line.split('`').next().unwrap_or_default());
        let known = entente::telemetry::names::ALL
            .iter()
            .any(|metric| metric.name == name);
        assert!(known, "{name} is in the manual only");
    }
}

/// The text of the library's part on trust, each piece of it on one line.
fn text_of_trust() -> String {
    let files = rust_files().into_iter();
    let files = files.filter(|path| path.starts_with("src/trust"));
    let text: String = files.map(|path| read(&path)).collect();
    let text = text.replace("\\\n", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_looked_at_in_an_authority_stands_in_the_manual() {
    let manual = read(Path::new("docs/CERTIFICATES.md"));
    let (_, section) = manual.split_once("### What is looked at").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let text = text_of_trust();
    let mut faults = Vec::new();
    let mut phrases = Vec::new();
    for row in rows {
        let said = row.split(" | ").next().unwrap();
        phrases.extend(said.split('`').skip(1).step_by(2));
    }
    for phrase in phrases.iter().filter(|phrase| !text.contains(**phrase)) {
        faults.push(format!("nothing in src/trust says `{phrase}`"));
    }
    for (at, mark) in text.match_indices("advice.push( \"") {
        let advice = &text[at + mark.len()..];
        if !phrases.iter().any(|phrase| advice.starts_with(phrase)) {
            faults.push(format!("no row for `{}`", &advice[..40]));
        }
    }
    none(faults);
}

//! House rules as tests. [`IMPORTS`] is the architecture diagram: who may name whom.
//!
//! A rule that needs an exception has it here, in a list, with its reason; a list may only
//! get shorter (a ratchet), because an entry that is no longer needed fails too.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/reliability.rs"]
mod reliability;
#[path = "tidy/threats.rs"]
mod threats;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each module and the modules of ours that it may name, besides itself.
const IMPORTS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("report", &[]),
    ("socket", &[]),
    ("record", &[]),
    ("telemetry", &[]),
    ("identity", &["record"]),
    ("formats", &["report"]),
    ("normalise", &["report", "record", "identity"]),
    ("admission", &["identity", "clock"]),
    // Never learns what a record is.
    ("journal", &["clock"]),
    // Of the journal only positions and receipts; of the normaliser only violations and bounds.
    (
        "wire",
        &["report", "record", "identity", "normalise", "journal"],
    ),
    ("trust", &["identity", "clock", "socket"]),
    (
        "listener",
        &["trust", "identity", "clock", "socket", "telemetry"],
    ),
    ("client", &["trust", "wire", "identity", "clock", "socket"]),
    ("pki", &["identity", "clock"]),
    (
        "intake",
        &[
            "identity",
            "admission",
            "normalise",
            "formats",
            "report",
            "record",
            "journal",
            "wire",
            "clock",
        ],
    ),
    ("feed", &["identity", "record", "journal", "wire", "clock"]),
    (
        "retention",
        &["identity", "record", "journal", "wire", "feed", "clock"],
    ),
    // Moves what the journal holds, and checks what it says.
    ("transfer", &["journal", "wire"]),
    (
        "rpc",
        &[
            "intake",
            "feed",
            "retention",
            "identity",
            "wire",
            "admission",
            "trust",
            "listener",
            "journal",
            "clock",
            "record",
            "telemetry",
            // Renewal over the wire.
            "pki",
        ],
    ),
    (
        "mock",
        &["report", "wire", "pki", "clock", "client", "identity"],
    ),
    // A reader that hands on: only the partner's side of the contract, never the gateway's.
    (
        "relay",
        &[
            "client",
            "wire",
            "trust",
            "formats",
            "identity",
            "record",
            "clock",
            "telemetry",
        ],
    ),
    // Fills the settings that modules own.
    (
        "config",
        &[
            "identity",
            "record",
            "normalise",
            "trust",
            "journal",
            "listener",
            "feed",
            "retention",
            "admission",
            "rpc",
            "telemetry",
            "clock",
            "pki",
        ],
    ),
    // The composition root: everything below the command line, but no partner's side.
    (
        "gateway",
        &[
            "clock",
            "identity",
            "report",
            "record",
            "normalise",
            "formats",
            "admission",
            "journal",
            "wire",
            "trust",
            "listener",
            "intake",
            "feed",
            "retention",
            "rpc",
            "config",
            "telemetry",
            "pki",
        ],
    ),
    (
        "cli",
        &[
            "clock",
            "identity",
            "report",
            "record",
            "normalise",
            "formats",
            "admission",
            "journal",
            "wire",
            "trust",
            "listener",
            "intake",
            "feed",
            "retention",
            "transfer",
            "rpc",
            "config",
            "telemetry",
            "gateway",
            "client",
            "pki",
            "mock",
            "relay",
        ],
    ),
];

/// Libraries that only some modules may see, by the beginning of a path.
const LIBRARIES: &[(&[&str], &[&str])] = &[
    (
        &["rustls::", "x509_parser::", "webpki::", "rcgen::"],
        &["trust", "pki"],
    ),
    // A client's connection runs over the TLS that `trust` configured.
    (
        &["tokio_rustls::", "rustls_pki_types::"],
        &["trust", "pki", "client"],
    ),
    // The partner's side (client, mock, and the commands that are partners) speaks gRPC too.
    (
        &[
            "tonic::",
            "tonic_health::",
            "tonic_reflection::",
            "tonic_types::",
        ],
        &["rpc", "gateway", "client", "mock", "cli", "wire"],
    ),
    (&["fjall::"], &["journal", "cli"]),
    // `formats` reads a protobuf message of somebody else's; it never sees our contract.
    (
        &["prost::"],
        &["wire", "rpc", "client", "mock", "cli", "formats", "relay"],
    ),
    (
        &["prost_reflect::"],
        &["wire", "rpc", "client", "mock", "cli"],
    ),
    // A label of STANAG 4774 may stand in place of a marking.
    (&["quick_xml::"], &["formats", "normalise"]),
    (&["csv::"], &["formats"]),
    // `entente bench ingest` compares with a server of its own.
    (&["async_nats::"], &["journal", "cli", "relay"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of a folder, relative to the repository, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<PathBuf> {
    let folders = ["src", "tests", "benches"];
    folders
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The code without comment lines, and without the tests at the end of the file.
fn code(path: &Path) -> String {
    let text = read(path);
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Tests that stand in a file of their own may name anything.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// `src/feed/release.rs` is of `feed`; `lib.rs` and `main.rs` are of none.
fn module(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs");
    (!matches!(name, "lib" | "main")).then(|| name.to_owned())
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The modules that stand behind `crate::`, in paths and in groups.
fn named_modules(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            named.insert(word(rest));
            continue;
        };
        let (mut depth, mut starts) = (0_u32, true);
        for (offset, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if starts && !c.is_whitespace() => {
                    named.insert(word(&group[offset..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    named
}

#[expect(clippy::needless_pass_by_value, reason = "it ends every check")]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn modules_import_downwards_only() {
    let table: BTreeMap<_, _> = IMPORTS.iter().copied().collect();
    let mut faults = Vec::new();
    for path in files("src", "rs") {
        let Some(module) = module(&path) else {
            continue;
        };
        let Some(allowed) = table.get(module.as_str()) else {
            faults.push(format!(
                "{}: no row in IMPORTS for `{module}`",
                path.display()
            ));
            continue;
        };
        if is_test(&path) {
            continue;
        }
        for named in named_modules(&code(&path)) {
            let is_ours = table.contains_key(named.as_str());
            if is_ours && named != module && !allowed.contains(&named.as_str()) {
                faults.push(format!(
                    "{}: `{module}` may not name `{named}`",
                    path.display()
                ));
            }
        }
    }
    none(faults);
}

#[test]
fn groups_of_imports_are_read_whole() {
    let code = "use crate::{clock::{Clock, SystemClock}, feed, config::{self}}; crate::rpc::x()";
    let named: Vec<_> = named_modules(code).into_iter().collect();
    assert_eq!(named, ["clock", "config", "feed", "rpc"]);
}

#[test]
fn libraries_stay_behind_their_modules() {
    let mut faults = Vec::new();
    for path in files("src", "rs").into_iter().filter(|path| !is_test(path)) {
        let Some(module) = module(&path) else {
            continue;
        };
        let code = code(&path);
        for (libraries, allowed) in LIBRARIES {
            for library in *libraries {
                let is_named = code.match_indices(library).any(|(at, _)| {
                    let before = code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
                });
                if is_named && !allowed.contains(&module.as_str()) {
                    faults.push(format!(
                        "{}: `{module}` may not see {library}",
                        path.display()
                    ));
                }
            }
        }
    }
    none(faults);
}

#[test]
fn records_are_sealed_by_the_normaliser_alone() {
    let seal = concat!("Record::", "seal(");
    let elsewhere = files("src", "rs")
        .into_iter()
        .filter(|path| !path.starts_with("src/normalise") && !is_test(path))
        .filter(|path| module(path).as_deref() != Some("normalise"))
        .filter(|path| code(path).contains(seal));
    none(elsewhere.map(|path| path.display().to_string()).collect());
}

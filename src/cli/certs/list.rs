//! `entente certs list`: every certificate and revocation list in a folder, the one that ends
//! first on top.

use super::Output;
use super::said::days_left;
use crate::cli::foreign::harmless;
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::pki::{files, normal_serial};
use crate::trust::{self, CertificateFacts, Held, ListFacts};
use clap::Args;
use comfy_table::{Cell, Color, Table, presets::NOTHING};
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Most files that are looked at.
const FILES_MAX: usize = 100_000;
/// How deep folders are followed.
const DEPTH_MAX: usize = 16;
/// Days ahead at which what ends soon becomes urgent.
const URGENT_DAYS: i64 = 7;
const ENDINGS: [&str; 6] = ["pem", "crt", "cer", "der", "crl", "cert"];

/// Lists certificates and revocation lists with the days that are left, those that end first on
/// top. Coloured on a terminal, unless NO_COLOR is set.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Files and folders.
    #[arg(default_value = "certs-dev", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only what ends within so many days, or has ended.
    #[arg(long, value_name = "DAYS")]
    within: Option<i64>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

struct Row {
    name: String,
    kind: &'static str,
    until: Timestamp,
    days: i64,
    state: State,
    serial: String,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Valid,
    Soon,
    Urgent,
    Expired,
    NotYet,
    Revoked,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Soon => "ends soon",
            Self::Urgent => "ends within a week",
            Self::Expired => "expired",
            Self::NotYet => "not valid yet",
            Self::Revoked => "revoked",
        }
    }

    fn colour(self) -> Color {
        match self {
            Self::Valid => Color::Green,
            Self::Soon | Self::NotYet => Color::Yellow,
            Self::Urgent | Self::Expired | Self::Revoked => Color::Red,
        }
    }
}

#[derive(Default)]
struct Found {
    certificates: Vec<(PathBuf, CertificateFacts)>,
    lists: Vec<(PathBuf, ListFacts)>,
    unreadable: Vec<String>,
}

pub(super) fn run(arguments: &List, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Failure> {
    let mut found = Found::default();
    for path in &arguments.paths {
        let mut paths = Vec::new();
        walk(path, 0, &mut paths).map_err(|error| fail(format!("{}: {error}", path.display())))?;
        paths.sort();
        for path in paths {
            found.read(&path);
        }
    }
    let now = clock.now();
    let mut rows = found.rows(now);
    if let Some(within) = arguments.within {
        rows.retain(|row| row.days <= within);
    }
    rows.sort_by(|a, b| a.until.cmp(&b.until).then_with(|| a.file.cmp(&b.file)));
    match arguments.output {
        Output::Json => {
            let rows: Vec<_> = rows.iter().map(object).collect();
            let object = json!({ "entries": rows, "unreadable": found.unreadable });
            serde_json::to_writer_pretty(&mut *out, &object).map_err(fail)?;
            writeln!(out).map_err(fail)
        }
        Output::Text => {
            writeln!(out, "{}", table(&rows).trim_fmt()).map_err(fail)?;
            for line in &found.unreadable {
                writeln!(out, "not readable: {line}").map_err(fail)?;
            }
            Ok(())
        }
    }
}

fn walk(path: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DEPTH_MAX || paths.len() >= FILES_MAX {
        return Ok(());
    }
    if !std::fs::metadata(path)?.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let is_wanted = path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| ENDINGS.contains(&ending));
        if path.is_dir() || is_wanted {
            walk(&path, depth + 1, paths)?;
        }
    }
    Ok(())
}

impl Found {
    fn read(&mut self, path: &Path) {
        let read = files::read_bounded(path, files::FILE_BYTES_MAX)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                trust::read_held(&bytes).map_err(|error| format!("{}: {error}", path.display()))
            });
        let held = match read {
            Ok(held) => held,
            Err(error) => return self.unreadable.push(error),
        };
        for held in held {
            match held {
                Held::Certificate(facts) => self.certificates.push((path.to_owned(), *facts)),
                Held::RevocationList(facts) => self.lists.push((path.to_owned(), *facts)),
                Held::Request(_) | Held::PrivateKey | Held::Other(_) => {}
            }
        }
    }

    fn rows(&self, now: Timestamp) -> Vec<Row> {
        let certificates = self.certificates.iter().map(|(file, facts)| Row {
            name: name_of(facts),
            kind: kind_of(facts),
            until: facts.not_after,
            days: days_left(facts.not_after, now),
            state: if self.is_revoked(facts) {
                State::Revoked
            } else if now < facts.not_before {
                State::NotYet
            } else {
                state(facts.not_before, facts.not_after, now)
            },
            serial: facts.serial_hex.clone(),
            file: file.clone(),
        });
        let lists = self.lists.iter().map(|(file, facts)| {
            let until = facts.next_update.unwrap_or(facts.this_update);
            Row {
                name: facts.issuer.clone(),
                kind: "revocation list",
                until,
                days: days_left(until, now),
                state: state(facts.this_update, until, now),
                serial: facts.number.clone().unwrap_or_default(),
                file: file.clone(),
            }
        });
        certificates.chain(lists).collect()
    }

    /// On a list that its issuer signed, as far as issuer and list lie here too.
    fn is_revoked(&self, certificate: &CertificateFacts) -> bool {
        let Some(serial) = normal_serial(&certificate.serial_hex) else {
            return false;
        };
        let issuers = self.certificates.iter().map(|(_, facts)| facts);
        let mut issuers = issuers.filter(|issuer| certificate.is_signed_by(issuer));
        issuers.next().is_some_and(|issuer| {
            let lists = self.lists.iter().map(|(_, list)| list);
            lists
                .filter(|list| list.is_signed_by(issuer))
                .flat_map(|list| &list.revoked)
                .any(|(revoked, _)| normal_serial(revoked).as_ref() == Some(&serial))
        })
    }
}

/// As the gateway warns of ends: what was made for a month does not end soon on its first day.
fn state(from: Timestamp, until: Timestamp, now: Timestamp) -> State {
    if days_left(until, now) < 0 {
        return State::Expired;
    }
    match trust::threshold(from, until, now) {
        None => State::Valid,
        Some(days) if days <= URGENT_DAYS => State::Urgent,
        Some(_) => State::Soon,
    }
}

fn name_of(facts: &CertificateFacts) -> String {
    match (facts.uris.as_slice(), facts.hosts.as_slice()) {
        ([], []) => facts.subject.clone(),
        ([], hosts) => hosts.join(", "),
        (uris, _) => uris.join(", "),
    }
}

fn kind_of(facts: &CertificateFacts) -> &'static str {
    if facts.is_authority {
        "authority"
    } else if !facts.uris.is_empty() {
        "system"
    } else if !facts.hosts.is_empty() {
        "gateway"
    } else {
        "certificate"
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        table.force_no_tty();
    }
    table.set_header(["DAYS LEFT", "STATE", "VALID UNTIL", "KIND", "NAME", "FILE"]);
    for row in rows {
        table.add_row([
            Cell::new(row.days).fg(row.state.colour()),
            Cell::new(row.state.word()).fg(row.state.colour()),
            Cell::new(row.until.strftime("%Y-%m-%d")),
            Cell::new(row.kind),
            Cell::new(harmless(&row.name)),
            Cell::new(row.file.display()),
        ]);
    }
    table
}

fn object(row: &Row) -> serde_json::Value {
    json!({
        "name": row.name,
        "kind": row.kind,
        "validUntil": row.until.to_string(),
        "daysLeft": row.days,
        "state": row.state.word(),
        "serial": row.serial,
        "file": row.file,
    })
}

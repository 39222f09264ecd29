//! What only the whole shows: files that must be there, modes of key files, settings that do
//! not fit each other, loosened defaults; and, for `entente check`, what the files of trust hold.

use super::problem::{Problem, Reading};
use super::sections::GatewaySettings;
use super::{Loaded, NationFile};
use crate::clock::Clock;
use crate::trust::{OwnCertificate, Severity, TrustProblem, TrustSnapshot};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Permission bits by which others than the owner reach a key or a folder.
const OTHERS_MODE: u32 = 0o077;

/// Checks the settings of the gateway against each other and against the disk.
pub(super) fn check(gateway: &GatewaySettings, file: &Path, reading: &Reading) {
    for (key, path) in [
        ("tls.certificate", &gateway.tls.certificate),
        ("tls.key", &gateway.tls.key),
    ] {
        if let Some(message) = unreadable(path) {
            reading.problem(file, key, message);
        }
    }
    let journal = &gateway.journal;
    for (key, path, mode) in [
        ("tls.key", &gateway.tls.key, "600"),
        ("journal.folder", &journal.folder, "700"),
        ("quarantine.folder", &gateway.quarantine.folder, "700"),
        ("trust.folder", &gateway.trust.folder, "700"),
    ] {
        if let Some(message) = open_to_others(path, mode) {
            reading.problem(file, key, message);
        }
    }
    if (journal.batch_bytes_max as u64).saturating_mul(2) > journal.segment_bytes {
        let message = "a segment must hold at least two batches of journal.batch_bytes_max";
        reading.problem(file, "journal.segment_bytes", message);
    }
    if gateway.rpc.message_bytes_max.saturating_mul(2) > journal.batch_bytes_max {
        let message = "a report and its record must fit: at least twice services.message_bytes_max";
        reading.problem(file, "journal.batch_bytes_max", message);
    }
    if [&journal.folder, &gateway.quarantine.folder].contains(&&gateway.trust.folder) {
        let message = "the journal or the quarantine has this folder already";
        reading.problem(file, "trust.folder", message);
    }
    if journal.folder == gateway.quarantine.folder {
        let message = "the journal has this folder already";
        reading.problem(file, "quarantine.folder", message);
    }
    warn_of_loosened(gateway, file, reading);
}

fn warn_of_loosened(gateway: &GatewaySettings, file: &Path, reading: &Reading) {
    let loosened = [
        (
            gateway.allow_development_anchors,
            "trust.allow_development_anchors",
            "anchors made for development are taken; never so in production",
        ),
        (
            gateway.metrics.danger_serve_to_everyone,
            "metrics.danger_serve_to_everyone",
            "metrics are served without authentication",
        ),
        (
            gateway.journal.free_bytes_floor == 0,
            "journal.free_bytes_floor",
            "the disk may fill up: reports are refused only when it is full",
        ),
    ];
    for (set, key, message) in loosened {
        if set {
            reading.warning(file, key, message);
        }
    }
}

/// Why a file cannot be read; `None`: it can.
pub(super) fn unreadable(path: &Path) -> Option<String> {
    if path.as_os_str().is_empty() {
        // Said where the key is missing.
        return None;
    }
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(seen) if seen.is_file() => None,
        Ok(_) => Some(format!("{} is not a file", path.display())),
        Err(error) => Some(format!("{} cannot be read: {error}", path.display())),
    }
}

/// Why others can reach a file or a folder; `None`: they cannot, or it is not there.
pub(super) fn open_to_others(path: &Path, expected: &str) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & OTHERS_MODE != 0).then(|| {
        format!(
            "{0} has mode {mode:04o}, so others than its owner have access; \
             set it to 0{expected}: chmod {expected} {0}",
            path.display()
        )
    })
}

/// Opens every file of trust and says what is wrong inside: problems first, then warnings.
/// Reads from disk; the gateway does the same once more when it starts.
#[must_use]
pub fn examine_trust(
    loaded: &Loaded,
    gateway_toml: &Path,
    clock: &dyn Clock,
) -> (Vec<Problem>, Vec<Problem>) {
    let sources: Vec<_> = loaded.nations.iter().map(|n| n.sources.clone()).collect();
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let found = match TrustSnapshot::load(0, &sources, clock) {
        Ok(snapshot) => {
            let mut found = snapshot.warnings().to_vec();
            found.extend(snapshot.unfit_for(loaded.gateway.listener.tls_profile));
            found
        }
        Err(found) => found,
    };
    for fault in found {
        let list = match fault.severity {
            Severity::Error => &mut problems,
            Severity::Warning => &mut warnings,
        };
        list.push(named(&fault, &loaded.nations));
    }
    let own = &loaded.gateway.tls;
    match OwnCertificate::load(&own.certificate, &own.key) {
        Ok(certificate) if certificate.not_after() < clock.now() => {
            let message = format!("the certificate ended at {}", certificate.not_after());
            problems.push(bare(gateway_toml, "tls.certificate", message));
        }
        Ok(certificate) => {
            let profile = loaded.gateway.listener.tls_profile;
            if let Err(error) = certificate.check_profile(&own.certificate, profile) {
                problems.push(bare(
                    gateway_toml,
                    "listener.tls_profile",
                    error.to_string(),
                ));
            }
        }
        Err(error) => problems.push(bare(gateway_toml, "tls", error.to_string())),
    }
    (problems, warnings)
}

/// A fault in a nation's material, under the key that names it.
fn named(fault: &TrustProblem, nations: &[NationFile]) -> Problem {
    let of = nations.iter().find(|n| n.nation.code == fault.nation);
    let file = of.map_or_else(|| Path::new(""), |nation| nation.file.as_path());
    let source = Path::new(&fault.source_name);
    let key = match of.map(|nation| &nation.sources) {
        Some(sources) if sources.anchors.iter().any(|path| path == source) => "trust.anchors",
        Some(sources)
            if sources
                .revocation_lists
                .iter()
                .any(|path| source.starts_with(path)) =>
        {
            "trust.revocation_lists"
        }
        _ => "trust",
    };
    let message = format!("{}: {}", fault.source_name, fault.reason);
    bare(file, key, message)
}

fn bare(file: &Path, key: &str, message: String) -> Problem {
    Problem {
        file: file.to_owned(),
        line: None,
        key: key.to_owned(),
        message,
    }
}

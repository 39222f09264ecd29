//! The sections about certificates beside trust itself: the diagnosis listener, and renewal over
//! the wire.

use super::files::unreadable;
use super::reader::Table;
use super::sections::{count, secs};
use crate::listener;
use crate::pki::{OfficeFiles, RenewalSettings, Signer};
use std::net::SocketAddr;
use std::time::Duration;

/// Where refused partners are told why.
pub(super) fn diagnosis(mut table: Table<'_>) -> listener::DiagnosisSettings {
    let default = listener::DiagnosisSettings::default();
    let expected = "an address with a port, such as 127.0.0.1:7444";
    let address = table.text("address", expected).and_then(|text| {
        let address = text.parse::<SocketAddr>();
        if address.is_err() {
            table.problem("address", format!("`{text}` is not {expected}"));
        }
        address.ok()
    });
    let settings = listener::DiagnosisSettings {
        address,
        connections_max: count(
            &mut table,
            "connections_max",
            default.connections_max,
            1..=1024,
        ),
        per_minute_max: count(
            &mut table,
            "per_minute_max",
            default.per_minute_max,
            1..=10_000,
        ),
        lifetime: table.duration(
            "lifetime",
            default.lifetime,
            Duration::from_secs(1)..=secs(60),
        ),
    };
    table.finish();
    settings
}

/// How systems of a nation renew their certificates over the wire; none: they do not.
pub(super) fn renewal(mut table: Table<'_>) -> Option<RenewalSettings> {
    let folder = table.text("danger_issuing_folder", "a folder of `entente certs`");
    let folder = folder.map(|folder| table.beside("danger_issuing_folder", &folder));
    let command = table.texts("command", "a program and its arguments");
    let days = table.number("days", 90, 1..=397);
    let deadline = table.duration("deadline", secs(10), Duration::from_millis(100)..=secs(60));
    let per_day = table.number("per_day_max", 8, 1..=1000);
    let signer = match (folder, command.is_empty()) {
        (Some(_), false) => {
            table.problem(
                "command",
                "renewal.danger_issuing_folder signs already; name one of them",
            );
            None
        }
        (Some(folder), true) => {
            let files = OfficeFiles::in_folder(&folder);
            for file in [&files.certificate, &files.key] {
                if let Some(message) = unreadable(file) {
                    table.problem("danger_issuing_folder", message);
                }
            }
            table.warning(
                "danger_issuing_folder",
                "whoever takes this machine over can make any identity of the nation; renewal.command \
                 keeps the key elsewhere",
            );
            Some(Signer::Folder(folder))
        }
        (None, false) => Some(Signer::Command(command)),
        (None, true) => None,
    };
    table.finish();
    Some(RenewalSettings {
        signer: signer?,
        days: u32::try_from(days).unwrap_or(90),
        deadline,
        per_day_max: u32::try_from(per_day).unwrap_or(8),
    })
}

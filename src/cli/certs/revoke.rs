//! `entente certs revoke` and `crl`: the authority takes a certificate back, and renews its
//! revocation list before it runs out.

use super::Output;
use super::said::{day, days_left, say};
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::identity::Identity;
use crate::pki::{self, ListMade, Office, Reason};
use crate::trust::{self, Held};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Why a certificate is revoked, as the command line has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReasonArgument {
    /// The key is, or may be, in other hands.
    KeyCompromise,
    /// A newer certificate takes its place.
    Superseded,
    /// The system is out of service.
    CessationOfOperation,
    /// The system belongs to somebody else now.
    AffiliationChanged,
    /// The system may no longer do what the certificate says.
    PrivilegeWithdrawn,
    /// No reason is given.
    Unspecified,
}

impl From<ReasonArgument> for Reason {
    fn from(argument: ReasonArgument) -> Self {
        match argument {
            ReasonArgument::KeyCompromise => Self::KeyCompromise,
            ReasonArgument::Superseded => Self::Superseded,
            ReasonArgument::CessationOfOperation => Self::CessationOfOperation,
            ReasonArgument::AffiliationChanged => Self::AffiliationChanged,
            ReasonArgument::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            ReasonArgument::Unspecified => Self::Unspecified,
        }
    }
}

/// Revokes certificates: writes them into the authority's register and issues the next
/// revocation list. Give the list to the gateway's operator; it acts within seconds of arriving.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true)))]
pub(super) struct Revoke {
    /// Folder of the authority.
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
    /// Serial number, hexadecimal, as logs and `entente certs list` show it. May be given more
    /// than once.
    #[arg(long, value_name = "HEX", group = "whom")]
    serial: Vec<String>,
    /// The certificate itself.
    #[arg(long, value_name = "FILE", group = "whom")]
    cert: Option<PathBuf>,
    /// Every certificate in the register that names this system, as NATION/system.
    #[arg(long = "as", value_name = "NATION/SYSTEM", group = "whom")]
    identity: Option<String>,
    /// Why.
    #[arg(long, value_enum, default_value_t = ReasonArgument::KeyCompromise)]
    reason: ReasonArgument,
    /// Takes a serial number that the register does not know.
    #[arg(long)]
    danger_unknown_serial: bool,
    /// Days after which the new list is to be renewed.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn revoke(
    arguments: &Revoke,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut office = Office::open(&arguments.authority).map_err(fail)?;
    let serials = match (&arguments.cert, &arguments.identity) {
        (Some(path), _) => vec![serial_in(path, &arguments.authority)?],
        (None, Some(identity)) => serials_of(identity, &office)?,
        (None, None) => given_serials(arguments, &office)?,
    };
    let made = office
        .revoke(
            &serials,
            arguments.reason.into(),
            arguments.days,
            clock.now(),
        )
        .map_err(fail)?;
    let object = json!({
        "serials": serials,
        "list": made.as_ref().map(list_object),
    });
    let mut lines = Vec::new();
    match &made {
        Some(made) => {
            lines.push(format!("revoked {}", serials.join(", ")));
            lines.extend(list_lines(made));
        }
        None => lines.push(format!(
            "{} stood on the revocation list already; no new list was made",
            serials.join(", ")
        )),
    }
    say(out, arguments.output, &lines, &object)
}

fn given_serials(arguments: &Revoke, office: &Office) -> Result<Vec<String>, Failure> {
    let mut serials = Vec::new();
    for given in &arguments.serial {
        let serial = pki::normal_serial(given).ok_or_else(|| {
            Failure::Usage(format!(
                "--serial: `{given}` is no serial number: expected hexadecimal digits, such as \
                 4f1a09 or 4F:1A:09"
            ))
        })?;
        let register = office.register();
        let is_known = register.issued.iter().any(|entry| entry.serial == serial)
            || register.is_revoked(&serial);
        if !is_known && !arguments.danger_unknown_serial {
            return Err(fail(format!(
                "serial {serial} is not in the register of {}; if the certificate was issued \
                 elsewhere with this authority's key, name the certificate (--cert), or say \
                 --danger-unknown-serial",
                arguments.authority.display()
            )));
        }
        serials.push(serial);
    }
    Ok(serials)
}

/// The serial number in a certificate file, if this authority issued it.
fn serial_in(path: &Path, folder: &Path) -> Result<String, Failure> {
    let first = |path: &Path| {
        let bytes = pki::files::read_bounded(path, pki::files::FILE_BYTES_MAX).map_err(fail)?;
        let held = trust::read_held(&bytes)
            .map_err(|error| fail(format!("{}: {error}", path.display())))?;
        let found = held.into_iter().find_map(|held| match held {
            Held::Certificate(facts) => Some(facts),
            _ => None,
        });
        found.ok_or_else(|| fail(format!("{}: holds no certificate", path.display())))
    };
    let certificate = first(path)?;
    let authority = first(&pki::OfficeFiles::in_folder(folder).certificate)?;
    if !certificate.is_signed_by(&authority) {
        return Err(fail(format!(
            "{}: was issued by `{}`, not by this authority (`{}`); revoke it there",
            path.display(),
            certificate.issuer,
            authority.subject
        )));
    }
    pki::normal_serial(&certificate.serial_hex)
        .ok_or_else(|| fail(format!("{}: has no usable serial number", path.display())))
}

fn serials_of(identity: &str, office: &Office) -> Result<Vec<String>, Failure> {
    let identity =
        Identity::parse(identity).map_err(|error| Failure::Usage(format!("--as: {error}")))?;
    let register = office.register();
    let domain = register.trust_domain.as_deref().unwrap_or_default();
    let uri = format!("spiffe://{domain}/{}", identity.system);
    let of_it = register.issued.iter().filter(|entry| entry.name == uri);
    let serials: Vec<_> = of_it.map(|entry| entry.serial.clone()).collect();
    if serials.is_empty() {
        return Err(fail(format!(
            "the register has no certificate for {uri}; `entente certs revoke --cert FILE` or \
             `--serial HEX` revokes one that was issued elsewhere"
        )));
    }
    Ok(serials)
}

/// Issues the authority's next revocation list, with what is revoked so far. A list that is not
/// renewed in time keeps the whole nation out; run this from a timer with --if-within.
#[derive(Debug, Args)]
pub(super) struct Crl {
    /// Folder of the authority.
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
    /// Days after which the new list is to be renewed.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    /// Makes a new list only if the present one runs out within so many days.
    #[arg(long, value_name = "DAYS")]
    if_within: Option<u32>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn crl(arguments: &Crl, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Failure> {
    let mut office = Office::open(&arguments.authority).map_err(fail)?;
    let now = clock.now();
    if let (Some(days), Some(ends)) = (arguments.if_within, office.list_ends().map_err(fail)?) {
        let left = days_left(ends, now);
        if left >= i64::from(days) {
            let line = format!(
                "{}: good until {} ({left} days); nothing was made",
                office.files().list.display(),
                day(ends)
            );
            let object = json!({ "list": null, "daysLeft": left });
            return say(out, arguments.output, &[line], &object);
        }
    }
    let made = office.make_list(arguments.days, now).map_err(fail)?;
    let object = json!({ "list": list_object(&made) });
    say(out, arguments.output, &list_lines(&made), &object)
}

fn list_lines(made: &ListMade) -> Vec<String> {
    vec![format!(
        "{}: revocation list number {}, {} revoked, to be renewed by {}",
        made.path.display(),
        made.number,
        made.revoked,
        day(made.next_update)
    )]
}

fn list_object(made: &ListMade) -> serde_json::Value {
    json!({
        "file": made.path,
        "number": made.number,
        "revoked": made.revoked,
        "nextUpdate": made.next_update.to_string(),
    })
}

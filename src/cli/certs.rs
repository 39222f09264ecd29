//! `entente certs`: certificates for development. Production certificates come from the
//! nations' own authorities; these here are refused by a production configuration.

use crate::clock::Clock;
use crate::identity::{Identity, IdentityError};
use crate::pki::{self, InitSpec, PkiError, Summary};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{Table, presets::NOTHING};
use std::io::{self, Write};
use std::path::PathBuf;
use thiserror::Error;

/// Arguments of `entente certs`.
#[derive(Debug, Args)]
pub struct CertsArguments {
    #[command(subcommand)]
    command: CertsCommand,
}

#[derive(Debug, Subcommand)]
enum CertsCommand {
    /// Makes a development set: one authority per nation and one for the gateway, certificates
    /// for the gateway and for systems, and empty revocation lists. Overwrites nothing.
    Init(InitArguments),
}

#[derive(Debug, Args)]
struct InitArguments {
    /// Folder to write to; made if missing.
    #[arg(long, default_value = "certs-dev", value_name = "FOLDER")]
    dir: PathBuf,
    /// Name or address under which clients reach the gateway, besides localhost, 127.0.0.1
    /// and ::1. May be given more than once.
    #[arg(long, value_name = "NAME")]
    server_name: Vec<String>,
    /// Days for which certificates are valid, 1 to 397. Authorities: two years.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    days: u32,
    /// A system besides the usual ones, as NATION/system. May be given more than once.
    #[arg(long, value_name = "NATION/SYSTEM")]
    system: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table for people.
    Text,
    /// One object for machines.
    Json,
}

/// Why `entente certs` failed.
#[derive(Debug, Error)]
pub enum CertsError {
    /// A system was named wrongly.
    #[error("--system: {0}")]
    System(#[from] IdentityError),
    /// The set cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// Nobody can read what we print.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

/// Runs `entente certs`.
///
/// # Errors
/// Files exist already, or cannot be written.
pub fn run(
    arguments: &CertsArguments,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), CertsError> {
    match &arguments.command {
        CertsCommand::Init(init) => run_init(init, clock, out),
    }
}

fn run_init(
    arguments: &InitArguments,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), CertsError> {
    let mut spec = InitSpec::development(&arguments.dir);
    spec.server_names.clone_from(&arguments.server_name);
    spec.days = arguments.days;
    for system in &arguments.system {
        let identity = Identity::parse(system)?;
        if !spec.systems.contains(&identity) {
            spec.systems.push(identity);
        }
    }
    let summary = pki::init(&spec, clock)?;
    match arguments.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &summary).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Output::Text => print(&summary, out)?,
    }
    Ok(())
}

fn print(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["NAME", "KIND", "VALID UNTIL", "CERTIFICATE"]);
    for made in &summary.certificates {
        table.add_row([
            made.name.clone(),
            made.kind.to_owned(),
            made.not_after.strftime("%Y-%m-%d").to_string(),
            made.certificate.display().to_string(),
        ]);
    }
    let folder = summary.folder.display();
    writeln!(out, "{}", table.trim_fmt())?;
    writeln!(out)?;
    writeln!(
        out,
        "Keys lie beside the certificates (.key, mode 0600): keep them out of git."
    )?;
    writeln!(
        out,
        "Each nation has an empty revocation list (authority.crl.pem); without one nobody of it \
         connects."
    )?;
    writeln!(
        out,
        "The gateway's certificate is for {}.",
        summary.server_names.join(", ")
    )?;
    writeln!(
        out,
        "For development only: a production configuration refuses these authorities."
    )?;
    writeln!(out)?;
    writeln!(out, "Next:")?;
    writeln!(out, "  entente serve --config config/gateway.toml")?;
    writeln!(
        out,
        "  entente submit --as GBR/uav-cell-4 FILE   (certificates from {folder})"
    )
}

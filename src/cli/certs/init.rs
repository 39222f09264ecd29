//! `entente certs init`: the development set, or an authority of one's own.

use super::profile::{self, ForProfile};
use super::said::day;
use super::{KeyTypeArgument, Output};
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::identity::spiffe::TrustDomain;
use crate::identity::{Identity, NationCode};
use crate::pki::{self, Authority, AuthoritySpec, InitSpec, Office, Summary};
use crate::trust;
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use serde_json::json;
use std::io::{self, Write};
use std::path::PathBuf;

/// Makes a development set: one authority per nation and one for the gateway, certificates for
/// the gateway and for systems, and empty revocation lists. Overwrites nothing.
///
/// With --nation (or --for-gateway): makes one authority of your own instead, with an empty
/// revocation list and a register of what it issues. It is not marked as development; guard its
/// key.
#[derive(Debug, Args)]
pub(super) struct Init {
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
    /// Makes an authority of this nation (ISO 3166-1 alpha-3) and nothing else.
    #[arg(long, value_name = "NATION", requires = "trust_domain")]
    nation: Option<String>,
    /// SPIFFE trust domain of the nation, such as gbr.example.
    #[arg(long, value_name = "DOMAIN", requires = "nation")]
    trust_domain: Option<String>,
    /// Makes an authority for gateways' certificates and nothing else.
    #[arg(long, conflicts_with = "nation")]
    for_gateway: bool,
    /// Name of the authority for people.
    #[arg(long, value_name = "TEXT")]
    authority_name: Option<String>,
    /// Days for which the authority of --nation or --for-gateway is valid.
    #[arg(long, default_value_t = 1095, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=7300))]
    authority_days: u32,
    /// Days after which the authority's first, empty revocation list is to be renewed.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=400))]
    list_days: u32,
    #[command(flatten)]
    profile: ForProfile,
    /// Type of the keys of systems, or of the authority of --nation [default: what fits the
    /// profile: p256, for cnsa1 p384, for cnsa2 ml-dsa-87].
    #[arg(long, value_enum)]
    key_type: Option<KeyTypeArgument>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn run(arguments: &Init, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Failure> {
    if arguments.nation.is_some() || arguments.for_gateway {
        return authority(arguments, clock, out);
    }
    let mut spec = InitSpec::development(&arguments.dir);
    spec.server_names.clone_from(&arguments.server_name);
    spec.days = arguments.days;
    spec.key_type = arguments.profile.key_type(arguments.key_type)?;
    spec.authority_key_type = arguments.profile.usual_key();
    for system in &arguments.system {
        let identity = Identity::parse(system)
            .map_err(|error| Failure::Usage(format!("--system: {error}")))?;
        if !spec.systems.contains(&identity) {
            spec.systems.push(identity);
        }
    }
    let summary = pki::init(&spec, clock).map_err(fail)?;
    match arguments.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &summary).map_err(fail)?;
            writeln!(out).map_err(fail)
        }
        Output::Text => print(&summary, out).map_err(fail),
    }
}

/// One authority, for a nation or for gateways.
fn authority(arguments: &Init, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), Failure> {
    let usage = |option: &str, error: &dyn std::fmt::Display| {
        Failure::Usage(format!("--{option}: {error}"))
    };
    let nation = arguments.nation.as_deref().map(NationCode::parse);
    let nation = nation.transpose().map_err(|e| usage("nation", &e))?;
    let domain = arguments.trust_domain.as_deref().map(TrustDomain::parse);
    let domain = domain.transpose().map_err(|e| usage("trust-domain", &e))?;
    let now = clock.now();
    let name = arguments
        .authority_name
        .clone()
        .unwrap_or_else(|| match nation {
            // The year tells a root from its successor, whose name would else be the same.
            Some(nation) => format!("{nation} monitoring authority {}", now.strftime("%Y-%m-%d")),
            None => format!("Gateway authority {}", now.strftime("%Y-%m-%d")),
        });
    let spec = AuthoritySpec {
        is_development: false,
        path_length: Some(0),
        key_type: arguments.profile.key_type(arguments.key_type)?,
        ..AuthoritySpec::new(&name, now, arguments.authority_days)
    };
    let authority = Authority::root(&spec).map_err(fail)?;
    let faults = trust::authority_faults(authority.certificate(), arguments.profile.profile());
    profile::refuse(&faults)?;
    let domain = domain.as_ref().map(TrustDomain::as_str);
    let files = Office::found(&arguments.dir, &authority, domain, arguments.list_days, now)
        .map_err(fail)?;
    let object = json!({
        "name": name,
        "trustDomain": domain,
        "certificate": files.certificate,
        "key": files.key,
        "revocationList": files.list,
        "notAfter": authority.not_after().to_string(),
    });
    let mut lines = vec![
        format!("{name}, until {}", day(authority.not_after())),
        format!("  certificate      {}", files.certificate.display()),
        format!("  revocation list  {}", files.list.display()),
        format!(
            "  key              {}   (guard it: whoever has it is this authority)",
            files.key.display()
        ),
    ];
    if nation.is_some() {
        lines.push(
            "Give the gateway's operator the certificate and the revocation list.".to_owned(),
        );
        lines.push(format!(
            "Renew the list in time: entente certs crl --authority {}",
            arguments.dir.display()
        ));
    }
    super::said::say(out, arguments.output, &lines, &object)
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

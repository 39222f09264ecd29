//! `entente certs renew`: the same identity, a new key. At the authority, or over the wire from
//! the gateway.

use super::issue::{self, with_ending};
use super::profile::ForProfile;
use super::said::{day, say};
use super::{KeyTypeArgument, Output};
use crate::cli::partner::Partner;
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::pki::files::{self, NewFile};
use crate::pki::{self, Key, LeafSpec, Office, Request};
use crate::trust::{self, CertificateFacts, Held};
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Renews a certificate: the identity stays, the key is new. Overwrites nothing: the new pair
/// lies beside the old one as NAME.next.pem and NAME.next.key.
///
/// By whoever holds the authority: --authority FOLDER, or --as with the authority in the same
/// folder. By the system itself: --over-the-wire asks the gateway, over the current certificate,
/// where the gateway's operator has turned that on.
#[derive(Debug, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    partner: Partner,
    /// Folder of the authority [default: the folder of the certificate].
    #[arg(long, value_name = "FOLDER", conflicts_with = "over_the_wire")]
    authority: Option<PathBuf>,
    /// Asks the gateway for the new certificate.
    #[arg(long)]
    over_the_wire: bool,
    /// Days for which the new certificate is valid [default: as the old one].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=397), conflicts_with = "over_the_wire")]
    days: Option<u32>,
    #[command(flatten)]
    profile: ForProfile,
    /// Type of the new key [default: what fits the profile: p256, for cnsa1 p384, for cnsa2
    /// ml-dsa-87].
    #[arg(long, value_enum)]
    key_type: Option<KeyTypeArgument>,
    /// Where to: FILE.pem and FILE.key [default: the old name with .next].
    #[arg(long, value_name = "FILE", conflicts_with = "danger_replace")]
    out: Option<PathBuf>,
    /// Puts the new pair in the old one's place; the old one stays as NAME.previous.pem and
    /// NAME.previous.key.
    #[arg(long)]
    danger_replace: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn run(
    arguments: &Renew,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let certificate = arguments.partner.certificate()?;
    let old = leaf_of(&certificate)?;
    let place = Place::of(arguments, &certificate)?;
    place.refuse_existing()?;
    let key_type = arguments.profile.key_type(arguments.key_type)?;
    let key = Key::make(key_type).map_err(fail)?;
    let system_uri = match old.uris.as_slice() {
        [] => None,
        [uri] => Some(uri.as_str()),
        several => {
            return Err(fail(format!(
                "{}: has {} URIs; no gateway takes it, so it is not renewed as it stands",
                certificate.display(),
                several.len()
            )));
        }
    };
    let request = pki::request_spec(system_uri, &old.hosts).named(&old.uris, &old.hosts);
    let request = pki::write_request_der(&request, &key).map_err(fail)?;
    let renewed = if arguments.over_the_wire {
        over_the_wire(arguments, request)?
    } else {
        at_the_authority(arguments, &certificate, &old, &request, clock)?
    };
    place.write(&renewed.chain_pem, &key)?;
    let mut lines = vec![
        format!(
            "{}: {}, serial {}, until {}",
            place.certificate.display(),
            renewed.name,
            renewed.serial,
            renewed.until
        ),
        format!("{}: its key", place.key.display()),
    ];
    lines.extend(renewed.remark);
    lines.push(if arguments.danger_replace {
        format!(
            "The old pair is kept as {} and {}.",
            place.previous("pem").display(),
            place.previous("key").display()
        )
    } else {
        "Both are valid now: let the system use the new pair, then revoke the old certificate or \
         let it run out."
            .to_owned()
    });
    let object = json!({
        "certificate": place.certificate,
        "key": place.key,
        "name": renewed.name,
        "serial": renewed.serial,
        "notAfter": renewed.not_after,
    });
    say(out, arguments.output, &lines, &object)
}

struct Renewed {
    remark: Option<String>,
    chain_pem: String,
    name: String,
    serial: String,
    until: String,
    not_after: String,
}

fn at_the_authority(
    arguments: &Renew,
    certificate: &Path,
    old: &CertificateFacts,
    request: &[u8],
    clock: &dyn Clock,
) -> Result<Renewed, Failure> {
    let folder = match (&arguments.authority, arguments.partner.identity()?) {
        (Some(folder), _) => folder.clone(),
        (None, Some(identity)) => arguments.partner.folder().join(identity.nation.as_str()),
        (None, None) => certificate
            .parent()
            .unwrap_or_else(|| Path::new("."))
            .to_owned(),
    };
    let mut office = Office::open(&folder).map_err(fail)?;
    let authority = leaf_of(&office.files().certificate)?;
    if !old.is_signed_by(&authority) {
        // A new root of the same nation renews what the old one issued; another nation's not.
        let domain = office.register().trust_domain.clone().unwrap_or_default();
        let is_ours = old
            .uris
            .iter()
            .any(|uri| uri.starts_with(&format!("spiffe://{domain}/")));
        if domain.is_empty() || !is_ours {
            return Err(fail(format!(
                "{}: was issued by `{}`; the authority in {} is `{}`",
                certificate.display(),
                old.issuer,
                folder.display(),
                authority.subject
            )));
        }
    }
    let now = clock.now();
    let lifetime = old.not_after.duration_since(old.not_before).as_secs() / 86_400;
    let days = arguments
        .days
        .unwrap_or_else(|| u32::try_from(lifetime).unwrap_or(90).clamp(1, 397));
    let request = Request::read(request).map_err(fail)?;
    let is_system = !old.uris.is_empty();
    let spec = match old.uris.first() {
        Some(uri) => LeafSpec::system(uri, now, days),
        None => LeafSpec::server(&old.hosts, now, days),
    };
    let spec = spec.named(&old.uris, &old.hosts);
    let profile = arguments.profile.profile();
    let issued = issue::issue(&mut office, spec, &request, now, is_system, profile)?;
    Ok(Renewed {
        remark: issued.remark(),
        chain_pem: issued.chain_pem,
        name: issued.name,
        serial: issued.serial,
        until: day(issued.not_after),
        not_after: issued.not_after.to_string(),
    })
}

fn over_the_wire(arguments: &Renew, request: Vec<u8>) -> Result<Renewed, Failure> {
    let endpoint = arguments.partner.endpoint()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    let answer = runtime.block_on(endpoint.renew(request)).map_err(fail)?;
    let chain = answer.certificates.iter();
    let chain_pem: String = chain.map(|der| files::pem("CERTIFICATE", der)).collect();
    let held = trust::read_held(chain_pem.as_bytes())
        .map_err(|error| fail(format!("the gateway's answer {error}")))?;
    let Some(Held::Certificate(leaf)) = held.into_iter().next() else {
        return Err(fail("the gateway's answer holds no certificate"));
    };
    Ok(Renewed {
        remark: None,
        chain_pem,
        name: leaf.uris.join(", "),
        serial: leaf.serial_hex,
        until: day(leaf.not_after),
        not_after: leaf.not_after.to_string(),
    })
}

/// The first certificate in a file.
fn leaf_of(path: &Path) -> Result<CertificateFacts, Failure> {
    let bytes = files::read_bounded(path, files::FILE_BYTES_MAX).map_err(fail)?;
    let held =
        trust::read_held(&bytes).map_err(|error| fail(format!("{}: {error}", path.display())))?;
    let found = held.into_iter().find_map(|held| match held {
        Held::Certificate(facts) => Some(*facts),
        _ => None,
    });
    found.ok_or_else(|| fail(format!("{}: holds no certificate", path.display())))
}

/// Where the new pair goes.
struct Place {
    certificate: PathBuf,
    key: PathBuf,
    replace: bool,
}

impl Place {
    fn of(arguments: &Renew, old: &Path) -> Result<Self, Failure> {
        if arguments.danger_replace {
            return Ok(Self {
                certificate: old.to_owned(),
                key: arguments.partner.key()?,
                replace: true,
            });
        }
        let stem = match &arguments.out {
            Some(stem) => stem.clone(),
            None => with_ending(&old.with_extension(""), "next"),
        };
        Ok(Self {
            certificate: with_ending(&stem, "pem"),
            key: with_ending(&stem, "key"),
            replace: false,
        })
    }

    fn previous(&self, ending: &str) -> PathBuf {
        with_ending(&self.certificate.with_extension("previous"), ending)
    }

    /// Before anything is issued: nothing of the plan may be in the way.
    fn refuse_existing(&self) -> Result<(), Failure> {
        let planned = [&self.certificate, &self.key];
        if self.replace {
            return Ok(());
        }
        match planned
            .into_iter()
            .find(|path| path.symlink_metadata().is_ok())
        {
            Some(path) => Err(fail(format!(
                "{} exists already; nothing was issued: put it into use, move it away, or give \
                 --out",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    fn write(&self, chain_pem: &str, key: &Key) -> Result<(), Failure> {
        let certificate = NewFile::public(self.certificate.clone(), chain_pem);
        let key = NewFile::secret(self.key.clone(), key.to_pem());
        if !self.replace {
            return files::write_new(&[key, certificate]).map_err(fail);
        }
        let keep = |path: &Path, ending: &str, secret: bool| -> Result<(), Failure> {
            let bytes = files::read_bounded(path, files::FILE_BYTES_MAX).map_err(fail)?;
            let make = if secret {
                NewFile::secret
            } else {
                NewFile::public
            };
            files::replace(&make(self.previous(ending), bytes)).map_err(fail)
        };
        keep(&self.certificate, "pem", false)?;
        keep(&self.key, "key", true)?;
        // Two renames: for a moment the pair does not fit, and who loads it then tries again.
        files::replace(&key).map_err(fail)?;
        files::replace(&certificate).map_err(fail)
    }
}

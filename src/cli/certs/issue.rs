//! `entente certs csr` and `sign`: a key and a request by whoever runs a system, a certificate
//! by whoever holds the nation's authority.

use super::profile::{ForProfile, refuse};
use super::said::{day, say};
use super::{KeyTypeArgument, Output};
use crate::cli::{Failure, fail};
use crate::clock::Clock;
use crate::identity::Identity;
use crate::identity::spiffe::{SpiffeId, TrustDomain};
use crate::pki::files::{self, NewFile};
use crate::pki::{self, Key, LeafSpec, Office, Request};
use crate::trust::{self, PeerChain, Profile};
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Makes a key and a request for a certificate (PKCS #10). The key never leaves this machine;
/// the request goes to the authority. Overwrites nothing.
#[derive(Debug, Args)]
pub(super) struct Csr {
    /// The system, as NATION/system.
    #[arg(
        long = "as",
        value_name = "NATION/SYSTEM",
        requires = "trust_domain",
        required_unless_present = "server_name"
    )]
    identity: Option<String>,
    /// SPIFFE trust domain of the nation, such as gbr.example.
    #[arg(long, value_name = "DOMAIN")]
    trust_domain: Option<String>,
    /// For a gateway instead of a system: name or address of the gateway. May be given more
    /// than once.
    #[arg(long, value_name = "NAME", conflicts_with = "identity")]
    server_name: Vec<String>,
    /// Where to: FILE.key and FILE.csr [default: the system's name, or `server`].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    profile: ForProfile,
    /// Type of the key [default: what fits the profile: p256, for cnsa1 p384, for cnsa2
    /// ml-dsa-87].
    #[arg(long, value_enum)]
    key_type: Option<KeyTypeArgument>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn csr(arguments: &Csr, out: &mut dyn Write) -> Result<(), Failure> {
    let (spec, name) = match (&arguments.identity, &arguments.trust_domain) {
        (Some(identity), Some(domain)) => {
            let identity = Identity::parse(identity)
                .map_err(|error| Failure::Usage(format!("--as: {error}")))?;
            let domain = TrustDomain::parse(domain)
                .map_err(|error| Failure::Usage(format!("--trust-domain: {error}")))?;
            let uri = format!("spiffe://{domain}/{}", identity.system);
            let last = identity.system.as_str().rsplit('/').next();
            let stem = last.unwrap_or("system").to_owned();
            (pki::request_spec(Some(&uri), &[]), stem)
        }
        _ => (
            pki::request_spec(None, &arguments.server_name),
            "server".to_owned(),
        ),
    };
    let stem = arguments.out.clone().unwrap_or_else(|| PathBuf::from(name));
    let (key_file, request_file) = (with_ending(&stem, "key"), with_ending(&stem, "csr"));
    let key_type = arguments.profile.key_type(arguments.key_type)?;
    let key = Key::make(key_type).map_err(fail)?;
    let request = pki::write_request(&spec, &key).map_err(fail)?;
    files::write_new(&[
        NewFile::secret(key_file.clone(), key.to_pem()),
        NewFile::public(request_file.clone(), request),
    ])
    .map_err(fail)?;
    let lines = [
        format!("key      {}   (stays here, mode 0600)", key_file.display()),
        format!(
            "request  {}   (goes to the authority: entente certs sign --authority FOLDER {})",
            request_file.display(),
            request_file.display()
        ),
    ];
    let object = json!({ "key": key_file, "request": request_file });
    say(out, arguments.output, &lines, &object)
}

/// A file name with an ending, also when the name has a point in it.
pub(super) fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Certifies a request with an authority's key, and writes it down in the authority's register.
///
/// Only the key and the name of the request count: purposes, dates and serial number are set as
/// the gateway wants them, and the result is checked against the gateway's rules before it is
/// written.
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The request, PEM or DER.
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// Folder of the authority: authority.pem and authority.key, made here or elsewhere.
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
    /// SPIFFE trust domain of the authority, where its register does not have it yet.
    #[arg(long, value_name = "DOMAIN")]
    trust_domain: Option<String>,
    /// The request is a gateway's, for names and addresses.
    #[arg(long)]
    server: bool,
    /// Days for which the certificate is valid.
    #[arg(long, default_value_t = 90, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=397))]
    days: u32,
    #[command(flatten)]
    profile: ForProfile,
    /// Where to [default: the request's name with .pem].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn sign(
    arguments: &Sign,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let name = arguments.request.display();
    let at = |error: &dyn std::fmt::Display| Failure::Failed(format!("{name}: {error}"));
    let bytes = files::read_bounded(&arguments.request, files::FILE_BYTES_MAX).map_err(fail)?;
    let request = Request::read(&bytes).map_err(|error| at(&error))?;
    let mut office = Office::open(&arguments.authority).map_err(fail)?;
    if let Some(domain) = &arguments.trust_domain {
        TrustDomain::parse(domain)
            .map_err(|error| Failure::Usage(format!("--trust-domain: {error}")))?;
        office.take_domain(domain).map_err(fail)?;
    }
    let now = clock.now();
    let spec = if arguments.server {
        if !request.uris.is_empty() || request.hosts.is_empty() {
            return Err(at(
                &"--server: it must ask for names or addresses, and for no URI",
            ));
        }
        LeafSpec::server(&request.hosts, now, arguments.days)
    } else {
        LeafSpec::system(
            &asked_uri(&request, &office).map_err(|e| at(&e))?,
            now,
            arguments.days,
        )
    };
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| arguments.request.with_extension("pem"));
    let profile = arguments.profile.profile();
    let issued = issue(&mut office, spec, &request, now, !arguments.server, profile)?;
    files::write_new(&[NewFile::public(path.clone(), issued.chain_pem.clone())]).map_err(fail)?;
    let mut lines = vec![format!(
        "{}: {}, serial {}, until {}",
        path.display(),
        issued.name,
        issued.serial,
        day(issued.not_after)
    )];
    lines.extend(issued.remark());
    say(out, arguments.output, &lines, &issued.object(&path))
}

/// The one URI that the request asks for, if this authority may give it.
fn asked_uri(request: &Request, office: &Office) -> Result<String, String> {
    let [uri] = request.uris.as_slice() else {
        return Err(format!(
            "it asks for {} URIs; a system has exactly one, its SPIFFE id \
             (for a gateway's request: --server)",
            request.uris.len()
        ));
    };
    if !request.hosts.is_empty() {
        return Err("it asks for DNS names or addresses besides the URI".to_owned());
    }
    let id = SpiffeId::parse(uri).map_err(|error| format!("`{uri}`: {error}"))?;
    match &office.register().trust_domain {
        Some(own) if own == id.domain.as_str() => Ok(uri.clone()),
        Some(own) => Err(format!(
            "it asks for `{uri}`, but this authority is for the trust domain `{own}`; no gateway \
             would take the certificate"
        )),
        None => Err(format!(
            "the register does not say which trust domain this authority is for; say it once: \
             --trust-domain {}",
            id.domain
        )),
    }
}

/// A certificate that was issued and written down.
pub(super) struct Certified {
    pub(super) chain_pem: String,
    pub(super) name: String,
    pub(super) serial: String,
    pub(super) not_after: jiff::Timestamp,
    is_cut_short: bool,
}

impl Certified {
    /// What a person has to know besides.
    pub(super) fn remark(&self) -> Option<String> {
        self.is_cut_short.then(|| {
            "It ends with its authority, sooner than was asked for: begin to rotate the authority \
             now (docs/CERTIFICATES.md, walk 3)."
                .to_owned()
        })
    }

    pub(super) fn object(&self, path: &Path) -> serde_json::Value {
        json!({
            "certificate": path,
            "name": self.name,
            "serial": self.serial,
            "notAfter": self.not_after.to_string(),
        })
    }
}

/// Certifies, checks the result as a gateway of the profile would, and notes it in the register.
/// Nothing outlives its authority.
pub(super) fn issue(
    office: &mut Office,
    spec: LeafSpec,
    request: &Request,
    now: jiff::Timestamp,
    is_system: bool,
    profile: Profile,
) -> Result<Certified, Failure> {
    let end = office.authority().not_after();
    if end <= now {
        return Err(fail(format!(
            "nothing was issued: the authority's own certificate ended at {end}, and this \
             machine's clock says {now}; the nation needs its next authority \
             (docs/CERTIFICATES.md, walk 3)"
        )));
    }
    let is_cut_short = end < spec.end();
    let spec = if is_cut_short { spec.until(end) } else { spec };
    let chain = office.authority().certify(&spec, request).map_err(fail)?;
    let ders: Vec<&[u8]> = chain.iter().map(|(der, _)| der.as_ref()).collect();
    let sent = PeerChain::from_der(&ders);
    if is_system {
        refuse(&trust::chain_faults(&sent, now, profile))?;
        refuse(&trust::authority_faults(
            office.authority().certificate(),
            profile,
        ))?;
    } else {
        refuse(&trust::server_faults(&sent, profile))?;
    }
    let leaf = ders.first().copied().unwrap_or_default();
    office.note(leaf, &spec, now).map_err(fail)?;
    let entry = office.register().issued.last();
    let entry = entry.ok_or_else(|| fail("the register did not keep the certificate"))?;
    Ok(Certified {
        name: entry.name.clone(),
        serial: entry.serial.clone(),
        not_after: entry.not_after,
        is_cut_short,
        chain_pem: chain.iter().map(|(_, pem)| pem.as_str()).collect(),
    })
}

//! How a partner's commands name their gateway and their certificate.

use super::foreign::harmless;
use super::{Failure, Output, fail};
use crate::client::Endpoint;
use crate::clock::{Clock as _, SystemClock};
use crate::identity::Identity;
use crate::telemetry;
use crate::trust::{ClientFiles, client_config};
use clap::Args;
use serde::Deserialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a gateway listens unless told otherwise.
const GATEWAY_DEFAULT: &str = "127.0.0.1:7443";
/// How far the clocks may be apart before a person is told, seconds.
const CLOCK_APART_S_MAX: i64 = 30;

/// Who asks, and how the answer is shown.
#[derive(Debug, Args)]
pub(super) struct Plain {
    #[command(flatten)]
    pub(super) partner: Partner,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(super) output: Output,
}

/// The gateway, and who is calling.
#[derive(Debug, Args)]
pub(super) struct Partner {
    /// Who calls, as NATION/system; finds its files under the folder of development certificates.
    #[arg(long = "as", value_name = "NATION/SYSTEM")]
    identity: Option<String>,
    /// Folder that `entente certs init` made.
    #[arg(long, default_value = "certs-dev", value_name = "FOLDER")]
    dir: PathBuf,
    /// TOML file with gateway, server_name, cert, key, ca and diagnosis; options on the command line win.
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// Address of the gateway [default: 127.0.0.1:7443].
    #[arg(long, value_name = "HOST:PORT")]
    gateway: Option<String>,
    /// Name that the gateway's certificate must carry [default: the host of the gateway].
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// PEM file with the caller's certificate.
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// PEM file with the caller's key, mode 0600.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// PEM file with the authority of the gateway.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A client file. Paths are relative to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientFile {
    gateway: Option<String>,
    server_name: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
    diagnosis: Option<String>,
}

/// What a partner's options come to.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// The caller's files.
    pub(super) files: ClientFiles,
    /// Address of the gateway.
    pub(super) address: String,
    /// Name that the gateway's certificate must carry.
    pub(super) server_name: String,
    /// Address of the gateway's diagnosis listener, if the client file has it.
    pub(super) diagnosis: Option<String>,
}

impl Partner {
    /// The gateway as this partner sees it.
    pub(super) fn endpoint(&self) -> Result<Endpoint, Failure> {
        self.resolved()?.endpoint()
    }

    /// Who calls, if `--as` says it.
    pub(super) fn identity(&self) -> Result<Option<Identity>, Failure> {
        self.identity
            .as_deref()
            .map(Identity::parse)
            .transpose()
            .map_err(|error| Failure::Usage(format!("--as: {error}")))
    }

    /// Folder of certificates.
    pub(super) fn folder(&self) -> &Path {
        &self.dir
    }

    /// The caller's certificate, whatever else is known.
    pub(super) fn certificate(&self) -> Result<PathBuf, Failure> {
        match (&self.cert, self.identity()?) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(identity)) => Ok(self.of_identity(&identity, "pem")),
            (None, None) => Err(Failure::Usage(
                "--as NATION/system or --cert FILE is missing".to_owned(),
            )),
        }
    }

    /// The caller's key: as named, or beside the certificate.
    pub(super) fn key(&self) -> Result<PathBuf, Failure> {
        match &self.key {
            Some(path) => Ok(path.clone()),
            None => Ok(self.certificate()?.with_extension("key")),
        }
    }

    fn of_identity(&self, identity: &Identity, ending: &str) -> PathBuf {
        self.dir
            .join(identity.nation.as_str())
            .join(format!("{}.{ending}", identity.system))
    }

    /// What the options come to; no file of a certificate is opened.
    pub(super) fn resolved(&self) -> Result<Resolved, Failure> {
        let file = match &self.client {
            Some(path) => read(path)?,
            None => ClientFile::default(),
        };
        let identity = self.identity()?;
        let of_identity = |ending: &str| {
            let identity = identity.as_ref();
            identity.map(|identity| self.of_identity(identity, ending))
        };
        let authority = identity
            .as_ref()
            .map(|_| self.dir.join("gateway/authority.pem"));
        let need = |name: &str, given: &Option<PathBuf>, file: Option<PathBuf>, dev| {
            given.clone().or(file).or(dev).ok_or_else(|| {
                Failure::Usage(format!(
                    "--{name} is missing: give --as NATION/system for development certificates, \
                     or --cert, --key and --ca, or --client FILE"
                ))
            })
        };
        let files = ClientFiles {
            certificate: need("cert", &self.cert, file.cert, of_identity("pem"))?,
            key: need("key", &self.key, file.key, of_identity("key"))?,
            authority: need("ca", &self.ca, file.ca, authority)?,
        };
        let address = self
            .gateway
            .clone()
            .or(file.gateway)
            .unwrap_or_else(|| GATEWAY_DEFAULT.to_owned());
        let server_name = self
            .server_name
            .clone()
            .or(file.server_name)
            .unwrap_or_else(|| {
                let host = address
                    .rsplit_once(':')
                    .map_or(address.as_str(), |(host, _port)| host);
                host.trim_matches(['[', ']']).to_owned()
            });
        Ok(Resolved {
            files,
            address,
            server_name,
            diagnosis: file.diagnosis,
        })
    }
}

impl Resolved {
    /// Loads the files.
    pub(super) fn endpoint(&self) -> Result<Endpoint, Failure> {
        let clock = Arc::new(SystemClock::default());
        Ok(Endpoint {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            tls: client_config(&self.files, clock).map_err(fail)?,
        })
    }
}

fn read(path: &Path) -> Result<ClientFile, Failure> {
    let at =
        |error: &dyn std::fmt::Display| Failure::Failed(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let source = config::File::from_str(&text, config::FileFormat::Toml);
    let file: ClientFile = config::Config::builder()
        .add_source(source)
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| at(&error))?;
    let beside = |name: Option<PathBuf>| {
        name.map(|name| path.parent().unwrap_or_else(|| Path::new(".")).join(name))
    };
    Ok(ClientFile {
        cert: beside(file.cert),
        key: beside(file.key),
        ca: beside(file.ca),
        ..file
    })
}

/// Lets breaks of the connection be seen on standard error while a command goes on.
pub(super) fn log_trouble() {
    let settings = telemetry::Settings {
        filter: "error,entente::client=warn".to_owned(),
        ..telemetry::Settings::default()
    };
    // Without a log the command still does its work.
    let _unlogged = telemetry::start(&settings);
}

/// Asks the gateway who calls, so that a certificate or a right that will not do is said at
/// once and in plain words, and not after patient attempts.
pub(super) async fn introduce(endpoint: &Endpoint, right: &str) -> Result<(), Failure> {
    let seen = endpoint.who_am_i().await.map_err(fail)?;
    if !seen.rights.iter().any(|given| given == right) {
        return Err(Failure::Failed(format!(
            "the gateway knows the caller as {}/{}, without the right to {right} (it has: {}); \
             the operator of the gateway gives rights in the nation's file",
            harmless(&seen.nation),
            harmless(&seen.system),
            match seen.rights.as_slice() {
                [] => "none".to_owned(),
                rights => rights.join(", "),
            }
        )));
    }
    let ahead = seen
        .gateway_time
        .map(|time| time.seconds - SystemClock::default().now().as_second());
    if let Some(seconds) = ahead.filter(|seconds| seconds.abs() > CLOCK_APART_S_MAX) {
        let _nobody_reads = writeln!(
            std::io::stderr(),
            "entente: the clock of this machine is {} s {} the gateway's",
            seconds.abs(),
            if seconds > 0 { "behind" } else { "ahead of" }
        );
    }
    Ok(())
}

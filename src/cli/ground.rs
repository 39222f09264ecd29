//! Throw-away ground for the demonstration and the measurements: certificates, the shipped
//! nations' files, a configuration and a data folder, all in one folder that goes at the end.

use crate::client::Endpoint;
use crate::clock::Clock;
use crate::config::{self, Loaded};
use crate::identity::Identity;
use crate::mock::connection::Stranger;
use crate::pki::{Authority, AuthoritySpec, InitSpec, Issued, LeafSpec, PkiError};
use crate::trust::{ClientFiles, TlsError, client_config};
use jiff::SignedDuration;
use std::fs;
use std::io;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// The gateway as shipped, but on ports of the system's choice.
const GATEWAY: &str = include_str!("../../config/gateway.toml");

/// The name in the gateway's certificate.
pub(super) const SERVER_NAME: &str = "localhost";
/// Days that throw-away certificates are valid.
const DAYS: u32 = 7;
/// Limits that no measurement meets, so that it measures the gateway and not them.
const NO_LIMIT: u32 = 1 << 30;

/// Why there is no ground.
#[derive(Debug, Error)]
pub(super) enum GroundError {
    /// A file or folder cannot be written.
    #[error("{}: {reason}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The folder to keep holds something.
    #[error("{} is not empty: choose a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// Certificates cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The shipped configuration is refused.
    #[error(transparent)]
    Configuration(#[from] config::Refused),
    /// A client cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A mock system has no proper name: a fault of ours.
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
}

/// A folder with everything that a gateway and its partners need.
#[derive(Debug)]
pub(super) struct Ground {
    folder: PathBuf,
    kept: bool,
    clock: Arc<dyn Clock>,
    /// FRA's authority stays in memory, to sign what must be refused.
    fra: Authority,
}

impl Ground {
    /// Makes the ground: in `keep`, which stays, or in a folder of its own, which goes.
    /// `load_systems` extra systems of GBR may report.
    pub(super) fn lay(
        keep: Option<&Path>,
        load_systems: u64,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, GroundError> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => {
                let nanoseconds = clock.now().as_nanosecond().rem_euclid(1_000_000_000);
                let name = format!("entente-{}-{nanoseconds:09}", std::process::id());
                std::env::temp_dir().join(name)
            }
        };
        make_folder(&folder)?;
        let occupied = fs::read_dir(&folder).is_ok_and(|mut items| items.next().is_some());
        if occupied {
            return Err(GroundError::NotEmpty(folder));
        }
        let fra = AuthoritySpec::new("FRA authority (development)", clock.now(), 2 * DAYS);
        let ground = Self {
            folder,
            kept: keep.is_some(),
            clock: Arc::clone(clock),
            fra: Authority::root(&fra)?,
        };
        ground.certificates(load_systems)?;
        ground.configure()?;
        Ok(ground)
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The gateway's configuration file.
    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join("config/gateway.toml")
    }

    /// Changes the configuration file.
    pub(super) fn edit(&self, change: impl FnOnce(String) -> String) -> Result<(), GroundError> {
        let path = self.configuration();
        let text = fs::read_to_string(&path).map_err(|reason| GroundError::Write {
            path: path.clone(),
            reason,
        })?;
        write(&path, &change(text), 0o600)
    }

    /// The configuration, without limits on rates.
    pub(super) fn load(&self) -> Result<Loaded, GroundError> {
        Self::load_from(&self.configuration())
    }

    /// The configuration of a ground that another process has laid.
    pub(super) fn load_from(configuration: &Path) -> Result<Loaded, GroundError> {
        let mut loaded = config::load(configuration)?;
        loaded.gateway.listener.connections_max = 1 << 20;
        let feed = &mut loaded.gateway.feed;
        feed.subscriptions_max = 1 << 20;
        feed.subscriptions_nation_max = 1 << 20;
        feed.subscriptions_system_max = 1 << 20;
        // Reading it again would bring the limits back.
        loaded.origin = None;
        for file in &mut loaded.nations {
            let limits = &mut file.nation.limits;
            limits.connections_max = NO_LIMIT;
            limits.nation_reports_per_s = NO_LIMIT;
            limits.system_reports_per_s = NO_LIMIT;
            limits.nation_bytes_per_s = u64::from(NO_LIMIT) * 64;
            limits.system_bytes_per_s = u64::from(NO_LIMIT) * 64;
            limits.system_in_flight_max = 1 << 20;
        }
        Ok(loaded)
    }

    /// The gateway as one of its partners sees it.
    pub(super) fn endpoint(
        &self,
        identity: &str,
        address: SocketAddr,
    ) -> Result<Endpoint, GroundError> {
        self.endpoint_of(&self.files_of(identity)?, address)
    }

    /// The gateway as one of the systems that make load sees it.
    pub(super) fn load_system(
        &self,
        number: u64,
        address: SocketAddr,
    ) -> Result<Endpoint, GroundError> {
        self.endpoint(&format!("GBR/{}", load_system(number)), address)
    }

    /// The gateway as a stranger sees it; `None`: this one needs no certificate.
    pub(super) fn stranger(
        &self,
        stranger: Stranger,
        address: SocketAddr,
    ) -> Result<Option<Endpoint>, GroundError> {
        let files = self.files_of_stranger(stranger)?;
        files
            .map(|files| self.endpoint_of(&files, address))
            .transpose()
    }

    /// A stranger's files; `None`: this one needs none.
    pub(super) fn files_of_stranger(
        &self,
        stranger: Stranger,
    ) -> Result<Option<ClientFiles>, GroundError> {
        let Some(spec) = stranger.certificate(self.clock.now()) else {
            return Ok(None);
        };
        let folder = self.certificate_folder("strangers");
        make_folder(&folder)?;
        let name = format!("{stranger:?}");
        self.write_leaf(&folder, &name, &self.fra.issue(&spec)?)?;
        Ok(Some(self.files_in(&folder, &name)))
    }

    /// The files of one of the gateway's partners.
    pub(super) fn files_of(&self, identity: &str) -> Result<ClientFiles, GroundError> {
        let identity = Identity::parse(identity)?;
        let folder = self.certificate_folder(identity.nation.as_str());
        Ok(self.files_in(&folder, identity.system.as_str()))
    }

    fn files_in(&self, folder: &Path, name: &str) -> ClientFiles {
        ClientFiles {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
            authority: self.certificate_folder("gateway").join("authority.pem"),
        }
    }

    fn endpoint_of(
        &self,
        files: &ClientFiles,
        address: SocketAddr,
    ) -> Result<Endpoint, GroundError> {
        Ok(Endpoint {
            address: address.to_string(),
            server_name: SERVER_NAME.into(),
            tls: client_config(files, Arc::clone(&self.clock))?,
        })
    }

    fn certificate_folder(&self, name: &str) -> PathBuf {
        self.folder.join("certs-dev").join(name)
    }

    /// The development set, with an authority of FRA that this value holds.
    fn certificates(&self, load_systems: u64) -> Result<(), GroundError> {
        let mut spec = InitSpec::development(&self.folder.join("certs-dev"));
        spec.days = DAYS;
        for number in 0..load_systems {
            let name = format!("GBR/{}", load_system(number));
            spec.systems.push(Identity::parse(&name)?);
        }
        crate::pki::init(&spec, self.clock.as_ref())?;
        let now = self.clock.now();
        let folder = self.certificate_folder("FRA");
        let list_end = now + SignedDuration::from_hours(24 * i64::from(DAYS));
        let list = self.fra.revocation_list(1, now, list_end, &[])?;
        write(
            &folder.join("authority.pem"),
            self.fra.certificate_pem(),
            0o644,
        )?;
        write(&folder.join("authority.crl.pem"), &list, 0o644)?;
        write(&folder.join("authority.key"), &self.fra.key_pem(), 0o600)?;
        for system in ["poste-12", "feed-desk"] {
            let uri = format!("spiffe://fra.entente.example/{system}");
            let issued = self.fra.issue(&LeafSpec::system(&uri, now, DAYS))?;
            self.write_leaf(&folder, system, &issued)?;
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it belongs to the ground")]
    fn write_leaf(&self, folder: &Path, name: &str, issued: &Issued) -> Result<(), GroundError> {
        write(
            &folder.join(format!("{name}.pem")),
            issued.chain_pem(),
            0o644,
        )?;
        write(
            &folder.join(format!("{name}.key")),
            &issued.key_pem(),
            0o600,
        )
    }

    /// The shipped files; only the ports are the system's choice.
    fn configure(&self) -> Result<(), GroundError> {
        let nations = self.folder.join("config/nations");
        make_folder(&nations)?;
        for (nation, text) in config::SHIPPED_NATIONS {
            write(&nations.join(format!("{nation}.toml")), text, 0o600)?;
        }
        let gateway = GATEWAY
            .replace("127.0.0.1:7443", "127.0.0.1:0")
            .replace("127.0.0.1:9464", "127.0.0.1:0");
        write(&self.configuration(), &gateway, 0o600)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed lies in the folder for temporary files, which is cleaned.
            let _left_behind = fs::remove_dir_all(&self.folder);
        }
    }
}

fn load_system(number: u64) -> String {
    format!("load-{number}")
}

fn make_folder(path: &Path) -> Result<(), GroundError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|reason| GroundError::Write {
        path: path.to_owned(),
        reason,
    })
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), GroundError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|reason| GroundError::Write {
            path: path.to_owned(),
            reason,
        })
}

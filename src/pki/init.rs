//! The development set: an authority for the gateway and one for each nation, certificates for
//! the gateway and for systems, and empty revocation lists, without which nobody connects.
//!
//! Everything is made in memory first; then nothing is ever overwritten.

use super::PkiError;
use super::authority::{Authority, AuthoritySpec};
use super::files::{self, NewFile};
use super::keys::KeyType;
use super::leaf::{Issued, LeafSpec};
use super::office::{OfficeFiles, first_register};
use crate::clock::Clock;
use crate::identity::{Identity, NationCode};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Systems of the development set, as `NATION/system`.
pub const DEVELOPMENT_SYSTEMS: [&str; 24] = [
    "CZE/feed-desk",
    "CZE/hlaska-3",
    "DEU/feed-desk",
    "DEU/lage-3",
    "ESP/feed-desk",
    "ESP/puesto-6",
    "EST/feed-desk",
    "EST/vaatlus-1",
    "FRA/feed-desk",
    "FRA/poste-12",
    "GBR/feed-desk",
    "GBR/uav-cell-4",
    "ITA/feed-desk",
    "ITA/posto-5",
    "NLD/feed-desk",
    "NLD/post-11",
    "POL/feed-desk",
    "POL/posterunek-7",
    "ROU/feed-desk",
    "ROU/post-8",
    "UKR/feed-desk",
    "UKR/zvit-2",
    "USA/feed-desk",
    "USA/ops-desk",
];

/// Longest validity, days; the gateway refuses more.
pub(super) const DAYS_MAX: u32 = 397;
/// Validity of authorities, days.
const AUTHORITY_DAYS: u32 = 2 * 365;
/// A list made by hand must live at least this long, days.
const LIST_DAYS_MIN: u32 = 90;
/// Names that the gateway's certificate always has.
const SERVER_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What to make.
#[derive(Clone, Debug)]
pub struct InitSpec {
    /// Where to.
    pub folder: PathBuf,
    /// Names and addresses of the gateway, besides localhost.
    pub server_names: Vec<String>,
    /// Validity of certificates, days.
    pub days: u32,
    /// Systems, and by them the nations.
    pub systems: Vec<Identity>,
    /// Type of the systems' keys.
    pub key_type: KeyType,
    /// Type of the keys of authorities and of the gateway.
    pub authority_key_type: KeyType,
}

impl InitSpec {
    /// The usual development set in `folder`.
    #[must_use]
    pub fn development(folder: &Path) -> Self {
        let systems = DEVELOPMENT_SYSTEMS.iter();
        Self {
            folder: folder.to_owned(),
            server_names: Vec::new(),
            days: 90,
            systems: systems.filter_map(|s| Identity::parse(s).ok()).collect(),
            key_type: KeyType::P256,
            authority_key_type: KeyType::P256,
        }
    }
}

/// A certificate that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Whom it names.
    pub name: String,
    /// `gateway authority`, `gateway`, `nation authority` or `system`.
    pub kind: &'static str,
    /// Its file.
    pub certificate: PathBuf,
    /// Its key's file.
    pub key: PathBuf,
    /// Its end.
    #[serde(serialize_with = "as_text")]
    pub not_after: Timestamp,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Where.
    pub folder: PathBuf,
    /// Names and addresses in the gateway's certificate.
    pub server_names: Vec<String>,
    /// Every certificate.
    pub certificates: Vec<Made>,
    /// Every revocation list.
    pub revocation_lists: Vec<PathBuf>,
}

fn as_text<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// The trust domain of a nation in the development set.
#[must_use]
pub fn domain_of(nation: NationCode) -> String {
    format!("{}.entente.example", nation.as_str().to_ascii_lowercase())
}

/// Makes the set.
///
/// # Errors
/// A file of it exists already, or the folder cannot be written; days out of range.
pub fn init(spec: &InitSpec, clock: &dyn Clock) -> Result<Summary, PkiError> {
    if !(1..=DAYS_MAX).contains(&spec.days) {
        return Err(PkiError::Days(spec.days));
    }
    let mut plan = Plan::new(spec, clock.now());
    plan.gateway()?;
    let nations: BTreeSet<_> = spec.systems.iter().map(|s| s.nation).collect();
    for nation in nations {
        plan.nation(nation)?;
    }
    files::write_new(&plan.files)?;
    Ok(plan.summary)
}

/// Everything to be written, in memory.
struct Plan<'a> {
    spec: &'a InitSpec,
    now: Timestamp,
    files: Vec<NewFile>,
    summary: Summary,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a InitSpec, now: Timestamp) -> Self {
        let mut server_names: Vec<String> = SERVER_NAMES.map(str::to_owned).to_vec();
        for name in &spec.server_names {
            if !server_names.contains(name) {
                server_names.push(name.clone());
            }
        }
        Self {
            spec,
            now,
            files: Vec::new(),
            summary: Summary {
                folder: spec.folder.clone(),
                server_names,
                certificates: Vec::new(),
                revocation_lists: Vec::new(),
            },
        }
    }

    fn gateway(&mut self) -> Result<(), PkiError> {
        let folder = self.spec.folder.join("gateway");
        let authority = self.authority(&folder, "gateway", "gateway authority")?;
        let server = LeafSpec::server(&self.summary.server_names, self.now, self.spec.days);
        let issued = authority.issue(&server.with_key(self.spec.authority_key_type))?;
        self.leaf(&folder, "server", "gateway", "gateway".to_owned(), &issued);
        let names = [(self.summary.server_names.join(", "), &issued)];
        let path = OfficeFiles::in_folder(&folder).register;
        self.files
            .push(first_register(&path, None, 0, &names, self.now)?);
        Ok(())
    }

    fn nation(&mut self, nation: NationCode) -> Result<(), PkiError> {
        let folder = self.spec.folder.join(nation.as_str());
        let authority = self.authority(&folder, nation.as_str(), "nation authority")?;
        let days = self.spec.days.max(LIST_DAYS_MIN);
        let next_update = self.now + SignedDuration::from_hours(24 * i64::from(days));
        let list = authority.revocation_list(1, self.now, next_update, &[])?;
        let path = folder.join("authority.crl.pem");
        self.summary.revocation_lists.push(path.clone());
        self.public(path, list);
        let systems = self.spec.systems.iter().filter(|s| s.nation == nation);
        let mut all = Vec::new();
        for system in systems {
            let uri = format!("spiffe://{}/{}", domain_of(nation), system.system);
            let leaf = LeafSpec::system(&uri, self.now, self.spec.days);
            let issued = authority.issue(&leaf.with_key(self.spec.key_type))?;
            // A slash in a system's name makes a folder; `..` is no name.
            let stem = system.system.as_str();
            self.leaf(&folder, stem, "system", system.to_string(), &issued);
            all.push((uri, issued));
        }
        let named: Vec<_> = all.iter().map(|(uri, i)| (uri.clone(), i)).collect();
        let path = OfficeFiles::in_folder(&folder).register;
        let domain = domain_of(nation);
        self.files
            .push(first_register(&path, Some(&domain), 1, &named, self.now)?);
        Ok(())
    }

    fn authority(
        &mut self,
        folder: &Path,
        name: &str,
        kind: &'static str,
    ) -> Result<Authority, PkiError> {
        let common_name = format!("{name} authority (development)");
        let authority = Authority::root(&AuthoritySpec {
            key_type: self.spec.authority_key_type,
            ..AuthoritySpec::new(&common_name, self.now, AUTHORITY_DAYS)
        })?;
        let (certificate, key) = (folder.join("authority.pem"), folder.join("authority.key"));
        self.public(certificate.clone(), authority.certificate_pem());
        self.secret(key.clone(), authority.key_pem());
        self.summary.certificates.push(Made {
            name: name.to_owned(),
            kind,
            certificate,
            key,
            not_after: authority.not_after(),
        });
        Ok(authority)
    }

    fn leaf(
        &mut self,
        folder: &Path,
        stem: &str,
        kind: &'static str,
        name: String,
        issued: &Issued,
    ) {
        let certificate = folder.join(format!("{stem}.pem"));
        let key = folder.join(format!("{stem}.key"));
        self.public(certificate.clone(), issued.chain_pem());
        self.secret(key.clone(), issued.key_pem());
        self.summary.certificates.push(Made {
            name,
            kind,
            certificate,
            key,
            not_after: issued.not_after(),
        });
    }

    fn public(&mut self, path: PathBuf, text: impl Into<Vec<u8>>) {
        self.files.push(NewFile::public(path, text));
    }

    fn secret(&mut self, path: PathBuf, text: impl Into<Vec<u8>>) {
        self.files.push(NewFile::secret(path, text));
    }
}

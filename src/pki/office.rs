//! An authority on disk: its certificate, key, register and revocation list in one folder.
//! Issues, revokes and lists, one process at a time.
//!
//! Invariant: the register is on stable storage before the list that follows from it, so a
//! crash in between loses no revocation: the next list carries it.

use super::authority::Authority;
use super::files::{self, FILE_BYTES_MAX, NewFile, replace};
use super::keys::Key;
use super::leaf::{Issued, LeafSpec};
use super::register::{IssuedEntry, Reason, Register, RevokedEntry, serial_octets, serial_text};
use super::{PkiError, pem_certificates};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Longest life of a revocation list, days.
pub const LIST_DAYS_MAX: u32 = 400;

/// An authority with its folder.
#[derive(Debug)]
pub struct Office {
    authority: Authority,
    register: Register,
    files: OfficeFiles,
    // Others wait until this one is closed.
    _lock: File,
}

/// Files of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeFiles {
    /// Its certificate; with those above it, root last, if it is no root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Its revocation list.
    pub list: PathBuf,
    /// Its register.
    pub register: PathBuf,
}

/// A revocation list that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMade {
    /// Its file.
    pub path: PathBuf,
    /// Its number.
    pub number: u64,
    /// How many certificates stand on it.
    pub revoked: usize,
    /// When the next one is due.
    pub next_update: Timestamp,
}

impl OfficeFiles {
    /// The files that `entente certs init` makes in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            certificate: folder.join("authority.pem"),
            key: folder.join("authority.key"),
            list: folder.join("authority.crl.pem"),
            register: folder.join("authority.register.json"),
        }
    }
}

impl Office {
    /// Opens the authority of a folder.
    ///
    /// # Errors
    /// A file is missing or faulty, the key is not the certificate's, or it is no authority.
    pub fn open(folder: &Path) -> Result<Self, PkiError> {
        let files = OfficeFiles::in_folder(folder);
        let lock = File::open(folder).map_err(|reason| PkiError::Read {
            path: folder.to_owned(),
            reason,
        })?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|reason| PkiError::Read {
            path: folder.to_owned(),
            reason: reason.into(),
        })?;
        let authority = read_authority(&files.certificate, &files.key)?;
        let mut register = Register::read(&files.register)?;
        if files.list.symlink_metadata().is_ok() {
            register.join(&read_list(&files.list)?, &files.list)?;
        }
        Ok(Self {
            authority,
            register,
            files,
            _lock: lock,
        })
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &OfficeFiles {
        &self.files
    }

    /// What it issued and revoked.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// The authority itself.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Remembers a trust domain that the register does not have yet.
    ///
    /// # Errors
    /// The register has another one.
    pub fn take_domain(&mut self, domain: &str) -> Result<(), PkiError> {
        match &self.register.trust_domain {
            Some(own) if own != domain => Err(PkiError::OtherDomain {
                own: own.clone(),
                asked: domain.to_owned(),
            }),
            Some(_) => Ok(()),
            None => {
                self.register.trust_domain = Some(domain.to_owned());
                Ok(())
            }
        }
    }

    /// Writes down that a certificate is issued. To be called before it is handed out, so that
    /// nothing is in use that the register does not know.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn note(&mut self, leaf: &[u8], spec: &LeafSpec, now: Timestamp) -> Result<(), PkiError> {
        let (raw_serial, not_after) = super::authority::serial_and_end(leaf);
        self.register.issued.push(IssuedEntry {
            serial: serial_text(&raw_serial),
            name: spec.name_in_words(),
            issued_at: now,
            not_after,
        });
        replace(&self.register.file(&self.files.register)?)
    }

    /// Revokes certificates and issues the next list, good for so many days. What is revoked
    /// already stays as it is; without anything new there is no new list.
    ///
    /// # Errors
    /// The library or the disk refuses.
    pub fn revoke(
        &mut self,
        serials: &[String],
        reason: Reason,
        days: u32,
        now: Timestamp,
    ) -> Result<Option<ListMade>, PkiError> {
        let before = self.register.revoked.len();
        for serial in serials {
            if !self.register.is_revoked(serial) {
                self.register.revoked.push(RevokedEntry {
                    serial: serial.clone(),
                    revoked_at: now,
                    reason,
                });
            }
        }
        if self.register.revoked.len() == before {
            return Ok(None);
        }
        self.make_list(days, now).map(Some)
    }

    /// Issues the next list.
    ///
    /// # Errors
    /// The library or the disk refuses.
    pub fn make_list(&mut self, days: u32, now: Timestamp) -> Result<ListMade, PkiError> {
        if !(1..=LIST_DAYS_MAX).contains(&days) {
            return Err(PkiError::ListDays(days));
        }
        let number = self.register.list_number.saturating_add(1);
        self.register.list_number = number;
        let next_update = now + SignedDuration::from_hours(24 * i64::from(days));
        let revoked = self.register.revoked.iter().filter_map(|entry| {
            let serial = serial_octets(&entry.serial)?;
            Some((serial, entry.revoked_at, entry.reason))
        });
        let revoked: Vec<_> = revoked.collect();
        let list = self
            .authority
            .list_with(number, now, next_update, &revoked)?;
        replace(&self.register.file(&self.files.register)?)?;
        fail::fail_point!("pki.between_register_and_list");
        replace(&NewFile::public(self.files.list.clone(), list))?;
        Ok(ListMade {
            path: self.files.list.clone(),
            number,
            revoked: revoked.len(),
            next_update,
        })
    }

    /// When the list that lies there runs out; none: there is no list.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn list_ends(&self) -> Result<Option<Timestamp>, PkiError> {
        if self.files.list.symlink_metadata().is_err() {
            return Ok(None);
        }
        let der = read_list(&self.files.list)?;
        Ok(super::authority::list_end(&der))
    }

    /// Makes a new authority in a folder: certificate, key, register, and an empty list.
    ///
    /// # Errors
    /// A file of it exists already, or cannot be written.
    pub fn found(
        folder: &Path,
        authority: &Authority,
        trust_domain: Option<&str>,
        list_days: u32,
        now: Timestamp,
    ) -> Result<OfficeFiles, PkiError> {
        let files = OfficeFiles::in_folder(folder);
        let register = Register {
            trust_domain: trust_domain.map(str::to_owned),
            list_number: 1,
            ..Register::default()
        };
        let next_update = now + SignedDuration::from_hours(24 * i64::from(list_days));
        let list = authority.revocation_list(1, now, next_update, &[])?;
        files::write_new(&[
            NewFile::public(files.certificate.clone(), authority.certificate_pem()),
            NewFile::secret(files.key.clone(), authority.key_pem()),
            NewFile::public(files.list.clone(), list),
            register.file(&files.register)?,
        ])?;
        Ok(files)
    }
}

/// A register of what a development authority issued.
pub(super) fn first_register(
    path: &Path,
    trust_domain: Option<&str>,
    list_number: u64,
    issued: &[(String, &Issued)],
    now: Timestamp,
) -> Result<NewFile, PkiError> {
    let issued = issued.iter().map(|(name, issued)| IssuedEntry {
        serial: serial_text(issued.serial()),
        name: name.clone(),
        issued_at: now,
        not_after: issued.not_after(),
    });
    Register {
        trust_domain: trust_domain.map(str::to_owned),
        list_number,
        issued: issued.collect(),
        revoked: Vec::new(),
    }
    .file(path)
}

/// Reads an authority's certificate and key.
pub(super) fn read_authority(certificate: &Path, key: &Path) -> Result<Authority, PkiError> {
    let certificates = pem_certificates(certificate)?;
    let key_read = Key::read(key)?;
    Authority::from_parts(&certificates, key_read).map_err(|error| match error {
        PkiError::NotTheKey { .. } => PkiError::NotTheKey {
            key: key.to_owned(),
            certificate: certificate.to_owned(),
        },
        PkiError::NoAuthority { reason, .. } => PkiError::NoAuthority {
            path: certificate.to_owned(),
            reason,
        },
        other => other,
    })
}

fn read_list(path: &Path) -> Result<Vec<u8>, PkiError> {
    let bytes = files::read_bounded(path, FILE_BYTES_MAX)?;
    if bytes.first() == Some(&0x30) {
        return Ok(bytes);
    }
    CertificateRevocationListDer::from_pem_slice(&bytes)
        .map(|der| der.as_ref().to_vec())
        .map_err(|_| PkiError::Register {
            path: path.to_owned(),
            reason: "holds no revocation list".to_owned(),
        })
}

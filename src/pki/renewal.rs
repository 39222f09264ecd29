//! Renewal over the wire: a system's new key is certified by whatever the operator gave the
//! gateway for its nation, an issuing authority's folder or a command.
//!
//! Invariants: the certificate names what the caller's connection proved, whatever the request
//! says; what a folder issues ends with its authority at the latest, and stands in the register
//! only once it is verified; a command gets an argument vector, never a shell, and bounded time and output; attempts
//! are counted before anything is signed.

use super::leaf::LeafSpec;
use super::office::Office;
use super::request::Request;
use super::{PkiError, files, public_key_of};
use crate::clock::Clock;
use crate::identity::{Identity, NationCode};
use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// The window of the limit on attempts.
const WINDOW: Duration = Duration::from_secs(86_400);
/// Most systems whose attempts are remembered; beyond it nobody new renews until some are over.
const SYSTEMS_MAX: usize = 65_536;
/// Most renewals at a time; further ones are told to try again.
const AT_A_TIME: usize = 4;
/// How long one waits for a place among them.
const PLACE_RETRY: Duration = Duration::from_secs(2);
/// Most bytes that a command may answer, and most of its complaints that are logged.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
const COMPLAINT_BYTES_MAX: u64 = 4 * 1024;
/// Most certificates in an answer: a leaf and what a peer may send with it.
const CHAIN_MAX: usize = 7;

/// What certifies the systems of a nation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The folder of an authority, as `entente certs` keeps it.
    Folder(PathBuf),
    /// A program with its arguments; the request comes to it in PEM on standard input, and the
    /// chain is expected in PEM on standard output.
    Command(Vec<String>),
}

/// How systems of one nation renew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalSettings {
    /// What certifies.
    pub signer: Signer,
    /// Validity of what a folder issues; told to a command, days.
    pub days: u32,
    /// Longest run of a command.
    pub deadline: Duration,
    /// Most attempts of one system in 24 hours.
    pub per_day_max: u32,
}

/// Why there is no new certificate.
#[derive(Debug, Error)]
pub enum RenewError {
    /// The operator gave the gateway nothing to sign with.
    #[error(
        "renewal over the wire is off for {0}; ask your nation's authority for a certificate, \
         or the gateway's operator to turn renewal on"
    )]
    Off(NationCode),
    /// Too many attempts.
    #[error(
        "this system has tried {max} times within 24 hours, which is all it may", max = .per_day_max
    )]
    TooOften {
        /// The limit.
        per_day_max: u32,
        /// When the next attempt is free.
        retry_after: Duration,
    },
    /// Too many at a time.
    #[error("the gateway certifies as many requests at a time as it may")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The request is not sound.
    #[error(transparent)]
    Request(PkiError),
    /// The request is for somebody else.
    #[error("the request asks for {asked}; a system renews its own identity, {own}, and no other")]
    OtherName {
        /// What it asks for.
        asked: String,
        /// The caller's own.
        own: String,
    },
    /// The request has the key of the current certificate.
    #[error("the request has the key of the current certificate; renewal is with a new key")]
    SameKey,
    /// The operator's signer failed. The reason is for the operator's log.
    #[error("the signer of {nation} failed: {reason}")]
    Signer {
        /// The nation.
        nation: NationCode,
        /// What it was.
        reason: String,
    },
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Renewer<'a> {
    /// Nation and system of its connection.
    pub identity: &'a Identity,
    /// Its SPIFFE id.
    pub uri: &'a str,
    /// SHA-256 of the public key that it has now.
    pub spki_sha256: [u8; 32],
}

/// Renewal for all nations that have it.
#[derive(Debug)]
pub struct Renewals {
    nations: ArcSwap<HashMap<NationCode, RenewalSettings>>,
    clock: Arc<dyn Clock>,
    // Monotonic times of attempts, oldest first.
    attempts: Mutex<HashMap<Identity, VecDeque<Duration>>>,
    places: Semaphore,
}

impl Renewals {
    /// For the nations that have it.
    #[must_use]
    pub fn new(nations: HashMap<NationCode, RenewalSettings>, clock: Arc<dyn Clock>) -> Self {
        Self {
            nations: ArcSwap::from_pointee(nations),
            clock,
            attempts: Mutex::new(HashMap::new()),
            places: Semaphore::new(AT_A_TIME),
        }
    }

    /// Takes up other settings; attempts so far still count.
    pub fn replace(&self, nations: HashMap<NationCode, RenewalSettings>) {
        self.nations.store(Arc::new(nations));
    }

    /// Certifies the key of a request (PKCS #10) with the caller's identity. `verify` judges the
    /// chain, leaf first, and makes the answer of it; what it refuses is registered nowhere.
    ///
    /// # Errors
    /// Every reason why not.
    pub async fn renew<T: Send + 'static>(
        &self,
        caller: Renewer<'_>,
        request: &[u8],
        verify: impl FnOnce(&[CertificateDer<'static>]) -> Result<T, RenewError> + Send + 'static,
    ) -> Result<T, RenewError> {
        let nation = caller.identity.nation;
        let nations = self.nations.load_full();
        let settings = nations.get(&nation).ok_or(RenewError::Off(nation))?;
        self.count(caller.identity, settings.per_day_max)?;
        let busy = |_| RenewError::Busy {
            retry_after: PLACE_RETRY,
        };
        let _place = self.places.try_acquire().map_err(busy)?;
        let request = Request::read(request).map_err(RenewError::Request)?;
        let names = [&request.uris[..], &request.hosts[..]].concat();
        if !names.is_empty() && names != [caller.uri] {
            return Err(RenewError::OtherName {
                asked: names.join(", ").chars().take(200).collect(),
                own: caller.uri.to_owned(),
            });
        }
        let key = digest::digest(&digest::SHA256, &request.public_key);
        if key.as_ref() == caller.spki_sha256 {
            return Err(RenewError::SameKey);
        }
        let failed = |reason: String| RenewError::Signer { nation, reason };
        let own_key = request.public_key.clone();
        let judge = move |chain: &[CertificateDer<'static>]| {
            let is_for_key = chain.first().and_then(public_key_of) == Some(own_key);
            if is_for_key && chain.len() <= CHAIN_MAX {
                return verify(chain);
            }
            let reason = "its answer is no certificate for the key of the request".to_owned();
            Err(RenewError::Signer { nation, reason })
        };
        match &settings.signer {
            Signer::Folder(folder) => {
                let now = self.clock.now();
                let spec = LeafSpec::system(caller.uri, now, settings.days);
                let folder = folder.clone();
                let work = move || in_folder(&folder, spec, &request, now, nation, judge);
                tokio::task::spawn_blocking(work)
                    .await
                    .map_err(|_| failed("it was cut short".to_owned()))?
            }
            Signer::Command(words) => {
                let asked = by_command(words, settings, &caller, &request);
                judge(&asked.await.map_err(failed)?)
            }
        }
    }

    /// Counts an attempt of a system, or refuses it.
    fn count(&self, identity: &Identity, per_day_max: u32) -> Result<(), RenewError> {
        let now = self.clock.monotonic();
        let mut all = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SYSTEMS_MAX && !all.contains_key(identity) {
            all.retain(|_, times| times.back().is_some_and(|last| now < *last + WINDOW));
        }
        let is_full = all.len() >= SYSTEMS_MAX && !all.contains_key(identity);
        let times = all.entry(identity.clone()).or_default();
        while times.front().is_some_and(|first| *first + WINDOW <= now) {
            times.pop_front();
        }
        let is_over = times.len() >= usize::try_from(per_day_max).unwrap_or(usize::MAX);
        if is_full || is_over {
            let free = times.front().map(|first| *first + WINDOW);
            return Err(RenewError::TooOften {
                per_day_max,
                retry_after: free.map_or(WINDOW, |free| free.saturating_sub(now)),
            });
        }
        times.push_back(now);
        Ok(())
    }
}

/// Issues from an authority's folder, and writes into the authority's register what is judged
/// to be sound. Nothing outlives the authority.
fn in_folder<T>(
    folder: &std::path::Path,
    spec: LeafSpec,
    request: &Request,
    now: Timestamp,
    nation: NationCode,
    judge: impl FnOnce(&[CertificateDer<'static>]) -> Result<T, RenewError>,
) -> Result<T, RenewError> {
    let failed = |reason: String| RenewError::Signer { nation, reason };
    let of_pki = |error: PkiError| failed(error.to_string());
    let mut office = Office::open(folder).map_err(of_pki)?;
    let end = office.authority().not_after();
    if end <= now {
        return Err(failed(format!(
            "the certificate of the authority in {} ended at {end}; the nation needs its next \
             authority",
            folder.display()
        )));
    }
    let spec = if end < spec.end() {
        tracing::warn!(%nation, %end, "a renewed certificate ends with its authority, sooner than \
            was asked for: begin to rotate the authority");
        spec.until(end)
    } else {
        spec
    };
    let chain = office.authority().certify(&spec, request).map_err(of_pki)?;
    let chain: Vec<_> = chain.into_iter().map(|(der, _)| der).collect();
    let answer = judge(&chain)?;
    if let Some(leaf) = chain.first() {
        office.note(leaf, &spec, now).map_err(of_pki)?;
    }
    Ok(answer)
}

/// Asks the operator's command.
async fn by_command(
    words: &[String],
    settings: &RenewalSettings,
    caller: &Renewer<'_>,
    request: &Request,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("ENTENTE_IDENTITY", caller.identity.to_string())
        .env("ENTENTE_SPIFFE_ID", caller.uri)
        .env("ENTENTE_DAYS", settings.days.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that at the deadline its own children end too.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let group = child.id();
    let pem = files::pem("CERTIFICATE REQUEST", &request.der);
    let talked = tokio::time::timeout(settings.deadline, talk(&mut child, pem.as_bytes())).await;
    let answer = match talked {
        Ok(answer) => answer,
        Err(_elapsed) => Err(format!("it did not answer within {:?}", settings.deadline)),
    };
    if answer.is_err() {
        end(group);
        // Kills what is left and takes its end up, so that no dead process stays behind.
        let _gone = child.kill().await;
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&answer?).collect();
    certificates.map_err(|error| format!("its answer is no PEM: {error}"))
}

/// Gives the request, reads answer and complaints within their bounds, and waits for the end.
async fn talk(child: &mut Child, request: &[u8]) -> Result<Vec<u8>, String> {
    let broken = |error: std::io::Error| format!("talking to it failed: {error}");
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err("its pipes are missing".to_owned());
    };
    let give = async {
        // A command that does not read its request may still answer.
        let _unread = stdin.write_all(request).await;
        drop(stdin);
    };
    let (_, answer, complaint) = tokio::join!(
        give,
        read_up_to(stdout, ANSWER_BYTES_MAX + 1),
        read_up_to(stderr, COMPLAINT_BYTES_MAX)
    );
    let (answer, complaint) = (answer.map_err(broken)?, complaint.map_err(broken)?);
    if answer.len() as u64 > ANSWER_BYTES_MAX {
        return Err(format!("it answered more than {ANSWER_BYTES_MAX} bytes"));
    }
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        return Err(format!("it ended with {status}: {}", complaint.trim()));
    }
    Ok(answer)
}

async fn read_up_to(pipe: impl AsyncRead + Unpin, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(bytes_max).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Ends a command and what it started.
fn end(group: Option<u32>) {
    let group = group.and_then(|id| i32::try_from(id).ok());
    if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    #[test]
    fn a_system_tries_so_often_a_day_and_others_are_untouched() {
        let clock = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
        let renewals = Renewals::new(HashMap::new(), Arc::clone(&clock) as Arc<dyn Clock>);
        let (a, b) = ("GBR/a", "GBR/b");
        let (a, b) = (Identity::parse(a).unwrap(), Identity::parse(b).unwrap());
        renewals.count(&a, 2).unwrap();
        clock.advance(Duration::from_secs(3600));
        renewals.count(&a, 2).unwrap();
        let error = renewals.count(&a, 2).unwrap_err();
        assert!(
            matches!(error, RenewError::TooOften { retry_after, .. }
                if retry_after == WINDOW - Duration::from_secs(3600)),
            "{error:?}"
        );
        renewals.count(&b, 2).unwrap();
        clock.advance(WINDOW - Duration::from_secs(3600));
        renewals.count(&a, 2).unwrap();
        assert!(renewals.count(&a, 2).is_err());
    }
}

//! What can be found out without a gateway: the three files, and whether they fit each other.

use super::Check;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::pki::files::{FILE_BYTES_MAX, read_bounded};
use crate::pki::{self, Key, PkiError};
use crate::trust::{self, CertificateFacts, ClientFiles, Held, PeerChain, Profile};
use jiff::Timestamp;
use std::path::Path;

/// Days before its end from which a certificate is spoken of.
const SOON_DAYS: i64 = 30;

pub(super) fn checks(
    files: &ClientFiles,
    identity: Option<&Identity>,
    profile: Profile,
    clock: &dyn Clock,
) -> Vec<Check> {
    let now = clock.now();
    let mut checks = Vec::new();
    let chain = match certificates(&files.certificate) {
        Ok(chain) => chain,
        Err(reason) => {
            checks.push(Check::failed(
                "certificate file",
                reason,
                "name the PEM file with the system's certificate, the system's own first",
            ));
            Vec::new()
        }
    };
    if let Some(leaf) = chain.first() {
        checks.push(Check::ok(
            "certificate file",
            format!("{}: {}", files.certificate.display(), leaf.uris.join(", ")),
        ));
        checks.extend(certificate(&chain, leaf, identity, profile, now));
        checks.push(chain_check(&chain, leaf, &files.certificate));
    }
    checks.push(key(files, chain.first()));
    checks.push(authority(&files.authority, now));
    checks
}

fn certificates(path: &Path) -> Result<Vec<CertificateFacts>, String> {
    let bytes = read_bounded(path, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    let held = trust::read_held(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    let chain = held.into_iter().filter_map(|held| match held {
        Held::Certificate(facts) => Some(*facts),
        _ => None,
    });
    let chain: Vec<_> = chain.collect();
    if chain.is_empty() {
        return Err(format!("{}: holds no certificate", path.display()));
    }
    Ok(chain)
}

/// Everything that the gateway's rules say, against this machine's clock.
fn certificate(
    chain: &[CertificateFacts],
    leaf: &CertificateFacts,
    identity: Option<&Identity>,
    profile: Profile,
    now: Timestamp,
) -> Vec<Check> {
    let ders: Vec<&[u8]> = chain.iter().map(|facts| facts.der.as_slice()).collect();
    let faults = trust::chain_faults(&PeerChain::from_der(&ders), now, profile);
    let mut checks: Vec<_> = faults
        .iter()
        .map(|fault| {
            let words = fault
                .to_string()
                .replace("the gateway's clock", "this machine's clock");
            Check::failed("certificate", words, fault.mend())
        })
        .collect();
    if checks.is_empty() {
        let days = leaf.not_after.duration_since(now).as_secs() / 86_400;
        checks.push(if days < SOON_DAYS {
            let words = format!("sound, but it ends in {days} days");
            Check::warning("certificate", words, "renew it: `entente certs renew`")
        } else {
            let words = format!("names, usages, key and dates are sound; {days} days left");
            Check::ok("certificate", words)
        });
    }
    if let (Some(identity), [uri]) = (identity, leaf.uris.as_slice())
        && !uri.ends_with(&format!("/{}", identity.system))
    {
        checks.push(Check::warning(
            "identity",
            format!("--as says {identity}, but the certificate names {uri}"),
            "the gateway believes the certificate; check that it is the right file",
        ));
    }
    checks
}

/// Whether each certificate of the file was issued by the next one.
fn chain_check(chain: &[CertificateFacts], leaf: &CertificateFacts, path: &Path) -> Check {
    let mut pairs = chain.iter().zip(chain.iter().skip(1));
    if let Some((lower, upper)) = pairs.find(|(lower, upper)| !lower.is_signed_by(upper)) {
        return Check::failed(
            "chain",
            format!(
                "`{}` was issued by `{}`, but what follows it in the file is `{}`",
                lower.subject, lower.issuer, upper.subject
            ),
            "put the system's certificate first, then the authority that issued it, and so on \
             upwards",
        );
    }
    let top = chain.last().unwrap_or(leaf);
    // The development set has the authority beside the systems.
    let beside = path.parent().map(|folder| folder.join("authority.pem"));
    let beside = beside.and_then(|path| certificates(&path).ok());
    if let Some(authority) = beside.as_ref().and_then(|found| found.first())
        && !chain.iter().any(|one| one.is_signed_by(authority))
    {
        return Check::warning(
            "chain",
            format!(
                "the chain ends at the issuer `{}`, which is not the authority beside it (`{}`)",
                top.issuer, authority.subject
            ),
            "while the nation changes its root this is as it should be; if an intermediate \
             authority issued the certificate, append that one's certificate to the system's file",
        );
    }
    Check::ok(
        "chain",
        format!(
            "{} certificate(s), up to the issuer `{}`; the gateway has to know that authority",
            chain.len(),
            top.issuer
        ),
    )
}

fn key(files: &ClientFiles, leaf: Option<&CertificateFacts>) -> Check {
    let key = match Key::read(&files.key) {
        Ok(key) => key,
        Err(error @ PkiError::KeyMode { .. }) => {
            let mend = format!("chmod 600 {}", files.key.display());
            return Check::failed("key", error.to_string(), mend);
        }
        Err(error) => {
            return Check::failed(
                "key",
                error.to_string(),
                "name the PEM file with the certificate's private key",
            );
        }
    };
    let belongs = leaf.and_then(|leaf| {
        let own = pki::public_key_of(&leaf.der.as_slice().into())?;
        Some(own == key.public_key())
    });
    match belongs {
        Some(true) => Check::ok("key", "belongs to the certificate; nobody else can read it"),
        Some(false) => Check::failed(
            "key",
            format!(
                "{} is not the key of {}",
                files.key.display(),
                files.certificate.display()
            ),
            "use the key that was made together with the certificate's request; after a renewal \
             both files change",
        ),
        None => Check::skipped(
            "key",
            "can be read; there is no certificate to compare it with",
        ),
    }
}

fn authority(path: &Path, now: Timestamp) -> Check {
    let mend = "name the PEM file with the authority of the gateway, which its operator gives out";
    let found = match certificates(path) {
        Ok(found) => found,
        Err(reason) => return Check::failed("CA file", reason, mend),
    };
    if !found.iter().any(|facts| facts.is_authority) {
        return Check::failed(
            "CA file",
            format!("{}: holds no authority's certificate", path.display()),
            mend,
        );
    }
    if found.iter().all(|facts| facts.not_after < now) {
        let ends = found
            .iter()
            .map(|facts| facts.not_after)
            .max()
            .unwrap_or(now);
        return Check::failed(
            "CA file",
            format!("{}: ended at {ends}; now is {now}", path.display()),
            mend,
        );
    }
    let subjects: Vec<_> = found.iter().map(|facts| facts.subject.as_str()).collect();
    Check::ok(
        "CA file",
        format!("{}: {}", path.display(), subjects.join("; ")),
    )
}

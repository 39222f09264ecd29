//! A leaf held against the anchors of one nation, each alone, with that anchor's lists only.

use super::anchor::Anchor;
use super::error::{TrustError, Which};
use super::policy;
use super::revocation::{self, RevocationList, SignerKey};
use super::snapshot::NationAnchors;
use super::source::Standing;
use super::verify::{At, digest, from_unix, shortened, timestamp, unix_time};
use super::words;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};
use x509_parser::prelude::X509Certificate;

/// An anchor that vouches for a leaf.
pub(super) struct Vouched<'n> {
    pub(super) anchor: &'n Anchor,
    pub(super) valid_until: Timestamp,
    // Of every certificate of the path, the anchor's included.
    pub(super) keys: Vec<[u8; 32]>,
    pub(super) list_overdue_since: Option<Timestamp>,
}

/// One leaf against the anchors of one nation, each alone.
pub(super) struct Attempt<'a> {
    pub(super) nation: &'a NationAnchors,
    pub(super) leaf_der: &'a CertificateDer<'a>,
    pub(super) leaf: &'a X509Certificate<'a>,
    pub(super) issuers: Vec<CertificateDer<'a>>,
    // Lists of intermediate authorities, proven under the keys of those that were sent.
    pub(super) sub_lists: Vec<Arc<RevocationList>>,
    pub(super) at: At,
}

impl<'a> Attempt<'a> {
    pub(super) fn any_anchor(&self) -> Result<Vouched<'a>, TrustError> {
        let mut worst = TrustError::NoLiveAnchor {
            nation: self.nation.code,
            now: self.at.now,
        };
        let live = self
            .nation
            .anchors
            .iter()
            .filter(|a| a.is_live(self.at.now));
        for anchor in live {
            match self.one_anchor(anchor) {
                Ok(vouched) => return Ok(vouched),
                Err(error) if error.rank() >= worst.rank() => worst = error,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn one_anchor(&self, anchor: &'a Anchor) -> Result<Vouched<'a>, TrustError> {
        let end_entity =
            EndEntityCert::try_from(self.leaf_der).map_err(|e| TrustError::Malformed {
                which: Which::Leaf,
                reason: words::plain(&e).to_owned(),
            })?;
        let lists = self.usable_lists(anchor);
        let offered: Vec<_> = lists.usable.iter().map(|l| &l.list).collect();
        // No list at all: path validation still runs, so that the peer learns the first
        // fault; but without a list nothing is ever accepted.
        let revocation = RevocationOptionsBuilder::new(&offered).ok().map(|builder| {
            builder
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(lists.expiry)
                .build()
        });
        let checked = revocation.is_some();
        let unknown = || match lists.too_old {
            Some(next_update) => TrustError::RevocationListExpired {
                nation: self.nation.code,
                next_update,
                now: self.at.now,
            },
            None => TrustError::RevocationUnknown {
                nation: self.nation.code,
            },
        };
        let path = end_entity
            .verify_for_usage(
                self.at.profile.signatures().all,
                &anchor.trust_anchor,
                &self.issuers,
                unix_time(self.at.now),
                // Where an issuer names purposes they must include ours. The leaf must name
                // it, which `policy` has checked: webpki's strict form asks it of issuers too.
                KeyUsage::client_auth(),
                revocation,
                None,
            )
            .map_err(|e| match self.explain(e, &lists.usable) {
                TrustError::RevocationUnknown { .. } => unknown(),
                other => other,
            })?;
        self.refuse_out_of_force(anchor)?;
        if !checked {
            return Err(unknown());
        }
        let leaf_end = timestamp(self.leaf.validity().not_after.timestamp());
        let mut valid_until = anchor.end().min(leaf_end);
        let mut keys = vec![digest(self.leaf.public_key().raw), anchor.spki_sha256];
        let profile = self.at.profile;
        anchor.check_key(profile)?;
        let mut below = 0;
        for issuer in path.intermediate_certificates() {
            let der = issuer.der();
            let parsed = policy::parse(&der, Which::Issuer)?;
            // One that certifies its own name is a change of its key, not a further authority.
            below += u32::from(parsed.subject() != parsed.issuer());
            policy::check_key(parsed.public_key(), Which::Issuer, profile)?;
            valid_until = valid_until.min(timestamp(parsed.validity().not_after.timestamp()));
            let key = digest(parsed.public_key().raw);
            self.refuse_withdrawn_key(&key)?;
            keys.push(key);
        }
        refuse_too_long(anchor, below)?;
        Ok(Vouched {
            anchor,
            valid_until,
            keys,
            list_overdue_since: lists.overdue_since,
        })
    }

    /// The lists that an anchor's paths are held against.
    fn usable_lists(&self, anchor: &'a Anchor) -> Usable<'_> {
        let mut usable = revocation::in_force(&anchor.lists, self.at.now);
        usable.extend(self.sub_lists.iter().map(AsRef::as_ref));
        let grace = self.nation.overdue_grace;
        let mut lists = Usable {
            usable,
            expiry: self.at.list_expiry,
            too_old: None,
            overdue_since: None,
        };
        if matches!(self.at.list_expiry, ExpirationPolicy::Ignore) || grace <= SignedDuration::ZERO
        {
            return lists;
        }
        let now = self.at.now;
        lists.expiry = ExpirationPolicy::Ignore;
        let last = |l: &RevocationList| {
            l.next_update
                .saturating_add(grace)
                .unwrap_or(Timestamp::MAX)
        };
        lists.too_old = lists
            .usable
            .iter()
            .filter(|l| last(l) <= now)
            .map(|l| l.next_update)
            .min();
        lists.usable.retain(|l| now < last(l));
        lists.overdue_since = lists
            .usable
            .iter()
            .map(|l| l.next_update)
            .filter(|at| *at <= now)
            .min();
        lists
    }

    /// The path stands, so what is said of its anchor is about this leaf.
    fn refuse_out_of_force(&self, anchor: &Anchor) -> Result<(), TrustError> {
        if anchor.vouches(self.at.now) {
            return Ok(());
        }
        let standing = match anchor.standing {
            Standing::Published => "is published for later use only".to_owned(),
            Standing::Retiring { until } => format!("was retired at {until}"),
            Standing::Active | Standing::Withdrawn => "was withdrawn".to_owned(),
        };
        Err(TrustError::AnchorNotInForce {
            nation: self.nation.code,
            subject: shortened(&anchor.subject_text),
            standing,
        })
    }

    /// A withdrawn authority does not come back below another one.
    fn refuse_withdrawn_key(&self, key: &[u8; 32]) -> Result<(), TrustError> {
        let withdrawn = self.nation.anchors.iter();
        match withdrawn
            .filter(|a| a.standing == Standing::Withdrawn)
            .find(|a| a.spki_sha256 == *key)
        {
            Some(anchor) => self.refuse_out_of_force(anchor),
            None => Ok(()),
        }
    }

    /// Number of the list that a certificate of this chain stands on.
    fn revoking_list(&self, lists: &[&RevocationList]) -> String {
        let issuers = self.issuers.iter();
        let parsed = issuers.filter_map(|der| policy::parse(der, Which::Issuer).ok());
        let issuers: Vec<_> = parsed.map(|issuer| issuer.raw_serial().to_vec()).collect();
        let serials =
            std::iter::once(self.leaf.raw_serial()).chain(issuers.iter().map(Vec::as_slice));
        let mut serials = serials.flat_map(|serial| lists.iter().map(move |list| (list, serial)));
        serials
            .find(|(list, serial)| matches!(list.list.find_serial(serial), Ok(Some(_))))
            .map_or_else(|| "unknown".to_owned(), |(list, _)| list.number.to_string())
    }

    /// webpki's error in our words, with both clocks named.
    fn explain(&self, error: webpki::Error, lists: &[&RevocationList]) -> TrustError {
        use webpki::Error as E;
        let (nation, now) = (self.nation.code, self.at.now);
        match error {
            E::CertExpired { not_after, .. } => {
                let not_after = from_unix(not_after);
                let leaf_end = timestamp(self.leaf.validity().not_after.timestamp());
                let which = if leaf_end == not_after {
                    Which::Leaf
                } else {
                    Which::Issuer
                };
                TrustError::Expired {
                    which,
                    not_after,
                    now,
                }
            }
            E::CertNotValidYet { not_before, .. } => {
                let not_before = from_unix(not_before);
                let leaf_start = timestamp(self.leaf.validity().not_before.timestamp());
                let which = if leaf_start == not_before {
                    Which::Leaf
                } else {
                    Which::Issuer
                };
                TrustError::NotYetValid {
                    which,
                    not_before,
                    now,
                }
            }
            E::CertRevoked => TrustError::Revoked {
                nation,
                list_number: self.revoking_list(lists),
            },
            E::CrlExpired { next_update, .. } => TrustError::RevocationListExpired {
                nation,
                next_update: from_unix(next_update),
                now,
            },
            E::UnknownRevocationStatus
            | E::InvalidCrlSignatureForPublicKey
            | E::IssuerNotCrlSigner => TrustError::RevocationUnknown { nation },
            E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => TrustError::NotForClients,
            E::CaUsedAsEndEntity => TrustError::AuthorityAsLeaf,
            E::EndEntityUsedAsCa => TrustError::IssuerMayNotSign,
            // A signature that fails is a certificate by somebody with the same name.
            E::UnknownIssuer | E::InvalidSignatureForPublicKey => TrustError::UnknownIssuer {
                nation,
                issuer: shortened(&self.leaf.issuer().to_string()),
            },
            other => TrustError::Path(words::plain(&other).to_owned()),
        }
    }
}

/// Holds an anchor to its path length; webpki holds only those below it to theirs.
fn refuse_too_long(anchor: &Anchor, below: u32) -> Result<(), TrustError> {
    match anchor.constraints.path_length {
        Some(most) if below > most => {
            let error = webpki::Error::PathLenConstraintViolated;
            Err(TrustError::Path(words::plain(&error).to_owned()))
        }
        _ => Ok(()),
    }
}

/// Lists that may be offered to path validation, and what was left out.
struct Usable<'a> {
    usable: Vec<&'a RevocationList>,
    expiry: ExpirationPolicy,
    // Renewal that was missed by more than the grace.
    too_old: Option<Timestamp>,
    // Renewal that was missed by less.
    overdue_since: Option<Timestamp>,
}

/// The lists of the sent intermediates. Their keys are unverified here; a list counts only
/// for a certificate that the same key issued, which webpki then checks.
pub(super) fn sub_lists(
    nation: &NationAnchors,
    issuers: &[(CertificateDer<'_>, X509Certificate<'_>)],
    now: Timestamp,
) -> Vec<Arc<RevocationList>> {
    let mut proven = Vec::new();
    for (_, issuer) in issuers {
        let key = SignerKey {
            public_key: issuer.public_key().subject_public_key.data.to_vec(),
        };
        let mut own: Vec<_> = nation
            .lists_below()
            .filter(|l| l.issuer == issuer.subject().as_raw() && l.is_proven_by(&key))
            .cloned()
            .collect();
        revocation::sort(&mut own);
        let chosen = revocation::in_force(&own, now);
        proven.extend(
            own.iter()
                .filter(|l| chosen.iter().any(|c| std::ptr::eq(*c, l.as_ref())))
                .cloned(),
        );
    }
    proven
}

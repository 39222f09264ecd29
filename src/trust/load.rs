//! One nation's anchors and lists from bytes, with every problem on the way.

use super::anchor::Anchor;
use super::error::{Severity, TrustProblem};
use super::pem;
use super::revocation::{self, RevocationList};
use super::snapshot::NationAnchors;
use super::source::{FILE_BYTES_MAX, Material, NationMaterial};
use jiff::Timestamp;
use std::sync::Arc;

/// Loads one nation's material and collects every problem.
pub(super) struct Loading<'a> {
    pub(super) material: &'a NationMaterial,
    pub(super) now: Timestamp,
    pub(super) problems: &'a mut Vec<TrustProblem>,
    // After an error, warnings would mostly tell its consequences, and hide it.
    pub(super) is_broken: bool,
}

impl Loading<'_> {
    pub(super) fn nation(mut self, before: Option<&NationAnchors>) -> NationAnchors {
        let mut anchors = self.anchors();
        let lists = self.lists();
        let sub_lists = self.assign(&mut anchors, lists);
        for anchor in &anchors {
            self.judge(anchor);
            let twin = before.and_then(|b| {
                b.anchors
                    .iter()
                    .find(|a| a.spki_sha256 == anchor.spki_sha256)
            });
            if let Some(twin) = twin {
                self.refuse_older(&anchor.lists, &twin.lists);
            }
        }
        if let Some(before) = before {
            self.refuse_older(&sub_lists, &before.sub_lists);
        }
        if anchors.is_empty() {
            self.warn(
                "anchors",
                "no anchor: no system of this nation can connect".to_owned(),
            );
        }
        NationAnchors {
            code: self.material.code,
            anchors,
            sub_lists,
        }
    }

    fn anchors(&mut self) -> Vec<Anchor> {
        let mut anchors: Vec<Anchor> = Vec::new();
        for Material { name, bytes } in &self.material.anchors {
            let certificates = match bounded(bytes).and_then(pem::certificates) {
                Ok(certificates) => certificates,
                Err(reason) => {
                    self.fail(name, reason);
                    continue;
                }
            };
            for der in certificates {
                match Anchor::parse(name, &der) {
                    Ok(anchor)
                        if anchor.is_development && !self.material.allow_development_anchors =>
                    {
                        self.fail(
                            name,
                            "is a development authority; name the nation's real one, or set \
                             trust.allow_development_anchors on a machine for tests"
                                .to_owned(),
                        );
                    }
                    Ok(anchor) if anchors.iter().any(|a| a.spki_sha256 == anchor.spki_sha256) => {
                        self.warn(name, "is named twice".to_owned());
                    }
                    Ok(anchor) => anchors.push(anchor),
                    Err(reason) => self.fail(name, reason),
                }
            }
        }
        anchors
    }

    fn lists(&mut self) -> Vec<Arc<RevocationList>> {
        let mut lists = Vec::new();
        for Material { name, bytes } in &self.material.revocation_lists {
            let found = match bounded(bytes).and_then(pem::revocation_lists) {
                Ok(found) => found,
                Err(reason) => {
                    self.fail(name, reason);
                    continue;
                }
            };
            for der in found {
                match RevocationList::parse(name, der) {
                    Ok(list) => lists.push(Arc::new(list)),
                    Err(reason) => self.fail(name, reason),
                }
            }
        }
        revocation::sort(&mut lists);
        for pair in lists.windows(2) {
            if let [a, b] = pair
                && a.number == b.number
                && a.issuer == b.issuer
                && a.scope() == b.scope()
                && a.content_sha256 != b.content_sha256
            {
                self.warn(
                    &b.source_name,
                    format!(
                        "has the same number ({}) as another list of this name, in {}",
                        b.number, a.source_name
                    ),
                );
            }
        }
        lists
    }

    /// Gives each list to the anchor whose key signed it; returns those of no anchor's name.
    fn assign(
        &mut self,
        anchors: &mut [Anchor],
        lists: Vec<Arc<RevocationList>>,
    ) -> Vec<Arc<RevocationList>> {
        let mut of_others = Vec::new();
        for list in lists {
            if anchors.iter().all(|a| a.subject != list.issuer) {
                self.warn(
                    &list.source_name,
                    format!(
                        "its issuer `{}` is no anchor; it counts only for an intermediate \
                         authority that proves it",
                        list.issuer_text
                    ),
                );
                of_others.push(list);
                continue;
            }
            let signer = anchors
                .iter_mut()
                .find(|a| a.subject == list.issuer && list.is_proven_by(&a.key));
            match signer {
                Some(anchor) => anchor.lists.push(list),
                None => self.fail(
                    &list.source_name,
                    format!(
                        "was not signed by `{}` of this nation, although it says so",
                        list.issuer_text
                    ),
                ),
            }
        }
        of_others
    }

    /// Warns about everything that keeps systems of this anchor out.
    fn judge(&mut self, anchor: &Anchor) {
        let name = anchor.source_name.as_str();
        let now = self.now;
        if anchor.not_after < now {
            self.warn(
                name,
                format!("expired at {}; now is {now}", anchor.not_after),
            );
        }
        if now < anchor.not_before {
            self.warn(
                name,
                format!("is not valid before {}; now is {now}", anchor.not_before),
            );
        }
        let in_force = revocation::in_force(&anchor.lists, now);
        if in_force.is_empty() {
            self.warn(
                name,
                match anchor.lists.first() {
                    Some(list) => format!(
                        "its revocation list ({}) begins only at {}; now is {now}: nobody of \
                         this authority can connect",
                        list.source_name, list.this_update
                    ),
                    None => "no revocation list of this authority: nobody whom it vouches for \
                             can connect"
                        .to_owned(),
                },
            );
        }
        let expired: Vec<_> = in_force.iter().filter(|l| l.next_update <= now).collect();
        for list in expired {
            self.warn(
                &list.source_name,
                format!(
                    "was to be renewed by {}; now is {now}: nobody of this authority can connect",
                    list.next_update
                ),
            );
        }
    }

    /// A list never goes back: neither its number, nor its content under the same number.
    fn refuse_older(&mut self, new: &[Arc<RevocationList>], old: &[Arc<RevocationList>]) {
        for before in old {
            let newest = new
                .iter()
                .filter(|n| n.issuer == before.issuer && n.scope() == before.scope())
                .max_by(|a, b| a.number.cmp(&b.number));
            let Some(newest) = newest else { continue };
            if newest.number < before.number {
                self.fail(
                    &newest.source_name,
                    format!(
                        "has number {}, but number {} is in force; a list never goes back",
                        newest.number, before.number
                    ),
                );
            } else if newest.number == before.number
                && newest.content_sha256 != before.content_sha256
            {
                self.fail(
                    &newest.source_name,
                    format!(
                        "differs from the list in force under the same number {}; its authority \
                         has to raise the number",
                        newest.number
                    ),
                );
            }
        }
    }

    fn fail(&mut self, source_name: &str, reason: String) {
        self.is_broken = true;
        self.problem(source_name, reason, Severity::Error);
    }

    fn warn(&mut self, source_name: &str, reason: String) {
        if !self.is_broken {
            self.problem(source_name, reason, Severity::Warning);
        }
    }

    fn problem(&mut self, source_name: &str, reason: String, severity: Severity) {
        self.problems.push(TrustProblem {
            nation: self.material.code,
            source_name: source_name.to_owned(),
            reason,
            severity,
        });
    }
}

/// Material from memory within the limit of files.
fn bounded(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

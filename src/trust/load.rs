//! One nation's anchors and lists from bytes, with every problem on the way.

use super::anchor::Anchor;
use super::error::{Severity, TrustProblem};
use super::floors::Floors;
use super::pem;
use super::revocation::{self, RevocationList};
use super::snapshot::NationAnchors;
use super::source::{FILE_BYTES_MAX, Material, NationMaterial, Standing};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Loads one nation's material and collects every problem.
pub(super) struct Loading<'a> {
    pub(super) material: &'a NationMaterial,
    pub(super) now: Timestamp,
    pub(super) floors: &'a Floors,
    pub(super) problems: &'a mut Vec<TrustProblem>,
    // After an error, warnings would mostly tell its consequences, and hide it.
    pub(super) is_broken: bool,
}

impl Loading<'_> {
    pub(super) fn nation(mut self, before: Option<&NationAnchors>) -> NationAnchors {
        let mut anchors = self.anchors();
        let lists = self.lists();
        let sub_lists = self.assign(&mut anchors, lists);
        for anchor in anchors.iter().filter(|a| a.standing != Standing::Withdrawn) {
            self.judge(anchor);
            let twin = before.and_then(|b| {
                b.anchors
                    .iter()
                    .find(|a| a.spki_sha256 == anchor.spki_sha256)
            });
            match twin {
                Some(twin) => {
                    self.refuse_older(&anchor.lists, &twin.lists);
                    self.refuse_vanished(&anchor.lists, &twin.lists);
                }
                None => self.refuse_below_floor(anchor),
            }
        }
        if let Some(before) = before {
            self.refuse_older(&sub_lists, &before.sub_lists);
        }
        if !anchors.iter().any(|a| a.vouches(self.now)) {
            self.warn(
                "anchors",
                "no anchor: no system of this nation can connect".to_owned(),
            );
        }
        let grace = self.material.terms.overdue_grace;
        if grace > SignedDuration::ZERO {
            self.warn(
                "trust.danger_accept_expired_lists_for",
                format!("revocation lists count for {grace:#} past their renewal: who was revoked meanwhile comes in"),
            );
        }
        NationAnchors {
            code: self.material.code,
            anchors,
            sub_lists,
            blocked: self.material.terms.blocked.clone(),
            overdue_grace: grace,
            content_sha256: content(self.material),
        }
    }

    fn anchors(&mut self) -> Vec<Anchor> {
        let mut anchors: Vec<Anchor> = Vec::new();
        let material = self.material;
        let active = material.anchors.iter().map(|m| (m, Standing::Active));
        let others = material
            .terms
            .anchors
            .iter()
            .map(|(m, standing)| (m, *standing));
        for (Material { name, bytes }, standing) in active.chain(others) {
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
                    Ok(anchor) => self.place(Anchor { standing, ..anchor }, &mut anchors),
                    Err(reason) => self.fail(name, reason),
                }
            }
        }
        anchors
    }

    /// Takes an anchor in. A bundle may hold old and new authorities together, so what is said
    /// of one of them elsewhere, withdrawn before retiring, counts more than the bundle.
    fn place(&mut self, anchor: Anchor, anchors: &mut Vec<Anchor>) {
        if let (Some(weak), true) = (&anchor.weak_key, anchor.standing != Standing::Withdrawn) {
            self.fail(&anchor.source_name, weak.clone());
            return;
        }
        let twin = anchors
            .iter_mut()
            .find(|a| a.spki_sha256 == anchor.spki_sha256);
        let Some(twin) = twin else {
            anchors.push(anchor);
            return;
        };
        match (twin.standing, anchor.standing) {
            (before, now) if before == now => {
                self.warn(&anchor.source_name, "is named twice".to_owned());
            }
            (_, Standing::Withdrawn) | (Standing::Active, Standing::Retiring { .. }) => {
                *twin = anchor;
            }
            (Standing::Withdrawn, _) => {}
            (before, now) => {
                let (before, now) = (before.word(), now.word());
                let also = twin.source_name.clone();
                self.fail(
                    &anchor.source_name,
                    format!("is named as {now} here, and as {before} in {also}; name it once"),
                );
            }
        }
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

    /// A list may be replaced, never taken away: without it nobody knows who was revoked.
    fn refuse_vanished(&mut self, new: &[Arc<RevocationList>], old: &[Arc<RevocationList>]) {
        // A list that cannot be read is told once, as that.
        for before in old.iter().filter(|_| !self.is_broken).collect::<Vec<_>>() {
            let is_there = new.iter().any(|n| n.scope() == before.scope());
            if !is_there {
                self.fail(
                    &before.source_name,
                    format!(
                        "number {} was in force and is gone; put it or a newer one in place, or \
                         withdraw its authority `{}`",
                        before.number, before.issuer_text
                    ),
                );
            }
        }
    }

    /// Nor does a restart bring an old list back.
    fn refuse_below_floor(&mut self, anchor: &Anchor) {
        for list in revocation::highest(&anchor.lists) {
            if let Err(reason) = self.floors.check(anchor, list) {
                self.fail(&list.source_name, reason);
            }
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

/// Everything that the nation's trust is made of, so that a change is known from none.
fn content(material: &NationMaterial) -> [u8; 32] {
    use aws_lc_rs::digest::{Context, SHA256};
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_le_bytes());
        context.update(bytes);
    };
    part(material.domain.as_str().as_bytes());
    part(format!("{:?}", material.terms.overdue_grace).as_bytes());
    for blocked in &material.terms.blocked {
        part(blocked.to_string().as_bytes());
    }
    part(b"anchors");
    for anchor in &material.anchors {
        part(&anchor.bytes);
    }
    for (anchor, standing) in &material.terms.anchors {
        part(format!("{standing:?}").as_bytes());
        part(&anchor.bytes);
    }
    part(b"lists");
    for list in &material.revocation_lists {
        part(&list.bytes);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

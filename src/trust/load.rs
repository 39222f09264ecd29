//! One nation's anchors and lists from bytes, with every problem on the way.

use super::anchor::Anchor;
use super::error::{Severity, TrustProblem};
use super::floors::Floors;
use super::pem;
use super::profile::Profile;
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
        let mut intermediates = self.intermediates(&anchors);
        let lists = self.lists();
        let of_others = self.assign(&mut anchors, lists);
        let sub_lists = self.assign_below(&mut intermediates, of_others);
        for anchor in anchors.iter().filter(|a| a.standing != Standing::Withdrawn) {
            self.judge(anchor);
            self.refuse_rollback(anchor, before.map(|b| b.anchors.as_slice()));
        }
        for authority in &intermediates {
            self.refuse_rollback(authority, before.map(|b| b.intermediates.as_slice()));
            self.judge(authority);
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
            intermediates,
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
        let is_withdrawn = anchor.standing == Standing::Withdrawn;
        if let (Err(weak), false) = (anchor.check_key(Profile::Default), is_withdrawn) {
            self.fail(&anchor.source_name, weak.to_string());
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
                of_others.push(list);
                continue;
            }
            let signer = anchors
                .iter_mut()
                .find(|a| a.subject == list.issuer && list.is_proven_by(&a.key));
            match signer {
                Some(anchor) => anchor.lists.push(list),
                None => self.fail(&list.source_name, unsigned(&list)),
            }
        }
        of_others
    }

    /// The same for authorities below. What is left may be proven in a handshake by the
    /// authority that the peer sends along.
    fn assign_below(
        &mut self,
        intermediates: &mut [Anchor],
        lists: Vec<Arc<RevocationList>>,
    ) -> Vec<Arc<RevocationList>> {
        let unproven = self.assign(intermediates, lists);
        for list in &unproven {
            self.warn(
                &list.source_name,
                format!(
                    "its issuer `{}` is no anchor and no intermediate that is named in \
                     trust.intermediates; it counts only for one that proves it in a handshake",
                    list.issuer_text
                ),
            );
        }
        unproven
    }

    /// Authorities below the anchors; each must come from an anchor, perhaps by way of others.
    fn intermediates(&mut self, anchors: &[Anchor]) -> Vec<Anchor> {
        let mut waiting = Vec::new();
        for Material { name, bytes } in &self.material.terms.intermediates {
            match bounded(bytes).and_then(pem::certificates) {
                Ok(certificates) => waiting.extend(certificates.into_iter().map(|der| (name, der))),
                Err(reason) => self.fail(name, reason),
            }
        }
        let mut parsed = Vec::new();
        for (name, der) in waiting {
            match Anchor::parse(name, &der) {
                Ok(authority) => match authority.check_key(Profile::Default) {
                    Err(weak) => self.fail(name, weak.to_string()),
                    Ok(()) => parsed.push(authority),
                },
                Err(reason) => self.fail(name, reason),
            }
        }
        let mut proven: Vec<Anchor> = Vec::new();
        loop {
            let is_proven = |a: &Anchor| anchors.iter().chain(&proven).any(|i| a.is_issued_by(i));
            let (found, left): (Vec<_>, Vec<_>) = parsed.into_iter().partition(is_proven);
            parsed = left;
            if found.is_empty() {
                break;
            }
            proven.extend(found);
        }
        for orphan in &parsed {
            let reason = format!(
                "`{}` was not issued by an anchor of this nation, nor by an authority below one",
                orphan.subject_text
            );
            self.fail(&orphan.source_name, reason);
        }
        proven
    }

    /// Holds an authority's lists against those that it had before, in this run or ever.
    fn refuse_rollback(&mut self, authority: &Anchor, before: Option<&[Anchor]>) {
        let is_same = |a: &&Anchor| a.spki_sha256 == authority.spki_sha256;
        match before.and_then(|before| before.iter().find(is_same)) {
            Some(twin) => {
                self.refuse_older(&authority.lists, &twin.lists);
                self.refuse_vanished(&authority.lists, &twin.lists);
            }
            None => self.refuse_below_floor(authority),
        }
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
        for advice in &anchor.constraints.advice {
            self.warn(name, (*advice).to_owned());
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

fn unsigned(list: &RevocationList) -> String {
    let issuer = &list.issuer_text;
    format!("was not signed by `{issuer}` of this nation, although it says so")
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
    part(b"below");
    for authority in &material.terms.intermediates {
        part(&authority.bytes);
    }
    part(b"lists");
    for list in &material.revocation_lists {
        part(&list.bytes);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

//! What a prepared change does, in words, and the id that names it.

use super::Changes;
use crate::config::NationFile;
use crate::gateway::difference::{compare, compare_files, lost_rights};
use crate::gateway::registry;
use crate::listener::Cut;
use crate::rpc::changes::{Difference, Plan};
use crate::trust::{Prepared, fingerprint};

impl Changes {
    /// What a prepared change does; besides, the connections that lose rights.
    pub(super) fn describe(
        &self,
        prepared: &Prepared,
        known: &[NationFile],
        files: &[NationFile],
        warnings: Vec<String>,
    ) -> (Plan, Vec<Cut>) {
        let current = self.trust.current();
        let now = self.registry.load_full();
        let next = &registry(files);
        let mut changes: Vec<_> = prepared
            .changes(&current)
            .into_iter()
            .map(|change| Difference {
                nation: Some(change.nation),
                what: change.what,
            })
            .collect();
        if prepared.replaces_own(&current) {
            let until = prepared.own_not_after();
            changes.push(Difference {
                nation: None,
                what: format!("the gateway's certificate is replaced; the new one ends at {until}"),
            });
        }
        compare(&now, next, &mut changes);
        compare_files(known, files, &mut changes);
        let mut cuts =
            self.connections
                .preview(prepared.snapshot(), &current.snapshot, self.clock.now());
        let rights = self.connections.pick(|peer| {
            let is_cut = cuts.iter().any(|cut| cut.peer.number() == peer.number());
            (!is_cut).then(|| lost_rights(peer, &now, next)).flatten()
        });
        cuts.extend(rights.iter().cloned());
        let plan = Plan {
            id: plan_id(&prepared.digest(), files),
            epoch: current.snapshot.epoch(),
            changes,
            kept: self.connections.total().saturating_sub(cuts.len()),
            cuts,
            admits: Vec::new(),
            faults: Vec::new(),
            warnings,
        };
        (plan, rights)
    }
}

/// Names what a change puts in force: trust, and each nation's file.
fn plan_id(trust: &[u8], files: &[NationFile]) -> String {
    let mut content = trust.to_vec();
    for file in files {
        let NationFile {
            file: _,
            nation,
            // The notation says the same, in an order that does not change.
            profile: _,
            notation,
            rules,
            // Their contents are the digest of trust.
            sources: _,
            renewal,
        } = file;
        content.extend(format!("{nation:?}{notation:?}{renewal:?}").into_bytes());
        content.extend(rules.in_order().into_bytes());
    }
    fingerprint(&content)
}

//! Whom a change lets in, as far as a gateway can know: what opens, the systems that a nation's
//! file lists, and those that were refused lately.

use super::Changes;
use crate::config::NationFile;
use crate::rpc::changes::Admission;
use crate::trust::TrustSnapshot;

impl Changes {
    /// Whom `next` lets in and `before` did not.
    pub(super) fn admits(
        &self,
        next: &TrustSnapshot,
        before: &TrustSnapshot,
        files: &[NationFile],
    ) -> Vec<Admission> {
        let now = self.clock.now();
        let mut all = Vec::new();
        for opening in next.openings_since(before, now) {
            let nation = opening.nation;
            let file = files.iter().find(|file| file.nation.code == nation);
            let listed = file.filter(|_| opening.for_all).into_iter();
            let listed = listed.flat_map(|file| file.nation.systems.keys());
            let listed = listed.map(|system| Admission {
                nation,
                system: Some(system.clone()),
                why: "listed in the nation's file; comes in if it has a sound certificate"
                    .to_owned(),
            });
            let first = Admission {
                nation,
                system: opening.system,
                why: opening.what,
            };
            all.push(first);
            all.extend(listed);
        }
        let returning = self.connections.returning(next, before, now);
        all.extend(returning.into_iter().map(|one| Admission {
            nation: one.identity.nation,
            system: Some(one.identity.system),
            why: format!(
                "its certificate (serial {}) is taken now; it was shown from {} at {} and refused: \
                 {}",
                one.serial_hex, one.address, one.refused_at, one.reason
            ),
        }));
        all.sort_by_key(|admission| admission.nation);
        all
    }
}

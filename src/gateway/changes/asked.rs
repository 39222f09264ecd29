//! What operators ask for: plans, changes, blocks. They are answered, so theirs is whole or not
//! at all.

use super::super::known::Known;
use super::{Change, Changes, TrustOr, not_applied};
use crate::config::Origin;
use crate::identity::NationCode;
use crate::rpc::changes::{Applied, Fault, NotApplied, Plan, Trial, TrustChanges, Who};
use crate::trust::{Blocked, Hold, Prepared, Scope};

impl Changes {
    /// A change of blocks alone; files are not looked at.
    fn change_blocks(
        &self,
        who: &Who,
        prepared: Prepared,
        known: &Known,
        reason: &str,
    ) -> Result<Applied, NotApplied> {
        let (mut plan, rights) =
            self.describe(&prepared, &known.nations, &known.nations, Vec::new());
        for change in plan.changes.iter_mut().filter(|_| !reason.is_empty()) {
            change.what = format!("{} ({reason})", change.what);
        }
        let change = Change {
            prepared,
            nations: known.nations.clone(),
            plan,
            rights,
            faults: Vec::new(),
            faulty: Vec::new(),
        };
        self.put_in_force(who, change)
    }
}

impl TrustChanges for Changes {
    fn faults(&self) -> Vec<Fault> {
        self.faults.borrow().clone()
    }

    fn renewed(&self, who: &Who, serial_hex: &str) -> Result<(), NotApplied> {
        // One line at a time.
        let _known = self.lock();
        let written = self.audit.renewed(self.clock.now(), who, serial_hex);
        written.map_err(|error| NotApplied::Audit(error.to_string()))
    }

    fn plan(&self, trial: &Trial) -> Plan {
        let known = self.lock();
        let faulty = |faults| Plan {
            epoch: self.trust.snapshot().epoch(),
            kept: self.connections.total(),
            faults,
            ..Plan::default()
        };
        let marks = self.origin.as_ref().map(Origin::marks).unwrap_or_default();
        match self.read(&known, &marks, Scope::Everything, Some(trial)) {
            Ok(change) => {
                let (next, before) = (change.prepared.snapshot(), self.trust.snapshot());
                let admits = self.admits(next, &before, &change.nations);
                Plan {
                    admits,
                    ..change.plan
                }
            }
            Err(TrustOr::Unsettled) => faulty(vec![NotApplied::Unsettled.to_string()]),
            Err(TrustOr::Faults(faults)) => faulty(faults),
        }
    }

    fn apply(&self, who: &Who, plan_id: Option<&str>) -> Result<Applied, NotApplied> {
        let applied = self.change(who, Scope::Everything, plan_id)?;
        let ended = applied.plan.cuts.len();
        tracing::info!(epoch = applied.epoch, ended, by = %who, "trust was applied");
        Ok(applied)
    }

    fn hold(&self, who: &Who, hold: Hold) -> Result<Applied, NotApplied> {
        let known = self.lock();
        let reason = hold.reason.clone();
        let prepared = self.trust.prepare_hold(hold).map_err(not_applied)?;
        let applied = self.change_blocks(who, prepared, &known, &reason)?;
        let ended = applied.plan.cuts.len();
        tracing::warn!(epoch = applied.epoch, ended, by = %who, reason, "blocked by an operator");
        Ok(applied)
    }

    fn release(
        &self,
        who: &Who,
        nation: NationCode,
        what: &Blocked,
    ) -> Result<Applied, NotApplied> {
        let known = self.lock();
        let prepared = self.trust.prepare_release(nation, what);
        let prepared = prepared.ok_or(NotApplied::NotHeld)?;
        let applied = self.change_blocks(who, prepared, &known, "")?;
        tracing::warn!(epoch = applied.epoch, %nation, %what, by = %who, "a block was lifted");
        Ok(applied)
    }
}

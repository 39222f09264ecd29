//! Changes of trust and nations: planned, applied whole or not at all, audited. The file watch,
//! SIGHUP and operators come here alike, one at a time.

mod admits;
mod asked;
mod described;

use super::audit::Audit;
use super::difference::written;
use super::known::Known;
use super::reading::{Reading, is_kept};
use super::{desks, registry, renewals};
use crate::clock::Clock;
use crate::config::{NationFile, Origin, OriginMarks, TrustSettings};
use crate::identity::registry::Registry;
use crate::intake::Intake;
use crate::listener::{Connections, Cut};
use crate::pki::Renewals;
use crate::rpc::changes::{Applied, Difference, Fault, NotApplied, Plan, Trial, Who};
use crate::telemetry;
use crate::trust::{Looked, Prepared, Reloaded, Scope, TrustState, TrustStateError};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What a change of trust or nations reaches.
pub(super) struct Parts {
    pub(super) trust: Arc<TrustState>,
    pub(super) connections: Arc<Connections>,
    pub(super) registry: Arc<ArcSwap<Registry>>,
    pub(super) intake: Arc<Intake>,
    pub(super) renewals: Arc<Renewals>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Arc<Audit>,
}

/// What was faulty when the gateway started.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// In nations' files.
    pub(super) of_files: Vec<Fault>,
    /// In their anchors and lists.
    pub(super) of_trust: Vec<Fault>,
}

/// Where trust and nations are changed.
pub(super) struct Changes {
    trust: Arc<TrustState>,
    connections: Arc<Connections>,
    registry: Arc<ArcSwap<Registry>>,
    intake: Arc<Intake>,
    renewals: Arc<Renewals>,
    clock: Arc<dyn Clock>,
    // Files that change are taken up without being asked to.
    at_once: bool,
    audit: Arc<Audit>,
    origin: Option<Origin>,
    // Whose anchors or lists were faulty when the gateway started.
    at_start: Vec<Fault>,
    // Held for the whole of a change, so that two cannot cross.
    known: Mutex<Known>,
    // What is faulty now, for whoever shows it; sent anew after every change.
    faults: watch::Sender<Vec<Fault>>,
}

/// Everything that a change would put in force.
struct Change {
    prepared: Prepared,
    nations: Vec<NationFile>,
    plan: Plan,
    rights: Vec<Cut>,
    // Why nations keep what they had.
    faults: Vec<Fault>,
    // Those that are in their files themselves.
    faulty: Vec<Fault>,
}

impl Changes {
    pub(super) fn new(
        parts: Parts,
        settings: &TrustSettings,
        origin: Option<Origin>,
        nations: Vec<NationFile>,
        faults: Faults,
    ) -> Self {
        let Parts {
            trust,
            connections,
            registry,
            intake,
            renewals,
            clock,
            audit,
        } = parts;
        let mut at_start = faults.of_files.clone();
        at_start.extend_from_slice(&faults.of_trust);
        Self {
            known: Mutex::new(Known {
                nations,
                seen: origin.as_ref().map(Origin::marks).unwrap_or_default(),
                settling: None,
                looked_at: clock.now(),
                told_of_waiting: false,
                faulty: faults.of_files,
                told: Vec::new(),
            }),
            at_start: faults.of_trust,
            faults: watch::Sender::new(at_start),
            at_once: settings.at_once,
            audit,
            trust,
            connections,
            registry,
            intake,
            renewals,
            clock,
            origin,
        }
    }

    /// Says in the audit log that the gateway started, and with whom.
    pub(super) fn started(&self) {
        let nations = self.registry.load();
        let is_out = |code: &str| self.at_start.iter().any(|fault| fault.nation == code);
        let admitted = nations.nations().filter(|n| !is_out(n.code.as_str()));
        let changes = admitted.map(|nation| Difference {
            nation: Some(nation.code),
            what: format!("enrolled (trust domain {})", nation.domain),
        });
        let plan = Plan {
            changes: changes.collect(),
            ..Plan::default()
        };
        self.write(&Who::Start, self.trust.snapshot().epoch(), &plan);
        let mut known = self.lock();
        let mut faults = known.faulty.clone();
        faults.extend_from_slice(&self.at_start);
        if known.tell(&Who::Start, &faults) {
            self.write_refusal(&Who::Start, &lines(&faults));
        }
        self.faults.send_replace(faults);
    }

    /// Follows what is faulty; changes after every change of trust or nations.
    pub(super) fn faults_seen(&self) -> watch::Receiver<Vec<Fault>> {
        self.faults.subscribe()
    }

    /// Looks at the files and at the time; takes up what may be taken up without being asked.
    pub(super) fn look(&self) {
        self.look_at_time();
        let scope = if self.at_once {
            Scope::Everything
        } else {
            Scope::ListsOnly
        };
        let configuration = self.look_at_configuration();
        let trust = self.trust.look(scope);
        if configuration == Looked::Changed && !self.at_once {
            self.tell_of_waiting();
        }
        let is_settled = trust != Looked::Settling && configuration != Looked::Settling;
        let changed =
            trust == Looked::Changed || (self.at_once && configuration == Looked::Changed);
        if changed && is_settled {
            self.take_up(&Who::Watch, scope);
        }
    }

    /// Takes up everything now.
    pub(super) fn hangup(&self) {
        self.take_up(&Who::Hangup, Scope::Everything);
    }

    /// A change that nobody waits for; what became of it is in the log.
    fn take_up(&self, who: &Who, scope: Scope) {
        match self.change(who, scope, None) {
            Ok(applied) if applied.plan.changes.is_empty() => {
                tracing::debug!("files of trust were written; nothing is different");
            }
            Ok(applied) => {
                let ended = applied.plan.cuts.len();
                tracing::info!(epoch = applied.epoch, ended, by = %who, "trust was reloaded");
            }
            // Seen again at the next look.
            Err(NotApplied::Unsettled) => {}
            Err(error) => {
                tracing::error!(%error, by = %who, "trust was not reloaded; the old one stands");
            }
        }
    }

    fn look_at_configuration(&self) -> Looked {
        let Some(origin) = &self.origin else {
            return Looked::Unchanged;
        };
        let now = origin.marks();
        let mut known = self.lock();
        if now == known.seen {
            known.settling = None;
            // What a faulty file misses may lie elsewhere, such as an anchor that is to come.
            let is_other =
                !known.faulty.is_empty() && Reading::sound(origin, &known).faults != known.faulty;
            if is_other {
                Looked::Changed
            } else {
                Looked::Unchanged
            }
        } else if known.settling.as_ref() == Some(&now) {
            Looked::Changed
        } else {
            known.settling = Some(now);
            Looked::Settling
        }
    }

    fn tell_of_waiting(&self) {
        if !std::mem::replace(&mut self.lock().told_of_waiting, true) {
            tracing::warn!("files of nations have changed; they wait for `entente trust apply`");
        }
    }

    /// Lists begin and anchors retire by themselves.
    fn look_at_time(&self) {
        let now = self.clock.now();
        let before = std::mem::replace(&mut self.lock().looked_at, now);
        if !self.trust.snapshot().turned_between(before, now) {
            return;
        }
        let cuts = self.connections.recheck_after(&self.trust, None);
        tracing::info!(
            ended = cuts.len(),
            "a revocation list began or an authority retired"
        );
        if !cuts.is_empty() {
            let plan = self.with_effect(Plan::default(), cuts);
            self.write(&Who::Time, self.trust.snapshot().epoch(), &plan);
        }
    }

    /// Reads, compares, and puts in force: for an operator whole or not at all; else a nation
    /// with a fault keeps what it had, so that it cannot stop the others' revocations.
    fn change(&self, who: &Who, scope: Scope, wanted: Option<&str>) -> Result<Applied, NotApplied> {
        let mut known = self.lock();
        let marks = self.origin.as_ref().map(Origin::marks).unwrap_or_default();
        // From before the reading: what comes during it is seen by the next look.
        let seen = self.trust.marks();
        let nothing = Trial::default();
        let whole = matches!(who, Who::Operator { .. }).then_some(&nothing);
        let read = self.read(&known, &marks, scope, whole);
        let change = match read {
            Ok(change) => change,
            Err(TrustOr::Unsettled) => return Err(NotApplied::Unsettled),
            Err(TrustOr::Faults(faults)) => {
                // The same fault is told once.
                known.see(marks, scope);
                self.trust.mark_seen(seen, scope);
                self.write_refusal(who, &faults);
                return Err(NotApplied::Faulty(faults));
            }
        };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != change.plan.id) {
            let now = &change.plan.id;
            return Err(NotApplied::Moved(format!(
                "plan {wanted} is not what stands in the files now (plan {now}); plan again"
            )));
        }
        known.see(marks, scope);
        known.faulty.clone_from(&change.faulty);
        let faults = change.faults.clone();
        let outcome = self.take(who, change, &mut known);
        // Only what is in force is mended; a fault is told in any case.
        if outcome.is_ok() || !faults.is_empty() {
            if known.tell(who, &faults) {
                self.write_refusal(who, &lines(&faults));
            }
            self.faults.send_replace(faults);
        }
        outcome
    }

    /// Puts a change in force that was read; one that changes nothing is only remembered.
    fn take(&self, who: &Who, change: Change, known: &mut Known) -> Result<Applied, NotApplied> {
        if change.plan.changes.is_empty() {
            self.trust.mark_same(change.prepared);
            known.nations = change.nations;
            let epoch = self.trust.snapshot().epoch();
            let plan = self.with_effect(change.plan, Vec::new());
            return Ok(Applied { plan, epoch });
        }
        let nations = change.nations.clone();
        let applied = self.put_in_force(who, change)?;
        known.nations = nations;
        Ok(applied)
    }

    /// Trust first, then who has which rights; the connections that this ends come last.
    fn put_in_force(&self, who: &Who, change: Change) -> Result<Applied, NotApplied> {
        self.may_be_written(who)?;
        let before = self.trust.snapshot();
        let Reloaded::Changed { epoch } =
            self.trust.commit(change.prepared).map_err(not_applied)?
        else {
            return Err(NotApplied::Unsettled);
        };
        self.registry.store(Arc::new(registry(&change.nations)));
        self.intake.replace_desks(desks(&change.nations));
        self.renewals.replace(renewals(&change.nations));
        let mut cuts = self.connections.recheck_after(&self.trust, Some(&before));
        let accepted_at = self.trust.current().accepted_at;
        change.rights.iter().for_each(|cut| cut.make(accepted_at));
        cuts.extend(change.rights);
        let mut plan = self.with_effect(change.plan, cuts);
        // After the cuts, which must not wait for it.
        plan.admits = self.admits(&self.trust.snapshot(), &before, &change.nations);
        self.write(who, epoch, &plan);
        telemetry::trust_changed();
        Ok(Applied { plan, epoch })
    }

    /// Reads what a change would put in force, and what it would do. With material on trial,
    /// be it none, any fault refuses the whole; without, a nation with a fault is left as it is.
    fn read(
        &self,
        known: &Known,
        marks: &OriginMarks,
        scope: Scope,
        trial: Option<&Trial>,
    ) -> Result<Change, TrustOr> {
        let mut reading = match (&self.origin, scope, trial) {
            (Some(origin), Scope::Everything, Some(trial)) => {
                Reading::whole(origin, &trial.nation_files).map_err(TrustOr::Faults)?
            }
            (Some(origin), Scope::Everything, None) => Reading::sound(origin, known),
            _ => Reading::again(&known.nations, &known.faulty),
        };
        let faulty = reading.faults.clone();
        let sources = reading.nations.iter();
        let sources = sources.map(|nation| nation.sources.clone()).collect();
        let prepared = match trial {
            Some(trial) => {
                let candidates = &trial.candidates;
                self.trust.prepare(Some(sources), candidates, scope)
            }
            None => self.trust.prepare_sound(Some(sources), scope),
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(TrustStateError::Unsettled) => return Err(TrustOr::Unsettled),
            Err(TrustStateError::Trust(problems)) => {
                return Err(TrustOr::Faults(
                    problems.iter().map(ToString::to_string).collect(),
                ));
            }
            Err(error) => return Err(TrustOr::Faults(vec![error.to_string()])),
        };
        reading.keep_back(prepared.faults(), &known.nations);
        let Reading {
            nations,
            mut warnings,
            faults,
        } = reading;
        warnings.extend(prepared.warnings().iter().map(ToString::to_string));
        let (mut plan, rights) = self.describe(&prepared, &known.nations, &nations, warnings);
        if scope == Scope::Everything {
            let taken = nations.iter().filter(|nation| !is_kept(nation, &faults));
            written(&known.seen, marks, taken, &mut plan.changes);
        }
        Ok(Change {
            faults,
            faulty,
            prepared,
            nations,
            plan,
            rights,
        })
    }

    fn with_effect(&self, plan: Plan, cuts: Vec<Cut>) -> Plan {
        // Those that are ending are still counted until their sockets are closed.
        let ending = self.connections.pick(|_| Some(String::new())).len();
        Plan {
            kept: ending,
            cuts,
            ..plan
        }
    }

    /// What nobody can audit is not done for an operator. A file that is in place, such as a
    /// revocation list, is obeyed all the same.
    fn may_be_written(&self, who: &Who) -> Result<(), NotApplied> {
        match (self.audit.ready(), who) {
            (Err(error), Who::Operator { .. }) => Err(NotApplied::Audit(error.to_string())),
            _ => Ok(()),
        }
    }

    fn write(&self, who: &Who, epoch: u64, plan: &Plan) {
        if let Err(error) = self.audit.applied(self.clock.now(), who, epoch, plan) {
            tracing::error!(%error, by = %who, epoch, "the audit log cannot be written");
        }
    }

    fn write_refusal(&self, who: &Who, why: &[String]) {
        if let Err(error) = self.audit.refused(self.clock.now(), who, why) {
            tracing::error!(%error, by = %who, "the audit log cannot be written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lines(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| fault.what.clone()).collect()
}

/// Why a change cannot be read.
enum TrustOr {
    Unsettled,
    Faults(Vec<String>),
}

fn not_applied(error: TrustStateError) -> NotApplied {
    match error {
        TrustStateError::Unsettled => NotApplied::Unsettled,
        moved @ TrustStateError::Moved { .. } => NotApplied::Moved(moved.to_string()),
        other => NotApplied::Faulty(vec![other.to_string()]),
    }
}

//! The operations that change trust: from messages to the gateway and back.

use super::changes::{Applied, NotApplied, Plan, Trial, TrustChanges, Who};
use super::operations::Operations;
use super::{Caller, Doors, status};
use crate::identity::NationCode;
use crate::trust::{Blocked, Candidate, CandidateKind, Hold, Material};
use crate::wire::proto::trust_candidate::Material as Sent;
use crate::wire::proto::{
    ApplyTrustRequest, ApplyTrustResponse, ConnectionCut, HoldTrustRequest, HoldTrustResponse,
    PlanTrustRequest, PlanTrustResponse, ReleaseTrustRequest, ReleaseTrustResponse, TrustAdmission,
    TrustChange, TrustPlan,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Most candidates of a plan.
const CANDIDATES_MAX: usize = 32;
/// Longest name of a nation's file, bytes.
const NATION_FILE_NAME_BYTES_MAX: usize = 64;
/// Most cuts that an answer lists, and most admissions.
const CUTS_MAX: usize = 1000;

impl Operations {
    pub(super) async fn plan(
        &self,
        request: Request<PlanTrustRequest>,
    ) -> Result<Response<PlanTrustResponse>, Status> {
        operator(&self.doors, &request)?;
        let sent = request.into_inner().candidates;
        if sent.len() > CANDIDATES_MAX {
            return Err(status::bad_field("candidates", "at most 32 candidates"));
        }
        let mut trial = Trial::default();
        for candidate in sent {
            if let Some(Sent::NationFile(bytes)) = candidate.material {
                trial
                    .nation_files
                    .push(nation_file(candidate.name, bytes.to_vec())?);
                continue;
            }
            let nation = nation(&candidate.nation)?;
            let (kind, bytes) = match candidate.material {
                Some(Sent::Anchor(bytes)) => (CandidateKind::Anchor, bytes),
                Some(Sent::RevocationList(bytes)) => (CandidateKind::RevocationList, bytes),
                Some(Sent::NationFile(_)) | None => {
                    let expected = "an anchor, a revocation list or a nation's file";
                    return Err(status::bad_field("candidates.material", expected));
                }
            };
            let material = Material {
                name: candidate
                    .name
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect(),
                bytes: bytes.to_vec(),
            };
            trial.candidates.push(Candidate {
                nation,
                kind,
                material,
            });
        }
        let plan = self.at_changes(move |changes| changes.plan(&trial)).await?;
        Ok(Response::new(PlanTrustResponse {
            plan: Some(message(&plan)),
        }))
    }

    pub(super) async fn apply(
        &self,
        request: Request<ApplyTrustRequest>,
    ) -> Result<Response<ApplyTrustResponse>, Status> {
        let who = operator(&self.doors, &request)?;
        let id = request.into_inner().plan_id;
        let done = self.at_changes(move |changes| {
            let id = (!id.is_empty()).then_some(id.as_str());
            changes.apply(&who, id)
        });
        let Applied { plan, epoch } = done.await?.map_err(|error| refused(&error))?;
        Ok(Response::new(ApplyTrustResponse {
            applied: Some(message(&plan)),
            epoch,
        }))
    }

    pub(super) async fn hold(
        &self,
        request: Request<HoldTrustRequest>,
    ) -> Result<Response<HoldTrustResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        let who = operator(&self.doors, &request)?;
        let request = request.into_inner();
        let hold = Hold {
            nation: nation(&request.nation)?,
            what: blocked(&request.what)?,
            reason: request.reason,
        };
        if self.doors.registry.load().nation(hold.nation).is_none() {
            return Err(status::bad_field(
                "nation",
                "a nation that is enrolled here",
            ));
        }
        if hold.locks_out(&caller.peer.identity().identity, caller.rights) {
            let expected = "another than the caller's own: it would lock this operator out";
            return Err(status::bad_field("what", expected));
        }
        let done = self.at_changes(move |changes| changes.hold(&who, hold));
        let Applied { plan, epoch } = done.await?.map_err(|error| refused(&error))?;
        Ok(Response::new(HoldTrustResponse {
            applied: Some(message(&plan)),
            epoch,
        }))
    }

    pub(super) async fn release(
        &self,
        request: Request<ReleaseTrustRequest>,
    ) -> Result<Response<ReleaseTrustResponse>, Status> {
        let who = operator(&self.doors, &request)?;
        let request = request.into_inner();
        let (nation, what) = (nation(&request.nation)?, blocked(&request.what)?);
        let done = self.at_changes(move |changes| changes.release(&who, nation, &what));
        let Applied { plan, epoch } = done.await?.map_err(|error| refused(&error))?;
        Ok(Response::new(ReleaseTrustResponse {
            applied: Some(message(&plan)),
            epoch,
        }))
    }

    /// Changes trust off the runtime.
    async fn at_changes<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn TrustChanges) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let changes = Arc::clone(&self.doors.changes);
        tokio::task::spawn_blocking(move || work(changes.as_ref()))
            .await
            .map_err(|_| status::draining())
    }
}

/// A nation's file on trial: its name in the folder of nations, and its text.
fn nation_file(name: String, bytes: Vec<u8>) -> Result<(String, String), Status> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = name.len() <= NATION_FILE_NAME_BYTES_MAX
        && name.ends_with(".toml")
        && !name.starts_with('.')
        && name.chars().all(is_plain);
    if !is_name {
        let expected = "for a nation's file a name of letters, digits, `-`, `_` and `.` that ends \
                        in `.toml`, without a folder, such as NOR.toml";
        return Err(status::bad_field("candidates.name", expected));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| status::bad_field("candidates.material", "TOML in UTF-8"))?;
    Ok((name, text))
}

pub(super) fn operator<T>(doors: &Doors, request: &Request<T>) -> Result<Who, Status> {
    let Caller { peer, rights } = doors.caller(request)?;
    if !rights.operate {
        return Err(status::right_missing("use the operations service"));
    }
    Ok(Who::Operator {
        identity: peer.identity().identity.clone(),
        serial_hex: peer.identity().serial_hex.clone(),
        address: peer.address(),
    })
}

fn nation(text: &str) -> Result<NationCode, Status> {
    NationCode::parse(text)
        .map_err(|_| status::bad_field("nation", "an ISO 3166-1 alpha-3 code, such as GBR"))
}

fn blocked(text: &str) -> Result<Blocked, Status> {
    text.parse()
        .map_err(|error: crate::trust::BlockedError| status::bad_field("what", &error.to_string()))
}

fn refused(error: &NotApplied) -> Status {
    status::trust_not_applied(error)
}

fn message(plan: &Plan) -> TrustPlan {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let cuts = plan.cuts.iter().take(CUTS_MAX).map(|cut| {
        let identity = cut.peer.identity();
        ConnectionCut {
            number: cut.peer.number(),
            nation: identity.identity.nation.to_string(),
            system: identity.identity.system.to_string(),
            address: cut.peer.address().to_string(),
            certificate_serial: identity.serial_hex.clone(),
            reason: cut.reason.clone(),
        }
    });
    let admissions = plan.admits.iter().take(CUTS_MAX).map(|one| TrustAdmission {
        nation: one.nation.to_string(),
        system: one
            .system
            .as_ref()
            .map(|s| s.to_string())
            .unwrap_or_default(),
        reason: one.why.clone(),
    });
    TrustPlan {
        plan_id: plan.id.clone(),
        epoch: plan.epoch,
        changes: plan
            .changes
            .iter()
            .map(|change| TrustChange {
                nation: change.nation.map(|n| n.to_string()).unwrap_or_default(),
                what: change.what.clone(),
            })
            .collect(),
        cuts: cuts.collect(),
        cut_count: count(plan.cuts.len()),
        kept_count: count(plan.kept),
        faults: plan.faults.clone(),
        warnings: plan.warnings.clone(),
        admissions: admissions.collect(),
        admission_count: count(plan.admits.len()),
    }
}

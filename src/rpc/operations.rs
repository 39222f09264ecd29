//! `OperationsService`: nations, connections, quarantine.

use super::{Doors, status};
use crate::identity::NationCode;
use crate::trust::{self, Blocked, Standing};
use crate::wire;
use crate::wire::proto::operations_service_server::OperationsService;
use crate::wire::proto::{
    AnchorState, AnchorStatus, ApplyTrustRequest, ApplyTrustResponse, HoldTrustRequest,
    HoldTrustResponse, ListNationsRequest, ListNationsResponse, ListQuarantineRequest,
    ListQuarantineResponse, NationStatus, PlanTrustRequest, PlanTrustResponse, QuarantinedReport,
    ReleaseTrustRequest, ReleaseTrustResponse,
};
use crate::wire::quarantined::Refusal;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Entries of a page when the caller names no size.
const PAGE_DEFAULT: u32 = 100;
/// Most entries of a page.
const PAGE_MAX: u32 = 1000;
/// Bytes of originals after which a page is closed.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The operations service.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    pub(super) doors: Arc<Doors>,
}

/// Where a page goes on: a nation and a number in its quarantine, as `GBR:17`.
fn parse_token(token: &str) -> Option<(NationCode, u64)> {
    let (nation, number) = token.split_once(':')?;
    Some((NationCode::parse(nation).ok()?, number.parse().ok()?))
}

#[tonic::async_trait]
impl OperationsService for Operations {
    async fn list_nations(
        &self,
        request: Request<ListNationsRequest>,
    ) -> Result<Response<ListNationsResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        if !caller.rights.operate {
            return Err(status::right_missing("use the operations service"));
        }
        let registry = self.doors.registry.load();
        let trust = self.doors.trust.status();
        let blocked = self.doors.trust.snapshot().blocked();
        let quarantine = self.doors.intake.quarantine();
        let nations = registry.nations().map(|nation| NationStatus {
            nation: nation.code.to_string(),
            name: nation.name.clone(),
            trust_domain: nation.domain.to_string(),
            clearance: nation.clearance.number(),
            connections: self.doors.connections.count(nation.code),
            anchors: trust
                .iter()
                .filter(|anchor| anchor.nation == nation.code)
                .map(anchor_status)
                .collect(),
            quarantined: quarantine.count(nation.code.as_str()),
            suspended: blocked.contains(&(nation.code, Blocked::Nation)),
            blocked: blocked
                .iter()
                .filter(|(code, _)| *code == nation.code)
                .map(|(_, what)| what.to_string())
                .collect(),
        });
        Ok(Response::new(ListNationsResponse {
            nations: nations.collect(),
        }))
    }

    async fn list_quarantine(
        &self,
        request: Request<ListQuarantineRequest>,
    ) -> Result<Response<ListQuarantineResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        let request = request.into_inner();
        let own = &caller.peer.identity().identity;
        let wanted = match request.nation.as_str() {
            "" => None,
            code => Some(NationCode::parse(code).map_err(|_| {
                status::bad_field("nation", "an ISO 3166-1 alpha-3 code, such as GBR")
            })?),
        };
        let (nations, system) = if caller.rights.operate {
            let registry = self.doors.registry.load();
            let all = registry.nations().map(|nation| nation.code);
            (
                all.filter(|code| wanted.is_none_or(|w| w == *code))
                    .collect(),
                None,
            )
        } else if wanted.is_none_or(|wanted| wanted == own.nation) {
            (vec![own.nation], Some(own.system.to_string()))
        } else {
            return Err(status::right_missing("see what other nations were refused"));
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(parse_token(token).ok_or_else(|| {
                status::bad_field("page_token", "a token that this gateway gave")
            })?),
        };
        let size = if request.page_size == 0 {
            PAGE_DEFAULT
        } else {
            request.page_size.min(PAGE_MAX)
        };
        let doors = Arc::clone(&self.doors);
        let page = move || page(&doors, &nations, system.as_deref(), after, size as usize);
        let page = tokio::task::spawn_blocking(page)
            .await
            .map_err(|_| status::draining())??;
        Ok(Response::new(page))
    }

    async fn plan_trust(
        &self,
        request: Request<PlanTrustRequest>,
    ) -> Result<Response<PlanTrustResponse>, Status> {
        self.plan(request).await
    }

    async fn apply_trust(
        &self,
        request: Request<ApplyTrustRequest>,
    ) -> Result<Response<ApplyTrustResponse>, Status> {
        self.apply(request).await
    }

    async fn hold_trust(
        &self,
        request: Request<HoldTrustRequest>,
    ) -> Result<Response<HoldTrustResponse>, Status> {
        self.hold(request).await
    }

    async fn release_trust(
        &self,
        request: Request<ReleaseTrustRequest>,
    ) -> Result<Response<ReleaseTrustResponse>, Status> {
        self.release(request).await
    }
}

fn anchor_status(anchor: &trust::AnchorStatus) -> AnchorStatus {
    let (state, retiring_until) = match anchor.standing {
        Standing::Published => (AnchorState::Published, None),
        Standing::Active => (AnchorState::Active, None),
        Standing::Retiring { until } => (AnchorState::Retiring, Some(until)),
        Standing::Withdrawn => (AnchorState::Withdrawn, None),
    };
    AnchorStatus {
        subject: anchor.subject.clone(),
        spki_sha256: anchor.spki_sha256_hex.clone(),
        not_before: Some(wire::timestamp(anchor.not_before)),
        not_after: Some(wire::timestamp(anchor.not_after)),
        state: state.into(),
        retiring_until: retiring_until.map(wire::timestamp),
        revocation_list_number: anchor.crl_number.clone().unwrap_or_default(),
        revocation_list_this_update: anchor.crl_this_update.map(wire::timestamp),
        revocation_list_next_update: anchor.crl_next_update.map(wire::timestamp),
    }
}

/// Reads a page; the caller may block.
fn page(
    doors: &Doors,
    nations: &[NationCode],
    system: Option<&str>,
    after: Option<(NationCode, u64)>,
    size: usize,
) -> Result<ListQuarantineResponse, Status> {
    let mut page = ListQuarantineResponse::default();
    let mut bytes = 0;
    for &nation in nations {
        let mut from = match after {
            Some((at, _)) if nation < at => continue,
            Some((at, number)) if nation == at => number.saturating_add(1),
            _ => 1,
        };
        loop {
            let kept = doors
                .intake
                .quarantine()
                .list(nation.as_str(), from, size)
                .map_err(|error| status::intake(error.into()))?;
            let Some(&(last, _)) = kept.last() else { break };
            for (number, body) in kept {
                let Ok(refusal) = Refusal::decode(&body) else {
                    tracing::error!(%nation, number, "a refused report in quarantine is unreadable");
                    continue;
                };
                if system.is_some_and(|system| refusal.system != system) {
                    continue;
                }
                bytes += refusal.original.len();
                page.reports.push(QuarantinedReport { number, ..refusal });
                if page.reports.len() >= size || bytes >= PAGE_BYTES_MAX {
                    page.next_page_token = format!("{nation}:{number}");
                    return Ok(page);
                }
            }
            from = last.saturating_add(1);
        }
    }
    Ok(page)
}

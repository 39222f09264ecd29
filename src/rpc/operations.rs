//! `OperationsService`: nations, connections, quarantine.

use super::changes::Fault;
use super::{Doors, status};
use crate::identity::{Identity, NationCode, SystemName};
use crate::journal::Position;
use crate::trust::{self, Blocked, Standing};
use crate::wire;
use crate::wire::proto::operations_service_server::OperationsService;
use crate::wire::proto::{
    AnchorState, AnchorStatus, ApplyTrustRequest, ApplyTrustResponse, FaultyFile,
    HoldRetentionRequest, HoldRetentionResponse, HoldTrustRequest, HoldTrustResponse,
    ListNationsRequest, ListNationsResponse, ListQuarantineRequest, ListQuarantineResponse,
    NationStatus, PlanRetentionRequest, PlanRetentionResponse, PlanTrustRequest, PlanTrustResponse,
    QuarantinedReport, ReleaseRetentionRequest, ReleaseRetentionResponse, ReleaseRule,
    ReleaseTrustRequest, ReleaseTrustResponse, ShowRetentionRequest, ShowRetentionResponse,
    WhyWithheldRequest, WhyWithheldResponse,
};
use crate::wire::quarantined::Refusal;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

/// Entries of a page when the caller names no size.
const PAGE_DEFAULT: u32 = 100;
/// Most entries of a page.
const PAGE_MAX: u32 = 1000;
/// Most bytes of a page of several entries; one alone may be larger.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most entries that are read for a page, whoever they are of.
const READ_MAX: usize = 2000;
/// Bytes read after which a page is closed.
const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most faults that are told of one nation.
const FAULTS_MAX: usize = 100;
/// Most pages that are read from the quarantine at a time.
const LISTINGS_MAX: usize = 2;

/// The operations service.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    pub(super) doors: Arc<Doors>,
    listings: Arc<Semaphore>,
}

impl Operations {
    pub(super) fn new(doors: Arc<Doors>) -> Self {
        Self {
            doors,
            listings: Arc::new(Semaphore::new(LISTINGS_MAX)),
        }
    }
}

/// What is wrong with a nation's files, bounded as an answer has to be.
fn faults_of(faults: &[Fault], name: &str) -> Vec<String> {
    let own = faults.iter().filter(|fault| fault.nation == name);
    own.take(FAULTS_MAX)
        .map(|fault| fault.what.clone())
        .collect()
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
        let faults = self.doors.changes.faults();
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
            faults: faults_of(&faults, nation.code.as_str()),
        });
        let is_foreign = |name: &&str| registry.nations().all(|n| n.code.as_str() != *name);
        let foreign: BTreeSet<_> = faults.iter().map(|fault| fault.nation.as_str()).collect();
        let foreign = foreign.into_iter().filter(is_foreign);
        Ok(Response::new(ListNationsResponse {
            nations: nations.collect(),
            faulty_files: foreign
                .map(|name| FaultyFile {
                    name: name.to_owned(),
                    faults: faults_of(&faults, name),
                })
                .collect(),
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
        // A call that waits here costs no thread, and ends with its caller. Once it reads, its
        // place goes with the work, which nobody can call off.
        let place = Arc::clone(&self.listings).acquire_owned().await;
        let place = place.map_err(|_| status::draining())?;
        let doors = Arc::clone(&self.doors);
        let page = move || {
            let _place = place;
            page(&doors, &nations, system.as_deref(), after, size as usize)
        };
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

    async fn why_withheld(
        &self,
        request: Request<WhyWithheldRequest>,
    ) -> Result<Response<WhyWithheldResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        if !caller.rights.operate {
            return Err(status::right_missing("use the operations service"));
        }
        why(&self.doors, &request.into_inner())
            .await
            .map(Response::new)
    }

    async fn show_retention(
        &self,
        request: Request<ShowRetentionRequest>,
    ) -> Result<Response<ShowRetentionResponse>, Status> {
        self.retention_shown(&request).await
    }

    async fn plan_retention(
        &self,
        request: Request<PlanRetentionRequest>,
    ) -> Result<Response<PlanRetentionResponse>, Status> {
        self.retention_planned(&request).await
    }

    async fn hold_retention(
        &self,
        request: Request<HoldRetentionRequest>,
    ) -> Result<Response<HoldRetentionResponse>, Status> {
        self.retention_held(request).await
    }

    async fn release_retention(
        &self,
        request: Request<ReleaseRetentionRequest>,
    ) -> Result<Response<ReleaseRetentionResponse>, Status> {
        self.retention_released(request).await
    }
}

/// The feed's decision about one record and one reader, with the right to read before all rules.
async fn why(doors: &Doors, request: &WhyWithheldRequest) -> Result<WhyWithheldResponse, Status> {
    let nation = NationCode::parse(&request.nation).ok();
    let known = nation.filter(|&code| doors.registry.load().nation(code).is_some());
    let system = SystemName::parse(&request.system);
    let mut faults = Vec::new();
    if known.is_none() {
        faults.push((
            "nation",
            "a nation that is enrolled here, such as GBR".to_owned(),
        ));
    }
    if let Err(error) = &system {
        faults.push(("system", error.to_string()));
    }
    let (Some(nation), Ok(system)) = (known, system) else {
        let faults = faults.into_iter();
        let faults: Vec<_> = faults
            .map(|(field, expected)| (field.to_owned(), expected))
            .collect();
        return Err(status::bad_fields(&faults));
    };
    let reader = Identity { nation, system };
    let position = Position(request.position);
    let why = doors
        .feed
        .why(position, &reader, request.onward)
        .await
        .map_err(status::feed)?;
    let reads = doors.registry.load().rights_of(&reader).read;
    let read_right = ReleaseRule {
        rule: "read_right".to_owned(),
        holds: reads,
        because: format!(
            "{reader} {} the right to read",
            if reads { "has" } else { "does not have" }
        ),
    };
    let rules = why.findings.into_iter().map(|finding| ReleaseRule {
        rule: finding.rule.to_owned(),
        holds: finding.holds,
        because: finding.because,
    });
    Ok(WhyWithheldResponse {
        released: reads && why.released,
        rules: std::iter::once(read_right).chain(rules).collect(),
        record_nation: why.label.nation,
        record_system: why.label.system,
        record_report_id: why.label.report_id,
    })
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

/// Reads a page; the caller may block. What it reads is bounded, so it may be short, and even
/// empty, while there is more.
fn page(
    doors: &Doors,
    nations: &[NationCode],
    system: Option<&str>,
    after: Option<(NationCode, u64)>,
    size: usize,
) -> Result<ListQuarantineResponse, Status> {
    let mut page = ListQuarantineResponse::default();
    let (mut page_bytes, mut read, mut read_bytes) = (0, 0, 0);
    for &nation in nations {
        let from = match after {
            Some((at, _)) if nation < at => continue,
            Some((at, number)) if nation == at => number.saturating_add(1),
            _ => 1,
        };
        let visit = |number: u64, body: Bytes| {
            let before = || format!("{nation}:{}", number.saturating_sub(1));
            if page.reports.len() >= size || read >= READ_MAX || read_bytes >= READ_BYTES_MAX {
                page.next_page_token = before();
                return ControlFlow::Break(());
            }
            read += 1;
            read_bytes += body.len();
            let Ok(refusal) = Refusal::decode(&body) else {
                tracing::error!(%nation, number, "a refused report in quarantine is unreadable");
                return ControlFlow::Continue(());
            };
            if system.is_some_and(|system| refusal.system != system) {
                return ControlFlow::Continue(());
            }
            if !page.reports.is_empty() && page_bytes + body.len() > PAGE_BYTES_MAX {
                page.next_page_token = before();
                return ControlFlow::Break(());
            }
            page_bytes += body.len();
            page.reports.push(QuarantinedReport { number, ..refusal });
            ControlFlow::Continue(())
        };
        let quarantine = doors.intake.quarantine();
        quarantine
            .scan(nation.as_str(), from, visit)
            .map_err(|error| status::intake(error.into()))?;
        if !page.next_page_token.is_empty() {
            break;
        }
    }
    Ok(page)
}

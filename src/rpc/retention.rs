//! The operations of retention: from messages to the gateway and back.

use super::operations::Operations;
use super::status;
use crate::journal::Removal;
use crate::retention::{Hold, Retention, RetentionError, Rule, What};
use crate::wire;
use crate::wire::proto::{
    HoldRetentionRequest, HoldRetentionResponse, PlanRetentionResponse, ReleaseRetentionRequest,
    ReleaseRetentionResponse, RetentionHold, RetentionSegment, ShowRetentionResponse,
};
use jiff::Timestamp;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Most removals that an answer lists.
const REMOVED_MAX: usize = 1000;

impl Operations {
    pub(super) async fn retention_shown<T>(
        &self,
        request: &Request<T>,
    ) -> Result<Response<ShowRetentionResponse>, Status> {
        super::trust::operator(&self.doors, request)?;
        let shown = self.at_retention(|retention| Ok(retention.show())).await?;
        let latest = shown.removals.iter().rev().take(REMOVED_MAX);
        Ok(Response::new(ShowRetentionResponse {
            earliest_position: shown.first.0,
            durable_position: shown.durable.0,
            rules: shown.rules,
            holds: shown
                .holds
                .into_iter()
                .map(|held| RetentionHold {
                    what: held.hold.what.to_string(),
                    reason: held.hold.reason,
                    held_by: held.by,
                    held_at: Some(wire::timestamp(held.at)),
                })
                .collect(),
            removed: latest.map(removed).collect(),
            removed_count: shown.removals.len() as u64,
            log_bytes: shown.log_bytes,
            remains_bytes: shown.remains_bytes,
            standstill: shown.standstill,
        }))
    }

    pub(super) async fn retention_planned<T>(
        &self,
        request: &Request<T>,
    ) -> Result<Response<PlanRetentionResponse>, Status> {
        super::trust::operator(&self.doors, request)?;
        let plan = self.at_retention(Retention::plan).await?;
        let goes = plan.goes.iter().map(|planned| RetentionSegment {
            first_position: planned.segment.first.0,
            last_position: planned.segment.last.0,
            segment_bytes: planned.segment.bytes,
            rule: planned.rule.to_string(),
            remains_bytes: 0,
            removed_at: None,
        });
        Ok(Response::new(PlanRetentionResponse {
            goes: goes.collect(),
            then: plan.then,
            over_bytes: plan.over_bytes,
        }))
    }

    pub(super) async fn retention_held(
        &self,
        request: Request<HoldRetentionRequest>,
    ) -> Result<Response<HoldRetentionResponse>, Status> {
        let who = super::trust::operator(&self.doors, &request)?.to_string();
        let request = request.into_inner();
        let hold = Hold {
            what: what(&request.what)?,
            reason: request.reason,
        };
        self.at_retention(move |retention| retention.hold(&who, hold))
            .await?;
        Ok(Response::new(HoldRetentionResponse {}))
    }

    pub(super) async fn retention_released(
        &self,
        request: Request<ReleaseRetentionRequest>,
    ) -> Result<Response<ReleaseRetentionResponse>, Status> {
        let who = super::trust::operator(&self.doors, &request)?.to_string();
        let what = what(&request.get_ref().what)?;
        self.at_retention(move |retention| retention.release(&who, &what))
            .await?;
        Ok(Response::new(ReleaseRetentionResponse {}))
    }

    /// Asks off the runtime.
    async fn at_retention<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Retention) -> Result<T, RetentionError> + Send + 'static,
    ) -> Result<T, Status> {
        let retention = Arc::clone(&self.doors.retention);
        tokio::task::spawn_blocking(move || work(&retention))
            .await
            .map_err(|_| status::draining())?
            .map_err(status::retention)
    }
}

fn what(text: &str) -> Result<What, Status> {
    text.parse()
        .map_err(|error: String| status::bad_field("what", &error))
}

fn removed(removal: &Removal) -> RetentionSegment {
    let rule = Rule::of_number(removal.rule);
    let at = Timestamp::from_nanosecond(i128::from(removal.at_ns)).ok();
    RetentionSegment {
        first_position: removal.first.0,
        last_position: removal.last.0,
        segment_bytes: removal.bytes,
        rule: rule.map_or_else(|| format!("rule {}", removal.rule), |rule| rule.to_string()),
        remains_bytes: removal.remains_bytes,
        removed_at: at.map(wire::timestamp),
    }
}

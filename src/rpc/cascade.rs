//! `CascadeService`: records of another gateway, from a relay that may vouch for them.

use super::{Doors, status};
use crate::intake::relayed::{Chain, HandedOn};
use crate::wire::outcome;
use crate::wire::proto::cascade_service_server::CascadeService;
use crate::wire::proto::{
    HandOnDisposition, HandOnOutcome, HandOnRequest, HandOnResponse, RelayedRecord,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Most records of a call.
const RECORDS_MAX: usize = 256;

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Cascade {
    pub(super) doors: Arc<Doors>,
}

#[tonic::async_trait]
impl CascadeService for Cascade {
    async fn hand_on(
        &self,
        request: Request<HandOnRequest>,
    ) -> Result<Response<HandOnResponse>, Status> {
        let doors = &self.doors;
        let (caller, quota, vouches_for) = doors.relay(&request)?;
        let here = doors.settings.gateway_name.as_str();
        if here.is_empty() {
            return Err(status::no_gateway_name());
        }
        let records = request.into_inner().records;
        if records.is_empty() || records.len() > RECORDS_MAX {
            return Err(status::bad_field("records", "1 to 256 records"));
        }
        // Otherwise all would count as looped, and none arrive.
        let is_ours = |record: &RelayedRecord| record.path.last().is_some_and(|name| name == here);
        if records.iter().any(is_ours) {
            return Err(status::same_gateway_name(here));
        }
        let bytes = records.iter().map(bytes_of).sum();
        let permit = quota
            .admit(bytes, doors.clock.monotonic())
            .map_err(status::refused)?;
        // The first was charged with the place; the others are reports as well.
        quota.charge(records.len() - 1, 0, doors.clock.monotonic());
        let chain = Chain {
            here,
            vouches_for: &vouches_for,
        };
        let outcomes = doors.intake.hand_on(&chain, records).await;
        let outcomes = outcomes.map_err(status::intake)?;
        drop(permit);
        let relay = &caller.peer.identity().identity;
        for outcome in &outcomes {
            metrics::counter!("entente_relayed_records_total", "outcome" => word(outcome))
                .increment(1);
            if let HandedOn::Refused(violations) = outcome {
                let rules: Vec<_> = violations.list.iter().map(|v| v.rule).collect();
                tracing::warn!(%relay, ?rules, "a relayed record is refused");
            }
        }
        Ok(Response::new(HandOnResponse {
            outcomes: outcomes.into_iter().map(told).collect(),
        }))
    }
}

/// Size of a record with its original.
fn bytes_of(record: &RelayedRecord) -> usize {
    let original = record.original.as_ref();
    record.record.len() + original.map_or(0, |original| original.content.len())
}

fn word(outcome: &HandedOn) -> &'static str {
    match outcome {
        HandedOn::Stored(_) => "stored",
        HandedOn::Present(_) => "present",
        HandedOn::Looped => "looped",
        HandedOn::Refused(_) => "refused",
    }
}

fn told(outcome: HandedOn) -> HandOnOutcome {
    let told = |disposition: HandOnDisposition, position| HandOnOutcome {
        disposition: disposition.into(),
        position,
        violations: Vec::new(),
    };
    match outcome {
        HandedOn::Stored(position) => told(HandOnDisposition::Stored, position.0),
        HandedOn::Present(position) => told(HandOnDisposition::Present, position.0),
        HandedOn::Looped => told(HandOnDisposition::Looped, 0),
        HandedOn::Refused(violations) => HandOnOutcome {
            violations: violations.list.iter().map(outcome::violation).collect(),
            ..told(HandOnDisposition::Refused, 0)
        },
    }
}

//! `grpc.health.v1.Health` for identified peers. Beside the whole and the services, each nation
//! has a name of its own, `nation/GBR`: whether its files are sound.
//!
//! Invariant: what is said of a nation is said to its own systems and to operators; to anybody
//! else it does not exist, so that nobody finds out here who else is enrolled.

use super::{Doors, status};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::HealthService;

/// What names of nations begin with.
const NATION: &str = "nation/";

/// The name under which health tells of a nation, by its code or the name of its file.
#[must_use]
pub fn nation_service(name: &str) -> String {
    format!("{NATION}{name}")
}

/// Health, as far as the caller may know it.
#[derive(Debug)]
pub(super) struct HealthDoor {
    pub(super) doors: Arc<Doors>,
    pub(super) inner: HealthService,
}

impl HealthDoor {
    fn admit(&self, request: &Request<HealthCheckRequest>) -> Result<(), Status> {
        let Some(nation) = request.get_ref().service.strip_prefix(NATION) else {
            return Ok(());
        };
        let caller = self.doors.caller(request)?;
        let own = caller.peer.identity().identity.nation;
        if caller.rights.operate || own.as_str() == nation {
            Ok(())
        } else {
            Err(status::unknown_to_health())
        }
    }
}

#[tonic::async_trait]
impl Health for HealthDoor {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.admit(&request)?;
        self.inner.check(request).await
    }

    type WatchStream = <HealthService as Health>::WatchStream;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.admit(&request)?;
        self.inner.watch(request).await
    }
}

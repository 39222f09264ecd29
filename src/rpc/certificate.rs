//! `CertificateService`: a system renews its own certificate over its current one.

use super::changes::Who;
use super::{Doors, status};
use crate::pki::{RenewError, Renewer};
use crate::trust::{PeerChain, PeerIdentity};
use crate::wire;
use crate::wire::proto::certificate_service_server::CertificateService;
use crate::wire::proto::{RenewRequest, RenewResponse};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The certificate service.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    pub(super) doors: Arc<Doors>,
}

#[tonic::async_trait]
impl CertificateService for Certificates {
    async fn renew(
        &self,
        request: Request<RenewRequest>,
    ) -> Result<Response<RenewResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        let peer = caller.peer.identity();
        let uri = peer.spiffe_id.to_string();
        let renewer = Renewer {
            identity: &peer.identity,
            uri: &uri,
            spki_sha256: peer.spki_sha256,
        };
        let asked = request.get_ref().certificate_request.as_ref();
        let (doors, own) = (Arc::clone(&self.doors), peer.clone());
        let verify = move |chain: &[_]| verified(&doors, &own, chain);
        let outcome = match self.doors.renewals.renew(renewer, asked, verify).await {
            Ok(renewed) => self.audited(&caller, renewed).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(renewed) => {
                tracing::info!(parent: caller.peer.span(), audit = true, action = "renew",
                    outcome = "issued", old_serial = peer.serial_hex,
                    serial = renewed.serial_number, "audit: a certificate was renewed");
                Ok(Response::new(renewed))
            }
            Err(error) => {
                tracing::warn!(parent: caller.peer.span(), audit = true, action = "renew",
                    outcome = "refused", old_serial = peer.serial_hex, reason = %error,
                    "audit: a certificate was not renewed");
                Err(status::renewal(&error))
            }
        }
    }
}

impl Certificates {
    /// What is not written down is not given away.
    async fn audited(
        &self,
        caller: &super::Caller,
        renewed: RenewResponse,
    ) -> Result<RenewResponse, RenewError> {
        let peer = caller.peer.identity();
        let who = Who::Operator {
            identity: peer.identity.clone(),
            serial_hex: peer.serial_hex.clone(),
            address: caller.peer.address(),
        };
        let (changes, serial) = (
            Arc::clone(&self.doors.changes),
            renewed.serial_number.clone(),
        );
        let write = move || changes.renewed(&who, &serial).map_err(|e| e.to_string());
        let written = tokio::task::spawn_blocking(write).await;
        match written.unwrap_or_else(|_| Err("it was cut short".to_owned())) {
            Ok(()) => Ok(renewed),
            Err(reason) => Err(RenewError::Signer {
                nation: peer.identity.nation,
                reason,
            }),
        }
    }
}

/// What this gateway itself would refuse is not given away, whoever signed it.
fn verified(
    doors: &Doors,
    peer: &PeerIdentity,
    chain: &[impl AsRef<[u8]>],
) -> Result<RenewResponse, RenewError> {
    let own = &peer.identity;
    let failed = |reason: String| RenewError::Signer {
        nation: own.nation,
        reason,
    };
    let ders: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let verdict = doors.trust.snapshot().verify_for(
        &PeerChain::from_der(&ders),
        doors.clock.now(),
        peer.profile,
    );
    match verdict {
        Ok(seen) if seen.identity == *own => Ok(RenewResponse {
            certificates: ders
                .iter()
                .map(|der| bytes::Bytes::copy_from_slice(der))
                .collect(),
            serial_number: seen.serial_hex,
            not_after: Some(wire::timestamp(seen.not_after)),
        }),
        Ok(seen) => Err(failed(format!(
            "its answer is a certificate of {}",
            seen.identity
        ))),
        Err(error) => Err(failed(format!(
            "its answer is a certificate that this gateway refuses: {error}"
        ))),
    }
}

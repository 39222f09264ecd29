//! Asking a gateway's diagnosis listener what it thinks of our certificate.

use super::{ClientError, Endpoint};
use crate::wire;
use crate::wire::proto::diagnosis_service_client::DiagnosisServiceClient;
use crate::wire::proto::{DiagnoseRequest, DiagnoseResponse};
use jiff::Timestamp;

/// Largest answer that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

impl Endpoint {
    /// Asks; this endpoint's address is that of the diagnosis listener. `now`: our clock.
    ///
    /// # Errors
    /// See [`Self::connect`]; and the call fails.
    pub async fn diagnose(&self, now: Timestamp) -> Result<DiagnoseResponse, ClientError> {
        let channel = self.connect().await?;
        let request = DiagnoseRequest {
            client_time: Some(wire::timestamp(now)),
        };
        let answer = DiagnosisServiceClient::new(channel)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .diagnose(request)
            .await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| self.refused(&status))
    }
}

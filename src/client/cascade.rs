//! Handing records of one gateway on to another.

use super::{ANSWER_BYTES_MAX, ClientError, Endpoint, refused};
use crate::wire::proto::cascade_service_client::CascadeServiceClient;
use crate::wire::proto::{HandOnOutcome, HandOnRequest, RelayedRecord};
use tonic::transport::Channel;

/// A connection to the gateway that takes records.
#[derive(Debug)]
pub struct Handing(CascadeServiceClient<Channel>);

impl Endpoint {
    /// Connects to hand records on.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub async fn handing(&self) -> Result<Handing, ClientError> {
        let channel = self.connect().await?;
        let client = CascadeServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
        Ok(Handing(client))
    }
}

impl Handing {
    /// Hands records on; one outcome each, in order.
    ///
    /// # Errors
    /// The gateway refuses the call, or cannot be reached; what became of them is unknown.
    pub async fn hand_on(
        &mut self,
        records: Vec<RelayedRecord>,
    ) -> Result<Vec<HandOnOutcome>, ClientError> {
        let answer = self.0.hand_on(HandOnRequest { records }).await;
        let answer = answer.map_err(|status| refused(&status))?;
        Ok(answer.into_inner().outcomes)
    }
}

//! Reads the feed, going on at the cursor after a broken connection.

use super::{ATTEMPTS_UNASKED, Again, ClientError, Endpoint, Patience, again, refused, words};
use crate::wire::proto::feed_service_client::FeedServiceClient;
use crate::wire::proto::{
    AcknowledgeCursorRequest, ListCursorsRequest, SubscribeRequest, SubscribeResponse,
};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// A reader of the feed.
#[derive(Debug)]
pub struct Subscriber {
    endpoint: Endpoint,
    request: SubscribeRequest,
    patience: Patience,
    stream: Option<Streaming<SubscribeResponse>>,
    /// The connection of the stream.
    client: Option<FeedServiceClient<Channel>>,
    attempts: u32,
}

impl Subscriber {
    /// A reader that starts as `request` says. Connects with the first call of [`Self::next`].
    #[must_use]
    pub fn new(endpoint: Endpoint, request: SubscribeRequest, patience: Patience) -> Self {
        Self {
            endpoint,
            request,
            patience,
            stream: None,
            client: None,
            attempts: 0,
        }
    }

    /// Where it goes on after a break.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.request.from_position
    }

    /// The next answer; without entries it is a heartbeat. `None`: everything that was asked
    /// for with `until_now` has come.
    ///
    /// # Errors
    /// The gateway refuses, or there is no progress for too long.
    pub async fn next(&mut self) -> Result<Option<SubscribeResponse>, ClientError> {
        loop {
            let outcome = match &mut self.stream {
                Some(stream) => stream.message().await,
                None => match self.open().await {
                    Ok(()) => continue,
                    Err(ClientError::Connect {
                        address,
                        cause,
                        hint,
                    }) => {
                        let error = ClientError::Connect {
                            address,
                            cause,
                            hint,
                        };
                        self.pause(None, error.to_string()).await?;
                        continue;
                    }
                    Err(other) => return Err(other),
                },
            };
            match outcome {
                Ok(Some(answer)) => {
                    self.attempts = 0;
                    self.request.from_position = answer.next_position;
                    return Ok(Some(answer));
                }
                Ok(None) if self.request.until_now => return Ok(None),
                Ok(None) => {
                    self.pause(None, "the gateway ended the stream".to_owned())
                        .await?
                }
                Err(status) => self.broken(&status).await?,
            }
        }
    }

    /// The last durable position of the feed, asked for beside the stream; none: the gateway does
    /// not say.
    pub async fn durable_position(&mut self) -> Option<u64> {
        let client = self.client.as_mut()?;
        let answer = client.list_cursors(ListCursorsRequest {}).await.ok()?;
        Some(answer.into_inner().durable_position)
    }

    /// Says to the cursor that is read by that what an answer covers is done with; nothing where
    /// there is no cursor or the answer is a heartbeat. If the connection breaks meanwhile, it is
    /// not said, and the gateway delivers it again. Gives whether it was said.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn acknowledge(&mut self, answer: &SubscribeResponse) -> Result<bool, ClientError> {
        let Some(covered) = &answer.covered else {
            return Ok(true);
        };
        if self.request.cursor.is_empty() {
            return Ok(true);
        }
        let Some(client) = &mut self.client else {
            return Ok(false);
        };
        let request = AcknowledgeCursorRequest {
            name: self.request.cursor.clone(),
            first_position: covered.first,
            position: covered.last,
            reset: false,
        };
        match client.acknowledge_cursor(request).await {
            Ok(_durable) => Ok(true),
            Err(status) => match again(&status) {
                Again::After(_) => {
                    tracing::warn!("an acknowledgement did not arrive: {}", words(&status));
                    Ok(false)
                }
                Again::Never => Err(refused(&status)),
            },
        }
    }

    async fn open(&mut self) -> Result<(), ClientError> {
        let mut client = self.endpoint.feed().await?;
        match client.subscribe(self.request.clone()).await {
            Ok(stream) => {
                self.stream = Some(stream.into_inner());
                self.client = Some(client);
            }
            Err(status) => self.broken(&status).await?,
        }
        Ok(())
    }

    async fn broken(&mut self, status: &Status) -> Result<(), ClientError> {
        match again(status) {
            Again::After(told) => self.pause(told, words(status)).await,
            Again::Never => Err(refused(status)),
        }
    }

    async fn pause(
        &mut self,
        told: Option<std::time::Duration>,
        last: String,
    ) -> Result<(), ClientError> {
        self.stream = None;
        self.attempts += 1;
        if self.attempts >= self.patience.attempts_max {
            return Err(ClientError::GaveUp {
                attempts: self.attempts,
                last,
            });
        }
        if self.attempts == ATTEMPTS_UNASKED
            && let Some(unwanted) = self.endpoint.not_accepted().await
        {
            return Err(unwanted);
        }
        let attempts = self.attempts;
        tracing::warn!(attempts, "the connection broke, trying again: {last}");
        tokio::time::sleep(told.unwrap_or_else(|| self.patience.wait(self.attempts))).await;
        Ok(())
    }
}

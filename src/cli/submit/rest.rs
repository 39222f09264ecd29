//! A line that is no report as JSON never goes to the gateway. What is left of it when its
//! faults are taken out does, to be judged and never stored, so that its author hears of
//! everything that is wrong with it at once.

use crate::client::Endpoint;
use crate::wire::json::Faulty;
use crate::wire::outcome::{About, rejected};
use crate::wire::proto::submission_service_client::SubmissionServiceClient;
use crate::wire::proto::{Outcome, SubmitRequest, submit_request};
use bytes::Bytes;
use std::time::Duration;
use tonic::transport::Channel;

/// How long the gateway may take over one rest; without its verdict less is said, not nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Judges what is left of faulty lines, over a connection of its own.
pub(super) struct Rest<'a> {
    endpoint: &'a Endpoint,
    client: Option<SubmissionServiceClient<Channel>>,
}

impl<'a> Rest<'a> {
    pub(super) fn new(endpoint: &'a Endpoint) -> Self {
        Self {
            endpoint,
            client: None,
        }
    }

    /// The refusal of a line: its own faults, and what the gateway says of the rest.
    pub(super) async fn refusal(&mut self, faulty: &Faulty) -> Outcome {
        let judged = match &faulty.rest {
            Some(rest) => self.judged(rest.clone()).await.unwrap_or_default(),
            None => Outcome::default(),
        };
        let about = About {
            ordinal: 0,
            report_id: judged.report_id,
            revision: judged.revision,
        };
        let mut outcome = rejected(about, &faulty.violations);
        let more = judged.violations.into_iter();
        let more = more.filter(|violation| faulty.leaves_intact(&violation.field));
        outcome.violations.extend(more);
        outcome.violations_omitted = outcome
            .violations_omitted
            .saturating_add(judged.violations_omitted);
        outcome
    }

    /// The gateway's verdict; `None`: it has none for now.
    async fn judged(&mut self, rest: Bytes) -> Option<Outcome> {
        if self.client.is_none() {
            self.client = self.endpoint.submission().await.ok();
        }
        let client = self.client.as_mut()?;
        let request = SubmitRequest {
            payload: Some(submit_request::Payload::Report(rest)),
            validate_only: true,
        };
        let answer = tokio::time::timeout(PATIENCE, client.submit(request)).await;
        answer.ok()?.ok()?.into_inner().outcome
    }
}

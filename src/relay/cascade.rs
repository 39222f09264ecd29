//! Hands records on to another Entente: their bytes, the originals, and the gateways that they came
//! through. A record that is there already is not stored twice, so each stands there once, however
//! often it is handed on and whichever way it comes.

use super::RelayError;
use super::entry::Entry;
use super::target::{ANSWER_DEADLINE, CONNECT_DEADLINE, End, Taken};
use crate::client::Endpoint;
use crate::client::cascade::Handing;
use crate::clock::Clock;
use crate::trust::{ClientFiles, client_config};
use crate::wire::proto::{HandOnDisposition, HandOnOutcome, RelayedRecord};
use std::sync::Arc;
use tokio::time::timeout;

/// Most records of a call.
const RECORDS_MAX: usize = 256;
/// Bytes after which a call is closed.
const CALL_BYTES: usize = 512 * 1024;

/// How the other gateway is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CascadeSettings {
    /// Its address.
    pub address: String,
    /// Name that its certificate must carry.
    pub server_name: String,
    /// Who the relay is there.
    pub files: ClientFiles,
}

/// Another Entente.
#[derive(Debug)]
pub struct Cascade {
    settings: CascadeSettings,
    /// The gateway that is read.
    source: Endpoint,
    clock: Arc<dyn Clock>,
    /// Its name, once it was asked.
    source_name: Option<String>,
    connection: Option<Handing>,
}

impl Cascade {
    pub(super) fn open(
        settings: CascadeSettings,
        source: Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RelayError> {
        let cascade = Self {
            settings,
            source,
            clock,
            source_name: None,
            connection: None,
        };
        cascade.endpoint()?;
        Ok(cascade)
    }

    /// Anew for each connection, so that a renewed certificate is taken up.
    fn endpoint(&self) -> Result<Endpoint, RelayError> {
        let CascadeSettings {
            address,
            server_name,
            files,
        } = &self.settings;
        Ok(Endpoint {
            address: address.clone(),
            server_name: server_name.clone(),
            tls: client_config(files, Arc::clone(&self.clock))?,
        })
    }

    pub(super) async fn hand(&mut self, entries: &[Entry]) -> Taken {
        let (mut count, mut skipped) = (0, 0);
        let end = loop {
            let Some(rest) = entries.get(count..).filter(|rest| !rest.is_empty()) else {
                break End::All;
            };
            let outcomes = match self.told(rest).await {
                Ok(outcomes) => outcomes,
                Err(reason) => break End::Failed(reason),
            };
            let mut refused = None;
            for outcome in &outcomes {
                match outcome.disposition() {
                    HandOnDisposition::Stored | HandOnDisposition::Present => count += 1,
                    HandOnDisposition::Looped => {
                        count += 1;
                        skipped += 1;
                    }
                    HandOnDisposition::Refused | HandOnDisposition::Unspecified => {
                        refused = Some(reasons(outcome));
                        break;
                    }
                }
            }
            if let Some(reason) = refused {
                break End::Refused(reason);
            }
            if outcomes.is_empty() {
                break End::Failed("the gateway said nothing of the records".to_owned());
            }
        };
        Taken {
            count,
            skipped,
            end,
        }
    }

    /// Hands the first of the records on; what became of them.
    async fn told(&mut self, rest: &[Entry]) -> Result<Vec<HandOnOutcome>, String> {
        let name = self.source_name().await?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let endpoint = self.endpoint().map_err(|error| error.to_string())?;
                let connected = timeout(CONNECT_DEADLINE, endpoint.handing()).await;
                let connected = connected.map_err(|_| "nobody answered in time".to_owned())?;
                connected.map_err(|error| error.to_string())?
            }
        };
        let records = call(rest, &name);
        let expected = records.len();
        let answer = timeout(ANSWER_DEADLINE, connection.hand_on(records)).await;
        let answer = answer.map_err(|_| "no answer came in time".to_owned())?;
        let outcomes = answer.map_err(|error| error.to_string())?;
        if outcomes.len() != expected {
            return Err(format!("{} answers to {expected} records", outcomes.len()));
        }
        self.connection = Some(connection);
        Ok(outcomes)
    }

    /// The name of the gateway that is read, asked once.
    async fn source_name(&mut self) -> Result<String, String> {
        if let Some(name) = &self.source_name {
            return Ok(name.clone());
        }
        let asked = timeout(ANSWER_DEADLINE, self.source.who_am_i()).await;
        let asked =
            asked.map_err(|_| "the gateway that is read does not say its name".to_owned())?;
        let name = asked.map_err(|error| error.to_string())?.gateway_name;
        if name.is_empty() {
            return Err(
                "the gateway that is read has no name: its operator has to set \
                 services.gateway_name"
                    .to_owned(),
            );
        }
        self.source_name = Some(name.clone());
        Ok(name)
    }
}

/// As many of the records as one call takes.
fn call(rest: &[Entry], source_name: &str) -> Vec<RelayedRecord> {
    let mut records = Vec::new();
    let mut bytes = 0;
    for entry in rest.iter().take(RECORDS_MAX) {
        let served = &entry.served;
        let original = served.original.as_ref();
        bytes += served.record.len() + original.map_or(0, |original| original.content.len());
        if bytes > CALL_BYTES && !records.is_empty() {
            break;
        }
        let mut path = served.path.clone();
        path.push(source_name.to_owned());
        records.push(RelayedRecord {
            record: served.record.clone(),
            original: served.original.clone(),
            path,
        });
    }
    records
}

fn reasons(outcome: &HandOnOutcome) -> String {
    let reasons = outcome.violations.iter().map(|violation| {
        let field = &violation.field;
        format!(
            "{field}: {}; expected {}",
            violation.message, violation.expected
        )
    });
    let reasons: Vec<_> = reasons.collect();
    match reasons.is_empty() {
        true => "the gateway gave no reason".to_owned(),
        false => reasons.join("; "),
    }
}

//! A record in the hands of a relay.

use crate::wire::json;
use crate::wire::proto::{FeedEntry, Record};
use jiff::Timestamp;
use prost::Message as _;

/// A record of the feed, decoded.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As the gateway served it.
    pub(super) served: FeedEntry,
    /// What it says.
    pub(super) record: Record,
}

impl Entry {
    /// Decodes what the gateway served.
    ///
    /// # Errors
    /// The bytes are no record.
    pub(super) fn new(served: FeedEntry) -> Result<Self, String> {
        match Record::decode(served.record.clone()) {
            Ok(record) => Ok(Self { served, record }),
            Err(error) => Err(format!("the record cannot be read: {error}")),
        }
    }

    /// Its place in the feed.
    pub(super) fn position(&self) -> u64 {
        self.served.position
    }

    /// The contract's JSON, on one line.
    pub(super) fn to_json(&self) -> Result<String, String> {
        to_json(&self.served)
    }

    /// When the gateway took the report in.
    pub(super) fn received_at(&self) -> Option<Timestamp> {
        self.record
            .received_at
            .as_ref()
            .and_then(crate::wire::instant)
    }
}

/// An entry as the contract's JSON, on one line.
pub(super) fn to_json(served: &FeedEntry) -> Result<String, String> {
    match json::to_json(json::FEED_ENTRY, &served.encode_to_vec()) {
        Ok(json) => Ok(json.get().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

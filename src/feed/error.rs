//! Why the feed cannot answer, in words for whoever asked.

use super::cursors::CursorError;
use crate::identity::Identity;
use crate::journal::{Position, ReadError};
use crate::wire::stored::StoredError;
use thiserror::Error;

/// Why the feed cannot answer.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    Read(ReadError),
    /// A stored body is not in a form that this version knows.
    #[error("position {position}: {cause}")]
    Stored {
        /// Where.
        position: Position,
        /// What is wrong with it.
        cause: StoredError,
    },
    /// What stood there was removed by retention.
    #[error("position {position} was removed; the feed begins at {first}")]
    Removed {
        /// What was asked for.
        position: Position,
        /// The first position that is still there.
        first: Position,
    },
    /// The cursor lies beyond the end.
    #[error("the feed ends at position {durable}; {from} does not exist yet")]
    Beyond {
        /// The cursor.
        from: Position,
        /// The last durable position.
        durable: Position,
    },
    /// The cursor lies beyond what this gateway has read of a feed that several gateways share:
    /// the reader may come from one that has read further.
    #[error("this gateway has read the feed up to position {durable}, and not yet {from}")]
    Behind {
        /// The cursor.
        from: Position,
        /// The last position that was read.
        durable: Position,
    },
    /// The nation was taken out of the configuration, or lost the right to read.
    #[error("{0} may not read the feed")]
    NotAReader(Identity),
    /// Nothing there, or nothing that the reader may see.
    #[error("there is no record at position {0}")]
    NotFound(Position),
    /// The picture of contributions is being read for the first time.
    #[error("the picture of contributions is being read: {at} of {durable} positions")]
    PictureBehind {
        /// How far it has come.
        at: Position,
        /// How far it has to go.
        durable: Position,
    },
    /// Sightings are not compared.
    #[error("this gateway does not compare sightings: feed.corroboration_positions_max is 0 there")]
    NotCompared,
    /// A page token that this gateway did not give.
    #[error("the page token is not one of this gateway")]
    PageToken,
    /// The cursor cannot do what is asked.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The gateway ends.
    #[error("the gateway is closing")]
    Closed,
}

impl From<ReadError> for FeedError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Removed { position, first } => Self::Removed { position, first },
            other => Self::Read(other),
        }
    }
}

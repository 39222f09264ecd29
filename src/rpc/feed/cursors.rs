//! The calls about cursors that the gateway keeps, each for the caller's own system.

use crate::feed::Feed;
use crate::feed::cursors::{CursorError, Shown};
use crate::identity::Identity;
use crate::journal::Position;
use crate::rpc::status;
use crate::wire;
use crate::wire::proto::{
    AcknowledgeCursorRequest, AcknowledgeCursorResponse, Cursor, ListCursorsResponse, PositionRange,
};
use tonic::Status;

pub(super) async fn acknowledge(
    feed: &Feed,
    identity: &Identity,
    request: &AcknowledgeCursorRequest,
) -> Result<AcknowledgeCursorResponse, Status> {
    let failed = |error: CursorError| status::cursor(&error);
    let (cursors, durable) = (feed.cursors(), feed.durable());
    let (name, last) = (request.name.as_str(), Position(request.position));
    if request.reset {
        if request.first_position != 0 {
            let expected = "0: a reset is behind one position";
            return Err(status::bad_field("first_position", expected));
        }
        let reset = cursors.reset(identity, name, last, durable).await;
        reset.map_err(failed)?;
        return Ok(AcknowledgeCursorResponse {
            acknowledged_position: last.0,
        });
    }
    let range = (Position(request.first_position), last);
    let floor = cursors.acknowledge(identity, name, range, durable).await;
    Ok(AcknowledgeCursorResponse {
        acknowledged_position: floor.map_err(failed)?.0,
    })
}

pub(super) fn list(feed: &Feed, identity: &Identity) -> ListCursorsResponse {
    let cursors = feed.cursors().of(identity);
    ListCursorsResponse {
        cursors: cursors.into_iter().map(shown).collect(),
        durable_position: feed.durable().0,
    }
}

fn shown(cursor: Shown) -> Cursor {
    let range = |(first, last)| PositionRange { first, last };
    let place = &cursor.place;
    Cursor {
        acknowledged_position: place.floor(),
        acknowledged_beyond: place.beyond().iter().copied().map(range).collect(),
        in_flight: place.in_flight().map(range).collect(),
        updated_at: Some(wire::timestamp(cursor.updated_at)),
        damage: cursor.damage.unwrap_or_default(),
        name: cursor.name,
    }
}

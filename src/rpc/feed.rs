//! `FeedService`: from subscriptions to tonic's streams.

mod asked;
mod corroboration;
mod cursors;
mod gaps;

use super::{Doors, status};
use crate::feed::picture::Wanted;
use crate::feed::{Delivered, Delivery, FeedError, Subscription};
use crate::journal::Position;
use crate::listener::{EndKind, Peer};
use crate::record::ContributionKind;
use crate::wire;
use crate::wire::proto::feed_service_server::FeedService;
use crate::wire::proto::{
    AcknowledgeCursorRequest, AcknowledgeCursorResponse, DeleteCursorRequest, DeleteCursorResponse,
    FeedEntry, GetRecordRequest, GetRecordResponse, ListContributionsRequest,
    ListContributionsResponse, ListCorroborationsRequest, ListCorroborationsResponse,
    ListCursorsRequest, ListCursorsResponse, ListGapsRequest, ListGapsResponse, OriginalReport,
    PositionRange, SubscribeRequest, SubscribeResponse,
};
use asked::Faults;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

/// Deliveries that wait for a reader; then its stream waits for it.
const DELIVERIES_WAITING_MAX: usize = 2;
/// Entries of a page when the caller names no size.
const PAGE_DEFAULT: u32 = 100;
/// Why a connection ends whose reader does not even take its last word.
const STALLED: &str = "the reader of a subscription on it stalled; connect again";
/// Most entries of a page.
const PAGE_MAX: u32 = 1000;

/// The feed service.
#[derive(Clone, Debug)]
pub(super) struct FeedDoor {
    pub(super) doors: Arc<Doors>,
}

#[tonic::async_trait]
impl FeedService for FeedDoor {
    type SubscribeStream = Deliveries;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Deliveries>, Status> {
        let doors = &self.doors;
        let caller = doors.reader(&request)?;
        let place = doors
            .subscriptions
            .take(&caller.peer.identity().identity)
            .map_err(|full| status::too_many_subscriptions(&full))?;
        let mut request = request.into_inner();
        let mut faults = Faults::default();
        let ask = asked::ask(&caller.peer.identity().identity, &mut request, &mut faults);
        let terms = asked::terms(&request, &mut faults);
        let ask = faults.or(ask)?;
        let from = Position(request.from_position);
        let subscription = doors
            .feed
            .subscribe(
                ask,
                from,
                request.until_now,
                terms.map(|terms| (request.cursor.as_str(), terms)),
            )
            .await
            .map_err(status::feed)?;
        let (deliveries, waiting) = mpsc::channel(DELIVERIES_WAITING_MAX);
        let doors = Arc::clone(doors);
        let work = async move {
            let _place = place;
            let stall_deadline = doors.feed.settings().stall_deadline;
            let include_original = request.include_original;
            let end = deliver(
                &doors,
                &caller.peer,
                subscription,
                include_original,
                &deliveries,
            );
            match end.await {
                End::Done | End::Gone => {}
                End::Broken(error) => {
                    let _gone = deliveries.send_timeout(Err(error), stall_deadline).await;
                }
                End::Stalled(next) => {
                    tracing::warn!(reader = %caller.peer.identity().identity, next, "reader stalled");
                    let last = deliveries.send_timeout(Err(status::stalled(next)), stall_deadline);
                    if last.await.is_err() {
                        // It does not even take the reason: only the connection is left to end.
                        caller.peer.end(EndKind::Stalled, STALLED);
                    }
                }
            }
        };
        Ok(Response::new(Deliveries {
            waiting,
            _work: super::server::spawn(work),
        }))
    }

    async fn acknowledge_cursor(
        &self,
        request: Request<AcknowledgeCursorRequest>,
    ) -> Result<Response<AcknowledgeCursorResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let identity = &caller.peer.identity().identity;
        cursors::acknowledge(&self.doors.feed, identity, &request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_cursors(
        &self,
        request: Request<ListCursorsRequest>,
    ) -> Result<Response<ListCursorsResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let identity = &caller.peer.identity().identity;
        Ok(Response::new(cursors::list(&self.doors.feed, identity)))
    }

    async fn delete_cursor(
        &self,
        request: Request<DeleteCursorRequest>,
    ) -> Result<Response<DeleteCursorResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let identity = &caller.peer.identity().identity;
        let name = request.get_ref().name.as_str();
        let deleted = self.doors.feed.cursors().delete(identity, name).await;
        deleted.map_err(|error| status::cursor(&error))?;
        Ok(Response::new(DeleteCursorResponse {}))
    }

    async fn get_record(
        &self,
        request: Request<GetRecordRequest>,
    ) -> Result<Response<GetRecordResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let request = request.into_inner();
        let identity = &caller.peer.identity().identity;
        let record = self
            .doors
            .feed
            .record(identity, Position(request.position))
            .await;
        let entry = Some(entry(
            record.map_err(status::feed)?,
            request.include_original,
        ));
        Ok(Response::new(GetRecordResponse { entry }))
    }

    async fn list_contributions(
        &self,
        request: Request<ListContributionsRequest>,
    ) -> Result<Response<ListContributionsResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let request = request.into_inner();
        let mut faults = Faults::default();
        let wanted = Wanted {
            nations: faults.nations("nations", request.nations),
            kinds: faults.codes("kinds", &request.kinds, ContributionKind::from_number),
        };
        let wanted = faults.or(wanted)?;
        let (records, next_page_token, as_of) = self
            .doors
            .feed
            .contributions(
                &caller.peer.identity().identity,
                &wanted,
                &request.page_token,
                page_size(request.page_size),
            )
            .await
            .map_err(status::feed)?;
        Ok(Response::new(ListContributionsResponse {
            entries: records
                .into_iter()
                .map(|record| entry(record, false))
                .collect(),
            next_page_token,
            as_of_position: as_of.0,
        }))
    }

    async fn list_gaps(
        &self,
        request: Request<ListGapsRequest>,
    ) -> Result<Response<ListGapsResponse>, Status> {
        let caller = self.doors.caller(&request)?;
        let request = request.into_inner();
        let own = caller.peer.identity().identity.nation;
        let nation = (!caller.rights.operate).then(|| own.as_str());
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(
                token
                    .split_once(' ')
                    .ok_or_else(|| status::feed(FeedError::PageToken))?,
            ),
        };
        let page = self
            .doors
            .feed
            .gaps(nation, after, page_size(request.page_size))
            .await;
        Ok(Response::new(gaps::response(&page.map_err(status::feed)?)))
    }

    async fn list_corroborations(
        &self,
        request: Request<ListCorroborationsRequest>,
    ) -> Result<Response<ListCorroborationsResponse>, Status> {
        let caller = self.doors.reader(&request)?;
        let request = request.into_inner();
        let links = self.doors.feed.corroborations(
            &caller.peer.identity().identity,
            Position(request.from_position),
            request.position.map(Position),
            page_size(request.page_size),
        );
        let links = links.await.map_err(status::feed)?;
        Ok(Response::new(corroboration::response(&links)))
    }
}

/// Entries of a page.
fn page_size(asked: u32) -> usize {
    match asked {
        0 => PAGE_DEFAULT,
        asked => asked.min(PAGE_MAX),
    }
    .try_into()
    .unwrap_or(usize::MAX)
}

/// How a subscription ended.
enum End {
    /// Everything that was asked for has been delivered.
    Done,
    /// The reader has gone.
    Gone,
    /// The reader took nothing for too long; the cursor.
    Stalled(u64),
    /// The gateway ends it.
    Broken(Status),
}

/// Delivers until the subscription ends.
async fn deliver(
    doors: &Doors,
    peer: &Peer,
    mut subscription: Subscription,
    include_original: bool,
    deliveries: &mpsc::Sender<Result<SubscribeResponse, Status>>,
) -> End {
    let mut draining = doors.draining.clone();
    let stall_deadline = doors.feed.settings().stall_deadline;
    loop {
        let delivery = tokio::select! {
            biased;
            ending = peer.cut() => return End::Broken(status::cut(&ending)),
            _ = draining.wait_for(|draining| *draining) => return End::Broken(status::draining()),
            () = deliveries.closed() => return End::Gone,
            delivery = subscription.next() => delivery,
        };
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(error) => return End::Broken(status::feed(error)),
        };
        let done = delivery.done;
        let before = delivery.covered.map_or(delivery.next.0, |(first, _)| first);
        let answer = Ok(response(delivery, include_original));
        match deliveries.send_timeout(answer, stall_deadline).await {
            Ok(()) if done => return End::Done,
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return End::Gone,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => return End::Stalled(before),
        }
    }
}

fn response(delivery: Delivery, include_original: bool) -> SubscribeResponse {
    let range = |&(first, last): &(u64, u64)| PositionRange { first, last };
    SubscribeResponse {
        withheld: delivery.withheld.as_slice().iter().map(range).collect(),
        covered: delivery.covered.as_ref().map(range),
        gateway_time: Some(wire::timestamp(delivery.at)),
        entries: delivery
            .records
            .into_iter()
            .map(|record| entry(record, include_original))
            .collect(),
        next_position: delivery.next.0,
        durable_position: delivery.durable.0,
        earliest_position: delivery.first.0,
        removed_before_read: delivery.lost.as_ref().map(range),
    }
}

fn entry(delivered: Delivered, include_original: bool) -> FeedEntry {
    let body = delivered.body;
    FeedEntry {
        position: delivered.position.0,
        record: body.record,
        original: include_original.then(|| OriginalReport {
            media_type: body.media_type.into_owned(),
            content: body.original,
        }),
        supersedes_position: delivered.previous.map(|position| position.0),
        path: body.path,
    }
}

/// What waits for a reader. The work behind it ends when this is dropped.
pub(super) struct Deliveries {
    waiting: mpsc::Receiver<Result<SubscribeResponse, Status>>,
    _work: super::server::Spawned,
}

impl Stream for Deliveries {
    type Item = Result<SubscribeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waiting.poll_recv(context)
    }
}

//! Looks at the servers every second: whether reports can be stored, and whether the stream is
//! still as long as what was read of it. Where a server answers for nobody, another one is tried.

use super::super::Health;
use super::{Shared, server};
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Info;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);
/// A leader that has just been elected may not have caught up with itself: so many looks in a
/// row have to find the stream too short before it counts.
const SHORT_LOOKS: u32 = 15;
/// An election lasts shorter as a rule, and what is on its way waits it out.
const GRACE: Duration = Duration::from_secs(3);
/// A server through which nothing can be stored for so long may be cut off from the others: the
/// connection goes to another one, and again after as long.
const SERVER_PATIENCE: Duration = Duration::from_secs(5);
/// So many looks in a row find nothing new in the copy although the stream is longer: then the
/// reader asks again.
const SILENT_LOOKS: u32 = 3;

/// What was seen at the last looks.
#[derive(Debug)]
struct Looks {
    /// When reports could be stored, for all that was seen.
    good_at: Instant,
    /// When the connection was last left for another server.
    left_at: Instant,
    short: u32,
    silent: u32,
    followed: u64,
    offline: Vec<String>,
}

/// Looks for as long as the gateway runs.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks = Looks {
        good_at: Instant::now(),
        left_at: Instant::now(),
        short: 0,
        silent: 0,
        followed: 0,
        offline: Vec::new(),
    };
    loop {
        tick.tick().await;
        let health = match look(&shared, &mut looks).await {
            Health::Unreachable(_) if looks.good_at.elapsed() < GRACE => continue,
            health => health,
        };
        if health == Health::Ready {
            looks.good_at = Instant::now();
        }
        if let Health::Poisoned(reason) = health {
            shared.stop(reason);
            return;
        }
        if matches!(health, Health::Unreachable(_)) && looks.leave(&shared.context).await {
            // What is asked before the new connection stands is lost with the old one.
            tick.reset();
        }
        shared.health.send_if_modified(|known| {
            // The words of one cause may change every second; that is no news.
            let is_news = discriminant(known) != discriminant(&health);
            let changes = is_news && !matches!(known, Health::Poisoned(_));
            if changes {
                known.clone_from(&health);
            }
            changes
        });
    }
}

async fn look(shared: &Shared, looks: &mut Looks) -> Health {
    let of_copy = shared.log.health().borrow().clone();
    if of_copy != Health::Ready {
        return of_copy;
    }
    let info = match server::ask(&shared.stream).await {
        Ok(info) => info,
        Err(error) => return Health::Unreachable(error),
    };
    looks.tell_offline(&info);
    let (followed, last) = (*shared.followed.borrow(), info.state.last_sequence);
    let is_short = last < followed
        && match server::lacks(&shared.stream, followed).await {
            Ok(lacks) => lacks,
            Err(error) => return Health::Unreachable(error),
        };
    looks.short = if is_short { looks.short + 1 } else { 0 };
    if looks.short >= SHORT_LOOKS {
        return Health::Poisoned(format!(
            "the stream ends at position {last}, and this gateway has read up to position \
             {followed}: reports that were acknowledged are lost"
        ));
    }
    let is_silent = last > followed && followed == looks.followed;
    looks.silent = if is_silent { looks.silent + 1 } else { 0 };
    looks.followed = followed;
    if looks.silent >= SILENT_LOOKS {
        looks.silent = 0;
        shared.kick.notify_waiters();
    }
    if server::has_leader(&info) {
        Health::Ready
    } else {
        Health::Unreachable("the stream has no leader".to_owned())
    }
}

impl Looks {
    /// Leaves the server for another one, if it has had its time; says whether.
    async fn leave(&mut self, context: &Context) -> bool {
        let patience = SERVER_PATIENCE;
        if self.good_at.elapsed() < patience || self.left_at.elapsed() < patience {
            return false;
        }
        self.left_at = Instant::now();
        tracing::warn!("nothing can be stored through this server: trying another one");
        let left = context.client().force_reconnect().await;
        if let Err(error) = &left {
            tracing::warn!(%error, "the connection cannot be left");
        }
        left.is_ok()
    }

    /// Says once which replicas went away, and once that they came back.
    fn tell_offline(&mut self, info: &Info) {
        let offline = server::offline(info);
        if offline == self.offline {
            return;
        }
        if offline.is_empty() {
            tracing::info!("all servers of the stream answer");
        } else {
            tracing::warn!(?offline, "servers of the stream do not answer");
        }
        self.offline = offline;
    }
}

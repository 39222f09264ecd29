//! Systems that send for as long as they may, over one broken connection after another, and
//! never give a report up. Now and then they send one again that has its receipt long since.

use crate::ledger::{Ledger, SENDERS, report};
use crate::support::Site;
use entente::client::submitter::{self, Settings};
use entente::client::{Endpoint, Patience};
use entente::wire::proto::Outcome;
use entente::wire::proto::submit_stream_request::Payload;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Reports between submission and receipt.
const WINDOW: usize = 32;
/// A stream sends a report so often: what has to be seen is order, not speed.
const PACE: Duration = Duration::from_millis(8);
/// One of so many reports is sent again later.
const AGAIN_EVERY: u64 = 40;
/// Somebody who comes back for as long as a test lasts.
pub(crate) const STUBBORN: Patience = Patience {
    attempts_max: 10_000,
    wait_min: Duration::from_millis(20),
    wait_max: Duration::from_millis(500),
};

/// A gateway's endpoint for a system, at another address.
pub(crate) fn endpoint(site: &Site, system: &str, address: &str) -> Endpoint {
    Endpoint {
        address: address.to_owned(),
        ..site.endpoint(system)
    }
}

/// The systems while they send.
pub(crate) struct Senders {
    ends: Arc<AtomicBool>,
    rests: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Senders {
    /// One system of each nation, a stream for each of `copies`, which begins at a number of its
    /// own; reports with a story of so many letters.
    pub(crate) fn start(
        site: &Site,
        address: &str,
        ledger: &Ledger,
        copies: Range<u64>,
        letters: usize,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (rests, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (nation, system, _) in SENDERS {
            for copy in copies.clone() {
                let sender = Sender {
                    nation,
                    first: copy * 10_000_000,
                    letters,
                    endpoint: endpoint(site, system, address),
                    ledger: ledger.clone(),
                    ends: Arc::clone(&ends),
                    rests: rests.subscribe(),
                };
                tasks.spawn(sender.run());
            }
        }
        Self { ends, rests, tasks }
    }

    /// Lets them rest, or go on: servers that have to catch up do so sooner.
    pub(crate) fn rest(&self, rests: bool) {
        self.rests.send_replace(rests);
    }

    /// Lets them send what they have begun, until all of it has receipts.
    pub(crate) async fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        crate::in_time("the last receipts", self.tasks.join_all()).await;
    }
}

struct Sender {
    nation: &'static str,
    first: u64,
    letters: usize,
    endpoint: Endpoint,
    ledger: Ledger,
    ends: Arc<AtomicBool>,
    rests: watch::Receiver<bool>,
}

impl Sender {
    async fn run(mut self) {
        let (reports, queue) = mpsc::channel(4);
        let (outcomes, mut answers) = mpsc::channel::<Outcome>(64);
        // Digests of what has no outcome yet, in the order in which outcomes come.
        let digests = Arc::new(Mutex::new(VecDeque::new()));
        let settings = Settings {
            window_max: WINDOW,
            patience: STUBBORN,
        };
        let endpoint = self.endpoint.clone();
        let submitting =
            tokio::spawn(
                async move { submitter::submit(&endpoint, queue, &outcomes, settings).await },
            );
        let ledger = self.ledger.clone();
        let awaited = Arc::clone(&digests);
        let keeping = tokio::spawn(async move {
            while let Some(outcome) = answers.recv().await {
                let digest: Vec<u8> = awaited.lock().unwrap().pop_front().unwrap();
                ledger.keep(&outcome, &digest);
            }
        });
        let mut number = self.first;
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.ends.load(Ordering::Relaxed) && !keeping.is_finished() {
            pace.tick().await;
            // They end when nobody can wake them any more.
            drop(self.rests.wait_for(|rests| !*rests).await);
            let is_again = number % AGAIN_EVERY == AGAIN_EVERY - 1;
            let once_more = is_again.then(|| self.first + (number - self.first) / 2);
            for number in [Some(number), once_more].into_iter().flatten() {
                let (bytes, digest) = report(self.nation, number, self.letters);
                digests.lock().unwrap().push_back(digest);
                // Nobody takes it: the submitter has ended, and says why below.
                let _taken = reports.send(Payload::Report(bytes.into())).await;
            }
            number += 1;
        }
        drop(reports);
        submitting.await.unwrap().unwrap();
        keeping.await.unwrap();
        assert!(digests.lock().unwrap().is_empty(), "no outcome is missing");
    }
}

//! Readers of the feed that keep their cursor over every break and hold each answer against
//! what they were promised: the next positions, in order, none twice, none that they must not
//! see. One takes its time, one stops taking anything at all for a while.

use crate::ledger::{Ledger, Receipted, Seen, may_see};
use crate::senders::{STUBBORN, endpoint};
use crate::support::Site;
use entente::client::Endpoint;
use entente::client::subscriber::Subscriber;
use entente::wire::proto::{Record, SubscribeRequest, SubscribeResponse};
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// What comes, at once.
    Eager,
    /// The next answer only when so many more receipts were given.
    Slow(usize),
    /// Takes nothing from its first answer on until so many receipts were given; longer than the
    /// gateway waits for it.
    Dead(usize),
}

/// Readers while they read.
pub(crate) struct Readers {
    tasks: JoinSet<(&'static str, Seen)>,
    last: watch::Sender<Option<u64>>,
    ledger: Ledger,
}

impl Readers {
    pub(crate) fn start(
        site: &Site,
        address: &str,
        ledger: &Ledger,
        readers: &[(&'static str, Pace)],
    ) -> Self {
        let (last, _) = watch::channel(None);
        let mut tasks = JoinSet::new();
        for (nation, pace) in readers {
            let reader = Reader {
                nation,
                pace: *pace,
                endpoint: endpoint(site, &format!("{nation}/feed-desk"), address),
                count: ledger.watch(),
                last: last.subscribe(),
                seen: Seen::default(),
                next: 1,
            };
            tasks.spawn(reader.run());
        }
        Self {
            tasks,
            last,
            ledger: ledger.clone(),
        }
    }

    /// Lets them read up to the last receipt, and holds what they saw against all receipts.
    pub(crate) async fn end(self) {
        self.last.send_replace(Some(self.ledger.last()));
        let read = crate::in_time("readers come to the end", self.tasks.join_all()).await;
        for (nation, seen) in &read {
            self.ledger.check_reader(nation, seen);
        }
        let given = read.iter().map(|(_, seen)| seen.given.len());
        println!("{} readers were given {}", read.len(), given.sum::<usize>());
    }
}

struct Reader {
    nation: &'static str,
    pace: Pace,
    endpoint: Endpoint,
    count: watch::Receiver<usize>,
    last: watch::Receiver<Option<u64>>,
    seen: Seen,
    /// The next position that nobody has spoken of.
    next: u64,
}

impl Reader {
    async fn run(mut self) -> (&'static str, Seen) {
        let request = SubscribeRequest {
            from_position: 1,
            ..Default::default()
        };
        let mut subscriber = Subscriber::new(self.endpoint.clone(), request, STUBBORN);
        let mut last = self.last.clone();
        loop {
            // The end may come while nothing else does.
            let next = self.next;
            let read = last.wait_for(|last| last.is_some_and(|last| next > last));
            let at_end = async { read.await.map(|_| ()) };
            tokio::select! {
                answer = subscriber.next() => {
                    let answer = answer.unwrap().expect("it goes on live");
                    self.take(&answer);
                    self.wait(&answer).await;
                }
                ended = at_end => {
                    ended.unwrap();
                    return (self.nation, self.seen);
                }
            }
        }
    }

    /// Waits as its pace wants it.
    async fn wait(&mut self, answer: &SubscribeResponse) {
        let count = *self.count.borrow();
        let wanted = match self.pace {
            Pace::Eager => return,
            _ if answer.covered.is_none() => return,
            Pace::Slow(more) => count + more,
            Pace::Dead(until) if count >= until => return,
            Pace::Dead(until) => until,
        };
        let mut last = self.last.clone();
        tokio::select! {
            () = async { drop(self.count.wait_for(|count| *count >= wanted).await) } => {}
            () = async { drop(last.wait_for(Option::is_some).await) } => {}
        }
    }

    /// Holds an answer against what was promised.
    fn take(&mut self, answer: &SubscribeResponse) {
        let Some(covered) = answer.covered else {
            assert!(answer.entries.is_empty(), "a heartbeat gives nothing");
            return;
        };
        let nation = self.nation;
        assert_eq!(covered.first, self.next, "{nation}: a gap or a repeat");
        assert_eq!(answer.next_position, covered.last + 1, "{nation}");
        let mut before = covered.first - 1;
        for entry in &answer.entries {
            assert!(entry.position > before, "{nation}: out of order");
            assert!(entry.position <= covered.last, "{nation}: beyond");
            before = entry.position;
            let record = Record::decode(entry.record.clone()).unwrap();
            assert!(
                may_see(nation, &record.report_id),
                "{nation} was given {}",
                record.report_id
            );
            let receipted = Receipted {
                report_id: record.report_id,
                sha256: record.original_sha256.to_vec(),
            };
            let twice = self.seen.given.insert(entry.position, receipted);
            assert_eq!(twice, None, "{nation} at {}", entry.position);
        }
        let withheld = answer.withheld.iter();
        for position in withheld.flat_map(|range| range.first..=range.last) {
            assert!(!self.seen.given.contains_key(&position), "{nation}");
            assert!(self.seen.withheld.insert(position), "{nation}: told twice");
        }
        self.next = answer.next_position;
    }
}

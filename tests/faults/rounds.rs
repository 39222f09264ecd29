//! Rounds against a cluster with two gateways: several faults, chosen and ordered by a seed,
//! while systems send and readers read.

use crate::clocks::MovedClock;
use crate::dice::{Dice, from_environment};
use crate::federation::Federation;
use crate::ledger::{Ledger, SENDERS, parsed, report};
use crate::readers::{Pace, Readers};
use crate::senders::Senders;
use crate::tails::tear;
use entente::wire::proto::SubmitRequest;
use entente::wire::proto::submit_request::Payload;
use std::time::Duration;

/// Receipts that have to come while a fault lasts, and again after it.
const SOME: usize = 60;
/// Letters of a report's story: enough that a reader who takes nothing is soon full.
const LETTERS: usize = 1500;
/// How long receipts are looked for that nobody has promised.
const WITHOUT_PROMISE: Duration = Duration::from_secs(3);
/// One of so many reports is sent once more at the end.
const RETRIED_EVERY: usize = 25;
/// Faults of one round.
const FAULTS: usize = 3;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    KillGateway,
    TearGateway,
    KillLeader,
    KillTwoInTurn,
    StopLeader,
    IsolateLeader,
    IsolateFollower,
    MoveClients,
    JumpClock,
    Bridge,
    ClogWays,
}

use Fault::{
    Bridge, ClogWays, IsolateFollower, IsolateLeader, JumpClock, KillGateway, KillLeader,
    KillTwoInTurn, MoveClients, StopLeader, TearGateway,
};

const ALL: [Fault; 11] = [
    KillGateway,
    TearGateway,
    KillLeader,
    KillTwoInTurn,
    StopLeader,
    IsolateLeader,
    IsolateFollower,
    MoveClients,
    JumpClock,
    Bridge,
    ClogWays,
];

/// A federation under load.
pub(crate) struct Round {
    pub(crate) federation: Federation,
    pub(crate) ledger: Ledger,
    pub(crate) senders: Senders,
    pub(crate) readers: Readers,
}

impl Round {
    pub(crate) async fn start() -> Self {
        let federation = Federation::start().await;
        let ledger = Ledger::new();
        let address = federation.balancer.address.clone();
        let site = &federation.gateways[0];
        let readers = [
            ("USA", Pace::Eager),
            ("FRA", Pace::Eager),
            ("GBR", Pace::Slow(SOME)),
            ("USA", Pace::Dead(2500)),
        ];
        let readers = Readers::start(site, &address, &ledger, &readers);
        let senders = Senders::start(site, &address, &ledger, 0..2, LETTERS);
        ledger.more(SOME).await;
        Self {
            federation,
            ledger,
            senders,
            readers,
        }
    }

    /// Ends the load, and holds everything against the receipts.
    pub(crate) async fn end(mut self) {
        self.senders.end().await;
        self.ledger.check();
        self.readers.end().await;
        retry(&self.federation, &self.ledger).await;
        self.federation.stop();
        println!("{} receipts, all is well", self.ledger.last());
    }

    async fn suffer(&mut self, fault: Fault, dice: &mut Dice) {
        let gateway = dice.below(2);
        match fault {
            KillGateway => self.kill_gateway(gateway, None).await,
            TearGateway => self.kill_gateway(gateway, Some(dice)).await,
            KillLeader => {
                let leader = self.federation.leader().await;
                self.kill_server(&leader).await;
            }
            KillTwoInTurn => {
                let servers = ["s1", "s2", "s3"].to_vec();
                for server in &dice.shuffled(servers)[..2] {
                    self.kill_server(server).await;
                }
            }
            StopLeader => {
                let leader = self.federation.leader().await;
                self.federation.cluster.named(&leader).pause();
                self.ledger.more(SOME).await;
                self.federation.cluster.named(&leader).resume();
            }
            IsolateLeader => {
                let leader = self.federation.leader().await;
                self.isolate(&leader).await;
            }
            IsolateFollower => {
                let followers = self.federation.followers().await;
                self.isolate(&followers[dice.below(2)]).await;
            }
            MoveClients => {
                for _ in 0..4 {
                    let cut = self.federation.balancer.move_most();
                    println!("  {cut} clients are moved");
                    self.ledger.more(SOME / 2).await;
                }
            }
            JumpClock => self.jump_clock(gateway).await,
            Bridge => {
                let servers = dice.shuffled(["s1", "s2", "s3"].to_vec());
                self.federation.routes.part(servers[0], servers[1]);
                self.perhaps_some().await;
                self.federation.routes.heal();
            }
            ClogWays => {
                // One way after the other, and open again in another order.
                let ways: Vec<_> = (0..self.federation.routes.count()).collect();
                for is_open in [false, true] {
                    for way in dice.shuffled(ways.clone()) {
                        self.federation.routes.set(way, is_open);
                        self.perhaps_some().await;
                    }
                }
            }
        }
        self.ledger.more(SOME).await;
        self.whole().await;
    }

    /// Waits until the servers are where they were, while nobody sends.
    async fn whole(&self) {
        self.senders.rest(true);
        self.federation.whole().await;
        self.senders.rest(false);
    }

    /// Receipts that may come or not: with these ways cut nobody has promised any.
    async fn perhaps_some(&self) {
        let some = self.ledger.more(SOME);
        let _or_not = tokio::time::timeout(WITHOUT_PROMISE, some).await;
    }

    async fn kill_gateway(&mut self, gateway: usize, tearing: Option<&mut Dice>) {
        self.federation.kill_gateway(gateway);
        self.ledger.more(SOME).await;
        if let Some(dice) = tearing {
            let journal = self.federation.gateways[gateway].path("data/journal");
            println!("  torn: {:?} bytes", tear(&journal, dice));
        }
        self.federation.start_gateway(gateway, &[]);
    }

    async fn kill_server(&mut self, name: &str) {
        self.federation.cluster.named(name).kill();
        self.ledger.more(SOME).await;
        self.federation.start_server(name);
        self.whole().await;
    }

    async fn isolate(&self, name: &str) {
        self.federation.routes.isolate(name);
        self.federation.until_apart(name).await;
        self.ledger.more(SOME).await;
        self.federation.routes.heal();
    }

    /// A gateway's wall clock goes an hour ahead while it runs, and an hour back.
    async fn jump_clock(&mut self, gateway: usize) {
        let clock = MovedClock::new(&self.federation.path("clock"));
        self.federation.kill_gateway(gateway);
        self.federation.start_gateway(gateway, &clock.environment());
        for hours in [1, 0] {
            clock.set_hours(hours);
            // To this gateway come those that were with the other one.
            self.federation.balancer.cut(1 - gateway);
            self.ledger.more(SOME).await;
        }
    }
}

/// Reports that have their receipts long since get the same again, from each gateway.
async fn retry(federation: &Federation, ledger: &Ledger) {
    for site in &federation.gateways {
        for (nation, system, _) in SENDERS {
            let mut client = site.endpoint(system).submission().await.unwrap();
            for (position, kept) in ledger.some(RETRIED_EVERY) {
                let (of, number) = parsed(&kept.report_id);
                if of != nation {
                    continue;
                }
                let (bytes, _) = report(nation, number, LETTERS);
                let answer = client.submit(SubmitRequest {
                    payload: Some(Payload::Report(bytes.into())),
                    validate_only: false,
                });
                let outcome = answer.await.unwrap().into_inner().outcome.unwrap();
                let receipt = outcome.receipt.as_ref().unwrap();
                assert_eq!(receipt.position, position, "{outcome:?}");
                ledger.keep(&outcome, &kept.sha256);
            }
        }
    }
}

/// N1, N3, N4, S6 and what else a seed may choose.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn every_receipt_is_in_the_feed_once_whatever_fails() {
    let seed = from_environment("ENTENTE_FAULTS_SEED", 1);
    let rounds = from_environment("ENTENTE_FAULTS_ROUNDS", 1);
    for seed in seed..seed + rounds {
        println!("ENTENTE_FAULTS_SEED={seed}");
        let mut dice = Dice(seed);
        let mut round = Round::start().await;
        let faults = dice.shuffled(ALL.to_vec());
        for fault in &faults[..FAULTS] {
            println!("{fault:?} after {} receipts", round.ledger.last());
            round.suffer(*fault, &mut dice).await;
        }
        round.end().await;
    }
}

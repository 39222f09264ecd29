//! Rounds against one gateway with the embedded engine: kills at any moment, at failpoints and
//! during recovery, torn tails, full disks, failing and slow syncs, while systems send and
//! readers read.

use crate::alone::{Alone, SmallDisk, injected, kill_in_recovery, resident_kib, small_site};
use crate::clocks::MovedClock;
use crate::dice::{Dice, from_environment};
use crate::readers::Pace;
use crate::support::ENTENTE;
use crate::tails::begin_batch;
use std::process::Command;

/// Receipts that have to come after a fault.
const SOME: usize = 60;
/// A journal that may grow so far.
const DISK_MIB: u32 = 128;
const FAILPOINTS: [&str; 5] = [
    "journal::after_write",
    "journal::before_sync",
    "journal::after_sync",
    "journal::after_index",
    "journal::during_roll",
];

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    KillAtFailpoint(&'static str),
    KillTwice,
    TornTail,
    FullDisk,
    FailingSync,
    JumpClock,
}

struct Round {
    alone: Alone,
    disk: Option<SmallDisk>,
}

impl Round {
    async fn start() -> Self {
        let site = small_site();
        let disk = SmallDisk::over(&site.path("data/journal"), DISK_MIB);
        let readers = [
            ("USA", Pace::Eager),
            ("FRA", Pace::Slow(SOME)),
            ("GBR", Pace::Dead(2000)),
        ];
        let alone = Alone::start(site, &readers).await;
        alone.ledger.more(SOME).await;
        Self { alone, disk }
    }

    async fn suffer(&mut self, fault: Fault, dice: &mut Dice) {
        self.alone.ledger.more(1 + dice.below(SOME)).await;
        match fault {
            Fault::Kill => {
                self.alone.kill();
                self.alone.restart_plainly();
            }
            Fault::KillAtFailpoint(name) => {
                let passes = dice.roll(if name == "journal::during_roll" {
                    3
                } else {
                    20
                });
                let failpoint = format!("{name}={passes}*off->pause");
                println!("  {failpoint}");
                self.alone.kill();
                let at = [("FAILPOINTS", failpoint.as_str())];
                self.alone.restart(Command::new(ENTENTE), &at);
                self.alone.more_or_silence(10 * SOME).await;
                self.alone.kill();
                self.alone.restart_plainly();
            }
            Fault::KillTwice | Fault::TornTail => {
                self.alone.kill();
                let journal = self.alone.site.path("data/journal");
                let begun = begin_batch(&journal, dice);
                println!("  {begun:?} bytes of a batch that never was");
                if fault == Fault::KillTwice {
                    kill_in_recovery(&self.alone.site, dice).await;
                    kill_in_recovery(&self.alone.site, dice).await;
                }
                self.alone.restart_plainly();
            }
            Fault::FullDisk => self.fill_disk().await,
            Fault::FailingSync => {
                let when = 5 + dice.roll(60);
                println!("  sync {when} fails");
                self.alone.kill();
                let failing = format!("inject=fdatasync:error=EIO:when={when}");
                self.alone.restart(injected(&failing), &[]);
                let ended = self.alone.ended().await;
                assert_eq!(ended.code(), Some(1), "{}", self.alone.site.log());
                self.alone.restart_plainly();
            }
            Fault::JumpClock => self.jump_clock().await,
        }
        self.alone.ledger.more(SOME).await;
    }

    /// Whoever runs it refuses while the disk is full and goes on by itself when there is room.
    /// Without root there is no small disk; then the floor of free disk is what no disk has.
    async fn fill_disk(&mut self) {
        if let Some(disk) = &self.disk {
            disk.fill();
            self.alone.more_or_silence(usize::MAX).await;
            assert!(self.alone.site.is_alive(), "{}", self.alone.site.log());
            disk.make_room();
            return;
        }
        let floor = |site: &crate::support::Site, from: &str, to: &str| {
            site.edit("config/gateway.toml", |text| text.replace(from, to));
        };
        let (none, all) = (
            "free_bytes_floor = \"0B\"",
            "free_bytes_floor = \"1024GiB\"",
        );
        self.alone.kill();
        floor(&self.alone.site, none, all);
        self.alone.restart_plainly();
        self.alone.more_or_silence(usize::MAX).await;
        self.alone.kill();
        floor(&self.alone.site, all, none);
        self.alone.restart_plainly();
    }

    /// The wall clock goes an hour ahead while the gateway runs, and an hour back.
    async fn jump_clock(&mut self) {
        let clock = MovedClock::new(&self.alone.site.path("clock"));
        self.alone.kill();
        let moved = Command::new(ENTENTE);
        self.alone.restart(moved, &clock.environment());
        for hours in [1, 0] {
            self.alone.ledger.more(SOME).await;
            clock.set_hours(hours);
            self.alone.balancer.cut(0);
        }
        self.alone.ledger.more(SOME).await;
    }
}

/// D1, D2, D3, D4, D8, D9 under load, with readers: every fault once in a round, in an order
/// that the seed decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn d1_to_d9_every_receipt_is_in_the_feed_once_whatever_the_gateway_suffers() {
    let seed = from_environment("ENTENTE_FAULTS_SEED", 1);
    let rounds = from_environment("ENTENTE_FAULTS_ROUNDS", 1);
    for seed in seed..seed + rounds {
        println!("ENTENTE_FAULTS_SEED={seed}");
        let mut dice = Dice(seed);
        let mut round = Round::start().await;
        let mut faults = vec![
            Fault::Kill,
            Fault::KillTwice,
            Fault::TornTail,
            Fault::FullDisk,
            Fault::FailingSync,
            Fault::JumpClock,
        ];
        faults.extend(FAILPOINTS.map(Fault::KillAtFailpoint));
        for fault in dice.shuffled(faults) {
            println!("{fault:?} after {} receipts", round.alone.ledger.last());
            round.suffer(fault, &mut dice).await;
        }
        round.alone.end().await;
    }
}

/// D10: with syncs of half a second each, many reports share one; all get their receipts, and
/// memory stays where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn d10_a_slow_disk_delays_receipts_and_costs_nothing_else() {
    const RECEIPTS: usize = 250;
    let mut alone = Alone::start(small_site(), &[("USA", Pace::Eager)]).await;
    alone.ledger.more(SOME).await;
    alone.kill();
    let slow = "inject=fdatasync:delay_enter=500000";
    alone.restart(injected(slow), &[]);
    alone.ledger.more(SOME).await;
    let before = resident_kib(alone.site.pid().as_raw_nonzero().get());
    alone.ledger.more(RECEIPTS).await;
    let after = resident_kib(alone.site.pid().as_raw_nonzero().get());
    println!("{before} KiB before, {after} KiB after");
    assert!(after < before + 16 * 1024, "{before} KiB, then {after} KiB");
    alone.end().await;
}

//! The network between the servers is cut, and the gateways stand on either side of it.

use crate::dice::from_environment;
use crate::federation::Federation;
use crate::ledger::Ledger;
use crate::readers::{Pace, Readers};
use crate::senders::Senders;

/// Receipts that each gateway has to give.
const SOME: usize = 30;
const LETTERS: usize = 100;

/// N4, S6: the leader is cut off from the others (`ENTENTE_FAULTS_ROUNDS=3`: further servers,
/// too), and every gateway gives receipts meanwhile: also one that was connected to the server
/// that is cut off. Readers that come from one gateway to the other see every position once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn n4_s6_every_gateway_goes_on_whichever_server_is_cut_off() {
    let mut federation = Federation::start().await;
    let ledgers = [Ledger::new(), Ledger::new()];
    let mut senders = Vec::new();
    for (number, (site, ledger)) in (0..).zip(federation.gateways.iter().zip(&ledgers)) {
        let copies = number..number + 1;
        let address = site.address.clone();
        senders.push(Senders::start(site, &address, ledger, copies, LETTERS));
    }
    let all = Ledger::new();
    let site = &federation.gateways[0];
    let balanced = federation.balancer.address.clone();
    let readers = [("USA", Pace::Eager), ("FRA", Pace::Eager)];
    let readers = Readers::start(site, &balanced, &all, &readers);
    // One of the two gateways has to change its server as a rule; all three servers: both have.
    let servers = from_environment("ENTENTE_FAULTS_ROUNDS", 1).min(3);
    for number in 0..servers {
        let leader = federation.leader().await;
        let server = match number {
            0 => leader.clone(),
            other => format!("s{other}"),
        };
        println!("{server} is cut off, {leader} leads");
        federation.routes.isolate(&server);
        federation.until_apart(&server).await;
        for (gateway, ledger) in ledgers.iter().enumerate() {
            ledger.more(SOME).await;
            println!("  gateway {gateway} goes on");
        }
        federation.routes.heal();
        senders.iter().for_each(|senders| senders.rest(true));
        federation.whole().await;
        senders.iter().for_each(|senders| senders.rest(false));
        federation.balancer.cut(0);
        federation.balancer.cut(1);
    }
    for (senders, ledger) in senders.into_iter().zip(&ledgers) {
        senders.end().await;
        all.add(ledger);
    }
    all.check();
    readers.end().await;
    federation.stop();
}

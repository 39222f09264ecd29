//! The network between the servers is cut, and the gateways stand on either side of it.

use crate::federation::Federation;
use crate::ledger::Ledger;
use crate::readers::{Pace, Readers};
use crate::senders::Senders;

/// Receipts that each gateway has to give.
const SOME: usize = 30;
const LETTERS: usize = 100;

/// N4, S6: one server after the other is cut off from the others, whoever leads, and every
/// gateway gives receipts meanwhile: also the one that was connected to the server that is cut
/// off. Readers that come from one gateway to the other see every position once, in order.
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
    for server in ["s1", "s2", "s3"] {
        println!("{server} is cut off, {} leads", federation.leader().await);
        federation.routes.isolate(server);
        federation.until_apart(server).await;
        for (gateway, ledger) in ledgers.iter().enumerate() {
            ledger.more(SOME).await;
            println!("  gateway {gateway} goes on");
        }
        federation.routes.heal();
        federation.whole().await;
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

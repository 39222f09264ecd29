//! A gateway with the embedded engine under a steady load for a long time: its memory stays flat.
//! `ENTENTE_SOAK_SECONDS` says how long; a short run shows that the test works, and is no proof.

use crate::alone::{Alone, resident_kib};
use crate::dice::from_environment;
use crate::readers::Pace;
use crate::support::Site;
use std::time::Duration;

/// Letters of a report's story.
const LETTERS: usize = 100;
/// Streams of each nation: the caches are full within the first quarter of half an hour.
const STREAMS: u64 = 6;
/// How often memory is looked at.
const SAMPLES: u64 = 80;
/// How far the last quarter may lie above the second: the first one warms up.
const GROWTH_PER_CENT: u64 = 10;
/// A run that is shorter only shows a gateway that warms up: the keys of the latest 262,144
/// reports are kept in memory, which is taken as it is touched.
const SECONDS_THAT_COUNT: u64 = 1000;

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn memory_stays_flat_under_a_steady_load() {
    let seconds = from_environment("ENTENTE_SOAK_SECONDS", 10);
    println!("ENTENTE_SOAK_SECONDS={seconds}");
    let readers = [
        ("USA", Pace::Eager),
        ("FRA", Pace::Eager),
        ("GBR", Pace::Slow(500)),
    ];
    let site = Site::new("");
    // Segments as they are shipped: each takes some memory. The tail is soon full, so that what
    // it may take in any case is taken when it is warm.
    site.edit("config/gateway.toml", |text| {
        text.replace("segment_bytes = \"9MiB\"", "tail_bytes_max = \"4MiB\"")
    });
    let mut alone = Alone::start_with(site, &readers, STREAMS, LETTERS).await;
    alone.ledger.more(100).await;
    let id = alone.site.pid().as_raw_nonzero().get();
    let every = Duration::from_secs(seconds) / u32::try_from(SAMPLES).unwrap();
    let mut looks = tokio::time::interval(every);
    looks.tick().await;
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        looks.tick().await;
        samples.push(resident_kib(id));
    }
    let quarters: Vec<_> = samples.chunks(samples.len() / 4).map(median).collect();
    println!("quarter  median resident memory, KiB");
    for (number, median) in (1..).zip(&quarters) {
        println!("{number:>7}  {median}");
    }
    assert!(alone.site.is_alive());
    let receipts = alone.ledger.last();
    println!("{receipts} receipts in {seconds} s");
    if seconds >= SECONDS_THAT_COUNT {
        let most = quarters[1] * (100 + GROWTH_PER_CENT) / 100;
        assert!(quarters[3] <= most, "{quarters:?}");
    }
    alone.end().await;
}

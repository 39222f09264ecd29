//! How fast native payloads become records, by format: reader and normaliser, one core. The
//! target for Cursor on Target is 100,000 events a second, 10 us each. What each allocates is
//! told by the bench `allocations`.
#![allow(
    missing_docs,
    dead_code,
    reason = "a bench is no library, and takes from its support what it needs"
)]

#[path = "support/payloads.rs"]
mod payloads;
#[path = "support/reports.rs"]
mod reports;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use entente::formats;
use reports::Sender;
use std::hint::black_box;

fn readers(criterion: &mut Criterion) {
    let sender = Sender::new();
    let mut group = criterion.benchmark_group("formats");
    group.throughput(Throughput::Elements(1));
    for (name, media_type, content) in payloads::ALL {
        group.bench_function(format!("{name}/read"), |bencher| {
            bencher.iter(|| black_box(formats::read(media_type, black_box(content).as_bytes())));
        });
        group.bench_function(format!("{name}/record"), |bencher| {
            bencher.iter(|| {
                black_box(payloads::record(&sender, media_type, black_box(content)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, readers);
criterion_main!(benches);

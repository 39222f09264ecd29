//! How fast the normaliser is, by kind of report. One core; the target for typed sightings is
//! 600,000 a second, 1.6 us each. What each allocates is told by the bench `allocations`.
#![allow(missing_docs, reason = "a bench is no library")]

#[path = "support/reports.rs"]
mod reports;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use reports::Sender;
use std::hint::black_box;

fn sightings(criterion: &mut Criterion) {
    let sender = Sender::new();
    let mut group = criterion.benchmark_group("normalise");
    group.throughput(Throughput::Elements(1));
    for (name, report) in reports::all() {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || report.clone(),
                |report| black_box(sender.record(report, "application/protobuf")),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, sightings);
criterion_main!(benches);

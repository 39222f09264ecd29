//! What a report and a native payload allocate on their way to a record: how often, how many
//! bytes, and how many at once. Counted, not timed, so it is the same on every machine; and by
//! itself, because the counting allocator would slow what the other benches measure.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a bench is no library, and its table is for people"
)]

#[path = "support/payloads.rs"]
mod payloads;
#[path = "support/reports.rs"]
mod reports;

use allocation_counter::{AllocationInfo, measure};
use reports::Sender;
use std::hint::black_box;

/// A second time is what counts: the first one fills tables that stay.
fn counted<T>(mut made: impl FnMut() -> T) -> AllocationInfo {
    drop(black_box(made()));
    let mut made_again = None;
    let counted = measure(|| made_again = Some(black_box(made())));
    drop(made_again);
    counted
}

fn row(name: &str, counted: &AllocationInfo) {
    let (count, bytes, most) = (counted.count_total, counted.bytes_total, counted.bytes_max);
    println!("| {name:24} | {count:11} | {bytes:6} | {most:12} |");
}

fn main() {
    let sender = Sender::new();
    println!("| a report to its record   | allocations | bytes  | at most held |");
    println!("|--------------------------|------------:|-------:|-------------:|");
    for (name, report) in reports::all() {
        let mut given = vec![report.clone(), report].into_iter();
        let made = || {
            let report = given.next().expect("two of them");
            sender.record(report, "application/protobuf")
        };
        row(name, &counted(made));
    }
    for (name, media_type, content) in payloads::ALL {
        let read = || entente::formats::read(media_type, content.as_bytes());
        row(&format!("{name}, read"), &counted(read));
        let record = || payloads::record(&sender, media_type, content);
        row(&format!("{name}, read and judged"), &counted(record));
    }
}

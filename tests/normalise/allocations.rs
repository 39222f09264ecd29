//! What the hot path allocates is bounded: a report that a program sends has its record after a
//! few allocations, and a format's reader adds few. Counted by thread, the same on every machine.

use crate::{payloads, reports};
use allocation_counter::{AllocationInfo, measure};
use std::hint::black_box;

/// Report, allocations and bytes at most: what is counted now and a little room. A change that
/// needs more says so here.
const BOUNDS: [(&str, u64, u64); 5] = [
    ("typed", 21, 1_792),
    ("mgrs_dtg", 39, 2_176),
    ("words", 130, 6_656),
    ("sk42_wall", 46, 2_304),
    ("degrees_rfc3339", 45, 3_840),
];
/// The same of an event of Cursor on Target, reader and normaliser together.
const COT_MAX: (u64, u64) = (75, 9_216);

/// The second time: the first one fills tables that stay.
fn counted<T>(mut made: impl FnMut() -> T) -> AllocationInfo {
    drop(black_box(made()));
    let mut kept = None;
    let counted = measure(|| kept = Some(black_box(made())));
    drop(kept);
    counted
}

#[test]
fn reports_of_programs_and_of_people_stay_within_their_bounds() {
    let sender = reports::Sender::new();
    let mut over = Vec::new();
    for ((name, report), (bound_name, count_max, bytes_max)) in
        reports::all().into_iter().zip(BOUNDS)
    {
        assert_eq!(name, bound_name);
        let mut given = vec![report.clone(), report].into_iter();
        let made = counted(|| sender.record(given.next().unwrap(), "application/protobuf"));
        if made.count_total > count_max || made.bytes_total > bytes_max {
            over.push(format!(
                "{name}: {} times, {} bytes",
                made.count_total, made.bytes_total
            ));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

#[test]
fn an_event_of_cursor_on_target_stays_within_its_bound() {
    let sender = reports::Sender::new();
    let (name, media_type, content) = payloads::ALL[0];
    assert_eq!(name, "cot");
    let made = counted(|| payloads::record(&sender, media_type, content));
    assert!(made.count_total <= COT_MAX.0, "{made:?}");
    assert!(made.bytes_total <= COT_MAX.1, "{made:?}");
}

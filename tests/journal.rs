//! The journal, tortured: torn and flipped bytes, zeroed pages, failing syncs, full disks,
//! power cuts in the middle of everything, lost indexes. Names of cases (`d04_...`) are those
//! of the list of cases in `docs/RELIABILITY.md`. Real folders; faults come from a disk
//! of our own over the real one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "journal/commands.rs"]
mod commands;
#[path = "journal/crashes.rs"]
mod crashes;
#[path = "journal/damage.rs"]
mod damage;
#[path = "journal/faults.rs"]
mod faults;
#[path = "journal/faulty.rs"]
mod faulty;
#[path = "journal/format.rs"]
mod format;
#[path = "journal/lost_index.rs"]
mod lost_index;
#[path = "journal/model.rs"]
mod model;
#[path = "journal/moved.rs"]
mod moved;
#[path = "journal/reading.rs"]
mod reading;
#[path = "journal/retention.rs"]
mod retention;
#[path = "journal/revisions.rs"]
mod revisions;
#[path = "journal/support.rs"]
mod support;

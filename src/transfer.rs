//! Moves a whole feed from one engine to another, and reads one back to check it. What is
//! moved keeps its positions, its bytes and its receipts; `docs/EXPORT.md` is the manual.
//!
//! A feed is read out of a journal's folder, which also the jetstream engine keeps, into a file;
//! and from the file into whichever engine a configuration names. Both go on where they ended.

mod check;
mod export;
mod import;

pub use check::{Checker, FAULTS_MAX, Fault, Verdict};
pub use export::{ExportError, Exported, export, export_to, go_on};
pub use import::{ImportError, Imported, import};

/// How far it is, bytes: done, and of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

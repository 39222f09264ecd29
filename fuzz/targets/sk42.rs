//! The reader of `text/x-sk42-report`, the splitting of its files, and the normaliser behind it.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|content: &[u8]| judge::native("text/x-sk42-report", content));

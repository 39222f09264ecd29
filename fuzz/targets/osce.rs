//! The reader of `text/x-osce-csv`, the splitting of its files, and the normaliser behind it.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|content: &[u8]| judge::native("text/x-osce-csv", content));

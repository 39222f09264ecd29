//! The contract's own form: bytes of a `Report`, decoded and normalised, and the JSON of one.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|content: &[u8]| judge::report(content));

//! The reader of `application/x-tak-protobuf`, the splitting of its files, and the normaliser behind it.
#![no_main]

#[path = "../judge.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|content: &[u8]| judge::native("application/x-tak-protobuf", content));

//! Without descriptors the door waits: it burns no processor, and opens again by itself.
//! Alone in its process, whose limit of descriptors it lowers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "trust/support.rs"]
#[allow(dead_code, reason = "shared with the tests of trust")]
mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::unix::fs::FileExt;
use std::time::Duration;
use support::*;
use tokio::net::TcpStream;

/// Processor time of this process so far, in ticks of 10 ms. The file is opened beforehand:
/// later there is no descriptor for it.
fn cpu_ticks(stat: &std::fs::File) -> u64 {
    let mut buffer = [0; 2048];
    let read = stat.read_at(&mut buffer, 0).unwrap();
    let text = std::str::from_utf8(&buffer[..read]).unwrap();
    let after_name = text.rsplit(')').next().unwrap();
    let fields: Vec<_> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn descriptors() -> u64 {
    // One of them is the one that lists them.
    std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1
}

#[tokio::test]
async fn the_accept_loop_waits_when_descriptors_run_out() {
    let gateway = Gateway::start(settings()).await;
    let mut lines = log();
    let issued = gateway.gbr.issue(&sound("GBR")).unwrap();
    let stat = std::fs::File::open("/proc/self/stat").unwrap();
    let limit = getrlimit(Resource::Nofile);
    // Our own end of the connection needs one descriptor; the gateway's end finds none.
    let lowered = Rlimit {
        current: Some(descriptors() + 1),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    let tcp = TcpStream::connect(gateway.address).await.unwrap();
    logged(
        &mut lines,
        &["cannot accept connections for now", "Too many open files"],
    )
    .await;
    let before = cpu_ticks(&stat);
    // Not to wait for anything: this is the time over which the work is measured.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let burnt = cpu_ticks(&stat) - before;
    setrlimit(Resource::Nofile, limit).unwrap();
    assert!(
        burnt < 20,
        "{burnt} ticks of 10 ms in one second of having nothing to do"
    );
    connect_over(tcp, gateway.client(&issued)).await.unwrap();
}

//! Reads what the kernel knows of a process: CPU time and memory. Pins threads to cores.

use super::BenchError;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Clock ticks a second in `/proc/<pid>/stat`: USER_HZ, which is 100 wherever Linux runs.
const TICKS_PER_SECOND: u64 = 100;

/// The least claim to the processor that a process can make.
const PRIORITY_LOWEST: i32 = 19;

/// CPU time that a process has used, user and system.
pub(super) fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; fields are counted after it, from the third.
    let (_, fields) = stat.rsplit_once(')')?;
    let field = |number: usize| {
        fields
            .split_whitespace()
            .nth(number - 3)?
            .parse::<u64>()
            .ok()
    };
    let ticks = field(14)? + field(15)?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// A line of `/proc/<pid>/status` that is in kilobytes, such as `VmHWM`, as bytes.
pub(super) fn memory_bytes(pid: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kilobytes: u64 = status
        .lines()
        .find_map(|candidate| candidate.strip_prefix(line)?.strip_prefix(':'))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kilobytes * 1024)
}

/// Which cores the measurement uses. A process begins on the cores of the one that starts it,
/// so they are chosen once, before anything is pinned, and told to the servers by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cores {
    /// Where servers run; absent: anywhere.
    pub(super) server: Option<usize>,
    /// Where the load runs; absent: anywhere.
    pub(super) load: Option<usize>,
    /// Whether the load runs on another core.
    pub(super) is_pinned: bool,
}

impl Cores {
    /// The first two cores that this process may use: one for servers, and the other for the
    /// load, which is this thread and the threads that it will start. With fewer cores, or no
    /// right to choose, nothing is pinned.
    pub(super) fn choose() -> Self {
        let Ok(allowed) = sched_getaffinity(None) else {
            return Self::default();
        };
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        match (cores.next(), cores.next()) {
            (Some(server), Some(load)) if pin(load) => Self {
                server: Some(server),
                load: Some(load),
                is_pinned: true,
            },
            _ => Self::default(),
        }
    }
}

/// Pins this thread, and the threads and processes that it will start, to a core. Tells whether
/// it could.
pub(super) fn pin(core: usize) -> bool {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).is_ok()
}

/// Lets everybody else on this process' cores go first. Tells whether it could.
pub(super) fn step_back() -> bool {
    rustix::process::setpriority_process(None, PRIORITY_LOWEST).is_ok()
}

/// Has written what others left to be written to the disk of this folder: the writes of an
/// earlier program, or of another server's round, are no part of a measurement.
pub(super) fn flush(folder: &Path) -> Result<(), BenchError> {
    let folder = fs::File::open(folder).map_err(BenchError::Disk)?;
    rustix::fs::syncfs(folder).map_err(|error| BenchError::Disk(error.into()))
}

/// The middle one, or the lower of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_load_have_cores_of_their_own() {
        // In a thread of its own: the others of this process stay where they are.
        let chosen = std::thread::spawn(|| {
            let before = sched_getaffinity(None).unwrap();
            let cores = Cores::choose();
            let now = sched_getaffinity(None).unwrap();
            assert_eq!(cores.is_pinned, before.count() > 1, "{before:?}");
            if let Some(server) = cores.server {
                assert!(before.is_set(server) && !now.is_set(server));
                assert_eq!(now.count(), 1);
                // A server begins where the load runs, and goes to its own core.
                assert!(pin(server));
                assert!(sched_getaffinity(None).unwrap().is_set(server));
            }
        });
        chosen.join().unwrap();
    }

    #[test]
    fn this_process_has_time_and_memory() {
        assert!(cpu_time(std::process::id()).is_some());
        let peak = memory_bytes(std::process::id(), "VmHWM").expect("Linux tells the peak");
        assert!(peak > 1024 * 1024, "{peak}");
        assert_eq!(memory_bytes(std::process::id(), "NoSuchLine"), None);
    }

    #[test]
    fn the_median_of_an_even_number_is_one_of_them() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
    }
}

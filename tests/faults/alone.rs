//! One gateway with the embedded engine behind the balancer, under load: what a round of faults
//! needs of it. Segments are small, so that new ones begin all the time.

use crate::balancer::Balancer;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::readers::{Pace, Readers};
use crate::senders::Senders;
use crate::support::{ENTENTE, Site};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// Letters of a report's story.
pub(crate) const LETTERS: usize = 1500;
/// Nothing comes for so long: the writer stands at its failpoint.
const SILENCE: Duration = Duration::from_secs(1);
/// A process that was found asleep so often in a row stands still.
const STILL_LOOKS: u32 = 10;
/// Settings as small as they may be, and no floor of free disk.
const SMALL: [(&str, &str); 2] = [
    (
        "segment_bytes = \"9MiB\"",
        "segment_bytes = \"1MiB\"\nbatch_bytes_max = \"256KiB\"\nfree_bytes_floor = \"0B\"",
    ),
    (
        "[metrics]",
        "[services]\nmessage_bytes_max = \"64KiB\"\nchunk_reports_max = 64\n\n\
         [feed]\nstall_deadline = \"1s\"\nheartbeat = \"1s\"\n\n[metrics]",
    ),
];

/// A site whose journal is small.
pub(crate) fn small_site() -> Site {
    let site = Site::new("");
    site.edit("config/gateway.toml", |text| {
        SMALL.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    });
    site
}

/// A gateway under load.
pub(crate) struct Alone {
    pub(crate) site: Site,
    pub(crate) balancer: Balancer,
    pub(crate) ledger: Ledger,
    pub(crate) senders: Senders,
    pub(crate) readers: Readers,
}

impl Alone {
    /// Starts the gateway of a site, and the load.
    pub(crate) async fn start(site: Site, readers: &[(&'static str, Pace)]) -> Self {
        Self::start_with(site, readers, 2, LETTERS).await
    }

    /// The same with so many streams of each nation, and reports of another size.
    pub(crate) async fn start_with(
        mut site: Site,
        readers: &[(&'static str, Pace)],
        streams: u64,
        letters: usize,
    ) -> Self {
        let balancer = Balancer::start(1).await;
        tokio::task::block_in_place(|| site.start(&[]));
        balancer.set(0, Some(site.address.parse().unwrap()));
        let ledger = Ledger::new();
        let readers = Readers::start(&site, &balancer.address, &ledger, readers);
        let senders = Senders::start(&site, &balancer.address, &ledger, 0..streams, letters);
        Self {
            site,
            balancer,
            ledger,
            senders,
            readers,
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.balancer.set(0, None);
        self.site.kill();
    }

    /// Starts the gateway again, as it is or by another command.
    pub(crate) fn restart(&mut self, command: Command, environment: &[(&str, &str)]) {
        let site = &mut self.site;
        let started = tokio::task::block_in_place(|| site.try_start(command, environment));
        started.unwrap_or_else(|why| panic!("{why}\n{}", site.log()));
        let address = site.address.parse().unwrap();
        self.balancer.set(0, Some(address));
    }

    pub(crate) fn restart_plainly(&mut self) {
        self.restart(Command::new(ENTENTE), &[]);
    }

    /// Waits until so many more receipts came, or none comes any more.
    pub(crate) async fn more_or_silence(&self, receipts: usize) {
        let mut count = self.ledger.watch();
        let wanted = count.borrow().saturating_add(receipts);
        loop {
            let now = *count.borrow_and_update();
            let changed = tokio::time::timeout(SILENCE, count.changed()).await;
            if now >= wanted || changed.is_err() {
                return;
            }
        }
    }

    /// Waits until the gateway ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let site = &mut self.site;
        crate::until("the gateway ends by itself", || !site.is_alive()).await;
        self.balancer.set(0, None);
        self.site.wait()
    }

    /// Ends the load, and holds everything against the receipts.
    pub(crate) async fn end(mut self) {
        self.senders.end().await;
        self.ledger.check();
        self.readers.end().await;
        assert!(self.site.is_alive(), "it ended by itself");
        let ended = tokio::task::block_in_place(|| self.site.stop());
        assert!(ended.success(), "{ended}");
        let verified = self.site.run(&["journal", "verify", "data/journal"]);
        assert!(verified.status.success(), "{verified:?}");
        println!("{} receipts, all is well", self.ledger.last());
    }
}

/// Starts a gateway whose recovery stops at a failpoint, and kills it there.
pub(crate) async fn kill_in_recovery(site: &Site, dice: &mut Dice) {
    let failpoint = format!("journal::during_recovery={}*off->pause", dice.roll(2));
    let mut process = Command::new(ENTENTE)
        .args(["serve", "--output", "json", "--config"])
        .arg(site.path("config/gateway.toml"))
        .env("FAILPOINTS", failpoint)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = process.id();
    let mut still = 0;
    // It stands at the failpoint, or has nothing to recover and waits for its first client.
    crate::until("it stands still", || {
        still = if holds_a_lock(id) && sleeps(id) {
            still + 1
        } else {
            0
        };
        still >= STILL_LOOKS || process.try_wait().unwrap().is_some()
    })
    .await;
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Whether a process holds a lock on a file.
fn holds_a_lock(id: u32) -> bool {
    let id = id.to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    locks
        .lines()
        .any(|lock| lock.split_whitespace().any(|word| word == id))
}

/// Whether all threads of a process wait for something.
fn sleeps(id: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // After the name, which may hold anything, in parentheses.
        let state = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.starts_with('S'));
        state.unwrap_or(true)
    })
}

/// The gateway under strace, which does something to its calls. With -D it is the gateway that
/// has the number of the process.
pub(crate) fn injected(injection: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-q", "-o", "/dev/null", "--seccomp-bpf"]);
    command.args(["-e", "trace=fdatasync", "-e", injection, ENTENTE]);
    command
}

/// Size of a process's memory, KiB.
pub(crate) fn resident_kib(id: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let line = line.unwrap().trim().trim_end_matches(" kB");
    line.parse().unwrap()
}

/// A small file system of its own over a folder, as long as it lives.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    folder: std::path::PathBuf,
}

impl SmallDisk {
    /// Only root may do that; nobody else gets one.
    pub(crate) fn over(folder: &Path, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let options = format!("size={mib}m,mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        let folder = folder.to_owned();
        mounted
            .is_ok_and(|mounted| mounted.success())
            .then_some(Self { folder })
    }

    /// Takes all that is free but for some bytes.
    pub(crate) fn fill(&self) {
        use std::io::Write as _;
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        let page = [1_u8; 4096];
        while filler.write_all(&page).is_ok() {}
    }

    /// Gives it back.
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.folder.join("filler")
    }

    /// Makes it larger.
    pub(crate) fn grow(&self, mib: u32) {
        let options = format!("remount,size={mib}m");
        let mut command = Command::new("mount");
        let grown = command.args(["-o", &options]).arg(&self.folder).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still holds a file on it keeps it until then.
        let _gone = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

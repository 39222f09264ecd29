//! A gateway with a relay beside it.

use crate::support::{ENTENTE, Site, sighting, unary};
use entente::clock::{Clock as _, SystemClock};
use entente::relay::Status;
use entente::wire::proto;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The process of a relay.
pub(crate) struct Relay {
    process: Option<Child>,
    pub(crate) metrics: String,
}

impl Relay {
    /// Starts it and waits until it says that it works.
    pub(crate) fn start(site: &Site) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(site.path("relay.log"))
            .unwrap();
        let mut process = Command::new(ENTENTE)
            .args(["relay", "run", "--output", "json", "--config"])
            .arg(site.path("relay.toml"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(said) = serde_json::from_str::<serde_json::Value>(&line) else {
            let _gone = process.wait();
            panic!("the relay did not start: {}", log_of(site));
        };
        Self {
            process: Some(process),
            metrics: said["metrics"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) {
        let mut process = self.process.take().unwrap();
        let id = i32::try_from(process.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert!(process.wait().unwrap().success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _gone = process.kill();
            let _gone = process.wait();
        }
    }
}

pub(crate) fn log_of(site: &Site) -> String {
    std::fs::read_to_string(site.path("relay.log")).unwrap_or_default()
}

/// Writes the relay's file: a reader of the USA, and the target.
pub(crate) fn configure(site: &Site, target: &str) {
    let text = format!(
        "name = \"desk\"\nstate = \"relay\"\n\n[gateway]\naddress = {:?}\n\
         server_name = \"localhost\"\ncertificate = \"certs-dev/USA/feed-desk.pem\"\n\
         key = \"certs-dev/USA/feed-desk.key\"\nauthority = \"certs-dev/gateway/authority.pem\"\n\n\
         [metrics]\naddress = \"127.0.0.1:0\"\n\n{target}\n",
        site.address
    );
    std::fs::write(site.path("relay.toml"), text).unwrap();
}

/// Submits reports of GBR, all of which must be accepted.
pub(crate) async fn submit(site: &Site, reports: &[proto::Report]) {
    let mut client = site.endpoint("GBR/uav-cell-4").submission().await.unwrap();
    for report in reports {
        let outcome = client.submit(unary(report)).await.unwrap().into_inner();
        let outcome = outcome.outcome.unwrap();
        assert!(outcome.receipt.is_some(), "{outcome:?}");
    }
}

/// Sightings with these ids.
pub(crate) fn sightings(ids: &[&str]) -> Vec<proto::Report> {
    ids.iter().map(|id| sighting(id)).collect()
}

/// A sighting with a marking of its own.
pub(crate) fn marked(id: &str, text: &str, to: &[&str]) -> proto::Report {
    proto::Report {
        marking: Some(proto::ReportedMarking {
            text: text.to_owned(),
            releasable_to: to.iter().map(|to| (*to).to_owned()).collect(),
            special: Vec::new(),
        }),
        ..sighting(id)
    }
}

/// Asks the command until the status is as wanted.
pub(crate) fn until_status(site: &Site, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut last = String::new();
    let clock = SystemClock::default();
    while clock.monotonic() < PATIENCE {
        let config = site.path("relay.toml");
        let asked = site.run(&[
            "relay",
            "status",
            "--output",
            "json",
            "--config",
            config.to_str().unwrap(),
        ]);
        last = String::from_utf8(asked.stdout).unwrap();
        if let Ok(status) = serde_json::from_str(&last)
            && wanted(&status)
        {
            return status;
        }
    }
    panic!("the status stays {last}\n{}", log_of(site));
}

/// Runs a command about the relay; its exit code and what it printed.
pub(crate) fn command(site: &Site, arguments: &[&str]) -> (Option<i32>, String) {
    let config = site.path("relay.toml");
    let mut all = vec!["relay"];
    all.extend(arguments);
    all.extend(["--config", config.to_str().unwrap()]);
    let ran = site.run(&all);
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.code(), String::from_utf8(said).unwrap())
}

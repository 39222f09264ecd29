//! A site of our own for each test: certificates, configuration, data folder, and the real
//! process on a port that the system chooses.

use entente::client::Endpoint;
use entente::clock::SystemClock;
use entente::trust::{ClientFiles, client_config};
use entente::wire::proto;
use prost::Message as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// The command under test.
pub(crate) const ENTENTE: &str = env!("CARGO_BIN_EXE_entente");

/// A folder with everything that a gateway needs, and perhaps the gateway itself.
pub(crate) struct Site {
    folder: TempDir,
    process: Option<Child>,
    pub(crate) address: String,
    pub(crate) metrics: String,
    /// Where the diagnosis listener is; empty: there is none.
    pub(crate) diagnosis: String,
}

impl Site {
    /// Makes certificates and configuration. `extra` is added to `gateway.toml`.
    pub(crate) fn new(extra: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        let init = Command::new(ENTENTE)
            .args(["certs", "init", "--output", "json", "--dir"])
            .arg(at.join("certs-dev"))
            .output()
            .unwrap();
        assert!(
            init.status.success(),
            "{}",
            String::from_utf8_lossy(&init.stderr)
        );
        let nations = at.join("config/nations");
        std::fs::create_dir_all(&nations).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/nations");
        for file in std::fs::read_dir(shipped).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), nations.join(file.file_name())).unwrap();
        }
        std::fs::write(at.join("config/gateway.toml"), gateway_toml(extra)).unwrap();
        Self {
            folder,
            process: None,
            address: String::new(),
            metrics: String::new(),
            diagnosis: String::new(),
        }
    }

    /// A site whose gateway has a name and lets the USA's relay vouch for the United Kingdom.
    #[allow(dead_code, reason = "not all tests that share this file relay")]
    pub(crate) fn named(name: &str) -> Self {
        let site = Self::new(&format!("[services]\ngateway_name = {name:?}\n"));
        site.edit("config/nations/USA.toml", |text| {
            text.replace(
                "\"feed-desk\" = [\"read\"]",
                "\"feed-desk\" = [\"read\", \"relay\"]",
            )
            .replace("[systems]", "vouches_for = [\"GBR\"]\n\n[systems]")
        });
        site
    }

    /// A site whose gateway runs.
    pub(crate) fn started(extra: &str) -> Self {
        let mut site = Self::new(extra);
        site.start(&[]);
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a file of the site.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.path(name);
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    }

    /// Starts the gateway and waits until it says where it serves.
    pub(crate) fn start(&mut self, environment: &[(&str, &str)]) {
        self.start_as(Command::new(ENTENTE), environment);
    }

    /// Starts the gateway so that a file which reaches the limit of its size is an error to it,
    /// and not its end: see [`Self::limit_files`].
    pub(crate) fn start_limited(&mut self) {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#, ENTENTE]);
        self.start_as(shell, &[]);
    }

    /// Lets the running gateway's files grow no further than so many bytes.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = rustix::process::Rlimit {
            current: bytes,
            maximum: None,
        };
        rustix::process::prlimit(Some(self.pid()), rustix::process::Resource::Fsize, limit)
            .unwrap();
    }

    fn start_as(&mut self, command: Command, environment: &[(&str, &str)]) {
        if let Err(why) = self.try_start(command, environment) {
            panic!("the gateway did not start: {why}\n{}", self.log());
        }
    }

    /// Starts the gateway by a command, and waits until it says where it serves, or ends; the
    /// error is what it said.
    pub(crate) fn try_start(
        &mut self,
        mut command: Command,
        environment: &[(&str, &str)],
    ) -> Result<(), String> {
        assert!(self.process.is_none(), "it runs already");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("gateway.log"))
            .unwrap();
        let mut process = command
            .args(["serve", "--output", "json", "--config"])
            .arg(self.path("config/gateway.toml"))
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(said) = serde_json::from_str::<serde_json::Value>(&line) else {
            let ended = process.wait().unwrap();
            return Err(format!("{ended}, {line:?}"));
        };
        self.address = said["address"].as_str().unwrap().to_owned();
        self.metrics = said["metrics"].as_str().unwrap_or_default().to_owned();
        self.diagnosis = said["diagnosis"].as_str().unwrap_or_default().to_owned();
        self.process = Some(process);
        Ok(())
    }

    /// Whether the gateway still runs.
    #[allow(dead_code, reason = "not all tests that share this file ask")]
    pub(crate) fn is_alive(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("gateway.log")).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        let process = self.process.as_ref().expect("it runs");
        rustix::process::Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Kills the gateway, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Waits until the gateway ends by itself.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.process.take().expect("it runs").wait().unwrap()
    }

    /// Ends the gateway in order.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// The gateway as a system sees it: `GBR/uav-cell-4`.
    pub(crate) fn endpoint(&self, system: &str) -> Endpoint {
        let certs = self.path("certs-dev");
        let files = ClientFiles {
            certificate: certs.join(format!("{system}.pem")),
            key: certs.join(format!("{system}.key")),
            authority: certs.join("gateway/authority.pem"),
        };
        Endpoint {
            address: self.address.clone(),
            server_name: "localhost".to_owned(),
            tls: client_config(&files, Arc::new(SystemClock::default())).unwrap(),
        }
    }

    /// Runs a command of ours in the site and gives its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(ENTENTE)
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _gone = process.kill();
            let _gone = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the gateway's log ---\n{}", self.log());
        }
    }
}

fn gateway_toml(extra: &str) -> String {
    let base = r#"
[listener]
address = "127.0.0.1:0"

[tls]
certificate = "../certs-dev/gateway/server.pem"
key = "../certs-dev/gateway/server.key"

[trust]
allow_development_anchors = true

[journal]
folder = "../data/journal"
segment_bytes = "9MiB"

[quarantine]
folder = "../data/quarantine"

[metrics]
address = "127.0.0.1:0"

[telemetry]
format = "json"
"#;
    format!("{base}\n{extra}\n")
}

/// A typed sighting that every nation may send.
pub(crate) fn sighting(report_id: &str) -> proto::Report {
    proto::Report {
        report_id: report_id.to_owned(),
        revision: 1,
        action: proto::Action::New.into(),
        environment: proto::Environment::Live.into(),
        marking: Some(proto::ReportedMarking {
            text: "OFFICIAL-SENSITIVE".to_owned(),
            releasable_to: vec!["GBR".to_owned(), "USA".to_owned()],
            special: Vec::new(),
        }),
        body: Some(proto::report::Body::Sighting(proto::ReportedSighting {
            origin: proto::Origin::OwnObservation.into(),
            observed_from: Some(proto::ReportedTime {
                text: "061830ZJAN26".to_owned(),
                ..Default::default()
            }),
            means: vec![proto::ReportedMeans {
                code: proto::ObserverMeans::Heard.into(),
                ..Default::default()
            }],
            location: Some(proto::ReportedLocation {
                wgs84: Some(proto::Wgs84Point {
                    latitude_deg: 48.0159,
                    longitude_deg: 37.8029,
                }),
                ..Default::default()
            }),
            observations: vec![proto::ReportedObservation {
                r#type: Some(proto::ReportedObservationType {
                    code: proto::ObservationType::Explosion.into(),
                    ..Default::default()
                }),
                count: Some(proto::ReportedCount {
                    min: Some(3),
                    max: Some(3),
                    ..Default::default()
                }),
                count_basis: proto::CountBasis::Individual.into(),
                ..Default::default()
            }],
            confidence: Some(proto::ReportedConfidence {
                source_reliability: "B".to_owned(),
                credibility: "2".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// A contribution of GBR.
pub(crate) fn contribution(report_id: &str, contribution_id: &str, as_of: &str) -> proto::Report {
    proto::Report {
        body: Some(proto::report::Body::Contribution(
            proto::ReportedContribution {
                as_of: Some(proto::ReportedTime {
                    text: as_of.to_owned(),
                    ..Default::default()
                }),
                contribution_id: contribution_id.to_owned(),
                kind: Some(proto::ReportedContributionKind {
                    code: proto::ContributionKind::Uav.into(),
                    ..Default::default()
                }),
                stage: Some(proto::ReportedStage {
                    code: proto::CommitmentStage::Deployed.into(),
                    ..Default::default()
                }),
                operational_status: Some(proto::ReportedStatus {
                    code: proto::OperationalStatus::Fmc.into(),
                    ..Default::default()
                }),
                valid_from: "2026-01-01".to_owned(),
                ..Default::default()
            },
        )),
        ..sighting(report_id)
    }
}

/// One report as a unary request carries it.
pub(crate) fn unary(report: &proto::Report) -> proto::SubmitRequest {
    proto::SubmitRequest {
        payload: Some(proto::submit_request::Payload::Report(
            report.encode_to_vec().into(),
        )),
        validate_only: false,
    }
}

/// One report as a stream carries it.
pub(crate) fn streamed(report: &proto::Report) -> proto::SubmitStreamRequest {
    bytes_streamed(report.encode_to_vec())
}

/// Bytes as a stream carries them.
pub(crate) fn bytes_streamed(bytes: Vec<u8>) -> proto::SubmitStreamRequest {
    proto::SubmitStreamRequest {
        payload: Some(proto::submit_stream_request::Payload::Report(bytes.into())),
    }
}

/// Each connection takes a descriptor; the soft limit is often far below what is allowed.
#[allow(dead_code, reason = "not all tests that share this file need many")]
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

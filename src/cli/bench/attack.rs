//! The attacker of `entente bench flood`, in a process of its own: this same program under a
//! hidden command, at the lowest priority, so that it disturbs whoever measures on its core as
//! little as can be. It floods until its input ends, and then says what it did.

mod flood;

use super::measure;
use super::server::end_of_input;
use super::{BenchError, Ground};
use crate::cli::ground::SERVER_NAME;
use crate::clock::{Clock, SystemClock};
use crate::mock::connection::Stranger;
use crate::trust::{ClientConfig, ClientFiles, client_config, client_hello};
use flood::{Flood, Flooded};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// The partner whose system floods.
const FLOODING: &str = "FRA/poste-12";
/// What the attacker says once it has begun.
const BEGUN: &str = "begun";

/// Arguments of the hidden command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Attack {
    /// The gateway; absent: as much work, but nobody is met
    #[arg(long)]
    address: Option<SocketAddr>,
    #[arg(long)]
    welcome: PathBuf,
    #[arg(long)]
    unwelcome: PathBuf,
    #[arg(long)]
    authority: PathBuf,
    #[arg(long)]
    sources: u8,
    #[arg(long)]
    peers: usize,
}

/// An attacker at work. Ends with this value.
#[derive(Debug)]
pub(super) struct Attacker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// How strong a flood is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strength {
    /// Addresses it comes from.
    pub(super) sources: u8,
    /// Peers of each of the three kinds and source, at a time.
    pub(super) peers: usize,
}

impl Attacker {
    /// Starts an attacker; when this returns it is at work. Without an address it only works.
    pub(super) fn start(
        ground: &Ground,
        address: Option<SocketAddr>,
        strength: Strength,
    ) -> Result<Self, BenchError> {
        let welcome = ground.files_of(FLOODING)?;
        let unwelcome = ground.files_of_stranger(Stranger::AnotherNation)?;
        let unwelcome = unwelcome.as_ref().unwrap_or(&welcome);
        let program = std::env::current_exe().map_err(BenchError::Spawn)?;
        let mut command = Command::new(program);
        command.args(["bench", "attack", "--welcome"]);
        command.arg(&welcome.certificate);
        command.arg("--unwelcome").arg(&unwelcome.certificate);
        command.arg("--authority").arg(&welcome.authority);
        command.args(["--sources", &strength.sources.to_string()]);
        command.args(["--peers", &strength.peers.to_string()]);
        if let Some(address) = address {
            command.args(["--address", &address.to_string()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(BenchError::Spawn)?;
        let input = child.stdin.take();
        let Some(output) = child.stdout.take() else {
            return Err(BenchError::Attack("it has no output".into()));
        };
        let mut attacker = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        let said = attacker.line()?;
        if said == BEGUN {
            Ok(attacker)
        } else {
            Err(BenchError::Attack(said))
        }
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and gives what it did.
    pub(super) fn end(mut self) -> Result<Value, BenchError> {
        drop(self.input.take());
        let said = self.line()?;
        serde_json::from_str(&said).map_err(|_| BenchError::Attack(said))
    }

    fn line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .map_err(BenchError::Spawn)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends by itself; if it was killed meanwhile there is nothing left to do.
        let _ended = self.child.wait();
    }
}

/// Floods in this process until standard input ends.
pub(super) fn run(arguments: &Attack) -> Result<(), BenchError> {
    // On the core of whoever started it.
    let _as_it_is = measure::step_back();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let config = |certificate: &PathBuf| -> Result<Arc<ClientConfig>, BenchError> {
        let files = ClientFiles {
            certificate: certificate.clone(),
            key: certificate.with_extension("key"),
            authority: arguments.authority.clone(),
        };
        let config = client_config(&files, Arc::clone(&clock));
        config.map_err(|error| BenchError::Attack(error.to_string()))
    };
    let (welcome, unwelcome) = (config(&arguments.welcome)?, config(&arguments.unwelcome)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BenchError::Spawn)?;
    let failed = |error: crate::trust::ConnectError| BenchError::Attack(error.to_string());
    let flooded = runtime.block_on(async {
        let ended = end_of_input();
        say(BEGUN);
        let Some(address) = arguments.address else {
            return work(&welcome, ended).await.map_err(failed);
        };
        let flood = Flood {
            address,
            server_name: SERVER_NAME.to_owned(),
            sources: (0..arguments.sources).map(source).collect(),
            welcome,
            unwelcome,
            peers: arguments.peers,
        };
        flood.run(ended).await.map_err(failed)
    })?;
    let said = serde_json::to_string(&flooded);
    say(&said.map_err(|error| BenchError::Attack(error.to_string()))?);
    Ok(())
}

/// The work of a client that never gets an answer, one handshake after another.
async fn work(
    config: &Arc<ClientConfig>,
    ended: impl Future<Output = ()>,
) -> Result<Flooded, crate::trust::ConnectError> {
    let hard = async {
        loop {
            if let Err(error) = client_hello(Arc::clone(config), SERVER_NAME) {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        error = hard => Err(error),
        () = ended => Ok(Flooded::default()),
    }
}

/// Addresses of this machine that nobody else of the measurement has.
fn source(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 1, number.saturating_add(1)).into()
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Without a reader there is no measurement either; the end of input follows at once.
    let _nobody_reads = writeln!(out, "{text}").and_then(|()| out.flush());
}

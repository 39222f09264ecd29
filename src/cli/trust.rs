//! `entente trust`: an operator shows, plans and makes changes of trust in a running gateway.

mod shown;

use super::partner::{self, Plain};
use super::{Failure, Output, fail, line};
use crate::client::Endpoint;
use crate::wire::proto::trust_candidate::Material;
use crate::wire::proto::{
    ApplyTrustRequest, HoldTrustRequest, ListNationsRequest, PlanTrustRequest, ReleaseTrustRequest,
    TrustCandidate, TrustPlan,
};
use clap::{Args, Subcommand};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use tonic::{Request, Response, Status};

/// Largest file that is sent as a candidate, bytes; messages have a limit, too.
const CANDIDATE_BYTES_MAX: u64 = 3 * 1024 * 1024;

/// Shows and changes whom a running gateway trusts. Needs the right to operate.
///
/// The gateway reads its own files: put anchors, revocation lists and nations' files in place
/// on its machine, look with `plan`, then `apply`. Either everything changes or nothing does.
#[derive(Debug, Args)]
pub(super) struct Trust {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows every nation: anchors and their state, revocation lists, blocks, connections, and
    /// what is faulty in its files.
    Show(Plain),
    /// Shows what the gateway's files would change, and which connections it would cut.
    /// Changes nothing. Exit code 1: it would be refused.
    Plan(Plan),
    /// Takes up the gateway's files, whole or not at all; shows the plan first and asks.
    Apply(Apply),
    /// Suspends a nation: all its connections end, and nobody of it comes in.
    Suspend(Suspend),
    /// Lets a suspended nation in again.
    Resume(Resume),
    /// Blocks a public key, a serial number or a system of a nation, at once.
    Block(Block),
    /// Lifts such a block.
    Unblock(Unblock),
}

#[derive(Debug, Args)]
struct Plan {
    #[command(flatten)]
    plain: Plain,
    /// As if this revocation list were in place besides; may be given several times.
    #[arg(long, value_name = "NATION=FILE")]
    list: Vec<String>,
    /// As if this authority were an active anchor besides; may be given several times.
    #[arg(long, value_name = "NATION=FILE")]
    anchor: Vec<String>,
    /// As if this file stood in the gateway's folder of nations, in place of one of its name;
    /// may be given several times.
    #[arg(long, value_name = "FILE")]
    nation_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct Apply {
    #[command(flatten)]
    plain: Plain,
    /// Apply exactly what this plan showed, without asking.
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Suspend {
    /// The nation, such as GBR.
    nation: String,
    /// Why; stands in the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Debug, Args)]
struct Resume {
    /// The nation, such as GBR.
    nation: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Debug, Args)]
struct Block {
    /// The nation, such as GBR.
    nation: String,
    /// key:SHA256 of the public key, serial:HEX, or system:NAME.
    what: String,
    /// Why; stands in the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Debug, Args)]
struct Unblock {
    /// The nation, such as GBR.
    nation: String,
    /// As it was blocked.
    what: String,
    #[command(flatten)]
    plain: Plain,
}

pub(super) fn run(arguments: &Trust) -> Result<(), Failure> {
    let plain = match &arguments.command {
        Command::Show(plain) => plain,
        Command::Plan(plan) => &plan.plain,
        Command::Apply(apply) => &apply.plain,
        Command::Suspend(suspend) => &suspend.plain,
        Command::Resume(resume) => &resume.plain,
        Command::Block(block) => &block.plain,
        Command::Unblock(unblock) => &unblock.plain,
    };
    let endpoint = plain.partner.endpoint()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    runtime.block_on(async {
        partner::introduce(&endpoint, "operate").await?;
        let console = Console {
            endpoint,
            output: plain.output,
        };
        match &arguments.command {
            Command::Show(_) => console.show().await,
            Command::Plan(plan) => console.plan(plan).await,
            Command::Apply(apply) => console.apply(apply).await,
            Command::Suspend(suspend) => {
                console
                    .hold(&suspend.nation, "nation", &suspend.reason)
                    .await
            }
            Command::Resume(resume) => console.release(&resume.nation, "nation").await,
            Command::Block(block) => {
                console
                    .hold(&block.nation, &block.what, &block.reason)
                    .await
            }
            Command::Unblock(unblock) => console.release(&unblock.nation, &unblock.what).await,
        }
    })
}

/// The operator's end of the line.
struct Console {
    endpoint: Endpoint,
    output: Output,
}

impl Console {
    async fn show(&self) -> Result<(), Failure> {
        let mut client = self.endpoint.operations().await.map_err(fail)?;
        let answer = self.told(client.list_nations(ListNationsRequest {}).await)?;
        match self.output {
            Output::Json => {
                let nations = answer.nations.iter().map(shown::nation_json);
                let files = answer.faulty_files.iter().map(shown::faulty_file_json);
                nations.chain(files).for_each(|object| line(&object));
            }
            Output::Readable => line(&shown::nations(&answer.nations, &answer.faulty_files)),
        }
        Ok(())
    }

    async fn plan(&self, arguments: &Plan) -> Result<(), Failure> {
        let mut candidates = Vec::new();
        for named in &arguments.list {
            candidates.push(candidate(named, "--list", Material::RevocationList)?);
        }
        for named in &arguments.anchor {
            candidates.push(candidate(named, "--anchor", Material::Anchor)?);
        }
        for file in &arguments.nation_file {
            candidates.push(nation_file(file)?);
        }
        let plan = self.ask_plan(candidates).await?;
        self.print(&plan, "would");
        if plan.faults.is_empty() {
            Ok(())
        } else {
            Err(Failure::Shown)
        }
    }

    async fn apply(&self, arguments: &Apply) -> Result<(), Failure> {
        let plan_id = match &arguments.plan {
            Some(id) => id.clone(),
            None => {
                let plan = self.ask_plan(Vec::new()).await?;
                if self.output == Output::Readable || !plan.faults.is_empty() {
                    self.print(&plan, "would");
                }
                if !plan.faults.is_empty() {
                    return Err(Failure::Shown);
                }
                if plan.changes.is_empty() {
                    return Ok(());
                }
                if !arguments.yes && !agreed()? {
                    return Err(Failure::Failed("nothing was changed".to_owned()));
                }
                plan.plan_id
            }
        };
        let mut client = self.endpoint.operations().await.map_err(fail)?;
        let answer = self.told(client.apply_trust(ApplyTrustRequest { plan_id }).await)?;
        self.done(answer.applied, answer.epoch);
        Ok(())
    }

    async fn hold(&self, nation: &str, what: &str, reason: &str) -> Result<(), Failure> {
        let mut client = self.endpoint.operations().await.map_err(fail)?;
        let request = HoldTrustRequest {
            nation: nation.to_owned(),
            what: what.to_owned(),
            reason: reason.to_owned(),
        };
        let answer = self.told(client.hold_trust(request).await)?;
        self.done(answer.applied, answer.epoch);
        Ok(())
    }

    async fn release(&self, nation: &str, what: &str) -> Result<(), Failure> {
        let mut client = self.endpoint.operations().await.map_err(fail)?;
        let request = ReleaseTrustRequest {
            nation: nation.to_owned(),
            what: what.to_owned(),
        };
        let answer = self.told(client.release_trust(request).await)?;
        self.done(answer.applied, answer.epoch);
        Ok(())
    }

    async fn ask_plan(&self, candidates: Vec<TrustCandidate>) -> Result<TrustPlan, Failure> {
        let mut client = self.endpoint.operations().await.map_err(fail)?;
        let request = Request::new(PlanTrustRequest { candidates });
        let answer = self.told(client.plan_trust(request).await)?;
        answer
            .plan
            .ok_or_else(|| Failure::Failed("the gateway answered without a plan".to_owned()))
    }

    fn told<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Failure> {
        answer
            .map(Response::into_inner)
            .map_err(|status| fail(self.endpoint.refused(&status)))
    }

    fn done(&self, applied: Option<TrustPlan>, epoch: u64) {
        let applied = applied.unwrap_or_default();
        self.print(&applied, "did");
        if self.output == Output::Readable {
            line(&format!("trust of epoch {epoch} is in force"));
        }
    }

    fn print(&self, plan: &TrustPlan, verb: &str) {
        match self.output {
            Output::Json => line(&shown::plan_json(plan)),
            Output::Readable => line(&shown::plan(plan, verb)),
        }
    }
}

/// A file that is sent along, from `NATION=FILE`.
fn candidate(
    named: &str,
    option: &str,
    material: impl FnOnce(bytes::Bytes) -> Material,
) -> Result<TrustCandidate, Failure> {
    let (nation, file) = named.split_once('=').ok_or_else(|| {
        Failure::Usage(format!(
            "{option}: `{named}` is not NATION=FILE, such as GBR=new.crl.pem"
        ))
    })?;
    let file = PathBuf::from(file);
    let bytes = read(&file).map_err(|e| Failure::Failed(format!("{}: {e}", file.display())))?;
    Ok(TrustCandidate {
        nation: nation.to_owned(),
        name: file.display().to_string(),
        material: Some(material(bytes.into())),
    })
}

/// A nation's file that is sent along.
fn nation_file(file: &Path) -> Result<TrustCandidate, Failure> {
    let bytes = read(file).map_err(|e| Failure::Failed(format!("{}: {e}", file.display())))?;
    let name = file.file_name().unwrap_or_default();
    Ok(TrustCandidate {
        nation: String::new(),
        name: name.to_string_lossy().into_owned(),
        material: Some(Material::NationFile(bytes.into())),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let opened = std::fs::File::open(file).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    opened
        .take(CANDIDATE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > CANDIDATE_BYTES_MAX {
        return Err(format!(
            "has more than {CANDIDATE_BYTES_MAX} bytes; put it in place and plan without it"
        ));
    }
    Ok(bytes)
}

/// Asks the person at the terminal.
fn agreed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "nobody can be asked here: give --plan ID of `entente trust plan`, or --yes".to_owned(),
        ));
    }
    let mut out = std::io::stdout().lock();
    write!(out, "apply this? [y/N] ")
        .and_then(|()| out.flush())
        .map_err(fail)?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(fail)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

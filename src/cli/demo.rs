//! `entente demo`: five partners report in their own notation to a gateway with throw-away
//! certificates, over real mutual TLS; a sixth reads the feed. At the end the feed is read back
//! from its first position and held against every receipt that was given.

mod ledger;
mod part;
mod screen;
mod watch;

use super::Failure;
use super::ground::{Ground, GroundError};
use crate::clock::{Clock, SystemClock};
use crate::gateway::{Gateway, GatewayError, StartError};
use crate::mock::connection::{self, Stranger};
use crate::mock::{Partner, Tongue};
use clap::Args;
use ledger::{Ledger, Tally};
use part::Part;
use screen::{Screen, Style};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{oneshot, watch as cell};
use tokio::task::JoinSet;

/// On a terminal a short demonstration takes about this long, so that it can be watched.
const WATCHED_LASTS: Duration = Duration::from_secs(12);
/// Beyond this many reports nobody waits for lines: as fast as receipts come.
const WATCHED_REPORTS_MAX: u64 = 2_000;
/// How long the reader may take to show what was receipted last.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(5);
/// How often progress is told when lines are few.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Shows the whole path: five partners report in their own notation to a gateway with
/// throw-away certificates, one feed carries it, and at the end every receipt is checked.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Distinct reports to send, over all five partners
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(5..=10_000_000))]
    reports: u64,
    /// The same seed makes the same reports
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Reports a second, over all partners; 0: as fast as receipts come [default: about twelve
    /// seconds in all on a terminal, else 0]
    #[arg(long)]
    rate: Option<u32>,
    /// Use this folder (new or empty) for certificates, configuration and journal, and keep it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Why the demonstration could not be played.
#[derive(Debug, Error)]
enum DemoError {
    #[error(transparent)]
    Ground(#[from] GroundError),
    #[error("the gateway does not start: {0}")]
    Start(#[from] StartError),
    #[error("the gateway stopped: {0}")]
    Gateway(#[from] GatewayError),
    #[error("the gateway's task ended by itself")]
    GatewayTask,
    #[error(transparent)]
    Watch(#[from] watch::WatchError),
}

/// Plays the demonstration. Its last line is the account.
pub(super) fn run(arguments: &Demo) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let screen = Arc::new(Screen::new(arguments.reports, Arc::clone(&clock)));
    super::serve::small_pages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(super::fail)?;
    let played = runtime.block_on(play(arguments, &screen, clock));
    let (tally, complaints) = played.map_err(super::fail)?;
    account(&screen, tally, &complaints)
}

async fn play(
    arguments: &Demo,
    screen: &Arc<Screen>,
    clock: Arc<dyn Clock>,
) -> Result<(Tally, ledger::Complaints), DemoError> {
    let ground = Ground::lay(arguments.keep.as_deref(), 0, &clock)?;
    let gateway = Gateway::start(ground.load()?, Arc::clone(&clock)).await?;
    let address = gateway.address();
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(gateway.run_until(async move {
        let _ends_too_when_dropped = ended.await;
    }));
    let now_unix_s = clock.now().as_second();
    let partners: Vec<Partner> = Tongue::ALL
        .iter()
        .map(|&tongue| Partner::new(tongue, arguments.seed, now_unix_s))
        .collect();
    introduce(screen, &ground, address, arguments);
    let ledger = Arc::new(Ledger::new());
    let reader = ground.endpoint("USA/feed-desk", address)?;
    let (last, until) = cell::channel(0);
    let mut shown = tokio::spawn(watch::show(reader.clone(), Arc::clone(screen), until));
    at_the_door(screen, &ground, address, &ledger).await?;
    // Somebody asks for the feed and stops reading; nobody else may notice.
    let stopped = connection::stopped_reader(&ground.endpoint("DEU/feed-desk", address)?).await;
    perform(arguments, screen, &ground, address, &partners, &ledger).await?;
    let _reader_ended = last.send(ledger.last_position());
    match tokio::time::timeout(CATCH_UP_DEADLINE, &mut shown).await {
        Ok(Ok(shown)) => shown?,
        Ok(Err(_)) => ledger.complain("the reader ended by itself".into()),
        // The reader only shows; what counts is read back below.
        Err(_slow) => shown.abort(),
    }
    if let Err(reason) = &stopped {
        ledger.complain(format!(
            "the reader that stops reading did not start: {reason}"
        ));
    }
    drop(stopped);
    let read = watch::read_back(&reader, &partners, &ledger).await;
    let _ended_already = end.send(());
    serving.await.map_err(|_| DemoError::GatewayTask)??;
    read?;
    Ok((ledger.tally(), ledger.complaints()))
}

fn introduce(screen: &Screen, ground: &Ground, address: SocketAddr, arguments: &Demo) {
    screen.line(
        Style::Bold,
        &format!(
            "A gateway on {address}, five partners, {} reports; mutual TLS with throw-away \
             certificates",
            arguments.reports
        ),
    );
    for tongue in Tongue::ALL {
        let who = format!("{}/{}", tongue.nation(), tongue.system());
        screen.line(Style::Plain, &format!("   {who:<17} {}", tongue.notation()));
    }
    screen.line(
        Style::Plain,
        "   USA/feed-desk     reads the feed: UTC, WGS 84, one vocabulary",
    );
    if arguments.keep.is_some() {
        let folder = ground.folder().display();
        screen.line(Style::Dim, &format!("   everything is kept in {folder}"));
    }
    screen.line(Style::Plain, "");
}

/// Strangers knock first: none of them may come in, and none of them may disturb the others.
async fn at_the_door(
    screen: &Screen,
    ground: &Ground,
    address: SocketAddr,
    ledger: &Ledger,
) -> Result<(), DemoError> {
    for stranger in Stranger::ALL {
        let met = match ground.stranger(stranger, address)? {
            Some(endpoint) => connection::knock(&endpoint).await,
            None => connection::garbage(address).await,
        };
        match met {
            Ok(told) => {
                screen.line(Style::Bad, &format!("   kept out {}", stranger.said()));
                screen.line(Style::Dim, &format!("            {told}"));
            }
            Err(opened) => ledger.complain(format!("{}: {opened}", stranger.said())),
        }
    }
    Ok(())
}

/// The partners play their parts, until all are done or somebody presses Ctrl-C.
async fn perform(
    arguments: &Demo,
    screen: &Arc<Screen>,
    ground: &Ground,
    address: SocketAddr,
    partners: &[Partner],
    ledger: &Arc<Ledger>,
) -> Result<(), DemoError> {
    let (stop, stopped) = cell::channel(false);
    let interval = interval(arguments, screen.is_watched());
    let mut parts = JoinSet::new();
    for (index, partner) in (0..).zip(partners) {
        let tongue = partner.tongue();
        let part = Part {
            partner: partner.clone(),
            reports: share(arguments.reports, index),
            endpoint: ground
                .endpoint(&format!("{}/{}", tongue.nation(), tongue.system()), address)?,
            ledger: Arc::clone(ledger),
            screen: Arc::clone(screen),
            interval,
            stop: stopped.clone(),
        };
        parts.spawn(part.perform());
    }
    let mut progress = tokio::time::interval(PROGRESS_INTERVAL);
    progress.tick().await;
    loop {
        tokio::select! {
            ended = parts.join_next() => if ended.is_none() { return Ok(()); },
            _ = tokio::signal::ctrl_c(), if !*stop.borrow() => {
                screen.line(Style::Bold, "   stopping: what is on its way is still receipted");
                let _all_parts_are_done = stop.send(true);
            }
            _ = progress.tick() => if arguments.reports > WATCHED_REPORTS_MAX {
                let tally = ledger.tally();
                let line = format!(
                    "   {} of {} sent, {} receipted, {} refused",
                    tally.sent, arguments.reports, tally.receipted, tally.refused
                );
                screen.line(Style::Bold, &line);
            }
        }
    }
}

/// Reports of the partner with this index; the first ones take what does not divide.
const fn share(reports: u64, index: u64) -> u64 {
    let parts = Tongue::ALL.len() as u64;
    reports / parts + if index < reports % parts { 1 } else { 0 }
}

/// Time between two reports of one partner.
fn interval(arguments: &Demo, watched: bool) -> Duration {
    let parts = f64::from(u32::try_from(Tongue::ALL.len()).unwrap_or(1));
    match arguments.rate {
        Some(0) => Duration::ZERO,
        Some(rate) => Duration::from_secs_f64(parts / f64::from(rate)),
        None if watched && arguments.reports <= WATCHED_REPORTS_MAX => {
            let each = u32::try_from(share(arguments.reports, 0).max(1)).unwrap_or(1);
            WATCHED_LASTS / each
        }
        None => Duration::ZERO,
    }
}

/// Prints the sums; the last line is for machines too.
fn account(screen: &Screen, tally: Tally, complaints: &ledger::Complaints) -> Result<(), Failure> {
    screen.line(Style::Plain, "");
    for complaint in &complaints.list {
        screen.line(Style::Bad, &format!("   not as intended: {complaint}"));
    }
    let unlisted = complaints
        .count
        .saturating_sub(complaints.list.len() as u64);
    if unlisted > 0 {
        screen.line(Style::Bad, &format!("   and {unlisted} more"));
    }
    let good = tally.missing == 0
        && tally.doubled == 0
        && complaints.count == 0
        && tally.sent == tally.receipted + tally.refused;
    if good {
        screen.line(
            Style::Good,
            "   every receipt is in the feed, once, with the answer known beforehand; \
             every refusal was intended",
        );
    }
    let Tally {
        sent,
        receipted,
        refused,
        fed,
        missing,
        doubled,
    } = tally;
    screen.line(
        Style::Plain,
        &format!(
            "demo: {sent} sent, {receipted} receipted, {refused} refused, {fed} in the feed, \
             {missing} missing, {doubled} doubled"
        ),
    );
    if good { Ok(()) } else { Err(Failure::Shown) }
}

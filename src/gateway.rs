//! The composition root: builds the parts in order, and alone spawns long-lived tasks.
//!
//! Order: the journal first (without it nothing may be promised), then trust (without it nobody
//! may connect), then the listener, and only then readiness. It ends the other way round:
//! readiness off, streams told, connections drained under a deadline, the journal closed last.

mod audit;
mod changes;
mod diagnosis;
mod difference;
mod expiry;
mod known;
mod reading;
mod retention;
mod watch;

use crate::admission::Admission;
use crate::clock::Clock;
use crate::config::{GatewaySettings, Loaded, NationFile, Origin};
use crate::feed::Feed;
use crate::feed::cursors::Cursors;
use crate::feed::places::Places;
use crate::identity::NationCode;
use crate::identity::registry::Registry;
use crate::intake::{Desk, Intake};
use crate::journal::quarantine::{Bounds, Quarantine, QuarantineError};
use crate::journal::{Health, Journal, OpenError};
use crate::listener::{Connections, Listener, ListenerError};
use crate::pki::{RenewalSettings, Renewals};
use crate::retention::Retention;
use crate::rpc::Doors;
use crate::rpc::changes::TrustChanges;
use crate::rpc::server::{self, ServeError};
use crate::telemetry;
use crate::trust::{TrustState, TrustStateError};
use arc_swap::ArcSwap;
use audit::Audit;
use changes::{Changes, Faults};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;
use tonic_health::server::HealthReporter;

/// Faults that may wait to be seen by [`Gateway::run_until`]; the first one decides.
const FAULTS_MAX: usize = 8;
/// The folder of the readers' cursors, in the journal's: they are worth nothing without it.
const CURSORS_FOLDER: &str = "cursors";

/// Why the gateway cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The journal does not open.
    #[error("journal: {0}")]
    Journal(#[from] OpenError),
    /// The quarantine does not open.
    #[error("quarantine: {0}")]
    Quarantine(#[from] QuarantineError),
    /// Anchors, revocation lists or the gateway's own certificate are not usable.
    #[error("trust: {0}")]
    Trust(#[from] TrustStateError),
    /// The address cannot be had.
    #[error("{0}")]
    Listener(#[from] ListenerError),
    /// The folder of the readers' cursors cannot be made or read.
    #[error("the folder `cursors` in the journal's folder: {0}")]
    Cursors(std::io::Error),
    /// What must not be removed is not known.
    #[error("retention: {0}")]
    Retention(String),
    /// Metrics cannot be served.
    #[error("metrics: {0}")]
    Metrics(#[from] telemetry::MetricsError),
    /// A blocking step was cut short because the process ends.
    #[error("the start was cut short")]
    CutShort,
}

/// Why a running gateway stopped by itself.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A write or a sync failed: what is on disk is unknown until recovery has looked.
    #[error(
        "the journal is stopped: {0}; no further report was acknowledged; \
         start the gateway again: recovery decides what is durable"
    )]
    Poisoned(String),
    /// The gRPC server gave up.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The feed cannot be read.
    #[error("feed: {0}")]
    Feed(#[from] crate::feed::FeedError),
    /// A task ended without being asked to.
    #[error("a task of the gateway ended: {0}")]
    Task(&'static str),
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    diagnosis: Option<SocketAddr>,
    journal: Journal,
    doors: Arc<Doors>,
    draining: cell::Sender<bool>,
    drain_deadline: Duration,
    faults: mpsc::Receiver<GatewayError>,
    health: HealthReporter,
    serving: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Starts a gateway. When this returns, it serves.
    ///
    /// # Errors
    /// Any part that does not start; nothing is left running.
    pub async fn start(loaded: Loaded, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let stores = Stores::open(&loaded, &clock).await?;
        let Loaded {
            gateway: settings,
            nations,
            origin,
            ..
        } = loaded;
        let journal = stores.journal.clone();
        let listener = Listener::bind(&settings.listener).await?;
        let address = listener.local_addr();
        let (draining, drained) = cell::channel(false);
        let (faults_in, faults) = mpsc::channel(FAULTS_MAX);
        let diagnosis =
            diagnosis::start(&settings, &stores.trust, &clock, &drained, &faults_in).await?;
        let (doors, changes) = doors(stores, &settings, nations, origin, &clock, drained.clone())?;
        let doors = Arc::new(doors);
        let (health, _) = tonic_health::server::health_reporter();
        watch::say(&health, &Health::Ready).await;
        let accepted = listener.run(
            Arc::clone(&doors.trust),
            Arc::clone(&doors.connections),
            Arc::clone(&doors.registry),
            clock,
            drained.clone(),
        );
        let serving = spawn_serving(
            &doors,
            &health,
            accepted,
            drained.clone(),
            faults_in.clone(),
        );
        let mut tasks = vec![
            tokio::spawn(deliver(journal.clone())),
            tokio::spawn(watch::journal(
                journal.clone(),
                health.clone(),
                faults_in.clone(),
            )),
            tokio::spawn(watch::nations(health.clone(), &doors, &changes)),
            tokio::spawn(watch::trust(changes, drained)),
            tokio::spawn(expiry::announce(Arc::clone(&doors))),
            tokio::spawn(retention::run(Arc::clone(&doors.retention))),
            tokio::spawn(watch::gauges(Arc::clone(&doors), journal.clone())),
        ];
        let (diagnosis, diagnosing) = diagnosis.unzip();
        tasks.extend(diagnosing);
        tasks.extend(follow_feed(&doors, &faults_in));
        let drain_deadline = settings.listener.drain_deadline;
        tracing::info!(%address, position = %journal.durable(), "the gateway serves");
        Ok(Self {
            address,
            diagnosis,
            journal,
            doors,
            draining,
            drain_deadline,
            faults,
            health,
            serving,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its diagnosis listener is; none: it has none.
    #[must_use]
    pub fn diagnosis_address(&self) -> Option<SocketAddr> {
        self.diagnosis
    }

    /// What its services share; for the operator's commands.
    #[must_use]
    pub fn doors(&self) -> &Arc<Doors> {
        &self.doors
    }

    /// Runs until `shutdown` resolves or a part fails, then drains and closes.
    ///
    /// # Errors
    /// What made the gateway stop by itself.
    pub async fn run_until(
        mut self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), GatewayError> {
        let outcome = tokio::select! {
            () = shutdown => Ok(()),
            fault = self.faults.recv() => {
                Err(fault.unwrap_or(GatewayError::Task("every task that could report a fault")))
            }
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "the gateway stops");
        }
        self.close().await;
        outcome
    }

    /// Drains under the deadline and closes.
    async fn close(mut self) {
        tracing::info!(deadline = ?self.drain_deadline, "draining");
        watch::stop_serving(&self.health).await;
        let _nobody_listens = self.draining.send(true);
        if tokio::time::timeout(self.drain_deadline, &mut self.serving)
            .await
            .is_err()
        {
            tracing::warn!("connections were still open at the drain deadline; they are cut");
            self.serving.abort();
        }
        for task in &self.tasks {
            task.abort();
        }
        let journal = self.journal;
        drop(self.doors);
        if blocking(move || journal.close()).await.is_err() {
            tracing::warn!("the journal's close was cut short");
        }
        tracing::info!("closed");
    }
}

/// Wakes those who wait for receipts, until the journal closes.
async fn deliver(journal: Journal) {
    journal.deliver().await;
}

/// What must be there before anybody may connect.
struct Stores {
    journal: Journal,
    quarantine: Quarantine,
    trust: Arc<TrustState>,
    cursors: Cursors,
    faults: Faults,
}

impl Stores {
    /// Opens journal, cursors, quarantine and trust, in this order.
    async fn open(loaded: &Loaded, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let settings = &loaded.gateway;
        let journal = {
            let (stream, clock) = (settings.stream.clone(), Arc::clone(clock));
            let settings = settings.journal.clone();
            match stream {
                Some(stream) => Journal::open_stream(settings, stream, clock).await?,
                None => blocking(move || Journal::open(settings, clock)).await??,
            }
        };
        let cursors = {
            let folder = settings.journal.folder.join(CURSORS_FOLDER);
            let clock = Arc::clone(clock);
            blocking(move || Cursors::open(&folder, clock)).await?
        };
        let cursors = cursors.map_err(StartError::Cursors)?;
        let quarantine = {
            let (settings, clock) = (settings.quarantine.clone(), Arc::clone(clock));
            blocking(move || Quarantine::open(settings, clock)).await??
        };
        let trust = {
            let sources = loaded.nations.iter();
            let sources = sources.map(|nation| nation.sources.clone()).collect();
            let (own, clock) = (settings.tls.clone(), Arc::clone(clock));
            let profile = settings.listener.tls_profile;
            let folder = settings.trust.folder.clone();
            let load = move || TrustState::load_sound(sources, own, profile, &folder, clock);
            blocking(load).await??
        };
        let (trust, of_trust) = trust;
        let faulty = loaded.faulty.iter();
        let faults = Faults {
            of_files: faulty.flat_map(reading::of_nation).collect(),
            of_trust: of_trust.iter().map(reading::of_trust).collect(),
        };
        Ok(Self {
            journal,
            quarantine,
            trust: Arc::new(trust),
            cursors,
            faults,
        })
    }
}

/// Builds what the services share, and the place where trust is changed.
fn doors(
    stores: Stores,
    settings: &GatewaySettings,
    nations: Vec<NationFile>,
    origin: Option<Origin>,
    clock: &Arc<dyn Clock>,
    draining: cell::Receiver<bool>,
) -> Result<(Doors, Arc<Changes>), StartError> {
    let Stores {
        journal,
        quarantine,
        trust,
        cursors,
        faults,
    } = stores;
    let registry = Arc::new(ArcSwap::from_pointee(registry(&nations)));
    let intake = Arc::new(Intake::new(
        journal.clone(),
        quarantine,
        Arc::clone(clock),
        desks(&nations),
    ));
    let renewals = Arc::new(Renewals::new(renewals(&nations), Arc::clone(clock)));
    let connections = Arc::new(Connections::new());
    let audit = Arc::new(Audit::new(&settings.trust.folder));
    let parts = changes::Parts {
        trust: Arc::clone(&trust),
        connections: Arc::clone(&connections),
        registry: Arc::clone(&registry),
        intake: Arc::clone(&intake),
        renewals: Arc::clone(&renewals),
        clock: Arc::clone(clock),
        audit: Arc::clone(&audit),
    };
    let changes = Changes::new(parts, &settings.trust, origin, nations, faults);
    let changes = Arc::new(changes);
    let feed = Arc::new(Feed::new(
        journal.clone(),
        Arc::clone(&registry),
        Arc::clone(clock),
        settings.feed.clone(),
        cursors,
    ));
    let retention = Retention::open(
        settings.retention.clone(),
        &settings.journal.folder,
        settings.stream.is_none(),
        (journal, Arc::clone(&feed)),
        Arc::clone(clock),
        Box::new(move |now, note| audit.retention(now, note)),
    );
    let doors = Doors {
        intake,
        feed,
        retention: Arc::new(retention.map_err(StartError::Retention)?),
        registry,
        admission: Admission::default(),
        connections,
        trust,
        changes: Arc::clone(&changes) as Arc<dyn TrustChanges>,
        renewals,
        clock: Arc::clone(clock),
        subscriptions: Arc::new(Places::new(&settings.feed)),
        settings: settings.rpc.clone(),
        draining,
    };
    Ok((doors, changes))
}

/// Runs a blocking step off the runtime.
async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StartError> {
    tokio::task::spawn_blocking(step)
        .await
        .map_err(|_| StartError::CutShort)
}

/// Keeps up with the feed what is derived from it.
fn follow_feed(doors: &Doors, faults: &mpsc::Sender<GatewayError>) -> [JoinHandle<()>; 2] {
    let (picture, links) = (Arc::clone(&doors.feed), Arc::clone(&doors.feed));
    let (of_picture, of_links) = (faults.clone(), faults.clone());
    [
        tokio::spawn(async move {
            if let Err(error) = picture.follow_picture().await {
                let _closing = of_picture.send(error.into()).await;
            }
        }),
        tokio::spawn(async move {
            if let Err(error) = links.follow_corroboration().await {
                let _closing = of_links.send(error.into()).await;
            }
        }),
    ]
}

fn spawn_serving(
    doors: &Arc<Doors>,
    health: &HealthReporter,
    accepted: mpsc::Receiver<crate::listener::GatewayIo>,
    mut drained: cell::Receiver<bool>,
    faults: mpsc::Sender<GatewayError>,
) -> JoinHandle<()> {
    let shutdown = async move {
        // An error means that the gateway is gone, which is a shutdown too.
        let _gone = drained.wait_for(|draining| *draining).await;
    };
    let serve = server::serve(Arc::clone(doors), health.clone(), accepted, shutdown);
    tokio::spawn(async move {
        if let Err(error) = serve.await {
            let _closing = faults.send(error.into()).await;
        }
    })
}

/// The registry of the nations in a configuration.
fn registry(nations: &[NationFile]) -> Registry {
    Registry::new(nations.iter().map(|file| file.nation.clone()))
}

/// How systems of the nations renew their certificates, as far as they may.
fn renewals(nations: &[NationFile]) -> HashMap<NationCode, RenewalSettings> {
    let files = nations.iter();
    files
        .filter_map(|file| Some((file.nation.code, file.renewal.clone()?)))
        .collect()
}

/// What intake knows of the nations in a configuration.
fn desks(nations: &[NationFile]) -> HashMap<NationCode, Desk> {
    let desk = |file: &NationFile| Desk {
        profile: Arc::clone(&file.profile),
        quarantine: Bounds {
            reports_max: file.nation.limits.quarantine_reports_max,
            bytes_max: file.nation.limits.quarantine_bytes_max,
        },
    };
    nations
        .iter()
        .map(|file| (file.nation.code, desk(file)))
        .collect()
}

//! The gateway's watches: the journal's health becomes readiness, and files of trust that
//! change on disk are taken up.

use super::GatewayError;
use super::changes::Changes;
use crate::identity::registry::Registry;
use crate::journal::{Health, Journal};
use crate::rpc::Doors;
use crate::rpc::changes::Fault;
use crate::rpc::health::nation_service;
use crate::rpc::server::SERVICES;
use crate::telemetry;
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// How often the files of trust are looked at. A change has to rest for one look, so it is
/// taken up within two to three.
const TRUST_INTERVAL: Duration = Duration::from_secs(1);

/// How often figures are shown as metrics.
const GAUGES_INTERVAL: Duration = Duration::from_secs(5);

/// The service that cannot serve without free disk, or servers; the others only read.
const WRITING_SERVICE: &str = "entente.v1.SubmissionService";

/// Tells health what the journal's state means for each service.
pub(super) async fn say(health: &HealthReporter, state: &Health) {
    for service in SERVICES.iter().chain(&[""]) {
        let serving = match state {
            Health::Ready => true,
            Health::DiskFull | Health::Unreachable(_) => *service != WRITING_SERVICE,
            Health::Poisoned(_) => false,
        };
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        health.set_service_status(*service, status).await;
    }
}

/// Turns every service off.
pub(super) async fn stop_serving(health: &HealthReporter) {
    for service in SERVICES.iter().chain(&[""]) {
        health
            .set_service_status(*service, ServingStatus::NotServing)
            .await;
    }
}

/// Follows the journal's health; a poisoned journal stops the gateway.
pub(super) async fn journal(
    journal: Journal,
    health: HealthReporter,
    faults: mpsc::Sender<GatewayError>,
) {
    let mut states = journal.health();
    loop {
        let state = states.borrow_and_update().clone();
        say(&health, &state).await;
        match state {
            Health::Ready => {}
            Health::DiskFull => {
                tracing::error!(
                    "free disk is below the floor: reports are refused until there is more"
                );
            }
            Health::Unreachable(reason) => {
                tracing::error!(
                    reason,
                    "the servers that store reports cannot be reached: reports are refused until \
                     they can"
                );
            }
            Health::Poisoned(reason) => {
                let _closing = faults.send(GatewayError::Poisoned(reason)).await;
                return;
            }
        }
        if states.changed().await.is_err() {
            return;
        }
        tracing::info!(state = ?*states.borrow(), "the journal's health changed");
    }
}

/// Tells health of each nation whether its files are sound. What is told of one that is gone is
/// taken back.
pub(super) fn nations(
    health: HealthReporter,
    doors: &Doors,
    changes: &Changes,
) -> impl Future<Output = ()> + Send + use<> {
    follow_nations(health, Arc::clone(&doors.registry), changes.faults_seen())
}

async fn follow_nations(
    mut health: HealthReporter,
    registry: Arc<ArcSwap<Registry>>,
    mut faults: watch::Receiver<Vec<Fault>>,
) {
    let mut told: BTreeMap<String, bool> = BTreeMap::new();
    loop {
        let faulty: BTreeSet<_> = faults
            .borrow_and_update()
            .iter()
            .map(|fault| fault.nation.clone())
            .filter(|name| !name.is_empty())
            .collect();
        let known: Vec<_> = registry
            .load()
            .nations()
            .map(|n| n.code.to_string())
            .collect();
        let names = known.into_iter().chain(faulty.iter().cloned());
        let now: BTreeMap<_, _> = names
            .map(|name| {
                let is_sound = !faulty.contains(&name);
                (name, is_sound)
            })
            .collect();
        for gone in told.keys().filter(|name| !now.contains_key(*name)) {
            health.clear_service_status(&nation_service(gone)).await;
        }
        for (name, is_sound) in &now {
            let status = if *is_sound {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            if told.get(name) != Some(is_sound) {
                health
                    .set_service_status(nation_service(name), status)
                    .await;
            }
        }
        told = now;
        if faults.changed().await.is_err() {
            return;
        }
    }
}

/// Takes up nations' files, anchors, revocation lists and the gateway's own certificate when
/// their files change, and on SIGHUP; and ends the connections that they no longer allow.
pub(super) async fn trust(changes: Arc<Changes>, mut draining: watch::Receiver<bool>) {
    let started = Arc::clone(&changes);
    if tokio::task::spawn_blocking(move || started.started())
        .await
        .is_err()
    {
        return;
    }
    let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
    else {
        tracing::error!("SIGHUP cannot be watched; files are still looked at");
        return;
    };
    let mut tick = tokio::time::interval(TRUST_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let is_hangup = tokio::select! {
            _ = tick.tick() => false,
            _ = hangup.recv() => true,
            _ = draining.wait_for(|draining| *draining) => return,
        };
        let changes = Arc::clone(&changes);
        let look = move || {
            if is_hangup {
                changes.hangup()
            } else {
                changes.look()
            }
        };
        if tokio::task::spawn_blocking(look).await.is_err() {
            tracing::error!("looking at the files of trust was cut short; it goes on");
        }
    }
}

/// Shows now and then what is too costly, or too dull, to count as it happens.
pub(super) async fn gauges(doors: Arc<Doors>, journal: Journal) {
    let mut tick = tokio::time::interval(GAUGES_INTERVAL);
    loop {
        tick.tick().await;
        let figures = journal.figures();
        telemetry::journal(
            figures.durable.0,
            figures.queued_entries,
            figures.free_bytes,
        );
        telemetry::subscriptions(doors.subscriptions.taken());
        for nation in doors.registry.load().nations() {
            let code = nation.code.as_str();
            telemetry::connections(code, doors.connections.count(nation.code));
            let quarantine = doors.intake.quarantine();
            telemetry::quarantined(code, quarantine.count(code), quarantine.dropped(code));
        }
    }
}

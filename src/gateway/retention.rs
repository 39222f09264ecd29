//! Lets retention look now and then, and shows what it found.

use crate::retention::Retention;
use crate::telemetry;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often it looks. A look at what it has seen before costs next to nothing.
const INTERVAL: Duration = Duration::from_secs(5);

/// Removes what may go, until the gateway ends.
pub(super) async fn run(retention: Arc<Retention>) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    let mut was_over = false;
    loop {
        tick.tick().await;
        let working = Arc::clone(&retention);
        let look = move || (working.round(), working.show());
        let Ok((outcome, shown)) = tokio::task::spawn_blocking(look).await else {
            tracing::error!("a look at what may be removed was cut short; it goes on");
            continue;
        };
        let fault = match outcome {
            Ok((_, plan)) => {
                if plan.over_bytes > 0 && !was_over {
                    tracing::warn!(
                        over_bytes = plan.over_bytes,
                        why = plan.then,
                        "the log is larger than retention.bytes_max, and nothing may go"
                    );
                }
                was_over = plan.over_bytes > 0;
                telemetry::retention_over(plan.over_bytes);
                String::new()
            }
            Err(error) => error.to_string(),
        };
        if !fault.is_empty() && fault != told {
            tracing::error!(error = fault, "what may be removed is not");
        }
        told = fault;
        for (rule, count) in shown.removed_by_rule() {
            telemetry::retention_removed(rule, count);
        }
        telemetry::retention(
            shown.first.0,
            (shown.log_bytes, shown.remains_bytes),
            !told.is_empty(),
        );
    }
}

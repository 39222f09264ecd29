//! The reader's side: shows the feed while it grows, and reads it back at the end.

use super::ledger::Ledger;
use super::screen::{Screen, Style};
use crate::client::{ClientError, Endpoint};
use crate::mock::{Expected, Partner};
use crate::wire::proto::{
    CommitmentStage, ContributionKind, FeedEntry, Observation, ObservationType, Record,
    SubscribeRequest, SubscribeResponse, WeaponClass, record,
};
use prost::Message as _;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::watch as cell;
use tonic::{Status, Streaming};

/// Why the feed could not be read.
#[derive(Debug, Error)]
pub(super) enum WatchError {
    /// The reader does not connect.
    #[error("the reader does not connect: {0}")]
    Connect(#[from] ClientError),
    /// The call failed.
    #[error("the feed ended early: {0}")]
    Call(String),
    /// A record cannot be read.
    #[error("position {0} holds no readable record")]
    Unreadable(u64),
}

/// Shows the feed live, as far as there is room on the screen, until it has come to the
/// position that `last` will name; 0: not known yet.
pub(super) async fn show(
    endpoint: Endpoint,
    screen: Arc<Screen>,
    mut last: cell::Receiver<u64>,
) -> Result<(), WatchError> {
    let mut feed = subscribe(&endpoint, false).await?;
    let mut shown = 0;
    loop {
        let until = *last.borrow_and_update();
        if until != 0 && shown >= until {
            return Ok(());
        }
        let answer = tokio::select! {
            answer = feed.message() => answer.map_err(broken)?,
            changed = last.changed() => match changed {
                Ok(()) => continue,
                Err(_demonstration_is_over) => return Ok(()),
            },
        };
        let Some(answer) = answer else {
            return Ok(());
        };
        shown = answer.next_position.saturating_sub(1);
        for entry in &answer.entries {
            if screen.has_room() {
                let record = decoded(entry)?;
                screen.line(Style::Plain, &line(entry.position, &record));
            }
        }
    }
}

/// Reads the feed from its first position to its present end, and books every record.
pub(super) async fn read_back(
    endpoint: &Endpoint,
    partners: &[Partner],
    ledger: &Ledger,
) -> Result<(), WatchError> {
    let mut feed = subscribe(endpoint, true).await?;
    while let Some(answer) = feed.message().await.map_err(broken)? {
        for entry in &answer.entries {
            let record = decoded(entry)?;
            let sender = partners
                .iter()
                .find(|partner| partner.tongue().nation() == record.nation);
            let known = sender.and_then(|partner| {
                let number = partner.number_of(&record.report_id, record.revision)?;
                Some((partner, number))
            });
            let Some((partner, number)) = known else {
                let name = &record.report_id;
                ledger.complain(format!("position {}: nobody sent {name}", entry.position));
                continue;
            };
            ledger.fed(partner.tongue(), number, entry.position);
            compare(&record, entry.position, partner, number, ledger);
        }
    }
    Ok(())
}

/// Holds a record against its known answer.
fn compare(record: &Record, position: u64, partner: &Partner, number: u64, ledger: &Ledger) {
    let mocked = partner.report(number);
    let Expected::Accepted(answer) = &mocked.expected else {
        // Already complained about when it was receipted.
        return;
    };
    for difference in answer.differences(record) {
        let name = &record.report_id;
        ledger.complain(format!("position {position}, {name}: {difference}"));
    }
}

async fn subscribe(
    endpoint: &Endpoint,
    until_now: bool,
) -> Result<Streaming<SubscribeResponse>, WatchError> {
    let mut client = endpoint.feed().await?;
    let request = SubscribeRequest {
        from_position: 1,
        until_now,
        ..SubscribeRequest::default()
    };
    Ok(client
        .subscribe(request)
        .await
        .map_err(broken)?
        .into_inner())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn broken(status: Status) -> WatchError {
    WatchError::Call(status.message().into())
}

fn decoded(entry: &FeedEntry) -> Result<Record, WatchError> {
    Record::decode(entry.record.clone()).map_err(|_| WatchError::Unreadable(entry.position))
}

/// One line for people: what came in as text, and what the feed carries.
fn line(position: u64, record: &Record) -> String {
    let who = format!("{}/{}", record.nation, record.system);
    let what = match &record.body {
        Some(record::Body::Sighting(body)) => sighting(body),
        Some(record::Body::Contribution(body)) => contribution(body),
        None => "withdraws what it reported".into(),
    };
    let revision = match record.revision {
        1 => String::new(),
        more => format!(" rev {more}"),
    };
    format!(
        "{position:>6}  {who:<16} {}{revision}  {what}",
        record.report_id
    )
}

fn sighting(body: &crate::wire::proto::Sighting) -> String {
    let place = match &body.location {
        Some(point) => {
            let within = point
                .horizontal_uncertainty_m
                .map_or_else(String::new, |metres| format!(" ±{metres:.1} m"));
            let written = &point.original_text;
            let (lat, lon) = (point.latitude_deg, point.longitude_deg);
            format!("{written} = {lat:.5} {lon:.5}{within}")
        }
        None => "place unknown".into(),
    };
    let seen = body.observations.first().map_or_else(String::new, seen);
    format!("{seen}  {place}")
}

/// What was seen: in the nation's words where they are not ours, then in the feed's.
fn seen(seen: &Observation) -> String {
    let what = ObservationType::try_from(seen.r#type).unwrap_or_default();
    let what = plain(what.as_str_name(), "OBSERVATION_TYPE_");
    let words = match seen.original_text.as_str() {
        "" => String::new(),
        ours if ours.eq_ignore_ascii_case(&what) => String::new(),
        theirs => format!("{theirs} = "),
    };
    let count = seen
        .count
        .as_ref()
        .and_then(|count| count.min.or(count.max))
        .map_or_else(String::new, |count| format!("{count} "));
    let weapon = seen.weapon.as_ref().map_or_else(String::new, |weapon| {
        let class = WeaponClass::try_from(weapon.weapon_class).unwrap_or_default();
        format!(", {}", weapon_name(class))
    });
    format!("{words}{count}{what}{weapon}")
}

fn weapon_name(class: WeaponClass) -> String {
    match class {
        WeaponClass::Mlrs => "MLRS".into(),
        WeaponClass::Ifv => "IFV".into(),
        WeaponClass::Apc => "APC".into(),
        WeaponClass::HowitzerSp => "self-propelled howitzer".into(),
        WeaponClass::HowitzerTowed => "towed howitzer".into(),
        WeaponClass::MachineGunHeavy => "heavy machine gun".into(),
        other => plain(other.as_str_name(), "WEAPON_CLASS_"),
    }
}

fn contribution(body: &crate::wire::proto::Contribution) -> String {
    let kind = ContributionKind::try_from(body.kind).unwrap_or_default();
    let stage = CommitmentStage::try_from(body.stage).unwrap_or_default();
    format!(
        "brings {}: {}, {}",
        plain(kind.as_str_name(), "CONTRIBUTION_KIND_"),
        body.contribution_id,
        plain(stage.as_str_name(), "COMMITMENT_STAGE_"),
    )
}

/// `OBSERVATION_TYPE_MUZZLE_FLASH` as people say it.
fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .to_lowercase()
        .replace('_', " ")
}

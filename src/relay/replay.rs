//! Dead letters once more. Each record is asked of the gateway again, so that what the relay may
//! see by now decides, and not what it could see when the record was refused.

use super::RelayError;
use super::dead::DeadLetters;
use super::entry::Entry;
use super::settings::RelaySettings;
use super::target::{End, Target};
use crate::clock::Clock;
use std::sync::Arc;

/// What became of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The target took it; it is no dead letter any more.
    Taken,
    /// The relay may not see it any more, or not hand it on; it is dropped.
    Withheld,
    /// It stays, for this reason.
    Stays(String),
    /// It was dropped unsent, as asked for.
    Dropped,
}

/// Hands dead letters to the target again, in the order of positions: those of `positions`, or
/// all. With `dropping` they are only taken out. `tell` hears of each.
///
/// # Errors
/// The relay's files, or the gateway; what was done by then is done.
pub async fn replay(
    settings: &RelaySettings,
    target: &mut Target,
    dead: &mut DeadLetters,
    clock: &Arc<dyn Clock>,
    positions: &[u64],
    dropping: bool,
    mut tell: impl FnMut(u64, &Replayed),
) -> Result<(), RelayError> {
    let endpoint = settings.endpoint(clock)?;
    let is_meant = |position: &u64| positions.is_empty() || positions.contains(position);
    let meant: Vec<_> = dead
        .letters()
        .map(|letter| letter.position)
        .filter(is_meant)
        .collect();
    for position in meant {
        let became = match dropping {
            true => Replayed::Dropped,
            false => match endpoint
                .record(position, settings.wants_originals())
                .await?
                .map(Entry::new)
            {
                None => Replayed::Withheld,
                Some(Err(reason)) => Replayed::Stays(reason),
                Some(Ok(entry)) if !settings.audience.may_see(&entry.record) => Replayed::Withheld,
                Some(Ok(entry)) => match target.hand(&[entry], true).await.end {
                    End::All => Replayed::Taken,
                    End::Refused(reason) | End::Failed(reason) => Replayed::Stays(reason),
                },
            },
        };
        if !matches!(became, Replayed::Stays(_)) {
            dead.remove(position)?;
        }
        tell(position, &became);
    }
    Ok(())
}
